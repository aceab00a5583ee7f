//! Other people's answers to the same questions. One test a suite; each prints its row: cases, flows compared, differences, what was
//! left out and why. A disagreement is settled by the API text.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use portolan_core::Object;
use portolan_core::analysis::{Analysis, Decision, Difference, Side};
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_core::policy::Direction;
use portolan_core::ports::Protocol;
use portolan_core::reachability::End;
use portolan_tests::fixture;
use portolan_tests::oracle::{Listing, Report, json, list, ports_of_text, text};
use serde_json::{Value, json};

/// How netpol-analyzer reads the world.
fn as_netpol_analyzer() -> Assumptions {
    fixture::assumptions(&[("ip-block-selects-pods", "no"), ("host-network-pods", "ordinary"), ("finished-pods", "ordinary")])
}

/// Kinds that decide reachability and that are not read.
const UNREAD_KINDS: &[(&str, &str)] = &[
    ("UserDefinedNetwork", "User Defined Networks are out of scope"),
    ("ClusterUserDefinedNetwork", "User Defined Networks are out of scope"),
    ("NetworkAttachmentDefinition", "secondary networks are out of scope"),
    ("MultiNetworkPolicy", "secondary networks are out of scope"),
    ("VirtualMachine", "virtual machines are not read"),
    ("AdminNetworkPolicy", "AdminNetworkPolicy is not read"),
    ("BaselineAdminNetworkPolicy", "BaselineAdminNetworkPolicy is not read"),
];

/// Why the objects of a folder cannot be compared.
fn unread(objects: &[Value]) -> Option<&'static str> {
    UNREAD_KINDS.iter().find(|(kind, _)| objects.iter().any(|object| text(object, "kind") == *kind)).map(|(_, reason)| *reason)
}

/// netpol-analyzer's cases of one kind. The file is large, and is read once.
fn netpol_analyzer_cases<'a>(root: &Path, kind: &'a str) -> impl Iterator<Item = &'static Value> + use<'a> {
    static CASES: OnceLock<Value> = OnceLock::new();
    let cases = CASES.get_or_init(|| json(&root.join("cases.json"))).as_array();
    cases.into_iter().flatten().filter(move |case| text(case, "kind") == kind)
}

/// Reads folders and works them out once, for the many cases that share one.
#[derive(Default)]
struct Folders(BTreeMap<String, Result<Listing, &'static str>>);

impl Folders {
    fn listing(&mut self, root: &Path, dir: &str) -> Result<&Listing, &'static str> {
        let entry = self.0.entry(dir.to_owned()).or_insert_with(|| {
            let objects = fixture::folder(&root.join(dir));
            match unread(&objects) {
                Some(reason) => Err(reason),
                None => Ok(Listing::ours(&fixture::analysis(&objects, as_netpol_analyzer()))),
            }
        });
        entry.as_ref().map_err(|reason| *reason)
    }
}

/// Compares the listings of all cases of one kind.
///
/// Lines of `{ingress-controller}` are left out: they come from Ingress and Route analysis and add a source of their own; what
/// policies let through between the other ends is listed as without them.
fn compare_listings(suite: &str, kind: &str) {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new(suite);
    let mut folders = Folders::default();
    for case in netpol_analyzer_cases(&root, kind) {
        let dir = text(case, "dir");
        let name = dir.trim_start_matches("tests/");
        let focus: Vec<&str> = list(case, "focusWorkloads").iter().filter_map(Value::as_str).collect();
        let peers: Vec<&str> = list(case, "focusPeers").iter().filter_map(Value::as_str).collect();
        let mut expected = Listing::default();
        list(case, "lines").iter().for_each(|line| expected.add_line(line));
        let ours = match folders.listing(&root, dir) {
            Err(reason) => {
                report.skip(name, reason);
                continue;
            }
            Ok(_) if !text(case, "focusConn").is_empty() => {
                report.skip(name, "a listing for one port only is not offered");
                continue;
            }
            Ok(_) if focus.contains(&"ingress-controller") => {
                report.skip(name, "it asks for the lines of {ingress-controller} only");
                continue;
            }
            Ok(listing) => listing,
        };
        let mut ours = ours.clone();
        // What is asked of netpol-analyzer to focus on is taken out of our whole listing here.
        let is = |names: &[&str], end: &str| {
            let path = end.split('[').next().unwrap_or_default();
            names.iter().any(|name| *name == path || path.rsplit('/').next() == Some(name))
        };
        let direction = text(case, "focusDirection");
        ours.retain(|from, to| {
            let out = direction != "ingress" && is(&focus, from) && (peers.is_empty() || is(&peers, to));
            let inwards = direction != "egress" && is(&focus, to) && (peers.is_empty() || is(&peers, from));
            focus.is_empty() || out || inwards
        });
        report.case();
        ours.compare(&expected, name, &mut report);
        ours.others.iter().for_each(|line| report.differs(format!("{name}: {line}")));
    }
    report.finish();
}

#[test]
fn netpol_analyzer_listings() {
    compare_listings("netpol-analyzer connlist", "connlist");
}

