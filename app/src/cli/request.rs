//! `portolan request`

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use portolan_core::Warning;
use portolan_core::entry::request::{Answer, At, Backend, Outcome, Request, Rewritten, Scheme};
use portolan_core::peer::Verdict;
use serde::Serialize;

use super::args::{Format, ProtocolArg, RequestArgs};
use super::load::Loaded;
use super::output::{self, Head};

/// How many pods of a backend a line names before it counts the others.
const SHOWN_PODS: usize = 8;

/// How a line begins that is not certain.
const DEPENDS: &str = "depends: ";

#[derive(Serialize)]
struct Answers<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    request: &'a Request,
    answers: &'a [Answer],
    warnings: &'a [Warning],
}

/// Looks at the arguments first: what is wrong with them is said before a cluster is asked for everything.
pub(super) fn run(args: &RequestArgs, load: impl FnOnce() -> Result<Loaded>, out: &mut dyn Write) -> Result<()> {
    let (request, at) = (request(args)?, at(args)?);
    let loaded = &load()?;
    let answers = loaded.analysis.request(&request, &at);
    match args.output {
        Format::Json => {
            let head = Head::new("portolan.request/v1", loaded);
            output::json(out, &Answers { head, request: &request, answers: &answers, warnings: &loaded.warnings })
        }
        Format::Txt => {
            output::notes_to_stderr(loaded, &loaded.warnings);
            writeln!(out, "{}", asked(&request, &at))?;
            answers.iter().try_for_each(|answer| text(&request, answer, out))
        }
    }
}

/// The request that the arguments ask for.
fn request(args: &RequestArgs) -> Result<Request> {
    let mut request = match &args.url {
        Some(url) => Request::of_url(url).map_err(anyhow::Error::msg).with_context(|| format!("{url:?} is no URL to ask for"))?,
        None => of_parts(args)?,
    };
    if !matches!(request.scheme, Scheme::Http | Scheme::Https) {
        let only_http = [("--path", args.path.is_some()), ("--method", args.method.is_some()), ("--header", !args.header.is_empty())];
        let misplaced = only_http.into_iter().chain([("--grpc", args.grpc)]).find(|(_, is_given)| *is_given);
        if let Some((flag, _)) = misplaced {
            bail!("{flag} is for HTTP, and has no place in a request over {}", scheme_name(request.scheme));
        }
        return Ok(request);
    }
    if let Some(method) = &args.method {
        ensure!(is_token(method), "--method takes a word such as GET or POST, and {method:?} is none");
        request.method = method.to_ascii_uppercase();
    }
    if args.grpc {
        "POST".clone_into(&mut request.method);
        request.headers.push(("content-type".to_owned(), "application/grpc".to_owned()));
    }
    for header in &args.header {
        let Some((name, value)) = header.split_once('=') else { bail!("--header takes K=V, and {header:?} has no equals sign") };
        ensure!(is_token(name), "--header takes K=V, and {name:?} is no name of a header");
        ensure!(!name.eq_ignore_ascii_case("host"), "--header {header}: the host goes with --host");
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(request)
}

/// The same, without method and headers, from single flags.
fn of_parts(args: &RequestArgs) -> Result<Request> {
    let is_any = args.host.is_some() || args.path.is_some() || args.port.is_some() || args.listener.is_some();
    ensure!(is_any, "what is asked for is missing: a URL, or --host with --path, or --port");
    let scheme = match (args.protocol, args.tls) {
        (Some(ProtocolArg::Tls), _) => Scheme::Tls,
        (Some(ProtocolArg::Tcp), _) => Scheme::Tcp,
        (Some(ProtocolArg::Udp), _) => Scheme::Udp,
        (Some(ProtocolArg::Http) | None, true) => Scheme::Https,
        (Some(ProtocolArg::Http) | None, false) => Scheme::Http,
    };
    let (host, port_of_host) = host_and_port(args.host.as_deref().unwrap_or_default())?;
    let port = match (args.port, port_of_host) {
        (Some(port), Some(other)) if port != other => {
            bail!("--port {port} is not the port of --host {}", args.host.as_deref().unwrap_or(""))
        }
        (port, other) => port.or(other),
    };
    let mut request = Request { scheme, port, ..Request::default() };
    // Read as a URL would be, whatever it lacks: the same must come of both ways to ask.
    let path = args.path.as_deref().unwrap_or("/");
    let authority = match host.as_str() {
        "" => "any".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    ensure!(path.starts_with('/'), "--path begins with a slash, and {path:?} does not");
    ensure!(!path.contains(['#', ' ']), "--path {path:?} has a character that no request's path has");
    let read = Request::of_url(&format!("http://{authority}{path}"));
    let read = read.map_err(anyhow::Error::msg).with_context(|| format!("--host {host} and --path {path} cannot be read"))?;
    if !host.is_empty() {
        request.host = read.host;
    }
    match scheme {
        Scheme::Http | Scheme::Https => (request.method, request.path, request.query) = (read.method, read.path, read.query),
        Scheme::Tls => ensure!(!request.host.is_empty(), "--protocol tls asks for a name: --host is missing"),
        Scheme::Tcp | Scheme::Udp => {
            let is_known = request.port.is_some() || args.listener.is_some();
            ensure!(is_known, "--protocol {} takes a --port, or a --listener that has one", scheme_name(scheme).to_ascii_lowercase());
        }
    }
    Ok(request)
}

/// `shop.example`, `shop.example:8080`, `[2001:db8::1]:80`, an IPv6 address without brackets.
fn host_and_port(text: &str) -> Result<(String, Option<u16>)> {
    let is_name = !text.contains(['/', '?', '#', '@', ' ', '*']);
    ensure!(is_name, "--host takes a name or an address, with :PORT where it must be, and {text:?} is neither");
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let number = |port: &str| port.parse::<u16>().ok().filter(|port| *port > 0);
    let port = port.map(|port| number(port).with_context(|| format!("--host {text}: {port:?} is no port"))).transpose()?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = inner.unwrap_or(host);
    let is_whole = if inner.is_some() { host.parse::<std::net::Ipv6Addr>().is_ok() } else { !host.contains([':', '[', ']']) };
    ensure!(is_whole, "--host {text}: {host:?} is no name and no address");
    Ok((host.to_owned(), port))
}

/// Whom the arguments ask.
fn at(args: &RequestArgs) -> Result<At> {
    if let Some(class) = &args.ingress_class {
        ensure!(!class.is_empty(), "--ingress-class takes the name of a class, and it is empty");
        return Ok(At::IngressClass(class.into()));
    }
    let Some(gateway) = &args.gateway else { return Ok(At::Any) };
    match gateway.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            let listener = args.listener.as_deref().unwrap_or_default().into();
            Ok(At::Gateway { namespace: namespace.into(), name: name.into(), listener })
        }
        _ => bail!("--gateway takes NAMESPACE/NAME, and not {gateway:?}"),
    }
}

