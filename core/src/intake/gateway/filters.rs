//! Filters: what a rule of an HTTPRoute or GRPCRoute does with requests.

use smol_str::SmolStr;

use super::{api, or_default, routes};
use crate::intake::{Reader, host};
use crate::record::{HeaderChange, PathChange, Redirect, RouteFilter, ServicePortRef};

/// The filters of a rule or of a backend. A filter whose contents are missing does nothing, and is left out.
pub(super) fn read_all(filters: Option<Vec<api::Filter>>, is_http: bool, pointer: &str, reader: &mut Reader<'_>) -> Vec<RouteFilter> {
    let mut read = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (index, filter) in filters.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/filters/{index}");
        let name = filter.type_.clone().unwrap_or_default();
        if seen.contains(&name) && !matches!(name.as_str(), "RequestMirror" | "ExtensionRef") {
            reader.warn(&*pointer, format!("a filter {name} is there already, and cannot be repeated"));
        }
        read.extend(read_filter(filter, is_http, &pointer, reader));
        seen.push(name);
    }
    let has = |wanted: fn(&RouteFilter) -> bool| read.iter().any(wanted);
    if has(|filter| matches!(filter, RouteFilter::Redirect(_))) && has(|filter| matches!(filter, RouteFilter::Rewrite { .. })) {
        reader.warn(format!("{pointer}/filters"), "a request can be redirected or rewritten, and not both");
    }
    read
}

fn read_filter(filter: api::Filter, is_http: bool, pointer: &str, reader: &mut Reader<'_>) -> Option<RouteFilter> {
    let given = [
        ("requestHeaderModifier", filter.request_header_modifier.is_some()),
        ("responseHeaderModifier", filter.response_header_modifier.is_some()),
        ("requestMirror", filter.request_mirror.is_some()),
        ("requestRedirect", filter.request_redirect.is_some()),
        ("urlRewrite", filter.url_rewrite.is_some()),
        ("cors", filter.cors.is_some()),
        ("externalAuth", filter.external_auth.is_some()),
        ("extensionRef", filter.extension_ref.is_some()),
    ];
    let field = match filter.type_.as_deref() {
        Some("RequestHeaderModifier") => "requestHeaderModifier",
        Some("ResponseHeaderModifier") => "responseHeaderModifier",
        Some("RequestMirror") => "requestMirror",
        Some("ExtensionRef") => "extensionRef",
        Some("RequestRedirect") if is_http => "requestRedirect",
        Some("URLRewrite") if is_http => "urlRewrite",
        Some("CORS") if is_http => "cors",
        Some("ExternalAuth") if is_http => "externalAuth",
        other => {
            let what = other.map_or_else(|| "the type is missing".to_owned(), |name| format!("unknown type {name:?}"));
            let more = if is_http { ", RequestRedirect, URLRewrite, CORS, ExternalAuth" } else { "" };
            let known = "RequestHeaderModifier, ResponseHeaderModifier, RequestMirror, ExtensionRef";
            reader.warn(format!("{pointer}/type"), format!("{what}; known are {known}{more}; what it does is not known"));
            return Some(RouteFilter::Extension(SmolStr::from(other.unwrap_or("filter without a type"))));
        }
    };
    for (other, is_given) in given {
        if is_given && other != field {
            let message = format!("the filter is a {}, and this has no effect", filter.type_.as_deref().unwrap_or_default());
            reader.warn(format!("{pointer}/{other}"), message);
        } else if !is_given && other == field {
            reader.warn(format!("{pointer}/{field}"), "what the filter does is missing; it is left out");
        }
    }
    match field {
        "requestHeaderModifier" => filter.request_header_modifier.map(|change| RouteFilter::RequestHeaders(read_headers(change))),
        "requestMirror" => filter.request_mirror.map(|mirror| {
            let pointer = format!("{pointer}/requestMirror/backendRef");
            if mirror.backend_ref.is_none() {
                reader.warn(&*pointer, "the backend is missing");
            }
            RouteFilter::Mirror(routes::read_backend(mirror.backend_ref.unwrap_or_default(), Vec::new(), &pointer, reader))
        }),
        "requestRedirect" => filter
            .request_redirect
            .map(|redirect| RouteFilter::Redirect(read_redirect(redirect, &format!("{pointer}/requestRedirect"), reader))),
        "urlRewrite" => filter.url_rewrite.map(|rewrite| {
            let pointer = format!("{pointer}/urlRewrite");
            let hostname = read_host(rewrite.hostname, &format!("{pointer}/hostname"), reader);
            let path = rewrite.path.and_then(|path| read_path(path, &format!("{pointer}/path"), reader));
            RouteFilter::Rewrite { hostname, path }
        }),
        "externalAuth" => filter.external_auth.map(|_| RouteFilter::Extension(SmolStr::new_static("ExternalAuth"))),
        "extensionRef" => filter.extension_ref.map(|target| {
            let name = target.name.unwrap_or_default();
            RouteFilter::Extension(format!("{} {name}", or_default(target.kind, "object")).into())
        }),
        "cors" => filter.cors.map(|_| RouteFilter::Neutral(SmolStr::new_static("CORS"))),
        _ => filter.response_header_modifier.map(|_| RouteFilter::Neutral(SmolStr::new_static("ResponseHeaderModifier"))),
    }
}

