//! Whom a row tells apart: those that its rules name, or where they hold nearly everybody, those that they do not hold.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::matching::Match;
use super::super::row::{Row, narrowest};
use super::super::{Class, ClassId, Reachability, Selection};
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

/// Which classes a peer of a rule holds.
#[derive(Debug)]
enum Part {
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
    /// The addresses of the classes that have pods, IPv4 and IPv6, sorted.
    addresses: [Vec<(u128, ClassId)>; 2],
    /// Those without an address.
    elsewhere: Vec<ClassId>,
    /// Those that share their node's network.
    on_nodes: Vec<ClassId>,
    /// Whether any two classes have an address family in common.
    pub(super) has_common_family: bool,
    /// What selectors hold that hold many.
    parts: FxHashMap<PodSelector, Arc<Part>>,
}

impl Telling {
    pub(super) fn new(reachability: &Reachability) -> Self {
        let (mut v4, mut v6, mut elsewhere, mut on_nodes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut lacks_v4, mut lacks_v6) = (false, false);
        let mut inhabited = Vec::new();
        let mut has_pods = vec![false; reachability.classes.len()];
        for (id, class) in reachability.inhabited() {
            inhabited.push(id);
            if let Some(has) = has_pods.get_mut(id.index()) {
                *has = true;
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
        v4.sort_unstable();
        v6.sort_unstable();
        let has_common_family = !(lacks_v4 && lacks_v6);
        Self { inhabited, has_pods, addresses: [v4, v6], elsewhere, on_nodes, has_common_family, parts: FxHashMap::default() }
    }

    /// Whom a row tells apart, `None` where they are too many; and how many its rules name at least.
    pub(super) fn told(&mut self, reachability: &Reachability, row: &Row) -> (Option<Told>, usize) {
        match self.named_by(reachability, row) {
            Ok(named) => {
                let n_named = named.len();
                (Some(Told { apart: named.into(), others: Others::Unnamed }), n_named)
            }
            Err(n_named) => (self.broad(reachability, row), n_named),
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

    fn has_pods(&self, id: ClassId) -> bool {
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

    fn part(&mut self, reachability: &Reachability, selector: &PodSelector) -> Arc<Part> {
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
    fn part_of_block(&self, block: &AddressBlock) -> Part {
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

    /// Those that a row's rules name, sorted; where they are nearly all, how many at least.
    fn named_by(&self, reachability: &Reachability, row: &Row) -> Result<Vec<ClassId>, usize> {
        let n_classes = reachability.classes.len();
        let most = self.most();
        let singling = row.singling(reachability).ok_or(usize::MAX)?;
        let mut ids: Vec<ClassId> = singling.selected.to_vec();
        ids.extend(singling.lists().iter().flat_map(|list| list.iter().copied()));
        if singling.has_blocks() {
            ids.extend(&self.elsewhere);
            for (blocks, addresses) in singling.blocks().iter().zip(&self.addresses) {
                for (first, last) in blocks.spans() {
                    let from = addresses.partition_point(|(address, _)| address < first);
                    ids.extend(
                        addresses.get(from..).unwrap_or_default().iter().take_while(|(address, _)| address <= last).map(|(_, id)| *id),
                    );
                    if ids.len() > most.saturating_mul(2) {
                        ids.sort_unstable();
                        ids.dedup();
                        if ids.len() > most {
                            return Err(ids.len());
                        }
                    }
                }
            }
        }
        if singling.has_nodes() {
            ids.extend(&self.on_nodes);
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| id.index() < singling.n_known && self.has_pods(*id));
        let later = (singling.n_known..n_classes).map(ClassId::from_index);
        ids.extend(later.filter(|id| self.has_pods(*id) && row.singles_out(reachability, reachability.classes.at(*id))));
        if singling.has_ports() {
            let holds = |(id, class): &(ClassId, &Class)| ids.binary_search(id).is_ok() || singling.has_port_of(class);
            ids = reachability.inhabited().filter(holds).map(|(id, _)| id).collect();
        }
        if ids.len() <= most { Ok(ids) } else { Err(ids.len()) }
    }
}
