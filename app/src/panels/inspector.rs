//! Right: what is selected, where it may go, what may reach it, by which ways in, and why.

use egui::text::LayoutJob;
use egui::{Align2, Color32, Id, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::exposure::exposure_ui;
use super::parts::{self, EDGE};
use super::why::why_ui;
use super::yaml::Highlighter;
use crate::command::Command;
use crate::map::model::Tone;
use crate::map::shapes::tone_colour;
use crate::theme::{self, Palette};
use crate::view_model::{ConnectionRow, Inspector, ObjectRow, PathRow, View, WhyLine};

/// Height of a row of the list, and the space between two.
const ROW: f32 = 60.0;
const ROW_GAP: f32 = 6.0;

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InspectorTab {
    /// What the selected thing may reach.
    #[default]
    Destinations,
    /// What may reach it.
    Sources,
    /// Ways in from outside.
    Paths,
    /// Its object.
    Yaml,
}

/// What the right panel keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct InspectorState {
    /// The tab in front.
    pub tab: InspectorTab,
    /// What was selected in the last frame.
    last_id: String,
    /// Whether what is denied is listed as well.
    shows_denied: bool,
    /// The row whose reasoning is shown, by what it says; the first where it is not there (any more).
    open_row: Option<String>,
    highlighter: Highlighter,
}

/// Draws the right panel, or what would fill it.
pub fn inspector_ui(ui: &mut Ui, view: &View, state: &mut InspectorState, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    let Some(inspector) = &view.inspector else {
        ui.add_space(12.0);
        parts::heading(ui, "Inspector");
        parts::empty(ui, "Select a pod, workload, Service or destination on the map to see where it may go and why.");
        return;
    };
    head(ui, inspector);
    if state.last_id != inspector.id {
        state.last_id.clone_from(&inspector.id);
        state.tab = tab_with_something(inspector, state.tab);
    }
    tab_row(ui, inspector, state);
    ui.add_space(10.0);
    match state.tab {
        InspectorTab::Destinations => {
            let rows: Vec<Row<'_>> = inspector.destinations.iter().map(Row::of_connection).collect();
            list_ui(
                ui,
                inspector,
                rows,
                &inspector.denied_destinations,
                "It may not send anything anywhere that is known here.",
                state,
                commands,
            );
        }
        InspectorTab::Sources => {
            let rows: Vec<Row<'_>> = inspector.sources.iter().map(Row::of_connection).collect();
            list_ui(ui, inspector, rows, &inspector.denied_sources, "Nothing that is known here may reach it.", state, commands);
        }
        InspectorTab::Paths => {
            let rows: Vec<Row<'_>> = inspector.paths.iter().map(Row::of_path).collect();
            list_ui(ui, inspector, rows, &Denied::default(), "No way in from outside leads to it or through it.", state, commands);
        }
        InspectorTab::Yaml => yaml_ui(ui, inspector, state),
    }
}

fn head(ui: &mut Ui, inspector: &Inspector) {
    let palette = Palette::of(ui);
    let width = ui.available_width() - EDGE * 2.0;
    let font = theme::regular(theme::size::TABLE);
    let mut job = LayoutJob::simple(inspector.subtitle.clone(), font, palette.muted, width);
    job.wrap.max_rows = 2;
    let fact = ui.painter().layout_job(job);
    let fact_top = 38.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), fact_top + fact.size().y + 8.0), Sense::hover());
    let title_at = pos2(rect.left() + EDGE, rect.top() + 24.0);
    let title = parts::text(ui, title_at, Align2::LEFT_CENTER, &inspector.title, theme::semibold(theme::size::TITLE), palette.text, width);
    let is_elided = title.is_elided || fact.elided;
    ui.painter().galley(pos2(rect.left() + EDGE, rect.top() + fact_top), fact, palette.muted);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("{}, {}", inspector.title, inspector.subtitle)));
    if is_elided {
        response.on_hover_text(format!("{}\n{}", inspector.title, inspector.subtitle));
    }
}

/// The tab to show of something else: the same as before, unless it has nothing there and something elsewhere.
fn tab_with_something(inspector: &Inspector, tab: InspectorTab) -> InspectorTab {
    let has_something = |tab: &InspectorTab| match tab {
        InspectorTab::Destinations => !inspector.destinations.is_empty(),
        InspectorTab::Sources => !inspector.sources.is_empty(),
        InspectorTab::Paths => !inspector.paths.is_empty(),
        InspectorTab::Yaml => !inspector.yaml.is_empty(),
    };
    let tabs = [tab, InspectorTab::Destinations, InspectorTab::Paths, InspectorTab::Sources, InspectorTab::Yaml];
    tabs.into_iter().find(has_something).unwrap_or(tab)
}

