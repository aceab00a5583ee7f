//! Top, centre: the search field, and under it what was found.

use egui::{Align2, Id, Key, Modifiers, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts;
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::theme::{self, Palette};
use crate::view_model::{RequestRow, SearchEntry, View, request};

/// As many results as are listed.
const MAX_RESULTS: usize = 50;
/// Height of a result.
const ROW: f32 = 28.0;
/// Height of a request, which has its outcome on a second line.
const REQUEST_ROW: f32 = 44.0;

/// What the search keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct SearchState {
    query: String,
    is_open: bool,
    highlighted: usize,
    found: Vec<usize>,
    found_for: Option<(u64, String)>,
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
        self.requests.len() + self.found.len()
    }

    /// The id of the result at a place of the list.
    fn id_at(&self, view: &View, place: usize) -> Option<String> {
        match self.requests.get(place) {
            Some(row) => Some(row.id.clone()),
            None => view.search_index.get(*self.found.get(place - self.requests.len())?).map(|entry| entry.id.clone()),
        }
    }

    fn close(&mut self, ui: &Ui) {
        self.query.clear();
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
                chosen = state.id_at(view, state.highlighted);
            }
        });
    }

    let has_focus = ui.memory(|memory| memory.has_focus(field_id())) || state.wants_focus;
    ui.painter().rect_filled(rect, 6.0, palette.raised);
    let border = if has_focus { Stroke::new(1.5, palette.accent) } else { Stroke::new(1.0, palette.line) };
    ui.painter().rect_stroke(rect, 6.0, border, StrokeKind::Inside);
    let hint = egui::RichText::new("Search pods, labels, addresses, hosts, URLs").color(palette.muted);
    let edit = egui::TextEdit::singleline(&mut state.query)
        .id(field_id())
        .frame(egui::Frame::NONE.inner_margin(egui::Margin { left: 14, right: 28, top: 0, bottom: 0 }))
        .hint_text(hint)
        .min_size(rect.size())
        .vertical_align(egui::Align::Center)
        .desired_width(rect.width() - 42.0);
    let response = ui.put(rect, edit);
    parts::name_field(ui, &response, "Search");
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
        find(view, state);
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

/// Finds the entries that contain every word of the query; those whose title starts with it come first.
fn find(view: &View, state: &mut SearchState) {
    state.requests = requests(view, &state.query);
    if state.found_for.as_ref().is_some_and(|(generation, query)| *generation == view.generation && *query == state.query) {
        return;
    }
    let terms: Vec<String> = state.query.split_whitespace().map(str::to_lowercase).collect();
    let mut ranked: Vec<(u8, usize)> =
        view.search_index.iter().enumerate().filter_map(|(index, entry)| rank(entry, &terms).map(|rank| (rank, index))).collect();
    ranked.sort_unstable();
    state.found = ranked.into_iter().take(MAX_RESULTS).map(|(_, index)| index).collect();
    state.found_for = Some((view.generation, state.query.clone()));
    state.highlighted = state.highlighted.min(state.n_results().saturating_sub(1));
}

/// How well an entry matches: 0 best, `None` not at all.
fn rank(entry: &SearchEntry, terms: &[String]) -> Option<u8> {
    let title = entry.title.to_lowercase();
    let kind = entry.kind.to_lowercase();
    if !terms.iter().all(|term| title.contains(term) || kind.contains(term) || entry.haystack.contains(term)) {
        return None;
    }
    let first = terms.first()?;
    let name = title.rsplit('/').next().unwrap_or(&title);
    Some(match () {
        () if name == first || title == *first => 0,
        () if name.starts_with(first) || title.starts_with(first) => 1,
        () if title.contains(first) => 2,
        () => 3,
    })
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
                parts::empty(ui, "Nothing matches. Names, kinds, labels such as app=cart, addresses, hosts and URLs can be found.");
            }
            let scroll = egui::ScrollArea::vertical().id_salt("search results").max_height(ROW * 12.0).animated(false);
            scroll.auto_shrink([false, true]).show(ui, |ui| {
                for (position, row) in state.requests.iter().enumerate() {
                    if request_row(ui, row, position == state.highlighted, state.scrolls_to_highlight) {
                        chosen = Some(row.id.clone());
                    }
                }
                for (position, &index) in state.found.iter().enumerate() {
                    let is_highlighted = position + state.requests.len() == state.highlighted;
                    if let Some(entry) = view.search_index.get(index)
                        && result_row(ui, entry, is_highlighted, state.scrolls_to_highlight)
                    {
                        chosen = Some(entry.id.clone());
                    }
                }
            });
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
    let (_, outer) = ui.allocate_space(vec2(ui.available_width(), REQUEST_ROW));
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

fn result_row(ui: &mut Ui, entry: &SearchEntry, is_highlighted: bool, scrolls: bool) -> bool {
    let palette = Palette::of(ui);
    let fill = is_highlighted.then(|| parts::selected_fill(ui));
    let (_, outer) = ui.allocate_space(vec2(ui.available_width(), ROW));
    let response = ui.interact(outer.shrink2(vec2(8.0, 0.0)), Id::new(("search result", &entry.id)), Sense::CLICK);
    parts::row_background(ui, response.rect, &response, fill);
    response
        .widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_highlighted, format!("{} {}", entry.kind, entry.title)));
    let y = outer.center().y;
    let kind_font = theme::regular(theme::size::TABLE);
    let right = pos2(outer.right() - 16.0, y);
    let kind = parts::text(ui, right, Align2::RIGHT_CENTER, &entry.kind, kind_font, palette.muted, outer.width() * 0.4);
    let left = pos2(outer.left() + 16.0, y);
    let room = kind.rect.left() - 12.0 - left.x;
    parts::text(ui, left, Align2::LEFT_CENTER, &entry.title, theme::regular(theme::size::TEXT), palette.text, room);
    if is_highlighted && scrolls && !ui.clip_rect().contains_rect(outer) {
        ui.scroll_to_rect(outer, None);
    }
    response.clicked()
}
