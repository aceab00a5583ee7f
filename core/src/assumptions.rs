//! Questions that real implementations answer differently: named, with a value for each profile, printed with every answer.

mod detect;
mod settings;
mod settled;

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;

pub use detect::{Detection, detect};
pub use settings::{Setting, assumption_behind, help};
pub use settled::Settled;

/// A set of values for every assumption, named after an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The API text and Kubernetes' own end-to-end tests.
    #[default]
    Upstream,
    /// Project Calico.
    Calico,
    /// Cilium.
    Cilium,
    /// OVN-Kubernetes.
    OvnKubernetes,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::Upstream, Self::Calico, Self::Cilium, Self::OvnKubernetes];

    /// The profile of a name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Calico => "calico",
            Self::Cilium => "cilium",
            Self::OvnKubernetes => "ovn-kubernetes",
        }
    }
}

macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The names of all values, in the order in which they are offered.
            const VALUES: &'static [&'static str] = &[$($text),*];
            /// The value's name on the command line.
            pub const fn text(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
            /// The value of a name; what is known, where there is none such.
            fn parse(text: &str) -> Result<Self, String> {
                match text { $($text => Ok(Self::$variant),)* _ => Err([$($text),*].join(", ")) }
            }
        }
    };
}

setting! {
    /// Whether a block of addresses matches the address of a pod.
    BlocksSelectPods {
        /// A block holds pods as it holds any address.
        Yes = "yes",
        /// A block is for addresses outside the cluster only.
        No = "no",
        /// Nobody said: a verdict that hangs on it depends.
        Unsettled = "unsettled",
    }
}

setting! {
    /// What a pod with `hostNetwork` is to a policy. The documentation leaves it undefined.
    HostNetworkPods {
        /// A pod like any other.
        Ordinary = "ordinary",
        /// Its node: selectors pass it over, as subject and as peer.
        Node = "node",
        /// Not selected by policies; as the peer of a selector, it depends.
        Unsettled = "unsettled",
    }
}

setting! {
    /// Whether a policy can keep a pod from itself.
    SelfTraffic {
        /// A pod always reaches itself.
        Allowed = "allowed",
        /// Policies are asked, as for any other pod.
        Policy = "policy",
    }
}

setting! {
    /// What a pod is that has succeeded or failed.
    FinishedPods {
        /// Out of the network: its address may be another's.
        Absent = "absent",
        /// A pod like any other.
        Ordinary = "ordinary",
    }
}

setting! {
    /// Which addresses a pod may get whose address is not known (a workload in a manifest).
    UnknownPodAddresses {
        /// Private ones (RFC 1918, RFC 6598, RFC 4193): a block of public addresses does not hold it.
        Private = "private",
        /// Any.
        Any = "any",
    }
}

setting! {
    /// Whether the proxies of a mesh let out what goes to hosts that the mesh does not know, where no object says so
    /// (`outboundTrafficPolicy` of Istio's mesh configuration, which is no object that Portolan reads).
    MeshOutbound {
        /// Anything is let out: Istio's own default.
        AllowAny = "allow-any",
        /// Only what goes to known hosts.
        RegistryOnly = "registry-only",
        /// Nobody said: a verdict that hangs on it depends.
        Unsettled = "unsettled",
    }
}

/// The value of every assumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumptions {
    /// Where the values come from, as far as they are not set singly.
    pub profile: Profile,
    /// Whether the `ipBlock` of a NetworkPolicy matches the address of a pod. Kubernetes' e2e tests and Calico: yes; Cilium: no.
    pub ip_block_selects_pods: BlocksSelectPods,
    /// Whether `networks` of a cluster-wide policy match the address of a pod. The API's text and its conformance tests: yes.
    pub networks_select_pods: BlocksSelectPods,
    /// What a pod with `hostNetwork` is to a policy.
    pub host_network_pods: HostNetworkPods,
    /// Whether a policy can keep a pod from itself.
    pub self_traffic: SelfTraffic,
    /// What a pod is that has succeeded or failed.
    pub finished_pods: FinishedPods,
    /// Which addresses a pod may get whose address is not known.
    pub unknown_pod_addresses: UnknownPodAddresses,
    /// Whether the proxies of a mesh let out what goes to hosts that the mesh does not know.
    pub mesh_outbound: MeshOutbound,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self::of(Profile::Upstream)
    }
}

