//! Small clusters for the tests of this house.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::EntryPath;
use crate::analysis::Analysis;
use crate::assumptions::Assumptions;
use crate::intake::Entry;
use crate::object::{Kind, Object, ObjectKey};
use crate::record::Record;
use crate::snapshot::{Change, Snapshot};

/// What a stream of YAML documents describes.
pub(super) fn snapshot(yaml: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for document in serde_yaml::Deserializer::from_str(yaml) {
        let raw = Value::deserialize(document).unwrap();
        if raw.is_null() {
            continue;
        }
        let object = Object::new(raw, "default").unwrap().unwrap();
        snapshot.apply(Change::apply(&object));
    }
    snapshot
}

/// The same with records that are not read from YAML.
pub(super) fn with(mut snapshot: Snapshot, records: impl IntoIterator<Item = (Kind, &'static str, &'static str, Record)>) -> Analysis {
    for (kind, namespace, name, record) in records {
        let key = ObjectKey::new(kind, namespace, name);
        snapshot.apply(Change::Apply(Arc::new(Entry { key, record: Some(record), raw: None, warnings: Box::default() })));
    }
    Analysis::new(snapshot, Assumptions::default())
}

/// Manifests: workloads stand for pods.
pub(super) fn analysis(yaml: &str) -> Analysis {
    let mut snapshot = snapshot(yaml);
    snapshot.represents_templates = true;
    Analysis::new(snapshot, Assumptions::default())
}

/// A cluster.
pub(super) fn live(yaml: &str) -> Analysis {
    Analysis::new(snapshot(yaml), Assumptions::default())
}

/// The way in of this title.
pub(super) fn found<'a>(analysis: &'a Analysis, title: &str) -> &'a EntryPath {
    let titles: Vec<&str> = analysis.entry_paths().iter().map(|path| path.title.as_str()).collect();
    let found = analysis.entry_paths().iter().find(|path| path.title == title);
    found.unwrap_or_else(|| panic!("no {title} among {titles:?}"))
}
