//! The small pieces that all panels share: text that elides, rows, tabs, headings, and how a tone is drawn.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Align2, Color32, FontId, Galley, Id, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, vec2};

use crate::theme::{self, Palette};

/// Space between a panel's edge and what stands in it.
pub const EDGE: f32 = 16.0;
/// Space between a panel's edge and the highlight of a row, so that the row's text stands at [`EDGE`].
pub const ROW_EDGE: f32 = 8.0;
/// Height of a plain row.
pub const ROW: f32 = 24.0;

/// Lays one line of text out, cut with an ellipsis at `max_width`.
pub fn line_of(ui: &Ui, text: &str, font: FontId, color: Color32, max_width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap.max_width = max_width.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job.break_on_newline = false;
    ui.painter().layout_job(job)
}

/// The width of one line of text.
pub fn width_of(ui: &Ui, text: &str, font: FontId) -> f32 {
    line_of(ui, text, font, Color32::PLACEHOLDER, f32::INFINITY).size().x
}

/// Text that was painted.
#[derive(Debug, Clone, Copy)]
pub struct Painted {
    /// Where it stands.
    pub rect: Rect,
    /// Whether it was cut.
    pub is_elided: bool,
}

/// Paints one line of text with its left (or right) middle at `at`, cut with an ellipsis at `max_width`.
pub fn text(ui: &Ui, at: Pos2, align: Align2, text: &str, font: FontId, color: Color32, max_width: f32) -> Painted {
    let galley = line_of(ui, text, font, color, max_width);
    let rect = align.anchor_size(at, galley.size());
    let is_elided = galley.elided;
    ui.painter().galley(rect.min, galley, color);
    Painted { rect, is_elided }
}

/// Adds a line of text as a label of its own: elided to the available width, and whole on hover where it was cut.
pub fn label(ui: &mut Ui, text: &str, font: FontId, color: Color32) -> Response {
    ui.add(egui::Label::new(egui::RichText::new(text).font(font).color(color)).truncate().selectable(false))
}

/// A heading in small capitals, for example `NAMESPACES`, as wide as the panel and [`EDGE`] from its edge.
pub fn heading(ui: &mut Ui, title: &str) -> Rect {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let palette = Palette::of(ui);
    let at = Pos2::new(rect.left() + EDGE, rect.center().y);
    text(ui, at, Align2::LEFT_CENTER, &title.to_uppercase(), theme::semibold(theme::size::CAPTION), palette.muted, rect.width());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, title));
    rect
}

/// A sentence that fills an empty panel and says what would be there.
pub fn empty(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    egui::Frame::NONE.inner_margin(egui::Margin::symmetric(EDGE as i8, 8)).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(360.0));
        ui.add(egui::Label::new(egui::RichText::new(text).color(palette.muted)).wrap().selectable(false));
    });
}

/// Room for a row as wide as the panel: the highlight goes to `rect`, the text starts at [`EDGE`].
/// The id is the row's own, so that focus follows what it shows and not where it stands.
pub fn row(ui: &mut Ui, id: Id, height: f32, fill: Option<Color32>) -> (Rect, Response) {
    let (_, outer) = ui.allocate_space(vec2(ui.available_width(), height));
    let rect = outer.shrink2(vec2(ROW_EDGE, 0.0));
    let response = ui.interact(rect, id, Sense::click());
    row_background(ui, rect, &response, fill);
    (outer, response)
}

/// Room for `n` rows of one height below each other, of which those are added that are in sight, and one more at each end, so that the
/// Tab key has somewhere to go. There must be no space between them.
pub fn rows_in_sight(ui: &mut Ui, height: f32, n: usize, mut add: impl FnMut(&mut Ui, usize)) {
    let (top, sight) = (ui.cursor().top(), ui.clip_rect());
    let place = |y: f32| ((y - top) / height).max(0.0) as usize;
    let first = place(sight.top()).saturating_sub(1).min(n.saturating_sub(1));
    let end = (place(sight.bottom()) + 2).min(n);
    ui.add_space(first as f32 * height);
    (first..end).for_each(|index| add(ui, index));
    ui.add_space((n - end) as f32 * height);
}

