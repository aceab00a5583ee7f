//! A widget for every node and title that is seen: for the Tab key, for screen readers and for tooltips. What is clicked is found by
//! the graph behind them.

use egui::accesskit::{Action, Role};
use egui::{Key, Rect, Response, Sense, Ui, WidgetInfo, WidgetType};

use super::camera::Camera;
use super::model::{Node, Tone};
use super::overlay;
use super::shapes::tone_colour;
use super::view::{MapEvent, MapView};
use super::walk::Stop;
use crate::theme::{self, Palette};

impl MapView {
    pub(super) fn minimap_widget(&self, ui: &Ui, viewport: Rect, id: egui::Id) {
        if let Some(scene) = self.scene.as_deref()
            && let Some(rect) = overlay::minimap_rect(viewport, self.camera, scene.layout.bounds, self.minimap_is_left)
        {
            ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
        }
    }

    /// A widget for every node and title that is seen: for the keyboard, for screen readers, for tooltips.
    pub(super) fn widgets(&mut self, ui: &Ui, viewport: Rect, background: &Response, events: &mut Vec<MapEvent>) {
        let Some(scene) = self.scene.as_deref() else { return };
        let stage = Camera::stage(viewport).intersect(ui.clip_rect());
        let enabled = ui.is_enabled();
        background.widget_info(|| WidgetInfo::labeled(WidgetType::Other, enabled, "map"));
        ui.ctx().accesskit_node_builder(background.id, |shown| {
            // It hands the keyboard on to what stands on it, and Esc does what a click on it does.
            shown.set_role(Role::Canvas);
            shown.clear_actions();
        });
        let focused = self.focused(ui);
        let mut about = None;
        for (stop, id) in scene.stops_and_ids() {
            let Some(rect) = scene.stop_rect(stop) else { continue };
            let rect = match stop {
                Stop::Node(_) => self.camera.rect_to_screen(viewport, rect),
                Stop::Group(_) => overlay::title_rect(viewport, self.camera, rect),
            };
            // What has the keyboard keeps it where the picture is moved away from it, and is there for who asks for it.
            let seen = rect.intersect(stage);
            if !seen.is_positive() && focused != Some(stop) {
                continue;
            }
            let rect = if seen.is_positive() { seen } else { rect };
            match stop {
                Stop::Node(at) => {
                    let node = &scene.model.nodes[at];
                    // It senses no clicks, so that they reach the graph behind it.
                    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
                    let selected = self.selected.as_ref() == Some(&node.id);
                    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, enabled, selected, &node.name));
                    ui.ctx().accesskit_node_builder(id, |shown| {
                        shown.add_action(Action::Click);
                        shown.set_selected(selected);
                        if node.unfolds {
                            shown.set_expanded(false);
                        }
                        let description = describe(node);
                        if !description.is_empty() {
                            shown.set_description(description);
                        }
                    });
                    if ui.input(|input| input.has_accesskit_action_request(id, Action::Click)) && !response.has_focus() {
                        events.push(MapEvent::Select(Some(node.id.clone())));
                    }
                    if self.hovered_node == Some(at) {
                        response.on_hover_ui_at_pointer(|ui| {
                            about = Some(&node.id);
                            tooltip(ui, &node.name, &describe(node), self.reasons_of(&node.id));
                        });
                    }
                }
                Stop::Group(at) => {
                    let group = &scene.model.groups[at];
                    let response = ui.interact(rect, id, Sense::click());
                    let selected = self.selected.as_ref() == Some(&group.id);
                    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, enabled, selected, &group.name));
                    ui.ctx().accesskit_node_builder(id, |shown| {
                        shown.set_expanded(true);
                        shown.set_description(group.fact.clone());
                    });
                    // Keys are taken by `keys`, which tells Enter from Space.
                    let by_key = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Space));
                    if response.double_clicked() {
                        events.push(MapEvent::Fold(group.id.clone()));
                    } else if response.clicked() && !by_key && !events.contains(&MapEvent::Select(Some(group.id.clone()))) {
                        events.push(MapEvent::Select(Some(group.id.clone())));
                    }
                }
            }
        }
        if let Some(edge) = self.hovered_edge.and_then(|edge| scene.model.edges.get(edge)) {
            let name = |id: &str| scene.node(id).map(|node| scene.model.nodes[node].title.as_str()).unwrap_or_default();
            background.clone().on_hover_ui_at_pointer(|ui| {
                about = Some(&edge.id);
                let what =
                    [edge.label.as_str(), edge.tone.word()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
                tooltip(ui, &format!("{} to {}", name(&edge.from), name(&edge.to)), &what, self.reasons_of(&edge.id));
            });
        }
        if let Some(id) = about.filter(|id| self.asked_about.as_ref() != Some(id)) {
            events.push(MapEvent::Hover(id.clone()));
            self.asked_about = Some(id.clone());
        }
    }

    /// What is known of why something is as it is.
    fn reasons_of(&self, id: &str) -> &[(String, Option<Tone>)] {
        self.explained.as_ref().filter(|(about, _)| about == id).map_or(&[], |(_, lines)| lines)
    }
}

/// The second line of a node, and its state in words.
fn describe(node: &Node) -> String {
    let state = [node.tone.word(), if node.pinned { "pinned" } else { "" }, if node.unfolds { "folded" } else { "" }];
    [node.fact.as_str()].into_iter().chain(state).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn tooltip(ui: &mut Ui, title: &str, fact: &str, reasons: &[(String, Option<Tone>)]) {
    let palette = Palette::of(ui);
    ui.set_max_width(420.0);
    let line = |text: &str, font, colour| egui::Label::new(egui::RichText::new(text).font(font).color(colour)).wrap();
    ui.add(line(title, theme::semibold(theme::size::TABLE), palette.text));
    if !fact.is_empty() {
        ui.add(line(fact, theme::regular(theme::size::TABLE), palette.muted));
    }
    for (reason, tone) in reasons {
        let colour = tone.map_or(palette.text, |tone| tone_colour(palette, tone));
        ui.add(line(reason, theme::regular(theme::size::TABLE), colour));
    }
}
