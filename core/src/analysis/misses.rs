//! Why a rule does not fit: which of its peers ask for what, and what the other end has instead; or which ports it is for.

use std::collections::BTreeSet;

use serde::Serialize;
use smol_str::SmolStr;

use super::reasons::Other;
use super::{Analysis, PodGroup};
use crate::assumptions::{BlocksSelectPods, HostNetworkPods};
use crate::inventory::PodId;
use crate::labels::{Facts, Selector, Unmet};
use crate::policy::{BlockKind, Direction, NamespaceScope, Peer, PeerKind, PodSelector, PortKind, Rule, Term};
use crate::ports::PortSet;
use crate::reachability::End;

/// Why a part of a policy does not fit a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// The part in the object: a peer, or the rule.
    pub pointer: String,
    /// One sentence, without a full stop.
    pub sentence: String,
}

/// The number of a rule among those of its direction, from 1, as its pointer tells it.
pub(super) fn number_of(rule: &Rule) -> String {
    let last = rule.pointer.rsplit('/').next().unwrap_or_default();
    last.parse::<usize>().map_or_else(|_| last.to_owned(), |index| (index + 1).to_string())
}

impl Analysis {
    /// Why none of a rule's peers is the other end, one sentence a peer.
    pub(super) fn peer_misses(&self, rule: &Rule, subject: PodId, other: &Other<'_>) -> Vec<Miss> {
        let peers = rule.peers.as_deref().unwrap_or_default();
        let number = number_of(rule);
        if peers.is_empty() {
            // Every peer was refused at intake; a warning says why.
            return vec![Miss { pointer: rule.pointer.to_string(), sentence: format!("rule {number} has no peer that can match") }];
        }
        let miss = |(index, peer): (usize, &Peer)| {
            let place = if peers.len() == 1 { format!("rule {number}") } else { format!("rule {number} peer {}", index + 1) };
            Miss { pointer: peer.pointer.to_string(), sentence: format!("{place} is for {}", self.peer_miss(peer, subject, other)) }
        };
        peers.iter().enumerate().map(miss).collect()
    }

    fn peer_miss(&self, peer: &Peer, subject: PodId, other: &Other<'_>) -> String {
        let name = self.name_of(other);
        match (&peer.kind, other.end, other.domain) {
            (PeerKind::Pods(selector), End::Pod(pod), _) => self.pods_miss(selector, subject, pod),
            (PeerKind::Block(kind, block), End::Pod(pod), _) => {
                let assumed = match kind {
                    BlockKind::IpBlock => Some((self.assumptions().ip_block_selects_pods, "ip-block-selects-pods")),
                    BlockKind::Network => Some((self.assumptions().networks_select_pods, "networks-select-pods")),
                    BlockKind::Anybody | BlockKind::NotPods | BlockKind::Outside => None,
                };
                let record = &self.inventory.pods.at(pod).record();
                let what = block_text(block);
                match assumed {
                    Some((BlocksSelectPods::No, assumption)) if !self.is_node(pod) => {
                        format!("{what}; blocks do not hold pods ({assumption}=no)")
                    }
                    None if *kind == BlockKind::Outside || (*kind == BlockKind::NotPods && !self.is_node(pod)) => {
                        format!("{what} outside the cluster; {name} is in it")
                    }
                    _ if record.addresses.is_empty() => format!("{what}; {name} has no address yet, and would not get one there"),
                    _ => {
                        let addresses: Vec<String> = record.addresses.iter().map(ToString::to_string).collect();
                        format!("{what}; {name} has {}", addresses.join(", "))
                    }
                }
            }
            (PeerKind::Domain(domain), End::Pod(_), _) => {
                format!("domain {}; {name} is a pod, which a domain name does not stand for", domain.pattern)
            }
            (PeerKind::Pods(_), ..) => format!("pods; {name} is none"),
            (PeerKind::Block(..), ..) => format!("{}; {name} is not in it", peer_text(&peer.kind)),
            (PeerKind::Nodes(_), ..) => format!("{}; {name} is none of them", peer_text(&peer.kind)),
            (PeerKind::Domain(_), ..) => format!("{}; {name} is not covered by it", peer_text(&peer.kind)),
            (PeerKind::Entity(_), ..) => format!("{}; {name} is not that", peer_text(&peer.kind)),
            (PeerKind::All(_), ..) => format!("{}; {name} is not all of that", peer_text(&peer.kind)),
        }
    }

    fn is_node(&self, pod: PodId) -> bool {
        self.inventory.pods.at(pod).record().host_network && self.assumptions().host_network_pods != HostNetworkPods::Ordinary
    }

