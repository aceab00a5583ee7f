//! All connections: between units (workloads or pods), and between units and intervals of addresses outside.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use smallvec::SmallVec;

use super::Analysis;
use crate::address::{AddressBlock, AddressRange, Family};
use crate::assumptions::{Cause, FinishedPods};
use crate::egress::EgressRoute;
use crate::entry::backends;
use crate::inventory::{PodId, WorkloadId};
use crate::object::{Kind, ObjectKey};
use crate::peer::{Peer, Verdict};
use crate::policy::{Direction, DomainPattern, Entity, PeerKind, Plane};
use crate::ports::PortSet;
use crate::reachability::{ClassId, End, OnNode, Outcome};
use crate::record::Record;

/// What one line of a listing stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unit {
    /// All pods of a workload.
    #[default]
    Workload,
    /// One pod.
    Pod,
}

impl Unit {
    /// `workload` or `pod`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Pod => "pod",
        }
    }
}

/// One line of a listing: ports that are allowed from one peer to another, or that depend on something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Where it starts.
    pub from: Peer,
    /// Where it ends.
    pub to: Peer,
    /// The ports.
    pub ports: PortSet,
    /// What they hang on; empty where they are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
    /// Through what it leaves the cluster and as which address, where that is not simply from the pods' nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<EgressRoute>,
}

impl Connection {
    fn new(from: &Peer, to: &Peer, ports: PortSet, depends: Vec<String>, routes: Vec<EgressRoute>) -> Self {
        Self { from: from.clone(), to: to.clone(), ports, depends, routes }
    }
}

/// One unit of a listing: its name, the classes of its pods, and its pods.
#[derive(Debug, Clone)]
pub(crate) struct UnitMember {
    pub(crate) peer: Peer,
    pub(crate) classes: Vec<ClassId>,
    pub(crate) pods: SmallVec<[PodId; 4]>,
}

impl Analysis {
    /// The peer of a workload.
    pub fn workload_peer(&self, id: WorkloadId) -> Peer {
        let workload = self.inventory.workloads.at(id);
        Peer::Workload { namespace: workload.namespace.clone(), name: workload.name.clone(), workload: workload.kind.clone() }
    }

    /// The peer of a pod.
    pub fn pod_peer(&self, id: PodId) -> Peer {
        let pod = self.inventory.pods.at(id);
        Peer::Pod { namespace: pod.namespace().clone(), name: pod.name().clone() }
    }

    /// What may go from one workload to another.
    pub fn between_workloads(&self, from: WorkloadId, to: WorkloadId) -> Outcome {
        self.between(&self.workload_unit(from), &self.workload_unit(to))
    }

    /// What may go from a pod to a workload.
    pub fn pod_to_workload(&self, from: PodId, to: WorkloadId) -> Outcome {
        self.between(&self.pod_unit(from), &self.workload_unit(to))
    }

    /// What may go from a workload to a pod.
    pub fn workload_to_pod(&self, from: WorkloadId, to: PodId) -> Outcome {
        self.between(&self.workload_unit(from), &self.pod_unit(to))
    }

    /// The policies that select a pod and speak of a direction, in the order of tiers.
    pub fn policies_selecting(&self, pod: PodId, direction: Direction) -> Vec<&ObjectKey> {
        let places = self.reachability.policies_of(self.reachability.class_of(pod), direction);
        places.iter().map(|placed| &placed.policy.object).collect()
    }

