//! Policies of Calico, one by one, into the one representation.
//!
//! A rule may look at both ends. What it asks of the policy's own end narrows whom the rule is for: such a policy becomes several, of
//! which each is asked after the one before.

use smol_str::SmolStr;

use super::Named;
use super::endpoints::Directory;
use crate::address::{AddressBlock, Family, number};
use crate::intervals::Intervals;
use crate::labels::Selector;
use crate::object::{Kind, ObjectKey};
use crate::policy::{
    Action, BlockKind, Direction, DomainPattern, DomainPeer, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rule,
    Term,
};
use crate::ports::{PortSet, Protocol};
use crate::record::{
    CalicoEndpoints, CalicoEntity, CalicoNamespaces, CalicoPort, CalicoRule, EndpointSliceRecord, Record, ServiceRecord, TargetPort,
};
use crate::snapshot::{Snapshot, typed};

/// What compiling policies needs.
pub(super) struct Compiler<'a> {
    snapshot: &'a Snapshot,
    directory: Directory<'a>,
}

/// What a rule asks of the policy's own end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Own {
    endpoints: Option<CalicoEndpoints>,
    not_labels: Option<Selector>,
}

/// Rules that follow each other and ask the same of the policy's own end.
struct Segment {
    own: Own,
    rules: Vec<Rule>,
}

