//! EgressFirewall of OVN-Kubernetes (k8s.ovn.org/v1): one for a namespace, rules in order, what none matches is let through. It is for
//! what leaves the cluster: pods are never meant by it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cluster::{Cluster, namespace_of};
use super::matching::{Block, is_empty_selector, selector_matches};
use super::peer::{Holds, Pattern, Peer};
use super::rule::{Action, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

pub(super) fn read(object: &Value, tier: usize, cluster: &Cluster) -> Option<Policy> {
    if text(object, "kind") != "EgressFirewall" || text(&object["metadata"], "name") != "default" {
        return None;
    }
    let namespace = namespace_of(object);
    let selects = cluster.pods.iter().map(|pod| !pod.is_node && pod.namespace == namespace);
    let rules = list(&object["spec"], "egress").iter().enumerate();
    let rules = rules.map(|(index, rule)| read_rule(rule, format!("/spec/egress/{index}"), cluster)).collect();
    let (ingress, egress) = (Side::default(), Side::isolating(selects, rules));
    Some(Policy { key: super::key_of(object), tier, rank: 0, ingress, egress })
}

fn read_rule(rule: &Value, pointer: String, cluster: &Cluster) -> Rule {
    let to = &rule["to"];
    let name = text(to, "dnsName");
    let peer = if !name.is_empty() {
        Some(Peer::Names { patterns: vec![Pattern::OneLabel(name.to_owned())], is_learned: false })
    } else if let Some(selector) = to.get("nodeSelector") {
        let nodes = cluster.nodes.iter().filter(|node| selector_matches(selector, &node.labels));
        Some(Peer::Nodes {
            names: nodes.clone().map(|node| node.name.clone()).collect(),
            addresses: nodes.flat_map(|node| node.addresses.clone()).collect::<BTreeSet<_>>(),
            is_every: is_empty_selector(selector),
        })
    } else {
        Block::parse(text(to, "cidrSelector")).map(|block| Peer::Blocks(Holds::NotPods, vec![block]))
    };
    let ports = list(rule, "ports").iter().map(|item| {
        let protocol = text(item, "protocol").to_owned();
        match item["port"].as_u64() {
            None | Some(0) => PortTest::Protocol(protocol),
            Some(port) => PortTest::Range(protocol, port, port),
        }
    });
    let ports: Vec<PortTest> = ports.collect();
    let action = if text(rule, "type") == "Allow" { Action::Allow } else { Action::Deny };
    let mut read = Rule::new(pointer, action, Some(peer.into_iter().collect()), (!ports.is_empty()).then_some(ports));
    // Patterns of names take a resolver that clusters may have or not.
    read.is_conditional = name.starts_with("*.");
    read
}
