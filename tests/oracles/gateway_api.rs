//! Gateway API: the requests of its conformance tests, and the backend or the status that answers each.

use std::collections::BTreeMap;
use std::path::Path;

use portolan_core::analysis::Analysis;
use portolan_core::assumptions::Assumptions;
use portolan_core::entry::request::{Answer, At, Backend, Outcome, Request, Scheme};
use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::{Value, json};

const CLASS: &str = "conformance";
/// The namespace of whatever names none.
const NAMESPACE: &str = "gateway-conformance-infra";
/// The address of every Gateway, which is the host of requests that name none.
const ADDRESS: &str = "192.0.2.1";
/// The call of the echo service, without the method.
const ECHO: &str = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/";

/// What a test expects.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// This Service answers, `namespace/name`, and no other.
    Service(String),
    /// These Services do, each with its share in percent.
    Shares(BTreeMap<String, u32>),
    /// Some backend does.
    SomeBackend,
    /// One of these statuses.
    Status(Vec<u16>),
    /// A redirect with this status, to an address with these parts.
    Redirect(u16, Value),
}

/// One question with its answer.
struct Question {
    request: Request,
    expected: Expected,
}

/// The objects of a test, and what is computed of them.
struct Case {
    objects: Vec<Value>,
    /// Those of the test's own files.
    own: Vec<Value>,
    analysis: Analysis,
}

impl Case {
    fn load(root: &Path, manifests: &[Value]) -> Self {
        let read = |file: &str| {
            let path = root.join(file);
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut objects = fixture::documents(&text.replace("{GATEWAY_CLASS_NAME}", CLASS));
            objects.retain(|object| object.get("kind").is_some());
            assert!(!objects.is_empty(), "{} holds objects", path.display());
            objects
        };
        let own: Vec<Value> = manifests.iter().filter_map(Value::as_str).flat_map(read).collect();
        let mut objects = vec![json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": CLASS},
            "spec": {"controllerName": "example.com/gateway"},
            "status": {"conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": null}]}
        })];
        objects.extend(read("base/manifests.yaml"));
        objects.extend(own.iter().cloned());
        let analysis = fixture::analysis(&objects, Assumptions::default());
        Self { objects, own, analysis }
    }

    fn own_of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.own.iter().filter(move |object| text(object, "kind") == kind)
    }

    /// The listeners of a Gateway, and then those of its ListenerSets.
    fn listeners(&self, namespace: &str, name: &str) -> Vec<&Value> {
        let is_it = |object: &&Value| {
            text(object, "kind") == "Gateway" && object["metadata"]["name"] == name && object["metadata"]["namespace"] == namespace
        };
        let is_set = |object: &&Value| text(object, "kind").ends_with("ListenerSet") && object["spec"]["parentRef"]["name"] == name;
        let gateway = self.objects.iter().find(is_it).unwrap_or_else(|| panic!("there is a Gateway {namespace}/{name}"));
        let sets = self.objects.iter().filter(is_set);
        std::iter::once(gateway).chain(sets).flat_map(|object| list(&object["spec"], "listeners")).collect()
    }
}

/// The Gateway that a request is for, and the listener whose port it is sent to where one is named.
fn gateway_of(entry: &Value, case: &Case) -> (String, String, String) {
    let place = text(entry, "gateway").trim_start_matches("gw:");
    if let Some((namespace, name)) = place.split_once('/').filter(|_| !place.starts_with('{')) {
        return (namespace.to_owned(), name.to_owned(), String::new());
    }
    if place.is_empty() {
        let mut gateways = case.own_of_kind("Gateway");
        let gateway = gateways.next().expect("the test has a Gateway of its own");
        assert!(gateways.next().is_none(), "{}: only one", text(entry, "test"));
        let meta = &gateway["metadata"];
        return (text(meta, "namespace").to_owned(), text(meta, "name").to_owned(), String::new());
    }
    let reference: Value = serde_json::from_str(place).expect("a reference in JSON");
    let listener = list(&reference, "Listeners").first().and_then(Value::as_str).unwrap_or_default();
    let target = &reference["Ref"];
    (text(target, "Namespace").to_owned(), text(target, "Name").to_owned(), listener.to_owned())
}

/// The function that a test calls: `http`, `tls`, `tcp` or `grpc`.
fn protocol(entry: &Value) -> &str {
    text(entry, "fn").split('.').next().unwrap_or_default()
}

