//! OpenShift's routers: their Routes as rules (the router's template `haproxy-config.template`, route/v1 `types.go`).
//!
//! - The router looks a request up in one list of expressions, exact hosts before wildcards and longer paths before shorter ones: where
//!   no path of a host fits, a wildcard's may.
//! - Names whose TLS goes through are looked up before TLS ends: each is a listener of its own.
//! - A Route with TLS and without `insecureEdgeTerminationPolicy` has no rule for clear text: the router answers 503 there, as it does to
//!   every request that no rule takes.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::backends::selected_pods;
use super::controller::Controller;
use super::matching::{Host, Match, Path};
use super::table::{Action, Destination, Fallback, Front, Listener, Order, PortRef, Rewrite, Rule, Speaks, Target};
use crate::analysis::{Analysis, Hop};
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{
    Admission, InsecurePolicy, OpenShiftRouteRecord, PathMatch, Redirect, RouteTarget, RouteTls, ServiceType, Termination,
};
use crate::snapshot::typed;

/// The router that there is where nothing says otherwise.
const DEFAULT: &str = "default";
/// What the operator puts on the pods of a router.
const ROUTER_LABEL: &str = "ingresscontroller.operator.openshift.io/deployment-ingresscontroller";
/// The listeners that every router has.
const HTTP: usize = 0;
const HTTPS: usize = 1;

/// The routers, by name, with the Routes that they admit or refuse. None where there is no Route.
pub(super) fn fronts(analysis: &Analysis) -> Vec<Front> {
    let routes: Vec<(&ObjectKey, &OpenShiftRouteRecord)> =
        typed!(analysis.snapshot(), OpenShiftRoute).map(|(key, route)| (key, &**route)).collect();
    let mut routers: BTreeSet<SmolStr> = BTreeSet::new();
    for (_, route) in &routes {
        if route.routers.is_empty() {
            routers.insert(SmolStr::new_static(DEFAULT));
        }
        routers.extend(route.routers.iter().map(name_of));
    }
    routers.into_iter().map(|router| front(analysis, router, &routes)).collect()
}

fn name_of(admission: &Admission) -> SmolStr {
    if admission.router.is_empty() { SmolStr::new_static(DEFAULT) } else { admission.router.clone() }
}

