//! Istio: objects to records, and what is wrong with them.

use super::*;
use crate::intake::testing::{pointers, read};
use crate::record::{HeaderChange, IstioHttpRoute, IstioMatch, PathChange, PathMatch, Record, Redirect, TextMatch, ValueMatch};

fn object(version: &str, kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/{version}\nkind: {kind}\nmetadata: {{name: a, namespace: shop, creationTimestamp: '2026-01-02T03:04:05Z'}}\nspec: {spec}"
    )
}

/// The record of an object that nothing is wrong with.
#[track_caller]
fn record(version: &str, kind: &str, spec: &str) -> Record {
    let entry = read(&object(version, kind, spec));
    assert_eq!(entry.warnings.to_vec(), [], "{spec}");
    assert!(entry.raw.is_some());
    entry.record.unwrap()
}

#[track_caller]
fn service(spec: &str) -> VirtualServiceRecord {
    match record("v1", "VirtualService", spec) {
        Record::VirtualService(record) => *record,
        other => panic!("{other:?}"),
    }
}

/// The only HTTP route of a VirtualService that has this one.
#[track_caller]
fn http(route: &str) -> IstioHttpRoute {
    service(&format!("{{hosts: [a.example], http: [{route}]}}")).http.remove(0)
}

fn destination(host: &str, weight: u32) -> IstioDestination {
    IstioDestination { host: host.into(), weight, ..IstioDestination::default() }
}

const TO_A: &str = "route: [{destination: {host: a}}]";

#[test]
fn a_gateway_is_read_at_every_version() {
    let spec = "
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: http, targetPort: 8080}
    bind: 0.0.0.0
    name: first
    defaultEndpoint: a
    hosts: ['*', ./Own.example, other/*.example, '*/all.example']
    tls: {httpsRedirect: true}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [a.example]
    tls:
      mode: SIMPLE
      credentialName: a
      credentialNames: [a]
      serverCertificate: /a
      privateKey: /b
      caCertificates: /c
      caCrl: /d
      caCertCredentialName: b
      tlsCertificates: []
      subjectAltNames: []
      verifyCertificateSpki: []
      verifyCertificateHash: []
      minProtocolVersion: TLSV1_2
      maxProtocolVersion: TLSV1_3
      cipherSuites: []
  - {port: {number: 8443, name: tls, protocol: TLS}, hosts: [b.example], tls: {}}
  - {port: {number: 5432, name: db, protocol: TCP}, hosts: ['*']}";
    for version in ["v1", "v1beta1", "v1alpha3"] {
        let Record::IstioGateway(read) = record(version, "Gateway", spec) else { panic!() };
        assert_eq!(read.selector, Some(Selector::of_labels(&[("istio", "ingressgateway")].into_iter().collect())));
        let [http, https, tls, tcp] = read.servers.as_slice() else { panic!("{read:?}") };
        let hosts = [("*", "*"), (".", "own.example"), ("other", "*.example"), ("*", "all.example")];
        let expected = IstioServer {
            name: "http".into(),
            port: 80,
            protocol: "HTTP".into(),
            hosts: hosts.into_iter().map(|(namespace, host)| (namespace.into(), host.into())).collect(),
            https_redirect: true,
            tls_mode: SmolStr::default(),
        };
        assert_eq!(*http, expected);
        assert_eq!((https.tls_mode.as_str(), tls.tls_mode.as_str(), tcp.tls_mode.as_str()), ("SIMPLE", "PASSTHROUGH", ""));
    }
    let Record::IstioGateway(read) =
        record("v1", "Gateway", "{selector: {}, servers: [{port: {number: 1, name: a, protocol: TCP}, hosts: ['*']}]}")
    else {
        panic!()
    };
    assert_eq!(read.selector, None);
}

