//! The one representation that every dialect of policy compiles into: planes of tiers of policies of rules.
//!
//! A connection passes a plane if the tiers, asked in order, let it through; it passes altogether if every plane does, on both sides.
//! The engine knows this representation and no dialect's name. An object that nothing else decides about (a NetworkPolicy) is compiled on
//! arrival, in `intake`; what looks at other objects too (nodes, the labels of namespaces) is compiled here, for a whole snapshot.

mod cluster_policy;
mod conflicts;
mod sight;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use conflicts::conflicts;
use internment::ArcIntern;
use serde::Serialize;
pub(crate) use sight::Sight;
use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::object::{Kind, ObjectKey};
use crate::ports::{PortSet, Protocol};
use crate::snapshot::Snapshot;

/// The name of the tier of NetworkPolicies.
pub(crate) const NETWORK_POLICY: &str = "NetworkPolicy";

/// Which way a connection is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Into the subject.
    Ingress,
    /// Out of the subject.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// `ingress` or `egress`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// An independent filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Its name in reasons: `cluster`.
    pub name: &'static str,
    /// Its tiers, in the order in which they are asked. What no tier decides is allowed.
    pub tiers: Vec<Tier>,
}

/// An ordered stage of a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Its name in reasons: `NetworkPolicy`.
    pub name: &'static str,
    /// How its policies come together.
    pub mode: TierMode,
    /// The kinds of its policies: where one of them may not be listed, more may be there.
    pub kinds: &'static [Kind],
    /// Its policies.
    pub policies: Policies,
}

/// Where the policies of a tier are.
#[derive(Debug, Clone, PartialEq)]
pub enum Policies {
    /// In the snapshot, one for each object of the tier's kinds, compiled when it arrived. Each is for pods of its own namespace.
    Objects,
    /// Here: in the order in which they are asked.
    Compiled(Vec<Arc<Policy>>),
}

impl Tier {
    /// Its policies: in the order in which they are asked where that matters, by name where not.
    pub fn policies<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Arc<Policy>> {
        let kinds = if self.policies == Policies::Objects { self.kinds } else { &[] };
        let of_objects = kinds.iter().flat_map(|kind| snapshot.records(*kind)).filter_map(|(_, record)| record.policy());
        self.compiled().iter().chain(of_objects)
    }

    /// Those of its policies that may be for pods of a namespace, in the same order.
    pub(crate) fn policies_for<'a>(&'a self, snapshot: &'a Snapshot, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Policy>> {
        let kinds = if self.policies == Policies::Objects { self.kinds } else { &[] };
        let entries = kinds.iter().flat_map(move |kind| snapshot.entries_in(*kind, namespace));
        self.compiled().iter().chain(entries.filter_map(|entry| entry.policy()))
    }

    /// Those of its policies that were not compiled on arrival.
    pub(crate) fn compiled(&self) -> &[Arc<Policy>] {
        match &self.policies {
            Policies::Objects => &[],
            Policies::Compiled(policies) => policies,
        }
    }
}

/// How the policies of a tier come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierMode {
    /// Deny rules win over allow rules; a pod that some policy isolates gets what is allowed and nothing else; others pass on.
    Union,
    /// The first rule that matches decides; what none matches passes on. Policies are asked by rank; which of two of equal rank comes
    /// first, nobody knows.
    FirstMatch,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Let it through.
    Allow,
    /// Keep it out.
    Deny,
    /// Leave it to the next tier.
    Pass,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The object that it comes from.
    pub object: ObjectKey,
    /// Its place in a first-match tier: lower is asked earlier.
    pub rank: u32,
    /// Whom it is for.
    pub subject: PodSelector,
    /// What it says of ingress; `None` where it does not speak of it.
    pub ingress: Option<Box<[Rule]>>,
    /// What it says of egress; `None` where it does not speak of it.
    pub egress: Option<Box<[Rule]>>,
    /// What it looks at.
    pub(crate) sight: ArcIntern<Sight>,
}

