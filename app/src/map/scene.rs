//! The model in its places, as the graph that egui_graphs shows: what is connected to what, and what looks how at the moment.

use std::collections::HashMap;
use std::sync::Arc;

use egui::Vec2;
use egui_graphs::Graph;
use petgraph::Directed;
use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::stable_graph::DefaultIx;

use super::edge::{EdgeLook, EdgePayload, EdgeShape};
use super::layout::Layout;
use super::model::{Lane, MapModel, Tone};
use super::node::{NodeArt, NodeLook, NodePayload, NodeShape};

/// The graph that egui_graphs shows.
pub type MapGraph = Graph<NodePayload, EdgePayload, Directed, DefaultIx, NodeShape, EdgeShape>;

/// A model in its places.
pub struct Scene {
    /// What is shown.
    pub model: Arc<MapModel>,
    /// Where it is shown.
    pub layout: Layout,
    /// As egui_graphs shows it.
    pub graph: MapGraph,
    /// The ends of each edge of the model, as places in `model.nodes`.
    pub links: Vec<Option<(usize, usize)>>,
    nodes: Vec<NodeIndex>,
    edges: Vec<Option<EdgeIndex>>,
    node_at: HashMap<String, usize>,
}

/// What is connected to the selection: true for each node and edge of the model that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// For each node.
    pub nodes: Vec<bool>,
    /// For each edge.
    pub edges: Vec<bool>,
}

impl Scene {
    /// Builds the graph of a model and its layout.
    pub fn new(model: Arc<MapModel>, layout: Layout) -> Self {
        let mut graph = MapGraph::new();
        let nodes: Vec<NodeIndex> = model
            .nodes
            .iter()
            .zip(&layout.nodes)
            .map(|(node, placed)| {
                let art = NodeArt {
                    outline: node.outline,
                    size: placed.rect.size(),
                    title: placed.title.clone(),
                    fact: placed.fact.clone(),
                    tone: node.tone,
                    boxed: node.group.is_some(),
                };
                let payload = NodePayload { art: Arc::new(art), look: NodeLook::default() };
                graph.add_node_custom(payload, |shown| shown.set_location(placed.rect.center()))
            })
            .collect();
        let node_at: HashMap<String, usize> = model.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        let links: Vec<Option<(usize, usize)>> =
            model.edges.iter().map(|edge| Some((*node_at.get(&edge.from)?, *node_at.get(&edge.to)?))).collect();
        // What is added last is drawn last: what matters more lies above.
        let mut order: Vec<usize> = (0..model.edges.len()).collect();
        order.sort_by_key(|edge| rank(model.edges[*edge].tone));
        let mut edges = vec![None; model.edges.len()];
        for edge in order {
            let (Some((from, to)), Some(route)) = (links[edge], &layout.routes[edge]) else { continue };
            let payload = EdgePayload { route: Arc::new(route.clone()), tone: model.edges[edge].tone, look: EdgeLook::default() };
            edges[edge] = Some(graph.add_edge_custom(nodes[from], nodes[to], payload, |_| {}));
        }
        Self { model, layout, graph, links, nodes, edges, node_at }
    }

    /// The node of the model with this id.
    pub fn node(&self, id: &str) -> Option<usize> {
        self.node_at.get(id).copied()
    }

    /// The group of the model with this id, if it has a box.
    pub fn group(&self, id: &str) -> Option<usize> {
        self.model.groups.iter().position(|group| group.id == id).filter(|group| self.layout.groups[*group].is_some())
    }

    /// The node of the model that the graph knows under `index`.
    pub fn node_of(&self, index: NodeIndex) -> Option<usize> {
        self.nodes.iter().position(|other| *other == index)
    }

    /// The edge of the model that the graph knows under `index`.
    pub fn edge_of(&self, index: EdgeIndex) -> Option<usize> {
        self.edges.iter().position(|other| *other == Some(index))
    }

