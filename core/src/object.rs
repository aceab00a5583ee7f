//! Kubernetes objects as they arrive: kinds, keys, raw contents, and warnings about them.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use smol_str::SmolStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident, $group:literal, $version:literal, $kind:literal, $plural:literal, $namespaced:literal;)*) => {
        /// The kinds that Portolan reads. Anything else in a cluster or a manifest is passed over.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind, in the order in which listings show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The API group; empty for the core group.
            pub const fn group(self) -> &'static str { match self { $(Self::$variant => $group,)* } }
            /// The version that is asked of a server.
            pub const fn version(self) -> &'static str { match self { $(Self::$variant => $version,)* } }
            /// The name in an object's `kind` field.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $kind,)* } }
            /// The resource's name in a URL.
            pub const fn plural(self) -> &'static str { match self { $(Self::$variant => $plural,)* } }
            /// Whether its objects live in a namespace.
            pub const fn is_namespaced(self) -> bool { match self { $(Self::$variant => $namespaced,)* } }
        }
    };
}

kinds! {
    /// A namespace.
    Namespace, "", "v1", "Namespace", "namespaces", false;
    /// A node.
    Node, "", "v1", "Node", "nodes", false;
    /// A Deployment.
    Deployment, "apps", "v1", "Deployment", "deployments", true;
    /// A StatefulSet.
    StatefulSet, "apps", "v1", "StatefulSet", "statefulsets", true;
    /// A DaemonSet.
    DaemonSet, "apps", "v1", "DaemonSet", "daemonsets", true;
    /// A ReplicaSet.
    ReplicaSet, "apps", "v1", "ReplicaSet", "replicasets", true;
    /// A ReplicationController.
    ReplicationController, "", "v1", "ReplicationController", "replicationcontrollers", true;
    /// A CronJob.
    CronJob, "batch", "v1", "CronJob", "cronjobs", true;
    /// A Job.
    Job, "batch", "v1", "Job", "jobs", true;
    /// A service account.
    ServiceAccount, "", "v1", "ServiceAccount", "serviceaccounts", true;
    /// A pod.
    Pod, "", "v1", "Pod", "pods", true;
    /// A Service.
    Service, "", "v1", "Service", "services", true;
    /// An EndpointSlice.
    EndpointSlice, "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true;
    /// An IngressClass.
    IngressClass, "networking.k8s.io", "v1", "IngressClass", "ingressclasses", false;
    /// An Ingress.
    Ingress, "networking.k8s.io", "v1", "Ingress", "ingresses", true;
    /// A GatewayClass of Gateway API.
    GatewayClass, "gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", false;
    /// A Gateway of Gateway API.
    Gateway, "gateway.networking.k8s.io", "v1", "Gateway", "gateways", true;
    /// A ListenerSet of Gateway API.
    ListenerSet, "gateway.networking.k8s.io", "v1", "ListenerSet", "listenersets", true;
    /// A ListenerSet as it was in the experimental group.
    XListenerSet, "gateway.networking.x-k8s.io", "v1alpha1", "XListenerSet", "xlistenersets", true;
    /// An HTTPRoute of Gateway API.
    HttpRoute, "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", true;
    /// A GRPCRoute of Gateway API.
    GrpcRoute, "gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes", true;
    /// A TLSRoute of Gateway API.
    TlsRoute, "gateway.networking.k8s.io", "v1", "TLSRoute", "tlsroutes", true;
    /// A TCPRoute of Gateway API.
    TcpRoute, "gateway.networking.k8s.io", "v1alpha2", "TCPRoute", "tcproutes", true;
    /// A UDPRoute of Gateway API.
    UdpRoute, "gateway.networking.k8s.io", "v1alpha2", "UDPRoute", "udproutes", true;
    /// A ReferenceGrant of Gateway API.
    ReferenceGrant, "gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants", true;
    /// A BackendTLSPolicy of Gateway API.
    BackendTlsPolicy, "gateway.networking.k8s.io", "v1", "BackendTLSPolicy", "backendtlspolicies", true;
    /// A Route of OpenShift.
    OpenShiftRoute, "route.openshift.io", "v1", "Route", "routes", true;
    /// A Gateway of Istio.
    IstioGateway, "networking.istio.io", "v1", "Gateway", "gateways", true;
    /// A VirtualService of Istio.
    VirtualService, "networking.istio.io", "v1", "VirtualService", "virtualservices", true;
    /// A DestinationRule of Istio.
    DestinationRule, "networking.istio.io", "v1", "DestinationRule", "destinationrules", true;
    /// A NetworkPolicy of Kubernetes itself.
    NetworkPolicy, "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true;
    /// A ClusterNetworkPolicy of the network-policy-api.
    ClusterNetworkPolicy, "policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies", false;
    /// An AdminNetworkPolicy, one of the two forerunners of ClusterNetworkPolicy.
    AdminNetworkPolicy, "policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", false;
    /// A BaselineAdminNetworkPolicy, the other forerunner.
    BaselineAdminNetworkPolicy, "policy.networking.k8s.io", "v1alpha1", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", false;
    /// A NetworkPolicy of Cilium.
    CiliumNetworkPolicy, "cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies", true;
    /// A NetworkPolicy of Cilium for a whole cluster.
    CiliumClusterwideNetworkPolicy, "cilium.io", "v2", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", false;
    /// Blocks of addresses that policies of Cilium name.
    CiliumCidrGroup, "cilium.io", "v2", "CiliumCIDRGroup", "ciliumcidrgroups", false;
    /// Which traffic leaves through which gateway of Cilium.
    CiliumEgressGatewayPolicy, "cilium.io", "v2", "CiliumEgressGatewayPolicy", "ciliumegressgatewaypolicies", false;
    /// A tier of Calico.
    CalicoTier, "projectcalico.org", "v3", "Tier", "tiers", false;
    /// A NetworkPolicy of Calico.
    CalicoNetworkPolicy, "projectcalico.org", "v3", "NetworkPolicy", "networkpolicies", true;
    /// A NetworkPolicy of Calico for a whole cluster.
    GlobalNetworkPolicy, "projectcalico.org", "v3", "GlobalNetworkPolicy", "globalnetworkpolicies", false;
    /// Addresses and domains that policies of Calico select by labels, in one namespace.
    NetworkSet, "projectcalico.org", "v3", "NetworkSet", "networksets", true;
    /// Addresses and domains that policies of Calico select by labels.
    GlobalNetworkSet, "projectcalico.org", "v3", "GlobalNetworkSet", "globalnetworksets", false;
    /// A NetworkPolicy of Calico that is tried out and has no effect.
    StagedNetworkPolicy, "projectcalico.org", "v3", "StagedNetworkPolicy", "stagednetworkpolicies", true;
    /// A GlobalNetworkPolicy of Calico that is tried out and has no effect.
    StagedGlobalNetworkPolicy, "projectcalico.org", "v3", "StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies", false;
    /// A NetworkPolicy of Kubernetes that Calico tries out, and that has no effect.
    StagedKubernetesNetworkPolicy, "projectcalico.org", "v3", "StagedKubernetesNetworkPolicy", "stagedkubernetesnetworkpolicies", true;
    /// An AuthorizationPolicy of Istio.
    AuthorizationPolicy, "security.istio.io", "v1", "AuthorizationPolicy", "authorizationpolicies", true;
    /// A ServiceEntry of Istio: hosts outside that the mesh knows.
    ServiceEntry, "networking.istio.io", "v1", "ServiceEntry", "serviceentries", true;
    /// A Sidecar of Istio: what the proxies of a namespace let out.
    Sidecar, "networking.istio.io", "v1", "Sidecar", "sidecars", true;
    /// An EgressFirewall of OVN-Kubernetes.
    EgressFirewall, "k8s.ovn.org", "v1", "EgressFirewall", "egressfirewalls", true;
    /// An EgressIP of OVN-Kubernetes: as which addresses pods leave.
    EgressIp, "k8s.ovn.org", "v1", "EgressIP", "egressips", false;
    /// An EgressService of OVN-Kubernetes: pods that leave as their Service's address.
    EgressService, "k8s.ovn.org", "v1", "EgressService", "egressservices", true;
}

