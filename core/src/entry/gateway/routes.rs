//! Rules of routes: what requests they take at the listeners to which the route is attached, and what becomes of those.

use smol_str::SmolStr;

use super::super::matching::{Host, Match, Path};
use super::super::table::{Action, Destination, Order, Rewrite, Rule, Target};
use super::attachment::Place;
use super::{hosts, targets, title};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::record::{PathMatch, RouteFilter, RouteMatch, RouteRecord, RouteRule, TextMatch};
use crate::snapshot::Snapshot;

/// What becomes of the requests of a rule, wherever they come in.
struct Treatment {
    action: Action,
    rewrite: Rewrite,
    hops: Vec<Hop>,
}

/// All rules of a route: one for each match at each listener and host, in the order of the object; and where `faults` say why a parent
/// does not take the route, one for each match and host that is attached nowhere.
pub(super) fn rules(snapshot: &Snapshot, route: &ObjectKey, record: &RouteRecord, places: &[Place], faults: &[Hop]) -> Vec<Rule> {
    let mut all: Vec<(Option<usize>, Host, &[Hop])> = Vec::new();
    for place in places {
        for host in &place.hosts {
            // Several parents may lead to one listener.
            if !all.iter().any(|(listener, known, _)| *listener == Some(place.listener) && known == host) {
                all.push((Some(place.listener), host.clone(), &place.hops));
            }
        }
    }
    if !faults.is_empty() {
        all.extend(hosts::of_route(&record.hostnames).into_iter().map(|host| (None, host, faults)));
    }
    let mut rules = Vec::new();
    for (index, rule) in record.rules.iter().enumerate() {
        let pointer = format!("/spec/rules/{index}");
        let treatment = treatment(snapshot, route, rule, &pointer);
        for (match_index, pointer, matching) in matches(route.kind, rule, &pointer) {
            for (listener, host, hops) in &all {
                rules.push(Rule {
                    id: format!("{}/{}{pointer}", route.kind.name().to_ascii_lowercase(), route.path()),
                    object: route.clone(),
                    pointer: pointer.clone(),
                    listener: *listener,
                    host: host.clone(),
                    matching: matching.clone(),
                    order: Order::Age { created: record.created.clone(), path: route.path(), index: (index, match_index) },
                    action: treatment.action.clone(),
                    hops: hops.iter().chain(&treatment.hops).cloned().collect(),
                    rewrite: treatment.rewrite.clone(),
                    is_default: false,
                    is_covered: false,
                });
            }
        }
    }
    rules
}

/// What requests a rule takes: the index of the match, where it stands, and the match.
fn matches(kind: Kind, rule: &RouteRule, pointer: &str) -> Vec<(usize, String, Match)> {
    if !matches!(kind, Kind::HttpRoute | Kind::GrpcRoute) {
        return vec![(0, pointer.to_owned(), Match::default())];
    }
    if rule.matches.is_empty() {
        return vec![(0, pointer.to_owned(), compiled(&RouteMatch::default()))];
    }
    let each = rule.matches.iter().enumerate();
    each.map(|(index, one)| (index, format!("{pointer}/matches/{index}"), compiled(one))).collect()
}

fn compiled(one: &RouteMatch) -> Match {
    // HTTPRouteRule.matches: a prefix of `/` where nothing is said, which ranks like one that is written.
    let path = one.path.clone().unwrap_or(PathMatch::Prefix(SmolStr::new_static("/")));
    Match {
        path: Path::Is(path),
        method: (!one.method.is_empty()).then(|| TextMatch::Exact(one.method.clone())),
        headers: one.headers.clone(),
        query: one.query.clone(),
        ..Match::default()
    }
}

fn treatment(snapshot: &Snapshot, route: &ObjectKey, rule: &RouteRule, pointer: &str) -> Treatment {
    let (mut rewrite, mut hops) = (Rewrite::default(), Vec::new());
    let mut decided = None;
    for (index, filter) in rule.filters.iter().enumerate() {
        let pointer = format!("{pointer}/filters/{index}");
        match filter {
            RouteFilter::Extension(what) => {
                let sentence = format!("filter {what} of {} is known to its controller alone", title(route));
                decided = Some(Action::Unknown { sentence, pointer });
            }
            RouteFilter::Redirect(redirect) => decided = decided.or_else(|| Some(Action::Redirect(redirect.clone()))),
            RouteFilter::Mirror(backend) => hops.push(targets::mirror(snapshot, route, backend, pointer)),
            other => targets::rewrite(&mut rewrite, other),
        }
    }
    let is_http = matches!(route.kind, Kind::HttpRoute | Kind::GrpcRoute);
    let action = match decided {
        Some(action) => action,
        None if rule.backends.is_empty() && is_http => Action::Answer(targets::broken_status(route.kind)),
        None if rule.backends.is_empty() => Action::Forward(vec![nowhere(route, pointer)]),
        None => {
            let each = rule.backends.iter().enumerate();
            let target = |(index, backend)| targets::target(snapshot, route, backend, format!("{pointer}/backendRefs/{index}"));
            Action::Forward(each.map(target).collect())
        }
    };
    Treatment { action, rewrite, hops }
}

