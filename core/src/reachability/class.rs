//! Classes: pods that no selector in force can tell apart.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::index::Index;
use crate::address::{Family, number};
use crate::assumptions::{Assumptions, HostNetworkPods};
use crate::ids::{Table, id};
use crate::inventory::{Inventory, PodId};
use crate::labels::{Labels, Selector};
use crate::object::Kind;
use crate::policy::{Direction, NamespaceScope, PeerKind, Plane, PodSelector};
use crate::record::ContainerPort;
use crate::snapshot::Snapshot;

id! {
    /// A class of a reachability.
    ClassId
}
id! {
    /// A row of a reachability.
    RowId
}

/// Pods that no selector in force can tell apart.
#[derive(Debug, Clone)]
pub struct Class {
    /// Their namespace.
    pub namespace: SmolStr,
    /// The labels of their namespace.
    pub namespace_labels: Arc<Labels>,
    /// The labels that some selector asks for.
    pub labels: Arc<Labels>,
    /// Their named ports.
    pub ports: Arc<[ContainerPort]>,
    /// Whether they share their node's network.
    pub host_network: bool,
    /// Their node, where they share its network.
    pub node: SmolStr,
    /// The addresses of one of them; those of the others lie in the same blocks.
    pub addresses: SmallVec<[IpAddr; 1]>,
    /// The pods, by namespace and name.
    pub pods: Vec<PodId>,
    nodes: FxHashMap<SmolStr, usize>,
    rows: [RowId; 2],
}

impl Class {
    /// Whether a selector selects them, by namespace and labels alone.
    pub(super) fn is_selected_by(&self, selector: &PodSelector) -> bool {
        let is_in = match &selector.namespaces {
            NamespaceScope::One(namespace) => *namespace == self.namespace,
            NamespaceScope::Matching(namespaces) => namespaces.matches(&self.namespace_labels),
        };
        is_in && selector.pods.matches(&self.labels)
    }

    pub(super) fn row(&self, direction: Direction) -> RowId {
        let [ingress, egress] = self.rows;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Whether they have addresses of both families.
    pub(super) fn has_both_families(&self) -> bool {
        self.addresses.iter().any(IpAddr::is_ipv4) && self.addresses.iter().any(IpAddr::is_ipv6)
    }

    /// Whether the addresses of both are known, and no family is among both.
    pub(super) fn has_no_family_of(&self, other: &Self) -> bool {
        let has = |class: &Self, is_it: fn(&IpAddr) -> bool| class.addresses.is_empty() || class.addresses.iter().any(is_it);
        !(has(self, IpAddr::is_ipv4) && has(other, IpAddr::is_ipv4) || has(self, IpAddr::is_ipv6) && has(other, IpAddr::is_ipv6))
    }

    /// The one family that they have in common with others; `None` where it is both, or where addresses are not known.
    pub(super) fn common_family(&self, other: &Self) -> Option<Family> {
        let have = |class: &Self, is_it: fn(&IpAddr) -> bool| class.addresses.is_empty() || class.addresses.iter().any(is_it);
        let both_have = |is_it: fn(&IpAddr) -> bool| have(self, is_it) && have(other, is_it);
        match (both_have(IpAddr::is_ipv4), both_have(IpAddr::is_ipv6)) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            _ => None,
        }
    }

    /// How many of them run on a node.
    pub(super) fn pods_on(&self, node: &str) -> usize {
        self.nodes.get(node).copied().unwrap_or(0)
    }
}

/// Where a policy stands: plane, tier and policy, as indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PolicyPlace {
    pub(crate) plane: u8,
    pub(crate) tier: u8,
    pub(crate) policy: u32,
}

impl PolicyPlace {
    fn new(plane: usize, tier: usize, policy: usize) -> Self {
        // A handful of planes and tiers, and fewer policies than memory holds of them.
        let small = |index: usize| u8::try_from(index).unwrap_or(u8::MAX);
        Self { plane: small(plane), tier: small(tier), policy: u32::try_from(policy).unwrap_or(u32::MAX) }
    }

    /// Whether it is in this tier of this plane.
    pub(crate) fn is_in(self, plane: usize, tier: usize) -> bool {
        usize::from(self.plane) == plane && usize::from(self.tier) == tier
    }
}

