//! Which node stands for what: decided for every workload, Service and namespace before any edge is made, within a budget of nodes.
//!
//! Nothing is dropped: what has no node of its own is counted by one that stands for several.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portolan_core::analysis::Analysis;
use portolan_core::inventory::{Inventory, PodId, Workload};
use portolan_core::peer::Peer;
use portolan_core::record::{Record, ServiceType};
use portolan_core::text::count;
use portolan_core::{Kind, ObjectKey};

use super::Scene;
use super::aside::is_out;
use crate::map::model::Id;
use crate::view_model::ids;

/// As many nodes are on the map in all, or hardly more.
pub const BUDGET: usize = 400;
/// As many folded namespaces are nodes of their own.
pub const MAX_NAMESPACES: usize = 120;
/// As many workloads of an unfolded namespace, Services of it, and pods of an unfolded workload are.
pub const MAX_INSIDE: usize = 40;
/// As many doors are, as many ways out, and as many destinations.
pub const MAX_OUTSIDE: usize = 40;

/// Where a workload stands in the line of those that are kept apart: the first are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Pinned by hand.
    Pinned,
    /// Selected.
    Selected,
    /// Changed by the sketch.
    Changed,
    /// Named by a rule together with what is selected.
    Connected,
    /// Behind a way in.
    Entered,
    /// Anything else.
    Other,
}

/// A workload of either analysis.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id.
    pub id: Id,
    /// Its rank.
    pub rank: Rank,
    /// The names of its pods, with those that the sketch adds or takes away.
    pub pods: Vec<String>,
    /// Whether it stands for a template of a manifest, which has no pods to show.
    pub is_template: bool,
    /// How many pods of it have nodes of their own; `None` where it is one node.
    n_apart: Option<usize>,
}

/// A namespace of either analysis that has workloads or Services to show.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// Its workloads, those first that are kept apart.
    pub members: Vec<Member>,
    /// Its Services that the map shows, by name.
    services: Vec<String>,
    is_open: bool,
    n_apart: usize,
    n_services_apart: usize,
}

impl Home {
    fn rank(&self) -> Rank {
        self.members.iter().map(|member| member.rank).min().unwrap_or(Rank::Other)
    }

    /// How many pods it has.
    pub fn n_pods(&self) -> usize {
        self.members.iter().map(|member| member.pods.len()).sum()
    }

    /// `14 workloads, 64 pods`
    pub fn fact(&self) -> String {
        format!("{}, {}", count(self.members.len(), "workload", "workloads"), count(self.n_pods(), "pod", "pods"))
    }
}

/// What stands for what.
#[derive(Debug, Clone, Default)]
pub struct Folding {
    /// The namespaces, by name.
    pub homes: BTreeMap<String, Home>,
    /// The namespaces that have no node of their own.
    pub hidden: BTreeSet<String>,
    /// How many pods of which workload are apart, and whether the workload itself is: by the workload's id.
    places: HashMap<Id, Place>,
    kept_pods: HashMap<Id, BTreeSet<String>>,
    kept_services: HashMap<String, BTreeSet<String>>,
    /// How many of what lies outside may have nodes of their own.
    pub outside: Outside,
    /// What is folded beyond what was asked for.
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its pods, one by one.
    Pods,
    /// Its own node.
    Own,
    /// A node of several workloads.
    More,
}

/// How many things outside of the namespaces are to be shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outside {
    /// Doors.
    pub n_doors: usize,
    /// Ways out.
    pub n_exits: usize,
    /// Destinations.
    pub n_destinations: usize,
}

/// What is kept of `n` things where `most` may be: all, or so many that one node for the rest has room.
fn kept(n: usize, most: usize) -> usize {
    if n <= most { n } else { most.saturating_sub(1) }
}

/// The nodes that `n` things make, of which `kept` are apart.
fn nodes(n: usize, kept: usize) -> usize {
    kept + usize::from(kept < n)
}