impl Kind {
    /// `v1`, or `group/version`.
    pub fn api_version(self) -> String {
        if self.group().is_empty() { self.version().to_owned() } else { format!("{}/{}", self.group(), self.version()) }
    }

    /// The groups under which a server may have the kind, the one by which it is known first.
    pub fn groups(self) -> impl Iterator<Item = &'static str> {
        let others = SAME_GROUP.iter().filter(move |(_, known)| *known == self.group()).map(|(other, _)| *other);
        std::iter::once(self.group()).chain(others)
    }

    /// The kind of an object with this `apiVersion` and `kind`, whatever the version within the group.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let group = known_group(api_version.rsplit_once('/').map_or("", |(group, _)| group));
        Self::ALL.iter().copied().find(|candidate| candidate.name() == kind && candidate.group() == group)
    }

    /// Whether a person can edit objects of this kind in a sketch; their raw contents are kept.
    pub const fn is_editable(self) -> bool {
        let is_built_in = matches!(self, Self::Namespace | Self::Service | Self::IngressClass | Self::Ingress | Self::NetworkPolicy);
        is_built_in || self.is_custom()
    }

    /// Whose policies objects of this kind are, where they are policies: `Kubernetes`, `Cilium`.
    pub fn dialect(self) -> Option<&'static str> {
        let name = match self.group() {
            "networking.k8s.io" => "Kubernetes",
            "policy.networking.k8s.io" => "Cluster-wide policies",
            "cilium.io" => "Cilium",
            "projectcalico.org" => "Calico",
            "security.istio.io" | "networking.istio.io" => "Istio",
            "k8s.ovn.org" => "OVN-Kubernetes",
            _ => return None,
        };
        (self.is_policy() || self == Self::Sidecar).then_some(name)
    }

    /// Whether its objects say what is let through.
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            Self::NetworkPolicy
                | Self::ClusterNetworkPolicy
                | Self::AdminNetworkPolicy
                | Self::BaselineAdminNetworkPolicy
                | Self::CiliumNetworkPolicy
                | Self::CiliumClusterwideNetworkPolicy
                | Self::CalicoNetworkPolicy
                | Self::GlobalNetworkPolicy
                | Self::AuthorizationPolicy
                | Self::EgressFirewall
        )
    }

    /// Whether a cluster may lack the kind: it comes with a custom resource definition.
    pub const fn is_custom(self) -> bool {
        matches!(
            self,
            Self::ClusterNetworkPolicy
                | Self::AdminNetworkPolicy
                | Self::BaselineAdminNetworkPolicy
                | Self::GatewayClass
                | Self::Gateway
                | Self::ListenerSet
                | Self::XListenerSet
                | Self::HttpRoute
                | Self::GrpcRoute
                | Self::TlsRoute
                | Self::TcpRoute
                | Self::UdpRoute
                | Self::ReferenceGrant
                | Self::BackendTlsPolicy
                | Self::OpenShiftRoute
                | Self::IstioGateway
                | Self::VirtualService
                | Self::DestinationRule
                | Self::CiliumNetworkPolicy
                | Self::CiliumClusterwideNetworkPolicy
                | Self::CiliumCidrGroup
                | Self::CiliumEgressGatewayPolicy
                | Self::CalicoTier
                | Self::CalicoNetworkPolicy
                | Self::GlobalNetworkPolicy
                | Self::NetworkSet
                | Self::GlobalNetworkSet
                | Self::StagedNetworkPolicy
                | Self::StagedGlobalNetworkPolicy
                | Self::StagedKubernetesNetworkPolicy
                | Self::AuthorizationPolicy
                | Self::ServiceEntry
                | Self::Sidecar
                | Self::EgressFirewall
                | Self::EgressIp
                | Self::EgressService
        )
    }
}

