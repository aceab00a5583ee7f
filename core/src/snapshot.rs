//! All records at one moment, and the changes that lead from one moment to the next.
//!
//! Invariant: a snapshot is a value. Cloning it shares everything; a change copies only the table of the kind that it touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::intake::{self, Entry};
use crate::labels::Labels;
use crate::object::{Kind, Object, ObjectKey, Warning};
use crate::record::Record;

type Entries = BTreeMap<ObjectKey, Arc<Entry>>;

/// All records at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    tables: BTreeMap<Kind, Arc<Entries>>,
    /// Whether a workload without pods is represented by one pod of its template: so for manifests, where no controller has made any.
    pub represents_templates: bool,
    /// What the source may not see.
    pub unseen: Unseen,
}

/// Kinds that the source may not list, with the namespaces in which it may all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unseen(pub BTreeMap<Kind, BTreeSet<SmolStr>>);

impl Unseen {
    /// Whether objects of this kind in this namespace may be there unseen.
    pub fn holds(&self, kind: Kind, namespace: &str) -> bool {
        self.0.get(&kind).is_some_and(|seen| !seen.contains(namespace))
    }
}

/// One step from a snapshot to the next.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An object is new or different.
    Apply(ObjectKey, Arc<Entry>),
    /// An object is gone.
    Delete(ObjectKey),
    /// These are all objects of a kind (in one namespace, where one is named); others of it are gone.
    Replace {
        /// The kind.
        kind: Kind,
        /// The only namespace that is spoken of, or `None` for all.
        namespace: Option<SmolStr>,
        /// The objects.
        entries: Vec<(ObjectKey, Arc<Entry>)>,
    },
    /// What the source may not see.
    Unseen(Unseen),
}

impl Change {
    /// The change that brings an object in.
    pub fn apply(object: &Object) -> Self {
        Self::Apply(object.key.clone(), Arc::new(intake::read(object)))
    }
}

impl Snapshot {
    /// Applies a change. Returns whether anything is different now.
    pub fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Apply(key, entry) => {
                if self.entry(&key).is_some_and(|old| **old == *entry) {
                    return false;
                }
                self.table_mut(key.kind).insert(key, entry);
                true
            }
            Change::Delete(key) => self.entry(&key).is_some() && self.table_mut(key.kind).remove(&key).is_some(),
            Change::Replace { kind, namespace, entries } => {
                let mut table: Entries = match (&namespace, self.tables.get(&kind)) {
                    (Some(namespace), Some(old)) => old
                        .iter()
                        .filter(|(key, _)| key.namespace != *namespace)
                        .map(|(key, entry)| (key.clone(), Arc::clone(entry)))
                        .collect(),
                    _ => Entries::new(),
                };
                table.extend(entries);
                if self.tables.get(&kind).map_or(table.is_empty(), |old| **old == table) {
                    return false;
                }
                self.tables.insert(kind, Arc::new(table));
                true
            }
            Change::Unseen(unseen) => std::mem::replace(&mut self.unseen, unseen.clone()) != unseen,
        }
    }

    /// Whether nothing of a kind has changed since, told from the tables being one and the same.
    pub(crate) fn shares(&self, other: &Self, kind: Kind) -> bool {
        match (self.tables.get(&kind), other.tables.get(&kind)) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (own, others) => own.is_none_or(|table| table.is_empty()) && others.is_none_or(|table| table.is_empty()),
        }
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Entries {
        Arc::make_mut(self.tables.entry(kind).or_default())
    }

    /// The entry of an object.
    pub fn entry(&self, key: &ObjectKey) -> Option<&Arc<Entry>> {
        self.tables.get(&key.kind)?.get(key)
    }

    /// The record of an object.
    pub fn record(&self, key: &ObjectKey) -> Option<&Record> {
        self.entry(key)?.record.as_ref()
    }

    /// The object of a key, for kinds that keep it.
    pub fn object(&self, key: &ObjectKey) -> Option<Object> {
        let raw = self.entry(key)?.raw.clone()?;
        Some(Object { key: key.clone(), raw })
    }

    /// All entries of a kind, by namespace and name.
    pub fn entries(&self, kind: Kind) -> impl Iterator<Item = (&ObjectKey, &Arc<Entry>)> {
        self.tables.get(&kind).into_iter().flat_map(|table| table.iter())
    }

    /// All records of a kind, by namespace and name.
    pub fn records(&self, kind: Kind) -> impl Iterator<Item = (&ObjectKey, &Record)> {
        self.entries(kind).filter_map(|(key, entry)| Some((key, entry.record.as_ref()?)))
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.tables.get(&kind).map_or(0, |table| table.len())
    }

    /// The warnings of all objects, in the order of kinds and names.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.tables.values().flat_map(|table| table.values()).flat_map(|entry| &entry.warnings)
    }

    /// The labels of a namespace; its name alone where it has no object.
    pub fn labels_of_namespace(&self, namespace: &SmolStr) -> Arc<Labels> {
        match self.record(&ObjectKey::new(Kind::Namespace, "", namespace.clone())) {
            Some(Record::Namespace(record)) => Arc::clone(&record.labels),
            _ => Arc::new([(intake::name_label(), namespace.as_str())].into_iter().collect()),
        }
    }

    /// The namespaces that some object names or that have an object of their own.
    pub fn namespaces(&self) -> BTreeSet<SmolStr> {
        let keys = self.tables.values().flat_map(|table| table.keys());
        keys.map(|key| if key.kind == Kind::Namespace { key.name.clone() } else { key.namespace.clone() })
            .filter(|name| !name.is_empty())
            .collect()
    }
}

/// Records of one type with their keys: `typed!(snapshot, Service)` iterates over `(&ObjectKey, &ServiceRecord)`.
macro_rules! typed {
    ($snapshot:expr, $kind:ident) => {
        $snapshot.records($crate::object::Kind::$kind).filter_map(|(key, record)| match record {
            $crate::record::Record::$kind(record) => Some((key, record)),
            _ => None,
        })
    };
}
pub(crate) use typed;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(namespace: &str, name: &str, selector: &str) -> Object {
        let raw = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": {"selector": {"app": selector}}});
        Object::new(raw, "default").unwrap().unwrap()
    }

    #[test]
    fn an_equal_object_is_no_change() {
        let mut snapshot = Snapshot::default();
        assert!(snapshot.apply(Change::apply(&object("a", "one", "x"))));
        assert!(!snapshot.apply(Change::apply(&object("a", "one", "x"))));
        assert!(snapshot.apply(Change::apply(&object("a", "one", "y"))));
        assert!(snapshot.apply(Change::Delete(object("a", "one", "y").key)));
        assert!(!snapshot.apply(Change::Delete(object("a", "one", "y").key)));
    }

    #[test]
    fn replacing_one_namespace_leaves_the_others() {
        let mut snapshot = Snapshot::default();
        for (namespace, name) in [("a", "one"), ("a", "two"), ("b", "three")] {
            snapshot.apply(Change::apply(&object(namespace, name, "x")));
        }
        let new = object("a", "four", "x");
        let entries = vec![(new.key.clone(), Arc::new(intake::read(&new)))];
        assert!(snapshot.apply(Change::Replace { kind: Kind::Service, namespace: Some("a".into()), entries: entries.clone() }));
        let names: Vec<String> = snapshot.entries(Kind::Service).map(|(key, _)| key.path()).collect();
        assert_eq!(names, ["a/four", "b/three"]);
        assert!(!snapshot.apply(Change::Replace { kind: Kind::Service, namespace: Some("a".into()), entries }));
    }
}
