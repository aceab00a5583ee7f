//! What the user does to the map: panning and zooming with the pointer, keys, and what follows for the camera.

use egui::accesskit::Action;
use egui::{EventFilter, FocusDirection, Key, Rect, Ui, Vec2};

use super::action::{MapAction, Side};
use super::camera::Camera;
use super::overlay;
use super::scene::Scene;
use super::view::{MapEvent, MapView};
use super::walk::{self, Stop};

/// How the camera is to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As a picture opens.
    Opening,
    /// All of it.
    Whole,
    /// What is selected and what is connected to it.
    Selection,
}

/// How far the picture moves at a step, in points of the screen.
const STEP: f32 = 80.0;

/// A picture that has shrunk to this part of what was fitted is fitted again.
const SHRUNK: f32 = 0.5;

fn direction(side: Side) -> Vec2 {
    match side {
        Side::Left => Vec2::LEFT,
        Side::Right => Vec2::RIGHT,
        Side::Up => Vec2::UP,
        Side::Down => Vec2::DOWN,
    }
}

/// The node or title that stands for something.
fn stop_with_id(scene: &Scene, id: &str) -> Option<Stop> {
    scene.node(id).map(Stop::Node).or_else(|| scene.group(id).map(Stop::Group))
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
            && let Some(rect) = overlay::minimap_rect(viewport, self.camera, scene.layout.bounds, self.minimap_is_left)
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

    /// Arrows, Enter, Space and Escape when a node or a title has the keyboard.
    pub(super) fn keys(&mut self, ui: &Ui, viewport: Rect, background: egui::Id, events: &mut Vec<MapEvent>) {
        let focus = ui.memory(|memory| memory.focused());
        let stop = self.focused(ui);
        if ui.input(|input| input.pointer.any_pressed()) {
            self.by_keyboard = false;
        }
        if focus == Some(background) {
            // The graph's own widget has nothing to say: what comes into the map goes on to a node that is seen, and what comes from
            // a node is on its way back out.
            if self.was_on_stop {
                ui.memory_mut(|memory| memory.move_focus(FocusDirection::Previous));
                ui.ctx().request_repaint();
            } else if !ui.input(|input| input.modifiers.shift) {
                self.enter(ui, viewport);
            }
        }
        self.was_on_stop = stop.is_some();
        let moves = |key: &Key| matches!(key, Key::Tab | Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown);
        let is_walking =
            ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Key { key, pressed: true, .. } if moves(key))));
        if ui.is_enabled() && is_walking && (stop.is_some() || focus.is_none_or(|focus| focus == background)) {
            self.by_keyboard = true;
        }
        let (Some(stop), Some(focus)) = (stop.filter(|_| ui.is_enabled()), focus) else { return };
        let Some(scene) = self.scene.as_deref() else { return };
        let pressed = |key: Key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
        ui.memory_mut(|memory| {
            memory.set_focus_lock_filter(focus, EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() });
        });
        let id = scene.id_of(stop).to_owned();
        if ui.input(|input| input.has_accesskit_action_request(focus, Action::Click)) {
            events.push(MapEvent::Select(Some(id)));
        }
        let with_shift = |key: Key| ui.input(|input| input.modifiers.shift_only() && input.key_pressed(key));
        let keys = [
            (pressed(Key::Enter), MapAction::Open),
            (pressed(Key::Space), MapAction::Fold),
            (with_shift(Key::Space), MapAction::FoldAway),
            (pressed(Key::ArrowLeft), MapAction::Walk(Side::Left)),
            (pressed(Key::ArrowRight), MapAction::Walk(Side::Right)),
            (pressed(Key::ArrowUp), MapAction::Walk(Side::Up)),
            (pressed(Key::ArrowDown), MapAction::Walk(Side::Down)),
        ];
        if let Some((_, action)) = keys.into_iter().find(|(is_pressed, _)| *is_pressed) {
            self.carry_out(ui, viewport, action, events);
        }
        if pressed(Key::Escape) && self.selected.is_some() {
            events.push(MapEvent::Select(None));
        }
    }

    /// Gives the keyboard to the first node that is seen.
    fn enter(&mut self, ui: &Ui, viewport: Rect) {
        let Some(scene) = self.scene.as_deref() else { return };
        let is_seen = |stop: &Stop| {
            let rect = scene.stop_rect(*stop).map(|rect| self.camera.rect_to_screen(viewport, rect));
            rect.is_some_and(|rect| rect.intersects(Camera::stage(viewport)))
        };
        let selected = self.selected.as_deref().and_then(|id| stop_with_id(scene, id)).filter(is_seen);
        if let Some(stop) = selected.or_else(|| scene.stops.iter().copied().find(is_seen)) {
            ui.memory_mut(|memory| memory.request_focus(scene.stop_id(stop)));
            self.by_keyboard = true;
        }
    }

    /// Does what was asked for by key, palette or button.
    pub(super) fn carry_out(&mut self, ui: &Ui, viewport: Rect, action: MapAction, events: &mut Vec<MapEvent>) {
        let centre = Camera::stage(viewport).center();
        let focused = self.focused(ui);
        match action {
            MapAction::Fit => self.fit = Some(Fit::Whole),
            MapAction::FitSelection => self.fit = Some(Fit::Selection),
            MapAction::Closer => self.camera.zoom_by(viewport, centre, 1.25),
            MapAction::Farther => self.camera.zoom_by(viewport, centre, 0.8),
            MapAction::ActualSize => self.camera.zoom_by(viewport, centre, 1.0 / self.camera.zoom),
            MapAction::Pan(side) => self.camera.pan -= direction(side) * STEP,
            MapAction::Enter => self.enter(ui, viewport),
            MapAction::Reach(reach) => {
                self.reach = reach;
                self.light();
            }
            MapAction::Tidy => self.tidy(),
            MapAction::Walk(side) => match focused {
                Some(stop) => self.walk(ui, viewport, stop, side),
                None => self.enter(ui, viewport),
            },
            MapAction::Open | MapAction::Fold | MapAction::FoldAway | MapAction::PutAside | MapAction::Pin => {
                let Some(scene) = self.scene.as_deref() else { return };
                let selected = || self.selected.as_deref().and_then(|id| stop_with_id(scene, id));
                let Some(stop) = focused.or_else(selected) else { return };
                let id = scene.id_of(stop);
                let is_node = matches!(stop, Stop::Node(_));
                events.extend(match action {
                    MapAction::Fold => scene.toggle_of(stop).map(|id| MapEvent::Fold(id.to_owned())),
                    MapAction::FoldAway => scene.fold_of(stop).map(|id| MapEvent::Fold(id.to_owned())),
                    MapAction::PutAside => is_node.then(|| MapEvent::PutAside(id.to_owned())),
                    MapAction::Pin => is_node.then(|| MapEvent::Pin(id.to_owned())),
                    _ => Some(MapEvent::Select(Some(id.to_owned()))),
                });
            }
        }
    }

    fn walk(&mut self, ui: &Ui, viewport: Rect, stop: Stop, side: Side) {
        let Some(next) = self.next_stop(stop, side) else { return };
        let Some(scene) = self.scene.as_deref() else { return };
        ui.memory_mut(|memory| memory.request_focus(scene.stop_id(next)));
        if let Some(rect) = scene.stop_rect(next) {
            self.camera.bring_into_view(viewport, rect);
        }
    }

    /// Where an arrow key leads from a stop. From a title they lead to its nodes or to the next title.
    pub(super) fn next_stop(&self, stop: Stop, side: Side) -> Option<Stop> {
        let scene = self.scene.as_deref()?;
        match stop {
            Stop::Node(node) => walk::step(scene, node, side).map(Stop::Node),
            Stop::Group(group) => {
                let titles: Vec<usize> = (0..scene.model.groups.len()).filter(|group| scene.layout.groups[*group].is_some()).collect();
                let at = titles.iter().position(|other| *other == group)?;
                match side {
                    Side::Up => at.checked_sub(1).map(|at| Stop::Group(titles[at])),
                    Side::Down => titles.get(at + 1).copied().map(Stop::Group),
                    Side::Left | Side::Right => {
                        let members: Vec<usize> = scene.members(group).collect();
                        scene.stops.iter().copied().find(|stop| matches!(stop, Stop::Node(node) if members.contains(node)))
                    }
                }
            }
        }
    }

    /// The node or title that has the keyboard's focus.
    pub(super) fn focused(&self, ui: &Ui) -> Option<Stop> {
        let focus = ui.memory(|memory| memory.focused())?;
        self.scene.as_deref()?.stop_of(focus)
    }

    /// Carries out what was asked of the camera, and keeps the picture in sight.
    pub(super) fn settle_camera(&mut self, viewport: Rect) {
        let Some(scene) = self.scene.as_deref() else { return };
        let bounds = scene.layout.bounds;
        if !self.held
            && self.fit.is_none()
            && !scene.model.nodes.is_empty()
            && self.fitted.is_some_and(|fitted| self.is_outgrown(fitted, viewport, bounds))
        {
            self.fit = Some(Fit::Opening);
        }
        let fit = self.fit.take();
        match fit {
            Some(Fit::Opening) => self.camera = Camera::opening(viewport, bounds),
            Some(Fit::Whole) => self.camera = Camera::fit(viewport, bounds),
            Some(Fit::Selection) => {
                if let Some(rect) = self.lit_rect(scene) {
                    self.camera = Camera::fit_closely(viewport, rect);
                }
            }
            None => {}
        }
        match fit {
            Some(Fit::Selection) => self.held = true,
            Some(Fit::Whole) => self.held = false,
            _ => {}
        }
        if fit.is_some() || self.fitted.is_none() {
            self.fitted = Some((viewport, bounds));
        }
        let wanted = self.focus_on.as_deref();
        let stop = wanted.and_then(|id| stop_with_id(scene, id));
        let way = wanted.and_then(|id| scene.model.ways.iter().find(|way| way.id == id));
        let nodes = way.into_iter().flat_map(|way| &way.nodes).filter_map(|id| scene.node(id)).map(Stop::Node);
        let rects: Vec<Rect> = stop.into_iter().chain(nodes).filter_map(|stop| stop_rest(scene, stop)).collect();
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

    /// Whether a picture that nobody has moved no longer fits where it is seen. What streams in where there is room moves nothing.
    fn is_outgrown(&self, (fitted_in, fitted): (Rect, Rect), viewport: Rect, bounds: Rect) -> bool {
        let has_grown = !fitted.expand(1.0).contains_rect(bounds);
        let is_cut = !Camera::stage(viewport).contains_rect(self.camera.rect_to_screen(viewport, bounds));
        let has_shrunk = bounds.width() < SHRUNK * fitted.width() || bounds.height() < SHRUNK * fitted.height();
        fitted_in != viewport || (has_grown && is_cut) || has_shrunk
    }

    /// Around all that stays lit; everything, where nothing is selected.
    fn lit_rect(&self, scene: &Scene) -> Option<Rect> {
        let is_lit = |node: &usize| self.connected.as_ref().is_none_or(|connected| connected.nodes[*node]);
        (0..scene.model.nodes.len()).filter(is_lit).map(|node| scene.layout.nodes[node].rect).reduce(Rect::union)
    }
}

/// Where a node, or the box of a title, comes to rest.
fn stop_rest(scene: &Scene, stop: Stop) -> Option<Rect> {
    match stop {
        Stop::Node(node) => scene.layout.nodes.get(node).map(|placed| placed.rect),
        Stop::Group(group) => scene.layout.groups.get(group)?.as_ref().map(|placed| placed.rect),
    }
}
