//! Pods, and the templates of pods.

use std::net::IpAddr;
use std::sync::Arc;

use internment::ArcIntern;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;
use smallvec::SmallVec;

use super::{Reader, egress};
use crate::record::{ContainerPort, HostAddress, HostPort, Owner, Phase, PodRecord, PodTemplate, Proxy};

/// The container that Istio puts into pods of the mesh, or that a gateway of it consists of.
const MESH_PROXY: &str = "istio-proxy";
/// The label, and the annotation, that says whether it is put in.
const INJECT: &str = "sidecar.istio.io/inject";

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<PodRecord> {
    let pod: Pod = reader.typed(raw)?;
    let proxy = asked_proxy(&pod.metadata);
    let egress = egress::annotations(pod.metadata.annotations.as_ref(), reader);
    // The mirror of a static pod is owned by its node, which makes no workload: the static pods of a node are strangers to each other.
    let owner = owner(pod.metadata.owner_references).filter(|owner| owner.kind != "Node");
    let template = PodTemplate { labels: Reader::labels(pod.metadata.labels), owner, proxy, egress, ..PodTemplate::default() };
    let mut record = read_spec(pod.spec.unwrap_or_default(), template, "/spec", reader);
    // A pod from a manifest has no status: it is taken to be ready.
    record.ready = pod.status.is_none();
    if pod.status.is_some() && record.proxy == Proxy::Unknown {
        // What is put into a pod is put in when it is made.
        record.template = ArcIntern::new(PodTemplate { proxy: Proxy::Absent, ..(*record.template).clone() });
    }
    if let Some(status) = pod.status {
        record.phase = match status.phase.as_deref() {
            Some("Succeeded" | "Failed") => Phase::Finished,
            _ => Phase::Active,
        };
        // A pod in a manifest may bear the remains of a status without conditions.
        record.ready = status.conditions.is_none_or(|conditions| {
            conditions.iter().find(|condition| condition.type_ == "Ready").is_none_or(|condition| condition.status == "True")
        });
        let addresses = status.pod_ips.unwrap_or_default().into_iter().map(|pod_ip| pod_ip.ip).chain(status.pod_ip);
        let read = |text: String| {
            let address: Option<IpAddr> = text.parse().ok();
            if address.is_none() {
                reader.warn("/status/podIPs", format!("{text:?} is not an address"));
            }
            address
        };
        record.addresses = addresses.filter(|text| !text.is_empty()).filter_map(read).collect();
    }
    Some(record)
}

/// Whether a proxy is put into a pod, as far as an annotation alone says: the older form of a label, which comes before it.
pub(super) fn asked_proxy(metadata: &ObjectMeta) -> Proxy {
    let labelled = metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(INJECT));
    let annotated = metadata.annotations.as_ref().and_then(|annotations| annotations.get(INJECT));
    if !labelled && annotated.is_some_and(|value| value == "false") { Proxy::Absent } else { Proxy::Unknown }
}

/// The pod that its spec, or a template's, describes, over what its metadata says.
pub(super) fn read_spec(spec: PodSpec, mut template: PodTemplate, pointer: &str, reader: &mut Reader<'_>) -> PodRecord {
    template.host_network = spec.host_network.unwrap_or(false);
    template.service_account = spec.service_account_name.unwrap_or_default().into();
    let init_containers = spec.init_containers.iter().flatten();
    if spec.containers.iter().chain(init_containers).any(|container| container.name == MESH_PROXY) {
        template.proxy = Proxy::Present;
    }
    // An init container with restartPolicy Always is a sidecar and runs on beside the others (KEP-753).
    let sidecars =
        spec.init_containers.unwrap_or_default().into_iter().filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let mut ports: SmallVec<[ContainerPort; 4]> = SmallVec::new();
    for (index, container) in spec.containers.into_iter().chain(sidecars).enumerate() {
        for (port_index, port) in container.ports.unwrap_or_default().into_iter().enumerate() {
            let pointer = format!("{pointer}/containers/{index}/ports/{port_index}");
            let Some(protocol) = reader.protocol(port.protocol.as_deref(), &format!("{pointer}/protocol")) else { continue };
            let Some(number) = reader.port(i64::from(port.container_port), &format!("{pointer}/containerPort")) else { continue };
            let on = host_address(port.host_ip.as_deref().unwrap_or_default());
            let host_port = port.host_port.and_then(|host_port| u16::try_from(host_port).ok()).filter(|port| *port > 0);
            let host_port = host_port.map(|port| HostPort { port, on });
            ports.push(ContainerPort { name: port.name.unwrap_or_default().into(), protocol, port: number, host_port });
        }
    }
    template.ports = Arc::from(ports.as_slice());
    let node = ArcIntern::from(spec.node_name.unwrap_or_default().as_str());
    PodRecord { template: ArcIntern::new(template), node, ..PodRecord::default() }
}

fn host_address(text: &str) -> HostAddress {
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => HostAddress::Loopback,
        Ok(address) if !address.is_unspecified() => HostAddress::One,
        _ => HostAddress::All,
    }
}

/// The controller among the owners, or the first owner where none is marked.
pub(super) fn owner(references: Option<Vec<OwnerReference>>) -> Option<Owner> {
    let references = references?;
    let controller = references.iter().find(|reference| reference.controller == Some(true)).or(references.first())?;
    Some(Owner { kind: controller.kind.as_str().into(), name: controller.name.as_str().into() })
}
