//! Where rules of routes send requests: references to backends, and whether they are good.

use super::super::table::{Destination, PortRef, Rewrite, Target};
use super::grants::{self, Leave};
use super::{hop, title, tls};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{Record, RouteBackend, RouteFilter, ServicePortRef};
use crate::snapshot::Snapshot;

/// The status for what would have gone to a backend that cannot be used: 500 (HTTPRouteRule.backendRefs), and for GRPCRoutes the one
/// that stands for `UNAVAILABLE` (GRPCRouteRule.backendRefs). Where nobody speaks HTTP it says nothing.
pub(super) const fn broken_status(route: Kind) -> u16 {
    match route {
        Kind::GrpcRoute => 503,
        _ => 500,
    }
}

/// Compiles a reference to a backend, which stands at `pointer` in the route.
pub(super) fn target(snapshot: &Snapshot, route: &ObjectKey, backend: &RouteBackend, pointer: String) -> Target {
    let mut target = Target {
        weight: backend.weight,
        to: Destination::Other { kind: "resource", sentence: String::new() },
        rewrite: Rewrite::default(),
        redirect: None,
        hops: Vec::new(),
        pointer,
    };
    for (index, filter) in backend.filters.iter().enumerate() {
        match filter {
            RouteFilter::Redirect(redirect) => target.redirect = target.redirect.or_else(|| Some(redirect.clone())),
            RouteFilter::Extension(what) => {
                let sentence = format!("filter {what} of {} is known to its controller alone", title(route));
                target.hops.push(hop("filter", route, format!("{}/filters/{index}", target.pointer), Verdict::Depends, sentence));
            }
            other => rewrite(&mut target.rewrite, other),
        }
    }
    target.to = destination(snapshot, route, backend, &target.pointer, &mut target.hops);
    target
}

/// Adds what a filter changes of a request. Of filters that cannot be repeated the first counts.
pub(super) fn rewrite(rewrite: &mut Rewrite, filter: &RouteFilter) {
    match filter {
        RouteFilter::Rewrite { hostname, path } => {
            if rewrite.hostname.is_empty() {
                rewrite.hostname = hostname.clone();
            }
            rewrite.path = rewrite.path.take().or_else(|| path.clone());
        }
        RouteFilter::RequestHeaders(change) => rewrite.headers.push(change.clone()),
        RouteFilter::Redirect(_) | RouteFilter::Mirror(_) | RouteFilter::Neutral(_) | RouteFilter::Extension(_) => {}
    }
}

/// Where a copy of requests goes. A copy that goes nowhere changes nothing for the request (HTTPRequestMirrorFilter.backendRef).
pub(super) fn mirror(snapshot: &Snapshot, route: &ObjectKey, backend: &RouteBackend, pointer: String) -> Hop {
    let what = grants::shown(route, &backend.object);
    let sentence = match destination(snapshot, route, backend, &pointer, &mut Vec::new()) {
        Destination::Broken { sentence, .. } => format!("no copy of requests goes to {what}: {sentence}"),
        Destination::Service { .. } | Destination::Other { .. } => format!("a copy of requests for {} goes to {what}", title(route)),
    };
    hop("mirror", route, pointer, Verdict::Allowed, sentence)
}

