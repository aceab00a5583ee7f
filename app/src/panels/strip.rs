//! Above the map: the way back and forward, where what is selected lies, how far things stay lit, and what is pinned, put aside or left
//! out.

use egui::{Align2, Id, Popup, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};
use portolan_core::text::count;

use super::actions::{self, Action};
use super::parts;
use crate::command::{Command, ShowOptions};
use crate::map::action::{MapAction, Reach};
use crate::theme::{self, Palette};
use crate::view_model::caption::narrowing;
use crate::view_model::{AsideRow, Crumb, View};

/// Height of the strip.
pub const HEIGHT: f32 = 28.0;
/// Height of a button in it.
const BUTTON: f32 = 22.0;
/// Space between the ground of a button and its words.
const PADDING: f32 = 6.0;
/// No crumb is cut to less.
const MIN_CRUMB: f32 = 44.0;

/// What the strip shows besides the view.
#[derive(Debug, Clone, Copy)]
pub struct Strip<'a> {
    /// What the map shows.
    pub show: &'a ShowOptions,
    /// How far from the selection things stay lit.
    pub reach: Reach,
    /// Whether there is a way back, and a way forward.
    pub ways: (bool, bool),
}

/// Draws the strip. Returns what was asked for that is not a command of the worker.
pub fn strip_ui(ui: &mut Ui, view: &View, strip: Strip<'_>, commands: &mut Vec<Command>) -> Option<Action> {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEIGHT));
    ui.painter().rect_filled(rect, 0.0, palette.panel);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line));
    let mut bar = Bar { left: rect.left() + 8.0, right: rect.right() - 8.0, rect };
    let mut action = None;
    let (can_go_back, can_go_forward) = strip.ways;
    for (way, name, is_enabled) in [(Action::Back, "Back", can_go_back), (Action::Forward, "Forward", can_go_forward)] {
        if history_button(ui, &mut bar, way, name, is_enabled) {
            action = Some(way);
        }
    }
    bar.left += 4.0;
    let is_selected = view.inspector.is_some();
    // The room of what stands at the right is taken first; the Tab key goes from the left to the right all the same.
    let menus = [
        is_selected.then(|| Menu::new("reach", strip.reach.title().to_owned(), "How far from the selection things stay lit")),
        pinned_menu(view),
        aside_menu(view),
        narrowed_menu(strip.show),
    ];
    let mut placed: Vec<(usize, Menu, Rect)> = Vec::new();
    for (at, menu) in menus.into_iter().enumerate().filter_map(|(at, menu)| Some((at, menu?))) {
        if let Some(area) = bar.take_right(ui, &menu) {
            placed.push((at, menu, area));
        }
    }
    crumbs_ui(ui, &mut bar, &view.crumbs, is_selected, commands);
    note_ui(ui, &bar, &view.map.note);
    for (at, menu, area) in placed.into_iter().rev() {
        let response = parts::menu_button(ui, Id::new(("strip", menu.id)), area, (&menu.title, &menu.title), menu.hover, false);
        let popup = Popup::menu(&response).gap(4.0);
        let asked = match at {
            0 => popup.show(|ui| reach_ui(ui, strip.reach)),
            1 => popup.show(|ui| pinned_ui(ui, view, commands)),
            2 => popup.show(|ui| aside_ui(ui, &view.aside, commands)),
            _ => popup.show(|ui| narrowed_ui(ui, strip.show)),
        };
        action = asked.and_then(|asked| asked.inner).or(action);
    }
    action
}

/// What is left of the strip, from both ends.
struct Bar {
    left: f32,
    right: f32,
    rect: Rect,
}

impl Bar {
    fn take_left(&mut self, width: f32, gap: f32) -> Rect {
        let area = Rect::from_min_size(pos2(self.left, self.rect.center().y - BUTTON / 2.0 - 0.5), vec2(width, BUTTON));
        self.left += width + gap;
        area
    }

    fn take_right(&mut self, ui: &Ui, menu: &Menu) -> Option<Rect> {
        let room = self.right - self.left;
        let width = parts::menu_width(ui, &menu.title).min(240.0).min(room);
        if width < 64.0 {
            return None;
        }
        let area = Rect::from_min_size(pos2(self.right - width, self.rect.center().y - BUTTON / 2.0 - 0.5), vec2(width, BUTTON));
        self.right -= width + 4.0;
        Some(area)
    }
}

fn font() -> egui::FontId {
    theme::regular(theme::size::TABLE)
}

/// A button of the strip that opens a list.
struct Menu {
    id: &'static str,
    title: String,
    hover: &'static str,
}