impl Assumptions {
    /// The values of a profile.
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            ip_block_selects_pods: match profile {
                Profile::Cilium => BlocksSelectPods::No,
                Profile::Upstream | Profile::Calico | Profile::OvnKubernetes => BlocksSelectPods::Yes,
            },
            networks_select_pods: match profile {
                Profile::Cilium => BlocksSelectPods::No,
                Profile::Upstream | Profile::Calico | Profile::OvnKubernetes => BlocksSelectPods::Yes,
            },
            host_network_pods: match profile {
                Profile::Upstream => HostNetworkPods::Unsettled,
                Profile::Calico | Profile::Cilium | Profile::OvnKubernetes => HostNetworkPods::Node,
            },
            self_traffic: SelfTraffic::Allowed,
            finished_pods: FinishedPods::Absent,
            unknown_pod_addresses: UnknownPodAddresses::Private,
            mesh_outbound: MeshOutbound::AllowAny,
        }
    }

    /// Sets one assumption by name.
    ///
    /// # Errors
    /// A sentence that names what is known, for an unknown name or value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let unknown = |known: String| format!("unknown value {value:?} of assumption {name}; known are {known}");
        match name {
            "ip-block-selects-pods" => self.ip_block_selects_pods = BlocksSelectPods::parse(value).map_err(unknown)?,
            "networks-select-pods" => self.networks_select_pods = BlocksSelectPods::parse(value).map_err(unknown)?,
            "host-network-pods" => self.host_network_pods = HostNetworkPods::parse(value).map_err(unknown)?,
            "self-traffic" => self.self_traffic = SelfTraffic::parse(value).map_err(unknown)?,
            "finished-pods" => self.finished_pods = FinishedPods::parse(value).map_err(unknown)?,
            "unknown-pod-addresses" => self.unknown_pod_addresses = UnknownPodAddresses::parse(value).map_err(unknown)?,
            "mesh-outbound" => self.mesh_outbound = MeshOutbound::parse(value).map_err(unknown)?,
            _ => {
                let known: Vec<&str> = self.list().into_iter().map(|(name, _)| name).collect();
                return Err(format!("unknown assumption {name:?}; known are {}", known.join(", ")));
            }
        }
        Ok(())
    }

    /// Every assumption by name, with its value.
    pub fn list(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("ip-block-selects-pods", self.ip_block_selects_pods.text()),
            ("networks-select-pods", self.networks_select_pods.text()),
            ("host-network-pods", self.host_network_pods.text()),
            ("self-traffic", self.self_traffic.text()),
            ("finished-pods", self.finished_pods.text()),
            ("unknown-pod-addresses", self.unknown_pod_addresses.text()),
            ("mesh-outbound", self.mesh_outbound.text()),
        ]
    }
}

impl Serialize for Assumptions {
    /// `{"ip-block-selects-pods":"yes",...}`; the profile stands beside it in every schema.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = self.list();
        let mut map = serializer.serialize_map(Some(list.len()))?;
        for (name, value) in list {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Something that a verdict hangs on and that nobody settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A block may hold a pod whose address is not known.
    UnknownAddress,
    /// Whether blocks match pods.
    IpBlockSelectsPods,
    /// Whether the networks of cluster-wide policies match pods.
    NetworksSelectPods,
    /// The labels of the node that a pod is on the network of, which has no object.
    UnknownNode,
    /// Whether one of the domains that a rule names resolves to the address.
    Resolves,
    /// Which of the names below a domain it is.
    DomainName,
    /// Which of two policies of equal priority is asked first.
    EqualPriority,
    /// Whether a proxy has learned the addresses of a domain: no rule shows it the lookups.
    Unlearned,
    /// Which node it is: the pod's own, or another.
    WhichNode,
    /// Whether it is the API server, whose addresses are not known.
    ApiServerAddress,
    /// A condition that a rule or a policy names and that nobody can answer here, in words.
    Condition(std::sync::Arc<str>),
    /// Whether a selector matches a pod on its node's network.
    HostNetworkPeer,
    /// Only one family of addresses is let through, and the pod has both.
    OneFamily,
    /// Traffic from a pod's own node is always let in; only some of the pods share the node.
    OwnNode,
    /// Objects of this kind may be there that the source may not see.
    Unseen(crate::object::Kind),
    /// Some of the pods behind a name are treated differently from others.
    SomePods,
    /// Which address outside it is decides: that of a client, or the one that a name resolves to.
    ResolvedAddress,
    /// The address that arrives at the pod is the client's or a node's, as the load balancer and kube-proxy make it.
    SourceAddress,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAddress => f.write_str("the address of the pod, which is not known: a block of addresses may hold it"),
            Self::IpBlockSelectsPods => f.write_str("the assumption ip-block-selects-pods: a block of addresses holds the pod"),
            Self::NetworksSelectPods => {
                f.write_str("the assumption networks-select-pods: a network of a cluster-wide policy holds the pod")
            }
            Self::UnknownNode => f.write_str("the labels of the pod's node, which are not known"),
            Self::Resolves => f.write_str("DNS: whether a domain that a rule names resolves to the address"),
            Self::DomainName => f.write_str("the domain name: a rule is for some of the names only"),
            Self::Unlearned => f.write_str("DNS: no rule lets the proxy see lookups of the name, from which it learns the addresses"),
            Self::WhichNode => f.write_str("the node: a rule is for the pod's own node only, or for all others"),
            Self::ApiServerAddress => f.write_str("the addresses of the API server, which are not known"),
            Self::Condition(words) => write!(f, "the condition that {words}"),
            Self::EqualPriority => f.write_str("the order of policies of equal priority, which is not defined"),
            Self::HostNetworkPeer => f.write_str("the assumption host-network-pods: the pod is on its node's network"),
            Self::OneFamily => f.write_str("the address family: only one of IPv4 and IPv6 is let through"),
            Self::OwnNode => f.write_str("the node: traffic from a pod's own node is always let in"),
            Self::Unseen(kind) => write!(f, "the permission to list {}, which is missing", kind.plural()),
            Self::SomePods => f.write_str("the pod: it holds for some of the pods and not for others"),
            Self::ResolvedAddress => f.write_str("the address outside that it turns out to be"),
            Self::SourceAddress => f.write_str("the source address that the pod sees: the client's, or that of a node on the way"),
        }
    }
}
