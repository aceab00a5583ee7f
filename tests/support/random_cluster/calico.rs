//! Random policies of Calico in random tiers, and sets of networks.

use serde_json::{Value, json};

use super::{ACCOUNTS, LABELS, NAMESPACE_LABELS, NAMESPACES, Random};

const NETS: [&str; 8] = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "203.0.113.0/25", "203.0.113.9", "::/0", "fd00:1::/32"];
const TIERS: [&str; 3] = ["security", "platform", "default"];

/// Tiers, one to five policies in them, and up to two sets.
pub(super) fn objects(random: &mut Random) -> Vec<Value> {
    let mut objects = Vec::new();
    let mut tiers = vec!["default"];
    for name in TIERS {
        if !random.one_in(if name == "default" { 3 } else { 2 }) {
            continue;
        }
        let mut spec = json!({});
        if name == "default" {
            spec["order"] = json!(1_000_000);
        } else {
            tiers.push(name);
            // Before the tier of NetworkPolicies, or after it.
            if let Some(order) = random.pick(&[Some(100), Some(200), Some(2_000_000), None]) {
                spec["order"] = json!(order);
            }
            if random.one_in(2) {
                spec["defaultAction"] = json!(random.pick(&["Deny", "Pass"]));
            }
        }
        objects.push(json!({"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": spec}));
    }
    for number in 0..random.below(3) {
        let is_global = random.one_in(2);
        let mut labels = json!({});
        labels[random.pick(&["app", "role"])] = json!(random.pick(&["a", "b", "trusted"]));
        let nets: Vec<&str> = (0..1 + random.below(2)).map(|_| random.pick(&NETS)).collect();
        let mut set = json!({
            "apiVersion": "projectcalico.org/v3", "kind": if is_global { "GlobalNetworkSet" } else { "NetworkSet" },
            "metadata": {"name": format!("set-{number}"), "labels": labels}, "spec": {"nets": nets},
        });
        if !is_global {
            set["metadata"]["namespace"] = json!(random.pick(&NAMESPACES));
        }
        objects.push(set);
    }
    let has_sets = objects.iter().any(|object| object["spec"].get("nets").is_some());
    for number in 0..1 + random.below(5) {
        objects.push(policy(random, number, &tiers, has_sets));
    }
    objects
}

fn policy(random: &mut Random, number: usize, tiers: &[&str], has_sets: bool) -> Value {
    let is_global = random.one_in(2);
    let tier = random.pick(tiers);
    let mut spec = json!({});
    if tier != "default" || random.one_in(3) {
        spec["tier"] = json!(tier);
    }
    // Around the order of NetworkPolicies.
    if let Some(order) = random.pick(&[Some(10.0), Some(10.0), Some(10.5), Some(1000.0), Some(2000.0), None]) {
        spec["order"] = json!(order);
    }
    if !random.one_in(4) {
        spec["selector"] = json!(labels(random));
    }
    if is_global && random.one_in(2) {
        spec["namespaceSelector"] = json!(namespaces(random, false));
    }
    if random.one_in(5) {
        spec["serviceAccountSelector"] = json!(account(random));
    }
    for direction in ["ingress", "egress"] {
        if !random.one_in(3) {
            let rules: Vec<Value> = (0..random.below(4)).map(|_| rule(random, direction == "egress", has_sets)).collect();
            spec[direction] = json!(rules);
        }
    }
    if let Some(types) = random.pick(&[None, None, Some(&["Ingress"][..]), Some(&["Egress"]), Some(&["Ingress", "Egress"])]) {
        spec["types"] = json!(types);
    }
    // Names that sort before those that NetworkPolicies get, with the name of the tier in front or without it.
    let name = format!("{}.{}-{number}", tier, random.pick(&["a", "b"]));
    let kind = if is_global { "GlobalNetworkPolicy" } else { "NetworkPolicy" };
    let mut object = json!({"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": spec});
    if !is_global {
        object["metadata"]["namespace"] = json!(random.pick(&NAMESPACES));
    }
    object
}

/// A test of a label, of some keys.
fn test(random: &mut Random, keys: &[(&str, &[&str])]) -> String {
    let (key, values) = random.pick(keys);
    let value = random.pick(values);
    match random.below(9) {
        0..3 => format!("{key} == '{value}'"),
        3 => format!("{key} != '{value}'"),
        4 => format!("{key} in {{'{value}', 'other'}}"),
        5 => format!("{key} not in {{'{value}'}}"),
        6 => format!("has({key})"),
        7 => format!("!has({key})"),
        _ => "all()".to_owned(),
    }
}

