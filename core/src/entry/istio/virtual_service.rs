//! The routes of one VirtualService at one Gateway, as rules.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::super::matching::{Host, Match, Path};
use super::super::table::{Action, Destination, Listener, Order, Rewrite, Rule, Speaks, Target};
use super::destinations::Sender;
use super::gateway::{Opened, listeners_for};
use super::{Bound, delegates, hosts, unattached};
use crate::analysis::Hop;
use crate::object::ObjectKey;
use crate::peer::Verdict;
use crate::record::{HeaderChange, IstioHttpRoute, IstioMatch, IstioStreamRoute, PathMatch};

/// An HTTP route in the object that writes it, which is not the VirtualService itself where that delegates.
pub(super) struct HttpRoute<'a> {
    pub(super) object: ObjectKey,
    pub(super) pointer: String,
    /// Its place in the VirtualService, or that of the route that delegates to it.
    pub(super) root: usize,
    pub(super) route: Cow<'a, IstioHttpRoute>,
    /// Why it takes nothing.
    pub(super) broken: Option<Hop>,
}

pub(super) fn rules(sender: &Sender<'_>, gateway: &ObjectKey, bound: &Bound<'_>, listeners: &[Listener], opened: &[Opened]) -> Vec<Rule> {
    let (key, record) = (bound.key, bound.record);
    let attach =
        |kind, pointer: String, sentence: String| Hop { kind, object: Some(key.clone()), pointer, verdict: Verdict::Denied, sentence };
    let mut rules = Vec::new();
    let mut seen: Vec<(usize, Host)> = Vec::new();
    let is_seen = sender.sees(&record.export_to, &key.namespace);
    let http = delegates::resolved(sender, bound);
    for (host_index, text) in record.hosts.iter().enumerate() {
        let host = hosts::host(text);
        let id = format!("{}/hosts/{host_index}", gateway.path());
        if !is_seen {
            let places: Vec<&str> = sender.namespaces.iter().map(SmolStr::as_str).collect();
            let sentence = format!("VirtualService {} is not exported to namespace {} of the gateway", key.path(), places.join(", "));
            rules.push(unattached(bound, &id, host, attach("attach", "/spec/exportTo".to_owned(), sentence)));
            continue;
        }
        let taken = listeners_for(listeners, opened, gateway, &key.namespace, &host);
        if taken.is_empty() {
            let sentence = format!("no server of Istio Gateway {} takes host {text} from namespace {}", gateway.path(), key.namespace);
            rules.push(unattached(bound, &id, host, attach("listener", format!("/spec/hosts/{host_index}"), sentence)));
            continue;
        }
        for (opened, listener, cut) in taken {
            if opened.is_closed || seen.contains(&(opened.index, cut.clone())) {
                continue;
            }
            seen.push((opened.index, cut.clone()));
            let start = Start { sender, gateway, bound, listener, index: opened.index, host: &cut };
            match listener.speaks {
                Speaks::Http | Speaks::Https | Speaks::Web => start.add_http(&http, &mut rules),
                Speaks::TlsPassthrough => start.add_streams("tls", &record.tls, &mut rules),
                Speaks::TlsTerminated | Speaks::Tcp => start.add_streams("tcp", &record.tcp, &mut rules),
                Speaks::Udp => {}
            }
        }
    }
    rules
}

/// What the rules of a VirtualService have in common at one listener, for one host.
struct Start<'a> {
    sender: &'a Sender<'a>,
    gateway: &'a ObjectKey,
    bound: &'a Bound<'a>,
    listener: &'a Listener,
    index: usize,
    host: &'a Host,
}