fn destination(snapshot: &Snapshot, route: &ObjectKey, backend: &RouteBackend, pointer: &str, hops: &mut Vec<Hop>) -> Destination {
    let object = &backend.object;
    let (from, what, namespace) = (title(route), grants::shown(route, object), grants::namespace(route, object));
    let broken = |kind, sentence| Destination::Broken { kind, object: None, status: broken_status(route.kind), sentence };
    let is_service = object.group.is_empty() && object.kind == Kind::Service.name();
    if !is_service && !may_be_known(&object.group) {
        return broken("reference", format!("{from} refers to {what}, and {} is no kind of backend", object.kind));
    }
    match grants::leave(snapshot, route, object) {
        Leave::Own => {}
        Leave::Granted(grant) => {
            let sentence = format!("{} lets {from} refer to {what}", title(&grant));
            hops.push(hop("reference", &grant, "/spec", Verdict::Allowed, sentence));
        }
        Leave::Unseen => {
            let sentence = format!("whether a ReferenceGrant in {namespace} lets {from} refer to {what} may not be seen");
            hops.push(hop("reference", route, pointer, Verdict::Depends, sentence));
        }
        Leave::Refused => {
            return broken("reference", format!("{from} may not refer to {what}: no ReferenceGrant in {namespace} lets it"));
        }
    }
    if !is_service {
        let sentence = format!("{from} sends to {what} ({}), which its controller alone understands", object.group);
        return Destination::Other { kind: "resource", sentence };
    }
    let ServicePortRef::Number(port) = backend.port else {
        return broken("reference", format!("{from} names no port of {what}"));
    };
    let key = ObjectKey::new(Kind::Service, namespace.clone(), object.name.clone());
    let Some(Record::Service(service)) = snapshot.record(&key) else {
        if snapshot.unseen.holds(Kind::Service, namespace) {
            return Destination::Other { kind: "service", sentence: format!("whether there is a {what} may not be seen") };
        }
        return broken("service", format!("there is no {what}, to which {from} sends"));
    };
    if matches!(route.kind, Kind::HttpRoute | Kind::GrpcRoute) {
        match tls::towards(snapshot, &key, service, port) {
            Some(Ok(said)) => hops.push(said),
            Some(Err(to)) => return to,
            None => {}
        }
    }
    Destination::Service { key, port: PortRef::Service(backend.port.clone()), subset: None }
}

