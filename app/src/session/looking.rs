//! What a person looks at: where it lies, what is pinned, and why what is under the pointer is as it is.

use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::inventory::PodId;
use portolan_core::policy::Direction;
use portolan_core::text::count;

use super::{Answers, Session, namespace_of};
use crate::map::model::{Edge, Extent, Id, MapModel, Node, Tone};
use crate::view_model::{Crumb, Hint, Isolation, WhyLine, ids, namespaces, reasons};

/// As many pods of each end are tried for a pair that shows why an edge is as it is.
const MAX_TRIED: usize = 8;
/// As many policies are named as what closes something.
const MAX_NAMED: usize = 2;

impl Session {
    /// From the cluster down to what is selected.
    pub(super) fn crumbs(&self, answers: &Answers) -> Vec<Crumb> {
        let crumb = |id: Id, title: String, kind: &str| Crumb { id, title, kind: kind.to_owned() };
        let mut crumbs = vec![crumb(Id::new(), self.source.clone(), "cluster")];
        let Some(id) = self.selected.as_deref() else { return crumbs };
        let inventory = answers.edited.inventory();
        let subject = ids::subject(&answers.edited, id);
        if let Some(namespace) = namespace_of(id).or_else(|| id.starts_with("namespace/").then(|| id.to_owned())) {
            let title = namespace.trim_start_matches("namespace/").to_owned();
            crumbs.push(crumb(namespace, title, "namespace"));
        }
        let workload = match subject {
            Some(ids::Subject::Workload(workload)) => Some(workload),
            Some(ids::Subject::Pod(pod)) => Some(inventory.pods.at(pod).workload),
            _ => None,
        };
        if let Some(workload) = workload.map(|id| inventory.workloads.at(id)) {
            crumbs.push(crumb(ids::workload(workload), workload.name.to_string(), &workload.kind));
        }
        match subject {
            Some(ids::Subject::Pod(pod)) => crumbs.push(crumb(id.to_owned(), inventory.pods.at(pod).name().to_string(), "pod")),
            Some(ids::Subject::Service(key)) => crumbs.push(crumb(id.to_owned(), key.name.to_string(), "Service")),
            _ => {}
        }
        crumbs
    }

    /// What is pinned and is still there, with its name.
    pub(super) fn pinned_rows(&self, answers: &Answers) -> Vec<(Id, String)> {
        let name = |id: &Id| match ids::subject(&answers.edited, id) {
            Some(ids::Subject::Workload(workload)) => answers.edited.inventory().workloads.at(workload).path(),
            Some(ids::Subject::Pod(pod)) => answers.edited.inventory().pods.at(pod).path(),
            Some(ids::Subject::Service(key)) => key.path(),
            _ => id.split_once('/').map_or(id.as_str(), |(_, name)| name).to_owned(),
        };
        self.pinned.iter().map(|id| (id.clone(), name(id))).collect()
    }

    /// Why what is under the pointer is as it is.
    pub(super) fn hint(&self, answers: &Answers, map: &MapModel) -> Option<Hint> {
        let id = self.explained.as_ref()?;
        let lines = match map.edges.iter().find(|edge| edge.id == *id) {
            Some(edge) => of_edge(answers, edge),
            None => of_node(&answers.edited, map.nodes.iter().find(|node| node.id == *id)?),
        };
        Some(Hint { id: id.clone(), lines })
    }
}

fn of_edge(answers: &Answers, edge: &Edge) -> Vec<WhyLine> {
    let ports = if edge.label.is_empty() { String::new() } else { format!(", {}", edge.label) };
    let extent = if edge.extent == Extent::Some && edge.label.is_empty() { ", some" } else { "" };
    let mut lines = vec![WhyLine::new(format!("{}{ports}{extent}", edge.tone.word()), Some(edge.tone))];
    let analysis = if edge.tone == Tone::Lost { &answers.base } else { &answers.edited };
    let (from, to) = (pods_of(analysis, &edge.from, MAX_TRIED), pods_of(analysis, &edge.to, MAX_TRIED));
    let pairs = || from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
    let connects = |(from, to): &(PodId, PodId)| {
        let reachability = analysis.reachability();
        !reachability.pair(reachability.class_of(*from), reachability.class_of(*to)).is_none()
    };
    if let Some((from, to)) = pairs().find(connects) {
        let trace = analysis.trace(&analysis.pod_endpoint(from), &analysis.pod_endpoint(to), None);
        lines.push(WhyLine::new(reasons::because(&trace), None));
    } else if let (Some(from), Some(name)) = (from.first(), edge.to.strip_prefix("domain/")) {
        if let Ok(to) = analysis.endpoint(name) {
            let trace = analysis.trace(&analysis.pod_endpoint(*from), &to, None);
            lines.push(WhyLine::new(reasons::because(&trace), None));
        }
    } else if let Some(from) = from.first() {
        let workload = analysis.inventory().pods.at(*from).workload;
        let outsides = crate::view_model::addresses::of_workload(analysis, workload, Direction::Egress);
        if let Some(outside) = outsides.iter().find(|outside| outside.id == edge.to) {
            let trace = analysis.trace(&analysis.pod_endpoint(*from), &Endpoint::Address(outside.example), None);
            lines.push(WhyLine::new(reasons::because(&trace), None));
        }
    }
    lines
}

/// How far its pods are closed, and by what; what it is stands above it already.
fn of_node(analysis: &Analysis, node: &Node) -> Vec<WhyLine> {
    let pods = pods_of(analysis, &node.id, usize::MAX);
    let Some(first) = pods.first() else { return Vec::new() };
    let one = analysis.inventory().pods.at(*first).workload;
    let is_one = pods.iter().all(|pod| analysis.inventory().pods.at(*pod).workload == one);
    let say = |words: &str, direction| {
        let isolation = namespaces::isolation(analysis, pods.iter().copied(), direction);
        let mut policies = if is_one { analysis.policies_selecting(*first, direction) } else { Vec::new() };
        policies.dedup();
        let names: Vec<&str> = policies.iter().take(MAX_NAMED).map(|key| key.name.as_str()).collect();
        let more = policies.len().saturating_sub(MAX_NAMED);
        let by = match (isolation, names.is_empty(), more) {
            (_, true, _) => String::new(),
            (Isolation::Open, ..) => format!(", though selected by {}", count(policies.len(), "policy", "policies")),
            (_, _, 0) => format!(" by {}", names.join(", ")),
            _ => format!(" by {} and {more} more", names.join(", ")),
        };
        WhyLine::new(format!("{words} {}{by}", isolation.word()), None)
    };
    vec![say("ways in", Direction::Ingress), say("ways out", Direction::Egress)]
}

/// Pods of what an id stands for, as many as asked for at most.
fn pods_of(analysis: &Analysis, id: &str, n: usize) -> Vec<PodId> {
    let inventory = analysis.inventory();
    match ids::subject(analysis, id) {
        Some(ids::Subject::Workload(workload)) => inventory.workloads.at(workload).pods.iter().copied().take(n).collect(),
        Some(ids::Subject::Pod(pod)) => vec![pod],
        Some(ids::Subject::Namespace(name)) => inventory.pods_in(&name).map(|(id, _)| id).take(n).collect(),
        Some(ids::Subject::Service(key)) => analysis.pods_of_service(&key).into_iter().take(n).collect(),
        _ => Vec::new(),
    }
}
