//! The one form into which every kind of way in compiles: who serves (front), where (listener), which requests (rule), and where
//! they go (target). What walks it knows no dialect.
//!
//! Invariants:
//! - The rules of a front lie in the order in which they take precedence; two that nothing orders have equal ranks.
//! - A rule that gets no request for a reason of configuration (not attached, no listener) has that as a denied hop of its own: it is
//!   listed with the others and never answers.

use smol_str::SmolStr;

use super::controller::Controller;
use super::matching::{Host, Match};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::ports::Protocol;
use crate::record::{HeaderChange, PathChange, Redirect, ServicePortRef};

/// Something that takes requests from outside by one set of rules: a class of Ingresses, a Gateway, a router.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    /// `gateway/shop/public`, `ingress-class/nginx`, `router/default`: stable and unique.
    pub(super) id: String,
    /// `Gateway shop/public`, `Ingress class nginx`
    pub(super) title: String,
    /// The object that it is, where it is one.
    pub(super) object: Option<ObjectKey>,
    /// What is said of it before any rule: its class, its controller. A denied one means that nobody serves it.
    pub(super) hops: Vec<Hop>,
    /// The pods that take the requests.
    pub(super) controller: Controller,
    /// How requests get to the controller from outside, by the port of the Service before it.
    pub(super) doors: Vec<Door>,
    /// Where it listens.
    pub(super) listeners: Vec<Listener>,
    /// Its rules, best first.
    pub(super) rules: Vec<Rule>,
    /// How hosts are matched before paths.
    pub(super) fallback: Fallback,
    /// The status for a request that no rule takes, 404 as a rule, and who says so.
    pub(super) unmatched: (u16, &'static str),
}

/// A port of the Service before a controller.
#[derive(Debug, Clone)]
pub(super) struct Door {
    /// The port.
    pub(super) port: u16,
    /// What lies between the outside and the controller's pods.
    pub(super) hops: Vec<Hop>,
    /// Where clients connect: [`super::EntryPath::reached_at`].
    pub(super) reached_at: Vec<String>,
}

/// Whether a request whose host has rules, none of which takes its path, may be taken by rules of a less specific host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// It is not.
    Never,
    /// It is: the best of all rules that fit decides.
    Always,
    /// Implementations differ.
    Unknown,
}

/// Where a front takes requests.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    /// Its name; unique within the front with the object.
    pub(super) name: SmolStr,
    /// Its port; 0 where it is not known, which fits every port.
    pub(super) port: u16,
    /// What it speaks.
    pub(super) speaks: Speaks,
    /// The hosts that it takes.
    pub(super) host: Host,
    /// The object that defines it.
    pub(super) object: Option<ObjectKey>,
    /// Where in the object.
    pub(super) pointer: String,
    /// What is said of it: conflicts, certificates. A denied one means that it takes nothing.
    pub(super) hops: Vec<Hop>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Speaks {
    /// HTTP in clear text.
    Http,
    /// HTTP within TLS.
    Https,
    /// HTTP and, on a port of its own, HTTP within TLS: what serves Ingresses takes both.
    Web,
    /// TLS that goes through to the backend; its host is the name that the client asks for.
    TlsPassthrough,
    /// TLS that ends at the front, with any protocol within.
    TlsTerminated,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Which requests go where.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// `ingress/shop/web/spec/rules/0/http/paths/0`: stable; unique with the listener and the host.
    pub(super) id: String,
    /// The object that holds it.
    pub(super) object: ObjectKey,
    /// Where in the object.
    pub(super) pointer: String,
    /// Its listener, as an index; `None` where it is attached to none (and a hop says why).
    pub(super) listener: Option<usize>,
    /// The hosts that it takes, already cut with those of the listener.
    pub(super) host: Host,
    /// Which of the host's requests.
    pub(super) matching: Match,
    /// What breaks ties between rules that fit equally well, smallest first: see [`Order`].
    pub(super) order: Order,
    /// What becomes of a request.
    pub(super) action: Action,
    /// What is said of it beside the front and the listener: attachment, conflicts, annotations.
    pub(super) hops: Vec<Hop>,
    /// What a request's host and path become, and its headers.
    pub(super) rewrite: Rewrite,
    /// Whether it is only for what no other rule takes (an Ingress' default backend).
    pub(super) is_default: bool,
    /// Whether a TLS block covers its host, where the listener takes both ([`Speaks::Web`]).
    pub(super) is_covered: bool,
}

