//! Istio: AuthorizationPolicies, ServiceEntries and Sidecars, validated as the reference and istiod's validation say.
//!
//! A mistake in a rule never opens anything: of a policy that allows, the rule matches nothing; of one that denies, what can be read of it
//! is kept, and it is marked.

mod api;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

use super::{Reader, host, texts, unknown_fields};
use crate::labels::{Labels, Selector};
use crate::record::{
    AuthorizationAction, AuthorizationPolicyRecord, AuthorizationTarget, ServiceEntryEndpoint, ServiceEntryPort, ServiceEntryRecord,
    SidecarEgress, SidecarRecord,
};

/// The annotation that makes a policy one that is only tried out.
const DRY_RUN: &str = "/metadata/annotations/istio.io~1dry-run";

/// The spec of an object. A field that it does not know is warned about.
fn spec<S: Serialize + DeserializeOwned + Default>(raw: &Value, reader: &mut Reader<'_>) -> Option<S> {
    let object: api::Object<S> = reader.typed(raw)?;
    unknown_fields::check(raw, &object, reader);
    // Every field of these kinds may be left out, and so may all of them.
    Some(object.spec.unwrap_or_default())
}

/// A selector of labels, all of which must be there; everything where there is none.
fn selector(labels: Option<BTreeMap<String, String>>) -> Option<Selector> {
    let labels = labels.filter(|labels| !labels.is_empty())?;
    Some(Selector::of_labels(&labels.into_iter().collect::<Labels>()))
}

/// A block of addresses, or one address.
fn block(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().map(|block| block.trunc()).or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).ok()
}

pub(super) fn read_authorization(raw: &Value, reader: &mut Reader<'_>) -> Option<AuthorizationPolicyRecord> {
    let spec: api::AuthorizationSpec = spec(raw, reader)?;
    let is_dry = raw.pointer(DRY_RUN).and_then(Value::as_str) == Some("true");
    let action = match spec.action.as_deref() {
        None | Some("" | "ALLOW") => AuthorizationAction::Allow,
        Some("DENY") => AuthorizationAction::Deny,
        Some("AUDIT") => AuthorizationAction::Nothing,
        Some("CUSTOM") => {
            let name = spec.provider.and_then(|provider| provider.name);
            AuthorizationAction::Custom(reader.required(name, "the name of the provider", "/spec/provider/name"))
        }
        Some(other) => {
            reader.warn("/spec/action", format!("left out: unknown action {other:?}; known are ALLOW, DENY, AUDIT, CUSTOM"));
            return None;
        }
    };
    let action = if is_dry {
        reader.warn(DRY_RUN, "a policy that is tried out has no effect");
        AuthorizationAction::Nothing
    } else {
        action
    };
    let mut targets = Vec::new();
    let refs =
        spec.target_refs.unwrap_or_default().into_iter().enumerate().map(|(index, item)| (format!("/spec/targetRefs/{index}"), item));
    for (pointer, item) in refs.chain(spec.target_ref.map(|item| ("/spec/targetRef".to_owned(), item))) {
        let kind = reader.required(item.kind, "the kind", &format!("{pointer}/kind"));
        let name = reader.required(item.name, "the name", &format!("{pointer}/name"));
        if !matches!(kind.as_str(), "Gateway" | "Service" | "ServiceEntry" | "GatewayClass") {
            reader
                .warn(format!("{pointer}/kind"), format!("unknown kind {kind:?}; known are Gateway, Service, ServiceEntry, GatewayClass"));
        }
        targets.push(AuthorizationTarget { kind, name });
    }
    let selector = selector(spec.selector.and_then(|selector| selector.match_labels)).unwrap_or_default();
    if !targets.is_empty() && !selector.is_everything() {
        reader.warn("/spec/selector", "only one may be given of selector, targetRefs; the selector is not looked at");
    }
    let denies = matches!(action, AuthorizationAction::Deny | AuthorizationAction::Custom(_));
    if denies && spec.rules.as_ref().is_none_or(Vec::is_empty) {
        reader.warn("/spec/rules", "a policy of this action without rules has no effect");
    }
    let numbered = spec.rules.unwrap_or_default().into_iter().enumerate();
    let rules = numbered.map(|(index, rule)| rules::read(rule, &format!("/spec/rules/{index}"), denies, reader)).collect();
    Some(AuthorizationPolicyRecord { selector, targets, action, rules })
}