/// What decides a row: classes with equal keys share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RowKey {
    pub(super) direction: Direction,
    /// The policies that select the class and speak of the direction, in order.
    pub(super) policies: Vec<PolicyPlace>,
    /// The class' named ports, for ingress: rules by name resolve on them.
    pub(super) ports: Arc<[ContainerPort]>,
    /// The kinds of policies of which more may select the class, unseen.
    pub(super) unseen: SmallVec<[Kind; 2]>,
}

/// Classes before their rows are known.
pub(super) struct Grouping {
    pub(super) classes: Table<ClassId, Class>,
    pub(super) class_of_pod: Vec<ClassId>,
    namespace_labels: FxHashMap<SmolStr, Arc<Labels>>,
    unseen: crate::snapshot::Unseen,
}

/// Which parts of a pod can matter to the policies in force.
struct Relevant {
    keys: FxHashSet<SmolStr>,
    port_names: FxHashSet<SmolStr>,
    bounds: [Vec<u128>; 2],
}

impl Relevant {
    fn new(planes: &[Plane]) -> Self {
        let mut relevant = Self { keys: FxHashSet::default(), port_names: FxHashSet::default(), bounds: [Vec::new(), Vec::new()] };
        let add_keys =
            |keys: &mut FxHashSet<SmolStr>, selector: &Selector| keys.extend(selector.requirements.iter().map(|r| r.key.clone()));
        for policy in planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| &tier.policies) {
            add_keys(&mut relevant.keys, &policy.subject.pods);
            for rule in [&policy.ingress, &policy.egress].into_iter().flatten().flatten() {
                for peer in rule.peers.iter().flatten() {
                    if let PeerKind::Pods(selector) = &peer.kind {
                        add_keys(&mut relevant.keys, &selector.pods);
                    }
                    for block in peer.kind.blocks() {
                        let [v4, v6] = &mut relevant.bounds;
                        let bounds = if block.family == Family::V4 { v4 } else { v6 };
                        bounds.extend(block.addresses.spans().iter().flat_map(|(first, last)| [*first, last.saturating_add(1)]));
                    }
                }
                for port in rule.ports.iter().flatten() {
                    if let crate::policy::PortKind::Named(_, name) = &port.kind {
                        relevant.port_names.insert(name.clone());
                    }
                }
            }
        }
        for bounds in &mut relevant.bounds {
            bounds.sort_unstable();
            bounds.dedup();
        }
        relevant
    }

    /// The interval between block bounds that an address lies in.
    fn atom(&self, address: IpAddr) -> (Family, usize) {
        let [v4, v6] = &self.bounds;
        let family = Family::of(address);
        let bounds = if family == Family::V4 { v4 } else { v6 };
        (family, bounds.partition_point(|bound| *bound <= number(address)))
    }
}

#[derive(PartialEq, Eq, Hash)]
struct ClassKey {
    namespace: SmolStr,
    labels: Arc<Labels>,
    ports: Arc<[ContainerPort]>,
    host: Option<SmolStr>,
    atoms: SmallVec<[(Family, usize); 1]>,
}

