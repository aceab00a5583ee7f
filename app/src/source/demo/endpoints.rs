//! What a cluster's controllers make of Services: EndpointSlices.

use portolan_core::{Kind, Object};
use serde_json::{Map, Value, json};

use super::{made, names, owner};

/// The EndpointSlices of all Services that have a selector.
pub fn of_services(objects: &[Object], made: &[Object]) -> Vec<Object> {
    let pods: Vec<&Object> = made.iter().filter(|object| object.key.kind == Kind::Pod).collect();
    objects.iter().filter(|object| object.key.kind == Kind::Service).flat_map(|service| of_service(service, &pods)).collect()
}

/// Pods on which the Service's ports come to the same numbers share a slice. A Service without pods has one empty slice.
fn of_service(service: &Object, pods: &[&Object]) -> Vec<Object> {
    let Some(selector) = service.raw.pointer("/spec/selector").and_then(Value::as_object) else { return Vec::new() };
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for pod in pods.iter().filter(|pod| is_endpoint(service, selector, pod)) {
        let ports = ports_on(service, pod);
        let endpoint = endpoint(service, pod);
        match groups.iter_mut().find(|(other, _)| *other == ports) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => groups.push((ports, vec![endpoint])),
        }
    }
    if groups.is_empty() {
        groups.push((json!([]), Vec::new()));
    }
    let (namespace, name) = (service.key.namespace.as_str(), service.key.name.as_str());
    let slice = |(ports, endpoints): (Value, Vec<Value>)| {
        let slice_name = format!("{name}-{}", names::suffix(&format!("{} {ports}", service.key.path()), 5));
        let mut labels = json!({
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": name,
        });
        if is_headless(service) {
            labels["service.kubernetes.io/headless"] = json!("");
        }
        let metadata = json!({ "labels": labels, "ownerReferences": owner(Kind::Service, namespace, name) });
        let rest = json!({ "addressType": "IPv4", "endpoints": endpoints, "ports": ports });
        made(Kind::EndpointSlice, namespace, &slice_name, metadata, rest)
    };
    groups.into_iter().map(slice).collect()
}

/// Whether the Service selects the pod, and the pod has not come to its end.
fn is_endpoint(service: &Object, selector: &Map<String, Value>, pod: &Object) -> bool {
    pod.key.namespace == service.key.namespace
        && pod.raw["status"]["phase"] == "Running"
        && selector.iter().all(|(label, value)| pod.raw["metadata"]["labels"].get(label) == Some(value))
}

/// The ports of a Service as numbers on this pod. One whose name the pod does not know is left out.
fn ports_on(service: &Object, pod: &Object) -> Value {
    let mut ports = Vec::new();
    for port in service.raw.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten() {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        let target = port.get("targetPort").unwrap_or(&port["port"]);
        let number = target.as_str().map_or_else(|| target.as_u64(), |name| named_port(pod, name, protocol));
        if let Some(number) = number {
            ports.push(json!({ "name": port.get("name").and_then(Value::as_str).unwrap_or(""), "port": number, "protocol": protocol }));
        }
    }
    Value::Array(ports)
}

fn named_port(pod: &Object, name: &str, protocol: &str) -> Option<u64> {
    let containers = pod.raw.pointer("/spec/containers").and_then(Value::as_array)?;
    let mut ports = containers.iter().filter_map(|container| container.get("ports")?.as_array()).flatten();
    let port = ports.find(|port| port["name"] == name && port.get("protocol").and_then(Value::as_str).unwrap_or("TCP") == protocol)?;
    port["containerPort"].as_u64()
}

fn endpoint(service: &Object, pod: &Object) -> Value {
    let is_serving = pod.raw["status"]["conditions"][0]["status"] == "True";
    let is_ready = is_serving || service.raw["spec"]["publishNotReadyAddresses"] == true;
    let mut endpoint = json!({
        "addresses": [pod.raw["status"]["podIP"]],
        "conditions": { "ready": is_ready, "serving": is_serving, "terminating": false },
        "nodeName": pod.raw["spec"]["nodeName"],
        "targetRef": { "kind": "Pod", "namespace": pod.key.namespace, "name": pod.key.name, "uid": pod.raw["metadata"]["uid"] },
    });
    if is_headless(service) && pod.raw["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet" {
        endpoint["hostname"] = json!(pod.key.name);
    }
    endpoint
}

fn is_headless(service: &Object) -> bool {
    service.raw["spec"]["clusterIP"] == "None"
}
