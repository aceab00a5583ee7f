//! The bundled clusters, so that Portolan can be looked at without one: a web shop's, a ferry line's whose ways in are broken, and a bank's
//! and a clinic's for the ways out.
//!
//! Their manifests are in `assets`, as a team would keep them. What a cluster's controllers make of manifests (pods, addresses,
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
    ($folder:literal: $($name:literal)*) => { &[$(($name, include_str!(concat!("../../../assets/", $folder, "/", $name))),)*] };
}

/// A bundled cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Demo {
    /// A web shop: who may reach what, and a payments service that may go too far
    #[default]
    Shop,
    /// A ferry line: ways in of every kind, each broken at another hop
    Ferry,
    /// A bank with Cilium: payments that may reach one domain and nothing else, and leave through a gateway
    Bank,
    /// A clinic with OpenShift: egress firewalls, addresses as which projects leave, and Routes
    Clinic,
}

impl Demo {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Shop, Self::Ferry, Self::Bank, Self::Clinic];

    /// What the window calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Shop => "Demo: a web shop",
            Self::Ferry => "Demo: broken ways in",
            Self::Bank => "Demo: a bank's ways out",
            Self::Clinic => "Demo: a clinic's ways out",
        }
    }

    /// What the status bar calls it.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Shop => "demo",
            Self::Ferry => "demo of ways in",
            Self::Bank => "demo of a bank",
            Self::Clinic => "demo of a clinic",
        }
    }

    /// The folder in `assets`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Shop => "demo",
            Self::Ferry => "ways-in",
            Self::Bank => "bank",
            Self::Clinic => "clinic",
        }
    }

    /// The manifests, each with the name of its file.
    pub const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Shop => manifests_of!["demo":
                "batch-policies.yaml" "batch.yaml" "catalog.yaml" "data-policies.yaml" "data.yaml" "identity-policies.yaml"
                "identity.yaml" "ingress-nginx.yaml" "kube-system.yaml" "monitoring.yaml" "orders-policies.yaml" "orders.yaml"
                "payments-policies.yaml" "payments.yaml" "shop-policies.yaml" "shop.yaml"
            ],
            Self::Ferry => {
                manifests_of!["ways-in": "edge.yaml" "fares.yaml" "partners.yaml" "tickets-ingress.yaml" "tickets-routes.yaml" "tickets.yaml"]
            }
            Self::Bank => manifests_of!["bank":
                "cluster-policies.yaml" "kube-system.yaml" "nodes.yaml" "payments-policies.yaml" "payments.yaml" "reports.yaml" "web.yaml"
            ],
            Self::Clinic => manifests_of!["clinic": "lab.yaml" "nodes.yaml" "platform.yaml" "portal.yaml" "records.yaml"],
        }
    }

    /// The cluster as an API server would hold it: its manifests and what the cluster's controllers made of them.
    pub fn objects(self) -> Vec<Object> {
        let mut objects = self.manifests().0;
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
    pub fn manifests(self) -> (Vec<Object>, Vec<Warning>) {
        let mut objects = Vec::new();
        let mut warnings = Vec::new();
        for (name, text) in self.files() {
            let mut loaded = manifests::read_text(&Path::new(self.folder()).join(name).to_string_lossy(), text, DEFAULT_NAMESPACE);
            warnings.extend(std::mem::take(&mut loaded.warnings));
            objects.extend(loaded.into_objects());
        }
        (objects, warnings)
    }
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
