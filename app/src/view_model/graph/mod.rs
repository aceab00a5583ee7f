//! The map's model: entries, Services, workloads and destinations, folded where asked, with what the sketch gains and loses.

mod aside;
pub mod connections;
pub mod doors;
mod egress;
mod entries;
pub mod folding;
pub mod narrow;
pub mod unions;

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, Difference};
use portolan_core::inventory::{PodId, Workload};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::text::count;

use super::namespaces::workload_fact;
use super::request::Asked;
use super::told::Told;
use super::{AsideRow, ids};
use crate::command::{PolicyFilter, ShowOptions};
use folding::Folding;

use crate::map::model::{Edge, Extent, Group, Id, Lane, MapModel, Node, NodeKind, Tone};

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
    pub show: &'a ShowOptions,
    /// Which namespaces are shown workload by workload, by id.
    pub unfolded: &'a dyn Fn(&str) -> bool,
    /// What is selected.
    pub selected: Option<&'a str>,
    /// What was put aside by hand, by the ids of nodes.
    pub aside: &'a BTreeSet<Id>,
    /// What would be put aside as noisy, and was brought back.
    pub brought_back: &'a BTreeSet<Id>,
    /// What is pinned, by id.
    pub pinned: &'a BTreeSet<Id>,
}

/// What is worked out of the answers alone, whatever is folded or selected.
pub struct Material {
    told: Told,
    ways: Vec<egress::WayOut>,
    ends: egress::Ends,
}

impl Material {
    /// Works it out, with what is known already of answers that these may follow from.
    pub fn new(base: &Analysis, edited: &Analysis, earlier: Option<Self>) -> Self {
        let ways = egress::ways_out(base, edited);
        let ends = egress::Ends::new(&ways);
        Self { told: Told::new(edited.reachability(), earlier.map(|earlier| earlier.told)), ways, ends }
    }
}

impl Material {
    /// Whom the rules tell apart.
    pub fn told(&self) -> &Told {
        &self.told
    }
}

/// A model, and what else is known once it is made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// The model.
    pub model: MapModel,
    /// The node that stands for what is selected.
    pub focus: Option<Id>,
    /// What is put aside, with what is left out.
    pub aside: Vec<AsideRow>,
}

/// Builds the model.
pub fn model(scene: &Scene<'_>) -> MapModel {
    picture(scene, &Material::new(scene.base, scene.edited, None)).model
}

/// Builds the model from what is worked out.
pub fn picture(scene: &Scene<'_>, material: &Material) -> Picture {
    let asked = scene.selected.and_then(|id| Asked::of_id(scene.edited, id));
    let mut outside = folding::Outside::default();
    if scene.show.entry_paths {
        outside.n_doors = entries::n_doors(scene);
    }
    if scene.show.egress {
        outside.n_exits = material.ends.n_exits(scene);
        outside.n_destinations = material.ends.n_destinations(scene);
    }
    let folding = Folding::new(scene, outside, &connections::connected(scene, &material.told));
    let focus = scene.selected.map(|id| folding.node_of(scene, id));
    let mut builder = Builder {
        scene,
        asked,
        folding,
        focus: focus.clone(),
        filter: narrow::Filter::read(&scene.show.filter),
        aside: BTreeSet::new(),
        by_hand: BTreeSet::new(),
        left_out: BTreeMap::new(),
        nodes: BTreeMap::new(),
        n_folded: BTreeMap::new(),
        names: BTreeSet::new(),
        edges: BTreeMap::new(),
        order: Vec::new(),
        meant: BTreeSet::new(),
        notes: Vec::new(),
    };
    builder.workloads();
    if scene.show.entry_paths {
        builder.entries(scene.edited, scene.base);
    }
    if scene.show.egress {
        builder.ways_out(&material.ways);
    }
    builder.connections(&material.told);
    let aside = builder.aside_rows();
    builder.of_policies();
    builder.narrow();
    let asked = builder.asked.take();
    let folding = builder.folding.clone();
    let is_open = |id: &str| id.strip_prefix("namespace/").is_some_and(|name| folding.is_open(name));
    let mut model = builder.finish();
    // A request is no node: what it passes lights up in its stead.
    model.ways.extend(asked.and_then(|asked| asked.way(scene.edited, &model, &is_open)));
    Picture { model, focus, aside }
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
    extent: Extent,
    /// Where it leads out of the cluster: the workloads behind it, each with each of the ends that it has there, and the ports of these.
    owners: BTreeMap<(Id, Id), PortSet>,
}

