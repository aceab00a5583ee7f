//! What becomes of Cilium's policies on arrival: what is read, what is refused, and in which words conditions are put.

use crate::intake::Entry;
use crate::intake::testing::{pointers, read};
use crate::policy::PortKind;
use crate::ports::{PortSet, Protocol};
use crate::record::{CidrGroupRecord, CiliumKey, CiliumPeerKind, CiliumPolicyRecord, CiliumRule, CiliumSubject, Record};

fn policy(entry: &Entry) -> &CiliumPolicyRecord {
    match &entry.record {
        Some(Record::CiliumPolicy(policy)) => policy,
        other => panic!("{other:?}: {:?}", entry.warnings),
    }
}

fn read_spec(spec: &str) -> Entry {
    read(&format!(
        "{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: p, namespace: shop}}, spec: {{endpointSelector: {{}}, {spec}}}}}"
    ))
}

fn rule(entry: &Entry) -> &CiliumRule {
    let spec = &policy(entry).specs[0];
    spec.egress.rules.first().or(spec.ingress.rules.first()).expect("a rule")
}

#[test]
fn versions_are_read_alike_and_specs_each_by_itself() {
    let entry = read(
        "{apiVersion: cilium.io/v2alpha1, kind: CiliumClusterwideNetworkPolicy, metadata: {name: p}, \
         spec: {endpointSelector: {}, ingress: [{}]}, specs: [{nodeSelector: {matchLabels: {'k8s:role': x}}, egressDeny: [{toEntities: [world]}]}]}",
    );
    let [first, second] = policy(&entry).specs.as_slice() else { panic!("{entry:?}") };
    assert!(first.ingress.denies_by_default && !first.egress.denies_by_default);
    assert_eq!(second.egress.rules[0].pointer, "/specs/0/egressDeny/0");
    let CiliumSubject::Nodes(nodes) = &second.subject else { panic!("{second:?}") };
    assert_eq!(nodes.to_string(), "role=x");
    assert_eq!(second.conditions, ["the host firewall is enabled"]);
    assert_eq!(pointers(&entry), [""; 0]);
}

