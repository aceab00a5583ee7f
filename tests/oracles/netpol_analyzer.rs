//! netpol-analyzer: listings, differences between two folders, and single questions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use portolan_core::analysis::Difference;
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_core::ports::PortSet;
use portolan_tests::fixture;
use portolan_tests::ingress_controller::{IngressController, SOURCE};
use portolan_tests::oracle::{Listing, Report, json, list, port_of_focus, ports_of_text, text};
use serde_json::Value;

/// How netpol-analyzer reads the world.
pub fn as_netpol_analyzer() -> Assumptions {
    fixture::assumptions(&[
        ("ip-block-selects-pods", "no"),
        ("networks-select-pods", "no"),
        ("host-network-pods", "ordinary"),
        ("finished-pods", "ordinary"),
    ])
}

/// Why the objects of a folder are not compared, by the folder's name.
pub fn out_of_scope(dir: &str) -> Option<&'static str> {
    let name = dir.trim_start_matches("tests/");
    if name.starts_with("udn_") || name.starts_with("cudn_") {
        Some("User Defined Networks are out of scope")
    } else if name.starts_with("nad_") {
        Some("secondary networks (NetworkAttachmentDefinition, MultiNetworkPolicy) are out of scope")
    } else {
        None
    }
}

/// netpol-analyzer's cases of one kind. The file is large, and is read once.
pub fn cases<'a>(root: &Path, kind: &'a str) -> impl Iterator<Item = &'static Value> + use<'a> {
    static CASES: OnceLock<Value> = OnceLock::new();
    let cases = CASES.get_or_init(|| json(&root.join("cases.json"))).as_array();
    cases.into_iter().flatten().filter(move |case| text(case, "kind") == kind)
}

/// The name of a case: its folder, and what it is asked to focus on.
pub fn case_name(case: &Value) -> String {
    let arguments = text(case, "case").rsplit('|').next().unwrap_or_default();
    let focus = arguments.replace("--multiple-networks=false", "").replace("--multiple-networks=true", "");
    format!("{} {}", text(case, "dir").trim_start_matches("tests/"), focus.trim()).trim_end().to_owned()
}

/// What we list of some objects, the lines of `{ingress-controller}` among it.
fn our_listing(objects: &[Value]) -> Listing {
    let mut listing = Listing::ours(&fixture::analysis(objects, as_netpol_analyzer()));
    if let Some(controller) = IngressController::of(objects, as_netpol_analyzer()) {
        controller.add_to(&mut listing);
    }
    listing
}

/// Compares the listings of all cases of one kind.
fn compare_listings(suite: &str, kind: &str) {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new(suite);
    let mut listings: BTreeMap<&str, Listing> = BTreeMap::new();
    for case in cases(&root, kind) {
        let (dir, name) = (text(case, "dir"), case_name(case));
        let focus: Vec<&str> = list(case, "focusWorkloads").iter().filter_map(Value::as_str).collect();
        let peers: Vec<&str> = list(case, "focusPeers").iter().filter_map(Value::as_str).collect();
        if let Some(reason) = out_of_scope(dir) {
            report.skip(&name, reason);
            continue;
        }
        let mut expected = Listing::default();
        list(case, "lines").iter().for_each(|line| expected.add_line(line));
        let whole = listings.entry(dir).or_insert_with(|| our_listing(&fixture::folder(&root.join(dir))));
        let mut ours = whole.clone();
        // What is asked of netpol-analyzer to focus on is taken out of our whole listing here.
        let is = |names: &[&str], end: &str| {
            let path = end.split('[').next().unwrap_or_default().trim_matches(['{', '}']);
            names.iter().any(|name| *name == path || path.rsplit('/').next() == Some(name))
        };
        let direction = text(case, "focusDirection");
        ours.retain(|from, to| {
            let out = direction != "ingress" && is(&focus, from) && (peers.is_empty() || is(&peers, to));
            let inwards = direction != "egress" && is(&focus, to) && (peers.is_empty() || is(&peers, from));
            focus.is_empty() || out || inwards
        });
        if !text(case, "focusConn").is_empty() {
            ours.restrict_to(&port_of_focus(text(case, "focusConn")));
        }
        report.case();
        ours.compare(&expected, &name, &mut report);
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

/// What `{ingress-controller}` reaches otherwise before and after, by workload.
fn reached_otherwise(objects: &[Vec<Value>; 2], name: &str, report: &mut Report) -> Vec<(String, PortSet, PortSet)> {
    let [before, after] = objects.each_ref().map(|objects| {
        let (reached, uncertain) =
            IngressController::of(objects, as_netpol_analyzer()).map(|controller| controller.reached()).unwrap_or_default();
        uncertain.into_iter().for_each(|line| report.differs(format!("{name}: {line}")));
        reached
    });
    let workloads: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |side: &BTreeMap<String, PortSet>, workload: &str| side.get(workload).cloned().unwrap_or_else(PortSet::none);
    let rows = workloads.into_iter().map(|workload| (workload.clone(), of(&before, workload), of(&after, workload)));
    rows.filter(|(_, before, after)| before != after).collect()
}

#[test]
fn netpol_analyzer_differences() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer diff");
    for case in cases(&root, "diff") {
        let dirs = ["dir1", "dir2"].map(|field| text(case, field));
        let name = dirs.join(" ").replace("tests/", "");
        if let Some(reason) = dirs.into_iter().find_map(out_of_scope) {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        let objects = dirs.map(|dir| fixture::folder(&root.join(dir)));
        let [before, after] = objects.each_ref().map(|objects| fixture::analysis(objects, as_netpol_analyzer()));
        let difference = Difference::between(&before, &after);
        let (mut ours, mut theirs): ([Listing; 2], [Listing; 2]) = Default::default();
        for row in difference.added.iter().chain(&difference.removed).chain(&difference.changed) {
            ours[0].add_peers(&row.from, &row.to, row.before.ports.clone());
            ours[1].add_peers(&row.from, &row.to, row.after.ports.clone());
        }
        // What a row is called, for pairs of workloads; intervals of addresses are cut differently.
        let mut words: [BTreeSet<[String; 3]>; 2] = Default::default();
        for (word, rows) in [("added", &difference.added), ("removed", &difference.removed), ("changed", &difference.changed)] {
            let rows = rows.iter().map(|row| [row.from.to_string(), row.to.to_string(), word.to_owned()]);
            words[0].extend(rows.filter(|[from, to, _]| from.ends_with(']') && to.ends_with(']')));
        }
        for (workload, before, after) in reached_otherwise(&objects, &name, &mut report) {
            let word = match (before.is_empty(), after.is_empty()) {
                (true, _) => "added",
                (_, true) => "removed",
                _ => "changed",
            };
            words[0].insert([SOURCE, &workload, word].map(str::to_owned));
            ours[0].add(SOURCE, &workload, before);
            ours[1].add(SOURCE, &workload, after);
        }
        for row in list(case, "diff") {
            let [from, to] = [text(row, "src"), text(row, "dst")];
            if [from, to].iter().all(|end| !end.ends_with("[External]")) {
                words[1].insert([from, to, text(row, "type")].map(str::to_owned));
            }
            theirs[0].add(text(row, "src"), text(row, "dst"), ports_of_text(text(row, "ref1")));
            theirs[1].add(text(row, "src"), text(row, "dst"), ports_of_text(text(row, "ref2")));
        }
        words[0].symmetric_difference(&words[1]).for_each(|row| report.differs(format!("{name}: {row:?} is on one side only")));
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
