//! Gateway API: objects to records, and what is wrong with them.

use super::*;
use crate::intake::testing::{pointers, read};
use crate::labels::Selector;
use crate::record::{
    HeaderChange, PathChange, PathMatch, Record, Redirect, RouteBackend, RouteFilter, RouteMatch, RouteRecord, ServicePortRef, TextMatch,
    ValueMatch,
};

/// An object of the group with this spec, in the flow style of YAML.
fn object(version: &str, kind: &str, spec: &str) -> String {
    let group = if kind == "XListenerSet" { "gateway.networking.x-k8s.io" } else { GROUP };
    format!(
        "apiVersion: {group}/{version}\nkind: {kind}\nmetadata: {{name: a, namespace: shop, creationTimestamp: '2026-01-02T03:04:05Z'}}\nspec: {spec}"
    )
}

/// The record of an object that nothing is wrong with.
#[track_caller]
fn record(version: &str, kind: &str, spec: &str) -> Record {
    let entry = crate::intake::testing::read(&object(version, kind, spec));
    assert_eq!(entry.warnings.to_vec(), [], "{spec}");
    assert!(entry.raw.is_some());
    entry.record.unwrap()
}

#[track_caller]
fn route(kind: &str, spec: &str) -> RouteRecord {
    match record("v1", kind, spec) {
        Record::Route(route) => *route,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn gateway(spec: &str) -> GatewayRecord {
    match record("v1", "Gateway", spec) {
        Record::Gateway(gateway) => *gateway,
        other => panic!("{other:?}"),
    }
}

fn object_ref(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
}

fn backend(name: &str, port: u16, weight: u32) -> RouteBackend {
    RouteBackend { object: object_ref("", "Service", "", name), port: ServicePortRef::Number(port), weight, filters: Vec::new() }
}

fn value_match(name: &str, value: TextMatch) -> ValueMatch {
    ValueMatch { name: name.into(), value }
}

#[test]
fn a_class_names_its_controller() {
    let spec = "{controllerName: example.com/gateways, description: a, parametersRef: {group: example.com, kind: Config, name: a}}";
    let expected = GatewayClassRecord { controller: "example.com/gateways".into(), not_accepted: None };
    assert_eq!(record("v1beta1", "GatewayClass", spec), Record::GatewayClass(Box::new(expected)));
}

#[test]
fn a_class_that_nobody_has_accepted_says_so() {
    for (status, expected) in [
        ("", None),
        ("{conditions: []}", None),
        ("{conditions: [{type: Accepted, status: 'True', reason: Accepted}]}", None),
        (
            "{conditions: [{type: Accepted, status: Unknown, reason: Pending, message: Waiting for controller}]}",
            Some("Waiting for controller"),
        ),
        ("{conditions: [{type: Accepted, status: 'False', reason: InvalidParameters}]}", Some("InvalidParameters")),
    ] {
        let mut raw = serde_json::json!({ "spec": { "controllerName": "example.com/gateways" } });
        raw["status"] = serde_yaml::from_str(status).expect("YAML");
        assert_eq!(super::not_accepted(&raw).as_deref(), expected, "{status}");
    }
}

#[test]
fn a_gateway_is_read_with_its_defaults() {
    let listener = "{name: http, port: 80, protocol: HTTP}";
    let read = gateway(&format!("{{gatewayClassName: public, listeners: [{listener}]}}"));
    let expected = GatewayListener {
        name: "http".into(),
        hostname: SmolStr::default(),
        port: 80,
        protocol: ListenerProtocol::Http,
        passthrough: false,
        certificates: Vec::new(),
        routes_from: FromNamespaces::Same,
        route_kinds: None,
    };
    assert_eq!(read, GatewayRecord { class: "public".into(), listeners: vec![expected], ..GatewayRecord::default() });
}

#[test]
fn a_gateway_is_read_with_all_that_it_says() {
    let read = gateway(
        "
  gatewayClassName: public
  infrastructure: {labels: {a: b}}
  backendTLS: {clientCertificateRef: {name: a}}
  defaultScope: All
  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}, backend: {}}
  allowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}
  addresses: [{value: 192.0.2.1}, {type: Hostname, value: LB.example}, {type: example.com/pool, value: a}, {type: IPAddress}]
  listeners:
  - name: https
    hostname: '*.Shop.example'
    port: 443
    protocol: HTTPS
    tls: {mode: Terminate, certificateRefs: [{name: a}, {group: x, kind: Y, name: b, namespace: certs}]}
    allowedRoutes: {namespaces: {from: All}, kinds: [{kind: HTTPRoute}, {group: example.com, kind: Other}]}
  - {name: pass, port: 8443, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {kinds: []}}
  - {name: annotated, port: 444, protocol: HTTPS}
  - {name: own, port: 9000, protocol: example.com/own}
  - {name: options, port: 9443, protocol: TLS, tls: {options: {example.com/certificate: a}}}",
    );
    assert_eq!(read.allowed_listeners, FromNamespaces::Selector(Some(Selector::of_labels(&[("team", "a")].into_iter().collect()))));
    assert_eq!(read.addresses, [LoadBalancerAddress::Ip("192.0.2.1".parse().unwrap()), LoadBalancerAddress::Hostname("lb.example".into())]);
    let [https, pass, _, own, _] = read.listeners.as_slice() else { panic!("{read:?}") };
    assert_eq!(https.hostname, "*.shop.example");
    assert_eq!(https.certificates, [object_ref("", "Secret", "", "a"), object_ref("x", "Y", "certs", "b")]);
    assert_eq!(https.routes_from, FromNamespaces::All);
    assert_eq!(https.route_kinds, Some(vec![(GROUP.into(), "HTTPRoute".into()), ("example.com".into(), "Other".into())]));
    assert_eq!((pass.passthrough, &pass.protocol, &pass.route_kinds), (true, &ListenerProtocol::Tls, &None));
    assert_eq!(own.protocol, ListenerProtocol::Other("example.com/own".into()));
}

