//! What was put aside: workloads, pods and namespaces stay where they are without their connections; everything else leaves the map.
//!
//! Ways are left out before anything is folded or added up, so that what remains says nothing of them.

use std::collections::BTreeSet;

use portolan_core::ObjectKey;
use portolan_core::ports::PortSet;
use portolan_core::text::count;

use super::doors::Door;
use super::{Builder, Scene};
use crate::map::model::{Id, Node, NodeKind};
use crate::view_model::{AsideRow, ids};

/// Whether something that is no workload is put aside, and not on the map. Whoever selects something wants to see it.
pub fn is_out(scene: &Scene<'_>, id: &str) -> bool {
    scene.aside.contains(id) && scene.selected != Some(id)
}

/// What is left out of the picture with something that is put aside.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftOut {
    /// What it is called, where it has no node.
    title: String,
    /// The ports of the connections.
    pub(super) ports: PortSet,
    /// How many connections between workloads.
    pub(super) n: usize,
    /// Connections to or from what lies outside, by their ends.
    outside: BTreeSet<(Id, Id)>,
    /// Ways in, by their ids.
    ways_in: BTreeSet<Id>,
}

impl LeftOut {
    /// `53/UDP, 53/TCP, 24 connections`, `3 ways in`
    fn fact(&self) -> String {
        let n = self.n + self.outside.len();
        let mut parts = Vec::new();
        if !self.ports.is_empty() {
            parts.push(self.ports.to_string());
        }
        if n > 0 || self.ways_in.is_empty() {
            parts.push(count(n, "connection", "connections"));
        }
        if !self.ways_in.is_empty() {
            parts.push(count(self.ways_in.len(), "way in", "ways in"));
        }
        parts.join(", ")
    }
}

impl Builder<'_> {
    /// Leaves out a connection to or from what lies outside.
    pub(super) fn leave_connection(&mut self, id: &str, title: &str, (from, to): (&str, &str), ports: &PortSet) {
        let left = self.left(id, title);
        left.ports = left.ports.union(ports);
        left.outside.insert((from.to_owned(), to.to_owned()));
    }

    /// Leaves out a way in.
    pub(super) fn leave_way_in(&mut self, id: &str, title: &str, path: &str) {
        self.left(id, title).ways_in.insert(path.to_owned());
    }

    fn left(&mut self, id: &str, title: &str) -> &mut LeftOut {
        let left = self.left_out.entry(id.to_owned()).or_default();
        if left.title.is_empty() {
            title.clone_into(&mut left.title);
        }
        left
    }

    /// Leaves out a door with all of its ways.
    pub(super) fn leave_door(&mut self, door: &Door<'_>) {
        for path in &door.paths {
            self.leave_way_in(&door.id, &door.title, &path.id);
        }
    }

    /// The id and the name by which a Service is put aside: by itself, or with others of its namespace that have no nodes.
    pub(super) fn service_out(&self, key: &ObjectKey) -> Option<(Id, String)> {
        let own = ids::service(key);
        if is_out(self.scene, &own) {
            return Some((own, key.path()));
        }
        let id = self.folding.service(key);
        (id != own && is_out(self.scene, &id)).then(|| (id, format!("more Services of {}", key.namespace)))
    }

    /// Whether the ways between a node of workloads and another end are left out: it was put aside by hand, and neither is looked at. What
    /// is put aside as noisy keeps them: that everybody talks to it says nothing of who gets in.
    pub(super) fn leaves_ways(&self, node: &Id, other: &str) -> bool {
        self.by_hand.contains(node) && self.focus.as_ref() != Some(node) && self.scene.selected != Some(other)
    }

    /// What is put aside, each with what is left out: what is on the map, what left it, and what has no place in this picture.
    pub(super) fn aside_rows(&self) -> Vec<AsideRow> {
        let all: BTreeSet<&Id> = self.aside.iter().chain(self.scene.aside).collect();
        let row = |id: &Id| {
            let left = self.left_out.get(id);
            let node = self.nodes.get(id);
            let title = match (node, left.filter(|left| !left.title.is_empty())) {
                (Some(node), _) => title_of(node),
                (None, Some(left)) => left.title.clone(),
                (None, None) => title_of_id(id),
            };
            let fact = match (node, left) {
                (_, Some(left)) => left.fact(),
                (Some(_), None) => LeftOut::default().fact(),
                (None, None) => "not in this picture".to_owned(),
            };
            AsideRow { id: id.clone(), title, fact }
        };
        all.into_iter().map(row).collect()
    }
}

/// The name of a node without the word for what it is.
pub(super) fn title_of(node: &Node) -> String {
    match node.kind {
        NodeKind::More => node.name.clone(),
        NodeKind::WayOut | NodeKind::MissingService => node.title.clone(),
        _ => node.name.split_once(' ').map_or(node.title.as_str(), |(_, path)| path).to_owned(),
    }
}

fn title_of_id(id: &str) -> String {
    if id == ids::OUTSIDE {
        return "Internet".to_owned();
    }
    let name = id.split_once('/').map_or(id, |(_, name)| name);
    // Of a workload, its kind stands between its namespace and its name.
    match (id.starts_with("workload/"), name.splitn(3, '/').collect::<Vec<_>>().as_slice()) {
        (true, [namespace, _, name]) => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}
