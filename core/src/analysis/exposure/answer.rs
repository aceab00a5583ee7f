//! What is answered: who could come, to whom, on which ports.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::PodGroup;
use crate::peer::Peer;
use crate::policy::Direction;
use crate::ports::PortSet;

/// What a unit is open to in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// The workload or pod.
    pub unit: Peer,
    /// Into it, or out of it.
    pub direction: Direction,
    /// Whether each of its pods is selected by some policy that speaks of the direction.
    pub protected: bool,
    /// Who could come: the whole cluster, parts of it by namespace and labels, and then all addresses outside.
    pub openings: Vec<Opening>,
}

/// Somebody who could come, and the ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// Who.
    pub peer: ExposedPeer,
    /// The ports.
    pub ports: PortSet,
    /// Ports that go by the names that the other end gives them, beside those: `http/TCP`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// What they hang on; empty where they are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
    /// Who of them is kept from some of these ports, because of more than is said of the peer.
    #[serde(rename = "except", skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// Part of a group that gets less than the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Who.
    pub peer: ExposedPeer,
    /// The ports that it does not get for certain.
    pub ports: PortSet,
}

/// Who could come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ExposedPeer {
    /// Any pod of the cluster.
    Cluster,
    /// Pods by namespace and labels.
    Pods(PodGroup),
    /// All addresses outside, of one family.
    Range(Outside),
}

/// All addresses outside, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Outside {
    /// The first.
    pub first: IpAddr,
    /// The last.
    pub last: IpAddr,
}

impl ExposedPeer {
    pub(super) fn of(group: PodGroup) -> Self {
        if group.is_everything() { Self::Cluster } else { Self::Pods(group) }
    }
}

impl fmt::Display for ExposedPeer {
    /// `entire cluster`, `pods with app=cart in namespace shop`, `0.0.0.0/0`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("entire cluster"),
            Self::Pods(group) => write!(f, "{group}"),
            Self::Range(Outside { first, last }) => write!(f, "{}", Peer::Range { first: *first, last: *last }),
        }
    }
}

impl Opening {
    /// The ports, those by name among them: `80/TCP, http/TCP`.
    pub fn ports_text(&self) -> String {
        let numbers = (!self.ports.is_empty()).then(|| self.ports.to_string());
        numbers.into_iter().chain(self.named.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}