/// What one end may be: certainly, or under a condition.
struct Choice {
    kinds: Vec<PeerKind>,
    condition: Option<String>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, directory: Directory::new(snapshot) }
    }

    /// What one object comes to. Ranks only tell what is asked first of these: from 0, and more for what comes after.
    pub(super) fn policies(&self, (key, record): Named<'_>, condition: Option<&str>) -> Vec<Policy> {
        let compile = |rules: &Option<Vec<CalicoRule>>, direction| rules.as_ref().map(|rules| self.segments(rules, direction));
        let mut ingress = compile(&record.ingress, Direction::Ingress);
        let mut egress = compile(&record.egress, Direction::Egress);
        let mut policies = Vec::new();
        let mut rank = 0;
        let mut add = |own: &Own, ingress: Option<Vec<Rule>>, egress: Option<Vec<Rule>>, besides: Option<&str>| {
            let Some(subject) = narrowed(&record.subject, own, self) else { return };
            let pods = self.directory.pods(&subject);
            let conditions: Vec<&str> = [condition, pods.condition, besides].into_iter().flatten().collect();
            for selector in pods.selectors {
                let rules = |rules: &Option<Vec<Rule>>| rules.as_ref().map(|rules| rules.clone().into());
                let mut policy = Policy::new(key.clone(), rank, selector, rules(&ingress), rules(&egress));
                policy.condition = (!conditions.is_empty()).then(|| conditions.join(" and ").into());
                policies.push(policy);
            }
            rank += 1;
        };
        // The policy itself comes first, with what is for all of its pods before anything that is for some: that it is there at all
        // denies what no rule decides.
        let first = |segments: &mut Option<Vec<Segment>>| {
            let segments = segments.as_mut()?;
            let is_for_all = segments.first().is_some_and(|segment| segment.own == Own::default());
            Some(if is_for_all { segments.remove(0).rules } else { Vec::new() })
        };
        let (first_ingress, first_egress) = (first(&mut ingress), first(&mut egress));
        add(&Own::default(), first_ingress, first_egress, None);
        for segment in ingress.into_iter().flatten() {
            add(&segment.own, Some(segment.rules), None, None);
        }
        for segment in egress.into_iter().flatten() {
            add(&segment.own, None, Some(segment.rules), None);
        }
        if record.may_speak_of_both {
            let missing = |rules: &Option<Vec<CalicoRule>>| rules.is_none().then(Vec::new);
            let condition = "a policy without types, as it is kept, is for both directions";
            add(&Own::default(), missing(&record.ingress), missing(&record.egress), Some(condition));
        }
        policies
    }

    fn segments(&self, rules: &[CalicoRule], direction: Direction) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for rule in rules {
            let (own, other) = match direction {
                Direction::Ingress => (&rule.destination, &rule.source),
                Direction::Egress => (&rule.source, &rule.destination),
            };
            let mut compiled = self.rules(rule, own, other, direction);
            // Calico looks the pod's own address up in what a selector selects, which may be sets of networks.
            let has_sets = |endpoints: &CalicoEndpoints| self.directory.networks(endpoints).iter().any(|(set, _)| !set.nets.is_empty());
            let not_own = own.not_labels.clone().map(|labels| CalicoEndpoints { namespaces: CalicoNamespaces::Any, labels });
            if not_own.as_ref().is_some_and(has_sets) {
                let condition = format!("the pod's own address is in no set of networks that {}/notSelector selects", own.pointer);
                compiled = compiled.into_iter().map(|rule| rule.under(&condition)).collect();
            }
            if own.endpoints.as_ref().is_some_and(has_sets) {
                let condition = format!("the pod's own address is in a set of networks that {}/selector selects", own.pointer);
                let rules = compiled.iter().map(|rule| rule.clone().under(&condition)).collect();
                segments.push(Segment { own: Own { endpoints: None, not_labels: own.not_labels.clone() }, rules });
            }
            let own = Own { endpoints: own.endpoints.clone(), not_labels: own.not_labels.clone() };
            match segments.last_mut() {
                Some(last) if last.own == own => last.rules.extend(compiled),
                _ => segments.push(Segment { own, rules: compiled }),
            }
        }
        segments
    }

    /// One rule: several that stand for one, where something of it is under a condition.
    fn rules(&self, rule: &CalicoRule, own: &CalicoEntity, other: &CalicoEntity, direction: Direction) -> Vec<Rule> {
        let mut conditions: Vec<String> = rule.conditions.iter().map(ToString::to_string).collect();
        conditions.extend(conditions_on_own(own));
        conditions.extend(conditions_on_client(&rule.source));
        let Some(ports) = ports_of(rule, &mut conditions) else { return Vec::new() };
        let finish = |terms: Vec<Term>, ports: Option<Vec<Port>>, besides: Option<&str>| {
            let peers = peers_of(terms, &other.pointer);
            let compiled = Rule::new(rule.pointer.clone(), rule.action, peers, ports);
            conditions.iter().map(String::as_str).chain(besides).fold(compiled, Rule::under)
        };
        if let Some(service) = &other.service {
            let choices = self.service(service, rule);
            let of_choice = |(choice, own_ports): (Choice, Option<Vec<Port>>)| {
                let mut terms = self.terms(rule, other, false);
                terms.push(Term { is_negated: false, any: choice.kinds.into() });
                let ports = if direction == Direction::Egress { own_ports } else { ports.clone() };
                finish(terms, ports, choice.condition.as_deref())
            };
            return choices.into_iter().map(of_choice).collect();
        }
        let choices = self.choices(rule, other, direction);
        let Some(choices) = choices else {
            let terms = self.terms(rule, other, true);
            return vec![finish(terms, ports, None)];
        };
        let of_choice = |choice: Choice| {
            let mut terms = vec![Term { is_negated: false, any: choice.kinds.into() }];
            terms.extend(self.terms(rule, other, true));
            finish(terms, ports.clone(), choice.condition.as_deref())
        };
        let mut rules: Vec<Rule> = choices.into_iter().map(of_choice).collect();
        if other.is_kept_to_namespace {
            let terms = self.terms(rule, other, true);
            let condition = "a notSelector in the policy of a namespace holds for what is outside of it, as the text of Calico says";
            rules.push(finish(terms, ports.clone(), Some(condition)));
        }
        if other.endpoints.is_some() && self.directory.may_miss_networks() {
            let terms = self.terms(rule, other, true);
            let condition = "a set of networks that may not be listed is selected and holds it";
            rules.push(finish(terms, ports, Some(condition)));
        }
        rules
    }

    /// What may be selected at the other end; `None` where nothing is asked for.
    fn choices(&self, rule: &CalicoRule, other: &CalicoEntity, direction: Direction) -> Option<Vec<Choice>> {
        if let Some(names) = &other.domains {
            let mut choices = vec![Choice { kinds: Vec::new(), condition: None }];
            names.iter().for_each(|name| add_domain(name, &mut choices));
            return Some(choices);
        }
        let endpoints = other.endpoints.as_ref()?;
        let pods = self.directory.pods(endpoints);
        let mut certain = Choice { kinds: Vec::new(), condition: None };
        let of_pods: Vec<PeerKind> = pods.selectors.into_iter().map(PeerKind::Pods).collect();
        let sets = self.directory.networks(endpoints);
        certain.kinds.extend(sets.iter().filter(|(_, is_certain)| *is_certain).flat_map(|(set, _)| &set.nets).map(block));
        let perhaps: Vec<PeerKind> = sets.iter().filter(|(_, is_certain)| !*is_certain).flat_map(|(set, _)| &set.nets).map(block).collect();
        let mut choices = match pods.condition {
            None => {
                certain.kinds.extend(of_pods);
                vec![certain]
            }
            // It may be any pod.
            Some(condition) => {
                vec![certain, Choice { kinds: vec![PeerKind::Pods(PodSelector::everywhere())], condition: Some(condition.to_owned()) }]
            }
        };
        if !perhaps.is_empty() {
            let condition = "Calico selects sets of networks by namespaces or accounts that they do not have".to_owned();
            choices.push(Choice { kinds: perhaps, condition: Some(condition) });
        }
        // "Domain names have no effect in ingress rules, or in a rule whose action is not Allow."
        if rule.action == Action::Allow && direction == Direction::Egress {
            sets.iter().flat_map(|(set, _)| &set.domains).for_each(|name| add_domain(name, &mut choices));
        }
        Some(choices)
    }

    /// What else is asked of the other end.
    fn terms(&self, rule: &CalicoRule, other: &CalicoEntity, with_blocks: bool) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut add = |is_negated: bool, any: Vec<PeerKind>| terms.push(Term { is_negated, any: any.into() });
        if let Some(labels) = &other.not_labels {
            let endpoints = CalicoEndpoints { namespaces: CalicoNamespaces::Any, labels: labels.clone() };
            let pods = self.directory.pods(&endpoints).selectors.into_iter().map(PeerKind::Pods);
            let nets = self.directory.networks(&endpoints).into_iter().flat_map(|(set, _)| &set.nets).map(block);
            add(true, pods.chain(nets).collect());
        }
        if let (Some(nets), true) = (&other.nets, with_blocks) {
            add(false, nets.iter().map(block).collect());
        }
        if !other.not_nets.is_empty() {
            add(true, other.not_nets.iter().map(block).collect());
        }
        if let Some(family) = rule.family {
            add(false, vec![block(&whole(family))]);
        }
        terms
    }

    /// The endpoints of a Service, with the ports that they have as such.
    fn service(&self, service: &(SmolStr, SmolStr), rule: &CalicoRule) -> Vec<(Choice, Option<Vec<Port>>)> {
        let (namespace, name) = service;
        let port = |kind: PortKind| Port { pointer: rule.pointer.clone(), kind };
        let slices = typed!(self.snapshot, EndpointSlice).filter(|(key, slice)| key.namespace == *namespace && slice.service == *name);
        let slices: Vec<&EndpointSliceRecord> = slices.map(|(_, slice)| &**slice).collect();
        let may_be_unseen = [Kind::Service, Kind::EndpointSlice].iter().any(|kind| self.snapshot.unseen.0.contains_key(kind));
        let mut choices = Vec::new();
        for slice in &slices {
            let sets = slice.ports.iter().map(|port| match port.port {
                Some(number) => PortSet::one(port.protocol, number),
                None => PortSet::all_of(port.protocol),
            });
            let sets = sets.map(|set| port(PortKind::Set(set.intersection(&rule.protocols)))).collect::<Vec<_>>();
            let kinds = |is_ready: bool| -> Vec<PeerKind> {
                let endpoints = slice.endpoints.iter().filter(|endpoint| endpoint.ready == is_ready);
                endpoints.flat_map(|endpoint| &endpoint.addresses).map(|address| block(&only(*address))).collect()
            };
            choices.push((Choice { kinds: kinds(true), condition: None }, Some(sets.clone())));
            let not_ready = kinds(false);
            if !not_ready.is_empty() {
                let condition = format!("endpoints of Service {namespace}/{name} that are not ready count");
                choices.push((Choice { kinds: not_ready, condition: Some(condition) }, Some(sets)));
            }
        }
        let record = match self.snapshot.record(&ObjectKey::new(Kind::Service, namespace.clone(), name.clone())) {
            Some(Record::Service(record)) => Some(&**record),
            _ => None,
        };
        if let (true, Some(ServiceRecord { selector: Some(selector), ports, .. })) = (slices.is_empty(), record) {
            let pods = PodSelector::within(NamespaceScope::One(namespace.clone()), selector.clone());
            let targets = ports.iter().filter(|port| !rule.protocols.intersection(&PortSet::all_of(port.protocol)).is_empty());
            let targets = targets.map(|target| {
                port(match &target.target {
                    TargetPort::Number(number) => PortKind::Set(PortSet::one(target.protocol, *number)),
                    TargetPort::Name(name) => PortKind::Named(Some(target.protocol), name.clone()),
                })
            });
            choices.push((Choice { kinds: vec![PeerKind::Pods(pods)], condition: None }, Some(targets.collect())));
        }
        if may_be_unseen {
            let condition = format!("it is an endpoint of Service {namespace}/{name}, which may not be listed");
            let anybody = [Family::V4, Family::V6].map(|family| block(&whole(family))).to_vec();
            choices.push((Choice { kinds: anybody, condition: Some(condition) }, None));
        }
        choices
    }
}

