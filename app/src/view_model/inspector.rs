//! The right panel: what the selected thing may reach, what may reach it, how the outside gets there, and why.

use std::collections::BTreeMap;

use portolan_core::analysis::{Analysis, Endpoint, Trace};
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::Outcome;
use portolan_core::text::count;
use portolan_core::whatif::yaml;
use portolan_core::{Kind, ObjectKey};

use super::ids::Subject;
use super::namespaces::workload_fact;
use super::{ConnectionRow, Inspector, ObjectRow, addresses, exposure, graph, ids, reasons};
use crate::map::model::{Id, Tone};

/// As many rows as are worked out with their reasons; what is beyond is counted.
const MAX_ROWS: usize = 400;

/// The same for what is denied: reasons for everything that is closed would take longer than anybody reads.
const MAX_DENIED: usize = 60;

/// Describes what is selected, before and after the edits.
pub fn inspect(base: &Analysis, edited: &Analysis, id: &str) -> Option<Inspector> {
    let subject = ids::subject(edited, id).or_else(|| ids::subject(base, id))?;
    let mut inspector = match subject {
        Subject::Workload(workload) => workload_inspector(base, edited, workload),
        Subject::Pod(pod) => pod_inspector(base, edited, pod),
        Subject::Service(key) => service_inspector(edited, &key),
        Subject::Namespace(name) => namespace_inspector(edited, &name),
        Subject::Entry => entry_inspector(base, edited, id)?,
        Subject::Outside => outside_inspector(edited),
        Subject::Addresses => addresses_inspector(base, edited, id)?,
        Subject::Domain(name) => domain_inspector(edited, &name),
    };
    id.clone_into(&mut inspector.id);
    Some(inspector)
}

/// A workload, or one pod, as the subject of rows.
struct Asker<'a> {
    analysis: &'a Analysis,
    workload: WorkloadId,
    pod: Option<PodId>,
}

impl Asker<'_> {
    fn endpoint(&self) -> Endpoint {
        match self.pod {
            Some(pod) => self.analysis.pod_endpoint(pod),
            None => endpoint_of(self.analysis, self.workload),
        }
    }

    fn outcome(&self, direction: Direction, other: WorkloadId) -> Outcome {
        match (self.pod, direction) {
            (None, Direction::Egress) => self.analysis.between_workloads(self.workload, other),
            (None, Direction::Ingress) => self.analysis.between_workloads(other, self.workload),
            (Some(pod), Direction::Egress) => self.analysis.pod_to_workload(pod, other),
            (Some(pod), Direction::Ingress) => self.analysis.workload_to_pod(other, pod),
        }
    }

    /// Every other end in one direction, by the id of its node and its terms.
    fn rows(&self, direction: Direction) -> Rows {
        let mut rows = BTreeMap::new();
        for outside in addresses::of_workload(self.analysis, self.workload, direction) {
            let endpoint = Endpoint::Address(outside.example);
            let rank = u8::from(outside.tone != Tone::Open);
            let key = (rank, outside.title.clone(), outside.id.clone());
            let (outcome, place, tone) = (outside.outcome.clone(), outside.fact.clone(), outside.tone);
            rows.insert(key, Row { outcome, endpoint, place, tone, outside: Some(outside) });
        }
        let domains = if direction == Direction::Egress { self.analysis.domains_of_workload(self.workload) } else { Vec::new() };
        for (pattern, outcome) in domains.into_iter().filter(|(_, outcome)| !outcome.is_none()) {
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let key = (1, pattern.to_string(), ids::domain(&pattern));
            rows.insert(key, Row { outcome, endpoint: Endpoint::Domain(pattern), place: "domain".to_owned(), tone, outside: None });
        }
        let workloads = &self.analysis.inventory().workloads;
        for (id, workload) in workloads.entries().filter(|(id, workload)| *id != self.workload && !workload.pods.is_empty()) {
            let outcome = self.outcome(direction, id);
            if outcome.is_none() {
                continue;
            }
            let own = workload.namespace == workloads.at(self.workload).namespace;
            // What is let through on purpose comes before what merely is.
            let rank = match (own, outcome.possible.is_all()) {
                (true, _) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let place = workload.namespace.to_string();
            let key = (rank, format!("{}/{}", workload.namespace, workload.name), ids::workload(workload));
            rows.insert(key, Row { outcome, endpoint: endpoint_of(self.analysis, id), place, tone, outside: None });
        }
        rows
    }
}

