//! Who may reach whom, on which ports.
//!
//! Pods that no selector in force can tell apart form a *class*. What a class may do in one direction is a *row*: an outcome for every
//! class that some rule singles out, one for all the others, and one for each interval of addresses outside. Rows are made when asked
//! for and shared by all classes that the same policies select. A pair is the intersection of two look-ups.
//!
//! Invariant: nothing here knows a dialect. Verdicts have three values: a port may be certainly allowed, possibly allowed, or not.

mod apart;
mod class;
mod evaluation;
mod index;
mod matching;
mod newcomer;
mod next;
mod outcome;
mod overview;
mod relevant;
mod row;
mod selection;

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

pub use class::{Class, ClassId};
pub use outcome::Outcome;
pub use overview::{OutcomeId, Overview, Pair, Pairs};
pub use row::{AddressOutcome, Addresses};

pub(crate) use evaluation::{is_to_be_learned, rule_ports};
pub(crate) use matching::{Match, Target, Uncertainty, resolved_match};
pub(crate) use newcomer::Newcomer;
pub(crate) use next::Step;
pub(crate) use row::{Placed, RowKey};

use crate::address::{AddressRange, Family, number};
use crate::assumptions::{Assumptions, Cause, HostNetworkPods, SelfTraffic};
use crate::ids::Table;
use crate::intervals::Intervals;
use crate::inventory::{Inventory, PodId};
use crate::policy::{self, Direction, DomainPattern, NamespaceScope, PeerKind, Plane, PodSelector, Sight};
use crate::ports::PortSet;
use crate::snapshot::{Snapshot, typed};
use index::Index;
use matching::Matcher;
use relevant::Relevant;

/// The whole answer, worked out as far as it was asked for. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct Reachability {
    pub(crate) planes: Arc<[Plane]>,
    pub(crate) classes: Table<ClassId, Class>,
    pub(crate) assumptions: Arc<Assumptions>,
    class_of_pod: Table<PodId, ClassId>,
    /// How many classes have lost their pods.
    n_empty: usize,
    index: Arc<Index>,
    matcher: Matcher,
    relevant: Arc<Relevant>,
    /// Whether some class has, or had, addresses of both families.
    has_dual_stack: bool,
    /// Whether it is known how many pods of each class run on each node: so where some pod shares its node's network.
    counts_nodes: bool,
    /// The names of nodes, by their addresses.
    nodes: Arc<FxHashMap<IpAddr, SmolStr>>,
}

fn nodes_by_address(snapshot: &Snapshot) -> FxHashMap<IpAddr, SmolStr> {
    typed!(snapshot, Node).flat_map(|(key, node)| node.addresses.iter().map(|address| (*address, key.name.clone()))).collect()
}

/// Which classes a selector may select.
enum Selection {
    /// Anybody, or more than there is room to remember.
    Anybody,
    /// These, sorted.
    Few(Vec<ClassId>),
    /// These, sorted, among those that were filed; later ones are not looked at.
    Many(Arc<[ClassId]>),
}

/// The other end of a connection, as the engine sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A pod of the inventory.
    Pod(PodId),
    /// An address that belongs to no pod.
    Address(IpAddr),
    /// An address outside that nobody knows: behind a domain, or anybody's.
    Unknown,
}

/// How many of some pods run on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnNode {
    /// None.
    None,
    /// Some, and others elsewhere.
    Some,
    /// All.
    All,
}

impl OnNode {
    /// `n` of `total`.
    pub(crate) fn of(n: usize, total: usize) -> Self {
        match n {
            0 => Self::None,
            n if n == total => Self::All,
            _ => Self::Some,
        }
    }
}

