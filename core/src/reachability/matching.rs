//! Whether a peer of a rule is a given class or address: yes, no, or it depends.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::class::{Class, ClassId, Grouping};
use crate::address::{AddressBlock, Family};
use crate::assumptions::{Assumptions, Cause, HostNetworkPods, IpBlockSelectsPods, UnknownPodAddresses};
use crate::intervals::Intervals;
use crate::object::Kind;
use crate::policy::{NamespaceScope, PeerKind, Plane, PodSelector, Rule};
use crate::snapshot::Unseen;

/// Whether a peer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// No.
    No,
    /// Yes.
    Yes,
    /// For addresses of one family only, and the pod has both.
    Family(Family),
    /// It depends; and where a family is named, only for addresses of that family.
    Maybe(Uncertainty, Option<Family>),
}

/// What a match depends on; a copyable stand-in for [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uncertainty {
    UnknownAddress,
    IpBlockSelectsPods,
    HostNetworkPeer,
    UnseenNamespaces,
}

impl Match {
    /// The same, where it is known that addresses of this family are used.
    pub(crate) fn seen_in(self, family: Option<Family>) -> Self {
        let Some(family) = family else { return self };
        match self {
            Self::Family(own) if own == family => Self::Yes,
            Self::Maybe(uncertainty, own) if own.is_none_or(|own| own == family) => Self::Maybe(uncertainty, None),
            Self::Family(_) | Self::Maybe(..) => Self::No,
            settled => settled,
        }
    }

    /// Either will do.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Family(a), Self::Family(b)) if a != b => Self::Yes,
            (Self::No, other) => other,
            (some, _) => some,
        }
    }

    /// What it depends on.
    pub(crate) fn cause(self) -> Option<Cause> {
        match self {
            Self::No | Self::Yes => None,
            Self::Family(_) => Some(Cause::OneFamily),
            Self::Maybe(Uncertainty::UnknownAddress, _) => Some(Cause::UnknownAddress),
            Self::Maybe(Uncertainty::IpBlockSelectsPods, _) => Some(Cause::IpBlockSelectsPods),
            Self::Maybe(Uncertainty::HostNetworkPeer, _) => Some(Cause::HostNetworkPeer),
            Self::Maybe(Uncertainty::UnseenNamespaces, _) => Some(Cause::Unseen(Kind::Namespace)),
        }
    }
}

/// The other end that a rule is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A class.
    Class(ClassId, &'a Class),
    /// A class that no peer singles out: only rules without peers match.
    AnyOtherClass,
    /// An address outside.
    Address(Family, u128),
}

/// For every distinct peer of the policies in force, the classes that it matches, sorted.
#[derive(Debug)]
pub(super) struct PeerSets {
    sets: FxHashMap<PeerKind, Vec<(ClassId, Match)>>,
}

impl PeerSets {
    pub(super) fn new(planes: &[Plane], grouping: &Grouping, assumptions: &Assumptions, unseen: &Unseen) -> Self {
        let mut sets = FxHashMap::default();
        let policies = planes.iter().flat_map(|plane| &plane.tiers).flat_map(|tier| &tier.policies);
        let rules = policies.flat_map(|policy| [&policy.ingress, &policy.egress]).flatten().flatten();
        for peer in rules.filter_map(|rule| rule.peers.as_ref()).flatten() {
            if sets.contains_key(&peer.kind) {
                continue;
            }
            let matches = match &peer.kind {
                PeerKind::Pods(selector) => select(selector, grouping, assumptions, unseen),
                PeerKind::Block(block) => grouping
                    .classes
                    .entries()
                    .map(|(id, class)| (id, block_match(block, class, assumptions)))
                    .filter(|(_, matched)| *matched != Match::No)
                    .collect(),
            };
            sets.insert(peer.kind.clone(), matches);
        }
        Self { sets }
    }

    /// The classes that a peer matches, sorted.
    pub(super) fn classes(&self, peer: &PeerKind) -> &[(ClassId, Match)] {
        self.sets.get(peer).map_or(&[], Vec::as_slice)
    }

