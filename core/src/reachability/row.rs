//! Rows: what the policies that select a class make of every peer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::class::{Class, ClassId, PolicyPlace, RowKey};
use super::matching::{Match, Target, Uncertainty};
use super::{Outcome, Reachability};
use crate::address::{AddressRange, Family, number};
use crate::assumptions::Cause;
use crate::intervals::Intervals;
use crate::object::Kind;
use crate::policy::{Action, Direction, PeerKind, Policy, PortKind, Rule, TierMode};
use crate::ports::{PortSet, Protocol};
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
        let evaluation = Evaluation { reachability, key, policies: &policies, world: World::default() };
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
    pub fn of_address(&self, family: Family, address: u128) -> &Outcome {
        // Sorted and without a gap within a family: the last one that begins at or before the address holds it.
        let begins_before = |range: &AddressRange| (range.family, range.first) <= (family, address);
        let n_before = self.intervals.partition_point(|interval| begins_before(&interval.range));
        let found = n_before.checked_sub(1).and_then(|index| self.intervals.get(index)).or(self.intervals.first());
        found.map_or(EVERYTHING.get_or_init(Outcome::all), |interval| &interval.outcome)
    }
}

/// What holds where nothing is said: never asked for, as every address lies in an interval.
static EVERYTHING: OnceLock<Outcome> = OnceLock::new();

/// Works a row out.
pub(super) fn compute(reachability: &Reachability, key: &RowKey) -> Row {
    if key.policies.is_empty() && key.unseen.is_empty() {
        return Row::everything();
    }
    let policies = policies_of(reachability, key);
    let evaluation = Evaluation { reachability, key, policies: &policies, world: World::default() };

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
    let evaluation = Evaluation { reachability, key, policies: &policies, world: World::default() };
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
    Evaluation { reachability, key, policies: &policies, world: World::default() }.outcome(target, None)
}

struct Evaluation<'a> {
    reachability: &'a Reachability,
    key: &'a RowKey,
    policies: &'a [(PolicyPlace, &'a Policy)],
    world: World,
}

/// One way in which unsettled assumptions may turn out; what it does not speak of stays open.
#[derive(Debug, Clone, Copy, Default)]
struct World([Option<bool>; Uncertainty::ASSUMPTIONS.len()]);

impl World {
    fn with(mut self, uncertainty: Uncertainty, holds: bool) -> Self {
        for (value, known) in self.0.iter_mut().zip(Uncertainty::ASSUMPTIONS) {
            if known == uncertainty {
                *value = Some(holds);
            }
        }
        self
    }

    /// A match as it is in this world.
    fn settle(self, matched: Match) -> Match {
        let (uncertainty, family) = match matched {
            Match::Maybe(uncertainty, family) => (uncertainty, family),
            Match::IfKnown(uncertainty) => (uncertainty, None),
            settled => return settled,
        };
        let value = self.0.iter().zip(Uncertainty::ASSUMPTIONS).find(|(_, known)| *known == uncertainty).and_then(|(value, _)| *value);
        match (value, family) {
            (None, _) => matched,
            (Some(false), _) => Match::No,
            (Some(true), None) if matches!(matched, Match::IfKnown(_)) => Match::Maybe(Uncertainty::UnknownAddress, None),
            (Some(true), None) => Match::Yes,
            (Some(true), Some(family)) => Match::Family(family),
        }
    }
}

/// The ports on which each end is possible. A port may be in several: that is what "depends" means.
#[derive(Default)]
struct Possible {
    allow: PortSet,
    deny: PortSet,
    pass: PortSet,
    causes: Vec<Cause>,
}

impl Possible {
    fn extend(&mut self, other: Self) {
        self.allow = self.allow.union(&other.allow);
        self.deny = self.deny.union(&other.deny);
        self.pass = self.pass.union(&other.pass);
        self.causes.extend(other.causes);
    }

    /// Whether some port has one end here and another there.
    fn disagrees_with(&self, other: &Self) -> bool {
        let crosses = |one: &PortSet, a: &PortSet, b: &PortSet| !one.intersection(&a.union(b)).is_empty();
        crosses(&self.allow, &other.deny, &other.pass)
            || crosses(&self.deny, &other.allow, &other.pass)
            || crosses(&self.pass, &other.allow, &other.deny)
    }
}

