//! Makes objects on which the engine and the reference differ smaller, for as long as they differ.

use serde_json::Value;

/// Drops objects, and items of their lists, one by one, wherever `differs` still holds without them.
pub(crate) fn shrink(mut objects: Vec<Value>, differs: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut is_smaller = true;
    while is_smaller {
        is_smaller = false;
        let lists: Vec<(usize, String)> =
            objects.iter().enumerate().flat_map(|(index, object)| lists(object, "").into_iter().map(move |list| (index, list))).collect();
        for index in (0..objects.len()).rev() {
            // Without its tier, a policy of Calico would be out of force.
            if objects[index]["kind"] == "Tier" {
                continue;
            }
            let mut fewer = objects.clone();
            fewer.remove(index);
            if differs(&fewer) {
                objects = fewer;
                is_smaller = true;
                break;
            }
        }
        if is_smaller {
            continue;
        }
        'lists: for (index, pointer) in lists {
            let n_items = objects[index].pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
            // Some lists would be refused if they were empty, or mean something else.
            let keeps_one =
                pointer.contains("/rules/") || pointer.ends_with("/podIPs") || pointer.ends_with("/values") || pointer.ends_with("ets");
            let first = usize::from(keeps_one && n_items == 1);
            for item in (first..n_items).rev() {
                let mut fewer = objects.clone();
                if let Some(items) = fewer[index].pointer_mut(&pointer).and_then(Value::as_array_mut) {
                    items.remove(item);
                }
                if differs(&fewer) {
                    objects = fewer;
                    is_smaller = true;
                    break 'lists;
                }
            }
        }
    }
    objects
}

/// The pointers to every list in an object, outer ones first.
fn lists(value: &Value, pointer: &str) -> Vec<String> {
    let inner = |(key, value): (String, &Value)| lists(value, &format!("{pointer}/{key}"));
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| (index.to_string(), item));
            std::iter::once(pointer.to_owned()).chain(items.flat_map(inner)).collect()
        }
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).flat_map(inner).collect(),
        _ => Vec::new(),
    }
}