pub(super) fn group(snapshot: &Snapshot, inventory: &Inventory, planes: &[Plane]) -> Grouping {
    let relevant = Relevant::new(planes);
    let mut grouping = Grouping {
        classes: Table::default(),
        class_of_pod: Vec::with_capacity(inventory.pods.len()),
        namespace_labels: FxHashMap::default(),
        unseen: snapshot.unseen.clone(),
    };
    // Policies may speak of namespaces that hold no pod; those do not matter here.
    let mut ids: FxHashMap<ClassKey, ClassId> = FxHashMap::default();
    let mut projected: FxHashMap<Arc<Labels>, Arc<Labels>> = FxHashMap::default();
    // Who shares a node with whom is asked for pods on their node's network alone.
    let has_host_pods = inventory.pods.iter().any(|pod| pod.record.host_network);
    for (pod_id, pod) in inventory.pods.entries() {
        let record = &pod.record;
        let labels = projected
            .entry(Arc::clone(&record.labels))
            .or_insert_with(|| Arc::new(record.labels.iter().filter(|(key, _)| relevant.keys.contains(*key)).collect()));
        let ports: Arc<[ContainerPort]> = {
            let mut ports: Vec<ContainerPort> = record
                .ports
                .iter()
                .filter(|port| relevant.port_names.contains(&port.name))
                .map(|port| ContainerPort { host_port: None, ..port.clone() })
                .collect();
            // The first of two ports of one name wins, so their order is kept.
            ports.dedup();
            ports.into()
        };
        let key = ClassKey {
            namespace: pod.namespace.clone(),
            labels: Arc::clone(labels),
            ports,
            host: record.host_network.then(|| record.node.clone()),
            atoms: record.addresses.iter().map(|address| relevant.atom(*address)).collect(),
        };
        let class = match ids.get(&key) {
            Some(class) => *class,
            None => {
                let class = grouping.classes.push(Class {
                    namespace: key.namespace.clone(),
                    namespace_labels: Arc::clone(
                        grouping
                            .namespace_labels
                            .entry(key.namespace.clone())
                            .or_insert_with(|| snapshot.labels_of_namespace(&key.namespace)),
                    ),
                    labels: Arc::clone(&key.labels),
                    ports: Arc::clone(&key.ports),
                    host_network: record.host_network,
                    node: key.host.clone().unwrap_or_default(),
                    addresses: record.addresses.clone(),
                    pods: Vec::new(),
                    nodes: FxHashMap::default(),
                    rows: [RowId(0), RowId(0)],
                });
                ids.insert(key, class);
                class
            }
        };
        let members = grouping.classes.at_mut(class);
        members.pods.push(pod_id);
        if has_host_pods && !record.node.is_empty() {
            *members.nodes.entry(record.node.clone()).or_insert(0) += 1;
        }
        grouping.class_of_pod.push(class);
    }
    grouping
}

/// Finds the rows of every class: which policies select it in each direction.
pub(super) fn with_rows(
    grouping: Grouping,
    index: &Index,
    planes: &[Plane],
    assumptions: &Assumptions,
) -> (Table<ClassId, Class>, Vec<ClassId>, Table<RowId, RowKey>) {
    let mut selected: Vec<[Vec<PolicyPlace>; 2]> = grouping.classes.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for (plane_index, plane) in planes.iter().enumerate() {
        for (tier_index, tier) in plane.tiers.iter().enumerate() {
            for (policy_index, policy) in tier.policies.iter().enumerate() {
                let place = PolicyPlace::new(plane_index, tier_index, policy_index);
                for class_id in index.candidates(&policy.subject).iter().copied() {
                    let class = grouping.classes.at(class_id);
                    // Both what `skips_host_network` says and what every value of the assumption but `ordinary` comes to.
                    let is_passed_over = class.host_network && assumptions.host_network_pods != HostNetworkPods::Ordinary;
                    if is_passed_over || !class.is_selected_by(&policy.subject) {
                        continue;
                    }
                    let Some([ingress, egress]) = selected.get_mut(class_id.0 as usize) else { continue };
                    if policy.ingress.is_some() {
                        ingress.push(place);
                    }
                    if policy.egress.is_some() {
                        egress.push(place);
                    }
                }
            }
        }
    }
    let mut row_keys = Table::default();
    let mut row_ids: FxHashMap<RowKey, RowId> = FxHashMap::default();
    let Grouping { mut classes, class_of_pod, unseen, .. } = grouping;
    let class_ids: Vec<ClassId> = classes.ids().collect();
    for (class_id, policies) in class_ids.into_iter().zip(selected) {
        let class = classes.at(class_id);
        let is_passed_over = class.host_network && assumptions.host_network_pods != HostNetworkPods::Ordinary;
        let kinds = planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| tier.kinds);
        let mut unseen_kinds: SmallVec<[Kind; 2]> =
            kinds.copied().filter(|kind| !is_passed_over && unseen.holds(*kind, &class.namespace)).collect();
        unseen_kinds.sort_unstable();
        unseen_kinds.dedup();
        let mut rows = [RowId(0), RowId(0)];
        for ((row, direction), policies) in rows.iter_mut().zip(Direction::ALL).zip(policies) {
            let ports = if direction == Direction::Ingress { Arc::clone(&class.ports) } else { Arc::from([]) };
            let key = RowKey { direction, policies, ports, unseen: unseen_kinds.clone() };
            *row = *row_ids.entry(key).or_insert_with_key(|key| row_keys.push(key.clone()));
        }
        classes.at_mut(class_id).rows = rows;
    }
    (classes, class_of_pod, row_keys)
}
