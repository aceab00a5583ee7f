//! Objects as a server sends them, kept losslessly, whatever they look like.

use kube::api::{ApiResource, ObjectMeta};
use kube::core::{DynamicResourceScope, GroupVersionKind};
use portolan_core::object::{Kind, Object, ObjectKey, Warning};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// Any JSON at all, with as much of its metadata as could be read.
///
/// One misshapen object must not break a list of ten thousand, so nothing about the contents is an error here.
#[derive(Debug, Clone)]
pub struct RawObject {
    value: Value,
    meta: ObjectMeta,
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
            metadata.shift_remove("managedFields");
        }
        let text = |name: &str| value.pointer(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let meta = ObjectMeta {
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
            resource_version: text("/metadata/resourceVersion"),
            ..ObjectMeta::default()
        };
        Ok(Self { value, meta })
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

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

impl RawObject {
    /// The object of a kind that was asked for.
    ///
    /// `apiVersion` and `kind` are filled in, since a list leaves them out of its items.
    ///
    /// # Errors
    /// A warning where there is no name to tell the object from others by.
    pub fn into_object(self, kind: Kind, default_namespace: &str) -> Result<Object, Warning> {
        let Self { mut value, meta } = self;
        let namespace = meta.namespace.as_deref().unwrap_or(default_namespace);
        let Some(name) = meta.name.as_deref() else {
            let key = ObjectKey::new(kind, namespace, "");
            return Err(Warning::new(&key, "/metadata/name", "the server sent an object without a name; it is left out"));
        };
        let key = ObjectKey::new(kind, namespace, name);
        if let Value::Object(fields) = &mut value {
            if !fields.get("kind").is_some_and(Value::is_string) {
                fields.shift_insert(0, "kind".to_owned(), kind.name().into());
            }
            if !fields.get("apiVersion").is_some_and(Value::is_string) {
                fields.shift_insert(0, "apiVersion".to_owned(), kind.api_version().into());
            }
        }
        Ok(Object { key, raw: Arc::new(value) })
    }
}

/// What kube needs to know to ask a server for a kind.
pub fn resource_of(kind: Kind) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(kind.group(), kind.version(), kind.name()), kind.plural())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Result<Object, Warning> {
        serde_json::from_str::<RawObject>(text).unwrap().into_object(Kind::Pod, "default")
    }

    #[test]
    fn keeps_order_and_unknown_fields_and_drops_managed_fields() {
        let object =
            object(r#"{"zeta":1,"metadata":{"z":{},"managedFields":[{}],"name":"a","namespace":"n","labels":7},"spec":"nonsense"}"#)
                .unwrap();
        assert_eq!(object.key, ObjectKey::new(Kind::Pod, "n", "a"));
        assert_eq!(
            object.raw.to_string(),
            r#"{"apiVersion":"v1","kind":"Pod","zeta":1,"metadata":{"z":{},"name":"a","namespace":"n","labels":7},"spec":"nonsense"}"#
        );
    }

    #[test]
    fn garbage_is_a_warning_and_never_an_error() {
        for text in ["null", "[]", "3", r#"{"metadata":[]}"#, r#"{"metadata":{"name":7}}"#] {
            assert_eq!(object(text).unwrap_err().pointer, "/metadata/name", "{text}");
        }
    }

    #[test]
    fn asks_at_the_right_address() {
        use kube::Resource;
        assert_eq!(RawObject::url_path(&resource_of(Kind::Pod), Some("a")), "/api/v1/namespaces/a/pods");
        assert_eq!(RawObject::url_path(&resource_of(Kind::Ingress), None), "/apis/networking.k8s.io/v1/ingresses");
    }
}
