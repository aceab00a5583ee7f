//! Cilium: policies, and the blocks of addresses that they name. Validated and with the defaults filled in; pointers say where in the
//! object each part stands.

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::labels::{LabelSet, Operator, Selector};
use crate::policy::{DomainPattern, Port};

/// A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy (cilium.io/v2).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CiliumPolicyRecord {
    /// Its `spec`, and each of its `specs`.
    pub specs: Vec<CiliumSpec>,
    /// Whether Cilium refuses the policy as it is written. Then none of it is in force, unless another version takes it.
    pub is_refused: bool,
}

/// One `spec` of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct CiliumSpec {
    /// Whom it is for.
    pub subject: CiliumSubject,
    /// What it says of what comes in.
    pub ingress: CiliumSection,
    /// What it says of what goes out.
    pub egress: CiliumSection,
    /// What must be so for it to be in force, each in words that follow "if".
    pub conditions: Vec<SmolStr>,
}

/// Whom a policy is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiliumSubject {
    /// Endpoints: pods that are not on their node's network.
    Endpoints(CiliumSelector),
    /// Nodes.
    Nodes(Selector),
}

/// What a policy says of one direction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CiliumSection {
    /// Its rules, deny rules after the others.
    pub rules: Vec<CiliumRule>,
    /// Whether what no rule of any policy allows is denied (`enableDefaultDeny`, or that there are rules).
    pub denies_by_default: bool,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct CiliumRule {
    /// Its place, for example `/spec/egressDeny/0`.
    pub pointer: SmolStr,
    /// Whether it denies.
    pub is_deny: bool,
    /// The other ends; `None` for all.
    pub peers: Option<Vec<CiliumPeer>>,
    /// The ports, one list for each item of `toPorts`; `None` for all.
    pub ports: Option<Vec<CiliumPorts>>,
    /// What other ends must be besides (`fromRequires`, `toRequires`).
    pub requires: Vec<CiliumSelector>,
    /// Whether both ends must prove who they are (`authentication.mode`), in words that follow "if". Cilium asks for it on all that the
    /// rule is for, whichever other rules let that through too.
    pub authentication: Option<CiliumAuthentication>,
}

/// A demand for authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CiliumAuthentication {
    /// Both ends must authenticate each other.
    Required,
    /// The same, and it never succeeds.
    AlwaysFails,
}

/// An item of `toPorts`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CiliumPorts {
    /// The ports; `None` for all.
    pub ports: Option<Vec<Port>>,
    /// What must hold besides, in words that follow "if": what it asks of layers above.
    pub condition: Option<SmolStr>,
    /// The names whose lookups it lets the proxy see.
    pub lookups: Vec<DomainPattern>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct CiliumPeer {
    /// Its place, for example `/spec/egress/0/toCIDRSet/1`.
    pub pointer: SmolStr,
    /// Who it is.
    pub kind: CiliumPeerKind,
}

/// Who a peer is.
#[derive(Debug, Clone, PartialEq)]
pub enum CiliumPeerKind {
    /// Endpoints by their labels, or what has reserved labels.
    Endpoints(CiliumSelector),
    /// What has a name of its own.
    Entity(CiliumEntity),
    /// Addresses outside.
    Block(AddressBlock),
    /// The addresses of CiliumCIDRGroups, without these blocks.
    Groups(CidrGroups, Vec<IpNet>),
    /// Nodes by their labels.
    Nodes(Selector),
    /// What names resolve to.
    Domain(DomainPattern),
    /// What stands behind Services.
    Services(CiliumServices),
    /// Addresses outside that nobody can tell from the cluster's objects, in words that follow "if".
    Untold(SmolStr),
}

/// Which CiliumCIDRGroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CidrGroups {
    /// One by its name.
    Named(SmolStr),
    /// Some by their labels.
    Matching(Selector),
}

/// Which Services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiliumServices {
    /// Their namespace; empty for every one (`serviceRefMatches` of Cilium).
    pub namespace: SmolStr,
    /// Which there.
    pub which: ServicesBy,
}

/// How Services are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicesBy {
    /// By their name.
    Name(SmolStr),
    /// By their labels.
    Labels(Selector),
}

/// What has a name of its own in Cilium's policies (pkg/policy/api/entity.go).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CiliumEntity {
    /// Everything.
    All,
    /// Everything outside the cluster.
    World,
    /// The same, IPv4 only.
    WorldV4,
    /// The same, IPv6 only.
    WorldV6,
    /// Every endpoint and node of the cluster, and the API server.
    Cluster,
    /// The node that the subject is on.
    Host,
    /// Every other node.
    RemoteNode,
    /// The API server.
    ApiServer,
    /// What no object of a cluster stands for: endpoints that have no labels yet, Cilium's own probes, its proxy for ways in, endpoints
    /// that it does not manage; and `none`.
    Unseen,
}

impl CiliumEntity {
    /// The entity of a name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "world" => Self::World,
            "world-ipv4" => Self::WorldV4,
            "world-ipv6" => Self::WorldV6,
            "cluster" => Self::Cluster,
            "host" => Self::Host,
            "remote-node" => Self::RemoteNode,
            "kube-apiserver" => Self::ApiServer,
            "init" | "ingress" | "unmanaged" | "health" | "none" => Self::Unseen,
            _ => return None,
        })
    }
}

/// A selector of endpoints: everything that it asks for must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CiliumSelector {
    /// What it asks for.
    pub requirements: Vec<CiliumRequirement>,
}

/// One condition on an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiliumRequirement {
    /// What of it.
    pub key: CiliumKey,
    /// What is asked; lists of values are sorted.
    pub operator: Operator,
}

/// What of an identity a selector looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiliumKey {
    /// A label of the pod.
    Label(SmolStr),
    /// The name of its namespace (`io.kubernetes.pod.namespace`).
    Namespace,
    /// A label of its namespace (`io.cilium.k8s.namespace.labels.KEY`).
    NamespaceLabel(SmolStr),
    /// The name of its service account (`io.cilium.k8s.policy.serviceaccount`).
    Account,
    /// The name of its cluster (`io.cilium.k8s.policy.cluster`).
    Cluster,
    /// A reserved label: the name of an entity.
    Reserved(SmolStr),
    /// A label of another source, which no pod has: with its source.
    Foreign(SmolStr),
}

/// A CiliumCIDRGroup (cilium.io/v2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CidrGroupRecord {
    /// Its labels.
    pub labels: LabelSet,
    /// Its blocks.
    pub blocks: Vec<IpNet>,
}
