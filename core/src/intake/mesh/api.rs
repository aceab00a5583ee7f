//! The types of security.istio.io and networking.istio.io that the mesh is made of, in all versions. Every field may be absent.

use std::collections::BTreeMap;

use serde_json::Value;

api_types! {
    /// Any object: what it is for lies in its spec.
    struct Object<S> {
        spec: S,
    }

    struct AuthorizationSpec {
        selector: WorkloadSelector,
        target_ref: TargetRef,
        target_refs: Vec<TargetRef>,
        rules: Vec<Rule>,
        action: String,
        provider: Provider,
    }

    struct WorkloadSelector {
        match_labels: BTreeMap<String, String>,
    }

    struct TargetRef {
        group: String,
        kind: String,
        name: String,
        namespace: String,
    }

    struct Provider {
        name: String,
    }

    struct Rule {
        from: Vec<From>,
        to: Vec<To>,
        when: Vec<Condition>,
    }

    struct From {
        source: Source,
    }

    struct Source {
        principals: Vec<String>,
        not_principals: Vec<String>,
        request_principals: Vec<String>,
        not_request_principals: Vec<String>,
        namespaces: Vec<String>,
        not_namespaces: Vec<String>,
        service_accounts: Vec<String>,
        not_service_accounts: Vec<String>,
        ip_blocks: Vec<String>,
        not_ip_blocks: Vec<String>,
        remote_ip_blocks: Vec<String>,
        not_remote_ip_blocks: Vec<String>,
    }

    struct To {
        operation: Operation,
    }

    struct Operation {
        hosts: Vec<String>,
        not_hosts: Vec<String>,
        ports: Vec<Value>,
        not_ports: Vec<Value>,
        methods: Vec<String>,
        not_methods: Vec<String>,
        paths: Vec<String>,
        not_paths: Vec<String>,
    }

    struct Condition {
        key: String,
        values: Vec<String>,
        not_values: Vec<String>,
    }

    struct ServiceEntrySpec {
        hosts: Vec<String>,
        addresses: Vec<String>,
        ports: Vec<ServicePort>,
        location: String,
        resolution: String,
        endpoints: Vec<Endpoint>,
        workload_selector: LabelsOnly,
        export_to: Vec<String>,
        subject_alt_names: Value,
    }

    struct ServicePort {
        number: i64,
        protocol: String,
        name: String,
        target_port: i64,
    }

    struct Endpoint {
        address: String,
        ports: BTreeMap<String, i64>,
        labels: Value,
        network: Value,
        locality: Value,
        weight: Value,
        service_account: Value,
    }

    struct LabelsOnly {
        labels: BTreeMap<String, String>,
    }

    struct SidecarSpec {
        workload_selector: LabelsOnly,
        ingress: Value,
        egress: Vec<Egress>,
        inbound_connection_pool: Value,
        outbound_traffic_policy: OutboundPolicy,
    }

    struct Egress {
        port: ServicePort,
        bind: Value,
        capture_mode: Value,
        hosts: Vec<String>,
    }

    struct OutboundPolicy {
        mode: String,
        egress_proxy: Value,
    }
}
