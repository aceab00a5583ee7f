//! What policies of every kind come down to: whom they select, and rules with peers and ports.

use std::net::IpAddr;

use super::cluster::Pod;
use super::peer::{At, Peer, Term};
use super::{Direction, Port};

/// What a rule does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Lets it through for good.
    Allow,
    /// Keeps it out for good.
    Deny,
    /// Leaves it to the next tier.
    Pass,
}

/// Whether something matches, as far as can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    Maybe,
    Yes,
}

impl From<bool> for Match {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

impl Match {
    pub(super) fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// A policy of any kind, or one of several parts of it that each select pods of their own.
#[derive(Debug)]
pub(super) struct Policy {
    /// Group and kind, namespace, and name; a cluster's policies are in no namespace.
    pub(super) key: (String, String, String),
    /// Which of the tiers it stands in.
    pub(super) tier: usize,
    /// Lower ones first within a first-match tier. Policies of equal rank may be asked in any order.
    pub(super) rank: i64,
    pub(super) ingress: Side,
    pub(super) egress: Side,
}

/// What a policy says of one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// By pod: whether it is for it.
    pub(super) selects: Vec<Match>,
    /// Whether, in a union tier, it keeps from its pods what nothing allows.
    pub(super) isolates: bool,
    pub(super) rules: Vec<Rule>,
}

impl Side {
    /// One that keeps from its pods what nothing allows.
    pub(super) fn isolating(selects: impl IntoIterator<Item = bool>, rules: Vec<Rule>) -> Self {
        Self { selects: selects.into_iter().map(Match::from).collect(), isolates: true, rules }
    }
}

impl Policy {
    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    pub(super) fn selects(&self, pod: usize, direction: Direction) -> Match {
        self.side(direction).selects.get(pod).copied().unwrap_or(Match::No)
    }
}

/// A rule of a policy.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Its place in the object.
    pub(super) pointer: String,
    pub(super) action: Action,
    /// `None` for everyone.
    pub(super) peers: Option<Vec<Peer>>,
    /// What the subject itself must be besides.
    pub(super) own: Vec<Term>,
    /// `None` for all of them.
    pub(super) ports: Option<Vec<PortTest>>,
    /// None of these.
    pub(super) not_ports: Vec<PortTest>,
    /// Whether something must hold besides that nobody can tell here: what layers above ports ask for, or the port of the source.
    pub(super) is_conditional: bool,
    /// The names whose lookups it shows to a proxy.
    pub(super) lookups: Vec<super::peer::Pattern>,
}

impl Rule {
    /// A rule of peers and ports, without anything besides.
    pub(super) fn new(pointer: String, action: Action, peers: Option<Vec<Peer>>, ports: Option<Vec<PortTest>>) -> Self {
        let nothing = (Vec::new(), Vec::new(), Vec::new());
        Self { pointer, action, peers, ports, own: nothing.0, not_ports: nothing.1, lookups: nothing.2, is_conditional: false }
    }

    /// Whether a pointer is to the rule or to something within.
    pub(super) fn is_at(&self, pointer: &str) -> bool {
        pointer.strip_prefix(&self.pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether the other end is one of the peers, and the subject what it must be.
    pub(super) fn matches_peer(&self, at: &At<'_>, own_addresses: &[IpAddr]) -> Match {
        let own = own_addresses.iter().map(|own| Term::all(&self.own, &at.of_subject(*own)));
        let own = own.collect::<std::collections::BTreeSet<_>>();
        let own = if own.len() == 1 || self.own.is_empty() { own.first().copied().unwrap_or(Match::Yes) } else { Match::Maybe };
        let peers = match &self.peers {
            None => Match::Yes,
            Some(peers) => peers.iter().map(|peer| peer.matches(at)).max().unwrap_or(Match::No),
        };
        let condition = if self.is_conditional { Match::Maybe } else { Match::Yes };
        own.min(peers).min(condition)
    }

    /// Whether a port of the destination is one of the ports.
    pub(super) fn matches_port(&self, destination: Option<&Pod>, port: Port) -> bool {
        self.ports.as_ref().is_none_or(|ports| ports.iter().any(|test| test.matches(destination, port)))
            && !self.not_ports.iter().any(|test| test.matches(destination, port))
    }
}

/// One item of a rule's ports.
#[derive(Debug, Clone)]
pub(super) enum PortTest {
    /// Every port of a protocol.
    Protocol(String),
    /// A first and a last port of a protocol.
    Range(String, u64, u64),
    /// A container port by its name, of a certain protocol (NetworkPolicy).
    NameOfProtocol(String, String),
    /// A container port by its name; the protocol is the pod's, or this one. Nodes have no such names.
    Name(String, Option<String>),
}

impl PortTest {
    /// Whether both are the same range of the same protocol.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(a, first, last), Self::Range(b, other_first, other_last)) => (a, first, last) == (b, other_first, other_last),
            _ => false,
        }
    }

    fn matches(&self, destination: Option<&Pod>, (protocol, number): Port) -> bool {
        let number = u64::from(number);
        let is_named = |wanted: &str| {
            let ports = destination.into_iter().flat_map(|pod| &pod.ports);
            ports.filter(|(_, other, of)| other == protocol && *of == number).any(|(name, ..)| name == wanted)
        };
        match self {
            Self::Protocol(wanted) => wanted == protocol,
            Self::Range(wanted, first, last) => wanted == protocol && (*first..=*last).contains(&number),
            Self::NameOfProtocol(name, wanted) => wanted == protocol && is_named(name),
            Self::Name(name, wanted) => {
                let is_protocol = wanted.as_deref().is_none_or(|wanted| wanted == protocol);
                is_protocol && destination.is_some_and(|pod| !pod.is_node) && is_named(name)
            }
        }
    }
}
