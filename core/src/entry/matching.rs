//! Whether a host and a request fit: the rules by which every dialect compares, each with its source.

use std::cmp::Reverse;
use std::fmt;

use regex::Regex;
use smol_str::{SmolStr, ToSmolStr};

use crate::record::{PathMatch, TextMatch, ValueMatch};

/// The hosts that a rule or a listener takes. Names are in lower case, without port and trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub(super) enum Host {
    /// All.
    #[default]
    Any,
    /// This one.
    Exact(SmolStr),
    /// Names that end in this, which begins with a dot.
    Beneath {
        /// `.shop.example`
        suffix: SmolStr,
        /// Whether exactly one label stands before it (Ingress, certificates, OpenShift) or one and more (Gateway API, Istio).
        one_label: bool,
    },
}

impl Host {
    /// A host as objects write it: empty or `*` for all, `*.shop.example`, or a name.
    pub(super) fn parse(text: &str, one_label: bool) -> Self {
        let text = text.trim_end_matches('.');
        match text.strip_prefix('*') {
            _ if text.is_empty() => Self::Any,
            Some("") => Self::Any,
            Some(suffix) => Self::Beneath { suffix: suffix.to_lowercase().into(), one_label },
            None => Self::Exact(text.to_lowercase().into()),
        }
    }

    /// Whether a request for `host`, in lower case, is for it (networking/v1 IngressRule.host; Gateway API `Hostname`).
    pub(super) fn takes(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => name == host,
            Self::Beneath { suffix, one_label } => {
                host.strip_suffix(suffix.as_str()).is_some_and(|label| !label.is_empty() && (!one_label || !label.contains('.')))
            }
        }
    }

    /// Whether it takes all that `other` takes.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Exact(name)) => self.takes(name),
            (Self::Beneath { suffix, one_label: false }, Self::Beneath { suffix: theirs, .. }) => theirs.ends_with(suffix.as_str()),
            (mine, theirs) => mine == theirs,
        }
    }

    /// How narrow it is: a name before a wildcard, a longer one before a shorter one, all last.
    pub(super) fn specificity(&self) -> (u8, usize) {
        match self {
            Self::Any => (0, 0),
            Self::Beneath { suffix, .. } => (1, suffix.len()),
            Self::Exact(name) => (2, name.len()),
        }
    }

    /// The name, where it is one and not a pattern.
    pub(super) fn as_text(&self) -> SmolStr {
        match self {
            Self::Any => SmolStr::default(),
            other => other.to_smolstr(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name),
            Self::Beneath { suffix, .. } => write!(f, "*{suffix}"),
        }
    }
}

/// Whether a request fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// It does not.
    No,
    /// Implementations differ, or it cannot be told: why.
    Maybe(String),
    /// It does.
    Yes,
}

impl Fit {
    fn of(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }

    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Maybe(why) => match other() {
                Self::No => Self::No,
                _ => Self::Maybe(why),
            },
        }
    }

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
            maybe => maybe,
        }
    }
}

/// Which of a host's requests a rule takes: all conditions of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub(super) struct Match {
    /// The path.
    pub(super) path: Path,
    /// The method; `None` for all.
    pub(super) method: Option<TextMatch>,
    /// The `Host` header as a text, beside the rule's host (Istio `authority`).
    pub(super) authority: Option<TextMatch>,
    /// The scheme; `None` for both.
    pub(super) scheme: Option<TextMatch>,
    /// Headers; names in lower case.
    pub(super) headers: Vec<ValueMatch>,
    /// Query parameters.
    pub(super) query: Vec<ValueMatch>,
}

/// How a rule compares paths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub(super) enum Path {
    /// All paths.
    #[default]
    Any,
    /// As the API says.
    Is(PathMatch),
    /// As the API says, whatever the case (Istio `ignoreUriCase`).
    IgnoringCase(PathMatch),
    /// As the controller likes (`ImplementationSpecific`).
    AsController(SmolStr),
}

