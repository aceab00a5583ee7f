//! HTTP routes of VirtualServices.

use std::collections::BTreeMap;

use serde_json::Value;
use smol_str::SmolStr;

use super::{api, is_in_mesh, read_destinations, read_match_port};
use crate::intake::{Reader, escape, host, texts};
use crate::record::{HeaderChange, IstioHttpRoute, IstioMatch, PathChange, PathMatch, Redirect, TextMatch, ValueMatch};

pub(super) fn read(route: api::HttpRoute, pointer: &str, reader: &mut Reader<'_>) -> IstioHttpRoute {
    let has_route = route.route.as_ref().is_some_and(|route| !route.is_empty());
    let answers = [
        ("route", has_route),
        ("redirect", route.redirect.is_some()),
        ("directResponse", route.direct_response.is_some()),
        ("delegate", route.delegate.is_some()),
    ];
    let given: Vec<&str> = answers.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    if given.len() != 1 {
        let what = if given.is_empty() { "none is given".to_owned() } else { format!("given are {}", given.join(", ")) };
        reader.warn(pointer, format!("exactly one must be given of route, redirect, directResponse, delegate; {what}"));
    }
    let numbered = route.matches.unwrap_or_default().into_iter().enumerate();
    let matches: Vec<IstioMatch> = numbered.map(|(index, item)| read_match(item, &format!("{pointer}/match/{index}"), reader)).collect();
    let rewrite = route.rewrite.unwrap_or_default();
    // HTTPRewrite.uri: what was matched by a prefix loses the prefix only; everything begins with the prefix `/`.
    let is_whole = |item: &IstioMatch| matches!(item.path, Some(PathMatch::Exact(_) | PathMatch::Expression(_)));
    let change = if !matches.is_empty() && matches.iter().all(is_whole) { PathChange::Full } else { PathChange::Prefix };
    let (rewrite_host, _) = read_authority(rewrite.authority, &format!("{pointer}/rewrite/authority"), reader);
    let items = route.route.unwrap_or_default().into_iter().map(|item| (item.destination, item.weight)).collect();
    IstioHttpRoute {
        matches,
        redirect: route.redirect.map(|redirect| read_redirect(redirect, &format!("{pointer}/redirect"), reader)),
        direct_response: route
            .direct_response
            .map(|response| read_status(response.status, &format!("{pointer}/directResponse/status"), reader)),
        delegate: route.delegate.map(|delegate| {
            let name = reader.required(delegate.name, "the VirtualService's name", &format!("{pointer}/delegate/name"));
            (delegate.namespace.unwrap_or_default().into(), name)
        }),
        rewrite_host,
        rewrite_path: rewrite.uri.filter(|uri| !uri.is_empty()).map(|uri| change(uri.into())),
        headers: read_headers(route.headers.and_then(|headers| headers.request).unwrap_or_default()),
        aborts: route.fault.and_then(|fault| fault.abort).is_some_and(|abort| does_abort(&abort)),
        destinations: read_destinations(items, &format!("{pointer}/route"), reader),
    }
}

/// Whether some requests are aborted: all where no percentage is written.
fn does_abort(abort: &Value) -> bool {
    !abort.is_null() && abort.pointer("/percentage").is_none_or(|share| share.get("value").and_then(Value::as_f64).unwrap_or(0.0) > 0.0)
}

fn read_status(status: Option<i64>, pointer: &str, reader: &mut Reader<'_>) -> u16 {
    match status.and_then(|status| u16::try_from(status).ok()).filter(|status| (200..600).contains(status)) {
        Some(status) => status,
        None => {
            let what = status.map_or_else(|| "the status is missing".to_owned(), |status| format!("{status} is not a status"));
            reader.warn(pointer, format!("{what}; it runs from 200 to 599; taken as 500"));
            500
        }
    }
}

fn read_match(item: api::HttpMatch, pointer: &str, reader: &mut Reader<'_>) -> IstioMatch {
    let path = item.uri.and_then(|uri| {
        let pointer = format!("{pointer}/uri");
        let path = match read_text(Some(uri), &pointer, reader)? {
            TextMatch::Exact(text) => PathMatch::Exact(text),
            TextMatch::Prefix(text) => PathMatch::TextPrefix(text),
            TextMatch::Expression(text) => PathMatch::Expression(text),
            TextMatch::Present | TextMatch::Not(_) => return None,
        };
        if let PathMatch::Exact(text) | PathMatch::TextPrefix(text) = &path
            && !text.starts_with('/')
        {
            reader.warn(pointer, format!("{text:?} does not begin with a slash"));
        }
        Some(path)
    });
    let mut part =
        |text: Option<api::StringMatch>, field: &str| text.and_then(|text| read_text(Some(text), &format!("{pointer}/{field}"), reader));
    let (method, authority, scheme) = (part(item.method, "method"), part(item.authority, "authority"), part(item.scheme, "scheme"));
    let mut headers = read_headers_asked(item.headers, &format!("{pointer}/headers"), reader);
    let without = read_headers_asked(item.without_headers, &format!("{pointer}/withoutHeaders"), reader);
    headers.extend(without.into_iter().map(|item| ValueMatch { value: TextMatch::Not(Box::new(item.value)), ..item }));
    IstioMatch {
        path,
        ignore_case: item.ignore_uri_case.unwrap_or(false),
        method,
        authority,
        scheme,
        headers,
        query: read_values(item.query_params, &format!("{pointer}/queryParams"), reader),
        port: read_match_port(item.port, pointer, reader),
        gateways: texts(item.gateways),
        in_mesh: is_in_mesh(item.source_labels.as_ref(), item.source_namespace.as_ref()),
    }
}

