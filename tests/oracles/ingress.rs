//! Ingresses: the table of KEP-1453 on which path matches, and the scenarios of ingress-controller-conformance.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::assumptions::Assumptions;
use portolan_core::entry::request::{Answer, At, Outcome, Request, Scheme};
use portolan_core::peer::Verdict;
use portolan_tests::fixture;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::{Value, json};

/// Controllers that are held against the API: one that nobody knows anything of, and one that has ways of its own.
const CONTROLLERS: [&str; 2] = ["example.com/ingress", "k8s.io/ingress-nginx"];

/// A class that is the default.
fn class(controller: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "conformance", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": controller}
    })
}

/// A Service with port 8080, http, and the pods behind it.
fn service(name: &str, n_pods: usize) -> Vec<Value> {
    let labels = json!({"app": name});
    let mut objects = vec![json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 8080, "targetPort": 3000}]}
    })];
    objects.extend((0..n_pods).map(|n| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{name}-{n}"), "namespace": "default", "labels": labels},
            "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 3000}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        })
    }));
    objects
}

fn ask(analysis: &Analysis, scheme: Scheme, method: &str, host: &str, path: &str) -> Result<Answer, String> {
    let (host, method, path) = (host.to_owned(), method.to_owned(), path.to_owned());
    let request = Request { scheme, host, method, path, ..Request::default() };
    let mut answers = analysis.request(&request, &At::IngressClass("conformance".into()));
    match (answers.pop(), answers.len()) {
        (Some(answer), 0) => Ok(answer),
        (_, n) => Err(format!("{n} answers beside the last")),
    }
}

/// The Service that answers, with the pods behind it; none where a 404 does.
fn served_by(answer: &Answer) -> Result<Option<(String, Vec<String>)>, String> {
    match &answer.outcome {
        Outcome::Backends { backends } => match backends.as_slice() {
            [backend] if backend.status.is_none() && answer.verdict == Verdict::Allowed && backend.verdict == Verdict::Allowed => {
                let key = backend.service.as_ref().ok_or("the backend is no Service")?;
                if backend.port != Some(8080) {
                    return Err(format!("it is sent to port {:?}", backend.port));
                }
                Ok(Some((key.path(), backend.pods.clone())))
            }
            _ => Err(format!("{}, by {backends:?}", answer.verdict)),
        },
        Outcome::Status { status: 404, .. } => Ok(None),
        other => Err(format!("{other:?}")),
    }
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// One row of the table: the paths with their types, the requests, and the index of the path that each of them matches.
struct Row<'a> {
    paths: Vec<(&'a str, &'a str)>,
    requests: Vec<&'a str>,
    matches: Option<usize>,
    has_default: bool,
}

impl<'a> Row<'a> {
    fn of(row: &'a Value) -> Self {
        let (kind, answer) = (text(row, "Kind"), text(row, "Matches?"));
        let named = text(row, "Path(s)").split(", ");
        let type_of = |part: &str| if part.contains("(Exact)") { "Exact" } else { "Prefix" };
        let paths: Vec<_> = named
            .map(|part| (quoted(part).first().copied().unwrap_or_default(), if kind == "Mixed" { type_of(part) } else { kind }))
            .collect();
        let requests = match text(row, "Request path(s)") {
            "(all paths)" => vec!["/", "/foo", "/foo/", "/aaa/bbb", "/aaa/bbb/"],
            requests => quoted(requests),
        };
        let matches = match (answer.starts_with("Yes"), quoted(answer).first()) {
            (false, _) => None,
            (true, Some(said)) => paths.iter().position(|(path, _)| path == said),
            (true, None) if answer.contains("prefers Exact") => paths.iter().position(|(_, kind)| *kind == "Exact"),
            (true, None) => Some(0),
        };
        assert!(!paths.is_empty() && !requests.is_empty() && matches.is_some() == answer.starts_with("Yes"), "the row is read: {row}");
        Self { paths, requests, matches, has_default: answer.contains("default backend") }
    }

    fn objects(&self, controller: &str) -> Vec<Value> {
        let backend = |name: &str| json!({"service": {"name": name, "port": {"name": "http"}}});
        let rules = self.paths.iter().enumerate();
        let paths: Vec<Value> =
            rules.map(|(n, (path, kind))| json!({"path": path, "pathType": kind, "backend": backend(&format!("path-{n}"))})).collect();
        let mut ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "table", "namespace": "default"},
            "spec": {"rules": [{"host": "table.example", "http": {"paths": paths}}]}
        });
        let mut objects = vec![class(controller)];
        if self.has_default {
            ingress["spec"]["defaultBackend"] = backend("default");
            objects.extend(service("default", 1));
        }
        objects.extend((0..self.paths.len()).flat_map(|n| service(&format!("path-{n}"), 1)));
        objects.push(ingress);
        objects
    }

    /// Holds the answer to one request against the path that it should match.
    fn compare(&self, analysis: &Analysis, host: &str, path: &str, expected: Option<usize>) -> Result<(), String> {
        let answer = ask(analysis, Scheme::Http, "GET", host, path)?;
        let name = served_by(&answer)?.map(|(name, _)| name);
        let (expected_name, pointer) = match expected {
            Some(n) => (Some(format!("default/path-{n}")), Some(format!("/spec/rules/0/http/paths/{n}"))),
            None if self.has_default => (Some("default/default".to_owned()), Some("/spec/defaultBackend".to_owned())),
            None => (None, None),
        };
        if name != expected_name {
            return Err(format!("ours {name:?}, theirs {expected_name:?}"));
        }
        let rule = answer.rule.as_ref().map(|rule| rule.pointer.as_str());
        let is_rule = pointer.is_none_or(|pointer| rule.is_some_and(|rule| rule.starts_with(&pointer)));
        if is_rule { Ok(()) } else { Err(format!("the rule is at {rule:?}")) }
    }
}

