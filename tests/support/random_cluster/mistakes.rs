//! Mistakes in policies of the whole cluster, one at a time: what the API would refuse, or a newer version may know.

use serde_json::{Value, json};

use super::Random;

/// Puts a mistake into a policy, most of the time.
pub(super) fn make(random: &mut Random, policy: &mut Value) {
    if policy["kind"] == "NetworkPolicy" {
        return;
    }
    let spec = &mut policy["spec"];
    match random.below(8) {
        0 => spec["subject"] = random.pick(&[json!({}), json!({"namespaces": {}, "pods": {"namespaceSelector": {}, "podSelector": {}}})]),
        1 if spec.get("tier").is_some() => spec["tier"] = json!(random.pick(&["Admin", "Middle"])),
        _ => {
            for direction in ["ingress", "egress"] {
                for rule in spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
                    if random.one_in(3) {
                        spoil_rule(random, rule, direction);
                    }
                }
            }
        }
    }
}

fn spoil_rule(random: &mut Random, rule: &mut Value, direction: &str) {
    let is_new = matches!(rule["action"].as_str(), Some("Accept")) || rule.get("protocols").is_some();
    let peers = if direction == "egress" { "to" } else { "from" };
    match random.below(5) {
        // Domain names are for rules that let through.
        0 if rule.to_string().contains("domainNames") => {}
        0 => rule["action"] = json!(random.pick(&["Accept", "Allow", "Pass", "Log", "deny"])),
        1 => rule[peers] = json!([]),
        2 | 3 => {
            let peer = random.pick(&[
                json!({}),
                json!({"networks": ["10.0.0.0/8", "10.0.0.0/33", "ten"]}),
                json!({"namespaces": {"sameLabels": []}}),
                json!({"namespaces": {"notSameLabels": []}}),
                json!({"namespaces": {"matchExpressions": [{"key": "team", "operator": "Like", "values": ["red"]}]}}),
            ]);
            // Only pods have names for their ports.
            if peer.get("networks").is_some()
                && let Some(rule) = rule.as_object_mut()
            {
                rule.retain(|field, _| field != "ports" && field != "protocols");
            }
            // What a peer of an unknown kind makes of the others beside it, see `a_peer_of_an_unknown_kind_closes_its_whole_rule`.
            let is_alone = peer == json!({}) || direction == "ingress";
            match rule.get_mut(peers).and_then(Value::as_array_mut) {
                Some(peers) if is_alone => *peers = vec![peer],
                Some(peers) => peers[0] = peer,
                None => {}
            }
        }
        _ if is_new => {
            rule["protocols"] = json!([random.pick(&[
                json!({}),
                json!({"tcp": {"destinationPort": {"number": 80}}, "udp": {"destinationPort": {"number": 80}}}),
                json!({"tcp": {"destinationPort": {"number": 0}}}),
                json!({"tcp": {"destinationPort": {"range": {"start": 90, "end": 80}}}}),
                json!({"tcp": {"destinationPort": {"number": 80, "range": {"start": 1, "end": 9}}}}),
            ])]);
        }
        _ => {
            rule["ports"] = json!([random.pick(&[
                json!({}),
                json!({"portNumber": {"port": 80}, "namedPort": "http"}),
                json!({"portNumber": {"port": 70000}}),
                json!({"portNumber": {"protocol": "ICMP", "port": 80}}),
                json!({"portRange": {"start": 90, "end": 80}}),
            ])]);
        }
    }
}
