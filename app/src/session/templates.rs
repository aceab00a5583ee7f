//! What new objects start from.

use serde_json::{Value, json};

use crate::command::Template;

/// The object of a template, by name and namespace, and with a workload's labels to select where some are at hand.
pub(super) fn object(template: Template, namespace: &str, name: &str, labels: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": namespace});
    let policy = |spec: Value| json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec});
    let selector = if labels.as_object().is_some_and(|labels| !labels.is_empty()) { json!({"matchLabels": labels}) } else { json!({}) };
    match template {
        Template::DenyAll => policy(json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})),
        Template::AllowEgress => policy(json!({
            "podSelector": selector, "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"protocol": "TCP", "port": 443}]}]
        })),
        Template::AllowIngress => policy(json!({
            "podSelector": selector, "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}],
                "ports": [{"protocol": "TCP", "port": 8080}]
            }]
        })),
        Template::Ingress => json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
            "spec": {"rules": [{
                "host": format!("{name}.example"),
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "service", "port": {"number": 80}}}}]}
            }]}
        }),
        Template::Service => json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"selector": if labels.is_object() { labels.clone() } else { json!({"app": name}) }, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
        }),
    }
}

/// What the name of a new object begins with.
pub(super) const fn stem(template: Template) -> &'static str {
    match template {
        Template::DenyAll => "deny-all",
        Template::AllowEgress => "allow-egress",
        Template::AllowIngress => "allow-ingress",
        Template::Ingress => "ingress",
        Template::Service => "service",
    }
}
