//! The routes of one pod: each dialect says where its own lead; the node and the network around the cluster come last.

use std::net::IpAddr;

use ipnet::IpNet;
use smol_str::SmolStr;

use super::{EgressRoute, RouteKind, Via};
use crate::address::{AddressBlock, AddressRange, Family};
use crate::analysis::Analysis;
use crate::intervals::Intervals;
use crate::inventory::{Pod, PodId};
use crate::labels::LabelSet;
use crate::object::{Kind, ObjectKey};
use crate::peer::{Peer, Verdict};
use crate::record::{EgressAnnotations, EgressGatewayNode, EgressGatewayRecord, EgressSubject, LoadBalancerAddress, NodeRecord, Record};
use crate::snapshot::typed;

/// The kinds whose objects say how something leaves, beside annotations.
pub(super) const KINDS: &[Kind] = &[Kind::CiliumEgressGatewayPolicy, Kind::EgressIp, Kind::EgressService];

/// One pod, and what is asked about it.
struct Leaving<'a> {
    analysis: &'a Analysis,
    id: PodId,
    pod: &'a Pod,
    namespace_labels: LabelSet,
}

/// The routes of what leaves a pod, the first that is for a destination first.
pub(super) fn of_pod(analysis: &Analysis, id: PodId) -> Vec<EgressRoute> {
    let pod = analysis.inventory().pods.at(id);
    let leaving = Leaving { analysis, id, pod, namespace_labels: analysis.snapshot().labels_of_namespace(pod.namespace()) };
    let mut routes = Vec::new();
    if !pod.record().host_network {
        routes.extend(super::mesh::of_pod(analysis, id));
        routes.extend(leaving.through_gateway_nodes());
        routes.extend(leaving.through_gateway_pods());
        routes.extend(leaving.as_egress_address());
    }
    routes.push(leaving.plainly());
    routes
}

impl<'a> Leaving<'a> {
    fn nodes(&self) -> impl Iterator<Item = (&'a SmolStr, &'a NodeRecord)> {
        typed!(self.analysis.snapshot(), Node).map(|(key, record)| (&key.name, &**record))
    }

    /// Whether it is known which nodes there are.
    fn knows_nodes(&self) -> bool {
        self.nodes().next().is_some() && !self.analysis.snapshot().unseen.0.contains_key(&Kind::Node)
    }

    /// Whether a subject is this pod; `None` where its node's labels decide and are not known.
    fn is_meant(&self, subject: &EgressSubject) -> Option<bool> {
        if !subject.namespaces.matches(&self.namespace_labels) || !subject.pods.matches(&**self.pod.record()) {
            return Some(false);
        }
        if subject.nodes.is_everything() {
            return Some(true);
        }
        let own = &self.pod.record().node;
        let node = self.nodes().find(|(name, _)| ***name == **own);
        node.map(|(_, node)| subject.nodes.matches(&node.labels))
    }

