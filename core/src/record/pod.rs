//! Pods.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use internment::ArcIntern;
use smol_str::SmolStr;

use super::EgressAnnotations;
use crate::labels::{Facts, LabelSet};
use crate::ports::Protocol;

/// A pod (core/v1 `Pod`), or the representative of a workload's template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRecord {
    /// What it has in common with others of its template, held once.
    pub template: ArcIntern<PodTemplate>,
    /// Its addresses: none before it got one, two where the cluster is dual-stack.
    pub addresses: Addresses,
    /// Where it runs; empty while it is not scheduled.
    pub node: ArcIntern<str>,
    /// How far it is.
    pub phase: Phase,
    /// Whether its Ready condition holds. Representatives of templates are taken to be ready.
    pub ready: bool,
}

impl Default for PodRecord {
    fn default() -> Self {
        let template = ArcIntern::new(PodTemplate::default());
        Self { template, addresses: Addresses::default(), node: ArcIntern::from(""), phase: Phase::default(), ready: false }
    }
}

impl Deref for PodRecord {
    type Target = PodTemplate;

    fn deref(&self) -> &PodTemplate {
        &self.template
    }
}

/// What the pods of one template have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PodTemplate {
    /// Their labels.
    pub labels: LabelSet,
    /// What their containers declare.
    pub ports: Arc<[ContainerPort]>,
    /// What controls them.
    pub owner: Option<Owner>,
    /// Whether they share their node's network.
    pub host_network: bool,
    /// Their service account; empty where none is named, which is that of the name `default`.
    pub service_account: SmolStr,
    /// Whether a proxy of a mesh runs in them.
    pub proxy: Proxy,
    /// Through which pods they leave the cluster, where an annotation of Calico says so.
    pub egress: Option<Box<EgressAnnotations>>,
}

/// Whether a proxy of a service mesh runs in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proxy {
    /// Nobody knows: it may be put in when the pod is made.
    #[default]
    Unknown,
    /// It does.
    Present,
    /// It does not.
    Absent,
}

/// The key under which selectors find the service account of a pod. No label can have it.
pub const ACCOUNT_KEY: &str = "@service-account";

/// The key under which selectors find whether a proxy of a mesh runs in a pod, as `yes` or `no`; absent where nobody knows.
pub const PROXY_KEY: &str = "@mesh-proxy";

impl Facts for PodTemplate {
    fn fact(&self, key: &str) -> Option<&str> {
        // What is no label is seldom asked for.
        if !key.starts_with('@') {
            return self.labels.get(key);
        }
        match key {
            ACCOUNT_KEY => Some(self.account()),
            PROXY_KEY => self.has_proxy(),
            _ => None,
        }
    }
}

/// The addresses of a pod. Most have one, which lies here itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Addresses {
    /// None yet.
    #[default]
    None,
    /// One.
    One(IpAddr),
    /// More.
    Many(Box<[IpAddr]>),
}

impl Deref for Addresses {
    type Target = [IpAddr];

    fn deref(&self) -> &[IpAddr] {
        match self {
            Self::None => &[],
            Self::One(address) => std::slice::from_ref(address),
            Self::Many(addresses) => addresses,
        }
    }
}

impl FromIterator<IpAddr> for Addresses {
    /// What comes a second time is left out.
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        let mut distinct: Vec<IpAddr> = Vec::new();
        for address in addresses {
            if !distinct.contains(&address) {
                distinct.push(address);
            }
        }
        match distinct.as_slice() {
            [] => Self::None,
            [address] => Self::One(*address),
            _ => Self::Many(distinct.into()),
        }
    }
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
    pub host_port: Option<HostPort>,
}

/// A port of the node that leads to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The port.
    pub port: u16,
    /// On which of the node's addresses (`hostIP`).
    pub on: HostAddress,
}

/// On which of a node's addresses a port is: a word for each, since there is one for each port of each template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostAddress {
    /// All.
    All,
    /// One of them.
    One,
    /// That by which only the node itself reaches it.
    Loopback,
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

impl PodTemplate {
    /// The name of their service account.
    pub fn account(&self) -> &str {
        if self.service_account.is_empty() { "default" } else { &self.service_account }
    }

    fn has_proxy(&self) -> Option<&'static str> {
        match self.proxy {
            Proxy::Unknown => None,
            Proxy::Present => Some("yes"),
            Proxy::Absent => Some("no"),
        }
    }

    /// All that selectors can ask of them: labels, and what is no label.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().chain(self.others())
    }

    /// What selectors can ask of them that is no label.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = [(ACCOUNT_KEY, Some(self.account())), (PROXY_KEY, self.has_proxy())];
        others.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }

    /// The port number behind a name, for one protocol (networking/v1 `NetworkPolicyPort.port`: name and protocol must both fit).
    pub fn port_named(&self, name: &str, protocol: Protocol) -> Option<u16> {
        self.ports.iter().find(|port| port.name == name && port.protocol == protocol).map(|port| port.port)
    }
}
