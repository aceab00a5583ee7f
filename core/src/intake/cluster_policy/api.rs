//! The types of policy.networking.k8s.io, as far as policies need them: v1alpha2, v1alpha1, and what early v1alpha1 wrote differently.
//! Every field may be absent, so that a fault is found where it is and the rest can be read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde::{Deserialize, Serialize};

/// ClusterNetworkPolicy.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) spec: Option<ClusterSpec>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClusterSpec {
    pub(super) tier: Option<String>,
    pub(super) priority: Option<i64>,
    pub(super) subject: Option<Subject>,
    pub(super) ingress: Option<Vec<IngressRule<IngressPeer<LabelSelector, NamespacedPod>, ProtocolMatch>>>,
    pub(super) egress: Option<Vec<EgressRule<EgressPeer<LabelSelector, NamespacedPod>, ProtocolMatch>>>,
}

/// AdminNetworkPolicy and BaselineAdminNetworkPolicy, which has no priority.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Admin {
    pub(super) spec: Option<AdminSpec>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminSpec {
    pub(super) priority: Option<i64>,
    pub(super) subject: Option<Subject>,
    pub(super) ingress: Option<Vec<AdminIngressRule<IngressPeer<Namespaces, NamespacesAndPods>>>>,
    pub(super) egress: Option<Vec<AdminEgressRule<EgressPeer<Namespaces, NamespacesAndPods>>>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) namespaces: Option<LabelSelector>,
    pub(super) pods: Option<NamespacedPod>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamespacedPod {
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) pod_selector: Option<LabelSelector>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IngressRule<P, M> {
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) from: Option<Vec<P>>,
    pub(super) protocols: Option<Vec<M>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EgressRule<P, M> {
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) to: Option<Vec<P>>,
    pub(super) protocols: Option<Vec<M>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminIngressRule<P> {
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) from: Option<Vec<P>>,
    pub(super) ports: Option<Vec<AdminPort>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminEgressRule<P> {
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) to: Option<Vec<P>>,
    pub(super) ports: Option<Vec<AdminPort>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IngressPeer<N, P> {
    pub(super) namespaces: Option<N>,
    pub(super) pods: Option<P>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EgressPeer<N, P> {
    pub(super) namespaces: Option<N>,
    pub(super) pods: Option<P>,
    pub(super) nodes: Option<LabelSelector>,
    pub(super) networks: Option<Vec<String>>,
    pub(super) domain_names: Option<Vec<String>>,
}

/// A label selector, or what stood in its place in early v1alpha1.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Namespaces {
    pub(super) match_labels: Option<BTreeMap<String, String>>,
    pub(super) match_expressions: Option<Vec<LabelSelectorRequirement>>,
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) same_labels: Option<Vec<String>>,
    pub(super) not_same_labels: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamespacesAndPods {
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) namespaces: Option<Namespaces>,
    pub(super) pod_selector: Option<LabelSelector>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProtocolMatch {
    pub(super) tcp: Option<Destination>,
    pub(super) udp: Option<Destination>,
    pub(super) sctp: Option<Destination>,
    pub(super) destination_named_port: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    pub(super) destination_port: Option<NumberOrRange>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NumberOrRange {
    pub(super) number: Option<i64>,
    pub(super) range: Option<Range>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminPort {
    pub(super) port_number: Option<AdminPortNumber>,
    pub(super) port_range: Option<AdminPortRange>,
    pub(super) named_port: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminPortNumber {
    pub(super) protocol: Option<String>,
    pub(super) port: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminPortRange {
    pub(super) protocol: Option<String>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

/// A peer of either version and direction.
pub(super) type AnyPeer = EgressPeer<Namespaces, NamespacesAndPods>;

/// A rule of either version and direction.
#[derive(Debug)]
pub(super) struct Rule<M> {
    pub(super) action: Option<String>,
    pub(super) peers: Vec<AnyPeer>,
    pub(super) ports: Option<Vec<M>>,
}

impl From<LabelSelector> for Namespaces {
    fn from(selector: LabelSelector) -> Self {
        Self { match_labels: selector.match_labels, match_expressions: selector.match_expressions, ..Self::default() }
    }
}

impl From<NamespacedPod> for NamespacesAndPods {
    fn from(pods: NamespacedPod) -> Self {
        Self { namespace_selector: pods.namespace_selector, namespaces: None, pod_selector: pods.pod_selector }
    }
}

impl<N: Into<Namespaces>, P: Into<NamespacesAndPods>> From<IngressPeer<N, P>> for AnyPeer {
    fn from(peer: IngressPeer<N, P>) -> Self {
        let (namespaces, pods) = (peer.namespaces.map(Into::into), peer.pods.map(Into::into));
        Self { namespaces, pods, nodes: None, networks: None, domain_names: None }
    }
}

fn any_peer<N: Into<Namespaces>, P: Into<NamespacesAndPods>>(peer: EgressPeer<N, P>) -> AnyPeer {
    let (namespaces, pods) = (peer.namespaces.map(Into::into), peer.pods.map(Into::into));
    AnyPeer { namespaces, pods, nodes: peer.nodes, networks: peer.networks, domain_names: peer.domain_names }
}

impl<N: Into<Namespaces>, P: Into<NamespacesAndPods>, M> From<IngressRule<IngressPeer<N, P>, M>> for Rule<M> {
    fn from(rule: IngressRule<IngressPeer<N, P>, M>) -> Self {
        Self { action: rule.action, peers: rule.from.unwrap_or_default().into_iter().map(Into::into).collect(), ports: rule.protocols }
    }
}

impl<N: Into<Namespaces>, P: Into<NamespacesAndPods>, M> From<EgressRule<EgressPeer<N, P>, M>> for Rule<M> {
    fn from(rule: EgressRule<EgressPeer<N, P>, M>) -> Self {
        Self { action: rule.action, peers: rule.to.unwrap_or_default().into_iter().map(any_peer).collect(), ports: rule.protocols }
    }
}

impl<N: Into<Namespaces>, P: Into<NamespacesAndPods>> From<AdminIngressRule<IngressPeer<N, P>>> for Rule<AdminPort> {
    fn from(rule: AdminIngressRule<IngressPeer<N, P>>) -> Self {
        Self { action: rule.action, peers: rule.from.unwrap_or_default().into_iter().map(Into::into).collect(), ports: rule.ports }
    }
}

impl<N: Into<Namespaces>, P: Into<NamespacesAndPods>> From<AdminEgressRule<EgressPeer<N, P>>> for Rule<AdminPort> {
    fn from(rule: AdminEgressRule<EgressPeer<N, P>>) -> Self {
        Self { action: rule.action, peers: rule.to.unwrap_or_default().into_iter().map(any_peer).collect(), ports: rule.ports }
    }
}
