//! The window: lays the panels out around the map, reads the keyboard, and hands what was asked for to the worker.
//!
//! It draws only when something changed: no panel asks for a frame of its own accord, and a new view comes with a wake-up call from the
//! worker's side (`egui::Context::request_repaint`).

mod history;
mod keyboard;
mod middle;
mod selection;

use std::sync::Arc;

use egui::{CentralPanel, Frame, Panel, Ui};

use crate::command::Command;
use crate::map::MapView;
use crate::panels::actions::{self, Action, Part, Situation};
use crate::panels::assumptions_dialog::AssumptionsDialog;
use crate::panels::dialogs::{FileDialogs, SystemDialogs};
use crate::panels::discard_dialog::{Answer, DiscardDialog};
use crate::panels::inspector::{InspectorState, inspector_ui};
use crate::panels::name_dialog::NameDialog;
use crate::panels::namespaces::{NamespacesState, namespaces_ui};
use crate::panels::palette::{Outcome, PaletteDialog};
use crate::panels::parts;
use crate::panels::path_dialog::{PathDialog, Purpose};
use crate::panels::sketch::{self, SketchState, SketchTab, sketch_ui};
use crate::panels::status::{self, status_ui};
use crate::panels::strip::Strip;
use crate::panels::top_bar::{self, TopBarState, top_bar_ui};
use crate::theme::{self, Palette};
use crate::view_model::caption::caption;
use crate::view_model::{ContextRow, Hint, View};
use history::History;
use middle::{MIN_MAP, middle_ui};
use selection::Selection;

/// What the window talks to: it gives views and takes commands. Nothing here may block.
pub trait Backend: Send {
    /// The newest view.
    fn view(&mut self) -> Arc<View>;
    /// Takes a command; its effect shows in a later view.
    fn send(&mut self, command: Command);
    /// The contexts that can be opened.
    fn contexts(&self) -> Vec<ContextRow>;
}

/// The window's contents.
pub struct Window {
    backend: Box<dyn Backend>,
    file_dialogs: Box<dyn FileDialogs>,
    view: Arc<View>,
    selection: Selection,
    history: History,
    map: MapView,
    top_bar: TopBarState,
    namespaces: NamespacesState,
    inspector: InspectorState,
    sketch: SketchState,
    dialog: Option<Dialog>,
    /// The first of two keys, while the second is waited for.
    first_key: Option<&'static str>,
    /// What had the keyboard last, outside of dialogs: the Tab key goes on from there.
    last_focus: Option<egui::Id>,
    /// Whether Esc belonged to something else when this frame began: a text field, a menu or a dialog.
    escape_is_taken: bool,
}

/// The one dialog that is open.
enum Dialog {
    Assumptions(AssumptionsDialog),
    Palette(PaletteDialog),
    Path(PathDialog),
    Name(NameDialog),
    Discard(DiscardDialog),
}

impl Window {
    /// A window on `backend` with the system's file dialogs. Installs fonts and styles into `ctx`.
    pub fn new(ctx: &egui::Context, backend: Box<dyn Backend>) -> Self {
        Self::with_dialogs(ctx, backend, Box::new(SystemDialogs::default()))
    }

    /// A window with file dialogs of the caller's choice.
    pub fn with_dialogs(ctx: &egui::Context, mut backend: Box<dyn Backend>, file_dialogs: Box<dyn FileDialogs>) -> Self {
        theme::install(ctx);
        let view = backend.view();
        Self {
            backend,
            file_dialogs,
            selection: Selection::of(&view),
            sketch: SketchState::of(&view),
            view,
            history: History::default(),
            map: Default::default(),
            top_bar: TopBarState::default(),
            namespaces: NamespacesState::default(),
            inspector: InspectorState::default(),
            dialog: None,
            first_key: None,
            last_focus: None,
            escape_is_taken: false,
        }
    }

    /// The view that was drawn last.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Whether a layout of the map is under way.
    pub fn is_laying_out(&self) -> bool {
        self.map.is_laying_out()
    }

