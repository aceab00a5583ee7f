//! Tests of the intake of the mesh.

use super::super::testing::{pointers, read};
use crate::ports::Protocol;
use crate::record::{AuthorizationAction, AuthorizationPolicyRecord, Proxy, Record, ServiceEntryRecord, SidecarRecord};

fn policy(spec: &str) -> (AuthorizationPolicyRecord, Vec<String>) {
    let entry = read(&format!(
        "{{apiVersion: security.istio.io/v1beta1, kind: AuthorizationPolicy, metadata: {{name: p, namespace: bank}}, spec: {spec}}}"
    ));
    let pointers = pointers(&entry).into_iter().map(str::to_owned).collect();
    match entry.record {
        Some(Record::AuthorizationPolicy(record)) => (*record, pointers),
        other => panic!("{other:?} {pointers:?}"),
    }
}

fn entry(spec: &str) -> (ServiceEntryRecord, Vec<String>) {
    let text = format!("{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: e, namespace: bank}}, spec: {spec}}}");
    let entry = read(&text);
    let pointers = pointers(&entry).into_iter().map(str::to_owned).collect();
    match entry.record {
        Some(Record::ServiceEntry(record)) => (*record, pointers),
        other => panic!("{other:?} {pointers:?}"),
    }
}

fn sidecar(spec: &str) -> (SidecarRecord, Vec<String>) {
    let text = format!("{{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {{name: s, namespace: bank}}, spec: {spec}}}");
    let entry = read(&text);
    let pointers = pointers(&entry).into_iter().map(str::to_owned).collect();
    match entry.record {
        Some(Record::Sidecar(record)) => (*record, pointers),
        other => panic!("{other:?} {pointers:?}"),
    }
}

#[test]
fn a_policy_without_a_spec_is_one_that_allows_nothing() {
    let entry = read("{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: p, namespace: bank}}");
    let Some(Record::AuthorizationPolicy(record)) = entry.record else { panic!("{:?}", entry.warnings) };
    assert!(record.action == AuthorizationAction::Allow && record.rules.is_empty() && entry.warnings.is_empty());
}

#[test]
fn a_rule_is_read_with_all_its_parts() {
    let (record, warnings) = policy(
        "{selector: {matchLabels: {app: db}}, action: DENY, rules: [{\
            from: [{source: {principals: [a], notNamespaces: [b], serviceAccounts: [web, shop/cart], ipBlocks: [10.0.0.1, 10.1.2.3/8]}}], \
            to: [{operation: {ports: ['80', 443], notPorts: ['443'], methods: [GET, POST]}}], \
            when: [{key: 'request.headers[x]', notValues: [y]}, {key: destination.port, notValues: ['1']}, {key: source.namespace, values: [c]}]}]}",
    );
    assert_eq!(warnings, [""; 0]);
    let [rule] = record.rules.as_slice() else { panic!("{record:?}") };
    let [from] = rule.from.as_slice() else { panic!("{rule:?}") };
    assert_eq!((from.principals.any.as_slice(), from.namespaces.none.as_slice()), (&["a".into()][..], &["b".into()][..]));
    assert_eq!(from.accounts.any, [("bank".into(), "web".into()), ("shop".into(), "cart".into())]);
    let blocks: Vec<String> = from.blocks.any.iter().map(ToString::to_string).collect();
    assert_eq!(blocks, ["10.0.0.1/32", "10.0.0.0/8"]);
    let [to] = rule.to.as_slice() else { panic!("{rule:?}") };
    assert_eq!((to.ports.to_string().as_str(), to.words.as_slice()), ("80/TCP", &["the method of the request is GET or POST".into()][..]));
    assert_eq!(rule.when_words, ["request.headers[x] is not y"]);
    assert!(!rule.when_ports.contains(Protocol::Tcp, 1) && rule.when_ports.contains(Protocol::Tcp, 2));
    assert_eq!(rule.when.first().map(|one| one.namespaces.any.as_slice()), Some(&["c".into()][..]));
    assert!(!rule.is_faulty);
}

#[test]
fn faults_mark_the_rule_and_are_named() {
    for (rule, pointer) in [
        ("{from: []}", "/spec/rules/0/from"),
        ("{from: [{}]}", "/spec/rules/0/from/0/source"),
        ("{from: [{source: {}}]}", "/spec/rules/0/from/0/source"),
        ("{from: [{source: {namespaces: ['']}}]}", "/spec/rules/0/from/0/source/namespaces/0"),
        ("{from: [{source: {notIpBlocks: [a]}}]}", "/spec/rules/0/from/0/source/notIpBlocks/0"),
        ("{to: []}", "/spec/rules/0/to"),
        ("{to: [{operation: {}}]}", "/spec/rules/0/to/0/operation"),
        ("{to: [{operation: {ports: ['0']}}]}", "/spec/rules/0/to/0/operation/ports/0"),
        ("{when: [{values: [a]}]}", "/spec/rules/0/when/0/key"),
        ("{when: [{key: source.ip}]}", "/spec/rules/0/when/0"),
    ] {
        let (record, warnings) = policy(&format!("{{rules: [{rule}]}}"));
        assert_eq!(warnings, [pointer, "/spec/rules/0"], "{rule}");
        assert!(record.rules.iter().all(|rule| rule.is_faulty) && record.rules.len() == 1, "{rule}");
    }
    let (_, warnings) = policy("{rules: [{form: []}], selector: {matchExpressions: []}}");
    assert_eq!(warnings, ["/spec/rules/0/form", "/spec/selector/matchExpressions"]);
    let unknown = read("{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: p}, spec: {action: Deny}}");
    assert!(unknown.record.is_none() && pointers(&unknown) == ["/spec/action"]);
}

