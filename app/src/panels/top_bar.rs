//! Top: the name, what is looked at, search, commands and the appearance.

use egui::{Align2, Id, Popup, Rect, Sense, Stroke, StrokeKind, ThemePreference, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::actions::{self, Action};
use super::parts::{self, EDGE};
use super::search::{SearchState, search_ui};
use crate::command::Command;
use crate::source::demo::Demo;
use crate::theme::{self, Palette};
use crate::view_model::{ContextRow, View};

/// Height of the bar.
pub const HEIGHT: f32 = 44.0;
/// Height of what stands in it.
const FIELD: f32 = 26.0;
/// Width of one of the three appearances.
const SEGMENT: f32 = 60.0;

const APPEARANCES: [(ThemePreference, &str); 3] =
    [(ThemePreference::System, "System"), (ThemePreference::Light, "Light"), (ThemePreference::Dark, "Dark")];

/// What the top bar keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct TopBarState {
    /// The search field.
    pub search: SearchState,
}

/// Draws the bar. Returns an action that is not a command of the worker, if one was asked for.
pub fn top_bar_ui(
    ui: &mut Ui,
    view: &View,
    contexts: &[ContextRow],
    state: &mut TopBarState,
    commands: &mut Vec<Command>,
) -> Option<Action> {
    let palette = Palette::of(ui);
    let bar = ui.available_rect_before_wrap();
    let (top, bottom) = (bar.center().y - FIELD / 2.0, bar.center().y + FIELD / 2.0);
    let field = |left: f32, right: f32| Rect::from_min_max(pos2(left, top), pos2(right, bottom));
    let name_at = pos2(bar.left() + EDGE, bar.center().y);
    let name = parts::text(ui, name_at, Align2::LEFT_CENTER, "Portolan", theme::semibold(theme::size::BRAND), palette.text, 100.0);
    let mut action = None;

    let picker = field(name.rect.right().max(bar.left() + 88.0) + 16.0, bar.left() + 300.0);
    picker_ui(ui, picker, view, contexts, &mut action, commands);

    let segments = field(bar.right() - EDGE - SEGMENT * APPEARANCES.len() as f32, bar.right() - EDGE);
    appearance_ui(ui, segments);
    let label = format!("Commands  {}", actions::keys_of(ui.ctx(), Action::Palette));
    let width = parts::width_of(ui, &label, theme::regular(theme::size::TABLE)) + 18.0;
    let button = field(segments.left() - 12.0 - width, segments.left() - 12.0);
    let text = egui::RichText::new(&label).font(theme::regular(theme::size::TABLE)).color(palette.muted);
    if ui.put(button, egui::Button::new(text).frame_when_inactive(false)).clicked() {
        action = Some(Action::Palette);
    }

    let (from, to) = (picker.right() + 16.0, button.left() - 16.0);
    let width = (to - from).clamp(120.0, 420.0);
    let left = (bar.center().x - width / 2.0).clamp(from, (to - width).max(from));
    search_ui(ui, field(left.round(), (left + width).round()), view, &mut state.search, commands);
    action
}

fn picker_ui(ui: &mut Ui, rect: Rect, view: &View, contexts: &[ContextRow], action: &mut Option<Action>, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let response = ui.interact(rect, Id::new("source picker"), Sense::click());
    let source = if view.status.source.is_empty() { "Open a source…" } else { view.status.source.as_str() };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Source {source}")));
    let is_marked = response.hovered() || response.has_focus();
    let border = if is_marked { Stroke::new(1.0, palette.accent) } else { Stroke::new(1.0, palette.line) };
    ui.painter().rect(rect, 6.0, palette.raised, border, StrokeKind::Inside);
    let y = rect.center().y;
    parts::fold_arrow(ui, pos2(rect.right() - 14.0, y), true, palette.muted);
    let room = rect.width() - 12.0 - 28.0;
    let at = pos2(rect.left() + 12.0, y);
    let title = parts::text(ui, at, Align2::LEFT_CENTER, source, theme::semibold(theme::size::TEXT), palette.text, room);
    let after = title.rect.right() + 10.0;
    let font = theme::regular(theme::size::TABLE);
    if after + parts::width_of(ui, "view only", font.clone()) <= rect.right() - 28.0 {
        parts::text(ui, pos2(after, y), Align2::LEFT_CENTER, "view only", font, palette.muted, 80.0);
    }
    Popup::menu(&response).gap(4.0).width(280.0).show(|ui| {
        ui.set_min_width(280.0);
        parts::name_ground(ui, "Sources to open");
        for demo in Demo::ALL {
            if ui.button(demo.title()).clicked() {
                commands.push(Command::OpenDemo(demo));
            }
        }
        if ui.button("Open manifests folder…").clicked() {
            *action = Some(Action::OpenFolder);
        }
        if ui.button("Open manifest files…").clicked() {
            *action = Some(Action::OpenFiles);
        }
        ui.separator();
        let caption = |ui: &mut Ui, text: &str| {
            let font = theme::semibold(theme::size::CAPTION);
            ui.add(egui::Label::new(egui::RichText::new(text).font(font).color(Palette::of(ui).muted)).wrap());
        };
        if contexts.is_empty() {
            caption(ui, "No contexts were found in your kubeconfig");
            return;
        }
        caption(ui, "CONTEXTS");
        egui::ScrollArea::vertical().id_salt("contexts").max_height(360.0).show(ui, |ui| {
            for context in contexts {
                let fact = egui::RichText::new(&context.fact).font(theme::regular(theme::size::CAPTION)).color(Palette::of(ui).muted);
                let button = egui::Button::new(context.title.as_str()).right_text(fact).truncate();
                if ui.add(button.min_size(vec2(ui.available_width(), 24.0))).on_hover_text(&context.fact).clicked() {
                    commands.push(Command::OpenContext(context.id.clone()));
                }
            }
        });
    });
    if title.is_elided {
        response.on_hover_text(source);
    }
}

fn appearance_ui(ui: &mut Ui, rect: Rect) {
    let palette = Palette::of(ui);
    ui.painter().rect(rect, 6.0, palette.raised, Stroke::new(1.0, palette.line), StrokeKind::Inside);
    let current = ui.ctx().options(|options| options.theme_preference);
    for (index, (preference, title)) in APPEARANCES.into_iter().enumerate() {
        let left = rect.left() + SEGMENT * index as f32;
        let segment = Rect::from_min_size(pos2(left, rect.top()), vec2(SEGMENT, rect.height())).shrink(2.0);
        let response = ui.interact(segment, Id::new(("appearance", title)), Sense::click());
        let is_current = preference == current;
        response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, is_current, format!("{title} appearance")));
        if is_current {
            ui.painter().rect_filled(segment, 5.0, Palette::mix(palette.raised, palette.accent, 0.22));
        }
        if response.has_focus() {
            ui.painter().rect_stroke(segment, 5.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
        }
        let font = if is_current { theme::semibold(theme::size::TABLE) } else { theme::regular(theme::size::TABLE) };
        let color = if is_current || response.hovered() { palette.text } else { palette.muted };
        parts::text(ui, segment.center(), Align2::CENTER_CENTER, title, font, color, SEGMENT);
        if response.clicked() {
            ui.ctx().set_theme(preference);
        }
    }
}
