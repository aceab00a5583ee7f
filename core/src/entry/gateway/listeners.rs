//! The listeners of a Gateway: its own, and those of the ListenerSets that it lets add some.

use std::collections::BTreeMap;

use super::super::matching::{Fit, Host};
use super::super::table::{Listener, Speaks, is_broken};
use super::grants::{self, Leave};
use super::{attachment, hop, hosts, title};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{GatewayListener, GatewayRecord, ListenerProtocol, ListenerSetRecord, Record};
use crate::snapshot::Snapshot;

/// A listener and what it was made of.
#[derive(Debug, Clone)]
pub(super) struct Offer<'a> {
    /// The Gateway or the ListenerSet that defines it.
    pub(super) owner: &'a ObjectKey,
    pub(super) record: &'a GatewayListener,
    pub(super) listener: Listener,
}

impl Offer<'_> {
    /// `listener http of Gateway shop/public`
    pub(super) fn title(&self) -> String {
        format!("listener {} of {}", self.listener.name, title(self.owner))
    }
}

/// A ListenerSet by its key.
pub(super) type Set<'a> = (&'a ObjectKey, &'a ListenerSetRecord);

/// All listeners of a Gateway.
#[derive(Debug, Default)]
pub(super) struct Offers<'a> {
    /// In the order of precedence: the Gateway's own, then those of its sets, oldest first.
    pub(super) all: Vec<Offer<'a>>,
    /// The sets that it does not let add listeners, and why.
    pub(super) refused: BTreeMap<&'a ObjectKey, Hop>,
}

/// The Gateway to which a ListenerSet adds, whether it is there or not.
pub(super) fn gateway_of(set: &ObjectKey, record: &ListenerSetRecord) -> Option<ObjectKey> {
    let parent = &record.parent.object;
    let is_gateway = parent.group == Kind::Gateway.group() && parent.kind == Kind::Gateway.name();
    is_gateway.then(|| ObjectKey::new(Kind::Gateway, grants::namespace(set, parent).clone(), parent.name.clone()))
}

/// The ListenerSets of each Gateway: oldest first, then by namespace and name (ListenerSetSpec.listeners).
pub(super) fn sets(snapshot: &Snapshot) -> BTreeMap<ObjectKey, Vec<Set<'_>>> {
    let mut sets: BTreeMap<ObjectKey, Vec<Set<'_>>> = BTreeMap::new();
    for (key, record) in snapshot.records(Kind::ListenerSet).chain(snapshot.records(Kind::XListenerSet)) {
        let Record::ListenerSet(set) = record else { continue };
        if let Some(gateway) = gateway_of(key, set) {
            sets.entry(gateway).or_default().push((key, set));
        }
    }
    for of_one in sets.values_mut() {
        of_one.sort_by(|(a, one), (b, other)| (&one.created, &a.namespace, &a.name).cmp(&(&other.created, &b.namespace, &b.name)));
    }
    sets
}

/// The listeners of a Gateway and of its sets.
pub(super) fn offers<'a>(snapshot: &Snapshot, key: &'a ObjectKey, gateway: &'a GatewayRecord, sets: &[Set<'a>]) -> Offers<'a> {
    let mut offers = Offers::default();
    let own = gateway.listeners.iter().enumerate();
    offers.all.extend(own.map(|(index, listener)| offer(snapshot, key, index, listener)));
    for (set, record) in sets {
        let maybe = match attachment::lets_in(snapshot, &gateway.allowed_listeners, &key.namespace, &set.namespace) {
            Fit::Yes => None,
            Fit::Maybe(why) => {
                let sentence = format!("whether {} takes the listeners of {} depends on {why}", title(key), title(set));
                Some(hop("listener", key, "/spec/allowedListeners", Verdict::Depends, sentence))
            }
            Fit::No => {
                let sentence =
                    format!("{} takes no listeners of {}: its allowedListeners leave out that namespace", title(key), title(set));
                offers.refused.insert(set, hop("attach", key, "/spec/allowedListeners", Verdict::Denied, sentence));
                continue;
            }
        };
        for (index, listener) in record.listeners.iter().enumerate() {
            let mut offer = offer(snapshot, set, index, listener);
            offer.listener.hops.extend(maybe.clone());
            offers.all.push(offer);
        }
    }
    tell_apart(&mut offers.all);
    offers
}

