//! Why one side of a connection says what it says: the same matchers asked again for one pair, tier by tier, and put into sentences.

use smol_str::SmolStr;

use super::Analysis;
use super::misses::{Miss, number_of};
use super::trace::{Decision, Leg, Reason, Side, verdict_of};
use crate::address::{Family, number};
use crate::assumptions::{Cause, HostNetworkPods, SelfTraffic};
use crate::inventory::PodId;
use crate::peer::Verdict;
use crate::policy::{Action, Direction, DomainPattern, PeerKind, Plane, Policy, Rest, Rule, TierMode};
use crate::ports::PortSet;
use crate::reachability::{ClassId, End, Match, Outcome, Target, Uncertainty, is_to_be_learned, resolved_match, rule_ports};

/// The end of a connection that a side looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other<'a> {
    pub(super) end: End,
    /// The domain name, where it is one.
    pub(super) domain: Option<&'a DomainPattern>,
}

/// One side of a question.
struct Question<'a> {
    direction: Direction,
    subject: PodId,
    subject_name: String,
    class: ClassId,
    other: Other<'a>,
    asked: Option<&'a PortSet>,
    verdict: Verdict,
    /// Whether it comes from the node that the subject runs on.
    is_own_node: bool,
}

/// What a tier leaves of the ports that are asked for.
struct Told {
    reasons: Vec<Reason>,
    /// The ports that it may leave to the next tier.
    open: PortSet,
}

impl Analysis {
    pub(super) fn name_of(&self, other: &Other<'_>) -> String {
        match (other.end, other.domain) {
            (End::Pod(pod), _) => self.inventory.pods.at(pod).path(),
            (End::Address(address), _) => address.to_string(),
            (End::Unknown, Some(domain)) => domain.to_string(),
            (End::Unknown, None) => "any address outside".to_owned(),
        }
    }

    /// Adds the reasons of one side that are not there yet. Pods of one workload differ in the names that sentences bear, and that is
    /// no other reason.
    pub(super) fn add_reasons(&self, side: &mut Side, leg: &Leg, direction: Direction, outcome: &Outcome) {
        for reason in self.reasons(leg, direction, outcome) {
            let is_same = |other: &Reason| {
                other.decision == reason.decision
                    && other.object == reason.object
                    && other.pointer == reason.pointer
                    && other.tier == reason.tier
            };
            if !side.reasons.iter().any(is_same) {
                side.reasons.push(reason);
            }
        }
    }

    /// Why one side says what it says.
    fn reasons(&self, leg: &Leg, direction: Direction, outcome: &Outcome) -> Vec<Reason> {
        let (subject, peer) = if direction == Direction::Egress { (leg.from, leg.to) } else { (leg.to, leg.from) };
        let domain = leg.domain.as_ref();
        let End::Pod(pod) = subject else {
            let name = self.name_of(&Other { end: subject, domain });
            return vec![Reason::plain(Decision::NotSubject, format!("{name} is not a pod of the cluster: no policy applies at this end"))];
        };
        let other = Other { end: peer, domain };
        let subject_name = self.inventory.pods.at(pod).path();
        if subject == peer && !leg.through_service && self.assumptions().self_traffic == SelfTraffic::Allowed {
            return vec![Reason::plain(Decision::ItsOwn, "a pod always reaches itself".to_owned())];
        }
        let own = &self.inventory.pods.at(pod).record();
        let counts_as_node = self.assumptions().host_network_pods != HostNetworkPods::Ordinary;
        let mut own_node = None;
        if let (Direction::Ingress, End::Pod(source)) = (direction, peer) {
            let source = &self.inventory.pods.at(source).record();
            let same_node = !own.node.is_empty() && own.node == source.node;
            if source.host_network && same_node && counts_as_node {
                let sentence = format!("{} is on the network of {}, the node that {subject_name} runs on", self.name_of(&other), own.node);
                own_node = Some(Reason::plain(Decision::OwnNode, sentence));
            }
        }
        if let (Direction::Ingress, End::Address(address)) = (direction, peer)
            && self.reachability.is_own_node(&self.inventory, pod, address)
        {
            let sentence = format!("{address} is {}, the node that {subject_name} runs on", own.node);
            own_node = Some(Reason::plain(Decision::OwnNode, sentence));
        }
        // Some planes know no such exception.
        if own_node.is_some() && outcome.certain.is_all() {
            return own_node.into_iter().collect();
        }
        let class = self.reachability.class_of(pod);
        let verdict = verdict_of(outcome, leg.ports.as_ref());
        let is_own_node = own_node.is_some();
        let question = Question { direction, subject: pod, subject_name, class, other, asked: leg.ports.as_ref(), verdict, is_own_node };
        let mut reasons = self.tell(&question);
        reasons.extend(own_node);
        let decides = |reason: &Reason| matches!(reason.decision, Decision::Denied | Decision::NotAllowed);
        if verdict == Verdict::Denied && !reasons.iter().any(decides) {
            reasons.extend(self.refusals_by_family(&question));
        }
        let places = self.reachability.policies_of(class, direction);
        if places.is_empty() {
            let sentence = if own.host_network && counts_as_node {
                format!("{} is on its node's network, where policies do not select it", question.subject_name)
            } else {
                format!("no policy selects {} for {}", question.subject_name, direction.name())
            };
            reasons.push(Reason::plain(Decision::NoPolicy, sentence));
        }
        for cause in &outcome.causes {
            if let Cause::Unseen(_) = cause {
                reasons.push(Reason::plain(Decision::Unseen, format!("it depends on {cause}")));
            }
        }
        // What decides comes first; then what was asked before it, in the order of tiers.
        reasons.sort_by_key(|reason| reason.decision.weight(verdict));
        reasons
    }