/// Whether a text can be a method or the name of a header (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "HTTP",
        Scheme::Https => "HTTPS",
        Scheme::Tls => "TLS",
        Scheme::Tcp => "TCP",
        Scheme::Udp => "UDP",
    }
}

/// `GET https://shop.example/cart?x=1, at Gateway shop/public`
fn asked(request: &Request, at: &At) -> String {
    let port = request.port.map(|port| format!(":{port}")).unwrap_or_default();
    let host = match request.host.as_str() {
        "" => "*".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let mut text = match request.scheme {
        Scheme::Http | Scheme::Https => {
            let scheme = scheme_name(request.scheme).to_ascii_lowercase();
            format!("{} {scheme}://{host}{port}{}{}", request.method, request.path, query_text(&request.query))
        }
        Scheme::Tls => format!("TLS to {host}{port}"),
        scheme => match (request.host.as_str(), request.port) {
            ("", Some(port)) => format!("{} to port {port}", scheme_name(scheme)),
            _ => format!("{} to {host}{port}", scheme_name(scheme)),
        },
    };
    for (name, value) in &request.headers {
        text.push_str(&format!(", {name}: {value}"));
    }
    match at {
        At::Any => {}
        At::IngressClass(class) => text.push_str(&format!(", at Ingress class {class}")),
        At::Gateway { namespace, name, listener } => {
            text.push_str(&format!(", at Gateway {namespace}/{name}"));
            if !listener.is_empty() {
                text.push_str(&format!(" listener {listener}"));
            }
        }
    }
    text
}

fn query_text(query: &[(String, String)]) -> String {
    let parameters: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) }
}

