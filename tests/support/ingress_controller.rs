//! Ingresses and Routes as netpol-analyzer reads them: one pseudo source, `{ingress-controller}`, that may be anywhere in the cluster.
//!
//! What it reaches are the pods of ways in, on the TCP ports that their containers declare, where the pods' own policies let in a pod that
//! bears no label, in a namespace that bears none. Hosts, paths and classes are not looked at, nor whether pods are ready.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::Analysis;
use portolan_core::assumptions::Assumptions;
use portolan_core::ports::{PortSet, Protocol};
use portolan_core::{Kind, ObjectKey};
use serde_json::{Value, json};

use crate::fixture;
use crate::oracle::{Listing, list, text};

/// What netpol-analyzer calls it.
pub const SOURCE: &str = "{ingress-controller}";
/// What stands for it.
pub const SOURCE_POD: &str = "somewhere/ingress-controller";

/// What one Ingress or Route opens of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The Ingress or Route.
    pub object: ObjectKey,
    /// The Service that it leads through.
    pub service: String,
    /// The port of the workload's pods.
    pub port: u16,
}

/// The pseudo source, and what Ingresses and Routes open to it.
#[derive(Debug)]
pub struct IngressController {
    /// The analysis of the objects with the pod that stands for it.
    pub analysis: Analysis,
    /// By workload, as netpol-analyzer names it: `shop/cart[Deployment]`.
    pub openings: BTreeMap<String, Vec<Opening>>,
}

impl IngressController {
    /// Finds what is opened; `None` where there is neither an Ingress nor a Route.
    pub fn of(objects: &[Value], assumptions: Assumptions) -> Option<Self> {
        if !objects.iter().any(|object| ["Ingress", "Route"].contains(&text(object, "kind"))) {
            return None;
        }
        let analysis = fixture::analysis(&as_it_reads(objects), assumptions);
        let mut openings: BTreeMap<String, Vec<Opening>> = BTreeMap::new();
        for path in analysis.entry_paths() {
            if !matches!(path.object.kind, Kind::Ingress | Kind::OpenShiftRoute) {
                continue;
            }
            for (pod, port) in path.pods.iter().zip(&path.pod_ports) {
                let pod = analysis.inventory().pods.at(*pod);
                let is_declared = |port: u16| pod.record().ports.iter().any(|own| own.port == port && own.protocol == Protocol::Tcp);
                let Some(port) = port.filter(|port| is_declared(*port)) else { continue };
                let workload = analysis.workload_peer(pod.workload).to_string().replace("[]", "[Pod]");
                let service = path.service.as_ref().map(|key| key.name.to_string()).unwrap_or_default();
                let opening = Opening { object: path.object.clone(), service, port };
                let of_workload = openings.entry(workload).or_default();
                if !of_workload.contains(&opening) {
                    of_workload.push(opening);
                }
            }
        }
        Some(Self { analysis, openings })
    }

    /// What it reaches, by workload. Where that is not certain, a sentence.
    pub fn reached(&self) -> (BTreeMap<String, PortSet>, Vec<String>) {
        let (mut reached, mut uncertain) = (BTreeMap::new(), Vec::new());
        for (workload, openings) in &self.openings {
            let numbers: BTreeSet<u16> = openings.iter().map(|opening| opening.port).collect();
            let mut ports = PortSet::none();
            for number in numbers {
                use portolan_core::peer::Verdict;
                let asked = fixture::ask(&self.analysis, SOURCE_POD, &name_of(workload), &format!("{number}/TCP"));
                match asked.map(|trace| trace.ingress.verdict) {
                    Ok(Verdict::Allowed) => ports = ports.union(&PortSet::one(Protocol::Tcp, number)),
                    Ok(Verdict::Denied) => {}
                    Ok(Verdict::Depends) => uncertain.push(format!("{SOURCE} => {workload} {number}/TCP depends")),
                    Err(error) => uncertain.push(format!("{SOURCE} => {workload}: {error}")),
                }
            }
            if !ports.is_empty() {
                reached.insert(workload.clone(), ports);
            }
        }
        (reached, uncertain)
    }

    /// Adds its lines to a listing.
    pub fn add_to(&self, listing: &mut Listing) {
        let (reached, uncertain) = self.reached();
        listing.others.extend(uncertain);
        for (workload, ports) in reached {
            listing.add(SOURCE, &workload, ports);
        }
    }
}

/// `shop/cart[Deployment]` as we are asked for it: `shop/deployment/cart`.
pub fn name_of(workload: &str) -> String {
    let (path, kind) = workload.strip_suffix(']').and_then(|workload| workload.split_once('[')).unwrap_or((workload, "Pod"));
    let (namespace, name) = path.split_once('/').unwrap_or(("default", path));
    format!("{namespace}/{}/{name}", kind.to_lowercase())
}

/// The objects with all taken away that it does not look at, and with the pod that stands for it.
fn as_it_reads(objects: &[Value]) -> Vec<Value> {
    let is_read = |object: &&Value| !["IngressClass", "EndpointSlice"].contains(&text(object, "kind"));
    let mut read: Vec<Value> = objects.iter().filter(is_read).cloned().collect();
    let services: Vec<Value> = read.iter().filter(|object| text(object, "kind") == "Service").cloned().collect();
    let mut n_hosts = 0;
    let mut host = || {
        n_hosts += 1;
        json!(format!("n{n_hosts}.example"))
    };
    for object in &mut read {
        match text(object, "kind") {
            "Ingress" => {
                let namespace = text(&object["metadata"], "namespace").to_owned();
                clear(object, &["/status", "/spec/ingressClassName", "/spec/tls", "/metadata/annotations"]);
                for rule in object["spec"]["rules"].as_array_mut().into_iter().flatten() {
                    rule["host"] = host();
                    for (n, path) in rule["http"]["paths"].as_array_mut().into_iter().flatten().enumerate() {
                        (path["path"], path["pathType"]) = (json!(format!("/{n}")), json!("Exact"));
                        let backend = &mut path["backend"]["service"];
                        if let Some(port) = port_of_target(&services, &namespace, backend) {
                            backend["port"]["number"] = port;
                        }
                    }
                }
            }
            "Route" => {
                clear(object, &["/status", "/spec/path", "/metadata/annotations"]);
                object["spec"]["host"] = host();
            }
            "Pod" if object.get("status").is_some() => {
                object["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
            }
            _ => {}
        }
    }
    let (namespace, name) = SOURCE_POD.split_once('/').unwrap_or_default();
    read.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    read.push(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {"containers": [{"name": "c"}]}
    }));
    read.push(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "any", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "example.com/any"}
    }));
    read
}

fn clear(object: &mut Value, pointers: &[&str]) {
    for pointer in pointers {
        let Some((parent, field)) = pointer.rsplit_once('/') else { continue };
        if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(field);
        }
    }
}

/// The Service's port that leads to the port which a backend names, where the Service has none of that number: netpol-analyzer takes the
/// number of a target port too. The API does not: `ServiceBackendPort` is a port of the Service.
fn port_of_target(services: &[Value], namespace: &str, backend: &Value) -> Option<Value> {
    let wanted = backend.pointer("/port/number")?;
    let is_it = |service: &&Value| {
        let meta = &service["metadata"];
        let own = text(meta, "namespace");
        meta["name"] == backend["name"] && (own == namespace || (own.is_empty() && namespace == "default"))
    };
    let ports = list(&services.iter().find(is_it)?["spec"], "ports");
    if ports.iter().any(|port| port["port"] == *wanted) {
        return None;
    }
    ports.iter().find(|port| port["targetPort"] == *wanted).map(|port| port["port"].clone())
}
