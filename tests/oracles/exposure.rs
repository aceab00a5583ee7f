//! netpol-analyzer's exposure analysis: what could reach a workload, or be reached by it, that is not there yet.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, ExposedPeer, Outside, PodGroup, Unit};
use portolan_core::labels::{Operator, Requirement, Selector};
use portolan_core::policy::NamespaceScope;
use portolan_core::ports::{PortSet, Protocol};
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, list, port_of_focus, text};
use serde_json::Value;

use crate::netpol_analyzer::{as_netpol_analyzer, case_name, cases, out_of_scope};

/// Where we say something else, by the API text: folder, workload, direction, peer, their ports and ours.
///
/// A namespace that is there has its labels: a pod of namespace `ns1`, which is labelled `x: xval`, is let in by the rule for namespaces
/// with that label as well. They know the namespace of a pod that is not there by its name alone.
const OTHERWISE: &[[&str; 6]] = &[[
    "exposure_test_real_namespace_without_real_pod --exposure",
    "ns1/pod-in-ns1[Deployment]",
    "ingress",
    "pods with app=foo in namespace ns1",
    "9090/TCP",
    "8080/TCP, 9090/TCP",
]];

/// Ports by number and by name.
type Ports = (PortSet, BTreeSet<String>);

/// Ports by workload, direction and peer.
type Listing = BTreeMap<(String, String, ExposedPeer), Ports>;

/// Requirements written as `{app=foo,tier=web}` or `{{Key:app,Operator:In,Values:[a b],},..}`, without the outer braces.
fn selector(text: &str) -> Selector {
    let mut requirements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (requirement, behind) = match rest.strip_prefix('{') {
            Some(expression) => {
                let (expression, behind) = expression.split_once(",}").expect("the end of an expression");
                let field = |name: &str| expression.split_once(name).expect("a field").1;
                let key = field("Key:").split(',').next().expect("a key");
                let values = field("Values:[").trim_end_matches(']').split_whitespace().map(Into::into).collect();
                let operator = match field("Operator:").split(',').next().expect("an operator") {
                    "In" => Operator::In(values),
                    "NotIn" => Operator::NotIn(values),
                    "Exists" => Operator::Exists,
                    "DoesNotExist" => Operator::DoesNotExist,
                    other => panic!("{other:?} is no operator"),
                };
                (Requirement { key: key.into(), operator }, behind)
            }
            None => {
                let (label, behind) = rest.split_once(',').unwrap_or((rest, ""));
                let (key, value) = label.split_once('=').expect("a label");
                (Requirement { key: key.into(), operator: Operator::In(vec![value.into()]) }, behind)
            }
        };
        requirements.push(requirement);
        rest = behind.trim_start_matches(',');
    }
    Selector::new(requirements)
}

/// A peer as they write it: `entire-cluster`, `ns/[all pods]`, `[namespace with {x=y}]/[pod with {app=foo}]`, `..[External]`.
fn peer(text: &str) -> ExposedPeer {
    if text == "entire-cluster" {
        return ExposedPeer::Cluster;
    }
    if let Some((first, last)) = text.strip_suffix("[External]").and_then(|range| range.split_once('-')) {
        return ExposedPeer::Range(Outside { first: first.parse().expect("an address"), last: last.parse().expect("an address") });
    }
    let middle = text.find("/[pod with ").or_else(|| text.find("/[all pods]")).expect("namespaces and pods");
    let (namespaces, pods) = (&text[..middle], &text[middle + 1..]);
    let selected = |text: &str, what: &str| {
        text.strip_prefix(&format!("[{what} with {{")).and_then(|text| text.strip_suffix("}]")).map_or_else(Selector::default, selector)
    };
    ExposedPeer::Pods(PodGroup {
        namespaces: match namespaces.strip_prefix('[') {
            Some(_) => NamespaceScope::Matching(selected(namespaces, "namespace")),
            None => NamespaceScope::One(namespaces.into()),
        },
        pods: selected(pods, "pod"),
    })
}

