//! Rows: what the policies that select a class make of every peer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::class::{Class, ClassId, PolicyPlace, RowKey};
use super::evaluation::Evaluation;
use super::matching::{Match, Target};
use super::{Outcome, Reachability};
use crate::address::{AddressRange, Family, number};
use crate::assumptions::Cause;
use crate::intervals::Intervals;
use crate::policy::{Direction, PeerKind, Policy, PortKind};
use crate::ports::Protocol;
use crate::record::ContainerPort;

/// What a class may do in one direction. What holds for a class that some rule singles out is worked out when asked for, once for all
/// that the row's peers cannot tell apart.
#[derive(Debug)]
pub(super) struct Row {
    /// What holds for a class that is not singled out.
    others: Arc<ClassOutcome>,
    named: Named,
    answers: Mutex<FxHashMap<Signature, Arc<ClassOutcome>>>,
}

/// What holds for a class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClassOutcome {
    /// Whichever addresses are used.
    pub(super) either: Outcome,
    /// For IPv4 and for IPv6, where it has both and they are treated differently.
    pub(super) by_family: Option<[Outcome; 2]>,
}

impl ClassOutcome {
    /// What holds where addresses of this family are used.
    pub(super) fn in_family(&self, family: Option<Family>) -> &Outcome {
        match (&self.by_family, family) {
            (Some([v4, _]), Some(Family::V4)) => v4,
            (Some([_, v6]), Some(Family::V6)) => v6,
            _ => &self.either,
        }
    }
}

/// Which classes the rules of a row can single out.
#[derive(Debug)]
struct Named {
    /// Those that selectors match, sorted; `None` where one matches everybody.
    selected: Option<Box<[ClassId]>>,
    /// The addresses that blocks hold, IPv4 and IPv6.
    blocks: [Intervals<u128>; 2],
    /// Whether nodes are named.
    has_nodes: bool,
    /// Names of ports that count at the other end.
    ports: Vec<(Option<Protocol>, SmolStr)>,
}

/// What a row's peers can tell of a class: which of them match it, how, and which ports it has where names of ports count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Signature {
    matches: SmallVec<[(u32, Match); 4]>,
    ports: Option<Arc<[ContainerPort]>>,
    has_both_families: bool,
}

/// What a class may do in one direction with addresses outside.
#[derive(Debug)]
pub struct Addresses {
    /// Disjoint intervals, sorted, each family covered, neighbours different.
    pub intervals: Vec<AddressOutcome>,
}

/// What holds for an interval of addresses outside.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressOutcome {
    /// The interval.
    pub range: AddressRange,
    /// What holds for each of its addresses.
    pub outcome: Outcome,
}

impl Named {
    fn nobody() -> Self {
        Self { selected: Some(Box::new([])), blocks: Default::default(), has_nodes: false, ports: Vec::new() }
    }

    fn new(reachability: &Reachability, policies: &[(PolicyPlace, &Policy)], direction: Direction) -> Self {
        let mut named = Self::nobody();
        let mut selected: Vec<ClassId> = Vec::new();
        for rule in policies.iter().filter_map(|(_, policy)| policy.rules(direction)).flatten() {
            for peer in rule.peers.iter().flatten() {
                match &peer.kind {
                    PeerKind::Pods(selector) => match reachability.classes_selected_by(selector) {
                        Some(classes) => selected.extend(classes),
                        None => named.selected = None,
                    },
                    PeerKind::Block(block) | PeerKind::Network(block) => {
                        let [v4, v6] = &mut named.blocks;
                        let blocks = if block.family == Family::V4 { v4 } else { v6 };
                        *blocks = blocks.union(&block.addresses);
                    }
                    PeerKind::Nodes(_) => named.has_nodes = true,
                    PeerKind::Domain(_) => {}
                }
            }
            if direction == Direction::Egress {
                named.ports.extend(rule.ports.iter().flatten().filter_map(|port| match &port.kind {
                    PortKind::Named(protocol, name) => Some((*protocol, name.clone())),
                    PortKind::Set(_) => None,
                }));
            }
        }
        if named.selected.is_some() {
            selected.sort_unstable();
            selected.dedup();
            named.selected = Some(selected.into());
        }
        named
    }

    /// Whether some rule may single a class out.
    fn may_hold(&self, id: ClassId, class: &Class) -> bool {
        let [v4, v6] = &self.blocks;
        let by_block = || {
            let has_blocks = !v4.is_empty() || !v6.is_empty();
            has_blocks
                && (class.addresses.is_empty()
                    || class.addresses.iter().any(|address| {
                        let blocks = if address.is_ipv4() { v4 } else { v6 };
                        blocks.contains(number(*address))
                    }))
        };
        self.selected.as_ref().is_none_or(|selected| selected.binary_search(&id).is_ok())
            || by_block()
            || (self.has_nodes && class.host_network)
            || self.has_port(class)
    }

    fn has_port(&self, class: &Class) -> bool {
        let is_named = |port: &ContainerPort| {
            self.ports.iter().any(|(protocol, name)| port.name == *name && protocol.is_none_or(|protocol| port.protocol == protocol))
        };
        !self.ports.is_empty() && class.ports.iter().any(is_named)
    }
}

impl Row {
    fn everything() -> Self {
        let others = Arc::new(ClassOutcome { either: Outcome::all(), by_family: None });
        Self { others, named: Named::nobody(), answers: Mutex::default() }
    }

