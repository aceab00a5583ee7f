//! The ways in on the map: doors, the Services behind them and the workloads behind those, marked where a way breaks.
//!
//! An edge has the tone of its own hop: what comes before a break works. What breaks at a node is told by the node.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::Analysis;
use portolan_core::entry::EntryPath;
use portolan_core::ports::PortSet;
use portolan_core::record::{Record, ServiceType, TargetPort};
use portolan_core::{Kind, ObjectKey};

use super::aside::is_out;
use super::doors::{self, Door, Mark, Stage};
use super::{Builder, Scene};
use crate::map::model::{Id, Lane, Node, NodeKind, Tone};
use crate::view_model::{ids, reasons};

/// What everybody outside is called.
const INTERNET: &str = "Internet";

/// One edge of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leg {
    from: Id,
    to: Id,
    tone: Tone,
    /// Its share, where it is not all.
    text: String,
}

impl Leg {
    fn new(from: &str, to: &str, tone: Tone) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), tone, text: String::new() }
    }
}

/// What the ways of one analysis come to: edges, and what breaks at nodes behind the doors.
#[derive(Default)]
struct Walk {
    legs: Vec<Leg>,
    marks: BTreeMap<Id, (Stage, Mark)>,
}

impl Walk {
    fn mark(&mut self, id: &str, stage: Stage, path: &EntryPath) {
        let (_, mark) = self.marks.entry(id.to_owned()).or_insert_with(|| (stage, Mark::default()));
        mark.add(doors::break_at(path, stage), stage);
    }

    /// The edges along which something gets through.
    fn travelled(&self) -> BTreeSet<(&str, &str)> {
        self.legs.iter().filter(|leg| leg.tone != Tone::Denied).map(|leg| (leg.from.as_str(), leg.to.as_str())).collect()
    }
}

