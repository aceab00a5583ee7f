//! The demo: a web shop's cluster, so that Portolan can be looked at without one.
//!
//! Its manifests are in `assets/demo`, as a team would keep them. What a cluster's controllers make of manifests (pods, addresses,
//! EndpointSlices) is made here, from names alone, so that it is the same at every start.

mod endpoints;
mod names;
mod pods;
mod services;

use std::path::Path;
use std::sync::Arc;

use portolan_core::{Kind, Object, ObjectKey, Warning};
use serde_json::{Value, json};

use super::manifests::{self, DEFAULT_NAMESPACE};

macro_rules! manifests_of {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../../assets/demo/", $name))),)*] };
}

/// The manifests, each with the name of its file.
pub const FILES: &[(&str, &str)] = manifests_of![
    "batch-policies.yaml" "batch.yaml" "catalog.yaml" "data-policies.yaml" "data.yaml" "identity-policies.yaml" "identity.yaml"
    "ingress-nginx.yaml" "kube-system.yaml" "monitoring.yaml" "orders-policies.yaml" "orders.yaml" "payments-policies.yaml"
    "payments.yaml" "shop-policies.yaml" "shop.yaml"
];

/// The demo's cluster as an API server would hold it: its manifests and what the cluster's controllers made of them.
pub fn objects() -> Vec<Object> {
    let mut objects = manifests().0;
    for object in &mut objects {
        label_namespace(object);
    }
    services::assign_addresses(&mut objects);
    let mut made = pods::of_workloads(&objects);
    made.extend(endpoints::of_services(&objects, &made));
    objects.extend(made);
    objects
}

/// The manifests alone, and what is wrong with them, which a test asserts to be nothing.
pub fn manifests() -> (Vec<Object>, Vec<Warning>) {
    let mut objects = Vec::new();
    let mut warnings = Vec::new();
    for (name, text) in FILES {
        let mut loaded = manifests::read_text(&Path::new("demo").join(name).to_string_lossy(), text, DEFAULT_NAMESPACE);
        warnings.extend(std::mem::take(&mut loaded.warnings));
        objects.extend(loaded.into_objects());
    }
    (objects, warnings)
}

/// Gives a namespace the label that an API server gives to every one.
fn label_namespace(object: &mut Object) {
    if object.key.kind == Kind::Namespace {
        let name = object.key.name.to_string();
        set(Arc::make_mut(&mut object.raw), &["metadata", "labels", "kubernetes.io/metadata.name"], json!(name));
    }
}

/// Sets a field, making the objects above it where they are missing.
fn set(value: &mut Value, path: &[&str], new: Value) {
    let mut place = value;
    for &name in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = new;
}

/// An object made here, in the shape in which a server would send it: `metadata` is what it has beside its name, `rest` what is beside
/// its metadata.
fn made(kind: Kind, namespace: &str, name: &str, metadata: Value, rest: Value) -> Object {
    let mut raw = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.name(),
        "metadata": { "name": name, "namespace": namespace, "uid": names::uid(kind, namespace, name) },
    });
    extend(&mut raw["metadata"], metadata);
    extend(&mut raw, rest);
    Object { key: ObjectKey::new(kind, namespace, name), raw: Arc::new(raw) }
}

/// Adds the fields of one object to another.
fn extend(value: &mut Value, other: Value) {
    if let (Value::Object(value), Value::Object(other)) = (value, other) {
        value.extend(other);
    }
}

/// A reference to the controller that owns an object.
fn owner(kind: Kind, namespace: &str, name: &str) -> Value {
    json!([{
        "apiVersion": kind.api_version(),
        "kind": kind.name(),
        "name": name,
        "uid": names::uid(kind, namespace, name),
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}