/// How a text is compared; `None`, and a warning, where more than one way is given. Nothing at all asks for presence only.
fn read_text(text: Option<api::StringMatch>, pointer: &str, reader: &mut Reader<'_>) -> Option<TextMatch> {
    let text = text.unwrap_or_default();
    let given = [
        text.exact.map(|text| TextMatch::Exact(text.into())),
        text.prefix.map(|text| TextMatch::Prefix(text.into())),
        text.regex.map(|text| TextMatch::Expression(text.into())),
    ];
    let mut given = given.into_iter().flatten();
    let first = given.next();
    if given.next().is_some() {
        reader.warn(pointer, "exactly one must be given of exact, prefix, regex; the first counts");
    }
    Some(match first? {
        // Istio compares by presence where the value is empty.
        TextMatch::Exact(text) | TextMatch::Prefix(text) | TextMatch::Expression(text) if text.is_empty() => TextMatch::Present,
        other => other,
    })
}

fn read_values(values: Option<BTreeMap<String, Option<api::StringMatch>>>, pointer: &str, reader: &mut Reader<'_>) -> Vec<ValueMatch> {
    let read = values.unwrap_or_default().into_iter().map(|(name, text)| {
        let value = read_text(text, &format!("{pointer}/{}", escape(&name)), reader).unwrap_or(TextMatch::Present);
        ValueMatch { name: name.into(), value }
    });
    read.collect()
}

/// Conditions on headers, names in lower case.
fn read_headers_asked(
    headers: Option<BTreeMap<String, Option<api::StringMatch>>>,
    pointer: &str,
    reader: &mut Reader<'_>,
) -> Vec<ValueMatch> {
    let mut read = read_values(headers, pointer, reader);
    read.retain_mut(|item| {
        // HTTPMatchRequest.headers: these keys are passed over.
        let is_ignored = matches!(item.name.as_str(), "uri" | "scheme" | "method" | "authority");
        if is_ignored {
            reader.warn(format!("{pointer}/{}", escape(&item.name)), "Istio passes this key over: it has a field of its own");
        }
        item.name = item.name.to_ascii_lowercase().into();
        !is_ignored
    });
    read
}

/// `host` or `host:port`.
fn read_authority(text: Option<String>, pointer: &str, reader: &mut Reader<'_>) -> (SmolStr, Option<u16>) {
    let text = text.unwrap_or_default().to_ascii_lowercase();
    let (name, port) = match text.rsplit_once(':') {
        // An address of IPv6 has colons of its own, and brackets before a port.
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (text.as_str(), None),
    };
    let number = port.and_then(|port| match port.parse::<i64>() {
        Ok(number) => reader.port(number, pointer),
        Err(_) => {
            reader.warn(pointer, format!("{port:?} is not a port"));
            None
        }
    });
    if !name.starts_with('[') {
        host::check(name, pointer, host::Besides { all: false, addresses: true }, reader);
    }
    (name.into(), number)
}

fn read_redirect(redirect: api::HttpRedirect, pointer: &str, reader: &mut Reader<'_>) -> Redirect {
    let (hostname, own_port) = read_authority(redirect.authority, &format!("{pointer}/authority"), reader);
    let scheme = redirect.scheme.unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "" | "http" | "https") {
        reader.warn(format!("{pointer}/scheme"), format!("unknown scheme {scheme:?}; known are http, https"));
    }
    let port = redirect.port.and_then(|port| reader.port(port, &format!("{pointer}/port")));
    if redirect.port.is_some() && redirect.derive_port.is_some() {
        reader.warn(format!("{pointer}/derivePort"), "a port is given too, and only one of them can be");
    }
    let derived = match redirect.derive_port.as_deref() {
        None | Some("FROM_REQUEST_PORT") => None,
        Some("FROM_PROTOCOL_DEFAULT") => match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        },
        Some(other) => {
            let known = "FROM_PROTOCOL_DEFAULT, FROM_REQUEST_PORT";
            reader.warn(format!("{pointer}/derivePort"), format!("unknown value {other:?}; known are {known}"));
            None
        }
    };
    let code = redirect.redirect_code.filter(|code| *code != 0).unwrap_or(301);
    let status = u16::try_from(code).ok().filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308));
    if status.is_none() {
        let message = format!("unknown status {code}; known are 301, 302, 303, 307, 308; taken as 301");
        reader.warn(format!("{pointer}/redirectCode"), message);
    }
    Redirect {
        scheme: scheme.into(),
        hostname,
        port: port.or(own_port).or(derived),
        path: redirect.uri.filter(|uri| !uri.is_empty()).map(|uri| PathChange::Full(uri.into())),
        status: status.unwrap_or(301),
    }
}

fn read_headers(operations: api::HeaderOperations) -> HeaderChange {
    let pairs = |map: Option<BTreeMap<String, String>>| {
        map.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase().into(), value.into())).collect()
    };
    let remove = operations.remove.unwrap_or_default().into_iter().map(|name| name.to_ascii_lowercase().into()).collect();
    HeaderChange { set: pairs(operations.set), add: pairs(operations.add), remove }
}
