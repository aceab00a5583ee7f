//! One Gateway: its pods, and a listener for each host of each server.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::super::controller::Controller;
use super::super::matching::{Host, Match};
use super::super::table::{Action, Fallback, Front, Listener, Order, Rewrite, Rule, Speaks};
use super::destinations::{DestinationRules, Sender};
use super::{Bound, hosts, namespaces, virtual_service};
use crate::analysis::{Analysis, Hop};
use crate::assumptions::Cause;
use crate::inventory::PodId;
use crate::labels::Selector;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{IstioGatewayRecord, IstioServer, Record, Redirect, ServiceRecord, ServiceType};

/// A listener, and who may bind to it.
pub(super) struct Opened {
    /// Its place in the front.
    pub(super) index: usize,
    /// The namespace whose VirtualServices may bind to it: `*`, `.` or a name.
    pub(super) namespace: SmolStr,
    /// Whether it asks no VirtualService: all that it takes is sent to https, or goes by names of the mesh.
    pub(super) is_closed: bool,
}

/// What all Gateways of an analysis have in common.
pub(super) struct Mesh<'a> {
    analysis: &'a Analysis,
    destination_rules: DestinationRules<'a>,
    /// The pods that selectors of Gateways fit: many Gateways have one selector.
    pods: BTreeMap<Selector, Vec<PodId>>,
}

impl<'a> Mesh<'a> {
    pub(super) fn new(analysis: &'a Analysis) -> Self {
        Self { analysis, destination_rules: DestinationRules::new(analysis), pods: BTreeMap::new() }
    }

    fn pods_of(&mut self, selector: &Selector) -> Vec<PodId> {
        let all = || self.analysis.inventory().pods.entries().filter(|(_, pod)| selector.matches(&pod.record().labels)).map(|(id, _)| id);
        self.pods.entry(selector.clone()).or_insert_with(|| all().collect()).clone()
    }
}

pub(super) fn front(mesh: &mut Mesh<'_>, key: &ObjectKey, record: &IstioGatewayRecord, services: &[Bound<'_>]) -> Front {
    let (controller, hops) = controller(mesh, key, record);
    let analysis = mesh.analysis;
    let namespaces = namespaces(analysis, &controller.pods, &key.namespace);
    let sender = Sender { analysis, destination_rules: &mesh.destination_rules, namespaces };
    let of_pods = services_of(analysis, &controller.pods);
    let mut front = Front {
        id: format!("istio-gateway/{}", key.path()),
        title: format!("Istio Gateway {}", key.path()),
        object: Some(key.clone()),
        hops,
        controller,
        doors: Vec::new(),
        listeners: Vec::new(),
        rules: Vec::new(),
        fallback: Fallback::Never,
        unmatched: (404, "the gateway"),
    };
    let mut opened = Vec::new();
    for (server_index, server) in record.servers.iter().enumerate() {
        let everything = [(SmolStr::new_static("*"), SmolStr::new_static("*"))];
        let hosts = if server.hosts.is_empty() { everything.as_slice() } else { &server.hosts };
        for (host_index, (namespace, host)) in hosts.iter().enumerate() {
            let pointer = format!("/spec/servers/{server_index}");
            let base = if server.name.is_empty() { format!("{}", server.port) } else { server.name.to_string() };
            let name = if hosts.len() == 1 { base } else { format!("{base} {host}") };
            let is_taken = front.listeners.iter().any(|listener| listener.name == name);
            let index = front.listeners.len();
            let (speaks, hops) = speaks(key, server, &pointer, &of_pods);
            let redirects = server.https_redirect && speaks == Speaks::Http;
            let host = hosts::host(host);
            if redirects {
                let redirect = Redirect { scheme: "https".into(), status: 301, ..Redirect::default() };
                front.rules.push(Rule {
                    id: format!("istio-gateway/{}/servers/{server_index}/hosts/{host_index}", key.path()),
                    object: key.clone(),
                    pointer: format!("{pointer}/tls/httpsRedirect"),
                    listener: Some(index),
                    host: host.clone(),
                    matching: Match::default(),
                    order: Order::Listed(0, 0),
                    action: Action::Redirect(redirect),
                    hops: Vec::new(),
                    rewrite: Rewrite::default(),
                    is_default: false,
                    is_covered: false,
                });
            }
            let name = if is_taken { format!("{name} {server_index}-{host_index}") } else { name };
            let is_closed = redirects || server.tls_mode == "AUTO_PASSTHROUGH" && speaks == Speaks::TlsPassthrough;
            opened.push(Opened { index, namespace: namespace.clone(), is_closed });
            front.listeners.push(Listener { name: name.into(), port: server.port, speaks, host, object: Some(key.clone()), pointer, hops });
        }
    }
    for bound in services {
        let rules = virtual_service::rules(&sender, key, bound, &front.listeners, &opened);
        front.rules.extend(rules);
    }
    // By host first, then in the order of routes.
    front.rules.sort_by(|a, b| (hosts::rank(&b.host), &a.order).cmp(&(hosts::rank(&a.host), &b.order)));
    front
}

