//! Right, below the list: why a connection or a path stands as it does, line by line.

use egui::text::{LayoutJob, TextFormat};
use egui::{Id, Pos2, Rect, Response, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};
use portolan_core::text::count;

use super::parts::{self, EDGE};
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::theme::{self, Palette};
use crate::view_model::WhyLine;

/// Space between two lines.
const GAP: f32 = 6.0;
/// How far a line stands right of the line that it explains.
const INDENT: f32 = 16.0;
/// Of lines below one line, as many are shown; the others unfold. One more than these is shown as well: it takes no more room.
const SHOWN: usize = 3;

/// Draws a reasoning as bullets. A line that has an object behind it is underlined and opens that object in the sketch; one that an
/// assumption would settle opens the assumptions.
pub fn why_ui(ui: &mut Ui, salt: &str, lines: &[WhyLine], commands: &mut Vec<Command>) {
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        if line.indent == 0 {
            why_line(ui, Id::new((salt, "why", index)), line, index == 0, commands);
            index += 1;
            continue;
        }
        let n_below = lines.iter().skip(index).take_while(|line| line.indent > 0).count();
        below_ui(ui, salt, index, lines.get(index..index + n_below).unwrap_or_default(), commands);
        index += n_below;
    }
}

/// The lines below a line, the first few of them until all are asked for.
fn below_ui(ui: &mut Ui, salt: &str, first: usize, lines: &[WhyLine], commands: &mut Vec<Command>) {
    let unfolded = Id::new((salt, "unfolded", first));
    let is_unfolded = lines.len() <= SHOWN + 1 || ui.data(|data| data.get_temp(unfolded).unwrap_or(false));
    let n_shown = if is_unfolded { lines.len() } else { SHOWN };
    for (index, line) in lines.iter().take(n_shown).enumerate() {
        why_line(ui, Id::new((salt, "why", first + index)), line, false, commands);
    }
    if !is_unfolded {
        let more = WhyLine { indent: 1, ..WhyLine::new(format!("and {} more", lines.len() - n_shown), None) };
        let response = bullet_ui(ui, unfolded.with("more"), &more, false, Some(WidgetType::Button));
        let hover = format!("Show {}", count(lines.len() - n_shown, "more line", "more lines"));
        if response.on_hover_text(hover).clicked() {
            ui.data_mut(|data| data.insert_temp(unfolded, true));
            ui.ctx().request_repaint();
        }
    }
}

fn why_line(ui: &mut Ui, id: Id, line: &WhyLine, is_first: bool, commands: &mut Vec<Command>) {
    let is_link = line.object.is_some() || line.assumption.is_some();
    let response = bullet_ui(ui, id, line, is_first, is_link.then_some(WidgetType::Link));
    let (command, hover) = match (&line.object, &line.assumption) {
        (Some((key, pointer)), _) => {
            let place = if pointer.is_empty() { key.clone() } else { format!("{key} at {pointer}") };
            let command = Command::OpenObject { key: key.clone(), pointer: pointer.clone() };
            (command, format!("Open {place} in the sketch"))
        }
        (None, Some(name)) => (Command::ShowAssumptions(Some(name.clone())), format!("Settle the assumption {name}")),
        (None, None) => return,
    };
    if response.clicked() {
        commands.push(command);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(hover);
}

/// Draws a bullet and its text, as something to click where it is a widget of some kind.
fn bullet_ui(ui: &mut Ui, id: Id, line: &WhyLine, is_first: bool, kind: Option<WidgetType>) -> Response {
    let palette = Palette::of(ui);
    let (color, font) = match line.tone {
        // Where a way breaks is what stands out; the other steps have their marks.
        _ if line.is_hop && !line.is_break => (palette.text, theme::regular(theme::size::TABLE)),
        Some(tone) => (tone_colour(palette, tone), theme::semibold(theme::size::TABLE)),
        None if is_first => (palette.text, theme::regular(theme::size::TABLE)),
        None => (palette.muted, theme::regular(theme::size::TABLE)),
    };
    let strength = if line.tone.is_some() { 0.45 } else { 0.25 };
    let underline = if kind.is_some() { Stroke::new(1.0, Palette::mix(palette.panel, color, strength)) } else { Stroke::NONE };
    let left = EDGE + f32::from(line.indent) * INDENT;
    let width = ui.available_width() - EDGE - left - 20.0;
    let mut job = LayoutJob::default();
    if !line.kind.is_empty() {
        job.append(&line.kind, 0.0, TextFormat::simple(theme::semibold(theme::size::CAPTION), palette.muted));
    }
    let space = if line.kind.is_empty() { 0.0 } else { 6.0 };
    job.append(&line.text, space, TextFormat { underline, ..TextFormat::simple(font, color) });
    job.wrap.max_width = width;
    let galley = ui.painter().layout_job(job);
    let gap = if line.indent > 0 { GAP - 2.0 } else { GAP };
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), galley.size().y + gap));
    let sense = if kind.is_some() { Sense::click() } else { Sense::hover() };
    let area = Rect::from_x_y_ranges(rect.left() + parts::ROW_EDGE..=rect.right() - parts::ROW_EDGE, rect.y_range());
    let response = ui.interact(area, id, sense);
    response.widget_info(|| WidgetInfo::labeled(kind.unwrap_or(WidgetType::Label), true, &line.text));
    if line.is_hop {
        let parts = [line.kind.as_str(), line.tone.map_or("", Tone::word), if line.is_break { "decides" } else { "" }];
        let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        ui.ctx().accesskit_node_builder(id, |node| node.set_description(said));
    }
    if line.is_break {
        ui.painter().rect_filled(response.rect, 6.0, Palette::mix(palette.panel, color, 0.12));
    }
    if kind.is_some() {
        parts::row_background(ui, response.rect, &response, None);
    }
    let row_height = galley.rows.first().map_or(16.0, |row| row.size.y);
    let bullet = pos2(rect.left() + left + 6.0, rect.top() + gap / 2.0 + row_height / 2.0);
    if let (true, Some(tone)) = (line.is_hop, line.tone) {
        mark(ui, bullet, tone);
    } else if line.indent > 0 {
        // A ring is quieter than a dot.
        ui.painter().circle_stroke(bullet, 2.0, Stroke::new(1.0, color));
    } else {
        ui.painter().circle_filled(bullet, 3.0, if is_first && line.tone.is_none() { palette.accent } else { color });
    }
    ui.painter().galley(pos2(rect.left() + left + 18.0, rect.top() + gap / 2.0), galley, color);
    response
}

/// The mark of a step, which tells its tone by shape as well: a dot for what is allowed, a ring for what depends, a cross for what is
/// denied.
fn mark(ui: &Ui, at: Pos2, tone: Tone) {
    let color = tone_colour(Palette::of(ui), tone);
    match tone {
        Tone::Denied => {
            for arm in [vec2(3.5, 3.5), vec2(3.5, -3.5)] {
                ui.painter().line_segment([at - arm, at + arm], Stroke::new(2.0, color));
            }
        }
        Tone::Depends => {
            ui.painter().circle_stroke(at, 3.0, Stroke::new(1.5, color));
        }
        _ => {
            ui.painter().circle_filled(at, 3.0, color);
        }
    }
}