#[test]
fn netpol_analyzer_listings_of_exposure_cases() {
    compare_listings("netpol-analyzer connlist of exposure", "exposure");
}

/// The ports of an explanation, `TCP, UDP:[1-52,54-65535], SCTP`: one of each protocol.
fn sample_ports(conn: &str) -> Vec<String> {
    let mut ports = Vec::new();
    for part in conn.split(", ") {
        let (protocol, numbers) = part.split_once(":[").unwrap_or((part, "1"));
        let first = numbers.split([',', '-', ']']).next().unwrap_or_default();
        ports.push(format!("{first}/{protocol}"));
    }
    ports
}

/// An end of netpol-analyzer's, `shop/cart[Deployment]` or `10.0.0.0-10.255.255.255[External]`, in our words; the first of a range.
fn our_name(end: &str) -> Option<String> {
    let (path, kind) = end.strip_suffix(']')?.split_once('[')?;
    if kind == "External" {
        return path.split('-').next().map(str::to_owned);
    }
    let (namespace, name) = path.split_once('/')?;
    Some(format!("{namespace}/{}/{name}", kind.to_lowercase()))
}

fn sentences(side: &Side) -> String {
    side.reasons.iter().map(|reason| reason.sentence.as_str()).collect::<Vec<_>>().join("; ")
}

/// Holds one side of an answer against theirs: the verdict, every rule that allows, and every policy that does not.
fn compare_side(ours: &Side, theirs: &Value, direction: &str) -> Result<(), String> {
    if !ours.verdict.word().eq_ignore_ascii_case(text(theirs, "verdict")) {
        return Err(format!("{direction}: ours {}, theirs {}", ours.verdict, text(theirs, "verdict")));
    }
    let is_default = !text(theirs, "default").is_empty();
    if is_default != ours.reasons.iter().all(|reason| reason.object.is_none()) {
        return Err(format!("{direction}: {}, and theirs is the default: {is_default}", sentences(ours)));
    }
    for rule in list(theirs, "rules").iter().filter_map(Value::as_str).filter(|rule| !rule.ends_with(" list:")) {
        let path = rule.split('\'').nth(1).unwrap_or_default();
        let pointer = rule.split(" rule #").nth(1).filter(|_| rule.contains(" allows connections by "));
        let pointer = pointer.and_then(|number| number.parse::<usize>().ok()).map(|number| format!("/spec/{direction}/{}", number - 1));
        let found = ours.reasons.iter().any(|reason| {
            let is_policy = reason.object.as_ref().is_some_and(|key| key.path() == path);
            is_policy
                && match &pointer {
                    Some(pointer) => reason.decision == Decision::Allowed && reason.pointer == *pointer,
                    None => reason.decision == Decision::NotAllowed,
                }
        });
        // What does not allow is named only where nothing else does.
        if !found && (pointer.is_some() || ours.verdict == Verdict::Denied) {
            return Err(format!("{direction}: {rule:?} is not among {}", sentences(ours)));
        }
    }
    Ok(())
}

#[test]
fn netpol_analyzer_reasons() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer explain");
    for case in netpol_analyzer_cases(&root, "explain") {
        let (dir, explanations) = (text(case, "dir"), list(case, "explain"));
        let name = dir.trim_start_matches("tests/");
        let objects = fixture::folder(&root.join(dir));
        if let Some(reason) = unread(&objects) {
            report.skip(name, reason);
            continue;
        }
        report.case();
        let analysis = fixture::analysis(&objects, as_netpol_analyzer());
        for explanation in explanations {
            let (from, to) = (text(explanation, "src"), text(explanation, "dst"));
            let (Some(our_from), Some(our_to)) = (our_name(from), our_name(to)) else { continue };
            for (expected, field) in [(Verdict::Allowed, "allowed"), (Verdict::Denied, "denied")] {
                for entry in list(explanation, field) {
                    for port in sample_ports(text(entry, "conn")) {
                        report.flows(1);
                        let result = fixture::ask(&analysis, &our_from, &our_to, &port).and_then(|trace| {
                            if trace.verdict != expected {
                                return Err(format!("ours {}, theirs {expected}", trace.verdict));
                            }
                            compare_side(&trace.egress, &entry["egress"], "egress")?;
                            compare_side(&trace.ingress, &entry["ingress"], "ingress")
                        });
                        if let Err(what) = result {
                            report.differs(format!("{name}: {from} => {to} {port}: {what}"));
                        }
                    }
                }
            }
        }
    }
    report.finish();
}

#[test]
fn netpol_analyzer_differences() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer diff");
    for case in netpol_analyzer_cases(&root, "diff") {
        let name = format!("{} {}", text(case, "dir1"), text(case, "dir2")).replace("tests/", "");
        let [before, after] = ["dir1", "dir2"].map(|dir| fixture::folder(&root.join(text(case, dir))));
        if let Some(reason) = unread(&before).or(unread(&after)) {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        let [before, after] = [before, after].map(|objects| fixture::analysis(&objects, as_netpol_analyzer()));
        let difference = Difference::between(&before, &after);
        let (mut ours, mut theirs): ([Listing; 2], [Listing; 2]) = Default::default();
        for row in difference.added.iter().chain(&difference.removed).chain(&difference.changed) {
            ours[0].add_peers(&row.from, &row.to, row.before.ports.clone());
            ours[1].add_peers(&row.from, &row.to, row.after.ports.clone());
        }
        for row in list(case, "diff") {
            theirs[0].add(text(row, "src"), text(row, "dst"), ports_of_text(text(row, "ref1")));
            theirs[1].add(text(row, "src"), text(row, "dst"), ports_of_text(text(row, "ref2")));
        }
        ours[0].compare(&theirs[0], &format!("{name}, before"), &mut report);
        ours[1].compare(&theirs[1], &format!("{name}, after"), &mut report);
    }
    report.finish();
}

