//! Calico: policies, their tiers, and sets of networks (projectcalico.org/v3), validated and with the defaults filled in. Pointers say
//! where in the object each part stands.

use smol_str::SmolStr;

use crate::address::{AddressBlock, Family};
use crate::labels::{LabelSet, Selector};
use crate::policy::Action;
use crate::ports::PortSet;

/// The key under which Calico's selectors find the namespace of an endpoint.
pub const CALICO_NAMESPACE: &str = "projectcalico.org/namespace";
/// The key under which Calico's selectors find the service account of an endpoint.
pub const CALICO_ACCOUNT: &str = "projectcalico.org/serviceaccount";
/// The key under which Calico's selectors find what runs an endpoint.
pub const CALICO_ORCHESTRATOR: &str = "projectcalico.org/orchestrator";
/// The key under which Calico's selectors of namespaces and service accounts find their names.
pub const CALICO_NAME: &str = "projectcalico.org/name";
/// What stands before the labels of the namespace among those of an endpoint.
pub const NAMESPACE_PREFIX: &str = "pcns.";
/// What stands before the labels of the service account among those of an endpoint.
pub const ACCOUNT_PREFIX: &str = "pcsa.";
/// The key that what is in no namespace has, and nothing else: `global()` asks for it. No label can have it.
pub const GLOBAL_KEY: &str = "@global";

/// A NetworkPolicy or GlobalNetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalicoPolicyRecord {
    /// The tier that it is in.
    pub tier: SmolStr,
    /// Its place there.
    pub order: CalicoOrder,
    /// Whom it is for.
    pub subject: CalicoEndpoints,
    /// Its rules on what comes in; `None` where it does not speak of it.
    pub ingress: Option<Vec<CalicoRule>>,
    /// Its rules on what goes out; `None` where it does not speak of it.
    pub egress: Option<Vec<CalicoRule>>,
    /// Whether it may speak of both directions all the same: an object of `crd.projectcalico.org` that names no types was perhaps not
    /// given any by a server.
    pub may_speak_of_both: bool,
}

/// The place of a policy in its tier, or of a tier among others: lower is asked earlier, and what names none comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CalicoOrder(u64);

impl CalicoOrder {
    /// An order as it is written, or none.
    pub fn new(order: Option<f64>) -> Self {
        // The bits of floating-point numbers sort like the numbers once those of negative ones are turned round.
        let sorted = |bits: u64| if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        Self(order.map_or(u64::MAX, |order| sorted((order + 0.0).to_bits())))
    }
}

/// Endpoints by namespace and labels: pods, and sets of networks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CalicoEndpoints {
    /// Which namespaces.
    pub namespaces: CalicoNamespaces,
    /// Which endpoints there, by their labels and by those that Calico adds.
    pub labels: Selector,
}

/// Which namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CalicoNamespaces {
    /// Nothing is asked: all of them, and what is in none.
    Any,
    /// One.
    One(SmolStr),
    /// Those whose labels match, and what is in none if it matches.
    Matching(Selector),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalicoRule {
    /// Its place, for example `/spec/egress/0`.
    pub pointer: SmolStr,
    /// What it does.
    pub action: Action,
    /// The only family of addresses that it is for.
    pub family: Option<Family>,
    /// The ports of the protocols that it is for.
    pub protocols: PortSet,
    /// Where it comes from.
    pub source: CalicoEntity,
    /// Where it goes.
    pub destination: CalicoEntity,
    /// What must hold besides, in words that follow "if".
    pub conditions: Vec<SmolStr>,
}

/// One end of a rule: all that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalicoEntity {
    /// Its place, for example `/spec/egress/0/destination`.
    pub pointer: SmolStr,
    /// Endpoints.
    pub endpoints: Option<CalicoEndpoints>,
    /// What it is not, by labels, wherever it is.
    pub not_labels: Option<Selector>,
    /// Whether `endpoints` only keeps to the policy's namespace what `not_labels` leaves: so Calico does, and its text says otherwise.
    pub is_kept_to_namespace: bool,
    /// Addresses.
    pub nets: Option<Vec<AddressBlock>>,
    /// Addresses that it does not have.
    pub not_nets: Vec<AddressBlock>,
    /// Ports; `None` for all.
    pub ports: Option<Vec<CalicoPort>>,
    /// Ports that it is not.
    pub not_ports: Vec<CalicoPort>,
    /// The namespace and name of a Service whose endpoints it is.
    pub service: Option<(SmolStr, SmolStr)>,
    /// Names of domains.
    pub domains: Option<Vec<SmolStr>>,
}

/// A port of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalicoPort {
    /// From the first to the last.
    Range(u16, u16),
    /// By the name of a container port.
    Name(SmolStr),
}

/// A Tier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalicoTierRecord {
    /// Its place among the tiers.
    pub order: CalicoOrder,
    /// Whether what it is for and does not decide is left to the next tier, and not denied.
    pub passes: bool,
}

/// A NetworkSet or GlobalNetworkSet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSetRecord {
    /// Its labels.
    pub labels: LabelSet,
    /// Its addresses.
    pub nets: Vec<AddressBlock>,
    /// Its names of domains.
    pub domains: Vec<SmolStr>,
}
