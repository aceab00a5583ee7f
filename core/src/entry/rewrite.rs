//! What a request becomes on its way: redirects and rewrites (Gateway API HTTPURLRewriteFilter, HTTPRequestRedirectFilter, HTTPPathModifier).

use super::matching::Path;
use super::request::{Request, Rewritten};
use super::table::{Rewrite, Rule, Target};
use crate::record::{HeaderChange, PathChange, PathMatch, Redirect};

/// The `Location` of a redirect. `listener_port` is the port that took the request, 0 where it is not known.
pub(super) fn location(request: &Request, redirect: &Redirect, matched: &Path, listener_port: u16) -> String {
    let scheme = if redirect.scheme.is_empty() { request.scheme.name() } else { redirect.scheme.as_str() };
    let host = if redirect.hostname.is_empty() { request.host.as_str() } else { redirect.hostname.as_str() };
    let usual = if scheme == "https" { 443 } else { 80 };
    // HTTPRequestRedirectFilter.port: that of the redirect's scheme where it has one, else the listener's.
    let taken = if listener_port == 0 { request.to_port() } else { listener_port };
    let port = redirect.port.unwrap_or(if redirect.scheme.is_empty() { taken } else { usual });
    let port = if port == usual { String::new() } else { format!(":{port}") };
    let path = redirect.path.as_ref().map_or_else(|| request.path.clone(), |change| changed(&request.path, change, matched));
    let query = request.path_and_query();
    let query = query.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{scheme}://{host}{port}{path}{query}")
}

/// What a backend sees; `None` where that is what was asked.
pub(super) fn rewritten(request: &Request, rule: &Rule, target: &Target) -> Option<Rewritten> {
    if rule.rewrite == Rewrite::default() && target.rewrite == Rewrite::default() {
        return None;
    }
    let mut seen = Rewritten { host: request.host.clone(), path: request.path.clone(), headers: request.headers.clone() };
    for rewrite in [&rule.rewrite, &target.rewrite] {
        if !rewrite.hostname.is_empty() {
            seen.host = rewrite.hostname.to_string();
        }
        if let Some(change) = &rewrite.path {
            seen.path = changed(&seen.path, change, &rule.matching.path);
        }
        rewrite.headers.iter().for_each(|change| change_headers(&mut seen.headers, change));
    }
    Some(seen)
}

/// Set takes the place of what is there, add appends to it, remove takes it away (HTTPHeaderFilter).
fn change_headers(headers: &mut Vec<(String, String)>, change: &HeaderChange) {
    let find = |headers: &[(String, String)], name: &str| headers.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
    for (name, value) in &change.set {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_string(), value.to_string()));
    }
    for (name, value) in &change.add {
        match find(headers, name).and_then(|index| headers.get_mut(index)) {
            Some((_, known)) => known.push_str(&format!(",{value}")),
            None => headers.push((name.to_string(), value.to_string())),
        }
    }
    for name in &change.remove {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
}

/// A path after a change. The table in HTTPPathModifier says what becomes of slashes.
fn changed(path: &str, change: &PathChange, matched: &Path) -> String {
    let replacement = match change {
        PathChange::Full(path) => return path.to_string(),
        PathChange::Prefix(replacement) => replacement.as_str(),
    };
    match matched {
        Path::Is(PathMatch::TextPrefix(prefix)) | Path::IgnoringCase(PathMatch::TextPrefix(prefix)) => {
            let rest = path.get(prefix.len()..).unwrap_or_default();
            format!("{replacement}{rest}")
        }
        Path::Is(PathMatch::Prefix(prefix)) | Path::IgnoringCase(PathMatch::Prefix(prefix)) => {
            let rest = path.get(prefix.trim_end_matches('/').len()..).unwrap_or_default();
            let new = if rest.is_empty() { replacement.to_owned() } else { format!("{}{rest}", replacement.trim_end_matches('/')) };
            if new.is_empty() { "/".to_owned() } else { new }
        }
        // An exact path is replaced as a whole.
        Path::Is(PathMatch::Exact(_)) | Path::IgnoringCase(PathMatch::Exact(_)) => replacement.to_owned(),
        _ => format!("{}{path}", replacement.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_replaced_as_the_table_of_the_api_says() {
        for (path, prefix, replacement, expected) in [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
        ] {
            let matched = Path::Is(PathMatch::Prefix(prefix.into()));
            assert_eq!(changed(path, &PathChange::Prefix(replacement.into()), &matched), expected, "{path} {prefix} {replacement}");
        }
    }

    #[test]
    fn redirects_keep_what_they_do_not_name() {
        let request = |url: &str| Request::of_url(url).expect("a URL");
        let to = |url: &str, redirect: Redirect, port| location(&request(url), &redirect, &Path::Any, port);
        let https = || Redirect { scheme: "https".into(), status: 301, ..Redirect::default() };
        assert_eq!(to("http://a.example/x?y=1", https(), 80), "https://a.example/x?y=1");
        assert_eq!(to("http://a.example:8080/x", https(), 8080), "https://a.example/x");
        assert_eq!(to("http://a.example:8080/x", Redirect { hostname: "b".into(), ..Redirect::default() }, 8080), "http://b:8080/x");
        assert_eq!(to("http://a.example/x", Redirect { port: Some(8443), ..https() }, 80), "https://a.example:8443/x");
    }
}
