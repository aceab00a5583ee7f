//! The model in its places, as the graph that egui_graphs shows: what is connected to what, and what looks how at the moment.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Id, Pos2, Rect, Vec2};
use egui_graphs::Graph;
use petgraph::Directed;
use petgraph::graph::NodeIndex;
use petgraph::stable_graph::DefaultIx;

use super::edge::{EdgeLook, EdgePayload, EdgeShape};
use super::layout::Layout;
use super::model::{MapModel, Tone};
use super::motion::Motion;
use super::node::{NodeArt, NodeLook, NodePayload, NodeShape};
use super::walk::{self, Stop};

/// The graph that egui_graphs shows.
pub type MapGraph = Graph<NodePayload, EdgePayload, Directed, DefaultIx, NodeShape, EdgeShape>;

/// From this many edges on, they are drawn together and not one by one by egui_graphs, which takes its time for each.
pub const CROWD: usize = 240;

/// A model in its places.
pub struct Scene {
    /// What is shown.
    pub model: Arc<MapModel>,
    /// Where it is shown.
    pub layout: Arc<Layout>,
    /// As egui_graphs shows it: all nodes, and the edges where they are few.
    pub graph: MapGraph,
    /// The ends of each edge of the model, as places in `model.nodes`.
    pub links: Arc<[Option<(usize, usize)>]>,
    /// Everything that can have the keyboard's focus, in the order of the Tab key.
    pub stops: Vec<Stop>,
    /// The edges in the order in which they are drawn: what matters more lies above.
    pub drawn: Vec<usize>,
    /// What is on its way to its place.
    pub motion: Option<Motion>,
    touching: Vec<Vec<u32>>,
    members: Vec<Vec<u32>>,
    ids: Vec<Id>,
    stop_ids: HashMap<Id, Stop>,
    node_at: HashMap<String, usize>,
    edge_at: HashMap<String, usize>,
    group_at: HashMap<String, usize>,
    base: Id,
}

impl Scene {
    /// Builds the graph of a model and its layout. The ids of its widgets are below `base`.
    pub fn new(model: Arc<MapModel>, layout: Arc<Layout>, base: Id) -> Self {
        let mut graph = MapGraph::new();
        let nodes: Vec<NodeIndex> = model
            .nodes
            .iter()
            .zip(&layout.nodes)
            .map(|(node, placed)| {
                let art = NodeArt {
                    outline: node.outline(),
                    size: placed.rect.size(),
                    title: placed.title.clone(),
                    fact: placed.fact.clone(),
                    tone: node.tone,
                    boxed: node.group.is_some(),
                    aside: node.aside,
                    pinned: node.pinned,
                };
                let payload = NodePayload { art: Arc::new(art), look: NodeLook::default() };
                graph.add_node_custom(payload, |shown| shown.set_location(placed.rect.center()))
            })
            .collect();
        let places = |ids: &mut dyn Iterator<Item = &String>| ids.enumerate().map(|(at, id)| (id.clone(), at)).collect();
        let node_at: HashMap<String, usize> = places(&mut model.nodes.iter().map(|node| &node.id));
        let edge_at: HashMap<String, usize> = places(&mut model.edges.iter().map(|edge| &edge.id));
        let group_at: HashMap<String, usize> = places(&mut model.groups.iter().map(|group| &group.id));
        let links: Arc<[Option<(usize, usize)>]> =
            model.edges.iter().map(|edge| Some((*node_at.get(&edge.from)?, *node_at.get(&edge.to)?))).collect();
        let mut touching = vec![Vec::new(); model.nodes.len()];
        for (edge, link) in links.iter().enumerate() {
            let Some((from, to)) = *link else { continue };
            touching[from].push(edge as u32);
            if to != from {
                touching[to].push(edge as u32);
            }
        }
        let mut members = vec![Vec::new(); model.groups.len()];
        for (at, node) in model.nodes.iter().enumerate() {
            if let Some(group) = node.group.as_ref().and_then(|group| group_at.get(group)) {
                members[*group].push(at as u32);
            }
        }
        let mut drawn: Vec<usize> =
            (0..model.edges.len()).filter(|edge| links[*edge].is_some() && layout.routes[*edge].is_some()).collect();
        drawn.sort_by_key(|edge| rank(model.edges[*edge].tone));
        if drawn.len() < CROWD {
            for edge in &drawn {
                if let (Some((from, to)), Some(route)) = (links[*edge], &layout.routes[*edge]) {
                    let line = super::edge::Line { route: Arc::new(route.clone()), shift: (Vec2::ZERO, Vec2::ZERO) };
                    let of = &model.edges[*edge];
                    let payload = EdgePayload { line, tone: of.tone, extent: of.extent, look: EdgeLook::default() };
                    graph.add_edge_custom(nodes[from], nodes[to], payload, |_| {});
                }
            }
        }
        let stops = walk::tab_order(&model, &layout);
        let mut scene = Self {
            ids: Vec::new(),
            stop_ids: HashMap::new(),
            model,
            layout,
            graph,
            links,
            stops,
            drawn,
            motion: None,
            touching,
            members,
            node_at,
            edge_at,
            group_at,
            base,
        };
        scene.ids = scene.stops.iter().map(|stop| scene.stop_id(*stop)).collect();
        scene.stop_ids = scene.ids.iter().copied().zip(scene.stops.iter().copied()).collect();
        scene
    }

