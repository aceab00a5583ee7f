//! The hosts that a mesh knows: Services, and the hosts of ServiceEntries. Which of them a Sidecar shows, and what stands behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::object::ObjectKey;
use crate::policy::{
    Action, BlockKind, DomainPattern, DomainPeer, HostNetwork, NamespaceScope, Peer, PeerKind, PodSelector, Port, PortKind, Rule,
};
use crate::ports::{PortSet, Protocol};
use crate::record::{EndpointSliceRecord, ServiceEntryRecord, ServiceRecord, ServiceType, TargetPort};
use crate::snapshot::{Snapshot, typed};

/// The domain of Services.
const CLUSTER: &str = "svc.cluster.local";

pub(super) struct Hosts<'a> {
    services: Vec<(&'a ObjectKey, &'a ServiceRecord)>,
    slices: Vec<(&'a ObjectKey, &'a EndpointSliceRecord)>,
    entries: Vec<(&'a ObjectKey, &'a ServiceEntryRecord)>,
}

/// What an item of a Sidecar lets see.
pub(super) struct Seen<'a> {
    /// The namespace of what is seen: its name, `.` or `*`.
    pub(super) namespace: &'a str,
    /// The host, `*`, or `*.` and a name.
    pub(super) host: &'a str,
    /// The one port, if any.
    pub(super) port: Option<u16>,
    /// The namespace of who looks, where it is one.
    pub(super) own: Option<&'a SmolStr>,
}

impl Seen<'_> {
    /// Whether it is for what lies in this namespace.
    fn is_for(&self, namespace: &SmolStr) -> bool {
        match self.namespace {
            "*" => true,
            "." => self.own == Some(namespace),
            name => namespace == name,
        }
    }

    /// Which names both it and a host stand for, the narrower of the two; `None` for none.
    fn of_host<'h>(&'h self, host: &'h str) -> Option<&'h str> {
        let (own, other) = (DomainPattern::of_name(self.host), DomainPattern::of_name(host));
        if own.covers(&other) {
            Some(host)
        } else if other.covers(&own) {
            Some(self.host)
        } else {
            None
        }
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    /// Whether something of a namespace is exported to who looks; in doubt it is not.
    fn is_exported(&self, export_to: &[SmolStr], namespace: &SmolStr) -> bool {
        let is_to = |to: &SmolStr| to == "*" || (to == "." && self.own == Some(namespace)) || self.own == Some(to);
        export_to.is_empty() || export_to.iter().any(is_to)
    }
}

/// Rules that differ in their peers only are one.
type Grouped = BTreeMap<Vec<(Option<SmolStr>, PortSet)>, Vec<PeerKind>>;

impl<'a> Hosts<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            services: typed!(snapshot, Service).map(|(key, record)| (key, &**record)).collect(),
            slices: typed!(snapshot, EndpointSlice).map(|(key, record)| (key, &**record)).collect(),
            entries: typed!(snapshot, ServiceEntry).map(|(key, record)| (key, &**record)).collect(),
        }
    }

    /// The namespaces that see what some others do not.
    pub(super) fn exported_to(&self) -> BTreeSet<SmolStr> {
        let namespaces = self.entries.iter().filter(|(_, entry)| !entry.export_to.iter().any(|to| to == "*")).flat_map(|(key, entry)| {
            entry.export_to.iter().filter(|to| *to != "~").map(|to| if to == "." { key.namespace.clone() } else { to.clone() })
        });
        namespaces.collect()
    }

    /// Rules that let through to what is seen, all with one place.
    pub(super) fn rules(&self, pointer: &str, seen: &Seen<'_>) -> Vec<Rule> {
        let mut grouped = Grouped::new();
        let mut open = PortSet::none();
        for (key, service) in self.services.iter().filter(|(key, _)| seen.is_for(&key.namespace)) {
            if seen.of_host(&format!("{}.{}.{CLUSTER}", key.name, key.namespace)).is_some() {
                self.service(key, service, seen, &mut grouped);
            }
        }
        let is_seen =
            |key: &ObjectKey, entry: &ServiceEntryRecord| seen.is_for(&key.namespace) && seen.is_exported(&entry.export_to, &key.namespace);
        for (key, entry) in self.entries.iter().filter(|(key, entry)| is_seen(key, entry)) {
            open = open.union(&entry_ports(key, entry, seen, &mut grouped));
        }
        let peers = |kinds: Vec<PeerKind>| kinds.into_iter().map(|kind| Peer { pointer: pointer.into(), kind }).collect();
        let port = |(name, set): (Option<SmolStr>, PortSet)| Port {
            pointer: pointer.into(),
            kind: name.map_or(PortKind::Set(set), |name| PortKind::Named(Some(Protocol::Tcp), name)),
        };
        let mut rules: Vec<Rule> = grouped
            .into_iter()
            .map(|(ports, kinds)| Rule::new(pointer, Action::Allow, Some(peers(kinds)), Some(ports.into_iter().map(port).collect())))
            .collect();
        if !open.is_empty() {
            rules.push(Rule::new(pointer, Action::Allow, None, Some(vec![port((None, open))])));
        }
        rules
    }

    fn service(&self, key: &ObjectKey, service: &ServiceRecord, seen: &Seen<'_>, grouped: &mut Grouped) {
        let ports = || service.ports.iter().filter(|port| port.protocol == Protocol::Tcp && seen.has_port(port.port));
        if service.service_type == ServiceType::ExternalName {
            let set = ports().fold(PortSet::none(), |so_far, port| so_far.union(&PortSet::one(Protocol::Tcp, port.port)));
            let set = if service.ports.is_empty() { PortSet::all_of(Protocol::Tcp) } else { set };
            put(grouped, vec![(None, set)], domain(&service.external_name));
            return;
        }
        if let Some(selector) = &service.selector {
            let (mut list, mut set) = (Vec::new(), PortSet::none());
            for port in ports() {
                match &port.target {
                    TargetPort::Number(number) => set = set.union(&PortSet::one(Protocol::Tcp, *number)),
                    TargetPort::Name(name) => list.push((Some(name.clone()), PortSet::none())),
                }
            }
            if !set.is_empty() {
                list.push((None, set));
            }
            list.sort();
            put(grouped, list, pods(&key.namespace, selector));
            return;
        }
        for (_, slice) in self.slices.iter().filter(|(of, slice)| of.namespace == key.namespace && slice.service == key.name) {
            let is_seen = |name: &SmolStr| ports().any(|port| port.name == *name);
            let numbers =
                slice.ports.iter().filter(|port| port.protocol == Protocol::Tcp && is_seen(&port.name)).filter_map(|port| port.port);
            let set = numbers.fold(PortSet::none(), |so_far, number| so_far.union(&PortSet::one(Protocol::Tcp, number)));
            for address in slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses) {
                put(grouped, vec![(None, set.clone())], block(IpNet::from(*address)));
            }
        }
    }
}