#[test]
fn a_virtual_service_is_read_with_all_that_it_says() {
    for version in ["v1", "v1beta1", "v1alpha3"] {
        let Record::VirtualService(read) = record(
            version,
            "VirtualService",
            "
  hosts: [Shop.example, '*.shop.example', '*', 10.0.0.1]
  gateways: [mesh, infra/edge]
  exportTo: ['.']
  http:
  - name: first
    timeout: 1s
    retries: {attempts: 2}
    mirror: {host: copy}
    mirrors: []
    mirrorPercent: 1
    mirror_percent: 1
    mirrorPercentage: {value: 1}
    corsPolicy: {}
    match:
    - name: cart
      uri: {exact: /cart}
      ignoreUriCase: true
      scheme: {exact: https}
      method: {regex: GET|HEAD}
      authority: {prefix: shop.}
      headers: {X-Team: {exact: a}, x-any: {}}
      withoutHeaders: {x-not: {prefix: b}, X-None: {}}
      queryParams: {Q: {regex: a.*}}
      port: 443
      gateways: [infra/edge]
      statPrefix: a
    - {uri: {prefix: /x}, sourceLabels: {app: web}}
    - {sourceNamespace: shop}
    headers: {request: {set: {X-A: B}, add: {c: d}, remove: [X-E]}, response: {remove: [a]}}
    route:
    - {destination: {host: Web, subset: v1, port: {number: 80}}, weight: 90, headers: {}}
    - {destination: {host: web}}
  tls:
  - match: [{sniHosts: [Db.example, '*'], port: 5432, gateways: [infra/edge], destinationSubnets: [10.0.0.0/8]}, {sniHosts: [b.example], sourceLabels: {a: b}}]
    route: [{destination: {host: db}, weight: 7}]
  tcp:
  - match: [{port: 27017}, {sourceNamespace: a, sourceSubnet: 10.0.0.0/8, gateways: [infra/edge]}]
    route: [{destination: {host: mongo}, weight: 1}, {destination: {host: mongo-2}, weight: 2}]
  - {route: [{destination: {host: rest}}]}",
        ) else {
            panic!()
        };
        let named = |name: &str, value: TextMatch| ValueMatch { name: name.into(), value };
        let first = IstioMatch {
            path: Some(PathMatch::Exact("/cart".into())),
            ignore_case: true,
            method: Some(TextMatch::Expression("GET|HEAD".into())),
            authority: Some(TextMatch::Prefix("shop.".into())),
            scheme: Some(TextMatch::Exact("https".into())),
            headers: vec![
                named("x-team", TextMatch::Exact("a".into())),
                named("x-any", TextMatch::Present),
                named("x-none", TextMatch::Not(Box::new(TextMatch::Present))),
                named("x-not", TextMatch::Not(Box::new(TextMatch::Prefix("b".into())))),
            ],
            query: vec![named("Q", TextMatch::Expression("a.*".into()))],
            port: Some(443),
            gateways: vec!["infra/edge".into()],
            in_mesh: false,
        };
        let second = IstioMatch { path: Some(PathMatch::TextPrefix("/x".into())), in_mesh: true, ..IstioMatch::default() };
        let matches = vec![first, second, IstioMatch { in_mesh: true, ..IstioMatch::default() }];
        let web = IstioDestination { host: "web".into(), subset: "v1".into(), port: Some(80), weight: 90 };
        let headers =
            HeaderChange { set: vec![("x-a".into(), "B".into())], add: vec![("c".into(), "d".into())], remove: vec!["x-e".into()] };
        let http = IstioHttpRoute { matches, headers, destinations: vec![web, destination("web", 0)], ..IstioHttpRoute::default() };
        let names = vec!["db.example".into(), "*".into()];
        let tls = IstioStreamRoute {
            matches: vec![(names, Some(5432), vec!["infra/edge".into()]), (vec!["b.example".into()], None, vec!["mesh".into()])],
            destinations: vec![destination("db", 1)],
        };
        let tcp = IstioStreamRoute {
            matches: vec![(Vec::new(), Some(27017), Vec::new()), (Vec::new(), None, vec!["mesh".into()])],
            destinations: vec![destination("mongo", 1), destination("mongo-2", 2)],
        };
        let rest = IstioStreamRoute { matches: Vec::new(), destinations: vec![destination("rest", 1)] };
        let expected = VirtualServiceRecord {
            hosts: ["shop.example", "*.shop.example", "*", "10.0.0.1"].map(SmolStr::from).to_vec(),
            gateways: vec!["mesh".into(), "infra/edge".into()],
            export_to: vec![".".into()],
            http: vec![http],
            tls: vec![tls],
            tcp: vec![tcp, rest],
            created: "2026-01-02T03:04:05Z".into(),
        };
        assert_eq!(*read, expected);
    }
}

#[test]
fn redirects_are_read() {
    let plain = Redirect { status: 301, ..Redirect::default() };
    for (redirect, expected) in [
        ("{}", plain.clone()),
        ("{uri: /new, redirectCode: 302}", Redirect { path: Some(PathChange::Full("/new".into())), status: 302, ..plain.clone() }),
        ("{authority: New.example}", Redirect { hostname: "new.example".into(), ..plain.clone() }),
        ("{authority: 'new.example:8443'}", Redirect { hostname: "new.example".into(), port: Some(8443), ..plain.clone() }),
        ("{authority: '[2001:db8::1]:8443'}", Redirect { hostname: "[2001:db8::1]".into(), port: Some(8443), ..plain.clone() }),
        ("{authority: 'a:1', port: 2}", Redirect { hostname: "a".into(), port: Some(2), ..plain.clone() }),
        ("{scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}", Redirect { scheme: "https".into(), port: Some(443), ..plain.clone() }),
        ("{scheme: https, derivePort: FROM_REQUEST_PORT}", Redirect { scheme: "https".into(), ..plain.clone() }),
    ] {
        assert_eq!(http(&format!("{{redirect: {redirect}}}")).redirect, Some(expected), "{redirect}");
    }
}

