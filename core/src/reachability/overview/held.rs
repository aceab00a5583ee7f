//! Which classes the peers of a row hold, and how: found once for each selector, however many rules name it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::matching::Match;
use super::super::row::{Matches, Row, narrowest};
use super::super::{ClassId, Reachability, Selection};
use super::telling::{Part, Telling};
use crate::address::{AddressBlock, Family};
use crate::ids::Id as _;
use crate::policy::{PeerKind, PodSelector};

/// The classes that a peer holds, sorted, each with how; or where they may be nearly all, how many at least.
type List = Result<Arc<[(ClassId, Match)]>, usize>;

/// What selectors hold, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Held(FxHashMap<PodSelector, List>);

/// The classes that some peer of a row holds, sorted, each with the places of those peers and how they hold it.
#[derive(Debug, Default)]
pub(super) struct HeldByRow(Vec<(ClassId, u32, Match)>);

impl HeldByRow {
    /// Which of the peers hold each of these classes, which are sorted; that is none for those that none does.
    pub(super) fn of(&self, classes: &[ClassId]) -> Vec<Matches> {
        let mut held = self.0.iter().peekable();
        let matches = classes.iter().map(|class| {
            while held.next_if(|(other, ..)| other < class).is_some() {}
            std::iter::from_fn(|| held.next_if(|(other, ..)| other == class)).map(|(_, place, matched)| (*place, *matched)).collect()
        });
        matches.collect()
    }

    /// The classes, sorted.
    pub(super) fn classes(&self) -> Vec<ClassId> {
        let mut classes: Vec<ClassId> = self.0.iter().map(|(class, ..)| *class).collect();
        classes.dedup();
        classes
    }
}

impl Telling {
    /// Whom the peers of a row hold. Where they may be nearly all, as many at least.
    pub(super) fn held_by(&mut self, reachability: &Reachability, row: &Row) -> Result<HeldByRow, usize> {
        let most = self.most();
        let mut held: Vec<(ClassId, u32, Match)> = Vec::new();
        let n_classes = |held: &mut Vec<(ClassId, u32, Match)>| {
            held.sort_unstable_by_key(|(class, place, _)| (*class, *place));
            held.chunk_by(|(one, ..), (other, ..)| one == other).count()
        };
        let mut limit = most.saturating_mul(2);
        for (place, kind) in (0u32..).zip(row.peers()) {
            let list = self.held(reachability, kind)?;
            held.extend(list.iter().map(|(class, matched)| (*class, place, *matched)));
            if held.len() > limit {
                let n = n_classes(&mut held);
                if n > most {
                    return Err(n);
                }
                limit = held.len().saturating_mul(2);
            }
        }
        let n = n_classes(&mut held);
        if n > most { Err(n) } else { Ok(HeldByRow(held)) }
    }

    /// Which of a row's peers hold each of these classes, which are sorted, where some hold nearly everybody. `None` where that has to be
    /// asked of each class by itself.
    pub(super) fn held_broadly(&mut self, reachability: &Reachability, row: &Row, classes: &[ClassId]) -> Option<Vec<Matches>> {
        // Of two addresses one may be in a block.
        if !self.has_common_family || reachability.has_dual_stack {
            return None;
        }
        let mut matches = vec![Matches::new(); classes.len()];
        for (place, kind) in (0u32..).zip(row.peers()) {
            let part = match kind {
                PeerKind::Pods(selector) => self.part(reachability, selector),
                PeerKind::Block(_, block) => Arc::new(self.part_of_block(block)),
                // Only what shares its node's network is held by these.
                PeerKind::Nodes(_) | PeerKind::Domain(_) => continue,
                PeerKind::Entity(entity) if entity.blocks.is_empty() => continue,
                PeerKind::Entity(_) | PeerKind::All(_) => return None,
            };
            // Ordinary ones are all held in the same way.
            let is_ordinary = |id: &&ClassId| self.is_ordinary(**id);
            let like = match &*part {
                Part::These(ids) => ids.iter().find(is_ordinary),
                Part::AllBut(ids) => self.inhabited.iter().filter(is_ordinary).find(|id| ids.binary_search(id).is_err()),
            };
            let Some(like) = like else { continue };
            let matched = reachability.matcher.class_match(kind, reachability.classes.at(*like));
            if matched == Match::No {
                continue;
            }
            match &*part {
                Part::These(ids) => {
                    for at in ids.iter().filter(is_ordinary).filter_map(|id| classes.binary_search(id).ok()) {
                        matches.get_mut(at).into_iter().for_each(|matches| matches.push((place, matched)));
                    }
                }
                Part::AllBut(ids) => {
                    let mut ids = ids.iter().peekable();
                    for (class, matches) in classes.iter().zip(&mut matches).filter(|(class, _)| self.is_ordinary(**class)) {
                        while ids.next_if(|id| *id < class).is_some() {}
                        if ids.peek() != Some(&class) {
                            matches.push((place, matched));
                        }
                    }
                }
            }
        }
        for (class, matches) in classes.iter().zip(&mut matches).filter(|(class, _)| !self.is_ordinary(**class)) {
            let matched = |kind: &PeerKind| reachability.matcher.class_match(kind, reachability.classes.at(*class));
            let all = (0u32..).zip(row.peers()).map(|(place, kind)| (place, matched(kind)));
            *matches = all.filter(|(_, matched)| *matched != Match::No).collect();
        }
        Some(matches)
    }

