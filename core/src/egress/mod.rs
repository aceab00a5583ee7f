//! The ways out: through which node or gateway what leaves the cluster goes, and as which address it arrives.
//!
//! Policies say where a pod may go ([`crate::reachability`]); this says how it gets there. A route is for some destinations outside; of
//! those of one pod that are for the same destination, the first one is taken.

pub(crate) mod dns;
mod mesh;
mod routes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Hop};
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::{Peer, Verdict};
use crate::policy::DomainPattern;
use crate::record::Record;

/// How something leaves the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EgressRoute {
    /// What kind of route it is.
    pub kind: RouteKind,
    /// The object that says so; `None` for the node's own address, and for what a person has noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectKey>,
    /// The field of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// What it is for: ranges outside and domains. Empty for everything outside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Peer>,
    /// What it goes through, in order: nodes, and workloads of gateways. Empty where nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Via>,
    /// The addresses as which it may arrive, one of them at a time; empty where nobody knows.
    #[serde(rename = "as", skip_serializing_if = "Vec::is_empty")]
    pub leaves_as: Vec<IpAddr>,
    /// Whether it is taken: never `denied`, but for a route that leads nowhere, as one without a gateway does.
    pub verdict: Verdict,
    /// What that hangs on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
    /// One sentence, without a full stop.
    pub sentence: String,
}

/// What kind of route it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// From the node that the pod runs on, as its address.
    Node,
    /// As an address that is kept for certain pods (OVN-Kubernetes' EgressIP).
    EgressIp,
    /// Through a node or pods that are kept for leaving (Cilium's and Calico's egress gateways).
    EgressGateway,
    /// As the address of a Service that the pod is behind (OVN-Kubernetes' EgressService).
    EgressService,
    /// Through a gateway of the mesh (Istio's).
    MeshGateway,
    /// Through a translation of addresses outside the cluster, which a person has noted.
    Nat,
}

impl RouteKind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Node => "the node's own address",
            Self::EgressIp => "egress address",
            Self::EgressGateway => "egress gateway",
            Self::EgressService => "address of a Service",
            Self::MeshGateway => "egress gateway of the mesh",
            Self::Nat => "NAT",
        }
    }
}

/// What a route goes through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Via {
    /// A node.
    Node {
        /// Its name.
        name: SmolStr,
    },
    /// The pods of a gateway.
    Workload {
        /// The workload.
        peer: Peer,
    },
    /// What a person has noted: a NAT gateway.
    Nat {
        /// The note; empty where only an address was given.
        note: SmolStr,
    },
}

impl fmt::Display for Via {
    /// `node worker-1`, `egress/gateway[Deployment]`, `NAT`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { name } => write!(f, "node {name}"),
            Self::Workload { peer } => write!(f, "{peer}"),
            Self::Nat { note } if note.is_empty() => f.write_str("NAT"),
            Self::Nat { note } => write!(f, "NAT {note}"),
        }
    }
}

/// What a person knows of the network around the cluster, and no object says: `203.0.113.7`, or `203.0.113.7,203.0.113.8 the office's NAT`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NatNote {
    /// As which addresses what leaves the cluster arrives.
    pub addresses: Vec<IpAddr>,
    /// A word on it; may be empty.
    pub note: SmolStr,
}

impl NatNote {
    /// Reads `203.0.113.7`, or several addresses with commas between them, and what is said of them after a space.
    ///
    /// # Errors
    /// A sentence on what is no address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (addresses, note) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let read = |text: &str| {
            text.parse::<IpAddr>().map_err(|_| format!("{text:?} is not an address; give 203.0.113.7, or 203.0.113.7,203.0.113.8"))
        };
        let addresses = addresses.split(',').filter(|text| !text.is_empty()).map(read).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() && !note.is_empty() {
            return Err("an address must come before the note".to_owned());
        }
        Ok(Self { addresses, note: note.trim().into() })
    }
}

impl fmt::Display for NatNote {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        f.write_str(&addresses.join(","))?;
        if self.note.is_empty() { Ok(()) } else { write!(f, " {}", self.note) }
    }
}

impl EgressRoute {
    /// A route of a kind of which nothing else is said yet.
    fn of(kind: RouteKind) -> Self {
        Self {
            kind,
            object: None,
            pointer: String::new(),
            destinations: Vec::new(),
            through: Vec::new(),
            leaves_as: Vec::new(),
            verdict: Verdict::Allowed,
            depends: Vec::new(),
            sentence: String::new(),
        }
    }

    /// It hangs on something.
    fn hang_on(&mut self, what: String) {
        if self.verdict == Verdict::Allowed {
            self.verdict = Verdict::Depends;
        }
        self.depends.push(what);
    }

    /// As a step of a way, with all that it hangs on. Where it leads is not what policies let through, so that nothing of that depends on
    /// it, unless it leads nowhere.
    pub fn as_hop(&self) -> Hop {
        let verdict = if self.verdict == Verdict::Denied { Verdict::Denied } else { Verdict::Allowed };
        let sentence = if self.depends.is_empty() {
            self.sentence.clone()
        } else {
            format!("{}; it depends on {}", self.sentence, self.depends.join(", and on "))
        };
        Hop { kind: "egress-route", object: self.object.clone(), pointer: self.pointer.clone(), verdict, sentence }
    }

    /// Whether it is no more than the plain way from the pod's own node.
    pub fn is_plain(&self) -> bool {
        self.kind == RouteKind::Node
    }

