//! What the tests of intake share.

use super::Entry;
use crate::object::Object;

/// Reads the one object of a text in YAML.
pub(super) fn read(text: &str) -> Entry {
    let value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    super::read(&Object::new(value, "default").unwrap().unwrap_or_else(|| panic!("not a kind that is read: {text}")))
}

/// Where the warnings point to.
pub(super) fn pointers(entry: &Entry) -> Vec<&str> {
    entry.warnings.iter().map(|warning| warning.pointer.as_str()).collect()
}
