//! The sketch: edits by text, templates, undo, and the object in the editor.

use std::ops::RangeInclusive;

use portolan_core::intake;
use portolan_core::labels::Labels;
use portolan_core::whatif::{EditKind, Export, Overlay, clean, with_server_fields, yaml};
use portolan_core::{Kind, Object, ObjectKey};
use serde_json::{Value, json};

use super::{Session, templates};
use crate::command::{Command, Template};
use crate::view_model::inspector::object_row;
use crate::view_model::{EditRow, ObjectRow, OpenObject, Sketch, TextError, ids};

/// The object in the editor, and whether the next letter goes on with the last step.
#[derive(Default)]
pub(super) struct Editor {
    name: String,
    open: Option<Open>,
    revision: u64,
    /// The object whose text was typed into last: more of it is the same step of the history.
    typing: Option<ObjectKey>,
}

impl Editor {
    /// An editor for another source. Its revisions go on from here: an object of the same name there has another text.
    pub(super) fn emptied(&self) -> Self {
        Self { revision: self.revision, ..Self::default() }
    }

    /// What the open object is called now, by a key that it has or had since it was opened: whoever types its name is faster than the
    /// views that tell the new one.
    fn key_now(&self, key: &str) -> Option<ObjectKey> {
        let key = ids::object_key(key)?;
        let open = self.open.as_ref().filter(|open| open.key == key || open.earlier_keys.contains(&key))?;
        Some(open.key.clone())
    }
}

struct Open {
    key: ObjectKey,
    earlier_keys: Vec<ObjectKey>,
    text: String,
    errors: Vec<TextError>,
    marked_lines: Option<RangeInclusive<usize>>,
}

impl Session {
    /// Does what was asked for of the sketch.
    pub(super) fn sketch(&mut self, command: Command) {
        let goes_on = match &command {
            Command::EditText { key, .. } => self.editor.key_now(key).filter(|key| self.editor.typing.as_ref() == Some(key)),
            _ => None,
        };
        self.editor.typing = goes_on;
        match command {
            Command::OpenObject { key, pointer } => self.open_object(&key, &pointer),
            Command::CloseObject => self.editor.open = None,
            Command::EditText { key, text } => self.edit_text(&key, text),
            Command::Create(template, namespace) => self.create(template, &namespace),
            Command::Delete(key) => self.change(&key, |session, key| {
                let mut overlay = session.overlay();
                overlay.delete(session.host.snapshot(), key);
                overlay
            }),
            Command::Revert(key) => self.change(&key, |session, key| {
                let mut overlay = session.overlay();
                overlay.revert(key);
                overlay
            }),
            Command::ClearSketch => {
                self.record(Overlay::default(), false);
                self.reload_editor();
            }
            Command::NameSketch(name) => self.editor.name = name,
            Command::Undo => {
                if self.history.undo() {
                    self.answers = None;
                    self.reload_editor();
                }
            }
            Command::Redo => {
                if self.history.redo() {
                    self.answers = None;
                    self.reload_editor();
                }
            }
            // Sources are the worker's, the others the session's own.
            Command::OpenDemo(_)
            | Command::OpenManifests(_)
            | Command::OpenContext(_)
            | Command::Select(_)
            | Command::AskUrl(_)
            | Command::ToggleFold(_)
            | Command::FoldAll(_)
            | Command::Show(_)
            | Command::PutAside(_)
            | Command::BringBack(_)
            | Command::Pin(_)
            | Command::Explain(_)
            | Command::GiveReasons
            | Command::ShowAssumptions(_)
            | Command::SetProfile(_)
            | Command::Assume { .. }
            | Command::NoteNat(_)
            | Command::ResetAssumption(_)
            | Command::ExportTo(_)
            | Command::SavePicture(_)
            | Command::WritePicture(..) => {}
        }
    }

    fn overlay(&self) -> Overlay {
        (**self.history.present()).clone()
    }

    fn record(&mut self, overlay: Overlay, continues: bool) {
        self.history.record(overlay, continues);
        self.answers = None;
    }

    fn change(&mut self, key: &str, edit: impl FnOnce(&Self, &ObjectKey) -> Overlay) {
        let Some(key) = ids::object_key(key) else {
            self.notify(format!("{key} is not the name of an object"), true);
            return;
        };
        let overlay = edit(self, &key);
        self.record(overlay, false);
        self.reload_editor();
    }

    fn current(&self, key: &ObjectKey) -> Option<Object> {
        self.history.present().object(self.host.snapshot(), key)
    }