struct Row {
    outcome: Outcome,
    endpoint: Endpoint,
    place: String,
    tone: Tone,
    /// For addresses outside, all of them.
    outside: Option<addresses::Outside>,
}

type Rows = BTreeMap<(u8, String, Id), Row>;

/// Whether all that a row allows is among what other rows allow.
fn is_within(id: &str, row: &Row, others: &Rows) -> bool {
    match &row.outside {
        Some(outside) => addresses::is_within(outside, &others.values().filter_map(|other| other.outside.as_ref()).collect::<Vec<_>>()),
        None => others.iter().any(|((.., other_id), other)| other_id == id && other.outcome.possible.contains_all(&row.outcome.possible)),
    }
}

fn endpoint_of(analysis: &Analysis, workload: WorkloadId) -> Endpoint {
    Endpoint::Pods { peer: analysis.workload_peer(workload), pods: analysis.inventory().workloads.at(workload).pods.to_vec() }
}

/// The rows of one direction: those that the edits gain or lose first, then the outside, then its own namespace, then the others.
fn connection_rows(before: Option<&Asker<'_>>, after: &Asker<'_>, direction: Direction) -> Vec<ConnectionRow> {
    let now = after.rows(direction);
    let was = before.map(|asker| asker.rows(direction)).unwrap_or_default();
    let mut changed = Vec::new();
    let mut same = Vec::new();
    for (key, row) in &now {
        if same.len() + changed.len() >= MAX_ROWS {
            break;
        }
        let id = &key.2;
        let old = was.iter().find(|((.., old_id), _)| old_id == id).map(|(_, old)| old);
        let (tone, ports) = match old {
            _ if before.is_none() => (None, None),
            // The same end on other ports.
            Some(old) if old.outcome.possible != row.outcome.possible && row.outside.is_none() => {
                let grows = row.outcome.possible.contains_all(&old.outcome.possible);
                (
                    Some(if grows { Tone::Gained } else { Tone::Lost }),
                    Some(format!("{}, was {}", row.outcome.possible, old.outcome.possible)),
                )
            }
            _ if is_within(id, row, &was) => (None, None),
            _ => (Some(Tone::Gained), None),
        };
        let list = if tone.is_some() { &mut changed } else { &mut same };
        list.push(connection_row(after, key, row, direction, tone, ports));
    }
    if let Some(before) = before {
        let is_there = |id: &str| now.keys().any(|(.., new_id)| new_id == id);
        for (key, row) in was.iter().filter(|(key, row)| !is_within(&key.2, row, &now) && (row.outside.is_some() || !is_there(&key.2))) {
            if row.outside.is_none() || !is_there(&key.2) {
                changed.push(connection_row(before, key, row, direction, Some(Tone::Lost), None));
            }
        }
    }
    let n_more = now.len().saturating_sub(MAX_ROWS);
    changed.extend(same);
    if n_more > 0 {
        changed.push(ConnectionRow { title: format!("{n_more} more, as `portolan connections` lists them"), ..ConnectionRow::default() });
    }
    changed
}

/// The workloads that are denied in one direction and not listed as lost, its own namespace's first; and how many there are.
fn denied_rows(asker: &Asker<'_>, direction: Direction, listed: &[ConnectionRow]) -> (Vec<ConnectionRow>, usize) {
    let workloads = &asker.analysis.inventory().workloads;
    let own = &workloads.at(asker.workload).namespace;
    let mut denied: Vec<(WorkloadId, &Workload)> = workloads
        .entries()
        .filter(|(id, workload)| *id != asker.workload && !workload.pods.is_empty() && asker.outcome(direction, *id).is_none())
        .filter(|(_, workload)| !listed.iter().any(|row| row.peer == ids::workload(workload)))
        .collect();
    // Workloads stand by namespace and name already.
    denied.sort_by_key(|(_, workload)| workload.namespace != *own);
    let rows = denied.iter().take(MAX_DENIED).map(|(id, workload)| {
        let title = format!("{}/{}", workload.namespace, workload.name);
        let endpoint = endpoint_of(asker.analysis, *id);
        let row = Row {
            outcome: Outcome::exactly(portolan_core::ports::PortSet::none()),
            endpoint,
            place: workload.namespace.to_string(),
            tone: Tone::Denied,
            outside: None,
        };
        connection_row(asker, &(0, title, ids::workload(workload)), &row, direction, None, Some(String::new()))
    });
    (rows.collect(), denied.len())
}

