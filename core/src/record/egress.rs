//! Through which node or gateway traffic leaves, and as which address.

use std::net::IpAddr;

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::labels::Selector;

/// A CiliumEgressGatewayPolicy (cilium.io/v2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressGatewayRecord {
    /// Whose traffic, any of these.
    pub selectors: Vec<EgressSubject>,
    /// Where to.
    pub destinations: Vec<IpNet>,
    /// Where to it is left alone.
    pub excluded: Vec<IpNet>,
    /// The gateways; where there are several, each pod uses one of them.
    pub gateways: Vec<EgressGatewayNode>,
}

/// A node that is a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressGatewayNode {
    /// Its place: `/spec/egressGateway`.
    pub pointer: SmolStr,
    /// Which nodes; the first by name is taken.
    pub nodes: Selector,
    /// The address as which traffic leaves, where it is given.
    pub address: Option<IpAddr>,
    /// The interface whose address it is otherwise; empty for that of the default route.
    pub interface: SmolStr,
}

/// Pods by their own labels and those of their namespace, and by their node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressSubject {
    /// Their namespaces.
    pub namespaces: Selector,
    /// Their labels.
    pub pods: Selector,
    /// Their nodes.
    pub nodes: Selector,
}

/// An EgressIP (k8s.ovn.org/v1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressIpRecord {
    /// Whose traffic.
    pub subject: EgressSubject,
    /// The addresses that it asks for.
    pub addresses: Vec<IpAddr>,
    /// Which node has which of them: its status.
    pub assigned: Vec<(SmolStr, IpAddr)>,
}

/// An EgressService (k8s.ovn.org/v1): for the pods behind the Service of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressServiceRecord {
    /// Whether pods leave as the address of the Service's load balancer, and not as that of a network of the node.
    pub by_load_balancer: bool,
    /// Which nodes may be the one that traffic leaves through.
    pub nodes: Selector,
    /// The node of its status; empty where there is none, and where traffic leaves through any.
    pub host: SmolStr,
}

/// What an annotation of Calico says of egress gateways, on a namespace or a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EgressAnnotations {
    /// Which pods are the gateways (`egress.projectcalico.org/selector`); `None` where it cannot be read.
    pub gateways: Option<Selector>,
    /// In which namespaces they are (`egress.projectcalico.org/namespaceSelector`); `None` for the pod's own.
    pub namespaces: Option<Selector>,
    /// The EgressGatewayPolicy that is named instead, which is not read; empty for none.
    pub policy: SmolStr,
}