/// The backend of a rule for connections that names none.
fn nowhere(route: &ObjectKey, pointer: &str) -> Target {
    let sentence = format!("the rule of {} names no backend", title(route));
    let to = Destination::Broken { kind: "rule", object: None, status: targets::broken_status(route.kind), sentence };
    Target { weight: 1, pointer: pointer.to_owned(), to, rewrite: Rewrite::default(), redirect: None, hops: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::super::table::is_broken;
    use super::super::testing::{Scene, backend, edge, http, listener, places, route};
    use super::*;
    use crate::peer::Verdict;
    use crate::record::{HeaderChange, ListenerProtocol, PathChange, Redirect, ValueMatch};

    /// The rules of a route of `infra/edge`, which listens for HTTP, TCP and TLS.
    fn compiled_rules(kind: Kind, rules: Vec<RouteRule>) -> Vec<Rule> {
        let mut scene = Scene::default();
        scene.gateway(vec![
            http("http", ""),
            listener("tcp", 5432, ListenerProtocol::Tcp, ""),
            listener("tls", 443, ListenerProtocol::Tls, ""),
        ]);
        scene.service("infra", "web");
        let section = match kind {
            Kind::TcpRoute => "tcp",
            Kind::TlsRoute => "tls",
            _ => "http",
        };
        scene.route(kind, "infra", "r", RouteRecord { rules, created: "2024-01-01T00:00:00Z".into(), ..route(vec![edge(section)], &[]) });
        scene.front().rules
    }

    fn action(kind: Kind, rule: RouteRule) -> Action {
        let mut rules = compiled_rules(kind, vec![rule]);
        assert_eq!(rules.len(), 1);
        rules.remove(0).action
    }

    #[test]
    fn every_match_is_a_rule_at_every_listener_and_host() {
        let mut scene = Scene::default();
        scene.gateway(vec![http("all", ""), http("some", "*.example")]);
        let path = |path: &str| RouteMatch { path: Some(PathMatch::Exact(path.into())), ..RouteMatch::default() };
        let rules = vec![RouteRule { matches: vec![path("/a"), path("/b")], ..RouteRule::default() }];
        let record = RouteRecord { rules, ..route(vec![edge("some"), edge(""), edge("gone")], &["a.example", "b.test"]) };
        scene.route(Kind::HttpRoute, "infra", "r", record);
        let front = scene.front();
        let once = ["r some a.example", "r all a.example", "r all b.test", "r - a.example", "r - b.test"];
        assert_eq!(places(&front), [once, once].concat());
        let ids: Vec<(&str, &str)> = front.rules.iter().step_by(5).map(|rule| (rule.id.as_str(), rule.pointer.as_str())).collect();
        assert_eq!(
            ids,
            [
                ("httproute/infra/r/spec/rules/0/matches/0", "/spec/rules/0/matches/0"),
                ("httproute/infra/r/spec/rules/0/matches/1", "/spec/rules/0/matches/1"),
            ]
        );
        for rule in &front.rules {
            assert_eq!(is_broken(&rule.hops), rule.listener.is_none());
        }
    }

    #[test]
    fn a_match_keeps_every_condition_and_its_place() {
        let header = ValueMatch { name: "version".into(), value: TextMatch::Exact("2".into()) };
        let query = ValueMatch { name: "q".into(), value: TextMatch::Expression("a+".into()) };
        let one = RouteMatch {
            path: Some(PathMatch::Prefix("/a".into())),
            method: "GET".into(),
            headers: vec![header.clone()],
            query: vec![query.clone()],
        };
        let second = RouteRule { matches: vec![RouteMatch::default(), one], ..RouteRule::default() };
        let rules = compiled_rules(Kind::HttpRoute, vec![RouteRule::default(), second]);
        let root = Match { path: Path::Is(PathMatch::Prefix("/".into())), ..Match::default() };
        let full = Match {
            path: Path::Is(PathMatch::Prefix("/a".into())),
            method: Some(TextMatch::Exact("GET".into())),
            headers: vec![header],
            query: vec![query],
            ..Match::default()
        };
        let expected =
            [("/spec/rules/0", (0, 0), root.clone()), ("/spec/rules/1/matches/0", (1, 0), root), ("/spec/rules/1/matches/1", (1, 1), full)];
        assert_eq!(rules.len(), expected.len());
        for (rule, (pointer, index, matching)) in rules.into_iter().zip(expected) {
            let order = Order::Age { created: "2024-01-01T00:00:00Z".into(), path: "infra/r".into(), index };
            assert_eq!((rule.pointer.as_str(), rule.order, rule.matching), (pointer, order, matching));
        }
        let [rule] = &compiled_rules(Kind::TcpRoute, vec![RouteRule::default()])[..] else { panic!() };
        assert_eq!(rule.matching, Match::default());
    }

    #[test]
    fn without_backends_a_request_fails() {
        assert!(matches!(action(Kind::HttpRoute, RouteRule::default()), Action::Answer(500)));
        assert!(matches!(action(Kind::GrpcRoute, RouteRule::default()), Action::Answer(503)));
        for kind in [Kind::TcpRoute, Kind::TlsRoute] {
            let Action::Forward(targets) = action(kind, RouteRule::default()) else { panic!("{kind:?}") };
            let [Target { weight: 1, to: Destination::Broken { kind: "rule", .. }, .. }] = &targets[..] else { panic!("{targets:?}") };
        }
    }

    #[test]
    fn backends_stay_in_order_those_of_no_weight_too() {
        let backends = vec![backend("", "web"), crate::record::RouteBackend { weight: 0, ..backend("", "web") }];
        let Action::Forward(targets) = action(Kind::HttpRoute, RouteRule { backends, ..RouteRule::default() }) else { panic!() };
        let shown: Vec<(u32, &str)> = targets.iter().map(|target| (target.weight, target.pointer.as_str())).collect();
        assert_eq!(shown, [(1, "/spec/rules/0/backendRefs/0"), (0, "/spec/rules/0/backendRefs/1")]);
    }

    #[test]
    fn filters_redirect_rewrite_copy_or_are_unknown() {
        let redirect = Redirect { scheme: "https".into(), status: 301, ..Redirect::default() };
        let rewrite = RouteFilter::Rewrite { hostname: "b.example".into(), path: Some(PathChange::Full("/x".into())) };
        let headers = HeaderChange { remove: vec!["cookie".into()], ..HeaderChange::default() };
        let with = |filters: Vec<RouteFilter>| {
            let rule = RouteRule { filters, backends: vec![backend("", "web")], ..RouteRule::default() };
            compiled_rules(Kind::HttpRoute, vec![rule]).remove(0)
        };
        let rule = with(vec![RouteFilter::Neutral("CORS".into()), RouteFilter::Redirect(redirect.clone())]);
        assert!(matches!(&rule.action, Action::Redirect(known) if *known == redirect), "{:?}", rule.action);
        let rule = with(vec![rewrite, RouteFilter::RequestHeaders(headers.clone()), RouteFilter::Mirror(backend("", "copy"))]);
        assert!(matches!(rule.action, Action::Forward(_)));
        let path = Some(PathChange::Full("/x".into()));
        assert_eq!(rule.rewrite, Rewrite { hostname: "b.example".into(), path, headers: vec![headers] });
        let copies: Vec<_> = rule.hops.iter().filter(|hop| hop.kind == "mirror").collect();
        assert_eq!((copies.len(), copies[0].pointer.as_str(), copies[0].verdict), (1, "/spec/rules/0/filters/2", Verdict::Allowed));
        // What only the controller understands may do anything, a redirect or not.
        for filters in [
            vec![RouteFilter::Extension("Wasm a".into()), RouteFilter::Redirect(redirect.clone())],
            vec![RouteFilter::Redirect(redirect.clone()), RouteFilter::Extension("Wasm a".into())],
        ] {
            let place = filters.iter().position(|filter| matches!(filter, RouteFilter::Extension(_))).unwrap();
            let rule = with(filters);
            assert!(matches!(&rule.action, Action::Unknown { pointer, .. } if *pointer == format!("/spec/rules/0/filters/{place}")));
        }
    }
}
