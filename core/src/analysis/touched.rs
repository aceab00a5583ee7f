//! Which workloads two analyses can answer differently for: a difference needs to compare no others.
//!
//! A connection is decided by the policies that select its ends, and by what those can tell of the other end. So it stays as it is where
//! neither end has another set of policies, a policy that changed, other pods, or a namespace with other labels.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::connections::UnitMember;
use super::{Analysis, Unit};
use crate::inventory::{PodId, WorkloadId};
use crate::object::Kind;
use crate::peer::Peer;
use crate::policy::{Direction, Plane, TierMode};
use crate::reachability::{ClassId, Placed};

/// Workloads, by how answers name them.
#[derive(Debug)]
pub(super) enum Touched {
    /// All.
    Everybody,
    /// These.
    These(BTreeSet<Peer>),
}

impl Touched {
    /// The workloads that two analyses may answer for differently.
    pub(super) fn between(before: &Analysis, after: &Analysis) -> Self {
        let has_same_nodes = before.snapshot().steps(after.snapshot(), Kind::Node).is_empty();
        // Where one of them speaks of IPv6 alone, everybody is asked about it there.
        let speak_alike = before.reachability().names_ipv6() == after.reachability().names_ipv6();
        let are_alike = before.assumptions() == after.assumptions() && before.snapshot().unseen == after.snapshot().unseen;
        if !are_alike || !speak_alike || !has_same_nodes || !have_same_tiers(before, after) {
            return Self::Everybody;
        }
        Self::These(before.touched_by(after).cloned().unwrap_or_else(|| found(before, after)))
    }
}

/// The workloads that may be answered for differently, where neither analysis knows of the other.
fn found(before: &Analysis, after: &Analysis) -> BTreeSet<Peer> {
    let [old_units, new_units] = [before, after].map(|analysis| analysis.units(Unit::Workload));
    let old: BTreeMap<&Peer, &UnitMember> = old_units.iter().map(|unit| (&unit.peer, unit)).collect();
    let new: BTreeMap<&Peer, &UnitMember> = new_units.iter().map(|unit| (&unit.peer, unit)).collect();
    let is_same = |peer: &Peer| match (old.get(peer), new.get(peer)) {
        (Some(was), Some(is)) => has_same_pods(before, was, after, is) && has_same_policies(before, was, after, is),
        _ => false,
    };
    let peers: BTreeSet<&Peer> = old.keys().chain(new.keys()).copied().collect();
    peers.into_iter().filter(|peer| !is_same(peer)).cloned().collect()
}

fn has_same_pods(before: &Analysis, was: &UnitMember, after: &Analysis, is: &UnitMember) -> bool {
    let is_same = |(a, b): (&PodId, &PodId)| {
        let (a, b) = (before.inventory().pods.at(*a), after.inventory().pods.at(*b));
        a.name() == b.name() && (Arc::ptr_eq(a.entry(), b.entry()) || a.record() == b.record())
    };
    let has_same_labels = || {
        let namespace = is.pods.first().map(|pod| after.inventory().pods.at(*pod).namespace());
        namespace
            .is_none_or(|namespace| before.snapshot().labels_of_namespace(namespace) == after.snapshot().labels_of_namespace(namespace))
    };
    was.pods.len() == is.pods.len() && was.pods.iter().zip(&is.pods).all(is_same) && has_same_labels()
}

/// Whether the same policies select the pods, which say the same: what is compiled may be another though its object is as it was.
fn has_same_policies(before: &Analysis, was: &UnitMember, after: &Analysis, is: &UnitMember) -> bool {
    let is_same =
        |(a, b): (&Placed, &Placed)| (a.plane, a.tier) == (b.plane, b.tier) && (Arc::ptr_eq(&a.policy, &b.policy) || a.policy == b.policy);
    Direction::ALL.into_iter().all(|direction| {
        was.pods.iter().zip(&is.pods).all(|(old, new)| {
            let (old, new) = (placed(before, *old, direction), placed(after, *new, direction));
            old.len() == new.len() && old.iter().zip(new).all(is_same)
        })
    })
}

/// The policies that select a pod and speak of a direction.
fn placed(analysis: &Analysis, pod: PodId, direction: Direction) -> &[Placed] {
    let reachability = analysis.reachability();
    reachability.policies_of(reachability.class_of(pod), direction)
}

/// Whether the same tiers are asked in the same order, and their policies come together alike.
fn have_same_tiers(before: &Analysis, after: &Analysis) -> bool {
    let tiers = |analysis: &Analysis| -> Vec<Vec<(SmolStr, TierMode)>> {
        let of = |plane: &Plane| plane.tiers.iter().map(|tier| (tier.name.clone(), tier.mode)).collect();
        analysis.reachability().planes.iter().map(of).collect()
    };
    tiers(before) == tiers(after)
}

/// With whom touched workloads may be answered for differently: asked once for pods that no selector can tell apart.
pub(super) struct Others<'a> {
    before: &'a Analysis,
    after: &'a Analysis,
    known: FxHashMap<(ClassId, Direction), Rc<[WorkloadId]>>,
}

impl<'a> Others<'a> {
    pub(super) fn new(before: &'a Analysis, after: &'a Analysis) -> Self {
        Self { before, after, known: FxHashMap::default() }
    }

    /// Those of a workload as it was and as it is, in one direction, as far as it decides itself: where the other end decides, that end is
    /// touched too. `None` where it may be anybody: so where it has other pods, and where neither analysis follows from the other.
    pub(super) fn of(&mut self, was: &UnitMember, is: &UnitMember, direction: Direction) -> Option<BTreeSet<Peer>> {
        let [before, after] = [self.before, self.after];
        let is_same_pod = |pod: &PodId| Arc::ptr_eq(before.inventory().pods.at(*pod).entry(), after.inventory().pods.at(*pod).entry());
        let is_descent = before.touched_by(after).is_some();
        if !is_descent || was.pods != is.pods || was.classes != is.classes || !is.pods.iter().all(is_same_pod) {
            return None;
        }
        let workloads: BTreeSet<WorkloadId> = is.classes.iter().flat_map(|class| self.of_class(*class, direction).to_vec()).collect();
        Some(workloads.into_iter().map(|id| after.workload_peer(id)).collect())
    }

    fn of_class(&mut self, class: ClassId, direction: Direction) -> Rc<[WorkloadId]> {
        let [before, after] = [self.before, self.after];
        let find = || {
            let classes = after.reachability().answered_differently(before.reachability(), after.inventory(), class, direction);
            let pods = classes.into_iter().flat_map(|class| &after.reachability().classes().at(class).pods);
            let workloads: BTreeSet<WorkloadId> = pods.map(|pod| after.inventory().pods.at(*pod).workload).collect();
            workloads.into_iter().collect()
        };
        Rc::clone(self.known.entry((class, direction)).or_insert_with(find))
    }
}