#[test]
fn addresses_of_the_status_come_before_those_of_the_spec() {
    let text =
        object("v1", "Gateway", "{gatewayClassName: a, addresses: [{value: 192.0.2.1}], listeners: [{name: a, port: 80, protocol: HTTP}]}");
    let entry = read(&format!("{text}\nstatus: {{addresses: [{{type: IPAddress, value: 192.0.2.7}}, {{value: odd}}]}}"));
    let Some(Record::Gateway(gateway)) = &entry.record else { panic!("{entry:?}") };
    assert_eq!(gateway.addresses, [LoadBalancerAddress::Ip("192.0.2.7".parse().unwrap())]);
    assert_eq!(entry.warnings.to_vec(), []);
}

#[test]
fn sets_of_listeners_are_read_from_both_groups() {
    for (version, kind) in [("v1", "ListenerSet"), ("v1alpha1", "XListenerSet")] {
        let spec =
            "{parentRef: {name: edge, namespace: infra}, listeners: [{name: a, protocol: HTTP, port: 80}, {name: b, protocol: HTTP}]}";
        let Record::ListenerSet(set) = record(version, kind, spec) else { panic!() };
        assert_eq!(set.parent.object, object_ref(GROUP, "Gateway", "infra", "edge"));
        assert_eq!(set.listeners.iter().map(|listener| listener.port).collect::<Vec<_>>(), [80, 0]);
        assert_eq!(set.created, "2026-01-02T03:04:05Z");
    }
}

