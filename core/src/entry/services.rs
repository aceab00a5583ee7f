//! Ways in through Services that the outside can address: load balancers, ports of nodes, external addresses.
//!
//! The node ports of a load balancer's Service are listed beside it only where the balancer keeps clients out: `loadBalancerSourceRanges`
//! does not hold for them (kube-proxy keeps it for the balancer's addresses only). Without ranges they open nothing that the balancer does
//! not, and would say everything twice.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::last_hop::policy_hop;
use super::{EntryPath, backends};
use crate::address::{AddressRange, Family, number};
use crate::analysis::{Analysis, Endpoint, Hop};
use crate::assumptions::Cause;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::policy::Direction;
use crate::ports::{PortSet, Protocol};
use crate::reachability::Outcome;
use crate::record::{LoadBalancerAddress, ServicePort, ServiceRecord, ServiceType};
use crate::snapshot::typed;

pub(super) fn paths(analysis: &Analysis) -> Vec<EntryPath> {
    let mut paths = Vec::new();
    for (key, service) in typed!(analysis.snapshot(), Service) {
        // An ExternalName Service is a name and nothing else: kube-proxy passes it over, whatever other fields it has.
        if service.service_type == ServiceType::ExternalName {
            continue;
        }
        for (index, port) in service.ports.iter().enumerate() {
            let start = Start { analysis, key, service, index, port };
            paths.extend(
                [start.load_balancer(), start.external_ips(), start.node_port()].into_iter().flatten().map(|way| start.follow(way)),
            );
        }
    }
    paths
}

/// A port of a Service, and whom to ask.
struct Start<'a> {
    analysis: &'a Analysis,
    key: &'a ObjectKey,
    service: &'a ServiceRecord,
    index: usize,
    port: &'a ServicePort,
}

/// What differs between the kinds of way in.
struct Way {
    kind: &'static str,
    title: String,
    pointer: String,
    verdict: Verdict,
    sentence: String,
    reached_at: Vec<String>,
    /// The clients that it admits.
    admitted: Vec<AddressRange>,
    /// Whether requests come to a node that is chosen by its having an endpoint, as a balancer does by asking the node for its health.
    finds_nodes: bool,
    /// Whether pods see an address that is not the client's, whatever the policy of the Service.
    hides_clients: bool,
}

impl Way {
    /// How its clients come: the end of a sentence.
    fn who(&self) -> &'static str {
        if self.finds_nodes { "the load balancer admits" } else { "comes to a node" }
    }
}

