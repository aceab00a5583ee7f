//! The other ends of rules: endpoints, entities, blocks, groups of blocks, nodes, domains, Services.

use ipnet::IpNet;
use smol_str::SmolStr;

use super::Compiler;
use super::selector::{self, Endpoints};
use crate::address::{AddressBlock, Family, number};
use crate::intervals::Intervals;
use crate::labels::{Labels, Selector};
use crate::object::{Kind, ObjectKey};
use crate::policy::nodes::blocks_of;
use crate::policy::{BlockKind, DomainPeer, Entity, EntityPeer, NamespaceScope, Peer, PeerKind, PodSelector, Term};
use crate::record::{
    CidrGroupRecord, CidrGroups, CiliumEntity, CiliumPeer, CiliumPeerKind, CiliumSelector, CiliumServices, Record, ServicesBy,
};
use crate::snapshot::typed;

/// The other ends of a rule.
pub(super) enum Found {
    /// All there are.
    Everything,
    /// These, each with what must be so for it, in words that follow "if".
    Peers(Vec<(Peer, Option<SmolStr>)>),
}

/// What one peer stands for, each with what must be so for it; `None` for everything.
type Kinds = Option<Vec<(PeerKind, Option<SmolStr>)>>;

impl Compiler<'_> {
    /// The ends that the rule of a policy names.
    pub(super) fn peers(&self, key: &ObjectKey, peers: &[CiliumPeer]) -> Found {
        let mut found = Vec::new();
        for peer in peers {
            let Some(kinds) = self.kinds(key, &peer.kind) else { return Found::Everything };
            found.extend(kinds.into_iter().map(|(kind, condition)| (Peer { pointer: peer.pointer.clone(), kind }, condition)));
        }
        self.join_nodes(&mut found);
        Found::Peers(found)
    }

    /// A subject's own node and the other nodes together are all nodes, whichever its own is.
    fn join_nodes(&self, found: &mut Vec<(Peer, Option<SmolStr>)>) {
        let is_one = |peer: &Peer, wanted: Entity| matches!(&peer.kind, PeerKind::Entity(entity) if entity.entity == wanted);
        let place = |wanted: Entity| found.iter().position(|(peer, condition)| condition.is_none() && is_one(peer, wanted));
        if let (Some(own), Some(_)) = (place(Entity::OwnNode), place(Entity::OtherNodes))
            && let Some((peer, _)) = found.get_mut(own)
        {
            peer.kind = self.all_nodes();
            found.retain(|(peer, condition)| condition.is_some() || !(is_one(peer, Entity::OwnNode) || is_one(peer, Entity::OtherNodes)));
        }
    }

    fn kinds(&self, key: &ObjectKey, kind: &CiliumPeerKind) -> Kinds {
        let certain = |kinds: Vec<PeerKind>| Some(kinds.into_iter().map(|kind| (kind, None)).collect());
        match kind {
            CiliumPeerKind::Endpoints(selector) => Some(self.endpoints(selector, &key.namespace)),
            CiliumPeerKind::Entity(CiliumEntity::All) => None,
            CiliumPeerKind::Entity(entity) => certain(self.entity(*entity)),
            CiliumPeerKind::Block(block) => certain(vec![self.outside(block.clone())]),
            CiliumPeerKind::Groups(groups, _) if self.is_unseen(Kind::CiliumCidrGroup) => {
                let words = match groups {
                    CidrGroups::Named(name) => format!("CiliumCIDRGroup {name}, which may not be read, holds the address"),
                    CidrGroups::Matching(selector) => format!("a CiliumCIDRGroup of {selector}, which may not be read, holds the address"),
                };
                Some(vec![(self.world(), Some(words.into()))])
            }
            CiliumPeerKind::Groups(groups, except) => certain(self.groups(groups, except)),
            CiliumPeerKind::Nodes(selector) => certain(vec![self.nodes(selector)]),
            CiliumPeerKind::Domain(pattern) => {
                certain(vec![PeerKind::Domain(Box::new(DomainPeer { pattern: pattern.clone(), is_learned: true }))])
            }
            CiliumPeerKind::Services(_) if self.is_unseen(Kind::Service) || self.is_unseen(Kind::EndpointSlice) => {
                let words = SmolStr::from("it stands behind a Service that the rule names, which may not be read");
                Some([PeerKind::Pods(PodSelector::everywhere()), self.world()].map(|kind| (kind, Some(words.clone()))).into())
            }
            CiliumPeerKind::Services(services) => certain(self.services(services)),
            CiliumPeerKind::Untold(words) => Some(vec![(self.world(), Some(words.clone()))]),
        }
    }

    fn is_unseen(&self, kind: Kind) -> bool {
        self.snapshot.unseen.0.contains_key(&kind)
    }

    fn endpoints(&self, selector: &CiliumSelector, namespace: &SmolStr) -> Vec<(PeerKind, Option<SmolStr>)> {
        let mut kinds = Vec::new();
        if let Some(endpoints) = Endpoints::of_peer(selector, namespace) {
            kinds.push((PeerKind::Pods(endpoints.pods), endpoints.condition.map(SmolStr::from)));
        }
        let foreign = selector::foreign_labels(selector);
        if !foreign.is_empty() {
            let labels: Vec<&str> = foreign.into_iter().map(SmolStr::as_str).collect();
            kinds.push((self.world(), Some(format!("Cilium gives the address the label {}", labels.join(" and ")).into())));
            return kinds;
        }
        let api_server = self.entity(CiliumEntity::ApiServer);
        let mut entities = Vec::new();
        if selector::means_entity(selector, namespace, &["host"]) {
            entities.extend(self.entity(CiliumEntity::Host));
        }
        if selector::means_entity(selector, namespace, &["remote-node"]) {
            entities.extend(self.entity(CiliumEntity::RemoteNode));
        }
        if selector::means_entity(selector, namespace, &["world", "world-ipv4", "world-ipv6"]) {
            let families = [("world-ipv4", CiliumEntity::WorldV4), ("world-ipv6", CiliumEntity::WorldV6)];
            let wanted = families.into_iter().find(|(name, _)| selector::asks_for(selector, name)).map(|(_, entity)| entity);
            entities.extend(self.entity(wanted.unwrap_or(CiliumEntity::World)));
        }
        if selector::forbids(selector, "kube-apiserver") {
            let but = Term { is_negated: true, any: api_server.clone().into() };
            entities =
                entities.into_iter().map(|kind| PeerKind::all(vec![Term { is_negated: false, any: [kind].into() }, but.clone()])).collect();
        } else if selector::asks_for(selector, "kube-apiserver") && selector::means_entity(selector, namespace, &["kube-apiserver"]) {
            entities.extend(api_server);
        }
        kinds.extend(entities.into_iter().map(|kind| (kind, None)));
        kinds
    }

    fn entity(&self, entity: CiliumEntity) -> Vec<PeerKind> {
        let one = |entity, blocks: &[AddressBlock; 2]| PeerKind::Entity(Box::new(EntityPeer { entity, blocks: blocks.clone() }));
        let whole = |family: Family| AddressBlock { family, addresses: Intervals::span(0, family.last()) };
        match entity {
            CiliumEntity::World => vec![self.world()],
            CiliumEntity::WorldV4 => vec![self.outside(whole(Family::V4))],
            CiliumEntity::WorldV6 => vec![self.outside(whole(Family::V6))],
            CiliumEntity::Host => vec![one(Entity::OwnNode, &self.node_blocks)],
            CiliumEntity::RemoteNode => vec![one(Entity::OtherNodes, &self.node_blocks)],
            CiliumEntity::ApiServer => vec![one(Entity::ApiServer, &self.api_server)],
            CiliumEntity::Cluster => {
                vec![PeerKind::Pods(PodSelector::everywhere()), self.all_nodes(), one(Entity::ApiServer, &self.api_server)]
            }
            CiliumEntity::All | CiliumEntity::Unseen => Vec::new(),
        }
    }

    fn world(&self) -> PeerKind {
        PeerKind::Entity(Box::new(EntityPeer { entity: Entity::World, blocks: self.node_blocks.clone() }))
    }

    fn all_nodes(&self) -> PeerKind {
        self.nodes(&Selector::default())
    }

    fn nodes(&self, selector: &Selector) -> PeerKind {
        PeerKind::Nodes(Box::new(self.nodes.matching(selector)))
    }

    /// The part of a block that is outside: neither pods nor nodes.
    fn outside(&self, block: AddressBlock) -> PeerKind {
        // Where not all nodes are known, and where a name that resolves to any address is in the block, what the world is says more.
        if block.is_whole_family() || self.is_unseen(Kind::Node) {
            let term = |kind: PeerKind| Term { is_negated: false, any: [kind].into() };
            return PeerKind::all(vec![term(self.world()), term(PeerKind::Block(BlockKind::Outside, block))]);
        }
        let nodes = self.node_blocks.iter().find(|nodes| nodes.family == block.family);
        let addresses = nodes.map_or_else(|| block.addresses.clone(), |nodes| block.addresses.difference(&nodes.addresses));
        PeerKind::Block(BlockKind::Outside, AddressBlock { family: block.family, addresses })
    }

    fn groups(&self, groups: &CidrGroups, except: &[IpNet]) -> Vec<PeerKind> {
        let is_meant = |key: &ObjectKey, group: &CidrGroupRecord| match groups {
            CidrGroups::Named(name) => key.name == *name,
            CidrGroups::Matching(selector) => selector.matches(&group.labels),
        };
        let all = self.snapshot.records(Kind::CiliumCidrGroup).filter_map(|(key, record)| match record {
            Record::CidrGroup(group) => Some((key, &**group)),
            _ => None,
        });
        let meant = all.filter(|(key, group)| is_meant(key, group)).map(|(_, group)| group);
        let blocks: Vec<&IpNet> = meant.flat_map(|group| &group.blocks).collect();
        let holes = |family| spans(except.iter(), family);
        let families = [Family::V4, Family::V6]
            .map(|family| AddressBlock { family, addresses: spans(blocks.iter().copied(), family).difference(&holes(family)) });
        families.into_iter().filter(|block| !block.addresses.is_empty()).map(|block| self.outside(block)).collect()
    }

    /// Pods behind Services that select them; for others, the addresses that their EndpointSlices name, as far as they are outside.
    fn services(&self, services: &CiliumServices) -> Vec<PeerKind> {
        let mut kinds = Vec::new();
        let mut addresses = Vec::new();
        for (key, service) in typed!(self.snapshot, Service) {
            let is_named = match &services.which {
                ServicesBy::Name(name) => key.name == *name,
                ServicesBy::Labels(selector) => selector.matches(&self.labels_of_service(key)),
            };
            if !is_named || !(services.namespace.is_empty() || services.namespace == key.namespace) {
                continue;
            }
            match &service.selector {
                Some(selector) => {
                    let own = NamespaceScope::One(key.namespace.clone());
                    kinds.push(PeerKind::Pods(PodSelector::within(own, selector.clone())));
                }
                None => {
                    let slices = typed!(self.snapshot, EndpointSlice);
                    let own = slices.filter(|(slice, record)| slice.namespace == key.namespace && record.service == key.name);
                    addresses.extend(own.flat_map(|(_, slice)| &slice.endpoints).flat_map(|endpoint| endpoint.addresses.iter().copied()));
                }
            }
        }
        let outside = blocks_of(addresses.iter().copied()).into_iter().filter(|block| !block.addresses.is_empty());
        kinds.extend(outside.map(|block| self.outside(block)));
        kinds
    }

    fn labels_of_service(&self, key: &ObjectKey) -> Labels {
        let raw = self.snapshot.entry(key).and_then(|entry| entry.raw.as_ref());
        let labels = raw.and_then(|raw| raw.pointer("/metadata/labels")?.as_object());
        labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }
}

fn spans<'a>(blocks: impl Iterator<Item = &'a IpNet>, family: Family) -> Intervals<u128> {
    let own = blocks.filter(|block| Family::of(block.addr()) == family);
    Intervals::from_spans(own.map(|block| (number(block.network()), number(block.broadcast()))))
}