impl Start<'_> {
    fn add_http(&self, routes: &[HttpRoute<'_>], rules: &mut Vec<Rule>) {
        let (mut place, mut n) = (self.bound.place, 0);
        for HttpRoute { object, pointer, root, route, broken } in routes {
            let everything = [IstioMatch::default()];
            let matches = if route.matches.is_empty() { everything.as_slice() } else { &route.matches };
            for (match_index, matching) in matches.iter().enumerate() {
                if matching.in_mesh || !self.is_meant(matching.port, &matching.gateways, object) {
                    continue;
                }
                let matched = if route.matches.is_empty() { pointer.clone() } else { format!("{pointer}/match/{match_index}") };
                // Once a route takes everything, it and what follows it come after all other objects' (pilot `SortVHostRoutes`).
                if broken.is_none() && place == self.bound.place && is_catch_all(matching) {
                    place += self.bound.n_all;
                }
                let mut rule = self.http_rule(object, pointer, route, matching, Order::Listed(place, n));
                if object == self.bound.key {
                    rule.id = self.id(&matched);
                    rule.pointer = matched;
                } else {
                    // Conditions of both objects together are in neither.
                    rule.id = self.id(&format!("/http/{root}/{}{matched}", object.path()));
                }
                if let Some(hop) = broken {
                    rule.pointer.clone_from(&hop.pointer);
                    rule.hops = vec![hop.clone()];
                    rule.action = Action::Answer(404);
                }
                rules.push(rule);
                n += 1;
            }
        }
    }

    fn http_rule(&self, object: &ObjectKey, pointer: &str, route: &IstioHttpRoute, matching: &IstioMatch, order: Order) -> Rule {
        let mut hops = Vec::new();
        if route.aborts {
            hops.push(Hop {
                kind: "fault",
                object: Some(object.clone()),
                pointer: format!("{pointer}/fault/abort"),
                verdict: Verdict::Depends,
                sentence: format!("VirtualService {} answers some requests with an error on purpose", object.path()),
            });
        }
        let action = match (&route.redirect, route.direct_response) {
            (Some(redirect), _) => Action::Redirect(redirect.clone()),
            (None, Some(status)) => Action::Answer(status),
            (None, None) => Action::Forward(self.targets(object, route, pointer)),
        };
        let has_headers = route.headers != HeaderChange::default();
        Rule {
            id: self.id(pointer),
            object: object.clone(),
            pointer: pointer.to_owned(),
            listener: Some(self.index),
            host: self.host.clone(),
            matching: compiled(matching),
            order,
            action,
            hops,
            rewrite: Rewrite {
                hostname: route.rewrite_host.clone(),
                path: route.rewrite_path.clone(),
                headers: if has_headers { vec![route.headers.clone()] } else { Vec::new() },
            },
            is_default: false,
            is_covered: false,
        }
    }

    fn targets(&self, object: &ObjectKey, route: &IstioHttpRoute, pointer: &str) -> Vec<Target> {
        if !route.destinations.is_empty() {
            return self.sender.targets(object, &route.destinations, &format!("{pointer}/route"));
        }
        let sentence = format!("a route of VirtualService {} says nothing of where requests go", object.path());
        let to = Destination::Broken { kind: "rule", object: None, status: 503, sentence };
        vec![Target { weight: 1, pointer: pointer.to_owned(), to, rewrite: Rewrite::default(), redirect: None, hops: Vec::new() }]
    }

    fn add_streams(&self, kind: &str, routes: &[IstioStreamRoute], rules: &mut Vec<Rule>) {
        for (index, route) in routes.iter().enumerate() {
            let everything = [(Vec::new(), None, Vec::new())];
            let matches = if route.matches.is_empty() { everything.as_slice() } else { &route.matches };
            for (match_index, (names, port, gateways)) in matches.iter().enumerate() {
                if !self.is_meant(*port, gateways, self.bound.key) {
                    continue;
                }
                let field = format!("/spec/{kind}/{index}");
                let pointer = if route.matches.is_empty() { field.clone() } else { format!("{field}/match/{match_index}") };
                let cut: Vec<Host> = if names.is_empty() {
                    vec![self.host.clone()]
                } else {
                    names.iter().filter_map(|name| hosts::both(&hosts::host(name), self.host)).collect()
                };
                for (name_index, host) in cut.into_iter().enumerate() {
                    let id = self.id(&pointer);
                    rules.push(Rule {
                        id: if name_index == 0 { id } else { format!("{id}/sniHosts/{name_index}") },
                        object: self.bound.key.clone(),
                        pointer: pointer.clone(),
                        listener: Some(self.index),
                        host,
                        matching: Match::default(),
                        order: Order::Listed(self.bound.place, index),
                        action: Action::Forward(self.sender.targets(self.bound.key, &route.destinations, &format!("{field}/route"))),
                        hops: Vec::new(),
                        rewrite: Rewrite::default(),
                        is_default: false,
                        is_covered: false,
                    });
                }
            }
        }
    }

    /// Whether a condition is for this port of this gateway. Names are read as in the object that writes them.
    fn is_meant(&self, port: Option<u16>, gateways: &[SmolStr], object: &ObjectKey) -> bool {
        let is_this = |text: &SmolStr| {
            let named = hosts::gateway(text, &object.namespace);
            named.is_some_and(|(namespace, name)| namespace == self.gateway.namespace && name == self.gateway.name)
        };
        port.is_none_or(|port| port == self.listener.port) && (gateways.is_empty() || gateways.iter().any(is_this))
    }

    fn id(&self, pointer: &str) -> String {
        format!("virtual-service/{}/{}{}", self.bound.key.path(), self.gateway.path(), pointer.trim_start_matches("/spec"))
    }
}

/// Whether a condition takes every request (pilot `isCatchAllRoute`).
fn is_catch_all(matching: &IstioMatch) -> bool {
    let takes_all_paths = match &matching.path {
        None => true,
        Some(PathMatch::TextPrefix(prefix)) => prefix == "/",
        Some(PathMatch::Expression(expression)) => expression == "*",
        Some(PathMatch::Exact(_) | PathMatch::Prefix(_)) => false,
    };
    let asks_for_more = matching.method.is_some() || matching.authority.is_some() || matching.scheme.is_some();
    takes_all_paths && !asks_for_more && matching.headers.is_empty() && matching.query.is_empty()
}

fn compiled(matching: &IstioMatch) -> Match {
    let path = match &matching.path {
        None => Path::Any,
        Some(path) if matching.ignore_case => Path::IgnoringCase(path.clone()),
        Some(path) => Path::Is(path.clone()),
    };
    Match {
        path,
        method: matching.method.clone(),
        authority: matching.authority.clone(),
        scheme: matching.scheme.clone(),
        headers: matching.headers.clone(),
        query: matching.query.clone(),
    }
}
