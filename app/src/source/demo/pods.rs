//! What a cluster's controllers make of workloads: ReplicaSets, Jobs and pods, with addresses, on six nodes.

use std::collections::HashMap;

use portolan_core::{Kind, Object};
use serde_json::{Value, json};

use super::{made, names, owner};

/// How many nodes the cluster has.
const N_NODES: u8 = 6;

/// The pods that are not ready, by the name of their workload and their number: a cluster always has one.
const NOT_READY: &[(&str, u64)] = &[("recommendations", 2), ("map", 0), ("map", 1)];

/// The CronJob whose Job still runs; those of the others are done.
const RUNNING_JOB: &str = "reindex-catalog";

/// The ReplicaSets, Jobs and pods of all workloads.
pub fn of_workloads(objects: &[Object]) -> Vec<Object> {
    let mut cluster = Cluster::default();
    for object in objects {
        match object.key.kind {
            Kind::Deployment => cluster.deployment(object),
            Kind::StatefulSet => cluster.stateful_set(object),
            Kind::DaemonSet => cluster.daemon_set(object),
            Kind::CronJob => cluster.cron_job(object),
            _ => {}
        }
    }
    cluster.made
}

/// What has been made so far.
#[derive(Default)]
struct Cluster {
    made: Vec<Object>,
    n_addresses_by_node: HashMap<u8, u8>,
}

/// A pod to be made.
struct NewPod<'a> {
    namespace: &'a str,
    name: String,
    /// The node's number, from 0.
    node: u8,
    template: &'a Value,
    labels: Vec<(&'static str, String)>,
    owners: Value,
    phase: &'static str,
    is_ready: bool,
}

impl Cluster {
    fn deployment(&mut self, object: &Object) {
        let (namespace, name) = (object.key.namespace.as_str(), object.key.name.as_str());
        let template = &object.raw["spec"]["template"];
        let hash = names::suffix(&format!("{namespace}/{name} {template}"), 10);
        let set_name = format!("{name}-{hash}");
        let n_pods = replicas(object);

        let mut set_template = template.clone();
        set_template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let mut selector = object.raw["spec"]["selector"].clone();
        selector["matchLabels"]["pod-template-hash"] = json!(hash);
        let metadata = json!({ "labels": set_template["metadata"]["labels"], "ownerReferences": owner(Kind::Deployment, namespace, name) });
        let spec = json!({ "replicas": n_pods, "selector": selector, "template": set_template });
        let status = json!({ "replicas": n_pods });
        self.made.push(made(Kind::ReplicaSet, namespace, &set_name, metadata, json!({ "spec": spec, "status": status })));

        for number in 0..n_pods {
            self.pod(NewPod {
                namespace,
                name: format!("{set_name}-{}", names::suffix(&format!("{namespace}/{set_name} {number}"), 5)),
                node: node_of(object, number),
                template,
                labels: vec![("pod-template-hash", hash.clone())],
                owners: owner(Kind::ReplicaSet, namespace, &set_name),
                phase: "Running",
                is_ready: !NOT_READY.contains(&(name, number)),
            });
        }
    }

    fn stateful_set(&mut self, object: &Object) {
        let (namespace, name) = (object.key.namespace.as_str(), object.key.name.as_str());
        for number in 0..replicas(object) {
            let pod_name = format!("{name}-{number}");
            self.pod(NewPod {
                namespace,
                node: node_of(object, number),
                template: &object.raw["spec"]["template"],
                labels: vec![
                    ("apps.kubernetes.io/pod-index", number.to_string()),
                    ("controller-revision-hash", revision(object)),
                    ("statefulset.kubernetes.io/pod-name", pod_name.clone()),
                ],
                name: pod_name,
                owners: owner(Kind::StatefulSet, namespace, name),
                phase: "Running",
                is_ready: true,
            });
        }
    }

