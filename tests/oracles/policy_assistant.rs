//! policy-assistant: NetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy together, each side of a flow apart.

use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};

use crate::cyclonus::Sides;

#[test]
fn policy_assistant() {
    let Some(path) = fixture::shared("oracles/policy_assistant.json") else { return };
    let mut report = Report::new("policy-assistant");
    for case in json(&path).as_array().into_iter().flatten() {
        report.case();
        let name = format!("{} {:?}", text(case, "table"), text(case, "name"));
        // It judges a pod's traffic to itself by policy, as cyclonus does.
        let analysis = fixture::analysis(list(case, "objects"), fixture::assumptions(&[("self-traffic", "policy")]));
        let mut sides = Sides::new(&analysis);
        for flow in list(case, "expected") {
            let ends = [text(flow, "src"), text(flow, "dst")];
            sides.compare(ends, &flow["port"], text(flow, "protocol"), [&flow["ingress"], &flow["egress"]], &name, &mut report);
        }
    }
    report.finish();
}