impl Evaluation<'_> {
    /// Every plane must let it through. An assumption that nobody settled holds for all rules or for none: what comes to the same both
    /// ways does not hang on it.
    fn outcome(&self, target: Target<'_>, family: Option<Family>) -> Outcome {
        let outcome = self.outcome_in(target, family, World::default());
        let asked: Vec<Uncertainty> = Uncertainty::ASSUMPTIONS.into_iter().filter(|one| outcome.causes.contains(&one.cause())).collect();
        if asked.is_empty() {
            return outcome;
        }
        let worlds = asked.iter().fold(vec![World::default()], |worlds, uncertainty| {
            worlds.iter().flat_map(|world| [true, false].map(|holds| world.with(*uncertainty, holds))).collect()
        });
        let outcomes: Vec<Outcome> = worlds.into_iter().map(|world| self.outcome_in(target, family, world)).collect();
        let certain = outcomes.iter().map(|outcome| outcome.certain.clone()).reduce(|a, b| a.intersection(&b)).unwrap_or_default();
        let possible = outcomes.iter().fold(PortSet::none(), |so_far, outcome| so_far.union(&outcome.possible));
        let mut causes: Vec<Cause> = outcomes.iter().flat_map(|outcome| outcome.causes.iter().cloned()).collect();
        if outcomes.iter().any(|outcome| Some(outcome) != outcomes.first()) {
            causes.extend(asked.iter().map(|uncertainty| uncertainty.cause()));
        }
        Outcome::new(certain, possible, causes)
    }

    fn outcome_in(&self, target: Target<'_>, family: Option<Family>, world: World) -> Outcome {
        let evaluation = Evaluation { world, ..*self };
        let planes = self.reachability.planes.iter().enumerate();
        planes.fold(Outcome::all(), |so_far, (index, _)| so_far.and(&evaluation.plane(index, target, family)))
    }

    fn plane(&self, plane_index: usize, target: Target<'_>, family: Option<Family>) -> Outcome {
        let Some(plane) = self.reachability.planes.get(plane_index) else { return Outcome::all() };
        let mut ends = Possible::default();
        let mut open = PortSet::all();
        for (tier_index, tier) in plane.tiers.iter().enumerate() {
            let in_tier = |place: &PolicyPlace| place.is_in(plane_index, tier_index);
            let policies: Vec<&Policy> = self.policies.iter().filter(|(place, _)| in_tier(place)).map(|(_, policy)| *policy).collect();
            let unseen = tier.kinds.iter().copied().find(|kind| self.key.unseen.contains(kind));
            let tier_ends = match tier.mode {
                TierMode::FirstMatch => self.first_match(&policies, &open, unseen, target, family),
                TierMode::Union => self.union(&policies, &open, unseen, target, family),
            };
            ends.allow = ends.allow.union(&tier_ends.allow);
            ends.deny = ends.deny.union(&tier_ends.deny);
            ends.causes.extend(tier_ends.causes);
            open = tier_ends.pass;
        }
        // What no tier decides is allowed.
        ends.allow = ends.allow.union(&open);
        Outcome::new(ends.allow.difference(&ends.deny), ends.allow, ends.causes)
    }

    fn first_match(
        &self,
        policies: &[&Policy],
        open: &PortSet,
        unseen: Option<Kind>,
        target: Target<'_>,
        family: Option<Family>,
    ) -> Possible {
        let mut ends = Possible::default();
        let mut open = open.clone();
        if let Some(kind) = unseen {
            // One that we may not see could be asked first, and do anything.
            ends = Possible { allow: open.clone(), deny: open.clone(), pass: open.clone(), causes: vec![Cause::Unseen(kind)] };
        }
        for equals in policies.chunk_by(|a, b| a.rank == b.rank) {
            // Any of them may be asked first: what each would decide is possible, and only what none of them decides is left.
            let mut group = Possible::default();
            let mut left = open.clone();
            for policy in equals {
                let (own, own_left) = self.first_rules(policy, &open, target, family);
                if group.disagrees_with(&own) {
                    group.causes.push(Cause::EqualPriority);
                }
                group.extend(own);
                left = left.intersection(&own_left);
            }
            ends.extend(group);
            open = left;
            if open.is_empty() {
                break;
            }
        }
        ends.pass = ends.pass.union(&open);
        ends
    }

    /// What the rules of one policy make of the open ports, in order, and the ports that they may leave open.
    fn first_rules(&self, policy: &Policy, open: &PortSet, target: Target<'_>, family: Option<Family>) -> (Possible, PortSet) {
        let mut ends = Possible::default();
        let mut open = open.clone();
        for rule in policy.rules(self.key.direction).into_iter().flatten() {
            let (matched, ports) = self.rule(rule, target, family);
            let here = open.intersection(&ports);
            if here.is_empty() {
                continue;
            }
            let end = match rule.action {
                Action::Allow => &mut ends.allow,
                Action::Deny => &mut ends.deny,
                Action::Pass => &mut ends.pass,
            };
            *end = end.union(&here);
            match matched.cause() {
                None => open = open.difference(&ports),
                Some(cause) => ends.causes.push(cause),
            }
        }
        (ends, open)
    }

    fn union(&self, policies: &[&Policy], open: &PortSet, unseen: Option<Kind>, target: Target<'_>, family: Option<Family>) -> Possible {
        let mut ends = Possible::default();
        if policies.is_empty() {
            ends.pass = open.clone();
            if let Some(kind) = unseen {
                // One that we may not see could isolate, and let through what a later tier would not.
                ends.allow = open.clone();
                ends.deny = open.clone();
                ends.causes.push(Cause::Unseen(kind));
            }
            return ends;
        }
        let mut open = open.clone();
        let mut certain = PortSet::none();
        for action in [Action::Deny, Action::Allow] {
            for rule in policies.iter().filter_map(|policy| policy.rules(self.key.direction)).flatten().filter(|rule| rule.action == action)
            {
                let (matched, ports) = self.rule(rule, target, family);
                let here = open.intersection(&ports);
                if here.is_empty() {
                    continue;
                }
                match (action, matched.cause()) {
                    (Action::Deny, cause) => {
                        ends.deny = ends.deny.union(&here);
                        match cause {
                            None => open = open.difference(&ports),
                            Some(cause) => ends.causes.push(cause),
                        }
                    }
                    (_, cause) => {
                        ends.allow = ends.allow.union(&here);
                        match cause {
                            None => certain = certain.union(&here),
                            Some(cause) => ends.causes.push(cause),
                        }
                    }
                }
            }
        }
        let not_allowed = open.difference(&certain);
        if let (Some(kind), false) = (unseen, not_allowed.is_empty()) {
            // Policies only add: one that we may not see could let through what these do not.
            ends.allow = ends.allow.union(&not_allowed);
            ends.causes.push(Cause::Unseen(kind));
        }
        ends.deny = ends.deny.union(&not_allowed);
        ends
    }

    fn rule(&self, rule: &Rule, target: Target<'_>, family: Option<Family>) -> (Match, PortSet) {
        let matched = self.reachability.matcher.rule_match(rule, target, family, &|matched| self.world.settle(matched));
        if matched == Match::No {
            return (matched, PortSet::none());
        }
        (matched, rule_ports(rule, self.key.direction, &self.key.ports, target))
    }
}

