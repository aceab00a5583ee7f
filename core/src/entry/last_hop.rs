//! The end of a way: from whoever takes the requests (a controller's pods, or the outside) through a Service to pods, by policy.

use std::collections::BTreeMap;

use super::backends::{self, Backends};
use super::controller::Controller;
use super::table::{Destination, PortRef, Rule, Target, worst};
use crate::analysis::{Analysis, Decision, Endpoint, Hop, Trace};
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::ports::{PortSet, Protocol};
use crate::reachability::ClassId;
use crate::record::{Record, ServicePort, ServicePortRef, ServiceRecord, ServiceType, TargetPort};

/// The way of the requests that a rule sends to one target.
#[derive(Debug, Clone, Default)]
pub(super) struct Leg {
    /// The hops, from the target's own to the pods.
    pub(super) hops: Vec<Hop>,
    /// The Service that it leads through, whether or not there is one.
    pub(super) service: Option<ObjectKey>,
    /// The Service's port.
    pub(super) port: Option<u16>,
    /// The pods that it leads to.
    pub(super) pods: Vec<PodId>,
    /// Their ports, one for each; `None` for all.
    pub(super) pod_ports: Vec<Option<u16>>,
    /// What the client gets where no pod answers: the usual status first.
    pub(super) statuses: Vec<u16>,
}

impl Leg {
    /// What comes of a request: the worst of the hops.
    pub(super) fn verdict(&self) -> Verdict {
        worst(&self.hops)
    }

    fn hop(&mut self, kind: &'static str, object: &ObjectKey, pointer: impl Into<String>, verdict: Verdict, sentence: impl Into<String>) {
        self.hops.push(Hop { kind, object: Some(object.clone()), pointer: pointer.into(), verdict, sentence: sentence.into() });
    }
}

/// Follows a target to its pods.
pub(super) fn follow(analysis: &Analysis, controller: &Controller, rule: &Rule, target: &Target, protocol: Protocol) -> Leg {
    let mut leg = Leg { hops: target.hops.clone(), ..Leg::default() };
    match &target.to {
        Destination::Broken { kind, object, status, sentence } => {
            let (object, pointer) = match object {
                Some(object) => (object, ""),
                None => (&rule.object, target.pointer.as_str()),
            };
            leg.hop(kind, object, pointer, Verdict::Denied, sentence.clone());
            leg.statuses = vec![*status];
        }
        Destination::Other { kind, sentence } => {
            leg.hop(kind, &rule.object, target.pointer.clone(), Verdict::Depends, sentence.clone());
        }
        Destination::Service { key, port, subset } => {
            leg.service = Some(key.clone());
            let Some(Record::Service(service)) = analysis.snapshot().record(key) else {
                missing_service(analysis, rule, target, key, &mut leg);
                return leg;
            };
            if service.service_type == ServiceType::ExternalName {
                let sentence =
                    format!("Service {} is another name of {}: its controller may or may not follow it", key.path(), service.external_name);
                leg.hop("service", key, "/spec/externalName", Verdict::Depends, sentence);
                return leg;
            }
            let Some(service_port) = find_port(service, port, protocol) else {
                let sentence = format!("Service {} has no {}; {}", key.path(), port_name(port, protocol), ports_of(service, protocol));
                let pointer = if matches!(port, PortRef::Endpoint(_)) { "/spec/port".to_owned() } else { target.pointer.clone() };
                leg.hop("port", &rule.object, pointer, Verdict::Denied, sentence);
                leg.statuses = invalid_backend(rule.object.kind);
                return leg;
            };
            leg.port = Some(service_port.port);
            let mut found = backends::find(analysis, key, service, service_port);
            if let Some(labels) = subset {
                let inventory = analysis.inventory();
                let is_in = |pod: PodId| {
                    let of_pod = &inventory.pods.at(pod).record().labels;
                    labels.iter().all(|(name, value)| of_pod.get(name) == Some(value))
                };
                let n_ready = found.ready.len();
                found.ready.retain(|backend| backend.pod.is_some_and(is_in));
                if found.ready.is_empty() && n_ready > 0 {
                    let sentence = format!("none of the {n_ready} ready endpoints of Service {} bears {}", key.path(), **labels);
                    leg.hop("endpoints", key, "/spec/selector", Verdict::Denied, sentence);
                    leg.statuses = vec![503];
                    return leg;
                }
            }
            serve(analysis, controller, key, service_port, &found, &mut leg);
        }
    }
    leg
}

