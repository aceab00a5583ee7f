//! A widget for every node and title that is seen: for the Tab key, for screen readers and for tooltips. What is clicked is found by
//! the graph behind them.

use egui::accesskit::Action;
use egui::{Key, Rect, Response, Sense, Ui, WidgetInfo, WidgetType};

use super::camera::Camera;
use super::overlay;
use super::scene::Scene;
use super::view::{MapEvent, MapView};
use super::walk::Stop;
use crate::theme::{self, Palette};

impl MapView {
    pub(super) fn minimap_widget(&self, ui: &Ui, viewport: Rect, id: egui::Id) {
        if let Some(scene) = &self.scene
            && self.held
            && let Some(rect) = overlay::minimap_rect(viewport, self.camera, scene.layout.bounds)
        {
            ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
        }
    }

    /// A widget for every node and title that is seen: for the keyboard, for screen readers, for tooltips.
    pub(super) fn widgets(&self, ui: &Ui, viewport: Rect, background: &Response, events: &mut Vec<MapEvent>) {
        let Some(scene) = &self.scene else { return };
        let stage = Camera::stage(viewport).intersect(ui.clip_rect());
        let enabled = ui.is_enabled();
        background.widget_info(|| WidgetInfo::labeled(WidgetType::Other, enabled, "map"));
        for stop in &self.stops {
            let rect = match *stop {
                Stop::Node(node) => self.camera.rect_to_screen(viewport, scene.layout.nodes[node].rect),
                Stop::Group(group) => match &scene.layout.groups[group] {
                    Some(placed) => overlay::title_rect(viewport, self.camera, placed.rect),
                    None => continue,
                },
            };
            let rect = rect.intersect(stage);
            if !rect.is_positive() {
                continue;
            }
            let id = stop_id(ui, scene, *stop);
            match *stop {
                Stop::Node(at) => {
                    let node = &scene.model.nodes[at];
                    // It senses no clicks, so that they reach the graph behind it.
                    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
                    let selected = self.selected.as_ref() == Some(&node.id);
                    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, enabled, selected, &node.name));
                    let description =
                        [node.fact.as_str(), node.tone.word()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
                    ui.ctx().accesskit_node_builder(id, |shown| {
                        shown.add_action(Action::Click);
                        shown.set_selected(selected);
                        if !description.is_empty() {
                            shown.set_description(description.clone());
                        }
                    });
                    if ui.input(|input| input.has_accesskit_action_request(id, Action::Click)) && !response.has_focus() {
                        events.push(MapEvent::Select(Some(node.id.clone())));
                    }
                    if self.hovered_node == Some(at) {
                        response.on_hover_ui_at_pointer(|ui| tooltip(ui, &node.name, &description));
                    }
                }
                Stop::Group(at) => {
                    let group = &scene.model.groups[at];
                    let response = ui.interact(rect, id, Sense::click());
                    let selected = self.selected.as_ref() == Some(&group.id);
                    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, enabled, selected, &group.name));
                    // Keys are taken by `keys`, which tells Enter from Space.
                    let by_key = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Space));
                    if response.double_clicked() {
                        events.push(MapEvent::Open(group.id.clone()));
                    } else if response.clicked() && !by_key && !events.contains(&MapEvent::Select(Some(group.id.clone()))) {
                        events.push(MapEvent::Select(Some(group.id.clone())));
                    }
                }
            }
        }
        if let Some(edge) = self.hovered_edge {
            let edge = &scene.model.edges[edge];
            let name = |id: &str| scene.node(id).map(|node| scene.model.nodes[node].title.clone()).unwrap_or_default();
            let what = [edge.label.as_str(), edge.tone.word()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            background.clone().on_hover_ui_at_pointer(|ui| tooltip(ui, &format!("{} to {}", name(&edge.from), name(&edge.to)), &what));
        }
    }
}

fn tooltip(ui: &mut Ui, title: &str, fact: &str) {
    let palette = Palette::of(ui);
    ui.label(egui::RichText::new(title).font(theme::semibold(theme::size::TABLE)).color(palette.text));
    if !fact.is_empty() {
        ui.label(egui::RichText::new(fact).font(theme::regular(theme::size::TABLE)).color(palette.muted));
    }
}

/// The widget of a node or a title. Bound to what it stands for, so that the focus stays with it when the model changes.
pub fn stop_id(ui: &Ui, scene: &Scene, stop: Stop) -> egui::Id {
    match stop {
        Stop::Node(node) => ui.id().with(("node", &scene.model.nodes[node].id)),
        Stop::Group(group) => ui.id().with(("group", &scene.model.groups[group].id)),
    }
}