/// HTTPRewrite.uri: the prefix that matched, or all of a path that was matched otherwise.
#[test]
fn a_rewrite_replaces_what_matched() {
    for (matches, expected) in [
        ("match: [{uri: {prefix: /old}}]", PathChange::Prefix("/new".into())),
        ("match: [{uri: {exact: /old}}]", PathChange::Full("/new".into())),
        ("match: [{uri: {regex: /o.*}}]", PathChange::Full("/new".into())),
        ("match: [{uri: {exact: /old}}, {uri: {prefix: /o}}]", PathChange::Prefix("/new".into())),
        ("match: [{port: 80}]", PathChange::Prefix("/new".into())),
        ("match: []", PathChange::Prefix("/new".into())),
    ] {
        let route = http(&format!("{{{matches}, rewrite: {{uri: /new, authority: In.example}}, {TO_A}}}"));
        assert_eq!((route.rewrite_path, route.rewrite_host.as_str()), (Some(expected), "in.example"), "{matches}");
    }
    let route = http(&format!("{{rewrite: {{uriRegexRewrite: {{match: a, rewrite: b}}}}, {TO_A}}}"));
    assert_eq!(route.rewrite_path, None);
}

#[test]
fn answers_without_a_destination_are_read() {
    assert_eq!(http("{directResponse: {status: 503, body: {string: a}}}").direct_response, Some(503));
    assert_eq!(http("{delegate: {name: b, namespace: c}}").delegate, Some(("c".into(), "b".into())));
    assert_eq!(http("{delegate: {name: b}}").delegate, Some((SmolStr::default(), "b".into())));
    for (fault, aborts) in [
        ("{abort: {httpStatus: 500}}", true),
        ("{abort: {httpStatus: 500, percentage: {value: 0.1}}}", true),
        ("{abort: {httpStatus: 500, percentage: {value: 0}}}", false),
        ("{delay: {fixedDelay: 1s}}", false),
    ] {
        assert_eq!(http(&format!("{{fault: {fault}, {TO_A}}}")).aborts, aborts, "{fault}");
    }
}

#[test]
fn a_rule_for_destinations_is_read_with_its_subsets() {
    let spec = "{host: Web.shop.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}, exportTo: [a], workloadSelector: {}, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {}}, {name: all}]}";
    for version in ["v1", "v1beta1", "v1alpha3"] {
        let expected = DestinationRuleRecord {
            host: "web.shop.svc.cluster.local".into(),
            subsets: vec![("v1".into(), [("version", "v1")].into_iter().collect()), ("all".into(), crate::labels::LabelSet::default())],
            export_to: vec!["a".into()],
        };
        assert_eq!(record(version, "DestinationRule", spec), Record::DestinationRule(Box::new(expected)));
    }
}

