//! Records: the small typed values that Kubernetes objects become on arrival. They hold what can change an answer and nothing else.

mod calico;
mod cilium;
mod cluster_policy;
mod egress;
mod gateway;
mod ingress;
mod istio;
mod mesh;
mod openshift;
mod ovn;
mod pod;
mod service;
mod workload;

pub(crate) use calico::{ACCOUNT_PREFIX, CALICO_ACCOUNT, CALICO_NAME, CALICO_NAMESPACE, CALICO_ORCHESTRATOR, GLOBAL_KEY, NAMESPACE_PREFIX};
pub use calico::{
    CalicoEndpoints, CalicoEntity, CalicoNamespaces, CalicoOrder, CalicoPolicyRecord, CalicoPort, CalicoRule, CalicoTierRecord,
    NetworkSetRecord,
};
pub use cilium::{
    CidrGroupRecord, CidrGroups, CiliumAuthentication, CiliumEntity, CiliumKey, CiliumPeer, CiliumPeerKind, CiliumPolicyRecord,
    CiliumPorts, CiliumRequirement, CiliumRule, CiliumSection, CiliumSelector, CiliumServices, CiliumSpec, CiliumSubject, ServicesBy,
};
pub use cluster_policy::{
    ClusterPolicyPeer, ClusterPolicyPeerKind, ClusterPolicyPort, ClusterPolicyPortMatch, ClusterPolicyRecord, ClusterPolicyRule,
    NamespacePeers, PolicyTier, RuleAction,
};
pub use egress::{EgressAnnotations, EgressGatewayNode, EgressGatewayRecord, EgressIpRecord, EgressServiceRecord, EgressSubject};
pub use gateway::{
    BackendTlsPolicyRecord, FromNamespaces, GatewayClassRecord, GatewayListener, GatewayRecord, HeaderChange, ListenerProtocol,
    ListenerSetRecord, ObjectRef, ParentRef, PathChange, PathMatch, Redirect, ReferenceGrantRecord, RouteBackend, RouteFilter, RouteMatch,
    RouteRecord, RouteRule, TextMatch, ValueMatch,
};
pub use ingress::{IngressBackend, IngressClassRecord, IngressPath, IngressRecord, IngressRule, IngressTls, PathType, ServicePortRef};
pub use istio::{
    DestinationRuleRecord, IstioDestination, IstioGatewayRecord, IstioHttpRoute, IstioMatch, IstioServer, IstioStreamRoute,
    VirtualServiceRecord,
};
pub use mesh::{
    AuthorizationAction, AuthorizationPolicyRecord, AuthorizationRule, AuthorizationTarget, MeshOperation, MeshSource,
    ServiceEntryEndpoint, ServiceEntryPort, ServiceEntryRecord, SidecarEgress, SidecarRecord, Wanted,
};
pub use openshift::{Admission, InsecurePolicy, OpenShiftRouteRecord, RouteTarget, RouteTls, Termination};
pub use ovn::{EgressFirewallRecord, FirewallDestination, FirewallRule};
pub use pod::{ACCOUNT_KEY, Addresses, ContainerPort, HostAddress, HostPort, Owner, PROXY_KEY, Phase, PodRecord, PodTemplate, Proxy};
pub use service::{Endpoint, EndpointPort, EndpointSliceRecord, LoadBalancerAddress, ServicePort, ServiceRecord, ServiceType, TargetPort};
pub use workload::WorkloadRecord;

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::labels::LabelSet;
use crate::policy::Policy;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeRecord {
    /// Its labels.
    pub labels: LabelSet,
    /// The addresses among those of its status; names are left out.
    pub addresses: SmallVec<[IpAddr; 2]>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceRecord {
    /// Its labels, `kubernetes.io/metadata.name` among them: a cluster adds it, and intake does where a manifest leaves it out.
    pub labels: LabelSet,
    /// Through which pods its own leave the cluster, where an annotation of Calico says so.
    pub egress: Option<Box<EgressAnnotations>>,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceAccountRecord {
    /// Its labels.
    pub labels: LabelSet,
}

/// What an object became. Pods are many, and lie here themselves; what is larger lies elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A namespace.
    Namespace(NamespaceRecord),
    /// A node.
    Node(Box<NodeRecord>),
    /// A pod.
    Pod(PodRecord),
    /// A Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or CronJob.
    Workload(Box<WorkloadRecord>),
    /// A Service.
    Service(Box<ServiceRecord>),
    /// An EndpointSlice.
    EndpointSlice(Box<EndpointSliceRecord>),
    /// An IngressClass.
    IngressClass(Box<IngressClassRecord>),
    /// An Ingress.
    Ingress(Box<IngressRecord>),
    /// A GatewayClass.
    GatewayClass(Box<GatewayClassRecord>),
    /// A Gateway.
    Gateway(Box<GatewayRecord>),
    /// A ListenerSet or XListenerSet.
    ListenerSet(Box<ListenerSetRecord>),
    /// An HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute.
    Route(Box<RouteRecord>),
    /// A ReferenceGrant.
    ReferenceGrant(Box<ReferenceGrantRecord>),
    /// A BackendTLSPolicy.
    BackendTlsPolicy(Box<BackendTlsPolicyRecord>),
    /// An OpenShift Route.
    OpenShiftRoute(Box<OpenShiftRouteRecord>),
    /// An Istio Gateway.
    IstioGateway(Box<IstioGatewayRecord>),
    /// A VirtualService.
    VirtualService(Box<VirtualServiceRecord>),
    /// A DestinationRule.
    DestinationRule(Box<DestinationRuleRecord>),
    /// A NetworkPolicy, which nothing but itself decides: compiled already.
    NetworkPolicy(Arc<Policy>),
    /// A ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy.
    ClusterPolicy(Box<ClusterPolicyRecord>),
    /// A service account.
    ServiceAccount(ServiceAccountRecord),
    /// A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.
    CiliumPolicy(Box<CiliumPolicyRecord>),
    /// A CiliumCIDRGroup.
    CidrGroup(Box<CidrGroupRecord>),
    /// A tier of Calico.
    CalicoTier(Box<CalicoTierRecord>),
    /// A NetworkPolicy or GlobalNetworkPolicy of Calico.
    CalicoPolicy(Box<CalicoPolicyRecord>),
    /// A NetworkSet or GlobalNetworkSet of Calico.
    NetworkSet(Box<NetworkSetRecord>),
    /// An AuthorizationPolicy of Istio.
    AuthorizationPolicy(Box<AuthorizationPolicyRecord>),
    /// A ServiceEntry of Istio.
    ServiceEntry(Box<ServiceEntryRecord>),
    /// A Sidecar of Istio.
    Sidecar(Box<SidecarRecord>),
    /// An EgressFirewall of OVN-Kubernetes.
    EgressFirewall(Box<EgressFirewallRecord>),
    /// A CiliumEgressGatewayPolicy.
    EgressGateway(Box<EgressGatewayRecord>),
    /// An EgressIP of OVN-Kubernetes.
    EgressIp(Box<EgressIpRecord>),
    /// An EgressService of OVN-Kubernetes.
    EgressService(Box<EgressServiceRecord>),
}

impl Record {
    /// The policy that an object is by itself.
    pub(crate) fn policy(&self) -> Option<&Arc<Policy>> {
        match self {
            Self::NetworkPolicy(policy) => Some(policy),
            _ => None,
        }
    }
}
