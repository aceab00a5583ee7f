//! The middle of the window: the strip and the map, or what would fill it.

use std::sync::Arc;

use egui::{Id, Ui, vec2};

use crate::command::{Command, ShowOptions};
use crate::map::model::MapModel;
use crate::map::{MapEvent, MapView};
use crate::panels::actions::{self, Action};
use crate::panels::strip::{Strip, strip_ui};
use crate::theme::Palette;
use crate::view_model::{Freshness, View};

/// Below this width or height the map is not drawn.
pub(super) const MIN_MAP: egui::Vec2 = vec2(48.0, 160.0);

/// The strip and the map, or what would fill it.
pub(super) fn middle_ui(ui: &mut Ui, map: &mut MapView, view: &View, strip: Strip<'_>, commands: &mut Vec<Command>) -> Option<Action> {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    if view.map.nodes.is_empty() {
        return empty_ui(ui, view, strip.show);
    }
    let action = strip_ui(ui, view, strip, commands);
    let events = map_ui(ui, map, &view.map, view.map_focus.as_deref());
    commands.extend(events.into_iter().filter_map(|event| command_of(view, event)));
    action
}

fn empty_ui(ui: &mut Ui, view: &View, show: &ShowOptions) -> Option<Action> {
    let is_narrowed = actions::is_narrowed(show) && !view.namespaces.is_empty();
    let text = match (&view.status.freshness, view.status.source.is_empty()) {
        (_, true) => "Open a context, a folder of manifests or the demo at the top left, and its traffic is charted here",
        (Freshness::Loading(..), _) => "The first lists are on their way",
        (Freshness::Failed(_) | Freshness::Unauthorised(_) | Freshness::Stale(_), _) => {
            "Nothing is known of this cluster yet: the status bar says why"
        }
        _ if is_narrowed => "Nothing here is as the filters ask for",
        _ => "There is no workload here, and no way in",
    };
    let mut action = None;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 24.0).max(0.0));
        ui.colored_label(Palette::of(ui).muted, text);
        if is_narrowed {
            ui.add_space(12.0);
            action = ui.button("Clear all filters").clicked().then_some(Action::ShowEverything);
        }
    });
    action
}

/// The map. The one place that knows which map it is.
fn map_ui(ui: &mut Ui, map: &mut MapView, model: &Arc<MapModel>, selected: Option<&str>) -> Vec<MapEvent> {
    // Squeezed between the panels of a tiny window, it has nothing to show and would never come to rest.
    let room = ui.available_size();
    if room.x < MIN_MAP.x || room.y < MIN_MAP.y {
        return Vec::new();
    }
    ui.push_id(Id::new("map"), |ui| map.show(ui, model, selected)).inner
}

/// What an event of the map asks for. An edge stands for its far end.
fn command_of(view: &View, event: MapEvent) -> Option<Command> {
    Some(match event {
        MapEvent::Select(id) => Command::Select(id),
        MapEvent::Fold(id) => Command::ToggleFold(id),
        MapEvent::PutAside(id) if view.aside.iter().any(|row| row.id == id) => Command::BringBack(Some(id)),
        MapEvent::PutAside(id) => Command::PutAside(id),
        MapEvent::Pin(id) => Command::Pin(id),
        MapEvent::Hover(id) => Command::Explain(Some(id)),
        MapEvent::Edge(id) => Command::Select(Some(view.map.edges.iter().find(|edge| edge.id == id)?.to.clone())),
    })
}
