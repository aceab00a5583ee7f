//! The command palette, and the one table of named commands with their shortcuts behind it.

use egui::{Align2, Id, Key, KeyboardShortcut, Modifiers, Response, Sense, ThemePreference, Ui, WidgetInfo, WidgetType, pos2, vec2};

use portolan_core::assumptions::Profile;

use super::parts;
use crate::source::demo::Demo;
use crate::theme::{self, Palette};
use crate::view_model::View;

/// What a named command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Put the cursor into the search field.
    Search,
    /// Open the palette.
    Palette,
    /// Open the palette as help.
    Help,
    /// Open a bundled cluster.
    OpenDemo(Demo),
    /// Ask for a folder of manifests.
    OpenFolder,
    /// Ask for files of manifests.
    OpenFiles,
    /// Undo the last edit.
    Undo,
    /// Redo what was undone.
    Redo,
    /// Ask where to export to.
    Export,
    /// Ask for a name of the sketch.
    NameSketch,
    /// Throw all edits away.
    ClearSketch,
    /// Select nothing.
    Deselect,
    /// Fold every namespace (`true`) or unfold every one.
    FoldAll(bool),
    /// Show what is assumed.
    Assumptions,
    /// Take a profile, or the one that is detected.
    Profile(Option<Profile>),
    /// Follow the system, or be light or dark.
    Theme(ThemePreference),
    /// Nothing: a key of the map, listed so that help is whole.
    MapKey,
}

/// How a command is reached from the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Not at all.
    None,
    /// By a shortcut.
    Shortcut(KeyboardShortcut),
    /// By typing a character outside of a text field, whatever keys it takes.
    Char(&'static str),
    /// By keys that the map reads itself.
    Map(&'static str),
}

/// A named command.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub title: &'static str,
    /// Its keys.
    pub keys: Keys,
    /// What it does.
    pub action: Action,
}

const fn entry(title: &'static str, keys: Keys, action: Action) -> Entry {
    Entry { title, keys, action }
}

const fn ctrl(key: Key) -> Keys {
    Keys::Shortcut(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn ctrl_shift(key: Key) -> Keys {
    Keys::Shortcut(KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key))
}

/// Every named command, in the order in which the palette lists them.
pub const ENTRIES: &[Entry] = &[
    entry("Commands", ctrl(Key::K), Action::Palette),
    entry("Search", Keys::Char("/"), Action::Search),
    entry("Commands and keys", Keys::Char("?"), Action::Help),
    entry("Open the demo: a web shop", Keys::None, Action::OpenDemo(Demo::Shop)),
    entry("Open the demo: broken ways in", Keys::None, Action::OpenDemo(Demo::Ferry)),
    entry("Open the demo: a bank's ways out (Cilium)", Keys::None, Action::OpenDemo(Demo::Bank)),
    entry("Open the demo: a clinic's ways out (OpenShift)", Keys::None, Action::OpenDemo(Demo::Clinic)),
    entry("Open manifests folder…", ctrl(Key::O), Action::OpenFolder),
    entry("Open manifest files…", ctrl_shift(Key::O), Action::OpenFiles),
    entry("Undo", ctrl(Key::Z), Action::Undo),
    entry("Redo", ctrl_shift(Key::Z), Action::Redo),
    entry("Export the sketch…", ctrl(Key::E), Action::Export),
    entry("Name the sketch…", Keys::None, Action::NameSketch),
    entry("Throw all edits away", Keys::None, Action::ClearSketch),
    entry("Select nothing", Keys::Map("Esc"), Action::Deselect),
    entry("Fold all namespaces", Keys::None, Action::FoldAll(true)),
    entry("Unfold all namespaces", Keys::None, Action::FoldAll(false)),
    entry("Assumptions…", Keys::None, Action::Assumptions),
    entry("Profile as detected", Keys::None, Action::Profile(None)),
    entry("Profile upstream", Keys::None, Action::Profile(Some(Profile::Upstream))),
    entry("Profile calico", Keys::None, Action::Profile(Some(Profile::Calico))),
    entry("Profile cilium", Keys::None, Action::Profile(Some(Profile::Cilium))),
    entry("Profile ovn-kubernetes", Keys::None, Action::Profile(Some(Profile::OvnKubernetes))),
    entry("Light appearance", Keys::None, Action::Theme(ThemePreference::Light)),
    entry("Dark appearance", Keys::None, Action::Theme(ThemePreference::Dark)),
    entry("Appearance of the system", Keys::None, Action::Theme(ThemePreference::System)),
    entry("Map, fit into the window", Keys::Map("f"), Action::MapKey),
    entry("Map, closer, farther, actual size", Keys::Map("+  -  0"), Action::MapKey),
    entry("Map, move along edges", Keys::Map("arrows"), Action::MapKey),
];

/// The keys as text, `Ctrl K`; empty where there are none.
pub fn keys_text(ctx: &egui::Context, keys: Keys) -> String {
    match keys {
        Keys::None => String::new(),
        Keys::Shortcut(shortcut) => ctx.format_shortcut(&shortcut).replace('+', " "),
        Keys::Char(text) | Keys::Map(text) => text.to_owned(),
    }
}

/// Whether an action would do something now.
pub fn is_enabled(action: Action, view: &View) -> bool {
    match action {
        Action::Undo => view.sketch.can_undo,
        Action::Redo => view.sketch.can_redo,
        Action::Export | Action::ClearSketch => !view.sketch.edits.is_empty(),
        Action::Deselect => view.inspector.is_some(),
        Action::FoldAll(_) => !view.namespaces.is_empty(),
        Action::MapKey => false,
        _ => true,
    }
}

/// The open palette.
#[derive(Debug, Default)]
pub struct PaletteDialog {
    filter: String,
    highlighted: usize,
    is_help: bool,
    had_first_frame: bool,
    /// The highlight moved by a key, and may be out of sight.
    scrolls_to_highlight: bool,
}

/// What came of a frame of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It stays open.
    Open,
    /// It was closed.
    Closed,
    /// This was chosen, and it is closed.
    Chosen(Action),
}

