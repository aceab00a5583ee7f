//! What is wrong with policies together, and with what they name: nothing that one object alone could tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{NamespaceScope, PeerKind, Plane, Policy, Tier, TierMode};
use crate::object::{Kind, Warning};
use crate::snapshot::Snapshot;

/// Policies of equal priority, and peers that name nodes where none is known.
pub fn conflicts(snapshot: &Snapshot, planes: &[Plane]) -> Vec<Warning> {
    let tiers = planes.iter().flat_map(|plane| &plane.tiers);
    let mut warnings: Vec<Warning> = tiers
        .clone()
        .filter(|tier| matches!(tier.mode, TierMode::FirstMatch(_)) && tier.on_arrival.is_empty())
        .flat_map(|tier| equal_priorities(tier, &tier.policies(snapshot).collect::<Vec<_>>()))
        .collect();
    if snapshot.count(Kind::Node) == 0 && !snapshot.unseen.0.contains_key(&Kind::Node) {
        warnings.extend(tiers.flat_map(|tier| tier.policies(snapshot)).flat_map(|policy| unknown_nodes(policy)));
    }
    warnings.extend(super::cilium::faults(snapshot));
    warnings.dedup();
    warnings
}

fn equal_priorities(tier: &Tier, policies: &[&Arc<Policy>]) -> Vec<Warning> {
    let mut known: BTreeMap<u32, Vec<&Policy>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for policy in policies {
        let equals = known.entry(policy.rank).or_default();
        let first = equals.iter().find(|other| may_meet(other, policy)).map_or(&policy.object, |first| &first.object);
        // Those of one namespace are few; of others, the first stands for all.
        if equals.iter().all(|other| other.subject.namespaces != policy.subject.namespaces) {
            equals.push(policy);
        }
        if *first != policy.object {
            let message = format!(
                "{} {} has the same priority in tier {}: which of them is asked first is not defined",
                first.kind.name(),
                first.name,
                tier.name
            );
            // Kinds of other dialects name their place otherwise.
            let field = if tier.kinds.contains(&Kind::CalicoNetworkPolicy) { "/spec/order" } else { "/spec/priority" };
            warnings.push(Warning::new(&policy.object, field, message));
        }
    }
    // A baseline that has no priority stands beside others that have one.
    let (with, without): (Vec<&Policy>, Vec<&Policy>) =
        policies.iter().map(|policy| &***policy).partition(|policy: &&Policy| policy.rank != u32::MAX);
    if let (Some(other), Some(baseline)) = (with.first(), without.first()) {
        let message = format!(
            "{} {} is in the same tier: which of the two kinds is asked first is not defined, and this one is taken to come last",
            other.object.kind.name(),
            other.object.name
        );
        warnings.push(Warning::new(&baseline.object, "/spec", message));
    }
    warnings
}

/// Whether there may be pods that both are for, as far as their namespaces show it.
fn may_meet(a: &Policy, b: &Policy) -> bool {
    match (&a.subject.namespaces, &b.subject.namespaces) {
        (NamespaceScope::One(a), NamespaceScope::One(b)) => a == b,
        _ => true,
    }
}

fn unknown_nodes(policy: &Policy) -> Vec<Warning> {
    let rules = [&policy.ingress, &policy.egress].into_iter().flatten().flatten();
    let names_nodes = |peer: &&super::Peer| peer.kind.parts().iter().any(|part| matches!(part, PeerKind::Nodes(_)));
    let peers = rules.filter_map(|rule| rule.peers.as_ref()).flatten().filter(names_nodes);
    peers.map(|peer| Warning::new(&policy.object, &*peer.pointer, "no Node object is there: the peer matches no address")).collect()
}
