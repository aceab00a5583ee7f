//! From one inventory to the next, by what became of pods and of what owns them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::owners::{self, Objects};
use super::{Inventory, Pod, PodId, Workload, WorkloadId, rank_of};
use crate::assumptions::Assumptions;
use crate::intake::Entry;
use crate::object::Kind;
use crate::snapshot::Snapshot;

/// What became of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PodStep {
    /// It is gone; its id may be another's now.
    Removed(PodId),
    /// It is new.
    Added(PodId),
    /// It is another object of the same name, or has another owner.
    Changed(PodId),
}

/// An inventory that has followed another.
pub(crate) struct Moved {
    /// Everybody now.
    pub(crate) inventory: Inventory,
    /// What became of each pod, in order.
    pub(crate) pods: Vec<PodStep>,
    /// The workloads that are new, gone or have other pods: an id may be of either inventory.
    pub(crate) workloads: BTreeSet<WorkloadId>,
}

/// An inventory on its way to the next.
struct Steps<'a> {
    inventory: Inventory,
    snapshot: &'a Snapshot,
    steps: Vec<PodStep>,
    workloads: BTreeSet<WorkloadId>,
}

impl Inventory {
    /// The inventory of another snapshot under the same assumptions; `None` where so much is different that a new one is no slower.
    pub(crate) fn next(&self, old: &Snapshot, new: &Snapshot, assumptions: &Assumptions) -> Option<Moved> {
        let is_much = |kind: &Kind| old.count(*kind).abs_diff(new.count(*kind)) > 64 + new.count(*kind) / 4;
        let pods = old.steps(new, Kind::Pod);
        if owners::KINDS.iter().any(is_much) || pods.len() > 64 + self.pods.len() / 4 {
            return None;
        }
        let mut next = Steps { inventory: self.clone(), snapshot: new, steps: Vec::new(), workloads: BTreeSet::new() };
        let regrouped: BTreeSet<SmolStr> = owners::KINDS
            .into_iter()
            .filter(|kind| *kind != Kind::Pod || new.represents_templates)
            .flat_map(|kind| old.steps(new, kind))
            .filter_map(|step| Some(step.key()?.namespace.clone()))
            .collect();
        for namespace in &regrouped {
            next.regroup(namespace, assumptions);
        }
        for step in pods {
            if step.key().is_none_or(|key| regrouped.contains(&key.namespace)) {
                continue;
            }
            let in_force = |entry: Option<&'_ Arc<Entry>>| entry.filter(|entry| owners::is_in_force(entry, assumptions)).cloned();
            match (in_force(step.old), in_force(step.new)) {
                (None, None) => {}
                (Some(old), None) => next.remove_named(&old),
                (_, Some(new_entry)) => {
                    let (kind, name, replicas) = owners::owner_of(new, &new_entry);
                    next.put(&new_entry, (name, kind), replicas);
                }
            }
        }
        let Steps { inventory, steps, workloads, .. } = next;
        Some(Moved { inventory, pods: steps, workloads })
    }
}

