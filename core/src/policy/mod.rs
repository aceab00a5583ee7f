//! The one representation that every dialect of policy compiles into: planes of tiers of policies of rules.
//!
//! A connection passes a plane if the tiers, asked in order, let it through; it passes altogether if every plane does, on both sides.
//! The engine knows this representation and no dialect's name. An object that nothing else decides about (a NetworkPolicy) is compiled on
//! arrival, in `intake`; what looks at other objects too (nodes, the labels of namespaces) is compiled here, for a whole snapshot.

mod calico;
mod cilium;
mod cluster_policy;
mod conflicts;
mod domain;
mod istio;
mod nodes;
mod ovn;
mod sight;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use conflicts::conflicts;
pub use domain::{DomainPattern, Wildcard};
use internment::ArcIntern;
use serde::Serialize;
pub(crate) use sight::Sight;
use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::assumptions::Assumptions;
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
    /// Whether it lets in whatever comes from the node that a pod runs on (NetworkPolicySpec.ingress of networking/v1, types.go).
    pub lets_own_node_in: bool,
    /// Its tiers, in the order in which they are asked. What no tier decides is allowed.
    pub tiers: Vec<Tier>,
}

/// An ordered stage of a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Its name in reasons: `NetworkPolicy`.
    pub name: SmolStr,
    /// How its policies come together.
    pub mode: TierMode,
    /// The kinds of its policies: where one of them may not be listed, more may be there.
    pub kinds: &'static [Kind],
    /// Those of its kinds whose objects were each compiled when they arrived, and lie in the snapshot. Each is for pods of its own namespace.
    pub on_arrival: &'static [Kind],
    /// The policies that were not: in the order in which they are asked where that matters.
    pub compiled: Vec<Arc<Policy>>,
}

impl Tier {
    /// Its policies: in the order in which they are asked where that matters, by name where not.
    pub fn policies<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Arc<Policy>> {
        let of_objects = self.on_arrival.iter().flat_map(|kind| snapshot.records(*kind)).filter_map(|(_, record)| record.policy());
        self.compiled.iter().chain(of_objects)
    }

    /// Those of its policies that may be for pods of a namespace, in the same order.
    pub(crate) fn policies_for<'a>(&'a self, snapshot: &'a Snapshot, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Policy>> {
        let entries = self.on_arrival.iter().flat_map(move |kind| snapshot.entries_in(*kind, namespace));
        self.compiled.iter().chain(entries.filter_map(|entry| entry.policy()))
    }
}

/// How the policies of a tier come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierMode {
    /// Deny rules win over allow rules; a pod that some policy isolates gets what is allowed and nothing else; others pass on.
    Union,
    /// The first rule that matches decides. Policies are asked by rank; which of two of equal rank comes first, nobody knows.
    FirstMatch(Rest),
}

/// What becomes of what no rule of a first-match tier matches, for a pod that some policy of the tier is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It is left to the next tier.
    Passes,
    /// It is denied.
    Denied,
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
    /// Whether, in a union tier, it keeps from its pods what nothing allows: for ingress and for egress. It does so only for a direction
    /// that it speaks of.
    pub isolates: [bool; 2],
    /// What it takes for the policy to be in force, in words that follow "if", where nobody can tell.
    pub condition: Option<Arc<str>>,
    /// What it looks at.
    pub(crate) sight: ArcIntern<Sight>,
}

impl Policy {
    /// A policy of these parts, which isolates.
    pub fn new(object: ObjectKey, rank: u32, subject: PodSelector, ingress: Option<Box<[Rule]>>, egress: Option<Box<[Rule]>>) -> Self {
        let sight = Sight::of(&subject, [&ingress, &egress].into_iter().flatten().flatten());
        Self { object, rank, subject, ingress, egress, isolates: [true, true], condition: None, sight: ArcIntern::new(sight) }
    }

    /// The rules of a direction; `None` where the policy does not speak of it.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// Where its rules of a direction stand in the object: `/spec/egress`; where it has none, the object's spec.
    pub fn place(&self, direction: Direction) -> String {
        let first = self.rules(direction).and_then(<[Rule]>::first).and_then(|rule| rule.pointer.rsplit_once('/'));
        first.map_or_else(|| "/spec".to_owned(), |(list, _)| list.to_owned())
    }