/// Where a request is sent to: what the client speaks, and the port.
fn scheme_and_port(entry: &Value, listeners: &[&Value], named: &str, host: &str, port_of_host: Option<u16>) -> (Scheme, u16) {
    let spoken: &[&str] = match protocol(entry) {
        "tls" => &["HTTPS", "TLS"],
        "tcp" => &["TCP", "TLS"],
        _ => &["HTTP"],
    };
    let fitting: Vec<&&Value> = listeners.iter().filter(|listener| spoken.contains(&text(listener, "protocol"))).collect();
    let port = |listener: &Value| listener["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a listener has a port");
    let by_port = fitting.iter().find(|listener| port_of_host == Some(port(listener)));
    let by_name = fitting.iter().find(|listener| !named.is_empty() && text(listener, "name") == named);
    let by_host = fitting.iter().find(|listener| text(listener, "hostname") == host);
    let found = by_port.or(by_name).or(by_host).or(fitting.first()).unwrap_or_else(|| panic!("no listener for {entry}"));
    let scheme = match text(found, "protocol") {
        "HTTPS" => Scheme::Https,
        "TLS" => Scheme::Tls,
        "TCP" => Scheme::Tcp,
        _ => Scheme::Http,
    };
    (scheme, port(found))
}

/// `very.specific.com:1234`
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    text.split_once(':').map_or((text, None), |(host, port)| (host, port.parse().ok()))
}

/// An HTTP request as a test writes it, without scheme and port.
fn http_request(asked: &Value) -> Request {
    let (path, query) = text(asked, "Path").split_once('?').unwrap_or((text(asked, "Path"), ""));
    let query = query.split('&').filter_map(|parameter| parameter.split_once('='));
    let headers = asked["Headers"].as_object().into_iter().flatten();
    let (host, method) = (host_and_port(text(asked, "Host")).0, text(asked, "Method"));
    Request {
        host: if host.is_empty() { ADDRESS } else { host }.to_owned(),
        method: if method.is_empty() { "GET" } else { method }.to_owned(),
        path: path.to_owned(),
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        ..Request::default()
    }
}

/// A call of gRPC.
fn call(host: &str, method: &str) -> Request {
    Request {
        host: if host.is_empty() { ADDRESS } else { host }.to_owned(),
        method: "POST".to_owned(),
        path: format!("{ECHO}{method}"),
        headers: vec![("content-type".to_owned(), "application/grpc".to_owned())],
        ..Request::default()
    }
}

fn service(name: &str) -> Expected {
    Expected::Service(format!("{NAMESPACE}/{name}"))
}

/// What an HTTP test expects.
fn http_expected(entry: &Value) -> Expected {
    let expected = &entry["expected"];
    if let Some(shares) = shares_of(text(entry, "test")) {
        return shares;
    }
    let response = &expected["Response"];
    let status = |value: &Value| value.as_u64().and_then(|status| u16::try_from(status).ok());
    let statuses: Vec<u16> = std::iter::once(&response["StatusCode"]).chain(list(response, "StatusCodes")).filter_map(status).collect();
    if let ([status], Some(_)) = (statuses.as_slice(), expected.get("RedirectRequest")) {
        return Expected::Redirect(*status, expected["RedirectRequest"].clone());
    }
    let namespace = match text(expected, "Namespace") {
        "" => NAMESPACE,
        namespace => namespace,
    };
    match (text(expected, "Backend"), statuses.iter().all(|status| *status == 200)) {
        ("", true) => Expected::SomeBackend,
        (name, true) => Expected::Service(format!("{namespace}/{name}")),
        (_, false) => Expected::Status(statuses),
    }
}

/// The tests that count who answers how often: the weights of their manifests.
fn shares_of(test: &str) -> Option<Expected> {
    let prefix = match test {
        "HTTPRouteWeight" => "",
        "GRPCRouteWeight" => "grpc-",
        _ => return None,
    };
    let share = |(name, percent): (&str, u32)| (format!("{NAMESPACE}/{prefix}{name}"), percent);
    Some(Expected::Shares([("infra-backend-v1", 70), ("infra-backend-v2", 30)].into_iter().map(share).collect()))
}