    /// The policies that isolate, where each family of addresses is kept out by another and no one of them by all.
    fn refusals_by_family(&self, question: &Question<'_>) -> Vec<Reason> {
        let direction = question.direction.name();
        let mut reasons = Vec::new();
        for place in self.reachability.policies_of(question.class, question.direction) {
            let Some(plane) = self.reachability.planes.get(usize::from(place.plane)) else { continue };
            let Some(tier) = plane.tiers.get(usize::from(place.tier)) else { continue };
            let policy = &place.policy;
            let (name, subject) = (&policy.object.name, &question.subject_name);
            let isolates = match tier.mode {
                TierMode::Union => policy.isolates(question.direction),
                TierMode::FirstMatch(rest) => rest == Rest::Denied,
            };
            if !isolates {
                continue;
            }
            let sentence = format!("{name} isolates {subject} for {direction}, and does not let it through in every address family");
            let reason = policy_reason(Decision::NotAllowed, policy, policy.place(question.direction), sentence, Vec::new());
            reasons.push(Reason { plane: plane.name, tier: tier.name.clone(), ..reason });
        }
        reasons
    }

    /// What each tier of each plane says.
    fn tell(&self, question: &Question<'_>) -> Vec<Reason> {
        let places = self.reachability.policies_of(question.class, question.direction);
        let mut reasons = Vec::new();
        let is_asked = |plane: &&Plane| !(question.is_own_node && plane.lets_own_node_in);
        for (plane_index, plane) in self.reachability.planes.iter().enumerate().filter(|(_, plane)| is_asked(plane)) {
            let mut open = question.asked.cloned().unwrap_or_else(PortSet::all);
            let mut is_spoken_of = false;
            for (tier_index, tier) in plane.tiers.iter().enumerate() {
                let here = places.iter().filter(|place| place.is_in(plane_index, tier_index));
                let policies: Vec<&Policy> = here.map(|placed| &*placed.policy).collect();
                if policies.is_empty() {
                    continue;
                }
                is_spoken_of = true;
                let told = match tier.mode {
                    TierMode::FirstMatch(rest) => self.tell_first_match(question, &policies, rest, &open),
                    TierMode::Union => self.tell_union(question, &policies, &open),
                };
                reasons.extend(told.reasons.into_iter().map(|reason| Reason { plane: plane.name, tier: tier.name.clone(), ..reason }));
                open = told.open;
                // A name that no port bears asks for nothing: every tier is told then, as none decides.
                if open.is_empty() && question.asked.is_none_or(|asked| !asked.is_empty()) {
                    break;
                }
            }
            if is_spoken_of && !open.is_empty() {
                let ports =
                    if open == question.asked.cloned().unwrap_or_else(PortSet::all) { String::new() } else { format!(" on {open}") };
                let (subject, direction) = (&question.subject_name, question.direction.name());
                let sentence = format!("no rule decides {direction} of {subject}{ports}: what nothing decides is allowed");
                reasons.push(Reason { plane: plane.name, ..Reason::plain(Decision::Default, sentence) });
            }
        }
        reasons
    }

