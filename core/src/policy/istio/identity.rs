//! Who a source is: `cluster.local/ns/NAMESPACE/sa/ACCOUNT`, and the patterns that policies hold it against.
//!
//! A pattern has a `*` at its end (what begins so) or at its begin (what ends so); `*` alone stands for everybody who has an identity.

use smol_str::SmolStr;

use crate::labels::{Likeness, Operator, Requirement, Selector};
use crate::record::ACCOUNT_KEY;

/// The trust domain of a mesh that nobody has given another.
const TRUST_DOMAIN: &str = "cluster.local";

/// What a pattern asks of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The names of the namespaces.
    pub(super) namespaces: Selector,
    /// The pods, by their service account.
    pub(super) pods: Selector,
    /// What must hold besides, in words that follow "if".
    pub(super) condition: Option<String>,
}

/// What is asked of a part of an identity.
enum Part<'a> {
    Any,
    Exactly(&'a str),
    Like(Likeness, &'a str),
}

impl Part<'_> {
    fn selector(&self, key: &str) -> Selector {
        let operator = match self {
            Self::Any | Self::Like(_, "") => return Selector::default(),
            Self::Exactly(value) => Operator::In(vec![SmolStr::from(*value)]),
            Self::Like(likeness, text) => Operator::Like(*likeness, SmolStr::from(*text)),
        };
        Selector::new(vec![Requirement { key: key.into(), operator }])
    }
}

fn identity(namespace: &Part<'_>, account: &Part<'_>) -> Identity {
    Identity { namespaces: namespace.selector(crate::intake_name_label()), pods: account.selector(ACCOUNT_KEY), condition: None }
}

fn nobody() -> Identity {
    Identity { namespaces: Selector::default(), pods: Selector::nothing(), condition: None }
}

/// Namespace and account.
pub(super) fn of_account(namespace: &str, account: &str) -> Identity {
    identity(&Part::Exactly(namespace), &Part::Exactly(account))
}

/// A pattern of namespaces.
pub(super) fn of_namespace(pattern: &str) -> Identity {
    let namespace = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => Part::Any,
        (Some(rest), None) if !rest.contains('*') => Part::Like(Likeness::EndsWith, rest),
        (None, Some(rest)) if !rest.contains('*') => Part::Like(Likeness::StartsWith, rest),
        (None, None) if !pattern.contains('*') => Part::Exactly(pattern),
        _ => {
            // Sidecars take such a pattern for a regular expression, ztunnel takes it by letters.
            let condition = Some(format!("the proxy holds {pattern:?} for a pattern of the source's namespace"));
            return Identity { condition, ..identity(&Part::Any, &Part::Any) };
        }
    };
    identity(&namespace, &Part::Any)
}

/// A pattern of principals.
pub(super) fn of_principal(pattern: &str) -> Identity {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => identity(&Part::Any, &Part::Any),
        (Some(end), None) => ending(end),
        (None, Some(begin)) => beginning(begin),
        (None, None) => {
            let Some((domain, rest)) = pattern.split_once("/ns/") else { return nobody() };
            let Some((namespace, account)) = rest.split_once("/sa/") else { return nobody() };
            in_domain(domain, false, of_account(namespace, account))
        }
        (Some(_), Some(_)) => {
            Identity { condition: Some(format!("the principal of the source is {pattern}")), ..identity(&Part::Any, &Part::Any) }
        }
    }
}

/// An identity in a trust domain, which may be another than is taken for the mesh's own.
fn in_domain(domain: &str, is_begin: bool, identity: Identity) -> Identity {
    if domain == TRUST_DOMAIN || (is_begin && TRUST_DOMAIN.starts_with(domain)) {
        return identity;
    }
    let verb = if is_begin { "begins with" } else { "is" };
    Identity { condition: Some(format!("the trust domain of the source {verb} {domain}")), ..identity }
}

/// Identities that begin so.
fn beginning(begin: &str) -> Identity {
    let Some((domain, rest)) = begin.split_once("/ns/") else {
        let domain = begin.split_once('/').filter(|(_, rest)| "ns".starts_with(rest)).map(|(domain, _)| domain);
        return match domain {
            Some(domain) => in_domain(domain, false, identity(&Part::Any, &Part::Any)),
            None if begin.contains('/') => nobody(),
            None => in_domain(begin, true, identity(&Part::Any, &Part::Any)),
        };
    };
    let found = match rest.split_once('/') {
        None => identity(&Part::Like(Likeness::StartsWith, rest), &Part::Any),
        Some((namespace, rest)) => match rest.strip_prefix("sa/") {
            Some(account) => identity(&Part::Exactly(namespace), &Part::Like(Likeness::StartsWith, account)),
            None if "sa".starts_with(rest) => identity(&Part::Exactly(namespace), &Part::Any),
            None => nobody(),
        },
    };
    in_domain(domain, false, found)
}

/// Identities that end so.
fn ending(end: &str) -> Identity {
    let Some((before, account)) = end.rsplit_once('/') else {
        return identity(&Part::Any, &Part::Like(Likeness::EndsWith, end));
    };
    let account = Part::Exactly(account);
    let Some(before) = before.strip_suffix("/sa") else {
        return if "sa".ends_with(before) { identity(&Part::Any, &account) } else { nobody() };
    };
    let Some((before, namespace)) = before.rsplit_once('/') else {
        return identity(&Part::Like(Likeness::EndsWith, before), &account);
    };
    let found = identity(&Part::Exactly(namespace), &account);
    match before.strip_suffix("/ns") {
        Some(domain) if TRUST_DOMAIN.ends_with(domain) => found,
        Some(domain) => Identity { condition: Some(format!("the trust domain of the source ends with {domain}")), ..found },
        None if "ns".ends_with(before) => found,
        None => nobody(),
    }
}