/// What a test of gRPC asks. The calls of its table are not in the data where they differ from each other only: they are the upstream
/// test's own, of the file that bears the test's name.
fn grpc_questions(entry: &Value) -> Vec<Question> {
    let (test, expected) = (text(entry, "test"), &entry["expected"]);
    let question = |host: &str, method: &str, expected| Question { request: call(host, method), expected };
    let host = text(&expected["RequestMetadata"], "Authority");
    let unimplemented = || Expected::Status(vec![404]);
    match (test, text(&expected["Response"], "Code").contains("Unimplemented")) {
        ("GRPCExactMethodMatching", false) => [("Echo", "grpc-infra-backend-v1"), ("EchoTwo", "grpc-infra-backend-v2")]
            .into_iter()
            .map(|(method, name)| question("", method, service(name)))
            .collect(),
        ("GRPCExactMethodMatching", true) => vec![question("", "EchoThree", unimplemented())],
        ("GRPCRouteListenerHostnameMatching", false) => [
            ("bar.com", "v1"),
            ("foo.bar.com", "v2"),
            ("baz.bar.com", "v3"),
            ("boo.bar.com", "v3"),
            ("multiple.prefixes.bar.com", "v3"),
            ("multiple.prefixes.foo.com", "v3"),
        ]
        .into_iter()
        .map(|(host, version)| question(host, "Echo", service(&format!("grpc-infra-backend-{version}"))))
        .collect(),
        ("GRPCRouteListenerHostnameMatching", true) if !host.is_empty() => vec![question(host, "Echo", unimplemented())],
        (test, false) => vec![question(host, "Echo", shares_of(test).unwrap_or_else(|| panic!("{test}: an unknown test of gRPC")))],
        _ => panic!("{test}: an unknown test of gRPC"),
    }
}

/// What a test of TCP asks: the route of the listener names the backend, and a TLSRoute the host.
fn tcp_questions(entry: &Value, case: &Case, listener: &str) -> Vec<Question> {
    let mut routes = case.own_of_kind("TLSRoute").chain(case.own_of_kind("TCPRoute"));
    let backend = match text(entry, "test") {
        // Each listener has a route of its own; the Services bear the listeners' names.
        "TCPRouteParentRefPortAndSectionName" => service(&format!("tcp-echo-{listener}")),
        _ => {
            let route = routes.next().expect("the test has a route");
            assert!(routes.next().is_none(), "{}: only one", text(entry, "test"));
            service(route["spec"]["rules"][0]["backendRefs"][0]["name"].as_str().expect("a backend"))
        }
    };
    let host = case.own_of_kind("TLSRoute").find_map(|route| route["spec"]["hostnames"][0].as_str()).unwrap_or_default();
    vec![Question { request: Request { host: host.to_owned(), ..Request::default() }, expected: backend }]
}

fn questions(entry: &Value, case: &Case) -> (At, Vec<Question>) {
    let (namespace, name, listener) = gateway_of(entry, case);
    let listeners = case.listeners(&namespace, &name);
    let asked = &entry["expected"]["Request"];
    let mut questions = match protocol(entry) {
        "grpc" => grpc_questions(entry),
        "tcp" => tcp_questions(entry, case, &listener),
        _ => vec![Question { request: http_request(asked), expected: http_expected(entry) }],
    };
    let port_of_host = host_and_port(text(asked, "Host")).1;
    for Question { request, .. } in &mut questions {
        let (scheme, port) = scheme_and_port(entry, &listeners, &listener, &request.host, port_of_host);
        (request.scheme, request.port) = (scheme, Some(port));
        if !matches!(scheme, Scheme::Http | Scheme::Https) {
            // What is within TLS nobody sees.
            *request = Request { scheme, port: Some(port), host: request.host.clone(), ..Request::default() };
        }
    }
    // The named listener is where its port comes from: which one takes the request is for the host to decide.
    (At::Gateway { namespace: namespace.into(), name: name.into(), listener: "".into() }, questions)
}

fn answers(backend: &Backend) -> bool {
    backend.status.is_none() && backend.verdict == Verdict::Allowed
}

/// Holds an answer against what is expected.
fn compare(answer: &Answer, expected: &Expected) -> Result<(), String> {
    let wrong = || Err(format!("theirs {expected:?}, ours {} {:?}", answer.verdict, answer.outcome));
    let path = |backend: &Backend| backend.service.as_ref().map(portolan_core::ObjectKey::path).unwrap_or_default();
    let holds = match (expected, &answer.outcome) {
        (Expected::Service(service), Outcome::Backends { backends }) => match backends.as_slice() {
            [backend] => answers(backend) && path(backend) == *service && !backend.pods.is_empty(),
            _ => false,
        },
        (Expected::Shares(shares), Outcome::Backends { backends }) => {
            let ours: BTreeMap<String, u32> = backends.iter().map(|backend| (path(backend), backend.percent)).collect();
            backends.iter().all(answers) && ours == *shares
        }
        (Expected::SomeBackend, Outcome::Backends { backends }) => !backends.is_empty() && backends.iter().all(answers),
        (Expected::Status(statuses), Outcome::Status { status, or, .. }) => {
            statuses.contains(status) || or.iter().any(|other| statuses.contains(other))
        }
        (Expected::Status(statuses), Outcome::Backends { backends }) => {
            let is_expected = |backend: &Backend| backend.status.is_some_and(|status| statuses.contains(&status));
            !backends.is_empty() && backends.iter().all(is_expected)
        }
        (Expected::Redirect(expected, parts), Outcome::Redirect { status, location }) => {
            return if expected == status { compare_location(location, parts) } else { wrong() };
        }
        _ => false,
    };
    let is_allowed = matches!(expected, Expected::Status(_)) || answer.verdict == Verdict::Allowed;
    if holds && is_allowed { Ok(()) } else { wrong() }
}

