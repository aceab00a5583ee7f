//! Top, centre: the search field, and under it what was found.

use egui::{Align2, Id, Key, Modifiers, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts;
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::theme::{self, Palette};
use crate::view_model::search::{AT_ONCE, Found, Search};
use crate::view_model::{RequestRow, View, request};

/// Height of a result of one line.
const ROW: f32 = 28.0;
/// Height of a result of two lines: a request with its outcome, and what was found for something other than its name.
const TALL_ROW: f32 = 44.0;

/// What can be typed, an example each.
const HINT: &str = "Search names, kind:svc, app=cart, 10.1.0.0/16, URLs";
/// What is said where nothing fits.
const NOTHING: &str = "Nothing matches. Names, kinds such as kind:svc, labels such as app=cart, addresses, hosts and URLs can be found.";
/// The same in sentences.
const HELP: &str = "Words of names and kinds, all of which must fit, as in kind:svc cart\n\
    Labels as kubectl takes them, as in app=cart,tier!=web or app in (a, b)\n\
    Addresses and ranges, as in 10.1.4.7 or 10.1.0.0/16\n\
    Hosts and nodes, and whole URLs, which are put to the ways in";

/// What the search keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct SearchState {
    query: String,
    is_open: bool,
    highlighted: usize,
    search: Search,
    /// The URL that was put to the worker last; empty for none.
    asked: String,
    /// The requests that the query stands for, which are listed before what was found.
    requests: Vec<RequestRow>,
    wants_focus: bool,
    /// The highlight moved by a key, and may be out of sight.
    scrolls_to_highlight: bool,
}

impl SearchState {
    /// Puts the cursor into the field in the next frame that draws it.
    pub fn focus(&mut self) {
        self.wants_focus = true;
    }

    fn n_results(&self) -> usize {
        self.requests.len() + self.search.found().len()
    }

    /// The id of the result at a place of the list.
    fn id_at(&self, place: usize) -> Option<String> {
        match self.requests.get(place) {
            Some(row) => Some(row.id.clone()),
            None => self.search.found().get(place - self.requests.len()).map(|found| found.entry.id.clone()),
        }
    }

    fn close(&mut self, ui: &Ui) {
        self.query.clear();
        // It would hold on to the cluster as it was.
        self.search = Search::default();
        self.is_open = false;
        self.highlighted = 0;
        ui.memory_mut(|memory| memory.surrender_focus(field_id()));
    }
}

fn field_id() -> Id {
    Id::new("search field")
}

/// Draws the field into `rect`, and the results under it while there is something typed.
pub fn search_ui(ui: &mut Ui, rect: Rect, view: &View, state: &mut SearchState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let had_focus = ui.memory(|memory| memory.has_focus(field_id()));
    if state.is_open && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.close(ui);
    }
    let mut chosen = None;
    if state.is_open && had_focus {
        let last = state.n_results().saturating_sub(1);
        ui.input_mut(|input| {
            if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
                state.highlighted = (state.highlighted + 1).min(last);
                state.scrolls_to_highlight = true;
            }
            if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
                state.highlighted = state.highlighted.saturating_sub(1);
                state.scrolls_to_highlight = true;
            }
            if input.consume_key(Modifiers::NONE, Key::Enter) {
                chosen = state.id_at(state.highlighted);
            }
        });
    }

    let has_focus = ui.memory(|memory| memory.has_focus(field_id())) || state.wants_focus;
    ui.painter().rect_filled(rect, 6.0, palette.raised);
    let border = if has_focus { Stroke::new(1.5, palette.accent) } else { Stroke::new(1.0, palette.line) };
    ui.painter().rect_stroke(rect, 6.0, border, StrokeKind::Inside);
    let hint = egui::RichText::new(HINT).color(palette.muted);
    let edit = egui::TextEdit::singleline(&mut state.query)
        .id(field_id())
        .frame(egui::Frame::NONE.inner_margin(egui::Margin { left: 14, right: 28, top: 0, bottom: 0 }))
        .hint_text(hint)
        .min_size(rect.size())
        .vertical_align(egui::Align::Center)
        .desired_width(rect.width() - 42.0);
    let response = ui.put(rect, edit);
    parts::name_field(ui, &response, "Search");
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(HELP));
    let response = if state.is_open { response } else { response.on_hover_text(HELP) };
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    if !has_focus && state.query.is_empty() {
        let at = pos2(rect.right() - 14.0, rect.center().y);
        parts::text(ui, at, Align2::RIGHT_CENTER, "/", theme::semibold(theme::size::TABLE), palette.muted, 12.0);
    }
    if response.changed() {
        state.is_open = !state.query.trim().is_empty();
        state.highlighted = 0;
    } else if response.gained_focus() && !state.query.is_empty() {
        state.is_open = true;
    }
    if state.is_open {
        find(ui, view, state);
        chosen = results_ui(ui, rect, view, state).or(chosen);
    }
    if chosen.is_some() {
        commands.push(Command::Select(chosen));
        state.close(ui);
    }
    let url = if state.is_open && request::is_url(&state.query) { state.query.trim() } else { "" };
    if url != state.asked {
        state.asked = url.to_owned();
        commands.push(Command::AskUrl(state.asked.clone()));
    }
}

