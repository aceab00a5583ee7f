//! Each kind of route out, from objects as they are written.

use serde_json::{Value, json};

use crate::analysis::{Analysis, Host};
use crate::assumptions::Assumptions;
use crate::object::Object;
use crate::peer::Verdict;
use crate::snapshot::Change;

fn pod(namespace: &str, name: &str, address: &str, metadata: Value) -> Value {
    let mut raw = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeName": "node-1", "containers": []}, "status": {"podIPs": [{"ip": address}]}
    });
    if let (Some(own), Some(more)) = (raw["metadata"].as_object_mut(), metadata.as_object()) {
        own.extend(more.clone());
    }
    raw
}

fn node(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"name": name}},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]}
    })
}

fn analysis(objects: &[Value]) -> std::sync::Arc<Analysis> {
    let mut host = Host::new(Assumptions::default(), false);
    let own = [node("node-1", "10.0.0.1"), node("node-2", "10.0.0.2"), pod("shop", "web", "10.1.0.1", json!({}))];
    let all = own.iter().chain(objects).map(|raw| Object::new(raw.clone(), "default").unwrap().unwrap());
    host.apply(all.map(|object| Change::apply(&object)));
    host.analysis()
}

/// The routes of a pod: kind, verdict, what they are for, what they go through, and as what.
fn routes(analysis: &Analysis, name: &str) -> Vec<String> {
    let pod = analysis.inventory().pod("shop", name).unwrap();
    let joined = |parts: Vec<String>| parts.join("+");
    let one = |route: super::EgressRoute| {
        let to = joined(route.destinations.iter().map(ToString::to_string).collect());
        let via = joined(route.through.iter().map(ToString::to_string).collect());
        let leaves_as = joined(route.leaves_as.iter().map(ToString::to_string).collect());
        format!("{:?} {} [{to}] via [{via}] as [{leaves_as}]", route.kind, route.verdict)
    };
    analysis.egress_routes(pod).into_iter().map(one).collect()
}

const PLAIN: &str = "Node depends [] via [node node-1] as [10.0.0.1]";

fn gateway(selector: Value, spec: Value) -> Value {
    let mut all = json!({"selectors": [selector], "destinationCIDRs": ["0.0.0.0/0"]});
    if let (Some(all), Some(more)) = (all.as_object_mut(), spec.as_object()) {
        all.extend(more.clone());
    }
    json!({"apiVersion": "cilium.io/v2", "kind": "CiliumEgressGatewayPolicy", "metadata": {"name": "out"}, "spec": all})
}

#[test]
fn what_nothing_routes_leaves_from_its_node_and_through_a_noted_nat() {
    let analysis = analysis(&[]);
    assert_eq!(routes(&analysis, "web"), [PLAIN]);
    let mut snapshot = analysis.snapshot().clone();
    snapshot.apply(Change::Nat(super::NatNote::parse("203.0.113.7 office").unwrap()));
    let noted = Analysis::new(snapshot, Assumptions::default());
    assert_eq!(routes(&noted, "web"), ["Nat allowed [] via [node node-1+NAT office] as [203.0.113.7]"]);
}

