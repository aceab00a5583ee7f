//! The dialog of assumptions: which network plugin is assumed, and how each open question is settled. A choice takes effect at once.

use egui::{Align2, CornerRadius, Id, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, WidgetType, pos2, vec2};

use portolan_core::egress::NatNote;

use super::parts;
use crate::command::Command;
use crate::theme::{self, Palette};
use crate::view_model::{AssumptionRow, AssumptionsView};

/// Height of a row of values to choose from.
const CHOICE: f32 = 26.0;
/// Space between two assumptions.
const GAP: f32 = 14.0;
/// Width of the column of values, which holds the widest choice.
const VALUES: f32 = 276.0;
/// Room for the scroll bar, which lies over what it scrolls.
const SCROLL_BAR: f32 = 10.0;

/// The open dialog.
#[derive(Debug, Default)]
pub struct AssumptionsDialog {
    /// The assumption that somebody came for.
    marked: Option<String>,
    /// How large it was in the last frame: it stands in the middle only when it is so again.
    size: Option<Vec2>,
    /// The note on a NAT as it is typed; `None` while nobody has touched it.
    nat: Option<String>,
}

impl AssumptionsDialog {
    /// Opens the dialog, with one assumption marked and in sight where one is named.
    pub fn new(marked: Option<String>) -> Self {
        Self { marked, size: None, nat: None }
    }

    /// Draws the dialog. Returns whether it stays open.
    pub fn show(&mut self, ctx: &egui::Context, view: &AssumptionsView, commands: &mut Vec<Command>) -> bool {
        let modal = parts::modal(ctx, "assumptions dialog", |ui| {
            ui.set_width(680.0_f32.min(ui.ctx().content_rect().width() - 64.0));
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let palette = Palette::of(ui);
            parts::label(ui, "Assumptions", theme::semibold(theme::size::TITLE), palette.text);
            wrapped(ui, "Network plugins answer these differently. Every verdict follows what is chosen here.");
            profile_ui(ui, view, commands);
            rule(ui);
            let height = (ui.ctx().content_rect().height() - 370.0).max(120.0);
            egui::ScrollArea::vertical().id_salt("assumptions").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
                ui.add_space(4.0);
                for (index, row) in view.rows.iter().enumerate() {
                    if index > 0 {
                        ui.add_space(GAP - 4.0);
                    }
                    let is_marked = self.marked.as_ref() == Some(&row.name);
                    let place = assumption_ui(ui, row, is_marked, commands);
                    if is_marked && self.size.is_none() {
                        ui.scroll_to_rect(place, Some(egui::Align::Center));
                    }
                }
                ui.add_space(6.0);
            });
            rule(ui);
            self.nat_ui(ui, view, commands);
            rule(ui);
            buttons_ui(ui, view, commands)
        });
        let size = Some(modal.response.rect.size());
        if std::mem::replace(&mut self.size, size) != size {
            ctx.request_repaint();
        }
        !modal.inner && !modal.should_close()
    }
}

impl AssumptionsDialog {
    /// What no object tells: as which address what leaves the cluster arrives.
    fn nat_ui(&mut self, ui: &mut Ui, view: &AssumptionsView, commands: &mut Vec<Command>) {
        let palette = Palette::of(ui);
        let typed = self.nat.get_or_insert_with(|| view.nat.clone());
        let error = NatNote::parse(typed).err();
        ui.horizontal(|ui| {
            parts::label(ui, "Pods leave the cluster as", theme::semibold(theme::size::TEXT), palette.text);
            let edit = egui::TextEdit::singleline(typed).hint_text("203.0.113.7 NAT gateway").margin(egui::Margin::symmetric(8, 6));
            let response = ui.add(edit.desired_width(VALUES));
            parts::name_field(ui, &response, "Pods leave the cluster as");
            if response.changed() && NatNote::parse(typed).is_ok() {
                commands.push(Command::NoteNat(typed.clone()));
            }
        });
        match &error {
            Some(error) => {
                parts::label(ui, error, theme::regular(theme::size::TABLE), palette.denied);
            }
            None => wrapped(ui, "Where a NAT stands around the cluster: its addresses, and a word on it. No object says this."),
        }
    }
}

