//! VirtualServices that leave some of their routes to others (pilot `mergeVirtualServicesIfNeeded`).
//!
//! What a delegate asks for must lie within what is delegated to it; a condition that does not is left out, and so is a route of which
//! no condition is left. A delegate's own delegates are not followed.

use std::borrow::Cow;

use super::Bound;
use super::destinations::Sender;
use super::virtual_service::HttpRoute;
use crate::analysis::Hop;
use crate::assumptions::Cause;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{HeaderChange, IstioHttpRoute, IstioMatch, PathMatch, Record, TextMatch, ValueMatch};

/// The HTTP routes of a VirtualService, those of its delegates in their places.
pub(super) fn resolved<'a>(sender: &Sender<'a>, bound: &Bound<'a>) -> Vec<HttpRoute<'a>> {
    let mut routes = Vec::new();
    for (root, route) in bound.record.http.iter().enumerate() {
        let pointer = format!("/spec/http/{root}");
        let Some((namespace, name)) = &route.delegate else {
            routes.push(HttpRoute { object: bound.key.clone(), pointer, root, route: Cow::Borrowed(route), broken: None });
            continue;
        };
        let namespace = if namespace.is_empty() { &bound.key.namespace } else { namespace };
        let key = ObjectKey::new(Kind::VirtualService, namespace.clone(), name.clone());
        let snapshot = sender.analysis.snapshot();
        let broken = |verdict, sentence| {
            let pointer = format!("{pointer}/delegate");
            let hop = Hop { kind: "delegate", object: Some(bound.key.clone()), pointer: pointer.clone(), verdict, sentence };
            HttpRoute { object: bound.key.clone(), pointer, root, route: Cow::Borrowed(route), broken: Some(hop) }
        };
        let path = key.path();
        match snapshot.record(&key) {
            Some(Record::VirtualService(delegate)) if !delegate.hosts.is_empty() => {
                let sentence = format!("VirtualService {path} has hosts of its own, and nothing can be delegated to it");
                routes.push(broken(Verdict::Denied, sentence));
            }
            Some(Record::VirtualService(delegate)) if !sender.sees(&delegate.export_to, namespace) => {
                routes.push(broken(Verdict::Denied, format!("VirtualService {path} is not exported to the gateway's namespace")));
            }
            Some(Record::VirtualService(delegate)) => {
                for (index, leaf) in delegate.http.iter().enumerate() {
                    let Some(merged) = merged(route, leaf) else { continue };
                    let pointer = format!("/spec/http/{index}");
                    routes.push(HttpRoute { object: key.clone(), pointer, root, route: Cow::Owned(merged), broken: None });
                }
            }
            _ if snapshot.unseen.holds(Kind::VirtualService, namespace) => {
                let sentence = format!("whether there is a VirtualService {path} depends on {}", Cause::Unseen(Kind::VirtualService));
                routes.push(broken(Verdict::Depends, sentence));
            }
            _ => routes.push(broken(Verdict::Denied, format!("there is no VirtualService {path} to delegate to"))),
        }
    }
    routes
}

/// A delegate's route within what is delegated; `None` where nothing of it lies within.
fn merged(root: &IstioHttpRoute, leaf: &IstioHttpRoute) -> Option<IstioHttpRoute> {
    let mut route = leaf.clone();
    route.delegate = None;
    route.matches = match (root.matches.as_slice(), leaf.matches.as_slice()) {
        (roots, []) => roots.to_vec(),
        ([], leaves) => leaves.to_vec(),
        (roots, leaves) => {
            let pairs = roots.iter().flat_map(|root| leaves.iter().map(move |leaf| (root, leaf)));
            pairs.filter_map(|(root, leaf)| within(root, leaf)).collect()
        }
    };
    if route.matches.is_empty() && !(root.matches.is_empty() && leaf.matches.is_empty()) {
        return None;
    }
    if route.rewrite_host.is_empty() && route.rewrite_path.is_none() {
        route.rewrite_host = root.rewrite_host.clone();
        route.rewrite_path.clone_from(&root.rewrite_path);
    }
    if route.headers == HeaderChange::default() {
        route.headers.clone_from(&root.headers);
    }
    route.aborts |= root.aborts;
    Some(route)
}

