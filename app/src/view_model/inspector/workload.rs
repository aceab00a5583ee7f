//! A workload or a pod in the inspector.

use std::collections::BTreeMap;

use portolan_core::analysis::Analysis;
use portolan_core::entry::EntryPath;
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::{Kind, ObjectKey};

use super::rows::{Asker, lists};
use super::{Question, object_row};
use crate::view_model::namespaces::workload_fact;
use crate::view_model::{Inspector, ObjectRow, exposure, reasons};

pub(super) fn workload_inspector(question: &Question<'_>, id: WorkloadId) -> Inspector {
    let Question { base, edited, told, .. } = *question;
    let workload = edited.inventory().workloads.at(id);
    let old = base.inventory().workload(&workload.namespace, &workload.name, Some(&workload.kind));
    let before = old.map(|workload| Asker { analysis: base, told: None, workload, pod: None });
    let before = before.filter(|_| !std::ptr::eq(base, edited));
    let after = Asker { analysis: edited, told: Some(told), workload: id, pod: None };
    let addresses: Vec<String> =
        workload.pods.iter().flat_map(|pod| edited.inventory().pods.at(*pod).record().addresses.iter()).map(ToString::to_string).collect();
    let addresses = match addresses.as_slice() {
        [] => String::new(),
        [one] => format!(", {one}"),
        [first, rest @ ..] => format!(", {first} and {} more", rest.len()),
    };
    let [could_reach, could_be_reached] = edited.exposure_of_workload(id).map(|exposure| exposure::rows(&exposure));
    let fact = workload_fact(edited, workload);
    let (kind, pods) = fact.split_once(", ").map_or((fact.as_str(), String::new()), |(kind, pods)| (kind, format!(", {pods}")));
    let (destinations, denied_destinations) = lists(question, before.as_ref(), &after, Direction::Egress);
    let (sources, denied_sources) = lists(question, before.as_ref(), &after, Direction::Ingress);
    Inspector {
        title: workload.name.to_string(),
        subtitle: format!("{kind} in {}{pods}{addresses}", workload.namespace),
        denied_destinations,
        denied_sources,
        destinations,
        sources,
        could_be_reached,
        could_reach,
        paths: reasons::path_rows(ways_to(edited, &workload.pods)),
        objects: objects_of(edited, workload),
        ..Inspector::default()
    }
}

pub(super) fn pod_inspector(question: &Question<'_>, id: PodId) -> Inspector {
    let Question { base, edited, told, .. } = *question;
    let pod = edited.inventory().pods.at(id);
    let workload = edited.inventory().workloads.at(pod.workload);
    let old = base.inventory().pod(pod.namespace(), pod.name());
    let before = old.map(|old| Asker { analysis: base, told: None, workload: base.inventory().pods.at(old).workload, pod: Some(old) });
    let before = before.filter(|_| !std::ptr::eq(base, edited));
    let after = Asker { analysis: edited, told: Some(told), workload: pod.workload, pod: Some(id) };
    let mut facts = vec![format!("Pod in {}", pod.namespace())];
    if workload.kind != "Pod" {
        facts.push(format!("of {} {}", workload.kind, workload.name));
    }
    facts.extend(pod.record().addresses.iter().map(ToString::to_string));
    if !pod.record().node.is_empty() {
        facts.push(format!("on {}", pod.record().node));
    }
    if !pod.record().ready {
        facts.push("not ready".to_owned());
    }
    let (destinations, denied_destinations) = lists(question, before.as_ref(), &after, Direction::Egress);
    let (sources, denied_sources) = lists(question, before.as_ref(), &after, Direction::Ingress);
    let [could_reach, could_be_reached] = edited.exposure_of_pod(id).map(|exposure| exposure::rows(&exposure));
    Inspector {
        title: pod.name().to_string(),
        subtitle: facts.join(", "),
        denied_destinations,
        denied_sources,
        destinations,
        sources,
        could_be_reached,
        could_reach,
        paths: reasons::path_rows(ways_to(edited, &[id])),
        objects: objects_of(edited, workload),
        ..Inspector::default()
    }
}

/// The ways in that lead to some pods of a namespace, and those that break before them but are meant for them.
fn ways_to<'a>(analysis: &'a Analysis, pods: &[PodId]) -> Vec<&'a EntryPath> {
    let Some(namespace) = pods.first().map(|pod| analysis.inventory().pods.at(*pod).namespace()) else { return Vec::new() };
    let mut is_selected: BTreeMap<&ObjectKey, bool> = BTreeMap::new();
    let mut leads_here = |path: &&'a EntryPath| match &path.service {
        Some(service) if path.pods.is_empty() && service.namespace == *namespace => {
            *is_selected.entry(service).or_insert_with(|| analysis.pods_of_service(service).iter().any(|pod| pods.contains(pod)))
        }
        _ => path.pods.iter().any(|pod| pods.contains(pod)),
    };
    analysis.entry_paths().iter().filter(|path| leads_here(path)).collect()
}

/// The policies that select a workload's pods, and the Services and Ingresses that lead to it.
fn objects_of(analysis: &Analysis, workload: &Workload) -> Vec<ObjectRow> {
    let mut rows: BTreeMap<ObjectKey, Vec<&str>> = BTreeMap::new();
    for pod in &workload.pods {
        for direction in Direction::ALL {
            for object in analysis.policies_selecting(*pod, direction) {
                let facts = rows.entry(object.clone()).or_default();
                let fact = match (direction, object.kind == Kind::NetworkPolicy) {
                    (Direction::Ingress, true) => "closes ingress",
                    (Direction::Egress, true) => "closes egress",
                    (Direction::Ingress, false) => "rules on ingress",
                    (Direction::Egress, false) => "rules on egress",
                };
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
        }
    }
    let policies = rows.into_iter().map(|(key, facts)| match facts.as_slice() {
        ["closes ingress", "closes egress"] => object_row(&key, "closes both ways"),
        ["rules on ingress", "rules on egress"] => object_row(&key, "rules both ways"),
        facts => object_row(&key, &facts.join(", ")),
    });
    let mut others: BTreeMap<ObjectKey, &str> = BTreeMap::new();
    for path in ways_to(analysis, &workload.pods) {
        others.insert(path.object.clone(), "leads here");
        if let Some(service) = &path.service {
            others.insert(service.clone(), "leads here");
        }
    }
    policies.chain(others.iter().map(|(key, fact)| object_row(key, fact))).collect()
}
