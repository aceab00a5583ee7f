//! Services, as nodes and load balancers take requests for them.

use super::super::fixture::{analysis, found, live};
use super::*;

const PODS: &str = "
kind: Node
apiVersion: v1
metadata: {name: a}
---
kind: Node
apiVersion: v1
metadata: {name: b}
---
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: a, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
---
kind: Pod
apiVersion: v1
metadata: {name: old, namespace: shop, labels: {app: web}}
spec: {nodeName: a, containers: [{name: c, ports: [{name: http, containerPort: 9090}]}]}
---
kind: Pod
apiVersion: v1
metadata: {name: odd, namespace: shop, labels: {app: web}}
spec: {nodeName: a, containers: [{name: c, ports: [{name: other, containerPort: 1}]}]}
---
";

fn service(spec: &str, status: &str) -> String {
    format!("{PODS}\nkind: Service\napiVersion: v1\nmetadata: {{name: web, namespace: shop}}\nspec: {{{spec}}}\nstatus: {{{status}}}\n")
}

const OFFICE: &str = "
---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: office, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}
";

#[test]
fn named_ports_are_those_of_each_pod_and_the_lacking_are_told() {
    let yaml = service("type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 30080, targetPort: http}]", "");
    let analysis = live(&yaml);
    let path = found(&analysis, "any node:30080/TCP");
    assert_eq!(path.pod_ports, [Some(9090), Some(8080)]);
    assert_eq!(path.verdict, Verdict::Allowed);
    assert!(path.hops[1].sentence.contains("port 8080 or 9090 of 2 ready endpoints"), "{}", path.hops[1].sentence);
    assert!(path.hops[1].sentence.ends_with("1 pod lacks a port named \"http\", shop/odd first"), "{}", path.hops[1].sentence);
    assert_eq!(path.reached_at, ["*:30080/TCP"]);
    assert_eq!(path.front, "Service shop/web");
}

#[test]
fn local_traffic_needs_a_node_with_an_endpoint() {
    let spec = "externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, nodePort: 30080, targetPort: 8080}]";
    let status = "loadBalancer: {ingress: [{ip: 203.0.113.10}, {ip: '2001:db8::1'}]}";
    let analysis = live(&service(&format!("type: LoadBalancer, {spec}"), status));
    let balancer = found(&analysis, "203.0.113.10, [2001:db8::1]:80/TCP");
    assert_eq!(balancer.verdict, Verdict::Allowed);
    assert_eq!(balancer.reached_at, ["203.0.113.10:80/TCP", "[2001:db8::1]:80/TCP"]);
    assert_eq!(analysis.entry_paths().len(), 1, "without source ranges, node ports open nothing more");
    let analysis = live(&service(&format!("type: NodePort, {spec}"), ""));
    let node = found(&analysis, "any node:30080/TCP");
    assert_eq!(node.verdict, Verdict::Depends);
    assert!(node.deciding_sentence().starts_with("only node a answers"), "{}", node.deciding_sentence());
}

#[test]
fn source_ranges_hold_for_the_balancer_and_not_for_node_ports() {
    let spec = "type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerSourceRanges: [198.51.100.0/25], selector: {app: web},
        ports: [{port: 80, nodePort: 30080, targetPort: 8080}]";
    let analysis = live(&(service(spec, "loadBalancer: {ingress: [{ip: 203.0.113.10}]}") + OFFICE));
    assert_eq!(found(&analysis, "203.0.113.10:80/TCP").verdict, Verdict::Allowed);
    let node = found(&analysis, "any node:30080/TCP");
    assert_eq!(node.hops.last().map(|hop| (hop.kind, hop.verdict)), Some(("policy", Verdict::Depends)));
    // A proxy hides the clients: what it admits is not what the pods see.
    let analysis = live(&(service(spec, "loadBalancer: {ingress: [{ip: 203.0.113.10, ipMode: Proxy}]}") + OFFICE));
    assert_eq!(found(&analysis, "203.0.113.10:80/TCP").verdict, Verdict::Depends);
}

