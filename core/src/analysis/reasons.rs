//! Why one side of a connection says what it says: the same matchers asked again for one pair, and put into sentences.

use super::Analysis;
use super::trace::{Decision, Leg, Reason, Side, verdict_of};
use crate::address::{Family, number};
use crate::assumptions::{Cause, HostNetworkPods, SelfTraffic};
use crate::peer::Verdict;
use crate::policy::{Action, Direction, PeerKind, Policy, Rule, TierMode};
use crate::ports::PortSet;
use crate::reachability::{ClassId, End, Match, Outcome, Target, rule_ports};

impl Analysis {
    fn end_name(&self, end: End) -> String {
        match end {
            End::Pod(pod) => self.inventory.pods.at(pod).path(),
            End::Address(address) => address.to_string(),
            End::Unknown => "any address outside".to_owned(),
        }
    }

    /// Adds the reasons of one side that are not there yet.
    pub(super) fn add_reasons(&self, side: &mut Side, leg: &Leg, direction: Direction, outcome: &Outcome) {
        for reason in self.reasons(leg, direction, outcome) {
            if !side.reasons.contains(&reason) {
                side.reasons.push(reason);
            }
        }
    }

    /// Why one side says what it says.
    fn reasons(&self, leg: &Leg, direction: Direction, outcome: &Outcome) -> Vec<Reason> {
        let asked = leg.ports.as_ref();
        let (subject, peer) = if direction == Direction::Egress { (leg.from, leg.to) } else { (leg.to, leg.from) };
        let End::Pod(pod) = subject else {
            let name = self.end_name(subject);
            return vec![Reason::plain(Decision::NotSubject, format!("{name} is not a pod of the cluster: no policy applies at this end"))];
        };
        let subject_name = self.end_name(subject);
        if subject == peer && !leg.through_service && self.assumptions().self_traffic == SelfTraffic::Allowed {
            return vec![Reason::plain(Decision::ItsOwn, "a pod always reaches itself".to_owned())];
        }
        let own = &self.inventory.pods.at(pod).record;
        if let (Direction::Ingress, End::Pod(other)) = (direction, peer) {
            let other = &self.inventory.pods.at(other).record;
            let same_node = !own.node.is_empty() && own.node == other.node;
            if other.host_network && same_node && self.assumptions().host_network_pods != HostNetworkPods::Ordinary {
                let sentence = format!("{} is on the network of {}, the node that {subject_name} runs on", self.end_name(peer), own.node);
                return vec![Reason::plain(Decision::OwnNode, sentence)];
            }
        }
        let class_id = self.reachability.class_of(pod);
        let places = self.reachability.policies_of(class_id, direction);
        let mut reasons: Vec<Reason> = Vec::new();
        // Of policies that let nothing through, those that were made for few pods and have rules tell more than a default.
        let mut refusals: Vec<(bool, std::cmp::Reverse<usize>, Reason)> = Vec::new();
        let verdict = verdict_of(outcome, asked);
        if places.is_empty() {
            let sentence = if own.host_network && self.assumptions().host_network_pods != HostNetworkPods::Ordinary {
                format!("{subject_name} is on its node's network, where policies do not select it")
            } else {
                format!("no policy selects {subject_name} for {}", direction.name())
            };
            reasons.push(Reason::plain(Decision::NoPolicy, sentence));
        }
        for place in places {
            let Some(plane) = self.reachability.planes.get(place.plane) else { continue };
            let Some(tier) = plane.tiers.get(place.tier) else { continue };
            let Some(policy) = tier.policies.get(place.policy) else { continue };
            let rules = policy.rules(direction).unwrap_or_default();
            let reason = |decision, pointer: &str, sentence| Reason {
                plane: plane.name,
                tier: tier.name,
                decision,
                object: Some(policy.object.clone()),
                pointer: pointer.to_owned(),
                sentence,
            };
            let mut misses = Vec::new();
            let mut fits = false;
            for (index, rule) in rules.iter().enumerate() {
                let (matched, ports) = self.match_rule(rule, direction, class_id, peer);
                let relevant = asked.map_or_else(|| ports.clone(), |asked| asked.intersection(&ports));
                if matched == Match::No {
                    misses.push(format!("rule {} is for other peers", index + 1));
                    continue;
                }
                if relevant.is_empty() {
                    misses.push(format!("rule {} is for {}", index + 1, self.ports_text(rule, &ports)));
                    continue;
                }
                fits = true;
                let decision = match (rule.action, matched) {
                    (Action::Allow, Match::Yes) => Decision::Allowed,
                    (Action::Allow, _) => Decision::MayAllow,
                    (Action::Deny, _) => Decision::Denied,
                    (Action::Pass, _) => Decision::Passed,
                };
                let verb = match decision {
                    Decision::Allowed => "allows",
                    Decision::MayAllow => "may allow",
                    Decision::Denied => "denies",
                    _ => "passes on",
                };
                let sentence = format!("{} {} rule {} {verb} {relevant}", policy.object.name, direction.name(), index + 1);
                reasons.push(reason(decision, &rule.pointer, sentence));
            }
            if tier.mode == TierMode::Union && !fits && verdict != Verdict::Allowed {
                let pointer = if rules.is_empty() { "/spec".to_owned() } else { format!("/spec/{}", direction.name()) };
                let sentence = not_allowed(policy, &subject_name, direction, &misses);
                let narrowness = std::cmp::Reverse(policy.subject.pods.requirements.len());
                refusals.push((rules.is_empty(), narrowness, reason(Decision::NotAllowed, &pointer, sentence)));
            }
        }
        refusals.sort_by_key(|(has_no_rules, narrowness, _)| (*has_no_rules, *narrowness));
        reasons.extend(refusals.into_iter().map(|(.., reason)| reason));
        for cause in &outcome.causes {
            if let Cause::Unseen(_) = cause {
                reasons.push(Reason::plain(Decision::Unseen, format!("it depends on {cause}")));
            }
        }
        // What decides comes first.
        reasons.sort_by_key(|reason| match reason.decision {
            Decision::Denied => 0,
            Decision::Allowed => 1,
            Decision::MayAllow => 2,
            _ => 3,
        });
        reasons
    }

