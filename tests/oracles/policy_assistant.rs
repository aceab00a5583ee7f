//! policy-assistant: NetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy together, each side of a flow apart.

use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::Value;

use crate::cyclonus::Sides;

/// Flows of a pod to itself that the table records as every other flow of their case. policy-assistant lists them among the exceptions
/// (`nonDefaultIngress` in its test), and has the opposite.
const LISTED_AS_EXCEPTIONS: [(&str, &str, u64, &str); 8] = [
    ("TestNetPolV1Connectivity ingress port allowed", "x/a", 80, "TCP"),
    ("TestNetPolV1Connectivity ingress port allowed", "x/a", 81, "TCP"),
    ("TestNetPolV1Connectivity ingress port allowed", "x/a", 81, "UDP"),
    ("TestANPConnectivity ingress same labels port range", "x/a", 80, "TCP"),
    ("TestANPConnectivity ingress same labels port range", "x/a", 81, "TCP"),
    ("TestBANPConnectivity ordering matters for overlapping rules (order #1)", "y/b", 80, "TCP"),
    ("TestANPWithBANP BANP deny all after ANP", "x/a", 80, "UDP"),
    ("TestANPWithBANP ANP pass some and allow rest over BANP", "x/a", 80, "UDP"),
];

#[test]
fn policy_assistant() {
    let Some(path) = fixture::shared("oracles/policy_assistant.json") else { return };
    let mut report = Report::new("policy-assistant");
    for case in json(&path).as_array().into_iter().flatten() {
        report.case();
        let name = format!("{} {}", text(case, "table"), text(case, "name"));
        // It judges a pod's traffic to itself by policy, as cyclonus does.
        let analysis = fixture::analysis(list(case, "objects"), fixture::assumptions(&[("self-traffic", "policy")]));
        let mut sides = Sides::new(&analysis);
        for flow in list(case, "expected") {
            let (ends, protocol) = ([text(flow, "src"), text(flow, "dst")], text(flow, "protocol"));
            let is_exception = flow["loopback"] == true
                && LISTED_AS_EXCEPTIONS.iter().any(|(case, pod, port, over)| {
                    (*case, *pod, *over) == (&*name, ends[0], protocol) && flow["port"].as_u64() == Some(*port)
                });
            let ingress = Value::from(is_exception != (flow["ingress"] == true));
            sides.compare(ends, &flow["port"], protocol, [&ingress, &flow["egress"]], &name, &mut report);
        }
    }
    report.finish();
}
