//! A request in the inspector: what the client gets, who answers it with which share, hop by hop, and what was passed over.

use egui::{Align2, Id, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::objects::objects_ui;
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::panels::parts::{self, EDGE};
use crate::panels::why::why_ui;
use crate::theme::{self, Palette};
use crate::view_model::{AnswerRow, BackendRow, Inspector, WhyLine};

/// Height of a backend's row.
const ROW: f32 = 44.0;

/// Draws the answers, one below the other.
pub(super) fn request_ui(ui: &mut Ui, inspector: &Inspector, commands: &mut Vec<Command>) {
    egui::ScrollArea::vertical().id_salt(("inspector request", &inspector.id)).auto_shrink([false, false]).show(ui, |ui| {
        for (index, answer) in inspector.answers.iter().enumerate() {
            answer_ui(ui, Id::new(("answer", &answer.at, index)), answer, commands);
        }
        objects_ui(ui, &inspector.objects, commands);
    });
}

fn answer_ui(ui: &mut Ui, id: Id, answer: &AnswerRow, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), parts::ROW), Sense::hover());
    let room = rect.width() - 2.0 * EDGE - 96.0;
    let font = theme::semibold(theme::size::TABLE);
    parts::text(ui, pos2(rect.left() + EDGE, rect.center().y), Align2::LEFT_CENTER, &answer.at, font, palette.muted, room);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &answer.at));
    if !answer.door.is_empty() {
        let area = Rect::from_min_max(pos2(rect.right() - 120.0, rect.top()), pos2(rect.right() - EDGE, rect.bottom()));
        ui.scope_builder(egui::UiBuilder::new().max_rect(area).layout(egui::Layout::right_to_left(egui::Align::Center)), |ui| {
            if parts::link(ui, "Show the door").on_hover_text(format!("Select the way in by {}", answer.at)).clicked() {
                commands.push(Command::Select(Some(answer.door.clone())));
            }
        });
    }
    let outcome = WhyLine { is_hop: true, is_break: true, ..WhyLine::new(&answer.outcome, answer.tone) };
    let mut lines = vec![outcome];
    if !answer.why.is_empty() && !answer.outcome.contains(&answer.why) {
        lines.push(WhyLine::new(&answer.why, None));
    }
    if !answer.rewritten.is_empty() {
        lines.push(WhyLine::new(&answer.rewritten, None));
    }
    why_ui(ui, &format!("{id:?} outcome"), &lines, commands);
    ui.add_space(8.0);
    for backend in &answer.backends {
        backend_row(ui, id, backend, commands);
    }
    section(ui, id, "Hop by hop", &answer.hops, commands);
    section(ui, id, "Passed over", &answer.passed_over, commands);
    ui.add_space(12.0);
}

fn section(ui: &mut Ui, id: Id, heading: &str, lines: &[WhyLine], commands: &mut Vec<Command>) {
    if lines.is_empty() {
        return;
    }
    ui.add_space(8.0);
    parts::heading(ui, heading);
    why_ui(ui, &format!("{id:?} {heading}"), lines, commands);
}

fn backend_row(ui: &mut Ui, id: Id, backend: &BackendRow, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let tone = backend.tone.unwrap_or(Tone::Plain);
    let color = tone_colour(palette, tone);
    let (outer, response) = parts::row(ui, id.with(("backend", &backend.title)), ROW, None);
    let said = [backend.title.as_str(), &backend.share, tone.word(), &backend.fact, &backend.why];
    let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, said.join(", ")));
    let (left, right) = (outer.left() + EDGE, outer.right() - EDGE);
    ui.painter().rect_filled(Rect::from_min_size(pos2(left, outer.top() + 7.0), vec2(4.0, ROW - 14.0)), 2.0, color);
    let x = left + 14.0;
    let (first, second) = (outer.top() + 14.0, outer.top() + 30.0);
    let table = theme::regular(theme::size::TABLE);
    let share = parts::text(ui, pos2(right, first), Align2::RIGHT_CENTER, &backend.share, table.clone(), palette.text, 60.0);
    let room = share.rect.left() - 8.0 - x;
    let title =
        parts::text(ui, pos2(x, first), Align2::LEFT_CENTER, &backend.title, theme::semibold(theme::size::TABLE), palette.text, room);
    let word = parts::text(ui, pos2(x, second), Align2::LEFT_CENTER, tone.word(), theme::semibold(theme::size::TABLE), color, right - x);
    let rest = [backend.fact.as_str(), &backend.why].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let at = pos2(word.rect.right() + 8.0, second);
    let fact = parts::text(ui, at, Align2::LEFT_CENTER, &rest, table, palette.muted, right - at.x);
    if response.clicked() && !backend.peer.is_empty() {
        commands.push(Command::Select(Some(backend.peer.clone())));
    }
    if title.is_elided || fact.is_elided {
        response.on_hover_text(said.join("\n"));
    }
}