/// The pods of a Gateway, and what is said of them.
fn controller(mesh: &mut Mesh<'_>, key: &ObjectKey, record: &IstioGatewayRecord) -> (Controller, Vec<Hop>) {
    let analysis = mesh.analysis;
    let hop =
        |verdict, sentence| Hop { kind: "controller", object: Some(key.clone()), pointer: "/spec/selector".to_owned(), verdict, sentence };
    let Some(selector) = record.selector.as_ref().filter(|selector| !selector.is_everything()) else {
        let sentence = format!("Istio Gateway {} names no pods: all gateways of the mesh may serve it", key.path());
        return (Controller::default(), vec![hop(Verdict::Depends, sentence)]);
    };
    let pods = mesh.pods_of(selector);
    if pods.is_empty() {
        let hop = if analysis.snapshot().unseen.0.contains_key(&Kind::Pod) {
            hop(Verdict::Depends, format!("whether a pod bears {selector} depends on {}", Cause::Unseen(Kind::Pod)))
        } else {
            hop(Verdict::Denied, format!("no pod bears {selector}: nobody serves Istio Gateway {}", key.path()))
        };
        return (Controller::default(), vec![hop]);
    }
    let of_pods = services_of(analysis, &pods);
    let balancer = of_pods.iter().find(|(_, service)| service.service_type == ServiceType::LoadBalancer);
    let service = balancer.or(of_pods.first()).map(|(key, _)| (*key).clone());
    (Controller { pods, service, how: format!("they bear {selector}"), caveat: None }, Vec::new())
}

/// The Services that select some of these pods.
fn services_of<'a>(analysis: &'a Analysis, pods: &[PodId]) -> Vec<(&'a ObjectKey, &'a ServiceRecord)> {
    let mut found = Vec::new();
    let places: BTreeSet<&SmolStr> = pods.iter().map(|pod| analysis.inventory().pods.at(*pod).namespace()).collect();
    for place in places {
        for entry in analysis.snapshot().entries_in(Kind::Service, place) {
            let Some(Record::Service(service)) = &entry.record else { continue };
            let Some(selector) = &service.selector else { continue };
            let is_one = |pod: &PodId| {
                let pod = analysis.inventory().pods.at(*pod);
                pod.namespace() == place && selector.matches(&pod.record().labels)
            };
            if pods.iter().any(is_one) {
                found.push((&entry.key, &**service));
            }
        }
    }
    found
}

