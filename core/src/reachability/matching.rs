//! Whether a peer of a rule is a given class or address: yes, no, or it depends.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::class::Class;
use super::newcomer::Newcomer;
use crate::address::{AddressBlock, Family};
use crate::assumptions::{Assumptions, BlocksSelectPods, Cause, HostNetworkPods, UnknownPodAddresses};
use crate::intervals::Intervals;
use crate::object::Kind;
use crate::policy::{
    BlockKind, DomainPattern, Entity, EntityPeer, HostNetwork, NamespaceScope, NodePeer, PeerKind, PodSelector, Rule, Sight, Term,
};
use crate::snapshot::Unseen;

/// Whether a peer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Match {
    /// No.
    No,
    /// Yes.
    Yes,
    /// For addresses of one family only, and the pod has both.
    Family(Family),
    /// It depends; and where a family is named, only for addresses of that family.
    Maybe(Uncertainty, Option<Family>),
    /// It depends on an assumption, and if that holds on the address of the pod, which is not known.
    IfKnown(Uncertainty),
}

/// What a match depends on; a copyable stand-in for [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Uncertainty {
    UnknownAddress,
    IpBlockSelectsPods,
    NetworksSelectPods,
    HostNetworkPeer,
    UnseenNamespaces,
    UnknownNode,
    UnseenNodes,
    Resolves,
    ResolvedAddress,
    DomainName,
    Unlearned,
    OwnNode,
    ApiServer,
}

impl Uncertainty {
    /// Those that are assumptions: they turn out the same way for every rule.
    pub(crate) const ASSUMPTIONS: [Self; 3] = [Self::IpBlockSelectsPods, Self::NetworksSelectPods, Self::HostNetworkPeer];

    /// The cause that an answer names.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::UnknownAddress => Cause::UnknownAddress,
            Self::IpBlockSelectsPods => Cause::IpBlockSelectsPods,
            Self::NetworksSelectPods => Cause::NetworksSelectPods,
            Self::HostNetworkPeer => Cause::HostNetworkPeer,
            Self::UnseenNamespaces => Cause::Unseen(Kind::Namespace),
            Self::UnknownNode => Cause::UnknownNode,
            Self::UnseenNodes => Cause::Unseen(Kind::Node),
            Self::Resolves => Cause::Resolves,
            Self::ResolvedAddress => Cause::ResolvedAddress,
            Self::DomainName => Cause::DomainName,
            Self::Unlearned => Cause::Unlearned,
            Self::OwnNode => Cause::WhichNode,
            Self::ApiServer => Cause::ApiServerAddress,
        }
    }
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

    /// Both are asked for.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, other) => other,
            (Self::Family(a), Self::Family(b)) if a != b => Self::No,
            (Self::Family(own), Self::Maybe(uncertainty, family)) | (Self::Maybe(uncertainty, family), Self::Family(own)) => {
                if family.is_none_or(|family| family == own) { Self::Maybe(uncertainty, Some(own)) } else { Self::No }
            }
            (Self::Maybe(_, Some(a)), Self::Maybe(_, Some(b))) if a != b => Self::No,
            (some, _) => some,
        }
    }

    /// The opposite is asked for.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
            Self::Family(Family::V4) => Self::Family(Family::V6),
            Self::Family(Family::V6) => Self::Family(Family::V4),
            // In the other family it is certain; that it may be so in this one is the most that can be said of both.
            Self::Maybe(uncertainty, _) | Self::IfKnown(uncertainty) => Self::Maybe(uncertainty, None),
        }
    }

    /// What it depends on.
    pub(crate) fn cause(self) -> Option<Cause> {
        match self {
            Self::No | Self::Yes => None,
            Self::Family(_) => Some(Cause::OneFamily),
            Self::Maybe(uncertainty, _) | Self::IfKnown(uncertainty) => Some(uncertainty.cause()),
        }
    }
}

