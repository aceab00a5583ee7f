//! Istio: validation and defaulting as the reference of networking.istio.io and istiod's validation say. Versions are read alike.

mod api;
mod http;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

use super::{Reader, created, host, texts, unknown_fields};
use crate::labels::{Labels, Selector};
use crate::record::{DestinationRuleRecord, IstioDestination, IstioGatewayRecord, IstioServer, IstioStreamRoute, VirtualServiceRecord};

/// The name that stands for all sidecars where gateways are named.
const MESH: &str = "mesh";

/// The spec of an object. A field that it does not know is warned about.
fn spec<S: Serialize + DeserializeOwned>(raw: &Value, reader: &mut Reader<'_>) -> Option<S> {
    let object: api::Object<S> = reader.typed(raw)?;
    unknown_fields::check(raw, &object, reader);
    reader.spec(object.spec)
}

pub(super) fn read_gateway(raw: &Value, reader: &mut Reader<'_>) -> Option<IstioGatewayRecord> {
    let spec: api::GatewaySpec = spec(raw, reader)?;
    let selector = spec.selector.filter(|map| !map.is_empty()).map(|map| Selector::of_labels(&map.into_iter().collect::<Labels>()));
    if spec.servers.as_ref().is_none_or(Vec::is_empty) {
        reader.warn("/spec/servers", "at least one server must be given");
    }
    let numbered = spec.servers.unwrap_or_default().into_iter().enumerate();
    let servers = numbered.filter_map(|(index, server)| read_server(server, &format!("/spec/servers/{index}"), reader)).collect();
    Some(IstioGatewayRecord { selector, servers })
}

/// A server; `None` for one without a port.
fn read_server(server: api::Server, pointer: &str, reader: &mut Reader<'_>) -> Option<IstioServer> {
    const PROTOCOLS: &[&str] = &["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "TLS", "TCP", "MONGO", "MYSQL", "REDIS", "UDP", "HBONE"];
    const MODES: &[&str] = &["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"];
    let Some(port) = server.port else {
        reader.warn(format!("{pointer}/port"), "the port is missing; the server is left out");
        return None;
    };
    let Some(number) = port.number else {
        reader.warn(format!("{pointer}/port/number"), "the number is missing; the server is left out");
        return None;
    };
    let number = reader.port(number, &format!("{pointer}/port/number"))?;
    let protocol = reader.required(port.protocol, "the protocol", &format!("{pointer}/port/protocol")).to_ascii_uppercase();
    if !protocol.is_empty() && !PROTOCOLS.contains(&protocol.as_str()) {
        reader.warn(format!("{pointer}/port/protocol"), format!("unknown protocol {protocol:?}; known are {}", PROTOCOLS.join(", ")));
    }
    let mut hosts = Vec::new();
    if server.hosts.as_ref().is_none_or(Vec::is_empty) {
        reader.warn(format!("{pointer}/hosts"), "at least one host must be given");
    }
    for (index, text) in server.hosts.unwrap_or_default().into_iter().enumerate() {
        let (namespace, name) = text.split_once('/').unwrap_or(("*", &text));
        let besides = host::Besides { all: true, addresses: true };
        host::check(name, &format!("{pointer}/hosts/{index}"), besides, reader);
        hosts.push((SmolStr::from(namespace), SmolStr::from(name.to_ascii_lowercase())));
    }
    let does_tls = matches!(protocol.as_str(), "HTTPS" | "TLS");
    if does_tls && server.tls.is_none() {
        reader.warn(format!("{pointer}/tls"), format!("a server of protocol {protocol} needs to say how it does TLS"));
    }
    let tls = server.tls.as_ref();
    let mode = tls.and_then(|tls| tls.mode.as_deref()).unwrap_or_default().to_ascii_uppercase();
    if !mode.is_empty() && !MODES.contains(&mode.as_str()) {
        reader.warn(format!("{pointer}/tls/mode"), format!("unknown mode {mode:?}; known are {}", MODES.join(", ")));
    }
    // PASSTHROUGH is the mode that is meant where none is written. A server of HTTP may have `tls` for `httpsRedirect` alone.
    let mode = if mode.is_empty() && does_tls && tls.is_some() { "PASSTHROUGH".to_owned() } else { mode };
    Some(IstioServer {
        name: port.name.unwrap_or_default().into(),
        port: number,
        protocol: protocol.into(),
        hosts,
        https_redirect: tls.and_then(|tls| tls.https_redirect).unwrap_or(false),
        tls_mode: mode.into(),
    })
}

pub(super) fn read_virtual_service(raw: &Value, reader: &mut Reader<'_>) -> Option<VirtualServiceRecord> {
    let spec: api::VirtualServiceSpec = spec(raw, reader)?;
    let hosts = reader.hosts(spec.hosts, "/spec/hosts", host::Besides { all: true, addresses: true });
    let http = spec.http.unwrap_or_default().into_iter().enumerate();
    let http = http.map(|(index, route)| http::read(route, &format!("/spec/http/{index}"), reader)).collect();
    let mut tls = Vec::new();
    for (index, route) in spec.tls.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/tls/{index}");
        let mut matches = Vec::new();
        if route.matches.as_ref().is_none_or(Vec::is_empty) {
            reader.warn(format!("{pointer}/match"), "at least one match must be given; it is taken to match all");
        }
        for (index, item) in route.matches.unwrap_or_default().into_iter().enumerate() {
            let pointer = format!("{pointer}/match/{index}");
            if item.sni_hosts.as_ref().is_none_or(Vec::is_empty) {
                reader.warn(format!("{pointer}/sniHosts"), "at least one name must be given; it is taken to match all");
            }
            let names = reader.hosts(item.sni_hosts, &format!("{pointer}/sniHosts"), host::Besides { all: true, addresses: false });
            let in_mesh = is_in_mesh(item.source_labels.as_ref(), item.source_namespace.as_ref());
            matches.push((names, read_match_port(item.port, &pointer, reader), stream_gateways(item.gateways, in_mesh)));
        }
        tls.push(read_stream(matches, route.route, &pointer, reader));
    }
    let mut tcp = Vec::new();
    for (index, route) in spec.tcp.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/tcp/{index}");
        let mut matches = Vec::new();
        for (index, item) in route.matches.unwrap_or_default().into_iter().enumerate() {
            let in_mesh = is_in_mesh(item.source_labels.as_ref(), item.source_namespace.as_ref());
            let port = read_match_port(item.port, &format!("{pointer}/match/{index}"), reader);
            matches.push((Vec::new(), port, stream_gateways(item.gateways, in_mesh)));
        }
        tcp.push(read_stream(matches, route.route, &pointer, reader));
    }
    let (gateways, export_to) = (texts(spec.gateways), texts(spec.export_to));
    Some(VirtualServiceRecord { hosts, gateways, export_to, http, tls, tcp, created: created(raw) })
}