#[test]
fn keys_are_told_by_their_source_and_name() {
    let labels = "{app: a, 'k8s:app.kubernetes.io/name': b, 'any:io.kubernetes.pod.namespace': c, 'reserved:host': '', \
                  io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: d, 'k8s:io.cilium.k8s.policy.serviceaccount': e, 'cidr:x': ''}";
    let entry = read_spec(&format!("ingress: [{{fromEndpoints: [{{matchLabels: {labels}}}]}}]"));
    let CiliumPeerKind::Endpoints(selector) = &rule(&entry).peers.as_ref().unwrap()[0].kind else { panic!("{entry:?}") };
    let expected = [
        CiliumKey::Namespace,
        CiliumKey::Label("app".into()),
        CiliumKey::Foreign("cidr:x".into()),
        CiliumKey::NamespaceLabel("kubernetes.io/metadata.name".into()),
        CiliumKey::Label("app.kubernetes.io/name".into()),
        CiliumKey::Account,
        CiliumKey::Reserved("host".into()),
    ];
    assert_eq!(selector.requirements.iter().map(|requirement| requirement.key.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(pointers(&entry), ["/spec/ingress/0/fromEndpoints/0/matchLabels/cidr:x"]);
    assert!(!policy(&entry).is_refused);
}

#[test]
fn what_cilium_refuses_is_marked_and_told() {
    let cases = [
        ("ingress: [{fromEndpoints: [{}], fromCIDR: [1.2.3.4/32]}]", "/spec/ingress/0"),
        ("ingress: [{fromEntities: [moon]}]", "/spec/ingress/0/fromEntities/0"),
        ("ingress: [{fromCIDR: [10.0.0.0/40]}]", "/spec/ingress/0/fromCIDR/0"),
        (
            "ingress: [{fromEndpoints: [{matchExpressions: [{key: a, operator: Near}]}]}]",
            "/spec/ingress/0/fromEndpoints/0/matchExpressions/0/operator",
        ),
        (
            "ingress: [{fromEndpoints: [{matchExpressions: [{key: a, operator: In}]}]}]",
            "/spec/ingress/0/fromEndpoints/0/matchExpressions/0/values",
        ),
        ("ingress: [{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: '1'}]}]}]", "/spec/ingress/0/icmps"),
        ("egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/9]}]}]", "/spec/egress/0/toCIDRSet/0/except/0"),
        ("egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, cidrGroupRef: g}]}]", "/spec/egress/0/toCIDRSet/0"),
        ("egress: [{toFQDNs: [{}]}]", "/spec/egress/0/toFQDNs/0"),
        ("egress: [{toFQDNs: [{matchName: '*.a'}]}]", "/spec/egress/0/toFQDNs/0/matchName"),
        ("egress: [{toPorts: [{ports: [{port: 80}]}]}]", "/spec/egress/0/toPorts/0/ports/0/port"),
        ("egress: [{toPorts: [{ports: [{port: '66000'}]}]}]", "/spec/egress/0/toPorts/0/ports/0/port"),
        ("egress: [{toPorts: [{ports: [{port: '1', protocol: QUIC}]}]}]", "/spec/egress/0/toPorts/0/ports/0/protocol"),
        ("egress: [{toPorts: [{ports: [{port: '1'}], rules: {http: [{}], dns: [{matchName: a}]}}]}]", "/spec/egress/0/toPorts/0/rules"),
        ("egressDeny: [{toFQDNs: [{matchName: a.b}]}]", "/spec/egressDeny/0/toFQDNs"),
        ("ingress: [{authentication: {mode: maybe}}]", "/spec/ingress/0/authentication/mode"),
    ];
    for (spec, pointer) in cases {
        let entry = read_spec(spec);
        assert_eq!(pointers(&entry), [pointer], "{spec}: {:?}", entry.warnings);
        assert!(policy(&entry).is_refused, "{spec}");
    }
}

#[test]
fn a_deny_rule_that_cannot_be_read_may_deny_anything() {
    let entry = read_spec("ingressDeny: [{fromEntities: [moon], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]");
    assert_eq!((&rule(&entry).peers, &rule(&entry).ports), (&None, &None));
    let entry = read_spec("ingress: [{fromEntities: [moon], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]");
    assert_eq!(rule(&entry).peers, Some(Vec::new()), "an allow rule opens nothing");
    let entry = read_spec("ingress: [{fromEndpoints: [], fromEntities: [all]}]");
    assert_eq!(rule(&entry).peers, Some(Vec::new()), "a list that is empty selects nothing, whatever stands beside it");
}

#[test]
fn policies_without_a_subject_are_left_out() {
    for (spec, pointer) in [
        ("{ingress: [{}]}", "/spec"),
        ("{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", "/spec"),
        ("{nodeSelector: {}, ingress: [{}]}", "/spec/nodeSelector"),
        ("{endpointSelector: {matchLabels: {'-': a}}, ingress: [{}]}", "/spec/endpointSelector/matchLabels/-"),
    ] {
        let entry =
            read(&format!("{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: p, namespace: shop}}, spec: {spec}}}"));
        assert!(policy(&entry).specs.is_empty(), "{spec}");
        assert_eq!(pointers(&entry)[0], pointer, "{spec}");
    }
}

#[test]
fn ports_by_number_name_range_and_protocol() {
    let all = |set: &dyn Fn(Protocol) -> PortSet| Protocol::ALL.iter().fold(PortSet::none(), |so_far, one| so_far.union(&set(*one)));
    let cases = [
        ("port: '80', protocol: TCP", PortKind::Set(PortSet::one(Protocol::Tcp, 80))),
        ("port: '80', protocol: tcp", PortKind::Set(PortSet::one(Protocol::Tcp, 80))),
        ("port: '80'", PortKind::Set(all(&|protocol| PortSet::one(protocol, 80)))),
        ("port: '80', endPort: 90, protocol: UDP", PortKind::Set(PortSet::range(Protocol::Udp, 80, 90))),
        ("port: '0', protocol: ANY", PortKind::Set(PortSet::all())),
        ("port: '0', protocol: SCTP", PortKind::Set(PortSet::all_of(Protocol::Sctp))),
        ("port: HTTP-80", PortKind::Named(None, "http-80".into())),
        ("port: dns, protocol: UDP", PortKind::Named(Some(Protocol::Udp), "dns".into())),
        ("port: '1', protocol: ICMPv6", PortKind::Set(PortSet::none())),
    ];
    for (port, expected) in cases {
        let entry = read_spec(&format!("egress: [{{toPorts: [{{ports: [{{{port}}}]}}]}}]"));
        let ports = rule(&entry).ports.as_ref().unwrap();
        assert_eq!(ports[0].ports.as_ref().unwrap()[0].kind, expected, "{port}");
        assert_eq!(pointers(&entry), [""; 0], "{port}");
    }
}

#[test]
fn what_is_asked_above_ports_is_put_in_words() {
    let cases = [
        ("rules: {http: [{method: GET, path: /a, host: b}, {path: /c}]}", Some("the request is GET /a to host b or /c")),
        ("rules: {http: [{method: GET, headerMatches: [{name: A, value: b}]}]}", Some("the request is GET with header A: b")),
        ("rules: {http: [{method: GET, headerMatches: [{name: A, value: b, mismatch: ADD}]}]}", Some("the request is GET")),
        ("rules: {http: [{}]}", Some("it is HTTP")),
        ("rules: {kafka: [{apiKey: fetch}, {}]}", Some("it is Kafka")),
        ("rules: {l7proto: r2d2, l7: [{cmd: READ}, {cmd: HALT}]}", Some("the r2d2 request has cmd READ or cmd HALT")),
        ("rules: {l7proto: r2d2}", Some("it is r2d2")),
        ("rules: {dns: [{matchPattern: '*'}]}", None),
        ("rules: {dns: [{matchPattern: '*.a'}, {matchName: b}]}", Some("it is a lookup of *.a or b")),
        ("serverNames: [a.b, c]", Some("the TLS server name is a.b or c")),
        ("terminatingTLS: {secret: {name: s}}", Some("it is TLS that the proxy can end")),
        ("listener: {name: l, envoyConfig: {name: e}}", Some("the listener l lets it through")),
        ("rules: {}", None),
    ];
    for (asked, words) in cases {
        let entry = read_spec(&format!("egress: [{{toPorts: [{{ports: [{{port: '80', protocol: TCP}}], {asked}}}]}}]"));
        assert_eq!(rule(&entry).ports.as_ref().unwrap()[0].condition.as_deref(), words, "{asked}");
        assert_eq!(pointers(&entry), [""; 0], "{asked}");
    }
    let entry = read_spec("egressDeny: [{toPorts: [{ports: [{port: '80'}], rules: {http: [{path: /}]}}]}]");
    assert_eq!(rule(&entry).ports.as_ref().unwrap()[0].condition, None);
    assert_eq!(pointers(&entry), ["/spec/egressDeny/0/toPorts/0/rules"]);
}

#[test]
fn fields_that_nobody_knows_are_told() {
    let entry = read_spec("ingress: [{fromEndpoint: [{}], toEndpoints: [{}]}], egres: []");
    assert_eq!(pointers(&entry), ["/spec/ingress/0/fromEndpoint", "/spec/ingress/0/toEndpoints", "/spec/egres"]);
}

#[test]
fn groups_of_blocks() {
    let entry = read(
        "{apiVersion: cilium.io/v2alpha1, kind: CiliumCIDRGroup, metadata: {name: g, labels: {a: b}}, spec: {externalCIDRs: [10.0.0.0/8, 1.2.3.4, x]}}",
    );
    let blocks = ["10.0.0.0/8", "1.2.3.4/32"].map(|block| block.parse().unwrap()).into();
    let Some(Record::CidrGroup(group)) = &entry.record else { panic!("{entry:?}") };
    assert_eq!(**group, CidrGroupRecord { labels: [("a", "b")].into_iter().collect(), blocks });
    assert_eq!(pointers(&entry), ["/spec/externalCIDRs/2"]);
}