impl Policy {
    /// A policy of these parts.
    pub fn new(object: ObjectKey, rank: u32, subject: PodSelector, ingress: Option<Box<[Rule]>>, egress: Option<Box<[Rule]>>) -> Self {
        let sight = Sight::of(&subject, [&ingress, &egress].into_iter().flatten().flatten());
        Self { object, rank, subject, ingress, egress, sight: ArcIntern::new(sight) }
    }

    /// The rules of a direction; `None` where the policy does not speak of it.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

/// Pods by namespace and labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodSelector {
    /// Which namespaces.
    pub namespaces: NamespaceScope,
    /// Which pods there.
    pub pods: Selector,
    /// Whether pods on their node's network are left out by the text of the dialect, and not only by an assumption.
    pub skips_host_network: bool,
}

/// Which namespaces a selector looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamespaceScope {
    /// One.
    One(SmolStr),
    /// Those whose labels match; the empty selector matches all.
    Matching(Selector),
}

/// A rule: its action for any of its peers on any of its ports.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its place in the object.
    pub pointer: SmolStr,
    /// What it does.
    pub action: Action,
    /// The other ends; `None` for everything, inside and outside.
    pub peers: Option<Box<[Peer]>>,
    /// The ports; `None` for all.
    pub ports: Option<Box<[Port]>>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// Its place in the object.
    pub pointer: SmolStr,
    /// Who it is.
    pub kind: PeerKind,
}

/// Who a peer of a rule is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PeerKind {
    /// Pods.
    Pods(PodSelector),
    /// Addresses, as the `ipBlock` of a NetworkPolicy names them.
    Block(AddressBlock),
    /// Addresses, as the `networks` of a cluster-wide policy name them.
    Network(AddressBlock),
    /// Nodes: their addresses, and pods on their network.
    Nodes(Box<NodePeer>),
    /// What a domain name, or every name below one (`*.example.com`), resolves to.
    Domain(SmolStr),
}

impl PeerKind {
    /// The addresses that it stands for, where it stands for some: of one family, or of both.
    pub fn blocks(&self) -> &[AddressBlock] {
        match self {
            Self::Block(block) | Self::Network(block) => std::slice::from_ref(block),
            Self::Nodes(nodes) => &nodes.blocks,
            Self::Pods(_) | Self::Domain(_) => &[],
        }
    }
}

/// Nodes by their labels, as they were found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodePeer {
    /// What their labels must be.
    pub selector: Selector,
    /// Those that match, sorted.
    pub names: BTreeSet<SmolStr>,
    /// All whose labels are known.
    pub known: Arc<BTreeSet<SmolStr>>,
    /// The addresses of those that match, IPv4 and IPv6.
    pub blocks: [AddressBlock; 2],
}

/// Whether a pattern (`www.example.com`, or `*.example.com` for every name below it) covers a name, or every name of another pattern.
/// `*` stands for one label or more (v1alpha2 `DomainName`).
pub fn domain_covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        // `.example.com` ends `www.example.com` and `*.example.com`, and not `example.com`.
        Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
        None => pattern == name,
    }
}

/// A port of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its place in the object.
    pub pointer: SmolStr,
    /// What it matches.
    pub kind: PortKind,
}

/// What a port of a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// These numbers.
    Set(PortSet),
    /// The container port of this name on the destination pod, of one protocol or of whichever it has.
    Named(Option<Protocol>, SmolStr),
}

/// The planes of a snapshot, with the policies that look at more than their own object.
pub fn compile(snapshot: &Snapshot) -> Vec<Plane> {
    let [admin, baseline] = cluster_policy::compile(snapshot);
    let network_policies = Tier { name: NETWORK_POLICY, mode: TierMode::Union, kinds: &[Kind::NetworkPolicy], policies: Policies::Objects };
    vec![Plane { name: "cluster", tiers: vec![admin, network_policies, baseline] }]
}