    /// Whether it may be taken to some end outside: `None` where that hangs on which address a name resolves to, or an end is.
    pub fn leads_to(&self, end: &Peer) -> Option<bool> {
        if self.destinations.is_empty() {
            return Some(true);
        }
        let is_one = |destination: &Peer| match (destination, end) {
            (Peer::Domain { pattern }, Peer::Domain { pattern: asked }) => {
                let (pattern, asked) = (DomainPattern::of_name(pattern), DomainPattern::of_name(asked));
                if pattern.covers(&asked) {
                    Some(true)
                } else if pattern.overlaps(&asked) {
                    None
                } else {
                    Some(false)
                }
            }
            (Peer::Range { .. }, Peer::Range { .. }) => {
                let (own, asked) = (destination.as_range()?, end.as_range()?);
                let holds = own.family == asked.family && own.first <= asked.first && asked.last <= own.last;
                let misses = own.family != asked.family || own.last < asked.first || asked.last < own.first;
                if holds {
                    Some(true)
                } else if misses {
                    Some(false)
                } else {
                    None
                }
            }
            // All addresses of a family hold whatever a name resolves to there; what else a name resolves to is not known.
            (Peer::Range { .. }, _) => destination.as_range().filter(|range| range.is_all()).map(|_| true),
            _ => Some(false),
        };
        let mut answers = self.destinations.iter().map(is_one);
        let first = answers.next().unwrap_or(Some(false));
        answers.fold(first, |so_far, next| match (so_far, next) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            _ => Some(false),
        })
    }
}

impl Analysis {
    /// The routes of what leaves a pod for somewhere outside, the first that is for a destination first. The last one is for everything.
    pub fn egress_routes(&self, pod: PodId) -> Vec<EgressRoute> {
        routes::of_pod(self, pod)
    }

    /// The routes of what leaves a pod for one end outside: the first that certainly is for it, after those that may be.
    pub fn egress_routes_to(&self, pod: PodId, end: &Peer) -> Vec<EgressRoute> {
        let mut found = Vec::new();
        for route in self.egress_routes(pod) {
            match route.leads_to(end) {
                Some(false) => {}
                Some(true) => {
                    let is_taken = route.verdict != Verdict::Depends || route.is_plain();
                    found.push(route);
                    if is_taken {
                        break;
                    }
                }
                None => found.push(route),
            }
        }
        found
    }

    /// The routes of some pods but for the plain ones from their nodes: each once, in the order of pods.
    pub fn special_routes(&self, pods: &[PodId]) -> Vec<EgressRoute> {
        let mut routes: Vec<EgressRoute> = Vec::new();
        if !self.has_special_routes() {
            return routes;
        }
        for route in pods.iter().flat_map(|pod| self.egress_routes(*pod)).filter(|route| !route.is_plain()) {
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        routes
    }

    /// Whether anything says that some pod leaves otherwise than from its node.
    fn has_special_routes(&self) -> bool {
        *self.has_special_routes.get_or_init(|| self.finds_special_routes())
    }

    fn finds_special_routes(&self) -> bool {
        let snapshot = self.snapshot();
        let kinds = routes::KINDS.iter().chain([&Kind::VirtualService]);
        let is_annotated = |record: &Record| matches!(record, Record::Namespace(namespace) if namespace.egress.is_some());
        !snapshot.nat.addresses.is_empty()
            || kinds.into_iter().any(|kind| snapshot.count(*kind) > 0)
            || snapshot.records(Kind::Namespace).any(|(_, record)| is_annotated(record))
            || self.inventory().pods.iter().any(|pod| pod.record().egress.is_some())
    }

    /// The object that a pod is, or where it stands for a template that of the workload.
    fn pod_object(&self, pod: PodId) -> ObjectKey {
        let pod = self.inventory().pods.at(pod);
        pod.entry().key.clone()
    }
}

#[cfg(test)]
mod of_routes {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_is_written() {
        for text in ["203.0.113.7", "203.0.113.7,2001:db8::7", "203.0.113.7 the office"] {
            assert_eq!(NatNote::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(NatNote::parse("").unwrap(), NatNote::default());
        assert!(NatNote::parse("203.0.113").is_err() && NatNote::parse("the office").is_err());
    }

    #[test]
    fn a_route_leads_to_what_it_holds_and_perhaps_to_what_it_meets() {
        let range = |text: &str| {
            let net: ipnet::IpNet = text.parse().unwrap();
            Peer::Range { first: net.network(), last: net.broadcast() }
        };
        let domain = |text: &str| Peer::Domain { pattern: text.into() };
        let route =
            EgressRoute { destinations: vec![range("10.0.0.0/8"), domain("*.example")], ..EgressRoute::of(RouteKind::EgressGateway) };
        for (end, expected) in [
            (range("10.1.0.0/16"), Some(true)),
            (range("10.0.0.0/7"), None),
            (range("11.0.0.0/8"), Some(false)),
            (domain("a.example"), Some(true)),
            (domain("a.org"), None),
        ] {
            assert_eq!(route.leads_to(&end), expected, "{end}");
        }
        assert_eq!(EgressRoute::of(RouteKind::Node).leads_to(&domain("a.org")), Some(true));
        let all = EgressRoute { destinations: vec![range("0.0.0.0/0")], ..EgressRoute::of(RouteKind::EgressGateway) };
        assert_eq!(all.leads_to(&domain("a.org")), Some(true));
    }
}
