//! Which pods serve an Ingress: the last hop starts at them, not at the client.

use crate::analysis::Analysis;
use crate::inventory::PodId;
use crate::object::ObjectKey;
use crate::record::{LoadBalancerAddress, Record, ServiceRecord, ServiceType};
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
    /// Where requests do not come from pods of the cluster, or not for certain: why the last hop cannot be judged by them. What
    /// policies then deny to the outside is `depends`.
    pub(super) caveat: Option<String>,
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

/// The pods behind a Service that bears one of these addresses towards the outside.
pub(super) fn by_address(analysis: &Analysis, addresses: &[LoadBalancerAddress]) -> Option<Controller> {
    for (key, service) in typed!(analysis.snapshot(), Service) {
        let bears = |address| {
            let is_external_ip = matches!(address, &LoadBalancerAddress::Ip(ip) if service.external_ips.contains(&ip));
            service.load_balancer.contains(address) || is_external_ip
        };
        let could = service.service_type == ServiceType::LoadBalancer || !service.external_ips.is_empty();
        let Some(address) = addresses.iter().find(|address| could && bears(address)) else { continue };
        let pods = selected_pods(analysis, key, service);
        if !pods.is_empty() {
            let how = format!("its address {address} is that of Service {}", key.path());
            return Some(Controller { pods, service: Some(key.clone()), how, caveat: None });
        }
    }
    None
}

/// A controller of these pods, with the Service before them that the outside reaches: a load balancer sooner than ports of nodes.
pub(super) fn of_pods(analysis: &Analysis, pods: Vec<PodId>, how: String) -> Controller {
    let leads = |key: &ObjectKey, service: &ServiceRecord| selected_pods(analysis, key, service).iter().any(|pod| pods.contains(pod));
    let of_type = |wanted: fn(&ServiceRecord) -> bool| {
        let mut services = typed!(analysis.snapshot(), Service).filter(|(_, service)| wanted(service));
        services.find(|(key, service)| leads(key, service)).map(|(key, _)| key.clone())
    };
    let service = of_type(|service| service.service_type == ServiceType::LoadBalancer)
        .or_else(|| of_type(|service| service.service_type == ServiceType::NodePort || !service.external_ips.is_empty()));
    Controller { pods, service, how, caveat: None }
}

/// Finds the pods that serve an Ingress of a class: by the address in its status, else by what its class' controller is known by.
pub(super) fn find(analysis: &Analysis, addresses: &[LoadBalancerAddress], class: &str, class_controller: &str) -> Controller {
    if let Some(controller) = by_address(analysis, addresses) {
        return controller;
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
            return of_pods(analysis, pods, format!("they bear the label {label}={value}"));
        }
    }
    Controller::default()
}

/// Whether a class' controller documents that of two Ingresses with the same host and path the older one wins (ingress-nginx user
/// guide, "Building the NGINX model").
pub(super) fn oldest_wins(class_controller: &str) -> bool {
    class_controller.starts_with("k8s.io/ingress-nginx")
}

/// Whether a class' controller reads `ImplementationSpecific` paths as the beginning of a text (ingress-nginx: a `location` of nginx;
/// Traefik: `PathPrefix`).
pub(super) fn reads_text_prefixes(class_controller: &str) -> bool {
    class_controller.starts_with("k8s.io/ingress-nginx") || class_controller.starts_with("traefik.io/ingress-controller")
}

/// How the controller of an Ingress sends clear text to https where TLS is set up, unless it is told otherwise: the status, and who it
/// is. `None` where it is not known to, or the Ingress turns it off.
pub(super) fn clear_text(analysis: &Analysis, key: &ObjectKey) -> Option<(u16, &'static str)> {
    let Some(Record::Ingress(ingress)) = analysis.snapshot().record(key) else { return None };
    let mut classes = typed!(analysis.snapshot(), IngressClass);
    let class = if ingress.class.is_empty() {
        classes.find(|(_, class)| class.is_default)
    } else {
        classes.find(|(class, _)| class.name == ingress.class)
    };
    let (_, class) = class?;
    let is_of = |name: &str| class.controller.starts_with(name);
    if super::annotations::tls_redirect(ingress) == Some(false) {
        None
    } else if is_of("k8s.io/ingress-nginx") {
        Some((308, "ingress-nginx"))
    } else if is_of("projectcontour.io/") {
        Some((301, "Contour"))
    } else if is_of("haproxy.org/") || is_of("haproxy-ingress.github.io/") {
        Some((302, "HAProxy"))
    } else {
        None
    }
}
