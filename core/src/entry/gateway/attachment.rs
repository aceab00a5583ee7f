//! To which listeners a route is attached, and why to no others.

use smol_str::SmolStr;

use super::super::matching::{Fit, Host};
use super::super::table::Speaks;
use super::listeners::Offer;
use super::{hop, hosts, title};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{FromNamespaces, ListenerProtocol, ParentRef, RouteRecord};
use crate::snapshot::Snapshot;

/// A listener that takes a route.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The listener, as an index into those of the front.
    pub(super) listener: usize,
    /// The hosts that both take, at least one.
    pub(super) hosts: Vec<Host>,
    /// What is said of it.
    pub(super) hops: Vec<Hop>,
}

/// A route that names a parent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) route: &'a ObjectKey,
    pub(super) record: &'a RouteRecord,
    /// Which of its parents.
    pub(super) index: usize,
    pub(super) parent: &'a ParentRef,
}

impl Claim<'_> {
    /// Where the parent is named.
    pub(super) fn pointer(&self) -> String {
        format!("/spec/parentRefs/{}", self.index)
    }
}

/// Whether something of `namespace` may attach to an object of `own`.
pub(super) fn lets_in(snapshot: &Snapshot, from: &FromNamespaces, own: &SmolStr, namespace: &SmolStr) -> Fit {
    let is_in = match from {
        FromNamespaces::None | FromNamespaces::Selector(None) => false,
        FromNamespaces::Same => own == namespace,
        FromNamespaces::All => true,
        FromNamespaces::Selector(Some(selector)) => {
            let is_known = snapshot.record(&ObjectKey::new(Kind::Namespace, "", namespace.clone())).is_some();
            let asks_for_more = selector.requirements().iter().any(|requirement| requirement.key != crate::intake_name_label());
            if !is_known && asks_for_more && snapshot.unseen.holds(Kind::Namespace, "") {
                return Fit::Maybe(format!("the labels of namespace {namespace}, which may not be seen"));
            }
            selector.matches(&snapshot.labels_of_namespace(namespace))
        }
    };
    if is_in { Fit::Yes } else { Fit::No }
}

