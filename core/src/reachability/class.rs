//! Classes: pods that no selector in force can tell apart.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use internment::ArcIntern;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::relevant::Relevant;
use super::row::Row;
use crate::address::Family;
use crate::ids::{Table, id};
use crate::intake::Entry;
use crate::inventory::{Inventory, Pod, PodId, record_of};
use crate::labels::{LabelSet, Labels};
use crate::policy::{Direction, HostNetwork, NamespaceScope, PodSelector};
use crate::record::{ContainerPort, PodTemplate};
use crate::snapshot::Snapshot;

id! {
    /// A class of a reachability. It stays the same in what follows from that by changes.
    ClassId
}

/// Pods that no selector in force can tell apart.
#[derive(Debug, Clone)]
pub struct Class {
    /// What it is told by where ids are not: they stay the same in what follows by changes, and elsewhere they are given anew.
    identity: Arc<()>,
    /// One of them, for all that they have in common.
    representative: Arc<Entry>,
    /// The labels of their namespace.
    pub(super) namespace_labels: LabelSet,
    /// The pods, by namespace and name; none is left where the class was split or has lost its pods.
    pub pods: SmallVec<[PodId; 4]>,
    /// How many of them run on each node, where some pod of the cluster shares its node's network.
    nodes: Option<Arc<Nodes>>,
    rows: [Arc<Row>; 2],
}

type Nodes = FxHashMap<SmolStr, usize>;

impl Class {
    /// Their namespace.
    pub(super) fn namespace(&self) -> &SmolStr {
        &self.representative.key.namespace
    }

    /// The template of one of them; what the others have besides no selector asks for.
    pub(super) fn template(&self) -> &PodTemplate {
        record_of(&self.representative)
    }

    /// The ports of one of them; no rule names those that the others have besides.
    pub(crate) fn ports(&self) -> &[ContainerPort] {
        &record_of(&self.representative).ports
    }

    /// Whether they share their node's network.
    pub(super) fn host_network(&self) -> bool {
        record_of(&self.representative).host_network
    }

    /// Their node, where they share its network.
    pub(super) fn node(&self) -> &str {
        if self.host_network() { &record_of(&self.representative).node } else { "" }
    }

    /// The addresses of one of them; those of the others lie in the same blocks.
    pub(super) fn addresses(&self) -> &[IpAddr] {
        &record_of(&self.representative).addresses
    }

    /// Whether a selector selects them, by namespace and labels alone.
    pub(super) fn is_selected_by(&self, selector: &PodSelector) -> bool {
        let is_in = match &selector.namespaces {
            NamespaceScope::One(namespace) => namespace == self.namespace(),
            NamespaceScope::Matching(namespaces) => namespaces.matches(&self.namespace_labels),
        };
        is_in && self.is_on_network_of(selector) && selector.pods.matches(self.template())
    }

    /// Whether they are on the network that a selector asks for, where it asks for one.
    fn is_on_network_of(&self, selector: &PodSelector) -> bool {
        match &selector.host_network {
            HostNetwork::On(nodes) => self.host_network() && nodes.contains(self.node()),
            HostNetwork::Assumed | HostNetwork::LeftOut => true,
        }
    }

    pub(super) fn row(&self, direction: Direction) -> &Arc<Row> {
        let [ingress, egress] = &self.rows;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    pub(super) fn set_row(&mut self, direction: Direction, row: Arc<Row>) {
        let [ingress, egress] = &mut self.rows;
        match direction {
            Direction::Ingress => *ingress = row,
            Direction::Egress => *egress = row,
        }
    }

    /// Whether they have addresses of both families.
    pub(super) fn has_both_families(&self) -> bool {
        self.addresses().iter().any(IpAddr::is_ipv4) && self.addresses().iter().any(IpAddr::is_ipv6)
    }

    fn have_both(&self, other: &Self, is_it: fn(&IpAddr) -> bool) -> bool {
        let has = |class: &Self| class.addresses().is_empty() || class.addresses().iter().any(is_it);
        has(self) && has(other)
    }

    /// Whether the addresses of both are known, and no family is among both.
    pub(super) fn has_no_family_of(&self, other: &Self) -> bool {
        !self.have_both(other, IpAddr::is_ipv4) && !self.have_both(other, IpAddr::is_ipv6)
    }

    /// The one family that they have in common with others; `None` where it is both, or where addresses are not known.
    pub(super) fn common_family(&self, other: &Self) -> Option<Family> {
        match (self.have_both(other, IpAddr::is_ipv4), self.have_both(other, IpAddr::is_ipv6)) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            _ => None,
        }
    }

