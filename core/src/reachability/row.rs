//! Rows: what the policies that select a class make of every peer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::class::{Class, ClassId};
use super::evaluation::Evaluation;
use super::matching::{Match, Target};
use super::{Outcome, Reachability, Selection};
use crate::address::{AddressBlock, AddressRange, Family, number};
use crate::assumptions::Cause;
use crate::ids::Id;
use crate::intervals::Intervals;
use crate::object::Kind;
use crate::policy::{Direction, Entity, PeerKind, Policy, PortKind, Rule, Term};
use crate::ports::Protocol;
use crate::record::ContainerPort;

/// A policy in its place: plane and tier, as indexes.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) plane: u8,
    pub(crate) tier: u8,
    pub(crate) policy: Arc<Policy>,
}

impl Placed {
    /// A policy of the tier of these indexes.
    pub(super) fn new(plane: usize, tier: usize, policy: Arc<Policy>) -> Self {
        // There is a handful of planes and tiers.
        let small = |index: usize| u8::try_from(index).unwrap_or(u8::MAX);
        Self { plane: small(plane), tier: small(tier), policy }
    }

    /// Whether it is in this tier of this plane.
    pub(crate) fn is_in(&self, plane: usize, tier: usize) -> bool {
        usize::from(self.plane) == plane && usize::from(self.tier) == tier
    }

    /// When it is asked: by plane, tier, rank and object.
    pub(crate) fn order(&self) -> impl Ord + '_ {
        (self.plane, self.tier, self.policy.rank, &self.policy.object)
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        (self.plane, self.tier) == (other.plane, other.tier) && Arc::ptr_eq(&self.policy, &other.policy)
    }
}

impl Eq for Placed {}

impl std::hash::Hash for Placed {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.policy).addr().hash(state);
    }
}

/// What decides a row: classes with equal keys are answered alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    pub(super) direction: Direction,
    /// The policies that select the class and speak of the direction, in the order in which they are asked.
    pub(super) policies: Box<[Placed]>,
    /// The class' named ports, for ingress: rules by name resolve on them.
    pub(super) ports: Arc<[ContainerPort]>,
    /// The kinds of policies of which more may select the class, unseen.
    pub(super) unseen: SmallVec<[Kind; 2]>,
}

/// What a class may do in one direction: worked out when it is asked for, and shared by all classes that the same policies select, in this
/// reachability and in those that follow from it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: RowKey,
    /// How many classes there were when it was made: these are the same for all who share the row.
    n_classes: usize,
    content: OnceLock<Box<Content>>,
    addresses: OnceLock<Addresses>,
}

/// What a row says of classes. What holds for one that some rule singles out is worked out when asked for, once for all that the row's
/// peers cannot tell apart.
#[derive(Debug)]
struct Content {
    /// What holds for a class that is not singled out.
    others: Arc<ClassOutcome>,
    ports: NamedPorts,
    /// How many peers the rules have.
    n_peers: usize,
    named: OnceLock<Named>,
    answers: Mutex<Answers>,
}

/// What was worked out for classes.
#[derive(Debug, Default)]
struct Answers {
    by_signature: FxHashMap<Signature, Arc<ClassOutcome>>,
    /// What was asked for lately, of classes that all who share the row have, where it takes long to hold a class against the row's peers.
    lately: FxHashMap<ClassId, Arc<ClassOutcome>>,
}

/// Of so many classes a row remembers what it said lately.
const LATELY: usize = 64;

/// A row of fewer peers holds a class against them each time.
const MANY_PEERS: usize = 8;

/// What holds for a class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClassOutcome {
    /// Whichever addresses are used.
    pub(super) either: Outcome,
    /// For IPv4 and for IPv6, where it has both and they are treated differently.
    pub(super) by_family: Option<[Outcome; 2]>,
}

impl ClassOutcome {
    /// What holds where addresses of this family are used.
    pub(super) fn in_family(&self, family: Option<Family>) -> &Outcome {
        match (&self.by_family, family) {
            (Some([v4, _]), Some(Family::V4)) => v4,
            (Some([_, v6]), Some(Family::V6)) => v6,
            _ => &self.either,
        }
    }
}

