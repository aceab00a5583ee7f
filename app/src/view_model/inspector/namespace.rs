//! A namespace in the inspector.

use std::collections::BTreeMap;

use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::entry::EntryPath;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::{Outcome, OutcomeId};
use portolan_core::text::count;
use portolan_core::{Kind, ObjectKey};

use super::rows::endpoint_of;
use super::{MAX_DENIED, Place, Question, object_row, outside_name, yaml_of};
use crate::map::model::{Id, Tone};
use crate::view_model::told::Asked;
use crate::view_model::{ConnectionRow, Inspector, WhyLine, addresses, ids, reasons};

/// Of the pairs of workloads of two namespaces, as many are asked for their reasons.
const MAX_PAIRS: usize = 6;

pub(super) fn namespace_inspector(question: &Question<'_>, name: &str) -> Inspector {
    let analysis = question.edited;
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
    inspector.destinations = across(question, name, Direction::Egress);
    inspector.sources = across(question, name, Direction::Ingress);
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
fn across(question: &Question<'_>, name: &str, direction: Direction) -> Vec<ConnectionRow> {
    let analysis = question.edited;
    let inventory = analysis.inventory();
    let mut rows: BTreeMap<(u8, String, Id), Crossing> = BTreeMap::new();
    let mut asked = Asked::new(analysis, question.told);
    let mut others: BTreeMap<&str, Vec<WorkloadId>> = BTreeMap::new();
    for (id, workload) in inventory.workloads.entries().filter(|(_, workload)| workload.namespace != name && !workload.pods.is_empty()) {
        others.entry(workload.namespace.as_str()).or_default().push(id);
    }
    let mut beyond: BTreeMap<&str, Crossing> = BTreeMap::new();
    for (id, own) in inventory.workloads.entries().filter(|(_, workload)| workload.namespace == name && !workload.pods.is_empty()) {
        for outside in addresses::of_workload(analysis, id, direction) {
            let row = rows.entry((u8::from(outside.tone != Tone::Open), outside.title, outside.id)).or_default();
            row.add(outside.tone, &outside.outcome.possible, (id, &own.name), Far::End(Endpoint::Address(outside.example)));
        }
        let domains = if direction == Direction::Egress { analysis.domains_of_workload(id) } else { Vec::new() };
        for (pattern, outcome) in domains.into_iter().filter(|(_, outcome)| !outcome.is_none()) {
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let row = rows.entry((1, pattern.to_string(), ids::domain(pattern.text()))).or_default();
            row.add(tone, &outcome.possible, (id, &own.name), Far::End(Endpoint::Domain(pattern)));
        }
        for (namespace, others) in &others {
            let mut crossing = beyond.remove(namespace).unwrap_or_default();
            for other in others {
                let (from, to) = if direction == Direction::Egress { (id, *other) } else { (*other, id) };
                let outcome = asked.between(from, to);
                if !asked.outcome(outcome).is_none() {
                    crossing.add_pair(outcome, asked.outcome(outcome), (id, &own.name), *other);
                }
            }
            if crossing.n > 0 {
                beyond.insert(namespace, crossing);
            }
        }
    }
    for (namespace, crossing) in beyond {
        rows.insert((2, namespace.to_string(), ids::namespace(namespace)), crossing);
    }
    // The reasons ask for themselves.
    drop(asked);
    let row = |(index, ((rank, title, peer), crossing)): (usize, ((u8, String, Id), Crossing))| {
        let words = if rank < 2 { ("workload", "workloads") } else { ("pair of workloads", "pairs of workloads") };
        // What nobody scrolls down to needs no reasons.
        let place = question.place(index);
        let groups = if place == Place::Asked { crossing.groups(analysis, direction, &title) } else { Vec::new() };
        let by = match groups.as_slice() {
            [only] if only.names.len() == crossing.n && !only.because.is_empty() => format!("; {}", only.because),
            _ => String::new(),
        };
        ConnectionRow {
            peer,
            place: String::new(),
            ports: crossing.ports.to_string(),
            tone: Some(crossing.tone),
            because: format!("{}{by}", count(crossing.n, words.0, words.1)),
            why: why(&groups, crossing.n, words),
            waits: place == Place::Waits,
            title,
        }
    };
    rows.into_iter().enumerate().map(row).collect()
}

/// What lies beyond the border.
#[derive(Debug, Clone)]
enum Far {
    End(Endpoint),
    Workload(WorkloadId),
}

/// All that crosses a namespace's border to or from one place.
#[derive(Debug, Clone)]
struct Crossing {
    n: usize,
    tone: Tone,
    ports: PortSet,
    /// The first of them, to ask for reasons: the workload, its name and its ports, and what is beyond.
    first: Vec<(WorkloadId, String, PortSet, Far)>,
    /// The outcome that was added last: the next is often the same, and adds no ports.
    last: Option<OutcomeId>,
}

impl Default for Crossing {
    fn default() -> Self {
        Self { n: 0, tone: Tone::Plain, ports: PortSet::none(), first: Vec::new(), last: None }
    }
}

/// Those that cross for the same reason.
struct Group {
    names: Vec<String>,
    ports: PortSet,
    because: String,
    tone: Tone,
    /// The reasoning for the first of them.
    lines: Vec<WhyLine>,
}

impl Crossing {
    fn add(&mut self, tone: Tone, ports: &PortSet, (id, name): (WorkloadId, &str), far: Far) {
        self.n += 1;
        self.tone = self.tone.max(tone);
        self.ports = self.ports.union(ports);
        let most = if matches!(far, Far::End(_)) { MAX_DENIED } else { MAX_PAIRS };
        if self.first.len() < most {
            self.first.push((id, name.to_owned(), ports.clone(), far));
        }
    }

    /// Adds a pair of workloads with this outcome.
    fn add_pair(&mut self, number: OutcomeId, outcome: &Outcome, own: (WorkloadId, &str), other: WorkloadId) {
        if self.last == Some(number) && self.first.len() >= MAX_PAIRS {
            self.n += 1;
            return;
        }
        self.last = Some(number);
        let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
        self.add(tone, &outcome.possible, own, Far::Workload(other));
    }

    /// Asks for the reasons of the first, and puts those together that have the same.
    fn groups(&self, analysis: &Analysis, direction: Direction, title: &str) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (id, name, ports, far) in &self.first {
            let own = endpoint_of(analysis, *id);
            let (other, name) = match far {
                Far::End(end) => (end.clone(), name.clone()),
                Far::Workload(other) => {
                    let beyond = &analysis.inventory().workloads.at(*other).name;
                    let (from, to) =
                        if direction == Direction::Egress { (name.as_str(), beyond.as_str()) } else { (beyond.as_str(), name.as_str()) };
                    (endpoint_of(analysis, *other), format!("{from} to {to}"))
                }
            };
            let (from, to) = if direction == Direction::Egress { (&own, &other) } else { (&other, &own) };
            let trace = reasons::ask(analysis, from, to);
            let (because, tone) = (reasons::because(&trace), reasons::tone_of(trace.verdict));
            let same = |group: &&mut Group| group.because == because && group.tone == tone && group.ports == *ports;
            if let Some(group) = groups.iter_mut().find(same) {
                group.names.push(name);
                continue;
            }
            let outside = matches!(other, Endpoint::Address(_)).then_some(outside_name(title));
            let lines = reasons::lines(&trace, outside);
            groups.push(Group { names: vec![name], ports: ports.clone(), because, tone, lines });
        }
        groups
    }
}

