//! Ways in through Services that the outside can address: LoadBalancer, NodePort, external addresses.

use super::ingress::policy_hop;
use super::{EntryPath, backends};
use crate::address::{AddressRange, Family, number};
use crate::analysis::{Analysis, Endpoint, Hop};
use crate::assumptions::Cause;
use crate::object::ObjectKey;
use crate::peer::Verdict;
use crate::policy::Direction;
use crate::ports::PortSet;
use crate::reachability::Outcome;
use crate::record::{ServicePort, ServiceRecord, ServiceType};
use crate::snapshot::typed;

pub(super) fn paths(analysis: &Analysis) -> Vec<EntryPath> {
    let mut paths = Vec::new();
    for (key, service) in typed!(analysis.snapshot(), Service) {
        for (index, port) in service.ports.iter().enumerate() {
            let mut add = |via: &str, title: String, kind: &'static str, pointer: &str, sentence: String| {
                let pointer = pointer.replace("{}", &index.to_string());
                paths.push(follow(analysis, key, service, port, &format!("{via}/{index}"), title, kind, pointer, sentence));
            };
            if service.service_type == ServiceType::LoadBalancer {
                let addresses: Vec<String> = service.load_balancer.iter().map(ToString::to_string).collect();
                let shown = if addresses.is_empty() { "load balancer".to_owned() } else { addresses.join(", ") };
                let sentence = match (addresses.is_empty(), service.source_ranges.is_empty()) {
                    (true, _) => format!("Service {} asks for a load balancer and has no address yet", key.path()),
                    (false, true) => format!("the load balancer of Service {} listens at {shown}", key.path()),
                    (false, false) => {
                        let ranges: Vec<String> = service.source_ranges.iter().map(ToString::to_string).collect();
                        format!("the load balancer of Service {} listens at {shown} for clients of {}", key.path(), ranges.join(", "))
                    }
                };
                add("load-balancer", format!("{shown}:{}/{}", port.port, port.protocol), "load-balancer", "/spec/ports/{}", sentence);
            }
            if !service.external_ips.is_empty() {
                let addresses: Vec<String> = service.external_ips.iter().map(ToString::to_string).collect();
                let sentence = format!("nodes take what is sent to {} for Service {}", addresses.join(", "), key.path());
                add(
                    "external-ip",
                    format!("{}:{}/{}", addresses.join(", "), port.port, port.protocol),
                    "external-ip",
                    "/spec/externalIPs",
                    sentence,
                );
            }
            // A load balancer's node ports are its own business; they are a way in of their own for a NodePort Service.
            if let (ServiceType::NodePort, Some(node_port)) = (service.service_type, port.node_port) {
                let sentence = format!("every node takes {node_port}/{} for Service {}", port.protocol, key.path());
                add("node-port", format!("any node:{node_port}/{}", port.protocol), "node-port", "/spec/ports/{}/nodePort", sentence);
            } else if service.service_type == ServiceType::NodePort {
                let sentence = format!("every node takes a port that the server will choose for Service {}", key.path());
                add(
                    "node-port",
                    format!("any node, {}/{} of {}", port.port, port.protocol, key.name),
                    "node-port",
                    "/spec/ports/{}",
                    sentence,
                );
            }
        }
    }
    paths
}

#[expect(clippy::too_many_arguments, reason = "one call site, which names what differs between the three kinds of way in")]
fn follow(
    analysis: &Analysis,
    key: &ObjectKey,
    service: &ServiceRecord,
    port: &ServicePort,
    id: &str,
    title: String,
    kind: &'static str,
    pointer: String,
    sentence: String,
) -> EntryPath {
    let mut entry = EntryPath {
        id: format!("service/{}/{id}", key.path()),
        title,
        object: key.clone(),
        pointer: pointer.clone(),
        host: Default::default(),
        path: Default::default(),
        tls: false,
        verdict: Verdict::Allowed,
        hops: Vec::new(),
        service: Some(key.clone()),
        pods: Vec::new(),
        controllers: Vec::new(),
    };
    entry.hop(kind, Some(key), pointer, Verdict::Allowed, sentence);
    let found = backends::find(analysis, key, service, port);
    if found.ready.is_empty() {
        entry.hop("endpoints", Some(key), "", Verdict::Denied, found.why_none(key));
        return entry;
    }
    entry.hop("service", Some(key), "/spec/ports", Verdict::Allowed, found.summary(key, port));
    entry.pods = found.pods();
    let hop = outside_hop(analysis, service, &found, port);
    entry.hop("policy", hop.object.as_ref(), hop.pointer, hop.verdict, hop.sentence);
    entry
}

/// Whether policies let clients outside through. What a pod sees as the source is the client's address only where the traffic stays
/// local (core/v1 ServiceSpec.externalTrafficPolicy); else a node may have put its own there, and a pod's own node is always let in.
fn outside_hop(analysis: &Analysis, service: &ServiceRecord, found: &backends::Backends, port: &ServicePort) -> Hop {
    let mut hop = policy_hop(analysis, &Endpoint::Outside, found, port.protocol);
    let mut worst = Verdict::Allowed;
    for backend in &found.ready {
        let Some(pod) = backend.pod else { continue };
        let asked = backend.port.map_or_else(|| PortSet::all_of(port.protocol), |number| PortSet::one(port.protocol, number));
        let outcome = clients(analysis, service, pod);
        worst = worst.and(crate::analysis::verdict_of(&outcome, Some(&asked)));
    }
    match (worst, hop.verdict) {
        (Verdict::Allowed, Verdict::Allowed) => {}
        (Verdict::Allowed, _) => {
            hop.verdict = Verdict::Allowed;
            hop.sentence = "policies let every client through that the load balancer admits".to_owned();
        }
        (Verdict::Denied, _) if service.external_traffic_local => {}
        _ => {
            hop.verdict = Verdict::Depends;
            hop.sentence = format!("it depends on {}: {}", Cause::SourceAddress, hop.sentence);
        }
    }
    hop
}

/// What the clients that a Service admits may do with a pod, by their own addresses.
fn clients(analysis: &Analysis, service: &ServiceRecord, pod: crate::inventory::PodId) -> Outcome {
    let reachability = analysis.reachability();
    let class = reachability.class_of(pod);
    let admitted: Vec<AddressRange> = if service.source_ranges.is_empty() {
        vec![AddressRange::all(Family::V4)]
    } else {
        let ranges = service.source_ranges.iter();
        ranges
            .map(|net| AddressRange { family: Family::of(net.addr()), first: number(net.network()), last: number(net.broadcast()) })
            .collect()
    };
    let mut merged: Option<Outcome> = None;
    for interval in &reachability.addresses(class, Direction::Ingress).intervals {
        let touches = |range: &AddressRange| {
            range.family == interval.range.family && range.first <= interval.range.last && interval.range.first <= range.last
        };
        if admitted.iter().any(touches) {
            merged = Some(match merged {
                None => interval.outcome.clone(),
                Some(so_far) => so_far.or_elsewhere(&interval.outcome, Cause::SourceAddress),
            });
        }
    }
    merged.unwrap_or_else(Outcome::all)
}
