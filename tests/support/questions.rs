//! Questions about a folder: a sample of pairs of everything that an end can be, with ports by number, by name, and without.

use std::collections::BTreeSet;

use portolan_core::analysis::{Analysis, Unit};
use portolan_core::object::Kind;
use portolan_core::peer::Peer;
use serde_json::json;

/// Workload kinds that a question can name.
const NAMED_KINDS: [&str; 7] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"];

/// One question, as a person would put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The end that asks.
    pub from: String,
    /// The end that is asked for.
    pub to: String,
    /// The port.
    pub port: Option<String>,
}

impl Question {
    /// As a line of `trace --queries`.
    pub fn line(&self) -> String {
        match &self.port {
            Some(port) => json!({"from": self.from, "to": self.to, "port": port}).to_string(),
            None => json!({"from": self.from, "to": self.to}).to_string(),
        }
    }
}

/// Every end that a question about this analysis can have: workloads, pods, Services, addresses of pods, addresses at the edges of what
/// policies name, domains, and `outside`.
pub fn ends(analysis: &Analysis) -> Vec<String> {
    let mut ends: Vec<String> = Vec::new();
    for (_, workload) in analysis.inventory().workloads.entries() {
        if NAMED_KINDS.contains(&workload.kind.as_str()) {
            ends.push(format!("{}/{}/{}", workload.namespace, workload.kind.to_lowercase(), workload.name));
        }
    }
    for (_, pod) in analysis.inventory().pods.entries().filter(|(_, pod)| !pod.is_representative()) {
        ends.push(format!("{}/pod/{}", pod.namespace(), pod.name()));
        ends.extend(pod.record().addresses.iter().map(ToString::to_string));
    }
    let services = analysis.snapshot().records(Kind::Service);
    ends.extend(services.map(|(key, _)| format!("{}/svc/{}", key.namespace, key.name)));
    let mut outside: BTreeSet<String> = ["8.8.8.8", "10.1.2.3", "2001:db8::1"].map(str::to_owned).into();
    for connection in analysis.connections(Unit::Workload) {
        for peer in [&connection.from, &connection.to] {
            match peer {
                Peer::Range { first, last } => outside.extend([first.to_string(), last.to_string()]),
                Peer::Domain { pattern } => drop(outside.insert(format!("domain:{pattern}"))),
                _ => {}
            }
        }
    }
    ends.extend(outside);
    ends.extend(["domain:www.example.com".to_owned(), "outside".to_owned()]);
    ends
}

/// Ports to ask for: none, some numbers, and the names of the first few container ports.
pub fn ports(analysis: &Analysis) -> Vec<Option<String>> {
    let names = analysis.inventory().pods.entries().flat_map(|(_, pod)| pod.record().ports.iter().map(|port| port.name.to_string()));
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    let numbers = ["80/TCP", "5432", "53/UDP", "1/SCTP", "no-such-name"].map(str::to_owned);
    std::iter::once(None).chain(numbers.into_iter().chain(names.into_iter().take(3)).map(Some)).collect()
}

/// About `n` questions, spread evenly over all pairs of ends, the ports in turn.
pub fn sample(analysis: &Analysis, n: usize) -> Vec<Question> {
    let (ends, ports) = (ends(analysis), ports(analysis));
    let n_pairs = ends.len() * ends.len();
    // A step that has no divisor in common with the number of pairs leads through all of them.
    let mut step = (n_pairs / n.max(1)).max(1);
    while greatest_common_divisor(step, n_pairs) != 1 {
        step += 1;
    }
    let ask = |index: usize| {
        let pair = index * step % n_pairs;
        let (from, to) = (&ends[pair / ends.len()], &ends[pair % ends.len()]);
        Question { from: from.clone(), to: to.clone(), port: ports[index % ports.len()].clone() }
    };
    (0..n).map(ask).collect()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
