//! Gateway API: validation and defaulting as the text of gateway.networking.k8s.io and the validation rules of its custom resource
//! definitions say. Versions differ in little, and are read alike.
//!
//! What a server would refuse is warned about and read as far as it makes sense; what cannot be compared takes nothing.

mod api;
mod filters;
mod matches;
mod routes;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

pub(super) use self::routes::{read_grpc, read_http, read_stream, read_tls};
use super::{Reader, created, host, unknown_fields};
use crate::record::{
    BackendTlsPolicyRecord, FromNamespaces, GatewayClassRecord, GatewayListener, GatewayRecord, ListenerProtocol, ListenerSetRecord,
    LoadBalancerAddress, ObjectRef, ParentRef, ReferenceGrantRecord,
};

const GROUP: &str = "gateway.networking.k8s.io";

/// The spec of an object. A field that it does not know is warned about.
fn spec<S: Serialize + DeserializeOwned>(raw: &Value, reader: &mut Reader<'_>) -> Option<S> {
    let object: api::Object<S> = reader.typed(raw)?;
    unknown_fields::check(raw, &object, reader);
    reader.spec(object.spec)
}

pub(super) fn read_class(raw: &Value, reader: &mut Reader<'_>) -> Option<GatewayClassRecord> {
    let spec: api::GatewayClassSpec = spec(raw, reader)?;
    let controller = reader.required(spec.controller_name, "the controller's name", "/spec/controllerName");
    if !controller.is_empty() && !controller.contains('/') {
        let message = format!("{controller:?} is not a controller's name: that is a domain, a slash and a path");
        reader.warn("/spec/controllerName", message);
    }
    Some(GatewayClassRecord { controller, not_accepted: not_accepted(raw) })
}

/// What the condition `Accepted` says where it is not true. A server sets it to Unknown, "Waiting for controller", on a new class.
fn not_accepted(raw: &Value) -> Option<SmolStr> {
    let conditions = raw.pointer("/status/conditions").and_then(Value::as_array)?;
    let accepted = conditions.iter().find(|condition| condition["type"] == "Accepted")?;
    let text = |field: &str| accepted.get(field).and_then(Value::as_str).unwrap_or_default();
    let message = if text("message").is_empty() { text("reason") } else { text("message") };
    (text("status") != "True").then(|| message.trim_end_matches('.').into())
}

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<GatewayRecord> {
    let spec: api::GatewaySpec = spec(raw, reader)?;
    let class = reader.required(spec.gateway_class_name, "the class", "/spec/gatewayClassName");
    if spec.listeners.as_ref().is_none_or(Vec::is_empty) {
        reader.warn("/spec/listeners", "at least one listener must be given");
    }
    let listeners = read_listeners(spec.listeners, true, reader);
    let allowed = spec.allowed_listeners.and_then(|allowed| allowed.namespaces);
    let allowed_listeners = read_from(allowed, FromNamespaces::None, "/spec/allowedListeners/namespaces", reader);
    // The status is the server's: what cannot be read there is nobody's mistake.
    let addresses = raw.pointer("/status/addresses").cloned().and_then(|value| serde_json::from_value::<Vec<api::Address>>(value).ok());
    let mut addresses: Vec<_> = addresses.unwrap_or_default().into_iter().filter_map(|address| read_address(address).ok()?).collect();
    for (index, address) in spec.addresses.unwrap_or_default().into_iter().enumerate() {
        match read_address(address) {
            Ok(address) if raw.pointer("/status/addresses/0").is_none() => addresses.extend(address),
            Ok(_) => {}
            Err(NoAddress(text)) => reader.warn(format!("/spec/addresses/{index}/value"), format!("{text:?} is not an address")),
        }
    }
    Some(GatewayRecord { class, listeners, allowed_listeners, addresses })
}

pub(super) fn read_set(raw: &Value, reader: &mut Reader<'_>) -> Option<ListenerSetRecord> {
    let spec: api::ListenerSetSpec = spec(raw, reader)?;
    if spec.parent_ref.is_none() {
        reader.warn("/spec/parentRef", "the parent is missing; the listeners belong to no Gateway");
    }
    let parent = spec.parent_ref.map(|parent| read_parent(parent, "/spec/parentRef", reader)).unwrap_or_default();
    if spec.listeners.as_ref().is_none_or(Vec::is_empty) {
        reader.warn("/spec/listeners", "at least one listener must be given");
    }
    let listeners = read_listeners(spec.listeners, false, reader);
    Some(ListenerSetRecord { parent, listeners, created: created(raw) })
}

