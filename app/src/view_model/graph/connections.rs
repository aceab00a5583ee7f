//! Connections between workloads on the map, and what the sketch gains and loses of them.

use std::collections::BTreeSet;

use portolan_core::analysis::{Analysis, ChangedConnection, Difference};
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::peer::Peer;
use portolan_core::ports::PortSet;
use portolan_core::reachability::ClassId;
use rustc_hash::{FxHashMap, FxHashSet};

use super::folding::{self, analyses};
use super::unions::Holdings;
use super::{Builder, EdgeKey, EdgeValue, Scene};
use crate::map::model::{Extent, Id, Lane, Tone};
use crate::view_model::ids;
use crate::view_model::told::Told;

/// Labels by which well-known cluster services that everything talks to are told.
const NOISY: &[(&str, &str)] = &[
    ("k8s-app", "kube-dns"),
    ("k8s-app", "coredns"),
    ("app.kubernetes.io/name", "coredns"),
    ("app.kubernetes.io/name", "prometheus"),
    ("app.kubernetes.io/name", "kube-dns"),
    ("app", "prometheus"),
];

/// Whether nearly everything talks to a workload: DNS, monitoring.
pub fn is_noisy(analysis: &Analysis, workload: &Workload) -> bool {
    let Some(pod) = workload.pods.first() else { return false };
    let labels = &analysis.inventory().pods.at(*pod).record().labels;
    NOISY.iter().any(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a workload is put aside, as noisy or by hand.
pub fn is_aside(scene: &Scene<'_>, analysis: &Analysis, workload: &Workload) -> bool {
    let id = ids::workload(workload);
    scene.aside.contains(&id) || (!scene.show.noisy_peers && !scene.brought_back.contains(&id) && is_noisy(analysis, workload))
}

/// The pods that are selected: one, or a workload's.
pub fn focus(scene: &Scene<'_>) -> Vec<PodId> {
    let inventory = scene.edited.inventory();
    match scene.selected.and_then(|id| ids::subject(scene.edited, id)) {
        Some(ids::Subject::Workload(id)) => inventory.workloads.at(id).pods.to_vec(),
        Some(ids::Subject::Pod(pod)) => vec![pod],
        _ => Vec::new(),
    }
}

/// The ids of the workloads that some rule names together with what is selected.
pub fn connected(scene: &Scene<'_>, told: &Told) -> BTreeSet<Id> {
    let reachability = scene.edited.reachability();
    let own: BTreeSet<ClassId> = focus(scene).into_iter().map(|pod| reachability.class_of(pod)).collect();
    if own.is_empty() {
        return BTreeSet::new();
    }
    let touching = told.named().filter(|pair| own.contains(&pair.from) || own.contains(&pair.to));
    let classes: BTreeSet<ClassId> = touching.flat_map(|pair| [pair.from, pair.to]).collect();
    let inventory = scene.edited.inventory();
    let owners = classes.into_iter().flat_map(|class| &reachability.classes().at(class).pods);
    let owners: BTreeSet<_> = owners.map(|pod| inventory.pods.at(*pod).workload).collect();
    owners.into_iter().map(|id| ids::workload(inventory.workloads.at(id))).collect()
}

impl Builder<'_> {
    pub(super) fn connections(&mut self, told: &Told) {
        let scene = self.scene;
        let edited = scene.edited;
        let inventory = edited.inventory();
        let difference = scene.difference;
        let filtered = self.filter.ports.clone();
        let steps = steps(difference, filtered.as_ref());
        let changed: BTreeSet<(Id, Id)> =
            steps.iter().filter_map(|step| Some((folding::peer_id(&step.row.from)?, folding::peer_id(&step.row.to)?))).collect();
        let holdings = Holdings::new(edited, told, &self.folding, filtered.as_ref());
        let mut drawn = self.named_between(told, &holdings, &changed);
        let focus: BTreeSet<Id> = focus(scene)
            .into_iter()
            .map(|pod| {
                let workload = inventory.workloads.at(inventory.pods.at(pod).workload);
                self.folding.pod(&workload.namespace, &ids::workload(workload), inventory.pods.at(pod).name())
            })
            .collect();
        // A node that stands for a folded namespace, or for several things, is looked at as a whole.
        let folded = self.focus.clone().filter(|id| holdings.place(id).is_some());
        let focus: BTreeSet<Id> = focus.into_iter().chain(folded).collect();
        if focus.is_empty() && holdings.has_unnamed() {
            self.notes.push("what no rule names is drawn for what is selected".to_owned());
        }
        for own in focus.iter().filter_map(|id| holdings.place(id)) {
            for other in (0..holdings.nodes.len()).filter(|other| *other != own) {
                drawn.extend([(own, other), (other, own)]);
            }
        }
        let node = |place: usize| holdings.nodes.get(place).map(|holding| (&holding.id, holding.namespace.as_str()));
        let is_wanted = |(from, to): &(usize, usize)| {
            let (Some((from, own)), Some((to, other))) = (node(*from), node(*to)) else { return false };
            let is_within = own == other && !own.is_empty();
            (if is_within { scene.show.within_namespaces } else { scene.show.between_namespaces })
                && (changed.is_empty() || !changed.contains(&(from.clone(), to.clone())))
        };
        let mut drawn: Vec<(usize, usize)> = drawn.into_iter().filter(is_wanted).collect();
        drawn.sort_unstable();
        for ((from, to), union) in holdings.between(&drawn) {
            let (Some((from, _)), Some((to, _))) = (node(from), node(to)) else { continue };
            let (from, to) = (from.clone(), to.clone());
            let is_focus = focus.contains(&from) || focus.contains(&to);
            let aside: Vec<&Id> = [&from, &to].into_iter().filter(|id| self.aside.contains(*id)).collect();
            if !is_focus && !aside.is_empty() {
                for id in aside {
                    let left = self.left_out.entry(id.clone()).or_default();
                    left.ports = left.ports.union(&union.ports);
                    left.n += union.n;
                }
                continue;
            }
            let tone = if union.is_certain { Tone::Allowed } else { Tone::Depends };
            let value = EdgeValue { extent: union.extent, n: union.n, ..EdgeValue::new(tone, &union.ports, "") };
            self.edges.insert(EdgeKey { from, to, standing: 0 }, value);
        }
        for Step { row, standing, tone, ports } in &steps {
            for from in self.nodes_of_peer(&row.from) {
                for to in self.nodes_of_peer(&row.to) {
                    let key = EdgeKey { from: from.clone(), to: to.clone(), standing: *standing };
                    let is_other = self.edges.get(&key).is_some_and(|value| value.ports != *ports);
                    self.edge(&from, &to, *standing, *tone, ports, "");
                    if let Some(value) = self.edges.get_mut(&key).filter(|_| is_other) {
                        value.extent = Extent::Some;
                    }
                }
            }
        }
        // What changes is told one by one: it is all of the pairs where there are as many.
        let n_workloads = |id: &Id| self.nodes.get(id).map_or(1, |node| node.n_workloads.max(1));
        let is_inside = |id: &Id| self.nodes.get(id).is_some_and(|node| node.lane == Lane::Workloads);
        for (key, value) in &mut self.edges {
            let is_between = is_inside(&key.from) && is_inside(&key.to);
            if matches!(key.standing, 1 | 2) && is_between && value.n < n_workloads(&key.from) * n_workloads(&key.to) {
                value.extent = Extent::Some;
            }
        }
    }

    /// The pairs of nodes with something in them that some rule names, but for what the sketch changes anyway.
    fn named_between(&self, told: &Told, holdings: &Holdings<'_>, changed: &BTreeSet<(Id, Id)>) -> FxHashSet<(usize, usize)> {
        let (scene, edited) = (self.scene, self.scene.edited);
        // What a pod's class is drawn at: its node, and its workload.
        let mut places: FxHashMap<ClassId, Vec<(usize, WorkloadId)>> = FxHashMap::default();
        for (id, workload) in edited.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
            let is_aside = is_aside(scene, edited, workload);
            for (node, pods) in self.folding.nodes_of(edited, workload) {
                // What is put aside within a node of several is left out of the picture with its connections.
                let Some(place) = holdings.place(&node).filter(|_| !is_aside || self.aside.contains(&node)) else { continue };
                for pod in pods {
                    let places = places.entry(edited.reachability().class_of(pod)).or_default();
                    if places.last() != Some(&(place, id)) {
                        places.push((place, id));
                    }
                }
            }
        }
        let name = |id: WorkloadId| ids::workload(edited.inventory().workloads.at(id));
        let mut drawn = FxHashSet::default();
        for pair in told.named() {
            let (Some(sources), Some(targets)) = (places.get(&pair.from), places.get(&pair.to)) else { continue };
            for (from, source) in sources {
                for (to, target) in targets.iter().filter(|(to, _)| to != from) {
                    if !drawn.contains(&(*from, *to)) && (changed.is_empty() || !changed.contains(&(name(*source), name(*target)))) {
                        drawn.insert((*from, *to));
                    }
                }
            }
        }
        drawn
    }

    /// The nodes that stand for a workload that an answer names.
    fn nodes_of_peer(&self, peer: &Peer) -> BTreeSet<Id> {
        let Peer::Workload { namespace, name, workload } = peer else { return BTreeSet::new() };
        let found = analyses(self.scene).filter_map(|analysis| {
            let id = analysis.inventory().workload(namespace, name, Some(workload))?;
            Some(self.folding.nodes_of(analysis, analysis.inventory().workloads.at(id)))
        });
        found.flatten().map(|(id, _)| id).collect()
    }
}

