//! The types of projectcalico.org/v3, as far as they bear on pods. Every field may be absent, so that a fault is found where it is and
//! the rest can be read.

use serde_json::Value;

api_types! {
    /// Any object: what it is for lies in its spec.
    struct Object<S> {
        spec: S,
    }

    /// Of a NetworkPolicy or a GlobalNetworkPolicy.
    struct PolicySpec {
        tier: String,
        order: f64,
        ingress: Vec<Rule>,
        egress: Vec<Rule>,
        selector: String,
        types: Vec<String>,
        namespace_selector: String,
        service_account_selector: String,
        do_not_track: bool,
        #[serde(rename = "preDNAT")]
        pre_dnat: bool,
        apply_on_forward: bool,
        performance_hints: Value,
    }

    struct Rule {
        action: String,
        #[serde(rename = "ipVersion")]
        ip_version: i64,
        protocol: Value,
        icmp: Value,
        not_protocol: Value,
        #[serde(rename = "notICMP")]
        not_icmp: Value,
        source: Entity,
        destination: Entity,
        http: Value,
        metadata: Value,
    }

    struct Entity {
        nets: Vec<String>,
        selector: String,
        namespace_selector: String,
        services: Service,
        ports: Vec<Value>,
        domains: Vec<String>,
        not_nets: Vec<String>,
        not_selector: String,
        not_ports: Vec<Value>,
        service_accounts: Accounts,
    }

    struct Service {
        name: String,
        namespace: String,
    }

    struct Accounts {
        names: Vec<String>,
        selector: String,
    }

    struct TierSpec {
        order: f64,
        default_action: String,
    }

    /// Of a NetworkSet or a GlobalNetworkSet.
    struct NetworkSetSpec {
        nets: Vec<String>,
        allowed_egress_domains: Vec<String>,
    }
}