    fn open_object(&mut self, key: &str, pointer: &str) {
        let Some(key) = ids::object_key(key) else { return };
        // A deleted object can still be looked at, as it was.
        let Some(object) = self.current(&key).or_else(|| self.host.snapshot().object(&key)) else {
            let why = match self.host.snapshot().entry(&key) {
                _ if !key.kind.is_editable() => "is of a kind that a sketch does not change",
                Some(_) => "holds certificates or keys: it is not kept as it is, and a sketch does not change it",
                None => "is not there",
            };
            self.notify(format!("{key} {why}"), true);
            return;
        };
        let text = yaml::to_text(&clean(&object.raw));
        let marked_lines = (!pointer.is_empty()).then(|| yaml::lines_of(&text, pointer));
        self.editor.revision += 1;
        self.editor.open = Some(Open { errors: warnings_of(&object, &text), key, earlier_keys: Vec::new(), text, marked_lines });
    }

    fn reload_editor(&mut self) {
        let Some(key) = self.editor.open.as_ref().map(|open| open.key.clone()) else { return };
        match self.current(&key) {
            Some(_) => self.open_object(&key.to_string(), ""),
            None => self.editor.open = None,
        }
    }

    fn edit_text(&mut self, key: &str, text: String) {
        let Some(key) = self.editor.key_now(key) else { return };
        let result = self.object_of_text(&key, &text);
        let Some(open) = &mut self.editor.open else { return };
        open.marked_lines = None;
        match result {
            Err(error) => open.errors = vec![error],
            Ok(object) => {
                open.errors = warnings_of(&object, &text);
                if object.key != key {
                    open.earlier_keys.push(std::mem::replace(&mut open.key, object.key.clone()));
                }
                open.text.clone_from(&text);
                let continues = self.editor.typing.as_ref() == Some(&key);
                self.editor.typing = Some(object.key.clone());
                let mut overlay = self.overlay();
                if object.key != key {
                    overlay.revert(&key);
                }
                overlay.set(self.host.snapshot(), object);
                self.record(overlay, continues);
            }
        }
        if let Some(open) = &mut self.editor.open {
            open.text = text;
        }
    }

    /// The object that a text stands for, if it can take the place of the one that was opened.
    fn object_of_text(&self, key: &ObjectKey, text: &str) -> Result<Object, TextError> {
        let value =
            yaml::parse(text).map_err(|error| TextError { line: error.line, column: error.column, message: error.message, fatal: true })?;
        let fatal = |pointer: &str, message: String| TextError { line: yaml::line_of(text, pointer), column: 1, message, fatal: true };
        let base = self.host.snapshot().object(key);
        let value = base.as_ref().map_or_else(|| value.clone(), |base| with_server_fields(value.clone(), &base.raw));
        let object = Object::new(value, &key.namespace).map_err(|message| fatal("", message))?;
        let object = object.ok_or_else(|| fatal("/kind", "a sketch does not know this kind".to_owned()))?;
        if !object.key.kind.is_editable() {
            return Err(fatal("/kind", format!("a sketch does not change a {}", object.key.kind.name())));
        }
        let is_new_name_taken = object.key != *key && self.current(&object.key).is_some();
        if object.key != *key && base.is_some() {
            return Err(fatal(
                "/metadata/name",
                format!("this is {} and not {}: an object keeps its kind, namespace and name", object.key.path(), key.path()),
            ));
        }
        if is_new_name_taken {
            return Err(fatal("/metadata/name", format!("there is a {} {} already", object.key.kind.name(), object.key.path())));
        }
        Ok(object)
    }

    fn create(&mut self, template: Template, namespace: &str) {
        let labels = self.labels_at_hand(namespace);
        let stem = templates::stem(template);
        let named = |n: usize| if n == 1 { stem.to_owned() } else { format!("{stem}-{n}") };
        for n in 1.. {
            let value = templates::object(template, namespace, &named(n), &labels);
            let Ok(Some(object)) = Object::new(value, namespace) else { return };
            if self.current(&object.key).is_some() || self.host.snapshot().entry(&object.key).is_some() {
                continue;
            }
            let key = object.key.to_string();
            let mut overlay = self.overlay();
            overlay.set(self.host.snapshot(), object);
            self.record(overlay, false);
            self.open_object(&key, "");
            return;
        }
    }

    /// The labels of the selected workload that tell it from others, if it is in this namespace.
    fn labels_at_hand(&mut self, namespace: &str) -> Value {
        let analysis = self.edited();
        let pod = match self.selected.as_deref().and_then(|id| ids::subject(&analysis, id)) {
            Some(ids::Subject::Pod(pod)) => Some(pod),
            Some(ids::Subject::Workload(workload)) => analysis.inventory().workloads.at(workload).pods.first().copied(),
            _ => None,
        };
        let Some(pod) = pod.map(|pod| analysis.inventory().pods.at(pod)).filter(|pod| pod.namespace() == namespace) else {
            return json!({});
        };
        distinguishing(&pod.record().labels)
    }

