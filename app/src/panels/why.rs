//! Right, below the list: why a connection or a path stands as it does, line by line.

use egui::text::{LayoutJob, TextFormat};
use egui::{Id, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use crate::command::Command;
use crate::theme::{self, Palette};
use crate::view_model::WhyLine;

/// Space between two lines.
const GAP: f32 = 6.0;

/// Draws a reasoning as bullets. A line that has an object behind it is underlined and opens that object in the sketch.
pub fn why_ui(ui: &mut Ui, salt: &str, lines: &[WhyLine], commands: &mut Vec<Command>) {
    for (index, line) in lines.iter().enumerate() {
        why_line(ui, Id::new((salt, "why", index)), line, index == 0, commands);
    }
}

fn why_line(ui: &mut Ui, id: Id, line: &WhyLine, is_first: bool, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (color, font) = match line.tone {
        Some(tone) => (parts::tone_color(palette, tone), theme::semibold(theme::size::TABLE)),
        None if is_first => (palette.text, theme::regular(theme::size::TABLE)),
        None => (palette.muted, theme::regular(theme::size::TABLE)),
    };
    let underline = if line.object.is_some() { Stroke::new(1.0, Palette::mix(palette.panel, color, 0.45)) } else { Stroke::NONE };
    let width = ui.available_width() - EDGE * 2.0 - 20.0;
    let mut job = LayoutJob::single_section(line.text.clone(), TextFormat { underline, ..TextFormat::simple(font, color) });
    job.wrap.max_width = width;
    let galley = ui.painter().layout_job(job);
    let height = galley.size().y + GAP;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    let sense = if line.object.is_some() { Sense::click() } else { Sense::hover() };
    let response = ui.interact(Rect::from_x_y_ranges(rect.left() + ROW_LEFT..=rect.right() - ROW_LEFT, rect.y_range()), id, sense);
    let kind = if line.object.is_some() { WidgetType::Link } else { WidgetType::Label };
    response.widget_info(|| WidgetInfo::labeled(kind, true, &line.text));
    if line.object.is_some() {
        parts::row_background(ui, response.rect, &response, None);
    }
    let row_height = galley.rows.first().map_or(16.0, |row| row.size.y);
    let bullet = pos2(rect.left() + EDGE + 6.0, rect.top() + GAP / 2.0 + row_height / 2.0);
    let bullet_color = if is_first && line.tone.is_none() { palette.accent } else { color };
    ui.painter().circle_filled(bullet, 3.0, bullet_color);
    ui.painter().galley(pos2(rect.left() + EDGE + 18.0, rect.top() + GAP / 2.0), galley, color);
    if let Some((key, pointer)) = &line.object {
        if response.clicked() {
            commands.push(Command::OpenObject { key: key.clone(), pointer: pointer.clone() });
        }
        let place = if pointer.is_empty() { key.clone() } else { format!("{key} at {pointer}") };
        response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(format!("Open {place} in the sketch"));
    }
}

/// Where the highlight of a line starts.
const ROW_LEFT: f32 = parts::ROW_EDGE;