#[test]
fn netpol_analyzer_single_questions() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer eval_unit");
    for case in json(&root.join("eval_unit.json")).as_array().into_iter().flatten() {
        let analysis = fixture::analysis(list(case, "objects"), as_netpol_analyzer());
        let port = format!("{}/{}", text(case, "port"), text(case, "protocol"));
        let (from, to) = (text(case, "src"), text(case, "dst"));
        let expected = if case["allowed"] == true { Verdict::Allowed } else { Verdict::Denied };
        report.case();
        report.flows(1);
        match fixture::ask(&analysis, from, to, &port) {
            Ok(trace) if trace.verdict == expected => {}
            Ok(trace) => {
                report.differs(format!("{}: {from} -> {to} {port}: ours {}, theirs {expected}", text(case, "name"), trace.verdict))
            }
            Err(error) => report.differs(format!("{}: {error}", text(case, "name"))),
        }
    }
    report.finish();
}

/// The objects of a step of a cyclonus case. Its pods serve 80 and 81 over every protocol, under names like `serve-80-tcp`.
fn cyclonus_objects(step: &Value) -> Vec<Value> {
    let mut objects: Vec<Value> = list(step, "policies").to_vec();
    for (name, labels) in step["namespaces"].as_object().into_iter().flatten() {
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}));
    }
    let mut ports = Vec::new();
    for port in [80, 81] {
        for protocol in Protocol::ALL {
            let name = format!("serve-{port}-{}", protocol.name().to_lowercase());
            ports.push(json!({"name": name, "containerPort": port, "protocol": protocol.name()}));
        }
    }
    for (path, pod) in step["pods"].as_object().into_iter().flatten() {
        let (namespace, name) = path.split_once('/').expect("namespace/name");
        objects.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": pod["labels"]},
            "spec": {"containers": [{"name": "c", "ports": ports}]},
            "status": {"phase": "Running", "podIP": pod["ip"]},
        }));
    }
    objects
}

#[test]
fn cyclonus() {
    let Some(path) = fixture::shared("oracles/cyclonus_odd.json") else { return };
    let mut report = Report::new("cyclonus");
    for case in json(&path).as_array().into_iter().flatten() {
        report.case();
        for (number, step) in list(case, "steps").iter().enumerate() {
            let name = format!("{} {:?} step {}", case["index"], text(case, "description"), number + 1);
            let analysis = fixture::analysis(&cyclonus_objects(step), fixture::assumptions(&[("self-traffic", "policy")]));
            compare_cyclonus_step(&analysis, list(step, "expected"), &name, &mut report);
        }
    }
    report.finish();
}

fn compare_cyclonus_step(analysis: &Analysis, expected: &[Value], name: &str, report: &mut Report) {
    let pod = |path: &Value| {
        let (namespace, name) = path.as_str().and_then(|path| path.split_once('/')).expect("namespace/name");
        analysis.inventory().pod(namespace, name).expect("a pod of the step")
    };
    let mut sides = BTreeMap::new();
    report.flows(expected.len());
    for flow in expected {
        let (from, to) = (pod(&flow[0]), pod(&flow[1]));
        let port = u16::try_from(flow[2].as_u64().expect("a port")).expect("a port");
        let protocol = Protocol::parse(flow[3].as_str().expect("a protocol")).expect("a protocol");
        let [ingress, egress] = sides.entry((from, to)).or_insert_with(|| {
            let side =
                |subject, direction, peer| analysis.reachability().side_of_pod(analysis.inventory(), subject, direction, End::Pod(peer));
            [side(to, Direction::Ingress, from), side(from, Direction::Egress, to)]
        });
        for (outcome, theirs, direction) in [(ingress, &flow[4], "ingress"), (egress, &flow[5], "egress")] {
            let (certain, possible) = (outcome.certain.contains(protocol, port), outcome.possible.contains(protocol, port));
            if Some(certain) != theirs.as_bool() || certain != possible {
                report.differs(format!("{name}: {flow} {direction}: ours {certain}, {possible}"));
            }
        }
    }
}

#[test]
fn validation_of_network_policies() {
    let Some(path) = fixture::shared("oracles/networkpolicy_validation.json") else { return };
    let mut report = Report::new("NetworkPolicy validation");
    let table = json(&path);
    let warnings = |spec: &Value| {
        let raw = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "n"}, "spec": spec});
        let object = Object::new(raw, "default").expect("a key").expect("a kind that is read");
        portolan_core::intake::read(&object).warnings
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