fn connection_row(
    asker: &Asker<'_>,
    (_, title, id): &(u8, String, Id),
    row: &Row,
    direction: Direction,
    tone: Option<Tone>,
    ports: Option<String>,
) -> ConnectionRow {
    let own = asker.endpoint();
    let (from, to) = if direction == Direction::Egress { (&own, &row.endpoint) } else { (&row.endpoint, &own) };
    let trace = reasons::ask(asker.analysis, from, to);
    let was = if tone == Some(Tone::Lost) && ports.is_none() { "was: " } else { "" };
    let name = if id.starts_with("workload/") { title.split_once('/').map_or(title.as_str(), |(_, name)| name) } else { title };
    ConnectionRow {
        peer: id.clone(),
        title: name.to_owned(),
        place: row.place.clone(),
        ports: ports.unwrap_or_else(|| row.outcome.possible.to_string()),
        tone: Some(tone.unwrap_or(row.tone)),
        because: format!("{was}{}", reasons::because(&trace)),
        why: reasons::lines(&trace, matches!(row.endpoint, Endpoint::Address(_)).then_some(outside_name(title))),
    }
}

/// A workload that may reach what is inspected.
fn source_row(workload: &Workload, ports: &PortSet, tone: Tone, trace: &Trace, outside: Option<&str>) -> ConnectionRow {
    ConnectionRow {
        peer: ids::workload(workload),
        title: workload.name.to_string(),
        place: workload.namespace.to_string(),
        ports: ports.to_string(),
        tone: Some(tone),
        because: reasons::because(trace),
        why: reasons::lines(trace, outside),
    }
}

/// The name of addresses in a sentence: `Internet, any port` is about the Internet.
fn outside_name(title: &str) -> &str {
    if title.starts_with("Internet") { "the Internet" } else { title }
}

fn workload_inspector(base: &Analysis, edited: &Analysis, id: WorkloadId) -> Inspector {
    let workload = edited.inventory().workloads.at(id);
    let old = base.inventory().workload(&workload.namespace, &workload.name, Some(&workload.kind));
    let before = old.map(|workload| Asker { analysis: base, workload, pod: None });
    let before = before.filter(|_| !std::ptr::eq(base, edited));
    let after = Asker { analysis: edited, workload: id, pod: None };
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
    let destinations = connection_rows(before.as_ref(), &after, Direction::Egress);
    let sources = connection_rows(before.as_ref(), &after, Direction::Ingress);
    Inspector {
        title: workload.name.to_string(),
        subtitle: format!("{kind} in {}{pods}{addresses}", workload.namespace),
        denied_destinations: denied_rows(&after, Direction::Egress, &destinations),
        denied_sources: denied_rows(&after, Direction::Ingress, &sources),
        destinations,
        sources,
        could_be_reached,
        could_reach,
        paths: edited
            .entry_paths()
            .iter()
            .filter(|path| path.pods.iter().any(|pod| workload.pods.contains(pod)))
            .map(reasons::path_row)
            .collect(),
        objects: objects_of(edited, workload),
        ..Inspector::default()
    }
}

