//! HTTPRoutes, GRPCRoutes, TLSRoutes, TCPRoutes and UDPRoutes.

use serde_json::Value;
use smol_str::SmolStr;

use super::{api, filters, matches, or_default, read_parent, spec};
use crate::intake::{Reader, created, host};
use crate::record::{ObjectRef, ParentRef, RouteBackend, RouteFilter, RouteRecord, RouteRule};

/// The largest weight of a backend (Gateway API, BackendRef.weight).
const MOST_WEIGHT: u32 = 1_000_000;

pub(in crate::intake) fn read_http(raw: &Value, reader: &mut Reader<'_>) -> Option<RouteRecord> {
    let spec: api::NamedRouteSpec<api::HttpRule> = spec(raw, reader)?;
    let parents = read_parents(spec.parent_refs, reader);
    let hostnames = reader.hosts(spec.hostnames, "/spec/hostnames", host::Besides::default());
    // The API fills in a rule for all requests where none is written.
    let given = spec.rules.unwrap_or_else(|| vec![api::HttpRule::default()]);
    let rules = read_rules(given, |rule, pointer| {
        let matches = matches::read_all(rule.matches, pointer, reader, matches::read_http);
        let filters = filters::read_all(rule.filters, true, pointer, reader);
        let backends = read_backends(rule.backend_refs, true, pointer, reader);
        if !backends.is_empty() && filters.iter().any(|filter| matches!(filter, RouteFilter::Redirect(_))) {
            reader.warn(format!("{pointer}/backendRefs"), "the rule redirects, and no request comes to a backend");
        }
        Some(RouteRule { matches: matches?, filters, backends })
    });
    Some(RouteRecord { parents, hostnames, rules, created: created(raw) })
}

pub(in crate::intake) fn read_grpc(raw: &Value, reader: &mut Reader<'_>) -> Option<RouteRecord> {
    let spec: api::NamedRouteSpec<api::GrpcRule> = spec(raw, reader)?;
    let parents = read_parents(spec.parent_refs, reader);
    let hostnames = reader.hosts(spec.hostnames, "/spec/hostnames", host::Besides::default());
    let rules = read_rules(spec.rules.unwrap_or_default(), |rule, pointer| {
        let matches = matches::read_all(rule.matches, pointer, reader, matches::read_grpc);
        let filters = filters::read_all(rule.filters, false, pointer, reader);
        let backends = read_backends(rule.backend_refs, false, pointer, reader);
        Some(RouteRule { matches: matches?, filters, backends })
    });
    Some(RouteRecord { parents, hostnames, rules, created: created(raw) })
}

pub(in crate::intake) fn read_tls(raw: &Value, reader: &mut Reader<'_>) -> Option<RouteRecord> {
    let spec: api::NamedRouteSpec<api::StreamRule> = spec(raw, reader)?;
    let parents = read_parents(spec.parent_refs, reader);
    let hostnames = reader.hosts(spec.hostnames, "/spec/hostnames", host::Besides::default());
    let rules = read_stream_rules(spec.rules, reader);
    Some(RouteRecord { parents, hostnames, rules, created: created(raw) })
}

/// A TCPRoute or a UDPRoute.
pub(in crate::intake) fn read_stream(raw: &Value, reader: &mut Reader<'_>) -> Option<RouteRecord> {
    let spec: api::RouteSpec<api::StreamRule> = spec(raw, reader)?;
    let parents = read_parents(spec.parent_refs, reader);
    let rules = read_stream_rules(spec.rules, reader);
    Some(RouteRecord { parents, hostnames: Vec::new(), rules, created: created(raw) })
}

fn read_parents(parents: Option<Vec<api::ParentRef>>, reader: &mut Reader<'_>) -> Vec<ParentRef> {
    let numbered = parents.unwrap_or_default().into_iter().enumerate();
    numbered.map(|(index, parent)| read_parent(parent, &format!("/spec/parentRefs/{index}"), reader)).collect()
}

fn read_rules<R>(rules: Vec<R>, mut read: impl FnMut(R, &str) -> Option<RouteRule>) -> Vec<RouteRule> {
    let numbered = rules.into_iter().enumerate();
    numbered.filter_map(|(index, rule)| read(rule, &format!("/spec/rules/{index}"))).collect()
}

fn read_stream_rules(rules: Option<Vec<api::StreamRule>>, reader: &mut Reader<'_>) -> Vec<RouteRule> {
    let rules = rules.unwrap_or_default();
    if rules.is_empty() {
        reader.warn("/spec/rules", "at least one rule must be given; the route leads nowhere");
    }
    read_rules(rules, |rule, pointer| {
        let numbered = rule.backend_refs.unwrap_or_default().into_iter().enumerate();
        let backends =
            numbered.map(|(index, backend)| read_backend(backend, Vec::new(), &format!("{pointer}/backendRefs/{index}"), reader)).collect();
        Some(RouteRule { backends, ..RouteRule::default() })
    })
}

fn read_backends(backends: Option<Vec<api::BackendRef>>, is_http: bool, pointer: &str, reader: &mut Reader<'_>) -> Vec<RouteBackend> {
    let mut read = Vec::new();
    for (index, backend) in backends.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/backendRefs/{index}");
        let api::BackendRef { group, kind, namespace, name, port, weight, filters } = backend;
        let filters = filters::read_all(filters, is_http, &pointer, reader);
        let backend = api::StreamBackendRef { group, kind, namespace, name, port, weight };
        read.push(read_backend(backend, filters, &pointer, reader));
    }
    read
}

/// A backend. One without a name is no Service that there can be, and takes its share of the requests nevertheless.
pub(super) fn read_backend(
    backend: api::StreamBackendRef,
    filters: Vec<RouteFilter>,
    pointer: &str,
    reader: &mut Reader<'_>,
) -> RouteBackend {
    let object = ObjectRef {
        group: SmolStr::from(backend.group.unwrap_or_default()),
        kind: or_default(backend.kind, "Service"),
        namespace: backend.namespace.unwrap_or_default().into(),
        name: reader.required(backend.name, "the backend's name", &format!("{pointer}/name")),
    };
    let is_service = object.group.is_empty() && object.kind == "Service";
    RouteBackend {
        port: filters::read_port(backend.port, is_service, &format!("{pointer}/port"), reader),
        object,
        weight: backend.weight.map_or(1, |weight| reader.weight(weight, MOST_WEIGHT, &format!("{pointer}/weight"))),
        filters,
    }
}