impl Steps<'_> {
    /// Finds anew what owns the pods of a namespace.
    fn regroup(&mut self, namespace: &SmolStr, assumptions: &Assumptions) {
        let objects = Objects::of(self.snapshot, namespace);
        let owned = objects.owned(self.snapshot, assumptions);
        let stay: BTreeSet<(&str, &str, bool)> = owned.iter().flat_map(|owned| &owned.pods).map(|entry| rank_of(entry)).collect();
        let gone: Vec<PodId> = self.inventory.pods_in(namespace).filter(|(_, pod)| !stay.contains(&pod.rank())).map(|(id, _)| id).collect();
        for pod in gone {
            self.remove(pod);
        }
        let mut known: BTreeMap<(SmolStr, SmolStr), Option<u32>> = BTreeMap::new();
        for owned in owned {
            for entry in &owned.pods {
                self.put(entry, (owned.name.clone(), owned.kind.clone()), owned.replicas);
            }
            known.insert((owned.name, owned.kind), owned.replicas);
        }
        let from = self.inventory.workloads.ids_from(|workload| workload.stands_to(namespace, "", "").is_lt());
        let here = from.take_while(|id| self.inventory.workloads.at(*id).namespace == *namespace);
        for id in here.collect::<Vec<_>>() {
            let workload = self.inventory.workloads.at(id);
            match known.remove(&(workload.name.clone(), workload.kind.clone())) {
                Some(replicas) => self.set_replicas(id, replicas),
                None => self.remove_workload(id),
            }
        }
        for ((name, kind), replicas) in known {
            self.workload(namespace, &name, &kind, replicas);
        }
    }

    /// The workload of this name, which is made where it is not there.
    fn workload(&mut self, namespace: &SmolStr, name: &SmolStr, kind: &SmolStr, replicas: Option<u32>) -> WorkloadId {
        let workloads = &mut self.inventory.workloads;
        if let Some(known) = workloads.find(|workload| workload.stands_to(namespace, name, kind)) {
            return known;
        }
        let new = Workload { namespace: namespace.clone(), kind: kind.clone(), name: name.clone(), pods: SmallVec::new(), replicas };
        let id = workloads.insert(|workload| workload.stands_to(namespace, name, kind).is_lt(), new);
        self.workloads.insert(id);
        id
    }

    fn set_replicas(&mut self, id: WorkloadId, replicas: Option<u32>) {
        if self.inventory.workloads.at(id).replicas != replicas {
            self.inventory.workloads.at_mut(id).replicas = replicas;
        }
    }

    fn remove_workload(&mut self, id: WorkloadId) {
        let workload = self.inventory.workloads.at(id).clone();
        self.inventory.workloads.remove(|other| other.stands_to(&workload.namespace, &workload.name, &workload.kind));
        self.workloads.insert(id);
    }

    /// Takes in a pod, or what it has become.
    fn put(&mut self, entry: &Arc<Entry>, (name, kind): (SmolStr, SmolStr), replicas: Option<u32>) {
        let workload = self.workload(&entry.key.namespace, &name, &kind, replicas);
        match self.inventory.pods.find(|pod| pod.rank().cmp(&rank_of(entry))) {
            Some(id) => {
                let known = self.inventory.pods.at(id);
                let (is_same, before) = (Arc::ptr_eq(&known.entry, entry), known.workload);
                if is_same && before == workload {
                    return;
                }
                if !is_same {
                    self.inventory.addresses.remove(&self.inventory.pods, id);
                    self.inventory.pods.at_mut(id).entry = Arc::clone(entry);
                    self.inventory.addresses.add(&self.inventory.pods, id);
                }
                if before == workload {
                    self.workloads.insert(workload);
                } else {
                    self.leave(id, before);
                    self.inventory.pods.at_mut(id).workload = workload;
                    self.join(id, workload);
                }
                self.steps.push(PodStep::Changed(id));
            }
            None => {
                let new = Pod { entry: Arc::clone(entry), workload };
                let id = self.inventory.pods.insert(|pod| pod.rank() < rank_of(entry), new);
                self.inventory.addresses.add(&self.inventory.pods, id);
                self.join(id, workload);
                self.steps.push(PodStep::Added(id));
            }
        }
    }

    fn join(&mut self, pod: PodId, workload: WorkloadId) {
        let pods = &self.inventory.pods;
        let members = &mut self.inventory.workloads.at_mut(workload).pods;
        let place = members.partition_point(|other| pods.at(*other).rank() < pods.at(pod).rank());
        members.insert(place, pod);
        self.workloads.insert(workload);
    }

    fn leave(&mut self, pod: PodId, workload: WorkloadId) {
        self.inventory.workloads.at_mut(workload).pods.retain(|other| *other != pod);
        self.workloads.insert(workload);
        let left = self.inventory.workloads.at(workload);
        // A workload without pods stays where it is an object that nothing owns.
        let stays = owners::object(self.snapshot, &left.namespace, &left.kind, &left.name).is_some_and(|object| object.owner.is_none());
        if left.pods.is_empty() && !stays {
            self.remove_workload(workload);
        }
    }

    fn remove(&mut self, pod: PodId) {
        self.inventory.addresses.remove(&self.inventory.pods, pod);
        self.leave(pod, self.inventory.pods.at(pod).workload);
        let gone = Arc::clone(&self.inventory.pods.at(pod).entry);
        self.inventory.pods.remove(|other| other.rank().cmp(&rank_of(&gone)));
        self.steps.push(PodStep::Removed(pod));
    }

    fn remove_named(&mut self, entry: &Entry) {
        if let Some(id) = self.inventory.pods.find(|pod| pod.rank().cmp(&rank_of(entry))) {
            self.remove(id);
        }
    }
}
