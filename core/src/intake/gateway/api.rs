//! The types of gateway.networking.k8s.io, standard and experimental, as far as its fields have to be known: those that nobody reads
//! here are values as they came. Every field may be absent, so that a fault is found where it is and the rest can be read.

use serde_json::Value;

use crate::intake::ApiSelector;

api_types! {
    /// Any object: what it is for lies in its spec.
    struct Object<S> {
        spec: S,
    }

    struct GatewayClassSpec {
        controller_name: String,
        parameters_ref: Value,
        description: Value,
    }

    struct GatewaySpec {
        gateway_class_name: String,
        listeners: Vec<Listener>,
        addresses: Vec<Address>,
        infrastructure: Value,
        allowed_listeners: AllowedListeners,
        tls: Value,
        #[serde(rename = "backendTLS")]
        backend_tls: Value,
        default_scope: Value,
    }

    struct ListenerSetSpec {
        parent_ref: ParentRef,
        listeners: Vec<Listener>,
    }

    struct Listener {
        name: String,
        hostname: String,
        port: i64,
        protocol: String,
        tls: ListenerTls,
        allowed_routes: AllowedRoutes,
    }

    struct ListenerTls {
        mode: String,
        certificate_refs: Vec<Ref>,
        frontend_validation: Value,
        options: Value,
    }

    struct AllowedListeners {
        namespaces: Namespaces,
    }

    struct AllowedRoutes {
        namespaces: Namespaces,
        kinds: Vec<GroupKind>,
    }

    struct Namespaces {
        from: String,
        selector: ApiSelector,
    }

    struct GroupKind {
        group: String,
        kind: String,
    }

    struct Address {
        #[serde(rename = "type")]
        type_: String,
        value: String,
    }

    /// A reference to an object, wherever it may lie.
    struct Ref {
        group: String,
        kind: String,
        namespace: String,
        name: String,
    }

    /// A reference to an object of the same namespace.
    struct LocalRef {
        group: String,
        kind: String,
        name: String,
    }

    struct ParentRef {
        group: String,
        kind: String,
        namespace: String,
        name: String,
        section_name: String,
        port: i64,
    }

    /// The spec of a route that looks at hosts.
    struct NamedRouteSpec<R> {
        parent_refs: Vec<ParentRef>,
        use_default_gateways: Value,
        hostnames: Vec<String>,
        rules: Vec<R>,
    }

    /// The spec of a route that looks at connections only.
    struct RouteSpec<R> {
        parent_refs: Vec<ParentRef>,
        use_default_gateways: Value,
        rules: Vec<R>,
    }

    struct HttpRule {
        name: Value,
        matches: Vec<HttpMatch>,
        filters: Vec<Filter>,
        backend_refs: Vec<BackendRef>,
        timeouts: Value,
        retry: Value,
        session_persistence: Value,
    }

    struct HttpMatch {
        path: TypedValue,
        headers: Vec<NamedValue>,
        query_params: Vec<NamedValue>,
        method: String,
    }

    struct GrpcRule {
        name: Value,
        matches: Vec<GrpcMatch>,
        filters: Vec<Filter>,
        backend_refs: Vec<BackendRef>,
        session_persistence: Value,
    }

    struct GrpcMatch {
        method: GrpcMethod,
        headers: Vec<NamedValue>,
    }

    struct GrpcMethod {
        #[serde(rename = "type")]
        type_: String,
        service: String,
        method: String,
    }

    /// A rule of a TLSRoute, TCPRoute or UDPRoute.
    struct StreamRule {
        name: Value,
        backend_refs: Vec<StreamBackendRef>,
    }

    struct TypedValue {
        #[serde(rename = "type")]
        type_: String,
        value: String,
    }

    struct NamedValue {
        #[serde(rename = "type")]
        type_: String,
        name: String,
        value: String,
    }

    struct BackendRef {
        group: String,
        kind: String,
        namespace: String,
        name: String,
        port: i64,
        weight: i64,
        filters: Vec<Filter>,
    }

    struct StreamBackendRef {
        group: String,
        kind: String,
        namespace: String,
        name: String,
        port: i64,
        weight: i64,
    }

    struct Filter {
        #[serde(rename = "type")]
        type_: String,
        request_header_modifier: HeaderModifier,
        response_header_modifier: Value,
        request_mirror: Mirror,
        request_redirect: RequestRedirect,
        url_rewrite: UrlRewrite,
        cors: Value,
        external_auth: Value,
        extension_ref: LocalRef,
    }

    struct HeaderModifier {
        set: Vec<Header>,
        add: Vec<Header>,
        remove: Vec<String>,
    }

    struct Header {
        name: String,
        value: String,
    }

    struct Mirror {
        backend_ref: StreamBackendRef,
        percent: Value,
        fraction: Value,
    }

    struct RequestRedirect {
        scheme: String,
        hostname: String,
        path: PathModifier,
        port: i64,
        status_code: i64,
    }

    struct UrlRewrite {
        hostname: String,
        path: PathModifier,
    }

    struct PathModifier {
        #[serde(rename = "type")]
        type_: String,
        replace_full_path: String,
        replace_prefix_match: String,
    }

    struct ReferenceGrantSpec {
        from: Vec<GrantFrom>,
        to: Vec<LocalRef>,
    }

    struct GrantFrom {
        group: String,
        kind: String,
        namespace: String,
    }

    /// BackendTLSPolicy: v1 and v1alpha3, and beneath them what v1alpha2 wrote differently.
    struct BackendTlsPolicySpec {
        target_refs: Vec<TargetRef>,
        validation: Validation,
        options: Value,
        target_ref: TargetRef,
        tls: OldValidation,
    }

    struct TargetRef {
        group: String,
        kind: String,
        namespace: String,
        name: String,
        section_name: String,
    }

    struct Validation {
        ca_certificate_refs: Vec<LocalRef>,
        #[serde(rename = "wellKnownCACertificates")]
        well_known_ca_certificates: String,
        hostname: String,
        subject_alt_names: Value,
    }

    struct OldValidation {
        ca_cert_refs: Vec<LocalRef>,
        #[serde(rename = "wellKnownCACerts")]
        well_known_ca_certs: String,
        hostname: String,
    }
}
