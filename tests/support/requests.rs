//! Requests from outside as lines, and what they are expected to get.
//!
//! ```text
//! request GET https://shop.example/cart?x=1 header Version=one at Gateway shop/public: 200 from shop/web:80
//! request GET http://shop.example/ at class nginx: 200 from shop/web:80 90%, 500 10%
//! request GET http://shop.example/old: 200 from shop/web:80 as api.internal/new
//! request GET http://shop.example/none: 404 because no rule of Gateway shop/public takes /none
//! request GET http://shop.example/dead: 503 because Service shop/dead
//! request GET http://shop.example/login: redirect 302 to https://shop.example/login
//! request GET http://shop.example/regex: depends because Ingress shop/web /metadata/annotations
//! request TCP 5432 at Gateway shop/public listener db: connected to shop/db:5432
//! request TLS db.example:8443: no connection because nothing listens there
//! ```
//!
//! A request must have one answer: where several take it, `at` says which is meant. All backends that get a share are named; one that does
//! not answer has its status in front, and may have no name. What follows `because` is the sentence of the outcome, or what a hop or a rule
//! that was passed over says, by sentence or by place.

use portolan_core::analysis::Analysis;
use portolan_core::entry::request::{Answer, At, Backend, Outcome, Request, Scheme};
use portolan_core::peer::Verdict;

use crate::semantics::{hop_text, is_suffix, place, says};

/// Checks a line, without its first word.
///
/// # Errors
/// A sentence on what does not hold, or cannot be read.
pub fn check(analysis: &Analysis, line: &str) -> Result<(), String> {
    let (question_text, answer) =
        line.split_once(": ").ok_or_else(|| format!("{line:?} is not of the form `request WHAT [at WHOM]: ANSWER`"))?;
    let (request, at) = question(question_text)?;
    compare(&analysis.request(&request, &at), answer).map_err(|error| format!("{question_text}: {error}"))
}

/// The request that a line puts, and to whom.
///
/// # Errors
/// What cannot be read.
pub fn question(text: &str) -> Result<(Request, At), String> {
    let mut words = text.split_whitespace();
    let missing = || format!("{text:?} lacks a word");
    let method = words.next().ok_or_else(missing)?;
    let target = words.next().ok_or_else(missing)?;
    let port_of = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is no port"));
    let mut request = match method {
        "TCP" | "UDP" => {
            let scheme = if method == "TCP" { Scheme::Tcp } else { Scheme::Udp };
            Request { scheme, port: Some(port_of(target)?), ..Request::default() }
        }
        "TLS" => {
            let (host, port) = target.split_once(':').map_or((target, None), |(host, port)| (host, Some(port)));
            Request { scheme: Scheme::Tls, host: host.to_owned(), port: port.map(port_of).transpose()?, ..Request::default() }
        }
        method => Request { method: method.to_owned(), ..Request::of_url(target)? },
    };
    let mut at = At::Any;
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(missing)?;
        match (word, value, &mut at) {
            ("header", header, _) => {
                let (name, value) = header.split_once('=').ok_or_else(|| format!("header {header:?} has no equals sign"))?;
                request.headers.push((name.to_owned(), value.to_owned()));
            }
            ("at", "class", _) => at = At::IngressClass(words.next().ok_or_else(missing)?.into()),
            ("at", "Gateway", _) => {
                let path = words.next().ok_or_else(missing)?;
                let (namespace, name) = path.split_once('/').ok_or_else(|| format!("Gateway {path:?} is not NAMESPACE/NAME"))?;
                at = At::Gateway { namespace: namespace.into(), name: name.into(), listener: "".into() };
            }
            ("listener", name, At::Gateway { listener, .. }) => *listener = name.into(),
            _ => return Err(format!("{word:?} has no place in {text:?}")),
        }
    }
    Ok((request, at))
}

/// What a line expects.
#[derive(Debug, PartialEq, Eq)]
enum Expected<'a> {
    /// All backends that get a share.
    Backends(Vec<Share<'a>>),
    /// A status that no backend gives, or that one gives which does not answer.
    Status(u16),
    /// A redirect.
    Redirect(u16, &'a str),
    /// Nobody can tell for certain.
    Depends,
    /// No connection.
    NoConnection,
}

/// One backend of a line: `200 from shop/web:80 90%`.
#[derive(Debug, PartialEq, Eq)]
struct Share<'a> {
    status: u16,
    backend: Option<&'a str>,
    percent: Option<u32>,
}

