//! What the user does to the map: panning and zooming with the pointer, keys, and what follows for the camera.

use egui::accesskit::Action;
use egui::{EventFilter, Key, Rect, Ui};

use super::camera::Camera;
use super::overlay;
use super::stops::stop_id;
use super::view::{MapEvent, MapView};
use super::walk::{self, Step, Stop};

/// How the camera is to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As a picture opens.
    Opening,
    /// All of it.
    Whole,
}

impl MapView {
    /// Pan by dragging, zoom by the wheel or a pinch.
    pub(super) fn move_camera(&mut self, ui: &Ui, viewport: Rect, background: egui::Id, minimap: egui::Id) {
        let Some(response) = ui.ctx().read_response(background) else { return };
        if response.dragged() {
            self.camera.pan += response.drag_delta();
        }
        let over_minimap = ui.ctx().read_response(minimap).filter(|minimap| minimap.hovered() || minimap.dragged());
        if let Some(minimap) = &over_minimap
            && minimap.is_pointer_button_down_on()
            && let Some(pointer) = minimap.interact_pointer_pos()
            && let Some(scene) = &self.scene
            && let Some(rect) = overlay::minimap_rect(viewport, self.camera, scene.layout.bounds)
        {
            self.camera.centre_on(viewport, overlay::minimap_to_picture(rect, scene.layout.bounds, pointer));
        }
        if !response.contains_pointer() && over_minimap.is_none() {
            return;
        }
        let (scroll, pinch, pointer) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta(), input.pointer.hover_pos()));
        let factor = pinch * (scroll.y / 400.0).exp();
        if let Some(pointer) = pointer
            && factor != 1.0
        {
            self.camera.zoom_by(viewport, pointer, factor);
        }
        self.camera.pan.x += scroll.x;
    }

    /// `f`, `+`, `-`, `0` when nobody else has the keyboard; arrows, Enter, Space and Escape when a node or a title has it.
    pub(super) fn keys(&mut self, ui: &Ui, viewport: Rect, background: egui::Id, events: &mut Vec<MapEvent>) {
        let focus = ui.memory(|memory| memory.focused());
        let stop = self.focused(ui);
        if ui.input(|input| input.pointer.any_pressed()) {
            self.by_keyboard = false;
        }
        if focus == Some(background) && !ui.input(|input| input.modifiers.shift) {
            // The Tab key comes to the graph's own widget first, which has nothing to say: it goes on to the first node that is seen.
            let seen = |stop: &Stop| {
                self.stop_rect(*stop).is_some_and(|rect| self.camera.rect_to_screen(viewport, rect).intersects(Camera::stage(viewport)))
            };
            if let (Some(scene), Some(stop)) = (&self.scene, self.stops.iter().copied().find(seen)) {
                ui.memory_mut(|memory| memory.request_focus(stop_id(ui, scene, stop)));
                self.by_keyboard = true;
            }
        }
        if !ui.is_enabled() || (focus.is_some_and(|focus| focus != background) && stop.is_none()) {
            return;
        }
        let centre = Camera::stage(viewport).center();
        ui.input(|input| {
            for event in &input.events {
                let egui::Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
                if modifiers.ctrl || modifiers.alt || modifiers.command {
                    continue;
                }
                match key {
                    Key::F => self.fit = Some(Fit::Whole),
                    Key::Num0 => self.camera.zoom_by(viewport, centre, 1.0 / self.camera.zoom),
                    Key::Plus | Key::Equals => self.camera.zoom_by(viewport, centre, 1.25),
                    Key::Minus => self.camera.zoom_by(viewport, centre, 0.8),
                    Key::Tab | Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown => self.by_keyboard = true,
                    _ => {}
                }
            }
        });
        let (Some(stop), Some(focus)) = (stop, focus) else { return };
        let Some(scene) = &self.scene else { return };
        let pressed = |key: Key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
        ui.memory_mut(|memory| {
            memory.set_focus_lock_filter(focus, EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() });
        });
        let id = match stop {
            Stop::Node(node) => &scene.model.nodes[node].id,
            Stop::Group(group) => &scene.model.groups[group].id,
        };
        if pressed(Key::Enter) {
            events.push(MapEvent::Open(id.clone()));
        }
        if pressed(Key::Space) || ui.input(|input| input.has_accesskit_action_request(focus, Action::Click)) {
            events.push(MapEvent::Select(Some(id.clone())));
        }
        if pressed(Key::Escape) && self.selected.is_some() {
            events.push(MapEvent::Select(None));
        }
        let steps = [(Key::ArrowLeft, Step::Left), (Key::ArrowRight, Step::Right), (Key::ArrowUp, Step::Up), (Key::ArrowDown, Step::Down)];
        for (key, step) in steps {
            if pressed(key)
                && let Some(next) = self.next_stop(stop, step)
            {
                ui.memory_mut(|memory| memory.request_focus(stop_id(ui, scene, next)));
                if let Some(rect) = self.stop_rect(next) {
                    self.camera.bring_into_view(viewport, rect);
                }
                break;
            }
        }
    }

    /// Where an arrow key leads from a stop. From a title they lead to its nodes or to the next title.
    pub(super) fn next_stop(&self, stop: Stop, step: Step) -> Option<Stop> {
        let scene = self.scene.as_ref()?;
        match stop {
            Stop::Node(node) => walk::step(scene, node, step).map(Stop::Node),
            Stop::Group(group) => {
                let titles: Vec<usize> = (0..scene.model.groups.len()).filter(|group| scene.layout.groups[*group].is_some()).collect();
                let at = titles.iter().position(|other| *other == group)?;
                match step {
                    Step::Up => at.checked_sub(1).map(|at| Stop::Group(titles[at])),
                    Step::Down => titles.get(at + 1).copied().map(Stop::Group),
                    Step::Left | Step::Right => {
                        let id = Some(&scene.model.groups[group].id);
                        self.stops
                            .iter()
                            .copied()
                            .find(|stop| matches!(stop, Stop::Node(node) if scene.model.nodes[*node].group.as_ref() == id))
                    }
                }
            }
        }
    }

    pub(super) fn stop_rect(&self, stop: Stop) -> Option<Rect> {
        let layout = &self.scene.as_ref()?.layout;
        match stop {
            Stop::Node(node) => layout.nodes.get(node).map(|placed| placed.rect),
            Stop::Group(group) => layout.groups.get(group)?.as_ref().map(|placed| placed.rect),
        }
    }

    /// The node or title that has the keyboard's focus.
    pub(super) fn focused(&self, ui: &Ui) -> Option<Stop> {
        let focus = ui.memory(|memory| memory.focused())?;
        let scene = self.scene.as_ref()?;
        self.stops.iter().copied().find(|stop| stop_id(ui, scene, *stop) == focus)
    }

    /// Carries out what was asked of the camera, and keeps the picture in sight.
    pub(super) fn settle_camera(&mut self, viewport: Rect) {
        let Some(scene) = &self.scene else { return };
        let bounds = scene.layout.bounds;
        let is_new = self.fitted.is_some_and(|fitted| fitted != (viewport, bounds)) && !scene.model.nodes.is_empty();
        if is_new && !self.held && self.fit.is_none() {
            self.fit = Some(Fit::Opening);
        }
        if self.fit == Some(Fit::Whole) {
            self.held = false;
        }
        if self.fit.is_some() {
            self.fitted = Some((viewport, bounds));
        }
        match self.fit.take() {
            Some(Fit::Opening) => self.camera = Camera::opening(viewport, bounds),
            Some(Fit::Whole) => self.camera = Camera::fit(viewport, bounds),
            None => {}
        }
        let wanted = self.focus_on.as_deref();
        let stop = wanted.and_then(|id| scene.node(id).map(Stop::Node).or_else(|| scene.group(id).map(Stop::Group)));
        let way = wanted.and_then(|id| scene.model.ways.iter().find(|way| way.id == id));
        let nodes = way.into_iter().flat_map(|way| &way.nodes).filter_map(|id| scene.node(id)).map(Stop::Node);
        let rects: Vec<Rect> = stop.into_iter().chain(nodes).filter_map(|stop| self.stop_rect(stop)).collect();
        if let Some(rect) = rects.into_iter().reduce(Rect::union) {
            // A way can be longer than what is seen: then it is seen as a whole, and smaller.
            let shown = self.camera.rect_to_screen(viewport, rect).size();
            let room = Camera::stage(viewport).size();
            if way.is_some() && (shown.x > room.x || shown.y > room.y) {
                self.camera = Camera::fit(viewport, rect);
            } else {
                self.camera.bring_into_view(viewport, rect);
            }
            self.focus_on = None;
        }
        if !scene.model.nodes.is_empty() {
            self.camera.keep_in_sight(viewport, bounds);
        }
    }
}