    /// The node of the model with this id.
    pub fn node(&self, id: &str) -> Option<usize> {
        self.node_at.get(id).copied()
    }

    /// The edge of the model with this id.
    pub fn edge(&self, id: &str) -> Option<usize> {
        self.edge_at.get(id).copied()
    }

    /// The group of the model with this id, if it has a box.
    pub fn group(&self, id: &str) -> Option<usize> {
        self.group_at.get(id).copied().filter(|group| self.layout.groups[*group].is_some())
    }

    /// The nodes in the box of a group.
    pub fn members(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.members[group].iter().map(|node| *node as usize)
    }

    /// The edges that begin or end at a node.
    pub fn touching(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.touching[node].iter().map(|edge| *edge as usize)
    }

    /// The node of the model that the graph knows under `index`.
    pub fn node_of(&self, index: NodeIndex) -> Option<usize> {
        // Nodes are added in the order of the model, and none is taken away.
        Some(index.index()).filter(|node| *node < self.model.nodes.len())
    }

    /// Whether the edges are drawn together.
    pub fn is_crowded(&self) -> bool {
        self.drawn.len() >= CROWD
    }

    /// Where a node is at the moment.
    pub fn rect(&self, node: usize) -> Rect {
        let rect = self.layout.nodes[node].rect;
        self.motion.as_ref().map_or(rect, |motion| rect.translate(motion.offset(node)))
    }

    /// Where the box of a group is at the moment, if it has one.
    pub fn group_rect(&self, group: usize) -> Option<Rect> {
        let rect = self.layout.groups[group].as_ref()?.rect;
        Some(self.motion.as_ref().map_or(rect, |motion| motion.group(group, rect)))
    }

    /// How far the ends of an edge are from their places.
    pub fn shift(&self, edge: usize) -> (Vec2, Vec2) {
        match (&self.motion, self.links[edge]) {
            (Some(motion), Some((from, to))) => (motion.offset(from), motion.offset(to)),
            _ => (Vec2::ZERO, Vec2::ZERO),
        }
    }

    /// Whether an end of an edge is on its way to its place.
    pub fn is_moving(&self, edge: usize) -> bool {
        let (from, to) = self.shift(edge);
        from != Vec2::ZERO || to != Vec2::ZERO
    }

