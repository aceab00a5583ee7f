//! The pairs of classes that have to be told one by one.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::super::ClassId;
use super::{OutcomeId, Outdated, Overview, UNKNOWN};
use crate::ids::Id as _;
use crate::policy::Direction;

/// Two classes of which one tells the other apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Where it starts.
    pub from: ClassId,
    /// Where it ends.
    pub to: ClassId,
    /// What may go between them; where they are on one node, what may go between some pods of them.
    pub outcome: OutcomeId,
    /// Whether a rule names one of them, as against rules that hold nearly everybody.
    pub is_named: bool,
    /// Whether pods of the one share the network of a node that runs pods of the other: then it counts which pods they are.
    pub is_on_node: bool,
}

/// Pairs of classes, sorted; there are many of them.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Each source with where its targets end.
    sources: Vec<(ClassId, usize)>,
    /// Each target, and its outcome with [`IS_NAMED`] and [`IS_ON_NODE`].
    targets: Vec<(ClassId, u32)>,
}

/// A target that tells a source apart.
#[derive(Debug, Clone, Copy)]
struct Side {
    to: ClassId,
    /// What it makes of the source.
    outcome: u32,
    is_named: bool,
}

/// The targets that tell each source apart, sorted.
struct AllInto {
    sides: Vec<Side>,
    /// Where those of each class end, and those of the next one begin.
    ends: Vec<usize>,
}

impl AllInto {
    fn of(&self, from: ClassId) -> &[Side] {
        let start = from.index().checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(from.index()).copied().unwrap_or(0);
        self.sides.get(start..end).unwrap_or_default()
    }
}

/// Set in an outcome where the pair is named.
const IS_NAMED: u32 = 1 << 31;

/// Set in an outcome where it counts which pods of the pair are meant.
const IS_ON_NODE: u32 = 1 << 30;

impl Pairs {
    /// Adds one that comes after those that are there.
    fn push(&mut self, pair: Pair) {
        let flags = if pair.is_named { IS_NAMED } else { 0 } | if pair.is_on_node { IS_ON_NODE } else { 0 };
        self.targets.push((pair.to, (pair.outcome.0 & !(IS_NAMED | IS_ON_NODE)) | flags));
        match self.sources.last_mut() {
            Some((from, end)) if *from == pair.from => *end = self.targets.len(),
            _ => self.sources.push((pair.from, self.targets.len())),
        }
    }

    /// Each of them, by source and target.
    pub fn iter(&self) -> impl Iterator<Item = Pair> + '_ {
        let starts = std::iter::once(0).chain(self.sources.iter().map(|(_, end)| *end));
        self.sources.iter().zip(starts).flat_map(|((from, end), start)| {
            self.targets.get(start..*end).unwrap_or_default().iter().map(|(to, outcome)| Pair {
                from: *from,
                to: *to,
                outcome: OutcomeId(outcome & !(IS_NAMED | IS_ON_NODE)),
                is_named: outcome & IS_NAMED != 0,
                is_on_node: outcome & IS_ON_NODE != 0,
            })
        })
    }
}

impl Overview {
    /// Of the pairs of classes of which one tells the other [apart](Self::apart) those that come out otherwise than what holds for
    /// [others](Self::others) on both sides, and those that are named and let something through; sorted. Of classes that tell too many
    /// apart there are those pairs only in which the other end tells them apart.
    pub fn pairs(&mut self) -> Arc<Pairs> {
        match std::mem::replace(&mut self.outdated, Outdated::These(FxHashSet::default())) {
            Outdated::All => self.pairs = Arc::new(self.all_pairs()),
            Outdated::These(outdated) if outdated.is_empty() => {}
            Outdated::These(outdated) => {
                let new = self.pairs_of(&outdated);
                let stays = |pair: &Pair| !outdated.contains(&pair.from) && !outdated.contains(&pair.to);
                let mut all = Pairs::default();
                let mut new = new.into_iter().peekable();
                for pair in self.pairs.iter().filter(stays) {
                    while let Some(before) = new.next_if(|new| (new.from, new.to) < (pair.from, pair.to)) {
                        all.push(before);
                    }
                    all.push(pair);
                }
                new.for_each(|pair| all.push(pair));
                self.pairs = Arc::new(all);
            }
        }
        Arc::clone(&self.pairs)
    }

