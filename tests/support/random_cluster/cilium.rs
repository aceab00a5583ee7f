//! Random policies of Cilium, and groups of blocks.

use serde_json::{Value, json};

use super::{ACCOUNTS, NAMESPACES, Random, maybe, selector};

const OWN_KEYS: [(&str, &[&str]); 4] = [
    ("app", &["a", "b", "c"]),
    ("k8s:tier", &["x", "y"]),
    ("any:env", &["dev", "prod"]),
    ("io.cilium.k8s.policy.serviceaccount", &ACCOUNTS),
];
const KEYS_OF_NAMESPACES: [(&str, &[&str]); 4] = [
    ("io.kubernetes.pod.namespace", &NAMESPACES),
    ("k8s:io.kubernetes.pod.namespace", &NAMESPACES),
    ("io.cilium.k8s.namespace.labels.team", &["red", "blue"]),
    ("k8s:io.cilium.k8s.namespace.labels.env", &["dev", "prod"]),
];
const CIDRS: [&str; 8] =
    ["0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "203.0.113.0/24", "203.0.113.9/32", "8.8.8.8/32", "::/0", "2001:db8::/32"];
const GROUPS: [&str; 3] = ["partners", "offices", "none"];

/// One to four policies, of namespaces and of the cluster, and up to two groups.
pub(super) fn objects(random: &mut Random) -> Vec<Value> {
    let mut objects: Vec<Value> = (0..random.below(3)).map(|number| group(random, GROUPS[number])).collect();
    if random.one_in(2) {
        objects.push(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": [random.pick(&["203.0.113.200", "10.0.1.200"])]}],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        }));
    }
    for number in 0..1 + random.below(4) {
        let is_wide = random.one_in(3);
        let mut object = json!({
            "apiVersion": "cilium.io/v2",
            "kind": if is_wide { "CiliumClusterwideNetworkPolicy" } else { "CiliumNetworkPolicy" },
            "metadata": {"name": format!("cilium-{number}")},
        });
        if !is_wide {
            object["metadata"]["namespace"] = json!(random.pick(&NAMESPACES));
        }
        if random.one_in(5) {
            object["specs"] = json!([spec(random, is_wide, true), spec(random, is_wide, true)]);
        } else {
            object["spec"] = spec(random, is_wide, false);
        }
        objects.push(object);
    }
    objects
}

fn group(random: &mut Random, name: &str) -> Value {
    let cidrs: Vec<&str> = (0..1 + random.below(2)).map(|_| random.pick(&CIDRS)).collect();
    json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup",
        "metadata": {"name": name, "labels": {"side": random.pick(&["near", "far"])}},
        "spec": {"externalCIDRs": cidrs},
    })
}

fn endpoints(random: &mut Random, speaks_of_namespaces: bool) -> Value {
    let own = selector(random, &OWN_KEYS);
    if !speaks_of_namespaces {
        return own;
    }
    let mut both = selector(random, &KEYS_OF_NAMESPACES);
    if random.one_in(2) {
        for (key, value) in own["matchLabels"].as_object().into_iter().flatten() {
            both["matchLabels"][key] = value.clone();
        }
    }
    both
}

fn spec(random: &mut Random, is_wide: bool, is_one_of_several: bool) -> Value {
    let speaks_of_namespaces = is_wide && random.one_in(2);
    let mut spec = json!({"endpointSelector": endpoints(random, speaks_of_namespaces)});
    for is_egress in [false, true] {
        let direction = if is_egress { "egress" } else { "ingress" };
        maybe(random, &mut spec, direction, |random| rule(random, is_egress, false));
        if random.one_in(3) {
            maybe(random, &mut spec, &format!("{direction}Deny"), |random| rule(random, is_egress, true));
        }
        // What denies by default without a rule, in one of several specs, is said of a place that is not there.
        let lists = [direction.to_owned(), format!("{direction}Deny")];
        let has_rules = lists.iter().any(|list| spec[list].as_array().is_some_and(|rules| !rules.is_empty()));
        if random.one_in(5) {
            spec["enableDefaultDeny"][direction] = json!(random.one_in(2) && (has_rules || !is_one_of_several));
        }
    }
    let fields = ["ingress", "ingressDeny", "egress", "egressDeny"];
    if fields.iter().all(|field| spec[field].as_array().is_none_or(Vec::is_empty)) {
        // A spec without any rule would be refused.
        spec["ingress"] = json!([rule(random, false, false)]);
    }
    spec
}

