//! All records at one moment, and the changes that lead from one moment to the next.
//!
//! Invariant: a snapshot is a value. Cloning it shares everything; a change copies a path of a tree, however large the snapshot is, so
//! that what two snapshots do not share is found as fast as it was made.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use internment::ArcIntern;
use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::egress::NatNote;
use crate::intake::{self, Entry};
use crate::labels::LabelSet;
use crate::object::{Kind, Object, ObjectKey, Warning};
use crate::policy::Sight;
use crate::record::Record;

/// An entry in its place by key.
#[derive(Debug, Clone)]
struct Filed(Arc<Entry>);

impl PartialEq for Filed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Filed {}

impl PartialOrd for Filed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Filed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

/// An entry, which is no other than itself.
#[derive(Debug, Clone)]
struct Itself(Arc<Entry>);

impl PartialEq for Itself {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A key to look entries up by.
struct ByKey<'a>(&'a ObjectKey);

impl equivalent::Equivalent<Filed> for ByKey<'_> {
    fn equivalent(&self, filed: &Filed) -> bool {
        *self.0 == filed.0.key
    }
}

impl equivalent::Comparable<Filed> for ByKey<'_> {
    fn compare(&self, filed: &Filed) -> Ordering {
        self.0.cmp(&filed.0.key)
    }
}

type Table = OrdMap<Filed, Itself>;

/// All records at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// One for each kind, in the order of [`Kind::ALL`].
    tables: Vec<Table>,
    /// Whether a workload without pods is represented by one pod of its template: so for manifests, where no controller has made any.
    pub represents_templates: bool,
    /// What the source may not see.
    pub unseen: Arc<Unseen>,
    /// What a person knows of the network around the cluster.
    pub nat: Arc<NatNote>,
    /// How many policies look at what: counted as they come and go, so that nobody has to look through all of them for it.
    sights: imbl::GenericHashMap<ArcIntern<Sight>, usize, FxBuildHasher, imbl::shared_ptr::DefaultSharedPtr>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            tables: vec![Table::new(); Kind::ALL.len()],
            represents_templates: false,
            unseen: Arc::default(),
            nat: Arc::default(),
            sights: imbl::GenericHashMap::default(),
        }
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        let are_alike =
            |(a, b): (&Table, &Table)| a.ptr_eq(b) || (a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| a == b || a.0 == b.0));
        self.represents_templates == other.represents_templates
            && self.unseen == other.unseen
            && self.nat == other.nat
            && self.tables.iter().zip(&other.tables).all(are_alike)
    }
}

/// What became of an object between two snapshots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    /// What it was; `None` where it was not there.
    pub(crate) old: Option<&'a Arc<Entry>>,
    /// What it is; `None` where it is gone.
    pub(crate) new: Option<&'a Arc<Entry>>,
}

impl<'a> Step<'a> {
    /// The object.
    pub(crate) fn key(&self) -> Option<&'a ObjectKey> {
        self.new.or(self.old).map(|entry| &entry.key)
    }
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
    Apply(Arc<Entry>),
    /// An object is gone.
    Delete(ObjectKey),
    /// These are all objects of a kind (in one namespace, where one is named); others of it are gone.
    Replace {
        /// The kind.
        kind: Kind,
        /// The only namespace that is spoken of, or `None` for all.
        namespace: Option<SmolStr>,
        /// The objects.
        entries: Vec<Arc<Entry>>,
    },
    /// What the source may not see.
    Unseen(Unseen),
    /// What a person knows of the network around the cluster.
    Nat(NatNote),
}

impl Change {
    /// The change that brings an object in.
    pub fn apply(object: &Object) -> Self {
        Self::Apply(Arc::new(intake::read(object)))
    }
}

