//! Random AuthorizationPolicies of Istio, and what puts pods into its mesh.

use serde_json::{Value, json};

use super::{ACCOUNTS, LABELS, NAMESPACES, Random};

/// Puts a pod into the mesh, or a namespace, or not.
pub(super) fn join(random: &mut Random, object: &mut Value) {
    let is_pod = object["kind"] == "Pod";
    if is_pod && random.one_in(2) {
        if let Some(containers) = object["spec"]["containers"].as_array_mut() {
            containers.push(json!({"name": "istio-proxy", "image": "proxy"}));
        }
    } else if random.one_in(3) {
        let mode = random.pick(if is_pod { &["ambient", "none"][..] } else { &["ambient"] });
        object["metadata"]["labels"]["istio.io/dataplane-mode"] = json!(mode);
    }
}

/// One to four policies.
pub(super) fn objects(random: &mut Random) -> Vec<Value> {
    let policy = |number: usize, random: &mut Random| {
        // What lies in the namespace of the mesh itself is for all.
        let namespace = if random.one_in(5) { "istio-system" } else { random.pick(&NAMESPACES) };
        let mut spec = json!({});
        if random.one_in(2) {
            let (key, values) = random.pick(&LABELS);
            spec["selector"] = json!({"matchLabels": {key: random.pick(values)}});
        }
        if !random.one_in(4) {
            spec["action"] = json!(random.pick(&["ALLOW", "ALLOW", "DENY", "DENY", "AUDIT"]));
        }
        if !random.one_in(6) {
            let rules: Vec<Value> = (0..1 + random.below(2)).map(|_| rule(random)).collect();
            spec["rules"] = json!(rules);
        }
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": format!("istio-{number}"), "namespace": namespace}, "spec": spec,
        })
    };
    (0..1 + random.below(4)).map(|number| policy(number, random)).collect()
}

fn rule(random: &mut Random) -> Value {
    let mut rule = json!({});
    if !random.one_in(4) {
        let sources: Vec<Value> = (0..1 + random.below(2)).map(|_| json!({"source": source(random)})).collect();
        rule["from"] = json!(sources);
    }
    if random.one_in(2) {
        let operations: Vec<Value> = (0..1 + random.below(2)).map(|_| json!({"operation": operation(random)})).collect();
        rule["to"] = json!(operations);
    }
    if random.one_in(4) {
        let (key, values) = match random.below(4) {
            0 => ("source.namespace", vec![random.pick(&NAMESPACES)]),
            1 => ("source.ip", vec![random.pick(&BLOCKS)]),
            2 => ("destination.port", vec!["80", random.pick(&["443", "8080"])]),
            _ => ("request.headers[x-team]", vec!["red"]),
        };
        rule["when"] = json!([{"key": key, random.pick(&["values", "values", "notValues"]): values}]);
    }
    rule
}

const BLOCKS: [&str; 6] = ["10.0.0.0/8", "10.0.1.0/24", "203.0.113.0/24", "203.0.113.9", "0.0.0.0/0", "fd00:1::/32"];

fn source(random: &mut Random) -> Value {
    let mut source = json!({});
    for _ in 0..1 + random.below(2) {
        let not = random.one_in(3);
        let name = |field: &str, of_not: &str| if not { of_not.to_owned() } else { field.to_owned() };
        match random.below(7) {
            0 | 1 => source[name("namespaces", "notNamespaces")] = json!([random.pick(&["one", "two", "t*", "*ee", "*"])]),
            2..4 => {
                let exact = format!("cluster.local/ns/{}/sa/{}", random.pick(&NAMESPACES), random.pick(&ACCOUNTS));
                let wide = format!("cluster.local/ns/{}/*", random.pick(&NAMESPACES));
                let account = format!("*/sa/{}", random.pick(&ACCOUNTS));
                source[name("principals", "notPrincipals")] = json!([random.pick(&[exact, wide, account, "*".to_owned()])]);
            }
            4 | 5 => source[name("ipBlocks", "notIpBlocks")] = json!([random.pick(&BLOCKS)]),
            _ => source["requestPrincipals"] = json!(["*"]),
        }
    }
    source
}

fn operation(random: &mut Random) -> Value {
    let mut operation = json!({});
    match random.below(5) {
        0..3 => operation["ports"] = json!([random.pick(&["53", "80", "443"]), "8080"]),
        3 => operation["notPorts"] = json!([random.pick(&["53", "80", "443"])]),
        _ => operation["paths"] = json!(["/public"]),
    }
    if random.one_in(6) {
        operation["methods"] = json!(["GET"]);
    }
    operation
}
