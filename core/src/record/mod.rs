//! Records: the small typed values that Kubernetes objects become on arrival. They hold what can change an answer and nothing else.

mod cluster_policy;
mod ingress;
mod network_policy;
mod pod;
mod service;
mod workload;

pub use cluster_policy::{
    ClusterPolicyPeer, ClusterPolicyPeerKind, ClusterPolicyPort, ClusterPolicyPortMatch, ClusterPolicyRecord, ClusterPolicyRule,
    NamespacePeers, PolicyTier, RuleAction,
};
pub use ingress::{IngressBackend, IngressClassRecord, IngressPath, IngressRecord, IngressRule, IngressTls, PathType, ServicePortRef};
pub use network_policy::{NetworkPolicyRecord, PolicyPeer, PolicyPeerKind, PolicyPort, PolicyPortMatch, PolicyRule};
pub use pod::{ContainerPort, Owner, Phase, PodRecord};
pub use service::{Endpoint, EndpointPort, EndpointSliceRecord, LoadBalancerAddress, ServicePort, ServiceRecord, ServiceType, TargetPort};
pub use workload::WorkloadRecord;

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::labels::Labels;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeRecord {
    /// Its labels.
    pub labels: Arc<Labels>,
    /// The addresses among those of its status; names are left out.
    pub addresses: SmallVec<[IpAddr; 2]>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceRecord {
    /// Its labels, `kubernetes.io/metadata.name` among them: a cluster adds it, and intake does where a manifest leaves it out.
    pub labels: Arc<Labels>,
}

/// What an object became.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A namespace.
    Namespace(NamespaceRecord),
    /// A node.
    Node(NodeRecord),
    /// A pod.
    Pod(Arc<PodRecord>),
    /// A Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or CronJob.
    Workload(WorkloadRecord),
    /// A Service.
    Service(ServiceRecord),
    /// An EndpointSlice.
    EndpointSlice(EndpointSliceRecord),
    /// An IngressClass.
    IngressClass(IngressClassRecord),
    /// An Ingress.
    Ingress(IngressRecord),
    /// A NetworkPolicy.
    NetworkPolicy(NetworkPolicyRecord),
    /// A ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy.
    ClusterPolicy(ClusterPolicyRecord),
}
