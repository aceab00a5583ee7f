//! What to hand over: changed objects as YAML for `kubectl apply`, deletions as YAML for `kubectl delete`.

use serde_json::{Value, json};

use super::{EditKind, Overlay, yaml};

/// The edits as files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Export {
    /// Created and changed objects, for `kubectl apply -f`; empty where there is none.
    pub apply: String,
    /// Deleted objects by name, for `kubectl delete -f`; empty where there is none.
    pub delete: String,
}

impl Export {
    /// Writes the edits out, in their order.
    pub fn new(overlay: &Overlay) -> Self {
        let mut export = Self::default();
        for (key, edit) in overlay.edits() {
            match &edit.kind {
                EditKind::Set(raw) => append(&mut export.apply, &clean(raw)),
                EditKind::Delete => {
                    let mut metadata = json!({"name": key.name.as_str()});
                    if !key.namespace.is_empty() {
                        metadata = json!({"name": key.name.as_str(), "namespace": key.namespace.as_str()});
                    }
                    // The version at which it was read is one that the server has.
                    let api_version = edit.base.as_ref().and_then(|base| base.get("apiVersion")?.as_str().map(str::to_owned));
                    append(
                        &mut export.delete,
                        &json!({"apiVersion": api_version.unwrap_or_else(|| key.kind.api_version()), "kind": key.kind.name(), "metadata": metadata}),
                    );
                }
            }
        }
        export
    }
}

fn append(text: &mut String, object: &Value) {
    if !text.is_empty() {
        text.push_str("---\n");
    }
    text.push_str(&yaml::to_text(object));
}

/// What a server sets and a person does not write: gone from what is shown, compared and exported.
const SERVER_METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

const APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object without what the server sets; everything else as it was, unknown fields and order included.
pub fn clean(object: &Value) -> Value {
    let Value::Object(fields) = object else { return object.clone() };
    let kept = fields.iter().filter(|(key, _)| *key != "status").map(|(key, value)| match (key.as_str(), value) {
        ("metadata", Value::Object(metadata)) => {
            let kept = metadata.iter().filter(|(key, _)| !SERVER_METADATA.contains(&key.as_str()));
            let kept = kept.filter_map(|(key, value)| match (key.as_str(), value) {
                ("annotations", Value::Object(annotations)) if annotations.contains_key(APPLIED_ANNOTATION) => {
                    let rest: serde_json::Map<String, Value> = annotations
                        .iter()
                        .filter(|(key, _)| *key != APPLIED_ANNOTATION)
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    (!rest.is_empty()).then(|| (key.clone(), Value::Object(rest)))
                }
                _ => Some((key.clone(), value.clone())),
            });
            (key.clone(), Value::Object(kept.collect()))
        }
        _ => (key.clone(), value.clone()),
    });
    Value::Object(kept.collect())
}

/// An edited object with what the server had set on it put back: a person edits the cleaned text, and the status (a load balancer's
/// address, for one) is not theirs to lose. Fields that the edit has itself stay as they are.
pub fn with_server_fields(mut edited: Value, base: &Value) -> Value {
    let Value::Object(fields) = &mut edited else { return edited };
    if let Some(status) = base.get("status")
        && !fields.contains_key("status")
    {
        fields.insert("status".to_owned(), status.clone());
    }
    if let (Some(Value::Object(metadata)), Some(Value::Object(was))) = (fields.get_mut("metadata"), base.get("metadata")) {
        for key in SERVER_METADATA {
            if let Some(value) = was.get(*key)
                && !metadata.contains_key(*key)
            {
                metadata.insert((*key).to_owned(), value.clone());
            }
        }
        if let Some(applied) = was.get("annotations").and_then(|annotations| annotations.get(APPLIED_ANNOTATION)) {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if let Value::Object(annotations) = annotations {
                annotations.entry(APPLIED_ANNOTATION).or_insert_with(|| applied.clone());
            }
        }
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_set_is_gone_and_the_rest_is_as_it_was() {
        let object = json!({
            "kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1",
            "metadata": {
                "name": "a", "uid": "1", "resourceVersion": "7", "managedFields": [], "generation": 2, "creationTimestamp": "now",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}, "labels": {"z": "1", "a": "2"}
            },
            "spec": {"unknownField": [1, {"b": null, "a": 1}], "podSelector": {}},
            "status": {}
        });
        let expected = json!({
            "kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1",
            "metadata": {"name": "a", "labels": {"z": "1", "a": "2"}},
            "spec": {"unknownField": [1, {"b": null, "a": 1}], "podSelector": {}},
        });
        assert_eq!(serde_json::to_string(&clean(&object)).unwrap(), serde_json::to_string(&expected).unwrap());
        assert_eq!(with_server_fields(clean(&object), &object), object);
    }

    #[test]
    fn what_is_deleted_is_named_at_the_version_at_which_it_was_read() {
        let raw = json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": "a", "namespace": "b"}, "spec": {}});
        let object = crate::Object::new(raw, "").unwrap().unwrap();
        let key = object.key.clone();
        let mut snapshot = crate::snapshot::Snapshot::default();
        snapshot.apply(crate::snapshot::Change::apply(&object));
        let mut overlay = Overlay::default();
        overlay.delete(&snapshot, &key);
        assert!(Export::new(&overlay).delete.contains("networking.istio.io/v1beta1"));
    }
}