    /// All pairs.
    fn all_pairs(&mut self) -> Pairs {
        let inhabited = self.telling.inhabited.clone();
        let into = self.all_into(&inhabited);
        let mut lets_in = vec![UNKNOWN; self.reachability.classes.len()];
        for to in &inhabited {
            if let (Some(slot), Some(others)) = (lets_in.get_mut(to.index()), self.lets_in(*to)) {
                *slot = others.0;
            }
        }
        let mut pairs = Pairs::default();
        for from in inhabited {
            let into = into.of(from);
            if self.is_special() || self.on_nodes.contains_key(&from) {
                self.pairs_one_by_one(from, into, &mut pairs);
                continue;
            }
            self.find_out_apart(from, Direction::Egress);
            let is_by_name = self.is_by_name(from, Direction::Egress);
            let lets_out = self.lets_out(from);
            let known = self.known_already(from, Direction::Egress);
            let told = known.and_then(|known| Some((Arc::clone(&known.told.as_ref()?.apart), known.of_apart.clone())));
            let (apart, of_apart) = told.unwrap_or_default();
            let mut out = apart.iter().zip(&of_apart).peekable();
            let mut into = into.iter().peekable();
            while let Some(to) = [out.peek().map(|(to, _)| **to), into.peek().map(|side| side.to)].into_iter().flatten().min() {
                let others_out = lets_out.get(self.port_group(to)).map_or(UNKNOWN, |others| others.0);
                let others_in = lets_in.get(to.index()).copied().unwrap_or(UNKNOWN);
                let by_source = out.next_if(|(other, _)| **other == to).map(|(_, outcome)| *outcome);
                let by_target = into.next_if(|side| side.to == to);
                let egress = by_source.unwrap_or(others_out);
                let ingress = by_target.map_or(others_in, |side| side.outcome);
                let is_known = |one: u32, other: u32| one != UNKNOWN && other != UNKNOWN;
                let outcome = if is_known(egress, ingress) { self.both(egress, ingress) } else { self.pair(from, to) };
                let alike = is_known(others_out, others_in).then(|| self.both(others_out, others_in));
                let is_named = (is_by_name && by_source.is_some()) || by_target.is_some_and(|side| side.is_named);
                if let Some(pair) = self.if_it_counts(Pair { from, to, outcome, is_named, is_on_node: false }, alike) {
                    pairs.push(pair);
                }
            }
        }
        self.telling.forget_held();
        pairs.targets.shrink_to_fit();
        pairs
    }

    /// A pair, unless it comes out as everything that is not told apart and no rule names it and lets something through.
    fn if_it_counts(&self, pair: Pair, alike: Option<OutcomeId>) -> Option<Pair> {
        let is_drawn = || pair.is_named && !self.outcome(pair.outcome).is_none();
        (alike != Some(pair.outcome) || pair.is_on_node || is_drawn()).then_some(pair)
    }

    /// What a class lets in from others.
    fn lets_in(&mut self, to: ClassId) -> Option<OutcomeId> {
        let is_regular = self.is_regular(to, Direction::Ingress);
        is_regular.then(|| self.others(to, Direction::Ingress, 0))
    }

    /// What a class lets out to others, by their group of ports; empty where that is not known.
    fn lets_out(&mut self, from: ClassId) -> Vec<OutcomeId> {
        let n_groups = if self.is_regular(from, Direction::Egress) { self.n_port_groups() } else { 0 };
        (0..n_groups).map(|group| self.others(from, Direction::Egress, group)).collect()
    }

    /// Finds out what holds for each that a class tells apart.
    fn find_out_apart(&mut self, class: ClassId, direction: Direction) {
        let Some(known) = self.known(class, direction) else { return };
        let Some(apart) = known.told.as_ref().map(|told| Arc::clone(&told.apart)) else { return };
        if known.of_apart.len() < apart.len() || known.of_apart.contains(&UNKNOWN) {
            for peer in apart.iter() {
                self.side(class, direction, *peer);
            }
        }
    }