/// What tells one object from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for kinds that have none.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
}

impl ObjectKey {
    /// A key of these parts. The namespace of a kind that has none is dropped.
    pub fn new(kind: Kind, namespace: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        let namespace = if kind.is_namespaced() { namespace.into() } else { SmolStr::default() };
        Self { kind, namespace, name: name.into() }
    }

    /// `namespace/name`, or the name alone where there is no namespace.
    pub fn path(&self) -> String {
        if self.namespace.is_empty() { self.name.to_string() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

impl fmt::Display for ObjectKey {
    /// `networking.k8s.io/v1 NetworkPolicy shop/deny`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind.api_version(), self.kind.name(), self.path())
    }
}

impl Serialize for ObjectKey {
    /// `{"apiVersion":..,"kind":..,"namespace":..,"name":..}`, the namespace left out where there is none.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", &self.kind.api_version())?;
        map.serialize_entry("kind", self.kind.name())?;
        if !self.namespace.is_empty() {
            map.serialize_entry("namespace", &self.namespace)?;
        }
        map.serialize_entry("name", &self.name)?;
        map.end()
    }
}

/// An object as it arrived: its key and its contents, lossless and in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What tells it from others.
    pub key: ObjectKey,
    /// The whole object, `apiVersion` and `kind` included.
    pub raw: Arc<Value>,
}

