//! OpenShift's Route (route.openshift.io/v1).

use smol_str::SmolStr;

use super::ServicePortRef;

/// A Route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenShiftRouteRecord {
    /// The host; empty where the router chooses one.
    pub host: SmolStr,
    /// Whether it takes all names beneath the host's domain (`wildcardPolicy: Subdomain`).
    pub subdomain: bool,
    /// The path, a prefix; empty for all.
    pub path: SmolStr,
    /// `spec.to`, then `spec.alternateBackends`: kind, name, weight.
    pub targets: Vec<RouteTarget>,
    /// `spec.port.targetPort`: the name of a Service's port, or the number of a port of the endpoints; `Missing` for the first.
    pub port: ServicePortRef,
    /// TLS; `None` for clear text.
    pub tls: Option<RouteTls>,
    /// What routers say of it (`status.ingress`): router, host, whether they admitted it, why not.
    pub routers: Vec<Admission>,
    /// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
    pub created: SmolStr,
}

/// One backend of a Route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTarget {
    /// `Service`
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its share, 0 to 256; 100 where the object gives none.
    pub weight: u32,
}

/// TLS of a Route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTls {
    /// Where it ends.
    pub termination: Termination,
    /// What becomes of clear text.
    pub insecure: InsecurePolicy,
}

/// Where TLS ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// At the router.
    Edge,
    /// At the pod; the router sees the name only.
    Passthrough,
    /// At the router, which speaks TLS to the pod again.
    Reencrypt,
}

/// What becomes of requests in clear text to a Route with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InsecurePolicy {
    /// They are not served.
    #[default]
    None,
    /// They are served alike.
    Allow,
    /// They are sent to https.
    Redirect,
}

/// What a router says of a Route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The router's name.
    pub router: SmolStr,
    /// The host under which it serves it.
    pub host: SmolStr,
    /// Whether it does; `None` where it says nothing.
    pub admitted: Option<bool>,
    /// Why not.
    pub reason: SmolStr,
}
