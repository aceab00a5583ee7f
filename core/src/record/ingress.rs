//! Ingresses and their classes (networking/v1).

use smol_str::SmolStr;

use super::LoadBalancerAddress;

/// An IngressClass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngressClassRecord {
    /// The controller that serves it, for example `k8s.io/ingress-nginx`.
    pub controller: SmolStr,
    /// Whether it serves Ingresses that name no class (annotation `ingressclass.kubernetes.io/is-default-class`).
    pub is_default: bool,
}

/// An Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngressRecord {
    /// `spec.ingressClassName`, else the annotation `kubernetes.io/ingress.class`; empty where it names none.
    pub class: SmolStr,
    /// Where requests go that no rule matches.
    pub default_backend: Option<IngressBackend>,
    /// The rules.
    pub rules: Vec<IngressRule>,
    /// TLS blocks; never the Secret's contents.
    pub tls: Vec<IngressTls>,
    /// Addresses that the controller wrote into the status.
    pub addresses: Vec<LoadBalancerAddress>,
    /// Annotations of well-known controllers that change where requests go: the name after the slash, and the value.
    pub annotations: Vec<(SmolStr, SmolStr)>,
    /// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
    pub created: SmolStr,
}

/// What a host's requests do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressRule {
    /// The host; empty for all.
    pub host: SmolStr,
    /// The paths, in the order of the object.
    pub paths: Vec<IngressPath>,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressPath {
    /// The path; empty means `/` for Prefix and whatever the controller makes of it otherwise.
    pub path: SmolStr,
    /// How it is compared.
    pub path_type: PathType,
    /// Where matching requests go.
    pub backend: IngressBackend,
}

/// How a path is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathType {
    /// To the letter.
    Exact,
    /// Element by element.
    Prefix,
    /// As the controller likes.
    ImplementationSpecific,
}

impl PathType {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Prefix => "Prefix",
            Self::ImplementationSpecific => "ImplementationSpecific",
        }
    }
}

/// Where an Ingress sends requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngressBackend {
    /// To a Service of the same namespace.
    Service {
        /// Its name.
        name: SmolStr,
        /// Which of its ports.
        port: ServicePortRef,
    },
    /// To another object, which only its controller understands: `kind name`.
    Resource(SmolStr),
    /// The object names neither, or both.
    Invalid,
}

/// A port of a Service, as a backend names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ServicePortRef {
    /// By number.
    Number(u16),
    /// By name.
    Name(SmolStr),
    /// Not at all.
    #[default]
    Missing,
}

impl std::fmt::Display for ServicePortRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
            Self::Missing => f.write_str("no port"),
        }
    }
}

/// A TLS block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressTls {
    /// The hosts that it covers; empty for all.
    pub hosts: Vec<SmolStr>,
    /// The name of the Secret.
    pub secret: SmolStr,
}
