//! Gateway API: each Gateway with its listeners and the routes that are attached to them becomes a front.
//!
//! Follows the text of gateway.networking.k8s.io v1 where it says what must be; where it leaves something to implementations, a hop that
//! depends says so.

mod attachment;
mod controller;
mod grants;
mod hosts;
mod listeners;
mod routes;
mod targets;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;

use self::attachment::{Claim, Place};
use self::listeners::{Offer, Offers, Set};
use super::controller::Controller;
use super::last_hop::controller_hop;
use super::table::{Fallback, Front, Rule};
use crate::analysis::{Analysis, Hop};
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{GatewayClassRecord, GatewayRecord, ParentRef, Record};
use crate::snapshot::{Snapshot, typed};

/// Routes by the Gateway or ListenerSet that they name, in the order of their kinds and names.
type Claims<'a> = BTreeMap<ObjectKey, Vec<Claim<'a>>>;

/// One front for each Gateway, by namespace and name; and one of no Gateway, for routes whose parents are not there.
pub(super) fn fronts(analysis: &Analysis) -> Vec<Front> {
    let snapshot = analysis.snapshot();
    let (claims, sets) = (claims(snapshot), listeners::sets(snapshot));
    let mut fronts = Vec::new();
    for (key, gateway) in typed!(snapshot, Gateway) {
        let sets = sets.get(key).map(Vec::as_slice).unwrap_or_default();
        fronts.push(front(analysis, key, gateway, sets, &claims));
    }
    fronts.extend(missing(snapshot, &claims));
    fronts
}

/// The parents of routes. Services, of which a mesh makes something, are left out.
fn claims(snapshot: &Snapshot) -> Claims<'_> {
    let mut claims: Claims<'_> = BTreeMap::new();
    for kind in [Kind::HttpRoute, Kind::GrpcRoute, Kind::TlsRoute, Kind::TcpRoute, Kind::UdpRoute] {
        for (route, record) in snapshot.records(kind) {
            let Record::Route(record) = record else { continue };
            for (index, parent) in record.parents.iter().enumerate() {
                if let Some(key) = key_of(route, parent) {
                    claims.entry(key).or_default().push(Claim { route, record, index, parent });
                }
            }
        }
    }
    claims
}

/// The Gateway or ListenerSet that a parent is, whether it is there or not.
fn key_of(route: &ObjectKey, parent: &ParentRef) -> Option<ObjectKey> {
    let kinds = [Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet];
    let kind = kinds.into_iter().find(|kind| kind.group() == parent.object.group && kind.name() == parent.object.kind)?;
    Some(ObjectKey::new(kind, grants::namespace(route, &parent.object).clone(), parent.object.name.clone()))
}

