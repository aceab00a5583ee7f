//! The map as a widget: it owns the camera, puts the layers together, and turns input into events.

use std::sync::Arc;

use egui::{Rect, Response, Sense, Ui, UiBuilder};
use egui_graphs::GraphChange;

use super::action::{MapAction, Reach};
use super::camera::Camera;
use super::crowd::{self, Crowd, Manner};
use super::drafter::{Draft, Drafter, LARGE};
use super::edge::{self, EdgeLook};
use super::focus::{Connected, connected};
use super::frame_cache::{FrameCache, take_back};
use super::graph_widget::{Shown, graph_ui, show_graph};
use super::input::Fit;
use super::measure::TextWidths;
use super::model::{Id, MapModel, Tone};
use super::motion::Motion;
use super::node::{NodeLook, TEXT_ZOOM};
use super::overlay::{self, Focus};
use super::scene::Scene;
use super::walk::Stop;
use crate::theme::Palette;

/// What the user did on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapEvent {
    /// Select a node or a group, or nothing.
    Select(Option<Id>),
    /// Fold or unfold what has this id: a double click, or Space.
    Fold(Id),
    /// Put a node aside, or bring it back.
    PutAside(Id),
    /// Pin a node, or unpin it.
    Pin(Id),
    /// The pointer rests on a node or an edge: say why it is as it is.
    Hover(Id),
    /// An edge was clicked.
    Edge(Id),
}

/// What is known of why something is as it is: its id, and sentences with the tone of those that decide.
pub type Explained = (Id, Vec<(String, Option<Tone>)>);

/// The map. Kept by the window from frame to frame; what it shows is given to it in each.
#[derive(Default)]
pub struct MapView {
    pub(super) scene: Option<Box<Scene>>,
    pub(super) camera: Camera,
    pub(super) fit: Option<Fit>,
    pub(super) focus_on: Option<Id>,
    pub(super) selected: Option<Id>,
    pub(super) reach: Reach,
    pub(super) connected: Option<Connected>,
    pub(super) hovered_node: Option<usize>,
    pub(super) hovered_edge: Option<usize>,
    pub(super) by_keyboard: bool,
    /// Whether a node or a title had the keyboard in the last frame.
    pub(super) was_on_stop: bool,
    /// What was asked for since the last frame.
    pub(super) asked: Vec<MapAction>,
    /// Why what was last asked about is as it is.
    pub(super) explained: Option<Explained>,
    /// What was last asked about.
    pub(super) asked_about: Option<Id>,
    generation: u64,
    /// Grows with everything that changes where edges run, or in which style.
    strokes: u64,
    /// Grows with everything that changes which edges are lit.
    looks: u64,
    /// What was lit in the last frame.
    lit: Option<Connected>,
    drafter: Drafter,
    crowd: Crowd,
    /// Those of a crowd that stand out of it.
    outstanding: Crowd,
    cache: FrameCache<FrameKey>,
    widths: Option<TextWidths>,
    pub(super) minimap_is_left: bool,
    last_corner: Option<egui::Pos2>,
    /// Where the pointer was in the last frame that was drawn.
    last_pointer: Option<egui::Pos2>,
    /// When the motion that is under way began, in egui's seconds.
    moving_since: Option<f64>,
    /// The zoom of the last frame that was drawn.
    drawn_zoom: f32,
    /// Whether some text is still drawn in another size than it shall be.
    texts_wait: bool,
    /// Whether everything is to be laid out anew.
    tidies: bool,
    /// Whether the person has moved the camera: then it stays where it is; else the picture is kept in view as it grows.
    pub(super) held: bool,
    /// The viewport and the picture that the camera was last fitted to.
    pub(super) fitted: Option<(Rect, Rect)>,
}

/// Everything that a frame depends on. Two frames with the same key look the same.
#[derive(Debug, Clone, PartialEq)]
struct FrameKey {
    rect: Rect,
    clip: Rect,
    camera: Camera,
    held: bool,
    generation: u64,
    fonts: u64,
    pixels_per_point: f32,
    dark: bool,
    enabled: bool,
    selected: Option<Id>,
    reach: Reach,
    hovered_node: Option<usize>,
    hovered_edge: Option<usize>,
    focused: Option<Stop>,
    is_moving: bool,
}