#[test]
fn an_http_route_is_read_with_its_defaults() {
    let read = route("HTTPRoute", "{parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}");
    let expected = RouteRecord {
        parents: vec![ParentRef { object: object_ref(GROUP, "Gateway", "", "edge"), ..ParentRef::default() }],
        hostnames: Vec::new(),
        rules: vec![crate::record::RouteRule { backends: vec![backend("web", 80, 1)], ..Default::default() }],
        created: "2026-01-02T03:04:05Z".into(),
    };
    assert_eq!(read, expected);
    assert_eq!(route("HTTPRoute", "{parentRefs: [{name: edge}]}").rules, [crate::record::RouteRule::default()]);
}

#[test]
fn an_http_route_is_read_with_all_that_it_says() {
    let read = route(
        "HTTPRoute",
        "
  parentRefs:
  - {group: '', kind: Service, name: web, namespace: shop, sectionName: http, port: 8080}
  useDefaultGateways: All
  hostnames: [Shop.Example, '*.shop.example']
  rules:
  - name: first
    timeouts: {request: 1s}
    retry: {attempts: 2}
    sessionPersistence: {type: Cookie}
    matches:
    - path: {type: Exact, value: /cart}
      method: GET
      headers: [{name: X-Team, value: a}, {name: x-team, value: b}, {type: RegularExpression, name: X-Other, value: a.*}]
      queryParams: [{name: Q, value: a}, {name: q, value: b}]
    - {path: {type: RegularExpression, value: '/a.*'}}
    - {headers: [{name: x, value: y}]}
    backendRefs:
    - {name: web, port: 80, weight: 0}
    - {group: multicluster.x-k8s.io, kind: ServiceImport, name: far, namespace: other, weight: 1000000}",
    );
    assert_eq!(read.parents[0], ParentRef { object: object_ref("", "Service", "shop", "web"), section: "http".into(), port: Some(8080) });
    assert_eq!(read.hostnames, ["shop.example", "*.shop.example"]);
    let exact = |text: &str| TextMatch::Exact(text.into());
    let headers = vec![value_match("x-team", exact("a")), value_match("x-other", TextMatch::Expression("a.*".into()))];
    let query = vec![value_match("Q", exact("a")), value_match("q", exact("b"))];
    let matches = [
        RouteMatch { path: Some(PathMatch::Exact("/cart".into())), method: "GET".into(), headers, query },
        RouteMatch { path: Some(PathMatch::Expression("/a.*".into())), ..RouteMatch::default() },
        RouteMatch { path: Some(PathMatch::Prefix("/".into())), headers: vec![value_match("x", exact("y"))], ..RouteMatch::default() },
    ];
    assert_eq!(read.rules[0].matches, matches);
    let import = object_ref("multicluster.x-k8s.io", "ServiceImport", "other", "far");
    let import = RouteBackend { object: import, port: ServicePortRef::Missing, weight: 1_000_000, filters: Vec::new() };
    assert_eq!(read.rules[0].backends, [backend("web", 80, 0), import]);
}