/// Which classes the rules of a row can single out.
#[derive(Debug)]
struct Named {
    /// Those that selectors match, sorted; `None` where one matches everybody, or so many that they are not remembered.
    selected: Option<Box<[ClassId]>>,
    /// Those that selectors of many match: lists that rows share, sorted.
    many: SmallVec<[Arc<[ClassId]>; 1]>,
    /// The addresses that blocks hold, IPv4 and IPv6.
    blocks: [Intervals<u128>; 2],
    /// Whether nodes are named.
    has_nodes: bool,
    /// Of classes of smaller ids it is known whether they are singled out; of those that came later that is asked anew each time, as they
    /// are not the same for all who share the row.
    n_known: usize,
}

/// The names of ports that the rules of a row name.
#[derive(Debug, Default)]
struct NamedPorts {
    /// Those that count at the other end, whoever that is.
    of_anybody: Vec<(Option<Protocol>, SmolStr)>,
    /// Whether some count at an end that some peer holds.
    of_peers: bool,
}

/// Which of a row's peers match a class, by their places in [`Row::peers`], and how.
pub(super) type Matches = SmallVec<[(u32, Match); 4]>;

/// What a row's peers can tell of a class: which of them match it, how, and which ports it has where names of ports count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Signature {
    matches: Matches,
    ports: Option<Box<[ContainerPort]>>,
    has_both_families: bool,
}

/// What a class may do in one direction with addresses outside.
#[derive(Debug)]
pub struct Addresses {
    /// Disjoint intervals, sorted, each family covered, neighbours different.
    pub intervals: Vec<AddressOutcome>,
    /// The same without what is possible only because a name that some rule lets through may resolve to the address: where names are
    /// listed beside addresses, they say that themselves. `None` where that makes no difference.
    listed: Option<Vec<AddressOutcome>>,
}

/// What holds for an interval of addresses outside.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressOutcome {
    /// The interval.
    pub range: AddressRange,
    /// What holds for each of its addresses.
    pub outcome: Outcome,
}

impl NamedPorts {
    fn new(key: &RowKey) -> Self {
        let mut ports = Self::default();
        for rule in key.rules().filter(|_| key.direction == Direction::Egress) {
            let names = rule.ports.iter().flatten().filter_map(|port| match &port.kind {
                PortKind::Named(protocol, name) => Some((*protocol, name.clone())),
                PortKind::Set(_) => None,
            });
            if rule.peers.is_some() {
                ports.of_peers |= names.count() > 0;
            } else {
                ports.of_anybody.extend(names);
            }
        }
        ports
    }

    /// Whether a class has a port that counts whoever it is.
    fn has(&self, class: &Class) -> bool {
        let is_named = |port: &ContainerPort| {
            let is_it = |(protocol, name): &(Option<Protocol>, SmolStr)| {
                port.name == *name && protocol.is_none_or(|protocol| port.protocol == protocol)
            };
            self.of_anybody.iter().any(is_it)
        };
        !self.of_anybody.is_empty() && class.ports().iter().any(is_named)
    }
}

impl Named {
    fn new(reachability: &Reachability, key: &RowKey, n_classes: usize) -> Self {
        let (blocks, many) = (Default::default(), SmallVec::new());
        let mut named = Self { selected: Some(Box::new([])), many, blocks, has_nodes: false, n_known: n_classes };
        let mut selected: Vec<ClassId> = Vec::new();
        for peer in key.rules().filter_map(|rule| rule.peers.as_ref()).flatten() {
            named.add(reachability, &peer.kind, n_classes, &mut selected);
        }
        if named.selected.is_some() {
            selected.sort_unstable();
            selected.dedup();
            named.selected = Some(selected.into());
        }
        if !named.many.is_empty() {
            named.n_known = n_classes.min(reachability.index.n_filed());
        }
        named
    }

