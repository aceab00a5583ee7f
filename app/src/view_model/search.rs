//! What the search box finds.

use std::collections::BTreeSet;

use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::record::Record;

use super::{SearchEntry, graph, ids};

/// Everything that can be selected, namespaces first.
pub fn index(analysis: &Analysis) -> Vec<SearchEntry> {
    let mut entries = Vec::new();
    for name in analysis.snapshot().namespaces() {
        entries.push(SearchEntry {
            id: ids::namespace(&name),
            title: name.to_string(),
            kind: "Namespace".to_owned(),
            haystack: String::new(),
        });
    }
    let inventory = analysis.inventory();
    let mut hosts = BTreeSet::new();
    for path in analysis.entry_paths() {
        if hosts.insert(graph::door_id(path)) {
            let title = if path.host.is_empty() { path.title.clone() } else { path.host.to_string() };
            let haystack = format!("{} {}", path.title, path.object.path()).to_lowercase();
            entries.push(SearchEntry { id: graph::door_id(path), title, kind: path.object.kind.name().to_owned(), haystack });
        }
    }
    for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
        let labels = workload.pods.first().map(|pod| inventory.pods.at(*pod).record().labels.to_string()).unwrap_or_default();
        entries.push(SearchEntry {
            id: ids::workload(workload),
            title: workload.path(),
            kind: workload.kind.to_string(),
            haystack: labels.to_lowercase(),
        });
    }
    for (key, record) in analysis.snapshot().records(Kind::Service) {
        let Record::Service(service) = record else { continue };
        let addresses: Vec<String> =
            service.cluster_ips.iter().map(ToString::to_string).chain(service.load_balancer.iter().map(ToString::to_string)).collect();
        let haystack = format!("{} {}", addresses.join(" "), service.external_name).to_lowercase();
        entries.push(SearchEntry { id: ids::service(key), title: key.path(), kind: "Service".to_owned(), haystack });
    }
    for pod in inventory.pods.iter().filter(|pod| !pod.is_representative()) {
        let addresses: Vec<String> = pod.record().addresses.iter().map(ToString::to_string).collect();
        let haystack = format!("{} {} {}", addresses.join(" "), *pod.record().labels, pod.record().node).to_lowercase();
        entries.push(SearchEntry { id: ids::pod(pod.namespace(), pod.name()), title: pod.path(), kind: "Pod".to_owned(), haystack });
    }
    entries
}