/// What is asked of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) https: bool,
    pub(super) path: &'a str,
    pub(super) query: &'a [(String, String)],
    pub(super) method: &'a str,
    pub(super) headers: &'a [(String, String)],
}

/// What decides between matches that take the same request, smallest first.
pub(super) type Rank = (u8, Reverse<usize>, u8, Reverse<bool>, Reverse<usize>, Reverse<usize>);

impl Match {
    /// Whether a request fits all conditions.
    pub(super) fn fit(&self, asked: &Asked<'_>) -> Fit {
        let text = |pattern: &Option<TextMatch>, value: &str| pattern.as_ref().map_or(Fit::Yes, |pattern| fit_text(pattern, Some(value)));
        let mut fit = self.path.fit(asked.path);
        fit = fit.and(|| text(&self.method, asked.method));
        fit = fit.and(|| text(&self.authority, asked.host));
        fit = fit.and(|| text(&self.scheme, if asked.https { "https" } else { "http" }));
        for header in &self.headers {
            fit = fit.and(|| {
                let mut values = asked.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&header.name)).map(|(_, value)| value);
                match (values.next(), values.next()) {
                    (Some(first), Some(_)) => {
                        // RFC 9110, section 5.3: fields of one name are one list; which of it is compared is not said anywhere.
                        let all = asked.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&header.name));
                        let fits: Vec<Fit> = all.map(|(_, value)| fit_text(&header.value, Some(value))).collect();
                        let same = fits.iter().all(|fit| *fit == fit_text(&header.value, Some(first)));
                        if same {
                            fit_text(&header.value, Some(first))
                        } else {
                            Fit::Maybe(format!("the request bears header {} more than once", header.name))
                        }
                    }
                    (value, _) => fit_text(&header.value, value.map(String::as_str)),
                }
            });
        }
        for parameter in &self.query {
            fit = fit.and(|| {
                let value = asked.query.iter().find(|(name, _)| *name == parameter.name.as_str()).map(|(_, value)| value.as_str());
                fit_text(&parameter.value, value)
            });
        }
        fit
    }

    /// How it stands among matches that take the same request: an exact path, else the longest; then a method, the most headers, the
    /// most parameters (Gateway API HTTPRouteRule; KEP-1453 for the paths of Ingresses).
    pub(super) fn rank(&self) -> Rank {
        let (class, length, form) = self.path.rank();
        (class, Reverse(length), form, Reverse(self.method.is_some()), Reverse(self.headers.len()), Reverse(self.query.len()))
    }

    /// Whether its place among others is the implementation's business.
    pub(super) fn is_loose(&self) -> bool {
        matches!(self.path, Path::AsController(_) | Path::Is(PathMatch::Expression(_)) | Path::IgnoringCase(PathMatch::Expression(_)))
    }

    /// Whether every request that `other` takes fits it too, as far as can be told.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_within = |mine: &[ValueMatch], theirs: &[ValueMatch]| mine.iter().all(|condition| theirs.contains(condition));
        let is_same = |mine: &Option<TextMatch>, theirs: &Option<TextMatch>| mine.is_none() || mine == theirs;
        self.path.covers(&other.path)
            && is_same(&self.method, &other.method)
            && is_same(&self.authority, &other.authority)
            && is_same(&self.scheme, &other.scheme)
            && is_within(&self.headers, &other.headers)
            && is_within(&self.query, &other.query)
    }

    /// The conditions beside the path, for a title: `POST, header version: two`; empty where there are none.
    pub(super) fn conditions(&self) -> String {
        let mut texts = Vec::new();
        texts.extend(self.method.as_ref().map(text_of));
        texts.extend(self.authority.as_ref().map(|host| format!("authority {}", text_of(host))));
        texts.extend(self.scheme.as_ref().map(text_of));
        texts.extend(self.headers.iter().map(|header| format!("header {}", value_of(header))));
        texts.extend(self.query.iter().map(|parameter| format!("query {}", value_of(parameter))));
        texts.join(", ")
    }
}