/// Holds the parts of a `Location` against those that a test names; what it does not name is not looked at, but for the port of a scheme.
fn compare_location(location: &str, parts: &Value) -> Result<(), String> {
    let (scheme, rest) = location.split_once("://").ok_or_else(|| format!("{location:?} is no address"))?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let path = path.split('?').next().unwrap_or_default();
    for (field, ours) in [("Scheme", scheme), ("Host", host), ("Port", port), ("Path", path)] {
        let theirs = text(parts, field);
        // HTTPRequestRedirectFilter.port: that of the scheme is not written out.
        let is_free = theirs.is_empty() && (field != "Port" || text(parts, "Scheme").is_empty());
        if !is_free && theirs != ours {
            return Err(format!("{field} of {location:?}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    Ok(())
}

/// Holds what the backend sees against what a test expects it to.
fn compare_seen(request: &Request, answer: &Answer, expected: &Value) -> Result<(), String> {
    let seen =
        answer.rewritten.as_ref().map_or((&request.host, &request.path, &request.headers), |seen| (&seen.host, &seen.path, &seen.headers));
    let asked = &expected["Request"];
    for (field, ours) in [("Host", seen.0), ("Path", seen.1)] {
        let theirs = text(asked, field);
        if !theirs.is_empty() && theirs != ours {
            return Err(format!("{field} that the backend sees: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    let values = |name: &str| {
        let values: Vec<&str> =
            seen.2.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    for (name, theirs) in asked["Headers"].as_object().into_iter().flatten() {
        if values(name).as_deref() != theirs.as_str() {
            return Err(format!("header {name} that the backend sees: ours {:?}, theirs {theirs}", values(name)));
        }
    }
    match list(expected, "AbsentHeaders").iter().filter_map(Value::as_str).find(|name| values(name).is_some()) {
        Some(name) => Err(format!("the backend sees header {name}")),
        None => Ok(()),
    }
}

/// Why a request is not asked for: only what a server that runs can show.
fn needs_a_server(entry: &Value) -> Option<&'static str> {
    let is_failure = text(entry, "fn").ends_with("Failure") || text(entry, "fn").ends_with("FailureResponse");
    match protocol(entry) {
        "tls" if is_failure => Some("a client's certificate is refused in the handshake"),
        "http" if is_failure => Some("a backend's certificate does not fit"),
        "http" if entry["expected"]["Response"]["StatusCode"] == 504 => Some("a backend takes longer than a timeout"),
        _ => None,
    }
}

#[test]
fn gateway_api_conformance() {
    let Some(root) = fixture::shared("oracles/gateway-api") else { return };
    let mut report = Report::new("Gateway API conformance");
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for (number, entry) in json(&root.join("requests.json")).as_array().into_iter().flatten().enumerate() {
        let test = text(entry, "test");
        let asked = &entry["expected"]["Request"];
        let name = format!("#{number} {test} {}{}", text(asked, "Host"), text(asked, "Path"));
        if let Some(reason) = needs_a_server(entry) {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        if entry["expected"].get("MirroredTo").is_some() {
            report.skip(&name, "(only the copies that are sent elsewhere)");
        }
        let case = cases.entry(test.to_owned()).or_insert_with(|| Case::load(&root, list(entry, "manifests")));
        let (at, questions) = questions(entry, case);
        for Question { request, expected } in questions {
            report.flows(1);
            let answers = case.analysis.request(&request, &at);
            let result = match answers.as_slice() {
                [answer] => {
                    let seen = &entry["expected"]["ExpectedRequest"];
                    compare(answer, &expected).and_then(|()| compare_seen(&request, answer, seen))
                }
                answers => Err(format!("{} answers", answers.len())),
            };
            if let Err(what) = result {
                let port = request.port.unwrap_or_default();
                report.differs(format!("{name} ({:?} {} {}:{port}{}): {what}", request.scheme, request.method, request.host, request.path));
            }
        }
    }
    report.finish();
}
