//! The engine held against the reference evaluator: verdicts, listings and reasons.

use std::collections::BTreeMap;
use std::net::IpAddr;

use portolan_core::analysis::{Analysis, Connection, Decision, PortQuery, Reason, Side, Unit};
use portolan_core::assumptions::{Assumptions, Cause};
use portolan_core::object::Kind;
use portolan_core::peer::{Peer, Verdict};
use portolan_core::policy::{self, DomainPattern};
use portolan_core::ports::{PortSet, Protocol};
use portolan_core::reachability::{End, Outcome};
use serde_json::Value;

use crate::fixture;
use crate::oracle::{list, text};
use crate::reference::{self, Action, Direction, Port, Reference, RuleMatch};

const PORTS: &[Port] = &[
    ("TCP", 1),
    ("TCP", 53),
    ("TCP", 80),
    ("TCP", 81),
    ("TCP", 443),
    ("TCP", 5000),
    ("TCP", 8080),
    ("TCP", 65535),
    ("UDP", 53),
    ("UDP", 80),
    ("UDP", 5353),
    ("SCTP", 80),
    ("SCTP", 81),
    ("SCTP", 9000),
];

/// Addresses that are asked for whatever the policies say.
const ADDRESSES: &[&str] = &[
    "0.0.0.0",
    "8.8.8.8",
    "10.0.1.200",
    "10.1.1.250",
    "203.0.113.1",
    "203.0.113.9",
    "203.0.113.200",
    "2001:db8::1",
    "2001:db8:1::1",
    "fd00:1::ffff",
];

/// Names that are asked for.
const NAMES: &[&str] = &["example.com", "api.example.com", "a.b.example.com", "api.example.org", "elsewhere.net"];

/// What an answer may hang on for the engine where the reference is certain: the engine answers for all pods of a class at once, rule by
/// rule, so that it cannot tell their nodes apart, nor the addresses that a name may resolve to.
const EXCUSES: [Cause; 2] = [Cause::WhichNode, Cause::ResolvedAddress];
/// What it says in words of that kind: pods of a class differ in their addresses, and their ports have no place among those left out.
const EXCUSING_WORDS: [&str; 2] = ["the pod's own address", "the port is not the one named"];

/// Policies whose rules have no order.
const UNORDERED: [Kind; 4] =
    [Kind::NetworkPolicy, Kind::CiliumNetworkPolicy, Kind::CiliumClusterwideNetworkPolicy, Kind::AuthorizationPolicy];

/// How many of the addresses at which something changes are asked for.
const MOST_ADDRESSES: usize = 24;

/// How strictly answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// They are equal.
    Equal,
    /// The engine may say that it depends where the reference is certain; never the other way round.
    Sound,
}

/// The engine and the reference on the same objects.
#[derive(Debug)]
pub struct Comparison<'a> {
    objects: &'a [Value],
    /// The engine's side.
    pub analysis: Analysis,
    reference: Reference,
    strictness: Strictness,
    addresses: Vec<IpAddr>,
    /// How many answers were compared.
    pub n_flows: usize,
    /// How many of them the reference says are allowed, denied, or depend.
    pub by_verdict: [usize; 3],
    /// How many of them the engine says depend, where the reference is certain.
    pub n_cautious: usize,
    /// What differs.
    pub differences: Vec<String>,
}

impl<'a> Comparison<'a> {
    /// Asks both for everything.
    pub fn new(objects: &'a [Value], assumptions: &Assumptions, strictness: Strictness) -> Self {
        let analysis = fixture::analysis(objects, assumptions.clone());
        let reference = Reference::new(objects, assumptions);
        let addresses = addresses(&reference);
        Self { objects, analysis, reference, strictness, addresses, n_flows: 0, by_verdict: [0; 3], n_cautious: 0, differences: Vec::new() }
    }