/// A connection between workloads that the sketch changes.
struct Step<'a> {
    row: &'a ChangedConnection,
    /// As in [`EdgeKey`].
    standing: u8,
    tone: Tone,
    /// The ports that it gains or loses.
    ports: PortSet,
}

/// What the sketch changes on the ports that are looked at; what changes on others only stays as it is.
fn steps<'a>(difference: &'a Difference, filtered: Option<&PortSet>) -> Vec<Step<'a>> {
    let rows = difference.added.iter().map(|row| (row, true)).chain(difference.removed.iter().map(|row| (row, false)));
    let step = |(row, is_gained): (&'a ChangedConnection, bool)| {
        let (standing, tone, side, other) =
            if is_gained { (1, Tone::Gained, &row.after, &row.before) } else { (2, Tone::Lost, &row.before, &row.after) };
        let mut ports = side.ports.union(&side.depends_ports).difference(&other.ports);
        if let Some(filtered) = filtered.filter(|_| !ports.is_empty()) {
            ports = ports.intersection(filtered);
            if ports.is_empty() {
                return None;
            }
        }
        Some(Step { row, standing, tone, ports })
    };
    rows.chain(difference.changed.iter().map(|row| (row, grows(row)))).filter_map(step).collect()
}

/// Whether a changed connection allows more than before.
fn grows(row: &ChangedConnection) -> bool {
    row.after.ports.contains_all(&row.before.ports)
}