impl EdgeValue {
    fn new(tone: Tone, ports: &PortSet, text: &str) -> Self {
        Self { tone, ports: ports.clone(), text: text.to_owned(), n: 0, extent: Extent::All, owners: BTreeMap::new() }
    }
}

/// What one workload adds to an edge that leads out of the cluster.
#[derive(Clone, Copy)]
struct Owned<'a> {
    standing: u8,
    tone: Tone,
    ports: &'a PortSet,
    /// Whether it is so for all of its pods.
    extent: Extent,
    owner: &'a Id,
    end: &'a str,
}

struct Builder<'a> {
    scene: &'a Scene<'a>,
    /// The request that is selected.
    asked: Option<Asked>,
    folding: Folding,
    /// The node that stands for what is selected.
    focus: Option<Id>,
    /// The texts that the map is narrowed by.
    filter: narrow::Filter,
    /// The nodes that are put aside and on the map.
    aside: BTreeSet<Id>,
    /// Those of them that stand for workloads that were put aside by hand, rather than as noisy.
    by_hand: BTreeSet<Id>,
    /// What is left out with what is put aside.
    left_out: BTreeMap<Id, aside::LeftOut>,
    nodes: BTreeMap<Id, Node>,
    /// How many ways out or destinations are in a node of several.
    n_folded: BTreeMap<Id, usize>,
    /// The names of doors.
    names: BTreeSet<String>,
    /// Ids in the order in which nodes were added.
    order: Vec<Id>,
    edges: BTreeMap<EdgeKey, EdgeValue>,
    /// The workloads, and namespaces with workloads, whose policies are as the filter asks for.
    meant: BTreeSet<Id>,
    /// What is to be said of the picture as a whole.
    notes: Vec<String>,
}