/// From a Service's port to its endpoints, and whether policies let the controller through.
fn serve(analysis: &Analysis, controller: &Controller, key: &ObjectKey, port: &ServicePort, found: &Backends, leg: &mut Leg) {
    if found.ready.is_empty() {
        leg.hops.push(found.none(key));
        leg.statuses = vec![503];
        return;
    }
    leg.hop("service", key, "/spec/ports", Verdict::Allowed, found.summary(key, port));
    leg.pods = found.pods();
    leg.pod_ports = found.pod_ports();
    let source = match controller.pods.as_slice() {
        [] => Endpoint::Outside,
        pods => controllers_endpoint(analysis, pods),
    };
    let mut hop = policy_hop(analysis, &source, found, port.protocol);
    if let (Some(caveat), true) = (&controller.caveat, hop.verdict != Verdict::Allowed) {
        hop.verdict = Verdict::Depends;
        hop.sentence = format!("{caveat}; {}", hop.sentence);
    }
    if hop.verdict != Verdict::Allowed {
        // A proxy that gets no connection gives up after its own time: nginx says 504, Envoy and HAProxy 503.
        leg.statuses = vec![504, 503];
    }
    leg.hops.push(hop);
}

fn missing_service(analysis: &Analysis, rule: &Rule, target: &Target, key: &ObjectKey, leg: &mut Leg) {
    leg.statuses = invalid_backend(rule.object.kind);
    if analysis.snapshot().unseen.holds(Kind::Service, &key.namespace) {
        let sentence = format!("Service {} may be there: services may not be listed in {}", key.path(), key.namespace);
        leg.hop("service", &rule.object, target.pointer.clone(), Verdict::Depends, sentence);
    } else {
        leg.hop("service", &rule.object, target.pointer.clone(), Verdict::Denied, format!("there is no Service {}", key.path()));
    }
}

/// What a client gets for a backend that cannot be resolved: Gateway API demands 500 (HTTPBackendRef); for Ingresses nginx and HAProxy
/// say 503, Traefik 404.
fn invalid_backend(kind: Kind) -> Vec<u16> {
    match kind {
        Kind::HttpRoute | Kind::GrpcRoute | Kind::TlsRoute | Kind::TcpRoute | Kind::UdpRoute => vec![500],
        Kind::Ingress => vec![503, 404],
        _ => vec![503],
    }
}

fn find_port<'a>(service: &'a ServiceRecord, port: &PortRef, protocol: Protocol) -> Option<&'a ServicePort> {
    let mut of_protocol = service.ports.iter().filter(|candidate| candidate.protocol == protocol);
    match port {
        PortRef::Service(ServicePortRef::Number(number)) => of_protocol.find(|candidate| candidate.port == *number),
        PortRef::Service(ServicePortRef::Name(name)) | PortRef::Endpoint(ServicePortRef::Name(name)) => {
            of_protocol.find(|candidate| candidate.name == *name)
        }
        PortRef::Endpoint(ServicePortRef::Number(number)) => of_protocol.find(|candidate| match &candidate.target {
            TargetPort::Number(target) => target == number,
            TargetPort::Name(_) => false,
        }),
        PortRef::Endpoint(ServicePortRef::Missing) => of_protocol.next(),
        PortRef::Only => match (of_protocol.next(), of_protocol.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        },
        PortRef::Service(ServicePortRef::Missing) => None,
    }
}

fn port_name(port: &PortRef, protocol: Protocol) -> String {
    match port {
        PortRef::Service(ServicePortRef::Number(number)) => format!("{protocol} port {number}"),
        PortRef::Service(ServicePortRef::Name(name)) | PortRef::Endpoint(ServicePortRef::Name(name)) => {
            format!("{protocol} port named {name}")
        }
        PortRef::Endpoint(ServicePortRef::Number(number)) => format!("{protocol} port that leads to {number}"),
        PortRef::Endpoint(ServicePortRef::Missing) => format!("{protocol} port"),
        PortRef::Service(ServicePortRef::Missing) => "port that the backend names, for it names none".to_owned(),
        PortRef::Only => "only port, and the destination names none".to_owned(),
    }
}

fn ports_of(service: &ServiceRecord, protocol: Protocol) -> String {
    let ports: Vec<String> = service
        .ports
        .iter()
        .filter(|port| port.protocol == protocol)
        .map(|port| if port.name.is_empty() { port.port.to_string() } else { format!("{} ({})", port.port, port.name) })
        .collect();
    match ports.as_slice() {
        [] => "it has none".to_owned(),
        [one] => format!("its port is {one}"),
        many => format!("its ports are {}", many.join(", ")),
    }
}

/// The controller's pods as one end: by their workload's name where they have one in common.
fn controllers_endpoint(analysis: &Analysis, pods: &[PodId]) -> Endpoint {
    let Some(first) = pods.first() else { return Endpoint::Outside };
    let workload = analysis.inventory().pods.at(*first).workload;
    let is_one = pods.iter().all(|pod| analysis.inventory().pods.at(*pod).workload == workload);
    let peer = if is_one { analysis.workload_peer(workload) } else { analysis.pod_peer(*first) };
    Endpoint::Pods { peer, pods: pods.to_vec() }
}

