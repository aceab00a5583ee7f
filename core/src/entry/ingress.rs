//! Ways in through Ingresses.

use smol_str::SmolStr;

use super::controller::{self, Controller};
use super::{EntryPath, backends};
use crate::analysis::{Analysis, Decision, Endpoint, Hop};
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::ports::{PortSet, Protocol};
use crate::record::{IngressBackend, IngressClassRecord, IngressRecord, PathType, Record, ServicePort, ServicePortRef, ServiceType};
use crate::snapshot::typed;

pub(super) fn paths(analysis: &Analysis) -> Vec<EntryPath> {
    let mut paths = Vec::new();
    for (key, ingress) in typed!(analysis.snapshot(), Ingress) {
        let start = Start::new(analysis, key, ingress);
        for (rule_index, rule) in ingress.rules.iter().enumerate() {
            for (path_index, path) in rule.paths.iter().enumerate() {
                let pointer = format!("/spec/rules/{rule_index}/http/paths/{path_index}");
                let text = if path.path.is_empty() { SmolStr::new_static("/") } else { path.path.clone() };
                paths.push(start.follow(pointer, &rule.host, text, path.path_type, &path.backend));
            }
        }
        if let Some(backend) = &ingress.default_backend {
            let mut path = start.follow("/spec/defaultBackend".to_owned(), "", "/".into(), PathType::Prefix, backend);
            path.title = format!("{} (no rule matches)", path.title);
            paths.push(path);
        }
    }
    paths
}

/// What all paths of an Ingress have in common.
struct Start<'a> {
    analysis: &'a Analysis,
    key: &'a ObjectKey,
    ingress: &'a IngressRecord,
    controller: Controller,
    class_hop: Hop,
}

impl<'a> Start<'a> {
    fn new(analysis: &'a Analysis, key: &'a ObjectKey, ingress: &'a IngressRecord) -> Self {
        let (class_hop, class, class_controller) = class_of(analysis, key, ingress);
        let controller = controller::find(analysis, ingress, &class, &class_controller);
        Self { analysis, key, ingress, controller, class_hop }
    }

    fn follow(&self, pointer: String, host: &str, path: SmolStr, path_type: PathType, backend: &IngressBackend) -> EntryPath {
        let covers = |tls: &crate::record::IngressTls| {
            tls.hosts.is_empty() || tls.hosts.iter().any(|covered| covered == host || is_covered(covered, host))
        };
        let tls = self.ingress.tls.iter().any(covers);
        let scheme = if tls { "https" } else { "http" };
        let shown_host = if host.is_empty() { "*" } else { host };
        let star = if path_type == PathType::Exact || path == "/" { "" } else { "*" };
        let mut entry = EntryPath {
            id: format!("ingress/{}{pointer}", self.key.path()),
            title: format!("{scheme}://{shown_host}{path}{star}"),
            object: self.key.clone(),
            pointer: pointer.clone(),
            host: host.into(),
            path,
            tls,
            verdict: Verdict::Allowed,
            hops: Vec::new(),
            service: None,
            pods: Vec::new(),
            controllers: self.controller.pods.clone(),
        };
        self.walk(&mut entry, pointer, path_type, backend);
        entry
    }

