//! What is connected to the selection: near it, a step further, or on the ways from and to the outside.

use super::action::Reach;
use super::model::{Lane, MapModel};
use super::scene::Scene;

/// What stays lit: true for each node and edge of the model that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// For each node.
    pub nodes: Vec<bool>,
    /// For each edge.
    pub edges: Vec<bool>,
}

impl Connected {
    fn nothing(model: &MapModel) -> Self {
        Self { nodes: vec![false; model.nodes.len()], edges: vec![false; model.edges.len()] }
    }

    /// Adds what another has.
    fn join(&mut self, other: &Self) {
        for (own, other) in self.nodes.iter_mut().zip(&other.nodes).chain(self.edges.iter_mut().zip(&other.edges)) {
            *own |= other;
        }
    }
}

/// What is connected to what is selected and to what is pinned, within `reach`. None when nothing of it is on the map.
pub fn connected(scene: &Scene, selected: Option<&str>, reach: Reach) -> Option<Connected> {
    let mut all = of_id(scene, selected?, reach)?;
    for node in scene.model.nodes.iter().filter(|node| node.pinned) {
        if let Some(pinned) = of_id(scene, &node.id, reach) {
            all.join(&pinned);
        }
    }
    Some(all)
}

/// What is connected to `id`.
fn of_id(scene: &Scene, id: &str, reach: Reach) -> Option<Connected> {
    let model = &scene.model;
    let mut found = Connected::nothing(model);
    if let Some(way) = model.ways.iter().find(|way| way.id == id) {
        for id in &way.nodes {
            scene.node(id).into_iter().for_each(|node| found.nodes[node] = true);
        }
        for id in &way.edges {
            scene.edge(id).into_iter().for_each(|edge| found.edges[edge] = true);
        }
        return Some(found);
    }
    let starts: Vec<usize> = match (scene.node(id), scene.group(id)) {
        (Some(node), _) => vec![node],
        (None, Some(group)) => scene.members(group).collect(),
        (None, None) => {
            let edge = scene.edge(id)?;
            let (from, to) = scene.links[edge]?;
            found.edges[edge] = true;
            found.nodes[from] = true;
            found.nodes[to] = true;
            return Some(found);
        }
    };
    let mut walk = Walk { scene, found };
    for start in &starts {
        walk.found.nodes[*start] = true;
    }
    match reach {
        Reach::Direct => walk.step_from(&starts),
        Reach::TwoHops => {
            walk.step_from(&starts);
            let next: Vec<usize> = (0..model.nodes.len()).filter(|node| walk.found.nodes[*node] && !starts.contains(node)).collect();
            walk.step_from(&next);
        }
        Reach::Outside => walk.step_outside(&starts),
    }
    walk.follow(&starts, |(from, to)| (to, from));
    walk.follow(&starts, |(from, to)| (from, to));
    walk.follow_out();
    Some(walk.found)
}

/// What was found so far, on the way.
struct Walk<'a> {
    scene: &'a Scene,
    found: Connected,
}

