//! Istio's egress gateways: a VirtualService that sends what the proxies of the mesh let out for a host outside to a Service of the cluster.

use smol_str::SmolStr;

use super::{EgressRoute, RouteKind, Via};
use crate::analysis::Analysis;
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::Peer;
use crate::record::{IstioDestination, Proxy, VirtualServiceRecord};
use crate::snapshot::typed;

/// The name that stands for all proxies where gateways are named.
const MESH: &str = "mesh";

/// The routes of a pod through gateways of the mesh.
pub(super) fn of_pod(analysis: &Analysis, id: PodId) -> Vec<EgressRoute> {
    let pod = analysis.inventory().pods.at(id);
    if pod.record().proxy == Proxy::Absent {
        return Vec::new();
    }
    let mut routes = Vec::new();
    for (key, record) in typed!(analysis.snapshot(), VirtualService) {
        let is_seen = record.export_to.is_empty()
            || record.export_to.iter().any(|to| to == "*" || *to == *pod.namespace() || (to == "." && key.namespace == *pod.namespace()));
        if !is_seen {
            continue;
        }
        for host in record.hosts.iter().filter(|host| is_outside(host)) {
            for (pointer, destination) in of_mesh(record) {
                let Some(service) = service(analysis, &destination.host, &key.namespace) else { continue };
                let gateways = analysis.pods_of_service(&service);
                let mut route = EgressRoute {
                    object: Some(key.clone()),
                    pointer,
                    destinations: vec![Peer::Domain { pattern: host.clone() }],
                    ..EgressRoute::of(RouteKind::MeshGateway)
                };
                for gateway in &gateways {
                    let peer = analysis.workload_peer(analysis.inventory().pods.at(*gateway).workload);
                    if !route.through.contains(&Via::Workload { peer: peer.clone() }) {
                        route.through.push(Via::Workload { peer });
                    }
                }
                // The gateway does not send to itself what it has taken.
                if gateways.contains(&id) {
                    continue;
                }
                if pod.record().proxy == Proxy::Unknown {
                    route.hang_on("whether a proxy of the mesh runs in the pod".to_owned());
                }
                route.sentence = format!("{} sends {host} through Service {}, the mesh's egress gateway", key.name, service.path());
                if !routes.contains(&route) {
                    routes.push(route);
                }
            }
        }
    }
    routes
}

/// Whether a host lies outside the cluster, told by its name.
fn is_outside(host: &str) -> bool {
    host.contains('.') && !host.ends_with(".cluster.local") && !host.ends_with(".svc")
}

/// Where routes send what comes from the proxies of the mesh, each with its place.
fn of_mesh(record: &VirtualServiceRecord) -> Vec<(String, &IstioDestination)> {
    let is_mesh = |own: &[SmolStr]| {
        let gateways = if own.is_empty() { &record.gateways } else { own };
        gateways.is_empty() || gateways.iter().any(|gateway| gateway == MESH)
    };
    let mut found = Vec::new();
    for (index, route) in record.http.iter().enumerate() {
        if route.matches.is_empty() && is_mesh(&[]) || route.matches.iter().any(|matching| is_mesh(&matching.gateways)) {
            found.extend(route.destinations.iter().map(|destination| (format!("/spec/http/{index}"), destination)));
        }
    }
    for (field, routes) in [("tls", &record.tls), ("tcp", &record.tcp)] {
        for (index, route) in routes.iter().enumerate() {
            if route.matches.is_empty() && is_mesh(&[]) || route.matches.iter().any(|(_, _, gateways)| is_mesh(gateways)) {
                found.extend(route.destinations.iter().map(|destination| (format!("/spec/{field}/{index}"), destination)));
            }
        }
    }
    found
}

/// The Service of the cluster that a host names: by a short name, or by its whole name.
fn service(analysis: &Analysis, host: &str, own: &SmolStr) -> Option<ObjectKey> {
    let parts: Vec<&str> = host.split('.').collect();
    let (name, namespace) = match parts.as_slice() {
        [name] => (*name, own.as_str()),
        [name, namespace] | [name, namespace, "svc", ..] => (*name, *namespace),
        _ => return None,
    };
    let key = ObjectKey::new(Kind::Service, namespace, name);
    analysis.snapshot().record(&key).map(|_| key)
}