impl Reachability {
    /// Sorts the pods of an inventory into classes under the policies of a snapshot.
    pub fn new(snapshot: &Snapshot, inventory: &Inventory, assumptions: &Assumptions) -> Self {
        let planes: Arc<[Plane]> = policy::compile(snapshot, assumptions).into();
        let compiled = planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| &tier.compiled).map(|policy| (&*policy.sight, 1));
        let sights: Vec<(&Sight, usize)> = snapshot.sights().chain(compiled).collect();
        let relevant = Relevant::new(sights.iter().map(|(sight, _)| *sight));
        let mut matcher = Matcher::new(assumptions, &snapshot.unseen);
        sights.iter().for_each(|(sight, n)| matcher.add(sight, *n));
        let (classes, index, class_of_pod) = selection::classes(snapshot, inventory, &planes, &relevant, assumptions);
        let has_dual_stack = classes.iter().any(Class::has_both_families);
        Self {
            has_dual_stack,
            counts_nodes: inventory.pods.iter().any(|pod| pod.record().host_network),
            planes,
            classes,
            assumptions: Arc::new(assumptions.clone()),
            class_of_pod,
            n_empty: 0,
            index: Arc::new(index),
            matcher,
            relevant: Arc::new(relevant),
            nodes: Arc::new(nodes_by_address(snapshot)),
        }
    }

    /// Whether some policy names an IPv6 block, so that IPv6 addresses outside are spoken of.
    pub fn names_ipv6(&self) -> bool {
        self.matcher.names_v6()
    }

    /// The patterns of domain names that some policy names, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &DomainPattern> {
        self.matcher.domains()
    }

    /// The class of a pod.
    pub fn class_of(&self, pod: PodId) -> ClassId {
        *self.class_of_pod.at(pod)
    }

    /// All classes, those among them that have lost their pods.
    pub fn classes(&self) -> &Table<ClassId, Class> {
        &self.classes
    }

    /// The classes that have pods.
    fn inhabited(&self) -> impl Iterator<Item = (ClassId, &Class)> {
        self.classes.entries().filter(|(_, class)| !class.pods.is_empty())
    }

    /// What a class may do in one direction.
    fn row(&self, class: ClassId, direction: Direction) -> &row::Row {
        self.classes.at(class).row(direction)
    }

    /// What a class may do in one direction with addresses outside.
    pub fn addresses(&self, class: ClassId, direction: Direction) -> &Addresses {
        self.row(class, direction).addresses(self)
    }

    /// What a class may do in one direction with another.
    fn answer(&self, subject: ClassId, direction: Direction, peer: ClassId) -> Arc<row::ClassOutcome> {
        self.row(subject, direction).of_class(self, peer)
    }

    /// The classes, of the first so many, that a selector may select, sorted; `None` where it selects everybody.
    fn classes_selected_by(&self, selector: &PodSelector, n_classes: usize) -> Option<Vec<ClassId>> {
        let is_unsure = self.matcher.is_unsure_of(&selector.namespaces);
        let is_everywhere = is_unsure || matches!(&selector.namespaces, NamespaceScope::Matching(all) if all.is_everything());
        if is_everywhere && selector.pods.is_everything() {
            return None;
        }
        let is_known = |id: &ClassId| (id.0 as usize) < n_classes;
        if is_unsure {
            let entries = self.inhabited().filter(|(_, class)| selector.pods.matches(class.template()));
            return Some(entries.map(|(id, _)| id).filter(is_known).collect());
        }
        let candidates = self.index.candidates(selector, self.classes.len());
        let ids = candidates.iter().filter(is_known).filter(|id| self.classes.at(*id).is_selected_by(selector));
        Some(ids.collect())
    }

    /// The classes, of the first so many at least, that a selector may select.
    fn selection(&self, selector: &PodSelector, n_classes: usize) -> Selection {
        if self.matcher.is_unsure_of(&selector.namespaces) {
            return self.classes_selected_by(selector, n_classes).map_or(Selection::Anybody, Selection::Few);
        }
        match self.index.broad(selector, |id| self.classes.at(id).is_selected_by(selector)) {
            Some(Some(ids)) => Selection::Many(ids),
            Some(None) => Selection::Anybody,
            None => self.classes_selected_by(selector, n_classes).map_or(Selection::Anybody, Selection::Few),
        }
    }

    /// Whether policies isolate a class in one direction.
    pub fn is_isolated(&self, class: ClassId, direction: Direction) -> bool {
        self.row(class, direction).key.policies.iter().any(|placed| placed.policy.isolates(direction))
    }

    /// Whether every port of every public IPv4 address is open to a class.
    pub fn is_open_to_the_internet(&self, class: ClassId, direction: Direction) -> bool {
        let outside = self.addresses(class, direction);
        let open = outside.intervals.iter().filter(|interval| interval.range.family == Family::V4 && interval.outcome.certain.is_all());
        let open = Intervals::from_spans(open.map(|interval| (interval.range.first, interval.range.last)));
        crate::address::is_internet(&open)
    }

    /// The policies that select a class and speak of a direction, in the order in which they are asked.
    pub(crate) fn policies_of(&self, class: ClassId, direction: Direction) -> &[Placed] {
        &self.row_key(class, direction).policies
    }

    /// What decides a class' answers in one direction: equal for classes that are answered alike.
    pub(crate) fn row_key(&self, class: ClassId, direction: Direction) -> &RowKey {
        &self.row(class, direction).key
    }

    /// One side of a connection between classes: what `subject` may do in `direction` with `peer`.
    pub fn side(&self, subject: ClassId, direction: Direction, peer: ClassId) -> Outcome {
        let share = self.share_of_class(subject, peer);
        self.over_families(subject, peer, |family| self.side_in(subject, direction, peer, family, share))
    }

    fn side_in(&self, subject: ClassId, direction: Direction, peer: ClassId, family: Option<Family>, share: OnNode) -> Outcome {
        let at_home = || self.own_node_side(subject, Target::Class(self.classes.at(peer)), family);
        if share == OnNode::All && direction == Direction::Ingress {
            return at_home();
        }
        let answer = self.answer(subject, direction, peer);
        let outcome = answer.in_family(family);
        match share {
            OnNode::Some if direction == Direction::Ingress => {
                // Of those that share the node it lets more in, and which they are is the question.
                let (here, elsewhere) = (at_home(), outcome);
                let mut causes = here.causes.clone();
                if !here.certain.is_all() {
                    causes.extend(elsewhere.causes.iter().cloned());
                }
                causes.push(Cause::OwnNode);
                Outcome::new(here.certain.intersection(&elsewhere.certain), here.possible.union(&elsewhere.possible), causes)
            }
            _ => outcome.clone(),
        }
    }

    /// What the pods of a class let in of what comes from the node that they run on.
    fn own_node_side(&self, subject: ClassId, target: Target<'_>, family: Option<Family>) -> Outcome {
        self.row(subject, Direction::Ingress).own_node_side(self, target, family)
    }

    /// An outcome for the address families that two classes have in common. `None` is asked for where the family makes no difference.
    fn over_families(&self, a: ClassId, b: ClassId, outcome: impl Fn(Option<Family>) -> Outcome) -> Outcome {
        let tells = |subject: ClassId, peer: ClassId| {
            Direction::ALL.into_iter().any(|direction| self.answer(subject, direction, peer).by_family.is_some())
        };
        if !self.has_dual_stack || (!tells(a, b) && !tells(b, a)) {
            return outcome(None);
        }
        match self.common_family(a, b) {
            Some(family) => outcome(Some(family)),
            None => outcome(Some(Family::V4)).or_elsewhere(&outcome(Some(Family::V6)), Cause::OneFamily),
        }
    }

    /// The one address family that two classes have in common; `None` where it is both, or not known.
    pub(crate) fn common_family(&self, a: ClassId, b: ClassId) -> Option<Family> {
        self.classes.at(a).common_family(self.classes.at(b))
    }

    /// The node that a class stands for to the pods that run there: NetworkPolicySpec.ingress, types.go: traffic is let in "if the
    /// traffic source is the pod's local node".
    pub(crate) fn node_of(&self, class: ClassId) -> Option<&str> {
        let class = self.classes.at(class);
        let is_node = !class.node().is_empty() && self.assumptions.host_network_pods != HostNetworkPods::Ordinary;
        is_node.then_some(class.node())
    }

    fn share_of_class(&self, subject: ClassId, peer: ClassId) -> OnNode {
        let subject = self.classes.at(subject);
        self.node_of(peer).map_or(OnNode::None, |node| OnNode::of(subject.pods_on(node), subject.pods.len()))
    }

    /// A connection from one class to another.
    pub fn pair(&self, from: ClassId, to: ClassId) -> Outcome {
        self.pair_where(from, to, self.share_of_class(to, from))
    }

    /// Both sides of a connection. The side whose row is there already is asked first: where it lets nothing through, the other row need
    /// not be worked out at all.
    fn both_sides(&self, from: ClassId, to: ClassId, side: impl Fn(Direction) -> Outcome) -> Outcome {
        let is_there = |class: ClassId, direction| self.row(class, direction).is_there();
        let ingress_first = is_there(to, Direction::Ingress) && !is_there(from, Direction::Egress);
        let (first, second) = if ingress_first { (Direction::Ingress, Direction::Egress) } else { (Direction::Egress, Direction::Ingress) };
        let outcome = side(first);
        if outcome.is_none() { outcome } else { outcome.and(&side(second)) }
    }

    /// A connection from one class to some pods of another, of which this share runs on the first class' node.
    pub(crate) fn pair_where(&self, from: ClassId, to: ClassId, share: OnNode) -> Outcome {
        if self.are_apart(from, to) {
            return Outcome::exactly(PortSet::none());
        }
        self.over_families(from, to, |family| {
            self.both_sides(from, to, |direction| match direction {
                Direction::Egress => self.side_in(from, Direction::Egress, to, family, OnNode::None),
                Direction::Ingress => self.side_in(to, Direction::Ingress, from, family, share),
            })
        })
    }

    /// One side of a connection of a pod: what it may do in `direction` with `peer`.
    pub fn side_of_pod(&self, inventory: &Inventory, subject: PodId, direction: Direction, peer: End) -> Outcome {
        let class = self.class_of(subject);
        match peer {
            End::Pod(pod) => {
                self.over_families(class, self.class_of(pod), |family| self.side_of_pod_in(inventory, subject, direction, pod, family))
            }
            End::Address(address) if direction == Direction::Ingress && self.is_own_node(inventory, subject, address) => {
                self.own_node_side(class, Target::Address(Family::of(address), number(address)), None)
            }
            End::Address(address) => self.addresses(class, direction).of_address(Family::of(address), number(address)),
            End::Unknown => self.outside(class, direction),
        }
    }

    /// Whether an address is one of the node that a pod runs on.
    pub(crate) fn is_own_node(&self, inventory: &Inventory, pod: PodId, address: IpAddr) -> bool {
        let own = &inventory.pods.at(pod).record().node;
        !own.is_empty() && self.nodes.get(&address).is_some_and(|node| **node == **own)
    }

    /// Whether two classes have no family of addresses in common, so that nothing can go between them.
    pub(crate) fn are_apart(&self, a: ClassId, b: ClassId) -> bool {
        self.classes.at(a).has_no_family_of(self.classes.at(b))
    }

    fn side_of_pod_in(&self, inventory: &Inventory, subject: PodId, direction: Direction, peer: PodId, family: Option<Family>) -> Outcome {
        if peer == subject && self.assumptions.self_traffic == SelfTraffic::Allowed {
            return Outcome::all();
        }
        let (own, other) = (inventory.pods.at(subject).record(), inventory.pods.at(peer).record());
        let same_node = !own.node.is_empty() && own.node == other.node;
        let from_node = direction == Direction::Ingress && other.host_network && same_node;
        if from_node && self.assumptions.host_network_pods != HostNetworkPods::Ordinary {
            let peer = self.classes.at(self.class_of(peer));
            return self.own_node_side(self.class_of(subject), Target::Class(peer), family);
        }
        self.answer(self.class_of(subject), direction, self.class_of(peer)).in_family(family).clone()
    }

    /// A connection between two ends, at least one of which should be a pod.
    pub fn connection(&self, inventory: &Inventory, from: End, to: End) -> Outcome {
        if let (End::Pod(from), End::Pod(to)) = (from, to) {
            if from != to && self.are_apart(self.class_of(from), self.class_of(to)) {
                return Outcome::exactly(PortSet::none());
            }
            return self.over_families(self.class_of(from), self.class_of(to), |family| {
                self.both_sides(self.class_of(from), self.class_of(to), |direction| match direction {
                    Direction::Egress => self.side_of_pod_in(inventory, from, Direction::Egress, to, family),
                    Direction::Ingress => self.side_of_pod_in(inventory, to, Direction::Ingress, from, family),
                })
            });
        }
        let egress = match from {
            End::Pod(pod) => self.side_of_pod(inventory, pod, Direction::Egress, to),
            End::Address(_) | End::Unknown => Outcome::all(),
        };
        let ingress = match to {
            End::Pod(pod) => self.side_of_pod(inventory, pod, Direction::Ingress, from),
            End::Address(_) | End::Unknown => Outcome::all(),
        };
        egress.and(&ingress)
    }

    /// What a class may do with an address outside that nobody knows: certain is what holds for every address.
    pub fn outside(&self, class: ClassId, direction: Direction) -> Outcome {
        let row = self.addresses(class, direction);
        let mut all: Option<Outcome> = None;
        for interval in row.intervals.iter().filter(|interval| self.names_ipv6() || interval.range.family == Family::V4) {
            all = Some(match all {
                None => interval.outcome.clone(),
                Some(so_far) => so_far.or_elsewhere(&interval.outcome, Cause::ResolvedAddress),
            });
        }
        all.unwrap_or_else(Outcome::all)
    }

    /// What a class may do with a domain name, or with every name below one (`*.example.com`).
    pub fn domain(&self, class: ClassId, direction: Direction, name: &DomainPattern) -> Outcome {
        let in_family = |family| self.row(class, direction).towards(self, Target::Domain(name, family));
        let outcome = in_family(Family::V4);
        if self.names_ipv6() { outcome.or_elsewhere(&in_family(Family::V6), Cause::ResolvedAddress) } else { outcome }
    }

    /// The families of addresses outside that are spoken of.
    pub(crate) fn families(&self) -> &'static [Family] {
        if self.names_ipv6() { &[Family::V4, Family::V6] } else { &[Family::V4] }
    }

    /// Whether a policy that selects a class names this pattern of domains for egress.
    pub(crate) fn names_domain(&self, class: ClassId, pattern: &DomainPattern) -> bool {
        let rules = self.policies_of(class, Direction::Egress).iter().filter_map(|placed| placed.policy.egress.as_ref()).flatten();
        rules
            .filter_map(|rule| rule.peers.as_ref())
            .flatten()
            .flat_map(|peer| peer.kind.parts())
            .any(|part| matches!(part, PeerKind::Domain(own) if own.pattern == *pattern))
    }

    /// The intervals of addresses outside that at least one class can tell apart: disjoint, sorted, covering each family that is
    /// spoken of.
    pub fn address_ranges(&self) -> Vec<AddressRange> {
        self.address_ranges_of(&self.inhabited().map(|(id, _)| id).collect::<Vec<_>>())
    }

    /// The intervals of addresses outside that some of these classes can tell apart.
    pub(crate) fn address_ranges_of(&self, classes: &[ClassId]) -> Vec<AddressRange> {
        let mut ranges = Vec::new();
        for family in [Family::V4, Family::V6] {
            if family == Family::V6 && !self.names_ipv6() {
                continue;
            }
            let mut starts = std::collections::BTreeSet::from([0u128]);
            for class in classes {
                for direction in Direction::ALL {
                    starts.extend(
                        self.addresses(*class, direction).listed().iter().filter(|i| i.range.family == family).map(|i| i.range.first),
                    );
                }
            }
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([family.last()]);
            ranges.extend(starts.iter().zip(ends).map(|(first, last)| AddressRange { family, first: *first, last }));
        }
        ranges
    }

    /// The addresses of one family as a set.
    pub(crate) fn every_address(family: Family) -> Intervals<u128> {
        Intervals::span(0, family.last())
    }
}