/// The other end that a rule is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A class.
    Class(&'a Class),
    /// A class that no peer singles out: only rules without peers match.
    AnyOtherClass,
    /// An address outside.
    Address(Family, u128),
    /// What a domain name, or every name below one, resolves to outside in one family of addresses.
    Domain(&'a DomainPattern, Family),
    /// A pod that is not there yet.
    Newcomer(&'a Newcomer),
}

/// What is to be known for holding peers against targets.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    /// The patterns of domains that some peer names, and how many policies name each.
    domains: Arc<BTreeMap<DomainPattern, usize>>,
    /// How many policies name IPv6 addresses.
    n_v6: usize,
    unseen_nodes: bool,
    unseen_namespaces: bool,
    assumptions: Assumptions,
}

impl Matcher {
    /// One that knows of no policy yet.
    pub(super) fn new(assumptions: &Assumptions, unseen: &Unseen) -> Self {
        Self {
            domains: Arc::default(),
            n_v6: 0,
            unseen_nodes: unseen.0.contains_key(&Kind::Node),
            unseen_namespaces: unseen.0.contains_key(&Kind::Namespace),
            assumptions: assumptions.clone(),
        }
    }

    /// So many policies come that look at the same.
    pub(super) fn add(&mut self, sight: &Sight, n: usize) {
        for pattern in &sight.domains {
            *Arc::make_mut(&mut self.domains).entry(pattern.clone()).or_insert(0) += n;
        }
        self.n_v6 += if sight.names_v6 { n } else { 0 };
    }

    /// A policy goes.
    pub(super) fn remove(&mut self, sight: &Sight) {
        for pattern in &sight.domains {
            let domains = Arc::make_mut(&mut self.domains);
            if let Some(n) = domains.get_mut(pattern) {
                *n -= 1;
                if *n == 0 {
                    domains.remove(pattern);
                }
            }
        }
        self.n_v6 -= usize::from(sight.names_v6);
    }

    /// Whether a selector of namespaces may match others than it seems to: where namespaces may not be listed, their labels are
    /// unknown but for their names.
    pub(super) fn is_unsure_of(&self, namespaces: &NamespaceScope) -> bool {
        match namespaces {
            NamespaceScope::Matching(namespaces) => self.unseen_namespaces && !asks_for_names_only(namespaces),
            NamespaceScope::One(_) => false,
        }
    }

    /// Whether a selector selects a class.
    fn select(&self, selector: &PodSelector, class: &Class) -> Match {
        let is_unsure = self.is_unsure_of(&selector.namespaces);
        let is_selected = if is_unsure { selector.pods.matches(class.template()) } else { class.is_selected_by(selector) };
        match (class.host_network(), self.assumptions.host_network_pods) {
            _ if !is_selected => Match::No,
            (true, _) if matches!(selector.host_network, HostNetwork::On(_)) => Match::Yes,
            (true, HostNetworkPods::Node) => Match::No,
            (true, HostNetworkPods::Unsettled) if selector.host_network == HostNetwork::LeftOut => Match::No,
            (true, HostNetworkPods::Unsettled) => Match::Maybe(Uncertainty::HostNetworkPeer, None),
            _ if is_unsure => Match::Maybe(Uncertainty::UnseenNamespaces, None),
            _ => Match::Yes,
        }
    }

    /// Whether a peer is a class.
    pub(super) fn class_match(&self, peer: &PeerKind, class: &Class) -> Match {
        match peer {
            PeerKind::Pods(selector) => self.select(selector, class),
            PeerKind::Block(kind, block) => block_match(block, *kind, class, &self.assumptions),
            PeerKind::Nodes(nodes) => node_match(nodes, class, self.unseen_nodes, &self.assumptions),
            // A domain name is for what lies outside; pods are selected by labels.
            PeerKind::Domain(_) => Match::No,
            PeerKind::Entity(entity) => self.entity_class_match(entity, class),
            PeerKind::All(terms) => all(terms, |kind| self.class_match(kind, class)),
        }
    }

    /// Whether a block of this kind may hold pods that are not on their node's network.
    pub(super) fn holds_pods(&self, kind: BlockKind) -> bool {
        match kind {
            BlockKind::IpBlock => self.assumptions.ip_block_selects_pods != BlocksSelectPods::No,
            BlockKind::Network => self.assumptions.networks_select_pods != BlocksSelectPods::No,
            BlockKind::Anybody => true,
            BlockKind::NotPods | BlockKind::Outside => false,
        }
    }

    fn entity_class_match(&self, entity: &EntityPeer, class: &Class) -> Match {
        let is_node = class.host_network() && self.assumptions.host_network_pods != HostNetworkPods::Ordinary;
        match entity.entity {
            Entity::World => Match::No,
            Entity::ApiServer if entity.blocks.iter().all(|block| block.addresses.is_empty()) => {
                if is_node {
                    Match::Maybe(Uncertainty::ApiServer, None)
                } else {
                    Match::No
                }
            }
            Entity::ApiServer if class.addresses().is_empty() => Match::No,
            Entity::ApiServer => {
                let matches = entity.blocks.iter().map(|block| block_match(block, BlockKind::Anybody, class, &self.assumptions));
                matches.fold(Match::No, Match::or)
            }
            Entity::OwnNode | Entity::OtherNodes if is_node => Match::Maybe(Uncertainty::OwnNode, None),
            Entity::OwnNode | Entity::OtherNodes => Match::No,
        }
    }

    /// Whether some peer names IPv6 addresses.
    pub(super) fn names_v6(&self) -> bool {
        self.n_v6 > 0
    }

    /// The patterns of domains that some peer names, sorted.
    pub(super) fn domains(&self) -> impl Iterator<Item = &DomainPattern> {
        self.domains.keys()
    }

    /// Whether a rule's peers hold the target, where it is known that addresses of this family are used. `settle` may know more of a
    /// match than the policies do.
    pub(super) fn rule_match(&self, rule: &Rule, target: Target<'_>, family: Option<Family>, settle: &dyn Fn(Match) -> Match) -> Match {
        let Some(peers) = &rule.peers else { return Match::Yes };
        peers.iter().fold(Match::No, |so_far, peer| so_far.or(self.settled_match(&peer.kind, target, family, settle)))
    }

    fn settled_match(&self, peer: &PeerKind, target: Target<'_>, family: Option<Family>, settle: &dyn Fn(Match) -> Match) -> Match {
        match (peer, target) {
            (PeerKind::All(_), Target::AnyOtherClass) => Match::No,
            (PeerKind::All(terms), _) => all(terms, |kind| self.settled_match(kind, target, family, settle)),
            (one, _) => settle(self.peer_match(one, target).seen_in(family)),
        }
    }

    /// Whether a peer is the target.
    pub(super) fn peer_match(&self, peer: &PeerKind, target: Target<'_>) -> Match {
        match (target, peer) {
            (Target::AnyOtherClass, _) => Match::No,
            (_, PeerKind::All(terms)) => all(terms, |kind| self.peer_match(kind, target)),
            (Target::Class(class), kind) => self.class_match(kind, class),
            (Target::Address(..), PeerKind::Domain(_)) => Match::Maybe(Uncertainty::Resolves, None),
            (Target::Address(..), PeerKind::Nodes(_)) if self.unseen_nodes => Match::Maybe(Uncertainty::UnseenNodes, None),
            (Target::Address(family, address), kind) => {
                let is_in = kind.blocks().iter().any(|block| block.family == family && block.addresses.contains(address));
                match kind {
                    PeerKind::Entity(entity) => self.entity_address_match(entity, is_in),
                    _ if is_in => Match::Yes,
                    _ => Match::No,
                }
            }
            (Target::Domain(name, _), PeerKind::Domain(domain)) => match &domain.pattern {
                pattern if pattern.covers(name) => Match::Yes,
                pattern if pattern.overlaps(name) => Match::Maybe(Uncertainty::DomainName, None),
                _ => Match::No,
            },
            (Target::Domain(_, family), PeerKind::Block(..)) => resolved_match(peer, family),
            (Target::Domain(..), PeerKind::Entity(entity)) if entity.entity == Entity::World => Match::Yes,
            (Target::Domain(..), PeerKind::Pods(_) | PeerKind::Nodes(_) | PeerKind::Entity(_)) => Match::No,
            (Target::Newcomer(newcomer), PeerKind::Pods(selector)) => newcomer.selected_by(selector, self.unseen_namespaces),
            (Target::Newcomer(_), PeerKind::Block(kind, block)) => ordinary_block_match(block, *kind, &[], &self.assumptions),
            (Target::Newcomer(_), PeerKind::Nodes(_) | PeerKind::Domain(_) | PeerKind::Entity(_)) => Match::No,
        }
    }

    fn entity_address_match(&self, entity: &EntityPeer, is_in: bool) -> Match {
        let is_known = entity.blocks.iter().any(|block| !block.addresses.is_empty());
        match entity.entity {
            Entity::World if is_in => Match::No,
            Entity::World if self.unseen_nodes => Match::Maybe(Uncertainty::UnseenNodes, None),
            Entity::World => Match::Yes,
            Entity::ApiServer if !is_known => Match::Maybe(Uncertainty::ApiServer, None),
            Entity::ApiServer if is_in => Match::Yes,
            Entity::OwnNode | Entity::OtherNodes if is_in => Match::Maybe(Uncertainty::OwnNode, None),
            Entity::OwnNode | Entity::OtherNodes if self.unseen_nodes => Match::Maybe(Uncertainty::UnseenNodes, None),
            Entity::ApiServer | Entity::OwnNode | Entity::OtherNodes => Match::No,
        }
    }
}

/// Whether every term holds, of what `one` says of each peer that the terms name.
fn all(terms: &[Term], one: impl Fn(&PeerKind) -> Match) -> Match {
    let term = |term: &Term| {
        let any = term.any.iter().fold(Match::No, |so_far, kind| so_far.or(one(kind)));
        if term.is_negated { any.negated() } else { any }
    };
    terms.iter().fold(Match::Yes, |so_far, next| so_far.and(term(next)))
}

/// Whether blocks hold an address outside that nobody knows, of one family.
pub(crate) fn resolved_match(peer: &PeerKind, family: Family) -> Match {
    match peer {
        PeerKind::All(terms) => return all(terms, |kind| resolved_match(kind, family)),
        PeerKind::Entity(entity) if entity.entity == Entity::World => return Match::Yes,
        _ => {}
    }
    let mut own = peer.blocks().iter().filter(|block| block.family == family && !block.addresses.is_empty());
    match own.next() {
        Some(block) if block.is_whole_family() => Match::Yes,
        Some(_) => Match::Maybe(Uncertainty::ResolvedAddress, None),
        None => Match::No,
    }
}

pub(super) fn asks_for_names_only(namespaces: &crate::labels::Selector) -> bool {
    namespaces.requirements().iter().all(|requirement| requirement.key == crate::intake_name_label())
}

/// Whether a block holds a class' pods. A pod on its node's network has an address of the node, which no assumption takes from a block,
/// unless such pods are taken for ordinary ones.
fn block_match(block: &AddressBlock, kind: BlockKind, class: &Class, assumptions: &Assumptions) -> Match {
    if class.host_network() && assumptions.host_network_pods != HostNetworkPods::Ordinary && kind != BlockKind::Outside {
        return address_match(block, class.addresses(), assumptions);
    }
    ordinary_block_match(block, kind, class.addresses(), assumptions)
}

/// Whether a block holds pods of these addresses that are not on their node's network.
fn ordinary_block_match(block: &AddressBlock, kind: BlockKind, addresses: &[IpAddr], assumptions: &Assumptions) -> Match {
    let (selects_pods, uncertainty) = match kind {
        BlockKind::IpBlock => (assumptions.ip_block_selects_pods, Uncertainty::IpBlockSelectsPods),
        BlockKind::Network => (assumptions.networks_select_pods, Uncertainty::NetworksSelectPods),
        BlockKind::Anybody => return address_match(block, addresses, assumptions),
        BlockKind::NotPods | BlockKind::Outside => return Match::No,
    };
    if selects_pods == BlocksSelectPods::No {
        return Match::No;
    }
    match address_match(block, addresses, assumptions) {
        Match::No => Match::No,
        matched if selects_pods != BlocksSelectPods::Unsettled => matched,
        Match::Maybe(..) | Match::IfKnown(_) => Match::IfKnown(uncertainty),
        Match::Family(family) => Match::Maybe(uncertainty, Some(family)),
        Match::Yes => Match::Maybe(uncertainty, None),
    }
}

fn address_match(block: &AddressBlock, addresses: &[IpAddr], assumptions: &Assumptions) -> Match {
    let holds = |address: &IpAddr| block.contains(*address);
    if addresses.is_empty() {
        unknown_address_match(block, assumptions)
    } else if addresses.iter().all(holds) {
        Match::Yes
    } else if addresses.iter().any(holds) {
        Match::Family(block.family)
    } else {
        Match::No
    }
}

/// Whether a class' pods are on the network of one of the nodes. Ordinary pods never are.
fn node_match(nodes: &NodePeer, class: &Class, unseen_nodes: bool, assumptions: &Assumptions) -> Match {
    if !class.host_network() || assumptions.host_network_pods == HostNetworkPods::Ordinary {
        Match::No
    } else if nodes.names.contains(class.node()) {
        Match::Yes
    } else if nodes.known.contains(class.node()) {
        Match::No
    } else if unseen_nodes {
        Match::Maybe(Uncertainty::UnseenNodes, None)
    } else if nodes.selector.is_everything() {
        Match::Yes
    } else {
        Match::Maybe(Uncertainty::UnknownNode, None)
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