    /// Who tells each class apart as a source, and what is made of it.
    fn all_into(&mut self, inhabited: &[ClassId]) -> AllInto {
        let mut ends = vec![0usize; self.reachability.classes.len()];
        for to in inhabited {
            for from in self.apart(*to, Direction::Ingress).iter().flat_map(|apart| apart.iter()) {
                if let Some(n) = ends.get_mut(from.index()) {
                    *n += 1;
                }
            }
        }
        let mut total = 0;
        for end in &mut ends {
            (*end, total) = (total, total + *end);
        }
        let nobody = Side { to: ClassId::from_index(0), outcome: UNKNOWN, is_named: false };
        let mut all = AllInto { sides: vec![nobody; total], ends };
        for to in inhabited {
            self.find_out_apart(*to, Direction::Ingress);
            let is_named = self.is_by_name(*to, Direction::Ingress);
            let Some(known) = self.known_already(*to, Direction::Ingress) else { continue };
            let apart = known.told.iter().flat_map(|told| told.apart.iter());
            for (from, outcome) in apart.zip(&known.of_apart) {
                // Until all are there, an end is where the next one goes.
                let Some(end) = all.ends.get_mut(from.index()) else { continue };
                if let Some(slot) = all.sides.get_mut(*end) {
                    *slot = Side { to: *to, outcome: *outcome, is_named };
                }
                *end += 1;
            }
        }
        all
    }

    /// The pairs of a source for which more than the rules of both sides counts.
    fn pairs_one_by_one(&mut self, from: ClassId, into: &[Side], pairs: &mut Pairs) {
        let is_by_name = self.is_by_name(from, Direction::Egress);
        let by_row = self.apart_by_row(from, Direction::Egress);
        // Who is told apart for running on the same node alone is not named.
        let is_named = |to: &ClassId| is_by_name && by_row.as_ref().is_some_and(|apart| apart.binary_search(to).is_ok());
        let apart = self.apart(from, Direction::Egress);
        let mut told: Vec<(ClassId, ClassId, bool)> = into.iter().map(|side| (from, side.to, side.is_named)).collect();
        told.extend(apart.iter().flat_map(|apart| apart.iter()).map(|to| (from, *to, is_named(to))));
        self.look_at(told).into_iter().for_each(|pair| pairs.push(pair));
    }

    /// Those that count of these pairs, of which each is with whether it is named; sorted.
    fn look_at(&mut self, mut told: Vec<(ClassId, ClassId, bool)>) -> Vec<Pair> {
        // The named one of two alike comes last, and stays.
        told.sort_unstable();
        let mut pairs = Vec::with_capacity(told.len());
        let mut told = told.into_iter().peekable();
        while let Some((from, to, is_named)) = told.next() {
            if told.peek().is_some_and(|(next_from, next_to, _)| (*next_from, *next_to) == (from, to)) {
                continue;
            }
            let (outcome, is_on_node) = (self.pair(from, to), self.is_on_node(from, to));
            let out = self.is_regular(from, Direction::Egress).then(|| self.others(from, Direction::Egress, self.port_group(to)));
            let alike = out.zip(self.lets_in(to)).map(|(out, into)| self.of_others(out, into));
            pairs.extend(self.if_it_counts(Pair { from, to, outcome, is_named, is_on_node }, alike));
        }
        pairs
    }

    /// The pairs with one of these classes, sorted.
    fn pairs_of(&mut self, classes: &FxHashSet<ClassId>) -> Vec<Pair> {
        let inhabited = self.telling.inhabited.clone();
        let mut told: Vec<(ClassId, ClassId, bool)> = Vec::new();
        for own in &inhabited {
            let is_asked = classes.contains(own);
            for direction in Direction::ALL {
                let is_by_name = self.is_by_name(*own, direction);
                let Some(apart) = self.apart(*own, direction) else { continue };
                let mut note = |other: ClassId, is_by_name: bool| {
                    let (from, to) = if direction == Direction::Egress { (*own, other) } else { (other, *own) };
                    told.push((from, to, is_by_name));
                };
                let on_node = self.on_nodes.get(own).filter(|_| direction == Direction::Egress);
                let by_row = on_node.and_then(|_| self.known_already(*own, direction)).and_then(|known| known.told.as_ref());
                // Who is told apart for running on the same node alone is not named.
                let is_named = |other: &ClassId| is_by_name && by_row.is_none_or(|told| told.apart.binary_search(other).is_ok());
                if is_asked {
                    apart.iter().for_each(|other| note(*other, is_named(other)));
                } else if classes.len() < apart.len() / 8 {
                    classes.iter().filter(|other| apart.binary_search(other).is_ok()).for_each(|other| note(*other, is_named(other)));
                } else {
                    apart.iter().filter(|other| classes.contains(other)).for_each(|other| note(*other, is_named(other)));
                }
            }
        }
        self.look_at(told)
    }
}
