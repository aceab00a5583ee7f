//! The window: lays the panels out around the map, reads the keyboard, and hands what was asked for to the worker.
//!
//! It draws only when something changed: no panel asks for a frame of its own accord, and a new view comes with a wake-up call from the
//! worker's side (`egui::Context::request_repaint`).

use std::sync::Arc;

use egui::{CentralPanel, Event, Frame, Id, Key, Modifiers, Panel, Ui};

use crate::command::Command;
use crate::map::model::MapModel;
use crate::map::{MapEvent, MapView};
use crate::panels::assumptions_dialog::AssumptionsDialog;
use crate::panels::dialogs::{FileDialogs, SystemDialogs};

use crate::panels::discard_dialog::{Answer, DiscardDialog};
use crate::panels::inspector::{InspectorState, inspector_ui};
use crate::panels::name_dialog::NameDialog;
use crate::panels::namespaces::{NamespacesState, namespaces_ui};
use crate::panels::palette::{self, Action, Keys, Outcome, PaletteDialog};
use crate::panels::parts;
use crate::panels::path_dialog::{PathDialog, Purpose};
use crate::panels::sketch::{SketchState, SketchTab, sketch_ui};
use crate::panels::status::{self, status_ui};
use crate::panels::top_bar::{self, TopBarState, top_bar_ui};
use crate::theme::{self, Palette};
use crate::view_model::{ContextRow, Freshness, View, ids};

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
    map: MapView,
    top_bar: TopBarState,
    namespaces: NamespacesState,
    inspector: InspectorState,
    sketch: SketchState,
    dialog: Option<Dialog>,
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
            view,
            map: Default::default(),
            top_bar: TopBarState::default(),
            namespaces: NamespacesState::default(),
            inspector: InspectorState::default(),
            sketch: SketchState::default(),
            dialog: None,
            escape_is_taken: false,
        }
    }

    /// The view that was drawn last.
    pub fn view(&self) -> &Arc<View> {
        &self.view
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
        bottom.show_separator_line(false).show(ui, |ui| status_ui(ui, &view.status, commands));
        let left = Panel::left("namespaces").default_size(224.0).size_range(200.0..=420.0).frame(panel);
        left.show(ui, |ui| namespaces_ui(ui, &view, selected.as_deref(), &mut self.namespaces, commands));
        let right = Panel::right("inspector").default_size(330.0).size_range(300.0..=640.0).frame(panel);
        right.show(ui, |ui| {
            inspector_ui(ui, &view, &mut self.inspector, commands);
            ui.take_available_space();
        });
        // However far the sketch is dragged up, the map keeps its room.
        let tallest = (ui.available_height() - MIN_MAP.y - 16.0).max(132.0);
        let sketch = Panel::bottom("sketch").resizable(true).default_size(220.0).size_range(132.0..=tallest).frame(panel);
        let namespace = namespace_of(&view, selected.as_deref());
        let asked = sketch.show(ui, |ui| sketch_ui(ui, &view, namespace, &mut self.sketch, commands)).inner;
        let middle = CentralPanel::no_frame().frame(Frame::NONE.fill(palette.canvas));
        let events = middle.show(ui, |ui| middle_ui(ui, &mut self.map, &view)).inner;

        for (panel, name) in
            [("namespaces", "Edge of the namespaces"), ("inspector", "Edge of the inspector"), ("sketch", "Edge of the sketch")]
        {
            parts::name_edge(ui, panel, name);
        }
        commands.extend(events.into_iter().filter_map(|event| command_of(&view, event)));
        if asked.export {
            self.act(ui.ctx(), Action::Export, commands);
        }
        if asked.rename {
            self.act(ui.ctx(), Action::NameSketch, commands);
        }
        if let Some(action) = action {
            self.act(ui.ctx(), action, commands);
        }
    }

    fn dialog_ui(&mut self, ctx: &egui::Context, commands: &mut Vec<Command>) {
        let Some(dialog) = &mut self.dialog else { return };
        let outcome = match dialog {
            Dialog::Assumptions(dialog) => outcome_of(dialog.show(ctx, &self.view.assumptions, commands)),
            Dialog::Palette(dialog) => dialog.show(ctx, &self.view),
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
        if outcome != Outcome::Open {
            self.dialog = None;
            // The dialog's shade is gone only in the next frame.
            ctx.request_repaint();
        }
        if let Outcome::Chosen(action) = outcome {
            self.act(ctx, action, commands);
        }
    }

    /// Does what a named command does.
    fn act(&mut self, ctx: &egui::Context, action: Action, commands: &mut Vec<Command>) {
        if !palette::is_enabled(action, &self.view) {
            return;
        }
        match action {
            Action::Search => self.top_bar.search.focus(),
            Action::Palette => self.dialog = Some(Dialog::Palette(PaletteDialog::new(false))),
            Action::Help => self.dialog = Some(Dialog::Palette(PaletteDialog::new(true))),
            Action::OpenDemo(demo) => commands.push(Command::OpenDemo(demo)),
            Action::OpenFolder => self.ask_path(Purpose::OpenFolder),
            Action::OpenFiles => self.ask_path(Purpose::OpenFiles),
            Action::Export => self.ask_path(Purpose::Export),
            Action::Undo => commands.push(Command::Undo),
            Action::Redo => commands.push(Command::Redo),
            Action::NameSketch => self.dialog = Some(Dialog::Name(NameDialog::new(&self.view.sketch.name))),
            Action::ClearSketch => commands.push(Command::ClearSketch),
            Action::Deselect => commands.push(Command::Select(None)),
            Action::FoldAll(fold) => commands.push(Command::FoldAll(fold)),
            Action::Assumptions => commands.push(Command::ShowAssumptions(None)),
            Action::Profile(profile) => commands.push(Command::SetProfile(profile)),
            Action::Theme(preference) => ctx.set_theme(preference),
            Action::MapKey => {}
        }
        ctx.request_repaint();
    }

    fn ask_path(&mut self, purpose: Purpose) {
        self.dialog = Some(Dialog::Path(PathDialog::new(purpose, &self.view.sketch.name)));
    }

    /// Reads the shortcuts of the table of named commands. Runs before the panels, so that a text field does not get the characters.
    fn keyboard(&mut self, ctx: &egui::Context, commands: &mut Vec<Command>) {
        if self.dialog.is_some() {
            return;
        }
        let is_typing = ctx.text_edit_focused();
        for entry in palette::ENTRIES {
            // A text field has an undo of its own.
            let is_the_fields = is_typing && matches!(entry.action, Action::Undo | Action::Redo);
            let is_pressed = match entry.keys {
                Keys::Shortcut(_) if is_the_fields => false,
                Keys::Shortcut(shortcut) => ctx.input_mut(|input| {
                    // Without this, Ctrl-Shift-Z would also be Ctrl-Z.
                    input.modifiers.shift == shortcut.modifiers.shift && input.consume_shortcut(&shortcut)
                }),
                Keys::Char(_) if is_typing => false,
                Keys::Char(text) => ctx.input_mut(|input| {
                    let n_before = input.events.len();
                    input.events.retain(|event| !matches!(event, Event::Text(typed) if typed == text));
                    input.events.len() != n_before
                }),
                Keys::None | Keys::Map(_) => false,
            };
            if is_pressed {
                self.act(ctx, entry.action, commands);
            }
        }
        let redo = egui::KeyboardShortcut::new(Modifiers::COMMAND, Key::Y);
        if !is_typing && ctx.input_mut(|input| input.consume_shortcut(&redo)) {
            self.act(ctx, Action::Redo, commands);
        }
    }

    /// Esc, when nobody else wanted it, selects nothing.
    fn escape(&mut self, ctx: &egui::Context, commands: &mut Vec<Command>) {
        let is_pressed = ctx.input(|input| input.key_pressed(Key::Escape));
        if is_pressed && !self.escape_is_taken && self.dialog.is_none() && self.selection.id.is_some() {
            commands.push(Command::Select(None));
        }
        self.escape_is_taken = ctx.text_edit_focused() || egui::Popup::is_any_open(ctx) || self.dialog.is_some();
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
                Command::Select(id) => self.selection.ask(id.clone(), &self.view),
                Command::OpenObject { .. } | Command::Create(..) => self.sketch.tab = SketchTab::Sketch,
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
        }
        if let Some(id) = view.map_focus.as_ref().filter(|id| self.view.map_focus.as_ref() != Some(id)) {
            self.map.focus_on(id.clone());
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
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        Palette::for_mode(visuals.dark_mode).canvas.to_normalized_gamma_f32()
    }
}

