//! From one reachability to the next: only the classes and rows that a change touches are worked out anew, and all else is shared.
//!
//! Invariant: what comes out answers as a cold start would. Classes may be finer than a cold start's, and some may have lost their pods;
//! where there are too many of either, everything is sorted anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::class::{ClassId, ClassKey, Keys};
use super::index::Index;
use super::relevant::Relevant;
use super::row::Placed;
use super::selection::{self, Rows};
use super::{Reachability, nodes_by_address};
use crate::intake::Entry;
use crate::inventory::{Inventory, PodId, PodStep};
use crate::object::{Kind, ObjectKey};
use crate::policy::{self, Direction, Plane, Policy, Tier};
use crate::snapshot::Snapshot;

/// What became of a cluster.
pub(crate) struct Step<'a> {
    /// The snapshot before.
    pub(crate) old: &'a Snapshot,
    /// The snapshot now.
    pub(crate) new: &'a Snapshot,
    /// Everybody now.
    pub(crate) inventory: &'a Inventory,
    /// What became of each pod, in order.
    pub(crate) pods: &'a [PodStep],
}

/// Policies that are there no more, and those that are there now.
#[derive(Default)]
struct ChangedPolicies {
    gone: Vec<Placed>,
    come: Vec<Placed>,
}

/// A reachability on its way to the next.
struct Next<'a> {
    next: Reachability,
    step: &'a Step<'a>,
    n_before: usize,
    /// The pods whose connections may have changed.
    touched: BTreeSet<PodId>,
    /// Which class has which key, among those that came.
    come: BTreeMap<SmolStr, Vec<(ClassKey, ClassId)>>,
    rows: Rows,
}

impl Reachability {
    /// The reachability of another snapshot under the same assumptions, and the pods that are there now whose connections may have
    /// changed. `None` where so much is different that a cold start is no slower.
    pub(crate) fn next(&self, step: &Step<'_>) -> Option<(Self, BTreeSet<PodId>)> {
        let (old, new) = (step.old, step.new);
        let is_crowded = |n: usize| n > 64 + self.classes.len() / 4;
        if old.unseen != new.unseen || is_crowded(self.n_empty) || step.pods.len() > 64 + step.inventory.pods.len() / 4 {
            return None;
        }
        let planes = self.planes_of(old, new)?;
        let policies = self.changed_policies(&planes, old, new);
        if policies.come.len() + policies.gone.len() > 64 + new.count(Kind::NetworkPolicy) / 4 {
            return None;
        }
        let mut next = self.clone();
        next.planes = planes;
        policies.gone.iter().for_each(|placed| next.matcher.remove(&placed.policy.sight));
        policies.come.iter().for_each(|placed| next.matcher.add(&placed.policy.sight, 1));
        let mut regrouped = next.see_more(&policies.come, step.inventory)?;
        if !old.shares(new, Kind::Node) {
            next.nodes = Arc::new(nodes_by_address(new));
        }
        for key in old.steps(new, Kind::Namespace).iter().filter_map(|step| step.key()) {
            if old.labels_of_namespace(&key.name) != new.labels_of_namespace(&key.name) {
                regrouped.extend(step.inventory.pods_in(&key.name).map(|(id, _)| id));
            }
        }
        let mut next =
            Next { n_before: next.classes.len(), next, step, touched: BTreeSet::new(), come: BTreeMap::new(), rows: Rows::default() };
        next.move_pods(regrouped)?;
        next.reselect(&policies);
        let Next { mut next, touched, .. } = next;
        if next.index.n_later(next.classes.len()) > 64 + next.classes.len() / 64 {
            next.index = Arc::new(Index::new(next.classes.iter(), &next.relevant.keys));
        }
        Some((next, touched))
    }

    /// The planes of another snapshot. What is the same is taken over, so that it shows. `None` where tiers come or go, or others' policies
    /// come together otherwise.
    fn planes_of(&self, old: &Snapshot, new: &Snapshot) -> Option<Arc<[Plane]>> {
        let of_tiers = || self.planes.iter().flat_map(|plane| &plane.tiers).flat_map(compiled_kinds);
        let compiled = || of_tiers().chain(policy::MAKING_TIERS.iter().copied());
        // An assumption may make policies too, which follow from no object.
        let has_policies = || self.planes.iter().flat_map(|plane| &plane.tiers).any(|tier| !tier.compiled.is_empty());
        let is_there = compiled().any(|kind| old.count(kind) > 0 || new.count(kind) > 0) || has_policies();
        if !is_there || compiled().chain(policy::LOOKED_AT.iter().copied()).all(|kind| old.shares(new, kind)) {
            return Some(Arc::clone(&self.planes));
        }
        let mut planes = policy::compile(new, &self.assumptions);
        for (plane, known) in planes.iter_mut().zip(self.planes.iter()) {
            let is_same = |(tier, known): (&Tier, &Tier)| (&tier.name, tier.mode) == (&known.name, known.mode);
            if plane.tiers.len() != known.tiers.len() || !plane.tiers.iter().zip(&known.tiers).all(is_same) {
                return None;
            }
            for (tier, known) in plane.tiers.iter_mut().zip(&known.tiers) {
                let by_object = by_object(&known.compiled);
                for policy in &mut tier.compiled {
                    let known = by_object.get(&policy.object).and_then(|known| known.iter().find(|known| *known == policy));
                    if let Some(same) = known {
                        *policy = Arc::clone(same);
                    }
                }
            }
        }
        Some(planes.into())
    }