/// The endpoints that a policy is for and that a rule asks for at the policy's own end; `None` where there can be none.
fn narrowed(subject: &CalicoEndpoints, own: &Own, compiler: &Compiler<'_>) -> Option<CalicoEndpoints> {
    let mut narrowed = subject.clone();
    if let Some(endpoints) = &own.endpoints {
        narrowed.labels = narrowed.labels.and_all(&endpoints.labels);
        narrowed.namespaces = match (&narrowed.namespaces, &endpoints.namespaces) {
            (any, CalicoNamespaces::Any) => any.clone(),
            (CalicoNamespaces::Any, other) => other.clone(),
            (CalicoNamespaces::One(one), CalicoNamespaces::One(other)) => (one == other).then(|| CalicoNamespaces::One(one.clone()))?,
            (CalicoNamespaces::Matching(one), CalicoNamespaces::Matching(other)) => CalicoNamespaces::Matching(one.and_all(other)),
            (CalicoNamespaces::One(one), CalicoNamespaces::Matching(selector))
            | (CalicoNamespaces::Matching(selector), CalicoNamespaces::One(one)) => {
                compiler.directory.namespace_matches(one, selector).then(|| CalicoNamespaces::One(one.clone()))?
            }
        };
    }
    if let Some(labels) = &own.not_labels {
        narrowed.labels = narrowed.labels.and_all(&labels.negated());
    }
    Some(narrowed)
}