impl Snapshot {
    /// Applies a change. Returns whether anything is different now.
    pub fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Apply(entry) => self.put(entry),
            Change::Delete(key) => self.remove(&key),
            Change::Replace { kind, namespace, entries } => self.replace(kind, namespace.as_ref(), entries),
            Change::Unseen(unseen) => {
                let is_different = *self.unseen != unseen;
                if is_different {
                    self.unseen = Arc::new(unseen);
                }
                is_different
            }
            Change::Nat(nat) => {
                let is_different = *self.nat != nat;
                if is_different {
                    self.nat = Arc::new(nat);
                }
                is_different
            }
        }
    }

    /// What is the same stays as it is, so that it shows.
    fn replace(&mut self, kind: Kind, namespace: Option<&SmolStr>, mut entries: Vec<Arc<Entry>>) -> bool {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let (mut come, mut gone) = (Vec::new(), Vec::new());
        let is_meant = |key: &ObjectKey| namespace.is_none_or(|namespace| key.namespace == *namespace);
        let mut old = self.entries(kind).filter(|(key, _)| is_meant(key)).peekable();
        for entry in entries {
            while let Some((key, _)) = old.next_if(|(key, _)| **key < entry.key) {
                gone.push(key.clone());
            }
            let known = old.next_if(|(key, _)| **key == entry.key);
            if known.is_none_or(|(_, known)| **known != *entry) {
                come.push(entry);
            }
        }
        gone.extend(old.map(|(key, _)| key.clone()));
        let is_different = !gone.is_empty();
        for key in gone {
            self.remove(&key);
        }
        come.into_iter().fold(is_different, |is_different, entry| self.put(entry) | is_different)
    }

    fn put(&mut self, entry: Arc<Entry>) -> bool {
        if self.entry(&entry.key).is_some_and(|old| **old == *entry) {
            return false;
        }
        // The entry that was there goes with its key.
        self.remove(&entry.key);
        if let Some(policy) = entry.policy() {
            *self.sights.entry(policy.sight.clone()).or_insert(0) += 1;
        }
        self.table_mut(entry.key.kind).insert(Filed(Arc::clone(&entry)), Itself(entry));
        true
    }

    fn remove(&mut self, key: &ObjectKey) -> bool {
        let Some(Itself(entry)) = self.table_mut(key.kind).remove(&ByKey(key)) else { return false };
        if let Some(policy) = entry.policy() {
            let n = self.sights.get(&policy.sight).copied().unwrap_or(0);
            if n > 1 {
                self.sights.insert(policy.sight.clone(), n - 1);
            } else {
                self.sights.remove(&policy.sight);
            }
        }
        true
    }

    /// What the policies that are compiled on arrival look at, and how many at each.
    pub(crate) fn sights(&self) -> impl Iterator<Item = (&Sight, usize)> {
        self.sights.iter().map(|(sight, n)| (&**sight, *n))
    }

    /// What is different of a kind in another snapshot, by key. What both share costs nothing.
    pub(crate) fn steps<'a>(&'a self, other: &'a Self, kind: Kind) -> Vec<Step<'a>> {
        let mut steps: Vec<Step<'a>> = Vec::new();
        for item in self.table(kind).diff(other.table(kind)) {
            steps.push(match item {
                DiffItem::Remove(_, Itself(old)) => Step { old: Some(old), new: None },
                DiffItem::Add(_, Itself(new)) => Step { old: None, new: Some(new) },
                DiffItem::Update { old: (_, Itself(old)), new: (_, Itself(new)) } => Step { old: Some(old), new: Some(new) },
            });
        }
        // Two lists that were read one after the other hold equal entries that are not one.
        steps.retain(|step| step.old.map(AsRef::as_ref) != step.new.map(AsRef::as_ref));
        steps
    }

    /// Whether nothing of a kind has changed since, told from the tables being one and the same.
    pub(crate) fn shares(&self, other: &Self, kind: Kind) -> bool {
        let (own, others) = (self.table(kind), other.table(kind));
        own.ptr_eq(others) || (own.is_empty() && others.is_empty())
    }

    #[expect(clippy::indexing_slicing, reason = "one table for each kind")]
    fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "one table for each kind")]
    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// The entry of an object.
    pub fn entry(&self, key: &ObjectKey) -> Option<&Arc<Entry>> {
        self.table(key.kind).get(&ByKey(key)).map(|entry| &entry.0)
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
        self.table(kind).values().map(|entry| (&entry.0.key, &entry.0))
    }

    /// All entries of a kind in one namespace, by name.
    pub fn entries_in<'a>(&'a self, kind: Kind, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        let first = ObjectKey { kind, namespace: namespace.into(), name: SmolStr::default() };
        let from = self.table(kind).range::<_, ByKey<'_>>(ByKey(&first)..);
        let entries: Vec<&Arc<Entry>> = from.map(|(_, entry)| &entry.0).take_while(|entry| entry.key.namespace == namespace).collect();
        entries.into_iter()
    }

    /// All records of a kind, by namespace and name.
    pub fn records(&self, kind: Kind) -> impl Iterator<Item = (&ObjectKey, &Record)> {
        self.entries(kind).filter_map(|(key, entry)| Some((key, entry.record.as_ref()?)))
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.table(kind).len()
    }

    /// The warnings of all objects, in the order of kinds and names.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.tables.iter().flat_map(|table| table.values()).flat_map(|entry| &entry.0.warnings)
    }

    /// The labels of a namespace; its name alone where it has no object.
    pub fn labels_of_namespace(&self, namespace: &SmolStr) -> LabelSet {
        match self.record(&ObjectKey::new(Kind::Namespace, "", namespace.clone())) {
            Some(Record::Namespace(record)) => record.labels.clone(),
            _ => [(intake::name_label(), namespace.as_str())].into_iter().collect(),
        }
    }

    /// The namespaces that some object names or that have an object of their own.
    pub fn namespaces(&self) -> BTreeSet<SmolStr> {
        let keys = self.tables.iter().flat_map(|table| table.keys()).map(|filed| &filed.0.key);
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
        let entries = vec![Arc::new(intake::read(&new))];
        assert!(snapshot.apply(Change::Replace { kind: Kind::Service, namespace: Some("a".into()), entries: entries.clone() }));
        let names: Vec<String> = snapshot.entries(Kind::Service).map(|(key, _)| key.path()).collect();
        assert_eq!(names, ["a/four", "b/three"]);
        assert!(!snapshot.apply(Change::Replace { kind: Kind::Service, namespace: Some("a".into()), entries }));
    }
}
