//! ClusterNetworkPolicy (v1alpha2), AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1), as the text of their API reads,
//! and the forms that the latter two had before.
//!
//! What the API would refuse matches nothing: an item of a list is left out of it, a rule without a known action or without peers is as
//! good as absent, and a policy without a clear subject is out of force.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cluster::{Cluster, Pod};
use super::matching::{Block, is_empty_selector, selector_matches};
use super::peer::{Pattern, Peer};
use super::rule::{Action, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

/// The dialects of policies that are the cluster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Cluster,
    Admin,
    Baseline,
}

impl Dialect {
    /// The dialect of a kind of the group `policy.networking.k8s.io`.
    pub(super) fn of(kind: &str) -> Option<Self> {
        match kind {
            "ClusterNetworkPolicy" => Some(Self::Cluster),
            "AdminNetworkPolicy" => Some(Self::Admin),
            "BaselineAdminNetworkPolicy" => Some(Self::Baseline),
            _ => None,
        }
    }
}

/// A BaselineAdminNetworkPolicy comes after every ClusterNetworkPolicy of its tier, whose priorities end at 1000.
const AFTER_EVERY_PRIORITY: i64 = 1001;

/// `tiers` are the places of the tiers before and after NetworkPolicies.
pub(super) fn read(object: &Value, dialect: Dialect, tiers: [usize; 2], cluster: &Cluster) -> Option<Policy> {
    let (spec, name) = (&object["spec"], text(&object["metadata"], "name"));
    let (tier, rank) = match (dialect, text(spec, "tier")) {
        (Dialect::Admin, _) | (Dialect::Cluster, "Admin") => (tiers[0], spec["priority"].as_i64()?),
        (Dialect::Cluster, "Baseline") => (tiers[1], spec["priority"].as_i64()?),
        (Dialect::Baseline, _) if name == "default" => (tiers[1], AFTER_EVERY_PRIORITY),
        _ => return None,
    };
    let subject = only_field(&spec["subject"])?;
    let subject: Vec<bool> = match subject {
        ("namespaces", selector) => cluster.pods.iter().map(|pod| in_namespaces(selector, pod, cluster)).collect(),
        ("pods", both) => cluster.pods.iter().map(|pod| is_namespaced_pod(both, pod, cluster)).collect(),
        _ => return None,
    };
    let selected: Vec<bool> = subject.iter().zip(&cluster.pods).map(|(is_subject, pod)| *is_subject && !pod.is_node).collect();
    let rules = |direction: &str| {
        let rules = list(spec, direction).iter().enumerate();
        rules.map(|(index, rule)| read_rule(rule, format!("/spec/{direction}/{index}"), direction, dialect, cluster)).collect()
    };
    Some(Policy {
        key: super::key_of(object),
        tier,
        rank,
        ingress: Side::isolating(selected.clone(), rules("ingress")),
        egress: Side::isolating(selected, rules("egress")),
    })
}

/// The field of an object that must have exactly one.
fn only_field(value: &Value) -> Option<(&str, &Value)> {
    let mut set = value.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let (name, value) = set.next()?;
    set.next().is_none().then_some((name.as_str(), value))
}

fn in_namespaces(selector: &Value, pod: &Pod, cluster: &Cluster) -> bool {
    selector_matches(selector, &cluster.namespace_labels(&pod.namespace))
}

fn is_namespaced_pod(both: &Value, pod: &Pod, cluster: &Cluster) -> bool {
    in_namespaces(&both["namespaceSelector"], pod, cluster) && selector_matches(&both["podSelector"], &pod.labels)
}