fn read_headers(change: api::HeaderModifier) -> HeaderChange {
    let pairs = |headers: Option<Vec<api::Header>>| {
        let pair = |header: api::Header| {
            let name = header.name.unwrap_or_default().to_ascii_lowercase();
            (SmolStr::from(name), SmolStr::from(header.value.unwrap_or_default()))
        };
        headers.unwrap_or_default().into_iter().map(pair).collect()
    };
    let remove = change.remove.unwrap_or_default().into_iter().map(|name| SmolStr::from(name.to_ascii_lowercase())).collect();
    HeaderChange { set: pairs(change.set), add: pairs(change.add), remove }
}

fn read_redirect(redirect: api::RequestRedirect, pointer: &str, reader: &mut Reader<'_>) -> Redirect {
    let scheme = redirect.scheme.unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "" | "http" | "https") {
        reader.warn(format!("{pointer}/scheme"), format!("unknown scheme {scheme:?}; known are http, https"));
    }
    let code = redirect.status_code.unwrap_or(302);
    if !matches!(code, 301 | 302 | 303 | 307 | 308) {
        let message = format!("unknown status {code}; known are 301, 302, 303, 307, 308; taken as 302");
        reader.warn(format!("{pointer}/statusCode"), message);
    }
    Redirect {
        scheme: scheme.into(),
        hostname: read_host(redirect.hostname, &format!("{pointer}/hostname"), reader),
        port: redirect.port.and_then(|port| reader.port(port, &format!("{pointer}/port"))),
        path: redirect.path.and_then(|path| read_path(path, &format!("{pointer}/path"), reader)),
        status: u16::try_from(code).ok().filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308)).unwrap_or(302),
    }
}

/// The host that another becomes: one name.
fn read_host(name: Option<String>, pointer: &str, reader: &mut Reader<'_>) -> SmolStr {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    if name.starts_with('*') {
        reader.warn(pointer, format!("{name:?} has a wildcard, and one name must be given"));
    } else {
        host::check(&name, pointer, host::Besides::default(), reader);
    }
    name.into()
}

fn read_path(path: api::PathModifier, pointer: &str, reader: &mut Reader<'_>) -> Option<PathChange> {
    let (full, prefix) = (path.replace_full_path.map(SmolStr::from), path.replace_prefix_match.map(SmolStr::from));
    match (path.type_.as_deref(), full, prefix) {
        (Some("ReplaceFullPath"), Some(full), None) => Some(PathChange::Full(full)),
        (Some("ReplacePrefixMatch"), None, Some(prefix)) => Some(PathChange::Prefix(prefix)),
        (Some(name @ ("ReplaceFullPath" | "ReplacePrefixMatch")), full, prefix) => {
            let field = if name == "ReplaceFullPath" { "replaceFullPath" } else { "replacePrefixMatch" };
            reader.warn(pointer, format!("the type is {name}: {field} must be given, and nothing else"));
            if name == "ReplaceFullPath" { full.map(PathChange::Full) } else { prefix.map(PathChange::Prefix) }
        }
        (other, ..) => {
            let what = other.map_or_else(|| "the type is missing".to_owned(), |name| format!("unknown type {name:?}"));
            reader.warn(format!("{pointer}/type"), format!("{what}; known are ReplaceFullPath, ReplacePrefixMatch; the path stays"));
            None
        }
    }
}

/// The port of a reference to a backend; a Service has to be given one.
pub(super) fn read_port(port: Option<i64>, is_service: bool, pointer: &str, reader: &mut Reader<'_>) -> ServicePortRef {
    match port {
        Some(number) => reader.port(number, pointer).map_or(ServicePortRef::Missing, ServicePortRef::Number),
        None => {
            if is_service {
                reader.warn(pointer, "the port is missing, and a Service has to be given one");
            }
            ServicePortRef::Missing
        }
    }
}