    /// Whether, in a union tier, it keeps from its pods what nothing allows.
    pub fn isolates(&self, direction: Direction) -> bool {
        let [ingress, egress] = self.isolates;
        match direction {
            Direction::Ingress => ingress && self.ingress.is_some(),
            Direction::Egress => egress && self.egress.is_some(),
        }
    }
}

/// Pods by namespace and labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodSelector {
    /// Which namespaces.
    pub namespaces: NamespaceScope,
    /// Which pods there, by their labels and by what else is known of them ([`crate::record::ACCOUNT_KEY`]).
    pub pods: Selector,
    /// What it is to pods on their node's network.
    pub host_network: HostNetwork,
}

impl PodSelector {
    /// Pods of these namespaces that are not on their node's network.
    pub const fn within(namespaces: NamespaceScope, pods: Selector) -> Self {
        Self { namespaces, pods, host_network: HostNetwork::LeftOut }
    }

    /// Every pod that is not on its node's network.
    pub fn everywhere() -> Self {
        Self::within(NamespaceScope::Matching(Selector::default()), Selector::default())
    }
}

/// What a selector is to pods on their node's network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostNetwork {
    /// What the assumption on such pods says.
    Assumed,
    /// They are left out by the text of the dialect, and not only by an assumption.
    LeftOut,
    /// It selects them and no others, on these nodes: the dialect takes a node's own network for one end.
    On(Arc<BTreeSet<SmolStr>>),
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
    /// What few rules have besides.
    pub terms: Option<Box<Terms>>,
}

/// What few rules have besides peers and ports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// What must hold besides for the rule to match, in words that follow "if": what layers above ports ask for, and what cannot be known.
    pub condition: Option<Arc<str>>,
    /// The names whose lookups it lets a proxy see, which learns addresses from the answers.
    pub lookups: Box<[DomainPattern]>,
}

impl Rule {
    /// A rule of these parts.
    pub fn new(pointer: impl Into<SmolStr>, action: Action, peers: Option<Vec<Peer>>, ports: Option<Vec<Port>>) -> Self {
        Self { pointer: pointer.into(), action, peers: peers.map(Into::into), ports: ports.map(Into::into), terms: None }
    }

    /// The same rule under a condition, in words that follow "if"; under both, where it has one already.
    #[must_use]
    pub fn under(mut self, condition: impl AsRef<str>) -> Self {
        let terms = self.terms.get_or_insert_default();
        terms.condition = Some(match &terms.condition {
            Some(known) => format!("{known} and {}", condition.as_ref()).into(),
            None => condition.as_ref().into(),
        });
        self
    }

    /// The same rule, which lets a proxy see lookups of these names.
    #[must_use]
    pub fn showing_lookups(mut self, names: Vec<DomainPattern>) -> Self {
        self.terms.get_or_insert_default().lookups = names.into();
        self
    }

    /// What must hold besides for it to match.
    pub fn condition(&self) -> Option<&Arc<str>> {
        self.terms.as_ref()?.condition.as_ref()
    }

    /// The names whose lookups it lets a proxy see.
    pub fn lookups(&self) -> &[DomainPattern] {
        self.terms.as_ref().map_or(&[], |terms| &terms.lookups)
    }
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
    /// Addresses.
    Block(BlockKind, AddressBlock),
    /// Nodes: their addresses, and pods on their network.
    Nodes(Box<NodePeer>),
    /// What names of domains resolve to.
    Domain(Box<DomainPeer>),
    /// Something with a name of its own.
    Entity(Box<EntityPeer>),
    /// Who meets all of these terms.
    All(Box<[Term]>),
}

/// Whom a block of addresses holds beside what is outside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockKind {
    /// Nodes; pods as the assumption on the `ipBlock` of a NetworkPolicy says.
    IpBlock,
    /// Nodes; pods as the assumption on the `networks` of a cluster-wide policy says.
    Network,
    /// Nodes and pods: whoever has the address.
    Anybody,
    /// Nodes, and no pods.
    NotPods,
    /// Neither. What compiles must take the addresses of nodes out of the block.
    Outside,
}