impl Start<'_> {
    fn load_balancer(&self) -> Option<Way> {
        let (service, path) = (self.service, self.key.path());
        if service.service_type != ServiceType::LoadBalancer {
            return None;
        }
        let addresses: Vec<String> = service.load_balancer.iter().map(ToString::to_string).collect();
        let class = match service.load_balancer_class.as_str() {
            "" => String::new(),
            class => format!(" of class {class}"),
        };
        let is_there = !addresses.is_empty();
        let shown = if is_there { addresses.join(", ") } else { "load balancer".to_owned() };
        let mut sentence = if is_there {
            format!("the load balancer{class} of Service {path} listens at {shown}")
        } else {
            format!("Service {path} asks for a load balancer{class} and has no address yet")
        };
        if !service.source_ranges.is_empty() {
            let ranges: Vec<String> = service.source_ranges.iter().map(ToString::to_string).collect();
            sentence.push_str(&format!(" for clients of {}", ranges.join(", ")));
        }
        // A manifest has no status; in a cluster, none means that nobody has made a balancer.
        let is_awaited = is_there || self.analysis.snapshot().represents_templates;
        let ips = service.load_balancer.iter().filter_map(|address| match address {
            LoadBalancerAddress::Ip(address) => Some(Family::of(*address)),
            LoadBalancerAddress::Hostname(_) => None,
        });
        let families: Vec<Family> = ips.collect();
        let families = if families.is_empty() { service.address_families() } else { families };
        let in_family = |range: &AddressRange| families.contains(&range.family);
        let ranges = service.source_ranges.iter();
        let ranges =
            ranges.map(|net| AddressRange { family: Family::of(net.addr()), first: number(net.network()), last: number(net.broadcast()) });
        let admitted: Vec<AddressRange> = ranges.filter(in_family).collect();
        Some(Way {
            kind: "load-balancer",
            title: self.titled(&if is_there { hosts(&service.load_balancer) } else { shown }, self.port.port),
            pointer: format!("/spec/ports/{}", self.index),
            verdict: if is_awaited { Verdict::Allowed } else { Verdict::Depends },
            sentence,
            reached_at: service.load_balancer.iter().map(|address| at(address, self.port.port, self.port.protocol)).collect(),
            admitted: if admitted.is_empty() { families.into_iter().map(AddressRange::all).collect() } else { admitted },
            finds_nodes: true,
            hides_clients: service.load_balancer_proxies,
        })
    }

    fn external_ips(&self) -> Option<Way> {
        let service = self.service;
        if service.external_ips.is_empty() {
            return None;
        }
        let addresses: Vec<LoadBalancerAddress> = service.external_ips.iter().copied().map(LoadBalancerAddress::Ip).collect();
        let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let reached_at = addresses.iter().map(|address| at(address, self.port.port, self.port.protocol));
        let families: BTreeSet<Family> = service.external_ips.iter().map(|address| Family::of(*address)).collect();
        Some(Way {
            kind: "external-ip",
            title: self.titled(&hosts(&addresses), self.port.port),
            pointer: "/spec/externalIPs".to_owned(),
            verdict: Verdict::Allowed,
            sentence: format!("nodes take what is sent to {} for Service {}", shown.join(", "), self.key.path()),
            reached_at: reached_at.collect(),
            admitted: families.into_iter().map(AddressRange::all).collect(),
            finds_nodes: false,
            hides_clients: false,
        })
    }

    fn node_port(&self) -> Option<Way> {
        let (service, port, path) = (self.service, self.port, self.key.path());
        if service.service_type == ServiceType::LoadBalancer && service.source_ranges.is_empty() {
            return None;
        }
        let (title, pointer, sentence, reached_at) = match (service.service_type, port.node_port) {
            (ServiceType::NodePort | ServiceType::LoadBalancer, Some(number)) => (
                self.titled("any node", number),
                format!("/spec/ports/{}/nodePort", self.index),
                format!("every node takes {number}/{} for Service {path}", port.protocol),
                vec![format!("*:{number}/{}", port.protocol)],
            ),
            (ServiceType::NodePort, None) => (
                format!("any node, {}/{} of {}", port.port, port.protocol, self.key.name),
                format!("/spec/ports/{}", self.index),
                format!("every node takes a port that the server will choose for Service {path}"),
                Vec::new(),
            ),
            _ => return None,
        };
        let admitted = service.address_families().into_iter().map(AddressRange::all).collect();
        let verdict = Verdict::Allowed;
        Some(Way { kind: "node-port", title, pointer, verdict, sentence, reached_at, admitted, finds_nodes: false, hides_clients: false })
    }

    fn titled(&self, host: &str, port: u16) -> String {
        format!("{host}:{port}/{}", self.port.protocol)
    }

    fn follow(&self, way: Way) -> EntryPath {
        let (analysis, key, service) = (self.analysis, self.key, self.service);
        let id = format!("service/{}/{}/{}", key.path(), way.kind, self.index);
        let mut entry = EntryPath {
            reached_at: way.reached_at.clone(),
            service: Some(key.clone()),
            service_port: Some(self.port.port),
            ..EntryPath::new(id, way.title.clone(), format!("Service {}", key.path()), key.clone(), &way.pointer)
        };
        if service.headless {
            // The API refuses it for all but external addresses, and kube-proxy passes a Service without an address over.
            let sentence = format!("Service {} is headless: nodes take nothing for it", key.path());
            entry.hop(way.kind, Some(key), "/spec/clusterIP", Verdict::Denied, sentence);
            return entry;
        }
        entry.hop(way.kind, Some(key), &*way.pointer, way.verdict, &*way.sentence);
        let found = backends::find(analysis, key, service, self.port);
        if found.ready.is_empty() {
            let none = found.none(key);
            entry.hop(none.kind, none.object.as_ref(), none.pointer, none.verdict, none.sentence);
            return entry;
        }
        entry.hop("service", Some(key), "/spec/ports", Verdict::Allowed, found.summary(key, self.port));
        entry.pods = found.pods();
        entry.pod_ports = found.pod_ports();
        if service.external_traffic_local {
            let (verdict, sentence) = self.local(&way, &entry.pods);
            entry.hop("traffic-policy", Some(key), "/spec/externalTrafficPolicy", verdict, sentence);
        }
        if entry.pods.is_empty() {
            entry.hop("policy", None, "", Verdict::Allowed, found.outside_sentence(analysis));
            return entry;
        }
        let hop = self.outside_hop(&way, &found);
        entry.hop("policy", hop.object.as_ref(), hop.pointer, hop.verdict, hop.sentence);
        entry
    }

    /// Which nodes answer where each keeps to its own endpoints (core/v1 `ServiceSpec.externalTrafficPolicy`).
    fn local(&self, way: &Way, pods: &[crate::inventory::PodId]) -> (Verdict, String) {
        let path = self.key.path();
        let nodes: BTreeSet<&str> =
            pods.iter().map(|pod| &*self.analysis.inventory().pods.at(*pod).record().node).filter(|node| !node.is_empty()).collect();
        let all: BTreeSet<&str> = self.analysis.snapshot().entries(Kind::Node).map(|(key, _)| key.name.as_str()).collect();
        let n_unplaced = pods.iter().filter(|pod| self.analysis.inventory().pods.at(**pod).record().node.is_empty()).count();
        if !all.is_empty() && all.iter().all(|node| nodes.contains(node)) {
            return (Verdict::Allowed, format!("every node has a ready endpoint of Service {path} and keeps the client's address"));
        }
        let which = if nodes.is_empty() || n_unplaced > 0 {
            format!("only nodes with a ready endpoint of Service {path} answer; others drop the request")
        } else {
            let shown: Vec<&str> = nodes.iter().copied().take(3).collect();
            let more = nodes.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let noun = if nodes.len() == 1 { "node" } else { "nodes" };
            format!(
                "only {noun} {}{more} answer{} for Service {path}: others have no ready endpoint and drop the request",
                shown.join(", "),
                if nodes.len() == 1 { "s" } else { "" }
            )
        };
        (if way.finds_nodes { Verdict::Allowed } else { Verdict::Depends }, which)
    }

    /// Whether policies let clients outside through. What a pod sees as the source is the client's address only where the traffic stays
    /// local (core/v1 `ServiceSpec.externalTrafficPolicy`); else a node may have put its own there, and a pod's own node is always let in.
    fn outside_hop(&self, way: &Way, found: &backends::Backends) -> Hop {
        let mut hop = policy_hop(self.analysis, &Endpoint::Outside, found, self.port.protocol);
        let mut of_clients: Option<Verdict> = None;
        for backend in &found.ready {
            let Some(pod) = backend.pod else { continue };
            let protocol = self.port.protocol;
            let asked = backend.port.map_or_else(|| PortSet::all_of(protocol), |number| PortSet::one(protocol, number));
            let verdict = crate::analysis::verdict_of(&self.clients(&way.admitted, pod), Some(&asked));
            of_clients = Some(of_clients.map_or(verdict, |so_far| if so_far == verdict { verdict } else { Verdict::Depends }));
        }
        let sees_clients = self.service.external_traffic_local && !way.hides_clients;
        match (of_clients.unwrap_or(Verdict::Allowed), hop.verdict) {
            (Verdict::Allowed, Verdict::Allowed) => {}
            (Verdict::Denied, Verdict::Denied) if sees_clients => {}
            (of_clients @ (Verdict::Allowed | Verdict::Denied), _) if sees_clients => {
                hop.verdict = of_clients;
                let (every, who) = (if of_clients == Verdict::Allowed { "every" } else { "no" }, way.who());
                hop.sentence = format!("policies let {every} client through that {who}");
            }
            _ => {
                hop.verdict = Verdict::Depends;
                hop.sentence = format!("it depends on {}: {}", Cause::SourceAddress, hop.sentence);
            }
        }
        hop
    }

    /// What the clients that a way admits may do with a pod, by their own addresses.
    fn clients(&self, admitted: &[AddressRange], pod: crate::inventory::PodId) -> Outcome {
        let reachability = self.analysis.reachability();
        let class = reachability.class_of(pod);
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
}

/// `203.0.113.10:443/TCP`, `[2001:db8::1]:443/TCP`, `lb.example:80/TCP`
fn at(address: &LoadBalancerAddress, port: u16, protocol: Protocol) -> String {
    format!("{}:{port}/{protocol}", host(address))
}

fn hosts(addresses: &[LoadBalancerAddress]) -> String {
    addresses.iter().map(host).collect::<Vec<_>>().join(", ")
}

fn host(address: &LoadBalancerAddress) -> String {
    match address {
        LoadBalancerAddress::Ip(address @ IpAddr::V6(_)) => format!("[{address}]"),
        address => address.to_string(),
    }
}

#[cfg(test)]
mod tests;
