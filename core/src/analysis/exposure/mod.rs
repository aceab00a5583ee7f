//! Exposure: what could reach a workload, or be reached by it, that is not there yet.
//!
//! Every rule that lets something through to pods names a group of pods. A pod of that group of which nothing else is known is held
//! against all policies in force, as a pod that is there would be. What holds for the whole cluster is not repeated for parts of it, and
//! a group that asks for plain labels which some pod has already is left to the listing of connections, where that pod is.

mod answer;
mod group;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

pub use answer::{ExposedPeer, Exposure, LeftOut, Opening, Outside};
pub use group::PodGroup;

use super::connections::{UnitMember, merge};
use super::{Analysis, Unit};
use crate::address::AddressRange;
use crate::inventory::{PodId, WorkloadId};
use crate::policy::{Action, Direction, PeerKind, PortKind, Rule};
use crate::ports::{PortSet, Protocol};
use crate::reachability::{ClassId, Outcome, Placed, RowKey};
use crate::record::ContainerPort;

/// What a unit's rules name in one direction.
#[derive(Default)]
struct Named {
    /// The groups that a rule lets through.
    allowed: BTreeSet<PodGroup>,
    /// The groups that a rule leaves to the next tier.
    passed: BTreeSet<PodGroup>,
    /// The groups that may get less than others: those that a rule keeps out, or leaves to the next tier.
    lessened: BTreeSet<PodGroup>,
    /// Ports by name at the other end, each with a number that no rule speaks of.
    ports: BTreeMap<(SmolStr, Protocol), u16>,
}

/// What holds between a unit and a group.
#[derive(Clone, PartialEq)]
struct Found {
    outcome: Outcome,
    /// Names of ports: certain, and possible.
    named: [BTreeSet<String>; 2],
}

impl Found {
    /// Whether all of it holds for another group too.
    fn is_in(&self, other: &Self) -> bool {
        let [certain, possible] = &self.named;
        other.outcome.certain.contains_all(&self.outcome.certain)
            && other.outcome.possible.contains_all(&self.outcome.possible)
            && certain.is_subset(&other.named[0])
            && possible.is_subset(&other.named[1])
    }
}

impl Analysis {
    /// What every unit is open to, in each direction, by unit. A unit of whose pods nothing is open has no openings.
    pub fn exposure(&self, unit: Unit) -> Vec<Exposure> {
        // Units that the same policies select are answered alike.
        let mut known: FxHashMap<(Direction, Vec<&RowKey>), Vec<Opening>> = FxHashMap::default();
        let mut all = Vec::new();
        for unit in self.units(unit) {
            for direction in Direction::ALL {
                let mut rows: Vec<&RowKey> = unit.classes.iter().map(|class| self.reachability.row_key(*class, direction)).collect();
                rows.dedup();
                let openings = known.entry((direction, rows)).or_insert_with(|| self.openings(&unit.classes, direction)).clone();
                all.push(Exposure { protected: self.is_protected(&unit, direction), unit: unit.peer.clone(), direction, openings });
            }
        }
        all
    }

    /// What a workload is open to, in each direction.
    pub fn exposure_of_workload(&self, id: WorkloadId) -> [Exposure; 2] {
        self.exposure_of(&self.workload_unit(id))
    }

    /// What a pod is open to, in each direction.
    pub fn exposure_of_pod(&self, id: PodId) -> [Exposure; 2] {
        self.exposure_of(&self.pod_unit(id))
    }

    fn exposure_of(&self, unit: &UnitMember) -> [Exposure; 2] {
        Direction::ALL.map(|direction| Exposure {
            unit: unit.peer.clone(),
            direction,
            protected: self.is_protected(unit, direction),
            openings: self.openings(&unit.classes, direction),
        })
    }

    fn is_protected(&self, unit: &UnitMember, direction: Direction) -> bool {
        unit.classes.iter().all(|class| self.reachability.is_isolated(*class, direction))
    }

    fn openings(&self, classes: &[ClassId], direction: Direction) -> Vec<Opening> {
        let named = self.named(classes, direction);
        let mut openings = Vec::new();
        let find = |group: &PodGroup| self.found(classes, direction, group, &named);
        let everything = PodGroup::everything();
        let cluster = find(&everything);
        let mut add = |group: &PodGroup, found: &Found| {
            let peer = ExposedPeer::of(group.clone());
            let left_out = self.left_out(classes, direction, group, &found.outcome.certain, &named.lessened);
            push(&mut openings, peer, found, left_out);
        };
        add(&everything, &cluster);
        let mut broader: Vec<(PodGroup, Found)> = vec![(everything, cluster.clone())];
        for group in named.allowed.iter().filter(|group| !group.is_everything()) {
            let found = find(group);
            if !found.is_in(&cluster) {
                add(group, &found);
                broader.push((group.clone(), found));
            }
        }
        // To be passed on opens nothing by itself: it is told where it leaves more than a broader group has.
        for group in named.passed.difference(&named.allowed) {
            let found = find(group);
            if !broader.iter().any(|(other, others)| group.is_within(other, &self.snapshot) && found.is_in(others)) {
                add(group, &found);
            }
        }
        for family in self.reachability.families() {
            let outcome = merge(classes.iter().map(|class| self.reachability.everywhere_outside(*class, direction, *family)));
            let range = AddressRange::all(*family);
            let peer = ExposedPeer::Range(Outside { first: range.first_address(), last: range.last_address() });
            push(&mut openings, peer, &Found { outcome, named: Default::default() }, Vec::new());
        }
        openings
    }

