//! What happens to a cluster: seeded events, each a list of changes, that a generated cluster goes through.

use std::sync::Arc;

use portolan_core::labels::LabelSet;
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::record::{PodTemplate, Record};
use portolan_core::snapshot::Change;
use smol_str::SmolStr;

use super::model::{Cluster, Pod, Policy, Workload, address, entry, represented, tcp};
use crate::random_cluster::Random;

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A pod like another comes.
    PodAdded,
    /// A pod gets other labels or another address.
    PodChanged,
    /// A pod goes.
    PodRemoved,
    /// A policy like another comes.
    PolicyAdded,
    /// A policy gets other rules, ports or subjects.
    PolicyChanged,
    /// A policy goes.
    PolicyRemoved,
    /// A namespace gets a label of another, or loses one.
    NamespaceRelabelled,
    /// The pods of one controller are replaced one by one, with new addresses and a new hash.
    Rollout,
    /// Everything is listed again, and one pod and one policy in a hundred are different.
    Restart,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::PodAdded,
        Self::PodChanged,
        Self::PodRemoved,
        Self::PolicyAdded,
        Self::PolicyChanged,
        Self::PolicyRemoved,
        Self::NamespaceRelabelled,
        Self::Rollout,
        Self::Restart,
    ];
}

/// A cluster to which things happen.
#[derive(Debug, Clone)]
pub struct Churn {
    /// The cluster as it stands after the last event.
    pub cluster: Cluster,
    random: Random,
    n_new: usize,
}

impl Churn {
    /// A cluster before anything happens.
    pub fn new(cluster: Cluster, seed: u64) -> Self {
        Self { cluster, random: Random::new(seed), n_new: 0 }
    }

    /// Some event, those of single objects more often than the large ones.
    pub fn any(&mut self) -> (Event, Vec<Change>) {
        let event = match self.random.below(20) {
            0..16 => Event::ALL[self.random.below(6)],
            16 | 17 => Event::NamespaceRelabelled,
            18 => Event::Rollout,
            _ => Event::Restart,
        };
        (event, self.happen(event))
    }

    /// Lets something happen. Returns the changes; none where there is nothing to which it can happen.
    pub fn happen(&mut self, event: Event) -> Vec<Change> {
        self.n_new += 1;
        match event {
            Event::PodAdded => self.pod_added(),
            Event::PodChanged => self.some_pod().map(|place| self.pod_changed(place)).into_iter().collect(),
            Event::PodRemoved => {
                let place = self.some_pod();
                place.map(|place| Change::Delete(self.cluster.pods.swap_remove(place).key())).into_iter().collect()
            }
            Event::PolicyAdded => self.policy_added(),
            Event::PolicyChanged => self.some_policy().map(|place| self.policy_changed(place)).into_iter().collect(),
            Event::PolicyRemoved => {
                let place = self.some_policy();
                place.map(|place| Change::Delete(self.cluster.policies.swap_remove(place).key())).into_iter().collect()
            }
            Event::NamespaceRelabelled => self.namespace_relabelled(),
            Event::Rollout => self.rollout(),
            Event::Restart => {
                for _ in 0..self.cluster.pods.len().div_ceil(100) {
                    self.some_pod().map(|place| self.pod_changed(place));
                }
                for _ in 0..self.cluster.policies.len().div_ceil(100) {
                    self.some_policy().map(|place| self.policy_changed(place));
                }
                self.cluster.lists()
            }
        }
    }

    fn some_pod(&mut self) -> Option<usize> {
        let n = self.cluster.pods.len();
        (n > 0).then(|| self.random.below(n))
    }

    fn some_policy(&mut self) -> Option<usize> {
        let n = self.cluster.policies.len();
        (n > 0).then(|| self.random.below(n))
    }

    fn new_address(&self) -> std::net::IpAddr {
        // Beyond those that the generator gave.
        address(0x0080_0000 + self.n_new)
    }

    fn pod_added(&mut self) -> Vec<Change> {
        let Some(like) = self.some_pod() else { return Vec::new() };
        let mut pod = self.cluster.pods[like].clone();
        pod.name = format!("{}-new-{}", pod.name, self.n_new).into();
        pod.address = self.new_address();
        let change = applied(&pod);
        self.cluster.pods.push(pod);
        vec![change]
    }

    fn pod_changed(&mut self, place: usize) -> Change {
        let other = self.random.below(self.cluster.pods.len());
        let what = self.random.below(3);
        let (labels, ports) = (self.cluster.pods[other].template.labels.clone(), Arc::clone(&self.cluster.pods[other].template.ports));
        let address = self.new_address();
        let pod = &mut self.cluster.pods[place];
        match what {
            0 => pod.address = address,
            // As another, in whatever namespace it is.
            1 => (pod.template.labels, pod.template.ports) = (labels, ports),
            _ => pod.template.labels = pod.template.labels.with("release", ["canary", "stable"][self.n_new % 2]).into(),
        }
        applied(pod)
    }

