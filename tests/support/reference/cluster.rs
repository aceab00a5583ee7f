//! What a cluster holds besides policies: pods, the labels of namespaces, and nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use portolan_core::assumptions::{Assumptions, FinishedPods, HostNetworkPods};
use serde_json::Value;

use super::End;
use super::matching::{Labels, string_map};
use crate::oracle::{list, text};

/// A pod, or what a workload's template would make.
#[derive(Debug, Clone, Default)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The kind of the object that it was read from.
    pub kind: String,
    /// Its addresses, where they are known.
    pub addresses: Vec<IpAddr>,
    pub(super) labels: Labels,
    /// Whether it runs, or has run: the object has a status.
    pub(super) is_running: bool,
    /// Whether the proxy of a mesh is among its containers.
    pub(super) has_proxy: bool,
    /// The name of its service account.
    pub(super) account: String,
    /// Name, protocol and number of its container ports.
    pub(super) ports: Vec<(String, String, u64)>,
    /// Whether it is on its node's network, and that counts.
    pub(super) is_node: bool,
    /// The name of its node.
    pub(super) node: String,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) name: String,
    pub(super) labels: Labels,
    /// Its addresses, inside and outside.
    pub addresses: Vec<IpAddr>,
}

impl Node {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Everything that is not a policy.
#[derive(Debug, Default)]
pub struct Cluster {
    /// The pods that count.
    pub pods: Vec<Pod>,
    /// The nodes that have an object.
    pub nodes: Vec<Node>,
    /// The addresses of the API server, where they are known.
    pub(super) api_server: BTreeSet<IpAddr>,
    namespaces: BTreeMap<String, Labels>,
    /// The labels of service accounts, by namespace and name.
    accounts: BTreeMap<(String, String), Labels>,
}

const WORKLOADS: [&str; 7] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "CronJob", "Job"];

