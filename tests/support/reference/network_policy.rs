//! NetworkPolicy, as the text of networking/v1 `types.go` reads.

use serde_json::Value;

use super::cluster::{Cluster, namespace_of};
use super::matching::{Block, selector_matches};
use super::peer::Peer;
use super::rule::{Action, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

pub(super) fn read(object: &Value, tier: usize, cluster: &Cluster) -> Policy {
    let (spec, namespace) = (&object["spec"], namespace_of(object));
    let types: Vec<&str> = list(spec, "policyTypes").iter().filter_map(Value::as_str).collect();
    let speaks_of = |direction: &str| match (types.is_empty(), direction) {
        (false, _) => types.contains(&direction),
        (true, "Ingress") => true,
        (true, _) => !list(spec, "egress").is_empty(),
    };
    let selected = |direction: &str| -> Vec<bool> {
        let pods = cluster.pods.iter();
        pods.map(|pod| {
            let is_ours = !pod.is_node && pod.namespace == namespace && selector_matches(&spec["podSelector"], &pod.labels);
            is_ours && speaks_of(direction)
        })
        .collect()
    };
    let rules = |direction: &str, peers: &str| {
        let rules = list(spec, direction).iter().enumerate();
        rules.map(|(index, rule)| read_rule(rule, format!("/spec/{direction}/{index}"), peers, &namespace, cluster)).collect()
    };
    Policy {
        key: super::key_of(object),
        tier,
        rank: 0,
        ingress: Side::isolating(selected("Ingress"), rules("ingress", "from")),
        egress: Side::isolating(selected("Egress"), rules("egress", "to")),
    }
}

fn read_rule(rule: &Value, pointer: String, peers_field: &str, namespace: &str, cluster: &Cluster) -> Rule {
    let (peers, ports) = (list(rule, peers_field), list(rule, "ports"));
    let peers = (!peers.is_empty()).then(|| peers.iter().filter_map(|peer| read_peer(peer, namespace, cluster)).collect());
    let ports = (!ports.is_empty()).then(|| ports.iter().filter_map(read_port).collect());
    Rule::new(pointer, Action::Allow, peers, ports)
}

fn read_peer(peer: &Value, namespace: &str, cluster: &Cluster) -> Option<Peer> {
    let has = |field: &str| peer.get(field).is_some_and(|value| !value.is_null());
    match (has("ipBlock"), has("podSelector") || has("namespaceSelector")) {
        (true, true) | (false, false) => None,
        (true, false) => {
            let except = list(&peer["ipBlock"], "except").iter().filter_map(Value::as_str);
            let block = Block::parse(text(&peer["ipBlock"], "cidr"))?;
            Some(Peer::IpBlock { block, except: except.filter_map(Block::parse).collect() })
        }
        (false, true) => {
            let pods = cluster.pods.iter().map(|pod| {
                let in_namespace = if has("namespaceSelector") {
                    selector_matches(&peer["namespaceSelector"], &cluster.namespace_labels(&pod.namespace))
                } else {
                    pod.namespace == namespace
                };
                in_namespace && selector_matches(&peer["podSelector"], &pod.labels)
            });
            let selected: Vec<bool> = pods.collect();
            Some(Peer::Pods { selected: vec![selected; cluster.pods.len()], may_be_node: true })
        }
    }
}

fn read_port(port: &Value) -> Option<PortTest> {
    let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP").to_owned();
    match (port.get("port"), port.get("endPort").and_then(Value::as_u64)) {
        (None | Some(Value::Null), None) => Some(PortTest::Protocol(protocol)),
        (Some(Value::Number(first)), end) => {
            let first = first.as_u64()?;
            Some(PortTest::Range(protocol, first, end.unwrap_or(first)))
        }
        (Some(Value::String(name)), None) => Some(PortTest::NameOfProtocol(name.clone(), protocol)),
        _ => None,
    }
}