/// What a server speaks, and what is said of it.
fn speaks(key: &ObjectKey, server: &IstioServer, pointer: &str, services: &[(&ObjectKey, &ServiceRecord)]) -> (Speaks, Vec<Hop>) {
    let mut hops = Vec::new();
    let mut hop = |object: &ObjectKey, pointer: String, verdict, sentence| {
        hops.push(Hop { kind: "listener", object: Some(object.clone()), pointer, verdict, sentence });
    };
    let is_passed_through = matches!(server.tls_mode.as_str(), "PASSTHROUGH" | "AUTO_PASSTHROUGH");
    let speaks = match server.protocol.as_str() {
        "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" => Speaks::Http,
        "HTTPS" | "TLS" if is_passed_through => Speaks::TlsPassthrough,
        "HTTPS" => Speaks::Https,
        "TLS" => Speaks::TlsTerminated,
        "UDP" => Speaks::Udp,
        _ if server.tls_mode.is_empty() => Speaks::Tcp,
        _ => Speaks::TlsTerminated,
    };
    let path = key.path();
    let shown = if server.name.is_empty() { server.port.to_string() } else { server.name.to_string() };
    if speaks == Speaks::Udp {
        hop(
            key,
            format!("{pointer}/port/protocol"),
            Verdict::Denied,
            format!("server {shown} of Istio Gateway {path} speaks UDP, which gateways do not"),
        );
    } else if matches!(server.protocol.as_str(), "HTTPS" | "TLS") && server.tls_mode.is_empty() {
        let sentence = format!("server {shown} of Istio Gateway {path} speaks {} and says nothing of tls", server.protocol);
        hop(key, format!("{pointer}/tls"), Verdict::Denied, sentence);
    }
    match server.tls_mode.as_str() {
        "AUTO_PASSTHROUGH" => {
            let sentence =
                format!("server {shown} of Istio Gateway {path} goes by names that the mesh gives to Services, and asks no VirtualService");
            hop(key, format!("{pointer}/tls/mode"), Verdict::Depends, sentence);
        }
        "ISTIO_MUTUAL" if speaks != Speaks::Http => {
            let sentence = format!("server {shown} of Istio Gateway {path} takes only clients with a certificate of the mesh");
            hop(key, format!("{pointer}/tls/mode"), Verdict::Depends, sentence);
        }
        _ => {}
    }
    // The server's port is that of the Service, which may lead to another of the pods (pilot `resolvePorts`).
    let has_port = |service: &ServiceRecord| service.ports.iter().any(|port| port.port == server.port);
    if let Some((first, _)) = services.first().filter(|_| !services.iter().any(|(_, service)| has_port(service))) {
        let sentence =
            format!("Service {} of the gateway's pods has no port {}, on which server {shown} listens", first.path(), server.port);
        hop(first, "/spec/ports".to_owned(), Verdict::Depends, sentence);
    }
    (speaks, hops)
}

/// Whether VirtualServices of a namespace may bind to a listener of a Gateway.
pub(super) fn admits(opened: &Opened, gateway: &ObjectKey, namespace: &str) -> bool {
    match opened.namespace.as_str() {
        "*" | "" => true,
        "." => gateway.namespace == namespace,
        wanted => wanted == namespace,
    }
}

/// The listeners that take a host of a VirtualService, with what both take: on each port the most specific one.
pub(super) fn listeners_for<'a>(
    listeners: &'a [Listener],
    opened: &'a [Opened],
    gateway: &ObjectKey,
    namespace: &str,
    host: &Host,
) -> Vec<(&'a Opened, &'a Listener, Host)> {
    let pairs = opened.iter().filter_map(|opened| Some((opened, listeners.get(opened.index)?)));
    let all: Vec<(&Opened, &Listener, Host)> = pairs
        .filter(|(opened, _)| admits(opened, gateway, namespace))
        .filter_map(|(opened, listener)| Some((opened, listener, hosts::both(&listener.host, host)?)))
        .collect();
    let is_better = |(other_opened, other, _): &(&Opened, &Listener, Host), opened: &Opened, listener: &Listener| {
        let (rank, other_rank) = (hosts::rank(&listener.host), hosts::rank(&other.host));
        other_rank > rank || (other_rank == rank && other_opened.index < opened.index)
    };
    let mut best: Vec<(&Opened, &Listener, Host)> = Vec::new();
    for (opened, listener, cut) in &all {
        let mut rivals = all.iter().filter(|(_, other, other_cut)| {
            other.port == listener.port && other.speaks.is_tls() == listener.speaks.is_tls() && other_cut == cut
        });
        if !rivals.any(|rival| is_better(rival, opened, listener)) {
            best.push((opened, listener, cut.clone()));
        }
    }
    best
}
