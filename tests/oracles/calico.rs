//! Calico's own table of selectors: whom each selects, and which are none.

use portolan_core::assumptions::Assumptions;
use portolan_core::{Object, intake};
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list};
use serde_json::{Value, json};

fn policy(selector: &str) -> Value {
    let spec = json!({"selector": selector, "types": ["Ingress"]});
    json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "p"}, "spec": spec})
}

fn warnings(selector: &str) -> usize {
    let object = Object::new(policy(selector), "default").expect("a key").expect("a kind that is read");
    intake::read(&object).warnings.len()
}

/// Whether a policy with the selector denies what comes into a pod with the labels.
fn selects(selector: &str, labels: &Value) -> Result<bool, String> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n", "labels": labels},
        "status": {"podIP": "10.0.0.1"}});
    let analysis = fixture::analysis(&[policy(selector), pod], Assumptions::default());
    let trace = fixture::ask(&analysis, "8.8.8.8", "n/a", "80/TCP")?;
    Ok(trace.verdict.word() == "denied")
}

#[test]
fn selectors_of_calico() {
    let Some(path) = fixture::shared("oracles/calico_selectors.json") else { return };
    let mut report = Report::new("Calico selectors");
    let table = json(&path);
    for case in list(&table, "selectors") {
        let selector = case["sel"].as_str().unwrap_or_default();
        if selector.contains("global(") {
            // A server refuses it in the selector of a policy; the unit tests of the language hold it.
            report.skip(selector, "global() is for selectors of namespaces");
            continue;
        }
        report.case();
        if warnings(selector) > 0 {
            report.differs(format!("{selector:?} cannot be read"));
        }
        for (field, expected) in [("expMatches", true), ("expNonMatches", false)] {
            for labels in list(case, field) {
                report.flows(1);
                if selects(selector, labels) != Ok(expected) {
                    report.differs(format!("{selector:?} and {labels}: {:?}, and not {expected}", selects(selector, labels)));
                }
            }
        }
    }
    for bad in list(&table, "bad") {
        let bad = bad.as_str().unwrap_or_default();
        report.case();
        report.flows(1);
        if warnings(bad) == 0 {
            report.differs(format!("{bad:?} is read"));
        }
    }
    report.finish();
}
