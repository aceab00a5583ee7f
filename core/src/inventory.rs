//! Who is in the network: pods in force, and the workloads that own them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::assumptions::{Assumptions, FinishedPods};
use crate::ids::{Table, id};
use crate::object::{Kind, ObjectKey, Warning};
use crate::record::{Owner, Phase, PodRecord, Record};
use crate::snapshot::{Snapshot, typed};

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
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its name; a representative bears its workload's.
    pub name: SmolStr,
    /// Its record.
    pub record: Arc<PodRecord>,
    /// What owns it, at the end of the chain.
    pub workload: WorkloadId,
    /// Whether it stands for the pods of a workload's template.
    pub is_representative: bool,
}

impl Pod {
    /// `namespace/name`
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
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
    pub pods: Vec<PodId>,
    /// The pods that it asks for, where it says so.
    pub replicas: Option<u32>,
}

impl Workload {
    /// `namespace/name`
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Everybody in the network.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Pods, by namespace and name.
    pub pods: Table<PodId, Pod>,
    /// Workloads, by namespace, name and kind.
    pub workloads: Table<WorkloadId, Workload>,
    by_pod_name: FxHashMap<(SmolStr, SmolStr), PodId>,
    by_workload_name: FxHashMap<(SmolStr, SmolStr), SmallVec<[WorkloadId; 1]>>,
    by_address: FxHashMap<IpAddr, PodId>,
    shared_addresses: Vec<(PodId, PodId, IpAddr)>,
}

/// Namespace, name and kind of a workload.
type WorkloadName = (SmolStr, SmolStr, SmolStr);

/// Name and record of a pod, and whether it stands for a template.
type OwnedPod = (SmolStr, Arc<PodRecord>, bool);

impl Inventory {
    /// Takes the pods of a snapshot and finds what owns them: Pod to ReplicaSet to Deployment, Pod to Job to CronJob.
    pub fn new(snapshot: &Snapshot, assumptions: &Assumptions) -> Self {
        // Sorted, so that ids follow names.
        let mut owned: BTreeMap<WorkloadName, Vec<OwnedPod>> = BTreeMap::new();
        for (key, record) in typed!(snapshot, Pod) {
            if record.phase == Phase::Finished && assumptions.finished_pods == FinishedPods::Absent {
                continue;
            }
            let (kind, name) = match &record.owner {
                // An owner in a manifest may lack its kind: such pods go together under its name, as pods.
                Some(owner) if owner.kind.is_empty() => (SmolStr::new_static("Pod"), owner.name.clone()),
                Some(owner) => top_owner(snapshot, &key.namespace, owner),
                None => (SmolStr::new_static("Pod"), key.name.clone()),
            };
            owned.entry((key.namespace.clone(), name, kind)).or_default().push((key.name.clone(), Arc::clone(record), false));
        }
        for kind in Kind::ALL {
            for (key, record) in snapshot.records(*kind) {
                let Record::Workload(workload) = record else { continue };
                if workload.owner.is_some() {
                    continue;
                }
                let pods = owned.entry((key.namespace.clone(), key.name.clone(), kind.name().into())).or_default();
                if pods.is_empty()
                    && snapshot.represents_templates
                    && let Some(template) = &workload.template
                {
                    pods.push((key.name.clone(), Arc::clone(template), true));
                }
            }
        }
        let mut inventory = Self::default();
        for ((namespace, name, kind), pods) in owned {
            let replicas = Kind::ALL.iter().find(|candidate| candidate.name() == kind).and_then(|known| {
                match snapshot.record(&ObjectKey::new(*known, namespace.clone(), name.clone())) {
                    Some(Record::Workload(workload)) => workload.replicas,
                    _ => None,
                }
            });
            let path = (namespace.clone(), name.clone());
            let workload = inventory.workloads.push(Workload { namespace: namespace.clone(), kind, name, pods: Vec::new(), replicas });
            inventory.by_workload_name.entry(path).or_default().push(workload);
            for (name, record, is_representative) in pods {
                let pod = inventory.pods.push(Pod { namespace: namespace.clone(), name, record, workload, is_representative });
                inventory.workloads.at_mut(workload).pods.push(pod);
            }
        }
        for (id, pod) in inventory.pods.entries() {
            inventory.by_pod_name.insert((pod.namespace.clone(), pod.name.clone()), id);
            // A pod on its node's network shares the node's address with others: the address is nobody's alone.
            if !pod.record.host_network {
                for address in &pod.record.addresses {
                    let first = *inventory.by_address.entry(*address).or_insert(id);
                    if first != id {
                        inventory.shared_addresses.push((id, first, *address));
                    }
                }
            }
        }
        inventory
    }

    /// Whether two snapshots, under these assumptions, have the same pods and owners.
    pub(crate) fn is_same(old: &Snapshot, before: &Assumptions, new: &Snapshot, after: &Assumptions) -> bool {
        let kinds = [
            Kind::Pod,
            Kind::Deployment,
            Kind::StatefulSet,
            Kind::DaemonSet,
            Kind::ReplicaSet,
            Kind::ReplicationController,
            Kind::CronJob,
            Kind::Job,
        ];
        before.finished_pods == after.finished_pods
            && old.represents_templates == new.represents_templates
            && kinds.into_iter().all(|kind| old.shares(new, kind))
    }

    /// The pod of this name.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<PodId> {
        self.by_pod_name.get(&(SmolStr::new(namespace), SmolStr::new(name))).copied()
    }

    /// The pod that has this address for itself.
    pub fn pod_at(&self, address: IpAddr) -> Option<PodId> {
        self.by_address.get(&address).copied()
    }

    /// Warnings of pods that have an address which another has too: who is meant by it, nobody can tell, and the first is taken.
    pub fn warnings(&self) -> Vec<Warning> {
        let of = |(second, first, address): &(PodId, PodId, IpAddr)| {
            let (second, first) = (self.pods.at(*second), self.pods.at(*first));
            let key = ObjectKey::new(Kind::Pod, second.namespace.clone(), second.name.clone());
            Warning::new(&key, "/status/podIPs", format!("{} has the address {address} too, and is taken for it", first.path()))
        };
        self.shared_addresses.iter().map(of).collect()
    }

    /// The workload of this name; of any kind where none is given.
    pub fn workload(&self, namespace: &str, name: &str, kind: Option<&str>) -> Option<WorkloadId> {
        let named = self.by_workload_name.get(&(SmolStr::new(namespace), SmolStr::new(name)))?;
        named.iter().copied().find(|id| kind.is_none_or(|kind| self.workloads.at(*id).kind == kind))
    }
}

/// The end of an owner chain. Chains longer than a few steps do not exist; a circle must not hang us.
fn top_owner(snapshot: &Snapshot, namespace: &SmolStr, owner: &Owner) -> (SmolStr, SmolStr) {
    let mut top = owner.clone();
    for _ in 0..8 {
        let Some(kind) = Kind::ALL.iter().find(|kind| kind.name() == top.kind) else { break };
        match snapshot.record(&ObjectKey::new(*kind, namespace.clone(), top.name.clone())) {
            Some(Record::Workload(workload)) => match &workload.owner {
                Some(next) => top = next.clone(),
                None => break,
            },
            _ => break,
        }
    }
    (top.kind, top.name)
}
