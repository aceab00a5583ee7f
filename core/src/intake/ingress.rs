//! Ingresses and IngressClasses.

use k8s_openapi::api::networking::v1::{Ingress, IngressBackend as ApiBackend, IngressClass};
use serde_json::Value;

use super::service::balancer_address;
use super::{Reader, unknown_fields};
use crate::record::{IngressBackend, IngressClassRecord, IngressPath, IngressRecord, IngressRule, IngressTls, PathType, ServicePortRef};

const DEFAULT_CLASS_ANNOTATION: &str = "ingressclass.kubernetes.io/is-default-class";
const LEGACY_CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

pub(super) fn read_class(raw: &Value, reader: &mut Reader<'_>) -> Option<IngressClassRecord> {
    let class: IngressClass = reader.typed(raw)?;
    unknown_fields::check(raw, &class, reader);
    let annotations = class.metadata.annotations.unwrap_or_default();
    Some(IngressClassRecord {
        controller: class.spec.and_then(|spec| spec.controller).unwrap_or_default().into(),
        is_default: annotations.get(DEFAULT_CLASS_ANNOTATION).is_some_and(|value| value == "true"),
    })
}

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<IngressRecord> {
    let ingress: Ingress = reader.typed(raw)?;
    unknown_fields::check(raw, &ingress, reader);
    let annotation = ingress.metadata.annotations.and_then(|mut annotations| annotations.remove(LEGACY_CLASS_ANNOTATION));
    let spec = ingress.spec.unwrap_or_default();
    let mut record = IngressRecord {
        class: spec.ingress_class_name.or(annotation).unwrap_or_default().into(),
        default_backend: spec.default_backend.map(|backend| read_backend(backend, "/spec/defaultBackend", reader)),
        ..IngressRecord::default()
    };
    for (index, rule) in spec.rules.unwrap_or_default().into_iter().enumerate() {
        let host = rule.host.unwrap_or_default();
        check_host(&host, &format!("/spec/rules/{index}/host"), reader);
        let mut paths = Vec::new();
        for (path_index, path) in rule.http.map(|http| http.paths).unwrap_or_default().into_iter().enumerate() {
            let pointer = format!("/spec/rules/{index}/http/paths/{path_index}");
            let path_type = match path.path_type.as_str() {
                "Exact" => PathType::Exact,
                "Prefix" => PathType::Prefix,
                "ImplementationSpecific" => PathType::ImplementationSpecific,
                other => {
                    let known = "Exact, Prefix, ImplementationSpecific";
                    reader.warn(format!("{pointer}/pathType"), format!("unknown pathType {other:?}; known are {known}"));
                    PathType::ImplementationSpecific
                }
            };
            let text = path.path.unwrap_or_default();
            if !text.starts_with('/') && path_type != PathType::ImplementationSpecific {
                reader.warn(format!("{pointer}/path"), format!("{text:?} does not begin with a slash"));
            }
            let backend = read_backend(path.backend, &format!("{pointer}/backend"), reader);
            paths.push(IngressPath { path: text.into(), path_type, backend });
        }
        record.rules.push(IngressRule { host: host.into(), paths });
    }
    for tls in spec.tls.unwrap_or_default() {
        let hosts = tls.hosts.unwrap_or_default().into_iter().map(Into::into).collect();
        record.tls.push(IngressTls { hosts, secret: tls.secret_name.unwrap_or_default().into() });
    }
    let addresses = ingress.status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
    record.addresses =
        addresses.unwrap_or_default().into_iter().filter_map(|address| balancer_address(address.ip, address.hostname)).collect();
    Some(record)
}

/// networking/v1 IngressRule.host: a name, or `*.` and a name; no address, no port.
fn check_host(host: &str, pointer: &str, reader: &mut Reader<'_>) {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if host.is_empty() {
        return;
    }
    if name.is_empty() || name.contains('*') {
        reader.warn(pointer, format!("{host:?} is not a host: a wildcard is the whole first label, and a name follows it"));
    } else if name.parse::<std::net::IpAddr>().is_ok() {
        reader.warn(pointer, format!("{host:?} is an address, and a host must be a name"));
    } else if name.contains(':') {
        reader.warn(pointer, format!("{host:?} names a port, and a host must not"));
    }
}

fn read_backend(backend: ApiBackend, pointer: &str, reader: &mut Reader<'_>) -> IngressBackend {
    match (backend.service, backend.resource) {
        (Some(service), None) => {
            let port = service.port.unwrap_or_default();
            let port = match (port.number, port.name) {
                (Some(number), None) if number != 0 => reader
                    .port(i64::from(number), &format!("{pointer}/service/port/number"))
                    .map_or(ServicePortRef::Missing, ServicePortRef::Number),
                (_, Some(name)) => ServicePortRef::Name(name.into()),
                _ => {
                    reader.warn(format!("{pointer}/service/port"), "neither a name nor a number is given");
                    ServicePortRef::Missing
                }
            };
            IngressBackend::Service { name: service.name.into(), port }
        }
        (None, Some(resource)) => IngressBackend::Resource(format!("{} {}", resource.kind, resource.name).into()),
        _ => {
            reader.warn(pointer, "a backend is either a service or a resource");
            IngressBackend::Invalid
        }
    }
}