    /// What a selector asks for that a pod does not have.
    fn pods_miss(&self, selector: &PodSelector, subject: PodId, pod: PodId) -> String {
        let other = self.inventory.pods.at(pod);
        let name = other.path();
        let pods = if selector.pods.is_everything() { "pods".to_owned() } else { format!("pods with {}", selector.pods) };
        match &selector.namespaces {
            NamespaceScope::One(namespace) if namespace != other.namespace() => {
                let own = if namespace == self.inventory.pods.at(subject).namespace() { "its own namespace " } else { "namespace " };
                return format!("{pods} in {own}{namespace}; {name} is in {}", other.namespace());
            }
            NamespaceScope::Matching(namespaces) => {
                let labels = self.snapshot.labels_of_namespace(other.namespace());
                if let Some(unmet) = namespaces.first_unmet(&labels) {
                    return format!("{pods} in namespaces with {unmet}; namespace {} {}", other.namespace(), has_instead(unmet, &*labels));
                }
            }
            NamespaceScope::One(_) => {}
        }
        if let Some(unmet) = selector.pods.first_unmet(&**other.record()) {
            return format!("pods with {}; {name} {}", asked(&selector.pods, unmet), has_instead(unmet, &**other.record()));
        }
        format!("{pods}; {name} is on its node's network, where it counts as the node")
    }

    /// Why a rule's ports do not fit.
    pub(super) fn port_miss(&self, rule: &Rule, resolved: &PortSet, asked: Option<&PortSet>, direction: Direction) -> Miss {
        let field = if rule.ports.is_some() { rule.ports.iter().flatten().next() } else { None };
        let pointer = field.map_or_else(|| rule.pointer.clone(), |port| port.pointer.clone());
        let names = rule.ports.iter().flatten().filter_map(|port| match &port.kind {
            PortKind::Named(protocol, name) => {
                let protocol = protocol.map(|protocol| format!("/{protocol}")).unwrap_or_default();
                let whose = if direction == Direction::Ingress { "here" } else { "at the other end" };
                Some(format!("a port named {name}{protocol}, which is not there {whose}").replace("there here", "there"))
            }
            PortKind::Set(_) => None,
        });
        let names: Vec<String> = names.collect();
        let what = match (resolved.is_empty(), names.is_empty()) {
            (false, _) => resolved.to_string(),
            (true, false) => names.join(", "),
            (true, true) => "no port that can be".to_owned(),
        };
        let wanted = asked.filter(|asked| !asked.is_empty()).map(|asked| format!("; asked was {asked}")).unwrap_or_default();
        Miss { pointer: pointer.to_string(), sentence: format!("rule {} is for {what}{wanted}", number_of(rule)) }
    }
}

/// The selector, or the one requirement of a long one.
fn asked(selector: &Selector, unmet: Unmet<'_>) -> String {
    if selector.requirements().len() + selector.alternatives().len() > 3 { unmet.to_string() } else { selector.to_string() }
}

/// What labels have in place of what a requirement asks for.
fn has_instead(unmet: Unmet<'_>, facts: &(impl Facts + ?Sized)) -> String {
    match unmet {
        Unmet::Requirement(requirement) => match facts.fact(&requirement.key) {
            None => format!("has no label {}", requirement.key),
            Some(value) => format!("has {}={value}", requirement.key),
        },
        Unmet::Alternatives(alternatives) => {
            let keys: BTreeSet<&SmolStr> = alternatives.iter().flat_map(Selector::keys).collect();
            let own = keys.into_iter().map(|key| facts.fact(key).map_or_else(|| format!("no {key}"), |value| format!("{key}={value}")));
            format!("has {}", own.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A peer of a rule in words: `pods with app=cart in namespace shop`, `10.0.0.0/8`, `domain *.example.com`.
pub(super) fn peer_text(kind: &PeerKind) -> String {
    match kind {
        PeerKind::Pods(selector) => PodGroup::of(selector).to_string(),
        PeerKind::Block(_, block) => block_text(block),
        PeerKind::Nodes(nodes) if nodes.selector.is_everything() => "nodes".to_owned(),
        PeerKind::Nodes(nodes) => format!("nodes with {}", nodes.selector),
        PeerKind::Domain(domain) => format!("domain {}", domain.pattern),
        PeerKind::Entity(entity) => entity.entity.name().to_owned(),
        PeerKind::All(terms) => {
            let term = |term: &Term| {
                let any: Vec<String> = term.any.iter().map(peer_text).collect();
                format!(
                    "{}{}",
                    if term.is_negated { "not " } else { "" },
                    if any.is_empty() { "nobody".to_owned() } else { any.join(" or ") }
                )
            };
            terms.iter().map(term).collect::<Vec<_>>().join(" and ")
        }
    }
}

fn block_text(block: &crate::address::AddressBlock) -> String {
    let ranges: Vec<String> = block
        .addresses
        .spans()
        .iter()
        .map(|(first, last)| crate::address::AddressRange { family: block.family, first: *first, last: *last }.to_string())
        .collect();
    match ranges.as_slice() {
        [] => "no address".to_owned(),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more ranges", rest.len()),
        all => all.join(", "),
    }
}
