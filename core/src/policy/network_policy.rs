//! networking.k8s.io/v1 NetworkPolicy: one union tier.

use super::{Action, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rule, Tier, TierMode};
use crate::object::Kind;
use crate::ports::PortSet;
use crate::record::{PolicyPeerKind, PolicyPortMatch, PolicyRule};
use crate::snapshot::{Snapshot, typed};

/// The tier's name.
pub(crate) const TIER: &str = "NetworkPolicy";

pub(super) fn compile(snapshot: &Snapshot) -> Tier {
    let policies = typed!(snapshot, NetworkPolicy).map(|(key, record)| {
        let own = NamespaceScope::One(key.namespace.clone());
        let rules = |rules: &[PolicyRule]| rules.iter().map(|rule| compile_rule(rule, &own)).collect();
        Policy {
            object: key.clone(),
            rank: 0,
            subject: PodSelector { namespaces: own.clone(), pods: record.pod_selector.clone(), skips_host_network: false },
            ingress: record.isolates_ingress.then(|| rules(&record.ingress)),
            egress: record.isolates_egress.then(|| rules(&record.egress)),
        }
    });
    Tier { name: TIER, mode: TierMode::Union, kinds: &[Kind::NetworkPolicy], policies: policies.collect() }
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