    fn tell_first_match(&self, question: &Question<'_>, policies: &[&Policy], rest: Rest, open: &PortSet) -> Told {
        let mut reasons = Vec::new();
        let mut passed = PortSet::none();
        let mut open = open.clone();
        for equals in policies.chunk_by(|a, b| a.rank == b.rank) {
            let mut left = open.clone();
            for policy in equals {
                let mut own_open = open.clone();
                let mut misses = Vec::new();
                let mut fits = false;
                for rule in policy.rules(question.direction).unwrap_or_default() {
                    let Some((matched, ports)) = self.hit(question, rule, Some(&own_open), &mut misses) else { continue };
                    fits = true;
                    if rule.action == Action::Pass {
                        passed = passed.union(&ports);
                    }
                    if is_certain(policy, rule, matched) {
                        own_open = own_open.difference(&ports);
                    }
                    reasons.push(rule_reason(question, policy, rule, matched, &ports));
                }
                if !fits {
                    let name = &policy.object.name;
                    let direction = question.direction.name();
                    let sentence = format!("{name} selects {}, and none of its {direction} rules decides", question.subject_name);
                    reasons.push(policy_reason(Decision::NoMatch, policy, policy.place(question.direction), sentence, misses));
                }
                left = left.intersection(&own_open);
            }
            open = left;
            if open.is_empty() {
                break;
            }
        }
        if rest == Rest::Denied && !open.is_empty() && question.verdict != Verdict::Allowed {
            // Its last word is as good as a rule, and the last policy that was asked stands for it.
            if let Some(last) = policies.iter().rev().find(|policy| policy.condition.is_none()).or(policies.last()) {
                let (name, direction) = (&last.object.name, question.direction.name());
                let sentence =
                    format!("{name} selects {} for {direction}, and what no rule of its tier decides is denied", question.subject_name);
                reasons.push(policy_reason(Decision::NotAllowed, last, last.place(question.direction), sentence, Vec::new()));
            }
            if policies.iter().any(|policy| policy.condition.is_none()) {
                open = PortSet::none();
            }
        } else if rest == Rest::Denied && policies.iter().any(|policy| policy.condition.is_none()) {
            open = PortSet::none();
        }
        Told { reasons, open: open.union(&passed) }
    }

    fn tell_union(&self, question: &Question<'_>, policies: &[&Policy], open: &PortSet) -> Told {
        let direction = question.direction.name();
        let mut reasons = Vec::new();
        // Of policies that let nothing through, those that were made for few pods and have rules tell more than a default.
        let mut refusals: Vec<(bool, std::cmp::Reverse<usize>, Reason)> = Vec::new();
        let mut isolating = false;
        let (mut decided, mut allowed) = (PortSet::none(), PortSet::none());
        for policy in policies {
            let rules = policy.rules(question.direction).unwrap_or_default();
            let mut misses = Vec::new();
            let mut fits = false;
            for rule in rules {
                let Some((matched, ports)) = self.hit(question, rule, question.asked.map(|_| open), &mut misses) else { continue };
                fits = true;
                if is_certain(policy, rule, matched) {
                    decided = decided.union(&ports);
                    if rule.action == Action::Allow {
                        allowed = allowed.union(&ports);
                    }
                }
                reasons.push(rule_reason(question, policy, rule, matched, &ports));
            }
            isolating |= policy.isolates(question.direction) && policy.condition.is_none();
            if !fits && question.verdict != Verdict::Allowed && policy.isolates(question.direction) {
                let pointer = if rules.is_empty() { "/spec".to_owned() } else { policy.place(question.direction) };
                let sentence = not_allowed(policy, &question.subject_name, direction, rules.len(), &misses);
                let narrowness = std::cmp::Reverse(policy.subject.pods.requirements().len());
                refusals.push((rules.is_empty(), narrowness, policy_reason(Decision::NotAllowed, policy, pointer, sentence, misses)));
            }
        }
        // Where one policy lets all of it through, that others do not is no reason: something else keeps it out.
        if question.asked.map_or(!allowed.is_empty(), |asked| !asked.is_empty() && allowed.contains_all(asked)) {
            refusals.clear();
        }
        refusals.sort_by_key(|(has_no_rules, narrowness, _)| (*has_no_rules, *narrowness));
        reasons.extend(refusals.into_iter().map(|(.., reason)| reason));
        // A policy that isolates the pod is final, as a tier of policies that only add.
        Told { reasons, open: if isolating { PortSet::none() } else { open.difference(&decided) } }
    }

    /// How a rule fits, and the ports on which it does; or, where it does not, why, added to `misses`. `open` holds the ports that are
    /// still to be decided; `None` where it is not asked for certain ports.
    fn hit(&self, question: &Question<'_>, rule: &Rule, open: Option<&PortSet>, misses: &mut Vec<Miss>) -> Option<(Match, PortSet)> {
        let (matched, ports) = self.match_rule(rule, question);
        if matched == Match::No {
            misses.extend(self.peer_misses(rule, question.subject, &question.other));
            return None;
        }
        let here = open.map_or_else(|| ports.clone(), |open| open.intersection(&ports));
        if here.is_empty() {
            let was_asked = question.asked.is_none_or(|asked| asked.intersection(&ports).is_empty());
            if was_asked {
                misses.push(self.port_miss(rule, &ports, question.asked, question.direction));
            } else {
                let sentence = format!("rule {} comes after what has decided already", number_of(rule));
                misses.push(Miss { pointer: rule.pointer.to_string(), sentence });
            }
            return None;
        }
        Some((matched, here))
    }

