//! What may go from everything that one node stands for to everything that another does: exact, over all pairs of their pods.
//!
//! Most pairs are alike: a class that no rule of the other names is treated like all others. So a node is summed up once, by what its classes
//! let through to and from others, and only pairs that rules name are looked at one by one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use portolan_core::analysis::Analysis;
use portolan_core::inventory::{PodId, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::{ClassId, OutcomeId, Overview};

use super::folding::Folding;
use crate::map::model::{Extent, Id};

/// What may go between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    /// Ports that are allowed, or may be, for some pair of pods.
    pub ports: PortSet,
    /// Whether some port is allowed for certain for some pair of pods.
    pub is_certain: bool,
    /// Whether every pair of pods has all of the ports.
    pub extent: Extent,
    /// How many pairs of workloads may connect.
    pub n: usize,
}

/// The pods that a node stands for.
#[derive(Debug, Default)]
pub struct Holding {
    /// Its namespace; empty where it stands for several.
    pub namespace: String,
    parts: Parts,
    /// The workloads that have pods of several classes, with these.
    mixed: BTreeMap<WorkloadId, Vec<ClassId>>,
}

/// A class in a node: the pods of it that the node stands for, and their workloads.
#[derive(Debug, Default)]
struct Part {
    pods: Vec<PodId>,
    workloads: BTreeSet<WorkloadId>,
    /// Those of the workloads that have pods of this class only, in this node.
    singles: BTreeSet<WorkloadId>,
}

type Parts = BTreeMap<ClassId, Part>;

/// The classes of a node that are treated alike by all that do not name them.
#[derive(Debug)]
struct Bucket {
    others: OutcomeId,
    n_pods: usize,
    n_single: usize,
}

/// A node, summed up for one direction.
#[derive(Debug, Default)]
struct Profile {
    buckets: Vec<Bucket>,
    /// The bucket of each regular class.
    bucket_of: HashMap<ClassId, usize>,
    /// The classes that have to be looked at one by one.
    irregular: Vec<ClassId>,
}

/// The pods of each node, summed up as far as it was asked for.
pub struct Holdings<'a> {
    analysis: &'a Analysis,
    /// The ports that are looked at, where not all are.
    ports: Option<&'a PortSet>,
    /// By node.
    pub of_nodes: BTreeMap<Id, Holding>,
    overview: RefCell<Overview<'a>>,
    profiles: RefCell<HashMap<(Id, Direction), Rc<Profile>>>,
    /// Who names a class, for each direction of [`Direction::ALL`].
    named_by: [HashMap<ClassId, Vec<ClassId>>; 2],
}

/// How many pairs of pods have each outcome.
#[derive(Default)]
struct Sum {
    shares: Vec<(OutcomeId, usize)>,
}

impl Sum {
    fn see(&mut self, outcome: OutcomeId, n: usize) {
        match self.shares.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, share)) => *share += n,
            None => self.shares.push((outcome, n)),
        }
    }
}

impl<'a> Holdings<'a> {
    /// The pods of an analysis, as a folding has them; what may go between them on these ports only, where they are given.
    pub fn new(analysis: &'a Analysis, folding: &Folding, ports: Option<&'a PortSet>) -> Self {
        let mut of_nodes: BTreeMap<Id, Holding> = BTreeMap::new();
        let mut classes: BTreeSet<ClassId> = BTreeSet::new();
        for (id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
            for (node, pods) in folding.nodes_of(analysis, workload) {
                let is_of_several = node == "more/namespaces";
                let holding = of_nodes.entry(node).or_default();
                if !is_of_several && holding.namespace.is_empty() {
                    holding.namespace = workload.namespace.to_string();
                }
                for pod in pods {
                    let class = analysis.reachability().class_of(pod);
                    let part = holding.parts.entry(class).or_default();
                    part.pods.push(pod);
                    part.workloads.insert(id);
                    classes.insert(class);
                }
            }
        }
        for holding in of_nodes.values_mut() {
            holding.sort_workloads();
        }
        let mut overview = analysis.reachability().overview();
        let mut named_by = [HashMap::new(), HashMap::new()];
        for class in classes {
            for (direction, named_by) in Direction::ALL.into_iter().zip(&mut named_by) {
                for other in overview.apart(class, direction).iter().flat_map(|apart| apart.iter()) {
                    named_by.entry(*other).or_insert_with(Vec::new).push(class);
                }
            }
        }
        Self { analysis, ports, of_nodes, overview: RefCell::new(overview), profiles: RefCell::default(), named_by }
    }

