//! One question, answered on both sides with reasons. Reasons are worked out when asked for, never stored.

use serde::Serialize;
use smol_str::SmolStr;

use super::connections::merge;
use super::{Analysis, Endpoint, Miss, PortQuery};
use crate::address::number;
use crate::assumptions::Cause;
use crate::entry::backends;
use crate::object::ObjectKey;
use crate::peer::{Peer, Verdict};
use crate::policy::{Direction, DomainPattern};
use crate::ports::PortSet;
use crate::reachability::{End, Outcome};
use crate::record::{Record, ServicePort, ServiceType};

/// The answer to one question. Serialised as `portolan.trace/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// `portolan.trace/v1`
    pub schema: &'static str,
    /// The end that asks.
    pub from: String,
    /// The end that is asked for.
    pub to: String,
    /// The port that was asked for, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// What comes of it. Without a port: `allowed` if some port certainly is.
    pub verdict: Verdict,
    /// The pod ports, among those asked for, that are certainly allowed.
    pub ports: PortSet,
    /// What the source's side says.
    pub egress: Side,
    /// What the destination's side says.
    pub ingress: Side,
    /// What lies between, in order.
    pub hops: Vec<Hop>,
    /// What it depends on.
    pub depends: Vec<String>,
}

/// One side of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What this side alone says.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// How a reason decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A rule lets it through.
    Allowed,
    /// A rule may let it through.
    MayAllow,
    /// A rule keeps it out.
    Denied,
    /// A rule may keep it out.
    MayDeny,
    /// A rule leaves it to the next tier.
    Passed,
    /// A rule may leave it to the next tier.
    MayPass,
    /// The policy selects the pod, and none of its rules decides.
    NoMatch,
    /// Policies select the pod, and what none of them decides is allowed.
    Default,
    /// The policy isolates the pod, and none of its rules lets it through.
    NotAllowed,
    /// No policy selects the pod.
    NoPolicy,
    /// No policy applies at this end.
    NotSubject,
    /// A pod reaches itself.
    ItsOwn,
    /// Traffic from the pod's own node is let in.
    OwnNode,
    /// Something is not there to be reached.
    Missing,
    /// Something may be there that the source may not see.
    Unseen,
}

impl Decision {
    /// Where it stands among others: what decides first, what was asked and did not decide last.
    pub(super) const fn weight(self, verdict: Verdict) -> u8 {
        match (self, verdict) {
            (Self::Allowed, Verdict::Allowed) => 0,
            (Self::Denied, Verdict::Depends | Verdict::Denied) => 0,
            (Self::Allowed | Self::Denied, _) => 1,
            (Self::MayDeny | Self::MayAllow, _) => 2,
            (Self::NotAllowed | Self::Default, _) => 3,
            (Self::NoMatch, _) => 5,
            _ => 4,
        }
    }
}

/// The object and the rule that decide, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The plane; empty where none decides.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub plane: &'static str,
    /// The tier; empty where none decides.
    #[serde(skip_serializing_if = "SmolStr::is_empty")]
    pub tier: SmolStr,
    /// How it decides.
    pub decision: Decision,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectKey>,
    /// The rule in the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// One sentence, without a full stop.
    pub sentence: String,
    /// Where rules of the object do not fit: why, rule by rule and peer by peer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Miss>,
}

impl Reason {
    pub(super) fn plain(decision: Decision, sentence: String) -> Self {
        Self { plane: "", tier: SmolStr::default(), decision, object: None, pointer: String::new(), sentence, misses: Vec::new() }
    }
}

/// A step between the two ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// What kind of step: `class`, `controller`, `rule`, `load-balancer`, `node-port`, `service`, `endpoints`, `policy`, `egress-route`.
    pub kind: &'static str,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectKey>,
    /// The field of the object that decides.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// What this step says.
    pub verdict: Verdict,
    /// One sentence, without a full stop.
    pub sentence: String,
}