impl Object {
    /// Reads the key of a raw object.
    ///
    /// `Ok(None)` is an object of a kind that Portolan does not read. A namespaced object without a namespace is taken to be in
    /// `default_namespace`, as `kubectl apply` does.
    ///
    /// # Errors
    /// A sentence on what is missing: `apiVersion`, `kind` or `metadata.name`.
    pub fn new(raw: Value, default_namespace: &str) -> Result<Option<Self>, String> {
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let api_version = text("/apiVersion").ok_or("the object has no apiVersion")?;
        let kind_name = text("/kind").ok_or("the object has no kind")?;
        let Some(kind) = Kind::of(api_version, kind_name) else { return Ok(None) };
        let name = text("/metadata/name").ok_or_else(|| format!("the {kind_name} has no metadata.name"))?;
        let namespace = text("/metadata/namespace").unwrap_or(default_namespace);
        let key = ObjectKey::new(kind, namespace, name);
        Ok(Some(Self { key, raw: Arc::new(raw) }))
    }
}

/// API groups whose objects filter or route traffic and are not evaluated: leaving one out without a word would make verdicts wrong.
const UNEVALUATED_GROUPS: &[(&str, &str)] = &[
    ("crd.antrea.io", "Antrea's policies"),
    ("networking.k8s.aws", "Amazon's policies"),
    ("kuma.io", "Kuma's policies"),
    ("policy.linkerd.io", "Linkerd's policies"),
    ("k8s.cni.cncf.io", "additional networks and their policies"),
    ("traefik.io", "Traefik's routes"),
    ("projectcontour.io", "Contour's routes"),
];

/// Kinds that bear on traffic and are not evaluated, of groups of which other kinds are read or have nothing to do with it.
const UNEVALUATED_KINDS: &[(&str, &str, &str)] = &[
    ("cilium.io", "CiliumLocalRedirectPolicy", "Cilium's redirects to pods of the same node"),
    ("cilium.io", "CiliumEnvoyConfig", "Cilium's Envoy configuration"),
    ("cilium.io", "CiliumClusterwideEnvoyConfig", "Cilium's Envoy configuration"),
    ("projectcalico.org", "HostEndpoint", "Calico's host endpoints"),
    ("projectcalico.org", "EgressGatewayPolicy", "Calico's policies of egress gateways"),
    ("security.istio.io", "PeerAuthentication", "Istio's demands on mutual TLS"),
    ("security.istio.io", "RequestAuthentication", "Istio's demands on tokens"),
    ("networking.istio.io", "WorkloadEntry", "Istio's workload entries"),
    ("networking.istio.io", "EnvoyFilter", "Istio's Envoy filters"),
    ("k8s.ovn.org", "AdminPolicyBasedExternalRoute", "OVN-Kubernetes' external routes"),
    ("k8s.ovn.org", "UserDefinedNetwork", "OVN-Kubernetes' additional networks"),
    ("k8s.ovn.org", "ClusterUserDefinedNetwork", "OVN-Kubernetes' additional networks"),
];

/// The same kinds under another group: what Calico's own API server serves is kept in custom resources of the same shape.
const SAME_GROUP: &[(&str, &str)] = &[("crd.projectcalico.org", "projectcalico.org")];

/// The group under which the kinds of a group are known.
fn known_group(group: &str) -> &str {
    SAME_GROUP.iter().find(|(other, _)| *other == group).map_or(group, |(_, known)| known)
}

/// What an object of this group and kind is, in words, if it bears on traffic and is not evaluated; `None` for others.
pub fn unevaluated_kind(group: &str, kind: &str) -> Option<&'static str> {
    let group = known_group(group);
    if UNEVALUATED_KINDS.iter().any(|(known, ..)| *known == group) {
        return UNEVALUATED_KINDS.iter().find(|(known, name, _)| *known == group && *name == kind).map(|(.., what)| *what);
    }
    unevaluated(group)
}

/// The kinds of a group that bear on traffic and are not evaluated, beside others that are, each with what it is in words.
pub fn unevaluated_kinds(group: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let group = known_group(group);
    UNEVALUATED_KINDS.iter().filter(move |(known, ..)| *known == group).map(|(_, kind, what)| (*kind, *what))
}

/// What an API group holds that bears on traffic and is not evaluated, in words; `None` for groups that do not bear on it, and for
/// those that are read whole.
pub fn unevaluated(group: &str) -> Option<&'static str> {
    UNEVALUATED_GROUPS.iter().find(|(known, _)| *known == group).map(|(_, what)| *what)
}

/// Something wrong with an object that the analysis worked around.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Warning {
    /// The object, as [`ObjectKey`] displays it, or the file where no object could be read.
    pub object: String,
    /// The field, as a JSON pointer into the object; empty for the object as a whole.
    pub pointer: String,
    /// What is wrong and what was done about it, lower case, without a full stop.
    pub message: String,
}

impl Warning {
    /// A warning about a field of an object.
    pub fn new(key: &ObjectKey, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { object: key.to_string(), pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        write!(f, ": {}", self.message)
    }
}
