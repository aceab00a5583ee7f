//! The map as a widget: it owns the camera, puts the layers together, and turns input into events.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Rect, Response, Sense, Ui, UiBuilder, Vec2};
use egui_graphs::GraphChange;

use super::camera::Camera;
use super::edge::EdgeLook;
use super::elide::Face;
use super::frame_cache::{FrameCache, take_back};
use super::graph_widget::{Shown, graph_ui, show_graph};
use super::input::Fit;
use super::layout::{self, Layout};
use super::model::{Id, MapModel, Tone};
use super::node::{NodeLook, font};
use super::overlay::{self, Focus};
use super::scene::{Connected, Scene};
use super::stops::stop_id;
use super::walk::{self, Stop};
use crate::theme::Palette;

/// What the user did on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapEvent {
    /// Select a node or a group, or nothing.
    Select(Option<Id>),
    /// Open a node or a group (fold or unfold it): a double click, or Enter.
    Open(Id),
    /// An edge was clicked.
    Edge(Id),
}

/// The map. Kept by the window from frame to frame; what it shows is given to it in each.
#[derive(Default)]
pub struct MapView {
    pub(super) scene: Option<Scene>,
    pub(super) stops: Vec<Stop>,
    pub(super) camera: Camera,
    pub(super) fit: Option<Fit>,
    pub(super) focus_on: Option<Id>,
    pub(super) selected: Option<Id>,
    connected: Option<Connected>,
    pub(super) hovered_node: Option<usize>,
    pub(super) hovered_edge: Option<usize>,
    pub(super) by_keyboard: bool,
    generation: u64,
    cache: FrameCache<FrameKey>,
    widths: HashMap<(String, Face), f32>,
    last_corner: Option<egui::Pos2>,
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
    hovered_node: Option<usize>,
    hovered_edge: Option<usize>,
    focused: Option<Stop>,
}

