//! Which policies select which classes, and the rows that follow.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::iter::Peekable;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::class::{self, Class, ClassId, ClassKey};
use super::index::{self, Index};
use super::relevant::Relevant;
use super::row::{Placed, Row, RowKey};
use crate::assumptions::{Assumptions, HostNetworkPods};
use crate::ids::{Id, Table};
use crate::inventory::{Inventory, PodId};
use crate::object::Kind;
use crate::policy::{Direction, HostNetwork, Plane, Policy};
use crate::record::ContainerPort;
use crate::snapshot::{Snapshot, Unseen};

/// The policies that select a class: for ingress and for egress.
type Selecting = [Vec<Placed>; 2];

/// Whether policies for pods pass a class over: both what [`HostNetwork::LeftOut`] says and what every value of the assumption but
/// `ordinary` comes to.
fn is_passed_over(class: &Class, assumptions: &Assumptions) -> bool {
    class.host_network() && assumptions.host_network_pods != HostNetworkPods::Ordinary
}

/// Whether a policy is for a class.
pub(super) fn selects(policy: &Policy, class: &Class, assumptions: &Assumptions) -> bool {
    let is_for_nodes = matches!(policy.subject.host_network, HostNetwork::On(_));
    (is_for_nodes || !is_passed_over(class, assumptions)) && class.is_selected_by(&policy.subject)
}

