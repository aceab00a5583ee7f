//! Why a rule does not fit: which of its peers ask for what, and what the other end has instead; or which ports it is for.

use serde::Serialize;

use super::Analysis;
use super::reasons::Other;
use crate::assumptions::{BlocksSelectPods, HostNetworkPods};
use crate::inventory::PodId;
use crate::labels::{Labels, Operator, Requirement, Selector};
use crate::policy::{Direction, NamespaceScope, Peer, PeerKind, PodSelector, PortKind, Rule};
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
            (PeerKind::Pods(_), ..) => format!("pods; {name} is none"),
            (PeerKind::Block(block) | PeerKind::Network(block), End::Pod(pod), _) => {
                let (selects_pods, assumption) = match &peer.kind {
                    PeerKind::Block(_) => (self.assumptions().ip_block_selects_pods, "ip-block-selects-pods"),
                    _ => (self.assumptions().networks_select_pods, "networks-select-pods"),
                };
                let record = &self.inventory.pods.at(pod).record();
                let what = block_text(block);
                if selects_pods == BlocksSelectPods::No && !self.is_node(pod) {
                    format!("{what}; blocks do not hold pods ({assumption}=no)")
                } else if record.addresses.is_empty() {
                    format!("{what}; {name} has no address yet, and would not get one there")
                } else {
                    let addresses: Vec<String> = record.addresses.iter().map(ToString::to_string).collect();
                    format!("{what}; {name} has {}", addresses.join(", "))
                }
            }
            (PeerKind::Block(block) | PeerKind::Network(block), ..) => format!("{}; {name} is not in it", block_text(block)),
            (PeerKind::Nodes(nodes), ..) => {
                format!(
                    "nodes{}; {name} is none of them",
                    if nodes.selector.is_everything() { String::new() } else { format!(" with {}", nodes.selector) }
                )
            }
            (PeerKind::Domain(pattern), End::Pod(_), _) => {
                format!("domain {pattern}; {name} is a pod, which a domain name does not stand for")
            }
            (PeerKind::Domain(pattern), ..) => format!("domain {pattern}; {name} is not covered by it"),
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
                    return format!("{pods} in namespaces with {unmet}; namespace {} {}", other.namespace(), has_instead(unmet, &labels));
                }
            }
            NamespaceScope::One(_) => {}
        }
        if let Some(unmet) = selector.pods.first_unmet(&other.record().labels) {
            return format!("pods with {}; {name} {}", asked(&selector.pods, unmet), has_instead(unmet, &other.record().labels));
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
fn asked(selector: &Selector, unmet: &Requirement) -> String {
    if selector.requirements().len() > 3 { unmet.to_string() } else { selector.to_string() }
}

/// What labels have in place of what a requirement asks for.
fn has_instead(unmet: &Requirement, labels: &Labels) -> String {
    match (labels.get(&unmet.key), &unmet.operator) {
        (None, _) => format!("has no label {}", unmet.key),
        (Some(value), Operator::DoesNotExist) => format!("has {}={value}", unmet.key),
        (Some(value), _) => format!("has {}={value}", unmet.key),
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