    fn match_rule(&self, rule: &Rule, direction: Direction, class_id: ClassId, peer: End) -> (Match, PortSet) {
        let class = self.reachability.classes().at(class_id);
        match peer {
            End::Pod(pod) => {
                let id = self.reachability.class_of(pod);
                let target = Target::Class(id, self.reachability.classes().at(id));
                let family = self.reachability.common_family(class_id, id);
                (self.reachability.rule_match(rule, target, family), rule_ports(rule, direction, &class.ports, target))
            }
            End::Address(address) => {
                let target = Target::Address(Family::of(address), number(address));
                (self.reachability.rule_match(rule, target, None), rule_ports(rule, direction, &class.ports, target))
            }
            End::Unknown => {
                let ports = rule_ports(rule, direction, &class.ports, Target::Address(Family::V4, 0));
                let Some(peers) = &rule.peers else { return (Match::Yes, ports) };
                let blocks = peers.iter().filter_map(|peer| match &peer.kind {
                    PeerKind::Block(block) => Some(block),
                    PeerKind::Pods(_) => None,
                });
                let matched = blocks.fold(Match::No, |so_far, block| {
                    so_far.or(if block.is_whole_family() && block.family == Family::V4 && !self.reachability.names_ipv6() {
                        Match::Yes
                    } else {
                        Match::Family(block.family)
                    })
                });
                (matched, ports)
            }
        }
    }

    fn ports_text(&self, rule: &Rule, resolved: &PortSet) -> String {
        if !resolved.is_empty() {
            return resolved.to_string();
        }
        let names = rule.ports.iter().flatten().filter_map(|port| match &port.kind {
            crate::policy::PortKind::Named(protocol, name) => Some(format!("a port named {name}/{protocol}, which is not there")),
            crate::policy::PortKind::Set(_) => None,
        });
        let names: Vec<String> = names.collect();
        if names.is_empty() { "no port that can be".to_owned() } else { names.join(", ") }
    }
}

fn not_allowed(policy: &Policy, subject: &str, direction: Direction, misses: &[String]) -> String {
    let name = &policy.object.name;
    let direction = direction.name();
    match misses {
        [] => format!("{name} isolates {subject} for {direction} and has no {direction} rule"),
        [one] => format!("{name} isolates {subject} for {direction}, and its {one}"),
        many => format!("{name} isolates {subject} for {direction}, and none of its {} rules fits: {}", many.len(), many.join(", ")),
    }
}