/// What names of domains resolve to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DomainPeer {
    /// The names.
    pub pattern: DomainPattern,
    /// Whether it is only what a proxy has learned from lookups that it saw: those that some rule shows it ([`Terms::lookups`]).
    pub is_learned: bool,
}

/// Something with a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityPeer {
    /// What it is.
    pub entity: Entity,
    /// Of the API server and of nodes: its addresses, IPv4 and IPv6. Of the world: the addresses of nodes, which are no part of it.
    pub blocks: [AddressBlock; 2],
}

/// What has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// Everything outside the cluster.
    World,
    /// The API server, wherever it runs: without addresses where nobody knows.
    ApiServer,
    /// The node that the subject runs on, and pods on its network.
    OwnNode,
    /// All nodes but that, and pods on their networks.
    OtherNodes,
}

impl Entity {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::ApiServer => "kube-apiserver",
            Self::OwnNode => "host",
            Self::OtherNodes => "remote-node",
        }
    }
}

/// One of several things that a peer must be at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term {
    /// Whether it must be none of these, and not one of them.
    pub is_negated: bool,
    /// Any of these.
    pub any: Box<[PeerKind]>,
}

impl PeerKind {
    /// Whoever is some of these and none of those. A list that is `None` asks for nothing.
    pub fn all(terms: Vec<Term>) -> Self {
        Self::All(terms.into())
    }

    /// The addresses that it stands for itself, where it stands for some: of one family, or of both.
    pub fn blocks(&self) -> &[AddressBlock] {
        match self {
            Self::Block(_, block) => std::slice::from_ref(block),
            Self::Nodes(nodes) => &nodes.blocks,
            Self::Entity(entity) => &entity.blocks,
            Self::Pods(_) | Self::Domain(_) | Self::All(_) => &[],
        }
    }

    /// It, or where it is several terms what is in them.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::All(terms) => terms.iter().flat_map(|term| &term.any).flat_map(Self::parts).collect(),
            one => vec![one],
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

/// The rank of policies that are compiled on arrival, where they stand in a first-match tier among others: those with a lower rank come
/// before them.
pub const RANK_ON_ARRIVAL: u32 = 1 << 31;

/// The planes of a snapshot, with the policies that look at more than their own object.
pub fn compile(snapshot: &Snapshot, assumptions: &Assumptions) -> Vec<Plane> {
    let [admin, baseline] = cluster_policy::compile(snapshot);
    let network_policies = Tier {
        name: NETWORK_POLICY.into(),
        mode: TierMode::Union,
        kinds: &[Kind::NetworkPolicy, Kind::CiliumNetworkPolicy, Kind::CiliumClusterwideNetworkPolicy],
        on_arrival: &[Kind::NetworkPolicy],
        compiled: cilium::compile(snapshot),
    };
    let cluster = calico::compile(snapshot, admin, network_policies, baseline);
    let firewall = ovn::compile(snapshot);
    let mesh = istio::compile(snapshot, assumptions);
    vec![
        Plane { name: "cluster", lets_own_node_in: true, tiers: cluster },
        Plane { name: "egress-firewall", lets_own_node_in: true, tiers: vec![firewall] },
        Plane { name: "mesh", lets_own_node_in: false, tiers: mesh },
    ]
}

/// The kinds that compiling looks at beside those of the tiers: where one of their objects changes, what is compiled may.
pub(crate) const LOOKED_AT: &[Kind] = &[
    Kind::Node,
    Kind::Namespace,
    Kind::ServiceAccount,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Gateway,
    Kind::CiliumCidrGroup,
    Kind::NetworkSet,
    Kind::GlobalNetworkSet,
    Kind::ServiceEntry,
];

/// The kinds whose objects make tiers, or make the policies of one come together otherwise.
pub(crate) const MAKING_TIERS: &[Kind] = &[Kind::CalicoTier, Kind::CalicoNetworkPolicy, Kind::GlobalNetworkPolicy];
