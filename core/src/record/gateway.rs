//! Gateway API (gateway.networking.k8s.io): gateways, sets of listeners, routes of all protocols, grants, and TLS towards backends.

use smol_str::SmolStr;

use super::{LoadBalancerAddress, ServicePortRef};
use crate::labels::Selector;

/// A GatewayClass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayClassRecord {
    /// The controller that serves it, for example `gateway.envoyproxy.io/gatewayclass-controller`.
    pub controller: SmolStr,
    /// What its status says where no controller has accepted it; `None` where one has, or it has no status.
    pub not_accepted: Option<SmolStr>,
}

/// A Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayRecord {
    /// `spec.gatewayClassName`
    pub class: SmolStr,
    /// Its own listeners; those of ListenerSets come beside them.
    pub listeners: Vec<GatewayListener>,
    /// From where ListenerSets may attach (`spec.allowedListeners`); none where it says nothing.
    pub allowed_listeners: FromNamespaces,
    /// `status.addresses`, else `spec.addresses`.
    pub addresses: Vec<LoadBalancerAddress>,
}

/// A ListenerSet, or an XListenerSet of the experimental group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenerSetRecord {
    /// The Gateway that it adds to.
    pub parent: ParentRef,
    /// Its listeners.
    pub listeners: Vec<GatewayListener>,
    /// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
    pub created: SmolStr,
}

/// A listener of a Gateway or of a ListenerSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayListener {
    /// Its name.
    pub name: SmolStr,
    /// The host that it takes, exact or `*.` and a name; empty for all.
    pub hostname: SmolStr,
    /// Its port; 0 where the object gives none (a ListenerSet may leave it to the implementation).
    pub port: u16,
    /// Its protocol.
    pub protocol: ListenerProtocol,
    /// Whether TLS goes through untouched (`tls.mode: Passthrough`).
    pub passthrough: bool,
    /// Certificates: references, never their contents. A namespace is filled in only where the object names one.
    pub certificates: Vec<ObjectRef>,
    /// From which namespaces routes may attach.
    pub routes_from: FromNamespaces,
    /// Which kinds of routes may attach, as group and kind; `None` for what the protocol implies.
    pub route_kinds: Option<Vec<(SmolStr, SmolStr)>>,
}

/// The protocol of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// HTTP in clear text.
    Http,
    /// HTTP within TLS.
    Https,
    /// TLS, terminated or passed through.
    Tls,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Another, which some implementation understands.
    Other(SmolStr),
}

impl ListenerProtocol {
    /// The name in the API.
    pub fn name(&self) -> &str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Other(name) => name,
        }
    }
}

/// From which namespaces something may attach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FromNamespaces {
    /// From none.
    #[default]
    None,
    /// From its own.
    Same,
    /// From all.
    All,
    /// From those whose labels fit; `None` where the selector cannot be read, which lets nothing attach.
    Selector(Option<Selector>),
}

/// A reference to another object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    pub group: SmolStr,
    /// The kind.
    pub kind: SmolStr,
    /// The namespace; empty where the reference names none, which means that of the object that refers.
    pub namespace: SmolStr,
    /// The name.
    pub name: SmolStr,
}

/// What a route attaches to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParentRef {
    /// The object: a Gateway, a ListenerSet, or a Service (a mesh).
    pub object: ObjectRef,
    /// The listener's name; empty for all.
    pub section: SmolStr,
    /// The listeners' port; `None` for all.
    pub port: Option<u16>,
}

/// An HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute: the key says which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteRecord {
    /// What it attaches to, in the order of the object.
    pub parents: Vec<ParentRef>,
    /// Hosts, exact or `*.` and a name; empty for all.
    pub hostnames: Vec<SmolStr>,
    /// Its rules, in the order of the object.
    pub rules: Vec<RouteRule>,
    /// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
    pub created: SmolStr,
}

/// A rule of a route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteRule {
    /// What requests it takes, any one of these; empty for all.
    pub matches: Vec<RouteMatch>,
    /// What is done with them.
    pub filters: Vec<RouteFilter>,
    /// Where they go.
    pub backends: Vec<RouteBackend>,
}

