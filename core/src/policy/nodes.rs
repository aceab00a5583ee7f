//! The Node objects of a snapshot, as selectors of nodes find them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use smol_str::SmolStr;

use super::NodePeer;
use crate::address::{AddressBlock, Family, number};
use crate::intervals::Intervals;
use crate::labels::Selector;
use crate::record::NodeRecord;
use crate::snapshot::{Snapshot, typed};

/// The nodes of a snapshot.
pub(super) struct Nodes<'a> {
    nodes: Vec<(&'a SmolStr, &'a NodeRecord)>,
    names: Arc<BTreeSet<SmolStr>>,
}

impl<'a> Nodes<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let nodes: Vec<_> = typed!(snapshot, Node).map(|(key, record)| (&key.name, &**record)).collect();
        let names = Arc::new(nodes.iter().map(|(name, _)| (*name).clone()).collect());
        Self { nodes, names }
    }

    /// Whether no node is known.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Those that a selector selects.
    pub(super) fn matching(&self, selector: &Selector) -> NodePeer {
        NodePeer {
            selector: selector.clone(),
            names: self.names_of(selector).collect(),
            known: Arc::clone(&self.names),
            blocks: blocks_of(self.selected(selector).flat_map(|(_, node)| node.addresses.iter().copied())),
        }
    }

    /// The names of those that a selector selects.
    pub(super) fn names_of(&self, selector: &Selector) -> impl Iterator<Item = SmolStr> {
        self.selected(selector).map(|(name, _)| (*name).clone())
    }

    /// The addresses of all of them, IPv4 and IPv6.
    pub(super) fn blocks(&self) -> [AddressBlock; 2] {
        blocks_of(self.nodes.iter().flat_map(|(_, node)| node.addresses.iter().copied()))
    }

    fn selected(&self, selector: &Selector) -> impl Iterator<Item = &(&'a SmolStr, &'a NodeRecord)> {
        self.nodes.iter().filter(|(_, node)| selector.matches(&node.labels))
    }
}

/// The blocks that hold these addresses, IPv4 and IPv6.
pub(super) fn blocks_of(addresses: impl Iterator<Item = IpAddr>) -> [AddressBlock; 2] {
    let addresses: Vec<IpAddr> = addresses.collect();
    [Family::V4, Family::V6].map(|family| {
        let own = addresses.iter().copied().filter(|address| Family::of(*address) == family);
        AddressBlock { family, addresses: Intervals::from_spans(own.map(|address| (number(address), number(address)))) }
    })
}
