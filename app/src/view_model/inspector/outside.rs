//! What lies outside, in the inspector: addresses and domains, and who may go there.

use portolan_core::Kind;
use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::policy::Direction;

use super::rows::endpoint_of;
use super::{MAX_ROWS, Place, Question, object_row, outside_name, source_row};
use crate::map::model::Tone;
use crate::view_model::{ConnectionRow, Inspector, addresses, ids, reasons, routes};

pub(super) fn addresses_inspector(question: &Question<'_>, id: &str) -> Option<Inspector> {
    let mut inspector = Inspector { title: id.split_once('/')?.1.to_owned(), ..Inspector::default() };
    let mut seen = std::collections::BTreeSet::new();
    for (analysis, is_now) in [(question.edited, true), (question.base, false)] {
        for (workload_id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()) {
            let found = addresses::of_workload(analysis, workload_id, Direction::Egress).into_iter().find(|outside| outside.id == id);
            let Some(outside) = found else { continue };
            if !seen.insert(ids::workload(workload)) {
                continue;
            }
            if !outside.fact.is_empty() {
                inspector.subtitle.clone_from(&outside.fact);
            }
            let tone = if is_now { outside.tone } else { Tone::Lost };
            let index = inspector.sources.len();
            let place = question.place(index);
            if place != Place::Asked {
                inspector.sources.push(ConnectionRow {
                    peer: ids::workload(workload),
                    title: workload.name.to_string(),
                    place: workload.namespace.to_string(),
                    ports: outside.outcome.possible.to_string(),
                    tone: Some(tone),
                    waits: place == Place::Waits,
                    ..ConnectionRow::default()
                });
                continue;
            }
            let trace = reasons::ask(analysis, &endpoint_of(analysis, workload_id), &Endpoint::Address(outside.example));
            inspector.sources.push(source_row(workload, &outside.outcome.possible, tone, &trace, Some(outside_name(&outside.title))));
        }
    }
    if inspector.subtitle.is_empty() {
        "Addresses outside the cluster".clone_into(&mut inspector.subtitle);
    }
    (!inspector.sources.is_empty()).then_some(inspector)
}

pub(super) fn domain_inspector(analysis: &Analysis, name: &str) -> Inspector {
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
        let Some((pattern, outcome)) = domains.into_iter().find(|(pattern, outcome)| pattern.text() == name && !outcome.is_none()) else {
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

/// What leads out of the cluster: a node, a gateway, a NAT, and who leaves by it.
pub(super) fn exit_inspector(base: &Analysis, edited: &Analysis, id: &str) -> Option<Inspector> {
    // What the sketch takes away is on the map still.
    exit_of(edited, id).or_else(|| exit_of(base, id))
}

fn exit_of(analysis: &Analysis, id: &str) -> Option<Inspector> {
    let mut inspector: Option<Inspector> = None;
    for workload in analysis.inventory().workloads.iter().filter(|workload| !workload.pods.is_empty()) {
        let routes = analysis.special_routes(&workload.pods);
        let Some(route) = routes.into_iter().find(|route| ids::exit(route) == id) else { continue };
        let inspector = inspector.get_or_insert_with(|| Inspector {
            title: routes::title(&route),
            subtitle: format!("Way out: {}, {}", route.kind.words(), routes::fact(&route)),
            objects: route.object.iter().map(|key| object_row(key, "says so")).collect(),
            ..Inspector::default()
        });
        if inspector.sources.len() >= MAX_ROWS {
            break;
        }
        inspector.sources.push(ConnectionRow {
            peer: ids::workload(workload),
            title: workload.name.to_string(),
            place: workload.namespace.to_string(),
            tone: Some(routes::tone(&route)),
            because: route.sentence.clone(),
            why: reasons::hops(&[route.as_hop()]),
            ..ConnectionRow::default()
        });
    }
    inspector
}