fn tab_row(ui: &mut Ui, inspector: &Inspector, state: &mut InspectorState) {
    let tabs = [
        (InspectorTab::Destinations, format!("Destinations {}", inspector.destinations.len())),
        (InspectorTab::Sources, format!("Sources {}", inspector.sources.len())),
        (InspectorTab::Paths, format!("Paths {}", inspector.paths.len())),
        (InspectorTab::Yaml, "YAML".to_owned()),
    ];
    let outer = ui.available_rect_before_wrap();
    let rect = ui
        .horizontal(|ui| {
            ui.add_space(EDGE);
            let width = ui.available_width() - EDGE;
            parts::tabs(ui, "inspector tab", &tabs, &mut state.tab, 28.0, width)
        })
        .inner;
    let palette = Palette::of(ui);
    ui.painter().hline(outer.x_range(), rect.bottom() + 0.5, egui::Stroke::new(1.0, palette.line));
}

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
}

impl<'a> Row<'a> {
    fn of_connection(row: &'a ConnectionRow) -> Self {
        Self {
            key: format!("{} {} {:?}", row.peer, row.ports, row.tone),
            title: &row.title,
            place: &row.place,
            ports: &row.ports,
            tone: row.tone.unwrap_or(Tone::Plain),
            because: row.because.clone(),
            why: &row.why,
            peer: (!row.peer.is_empty()).then_some(row.peer.as_str()),
        }
    }

    fn of_path(row: &'a PathRow) -> Self {
        // The hop that makes the path what it is, else the last one, is what a person looks for first.
        let because = row.hops.iter().find(|hop| hop.tone == row.tone && hop.tone != Some(Tone::Allowed)).or(row.hops.last());
        Self {
            key: row.title.clone(),
            title: &row.title,
            place: "",
            ports: "",
            tone: row.tone.unwrap_or(Tone::Plain),
            because: because.map(|hop| hop.text.clone()).unwrap_or_default(),
            why: &row.hops,
            peer: None,
        }
    }
}

/// What is denied, as many rows as are worked out; and how many there are.
type Denied = (Vec<ConnectionRow>, usize);

