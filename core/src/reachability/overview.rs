//! Who is told apart by whom, for many classes at once: what holds for most pairs is said once for each class, and only the pairs that some
//! rule speaks of are named.
//!
//! Invariant: for two classes that are [regular](Overview::is_regular) in the direction that is asked about and of which neither tells the
//! other [apart](Overview::apart), [`Reachability::pair`] is what [`Overview::others`] of both sides come to together.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::matching::Match;
use super::row::{Row, narrowest};
use super::{Class, ClassId, End, Outcome, Reachability, Selection};
use crate::address::{AddressBlock, Family, number};
use crate::ids::Id as _;
use crate::inventory::{Inventory, PodId};
use crate::policy::{Direction, PeerKind, PodSelector, PortKind};
use crate::ports::{PortSet, Protocol};

/// Classes, sorted; `None` for too many of them.
type Named = Option<Arc<[ClassId]>>;

/// What is known of a row.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The classes that may be treated unlike most.
    apart: Named,
    /// One that is treated like most, where that is not what holds for a class that no rule names.
    like_most: Option<ClassId>,
    /// What the others are told apart by besides, where most are: their ports of certain names.
    by_ports: Option<Arc<ByPorts>>,
}

/// Classes by their ports of some names.
#[derive(Debug, Default)]
struct ByPorts {
    /// A number for each class that is the same for equal ports.
    group_of: FxHashMap<ClassId, u32>,
    /// The classes whose ports are not those that most have.
    unlike: Vec<ClassId>,
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

/// A view of all classes of a reachability that answers questions about many of them.
pub struct Overview<'a> {
    reachability: &'a Reachability,
    /// The addresses of the classes that have pods, IPv4 and IPv6, sorted.
    addresses: [Vec<(u128, ClassId)>; 2],
    /// Those without an address.
    elsewhere: Vec<ClassId>,
    /// Those that share their node's network.
    on_nodes: Vec<ClassId>,
    /// Whether any two classes have an address family in common.
    has_common_family: bool,
    known: FxHashMap<*const Row, Known>,
    /// By names of ports.
    by_ports: FxHashMap<Vec<SmolStr>, Arc<ByPorts>>,
    /// What holds for a class that is told apart by its ports alone, by row and group.
    of_groups: FxHashMap<(*const Row, u32), u32>,
    /// What selectors hold that hold many.
    parts: FxHashMap<PodSelector, Arc<Part>>,
    /// Every outcome that has come up, and its place.
    outcomes: Vec<Outcome>,
    places: FxHashMap<Outcome, u32>,
    /// What holds for a class that is named, by row.
    sides: FxHashMap<(*const Row, ClassId), u32>,
    /// What holds for the others, by row.
    rest: FxHashMap<*const Row, u32>,
    /// What two sides come to together.
    both: FxHashMap<(u32, u32), u32>,
}

/// What came out for a pair of classes: a number that is the same for equal outcomes. See [`Overview::outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutcomeId(u32);

impl Reachability {
    /// A view of all classes.
    pub fn overview(&self) -> Overview<'_> {
        let (mut v4, mut v6, mut elsewhere, mut on_nodes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut lacks_v4, mut lacks_v6) = (false, false);
        for (id, class) in self.inhabited() {
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
        Overview {
            reachability: self,
            addresses: [v4, v6],
            elsewhere,
            on_nodes,
            has_common_family,
            known: FxHashMap::default(),
            by_ports: FxHashMap::default(),
            of_groups: FxHashMap::default(),
            parts: FxHashMap::default(),
            outcomes: Vec::new(),
            places: FxHashMap::default(),
            sides: FxHashMap::default(),
            rest: FxHashMap::default(),
            both: FxHashMap::default(),
        }
    }
}

