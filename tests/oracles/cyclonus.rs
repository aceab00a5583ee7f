//! cyclonus: every flow of every step of 115 cases, each side of it apart.

use std::collections::BTreeMap;

use portolan_core::analysis::Analysis;
use portolan_core::inventory::PodId;
use portolan_core::policy::Direction;
use portolan_core::ports::Protocol;
use portolan_core::reachability::{End, Outcome};
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list};
use serde_json::{Value, json};

/// What each side says of flows between pods, worked out once for each pair.
pub struct Sides<'a> {
    analysis: &'a Analysis,
    by_pair: BTreeMap<(PodId, PodId), [Outcome; 2]>,
}

impl<'a> Sides<'a> {
    /// The sides of an analysis.
    pub fn new(analysis: &'a Analysis) -> Self {
        Self { analysis, by_pair: BTreeMap::new() }
    }

    fn pod(&self, path: &str) -> PodId {
        let (namespace, name) = path.split_once('/').expect("namespace/name");
        self.analysis.inventory().pod(namespace, name).expect("a pod of the case")
    }

    /// Holds one flow against the verdicts that are expected of ingress and egress.
    pub fn compare(&mut self, [from, to]: [&str; 2], port: &Value, protocol: &str, expected: [&Value; 2], name: &str, report: &mut Report) {
        report.flows(1);
        let port = port.as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        let parsed = Protocol::parse(protocol).expect("a protocol");
        let (source, destination) = (self.pod(from), self.pod(to));
        let analysis = self.analysis;
        let sides = self.by_pair.entry((source, destination)).or_insert_with(|| {
            [(destination, Direction::Ingress, source), (source, Direction::Egress, destination)].map(|(subject, direction, peer)| {
                analysis.reachability().side_of_pod(analysis.inventory(), subject, direction, End::Pod(peer))
            })
        });
        for ((outcome, expected), direction) in sides.iter().zip(expected).zip(["ingress", "egress"]) {
            let (certain, possible) = (outcome.certain.contains(parsed, port), outcome.possible.contains(parsed, port));
            if Some(certain) != expected.as_bool() || certain != possible {
                report.differs(format!(
                    "{name}: {from} -> {to} {port}/{protocol} {direction}: theirs {expected}, ours {certain} (possibly {possible})"
                ));
            }
        }
    }
}

/// The objects of a step. Its pods serve 80 and 81 over every protocol, under names like `serve-80-tcp`.
fn objects(step: &Value) -> Vec<Value> {
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
            let name = format!("{} {} step {}", case["index"], case["description"], number + 1);
            let analysis = fixture::analysis(&objects(step), fixture::assumptions(&[("self-traffic", "policy")]));
            let mut sides = Sides::new(&analysis);
            for flow in list(step, "expected") {
                let word = |index: usize| flow[index].as_str().expect("a text");
                sides.compare([word(0), word(1)], &flow[2], word(3), [&flow[4], &flow[5]], &name, &mut report);
            }
        }
    }
    report.finish();
}