#[test]
fn a_gateway_of_cilium_is_for_the_pods_that_it_selects() {
    let to_node = |name: &str| json!({"egressGateway": {"nodeSelector": {"matchLabels": {"name": name}}, "egressIP": "203.0.113.9"}});
    let by_label = json!({"podSelector": {"matchLabels": {"app": "web", "k8s:io.kubernetes.pod.namespace": "shop"}}});
    let found = routes(&analysis(&[gateway(by_label.clone(), to_node("node-2"))]), "web");
    assert_eq!(found, ["EgressGateway allowed [0.0.0.0/0] via [node node-2] as [203.0.113.9]", PLAIN]);
    let others = json!({"podSelector": {"matchLabels": {"io.kubernetes.pod.namespace": "bank"}}});
    assert_eq!(routes(&analysis(&[gateway(others, to_node("node-2"))]), "web"), [PLAIN]);
    let lost = routes(&analysis(&[gateway(by_label.clone(), to_node("nowhere"))]), "web");
    assert!(lost[0].starts_with("EgressGateway denied"), "without a gateway it is dropped: {lost:?}");
    let mut some = to_node("node-2");
    some["destinationCIDRs"] = json!(["198.51.100.0/24"]);
    some["excludedCIDRs"] = json!(["198.51.100.0/25"]);
    let analysis = analysis(&[gateway(by_label, some)]);
    assert_eq!(routes(&analysis, "web")[0], "EgressGateway allowed [198.51.100.128/25] via [node node-2] as [203.0.113.9]");
    let pod = analysis.inventory().pod("shop", "web").unwrap();
    let kinds = |address: &str| {
        let address = address.parse().unwrap();
        let end = crate::peer::Peer::Range { first: address, last: address };
        analysis.egress_routes_to(pod, &end).iter().map(|route| route.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("198.51.100.200"), [super::RouteKind::EgressGateway]);
    assert_eq!(kinds("198.51.100.1"), [super::RouteKind::Node], "what is excluded leaves plainly");
}

#[test]
fn ovn_kubernetes_addresses_come_in_their_order() {
    let address = |name: &str, items: Value| {
        json!({
            "apiVersion": "k8s.ovn.org/v1", "kind": "EgressIP", "metadata": {"name": name},
            "spec": {"egressIPs": ["203.0.113.1"], "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}, "podSelector": {"matchLabels": {"app": "web"}}},
            "status": {"items": items}
        })
    };
    let assigned = json!([{"node": "node-2", "egressIP": "203.0.113.1"}]);
    let kept = analysis(&[address("a", assigned.clone())]);
    assert_eq!(routes(&kept, "web")[0], "EgressIp allowed [] via [node node-2] as [203.0.113.1]");
    assert_eq!(routes(&analysis(&[address("a", json!([]))]), "web")[0], "EgressIp depends [] via [] as [203.0.113.1]");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}}
    });
    let of_service = json!({
        "apiVersion": "k8s.ovn.org/v1", "kind": "EgressService", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"sourceIPBy": "LoadBalancerIP"}, "status": {"host": "node-2"}
    });
    let both = routes(&analysis(&[address("a", assigned.clone()), service, of_service]), "web");
    assert_eq!(both[0], "EgressService allowed [] via [node node-2] as [203.0.113.2]");
    assert!(both[1].starts_with("EgressIp"));
    let two = routes(&analysis(&[address("a", assigned.clone()), address("b", assigned)]), "web");
    assert!(two.iter().filter(|route| route.starts_with("EgressIp depends")).count() == 2, "{two:?}");
}

#[test]
fn annotations_of_calico_name_pods_as_gateways() {
    let annotations = json!({"annotations": {"egress.projectcalico.org/selector": "app == 'gate'"}});
    let gate = pod("shop", "gate", "10.1.0.9", json!({}));
    let mut namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    namespace["metadata"]["annotations"] = annotations["annotations"].clone();
    let found = routes(&analysis(&[namespace.clone(), gate.clone()]), "web");
    assert_eq!(found[0], "EgressGateway depends [] via [shop/gate[Pod]] as [10.1.0.9]", "the network may translate it further");
    let lost = routes(&analysis(&[namespace.clone()]), "web");
    assert!(lost[0].starts_with("EgressGateway denied"), "{lost:?}");
    let own = json!({"annotations": {"egress.projectcalico.org/egressGatewayPolicy": "other"}});
    let with_own = analysis(&[namespace, gate, pod("shop", "api", "10.1.0.5", own)]);
    assert!(routes(&with_own, "api")[0].starts_with("EgressGateway depends [] via []"), "the pod's own comes first, and is not read");
    assert_eq!(routes(&analysis(&[pod("shop", "gate", "10.1.0.9", json!({}))]), "web"), [PLAIN]);
}

#[test]
fn a_gateway_of_the_mesh_is_for_its_host_only() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "gate", "namespace": "shop"},
        "spec": {"selector": {"app": "gate"}, "ports": [{"port": 443}]}
    });
    let route = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "partner", "namespace": "shop"},
        "spec": {"hosts": ["api.example"], "gateways": ["mesh", "out"], "tls": [
            {"match": [{"gateways": ["mesh"], "sniHosts": ["api.example"], "port": 443}], "route": [{"destination": {"host": "gate.shop.svc.cluster.local"}}]}]}
    });
    let mut member = pod("shop", "api", "10.1.0.5", json!({}));
    member["spec"]["containers"] = json!([{"name": "istio-proxy"}]);
    let analysis = analysis(&[service, route, member, pod("shop", "gate", "10.1.0.9", json!({}))]);
    assert_eq!(routes(&analysis, "api")[0], "MeshGateway allowed [api.example] via [shop/gate[Pod]] as []");
    assert_eq!(routes(&analysis, "web"), [PLAIN], "a pod without a proxy does not know of it");
    let pod = analysis.inventory().pod("shop", "api").unwrap();
    let to = |name: &str| analysis.egress_routes_to(pod, &crate::peer::Peer::Domain { pattern: name.into() });
    assert_eq!((to("api.example")[0].verdict, to("api.example").len()), (Verdict::Allowed, 1));
    assert!(to("www.example").iter().all(super::EgressRoute::is_plain));
}
