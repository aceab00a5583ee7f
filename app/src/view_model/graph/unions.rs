//! What may go from everything that one node stands for to everything that another does: exact, over all pairs of their pods.
//!
//! Most pairs are alike: a class that no rule of the other names is treated like all others. So a node is summed up once, by what its classes
//! let through to and from others, and only pairs that rules tell apart are looked at one by one, in one go for all nodes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::Analysis;
use portolan_core::inventory::{PodId, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::{ClassId, OutcomeId, Overview, Pair};
use rustc_hash::FxHashMap;

use super::folding::Folding;
use crate::map::model::{Extent, Id};
use crate::view_model::told::Told;

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
#[derive(Debug)]
pub struct Holding {
    /// The node.
    pub id: Id,
    /// Its namespace; empty where it stands for several.
    pub namespace: String,
    /// Its classes, sorted.
    parts: Vec<Part>,
    /// The workloads that have pods of several classes, with these.
    mixed: BTreeMap<WorkloadId, Vec<ClassId>>,
}

/// A class in a node: the pods of it that the node stands for, and their workloads.
#[derive(Debug)]
struct Part {
    class: ClassId,
    pods: Vec<PodId>,
    workloads: Vec<WorkloadId>,
    /// Those of the workloads that have pods of this class only, in this node.
    singles: Vec<WorkloadId>,
}

/// The classes of a node that are treated alike by all that do not tell them apart.
#[derive(Debug)]
struct Bucket<K> {
    /// How they treat others, or how others are treated by them.
    key: K,
    n_pods: usize,
    n_single: usize,
}

/// A node, summed up for one direction.
#[derive(Debug)]
struct Profile<K> {
    buckets: Vec<Bucket<K>>,
    /// The bucket of each part; none for a class that has to be looked at pair by pair.
    bucket_of: Vec<Option<usize>>,
}

/// What classes let out to others, by the group of ports that these have.
type Out = Profile<Vec<OutcomeId>>;

/// What classes let in from others, and the group of ports that they have themselves.
type Into = Profile<(OutcomeId, usize)>;

impl<K: Eq + std::hash::Hash + Clone> Profile<K> {
    fn new(parts: &[Part], mut key: impl FnMut(ClassId) -> Option<K>) -> Self {
        let mut places: FxHashMap<K, usize> = FxHashMap::default();
        let mut profile = Self { buckets: Vec::new(), bucket_of: Vec::with_capacity(parts.len()) };
        for part in parts {
            let Some(key) = key(part.class) else {
                profile.bucket_of.push(None);
                continue;
            };
            let place = *places.entry(key.clone()).or_insert(profile.buckets.len());
            if place == profile.buckets.len() {
                profile.buckets.push(Bucket { key, n_pods: 0, n_single: 0 });
            }
            if let Some(bucket) = profile.buckets.get_mut(place) {
                bucket.n_pods += part.pods.len();
                bucket.n_single += part.singles.len();
            }
            profile.bucket_of.push(Some(place));
        }
        profile
    }
}

/// The pods of each node, and what may go between them.
pub struct Holdings<'a> {
    analysis: &'a Analysis,
    told: &'a Told,
    /// The ports that are looked at, where not all are.
    ports: Option<&'a PortSet>,
    /// The nodes, by id.
    pub nodes: Vec<Holding>,
    /// The nodes that a class is in, each with its place among the parts there.
    places: FxHashMap<ClassId, Vec<(usize, usize)>>,
    out: Vec<Out>,
    into: Vec<Into>,
}

