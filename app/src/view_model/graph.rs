//! The map's model: entries, Services, workloads and destinations, folded where asked, with what the sketch gains and loses.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, Difference};
use portolan_core::entry::EntryPath;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::peer::{Peer, Verdict};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::{ClassId, Outcome, Reachability};
use portolan_core::record::{Record, ServiceType};
use portolan_core::text::count;
use portolan_core::{Kind, ObjectKey};

use super::namespaces::workload_fact;
use super::{addresses, ids};
use crate::command::ShowOptions;
use crate::map::model::{Edge, Group, Id, Lane, MapModel, Node, Outline, Tone};

/// What the map is made from.
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
    let mut builder = Builder { scene, nodes: BTreeMap::new(), edges: BTreeMap::new(), order: Vec::new() };
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
    builder.finish()
}

/// Edges of one pair of nodes with the same standing are one edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeKey {
    from: Id,
    to: Id,
    /// 0 as it is, 1 gained, 2 lost.
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
    nodes: BTreeMap<Id, Node>,
    /// Ids in the order in which nodes were added.
    order: Vec<Id>,
    edges: BTreeMap<EdgeKey, EdgeValue>,
}

/// Labels by which well-known cluster services that everything talks to are told.
const NOISY: &[(&str, &str)] = &[
    ("k8s-app", "kube-dns"),
    ("k8s-app", "coredns"),
    ("app.kubernetes.io/name", "coredns"),
    ("app.kubernetes.io/name", "prometheus"),
    ("app.kubernetes.io/name", "kube-dns"),
    ("app", "prometheus"),
];