fn read_rule(rule: &Value, pointer: String, direction: &str, dialect: Dialect, cluster: &Cluster) -> Rule {
    let action = match (dialect, text(rule, "action")) {
        (Dialect::Cluster, "Accept") | (Dialect::Admin | Dialect::Baseline, "Allow") => Some(Action::Allow),
        (_, "Deny") => Some(Action::Deny),
        (Dialect::Cluster | Dialect::Admin, "Pass") => Some(Action::Pass),
        _ => None,
    };
    let peers = list(rule, if direction == "ingress" { "from" } else { "to" });
    // A peer without any field that is known is of a kind to come, and fails closed: a rule that lets through is as good as absent,
    // any other denies everything.
    let is_unknown =
        |peer: &Value| !known_peers(direction, dialect).iter().any(|field| peer.get(field).is_some_and(|value| !value.is_null()));
    let (action, fails_closed) = match action {
        None => return Rule::new(pointer, Action::Pass, Some(Vec::new()), None),
        Some(action) => (action, peers.iter().any(is_unknown)),
    };
    if fails_closed {
        let peers = (action == Action::Allow).then(Vec::new);
        return Rule::new(pointer, if action == Action::Allow { Action::Allow } else { Action::Deny }, peers, None);
    }
    let (items, read_port): (_, fn(&Value) -> Option<PortTest>) = match dialect {
        Dialect::Cluster => (list(rule, "protocols"), read_protocol),
        Dialect::Admin | Dialect::Baseline => (list(rule, "ports"), read_port),
    };
    let peers = Some(peers.iter().filter_map(|peer| read_peer(peer, action, dialect, cluster)).collect());
    Rule::new(pointer, action, peers, (!items.is_empty()).then(|| items.iter().filter_map(read_port).collect()))
}

/// The kinds of peers that rules of a direction know.
fn known_peers(direction: &str, dialect: Dialect) -> &'static [&'static str] {
    match (direction, dialect) {
        ("ingress", _) => &["namespaces", "pods"],
        (_, Dialect::Baseline) => &["namespaces", "pods", "nodes", "networks"],
        _ => &["namespaces", "pods", "nodes", "networks", "domainNames"],
    }
}

fn read_peer(peer: &Value, action: Action, dialect: Dialect, cluster: &Cluster) -> Option<Peer> {
    let has_old_forms = dialect != Dialect::Cluster;
    match only_field(peer)? {
        ("namespaces", selector) if has_old_forms && is_old_form(selector) => {
            Some(pods(cluster, |subject, other| in_old_namespaces(selector, subject, other, cluster)))
        }
        ("namespaces", selector) => Some(pods(cluster, |_, other| in_namespaces(selector, other, cluster))),
        ("pods", both) if has_old_forms && both.get("namespaces").is_some() => Some(pods(cluster, |subject, other| {
            in_old_namespaces(&both["namespaces"], subject, other, cluster) && selector_matches(&both["podSelector"], &other.labels)
        })),
        ("pods", both) => Some(pods(cluster, |_, other| is_namespaced_pod(both, other, cluster))),
        ("nodes", selector) => Some(nodes(selector, cluster)),
        ("networks", _) => {
            let blocks = list(peer, "networks").iter().filter_map(Value::as_str);
            Some(Peer::Networks(blocks.filter_map(Block::parse).collect()))
        }
        // They are only for rules that let through.
        ("domainNames", _) if action == Action::Allow => {
            let names = list(peer, "domainNames").iter().filter_map(Value::as_str).filter(|name| is_domain_name(name));
            let patterns: Vec<Pattern> = names.map(|name| Pattern::Labels(name.to_owned())).collect();
            (!patterns.is_empty()).then_some(Peer::Names { patterns, is_learned: false })
        }
        _ => None,
    }
}

/// Pods by what their selectors say of the subject's pod and the other.
fn pods(cluster: &Cluster, test: impl Fn(&Pod, &Pod) -> bool) -> Peer {
    let of = |subject: &Pod| cluster.pods.iter().map(|other| test(subject, other)).collect();
    Peer::Pods { selected: cluster.pods.iter().map(of).collect(), may_be_node: false }
}

const OLD_FIELDS: [&str; 3] = ["namespaceSelector", "sameLabels", "notSameLabels"];