/// What decides between rules whose hosts and matches are equally specific.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// The object's order, which counts before anything else about the match: Istio's routes (index of the object, of the rule).
    Listed(usize, usize),
    /// Age, then name, then the place in the object (Gateway API; most controllers of Ingresses).
    Age {
        /// RFC 3339; empty sorts first.
        created: SmolStr,
        /// `namespace/name`
        path: String,
        /// The rule in the object.
        index: (usize, usize),
    },
    /// Nothing that an API defines, though a controller may (Ingresses of one class): age, name, place.
    Undefined {
        /// RFC 3339; empty sorts first.
        created: SmolStr,
        /// `namespace/name`
        path: String,
        /// The rule in the object.
        index: (usize, usize),
        /// Whether the controller documents that the oldest object wins.
        oldest_wins: bool,
    },
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// It goes to one of these, by weight.
    Forward(Vec<Target>),
    /// It is answered with another address.
    Redirect(Redirect),
    /// It is answered with this status, as the rule itself says.
    Answer(u16),
    /// It cannot be told: why, and where in the object.
    Unknown {
        /// The sentence.
        sentence: String,
        /// The field.
        pointer: String,
    },
}

/// What a request becomes on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rewrite {
    /// The host; empty where it stays.
    pub(super) hostname: SmolStr,
    /// The path.
    pub(super) path: Option<PathChange>,
    /// The headers.
    pub(super) headers: Vec<HeaderChange>,
}

/// One backend of a rule.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its share; those of 0 get nothing.
    pub(super) weight: u32,
    /// Where in the rule's object.
    pub(super) pointer: String,
    /// What it is.
    pub(super) to: Destination,
    /// What becomes of requests for it beside what the rule does.
    pub(super) rewrite: Rewrite,
    /// A redirect that the backend itself asks for.
    pub(super) redirect: Option<Redirect>,
    /// What is said of it before its Service: a grant, a subset, TLS to it.
    pub(super) hops: Vec<Hop>,
}

/// What a target is.
#[derive(Debug, Clone)]
pub(super) enum Destination {
    /// A port of a Service.
    Service {
        /// The Service.
        key: ObjectKey,
        /// The port.
        port: PortRef,
        /// Labels that pods must bear beside the Service's (an Istio subset).
        subset: Option<crate::labels::LabelSet>,
    },
    /// It cannot be used: the request is answered with `status`.
    Broken {
        /// `reference`, `service`, `rule`
        kind: &'static str,
        /// The object to mend; the rule's own where `None`.
        object: Option<ObjectKey>,
        /// The status that the API, or where it is silent the usual controller, gives.
        status: u16,
        /// The sentence.
        sentence: String,
    },
    /// Something that only the controller understands, or outside the cluster: the verdict is `depends`.
    Other {
        /// `resource`, `external-name`
        kind: &'static str,
        /// The sentence.
        sentence: String,
    },
}

/// A port of a Service, as a dialect names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PortRef {
    /// By the Service's port, number or name.
    Service(ServicePortRef),
    /// By the endpoints' port (OpenShift), number or name; `Missing` for the first.
    Endpoint(ServicePortRef),
    /// The only one that it has (Istio).
    Only,
}

impl Front {
    /// The listener of one of its rules; `None` where the rule is attached to none.
    pub(super) fn listener_of(&self, rule: &Rule) -> Option<&Listener> {
        rule.listener.and_then(|index| self.listeners.get(index))
    }

    /// Whether it is a Gateway of Gateway API.
    pub(super) fn is_gateway(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.kind == Kind::Gateway)
    }
}

impl Speaks {
    /// Whether requests have a method, a path and headers.
    pub(super) const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Web)
    }

    /// Whether the client speaks TLS to it, and nothing else.
    pub(super) const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::TlsPassthrough | Self::TlsTerminated)
    }

    /// The protocol beneath.
    pub(super) const fn protocol(self) -> Protocol {
        if matches!(self, Self::Udp) { Protocol::Udp } else { Protocol::Tcp }
    }

    /// What a person calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Web => "HTTP and HTTPS",
            Self::TlsPassthrough | Self::TlsTerminated => "TLS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

/// Whether a hop says that it ends here.
pub(super) fn is_broken(hops: &[Hop]) -> bool {
    hops.iter().any(|hop| hop.verdict == Verdict::Denied)
}

/// What comes of all hops together: the worst of them.
pub(super) fn worst(hops: &[Hop]) -> Verdict {
    hops.iter().map(|hop| hop.verdict).max().unwrap_or(Verdict::Allowed)
}