    /// Cilium's egress gateways.
    fn through_gateway_nodes(&self) -> Vec<EgressRoute> {
        let mut routes: Vec<EgressRoute> = Vec::new();
        for (key, record) in self.analysis.snapshot().records(Kind::CiliumEgressGatewayPolicy) {
            let Record::EgressGateway(record) = record else { continue };
            let meant: Vec<Option<bool>> = record.selectors.iter().map(|subject| self.is_meant(subject)).collect();
            let is_certain = meant.contains(&Some(true));
            if (is_certain || meant.contains(&None)) && !record.gateways.is_empty() && !record.destinations.is_empty() {
                let mut route = self.gateway_route(key, record);
                if !is_certain {
                    route.hang_on("the labels of the pod's node, which are not known".to_owned());
                }
                routes.push(route);
            }
        }
        // Which of several is taken for a destination that both name, nothing says.
        let names: Vec<String> = routes.iter().filter_map(|route| route.object.as_ref()).map(|object| object.name.to_string()).collect();
        for (index, route) in routes.iter_mut().enumerate() {
            let others: Vec<&str> = names.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, name)| name.as_str()).collect();
            if !others.is_empty() {
                let message = format!(
                    "which of the policies is taken where {} is for the same destination: that is not defined",
                    others.join(" or ")
                );
                route.hang_on(message);
            }
        }
        routes
    }

    fn gateway_route(&self, key: &ObjectKey, record: &EgressGatewayRecord) -> EgressRoute {
        let mut route = EgressRoute {
            object: Some(key.clone()),
            pointer: record.gateways.first().map_or_else(String::new, |gateway| gateway.pointer.to_string()),
            destinations: but(&record.destinations, &record.excluded),
            ..EgressRoute::of(RouteKind::EgressGateway)
        };
        let mut missing: Vec<&EgressGatewayNode> = Vec::new();
        for gateway in &record.gateways {
            let mut nodes: Vec<(&SmolStr, &NodeRecord)> = self.nodes().filter(|(_, node)| gateway.nodes.matches(&node.labels)).collect();
            nodes.sort_by_key(|(name, _)| *name);
            match nodes.first() {
                Some((name, node)) => {
                    route.through.push(Via::Node { name: (*name).clone() });
                    match gateway.address {
                        Some(address) => route.leaves_as.push(address),
                        None if gateway.interface.is_empty() => {
                            route.leaves_as.extend(node.addresses.iter().filter(|address| address.is_ipv4()));
                        }
                        None => {}
                    }
                }
                None => {
                    route.leaves_as.extend(gateway.address);
                    missing.push(gateway);
                }
            }
        }
        let through = joined(route.through.iter().map(ToString::to_string));
        let leaves_as = as_which(&route.leaves_as);
        route.sentence = if route.through.is_empty() {
            let asked = joined(missing.iter().map(|gateway| gateway.nodes.to_string()));
            if self.knows_nodes() {
                route.verdict = Verdict::Denied;
                format!("{} has no gateway: no node has {asked}, and what it is for is dropped", key.name)
            } else {
                route.hang_on("the nodes and their labels, which are not known".to_owned());
                format!("{} leads through a node with {asked}{leaves_as}", key.name)
            }
        } else {
            if record.gateways.len() > 1 {
                route.hang_on("which of the gateways the pod is given".to_owned());
            }
            format!("{} leads through {through}{leaves_as}", key.name)
        };
        route
    }

    /// Calico's egress gateways: annotations of the pod, else of its namespace.
    fn through_gateway_pods(&self) -> Vec<EgressRoute> {
        let namespace = ObjectKey::new(Kind::Namespace, "", self.pod.namespace().clone());
        let of_pod = self.pod.record().egress.as_deref().map(|annotations| (self.analysis.pod_object(self.id), annotations));
        let of_namespace = || match self.analysis.snapshot().record(&namespace) {
            Some(Record::Namespace(record)) => record.egress.as_deref().map(|annotations| (namespace.clone(), annotations)),
            _ => None,
        };
        of_pod.or_else(of_namespace).map(|(key, annotations)| self.annotated(key, annotations)).into_iter().collect()
    }

    fn annotated(&self, key: ObjectKey, annotations: &EgressAnnotations) -> EgressRoute {
        let mut route = EgressRoute {
            object: Some(key),
            pointer: "/metadata/annotations/egress.projectcalico.org~1selector".to_owned(),
            ..EgressRoute::of(RouteKind::EgressGateway)
        };
        let Some(gateways) = annotations.gateways.as_ref().filter(|_| annotations.policy.is_empty()) else {
            route.pointer = "/metadata/annotations".to_owned();
            let what = if annotations.policy.is_empty() {
                "the selector of gateways cannot be read".to_owned()
            } else {
                format!("EgressGatewayPolicy {} is not read", annotations.policy)
            };
            route.hang_on(format!("the egress gateways: {what}"));
            route.sentence = format!("an annotation leads through egress gateways, and {what}");
            return route;
        };
        let is_there = |namespace: &SmolStr| match &annotations.namespaces {
            Some(selector) => selector.matches(&self.analysis.snapshot().labels_of_namespace(namespace)),
            None => namespace == self.pod.namespace(),
        };
        let inventory = self.analysis.inventory();
        let pods: Vec<&Pod> = inventory.pods.iter().filter(|pod| is_there(pod.namespace()) && gateways.matches(&**pod.record())).collect();
        for pod in &pods {
            let peer = self.analysis.workload_peer(pod.workload);
            if !route.through.contains(&Via::Workload { peer: peer.clone() }) {
                route.through.push(Via::Workload { peer });
            }
            route.leaves_as.extend(pod.record().addresses.iter().copied());
        }
        if pods.is_empty() {
            route.verdict = Verdict::Denied;
            route.sentence = format!("no pod with {gateways} is there to be the egress gateway, and what leaves is dropped");
        } else {
            if pods.len() > 1 {
                route.hang_on("which of the gateways a connection is given".to_owned());
            }
            route.hang_on("whether the network translates the gateways' own addresses further".to_owned());
            let through = joined(route.through.iter().map(ToString::to_string));
            route.sentence = format!("an annotation leads through {through}{}", as_which(&route.leaves_as));
        }
        route
    }

    /// OVN-Kubernetes: the address of a Service comes before one that is kept for pods (its logical router asks for the first sooner).
    fn as_egress_address(&self) -> Vec<EgressRoute> {
        let mut routes: Vec<EgressRoute> = typed!(self.analysis.snapshot(), EgressService)
            .filter(|(key, _)| key.namespace == *self.pod.namespace())
            .filter_map(|(key, record)| {
                let service = ObjectKey::new(Kind::Service, key.namespace.clone(), key.name.clone());
                let Some(Record::Service(found)) = self.analysis.snapshot().record(&service) else { return None };
                if !found.selector.as_ref().is_some_and(|selector| selector.matches(&self.pod.record().labels)) {
                    return None;
                }
                let mut route = EgressRoute {
                    object: Some(key.clone()),
                    pointer: "/spec/sourceIPBy".to_owned(),
                    ..EgressRoute::of(RouteKind::EgressService)
                };
                if !record.host.is_empty() {
                    route.through.push(Via::Node { name: record.host.clone() });
                }
                if record.by_load_balancer {
                    route.leaves_as = found.load_balancer.iter().filter_map(LoadBalancerAddress::address).collect();
                    if record.host.is_empty() {
                        route.hang_on("which node is chosen for the Service, which its status does not say".to_owned());
                    }
                    if route.leaves_as.is_empty() {
                        route.hang_on("the address of the Service's load balancer, which it does not have yet".to_owned());
                    }
                } else {
                    route.hang_on("the address of the node in the network that is named".to_owned());
                }
                let through = if record.host.is_empty() { String::new() } else { format!(" through node {}", record.host) };
                route.sentence = format!("pods behind Service {} leave{through}{}", service.path(), as_which(&route.leaves_as));
                Some(route)
            })
            .collect();
        let mut addresses: Vec<EgressRoute> = Vec::new();
        for (key, record) in typed!(self.analysis.snapshot(), EgressIp) {
            if self.is_meant(&record.subject) != Some(true) {
                continue;
            }
            let mut route =
                EgressRoute { object: Some(key.clone()), pointer: "/spec/egressIPs".to_owned(), ..EgressRoute::of(RouteKind::EgressIp) };
            for (node, address) in &record.assigned {
                route.through.push(Via::Node { name: node.clone() });
                route.leaves_as.push(*address);
            }
            if record.assigned.is_empty() {
                route.leaves_as.clone_from(&record.addresses);
                route.hang_on("whether some node has been given the addresses, which its status does not say".to_owned());
            } else if record.assigned.len() > 1 {
                route.hang_on("which of the addresses a connection is given".to_owned());
            }
            let through = joined(route.through.iter().map(ToString::to_string));
            let through = if through.is_empty() { String::new() } else { format!(" through {through}") };
            route.sentence = format!("{} lets pods leave{through}{}", key.name, as_which(&route.leaves_as));
            addresses.push(route);
        }
        if addresses.len() > 1 {
            for route in &mut addresses {
                route.hang_on("which of several EgressIPs is taken that select the pod: that is not defined".to_owned());
            }
        }
        routes.extend(addresses);
        routes
    }

    /// From the pod's own node, and through what a person has noted.
    fn plainly(&self) -> EgressRoute {
        let record = self.pod.record();
        let node = (!record.node.is_empty()).then(|| SmolStr::new(&*record.node));
        let found = node.as_ref().and_then(|name| self.nodes().find(|(known, _)| *known == name));
        let nat = &self.analysis.snapshot().nat;
        let through: Vec<Via> = node.iter().map(|name| Via::Node { name: name.clone() }).collect();
        if nat.addresses.is_empty() {
            let mut route = EgressRoute { through, ..EgressRoute::of(RouteKind::Node) };
            route.leaves_as = found.map(|(_, node)| node.addresses.to_vec()).unwrap_or_default();
            let from = node.map_or_else(|| "the node that it runs on".to_owned(), |name| format!("node {name}"));
            route.sentence = format!("leaves from {from}{}", as_which(&route.leaves_as));
            if !record.host_network {
                route.hang_on("whether the network plugin translates the pod's address to its node's".to_owned());
            }
            return route;
        }
        let mut route = EgressRoute { through, leaves_as: nat.addresses.clone(), ..EgressRoute::of(RouteKind::Nat) };
        route.through.push(Via::Nat { note: nat.note.clone() });
        let note = if nat.note.is_empty() { String::new() } else { format!(" ({})", nat.note) };
        route.sentence = format!("leaves{} by the NAT that was noted{note}", as_which(&route.leaves_as));
        route
    }
}

