//! Which pods serve an Ingress: the last hop starts at them, not at the client.

use crate::analysis::Analysis;
use crate::inventory::PodId;
use crate::object::ObjectKey;
use crate::record::{IngressRecord, ServiceType};
use crate::snapshot::typed;

use super::backends::selected_pods;

/// The pods that serve an Ingress, as far as they can be found.
#[derive(Debug, Clone, Default)]
pub(super) struct Controller {
    /// The pods; empty where none was found.
    pub(super) pods: Vec<PodId>,
    /// The Service through which requests reach them.
    pub(super) service: Option<ObjectKey>,
    /// How they were found, as the end of a sentence.
    pub(super) how: String,
}

/// Labels that the charts and manifests of well-known controllers put on their pods: class controller, class name, label, value.
const WELL_KNOWN: &[(&str, &str, &str, &str)] = &[
    ("k8s.io/ingress-nginx", "nginx", "app.kubernetes.io/name", "ingress-nginx"),
    ("nginx.org/ingress-controller", "nginx", "app.kubernetes.io/name", "nginx-ingress"),
    ("traefik.io/ingress-controller", "traefik", "app.kubernetes.io/name", "traefik"),
    ("haproxy.org/ingress-controller", "haproxy", "app.kubernetes.io/name", "kubernetes-ingress"),
    ("haproxy-ingress.github.io/controller", "haproxy", "app.kubernetes.io/name", "haproxy-ingress"),
    ("ingress-controllers.konghq.com/kong", "kong", "app.kubernetes.io/name", "kong"),
    ("projectcontour.io/ingress-controller", "contour", "app.kubernetes.io/name", "contour"),
    (
        "openshift.io/ingress-to-route",
        "openshift-default",
        "ingresscontroller.operator.openshift.io/deployment-ingresscontroller",
        "default",
    ),
];

/// Finds the pods that serve an Ingress of a class: by the address in its status, else by what its class' controller is known by.
pub(super) fn find(analysis: &Analysis, ingress: &IngressRecord, class: &str, class_controller: &str) -> Controller {
    for (key, service) in typed!(analysis.snapshot(), Service) {
        let bears = |address| {
            let is_external_ip = matches!(address, &crate::record::LoadBalancerAddress::Ip(ip) if service.external_ips.contains(&ip));
            service.load_balancer.contains(address) || is_external_ip
        };
        let could = service.service_type == ServiceType::LoadBalancer || !service.external_ips.is_empty();
        let Some(address) = ingress.addresses.iter().find(|address| could && bears(address)) else { continue };
        let pods = selected_pods(analysis, key, service);
        if !pods.is_empty() {
            let how = format!("its address {address} is that of Service {}", key.path());
            return Controller { pods, service: Some(key.clone()), how };
        }
    }
    for (controller, class_name, label, value) in WELL_KNOWN {
        let fits = if class_controller.is_empty() { class == *class_name } else { class_controller.starts_with(controller) };
        if !fits {
            continue;
        }
        let labelled = |pod: &crate::inventory::Pod| {
            let component = pod.record().labels.get("app.kubernetes.io/component");
            pod.record().labels.get(label) == Some(value) && component.is_none_or(|component| component == "controller")
        };
        let pods: Vec<PodId> = analysis.inventory().pods.entries().filter(|(_, pod)| labelled(pod)).map(|(id, _)| id).collect();
        if !pods.is_empty() {
            let service = typed!(analysis.snapshot(), Service)
                .filter(|(_, service)| service.service_type == ServiceType::LoadBalancer)
                .find(|(key, service)| selected_pods(analysis, key, service).iter().any(|pod| pods.contains(pod)))
                .map(|(key, _)| key.clone());
            return Controller { pods, service, how: format!("they bear the label {label}={value}") };
        }
    }
    Controller::default()
}