/// A sentence in the colour of second lines.
fn wrapped(ui: &mut Ui, text: &str) {
    let color = Palette::of(ui).muted;
    ui.add(egui::Label::new(egui::RichText::new(text).color(color)).wrap());
}

/// A line as wide as the dialog.
fn rule(ui: &mut Ui) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 1.0));
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, Palette::of(ui).line));
}

fn profile_ui(ui: &mut Ui, view: &AssumptionsView, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.add_space(4.0);
    parts::label(ui, "Profile", theme::semibold(theme::size::TEXT), palette.text);
    let titles: Vec<&str> = view.profiles.iter().map(|profile| profile.title.as_str()).collect();
    let chosen = view.profiles.iter().position(|profile| profile.is_chosen);
    if let Some(profile) = choice_ui(ui, "profile", &titles, chosen).and_then(|index| view.profiles.get(index)) {
        commands.push(Command::SetProfile(profile.profile));
    }
    wrapped(ui, &view.detected);
}

/// Draws one assumption, its question left and its values right, and returns where it stands.
fn assumption_ui(ui: &mut Ui, row: &AssumptionRow, is_marked: bool, commands: &mut Vec<Command>) -> Rect {
    let ground = ui.painter().add(egui::Shape::Noop);
    let inset = if is_marked { 10.0 } else { 0.0 };
    let (left, right) = (ui.max_rect().left() + inset, ui.max_rect().right() - SCROLL_BAR);
    let top = ui.cursor().top();
    let values: Vec<&str> = row.values.iter().map(String::as_str).collect();
    let column = |ui: &mut Ui, salt: &str, from: f32, to: f32, add: &mut dyn FnMut(&mut Ui)| {
        let rect = Rect::from_min_max(pos2(from, top), pos2(to, f32::INFINITY));
        let builder = UiBuilder::new().id_salt((salt, &row.name)).max_rect(rect).layout(egui::Layout::top_down(egui::Align::Min));
        // A child that takes no room: the two columns start at the same height.
        let mut child = ui.new_child(builder);
        add(&mut child);
        child.min_rect()
    };
    let question = column(ui, "question", left, right - VALUES - 16.0, &mut |ui| {
        parts::label(ui, &row.name, theme::semibold(theme::size::TEXT), Palette::of(ui).text);
        wrapped(ui, &row.question);
        changed_ui(ui, row, commands);
    });
    let answer = column(ui, "values", right - VALUES, right, &mut |ui| {
        let chosen = row.values.iter().position(|value| *value == row.value);
        if let Some(value) = choice_ui(ui, &row.name, &values, chosen).and_then(|index| row.values.get(index)) {
            commands.push(Command::Assume { name: row.name.clone(), value: value.clone() });
        }
    });
    let rect = Rect::from_min_max(pos2(left, top), pos2(right, question.bottom().max(answer.bottom())));
    ui.allocate_rect(rect, Sense::hover());
    if is_marked {
        let palette = Palette::of(ui);
        let area = Rect::from_min_max(rect.min - vec2(10.0, 5.0), rect.max + vec2(SCROLL_BAR, 5.0));
        let bar = Rect::from_min_max(area.left_top() + vec2(0.0, 4.0), pos2(area.left() + 3.0, area.bottom() - 4.0));
        let fill = egui::Shape::rect_filled(area, 6.0, Palette::mix(palette.panel, palette.accent, 0.12));
        ui.painter().set(ground, egui::Shape::Vec(vec![fill, egui::Shape::rect_filled(bar, 1.5, palette.accent)]));
    }
    rect
}

