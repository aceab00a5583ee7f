//! Names that a pod may reach and cannot look up.

use std::collections::BTreeSet;

use crate::address::Family;
use crate::analysis::Analysis;
use crate::inventory::PodId;
use crate::labels::Facts as _;
use crate::object::Warning;
use crate::policy::{Action, Direction, DomainPattern, PeerKind, Policy};
use crate::ports::{PortSet, Protocol};
use crate::reachability::ClassId;

/// Labels that the DNS servers of clusters bear.
const SERVERS: &[(&str, &[&str])] = &[
    ("k8s-app", &["kube-dns", "coredns", "node-local-dns"]),
    ("app.kubernetes.io/name", &["coredns", "kube-dns"]),
    ("dns.operator.openshift.io/daemonset-dns", &["default"]),
];

/// Where DNS servers listen: their Service's port, and that of OpenShift's pods.
const PORTS: [u16; 2] = [53, 5353];

/// A warning for each rule that lets pods reach a name which no policy lets them look up.
pub(crate) fn findings(analysis: &Analysis) -> Vec<Warning> {
    let reachability = analysis.reachability();
    if reachability.domains().next().is_none() {
        return Vec::new();
    }
    let servers: BTreeSet<ClassId> = servers(analysis).into_iter().map(|pod| reachability.class_of(pod)).collect();
    let mut warnings = Vec::new();
    for (id, class) in reachability.classes().entries() {
        let Some(pod) = class.pods.first() else { continue };
        let policies = reachability.policies_of(id, Direction::Egress).iter().map(|placed| &*placed.policy);
        let is_open = |pattern: &DomainPattern| !reachability.domain(id, Direction::Egress, pattern).is_none();
        let named: Vec<(&Policy, String, DomainPattern)> = policies.flat_map(names).filter(|(_, _, pattern)| is_open(pattern)).collect();
        if named.is_empty() || may_ask(analysis, id, &servers) {
            continue;
        }
        let subject = analysis.inventory().pods.at(*pod).path();
        for (policy, pointer, name) in named {
            let message =
                format!("lets {subject} reach {name}, and no policy lets it ask a DNS server (port 53): the name cannot be looked up");
            warnings.push(Warning::new(&policy.object, pointer, message));
        }
    }
    // Pods of several classes are told of once for each rule.
    warnings.sort();
    warnings.dedup_by(|a, b| a.object == b.object && a.pointer == b.pointer);
    warnings
}

/// The names that rules of a policy let pods reach, each with its place.
fn names(policy: &Policy) -> Vec<(&Policy, String, DomainPattern)> {
    let rules = policy.rules(Direction::Egress).unwrap_or_default().iter().filter(|rule| rule.action == Action::Allow);
    let peers = rules.flat_map(|rule| rule.peers.iter().flatten());
    let name = |kind: &PeerKind| match kind {
        PeerKind::Domain(domain) => Some(domain.pattern.clone()),
        _ => None,
    };
    peers
        .flat_map(|peer| peer.kind.parts().into_iter().filter_map(move |part| Some((policy, peer.pointer.to_string(), name(part)?))))
        .collect()
}

/// The pods that are DNS servers, as far as their labels tell.
fn servers(analysis: &Analysis) -> Vec<PodId> {
    let is_server = |labels: &dyn Fn(&str) -> Option<String>| {
        SERVERS.iter().any(|(key, values)| labels(key).is_some_and(|value| values.contains(&value.as_str())))
    };
    let pods = analysis.inventory().pods.entries();
    pods.filter(|(_, pod)| is_server(&|key| pod.record().fact(key).map(str::to_owned))).map(|(id, _)| id).collect()
}

/// Whether some policy may let a class ask a DNS server: one of the cluster, or, as a server may be anywhere, any address.
fn may_ask(analysis: &Analysis, class: ClassId, servers: &BTreeSet<ClassId>) -> bool {
    let reachability = analysis.reachability();
    let asks = |ports: &PortSet| PORTS.iter().any(|port| ports.contains(Protocol::Udp, *port) || ports.contains(Protocol::Tcp, *port));
    servers.iter().any(|server| asks(&reachability.side(class, Direction::Egress, *server).possible))
        || reachability
            .addresses(class, Direction::Egress)
            .intervals
            .iter()
            .any(|interval| interval.range.family == Family::V4 && asks(&interval.outcome.possible))
}