/// The text is no address.
struct NoAddress(String);

/// An address of a spec or a status; `None` for one that only the implementation understands, or that it is to choose.
fn read_address(address: api::Address) -> Result<Option<LoadBalancerAddress>, NoAddress> {
    let text = address.value.unwrap_or_default();
    match address.type_.as_deref() {
        _ if text.is_empty() => Ok(None),
        None | Some("IPAddress") => match text.parse() {
            Ok(ip) => Ok(Some(LoadBalancerAddress::Ip(ip))),
            Err(_) => Err(NoAddress(text)),
        },
        Some("Hostname") => Ok(Some(LoadBalancerAddress::Hostname(text.to_ascii_lowercase().into()))),
        Some(_) => Ok(None),
    }
}

fn read_listeners(listeners: Option<Vec<api::Listener>>, needs_port: bool, reader: &mut Reader<'_>) -> Vec<GatewayListener> {
    let mut read: Vec<GatewayListener> = Vec::new();
    for (index, listener) in listeners.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/listeners/{index}");
        let Some(listener) = read_listener(listener, needs_port, &pointer, reader) else { continue };
        if read.iter().any(|other| other.name == listener.name) {
            reader.warn(format!("{pointer}/name"), format!("another listener is named {:?} too, and names must be unique", listener.name));
        }
        read.push(listener);
    }
    read
}

/// A listener; `None` for one without a port on which it could listen.
fn read_listener(listener: api::Listener, needs_port: bool, pointer: &str, reader: &mut Reader<'_>) -> Option<GatewayListener> {
    let port = match listener.port {
        None | Some(0) if !needs_port => 0,
        None => {
            reader.warn(format!("{pointer}/port"), "the port is missing; the listener is left out");
            return None;
        }
        Some(number) => reader.port(number, &format!("{pointer}/port"))?,
    };
    let name = reader.required(listener.name, "the listener's name", &format!("{pointer}/name"));
    let hostname = listener.hostname.unwrap_or_default().to_ascii_lowercase();
    host::check(&hostname, &format!("{pointer}/hostname"), host::Besides::default(), reader);
    let protocol = read_protocol(listener.protocol, &format!("{pointer}/protocol"), reader);
    let is_plain = matches!(protocol, ListenerProtocol::Http | ListenerProtocol::Tcp | ListenerProtocol::Udp);
    if matches!(protocol, ListenerProtocol::Tcp | ListenerProtocol::Udp) && !hostname.is_empty() {
        reader.warn(format!("{pointer}/hostname"), format!("a listener of protocol {} has no host name", protocol.name()));
    }
    if is_plain && listener.tls.is_some() {
        reader.warn(format!("{pointer}/tls"), format!("a listener of protocol {} has no TLS", protocol.name()));
    }
    // Where `tls` is missing, implementations have other ways to say which certificates they take (annotations, for one).
    let (passthrough, certificates) = listener
        .tls
        .map_or((false, Vec::new()), |tls| read_tls_settings(tls, protocol == ListenerProtocol::Https, &format!("{pointer}/tls"), reader));
    let allowed = listener.allowed_routes.unwrap_or_default();
    let routes_from = read_from(allowed.namespaces, FromNamespaces::Same, &format!("{pointer}/allowedRoutes/namespaces"), reader);
    let kinds = allowed.kinds.unwrap_or_default().into_iter().enumerate().map(|(index, kind)| {
        let pointer = format!("{pointer}/allowedRoutes/kinds/{index}/kind");
        (or_default(kind.group, GROUP), reader.required(kind.kind, "the kind", &pointer))
    });
    let kinds: Vec<_> = kinds.collect();
    let route_kinds = (!kinds.is_empty()).then_some(kinds);
    Some(GatewayListener { name, hostname: hostname.into(), port, protocol, passthrough, certificates, routes_from, route_kinds })
}

