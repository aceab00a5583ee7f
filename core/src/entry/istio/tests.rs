//! Gateways and VirtualServices, small ones.

use super::super::fixture::{snapshot, with};
use super::super::table::{Destination, PortRef, Speaks, Target, is_broken};
use super::*;
use crate::labels::{LabelSet, Selector};
use crate::record::{
    DestinationRuleRecord, IstioDestination, IstioGatewayRecord, IstioHttpRoute, IstioMatch, IstioServer, IstioStreamRoute, PathMatch,
    Record, Redirect, ServicePortRef,
};

const PODS: &str = "
kind: Pod
apiVersion: v1
metadata: {name: proxy, namespace: istio-system, labels: {istio: ingressgateway}}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

type Named = (Kind, &'static str, &'static str, Record);

fn server(port: u16, protocol: &str, tls_mode: &str, hosts: &[(&str, &str)]) -> IstioServer {
    IstioServer {
        name: format!("{}-{port}", protocol.to_lowercase()).into(),
        port,
        protocol: protocol.into(),
        hosts: hosts.iter().map(|(namespace, host)| ((*namespace).into(), (*host).into())).collect(),
        https_redirect: false,
        tls_mode: tls_mode.into(),
    }
}

fn gateway(servers: Vec<IstioServer>) -> Named {
    let labels: LabelSet = [("istio", "ingressgateway")].into_iter().collect();
    let record = IstioGatewayRecord { selector: Some(Selector::of_labels(&labels)), servers };
    (Kind::IstioGateway, "edge", "public", Record::IstioGateway(Box::new(record)))
}

fn to(host: &str) -> Vec<IstioDestination> {
    vec![IstioDestination { host: host.into(), weight: 1, ..IstioDestination::default() }]
}

fn route(prefix: &str, host: &str) -> IstioHttpRoute {
    let matches = if prefix.is_empty() { Vec::new() } else { vec![starting(prefix)] };
    IstioHttpRoute { matches, destinations: to(host), ..IstioHttpRoute::default() }
}

fn starting(prefix: &str) -> IstioMatch {
    IstioMatch { path: Some(PathMatch::TextPrefix(prefix.into())), ..IstioMatch::default() }
}

fn service(hosts: &[&str], http: Vec<IstioHttpRoute>) -> VirtualServiceRecord {
    let hosts = hosts.iter().map(|host| SmolStr::from(*host)).collect();
    VirtualServiceRecord { hosts, gateways: vec!["edge/public".into()], http, ..VirtualServiceRecord::default() }
}

fn named(name: &'static str, record: VirtualServiceRecord) -> Named {
    (Kind::VirtualService, "shop", name, Record::VirtualService(Box::new(record)))
}

fn of(records: Vec<Named>) -> Vec<Front> {
    fronts(&with(snapshot(PODS), records))
}

/// Listener, host and pointer of each rule that takes requests, in order.
fn taken(front: &Front) -> Vec<[String; 3]> {
    let host = |rule: &Rule| match &rule.host {
        Host::Any => "*".to_owned(),
        Host::Exact(name) => name.to_string(),
        Host::Beneath { suffix, .. } => format!("*{suffix}"),
    };
    let mut taken = Vec::new();
    for rule in front.rules.iter().filter(|rule| !is_broken(&rule.hops)) {
        let listener = rule.listener.map(|index| front.listeners[index].name.to_string());
        taken.push([listener.unwrap_or_default(), host(rule), format!("{}{}", rule.object.name, rule.pointer)]);
    }
    taken
}