fn tests(random: &mut Random, keys: &[(&str, &[&str])]) -> String {
    let (first, second) = (test(random, keys), test(random, keys));
    match random.below(6) {
        0 => format!("{first} && {second}"),
        1 => format!("{first} || {second}"),
        2 => format!("!({first}) && {second}"),
        _ => first,
    }
}

fn labels(random: &mut Random) -> String {
    let mut keys = LABELS.to_vec();
    keys.extend([("role", &["trusted"][..]), ("projectcalico.org/namespace", &NAMESPACES)]);
    keys.push(("projectcalico.org/serviceaccount", &ACCOUNTS));
    tests(random, &keys)
}

fn namespaces(random: &mut Random, may_be_global: bool) -> String {
    let mut keys = NAMESPACE_LABELS.to_vec();
    keys.push(("projectcalico.org/name", &NAMESPACES));
    if may_be_global && random.one_in(6) { "global()".to_owned() } else { tests(random, &keys) }
}

fn account(random: &mut Random) -> String {
    tests(random, &[("kind", &["human", "robot"]), ("projectcalico.org/name", &ACCOUNTS)])
}

fn rule(random: &mut Random, is_egress: bool, has_sets: bool) -> Value {
    let mut rule = json!({"action": random.pick(&["Allow", "Allow", "Deny", "Deny", "Pass", "Log"])});
    let protocol = random.pick(&[None, Some("TCP"), Some("TCP"), Some("UDP"), Some("SCTP")]);
    if let Some(protocol) = protocol {
        rule["protocol"] = json!(protocol);
    } else if random.one_in(6) {
        rule["notProtocol"] = json!(random.pick(&["TCP", "UDP"]));
    }
    for (end, is_destination) in [("source", false), ("destination", true)] {
        if random.one_in(3) {
            continue;
        }
        // A set that a selector of the policy's own end matches holds pods by their addresses, which is left out here.
        let is_own = is_destination != is_egress;
        let mut entity = entity(random, is_own && has_sets);
        // So are namespaces told by labels that they lack: what is in none lacks them too.
        let is_negative = |text: &str| text.contains('!') || text.contains("not in") || text.contains("all()");
        if has_sets && entity["namespaceSelector"].as_str().is_some_and(is_negative) {
            entity["namespaceSelector"] = json!(random.pick(&["has(team)", "env == 'dev'", "projectcalico.org/name in {'one', 'two'}"]));
        }
        if protocol.is_some() && is_destination && random.one_in(2) {
            let field = random.pick(&["ports", "ports", "notPorts"]);
            let ports: Vec<Value> = (0..1 + random.below(2)).map(|_| port(random)).collect();
            entity[field] = json!(ports);
        }
        if protocol.is_some() && !is_destination && random.one_in(12) {
            entity["ports"] = json!([1024]);
        }
        if has_sets && entity["serviceAccounts"]["selector"].as_str().is_some_and(is_negative) {
            entity["serviceAccounts"] = json!({"selector": random.pick(&["has(kind)", "kind == 'robot'"])});
        }
        if let Some(fields) = entity.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        if entity.as_object().is_some_and(|fields| !fields.is_empty()) {
            rule[end] = entity;
        }
    }
    rule
}

/// One end of a rule: mostly one thing is asked for, sometimes two.
fn entity(random: &mut Random, is_without_selectors: bool) -> Value {
    let mut entity = json!({});
    for _ in 0..1 + random.below(2) {
        match if is_without_selectors { random.pick(&[5, 6, 8, 9]) } else { random.below(10) } {
            0..3 => entity["selector"] = json!(labels(random)),
            3 | 4 => entity["namespaceSelector"] = json!(namespaces(random, true)),
            5 => entity["nets"] = nets(random),
            6 => entity["notNets"] = nets(random),
            7 => entity["notSelector"] = json!(labels(random)),
            8 => entity["serviceAccounts"] = json!({"names": [random.pick(&ACCOUNTS)]}),
            _ => entity["serviceAccounts"] = json!({"selector": account(random)}),
        }
    }
    entity
}

fn nets(random: &mut Random) -> Value {
    (0..1 + random.below(2)).map(|_| json!(random.pick(&NETS))).collect()
}

fn port(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!(random.pick(&["http", "dns", "sig", "web", "none"])),
        1 => json!(random.pick(&["80:443", "1:65535", "5000:9000"])),
        _ => json!(random.pick(&[53, 80, 443, 8080])),
    }
}