    fn panels_ui(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let view = Arc::clone(&self.view);
        let palette = Palette::of(ui);
        let panel = Frame::NONE.fill(palette.panel);
        let selected = self.selection.id.clone();

        let contexts = self.backend.contexts();
        let top = Panel::top("top bar").exact_size(top_bar::HEIGHT).frame(panel);
        let action = top.show(ui, |ui| top_bar_ui(ui, &view, &contexts, &mut self.top_bar, commands)).inner;
        let bottom = Panel::bottom("status bar").exact_size(status::HEIGHT).frame(Frame::NONE.fill(palette.raised));
        bottom.show_separator_line(false).show(ui, |ui| status_ui(ui, &view.status, self.first_key, commands));
        let left = Panel::left("namespaces").default_size(224.0).size_range(200.0..=420.0).frame(panel);
        left.show(ui, |ui| namespaces_ui(ui, &view, selected.as_deref(), &mut self.namespaces, commands));
        let right = Panel::right("inspector").default_size(330.0).size_range(300.0..=640.0).frame(panel);
        right.show(ui, |ui| {
            inspector_ui(ui, &view, &mut self.inspector, commands);
            ui.take_available_space();
        });
        // However far the sketch is dragged up, the map keeps its room.
        let tallest = (ui.available_height() - MIN_MAP.y - 16.0).max(132.0);
        let sketch = if self.sketch.is_open {
            Panel::bottom("sketch").resizable(true).default_size(220.0).size_range(132.0..=tallest)
        } else {
            Panel::bottom("folded sketch").exact_size(sketch::TABS)
        };
        let namespace = namespace_of(selected.as_deref());
        let asked = sketch.frame(panel).show(ui, |ui| sketch_ui(ui, &view, namespace, &mut self.sketch, commands)).inner;
        let ways = (self.history.can_go_back(selected.as_deref()), self.history.can_go_forward());
        let strip = Strip { show: &self.namespaces.show.options, reach: self.map.reach(), ways };
        let middle = CentralPanel::no_frame().frame(Frame::NONE.fill(palette.canvas));
        let of_map = middle.show(ui, |ui| middle_ui(ui, &mut self.map, &view, strip, commands)).inner;

        for (panel, name) in
            [("namespaces", "Edge of the namespaces"), ("inspector", "Edge of the inspector"), ("sketch", "Edge of the sketch")]
        {
            parts::name_edge(ui, panel, name);
        }
        if asked.export {
            self.act(ui.ctx(), Action::Export, commands);
        }
        if asked.rename {
            self.act(ui.ctx(), Action::NameSketch, commands);
        }
        for action in action.into_iter().chain(of_map) {
            self.act(ui.ctx(), action, commands);
        }
    }