    fn walk(&self, entry: &mut EntryPath, pointer: String, path_type: PathType, backend: &IngressBackend) {
        let hop = &self.class_hop;
        if !entry.hop(hop.kind, hop.object.as_ref(), &*hop.pointer, hop.verdict, &*hop.sentence) {
            return;
        }
        if self.controller.pods.is_empty() {
            entry.hop(
                "controller",
                None,
                "",
                Verdict::Allowed,
                "no controller's pods were found: the last hop is judged from outside the cluster",
            );
        } else {
            let pods = pods_text(self.analysis, &self.controller.pods);
            entry.hop(
                "controller",
                self.controller.service.as_ref(),
                "",
                Verdict::Allowed,
                format!("{pods} serve it: {}", self.controller.how),
            );
        }
        let rule = format!("Ingress {} sends {} ({}) on", self.key.path(), entry.title, path_type.name());
        let (name, port) = match backend {
            IngressBackend::Service { name, port } => (name, port),
            IngressBackend::Resource(resource) => {
                entry.hop(
                    "rule",
                    Some(self.key),
                    pointer,
                    Verdict::Depends,
                    format!("{rule} to {resource}, which its controller alone understands"),
                );
                return;
            }
            IngressBackend::Invalid => {
                entry.hop("rule", Some(self.key), pointer, Verdict::Denied, "the backend names neither a Service nor a resource");
                return;
            }
        };
        entry.hop("rule", Some(self.key), &*pointer, Verdict::Allowed, format!("{rule} to Service {name} port {port}"));
        let service_key = ObjectKey::new(Kind::Service, self.key.namespace.clone(), name.clone());
        let Some(Record::Service(service)) = self.analysis.snapshot().record(&service_key) else {
            entry.hop(
                "service",
                Some(self.key),
                format!("{pointer}/backend"),
                Verdict::Denied,
                format!("there is no Service {}", service_key.path()),
            );
            return;
        };
        entry.service = Some(service_key.clone());
        let fits = |candidate: &&ServicePort| match port {
            ServicePortRef::Number(number) => candidate.port == *number,
            ServicePortRef::Name(name) => candidate.name == *name,
            ServicePortRef::Missing => false,
        };
        if service.service_type == ServiceType::ExternalName {
            let sentence = format!(
                "Service {} is another name of {}: its controller may or may not follow it",
                service_key.path(),
                service.external_name
            );
            entry.hop("service", Some(&service_key), "/spec/externalName", Verdict::Depends, sentence);
            return;
        }
        let Some(service_port) = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp).find(fits) else {
            let sentence = format!("Service {} has no TCP port {port}", service_key.path());
            entry.hop("service", Some(self.key), format!("{pointer}/backend"), Verdict::Denied, sentence);
            return;
        };
        let found = backends::find(self.analysis, &service_key, service, service_port);
        if found.ready.is_empty() {
            entry.hop("endpoints", Some(&service_key), "", Verdict::Denied, found.why_none(&service_key));
            return;
        }
        entry.hop("service", Some(&service_key), "/spec/ports", Verdict::Allowed, found.summary(&service_key, service_port));
        entry.pods = found.pods();
        let source = match self.controller.pods.as_slice() {
            [] => Endpoint::Outside,
            pods => controllers_endpoint(self.analysis, pods),
        };
        let hop = policy_hop(self.analysis, &source, &found, service_port.protocol);
        entry.hop("policy", hop.object.as_ref(), hop.pointer, hop.verdict, hop.sentence);
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
pub(super) fn policy_hop(analysis: &Analysis, source: &Endpoint, found: &backends::Backends, protocol: Protocol) -> Hop {
    let mut hop = Hop { kind: "policy", object: None, pointer: String::new(), verdict: Verdict::Allowed, sentence: String::new() };
    let mut n_by_verdict: std::collections::BTreeMap<Verdict, usize> = std::collections::BTreeMap::new();
    let mut decided: Option<(Verdict, crate::analysis::Trace)> = None;
    let mut traces: Vec<(crate::reachability::ClassId, Option<u16>, Verdict)> = Vec::new();
    for backend in &found.ready {
        let Some(pod) = backend.pod else { continue };
        let class = analysis.reachability().class_of(pod);
        let known = traces.iter().find(|(other, port, _)| *other == class && *port == backend.port).map(|(.., verdict)| *verdict);
        let verdict = match known {
            Some(verdict) => verdict,
            None => {
                let trace = analysis.trace_ports(
                    source,
                    pod,
                    backend.port.map_or_else(|| PortSet::all_of(protocol), |port| PortSet::one(protocol, port)),
                );
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
        hop.sentence = "no pod stands behind it, so no policy applies".to_owned();
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

fn pods_text(analysis: &Analysis, pods: &[PodId]) -> String {
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

/// A certificate for `*.example` covers one label more, no more.
fn is_covered(pattern: &str, host: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|suffix| host.strip_suffix(suffix).is_some_and(|label| !label.is_empty() && !label.contains('.')))
}

/// Who serves an Ingress: the hop, the class' name and its controller.
fn class_of(analysis: &Analysis, key: &ObjectKey, ingress: &IngressRecord) -> (Hop, SmolStr, SmolStr) {
    let hop = |object: Option<ObjectKey>, verdict, sentence| Hop { kind: "class", object, pointer: String::new(), verdict, sentence };
    let classes: Vec<(&ObjectKey, &IngressClassRecord)> =
        typed!(analysis.snapshot(), IngressClass).map(|(key, class)| (key, &**class)).collect();
    let pointer = |mut hop: Hop| {
        "/spec/ingressClassName".clone_into(&mut hop.pointer);
        hop
    };
    if ingress.class.is_empty() {
        let defaults: Vec<_> = classes.iter().filter(|(_, class)| class.is_default).collect();
        return match defaults.as_slice() {
            [(class_key, class)] => {
                let sentence = format!("it names no class, and {} is the default", class_key.name);
                (hop(Some((*class_key).clone()), Verdict::Allowed, sentence), class_key.name.clone(), class.controller.clone())
            }
            [] => {
                let sentence = "it names no class, and no class is the default: a controller may take it all the same".to_owned();
                (hop(Some(key.clone()), Verdict::Depends, sentence), SmolStr::default(), SmolStr::default())
            }
            many => {
                let sentence = format!("it names no class, and {} classes are the default: the server refuses such an Ingress", many.len());
                (hop(Some(key.clone()), Verdict::Depends, sentence), SmolStr::default(), SmolStr::default())
            }
        };
    }
    match classes.iter().find(|(class_key, _)| class_key.name == ingress.class) {
        Some((class_key, class)) => {
            let sentence = format!("class {} is served by {}", class_key.name, class.controller);
            (hop(Some((*class_key).clone()), Verdict::Allowed, sentence), class_key.name.clone(), class.controller.clone())
        }
        None if classes.is_empty() => {
            let sentence = format!("class {} is taken to be served: no IngressClass is among the objects", ingress.class);
            (pointer(hop(Some(key.clone()), Verdict::Allowed, sentence)), ingress.class.clone(), SmolStr::default())
        }
        None => {
            let sentence = format!("there is no IngressClass {}: no controller serves it", ingress.class);
            (pointer(hop(Some(key.clone()), Verdict::Denied, sentence)), ingress.class.clone(), SmolStr::default())
        }
    }
}