fn text(request: &Request, answer: &Answer, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}: {}", answer.at, outcome_text(request, answer))?;
    if let Outcome::Backends { backends } = &answer.outcome
        && backends.len() > 1
    {
        for backend in backends {
            writeln!(out, "  {:>3} % {}", backend.percent, backend_text(request, backend))?;
        }
    }
    if let Some(rule) = &answer.rule {
        writeln!(out, "  by {} {}", rule.object, rule.pointer)?;
    }
    if let Some(rewritten) = &answer.rewritten {
        writeln!(out, "  the backend sees {}", rewritten_text(rewritten))?;
    }
    output::hops(out, "  ", &answer.hops)?;
    if !answer.passed_over.is_empty() {
        writeln!(out, "  passed over:")?;
        output::hops(out, "    ", &answer.passed_over)?;
    }
    Ok(())
}

/// What comes of it, in a line that begins with `depends` where something is not certain: the hops tell what.
fn outcome_text(request: &Request, answer: &Answer) -> String {
    let text = match &answer.outcome {
        Outcome::Backends { backends } => match backends.as_slice() {
            [backend] => backend_text(request, backend),
            backends => format!("one of {} backends, by weight", backends.len()),
        },
        Outcome::Redirect { status, location } => format!("redirect {status} to {location}"),
        Outcome::Status { status, or, why } => {
            let others: Vec<String> = or.iter().filter(|other| *other != status).map(ToString::to_string).collect();
            let others = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
            format!("{status}{others}: {why}")
        }
        Outcome::NoConnection { why } => format!("no connection: {why}"),
        Outcome::Unknown { why } => return format!("it cannot be told: {why}"),
    };
    if answer.verdict == Verdict::Depends && !text.starts_with(DEPENDS) { format!("{DEPENDS}{text}") } else { text }
}

fn backend_text(request: &Request, backend: &Backend) -> String {
    let service = backend.service.as_ref().map_or_else(|| "a backend".to_owned(), |key| format!("{} {}", key.kind.name(), key.path()));
    let port = backend.port.map(|port| format!(" port {port}")).unwrap_or_default();
    let is_http = matches!(request.scheme, Scheme::Http | Scheme::Https);
    let what = match (backend.status, backend.verdict) {
        (Some(status), _) if is_http => return format!("{status} for {service}{port}: {}", backend.why),
        (_, Verdict::Denied) => return format!("no connection to {service}{port}: {}", backend.why),
        _ if is_http => "200 from",
        _ => "connected to",
    };
    if backend.verdict == Verdict::Depends {
        return format!("{DEPENDS}{what} {service}{port}: {}", backend.why);
    }
    let n_more = backend.pods.len().saturating_sub(SHOWN_PODS);
    let shown = backend.pods.iter().take(SHOWN_PODS).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    let pods = match backend.pods.len() {
        0 => String::new(),
        1 => format!(": pod {shown}"),
        _ => format!(": pods {shown}{more}"),
    };
    format!("{what} {service}{port}{pods}")
}

fn rewritten_text(rewritten: &Rewritten) -> String {
    let host = if rewritten.host.is_empty() { "*" } else { &rewritten.host };
    let headers: Vec<String> = rewritten.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let headers = if headers.is_empty() { String::new() } else { format!(", with {}", headers.join(", ")) };
    format!("{host}{}{headers}", rewritten.path)
}

#[cfg(test)]
mod tests {
    use portolan_core::analysis::Hop;
    use portolan_core::entry::request::RuleRef;
    use portolan_core::{Kind, ObjectKey};

    use super::*;

    fn backend(name: &str, percent: u32, n_pods: usize) -> Backend {
        Backend {
            service: Some(ObjectKey::new(Kind::Service, "shop", name)),
            port: Some(80),
            percent,
            verdict: Verdict::Allowed,
            status: None,
            why: "policies let it through".to_owned(),
            pods: (0..n_pods).map(|n| format!("shop/{name}-{n}")).collect(),
            pod_ids: Vec::new(),
        }
    }

    fn answer(outcome: Outcome) -> Answer {
        let at = "Gateway shop/public".to_owned();
        let (rule, rewritten, path_id) = (None, None, String::new());
        Answer { at, verdict: Verdict::Allowed, outcome, rule, rewritten, hops: Vec::new(), passed_over: Vec::new(), path_id }
    }

