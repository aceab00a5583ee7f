//! Gateways as fronts: classes, attachment, conflicts, sets, controllers.

use super::super::table::{Speaks, is_broken};
use super::testing::{GROUP, Scene, edge, faults, http, listener, parent, places, route};
use super::*;
use crate::labels::{Labels, Selector};
use crate::record::{
    FromNamespaces, GatewayListener, ListenerProtocol, ListenerSetRecord, LoadBalancerAddress, PodRecord, PodTemplate,
    ReferenceGrantRecord, RouteRecord, ServiceRecord, ServiceType,
};
use ListenerProtocol::{Http, Https, Tcp, Tls, Udp};

fn class(scene: &mut Scene, name: &str, controller: &str) {
    let record = GatewayClassRecord { controller: controller.into(), not_accepted: None };
    scene.put(Kind::GatewayClass, "", name, Record::GatewayClass(Box::new(record)));
}

/// The front's hop of a kind: verdict, object, sentence.
fn said(front: &Front, kind: &str) -> Option<(Verdict, String, String)> {
    let hop = front.hops.iter().find(|hop| hop.kind == kind)?;
    let object = hop.object.as_ref().map(title).unwrap_or_default();
    Some((hop.verdict, format!("{object}{}", hop.pointer), hop.sentence.clone()))
}

/// What is wrong with the first rule of a route of a namespace at `infra/edge`, which has these listeners; empty where it is attached.
fn faults_of(listeners: Vec<GatewayListener>, kind: Kind, namespace: &str, record: RouteRecord) -> Vec<String> {
    let mut scene = Scene::default();
    scene.namespace("shop", &[("team", "shop")]);
    scene.namespace("infra", &[]);
    scene.gateway(listeners);
    scene.route(kind, namespace, "r", record);
    let front = scene.front();
    let [rule, ..] = &front.rules[..] else { panic!("no rules") };
    assert_eq!(rule.listener.is_none(), is_broken(&rule.hops));
    faults(&rule.hops)
}

#[test]
fn a_class_must_be_there_where_classes_are() {
    let front_of = |class_name: &str, classes: &[&str], is_unseen: bool| {
        let mut scene = Scene::default();
        let record = GatewayRecord { class: class_name.into(), ..GatewayRecord::default() };
        scene.put(Kind::Gateway, "shop", "public", Record::Gateway(Box::new(record)));
        for name in classes {
            class(&mut scene, name, "example.com/controller");
        }
        if is_unseen {
            scene.hide(Kind::GatewayClass, &[]);
        }
        scene.front()
    };
    let sentence = "Gateway shop/public is of class x, served by controller example.com/controller";
    let pointer = "Gateway shop/public/spec/gatewayClassName";
    let cases = [
        ("x", &["x"][..], false, Verdict::Allowed, "GatewayClass x/spec/controllerName", sentence),
        ("x", &["y"], false, Verdict::Denied, pointer, "there is no GatewayClass x: no controller serves Gateway shop/public"),
        ("x", &[], false, Verdict::Allowed, pointer, "class x is taken to be served: no GatewayClass is among the objects"),
        (
            "x",
            &[],
            true,
            Verdict::Depends,
            pointer,
            "whether there is a GatewayClass x, which would serve Gateway shop/public, may not be seen",
        ),
        ("", &["x"], false, Verdict::Denied, pointer, "Gateway shop/public names no class: no controller serves it"),
    ];
    for (name, classes, is_unseen, verdict, object, sentence) in cases {
        let front = front_of(name, classes, is_unseen);
        assert_eq!(said(&front, "class"), Some((verdict, object.to_owned(), sentence.to_owned())));
        assert_eq!(is_broken(&front.hops), verdict == Verdict::Denied);
        assert_eq!(said(&front, "controller").is_some(), verdict != Verdict::Denied);
    }
}