    fn policy_added(&mut self) -> Vec<Change> {
        let Some(like) = self.some_policy() else { return Vec::new() };
        let mut policy = self.cluster.policies[like].clone();
        policy.name = format!("new-{}", self.n_new).into();
        self.cluster.policies.push(policy);
        vec![self.policy_changed(self.cluster.policies.len() - 1)]
    }

    fn policy_changed(&mut self, place: usize) -> Change {
        let other = self.cluster.policies[self.random.below(self.cluster.policies.len())].clone();
        let port = 1024 + u16::try_from(self.random.below(60_000)).unwrap_or_default();
        let what = self.random.below(4);
        let policy = &mut self.cluster.policies[place];
        match what {
            0 => policy.pods = other.pods,
            1 => (policy.ingress, policy.egress) = (other.ingress, other.egress),
            2 => {
                // What it said of one direction it says of the other.
                std::mem::swap(&mut policy.ingress, &mut policy.egress);
            }
            _ => {
                for rule in policy.ingress.iter_mut().chain(&mut policy.egress).flatten().take(1) {
                    rule.ports = vec![tcp(port)];
                }
            }
        }
        Change::Apply(entry(policy.key(), policy.record()))
    }

    fn namespace_relabelled(&mut self) -> Vec<Change> {
        let n = self.cluster.namespaces.len();
        if n == 0 {
            return Vec::new();
        }
        let (place, other) = (self.random.below(n), self.random.below(n));
        let labels = self.cluster.namespaces[other].labels.clone();
        let namespace = &mut self.cluster.namespaces[place];
        if namespace.labels == labels {
            if namespace.labels.pop().is_none() {
                namespace.labels.push(("relabelled".into(), "yes".into()));
            }
        } else {
            namespace.labels = labels;
        }
        vec![Change::Apply(entry(namespace.key(), namespace.record()))]
    }

    fn rollout(&mut self) -> Vec<Change> {
        let Some(some) = self.some_pod() else { return Vec::new() };
        let (namespace, owner) = (self.cluster.pods[some].namespace.clone(), self.cluster.pods[some].template.owner.clone());
        let old: Vec<Pod> = match &owner {
            // A pod that nothing controls is replaced alone.
            None => vec![self.cluster.pods[some].clone()],
            Some(_) => self.cluster.pods.iter().filter(|pod| pod.namespace == namespace && pod.template.owner == owner).cloned().collect(),
        };
        let hash: SmolStr = format!("rollout{:03}", self.n_new).into();
        let mut changes = Vec::new();
        let set = owner.map(|mut owner| {
            let key = |name: &SmolStr| ObjectKey::new(Kind::ReplicaSet, namespace.clone(), name.clone());
            let replaced = self.cluster.workloads.iter().find(|workload| workload.key == key(&owner.name)).map(|old| old.record.clone());
            owner.name = format!("{}-{hash}", owner.name).into();
            if let Some(mut record) = replaced {
                record.template = record.template.map(|pod| {
                    let labels = with_hash(&pod.labels, &hash);
                    represented(PodTemplate { labels, ..PodTemplate::clone(&pod) })
                });
                changes.push(Change::Apply(entry(key(&owner.name), Record::Workload(Box::new(record.clone())))));
                self.cluster.workloads.push(Workload { key: key(&owner.name), record });
            }
            owner
        });
        for mut pod in old {
            let key = pod.key();
            pod.name = format!("{}-{hash}", pod.name).into();
            pod.template.labels = with_hash(&pod.template.labels, &hash);
            pod.template.owner.clone_from(&set);
            self.n_new += 1;
            pod.address = self.new_address();
            // The new one comes before the old one goes.
            changes.extend([applied(&pod), Change::Delete(key.clone())]);
            self.cluster.pods.retain(|pod| pod.name != key.name || pod.namespace != key.namespace);
            self.cluster.pods.push(pod);
        }
        changes
    }

    /// A policy with one port other than it has, and the policy as it is: an edit, and the way back.
    pub fn edited_policy(&mut self) -> Option<(Policy, Policy)> {
        let place = (0..self.cluster.policies.len()).map(|_| self.random.below(self.cluster.policies.len()));
        let place = place.into_iter().find(|place| self.cluster.policies[*place].rules().next().is_some())?;
        let before = self.cluster.policies[place].clone();
        let mut after = before.clone();
        for rule in after.ingress.iter_mut().chain(&mut after.egress).flatten().take(1) {
            rule.ports = vec![tcp(1)];
        }
        Some((before, after))
    }
}

fn applied(pod: &Pod) -> Change {
    Change::Apply(entry(pod.key(), pod.record()))
}

fn with_hash(labels: &LabelSet, hash: &str) -> LabelSet {
    labels.with("pod-template-hash", hash).into()
}
