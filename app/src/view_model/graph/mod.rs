//! The map's model: entries, Services, workloads and destinations, folded where asked, with what the sketch gains and loses.

mod connections;
pub mod doors;
mod egress;
mod entries;

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, Difference};
use portolan_core::inventory::{PodId, Workload};
use portolan_core::peer::Peer;
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::text::count;

use super::ids;
use super::namespaces::workload_fact;
use super::request::Asked;
use crate::command::{PolicyFilter, ShowOptions};
use crate::map::model::{Edge, Group, Id, Lane, MapModel, Node, Outline, Tone};

pub use doors::door_id;

/// What the map is made from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Without the edits.
    pub base: &'a Analysis,
    /// With them.
    pub edited: &'a Analysis,
    /// What they change.
    pub difference: &'a Difference,
    /// What to show.
    pub show: ShowOptions,
    /// Which namespaces are shown workload by workload, by id.
    pub unfolded: &'a dyn Fn(&str) -> bool,
    /// What is selected.
    pub selected: Option<&'a str>,
}

/// Builds the model.
pub fn model(scene: &Scene<'_>) -> MapModel {
    let asked = scene.selected.and_then(|id| Asked::of_id(scene.edited, id));
    let mut builder = Builder {
        scene,
        asked,
        nodes: BTreeMap::new(),
        names: BTreeSet::new(),
        edges: BTreeMap::new(),
        order: Vec::new(),
        meant: BTreeSet::new(),
    };
    builder.workloads();
    if scene.show.entry_paths {
        builder.entries(scene.edited, scene.base);
    }
    builder.external_names();
    if scene.show.egress {
        builder.egress();
        builder.domains();
    }
    builder.connections();
    builder.put_aside();
    let asked = builder.asked.take();
    let mut model = builder.finish();
    // A request is no node: what it passes lights up in its stead.
    model.ways.extend(asked.and_then(|asked| asked.way(scene.edited, &model, scene.unfolded)));
    model
}

/// Edges of one pair of nodes with the same standing are one edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeKey {
    from: Id,
    to: Id,
    /// 0 as it is, 1 gained, 2 lost, 3 a way in that is denied.
    standing: u8,
}

#[derive(Debug, Clone)]
struct EdgeValue {
    tone: Tone,
    ports: PortSet,
    text: String,
    n: usize,
}

struct Builder<'a> {
    scene: &'a Scene<'a>,
    /// The request that is selected.
    asked: Option<Asked>,
    nodes: BTreeMap<Id, Node>,
    /// The names of doors.
    names: BTreeSet<String>,
    /// Ids in the order in which nodes were added.
    order: Vec<Id>,
    edges: BTreeMap<EdgeKey, EdgeValue>,
    /// The workloads, and namespaces with workloads, whose policies are as the filter asks for.
    meant: BTreeSet<Id>,
}

