//! Annotations by which well-known controllers make an Ingress mean something else: what they do is said, and not guessed.

use crate::analysis::Hop;
use crate::object::ObjectKey;
use crate::peer::Verdict;
use crate::record::IngressRecord;

/// The annotation's name after its prefix, whether its value must be `true`, and what it does to requests.
const TELLING: &[(&str, bool, &str)] = &[
    ("canary", true, "it is a canary: it takes a part of the requests of the Ingress of the same host and path"),
    ("use-regex", true, "its paths are regular expressions"),
    ("permanent-redirect", false, "it answers with another address"),
    ("temporal-redirect", false, "it answers with another address"),
    ("from-to-www-redirect", true, "it sends www and the bare name to each other"),
    ("app-root", false, "requests for / are sent elsewhere"),
    ("whitelist-source-range", false, "it takes requests from some addresses only"),
    ("allowlist-source-range", false, "it takes requests from some addresses only"),
    ("denylist-source-range", false, "it refuses requests from some addresses"),
    ("auth-url", false, "another service is asked before a request goes on"),
    ("auth-type", false, "it asks for a name and a password"),
    ("auth-tls-secret", false, "it asks for a client's certificate"),
    ("server-snippet", false, "it adds to the server's configuration by hand"),
    ("configuration-snippet", false, "it adds to the server's configuration by hand"),
    ("location-snippets", false, "it adds to the server's configuration by hand"),
    ("server-snippets", false, "it adds to the server's configuration by hand"),
    ("router.middlewares", false, "middlewares change or refuse requests"),
    ("plugins", false, "plugins change or refuse requests"),
    ("inbound-cidrs", false, "it takes requests from some addresses only"),
];

/// What the annotations of an Ingress make uncertain.
pub(super) fn hops(key: &ObjectKey, ingress: &IngressRecord) -> Vec<Hop> {
    let told = ingress.annotations.iter().filter_map(|(name, value)| {
        // `actions.NAME` and `conditions.NAME` of the AWS controller belong to one backend each.
        let is_of_backend = name.starts_with("actions.") || name.starts_with("conditions.");
        let what = match TELLING.iter().find(|(known, ..)| *known == name.as_str()) {
            Some((_, must_be_true, what)) if !must_be_true || value == "true" => what,
            None if is_of_backend => "its controller answers by itself or on more conditions",
            _ => return None,
        };
        Some(Hop {
            kind: "annotation",
            object: Some(key.clone()),
            pointer: "/metadata/annotations".to_owned(),
            verdict: Verdict::Depends,
            sentence: format!("annotation {name}: {what}"),
        })
    });
    told.collect()
}

/// Whether the paths are regular expressions for a controller that would read prefixes else.
pub(super) fn has_expressions(ingress: &IngressRecord) -> bool {
    let is = |wanted: &str, value: &str| ingress.annotations.iter().any(|(name, is)| name == wanted && (value.is_empty() || is == value));
    is("use-regex", "true") || is("rewrite-target", "")
}

/// Whether clear text is sent to https by choice of the Ingress: `Some(false)` where it says no.
pub(super) fn tls_redirect(ingress: &IngressRecord) -> Option<bool> {
    ingress.annotations.iter().find(|(name, _)| name == "ssl-redirect" || name == "force-ssl-redirect").map(|(_, value)| value == "true")
}
