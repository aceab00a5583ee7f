//! Services and EndpointSlices.

use std::net::IpAddr;

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::address::Family;
use crate::labels::Selector;
use crate::ports::Protocol;

/// A Service (core/v1 `ServiceSpec`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRecord {
    /// Its type.
    pub service_type: ServiceType,
    /// Its addresses inside the cluster; none where it is headless or an ExternalName, or from manifests.
    pub cluster_ips: Vec<IpAddr>,
    /// Whether `clusterIP: None`.
    pub headless: bool,
    /// Which pods stand behind it. `None`: it has no selector, EndpointSlices written by someone else decide.
    pub selector: Option<Selector>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// The domain of an ExternalName Service.
    pub external_name: SmolStr,
    /// `spec.externalIPs`.
    pub external_ips: Vec<IpAddr>,
    /// Addresses that the load balancer got (`status.loadBalancer.ingress`).
    pub load_balancer: Vec<LoadBalancerAddress>,
    /// Client ranges that the load balancer admits; empty for all.
    pub source_ranges: Vec<IpNet>,
    /// Whether `externalTrafficPolicy: Local`, which keeps the client's address.
    pub external_traffic_local: bool,
    /// The families of its addresses (`spec.ipFamilies`); empty where it leaves them to the cluster.
    pub families: Vec<Family>,
    /// `spec.loadBalancerClass`: who makes the load balancer; empty for the cloud's own.
    pub load_balancer_class: SmolStr,
    /// Whether the load balancer speaks to nodes by its own address (`status.loadBalancer.ingress[].ipMode: Proxy`).
    pub load_balancer_proxies: bool,
    /// Whether pods that are not ready count as endpoints.
    pub publish_not_ready: bool,
}

impl ServiceRecord {
    /// The families of its addresses: as it says, else those of the addresses that it has; IPv4 where nothing tells.
    pub fn address_families(&self) -> Vec<Family> {
        let mut families = self.families.clone();
        if families.is_empty() {
            families = self.cluster_ips.iter().chain(&self.external_ips).map(|address| Family::of(*address)).collect();
        }
        families.sort_unstable();
        families.dedup();
        if families.is_empty() { vec![Family::V4] } else { families }
    }
}

/// The type of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceType {
    /// Reachable inside the cluster.
    #[default]
    ClusterIp,
    /// Also on a port of every node.
    NodePort,
    /// Also through a load balancer.
    LoadBalancer,
    /// An alias of a domain.
    ExternalName,
}

impl ServiceType {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
        }
    }
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name; empty where the Service has one port without a name.
    pub name: SmolStr,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the Service.
    pub port: u16,
    /// The port of the pods.
    pub target: TargetPort,
    /// The port of the nodes, if any.
    pub node_port: Option<u16>,
}

/// Where a Service's port leads on a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPort {
    /// This number.
    Number(u16),
    /// The container port of this name, which may differ from pod to pod.
    Name(SmolStr),
}

/// An address of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LoadBalancerAddress {
    /// An address.
    Ip(IpAddr),
    /// A host name.
    Hostname(SmolStr),
}

impl LoadBalancerAddress {
    /// The address, where it is one.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Hostname(_) => None,
        }
    }
}

impl std::fmt::Display for LoadBalancerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Hostname(name) => f.write_str(name),
        }
    }
}

/// An EndpointSlice (discovery/v1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointSliceRecord {
    /// The Service that it belongs to, from the label `kubernetes.io/service-name`; empty where it has none.
    pub service: SmolStr,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The ports of every endpoint.
    pub ports: Vec<EndpointPort>,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its addresses, of one family.
    pub addresses: Vec<IpAddr>,
    /// The pod behind it, in the slice's namespace; empty where it is none.
    pub pod: SmolStr,
    /// Whether it takes new connections; an absent condition counts as true (discovery/v1 `EndpointConditions`).
    pub ready: bool,
    /// Whether it still serves while it terminates.
    pub serving: bool,
    /// Whether it terminates.
    pub terminating: bool,
}

/// A port of all endpoints of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPort {
    /// The name of the Service's port that it belongs to.
    pub name: SmolStr,
    /// The protocol.
    pub protocol: Protocol,
    /// The number; `None` for all ports.
    pub port: Option<u16>,
}