    /// All blocks that some peer names, in no order that may be shown.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &AddressBlock> {
        self.sets.keys().filter_map(|peer| match peer {
            PeerKind::Block(block) => Some(block),
            PeerKind::Pods(_) => None,
        })
    }

    /// Whether a rule's peers hold the target, where it is known that addresses of this family are used.
    pub(super) fn rule_match(&self, rule: &Rule, target: Target<'_>, family: Option<Family>) -> Match {
        let Some(peers) = &rule.peers else { return Match::Yes };
        peers.iter().fold(Match::No, |so_far, peer| so_far.or(self.peer_match(&peer.kind, target).seen_in(family)))
    }

    /// Whether a peer is the target.
    pub(super) fn peer_match(&self, peer: &PeerKind, target: Target<'_>) -> Match {
        match (peer, target) {
            (_, Target::AnyOtherClass) => Match::No,
            (_, Target::Class(id, _)) => {
                let classes = self.classes(peer);
                classes.binary_search_by_key(&id, |(class, _)| *class).ok().and_then(|at| classes.get(at)).map_or(Match::No, |(_, m)| *m)
            }
            (PeerKind::Block(block), Target::Address(family, address)) if block.family == family && block.addresses.contains(address) => {
                Match::Yes
            }
            (_, Target::Address(..)) => Match::No,
        }
    }
}

fn select(selector: &PodSelector, grouping: &Grouping, assumptions: &Assumptions, unseen: &Unseen) -> Vec<(ClassId, Match)> {
    // Where namespaces may not be listed, their labels are unknown but for their names.
    let unseen_namespaces = match &selector.namespaces {
        NamespaceScope::Matching(namespaces) => unseen.0.contains_key(&Kind::Namespace) && !asks_for_names_only(namespaces),
        NamespaceScope::One(_) => false,
    };
    let candidates = if unseen_namespaces { grouping.classes.ids().collect() } else { grouping.candidates(selector) };
    let matched = candidates.into_iter().filter_map(|id| {
        let class = grouping.classes.at(id);
        if !selector.pods.matches(&class.labels) {
            return None;
        }
        if class.host_network {
            match assumptions.host_network_pods {
                HostNetworkPods::Ordinary => {}
                HostNetworkPods::Node => return None,
                HostNetworkPods::Unsettled => return Some((id, Match::Maybe(Uncertainty::HostNetworkPeer, None))),
            }
        }
        Some((id, if unseen_namespaces { Match::Maybe(Uncertainty::UnseenNamespaces, None) } else { Match::Yes }))
    });
    matched.collect()
}

fn asks_for_names_only(namespaces: &crate::labels::Selector) -> bool {
    namespaces.requirements.iter().all(|requirement| requirement.key == crate::intake_name_label())
}

/// Whether a block holds a class' pods. A pod on its node's network has an address of the node, which no assumption takes from a block,
/// unless such pods are taken for ordinary ones.
pub(crate) fn block_match(block: &AddressBlock, class: &Class, assumptions: &Assumptions) -> Match {
    let is_node = class.host_network && assumptions.host_network_pods != HostNetworkPods::Ordinary;
    if !is_node && assumptions.ip_block_selects_pods == IpBlockSelectsPods::No {
        return Match::No;
    }
    let by_address = match class.addresses.as_slice() {
        [] => unknown_address_match(block, assumptions),
        addresses => {
            let holds = |address: &IpAddr| block.contains(*address);
            if addresses.iter().all(holds) {
                Match::Yes
            } else if addresses.iter().any(holds) {
                Match::Family(block.family)
            } else {
                Match::No
            }
        }
    };
    match by_address {
        Match::No => Match::No,
        _ if !is_node && assumptions.ip_block_selects_pods == IpBlockSelectsPods::Unsettled => {
            Match::Maybe(Uncertainty::IpBlockSelectsPods, if let Match::Family(family) = by_address { Some(family) } else { None })
        }
        matched => matched,
    }
}

/// RFC 1918, RFC 6598 and link-local of IPv4; RFC 4193 of IPv6: where pods' addresses come from unless somebody arranged otherwise.
fn private_addresses(family: Family) -> Intervals<u128> {
    match family {
        Family::V4 => Intervals::from_spans([
            (0x0A00_0000, 0x0AFF_FFFF),
            (0x6440_0000, 0x647F_FFFF),
            (0xA9FE_0000, 0xA9FE_FFFF),
            (0xAC10_0000, 0xAC1F_FFFF),
            (0xC0A8_0000, 0xC0A8_FFFF),
        ]),
        Family::V6 => Intervals::span(0xFC00 << 112, (0xFE00 << 112) - 1),
    }
}

fn unknown_address_match(block: &AddressBlock, assumptions: &Assumptions) -> Match {
    let candidates = match assumptions.unknown_pod_addresses {
        UnknownPodAddresses::Private => private_addresses(block.family),
        UnknownPodAddresses::Any => super::Reachability::every_address(block.family),
    };
    if block.addresses.intersection(&candidates).is_empty() {
        Match::No
    } else if block.family == Family::V4 && block.addresses.contains_all(&candidates) {
        Match::Yes
    } else {
        Match::Maybe(Uncertainty::UnknownAddress, None)
    }
}