/// Attaches a route to listeners of the object that it names as its parent: all that are offered there, by their indices.
///
/// # Errors
/// Why none of them takes it, at least one hop.
pub(super) fn attach(
    snapshot: &Snapshot,
    claim: &Claim<'_>,
    owner: &ObjectKey,
    offers: &[(usize, &Offer<'_>)],
) -> Result<Vec<Place>, Vec<Hop>> {
    let Claim { route, parent, .. } = claim;
    let is_named = |offer: &Offer<'_>| {
        let has_port = parent.port.is_none_or(|port| offer.listener.port == port || offer.listener.port == 0);
        has_port && (parent.section.is_empty() || parent.section == offer.listener.name)
    };
    let named: Vec<&(usize, &Offer<'_>)> = offers.iter().filter(|(_, offer)| is_named(offer)).collect();
    if named.is_empty() {
        let (route_title, owner_title) = (title(route), title(owner));
        let sentence = match (parent.section.as_str(), parent.port) {
            _ if offers.is_empty() => format!("{owner_title}, which {route_title} names, has no listener"),
            ("", None) => format!("{owner_title} has no listener for {route_title}"),
            ("", Some(port)) => format!("{route_title} names port {port} of {owner_title}, which has no listener there"),
            (name, None) => format!("{route_title} names listener {name} of {owner_title}, which has none of that name"),
            (name, Some(port)) => {
                format!("{route_title} names listener {name} on port {port} of {owner_title}, which has none of that name and port")
            }
        };
        return Err(vec![hop("attach", route, claim.pointer(), Verdict::Denied, sentence)]);
    }
    let (mut places, mut faults) = (Vec::new(), Vec::new());
    for (listener, offer) in named {
        match attach_to(snapshot, claim, offer) {
            Ok((hosts, hops)) => places.push(Place { listener: *listener, hosts, hops }),
            Err(fault) => faults.push(*fault),
        }
    }
    if places.is_empty() { Err(faults) } else { Ok(places) }
}

/// The hosts that a route gets of one listener, and what is said of it.
fn attach_to(snapshot: &Snapshot, claim: &Claim<'_>, offer: &Offer<'_>) -> Result<(Vec<Host>, Vec<Hop>), Box<Hop>> {
    let (route, owner) = (claim.route, offer.owner);
    let mut hops = Vec::new();
    let pointer = |field: &str| format!("{}/{field}", offer.listener.pointer);
    let from = &offer.record.routes_from;
    match lets_in(snapshot, from, &owner.namespace, &route.namespace) {
        Fit::Yes => {}
        Fit::Maybe(why) => {
            let sentence = format!("whether {} takes {} depends on {why}", offer.title(), title(route));
            hops.push(hop("attach", owner, pointer("allowedRoutes/namespaces"), Verdict::Depends, sentence));
        }
        Fit::No => {
            let what = match from {
                FromNamespaces::Same => format!("routes of its own namespace {} only", owner.namespace),
                FromNamespaces::Selector(Some(selector)) => format!("routes of namespaces with {selector} only"),
                _ => "routes of no namespace".to_owned(),
            };
            let sentence = format!("{} takes {what}, and {} is of {}", offer.title(), title(route), route.namespace);
            return Err(Box::new(hop("attach", owner, pointer("allowedRoutes"), Verdict::Denied, sentence)));
        }
    }
    match takes_kind(offer, route.kind) {
        Fit::Yes => {}
        Fit::Maybe(why) => hops.push(hop("attach", owner, pointer("protocol"), Verdict::Depends, why)),
        Fit::No => {
            let protocol = offer.record.protocol.name();
            let is_fit = of_protocol(offer.listener.speaks).contains(&route.kind);
            let (field, why) = if is_fit {
                ("allowedRoutes/kinds", "its allowedRoutes name other kinds".to_owned())
            } else {
                ("protocol", format!("its protocol is {protocol}"))
            };
            let sentence = format!("{} takes no {}, and {} is one: {why}", offer.title(), route.kind.name(), route.path());
            return Err(Box::new(hop("attach", owner, pointer(field), Verdict::Denied, sentence)));
        }
    }
    let hosts = hosts::taken(&offer.listener.host, &claim.record.hostnames);
    if hosts.is_empty() {
        let names = claim.record.hostnames.join(", ");
        let own = hosts::shown(&offer.listener.host);
        let sentence = format!("the hosts of {} ({names}) do not meet {own} of {}", title(route), offer.title());
        return Err(Box::new(hop("listener", route, "/spec/hostnames", Verdict::Denied, sentence)));
    }
    let sentence = format!("{} attaches to {}", title(route), offer.title());
    hops.insert(0, hop("attach", route, claim.pointer(), Verdict::Allowed, sentence));
    Ok((hosts, hops))
}

/// The kinds of routes that make sense on a listener.
fn of_protocol(speaks: Speaks) -> &'static [Kind] {
    match speaks {
        Speaks::Http | Speaks::Https | Speaks::Web => &[Kind::HttpRoute, Kind::GrpcRoute],
        Speaks::TlsPassthrough => &[Kind::TlsRoute],
        Speaks::TlsTerminated => &[Kind::TlsRoute, Kind::TcpRoute],
        Speaks::Tcp => &[Kind::TcpRoute],
        Speaks::Udp => &[Kind::UdpRoute],
    }
}

/// Whether a listener takes routes of a kind (`AllowedRoutes.kinds`: what the protocol implies where it says nothing).
fn takes_kind(offer: &Offer<'_>, kind: Kind) -> Fit {
    let listed = offer.record.route_kinds.as_ref().filter(|kinds| !kinds.is_empty());
    let is_listed = listed.is_none_or(|kinds| kinds.iter().any(|(group, name)| group == kind.group() && name == kind.name()));
    if !is_listed {
        return Fit::No;
    }
    if let ListenerProtocol::Other(protocol) = &offer.record.protocol {
        let sentence = format!("{} speaks {protocol}, and its controller alone knows whether it takes a {}", offer.title(), kind.name());
        return if listed.is_some() { Fit::Yes } else { Fit::Maybe(sentence) };
    }
    if of_protocol(offer.listener.speaks).contains(&kind) { Fit::Yes } else { Fit::No }
}