fn pod_inspector(base: &Analysis, edited: &Analysis, id: PodId) -> Inspector {
    let pod = edited.inventory().pods.at(id);
    let workload = edited.inventory().workloads.at(pod.workload);
    let old = base.inventory().pod(pod.namespace(), pod.name());
    let before = old.map(|old| Asker { analysis: base, workload: base.inventory().pods.at(old).workload, pod: Some(old) });
    let before = before.filter(|_| !std::ptr::eq(base, edited));
    let after = Asker { analysis: edited, workload: pod.workload, pod: Some(id) };
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
    let destinations = connection_rows(before.as_ref(), &after, Direction::Egress);
    let sources = connection_rows(before.as_ref(), &after, Direction::Ingress);
    let [could_reach, could_be_reached] = edited.exposure_of_pod(id).map(|exposure| exposure::rows(&exposure));
    Inspector {
        title: pod.name().to_string(),
        subtitle: facts.join(", "),
        denied_destinations: denied_rows(&after, Direction::Egress, &destinations),
        denied_sources: denied_rows(&after, Direction::Ingress, &sources),
        destinations,
        sources,
        could_be_reached,
        could_reach,
        paths: edited.entry_paths().iter().filter(|path| path.pods.contains(&id)).map(reasons::path_row).collect(),
        objects: objects_of(edited, workload),
        ..Inspector::default()
    }
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
    for path in analysis.entry_paths().iter().filter(|path| path.pods.iter().any(|pod| workload.pods.contains(pod))) {
        others.insert(path.object.clone(), "leads here");
        if let Some(service) = &path.service {
            others.insert(service.clone(), "leads here");
        }
    }
    policies.chain(others.iter().map(|(key, fact)| object_row(key, fact))).collect()
}

/// A row that opens an object.
pub fn object_row(key: &ObjectKey, fact: &str) -> ObjectRow {
    ObjectRow { key: key.to_string(), title: format!("{} {}", key.kind.name(), key.name), fact: fact.to_owned() }
}

/// The object of a key as YAML, as a person would write it.
fn yaml_of(analysis: &Analysis, key: &ObjectKey) -> String {
    analysis.snapshot().object(key).map(|object| yaml::to_text(&portolan_core::whatif::clean(&object.raw))).unwrap_or_default()
}

fn service_inspector(analysis: &Analysis, key: &ObjectKey) -> Inspector {
    let mut inspector = Inspector { title: key.name.to_string(), yaml: yaml_of(analysis, key), ..Inspector::default() };
    let pods = analysis.pods_of_service(key);
    inspector.subtitle = format!("Service in {}, {}", key.namespace, count(pods.len(), "pod", "pods"));
    inspector.paths = analysis.entry_paths().iter().filter(|path| path.service.as_ref() == Some(key)).map(reasons::path_row).collect();
    let mut workloads: Vec<WorkloadId> = pods.iter().map(|pod| analysis.inventory().pods.at(*pod).workload).collect();
    workloads.sort_unstable();
    workloads.dedup();
    for id in workloads {
        let workload = analysis.inventory().workloads.at(id);
        inspector.destinations.push(ConnectionRow {
            peer: ids::workload(workload),
            title: workload.name.to_string(),
            place: workload.namespace.to_string(),
            ports: String::new(),
            tone: Some(Tone::Allowed),
            because: "selected by the Service".to_owned(),
            why: Vec::new(),
        });
    }
    let to = Endpoint::Service(key.clone());
    for (id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()).take(MAX_ROWS) {
        let trace = reasons::ask(analysis, &endpoint_of(analysis, id), &to);
        if trace.verdict == portolan_core::peer::Verdict::Denied {
            continue;
        }
        let tone = reasons::tone_of(trace.verdict);
        inspector.sources.push(source_row(workload, &trace.ports, tone, &trace, None));
    }
    inspector.objects.push(object_row(key, ""));
    inspector
}

