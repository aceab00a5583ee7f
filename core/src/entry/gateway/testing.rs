//! Gateways and what belongs to them, for tests.

use std::sync::Arc;

use smol_str::SmolStr;

use super::super::table::{Front, Rule};
use crate::analysis::{Analysis, Hop};
use crate::assumptions::Assumptions;
use crate::intake::Entry;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::ports::Protocol;
use crate::record::{
    FromNamespaces, GatewayListener, GatewayRecord, ListenerProtocol, ListenerSetRecord, NamespaceRecord, ObjectRef, ParentRef, Record,
    RouteBackend, RouteRecord, RouteRule, ServicePort, ServicePortRef, ServiceRecord, TargetPort,
};
use crate::snapshot::{Change, Snapshot, Unseen};

pub(super) const GROUP: &str = "gateway.networking.k8s.io";

/// A snapshot in the making.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) snapshot: Snapshot,
}

impl Scene {
    pub(super) fn put(&mut self, kind: Kind, namespace: &str, name: &str, record: Record) {
        let entry = Entry { key: ObjectKey::new(kind, namespace, name), record: Some(record), raw: None, warnings: Box::default() };
        self.snapshot.apply(Change::Apply(Arc::new(entry)));
    }

    /// A Gateway `infra/edge` of class `x`.
    pub(super) fn gateway(&mut self, listeners: Vec<GatewayListener>) {
        let record = GatewayRecord { class: "x".into(), listeners, allowed_listeners: FromNamespaces::Same, addresses: Vec::new() };
        self.put(Kind::Gateway, "infra", "edge", Record::Gateway(Box::new(record)));
    }

    /// A ListenerSet of `infra/edge`.
    pub(super) fn set(&mut self, namespace: &str, name: &str, created: &str, listeners: Vec<GatewayListener>) {
        let parent = parent("Gateway", "infra", "edge", "");
        let record = ListenerSetRecord { parent, listeners, created: created.into() };
        self.put(Kind::ListenerSet, namespace, name, Record::ListenerSet(Box::new(record)));
    }

    pub(super) fn route(&mut self, kind: Kind, namespace: &str, name: &str, record: RouteRecord) {
        self.put(kind, namespace, name, Record::Route(Box::new(record)));
    }

    pub(super) fn service(&mut self, namespace: &str, name: &str) {
        let port = ServicePort { name: "web".into(), protocol: Protocol::Tcp, port: 80, target: TargetPort::Number(8080), node_port: None };
        let record = ServiceRecord { ports: vec![port], ..ServiceRecord::default() };
        self.put(Kind::Service, namespace, name, Record::Service(Box::new(record)));
    }

    pub(super) fn namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| (*key, *value)).collect();
        self.put(Kind::Namespace, "", name, Record::Namespace(NamespaceRecord { labels, egress: None }));
    }

    /// A kind may be listed in some namespaces only.
    pub(super) fn hide(&mut self, kind: Kind, but_in: &[&str]) {
        let seen = but_in.iter().map(|name| SmolStr::from(*name)).collect();
        let unseen = Unseen([(kind, seen)].into_iter().collect());
        self.snapshot.apply(Change::Unseen(unseen));
    }

    pub(super) fn analysis(&self) -> Analysis {
        Analysis::new(self.snapshot.clone(), Assumptions::default())
    }

    pub(super) fn fronts(&self) -> Vec<Front> {
        super::fronts(&self.analysis())
    }

    /// The only front that there is.
    pub(super) fn front(&self) -> Front {
        let mut fronts = self.fronts();
        assert_eq!(fronts.len(), 1);
        fronts.remove(0)
    }
}

pub(super) fn reference(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
}

pub(super) fn parent(kind: &str, namespace: &str, name: &str, section: &str) -> ParentRef {
    ParentRef { object: reference(GROUP, kind, namespace, name), section: section.into(), port: None }
}

/// A reference to `infra/edge`.
pub(super) fn edge(section: &str) -> ParentRef {
    parent("Gateway", "infra", "edge", section)
}

pub(super) fn listener(name: &str, port: u16, protocol: ListenerProtocol, hostname: &str) -> GatewayListener {
    let certificates = match protocol {
        ListenerProtocol::Https | ListenerProtocol::Tls => vec![reference("", "Secret", "", "cert")],
        _ => Vec::new(),
    };
    GatewayListener {
        name: name.into(),
        hostname: hostname.into(),
        port,
        protocol,
        passthrough: false,
        certificates,
        routes_from: FromNamespaces::All,
        route_kinds: None,
    }
}

pub(super) fn http(name: &str, hostname: &str) -> GatewayListener {
    listener(name, 80, ListenerProtocol::Http, hostname)
}

pub(super) fn backend(namespace: &str, name: &str) -> RouteBackend {
    let object = reference("", "Service", namespace, name);
    RouteBackend { object, port: ServicePortRef::Number(80), weight: 1, filters: Vec::new() }
}

/// A route with one rule, which sends everything to `web` of its namespace.
pub(super) fn route(parents: Vec<ParentRef>, hostnames: &[&str]) -> RouteRecord {
    let rules = vec![RouteRule { backends: vec![backend("", "web")], ..RouteRule::default() }];
    RouteRecord { parents, hostnames: hostnames.iter().map(|name| (*name).into()).collect(), rules, created: SmolStr::default() }
}

/// The sentences of hops that are not allowed, with their verdict's first letter, object and pointer.
pub(super) fn faults(hops: &[Hop]) -> Vec<String> {
    let faults = hops.iter().filter(|hop| hop.verdict != Verdict::Allowed);
    let shown = faults.map(|hop| {
        let object = hop.object.as_ref().map(|key| format!("{} {}", key.kind.name(), key.path())).unwrap_or_default();
        format!("{:?} {} {object}{}: {}", hop.verdict, hop.kind, hop.pointer, hop.sentence)
    });
    shown.collect()
}

/// The listeners to which a front's rules are attached, with the hosts: `http a.example`; `-` for none.
pub(super) fn places(front: &Front) -> Vec<String> {
    let shown = |rule: &Rule| {
        let name = rule.listener.map_or("-", |index| front.listeners[index].name.as_str());
        format!("{} {name} {}", rule.object.name, super::hosts::shown(&rule.host))
    };
    front.rules.iter().map(shown).collect()
}
