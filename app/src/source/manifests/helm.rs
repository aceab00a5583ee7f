//! Tells templates, which must be rendered before they are manifests, from manifests.

use portolan_core::Object;
use serde_json::Value;

/// What a person should do about a template.
pub const ADVICE: &str = "render it first, for example with `helm template`, and read the result";

/// Whether a text that is no YAML may be a template.
pub fn looks_like_template(text: &str) -> bool {
    text.contains("{{")
}

/// Whether the parts of an object that decide about traffic have template expressions in them. Elsewhere, in annotations or in a
/// container's arguments, they may be meant for another program.
pub fn is_template(object: &Object) -> bool {
    const PARTS: [&str; 7] = [
        "/metadata/name",
        "/metadata/namespace",
        "/metadata/labels",
        "/spec/selector",
        "/spec/template/metadata",
        "/spec/replicas",
        "/metadata/ownerReferences",
    ];
    if object.key.kind.is_editable() && object.raw.get("spec").is_some_and(has_expression) {
        return true;
    }
    PARTS.iter().filter_map(|pointer| object.raw.pointer(pointer)).any(has_expression)
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => looks_like_template(text),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(map) => map.iter().any(|(key, value)| key != "annotations" && (looks_like_template(key) || has_expression(value))),
        _ => false,
    }
}
