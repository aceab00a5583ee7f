//! Istio's ways in: a front for each Gateway, with the routes of the VirtualServices that are bound to it.
//!
//! - The most specific host decides first (Envoy's virtual hosts), and of its routes the first that fits: no other host is asked then.
//! - VirtualServices for one host go by age and name; a route that takes everything comes after all others of the host (pilot
//!   `SortVHostRoutes`), and what follows it in its own object is never asked.
//! - A Gateway is served by pods of all namespaces that its selector fits (`PILOT_SCOPE_GATEWAY_TO_NAMESPACE` is off by default).

mod delegates;
mod destinations;
mod gateway;
mod hosts;
mod virtual_service;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::controller::Controller;
use super::matching::{Host, Match};
use super::table::{Action, Fallback, Front, Order, Rewrite, Rule};
use crate::analysis::{Analysis, Hop};
use crate::assumptions::Cause;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::VirtualServiceRecord;
use crate::snapshot::typed;

/// A VirtualService in its place among all, by age and name.
#[derive(Debug, Clone, Copy)]
struct Bound<'a> {
    key: &'a ObjectKey,
    record: &'a VirtualServiceRecord,
    /// Its place among all of them.
    place: usize,
    /// How many there are.
    n_all: usize,
    /// Which of its gateways it is bound by.
    gateway_index: usize,
}

/// The Gateways, by namespace and name, and last what is bound to none.
pub(super) fn fronts(analysis: &Analysis) -> Vec<Front> {
    let mut services: Vec<(&ObjectKey, &VirtualServiceRecord)> =
        typed!(analysis.snapshot(), VirtualService).map(|(key, record)| (key, &**record)).collect();
    services.sort_by_key(|(key, record)| (record.created.clone(), key.name.clone(), key.namespace.clone()));
    let mut bound: BTreeMap<ObjectKey, Vec<Bound<'_>>> = BTreeMap::new();
    for (place, (key, record)) in services.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (gateway_index, text) in record.gateways.iter().enumerate() {
            let Some((namespace, name)) = hosts::gateway(text, &key.namespace) else { continue };
            let gateway = ObjectKey::new(Kind::IstioGateway, namespace, name);
            if seen.insert(gateway.clone()) {
                bound.entry(gateway).or_default().push(Bound { key, record, place, n_all: services.len(), gateway_index });
            }
        }
    }
    let mut fronts = Vec::new();
    let mut mesh = gateway::Mesh::new(analysis);
    for (key, record) in typed!(analysis.snapshot(), IstioGateway) {
        let services = bound.remove(key).unwrap_or_default();
        fronts.push(gateway::front(&mut mesh, key, record, &services));
    }
    let missing: Vec<Rule> = bound.iter().flat_map(|(gateway, services)| missing(analysis, gateway, services)).collect();
    if !missing.is_empty() {
        fronts.push(Front {
            id: "istio-gateway/missing".to_owned(),
            title: "Istio Gateways that are not there".to_owned(),
            object: None,
            hops: Vec::new(),
            controller: Controller::default(),
            doors: Vec::new(),
            listeners: Vec::new(),
            rules: missing,
            fallback: Fallback::Never,
            unmatched: (404, "the gateway"),
        });
    }
    fronts
}

/// What is bound to a Gateway that is not there.
fn missing<'a>(analysis: &'a Analysis, gateway: &'a ObjectKey, services: &'a [Bound<'a>]) -> impl Iterator<Item = Rule> + 'a {
    let is_unseen = analysis.snapshot().unseen.holds(Kind::IstioGateway, &gateway.namespace);
    services.iter().flat_map(move |bound| {
        let sentence = if is_unseen {
            format!("whether there is an Istio Gateway {} depends on {}", gateway.path(), Cause::Unseen(Kind::IstioGateway))
        } else {
            format!("VirtualService {} is bound to Istio Gateway {}, which is not there", bound.key.path(), gateway.path())
        };
        let hop = Hop {
            kind: "attach",
            object: Some(bound.key.clone()),
            pointer: format!("/spec/gateways/{}", bound.gateway_index),
            verdict: if is_unseen { Verdict::Depends } else { Verdict::Denied },
            sentence,
        };
        let hosts = bound.record.hosts.iter().enumerate();
        hosts.map(move |(index, host)| unattached(bound, &format!("missing/{}/{index}", gateway.path()), hosts::host(host), hop.clone()))
    })
}

/// A rule that stands for a host of a VirtualService for which it takes no request, and why.
fn unattached(bound: &Bound<'_>, id: &str, host: Host, hop: Hop) -> Rule {
    Rule {
        id: format!("virtual-service/{}/{id}", bound.key.path()),
        object: bound.key.clone(),
        pointer: hop.pointer.clone(),
        listener: None,
        host,
        matching: Match::default(),
        order: Order::Listed(bound.place, 0),
        action: Action::Answer(404),
        hops: vec![hop],
        rewrite: Rewrite::default(),
        is_default: false,
        is_covered: false,
    }
}

/// The namespaces of pods, or another where there are none.
fn namespaces(analysis: &Analysis, pods: &[crate::inventory::PodId], or: &SmolStr) -> BTreeSet<SmolStr> {
    let of_pods: BTreeSet<SmolStr> = pods.iter().map(|pod| analysis.inventory().pods.at(*pod).namespace().clone()).collect();
    if of_pods.is_empty() { [or.clone()].into() } else { of_pods }
}

#[cfg(test)]
mod tests;