fn read_protocol(name: Option<String>, pointer: &str, reader: &mut Reader<'_>) -> ListenerProtocol {
    let name = reader.required(name, "the protocol", pointer);
    match name.as_str() {
        "HTTP" => ListenerProtocol::Http,
        "HTTPS" => ListenerProtocol::Https,
        "TLS" => ListenerProtocol::Tls,
        "TCP" => ListenerProtocol::Tcp,
        "UDP" => ListenerProtocol::Udp,
        _ => {
            // Protocols of implementations have a domain in front (Gateway API, ProtocolType).
            if !name.is_empty() && !name.contains('/') {
                reader.warn(pointer, format!("unknown protocol {name:?}; known are HTTP, HTTPS, TLS, TCP, UDP"));
            }
            ListenerProtocol::Other(name)
        }
    }
}

/// Whether TLS passes through, and the certificates.
fn read_tls_settings(tls: api::ListenerTls, is_https: bool, pointer: &str, reader: &mut Reader<'_>) -> (bool, Vec<ObjectRef>) {
    let passthrough = match tls.mode.as_deref() {
        None | Some("Terminate") => false,
        Some("Passthrough") => true,
        Some(other) => {
            reader.warn(format!("{pointer}/mode"), format!("unknown mode {other:?}; known are Terminate, Passthrough; taken as Terminate"));
            false
        }
    };
    if passthrough && is_https {
        reader.warn(format!("{pointer}/mode"), "a listener of protocol HTTPS terminates TLS; the mode can be Terminate only");
    }
    let has_options = tls.options.as_ref().and_then(Value::as_object).is_some_and(|options| !options.is_empty());
    let certificates: Vec<ObjectRef> =
        tls.certificate_refs.unwrap_or_default().into_iter().map(|target| read_ref(target, "Secret")).collect();
    if certificates.is_empty() && !passthrough && !has_options {
        reader.warn(format!("{pointer}/certificateRefs"), "TLS is to be terminated, and no certificate is given");
    }
    (passthrough, certificates)
}

fn read_from(namespaces: Option<api::Namespaces>, default: FromNamespaces, pointer: &str, reader: &mut Reader<'_>) -> FromNamespaces {
    let Some(namespaces) = namespaces else { return default };
    let is_for_listeners = default == FromNamespaces::None;
    match namespaces.from.as_deref() {
        None => default,
        Some("All") => FromNamespaces::All,
        Some("Same") => FromNamespaces::Same,
        Some("None") if is_for_listeners => FromNamespaces::None,
        Some("Selector") => {
            if namespaces.selector.is_none() {
                reader.warn(format!("{pointer}/selector"), "the selector is missing; nothing can attach");
            }
            FromNamespaces::Selector(namespaces.selector.and_then(|selector| reader.selector(selector, &format!("{pointer}/selector"))))
        }
        Some(other) => {
            let known = if is_for_listeners { "All, Selector, Same, None" } else { "All, Selector, Same" };
            reader.warn(format!("{pointer}/from"), format!("unknown value {other:?}; known are {known}; nothing can attach"));
            FromNamespaces::None
        }
    }
}

fn read_parent(parent: api::ParentRef, pointer: &str, reader: &mut Reader<'_>) -> ParentRef {
    ParentRef {
        object: ObjectRef {
            group: or_default(parent.group, GROUP),
            kind: or_default(parent.kind, "Gateway"),
            namespace: parent.namespace.unwrap_or_default().into(),
            name: reader.required(parent.name, "the parent's name", &format!("{pointer}/name")),
        },
        section: parent.section_name.unwrap_or_default().into(),
        port: parent.port.and_then(|port| reader.port(port, &format!("{pointer}/port"))),
    }
}

fn read_ref(target: api::Ref, default_kind: &'static str) -> ObjectRef {
    ObjectRef {
        group: target.group.unwrap_or_default().into(),
        kind: or_default(target.kind, default_kind),
        namespace: target.namespace.unwrap_or_default().into(),
        name: target.name.unwrap_or_default().into(),
    }
}

fn read_local_ref(target: api::LocalRef) -> ObjectRef {
    let api::LocalRef { group, kind, name } = target;
    read_ref(api::Ref { group, kind, name, namespace: None }, "")
}

/// What is written, an empty text included: in a group it means the core group.
fn or_default(text: Option<String>, default: &'static str) -> SmolStr {
    text.map_or_else(|| SmolStr::new_static(default), SmolStr::from)
}

