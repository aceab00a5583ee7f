//! Connections between workloads on the map, and what the sketch gains and loses of them.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::Analysis;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::peer::Peer;
use portolan_core::policy::Direction;
use portolan_core::reachability::{ClassId, Outcome, Reachability};

use super::Builder;
use crate::map::model::Tone;
use crate::view_model::ids;

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

impl Builder<'_> {
    pub(super) fn connections(&mut self) {
        let changed: BTreeSet<(&Peer, &Peer)> = {
            let rows = self.scene.difference.added.iter().chain(&self.scene.difference.removed).chain(&self.scene.difference.changed);
            rows.map(|row| (&row.from, &row.to)).collect()
        };
        let edited = self.scene.edited;
        let selected = self.scene.selected.and_then(|id| ids::subject(edited, id));
        let mut pairs: BTreeMap<(WorkloadId, WorkloadId), Outcome> = BTreeMap::new();
        for (from, to) in explicit_pairs(edited.reachability()) {
            let reachability = edited.reachability();
            let outcome = reachability.pair(from, to);
            if outcome.is_none() {
                continue;
            }
            for from in workloads_of(edited, from) {
                for to in workloads_of(edited, to) {
                    merge_into(&mut pairs, (from, to), &outcome);
                }
            }
        }
        let focus: Vec<WorkloadId> = match selected {
            Some(ids::Subject::Workload(id)) => vec![id],
            Some(ids::Subject::Pod(pod)) => vec![edited.inventory().pods.at(pod).workload],
            _ => Vec::new(),
        };
        for id in &focus {
            for other in edited.inventory().workloads.ids().filter(|other| other != id) {
                for (from, to) in [(*id, other), (other, *id)] {
                    let outcome = edited.between_workloads(from, to);
                    if !outcome.is_none() {
                        pairs.insert((from, to), outcome);
                    }
                }
            }
        }
        let show = self.scene.show;
        for ((from, to), outcome) in pairs {
            let (a, b) = (edited.inventory().workloads.at(from), edited.inventory().workloads.at(to));
            let is_focus = focus.contains(&from) || focus.contains(&to);
            if !show.noisy_peers && !is_focus && (is_noisy(edited, a) || is_noisy(edited, b)) {
                continue;
            }
            let shown = if a.namespace == b.namespace { show.within_namespaces } else { show.between_namespaces };
            if !shown || changed.contains(&(&edited.workload_peer(from), &edited.workload_peer(to))) {
                continue;
            }
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let (from, to) = (self.node_of(a), self.node_of(b));
            self.edge(&from, &to, 0, tone, &outcome.possible, "");
        }
        let difference = self.scene.difference;
        let rows = difference.added.iter().map(|row| (row, 1)).chain(difference.removed.iter().map(|row| (row, 2)));
        for (row, standing) in rows.chain(difference.changed.iter().map(|row| (row, if grows(row) { 1 } else { 2 }))) {
            let (Some(from), Some(to)) = (self.node_of_peer(&row.from), self.node_of_peer(&row.to)) else { continue };
            let (tone, side, other) =
                if standing == 1 { (Tone::Gained, &row.after, &row.before) } else { (Tone::Lost, &row.before, &row.after) };
            let ports = side.ports.union(&side.depends_ports).difference(&other.ports);
            self.edge(&from, &to, standing, tone, &ports, "");
        }
    }
}

/// Pairs of classes that some rule names, as against those that nothing keeps apart. A row that names nearly everybody names nobody.
fn explicit_pairs(reachability: &Reachability) -> BTreeSet<(ClassId, ClassId)> {
    let mut overview = reachability.overview();
    let mut pairs = BTreeSet::new();
    for id in reachability.classes().ids() {
        for direction in Direction::ALL {
            for other in overview.named(id, direction).iter().flat_map(|named| named.iter().copied()) {
                if !reachability.side(id, direction, other).is_none() {
                    pairs.insert(if direction == Direction::Egress { (id, other) } else { (other, id) });
                }
            }
        }
    }
    pairs
}

fn workloads_of(analysis: &Analysis, class: ClassId) -> BTreeSet<WorkloadId> {
    let pods = &analysis.reachability().classes().at(class).pods;
    pods.iter().map(|pod| analysis.inventory().pods.at(*pod).workload).collect()
}

fn merge_into(pairs: &mut BTreeMap<(WorkloadId, WorkloadId), Outcome>, key: (WorkloadId, WorkloadId), outcome: &Outcome) {
    if key.0 == key.1 {
        return;
    }
    pairs
        .entry(key)
        .and_modify(|known| *known = known.or_elsewhere(outcome, portolan_core::assumptions::Cause::SomePods))
        .or_insert_with(|| outcome.clone());
}

/// Whether a changed connection allows more than before.
fn grows(row: &portolan_core::analysis::ChangedConnection) -> bool {
    row.after.ports.contains_all(&row.before.ports)
}