fn front(analysis: &Analysis, router: SmolStr, routes: &[(&ObjectKey, &OpenShiftRouteRecord)]) -> Front {
    let listener =
        |name: SmolStr, port, speaks, host| Listener { name, port, speaks, host, object: None, pointer: String::new(), hops: Vec::new() };
    let mut front = Front {
        id: format!("router/{router}"),
        title: format!("OpenShift router {router}"),
        object: None,
        hops: Vec::new(),
        controller: controller(analysis, &router),
        doors: Vec::new(),
        listeners: vec![listener("http".into(), 80, Speaks::Http, Host::Any), listener("https".into(), 443, Speaks::Https, Host::Any)],
        rules: Vec::new(),
        fallback: Fallback::Always,
        unmatched: (503, "the router"),
    };
    for (key, route) in routes {
        let admission = route.routers.iter().find(|admission| name_of(admission) == router);
        if admission.is_none() && !(route.routers.is_empty() && router == DEFAULT) {
            continue;
        }
        let (hops, text) = standing(analysis, key, route, admission, routes);
        let host = host(&text, route.subdomain);
        let mut add = |listener, path, action| {
            front.rules.push(Rule {
                id: format!("route/{router}/{}", key.path()),
                object: (*key).clone(),
                pointer: "/spec".to_owned(),
                listener,
                host: host.clone(),
                matching: Match { path, ..Match::default() },
                order: Order::Age { created: route.created.clone(), path: key.path(), index: (0, 0) },
                action,
                hops: hops.clone(),
                rewrite: Rewrite::default(),
                is_default: false,
                is_covered: false,
            });
        };
        let path = match route.path.as_str() {
            "" => Path::Any,
            _ => Path::Is(PathMatch::Prefix(route.path.clone())),
        };
        let is_passthrough = matches!(&route.tls, Some(RouteTls { termination: Termination::Passthrough, .. }));
        if host == Host::Any {
            // The router will make up a name: nothing that is asked for now is this Route's for certain.
            add(None, path, Action::Forward(targets(key, route)));
            continue;
        }
        match &route.tls {
            None => add(Some(HTTP), path.clone(), Action::Forward(targets(key, route))),
            Some(tls) => {
                if !is_passthrough {
                    add(Some(HTTPS), path.clone(), Action::Forward(targets(key, route)));
                }
                match tls.insecure {
                    InsecurePolicy::Redirect => {
                        let redirect = Redirect { scheme: "https".into(), status: 302, ..Redirect::default() };
                        add(Some(HTTP), path, Action::Redirect(redirect));
                    }
                    InsecurePolicy::Allow if !is_passthrough => add(Some(HTTP), path, Action::Forward(targets(key, route))),
                    InsecurePolicy::Allow | InsecurePolicy::None => {}
                }
            }
        }
        if is_passthrough {
            let known = front.listeners.iter().position(|listener| listener.speaks == Speaks::TlsPassthrough && listener.host == host);
            let index = known.unwrap_or_else(|| {
                front.listeners.push(listener(format!("passthrough {text}").into(), 443, Speaks::TlsPassthrough, host.clone()));
                front.listeners.len().saturating_sub(1)
            });
            let order = Order::Age { created: route.created.clone(), path: key.path(), index: (0, 1) };
            front.rules.push(Rule {
                id: format!("route/{router}/{}", key.path()),
                object: (*key).clone(),
                pointer: "/spec".to_owned(),
                listener: Some(index),
                host,
                matching: Match::default(),
                order,
                action: Action::Forward(targets(key, route)),
                hops,
                rewrite: Rewrite::default(),
                is_default: false,
                is_covered: false,
            });
        }
    }
    front
}

/// What is said of a Route by its router, and the host under which it is served; empty where nobody knows it.
fn standing(
    analysis: &Analysis,
    key: &ObjectKey,
    route: &OpenShiftRouteRecord,
    admission: Option<&Admission>,
    routes: &[(&ObjectKey, &OpenShiftRouteRecord)],
) -> (Vec<Hop>, SmolStr) {
    let path = key.path();
    let hop =
        |kind, pointer: &str, verdict, sentence| Hop { kind, object: Some(key.clone()), pointer: pointer.to_owned(), verdict, sentence };
    let host = admission.map(|admission| &admission.host).filter(|host| !host.is_empty()).unwrap_or(&route.host);
    let mut hops = Vec::new();
    if host.is_empty() {
        let sentence = format!("Route {path} names no host: the router chooses one");
        hops.push(hop("route", "/spec/host", Verdict::Depends, sentence));
    }
    match admission.map(|admission| (admission, admission.admitted)) {
        Some((_, Some(true))) => {}
        Some((admission, Some(false))) => {
            let why = if admission.reason.is_empty() { String::new() } else { format!(": {}", admission.reason) };
            let sentence = format!("router {} refuses Route {path}{why}", name_of(admission));
            hops.push(hop("route", "/spec/host", Verdict::Denied, sentence));
        }
        open => {
            if let Some((admission, _)) = open {
                let sentence = format!("router {} has not said whether it takes Route {path}", name_of(admission));
                hops.push(hop("route", "/status/ingress", Verdict::Depends, sentence));
            } else if !analysis.snapshot().represents_templates {
                let sentence = format!("no router has said whether it takes Route {path}");
                hops.push(hop("route", "/status/ingress", Verdict::Depends, sentence));
            }
            if route.subdomain {
                let sentence = format!("Route {path} asks for a whole domain, which routers refuse unless their wildcardPolicy allows it");
                hops.push(hop("route", "/spec/wildcardPolicy", Verdict::Depends, sentence));
            }
            // The older Route of another namespace has the host (IngressController `routeAdmission.namespaceOwnership: Strict`).
            let age = |key: &ObjectKey, route: &OpenShiftRouteRecord| (route.created.clone(), key.path());
            let claims = |other: &(&ObjectKey, &OpenShiftRouteRecord)| {
                let (other_key, other) = other;
                !route.host.is_empty()
                    && other_key.namespace != key.namespace
                    && other.host == route.host
                    && age(other_key, other) < age(key, route)
            };
            if let Some((older, _)) = routes.iter().filter(|other| claims(other)).min_by_key(|(key, route)| age(key, route)) {
                let sentence = format!(
                    "Route {} of another namespace has host {} already: the router refuses Route {path} unless its namespaceOwnership \
                     is InterNamespaceAllowed",
                    older.path(),
                    route.host
                );
                hops.push(hop("route", "/spec/host", Verdict::Depends, sentence));
            }
        }
    }
    (hops, host.clone())
}