    fn situation(&self) -> Situation<'_> {
        let ways = (self.history.can_go_back(self.selection.id.as_deref()), self.history.can_go_forward());
        Situation { view: &self.view, show: &self.namespaces.show.options, ways }
    }

    fn dialog_ui(&mut self, ctx: &egui::Context, commands: &mut Vec<Command>) {
        let Some(mut dialog) = self.dialog.take() else { return };
        let outcome = match &mut dialog {
            Dialog::Assumptions(dialog) => outcome_of(dialog.show(ctx, &self.view.assumptions, commands)),
            Dialog::Palette(dialog) => dialog.show(ctx, self.situation()),
            Dialog::Path(dialog) => outcome_of(dialog.show(ctx, &self.view, self.file_dialogs.as_ref(), commands)),
            Dialog::Name(dialog) => outcome_of(dialog.show(ctx, commands)),
            Dialog::Discard(dialog) => match dialog.show(ctx) {
                Answer::Open => Outcome::Open,
                Answer::Keep => Outcome::Closed,
                Answer::Discard(command) => {
                    self.backend.send(command);
                    Outcome::Closed
                }
            },
        };
        if outcome == Outcome::Open {
            self.dialog = Some(dialog);
        } else {
            // The dialog's shade is gone only in the next frame.
            ctx.request_repaint();
        }
        if let Outcome::Chosen(action) = outcome {
            self.act(ctx, action, commands);
        }
    }

    /// Does what a named command does.
    fn act(&mut self, ctx: &egui::Context, action: Action, commands: &mut Vec<Command>) {
        if !actions::is_enabled(action, self.situation()) {
            return;
        }
        let show = &mut self.namespaces.show;
        match action {
            Action::Search => self.top_bar.search.focus(),
            Action::Palette => self.dialog = Some(Dialog::Palette(PaletteDialog::new(false))),
            Action::Help => self.dialog = Some(Dialog::Palette(PaletteDialog::new(true))),
            Action::Back => commands.extend(self.history.back(self.selection.id.as_deref()).map(|id| Command::Select(Some(id)))),
            Action::Forward => commands.extend(self.history.forward().map(|id| Command::Select(Some(id)))),
            Action::Deselect => commands.push(Command::Select(None)),
            Action::Enter(Part::Tree) => self.namespaces.focus(),
            Action::Enter(Part::Inspector) => self.inspector.focus(ctx),
            Action::Enter(Part::Sketch) => self.sketch.focus(ctx),
            Action::OpenDemo(demo) => commands.push(Command::OpenDemo(demo)),
            Action::OpenFolder => self.ask_path(Purpose::OpenFolder),
            Action::OpenFiles => self.ask_path(Purpose::OpenFiles),
            Action::Assumptions => commands.push(Command::ShowAssumptions(None)),
            Action::Profile(profile) => commands.push(Command::SetProfile(profile)),
            Action::Map(action) => self.map.act(action),
            Action::FoldAll(fold) => commands.push(Command::FoldAll(fold)),
            Action::BringAllBack => {
                // What everything talks to is put aside by an option, which comes along.
                show.options.noisy_peers = true;
                commands.extend([Command::Show(show.options.clone()), Command::BringBack(None)]);
            }
            Action::UnpinAll => commands.extend(self.view.pinned.iter().map(|(id, _)| Command::Pin(id.clone()))),
            Action::SavePicture => self.ask_path(Purpose::Picture),
            Action::Toggle(toggle) => {
                let option = toggle.of(&mut show.options);
                *option = !*option;
                commands.push(Command::Show(show.options.clone()));
            }
            Action::Only(only) => {
                show.options.only = only;
                commands.push(Command::Show(show.options.clone()));
            }
            Action::NextPolicies => {
                show.options.policies = actions::next_policies(&show.options, &self.view.policy_filters);
                commands.push(Command::Show(show.options.clone()));
            }
            Action::Filter => show.edit_filter(),
            Action::ShowEverything => {
                show.clear();
                commands.push(Command::Show(show.options.clone()));
            }
            Action::Create(template) => commands.extend(self.namespace_for_new().map(|name| Command::Create(template, name))),
            Action::DeleteObject => commands.extend(self.open_object().map(Command::Delete)),
            Action::RevertObject => commands.extend(self.open_object().map(Command::Revert)),
            Action::CloseObject => commands.push(Command::CloseObject),
            Action::Undo => commands.push(Command::Undo),
            Action::Redo => commands.push(Command::Redo),
            Action::Export => self.ask_path(Purpose::Export),
            Action::NameSketch => self.dialog = Some(Dialog::Name(NameDialog::new(&self.view.sketch.name))),
            Action::ClearSketch => commands.push(Command::ClearSketch),
            Action::Tab(tab) => self.sketch.bring(tab),
            Action::FoldSketch => self.sketch.is_open = !self.sketch.is_open,
            Action::Theme(preference) => ctx.set_theme(preference),
        }
        ctx.request_repaint();
    }

    /// The namespace that a new object goes into: that of the selection, else the first.
    fn namespace_for_new(&self) -> Option<String> {
        let selected = namespace_of(self.selection.id.as_deref());
        let rows = || self.view.namespaces.iter();
        rows().find(|row| Some(row.name.as_str()) == selected).or_else(|| rows().next()).map(|row| row.name.clone())
    }

    /// The key of the object in the editor.
    fn open_object(&self) -> Option<String> {
        self.view.sketch.open.as_ref().map(|object| object.key.clone())
    }

    fn ask_path(&mut self, purpose: Purpose) {
        self.dialog = Some(Dialog::Path(PathDialog::new(purpose, &self.view.sketch.name)));
    }

    fn send(&mut self, ctx: &egui::Context, commands: Vec<Command>) {
        if commands.is_empty() {
            return;
        }
        for command in commands {
            match &command {
                Command::OpenDemo(_) | Command::OpenManifests(_) | Command::OpenContext(_) if !self.view.sketch.edits.is_empty() => {
                    self.dialog = Some(Dialog::Discard(DiscardDialog::new(command, self.view.sketch.edits.len())));
                    continue;
                }
                Command::ShowAssumptions(name) => {
                    self.dialog = Some(Dialog::Assumptions(AssumptionsDialog::new(name.clone())));
                    continue;
                }
                Command::SavePicture(path) => {
                    let caption = caption(&self.view, &self.namespaces.show.options);
                    if let Some(picture) = self.map.picture(ctx.global_style().visuals.dark_mode) {
                        self.backend.send(Command::WritePicture(path.clone(), Arc::new(picture.captioned(caption))));
                    }
                    continue;
                }
                Command::Select(id) => {
                    self.selection.ask(id.clone(), &self.view);
                    if let Some(id) = id {
                        self.history.visit(id);
                    }
                }
                Command::OpenObject { .. } | Command::Create(..) => self.sketch.bring(SketchTab::Sketch),
                _ => {}
            }
            self.backend.send(command);
        }
        // An answer may be there already.
        ctx.request_repaint();
    }
}