impl PaletteDialog {
    /// Opens the palette, to choose a command or, as help, to read the keys (the same list under another head).
    pub fn new(is_help: bool) -> Self {
        Self { is_help, ..Self::default() }
    }

    /// Draws the palette.
    pub fn show(&mut self, ctx: &egui::Context, view: &View) -> Outcome {
        let mut chosen = None;
        let modal = parts::modal(ctx, "palette", |ui| {
            ui.set_width(440.0);
            ui.spacing_mut().item_spacing = vec2(0.0, 8.0);
            let palette = Palette::of(ui);
            let title = if self.is_help { "Commands and keys" } else { "Commands" };
            parts::label(ui, title, theme::semibold(theme::size::TITLE), palette.text);
            let terms: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
            let matches = |entry: &&Entry| terms.iter().all(|term| entry.title.to_lowercase().contains(term));
            let found: Vec<&Entry> =
                ENTRIES.iter().filter(|entry| self.is_help || entry.action != Action::Palette).filter(matches).collect();
            if self.keys_ui(ui, found.len()) {
                chosen = found.get(self.highlighted).filter(|entry| is_enabled(entry.action, view)).map(|entry| entry.action);
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            if found.is_empty() {
                ui.label("No command is called that.");
            }
            let height = (ui.ctx().content_rect().height() - 220.0).clamp(120.0, 480.0);
            egui::ScrollArea::vertical().id_salt("palette").max_height(height).auto_shrink([false, true]).animated(false).show(ui, |ui| {
                for (position, entry) in found.iter().enumerate() {
                    let row = entry_row(ui, entry, is_enabled(entry.action, view), position == self.highlighted);
                    if position == self.highlighted && self.scrolls_to_highlight {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        chosen = Some(entry.action);
                    }
                }
            });
        });
        self.scrolls_to_highlight = false;
        match chosen {
            Some(action) => Outcome::Chosen(action),
            None if modal.should_close() => Outcome::Closed,
            None => Outcome::Open,
        }
    }

    /// Draws the field, moves the highlight, and returns whether Enter was pressed.
    fn keys_ui(&mut self, ui: &mut Ui, n_found: usize) -> bool {
        let mut enter = false;
        ui.input_mut(|input| {
            if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
                self.highlighted = (self.highlighted + 1).min(n_found.saturating_sub(1));
                self.scrolls_to_highlight = true;
            }
            if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
                self.highlighted = self.highlighted.saturating_sub(1);
                self.scrolls_to_highlight = true;
            }
            enter = input.consume_key(Modifiers::NONE, Key::Enter);
        });
        let edit = egui::TextEdit::singleline(&mut self.filter).hint_text("Type a command").margin(egui::Margin::symmetric(8, 6));
        let response = ui.add(edit.id_salt("palette filter").desired_width(f32::INFINITY));
        parts::name_field(ui, &response, "Type a command");
        if !std::mem::replace(&mut self.had_first_frame, true) {
            response.request_focus();
        }
        if response.changed() {
            self.highlighted = 0;
        }
        enter
    }
}

fn entry_row(ui: &mut Ui, entry: &Entry, is_enabled: bool, is_highlighted: bool) -> Response {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 28.0));
    let sense = if is_enabled { Sense::CLICK } else { Sense::hover() };
    let response = ui.interact(rect, Id::new(("palette", entry.title)), sense);
    let fill = is_highlighted.then(|| parts::selected_fill(ui));
    parts::row_background(ui, rect, &response, fill);
    let keys = keys_text(ui.ctx(), entry.keys);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, is_enabled, format!("{} {keys}", entry.title)));
    let color = if is_enabled { palette.text } else { palette.muted };
    let y = rect.center().y;
    parts::text(ui, pos2(rect.left() + 8.0, y), Align2::LEFT_CENTER, entry.title, theme::regular(theme::size::TEXT), color, 300.0);
    let right = pos2(rect.right() - 12.0, y);
    parts::text(ui, right, Align2::RIGHT_CENTER, &keys, theme::regular(theme::size::TABLE), palette.muted, 120.0);
    response
}