#[test]
fn ingress_path_matching() {
    let Some(path) = fixture::shared("oracles/ingress_path_match.json") else { return };
    let mut report = Report::new("KEP-1453 path matching");
    for value in json(&path).as_array().into_iter().flatten() {
        report.case();
        let row = Row::of(value);
        // The other way round: what a path that does not match would match, and what no path matches.
        let mut asked: Vec<_> = row.requests.iter().map(|path| ("table.example", *path, row.matches)).collect();
        if row.matches.is_none() {
            asked.extend(row.paths.iter().enumerate().map(|(n, (path, _))| ("table.example", *path, Some(n))));
        } else if row.paths.iter().all(|(path, _)| *path != "/") {
            asked.push(("table.example", "/not/there", None));
        }
        asked.push(("other.example", row.requests[0], None));
        for controller in CONTROLLERS {
            let analysis = fixture::analysis(&row.objects(controller), Assumptions::default());
            for (host, path, expected) in &asked {
                report.flows(1);
                if let Err(what) = row.compare(&analysis, host, path, *expected) {
                    report.differs(format!("{controller} {:?}: {host}{path}: {what}", row.paths));
                }
            }
        }
    }
    report.finish();
}

/// The Ingress of a scenario: written out, or its spec only. Clear text is not sent to TLS: the suite expects so, and ingress-nginx has to
/// be told.
fn ingress_of(scenario: &Value) -> Value {
    let text = [text(scenario, "yaml"), text(scenario, "background")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let mut ingress: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    if ingress.get("kind").is_none() {
        ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "fragment"}, "spec": ingress});
    }
    ingress["metadata"]["namespace"] = json!("default");
    ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"});
    ingress
}

/// The Services that an Ingress names.
fn services_of(ingress: &Value) -> BTreeSet<String> {
    match ingress {
        Value::Object(fields) => {
            let own = ingress.pointer("/service/name").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(services_of)).collect()
        }
        Value::Array(items) => items.iter().flat_map(services_of).collect(),
        _ => BTreeSet::new(),
    }
}

/// The words between double quotes, and what is behind the last.
fn said(step: &str) -> Vec<&str> {
    step.split('"').skip(1).step_by(2).collect()
}

/// The requests that a step sends. `<method>`, `<host>` and `<path>` stand for what the suite's own examples hold: several of each.
fn requests_of(step: &str) -> Vec<Request> {
    if step.contains("<method>") {
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];
        let targets = [("my-host", "/"), ("my-host", "/sub-path"), ("other.example", "/sub-path/with-more")];
        let all = methods.into_iter().flat_map(|method| targets.map(|(host, path)| (method, host, path)));
        return all.map(|(method, host, path)| request(method, Scheme::Http, host, path)).collect();
    }
    let said = said(step);
    let (method, url) = match said.as_slice() {
        [method, url] => (*method, *url),
        [url] => ("GET", *url),
        other => panic!("a step of another form: {other:?}"),
    };
    let (scheme, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (Scheme::Https, rest),
        (None, rest) => (Scheme::Http, rest.unwrap_or(url)),
    };
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    vec![request(method, scheme, host, path)]
}

fn request(method: &str, scheme: Scheme, host: &str, path: &str) -> Request {
    Request { scheme, method: method.to_owned(), host: host.to_owned(), path: path.to_owned(), ..Request::default() }
}

/// What a step says needs requests that are really sent.
const NEEDS_REQUESTS: [(&str, &str); 5] = [
    ("the secure connection must verify", "certificates are Secrets, which are not read"),
    ("the response proto must be", "what a server writes into its response"),
    ("the response headers must contain", "what a server writes into its response"),
    ("the request proto must be", "how a proxy speaks to its backend"),
    ("the request headers must contain", "headers that the suite's client adds"),
];