pub(super) fn read_service_entry(raw: &Value, reader: &mut Reader<'_>) -> Option<ServiceEntryRecord> {
    const SCHEMES: &[&str] = &["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "TLS", "TCP", "MONGO", "MYSQL", "REDIS", "UDP", "HTTP_PROXY"];
    let spec: api::ServiceEntrySpec = spec(raw, reader)?;
    if spec.hosts.as_ref().is_none_or(Vec::is_empty) {
        reader.warn("/spec/hosts", "at least one host must be given");
    }
    let hosts = reader.hosts(spec.hosts, "/spec/hosts", host::Besides { all: false, addresses: true });
    let mut addresses = Vec::new();
    for (index, text) in spec.addresses.unwrap_or_default().into_iter().enumerate() {
        match block(&text) {
            Some(block) => addresses.push(block),
            None => {
                reader.warn(format!("/spec/addresses/{index}"), format!("{text:?} is neither an address nor a block; it matches nothing"))
            }
        }
    }
    let mut ports = Vec::new();
    for (index, port) in spec.ports.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/ports/{index}");
        let Some(number) = port.number.and_then(|number| reader.port(number, &format!("{pointer}/number"))) else {
            if port.number.is_none() {
                reader.warn(format!("{pointer}/number"), "the number is missing; the port is left out");
            }
            continue;
        };
        let target = port.target_port.filter(|port| *port != 0).and_then(|port| reader.port(port, &format!("{pointer}/targetPort")));
        let protocol = port.protocol.unwrap_or_default().to_ascii_uppercase();
        if !protocol.is_empty() && !SCHEMES.contains(&protocol.as_str()) {
            reader.warn(format!("{pointer}/protocol"), format!("unknown protocol {protocol:?}; it is taken as TCP"));
        }
        let names_host = protocol.starts_with("HTTP") || protocol.starts_with("GRPC") || protocol == "TLS";
        let name = port.name.unwrap_or_default().into();
        ports.push(ServiceEntryPort { name, number, target: target.unwrap_or(number), names_host });
    }
    match spec.location.as_deref() {
        None | Some("" | "MESH_EXTERNAL" | "MESH_INTERNAL") => {}
        Some(other) => reader.warn("/spec/location", format!("unknown location {other:?}; known are MESH_EXTERNAL, MESH_INTERNAL")),
    }
    let is_passed_on = match spec.resolution.as_deref() {
        None | Some("" | "NONE") => true,
        Some("STATIC" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS") => false,
        Some(other) => {
            reader.warn("/spec/resolution", format!("unknown resolution {other:?}; known are NONE, STATIC, DNS, DNS_ROUND_ROBIN"));
            false
        }
    };
    let mut endpoints = Vec::new();
    for (index, endpoint) in spec.endpoints.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/endpoints/{index}");
        let numbers = endpoint.ports.unwrap_or_default().into_iter();
        let ports = numbers
            .filter_map(|(name, number)| {
                let number = reader.port(number, &format!("{pointer}/ports/{}", super::escape(&name)))?;
                Some((SmolStr::from(name), number))
            })
            .collect();
        if let Some(address) = endpoint.address.filter(|address| !address.is_empty()) {
            endpoints.push(ServiceEntryEndpoint { address: address.to_ascii_lowercase().into(), ports });
        }
    }
    let workloads = spec.workload_selector.and_then(|workloads| selector(workloads.labels));
    Some(ServiceEntryRecord { hosts, addresses, ports, is_passed_on, endpoints, workloads, export_to: texts(spec.export_to) })
}

pub(super) fn read_sidecar(raw: &Value, reader: &mut Reader<'_>) -> Option<SidecarRecord> {
    let spec: api::SidecarSpec = spec(raw, reader)?;
    let selector = spec.workload_selector.and_then(|workloads| selector(workloads.labels));
    let registry_only = spec.outbound_traffic_policy.map(|policy| match policy.mode.as_deref() {
        // REGISTRY_ONLY is the first of the modes, and so the one that is meant where none is written.
        None | Some("" | "REGISTRY_ONLY") => true,
        Some("ALLOW_ANY") => false,
        Some(other) => {
            let known = "known are REGISTRY_ONLY, ALLOW_ANY; it is taken as REGISTRY_ONLY";
            reader.warn("/spec/outboundTrafficPolicy/mode", format!("unknown mode {other:?}; {known}"));
            true
        }
    });
    let egress = spec.egress.filter(|egress| !egress.is_empty()).map(|egress| {
        let numbered = egress.into_iter().enumerate();
        numbered.filter_map(|(index, item)| read_egress(item, &format!("/spec/egress/{index}"), reader)).collect()
    });
    Some(SidecarRecord { selector, egress, registry_only })
}

fn read_egress(egress: api::Egress, pointer: &str, reader: &mut Reader<'_>) -> Option<SidecarEgress> {
    let port = match egress.port.and_then(|port| port.number).filter(|number| *number != 0) {
        None => None,
        Some(number) => Some(reader.port(number, &format!("{pointer}/port/number"))?),
    };
    let mut hosts = Vec::new();
    if egress.hosts.as_ref().is_none_or(Vec::is_empty) {
        reader.warn(format!("{pointer}/hosts"), "at least one host must be given");
    }
    for (index, text) in egress.hosts.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/hosts/{index}");
        let Some((namespace, name)) = text.split_once('/') else {
            reader.warn(pointer, format!("{text:?} is not of the form NAMESPACE/HOST; it matches nothing"));
            continue;
        };
        host::check(name, &pointer, host::Besides { all: true, addresses: true }, reader);
        if namespace != "~" {
            hosts.push((SmolStr::from(namespace), SmolStr::from(name.to_ascii_lowercase())));
        }
    }
    Some(SidecarEgress { pointer: pointer.into(), port, hosts })
}