fn put(grouped: &mut Grouped, ports: Vec<(Option<SmolStr>, PortSet)>, kind: PeerKind) {
    if ports.iter().any(|(name, set)| name.is_some() || !set.is_empty()) {
        grouped.entry(ports).or_default().push(kind);
    }
}

fn pods(namespace: &SmolStr, selector: &Selector) -> PeerKind {
    let namespaces = NamespaceScope::One(namespace.clone());
    PeerKind::Pods(PodSelector { namespaces, pods: selector.clone(), host_network: HostNetwork::Assumed })
}

fn block(net: IpNet) -> PeerKind {
    PeerKind::Block(BlockKind::Anybody, AddressBlock::new(net, &[]))
}

fn domain(name: &str) -> PeerKind {
    PeerKind::Domain(Box::new(DomainPeer { pattern: DomainPattern::of_name(name), is_learned: false }))
}

/// What a ServiceEntry opens; returns the ports on which it opens every address.
fn entry_ports(key: &ObjectKey, entry: &ServiceEntryRecord, seen: &Seen<'_>, grouped: &mut Grouped) -> PortSet {
    let names: Vec<&str> = entry.hosts.iter().filter_map(|host| seen.of_host(host)).collect();
    let ports: Vec<_> = entry.ports.iter().filter(|port| seen.has_port(port.number)).collect();
    if names.is_empty() {
        return PortSet::none();
    }
    let set = |number: &dyn Fn(&crate::record::ServiceEntryPort) -> u16| {
        ports.iter().fold(PortSet::none(), |so_far, port| so_far.union(&PortSet::one(Protocol::Tcp, number(port))))
    };
    let asked = set(&|port| port.number);
    for name in names {
        put(grouped, vec![(None, asked.clone())], domain(name));
    }
    for address in &entry.addresses {
        put(grouped, vec![(None, asked.clone())], block(*address));
    }
    for endpoint in &entry.endpoints {
        let own =
            |port: &crate::record::ServiceEntryPort| endpoint.ports.iter().find(|(name, _)| *name == port.name).map(|(_, number)| *number);
        let reached = set(&|port| own(port).unwrap_or(port.target));
        let kind = endpoint.address.parse::<IpAddr>().map_or_else(|_| domain(&endpoint.address), |address| block(address.into()));
        put(grouped, vec![(None, reached)], kind);
    }
    if let Some(selector) = &entry.workloads {
        put(grouped, vec![(None, set(&|port| port.target))], pods(&key.namespace, selector));
    }
    if entry.is_passed_on && entry.addresses.is_empty() {
        // Neither an address nor a name tells what goes there: the port alone does, and it is sent on to where the client wanted.
        let nameless = ports.iter().filter(|port| !port.names_host);
        return nameless.fold(PortSet::none(), |so_far, port| so_far.union(&PortSet::one(Protocol::Tcp, port.number)));
    }
    PortSet::none()
}