impl eframe::App for Window {
    fn logic(&mut self, _ctx: &egui::Context, _frame: &mut eframe::Frame) {
        let view = self.backend.view();
        if view.status.source != self.view.status.source {
            self.map.request_fit();
            self.history.clear();
        }
        if let Some(id) = view.map_focus.as_ref().filter(|id| self.view.map_focus.as_ref() != Some(id)) {
            self.map.focus_on(id.clone());
        }
        if view.hint != self.view.hint {
            let lines = |hint: &Hint| hint.lines.iter().map(|line| (line.text.clone(), line.tone)).collect();
            self.map.explain(view.hint.as_ref().map(|hint| (hint.id.clone(), lines(hint))));
        }
        self.view = view;
        self.selection.follow(&self.view);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        let mut commands = Vec::new();
        self.keyboard(&ctx, &mut commands);
        self.panels_ui(ui, &mut commands);
        self.dialog_ui(&ctx, &mut commands);
        self.escape(&ctx, &mut commands);
        let dropped: Vec<_> = ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !dropped.is_empty() {
            commands.push(Command::OpenManifests(dropped));
        }
        self.send(&ctx, commands);
        drop_lost_focus(&ctx);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        Palette::for_mode(visuals.dark_mode).canvas.to_normalized_gamma_f32()
    }
}

/// Takes the keyboard from a widget that is not there in this frame. egui keeps the focus for a frame more where Shift+Tab led to what
/// has gone since, and a screen reader is then told of a focus that its tree does not have, which AccessKit answers with a panic.
fn drop_lost_focus(ctx: &egui::Context) {
    let Some(focus) = ctx.memory(|memory| memory.focused()) else { return };
    if ctx.viewport(|viewport| viewport.this_pass.widgets.get(focus).is_none()) {
        ctx.memory_mut(|memory| memory.surrender_focus(focus));
    }
}

const fn outcome_of(stays_open: bool) -> Outcome {
    if stays_open { Outcome::Open } else { Outcome::Closed }
}

/// The namespace that what is selected is in: the second part of its id, where that names one.
fn namespace_of(selected: Option<&str>) -> Option<&str> {
    selected?.split('/').nth(1)
}
