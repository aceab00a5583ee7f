//! Pods.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::labels::Labels;
use crate::ports::Protocol;

/// A pod (core/v1 `Pod`), or the representative of a workload's template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodRecord {
    /// Its labels.
    pub labels: Arc<Labels>,
    /// Its addresses: none before it got one, two where the cluster is dual-stack.
    pub addresses: SmallVec<[IpAddr; 1]>,
    /// What its containers declare.
    pub ports: Arc<[ContainerPort]>,
    /// What controls it.
    pub owner: Option<Owner>,
    /// Where it runs; empty while it is not scheduled.
    pub node: SmolStr,
    /// Whether it shares its node's network.
    pub host_network: bool,
    /// How far it is.
    pub phase: Phase,
    /// Its service account; empty where none is named.
    pub service_account: SmolStr,
    /// Whether its Ready condition holds. Representatives of templates are taken to be ready.
    pub ready: bool,
}

/// A port that a container declares.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    /// Its name; empty where it has none.
    pub name: SmolStr,
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// The port of the node that leads to it, if any.
    pub host_port: Option<u16>,
}

/// The controller named by an owner reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// Its kind, which may be one that Portolan does not read.
    pub kind: SmolStr,
    /// Its name, in the same namespace.
    pub name: SmolStr,
}

/// How far a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Accepted, running or unknown: it has a place in the network, or will have.
    #[default]
    Active,
    /// Succeeded or failed: its address may belong to another pod by now.
    Finished,
}

impl PodRecord {
    /// The port number behind a name, for one protocol (networking/v1 `NetworkPolicyPort.port`: name and protocol must both fit).
    pub fn port_named(&self, name: &str, protocol: Protocol) -> Option<u16> {
        self.ports.iter().find(|port| port.name == name && port.protocol == protocol).map(|port| port.port)
    }
}
