//! Whom a row tells apart: those that its rules name, or where they hold nearly everybody, those that they do not hold.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::matching::Match;
use super::super::row::{Matches, Row, narrowest};
use super::super::{Class, ClassId, Reachability, Selection};
use super::held::Held;
use crate::address::{AddressBlock, Family, number};
use crate::ids::Id as _;
use crate::policy::{Direction, PeerKind, PodSelector, PortKind};

/// Whom a row tells apart.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// The classes that may be treated unlike most, sorted.
    pub(super) apart: Arc<[ClassId]>,
    /// What holds for the others.
    pub(super) others: Others,
}

/// How a row treats those that it does not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// As a class that no rule names.
    Unnamed,
    /// As this class.
    Like(ClassId),
    /// As others that have the same ports of those names that policies name.
    ByPorts,
}

/// Whom a row tells apart, and how that was found.
pub(super) struct ToldByRow {
    /// `None` where they are too many.
    pub(super) told: Option<Told>,
    /// How many the row's rules name at least.
    pub(super) n_named: usize,
    /// Which peers hold each of those that are told apart, where what holds for them follows from that alone.
    pub(super) held: Option<Vec<Matches>>,
}

/// Which classes a peer of a rule holds.
#[derive(Debug)]
pub(super) enum Part {
    /// These, sorted.
    These(Vec<ClassId>),
    /// All but these, sorted.
    AllBut(Vec<ClassId>),
}

impl Part {
    /// Those that it holds, or those that it does not, whichever are fewer.
    fn fewer(&self) -> &[ClassId] {
        match self {
            Self::These(ids) | Self::AllBut(ids) => ids,
        }
    }
}

/// Finds out whom rows tell apart.
pub(super) struct Telling {
    /// The classes that have pods, sorted.
    pub(super) inhabited: Vec<ClassId>,
    /// Whether a class has pods, by class.
    has_pods: Vec<bool>,
    /// Whether it has an address, and does not share its node's network.
    is_ordinary: Vec<bool>,
    /// The addresses of the classes that have pods, IPv4 and IPv6, sorted.
    pub(super) addresses: [Vec<(u128, ClassId)>; 2],
    /// Those without an address, first those that do not share their node's network.
    pub(super) elsewhere: Vec<ClassId>,
    /// Those that share their node's network.
    pub(super) on_nodes: Vec<ClassId>,
    /// Whether any two classes have an address family in common.
    pub(super) has_common_family: bool,
    /// What selectors hold that hold many.
    parts: FxHashMap<PodSelector, Arc<Part>>,
    /// What selectors hold.
    pub(super) held: Held,
}

impl Telling {
    pub(super) fn new(reachability: &Reachability) -> Self {
        let (mut v4, mut v6, mut elsewhere, mut on_nodes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut lacks_v4, mut lacks_v6) = (false, false);
        let mut inhabited = Vec::new();
        let mut has_pods = vec![false; reachability.classes.len()];
        let mut is_ordinary = has_pods.clone();
        for (id, class) in reachability.inhabited() {
            inhabited.push(id);
            if let Some(has) = has_pods.get_mut(id.index()) {
                *has = true;
            }
            if let Some(is_ordinary) = is_ordinary.get_mut(id.index()) {
                *is_ordinary = !class.host_network() && !class.addresses().is_empty();
            }
            for address in class.addresses() {
                let all = if matches!(address, IpAddr::V4(_)) { &mut v4 } else { &mut v6 };
                all.push((number(*address), id));
            }
            if class.addresses().is_empty() {
                elsewhere.push(id);
            } else {
                lacks_v4 |= !class.addresses().iter().any(IpAddr::is_ipv4);
                lacks_v6 |= !class.addresses().iter().any(IpAddr::is_ipv6);
            }
            if class.host_network() {
                on_nodes.push(id);
            }
        }
        elsewhere.sort_by_key(|id| reachability.classes.at(*id).host_network());
        v4.sort_unstable();
        v6.sort_unstable();
        let has_common_family = !(lacks_v4 && lacks_v6);
        Self {
            inhabited,
            has_pods,
            is_ordinary,
            addresses: [v4, v6],
            elsewhere,
            on_nodes,
            has_common_family,
            parts: FxHashMap::default(),
            held: Held::default(),
        }
    }