#[test]
fn six_is_not_judged_by_rules_for_four() {
    let spec =
        "type: LoadBalancer, externalTrafficPolicy: Local, ipFamilies: [IPv6], selector: {app: web}, ports: [{port: 80, targetPort: 8080}]";
    let all_of_four = OFFICE.replace("198.51.100.0/24", "0.0.0.0/0");
    let analysis = live(&(service(spec, "loadBalancer: {ingress: [{ip: '2001:db8::1'}]}") + &all_of_four));
    let path = found(&analysis, "[2001:db8::1]:80/TCP");
    assert_eq!(path.verdict, Verdict::Denied);
    assert_eq!(path.deciding_sentence(), "policies let no client through that the load balancer admits");
    let analysis = live(&(service(&spec.replace("IPv6", "IPv4"), "loadBalancer: {ingress: [{hostname: lb.example}]}") + &all_of_four));
    assert_eq!(found(&analysis, "lb.example:80/TCP").verdict, Verdict::Allowed);
}

#[test]
fn what_is_broken_names_what_to_mend() {
    let broken = |spec: &str| {
        let analysis = live(&service(&format!("type: NodePort, {spec}"), ""));
        let path = found(&analysis, "any node:30080/TCP");
        assert_eq!(path.verdict, Verdict::Denied);
        let hop = path.deciding_hop().unwrap();
        (hop.object.as_ref().unwrap().path(), hop.pointer.clone(), hop.sentence.clone())
    };
    let ports = "ports: [{port: 80, nodePort: 30080, targetPort: admin}]";
    let (object, pointer, sentence) = broken(&format!("selector: {{app: wbe}}, {ports}"));
    assert_eq!((object.as_str(), pointer.as_str()), ("shop/web", "/spec/selector"));
    assert_eq!(sentence, "Service shop/web selects no pod by app=wbe");
    let (_, pointer, sentence) = broken(&format!("selector: {{app: web}}, {ports}"));
    assert_eq!(pointer, "/spec/ports/0/targetPort");
    assert_eq!(sentence, "Service shop/web sends to port \"admin\", which none of its 3 pods has: shop/odd has other");
    let (_, pointer, _) = broken(&format!("clusterIP: None, selector: {{app: web}}, {ports}"));
    assert_eq!(pointer, "/spec/clusterIP");
}

#[test]
fn endpoints_outside_are_judged_by_no_policy() {
    let slices = "
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [198.51.100.5]}]
ports: [{port: 3306}]
";
    let yaml = service("type: NodePort, ports: [{port: 80, nodePort: 30080}]", "") + slices;
    let analysis = live(&yaml);
    let path = found(&analysis, "any node:30080/TCP");
    assert_eq!(path.verdict, Verdict::Allowed);
    assert!(path.deciding_sentence().starts_with("198.51.100.5 is outside the cluster"), "{}", path.deciding_sentence());
}

#[test]
fn slices_that_may_not_be_listed_leave_it_open() {
    let yaml = service("type: NodePort, ports: [{port: 80, nodePort: 30080}]", "");
    assert_eq!(found(&live(&yaml), "any node:30080/TCP").verdict, Verdict::Denied);
    let mut snapshot = live(&yaml).snapshot().clone();
    let unseen = crate::snapshot::Unseen([(Kind::EndpointSlice, Default::default())].into());
    snapshot.apply(crate::snapshot::Change::Unseen(unseen));
    let analysis = Analysis::new(snapshot, Default::default());
    assert_eq!(found(&analysis, "any node:30080/TCP").verdict, Verdict::Depends);
}

#[test]
fn a_balancer_without_an_address_is_there_in_a_manifest_only() {
    let yaml =
        service("type: LoadBalancer, loadBalancerClass: acme.example/lb, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]", "");
    assert_eq!(found(&analysis(&yaml), "load balancer:80/TCP").verdict, Verdict::Allowed);
    let live = live(&yaml);
    let path = found(&live, "load balancer:80/TCP");
    assert_eq!(path.verdict, Verdict::Depends);
    assert_eq!(path.deciding_sentence(), "Service shop/web asks for a load balancer of class acme.example/lb and has no address yet");
}