    /// The edge at a point of the picture, the nearest and uppermost.
    pub fn edge_under(&self, point: Pos2) -> Option<usize> {
        let near = self.drawn.iter().filter_map(|edge| {
            let route = self.layout.routes[*edge].as_ref()?;
            if !route.bounds.expand(super::edge::GRIP).contains(point) {
                return None;
            }
            let distance = route.distance(point);
            (distance <= super::edge::GRIP).then_some((*edge, distance))
        });
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(edge, _)| edge)
    }

    /// The widget of a node or a title. Bound to what it stands for, so that the focus stays with it when the model changes.
    pub fn stop_id(&self, stop: Stop) -> Id {
        match stop {
            Stop::Node(node) => self.base.with(("node", &self.model.nodes[node].id)),
            Stop::Group(group) => self.base.with(("group", &self.model.groups[group].id)),
        }
    }

    /// Everything that can have the keyboard's focus, with its widget, in the order of the Tab key.
    pub fn stops_and_ids(&self) -> impl Iterator<Item = (Stop, Id)> + '_ {
        self.stops.iter().copied().zip(self.ids.iter().copied())
    }

    /// The node or title whose widget this is.
    pub fn stop_of(&self, id: Id) -> Option<Stop> {
        self.stop_ids.get(&id).copied()
    }

    /// The id of a node or a title in the model.
    pub fn id_of(&self, stop: Stop) -> &str {
        match stop {
            Stop::Node(node) => &self.model.nodes[node].id,
            Stop::Group(group) => &self.model.groups[group].id,
        }
    }

    /// Where a node, or the box of a title, is at the moment.
    pub fn stop_rect(&self, stop: Stop) -> Option<Rect> {
        match stop {
            Stop::Node(node) => (node < self.model.nodes.len()).then(|| self.rect(node)),
            Stop::Group(group) => self.group_rect(group),
        }
    }

    /// What folds or unfolds where a node or a title is asked to: itself, or else what it folds into.
    pub fn toggle_of(&self, stop: Stop) -> Option<&str> {
        match stop {
            Stop::Node(node) if self.model.nodes[node].unfolds => Some(&self.model.nodes[node].id),
            _ => self.fold_of(stop),
        }
    }

    /// What a node or a title folds into.
    pub fn fold_of(&self, stop: Stop) -> Option<&str> {
        match stop {
            Stop::Node(node) => self.model.nodes[node].folds_into.as_deref(),
            Stop::Group(group) => Some(&self.model.groups[group].id),
        }
    }

    /// Sets how every node looks, and every edge that the graph shows.
    pub fn set_looks(&mut self, node: impl Fn(usize) -> NodeLook, edge: impl Fn(usize) -> EdgeLook) {
        for at in 0..self.model.nodes.len() {
            if let Some(shown) = self.graph.node_mut(NodeIndex::new(at)) {
                let payload = shown.payload_mut();
                payload.look = NodeLook { keeps_text: payload.look.keeps_text, ..node(at) };
            }
        }
        if self.is_crowded() {
            return;
        }
        for (place, at) in self.drawn.iter().enumerate() {
            let shift = match (&self.motion, self.links[*at]) {
                (Some(motion), Some((from, to))) => (motion.offset(from), motion.offset(to)),
                _ => (Vec2::ZERO, Vec2::ZERO),
            };
            if let Some(shown) = self.graph.edge_mut(petgraph::graph::EdgeIndex::new(place)) {
                let payload = shown.payload_mut();
                payload.look = edge(*at);
                payload.line.shift = shift;
            }
        }
    }

    /// Lays out the text of nodes that are seen, of so many at most, and says whether some must wait. Where `in_passing`, only that of
    /// nodes without any.
    pub fn lay_out_texts(&mut self, ctx: &egui::Context, zoom: f32, fonts: u64, seen: Rect, in_passing: bool, most: usize) -> bool {
        let mut n_done = 0;
        let pixels_per_point = ctx.pixels_per_point();
        let mut waits = false;
        for at in 0..self.model.nodes.len() {
            let is_seen = self.rect(at).intersects(seen);
            let Some(node) = self.graph.node_mut(NodeIndex::new(at)) else { continue };
            let has_text = node.display().has_text(zoom, pixels_per_point, fonts);
            let may_wait = in_passing && node.display().has_some_text();
            let is_late = is_seen && !has_text && (may_wait || n_done >= most);
            if is_seen && !has_text && !is_late {
                node.display_mut().lines(ctx, zoom, fonts);
                n_done += 1;
            }
            waits |= is_late;
            node.payload_mut().look.keeps_text = is_late;
        }
        waits
    }

    /// Whether another scene has the same edges in the same places and styles, all of them at rest.
    pub fn has_strokes_of(&self, other: &Self) -> bool {
        let styles = |scene: &Self| scene.model.edges.iter().map(|edge| (edge.tone, edge.extent)).collect::<Vec<_>>();
        self.motion.is_none()
            && other.motion.is_none()
            && self.drawn == other.drawn
            && styles(self) == styles(other)
            && self.layout.routes == other.layout.routes
    }

    /// Takes over text that another scene has laid out, for nodes that look the same.
    pub fn take_texts(&mut self, other: &Self) {
        for (at, node) in self.model.nodes.iter().enumerate() {
            if let Some(before) = other.node(&node.id)
                && let Some(before) = other.graph.node(NodeIndex::new(before))
                && let Some(own) = self.graph.node_mut(NodeIndex::new(at))
            {
                own.display_mut().take_text(before.display());
            }
        }
    }
}

/// What is drawn above what.
pub(super) fn rank(tone: Tone) -> u8 {
    match tone {
        Tone::Plain => 0,
        Tone::Allowed => 1,
        Tone::Depends => 2,
        Tone::Open => 3,
        Tone::Denied => 4,
        Tone::Lost => 5,
        Tone::Gained => 6,
    }
}