fn host(text: &str, is_subdomain: bool) -> Host {
    let text = text.trim_end_matches('.').to_lowercase();
    match text.split_once('.') {
        _ if text.is_empty() => Host::Any,
        // `www.shop.example` with wildcardPolicy Subdomain stands for `*.shop.example`.
        Some((_, domain)) if is_subdomain => Host::Beneath { suffix: format!(".{domain}").into(), one_label: true },
        _ => Host::Exact(text.into()),
    }
}

fn targets(key: &ObjectKey, route: &OpenShiftRouteRecord) -> Vec<Target> {
    let pointer = |index: usize| if index == 0 { "/spec/to".to_owned() } else { format!("/spec/alternateBackends/{}", index - 1) };
    if !route.targets.is_empty() && route.targets.iter().all(|target| target.weight == 0) {
        let sentence = format!("all backends of Route {} have weight 0", key.path());
        let to = Destination::Broken { kind: "rule", object: None, status: 503, sentence };
        return vec![Target {
            weight: 1,
            pointer: "/spec/to/weight".to_owned(),
            to,
            rewrite: Rewrite::default(),
            redirect: None,
            hops: Vec::new(),
        }];
    }
    let target = |(index, target): (usize, &RouteTarget)| {
        let to = if target.kind == "Service" || target.kind.is_empty() {
            let service = ObjectKey::new(Kind::Service, key.namespace.clone(), target.name.clone());
            Destination::Service { key: service, port: PortRef::Endpoint(route.port.clone()), subset: None }
        } else {
            let sentence = format!("Route {} sends to {} {}, and can only send to a Service", key.path(), target.kind, target.name);
            Destination::Broken { kind: "reference", object: None, status: 503, sentence }
        };
        Target { weight: target.weight, pointer: pointer(index), to, rewrite: Rewrite::default(), redirect: None, hops: Vec::new() }
    };
    route.targets.iter().enumerate().map(target).collect()
}

fn controller(analysis: &Analysis, router: &str) -> Controller {
    let pods = analysis.inventory().pods.entries();
    let pods: Vec<PodId> = pods.filter(|(_, pod)| pod.record().labels.get(ROUTER_LABEL) == Some(router)).map(|(id, _)| id).collect();
    if pods.is_empty() {
        return Controller::default();
    }
    let service = typed!(analysis.snapshot(), Service)
        .filter(|(_, service)| service.service_type == ServiceType::LoadBalancer)
        .find(|(key, service)| selected_pods(analysis, key, service).iter().any(|pod| pods.contains(pod)))
        .map(|(key, _)| key.clone());
    Controller { pods, service, how: format!("they bear the label {ROUTER_LABEL}={router}"), caveat: None }
}

#[cfg(test)]
mod tests;