/// From this many edges on, those of which there is nothing to say step back.
pub(super) const CROWDED: usize = 80;

/// For how long what moves is on its way.
const MOTION_SECONDS: f64 = 0.15;

/// The text of so many nodes is laid out in a frame; what is left waits for the next.
const TEXTS_AT_ONCE: usize = 64;

impl MapView {
    /// A map that shows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the whole picture as it opens. To be called when another source is shown.
    pub fn request_fit(&mut self) {
        self.fit = Some(Fit::Opening);
        self.held = false;
    }

    /// Moves so that a node or a group is in view, as soon as the model has it.
    pub fn focus_on(&mut self, id: impl Into<Id>) {
        self.focus_on = Some(id.into());
    }

    /// Does what was asked for, in the next frame.
    pub fn act(&mut self, action: MapAction) {
        self.asked.push(action);
    }

    /// Whether this is the widget of a node or a title.
    pub fn has_stop(&self, id: egui::Id) -> bool {
        self.scene.as_ref().is_some_and(|scene| scene.stop_of(id).is_some())
    }

    /// How far from the selection things stay lit.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Takes what was found out about what the pointer rests on.
    pub fn explain(&mut self, explained: Option<Explained>) {
        self.explained = explained;
    }

    /// Whether a layout is under way.
    pub fn is_laying_out(&self) -> bool {
        self.drafter.under_way().is_some()
    }

    /// How many frames were really drawn; the others were put back as they were.
    pub fn n_drawn(&self) -> u64 {
        self.cache.n_drawn()
    }

    /// Shows `model` in all the room that `ui` has, with the node, group or edge `selected`, and says what the user did.
    pub fn show(&mut self, ui: &mut Ui, model: &Arc<MapModel>, selected: Option<&str>) -> Vec<MapEvent> {
        let viewport = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(viewport);
        let mut ui = ui.new_child(UiBuilder::new().id(ui.id().with("map")).max_rect(viewport));
        ui.shrink_clip_rect(viewport);
        let mut events = Vec::new();
        if !viewport.is_positive() {
            return events;
        }
        let fonts = self.cache.fonts_generation(&ui);
        self.adopt(&ui, model);
        self.select(selected);
        if self.lit != self.connected {
            self.lit.clone_from(&self.connected);
            self.looks += 1;
        }
        self.go_on(&ui);

        let background = graph_ui(&mut ui, viewport).next_auto_id();
        let minimap_id = ui.id().with("minimap");
        let camera = self.camera;
        self.move_camera(&ui, viewport, background, minimap_id);
        self.keys(&ui, viewport, background, &mut events);
        for action in std::mem::take(&mut self.asked) {
            self.carry_out(&ui, viewport, action, &mut events);
        }
        self.held |= self.camera != camera;
        self.settle_camera(viewport);

        let response = self.paint(&mut ui, viewport, background, fonts, &mut events);
        self.minimap_widget(&ui, viewport, minimap_id);
        self.widgets(&ui, viewport, &response, &mut events);
        events
    }

    /// Takes a model over, if it is another one than that shown; a large one is laid out meanwhile.
    fn adopt(&mut self, ui: &Ui, model: &Arc<MapModel>) {
        if let Some(scene) = self.drafter.finished() {
            self.put_on(ui, scene);
        }
        let tidies = self.tidies;
        if self.scene.as_ref().is_some_and(|scene| Arc::ptr_eq(&scene.model, model)) && !tidies {
            return;
        }
        if self.drafter.under_way().is_some() {
            return;
        }
        if let Some(scene) = &mut self.scene
            && *scene.model == **model
            && !tidies
        {
            scene.model = Arc::clone(model);
            return;
        }
        self.tidies = false;
        let before = self.scene.as_ref().filter(|_| !tidies).map(|scene| Arc::clone(&scene.layout));
        let mut draft = Draft { model: Arc::clone(model), before, base: ui.id() };
        if model.nodes.len() + model.edges.len() > LARGE {
            match self.drafter.begin(ui.ctx(), draft) {
                None => return,
                Some(back) => draft = back,
            }
        }
        let widths = self.widths.get_or_insert_with(|| TextWidths::of(ui.ctx()));
        let scene = Box::new(draft.make(widths));
        self.put_on(ui, scene);
    }