/// What is summed up for two nodes: how many pairs of pods have each outcome, and how many pairs of workloads connect.
#[derive(Default)]
struct Sum {
    shares: Vec<(OutcomeId, usize)>,
    n: usize,
    /// How many pairs of pods, and of workloads, are left of each two buckets, of those that nobody tells apart.
    left: Vec<(usize, usize)>,
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
    pub fn new(analysis: &'a Analysis, told: &'a Told, folding: &Folding, ports: Option<&'a PortSet>) -> Self {
        let mut of_nodes: BTreeMap<Id, (String, FxHashMap<ClassId, Part>)> = BTreeMap::new();
        for (id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
            for (node, pods) in folding.nodes_of(analysis, workload) {
                let is_of_several = node == "more/namespaces";
                let (namespace, parts) = of_nodes.entry(node).or_default();
                if !is_of_several && namespace.is_empty() {
                    *namespace = workload.namespace.to_string();
                }
                for pod in pods {
                    let class = analysis.reachability().class_of(pod);
                    let new = || Part { class, pods: Vec::new(), workloads: Vec::new(), singles: Vec::new() };
                    let part = parts.entry(class).or_insert_with(new);
                    part.pods.push(pod);
                    if part.workloads.last() != Some(&id) {
                        part.workloads.push(id);
                    }
                }
            }
        }
        let nodes: Vec<Holding> = of_nodes.into_iter().map(|(id, (namespace, parts))| Holding::new(id, namespace, parts)).collect();
        let mut places: FxHashMap<ClassId, Vec<(usize, usize)>> = FxHashMap::default();
        for (node, holding) in nodes.iter().enumerate() {
            for (at, part) in holding.parts.iter().enumerate() {
                places.entry(part.class).or_default().push((node, at));
            }
        }
        let mut overview = told.overview();
        let n_groups = overview.n_port_groups();
        let mut lets_out = |class| {
            let is_regular = overview.is_regular(class, Direction::Egress);
            is_regular.then(|| (0..n_groups).map(|group| overview.others(class, Direction::Egress, group)).collect())
        };
        let out = nodes.iter().map(|holding| Profile::new(&holding.parts, &mut lets_out)).collect();
        let mut lets_in = |class| {
            let is_regular = overview.is_regular(class, Direction::Ingress);
            is_regular.then(|| (overview.others(class, Direction::Ingress, 0), overview.port_group(class)))
        };
        let into = nodes.iter().map(|holding| Profile::new(&holding.parts, &mut lets_in)).collect();
        drop(overview);
        Self { analysis, told, ports, nodes, places, out, into }
    }

