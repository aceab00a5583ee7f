//! What owns the pods of one namespace.

use std::iter::Peekable;
use std::sync::Arc;

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::record_of;
use crate::assumptions::{Assumptions, FinishedPods};
use crate::intake::Entry;
use crate::object::{Kind, ObjectKey};
use crate::record::{Owner, Phase, PodRecord, Record, WorkloadRecord};
use crate::snapshot::Snapshot;

/// The kinds that decide who is in the network.
pub(super) const KINDS: [Kind; 8] = [
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::ReplicationController,
    Kind::CronJob,
    Kind::Job,
];

/// The pods and workload objects of one namespace, by kind and name.
pub(super) struct Objects<'a>([Vec<&'a Arc<Entry>>; KINDS.len()]);

/// A workload with its pods: their own objects, or the workload's where it stands for its template.
pub(super) struct Owned<'a> {
    pub(super) name: SmolStr,
    pub(super) kind: SmolStr,
    pub(super) replicas: Option<u32>,
    pub(super) pods: SmallVec<[&'a Arc<Entry>; 4]>,
}

/// Walks all namespaces that have such an object, in order.
pub(super) fn each_namespace<'a>(snapshot: &'a Snapshot, mut see: impl FnMut(&'a SmolStr, &Objects<'a>)) {
    type Entries<'a> = Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a>;
    let mut lists: [Peekable<Entries<'a>>; KINDS.len()] = KINDS.map(|kind| {
        let entries: Entries<'a> = Box::new(snapshot.entries(kind).map(|(_, entry)| entry));
        entries.peekable()
    });
    let mut objects = Objects(KINDS.map(|_| Vec::new()));
    while let Some(namespace) = lists.iter_mut().filter_map(|list| list.peek().map(|entry| &entry.key.namespace)).min() {
        for (here, list) in objects.0.iter_mut().zip(&mut lists) {
            here.clear();
            here.extend(std::iter::from_fn(|| list.next_if(|entry| entry.key.namespace == *namespace)));
        }
        see(namespace, &objects);
    }
}

/// Whether a pod counts.
pub(super) fn is_in_force(entry: &Entry, assumptions: &Assumptions) -> bool {
    match &entry.record {
        Some(Record::Pod(record)) => record.phase != Phase::Finished || assumptions.finished_pods != FinishedPods::Absent,
        _ => false,
    }
}

impl<'a> Objects<'a> {
    /// Those of a snapshot in one namespace.
    pub(super) fn of(snapshot: &'a Snapshot, namespace: &'a str) -> Self {
        Self(KINDS.map(|kind| snapshot.entries_in(kind, namespace).collect()))
    }

    fn workload(&self, kind: &str, name: &str) -> Option<&'a WorkloadRecord> {
        let list = KINDS.iter().zip(&self.0).find(|(known, _)| known.name() == kind).map(|(_, list)| list)?;
        let place = list.binary_search_by(|entry| entry.key.name.as_str().cmp(name)).ok()?;
        as_workload(list.get(place)?)
    }

    /// The workloads, by name and kind, each with its pods by name.
    pub(super) fn owned(&self, snapshot: &Snapshot, assumptions: &Assumptions) -> Vec<Owned<'a>> {
        let mut claims: Vec<(SmolStr, SmolStr, Claim<'a>)> = Vec::with_capacity(self.0.iter().map(Vec::len).sum());
        let [pods, workloads @ ..] = &self.0;
        // Pods of one template have one owner, and mostly come together.
        let mut last: Option<(&PodRecord, (SmolStr, SmolStr))> = None;
        for entry in pods.iter().filter(|entry| is_in_force(entry, assumptions)) {
            let record = record_of(entry);
            let (kind, name) = match last {
                Some((known, owner)) if record.owner.is_some() && known.template == record.template => owner,
                _ => top_owner(entry, |kind, name| self.workload(kind, name)),
            };
            claims.push((name.clone(), kind.clone(), Claim::Pod(entry)));
            last = Some((record, (kind, name)));
        }
        for entry in workloads.iter().flatten() {
            if let Some(workload) = as_workload(entry).filter(|workload| workload.owner.is_none()) {
                claims.push((entry.key.name.clone(), SmolStr::new_static(entry.key.kind.name()), Claim::Object(entry, workload)));
            }
        }
        // Pods keep their order, and come before the object.
        claims.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let mut owned: Vec<Owned<'a>> = Vec::new();
        for (name, kind, claim) in claims {
            let known = match owned.last_mut() {
                Some(last) if last.name == name && last.kind == kind => last,
                _ => {
                    // One whose own owner is not there, or goes round in a circle, is the end of a chain all the same.
                    let replicas = self.workload(&kind, &name).and_then(|workload| workload.replicas);
                    owned.push(Owned { name, kind, replicas, pods: SmallVec::new() });
                    let Some(new) = owned.last_mut() else { continue };
                    new
                }
            };
            match claim {
                Claim::Pod(entry) => known.pods.push(entry),
                Claim::Object(entry, workload) => {
                    if known.pods.is_empty() && snapshot.represents_templates && workload.template.is_some() {
                        known.pods.push(entry);
                    }
                }
            }
        }
        owned
    }
}

/// What says that a workload is there: a pod that it owns, or its own object.
enum Claim<'a> {
    Pod(&'a Arc<Entry>),
    Object(&'a Arc<Entry>, &'a WorkloadRecord),
}

fn as_workload(entry: &Entry) -> Option<&WorkloadRecord> {
    match &entry.record {
        Some(Record::Workload(workload)) => Some(workload),
        _ => None,
    }
}

/// Kind and name of what owns a pod: the end of an owner chain. Chains longer than a few steps do not exist; a circle must not hang us.
fn top_owner<'a>(pod: &Entry, find: impl Fn(&str, &str) -> Option<&'a WorkloadRecord>) -> (SmolStr, SmolStr) {
    let as_pod = SmolStr::new_static("Pod");
    let mut top: Owner = match &pod.record {
        Some(Record::Pod(record)) => match &record.owner {
            // An owner in a manifest may lack its kind: such pods go together under its name, as pods.
            Some(owner) if owner.kind.is_empty() => return (as_pod, owner.name.clone()),
            Some(owner) => owner.clone(),
            None => return (as_pod, pod.key.name.clone()),
        },
        _ => return (as_pod, pod.key.name.clone()),
    };
    for _ in 0..8 {
        match find(&top.kind, &top.name).and_then(|workload| workload.owner.as_ref()) {
            Some(next) => top = next.clone(),
            None => break,
        }
    }
    (top.kind, top.name)
}

/// Kind, name and wanted pods of what owns a pod, looked up in a snapshot.
pub(super) fn owner_of(snapshot: &Snapshot, pod: &Entry) -> (SmolStr, SmolStr, Option<u32>) {
    let find = |kind: &str, name: &str| object(snapshot, &pod.key.namespace, kind, name);
    let (kind, name) = top_owner(pod, find);
    let replicas = find(&kind, &name).and_then(|workload| workload.replicas);
    (kind, name, replicas)
}

/// The record of a workload object.
pub(super) fn object<'a>(snapshot: &'a Snapshot, namespace: &SmolStr, kind: &str, name: &str) -> Option<&'a WorkloadRecord> {
    let kind = KINDS.iter().find(|known| known.name() == kind)?;
    snapshot.entry(&ObjectKey::new(*kind, namespace.clone(), name)).and_then(|entry| as_workload(entry))
}
