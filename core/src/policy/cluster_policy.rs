//! policy.networking.k8s.io: ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy, in two first-match tiers.
//!
//! All policies of the Admin tier are asked in the order of their priorities, whatever their kind: no cluster should have both kinds, and
//! no text says how they would stand to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::nodes::Nodes;
use super::{
    Action, BlockKind, DomainPattern, DomainPeer, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rest, Rule, Tier,
    TierMode,
};
use crate::labels::{LabelSet, Operator, Requirement, Selector};
use crate::object::Kind;
use crate::record::{
    ClusterPolicyPeer, ClusterPolicyPeerKind, ClusterPolicyPortMatch, ClusterPolicyRecord, ClusterPolicyRule, NamespacePeers, PolicyTier,
    Record, RuleAction,
};
use crate::snapshot::Snapshot;

/// The name of the tier before NetworkPolicies.
const ADMIN: &str = "Admin";
/// The name of the tier after them.
const BASELINE: &str = "Baseline";

/// Compiles the tier before NetworkPolicies and the one after them.
pub(super) fn compile(snapshot: &Snapshot) -> [Tier; 2] {
    let compiler = Compiler::new(snapshot);
    let mut admin = Vec::new();
    let mut baseline = Vec::new();
    for kind in [Kind::ClusterNetworkPolicy, Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy] {
        for (key, record) in snapshot.records(kind) {
            let Record::ClusterPolicy(record) = record else { continue };
            let policies = match record.tier {
                PolicyTier::Admin => &mut admin,
                PolicyTier::Baseline => &mut baseline,
            };
            policies.extend(compiler.policies(record, key).into_iter().map(Arc::new));
        }
    }
    for policies in [&mut admin, &mut baseline] {
        policies.sort_by_key(|policy| policy.rank);
    }
    let kinds = [
        &[Kind::ClusterNetworkPolicy, Kind::AdminNetworkPolicy] as &[Kind],
        &[Kind::ClusterNetworkPolicy, Kind::BaselineAdminNetworkPolicy],
    ];
    let [admin_kinds, baseline_kinds] = kinds;
    [tier(ADMIN, admin_kinds, admin), tier(BASELINE, baseline_kinds, baseline)]
}

fn tier(name: &str, kinds: &'static [Kind], compiled: Vec<Arc<Policy>>) -> Tier {
    Tier { name: name.into(), mode: TierMode::FirstMatch(Rest::Passes), kinds, on_arrival: &[], compiled }
}

struct Compiler<'a> {
    nodes: Nodes<'a>,
    namespaces: BTreeMap<SmolStr, LabelSet>,
}