    /// The place of a node.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.nodes.binary_search_by(|holding| holding.id.as_str().cmp(id)).ok()
    }

    /// Of some ports those that are looked at.
    fn seen<'p>(&self, ports: &'p PortSet) -> Cow<'p, PortSet> {
        self.ports.map_or(Cow::Borrowed(ports), |seen| Cow::Owned(ports.intersection(seen)))
    }

    /// Whether nothing is let through on the ports that are looked at.
    fn is_closed(&self, overview: &Overview, outcome: OutcomeId) -> bool {
        self.seen(&overview.outcome(outcome).possible).is_empty()
    }

    /// Whether there may be connections that no rule names: something out of one node that is let into another by default.
    pub fn has_unnamed(&self) -> bool {
        let overview = self.told.overview();
        let is_open = |outcome: &OutcomeId| !overview.outcome(*outcome).is_none();
        let lets_out =
            |profile: &Out| profile.bucket_of.contains(&None) || profile.buckets.iter().any(|bucket| bucket.key.iter().any(is_open));
        let lets_in = |profile: &Into| profile.bucket_of.contains(&None) || profile.buckets.iter().any(|bucket| is_open(&bucket.key.0));
        let out: Vec<usize> = (0..self.nodes.len()).filter(|node| self.out.get(*node).is_some_and(lets_out)).take(2).collect();
        let into: Vec<usize> = (0..self.nodes.len()).filter(|node| self.into.get(*node).is_some_and(lets_in)).take(2).collect();
        out.iter().any(|from| into.iter().any(|to| from != to))
    }

    /// What may go from one node to another, for the pairs of nodes that are asked for; left out where that is nothing.
    pub fn between(&self, wanted: &[(usize, usize)]) -> Vec<((usize, usize), Union)> {
        let mut overview = self.told.overview();
        let places: FxHashMap<(usize, usize), usize> = wanted.iter().enumerate().map(|(at, pair)| (*pair, at)).collect();
        let mut sums: Vec<Sum> = wanted.iter().map(|(from, to)| self.alike(*from, *to)).collect();
        for pair in self.told.pairs() {
            for (from, a) in self.places.get(&pair.from).into_iter().flatten() {
                for (to, b) in self.places.get(&pair.to).into_iter().flatten() {
                    let Some(sum) = places.get(&(*from, *to)).and_then(|at| sums.get_mut(*at)) else { continue };
                    self.tell_apart(sum, (*from, *a), (*to, *b), &pair, &mut overview);
                }
            }
        }
        let mut unions = Vec::new();
        for ((from, to), mut sum) in wanted.iter().zip(sums) {
            self.see_alike(*from, *to, &mut sum, &mut overview);
            self.see_irregular(*from, *to, &mut sum, &mut overview);
            unions.extend(self.union(*from, *to, &sum, &mut overview).map(|union| ((*from, *to), union)));
        }
        unions
    }

    fn union(&self, from: usize, to: usize, sum: &Sum, overview: &mut Overview) -> Option<Union> {
        let mut union = Union { ports: PortSet::none(), is_certain: false, extent: Extent::All, n: sum.n };
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
        union.n += self.count_mixed(self.nodes.get(from)?, self.nodes.get(to)?, overview);
        Some(union)
    }

    /// A sum in which nothing is told apart yet.
    fn alike(&self, from: usize, to: usize) -> Sum {
        let (Some(out), Some(into)) = (self.out.get(from), self.into.get(to)) else { return Sum::default() };
        let row = |a: &Bucket<Vec<OutcomeId>>| {
            let (n_pods, n_single) = (a.n_pods, a.n_single);
            into.buckets.iter().map(move |b| (n_pods * b.n_pods, n_single * b.n_single))
        };
        Sum { left: out.buckets.iter().flat_map(row).collect(), ..Sum::default() }
    }

    /// Takes two classes out of what is alike, and looks at them by themselves.
    fn tell_apart(&self, sum: &mut Sum, (from, a): (usize, usize), (to, b): (usize, usize), pair: &Pair, overview: &mut Overview) {
        let bucket_of = |profile: &[Option<usize>], at: usize| profile.get(at).copied().flatten();
        let (Some(out), Some(into)) = (self.out.get(from), self.into.get(to)) else { return };
        // Where one of them is looked at pair by pair, so is this pair.
        let (Some(row), Some(column)) = (bucket_of(&out.bucket_of, a), bucket_of(&into.bucket_of, b)) else { return };
        let (Some(a), Some(b)) = (self.part(from, a), self.part(to, b)) else { return };
        let (n_pods, n_single) = (a.pods.len() * b.pods.len(), a.singles.len() * b.singles.len());
        if let Some(cell) = sum.left.get_mut(row * into.buckets.len() + column) {
            *cell = (cell.0 - n_pods, cell.1 - n_single);
        }
        if pair.is_on_node {
            sum.n += self.see_pods(a, b, overview, sum);
            return;
        }
        sum.see(pair.outcome, n_pods);
        sum.n += if n_single == 0 || self.is_closed(overview, pair.outcome) { 0 } else { n_single };
    }

    fn part(&self, node: usize, at: usize) -> Option<&Part> {
        self.nodes.get(node)?.parts.get(at)
    }

    /// What is not told apart is treated alike, bucket by bucket.
    fn see_alike(&self, from: usize, to: usize, sum: &mut Sum, overview: &mut Overview) {
        let (Some(out), Some(into)) = (self.out.get(from), self.into.get(to)) else { return };
        let cells = out.buckets.iter().flat_map(|a| into.buckets.iter().map(move |b| (a, b)));
        for ((a, b), (n_pods, n_single)) in cells.zip(std::mem::take(&mut sum.left)).filter(|(_, (n_pods, _))| *n_pods > 0) {
            let (lets_in, group) = b.key;
            let Some(lets_out) = a.key.get(group) else { continue };
            let outcome = overview.of_others(*lets_out, lets_in);
            sum.see(outcome, n_pods);
            sum.n += if self.is_closed(overview, outcome) { 0 } else { n_single };
        }
    }

    /// What has to be looked at pair by pair.
    fn see_irregular(&self, from: usize, to: usize, sum: &mut Sum, overview: &mut Overview) {
        let (Some(out), Some(into)) = (self.out.get(from), self.into.get(to)) else { return };
        let (Some(sources), Some(targets)) = (self.nodes.get(from), self.nodes.get(to)) else { return };
        if !out.bucket_of.contains(&None) && !into.bucket_of.contains(&None) {
            return;
        }
        for (a, row) in sources.parts.iter().zip(&out.bucket_of) {
            for (b, column) in targets.parts.iter().zip(&into.bucket_of) {
                if row.is_some() && column.is_some() {
                    continue;
                }
                if self.is_on_node(a) {
                    sum.n += self.see_pods(a, b, overview, sum);
                    continue;
                }
                let outcome = overview.pair(a.class, b.class);
                sum.see(outcome, a.pods.len() * b.pods.len());
                sum.n += if self.is_closed(overview, outcome) { 0 } else { a.singles.len() * b.singles.len() };
            }
        }
    }

    /// Whether the pods of a class share their node's network: what comes from its own node a pod may let in whatever policies say.
    fn is_on_node(&self, part: &Part) -> bool {
        part.pods.first().is_some_and(|pod| self.analysis.inventory().pods.at(*pod).record().host_network)
    }

    /// Looks at two classes pod by pod, and returns how many pairs of workloads connect, of those that have pods of one class only.
    fn see_pods(&self, a: &Part, b: &Part, overview: &mut Overview, sum: &mut Sum) -> usize {
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
    fn count_mixed(&self, from: &Holding, to: &Holding, overview: &mut Overview) -> usize {
        let mut pairs: BTreeSet<(WorkloadId, WorkloadId)> = BTreeSet::new();
        for (workload, classes) in &from.mixed {
            for (a, b) in classes.iter().flat_map(|a| to.parts.iter().map(move |b| (*a, b.class))) {
                pairs.extend(self.connected((from, a), (to, b), overview).into_iter().filter(|(source, _)| source == workload));
            }
        }
        for (workload, classes) in &to.mixed {
            for (a, b) in classes.iter().flat_map(|b| from.parts.iter().map(move |a| (a.class, *b))) {
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
        overview: &mut Overview,
    ) -> Vec<(WorkloadId, WorkloadId)> {
        let (Some(source), Some(target)) = (from.part(a), to.part(b)) else { return Vec::new() };
        let inventory = self.analysis.inventory();
        if overview.is_on_node(a, b) {
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
}

impl Holding {
    fn new(id: Id, namespace: String, parts: FxHashMap<ClassId, Part>) -> Self {
        let mut parts: Vec<Part> = parts.into_values().collect();
        parts.sort_unstable_by_key(|part| part.class);
        // Workloads with pods of one class are told from those with pods of several.
        let mut classes: BTreeMap<WorkloadId, Vec<ClassId>> = BTreeMap::new();
        for part in &parts {
            for workload in &part.workloads {
                classes.entry(*workload).or_default().push(part.class);
            }
        }
        for part in &mut parts {
            let is_single = |id: &&WorkloadId| classes.get(id).is_some_and(|classes| classes.len() == 1);
            part.singles = part.workloads.iter().filter(is_single).copied().collect();
        }
        classes.retain(|_, classes| classes.len() > 1);
        Self { id, namespace, parts, mixed: classes }
    }

    fn part(&self, class: ClassId) -> Option<&Part> {
        let place = self.parts.binary_search_by_key(&class, |part| part.class).ok()?;
        self.parts.get(place)
    }
}