fn list(random: &mut Random, mut item: impl FnMut(&mut Random) -> Value) -> Value {
    // An empty list selects nobody.
    if random.one_in(12) { json!([]) } else { (0..1 + random.below(2)).map(|_| item(random)).collect() }
}

fn rule(random: &mut Random, is_egress: bool, is_deny: bool) -> Value {
    let mut rule = json!({});
    let prefix = if is_egress { "to" } else { "from" };
    let mut names = false;
    match random.below(if is_egress && !is_deny { 10 } else { 8 }) {
        0 => {}
        1..4 => {
            rule[format!("{prefix}Endpoints")] = list(random, |random| {
                let speaks_of_namespaces = random.one_in(2);
                endpoints(random, speaks_of_namespaces)
            });
        }
        4 | 5 => {
            rule[format!("{prefix}Entities")] =
                list(random, |random| json!(random.pick(&["all", "world", "cluster", "host", "remote-node"])));
        }
        6 => rule[format!("{prefix}CIDR")] = list(random, |random| json!(random.pick(&CIDRS))),
        7 => rule[format!("{prefix}CIDRSet")] = list(random, cidr_set),
        _ => {
            names = true;
            rule["toFQDNs"] = list(random, name);
        }
    }
    match random.below(8) {
        0..3 => {}
        3 if !names => rule["icmps"] = json!([{"fields": [{"family": "IPv4", "type": 8}]}]),
        _ => rule["toPorts"] = (0..1 + random.below(2)).map(|_| ports(random, is_egress, is_deny)).collect(),
    }
    if !is_deny && random.one_in(15) {
        rule["authentication"] = json!({"mode": random.pick(&["required", "disabled"])});
    }
    rule
}

fn cidr_set(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!({"cidrGroupRef": random.pick(&GROUPS)}),
        1 => json!({"cidrGroupSelector": {"matchLabels": {"side": random.pick(&["near", "far"])}}}),
        _ => {
            let (cidr, except) = random.pick(&[
                ("10.0.0.0/8", "10.0.1.0/24"),
                ("0.0.0.0/0", "203.0.113.0/24"),
                ("203.0.113.0/24", "203.0.113.128/25"),
                ("::/0", "2001:db8::/32"),
            ]);
            if random.one_in(3) { json!({"cidr": cidr}) } else { json!({"cidr": cidr, "except": [except]}) }
        }
    }
}

fn name(random: &mut Random) -> Value {
    match random.below(3) {
        0 => json!({"matchName": random.pick(&["example.com", "api.example.com", "api.example.org"])}),
        _ => json!({"matchPattern": random.pick(&["*.example.com", "**.example.com", "*", "api.*.org", "a*.example.com"])}),
    }
}

fn ports(random: &mut Random, is_egress: bool, is_deny: bool) -> Value {
    // Lookups are seen on the port of DNS.
    if is_egress && !is_deny && random.one_in(3) {
        return json!({"ports": [{"port": "53", "protocol": random.pick(&["UDP", "ANY"])}], "rules": {"dns": [name(random)]}});
    }
    let is_http = !is_deny && random.one_in(8);
    let ports: Vec<Value> = (0..1 + random.below(2)).map(|_| port(random, is_egress, is_http)).collect();
    let mut item = json!({"ports": ports});
    if is_http {
        item["rules"] = json!({"http": [{"method": "GET", "path": "/public"}]});
    }
    item
}

fn port(random: &mut Random, is_egress: bool, is_http: bool) -> Value {
    let mut port = match random.below(if is_egress { 6 } else { 8 }) {
        0 => json!({"port": "0"}),
        1..4 => json!({"port": random.pick(&["53", "80", "443", "8080"])}),
        4 | 5 => {
            let (first, last) = random.pick(&[("80", 443), ("1", 65535), ("5000", 9000)]);
            json!({"port": first, "endPort": last})
        }
        _ => json!({"port": random.pick(&["http", "dns", "sig", "web", "none", "HTTP"])}),
    };
    if is_http {
        port["protocol"] = json!("TCP");
    } else if !random.one_in(3) {
        port["protocol"] = json!(random.pick(&["TCP", "TCP", "UDP", "SCTP", "ANY"]));
    }
    port
}
