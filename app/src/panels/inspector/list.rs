//! The lists of the inspector: a row for each other end or way in, and below them why the chosen one stands as it does.

use egui::{Align2, Color32, Id, Rect, Ui, WidgetInfo, WidgetType, pos2};

use super::objects::objects_ui;
use super::{InspectorState, InspectorTab};
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::panels::exposure::exposure_ui;
use crate::panels::parts::{self, EDGE};
use crate::panels::why::why_ui;
use crate::theme::{self, Palette};
use crate::view_model::{ConnectionRow, Inspector, PathRow, WhyLine};

/// Height of a row of the list, and the space between two.
const ROW: f32 = 60.0;
const ROW_GAP: f32 = 6.0;

/// What a row of any of the three lists shows.
struct Row<'a> {
    key: String,
    title: &'a str,
    place: &'a str,
    ports: &'a str,
    tone: Tone,
    because: String,
    why: &'a [WhyLine],
    peer: Option<&'a str>,
    /// Of a way in, who takes its requests.
    front: &'a str,
    /// Whether its reasons are still to be asked for.
    waits: bool,
}

impl<'a> Row<'a> {
    fn of_connection(row: &'a ConnectionRow) -> Self {
        Self {
            key: key_of(row),
            title: &row.title,
            place: &row.place,
            ports: &row.ports,
            tone: row.tone.unwrap_or(Tone::Plain),
            because: row.because.clone(),
            why: &row.why,
            peer: (!row.peer.is_empty()).then_some(row.peer.as_str()),
            front: "",
            waits: row.waits,
        }
    }

    fn of_path(row: &'a PathRow, inspected: &str) -> Self {
        // The hop where it breaks, else the last one, is what a person looks for first.
        let because = row.hops.iter().find(|hop| hop.is_break).or(row.hops.last());
        Self {
            key: if row.id.is_empty() { row.title.clone() } else { row.id.clone() },
            title: &row.title,
            place: "",
            ports: &row.share,
            tone: row.tone.unwrap_or(Tone::Plain),
            because: because.map(|hop| hop.text.clone()).unwrap_or_default(),
            why: &row.hops,
            peer: (!row.door.is_empty() && row.door != inspected).then_some(row.door.as_str()),
            front: &row.front,
            waits: false,
        }
    }
}

fn key_of(row: &ConnectionRow) -> String {
    format!("{} {} {:?}", row.peer, row.ports, row.tone)
}

/// What is listed. Rows are made of what is in sight only.
#[derive(Clone, Copy)]
pub(super) enum Listed<'a> {
    /// Other ends.
    Connections(&'a [ConnectionRow]),
    /// Ways in, to or through what is inspected.
    Paths(&'a [PathRow], &'a str),
}

impl<'a> Listed<'a> {
    const fn len(self) -> usize {
        match self {
            Self::Connections(rows) => rows.len(),
            Self::Paths(rows, _) => rows.len(),
        }
    }

    fn row(self, index: usize) -> Option<Row<'a>> {
        match self {
            Self::Connections(rows) => rows.get(index).map(Row::of_connection),
            Self::Paths(rows, inspected) => rows.get(index).map(|row| Row::of_path(row, inspected)),
        }
    }

    /// Where the row of this key is.
    fn find(self, key: &str) -> Option<usize> {
        match self {
            // A key is made for those alone that can have it.
            Self::Connections(rows) => rows.iter().position(|row| key.starts_with(row.peer.as_str()) && key_of(row) == key),
            Self::Paths(rows, _) => rows.iter().position(|row| if row.id.is_empty() { row.title == key } else { row.id == key }),
        }
    }
}

/// The rows of a list: what is denied where it is asked for, and what is listed anyway.
#[derive(Clone, Copy)]
struct Rows<'a> {
    denied: Listed<'a>,
    listed: Listed<'a>,
}

impl<'a> Rows<'a> {
    const fn len(self) -> usize {
        self.denied.len() + self.listed.len()
    }

    fn row(self, index: usize) -> Option<Row<'a>> {
        match index.checked_sub(self.denied.len()) {
            Some(index) => self.listed.row(index),
            None => self.denied.row(index),
        }
    }

    fn find(self, key: &str) -> Option<usize> {
        self.denied.find(key).or_else(|| self.listed.find(key).map(|index| index + self.denied.len()))
    }
}