fn offer<'a>(snapshot: &Snapshot, owner: &'a ObjectKey, index: usize, record: &'a GatewayListener) -> Offer<'a> {
    let speaks = match record.protocol {
        ListenerProtocol::Http => Speaks::Http,
        ListenerProtocol::Https => Speaks::Https,
        ListenerProtocol::Tls if record.passthrough => Speaks::TlsPassthrough,
        ListenerProtocol::Tls => Speaks::TlsTerminated,
        ListenerProtocol::Tcp | ListenerProtocol::Other(_) => Speaks::Tcp,
        ListenerProtocol::Udp => Speaks::Udp,
    };
    // Listener.hostname: ignored for protocols that do not know hosts.
    let host = if matches!(speaks, Speaks::Tcp | Speaks::Udp) { Host::Any } else { hosts::parse(&record.hostname) };
    let pointer = format!("/spec/listeners/{index}");
    let listener =
        Listener { name: record.name.clone(), port: record.port, speaks, host, object: Some(owner.clone()), pointer, hops: Vec::new() };
    let mut offer = Offer { owner, record, listener };
    offer.listener.hops = protocol_hops(snapshot, &offer);
    offer
}

/// What is to be said of a listener's protocol and certificates. Whether the certificates are there nobody looks: they are secrets.
fn protocol_hops(snapshot: &Snapshot, offer: &Offer<'_>) -> Vec<Hop> {
    let (owner, record, shown) = (offer.owner, offer.record, offer.title());
    let say = |field: &str, verdict, sentence| hop("listener", owner, format!("{}/{field}", offer.listener.pointer), verdict, sentence);
    match &record.protocol {
        ListenerProtocol::Other(name) => {
            let sentence = format!("{shown} speaks {name}, which its controller may or may not know");
            return vec![say("protocol", Verdict::Depends, sentence)];
        }
        ListenerProtocol::Https if record.passthrough => {
            let sentence = format!("{shown} is of protocol HTTPS, which ends TLS, and lets TLS pass through: it can be one only");
            return vec![say("tls/mode", Verdict::Denied, sentence)];
        }
        ListenerProtocol::Https | ListenerProtocol::Tls if !record.passthrough => {}
        _ => return Vec::new(),
    }
    if record.certificates.is_empty() {
        let sentence = format!("{shown} names no certificate: it takes requests only if its controller has one from elsewhere");
        return vec![say("tls", Verdict::Depends, sentence)];
    }
    let mut hops = Vec::new();
    let mut n_good = 0;
    for (index, certificate) in record.certificates.iter().enumerate() {
        let (field, what) = (format!("tls/certificateRefs/{index}"), grants::shown(owner, certificate));
        let namespace = grants::namespace(owner, certificate);
        match grants::leave(snapshot, owner, certificate) {
            Leave::Own | Leave::Granted(_) => n_good += 1,
            Leave::Unseen => {
                let sentence = format!("whether a ReferenceGrant in {namespace} lets {shown} use {what} may not be seen");
                hops.push(say(&field, Verdict::Depends, sentence));
            }
            Leave::Refused => {
                let (kind, own) = (owner.kind.name(), &owner.namespace);
                let sentence = format!("{shown} may not use {what}: no ReferenceGrant in {namespace} lets a {kind} of {own} refer to it");
                hops.push(say(&field, Verdict::Denied, sentence));
            }
        }
    }
    // With one good certificate some implementations serve the listener, and some do not (more than one is theirs to understand).
    for hop in &mut hops {
        if n_good > 0 {
            hop.verdict = Verdict::Depends;
        }
    }
    hops
}