fn namespace_inspector(analysis: &Analysis, name: &str) -> Inspector {
    let key = ObjectKey::new(Kind::Namespace, "", name);
    let inventory = analysis.inventory();
    let workloads: Vec<(WorkloadId, &Workload)> =
        inventory.workloads.entries().filter(|(_, w)| w.namespace == name && !w.pods.is_empty()).collect();
    let n_pods: usize = workloads.iter().map(|(_, workload)| workload.pods.len()).sum();
    let policies: Vec<&ObjectKey> =
        analysis.snapshot().entries(Kind::NetworkPolicy).map(|(key, _)| key).filter(|key| key.namespace == name).collect();
    let subtitle = format!(
        "Namespace, {}, {}, {}",
        count(workloads.len(), "workload", "workloads"),
        count(n_pods, "pod", "pods"),
        count(policies.len(), "policy", "policies")
    );
    let mut inspector = Inspector { title: name.to_owned(), subtitle, yaml: yaml_of(analysis, &key), ..Inspector::default() };
    inspector.destinations = across(analysis, name, Direction::Egress);
    inspector.sources = across(analysis, name, Direction::Ingress);
    let is_here = |pod: &PodId| inventory.pods.at(*pod).namespace() == name;
    inspector.paths = analysis.entry_paths().iter().filter(|path| path.pods.iter().any(is_here)).map(reasons::path_row).collect();
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

fn entry_inspector(base: &Analysis, edited: &Analysis, id: &str) -> Option<Inspector> {
    let of = |analysis: &'_ Analysis| -> Vec<portolan_core::entry::EntryPath> {
        analysis.entry_paths().iter().filter(|path| graph::door_id(path) == id).cloned().collect()
    };
    let paths = of(edited);
    let (paths, analysis) = if paths.is_empty() { (of(base), base) } else { (paths, edited) };
    let first = paths.first()?;
    let is_ingress = first.object.kind == Kind::Ingress;
    let title = if is_ingress && !first.host.is_empty() { first.host.to_string() } else { first.title.clone() };
    let mut inspector = Inspector {
        title,
        subtitle: format!("{} {}, {}", first.object.kind.name(), first.object.path(), count(paths.len(), "path", "paths")),
        paths: paths.iter().map(reasons::path_row).collect(),
        yaml: yaml_of(analysis, &first.object),
        objects: vec![object_row(&first.object, "opens this way")],
        ..Inspector::default()
    };
    for path in &paths {
        for object in
            path.hops.iter().filter(|hop| hop.verdict != portolan_core::peer::Verdict::Allowed).filter_map(|hop| hop.object.as_ref())
        {
            let row = object_row(object, "breaks it");
            if !inspector.objects.contains(&row) {
                inspector.objects.push(row);
            }
        }
    }
    Some(inspector)
}

fn outside_inspector(analysis: &Analysis) -> Inspector {
    let paths = analysis.entry_paths();
    Inspector {
        title: "Internet".to_owned(),
        subtitle: format!("Everybody outside the cluster, {}", count(paths.len(), "way in", "ways in")),
        paths: paths.iter().map(reasons::path_row).collect(),
        ..Inspector::default()
    }
}

fn addresses_inspector(base: &Analysis, edited: &Analysis, id: &str) -> Option<Inspector> {
    let mut inspector = Inspector { title: id.split_once('/')?.1.to_owned(), ..Inspector::default() };
    let mut seen = std::collections::BTreeSet::new();
    for (analysis, is_now) in [(edited, true), (base, false)] {
        for (workload_id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
            let found = addresses::of_workload(analysis, workload_id, Direction::Egress).into_iter().find(|outside| outside.id == id);
            let Some(outside) = found else { continue };
            if !seen.insert(ids::workload(workload)) {
                continue;
            }
            if !outside.fact.is_empty() {
                inspector.subtitle.clone_from(&outside.fact);
            }
            let trace = reasons::ask(analysis, &endpoint_of(analysis, workload_id), &Endpoint::Address(outside.example));
            let tone = if is_now { outside.tone } else { Tone::Lost };
            inspector.sources.push(source_row(workload, &outside.outcome.possible, tone, &trace, Some(outside_name(&outside.title))));
        }
    }
    if inspector.subtitle.is_empty() {
        "Addresses outside the cluster".clone_into(&mut inspector.subtitle);
    }
    (!inspector.sources.is_empty()).then_some(inspector)
}

fn domain_inspector(analysis: &Analysis, name: &str) -> Inspector {
    let aliases = analysis.snapshot().records(Kind::Service).filter_map(|(key, record)| match record {
        portolan_core::record::Record::Service(service) if service.external_name == name => Some(object_row(key, "is another name of it")),
        _ => None,
    });
    let mut inspector = Inspector {
        title: name.to_owned(),
        subtitle: "A domain outside the cluster".to_owned(),
        objects: aliases.collect(),
        ..Inspector::default()
    };
    for (id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
        let domains = analysis.domains_of_workload(id);
        let Some((pattern, outcome)) = domains.into_iter().find(|(pattern, outcome)| pattern == name && !outcome.is_none()) else {
            continue;
        };
        if inspector.sources.len() >= MAX_ROWS {
            break;
        }
        let trace = reasons::ask(analysis, &endpoint_of(analysis, id), &Endpoint::Domain(pattern));
        let tone = reasons::tone_of(trace.verdict);
        inspector.sources.push(source_row(workload, &outcome.possible, tone, &trace, None));
    }
    inspector
}
