//! Names that a person gives to the ends of a question, and what they stand for.

use std::fmt;
use std::net::IpAddr;

use smol_str::SmolStr;

use super::Analysis;
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::Peer;
use crate::policy::{DomainPattern, Entity};
use crate::ports::Protocol;
use crate::record::Record;
use crate::snapshot::typed;

/// An end of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// One pod, or all pods of a workload.
    Pods {
        /// How answers name it.
        peer: Peer,
        /// The pods; never empty.
        pods: Vec<PodId>,
    },
    /// A Service.
    Service(ObjectKey),
    /// An address that belongs to no pod.
    Address(IpAddr),
    /// A domain.
    Domain(DomainPattern),
    /// Anybody outside the cluster.
    Outside,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pods { peer: Peer::Workload { namespace, name, .. } | Peer::Pod { namespace, name }, .. } => {
                write!(f, "{namespace}/{name}")
            }
            Self::Pods { peer, .. } => write!(f, "{peer}"),
            Self::Service(key) => write!(f, "Service {}", key.path()),
            Self::Address(address) => write!(f, "{address}"),
            Self::Domain(name) => name.fmt(f),
            Self::Outside => f.write_str("outside"),
        }
    }
}

/// Why a name stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError(String);

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EndpointError {}

/// A port in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortQuery {
    /// By number.
    Number(Protocol, u16),
    /// By the name that a container, or a Service, gives it; any protocol where none is given.
    Named(Option<Protocol>, SmolStr),
}

impl PortQuery {
    /// Reads `5432/TCP`, `5432` (TCP), `http`, `http/TCP`.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let (port, protocol) = match text.split_once('/') {
            Some((port, protocol)) => {
                let parsed = Protocol::parse(&protocol.to_ascii_uppercase());
                let parsed = parsed
                    .ok_or_else(|| EndpointError(format!("unknown protocol {protocol:?} in port {text:?}; known are TCP, UDP, SCTP")))?;
                (port, Some(parsed))
            }
            None => (text, None),
        };
        match port.parse::<u64>() {
            Ok(number) => match u16::try_from(number) {
                Ok(number) if number > 0 => Ok(Self::Number(protocol.unwrap_or(Protocol::Tcp), number)),
                _ => Err(EndpointError(format!("{number} is not a port: ports run from 1 to 65535"))),
            },
            Err(_) if port.is_empty() => Err(EndpointError(format!("there is no port in {text:?}"))),
            Err(_) => Ok(Self::Named(protocol, port.into())),
        }
    }
}

impl fmt::Display for PortQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(protocol, number) => write!(f, "{number}/{protocol}"),
            Self::Named(Some(protocol), name) => write!(f, "{name}/{protocol}"),
            Self::Named(None, name) => f.write_str(name),
        }
    }
}

/// The short names of workload kinds that `kubectl` takes, and more.
fn kind_of_short_name(short: &str) -> Option<&'static str> {
    Some(match short.to_ascii_lowercase().as_str() {
        "deploy" | "deployment" | "deployments" => "Deployment",
        "sts" | "statefulset" | "statefulsets" => "StatefulSet",
        "ds" | "daemonset" | "daemonsets" => "DaemonSet",
        "rs" | "replicaset" | "replicasets" => "ReplicaSet",
        "rc" | "replicationcontroller" | "replicationcontrollers" => "ReplicationController",
        "job" | "jobs" => "Job",
        "cj" | "cronjob" | "cronjobs" => "CronJob",
        "po" | "pod" | "pods" => "Pod",
        "svc" | "service" | "services" => "Service",
        _ => return None,
    })
}

impl Analysis {
    /// Reads `namespace/pod`, `namespace/kind/name` (`deploy`, `sts`, `ds`, `job`, `cronjob`, `rs`, `pod`, `svc`), an address,
    /// `domain:NAME`, `entity:kube-apiserver` or `outside`.
    ///
    /// # Errors
    /// A sentence on what is not there.
    pub fn endpoint(&self, text: &str) -> Result<Endpoint, EndpointError> {
        if text == "outside" {
            return Ok(Endpoint::Outside);
        }
        if let Some(entity) = text.strip_prefix("entity:") {
            if entity != Entity::ApiServer.name() {
                return Err(EndpointError(format!("unknown entity {entity:?}; known is {}", Entity::ApiServer.name())));
            }
            let slices =
                typed!(self.snapshot, EndpointSlice).filter(|(key, slice)| key.namespace == "default" && slice.service == "kubernetes");
            let address = slices.flat_map(|(_, slice)| &slice.endpoints).find_map(|endpoint| endpoint.addresses.first().copied());
            let missing = || {
                EndpointError(
                    "the addresses of the API server are not known: no EndpointSlice of Service default/kubernetes is there".to_owned(),
                )
            };
            let address = address.ok_or_else(missing)?;
            return Ok(self.inventory.pod_at(address).map_or(Endpoint::Address(address), |pod| self.pod_endpoint(pod)));
        }
        if let Some(domain) = text.strip_prefix("domain:") {
            return Ok(Endpoint::Domain(DomainPattern::of_name(domain)));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(self.inventory.pod_at(address).map_or(Endpoint::Address(address), |pod| self.pod_endpoint(pod)));
        }
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [namespace, name] => {
                if let Some(pod) = self.inventory.pod(namespace, name).filter(|pod| !self.inventory.pods.at(*pod).is_representative()) {
                    return Ok(self.pod_endpoint(pod));
                }
                self.workload_endpoint(namespace, name, None).ok_or_else(|| EndpointError(self.no_such("pod or workload", namespace, name)))
            }
            [namespace, short, name] => {
                let known = "deploy, sts, ds, rs, rc, job, cronjob, pod, svc";
                let kind = kind_of_short_name(short);
                let kind = kind.ok_or_else(|| EndpointError(format!("unknown kind {short:?} in {text:?}; known are {known}")))?;
                let found = match kind {
                    "Service" => {
                        let key = ObjectKey::new(Kind::Service, *namespace, *name);
                        self.snapshot.record(&key).map(|_| Endpoint::Service(key))
                    }
                    "Pod" => self.inventory.pod(namespace, name).map(|pod| self.pod_endpoint(pod)),
                    kind => self.workload_endpoint(namespace, name, Some(kind)),
                };
                found.ok_or_else(|| EndpointError(self.no_such(kind, namespace, name)))
            }
            _ => Err(EndpointError(format!(
                "{text:?} names nothing: give namespace/pod, namespace/kind/name, an address, domain:NAME, or outside"
            ))),
        }
    }

    /// The endpoint of a pod.
    pub fn pod_endpoint(&self, pod: PodId) -> Endpoint {
        Endpoint::Pods { peer: self.pod_peer(pod), pods: vec![pod] }
    }

    fn workload_endpoint(&self, namespace: &str, name: &str, kind: Option<&str>) -> Option<Endpoint> {
        let id = self.inventory.workload(namespace, name, kind)?;
        let pods = self.inventory.workloads.at(id).pods.to_vec();
        (!pods.is_empty()).then(|| Endpoint::Pods { peer: self.workload_peer(id), pods })
    }

    fn no_such(&self, what: &str, namespace: &str, name: &str) -> String {
        let finished = match self.snapshot.record(&ObjectKey::new(Kind::Pod, namespace, name)) {
            Some(Record::Pod(_)) if !self.counts_finished_pods() => ": it has finished, and its address may be another's",
            _ if !self.snapshot.namespaces().contains(namespace) => ": there is no such namespace",
            _ => "",
        };
        format!("there is no {what} {name:?} with a pod in namespace {namespace:?}{finished}")
    }
}
