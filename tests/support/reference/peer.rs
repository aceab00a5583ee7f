//! The other end of a rule: whether it is meant, at an address, in a world.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::cluster::Cluster;
use super::matching::Block;
use super::rule::Match;
use super::{End, World};

/// What a peer is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) subject: usize,
    pub(super) other: End,
    /// The address of the other end, or one that it may have.
    pub(super) address: IpAddr,
    pub(super) world: World,
    /// Of a name: whether a proxy sees the subject's lookups of it.
    pub(super) is_shown: bool,
}

impl At<'_> {
    /// The subject itself for the other end, at one of its addresses.
    pub(super) fn of_subject(&self, address: IpAddr) -> Self {
        Self { other: End::Pod(self.subject), address, ..*self }
    }
}

/// One peer of a rule. What the API would refuse is left out of the list that this stands in.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    /// Pods that selectors match, by the subject's pod and then the peer's.
    Pods {
        selected: Vec<Vec<bool>>,
        /// Whether a pod on its node's network may be selected; NetworkPolicy leaves that undefined.
        may_be_node: bool,
    },
    /// `ipBlock` of a NetworkPolicy.
    IpBlock { block: Block, except: Vec<Block> },
    /// `networks` of a cluster-wide policy.
    Networks(Vec<Block>),
    /// Blocks of a dialect whose text says whom they hold.
    Blocks(Holds, Vec<Block>),
    /// `nodes`.
    Nodes {
        /// Those that have an object and match.
        names: BTreeSet<String>,
        /// The addresses of those.
        addresses: BTreeSet<IpAddr>,
        /// Whether every node matches, whatever its labels.
        is_every: bool,
    },
    /// Names of domains.
    Names {
        patterns: Vec<Pattern>,
        /// Whether it is only what a proxy has learned from lookups that it saw.
        is_learned: bool,
    },
    /// Something with a name of its own.
    Entity(Entity),
    /// Whoever meets every term.
    All(Vec<Term>),
    /// Perhaps any of these: texts and implementations differ.
    Perhaps(Vec<Peer>),
}

/// Whom blocks hold beside what is outside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Whoever has the address.
    Anybody,
    /// Nodes, and no pods.
    NotPods,
    /// Neither.
    Outside,
}

/// What has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Everything,
    /// What is outside: neither pods nor nodes.
    World,
    /// Pods, nodes and the API server, wherever that runs.
    Cluster,
    /// The subject's own node, and pods on its network.
    Host,
    /// Other nodes, and pods on their networks.
    RemoteNode,
    /// All nodes, and pods on their networks.
    Nodes,
}

/// One of several things that a peer must be at once: one of these, or none of them.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) is_negated: bool,
    pub(super) any: Vec<Peer>,
}

impl Term {
    pub(super) fn all(terms: &[Self], at: &At<'_>) -> Match {
        let one = |term: &Self| {
            let any = term.any.iter().map(|peer| peer.matches(at)).max().unwrap_or(Match::No);
            if term.is_negated { any.negated() } else { any }
        };
        terms.iter().map(one).min().unwrap_or(Match::Yes)
    }
}

impl Peer {
    /// The blocks that it names.
    pub(super) fn blocks(&self) -> Vec<Block> {
        match self {
            Self::IpBlock { block, except } => std::iter::once(*block).chain(except.iter().copied()).collect(),
            Self::Networks(blocks) | Self::Blocks(_, blocks) => blocks.clone(),
            Self::All(terms) => terms.iter().flat_map(|term| &term.any).flat_map(Self::blocks).collect(),
            Self::Perhaps(peers) => peers.iter().flat_map(Self::blocks).collect(),
            Self::Pods { .. } | Self::Nodes { .. } | Self::Names { .. } | Self::Entity(_) => Vec::new(),
        }
    }