fn only_target(rule: &Rule) -> &Target {
    match &rule.action {
        Action::Forward(targets) => &targets[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn servers_are_listeners_and_hosts_are_cut_with_theirs() {
    let mut plain = server(80, "HTTP", "", &[("*", "*.example")]);
    plain.https_redirect = true;
    let servers = vec![
        plain,
        server(443, "HTTPS", "SIMPLE", &[("*", "*.example"), ("shop", "shop.example")]),
        server(8443, "TLS", "PASSTHROUGH", &[("*", "*")]),
        server(5432, "TCP", "", &[("*", "*")]),
    ];
    let mut record = service(&["shop.example", "*.other"], vec![route("", "web")]);
    record.tls.push(IstioStreamRoute { matches: vec![(vec!["shop.example".into()], None, Vec::new())], destinations: to("web") });
    record.tcp.push(IstioStreamRoute { matches: vec![(Vec::new(), Some(5432), Vec::new())], destinations: to("web") });
    let fronts = of(vec![gateway(servers), named("web", record)]);
    let [front] = fronts.as_slice() else { panic!("{fronts:?}") };
    assert_eq!((front.id.as_str(), front.controller.pods.len(), front.hops.len()), ("istio-gateway/edge/public", 1, 0));
    let speaks: Vec<Speaks> = front.listeners.iter().map(|listener| listener.speaks).collect();
    assert_eq!(speaks, [Speaks::Http, Speaks::Https, Speaks::Https, Speaks::TlsPassthrough, Speaks::Tcp]);
    // The more specific listener of a port takes the host; the one in clear text only redirects.
    let expected = [
        ["https-443 shop.example", "shop.example", "web/spec/http/0"],
        ["tls-8443", "shop.example", "web/spec/tls/0/match/0"],
        ["tcp-5432", "shop.example", "web/spec/tcp/0/match/0"],
        ["http-80", "*.example", "public/spec/servers/0/tls/httpsRedirect"],
        ["tcp-5432", "*.other", "web/spec/tcp/0/match/0"],
    ];
    let mut all = taken(front);
    all.sort_by_key(|[listener, host, _]| (expected.iter().position(|[known, of, _]| listener == known && host == of), host.clone()));
    assert_eq!(all, expected);
    assert!(front.rules.iter().any(|rule| matches!(rule.action, Action::Redirect(Redirect { status: 301, .. }))));
}

#[test]
fn routes_go_by_age_and_what_takes_everything_comes_last() {
    let mut old = service(&["shop.example"], vec![route("/old", "web"), route("", "web"), route("/never", "web")]);
    old.created = "2023-01-01T00:00:00Z".into();
    let mut new = service(&["shop.example", "*"], vec![route("/new", "web")]);
    new.created = "2024-01-01T00:00:00Z".into();
    let fronts = of(vec![gateway(vec![server(80, "HTTP", "", &[("*", "*")])]), named("a-new", new), named("b-old", old)]);
    let pointers: Vec<[String; 2]> = taken(&fronts[0]).into_iter().map(|[_, host, pointer]| [host, pointer]).collect();
    let expected = [
        ["shop.example", "b-old/spec/http/0/match/0"],
        ["shop.example", "a-new/spec/http/0/match/0"],
        ["shop.example", "b-old/spec/http/1"],
        ["shop.example", "b-old/spec/http/2/match/0"],
        ["*", "a-new/spec/http/0/match/0"],
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn what_is_not_bound_says_why() {
    let servers = || vec![server(80, "HTTP", "", &[("other", "*.example"), (".", "*.edge")])];
    let mut hidden = service(&["shop.example"], vec![route("", "web")]);
    hidden.export_to = vec![".".into()];
    let mut lost = service(&["shop.example"], vec![route("", "web")]);
    lost.gateways = vec!["mesh".into(), "nowhere".into()];
    let mut inside = service(&["shop.example"], vec![route("", "web")]);
    inside.gateways = Vec::new();
    let records = vec![
        gateway(servers()),
        named("hidden", hidden),
        named("inside", inside),
        named("lost", lost),
        named("shut", service(&["shop.example"], vec![route("", "web")])),
    ];
    let fronts = of(records);
    assert_eq!(fronts.iter().map(|front| front.id.as_str()).collect::<Vec<_>>(), ["istio-gateway/edge/public", "istio-gateway/missing"]);
    let hops: Vec<(&str, &str, &str)> = fronts
        .iter()
        .flat_map(|front| &front.rules)
        .map(|rule| (rule.object.name.as_str(), rule.hops[0].kind, rule.hops[0].pointer.as_str()))
        .collect();
    let expected = [("hidden", "attach", "/spec/exportTo"), ("shut", "listener", "/spec/hosts/0"), ("lost", "attach", "/spec/gateways/1")];
    assert_eq!(hops, expected);
    assert!(fronts.iter().flat_map(|front| &front.rules).all(|rule| rule.listener.is_none() && is_broken(&rule.hops)));
    assert_eq!(fronts[1].rules[0].hops[0].sentence, "VirtualService shop/lost is bound to Istio Gateway shop/nowhere, which is not there");
}

#[test]
fn a_gateway_without_pods_is_served_by_nobody() {
    let analysis = with(snapshot(""), vec![gateway(vec![server(80, "HTTP", "", &[])])]);
    let fronts = fronts(&analysis);
    assert!(is_broken(&fronts[0].hops));
    assert_eq!(fronts[0].hops[0].sentence, "no pod bears istio=ingressgateway: nobody serves Istio Gateway edge/public");
    assert_eq!((fronts[0].hops[0].pointer.as_str(), fronts[0].hops[0].object.as_ref()), ("/spec/selector", fronts[0].object.as_ref()));
}

fn destination(host: &str, subset: &str, rules: Vec<Named>) -> Target {
    let mut route = route("", host);
    route.destinations[0].subset = subset.into();
    route.destinations[0].port = Some(80);
    let mut records = vec![gateway(vec![server(80, "HTTP", "", &[])]), named("web", service(&["*"], vec![route]))];
    records.extend(rules);
    only_target(&of(records)[0].rules[0]).clone()
}

#[test]
fn destinations_are_services_by_whole_or_short_names() {
    let web = |target: &Target| matches!(&target.to, Destination::Service { key, port: PortRef::Service(ServicePortRef::Number(80)), .. } if key.path() == "shop/web");
    let (short, whole, half) = (
        destination("web", "", Vec::new()),
        destination("web.shop.svc.cluster.local", "", Vec::new()),
        destination("web.shop", "", Vec::new()),
    );
    assert!(web(&short) && web(&whole) && web(&half));
    assert!(short.hops.is_empty() && whole.hops.is_empty());
    assert_eq!(half.hops[0].verdict, Verdict::Depends);
    assert!(matches!(destination("gone", "", Vec::new()).to, Destination::Broken { kind: "service", status: 503, .. }));
    assert!(matches!(destination("api.partner.example", "", Vec::new()).to, Destination::Other { .. }));
}

#[test]
fn subsets_are_looked_up_where_istio_looks() {
    let rule = |namespace: &'static str, host: &str, subset: &str| {
        let labels: LabelSet = [("version", namespace)].into_iter().collect();
        let record = DestinationRuleRecord { host: host.into(), subsets: vec![(subset.into(), labels)], export_to: Vec::new() };
        (Kind::DestinationRule, namespace, "web", Record::DestinationRule(Box::new(record)))
    };
    let version = |target: &Target| match &target.to {
        Destination::Service { subset: Some(labels), .. } => labels.get("version").unwrap_or_default().to_owned(),
        Destination::Broken { kind: "subset", status: 503, object, sentence, .. } => {
            format!("{} {sentence}", object.as_ref().map(ObjectKey::path).unwrap_or_default())
        }
        other => format!("{other:?}"),
    };
    let whole = "web.shop.svc.cluster.local";
    assert_eq!(version(&destination("web", "v1", vec![rule("shop", "web", "v1")])), "shop");
    // The first namespace that has a rule for the host decides, subset or not: that of the gateway's pods.
    assert_eq!(version(&destination("web", "v1", vec![rule("shop", "web", "v1"), rule("istio-system", whole, "v1")])), "istio-system");
    assert_eq!(
        version(&destination("web", "v1", vec![rule("shop", "web", "v1"), rule("istio-system", "*.local", "v2")])),
        "istio-system/web DestinationRule istio-system/web names no subset v1 of Service shop/web"
    );
    assert_eq!(version(&destination("web", "v1", Vec::new())), " no DestinationRule names subset v1 of Service shop/web");
    let elsewhere = destination("web", "v1", vec![rule("else", whole, "v1")]);
    assert_eq!((version(&elsewhere).as_str(), elsewhere.hops[0].verdict), ("else", Verdict::Depends));
}

#[test]
fn delegates_take_what_lies_within_what_is_left_to_them() {
    let delegating = |name: &str| IstioHttpRoute {
        matches: vec![starting("/api")],
        delegate: Some(("".into(), name.into())),
        ..IstioHttpRoute::default()
    };
    let root = service(&["shop.example"], vec![delegating("leaf"), delegating("gone"), delegating("root")]);
    let mut leaf = service(&[], vec![route("/api/v1", "web"), route("/other", "web"), route("", "web")]);
    leaf.gateways = Vec::new();
    let fronts = of(vec![gateway(vec![server(80, "HTTP", "", &[])]), named("leaf", leaf), named("root", root)]);
    let rules: Vec<(&str, &str, Option<&str>)> = fronts[0]
        .rules
        .iter()
        .map(|rule| {
            let path = match &rule.matching.path {
                super::super::matching::Path::Is(PathMatch::TextPrefix(prefix)) => Some(prefix.as_str()),
                _ => None,
            };
            (rule.object.name.as_str(), rule.pointer.as_str(), path)
        })
        .collect();
    let expected = [
        ("leaf", "/spec/http/0", Some("/api/v1")),
        ("leaf", "/spec/http/2", Some("/api")),
        ("root", "/spec/http/1/delegate", Some("/api")),
        ("root", "/spec/http/2/delegate", Some("/api")),
    ];
    assert_eq!(rules, expected);
    assert!(is_broken(&fronts[0].rules[2].hops) && is_broken(&fronts[0].rules[3].hops));
    let mut ids: Vec<&str> = fronts[0].rules.iter().map(|rule| rule.id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[test]
fn conditions_on_ports_gateways_and_the_mesh_are_looked_at() {
    let mut on_port = route("/port", "web");
    on_port.matches[0].port = Some(81);
    let mut other_gateway = route("/other", "web");
    other_gateway.matches[0].gateways = vec!["other".into(), "mesh".into()];
    let mut in_mesh = route("/mesh", "web");
    in_mesh.matches[0].in_mesh = true;
    let mut here = route("/here", "web");
    here.matches[0].gateways = vec!["edge/public".into()];
    here.aborts = true;
    let record = service(&["*"], vec![on_port, other_gateway, in_mesh, here]);
    let fronts = of(vec![gateway(vec![server(80, "HTTP", "", &[]), server(81, "HTTP", "", &[])]), named("web", record)]);
    let expected = [
        ["http-80", "*", "web/spec/http/3/match/0"],
        ["http-81", "*", "web/spec/http/0/match/0"],
        ["http-81", "*", "web/spec/http/3/match/0"],
    ];
    let mut all = taken(&fronts[0]);
    all.sort_unstable();
    assert_eq!(all, expected);
    assert!(fronts[0].rules.iter().any(|rule| rule.hops.iter().any(|hop| hop.kind == "fault" && hop.verdict == Verdict::Depends)));
}