    /// Whom a row tells apart.
    pub(super) fn told(&mut self, reachability: &Reachability, row: &Row) -> ToldByRow {
        let named = self.held_by(reachability, row).and_then(|held| {
            let mut named = held.classes();
            if row.names_ports(reachability) {
                let is_named = |(_, class): &(ClassId, &Class)| row.singles_out_by_port(reachability, class);
                named.extend(reachability.inhabited().filter(is_named).map(|(id, _)| id));
                named.sort_unstable();
                named.dedup();
            }
            if named.len() > self.most() { Err(named.len()) } else { Ok((held, named)) }
        });
        match named {
            Ok((held, named)) => {
                let n_named = named.len();
                let has_terms = row.peers().any(|kind| matches!(kind, PeerKind::All(_)));
                let held = (!has_terms).then(|| held.of(&named));
                ToldByRow { told: Some(Told { apart: named.into(), others: Others::Unnamed }), n_named, held }
            }
            Err(n_named) => {
                let told = self.broad(reachability, row);
                let held = told.as_ref().and_then(|told| self.held_broadly(reachability, row, &told.apart));
                ToldByRow { told, n_named, held }
            }
        }
    }

    /// Takes over what is known of selectors; to be called where the classes are the same.
    pub(super) fn take_parts(&mut self, earlier: Self) {
        self.parts = earlier.parts;
    }

    /// Brings up to date whom a row tells apart, where these classes have come, gone or changed. Returns the places among those told apart
    /// that are gone, and then the places that are new, each as it is when those before are done.
    pub(super) fn update(&self, reachability: &Reachability, row: &Row, told: &mut Told, changed: &[ClassId]) -> (Vec<usize>, Vec<usize>) {
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        let mut apart: Option<Vec<ClassId>> = None;
        for id in changed {
            let known = apart.as_deref().unwrap_or(&told.apart);
            if let Ok(place) = known.binary_search(id) {
                apart.get_or_insert_with(|| told.apart.to_vec()).remove(place);
                gone.push(place);
            }
        }
        for id in changed.iter().filter(|id| self.has_pods(**id)) {
            // Of a row that holds nearly everybody, whoever is new is told apart until it is looked at anew.
            if told.others != Others::Unnamed || row.singles_out(reachability, reachability.classes.at(*id)) {
                let apart = apart.get_or_insert_with(|| told.apart.to_vec());
                let place = apart.partition_point(|other| other < id);
                apart.insert(place, *id);
                come.push(place);
            }
        }
        if let Some(apart) = apart {
            told.apart = apart.into();
        }
        (gone, come)
    }

    /// As many classes are told apart at most.
    pub(super) fn most(&self) -> usize {
        let n_classes = self.inhabited.len();
        if n_classes > 8 { n_classes / 2 } else { usize::MAX }
    }

    pub(super) fn is_ordinary(&self, id: ClassId) -> bool {
        self.is_ordinary.get(id.index()).is_some_and(|is_ordinary| *is_ordinary)
    }

    pub(super) fn has_pods(&self, id: ClassId) -> bool {
        self.has_pods.get(id.index()).is_some_and(|has| *has)
    }

    /// Whom a row tells apart of which some peers hold nearly everybody: then most are held by those peers alone.
    fn broad(&mut self, reachability: &Reachability, row: &Row) -> Option<Told> {
        // What may be known of these is known of each by itself.
        let mut apart: Vec<ClassId> = self.on_nodes.iter().chain(&self.elsewhere).copied().collect();
        let direction = row.key.direction;
        let mut names_ports = false;
        for rule in row.key.policies.iter().filter_map(|placed| placed.policy.rules(direction)).flatten() {
            names_ports |= rule.ports.iter().flatten().any(|port| matches!(port.kind, PortKind::Named(..)));
            for peer in rule.peers.iter().flatten() {
                self.tell_apart(reachability, &peer.kind, &mut apart)?;
            }
        }
        apart.sort_unstable();
        apart.dedup();
        apart.retain(|id| self.has_pods(*id));
        if apart.len() > self.most() {
            return None;
        }
        // Names of ports are resolved on whoever a rule holds.
        let others = if direction == Direction::Egress && names_ports {
            Others::ByPorts
        } else {
            Others::Like(self.inhabited.iter().copied().find(|id| apart.binary_search(id).is_err())?)
        };
        Some(Told { apart: apart.into(), others })
    }

