//! Istio's ways in (networking.istio.io): Gateway, VirtualService, and the subsets of DestinationRule.

use smol_str::SmolStr;

use super::{HeaderChange, PathChange, PathMatch, Redirect, TextMatch, ValueMatch};
use crate::labels::{LabelSet, Selector};

/// An Istio Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IstioGatewayRecord {
    /// The pods that serve it, in all namespaces or in its own, as the mesh is set up; `None` where it names none.
    pub selector: Option<Selector>,
    /// Its servers.
    pub servers: Vec<IstioServer>,
}

/// A server of an Istio Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IstioServer {
    /// The name of its port.
    pub name: SmolStr,
    /// Its port.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `GRPC`, `HTTP2`, `TLS`, `TCP`, `MONGO`, in capitals.
    pub protocol: SmolStr,
    /// Hosts with the namespaces whose VirtualServices may bind to them: `*`, `.` (its own) or a name; `*` where none is written.
    pub hosts: Vec<(SmolStr, SmolStr)>,
    /// Whether clear text is sent to https (`tls.httpsRedirect`).
    pub https_redirect: bool,
    /// `tls.mode`, in capitals (`PASSTHROUGH`, `SIMPLE`, `MUTUAL`, `AUTO_PASSTHROUGH`, `ISTIO_MUTUAL`); empty without TLS.
    pub tls_mode: SmolStr,
}

/// A VirtualService.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VirtualServiceRecord {
    /// The hosts that it is for, `*`, `*.` and a name, or a name.
    pub hosts: Vec<SmolStr>,
    /// Gateways, `namespace/name`, `name`, or `mesh`; empty for `mesh`.
    pub gateways: Vec<SmolStr>,
    /// To which namespaces it is exported; empty for all.
    pub export_to: Vec<SmolStr>,
    /// HTTP routes, the first that fits decides.
    pub http: Vec<IstioHttpRoute>,
    /// TLS routes, by name.
    pub tls: Vec<IstioStreamRoute>,
    /// TCP routes.
    pub tcp: Vec<IstioStreamRoute>,
    /// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
    pub created: SmolStr,
}

/// An HTTP route of a VirtualService.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IstioHttpRoute {
    /// What it takes, any one of these; empty for all.
    pub matches: Vec<IstioMatch>,
    /// It answers with another address. Its path replaces all of the path.
    pub redirect: Option<Redirect>,
    /// It answers with this status.
    pub direct_response: Option<u16>,
    /// Another VirtualService decides: namespace (empty for its own) and name.
    pub delegate: Option<(SmolStr, SmolStr)>,
    /// The host that it becomes; empty where it stays.
    pub rewrite_host: SmolStr,
    /// The path that it becomes.
    pub rewrite_path: Option<PathChange>,
    /// Changes of the request's headers.
    pub headers: HeaderChange,
    /// Whether some requests are answered with an error on purpose (`fault.abort`).
    pub aborts: bool,
    /// Where requests go.
    pub destinations: Vec<IstioDestination>,
}

/// What requests an HTTP route takes: all conditions of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IstioMatch {
    /// The path; `None` for all.
    pub path: Option<PathMatch>,
    /// Whether the case of the path does not matter.
    pub ignore_case: bool,
    /// The method; `None` for all.
    pub method: Option<TextMatch>,
    /// The host; `None` for all.
    pub authority: Option<TextMatch>,
    /// The scheme; `None` for all.
    pub scheme: Option<TextMatch>,
    /// Headers; names in lower case.
    pub headers: Vec<ValueMatch>,
    /// Query parameters.
    pub query: Vec<ValueMatch>,
    /// The gateway's port; `None` for all.
    pub port: Option<u16>,
    /// Gateways that it is for; empty for those of the VirtualService.
    pub gateways: Vec<SmolStr>,
    /// Whether it asks for the labels or namespace of a source in the mesh, which a client outside does not have.
    pub in_mesh: bool,
}

/// A TLS or TCP route of a VirtualService.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IstioStreamRoute {
    /// What it takes, any one of these; empty for all: names (empty for all), port, gateways (empty for those of the VirtualService).
    pub matches: Vec<(Vec<SmolStr>, Option<u16>, Vec<SmolStr>)>,
    /// Where connections go.
    pub destinations: Vec<IstioDestination>,
}

/// Where a route sends requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IstioDestination {
    /// The host: a Service by a short or whole name, or one of a ServiceEntry.
    pub host: SmolStr,
    /// The subset; empty for all.
    pub subset: SmolStr,
    /// The port; `None` where the Service has one only.
    pub port: Option<u16>,
    /// Its share; 1 where there is only one destination, 0 where the object gives none among several.
    pub weight: u32,
}

/// A DestinationRule, as far as it names subsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DestinationRuleRecord {
    /// The host that it is for.
    pub host: SmolStr,
    /// Subsets: name, and the labels that its pods bear.
    pub subsets: Vec<(SmolStr, LabelSet)>,
    /// To which namespaces it is exported; empty for all.
    pub export_to: Vec<SmolStr>,
}