#[test]
fn targets_take_the_place_of_the_selector() {
    let (record, warnings) = policy(
        "{selector: {matchLabels: {a: b}}, targetRef: {kind: Gateway, name: g}, targetRefs: [{kind: Service, name: s}, {kind: Pod, name: p}]}",
    );
    assert_eq!(warnings, ["/spec/targetRefs/1/kind", "/spec/selector"]);
    let names: Vec<&str> = record.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["s", "p", "g"]);
}

#[test]
fn a_service_entry_keeps_what_leads_somewhere() {
    let (record, warnings) = entry(
        "{hosts: [API.example.com, '*.example.org'], addresses: [10.0.0.0/8, nowhere], exportTo: ['.'], resolution: STATIC, \
          ports: [{number: 443, name: a, protocol: TLS, targetPort: 8443}, {number: 22, name: b, protocol: TCP}, {name: c}], \
          endpoints: [{address: 192.0.2.1, ports: {a: 1443}}], workloadSelector: {labels: {app: x}}}",
    );
    assert_eq!(warnings, ["/spec/addresses/1", "/spec/ports/2/number"]);
    assert_eq!((record.hosts.as_slice(), record.addresses.len()), (&["api.example.com".into(), "*.example.org".into()][..], 1));
    let ports: Vec<_> = record.ports.iter().map(|port| (port.number, port.target, port.names_host)).collect();
    assert_eq!(ports, [(443, 8443, true), (22, 22, false)]);
    assert!(!record.is_passed_on && record.workloads.is_some() && record.endpoints.len() == 1);
    assert_eq!(entry("{}").1, ["/spec/hosts"]);
}

#[test]
fn a_sidecar_without_a_mode_in_its_policy_means_the_strict_one() {
    assert_eq!(sidecar("{}").0, SidecarRecord::default());
    assert_eq!(sidecar("{outboundTrafficPolicy: {}}").0.registry_only, Some(true));
    assert_eq!(sidecar("{outboundTrafficPolicy: {mode: ALLOW_ANY}}").0.registry_only, Some(false));
    let (record, warnings) = sidecar("{outboundTrafficPolicy: {mode: ANY}, egress: [{port: {number: 80}, hosts: ['./*', '~/*', web]}]}");
    assert_eq!(warnings, ["/spec/outboundTrafficPolicy/mode", "/spec/egress/0/hosts/2"]);
    let egress = record.egress.unwrap_or_default();
    assert_eq!(egress.first().map(|egress| (egress.port, egress.hosts.as_slice())), Some((Some(80), &[(".".into(), "*".into())][..])));
    assert_eq!(record.registry_only, Some(true));
}

#[test]
fn the_containers_of_a_pod_that_lives_tell_whether_it_has_a_proxy() {
    let proxy = |spec: &str, status: &str| match read(&format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {spec}{status}}}"
    ))
    .record
    {
        Some(Record::Pod(pod)) => pod.proxy,
        other => panic!("{other:?}"),
    };
    let with = "{containers: [{name: c}], initContainers: [{name: istio-proxy, restartPolicy: Always}]}";
    assert_eq!(proxy(with, ", status: {podIP: 10.0.0.1}"), Proxy::Present);
    assert_eq!(proxy("{containers: [{name: istio-proxy}]}", ""), Proxy::Present);
    assert_eq!(proxy("{containers: [{name: c}]}", ", status: {podIP: 10.0.0.1}"), Proxy::Absent);
    assert_eq!(proxy("{containers: [{name: c}]}", ""), Proxy::Unknown);
    let template = |metadata: &str| {
        let text = format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d}}, spec: {{template: {{metadata: {metadata}, spec: {{}}}}}}}}"
        );
        match read(&text).record {
            Some(Record::Workload(workload)) => workload.template.map(|template| template.proxy),
            other => panic!("{other:?}"),
        }
    };
    let inject = "sidecar.istio.io/inject";
    assert_eq!(template(&format!("{{annotations: {{{inject}: 'false'}}}}")), Some(Proxy::Absent));
    assert_eq!(template(&format!("{{annotations: {{{inject}: 'false'}}, labels: {{{inject}: 'true'}}}}")), Some(Proxy::Unknown));
    assert_eq!(template(&format!("{{annotations: {{{inject}: 'true'}}}}")), Some(Proxy::Unknown));
}
