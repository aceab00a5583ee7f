//! AuthorizationPolicy of Istio (security.istio.io/v1), as its reference reads: what a DENY policy matches is denied; where ALLOW policies
//! are for a pod, what one of them matches is allowed and nothing else. Only what enters pods of the mesh is asked for, and only TCP.
//!
//! Who is in the mesh has an identity, `cluster.local/ns/NAMESPACE/sa/ACCOUNT`; others have none.

use serde_json::Value;

use super::cluster::{Cluster, Pod, namespace_of};
use super::matching::{Block, selector_matches};
use super::peer::{Holds, Peer, Term};
use super::rule::{Action, Match, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

/// The namespace whose policies are for all namespaces.
const ROOT: &str = "istio-system";

pub(super) fn read(object: &Value, tier: usize, cluster: &Cluster) -> Option<Policy> {
    let spec = &object["spec"];
    let (action, is_custom) = match text(spec, "action") {
        "" | "ALLOW" => (Action::Allow, false),
        "DENY" => (Action::Deny, false),
        "CUSTOM" => (Action::Deny, true),
        _ => return None,
    };
    if text(object, "kind") != "AuthorizationPolicy" {
        return None;
    }
    let namespace = namespace_of(object);
    let selects = cluster.pods.iter().map(|pod| {
        let is_near = namespace == ROOT || pod.namespace == namespace;
        Match::from(is_near && is_member(pod, cluster) && selector_matches(&spec["selector"], &pod.labels))
    });
    let rules = list(spec, "rules").iter().enumerate();
    let rules = rules.flat_map(|(index, rule)| read_rule(rule, &format!("/spec/rules/{index}"), action, is_custom, cluster));
    let ingress = Side { selects: selects.collect(), isolates: action == Action::Allow, rules: rules.collect() };
    Some(Policy { key: super::key_of(object), tier, rank: 0, ingress, egress: Side::default() })
}

/// Whether a pod is in the mesh: by a sidecar of its own, or by its node's proxy.
pub(super) fn is_member(pod: &Pod, cluster: &Cluster) -> bool {
    let namespace = cluster.namespace_labels(&pod.namespace);
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    let of_namespace = |key: &str| namespace.get(key).map(String::as_str);
    let inject = label("sidecar.istio.io/inject");
    // What runs is there to be seen. What does not run yet gets a sidecar where its labels or those of its namespace ask for one, and
    // neither refuses it.
    let gets_sidecar = match (of_namespace("istio-injection"), inject) {
        (_, Some("false")) => false,
        (Some("enabled"), _) => true,
        (Some(_), _) => false,
        (None, Some("true")) => true,
        (None, _) => of_namespace("istio.io/rev").is_some() || label("istio.io/rev").is_some(),
    };
    let has_sidecar = pod.has_proxy || (!pod.is_running && gets_sidecar);
    let mode = label("istio.io/dataplane-mode").or(of_namespace("istio.io/dataplane-mode"));
    !pod.is_node && (has_sidecar || mode == Some("ambient"))
}

/// The identity of a pod: namespace and service account.
fn identity<'a>(pod: &'a Pod, cluster: &Cluster) -> Option<(&'a str, &'a str)> {
    is_member(pod, cluster).then_some((pod.namespace.as_str(), pod.account.as_str()))
}

/// Whether a value is one of a list of patterns: with a `*` at one end, or `*` for whatever is there.
fn is_like(pattern: &str, value: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(start), _) if value.starts_with(start) => true,
        (_, Some(end)) if value.ends_with(end) => true,
        _ => pattern == value,
    }
}

fn strings<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    list(value, field).iter().filter_map(Value::as_str).collect()
}

/// Pods whose identity passes a test.
fn identified(cluster: &Cluster, test: impl Fn(&str, &str) -> bool) -> Vec<Peer> {
    let selected = cluster.pods.iter().map(|pod| identity(pod, cluster).is_some_and(|(namespace, account)| test(namespace, account)));
    let selected: Vec<bool> = selected.collect();
    vec![Peer::Pods { selected: vec![selected; cluster.pods.len()], may_be_node: false }]
}

fn of_principals(patterns: &[&str], cluster: &Cluster) -> Vec<Peer> {
    identified(cluster, |namespace, account| {
        let principal = format!("cluster.local/ns/{namespace}/sa/{account}");
        patterns.iter().any(|pattern| is_like(pattern, &principal))
    })
}