    pub(super) fn matches(&self, at: &At<'_>) -> Match {
        let At { cluster, other, address, world, .. } = *at;
        match (self, other) {
            (Self::Pods { selected, may_be_node }, End::Pod(pod)) => {
                let counts = !cluster.pods[pod].is_node || (*may_be_node && world.selectors_match_host_pods);
                Match::from(counts && selected[at.subject][pod])
            }
            (Self::Pods { .. }, End::Address(_) | End::Name(_)) => Match::No,
            (Self::IpBlock { block, except }, _) => {
                let counts = !cluster.is_ordinary_pod(other) || world.blocks_hold_pods;
                Match::from(counts && block.holds(address) && !except.iter().any(|hole| hole.holds(address)))
            }
            (Self::Networks(blocks), _) => {
                let counts = !cluster.is_ordinary_pod(other) || world.networks_hold_pods;
                Match::from(counts && blocks.iter().any(|block| block.holds(address)))
            }
            (Self::Blocks(holds, blocks), _) => {
                let counts = match holds {
                    Holds::Anybody => true,
                    Holds::NotPods => !cluster.is_ordinary_pod(other),
                    Holds::Outside => match other {
                        End::Pod(_) => false,
                        End::Address(_) | End::Name(_) => cluster.node_at(address).is_none(),
                    },
                };
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
            (Self::Nodes { .. }, End::Name(_)) => Match::No,
            // Nobody knows what a name resolves to; but it is nothing in the cluster.
            (Self::Names { patterns, .. }, End::Address(_)) => {
                if patterns.is_empty() {
                    Match::No
                } else {
                    Match::Maybe
                }
            }
            (Self::Names { .. }, End::Pod(_)) => Match::No,
            (Self::Names { patterns, is_learned }, End::Name(name)) => match patterns.iter().any(|pattern| pattern.matches(name)) {
                true if *is_learned && !at.is_shown => Match::Maybe,
                matched => Match::from(matched),
            },
            (Self::Entity(entity), _) => entity.matches(at),
            (Self::All(terms), _) => Term::all(terms, at),
            (Self::Perhaps(peers), _) => peers.iter().map(|peer| peer.matches(at)).max().unwrap_or(Match::No).min(Match::Maybe),
        }
    }
}

impl Entity {
    fn matches(self, at: &At<'_>) -> Match {
        // The name of the node that the other end is, where it is one; empty where nobody knows which.
        let node = match at.other {
            End::Pod(pod) => at.cluster.pods[pod].is_node.then(|| at.cluster.pods[pod].node.as_str()),
            End::Address(address) => at.cluster.node_at(address),
            End::Name(_) => None,
        };
        let is_pod = matches!(at.other, End::Pod(_));
        let own = at.cluster.pods[at.subject].node.as_str();
        let is_own = match node {
            None => Match::No,
            Some(node) if node.is_empty() || own.is_empty() => Match::Maybe,
            Some(node) => Match::from(node == own),
        };
        match self {
            Self::Everything => Match::Yes,
            Self::World => Match::from(!is_pod && node.is_none()),
            Self::Cluster if is_pod || node.is_some() => Match::Yes,
            Self::Cluster => match at.other {
                End::Address(_) if at.cluster.api_server.is_empty() => Match::Maybe,
                End::Address(address) => Match::from(at.cluster.api_server.contains(&address)),
                End::Pod(_) | End::Name(_) => Match::No,
            },
            Self::Nodes => Match::from(node.is_some()),
            Self::Host => is_own,
            Self::RemoteNode if node.is_none() => Match::No,
            Self::RemoteNode => is_own.negated(),
        }
    }
}

/// A pattern of names, and how far its `*` reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `*.` in front stands for one label or more.
    Labels(String),
    /// `*.` in front stands for one label.
    OneLabel(String),
    /// `*` stands for any characters of a label, `**.` in front for one label or more, a lone `*` for everything.
    Within(String),
    /// One name.
    Exact(String),
}

impl Pattern {
    pub(super) fn matches(&self, name: &str) -> bool {
        let plain = |name: &str| name.trim_end_matches('.').to_lowercase();
        let name = plain(name);
        match self {
            Self::Exact(pattern) => plain(pattern) == name,
            Self::Labels(pattern) => super::cluster_policy::domain_matches(pattern, &name),
            Self::OneLabel(pattern) => match pattern.strip_prefix("*.") {
                Some(rest) => name.split_once('.').is_some_and(|(first, others)| !first.is_empty() && others == plain(rest)),
                None => plain(pattern) == name,
            },
            Self::Within(pattern) if pattern == "*" => true,
            Self::Within(pattern) => match plain(pattern).strip_prefix("**.") {
                Some(rest) => name.match_indices('.').any(|(dot, _)| dot > 0 && is_like(rest, &name[dot + 1..])),
                None => is_like(&plain(pattern), &name),
            },
        }
    }
}

/// Whether a text is like a pattern in which `*` stands for any characters but dots.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            is_like(&pattern[1..], text)
                || text.chars().next().is_some_and(|first| first != '.' && is_like(pattern, &text[first.len_utf8()..]))
        }
        Some(first) => text.strip_prefix(first).is_some_and(|rest| is_like(&pattern[first.len_utf8()..], rest)),
    }
}