/// Holds one step against the answers to the requests that were sent before.
fn compare_step(step: &str, sent: &[(Request, Result<Answer, String>)]) -> Result<(), String> {
    if sent.is_empty() {
        return Err("nothing was sent before".to_owned());
    }
    for (request, answer) in sent {
        let answer = answer.clone()?;
        let served = served_by(&answer)?;
        let number = step.split(' ').find_map(|word| word.parse::<u16>().ok());
        let holds = if step.contains("status-code must be") {
            let is_status = match number {
                Some(200) => served.is_some(),
                Some(404) => served.is_none(),
                _ => return Err(format!("a step of another form: {step:?}")),
            };
            // `... and the response body should contain the IP address of 10 different Kubernetes pods`
            let pods = step.split(" different Kubernetes pods").next().filter(|rest| *rest != step);
            let n_pods = pods.and_then(|rest| rest.rsplit(' ').next()?.parse::<usize>().ok());
            is_status && n_pods.is_none_or(|n| served.as_ref().is_some_and(|(_, pods)| pods.iter().collect::<BTreeSet<_>>().len() == n))
        } else if step.contains("must be served by the") {
            let name = said(step).first().map(|name| format!("default/{name}"));
            served.as_ref().map(|(name, _)| name) == name.as_ref()
        } else if step.contains("the request host must be")
            || step.contains("the request path must be")
            || step.contains("the request method must be")
        {
            let seen = answer.rewritten.as_ref().map_or((&request.host, &request.path), |rewritten| (&rewritten.host, &rewritten.path));
            let is_said = |field: &String| said(step).first().is_some_and(|said| said.starts_with('<') || said == field);
            match step.split("the request ").nth(1).and_then(|rest| rest.split(' ').next()) {
                Some("host") => seen.0 == &request.host && is_said(seen.0),
                Some("path") => seen.1 == &request.path && is_said(seen.1),
                _ => true,
            }
        } else {
            return Err(format!("a step of another form: {step:?}"));
        };
        if !holds {
            return Err(format!("{} {}{}: {served:?}", request.method, request.host, request.path));
        }
    }
    Ok(())
}

/// No controller takes an Ingress: none of its paths leads on from the class, and nobody answers for its host.
fn nobody_serves(analysis: &Analysis, host: &str) -> Result<(), String> {
    let paths: Vec<_> = analysis.entry_paths().iter().filter(|path| path.object.kind == Kind::Ingress).collect();
    let ends = |path: &&portolan_core::entry::EntryPath| {
        path.deciding_hop().is_some_and(|hop| hop.kind == "class" && hop.verdict == Verdict::Denied)
    };
    if paths.is_empty() || !paths.iter().all(ends) {
        return Err(format!("it is served: {paths:?}"));
    }
    let answers = analysis.request(&request("GET", Scheme::Http, host, "/"), &At::Any);
    let is_none = |answer: &Answer| answer.verdict == Verdict::Denied && !matches!(answer.outcome, Outcome::Backends { .. });
    if !answers.is_empty() && answers.iter().all(is_none) { Ok(()) } else { Err(format!("somebody answers: {answers:?}")) }
}

#[test]
fn ingress_controller_conformance() {
    let Some(path) = fixture::shared("oracles/ingress_conformance.json") else { return };
    let mut report = Report::new("ingress-controller-conformance");
    let mut left_out: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for scenario in json(&path).as_array().into_iter().flatten() {
        report.case();
        let name = format!("{}: {}", text(scenario, "feature"), text(scenario, "scenario"));
        let ingress = ingress_of(scenario);
        let services = services_of(&ingress);
        assert!(!services.is_empty(), "{name}: no Service");
        let steps: Vec<&str> = list(scenario, "steps").iter().filter_map(Value::as_str).collect();
        let n_pods = if steps.iter().any(|step| step.contains("10 different Kubernetes pods")) { 10 } else { 1 };
        for controller in CONTROLLERS {
            let mut objects = vec![class(controller), ingress.clone()];
            objects.extend(services.iter().flat_map(|name| service(name, n_pods)));
            let analysis = fixture::analysis(&objects, Assumptions::default());
            let mut sent = Vec::new();
            for step in &steps {
                let result = if step.contains(" I send ") {
                    let asked = |request: Request| {
                        let answer = ask(&analysis, request.scheme, &request.method, &request.host, &request.path);
                        (request, answer)
                    };
                    sent = requests_of(step).into_iter().map(asked).collect();
                    continue;
                } else if step.starts_with("Given an Ingress resource") {
                    continue;
                } else if step.contains("status should not contain the IP address") {
                    let host = ingress.pointer("/spec/rules/0/host").and_then(Value::as_str).unwrap_or_default();
                    nobody_serves(&analysis, host)
                } else if let Some((_, reason)) = NEEDS_REQUESTS.iter().find(|(part, _)| step.contains(part)) {
                    left_out.entry(reason).or_default().insert(format!("{name}: {step}"));
                    continue;
                } else {
                    compare_step(step, &sent)
                };
                report.flows(sent.len().max(1));
                if let Err(what) = result {
                    report.differs(format!("{controller} {name}: {step}: {what}"));
                }
            }
        }
    }
    for (reason, steps) in left_out {
        steps.iter().for_each(|step| report.skip(step, &format!("(single steps) {reason}")));
    }
    report.finish();
}