impl Builder<'_> {
    pub(super) fn entries(&mut self, edited: &Analysis, base: &Analysis) {
        if edited.entry_paths().is_empty() && base.entry_paths().is_empty() {
            return;
        }
        let is_edited = !std::ptr::eq(edited, base);
        let mut doors = doors::doors(edited);
        let mut doors_before = if is_edited { doors::doors(base) } else { BTreeMap::new() };
        // What a request that is selected goes through is to be seen.
        let own = self.asked.iter().flat_map(|asked| asked.doors(edited)).collect::<BTreeSet<Id>>();
        for doors in [&mut doors, &mut doors_before] {
            doors.retain(|id, door| {
                let is_left = is_out(self.scene, id) && !own.contains(id);
                if is_left {
                    self.leave_door(door);
                }
                !is_left
            });
        }
        if doors.is_empty() && doors_before.is_empty() {
            return;
        }
        if !is_out(self.scene, ids::OUTSIDE) {
            let internet = Node::new(ids::OUTSIDE, Lane::Outside, NodeKind::Internet, INTERNET, "outside Internet");
            self.add(Node { tone: Tone::Open, ..internet });
        }
        let folds = {
            // Both are folded alike, or what did not change would look gained and lost.
            let mut all = doors_before.clone();
            all.extend(doors.clone());
            let Scene { selected, unfolded, pinned, .. } = *self.scene;
            let is_kept = |door: &Door<'_>| selected == Some(door.id.as_str()) || own.contains(&door.id) || pinned.contains(&door.id);
            let mut folds = doors::folded(&all, &|door| is_kept(door) || unfolded(&door.fold));
            doors::fold_rest(&all, &mut folds, self.folding.outside.n_doors, &is_kept);
            folds
        };
        let now = self.walk(edited, &doors, &folds);
        let before = is_edited.then(|| self.walk(base, &doors_before, &folds));
        let (is, was) = (now.travelled(), before.as_ref().map(Walk::travelled));
        for leg in &now.legs {
            let is_new = leg.tone != Tone::Denied && was.as_ref().is_some_and(|was| !was.contains(&(&leg.from, &leg.to)));
            self.leg(leg, u8::from(is_new));
        }
        for leg in before.iter().flat_map(|before| &before.legs) {
            if leg.tone != Tone::Denied && !is.contains(&(leg.from.as_str(), leg.to.as_str())) {
                self.leg(leg, 2);
            }
        }
        for (id, (stage, mark)) in &now.marks {
            self.mark(id, *stage, mark);
        }
    }

    fn leg(&mut self, leg: &Leg, standing: u8) {
        let (standing, tone) = match standing {
            1 => (1, Tone::Gained),
            2 => (2, Tone::Lost),
            // What is denied does not stand for what is allowed between the same two nodes.
            _ if leg.tone == Tone::Denied => (3, Tone::Denied),
            _ => (0, leg.tone),
        };
        self.edge(&leg.from, &leg.to, standing, tone, &PortSet::none(), &leg.text);
    }

    /// Writes on a node what breaks there.
    fn mark(&mut self, id: &str, stage: Stage, mark: &Mark) {
        let is_loud = mark.tone() == Tone::Denied || stage == Stage::Service;
        let Some(node) = self.nodes.get_mut(id).filter(|_| is_loud && mark.tone() != Tone::Plain) else { return };
        node.tone = mark.tone();
        // A workload is more than its ways in.
        node.fact = match stage {
            Stage::Pods => format!("{}, {}", mark.text(""), node.fact),
            _ if node.lane == Lane::Workloads => format!("{}, {}", mark.text("ways in"), node.fact),
            _ => mark.text("ways in"),
        };
    }

    /// Adds the doors of an analysis and what they lead to, and returns what is to be drawn between them.
    fn walk(&mut self, analysis: &Analysis, doors: &BTreeMap<Id, Door<'_>>, folds: &BTreeMap<Id, Vec<Id>>) -> Walk {
        let mut walk = Walk::default();
        let hidden: BTreeSet<&Id> = folds.values().flatten().collect();
        for door in doors.values().filter(|door| !hidden.contains(&door.id)) {
            self.door_node(door);
            self.follow_all(analysis, &door.id, std::slice::from_ref(&door), &mut walk);
        }
        for (id, members) in folds {
            let members: Vec<&Door<'_>> = members.iter().filter_map(|member| doors.get(member)).collect();
            if members.is_empty() {
                continue;
            }
            if is_out(self.scene, id) {
                for path in members.iter().flat_map(|door| &door.paths) {
                    self.leave_way_in(id, &doors::title_of_many(&members), &path.id);
                }
                continue;
            }
            self.fold_node(id, &members);
            self.follow_all(analysis, id, &members, &mut walk);
        }
        walk
    }

    fn follow_all(&mut self, analysis: &Analysis, id: &str, doors: &[&Door<'_>], walk: &mut Walk) {
        for door in doors {
            let is_dead = door.paths.iter().all(|path| doors::is_denied_at(path, Stage::Door));
            if is_out(self.scene, ids::OUTSIDE) {
                door.paths.iter().for_each(|path| self.leave_way_in(ids::OUTSIDE, INTERNET, &path.id));
            } else if self.scene.show.denied_paths || !is_dead {
                walk.legs.push(Leg::new(ids::OUTSIDE, id, Tone::Allowed));
            }
        }
        let paths = || doors.iter().flat_map(|door| &door.paths);
        for path in paths() {
            self.follow(analysis, id, path, walk);
        }
    }

    fn door_node(&mut self, door: &Door<'_>) {
        if self.nodes.contains_key(&door.id) {
            return;
        }
        // Two Ingresses may share a host: the second one's name says whose it is.
        let mut name = format!("entry {}", door.title);
        if !self.names.insert(name.clone())
            && let Some(path) = door.paths.first()
        {
            let whose = if path.object.kind == Kind::Ingress { path.object.path() } else { door.front.clone() };
            name = format!("{name} of {whose}");
        }
        let (title, fact, tone) = (door.title.clone(), doors::fact_of(door), door.mark.tone());
        let is_gateway = door.paths.first().is_some_and(|path| doors::is_gateways(path));
        let kind = if is_gateway { NodeKind::Gateway } else { NodeKind::Entry };
        self.add(Node { fact, tone, ..Node::new(door.id.clone(), Lane::Entry, kind, title, name) });
    }

    fn fold_node(&mut self, id: &str, members: &[&Door<'_>]) {
        let Some(first) = members.first() else { return };
        let title = doors::title_of_many(members);
        let mut mark = Mark::default();
        for path in members.iter().flat_map(|door| &door.paths) {
            mark.add(doors::break_at(path, Stage::Door), Stage::Door);
        }
        let broken = mark.text("paths");
        let fact = if broken.is_empty() { first.front.clone() } else { format!("{broken}, {}", first.front) };
        let word = if broken.is_empty() { String::new() } else { format!(", {}", mark.tone().word()) };
        let name = format!("entry {title} of {}{word}", first.front);
        let node = Node::new(id, Lane::Entry, NodeKind::More, title, name);
        self.add(Node { fact, tone: mark.tone(), unfolds: true, ..node });
    }

    /// Follows a way from its door to its pods, and adds the nodes on it.
    fn follow(&mut self, analysis: &Analysis, door: &str, path: &EntryPath, walk: &mut Walk) {
        let shows_denied = self.scene.show.denied_paths;
        let is_dead = doors::is_denied_at(path, Stage::Door);
        if is_dead && !shows_denied {
            return;
        }
        let inventory = analysis.inventory();
        let first_tone = if is_dead { Tone::Denied } else { Tone::Allowed };
        let text = if path.percent < 100 { format!("{} %", path.percent) } else { String::new() };
        let inner = doors::break_at(path, Stage::Pods).map_or(Tone::Allowed, |hop| reasons::tone_of(hop.verdict));
        let from = match &path.service {
            Some(key) if self.folding.is_open(&key.namespace) => {
                if let Some((id, title)) = self.service_out(key) {
                    self.leave_way_in(&id, &title, &path.id);
                    return;
                }
                let id = self.service_node(analysis, key).unwrap_or_else(|| self.ghost_node(key));
                walk.legs.push(Leg { text, ..Leg::new(door, &id, first_tone) });
                if !is_dead {
                    walk.mark(&id, Stage::Service, path);
                }
                id
            }
            Some(key) => {
                // The Service's namespace is folded: everything behind the door is one node.
                let id = self.folding.namespace(&key.namespace);
                self.namespace_node(&key.namespace);
                if self.leaves_ways(&id, door) {
                    self.leave_way_in(&id, "", &path.id);
                    return;
                }
                let service = doors::break_at(path, Stage::Service).map_or(Tone::Allowed, |hop| reasons::tone_of(hop.verdict));
                let tone = first_tone.max(service).max(inner);
                if tone != Tone::Denied || shows_denied {
                    walk.legs.push(Leg { text, ..Leg::new(door, &id, tone) });
                } else {
                    let stage = if service == Tone::Denied { Stage::Service } else { Stage::Pods };
                    walk.mark(&id, stage, path);
                }
                return;
            }
            None => door.to_owned(),
        };
        let nodes: BTreeSet<Id> = path
            .pods
            .iter()
            .map(|pod| {
                let workload = inventory.workloads.at(inventory.pods.at(*pod).workload);
                self.folding.pod(&workload.namespace, &ids::workload(workload), inventory.pods.at(*pod).name())
            })
            .collect();
        for to in nodes {
            if self.leaves_ways(&to, &from) {
                self.leave_way_in(&to, "", &path.id);
                continue;
            }
            if inner != Tone::Denied || shows_denied {
                walk.legs.push(Leg::new(&from, &to, inner));
            }
            walk.mark(&to, Stage::Pods, path);
        }
    }

    /// A folded namespace, where no workload brought it onto the map.
    fn namespace_node(&mut self, name: &str) {
        let id = self.folding.namespace(name);
        if self.nodes.contains_key(&id) {
            return;
        }
        let empty = super::folding::Home::default();
        let node = if id == ids::namespace(name) {
            super::namespace_node(name, self.folding.homes.get(name).unwrap_or(&empty))
        } else {
            let n = self.folding.hidden.len();
            let node = Node::new(id, Lane::Workloads, NodeKind::More, format!("{n} more"), format!("{n} more namespaces"));
            Node { fact: empty.fact(), unfolds: true, ..node }
        };
        self.add(node);
    }

    /// A Service that a way names and that is not there. Should it come, it has the same id.
    fn ghost_node(&mut self, key: &ObjectKey) -> Id {
        let id = ids::service(key);
        let name = format!("missing service {}", key.path());
        self.add(Node {
            group: Some(ids::namespace(&key.namespace)),
            fact: "no such Service".to_owned(),
            tone: Tone::Denied,
            folds_into: Some(ids::namespace(&key.namespace)),
            ..Node::new(id.clone(), Lane::Services, NodeKind::MissingService, key.name.as_str(), name)
        });
        id
    }

    /// Adds a Service where its namespace is unfolded.
    pub(super) fn service_node(&mut self, analysis: &Analysis, key: &ObjectKey) -> Option<Id> {
        let namespace = ids::namespace(&key.namespace);
        if !self.folding.is_open(&key.namespace) {
            return None;
        }
        let id = self.folding.service(key);
        if id.starts_with("more/") {
            let n = self.folding.n_services_folded(&key.namespace);
            let name = format!("{n} more Services of {}", key.namespace);
            let node = Node::new(id.clone(), Lane::Services, NodeKind::More, format!("{n} more"), name);
            let fact = portolan_core::text::count(n, "Service", "Services");
            self.add(Node { group: Some(namespace.clone()), fact, unfolds: true, folds_into: Some(namespace), ..node });
            return Some(id);
        }
        let Some(Record::Service(service)) = analysis.snapshot().record(key) else { return None };
        let ports: Vec<String> = service
            .ports
            .iter()
            .map(|port| match &port.target {
                TargetPort::Number(target) if *target == port.port => port.port.to_string(),
                TargetPort::Number(target) => format!("{} to {target}", port.port),
                TargetPort::Name(target) => format!("{} to {target}", port.port),
            })
            .collect();
        let fact = match ports.as_slice() {
            _ if service.service_type == ServiceType::ExternalName => "ExternalName".to_owned(),
            [] => service.service_type.name().to_owned(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        let name = format!("service {}", key.path());
        self.add(Node {
            group: Some(namespace.clone()),
            fact,
            folds_into: Some(namespace),
            ..Node::new(id.clone(), Lane::Services, NodeKind::Service, key.name.as_str(), name)
        });
        Some(id)
    }
}

/// How many doors a scene has.
pub(super) fn n_doors(scene: &Scene<'_>) -> usize {
    let ids = super::folding::analyses(scene).flat_map(|analysis| analysis.entry_paths().iter().map(doors::door_id));
    ids.filter(|id| !is_out(scene, id)).collect::<BTreeSet<Id>>().len()
}
