//! Ingresses and IngressClasses.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{Ingress, IngressBackend as ApiBackend, IngressClass};
use serde_json::Value;
use smol_str::SmolStr;

use super::service::balancer_address;
use super::{Reader, created, host, unknown_fields};
use crate::record::{IngressBackend, IngressClassRecord, IngressPath, IngressRecord, IngressRule, IngressTls, PathType, ServicePortRef};

const DEFAULT_CLASS_ANNOTATION: &str = "ingressclass.kubernetes.io/is-default-class";
const LEGACY_CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// What stands before the slash in the annotations of well-known controllers.
const CONTROLLER_PREFIXES: &[&str] = &[
    "alb.ingress.kubernetes.io",
    "haproxy-ingress.github.io",
    "haproxy.org",
    "ingress.kubernetes.io",
    "konghq.com",
    "nginx.ingress.kubernetes.io",
    "nginx.org",
    "traefik.ingress.kubernetes.io",
];

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
    let mut annotations = ingress.metadata.annotations.unwrap_or_default();
    let annotation = annotations.remove(LEGACY_CLASS_ANNOTATION);
    let spec = ingress.spec.unwrap_or_default();
    let mut record = IngressRecord {
        class: spec.ingress_class_name.or(annotation).unwrap_or_default().into(),
        default_backend: spec.default_backend.map(|backend| read_backend(backend, "/spec/defaultBackend", reader)),
        annotations: controller_annotations(annotations),
        created: created(raw),
        ..IngressRecord::default()
    };
    for (index, rule) in spec.rules.unwrap_or_default().into_iter().enumerate() {
        let host = rule.host.unwrap_or_default();
        // networking/v1 IngressRule.host: a name, or `*.` and a name.
        host::check(&host, &format!("/spec/rules/{index}/host"), host::Besides::default(), reader);
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

/// The annotations that change where requests go: without the prefix, sorted. Two prefixes may bear the same name.
fn controller_annotations(annotations: BTreeMap<String, String>) -> Vec<(SmolStr, SmolStr)> {
    let named = |(key, value): (String, String)| {
        let (prefix, name) = key.split_once('/')?;
        CONTROLLER_PREFIXES.contains(&prefix).then(|| (SmolStr::from(name), SmolStr::from(value)))
    };
    let mut known: Vec<_> = annotations.into_iter().filter_map(named).collect();
    known.sort_unstable();
    known
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

#[cfg(test)]
mod tests {
    use crate::intake::testing::read;
    use crate::record::{IngressRecord, Record};

    fn record(annotations: &str, spec: &str) -> IngressRecord {
        let metadata = format!("{{name: a, creationTimestamp: '2026-01-02T03:04:05Z', annotations: {{{annotations}}}}}");
        let entry = read(&format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {metadata}\nspec: {spec}"));
        assert_eq!(entry.warnings.to_vec(), []);
        match entry.record {
            Some(Record::Ingress(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn annotations_of_controllers_are_kept_without_their_prefix() {
        let annotations = "nginx.ingress.kubernetes.io/rewrite-target: /x, nginx.org/rewrites: a, alb.ingress.kubernetes.io/scheme: internal, \
                           konghq.com/strip-path: 'true', ingress.kubernetes.io/ssl-redirect: 'false', haproxy.org/path-rewrite: /, \
                           haproxy-ingress.github.io/auth-url: b, traefik.ingress.kubernetes.io/router.tls: 'true', \
                           kubernetes.io/ingress.class: nginx, example.com/own: c, plain: d";
        let read = record(annotations, "{}");
        let names: Vec<&str> = read.annotations.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["auth-url", "path-rewrite", "rewrite-target", "rewrites", "router.tls", "scheme", "ssl-redirect", "strip-path"];
        assert_eq!(names, expected);
        assert_eq!(read.annotations[2].1, "/x");
        assert_eq!((read.class.as_str(), read.created.as_str()), ("nginx", "2026-01-02T03:04:05Z"));
    }

    #[test]
    fn the_class_of_the_spec_goes_before_that_of_the_annotation() {
        assert_eq!(record("kubernetes.io/ingress.class: old", "{ingressClassName: new}").class, "new");
    }
}