pub(super) fn read_grant(raw: &Value, reader: &mut Reader<'_>) -> Option<ReferenceGrantRecord> {
    let spec: api::ReferenceGrantSpec = spec(raw, reader)?;
    let mut record = ReferenceGrantRecord::default();
    for (field, is_empty) in [("from", spec.from.as_ref().is_none_or(Vec::is_empty)), ("to", spec.to.as_ref().is_none_or(Vec::is_empty))] {
        if is_empty {
            reader.warn(format!("/spec/{field}"), "at least one entry must be given; nothing is granted");
        }
    }
    for (index, from) in spec.from.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/from/{index}");
        let kind = reader.required(from.kind, "the kind", &format!("{pointer}/kind"));
        let namespace = reader.required(from.namespace, "the namespace", &format!("{pointer}/namespace"));
        if !kind.is_empty() && !namespace.is_empty() {
            record.from.push(ObjectRef { group: from.group.unwrap_or_default().into(), kind, namespace, name: SmolStr::default() });
        }
    }
    for (index, to) in spec.to.unwrap_or_default().into_iter().enumerate() {
        let target = read_local_ref(to);
        if target.kind.is_empty() {
            reader.warn(format!("/spec/to/{index}/kind"), "the kind is missing");
        } else {
            record.to.push(target);
        }
    }
    Some(record)
}

pub(super) fn read_backend_tls(raw: &Value, reader: &mut Reader<'_>) -> Option<BackendTlsPolicyRecord> {
    let spec: api::BackendTlsPolicySpec = spec(raw, reader)?;
    // v1alpha2 had one target, and `tls` instead of `validation`.
    let is_old = spec.validation.is_none() && spec.tls.is_some();
    let pointer = if is_old { "/spec/tls" } else { "/spec/validation" };
    let validation = match spec.tls {
        Some(old) if is_old => api::Validation {
            ca_certificate_refs: old.ca_cert_refs,
            well_known_ca_certificates: old.well_known_ca_certs,
            hostname: old.hostname,
            subject_alt_names: None,
        },
        _ => spec.validation.unwrap_or_default(),
    };
    let targets = spec.target_refs.unwrap_or_default().into_iter().chain(spec.target_ref).map(|target| {
        let api::TargetRef { group, kind, namespace, name, section_name } = target;
        (read_ref(api::Ref { group, kind, namespace, name }, "Service"), SmolStr::from(section_name.unwrap_or_default()))
    });
    let targets: Vec<_> = targets.collect();
    if targets.is_empty() {
        reader.warn("/spec/targetRefs", "at least one target must be given; the policy is for nothing");
    }
    for index in targets.iter().enumerate().filter(|(_, (target, _))| target.name.is_empty()).map(|(index, _)| index) {
        reader.warn(format!("/spec/targetRefs/{index}/name"), "the target's name is missing");
    }
    let hostname = reader.required(validation.hostname, "the host name", &format!("{pointer}/hostname"));
    if hostname.starts_with('*') {
        reader.warn(format!("{pointer}/hostname"), format!("{hostname:?} has a wildcard, and a certificate is asked for one name"));
    } else {
        host::check(&hostname, &format!("{pointer}/hostname"), host::Besides::default(), reader);
    }
    let system_authorities = match validation.well_known_ca_certificates.as_deref() {
        None | Some("") => false,
        Some("System") => true,
        Some(other) => {
            // Implementations may have sets of their own, with a domain in front.
            if !other.contains('/') {
                let message = format!("unknown set of certificates {other:?}; known is System");
                reader.warn(format!("{pointer}/wellKnownCACertificates"), message);
            }
            true
        }
    };
    let authorities: Vec<ObjectRef> = validation.ca_certificate_refs.unwrap_or_default().into_iter().map(read_local_ref).collect();
    if authorities.is_empty() != system_authorities {
        let what = if system_authorities { "both of" } else { "neither of" };
        reader.warn(pointer, format!("{what} caCertificateRefs and wellKnownCACertificates given; exactly one must be"));
    }
    Some(BackendTlsPolicyRecord { targets, hostname: hostname.to_ascii_lowercase().into(), authorities, system_authorities })
}