#[test]
fn filters_are_read() {
    let redirect = |change: &dyn Fn(&mut Redirect)| {
        let mut redirect = Redirect { status: 302, ..Redirect::default() };
        change(&mut redirect);
        RouteFilter::Redirect(redirect)
    };
    let header = |name: &str, value: &str| (SmolStr::from(name), SmolStr::from(value));
    for (filter, expected) in [
        ("{type: RequestRedirect, requestRedirect: {}}", redirect(&|_| {})),
        (
            "{type: RequestRedirect, requestRedirect: {scheme: https, hostname: New.Example, port: 8443, statusCode: 301, path: {type: ReplaceFullPath, replaceFullPath: /new}}}",
            redirect(&|redirect| {
                *redirect = Redirect {
                    scheme: "https".into(),
                    hostname: "new.example".into(),
                    port: Some(8443),
                    path: Some(PathChange::Full("/new".into())),
                    status: 301,
                };
            }),
        ),
        (
            "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}}}",
            RouteFilter::Rewrite { hostname: SmolStr::default(), path: Some(PathChange::Prefix(SmolStr::default())) },
        ),
        ("{type: URLRewrite, urlRewrite: {hostname: in.example}}", RouteFilter::Rewrite { hostname: "in.example".into(), path: None }),
        (
            "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: B}], add: [{name: c, value: d}], remove: [X-E]}}",
            RouteFilter::RequestHeaders(HeaderChange {
                set: vec![header("x-a", "B")],
                add: vec![header("c", "d")],
                remove: vec!["x-e".into()],
            }),
        ),
        (
            "{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}, percent: 10}}",
            RouteFilter::Mirror(backend("copy", 80, 1)),
        ),
        ("{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [a]}}", RouteFilter::Neutral("ResponseHeaderModifier".into())),
        ("{type: CORS, cors: {allowOrigins: ['*']}}", RouteFilter::Neutral("CORS".into())),
        ("{type: ExternalAuth, externalAuth: {protocol: HTTP}}", RouteFilter::Extension("ExternalAuth".into())),
        ("{type: ExtensionRef, extensionRef: {group: example.com, kind: Limit, name: slow}}", RouteFilter::Extension("Limit slow".into())),
    ] {
        let read = route("HTTPRoute", &format!("{{rules: [{{filters: [{filter}]}}]}}"));
        assert_eq!(read.rules[0].filters, [expected], "{filter}");
        let read = route("HTTPRoute", &format!("{{rules: [{{backendRefs: [{{name: a, port: 1, filters: [{filter}]}}]}}]}}"));
        assert_eq!(read.rules[0].backends[0].filters.len(), 1, "{filter}");
    }
}

#[test]
fn methods_of_grpc_are_paths() {
    for (method, expected) in [
        ("{service: a.B, method: Get}", Some(PathMatch::Exact("/a.B/Get".into()))),
        ("{type: Exact, service: a.B}", Some(PathMatch::TextPrefix("/a.B/".into()))),
        ("{method: Get}", Some(PathMatch::Expression("/[^/]+/Get".into()))),
        ("{type: RegularExpression, service: a.*, method: G.*}", Some(PathMatch::Expression("/a.*/G.*".into()))),
        ("{type: RegularExpression, service: a.*}", Some(PathMatch::Expression("/a.*/[^/]+".into()))),
        ("null", None),
    ] {
        let spec = format!(
            "{{hostnames: [A.example], rules: [{{name: a, sessionPersistence: {{}}, matches: [{{method: {method}, headers: [{{name: V, value: '1'}}]}}]}}]}}"
        );
        let read = route("GRPCRoute", &spec);
        let headers = vec![value_match("v", TextMatch::Exact("1".into()))];
        assert_eq!(read.rules[0].matches, [RouteMatch { path: expected, headers, ..RouteMatch::default() }], "{method}");
        assert_eq!(read.hostnames, ["a.example"]);
    }
}

#[test]
fn routes_of_connections_are_read_at_every_version() {
    for (version, kind, hosts) in [
        ("v1", "TLSRoute", "hostnames: [Db.example], "),
        ("v1alpha3", "TLSRoute", "hostnames: [Db.example], "),
        ("v1alpha2", "TLSRoute", "hostnames: [Db.example], "),
        ("v1alpha2", "TCPRoute", ""),
        ("v1", "TCPRoute", ""),
        ("v1alpha2", "UDPRoute", ""),
    ] {
        let spec = format!(
            "{{parentRefs: [{{name: edge, sectionName: db}}], {hosts}rules: [{{name: a, backendRefs: [{{name: db, port: 5432, weight: 2}}]}}]}}"
        );
        let Record::Route(read) = record(version, kind, &spec) else { panic!("{kind}") };
        assert_eq!(read.rules[0].backends, [backend("db", 5432, 2)], "{version} {kind}");
        assert_eq!(read.hostnames.len(), usize::from(kind == "TLSRoute"));
    }
}

