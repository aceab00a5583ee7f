//! Right: what is selected, where it may go, what may reach it, by which ways in, and why.

mod list;
mod objects;
mod request;

use egui::text::LayoutJob;
use egui::{Align2, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use super::yaml::Highlighter;
use crate::command::Command;
use crate::theme::{self, Palette};
use crate::view_model::{ConnectionRow, Inspector, View};
use list::{Denied, Listed, list_ui, ways_shown};
use request::request_ui;

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
    /// Whether all ways in are listed, where there are more than a handful.
    shows_all_ways: bool,
    /// The row whose reasoning is shown, by what it says; the first where it is not there (any more).
    open_row: Option<String>,
    /// The view that is drawn, and the one of which all reasons were asked for.
    generation: u64,
    asked_of: Option<u64>,
    highlighter: Highlighter,
}

impl InspectorState {
    /// Gives the keyboard to the tab in front.
    pub fn focus(&self, ctx: &egui::Context) {
        let title = match self.tab {
            InspectorTab::Destinations => "Destinations",
            InspectorTab::Sources => "Sources",
            InspectorTab::Paths => "Ways in",
            InspectorTab::Yaml => "YAML",
        };
        ctx.memory_mut(|memory| memory.request_focus(parts::tab_id(TAB, title)));
    }
}

/// The salt of the tabs' ids.
const TAB: &str = "inspector tab";

/// Draws the right panel, or what would fill it.
pub fn inspector_ui(ui: &mut Ui, view: &View, state: &mut InspectorState, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    let Some(inspector) = &view.inspector else {
        ui.add_space(12.0);
        parts::heading(ui, "Inspector");
        parts::empty(ui, "Select a pod, workload, Service or destination on the map to see where it may go and why.");
        return;
    };
    state.generation = view.generation;
    head(ui, inspector);
    if state.last_id != inspector.id {
        state.last_id.clone_from(&inspector.id);
        state.tab = tab_with_something(inspector, state.tab);
        state.shows_all_ways = false;
    }
    if !inspector.answers.is_empty() {
        request_ui(ui, inspector, commands);
        return;
    }
    tab_row(ui, inspector, state);
    ui.add_space(10.0);
    match state.tab {
        InspectorTab::Destinations => {
            let rows = Listed::Connections(&inspector.destinations);
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
            let rows = Listed::Connections(&inspector.sources);
            list_ui(ui, inspector, rows, &inspector.denied_sources, "Nothing that is known here may reach it.", state, commands);
        }
        InspectorTab::Paths => {
            let n_shown = ways_shown(inspector.paths.len(), state.shows_all_ways);
            let rows = Listed::Paths(inspector.paths.get(..n_shown).unwrap_or_default(), &inspector.id);
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
        (InspectorTab::Destinations, format!("Destinations {}", how_many(&inspector.destinations))),
        (InspectorTab::Sources, format!("Sources {}", how_many(&inspector.sources))),
        (InspectorTab::Paths, format!("Ways in {}", inspector.paths.len())),
        (InspectorTab::Yaml, "YAML".to_owned()),
    ];
    let outer = ui.available_rect_before_wrap();
    let rect = ui
        .horizontal(|ui| {
            ui.add_space(EDGE);
            let width = ui.available_width() - EDGE;
            parts::tabs(ui, TAB, &tabs, &mut state.tab, 28.0, width)
        })
        .inner;
    let palette = Palette::of(ui);
    ui.painter().hline(outer.x_range(), rect.bottom() + 0.5, egui::Stroke::new(1.0, palette.line));
}

/// How many rows there are: `12`, or `400+` where the last says how many more.
fn how_many(rows: &[ConnectionRow]) -> String {
    match rows {
        [listed @ .., last] if last.peer.is_empty() && last.tone.is_none() => format!("{}+", listed.len()),
        all => all.len().to_string(),
    }
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
