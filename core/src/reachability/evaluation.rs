//! What the policies of a row make of one target: plane by plane, tier by tier, with every port's possible ends.

use std::sync::Arc;

use super::matching::{Match, Target, Uncertainty, resolved_match};
use super::row::{Placed, RowKey};
use super::{Outcome, Reachability};
use crate::address::Family;
use crate::assumptions::Cause;
use crate::object::Kind;
use crate::policy::{Action, Direction, DomainPattern, PeerKind, Policy, PortKind, Rest, Rule, TierMode};
use crate::ports::{PortSet, Protocol};
use crate::record::ContainerPort;

/// The policies of a row, ready to be held against targets.
pub(super) struct Evaluation<'a> {
    reachability: &'a Reachability,
    key: &'a RowKey,
    world: World,
    /// Whether no name of a domain is taken to resolve to an address that is asked for.
    leaves_names_out: bool,
    /// Whether only those planes are asked that a pod's own node must pass.
    is_own_node: bool,
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

impl<'a> Evaluation<'a> {
    /// Of the policies that decide a row.
    pub(super) fn new(reachability: &'a Reachability, key: &'a RowKey) -> Self {
        Self { reachability, key, world: World::default(), leaves_names_out: false, is_own_node: false }
    }

    /// The same for what comes from the node that the subject runs on. `None` where that passes every plane.
    pub(super) fn for_own_node(&self) -> Option<Self> {
        let planes = &self.reachability.planes;
        let asks = |placed: &Placed| planes.get(usize::from(placed.plane)).is_some_and(|plane| !plane.lets_own_node_in);
        self.key.policies.iter().any(asks).then_some(Self { is_own_node: true, ..*self })
    }

    /// The same, but that no name of a domain resolves to an address that is asked for.
    pub(super) fn without_names(&self) -> Self {
        Self { leaves_names_out: true, ..*self }
    }

    /// Every plane must let it through. An assumption that nobody settled holds for all rules or for none: what comes to the same both
    /// ways does not hang on it.
    pub(super) fn outcome(&self, target: Target<'_>, family: Option<Family>) -> Outcome {
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
        // A plane of which no policy is for the subject, seen or unseen, lets everything pass.
        let has_a_say =
            |index: &usize| !self.key.unseen.is_empty() || self.key.policies.iter().any(|placed| usize::from(placed.plane) == *index);
        let is_asked =
            |index: &usize| !self.is_own_node || self.reachability.planes.get(*index).is_some_and(|plane| !plane.lets_own_node_in);
        let planes = (0..self.reachability.planes.len()).filter(has_a_say).filter(is_asked);
        let outcomes = planes.map(|index| evaluation.plane(index, target, family));
        outcomes.reduce(|so_far, outcome| so_far.and(&outcome)).unwrap_or_else(Outcome::all)
    }