fn their_ports(conns: &Value) -> Ports {
    let mut ports = (PortSet::none(), BTreeSet::new());
    for (protocol, spans) in conns.as_object().into_iter().flatten() {
        let parsed = Protocol::parse(protocol).expect("a protocol");
        for span in spans.as_array().into_iter().flatten() {
            if let Some(name) = span.as_str() {
                ports.1.insert(format!("{name}/{protocol}"));
                continue;
            }
            let bound = |index: usize| u16::try_from(span[index].as_u64().expect("a port")).expect("a port");
            ports.0 = ports.0.union(&PortSet::range(parsed, bound(0), bound(1)));
        }
    }
    ports
}

/// Our openings, and the units that no policy protects, of the workloads and the direction that a case is about.
fn ours(analysis: &Analysis, case: &Value) -> (Listing, BTreeSet<String>, Vec<String>) {
    let focus: Vec<&str> = list(case, "focusWorkloads").iter().filter_map(Value::as_str).collect();
    let port = (!text(case, "focusConn").is_empty()).then(|| port_of_focus(text(case, "focusConn")));
    let (mut listing, mut unprotected, mut depending) = (Listing::new(), BTreeSet::new(), Vec::new());
    for exposure in analysis.exposure(Unit::Workload) {
        let unit = exposure.unit.to_string();
        let path = unit.split('[').next().unwrap_or_default();
        let is_meant = focus.is_empty() || focus.iter().any(|name| *name == path || path.rsplit('/').next() == Some(name));
        let direction = exposure.direction.name();
        if !is_meant || !["", direction].contains(&text(case, "focusDirection")) {
            continue;
        }
        if !exposure.protected {
            let direction = if direction == "ingress" { "Ingress" } else { "Egress" };
            unprotected.insert(format!("{unit} is not protected on {direction}"));
        }
        for opening in exposure.openings {
            let (mut ports, mut named) = (opening.ports, opening.named);
            if let Some(port) = &port {
                ports = ports.intersection(port);
                named.clear();
            }
            if !opening.depends.is_empty() {
                depending.push(format!("{unit} {direction} {} depends on {}", opening.peer, opening.depends.join(", ")));
            } else if !ports.is_empty() || !named.is_empty() {
                listing.insert((unit.clone(), direction.to_owned(), opening.peer), (ports, named.into_iter().collect()));
            }
        }
    }
    (listing, unprotected, depending)
}

#[test]
fn netpol_analyzer_exposure() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer exposure");
    let mut otherwise: BTreeSet<_> = OTHERWISE.iter().collect();
    for case in cases(&root, "exposure").chain(cases(&root, "explain+exposure")) {
        let name = case_name(case);
        if let Some(reason) = out_of_scope(text(case, "dir")) {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        let analysis = fixture::analysis(&fixture::folder(&root.join(text(case, "dir"))), as_netpol_analyzer());
        let (ours, our_unprotected, depending) = ours(&analysis, case);
        depending.into_iter().for_each(|line| report.differs(format!("{name}: {line}")));
        let mut theirs = Listing::new();
        for line in list(case, "exposure") {
            let key = (text(line, "workload").to_owned(), text(line, "direction").to_owned(), peer(text(line, "peer")));
            theirs.insert(key, their_ports(&line["conns"]));
        }
        let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        let none = Ports::default();
        report.flows(keys.len());
        for key in keys {
            let (our_ports, their_ports) = (ours.get(key).unwrap_or(&none), theirs.get(key).unwrap_or(&none));
            if our_ports == their_ports {
                continue;
            }
            let line = [name.as_str(), &key.0, &key.1, &key.2.to_string(), &their_ports.0.to_string(), &our_ports.0.to_string()];
            match OTHERWISE.iter().find(|known| **known == line) {
                Some(known) => drop(otherwise.remove(known)),
                None => report.differs(format!("{line:?} {:?} {:?}", their_ports.1, our_ports.1)),
            }
        }
        // Asked for one port, they leave out what is unprotected unless that is "all connections", which it never is then.
        if !text(case, "focusConn").is_empty() {
            continue;
        }
        let their_unprotected: BTreeSet<String> = list(case, "unprotected").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        report.flows(our_unprotected.union(&their_unprotected).count());
        our_unprotected
            .symmetric_difference(&their_unprotected)
            .for_each(|line| report.differs(format!("{name}: {line:?} on one side only")));
    }
    otherwise.into_iter().for_each(|line| report.differs(format!("known, and not so any more: {line:?}")));
    report.finish();
}
