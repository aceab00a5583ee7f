//! Cilium's own connectivity tests: the policies of each, and what becomes of every action, on the way out and on the way in.

use portolan_core::analysis::{Analysis, Trace};
use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::{Value, json};

/// Tests that ask for what is not in the table, or is none of ours.
const LEFT_OUT: &[(&str, &str)] = &[
    ("echo-ingress-from-client-tiered-wildcard-pass-l7", "the table does not have its ClusterNetworkPolicy"),
    ("cluster-entity-multi-cluster", "its destination is in another cluster"),
];

/// Policies as a cluster has them: the table's are templates, of which we fill in what stands for one value.
fn policies(test: &Value) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for policy in list(test, "policies") {
        let text = policy[1].as_str().expect("a text");
        let filled = text
            .replace("io.kubernetes.pod.namespace: cilium-test\n", "io.kubernetes.pod.namespace: cilium-test-1\n")
            .replace("{{.ExternalIPv4 | ipToCIDR }}", "1.1.1.1/32")
            .replace("{{.ExternalIPv6 | ipToCIDR }}", "2606:4700:4700::1111/128");
        if filled.contains("{{") {
            return None;
        }
        all.extend(fixture::documents(&filled));
    }
    for policy in &mut all {
        policy["metadata"]["namespace"] = "cilium-test-1".into();
    }
    Some(all)
}

/// Every pod bears the labels that Cilium gives its identity beside its own: policies of Kubernetes ask for them too.
fn pod(namespace: &str, name: &str, ip: &str, labels: &Value, ports: &[Value]) -> Value {
    let mut labels = labels.clone();
    labels["io.kubernetes.pod.namespace"] = namespace.into();
    labels["io.cilium.k8s.policy.cluster"] = "default".into();
    let ports: Vec<Value> =
        ports.iter().map(|port| json!({"name": port["name"], "containerPort": port["port"], "protocol": port["protocol"]})).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"serviceAccountName": name, "containers": [{"name": "c", "ports": ports}]},
        "status": {"phase": "Running", "podIP": ip},
    })
}

fn cluster(pods: &Value) -> Vec<Value> {
    let own = pods.as_object().into_iter().flatten();
    let mut objects: Vec<Value> =
        own.map(|(name, one)| pod(text(one, "namespace"), name, text(one, "ip"), &one["labels"], list(one, "ports"))).collect();
    objects.push(pod("kube-system", "kube-dns", "10.0.9.9", &json!({"k8s-app": "kube-dns"}), &[]));
    objects.push(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "endpoints": [{"addresses": ["172.18.0.2"]}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
    }));
    objects
}

/// What a side must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It lets it through for certain.
    Open,
    /// It lets it through, if a condition on layer 7 is met: as it was in this action, or not.
    OnCondition,
    /// It keeps it out.
    Closed,
    /// It was not looked at.
    Anything,
}

/// What both sides must come to, by the results of an action.
fn expected(check: &Value, is_on_layer_7: bool) -> [Expected; 2] {
    let (egress, ingress) = (text(check, "egress"), text(check, "ingress"));
    let open = if is_on_layer_7 { Expected::OnCondition } else { Expected::Open };
    match (egress, ingress) {
        (_, "ResultDefaultDenyIngressDrop" | "ResultPolicyDenyIngressDrop") => [Expected::Open, Expected::Closed],
        ("ResultOK" | "ResultDNSOK", _) => [open, open],
        ("ResultDropCurlHTTPError", _) => [Expected::OnCondition, Expected::OnCondition],
        (_, _) => [Expected::Closed, Expected::Anything],
    }
}

/// Whether a side is as expected. Where the policies of a test ask for something of layer 7, they do so for some pods and not for others;
/// then one side at most hangs on it, and nothing else does.
fn holds(trace: &Trace, verdict: Verdict, expected: Expected) -> bool {
    match expected {
        Expected::Anything => true,
        Expected::Open => verdict == Verdict::Allowed,
        Expected::Closed => verdict == Verdict::Denied,
        Expected::OnCondition => match verdict {
            Verdict::Allowed => true,
            Verdict::Depends => !trace.depends.is_empty() && trace.depends.iter().all(|cause| is_on_layer_7(cause)),
            Verdict::Denied => false,
        },
    }
}

/// Whether what a verdict depends on is a condition of a rule.
fn is_on_layer_7(cause: &str) -> bool {
    ["the request is ", "the TLS server name is ", "an end fails to authenticate itself"].iter().any(|words| cause.contains(words))
}

fn compare(analysis: &Analysis, name: &str, check: &Value, is_on_layer_7: bool, report: &mut Report) {
    let (from, to) = (text(check, "src"), text(check, "dst"));
    let is_name = to.ends_with('.');
    let to = if is_name { format!("domain:{}", to.trim_end_matches('.')) } else { to.to_owned() };
    // A ping has no port: of it we say what holds for all of them, where policies say the same of all.
    let port = match check["port"].as_u64() {
        Some(0) | None => "any".to_owned(),
        Some(port) => format!("{port}/TCP"),
    };
    report.flows(1);
    let trace = fixture::ask(analysis, from, &to, &port).expect("ends of the table");
    let expected = expected(check, is_on_layer_7);
    let verdicts = [trace.egress.verdict, trace.ingress.verdict];
    let mut is_as_expected = expected.iter().zip(verdicts).all(|(expected, verdict)| holds(&trace, verdict, *expected));
    // What only layer 7 keeps out must not be open for certain.
    is_as_expected &= check["l7_deny"] != true || trace.verdict == Verdict::Depends;
    is_as_expected &= check["allowed"] != true || trace.verdict != Verdict::Denied;
    if !is_as_expected {
        report.differs(format!("{name}: {from} -> {to} {port}: theirs {expected:?}, ours {verdicts:?}, {:?}", trace.depends));
    }
}

#[test]
fn cilium_connectivity() {
    let Some(path) = fixture::shared("oracles/cilium_connectivity.json") else { return };
    let mut report = Report::new("Cilium connectivity");
    let table = json(&path);
    for test in list(&table, "tests") {
        let name = text(test, "name");
        if let Some((_, why)) = LEFT_OUT.iter().find(|(left_out, _)| *left_out == name) {
            report.skip(name, why);
            continue;
        }
        let Some(policies) = policies(test) else {
            report.skip(name, "its policies are templates");
            continue;
        };
        report.case();
        let written = serde_json::to_string(&policies).expect("JSON");
        let is_on_layer_7 = ["\"http\"", "serverNames", "authentication"].iter().any(|field| written.contains(field));
        let analysis = fixture::analysis(&[cluster(&table["pods"]), policies].concat(), fixture::assumptions(&[]));
        let warnings = analysis.warnings();
        if !warnings.is_empty() && name != "cluster-entity" && name != "allow-all-except-world" {
            report.differs(format!("{name}: {warnings:?}"));
        }
        for check in list(test, "checks") {
            let is_ping = check["port"] == 0;
            if is_ping && written.contains("icmps") {
                report.skip(&format!("{name} {} -> {}", text(check, "src"), text(check, "dst")), "it is for ICMP only");
            } else if text(check, "egress") == "ResultCurlHTTPError" {
                report.skip(&format!("{name} {} -> {}", text(check, "src"), text(check, "dst")), "the server refuses it, and no policy");
            } else {
                compare(&analysis, name, check, is_on_layer_7, &mut report);
            }
        }
    }
    report.finish();
}