    pub(super) fn sketch_view(&self) -> Sketch {
        let overlay = self.history.present();
        let snapshot = self.host.snapshot();
        let conflicts = overlay.conflicts(snapshot);
        let edits = overlay.edits().map(|(key, edit)| EditRow {
            key: key.to_string(),
            verb: edit.verb().to_owned(),
            title: format!("{} {}", key.kind.name(), key.path()),
            conflict: conflicts.iter().find(|conflict| conflict.key == *key).map(|conflict| conflict.sentence.clone()),
        });
        let export = Export::new(overlay);
        let deletions =
            if export.delete.is_empty() { String::new() } else { format!("# kubectl delete -f\n{}", commented(&export.delete)) };
        Sketch {
            name: if self.editor.name.is_empty() { "untitled".to_owned() } else { self.editor.name.clone() },
            edits: edits.collect(),
            objects: self.editable_objects(),
            open: self.editor.open.as_ref().map(|open| OpenObject {
                revision: self.editor.revision,
                key: open.key.to_string(),
                text: open.text.clone(),
                errors: open.errors.clone(),
                marked_lines: open.marked_lines.clone(),
            }),
            can_undo: self.history.can_undo(),
            can_redo: self.history.can_redo(),
            export_yaml: format!("{deletions}{}", export.apply),
        }
    }

    fn editable_objects(&self) -> Vec<ObjectRow> {
        let overlay = self.history.present();
        let mut keys: std::collections::BTreeSet<&ObjectKey> = std::collections::BTreeSet::new();
        for kind in Kind::ALL.iter().filter(|kind| kind.is_editable()) {
            keys.extend(self.host.snapshot().entries(*kind).filter(|(_, entry)| entry.raw.is_some()).map(|(key, _)| key));
        }
        for (key, edit) in overlay.edits() {
            match edit.kind {
                EditKind::Set(_) => keys.insert(key),
                EditKind::Delete => keys.remove(key),
            };
        }
        // What is edited most comes first.
        let rank = |kind: Kind| match kind {
            kind if kind.is_policy() => 0,
            Kind::Ingress => 1,
            Kind::Service => 2,
            _ => 3,
        };
        let mut keys: Vec<&ObjectKey> = keys.into_iter().collect();
        keys.sort_by_key(|key| rank(key.kind));
        keys.into_iter().map(|key| object_row(key, &key.namespace)).collect()
    }
}

/// The labels that people select by; revision hashes and chart versions are not.
fn distinguishing(labels: &Labels) -> Value {
    let preferred = ["app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "component"];
    let chosen: serde_json::Map<String, Value> =
        preferred.iter().filter_map(|key| labels.get(key).map(|value| ((*key).to_owned(), Value::from(value)))).take(2).collect();
    Value::Object(chosen)
}

fn commented(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

/// What intake finds wrong with an object, at the lines of its text.
fn warnings_of(object: &Object, text: &str) -> Vec<TextError> {
    let entry = intake::read(object);
    let is_lost = entry.record.is_none();
    entry
        .warnings
        .into_iter()
        .map(|warning| TextError {
            line: yaml::line_of(text, &warning.pointer),
            column: 1,
            message: format!("{}: {}", warning.pointer, warning.message),
            fatal: is_lost,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use portolan_core::assumptions::Settled;
    use portolan_core::snapshot::Change;

    use super::*;
    use crate::source::manifests;
    use crate::view_model::Freshness;

    #[test]
    fn what_holds_a_key_is_neither_shown_nor_changed() {
        let route = |name: &str, tls: &str| {
            format!(
                "---\napiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {{name: {name}, namespace: shop}}\n\
                 spec: {{host: {name}.example, to: {{kind: Service, name: web}}, tls: {{termination: edge, {tls}}}}}\n"
            )
        };
        let text = route("plain", "externalCertificate: {name: a}") + &route("keyed", "key: MIIsecret, certificate: MIIsecret");
        let mut session = Session::new(Settled::default());
        session.open(String::new(), true, Freshness::Static);
        session.apply(manifests::read_text("a.yaml", &text, "default").into_objects().map(|object| Change::apply(&object)));
        let (plain, keyed) = ("route.openshift.io/v1 Route shop/plain", "route.openshift.io/v1 Route shop/keyed");
        for (key, opens) in [(plain, true), (keyed, false)] {
            session.execute(Command::OpenObject { key: key.to_owned(), pointer: String::new() });
            let view = session.view_unless(&|| false).unwrap();
            assert_eq!(view.sketch.open.is_some_and(|open| open.key == key), opens, "{key}");
            assert_eq!(view.status.notice.is_some_and(|notice| notice.text.contains("holds certificates or keys")), !opens, "{key}");
        }
        session.execute(Command::Delete(keyed.to_owned()));
        let view = session.view_unless(&|| false).unwrap();
        assert_eq!(view.sketch.objects.iter().filter(|row| row.key.contains(" Route ")).map(|row| &row.key).collect::<Vec<_>>(), [plain]);
        assert_eq!(view.sketch.export_yaml, "");
        assert!(!format!("{view:?}").contains("MIIsecret"));
    }
}