    fn printed(scheme: Scheme, answer: &Answer) -> String {
        let mut out = Vec::new();
        text(&Request { scheme, ..Request::default() }, answer, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_backend_is_told_with_its_pods() {
        let one = |scheme, backend| printed(scheme, &answer(Outcome::Backends { backends: vec![backend] }));
        let expected = "Gateway shop/public: 200 from Service shop/web port 80: pods shop/web-0, shop/web-1\n";
        assert_eq!(one(Scheme::Https, backend("web", 100, 2)), expected);
        assert_eq!(
            one(Scheme::Tcp, backend("web", 100, 1)),
            "Gateway shop/public: connected to Service shop/web port 80: pod shop/web-0\n"
        );
        assert!(one(Scheme::Http, backend("web", 100, 11)).ends_with(", shop/web-7 and 3 more\n"));
        let broken = Backend { verdict: Verdict::Denied, status: Some(503), why: "no pod is ready".to_owned(), ..backend("web", 100, 0) };
        let expected = "Gateway shop/public: 503 for Service shop/web port 80: no pod is ready\n";
        assert_eq!(one(Scheme::Http, broken.clone()), expected);
        let expected = "Gateway shop/public: no connection to Service shop/web port 80: no pod is ready\n";
        assert_eq!(one(Scheme::Udp, broken.clone()), expected);
        let unsure = Backend { verdict: Verdict::Depends, status: None, service: None, port: None, ..broken };
        assert_eq!(one(Scheme::Http, unsure), "Gateway shop/public: depends: 200 from a backend: no pod is ready\n");
        let outcome = Outcome::Backends { backends: vec![backend("web", 100, 1)] };
        let unsure = Answer { verdict: Verdict::Depends, ..answer(outcome) };
        let expected = "Gateway shop/public: depends: 200 from Service shop/web port 80: pod shop/web-0\n";
        assert_eq!(printed(Scheme::Http, &unsure), expected);
    }

    #[test]
    fn an_answer_is_told_from_the_outcome_to_what_was_passed_over() {
        let hop = |kind, verdict| Hop { kind, object: None, pointer: String::new(), verdict, sentence: format!("this is the {kind}") };
        let mut answer = answer(Outcome::Backends { backends: vec![backend("web", 90, 1), backend("canary", 10, 1)] });
        answer.rule = Some(RuleRef { object: ObjectKey::new(Kind::HttpRoute, "shop", "web"), pointer: "/spec/rules/0".to_owned() });
        let headers = vec![("x".to_owned(), "1".to_owned())];
        answer.rewritten = Some(Rewritten { host: "api.internal".to_owned(), path: "/v1".to_owned(), headers });
        answer.hops = vec![hop("class", Verdict::Allowed), hop("policy", Verdict::Depends)];
        answer.passed_over = vec![hop("rule", Verdict::Denied)];
        let expected = "Gateway shop/public: one of 2 backends, by weight
   90 % 200 from Service shop/web port 80: pod shop/web-0
   10 % 200 from Service shop/canary port 80: pod shop/canary-0
  by gateway.networking.k8s.io/v1 HTTPRoute shop/web /spec/rules/0
  the backend sees api.internal/v1, with x: 1
  + class: this is the class
  ? policy: this is the policy
  passed over:
    x rule: this is the rule
";
        assert_eq!(printed(Scheme::Http, &answer), expected);
    }

    #[test]
    fn other_outcomes_are_told_in_a_line() {
        let why = "nobody listens there".to_owned();
        for (outcome, expected) in [
            (Outcome::Redirect { status: 302, location: "https://shop.example/".to_owned() }, "redirect 302 to https://shop.example/"),
            (Outcome::Status { status: 404, or: Vec::new(), why: why.clone() }, "404: nobody listens there"),
            (Outcome::Status { status: 503, or: vec![503, 502, 504], why: why.clone() }, "503 (or 502, 504): nobody listens there"),
            (Outcome::NoConnection { why: why.clone() }, "no connection: nobody listens there"),
            (Outcome::Unknown { why }, "it cannot be told: nobody listens there"),
        ] {
            assert_eq!(printed(Scheme::Http, &answer(outcome)), format!("Gateway shop/public: {expected}\n"));
        }
    }
}