/// Both conditions; `None` where the delegate's does not lie within (pilot `hasConflict`).
fn within(root: &IstioMatch, leaf: &IstioMatch) -> Option<IstioMatch> {
    let has_conflict = root.ignore_case != leaf.ignore_case && root.path.is_some() && leaf.path.is_some()
        || conflict(root.path.as_ref().map(of_path), leaf.path.as_ref().map(of_path))
        || conflict(root.method.as_ref().map(of_text), leaf.method.as_ref().map(of_text))
        || conflict(root.authority.as_ref().map(of_text), leaf.authority.as_ref().map(of_text))
        || conflict(root.scheme.as_ref().map(of_text), leaf.scheme.as_ref().map(of_text))
        || conflict_of_values(&root.headers, &leaf.headers)
        || conflict_of_values(&root.query, &leaf.query)
        || matches!((root.port, leaf.port), (Some(root), Some(leaf)) if root != leaf)
        || (!root.gateways.is_empty() && leaf.gateways.iter().any(|gateway| !root.gateways.contains(gateway)));
    let values = |root: &[ValueMatch], leaf: &[ValueMatch]| -> Vec<ValueMatch> {
        let kept = root.iter().filter(|root| !leaf.iter().any(|leaf| leaf.name == root.name));
        kept.chain(leaf).cloned().collect()
    };
    (!has_conflict).then(|| IstioMatch {
        path: leaf.path.clone().or_else(|| root.path.clone()),
        ignore_case: if leaf.path.is_some() { leaf.ignore_case } else { root.ignore_case },
        method: leaf.method.clone().or_else(|| root.method.clone()),
        authority: leaf.authority.clone().or_else(|| root.authority.clone()),
        scheme: leaf.scheme.clone().or_else(|| root.scheme.clone()),
        headers: values(&root.headers, &leaf.headers),
        query: values(&root.query, &leaf.query),
        port: leaf.port.or(root.port),
        gateways: if leaf.gateways.is_empty() { root.gateways.clone() } else { leaf.gateways.clone() },
        in_mesh: root.in_mesh || leaf.in_mesh,
    })
}

/// How a text is compared, as far as two ways can be told to lie within each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Other,
}

fn of_path(path: &PathMatch) -> Compared<'_> {
    match path {
        PathMatch::Exact(text) => Compared::Exact(text),
        PathMatch::Prefix(text) | PathMatch::TextPrefix(text) => Compared::Prefix(text),
        PathMatch::Expression(_) => Compared::Other,
    }
}

fn of_text(text: &TextMatch) -> Compared<'_> {
    match text {
        TextMatch::Exact(text) => Compared::Exact(text),
        TextMatch::Prefix(text) => Compared::Prefix(text),
        TextMatch::Expression(_) | TextMatch::Present | TextMatch::Not(_) => Compared::Other,
    }
}

fn conflict(root: Option<Compared<'_>>, leaf: Option<Compared<'_>>) -> bool {
    match (root, leaf) {
        (None, _) | (_, None) => false,
        (Some(Compared::Exact(root)), Some(Compared::Exact(leaf))) => root != leaf,
        (Some(Compared::Prefix(root)), Some(Compared::Prefix(leaf) | Compared::Exact(leaf))) => !leaf.starts_with(root),
        _ => true,
    }
}

fn conflict_of_values(roots: &[ValueMatch], leaves: &[ValueMatch]) -> bool {
    let same = |root: &ValueMatch| leaves.iter().find(|leaf| leaf.name == root.name).map(|leaf| (root.value.clone(), leaf.value.clone()));
    roots.iter().filter_map(same).any(|(root, leaf)| root != leaf && conflict(Some(of_text(&root)), Some(of_text(&leaf))))
}
