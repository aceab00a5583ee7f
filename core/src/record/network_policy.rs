//! NetworkPolicies (networking/v1), validated and with the defaults filled in. Pointers say where in the object each part stands.

use smol_str::SmolStr;

use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::ports::Protocol;

/// A NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkPolicyRecord {
    /// Which pods of its namespace it is for.
    pub pod_selector: Selector,
    /// Whether it isolates them for ingress.
    pub isolates_ingress: bool,
    /// Whether it isolates them for egress.
    pub isolates_egress: bool,
    /// What it lets in.
    pub ingress: Vec<PolicyRule>,
    /// What it lets out.
    pub egress: Vec<PolicyRule>,
}

/// One rule: any of its peers on any of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// Its place, for example `/spec/egress/0`.
    pub pointer: SmolStr,
    /// The other ends; `None` for every peer.
    pub peers: Option<Vec<PolicyPeer>>,
    /// The ports; `None` for every port.
    pub ports: Option<Vec<PolicyPort>>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPeer {
    /// Its place, for example `/spec/egress/0/to/1`.
    pub pointer: SmolStr,
    /// Who it is.
    pub kind: PolicyPeerKind,
}

/// Who a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyPeerKind {
    /// Pods, in the policy's own namespace where no namespace selector is given.
    Pods {
        /// Which namespaces; `None` for the policy's own.
        namespaces: Option<Selector>,
        /// Which pods there.
        pods: Selector,
    },
    /// Addresses.
    Block(AddressBlock),
}

/// A port of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPort {
    /// Its place, for example `/spec/egress/0/ports/1`.
    pub pointer: SmolStr,
    /// The protocol; TCP where the object names none.
    pub protocol: Protocol,
    /// Which ports of it.
    pub port: PolicyPortMatch,
}

/// Which ports of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyPortMatch {
    /// All.
    All,
    /// From the first to the last, both included.
    Range(u16, u16),
    /// The container port of this name on the destination pod.
    Name(SmolStr),
}