/// The ports of a rule towards a target. Names resolve on the destination: the subject itself for ingress, the target for egress.
pub(crate) fn rule_ports(rule: &Rule, direction: Direction, subject: &[ContainerPort], target: Target<'_>) -> PortSet {
    let Some(ports) = &rule.ports else { return PortSet::all() };
    let destination = match (direction, target) {
        (Direction::Ingress, _) => subject,
        (Direction::Egress, Target::Class(class)) => &class.ports,
        (Direction::Egress, Target::Newcomer(newcomer)) => &newcomer.ports,
        (Direction::Egress, _) => &[],
    };
    ports.iter().fold(PortSet::none(), |so_far, port| match &port.kind {
        PortKind::Set(set) => so_far.union(set),
        PortKind::Named(Some(protocol), name) => so_far.union(&port_named(destination, *protocol, name)),
        PortKind::Named(None, name) => {
            Protocol::ALL.into_iter().fold(so_far, |so_far, protocol| so_far.union(&port_named(destination, protocol, name)))
        }
    })
}

/// The first port of this name and protocol.
fn port_named(ports: &[ContainerPort], protocol: Protocol, name: &str) -> PortSet {
    let found = ports.iter().find(|port| port.name == name && port.protocol == protocol);
    found.map_or_else(PortSet::none, |port| PortSet::one(protocol, port.port))
}

impl Reachability {
    /// Whether a rule's peers hold a target, for reasons.
    pub(crate) fn rule_match(&self, rule: &Rule, target: Target<'_>, family: Option<Family>) -> Match {
        self.matcher.rule_match(rule, target, family, &|matched| matched)
    }
}
