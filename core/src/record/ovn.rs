//! OVN-Kubernetes: egress firewalls.

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::labels::Selector;
use crate::ports::PortSet;

/// An EgressFirewall (k8s.ovn.org/v1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressFirewallRecord {
    /// Its rules, in the order in which they are asked.
    pub rules: Vec<FirewallRule>,
}

/// A rule of an egress firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallRule {
    /// Its place: `/spec/egress/0`.
    pub pointer: SmolStr,
    /// Whether it lets through, and does not keep in.
    pub allows: bool,
    /// Where to; `None` where that could not be read.
    pub to: Option<FirewallDestination>,
    /// The ports; `None` for all.
    pub ports: Option<PortSet>,
}

/// Where a rule of an egress firewall is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirewallDestination {
    /// Addresses (`cidrSelector`).
    Block(IpNet),
    /// A name, or `*.` and a name (`dnsName`): lower case, without a dot at the end.
    Domain(SmolStr),
    /// Nodes (`nodeSelector`).
    Nodes(Selector),
}