    /// Takes in whom a peer may hold.
    fn add(&mut self, reachability: &Reachability, kind: &PeerKind, n_classes: usize, selected: &mut Vec<ClassId>) {
        match kind {
            PeerKind::Pods(selector) => match reachability.selection(selector, n_classes) {
                Selection::Few(classes) => selected.extend(classes),
                Selection::Many(classes) => self.many.push(classes),
                Selection::Anybody => self.selected = None,
            },
            PeerKind::Block(_, block) => self.add_block(block),
            PeerKind::Nodes(_) => self.has_nodes = true,
            PeerKind::Domain(_) => {}
            PeerKind::Entity(entity) => match entity.entity {
                Entity::World => {}
                Entity::OwnNode | Entity::OtherNodes => self.has_nodes = true,
                Entity::ApiServer => {
                    self.has_nodes = true;
                    entity.blocks.iter().for_each(|block| self.add_block(block));
                }
            },
            // Whom the narrowest of the terms holds, which must all hold.
            PeerKind::All(terms) => match narrowest(terms) {
                Some(term) => term.any.iter().for_each(|kind| self.add(reachability, kind, n_classes, selected)),
                None => self.selected = None,
            },
        }
    }

    fn add_block(&mut self, block: &AddressBlock) {
        let [v4, v6] = &mut self.blocks;
        let blocks = if block.family == Family::V4 { v4 } else { v6 };
        *blocks = blocks.union(&block.addresses);
    }

    /// Whether some rule may single a class out.
    fn may_hold(&self, id: ClassId, class: &Class) -> bool {
        let [v4, v6] = &self.blocks;
        let by_block = || {
            let has_blocks = !v4.is_empty() || !v6.is_empty();
            has_blocks
                && (class.addresses().is_empty()
                    || class.addresses().iter().any(|address| {
                        let blocks = if address.is_ipv4() { v4 } else { v6 };
                        blocks.contains(number(*address))
                    }))
        };
        self.selected.as_ref().is_none_or(|selected| selected.binary_search(&id).is_ok())
            || self.many.iter().any(|selected| selected.binary_search(&id).is_ok())
            || by_block()
            || (self.has_nodes && class.host_network())
    }
}

/// The term that holds the fewest, as far as that shows: pods by their labels, and then whatever else is not negated.
pub(super) fn narrowest(terms: &[Term]) -> Option<&Term> {
    let positive = || terms.iter().filter(|term| !term.is_negated);
    let are_pods = |term: &&Term| term.any.iter().all(|kind| matches!(kind, PeerKind::Pods(_)));
    positive().find(are_pods).or_else(|| positive().next())
}

impl RowKey {
    /// The rules of the policies, in the order in which they are asked.
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.policies.iter().filter_map(|placed| placed.policy.rules(self.direction)).flatten()
    }
}

impl Row {
    /// A row that nobody has asked for yet, of a reachability with so many classes.
    pub(super) fn new(key: RowKey, n_classes: usize) -> Self {
        Self { key, n_classes, content: OnceLock::new(), addresses: OnceLock::new() }
    }

    /// What stands where a row is not known yet.
    pub(super) fn unknown() -> Self {
        let key = RowKey { direction: Direction::Ingress, policies: Box::default(), ports: Arc::from([]), unseen: SmallVec::new() };
        Self::new(key, 0)
    }

    /// Whether no policy has a say.
    fn is_open(&self) -> bool {
        self.key.policies.is_empty() && self.key.unseen.is_empty()
    }

    fn content(&self, reachability: &Reachability) -> &Content {
        self.content.get_or_init(|| {
            let evaluation = Evaluation::new(reachability, &self.key);
            let outcome = if self.is_open() { Outcome::all() } else { evaluation.outcome(Target::AnyOtherClass, None) };
            let others = Arc::new(ClassOutcome { either: outcome, by_family: None });
            let n_peers = self.key.rules().map(|rule| rule.peers.as_ref().map_or(0, |peers| peers.len())).sum();
            let (ports, named, answers) = (NamedPorts::new(&self.key), OnceLock::new(), Mutex::default());
            Box::new(Content { others, ports, n_peers, named, answers })
        })
    }

    /// Whether some rule may single a class out.
    fn may_hold(&self, reachability: &Reachability, content: &Content, id: ClassId) -> bool {
        let named = content.named.get_or_init(|| Named::new(reachability, &self.key, self.n_classes));
        let class = reachability.classes.at(id);
        id.index() >= named.n_known || named.may_hold(id, class) || content.ports.has(class)
    }

    /// Whether it has been asked for.
    pub(super) fn is_there(&self) -> bool {
        self.content.get().is_some()
    }