fn of_namespaces(patterns: &[&str], cluster: &Cluster) -> Vec<Peer> {
    identified(cluster, |namespace, _| patterns.iter().any(|pattern| is_like(pattern, namespace)))
}

fn of_blocks(blocks: &[&str]) -> Vec<Peer> {
    let block = |text: &str| Block::parse(text).or_else(|| Block::parse(&format!("{text}/{}", if text.contains(':') { 128 } else { 32 })));
    vec![Peer::Blocks(Holds::Anybody, blocks.iter().filter_map(|text| block(text)).collect())]
}

/// What a source, or a condition on one, asks: values of which one must hold, and values of which none may.
fn term(any: Vec<&str>, none: Vec<&str>, peers: impl Fn(&[&str]) -> Vec<Peer>) -> Vec<Term> {
    let lists = [(any, false), (none, true)].into_iter().filter(|(values, _)| !values.is_empty());
    lists.map(|(values, is_negated)| Term { is_negated, any: peers(&values) }).collect()
}

/// Terms of a source, and whether it asks for something that only requests have.
fn source(source: &Value, cluster: &Cluster) -> (Vec<Term>, bool) {
    let both = |field: &str, not: &str| (strings(source, field), strings(source, not));
    let (principals, not_principals) = both("principals", "notPrincipals");
    let (namespaces, not_namespaces) = both("namespaces", "notNamespaces");
    let (blocks, not_blocks) = both("ipBlocks", "notIpBlocks");
    let terms = [
        term(principals, not_principals, |values| of_principals(values, cluster)),
        term(namespaces, not_namespaces, |values| of_namespaces(values, cluster)),
        term(blocks, not_blocks, of_blocks),
    ];
    let of_requests = ["requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"];
    (terms.concat(), of_requests.iter().any(|field| !list(source, field).is_empty()))
}

fn ports(texts: &[&str]) -> Vec<PortTest> {
    texts.iter().filter_map(|text| text.parse().ok()).map(|port| PortTest::Range("TCP".to_owned(), port, port)).collect()
}

/// A rule, taken apart by its sources and its operations.
fn read_rule(rule: &Value, pointer: &str, action: Action, is_custom: bool, cluster: &Cluster) -> Vec<Rule> {
    let (mut terms, mut wanted, mut unwanted, mut asks) = (Vec::new(), Vec::new(), Vec::new(), is_custom);
    for condition in list(rule, "when") {
        let (values, not) = (strings(condition, "values"), strings(condition, "notValues"));
        match text(condition, "key") {
            "source.principal" => terms.extend(term(values, not, |values| of_principals(values, cluster))),
            "source.namespace" => terms.extend(term(values, not, |values| of_namespaces(values, cluster))),
            "source.ip" => terms.extend(term(values, not, of_blocks)),
            "destination.port" => {
                wanted.extend((!values.is_empty()).then(|| ports(&values)));
                unwanted.extend(ports(&not));
            }
            _ => asks = true,
        }
    }
    let froms: Vec<(Vec<Term>, bool)> = match list(rule, "from") {
        [] => vec![(Vec::new(), false)],
        items => items.iter().map(|item| source(&item["source"], cluster)).collect(),
    };
    let nothing = Value::Null;
    let operations: Vec<&Value> = match list(rule, "to") {
        [] => vec![&nothing],
        items => items.iter().map(|item| &item["operation"]).collect(),
    };
    let mut rules = Vec::new();
    for (own_terms, own_asks) in &froms {
        for operation in &operations {
            let all: Vec<Term> = terms.iter().chain(own_terms).cloned().collect();
            let lists: Vec<Vec<PortTest>> =
                wanted.iter().cloned().chain(Some(ports(&strings(operation, "ports"))).filter(|ports| !ports.is_empty())).collect();
            // Where two lists ask for ports, both must hold: the second is held against the numbers of the first.
            let of_both = lists.into_iter().reduce(|a, b| a.into_iter().filter(|one| b.iter().any(|other| other.is_same(one))).collect());
            let tests = of_both.unwrap_or_else(|| vec![PortTest::Protocol("TCP".to_owned())]);
            let peers = (!all.is_empty()).then(|| vec![Peer::All(all)]);
            let mut read = Rule::new(pointer.to_owned(), action, peers, Some(tests));
            read.not_ports = unwanted.iter().cloned().chain(ports(&strings(operation, "notPorts"))).collect();
            let of_requests = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"];
            read.is_conditional = asks || *own_asks || of_requests.iter().any(|field| !list(operation, field).is_empty());
            rules.push(read);
        }
    }
    rules
}
