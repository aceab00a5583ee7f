//! Istio: who may enter pods of the mesh, and where those may go.

use ipnet::IpNet;
use smol_str::SmolStr;

use crate::labels::Selector;
use crate::ports::PortSet;

/// An AuthorizationPolicy (security.istio.io/v1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPolicyRecord {
    /// Which pods of its namespace, or of all namespaces where it lies in the mesh's own; not looked at where there are targets.
    pub selector: Selector,
    /// What it is for instead of pods: gateways, and Services with a waypoint.
    pub targets: Vec<AuthorizationTarget>,
    /// What it does.
    pub action: AuthorizationAction,
    /// Its rules. An `ALLOW` without any lets nothing through.
    pub rules: Vec<AuthorizationRule>,
}

/// What an AuthorizationPolicy does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationAction {
    /// Lets through what a rule matches, and keeps out what none does.
    Allow,
    /// Keeps out what a rule matches.
    Deny,
    /// Asks a provider of this name about what a rule matches.
    Custom(SmolStr),
    /// Nothing that bears on traffic: it is a dry run, or writes down only.
    Nothing,
}

/// What an AuthorizationPolicy is for, of its own namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationTarget {
    /// `Gateway`, `Service`, `ServiceEntry` or `GatewayClass`.
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
}

/// A rule: it matches where some source, some operation and all of what is asked besides do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthorizationRule {
    /// Its place: `/spec/rules/0`.
    pub pointer: SmolStr,
    /// Where from; empty for anywhere.
    pub from: Vec<MeshSource>,
    /// What is asked for; empty for anything.
    pub to: Vec<MeshOperation>,
    /// What is asked of the source besides (`when`).
    pub when: Vec<MeshSource>,
    /// The ports that `when` leaves.
    pub when_ports: PortSet,
    /// What else `when` asks, in words that follow "if".
    pub when_words: Vec<SmolStr>,
    /// Whether a part of it could not be read.
    pub is_faulty: bool,
}

/// Values of which one must hold, and values of which none may. Either list says nothing where it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<T> {
    /// One of these.
    pub any: Vec<T>,
    /// None of these.
    pub none: Vec<T>,
}

impl<T> Default for Wanted<T> {
    fn default() -> Self {
        Self { any: Vec::new(), none: Vec::new() }
    }
}

/// A source: all that it asks must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MeshSource {
    /// Its place: `/spec/rules/0/from/1/source`.
    pub pointer: SmolStr,
    /// Identities: `cluster.local/ns/shop/sa/web`, with a `*` at either end.
    pub principals: Wanted<SmolStr>,
    /// Namespaces, with a `*` at either end.
    pub namespaces: Wanted<SmolStr>,
    /// Service accounts: namespace and name.
    pub accounts: Wanted<(SmolStr, SmolStr)>,
    /// Addresses.
    pub blocks: Wanted<IpNet>,
    /// What is asked of the request, in words that follow "if".
    pub words: Vec<SmolStr>,
}

/// An operation: all that it asks must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshOperation {
    /// Its place: `/spec/rules/0/to/1/operation`.
    pub pointer: SmolStr,
    /// The TCP ports.
    pub ports: PortSet,
    /// What is asked of the request, in words that follow "if".
    pub words: Vec<SmolStr>,
}

/// A ServiceEntry (networking.istio.io/v1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceEntryRecord {
    /// Its hosts: names, or `*.` and a name; lower case.
    pub hosts: Vec<SmolStr>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// Its ports.
    pub ports: Vec<ServiceEntryPort>,
    /// Whether the proxy sends on to the address that the client asked for (`resolution: NONE`).
    pub is_passed_on: bool,
    /// What stands behind it.
    pub endpoints: Vec<ServiceEntryEndpoint>,
    /// The pods behind it, of its own namespace.
    pub workloads: Option<Selector>,
    /// Namespaces that see it, `.` for its own and `*` for all; empty for all.
    pub export_to: Vec<SmolStr>,
}

/// A port of a ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntryPort {
    /// Its name.
    pub name: SmolStr,
    /// The port that clients ask for.
    pub number: u16,
    /// The port of the endpoints.
    pub target: u16,
    /// Whether the proxy finds the host in what goes through: HTTP and TLS name it.
    pub names_host: bool,
}

/// An endpoint of a ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntryEndpoint {
    /// An address or a name.
    pub address: SmolStr,
    /// Its ports where they are others, by name.
    pub ports: Vec<(SmolStr, u16)>,
}

/// A Sidecar (networking.istio.io/v1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SidecarRecord {
    /// The pods that it is for; `None` for all of its namespace, or of all namespaces where it lies in the mesh's own.
    pub selector: Option<Selector>,
    /// What its pods see; `None` where it says nothing, and they see all.
    pub egress: Option<Vec<SidecarEgress>>,
    /// Whether its pods may go to known hosts only; `None` where it leaves that to the mesh.
    pub registry_only: Option<bool>,
}

/// What the pods of a Sidecar see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidecarEgress {
    /// Its place: `/spec/egress/0`.
    pub pointer: SmolStr,
    /// The one port that it is for, if any.
    pub port: Option<u16>,
    /// Namespace and host of each: `*` and `.` for namespaces, `*` and `*.` before a name for hosts; lower case.
    pub hosts: Vec<(SmolStr, SmolStr)>,
}