impl Menu {
    const fn new(id: &'static str, title: String, hover: &'static str) -> Self {
        Self { id, title, hover }
    }
}

fn history_button(ui: &Ui, bar: &mut Bar, action: Action, name: &str, is_enabled: bool) -> bool {
    let palette = Palette::of(ui);
    let area = bar.take_left(24.0, 0.0);
    let sense = if is_enabled { Sense::click() } else { Sense::hover() };
    let response = ui.interact(area, Id::new(("strip", name)), sense);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, is_enabled, name));
    if is_enabled {
        parts::row_background(ui, area, &response, None);
    }
    let color = if is_enabled { palette.text } else { palette.line };
    let side = if action == Action::Back { -1.0 } else { 1.0 };
    let centre = area.center();
    let points = vec![centre + vec2(-2.5 * side, -5.0), centre + vec2(2.5 * side, 0.0), centre + vec2(-2.5 * side, 5.0)];
    ui.painter().add(egui::Shape::line(points, Stroke::new(1.5, color)));
    let is_clicked = response.clicked();
    let hover = if is_enabled { "what was selected" } else { "nothing to go to" };
    response.on_hover_text(format!("{name}, {hover} ({})", actions::keys_of(ui.ctx(), action)));
    is_clicked
}

fn crumbs_ui(ui: &Ui, bar: &mut Bar, crumbs: &[Crumb], is_selected: bool, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let separator = 12.0;
    let last = crumbs.len().saturating_sub(1);
    let font_of = |at: usize| if at == last { theme::semibold(theme::size::TABLE) } else { font() };
    let wanted: Vec<f32> =
        crumbs.iter().enumerate().map(|(at, crumb)| parts::width_of(ui, &crumb.title, font_of(at)).ceil() + PADDING * 2.0).collect();
    let room = bar.right - bar.left - separator * last as f32;
    let is_short = wanted.iter().sum::<f32>() > room;
    for (at, (crumb, wanted)) in crumbs.iter().zip(wanted).enumerate() {
        let width = if is_short { wanted.min((room / crumbs.len() as f32).max(MIN_CRUMB)) } else { wanted };
        if bar.left + width > bar.right {
            return;
        }
        let area = bar.take_left(width, 0.0);
        let response = ui.interact(area, Id::new(("crumb", at)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Show {} {}", crumb.kind, crumb.title)));
        parts::row_background(ui, area, &response, None);
        let color = if at == last && is_selected { palette.text } else { palette.muted };
        let left = pos2(area.left() + PADDING, area.center().y);
        let title = parts::text(ui, left, Align2::LEFT_CENTER, &crumb.title, font_of(at), color, width - PADDING * 2.0 + 1.0);
        if response.clicked() {
            commands.push(Command::Select((!crumb.id.is_empty()).then(|| crumb.id.clone())));
        }
        let hover = if crumb.id.is_empty() {
            "The whole cluster, nothing selected".to_owned()
        } else {
            format!("Select {} {}", crumb.kind, crumb.title)
        };
        response.on_hover_text(if title.is_elided { format!("{}\n{hover}", crumb.title) } else { hover });
        if at < last {
            let middle = pos2(bar.left + separator / 2.0, bar.rect.center().y - 0.5);
            let points = vec![middle + vec2(-2.0, -3.5), middle + vec2(1.5, 0.0), middle + vec2(-2.0, 3.5)];
            ui.painter().add(egui::Shape::line(points, Stroke::new(1.0, palette.muted)));
            bar.left += separator;
        }
    }
}

/// What is folded or left out of its own accord, in the room that is left.
fn note_ui(ui: &Ui, bar: &Bar, note: &str) {
    let room = bar.right - bar.left - 24.0;
    if note.is_empty() || room < 48.0 {
        return;
    }
    let palette = Palette::of(ui);
    let at = pos2(bar.left + 12.0, bar.rect.center().y - 0.5);
    let painted = parts::text(ui, at, Align2::LEFT_CENTER, note, theme::regular(theme::size::CAPTION), palette.muted, room);
    let response = ui.interact(painted.rect, Id::new("strip note"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, note));
    if painted.is_elided {
        response.on_hover_text(note);
    }
}

fn reach_ui(ui: &mut Ui, current: Reach) -> Option<Action> {
    parts::name_ground(ui, "How far things stay lit");
    ui.set_min_width(200.0);
    let mut asked = None;
    for reach in Reach::ALL {
        let action = Action::Map(MapAction::Reach(reach));
        let keys = actions::keys_of(ui.ctx(), action);
        let keys = egui::RichText::new(keys).font(font()).color(Palette::of(ui).muted);
        let button = egui::Button::selectable(current == reach, reach.title()).right_text(keys);
        if ui.add(button.min_size(vec2(ui.available_width(), 24.0))).clicked() {
            asked = Some(action);
        }
    }
    asked
}

fn pinned_menu(view: &View) -> Option<Menu> {
    let n = view.pinned.len();
    (n > 0).then(|| Menu::new("pinned", format!("{n} pinned"), "What stays lit and apart, whatever is selected"))
}

fn pinned_ui(ui: &mut Ui, view: &View, commands: &mut Vec<Command>) -> Option<Action> {
    parts::name_ground(ui, "What is pinned");
    ui.set_width(280.0);
    egui::ScrollArea::vertical().id_salt("pinned").max_height(320.0).show(ui, |ui| {
        for (id, name) in &view.pinned {
            parts::row_from_right(ui, 28.0, |ui| {
                let unpin = parts::text_button(ui, true, "Unpin");
                unpin.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Unpin {name}")));
                if unpin.clicked() {
                    commands.push(Command::Pin(id.clone()));
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    parts::label(ui, name, theme::regular(theme::size::TABLE), Palette::of(ui).text);
                });
            });
        }
    });
    ui.separator();
    let button = with_keys(ui, "Unpin all", Action::UnpinAll);
    ui.add(button).clicked().then_some(Action::UnpinAll)
}

fn aside_menu(view: &View) -> Option<Menu> {
    let first = view.aside.first()?;
    let name = first.title.rsplit('/').next().unwrap_or(&first.title);
    let title = match view.aside.len() {
        1 => format!("{name} put aside"),
        n => format!("{name} and {} more put aside", n - 1),
    };
    Some(Menu::new("aside", title, "Nodes whose connections are left out"))
}

fn aside_ui(ui: &mut Ui, aside: &[AsideRow], commands: &mut Vec<Command>) -> Option<Action> {
    parts::name_ground(ui, "What is put aside");
    ui.set_width(360.0);
    egui::ScrollArea::vertical().id_salt("aside").max_height(320.0).show_rows(ui, 36.0, aside.len(), |ui, range| {
        for row in aside.get(range).unwrap_or_default() {
            parts::row_from_right(ui, 36.0, |ui| {
                let back = parts::text_button(ui, true, "Bring back");
                back.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Bring back {}", row.title)));
                if back.clicked() {
                    commands.push(Command::BringBack(Some(row.id.clone())));
                }
                ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let palette = Palette::of(ui);
                    parts::label(ui, &row.title, theme::regular(theme::size::TABLE), palette.text);
                    parts::label(ui, &row.fact, theme::regular(theme::size::CAPTION), palette.muted);
                });
            });
        }
    });
    ui.separator();
    let button = with_keys(ui, "Bring all back", Action::BringAllBack);
    ui.add(button).clicked().then_some(Action::BringAllBack)
}

