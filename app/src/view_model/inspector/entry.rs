//! What ways in lead through, in the inspector: everybody outside, a door, a Service.

use portolan_core::ObjectKey;
use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::inventory::WorkloadId;
use portolan_core::peer::Verdict;
use portolan_core::text::count;

use super::rows::endpoint_of;
use super::{MAX_ROWS, object_row, source_row, yaml_of};
use crate::map::model::Tone;
use crate::view_model::graph::doors;
use crate::view_model::{ConnectionRow, Inspector, ids, reasons};

/// What the object of a way in does.
const OPENS: &str = "opens this way";

/// A door, or the doors that fold into one.
pub(super) fn entry_inspector(base: &Analysis, edited: &Analysis, id: &str) -> Option<Inspector> {
    let paths = doors::paths_of(edited, id);
    let (paths, analysis) = if paths.is_empty() { (doors::paths_of(base, id), base) } else { (paths, edited) };
    let first = *paths.first()?;
    let all = doors::doors(analysis);
    let members: Vec<&doors::Door<'_>> = all.values().filter(|door| door.id == id || door.fold == id).collect();
    let title = match members.as_slice() {
        [one] => one.title.clone(),
        many => doors::title_of_many(many),
    };
    let mut objects: Vec<&ObjectKey> = paths.iter().map(|path| &path.object).collect();
    objects.sort_unstable();
    objects.dedup();
    let whose = match objects.as_slice() {
        // A Service is its own front.
        [one] if first.front == format!("{} {}", one.kind.name(), one.path()) => first.front.clone(),
        [one] => format!("{} {}, {}", one.kind.name(), one.path(), first.front),
        many => format!("{}, {}", first.front, count(many.len(), "object", "objects")),
    };
    let mut inspector = Inspector {
        title,
        subtitle: format!("{whose}, {}", count(paths.len(), "path", "paths")),
        yaml: if objects.len() == 1 { yaml_of(analysis, &first.object) } else { String::new() },
        objects: objects.iter().map(|object| object_row(object, OPENS)).collect(),
        paths: reasons::path_rows(paths.iter().copied()),
        ..Inspector::default()
    };
    for hop in paths.iter().flat_map(|path| &path.hops).filter(|hop| hop.verdict != Verdict::Allowed) {
        let Some(object) = &hop.object else { continue };
        let key = object.to_string();
        // An object is listed once, whatever it does.
        match inspector.objects.iter_mut().find(|row| row.key == key) {
            Some(row) if row.fact == OPENS => "opens this way, breaks it".clone_into(&mut row.fact),
            Some(_) => {}
            None => inspector.objects.push(object_row(object, "breaks it")),
        }
    }
    Some(inspector)
}

pub(super) fn outside_inspector(analysis: &Analysis) -> Inspector {
    let paths = analysis.entry_paths();
    Inspector {
        title: "Internet".to_owned(),
        subtitle: format!("Everybody outside the cluster, {}", count(paths.len(), "way in", "ways in")),
        paths: reasons::path_rows(paths),
        ..Inspector::default()
    }
}

pub(super) fn service_inspector(analysis: &Analysis, key: &ObjectKey) -> Inspector {
    let mut inspector = Inspector { title: key.name.to_string(), yaml: yaml_of(analysis, key), ..Inspector::default() };
    let pods = analysis.pods_of_service(key);
    inspector.subtitle = format!("Service in {}, {}", key.namespace, count(pods.len(), "pod", "pods"));
    inspector.paths = reasons::path_rows(analysis.entry_paths().iter().filter(|path| path.service.as_ref() == Some(key)));
    if analysis.snapshot().entry(key).is_none() {
        inspector.subtitle = format!("There is no such Service in {}", key.namespace);
        // Whatever names it is what can be mended.
        let mut objects: Vec<&ObjectKey> =
            analysis.entry_paths().iter().filter(|path| path.service.as_ref() == Some(key)).map(|path| &path.object).collect();
        objects.dedup();
        inspector.objects = objects.into_iter().map(|object| object_row(object, "names it")).collect();
        return inspector;
    }
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
            ..ConnectionRow::default()
        });
    }
    let to = Endpoint::Service(key.clone());
    for (id, workload) in analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()).take(MAX_ROWS) {
        let trace = reasons::ask(analysis, &endpoint_of(analysis, id), &to);
        if trace.verdict == Verdict::Denied {
            continue;
        }
        let tone = reasons::tone_of(trace.verdict);
        inspector.sources.push(source_row(workload, &trace.ports, tone, &trace, None));
    }
    inspector.objects.push(object_row(key, ""));
    inspector
}