    /// The groups and the names of ports that the rules in force name.
    fn named(&self, classes: &[ClassId], direction: Direction) -> Named {
        let mut named = Named::default();
        let mut policies: Vec<&Placed> = classes.iter().flat_map(|class| self.reachability.policies_of(*class, direction)).collect();
        policies.sort_by(|a, b| a.order().cmp(&b.order()));
        policies.dedup();
        let rules: Vec<&Rule> = policies.into_iter().filter_map(|placed| placed.policy.rules(direction)).flatten().collect();
        for rule in &rules {
            for peer in rule.peers.iter().flatten() {
                let PeerKind::Pods(selector) = &peer.kind else { continue };
                let group = PodGroup::of(selector);
                if rule.action != Action::Allow {
                    named.lessened.insert(group.clone());
                }
                let is_there =
                    !selector.pods.is_everything() && selector.pods.asks_for_labels_only() && self.reachability.selects_some(peer);
                match rule.action {
                    _ if is_there => false,
                    Action::Allow => named.allowed.insert(group),
                    Action::Pass => named.passed.insert(group),
                    Action::Deny => false,
                };
            }
        }
        if direction == Direction::Egress {
            named.ports = names_of_ports(&rules);
        }
        named
    }

    fn with_group(&self, classes: &[ClassId], direction: Direction, group: &PodGroup, ports: Vec<ContainerPort>) -> Outcome {
        let newcomer = group.newcomer(&self.snapshot, ports);
        merge(classes.iter().map(|class| self.reachability.with_newcomer(*class, direction, &newcomer)))
    }

    fn found(&self, classes: &[ClassId], direction: Direction, group: &PodGroup, named: &Named) -> Found {
        let outcome = self.with_group(classes, direction, group, Vec::new());
        let mut found = Found { outcome, named: Default::default() };
        for ((name, protocol), port) in &named.ports {
            let has_it = ContainerPort { name: name.clone(), protocol: *protocol, port: *port, host_port: None };
            let outcome = self.with_group(classes, direction, group, vec![has_it]);
            let [certain, possible] = &mut found.named;
            for (names, with, without) in
                [(certain, &outcome.certain, &found.outcome.certain), (possible, &outcome.possible, &found.outcome.possible)]
            {
                if with.contains(*protocol, *port) && !without.contains(*protocol, *port) {
                    names.insert(format!("{name}/{protocol}"));
                }
            }
        }
        found
    }

    /// Who of a group is kept from some of the ports that the rest of it gets.
    fn left_out(
        &self,
        classes: &[ClassId],
        direction: Direction,
        group: &PodGroup,
        ports: &PortSet,
        lessened: &BTreeSet<PodGroup>,
    ) -> Vec<LeftOut> {
        let parts: BTreeSet<PodGroup> = lessened.iter().filter_map(|other| group.and(other, &self.snapshot)).collect();
        let parts = parts.into_iter().filter(|part| part != group).map(|part| {
            let lost = ports.difference(&self.with_group(classes, direction, &part, Vec::new()).certain);
            LeftOut { peer: ExposedPeer::of(part), ports: lost }
        });
        parts.filter(|part| !part.ports.is_empty()).collect()
    }
}

/// Adds what is certain, and what depends.
fn push(openings: &mut Vec<Opening>, peer: ExposedPeer, found: &Found, left_out: Vec<LeftOut>) {
    let [certain, possible] = &found.named;
    let names = |names: BTreeSet<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    let depends: Vec<String> = found.outcome.causes.iter().map(ToString::to_string).collect();
    let (ports, named) = (found.outcome.certain.clone(), names(certain.iter().collect()));
    if !ports.is_empty() || !named.is_empty() {
        openings.push(Opening { peer: peer.clone(), ports, named, depends: Vec::new(), left_out });
    }
    let (ports, named) = (found.outcome.dependent(), names(possible.difference(certain).collect()));
    if !ports.is_empty() || !named.is_empty() {
        openings.push(Opening { peer, ports, named, depends, left_out: Vec::new() });
    }
}

/// The names of ports in rules, each with a number that no rule speaks of by itself, so that the name alone decides.
fn names_of_ports(rules: &[&Rule]) -> BTreeMap<(SmolStr, Protocol), u16> {
    let ports = || rules.iter().filter_map(|rule| rule.ports.as_ref()).flatten();
    let mut spoken_of = PortSet::none();
    for port in ports() {
        if let PortKind::Set(set) = &port.kind {
            let partly = Protocol::ALL.into_iter().filter(|protocol| !set.contains_all(&PortSet::all_of(*protocol)));
            let partly = partly.fold(PortSet::none(), |so_far, protocol| so_far.union(&PortSet::all_of(protocol)));
            spoken_of = spoken_of.union(&set.intersection(&partly));
        }
    }
    let mut names = BTreeMap::new();
    for port in ports() {
        let PortKind::Named(protocol, name) = &port.kind else { continue };
        for protocol in Protocol::ALL.into_iter().filter(|candidate| protocol.is_none_or(|protocol| protocol == *candidate)) {
            let free = PortSet::all_of(protocol).difference(&spoken_of);
            if let Some((first, _)) = free.spans_of(protocol).first() {
                names.insert((name.clone(), protocol), *first);
            }
        }
    }
    names
}