/// How an outcome answers a question for certain ports (all of them must be allowed), or for any port at all.
pub(crate) fn verdict_of(outcome: &Outcome, asked: Option<&PortSet>) -> Verdict {
    match asked {
        Some(asked) if !asked.is_empty() && outcome.certain.contains_all(asked) => Verdict::Allowed,
        Some(asked) if outcome.possible.intersection(asked).is_empty() => Verdict::Denied,
        None if !outcome.certain.is_empty() => Verdict::Allowed,
        None if outcome.possible.is_empty() => Verdict::Denied,
        _ => Verdict::Depends,
    }
}

/// One leg of a question: two ends, and the ports that are asked for there.
pub(super) struct Leg {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) ports: Option<PortSet>,
    /// Whether it leads through a Service. A pod that comes back to itself so is judged by policy (kubernetes#125611).
    pub(super) through_service: bool,
    /// The name by which the end outside is asked for, where it is a domain.
    pub(super) domain: Option<DomainPattern>,
}

impl Analysis {
    /// Answers whether `from` reaches `to` on `port` (on any port, where none is given), with the reasons of both sides.
    pub fn trace(&self, from: &Endpoint, to: &Endpoint, port: Option<&PortQuery>) -> Trace {
        let mut hops = Vec::new();
        let legs = self.legs(from, to, port, &mut hops);
        self.add_routes(to, &legs, &mut hops);
        self.trace_legs(from, to, port, hops, legs)
    }

    /// Answers whether `from` reaches a pod on all of these ports.
    pub(crate) fn trace_ports(&self, from: &Endpoint, to: crate::inventory::PodId, ports: PortSet) -> Trace {
        let sources = self.sources(from);
        let leg = |from| Leg { from, to: End::Pod(to), ports: Some(ports.clone()), through_service: true, domain: None };
        let legs = sources.into_iter().map(leg).collect();
        self.trace_legs(from, &self.pod_endpoint(to), None, Vec::new(), legs)
    }

    /// The ways out of the pods that ask for somewhere outside, where they are not simply from their nodes: each once.
    fn add_routes(&self, to: &Endpoint, legs: &[Leg], hops: &mut Vec<Hop>) {
        let end = match to {
            Endpoint::Address(_) | Endpoint::Domain(_) | Endpoint::Outside => Peer::from(to),
            Endpoint::Service(_) => match legs.iter().find_map(|leg| leg.domain.clone()) {
                Some(domain) => Peer::Domain { pattern: domain.text().clone() },
                None => return,
            },
            Endpoint::Pods { .. } => return,
        };
        for leg in legs {
            let End::Pod(pod) = leg.from else { continue };
            for route in self.egress_routes_to(pod, &end).into_iter().filter(|route| !route.is_plain()) {
                let hop = route.as_hop();
                if !hops.contains(&hop) {
                    hops.push(hop);
                }
            }
        }
    }

