//! OVN-Kubernetes: EgressFirewalls, for what leaves the cluster.
//!
//! A namespace has one, whose rules are asked in order; what none matches is let through. Destinations are what lies outside the pods of the
//! cluster: addresses of nodes are among them (OVN-Kubernetes, egress firewall: access to the API server must be allowed expressly).

use std::sync::Arc;

use ipnet::IpNet;

use super::nodes::Nodes;
use super::{
    Action, BlockKind, DomainPattern, DomainPeer, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rest, Rule, Tier,
    TierMode, Wildcard,
};
use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::object::{Kind, ObjectKey};
use crate::record::{EgressFirewallRecord, FirewallDestination, FirewallRule};
use crate::snapshot::{Snapshot, typed};

/// The one tier of the plane of egress firewalls.
pub(super) fn compile(snapshot: &Snapshot) -> Tier {
    let nodes = Nodes::of(snapshot);
    let policies = typed!(snapshot, EgressFirewall).map(|(key, record)| Arc::new(policy(key, record, &nodes)));
    Tier {
        name: "EgressFirewall".into(),
        mode: TierMode::FirstMatch(Rest::Passes),
        kinds: &[Kind::EgressFirewall],
        on_arrival: &[],
        compiled: policies.collect(),
    }
}

fn policy(key: &ObjectKey, record: &EgressFirewallRecord, nodes: &Nodes<'_>) -> Policy {
    let subject = PodSelector::within(NamespaceScope::One(key.namespace.clone()), Selector::default());
    let rules = record.rules.iter().map(|one| rule(one, nodes)).collect();
    Policy::new(key.clone(), 0, subject, None, Some(rules))
}

fn rule(rule: &FirewallRule, nodes: &Nodes<'_>) -> Rule {
    let action = if rule.allows { Action::Allow } else { Action::Deny };
    let peer = |kind| Peer { pointer: format!("{}/to", rule.pointer).into(), kind };
    let peers = match &rule.to {
        Some(FirewallDestination::Block(block)) => vec![peer(outside(*block))],
        Some(FirewallDestination::Domain(name)) => {
            // `*` stands for one label (networking.openshift.io, DNSNameResolver).
            let pattern = DomainPattern::new(name, Wildcard::OneLabel);
            vec![peer(PeerKind::Domain(Box::new(DomainPeer { pattern, is_learned: false })))]
        }
        Some(FirewallDestination::Nodes(selector)) => vec![peer(PeerKind::Nodes(Box::new(nodes.matching(selector))))],
        None if rule.allows => Vec::new(),
        None => [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())].map(outside).map(peer).into(),
    };
    let ports = rule.ports.clone().map(|set| vec![Port { pointer: format!("{}/ports", rule.pointer).into(), kind: PortKind::Set(set) }]);
    let compiled = Rule::new(rule.pointer.clone(), action, Some(peers), ports);
    match &rule.to {
        None => compiled.under("the rule, whose destination cannot be read, is for it"),
        Some(FirewallDestination::Domain(name)) if name.starts_with("*.") => {
            compiled.under("the cluster resolves patterns of names (DNSNameResolver): where it does not, it refuses the firewall")
        }
        Some(_) => compiled,
    }
}

fn outside(block: IpNet) -> PeerKind {
    PeerKind::Block(BlockKind::NotPods, AddressBlock::new(block, &[]))
}
