//! Left, at the bottom: what the lines and outlines of the map mean.

use egui::{Align2, Color32, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use crate::map::model::{Extent, NodeKind, Tone};
use crate::map::shapes::{self, LineStyle};
use crate::theme::{self, Palette};

/// Height of a row.
const ROW: f32 = 22.0;
/// Length of a line.
const LINE: f32 = 46.0;
/// Size of an outline, and how much smaller than on the map it is.
const OUTLINE: egui::Vec2 = vec2(24.0, 13.0);
const OUTLINE_ZOOM: f32 = 0.45;

const LINES: [(Tone, Extent, &str); 7] = [
    (Tone::Allowed, Extent::All, "allowed"),
    (Tone::Allowed, Extent::Some, "allowed for some"),
    (Tone::Depends, Extent::All, "depends on …"),
    (Tone::Denied, Extent::All, "blocked here"),
    (Tone::Open, Extent::All, "unrestricted"),
    (Tone::Gained, Extent::All, "gained by the sketch"),
    (Tone::Lost, Extent::All, "lost by the sketch"),
];

/// Draws the legend.
pub fn legend_ui(ui: &mut Ui) {
    parts::heading(ui, "Legend");
    let palette = Palette::of(ui);
    let font = || theme::regular(theme::size::TABLE);
    for (tone, extent, words) in LINES {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let y = rect.center().y.round() + 0.5;
        let (left, right) = (rect.left() + EDGE, rect.left() + EDGE + LINE);
        let style = LineStyle::of_extent(tone, extent);
        let drawn = shapes::line(vec![pos2(left, y), pos2(right, y)], style, 1.0, shapes::tone_colour(palette, tone), rect);
        ui.painter().extend(drawn);
        if tone == Tone::Denied {
            cross(ui, pos2((left + right) / 2.0, y), palette.denied);
        }
        let at = pos2(right + 12.0, rect.center().y);
        parts::text(ui, at, Align2::LEFT_CENTER, words, font(), palette.text, rect.right() - at.x - 8.0);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    }
    ui.add_space(4.0);
    let column = (ui.available_width() - EDGE) / 2.0;
    for pair in NodeKind::ALL.chunks(2) {
        let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        for (at, kind) in pair.iter().enumerate() {
            let left = row.left() + EDGE + column * at as f32;
            let rect = Rect::from_min_size(pos2(left, row.top()), vec2(column - 4.0, ROW));
            let place = Rect::from_min_size(pos2(left, (rect.center().y - OUTLINE.y / 2.0).round()), OUTLINE);
            let border = Stroke::new(1.0, palette.muted);
            ui.painter().add(shapes::outline(kind.outline(), place, OUTLINE_ZOOM, palette.raised, border));
            let at = pos2(place.right() + 8.0, rect.center().y);
            let painted = parts::text(ui, at, Align2::LEFT_CENTER, kind.word(), font(), palette.text, rect.right() - at.x);
            let response = ui.interact(rect, egui::Id::new(("legend", kind.word())), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, kind.word()));
            if painted.is_elided {
                response.on_hover_text(kind.word());
            }
        }
    }
    ui.add_space(8.0);
}

fn cross(ui: &Ui, at: egui::Pos2, color: Color32) {
    let stroke = Stroke::new(2.0, color);
    ui.painter().circle_filled(at, 5.0, Palette::of(ui).panel);
    ui.painter().line_segment([at + vec2(-3.0, -3.0), at + vec2(3.0, 3.0)], stroke);
    ui.painter().line_segment([at + vec2(-3.0, 3.0), at + vec2(3.0, -3.0)], stroke);
}
