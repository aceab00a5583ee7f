//! Routers and Routes, small ones.

use super::super::fixture::{snapshot, with};
use super::super::table::is_broken;
use super::*;
use crate::record::{Record, ServicePortRef};

fn route(host: &str, tls: Option<(Termination, InsecurePolicy)>) -> OpenShiftRouteRecord {
    OpenShiftRouteRecord {
        host: host.into(),
        targets: vec![RouteTarget { kind: "Service".into(), name: "web".into(), weight: 100 }],
        port: ServicePortRef::Name("http".into()),
        tls: tls.map(|(termination, insecure)| RouteTls { termination, insecure }),
        ..OpenShiftRouteRecord::default()
    }
}

fn admitted(mut route: OpenShiftRouteRecord, router: &str, admitted: Option<bool>, reason: &str) -> OpenShiftRouteRecord {
    route.routers.push(Admission { router: router.into(), host: route.host.clone(), admitted, reason: reason.into() });
    route
}

fn fronts_of(routes: Vec<(&'static str, &'static str, OpenShiftRouteRecord)>) -> Vec<Front> {
    let pods = format!(
        "kind: Pod\napiVersion: v1\nmetadata: {{name: router, namespace: openshift-ingress, labels: {{{ROUTER_LABEL}: default}}}}\n"
    );
    let mut snapshot = snapshot(&pods);
    snapshot.represents_templates = true;
    let records =
        routes.into_iter().map(|(namespace, name, route)| (Kind::OpenShiftRoute, namespace, name, Record::OpenShiftRoute(Box::new(route))));
    fronts(&with(snapshot, records))
}

fn shown(front: &Front) -> Vec<(&str, &Host, &'static str)> {
    let listener = |rule: &Rule| rule.listener.map_or("none", |index| front.listeners[index].name.as_str());
    let action = |rule: &Rule| match &rule.action {
        Action::Forward(_) => "forward",
        Action::Redirect(Redirect { status: 302, .. }) => "redirect",
        _ => "other",
    };
    front.rules.iter().map(|rule| (listener(rule), &rule.host, action(rule))).collect()
}

#[test]
fn tls_decides_which_listeners_take_a_route() {
    let fronts = fronts_of(vec![
        ("shop", "allow", route("allow.example", Some((Termination::Edge, InsecurePolicy::Allow)))),
        ("shop", "clear", route("clear.example", None)),
        ("shop", "none", route("none.example", Some((Termination::Reencrypt, InsecurePolicy::None)))),
        ("shop", "pass", route("pass.example", Some((Termination::Passthrough, InsecurePolicy::Redirect)))),
    ]);
    let [front] = fronts.as_slice() else { panic!("{fronts:?}") };
    assert_eq!((front.id.as_str(), front.controller.pods.len()), ("router/default", 1));
    let [allow, clear, none, pass] = ["allow", "clear", "none", "pass"].map(|name| Host::Exact(format!("{name}.example").into()));
    let expected = [
        ("https", &allow, "forward"),
        ("http", &allow, "forward"),
        ("http", &clear, "forward"),
        ("https", &none, "forward"),
        ("http", &pass, "redirect"),
        ("passthrough pass.example", &pass, "forward"),
    ];
    assert_eq!(shown(front), expected);
    assert!(front.rules.iter().all(|rule| rule.hops.is_empty()));
}

#[test]
fn what_the_router_says_counts_before_what_is_guessed() {
    let mut wide = route("www.shop.example", None);
    wide.subdomain = true;
    let mut newer = route("shop.example", None);
    newer.created = "2024-01-01T00:00:00Z".into();
    let older = route("shop.example", None);
    let fronts = fronts_of(vec![
        ("a", "older", older.clone()),
        ("b", "newer", newer.clone()),
        ("c", "refused", admitted(route("shop.example", None), "default", Some(false), "HostAlreadyClaimed")),
        ("d", "taken", admitted(newer, "default", Some(true), "")),
        ("e", "inner", admitted(older, "inner", Some(true), "")),
        ("f", "wide", wide),
        ("g", "nameless", route("", None)),
    ]);
    assert_eq!(fronts.iter().map(|front| front.id.as_str()).collect::<Vec<_>>(), ["router/default", "router/inner"]);
    let verdict = |name: &str| {
        let rule = fronts[0].rules.iter().find(|rule| rule.object.name == name).unwrap();
        (rule.hops.iter().map(|hop| hop.verdict).max(), is_broken(&rule.hops))
    };
    assert_eq!(verdict("older"), (None, false));
    assert_eq!(verdict("newer"), (Some(Verdict::Depends), false));
    assert_eq!(verdict("refused"), (Some(Verdict::Denied), true));
    assert_eq!(verdict("taken"), (None, false));
    assert_eq!(verdict("wide"), (Some(Verdict::Depends), false));
    assert_eq!(verdict("nameless"), (Some(Verdict::Depends), false));
    let wide = fronts[0].rules.iter().find(|rule| rule.object.name == "wide").unwrap();
    assert_eq!(wide.host, Host::Beneath { suffix: ".shop.example".into(), one_label: true });
    let refused = fronts[0].rules.iter().find(|rule| rule.object.name == "refused").unwrap();
    assert_eq!(refused.hops[0].sentence, "router default refuses Route c/refused: HostAlreadyClaimed");
    assert_eq!((fronts[1].rules.len(), fronts[1].rules[0].object.name.as_str()), (1, "inner"));
}

#[test]
fn only_services_with_a_weight_get_requests() {
    let mut split = route("shop.example", None);
    split.targets.push(RouteTarget { kind: "Service".into(), name: "next".into(), weight: 20 });
    split.targets.push(RouteTarget { kind: "Pod".into(), name: "odd".into(), weight: 1 });
    let mut off = route("off.example", None);
    off.targets[0].weight = 0;
    let fronts = fronts_of(vec![("shop", "a-split", split), ("shop", "b-off", off)]);
    let targets = |index: usize| match &fronts[0].rules[index].action {
        Action::Forward(targets) => targets.clone(),
        other => panic!("{other:?}"),
    };
    let [web, next, odd] = <[Target; 3]>::try_from(targets(0)).unwrap();
    assert_eq!((web.weight, next.weight, next.pointer.as_str()), (100, 20, "/spec/alternateBackends/0"));
    assert!(matches!(&web.to, Destination::Service { port: PortRef::Endpoint(ServicePortRef::Name(name)), .. } if name == "http"));
    assert!(matches!(&odd.to, Destination::Broken { status: 503, .. }));
    assert!(matches!(&targets(1)[0].to, Destination::Broken { status: 503, .. }));
}