const fn outcome_of(stays_open: bool) -> Outcome {
    if stays_open { Outcome::Open } else { Outcome::Closed }
}

/// What is selected. It changes at once when asked to, and follows the views again once one has answered.
#[derive(Debug, Default)]
struct Selection {
    id: Option<String>,
    /// The generation that was shown when the selection was asked for, while no view has answered yet.
    asked_at: Option<u64>,
}

/// A view this many generations after the question counts as an answer, whatever it says.
const PATIENCE: u64 = 4;

impl Selection {
    fn of(view: &View) -> Self {
        Self { id: view.inspector.as_ref().map(|inspector| inspector.id.clone()), asked_at: None }
    }

    fn ask(&mut self, id: Option<String>, view: &View) {
        self.id = id;
        self.asked_at = Some(view.generation);
    }

    fn follow(&mut self, view: &View) {
        let shown = view.inspector.as_ref().map(|inspector| inspector.id.as_str());
        if shown == self.id.as_deref() || self.asked_at.is_some_and(|at| view.generation >= at + PATIENCE) {
            self.asked_at = None;
        }
        if self.asked_at.is_none() && shown != self.id.as_deref() {
            self.id = shown.map(str::to_owned);
        }
    }
}

/// Below this width or height the map is not drawn.
const MIN_MAP: egui::Vec2 = egui::vec2(48.0, 160.0);