fn value_of(condition: &ValueMatch) -> String {
    match &condition.value {
        TextMatch::Present => condition.name.to_string(),
        TextMatch::Not(inner) if **inner == TextMatch::Present => format!("no {}", condition.name),
        value => format!("{}: {}", condition.name, text_of(value)),
    }
}

fn text_of(pattern: &TextMatch) -> String {
    match pattern {
        TextMatch::Exact(text) => text.to_string(),
        TextMatch::Prefix(text) => format!("{text}*"),
        TextMatch::Expression(text) => format!("~{text}"),
        TextMatch::Present => "any".to_owned(),
        TextMatch::Not(inner) => format!("not {}", text_of(inner)),
    }
}

impl Path {
    fn fit(&self, path: &str) -> Fit {
        match self {
            Self::Any => Fit::Yes,
            Self::Is(pattern) => fit_path(pattern, path),
            Self::IgnoringCase(PathMatch::Expression(expression)) => fit_expression(&format!("(?i){expression}"), path),
            Self::IgnoringCase(pattern) => {
                let lower = |text: &SmolStr| text.to_lowercase().to_smolstr();
                let pattern = match pattern {
                    PathMatch::Exact(text) => PathMatch::Exact(lower(text)),
                    PathMatch::Prefix(text) => PathMatch::Prefix(lower(text)),
                    PathMatch::TextPrefix(text) | PathMatch::Expression(text) => PathMatch::TextPrefix(lower(text)),
                };
                fit_path(&pattern, &path.to_lowercase())
            }
            Self::AsController(pattern) => fit_as_controller(pattern, path),
        }
    }

    /// Class, length, and what breaks a tie of length.
    fn rank(&self) -> (u8, usize, u8) {
        match self {
            Self::Is(PathMatch::Exact(text)) | Self::IgnoringCase(PathMatch::Exact(text)) => (0, text.len(), 0),
            Self::Is(PathMatch::Expression(text)) | Self::IgnoringCase(PathMatch::Expression(text)) => (1, text.len(), 0),
            Self::Is(PathMatch::Prefix(text)) | Self::IgnoringCase(PathMatch::Prefix(text)) => (2, text.trim_end_matches('/').len(), 0),
            Self::Is(PathMatch::TextPrefix(text)) | Self::IgnoringCase(PathMatch::TextPrefix(text)) => {
                (2, text.trim_end_matches('/').len(), 1)
            }
            Self::AsController(text) => (2, text.trim_end_matches(['*', '/']).len(), 2),
            Self::Any => (2, 0, 3),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let is_beneath = |prefix: &str, text: &str| {
            let prefix = prefix.trim_end_matches('/');
            text.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Is(PathMatch::Prefix(prefix) | PathMatch::TextPrefix(prefix)), _) if prefix == "/" => true,
            (Self::Is(PathMatch::Prefix(prefix)), Self::Is(PathMatch::Exact(text) | PathMatch::Prefix(text))) => is_beneath(prefix, text),
            (Self::Is(PathMatch::TextPrefix(prefix)), Self::Is(PathMatch::Exact(text) | PathMatch::TextPrefix(text))) => {
                text.starts_with(prefix.as_str())
            }
            _ => false,
        }
    }

    /// The path as it is written; `/` for all.
    pub(super) fn text(&self) -> SmolStr {
        let text = match self {
            Self::Any => return SmolStr::new_static("/"),
            Self::Is(pattern) | Self::IgnoringCase(pattern) => match pattern {
                PathMatch::Exact(text) | PathMatch::Prefix(text) | PathMatch::TextPrefix(text) | PathMatch::Expression(text) => text,
            },
            Self::AsController(text) => text,
        };
        if text.is_empty() { SmolStr::new_static("/") } else { text.clone() }
    }