    /// How many of them run on a node.
    pub(super) fn pods_on(&self, node: &str) -> usize {
        self.nodes.as_ref().and_then(|nodes| nodes.get(node).copied()).unwrap_or(0)
    }

    /// Whether another class, which has the same id in a reachability before or after, is the same, whatever pods it has.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.identity, &other.identity) && self.namespace_labels == other.namespace_labels
    }

    /// The nodes that they run on, where some pod of the cluster shares its node's network.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &SmolStr> {
        self.nodes.iter().flat_map(|nodes| nodes.keys())
    }

    /// Takes a pod in, where it has its place by name.
    pub(super) fn enter(&mut self, inventory: &Inventory, pod: PodId) {
        let name = |id: &PodId| (inventory.pods.at(*id).namespace(), inventory.pods.at(*id).name());
        let place = self.pods.partition_point(|other| name(other) < name(&pod));
        self.pods.insert(place, pod);
        self.see_anew(inventory);
    }

    /// Lets pods go.
    pub(super) fn remove(&mut self, pods: &FxHashSet<PodId>) {
        self.pods.retain(|pod| !pods.contains(pod));
    }

    /// Whether a key may be theirs, told from what costs little to compare.
    pub(super) fn may_have(&self, key: &ClassKey) -> bool {
        *self.namespace() == key.namespace && self.namespace_labels == key.namespace_labels && self.host_network() == key.host.is_some()
    }

    /// Looks at the pods again, of which one is gone.
    pub(super) fn see_anew(&mut self, inventory: &Inventory) {
        if let Some(first) = self.pods.first() {
            self.representative = Arc::clone(inventory.pods.at(*first).entry());
        }
        self.count_nodes(inventory);
    }

    fn count_nodes(&mut self, inventory: &Inventory) {
        if self.nodes.is_some() {
            let mut nodes = Nodes::default();
            for pod in &self.pods {
                let node = &inventory.pods.at(*pod).record().node;
                if !node.is_empty() {
                    *nodes.entry(SmolStr::new(node)).or_insert(0) += 1;
                }
            }
            self.nodes = Some(Arc::new(nodes));
        }
    }
}

/// What tells the pods of one class from those of another: what selectors, blocks and names of ports can see of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ClassKey {
    namespace: SmolStr,
    namespace_labels: LabelSet,
    labels: Arc<Labels>,
    ports: Arc<[ContainerPort]>,
    host: Option<ArcIntern<str>>,
    atoms: SmallVec<[(Family, u128); 1]>,
}

/// What selectors and names of ports can see of a template.
type Seen = (Arc<Labels>, Arc<[ContainerPort]>);

