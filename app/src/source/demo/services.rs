//! What an API server adds to Services: cluster addresses and node ports.

use std::collections::HashSet;
use std::sync::Arc;

use portolan_core::{Kind, Object};
use serde_json::{Value, json};

use super::{names, set};

/// Gives every Service what it lacks: an address of 10.96.0.0/16, and a node port for each port of a LoadBalancer.
pub fn assign_addresses(objects: &mut [Object]) {
    let mut taken: HashSet<String> = objects.iter().filter_map(|object| text(&object.raw, "/spec/clusterIP")).map(str::to_owned).collect();
    let mut taken_ports: HashSet<u64> = objects.iter().flat_map(node_ports).collect();
    for object in objects.iter_mut().filter(|object| object.key.kind == Kind::Service) {
        let path = object.key.path();
        let raw = Arc::make_mut(&mut object.raw);
        let kind = text(raw, "/spec/type").unwrap_or("ClusterIP").to_owned();
        set(raw, &["spec", "type"], json!(kind));
        if kind == "ExternalName" {
            continue;
        }
        if text(raw, "/spec/clusterIP").is_none() {
            let address = first_free(names::number(&path), &mut taken, |n| format!("10.96.{}.{}", 1 + n % 254, 1 + (n >> 16) % 254));
            set(raw, &["spec", "clusterIP"], json!(address));
        }
        let address = raw["spec"]["clusterIP"].clone();
        set(raw, &["spec", "clusterIPs"], json!([address]));
        let Some(ports) = raw.pointer_mut("/spec/ports").and_then(Value::as_array_mut) else { continue };
        for (index, port) in ports.iter_mut().enumerate() {
            if port.get("protocol").is_none() {
                port["protocol"] = json!("TCP");
            }
            if kind == "LoadBalancer" && port.get("nodePort").is_none() {
                let drawn = names::number(&format!("{path} {index}"));
                port["nodePort"] = json!(first_free(drawn, &mut taken_ports, |n| 30_000 + n % 2768));
            }
        }
    }
}

/// The first value after `drawn` that is not taken; it is taken then.
fn first_free<T: Clone + Eq + std::hash::Hash>(drawn: u64, taken: &mut HashSet<T>, value: impl Fn(u64) -> T) -> T {
    let mut n = drawn;
    loop {
        let candidate = value(n);
        if taken.insert(candidate.clone()) {
            return candidate;
        }
        n = n.wrapping_add(1);
    }
}

fn node_ports(object: &Object) -> Vec<u64> {
    let ports = object.raw.pointer("/spec/ports").and_then(Value::as_array);
    ports.into_iter().flatten().filter_map(|port| port.get("nodePort")?.as_u64()).collect()
}

fn text<'a>(raw: &'a Value, pointer: &str) -> Option<&'a str> {
    raw.pointer(pointer).and_then(Value::as_str)
}