    /// Our ends, in the order of the reference's pods, and then addresses outside.
    fn ends(&mut self) -> Vec<(reference::End, End, String)> {
        let inventory = self.analysis.inventory();
        let key = |namespace: &str, name: &str, kind: &str| format!("{namespace}/{name} {kind}");
        let ours: BTreeMap<String, _> = inventory
            .pods
            .entries()
            .map(|(id, pod)| {
                let kind = if pod.is_representative() { &inventory.workloads.at(pod.workload).kind } else { "Pod" };
                (key(pod.namespace(), pod.name(), kind), id)
            })
            .collect();
        let mut ends = Vec::new();
        for (index, pod) in self.reference.cluster.pods.iter().enumerate() {
            let key = key(&pod.namespace, &pod.name, &pod.kind);
            match ours.get(&key) {
                Some(id) => ends.push((reference::End::Pod(index), End::Pod(*id), format!("{}/{}", pod.namespace, pod.name))),
                None => self.differences.push(format!("{key} is not in the inventory")),
            }
        }
        if ends.len() != ours.len() {
            self.differences.push(format!("{} pods in the inventory, {} for the reference", ours.len(), ends.len()));
        }
        for address in self.addresses.iter().copied() {
            ends.push((reference::End::Address(address), End::Address(address), address.to_string()));
        }
        ends
    }

    /// Compares every pair of ends, one of them a pod, and every pod with names outside; and one question in `every` in full, reasons
    /// included.
    pub fn run(&mut self, every: usize) {
        let ends = self.ends();
        let mut pairs = Vec::new();
        for from in &ends {
            for to in ends.iter().filter(|to| matches!(from.1, End::Pod(_)) || matches!(to.1, End::Pod(_))) {
                let outcome = self.analysis.reachability().connection(self.analysis.inventory(), from.1, to.1);
                pairs.push(((from.0, from.2.as_str()), (to.0, to.2.clone()), outcome));
            }
            let End::Pod(pod) = from.1 else { continue };
            let class = self.analysis.reachability().class_of(pod);
            for name in NAMES {
                let pattern = DomainPattern::of_name(name);
                let outcome = self.analysis.reachability().domain(class, policy::Direction::Egress, &pattern);
                pairs.push(((from.0, from.2.as_str()), (reference::End::Name(name), format!("domain:{name}")), outcome));
            }
        }
        let mut n_pairs = 0_usize;
        for (from, to, outcome) in &pairs {
            let Some(expected) = self.reference.answers(from.0, to.0, PORTS) else { continue };
            for (port, expected) in PORTS.iter().zip(expected) {
                self.compare(&format!("{} -> {}", from.1, to.1), *port, outcome, expected);
            }
            n_pairs += 1;
            if let (reference::End::Pod(pod), reference::End::Name(_)) = (from.0, to.0)
                && !self.reference.has_families_of_names(pod)
            {
                // Reasons are given for both families, whatever the pod has.
                continue;
            }
            if n_pairs.is_multiple_of(every) {
                let port = PORTS[n_pairs / every % PORTS.len()];
                self.explain(*from, (to.0, &to.1), port, outcome);
            }
        }
        self.check_listing();
        self.check_workloads();
    }

    fn compare(&mut self, pair: &str, port: Port, outcome: &Outcome, expected: Verdict) {
        let ours = verdict(outcome, port);
        self.n_flows += 1;
        self.by_verdict[match expected {
            Verdict::Allowed => 0,
            Verdict::Denied => 1,
            Verdict::Depends => 2,
        }] += 1;
        self.n_cautious += usize::from(ours == Verdict::Depends && ours != expected);
        let may_depend = self.strictness == Strictness::Sound || is_excused(outcome);
        if ours != expected && !(may_depend && ours == Verdict::Depends) {
            self.differences.push(format!("{pair} {port:?}: ours {ours}, reference {expected}"));
        }
    }