/// Makes the keys of pods.
pub(super) struct Keys<'a> {
    snapshot: &'a Snapshot,
    relevant: &'a Relevant,
    templates: FxHashMap<ArcIntern<PodTemplate>, Seen>,
    namespace: Option<(SmolStr, LabelSet)>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, relevant: &'a Relevant) -> Self {
        Self { snapshot, relevant, templates: FxHashMap::default(), namespace: None }
    }

    /// The key of a pod. Those of one namespace are best asked for together.
    pub(super) fn of(&mut self, pod: &Pod) -> ClassKey {
        let namespace_labels = match &self.namespace {
            Some((name, labels)) if name == pod.namespace() => labels.clone(),
            _ => {
                let labels = self.snapshot.labels_of_namespace(pod.namespace());
                self.namespace = Some((pod.namespace().clone(), labels.clone()));
                labels
            }
        };
        let relevant = self.relevant;
        let seen = self.templates.entry(pod.record().template.clone()).or_insert_with(|| relevant.seen(pod.record())).clone();
        self.key(pod.entry(), namespace_labels, seen)
    }

    /// The key of the pods of a class.
    pub(super) fn of_class(&self, class: &Class) -> ClassKey {
        let seen = self.relevant.seen(record_of(&class.representative));
        self.key(&class.representative, class.namespace_labels.clone(), seen)
    }

    fn key(&self, entry: &Entry, namespace_labels: LabelSet, (labels, ports): Seen) -> ClassKey {
        let record = record_of(entry);
        ClassKey {
            namespace: entry.key.namespace.clone(),
            namespace_labels,
            labels,
            ports,
            host: record.host_network.then(|| record.node.clone()),
            atoms: record.addresses.iter().map(|address| self.relevant.atom(*address)).collect(),
        }
    }
}

impl ClassKey {
    /// What selectors can see of the labels.
    pub(super) fn labels(&self) -> &Labels {
        &self.labels
    }

    pub(super) fn namespace(&self) -> &SmolStr {
        &self.namespace
    }

    /// The ports with names that rules name.
    pub(super) fn ports(&self) -> &Arc<[ContainerPort]> {
        &self.ports
    }

    /// A class of this key with one pod, whose rows are not known yet.
    pub(super) fn class(&self, inventory: &Inventory, pod: PodId, counts_nodes: bool) -> Class {
        static UNKNOWN: LazyLock<Arc<Row>> = LazyLock::new(|| Arc::new(Row::unknown()));
        let mut class = Class {
            identity: Arc::default(),
            representative: Arc::clone(inventory.pods.at(pod).entry()),
            namespace_labels: self.namespace_labels.clone(),
            pods: SmallVec::from_slice(&[pod]),
            nodes: counts_nodes.then(Arc::default),
            rows: [Arc::clone(&UNKNOWN), Arc::clone(&UNKNOWN)],
        };
        class.count_nodes(inventory);
        class
    }
}

/// Sorts the pods of an inventory into classes: those of one namespace lie together, in the order of namespaces.
pub(super) fn group(snapshot: &Snapshot, inventory: &Inventory, relevant: &Relevant) -> (Vec<Class>, Vec<ClassKey>, Table<PodId, ClassId>) {
    let mut keys = Keys::new(snapshot, relevant);
    let mut classes: Vec<Class> = Vec::new();
    let mut ids: FxHashMap<ClassKey, usize> = FxHashMap::default();
    let mut all_keys = Vec::new();
    let mut class_of_pod = vec![ClassId(0); inventory.pods.bound()];
    // Who shares a node with whom is asked for pods on their node's network alone.
    let counts_nodes = inventory.pods.iter().any(|pod| pod.record().host_network);
    let mut namespace: Option<&SmolStr> = None;
    for (pod_id, pod) in inventory.pods.entries() {
        // Pods of two namespaces are never of one class.
        if namespace.replace(pod.namespace()) != Some(pod.namespace()) {
            ids.clear();
            keys.templates.clear();
        }
        let key = keys.of(pod);
        let index = *ids.entry(key).or_insert_with_key(|key| {
            classes.push(key.class(inventory, pod_id, false));
            all_keys.push(key.clone());
            classes.len() - 1
        });
        if let Some(class) = classes.get_mut(index).filter(|class| class.pods.first() != Some(&pod_id)) {
            class.pods.push(pod_id);
        }
        if let Some(of_pod) = class_of_pod.get_mut(pod_id.0 as usize) {
            *of_pod = crate::ids::Id::from_index(index);
        }
    }
    if counts_nodes {
        for class in &mut classes {
            class.nodes = Some(Arc::default());
            class.count_nodes(inventory);
        }
    }
    (classes, all_keys, class_of_pod.into_iter().collect())
}