    /// The planes of the policies that select a pod, in either direction.
    pub fn planes_selecting(&self, pod: PodId) -> BTreeSet<&'static str> {
        let class = self.reachability.class_of(pod);
        let placed = Direction::ALL.into_iter().flat_map(|direction| self.reachability.policies_of(class, direction));
        placed.filter_map(|placed| self.reachability.planes.get(usize::from(placed.plane))).map(|plane| plane.name).collect()
    }

    /// The planes and dialects of which the cluster has policies, in order.
    pub fn policies_at_hand(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let kinds = || Kind::ALL.iter().filter(|kind| self.snapshot.count(**kind) > 0);
        let mut dialects: Vec<&'static str> = kinds().filter_map(|kind| kind.dialect()).collect();
        dialects.dedup();
        let has_some = |plane: &&Plane| plane.tiers.iter().any(|tier| tier.policies(&self.snapshot).next().is_some());
        (self.reachability.planes.iter().filter(has_some).map(|plane| plane.name).collect(), dialects)
    }

    /// The pods that stand behind a Service, ready or not.
    pub fn pods_of_service(&self, key: &ObjectKey) -> Vec<PodId> {
        match self.snapshot.record(key) {
            Some(Record::Service(service)) => backends::selected_pods(self, key, service),
            _ => Vec::new(),
        }
    }

    pub(super) fn pod_unit(&self, id: PodId) -> UnitMember {
        UnitMember { peer: self.pod_peer(id), classes: vec![self.reachability.class_of(id)], pods: SmallVec::from_slice(&[id]) }
    }

    pub(super) fn workload_unit(&self, id: WorkloadId) -> UnitMember {
        let pods = self.inventory.workloads.at(id).pods.clone();
        let mut classes: Vec<ClassId> = pods.iter().map(|pod| self.reachability.class_of(*pod)).collect();
        classes.sort_unstable();
        classes.dedup();
        UnitMember { peer: self.workload_peer(id), classes, pods }
    }

    /// The workload that answers name so, where it has pods.
    pub(super) fn unit_of(&self, peer: &Peer) -> Option<UnitMember> {
        let Peer::Workload { namespace, name, workload } = peer else { return None };
        let id = self.inventory.workload(namespace, name, Some(workload))?;
        (!self.inventory.workloads.at(id).pods.is_empty()).then(|| self.workload_unit(id))
    }

    /// The units of a listing, by name.
    pub(crate) fn units(&self, unit: Unit) -> Vec<UnitMember> {
        match unit {
            Unit::Workload => {
                let workloads = self.inventory.workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
                workloads.map(|(id, _)| self.workload_unit(id)).collect()
            }
            Unit::Pod => {
                let pods = self.inventory.pods.ids();
                pods.map(|id| self.pod_unit(id)).collect()
            }
        }
    }

    /// What may go from one unit to another.
    pub(crate) fn between(&self, from: &UnitMember, to: &UnitMember) -> Outcome {
        if let ([from], [to]) = (from.pods.as_slice(), to.pods.as_slice()) {
            return self.reachability.connection(&self.inventory, End::Pod(*from), End::Pod(*to));
        }
        let pairs = from.classes.iter().flat_map(|a| to.classes.iter().map(move |b| (*a, *b)));
        merge(pairs.map(|(a, b)| self.reachability.pair_where(a, b, self.share_on_node(to, b, a))))
    }

    /// How many of a unit's pods of one class run on the node that another class stands for.
    fn share_on_node(&self, unit: &UnitMember, class: ClassId, node_class: ClassId) -> OnNode {
        let Some(node) = self.reachability.node_of(node_class) else { return OnNode::None };
        let (mut n_there, mut n_all) = (0, 0);
        for pod in unit.pods.iter().filter(|pod| self.reachability.class_of(**pod) == class) {
            n_all += 1;
            n_there += usize::from(self.inventory.pods.at(*pod).record().node == node);
        }
        OnNode::of(n_there, n_all)
    }

    /// What a unit may do with an interval of addresses that no class can tell apart, but for what only a name's resolving to it would open.
    pub(crate) fn with_range(&self, unit: &UnitMember, direction: Direction, range: &AddressRange) -> Outcome {
        let rows = unit.classes.iter().map(|class| self.reachability.addresses(*class, direction));
        merge(rows.map(|row| row.listed_of(range.family, range.first)))
    }

    /// What a workload may do with each pattern of domain names that a policy which selects it names, by pattern.
    pub fn domains_of_workload(&self, id: WorkloadId) -> Vec<(DomainPattern, Outcome)> {
        let unit = self.workload_unit(id);
        let named = self.reachability.domains().filter(|pattern| self.names_domain(&unit, pattern));
        named.map(|pattern| (pattern.clone(), self.with_domain(&unit, pattern))).collect()
    }

    fn names_domain(&self, unit: &UnitMember, pattern: &DomainPattern) -> bool {
        unit.classes.iter().any(|class| self.reachability.names_domain(*class, pattern))
    }

    /// The entities with known addresses that policies name for a unit, and what it may do with all of their addresses.
    fn entities(&self, unit: &UnitMember) -> Vec<(Entity, Outcome)> {
        let policies = unit.classes.iter().flat_map(|class| self.reachability.policies_of(*class, Direction::Egress));
        let rules = policies.filter_map(|placed| placed.policy.egress.as_ref()).flatten();
        let parts = rules.flat_map(|rule| rule.peers.iter().flatten()).flat_map(|peer| peer.kind.parts());
        let mut found: BTreeMap<Entity, BTreeSet<(Family, u128)>> = BTreeMap::new();
        for part in parts {
            let PeerKind::Entity(entity) = part else { continue };
            // Of an API server each address counts; nodes and the world are told by their ranges.
            if entity.entity == Entity::ApiServer {
                let first =
                    |block: &AddressBlock| block.addresses.spans().iter().map(|(first, _)| (block.family, *first)).collect::<Vec<_>>();
                found.entry(entity.entity).or_default().extend(entity.blocks.iter().flat_map(first));
            }
        }
        let outcome = |addresses: BTreeSet<(Family, u128)>| {
            merge(
                addresses
                    .into_iter()
                    .map(|(family, first)| self.with_range(unit, Direction::Egress, &AddressRange { family, first, last: first })),
            )
        };
        found.into_iter().filter(|(_, addresses)| !addresses.is_empty()).map(|(entity, addresses)| (entity, outcome(addresses))).collect()
    }

    /// What a unit may do with a domain name, or with every name below one.
    pub(crate) fn with_domain(&self, unit: &UnitMember, pattern: &DomainPattern) -> Outcome {
        merge(unit.classes.iter().map(|class| self.reachability.domain(*class, Direction::Egress, pattern)))
    }

    /// All connections, by peer. A unit with itself is left out. Address ranges are disjoint, cover each family that is spoken of, and are
    /// the same for every unit. Domains are listed for the units that have a policy which names them.
    pub fn connections(&self, unit: Unit) -> Vec<Connection> {
        let mut connections = Vec::new();
        self.each_connection(unit, &mut |connection| connections.push(connection));
        connections
    }

    /// Tells every connection that [`Self::connections`] lists, one after the other, without keeping them.
    pub fn each_connection(&self, unit: Unit, tell: &mut dyn FnMut(Connection)) {
        let mut add = |from: &Peer, to: &Peer, outcome: &Outcome, routes: &[EgressRoute]| {
            if outcome.is_none() {
                return;
            }
            let routes: Vec<EgressRoute> = routes.iter().filter(|route| route.leads_to(to) != Some(false)).cloned().collect();
            // What leads nowhere does not arrive, though policies let it out.
            let lost =
                routes.iter().filter(|route| route.verdict == Verdict::Denied).map(|route| format!("the way out: {}", route.sentence));
            let lost: Vec<String> = lost.collect();
            let mut row = |ports: &PortSet, depends: Vec<String>| {
                tell(Connection::new(from, to, ports.clone(), depends, routes.clone()));
            };
            if !outcome.certain.is_empty() {
                row(&outcome.certain, lost.clone());
            }
            if outcome.possible != outcome.certain {
                row(&outcome.dependent(), outcome.causes.iter().map(ToString::to_string).chain(lost).collect());
            }
        };
        let units = self.units(unit);
        let ranges: Vec<(Peer, AddressRange)> =
            self.reachability.address_ranges().into_iter().map(|range| (Peer::range(&range), range)).collect();
        for (index, from) in units.iter().enumerate() {
            for (other_index, to) in units.iter().enumerate() {
                if index != other_index {
                    add(&from.peer, &to.peer, &self.between(from, to), &[]);
                }
            }
            let routes = self.special_routes(&from.pods);
            for (peer, range) in &ranges {
                add(&from.peer, peer, &self.with_range(from, Direction::Egress, range), &routes);
            }
            for (entity, outcome) in self.entities(from) {
                add(&from.peer, &Peer::Entity { name: entity.name().into() }, &outcome, &[]);
            }
            for pattern in self.reachability.domains().filter(|pattern| self.names_domain(from, pattern)) {
                add(&from.peer, &Peer::Domain { pattern: pattern.text().clone() }, &self.with_domain(from, pattern), &routes);
            }
        }
        for (peer, range) in &ranges {
            for to in &units {
                add(peer, &to.peer, &self.with_range(to, Direction::Ingress, range), &[]);
            }
        }
    }

    /// Whether finished pods count.
    pub(crate) fn counts_finished_pods(&self) -> bool {
        self.assumptions().finished_pods == FinishedPods::Ordinary
    }
}

/// One outcome for many: certain is what holds everywhere, possible what holds somewhere.
pub(crate) fn merge(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let mut outcomes = outcomes.into_iter();
    let Some(first) = outcomes.next() else { return Outcome::exactly(PortSet::none()) };
    outcomes.fold(first, |so_far, outcome| if so_far == outcome { so_far } else { so_far.or_elsewhere(&outcome, Cause::SomePods) })
}