    /// What holds for a class.
    pub(super) fn of_class(&self, reachability: &Reachability, id: ClassId) -> Arc<ClassOutcome> {
        let content = self.content(reachability);
        let class = reachability.classes.at(id);
        if self.is_open() || !self.may_hold(reachability, content, id) {
            return Arc::clone(&content.others);
        }
        let remembers = content.n_peers > MANY_PEERS && id.index() < self.n_classes;
        if remembers {
            let answers = content.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = answers.lately.get(&id) {
                return Arc::clone(answer);
            }
        }
        let answer = self.by_signature(reachability, content, class);
        if remembers {
            let mut answers = content.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.lately.len() >= LATELY {
                answers.lately.clear();
            }
            answers.lately.insert(id, Arc::clone(&answer));
        }
        answer
    }

    fn by_signature(&self, reachability: &Reachability, content: &Content, class: &Class) -> Arc<ClassOutcome> {
        let mut matches = Matches::new();
        let mut place = 0u32;
        let mut note = |kind: &PeerKind| {
            let matched = reachability.matcher.class_match(kind, class);
            if matched != Match::No {
                matches.push((place, matched));
            }
            place += 1;
        };
        for kind in self.peers() {
            note(kind);
            // Of several terms each counts by itself: assumptions may turn them out differently.
            if let PeerKind::All(_) = kind {
                kind.parts().into_iter().for_each(&mut note);
            }
        }
        self.by_matches(reachability, content, class, matches)
    }

    /// Who the peers of the rules are, in their order.
    pub(super) fn peers(&self) -> impl Iterator<Item = &PeerKind> {
        self.key.rules().filter_map(|rule| rule.peers.as_ref()).flatten().map(|peer| &peer.kind)
    }

    /// What holds for a class, where it is known which of the peers match it; for a row of which no peer is [`PeerKind::All`].
    pub(super) fn of_matches(&self, reachability: &Reachability, id: ClassId, matches: Matches) -> Arc<ClassOutcome> {
        self.by_matches(reachability, self.content(reachability), reachability.classes.at(id), matches)
    }

    fn by_matches(&self, reachability: &Reachability, content: &Content, class: &Class, matches: Matches) -> Arc<ClassOutcome> {
        let ports = || class.ports().iter().filter(|port| reachability.relevant.port_names.contains(&port.name));
        // Names of ports are resolved on whoever a rule holds.
        let has_ports = (content.ports.of_peers && !matches.is_empty()) || content.ports.has(class);
        let signature = Signature {
            matches,
            ports: has_ports.then(|| ports().map(|port| ContainerPort { host_port: None, ..port.clone() }).collect()),
            has_both_families: reachability.has_dual_stack && class.has_both_families(),
        };
        if signature.matches.is_empty() && signature.ports.is_none() {
            return Arc::clone(&content.others);
        }
        let mut answers = content.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.by_signature.get(&signature) {
            return Arc::clone(answer);
        }
        let evaluation = Evaluation::new(reachability, &self.key);
        let target = Target::Class(class);
        let answer = if signature.has_both_families {
            let [v4, v6] = [Family::V4, Family::V6].map(|family| evaluation.outcome(target, Some(family)));
            let either = v4.or_elsewhere(&v6, Cause::OneFamily);
            ClassOutcome { either, by_family: (v4 != v6).then_some([v4, v6]) }
        } else {
            ClassOutcome { either: evaluation.outcome(target, None), by_family: None }
        };
        let answer = Arc::new(answer);
        answers.by_signature.insert(signature, Arc::clone(&answer));
        answer
    }

    /// What it says of addresses outside.
    pub(super) fn addresses(&self, reachability: &Reachability) -> &Addresses {
        self.addresses.get_or_init(|| self.work_out_addresses(reachability))
    }

    /// Whether some rule singles a class out, told from the rules themselves.
    pub(super) fn singles_out(&self, reachability: &Reachability, class: &Class) -> bool {
        let holds = |kind: &PeerKind| reachability.matcher.class_match(kind, class) != Match::No;
        self.peers().any(holds) || self.singles_out_by_port(reachability, class)
    }

    /// Whether names of ports single classes out, whoever they are.
    pub(super) fn names_ports(&self, reachability: &Reachability) -> bool {
        !self.content(reachability).ports.of_anybody.is_empty()
    }

    /// Whether the name of a port singles a class out, whoever it is.
    pub(super) fn singles_out_by_port(&self, reachability: &Reachability, class: &Class) -> bool {
        self.content(reachability).ports.has(class)
    }