#[test]
fn grants_are_read_at_every_version() {
    for version in ["v1", "v1beta1", "v1alpha2"] {
        let spec = format!(
            "{{from: [{{group: {GROUP}, kind: HTTPRoute, namespace: shop}}], to: [{{group: '', kind: Service}}, {{group: '', kind: Secret, name: a}}]}}"
        );
        let expected = ReferenceGrantRecord {
            from: vec![object_ref(GROUP, "HTTPRoute", "shop", "")],
            to: vec![object_ref("", "Service", "", ""), object_ref("", "Secret", "", "a")],
        };
        assert_eq!(record(version, "ReferenceGrant", &spec), Record::ReferenceGrant(Box::new(expected)));
    }
}

#[test]
fn tls_towards_backends_is_read_at_every_version() {
    let refs = "[{group: '', kind: ConfigMap, name: ca}]";
    let target = "{group: '', kind: Service, name: web, sectionName: https}";
    for (version, spec) in [
        (
            "v1",
            format!(
                "{{targetRefs: [{target}], options: {{}}, validation: {{caCertificateRefs: {refs}, hostname: Web.example, subjectAltNames: []}}}}"
            ),
        ),
        ("v1alpha3", format!("{{targetRefs: [{target}], validation: {{caCertificateRefs: {refs}, hostname: web.example}}}}")),
        ("v1alpha2", format!("{{targetRef: {target}, tls: {{caCertRefs: {refs}, hostname: web.example}}}}")),
    ] {
        let expected = BackendTlsPolicyRecord {
            targets: vec![(object_ref("", "Service", "", "web"), "https".into())],
            hostname: "web.example".into(),
            authorities: vec![object_ref("", "ConfigMap", "", "ca")],
            system_authorities: false,
        };
        assert_eq!(record(version, "BackendTLSPolicy", &spec), Record::BackendTlsPolicy(Box::new(expected)), "{version}");
    }
    let spec = format!("{{targetRefs: [{target}], validation: {{wellKnownCACertificates: System, hostname: web.example}}}}");
    let Record::BackendTlsPolicy(read) = record("v1", "BackendTLSPolicy", &spec) else { panic!() };
    assert!(read.system_authorities);
}

#[test]
fn faults_of_gateways_are_named_and_the_rest_is_kept() {
    for (spec, expected) in [
        ("name: a, port: 0, protocol: HTTP", vec!["/spec/listeners/0/port"]),
        ("name: a, port: 65536, protocol: HTTP", vec!["/spec/listeners/0/port"]),
        ("name: a, protocol: HTTP", vec!["/spec/listeners/0/port"]),
        ("name: a, port: 80, protocol: http", vec!["/spec/listeners/0/protocol"]),
        ("name: a, port: 80", vec!["/spec/listeners/0/protocol"]),
        ("port: 80, protocol: HTTP", vec!["/spec/listeners/0/name"]),
        ("name: last, port: 80, protocol: HTTP", vec!["/spec/listeners/1/name"]),
        ("name: a, port: 80, protocol: HTTP, hostname: 10.0.0.1", vec!["/spec/listeners/0/hostname"]),
        ("name: a, port: 80, protocol: HTTP, hostname: 'a.example:80'", vec!["/spec/listeners/0/hostname"]),
        ("name: a, port: 80, protocol: HTTP, hostname: 'a.*.example'", vec!["/spec/listeners/0/hostname"]),
        ("name: a, port: 80, protocol: HTTP, hostname: '*'", vec!["/spec/listeners/0/hostname"]),
        ("name: a, port: 80, protocol: TCP, hostname: a.example", vec!["/spec/listeners/0/hostname"]),
        ("name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: a}]}", vec!["/spec/listeners/0/tls"]),
        ("name: a, port: 80, protocol: HTTPS, tls: {}", vec!["/spec/listeners/0/tls/certificateRefs"]),
        ("name: a, port: 80, protocol: HTTPS, tls: {mode: Passthrough}", vec!["/spec/listeners/0/tls/mode"]),
        ("name: a, port: 80, protocol: TLS, tls: {mode: passthrough, certificateRefs: [{name: a}]}", vec!["/spec/listeners/0/tls/mode"]),
        (
            "name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Some}}",
            vec!["/spec/listeners/0/allowedRoutes/namespaces/from"],
        ),
        (
            "name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: None}}",
            vec!["/spec/listeners/0/allowedRoutes/namespaces/from"],
        ),
        (
            "name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector}}",
            vec!["/spec/listeners/0/allowedRoutes/namespaces/selector"],
        ),
        (
            "name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchExpressions: [{key: a, operator: Is}]}}}",
            vec!["/spec/listeners/0/allowedRoutes/namespaces/selector/matchExpressions/0/operator"],
        ),
        ("name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{}]}", vec!["/spec/listeners/0/allowedRoutes/kinds/0/kind"]),
        ("name: a, port: 80, protocol: HTTP, host: a.example", vec!["/spec/listeners/0/host"]),
    ] {
        let text =
            object("v1", "Gateway", &format!("{{gatewayClassName: a, listeners: [{{{spec}}}, {{name: last, port: 81, protocol: HTTP}}]}}"));
        let entry = read(&text);
        assert_eq!(pointers(&entry), expected, "{spec}");
        let Some(Record::Gateway(gateway)) = entry.record else { panic!("{spec}") };
        assert_eq!(gateway.listeners.last().map(|listener| listener.port), Some(81), "{spec}");
    }
}

