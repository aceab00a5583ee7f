//! The reference evaluator itself against other people's answers about cluster-wide policies.

use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, list, text};
use portolan_tests::reference::{End, Port, Reference, domain_matches};
use serde_json::{Value, json};

/// A suite of cases, where it is.
fn suite(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(fixture::shared(&format!("oracles/{name}.json"))?).expect("a file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// A pod by `namespace/name`, or an address: that of a pod, or another.
fn end(reference: &Reference, name: &str) -> End {
    let address = name.parse().ok();
    let is_it = |pod: &portolan_tests::reference::Pod| {
        format!("{}/{}", pod.namespace, pod.name) == name || address.is_some_and(|address| pod.addresses.contains(&address))
    };
    match reference.cluster.pods.iter().position(is_it) {
        Some(pod) => End::Pod(pod),
        None => End::Address(address.unwrap_or_else(|| panic!("{name} is neither a pod nor an address"))),
    }
}

/// The protocol and port of a case; any will do where it has none.
fn port(case: &Value) -> Port {
    let protocol = ["TCP", "UDP", "SCTP"].into_iter().find(|protocol| *protocol == text(case, "protocol")).unwrap_or("TCP");
    (protocol, u16::try_from(case["port"].as_u64().unwrap_or(0)).expect("a port"))
}

fn check(report: &mut Report, case: &str, objects: &[Value], flow: (&str, &str, Port), allowed: bool) {
    let assumptions = fixture::assumptions(&[("self-traffic", "policy")]);
    let reference = Reference::new(objects, &assumptions);
    let (from, to) = (end(&reference, flow.0), end(&reference, flow.1));
    let verdict = reference.answers(from, to, &[flow.2]).map(|verdicts| verdicts[0]);
    report.flows(1);
    let expected = if allowed { Verdict::Allowed } else { Verdict::Denied };
    if verdict != Some(expected) {
        report.differs(format!("{case}: {flow:?}: reference {verdict:?}, theirs {expected:?}"));
    }
}

#[test]
fn reference_agrees_with_the_conformance_tests() {
    let Some(suite) = suite("cluster_network_policy") else { return };
    let mut report = Report::new("reference: conformance");
    for case in list(&suite, "checks") {
        let state = usize::try_from(case["state"].as_u64().expect("a state")).expect("an index");
        let mut objects: Vec<Value> = suite["states"][state].as_array().expect("objects").clone();
        objects.extend(list(&suite, "pods").iter().cloned());
        report.case();
        let to = if case["dstIP"].is_string() { text(case, "dstIP") } else { text(case, "dst") };
        let flow = (text(case, "src"), to, port(case));
        check(&mut report, text(case, "test"), &objects, flow, case["allowed"] == true);
    }
    report.finish();
}

#[test]
fn reference_agrees_with_policy_assistant() {
    let Some(suite) = suite("policy_assistant") else { return };
    let mut report = Report::new("reference: policy-assistant");
    for case in suite.as_array().expect("cases") {
        let objects = case["objects"].as_array().expect("objects");
        report.case();
        // They let a pod reach itself in some kinds of policies and not in others.
        for flow in list(case, "expected").iter().filter(|flow| flow["loopback"] != true) {
            let ends = (text(flow, "src"), text(flow, "dst"), port(flow));
            check(&mut report, text(case, "name"), objects, ends, flow["allowed"] == true);
        }
    }
    report.finish();
}

/// These contradict the API's text, or need objects that the table does not hold.
const NOT_FOR_US: [&str; 4] = [
    "allow all override deny ingress",
    "anp multiport allow egress node port",
    "multiport allow egress ns selector fail",
    "multiport allow egress ns and pod selector fail",
];

#[test]
fn reference_agrees_with_kube_network_policies() {
    let Some(suite) = suite("kube_network_policies") else { return };
    let mut report = Report::new("reference: kube-network-policies");
    for case in suite.as_array().expect("cases") {
        let name = format!("{} {}", text(case, "suite"), text(case, "name"));
        if NOT_FOR_US.contains(&text(case, "name")) || NOT_FOR_US.contains(&name.as_str()) {
            report.skip(&name, "not in the API's text, or without its objects");
            continue;
        }
        let objects = case["objects"].as_array().expect("objects");
        report.case();
        let packet = &case["packet"];
        let ends = (text(packet, "src"), text(packet, "dst"), port(packet));
        match text(case, "suite") {
            "cnp" => {
                for (tier, wanted) in [("Admin", "wantAdmin"), ("Baseline", "wantBaseline")] {
                    let of_tier = |object: &&Value| object["spec"].get("tier").is_none_or(|other| other == tier);
                    let objects: Vec<Value> = objects.iter().filter(of_tier).cloned().collect();
                    check(&mut report, &format!("{name} {tier}"), &objects, ends, case[wanted] != "Deny");
                }
            }
            "anp-domain" => {
                let mut objects: Vec<Value> = objects.iter().map(|object| resolved(object, &case["dns"])).collect();
                objects.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}}));
                check(&mut report, &name, &objects, ("default/a", text(case, "dstIP"), ("TCP", 80)), case["allowed"] == true);
            }
            _ => {
                let mut objects = objects.clone();
                // Theirs are named freely; the API knows one, `default`.
                let singletons = objects.iter_mut().filter(|object| text(object, "kind") == "BaselineAdminNetworkPolicy");
                singletons.for_each(|object| object["metadata"]["name"] = json!("default"));
                check(&mut report, &name, &objects, ends, case["allowed"] == true);
            }
        }
    }
    report.finish();
}

/// A policy whose domain names are the addresses that they resolve to.
fn resolved(object: &Value, dns: &Value) -> Value {
    match object {
        Value::Array(items) => items.iter().map(|item| resolved(item, dns)).collect(),
        Value::Object(fields) => {
            let names = list(object, "domainNames").iter().filter_map(Value::as_str);
            let known = names.flat_map(|name| dns.as_object().into_iter().flatten().filter(move |(known, _)| domain_matches(name, known)));
            let networks: Vec<String> = known.filter_map(|(_, address)| Some(format!("{}/32", address.as_str()?))).collect();
            let fields = fields.iter().filter(|(name, _)| *name != "domainNames");
            let mut object: serde_json::Map<_, _> = fields.map(|(name, value)| (name.clone(), resolved(value, dns))).collect();
            if !networks.is_empty() {
                object.insert("networks".to_owned(), json!(networks));
            }
            Value::Object(object)
        }
        _ => object.clone(),
    }
}
