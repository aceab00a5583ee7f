//! Bottom: the sketch with its editor and what it changes, the difference alone, and the warnings, as tabs.

use egui::{Rect, Stroke, Ui, UiBuilder, WidgetInfo, WidgetType, pos2, vec2};

use super::difference::{difference_ui, warnings_ui};
use super::editor::{EditorState, editor_ui};
use super::edits::{EditsState, edits_ui};
use super::parts::{self, EDGE};
use crate::command::Command;
use crate::theme::Palette;
use crate::view_model::View;

/// Height of the row of tabs, which is all there is of the panel while it is folded.
pub const TABS: f32 = 36.0;

/// What the bottom panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SketchTab {
    /// The edits, the editor and a summary of the difference.
    #[default]
    Sketch,
    /// The difference alone.
    Difference,
    /// What could not be read as it stands.
    Warnings,
}

/// What the bottom panel keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct SketchState {
    /// The tab in front.
    pub tab: SketchTab,
    /// Whether there is more to see than the tabs. Folded until something is edited, the panel leaves its room to the map.
    pub is_open: bool,
    /// The editor.
    pub editor: EditorState,
    edits: EditsState,
}

impl SketchState {
    /// The panel as a window opens: unfolded where something is being edited already.
    pub fn of(view: &View) -> Self {
        Self { is_open: view.sketch.open.is_some() || !view.sketch.edits.is_empty(), ..Self::default() }
    }

    /// Brings a tab to the front, and unfolds the panel for it.
    pub fn bring(&mut self, tab: SketchTab) {
        self.tab = tab;
        self.is_open = true;
    }

    /// Gives the keyboard to the tab in front.
    pub fn focus(&mut self, ctx: &egui::Context) {
        self.is_open = true;
        let title = match self.tab {
            SketchTab::Sketch => "Sketch",
            SketchTab::Difference => "Difference",
            SketchTab::Warnings => "Warnings",
        };
        ctx.memory_mut(|memory| memory.request_focus(parts::tab_id(TAB, title)));
    }
}

/// The salt of the tabs' ids.
const TAB: &str = "sketch tab";

/// What was asked for that is not a command of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SketchResponse {
    /// Open the export dialog.
    pub export: bool,
    /// Ask for a name of the sketch.
    pub rename: bool,
}

/// Draws the bottom panel. `namespace` is the one in which new objects are offered first.
pub fn sketch_ui(
    ui: &mut Ui,
    view: &View,
    namespace: Option<&str>,
    state: &mut SketchState,
    commands: &mut Vec<Command>,
) -> SketchResponse {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    let was_open = state.is_open;
    let response = tabs_ui(ui, view, state, commands);
    if was_open != state.is_open {
        ui.ctx().request_repaint();
    }
    if !was_open {
        return response;
    }
    let area = ui.available_rect_before_wrap();
    // A child that takes no room: the panel is as high as it was dragged, whatever the tab would like.
    let mut inner = ui.new_child(UiBuilder::new().id_salt("tab").max_rect(area));
    inner.shrink_clip_rect(area);
    match state.tab {
        SketchTab::Sketch => columns_ui(&mut inner, area, view, namespace, state, commands),
        SketchTab::Difference => difference_ui(&mut inner, view, "tab", commands),
        SketchTab::Warnings => warnings_ui(&mut inner, view, commands),
    }
    ui.expand_to_include_rect(area);
    response
}

fn tabs_ui(ui: &mut Ui, view: &View, state: &mut SketchState, commands: &mut Vec<Command>) -> SketchResponse {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), TABS));
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line));
    let mut response = SketchResponse::default();
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let inner = Rect::from_min_max(pos2(rect.left() + EDGE, rect.top()), pos2(rect.right() - 8.0, rect.bottom()));
    ui.scope_builder(UiBuilder::new().max_rect(inner).layout(layout), |ui| {
        let (word, help) = if state.is_open { ("Hide", "Fold the sketch, for a larger map") } else { ("Show", "Unfold the sketch") };
        let fold = parts::text_button(ui, true, word).on_hover_text(help);
        fold.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("{word} the sketch")));
        if fold.clicked() {
            state.is_open = !state.is_open;
        }
        let can_export = !view.sketch.edits.is_empty();
        let export = parts::text_button(ui, can_export, "Export…");
        response.export = export.on_hover_text("Write the edited objects to a file").on_disabled_hover_text("Nothing is edited").clicked();
        let redo = parts::text_button(ui, view.sketch.can_redo, "Redo");
        if redo.on_disabled_hover_text("Nothing was undone").clicked() {
            commands.push(Command::Redo);
        }
        let undo = parts::text_button(ui, view.sketch.can_undo, "Undo");
        if undo.on_disabled_hover_text("Nothing to undo").clicked() {
            commands.push(Command::Undo);
        }
        let rename = parts::text_button(ui, true, "Rename…");
        response.rename = rename.on_hover_text("Name the sketch").clicked();
        ui.add_space(16.0);
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Min), |ui| {
            let name = if view.sketch.name.is_empty() { "Sketch".to_owned() } else { format!("Sketch: {}", view.sketch.name) };
            let table = &view.difference;
            let n_changes = table.n_gained + table.n_lost + table.n_changed + table.paths.len();
            let tabs = [
                (Some(SketchTab::Sketch), name),
                (Some(SketchTab::Difference), format!("Difference {n_changes}")),
                (Some(SketchTab::Warnings), format!("Warnings {}", view.warnings.len())),
            ];
            let width = ui.available_width();
            let mut current = state.is_open.then_some(state.tab);
            parts::tabs(ui, TAB, &tabs, &mut current, TABS - 1.0, width);
            if let Some(tab) = current {
                state.bring(tab);
            }
        });
    });
    response
}

/// Edits left, editor in the middle, difference right.
fn columns_ui(ui: &mut Ui, area: Rect, view: &View, namespace: Option<&str>, state: &mut SketchState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let left_width = (area.width() * 0.24).clamp(184.0, 280.0).round();
    let right_width = (area.width() * 0.36).clamp(224.0, 560.0).round();
    let first = area.left() + left_width;
    let second = area.right() - right_width;
    for x in [first, second] {
        ui.painter().vline(x + 0.5, area.y_range(), Stroke::new(1.0, palette.line));
    }
    let column = |ui: &mut Ui, salt: &str, from: f32, to: f32, add: &mut dyn FnMut(&mut Ui)| {
        let rect = Rect::from_x_y_ranges(from..=to, area.y_range());
        ui.scope_builder(UiBuilder::new().id_salt(salt).max_rect(rect), |ui| {
            ui.shrink_clip_rect(rect);
            add(ui);
        });
    };
    let SketchState { editor, edits, .. } = state;
    column(ui, "edits", area.left(), first, &mut |ui| edits_ui(ui, view, namespace, edits, commands));
    column(ui, "editor", first + 1.0, second, &mut |ui| match &view.sketch.open {
        Some(object) => editor_ui(ui, object, editor, commands),
        None => {
            ui.add_space(12.0);
            parts::empty(ui, "Open an object on the left, from a reason on the right, or make a new one to edit it here as YAML.");
        }
    });
    column(ui, "difference", second + 1.0, area.right(), &mut |ui| difference_ui(ui, view, "sketch", commands));
}