/// The requests that a query stands for. Until the worker has answered, the URL stands there without an outcome, and can be chosen.
fn requests(view: &View, query: &str) -> Vec<RequestRow> {
    let query = query.trim();
    if !request::is_url(query) {
        return Vec::new();
    }
    if view.asking.text == query {
        return view.asking.rows.clone();
    }
    vec![RequestRow { id: request::id_of_url(query), title: query.to_owned(), ..RequestRow::default() }]
}

/// Looks for what fits, a part in each frame.
fn find(ui: &Ui, view: &View, state: &mut SearchState) {
    state.requests = requests(view, &state.query);
    state.search.ask(&state.query, &view.search_index, &view.map);
    if state.search.go_on(AT_ONCE) {
        ui.ctx().request_repaint();
    }
    state.highlighted = state.highlighted.min(state.n_results().saturating_sub(1));
}

/// Draws the results and returns the id of the one that was clicked.
fn results_ui(ui: &Ui, field: Rect, view: &View, state: &mut SearchState) -> Option<String> {
    let mut chosen = None;
    let area = egui::Area::new(Id::new("search results")).order(egui::Order::Foreground).fixed_pos(field.left_bottom() + vec2(0.0, 4.0));
    let shown = area.fade_in(false).show(ui.ctx(), |ui| {
        egui::Frame::popup(ui.style()).inner_margin(egui::Margin::symmetric(0, 8)).show(ui, |ui| {
            ui.set_width(field.width());
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            let is_unreadable = !view.asking.error.is_empty() && view.asking.text == state.query.trim();
            if is_unreadable {
                parts::empty(ui, &view.asking.error);
            } else if state.n_results() == 0 {
                parts::empty(ui, if state.search.is_done() { NOTHING } else { "Searching…" });
            }
            let scroll = egui::ScrollArea::vertical().id_salt("search results").max_height(ROW * 12.0).animated(false);
            scroll.auto_shrink([false, true]).show(ui, |ui| {
                for (position, row) in state.requests.iter().enumerate() {
                    if request_row(ui, row, position == state.highlighted, state.scrolls_to_highlight) {
                        chosen = Some(row.id.clone());
                    }
                }
                for (position, found) in state.search.found().iter().enumerate() {
                    let is_highlighted = position + state.requests.len() == state.highlighted;
                    if result_row(ui, found, is_highlighted, state.scrolls_to_highlight) {
                        chosen = Some(found.entry.id.clone());
                    }
                }
            });
            count_ui(ui, &state.search);
        });
    });
    state.scrolls_to_highlight = false;
    let is_elsewhere = |at: egui::Pos2| !field.contains(at) && !shown.response.rect.contains(at);
    let is_left = ui.input(|input| input.pointer.any_pressed() && input.pointer.interact_pos().is_some_and(is_elsewhere));
    if is_left || ui.input(|input| input.key_pressed(Key::Tab)) {
        state.is_open = false;
    }
    chosen
}

