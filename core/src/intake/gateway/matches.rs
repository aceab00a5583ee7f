//! What requests a rule of an HTTPRoute or GRPCRoute takes.
//!
//! A match that cannot be compared takes nothing. The rule that is left without any takes nothing either, and not everything.

use smol_str::SmolStr;

use super::api;
use crate::intake::Reader;
use crate::record::{PathMatch, RouteMatch, TextMatch, ValueMatch};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The matches of a rule; `None` where there are some and none can be compared.
pub(super) fn read_all<M>(
    matches: Option<Vec<M>>,
    pointer: &str,
    reader: &mut Reader<'_>,
    read: impl Fn(M, &str, &mut Reader<'_>) -> Option<RouteMatch>,
) -> Option<Vec<RouteMatch>> {
    let matches = matches.unwrap_or_default();
    let takes_all = matches.is_empty();
    let numbered = matches.into_iter().enumerate();
    let read: Vec<RouteMatch> = numbered.filter_map(|(index, item)| read(item, &format!("{pointer}/matches/{index}"), reader)).collect();
    (takes_all || !read.is_empty()).then_some(read)
}

pub(super) fn read_http(item: api::HttpMatch, pointer: &str, reader: &mut Reader<'_>) -> Option<RouteMatch> {
    let path = read_path(item.path.unwrap_or_default(), &format!("{pointer}/path"), reader);
    let method = item.method.unwrap_or_default();
    if !method.is_empty() && !METHODS.contains(&method.as_str()) {
        reader.warn(format!("{pointer}/method"), format!("unknown method {method:?}; known are {}", METHODS.join(", ")));
    }
    let headers = read_values(item.headers, true, &format!("{pointer}/headers"), reader);
    let query = read_values(item.query_params, false, &format!("{pointer}/queryParams"), reader);
    Some(RouteMatch { path: Some(path?), method: method.into(), headers: headers?, query: query? })
}

fn read_path(path: api::TypedValue, pointer: &str, reader: &mut Reader<'_>) -> Option<PathMatch> {
    let text = path.value.unwrap_or_else(|| "/".to_owned());
    let path = match path.type_.as_deref() {
        None | Some("PathPrefix") => PathMatch::Prefix(text.into()),
        Some("Exact") => PathMatch::Exact(text.into()),
        Some("RegularExpression") => PathMatch::Expression(text.into()),
        Some(other) => {
            let known = "Exact, PathPrefix, RegularExpression";
            reader.warn(format!("{pointer}/type"), format!("unknown type {other:?}; known are {known}; the match takes nothing"));
            return None;
        }
    };
    if let PathMatch::Exact(text) | PathMatch::Prefix(text) = &path {
        if !text.starts_with('/') {
            reader.warn(format!("{pointer}/value"), format!("{text:?} does not begin with a slash"));
        }
        let lower = text.to_ascii_lowercase();
        let bad = ["//", "/./", "/../", "%2f", "#"].into_iter().find(|bad| lower.contains(bad));
        let bad = bad.or_else(|| ["/..", "/."].into_iter().find(|bad| lower.ends_with(bad)));
        if let Some(bad) = bad {
            reader.warn(format!("{pointer}/value"), format!("{text:?} has {bad:?} in it, which a server refuses"));
        }
    }
    Some(path)
}

/// Headers or parameters; `None` where one of them cannot be compared.
fn read_values(values: Option<Vec<api::NamedValue>>, are_headers: bool, pointer: &str, reader: &mut Reader<'_>) -> Option<Vec<ValueMatch>> {
    let mut read: Vec<ValueMatch> = Vec::new();
    let mut valid = true;
    for (index, item) in values.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        let name = reader.required(item.name, "the name", &format!("{pointer}/name"));
        let name = if are_headers { SmolStr::from(name.to_ascii_lowercase()) } else { name };
        let text = SmolStr::from(item.value.unwrap_or_default());
        let value = match item.type_.as_deref() {
            None | Some("Exact") => Some(TextMatch::Exact(text)),
            Some("RegularExpression") => Some(TextMatch::Expression(text)),
            Some(other) => {
                let message = format!("unknown type {other:?}; known are Exact, RegularExpression; the match takes nothing");
                reader.warn(format!("{pointer}/type"), message);
                None
            }
        };
        valid &= !name.is_empty() && value.is_some();
        // The first of equal names counts (Gateway API, HTTPHeaderMatch.name and HTTPQueryParamMatch.name).
        if let Some(value) = value.filter(|_| read.iter().all(|other| other.name != name)) {
            read.push(ValueMatch { name, value });
        }
    }
    valid.then_some(read)
}

pub(super) fn read_grpc(item: api::GrpcMatch, pointer: &str, reader: &mut Reader<'_>) -> Option<RouteMatch> {
    let path = match item.method {
        None => Some(None),
        Some(method) => read_method(method, &format!("{pointer}/method"), reader),
    };
    let headers = read_values(item.headers, true, &format!("{pointer}/headers"), reader);
    Some(RouteMatch { path: path?, headers: headers?, ..RouteMatch::default() })
}

/// A method of gRPC as the path that it has in HTTP/2: `/service/method`. The outer `None`: it cannot be compared.
fn read_method(item: api::GrpcMethod, pointer: &str, reader: &mut Reader<'_>) -> Option<Option<PathMatch>> {
    const ANY: &str = "[^/]+";
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (service, method) = (text(item.service), text(item.method));
    if service.is_none() && method.is_none() {
        reader.warn(pointer, "neither a service nor a method is given; it is taken to match all");
        return Some(None);
    }
    match item.type_.as_deref() {
        None | Some("Exact") => {
            for (field, text) in [("service", &service), ("method", &method)] {
                let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '.' && field == "service");
                if let Some(text) = text.as_ref().filter(|text| !text.chars().all(is_valid)) {
                    reader.warn(format!("{pointer}/{field}"), format!("{text:?} is not a name that gRPC has for a {field}"));
                }
            }
            Some(Some(match (service, method) {
                (Some(service), Some(method)) => PathMatch::Exact(format!("/{service}/{method}").into()),
                (Some(service), None) => PathMatch::TextPrefix(format!("/{service}/").into()),
                (None, method) => PathMatch::Expression(format!("/{ANY}/{}", method.unwrap_or_default()).into()),
            }))
        }
        Some("RegularExpression") => {
            let part = |text: Option<String>| text.unwrap_or_else(|| ANY.to_owned());
            Some(Some(PathMatch::Expression(format!("/{}/{}", part(service), part(method)).into())))
        }
        Some(other) => {
            let message = format!("unknown type {other:?}; known are Exact, RegularExpression; the match takes nothing");
            reader.warn(format!("{pointer}/type"), message);
            None
        }
    }
}