impl Overview<'_> {
    /// The classes with pods that rules may single out for a class in one direction, sorted; `None` where they are nearly all. It may name
    /// some that are treated like all others.
    pub fn named(&mut self, class: ClassId, direction: Direction) -> Option<Arc<[ClassId]>> {
        let known = self.known(class, direction);
        (known.like_most.is_none() && known.by_ports.is_none()).then_some(known.apart).flatten()
    }

    /// The classes with pods that may be treated unlike most in one direction, sorted: those that rules [name](Overview::named), or where
    /// some rule holds nearly everybody, those that it does not hold, and those that others name. `None` where they are too many.
    pub fn apart(&mut self, class: ClassId, direction: Direction) -> Option<Arc<[ClassId]>> {
        let known = self.known(class, direction);
        known.by_ports.is_none().then_some(known.apart).flatten()
    }

    fn known(&mut self, class: ClassId, direction: Direction) -> Known {
        let row = self.reachability.row(class, direction);
        let key = std::ptr::from_ref(row);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let known = match self.named_by(row) {
            Some(named) => Known { apart: Some(named), ..Known::default() },
            None => self.broad(row).unwrap_or_default(),
        };
        self.known.insert(key, known.clone());
        known
    }

    /// As many classes are told apart at most.
    fn most(&self) -> usize {
        let n_classes = self.reachability.classes.len();
        if n_classes > 8 { n_classes / 2 } else { usize::MAX }
    }

    /// What is known of a row of which some peers hold nearly everybody: then most are held by those peers alone.
    fn broad(&mut self, row: &Row) -> Option<Known> {
        let reachability = self.reachability;
        // What may be known of these is known of each by itself.
        let mut apart: Vec<ClassId> = self.on_nodes.iter().chain(&self.elsewhere).copied().collect();
        let direction = row.key.direction;
        let mut names: Vec<&SmolStr> = Vec::new();
        for rule in row.key.policies.iter().filter_map(|placed| placed.policy.rules(direction)).flatten() {
            names.extend(rule.ports.iter().flatten().filter_map(|port| match &port.kind {
                PortKind::Named(_, name) => Some(name),
                PortKind::Set(_) => None,
            }));
            for peer in rule.peers.iter().flatten() {
                self.tell_apart(&peer.kind, &mut apart)?;
            }
        }
        let in_order = |ids: &mut Vec<ClassId>| {
            ids.sort_unstable();
            ids.dedup();
            ids.retain(|id| !reachability.classes.at(*id).pods.is_empty());
        };
        in_order(&mut apart);
        if apart.len() > self.most() {
            return None;
        }
        if direction == Direction::Egress && !names.is_empty() {
            // Names of ports are resolved on whoever a rule holds.
            names.sort_unstable();
            names.dedup();
            let by_ports = self.by_ports(&names);
            if apart.len() + by_ports.unlike.len() > self.most() {
                return Some(Known { apart: Some(apart.into()), like_most: None, by_ports: Some(by_ports) });
            }
            apart.extend(&by_ports.unlike);
            in_order(&mut apart);
        }
        let like_most = reachability.inhabited().map(|(id, _)| id).find(|id| apart.binary_search(id).is_err())?;
        Some(Known { apart: Some(apart.into()), like_most: Some(like_most), by_ports: None })
    }

    /// The classes by their ports of these names.
    fn by_ports(&mut self, names: &[&SmolStr]) -> Arc<ByPorts> {
        let key: Vec<SmolStr> = names.iter().map(|name| (*name).clone()).collect();
        if let Some(known) = self.by_ports.get(&key) {
            return Arc::clone(known);
        }
        type Ports<'a> = Vec<(&'a str, Protocol, u16)>;
        let mut groups: FxHashMap<Ports<'_>, (u32, usize)> = FxHashMap::default();
        let mut group_of = FxHashMap::default();
        for (id, class) in self.reachability.inhabited() {
            let ports = class.ports().iter().filter(|port| names.contains(&&port.name));
            let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            let (group, n) = groups.entry(ports.map(|port| (port.name.as_str(), port.protocol, port.port)).collect()).or_insert((next, 0));
            *n += 1;
            group_of.insert(id, *group);
        }
        let usual = groups.into_values().max_by_key(|(group, n)| (*n, *group)).map(|(group, _)| group);
        let unlike = group_of.iter().filter(|(_, group)| Some(**group) != usual).map(|(id, _)| *id).collect();
        let by_ports = Arc::new(ByPorts { group_of, unlike });
        self.by_ports.insert(key, Arc::clone(&by_ports));
        by_ports
    }

    /// Adds those who are not held by a peer of a rule where most are, or are where most are not.
    fn tell_apart(&mut self, kind: &PeerKind, apart: &mut Vec<ClassId>) -> Option<()> {
        match kind {
            PeerKind::Pods(selector) => apart.extend(self.part(selector).fewer()),
            PeerKind::Block(_, block) => apart.extend(self.part_of_block(block).fewer()),
            PeerKind::Entity(entity) => entity.blocks.iter().for_each(|block| apart.extend(self.part_of_block(block).fewer())),
            // Only what shares its node's network is held by these, and that is told apart already.
            PeerKind::Nodes(_) | PeerKind::Domain(_) => {}
            PeerKind::All(terms) => {
                for one in &narrowest(terms)?.any {
                    let part = match one {
                        PeerKind::Pods(selector) => self.part(selector),
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

    fn part(&mut self, selector: &PodSelector) -> Arc<Part> {
        if let Some(part) = self.parts.get(selector) {
            return Arc::clone(part);
        }
        let reachability = self.reachability;
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

    fn named_by(&self, row: &Row) -> Named {
        let reachability = self.reachability;
        let n_classes = reachability.classes.len();
        let most = self.most();
        let singling = row.singling(reachability)?;
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
                        return None;
                    }
                }
            }
        }
        if singling.has_nodes() {
            ids.extend(&self.on_nodes);
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| id.index() < singling.n_known && !reachability.classes.at(*id).pods.is_empty());
        let later = (singling.n_known..n_classes).map(ClassId::from_index);
        ids.extend(later.filter(|id| !reachability.classes.at(*id).pods.is_empty()));
        if singling.has_ports() {
            let holds = |(id, class): &(ClassId, &Class)| ids.binary_search(id).is_ok() || singling.has_port_of(class);
            ids = reachability.inhabited().filter(holds).map(|(id, _)| id).collect();
        }
        (ids.len() <= most).then(|| ids.into())
    }

    /// Whether a class is treated in one direction by its rules alone, which tell few apart: it does not share its node's network, and shares an
    /// address family with everybody.
    pub fn is_regular(&mut self, class: ClassId, direction: Direction) -> bool {
        !self.is_special(class) && self.apart(class, direction).is_some()
    }

    /// Whether more than rules decides about a class: it shares its node's network, or may lack an address family that others have.
    fn is_special(&self, class: ClassId) -> bool {
        !self.has_common_family || self.reachability.has_dual_stack || self.reachability.node_of(class).is_some()
    }

    fn id_of(&mut self, outcome: Outcome) -> u32 {
        if let Some(id) = self.places.get(&outcome) {
            return *id;
        }
        let id = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        self.outcomes.push(outcome.clone());
        self.places.insert(outcome, id);
        id
    }

    /// What a number stands for.
    pub fn outcome(&self, id: OutcomeId) -> &Outcome {
        static NONE: LazyLock<Outcome> = LazyLock::new(|| Outcome::exactly(PortSet::none()));
        self.outcomes.get(id.0 as usize).unwrap_or(&NONE)
    }

    fn both(&mut self, egress: u32, ingress: u32) -> OutcomeId {
        if let Some(id) = self.both.get(&(egress, ingress)) {
            return OutcomeId(*id);
        }
        let outcome = self.outcome(OutcomeId(egress)).and(self.outcome(OutcomeId(ingress)));
        let id = self.id_of(outcome);
        self.both.insert((egress, ingress), id);
        OutcomeId(id)
    }

    /// What holds in one direction for every class that is not told apart, as a number that is the same for equal outcomes.
    pub fn others(&mut self, class: ClassId, direction: Direction) -> OutcomeId {
        let row = self.reachability.row(class, direction);
        let key = std::ptr::from_ref(row);
        if let Some(id) = self.rest.get(&key) {
            return OutcomeId(*id);
        }
        let outcome = match self.known(class, direction).like_most {
            Some(like) => row.of_class(self.reachability, like).in_family(None).clone(),
            None => row.others(self.reachability).in_family(None).clone(),
        };
        let id = self.id_of(outcome);
        self.rest.insert(key, id);
        OutcomeId(id)
    }

    /// What two sides come to together, of which each is what holds for others.
    pub fn of_others(&mut self, egress: OutcomeId, ingress: OutcomeId) -> OutcomeId {
        self.both(egress.0, ingress.0)
    }

    /// What one side makes of a class.
    fn side(&mut self, subject: ClassId, direction: Direction, peer: ClassId) -> u32 {
        let reachability = self.reachability;
        let row = reachability.row(subject, direction);
        let key = std::ptr::from_ref(row);
        let known = self.known(subject, direction);
        let outcome = || row.of_class(reachability, peer).in_family(None).clone();
        let is_apart = known.apart.as_ref().map(|apart| apart.binary_search(&peer).is_ok());
        match (is_apart, &known.by_ports) {
            (Some(false), None) => self.others(subject, direction).0,
            (Some(false), Some(by_ports)) => {
                let Some(group) = by_ports.group_of.get(&peer) else { return self.id_of(outcome()) };
                if let Some(id) = self.of_groups.get(&(key, *group)) {
                    return *id;
                }
                let id = self.id_of(outcome());
                self.of_groups.insert((key, *group), id);
                id
            }
            (Some(true), _) => {
                if let Some(id) = self.sides.get(&(key, peer)) {
                    return *id;
                }
                let id = self.id_of(outcome());
                self.sides.insert((key, peer), id);
                id
            }
            // There are too many of these to remember.
            (None, _) => self.id_of(outcome()),
        }
    }

    /// What [`Reachability::connection`] says of two pods, as a number that is the same for equal outcomes.
    pub fn of_pods(&mut self, inventory: &Inventory, from: PodId, to: PodId) -> OutcomeId {
        let outcome = self.reachability.connection(inventory, End::Pod(from), End::Pod(to));
        OutcomeId(self.id_of(outcome))
    }

    /// What [`Reachability::pair`] says, as a number that is the same for equal outcomes.
    pub fn pair(&mut self, from: ClassId, to: ClassId) -> OutcomeId {
        if self.is_special(from) || self.is_special(to) {
            let outcome = self.reachability.pair(from, to);
            return OutcomeId(self.id_of(outcome));
        }
        let egress = self.side(from, Direction::Egress, to);
        let ingress = self.side(to, Direction::Ingress, from);
        self.both(egress, ingress)
    }
}