/// A request: its URL, and below it what comes of it.
fn request_row(ui: &mut Ui, row: &RequestRow, is_highlighted: bool, scrolls: bool) -> bool {
    let palette = Palette::of(ui);
    let fill = is_highlighted.then(|| parts::selected_fill(ui));
    let (_, outer) = ui.allocate_space(vec2(ui.available_width(), TALL_ROW));
    let response = ui.interact(outer.shrink2(vec2(8.0, 0.0)), Id::new(("search result", &row.id)), Sense::CLICK);
    parts::row_background(ui, response.rect, &response, fill);
    let tone = row.tone.unwrap_or(Tone::Plain);
    let said: Vec<&str> = [row.title.as_str(), &row.at, &row.outcome, tone.word()].into_iter().filter(|part| !part.is_empty()).collect();
    let name = format!("Request {}", said.join(", "));
    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_highlighted, &name));
    let (left, right) = (outer.left() + 16.0, outer.right() - 16.0);
    let (first, second) = (outer.top() + 14.0, outer.top() + 31.0);
    let table = theme::regular(theme::size::TABLE);
    let kind = if row.at.is_empty() { "Request" } else { &row.at };
    let kind = parts::text(ui, pos2(right, first), Align2::RIGHT_CENTER, kind, table, palette.muted, outer.width() * 0.4);
    let room = kind.rect.left() - 12.0 - left;
    let title = parts::text(ui, pos2(left, first), Align2::LEFT_CENTER, &row.title, theme::regular(theme::size::TEXT), palette.text, room);
    let font = theme::semibold(theme::size::TABLE);
    let color = tone_colour(palette, tone);
    let outcome = parts::text(ui, pos2(left, second), Align2::LEFT_CENTER, &row.outcome, font, color, right - left);
    if is_highlighted && scrolls && !ui.clip_rect().contains_rect(outer) {
        ui.scroll_to_rect(outer, None);
    }
    let is_clicked = response.clicked();
    if title.is_elided || outcome.is_elided {
        response.on_hover_text(said.join("\n"));
    }
    is_clicked
}

/// How many there are, where not all are listed.
fn count_ui(ui: &mut Ui, search: &Search) {
    let (n_listed, n_found) = (search.found().len(), search.n_found());
    if n_found <= n_listed {
        return;
    }
    let sofar = if search.is_done() { "" } else { " so far" };
    let words = format!("{n_listed} of {n_found} found{sofar}, another word narrows them down");
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let at = pos2(rect.left() + 16.0, rect.center().y);
    let font = theme::regular(theme::size::CAPTION);
    parts::text(ui, at, Align2::LEFT_CENTER, &words, font, Palette::of(ui).muted, rect.width() - 32.0);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &words));
}

/// What was found: its name and its namespace, its kind, and below them what it was found for where its name does not say so.
fn result_row(ui: &mut Ui, found: &Found, is_highlighted: bool, scrolls: bool) -> bool {
    let palette = Palette::of(ui);
    let Found { entry, why } = found;
    let fill = is_highlighted.then(|| parts::selected_fill(ui));
    let height = if why.is_empty() { ROW } else { TALL_ROW };
    let (_, outer) = ui.allocate_space(vec2(ui.available_width(), height));
    let response = ui.interact(outer.shrink2(vec2(8.0, 0.0)), Id::new(("search result", &entry.id)), Sense::CLICK);
    parts::row_background(ui, response.rect, &response, fill);
    response
        .widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_highlighted, format!("{} {}", entry.kind, entry.title)));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(why.as_str()));
    let (left, right) = (outer.left() + 16.0, outer.right() - 16.0);
    let (first, second) = if why.is_empty() { (outer.center().y, 0.0) } else { (outer.top() + 14.0, outer.top() + 31.0) };
    let table = theme::regular(theme::size::TABLE);
    let kind = parts::text(ui, pos2(right, first), Align2::RIGHT_CENTER, &entry.kind, table.clone(), palette.muted, outer.width() * 0.4);
    let room = kind.rect.left() - 12.0 - left;
    let font = theme::regular(theme::size::TEXT);
    let name = parts::text(ui, pos2(left, first), Align2::LEFT_CENTER, entry.name(), font, palette.text, room);
    let at = pos2(name.rect.right() + 8.0, first + 0.5);
    let room = kind.rect.left() - 12.0 - at.x;
    let place = entry.place();
    let is_place_cut =
        !place.is_empty() && (room < 24.0 || parts::text(ui, at, Align2::LEFT_CENTER, place, table.clone(), palette.muted, room).is_elided);
    let is_why_cut =
        !why.is_empty() && parts::text(ui, pos2(left, second), Align2::LEFT_CENTER, why, table, palette.muted, right - left).is_elided;
    if is_highlighted && scrolls && !ui.clip_rect().contains_rect(outer) {
        ui.scroll_to_rect(outer, None);
    }
    let is_clicked = response.clicked();
    if name.is_elided || is_place_cut || is_why_cut {
        let lines = [entry.title.as_str(), why.as_str()];
        response.on_hover_text(lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"));
    }
    is_clicked
}