/// Paints the ground of a row: `fill` where it is selected, a hint under the pointer, a ring with the keyboard's focus.
pub fn row_background(ui: &Ui, rect: Rect, response: &Response, fill: Option<Color32>) {
    let palette = Palette::of(ui);
    let fill = fill.or_else(|| response.hovered().then(|| Palette::mix(palette.panel, palette.line, 0.35)));
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 6.0, fill);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 6.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
    }
    // Only once, or the wheel could not scroll away from it.
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
}

/// The ground of what is selected.
pub fn selected_fill(ui: &Ui) -> Color32 {
    let palette = Palette::of(ui);
    Palette::mix(palette.panel, palette.accent, 0.18)
}

/// A button that is only text until it is pointed at.
pub fn text_button(ui: &mut Ui, enabled: bool, label: &str) -> Response {
    let button = egui::Button::new(egui::RichText::new(label).font(theme::regular(theme::size::TABLE))).frame_when_inactive(false);
    ui.add_enabled(enabled, button)
}

/// Text that is a button: underlined when pointed at, in the colour of the accent.
pub fn link(ui: &mut Ui, label: &str) -> Response {
    ui.add(egui::Link::new(egui::RichText::new(label).font(theme::regular(theme::size::TABLE))))
}

/// Space between the ground of a [`menu_button`] and its words.
const MENU_PADDING: f32 = 8.0;
/// Room for the arrow behind its words.
const MENU_ARROW: f32 = 14.0;

/// How wide a button must be that opens a menu and bears this title.
pub fn menu_width(ui: &Ui, title: &str) -> f32 {
    width_of(ui, title, theme::regular(theme::size::TABLE)).ceil() + MENU_PADDING * 2.0 + MENU_ARROW
}

/// A button in `area` that opens a menu: its title with an arrow behind it, on a ground of its own where it is not among others.
pub fn menu_button(ui: &Ui, id: Id, area: Rect, (title, name): (&str, &str), hover: &str, is_framed: bool) -> Response {
    let palette = Palette::of(ui);
    let response = ui.interact(area, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(hover));
    if is_framed {
        let border = if response.hovered() { palette.accent } else { palette.line };
        ui.painter().rect(area, 6.0, palette.raised, Stroke::new(1.0, border), StrokeKind::Inside);
    }
    row_background(ui, area, &response, is_framed.then_some(Color32::TRANSPARENT));
    let at = Pos2::new(area.left() + MENU_PADDING, area.center().y);
    let room = area.width() - MENU_PADDING * 2.0 - MENU_ARROW + 1.0;
    let painted = text(ui, at, Align2::LEFT_CENTER, title, theme::regular(theme::size::TABLE), palette.text, room);
    fold_arrow(ui, Pos2::new(area.right() - MENU_PADDING - 3.0, area.center().y), true, palette.muted);
    response.on_hover_text(if painted.is_elided { format!("{title}\n{hover}") } else { hover.to_owned() })
}

/// A small triangle that points down (unfolded) or right (folded).
pub fn fold_arrow(ui: &Ui, center: Pos2, unfolded: bool, color: Color32) {
    let points = if unfolded {
        vec![center + vec2(-3.5, -2.0), center + vec2(3.5, -2.0), center + vec2(0.0, 2.5)]
    } else {
        vec![center + vec2(-2.0, -3.5), center + vec2(2.5, 0.0), center + vec2(-2.0, 3.5)]
    };
    ui.painter().add(Shape::convex_polygon(points, color, Stroke::NONE));
}

