//! Kubernetes' own validation of NetworkPolicy: what it admits has no warning, and what it refuses has one.

use portolan_core::{Object, intake};
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list};
use serde_json::{Value, json};

#[test]
fn validation_of_network_policies() {
    let Some(path) = fixture::shared("oracles/networkpolicy_validation.json") else { return };
    let mut report = Report::new("NetworkPolicy validation");
    let table = json(&path);
    let warnings = |spec: &Value| {
        let raw = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "n"}, "spec": spec});
        let object = Object::new(raw, "default").expect("a key").expect("a kind that is read");
        intake::read(&object).warnings
    };
    for case in list(&table, "valid") {
        report.case();
        report.flows(1);
        warnings(&case["spec"]).iter().for_each(|warning| report.differs(format!("valid {}: {warning}", case["spec"])));
    }
    for (name, case) in table["invalid"].as_object().into_iter().flatten() {
        report.case();
        report.flows(1);
        if warnings(&case["spec"]).is_empty() {
            report.differs(format!("invalid {name:?}: no warning for {}", case["spec"]));
        }
    }
    report.finish();
}