#[test]
fn faults_are_named() {
    let with_http = |route: &str| format!("{{hosts: [a.example], http: [{route}]}}");
    let with_match = |item: &str| with_http(&format!("{{match: [{item}], {TO_A}}}"));
    let with_server = |server: &str| format!("{{servers: [{{{server}}}]}}");
    let port = "port: {number: 80, name: a, protocol: HTTP}";
    for (kind, spec, expected) in [
        ("Gateway", "{}".to_owned(), "/spec/servers"),
        ("Gateway", with_server("hosts: [a]"), "/spec/servers/0/port"),
        ("Gateway", with_server("port: {protocol: HTTP}, hosts: [a]"), "/spec/servers/0/port/number"),
        ("Gateway", with_server("port: {number: 0, protocol: HTTP}, hosts: [a]"), "/spec/servers/0/port/number"),
        ("Gateway", with_server("port: {number: 80}, hosts: [a]"), "/spec/servers/0/port/protocol"),
        ("Gateway", with_server("port: {number: 80, protocol: QUIC}, hosts: [a]"), "/spec/servers/0/port/protocol"),
        ("Gateway", with_server(port), "/spec/servers/0/hosts"),
        ("Gateway", with_server(&format!("{port}, hosts: ['a.*.b']")), "/spec/servers/0/hosts/0"),
        ("Gateway", with_server(&format!("{port}, hosts: ['ns/a:80']")), "/spec/servers/0/hosts/0"),
        ("Gateway", with_server(&format!("{port}, hosts: [a], tls: {{mode: Both}}")), "/spec/servers/0/tls/mode"),
        ("Gateway", with_server("port: {number: 443, protocol: HTTPS}, hosts: [a]"), "/spec/servers/0/tls"),
        ("Gateway", with_server(&format!("{port}, hosts: [a], host: b")), "/spec/servers/0/host"),
        ("VirtualService", "{hosts: ['a.*'], tcp: []}".to_owned(), "/spec/hosts/0"),
        ("VirtualService", "{hosts: ['a:80']}".to_owned(), "/spec/hosts/0"),
        ("VirtualService", "{host: [a]}".to_owned(), "/spec/host"),
        ("VirtualService", with_http("{}"), "/spec/http/0"),
        ("VirtualService", with_http(&format!("{{redirect: {{}}, {TO_A}}}")), "/spec/http/0"),
        ("VirtualService", with_http(&format!("{{routes: [], {TO_A}}}")), "/spec/http/0/routes"),
        ("VirtualService", with_http("{redirect: {redirectCode: 200}}"), "/spec/http/0/redirect/redirectCode"),
        ("VirtualService", with_http("{redirect: {scheme: ftp}}"), "/spec/http/0/redirect/scheme"),
        ("VirtualService", with_http("{redirect: {port: 70000}}"), "/spec/http/0/redirect/port"),
        ("VirtualService", with_http("{redirect: {authority: 'a:b'}}"), "/spec/http/0/redirect/authority"),
        ("VirtualService", with_http("{redirect: {derivePort: GUESS}}"), "/spec/http/0/redirect/derivePort"),
        ("VirtualService", with_http("{redirect: {port: 1, derivePort: FROM_REQUEST_PORT}}"), "/spec/http/0/redirect/derivePort"),
        ("VirtualService", with_http("{directResponse: {}}"), "/spec/http/0/directResponse/status"),
        ("VirtualService", with_http("{directResponse: {status: 99}}"), "/spec/http/0/directResponse/status"),
        ("VirtualService", with_http("{delegate: {}}"), "/spec/http/0/delegate/name"),
        ("VirtualService", with_match("{uri: {exact: a}}"), "/spec/http/0/match/0/uri"),
        ("VirtualService", with_match("{uri: {exact: /a, prefix: /b}}"), "/spec/http/0/match/0/uri"),
        ("VirtualService", with_match("{uri: {suffix: /a}}"), "/spec/http/0/match/0/uri/suffix"),
        ("VirtualService", with_match("{headers: {uri: {exact: /a}}}"), "/spec/http/0/match/0/headers/uri"),
        ("VirtualService", with_match("{headers: {a: {exact: /a, regex: b}}}"), "/spec/http/0/match/0/headers/a"),
        ("VirtualService", with_match("{port: 70000}"), "/spec/http/0/match/0/port"),
        ("VirtualService", with_http("{route: [{}]}"), "/spec/http/0/route/0/destination/host"),
        ("VirtualService", with_http("{route: [{destination: {host: '*.a'}}]}"), "/spec/http/0/route/0/destination/host"),
        ("VirtualService", with_http("{route: [{destination: {host: 'a:80'}}]}"), "/spec/http/0/route/0/destination/host"),
        (
            "VirtualService",
            with_http("{route: [{destination: {host: a, port: {number: 0}}}]}"),
            "/spec/http/0/route/0/destination/port/number",
        ),
        ("VirtualService", with_http("{route: [{destination: {host: a}, weight: -1}]}"), "/spec/http/0/route/0/weight"),
        ("VirtualService", with_http("{route: [{destination: {host: a}}, {destination: {host: b}}]}"), "/spec/http/0/route"),
        ("VirtualService", format!("{{hosts: [a], tls: [{{{TO_A}}}]}}"), "/spec/tls/0/match"),
        ("VirtualService", format!("{{hosts: [a], tls: [{{match: [{{port: 1}}], {TO_A}}}]}}"), "/spec/tls/0/match/0/sniHosts"),
        (
            "VirtualService",
            format!("{{hosts: [a], tls: [{{match: [{{sniHosts: ['10.0.0.1']}}], {TO_A}}}]}}"),
            "/spec/tls/0/match/0/sniHosts/0",
        ),
        ("VirtualService", "{hosts: [a], tcp: [{}]}".to_owned(), "/spec/tcp/0/route"),
        ("VirtualService", format!("{{hosts: [a], tcp: [{{match: [{{port: -1}}], {TO_A}}}]}}"), "/spec/tcp/0/match/0/port"),
        ("VirtualService", "{hosts: a}".to_owned(), "/spec/hosts"),
        ("DestinationRule", "{}".to_owned(), "/spec/host"),
        ("DestinationRule", "{host: a, subsets: [{}]}".to_owned(), "/spec/subsets/0/name"),
        ("DestinationRule", "{host: a, subsets: [{name: b}, {name: b}]}".to_owned(), "/spec/subsets/1/name"),
        ("DestinationRule", "{host: a, subset: []}".to_owned(), "/spec/subset"),
        ("DestinationRule", "null".to_owned(), "/spec"),
    ] {
        assert_eq!(pointers(&read(&object("v1", kind, &spec))), [expected], "{kind} {spec}");
    }
}
