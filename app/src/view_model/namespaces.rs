//! The tree on the left.

use std::collections::BTreeMap;

use portolan_core::analysis::Analysis;
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::text::count;

use super::{Isolation, NamespaceRow, WorkloadRow, ids};

/// The namespaces with their workloads, by name. `unfolded` tells which are on the map workload by workload.
pub fn rows(analysis: &Analysis, unfolded: impl Fn(&str) -> bool) -> Vec<NamespaceRow> {
    let inventory = analysis.inventory();
    let mut by_namespace: BTreeMap<&str, Vec<(WorkloadId, &Workload)>> = BTreeMap::new();
    for (id, workload) in inventory.workloads.entries() {
        by_namespace.entry(&workload.namespace).or_default().push((id, workload));
    }
    let namespaces = analysis.snapshot().namespaces();
    let rows = namespaces.iter().map(|name| {
        let workloads = by_namespace.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        let pods = || workloads.iter().flat_map(|(_, workload)| &workload.pods);
        let isolation = |direction| isolation(analysis, pods().copied(), direction);
        let id = ids::namespace(name);
        NamespaceRow {
            unfolded: unfolded(&id),
            id,
            name: name.to_string(),
            n_pods: pods().count(),
            inward: isolation(Direction::Ingress),
            outward: isolation(Direction::Egress),
            workloads: workloads.iter().map(|(_, workload)| workload_row(analysis, workload, &unfolded)).collect(),
        }
    });
    rows.collect()
}

/// How far a direction is closed for some pods. A policy that lets everybody in, or out to anywhere, closes nothing.
pub fn isolation(analysis: &Analysis, pods: impl Iterator<Item = PodId>, direction: Direction) -> Isolation {
    let reachability = analysis.reachability();
    let (mut n_closed, mut n_pods) = (0_usize, 0);
    for pod in pods {
        let class = reachability.class_of(pod);
        let is_closed = reachability.is_isolated(class, direction) && !reachability.is_open_to_the_internet(class, direction);
        n_closed += usize::from(is_closed);
        n_pods += 1;
    }
    match n_closed {
        0 => Isolation::Open,
        n if n == n_pods => Isolation::Closed,
        _ => Isolation::Partly,
    }
}

fn workload_row(analysis: &Analysis, workload: &Workload, unfolded: &impl Fn(&str) -> bool) -> WorkloadRow {
    let pods = workload.pods.iter().map(|id| analysis.inventory().pods.at(*id));
    WorkloadRow {
        unfolded: unfolded(&ids::workload(workload)),
        id: ids::workload(workload),
        name: workload.name.to_string(),
        fact: workload_fact(analysis, workload),
        pods: pods
            .filter(|pod| !pod.is_representative())
            .map(|pod| (ids::pod(pod.namespace(), pod.name()), pod.name().to_string()))
            .collect(),
    }
}

/// `Deployment, 3 pods`; for a workload of a manifest, the pods that it asks for.
pub fn workload_fact(analysis: &Analysis, workload: &Workload) -> String {
    let is_represented = workload.pods.first().is_some_and(|pod| analysis.inventory().pods.at(*pod).is_representative());
    let pods = match (is_represented, workload.replicas) {
        (true, Some(replicas)) => count(replicas as usize, "pod wanted", "pods wanted"),
        (true, None) => "pods as it makes them".to_owned(),
        _ => count(workload.pods.len(), "pod", "pods"),
    };
    if workload.kind == "Pod" { "Pod".to_owned() } else { format!("{}, {pods}", workload.kind) }
}
