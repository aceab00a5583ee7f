//! A namespace in the inspector.

use std::collections::BTreeMap;

use portolan_core::analysis::Analysis;
use portolan_core::entry::EntryPath;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::text::count;
use portolan_core::{Kind, ObjectKey};

use super::{object_row, yaml_of};
use crate::map::model::{Id, Tone};
use crate::view_model::{ConnectionRow, Inspector, addresses, ids, reasons};

pub(super) fn namespace_inspector(analysis: &Analysis, name: &str) -> Inspector {
    let key = ObjectKey::new(Kind::Namespace, "", name);
    let inventory = analysis.inventory();
    let workloads: Vec<(WorkloadId, &Workload)> =
        inventory.workloads.entries().filter(|(_, w)| w.namespace == name && !w.pods.is_empty()).collect();
    let n_pods: usize = workloads.iter().map(|(_, workload)| workload.pods.len()).sum();
    let kinds = Kind::ALL.iter().filter(|kind| kind.is_policy() && kind.is_namespaced());
    let keys = kinds.flat_map(|kind| analysis.snapshot().entries(*kind).map(|(key, _)| key));
    let policies: Vec<&ObjectKey> = keys.filter(|key| key.namespace == name).collect();
    let subtitle = format!(
        "Namespace, {}, {}, {}",
        count(workloads.len(), "workload", "workloads"),
        count(n_pods, "pod", "pods"),
        count(policies.len(), "policy", "policies")
    );
    let mut inspector = Inspector { title: name.to_owned(), subtitle, yaml: yaml_of(analysis, &key), ..Inspector::default() };
    inspector.destinations = across(analysis, name, Direction::Egress);
    inspector.sources = across(analysis, name, Direction::Ingress);
    let is_here = |path: &&EntryPath| {
        let is_of_service = path.service.as_ref().is_some_and(|service| service.namespace == name);
        is_of_service || path.pods.iter().any(|pod| inventory.pods.at(*pod).namespace() == name)
    };
    inspector.paths = reasons::path_rows(analysis.entry_paths().iter().filter(is_here));
    inspector.objects = policies.into_iter().map(|key| object_row(key, "")).collect();
    if analysis.snapshot().entry(&key).is_some() {
        inspector.objects.push(object_row(&key, ""));
    }
    inspector
}

/// What crosses a namespace's border, one row for each other namespace and each set of addresses.
fn across(analysis: &Analysis, name: &str, direction: Direction) -> Vec<ConnectionRow> {
    let inventory = analysis.inventory();
    let mut rows: BTreeMap<(u8, String, Id), (usize, Tone, portolan_core::ports::PortSet)> = BTreeMap::new();
    let mut add = |key, tone: Tone, ports: &portolan_core::ports::PortSet| {
        let row = rows.entry(key).or_insert((0, tone, portolan_core::ports::PortSet::none()));
        row.0 += 1;
        row.1 = row.1.max(tone);
        row.2 = row.2.union(ports);
    };
    for (id, _) in inventory.workloads.entries().filter(|(_, workload)| workload.namespace == name && !workload.pods.is_empty()) {
        for outside in addresses::of_workload(analysis, id, direction) {
            add((u8::from(outside.tone != Tone::Open), outside.title.clone(), outside.id.clone()), outside.tone, &outside.outcome.possible);
        }
        let domains = if direction == Direction::Egress { analysis.domains_of_workload(id) } else { Vec::new() };
        for (pattern, outcome) in domains.into_iter().filter(|(_, outcome)| !outcome.is_none()) {
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            add((1, pattern.to_string(), ids::domain(pattern.text())), tone, &outcome.possible);
        }
        for (other, workload) in
            inventory.workloads.entries().filter(|(_, workload)| workload.namespace != name && !workload.pods.is_empty())
        {
            let (from, to) = if direction == Direction::Egress { (id, other) } else { (other, id) };
            let outcome = analysis.between_workloads(from, to);
            if !outcome.is_none() {
                let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
                add((2, workload.namespace.to_string(), ids::namespace(&workload.namespace)), tone, &outcome.possible);
            }
        }
    }
    rows.into_iter()
        .map(|((rank, title, peer), (n, tone, ports))| {
            let because = if rank < 2 { count(n, "workload", "workloads") } else { count(n, "pair of workloads", "pairs of workloads") };
            ConnectionRow { peer, title, place: String::new(), ports: ports.to_string(), tone: Some(tone), because, why: Vec::new() }
        })
        .collect()
}
