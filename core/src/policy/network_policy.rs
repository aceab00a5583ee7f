//! networking.k8s.io/v1 NetworkPolicy: one union tier.

use std::sync::Arc;

use super::{Action, NamespaceScope, Peer, PeerKind, Plane, PodSelector, Policy, Port, PortKind, Rule, Tier, TierMode};
use crate::object::{Kind, ObjectKey};
use crate::ports::PortSet;
use crate::record::{NetworkPolicyRecord, PolicyPeerKind, PolicyPortMatch, PolicyRule, Record};
use crate::snapshot::Snapshot;

/// The tier's name.
pub(crate) const TIER: &str = "NetworkPolicy";

pub(super) fn compile(snapshot: &Snapshot, earlier: Option<(&Snapshot, &[Plane])>) -> Tier {
    let known = earlier.into_iter().flat_map(|(snapshot, planes)| {
        let tiers = planes.iter().flat_map(|plane| &plane.tiers).filter(|tier| tier.name == TIER);
        tiers.flat_map(|tier| &tier.policies).map(move |policy| (snapshot, policy))
    });
    // Both are sorted by key, so that they can be walked side by side.
    let mut known = known.peekable();
    let mut policies = Vec::with_capacity(snapshot.count(Kind::NetworkPolicy));
    for (key, entry) in snapshot.entries(Kind::NetworkPolicy) {
        let Some(Record::NetworkPolicy(record)) = &entry.record else { continue };
        while known.next_if(|(_, policy)| policy.object < *key).is_some() {}
        let same = known.next_if(|(_, policy)| policy.object == *key);
        let same = same.filter(|(earlier, _)| earlier.entry(key).is_some_and(|known| Arc::ptr_eq(known, entry)));
        policies.push(same.map_or_else(|| Arc::new(compile_policy(key, record)), |(_, policy)| Arc::clone(policy)));
    }
    Tier { name: TIER, mode: TierMode::Union, kinds: &[Kind::NetworkPolicy], policies }
}

fn compile_policy(key: &ObjectKey, record: &NetworkPolicyRecord) -> Policy {
    let own = NamespaceScope::One(key.namespace.clone());
    let rules = |rules: &[PolicyRule]| rules.iter().map(|rule| compile_rule(rule, &own)).collect();
    Policy {
        object: key.clone(),
        rank: 0,
        subject: PodSelector { namespaces: own.clone(), pods: record.pod_selector.clone(), skips_host_network: false },
        ingress: record.isolates_ingress.then(|| rules(&record.ingress)),
        egress: record.isolates_egress.then(|| rules(&record.egress)),
    }
}

fn compile_rule(rule: &PolicyRule, own: &NamespaceScope) -> Rule {
    let peers = rule.peers.as_ref().map(|peers| {
        let compile = |kind: &PolicyPeerKind| match kind {
            PolicyPeerKind::Block(block) => PeerKind::Block(block.clone()),
            PolicyPeerKind::Pods { namespaces, pods } => {
                let namespaces = namespaces.clone().map_or_else(|| own.clone(), NamespaceScope::Matching);
                PeerKind::Pods(PodSelector { namespaces, pods: pods.clone(), skips_host_network: false })
            }
        };
        peers.iter().map(|peer| Peer { pointer: peer.pointer.clone(), kind: compile(&peer.kind) }).collect()
    });
    let ports = rule.ports.as_ref().map(|ports| {
        let compile = |port: &crate::record::PolicyPort| match &port.port {
            PolicyPortMatch::All => PortKind::Set(PortSet::all_of(port.protocol)),
            PolicyPortMatch::Range(first, last) => PortKind::Set(PortSet::range(port.protocol, *first, *last)),
            PolicyPortMatch::Name(name) => PortKind::Named(Some(port.protocol), name.clone()),
        };
        ports.iter().map(|port| Port { pointer: port.pointer.clone(), kind: compile(port) }).collect()
    });
    Rule { pointer: rule.pointer.clone(), action: Action::Allow, peers, ports }
}
