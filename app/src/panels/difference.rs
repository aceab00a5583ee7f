//! Bottom, right, and as a tab of its own: what the sketch changes; and the warnings, which are drawn the same way.

use egui::{Align2, Id, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::theme::{self, Palette};
use crate::view_model::{DifferenceRow, DifferenceTable, PathDifferenceRow, View, WarningRow};

/// Below this width a row takes two lines.
const WIDE: f32 = 440.0;

/// The counts in a sentence: `2 connections lost, 0 gained, 0 changed`.
pub fn summary(table: &DifferenceTable) -> String {
    let noun = if table.n_lost == 1 { "connection" } else { "connections" };
    format!("{} {noun} lost, {} gained, {} changed", table.n_lost, table.n_gained, table.n_changed)
}

/// Draws the counts and the changed connections and paths. A click on a row selects where it comes from.
pub fn difference_ui(ui: &mut Ui, view: &View, salt: &str, commands: &mut Vec<Command>) {
    let table = &view.difference;
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    ui.add_space(4.0);
    summary_row(ui, table);
    if table.rows.is_empty() && table.paths.is_empty() {
        let text = if view.sketch.edits.is_empty() {
            "Nothing is edited yet. Open an object or make a new one, and what it changes stands here as you type."
        } else {
            "The edits change no connection."
        };
        parts::empty(ui, text);
        return;
    }
    let is_wide = ui.available_width() >= WIDE;
    let height = if is_wide { parts::ROW } else { 40.0 };
    let n = table.rows.len() + table.paths.len();
    let columns = Columns::new(ui, table);
    egui::ScrollArea::vertical().id_salt(("difference", salt)).auto_shrink([false, false]).show_rows(ui, height, n, |ui, range| {
        for index in range {
            if let Some(row) = table.rows.get(index) {
                connection_row(ui, Id::new((salt, "difference", index)), row, height, &columns, commands);
            } else if let Some(path) = table.paths.get(index - table.rows.len()) {
                path_row(ui, Id::new((salt, "path difference", index)), path, height, &columns);
            }
        }
    });
}

fn summary_row(ui: &mut Ui, table: &DifferenceTable) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let at = pos2(rect.left() + EDGE, rect.center().y);
    let sentence = summary(table);
    let font = theme::semibold(theme::size::TEXT);
    let room = rect.width() - EDGE * 2.0;
    let fits = parts::width_of(ui, &sentence, font.clone()) <= room;
    let short = format!("{} lost, {} gained, {} changed", table.n_lost, table.n_gained, table.n_changed);
    let shown = if fits { &sentence } else { &short };
    let painted = parts::text(ui, at, Align2::LEFT_CENTER, shown, font, palette.text, room);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &sentence));
    if painted.is_elided {
        response.on_hover_text(&sentence);
    }
}

/// Where the columns start, from the row's left edge.
struct Columns {
    from: f32,
    to_word: f32,
    ports: f32,
    is_wide: bool,
}

impl Columns {
    fn new(ui: &Ui, table: &DifferenceTable) -> Self {
        let width = ui.available_width();
        let font = theme::regular(theme::size::TABLE);
        // The widest of the first rows decides; what is wider is elided.
        let widest = |text: fn(&DifferenceRow) -> &str| {
            let widths = table.rows.iter().take(50).map(|row| parts::width_of(ui, text(row), font.clone()));
            widths.fold(0.0, f32::max)
        };
        let from = EDGE + 76.0;
        let room = width - from - EDGE;
        let to_word = from + widest(|row| &row.from).min(room * 0.38).max(60.0) + 12.0;
        let ports = to_word + 22.0 + widest(|row| &row.to).min(room * 0.30).max(40.0) + 20.0;
        Self { from, to_word, ports, is_wide: width >= WIDE }
    }
}