fn pod_name(inventory: &Inventory, pod: PodId) -> String {
    inventory.pods.at(pod).name().to_string()
}

impl Folding {
    /// Decides for a scene, of which so much lies outside and these workloads are connected to the selection.
    pub fn new(scene: &Scene<'_>, outside: Outside, connected: &BTreeSet<Id>) -> Self {
        let mut folding = Self::default();
        folding.gather(scene, connected);
        let lift = |id: &str, most: usize| if (scene.unfolded)(id) { BUDGET } else { most };
        // What lies outside comes out of the same budget.
        let Outside { n_doors, n_exits, n_destinations } = outside;
        folding.outside = Outside {
            n_doors: kept(n_doors, lift("more/entries", MAX_OUTSIDE).min(BUDGET / 2)),
            n_exits: kept(n_exits, lift("more/exits", MAX_OUTSIDE).min(BUDGET / 8)),
            n_destinations: kept(n_destinations, lift("more/destinations", MAX_OUTSIDE).min(BUDGET / 4)),
        };
        let apart = folding.outside;
        let outside = 1 + nodes(n_doors, apart.n_doors) + nodes(n_exits, apart.n_exits) + nodes(n_destinations, apart.n_destinations);
        let room = BUDGET.saturating_sub(outside);
        for (name, home) in &mut folding.homes {
            home.is_open = (scene.unfolded)(&ids::namespace(name));
        }
        let n_folded_for_room = folding.make_room(scene, room);
        folding.settle(scene, room);
        folding.note = folding.note(n_folded_for_room);
        folding
    }