/// Who crosses, and for which reason, group by group.
fn why(groups: &[Group], n: usize, (one, many): (&str, &str)) -> Vec<WhyLine> {
    let mut lines = Vec::new();
    for group in groups {
        let names = match group.names.as_slice() {
            [first, second, rest @ ..] if rest.len() > 1 => format!("{first}, {second} and {} more", rest.len()),
            all => all.join(", "),
        };
        lines.push(WhyLine::new(format!("{names}, {}", group.ports), Some(group.tone)));
        lines.extend(group.lines.iter().map(|line| WhyLine { indent: line.indent + 1, ..line.clone() }));
    }
    let n_told: usize = groups.iter().map(|group| group.names.len()).sum();
    if !groups.is_empty() && n_told < n {
        lines.push(WhyLine::new(
            format!("and {}, not asked one by one", count(n - n_told, &format!("more {one}"), &format!("more {many}"))),
            None,
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests;
    use crate::view_model::told::Told;

    /// Two workloads that a policy lets out, and one that no policy selects.
    const CLUSTER: &str = "
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.1.0.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.1.0.2}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: shop}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.1.0.3}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: d, namespace: data}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.1.0.4}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]
";

    #[test]
    fn a_row_of_a_namespace_says_who_crosses_its_border_and_which_rule_lets_them() {
        let changes = manifests::read_text("a.yaml", CLUSTER, "default").into_objects();
        let mut host = portolan_core::analysis::Host::default();
        host.apply(changes.map(|object| portolan_core::snapshot::Change::apply(&object)));
        let analysis = host.analysis();
        let told = Told::new(analysis.reachability(), None);
        let question = Question { base: &analysis, edited: &analysis, told: &told, gives_reasons: false };
        let rows = namespace_inspector(&question, "shop").destinations;
        let row = |title: &str| rows.iter().find(|row| row.title == title).unwrap();
        let heads = |row: &ConnectionRow| row.why.iter().filter(|line| line.indent == 0).map(|line| line.text.clone()).collect::<Vec<_>>();
        let some = row("Internet");
        assert_eq!((some.because.as_str(), heads(some)), ("2 workloads; out, egress rule 1", vec!["a, b, 443/TCP".to_owned()]));
        let rule = some.why.iter().find_map(|line| line.object.clone());
        assert_eq!(rule, Some(("networking.k8s.io/v1 NetworkPolicy shop/out".to_owned(), "/spec/egress/0".to_owned())));
        assert!(some.why.iter().all(|line| !line.text.contains("0.0.0.0")), "{:?}", some.why);
        assert_eq!(heads(row("Internet, any port")), ["c, any port"]);
        assert_eq!(heads(row("data")), ["a to d, b to d, 443/TCP", "c to d, any port"]);
        assert!(rows.iter().all(|row| !row.why.is_empty()));
    }
}
