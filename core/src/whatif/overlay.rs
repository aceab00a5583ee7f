//! A person's edits, kept apart from the snapshot.
//!
//! Invariant: the snapshot is never written to. An edit knows what it was made over, so that a change beneath it can be told.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::object::{Object, ObjectKey};
use crate::snapshot::{Change, Snapshot};

/// A set of edits, one for each object, in the order in which they were first made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlay {
    edits: IndexMap<ObjectKey, Edit>,
}

/// What is done to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What becomes of it.
    pub kind: EditKind,
    /// What it was when the edit was first made; `None` where it was not there.
    pub base: Option<Arc<Value>>,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum EditKind {
    /// It is this now.
    Set(Arc<Value>),
    /// It is gone.
    Delete,
}

impl Edit {
    /// `created`, `changed` or `deleted`
    pub const fn verb(&self) -> &'static str {
        match (&self.kind, &self.base) {
            (EditKind::Delete, _) => "deleted",
            (EditKind::Set(_), Some(_)) => "changed",
            (EditKind::Set(_), None) => "created",
        }
    }
}

/// The cluster changed beneath an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The object.
    pub key: ObjectKey,
    /// What happened, in one sentence.
    pub sentence: String,
}

impl Overlay {
    /// Makes an object what is given, over what the snapshot has. An edit that changes nothing is dropped.
    pub fn set(&mut self, over: &Snapshot, object: Object) {
        let base = self.base_of(over, &object.key);
        if base.as_deref() == Some(&*object.raw) {
            self.revert(&object.key);
            return;
        }
        self.put(object.key, Edit { kind: EditKind::Set(object.raw), base });
    }

    /// Deletes an object. One that the edits created is simply no longer created.
    pub fn delete(&mut self, over: &Snapshot, key: &ObjectKey) {
        match self.base_of(over, key) {
            None => self.revert(key),
            base => self.put(key.clone(), Edit { kind: EditKind::Delete, base }),
        }
    }

    /// Takes the edit of an object back.
    pub fn revert(&mut self, key: &ObjectKey) {
        self.edits.shift_remove(key);
    }

    fn put(&mut self, key: ObjectKey, edit: Edit) {
        self.edits.insert(key, edit);
    }

    /// What an edit is made over: as it was when the first edit of the object was made.
    fn base_of(&self, over: &Snapshot, key: &ObjectKey) -> Option<Arc<Value>> {
        match self.edits.get(key) {
            Some(edit) => edit.base.clone(),
            None => over.object(key).map(|object| object.raw),
        }
    }

    /// The edits, in order.
    pub fn edits(&self) -> impl ExactSizeIterator<Item = (&ObjectKey, &Edit)> {
        self.edits.iter()
    }

    /// The edit of an object.
    pub fn edit(&self, key: &ObjectKey) -> Option<&Edit> {
        self.edits.get(key)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The object as it stands under the edits.
    pub fn object(&self, over: &Snapshot, key: &ObjectKey) -> Option<Object> {
        match self.edits.get(key).map(|edit| &edit.kind) {
            Some(EditKind::Set(raw)) => Some(Object { key: key.clone(), raw: Arc::clone(raw) }),
            Some(EditKind::Delete) => None,
            None => over.object(key),
        }
    }

    /// The snapshot with the edits on it. What they do not touch is shared.
    pub fn apply_to(&self, snapshot: &Snapshot) -> Snapshot {
        let mut edited = snapshot.clone();
        for (key, edit) in &self.edits {
            edited.apply(match &edit.kind {
                EditKind::Set(raw) => Change::apply(&Object { key: key.clone(), raw: Arc::clone(raw) }),
                EditKind::Delete => Change::Delete(key.clone()),
            });
        }
        edited
    }

    /// The edits beneath which the snapshot has changed since they were made.
    pub fn conflicts(&self, snapshot: &Snapshot) -> Vec<Conflict> {
        let conflicts = self.edits.iter().filter_map(|(key, edit)| {
            let now = snapshot.object(key).map(|object| object.raw);
            let sentence = match (&edit.base, &now) {
                (None, Some(_)) => "an object of this name has appeared in the cluster since",
                (Some(_), None) => "it has been deleted in the cluster since",
                (Some(was), Some(is)) if spec_differs(was, is) => "it has changed in the cluster since",
                _ => return None,
            };
            Some(Conflict { key: key.clone(), sentence: sentence.to_owned() })
        });
        conflicts.collect()
    }
}

/// Whether two states of an object differ in what a person can edit: status and bookkeeping change all the time.
fn spec_differs(a: &Value, b: &Value) -> bool {
    a != b && super::clean(a) != super::clean(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(name: &str, app: &str, version: u32) -> Object {
        let raw = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "shop", "resourceVersion": version.to_string()},
            "spec": {"selector": {"app": app}}
        });
        Object::new(raw, "").unwrap().unwrap()
    }

    fn snapshot(objects: &[Object]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for object in objects {
            snapshot.apply(Change::apply(object));
        }
        snapshot
    }

    #[test]
    fn an_edit_back_to_what_was_is_no_edit() {
        let base = snapshot(&[service("cart", "cart", 1)]);
        let mut overlay = Overlay::default();
        overlay.set(&base, service("cart", "basket", 1));
        assert_eq!(overlay.edits().next().map(|(_, edit)| edit.verb()), Some("changed"));
        overlay.set(&base, service("cart", "cart", 1));
        assert!(overlay.is_empty());
        overlay.set(&base, service("new", "x", 1));
        overlay.delete(&base, &service("new", "x", 1).key);
        assert!(overlay.is_empty(), "deleting what only the edits created leaves nothing");
    }

    #[test]
    fn applying_leaves_the_snapshot_alone() {
        let base = snapshot(&[service("cart", "cart", 1)]);
        let mut overlay = Overlay::default();
        overlay.delete(&base, &service("cart", "cart", 1).key);
        overlay.set(&base, service("new", "x", 1));
        let edited = overlay.apply_to(&base);
        let names = |snapshot: &Snapshot| snapshot.entries(crate::Kind::Service).map(|(key, _)| key.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&base), ["cart"]);
        assert_eq!(names(&edited), ["new"]);
    }

    #[test]
    fn a_change_beneath_an_edit_is_a_conflict_and_bookkeeping_is_not() {
        let base = snapshot(&[service("cart", "cart", 1)]);
        let mut overlay = Overlay::default();
        overlay.set(&base, service("cart", "basket", 1));
        assert_eq!(overlay.conflicts(&snapshot(&[service("cart", "cart", 2)])), []);
        let sentence = |snapshot: &Snapshot| overlay.conflicts(snapshot).first().map(|conflict| conflict.sentence.clone());
        assert_eq!(sentence(&snapshot(&[service("cart", "trolley", 2)])).as_deref(), Some("it has changed in the cluster since"));
        assert_eq!(sentence(&snapshot(&[])).as_deref(), Some("it has been deleted in the cluster since"));
    }
}