impl Builder<'_> {
    fn add(&mut self, node: Node) {
        if !self.nodes.contains_key(&node.id) {
            self.order.push(node.id.clone());
            self.nodes.insert(node.id.clone(), node);
        }
    }

    fn edge(&mut self, from: &str, to: &str, standing: u8, tone: Tone, ports: &PortSet, text: &str) {
        if from == to || !self.nodes.contains_key(from) || !self.nodes.contains_key(to) {
            return;
        }
        let key = EdgeKey { from: from.to_owned(), to: to.to_owned(), standing };
        let value = self.edges.entry(key).or_insert_with(|| EdgeValue { tone, ports: PortSet::none(), text: text.to_owned(), n: 0 });
        // Shares of several rules are no share of the edge.
        if value.text != text {
            value.text.clear();
        }
        // The worse state shows: open before depends before allowed.
        value.tone = value.tone.max(tone);
        value.ports = value.ports.union(ports);
        value.n += 1;
    }

    /// The node that stands for a workload: its own, or that of its folded namespace.
    fn node_of(&self, workload: &Workload) -> Id {
        let namespace = ids::namespace(&workload.namespace);
        if (self.scene.unfolded)(&namespace) { ids::workload(workload) } else { namespace }
    }

    fn node_of_peer(&self, peer: &Peer) -> Option<Id> {
        let Peer::Workload { namespace, name, workload } = peer else { return None };
        let id = ids::namespace(namespace);
        if !(self.scene.unfolded)(&id) {
            return Some(id);
        }
        Some(format!("workload/{namespace}/{workload}/{name}"))
    }

    fn workloads(&mut self) {
        for analysis in [self.scene.edited, self.scene.base] {
            let inventory = analysis.inventory();
            for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
                if is_meant(analysis, workload, self.scene.show.policies) {
                    self.meant.insert(self.node_of(workload));
                }
                let namespace = ids::namespace(&workload.namespace);
                if (self.scene.unfolded)(&namespace) {
                    self.add(Node {
                        id: ids::workload(workload),
                        lane: Lane::Workloads,
                        group: Some(namespace),
                        outline: Outline::Box,
                        title: workload.name.to_string(),
                        fact: workload_fact(analysis, workload),
                        name: format!("workload {}", workload.path()),
                        tone: Tone::Plain,
                    });
                } else if !self.nodes.contains_key(&namespace) {
                    let fact = namespace_fact(analysis, &workload.namespace);
                    self.add(namespace_node(&workload.namespace, fact));
                }
            }
        }
    }

    /// Leaves of the picture what the filter of policies asks for: the workloads that they are for, what those connect to, and the ways
    /// that lead there from outside.
    fn put_aside(&mut self) {
        if self.scene.show.policies == PolicyFilter::All {
            return;
        }
        // Whoever selects something wants to see it, whatever the filter says.
        let selected = self.scene.selected.filter(|id| self.nodes.contains_key(*id)).map(str::to_owned);
        self.meant.extend(selected);
        let lane = |id: &Id| self.nodes.get(id).map(|node| node.lane);
        let ends = || self.edges.keys().map(|edge| (&edge.from, &edge.to));
        let mut kept = self.meant.clone();
        for (from, to) in ends() {
            if self.meant.contains(from) {
                kept.insert(to.clone());
            }
            if self.meant.contains(to) {
                kept.insert(from.clone());
            }
        }
        // Ways go on on both sides: gateways lead to destinations, and Services stand behind entries.
        let onward: Vec<Id> =
            ends().filter(|(from, _)| lane(from) == Some(Lane::Exits) && kept.contains(*from)).map(|(_, to)| to.clone()).collect();
        kept.extend(onward);
        for before in [Lane::Services, Lane::Entry] {
            let back: Vec<Id> =
                ends().filter(|(_, to)| lane(to) == Some(before) && kept.contains(*to)).map(|(from, _)| from.clone()).collect();
            kept.extend(back);
        }
        let is_between_others = |edge: &EdgeKey| {
            let is_workload = |id| lane(id) == Some(Lane::Workloads);
            !self.meant.contains(&edge.from) && !self.meant.contains(&edge.to) && (is_workload(&edge.from) || is_workload(&edge.to))
        };
        let edges: BTreeSet<EdgeKey> = self
            .edges
            .keys()
            .filter(|edge| kept.contains(&edge.from) && kept.contains(&edge.to) && !is_between_others(edge))
            .cloned()
            .collect();
        self.edges.retain(|edge, _| edges.contains(edge));
        self.nodes.retain(|id, _| kept.contains(id));
    }

    fn finish(self) -> MapModel {
        let Builder { scene, mut nodes, order, edges, .. } = self;
        let mut model = MapModel::default();
        for (key, value) in edges {
            let label = match (value.text.is_empty(), value.ports.is_empty()) {
                (false, _) => value.text,
                (true, true) => String::new(),
                (true, false) if value.n > 1 => format!("{} ({} connections)", value.ports, value.n),
                (true, false) => value.ports.to_string(),
            };
            let standing = ["", "/gained", "/lost", "/denied"].get(usize::from(key.standing)).unwrap_or(&"");
            let id = format!("edge/{}>{}{standing}", key.from, key.to);
            model.edges.push(Edge { id, from: key.from, to: key.to, tone: value.tone, label });
        }
        let mut groups: BTreeSet<Id> = BTreeSet::new();
        for id in order {
            if let Some(node) = nodes.remove(&id) {
                groups.extend(node.group.clone());
                model.nodes.push(node);
            }
        }
        for id in groups {
            let name = id.trim_start_matches("namespace/").to_owned();
            let fact = namespace_fact(scene.edited, &name);
            model.groups.push(Group { id, name: format!("namespace {name}"), title: name, fact });
        }
        model
    }
}

/// Whether a workload has policies as the filter asks for.
fn is_meant(analysis: &Analysis, workload: &Workload, filter: PolicyFilter) -> bool {
    let has_dialect = |pod: PodId, dialect: &str| {
        let keys = Direction::ALL.into_iter().flat_map(|direction| analysis.policies_selecting(pod, direction));
        keys.into_iter().any(|key| key.kind.dialect() == Some(dialect))
    };
    match filter {
        PolicyFilter::All => true,
        PolicyFilter::Dialect(dialect) => workload.pods.iter().any(|pod| has_dialect(*pod, dialect)),
        PolicyFilter::Plane(plane) => workload.pods.iter().any(|pod| analysis.planes_selecting(*pod).contains(plane)),
    }
}

/// A folded namespace.
fn namespace_node(name: &str, fact: String) -> Node {
    Node {
        id: ids::namespace(name),
        lane: Lane::Workloads,
        group: None,
        outline: Outline::Box,
        title: name.to_owned(),
        fact,
        name: format!("namespace {name}"),
        tone: Tone::Plain,
    }
}

/// `14 workloads, 64 pods`
fn namespace_fact(analysis: &Analysis, namespace: &str) -> String {
    let workloads =
        || analysis.inventory().workloads.iter().filter(|workload| workload.namespace == namespace && !workload.pods.is_empty());
    let n_pods = workloads().map(|workload| workload.pods.len()).sum();
    format!("{}, {}", count(workloads().count(), "workload", "workloads"), count(n_pods, "pod", "pods"))
}