    fn daemon_set(&mut self, object: &Object) {
        let (namespace, name) = (object.key.namespace.as_str(), object.key.name.as_str());
        for node in 0..N_NODES {
            self.pod(NewPod {
                namespace,
                name: format!("{name}-{}", names::suffix(&format!("{namespace}/{name} {node}"), 5)),
                node,
                template: &object.raw["spec"]["template"],
                labels: vec![("controller-revision-hash", revision(object)), ("pod-template-generation", "1".to_owned())],
                owners: owner(Kind::DaemonSet, namespace, name),
                phase: "Running",
                is_ready: true,
            });
        }
    }

    fn cron_job(&mut self, object: &Object) {
        let (namespace, name) = (object.key.namespace.as_str(), object.key.name.as_str());
        // A Job bears the minute of its start, counted from 1970.
        let job_name = format!("{name}-{}", 29_380_000 + names::number(&object.key.path()) % 10_000);
        let job_spec = &object.raw["spec"]["jobTemplate"]["spec"];
        let is_running = name == RUNNING_JOB;
        let uid = names::uid(Kind::Job, namespace, &job_name);

        let labels = vec![
            ("batch.kubernetes.io/controller-uid", uid.clone()),
            ("batch.kubernetes.io/job-name", job_name.clone()),
            ("controller-uid", uid.clone()),
            ("job-name", job_name.clone()),
        ];
        let mut spec = job_spec.clone();
        spec["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
        for (label, value) in &labels {
            spec["template"]["metadata"]["labels"][*label] = json!(value);
        }
        let metadata =
            json!({ "labels": spec["template"]["metadata"]["labels"], "ownerReferences": owner(Kind::CronJob, namespace, name) });
        let status = if is_running { json!({ "active": 1 }) } else { json!({ "succeeded": 1 }) };
        self.made.push(made(Kind::Job, namespace, &job_name, metadata, json!({ "spec": spec, "status": status })));

        self.pod(NewPod {
            namespace,
            name: format!("{job_name}-{}", names::suffix(&job_name, 5)),
            node: node_of(object, 0),
            template: &job_spec["template"],
            labels,
            owners: owner(Kind::Job, namespace, &job_name),
            phase: if is_running { "Running" } else { "Succeeded" },
            is_ready: is_running,
        });
    }

    fn pod(&mut self, pod: NewPod<'_>) {
        let mut spec = pod.template["spec"].clone();
        spec["nodeName"] = json!(node_name(pod.node));
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                if port.get("protocol").is_none() {
                    port["protocol"] = json!("TCP");
                }
                if pod.template["spec"]["hostNetwork"] == true {
                    port["hostPort"] = port["containerPort"].clone();
                }
            }
        }
        let node_address = format!("10.0.0.{}", 11 + pod.node);
        let address = if spec["hostNetwork"] == true { node_address.clone() } else { self.next_address(pod.node) };
        let mut labels = pod.template["metadata"]["labels"].clone();
        for (label, value) in pod.labels {
            labels[label] = json!(value);
        }
        let ready = if pod.is_ready { "True" } else { "False" };
        let status = json!({
            "phase": pod.phase,
            "conditions": [{ "type": "Ready", "status": ready }],
            "hostIP": node_address,
            "podIP": address,
            "podIPs": [{ "ip": address }],
        });
        let metadata = json!({ "labels": labels, "ownerReferences": pod.owners });
        self.made.push(made(Kind::Pod, pod.namespace, &pod.name, metadata, json!({ "spec": spec, "status": status })));
    }

    /// The next address of a node's block. The first one is the bridge's.
    fn next_address(&mut self, node: u8) -> String {
        let last = self.n_addresses_by_node.entry(node).or_insert(1);
        *last += 1;
        format!("10.244.{node}.{last}")
    }
}

/// The node of a workload's pod: the pods go round, from a node that depends on the workload.
fn node_of(object: &Object, number: u64) -> u8 {
    let node = names::number(&object.key.path()).wrapping_add(number) % u64::from(N_NODES);
    u8::try_from(node).unwrap_or_default()
}

fn node_name(node: u8) -> String {
    format!("worker-{}", node + 1)
}

fn replicas(object: &Object) -> u64 {
    object.raw["spec"]["replicas"].as_u64().unwrap_or(1)
}

fn revision(object: &Object) -> String {
    names::suffix(&format!("{} {}", object.key.path(), object.raw["spec"]["template"]), 10)
}
