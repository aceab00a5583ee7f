//! Host names as Gateway API compares them: exact ones, and wildcards that stand for one label and more.

use smol_str::SmolStr;

use super::super::matching::Host;

/// Reads a `hostname`. What has a wildcard elsewhere than in front is a name that nobody asks for.
pub(super) fn parse(name: &str) -> Host {
    match name.strip_prefix('*') {
        _ if name.is_empty() => Host::Any,
        Some(suffix) if suffix.len() > 1 && suffix.starts_with('.') => {
            Host::Beneath { suffix: suffix.to_ascii_lowercase().into(), one_label: false }
        }
        _ => Host::Exact(name.to_ascii_lowercase().into()),
    }
}

/// The names that both take (`HTTPRouteSpec.hostnames`: `*.example.com` takes `a.b.example.com`, and not `example.com`).
fn both(one: &Host, other: &Host) -> Option<Host> {
    match (one, other) {
        (Host::Any, host) | (host, Host::Any) => Some(host.clone()),
        (Host::Exact(a), Host::Exact(b)) => (a == b).then(|| one.clone()),
        (Host::Exact(name), Host::Beneath { suffix, .. }) | (Host::Beneath { suffix, .. }, Host::Exact(name)) => {
            (name.len() > suffix.len() && name.ends_with(suffix.as_str())).then(|| Host::Exact(name.clone()))
        }
        // Suffixes begin with a dot: the one ends in the other label by label.
        (Host::Beneath { suffix: a, .. }, Host::Beneath { suffix: b, .. }) if a.ends_with(b.as_str()) => Some(one.clone()),
        (Host::Beneath { suffix: a, .. }, Host::Beneath { suffix: b, .. }) => b.ends_with(a.as_str()).then(|| other.clone()),
    }
}

/// The hosts of a route, all where it names none.
pub(super) fn of_route(names: &[SmolStr]) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    for host in names.iter().map(|name| parse(name)) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() { vec![Host::Any] } else { hosts }
}

/// What of a route's hosts a listener takes, in the order of the route, each once.
pub(super) fn taken(listener: &Host, route: &[SmolStr]) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    for host in of_route(route).iter().filter_map(|host| both(listener, host)) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// A host as it is written.
pub(super) fn shown(host: &Host) -> String {
    match host {
        Host::Any => "all hosts".to_owned(),
        Host::Exact(name) => name.to_string(),
        Host::Beneath { suffix, .. } => format!("*{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a listener takes of a route, as written; all hosts are `*`.
    fn taken_of(listener: &str, route: &[&str]) -> Vec<String> {
        let route: Vec<SmolStr> = route.iter().map(|name| (*name).into()).collect();
        let hosts = taken(&parse(listener), &route);
        hosts.iter().map(|host| if *host == Host::Any { "*".to_owned() } else { shown(host) }).collect()
    }

    #[test]
    fn a_listener_takes_what_its_host_and_the_routes_have_in_common() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("", &[], &["*"]),
            ("", &["a.example", "*.b.example"], &["a.example", "*.b.example"]),
            ("a.example", &[], &["a.example"]),
            ("*.example", &[], &["*.example"]),
            // gateway-api, HTTPRouteSpec.hostnames.
            ("test.example.com", &["test.example.com"], &["test.example.com"]),
            ("test.example.com", &["*.example.com"], &["test.example.com"]),
            (
                "*.example.com",
                &["*.example.com", "test.example.com", "foo.test.example.com"],
                &["*.example.com", "test.example.com", "foo.test.example.com"],
            ),
            ("*.example.com", &["example.com", "test.example.net"], &[]),
            ("test.example.com", &["other.example.com"], &[]),
            // The narrower of two wildcards is left.
            ("*.com", &["*.example.com"], &["*.example.com"]),
            ("*.foo.example.com", &["*.example.com"], &["*.foo.example.com"]),
            ("*.foo.com", &["*.bar.com"], &[]),
            // Labels count, not letters.
            ("*.ample.com", &["*.example.com", "www.example.com"], &[]),
            ("*.example.com", &[".example.com"], &[]),
            // What comes to the same comes once.
            ("a.example.com", &["*.com", "*.example.com", "a.example.com"], &["a.example.com"]),
            ("A.Example.com", &["a.exAmple.com"], &["a.example.com"]),
            // A bare wildcard is no host name.
            ("", &["*"], &["*"]),
            ("a.example", &["*"], &[]),
        ];
        for (listener, route, expected) in cases {
            assert_eq!(taken_of(listener, route), *expected, "{listener} {route:?}");
        }
        assert_eq!(parse("*"), Host::Exact("*".into()));
    }
}