    fn trace_legs(&self, from: &Endpoint, to: &Endpoint, port: Option<&PortQuery>, hops: Vec<Hop>, legs: Vec<Leg>) -> Trace {
        let mut trace = Trace {
            schema: "portolan.trace/v1",
            from: from.to_string(),
            to: to.to_string(),
            port: port.map(ToString::to_string),
            verdict: Verdict::Denied,
            ports: PortSet::none(),
            egress: Side { verdict: Verdict::Denied, reasons: Vec::new() },
            ingress: Side { verdict: Verdict::Denied, reasons: Vec::new() },
            hops,
            depends: Vec::new(),
        };
        let broken = trace.hops.iter().rev().find(|hop| hop.verdict == Verdict::Denied);
        let undecided = trace.hops.iter().find(|hop| hop.verdict == Verdict::Depends).map(|hop| hop.sentence.clone());
        if let (true, Some(sentence)) = (legs.is_empty(), undecided) {
            trace.verdict = Verdict::Depends;
            trace.depends.push(format!("what is not seen: {sentence}"));
            for side in [&mut trace.egress, &mut trace.ingress] {
                side.verdict = Verdict::Depends;
                side.reasons.push(Reason::plain(Decision::Unseen, sentence.clone()));
            }
            return trace;
        }
        if legs.is_empty() {
            let sentence = broken.map_or_else(|| format!("{to} has nothing that could be reached"), |hop| hop.sentence.clone());
            let reason = Reason::plain(Decision::Missing, sentence);
            // There is nobody to ask on the other side either.
            trace.egress.reasons.push(reason.clone());
            trace.ingress.reasons.push(reason);
            trace.egress.verdict = Verdict::Depends;
            return trace;
        }
        // Pods that nothing tells apart give the same answer: one of each pair of classes is asked.
        let mut seen = std::collections::BTreeSet::new();
        let (mut both, mut sides): (Vec<Outcome>, [Vec<Outcome>; 2]) = (Vec::new(), [Vec::new(), Vec::new()]);
        let mut verdicts = Vec::new();
        for leg in legs {
            let key = (self.class_key(leg.from, leg.to), self.class_key(leg.to, leg.from), leg.ports.clone());
            if !seen.insert(key) {
                continue;
            }
            let domain = leg.domain.as_ref();
            let mut egress = self.side_outcome(leg.from, Direction::Egress, leg.to, domain);
            let mut ingress = self.side_outcome(leg.to, Direction::Ingress, leg.from, domain);
            // Not simply both sides: one may let through IPv4 only, and the other IPv6 only.
            let mut outcome = match domain {
                Some(_) => egress.and(&ingress),
                None => self.reachability.connection(&self.inventory, leg.from, leg.to),
            };
            if let (true, End::Pod(from), End::Pod(to)) = (leg.through_service, leg.from, leg.to)
                && from == to
            {
                let class = self.reachability.class_of(from);
                [egress, ingress] =
                    [Direction::Egress, Direction::Ingress].map(|direction| self.reachability.side(class, direction, class));
                outcome = self.reachability.pair(class, class);
            }
            let asked = leg.ports.as_ref();
            verdicts.push(verdict_of(&outcome, asked));
            let restrict = |outcome: &Outcome| asked.map_or_else(|| outcome.clone(), |ports| outcome.restricted_to(ports));
            self.add_reasons(&mut trace.egress, &leg, Direction::Egress, &egress);
            self.add_reasons(&mut trace.ingress, &leg, Direction::Ingress, &ingress);
            let lets_through = |side: &Outcome| verdict_of(side, asked) != Verdict::Denied;
            if verdict_of(&outcome, asked) == Verdict::Denied && lets_through(&egress) && lets_through(&ingress) {
                trace.ingress.reasons.push(Reason::plain(Decision::Missing, self.nothing_in_common(&leg, &egress, &ingress)));
            }
            both.push(restrict(&outcome));
            let [out_side, in_side] = &mut sides;
            out_side.push(egress);
            in_side.push(ingress);
            trace.egress.verdict =
                fold_verdict(out_side.len() == 1, trace.egress.verdict, out_side.last().map_or(Verdict::Denied, |o| verdict_of(o, asked)));
            trace.ingress.verdict =
                fold_verdict(in_side.len() == 1, trace.ingress.verdict, in_side.last().map_or(Verdict::Denied, |o| verdict_of(o, asked)));
        }
        let merged = merge(both);
        trace.verdict = verdicts.iter().copied().reduce(|a, b| if a == b { a } else { Verdict::Depends }).unwrap_or(Verdict::Denied);
        if verdicts.iter().any(|verdict| *verdict != trace.verdict) && !merged.causes.contains(&Cause::SomePods) {
            trace.depends.push(Cause::SomePods.to_string());
        }
        trace.ports = merged.certain.clone();
        trace.depends.extend(merged.causes.iter().map(ToString::to_string));
        for hop in &trace.hops {
            trace.verdict = trace.verdict.and(hop.verdict);
        }
        trace
    }