#[test]
fn faults_of_other_objects_are_named() {
    let listener = "listeners: [{name: a, port: 80, protocol: HTTP}]";
    let target = "targetRefs: [{group: '', kind: Service, name: web}]";
    for (kind, spec, expected) in [
        ("GatewayClass", "{}".to_owned(), vec!["/spec/controllerName"]),
        ("GatewayClass", "{controllerName: nginx}".to_owned(), vec!["/spec/controllerName"]),
        ("Gateway", format!("{{{listener}}}"), vec!["/spec/gatewayClassName"]),
        ("Gateway", "{gatewayClassName: a}".to_owned(), vec!["/spec/listeners"]),
        ("Gateway", format!("{{gatewayClassName: a, {listener}, addresses: [{{value: here}}]}}"), vec!["/spec/addresses/0/value"]),
        (
            "Gateway",
            format!("{{gatewayClassName: a, {listener}, allowedListeners: {{namespaces: {{from: any}}}}}}"),
            vec!["/spec/allowedListeners/namespaces/from"],
        ),
        ("Gateway", "{gatewayClassName: 1}".to_owned(), vec!["/spec/gatewayClassName"]),
        ("Gateway", "null".to_owned(), vec!["/spec"]),
        ("ListenerSet", format!("{{{listener}}}"), vec!["/spec/parentRef"]),
        ("ListenerSet", format!("{{parentRef: {{}}, {listener}}}"), vec!["/spec/parentRef/name"]),
        ("ListenerSet", "{parentRef: {name: a}}".to_owned(), vec!["/spec/listeners"]),
        ("TCPRoute", "{rules: []}".to_owned(), vec!["/spec/rules"]),
        ("TCPRoute", "{hostnames: [a.example], rules: [{}]}".to_owned(), vec!["/spec/hostnames"]),
        ("UDPRoute", "{rules: [{backendRefs: [{name: a}]}]}".to_owned(), vec!["/spec/rules/0/backendRefs/0/port"]),
        ("TLSRoute", "{hostnames: ['10.0.0.1'], rules: [{filters: []}]}".to_owned(), vec!["/spec/rules/0/filters", "/spec/hostnames/0"]),
        ("ReferenceGrant", "{to: [{group: '', kind: Service}]}".to_owned(), vec!["/spec/from"]),
        (
            "ReferenceGrant",
            "{from: [{group: a, kind: B}], to: [{group: ''}]}".to_owned(),
            vec!["/spec/from/0/namespace", "/spec/to/0/kind"],
        ),
        (
            "ReferenceGrant",
            "{from: [{group: a, kind: B, namespace: c, name: d}], to: [{kind: Service}]}".to_owned(),
            vec!["/spec/from/0/name"],
        ),
        ("BackendTLSPolicy", format!("{{{target}, validation: {{hostname: a.example}}}}"), vec!["/spec/validation"]),
        ("BackendTLSPolicy", format!("{{{target}, validation: {{wellKnownCACertificates: System}}}}"), vec!["/spec/validation/hostname"]),
        (
            "BackendTLSPolicy",
            format!("{{{target}, validation: {{wellKnownCACertificates: system, hostname: a}}}}"),
            vec!["/spec/validation/wellKnownCACertificates"],
        ),
        (
            "BackendTLSPolicy",
            format!("{{{target}, validation: {{wellKnownCACertificates: System, hostname: '*.a'}}}}"),
            vec!["/spec/validation/hostname"],
        ),
        ("BackendTLSPolicy", "{validation: {wellKnownCACertificates: System, hostname: a}}".to_owned(), vec!["/spec/targetRefs"]),
        (
            "BackendTLSPolicy",
            "{targetRefs: [{kind: Service}], validation: {wellKnownCACertificates: System, hostname: a}}".to_owned(),
            vec!["/spec/targetRefs/0/name"],
        ),
        ("GRPCRoute", "{rules: [{matches: [{method: {}}]}]}".to_owned(), vec!["/spec/rules/0/matches/0/method"]),
        ("GRPCRoute", "{rules: [{matches: [{method: {service: a/b}}]}]}".to_owned(), vec!["/spec/rules/0/matches/0/method/service"]),
        ("GRPCRoute", "{rules: [{matches: [{method: {type: Like, service: a}}]}]}".to_owned(), vec!["/spec/rules/0/matches/0/method/type"]),
        ("GRPCRoute", "{rules: [{filters: [{type: URLRewrite, urlRewrite: {}}]}]}".to_owned(), vec!["/spec/rules/0/filters/0/type"]),
        ("GRPCRoute", "{rules: [{timeouts: {}}]}".to_owned(), vec!["/spec/rules/0/timeouts"]),
    ] {
        assert_eq!(pointers(&read(&object("v1", kind, &spec))), expected, "{kind} {spec}");
    }
}