    /// The path with a star where more may follow.
    pub(super) fn pattern(&self) -> String {
        let text = self.text();
        match self {
            Self::Is(PathMatch::Exact(_)) | Self::IgnoringCase(PathMatch::Exact(_)) => text.to_string(),
            Self::Is(PathMatch::Expression(_)) | Self::IgnoringCase(PathMatch::Expression(_)) => format!("~{text}"),
            _ if text == "/" || text.ends_with('*') => text.to_string(),
            _ => format!("{text}*"),
        }
    }

    /// How it is compared, in the API's words.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Any => "all paths",
            Self::Is(pattern) | Self::IgnoringCase(pattern) => match pattern {
                PathMatch::Exact(_) => "Exact",
                PathMatch::Prefix(_) | PathMatch::TextPrefix(_) => "Prefix",
                PathMatch::Expression(_) => "RegularExpression",
            },
            Self::AsController(_) => "ImplementationSpecific",
        }
    }
}

/// Exact is to the letter; Prefix is element by element and takes no notice of a slash at the end (KEP-1453; Gateway API
/// PathMatchPathPrefix).
fn fit_path(pattern: &PathMatch, path: &str) -> Fit {
    match pattern {
        PathMatch::Exact(text) => Fit::of(text == path),
        PathMatch::Prefix(prefix) => {
            let prefix = prefix.trim_end_matches('/');
            Fit::of(path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        }
        PathMatch::TextPrefix(prefix) => Fit::of(path.starts_with(prefix.as_str())),
        PathMatch::Expression(expression) => fit_expression(expression, path),
    }
}

/// Implementations differ in syntax and in whether the whole text must fit. What fits as a whole fits for all of them; what does not
/// fit in part fits for none.
fn fit_expression(expression: &str, text: &str) -> Fit {
    let whole = Regex::new(&format!("^(?:{expression})$"));
    let part = Regex::new(expression);
    match (whole, part) {
        (Ok(whole), Ok(part)) => {
            if whole.is_match(text) {
                Fit::Yes
            } else if part.is_match(text) {
                Fit::Maybe(format!(
                    "the expression {expression} fits a part of {text}, and implementations differ in whether that is enough"
                ))
            } else {
                Fit::No
            }
        }
        _ => Fit::Maybe(format!("the expression {expression} is in a syntax of its implementation")),
    }
}

/// What no API defines: certain where every reading agrees.
fn fit_as_controller(pattern: &str, path: &str) -> Fit {
    let plain = pattern.trim_end_matches('*');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~' | '%');
    let why = || format!("path {pattern} is of type ImplementationSpecific, which controllers read in their own ways");
    if pattern == path && pattern.chars().all(is_plain) {
        Fit::Yes
    } else if !plain.chars().all(is_plain) || path.starts_with(plain.trim_end_matches('/')) {
        Fit::Maybe(why())
    } else {
        Fit::No
    }
}

fn fit_text(pattern: &TextMatch, value: Option<&str>) -> Fit {
    match (pattern, value) {
        (TextMatch::Not(inner), value) => fit_text(inner, value).not(),
        (_, None) => Fit::No,
        (TextMatch::Present, Some(_)) => Fit::Yes,
        (TextMatch::Exact(text), Some(value)) => Fit::of(text == value),
        (TextMatch::Prefix(prefix), Some(value)) => Fit::of(value.starts_with(prefix.as_str())),
        (TextMatch::Expression(expression), Some(value)) => fit_expression(expression, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(path: Path, asked: &str) -> Fit {
        path.fit(asked)
    }

    #[test]
    fn hosts() {
        let one = Host::parse("*.foo.com", true);
        let many = Host::parse("*.Foo.com", false);
        for (host, by_one, by_many) in
            [("bar.foo.com", true, true), ("a.bar.foo.com", false, true), ("foo.com", false, false), ("barfoo.com", false, false)]
        {
            assert_eq!(one.takes(host), by_one, "{host}");
            assert_eq!(many.takes(host), by_many, "{host}");
        }
        assert!(Host::parse("Shop.Example.", true).takes("shop.example"));
        assert!(Host::parse("*", true).takes("anything"));
        assert!(many.covers(&Host::parse("*.bar.foo.com", true)) && many.covers(&one) && many.covers(&Host::parse("a.foo.com", true)));
        assert!(!one.covers(&Host::parse("*.bar.foo.com", true)) && !one.covers(&many) && !many.covers(&Host::Any));
        let specificity = ["a.b", "*.longer.example", "*.b", ""].map(|text| Host::parse(text, true).specificity());
        assert!(specificity.is_sorted_by(|a, b| a > b), "{specificity:?}");
    }

    #[test]
    fn prefixes_go_by_elements() {
        for (prefix, path, expected) in [
            ("/foo", "/foo", true),
            ("/foo", "/foo/", true),
            ("/foo/", "/foo", true),
            ("/foo", "/foobar", false),
            ("/", "/anything", true),
            ("/aaa/bb", "/aaa/bbb", false),
        ] {
            assert_eq!(fit(Path::Is(PathMatch::Prefix(prefix.into())), path) == Fit::Yes, expected, "{prefix} {path}");
        }
        assert_eq!(fit(Path::Is(PathMatch::Exact("/foo".into())), "/foo/"), Fit::No);
        assert_eq!(fit(Path::Is(PathMatch::TextPrefix("/foo".into())), "/foobar"), Fit::Yes);
        assert_eq!(fit(Path::IgnoringCase(PathMatch::TextPrefix("/Foo".into())), "/fOO/x"), Fit::Yes);
    }

    #[test]
    fn what_implementations_read_differently_is_not_certain() {
        let own = |pattern: &str, path: &str| fit(Path::AsController(pattern.into()), path);
        assert_eq!(own("/foo", "/foo"), Fit::Yes);
        assert_eq!(own("/foo", "/bar"), Fit::No);
        assert!(matches!(own("/foo", "/foo/bar"), Fit::Maybe(_)));
        assert!(matches!(own("/foo(/|$)(.*)", "/bar"), Fit::Maybe(_)));
        let expression = |text: &str, path: &str| fit(Path::Is(PathMatch::Expression(text.into())), path);
        assert_eq!(expression("/v[0-9]+/.*", "/v1/x"), Fit::Yes);
        assert_eq!(expression("/v[0-9]+", "/w"), Fit::No);
        assert!(matches!(expression("/v[0-9]+", "/v1/x"), Fit::Maybe(_)));
        assert!(matches!(expression("/(?=x)", "/x"), Fit::Maybe(_)), "a syntax that not all have");
    }

    #[test]
    fn headers_and_parameters() {
        let header = |value| Match { headers: vec![ValueMatch { name: "version".into(), value }], ..Match::default() };
        let ask = |matching: &Match, headers: &[(&str, &str)]| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let asked = Asked { host: "h", https: false, path: "/", query: &[], method: "GET", headers: &headers };
            matching.fit(&asked)
        };
        let exact = header(TextMatch::Exact("one".into()));
        assert_eq!(ask(&exact, &[("Version", "one")]), Fit::Yes);
        assert_eq!(ask(&exact, &[("Version", "two")]), Fit::No);
        assert_eq!(ask(&exact, &[]), Fit::No);
        assert!(matches!(ask(&exact, &[("version", "two"), ("version", "one")]), Fit::Maybe(_)));
        let without = header(TextMatch::Not(Box::new(TextMatch::Exact("one".into()))));
        assert_eq!(ask(&without, &[]), Fit::Yes);
        assert_eq!(ask(&without, &[("version", "one")]), Fit::No);
    }
}
