//! netpol-analyzer's explanations of what `{ingress-controller}` reaches: the Ingress or Route that opens a port, and the policies that let
//! it in or do not.

use std::collections::BTreeSet;

use portolan_core::Kind;
use portolan_core::peer::Verdict;
use portolan_core::ports::{PortSet, Protocol};
use portolan_tests::fixture;
use portolan_tests::ingress_controller::{IngressController, Opening, SOURCE_POD, name_of};
use portolan_tests::oracle::{Report, list, port_of_focus, ports_of_explanation, text};
use serde_json::{Value, json};

use crate::explain::{compare_side, samples};
use crate::netpol_analyzer::as_netpol_analyzer;

/// `Route 'shop/web' allows ingress connections through service web`, `Ingress 'shop/web' allows ingress to service web, but ...`: the kind,
/// the object, the Service, and whether it opens the port. `None` for sentences on policies.
fn opening(rule: &str) -> Option<(&str, &str, &str, bool)> {
    let kind = rule.split(' ').next().filter(|kind| ["Ingress", "Route"].contains(kind))?;
    let path = rule.split('\'').nth(1)?;
    let (_, service) = rule.split_once(" service ")?;
    Some((kind, path, service.split(',').next()?, rule.contains(" allows ingress connections through ")))
}

/// What is said of policies only, as a side of its own.
fn policies(side: &Value) -> Value {
    let rules: Vec<&str> = list(side, "rules").iter().filter_map(Value::as_str).filter(|rule| opening(rule).is_none()).collect();
    let is_said = |part: &str| rules.iter().any(|rule| rule.contains(part));
    let is_denied = is_said("' selects ") && !is_said("' allows connections by ");
    json!({"verdict": if is_denied { "Denied" } else { "Allowed" }, "rules": rules})
}

/// Holds what Ingresses and Routes open of a workload's port against what is said of them.
fn compare_openings(openings: &[Opening], port: &str, side: &Value) -> Result<bool, String> {
    let is_of = |opening: &Opening| port == format!("{}/{}", opening.port, Protocol::Tcp);
    let name = |opening: &Opening| {
        let kind = if opening.object.kind == Kind::Ingress { "Ingress" } else { "Route" };
        (kind.to_owned(), opening.object.path(), opening.service.clone())
    };
    let ours = |is_open: bool| -> BTreeSet<_> {
        let open: BTreeSet<_> = openings.iter().filter(|opening| is_of(opening)).map(name).collect();
        if is_open { open } else { openings.iter().map(name).filter(|name| !open.contains(name)).collect() }
    };
    let said: Vec<_> = list(side, "rules").iter().filter_map(Value::as_str).filter_map(opening).collect();
    let theirs = |is_open: bool| -> BTreeSet<_> {
        let of_kind = said.iter().filter(|(.., open)| *open == is_open);
        of_kind.map(|(kind, path, service, _)| ((*kind).to_owned(), (*path).to_owned(), (*service).to_owned())).collect()
    };
    let is_open = !theirs(true).is_empty();
    if ours(true) != theirs(true) {
        return Err(format!("opened by {:?}, theirs {:?}", ours(true), theirs(true)));
    }
    // What opens other ports is named by them only where nothing opens this one.
    if !is_open && ours(false) != theirs(false) {
        return Err(format!("not opened by {:?}, theirs {:?}", ours(false), theirs(false)));
    }
    Ok(is_open)
}

fn compare_port(
    controller: &IngressController,
    objects: &[Value],
    workload: &str,
    port: &str,
    expected: (Verdict, &Value),
) -> Result<(), String> {
    let trace = fixture::ask(&controller.analysis, SOURCE_POD, &name_of(workload), port)?;
    let (verdict, entry) = expected;
    compare_side(&trace.ingress, &policies(&entry["ingress"]), "ingress", objects)?;
    if text(&entry["egress"], "verdict") != "Allowed" || !list(&entry["egress"], "rules").is_empty() {
        return Err("theirs has reasons for the way out".to_owned());
    }
    let openings = controller.openings.get(workload).map_or(&[][..], Vec::as_slice);
    let is_open = compare_openings(openings, port, &entry["ingress"])?;
    let ours = if is_open { trace.ingress.verdict } else { Verdict::Denied };
    if ours == verdict { Ok(()) } else { Err(format!("ours {ours}, theirs {verdict}")) }
}

/// Compares the explanations of one case.
pub fn compare(objects: &[Value], case: &Value, theirs: &[&Value], name: &str, report: &mut Report) {
    let Some(controller) = IngressController::of(objects, as_netpol_analyzer()) else {
        theirs.iter().for_each(|row| report.differs(format!("{name}: {row}: there is neither an Ingress nor a Route")));
        return;
    };
    for row in theirs {
        let workload = text(row, "dst");
        let mut explained = PortSet::none();
        for (expected, field) in [(Verdict::Allowed, "allowed"), (Verdict::Denied, "denied")] {
            for entry in list(row, field) {
                let ports = ports_of_explanation(text(entry, "conn"));
                explained = explained.union(&ports);
                for port in samples(&ports) {
                    report.flows(1);
                    if let Err(what) = compare_port(&controller, objects, workload, &port, (expected, entry)) {
                        report.differs(format!("{name}: {} => {workload} {port}: {what}", text(row, "src")));
                    }
                }
            }
        }
        let asked = match text(case, "focusConn") {
            "" => PortSet::all(),
            port => port_of_focus(port),
        };
        if explained != asked {
            report.differs(format!("{name}: {workload}: theirs explains {explained} only"));
        }
    }
    // Whatever it reaches they explain, unless they are asked for certain workloads.
    if list(case, "focusWorkloads").is_empty() {
        let explained: BTreeSet<&str> = theirs.iter().map(|row| text(row, "dst")).collect();
        let missing: Vec<&String> = controller.openings.keys().filter(|workload| !explained.contains(workload.as_str())).collect();
        missing.into_iter().for_each(|workload| report.differs(format!("{name}: {workload} is opened, and theirs does not say so")));
    }
}