    /// Why nothing gets through that each side by itself would let through.
    fn nothing_in_common(&self, leg: &Leg, egress: &Outcome, ingress: &Outcome) -> String {
        if let (End::Pod(from), End::Pod(to)) = (leg.from, leg.to)
            && self.reachability.are_apart(self.reachability.class_of(from), self.reachability.class_of(to))
        {
            let name = |pod| self.inventory.pods.at(pod).path();
            return format!("{} and {} have no family of addresses in common", name(from), name(to));
        }
        let common = egress.possible.intersection(&ingress.possible);
        if common.is_empty() {
            format!("no port is let through on both sides: {} leaves, and {} enters", egress.possible, ingress.possible)
        } else {
            "each side lets through another family of addresses".to_owned()
        }
    }

    /// What a class and a node can make different: pods with equal keys get equal answers from and to the same end.
    fn class_key(&self, end: End, other: End) -> (u8, u128, bool) {
        match end {
            End::Pod(pod) => {
                let is_same = other == end;
                let same_node = match other {
                    End::Pod(other) => {
                        let (a, b) = (&self.inventory.pods.at(pod).record(), &self.inventory.pods.at(other).record());
                        (a.host_network || b.host_network) && !a.node.is_empty() && a.node == b.node
                    }
                    End::Address(address) => self.reachability.is_own_node(&self.inventory, pod, address),
                    End::Unknown => false,
                };
                (u8::from(is_same), u128::from(self.reachability.class_of(pod).0), same_node)
            }
            End::Address(address) => (2 + u8::from(address.is_ipv6()), number(address), false),
            End::Unknown => (4, 0, false),
        }
    }

    fn side_outcome(&self, subject: End, direction: Direction, peer: End, domain: Option<&DomainPattern>) -> Outcome {
        match (subject, domain) {
            (End::Pod(pod), Some(domain)) => self.reachability.domain(self.reachability.class_of(pod), direction, domain),
            (End::Pod(pod), None) => self.reachability.side_of_pod(&self.inventory, pod, direction, peer),
            (End::Address(_) | End::Unknown, _) => Outcome::all(),
        }
    }