/// A row of tabs: text in the given order, the current one semibold with an accent line under it. Returns the row's rectangle.
/// `width` is what the tabs may take; they move together and get smaller when it is short, and elide when it is shorter still.
pub fn tabs<T: Copy + PartialEq>(ui: &mut Ui, salt: &str, tabs: &[(T, String)], current: &mut T, height: f32, width: f32) -> Rect {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(width, height));
    // Measured in semibold, so that nothing moves when the current tab changes.
    let widths = |size: f32| -> Vec<f32> { tabs.iter().map(|(_, title)| width_of(ui, title, theme::semibold(size)).ceil()).collect() };
    let is_short = widths(theme::size::TEXT).iter().sum::<f32>() + 8.0 * tabs.len().saturating_sub(1) as f32 > width;
    let size = if is_short { theme::size::TABLE } else { theme::size::TEXT };
    let font = |on: bool| if on { theme::semibold(size) } else { theme::regular(size) };
    let widths = if is_short {
        // Then every point counts, and the tabs may move.
        tabs.iter().map(|(tab, title)| width_of(ui, title, font(*tab == *current)).ceil()).collect()
    } else {
        widths(size)
    };
    let total: f32 = widths.iter().sum();
    let gap = if tabs.len() > 1 { ((width - total) / (tabs.len() - 1) as f32).clamp(6.0, 20.0) } else { 0.0 };
    let room = width - gap * (tabs.len().saturating_sub(1)) as f32;
    let shrink = (room / total.max(1.0)).min(1.0);
    let mut x = rect.left();
    for ((tab, title), tab_width) in tabs.iter().zip(widths) {
        let tab_width = tab_width * shrink;
        let area = Rect::from_min_size(Pos2::new(x, rect.top()), vec2(tab_width, height));
        let response = ui.interact(area.expand2(vec2((gap / 2.0).min(6.0), 0.0)), tab_id(salt, title), Sense::click());
        if response.clicked() {
            *current = *tab;
        }
        let is_current = *current == *tab;
        response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_current, title));
        let color = if is_current || response.hovered() { palette.text } else { palette.muted };
        let painted = text(ui, area.left_center(), Align2::LEFT_CENTER, title, font(is_current), color, tab_width + 1.0);
        if painted.is_elided {
            response.clone().on_hover_text(title);
        }
        if is_current {
            let line = Rect::from_min_max(Pos2::new(area.left(), rect.bottom() - 2.0), area.right_bottom());
            ui.painter().rect_filled(line, 0.0, palette.accent);
        }
        if response.has_focus() {
            let ring = area.expand2(vec2(4.0, -4.0));
            ui.painter().rect_stroke(ring, 4.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
        }
        x += tab_width + gap;
    }
    rect
}

/// The id of a tab.
pub fn tab_id(salt: &str, title: &str) -> Id {
    Id::new((salt, title_key(title)))
}

/// A tab keeps its id while its count changes: `Destinations 4` and `Destinations 5` are one tab.
fn title_key(title: &str) -> &str {
    title.split([' ', ':']).next().unwrap_or(title)
}

/// A row of widgets that are added from the right to the left, as wide as what it stands in.
pub fn row_from_right<R>(ui: &mut Ui, height: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(ui.available_width(), height);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), add).inner
}

/// A dialog in the middle of the window; the window behind it is out of reach until it is closed.
pub fn modal<R>(ctx: &egui::Context, id: &str, add: impl FnOnce(&mut Ui) -> R) -> egui::ModalResponse<R> {
    let style = ctx.style_of(ctx.theme());
    egui::Modal::new(Id::new(id)).frame(egui::Frame::window(&style)).show(ctx, |ui| {
        // Screen readers do not go behind it either.
        ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
            node.set_role(egui::accesskit::Role::Dialog);
            node.set_label(id);
            node.set_modal();
        });
        add(ui)
    })
}

/// Whether Enter was pressed in the field of a dialog, which is to be drawn before. On a button, Enter is for that button.
pub fn enter(ui: &Ui) -> bool {
    let is_on_a_button = ui.memory(|memory| memory.focused().is_some());
    !is_on_a_button && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Enter))
}

/// Names a field for a screen reader (and a test), which a text field cannot do itself.
pub fn name_field(ui: &Ui, response: &Response, name: &str) {
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// Names the edge by which a panel is made wider or higher: the Tab key stops there, and egui has no name for it.
pub fn name_edge(ui: &Ui, panel: &str, name: &str) {
    let edge = Id::new(panel).with("__resize");
    if ui.ctx().read_response(edge).is_some() {
        ui.ctx().accesskit_node_builder(edge, |node| node.set_label(name));
    }
}

/// Names the ground of the menu that `ui` is in, which takes clicks as well.
pub fn name_ground(ui: &Ui, name: &str) {
    ui.ctx().accesskit_node_builder(ui.layer_id().id.with("move"), |node| node.set_label(name));
}
