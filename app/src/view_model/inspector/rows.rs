//! The rows of a workload or a pod: whom it may reach and what may reach it, before and after the edits.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::peer::Peer;
use portolan_core::policy::Direction;
use portolan_core::reachability::Outcome;

use super::{MAX_DENIED, MAX_ROWS, MAX_SEEN, Place, Question, outside_name};
use crate::map::model::{Id, Tone};
use crate::view_model::told::{Asked, Told};
use crate::view_model::{ConnectionRow, addresses, ids, reasons, routes};

/// A workload, or one pod, as the subject of rows.
pub(super) struct Asker<'a> {
    pub(super) analysis: &'a Analysis,
    /// Whom its rules tell apart, where that is known.
    pub(super) told: Option<&'a Told>,
    pub(super) workload: WorkloadId,
    pub(super) pod: Option<PodId>,
}

impl Asker<'_> {
    fn endpoint(&self) -> Endpoint {
        match self.pod {
            Some(pod) => self.analysis.pod_endpoint(pod),
            None => endpoint_of(self.analysis, self.workload),
        }
    }

    /// What may go to or from each other workload.
    fn outcomes(&self, direction: Direction) -> Vec<(WorkloadId, Outcome)> {
        let workloads = self.analysis.inventory().workloads.entries();
        let others = workloads.filter(|(id, workload)| *id != self.workload && !workload.pods.is_empty()).map(|(id, _)| id);
        let mut asked = self.told.filter(|_| self.pod.is_none()).map(|told| Asked::new(self.analysis, told));
        let outcome = |other: WorkloadId| match (self.pod, direction) {
            (Some(pod), Direction::Egress) => self.analysis.pod_to_workload(pod, other),
            (Some(pod), Direction::Ingress) => self.analysis.workload_to_pod(other, pod),
            (None, _) => {
                let (from, to) = if direction == Direction::Egress { (self.workload, other) } else { (other, self.workload) };
                match &mut asked {
                    Some(asked) => {
                        let outcome = asked.between(from, to);
                        asked.outcome(outcome).clone()
                    }
                    None => self.analysis.between_workloads(from, to),
                }
            }
        };
        let mut outcome = outcome;
        others.map(|other| (other, outcome(other))).collect()
    }

    /// How it leaves the cluster.
    fn leaving(&self) -> routes::Leaving {
        match self.pod {
            Some(pod) => routes::of_pods(self.analysis, &[pod]),
            None => routes::of_workload(self.analysis, self.workload),
        }
    }

    /// Every other end in one direction, by the id of its node and its terms.
    fn rows(&self, direction: Direction, outcomes: &[(WorkloadId, Outcome)]) -> Rows {
        let mut rows = BTreeMap::new();
        let leaving = (direction == Direction::Egress).then(|| self.leaving());
        // Through what something outside is reached.
        let way = |ends: &[Peer]| leaving.as_ref().map(|leaving| leaving.to(ends).phrases().join(", ")).unwrap_or_default();
        for outside in addresses::of_workload(self.analysis, self.workload, direction) {
            let endpoint = Endpoint::Address(outside.example);
            let rank = u8::from(outside.tone != Tone::Open);
            let key = (rank, outside.title.clone(), outside.id.clone());
            let ends: Vec<Peer> = outside.ranges.iter().map(Peer::range).collect();
            let (outcome, place, tone) = (outside.outcome.clone(), outside.fact.clone(), outside.tone);
            rows.insert(key, Row { outcome, endpoint, place, way: way(&ends), tone, outside: Some(outside) });
        }
        let domains = if direction == Direction::Egress { self.analysis.domains_of_workload(self.workload) } else { Vec::new() };
        for (pattern, outcome) in domains.into_iter().filter(|(_, outcome)| !outcome.is_none()) {
            let tone = if outcome.certain.is_empty() { Tone::Depends } else { Tone::Allowed };
            let key = (1, pattern.to_string(), ids::domain(pattern.text()));
            let way = way(&[Peer::Domain { pattern: pattern.text().clone() }]);
            let place = "domain".to_owned();
            rows.insert(key, Row { outcome, endpoint: Endpoint::Domain(pattern), place, way, tone, outside: None });
        }
        let workloads = &self.analysis.inventory().workloads;
        for (id, outcome) in outcomes.iter().filter(|(_, outcome)| !outcome.is_none()) {
            let (workload, outcome) = (workloads.at(*id), outcome.clone());
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
            rows.insert(key, Row { outcome, endpoint: endpoint_of(self.analysis, *id), place, way: String::new(), tone, outside: None });
        }
        rows
    }
}

