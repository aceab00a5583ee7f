//! Pods that are not there yet, held against the same rules as those that are.

use super::class::ClassId;
use super::matching::{Match, Target, Uncertainty, asks_for_names_only};
use super::{Outcome, Reachability};
use crate::address::Family;
use crate::labels::LabelSet;
use crate::policy::{Direction, NamespaceScope, Peer, PeerKind, PodSelector};
use crate::record::ContainerPort;

/// Any pod of a kind that may come: what is not said of it is not known, and a rule that asks for more does not match it.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    /// Its namespace, or what the namespace's labels meet.
    pub(crate) namespaces: NamespaceScope,
    /// The labels of its namespace, where it is one.
    pub(crate) namespace_labels: LabelSet,
    /// What its labels meet.
    pub(crate) pods: crate::labels::Selector,
    /// Its ports with names.
    pub(crate) ports: Vec<ContainerPort>,
}

impl Newcomer {
    /// Whether a selector selects every such pod.
    pub(super) fn selected_by(&self, selector: &PodSelector, unseen_namespaces: bool) -> Match {
        if !self.pods.implies(&selector.pods) {
            return Match::No;
        }
        let is_in = match (&self.namespaces, &selector.namespaces) {
            (NamespaceScope::One(own), NamespaceScope::One(wanted)) => own == wanted,
            (NamespaceScope::One(_), NamespaceScope::Matching(wanted)) if unseen_namespaces && !asks_for_names_only(wanted) => {
                return Match::Maybe(Uncertainty::UnseenNamespaces, None);
            }
            (NamespaceScope::One(_), NamespaceScope::Matching(wanted)) => wanted.matches(&self.namespace_labels),
            (NamespaceScope::Matching(own), NamespaceScope::Matching(wanted)) => own.implies(wanted),
            (NamespaceScope::Matching(_), NamespaceScope::One(_)) => false,
        };
        if is_in { Match::Yes } else { Match::No }
    }
}

impl Reachability {
    /// What a class may do in one direction with a pod that is not there yet.
    pub(crate) fn with_newcomer(&self, class: ClassId, direction: Direction, newcomer: &Newcomer) -> Outcome {
        self.row(class, direction).towards(self, Target::Newcomer(newcomer))
    }

    /// Whether a peer of a rule selects some pod that is there.
    pub(crate) fn selects_some(&self, peer: &Peer) -> bool {
        match &peer.kind {
            PeerKind::Pods(selector) => {
                let selected = self.classes_selected_by(selector, self.classes.len());
                let selected = selected.unwrap_or_else(|| self.classes.ids().collect()).into_iter().map(|id| self.classes.at(id));
                let mut there = selected.filter(|class| !class.pods.is_empty());
                there.any(|class| self.matcher.class_match(&peer.kind, class) != Match::No)
            }
            kind => self.inhabited().any(|(_, class)| self.matcher.class_match(kind, class) != Match::No),
        }
    }

    /// What a class may do with every address outside, in one family: certain and possible are what is so for all of them.
    pub(crate) fn everywhere_outside(&self, class: ClassId, direction: Direction, family: Family) -> Outcome {
        let intervals = self.addresses(class, direction).intervals.iter().filter(|interval| interval.range.family == family);
        intervals.fold(Outcome::all(), |so_far, interval| so_far.and(&interval.outcome))
    }
}