    /// Which classes with pods a peer holds.
    fn held(&mut self, reachability: &Reachability, kind: &PeerKind) -> List {
        let PeerKind::Pods(selector) = kind else { return self.find_held(reachability, kind) };
        if let Some(list) = self.held.0.get(selector) {
            return list.clone();
        }
        let list = self.find_held(reachability, kind);
        self.held.0.insert(selector.clone(), list.clone());
        list
    }

    fn find_held(&self, reachability: &Reachability, kind: &PeerKind) -> List {
        let mut candidates = self.candidates(reachability, kind)?;
        candidates.sort_unstable();
        candidates.dedup();
        let matched = |id: ClassId| (id, reachability.matcher.class_match(kind, reachability.classes.at(id)));
        let held = candidates.into_iter().filter(|id| self.has_pods(*id)).map(matched);
        Ok(held.filter(|(_, matched)| *matched != Match::No).collect())
    }

    /// Forgets what selectors hold.
    pub(super) fn forget_held(&mut self) {
        self.held = Held::default();
    }

    /// Classes among which are all that a peer holds, in any order and perhaps more than once; where they may be nearly all, how many.
    fn candidates(&self, reachability: &Reachability, kind: &PeerKind) -> Result<Vec<ClassId>, usize> {
        let n_classes = reachability.classes.len();
        match kind {
            PeerKind::Pods(selector) => match reachability.selection(selector, n_classes) {
                Selection::Few(ids) => Ok(ids),
                // Such a list knows of the classes that are filed.
                Selection::Many(ids) => {
                    let later = (reachability.index.n_filed()..n_classes).map(ClassId::from_index);
                    Ok(ids.iter().copied().chain(later).collect())
                }
                Selection::Anybody => Err(usize::MAX),
            },
            PeerKind::Block(kind, _) if !reachability.matcher.holds_pods(*kind) => Ok(self.on_nodes.clone()),
            PeerKind::Block(_, block) => {
                let mut ids = self.in_blocks(std::slice::from_ref(block))?;
                // Classes whose addresses are not known are held alike, but for those that share their node's network.
                let is_held = |id: &ClassId| reachability.matcher.class_match(kind, reachability.classes.at(*id)) != Match::No;
                if self.elsewhere.first().is_some_and(is_held) || self.elsewhere.last().is_some_and(is_held) {
                    ids.extend(&self.elsewhere);
                }
                if ids.len() > self.most().saturating_mul(2) { Err(ids.len()) } else { Ok(ids) }
            }
            PeerKind::Nodes(_) => Ok(self.on_nodes.clone()),
            PeerKind::Domain(_) => Ok(Vec::new()),
            PeerKind::Entity(entity) => {
                let mut ids = self.in_blocks(&entity.blocks)?;
                ids.extend(&self.on_nodes);
                Ok(ids)
            }
            // Whom the narrowest of the terms holds, which must all hold.
            PeerKind::All(terms) => {
                let kinds = &narrowest(terms).ok_or(usize::MAX)?.any;
                let of_kinds: Result<Vec<Vec<ClassId>>, usize> = kinds.iter().map(|kind| self.candidates(reachability, kind)).collect();
                Ok(of_kinds?.concat())
            }
        }
    }

    /// The classes with an address in one of these blocks.
    fn in_blocks(&self, blocks: &[AddressBlock]) -> Result<Vec<ClassId>, usize> {
        let [v4, v6] = &self.addresses;
        let mut ids = Vec::new();
        for block in blocks {
            let addresses = if block.family == Family::V4 { v4 } else { v6 };
            for (first, last) in block.addresses.spans() {
                let start = addresses.partition_point(|(address, _)| address < first);
                let end = addresses.partition_point(|(address, _)| address <= last);
                ids.extend(addresses.get(start..end).unwrap_or_default().iter().map(|(_, id)| *id));
                // A class has an address or two of a family.
                if ids.len() > self.most().saturating_mul(2) {
                    return Err(ids.len());
                }
            }
        }
        Ok(ids)
    }
}
