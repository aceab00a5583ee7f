//! The status bar: how fresh the picture is, what it is of, how large, how fast, what cannot be seen.

use egui::{Align2, Color32, Rect, Response, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::actions::following;
use super::parts;
use crate::command::Command;
use crate::theme::{self, Palette};
use crate::view_model::{Freshness, Status};

/// Height of the bar.
pub const HEIGHT: f32 = 24.0;

/// Space between the ground of a button and its words.
const BUTTON_PADDING: f32 = 6.0;
/// Room for the arrow behind a button's words.
const ARROW: f32 = 12.0;

/// What the bar promises.
const PROMISE: &str = "nothing is written to the cluster";

/// The word for how fresh the picture is, and why where there is a why.
pub fn freshness_words(status: &Status) -> String {
    let with_reason = |word: &str, why: &str| match why {
        "" => word.to_owned(),
        // The reason may already read on: `stale since 12:04, connection refused`.
        why if why.starts_with("since ") => format!("{word} {why}"),
        why => format!("{word}: {why}"),
    };
    match &status.freshness {
        Freshness::Static if status.source.is_empty() => "no source".to_owned(),
        Freshness::Static => status.source.clone(),
        Freshness::Loading(done, all) => format!("loading {done} of {all} kinds"),
        Freshness::Live => "live".to_owned(),
        Freshness::Stale(why) => with_reason("stale", why),
        Freshness::Unauthorised(why) => with_reason("unauthorised", why),
        Freshness::Failed(why) => with_reason("failed", why),
    }
}

fn freshness_color(freshness: &Freshness, palette: &Palette) -> Color32 {
    match freshness {
        Freshness::Static => palette.muted,
        Freshness::Loading(..) => palette.accent,
        Freshness::Live => palette.allowed,
        Freshness::Stale(_) => palette.depends,
        Freshness::Unauthorised(_) | Freshness::Failed(_) => palette.denied,
    }
}

/// Draws the bar. `first_key` is the first of two keys, while the second is waited for.
pub fn status_ui(ui: &mut Ui, status: &Status, first_key: Option<&str>, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let rect = ui.available_rect_before_wrap();
    let y = rect.center().y;
    let font = theme::regular(theme::size::CAPTION);
    let promise = parts::text(ui, pos2(rect.right() - 16.0, y), Align2::RIGHT_CENTER, PROMISE, font, palette.muted, rect.width());
    let end = promise.rect.left() - 24.0;
    let mut bar = Bar { x: rect.left() + 28.0, end, rect };

    if let Some(first) = first_key {
        let seconds: Vec<&str> = following(first).map(|(second, _)| second).collect();
        bar.x = rect.left() + 16.0;
        bar.part(ui, &format!("{first}, and then {}, or Esc", seconds.join(" ")), palette.accent, rect.width());
        return;
    }
    let is_bad = matches!(status.freshness, Freshness::Stale(_) | Freshness::Unauthorised(_) | Freshness::Failed(_));
    let color = freshness_color(&status.freshness, palette);
    let at = pos2(rect.left() + 16.0, y);
    if is_bad {
        // A diamond, so that the shape says it as well.
        let points = vec![at + vec2(0.0, -5.0), at + vec2(5.0, 0.0), at + vec2(0.0, 5.0), at + vec2(-5.0, 0.0)];
        ui.painter().add(egui::Shape::convex_polygon(points, color, egui::Stroke::NONE));
    } else {
        ui.painter().circle_filled(at, 4.0, color);
    }
    bar.part(ui, &freshness_words(status), palette.text, 420.0);
    if status.freshness != Freshness::Static {
        bar.part(ui, &status.source, palette.text, 240.0);
    }
    if let Some(notice) = &status.notice {
        bar.part(ui, &notice.text, if notice.is_failure { palette.denied } else { palette.text }, 420.0);
    }
    if !status.unseen.is_empty() {
        let n = status.unseen.len();
        let words = if n == 1 { "! 1 kind cannot be seen".to_owned() } else { format!("! {n} kinds cannot be seen") };
        if let Some(response) = bar.part(ui, &words, palette.depends, 240.0) {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(status.unseen.join("; ")));
            response.on_hover_ui(|ui| {
                for line in &status.unseen {
                    ui.label(line);
                }
            });
        }
    }
    bar.part(ui, &status.sizes, palette.muted, 320.0);
    bar.part(ui, &status.timing, palette.muted, 200.0);
    if bar.button(ui, &status.profile, &status.profile_origin).is_some_and(|response| response.clicked()) {
        commands.push(Command::ShowAssumptions(None));
    }
    let promised = ui.interact(promise.rect, egui::Id::new("status promise"), Sense::hover());
    promised.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, PROMISE));
    promised.on_hover_text("Portolan only reads. What you edit here stays here until you export it.");
}

/// What is left of the bar, from left to right.
struct Bar {
    x: f32,
    end: f32,
    rect: Rect,
}

impl Bar {
    /// The profile, which opens the assumptions: its id stays while its words change, so that the keyboard's focus does.
    fn button(&mut self, ui: &Ui, text: &str, origin: &str) -> Option<Response> {
        let room = (self.end - self.x - BUTTON_PADDING * 2.0).min(200.0);
        if text.is_empty() || room < 40.0 {
            return None;
        }
        let palette = Palette::of(ui);
        let font = theme::regular(theme::size::CAPTION);
        let galley = parts::line_of(ui, text, font, palette.text, room);
        // The words line up with those of the other parts; the ground reaches out around them.
        let size = vec2(galley.size().x + BUTTON_PADDING * 2.0 + ARROW, HEIGHT - 4.0);
        let area = Rect::from_min_size(pos2(self.x - BUTTON_PADDING, self.rect.center().y - size.y / 2.0), size);
        let response = ui.interact(area, egui::Id::new("status profile"), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, text));
        parts::row_background(ui, area, &response, None);
        ui.painter().galley(pos2(self.x, self.rect.center().y - galley.size().y / 2.0), galley, palette.text);
        parts::fold_arrow(ui, pos2(area.right() - BUTTON_PADDING - 2.0, area.center().y), true, palette.muted);
        self.x = area.right() + 20.0;
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(origin));
        let hover = if origin.is_empty() { String::new() } else { format!("\n{origin}") };
        Some(response.on_hover_text(format!("What is assumed where network plugins differ{hover}")))
    }

    fn part(&mut self, ui: &Ui, text: &str, color: Color32, max_width: f32) -> Option<Response> {
        let room = (self.end - self.x).min(max_width);
        if text.is_empty() || room < 40.0 {
            return None;
        }
        let at = pos2(self.x, self.rect.center().y);
        let painted = parts::text(ui, at, Align2::LEFT_CENTER, text, theme::regular(theme::size::CAPTION), color, room);
        let response = ui.interact(painted.rect, egui::Id::new(("status", text)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, text));
        self.x = painted.rect.right() + 24.0;
        Some(if painted.is_elided { response.on_hover_text(text) } else { response })
    }
}
