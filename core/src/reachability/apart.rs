//! Which classes two rows of one class may answer differently: those that rules hold which only one of the two has.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::row::{Placed, narrowest};
use super::{ClassId, Reachability};
use crate::address::AddressBlock;
use crate::assumptions::BlocksSelectPods;
use crate::ids::Id;
use crate::inventory::Inventory;
use crate::policy::{Action, BlockKind, Direction, Entity, PeerKind, PortKind, Rest, Rule, Terms, TierMode};

impl Reachability {
    /// The classes about which a class' own row says something else than in an earlier reachability that this one follows from.
    pub(crate) fn answered_differently(&self, earlier: &Self, inventory: &Inventory, class: ClassId, direction: Direction) -> Vec<ClassId> {
        let may_be = self.held_apart(earlier, inventory, class, direction);
        let may_be: Vec<ClassId> = may_be.map_or_else(|| self.inhabited().map(|(id, _)| id).collect(), |ids| ids.into_iter().collect());
        // A class that is new has pods that are touched themselves.
        let was_there = |id: &ClassId| id.index() < earlier.classes.len() && !self.classes.at(*id).pods.is_empty();
        let is_different = |id: &ClassId| self.answer(class, direction, *id) != earlier.answer(class, direction, *id);
        may_be.into_iter().filter(was_there).filter(is_different).collect()
    }

    /// The classes that may be answered differently: those that a rule holds which only one of the two rows has; `None` where it may be any.
    fn held_apart(&self, earlier: &Self, inventory: &Inventory, class: ClassId, direction: Direction) -> Option<BTreeSet<ClassId>> {
        let (was, is) = (earlier.classes.at(class).row(direction), self.classes.at(class).row(direction));
        let mut classes = BTreeSet::new();
        if Arc::ptr_eq(was, is) || was.key == is.key {
            return Some(classes);
        }
        if was.key.ports != is.key.ports || was.key.unseen != is.key.unseen {
            return None;
        }
        let only_in =
            |one: &[Placed], other: &[Placed]| -> Vec<Placed> { one.iter().filter(|placed| !other.contains(placed)).cloned().collect() };
        let (gone, come) = (only_in(&was.key.policies, &is.key.policies), only_in(&is.key.policies, &was.key.policies));
        for (plane_index, plane) in self.planes.iter().enumerate() {
            for (tier_index, tier) in plane.tiers.iter().enumerate() {
                let here = |policies: &[Placed]| policies.iter().any(|placed| placed.is_in(plane_index, tier_index));
                // Whether a class is isolated at all decides about everybody, and so does what it takes to be.
                let isolating = |policies: &[Placed]| -> Vec<(bool, Option<Arc<str>>)> {
                    let here = policies.iter().filter(|placed| placed.is_in(plane_index, tier_index));
                    let mut all: Vec<_> = here.map(|placed| (placed.policy.isolates(direction), placed.policy.condition.clone())).collect();
                    all.sort();
                    all.dedup();
                    all
                };
                if isolating(&was.key.policies) != isolating(&is.key.policies) {
                    return None;
                }
                if tier.mode != TierMode::FirstMatch(Rest::Passes) && here(&was.key.policies) != here(&is.key.policies) {
                    return None;
                }
            }
        }
        let (gone, come) = (self.rules(&gone, direction), self.rules(&come, direction));
        let only_gone = gone.iter().filter(|rule| !is_among(rule, &come));
        let different = only_gone.chain(come.iter().filter(|rule| !is_among(rule, &gone)));
        for (_, rule) in different {
            for peer in rule.peers.as_deref()? {
                self.add_held(&peer.kind, inventory, &mut classes)?;
            }
        }
        Some(classes)
    }

    /// The rules of some policies, with how those of their tier come together.
    fn rules<'a>(&self, policies: &'a [Placed], direction: Direction) -> Vec<(TierMode, &'a Rule)> {
        let tier = |placed: &Placed| self.planes.get(usize::from(placed.plane))?.tiers.get(usize::from(placed.tier));
        let of = |placed: &'a Placed| {
            let mode = tier(placed).map_or(TierMode::FirstMatch(Rest::Passes), |tier| tier.mode);
            placed.policy.rules(direction).into_iter().flatten().map(move |rule| (mode, rule))
        };
        policies.iter().flat_map(of).collect()
    }

    /// Adds the classes that a peer may hold; `None` where it may be any.
    fn add_held(&self, peer: &PeerKind, inventory: &Inventory, classes: &mut BTreeSet<ClassId>) -> Option<()> {
        match peer {
            PeerKind::Pods(selector) => classes.extend(self.classes_selected_by(selector, self.classes.len())?),
            PeerKind::Block(kind, block) => {
                let selects_pods = match kind {
                    BlockKind::IpBlock => self.assumptions.ip_block_selects_pods,
                    BlockKind::Network => self.assumptions.networks_select_pods,
                    BlockKind::Anybody => BlocksSelectPods::Yes,
                    BlockKind::NotPods | BlockKind::Outside => BlocksSelectPods::No,
                };
                self.add_in_block(block, selects_pods, inventory, classes)?;
            }
            PeerKind::Nodes(_) => self.add_nodes(classes),
            // A domain name is for what lies outside.
            PeerKind::Domain(_) => {}
            PeerKind::Entity(entity) => {
                self.add_nodes(classes);
                if entity.entity == Entity::ApiServer {
                    for block in &entity.blocks {
                        self.add_in_block(block, BlocksSelectPods::Yes, inventory, classes)?;
                    }
                }
            }
            PeerKind::All(terms) => {
                for kind in &narrowest(terms)?.any {
                    self.add_held(kind, inventory, classes)?;
                }
            }
        }
        Some(())
    }

    fn add_nodes(&self, classes: &mut BTreeSet<ClassId>) {
        classes.extend(self.inhabited().filter(|(_, class)| class.host_network()).map(|(id, _)| id));
    }

    fn add_in_block(
        &self,
        block: &AddressBlock,
        selects_pods: BlocksSelectPods,
        inventory: &Inventory,
        classes: &mut BTreeSet<ClassId>,
    ) -> Option<()> {
        if inventory.has_pods_without_address() {
            return None;
        }
        if self.counts_nodes {
            self.add_nodes(classes);
        }
        if selects_pods != BlocksSelectPods::No {
            for (first, last) in block.addresses.spans() {
                let pods = inventory.pods_between(block.family.address(*first), block.family.address(*last));
                classes.extend(pods.map(|pod| self.class_of(pod)));
            }
        }
        Some(())
    }
}

/// Whether some other rule does the same with the same. Where the order counts, it may stand elsewhere, and does not do the same.
fn is_among((mode, rule): &(TierMode, &Rule), others: &[(TierMode, &Rule)]) -> bool {
    type Said<'a> = (Action, Option<Vec<&'a PeerKind>>, Option<Vec<&'a PortKind>>, Option<&'a Terms>);
    fn said(rule: &Rule) -> Said<'_> {
        let peers = rule.peers.as_ref().map(|peers| peers.iter().map(|peer| &peer.kind).collect());
        let ports = rule.ports.as_ref().map(|ports| ports.iter().map(|port| &port.kind).collect());
        (rule.action, peers, ports, rule.terms.as_deref())
    }
    *mode == TierMode::Union && others.iter().any(|(_, other)| said(other) == said(rule))
}