/// Who meets all terms: anybody, where there is none.
fn peers_of(terms: Vec<Term>, pointer: &SmolStr) -> Option<Vec<Peer>> {
    let peer = |kind: PeerKind| Peer { pointer: pointer.clone(), kind };
    match terms.as_slice() {
        [] => None,
        [Term { is_negated: false, any }] => Some(any.iter().cloned().map(peer).collect()),
        _ => Some(vec![peer(PeerKind::all(terms))]),
    }
}

/// What a rule asks of the policy's own end that is no label.
fn conditions_on_own(own: &CalicoEntity) -> Vec<String> {
    let mut conditions = Vec::new();
    let pointer = &own.pointer;
    if own.nets.is_some() {
        conditions.push(format!("the pod's own address is among {pointer}/nets"));
    }
    if !own.not_nets.is_empty() {
        conditions.push(format!("the pod's own address is not among {pointer}/notNets"));
    }
    if let Some((namespace, name)) = &own.service {
        conditions.push(format!("the pod is an endpoint of Service {namespace}/{name}"));
    }
    conditions
}

/// What a rule asks of the port that a connection comes from, which a client mostly takes at random.
fn conditions_on_client(source: &CalicoEntity) -> Vec<String> {
    let mut conditions = Vec::new();
    if source.ports.is_some() {
        conditions.push(format!("the client's own port is among {}/ports", source.pointer));
    }
    if !source.not_ports.is_empty() {
        conditions.push(format!("the client's own port is not among {}/notPorts", source.pointer));
    }
    conditions
}