    fn gather(&mut self, scene: &Scene<'_>, connected: &BTreeSet<Id>) {
        let changed: BTreeSet<Id> = {
            let difference = scene.difference;
            let rows = difference.added.iter().chain(&difference.removed).chain(&difference.changed);
            rows.flat_map(|row| [&row.from, &row.to]).filter_map(peer_id).collect()
        };
        let selected = scene.selected.map(|id| owner_of(scene, id)).unwrap_or_default();
        let pinned: BTreeSet<Id> = scene.pinned.iter().map(|id| owner_of(scene, id)).collect();
        let mut entered: BTreeSet<Id> = BTreeSet::new();
        let mut services: BTreeSet<&ObjectKey> = BTreeSet::new();
        let is_shown = |key: &ObjectKey| !is_out(scene, &ids::service(key));
        for analysis in analyses(scene) {
            let inventory = analysis.inventory();
            for path in analysis.entry_paths().iter().filter(|_| scene.show.entry_paths) {
                let owners: BTreeSet<_> = path.pods.iter().map(|pod| inventory.pods.at(*pod).workload).collect();
                entered.extend(owners.into_iter().map(|id| ids::workload(inventory.workloads.at(id))));
                services.extend(path.service.iter().filter(|key| is_shown(key)));
            }
            for (key, record) in analysis.snapshot().records(Kind::Service) {
                if scene.show.egress
                    && is_shown(key)
                    && matches!(record, Record::Service(service) if service.service_type == ServiceType::ExternalName)
                {
                    services.insert(key);
                }
            }
        }
        for analysis in analyses(scene) {
            let inventory = analysis.inventory();
            for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
                let id = ids::workload(workload);
                let home = self.homes.entry(workload.namespace.to_string()).or_default();
                let pods = workload.pods.iter().map(|pod| pod_name(inventory, *pod));
                let namespace = ids::namespace(&workload.namespace);
                let rank = match () {
                    () if pinned.contains(&id) || pinned.contains(&namespace) => Rank::Pinned,
                    () if selected == id || selected == namespace => Rank::Selected,
                    () if changed.contains(&id) => Rank::Changed,
                    () if connected.contains(&id) => Rank::Connected,
                    () if entered.contains(&id) => Rank::Entered,
                    () => Rank::Other,
                };
                let is_template = workload.pods.first().is_some_and(|pod| inventory.pods.at(*pod).is_representative());
                home.members.push(Member { id, rank, pods: pods.collect(), is_template, n_apart: None });
            }
        }
        for home in self.homes.values_mut() {
            // The same workload of both analyses is one, with the pods of both.
            home.members.sort_by(|a, b| a.id.cmp(&b.id));
            let mut merged: Vec<Member> = Vec::with_capacity(home.members.len());
            for member in home.members.drain(..) {
                match merged.last_mut().filter(|last| last.id == member.id) {
                    Some(last) => {
                        last.pods.extend(member.pods);
                        last.pods.sort_unstable();
                        last.pods.dedup();
                    }
                    None => merged.push(member),
                }
            }
            merged.sort_by(|a, b| (a.rank, &a.id).cmp(&(b.rank, &b.id)));
            home.members = merged;
        }
        for key in services {
            self.homes.entry(key.namespace.to_string()).or_default().services.push(key.name.to_string());
        }
        if let Some(key) = scene.selected.and_then(|id| id.strip_prefix("service/"))
            && let Some((namespace, name)) = key.split_once('/')
            && let Some(home) = self.homes.get_mut(namespace)
        {
            home.services.sort_by_key(|service| service != name);
        }
    }

    /// How many nodes the namespaces make where this many things may be inside of each.
    fn n_nodes(&self, scene: &Scene<'_>, most: usize) -> usize {
        let open: usize = self.homes.values().filter(|home| home.is_open).map(|home| n_inside(scene, home, most)).sum();
        open + n_folded_nodes(self.homes.values().filter(|home| !home.is_open).count())
    }

    /// Folds namespaces that are far from the selection until the others have room, and returns how many.
    fn make_room(&mut self, scene: &Scene<'_>, room: usize) -> usize {
        let mut open: Vec<(Rank, String, usize)> = self
            .homes
            .iter()
            .filter(|(_, home)| home.is_open)
            .map(|(name, home)| (home.rank(), name.clone(), n_inside(scene, home, MAX_INSIDE)))
            .collect();
        open.sort_unstable();
        let mut n_inside: usize = open.iter().map(|(.., n)| n).sum();
        let n_asked = self.homes.len() - open.len();
        let mut n_folded = 0;
        while n_inside + n_folded_nodes(n_asked + n_folded) > room {
            let Some((rank, name, n)) = open.pop() else { break };
            if rank <= Rank::Selected {
                break;
            }
            if let Some(home) = self.homes.get_mut(&name) {
                home.is_open = false;
                n_folded += 1;
                n_inside -= n;
            }
        }
        n_folded
    }

    /// Says what is apart: as much of everything as there is room for, and then what was asked for besides.
    fn settle(&mut self, scene: &Scene<'_>, room: usize) {
        let most = [MAX_INSIDE, 20, 10, 5, 2].into_iter().find(|most| self.n_nodes(scene, *most) <= room).unwrap_or(1);
        let mut left = room.saturating_sub(self.n_nodes(scene, most));
        let mut grow = |n: usize, id: &str| {
            let apart = kept(n, most);
            let extra = if apart < n && (scene.unfolded)(id) { (n - apart).min(left) } else { 0 };
            left -= extra;
            apart + extra
        };
        for (name, home) in self.homes.iter_mut().filter(|(_, home)| home.is_open) {
            home.n_apart = grow(home.members.len(), &format!("more/workloads/{name}"));
            home.n_services_apart = grow(home.services.len(), &format!("more/services/{name}"));
            let kept_services = home.services.iter().take(home.n_services_apart).cloned().collect();
            self.kept_services.insert(name.clone(), kept_services);
            for (index, member) in home.members.iter_mut().enumerate() {
                let place = match index < home.n_apart {
                    true if is_unfolded(scene, member) => {
                        let n_apart = grow(member.pods.len(), &format!("more/pods/{}", member.id));
                        let selected = scene.selected.and_then(|id| id.strip_prefix("pod/")?.split_once('/')).map(|(_, name)| name);
                        let mut names: Vec<&String> = member.pods.iter().collect();
                        names.sort_by_key(|name| (Some(name.as_str()) != selected, (*name).clone()));
                        self.kept_pods.insert(member.id.clone(), names.into_iter().take(n_apart).cloned().collect());
                        member.n_apart = Some(n_apart);
                        Place::Pods
                    }
                    true => Place::Own,
                    false => Place::More,
                };
                self.places.insert(member.id.clone(), place);
            }
        }
        let mut folded: Vec<(Rank, &String)> =
            self.homes.iter().filter(|(_, home)| !home.is_open).map(|(name, home)| (home.rank(), name)).collect();
        folded.sort_unstable();
        let n_apart = kept(folded.len(), MAX_NAMESPACES);
        let n_apart = if (scene.unfolded)("more/namespaces") { (n_apart + left).min(folded.len()) } else { n_apart };
        self.hidden = folded.into_iter().skip(n_apart).map(|(_, name)| name.clone()).collect();
    }

    fn note(&self, n_for_room: usize) -> String {
        let mut parts = Vec::new();
        if n_for_room > 0 {
            parts.push(format!("{} folded to make room", thousands(n_for_room, "namespace is", "namespaces are")));
        }
        if !self.hidden.is_empty() {
            let n_pods: usize = self.hidden.iter().filter_map(|name| self.homes.get(name)).map(Home::n_pods).sum();
            let namespaces = thousands(self.hidden.len(), "namespace", "namespaces");
            parts.push(format!("{namespaces} with {} are folded into one node", thousands(n_pods, "pod", "pods")));
        }
        let (mut n_workloads, mut n_pods) = (0, 0);
        for home in self.homes.values().filter(|home| home.is_open) {
            n_workloads += home.members.len() - home.n_apart;
            n_pods += home.members.iter().skip(home.n_apart).map(|member| member.pods.len()).sum::<usize>();
        }
        if n_workloads > 0 {
            let workloads = thousands(n_workloads, "workload", "workloads");
            parts.push(format!("{workloads} with {} are folded in their namespaces", thousands(n_pods, "pod", "pods")));
        }
        parts.join(", ")
    }

    /// Whether a namespace is shown workload by workload.
    pub fn is_open(&self, namespace: &str) -> bool {
        self.homes.get(namespace).is_some_and(|home| home.is_open)
    }

    /// The node that stands for a folded namespace.
    pub fn namespace(&self, name: &str) -> Id {
        if self.hidden.contains(name) { "more/namespaces".to_owned() } else { ids::namespace(name) }
    }

    /// The node that stands for a Service.
    pub fn service(&self, key: &ObjectKey) -> Id {
        if !self.is_open(&key.namespace) {
            return self.namespace(&key.namespace);
        }
        match self.kept_services.get(key.namespace.as_str()) {
            Some(kept) if !kept.contains(key.name.as_str()) => format!("more/services/{}", key.namespace),
            _ => ids::service(key),
        }
    }

    /// How many Services of a namespace have no node of their own.
    pub fn n_services_folded(&self, namespace: &str) -> usize {
        self.homes.get(namespace).map_or(0, |home| home.services.len() - home.n_services_apart)
    }

    /// The node that stands for a workload; `None` where its pods are shown.
    pub fn workload(&self, namespace: &str, id: &str) -> Option<Id> {
        if !self.is_open(namespace) {
            return Some(self.namespace(namespace));
        }
        match self.places.get(id) {
            Some(Place::Pods) => None,
            Some(Place::More) => Some(format!("more/workloads/{namespace}")),
            Some(Place::Own) | None => Some(id.to_owned()),
        }
    }

    /// The node that stands for a pod of a workload.
    pub fn pod(&self, namespace: &str, workload: &str, name: &str) -> Id {
        self.workload(namespace, workload).unwrap_or_else(|| match self.kept_pods.get(workload) {
            Some(kept) if kept.contains(name) => ids::pod(namespace, name),
            _ => format!("more/pods/{workload}"),
        })
    }

    /// The node of the map that stands for what has this id.
    pub fn node_of(&self, scene: &Scene<'_>, id: &str) -> Id {
        let inventory = scene.edited.inventory();
        match ids::subject(scene.edited, id) {
            Some(ids::Subject::Pod(pod)) => {
                let pod = inventory.pods.at(pod);
                self.pod(pod.namespace(), &ids::workload(inventory.workloads.at(pod.workload)), pod.name())
            }
            Some(ids::Subject::Workload(workload)) => {
                let workload = inventory.workloads.at(workload);
                self.workload(&workload.namespace, id).unwrap_or_else(|| id.to_owned())
            }
            Some(ids::Subject::Service(key)) => self.service(&key),
            Some(ids::Subject::Namespace(name)) if !self.is_open(&name) => self.namespace(&name),
            _ => id.to_owned(),
        }
    }

    /// The nodes that stand for the pods of a workload of an analysis, each with its pods.
    pub fn nodes_of(&self, analysis: &Analysis, workload: &Workload) -> Vec<(Id, Vec<PodId>)> {
        let id = ids::workload(workload);
        if let Some(node) = self.workload(&workload.namespace, &id) {
            return vec![(node, workload.pods.to_vec())];
        }
        let mut nodes: BTreeMap<Id, Vec<PodId>> = BTreeMap::new();
        for pod in &workload.pods {
            let name = analysis.inventory().pods.at(*pod).name();
            nodes.entry(self.pod(&workload.namespace, &id, name)).or_default().push(*pod);
        }
        nodes.into_iter().collect()
    }
}

