//! The conformance tests of ClusterNetworkPolicy: one packet at a time, in the state that the policies had then.

use portolan_core::analysis::Analysis;
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};

#[test]
fn cluster_network_policy_conformance() {
    let Some(path) = fixture::shared("oracles/cluster_network_policy.json") else { return };
    let table = json(&path);
    let pods = list(&table, "pods");
    let states = list(&table, "states").iter().map(|state| {
        let objects = [state.as_array().map_or(&[][..], Vec::as_slice), pods].concat();
        fixture::analysis(&objects, Assumptions::default())
    });
    let states: Vec<Analysis> = states.collect();
    let mut report = Report::new("ClusterNetworkPolicy conformance");
    for check in list(&table, "checks") {
        report.case();
        let analysis = check["state"].as_u64().and_then(|index| states.get(usize::try_from(index).ok()?)).expect("a state");
        let expected = if check["allowed"] == true { Verdict::Allowed } else { Verdict::Denied };
        let port = format!("{}/{}", check["port"], text(check, "protocol"));
        // By the pod's name, and by the address that the packet goes to.
        for to in [text(check, "dst"), text(check, "dstIP")] {
            report.flows(1);
            let answer = fixture::ask(analysis, text(check, "src"), to, &port).map(|trace| trace.verdict);
            if answer != Ok(expected) {
                let (test, sub, from) = (text(check, "test"), text(check, "sub"), text(check, "src"));
                report.differs(format!("{test} {sub:?}: {from} -> {to} {port}: ours {answer:?}, theirs {expected}"));
            }
        }
    }
    report.finish();
}