    fn changed_policies(&self, planes: &[Plane], old: &Snapshot, new: &Snapshot) -> ChangedPolicies {
        let mut changed = ChangedPolicies::default();
        for (plane_index, (plane, known)) in planes.iter().zip(self.planes.iter()).enumerate() {
            for (tier_index, (tier, known)) in plane.tiers.iter().zip(&known.tiers).enumerate() {
                let mut take = |was: &[Arc<Policy>], is: &[Arc<Policy>]| {
                    if was != is {
                        let placed = |policy: &Arc<Policy>| Placed::new(plane_index, tier_index, Arc::clone(policy));
                        changed.gone.extend(was.iter().map(placed));
                        changed.come.extend(is.iter().map(placed));
                    }
                };
                // One object may have become several policies: they go and come together.
                let (was, mut is) = (by_object(&known.compiled), by_object(&tier.compiled));
                for (object, was) in was {
                    take(&was, &is.remove(object).unwrap_or_default());
                }
                is.values().for_each(|is| take(&[], is));
                for step in tier.on_arrival.iter().flat_map(|kind| old.steps(new, *kind)) {
                    let policy = |entry: Option<&Arc<Entry>>| entry.and_then(|entry| entry.policy()).cloned();
                    take(policy(step.old).as_slice(), policy(step.new).as_slice());
                }
            }
        }
        changed
    }

    /// Takes in what new policies name of pods. Returns the pods that only they can tell from others of their class; `None` where labels
    /// or ports of pods count that did not count before.
    fn see_more(&mut self, come: &[Placed], inventory: &Inventory) -> Option<BTreeSet<PodId>> {
        let mut regrouped = BTreeSet::new();
        let named = Relevant::new(come.iter().map(|placed| &*placed.policy.sight));
        if self.relevant.holds(&named) {
            return Some(regrouped);
        }
        let is_known = named.keys.is_subset(&self.relevant.keys) && named.port_names.is_subset(&self.relevant.port_names);
        if !is_known && inventory.pods.iter().any(|pod| self.relevant.misses(&named, pod.record())) {
            return None;
        }
        let bounds = Arc::make_mut(&mut self.relevant).extend(&named);
        for (family, bound) in &bounds {
            let last = self.relevant.last_of(*family, *bound);
            regrouped.extend(inventory.pods_between(family.address(*bound), family.address(last)));
        }
        if !bounds.is_empty() && self.counts_nodes {
            regrouped.extend(inventory.pods.entries().filter(|(_, pod)| pod.record().host_network).map(|(id, _)| id));
        }
        Some(regrouped)
    }
}

/// The kinds of a tier whose policies are compiled for a whole snapshot.
fn compiled_kinds(tier: &Tier) -> impl Iterator<Item = Kind> {
    tier.kinds.iter().copied().filter(|kind| !tier.on_arrival.contains(kind))
}

fn by_object(policies: &[Arc<Policy>]) -> BTreeMap<&ObjectKey, Vec<Arc<Policy>>> {
    let mut by_object: BTreeMap<&ObjectKey, Vec<Arc<Policy>>> = BTreeMap::new();
    for policy in policies {
        by_object.entry(&policy.object).or_default().push(Arc::clone(policy));
    }
    by_object
}