fn narrowed_menu(show: &ShowOptions) -> Option<Menu> {
    let pieces = left_out(show);
    let first = pieces.first()?;
    let title = match pieces.len() {
        1 => format!("Filtered, {first}"),
        n => format!("Filtered, {first} and {}", count(n - 1, "more", "more")),
    };
    Some(Menu::new("narrowed", title, "What the map leaves out because it was asked to"))
}

/// What was asked to be left out, in short pieces.
fn left_out(show: &ShowOptions) -> Vec<String> {
    if !actions::is_narrowed(show) {
        return Vec::new();
    }
    // DNS and monitoring are left out where nobody chooses.
    narrowing(&ShowOptions { noisy_peers: true, ..show.clone() })
}

fn narrowed_ui(ui: &mut Ui, show: &ShowOptions) -> Option<Action> {
    parts::name_ground(ui, "What the map leaves out");
    ui.set_width(280.0);
    for piece in left_out(show) {
        let mut chars = piece.chars();
        let words: String = chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default();
        ui.add(egui::Label::new(egui::RichText::new(words).font(font())).wrap().selectable(false));
    }
    ui.separator();
    let button = with_keys(ui, "Clear all filters", Action::ShowEverything);
    ui.add(button).clicked().then_some(Action::ShowEverything)
}

fn with_keys(ui: &Ui, title: &'static str, action: Action) -> egui::Button<'static> {
    let keys = egui::RichText::new(actions::keys_of(ui.ctx(), action)).font(font()).color(Palette::of(ui).muted);
    egui::Button::new(title).right_text(keys).min_size(vec2(ui.available_width(), 24.0))
}
