//! Names in Istio: of hosts, of gateways, of Services, and of the namespaces to which something is exported.

use smol_str::SmolStr;

use super::super::matching::Host;

/// A host as Gateways and VirtualServices write it: `*`, `*.shop.example` (one label and more), or a name.
pub(super) fn host(text: &str) -> Host {
    let text = text.trim_end_matches('.').to_lowercase();
    match text.strip_prefix('*') {
        Some("") => Host::Any,
        Some(suffix) if suffix.starts_with('.') => Host::Beneath { suffix: suffix.into(), one_label: false },
        _ if text.is_empty() => Host::Any,
        _ => Host::Exact(text.into()),
    }
}

/// The hosts that are both: the more specific of the two, where one holds the other (pilot `host.Names.Intersection`).
pub(super) fn both(a: &Host, b: &Host) -> Option<Host> {
    match (a, b) {
        (Host::Any, other) | (other, Host::Any) => Some(other.clone()),
        (Host::Exact(a), Host::Exact(b)) => (a == b).then(|| Host::Exact(a.clone())),
        (Host::Exact(name), Host::Beneath { suffix, .. }) | (Host::Beneath { suffix, .. }, Host::Exact(name)) => {
            (name.len() > suffix.len() && name.ends_with(suffix.as_str())).then(|| Host::Exact(name.clone()))
        }
        (Host::Beneath { suffix: one, .. }, Host::Beneath { suffix: other, .. }) => {
            let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
            long.ends_with(short.as_str()).then(|| Host::Beneath { suffix: long.clone(), one_label: false })
        }
    }
}

/// How specific a host is: more is more.
pub(super) fn rank(host: &Host) -> (u8, usize) {
    match host {
        Host::Any => (0, 0),
        Host::Beneath { suffix, .. } => (1, suffix.len()),
        Host::Exact(name) => (2, name.len()),
    }
}

/// Namespace and name of a gateway as an object in a namespace writes it; `None` for the mesh (pilot `resolveGatewayName`).
pub(super) fn gateway(text: &str, namespace: &SmolStr) -> Option<(SmolStr, SmolStr)> {
    match text.split_once('/') {
        Some((".", name)) => Some((namespace.clone(), name.into())),
        Some((of, name)) => Some((of.into(), name.into())),
        None if text == "mesh" => None,
        None => match text.split('.').collect::<Vec<_>>().as_slice() {
            [name, of, ..] => Some(((*of).into(), (*name).into())),
            _ => Some((namespace.clone(), text.into())),
        },
    }
}

/// Whether an object of a namespace that is exported so is seen in another.
pub(super) fn is_exported(export_to: &[SmolStr], own: &str, to: &str) -> bool {
    let is_meant = |target: &SmolStr| match target.as_str() {
        "*" => true,
        "." => own == to,
        target => target == to,
    };
    export_to.is_empty() || export_to.iter().any(is_meant)
}

/// What a destination's host names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// A Service: namespace and name.
    Service(SmolStr, SmolStr),
    /// A name with a dot that is not whole: Istio takes it as it is, and knows no Service so, but this one may be meant.
    Partly(SmolStr, SmolStr),
    /// Something else: a ServiceEntry's host.
    Other,
}

/// Reads the host of a destination as an object in a namespace writes it (pilot `ResolveShortnameToFQDN`: only a name without a dot
/// is completed).
pub(super) fn service(text: &str, namespace: &SmolStr) -> Named {
    let text = text.trim_end_matches('.').to_lowercase();
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        [name] if !name.is_empty() && *name != "*" => Named::Service(namespace.clone(), (*name).into()),
        [name, of, "svc", "cluster", "local"] => Named::Service((*of).into(), (*name).into()),
        [name, of] | [name, of, "svc"] => Named::Partly((*of).into(), (*name).into()),
        _ => Named::Other,
    }
}

/// The whole name of a host as an object in a namespace writes it.
pub(super) fn whole(text: &str, namespace: &SmolStr) -> String {
    match service(text, namespace) {
        Named::Service(of, name) => format!("{name}.{of}.svc.cluster.local"),
        _ => text.trim_end_matches('.').to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_of_two_hosts_is_what_both_take() {
        let both = |a: &str, b: &str| both(&host(a), &host(b));
        for (a, b, expected) in [
            ("*", "shop.example", Some("shop.example")),
            ("*.example", "Shop.Example", Some("shop.example")),
            ("*.example", "a.shop.example", Some("a.shop.example")),
            ("*.example", "*.shop.example", Some("*.shop.example")),
            ("*.example", "example", None),
            ("*.op.example", "shop.example", None),
            ("a.example", "b.example", None),
        ] {
            assert_eq!(both(a, b), expected.map(host), "{a} {b}");
            assert_eq!(both(b, a), expected.map(host), "{b} {a}");
        }
    }

    #[test]
    fn names_are_completed_with_the_namespace() {
        let own = SmolStr::from("shop");
        let pair = |a: &str, b: &str| Some((SmolStr::from(a), SmolStr::from(b)));
        assert_eq!(gateway("public", &own), pair("shop", "public"));
        assert_eq!(gateway("./public", &own), pair("shop", "public"));
        assert_eq!(gateway("edge/public", &own), pair("edge", "public"));
        assert_eq!(gateway("mesh", &own), None);
        assert_eq!(service("web", &own), Named::Service("shop".into(), "web".into()));
        assert_eq!(service("web.other.svc.cluster.local", &own), Named::Service("other".into(), "web".into()));
        assert_eq!(service("web.other", &own), Named::Partly("other".into(), "web".into()));
        assert_eq!(service("api.partner.example", &own), Named::Other);
        assert!(is_exported(&[], "a", "b") && is_exported(&[".".into()], "a", "a") && !is_exported(&[".".into()], "a", "b"));
        assert!(!is_exported(&["~".into()], "a", "a") && is_exported(&["b".into()], "a", "b"));
    }
}