/// That a value is not the profile's, and the way back.
fn changed_ui(ui: &mut Ui, row: &AssumptionRow, commands: &mut Vec<Command>) {
    let Some(profile_value) = &row.profile_value else { return };
    ui.horizontal(|ui| {
        let words = format!("changed, profile says {profile_value}");
        parts::label(ui, &words, theme::semibold(theme::size::TABLE), Palette::of(ui).depends);
        let reset = parts::link(ui, "Reset to profile");
        reset.widget_info(|| WidgetInfo::labeled(WidgetType::Link, true, format!("Reset {} to profile", row.name)));
        if reset.on_hover_text(format!("Back to {profile_value}")).clicked() {
            commands.push(Command::ResetAssumption(Some(row.name.clone())));
        }
    });
}

/// Values side by side, of which one is chosen. Returns the one that was clicked, if it is another one.
fn choice_ui(ui: &mut Ui, name: &str, titles: &[&str], chosen: Option<usize>) -> Option<usize> {
    let palette = Palette::of(ui);
    let font = |on: bool| if on { theme::semibold(theme::size::TABLE) } else { theme::regular(theme::size::TABLE) };
    // Measured in semibold, so that nothing moves when another one is chosen.
    let widths: Vec<f32> = titles.iter().map(|title| (parts::width_of(ui, title, font(true)) + 28.0).ceil().max(64.0)).collect();
    let (_, row) = ui.allocate_space(vec2(widths.iter().sum(), CHOICE));
    ui.painter().rect(row, 6.0, palette.raised, Stroke::new(1.0, palette.line), StrokeKind::Inside);
    let (mut x, mut clicked, mut on_top) = (row.left(), None, None);
    for (index, (title, width)) in titles.iter().zip(&widths).enumerate() {
        let rect = Rect::from_min_size(pos2(x, row.top()), vec2(*width, CHOICE));
        x += width;
        let is_chosen = chosen == Some(index);
        let response = ui.interact(rect, Id::new(("choice", name, title)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, is_chosen, format!("{name} {title}")));
        if response.clicked() && !is_chosen {
            clicked = Some(index);
        }
        let corners = CornerRadius {
            nw: if index == 0 { 6 } else { 0 },
            sw: if index == 0 { 6 } else { 0 },
            ne: if index + 1 == titles.len() { 6 } else { 0 },
            se: if index + 1 == titles.len() { 6 } else { 0 },
        };
        segment(ui, rect, corners, &response, is_chosen);
        if index > 0 {
            ui.painter().vline(rect.left(), rect.y_range().shrink(1.0), Stroke::new(1.0, palette.line));
        }
        if is_chosen || response.has_focus() {
            on_top = Some((rect, corners));
        }
        let color = if is_chosen || response.hovered() { palette.text } else { palette.muted };
        parts::text(ui, rect.center(), Align2::CENTER_CENTER, title, font(is_chosen), color, *width);
    }
    if let Some((rect, corners)) = on_top {
        ui.painter().rect_stroke(rect, corners, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
    }
    clicked
}

fn segment(ui: &Ui, rect: Rect, corners: CornerRadius, response: &Response, is_chosen: bool) {
    let palette = Palette::of(ui);
    if is_chosen {
        ui.painter().rect_filled(rect, corners, Palette::mix(palette.raised, palette.accent, 0.2));
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, corners, Palette::mix(palette.raised, palette.line, 0.35));
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
}

/// Draws the buttons and returns whether the dialog is done.
fn buttons_ui(ui: &mut Ui, view: &AssumptionsView, commands: &mut Vec<Command>) -> bool {
    let mut is_done = false;
    parts::row_from_right(ui, 28.0, |ui| {
        is_done = ui.add(egui::Button::new("Done").min_size(vec2(72.0, 28.0))).clicked();
        let has_changes = view.rows.iter().any(|row| row.profile_value.is_some());
        let reset = ui.add_enabled(has_changes, egui::Button::new("Reset all to profile").min_size(vec2(0.0, 28.0)));
        if reset.on_disabled_hover_text("Every assumption is as the profile says").clicked() {
            commands.push(Command::ResetAssumption(None));
        }
    });
    is_done
}