    /// Shows another scene in the place of this one.
    fn put_on(&mut self, ui: &Ui, mut scene: Box<Scene>) {
        let is_first = self.scene.as_ref().is_none_or(|before| before.model.nodes.is_empty());
        let before = self.scene.take();
        if let Some(before) = &before {
            scene.take_texts(before);
            let moves = ui.style().animation_time > 0.0;
            scene.motion = if moves && !is_first && self.fit.is_none() { Motion::between(before, &scene) } else { None };
            self.moving_since = scene.motion.is_some().then(|| ui.input(|input| input.time));
            self.hovered_node = self.hovered_node.and_then(|node| scene.node(&before.model.nodes[node].id));
            self.hovered_edge = self.hovered_edge.and_then(|edge| scene.edge(&before.model.edges[edge].id));
        }
        if before.as_ref().is_none_or(|before| !before.has_strokes_of(&scene)) {
            self.strokes += 1;
        }
        if is_first && !scene.model.nodes.is_empty() {
            self.fit = Some(Fit::Opening);
        }
        self.scene = Some(scene);
        self.connected = None;
        self.selected = None;
        self.generation += 1;
        if let Some(before) = before {
            self.drafter.retire(before);
        }
    }

    /// Moves what is on its way to its place.
    fn go_on(&mut self, ui: &Ui) {
        let Some(since) = self.moving_since else { return };
        let part = ((ui.input(|input| input.time) - since) / MOTION_SECONDS) as f32;
        let Some(scene) = &mut self.scene else { return };
        if scene.motion.as_mut().is_some_and(|motion| motion.advance(part)) {
            ui.ctx().request_repaint();
        } else {
            scene.motion = None;
            self.moving_since = None;
            self.generation += 1;
            self.strokes += 1;
        }
    }

    /// Lays everything out anew.
    pub(super) fn tidy(&mut self) {
        self.tidies = true;
        self.fit = Some(Fit::Whole);
    }

    fn select(&mut self, selected: Option<&str>) {
        if self.selected.as_deref() != selected || (selected.is_some() && self.connected.is_none()) {
            self.selected = selected.map(str::to_owned);
            self.light();
        }
    }

    /// Finds out what stays lit.
    pub(super) fn light(&mut self) {
        self.connected = self.scene.as_deref().and_then(|scene| connected(scene, self.selected.as_deref(), self.reach));
    }

    /// Draws the picture, or puts the last one back.
    fn paint(&mut self, ui: &mut Ui, viewport: Rect, background: egui::Id, fonts: u64, events: &mut Vec<MapEvent>) -> Response {
        let focused = if self.by_keyboard { self.focused(ui) } else { None };
        let key = FrameKey {
            rect: viewport,
            clip: ui.clip_rect(),
            camera: self.camera,
            held: self.held,
            generation: self.generation,
            fonts,
            pixels_per_point: ui.pixels_per_point(),
            dark: ui.visuals().dark_mode,
            enabled: ui.is_enabled(),
            selected: self.selected.clone(),
            reach: self.reach,
            is_moving: self.moving_since.is_some(),
            hovered_node: self.hovered_node,
            hovered_edge: self.hovered_edge,
            focused,
        };
        let touched = self.touched(ui, background) || self.moving_since.is_some() || self.texts_wait;
        self.last_pointer = ui.input(|input| input.pointer.hover_pos());
        let mut cache = std::mem::take(&mut self.cache);
        let mut response = None;
        cache.draw_or_replay(ui, key, touched, |ui| response = Some(self.draw(ui, viewport, background, focused, fonts, events)));
        self.cache = cache;
        // On a frame that was put back, the graph's widget is kept alive in its stead.
        response.unwrap_or_else(|| ui.interact(viewport, background, Sense::click_and_drag()))
    }

    /// Whether the pointer does something on the map in this frame, or has just left it.
    fn touched(&self, ui: &Ui, background: egui::Id) -> bool {
        let Some(response) = ui.ctx().read_response(background) else { return true };
        let (at, pressed) = ui.input(|input| {
            let pointer = &input.pointer;
            (pointer.hover_pos(), pointer.any_pressed() || pointer.any_released() || pointer.any_click())
        });
        let over = response.contains_pointer();
        // A pointer that comes from nowhere has not moved.
        let moved = at != self.last_pointer;
        (over && (moved || pressed))
            || response.dragged()
            || response.clicked()
            || (!over && (self.hovered_node.is_some() || self.hovered_edge.is_some()))
    }