/// Whether a controller may know backends of a group: such groups are domains. Kubernetes' own have no other backends than Services, but
/// for the imported Services and the pools of inference of its special interest groups.
fn may_be_known(group: &str) -> bool {
    let is_of_kubernetes = group == "k8s.io" || group.ends_with(".k8s.io");
    group.contains('.') && !is_of_kubernetes || matches!(group, "inference.networking.k8s.io")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GROUP, Scene, backend, reference};
    use super::*;
    use crate::record::{ObjectRef, Redirect, ReferenceGrantRecord};

    fn scene() -> Scene {
        let mut scene = Scene::default();
        scene.service("shop", "web");
        scene.service("other", "web");
        scene.service("granted", "web");
        let grant =
            ReferenceGrantRecord { from: vec![reference(GROUP, "HTTPRoute", "shop", "")], to: vec![reference("", "Service", "", "")] };
        scene.put(Kind::ReferenceGrant, "granted", "all", Record::ReferenceGrant(Box::new(grant)));
        scene
    }

    fn compiled(scene: &Scene, kind: Kind, object: ObjectRef, port: ServicePortRef) -> Target {
        let backend = RouteBackend { object, port, weight: 3, filters: Vec::new() };
        target(&scene.snapshot, &ObjectKey::new(kind, "shop", "r"), &backend, "/spec/rules/0/backendRefs/0".to_owned())
    }

    /// What becomes of a reference, in short.
    fn shown(target: &Target) -> String {
        match &target.to {
            Destination::Service { key, port, .. } => {
                assert_eq!(*port, PortRef::Service(ServicePortRef::Number(80)));
                key.path()
            }
            Destination::Broken { kind, status, object, .. } => {
                assert_eq!(*object, None);
                format!("{kind} {status}")
            }
            Destination::Other { kind, .. } => format!("other {kind}"),
        }
    }

    #[test]
    fn references_are_good_or_say_what_is_wrong() {
        let scene = scene();
        let port = || ServicePortRef::Number(80);
        let service = |namespace: &str, name: &str| reference("", "Service", namespace, name);
        let cases = [
            (Kind::HttpRoute, service("", "web"), port(), "shop/web"),
            (Kind::HttpRoute, service("shop", "web"), port(), "shop/web"),
            (Kind::HttpRoute, service("granted", "web"), port(), "granted/web"),
            (Kind::HttpRoute, service("other", "web"), port(), "reference 500"),
            // The grant is for HTTPRoutes.
            (Kind::GrpcRoute, service("granted", "web"), port(), "reference 503"),
            (Kind::TcpRoute, service("", "gone"), port(), "service 500"),
            (Kind::HttpRoute, service("", "gone"), port(), "service 500"),
            (Kind::GrpcRoute, service("", "gone"), port(), "service 503"),
            (Kind::HttpRoute, service("", "web"), ServicePortRef::Missing, "reference 500"),
            (Kind::HttpRoute, reference("", "ConfigMap", "", "web"), port(), "reference 500"),
            (Kind::HttpRoute, reference("nonexistent", "Service", "", "web"), port(), "reference 500"),
            (Kind::HttpRoute, reference("networking.k8s.io", "Ingress", "", "web"), port(), "reference 500"),
            (Kind::HttpRoute, reference("multicluster.x-k8s.io", "ServiceImport", "", "web"), port(), "other resource"),
            (
                Kind::HttpRoute,
                reference("inference.networking.k8s.io", "InferencePool", "", "web"),
                ServicePortRef::Missing,
                "other resource",
            ),
            (Kind::HttpRoute, reference("gateway.envoyproxy.io", "Backend", "other", "web"), port(), "reference 500"),
        ];
        for (kind, object, port, expected) in cases {
            let target = compiled(&scene, kind, object.clone(), port);
            assert_eq!(shown(&target), expected, "{kind:?} {object:?}");
            assert_eq!(target.weight, 3);
            assert_eq!(target.hops.len(), usize::from(expected == "granted/web"), "{kind:?} {object:?}");
        }
    }

    #[test]
    fn the_grant_is_named() {
        let target = compiled(&scene(), Kind::HttpRoute, reference("", "Service", "granted", "web"), ServicePortRef::Number(80));
        let [hop] = target.hops.as_slice() else { panic!("{:?}", target.hops) };
        assert_eq!(hop.object, Some(ObjectKey::new(Kind::ReferenceGrant, "granted", "all")));
        assert_eq!(hop.sentence, "ReferenceGrant granted/all lets HTTPRoute shop/r refer to Service granted/web");
    }

    #[test]
    fn what_may_not_be_seen_may_be_there() {
        let mut hidden = scene();
        hidden.hide(Kind::ReferenceGrant, &["shop"]);
        let target = compiled(&hidden, Kind::HttpRoute, reference("", "Service", "other", "web"), ServicePortRef::Number(80));
        assert_eq!(shown(&target), "other/web");
        assert_eq!(target.hops.iter().map(|hop| hop.verdict).collect::<Vec<_>>(), [Verdict::Depends]);
        hidden.hide(Kind::Service, &["other"]);
        let gone =
            |namespace: &str| compiled(&hidden, Kind::HttpRoute, reference("", "Service", namespace, "gone"), ServicePortRef::Number(80));
        assert_eq!(shown(&gone("")), "other service");
    }

    #[test]
    fn filters_of_a_backend_are_its_own() {
        let redirect = Redirect { status: 302, ..Redirect::default() };
        let filters = vec![
            RouteFilter::Rewrite { hostname: "one".into(), path: None },
            RouteFilter::Rewrite { hostname: "two".into(), path: None },
            RouteFilter::Redirect(redirect.clone()),
            RouteFilter::Extension("Wasm auth".into()),
        ];
        let backend = RouteBackend { filters, ..backend("", "web") };
        let target =
            target(&scene().snapshot, &ObjectKey::new(Kind::HttpRoute, "shop", "r"), &backend, "/spec/rules/0/backendRefs/1".to_owned());
        assert_eq!(target.redirect, Some(redirect));
        assert_eq!(target.rewrite.hostname, "one");
        let [hop] = target.hops.as_slice() else { panic!("{:?}", target.hops) };
        assert_eq!((hop.verdict, hop.pointer.as_str()), (Verdict::Depends, "/spec/rules/0/backendRefs/1/filters/3"));
    }

    #[test]
    fn a_copy_goes_where_it_may() {
        let scene = scene();
        let route = ObjectKey::new(Kind::HttpRoute, "shop", "r");
        let hop = |namespace: &str| mirror(&scene.snapshot, &route, &backend(namespace, "web"), "/p".to_owned());
        assert_eq!(hop("").sentence, "a copy of requests for HTTPRoute shop/r goes to Service shop/web");
        let refused = hop("other");
        assert!(refused.sentence.starts_with("no copy of requests goes to Service other/web: "), "{}", refused.sentence);
        assert_eq!(refused.verdict, Verdict::Allowed);
    }
}