impl Next<'_> {
    /// Brings every pod that is new or different into its class. `None` where they are so many that all pods might as well be sorted, and
    /// where pods come that share a node's network, and none did before.
    fn move_pods(&mut self, regrouped: BTreeSet<PodId>) -> Option<()> {
        let step = self.step;
        let mut arrivals: BTreeSet<PodId> = BTreeSet::new();
        let mut leaving: BTreeMap<ClassId, FxHashSet<PodId>> = BTreeMap::new();
        let mut leave = |id: PodId| {
            leaving.entry(self.next.class_of(id)).or_default().insert(id);
        };
        for pod in step.pods {
            match *pod {
                // Its id may be another's by now, which comes after.
                PodStep::Removed(id) => {
                    if !arrivals.remove(&id) {
                        leave(id);
                    }
                }
                PodStep::Added(id) => drop(arrivals.insert(id)),
                PodStep::Changed(id) => {
                    if arrivals.insert(id) {
                        leave(id);
                    }
                }
            }
        }
        for id in regrouped {
            if arrivals.insert(id) {
                leave(id);
            }
        }
        if arrivals.len() > 64 + step.inventory.pods.len() / 4 {
            return None;
        }
        for (class, pods) in leaving {
            self.leave(class, &pods);
        }
        let relevant = Arc::clone(&self.next.relevant);
        let mut keys = Keys::new(step.new, &relevant);
        for id in arrivals {
            let pod = step.inventory.pods.at(id);
            if pod.record().host_network && !self.next.counts_nodes {
                return None;
            }
            let key = keys.of(pod);
            self.enter(id, key, &keys);
            self.touched.insert(id);
        }
        Some(())
    }

    fn leave(&mut self, class: ClassId, pods: &FxHashSet<PodId>) {
        let class = self.next.classes.at_mut(class);
        class.remove(pods);
        if class.pods.is_empty() {
            self.next.n_empty += 1;
        } else {
            class.see_anew(self.step.inventory);
        }
    }

    fn enter(&mut self, pod: PodId, key: ClassKey, keys: &Keys<'_>) {
        let id = match self.class_of_key(&key, keys) {
            Some(id) => {
                let class = self.next.classes.at_mut(id);
                self.next.n_empty -= usize::from(class.pods.is_empty());
                class.enter(self.step.inventory, pod);
                id
            }
            None => self.add_class(pod, key),
        };
        if (pod.0 as usize) < self.next.class_of_pod.len() {
            *self.next.class_of_pod.at_mut(pod) = id;
        } else {
            self.next.class_of_pod.push(id);
        }
    }

    fn class_of_key(&self, key: &ClassKey, keys: &Keys<'_>) -> Option<ClassId> {
        let come = self.come.get(key.namespace()).into_iter().flatten().find(|(known, _)| known == key);
        come.map(|(_, id)| *id).or_else(|| {
            let candidates = self.next.index.alike(key.namespace(), key.labels(), self.n_before);
            let is_it = |id: &ClassId| {
                let class = self.next.classes.at(*id);
                class.may_have(key) && keys.of_class(class) == *key
            };
            candidates.iter().find(is_it)
        })
    }

    fn add_class(&mut self, pod: PodId, key: ClassKey) -> ClassId {
        let (new, planes) = (self.step.new, Arc::clone(&self.next.planes));
        let mut class = key.class(self.step.inventory, pod, self.next.counts_nodes);
        let mut selecting: [Vec<Placed>; 2] = Default::default();
        for (plane_index, plane) in planes.iter().enumerate() {
            for (tier_index, tier) in plane.tiers.iter().enumerate() {
                for policy in tier.policies_for(new, key.namespace()) {
                    if selection::selects(policy, &class, &self.next.assumptions) {
                        selection::note(&mut selecting, &Placed::new(plane_index, tier_index, Arc::clone(policy)));
                    }
                }
            }
        }
        let unseen = selection::unseen_kinds(&planes, &new.unseen, &class, &self.next.assumptions);
        for (direction, mut policies) in Direction::ALL.into_iter().zip(selecting) {
            policies.sort_by(|a, b| a.order().cmp(&b.order()));
            let row_key = selection::row_key(direction, policies.into(), key.ports(), &unseen);
            class.set_row(direction, self.rows.of(row_key, self.n_before));
        }
        self.next.has_dual_stack |= class.has_both_families();
        let id = self.next.classes.push(class);
        self.come.entry(key.namespace().clone()).or_default().push((key, id));
        id
    }

    /// Gives classes that were there before other rows, where other policies select them now.
    fn reselect(&mut self, policies: &ChangedPolicies) {
        let next = &self.next;
        let selected = |placed: &Placed| -> Vec<ClassId> {
            let candidates = next.index.candidates(&placed.policy.subject, self.n_before);
            candidates.iter().filter(|id| selection::selects(&placed.policy, next.classes.at(*id), &next.assumptions)).collect()
        };
        let mut affected: BTreeMap<ClassId, Vec<&Placed>> = BTreeMap::new();
        for placed in &policies.gone {
            for id in selected(placed) {
                affected.entry(id).or_default();
            }
        }
        for placed in &policies.come {
            for id in selected(placed) {
                affected.entry(id).or_default().push(placed);
            }
        }
        // Told by their objects: a row may hold what was compiled of an earlier state of one that came to the same.
        let place = |placed: &'_ Placed| (placed.plane, placed.tier, placed.policy.object.clone());
        let gone: FxHashSet<(u8, u8, ObjectKey)> = policies.gone.iter().map(place).collect();
        for (id, come) in affected {
            for direction in Direction::ALL {
                let class = self.next.classes.at(id);
                let known = &class.row(direction).key;
                let mut now: Vec<Placed> = known.policies.iter().filter(|placed| !gone.contains(&place(placed))).cloned().collect();
                let n_stay = now.len();
                now.extend(come.iter().filter(|placed| placed.policy.rules(direction).is_some()).map(|placed| (*placed).clone()));
                if n_stay == known.policies.len() && now.len() == n_stay {
                    continue;
                }
                now.sort_by(|a, b| a.order().cmp(&b.order()));
                let key = selection::row_key(direction, now.into(), &known.ports, &known.unseen);
                let row = self.rows.of(key, self.n_before);
                self.touched.extend(class.pods.iter().copied());
                self.next.classes.at_mut(id).set_row(direction, row);
            }
        }
    }
}