fn expected(text: &str) -> Result<Expected<'_>, String> {
    let unknown = || format!("{text:?} is no answer to a request");
    match text {
        "depends" => return Ok(Expected::Depends),
        "no connection" => return Ok(Expected::NoConnection),
        _ => {}
    }
    if let Some(redirect) = text.strip_prefix("redirect ") {
        let (status, location) = redirect.split_once(" to ").ok_or_else(unknown)?;
        return Ok(Expected::Redirect(status.parse().map_err(|_| unknown())?, location));
    }
    let mut shares = Vec::new();
    let mut status = 200;
    for part in text.split(", ") {
        let mut share = Share { status, backend: None, percent: None };
        let mut words = part.split(' ');
        while let Some(word) = words.next() {
            if let Ok(number) = word.parse() {
                (share.status, status) = (number, number);
            } else if let Some(percent) = word.strip_suffix('%') {
                share.percent = Some(percent.parse().map_err(|_| unknown())?);
            } else if word == "from" || (word == "connected" && words.next() == Some("to")) {
                share.backend = Some(words.next().ok_or_else(unknown)?);
            } else {
                return Err(unknown());
            }
        }
        shares.push(share);
    }
    match shares.as_slice() {
        [Share { status, backend: None, percent: None }] => Ok(Expected::Status(*status)),
        _ => Ok(Expected::Backends(shares)),
    }
}

/// Holds answers against what a line expects.
///
/// # Errors
/// A sentence on what does not hold, or cannot be read.
pub fn compare(answers: &[Answer], text: &str) -> Result<(), String> {
    let (what, reason) = text.split_once(" because ").map_or((text, None), |(what, reason)| (what, Some(reason)));
    let (what, seen_as) = what.split_once(" as ").map_or((what, None), |(what, seen)| (what, Some(seen)));
    let expected = expected(what)?;
    let answer = match answers {
        [answer] => answer,
        [] => return Err("there is no answer".to_owned()),
        many => return Err(format!("{} answers, and `at` does not say which: {}", many.len(), many.iter().map(told).collect::<String>())),
    };
    let is_certain = answer.verdict != Verdict::Depends;
    let holds = match (&expected, &answer.outcome) {
        (Expected::Backends(shares), Outcome::Backends { backends }) => {
            let is_of = |share: &Share<'_>| backends.iter().any(|backend| fits(share, backend));
            // Where some answer and some do not, it depends on which of them gets the request.
            let is_mixed = shares.iter().any(|share| share.status != 200) && shares.iter().any(|share| share.status == 200);
            shares.len() == backends.len() && shares.iter().all(is_of) && (is_certain || is_mixed)
        }
        (Expected::Depends, _) => !is_certain,
        _ if !is_certain => false,
        (Expected::Status(expected), Outcome::Status { status, or, .. }) => expected == status || or.contains(expected),
        (Expected::Status(expected), Outcome::Backends { backends }) => {
            !backends.is_empty() && backends.iter().all(|backend| backend.status.or(ok(backend)) == Some(*expected))
        }
        (Expected::Redirect(expected, to), Outcome::Redirect { status, location }) => expected == status && to == location,
        (Expected::NoConnection, Outcome::NoConnection { .. }) => true,
        _ => false,
    };
    if !holds {
        return Err(format!("not {what}, but {}", told(answer)));
    }
    let seen = answer.rewritten.as_ref().map(|rewritten| format!("{}{}", rewritten.host, rewritten.path));
    if seen_as.is_some() && seen.as_deref() != seen_as {
        return Err(format!("the backend does not see {}, but {seen:?}", seen_as.unwrap_or_default()));
    }
    match reason {
        Some(reason) if !gives(answer, reason) => Err(format!("not because {reason}: {}", told(answer))),
        _ => Ok(()),
    }
}

/// The status of a backend that answers.
fn ok(backend: &Backend) -> Option<u16> {
    (backend.verdict == Verdict::Allowed).then_some(200)
}

fn fits(share: &Share<'_>, backend: &Backend) -> bool {
    let named = backend.service.as_ref().zip(backend.port).map(|(service, port)| format!("{}:{port}", service.path()));
    backend.status.or(ok(backend)) == Some(share.status)
        && share.percent.is_none_or(|percent| percent == backend.percent)
        && share.backend.is_none_or(|name| named.as_deref() == Some(name))
}

/// Whether an answer has this reason.
fn gives(answer: &Answer, reason: &str) -> bool {
    let is_outcomes = match &answer.outcome {
        Outcome::Status { why, .. } | Outcome::NoConnection { why } | Outcome::Unknown { why } => why == reason,
        Outcome::Backends { backends } => backends.iter().any(|backend| backend.why == reason),
        Outcome::Redirect { .. } => false,
    };
    is_outcomes
        || answer.rule.as_ref().is_some_and(|rule| is_suffix(reason, &place(&rule.object, &rule.pointer)))
        || answer.hops.iter().chain(&answer.passed_over).any(|hop| says(hop, reason))
}

/// An answer, for a person whose expectation does not hold.
fn told(answer: &Answer) -> String {
    let hops = answer.hops.iter().map(hop_text).collect::<Vec<_>>().join("; ");
    let passed_over = answer.passed_over.iter().map(hop_text).collect::<Vec<_>>().join("; ");
    format!("{}: {} {:?}; the hops are {hops}; passed over: {passed_over}\n", answer.at, answer.verdict, answer.outcome)
}

#[cfg(test)]
mod tests {
    use portolan_core::analysis::Hop;
    use portolan_core::entry::request::Rewritten;
    use portolan_core::{Kind, ObjectKey};

