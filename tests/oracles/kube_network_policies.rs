//! kube-network-policies: single packets, by address, and traffic to domains.

use portolan_core::analysis::{Analysis, Decision, PortQuery, Trace};
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::{Value, json};

/// Cases that are left out, by table and name, and why.
const LEFT_OUT: [(&str, &str, &str); 4] = [
    ("np", "allow all override deny ingress", "it contradicts the API text: an empty list of ingress rules lets nothing in"),
    ("anp", "multiport allow egress node port", "it needs objects that are not in the table"),
    ("anp", "multiport allow egress ns selector fail", "it needs objects that are not in the table"),
    ("anp", "multiport allow egress ns and pod selector fail", "it needs objects that are not in the table"),
];

/// The answer to a packet of a protocol and port, or of none in particular: then every port must be treated alike.
fn ask(analysis: &Analysis, packet: &Value) -> Result<(Trace, bool), String> {
    let end = |field: &str| analysis.endpoint(text(packet, field)).map_err(|error| error.to_string());
    let port = match text(packet, "protocol") {
        "" => None,
        protocol => Some(PortQuery::parse(&format!("{}/{protocol}", packet["port"])).map_err(|error| error.to_string())?),
    };
    let trace = analysis.trace(&end("src")?, &end("dst")?, port.as_ref());
    match trace.verdict {
        Verdict::Allowed if port.is_some() || trace.ports.is_all() => Ok((trace, true)),
        Verdict::Denied => Ok((trace, false)),
        _ => Err(format!("{} for {} only, depending on {}", trace.verdict, trace.ports, trace.depends.join(", "))),
    }
}

/// What one tier of ClusterNetworkPolicies says: `Accept`, `Deny`, or `Next`. The others are taken away, since each is asked alone.
fn compare_tier(case: &Value, tier: &str, expected: &str) -> Result<(), String> {
    let is_other = |object: &Value| object.pointer("/spec/tier").is_some_and(|other| other != tier);
    let objects: Vec<Value> = list(case, "objects").iter().filter(|object| !is_other(object)).cloned().collect();
    let (trace, is_allowed) = ask(&fixture::analysis(&objects, Assumptions::default()), &case["packet"])?;
    let reasons = || trace.egress.reasons.iter().chain(&trace.ingress.reasons);
    let decides = |decision| reasons().any(|reason| reason.tier == tier && reason.decision == decision);
    let ours = match (is_allowed, decides(Decision::Allowed), decides(Decision::Denied)) {
        (false, _, true) => "Deny",
        (true, true, false) => "Accept",
        (true, false, false) => "Next",
        _ => "no answer",
    };
    let sentences = || reasons().map(|reason| reason.sentence.as_str()).collect::<Vec<_>>().join("; ");
    if ours == expected { Ok(()) } else { Err(format!("tier {tier}: ours {ours} ({}), theirs {expected}", sentences())) }
}

/// The objects of a case. A cluster has one BaselineAdminNetworkPolicy, `default` (a validation rule of its definition); the table gives
/// the one of each case a name of its own.
fn objects(case: &Value) -> Vec<Value> {
    let mut objects = list(case, "objects").to_vec();
    for object in objects.iter_mut().filter(|object| object["kind"] == "BaselineAdminNetworkPolicy") {
        object["metadata"]["name"] = "default".into();
    }
    objects
}

/// The packets of the table for domains go from a pod that the table leaves out to an address that names may have been looked up for.
/// We ask for the name; of an address that no name was looked up for, for a name that no policy has.
fn domain_case(case: &Value) -> Result<bool, String> {
    let mut objects = list(case, "objects").to_vec();
    objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}));
    objects.push(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "namespace": "foo"},
        "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running", "podIP": "192.168.1.11"},
    }));
    let analysis = fixture::analysis(&objects, Assumptions::default());
    let name = case["dns"].as_object().into_iter().flatten().find(|(_, address)| **address == case["dstIP"]).map(|(name, _)| name);
    let packet = |to: &str| json!({"src": "foo/client", "dst": to, "protocol": "TCP", "port": 443});
    let name = name.map_or("domain:of-nobody.invalid".to_owned(), |name| format!("domain:{name}"));
    let (_, is_allowed) = ask(&analysis, &packet(&name))?;
    // Of the address alone, without a name, we say the same or that it depends on DNS.
    let trace = fixture::ask(&analysis, "foo/client", text(case, "dstIP"), "443/TCP")?;
    let opposite = if is_allowed { Verdict::Denied } else { Verdict::Allowed };
    if trace.verdict == opposite { Err(format!("by address: {}, by name: not so", trace.verdict)) } else { Ok(is_allowed) }
}

#[test]
fn kube_network_policies() {
    let Some(path) = fixture::shared("oracles/kube_network_policies.json") else { return };
    let mut report = Report::new("kube-network-policies");
    for case in json(&path).as_array().into_iter().flatten() {
        let (table, name) = (text(case, "suite"), text(case, "name"));
        let title = format!("{table} {name:?}");
        if let Some((.., why)) = LEFT_OUT.iter().find(|(suite, left_out, _)| (*suite, *left_out) == (table, name)) {
            report.skip(&title, why);
            continue;
        }
        report.case();
        if case.get("wantAdmin").is_some() {
            for (tier, field) in [("Admin", "wantAdmin"), ("Baseline", "wantBaseline")] {
                report.flows(1);
                if let Err(what) = compare_tier(case, tier, text(case, field)) {
                    report.differs(format!("{title}: {what}"));
                }
            }
            continue;
        }
        report.flows(1);
        let ours = match table {
            "anp-domain" => domain_case(case),
            _ => ask(&fixture::analysis(&objects(case), Assumptions::default()), &case["packet"]).map(|(_, is_allowed)| is_allowed),
        };
        if ours.as_ref().ok() != case["allowed"].as_bool().as_ref() {
            report.differs(format!("{title}: {}: ours {ours:?}, theirs {}", case["packet"], case["allowed"]));
        }
    }
    report.finish();
}