impl Walk<'_> {
    fn light(&mut self, edge: usize) {
        if let Some((from, to)) = self.scene.links[edge] {
            self.found.edges[edge] = true;
            self.found.nodes[from] = true;
            self.found.nodes[to] = true;
        }
    }

    /// Everything that touches these nodes.
    fn step_from(&mut self, nodes: &[usize]) {
        let scene = self.scene;
        for node in nodes {
            scene.touching(*node).for_each(|edge| self.light(edge));
        }
    }

    /// What leads from these nodes out of the cluster, or from others to them where they are outside themselves.
    fn step_outside(&mut self, nodes: &[usize]) {
        let scene = self.scene;
        for edge in nodes.iter().flat_map(|node| scene.touching(*node)) {
            if scene.links[edge].is_some_and(|(_, to)| scene.model.nodes[to].lane > Lane::Workloads) {
                self.light(edge);
            }
        }
    }

    /// Goes on through gateways on the way out that nobody else leaves by: where a shared one leads, others may be going.
    fn follow_out(&mut self) {
        let scene = self.scene;
        for node in 0..scene.model.nodes.len() {
            if !self.found.nodes[node] || scene.model.nodes[node].lane != Lane::Exits {
                continue;
            }
            let (entering, leaving): (Vec<usize>, Vec<usize>) =
                scene.touching(node).partition(|edge| scene.links[*edge].is_some_and(|(_, to)| to == node));
            if entering.len() == 1 {
                leaving.into_iter().for_each(|edge| self.light(edge));
            }
        }
    }

    /// Follows entry paths from `starts`, against or along the edges as `turn` has it, and marks what is on them. Only what leads to a
    /// workload is followed, not what workloads lead to.
    fn follow(&mut self, starts: &[usize], turn: impl Fn((usize, usize)) -> (usize, usize)) {
        let scene = self.scene;
        let mut reached = starts.to_vec();
        let mut seen = vec![false; scene.model.nodes.len()];
        while let Some(node) = reached.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            for edge in scene.touching(node) {
                let Some(link) = scene.links[edge] else { continue };
                let (own, other) = turn(link);
                if own == node && scene.model.nodes[link.0].lane < Lane::Workloads {
                    self.light(edge);
                    reached.push(other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::layout::lay_out;
    use super::super::model::{Edge, Node, NodeKind, Tone, Way};
    use super::*;

    fn node(id: &str, lane: Lane) -> Node {
        Node::new(id, lane, NodeKind::Workload, id, id)
    }

    fn edge(from: &str, to: &str) -> Edge {
        Edge::new(format!("{from}>{to}"), from, to, Tone::Allowed, "")
    }

    fn scene(model: MapModel) -> Scene {
        let layout = lay_out(&model, None, &mut |text, _| text.len() as f32 * 6.0);
        Scene::new(Arc::new(model), Arc::new(layout), egui::Id::NULL)
    }

    /// a > b > c > d, and d > out.
    fn chain() -> Scene {
        let nodes = ["a", "b", "c", "d"].map(|id| node(id, Lane::Workloads)).into_iter().chain([node("out", Lane::Destinations)]).collect();
        scene(MapModel { nodes, edges: vec![edge("a", "b"), edge("b", "c"), edge("c", "d"), edge("d", "out")], ..MapModel::default() })
    }

    fn names(scene: &Scene, connected: &Connected) -> String {
        scene
            .model
            .nodes
            .iter()
            .zip(&connected.nodes)
            .filter(|(_, lit)| **lit)
            .map(|(node, _)| node.id.as_str())
            .collect::<Vec<_>>()
            .join(" ")
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
        let found = connected(&scene, Some("request/x"), Reach::Direct).unwrap();
        assert_eq!((found.nodes, found.edges), (vec![true, true, false], vec![true, false]));
        assert_eq!(connected(&scene, Some("request/y"), Reach::Direct), None);
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
        let found = connected(&scene(MapModel { nodes, edges, ..MapModel::default() }), Some("own"), Reach::Direct).unwrap();
        assert_eq!(found.nodes, [true, false, true, true, true, false]);
        assert_eq!(found.edges, [true, true, true, false, false]);
    }

    #[test]
    fn two_steps_reach_further_than_one_and_the_outside_is_all_that_is_asked_for() {
        let scene = chain();
        let lit = |id: &str, reach| names(&scene, &connected(&scene, Some(id), reach).unwrap());
        assert_eq!(lit("b", Reach::Direct), "a b c");
        assert_eq!(lit("b", Reach::TwoHops), "a b c d");
        assert_eq!(lit("b", Reach::Outside), "b");
        assert_eq!(lit("d", Reach::Outside), "d out");
        assert_eq!(lit("out", Reach::Outside), "d out");
    }

    #[test]
    fn what_is_pinned_stays_lit_with_what_it_is_connected_to() {
        let mut model = (*chain().model).clone();
        model.nodes[3].pinned = true;
        let scene = scene(model);
        assert_eq!(names(&scene, &connected(&scene, Some("a"), Reach::Direct).unwrap()), "a b c d out");
        assert_eq!(connected(&scene, None, Reach::Direct), None, "without a selection everything is lit");
    }
}