impl Builder<'_> {
    fn add(&mut self, node: Node) {
        if !self.nodes.contains_key(&node.id) {
            if self.scene.aside.contains(&node.id) {
                self.aside.insert(node.id.clone());
                if node.lane == Lane::Workloads {
                    self.by_hand.insert(node.id.clone());
                }
            }
            self.order.push(node.id.clone());
            self.nodes.insert(node.id.clone(), node);
        }
    }

    fn edge(&mut self, from: &str, to: &str, standing: u8, tone: Tone, ports: &PortSet, text: &str) {
        if from == to || !self.nodes.contains_key(from) || !self.nodes.contains_key(to) {
            return;
        }
        let key = EdgeKey { from: from.to_owned(), to: to.to_owned(), standing };
        let value = self.edges.entry(key).or_insert_with(|| EdgeValue::new(tone, &PortSet::none(), text));
        // Shares of several rules are no share of the edge.
        if value.text != text {
            value.text.clear();
        }
        // The worse state shows: open before depends before allowed.
        value.tone = value.tone.max(tone);
        value.ports = value.ports.union(ports);
        value.n += 1;
    }

    /// An edge that leads out of the cluster, for one workload and one of the ends that the edge has there.
    fn owned_edge(&mut self, (from, to): (&str, &str), owned: &Owned<'_>) {
        let Owned { standing, tone, ports, extent, owner, end } = *owned;
        self.edge(from, to, standing, tone, ports, "");
        let key = EdgeKey { from: from.to_owned(), to: to.to_owned(), standing };
        if let Some(value) = self.edges.get_mut(&key) {
            let own = value.owners.entry((owner.clone(), end.to_owned())).or_default();
            *own = own.union(ports);
            if extent == Extent::Some {
                value.extent = extent;
            }
        }
    }

    fn workloads(&mut self) {
        for analysis in folding::analyses(self.scene) {
            let inventory = analysis.inventory();
            for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
                let is_meant = is_meant(analysis, workload, self.scene.show.policies);
                let nodes = self.folding.nodes_of(analysis, workload);
                let is_aside = connections::is_aside(self.scene, analysis, workload);
                for (id, _) in &nodes {
                    if is_meant {
                        self.meant.insert(id.clone());
                    }
                    let is_its_own = id.starts_with("workload/") || id.starts_with("pod/") || id.starts_with("more/pods/");
                    if is_its_own && is_aside {
                        self.aside.insert(id.clone());
                    }
                    if is_its_own && self.scene.aside.contains(&ids::workload(workload)) {
                        self.by_hand.insert(id.clone());
                    }
                }
                for (id, pods) in nodes {
                    if !self.nodes.contains_key(&id) {
                        let node = self.workload_node(analysis, workload, id, &pods);
                        self.add(node);
                    }
                }
            }
        }
    }

    /// The node with this id, which stands for these pods of a workload, or for them among others.
    fn workload_node(&self, analysis: &Analysis, workload: &Workload, id: Id, pods: &[PodId]) -> Node {
        let own = ids::workload(workload);
        let namespace = ids::namespace(&workload.namespace);
        let empty = folding::Home::default();
        let home = self.folding.homes.get(workload.namespace.as_str()).unwrap_or(&empty);
        let member = home.members.iter().find(|member| member.id == own);
        let inside = |kind, title: String, name: String| Node {
            group: Some(namespace.clone()),
            folds_into: Some(namespace.clone()),
            ..Node::new(id.clone(), Lane::Workloads, kind, title, name)
        };
        if id == own {
            let n_pods = member.map_or(workload.pods.len(), |member| member.pods.len());
            return Node {
                fact: workload_fact(analysis, workload),
                unfolds: n_pods > 1 && !member.is_some_and(|member| member.is_template),
                n_workloads: 1,
                n_pods,
                ..inside(NodeKind::Workload, workload.name.to_string(), format!("workload {}", workload.path()))
            };
        }
        if id == namespace {
            return namespace_node(&workload.namespace, home);
        }
        if id.starts_with("pod/") {
            let pod = pods.first().map(|pod| analysis.inventory().pods.at(*pod));
            let title = pod.map(|pod| pod.name().to_string()).unwrap_or_default();
            let name = format!("pod {}/{title}", workload.namespace);
            let fact = pod.and_then(|pod| pod.record().addresses.first()).map(ToString::to_string).unwrap_or_default();
            return Node { fact, folds_into: Some(own), n_pods: 1, ..inside(NodeKind::Pod, title, name) };
        }
        let (n_workloads, n_pods, name, title, fact) = if let Some(workload_id) = id.strip_prefix("more/pods/") {
            let pods = member.map_or(&[][..], |member| &member.pods);
            let n = pods.iter().filter(|pod| self.folding.pod(&workload.namespace, workload_id, pod) == id).count();
            (0, n, format!("{n} more pods of {}", workload.path()), format!("{n} more"), count(n, "pod", "pods"))
        } else if id.starts_with("more/workloads/") {
            let rest = || home.members.iter().filter(|member| self.folding.workload(&workload.namespace, &member.id).as_ref() == Some(&id));
            let (n, n_pods) = (rest().count(), rest().map(|member| member.pods.len()).sum());
            let name = format!("{n} more workloads of {}", workload.namespace);
            (n, n_pods, name, format!("{n} more"), count(n_pods, "pod", "pods"))
        } else {
            let rest = || self.folding.hidden.iter().filter_map(|name| self.folding.homes.get(name));
            let (n, n_pods) = (rest().map(|home| home.members.len()).sum(), rest().map(folding::Home::n_pods).sum());
            let n_namespaces = self.folding.hidden.len();
            // Shorter than that of a namespace, or all nodes of the lane would be as wide as the largest cluster's.
            let fact = count(n_pods, "pod", "pods");
            let node = Node::new(
                id.clone(),
                Lane::Workloads,
                NodeKind::More,
                format!("{n_namespaces} more"),
                format!("{n_namespaces} more namespaces"),
            );
            return Node { fact, unfolds: true, n_workloads: n, n_pods, ..node };
        };
        let folds_into = if id.starts_with("more/pods/") { own } else { namespace.clone() };
        Node { fact, unfolds: true, n_workloads, n_pods, folds_into: Some(folds_into), ..inside(NodeKind::More, title, name) }
    }

    /// Leaves of the picture what the filter of policies asks for: the workloads that they are for, what those connect to, and the ways
    /// that lead there from outside.
    fn of_policies(&mut self) {
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
        let Builder { scene, mut nodes, order, edges, folding, aside, left_out, n_folded, .. } = self;
        let notes = [folding.note.clone()].into_iter().chain(self.notes).filter(|note| !note.is_empty());
        let mut model = MapModel { note: notes.collect::<Vec<_>>().join(", "), ..MapModel::default() };
        for (key, value) in edges {
            // Of several things in one node, each is meant.
            let n_of = |id: &Id| n_folded.get(id).or(nodes.get(id).map(|node| &node.n_workloads)).map_or(1, |n| (*n).max(1));
            let is_from_exit = nodes.get(&key.from).is_some_and(|node| node.lane == Lane::Exits);
            let n_met = match (value.owners.is_empty(), is_from_exit) {
                (true, _) => value.n,
                (false, false) => value.owners.len(),
                (false, true) => value.owners.keys().map(|(_, end)| end).collect::<BTreeSet<_>>().len(),
            };
            let is_owned = !value.owners.is_empty();
            let is_some = (is_owned || n_folded.contains_key(&key.to)) && n_met < n_of(&key.from) * n_of(&key.to);
            let is_uneven = value.owners.values().any(|ports| *ports != value.ports);
            let extent = if is_some || is_uneven { Extent::Some } else { value.extent };
            let n = if is_owned { value.owners.len() } else { value.n };
            let label = match (value.text.is_empty(), value.ports.is_empty()) {
                (false, _) => value.text,
                (true, true) => String::new(),
                (true, false) => {
                    let some = if extent == Extent::Some { ", some" } else { "" };
                    let n = if n > 1 { format!(" ({n} connections)") } else { String::new() };
                    format!("{}{some}{n}", value.ports)
                }
            };
            let standing = ["", "/gained", "/lost", "/denied"].get(usize::from(key.standing)).unwrap_or(&"");
            let id = format!("edge/{}>{}{standing}", key.from, key.to);
            model.edges.push(Edge { n, extent, ..Edge::new(id, key.from, key.to, value.tone, label) });
        }
        let mut groups: BTreeSet<Id> = BTreeSet::new();
        for id in order {
            if let Some(mut node) = nodes.remove(&id) {
                node.pinned = scene.pinned.contains(&id);
                if aside.contains(&id) {
                    node.aside = true;
                    let ports = left_out.get(&id).map(|left| &left.ports).filter(|ports| !ports.is_empty());
                    let ports = ports.map(|ports| format!(", {ports}")).unwrap_or_default();
                    node.fact = format!("put aside{ports}");
                }
                groups.extend(node.group.clone());
                model.nodes.push(node);
            }
        }
        for id in groups {
            let name = id.trim_start_matches("namespace/").to_owned();
            let fact = folding.homes.get(&name).map(folding::Home::fact).unwrap_or_default();
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
fn namespace_node(name: &str, home: &folding::Home) -> Node {
    let node = Node::new(ids::namespace(name), Lane::Workloads, NodeKind::Namespace, name, format!("namespace {name}"));
    Node { fact: home.fact(), unfolds: true, n_workloads: home.members.len(), n_pods: home.n_pods(), ..node }
}