    /// What holds for a class that is not singled out.
    pub(super) fn others(&self, reachability: &Reachability) -> &ClassOutcome {
        &self.content(reachability).others
    }

    fn work_out_addresses(&self, reachability: &Reachability) -> Addresses {
        if self.is_open() {
            let all = [Family::V4, Family::V6].map(|family| AddressOutcome { range: AddressRange::all(family), outcome: Outcome::all() });
            return Addresses { intervals: all.into(), listed: None };
        }
        let evaluation = Evaluation::new(reachability, &self.key);
        let mut starts = [BTreeSet::from([0u128]), BTreeSet::from([0u128])];
        for block in self.peers().flat_map(PeerKind::parts).flat_map(PeerKind::blocks) {
            let [v4, v6] = &mut starts;
            let (starts, last) = if block.family == Family::V4 { (v4, Family::V4.last()) } else { (v6, Family::V6.last()) };
            for (first, end) in block.addresses.spans() {
                starts.insert(*first);
                if *end < last {
                    starts.insert(*end + 1);
                }
            }
        }
        let (mut intervals, mut listed) = (Vec::new(), Vec::new());
        for (family, starts) in [Family::V4, Family::V6].into_iter().zip(starts) {
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([family.last()]);
            for (first, last) in starts.iter().zip(ends) {
                let range = AddressRange { family, first: *first, last };
                let target = Target::Address(family, *first);
                let outcome = evaluation.outcome(target, None);
                if outcome.causes.contains(&Cause::Resolves) {
                    let by_address = evaluation.without_names().outcome(target, None);
                    let possible = outcome.possible.intersection(&by_address.possible);
                    append(&mut listed, range, Outcome::new(outcome.certain.clone(), possible, outcome.causes.clone()));
                } else {
                    append(&mut listed, range, outcome.clone());
                }
                append(&mut intervals, range, outcome);
            }
        }
        let listed = (listed != intervals).then_some(listed);
        Addresses { intervals, listed }
    }

    /// What it says of a target that is the node which the subject runs on, and of one of its addresses.
    pub(super) fn own_node_side(&self, reachability: &Reachability, target: Target<'_>, family: Option<Family>) -> Outcome {
        let evaluation = Evaluation::new(reachability, &self.key);
        evaluation.for_own_node().map_or_else(Outcome::all, |evaluation| evaluation.outcome(target, family))
    }

    /// What it says of one target that it keeps no answer for.
    pub(super) fn towards(&self, reachability: &Reachability, target: Target<'_>) -> Outcome {
        Evaluation::new(reachability, &self.key).outcome(target, None)
    }
}

/// Adds what holds for the addresses after those that are there.
fn append(intervals: &mut Vec<AddressOutcome>, range: AddressRange, outcome: Outcome) {
    match intervals.last_mut() {
        Some(previous) if previous.range.family == range.family && previous.outcome == outcome => previous.range.last = range.last,
        _ => intervals.push(AddressOutcome { range, outcome }),
    }
}

impl Addresses {
    /// What holds for an address outside, given as the number within its family.
    pub fn of_address(&self, family: Family, address: u128) -> Outcome {
        find(&self.intervals, family, address)
    }

    /// What a listing says of it, which has names beside addresses: without what is possible only where a name resolves to the address.
    pub fn listed_of(&self, family: Family, address: u128) -> Outcome {
        find(self.listed(), family, address)
    }

    /// What a listing says, which has names beside addresses: disjoint intervals, sorted, each family covered, neighbours different.
    pub fn listed(&self) -> &[AddressOutcome] {
        self.listed.as_deref().unwrap_or(&self.intervals)
    }
}

fn find(intervals: &[AddressOutcome], family: Family, address: u128) -> Outcome {
    // Sorted and without a gap within a family: the last one that begins at or before the address holds it.
    let begins_before = |range: &AddressRange| (range.family, range.first) <= (family, address);
    let n_before = intervals.partition_point(|interval| begins_before(&interval.range));
    let found = n_before.checked_sub(1).and_then(|index| intervals.get(index));
    found.filter(|interval| interval.range.family == family).map_or_else(Outcome::all, |interval| interval.outcome.clone())
}
