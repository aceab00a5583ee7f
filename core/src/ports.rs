//! Protocols, and sets of ports.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::intervals::Intervals;

/// A transport protocol that NetworkPolicy knows (core/v1 `Protocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, the default everywhere.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All protocols, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// `TCP`, `UDP` or `SCTP`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// The protocol of this name, in capitals as the API writes it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    const fn base(self) -> u32 {
        (self as u32) << 16
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of (protocol, port) points; ports run from 1 to 65535. Equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct PortSet {
    // A point is the protocol's number times 65536 plus the port. Port 0 is never held, so spans of two protocols never touch.
    points: Intervals<u32>,
}

impl PortSet {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every port of every protocol.
    pub fn all() -> Self {
        Self { points: Intervals::from_spans(Protocol::ALL.map(|protocol| (protocol.base() + 1, protocol.base() + 0xFFFF))) }
    }

    /// Every port of one protocol.
    pub fn all_of(protocol: Protocol) -> Self {
        Self::range(protocol, 1, u16::MAX)
    }

    /// The ports from `first` to `last`, both included.
    pub fn range(protocol: Protocol, first: u16, last: u16) -> Self {
        Self { points: Intervals::span(protocol.base() + u32::from(first.max(1)), protocol.base() + u32::from(last)) }
    }

    /// One port.
    pub fn one(protocol: Protocol, port: u16) -> Self {
        Self::range(protocol, port, port)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Whether it holds everything.
    pub fn is_all(&self) -> bool {
        self.points.spans().len() == 3 && *self == Self::all()
    }

    /// Whether it holds this port.
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.points.contains(protocol.base() + u32::from(port))
    }

    /// Whether it holds every port of `other`.
    pub fn contains_all(&self, other: &Self) -> bool {
        self.points.contains_all(&other.points)
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self { points: self.points.union(&other.points) }
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        Self { points: self.points.intersection(&other.points) }
    }

    /// What is in `self` and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        Self { points: self.points.difference(&other.points) }
    }

    /// The intervals of one protocol, as (first, last).
    pub fn spans_of(&self, protocol: Protocol) -> Vec<(u16, u16)> {
        let base = protocol.base();
        let port = |point: u32| u16::try_from(point - base).ok();
        self.points
            .spans()
            .iter()
            .filter(|(first, _)| first >> 16 == base >> 16)
            .filter_map(|(first, last)| Some((port(*first)?, port(*last)?)))
            .collect()
    }
}

impl fmt::Display for PortSet {
    /// `any port`, `any TCP port`, `80/TCP, 8000-9000/TCP, 53/UDP`, or `no port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("any port");
        }
        if self.is_empty() {
            return f.write_str("no port");
        }
        let mut parts = Vec::new();
        for protocol in Protocol::ALL {
            for (first, last) in self.spans_of(protocol) {
                parts.push(match (first, last) {
                    (1, u16::MAX) => format!("any {protocol} port"),
                    (first, last) if first == last => format!("{first}/{protocol}"),
                    (first, last) => format!("{first}-{last}/{protocol}"),
                });
            }
        }
        f.write_str(&parts.join(", "))
    }
}

impl Serialize for PortSet {
    /// `{"TCP":[[80,80],[8000,9000]],"UDP":[[1,65535]]}`; protocols without a port are left out.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for protocol in Protocol::ALL {
            let spans = self.spans_of(protocol);
            if !spans.is_empty() {
                map.serialize_entry(protocol.name(), &spans)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_do_not_run_into_each_other() {
        let set = PortSet::all_of(Protocol::Tcp).union(&PortSet::one(Protocol::Udp, 1));
        assert_eq!(set.to_string(), "any TCP port, 1/UDP");
        assert!(!set.contains(Protocol::Udp, 2));
        assert!(!set.is_all());
        assert!(PortSet::all().is_all());
        assert_eq!(PortSet::all().difference(&PortSet::all_of(Protocol::Sctp)).to_string(), "any TCP port, any UDP port");
    }

    #[test]
    fn json_lists_intervals_by_protocol() {
        let set = PortSet::range(Protocol::Tcp, 8000, 9000).union(&PortSet::one(Protocol::Tcp, 80));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"{"TCP":[[80,80],[8000,9000]]}"#);
    }
}
