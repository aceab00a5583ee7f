//! Left, below the tree: what the map shows (checkboxes), and what its lines mean.

use egui::{Align2, Id, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE, ROW};
use crate::command::{Command, PolicyFilter, ShowOptions};
use crate::map::model::Tone;
use crate::theme::{self, Palette};

/// A checkbox: its title, its hover text, and the option it sets.
type Option_ = (&'static str, &'static str, fn(&mut ShowOptions) -> &mut bool);

const OPTIONS: [Option_; 6] = [
    ("Entry paths", "Ways in from outside", |show| &mut show.entry_paths),
    ("Egress", "Ways out to addresses and names", |show| &mut show.egress),
    ("Between namespaces", "Connections between workloads of different namespaces", |show| &mut show.between_namespaces),
    ("Within namespaces", "Connections between workloads of one namespace", |show| &mut show.within_namespaces),
    ("Denied paths", "Entry paths that break, drawn to where they break", |show| &mut show.denied_paths),
    ("DNS, monitoring", "What everything talks to; put aside while this is off", |show| &mut show.noisy_peers),
];

const LEGEND: [(Tone, &str); 6] = [
    (Tone::Allowed, "allowed"),
    (Tone::Depends, "depends on …"),
    (Tone::Denied, "blocked here"),
    (Tone::Open, "unrestricted"),
    (Tone::Gained, "gained by the sketch"),
    (Tone::Lost, "lost by the sketch"),
];

/// The height of both parts together, with the space above them.
const HEIGHT: f32 = 16.0 + ROW + OPTIONS.len() as f32 * ROW + 16.0 + ROW + LEGEND.len() as f32 * ROW + 8.0;

/// The height of both parts together, with what there is to choose.
pub fn height(filters: &[PolicyFilter]) -> f32 {
    if filters.is_empty() { HEIGHT } else { HEIGHT + FILTER }
}

/// The height of the menu of policies.
const FILTER: f32 = 30.0;

/// Draws the checkboxes and the legend; a click on a checkbox changes `show` and asks for it.
pub fn legend_ui(ui: &mut Ui, filters: &[PolicyFilter], show: &mut ShowOptions, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(16.0);
    parts::heading(ui, "Show");
    for (title, hover, option) in OPTIONS {
        if checkbox(ui, title, hover, option(show)) {
            commands.push(Command::Show(*show));
        }
    }
    filter_ui(ui, filters, show, commands);
    ui.add_space(16.0);
    parts::heading(ui, "Legend");
    let palette = Palette::of(ui);
    for (tone, words) in LEGEND {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let y = rect.center().y.round() + 0.5;
        let (left, right) = (rect.left() + EDGE, rect.left() + EDGE + 46.0);
        parts::tone_line(ui, pos2(left, y), pos2(right, y), tone);
        if tone == Tone::Denied {
            cross(ui, pos2((left + right) / 2.0, y), palette.denied);
        }
        let at = pos2(right + 12.0, rect.center().y);
        parts::text(ui, at, Align2::LEFT_CENTER, words, theme::regular(theme::size::TABLE), palette.text, rect.right() - at.x - 8.0);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    }
}

/// Narrows the map to workloads that some policies are for.
fn filter_ui(ui: &mut Ui, filters: &[PolicyFilter], show: &mut ShowOptions, commands: &mut Vec<Command>) {
    // What was chosen for one cluster another may not have.
    if show.policies != PolicyFilter::All && !filters.contains(&show.policies) {
        show.policies = PolicyFilter::All;
        commands.push(Command::Show(*show));
    }
    if filters.is_empty() {
        return;
    }
    ui.allocate_ui_with_layout(vec2(ui.available_width(), FILTER), egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.add_space(EDGE);
        let title = egui::RichText::new(show.policies.title()).font(theme::regular(theme::size::TABLE));
        let menu = ui.menu_button(title, |ui| {
            for filter in filters {
                if ui.selectable_label(show.policies == *filter, filter.title()).clicked() {
                    show.policies = *filter;
                    commands.push(Command::Show(*show));
                    ui.close();
                }
            }
        });
        menu.response.on_hover_text("Show only workloads that these policies are for, and what those connect to");
    });
}

fn cross(ui: &Ui, at: Pos2, color: egui::Color32) {
    let stroke = Stroke::new(2.0, color);
    ui.painter().circle_filled(at, 5.0, Palette::of(ui).panel);
    ui.painter().line_segment([at + vec2(-3.0, -3.0), at + vec2(3.0, 3.0)], stroke);
    ui.painter().line_segment([at + vec2(-3.0, 3.0), at + vec2(3.0, -3.0)], stroke);
}

fn checkbox(ui: &mut Ui, title: &str, hover: &str, value: &mut bool) -> bool {
    let (rect, mut response) = parts::row(ui, Id::new(("show", title)), ROW, None);
    let palette = Palette::of(ui);
    if response.clicked() {
        *value = !*value;
        response.mark_changed();
    }
    let is_on = *value;
    response.widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, true, is_on, title));
    let tick_box = Rect::from_min_size(pos2(rect.left() + EDGE, (rect.center().y - 7.0).round()), vec2(14.0, 14.0));
    if is_on {
        ui.painter().rect_filled(tick_box, 3.0, palette.accent);
        let points = vec![tick_box.min + vec2(3.0, 7.0), tick_box.min + vec2(6.0, 10.0), tick_box.min + vec2(11.5, 4.5)];
        ui.painter().add(Shape::line(points, Stroke::new(2.0, palette.canvas)));
    } else {
        ui.painter().rect_stroke(tick_box, 3.0, Stroke::new(1.0, palette.muted), StrokeKind::Inside);
    }
    let color = if is_on { palette.text } else { palette.muted };
    let at = pos2(tick_box.right() + 8.0, rect.center().y);
    parts::text(ui, at, Align2::LEFT_CENTER, title, theme::regular(theme::size::TEXT), color, rect.right() - at.x - 8.0);
    let changed = response.changed();
    response.on_hover_text(hover);
    changed
}