fn connection_row(ui: &mut Ui, id: Id, row: &DifferenceRow, height: f32, columns: &Columns, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, id, height, None);
    let color = tone_colour(palette, row.tone.unwrap_or(Tone::Plain));
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("{} {} to {} {}", row.word, row.from, row.to, row.ports)));
    let table = theme::regular(theme::size::TABLE);
    let semibold = theme::semibold(theme::size::TABLE);
    let left = rect.left();
    let end = rect.right() - EDGE;
    let put = |x: f32, y: f32, text: &str, font: egui::FontId, color: egui::Color32, until: f32| {
        parts::text(ui, pos2(x, y), Align2::LEFT_CENTER, text, font, color, until - x).is_elided
    };
    let is_elided = if columns.is_wide {
        let y = rect.center().y;
        let (from, to_word, ports) = (left + columns.from, left + columns.to_word, left + columns.ports);
        put(left + EDGE, y, &sign(&row.word), semibold, color, from - 4.0);
        let a = put(from, y, &row.from, table.clone(), palette.text, to_word - 8.0);
        put(to_word, y, "to", table.clone(), palette.muted, to_word + 20.0);
        let b = put(to_word + 22.0, y, &row.to, table.clone(), palette.text, ports - 12.0);
        let c = put(ports, y, &row.ports, table, palette.muted, end);
        a || b || c
    } else {
        let (first, second) = (rect.top() + 12.0, rect.top() + 28.0);
        let from = left + columns.from;
        put(left + EDGE, first, &sign(&row.word), semibold, color, from - 4.0);
        let a = put(from, first, &row.from, table.clone(), palette.text, end);
        let b = put(from, second, &format!("to {}, {}", row.to, row.ports), table, palette.muted, end);
        a || b
    };
    if response.clicked() {
        commands.push(Command::Select(Some(row.from_id.clone())));
    }
    if is_elided {
        response.on_hover_text(format!("{} {}\nto {}\n{}", sign(&row.word), row.from, row.to, row.ports));
    }
}

/// `- lost` with a minus sign that is as wide as the plus.
fn sign(word: &str) -> String {
    word.strip_prefix("- ").map_or_else(|| word.to_owned(), |rest| format!("\u{2212} {rest}"))
}

fn path_row(ui: &mut Ui, id: Id, row: &PathDifferenceRow, height: f32, columns: &Columns) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, id, height, None);
    let color = tone_colour(palette, row.tone.unwrap_or(Tone::Plain));
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("path {}, {}", row.title, row.text)));
    let (word, end) = ("path", rect.right() - EDGE);
    let y = if columns.is_wide { rect.center().y } else { rect.top() + 12.0 };
    let from = rect.left() + columns.from;
    parts::text(ui, pos2(rect.left() + EDGE, y), Align2::LEFT_CENTER, word, theme::semibold(theme::size::TABLE), color, 64.0);
    let font = theme::regular(theme::size::TABLE);
    let title_end = if columns.is_wide { rect.left() + columns.to_word - 8.0 } else { end };
    let title = parts::text(ui, pos2(from, y), Align2::LEFT_CENTER, &row.title, font.clone(), palette.text, title_end - from);
    let at = if columns.is_wide { pos2(rect.left() + columns.to_word, y) } else { pos2(from, rect.top() + 28.0) };
    let text = parts::text(ui, at, Align2::LEFT_CENTER, &row.text, font, color, end - at.x);
    if title.is_elided || text.is_elided {
        response.on_hover_text(format!("{}\n{}", row.title, row.text));
    }
}

/// Draws the warnings. A click opens the object at the field, where the object can be opened.
pub fn warnings_ui(ui: &mut Ui, view: &View, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    ui.add_space(8.0);
    if view.warnings.is_empty() {
        parts::empty(ui, "No warnings. Objects that could not be read as they stand would be listed here, with the field and the reason.");
        return;
    }
    egui::ScrollArea::vertical().id_salt("warnings").auto_shrink([false, false]).show_rows(ui, 40.0, view.warnings.len(), |ui, range| {
        for index in range {
            if let Some(row) = view.warnings.get(index) {
                warning_row(ui, Id::new(("warning", index)), row, commands);
            }
        }
    });
}

fn warning_row(ui: &mut Ui, id: Id, row: &WarningRow, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, id, 40.0, None);
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("warning, {}, {} {}", row.message, row.object, row.pointer)));
    let (left, end) = (rect.left() + EDGE, rect.right() - EDGE);
    let word = parts::text(
        ui,
        pos2(left, rect.top() + 12.0),
        Align2::LEFT_CENTER,
        "! warning",
        theme::semibold(theme::size::TABLE),
        palette.depends,
        80.0,
    );
    let from = word.rect.right() + 12.0;
    let font = theme::regular(theme::size::TABLE);
    let message = parts::text(ui, pos2(from, rect.top() + 12.0), Align2::LEFT_CENTER, &row.message, font.clone(), palette.text, end - from);
    let place = if row.pointer.is_empty() { row.object.clone() } else { format!("{} at {}", row.object, row.pointer) };
    let placed = parts::text(ui, pos2(from, rect.top() + 28.0), Align2::LEFT_CENTER, &place, font, palette.muted, end - from);
    if response.clicked() {
        commands.push(Command::OpenObject { key: row.object.clone(), pointer: row.pointer.clone() });
    }
    if message.is_elided || placed.is_elided {
        response.on_hover_text(format!("{}\n{place}", row.message));
    }
}
