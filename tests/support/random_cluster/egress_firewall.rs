//! Random EgressFirewalls of OVN-Kubernetes.

use serde_json::{Value, json};

use super::{NAMESPACES, NODE_LABELS, Random, selector};

/// One for some of the namespaces.
pub(super) fn objects(random: &mut Random) -> Vec<Value> {
    let mut firewalls = Vec::new();
    for namespace in NAMESPACES {
        if random.one_in(3) {
            continue;
        }
        let rules: Vec<Value> = (0..1 + random.below(4)).map(|_| rule(random)).collect();
        firewalls.push(json!({
            "apiVersion": "k8s.ovn.org/v1", "kind": "EgressFirewall",
            "metadata": {"name": "default", "namespace": namespace}, "spec": {"egress": rules},
        }));
    }
    firewalls
}

fn rule(random: &mut Random) -> Value {
    const CIDRS: [&str; 8] =
        ["0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "203.0.113.0/24", "203.0.113.9/32", "8.8.8.8/32", "::/0", "2001:db8::/32"];
    let to = match random.below(6) {
        0 | 1 => json!({"dnsName": random.pick(&["example.com", "api.example.com", "*.example.com", "api.example.org"])}),
        2 => json!({"nodeSelector": selector(random, &NODE_LABELS)}),
        _ => json!({"cidrSelector": random.pick(&CIDRS)}),
    };
    let mut rule = json!({"type": random.pick(&["Allow", "Deny"]), "to": to});
    if random.one_in(2) {
        let port =
            |random: &mut Random| json!({"protocol": random.pick(&["TCP", "TCP", "UDP", "SCTP"]), "port": random.pick(&[53, 80, 443])});
        rule["ports"] = (0..1 + random.below(2)).map(|_| port(random)).collect();
    }
    rule
}