/// How many nodes an unfolded namespace makes where this many things may be inside of it, and of each of its workloads.
fn n_inside(scene: &Scene<'_>, home: &Home, most: usize) -> usize {
    let n_apart = kept(home.members.len(), most);
    let unfolded = home.members.iter().take(n_apart).filter(|member| is_unfolded(scene, member));
    let pods: usize = unfolded.map(|member| nodes(member.pods.len(), kept(member.pods.len(), most)).saturating_sub(1)).sum();
    nodes(home.members.len(), n_apart) + pods + nodes(home.services.len(), kept(home.services.len(), most))
}

/// How many nodes so many folded namespaces make.
fn n_folded_nodes(n: usize) -> usize {
    nodes(n, kept(n, MAX_NAMESPACES))
}

fn is_unfolded(scene: &Scene<'_>, member: &Member) -> bool {
    !member.is_template && member.pods.len() > 1 && (scene.unfolded)(&member.id)
}

/// The analyses of a scene, the edited one first; one where nothing is edited.
pub fn analyses<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a Analysis> + use<'a> {
    let base = (!std::ptr::eq(scene.base, scene.edited)).then_some(scene.base);
    [scene.edited].into_iter().chain(base)
}

/// The id of a workload that an answer names.
pub fn peer_id(peer: &Peer) -> Option<Id> {
    let Peer::Workload { namespace, name, workload } = peer else { return None };
    Some(format!("workload/{namespace}/{workload}/{name}"))
}

/// The id of a pod's workload, and any other id as it is.
fn owner_of(scene: &Scene<'_>, id: &str) -> Id {
    let inventory = scene.edited.inventory();
    match ids::subject(scene.edited, id) {
        Some(ids::Subject::Pod(pod)) => ids::workload(inventory.workloads.at(inventory.pods.at(pod).workload)),
        _ => id.to_owned(),
    }
}

/// `1,016 namespaces`
fn thousands(n: usize, one: &str, many: &str) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {}", if n == 1 { one } else { many })
}