    /// Asks for the reasons: the verdict is that of the pair, and each rule that is named is there and does what is said.
    fn explain(&mut self, from: (reference::End, &str), to: (reference::End, &str), port: Port, outcome: &Outcome) {
        let expected = verdict(outcome, port);
        let name = format!("{} -> {} {port:?}", from.1, to.1);
        let query = PortQuery::Number(Protocol::parse(port.0).expect("a protocol"), port.1);
        let (Ok(from_end), Ok(to_end)) = (self.analysis.endpoint(from.1), self.analysis.endpoint(to.1)) else {
            return self.differences.push(format!("{name}: an end is not found"));
        };
        let trace = self.analysis.trace(&from_end, &to_end, Some(&query));
        if trace.verdict != expected {
            self.differences.push(format!("{name}: traced {}, listed {expected}", trace.verdict));
        }
        if trace.verdict == Verdict::Depends && trace.depends.is_empty() {
            self.differences.push(format!("{name}: it depends, and does not say on what"));
        }
        for (side, direction, subject) in [(&trace.egress, Direction::Egress, from.0), (&trace.ingress, Direction::Ingress, to.0)] {
            // The reference takes pods without an address for IPv4 ones, where the engine leaves the family open too.
            let is_name = matches!(to.0, reference::End::Name(_));
            let checks_possible = self.strictness == Strictness::Equal && !is_excused(outcome) && !is_name;
            self.explain_side(&name, side, direction, subject, (from.0, to.0), port, checks_possible);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are one question")]
    fn explain_side(
        &mut self,
        name: &str,
        side: &Side,
        direction: Direction,
        subject: reference::End,
        ends: (reference::End, reference::End),
        port: Port,
        checks_possible: bool,
    ) {
        let mut complain = |what: &str| self.differences.push(format!("{name} {direction:?}: {what}"));
        if side.reasons.is_empty() {
            complain("no reason is given");
        }
        // A name may be denied by one rule for IPv4 and by another for IPv6: each may deny it, and no one does.
        let is_name = matches!(ends.1, reference::End::Name(_));
        let is_denied = |reason: &Reason| {
            matches!(reason.decision, Decision::NotAllowed | Decision::Denied) || (is_name && reason.decision == Decision::MayDeny)
        };
        if side.verdict == Verdict::Denied && !side.reasons.iter().any(is_denied) {
            complain("denied, and no policy is named");
        }
        for reason in &side.reasons {
            let Some(key) = &reason.object else { continue };
            let is_it = |object: &&Value| {
                let meta = &object["metadata"];
                text(object, "kind") == key.kind.name()
                    && text(object, "apiVersion").split_once('/').is_some_and(|(group, _)| group == key.kind.group())
                    && text(meta, "name") == key.name
                    && (text(meta, "namespace") == key.namespace || text(meta, "namespace").is_empty())
            };
            let Some(policy) = self.objects.iter().find(is_it) else {
                complain("it names an object that is not there");
                continue;
            };
            // Such policies are for TCP only, so that no rule of theirs decides.
            if key.kind == Kind::AuthorizationPolicy && port.0 != "TCP" {
                continue;
            }
            if policy.pointer(&reason.pointer).is_none() {
                complain(&format!("{key} has no {}", reason.pointer));
            }
            let reference::End::Pod(subject) = subject else {
                complain("a policy decides where there is no pod");
                continue;
            };
            if !self.reference.selects(policy, subject, direction) {
                complain(&format!("{key} does not select the pod"));
            }
            let matches = |pointer: &str| self.reference.rule_matches(policy, pointer, ends.0, ends.1, port);
            let checks_possible = checks_possible && !is_conditional(policy, &reason.pointer, direction);
            let may_decide = |pointer: &String| {
                let may = [Decision::MayAllow, Decision::MayDeny, Decision::MayPass];
                let is_it = |other: &&Reason| other.object == reason.object && other.pointer.starts_with(pointer.as_str());
                side.reasons.iter().filter(is_it).any(|other| may.contains(&other.decision))
            };
            // What is said to match perhaps is left alone where the engine has to be cautious.
            let pointers = self.reference.rules_of(policy, direction).into_iter();
            let mut pointers = pointers.filter(|pointer| !(may_decide(pointer) && is_conditional(policy, pointer, direction)));
            let expected = match reason.decision {
                Decision::Allowed => Action::Allow,
                Decision::Denied => Action::Deny,
                Decision::Passed => Action::Pass,
                Decision::MayAllow if checks_possible => Action::Allow,
                Decision::MayDeny if checks_possible => Action::Deny,
                Decision::MayPass if checks_possible => Action::Pass,
                // Where a rule denies, or another plane, what others let through does not count.
                Decision::NotAllowed
                    if side
                        .reasons
                        .iter()
                        .any(|other| other.decision == Decision::Denied || (is_denied(other) && other.plane != reason.plane)) =>
                {
                    continue;
                }
                Decision::NotAllowed if side.verdict == Verdict::Denied => {
                    let lets_through = |found: RuleMatch| found.is_certain || found.actions.iter().any(|action| *action != Action::Deny);
                    for pointer in pointers.filter(|pointer| matches(pointer).is_some_and(lets_through)) {
                        complain(&format!("{key} {pointer} matches, and is said not to"));
                    }
                    continue;
                }
                // Of several parts of a policy, one may match where another does not.
                Decision::NoMatch
                    if side.reasons.iter().any(|other| other.object == reason.object && other.decision != Decision::NoMatch) =>
                {
                    continue;
                }
                Decision::NoMatch => {
                    for pointer in pointers.filter(|pointer| matches(pointer).is_some_and(|found| found.is_certain)) {
                        complain(&format!("{key} {pointer} certainly matches, and is said not to"));
                    }
                    continue;
                }
                _ => continue,
            };
            let found = matches(&reason.pointer);
            if !found.as_ref().is_some_and(|found| found.actions.contains(&expected)) {
                complain(&format!("{key} {} is said to do {expected:?}, the reference says {found:?}", reason.pointer));
            }
            let mut earlier = pointers.by_ref().take_while(|pointer| !reason.pointer.starts_with(pointer));
            // Nor have those of Calico, where the policy's rank is not told from that of others and they are for some of its pods.
            let own = if direction == Direction::Ingress { "destination" } else { "source" };
            let is_in_parts = key.kind.group() == "projectcalico.org" && policy.to_string().contains(own);
            let has_order = !UNORDERED.contains(&key.kind) && !is_in_parts;
            if has_order && earlier.any(|pointer| matches(&pointer).is_some_and(|found| found.is_certain)) {
                complain(&format!("{key} {} is said to decide, and an earlier rule does", reason.pointer));
            }
            let is_said_certain = matches!(reason.decision, Decision::Allowed | Decision::Denied | Decision::Passed);
            if has_order && is_said_certain && found.is_some_and(|found| !found.is_certain) {
                complain(&format!("{key} {} is said to match certainly", reason.pointer));
            }
        }
    }

    /// The listing by workloads is certain of what holds for every pair of their pods, and holds possible what holds for one of them.
    fn check_workloads(&mut self) {
        let inventory = self.analysis.inventory();
        let listed = pairs_of(self.analysis.connections(Unit::Workload));
        for (from_id, from) in inventory.workloads.entries() {
            for (to_id, to) in inventory.workloads.entries().filter(|(id, _)| *id != from_id) {
                let pairs = from.pods.iter().flat_map(|a| to.pods.iter().map(|b| (*a, *b)));
                let outcomes = pairs.map(|(a, b)| self.analysis.reachability().connection(inventory, End::Pod(a), End::Pod(b)));
                let merged = outcomes
                    .map(|outcome| (outcome.certain, outcome.possible))
                    .reduce(|(certain, possible), other| (certain.intersection(&other.0), possible.union(&other.1)));
                let names = (self.analysis.workload_peer(from_id).to_string(), self.analysis.workload_peer(to_id).to_string());
                let line = listed.get(&names).cloned().unwrap_or_default();
                if merged.is_some_and(|merged| merged != line) {
                    self.differences.push(format!("{} -> {}: listed otherwise than their pods", names.0, names.1));
                }
            }
        }
    }

    /// The listing by pods says the same as the pairs.
    fn check_listing(&mut self) {
        let mut ranges: BTreeMap<(Peer, bool), Vec<Connection>> = BTreeMap::new();
        let mut lines = Vec::new();
        for line in self.analysis.connections(Unit::Pod) {
            match (&line.from, &line.to) {
                (Peer::Range { .. }, _) => ranges.entry((line.to.clone(), false)).or_default().push(line),
                (_, Peer::Range { .. }) => ranges.entry((line.from.clone(), true)).or_default().push(line),
                _ => lines.push(line),
            }
        }
        let listed = pairs_of(lines);
        let inventory = self.analysis.inventory();
        for from in inventory.pods.ids() {
            for to in inventory.pods.ids().filter(|to| *to != from) {
                let names = (self.analysis.pod_peer(from).to_string(), self.analysis.pod_peer(to).to_string());
                let outcome = self.analysis.reachability().connection(inventory, End::Pod(from), End::Pod(to));
                if listed.get(&names).cloned().unwrap_or_default() != (outcome.certain, outcome.possible) {
                    self.differences.push(format!("{} -> {}: listed otherwise than asked", names.0, names.1));
                }
            }
            for address in self.addresses.iter().copied() {
                if address.is_ipv6() && !self.analysis.reachability().names_ipv6() {
                    continue;
                }
                let pod = self.analysis.pod_peer(from);
                let holds = |peer: &Peer| match peer {
                    Peer::Range { first, last } => first.is_ipv4() == address.is_ipv4() && *first <= address && address <= *last,
                    _ => false,
                };
                // Listings do not set the address of a pod's own node apart, which is always let in.
                let own = &inventory.pods.at(from).record().node;
                let is_own = self.reference.cluster.nodes.iter().any(|node| node.name() == &**own && node.addresses.contains(&address));
                for is_out in [true, false].into_iter().filter(|is_out| *is_out || !is_own) {
                    let (source, destination) =
                        if is_out { (End::Pod(from), End::Address(address)) } else { (End::Address(address), End::Pod(from)) };
                    let outcome = self.analysis.reachability().connection(inventory, source, destination);
                    let lines = ranges.get(&(pod.clone(), is_out)).into_iter().flatten();
                    let lines = lines.filter(|line| line.depends.is_empty() && holds(if is_out { &line.to } else { &line.from }));
                    let sets: Vec<_> = lines.map(|line| line.ports.clone()).collect();
                    let expected = if outcome.certain.is_empty() { Vec::new() } else { vec![outcome.certain.clone()] };
                    if sets != expected {
                        self.differences.push(format!("{pod} and {address}: listed otherwise than asked"));
                    }
                }
            }
        }
    }
}

/// The addresses that are asked for: some that any policy may speak of, and an even choice of those at which something changes. The
/// addresses of pods are asked for as pods.
fn addresses(reference: &Reference) -> Vec<IpAddr> {
    let mut changes: Vec<IpAddr> = reference.interesting_addresses().into_iter().collect();
    let step = changes.len().div_ceil(MOST_ADDRESSES).max(1);
    changes = changes.into_iter().step_by(step).collect();
    let usual = ADDRESSES.iter().map(|address| address.parse().expect("an address"));
    let mut addresses: Vec<IpAddr> = usual.chain(changes).collect();
    addresses.retain(|address| !reference.cluster.pods.iter().any(|pod| pod.addresses.contains(address)));
    addresses.sort();
    addresses.dedup();
    addresses
}

/// The certain and the possible ports of every pair that is listed.
fn pairs_of(lines: Vec<Connection>) -> BTreeMap<(String, String), (PortSet, PortSet)> {
    let mut pairs: BTreeMap<_, (PortSet, PortSet)> = BTreeMap::new();
    for line in lines {
        let pair = pairs.entry((line.from.to_string(), line.to.to_string())).or_default();
        pair.1 = pair.1.union(&line.ports);
        if line.depends.is_empty() {
            pair.0 = line.ports;
        }
    }
    pairs
}

fn verdict(outcome: &Outcome, (protocol, port): Port) -> Verdict {
    let protocol = Protocol::parse(protocol).expect("a protocol");
    match (outcome.certain.contains(protocol, port), outcome.possible.contains(protocol, port)) {
        (true, _) => Verdict::Allowed,
        (false, true) => Verdict::Depends,
        (false, false) => Verdict::Denied,
    }
}

/// Whether the engine may have been less certain than the reference is, and says why.
fn is_excused(outcome: &Outcome) -> bool {
    let is_excuse = |cause: &Cause| match cause {
        Cause::Condition(words) => EXCUSING_WORDS.iter().any(|excuse| words.contains(excuse)),
        cause => EXCUSES.contains(cause),
    };
    outcome.causes.iter().any(is_excuse)
}

/// Whether a rule asks for what the engine does not tell: which node a pod runs on, the address of the policy's own end, or all ports but
/// one by name.
fn is_conditional(policy: &Value, pointer: &str, direction: Direction) -> bool {
    let length = if pointer.starts_with("/specs/") { 5 } else { 4 };
    let place: Vec<&str> = pointer.split('/').take(length).collect();
    let Some(rule) = policy.pointer(&place.join("/")) else { return false };
    let own = &rule[if direction == Direction::Ingress { "destination" } else { "source" }];
    let entities = list(rule, "fromEntities").iter().chain(list(rule, "toEntities"));
    let asks_for_node = entities.filter_map(Value::as_str).any(|entity| entity == "host" || entity == "remote-node");
    let is_named = |port: &Value| port.as_str().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_alphabetic()));
    let asks_for_address = ["nets", "notNets"].iter().any(|field| own.get(field).is_some());
    asks_for_node || asks_for_address || list(&rule["destination"], "notPorts").iter().any(is_named)
}