    /// Of some ports those that are looked at.
    fn seen<'p>(&self, ports: &'p PortSet) -> Cow<'p, PortSet> {
        self.ports.map_or(Cow::Borrowed(ports), |seen| Cow::Owned(ports.intersection(seen)))
    }

    /// Whether nothing is let through on the ports that are looked at.
    fn is_closed(&self, overview: &Overview<'_>, outcome: OutcomeId) -> bool {
        self.seen(&overview.outcome(outcome).possible).is_empty()
    }

    fn profile(&self, node: &str, direction: Direction) -> Rc<Profile> {
        let key = (node.to_owned(), direction);
        if let Some(profile) = self.profiles.borrow().get(&key) {
            return Rc::clone(profile);
        }
        let mut overview = self.overview.borrow_mut();
        let mut profile = Profile::default();
        for (class, part) in self.of_nodes.get(node).into_iter().flat_map(|holding| &holding.parts) {
            if !overview.is_regular(*class, direction) {
                profile.irregular.push(*class);
                continue;
            }
            let others = overview.others(*class, direction);
            let place = profile.buckets.iter().position(|bucket| bucket.others == others).unwrap_or(profile.buckets.len());
            if place == profile.buckets.len() {
                profile.buckets.push(Bucket { others, n_pods: 0, n_single: 0 });
            }
            if let Some(bucket) = profile.buckets.get_mut(place) {
                bucket.n_pods += part.pods.len();
                bucket.n_single += part.singles.len();
            }
            profile.bucket_of.insert(*class, place);
        }
        let profile = Rc::new(profile);
        self.profiles.borrow_mut().insert(key, Rc::clone(&profile));
        profile
    }

    /// Whether there may be connections that no rule names: something out of one node that is let into another by default.
    pub fn has_unnamed(&self) -> bool {
        let lets = |direction| {
            let is_open = |node: &Id| {
                let profile = self.profile(node, direction);
                let overview = self.overview.borrow();
                !profile.irregular.is_empty() || profile.buckets.iter().any(|bucket| !overview.outcome(bucket.others).is_none())
            };
            self.of_nodes.keys().filter(|node| is_open(node)).take(2).collect::<BTreeSet<_>>()
        };
        let (out, into) = (lets(Direction::Egress), lets(Direction::Ingress));
        out.iter().any(|from| into.iter().any(|to| from != to))
    }

    /// What may go from one node to another; `None` where that is nothing.
    pub fn between(&self, from: &str, to: &str) -> Option<Union> {
        let (out, into) = (self.profile(from, Direction::Egress), self.profile(to, Direction::Ingress));
        let (from, to) = (self.of_nodes.get(from)?, self.of_nodes.get(to)?);
        let named = self.named_between(&from.parts, &to.parts, &out, &into);
        let mut overview = self.overview.borrow_mut();
        let mut sum = Sum::default();
        let mut n = 0;
        // What is not named is treated alike, bucket by bucket.
        let cells = |a: &Bucket| into.buckets.iter().map(|b| (a.n_pods * b.n_pods, a.n_single * b.n_single)).collect::<Vec<_>>();
        let mut left: Vec<Vec<(usize, usize)>> = out.buckets.iter().map(cells).collect();
        for (source, target) in named {
            let (Some(a), Some(b)) = (from.parts.get(&source), to.parts.get(&target)) else { continue };
            let (n_pods, n_single) = (a.pods.len() * b.pods.len(), a.singles.len() * b.singles.len());
            if let (Some(row), Some(column)) = (out.bucket_of.get(&source), into.bucket_of.get(&target))
                && let Some(cell) = left.get_mut(*row).and_then(|row| row.get_mut(*column))
            {
                *cell = (cell.0 - n_pods, cell.1 - n_single);
            }
            if self.is_on_node(a) {
                n += self.see_pods(a, b, &mut overview, &mut sum);
                continue;
            }
            let outcome = overview.pair(source, target);
            sum.see(outcome, n_pods);
            n += if self.is_closed(&overview, outcome) { 0 } else { n_single };
        }
        for (a, row) in out.buckets.iter().zip(&left) {
            for (b, (n_pods, n_single)) in into.buckets.iter().zip(row).filter(|(_, (n_pods, _))| *n_pods > 0) {
                let outcome = overview.of_others(a.others, b.others);
                sum.see(outcome, *n_pods);
                n += if self.is_closed(&overview, outcome) { 0 } else { *n_single };
            }
        }
        let mut union = Union { ports: PortSet::none(), is_certain: false, extent: Extent::All, n };
        for (outcome, _) in &sum.shares {
            let outcome = overview.outcome(*outcome);
            union.ports = union.ports.union(&self.seen(&outcome.possible));
            union.is_certain |= !self.seen(&outcome.certain).is_empty();
        }
        if union.ports.is_empty() {
            return None;
        }
        if sum.shares.iter().any(|(outcome, _)| *self.seen(&overview.outcome(*outcome).possible) != union.ports) {
            union.extent = Extent::Some;
        }
        union.n += self.count_mixed(from, to, &mut overview);
        Some(union)
    }

    /// Whether the pods of a class share their node's network: what comes from its own node a pod may let in whatever policies say.
    fn is_on_node(&self, part: &Part) -> bool {
        part.pods.first().is_some_and(|pod| self.analysis.inventory().pods.at(*pod).record().host_network)
    }

    /// Looks at two classes pod by pod, and returns how many pairs of workloads connect, of those that have pods of one class only.
    fn see_pods(&self, a: &Part, b: &Part, overview: &mut Overview<'_>, sum: &mut Sum) -> usize {
        let inventory = self.analysis.inventory();
        let mut pairs: BTreeSet<(WorkloadId, WorkloadId)> = BTreeSet::new();
        for (from, to) in a.pods.iter().flat_map(|from| b.pods.iter().map(move |to| (*from, *to))) {
            let outcome = overview.of_pods(inventory, from, to);
            sum.see(outcome, 1);
            if !self.is_closed(overview, outcome) {
                pairs.insert((inventory.pods.at(from).workload, inventory.pods.at(to).workload));
            }
        }
        pairs.iter().filter(|(from, to)| a.singles.contains(from) && b.singles.contains(to)).count()
    }

    /// How many pairs of workloads connect of which one has pods of several classes.
    fn count_mixed(&self, from: &Holding, to: &Holding, overview: &mut Overview<'_>) -> usize {
        let mut pairs: BTreeSet<(WorkloadId, WorkloadId)> = BTreeSet::new();
        for (workload, classes) in &from.mixed {
            for (a, b) in classes.iter().flat_map(|a| to.parts.keys().map(move |b| (*a, *b))) {
                pairs.extend(self.connected((from, a), (to, b), overview).into_iter().filter(|(source, _)| source == workload));
            }
        }
        for (workload, classes) in &to.mixed {
            for (a, b) in classes.iter().flat_map(|b| from.parts.keys().map(move |a| (*a, *b))) {
                pairs.extend(self.connected((from, a), (to, b), overview).into_iter().filter(|(_, target)| target == workload));
            }
        }
        pairs.len()
    }

    /// The pairs of workloads of two classes that connect.
    fn connected(
        &self,
        (from, a): (&Holding, ClassId),
        (to, b): (&Holding, ClassId),
        overview: &mut Overview<'_>,
    ) -> Vec<(WorkloadId, WorkloadId)> {
        let (Some(source), Some(target)) = (from.parts.get(&a), to.parts.get(&b)) else { return Vec::new() };
        let inventory = self.analysis.inventory();
        if self.is_on_node(source) {
            let owner = |pod: PodId| inventory.pods.at(pod).workload;
            let pods = source.pods.iter().flat_map(|from| target.pods.iter().map(move |to| (*from, *to)));
            let mut connects = |from: PodId, to: PodId| {
                let outcome = overview.of_pods(inventory, from, to);
                !self.is_closed(overview, outcome)
            };
            return pods.filter(|(from, to)| connects(*from, *to)).map(|(from, to)| (owner(from), owner(to))).collect();
        }
        let outcome = overview.pair(a, b);
        if self.is_closed(overview, outcome) {
            return Vec::new();
        }
        source.workloads.iter().flat_map(|from| target.workloads.iter().map(move |to| (*from, *to))).collect()
    }

    /// The pairs of classes of two nodes of which one names the other, or which have to be looked at one by one.
    fn named_between(&self, sources: &Parts, targets: &Parts, out: &Profile, into: &Profile) -> Vec<(ClassId, ClassId)> {
        let mut pairs = Vec::new();
        for source in &out.irregular {
            pairs.extend(targets.keys().map(|target| (*source, *target)));
        }
        for target in &into.irregular {
            pairs.extend(sources.keys().map(|source| (*source, *target)));
        }
        // From the side that has fewer classes: whom they name, and who names them.
        let is_forward = sources.len() <= targets.len();
        let (own, others) = if is_forward { (sources, targets) } else { (targets, sources) };
        let toward = if is_forward { Direction::Egress } else { Direction::Ingress };
        let mut overview = self.overview.borrow_mut();
        for class in own.keys() {
            let mut note = |other: ClassId| {
                if others.contains_key(&other) {
                    pairs.push(if is_forward { (*class, other) } else { (other, *class) });
                }
            };
            overview.apart(*class, toward).iter().flat_map(|apart| apart.iter()).for_each(|other| note(*other));
            for (direction, named_by) in Direction::ALL.into_iter().zip(&self.named_by) {
                if direction != toward {
                    named_by.get(class).into_iter().flatten().for_each(|other| note(*other));
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

impl Holding {
    /// Tells workloads with pods of one class from those with pods of several.
    fn sort_workloads(&mut self) {
        let mut classes: BTreeMap<WorkloadId, Vec<ClassId>> = BTreeMap::new();
        for (class, part) in &self.parts {
            for workload in &part.workloads {
                classes.entry(*workload).or_default().push(*class);
            }
        }
        for part in self.parts.values_mut() {
            part.singles = part.workloads.iter().filter(|id| classes.get(id).is_some_and(|classes| classes.len() == 1)).copied().collect();
        }
        classes.retain(|_, classes| classes.len() > 1);
        self.mixed = classes;
    }
}