struct Row {
    outcome: Outcome,
    endpoint: Endpoint,
    place: String,
    /// Through what it is reached, where it is outside; may be empty.
    way: String,
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

pub(super) fn endpoint_of(analysis: &Analysis, workload: WorkloadId) -> Endpoint {
    Endpoint::Pods { peer: analysis.workload_peer(workload), pods: analysis.inventory().workloads.at(workload).pods.to_vec() }
}

/// The rows of one direction, and those of what is denied with how many there are.
pub(super) fn lists(
    question: &Question<'_>,
    before: Option<&Asker<'_>>,
    after: &Asker<'_>,
    direction: Direction,
) -> (Vec<ConnectionRow>, (Vec<ConnectionRow>, usize)) {
    let outcomes = after.outcomes(direction);
    let rows = connection_rows(question, before, after, direction, &outcomes);
    let denied = denied_rows(question, after, direction, &outcomes, &rows);
    (rows, denied)
}

/// The rows of one direction: those that the edits gain or lose first, then the outside, then its own namespace, then the others.
fn connection_rows(
    question: &Question<'_>,
    before: Option<&Asker<'_>>,
    after: &Asker<'_>,
    direction: Direction,
    outcomes: &[(WorkloadId, Outcome)],
) -> Vec<ConnectionRow> {
    let now = after.rows(direction, outcomes);
    let was = before.map(|asker| asker.rows(direction, &asker.outcomes(direction))).unwrap_or_default();
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
        let asked = question.place(list.len());
        list.push(connection_row(after, key, row, direction, tone, ports, asked));
    }
    if let Some(before) = before {
        let is_there = |id: &str| now.keys().any(|(.., new_id)| new_id == id);
        for (key, row) in was.iter().filter(|(key, row)| !is_within(&key.2, row, &now) && (row.outside.is_some() || !is_there(&key.2))) {
            if row.outside.is_none() || !is_there(&key.2) {
                let asked = question.place(changed.len());
                changed.push(connection_row(before, key, row, direction, Some(Tone::Lost), None, asked));
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
fn denied_rows(
    question: &Question<'_>,
    asker: &Asker<'_>,
    direction: Direction,
    outcomes: &[(WorkloadId, Outcome)],
    listed: &[ConnectionRow],
) -> (Vec<ConnectionRow>, usize) {
    let workloads = &asker.analysis.inventory().workloads;
    let own = &workloads.at(asker.workload).namespace;
    // What was lost is listed as that.
    let listed: BTreeSet<&str> = listed.iter().filter(|row| row.tone == Some(Tone::Lost)).map(|row| row.peer.as_str()).collect();
    let mut denied: Vec<(WorkloadId, &Workload)> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.is_none())
        .map(|(id, _)| (*id, workloads.at(*id)))
        .filter(|(_, workload)| listed.is_empty() || !listed.contains(ids::workload(workload).as_str()))
        .collect();
    // Workloads stand by namespace and name already.
    denied.sort_by_key(|(_, workload)| workload.namespace != *own);
    let rows = denied.iter().take(MAX_DENIED).enumerate().map(|(index, (id, workload))| {
        // They are listed only for who asks, and then first.
        let asked = if question.gives_reasons || index < MAX_SEEN { Place::Asked } else { Place::Waits };
        let title = format!("{}/{}", workload.namespace, workload.name);
        let endpoint = endpoint_of(asker.analysis, *id);
        let row = Row {
            outcome: Outcome::exactly(portolan_core::ports::PortSet::none()),
            endpoint,
            place: workload.namespace.to_string(),
            way: String::new(),
            tone: Tone::Denied,
            outside: None,
        };
        connection_row(asker, &(0, title, ids::workload(workload)), &row, direction, None, Some(String::new()), asked)
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
    place: Place,
) -> ConnectionRow {
    let was = if tone == Some(Tone::Lost) && ports.is_none() { "was: " } else { "" };
    let name = if id.starts_with("workload/") { title.split_once('/').map_or(title.as_str(), |(_, name)| name) } else { title };
    let told = ConnectionRow {
        peer: id.clone(),
        title: name.to_owned(),
        place: row.place.clone(),
        ports: ports.unwrap_or_else(|| row.outcome.possible.to_string()),
        tone: Some(tone.unwrap_or(row.tone)),
        waits: place == Place::Waits,
        ..ConnectionRow::default()
    };
    if place != Place::Asked {
        return told;
    }
    let own = asker.endpoint();
    let (from, to) = if direction == Direction::Egress { (&own, &row.endpoint) } else { (&row.endpoint, &own) };
    let trace = reasons::ask(asker.analysis, from, to);
    ConnectionRow {
        because: format!("{was}{}{}{}", reasons::because(&trace), if row.way.is_empty() { "" } else { "; " }, row.way),
        why: reasons::lines(&trace, matches!(row.endpoint, Endpoint::Address(_)).then_some(outside_name(title))),
        ..told
    }
}
