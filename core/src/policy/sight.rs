//! What a policy looks at: gathered when it is compiled, so that nobody has to walk its rules for it.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::{DomainPattern, PeerKind, PodSelector, PortKind, Rule};
use crate::address::Family;

/// What some policy looks at. Policies that look at the same share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Sight {
    /// Keys of labels of pods, sorted.
    pub(crate) keys: Box<[SmolStr]>,
    /// Names of ports, sorted.
    pub(crate) port_names: Box<[SmolStr]>,
    /// Where blocks of addresses begin, and where what comes after them begins: sorted.
    pub(crate) bounds: Box<[(Family, u128)]>,
    /// Patterns of domains, sorted.
    pub(crate) domains: Box<[DomainPattern]>,
    /// Whether some peer names IPv6 addresses.
    pub(crate) names_v6: bool,
}

impl Sight {
    /// What a subject and rules look at.
    pub(super) fn of<'a>(subject: &PodSelector, rules: impl Iterator<Item = &'a Rule>) -> Self {
        let keys_of = |selector: &PodSelector| -> Vec<SmolStr> { selector.pods.keys().into_iter().cloned().collect() };
        let (mut keys, mut bounds) = (BTreeSet::from_iter(keys_of(subject)), BTreeSet::new());
        let (mut port_names, mut domains) = (BTreeSet::new(), BTreeSet::new());
        for rule in rules {
            for part in rule.peers.iter().flatten().flat_map(|peer| peer.kind.parts()) {
                match part {
                    PeerKind::Pods(selector) => keys.extend(keys_of(selector)),
                    PeerKind::Domain(domain) => drop(domains.insert(domain.pattern.clone())),
                    PeerKind::Block(..) | PeerKind::Nodes(_) | PeerKind::Entity(_) | PeerKind::All(_) => {}
                }
                for block in part.blocks() {
                    let ends = block.addresses.spans().iter().flat_map(|(first, last)| [*first, last.saturating_add(1)]);
                    bounds.extend(ends.map(|bound| (block.family, bound)));
                }
            }
            port_names.extend(rule.ports.iter().flatten().filter_map(|port| match &port.kind {
                PortKind::Named(_, name) => Some(name.clone()),
                PortKind::Set(_) => None,
            }));
        }
        let names_v6 = bounds.iter().any(|(family, _)| *family == Family::V6);
        Self {
            keys: keys.into_iter().collect(),
            port_names: port_names.into_iter().collect(),
            bounds: bounds.into_iter().collect(),
            domains: domains.into_iter().collect(),
            names_v6,
        }
    }
}