/// The kinds of policies of which more may select a class, unseen.
pub(super) fn unseen_kinds(planes: &[Plane], unseen: &Unseen, class: &Class, assumptions: &Assumptions) -> SmallVec<[Kind; 2]> {
    if unseen.0.is_empty() || is_passed_over(class, assumptions) {
        return SmallVec::new();
    }
    let kinds = planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| tier.kinds).copied();
    let mut kinds: SmallVec<[Kind; 2]> = kinds.filter(|kind| unseen.holds(*kind, class.namespace())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Notes a policy for a class that it selects.
pub(super) fn note(selecting: &mut Selecting, placed: &Placed) {
    for (list, direction) in selecting.iter_mut().zip(Direction::ALL) {
        if placed.policy.rules(direction).is_some() {
            list.push(placed.clone());
        }
    }
}

/// Makes rows, one for classes that are answered alike.
#[derive(Default)]
pub(super) struct Rows(FxHashSet<ByKey>);

/// A row, told by its key.
struct ByKey(Arc<Row>);

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl Borrow<RowKey> for ByKey {
    fn borrow(&self) -> &RowKey {
        &self.0.key
    }
}

impl Rows {
    /// Room for the rows of so many classes, which mostly have one of their own.
    fn with_room_for(n_classes: usize) -> Self {
        Self(FxHashSet::with_capacity_and_hasher(2 * n_classes, FxBuildHasher))
    }

    /// The row of a key, in a reachability of so many classes.
    pub(super) fn of(&mut self, key: RowKey, n_classes: usize) -> Arc<Row> {
        if let Some(known) = self.0.get(&key) {
            return Arc::clone(&known.0);
        }
        let row = Arc::new(Row::new(key, n_classes));
        self.0.insert(ByKey(Arc::clone(&row)));
        row
    }
}

/// The key of a row.
pub(super) fn row_key(direction: Direction, policies: Box<[Placed]>, ports: &Arc<[ContainerPort]>, unseen: &SmallVec<[Kind; 2]>) -> RowKey {
    let ports = if direction == Direction::Ingress { Arc::clone(ports) } else { Arc::from([]) };
    RowKey { direction, policies, ports, unseen: unseen.clone() }
}

/// Sorts the pods of an inventory into classes, and finds the rows of each.
pub(super) fn classes(
    snapshot: &Snapshot,
    inventory: &Inventory,
    planes: &[Plane],
    relevant: &Relevant,
    assumptions: &Assumptions,
) -> (Table<ClassId, Class>, Index, Table<PodId, ClassId>) {
    let (mut classes, keys, class_of_pod) = class::group(snapshot, inventory, relevant);
    let index = Index::new(classes.iter(), &relevant.keys);
    let n_classes = classes.len();
    let mut compiled = of_compiled(planes, &classes, &index, assumptions);
    let mut walks: Vec<Walk<'_>> = walks(snapshot, planes).collect();
    let (mut rows, mut selecting) = (Rows::with_room_for(n_classes), Vec::new());
    let mut first = 0;
    // Classes of one namespace lie together, and so do the policies for it.
    while let Some(namespace) = keys.get(first).map(ClassKey::namespace) {
        let n_here = keys.iter().skip(first).take_while(|key| key.namespace() == namespace).count();
        let here = first..first + n_here;
        selecting.resize_with(selecting.len().max(n_here), Selecting::default);
        for walk in &mut walks {
            walk.in_namespace(namespace, |placed| {
                let mut try_class = |id: ClassId| {
                    if classes.get(id.index()).is_some_and(|class| selects(&placed.policy, class, assumptions))
                        && let Some(selecting) = selecting.get_mut(id.index() - first)
                    {
                        note(selecting, placed);
                    }
                };
                if n_here <= index::FEW {
                    here.clone().map(ClassId::from_index).for_each(try_class);
                } else {
                    index
                        .candidates(&placed.policy.subject, n_classes)
                        .iter()
                        .filter(|id| here.contains(&id.index()))
                        .for_each(&mut try_class);
                }
            });
        }
        for (number, selecting) in here.clone().zip(&mut selecting) {
            let (Some(class), Some(key)) = (classes.get_mut(number), keys.get(number)) else { continue };
            let unseen = unseen_kinds(planes, &snapshot.unseen, class, assumptions);
            let others = compiled.remove(&ClassId::from_index(number));
            for placed in others.into_iter().flatten() {
                note(selecting, &placed);
            }
            for (direction, policies) in Direction::ALL.into_iter().zip(selecting) {
                // They are in order but for those that were not compiled on arrival.
                if !policies.is_sorted_by(|a, b| a.order() <= b.order()) {
                    policies.sort_by(|a, b| a.order().cmp(&b.order()));
                }
                let policies: Box<[Placed]> = policies.drain(..).collect();
                class.set_row(direction, rows.of(row_key(direction, policies, key.ports(), &unseen), n_classes));
            }
        }
        first += n_here;
    }
    (classes.into_iter().collect(), index, class_of_pod)
}

/// The policies that are not found in the snapshot, by the classes that they select, each tier in its order.
fn of_compiled(planes: &[Plane], classes: &[Class], index: &Index, assumptions: &Assumptions) -> FxHashMap<ClassId, Vec<Placed>> {
    let mut selecting: FxHashMap<ClassId, Vec<Placed>> = FxHashMap::default();
    for (plane_index, plane) in planes.iter().enumerate() {
        for (tier_index, tier) in plane.tiers.iter().enumerate() {
            for policy in &tier.compiled {
                let placed = Placed::new(plane_index, tier_index, Arc::clone(policy));
                for id in index.candidates(&policy.subject, classes.len()).iter() {
                    if classes.get(id.index()).is_some_and(|class| selects(policy, class, assumptions)) {
                        selecting.entry(id).or_default().push(placed.clone());
                    }
                }
            }
        }
    }
    selecting
}

/// Policies, by namespace.
type ByNamespace<'a> = Box<dyn Iterator<Item = (&'a SmolStr, &'a Arc<Policy>)> + 'a>;

/// A walk through the policies of one kind, namespace by namespace.
struct Walk<'a> {
    plane: usize,
    tier: usize,
    policies: Peekable<ByNamespace<'a>>,
}

fn walks<'a>(snapshot: &'a Snapshot, planes: &'a [Plane]) -> impl Iterator<Item = Walk<'a>> {
    let tiers =
        planes.iter().enumerate().flat_map(|(plane, tiers)| tiers.tiers.iter().enumerate().map(move |(tier, own)| (plane, tier, own)));
    tiers.flat_map(move |(plane, tier, own)| {
        own.on_arrival.iter().map(move |kind| {
            let records = snapshot.records(*kind);
            let policies = records.filter_map(|(key, record)| Some((&key.namespace, record.policy()?)));
            let policies: ByNamespace<'a> = Box::new(policies);
            Walk { plane, tier, policies: policies.peekable() }
        })
    })
}

impl Walk<'_> {
    /// Shows the policies of a namespace. Namespaces must be asked for in order.
    fn in_namespace(&mut self, namespace: &SmolStr, mut see: impl FnMut(&Placed)) {
        while self.policies.next_if(|(own, _)| *own < namespace).is_some() {}
        while let Some((_, policy)) = self.policies.next_if(|(own, _)| *own == namespace) {
            see(&Placed::new(self.plane, self.tier, Arc::clone(policy)));
        }
    }
}