fn is_old_form(namespaces: &Value) -> bool {
    OLD_FIELDS.iter().any(|field| namespaces.get(field).is_some())
}

/// The older form of `namespaces`, where a peer's namespace may be told by the labels that it shares with the subject's.
fn in_old_namespaces(namespaces: &Value, subject: &Pod, other: &Pod, cluster: &Cluster) -> bool {
    let (ours, theirs) = (cluster.namespace_labels(&subject.namespace), cluster.namespace_labels(&other.namespace));
    let Some((field, value)) = only_field(namespaces) else { return false };
    let labels: Vec<&str> = list(namespaces, field).iter().filter_map(Value::as_str).collect();
    let has_all = !labels.is_empty() && labels.iter().all(|label| theirs.contains_key(*label));
    let is_same = labels.iter().all(|label| ours.get(*label) == theirs.get(*label));
    match field {
        "namespaceSelector" => selector_matches(value, &theirs),
        "sameLabels" => has_all && is_same,
        "notSameLabels" => has_all && !is_same,
        _ => false,
    }
}

fn nodes(selector: &Value, cluster: &Cluster) -> Peer {
    let matching = cluster.nodes.iter().filter(|node| selector_matches(selector, &node.labels));
    Peer::Nodes {
        names: matching.clone().map(|node| node.name.clone()).collect(),
        addresses: matching.flat_map(|node| node.addresses.clone()).collect::<BTreeSet<_>>(),
        is_every: is_empty_selector(selector),
    }
}

/// At least two labels of letters, digits, `-` and `_`; `*` may stand for the first ones.
fn is_domain_name(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let labels: Vec<&str> = name.strip_suffix('.').unwrap_or(name).split('.').collect();
    let is_end = |c: char| c.is_ascii_alphanumeric();
    labels.len() >= 2
        && labels
            .iter()
            .all(|label| label.starts_with(is_end) && label.ends_with(is_end) && label.chars().all(|c| is_end(c) || c == '-' || c == '_'))
}

/// Whether a domain name of a peer stands for a name that was looked up.
pub fn domain_matches(pattern: &str, name: &str) -> bool {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_lowercase();
    match pattern.strip_prefix("*.") {
        Some(rest) => plain(name).strip_suffix(&format!(".{}", plain(rest))).is_some_and(|labels| !labels.is_empty()),
        None => plain(name) == plain(pattern),
    }
}

/// An item of ClusterNetworkPolicy's `protocols`.
fn read_protocol(item: &Value) -> Option<PortTest> {
    let (field, value) = only_field(item)?;
    if field == "destinationNamedPort" {
        return value.as_str().map(|name| PortTest::Name(name.to_owned(), None));
    }
    if !matches!(field, "tcp" | "udp" | "sctp") {
        return None;
    }
    let protocol = field.to_uppercase();
    match value.get("destinationPort") {
        None | Some(Value::Null) => Some(PortTest::Protocol(protocol)),
        Some(port) => match only_field(port)? {
            ("number", number) => range(protocol, number, number),
            ("range", range_) => range(protocol, &range_["start"], &range_["end"]),
            _ => None,
        },
    }
}

/// An item of `ports`, as AdminNetworkPolicy and BaselineAdminNetworkPolicy have them.
fn read_port(item: &Value) -> Option<PortTest> {
    let (field, value) = only_field(item)?;
    let protocol = value.get("protocol").and_then(Value::as_str).unwrap_or("TCP").to_owned();
    match field {
        "portNumber" => range(protocol, &value["port"], &value["port"]),
        "portRange" => range(protocol, &value["start"], &value["end"]),
        "namedPort" => value.as_str().map(|name| PortTest::Name(name.to_owned(), None)),
        _ => None,
    }
}

fn range(protocol: String, first: &Value, last: &Value) -> Option<PortTest> {
    let port = |value: &Value| value.as_u64().filter(|port| (1..=65535).contains(port));
    Some(PortTest::Range(protocol, port(first)?, port(last)?))
}
