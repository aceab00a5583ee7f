//! The types of cilium.io/v2, as far as policies need them: those that nobody reads here are values as they came. Every field may be
//! absent, so that a fault is found where it is and the rest can be read. An absent list and an empty one are not the same.

use serde_json::Value;

use crate::intake::ApiSelector;

api_types! {
    struct Object<S> {
        spec: S,
    }

    struct Policy {
        spec: Spec,
        specs: Vec<Spec>,
    }

    struct CidrGroupSpec {
        #[serde(rename = "externalCIDRs")]
        external_cidrs: Vec<String>,
    }

    struct Spec {
        endpoint_selector: ApiSelector,
        node_selector: ApiSelector,
        ingress: Vec<IngressRule>,
        ingress_deny: Vec<IngressRule>,
        egress: Vec<EgressRule>,
        egress_deny: Vec<EgressRule>,
        enable_default_deny: DefaultDeny,
        labels: Value,
        description: Value,
        log: Value,
        /// Of no released version: policies of Cilium all stand in one tier.
        tier: Value,
        priority: Value,
        order: Value,
    }

    struct DefaultDeny {
        ingress: bool,
        egress: bool,
    }

    struct IngressRule {
        from_endpoints: Vec<ApiSelector>,
        from_requires: Vec<ApiSelector>,
        #[serde(rename = "fromCIDR")]
        from_cidr: Vec<String>,
        #[serde(rename = "fromCIDRSet")]
        from_cidr_set: Vec<CidrRule>,
        from_entities: Vec<String>,
        from_nodes: Vec<ApiSelector>,
        from_groups: Vec<Value>,
        to_ports: Vec<PortRule>,
        icmps: Vec<Value>,
        authentication: Authentication,
    }

    struct EgressRule {
        to_endpoints: Vec<ApiSelector>,
        to_requires: Vec<ApiSelector>,
        #[serde(rename = "toCIDR")]
        to_cidr: Vec<String>,
        #[serde(rename = "toCIDRSet")]
        to_cidr_set: Vec<CidrRule>,
        to_entities: Vec<String>,
        to_nodes: Vec<ApiSelector>,
        to_groups: Vec<Value>,
        to_services: Vec<Service>,
        #[serde(rename = "toFQDNs")]
        to_fqdns: Vec<Fqdn>,
        to_ports: Vec<PortRule>,
        icmps: Vec<Value>,
        authentication: Authentication,
    }

    struct CidrRule {
        cidr: String,
        cidr_group_ref: String,
        cidr_group_selector: ApiSelector,
        except: Vec<String>,
    }

    struct Fqdn {
        match_name: String,
        match_pattern: String,
    }

    struct Service {
        k8s_service: ServiceName,
        k8s_service_selector: ServiceSelector,
    }

    struct ServiceName {
        service_name: String,
        namespace: String,
    }

    struct ServiceSelector {
        selector: ApiSelector,
        namespace: String,
    }

    struct Authentication {
        mode: String,
    }

    struct PortRule {
        ports: Vec<PortProtocol>,
        rules: Rules,
        server_names: Vec<String>,
        #[serde(rename = "terminatingTLS")]
        terminating_tls: Value,
        #[serde(rename = "originatingTLS")]
        originating_tls: Value,
        listener: Listener,
    }

    struct PortProtocol {
        /// A text; a number in manifests that no server has seen.
        port: Value,
        end_port: i64,
        protocol: String,
    }

    struct Listener {
        name: String,
        envoy_config: Value,
        priority: Value,
    }

    struct Rules {
        http: Vec<Http>,
        kafka: Vec<serde_json::Map<String, Value>>,
        dns: Vec<Fqdn>,
        l7proto: String,
        l7: Vec<serde_json::Map<String, Value>>,
    }

    struct Http {
        method: String,
        path: String,
        host: String,
        headers: Vec<String>,
        header_matches: Vec<HeaderMatch>,
    }

    struct HeaderMatch {
        name: String,
        value: String,
        mismatch: String,
        secret: Value,
    }
}

/// What rules of both directions have, by one set of names.
pub(super) struct Rule {
    pub(super) endpoints: Option<Vec<ApiSelector>>,
    pub(super) requires: Vec<ApiSelector>,
    pub(super) cidr: Option<Vec<String>>,
    pub(super) cidr_set: Option<Vec<CidrRule>>,
    pub(super) entities: Option<Vec<String>>,
    pub(super) nodes: Option<Vec<ApiSelector>>,
    pub(super) groups: Option<Vec<Value>>,
    pub(super) services: Option<Vec<Service>>,
    pub(super) fqdns: Option<Vec<Fqdn>>,
    pub(super) ports: Option<Vec<PortRule>>,
    pub(super) icmps: Option<Vec<Value>>,
    pub(super) authentication: Option<Authentication>,
}

impl From<IngressRule> for Rule {
    fn from(rule: IngressRule) -> Self {
        Self {
            endpoints: rule.from_endpoints,
            requires: rule.from_requires.unwrap_or_default(),
            cidr: rule.from_cidr,
            cidr_set: rule.from_cidr_set,
            entities: rule.from_entities,
            nodes: rule.from_nodes,
            groups: rule.from_groups,
            services: None,
            fqdns: None,
            ports: rule.to_ports,
            icmps: rule.icmps,
            authentication: rule.authentication,
        }
    }
}

impl From<EgressRule> for Rule {
    fn from(rule: EgressRule) -> Self {
        Self {
            endpoints: rule.to_endpoints,
            requires: rule.to_requires.unwrap_or_default(),
            cidr: rule.to_cidr,
            cidr_set: rule.to_cidr_set,
            entities: rule.to_entities,
            nodes: rule.to_nodes,
            groups: rule.to_groups,
            services: rule.to_services,
            fqdns: rule.to_fqdns,
            ports: rule.to_ports,
            icmps: rule.icmps,
            authentication: rule.authentication,
        }
    }
}