impl Cluster {
    /// Reads the objects.
    pub(super) fn new(objects: &[Value], assumptions: &Assumptions) -> Self {
        let mut cluster = Self::default();
        let mut owners = BTreeSet::new();
        for object in objects {
            let meta = &object["metadata"];
            match text(object, "kind") {
                "Namespace" => {
                    cluster.namespaces.insert(text(meta, "name").to_owned(), string_map(&meta["labels"]));
                }
                "EndpointSlice" if meta["labels"]["kubernetes.io/service-name"] == "kubernetes" && namespace_of(object) == "default" => {
                    let addresses = list(object, "endpoints").iter().flat_map(|endpoint| list(endpoint, "addresses"));
                    cluster.api_server.extend(addresses.filter_map(|address| address.as_str()?.parse::<IpAddr>().ok()));
                }
                "ServiceAccount" => {
                    let key = (namespace_of(object), text(meta, "name").to_owned());
                    cluster.accounts.insert(key, string_map(&meta["labels"]));
                }
                "Node" if text(object, "apiVersion") == "v1" => cluster.nodes.push(node(object)),
                "Pod" if text(object, "apiVersion") == "v1" => {
                    let is_finished = matches!(text(&object["status"], "phase"), "Succeeded" | "Failed");
                    if is_finished && assumptions.finished_pods == FinishedPods::Absent {
                        continue;
                    }
                    for owner in list(meta, "ownerReferences") {
                        owners.insert((namespace_of(object), text(owner, "kind").to_owned(), text(owner, "name").to_owned()));
                    }
                    cluster.pods.push(pod(object, meta, &object["spec"], &object["status"]));
                }
                _ => {}
            }
        }
        // A ReplicaSet's pods are its Deployment's, a Job's its CronJob's.
        for object in objects {
            let this = (namespace_of(object), text(object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            if owners.contains(&this) {
                for owner in list(&object["metadata"], "ownerReferences") {
                    owners.insert((this.0.clone(), text(owner, "kind").to_owned(), text(owner, "name").to_owned()));
                }
            }
        }
        for object in objects.iter().filter(|object| WORKLOADS.contains(&text(object, "kind"))) {
            let this = (namespace_of(object), text(object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            let pointer = if this.1 == "CronJob" { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
            if let (false, true, Some(template)) =
                (owners.contains(&this), list(&object["metadata"], "ownerReferences").is_empty(), object.pointer(pointer))
            {
                cluster.pods.push(pod(object, &template["metadata"], &template["spec"], &Value::Null));
            }
        }
        if assumptions.host_network_pods == HostNetworkPods::Ordinary {
            cluster.pods.iter_mut().for_each(|pod| pod.is_node = false);
        }
        cluster
    }

    /// The pod at an end, if there is one.
    pub(super) fn pod(&self, end: End) -> Option<&Pod> {
        match end {
            End::Pod(pod) => Some(&self.pods[pod]),
            End::Address(_) | End::Name(_) => None,
        }
    }

    /// The name of the node that has an address.
    pub(super) fn node_at(&self, address: IpAddr) -> Option<&str> {
        self.nodes.iter().find(|node| node.addresses.contains(&address)).map(|node| node.name.as_str())
    }

    /// The labels of a service account; none where it has no object.
    pub(super) fn account_labels(&self, namespace: &str, name: &str) -> Labels {
        self.accounts.get(&(namespace.to_owned(), name.to_owned())).cloned().unwrap_or_default()
    }

    /// Whether an end is a pod with an address of its own.
    pub(super) fn is_ordinary_pod(&self, end: End) -> bool {
        self.pod(end).is_some_and(|pod| !pod.is_node)
    }

    /// The labels of a namespace, with the one that every namespace has.
    pub(super) fn namespace_labels(&self, name: &str) -> Labels {
        let mut labels = self.namespaces.get(name).cloned().unwrap_or_default();
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        labels
    }
}

pub(super) fn namespace_of(object: &Value) -> String {
    let namespace = text(&object["metadata"], "namespace");
    if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() }
}

fn node(object: &Value) -> Node {
    let addresses = list(&object["status"], "addresses").iter();
    let addresses = addresses.filter(|address| matches!(text(address, "type"), "InternalIP" | "ExternalIP"));
    Node {
        name: text(&object["metadata"], "name").to_owned(),
        labels: string_map(&object["metadata"]["labels"]),
        addresses: addresses.filter_map(|address| text(address, "address").parse().ok()).collect(),
    }
}

fn pod(object: &Value, meta: &Value, spec: &Value, status: &Value) -> Pod {
    let containers = || list(spec, "containers").iter().chain(list(spec, "initContainers"));
    let mut pod = Pod {
        is_running: !status.is_null(),
        has_proxy: containers().any(|container| text(container, "name") == "istio-proxy"),
        namespace: namespace_of(object),
        name: text(&object["metadata"], "name").to_owned(),
        kind: text(object, "kind").to_owned(),
        labels: string_map(&meta["labels"]),
        account: Some(text(spec, "serviceAccountName")).filter(|name| !name.is_empty()).unwrap_or("default").to_owned(),
        is_node: spec["hostNetwork"] == true,
        node: text(spec, "nodeName").to_owned(),
        ..Pod::default()
    };
    let sidecars = list(spec, "initContainers").iter().filter(|container| text(container, "restartPolicy") == "Always");
    for port in list(spec, "containers").iter().chain(sidecars).flat_map(|container| list(container, "ports")) {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        pod.ports.push((text(port, "name").to_owned(), protocol.to_owned(), port["containerPort"].as_u64().unwrap_or(0)));
    }
    let ips = list(status, "podIPs").iter().map(|ip| text(ip, "ip")).chain([text(status, "podIP")]);
    pod.addresses = ips.filter_map(|ip| ip.parse().ok()).collect::<BTreeSet<IpAddr>>().into_iter().collect();
    pod
}
