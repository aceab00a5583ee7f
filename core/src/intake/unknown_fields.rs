//! Fields that the API does not know: a server refuses or drops them, and a misspelt one silently changes what an object means.

use serde::Serialize;
use serde_json::Value;

use super::{Reader, escape};

/// Warns about every field of `raw` that `typed`, read from it, does not have. Metadata and status are not looked at.
pub(super) fn check<T: Serialize>(raw: &Value, typed: &T, reader: &mut Reader<'_>) {
    let Ok(known) = serde_json::to_value(typed) else { return };
    let (Some(raw), Some(known)) = (raw.as_object(), known.as_object()) else { return };
    for (key, value) in raw {
        match key.as_str() {
            "apiVersion" | "kind" | "metadata" | "status" => {}
            _ => compare(&format!("/{}", escape(key)), value, known.get(key), reader),
        }
    }
}

fn compare(pointer: &str, raw: &Value, known: Option<&Value>, reader: &mut Reader<'_>) {
    match (raw, known) {
        (Value::Null, _) => {}
        (_, None) => reader.warn(pointer, "the API knows no such field; it has no effect"),
        (Value::Object(raw), Some(Value::Object(known))) => {
            for (key, value) in raw {
                compare(&format!("{pointer}/{}", escape(key)), value, known.get(key), reader);
            }
        }
        (Value::Array(raw), Some(Value::Array(known))) => {
            for (index, value) in raw.iter().enumerate() {
                compare(&format!("{pointer}/{index}"), value, known.get(index), reader);
            }
        }
        _ => {}
    }
}
