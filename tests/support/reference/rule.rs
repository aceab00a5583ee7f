//! What policies of every kind come down to: whom they select, and rules with peers and ports.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::cluster::{Cluster, Pod};
use super::matching::Block;
use super::{Direction, End, Port, World};

/// The tiers, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Admin,
    NetworkPolicy,
    Baseline,
}

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

/// A policy of any kind.
#[derive(Debug)]
pub(super) struct Policy {
    /// Kind, namespace and name; a cluster's policies are in no namespace.
    pub(super) key: (String, String, String),
    pub(super) tier: Tier,
    /// Lower ones first within a tier. Policies of equal rank may be asked in any order.
    pub(super) rank: i64,
    /// By pod.
    pub(super) isolates_ingress: Vec<bool>,
    /// By pod.
    pub(super) isolates_egress: Vec<bool>,
    pub(super) ingress: Vec<Rule>,
    pub(super) egress: Vec<Rule>,
}

impl Policy {
    pub(super) fn selects(&self, pod: usize, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.isolates_ingress[pod],
            Direction::Egress => self.isolates_egress[pod],
        }
    }

    pub(super) fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

/// A rule of a policy.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) action: Action,
    /// `None` for everyone.
    pub(super) peers: Option<Vec<Peer>>,
    /// `None` for all of them.
    pub(super) ports: Option<Vec<PortTest>>,
}

/// One peer of a rule. What the API would refuse is left out of the list that this stands in.
#[derive(Debug)]
pub(super) enum Peer {
    /// Pods that selectors match, by the subject's pod and then the peer's.
    Pods {
        selected: Vec<Vec<bool>>,
        /// Whether a pod on its node's network may be selected; NetworkPolicy leaves that undefined.
        may_be_node: bool,
    },
    /// `ipBlock`.
    IpBlock { block: Block, except: Vec<Block> },
    /// `networks`.
    Networks(Vec<Block>),
    /// `nodes`.
    Nodes {
        /// Those that have an object and match.
        names: BTreeSet<String>,
        /// The addresses of those.
        addresses: BTreeSet<IpAddr>,
        /// Whether every node matches, whatever its labels.
        is_every: bool,
    },
    /// `domainNames`.
    DomainNames,
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

impl Rule {
    /// Whether the other end is one of the peers, at this address, in this world.
    pub(super) fn matches_peer(&self, cluster: &Cluster, subject: usize, other: End, address: IpAddr, world: World) -> Match {
        let Some(peers) = &self.peers else { return Match::Yes };
        peers.iter().map(|peer| peer.matches(cluster, subject, other, address, world)).max().unwrap_or(Match::No)
    }

    /// Whether a port of the destination is one of the ports.
    pub(super) fn matches_port(&self, destination: Option<&Pod>, port: Port) -> bool {
        self.ports.as_ref().is_none_or(|ports| ports.iter().any(|test| test.matches(destination, port)))
    }
}

impl Peer {
    fn matches(&self, cluster: &Cluster, subject: usize, other: End, address: IpAddr, world: World) -> Match {
        match (self, other) {
            (Self::Pods { selected, may_be_node }, End::Pod(pod)) => {
                let counts = !cluster.pods[pod].is_node || (*may_be_node && world.selectors_match_host_pods);
                Match::from(counts && selected[subject][pod])
            }
            (Self::Pods { .. }, End::Address(_)) => Match::No,
            (Self::IpBlock { block, except }, _) => {
                let counts = !cluster.is_ordinary_pod(other) || world.blocks_hold_pods;
                Match::from(counts && block.holds(address) && !except.iter().any(|hole| hole.holds(address)))
            }
            (Self::Networks(blocks), _) => {
                let counts = !cluster.is_ordinary_pod(other) || world.networks_hold_pods;
                Match::from(counts && blocks.iter().any(|block| block.holds(address)))
            }
            (Self::Nodes { addresses, .. }, End::Address(address)) => Match::from(addresses.contains(&address)),
            (Self::Nodes { names, is_every, .. }, End::Pod(pod)) => {
                let pod = &cluster.pods[pod];
                let is_known = cluster.nodes.iter().any(|node| node.name == pod.node);
                match (pod.is_node, is_known) {
                    (false, _) => Match::No,
                    (true, _) if *is_every => Match::Yes,
                    (true, true) => Match::from(names.contains(&pod.node)),
                    // Nobody knows the labels of a node that has no object.
                    (true, false) => Match::Maybe,
                }
            }
            // Nobody knows what a name resolves to; but it is nothing in the cluster.
            (Self::DomainNames, End::Address(_)) => Match::Maybe,
            (Self::DomainNames, End::Pod(_)) => Match::No,
        }
    }
}

/// One item of a rule's ports.
#[derive(Debug)]
pub(super) enum PortTest {
    /// Every port of a protocol.
    Protocol(String),
    /// A first and a last port of a protocol.
    Range(String, u64, u64),
    /// A container port by its name, of a certain protocol (NetworkPolicy).
    NameOfProtocol(String, String),
    /// A container port by its name; the protocol is the pod's. Nodes have no such names.
    Name(String),
}

impl PortTest {
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
            Self::Name(name) => destination.is_some_and(|pod| !pod.is_node) && is_named(name),
        }
    }
}
