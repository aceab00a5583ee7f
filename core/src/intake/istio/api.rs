//! The types of networking.istio.io (v1, v1beta1 and v1alpha3 are alike), as far as its fields have to be known: those that nobody
//! reads here are values as they came. Every field may be absent, so that a fault is found where it is and the rest can be read.

use std::collections::BTreeMap;

use serde_json::Value;

api_types! {
    /// Any object: what it is for lies in its spec.
    struct Object<S> {
        spec: S,
    }

    struct GatewaySpec {
        servers: Vec<Server>,
        selector: BTreeMap<String, String>,
    }

    struct Server {
        port: Port,
        bind: Value,
        hosts: Vec<String>,
        tls: ServerTls,
        default_endpoint: Value,
        name: Value,
    }

    struct Port {
        number: i64,
        protocol: String,
        name: String,
        target_port: Value,
    }

    /// Certificates are names of Secrets or paths of files, never the contents.
    struct ServerTls {
        https_redirect: bool,
        mode: String,
        server_certificate: Value,
        private_key: Value,
        ca_certificates: Value,
        ca_crl: Value,
        credential_name: Value,
        credential_names: Value,
        ca_cert_credential_name: Value,
        tls_certificates: Value,
        subject_alt_names: Value,
        verify_certificate_spki: Value,
        verify_certificate_hash: Value,
        min_protocol_version: Value,
        max_protocol_version: Value,
        cipher_suites: Value,
    }

    struct VirtualServiceSpec {
        hosts: Vec<String>,
        gateways: Vec<String>,
        http: Vec<HttpRoute>,
        tls: Vec<TlsRoute>,
        tcp: Vec<TcpRoute>,
        export_to: Vec<String>,
    }

    struct HttpRoute {
        name: Value,
        #[serde(rename = "match")]
        matches: Vec<HttpMatch>,
        route: Vec<HttpDestination>,
        redirect: HttpRedirect,
        direct_response: DirectResponse,
        delegate: Delegate,
        rewrite: Rewrite,
        timeout: Value,
        retries: Value,
        fault: Fault,
        mirror: Value,
        mirrors: Value,
        mirror_percent: Value,
        #[serde(rename = "mirror_percent")]
        old_mirror_percent: Value,
        mirror_percentage: Value,
        cors_policy: Value,
        headers: Headers,
    }

    struct HttpMatch {
        name: Value,
        uri: StringMatch,
        scheme: StringMatch,
        method: StringMatch,
        authority: StringMatch,
        headers: BTreeMap<String, Option<StringMatch>>,
        port: i64,
        source_labels: BTreeMap<String, String>,
        gateways: Vec<String>,
        query_params: BTreeMap<String, Option<StringMatch>>,
        ignore_uri_case: bool,
        without_headers: BTreeMap<String, Option<StringMatch>>,
        source_namespace: String,
        stat_prefix: Value,
    }

    struct StringMatch {
        exact: String,
        prefix: String,
        regex: String,
    }

    struct HttpDestination {
        destination: Destination,
        weight: i64,
        headers: Value,
    }

    struct StreamDestination {
        destination: Destination,
        weight: i64,
    }

    struct Destination {
        host: String,
        subset: String,
        port: PortSelector,
    }

    struct PortSelector {
        number: i64,
    }

    struct HttpRedirect {
        uri: String,
        authority: String,
        port: i64,
        derive_port: String,
        scheme: String,
        redirect_code: i64,
    }

    struct DirectResponse {
        status: i64,
        body: Value,
    }

    struct Delegate {
        name: String,
        namespace: String,
    }

    struct Rewrite {
        uri: String,
        authority: String,
        uri_regex_rewrite: Value,
    }

    struct Fault {
        delay: Value,
        abort: Value,
    }

    struct Headers {
        request: HeaderOperations,
        response: Value,
    }

    struct HeaderOperations {
        set: BTreeMap<String, String>,
        add: BTreeMap<String, String>,
        remove: Vec<String>,
    }

    struct TlsRoute {
        #[serde(rename = "match")]
        matches: Vec<TlsMatch>,
        route: Vec<StreamDestination>,
    }

    struct TlsMatch {
        sni_hosts: Vec<String>,
        destination_subnets: Value,
        port: i64,
        source_labels: BTreeMap<String, String>,
        gateways: Vec<String>,
        source_namespace: String,
    }

    struct TcpRoute {
        #[serde(rename = "match")]
        matches: Vec<TcpMatch>,
        route: Vec<StreamDestination>,
    }

    struct TcpMatch {
        destination_subnets: Value,
        port: i64,
        source_labels: BTreeMap<String, String>,
        gateways: Vec<String>,
        source_subnet: Value,
        source_namespace: String,
    }

    struct DestinationRuleSpec {
        host: String,
        traffic_policy: Value,
        subsets: Vec<Subset>,
        export_to: Vec<String>,
        workload_selector: Value,
    }

    struct Subset {
        name: String,
        labels: BTreeMap<String, String>,
        traffic_policy: Value,
    }
}