    /// What holds for a class.
    pub(super) fn of_class(&self, reachability: &Reachability, key: &RowKey, id: ClassId) -> Arc<ClassOutcome> {
        let class = reachability.classes.at(id);
        if !self.named.may_hold(id, class) {
            return Arc::clone(&self.others);
        }
        let policies = key.policies.iter().filter_map(|place| reachability.policy_at(place));
        let rules = policies.filter_map(|policy| policy.rules(key.direction)).flatten();
        let peers = rules.filter_map(|rule| rule.peers.as_ref()).flatten().zip(0u32..);
        let matches = peers.map(|(peer, place)| (place, reachability.matcher.class_match(&peer.kind, class)));
        let signature = Signature {
            matches: matches.filter(|(_, matched)| *matched != Match::No).collect(),
            ports: self.named.has_port(class).then(|| Arc::clone(&class.ports)),
            has_both_families: class.has_both_families(),
        };
        if signature.matches.is_empty() && signature.ports.is_none() {
            return Arc::clone(&self.others);
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(&signature) {
            return Arc::clone(answer);
        }
        let policies = policies_of(reachability, key);
        let evaluation = Evaluation::new(reachability, key, &policies);
        let target = Target::Class(class);
        let answer = if class.has_both_families() {
            let [v4, v6] = [Family::V4, Family::V6].map(|family| evaluation.outcome(target, Some(family)));
            let either = v4.or_elsewhere(&v6, Cause::OneFamily);
            ClassOutcome { either, by_family: (v4 != v6).then_some([v4, v6]) }
        } else {
            ClassOutcome { either: evaluation.outcome(target, None), by_family: None }
        };
        let answer = Arc::new(answer);
        answers.insert(signature, Arc::clone(&answer));
        answer
    }

    /// The classes that rules single out, sorted; `None` where that is more than half of them.
    pub(super) fn singled_out(&self, reachability: &Reachability) -> Option<Vec<ClassId>> {
        let most = if reachability.classes.len() > 8 { reachability.classes.len() / 2 } else { usize::MAX };
        if self.named.selected.as_ref().is_none_or(|selected| selected.len() > most) {
            return None;
        }
        let holds = |(id, class): (ClassId, &Class)| self.named.may_hold(id, class).then_some(id);
        let ids: Vec<ClassId> = reachability.classes.entries().filter_map(holds).take(most.saturating_add(1)).collect();
        (ids.len() <= most).then_some(ids)
    }
}

impl Addresses {
    /// What holds for an address outside, given as the number within its family.
    pub fn of_address(&self, family: Family, address: u128) -> Outcome {
        // Sorted and without a gap within a family: the last one that begins at or before the address holds it.
        let begins_before = |range: &AddressRange| (range.family, range.first) <= (family, address);
        let n_before = self.intervals.partition_point(|interval| begins_before(&interval.range));
        let found = n_before.checked_sub(1).and_then(|index| self.intervals.get(index));
        found.filter(|interval| interval.range.family == family).map_or_else(Outcome::all, |interval| interval.outcome.clone())
    }
}

/// Works a row out.
pub(super) fn compute(reachability: &Reachability, key: &RowKey) -> Row {
    if key.policies.is_empty() && key.unseen.is_empty() {
        return Row::everything();
    }
    let policies = policies_of(reachability, key);
    let evaluation = Evaluation::new(reachability, key, &policies);

    let named = Named::new(reachability, &policies, key.direction);
    let others = Arc::new(ClassOutcome { either: evaluation.outcome(Target::AnyOtherClass, None), by_family: None });
    Row { others, named, answers: Mutex::default() }
}

/// Works out what a row says of addresses outside.
pub(super) fn addresses(reachability: &Reachability, key: &RowKey) -> Addresses {
    if key.policies.is_empty() && key.unseen.is_empty() {
        let all = [Family::V4, Family::V6].map(|family| AddressOutcome { range: AddressRange::all(family), outcome: Outcome::all() });
        return Addresses { intervals: all.into() };
    }
    let policies = policies_of(reachability, key);
    let evaluation = Evaluation::new(reachability, key, &policies);
    let mut starts = [BTreeSet::from([0u128]), BTreeSet::from([0u128])];
    let rules = policies.iter().filter_map(|(_, policy)| policy.rules(key.direction)).flatten();
    for block in rules.filter_map(|rule| rule.peers.as_ref()).flatten().flat_map(|peer| peer.kind.blocks()) {
        let [v4, v6] = &mut starts;
        let (starts, last) = if block.family == Family::V4 { (v4, Family::V4.last()) } else { (v6, Family::V6.last()) };
        for (first, end) in block.addresses.spans() {
            starts.insert(*first);
            if *end < last {
                starts.insert(*end + 1);
            }
        }
    }
    let mut intervals: Vec<AddressOutcome> = Vec::new();
    for (family, starts) in [Family::V4, Family::V6].into_iter().zip(starts) {
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([family.last()]);
        for (first, last) in starts.iter().zip(ends) {
            let outcome = evaluation.outcome(Target::Address(family, *first), None);
            match intervals.last_mut() {
                Some(previous) if previous.range.family == family && previous.outcome == outcome => previous.range.last = last,
                _ => intervals.push(AddressOutcome { range: AddressRange { family, first: *first, last }, outcome }),
            }
        }
    }
    Addresses { intervals }
}

fn policies_of<'a>(reachability: &'a Reachability, key: &RowKey) -> Vec<(PolicyPlace, &'a Policy)> {
    key.policies.iter().filter_map(|place| Some((*place, reachability.policy_at(place)?))).collect()
}

/// What a row says of one target that it keeps no answer for.
pub(super) fn towards(reachability: &Reachability, key: &RowKey, target: Target<'_>) -> Outcome {
    let policies = policies_of(reachability, key);
    Evaluation::new(reachability, key, &policies).outcome(target, None)
}