/// ` as 203.0.113.7 or 203.0.113.8`
fn as_which(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() { String::new() } else { format!(" as {}", joined(addresses.iter().map(ToString::to_string))) }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    parts.dedup();
    match parts.as_slice() {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} or {} more", rest.len()),
        _ => parts.join(" or "),
    }
}

/// Some blocks without others, as ranges. Nothing where that is everything of both families.
fn but(blocks: &[IpNet], holes: &[IpNet]) -> Vec<Peer> {
    let set = |blocks: &[IpNet], family| {
        let own = blocks.iter().filter(|block| Family::of(block.addr()) == family);
        own.map(|block| AddressBlock::new(*block, &[]).addresses).fold(Intervals::default(), |so_far, next| so_far.union(&next))
    };
    let ranges = [Family::V4, Family::V6].into_iter().flat_map(|family| {
        let left = set(blocks, family).difference(&set(holes, family));
        left.spans().iter().map(|(first, last)| AddressRange { family, first: *first, last: *last }).collect::<Vec<_>>()
    });
    ranges.map(|range| Peer::range(&range)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_others_are_ranges() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let left = but(&[net("10.0.0.0/8")], &[net("10.1.0.0/16")]);
        let shown: Vec<String> = left.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/16", "10.2.0.0 - 10.255.255.255"]);
        assert!(but(&[net("10.0.0.0/8")], &[net("0.0.0.0/0")]).is_empty());
    }

    #[test]
    fn few_are_named_and_many_are_counted() {
        let names = |n: usize| (0..n).map(|index| index.to_string());
        assert_eq!(joined(names(3)), "0 or 1 or 2");
        assert_eq!(joined(names(5)), "0, 1, 2 or 2 more");
    }
}