impl<'a> Compiler<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let uses_relations = [Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy].into_iter().any(|kind| snapshot.count(kind) > 0);
        let namespaces = if uses_relations { snapshot.namespaces() } else { BTreeSet::new() };
        let namespaces = namespaces.into_iter().map(|name| (name.clone(), snapshot.labels_of_namespace(&name))).collect();
        Self { nodes: Nodes::of(snapshot), namespaces }
    }

    /// One policy; or one for each set of values, where rules look at the labels of the subject's namespace.
    fn policies(&self, record: &ClusterPolicyRecord, key: &crate::object::ObjectKey) -> Vec<Policy> {
        let keys = related_keys(record);
        let values: BTreeSet<Vec<Option<&str>>> = if keys.is_empty() {
            BTreeSet::from([Vec::new()])
        } else {
            let subjects = self.namespaces.values().filter(|labels| record.namespaces.matches(labels));
            subjects.map(|labels| keys.iter().map(|key| labels.get(key)).collect()).collect()
        };
        let policy = |values: Vec<Option<&str>>| {
            let own: BTreeMap<&SmolStr, Option<&str>> = keys.iter().copied().zip(values).collect();
            let wanted = own.iter().map(|(key, value)| Requirement {
                key: (*key).clone(),
                operator: value.map_or(Operator::DoesNotExist, |value| Operator::In(vec![value.into()])),
            });
            let namespaces = Selector::new(record.namespaces.requirements().iter().cloned().chain(wanted).collect());
            let rules = |rules: &[ClusterPolicyRule]| {
                // "CNPs with no ingress rules do not affect ingress traffic."
                (!rules.is_empty()).then(|| rules.iter().flat_map(|rule| self.rules(rule, &own)).collect())
            };
            let namespaces = NamespaceScope::Matching(namespaces);
            let subject = PodSelector::within(namespaces, record.pods.clone());
            let rank = record.priority.map_or(u32::MAX, u32::from);
            Policy::new(key.clone(), rank, subject, rules(&record.ingress), rules(&record.egress))
        };
        values.into_iter().map(policy).collect()
    }

    /// One rule; or two that stand for one, where it has names of ports: those are for peers that are pods, and what is reached as a
    /// node or as an address has none.
    fn rules(&self, rule: &ClusterPolicyRule, own: &BTreeMap<&SmolStr, Option<&str>>) -> Vec<Rule> {
        let action = match rule.action {
            RuleAction::Accept => Action::Allow,
            RuleAction::Deny => Action::Deny,
            RuleAction::Pass => Action::Pass,
        };
        let peers: Option<Vec<Peer>> = rule.peers.as_ref().map(|peers| peers.iter().flat_map(|peer| self.peers(peer, own)).collect());
        let compile = |port: &ClusterPolicyPortMatch| match port {
            ClusterPolicyPortMatch::Set(set) => PortKind::Set(set.clone()),
            ClusterPolicyPortMatch::Name(protocol, name) => PortKind::Named(*protocol, name.clone()),
        };
        let ports: Option<Vec<Port>> = rule
            .ports
            .as_ref()
            .map(|ports| ports.iter().map(|port| Port { pointer: port.pointer.clone(), kind: compile(&port.port) }).collect());
        let whole = |peers, ports| Rule::new(rule.pointer.clone(), action, peers, ports);
        let is_name = |port: &Port| matches!(port.kind, PortKind::Named(..));
        match (peers, ports) {
            (Some(peers), Some(ports)) if ports.iter().any(is_name) => {
                let (pods, others): (Vec<Peer>, Vec<Peer>) = peers.into_iter().partition(|peer| matches!(peer.kind, PeerKind::Pods(_)));
                if others.is_empty() {
                    return vec![whole(Some(pods), Some(ports))];
                }
                let numbers = ports.iter().filter(|port| !is_name(port)).cloned().collect();
                vec![whole(Some(pods), Some(ports)), whole(Some(others), Some(numbers))]
            }
            (peers, ports) => vec![whole(peers, ports)],
        }
    }

    fn peers(&self, peer: &ClusterPolicyPeer, own: &BTreeMap<&SmolStr, Option<&str>>) -> Vec<Peer> {
        let kinds = match &peer.kind {
            ClusterPolicyPeerKind::Pods { namespaces, pods } => related_namespaces(namespaces, own)
                .into_iter()
                .map(|namespaces| {
                    let namespaces = NamespaceScope::Matching(namespaces);
                    PeerKind::Pods(PodSelector::within(namespaces, pods.clone()))
                })
                .collect(),
            ClusterPolicyPeerKind::Nodes(selector) => vec![PeerKind::Nodes(Box::new(self.nodes.matching(selector)))],
            ClusterPolicyPeerKind::Network(block) => vec![PeerKind::Block(BlockKind::Network, block.clone())],
            ClusterPolicyPeerKind::Domain(pattern) => {
                let pattern = DomainPattern::of_name(pattern);
                vec![PeerKind::Domain(Box::new(DomainPeer { pattern, is_learned: false }))]
            }
        };
        kinds.into_iter().map(|kind| Peer { pointer: peer.pointer.clone(), kind }).collect()
    }
}

/// The keys of labels of the subject's namespace that some rule looks at, sorted.
fn related_keys(record: &ClusterPolicyRecord) -> Vec<&SmolStr> {
    let mut keys = BTreeSet::new();
    for peer in record.ingress.iter().chain(&record.egress).filter_map(|rule| rule.peers.as_ref()).flatten() {
        if let ClusterPolicyPeerKind::Pods {
            namespaces: NamespacePeers::SameLabels(labels) | NamespacePeers::NotSameLabels(labels), ..
        } = &peer.kind
        {
            keys.extend(labels);
        }
    }
    keys.into_iter().collect()
}

/// The namespaces of a peer as selectors, any of which may match, given the labels of the subject's namespace.
fn related_namespaces(namespaces: &NamespacePeers, own: &BTreeMap<&SmolStr, Option<&str>>) -> Vec<Selector> {
    let own_value = |key: &SmolStr| own.get(key).copied().flatten().map(SmolStr::from);
    match namespaces {
        NamespacePeers::Matching(selector) => vec![selector.clone()],
        NamespacePeers::SameLabels(keys) => {
            let wanted = keys.iter().map(|key| Some(Requirement { key: key.clone(), operator: Operator::In(vec![own_value(key)?]) }));
            let wanted: Option<Vec<Requirement>> = wanted.collect();
            wanted.filter(|wanted| !wanted.is_empty()).map(Selector::new).into_iter().collect()
        }
        NamespacePeers::NotSameLabels(keys) => {
            let there = || keys.iter().map(|key| Requirement { key: key.clone(), operator: Operator::Exists });
            let differs = |key: &SmolStr| {
                let operator = own_value(key).map_or(Operator::Exists, |value| Operator::NotIn(vec![value]));
                Selector::new(there().chain([Requirement { key: key.clone(), operator }]).collect())
            };
            keys.iter().map(differs).collect()
        }
    }
}