/// As many ways in are listed before the others are asked for.
const HANDFUL: usize = 5;

/// How many of `n` ways in are listed. One more than a handful takes no more room than the row that would unfold it.
pub(super) fn ways_shown(n: usize, shows_all: bool) -> usize {
    if shows_all || n <= HANDFUL + 1 { n } else { HANDFUL }
}

/// What is denied, as many rows as are worked out; and how many there are.
pub(super) type Denied = (Vec<ConnectionRow>, usize);

pub(super) fn list_ui<'a>(
    ui: &mut Ui,
    inspector: &Inspector,
    listed: Listed<'a>,
    denied: &'a Denied,
    empty: &str,
    state: &mut InspectorState,
    commands: &mut Vec<Command>,
) {
    if listed.len() == 0 {
        parts::empty(ui, empty);
    }
    denied_switch(ui, denied, &mut state.shows_denied);
    if state.tab == InspectorTab::Paths {
        ways_switch(ui, inspector.paths.len(), &mut state.shows_all_ways);
    }
    // Whoever asks for what is denied finds it first.
    let denied: &[ConnectionRow] = if state.shows_denied { &denied.0 } else { &[] };
    let rows = Rows { denied: Listed::Connections(denied), listed };
    if rows.len() == 0 {
        exposure_ui(ui, inspector, state.tab);
        objects_ui(ui, &inspector.objects, commands);
        return;
    }
    let open = state.open_row.as_deref().and_then(|key| rows.find(key)).unwrap_or(0);
    // The list leaves at least half of the panel to the reasoning.
    let whole = rows.len() as f32 * (ROW + ROW_GAP);
    let height = whole.min((ui.available_height() * 0.55).max(ROW + ROW_GAP));
    ui.spacing_mut().item_spacing.y = ROW_GAP;
    let mut waits = rows.row(open).is_some_and(|row| row.waits);
    let list = egui::ScrollArea::vertical().id_salt(("inspector list", &inspector.id, state.tab as u8));
    list.max_height(height).min_scrolled_height(height).auto_shrink([false, true]).show_rows(ui, ROW, rows.len(), |ui, range| {
        waits |= range.clone().filter_map(|index| rows.row(index)).any(|row| row.waits);
        for index in range {
            if let Some(row) = rows.row(index)
                && list_row(ui, &row, index == open, commands)
            {
                state.open_row = Some(row.key);
            }
        }
    });
    if waits && state.asked_of != Some(state.generation) {
        state.asked_of = Some(state.generation);
        commands.push(Command::GiveReasons);
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(10.0);
    egui::ScrollArea::vertical().id_salt(("inspector why", &inspector.id)).auto_shrink([false, false]).show(ui, |ui| {
        if let Some(row) = rows.row(open) {
            let rect = parts::heading(ui, if row.front.is_empty() { "Why" } else { "Hop by hop" });
            if let Some(peer) = row.peer {
                let area = Rect::from_min_max(pos2(rect.center().x - 60.0, rect.top()), pos2(rect.right() - EDGE, rect.bottom()));
                ui.scope_builder(egui::UiBuilder::new().max_rect(area).layout(egui::Layout::right_to_left(egui::Align::Center)), |ui| {
                    if parts::link(ui, "Show on the map").on_hover_text(format!("Select {}", row.title)).clicked() {
                        commands.push(Command::Select(Some(peer.to_owned())));
                    }
                });
            }
            if row.why.is_empty() && !row.waits {
                parts::empty(ui, "No reasoning is known for this one.");
            }
            why_ui(ui, &row.key, row.why, commands);
        }
        exposure_ui(ui, inspector, state.tab);
        objects_ui(ui, &inspector.objects, commands);
    });
}

/// The row that lists what is denied as well, where there is something.
fn denied_switch(ui: &mut Ui, (rows, n_denied): &Denied, shows_denied: &mut bool) {
    let n_listed = rows.len();
    let words = match *shows_denied {
        false => format!("Show {n_denied} denied"),
        true if n_listed < *n_denied => format!("Hide {n_listed} of {n_denied} denied"),
        true => format!("Hide {n_denied} denied"),
    };
    if *n_denied > 0 {
        switch(ui, "inspector denied", &words, shows_denied);
    }
}

/// The row that lists all ways in, where there are more than a handful. Those that break are among the first.
fn ways_switch(ui: &mut Ui, n: usize, shows_all: &mut bool) {
    let n_more = n - ways_shown(n, false);
    let words = if *shows_all { format!("Hide {n_more} of {n} ways in") } else { format!("Show {n_more} more ways in") };
    if n_more > 0 {
        switch(ui, "inspector ways", &words, shows_all);
    }
}

fn switch(ui: &mut Ui, id: &str, words: &str, is_on: &mut bool) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, Id::new(id), parts::ROW, None);
    if response.clicked() {
        *is_on = !*is_on;
    }
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, *is_on, words));
    parts::fold_arrow(ui, pos2(rect.left() + EDGE + 4.0, rect.center().y), *is_on, palette.muted);
    let at = pos2(rect.left() + EDGE + 14.0, rect.center().y);
    parts::text(ui, at, Align2::LEFT_CENTER, words, theme::regular(theme::size::TABLE), palette.muted, rect.width());
    ui.add_space(6.0);
}

