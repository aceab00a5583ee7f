//! The ends of a connection, as answers name them.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use smol_str::SmolStr;

use crate::address::AddressRange;

/// An end of a connection. Serialised as section 13 of the design has it: `{"kind":"workload","namespace":..,"name":..,"workload":..}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Peer {
    /// All pods of a workload.
    Workload {
        /// Its namespace.
        namespace: SmolStr,
        /// Its name.
        name: SmolStr,
        /// Its kind: `Deployment`.
        workload: SmolStr,
    },
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: SmolStr,
        /// Its name.
        name: SmolStr,
    },
    /// Addresses outside, both ends included.
    Range {
        /// The first.
        first: IpAddr,
        /// The last.
        last: IpAddr,
    },
    /// A domain.
    Domain {
        /// Its name or pattern.
        pattern: SmolStr,
    },
    /// Something with a name: `outside`.
    Entity {
        /// The name.
        name: SmolStr,
    },
}

impl Peer {
    /// A range of addresses.
    pub fn range(range: &AddressRange) -> Self {
        Self::Range { first: range.first_address(), last: range.last_address() }
    }

    /// The range, where the peer is one.
    pub fn as_range(&self) -> Option<AddressRange> {
        match self {
            Self::Range { first, last } => {
                let family = crate::address::Family::of(*first);
                Some(AddressRange { family, first: crate::address::number(*first), last: crate::address::number(*last) })
            }
            _ => None,
        }
    }

    /// The namespace, where it has one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload { namespace, .. } | Self::Pod { namespace, .. } => Some(namespace),
            _ => None,
        }
    }
}

impl fmt::Display for Peer {
    /// `shop/cart[Deployment]`, `shop/cart-0[Pod]`, `10.0.0.0/8`, `*.example.com`, `outside`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload { namespace, name, workload } => write!(f, "{namespace}/{name}[{workload}]"),
            Self::Pod { namespace, name } => write!(f, "{namespace}/{name}[Pod]"),
            Self::Range { .. } => match self.as_range() {
                Some(range) => write!(f, "{range}"),
                None => Ok(()),
            },
            Self::Domain { pattern } => f.write_str(pattern),
            Self::Entity { name } => f.write_str(name),
        }
    }
}

/// What comes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It gets through.
    Allowed,
    /// It hangs on something that nobody settled.
    Depends,
    /// It does not get through.
    Denied,
}

impl Verdict {
    /// Both must let it through.
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Depends => "depends",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