    /// Adds those who are not held by a peer of a rule where most are, or are where most are not.
    fn tell_apart(&mut self, reachability: &Reachability, kind: &PeerKind, apart: &mut Vec<ClassId>) -> Option<()> {
        match kind {
            PeerKind::Pods(selector) => apart.extend(self.part(reachability, selector).fewer()),
            PeerKind::Block(_, block) => apart.extend(self.part_of_block(block).fewer()),
            PeerKind::Entity(entity) => entity.blocks.iter().for_each(|block| apart.extend(self.part_of_block(block).fewer())),
            // Only what shares its node's network is held by these, and that is told apart already.
            PeerKind::Nodes(_) | PeerKind::Domain(_) => {}
            PeerKind::All(terms) => {
                for one in &narrowest(terms)?.any {
                    let part = match one {
                        PeerKind::Pods(selector) => self.part(reachability, selector),
                        PeerKind::Block(_, block) => Arc::new(self.part_of_block(block)),
                        _ => return None,
                    };
                    // Whom the other terms hold of so many is not known.
                    let Part::These(ids) = &*part else { return None };
                    apart.extend(ids);
                }
            }
        }
        Some(())
    }

    pub(super) fn part(&mut self, reachability: &Reachability, selector: &PodSelector) -> Arc<Part> {
        if let Some(part) = self.parts.get(selector) {
            return Arc::clone(part);
        }
        let kind = PeerKind::Pods(selector.clone());
        let is_held = |class: &Class| reachability.matcher.class_match(&kind, class) != Match::No;
        let part = match reachability.selection(selector, reachability.classes.len()) {
            Selection::Few(ids) if ids.len() <= self.most() => Part::These(ids),
            _ => {
                let (these, others): (Vec<_>, Vec<_>) = reachability.inhabited().partition(|(_, class)| is_held(class));
                let ids = |of: Vec<(ClassId, &Class)>| of.into_iter().map(|(id, _)| id).collect();
                if these.len() <= others.len() { Part::These(ids(these)) } else { Part::AllBut(ids(others)) }
            }
        };
        let part = Arc::new(part);
        self.parts.insert(selector.clone(), Arc::clone(&part));
        part
    }

    /// Which classes have some address in a block, of those that have addresses.
    pub(super) fn part_of_block(&self, block: &AddressBlock) -> Part {
        let [v4, v6] = &self.addresses;
        let addresses = if block.family == Family::V4 { v4 } else { v6 };
        let place = |address: u128| addresses.partition_point(|(other, _)| *other < address);
        let spans: Vec<(usize, usize)> = block
            .addresses
            .spans()
            .iter()
            .map(|(first, last)| (place(*first), last.checked_add(1).map_or(addresses.len(), place)))
            .filter(|(from, to)| from < to)
            .collect();
        let n_held: usize = spans.iter().map(|(from, to)| to - from).sum();
        let ids = |from: usize, to: usize| addresses.get(from..to).unwrap_or_default().iter().map(|(_, id)| *id);
        let mut found: Vec<ClassId> = if 2 * n_held <= addresses.len() {
            spans.iter().flat_map(|(from, to)| ids(*from, *to)).collect()
        } else {
            let ends = spans.iter().map(|(_, to)| *to);
            let starts = spans.iter().map(|(from, _)| *from).chain([addresses.len()]);
            std::iter::once(0).chain(ends).zip(starts).flat_map(|(from, to)| ids(from, to)).collect()
        };
        found.sort_unstable();
        found.dedup();
        if 2 * n_held <= addresses.len() { Part::These(found) } else { Part::AllBut(found) }
    }
}