/// The map, or what would fill it.
fn middle_ui(ui: &mut Ui, map: &mut MapView, view: &View) -> Vec<MapEvent> {
    if !view.map.nodes.is_empty() {
        return map_ui(ui, map, &view.map, view.map_focus.as_deref());
    }
    let text = match (&view.status.freshness, view.status.source.is_empty()) {
        (_, true) => "Open a context, a folder of manifests or the demo at the top left, and its traffic is charted here",
        (Freshness::Loading(..), _) => "The first lists are on their way",
        (Freshness::Failed(_) | Freshness::Unauthorised(_) | Freshness::Stale(_), _) => {
            "Nothing is known of this cluster yet: the status bar says why"
        }
        _ if view.namespaces.iter().any(|row| !row.workloads.is_empty()) => {
            "No workload has policies such as are chosen at the left; choose others there, or all of them"
        }
        _ => "There is no workload here, and no way in",
    };
    ui.centered_and_justified(|ui| ui.colored_label(Palette::of(ui).muted, text));
    Vec::new()
}

/// The map. The one place that knows which map it is.
fn map_ui(ui: &mut Ui, map: &mut MapView, model: &Arc<MapModel>, selected: Option<&str>) -> Vec<MapEvent> {
    // Squeezed between the panels of a tiny window, it has nothing to show and would never come to rest.
    let room = ui.available_size();
    if room.x < MIN_MAP.x || room.y < MIN_MAP.y {
        return Vec::new();
    }
    ui.push_id(Id::new("map"), |ui| map.show(ui, model, selected)).inner
}

/// Opening a namespace folds or unfolds it, and opening a node of many doors unfolds those; opening anything else selects it. An edge stands for its far end.
fn command_of(view: &View, event: MapEvent) -> Option<Command> {
    Some(match event {
        MapEvent::Select(id) => Command::Select(id),
        MapEvent::Open(id) if view.namespaces.iter().any(|row| row.id == id) => Command::ToggleFold(id),
        MapEvent::Open(id) if id.starts_with(ids::FOLD) => Command::ToggleFold(id),
        MapEvent::Open(id) => Command::Select(Some(id)),
        MapEvent::Edge(id) => Command::Select(Some(view.map.edges.iter().find(|edge| edge.id == id)?.to.clone())),
    })
}

/// The namespace that what is selected is in: the second part of its id, where that names one.
fn namespace_of<'a>(view: &'a View, selected: Option<&str>) -> Option<&'a str> {
    let name = selected?.split('/').nth(1)?;
    view.namespaces.iter().find(|row| row.name == name).map(|row| row.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view_model::Inspector;

    fn view(generation: u64, selected: Option<&str>) -> View {
        let inspector = selected.map(|id| Inspector { id: id.to_owned(), ..Inspector::default() });
        View { generation, inspector, ..View::default() }
    }

    #[test]
    fn a_selection_stays_until_a_view_has_answered() {
        let mut selection = Selection::of(&view(1, Some("a")));
        selection.ask(Some("b".to_owned()), &view(1, Some("a")));
        selection.follow(&view(2, Some("a")));
        assert_eq!(selection.id.as_deref(), Some("b"), "a view that was under way does not take the selection back");
        selection.follow(&view(3, Some("b")));
        selection.follow(&view(4, None));
        assert_eq!(selection.id, None, "what is gone is not selected");
    }

    #[test]
    fn a_selection_that_nobody_answers_is_given_up() {
        let mut selection = Selection::of(&view(1, None));
        selection.ask(Some("gone".to_owned()), &view(1, None));
        selection.follow(&view(1 + PATIENCE, None));
        assert_eq!(selection.id, None);
    }
}