#[test]
fn faults_of_http_routes_are_named_and_the_rest_is_kept() {
    let filter = |text: &str| format!("filters: [{text}]");
    for (rule, pointer) in [
        ("matches: [{path: {type: Like, value: /}}]".to_owned(), "/matches/0/path/type"),
        ("matches: [{path: {value: cart}}]".to_owned(), "/matches/0/path/value"),
        ("matches: [{path: {type: Exact, value: ''}}]".to_owned(), "/matches/0/path/value"),
        ("matches: [{path: {value: /a//b}}]".to_owned(), "/matches/0/path/value"),
        ("matches: [{path: {value: /a/..}}]".to_owned(), "/matches/0/path/value"),
        ("matches: [{method: get}]".to_owned(), "/matches/0/method"),
        ("matches: [{headers: [{type: Like, name: a, value: b}]}]".to_owned(), "/matches/0/headers/0/type"),
        ("matches: [{headers: [{value: b}]}]".to_owned(), "/matches/0/headers/0/name"),
        ("matches: [{queryParams: [{type: Like, name: a, value: b}]}]".to_owned(), "/matches/0/queryParams/0/type"),
        ("matches: [{query: []}]".to_owned(), "/matches/0/query"),
        ("backendRefs: [{name: a}]".to_owned(), "/backendRefs/0/port"),
        ("backendRefs: [{name: a, port: -1}]".to_owned(), "/backendRefs/0/port"),
        ("backendRefs: [{port: 80}]".to_owned(), "/backendRefs/0/name"),
        ("backendRefs: [{name: a, port: 80, weight: 1000001}]".to_owned(), "/backendRefs/0/weight"),
        ("backendRefs: [{name: a, port: 80, weight: -1}]".to_owned(), "/backendRefs/0/weight"),
        (filter("{type: Other}"), "/filters/0/type"),
        (filter("{requestRedirect: {}}"), "/filters/0/type"),
        (filter("{type: URLRewrite}"), "/filters/0/urlRewrite"),
        (filter("{type: URLRewrite, urlRewrite: {}, requestRedirect: {}}"), "/filters/0/requestRedirect"),
        (filter("{type: CORS, cors: {}}, {type: CORS, cors: {}}"), "/filters/1"),
        (filter("{type: URLRewrite, urlRewrite: {}}, {type: RequestRedirect, requestRedirect: {}}"), "/filters"),
        (filter("{type: RequestRedirect, requestRedirect: {scheme: ftp}}"), "/filters/0/requestRedirect/scheme"),
        (filter("{type: RequestRedirect, requestRedirect: {statusCode: 200}}"), "/filters/0/requestRedirect/statusCode"),
        (filter("{type: RequestRedirect, requestRedirect: {port: 0}}"), "/filters/0/requestRedirect/port"),
        (filter("{type: RequestRedirect, requestRedirect: {hostname: '*.a'}}"), "/filters/0/requestRedirect/hostname"),
        (filter("{type: RequestRedirect, requestRedirect: {path: {type: Other}}}"), "/filters/0/requestRedirect/path/type"),
        (filter("{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replacePrefixMatch: /a}}}"), "/filters/0/urlRewrite/path"),
        (filter("{type: RequestMirror, requestMirror: {backendRef: {name: a}}}"), "/filters/0/requestMirror/backendRef/port"),
        ("filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a, port: 80}]".to_owned(), "/backendRefs"),
    ] {
        let text = object("v1", "HTTPRoute", &format!("{{rules: [{{{rule}}}, {{backendRefs: [{{name: last, port: 80}}]}}]}}"));
        let entry = read(&text);
        assert_eq!(pointers(&entry), [format!("/spec/rules/0{pointer}")], "{rule}");
        let Some(Record::Route(route)) = entry.record else { panic!("{rule}") };
        assert_eq!(route.rules.last().unwrap().backends, [backend("last", 80, 1)], "{rule}");
    }
    for (spec, expected) in [
        ("{hostnames: ['*']}", "/spec/hostnames/0"),
        ("{hostnames: [a.example, '[::1]:80']}", "/spec/hostnames/1"),
        ("{parentRefs: [{kind: Gateway}]}", "/spec/parentRefs/0/name"),
        ("{parentRefs: [{name: a, port: 99999}]}", "/spec/parentRefs/0/port"),
        ("{parentRefs: [{name: a, section: b}]}", "/spec/parentRefs/0/section"),
    ] {
        assert_eq!(pointers(&read(&object("v1", "HTTPRoute", spec))), [expected], "{spec}");
    }
}

#[test]
fn a_rule_whose_matches_cannot_be_compared_takes_nothing() {
    let rule = |matches: &str| {
        let entry =
            read(&object("v1", "HTTPRoute", &format!("{{rules: [{{matches: [{matches}], backendRefs: [{{name: a, port: 80}}]}}]}}")));
        let Some(Record::Route(route)) = entry.record else { panic!("{matches}") };
        route.rules.iter().map(|rule| rule.matches.len()).collect::<Vec<_>>()
    };
    assert_eq!(rule("{path: {type: Like, value: /}}"), [] as [usize; 0]);
    assert_eq!(rule("{path: {type: Like, value: /}}, {path: {value: /a}}"), [1]);
    assert_eq!(rule(""), [0]);
}
