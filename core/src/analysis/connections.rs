//! All connections: between units (workloads or pods), and between units and intervals of addresses outside.

use serde::Serialize;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::Analysis;
use crate::address::AddressRange;
use crate::assumptions::{Cause, FinishedPods};
use crate::entry::backends;
use crate::inventory::{PodId, WorkloadId};
use crate::object::ObjectKey;
use crate::peer::Peer;
use crate::policy::Direction;
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

    /// What a unit may do with an interval of addresses that no class can tell apart.
    pub(crate) fn with_range(&self, unit: &UnitMember, direction: Direction, range: &AddressRange) -> Outcome {
        let rows = unit.classes.iter().map(|class| self.reachability.addresses(*class, direction));
        merge(rows.map(|row| row.of_address(range.family, range.first)))
    }

    /// What a workload may do with each pattern of domain names that a policy which selects it names, by pattern.
    pub fn domains_of_workload(&self, id: WorkloadId) -> Vec<(SmolStr, Outcome)> {
        let unit = self.workload_unit(id);
        let named = self.reachability.domains().filter(|pattern| self.names_domain(&unit, pattern));
        named.map(|pattern| (pattern.clone(), self.with_domain(&unit, pattern))).collect()
    }

    fn names_domain(&self, unit: &UnitMember, pattern: &str) -> bool {
        unit.classes.iter().any(|class| self.reachability.names_domain(*class, pattern))
    }

    /// What a unit may do with a domain name, or with every name below one.
    pub(crate) fn with_domain(&self, unit: &UnitMember, pattern: &str) -> Outcome {
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
        let mut add = |from: &Peer, to: &Peer, outcome: &Outcome| {
            if !outcome.certain.is_empty() {
                tell(Connection { from: from.clone(), to: to.clone(), ports: outcome.certain.clone(), depends: Vec::new() });
            }
            if outcome.possible != outcome.certain {
                let depends = outcome.causes.iter().map(ToString::to_string).collect();
                tell(Connection { from: from.clone(), to: to.clone(), ports: outcome.dependent(), depends });
            }
        };
        let units = self.units(unit);
        let ranges: Vec<(Peer, AddressRange)> =
            self.reachability.address_ranges().into_iter().map(|range| (Peer::range(&range), range)).collect();
        for (index, from) in units.iter().enumerate() {
            for (other_index, to) in units.iter().enumerate() {
                if index != other_index {
                    add(&from.peer, &to.peer, &self.between(from, to));
                }
            }
            for (peer, range) in &ranges {
                add(&from.peer, peer, &self.with_range(from, Direction::Egress, range));
            }
            for pattern in self.reachability.domains().filter(|pattern| self.names_domain(from, pattern)) {
                add(&from.peer, &Peer::Domain { pattern: pattern.clone() }, &self.with_domain(from, pattern));
            }
        }
        for (peer, range) in &ranges {
            for to in &units {
                add(peer, &to.peer, &self.with_range(to, Direction::Ingress, range));
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