    use super::*;

    fn answer(verdict: Verdict, outcome: Outcome) -> Answer {
        let hop = Hop {
            kind: "service",
            object: Some(ObjectKey::new(Kind::Service, "shop", "dead")),
            pointer: "/spec".to_owned(),
            verdict,
            sentence: "nobody is there".to_owned(),
        };
        let (at, path_id) = ("Gateway shop/public".to_owned(), String::new());
        Answer { at, verdict, outcome, rule: None, rewritten: None, hops: vec![hop], passed_over: Vec::new(), path_id }
    }

    fn backend(name: &str, percent: u32, status: Option<u16>) -> Backend {
        let verdict = if status.is_some() { Verdict::Denied } else { Verdict::Allowed };
        let service = Some(ObjectKey::new(Kind::Service, "shop", name));
        Backend { service, port: Some(80), percent, verdict, status, why: "why".to_owned(), pods: Vec::new(), pod_ids: Vec::new() }
    }

    #[test]
    fn what_is_asked_and_of_whom() {
        let gateway = |listener: &str| At::Gateway { namespace: "shop".into(), name: "public".into(), listener: listener.into() };
        let (request, at) = question("TCP 5432 at Gateway shop/public listener db").unwrap();
        assert_eq!((request.scheme, request.port, at), (Scheme::Tcp, Some(5432), gateway("db")));
        let (request, at) = question("TLS db.example:8443 at Gateway shop/public").unwrap();
        assert_eq!((request.scheme, request.host.as_str(), request.port, at), (Scheme::Tls, "db.example", Some(8443), gateway("")));
        let (request, at) = question("UDP 53 header a=b=c at class nginx").unwrap();
        assert_eq!((request.headers, at), (vec![("a".to_owned(), "b=c".to_owned())], At::IngressClass("nginx".into())));
        for wrong in ["TCP", "TCP port", "TLS a at", "TLS a at Gateway public", "TLS a at house x", "TLS a header b", "TLS a listener b"] {
            assert!(question(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let one = answer(Verdict::Allowed, Outcome::Backends { backends: vec![backend("web", 100, None)] });
        let two = vec![backend("web", 90, None), backend("dead", 10, Some(500))];
        let two = answer(Verdict::Depends, Outcome::Backends { backends: two });
        let dead = answer(Verdict::Denied, Outcome::Backends { backends: vec![backend("dead", 100, Some(503))] });
        let status = answer(Verdict::Denied, Outcome::Status { status: 503, or: vec![502], why: "it is broken".to_owned() });
        let unsure = answer(Verdict::Depends, Outcome::Status { status: 504, or: Vec::new(), why: "it may be".to_owned() });
        let redirect = answer(Verdict::Allowed, Outcome::Redirect { status: 302, location: "https://a/".to_owned() });
        let none = answer(Verdict::Denied, Outcome::NoConnection { why: "it is closed".to_owned() });
        let rewritten = Rewritten { host: "api".to_owned(), path: "/new".to_owned(), headers: Vec::new() };
        let seen = Answer { rewritten: Some(rewritten), ..one.clone() };
        for (answer, holding, wrong) in [
            (
                &one,
                &["200 from shop/web:80", "connected to shop/web:80", "200", "200 from shop/web:80 because Service shop/dead /spec"][..],
                &[
                    "200 from shop/web:81",
                    "200 from shop/web:80, 200 from shop/b:80",
                    "503",
                    "200 from shop/web:80 because of it",
                    "depends",
                    "200 from shop/web:80 as api/new",
                    "so so",
                ][..],
            ),
            (
                &two,
                &["200 from shop/web:80 90%, 500 10%", "200 from shop/web:80, 500 from shop/dead:80", "depends"],
                &["200 from shop/web:80 91%, 500 10%", "200 from shop/web:80", "200", "from shop/web:80, from shop/dead:80"],
            ),
            (&dead, &["503", "503 because nobody is there", "503 because why", "503 from shop/dead:80 100%"], &["502", "200"]),
            (&status, &["503", "502", "503 because it is broken"], &["404", "503 because it is fine", "503 from shop/dead:80"]),
            (&unsure, &["depends", "depends because it may be"], &["504", "depends because it is"]),
            (&redirect, &["redirect 302 to https://a/"], &["redirect 301 to https://a/", "redirect 302 to https://b/", "200", "redirect"]),
            (&none, &["no connection", "no connection because it is closed"], &["no connection because it is open", "404"]),
            (&seen, &["200 from shop/web:80 as api/new"], &["200 from shop/web:80 as api/old"]),
        ] {
            for text in holding {
                assert_eq!(compare(std::slice::from_ref(answer), text), Ok(()), "{text}");
            }
            for text in wrong {
                assert!(compare(std::slice::from_ref(answer), text).is_err(), "{text}");
            }
        }
        assert!(compare(&[], "404").is_err());
        assert!(compare(&[one.clone(), one], "200 from shop/web:80").is_err());
    }
}