    fn match_rule(&self, rule: &Rule, question: &Question<'_>) -> (Match, PortSet) {
        let direction = question.direction;
        let class = self.reachability.classes().at(question.class);
        let held_against = |target: Target<'_>, family| {
            (self.reachability.rule_match(rule, target, family), rule_ports(rule, direction, class.ports(), target))
        };
        match (question.other.end, question.other.domain) {
            (End::Pod(pod), _) => {
                let id = self.reachability.class_of(pod);
                let family = self.reachability.common_family(question.class, id);
                held_against(Target::Class(self.reachability.classes().at(id)), family)
            }
            (End::Address(address), _) => held_against(Target::Address(Family::of(address), number(address)), None),
            (End::Unknown, Some(domain)) => {
                let ports = rule_ports(rule, direction, class.ports(), Target::Domain(domain, Family::V4));
                let matched = self.in_every_family(|family| held_against(Target::Domain(domain, family), None).0);
                let policies = self.reachability.policies_of(question.class, direction).iter().map(|placed| &*placed.policy);
                let is_unlearned = matched == Match::Yes && is_to_be_learned(rule, domain, policies);
                (if is_unlearned { Match::Maybe(Uncertainty::Unlearned, None) } else { matched }, ports)
            }
            (End::Unknown, None) => {
                let ports = rule_ports(rule, direction, class.ports(), Target::Address(Family::V4, 0));
                let Some(peers) = &rule.peers else { return (Match::Yes, ports) };
                let any = |family| peers.iter().fold(Match::No, |so_far, peer| so_far.or(anywhere(&peer.kind, family)));
                (self.in_every_family(any), ports)
            }
        }
    }

    /// One match for an address outside of either family: certain is what holds in both.
    fn in_every_family(&self, matched: impl Fn(Family) -> Match) -> Match {
        let all = self.reachability.families().iter().map(|family| matched(*family));
        all.reduce(|a, b| if a == b { a } else { Match::Maybe(Uncertainty::ResolvedAddress, None) }).unwrap_or(Match::No)
    }
}

/// Whether a peer is an address outside that nobody knows.
fn anywhere(kind: &PeerKind, family: Family) -> Match {
    match kind {
        PeerKind::Domain(_) => Match::Maybe(Uncertainty::Resolves, None),
        kind => resolved_match(kind, family),
    }
}

/// Whether a rule that matches so decides for certain.
fn is_certain(policy: &Policy, rule: &Rule, matched: Match) -> bool {
    matched == Match::Yes && rule.condition().is_none() && policy.condition.is_none()
}

fn policy_reason(decision: Decision, policy: &Policy, pointer: String, sentence: String, misses: Vec<Miss>) -> Reason {
    Reason { plane: "", tier: SmolStr::default(), decision, object: Some(policy.object.clone()), pointer, sentence, misses }
}

fn rule_reason(question: &Question<'_>, policy: &Policy, rule: &Rule, matched: Match, ports: &PortSet) -> Reason {
    let (decision, verb) = match (rule.action, is_certain(policy, rule, matched)) {
        (Action::Allow, true) => (Decision::Allowed, "allows"),
        (Action::Allow, false) => (Decision::MayAllow, "may allow"),
        (Action::Deny, true) => (Decision::Denied, "denies"),
        (Action::Deny, false) => (Decision::MayDeny, "may deny"),
        (Action::Pass, true) => (Decision::Passed, "passes to the next tier"),
        (Action::Pass, false) => (Decision::MayPass, "may pass to the next tier"),
    };
    let conditions: Vec<&str> = [rule.condition(), policy.condition.as_ref()].into_iter().flatten().map(AsRef::as_ref).collect();
    let condition = if conditions.is_empty() { String::new() } else { format!(", if {}", conditions.join(" and ")) };
    let (name, direction) = (&policy.object.name, question.direction.name());
    let sentence = format!("{name} {direction} rule {} {verb} {ports}{condition}", number_of(rule));
    policy_reason(decision, policy, rule.pointer.to_string(), sentence, Vec::new())
}

fn not_allowed(policy: &Policy, subject: &str, direction: &str, n_rules: usize, misses: &[Miss]) -> String {
    let name = &policy.object.name;
    match (n_rules, misses) {
        (0, _) => format!("{name} isolates {subject} for {direction} and has no {direction} rule"),
        (1, [one]) => format!("{name} isolates {subject} for {direction}, and its {}", one.sentence),
        (1, _) => format!("{name} isolates {subject} for {direction}, and its rule does not fit"),
        (n, _) => format!("{name} isolates {subject} for {direction}, and none of its {n} rules fits"),
    }
}