#[test]
fn fronts_are_in_the_order_of_names_the_missing_one_last() {
    let mut scene = Scene::default();
    scene.gateway(Vec::new());
    scene.put(Kind::Gateway, "a", "z", Record::Gateway(Box::default()));
    scene.route(Kind::HttpRoute, "shop", "r", route(vec![edge(""), parent("Gateway", "infra", "gone", "")], &[]));
    let ids: Vec<(String, String)> = scene.fronts().into_iter().map(|front| (front.id, front.title)).collect();
    let expected = [("gateway/a/z", "Gateway a/z"), ("gateway/infra/edge", "Gateway infra/edge"), ("gateway/missing", "no Gateway")];
    assert_eq!(ids, expected.map(|(id, title)| (id.to_owned(), title.to_owned())));
}

#[test]
fn a_route_is_attached_by_name_and_port() {
    let listeners = || vec![http("a", ""), listener("b", 8080, Http, ""), listener("c", 8080, Http, "c.example")];
    let to = |section: &str, port: Option<u16>| {
        let mut scene = Scene::default();
        scene.gateway(listeners());
        scene.route(Kind::HttpRoute, "shop", "r", route(vec![ParentRef { port, ..edge(section) }], &[]));
        places(&scene.front()).into_iter().map(|place| place.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>().join("")
    };
    assert_eq!(to("", None), "abc");
    assert_eq!(to("b", None), "b");
    assert_eq!(to("", Some(8080)), "bc");
    assert_eq!(to("b", Some(8080)), "b");
    assert_eq!(to("b", Some(80)), "-");
    assert_eq!(to("d", None), "-");
    assert_eq!(to("", Some(81)), "-");
    // The port of a set's listener may be left to the implementation.
    let free =
        faults_of(vec![listener("a", 0, Http, "")], Kind::HttpRoute, "shop", route(vec![ParentRef { port: Some(81), ..edge("") }], &[]));
    assert_eq!(free, [""; 0]);
}

#[test]
fn a_listener_that_is_not_there_is_named() {
    let fault = |section: &str, port: Option<u16>, listeners: Vec<GatewayListener>| {
        let parents = vec![parent("Service", "", "mesh", ""), ParentRef { port, ..edge(section) }];
        let [fault] = &faults_of(listeners, Kind::HttpRoute, "shop", route(parents, &[]))[..] else { panic!() };
        fault.strip_prefix("Denied attach HTTPRoute shop/r/spec/parentRefs/1: ").unwrap().to_owned()
    };
    let one = || vec![http("a", "")];
    assert_eq!(fault("x", None, one()), "HTTPRoute shop/r names listener x of Gateway infra/edge, which has none of that name");
    assert_eq!(fault("", Some(81), one()), "HTTPRoute shop/r names port 81 of Gateway infra/edge, which has no listener there");
    let both = "HTTPRoute shop/r names listener a on port 81 of Gateway infra/edge, which has none of that name and port";
    assert_eq!(fault("a", Some(81), one()), both);
    assert_eq!(fault("", None, Vec::new()), "Gateway infra/edge, which HTTPRoute shop/r names, has no listener");
}

#[test]
fn namespaces_must_be_let_in() {
    let team = |value: &str| FromNamespaces::Selector(Some(Selector::of_labels(&Labels::from_iter([("team", value)]))));
    let fault = |routes_from: FromNamespaces, namespace: &str| {
        let listeners = vec![GatewayListener { routes_from, ..http("a", "") }];
        faults_of(listeners, Kind::HttpRoute, namespace, route(vec![edge("")], &[]))
    };
    assert_eq!(fault(FromNamespaces::All, "shop"), [""; 0]);
    assert_eq!(fault(FromNamespaces::Same, "infra"), [""; 0]);
    assert_eq!(fault(team("shop"), "shop"), [""; 0]);
    let denied = "Denied attach Gateway infra/edge/spec/listeners/0/allowedRoutes: listener a of Gateway infra/edge takes";
    let shop = "and HTTPRoute shop/r is of shop";
    assert_eq!(fault(FromNamespaces::Same, "shop"), [format!("{denied} routes of its own namespace infra only, {shop}")]);
    assert_eq!(fault(team("other"), "shop"), [format!("{denied} routes of namespaces with team=other only, {shop}")]);
    assert_eq!(fault(FromNamespaces::None, "shop"), [format!("{denied} routes of no namespace, {shop}")]);
    assert_eq!(fault(FromNamespaces::Selector(None), "shop"), [format!("{denied} routes of no namespace, {shop}")]);
}

#[test]
fn labels_that_may_not_be_seen_may_let_in() {
    let verdict = |key: &str, is_hidden: bool| {
        let mut scene = Scene::default();
        let selector = Selector::of_labels(&Labels::from_iter([(key, "other")]));
        scene.gateway(vec![GatewayListener { routes_from: FromNamespaces::Selector(Some(selector)), ..http("a", "") }]);
        scene.route(Kind::HttpRoute, "shop", "r", route(vec![edge("")], &[]));
        if is_hidden {
            scene.hide(Kind::Namespace, &[]);
        }
        let front = scene.front();
        (front.rules[0].hops.iter().map(|hop| hop.verdict).max().unwrap(), front.rules[0].listener)
    };
    assert_eq!(verdict("team", true), (Verdict::Depends, Some(0)));
    assert_eq!(verdict("team", false), (Verdict::Denied, None));
    assert_eq!(verdict("kubernetes.io/metadata.name", true), (Verdict::Denied, None));
}

#[test]
fn a_listener_takes_the_kinds_of_its_protocol_or_fewer() {
    let kinds = [Kind::HttpRoute, Kind::GrpcRoute, Kind::TlsRoute, Kind::TcpRoute, Kind::UdpRoute];
    let taken = |listener: GatewayListener| {
        let takes = |kind: &&Kind| faults_of(vec![listener.clone()], **kind, "shop", route(vec![edge("")], &[])).is_empty();
        let names: Vec<&str> = kinds.iter().filter(takes).map(|kind| kind.name()).collect();
        names.join(" ").replace("Route", "")
    };
    let of = |protocol: ListenerProtocol| listener("a", 80, protocol, "");
    let only = |group: &str, kind: &str| Some(vec![(group.into(), kind.into())]);
    assert_eq!(taken(of(Http)), "HTTP GRPC");
    assert_eq!(taken(of(Https)), "HTTP GRPC");
    assert_eq!(taken(of(Tls)), "TLS TCP");
    assert_eq!(taken(GatewayListener { passthrough: true, ..of(Tls) }), "TLS");
    assert_eq!(taken(of(Tcp)), "TCP");
    assert_eq!(taken(of(Udp)), "UDP");
    assert_eq!(taken(GatewayListener { route_kinds: only(GROUP, "GRPCRoute"), ..of(Http) }), "GRPC");
    assert_eq!(taken(GatewayListener { route_kinds: only("other.example", "HTTPRoute"), ..of(Http) }), "");
    assert_eq!(taken(GatewayListener { route_kinds: only(GROUP, "TCPRoute"), ..of(Http) }), "");
    assert_eq!(taken(GatewayListener { route_kinds: Some(Vec::new()), ..of(Http) }), "HTTP GRPC");

    let fault = |listener| faults_of(vec![listener], Kind::HttpRoute, "shop", route(vec![edge("")], &[])).concat();
    // What a protocol of an implementation takes, the implementation knows, or the listener says.
    let own = of(ListenerProtocol::Other("example.com/own".into()));
    assert!(fault(own.clone()).starts_with("Depends attach Gateway infra/edge/spec/listeners/0/protocol: "));
    assert_eq!(fault(GatewayListener { route_kinds: only(GROUP, "HTTPRoute"), ..own.clone() }), "");
    assert!(fault(GatewayListener { route_kinds: only(GROUP, "TCPRoute"), ..own }).starts_with("Denied attach "));
    let other = fault(GatewayListener { route_kinds: only(GROUP, "GRPCRoute"), ..of(Http) });
    assert!(other.starts_with("Denied attach Gateway infra/edge/spec/listeners/0/allowedRoutes/kinds: "), "{other}");
    let tcp = fault(of(Tcp));
    assert!(tcp.starts_with("Denied attach Gateway infra/edge/spec/listeners/0/protocol: "), "{tcp}");
    assert!(tcp.ends_with("listener a of Gateway infra/edge takes no HTTPRoute, and shop/r is one: its protocol is TCP"), "{tcp}");
}

#[test]
fn hosts_must_meet() {
    let listeners = || vec![http("a", "*.b.example"), http("b", "c.example")];
    let faults = |hostnames: &[&str]| faults_of(listeners(), Kind::HttpRoute, "shop", route(vec![edge("")], hostnames));
    assert_eq!(faults(&["a.example", "c.example"]), [""; 0]);
    let denied = "Denied listener HTTPRoute shop/r/spec/hostnames: the hosts of HTTPRoute shop/r (a.example) do not meet";
    assert_eq!(
        faults(&["a.example"]),
        [
            format!("{denied} *.b.example of listener a of Gateway infra/edge"),
            format!("{denied} c.example of listener b of Gateway infra/edge"),
        ]
    );
}

/// The faults of the listeners of `infra/edge`, by the names of the listeners.
fn listener_faults(scene: &Scene) -> Vec<(String, Vec<String>)> {
    scene.front().listeners.iter().map(|listener| (listener.name.to_string(), faults(&listener.hops))).collect()
}

#[test]
fn listeners_that_cannot_be_told_apart_conflict() {
    use Verdict::{Allowed, Denied, Depends};
    let cases = [
        (http("a", ""), http("b", ""), Denied),
        (http("a", "x.example"), http("b", "X.example"), Denied),
        (http("a", "x.example"), http("b", "*.example"), Allowed),
        (http("a", ""), http("b", "*.example"), Allowed),
        (http("a", ""), listener("b", 81, Http, ""), Allowed),
        (http("a", ""), listener("b", 80, Tcp, ""), Denied),
        (http("a", "x.example"), listener("b", 80, Udp, ""), Allowed),
        (listener("a", 80, Tcp, ""), listener("b", 80, Tcp, "x.example"), Denied),
        (listener("a", 80, Udp, ""), listener("b", 80, Udp, ""), Denied),
        (listener("a", 80, Udp, ""), listener("b", 80, Tcp, ""), Allowed),
        (http("a", "x.example"), listener("b", 80, Https, "y.example"), Depends),
        (http("a", ""), listener("b", 80, Tls, ""), Depends),
        (listener("a", 443, Https, "x.example"), listener("b", 443, Tls, "x.example"), Depends),
        (listener("a", 443, Https, "x.example"), listener("b", 443, Tls, "y.example"), Allowed),
        (listener("a", 443, Tls, ""), GatewayListener { passthrough: true, ..listener("b", 443, Tls, "") }, Denied),
        (listener("a", 0, Http, ""), listener("b", 0, Http, ""), Allowed),
    ];
    for (one, other, expected) in cases {
        let what = format!("{one:?} {other:?}");
        let mut scene = Scene::default();
        scene.gateway(vec![one, other]);
        // Of one object's listeners none wins.
        for listener in scene.front().listeners {
            let worst = listener.hops.iter().map(|hop| hop.verdict).max().unwrap_or(Allowed);
            assert_eq!(worst, expected, "{} of {what}", listener.name);
        }
    }
    let mut scene = Scene::default();
    scene.gateway(vec![http("a", ""), http("b", ""), http("c", "")]);
    let clash = |index: usize, a: &str, b: &str| {
        let sentence = format!("listener {a} of Gateway infra/edge conflicts with listener {b} of Gateway infra/edge");
        vec![format!("Denied listener Gateway infra/edge/spec/listeners/{index}: {sentence}: both take HTTP for all hosts on port 80")]
    };
    let expected = [("a", clash(0, "a", "b")), ("b", clash(1, "b", "a")), ("c", clash(2, "c", "a"))];
    assert_eq!(listener_faults(&scene), expected.map(|(name, faults)| (name.to_owned(), faults)));
}

#[test]
fn of_listeners_of_several_objects_the_first_wins() {
    let mut scene = Scene::default();
    scene.gateway(vec![http("own", "a.example")]);
    scene.set("infra", "a-young", "2024-02-01T00:00:00Z", vec![http("young", "b.example")]);
    scene.set("infra", "b-old", "2024-01-01T00:00:00Z", vec![http("taken", "a.example"), http("old", "b.example")]);
    scene.set("infra", "c-old", "2024-01-01T00:00:00Z", vec![http("twin", "b.example"), http("free", "c.example")]);
    let broken: Vec<(String, usize)> = listener_faults(&scene).into_iter().map(|(name, faults)| (name, faults.len())).collect();
    let expected = [("own", 0), ("taken", 1), ("old", 0), ("twin", 1), ("free", 0), ("young", 1)];
    assert_eq!(broken, expected.map(|(name, n)| (name.to_owned(), n)));
    let young = &listener_faults(&scene)[5].1[0];
    let expected = "Denied listener ListenerSet infra/a-young/spec/listeners/0: listener young of ListenerSet infra/a-young conflicts with \
                    listener old of ListenerSet infra/b-old: both take HTTP for b.example on port 80";
    assert_eq!(young, expected);
}

#[test]
fn one_that_takes_nothing_may_or_may_not_keep_others_away() {
    let mut scene = Scene::default();
    scene.gateway(vec![http("a", ""), http("b", "")]);
    scene.set("infra", "more", "", vec![http("c", "")]);
    let verdicts: Vec<char> = listener_faults(&scene).iter().map(|(_, faults)| faults[0].chars().nth(2).unwrap()).collect();
    assert_eq!(verdicts, ['n', 'n', 'p'], "Denied, Denied, Depends");
}

#[test]
fn certificates_of_other_namespaces_need_a_grant() {
    let reference = testing::reference;
    let faults_with = |certificates: &[&str], owner: Option<&str>| {
        let mut scene = Scene::default();
        let certificates = certificates.iter().map(|namespace| reference("", "Secret", namespace, "cert")).collect();
        let tls = GatewayListener { certificates, ..listener("tls", 443, Https, "") };
        scene.gateway(vec![tls]);
        if let Some(kind) = owner {
            let grant = ReferenceGrantRecord { from: vec![reference(GROUP, kind, "infra", "")], to: vec![reference("", "Secret", "", "")] };
            scene.put(Kind::ReferenceGrant, "certs", "grant", Record::ReferenceGrant(Box::new(grant)));
        }
        listener_faults(&scene).remove(0).1
    };
    assert_eq!(faults_with(&[""], None), [""; 0]);
    assert_eq!(faults_with(&["certs"], Some("Gateway")), [""; 0]);
    let pointer = |index: usize| format!("listener Gateway infra/edge/spec/listeners/0/tls/certificateRefs/{index}: ");
    let why =
        "listener tls of Gateway infra/edge may not use Secret certs/cert: no ReferenceGrant in certs lets a Gateway of infra refer to it";
    assert_eq!(faults_with(&["certs"], None), [format!("Denied {}{why}", pointer(0))]);
    assert_eq!(faults_with(&["certs"], Some("HTTPRoute")), [format!("Denied {}{why}", pointer(0))]);
    assert_eq!(faults_with(&["", "certs"], None), [format!("Depends {}{why}", pointer(1))]);
    assert!(faults_with(&[], None).concat().starts_with("Depends listener Gateway infra/edge/spec/listeners/0/tls: "));
}

#[test]
fn protocols_must_make_sense() {
    let speaks = |listener: GatewayListener| {
        let mut scene = Scene::default();
        scene.gateway(vec![listener]);
        let listener = scene.front().listeners.remove(0);
        (listener.speaks, listener.hops.iter().map(|hop| hop.verdict).max(), listener.host == super::super::matching::Host::Any)
    };
    assert_eq!(speaks(http("a", "x")), (Speaks::Http, None, false));
    assert_eq!(speaks(listener("a", 443, Tls, "x")), (Speaks::TlsTerminated, None, false));
    let through = |protocol| GatewayListener { passthrough: true, certificates: Vec::new(), ..listener("a", 443, protocol, "x") };
    assert_eq!(speaks(through(Tls)), (Speaks::TlsPassthrough, None, false));
    assert_eq!(speaks(through(Https)), (Speaks::Https, Some(Verdict::Denied), false));
    assert_eq!(speaks(listener("a", 1, Tcp, "x")), (Speaks::Tcp, None, true));
    assert_eq!(speaks(listener("a", 1, Udp, "x")), (Speaks::Udp, None, true));
    assert_eq!(speaks(listener("a", 1, ListenerProtocol::Other("HBONE".into()), "")), (Speaks::Tcp, Some(Verdict::Depends), true));
}

#[test]
fn sets_add_listeners_where_the_gateway_lets_them() {
    let mut scene = Scene::default();
    scene.gateway(vec![http("own", "own.example")]);
    scene.set("infra", "in", "", vec![GatewayListener { routes_from: FromNamespaces::Same, ..http("more", "more.example") }]);
    scene.set("shop", "out", "", vec![http("other", "other.example")]);
    let names = |front: &Front| front.listeners.iter().map(|listener| listener.name.to_string()).collect::<Vec<_>>();
    for (name, parents) in [
        ("a-set", vec![parent("ListenerSet", "infra", "in", "")]),
        ("b-section", vec![edge("more"), parent("ListenerSet", "infra", "in", "more")]),
        ("c-gateway", vec![edge("")]),
        ("d-refused", vec![parent("ListenerSet", "shop", "out", ""), parent("ListenerSet", "shop", "out", "other")]),
    ] {
        scene.route(Kind::HttpRoute, "infra", name, route(parents, &[]));
    }
    let front = scene.front();
    assert_eq!(names(&front), ["own", "more"]);
    assert_eq!(
        places(&front),
        [
            "a-set more more.example",
            "b-section more more.example",
            "b-section - all hosts",
            "c-gateway own own.example",
            "d-refused - all hosts",
        ]
    );
    let sentence = "Gateway infra/edge takes no listeners of ListenerSet shop/out: its allowedListeners leave out that namespace";
    assert_eq!(faults(&front.rules[4].hops), [format!("Denied attach Gateway infra/edge/spec/allowedListeners: {sentence}")]);

    // `Same` is the namespace of the set, not that of the Gateway.
    let record = GatewayRecord { class: "x".into(), allowed_listeners: FromNamespaces::All, ..GatewayRecord::default() };
    scene.put(Kind::Gateway, "infra", "edge", Record::Gateway(Box::new(record)));
    scene.set("shop", "out", "", vec![GatewayListener { routes_from: FromNamespaces::Same, ..http("other", "other.example") }]);
    scene.route(Kind::HttpRoute, "shop", "e-same", route(vec![parent("ListenerSet", "shop", "out", "")], &[]));
    let front = scene.front();
    assert_eq!(names(&front), ["more", "other"]);
    let of_shop = places(&front).into_iter().filter(|place| place.contains("refused") || place.contains("same")).collect::<Vec<_>>();
    assert_eq!(of_shop, ["d-refused - all hosts", "e-same other other.example"]);
}

#[test]
fn sets_of_namespaces_whose_labels_may_not_be_seen_may_add_listeners() {
    let mut scene = Scene::default();
    let allowed_listeners = FromNamespaces::Selector(Some(Selector::of_labels(&Labels::from_iter([("team", "shop")]))));
    let record = GatewayRecord { class: "x".into(), allowed_listeners, ..GatewayRecord::default() };
    scene.put(Kind::Gateway, "infra", "edge", Record::Gateway(Box::new(record)));
    scene.set("shop", "more", "", vec![http("a", "")]);
    assert_eq!(listener_faults(&scene), []);
    scene.hide(Kind::Namespace, &[]);
    let sentence = "whether Gateway infra/edge takes the listeners of ListenerSet shop/more depends on the labels of namespace shop, which \
                    may not be seen";
    let expected = vec![("a".to_owned(), vec![format!("Depends listener Gateway infra/edge/spec/allowedListeners: {sentence}")])];
    assert_eq!(listener_faults(&scene), expected);
    scene.namespace("shop", &[("team", "shop")]);
    assert_eq!(listener_faults(&scene), [("a".to_owned(), Vec::new())]);
}

#[test]
fn a_set_of_something_else_adds_to_no_gateway() {
    let mut scene = Scene::default();
    scene.gateway(Vec::new());
    let record = ListenerSetRecord { parent: parent("Proxy", "infra", "edge", ""), listeners: vec![http("a", "")], created: "".into() };
    scene.put(Kind::ListenerSet, "infra", "set", Record::ListenerSet(Box::new(record)));
    scene.route(Kind::HttpRoute, "infra", "r", route(vec![parent("ListenerSet", "", "set", "")], &[]));
    let [edge, missing] = &scene.fronts()[..] else { panic!() };
    assert_eq!((edge.listeners.len(), edge.rules.len()), (0, 0));
    let expected = "Denied attach ListenerSet infra/set/spec/parentRef: ListenerSet infra/set adds its listeners to no Gateway";
    assert_eq!(faults(&missing.rules[0].hops), [expected]);
}

#[test]
fn the_experimental_sets_are_alike() {
    let mut scene = Scene::default();
    scene.gateway(Vec::new());
    let record = ListenerSetRecord { parent: edge(""), listeners: vec![http("x", "")], created: "".into() };
    scene.put(Kind::XListenerSet, "infra", "set", Record::ListenerSet(Box::new(record)));
    let mut to = parent("XListenerSet", "infra", "set", "");
    scene.route(Kind::HttpRoute, "infra", "a", route(vec![to.clone()], &[]));
    assert_eq!(places(&scene.front()), [""; 0], "the group is another");
    to.object.group = "gateway.networking.x-k8s.io".into();
    scene.route(Kind::HttpRoute, "infra", "a", route(vec![to], &[]));
    assert_eq!(places(&scene.front()), ["a x all hosts"]);
}

#[test]
fn routes_of_what_is_not_there_are_listed() {
    let mut scene = Scene::default();
    let record = ListenerSetRecord { parent: parent("Gateway", "infra", "gone", ""), ..ListenerSetRecord::default() };
    scene.put(Kind::ListenerSet, "shop", "set", Record::ListenerSet(Box::new(record)));
    let parents = [
        ("a", parent("Gateway", "infra", "gone", "")),
        ("b", parent("Gateway", "", "gone", "")),
        ("c", parent("ListenerSet", "", "set", "")),
        ("d", parent("ListenerSet", "", "gone", "")),
    ];
    for (name, parent) in parents {
        scene.route(Kind::TcpRoute, "shop", name, route(vec![parent], &[]));
    }
    // A mesh is no way in.
    scene.route(
        Kind::TcpRoute,
        "shop",
        "e",
        route(vec![ParentRef { object: testing::reference("", "Service", "", "web"), ..edge("") }], &[]),
    );
    let front = scene.front();
    let shown: Vec<String> = front.rules.iter().flat_map(|rule| faults(&rule.hops)).collect();
    assert_eq!(
        shown,
        [
            "Denied attach TCPRoute shop/a/spec/parentRefs/0: there is no Gateway infra/gone, which TCPRoute shop/a names",
            "Denied attach TCPRoute shop/b/spec/parentRefs/0: there is no Gateway shop/gone, which TCPRoute shop/b names",
            "Denied attach ListenerSet shop/set/spec/parentRef: there is no Gateway infra/gone, to which ListenerSet shop/set adds its listeners",
            "Denied attach TCPRoute shop/d/spec/parentRefs/0: there is no ListenerSet shop/gone, which TCPRoute shop/d names",
        ]
    );
    let mut verdicts = |but_in: &str| -> Vec<Verdict> {
        scene.hide(Kind::Gateway, &[but_in]);
        scene.front().rules.iter().map(|rule| rule.hops[0].verdict).collect()
    };
    assert_eq!(verdicts("shop"), [Verdict::Depends, Verdict::Denied, Verdict::Depends, Verdict::Denied]);
    assert_eq!(verdicts("infra"), [Verdict::Denied, Verdict::Depends, Verdict::Denied, Verdict::Denied]);
}

fn pod(scene: &mut Scene, namespace: &str, name: &str, labels: &[(&str, &str)]) {
    let template = PodTemplate { labels: labels.iter().copied().collect(), ..PodTemplate::default() };
    let template = internment::ArcIntern::new(template);
    scene.put(Kind::Pod, namespace, name, Record::Pod(PodRecord { template, ready: true, ..PodRecord::default() }));
}

#[test]
fn controllers_are_found_by_address_then_by_their_marks() {
    let name = "gateway.networking.k8s.io/gateway-name";
    let envoy = ["gateway.envoyproxy.io/owning-gateway-name", "gateway.envoyproxy.io/owning-gateway-namespace"];
    let mut scene = Scene::default();
    let record =
        GatewayRecord { class: "x".into(), addresses: vec![LoadBalancerAddress::Hostname("lb".into())], ..GatewayRecord::default() };
    scene.put(Kind::Gateway, "infra", "edge", Record::Gateway(Box::new(record)));
    class(&mut scene, "x", "traefik.io/gateway-controller");
    let found = |scene: &Scene| said(&scene.front(), "controller").unwrap().2;
    assert_eq!(found(&scene), "no controller's pods were found: the last hop is judged from outside the cluster");
    // Marks of other Gateways, or in other namespaces, are none; they come in the order from the vaguest.
    pod(&mut scene, "other", "a", &[(name, "edge")]);
    pod(&mut scene, "infra", "b", &[(name, "other")]);
    pod(&mut scene, "system", "c", &[(envoy[0], "edge"), (envoy[1], "other")]);
    assert!(found(&scene).starts_with("no controller's pods"));
    pod(&mut scene, "kube", "traefik", &[("app.kubernetes.io/name", "traefik")]);
    assert_eq!(found(&scene), "kube/traefik serves it: they bear the label app.kubernetes.io/name=traefik");
    pod(&mut scene, "system", "merged", &[("gateway.envoyproxy.io/owning-gatewayclass", "x")]);
    assert!(found(&scene).starts_with("system/merged serves it"));
    pod(&mut scene, "system", "envoy", &[(envoy[0], "edge"), (envoy[1], "infra")]);
    assert!(found(&scene).starts_with("system/envoy serves it"));
    pod(&mut scene, "infra", "own", &[(name, "edge")]);
    assert_eq!(found(&scene), format!("infra/own serves it: they bear the label {name}=edge"));
    let service = |service_type, label: &str, value: &str, address: &str| {
        let record = ServiceRecord {
            service_type,
            selector: Some(Selector::of_labels(&Labels::from_iter([(label, value)]))),
            load_balancer: vec![LoadBalancerAddress::Hostname(address.into())],
            ..ServiceRecord::default()
        };
        Record::Service(Box::new(record))
    };
    // The load balancer before them counts, not what is for the cluster alone.
    scene.put(Kind::Service, "infra", "a", service(ServiceType::ClusterIp, name, "edge", ""));
    assert_eq!(scene.front().controller.service, None);
    scene.put(Kind::Service, "infra", "b", service(ServiceType::LoadBalancer, name, "edge", "other"));
    assert_eq!(scene.front().controller.service, Some(ObjectKey::new(Kind::Service, "infra", "b")));
    pod(&mut scene, "lb", "proxy", &[("app", "proxy")]);
    scene.put(Kind::Service, "lb", "proxy", service(ServiceType::LoadBalancer, "app", "proxy", "lb"));
    assert_eq!(found(&scene), "lb/proxy serves it: its address lb is that of Service lb/proxy");
    assert_eq!(scene.front().controller.service, Some(ObjectKey::new(Kind::Service, "lb", "proxy")));
    // What has no pods has none, whatever bears an address.
    class(&mut scene, "x", "io.cilium/gateway-controller");
    let front = scene.front();
    assert!(front.controller.pods.is_empty());
    assert_eq!(said(&front, "controller").unwrap().2, front.controller.caveat.unwrap());
}

#[test]
fn without_a_class_its_name_tells_the_controller() {
    let caveat = |name: &str| {
        let mut scene = Scene::default();
        let record = GatewayRecord { class: name.into(), ..GatewayRecord::default() };
        scene.put(Kind::Gateway, "infra", "edge", Record::Gateway(Box::new(record)));
        scene.front().controller.caveat.is_some()
    };
    let found = ["cilium", "gke-l7-gxlb", "cilium-like", "istio", "gke"].map(caveat);
    assert_eq!(found, [true, true, false, false, false]);
}