/// Marks listeners between which a request cannot be told to belong (GatewaySpec.listeners: "Distinct Listeners"). Of one object's none
/// wins; of several objects' the one that comes first does (ListenerSetSpec.listeners). One clash of a listener says enough.
fn tell_apart(offers: &mut [Offer<'_>]) {
    let mut worst: BTreeMap<usize, Hop> = BTreeMap::new();
    for (later, offer) in offers.iter().enumerate() {
        for (earlier, other) in offers.iter().enumerate().take(later) {
            let Some(clash) = Clash::of(offer, other) else { continue };
            let is_taking = !is_broken(&other.listener.hops) && worst.get(&earlier).is_none_or(|hop| hop.verdict != Verdict::Denied);
            let verdict = match clash.verdict() {
                // Whether one that takes nothing keeps those of other objects away, the API does not say.
                Verdict::Denied if offer.owner != other.owner && !is_taking => Verdict::Depends,
                verdict => verdict,
            };
            let both = [(later, offer, other), (earlier, other, offer)];
            for (index, own, other) in both.into_iter().take(if offer.owner == other.owner { 2 } else { 1 }) {
                if worst.get(&index).is_none_or(|known| known.verdict < verdict) {
                    let sentence = format!("{} conflicts with {}: {}", own.title(), other.title(), clash.why(own));
                    worst.insert(index, hop("listener", own.owner, own.listener.pointer.clone(), verdict, sentence));
                }
            }
        }
    }
    for (index, hop) in worst {
        if let Some(offer) = offers.get_mut(index) {
            offer.listener.hops.push(hop);
        }
    }
}

/// Why two listeners cannot be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clash {
    /// They are of one protocol, and hosts do not tell them apart.
    Same,
    /// One takes every connection of the port.
    Tcp,
    /// One takes HTTPS and the other TLS for the same host.
    HttpsAndTls,
    /// One takes clear text and the other TLS.
    ClearAndTls,
}

impl Clash {
    fn of(one: &Offer<'_>, other: &Offer<'_>) -> Option<Self> {
        use ListenerProtocol::{Http, Https, Other, Tcp, Tls, Udp};
        let (a, b) = (&one.listener, &other.listener);
        if a.port != b.port || a.port == 0 {
            return None;
        }
        match (&one.record.protocol, &other.record.protocol) {
            (Other(_), _) | (_, Other(_)) => None,
            (Udp, Udp) | (Tcp, Tcp) => Some(Self::Same),
            (Udp, _) | (_, Udp) => None,
            (Tcp, _) | (_, Tcp) => Some(Self::Tcp),
            (Http, Http) | (Https, Https) | (Tls, Tls) => (a.host == b.host).then_some(Self::Same),
            (Https, Tls) | (Tls, Https) => (a.host == b.host).then_some(Self::HttpsAndTls),
            (Http, Https | Tls) | (Https | Tls, Http) => Some(Self::ClearAndTls),
        }
    }

    /// `depends` where the API leaves it to the implementation ("Compatible Listeners").
    const fn verdict(self) -> Verdict {
        match self {
            Self::Same | Self::Tcp => Verdict::Denied,
            Self::HttpsAndTls | Self::ClearAndTls => Verdict::Depends,
        }
    }

    fn why(self, offer: &Offer<'_>) -> String {
        let (port, protocol) = (offer.listener.port, offer.record.protocol.name());
        let host = hosts::shown(&offer.listener.host);
        match self {
            Self::Same if matches!(offer.listener.speaks, Speaks::Tcp | Speaks::Udp) => format!("both take {protocol} on port {port}"),
            Self::Same => format!("both take {protocol} for {host} on port {port}"),
            Self::Tcp => format!("one of them is of protocol TCP, and takes every connection to port {port}"),
            Self::HttpsAndTls => format!("one takes HTTPS and the other TLS for {host} on port {port}"),
            Self::ClearAndTls => format!("on port {port} one takes clear text and the other TLS, which few controllers can serve"),
        }
    }
}
