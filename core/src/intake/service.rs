//! Services and EndpointSlices.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::{Reader, unknown_fields};
use crate::address::Family;
use crate::labels::{Labels, Selector};
use crate::record::{
    Endpoint, EndpointPort, EndpointSliceRecord, LoadBalancerAddress, ServicePort, ServiceRecord, ServiceType, TargetPort,
};

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<ServiceRecord> {
    let service: Service = reader.typed(raw)?;
    unknown_fields::check(raw, &service, reader);
    let spec = service.spec.unwrap_or_default();
    let service_type = match spec.type_.as_deref() {
        None | Some("ClusterIP") => ServiceType::ClusterIp,
        Some("NodePort") => ServiceType::NodePort,
        Some("LoadBalancer") => ServiceType::LoadBalancer,
        Some("ExternalName") => ServiceType::ExternalName,
        Some(other) => {
            reader.warn("/spec/type", format!("unknown type {other:?}; taken as ClusterIP"));
            ServiceType::ClusterIp
        }
    };
    let mut record = ServiceRecord {
        service_type,
        headless: spec.cluster_ip.as_deref() == Some("None"),
        // An empty selector is no selector (core/v1 ServiceSpec.selector: "if empty or not present ... external process").
        selector: spec.selector.filter(|map| !map.is_empty()).map(|map| Selector::of_labels(&map.into_iter().collect::<Labels>())),
        external_name: spec.external_name.unwrap_or_default().into(),
        external_traffic_local: spec.external_traffic_policy.as_deref() == Some("Local"),
        load_balancer_class: spec.load_balancer_class.unwrap_or_default().into(),
        publish_not_ready: spec.publish_not_ready_addresses.unwrap_or(false),
        ..ServiceRecord::default()
    };
    record.families = match (spec.ip_families.unwrap_or_default(), spec.ip_family_policy.as_deref()) {
        (_, Some("RequireDualStack")) => vec![Family::V4, Family::V6],
        (names, _) => names.iter().filter_map(|name| family(name)).collect(),
    };
    let cluster_ips = spec.cluster_ips.unwrap_or_default().into_iter().chain(spec.cluster_ip);
    for text in cluster_ips.filter(|text| !text.is_empty() && text != "None") {
        add_address(&text, "/spec/clusterIP", &mut record.cluster_ips, reader);
    }
    for (index, text) in spec.external_ips.unwrap_or_default().into_iter().enumerate() {
        add_address(&text, &format!("/spec/externalIPs/{index}"), &mut record.external_ips, reader);
    }
    for (index, text) in spec.load_balancer_source_ranges.unwrap_or_default().into_iter().enumerate() {
        match text.trim().parse() {
            Ok(range) => record.source_ranges.push(range),
            Err(_) => reader.warn(format!("/spec/loadBalancerSourceRanges/{index}"), format!("{text:?} is not a block of addresses")),
        }
    }
    for (index, port) in spec.ports.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/ports/{index}");
        let Some(protocol) = reader.protocol(port.protocol.as_deref(), &format!("{pointer}/protocol")) else { continue };
        let Some(number) = reader.port(i64::from(port.port), &format!("{pointer}/port")) else { continue };
        let target = match port.target_port {
            // core/v1 ServicePort.targetPort: defaults to `port`; headless Services do not remap.
            None => TargetPort::Number(number),
            Some(IntOrString::Int(0)) => TargetPort::Number(number),
            Some(IntOrString::Int(target)) => match reader.port(i64::from(target), &format!("{pointer}/targetPort")) {
                Some(target) => TargetPort::Number(target),
                None => continue,
            },
            Some(IntOrString::String(name)) => match name.parse::<u16>() {
                Ok(target) => TargetPort::Number(target),
                Err(_) => TargetPort::Name(name.into()),
            },
        };
        let node_port = port.node_port.and_then(|node_port| u16::try_from(node_port).ok()).filter(|node_port| *node_port > 0);
        record.ports.push(ServicePort { name: port.name.unwrap_or_default().into(), protocol, port: number, target, node_port });
    }
    let addresses = service.status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress).unwrap_or_default();
    record.load_balancer_proxies = addresses.iter().any(|address| address.ip_mode.as_deref() == Some("Proxy"));
    record.load_balancer =
        addresses.into_iter().filter_map(|address: LoadBalancerIngress| balancer_address(address.ip, address.hostname)).collect();
    Some(record)
}

fn family(name: &str) -> Option<Family> {
    match name {
        "IPv4" => Some(Family::V4),
        "IPv6" => Some(Family::V6),
        _ => None,
    }
}

/// An address as a status gives it: the number where there is one, else the host name.
pub(super) fn balancer_address(ip: Option<String>, hostname: Option<String>) -> Option<LoadBalancerAddress> {
    let ip = ip.and_then(|text| text.parse().ok()).map(LoadBalancerAddress::Ip);
    ip.or_else(|| hostname.filter(|name| !name.is_empty()).map(|name| LoadBalancerAddress::Hostname(name.into())))
}

fn add_address(text: &str, pointer: &str, into: &mut Vec<IpAddr>, reader: &mut Reader<'_>) {
    match text.parse() {
        Ok(address) if into.contains(&address) => {}
        Ok(address) => into.push(address),
        Err(_) => reader.warn(pointer, format!("{text:?} is not an address")),
    }
}

pub(super) fn read_slice(raw: &Value, reader: &mut Reader<'_>) -> Option<EndpointSliceRecord> {
    let slice: EndpointSlice = reader.typed(raw)?;
    let service = slice.metadata.labels.and_then(|mut labels| labels.remove("kubernetes.io/service-name")).unwrap_or_default();
    let mut record = EndpointSliceRecord { service: service.into(), ..EndpointSliceRecord::default() };
    // An FQDN slice holds names, which nothing in the cluster routes to.
    let holds_addresses = slice.address_type != "FQDN";
    for (index, endpoint) in slice.endpoints.unwrap_or_default().into_iter().enumerate() {
        let conditions = endpoint.conditions.unwrap_or_default();
        let ready = conditions.ready.unwrap_or(true);
        let mut addresses = Vec::new();
        for text in endpoint.addresses.iter().filter(|_| holds_addresses) {
            add_address(text, &format!("/endpoints/{index}/addresses"), &mut addresses, reader);
        }
        let pod = endpoint.target_ref.filter(|target| target.kind.as_deref() == Some("Pod")).and_then(|target| target.name);
        record.endpoints.push(Endpoint {
            addresses,
            pod: pod.unwrap_or_default().into(),
            ready,
            serving: conditions.serving.unwrap_or(ready),
            terminating: conditions.terminating.unwrap_or(false),
        });
    }
    for (index, port) in slice.ports.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/ports/{index}");
        let Some(protocol) = reader.protocol(port.protocol.as_deref(), &format!("{pointer}/protocol")) else { continue };
        let number = match port.port {
            None => None,
            Some(number) => match reader.port(i64::from(number), &format!("{pointer}/port")) {
                None => continue,
                number => number,
            },
        };
        record.ports.push(EndpointPort { name: port.name.unwrap_or_default().into(), protocol, port: number });
    }
    Some(record)
}