/// Draws one row and says whether it was clicked.
fn list_row(ui: &mut Ui, row: &Row<'_>, is_open: bool, commands: &mut Vec<Command>) -> bool {
    let palette = Palette::of(ui);
    let color = tone_colour(palette, row.tone);
    let fill: Option<Color32> = is_open.then(|| Palette::mix(palette.panel, color, 0.12));
    let (outer, response) = parts::row(ui, Id::new(("inspector row", &row.key)), ROW, fill);
    let word = row.tone.word();
    response.widget_info(|| {
        let said: Vec<&str> =
            [row.title, row.place, row.ports, word, &row.because, row.front].into_iter().filter(|part| !part.is_empty()).collect();
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_open, said.join(", "))
    });
    let (left, right) = (outer.left() + EDGE, outer.right() - EDGE);
    let bar = Rect::from_min_max(pos2(left, outer.top() + 7.0), pos2(left + 4.0, outer.bottom() - 7.0));
    ui.painter().rect_filled(bar, 2.0, color);
    let x = left + 14.0;
    let lines = [outer.top() + 15.0, outer.top() + 31.0, outer.top() + 47.0];
    let table = theme::regular(theme::size::TABLE);
    let ports_room = (right - x) * 0.5;
    let ports = parts::text(ui, pos2(right, lines[0]), Align2::RIGHT_CENTER, row.ports, table.clone(), palette.text, ports_room);
    let title_room = (if row.ports.is_empty() { right } else { ports.rect.left() - 8.0 }) - x;
    let title =
        parts::text(ui, pos2(x, lines[0]), Align2::LEFT_CENTER, row.title, theme::semibold(theme::size::TEXT), palette.text, title_room);
    let place_room = x + title_room - title.rect.right() - 8.0;
    let mut is_elided = title.is_elided || ports.is_elided;
    if !row.place.is_empty() && place_room > 24.0 {
        let at = pos2(title.rect.right() + 8.0, lines[0] + 0.5);
        is_elided |= parts::text(ui, at, Align2::LEFT_CENTER, row.place, table.clone(), palette.muted, place_room).is_elided;
    }
    let word_end = parts::text(ui, pos2(x, lines[1]), Align2::LEFT_CENTER, word, theme::semibold(theme::size::TABLE), color, right - x);
    if !row.front.is_empty() {
        let room = right - word_end.rect.right() - 16.0;
        let at = pos2(right, lines[1]);
        is_elided |=
            parts::text(ui, at, Align2::RIGHT_CENTER, row.front, theme::regular(theme::size::CAPTION), palette.muted, room).is_elided;
    }
    is_elided |= parts::text(ui, pos2(x, lines[2]), Align2::LEFT_CENTER, &row.because, table, palette.muted, right - x).is_elided;
    let is_clicked = response.clicked();
    if response.double_clicked()
        && let Some(peer) = row.peer
    {
        commands.push(Command::Select(Some(peer.to_owned())));
    }
    if is_elided {
        let place = if row.place.is_empty() { String::new() } else { format!(" in {}", row.place) };
        let said = [format!("{}{place}", row.title), row.ports.to_owned(), row.front.to_owned(), row.because.clone()];
        response.on_hover_text(said.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"));
    }
    is_clicked
}