    fn plane(&self, plane_index: usize, target: Target<'_>, family: Option<Family>) -> Outcome {
        let Some(plane) = self.reachability.planes.get(plane_index) else { return Outcome::all() };
        let mut ends = Possible::default();
        let mut open = PortSet::all();
        for (tier_index, tier) in plane.tiers.iter().enumerate() {
            // They are in the order of planes and tiers.
            let is_before = |placed: &Placed| (usize::from(placed.plane), usize::from(placed.tier)) < (plane_index, tier_index);
            let from = self.key.policies.get(self.key.policies.partition_point(is_before)..).unwrap_or_default();
            let policies = from.get(..from.partition_point(|placed| placed.is_in(plane_index, tier_index))).unwrap_or_default();
            let unseen = tier.kinds.iter().copied().find(|kind| self.key.unseen.contains(kind));
            let tier_ends = match tier.mode {
                TierMode::FirstMatch(rest) => self.first_match(policies, rest, &open, unseen, target, family),
                TierMode::Union => self.union(policies, &open, unseen, target, family),
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
        policies: &[Placed],
        rest: Rest,
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
        for equals in policies.chunk_by(|a, b| a.policy.rank == b.policy.rank) {
            // Any of them may be asked first: what each would decide is possible, and only what none of them decides is left.
            let mut group = Possible::default();
            let mut left = open.clone();
            for policy in equals {
                let (own, own_left) = self.first_rules(&policy.policy, &open, target, family);
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
        let is_in_force = |placed: &Placed| placed.policy.condition.is_none();
        match rest {
            Rest::Denied if policies.iter().any(is_in_force) => ends.deny = ends.deny.union(&open),
            Rest::Denied if !policies.is_empty() => {
                // Where none of them is in force, the tier is not for the pod.
                ends.deny = ends.deny.union(&open);
                ends.pass = ends.pass.union(&open);
                ends.causes.extend(policies.iter().filter_map(|placed| condition_of(&placed.policy)));
            }
            Rest::Denied | Rest::Passes => ends.pass = ends.pass.union(&open),
        }
        ends
    }

    /// What the rules of one policy make of the open ports, in order, and the ports that they may leave open.
    fn first_rules(&self, policy: &Policy, open: &PortSet, target: Target<'_>, family: Option<Family>) -> (Possible, PortSet) {
        let mut ends = Possible::default();
        let mut open = open.clone();
        for rule in policy.rules(self.key.direction).into_iter().flatten() {
            let (cause, ports) = self.rule(policy, rule, target, family);
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
            match cause {
                None => open = open.difference(&ports),
                Some(cause) => ends.causes.push(cause),
            }
        }
        (ends, open)
    }

    fn union(&self, policies: &[Placed], open: &PortSet, unseen: Option<Kind>, target: Target<'_>, family: Option<Family>) -> Possible {
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
        let isolating = || policies.iter().filter(|placed| placed.policy.isolates(self.key.direction));
        // What the same condition brings in, that isolates and that lets through, is let through whether it holds or not.
        let shared = isolating().next().and_then(|placed| placed.policy.condition.as_ref());
        let shared = shared.filter(|shared| isolating().all(|placed| placed.policy.condition.as_ref() == Some(*shared)));
        for action in [Action::Deny, Action::Allow] {
            let rules = policies.iter().flat_map(|placed| {
                let rules = placed.policy.rules(self.key.direction).unwrap_or_default();
                rules.iter().map(|rule| (&*placed.policy, rule))
            });
            for (policy, rule) in rules.filter(|(_, rule)| rule.action == action) {
                let (cause, ports) = self.rule(policy, rule, target, family);
                let here = open.intersection(&ports);
                if here.is_empty() {
                    continue;
                }
                match (action, cause) {
                    (Action::Deny, cause) => {
                        ends.deny = ends.deny.union(&here);
                        match cause {
                            None => open = open.difference(&ports),
                            Some(cause) => ends.causes.push(cause),
                        }
                    }
                    (_, cause) => {
                        ends.allow = ends.allow.union(&here);
                        let is_shared = |condition: &Arc<str>| policy.condition.as_ref() == Some(condition) && rule.condition().is_none();
                        let cause = cause.filter(|cause| match (cause, shared) {
                            (Cause::Condition(condition), Some(shared)) => condition != shared || !is_shared(condition),
                            _ => true,
                        });
                        match cause {
                            None => certain = certain.union(&here),
                            Some(cause) => ends.causes.push(cause),
                        }
                    }
                }
            }
        }
        let undecided = open.difference(&certain);
        let mut isolating = isolating().peekable();
        if isolating.peek().is_none() {
            // Nothing is kept from the pod that is not denied.
            ends.pass = undecided.clone();
        } else if isolating.all(|placed| placed.policy.condition.is_some()) {
            ends.pass = undecided.clone();
            ends.deny = ends.deny.union(&undecided);
            ends.causes.extend(policies.iter().filter_map(|placed| condition_of(&placed.policy)));
        } else {
            ends.deny = ends.deny.union(&undecided);
        }
        if let (Some(kind), false) = (unseen, undecided.is_empty()) {
            // Policies that only add could let through what these do not; and where these do not isolate, one could, or deny.
            ends.allow = ends.allow.union(&undecided);
            ends.deny = ends.deny.union(&undecided);
            ends.causes.push(Cause::Unseen(kind));
        }
        ends
    }

    /// What must be so for a rule to match, where anything must, and its ports; none where it does not match at all.
    fn rule(&self, policy: &Policy, rule: &Rule, target: Target<'_>, family: Option<Family>) -> (Option<Cause>, PortSet) {
        let settle = |matched| match matched {
            Match::Maybe(Uncertainty::Resolves, _) if self.leaves_names_out => Match::No,
            matched => self.world.settle(matched),
        };
        let mut matched = self.reachability.matcher.rule_match(rule, target, family, &settle);
        if matched == Match::No {
            return (None, PortSet::none());
        }
        if let (Match::Yes, Target::Domain(name, _)) = (matched, target)
            && self.is_to_be_learned(rule, name)
        {
            matched = Match::Maybe(Uncertainty::Unlearned, None);
        }
        let cause = matched.cause().or_else(|| rule.condition().cloned().map(Cause::Condition)).or_else(|| condition_of(policy));
        (cause, rule_ports(rule, self.key.direction, &self.key.ports, target))
    }

    /// Whether a rule is for the name only as far as a proxy learns of it, and none of the subject's rules shows the lookups to the proxy.
    fn is_to_be_learned(&self, rule: &Rule, name: &DomainPattern) -> bool {
        is_to_be_learned(rule, name, self.key.policies.iter().map(|placed| &*placed.policy))
    }
}

/// What must be so for a policy to be in force.
fn condition_of(policy: &Policy) -> Option<Cause> {
    policy.condition.clone().map(Cause::Condition)
}

/// Whether a rule is for a name only as far as a proxy learns of it, and no rule of these policies lets the proxy see all lookups.
pub(crate) fn is_to_be_learned<'a>(rule: &Rule, name: &DomainPattern, mut policies: impl Iterator<Item = &'a Policy>) -> bool {
    let is_certain = |kind: &PeerKind| match kind {
        PeerKind::Domain(domain) => domain.pattern.covers(name) && !domain.is_learned,
        kind => !matches!(resolved_match(kind, Family::V4), Match::No | Match::Maybe(..)),
    };
    let is_by_lookups = |kind: &PeerKind| kind.parts().iter().any(|part| matches!(part, PeerKind::Domain(domain) if domain.is_learned));
    let is_learned = rule
        .peers
        .as_ref()
        .is_some_and(|peers| peers.iter().any(|peer| is_by_lookups(&peer.kind)) && !peers.iter().any(|peer| is_certain(&peer.kind)));
    let shows = |rule: &Rule| rule.action == Action::Allow && rule.lookups().iter().any(|shown| shown.covers(name));
    is_learned && !policies.any(|policy| policy.rules(Direction::Egress).into_iter().flatten().any(shows))
}

/// The ports of a rule towards a target. Names resolve on the destination: the subject itself for ingress, the target for egress.
pub(crate) fn rule_ports(rule: &Rule, direction: Direction, subject: &[ContainerPort], target: Target<'_>) -> PortSet {
    let Some(ports) = &rule.ports else { return PortSet::all() };
    let destination = match (direction, target) {
        (Direction::Ingress, _) => subject,
        (Direction::Egress, Target::Class(class)) => class.ports(),
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
