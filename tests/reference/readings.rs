//! Readings of the APIs' texts that random clusters leave out, because the engine may read them otherwise: the reference says what the
//! text says, and what the engine makes of it is printed where it differs.

use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::reference::{End, Reference};
use serde_json::{Value, json};

/// Two pods, a and b, one on its node's network, and an address outside; a is the source, TCP 80 is asked for.
#[track_caller]
fn check(what: &str, settings: &[(&str, &str)], to: &str, policies: Vec<Value>, expected: Verdict) {
    let pod = |name: &str, ip: &str, is_on_node: bool| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "one"},
            "spec": {"hostNetwork": is_on_node, "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}]},
            "status": {"podIPs": [{"ip": ip}]},
        })
    };
    let mut objects = vec![pod("a", "10.0.0.1", false), pod("b", "10.0.0.2", false), pod("node", "10.9.0.1", true)];
    objects.extend(policies);
    let assumptions = fixture::assumptions(settings);
    let reference = Reference::new(&objects, &assumptions);
    let end = match to {
        "one/b" => End::Pod(1),
        "one/node" => End::Pod(2),
        _ => End::Address(to.parse().expect("an address")),
    };
    assert_eq!(reference.answers(End::Pod(0), end, &[("TCP", 80)]), Some(vec![expected]), "{what}");
    let ours = fixture::ask(&fixture::analysis(&objects, assumptions), "one/a", to, "80").expect("ends").verdict;
    if ours != expected {
        fixture::say(&format!("{what}: the engine says {ours}, the text {expected}"));
    }
}

fn egress(tier: &str, priority: u16, rules: Value) -> Value {
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": format!("{}-{priority}", tier.to_lowercase())},
        "spec": {"tier": tier, "priority": priority, "subject": {"namespaces": {}}, "egress": rules},
    })
}

#[test]
fn a_peer_of_an_unknown_kind_closes_its_whole_rule() {
    let rules = json!([{"action": "Accept", "to": [{"namespaces": {}}, {}]}, {"action": "Deny", "to": [{"namespaces": {}}]}]);
    check("an unknown peer beside another", &[], "one/b", vec![egress("Admin", 1, rules)], Verdict::Denied);
}

#[test]
fn one_unsettled_answer_holds_for_every_network() {
    let networks = |action: &str| json!([{"action": action, "to": [{"networks": ["10.0.0.0/8"]}]}]);
    let policies = vec![egress("Admin", 1, networks("Accept")), egress("Baseline", 1, networks("Deny"))];
    check("two networks, unsettled", &[("networks-select-pods", "unsettled")], "one/b", policies, Verdict::Allowed);
}

#[test]
fn domain_names_are_for_rules_that_let_through() {
    let rules = json!([{"action": "Deny", "to": [{"domainNames": ["example.com"]}]}]);
    check("a domain name to deny", &[], "8.8.8.8", vec![egress("Admin", 1, rules)], Verdict::Allowed);
}

#[test]
fn a_peer_of_two_kinds_matches_nothing() {
    let rules = json!([{"action": "Deny", "to": [{"namespaces": {}, "nodes": {}}]}]);
    check("a peer of two kinds", &[], "one/b", vec![egress("Admin", 1, rules)], Verdict::Allowed);
}

#[test]
fn nodes_have_no_names_for_their_ports() {
    let rules = json!([{"action": "Deny", "to": [{"nodes": {}}], "protocols": [{"destinationNamedPort": "http"}]}]);
    check("a named port of a node", &[], "one/node", vec![egress("Admin", 1, rules)], Verdict::Allowed);
}

fn calico(kind: &str, spec: Value) -> Value {
    json!({"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": format!("default.{}", kind.to_lowercase())}, "spec": spec})
}

#[test]
fn a_set_of_networks_holds_the_pod_that_a_rule_is_for() {
    let set = calico("GlobalNetworkSet", json!({"nets": ["10.0.0.0/8"]}));
    let rules = json!([{"action": "Allow", "destination": {"namespaceSelector": "global()"}}]);
    let policy = calico("GlobalNetworkPolicy", json!({"ingress": rules}));
    check("a set on the rule's own side", &[], "one/b", vec![set, policy], Verdict::Allowed);
}

#[test]
fn what_is_in_no_namespace_may_be_meant_by_the_lack_of_a_label() {
    let set = calico("GlobalNetworkSet", json!({"nets": ["203.0.113.9"]}));
    let rules = json!([{"action": "Deny", "destination": {"namespaceSelector": "!has(team)"}}, {"action": "Allow"}]);
    let policy = calico("GlobalNetworkPolicy", json!({"egress": rules}));
    check("a namespace without a label", &[], "203.0.113.9", vec![set, policy], Verdict::Depends);
}

#[test]
fn rules_of_one_policy_keep_their_order_among_policies_of_equal_order() {
    let rules = json!([{"action": "Deny", "destination": {"selector": "!has(app)"}}, {"action": "Allow"}]);
    let policy = calico("GlobalNetworkPolicy", json!({"order": 1000, "ingress": rules}));
    check("rules at the order of NetworkPolicies", &[], "one/b", vec![policy], Verdict::Denied);
}

/// A mesh knows no exception for what comes from a pod's own node.
#[test]
fn a_mesh_asks_its_policies_about_the_pods_own_node() {
    let pod = |name: &str, is_on_node: bool| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "one"},
            "spec": {"hostNetwork": is_on_node, "nodeName": "node-1", "containers": [{"name": "istio-proxy"}]},
            "status": {"podIPs": [{"ip": if is_on_node { "10.9.0.1" } else { "10.0.0.1" }}]},
        })
    };
    let policy = json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "nothing", "namespace": "one"}, "spec": {},
    });
    let objects = vec![pod("a", false), pod("node", true), policy];
    let assumptions = fixture::assumptions(&[("host-network-pods", "node")]);
    let reference = Reference::new(&objects, &assumptions);
    assert_eq!(reference.answers(End::Pod(1), End::Pod(0), &[("TCP", 80)]), Some(vec![Verdict::Denied]));
    assert_eq!(reference.answers(End::Pod(1), End::Pod(0), &[("UDP", 80)]), Some(vec![Verdict::Allowed]));
    let ours = fixture::ask(&fixture::analysis(&objects, assumptions), "one/node", "one/a", "80").expect("ends").verdict;
    if ours != Verdict::Denied {
        fixture::say(&format!("from the pod's own node into a mesh: the engine says {ours}, the text denied"));
    }
}
