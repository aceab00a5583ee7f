//! Which workloads two analyses can answer differently for: a difference needs to compare no others.
//!
//! A connection is decided by the policies that select its ends, and by what those can tell of the other end. So it stays as it is where
//! neither end has another set of policies, a policy that changed, other pods, or a namespace with other labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Analysis;
use super::connections::UnitMember;
use crate::object::{Kind, ObjectKey};
use crate::peer::Peer;
use crate::policy::Direction;
use crate::snapshot::Snapshot;

/// Workloads, by how answers name them.
#[derive(Debug)]
pub(super) enum Touched {
    /// All.
    Everybody,
    /// These.
    These(BTreeSet<Peer>),
}

impl Touched {
    /// Whether a workload is among them.
    pub(super) fn holds(&self, peer: &Peer) -> bool {
        match self {
            Self::Everybody => true,
            Self::These(peers) => peers.contains(peer),
        }
    }
}

/// The workloads that may be answered for differently, given the units of both analyses.
pub(super) fn units(both: &[(&Analysis, Vec<UnitMember>); 2]) -> Touched {
    let [(before, old_units), (after, new_units)] = both;
    let has_same_nodes = changed_keys(before.snapshot(), after.snapshot(), Kind::Node).is_empty();
    // Where one of them speaks of IPv6 alone, everybody is asked about it there.
    let speak_alike = before.reachability().names_ipv6() == after.reachability().names_ipv6();
    let are_alike = before.assumptions() == after.assumptions() && before.snapshot().unseen == after.snapshot().unseen;
    if !are_alike || !speak_alike || !has_same_nodes {
        return Touched::Everybody;
    }
    let policies = before.reachability().planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| tier.kinds);
    let kinds: BTreeSet<Kind> = policies.copied().collect();
    let changed: BTreeSet<ObjectKey> = kinds.into_iter().flat_map(|kind| changed_keys(before.snapshot(), after.snapshot(), kind)).collect();
    let old: BTreeMap<&Peer, &UnitMember> = old_units.iter().map(|unit| (&unit.peer, unit)).collect();
    let new: BTreeMap<&Peer, &UnitMember> = new_units.iter().map(|unit| (&unit.peer, unit)).collect();
    let is_same = |peer: &Peer| match (old.get(peer), new.get(peer)) {
        (Some(was), Some(is)) => has_same_pods(before, was, after, is) && has_same_policies(before, was, after, is, &changed),
        _ => false,
    };
    let peers: BTreeSet<&Peer> = old.keys().chain(new.keys()).copied().collect();
    Touched::These(peers.into_iter().filter(|peer| !is_same(peer)).cloned().collect())
}

/// The objects of a kind that are in one snapshot only, or different in the other.
fn changed_keys(before: &Snapshot, after: &Snapshot, kind: Kind) -> BTreeSet<ObjectKey> {
    let mut changed = BTreeSet::new();
    let (mut old, mut new) = (before.entries(kind).peekable(), after.entries(kind).peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return changed,
            (Some((a, was)), Some((b, is))) if a == b => {
                if !Arc::ptr_eq(was, is) && was != is {
                    changed.insert((*a).clone());
                }
                old.next();
                new.next();
            }
            (Some((a, _)), Some((b, _))) if a < b => changed.extend(old.next().map(|(key, _)| key.clone())),
            (Some((a, _)), None) => {
                changed.insert((*a).clone());
                old.next();
            }
            (_, Some((b, _))) => {
                changed.insert((*b).clone());
                new.next();
            }
        }
    }
}

fn has_same_pods(before: &Analysis, was: &UnitMember, after: &Analysis, is: &UnitMember) -> bool {
    let is_same = |(a, b): (&crate::inventory::PodId, &crate::inventory::PodId)| {
        let (a, b) = (before.inventory().pods.at(*a), after.inventory().pods.at(*b));
        a.name == b.name && (Arc::ptr_eq(&a.record, &b.record) || a.record == b.record)
    };
    let has_same_labels = || {
        let namespace = is.pods.first().map(|pod| &after.inventory().pods.at(*pod).namespace);
        namespace
            .is_none_or(|namespace| before.snapshot().labels_of_namespace(namespace) == after.snapshot().labels_of_namespace(namespace))
    };
    was.pods.len() == is.pods.len() && was.pods.iter().zip(&is.pods).all(is_same) && has_same_labels()
}

fn has_same_policies(before: &Analysis, was: &UnitMember, after: &Analysis, is: &UnitMember, changed: &BTreeSet<ObjectKey>) -> bool {
    Direction::ALL.into_iter().all(|direction| {
        was.pods.iter().zip(&is.pods).all(|(old, new)| {
            let (old, new) = (before.policies_selecting(*old, direction), after.policies_selecting(*new, direction));
            old == new && !new.iter().any(|key| changed.contains(*key))
        })
    })
}