/// Whether a match asks for a source that a client outside the mesh cannot be.
fn is_in_mesh(labels: Option<&std::collections::BTreeMap<String, String>>, namespace: Option<&String>) -> bool {
    labels.is_some_and(|labels| !labels.is_empty()) || namespace.is_some_and(|namespace| !namespace.is_empty())
}

/// The gateways of a match of connections; sources in the mesh come by the mesh only.
fn stream_gateways(gateways: Option<Vec<String>>, in_mesh: bool) -> Vec<SmolStr> {
    if in_mesh { vec![SmolStr::new_static(MESH)] } else { texts(gateways) }
}

fn read_match_port(port: Option<i64>, pointer: &str, reader: &mut Reader<'_>) -> Option<u16> {
    port.filter(|port| *port != 0).and_then(|port| reader.port(port, &format!("{pointer}/port")))
}

fn read_stream(
    matches: Vec<(Vec<SmolStr>, Option<u16>, Vec<SmolStr>)>,
    route: Option<Vec<api::StreamDestination>>,
    pointer: &str,
    reader: &mut Reader<'_>,
) -> IstioStreamRoute {
    if route.as_ref().is_none_or(Vec::is_empty) {
        reader.warn(format!("{pointer}/route"), "at least one destination must be given");
    }
    let route = route.unwrap_or_default().into_iter().map(|item| (item.destination, item.weight));
    IstioStreamRoute { matches, destinations: read_destinations(route.collect(), &format!("{pointer}/route"), reader) }
}

fn read_destinations(items: Vec<(Option<api::Destination>, Option<i64>)>, pointer: &str, reader: &mut Reader<'_>) -> Vec<IstioDestination> {
    let is_single = items.len() == 1;
    let mut read = Vec::new();
    for (index, (destination, weight)) in items.into_iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        let destination = destination.unwrap_or_default();
        let name = reader.required(destination.host, "the destination's host", &format!("{pointer}/destination/host"));
        let name = name.to_ascii_lowercase();
        if name.starts_with('*') {
            reader.warn(format!("{pointer}/destination/host"), format!("{name:?} has a wildcard, and one name must be given"));
        } else {
            let besides = host::Besides { all: false, addresses: true };
            host::check(&name, &format!("{pointer}/destination/host"), besides, reader);
        }
        let number = destination.port.and_then(|port| port.number);
        let port = number.and_then(|number| reader.port(number, &format!("{pointer}/destination/port/number")));
        let weight = weight.map_or(0, |weight| reader.weight(weight, u32::MAX, &format!("{pointer}/weight")));
        let weight = if is_single { 1 } else { weight };
        read.push(IstioDestination { host: name.into(), subset: destination.subset.unwrap_or_default().into(), port, weight });
    }
    if !read.is_empty() && read.iter().all(|destination| destination.weight == 0) {
        reader.warn(pointer, "no destination has a weight; requests go nowhere");
    }
    read
}

pub(super) fn read_destination_rule(raw: &Value, reader: &mut Reader<'_>) -> Option<DestinationRuleRecord> {
    let spec: api::DestinationRuleSpec = spec(raw, reader)?;
    let name = reader.required(spec.host, "the host", "/spec/host").to_ascii_lowercase();
    host::check(&name, "/spec/host", host::Besides { all: true, addresses: false }, reader);
    let mut subsets: Vec<(SmolStr, _)> = Vec::new();
    for (index, subset) in spec.subsets.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/subsets/{index}/name");
        let name = reader.required(subset.name, "the subset's name", &pointer);
        if subsets.iter().any(|(other, _)| *other == name) {
            reader.warn(pointer, format!("another subset is named {name:?} too"));
        }
        subsets.push((name, Reader::labels(subset.labels)));
    }
    Some(DestinationRuleRecord { host: name.into(), subsets, export_to: texts(spec.export_to) })
}
