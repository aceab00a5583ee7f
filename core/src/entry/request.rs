//! One request from outside: who answers it, or which status it gets and why.

use serde::Serialize;
use smol_str::SmolStr;

use crate::analysis::Hop;
use crate::inventory::PodId;
use crate::object::ObjectKey;
use crate::peer::Verdict;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// HTTP in clear text.
    #[default]
    Http,
    /// HTTP within TLS.
    Https,
    /// TLS with any protocol within.
    Tls,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A request from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Request {
    /// What the client speaks.
    pub scheme: Scheme,
    /// The host that it asks for, without a port: `Host` and, within TLS, the server name. Empty where it gives none.
    pub host: String,
    /// The port that it connects to; `None` for that of the scheme, 80 or 443.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The method, in capitals.
    pub method: String,
    /// The path, beginning with a slash, without the query.
    pub path: String,
    /// The query's parameters, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// Whom a request is put to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum At {
    /// Everything that takes requests.
    #[default]
    Any,
    /// The Ingresses of a class.
    IngressClass(SmolStr),
    /// A Gateway (of Gateway API or of Istio), and one of its listeners where one is named.
    Gateway {
        /// Its namespace.
        namespace: SmolStr,
        /// Its name.
        name: SmolStr,
        /// The listener; empty for the one that the request reaches.
        listener: SmolStr,
    },
}

/// Who answers a request at one front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Who takes it: `Gateway shop/public`, `Ingress class nginx`.
    pub at: String,
    /// What comes of it. `allowed`: a backend answers, or a rule does (a redirect).
    pub verdict: Verdict,
    /// What the client gets.
    pub outcome: Outcome,
    /// The rule that takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// What the backend sees, where it is not what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<Rewritten>,
    /// The hops, from outside to the pods of the first backend that gets requests.
    pub hops: Vec<Hop>,
    /// Rules that would take it and do not, best first: not attached, shadowed, denied by a listener.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<Hop>,
    /// The way in whose hops these are, where a rule takes the request: [`super::EntryPath::id`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_id: String,
}

/// The rule that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// The object.
    pub object: ObjectKey,
    /// Where in it.
    pub pointer: String,
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// One of these answers, by weight.
    Backends {
        /// Those that get a share.
        backends: Vec<Backend>,
    },
    /// It is sent elsewhere.
    Redirect {
        /// The status.
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// It is answered with a status, and no backend sees it.
    Status {
        /// The status: the first where controllers differ.
        status: u16,
        /// All that well-known controllers give, where the API leaves it to them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        or: Vec<u16>,
        /// The sentence.
        why: String,
    },
    /// There is no connection.
    NoConnection {
        /// The sentence.
        why: String,
    },
    /// It cannot be told.
    Unknown {
        /// The sentence.
        why: String,
    },
}

/// A backend that gets a share of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backend {
    /// The Service, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ObjectKey>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its share, in percent, rounded down.
    pub percent: u32,
    /// What comes of a request for it.
    pub verdict: Verdict,
    /// The status where it does not answer; `None` where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The sentence of the hop that decides.
    pub why: String,
    /// The pods, `namespace/name`.
    pub pods: Vec<String>,
    /// The same, by id.
    #[serde(skip)]
    pub pod_ids: Vec<PodId>,
}

/// What a backend sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rewritten {
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl Outcome {
    /// Why, where it is not a backend or a redirect that answers.
    pub fn sentence(&self) -> &str {
        match self {
            Self::Backends { .. } | Self::Redirect { .. } => "",
            Self::Status { why, .. } | Self::NoConnection { why } | Self::Unknown { why } => why,
        }
    }
}

impl Scheme {
    /// The port that is meant where none is given.
    pub const fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https | Self::Tls => Some(443),
            Self::Tcp | Self::Udp => None,
        }
    }

    /// The name, as it stands in a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Request {
    /// A GET of a URL: `https://shop.example/cart?x=1`; without a scheme, `http`. Also `tls://`, `tcp://` and `udp://`.
    ///
    /// # Errors
    /// A sentence on what cannot be read.
    pub fn of_url(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "tls" => Scheme::Tls,
            "tcp" => Scheme::Tcp,
            "udp" => Scheme::Udp,
            other => return Err(format!("unknown scheme {other:?} in {url:?}; known are http, https, tls, tcp, udp")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let authority: http::uri::Authority = authority.parse().map_err(|error| format!("{url:?} has no readable host: {error}"))?;
        if authority.as_str().ends_with(':') || authority.as_str().contains('@') {
            return Err(format!("{url:?} has no readable host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
            Some(text) => {
                let port = text.parse().ok().filter(|port| *port > 0);
                Some(port.ok_or_else(|| format!("{text:?} in {url:?} is not a port: ports run from 1 to 65535"))?)
            }
            None => None,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let mut request = Self { scheme, host: host_name(host), port, method: "GET".to_owned(), ..Self::default() };
        request.set_target(target);
        Ok(request)
    }

    /// Sets path and query from what stands behind the host of a URL.
    pub fn set_target(&mut self, target: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        self.query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    }

    /// The URL: `https://shop.example/cart?x=1`
    pub fn url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.filter(|port| Some(*port) != self.scheme.default_port()).map(|port| format!(":{port}")).unwrap_or_default();
        let path = if matches!(self.scheme, Scheme::Http | Scheme::Https) { self.path_and_query() } else { String::new() };
        format!("{}://{host}{port}{path}", self.scheme.name())
    }

    /// `/cart?x=1`
    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }

    /// The port that the client connects to; 0 where nothing says.
    pub(super) fn to_port(&self) -> u16 {
        self.port.or(self.scheme.default_port()).unwrap_or(0)
    }
}

/// A host as it is compared: in lower case, without the dot at its end.
fn host_name(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        for (url, scheme, host, port, target) in [
            ("https://Shop.Example/cart?x=1&y", Scheme::Https, "shop.example", None, "/cart?x=1&y="),
            ("shop.example", Scheme::Http, "shop.example", None, "/"),
            ("http://shop.example.:8080?q=a%20b#part", Scheme::Http, "shop.example", Some(8080), "/?q=a+b"),
            ("http://[2001:db8::1]:81/x", Scheme::Http, "2001:db8::1", Some(81), "/x"),
            ("tls://db.example:5432", Scheme::Tls, "db.example", Some(5432), "/"),
        ] {
            let request = Request::of_url(url).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((request.scheme, request.host.as_str(), request.port), (scheme, host, port), "{url}");
            assert_eq!(request.path_and_query(), target, "{url}");
            assert_eq!(Request::of_url(&request.url()).map(|again| again.host), Ok(request.host.clone()), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_told() {
        for url in ["", "http://", "ftp://x", "http://a:99999/", "http://a:0", "http://a:b", "http://user@a/", "http://a:/"] {
            assert!(Request::of_url(url).is_err(), "{url}");
        }
    }
}