    fn draw(
        &mut self,
        ui: &mut Ui,
        viewport: Rect,
        background: egui::Id,
        focused: Option<Stop>,
        fonts: u64,
        events: &mut Vec<MapEvent>,
    ) -> Response {
        let palette = Palette::of(ui);
        ui.painter().rect_filled(viewport, 0.0, palette.canvas);
        let slot = ui.painter().add(egui::Shape::Noop);
        let Some(scene) = self.scene.as_deref_mut() else { return ui.interact(viewport, background, Sense::click_and_drag()) };
        let (connected, selected) = (self.connected.as_ref(), self.selected.as_deref());
        let selected_node = selected.and_then(|id| scene.node(id));
        let selected_edge = selected.and_then(|id| scene.edge(id));
        let group = selected.and_then(|id| scene.group(id));
        let (hovered_node, hovered_edge) = (self.hovered_node, self.hovered_edge);
        let is_crowded = scene.drawn.len() > CROWDED;
        let (links, model) = (Arc::clone(&scene.links), Arc::clone(&scene.model));
        let touches = |edge: usize, node: Option<usize>| {
            node.is_some() && links[edge].is_some_and(|(from, to)| Some(from) == node || Some(to) == node)
        };
        let edge_look = |edge: usize| {
            let lit = hovered_edge == Some(edge) || touches(edge, hovered_node);
            let dimmed = !lit && connected.is_some_and(|connected| !connected.edges[edge]);
            let quiet = matches!(model.edges[edge].tone, Tone::Plain | Tone::Allowed | Tone::Depends);
            let faint = is_crowded && !lit && (dimmed || (quiet && connected.is_none()));
            EdgeLook { dimmed, lit, faint }
        };
        scene.set_looks(
            |node| NodeLook {
                dimmed: connected.is_some_and(|connected| !connected.nodes[node]) && hovered_node != Some(node),
                selected: selected_node == Some(node),
                hovered: hovered_node == Some(node),
                focused: focused == Some(Stop::Node(node)),
                fonts,
                keeps_text: false,
            },
            edge_look,
        );
        let of_node = |node: Option<usize>| node.into_iter().flat_map(|node| scene.touching(node));
        let labelled = hovered_edge.into_iter().chain(of_node(hovered_node)).chain(selected_edge).chain(of_node(selected_node));
        let mut labels: Vec<usize> = Vec::new();
        for edge in labelled {
            if labels.len() < MAX_LABELLED && !labels.contains(&edge) {
                labels.push(edge);
            }
        }
        let focused_group = focused.and_then(|stop| if let Stop::Group(group) = stop { Some(group) } else { None });
        let focus = Focus { connected, group, focused_group, labelled: labels };

        let camera = self.camera;
        if scene.is_crowded() {
            // What somebody looks at stands out of the crowd.
            let stands_out = |edge: usize| {
                let is_on = connected.is_some_and(|connected| connected.edges[edge]);
                is_on || matches!(model.edges[edge].tone, Tone::Denied | Tone::Gained | Tone::Lost)
            };
            let in_crowd = |edge: usize| (!stands_out(edge)).then(|| EdgeLook { lit: false, faint: true, dimmed: connected.is_some() });
            let demand = crowd::Demand {
                scene: &*scene,
                strokes: self.strokes,
                looks: self.looks,
                look: &|_| None,
                camera,
                viewport,
                dark: ui.visuals().dark_mode,
            };
            let apart = |edge: usize| {
                let dimmed = connected.is_some_and(|connected| !connected.edges[edge]);
                stands_out(edge).then_some(EdgeLook { dimmed, lit: false, faint: dimmed })
            };
            for (crowds, manner, look) in [
                (&mut self.crowd, Manner::Plain, &in_crowd as &dyn Fn(usize) -> Option<EdgeLook>),
                (&mut self.outstanding, Manner::Styled, &apart),
            ] {
                let shapes = crowds.shapes(ui.ctx(), manner, &crowd::Demand { look, ..demand });
                ui.painter().extend(shapes);
            }
            let to_screen = |point| camera.to_screen(viewport, point);
            let sight = edge::Sight { to_screen: &to_screen, zoom: camera.zoom, seen: ui.clip_rect(), palette };
            let mut drawn = Vec::new();
            for at in hovered_edge.into_iter().chain(hovered_node.into_iter().flat_map(|node| scene.touching(node))) {
                if let Some(route) = &scene.layout.routes[at] {
                    let edge = &model.edges[at];
                    edge::draw(route, scene.shift(at), edge.tone, edge.extent, edge_look(at), &sight, &mut drawn);
                }
            }
            ui.painter().extend(drawn);
        }
        let is_zooming = camera.zoom != self.drawn_zoom;
        self.texts_wait = false;
        if camera.zoom >= TEXT_ZOOM {
            let seen = Rect::from_min_max(camera.to_picture(viewport, viewport.min), camera.to_picture(viewport, viewport.max));
            self.texts_wait = scene.lay_out_texts(ui.ctx(), camera.zoom, fonts, seen, is_zooming, TEXTS_AT_ONCE);
            if self.texts_wait {
                ui.ctx().request_repaint();
            }
        }
        self.drawn_zoom = camera.zoom;
        let mut shown = show_graph(ui, viewport, scene, camera, self.last_corner);
        if !shown.camera_kept {
            // egui_graphs sets the camera itself when it is shown for the first time. That picture is taken back and drawn again.
            take_back(ui, shown.first);
            shown = show_graph(ui, viewport, scene, camera, Some(viewport.min));
        }
        self.last_corner = Some(viewport.min);
        ui.painter().set(slot, overlay::boxes(ui, viewport, camera, scene, &focus));
        overlay::overview_titles(ui, viewport, camera, scene);
        overlay::labels(ui, viewport, camera, scene, &focus);
        overlay::lane_heads(ui, viewport, camera, &scene.layout);
        if !ui.input(|input| input.pointer.any_down()) {
            self.minimap_is_left = overlay::minimap_is_left(viewport, camera, scene, self.minimap_is_left);
        }
        if let Some(rect) = overlay::minimap_rect(viewport, camera, scene.layout.bounds, self.minimap_is_left) {
            overlay::minimap(ui, viewport, camera, scene, rect);
        }

        self.take_up(ui, viewport, &shown, events);
        shown.response
    }

