//! Who is in the network: pods in force, and the workloads that own them.

mod addresses;
mod owners;
mod step;

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use smallvec::SmallVec;
use smol_str::SmolStr;

pub(crate) use step::{Moved, PodStep};

use crate::assumptions::Assumptions;
use crate::ids::{Id, Roll, id};
use crate::intake::Entry;
use crate::object::{Kind, ObjectKey, Warning};
use crate::peer::Peer;
use crate::record::{PodRecord, Record};
use crate::snapshot::Snapshot;
use addresses::Addresses;

id! {
    /// A pod of an inventory.
    PodId
}
id! {
    /// A workload of an inventory.
    WorkloadId
}

/// A pod in force.
#[derive(Debug, Clone)]
pub struct Pod {
    /// The object: the pod's own, or that of the workload whose template it stands for.
    entry: Arc<Entry>,
    /// What owns it, at the end of the chain.
    pub workload: WorkloadId,
}

impl Pod {
    /// Its namespace.
    pub fn namespace(&self) -> &SmolStr {
        &self.entry.key.namespace
    }

    /// Its name; a representative bears its workload's.
    pub fn name(&self) -> &SmolStr {
        &self.entry.key.name
    }

    /// The object.
    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// Its record.
    pub fn record(&self) -> &PodRecord {
        record_of(&self.entry)
    }

    /// Whether it stands for the pods of a workload's template.
    pub fn is_representative(&self) -> bool {
        self.entry.key.kind != Kind::Pod
    }

    /// `namespace/name`
    pub fn path(&self) -> String {
        self.entry.key.path()
    }

    /// Its place in the order: a representative comes after a pod of the same name.
    fn rank(&self) -> (&str, &str, bool) {
        rank_of(&self.entry)
    }
}

fn rank_of(entry: &Entry) -> (&str, &str, bool) {
    (&entry.key.namespace, &entry.key.name, entry.key.kind != Kind::Pod)
}

/// The record of a pod, or of the pod that a template describes. Nothing else is in an inventory.
pub(crate) fn record_of(entry: &Entry) -> &PodRecord {
    static NOTHING: LazyLock<PodRecord> = LazyLock::new(PodRecord::default);
    match &entry.record {
        Some(Record::Pod(record)) => record,
        Some(Record::Workload(workload)) => workload.template.as_ref().unwrap_or(&NOTHING),
        _ => &NOTHING,
    }
}

/// A controller of pods, or a pod that nothing controls.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its kind: `Deployment`, `Pod`, or a kind that Portolan does not read.
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its pods in force, by name.
    pub pods: SmallVec<[PodId; 4]>,
    /// The pods that it asks for, where it says so.
    pub replicas: Option<u32>,
}

impl Workload {
    /// `namespace/name`
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn stands_to(&self, namespace: &str, name: &str, kind: &str) -> Ordering {
        let own = (self.namespace.as_str(), self.name.as_str(), self.kind.as_str());
        own.cmp(&(namespace, name, kind))
    }
}

/// Everybody in the network. Cloning shares everything, and a change copies a few small parts.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Pods, by namespace and name.
    pub pods: Roll<PodId, Pod>,
    /// Workloads, by namespace, name and kind.
    pub workloads: Roll<WorkloadId, Workload>,
    addresses: Addresses,
}

impl Inventory {
    /// Takes the pods of a snapshot and finds what owns them: Pod to ReplicaSet to Deployment, Pod to Job to CronJob.
    pub fn new(snapshot: &Snapshot, assumptions: &Assumptions) -> Self {
        let (mut all_pods, mut all_workloads): (Vec<Pod>, Vec<Workload>) = (Vec::new(), Vec::new());
        owners::each_namespace(snapshot, |namespace, objects| {
            let mut pods: Vec<(&Arc<Entry>, WorkloadId)> = Vec::new();
            for owned in objects.owned(snapshot, assumptions) {
                let workload = WorkloadId::from_index(all_workloads.len());
                let (kind, name, replicas) = (owned.kind, owned.name, owned.replicas);
                all_workloads.push(Workload { namespace: namespace.clone(), kind, name, pods: SmallVec::new(), replicas });
                pods.extend(owned.pods.into_iter().map(|entry| (entry, workload)));
            }
            pods.sort_by(|(a, _), (b, _)| rank_of(a).cmp(&rank_of(b)));
            for (entry, workload) in pods {
                if let Some(workload) = all_workloads.get_mut(workload.index()) {
                    workload.pods.push(PodId::from_index(all_pods.len()));
                }
                all_pods.push(Pod { entry: Arc::clone(entry), workload });
            }
        });
        let pods = Roll::of(all_pods);
        Self { addresses: Addresses::new(&pods), pods, workloads: Roll::of(all_workloads) }
    }

    /// How answers name a workload; `None` where the id is nobody's now.
    pub(crate) fn peer_of(&self, id: WorkloadId) -> Option<Peer> {
        if id.0 as usize >= self.workloads.bound() {
            return None;
        }
        let workload = self.workloads.at(id);
        let Workload { namespace, name, kind, .. } = workload;
        let is_there = self.workloads.find(|other| other.stands_to(namespace, name, kind)) == Some(id);
        is_there.then(|| Peer::Workload { namespace: namespace.clone(), name: name.clone(), workload: kind.clone() })
    }

    /// The pod of this name.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<PodId> {
        let find = |is_representative| self.pods.find(|pod| pod.rank().cmp(&(namespace, name, is_representative)));
        find(false).or_else(|| find(true))
    }

    /// The pods of a namespace, by name.
    pub fn pods_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (PodId, &'a Pod)> {
        let from = self.pods.ids_from(|pod| pod.rank() < (namespace, "", false)).map(|id| (id, self.pods.at(id)));
        from.take_while(move |(_, pod)| pod.namespace() == namespace)
    }

    /// The pod that has this address for itself.
    pub fn pod_at(&self, address: IpAddr) -> Option<PodId> {
        self.addresses.pod_at(&self.pods, address)
    }

    /// The pods that are not on their node's network and have an address from the first to the last, which are of one family. A pod that
    /// has two comes twice.
    pub(crate) fn pods_between(&self, first: IpAddr, last: IpAddr) -> impl Iterator<Item = PodId> {
        self.addresses.between(&self.pods, first, last)
    }

    /// Whether some pod that is not on its node's network has no address.
    pub(crate) fn has_pods_without_address(&self) -> bool {
        self.addresses.n_without() > 0
    }

    /// Warnings of pods that have an address which another has too: who is meant by it, nobody can tell, and the first is taken.
    pub fn warnings(&self) -> Vec<Warning> {
        let of = |(second, first, address): (PodId, PodId, IpAddr)| {
            let (second, first) = (self.pods.at(second), self.pods.at(first));
            let key = ObjectKey::new(Kind::Pod, second.namespace().clone(), second.name().clone());
            Warning::new(&key, "/status/podIPs", format!("{} has the address {address} too, and is taken for it", first.path()))
        };
        self.addresses.shared(&self.pods).into_iter().map(of).collect()
    }

    /// The workload of this name; of any kind where none is given.
    pub fn workload(&self, namespace: &str, name: &str, kind: Option<&str>) -> Option<WorkloadId> {
        match kind {
            Some(kind) => self.workloads.find(|workload| workload.stands_to(namespace, name, kind)),
            None => {
                let first = self.workloads.ids_from(|workload| workload.stands_to(namespace, name, "").is_lt()).next()?;
                let workload = self.workloads.at(first);
                (workload.namespace == namespace && workload.name == name).then_some(first)
            }
        }
    }
}
