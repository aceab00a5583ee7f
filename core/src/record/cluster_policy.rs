//! The cluster-wide policies of the network-policy-api: ClusterNetworkPolicy (v1alpha2), AdminNetworkPolicy and
//! BaselineAdminNetworkPolicy (v1alpha1), validated and with the defaults filled in. Pointers say where in the object each part stands.

use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::ports::{PortSet, Protocol};

/// A cluster-wide policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicyRecord {
    /// Where it stands beside NetworkPolicies.
    pub tier: PolicyTier,
    /// Its place in the tier, from 0, asked first, to 1000; `None` for a BaselineAdminNetworkPolicy, of which there is one.
    pub priority: Option<u16>,
    /// The namespaces whose pods it is for.
    pub namespaces: Selector,
    /// Which pods there.
    pub pods: Selector,
    /// Its rules on what comes in, in order.
    pub ingress: Vec<ClusterPolicyRule>,
    /// Its rules on what goes out, in order.
    pub egress: Vec<ClusterPolicyRule>,
}

/// Where a cluster-wide policy stands beside NetworkPolicies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyTier {
    /// Before them.
    Admin,
    /// After them, where none selects the pod.
    Baseline,
}

/// What a rule of a cluster-wide policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// Lets it through; nothing else is asked. `Allow` in v1alpha1.
    Accept,
    /// Keeps it out; nothing else is asked.
    Deny,
    /// Leaves it to the next tier.
    Pass,
}

/// One rule: its action for any of its peers on any of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicyRule {
    /// Its place, for example `/spec/egress/0`.
    pub pointer: SmolStr,
    /// What it does.
    pub action: RuleAction,
    /// The other ends. `None` for every peer: so where a peer of a `Deny` or `Pass` rule is of a kind that nobody knows, as the API
    /// asks for ("fail closed").
    pub peers: Option<Vec<ClusterPolicyPeer>>,
    /// The ports; `None` for every port.
    pub ports: Option<Vec<ClusterPolicyPort>>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicyPeer {
    /// Its place, for example `/spec/egress/0/to/1` or `/spec/egress/0/to/1/networks/2`.
    pub pointer: SmolStr,
    /// Who it is.
    pub kind: ClusterPolicyPeerKind,
}

/// Who a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterPolicyPeerKind {
    /// Pods, those on their node's network left out.
    Pods {
        /// Of which namespaces.
        namespaces: NamespacePeers,
        /// Which pods there.
        pods: Selector,
    },
    /// Nodes, by their labels.
    Nodes(Selector),
    /// Addresses.
    Network(AddressBlock),
    /// The addresses that a domain name resolves to: `www.example.com`, or `*.example.com` for every name below it. Lower case,
    /// without a dot at its end.
    Domain(SmolStr),
}

/// Which namespaces a peer looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespacePeers {
    /// Those whose labels match.
    Matching(Selector),
    /// Those that have all of these labels, with the values of the subject's namespace (early v1alpha1).
    SameLabels(Vec<SmolStr>),
    /// Those that have all of these labels, at least one with another value than the subject's namespace (early v1alpha1).
    NotSameLabels(Vec<SmolStr>),
}

/// A port of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicyPort {
    /// Its place, for example `/spec/egress/0/protocols/1`.
    pub pointer: SmolStr,
    /// Which ports.
    pub port: ClusterPolicyPortMatch,
}

/// Which ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterPolicyPortMatch {
    /// These numbers.
    Set(PortSet),
    /// The container port of this name on the destination pod, of one protocol or of whichever it has.
    Name(Option<Protocol>, SmolStr),
}