/// Whether policies let `source` through to the endpoints of a Service's port.
pub(super) fn policy_hop(analysis: &Analysis, source: &Endpoint, found: &Backends, protocol: Protocol) -> Hop {
    let mut hop = Hop { kind: "policy", object: None, pointer: String::new(), verdict: Verdict::Allowed, sentence: String::new() };
    let mut n_by_verdict: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut decided: Option<(Verdict, Trace)> = None;
    let mut traces: Vec<(ClassId, Option<u16>, Verdict)> = Vec::new();
    for backend in &found.ready {
        let Some(pod) = backend.pod else { continue };
        let class = analysis.reachability().class_of(pod);
        let known = traces.iter().find(|(other, port, _)| *other == class && *port == backend.port).map(|(.., verdict)| *verdict);
        let verdict = match known {
            Some(verdict) => verdict,
            None => {
                let ports = backend.port.map_or_else(|| PortSet::all_of(protocol), |port| PortSet::one(protocol, port));
                let trace = analysis.trace_ports(source, pod, ports);
                let verdict = trace.verdict;
                traces.push((class, backend.port, verdict));
                if decided.as_ref().is_none_or(|(worst, _)| verdict > *worst) {
                    decided = Some((verdict, trace));
                }
                verdict
            }
        };
        *n_by_verdict.entry(verdict).or_insert(0) += 1;
    }
    let Some((worst, trace)) = decided else {
        hop.sentence = found.outside_sentence(analysis);
        return hop;
    };
    let side = [&trace.egress, &trace.ingress].into_iter().max_by_key(|side| side.verdict).unwrap_or(&trace.ingress);
    let reason = side.reasons.first();
    hop.object = reason.and_then(|reason| reason.object.clone());
    hop.pointer = reason.map(|reason| reason.pointer.clone()).unwrap_or_default();
    let n_others = side.reasons.iter().skip(1).filter(|reason| reason.decision == Decision::NotAllowed).count();
    let why = match (reason, n_others) {
        (Some(reason), 0) => reason.sentence.clone(),
        (Some(reason), n) => format!(
            "{}; {} it too, and let nothing of this in",
            reason.sentence,
            crate::text::count(n, "more policy isolates", "more policies isolate")
        ),
        (None, _) => String::new(),
    };
    hop.verdict = if n_by_verdict.len() > 1 { Verdict::Depends } else { worst };
    hop.sentence = match (n_by_verdict.len(), worst) {
        (1, Verdict::Allowed) => format!("policies let {} through: {why}", trace.from),
        (1, Verdict::Denied) => format!("policies keep {} out: {why}", trace.from),
        (1, Verdict::Depends) => format!("whether policies let {} through depends on {}", trace.from, trace.depends.join(", and on ")),
        _ => {
            let n_bad: usize = n_by_verdict.iter().filter(|(verdict, _)| **verdict != Verdict::Allowed).map(|(_, n)| n).sum();
            format!("{n_bad} of {} endpoints are not reached for certain: {why}", found.ready.len())
        }
    };
    hop
}

/// How sentences name the pods of a controller.
pub(super) fn pods_text(analysis: &Analysis, pods: &[PodId]) -> String {
    match pods {
        [] => String::new(),
        [one] => analysis.inventory().pods.at(*one).path(),
        [first, rest @ ..] => {
            let workload = analysis.inventory().pods.at(*first).workload;
            let same = rest.iter().all(|pod| analysis.inventory().pods.at(*pod).workload == workload);
            let name = if same { analysis.inventory().workloads.at(workload).path() } else { analysis.inventory().pods.at(*first).path() };
            if same { format!("the {} pods of {name}", pods.len()) } else { format!("{name} and {} more pods", rest.len()) }
        }
    }
}

/// What is said of the pods that serve: who they are, or that they were not found.
pub(super) fn controller_hop(analysis: &Analysis, controller: &Controller) -> Hop {
    let sentence = match (controller.pods.as_slice(), &controller.caveat) {
        ([], Some(caveat)) => caveat.clone(),
        ([], None) => "no controller's pods were found: the last hop is judged from outside the cluster".to_owned(),
        (pods, _) => format!("{} {} it: {}", pods_text(analysis, pods), if pods.len() == 1 { "serves" } else { "serve" }, controller.how),
    };
    Hop { kind: "controller", object: controller.service.clone(), pointer: String::new(), verdict: Verdict::Allowed, sentence }
}