/// What requests a rule takes: all conditions of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteMatch {
    /// The path; `None` for all. A GRPCRoute's method match became a path: `/service/method`, `/service/` as prefix, or an expression.
    pub path: Option<PathMatch>,
    /// The HTTP method; empty for all.
    pub method: SmolStr,
    /// Headers; names are in lower case. The first of equal names counts (HTTPHeaderMatch).
    pub headers: Vec<ValueMatch>,
    /// Query parameters.
    pub query: Vec<ValueMatch>,
}

/// How a path is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// To the letter.
    Exact(SmolStr),
    /// Element by element (Gateway API, Ingress).
    Prefix(SmolStr),
    /// Letter by letter (Istio).
    TextPrefix(SmolStr),
    /// As a regular expression, in the syntax of the implementation.
    Expression(SmolStr),
}

/// A named value and how it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValueMatch {
    /// The header's or parameter's name.
    pub name: SmolStr,
    /// How its value is compared.
    pub value: TextMatch,
}

/// How a text is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// To the letter.
    Exact(SmolStr),
    /// By its beginning (Istio).
    Prefix(SmolStr),
    /// As a regular expression.
    Expression(SmolStr),
    /// It only has to be there (Istio).
    Present,
    /// It must not be so (Istio `withoutHeaders`).
    Not(Box<TextMatch>),
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteFilter {
    /// It is answered with another address.
    Redirect(Redirect),
    /// Its host or path becomes another.
    Rewrite {
        /// The new host; empty where it stays.
        hostname: SmolStr,
        /// The new path.
        path: Option<PathChange>,
    },
    /// Its headers change on the way to the backend.
    RequestHeaders(HeaderChange),
    /// A copy goes elsewhere, which changes nothing for the request.
    Mirror(RouteBackend),
    /// It changes neither where the request goes nor what the backend sees of host, path and headers (response headers, CORS).
    Neutral(SmolStr),
    /// Something that only the implementation understands: what it is, `kind name`.
    Extension(SmolStr),
}

/// An answer that sends the client elsewhere; what is empty or `None` stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Redirect {
    /// `http` or `https`
    pub scheme: SmolStr,
    /// The host.
    pub hostname: SmolStr,
    /// The port.
    pub port: Option<u16>,
    /// The path.
    pub path: Option<PathChange>,
    /// The status; 302 where the object gives none.
    pub status: u16,
}

/// How a path becomes another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathChange {
    /// All of it.
    Full(SmolStr),
    /// The prefix that matched.
    Prefix(SmolStr),
}

/// How headers change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct HeaderChange {
    /// Set to these.
    pub set: Vec<(SmolStr, SmolStr)>,
    /// Appended.
    pub add: Vec<(SmolStr, SmolStr)>,
    /// Taken away.
    pub remove: Vec<SmolStr>,
}

/// Where a rule sends requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteBackend {
    /// The object, a Service as a rule.
    pub object: ObjectRef,
    /// Its port; `Missing` where the reference names none.
    pub port: ServicePortRef,
    /// Its share among the rule's backends; 1 where the object gives none.
    pub weight: u32,
    /// What is done with the requests that go to it.
    pub filters: Vec<RouteFilter>,
}

/// A ReferenceGrant: what may refer to objects of its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReferenceGrantRecord {
    /// Who may refer: `name` is empty, `namespace` is not.
    pub from: Vec<ObjectRef>,
    /// To what: `namespace` is empty, an empty `name` stands for all.
    pub to: Vec<ObjectRef>,
}

/// A BackendTLSPolicy: TLS from the gateway to a Service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendTlsPolicyRecord {
    /// What it is for, in its namespace, with the name of a Service's port, empty for all.
    pub targets: Vec<(ObjectRef, SmolStr)>,
    /// The name that the certificate must bear.
    pub hostname: SmolStr,
    /// Where the certificates of authorities are.
    pub authorities: Vec<ObjectRef>,
    /// Whether those of the system are used (`wellKnownCACertificates`).
    pub system_authorities: bool,
}
