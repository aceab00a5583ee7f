//! What is kept of a layout, so that the next one stands where it stood, and so that what was unfolded and folded again returns.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::super::model::{Id, Lane, MapModel, N_LANES};
use super::Band;

/// As many earlier layouts are remembered.
const MAX_REMEMBERED: usize = 16;

/// Where a node stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// Its sub-column of its lane.
    pub column: usize,
    /// The height of its centre.
    pub y: f32,
    /// The group whose box it stood in.
    pub group: Option<Id>,
    /// What it folds into.
    pub parent: Option<Id>,
    /// Its lane.
    pub lane: Lane,
}

/// Where the lanes and their sub-columns stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Whether a lane ever had a node: its room is kept.
    pub there: [bool; N_LANES],
    /// How wide the nodes of each lane are.
    pub widths: [f32; N_LANES],
    /// How many sub-columns each lane has.
    pub columns: [usize; N_LANES],
    /// Between the sub-columns of each lane.
    pub inner_gaps: [f32; N_LANES],
    /// Between each lane and the one before it.
    pub gaps: [f32; N_LANES],
}

impl Frame {
    /// From where to where each lane reaches.
    pub fn bands(&self) -> [Option<Band>; N_LANES] {
        let mut right: Option<f32> = None;
        std::array::from_fn(|lane| {
            if !self.there[lane] {
                return None;
            }
            let left = right.map_or(0.0, |right| right + self.gaps[lane]);
            let n = self.columns[lane].max(1) as f32;
            let band = Band { left, right: left + n * self.widths[lane] + (n - 1.0) * self.inner_gaps[lane] };
            right = Some(band.right);
            Some(band)
        })
    }
}

/// The places of a layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// The lanes.
    pub frame: Frame,
    /// Whether boxes of a few nodes wrap too.
    pub wrapped: bool,
    /// The nodes, by their ids.
    pub spots: HashMap<Id, Spot>,
    /// Top and bottom of the boxes, by their ids.
    pub boxes: HashMap<Id, (f32, f32)>,
}

/// The last layouts, the newest last, each with what stood in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory(Vec<(u64, Arc<Seed>)>);

impl Memory {
    /// The layout of exactly what `key` stands for; else the newest.
    pub fn seed(&self, key: u64) -> Option<&Arc<Seed>> {
        self.0.iter().rev().find(|known| known.0 == key).or(self.0.last()).map(|known| &known.1)
    }

    /// The same with a newer layout.
    pub fn with(&self, key: u64, seed: Seed) -> Self {
        let others = self.0.iter().filter(|known| known.0 != key);
        let n_too_many = others.clone().count().saturating_sub(MAX_REMEMBERED - 1);
        Self(others.skip(n_too_many).cloned().chain([(key, Arc::new(seed))]).collect())
    }
}

/// What stands for the set of nodes of a model, whatever their order.
pub fn key(model: &MapModel) -> u64 {
    model.nodes.iter().fold(model.nodes.len() as u64, |sum, node| {
        let mut hasher = DefaultHasher::new();
        (&node.id, &node.group).hash(&mut hasher);
        sum.wrapping_add(hasher.finish())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(y: f32) -> Seed {
        let frame = Frame { there: [false; 6], widths: [0.0; 6], columns: [1; 6], inner_gaps: [0.0; 6], gaps: [y; 6] };
        Seed { frame, wrapped: false, spots: HashMap::new(), boxes: HashMap::new() }
    }

    #[test]
    fn the_oldest_layout_is_forgotten_first() {
        let memory = (0..20).fold(Memory::default(), |memory, at| memory.with(at, seed(at as f32)));
        assert_eq!(memory.0.len(), MAX_REMEMBERED);
        assert_eq!(memory.seed(19), Some(&Arc::new(seed(19.0))));
        assert_eq!(memory.seed(4), Some(&Arc::new(seed(4.0))));
        assert_eq!(memory.seed(3), Some(&Arc::new(seed(19.0))), "what is forgotten follows the newest");
    }
}
