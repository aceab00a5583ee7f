//! Cilium: CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy, in the tier of NetworkPolicies.
//!
//! Cilium judges by identities, and so do the peers here: a block of addresses is for what lies outside the cluster only, an entity is no
//! pod, and pods on their node's network are the node.

mod peers;
mod selector;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use smol_str::SmolStr;

use self::peers::Found;
use self::selector::Endpoints;
use super::nodes::{Nodes, blocks_of};
use super::{Action, HostNetwork, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rule, Term};
use crate::address::AddressBlock;
use crate::object::{Kind, ObjectKey, Warning};
use crate::record::{
    CidrGroups, CiliumAuthentication, CiliumPeerKind, CiliumPolicyRecord, CiliumPorts, CiliumRule, CiliumSection, CiliumServices,
    CiliumSpec, CiliumSubject, Record, ServicesBy,
};
use crate::snapshot::{Snapshot, typed};

const KINDS: [Kind; 2] = [Kind::CiliumNetworkPolicy, Kind::CiliumClusterwideNetworkPolicy];

/// The policies of Cilium, which stand in one tier with NetworkPolicies: what any of them allows is allowed unless one denies it.
pub(super) fn compile(snapshot: &Snapshot) -> Vec<Arc<Policy>> {
    if KINDS.iter().all(|kind| snapshot.count(*kind) == 0) {
        return Vec::new();
    }
    let compiler = Compiler::new(snapshot);
    let of_one = |(key, record): (&ObjectKey, &CiliumPolicyRecord)| {
        record.specs.iter().filter_map(|spec| compiler.policy(key, record, spec)).map(Arc::new).collect::<Vec<_>>()
    };
    records(snapshot).flat_map(of_one).collect()
}

/// What policies name that is not there.
pub(super) fn faults(snapshot: &Snapshot) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let is_missing = |kind: Kind, namespace: &SmolStr, name: &SmolStr| {
        let is_unseen = snapshot.unseen.0.contains_key(&kind);
        !is_unseen && snapshot.record(&ObjectKey::new(kind, namespace.clone(), name.clone())).is_none()
    };
    for (key, record) in records(snapshot) {
        if snapshot.count(Kind::Node) == 0 && record.specs.iter().any(|spec| matches!(spec.subject, CiliumSubject::Nodes(_))) {
            let message = "no Node object is there: the policy is applied to pods without a node only";
            warnings.push(Warning::new(key, "", message));
        }
        let rules = record.specs.iter().flat_map(|spec| spec.ingress.rules.iter().chain(&spec.egress.rules));
        for peer in rules.flat_map(|rule| rule.peers.iter().flatten()) {
            let (field, what) = match &peer.kind {
                CiliumPeerKind::Groups(CidrGroups::Named(name), _) if is_missing(Kind::CiliumCidrGroup, &SmolStr::default(), name) => {
                    ("cidrGroupRef", format!("CiliumCIDRGroup {name}"))
                }
                CiliumPeerKind::Services(CiliumServices { namespace, which: ServicesBy::Name(name) })
                    if !namespace.is_empty() && is_missing(Kind::Service, namespace, name) =>
                {
                    ("k8sService", format!("Service {namespace}/{name}"))
                }
                _ => continue,
            };
            let message = format!("no {what} is there: the peer matches nothing");
            warnings.push(Warning::new(key, format!("{}/{field}", peer.pointer), message));
        }
    }
    warnings
}

fn records(snapshot: &Snapshot) -> impl Iterator<Item = (&ObjectKey, &CiliumPolicyRecord)> {
    KINDS.into_iter().flat_map(|kind| snapshot.records(kind)).filter_map(|(key, record)| match record {
        Record::CiliumPolicy(record) => Some((key, &**record)),
        _ => None,
    })
}

struct Compiler<'a> {
    snapshot: &'a Snapshot,
    nodes: Nodes<'a>,
    /// The addresses of all nodes, IPv4 and IPv6.
    node_blocks: [AddressBlock; 2],
    /// The addresses of the API server, IPv4 and IPv6.
    api_server: [AddressBlock; 2],
}

