//! An object as the server sends it, whole: so that nothing is lost, and garbage in one object does not break the list it is in.

use std::borrow::Cow;

use kube::api::ApiResource;
use kube::core::{DynamicResourceScope, ObjectMeta};
use portolan_core::{Kind, Object};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object as the server sends it.
#[derive(Debug, Clone)]
pub struct RawObject {
    value: Value,
    /// What kube asks of an object; empty where the metadata cannot be read.
    metadata: ObjectMeta,
}

impl RawObject {
    /// The object as of its kind, without the bookkeeping that nobody needs. Objects in lists do not say what they are, so it is
    /// said here, with the version at which the server was asked.
    ///
    /// # Errors
    /// A sentence on what is missing.
    pub fn into_object(self, kind: Kind, api_version: &str) -> Result<Object, String> {
        let Value::Object(fields) = self.value else { return Err(format!("a {} in the list is not an object", kind.name())) };
        let mut whole = serde_json::Map::new();
        whole.insert("apiVersion".to_owned(), api_version.into());
        whole.insert("kind".to_owned(), kind.name().into());
        whole.extend(fields.into_iter().filter(|(key, _)| key != "apiVersion" && key != "kind"));
        if let Some(Value::Object(metadata)) = whole.get_mut("metadata") {
            metadata.shift_remove("managedFields");
        }
        Object::new(Value::Object(whole), "")?.ok_or_else(|| format!("{} is not a kind that is read", kind.name()))
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let metadata = value.get("metadata").and_then(|metadata| ObjectMeta::deserialize(metadata).ok());
        Ok(Self { value, metadata: metadata.unwrap_or_default() })
    }
}

impl kube::Resource for RawObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// A kind as kube names it, at a version of a group that has it.
pub fn resource_of(kind: Kind, group: &str, version: &str) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") },
        kind: kind.name().to_owned(),
        plural: kind.plural().to_owned(),
    }
}