    /// The ends that a connection of this endpoint starts at.
    fn sources(&self, from: &Endpoint) -> Vec<End> {
        match from {
            Endpoint::Pods { pods, .. } => pods.iter().map(|pod| End::Pod(*pod)).collect(),
            Endpoint::Address(address) => vec![End::Address(*address)],
            Endpoint::Domain(_) | Endpoint::Outside => vec![End::Unknown],
            // Connections do not start at a Service, but at the pods behind it.
            Endpoint::Service(key) => match self.snapshot.record(key) {
                Some(Record::Service(service)) => backends::selected_pods(self, key, service).into_iter().map(End::Pod).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The pairs of ends that a question comes to.
    fn legs(&self, from: &Endpoint, to: &Endpoint, port: Option<&PortQuery>, hops: &mut Vec<Hop>) -> Vec<Leg> {
        let sources = self.sources(from);
        let targets: Vec<(End, Option<PortSet>)> = match to {
            Endpoint::Pods { pods, .. } => {
                pods.iter().map(|pod| (End::Pod(*pod), port.map(|port| self.ports_of_pod(port, *pod)))).collect()
            }
            Endpoint::Address(address) => vec![(End::Address(*address), port.map(number_ports))],
            Endpoint::Domain(_) | Endpoint::Outside => vec![(End::Unknown, port.map(number_ports))],
            Endpoint::Service(key) => self.service_targets(key, port, hops),
        };
        let through_service = matches!(to, Endpoint::Service(_));
        let domain = self.domain_of(to).or_else(|| self.domain_of(from));
        let mut legs = Vec::new();
        for from in sources {
            for (to, ports) in &targets {
                legs.push(Leg { from, to: *to, ports: ports.clone(), through_service, domain: domain.clone() });
            }
        }
        // A workload does not ask itself through its other pods unless it has some.
        if !through_service && legs.iter().any(|leg| leg.from != leg.to) {
            legs.retain(|leg| leg.from != leg.to);
        }
        legs
    }

    /// The domain name that an endpoint stands for.
    fn domain_of(&self, endpoint: &Endpoint) -> Option<DomainPattern> {
        match endpoint {
            Endpoint::Domain(name) => Some(name.clone()),
            Endpoint::Service(key) => match self.snapshot.record(key) {
                Some(Record::Service(service)) if service.service_type == ServiceType::ExternalName => {
                    Some(DomainPattern::of_name(&service.external_name))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn ports_of_pod(&self, port: &PortQuery, pod: crate::inventory::PodId) -> PortSet {
        match port {
            PortQuery::Number(protocol, number) => PortSet::one(*protocol, *number),
            PortQuery::Named(protocol, name) => {
                let ports = &self.inventory.pods.at(pod).record().ports;
                let named = ports.iter().filter(|port| port.name == *name && protocol.is_none_or(|protocol| protocol == port.protocol));
                named.fold(PortSet::none(), |so_far, port| so_far.union(&PortSet::one(port.protocol, port.port)))
            }
        }
    }

    fn service_targets(&self, key: &ObjectKey, port: Option<&PortQuery>, hops: &mut Vec<Hop>) -> Vec<(End, Option<PortSet>)> {
        let Some(Record::Service(service)) = self.snapshot.record(key) else { return Vec::new() };
        let mut hop = |verdict, pointer: &str, sentence: String| {
            hops.push(Hop { kind: "service", object: Some(key.clone()), pointer: pointer.to_owned(), verdict, sentence });
        };
        if service.service_type == ServiceType::ExternalName {
            hop(Verdict::Allowed, "/spec/externalName", format!("Service {} is another name of {}", key.path(), service.external_name));
            return vec![(End::Unknown, port.map(number_ports))];
        }
        let fits = |candidate: &&ServicePort| match port {
            None => true,
            Some(PortQuery::Number(protocol, number)) => candidate.port == *number && candidate.protocol == *protocol,
            Some(PortQuery::Named(protocol, name)) => candidate.name == *name && protocol.is_none_or(|p| p == candidate.protocol),
        };
        let ports: Vec<&ServicePort> = service.ports.iter().filter(fits).collect();
        if let (true, Some(port)) = (ports.is_empty(), port) {
            hop(Verdict::Denied, "/spec/ports", format!("Service {} has no port {port}", key.path()));
            return Vec::new();
        }
        let mut targets: Vec<(End, Option<PortSet>)> = Vec::new();
        for service_port in ports {
            let found = backends::find_by_name(self, key, service, service_port);
            if found.ready.is_empty() {
                let none = found.none(key);
                hop(none.verdict, "", none.sentence);
                continue;
            }
            hop(Verdict::Allowed, "/spec/ports", found.summary(key, service_port));
            for backend in &found.ready {
                let end = backend.pod.map_or_else(|| backend.address.map_or(End::Unknown, End::Address), End::Pod);
                let set = backend
                    .port
                    .map_or_else(|| PortSet::all_of(service_port.protocol), |number| PortSet::one(service_port.protocol, number));
                match targets.iter_mut().find(|(other, _)| *other == end) {
                    Some((_, Some(ports))) => *ports = ports.union(&set),
                    _ => targets.push((end, Some(set))),
                }
            }
        }
        targets
    }
}

fn fold_verdict(is_first: bool, so_far: Verdict, next: Verdict) -> Verdict {
    if is_first || so_far == next { next } else { Verdict::Depends }
}

fn number_ports(port: &PortQuery) -> PortSet {
    match port {
        PortQuery::Number(protocol, number) => PortSet::one(*protocol, *number),
        // Nothing outside tells us what a name means there.
        PortQuery::Named(..) => PortSet::none(),
    }
}

impl From<&Endpoint> for Peer {
    fn from(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Pods { peer, .. } => peer.clone(),
            Endpoint::Service(key) => Self::Entity { name: format!("Service {}", key.path()).into() },
            Endpoint::Address(address) => Self::Range { first: *address, last: *address },
            Endpoint::Domain(pattern) => Self::Domain { pattern: pattern.text().clone() },
            Endpoint::Outside => Self::Entity { name: "outside".into() },
        }
    }
}