fn list_ui<'a>(
    ui: &mut Ui,
    inspector: &Inspector,
    mut rows: Vec<Row<'a>>,
    denied: &'a Denied,
    empty: &str,
    state: &mut InspectorState,
    commands: &mut Vec<Command>,
) {
    if rows.is_empty() {
        parts::empty(ui, empty);
    }
    denied_switch(ui, denied, &mut state.shows_denied);
    if state.shows_denied {
        // Whoever asks for them finds them first.
        rows.splice(0..0, denied.0.iter().map(Row::of_connection));
    }
    if rows.is_empty() {
        exposure_ui(ui, inspector, state.tab);
        objects_ui(ui, &inspector.objects, commands);
        return;
    }
    let open = rows.iter().position(|row| Some(&row.key) == state.open_row.as_ref()).unwrap_or(0);
    // The list leaves at least half of the panel to the reasoning.
    let whole = rows.len() as f32 * (ROW + ROW_GAP);
    let height = whole.min((ui.available_height() * 0.55).max(ROW + ROW_GAP));
    ui.spacing_mut().item_spacing.y = ROW_GAP;
    let list = egui::ScrollArea::vertical().id_salt(("inspector list", &inspector.id, state.tab as u8));
    list.max_height(height).min_scrolled_height(height).auto_shrink([false, true]).show_rows(ui, ROW, rows.len(), |ui, range| {
        for index in range {
            if let Some(row) = rows.get(index)
                && list_row(ui, row, index == open, commands)
            {
                state.open_row = Some(row.key.clone());
            }
        }
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(10.0);
    egui::ScrollArea::vertical().id_salt(("inspector why", &inspector.id)).auto_shrink([false, false]).show(ui, |ui| {
        if let Some(row) = rows.get(open) {
            let rect = parts::heading(ui, "Why");
            if let Some(peer) = row.peer {
                let area = Rect::from_min_max(pos2(rect.center().x - 60.0, rect.top()), pos2(rect.right() - EDGE, rect.bottom()));
                ui.scope_builder(egui::UiBuilder::new().max_rect(area).layout(egui::Layout::right_to_left(egui::Align::Center)), |ui| {
                    if parts::link(ui, "Show on the map").on_hover_text(format!("Select {}", row.title)).clicked() {
                        commands.push(Command::Select(Some(peer.to_owned())));
                    }
                });
            }
            if row.why.is_empty() {
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
    if *n_denied == 0 {
        return;
    }
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, Id::new("inspector denied"), parts::ROW, None);
    if response.clicked() {
        *shows_denied = !*shows_denied;
    }
    let n_listed = rows.len();
    let words = match *shows_denied {
        false => format!("Show {n_denied} denied"),
        true if n_listed < *n_denied => format!("Hide {n_listed} of {n_denied} denied"),
        true => format!("Hide {n_denied} denied"),
    };
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, *shows_denied, &words));
    parts::fold_arrow(ui, pos2(rect.left() + EDGE + 4.0, rect.center().y), *shows_denied, palette.muted);
    let at = pos2(rect.left() + EDGE + 14.0, rect.center().y);
    parts::text(ui, at, Align2::LEFT_CENTER, &words, theme::regular(theme::size::TABLE), palette.muted, rect.width());
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
        let said: Vec<&str> = [row.title, row.place, row.ports, word, &row.because].into_iter().filter(|part| !part.is_empty()).collect();
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
    parts::text(ui, pos2(x, lines[1]), Align2::LEFT_CENTER, word, theme::semibold(theme::size::TABLE), color, right - x);
    is_elided |= parts::text(ui, pos2(x, lines[2]), Align2::LEFT_CENTER, &row.because, table, palette.muted, right - x).is_elided;
    let is_clicked = response.clicked();
    if response.double_clicked()
        && let Some(peer) = row.peer
    {
        commands.push(Command::Select(Some(peer.to_owned())));
    }
    if is_elided {
        let place = if row.place.is_empty() { String::new() } else { format!(" in {}", row.place) };
        response.on_hover_text(format!("{}{place}\n{}\n{}", row.title, row.ports, row.because));
    }
    is_clicked
}

fn objects_ui(ui: &mut Ui, objects: &[ObjectRow], commands: &mut Vec<Command>) {
    if objects.is_empty() {
        return;
    }
    ui.add_space(16.0);
    parts::heading(ui, "Objects");
    let palette = Palette::of(ui);
    for object in objects {
        let (rect, response) = parts::row(ui, Id::new(("inspector object", &object.key)), 28.0, None);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Open {}, {}", object.title, object.fact)));
        let y = rect.center().y;
        let right = rect.right() - EDGE;
        let font = theme::regular(theme::size::TABLE);
        let fact_room = (rect.width() - EDGE * 2.0) * 0.45;
        let fact = parts::text(ui, pos2(right, y), Align2::RIGHT_CENTER, &object.fact, font.clone(), palette.muted, fact_room);
        let left = rect.left() + EDGE;
        let title_room = fact.rect.left() - 8.0 - left;
        let title = parts::text(ui, pos2(left, y), Align2::LEFT_CENTER, &object.title, font, palette.text, title_room);
        if response.clicked() {
            commands.push(Command::OpenObject { key: object.key.clone(), pointer: String::new() });
        }
        let hover = format!("Open {} in the sketch", object.key);
        if title.is_elided || fact.is_elided {
            response.on_hover_text(format!("{hover}\n{}, {}", object.title, object.fact));
        } else {
            response.on_hover_text(hover);
        }
    }
    ui.add_space(12.0);
}

fn yaml_ui(ui: &mut Ui, inspector: &Inspector, state: &mut InspectorState) {
    if inspector.yaml.is_empty() {
        parts::empty(ui, "There is no object behind it. Select a workload, a Service or an entry to read its YAML here.");
        return;
    }
    ui.horizontal(|ui| {
        ui.add_space(EDGE);
        if parts::link(ui, "Copy").on_hover_text("Copy the YAML to the clipboard").clicked() {
            ui.ctx().copy_text(inspector.yaml.clone());
        }
    });
    ui.add_space(8.0);
    egui::Frame::NONE.inner_margin(egui::Margin { left: EDGE as i8, right: 4, top: 0, bottom: 8 }).show(ui, |ui| {
        egui::ScrollArea::both().id_salt(("inspector yaml", &inspector.id)).auto_shrink([false, false]).show(ui, |ui| {
            let job = state.highlighter.highlight(&inspector.yaml, Palette::of(ui));
            ui.add(egui::Label::new(job).extend());
        });
    });
}