    /// The edge at a point of the picture, the nearest and uppermost.
    pub fn edge_under(&self, point: egui::Pos2) -> Option<usize> {
        let near = (0..self.links.len()).filter_map(|edge| {
            let route = self.layout.routes[edge].as_ref()?;
            if !route.bounds.expand(super::edge::GRIP).contains(point) {
                return None;
            }
            let distance = route.distance(point);
            (distance <= super::edge::GRIP).then_some((edge, distance))
        });
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(edge, _)| edge)
    }

    /// What is connected to `id`: directly, or further up or down the way of a request from outside to a workload. None when nothing
    /// of that id is on the map.
    pub fn connected(&self, id: &str) -> Option<Connected> {
        let mut connected = Connected { nodes: vec![false; self.model.nodes.len()], edges: vec![false; self.links.len()] };
        if let Some(way) = self.model.ways.iter().find(|way| way.id == id) {
            for (node, connected) in self.model.nodes.iter().zip(&mut connected.nodes) {
                *connected = way.nodes.contains(&node.id);
            }
            for (edge, connected) in self.model.edges.iter().zip(&mut connected.edges) {
                *connected = way.edges.contains(&edge.id);
            }
            return Some(connected);
        }
        let starts: Vec<usize> = match (self.node(id), self.group(id)) {
            (Some(node), _) => vec![node],
            (None, Some(_)) => (0..self.model.nodes.len()).filter(|node| self.model.nodes[*node].group.as_deref() == Some(id)).collect(),
            (None, None) => {
                let (from, to) = self.links[self.model.edges.iter().position(|edge| edge.id == id)?]?;
                let edge = self.model.edges.iter().position(|edge| edge.id == id)?;
                connected.edges[edge] = true;
                connected.nodes[from] = true;
                connected.nodes[to] = true;
                return Some(connected);
            }
        };
        for start in &starts {
            connected.nodes[*start] = true;
        }
        for (edge, link) in self.links.iter().enumerate() {
            let Some((from, to)) = *link else { continue };
            if starts.contains(&from) || starts.contains(&to) {
                connected.edges[edge] = true;
                connected.nodes[from] = true;
                connected.nodes[to] = true;
            }
        }
        self.follow(&starts, &mut connected, |(from, to)| (to, from));
        self.follow(&starts, &mut connected, |(from, to)| (from, to));
        self.follow_out(&mut connected);
        Some(connected)
    }

    /// Goes on through gateways on the way out that nobody else leaves by: where a shared one leads, others may be going.
    fn follow_out(&self, connected: &mut Connected) {
        let n_entering = |node: usize| self.links.iter().flatten().filter(|(_, to)| *to == node).count();
        for (edge, link) in self.links.iter().enumerate() {
            let Some((from, to)) = *link else { continue };
            if connected.nodes[from] && self.model.nodes[from].lane == Lane::Exits && n_entering(from) == 1 {
                connected.edges[edge] = true;
                connected.nodes[to] = true;
            }
        }
    }

    /// Follows entry paths from `starts`, against or along the edges as `turn` has it, and marks what is on them. Only what leads to a
    /// workload is followed, not what workloads lead to.
    fn follow(&self, starts: &[usize], connected: &mut Connected, turn: impl Fn((usize, usize)) -> (usize, usize)) {
        let mut reached = starts.to_vec();
        let mut seen = vec![false; self.model.nodes.len()];
        while let Some(node) = reached.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            for (edge, link) in self.links.iter().enumerate() {
                let Some(link) = *link else { continue };
                let (own, other) = turn(link);
                if own == node && self.model.nodes[link.0].lane < Lane::Workloads {
                    connected.edges[edge] = true;
                    connected.nodes[other] = true;
                    reached.push(other);
                }
            }
        }
    }

    /// Sets how every node and edge looks.
    pub fn set_looks(&mut self, node: impl Fn(usize) -> NodeLook, edge: impl Fn(usize) -> EdgeLook) {
        for (at, index) in self.nodes.iter().enumerate() {
            if let Some(shown) = self.graph.node_mut(*index) {
                shown.payload_mut().look = node(at);
            }
        }
        for (at, index) in self.edges.iter().enumerate() {
            if let Some(shown) = index.and_then(|index| self.graph.edge_mut(index)) {
                shown.payload_mut().look = edge(at);
            }
        }
    }

    /// The size of the whole picture.
    pub fn size(&self) -> Vec2 {
        self.layout.bounds.size()
    }
}

/// What is drawn above what.
fn rank(tone: Tone) -> u8 {
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

#[cfg(test)]
mod tests {
    use super::super::layout::lay_out;
    use super::super::model::{Edge, Node, Outline, Way};
    use super::*;

    fn node(id: &str, lane: Lane) -> Node {
        let (id, fact) = (id.to_owned(), String::new());
        Node { title: id.clone(), name: id.clone(), id, lane, group: None, outline: Outline::Box, fact, tone: Tone::Plain }
    }

    fn edge(from: &str, to: &str) -> Edge {
        Edge { id: format!("{from}>{to}"), from: from.to_owned(), to: to.to_owned(), tone: Tone::Allowed, label: String::new() }
    }

    fn scene(model: MapModel) -> Scene {
        let layout = lay_out(&model, None, &mut |text, _| text.len() as f32 * 6.0);
        Scene::new(Arc::new(model), layout)
    }

    #[test]
    fn of_a_way_only_what_is_on_it_is_connected() {
        let way = Way { id: "request/x".to_owned(), nodes: vec!["a".to_owned(), "b".to_owned()], edges: vec!["a>b".to_owned()] };
        let model = MapModel {
            nodes: vec![node("a", Lane::Entry), node("b", Lane::Services), node("c", Lane::Services)],
            edges: vec![edge("a", "b"), edge("a", "c")],
            ways: vec![way],
            ..MapModel::default()
        };
        let scene = scene(model);
        let connected = scene.connected("request/x").unwrap();
        assert_eq!((connected.nodes, connected.edges), (vec![true, true, false], vec![true, false]));
        assert_eq!(scene.connected("request/y"), None);
    }

    #[test]
    fn a_gateway_of_ones_own_is_gone_through_and_a_shared_one_is_not() {
        let nodes = vec![
            node("own", Lane::Workloads),
            node("other", Lane::Workloads),
            node("mine", Lane::Exits),
            node("shared", Lane::Exits),
            node("there", Lane::Destinations),
            node("elsewhere", Lane::Destinations),
        ];
        let edges =
            vec![edge("own", "mine"), edge("mine", "there"), edge("own", "shared"), edge("other", "shared"), edge("shared", "elsewhere")];
        let connected = scene(MapModel { nodes, edges, ..MapModel::default() }).connected("own").unwrap();
        assert_eq!(connected.nodes, [true, false, true, true, true, false]);
        assert_eq!(connected.edges, [true, true, true, false, false]);
    }
}
