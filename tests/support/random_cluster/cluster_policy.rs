//! Random policies of the whole cluster: every form that ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy take.

use serde_json::{Value, json};

use super::{LABELS, NAMESPACE_LABELS, NODE_LABELS, Random, selector};

/// Which of the two forms of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `v1alpha2`: ClusterNetworkPolicy.
    New,
    /// `v1alpha1`: its forerunners.
    Old,
}

/// What a rule may hold.
#[derive(Debug, Clone, Copy)]
struct RuleForm {
    form: Form,
    is_egress: bool,
    /// BaselineAdminNetworkPolicy has neither `Pass` nor domain names.
    is_singleton: bool,
}

/// One to four ClusterNetworkPolicies.
pub(super) fn new_ones(random: &mut Random) -> Vec<Value> {
    (0..1 + random.below(4))
        .map(|number| {
            let mut spec = spec(random, Form::New, false);
            spec["tier"] = json!(random.pick(&["Admin", "Admin", "Baseline"]));
            spec["priority"] = json!(random.below(4) * 10);
            object("v1alpha2", "ClusterNetworkPolicy", &format!("cluster-{number}"), spec)
        })
        .collect()
}

/// Up to three AdminNetworkPolicies, and mostly the BaselineAdminNetworkPolicy.
pub(super) fn old_ones(random: &mut Random) -> Vec<Value> {
    let mut policies = Vec::new();
    for number in 0..random.below(4) {
        let mut spec = spec(random, Form::Old, false);
        spec["priority"] = json!(random.below(4) * 10);
        policies.push(object("v1alpha1", "AdminNetworkPolicy", &format!("admin-{number}"), spec));
    }
    if policies.is_empty() || !random.one_in(3) {
        let spec = spec(random, Form::Old, true);
        policies.push(object("v1alpha1", "BaselineAdminNetworkPolicy", "default", spec));
    }
    policies
}

fn object(version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": format!("policy.networking.k8s.io/{version}"), "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn spec(random: &mut Random, form: Form, is_singleton: bool) -> Value {
    let subject = match random.below(6) {
        0 | 1 => json!({"namespaces": {}}),
        2..4 => json!({"namespaces": selector(random, &NAMESPACE_LABELS)}),
        _ => json!({"pods": namespaced_pod(random)}),
    };
    let mut spec = json!({"subject": subject});
    for is_egress in [false, true] {
        let n_rules = random.below(5);
        let rules: Vec<Value> = (0..n_rules).map(|_| rule(random, RuleForm { form, is_egress, is_singleton })).collect();
        if n_rules > 0 || random.one_in(3) {
            spec[if is_egress { "egress" } else { "ingress" }] = json!(rules);
        }
    }
    spec
}

fn namespaced_pod(random: &mut Random) -> Value {
    json!({"namespaceSelector": selector(random, &NAMESPACE_LABELS), "podSelector": selector(random, &LABELS)})
}

fn rule(random: &mut Random, form: RuleForm) -> Value {
    let allow = if form.form == Form::New { "Accept" } else { "Allow" };
    let last = if form.is_singleton { "Deny" } else { "Pass" };
    let action = random.pick(&[allow, allow, "Deny", "Deny", last]);
    let may_name = action == allow && !form.is_singleton;
    let peers: Vec<Value> = (0..1 + random.below(2)).map(|_| peer(random, form, may_name)).collect();
    // Only pods have names for their ports, so the API refuses those beside other peers.
    let has_others = peers.iter().any(|peer| ["networks", "nodes", "domainNames"].iter().any(|field| peer.get(field).is_some()));
    let mut rule = json!({"action": action});
    rule[if form.is_egress { "to" } else { "from" }] = json!(peers);
    if !random.one_in(3) {
        let ports: Vec<Value> = (0..1 + random.below(2)).map(|_| port(random, form.form, !has_others)).collect();
        rule[if form.form == Form::New { "protocols" } else { "ports" }] = json!(ports);
    }
    rule
}

fn peer(random: &mut Random, form: RuleForm, may_name: bool) -> Value {
    const NETWORKS: [&str; 9] =
        ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.1.0.2/32", "203.0.113.0/25", "::/0", "fd00:1::/32", "2001:db8::/32"];
    const NAMES: [&str; 3] = ["example.com", "*.example.com", "api.example.org"];
    match random.below(if form.is_egress { 10 } else { 5 }) {
        0 | 1 => json!({"namespaces": selector(random, &NAMESPACE_LABELS)}),
        2 | 3 => json!({"pods": namespaced_pod(random)}),
        4 if form.form == Form::Old => {
            let labels = random.pick(&[&["team"][..], &["team", "env"], &["env"]]);
            let namespaces = match random.below(5) {
                0 => json!({"namespaceSelector": selector(random, &NAMESPACE_LABELS)}),
                1 | 2 => json!({"sameLabels": labels}),
                _ => json!({"notSameLabels": labels}),
            };
            if random.one_in(2) {
                json!({"namespaces": namespaces})
            } else {
                json!({"pods": {"namespaces": namespaces, "podSelector": selector(random, &LABELS)}})
            }
        }
        4 => json!({"pods": namespaced_pod(random)}),
        5 | 6 => json!({"nodes": selector(random, &NODE_LABELS)}),
        7 if may_name => json!({"domainNames": [random.pick(&NAMES)]}),
        _ => {
            let (first, second) = (random.pick(&NETWORKS), random.pick(&NETWORKS));
            json!({"networks": if first == second { vec![first] } else { vec![first, second] }})
        }
    }
}

fn port(random: &mut Random, form: Form, may_be_named: bool) -> Value {
    let number = random.pick(&[53, 80, 443, 8080]);
    let (first, last) = random.pick(&[(80, 443), (1, 65535), (5000, 9000)]);
    let which = random.below(if may_be_named { 7 } else { 5 });
    if which >= 5 {
        let name = random.pick(&["http", "dns", "sig", "web", "none"]);
        return json!({if form == Form::New { "destinationNamedPort" } else { "namedPort" }: name});
    }
    if form == Form::New {
        let protocol = random.pick(&["tcp", "tcp", "udp", "sctp"]);
        return match which {
            0 => json!({protocol: {}}),
            1 | 2 => json!({protocol: {"destinationPort": {"number": number}}}),
            _ => json!({protocol: {"destinationPort": {"range": {"start": first, "end": last}}}}),
        };
    }
    let (field, mut port) = match which {
        0..3 => ("portNumber", json!({"port": number})),
        _ => ("portRange", json!({"start": first, "end": last})),
    };
    if !random.one_in(3) {
        port["protocol"] = json!(random.pick(&["TCP", "TCP", "UDP", "SCTP"]));
    }
    json!({field: port})
}