/// The ports of a rule; `None` where there are none, so for what is not TCP, UDP or SCTP.
fn ports_of(rule: &CalicoRule, conditions: &mut Vec<String>) -> Option<Option<Vec<Port>>> {
    let destination = &rule.destination;
    let mut open = rule.protocols.clone();
    for port in &destination.not_ports {
        match port {
            CalicoPort::Range(first, last) => {
                open = Protocol::ALL.into_iter().fold(open, |open, protocol| open.difference(&range(protocol, *first, *last)));
            }
            CalicoPort::Name(name) => conditions.push(format!("the port is not the one named {name:?}")),
        }
    }
    if open.is_empty() {
        return None;
    }
    let Some(ports) = &destination.ports else {
        let port = || Port { pointer: rule.pointer.clone(), kind: PortKind::Set(open.clone()) };
        return Some((!open.is_all()).then(|| vec![port()]));
    };
    let mut matched = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let pointer: SmolStr = format!("{}/ports/{index}", destination.pointer).into();
        for protocol in Protocol::ALL.into_iter().filter(|protocol| !open.intersection(&PortSet::all_of(*protocol)).is_empty()) {
            let kind = match port {
                CalicoPort::Range(first, last) => PortKind::Set(range(protocol, *first, *last).intersection(&open)),
                CalicoPort::Name(name) => PortKind::Named(Some(protocol), name.clone()),
            };
            matched.push(Port { pointer: pointer.clone(), kind });
        }
        if matches!(port, CalicoPort::Name(_)) && destination.not_ports.iter().any(|port| matches!(port, CalicoPort::Range(..))) {
            conditions.push("the port by its name is not one that is taken out by number".to_owned());
        }
    }
    Some(Some(matched))
}

fn range(protocol: Protocol, first: u16, last: u16) -> PortSet {
    if last == 0 { PortSet::none() } else { PortSet::range(protocol, first, last) }
}

fn block(block: &AddressBlock) -> PeerKind {
    PeerKind::Block(BlockKind::Anybody, block.clone())
}

fn whole(family: Family) -> AddressBlock {
    AddressBlock { family, addresses: Intervals::span(0, family.last()) }
}

fn only(address: std::net::IpAddr) -> AddressBlock {
    AddressBlock { family: Family::of(address), addresses: Intervals::span(number(address), number(address)) }
}

/// Adds what a name of a domain resolves to. "With a single asterisk in any part of the domain name, it matches 1 or more path components
/// at that position": where that is not the first part, every name with the same end is taken, under a condition.
fn add_domain(name: &SmolStr, choices: &mut Vec<Choice>) {
    let domain = |text: &str| PeerKind::Domain(Box::new(DomainPeer { pattern: DomainPattern::of_name(text), is_learned: false }));
    let after_first = name.strip_prefix("*.").unwrap_or(name);
    match after_first.rsplit_once('*') {
        None => choices.iter_mut().take(1).for_each(|certain| certain.kinds.push(domain(name))),
        Some((_, end)) => {
            let kind = if end.starts_with('.') { domain(&format!("*{end}")) } else { domain("*") };
            choices.push(Choice { kinds: vec![kind], condition: Some(format!("the name is one that {name} stands for")) });
        }
    }
}