fn front(analysis: &Analysis, key: &ObjectKey, gateway: &GatewayRecord, sets: &[Set<'_>], claims: &Claims<'_>) -> Front {
    let snapshot = analysis.snapshot();
    let (class_hop, class) = class_of(snapshot, key, gateway);
    let controller = controller::find(analysis, key, gateway, class.map_or("", |class| &class.controller));
    let mut hops = vec![class_hop];
    if hops.iter().all(|hop| hop.verdict != Verdict::Denied) {
        hops.push(controller_hop(analysis, &controller));
    }
    let offers = listeners::offers(snapshot, key, gateway, sets);
    let mut attached: BTreeMap<&ObjectKey, Attached<'_>> = BTreeMap::new();
    for owner in std::iter::once(key).chain(sets.iter().map(|(set, _)| *set)) {
        let own: Vec<(usize, &Offer<'_>)> = offers.all.iter().enumerate().filter(|(_, offer)| offer.owner == owner).collect();
        for claim in claims.get(owner).into_iter().flatten() {
            let of_route = attached.entry(claim.route).or_insert_with(|| Attached::none(claim));
            of_route.add(attach(snapshot, claim, owner, &own, &offers));
        }
    }
    let rules = attached.values().flat_map(|attached| attached.rules(snapshot)).collect();
    Front {
        id: format!("gateway/{}", key.path()),
        title: title(key),
        object: Some(key.clone()),
        hops,
        controller,
        doors: Vec::new(),
        listeners: offers.all.into_iter().map(|offer| offer.listener).collect(),
        rules,
        fallback: Fallback::Unknown,
        unmatched: (404, "the gateway"),
    }
}

fn attach(
    snapshot: &Snapshot,
    claim: &Claim<'_>,
    owner: &ObjectKey,
    own: &[(usize, &Offer<'_>)],
    offers: &Offers<'_>,
) -> Result<Vec<Place>, Vec<Hop>> {
    match offers.refused.get(owner) {
        Some(refused) => Err(vec![refused.clone()]),
        None => attachment::attach(snapshot, claim, owner, own),
    }
}

/// What became of a route at one front, over all parents that it names there.
struct Attached<'a> {
    claim: Claim<'a>,
    places: Vec<Place>,
    faults: Vec<Hop>,
}

impl<'a> Attached<'a> {
    fn none(claim: &Claim<'a>) -> Self {
        Self { claim: *claim, places: Vec::new(), faults: Vec::new() }
    }

    fn add(&mut self, outcome: Result<Vec<Place>, Vec<Hop>>) {
        match outcome {
            Ok(places) => self.places.extend(places),
            Err(faults) => self.faults.extend(faults.into_iter().filter(|fault| !self.faults.contains(fault)).collect::<Vec<_>>()),
        }
    }

    fn rules(&self, snapshot: &Snapshot) -> Vec<Rule> {
        routes::rules(snapshot, self.claim.route, self.claim.record, &self.places, &self.faults)
    }
}

/// Routes that name Gateways or ListenerSets that are not there, or ListenerSets of a Gateway that is not.
fn missing(snapshot: &Snapshot, claims: &Claims<'_>) -> Option<Front> {
    let mut attached: BTreeMap<&ObjectKey, Attached<'_>> = BTreeMap::new();
    for (parent, claims) in claims {
        for claim in claims {
            let Some(fault) = fault_of(snapshot, parent, claim) else { break };
            attached.entry(claim.route).or_insert_with(|| Attached::none(claim)).add(Err(vec![fault]));
        }
    }
    let rules: Vec<Rule> = attached.values().flat_map(|attached| attached.rules(snapshot)).collect();
    (!rules.is_empty()).then(|| Front {
        id: "gateway/missing".to_owned(),
        title: "no Gateway".to_owned(),
        object: None,
        hops: Vec::new(),
        controller: Controller::default(),
        doors: Vec::new(),
        listeners: Vec::new(),
        rules,
        fallback: Fallback::Unknown,
        unmatched: (404, "the gateway"),
    })
}

/// Why a parent belongs to no Gateway that is there; `None` where it does.
fn fault_of(snapshot: &Snapshot, parent: &ObjectKey, claim: &Claim<'_>) -> Option<Hop> {
    let say = |missing: &ObjectKey, object: &ObjectKey, pointer: String, of: String| {
        if snapshot.unseen.holds(missing.kind, &missing.namespace) {
            hop("attach", object, pointer, Verdict::Depends, format!("whether there is a {}{of} may not be seen", title(missing)))
        } else {
            hop("attach", object, pointer, Verdict::Denied, format!("there is no {}{of}", title(missing)))
        }
    };
    let Some(record) = snapshot.record(parent) else {
        return Some(say(parent, claim.route, claim.pointer(), format!(", which {} names", title(claim.route))));
    };
    let Record::ListenerSet(set) = record else { return None };
    let Some(gateway) = listeners::gateway_of(parent, set) else {
        let sentence = format!("{} adds its listeners to no Gateway", title(parent));
        return Some(hop("attach", parent, "/spec/parentRef", Verdict::Denied, sentence));
    };
    let of = format!(", to which {} adds its listeners", title(parent));
    snapshot.record(&gateway).is_none().then(|| say(&gateway, parent, "/spec/parentRef".to_owned(), of))
}

/// Who serves a Gateway: the hop, and the class where it is there.
fn class_of<'a>(snapshot: &'a Snapshot, key: &ObjectKey, gateway: &GatewayRecord) -> (Hop, Option<&'a GatewayClassRecord>) {
    let (class, gateway_title) = (&gateway.class, title(key));
    let say = |verdict, sentence| (hop("class", key, "/spec/gatewayClassName", verdict, sentence), None);
    if class.is_empty() {
        return say(Verdict::Denied, format!("{gateway_title} names no class: no controller serves it"));
    }
    let class_key = ObjectKey::new(Kind::GatewayClass, "", class.clone());
    if let Some(Record::GatewayClass(record)) = snapshot.record(&class_key) {
        if let Some(message) = &record.not_accepted {
            let sentence = format!("no controller has accepted GatewayClass {class}: {message}");
            return (hop("class", &class_key, "/status/conditions", Verdict::Denied, sentence), Some(record));
        }
        let sentence = format!("{gateway_title} is of class {class}, served by controller {}", record.controller);
        return (hop("class", &class_key, "/spec/controllerName", Verdict::Allowed, sentence), Some(record));
    }
    if snapshot.unseen.holds(Kind::GatewayClass, "") {
        return say(
            Verdict::Depends,
            format!("whether there is a GatewayClass {class}, which would serve {gateway_title}, may not be seen"),
        );
    }
    if snapshot.count(Kind::GatewayClass) == 0 {
        return say(Verdict::Allowed, format!("class {class} is taken to be served: no GatewayClass is among the objects"));
    }
    say(Verdict::Denied, format!("there is no GatewayClass {class}: no controller serves {gateway_title}"))
}

fn hop(kind: &'static str, object: &ObjectKey, pointer: impl Into<String>, verdict: Verdict, sentence: String) -> Hop {
    Hop { kind, object: Some(object.clone()), pointer: pointer.into(), verdict, sentence }
}

/// `Gateway shop/public`
fn title(key: &ObjectKey) -> String {
    format!("{} {}", key.kind.name(), key.path())
}