/// From this many edges on, those of which there is nothing to say step back.
const CROWDED: usize = 80;

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

        let background = graph_ui(&mut ui, viewport).next_auto_id();
        let minimap_id = ui.id().with("minimap");
        let camera = self.camera;
        self.move_camera(&ui, viewport, background, minimap_id);
        self.keys(&ui, viewport, background, &mut events);
        self.held |= self.camera != camera;
        self.settle_camera(viewport);

        let response = self.paint(&mut ui, viewport, background, fonts, &mut events);
        self.minimap_widget(&ui, viewport, minimap_id);
        self.widgets(&ui, viewport, &response, &mut events);
        events
    }

    /// Takes a model over, if it is another one than that shown.
    fn adopt(&mut self, ui: &Ui, model: &Arc<MapModel>) {
        if self.scene.as_ref().is_some_and(|scene| Arc::ptr_eq(&scene.model, model)) {
            return;
        }
        if let Some(scene) = &mut self.scene
            && *scene.model == **model
        {
            scene.model = Arc::clone(model);
            return;
        }
        let before: Option<&Layout> = self.scene.as_ref().map(|scene| &scene.layout);
        let first = before.is_none_or(|before| before.nodes.is_empty());
        let widths = &mut self.widths;
        if widths.len() > 20_000 {
            widths.clear();
        }
        let mut measure = |text: &str, face: Face| {
            if let Some(width) = widths.get(&(text.to_owned(), face)) {
                return *width;
            }
            let width = ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font(face, 1.0), egui::Color32::PLACEHOLDER).size().x);
            widths.insert((text.to_owned(), face), width);
            width
        };
        let layout = layout::lay_out(model, before, &mut measure);
        let scene = Scene::new(Arc::clone(model), layout);
        self.stops = walk::tab_order(&scene);
        self.scene = Some(scene);
        self.hovered_node = None;
        self.hovered_edge = None;
        self.connected = None;
        self.selected = None;
        self.generation += 1;
        if first && !model.nodes.is_empty() {
            self.fit = Some(Fit::Opening);
        }
    }

    fn select(&mut self, selected: Option<&str>) {
        if self.selected.as_deref() != selected || (selected.is_some() && self.connected.is_none()) {
            self.selected = selected.map(str::to_owned);
            self.connected = selected.and_then(|id| self.scene.as_ref()?.connected(id));
        }
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
            hovered_node: self.hovered_node,
            hovered_edge: self.hovered_edge,
            focused,
        };
        let touched = self.touched(ui, background);
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
        let (moved, pressed) = ui.input(|input| {
            let pointer = &input.pointer;
            (pointer.delta() != Vec2::ZERO, pointer.any_pressed() || pointer.any_released() || pointer.any_click())
        });
        let over = response.contains_pointer();
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
        let Some(scene) = &mut self.scene else { return ui.interact(viewport, background, Sense::click_and_drag()) };
        let (connected, selected) = (self.connected.as_ref(), self.selected.as_deref());
        let selected_node = selected.and_then(|id| scene.node(id));
        let group = selected.and_then(|id| scene.group(id));
        let (hovered_node, hovered_edge) = (self.hovered_node, self.hovered_edge);
        let links = scene.links.clone();
        let model = Arc::clone(&scene.model);
        let crowded = links.len() > CROWDED;
        let touches = |edge: usize, node: Option<usize>| {
            node.is_some() && links[edge].is_some_and(|(from, to)| Some(from) == node || Some(to) == node)
        };
        scene.set_looks(
            |node| NodeLook {
                dimmed: connected.is_some_and(|connected| !connected.nodes[node]) && hovered_node != Some(node),
                selected: selected_node == Some(node),
                hovered: hovered_node == Some(node),
                focused: focused == Some(Stop::Node(node)),
                fonts,
            },
            |edge| {
                let lit = hovered_edge == Some(edge) || touches(edge, hovered_node);
                let dimmed = !lit && connected.is_some_and(|connected| !connected.edges[edge]);
                let quiet = matches!(model.edges[edge].tone, Tone::Plain | Tone::Allowed | Tone::Depends);
                let faint = crowded && !lit && (dimmed || (quiet && connected.is_none()));
                EdgeLook { dimmed, lit, faint }
            },
        );
        let labelled = (0..links.len())
            .filter(|edge| hovered_edge == Some(*edge))
            .chain((0..links.len()).filter(|edge| touches(*edge, hovered_node)))
            .chain((0..links.len()).filter(|edge| touches(*edge, selected_node) || selected == Some(scene.model.edges[*edge].id.as_str())));
        let mut labels: Vec<usize> = Vec::new();
        for edge in labelled {
            if !labels.contains(&edge) {
                labels.push(edge);
            }
        }
        let focused_group = focused.and_then(|stop| if let Stop::Group(group) = stop { Some(group) } else { None });
        let focus = Focus { connected, group, focused_group, labelled: labels };

        let camera = self.camera;
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
        // It would hide a part of the picture that nobody has moved out of sight.
        if let Some(rect) = overlay::minimap_rect(viewport, camera, scene.layout.bounds).filter(|_| self.held) {
            overlay::minimap(ui, viewport, camera, scene, rect);
        }

        self.take_up(ui, viewport, &shown, events);
        shown.response
    }

    /// Turns what happened on the graph into events, and notes what is under the pointer.
    fn take_up(&mut self, ui: &Ui, viewport: Rect, shown: &Shown, events: &mut Vec<MapEvent>) {
        let Some(scene) = &self.scene else { return };
        let response = &shown.response;
        let mut hit = false;
        for change in &shown.changes {
            match *change {
                GraphChange::NodeClicked { node } => {
                    if let Some(node) = scene.node_of(node) {
                        hit = true;
                        events.push(MapEvent::Select(Some(scene.model.nodes[node].id.clone())));
                        ui.memory_mut(|memory| memory.request_focus(stop_id(ui, scene, Stop::Node(node))));
                    }
                }
                GraphChange::NodeDoubleClicked { node } => {
                    if let Some(node) = scene.node_of(node) {
                        hit = true;
                        events.push(MapEvent::Open(scene.model.nodes[node].id.clone()));
                    }
                }
                GraphChange::EdgeClicked { edge } => {
                    if let Some(edge) = scene.edge_of(edge) {
                        hit = true;
                        events.push(MapEvent::Edge(scene.model.edges[edge].id.clone()));
                    }
                }
                _ => {}
            }
        }
        let on_stage = response.interact_pointer_pos().is_some_and(|at| Camera::stage(viewport).contains(at));
        if response.clicked() && !response.double_clicked() && !hit && on_stage && self.selected.is_some() {
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
