//! The right panel: what the selected thing may reach, what may reach it, how the outside gets there, and why.

mod entry;
mod namespace;
mod outside;
mod rows;
mod workload;

use portolan_core::ObjectKey;
use portolan_core::analysis::{Analysis, Trace};
use portolan_core::inventory::Workload;
use portolan_core::ports::PortSet;
use portolan_core::whatif::yaml;

use super::ids::Subject;
use super::request::Asked;
use super::told::Told;
use super::{ConnectionRow, Inspector, ObjectRow, ids, reasons};
use crate::map::model::Tone;

/// As many rows as are worked out with their reasons; what is beyond is counted.
const MAX_ROWS: usize = 400;

/// The same for what is denied: reasons for everything that is closed would take longer than anybody reads.
const MAX_DENIED: usize = 60;

/// As many rows of a list have their reasons at once.
const MAX_AT_ONCE: usize = 40;

/// As many rows of a list are seen before somebody scrolls.
const MAX_SEEN: usize = 10;

/// What is asked of, before and after the edits.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Without the edits.
    pub base: &'a Analysis,
    /// With them.
    pub edited: &'a Analysis,
    /// Whom its rules tell apart.
    pub told: &'a Told,
    /// Whether all rows get their reasons, not the first only.
    pub gives_reasons: bool,
}

impl Question<'_> {
    /// What becomes of the reasons of the row of this place in its list.
    const fn place(&self, index: usize) -> Place {
        match index {
            index if index < MAX_AT_ONCE => Place::Asked,
            index if index >= MAX_ROWS => Place::Left,
            _ if self.gives_reasons => Place::Asked,
            _ => Place::Waits,
        }
    }
}

/// Whether a row has its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is asked for them.
    Asked,
    /// It waits until somebody wants to know.
    Waits,
    /// Nobody scrolls down to it.
    Left,
}

/// Describes what is selected, before and after the edits.
pub fn inspect(question: Question<'_>, id: &str) -> Option<Inspector> {
    let Question { base, edited, .. } = question;
    let subject = ids::subject(edited, id).or_else(|| ids::subject(base, id))?;
    let mut inspector = match subject {
        Subject::Workload(workload) => workload::workload_inspector(&question, workload),
        Subject::Pod(pod) => workload::pod_inspector(&question, pod),
        Subject::Service(key) => entry::service_inspector(edited, &key),
        Subject::Namespace(name) => namespace::namespace_inspector(&question, &name),
        Subject::Entry => entry::entry_inspector(base, edited, id)?,
        Subject::Outside => entry::outside_inspector(edited),
        Subject::Addresses => outside::addresses_inspector(&question, id)?,
        Subject::Domain(name) => outside::domain_inspector(edited, &name),
        Subject::Exit => outside::exit_inspector(base, edited, id)?,
        Subject::Request => Asked::of_id(edited, id)?.inspector(edited),
    };
    id.clone_into(&mut inspector.id);
    Some(inspector)
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
        waits: false,
    }
}

/// The name of addresses in a sentence: `Internet, any port` is about the Internet.
fn outside_name(title: &str) -> &str {
    if title.starts_with("Internet") { "the Internet" } else { title }
}

/// A row that opens an object.
pub fn object_row(key: &ObjectKey, fact: &str) -> ObjectRow {
    ObjectRow { key: key.to_string(), title: format!("{} {}", key.kind.name(), key.name), fact: fact.to_owned() }
}

/// The object of a key as YAML, as a person would write it.
fn yaml_of(analysis: &Analysis, key: &ObjectKey) -> String {
    analysis.snapshot().object(key).map(|object| yaml::to_text(&portolan_core::whatif::clean(&object.raw))).unwrap_or_default()
}
