//! Which pods serve a Gateway: the last hop starts at them, not at the client.

use super::super::controller::{Controller, by_address, of_pods};
use crate::analysis::Analysis;
use crate::inventory::{Pod, PodId};
use crate::object::ObjectKey;
use crate::record::GatewayRecord;

const CILIUM: &str = "Cilium's proxy on each node takes the requests: they come from the node, or from Cilium's own address";
const CLOUD: &str = "the cloud's load balancer sends requests straight to the pods, from addresses of its own";

/// Controllers that put no pods in the way: how the controller's name begins, its class' usual name (or how those begin, with a dash at
/// the end), and who takes the requests.
const WITHOUT_PODS: &[(&str, &str, &str)] = &[
    ("io.cilium/gateway-controller", "cilium", CILIUM),
    ("networking.gke.io/gateway", "gke-l7-", CLOUD),
    ("gateway.k8s.aws/", "aws-alb", CLOUD),
    ("application-networking.k8s.aws/", "amazon-vpc-lattice", CLOUD),
    ("alb.networking.azure.io/", "azure-alb-", CLOUD),
];

/// What the pods bear that well-known controllers make for one Gateway, in its namespace.
const OF_GATEWAY: &[&str] = &["gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name", "projectcontour.io/owning-gateway-name"];

/// Labels and their values.
type Marks = &'static [(&'static str, &'static str)];

/// Labels of pods that serve all Gateways of a class: how the controller's name begins, the class' usual name, the labels.
const OF_CLASS: &[(&str, &str, Marks)] = &[
    ("gateway.envoyproxy.io/", "eg", &[("app.kubernetes.io/managed-by", "envoy-gateway"), ("app.kubernetes.io/component", "proxy")]),
    ("istio.io/gateway-controller", "istio", &[("istio", "ingressgateway")]),
    ("traefik.io/gateway-controller", "traefik", &[("app.kubernetes.io/name", "traefik")]),
    ("projectcontour.io/", "contour", &[("app.kubernetes.io/name", "contour"), ("app.kubernetes.io/component", "envoy")]),
    ("projectcontour.io/", "contour", &[("app", "envoy")]),
    ("gateway.nginx.org/", "nginx", &[("app.kubernetes.io/name", "nginx-gateway-fabric")]),
    ("gateway.nginx.org/", "nginx", &[("app.kubernetes.io/name", "nginx-gateway")]),
    ("konghq.com/", "kong", &[("app.kubernetes.io/name", "kong")]),
    ("konghq.com/", "kong", &[("app.kubernetes.io/name", "gateway"), ("app.kubernetes.io/component", "app")]),
    ("haproxy-ingress.github.io/", "haproxy", &[("app.kubernetes.io/name", "haproxy-ingress")]),
    ("haproxy.org/", "haproxy", &[("app.kubernetes.io/name", "kubernetes-ingress")]),
    ("apisix.apache.org/", "apisix", &[("app.kubernetes.io/name", "apisix")]),
];

/// Finds the pods that serve a Gateway: by its address, else by what its controller marks them with. `class_controller` is empty where
/// the class is not known.
pub(super) fn find(analysis: &Analysis, key: &ObjectKey, gateway: &GatewayRecord, class_controller: &str) -> Controller {
    let is_of_class = |name: &str| gateway.class == name || (name.ends_with('-') && gateway.class.starts_with(name));
    let fits = |controller: &str, class: &str| {
        if class_controller.is_empty() { is_of_class(class) } else { class_controller.starts_with(controller) }
    };
    if let Some((.., caveat)) = WITHOUT_PODS.iter().find(|(controller, class, _)| fits(controller, class)) {
        return Controller { caveat: Some((*caveat).to_owned()), ..Controller::default() };
    }
    if let Some(controller) = by_address(analysis, &gateway.addresses) {
        return controller;
    }
    let own = analysis.inventory().pods_in(&key.namespace);
    let own: Vec<(PodId, &Pod)> = own.collect();
    for label in OF_GATEWAY {
        let marked = |pod: &Pod| pod.record().labels.get(label) == Some(key.name.as_str());
        let pods: Vec<PodId> = own.iter().filter(|(_, pod)| marked(pod)).map(|(id, _)| *id).collect();
        if !pods.is_empty() {
            return of_pods(analysis, pods, format!("they bear the label {label}={}", key.name));
        }
    }
    let envoy = [
        ("gateway.envoyproxy.io/owning-gateway-name", key.name.as_str()),
        ("gateway.envoyproxy.io/owning-gateway-namespace", key.namespace.as_str()),
    ];
    let merged = [("gateway.envoyproxy.io/owning-gatewayclass", gateway.class.as_str())];
    let of_class = OF_CLASS.iter().filter(|(controller, class, _)| fits(controller, class)).map(|(.., labels)| *labels);
    for labels in [&envoy[..], &merged[..]].into_iter().chain(of_class) {
        let marked = |pod: &Pod| labels.iter().all(|(label, value)| pod.record().labels.get(label) == Some(*value));
        let pods: Vec<PodId> = analysis.inventory().pods.entries().filter(|(_, pod)| marked(pod)).map(|(id, _)| id).collect();
        if !pods.is_empty() {
            let shown: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            return of_pods(analysis, pods, format!("they bear the label {}", shown.join(" and ")));
        }
    }
    Controller::default()
}