/// Whether nearly everything talks to a workload: DNS, monitoring.
pub fn is_noisy(analysis: &Analysis, workload: &Workload) -> bool {
    let Some(pod) = workload.pods.first() else { return false };
    let labels = &analysis.inventory().pods.at(*pod).record().labels;
    NOISY.iter().any(|(key, value)| labels.get(key) == Some(value))
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
                    self.add(Node {
                        id: namespace,
                        lane: Lane::Workloads,
                        group: None,
                        outline: Outline::Box,
                        title: workload.namespace.to_string(),
                        fact,
                        name: format!("namespace {}", workload.namespace),
                        tone: Tone::Plain,
                    });
                }
            }
        }
    }

    fn entries(&mut self, edited: &Analysis, base: &Analysis) {
        if edited.entry_paths().is_empty() && base.entry_paths().is_empty() {
            return;
        }
        self.add(Node {
            id: ids::OUTSIDE.to_owned(),
            lane: Lane::Outside,
            group: None,
            outline: Outline::Pill,
            title: "Internet".to_owned(),
            fact: String::new(),
            name: "outside Internet".to_owned(),
            tone: Tone::Open,
        });
        let before: BTreeMap<&str, Verdict> = base.entry_paths().iter().map(|path| (path.id.as_str(), path.verdict)).collect();
        let mut doors: BTreeMap<Id, Vec<&EntryPath>> = BTreeMap::new();
        for path in edited.entry_paths() {
            doors.entry(door_id(path)).or_default().push(path);
        }
        for (id, paths) in &doors {
            self.entry_node(id, paths);
            for path in paths {
                let standing = match before.get(path.id.as_str()) {
                    None => 1,
                    Some(was) if *was != path.verdict && path.verdict == Verdict::Allowed => 1,
                    _ => 0,
                };
                self.entry_edges(id, edited, path, standing);
            }
        }
        let now: BTreeSet<&str> = edited.entry_paths().iter().map(|path| path.id.as_str()).collect();
        for path in base.entry_paths().iter().filter(|path| !now.contains(path.id.as_str())) {
            let id = door_id(path);
            self.entry_node(&id, &[path]);
            self.entry_edges(&id, base, path, 2);
        }
    }

    fn entry_node(&mut self, id: &str, paths: &[&EntryPath]) {
        let Some(first) = paths.first() else { return };
        let is_ingress = first.object.kind == Kind::Ingress;
        let title = match (is_ingress, first.host.is_empty()) {
            (true, true) => "any host".to_owned(),
            (true, false) => first.host.to_string(),
            _ => first.title.clone(),
        };
        let tls = if first.tls { "TLS" } else { "" };
        let fact = if is_ingress {
            let texts: Vec<&str> = paths.iter().map(|path| path.path.as_str()).collect();
            let shown = match texts.as_slice() {
                [a] => (*a).to_owned(),
                [a, b] => format!("{a}, {b}"),
                [a, rest @ ..] => format!("{a} and {} more", rest.len()),
                [] => String::new(),
            };
            format!("{tls}  {shown}").trim().to_owned()
        } else {
            format!("Service {}", first.object.name)
        };
        let worst = if paths.iter().all(|path| path.verdict == Verdict::Denied) { Tone::Denied } else { Tone::Plain };
        // Two Ingresses may share a host: the second one's name says whose it is.
        let mut name = format!("entry {title}");
        if self.nodes.values().any(|node| node.name == name) {
            name = format!("{name} of {}", first.object.path());
        }
        self.add(Node { id: id.to_owned(), lane: Lane::Entry, group: None, outline: Outline::Arrow, title, fact, name, tone: worst });
        let tone = if worst == Tone::Denied && !self.scene.show.denied_paths { return } else { Tone::Allowed };
        self.edge(ids::OUTSIDE, id, 0, tone, &PortSet::none(), "");
    }

    fn entry_edges(&mut self, door: &str, analysis: &Analysis, path: &EntryPath, standing: u8) {
        let tone = match (standing, path.verdict) {
            (1, _) => Tone::Gained,
            (2, _) => Tone::Lost,
            (_, Verdict::Allowed) => Tone::Allowed,
            (_, Verdict::Depends) => Tone::Depends,
            (_, Verdict::Denied) => Tone::Denied,
        };
        if tone == Tone::Denied && !self.scene.show.denied_paths {
            return;
        }
        let Some(key) = &path.service else { return };
        let Some(service_id) = self.service_node(analysis, key) else {
            // The Service's namespace is folded: the way leads to its node.
            self.edge(door, &ids::namespace(&key.namespace), standing, tone, &PortSet::none(), "");
            return;
        };
        self.edge(door, &service_id, standing, tone, &PortSet::none(), "");
        let inventory = analysis.inventory();
        let workloads: BTreeSet<WorkloadId> = path.pods.iter().map(|pod| inventory.pods.at(*pod).workload).collect();
        for workload in workloads {
            let to = self.node_of(inventory.workloads.at(workload));
            self.edge(&service_id, &to, 0, Tone::Allowed, &PortSet::none(), "");
        }
    }

    /// Adds a Service where its namespace is unfolded.
    fn service_node(&mut self, analysis: &Analysis, key: &ObjectKey) -> Option<Id> {
        let namespace = ids::namespace(&key.namespace);
        if !(self.scene.unfolded)(&namespace) {
            return None;
        }
        let Some(Record::Service(service)) = analysis.snapshot().record(key) else { return None };
        let id = ids::service(key);
        let ports: Vec<String> = service
            .ports
            .iter()
            .map(|port| match &port.target {
                portolan_core::record::TargetPort::Number(target) if *target == port.port => port.port.to_string(),
                portolan_core::record::TargetPort::Number(target) => format!("{} to {target}", port.port),
                portolan_core::record::TargetPort::Name(target) => format!("{} to {target}", port.port),
            })
            .collect();
        let fact = match ports.as_slice() {
            _ if service.service_type == ServiceType::ExternalName => "ExternalName".to_owned(),
            [] => service.service_type.name().to_owned(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        self.add(Node {
            id: id.clone(),
            lane: Lane::Services,
            group: Some(namespace),
            outline: Outline::Hexagon,
            title: key.name.to_string(),
            fact,
            name: format!("service {}", key.path()),
            tone: Tone::Plain,
        });
        Some(id)
    }

    /// ExternalName Services of unfolded namespaces lead to domains.
    fn external_names(&mut self) {
        let edited = self.scene.edited;
        for (key, record) in edited.snapshot().records(Kind::Service) {
            let Record::Service(service) = record else { continue };
            if service.service_type != ServiceType::ExternalName || !self.scene.show.egress {
                continue;
            }
            let Some(from) = self.service_node(edited, key) else { continue };
            let id = ids::domain(&service.external_name);
            self.add(domain_node(&service.external_name));
            self.edge(&from, &id, 0, Tone::Allowed, &PortSet::none(), "");
        }
    }

    fn egress(&mut self) {
        let terms = |analysis: &Analysis| -> BTreeMap<String, (Id, Vec<addresses::Outside>)> {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let terms = |id| addresses::of_workload(analysis, id, Direction::Egress);
            workloads.map(|(id, workload)| (ids::workload(workload), (self.node_of(workload), terms(id)))).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let none = (Id::new(), Vec::new());
        let mut edges: Vec<(u8, &Id, &addresses::Outside)> = Vec::new();
        for workload in before.keys().chain(after.keys().filter(|id| !before.contains_key(*id))) {
            let ((old_node, was), (new_node, is)) = (before.get(workload).unwrap_or(&none), after.get(workload).unwrap_or(&none));
            let (was_refs, is_refs): (Vec<_>, Vec<_>) = (was.iter().collect(), is.iter().collect());
            edges.extend(is.iter().map(|outside| (u8::from(!addresses::is_within(outside, &was_refs)), new_node, outside)));
            edges.extend(was.iter().filter(|outside| !addresses::is_within(outside, &is_refs)).map(|outside| (2, old_node, outside)));
        }
        for (standing, from, outside) in edges {
            self.add(Node {
                id: outside.id.clone(),
                lane: Lane::Destinations,
                group: None,
                outline: Outline::Pill,
                title: outside.title.clone(),
                fact: outside.fact.clone(),
                name: format!("destination {}", outside.title),
                tone: if outside.tone == Tone::Open { Tone::Open } else { Tone::Plain },
            });
            let tone = match standing {
                1 => Tone::Gained,
                2 => Tone::Lost,
                _ => outside.tone,
            };
            self.edge(from, &outside.id, standing, tone, &outside.outcome.possible, "");
        }
    }

    /// The domains that policies name, and who may go there.
    fn domains(&mut self) {
        type Terms = BTreeMap<(Id, String), (Id, Outcome)>;
        let terms = |analysis: &Analysis| -> Terms {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let of_one = |(id, workload): (WorkloadId, &Workload)| {
                let (name, node) = (ids::workload(workload), self.node_of(workload));
                let open = analysis.domains_of_workload(id).into_iter().filter(|(_, outcome)| !outcome.is_none());
                open.map(move |(pattern, outcome)| ((name.clone(), pattern.to_string()), (node.clone(), outcome))).collect::<Vec<_>>()
            };
            workloads.flat_map(of_one).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
        for key in keys {
            let (was, is) = (before.get(&key), after.get(&key));
            let Some((node, outcome)) = is.or(was) else { continue };
            let id = ids::domain(&key.1);
            self.add(domain_node(&key.1));
            let (standing, tone) = match (was, is) {
                (None, _) => (1, Tone::Gained),
                (_, None) => (2, Tone::Lost),
                _ if outcome.certain.is_empty() => (0, Tone::Depends),
                _ => (0, Tone::Allowed),
            };
            self.edge(node, &id, standing, tone, &outcome.possible, "");
        }
    }

    fn connections(&mut self) {
        let changed: BTreeSet<(&Peer, &Peer)> = {
            let rows = self.scene.difference.added.iter().chain(&self.scene.difference.removed).chain(&self.scene.difference.changed);
            rows.map(|row| (&row.from, &row.to)).collect()
        };
        let edited = self.scene.edited;
        let selected = self.scene.selected.and_then(|id| ids::subject(edited, id));
        let mut pairs: BTreeMap<(WorkloadId, WorkloadId), Outcome> = BTreeMap::new();
        for (from, to) in explicit_pairs(edited.reachability()) {
            let reachability = edited.reachability();
            let outcome = reachability.pair(from, to);
            if outcome.is_none() {
                continue;
            }
            for from in workloads_of(edited, from) {
                for to in workloads_of(edited, to) {
                    merge_into(&mut pairs, (from, to), &outcome);
                }
            }
        }
        let focus: Vec<WorkloadId> = match selected {
            Some(ids::Subject::Workload(id)) => vec![id],
            Some(ids::Subject::Pod(pod)) => vec![edited.inventory().pods.at(pod).workload],
            _ => Vec::new(),
        };
        for id in &focus {
            for other in edited.inventory().workloads.ids().filter(|other| other != id) {
                for (from, to) in [(*id, other), (other, *id)] {
                    let outcome = edited.between_workloads(from, to);
                    if !outcome.is_none() {
                        pairs.insert((from, to), outcome);
                    }
                }
            }
        }
        let show = self.scene.show;
        for ((from, to), outcome) in pairs {
            let (a, b) = (edited.inventory().workloads.at(from), edited.inventory().workloads.at(to));
            let is_focus = focus.contains(&from) || focus.contains(&to);
            if !show.noisy_peers && !is_focus && (is_noisy(edited, a) || is_noisy(edited, b)) {
                continue;
            }
            let shown = if a.namespace == b.namespace { show.within_namespaces } else { show.between_namespaces };
            if !shown || changed.contains(&(&edited.workload_peer(from), &edited.workload_peer(to))) {
                continue;
            }
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let (from, to) = (self.node_of(a), self.node_of(b));
            self.edge(&from, &to, 0, tone, &outcome.possible, "");
        }
        let difference = self.scene.difference;
        let rows = difference.added.iter().map(|row| (row, 1)).chain(difference.removed.iter().map(|row| (row, 2)));
        for (row, standing) in rows.chain(difference.changed.iter().map(|row| (row, if grows(row) { 1 } else { 2 }))) {
            let (Some(from), Some(to)) = (self.node_of_peer(&row.from), self.node_of_peer(&row.to)) else { continue };
            let (tone, side, other) =
                if standing == 1 { (Tone::Gained, &row.after, &row.before) } else { (Tone::Lost, &row.before, &row.after) };
            let ports = side.ports.union(&side.depends_ports).difference(&other.ports);
            self.edge(&from, &to, standing, tone, &ports, "");
        }
    }

    fn finish(self) -> MapModel {
        let Builder { scene, mut nodes, order, edges } = self;
        let mut model = MapModel::default();
        for (key, value) in edges {
            let label = match (value.text.is_empty(), value.ports.is_empty()) {
                (false, _) => value.text,
                (true, true) => String::new(),
                (true, false) if value.n > 1 => format!("{} ({} connections)", value.ports, value.n),
                (true, false) => value.ports.to_string(),
            };
            let standing = ["", "/gained", "/lost"].get(usize::from(key.standing)).unwrap_or(&"");
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

fn domain_node(name: &str) -> Node {
    Node {
        id: ids::domain(name),
        lane: Lane::Destinations,
        group: None,
        outline: Outline::Pill,
        title: name.to_owned(),
        fact: "domain".to_owned(),
        name: format!("domain {name}"),
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

/// The entry node that a path belongs to: one for each host of an Ingress, one for each address of a Service.
pub fn door_id(path: &EntryPath) -> Id {
    if path.object.kind == Kind::Ingress {
        format!("entry/{}/{}", path.object.path(), path.host)
    } else {
        format!("entry/{}/{}", path.object.path(), path.title)
    }
}

/// Pairs of classes that some rule names, as against those that nothing keeps apart. A row that names nearly everybody names nobody.
fn explicit_pairs(reachability: &Reachability) -> BTreeSet<(ClassId, ClassId)> {
    let mut pairs = BTreeSet::new();
    for id in reachability.classes().ids() {
        for direction in Direction::ALL {
            for other in reachability.singled_out(id, direction).into_iter().flatten() {
                if !reachability.side(id, direction, other).is_none() {
                    pairs.insert(if direction == Direction::Egress { (id, other) } else { (other, id) });
                }
            }
        }
    }
    pairs
}

fn workloads_of(analysis: &Analysis, class: ClassId) -> BTreeSet<WorkloadId> {
    let pods = &analysis.reachability().classes().at(class).pods;
    pods.iter().map(|pod| analysis.inventory().pods.at(*pod).workload).collect()
}

fn merge_into(pairs: &mut BTreeMap<(WorkloadId, WorkloadId), Outcome>, key: (WorkloadId, WorkloadId), outcome: &Outcome) {
    if key.0 == key.1 {
        return;
    }
    pairs
        .entry(key)
        .and_modify(|known| *known = known.or_elsewhere(outcome, portolan_core::assumptions::Cause::SomePods))
        .or_insert_with(|| outcome.clone());
}

/// Whether a changed connection allows more than before.
fn grows(row: &portolan_core::analysis::ChangedConnection) -> bool {
    row.after.ports.contains_all(&row.before.ports)
}