    /// Turns what happened on the graph into events, and notes what is under the pointer.
    fn take_up(&mut self, ui: &Ui, viewport: Rect, shown: &Shown, events: &mut Vec<MapEvent>) {
        let Some(scene) = self.scene.as_deref() else { return };
        let response = &shown.response;
        let on_stage = response.interact_pointer_pos().filter(|at| Camera::stage(viewport).contains(*at));
        let mut hit = false;
        for change in &shown.changes {
            match *change {
                GraphChange::NodeClicked { node } => {
                    if let Some(node) = scene.node_of(node) {
                        hit = true;
                        events.push(MapEvent::Select(Some(scene.model.nodes[node].id.clone())));
                        ui.memory_mut(|memory| memory.request_focus(scene.stop_id(Stop::Node(node))));
                    }
                }
                GraphChange::NodeDoubleClicked { node } => {
                    if let Some(node) = scene.node_of(node) {
                        hit = true;
                        if scene.model.nodes[node].unfolds {
                            events.push(MapEvent::Fold(scene.model.nodes[node].id.clone()));
                        }
                    }
                }
                _ => {}
            }
        }
        if response.clicked()
            && !hit
            && let Some(edge) = on_stage.and_then(|at| scene.edge_under(self.camera.to_picture(viewport, at)))
        {
            hit = true;
            events.push(MapEvent::Edge(scene.model.edges[edge].id.clone()));
        }
        if response.clicked() && !response.double_clicked() && !hit && on_stage.is_some() && self.selected.is_some() {
            events.push(MapEvent::Select(None));
        }
        let pointer = response.hover_pos().filter(|at| Camera::stage(viewport).contains(*at));
        self.hovered_node = pointer.and(scene.graph.hovered_node()).and_then(|node| scene.node_of(node));
        self.hovered_edge = if self.hovered_node.is_none() && !response.dragged() {
            pointer.and_then(|at| scene.edge_under(self.camera.to_picture(viewport, at)))
        } else {
            None
        };
    }
}

/// As many edges as have their labels shown.
const MAX_LABELLED: usize = 60;