impl<'a> Compiler<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let nodes = Nodes::of(snapshot);
        let node_blocks = nodes.blocks();
        let slices = typed!(snapshot, EndpointSlice).filter(|(key, slice)| key.namespace == "default" && slice.service == "kubernetes");
        let endpoints = slices.flat_map(|(_, slice)| &slice.endpoints);
        let api_server = blocks_of(endpoints.flat_map(|endpoint| endpoint.addresses.iter().copied()));
        Self { snapshot, nodes, node_blocks, api_server }
    }

    fn policy(&self, key: &ObjectKey, record: &CiliumPolicyRecord, spec: &CiliumSpec) -> Option<Policy> {
        let mut conditions: Vec<String> = spec.conditions.iter().map(ToString::to_string).collect();
        if record.is_refused {
            conditions.push(format!("Cilium takes {}, which it is known to refuse", key.name));
        }
        let subject = match &spec.subject {
            CiliumSubject::Endpoints(selector) => {
                let endpoints = Endpoints::of_subject(selector, &key.namespace)?;
                conditions.extend(endpoints.condition);
                endpoints.pods
            }
            CiliumSubject::Nodes(selector) => {
                let known = self.nodes.names_of(selector);
                // A pod that runs nowhere yet may come to run on any node.
                let host_network = HostNetwork::On(Arc::new(known.chain([SmolStr::default()]).collect()));
                if self.nodes.is_empty() && !selector.is_everything() {
                    conditions.push(format!("the node has the labels {selector}"));
                }
                PodSelector { host_network, ..PodSelector::everywhere() }
            }
        };
        let rules = |section: &CiliumSection| {
            let speaks = section.denies_by_default || !section.rules.is_empty();
            speaks.then(|| section.rules.iter().flat_map(|rule| self.rules(key, rule)).collect())
        };
        let isolates = [spec.ingress.denies_by_default, spec.egress.denies_by_default];
        let mut policy = Policy::new(key.clone(), 0, subject, rules(&spec.ingress), rules(&spec.egress));
        policy.isolates = isolates;
        policy.condition = (!conditions.is_empty()).then(|| conditions.join(" and ").into());
        Some(policy)
    }

    /// One rule, or several that stand for one: for each of the conditions that its ends and its items of ports are under.
    fn rules(&self, key: &ObjectKey, rule: &CiliumRule) -> Vec<Rule> {
        let action = if rule.is_deny { Action::Deny } else { Action::Allow };
        let groups = match rule.peers.as_ref().map(|peers| self.peers(key, peers)) {
            None | Some(Found::Everything) => vec![(None, None)],
            Some(Found::Peers(peers)) => by_condition(peers),
        };
        let mut rules = Vec::new();
        for (condition, peers) in groups {
            for (ports, item) in by_item(rule) {
                let named = names_of(ports.as_deref().filter(|_| is_egress(rule)).unwrap_or_default());
                let conditions = [condition.as_deref(), item.and_then(|item| item.condition.as_deref())].into_iter().flatten();
                let plain = Rule::new(rule.pointer.clone(), action, peers.clone(), ports);
                let mut compiled = conditions.fold(plain, Rule::under);
                if !named.is_empty() {
                    // What a name stands for on the way out is looked up once for the whole cluster (pkg/endpoint, GetNamedPort).
                    let names = named.join(" and ");
                    compiled = compiled.under(format!("Cilium, which looks port {names} up for the whole cluster, finds that of the pod"));
                }
                // The most specific rule that asks for it, or that covers it, decides on authentication, and not the one that lets through.
                match rule.authentication {
                    None => {}
                    Some(CiliumAuthentication::Required) => {
                        rules.push(Rule { action: Action::Deny, ..compiled.clone() }.under("an end fails to authenticate itself"));
                    }
                    Some(CiliumAuthentication::AlwaysFails) => compiled.action = Action::Deny,
                }
                if let Some(item) = item.filter(|item| !item.lookups.is_empty()) {
                    compiled = compiled.showing_lookups(item.lookups.clone());
                }
                rules.push(compiled);
            }
        }
        rules.extend(rule.requires.iter().map(|selector| self.required(key, rule, selector)));
        rules
    }

    /// What a list of requirements keeps out: pods that do not meet it, where Cilium still heeds such lists.
    fn required(&self, key: &ObjectKey, rule: &CiliumRule, selector: &crate::record::CiliumSelector) -> Rule {
        let all = PeerKind::Pods(PodSelector::everywhere());
        let mut terms = vec![Term { is_negated: false, any: [all].into() }];
        if let Some(endpoints) = Endpoints::of_peer(selector, &key.namespace) {
            terms.push(Term { is_negated: true, any: [PeerKind::Pods(endpoints.pods)].into() });
        }
        let peer = Peer { pointer: rule.pointer.clone(), kind: PeerKind::all(terms) };
        let side = if rule.pointer.contains("/ingress") { "fromRequires" } else { "toRequires" };
        Rule::new(rule.pointer.clone(), Action::Deny, Some(vec![peer]), None).under(format!("the version of Cilium heeds {side}"))
    }
}

/// Peers by the conditions that they are under; those under none first.
fn by_condition(peers: Vec<(Peer, Option<SmolStr>)>) -> Vec<(Option<SmolStr>, Option<Vec<Peer>>)> {
    let mut groups: Vec<(Option<SmolStr>, Vec<Peer>)> = vec![(None, Vec::new())];
    for (peer, condition) in peers {
        match groups.iter_mut().find(|(known, _)| *known == condition) {
            Some((_, group)) => group.push(peer),
            None => groups.push((condition, vec![peer])),
        }
    }
    if groups.len() > 1 {
        groups.retain(|(_, peers)| !peers.is_empty());
    }
    groups.into_iter().map(|(condition, peers)| (condition, Some(peers))).collect()
}

fn is_egress(rule: &CiliumRule) -> bool {
    !rule.pointer.contains("/ingress")
}

/// The names among some ports.
fn names_of(ports: &[Port]) -> Vec<SmolStr> {
    let name = |port: &Port| match &port.kind {
        PortKind::Named(_, name) => Some(name.clone()),
        PortKind::Set(_) => None,
    };
    let mut names: Vec<SmolStr> = ports.iter().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The ports of a rule: all plain items in one, and each item that asks for more by itself.
fn by_item(rule: &CiliumRule) -> Vec<(Option<Vec<Port>>, Option<&CiliumPorts>)> {
    let Some(items) = rule.ports.as_deref() else { return vec![(None, None)] };
    let has_names = |item: &CiliumPorts| is_egress(rule) && !names_of(item.ports.as_deref().unwrap_or_default()).is_empty();
    let is_plain = |item: &&CiliumPorts| item.condition.is_none() && item.lookups.is_empty() && !has_names(item);
    let plain: Vec<Port> = items.iter().filter(is_plain).flat_map(|item| item.ports.iter().flatten().cloned()).collect();
    let others: Vec<_> = items.iter().filter(|item| !is_plain(item)).map(|item| (item.ports.clone(), Some(item))).collect();
    let first = (!plain.is_empty() || others.is_empty()).then_some((Some(plain), None));
    first.into_iter().chain(others).collect()
}
