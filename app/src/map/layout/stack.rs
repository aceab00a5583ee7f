//! The middle of the map: boxes, one below the other, and between them what stands in none.
//!
//! A cold stack follows the order of the model. One that has a seed takes everything from where it was, puts what is new where it
//! belongs, and then goes down the stack once: whatever gets in the way of something above it moves down as far as it must.

use std::collections::HashMap;

use super::super::model::{Lane, MapModel};
use super::super::order;
use super::super::place::{fill_wishes, snap_up, spread};
use super::free::{Place, nearest, take};
use super::grid;
use super::links::Links;
use super::seed::Seed;
use super::{BOX_FOOT, BOX_GAP, BOX_HEAD, NODE_HEIGHT, PITCH};

/// A box wraps a lane into two sub-columns from this many nodes on, where the picture would be too high.
const WRAP_FROM: usize = 4;
/// A box wraps its workloads from this many on, however high the picture is.
const ALWAYS_FROM: usize = 9;
const HALF: f32 = NODE_HEIGHT / 2.0;

/// What a cold stack is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether boxes of a few nodes wrap too.
    pub wrapped: bool,
    /// How many sub-columns nodes without a box have, where they are many.
    pub n_loose: usize,
}

/// Nodes that are stacked together: a box, or what stands between boxes.
#[derive(Debug, Default)]
pub struct Block {
    /// The box, if it is one.
    pub group: Option<usize>,
    /// Its nodes in the lane of Services.
    pub services: Vec<usize>,
    /// Its nodes in the lane of workloads.
    pub workloads: Vec<usize>,
}

/// Where everything in the middle stands.
#[derive(Debug)]
pub struct Stack {
    /// Top and bottom of each box.
    pub boxes: Vec<Option<(f32, f32)>>,
}

/// The sub-columns that `n` nodes of a box take.
pub fn n_columns(n: usize, lane: Lane, wrapped: bool) -> usize {
    let most = if lane == Lane::Services { 2 } else { 6 };
    let balanced = (n as f32 / 2.4).sqrt().round() as usize;
    match n {
        ..WRAP_FROM => 1,
        ..ALWAYS_FROM if !wrapped => 1,
        _ => balanced.clamp(2, most),
    }
}

/// What stands in boxes, by box, and what stands in none, by the box that it follows (0 for none).
fn sorted(model: &MapModel) -> (Vec<Block>, Vec<Block>) {
    let group_at: HashMap<&str, usize> = model.groups.iter().enumerate().map(|(at, group)| (group.id.as_str(), at)).collect();
    let mut boxed: Vec<Block> = (0..model.groups.len()).map(|group| Block { group: Some(group), ..Block::default() }).collect();
    let mut loose: Vec<Block> = (0..=model.groups.len()).map(|_| Block::default()).collect();
    for lane in [Lane::Services, Lane::Workloads] {
        let mut slot = 0;
        for (at, node) in model.nodes.iter().enumerate().filter(|(_, node)| node.lane == lane) {
            let block = match node.group.as_deref().and_then(|group| group_at.get(group)) {
                Some(group) => {
                    slot = group + 1;
                    &mut boxed[*group]
                }
                None => &mut loose[slot],
            };
            if lane == Lane::Services { block.services.push(at) } else { block.workloads.push(at) }
        }
    }
    (boxed, loose)
}

/// What is stacked in the middle, in the order of the model. Where nodes without a box are many, they follow all boxes.
pub fn blocks(model: &MapModel) -> Vec<Block> {
    let (boxed, loose) = sorted(model);
    let mut all = Vec::new();
    if loose.iter().map(|block| block.workloads.len()).sum::<usize>() > grid::FROM {
        let mut many = Block::default();
        for block in loose {
            many.services.extend(block.services);
            many.workloads.extend(block.workloads);
        }
        all.extend(boxed);
        all.push(many);
    } else {
        let mut loose = loose.into_iter();
        all.extend(loose.next());
        for (boxed, loose) in boxed.into_iter().zip(loose) {
            all.extend([boxed, loose]);
        }
    }
    all.retain(|block| !block.services.is_empty() || !block.workloads.is_empty());
    all
}

/// Stacks everything anew.
pub fn cold(model: &MapModel, links: &Links, blocks: Vec<Block>, shape: Shape, places: &mut [Option<Place>]) -> Stack {
    let mut boxes = vec![None; model.groups.len()];
    let mut top = 0.0;
    for mut block in blocks {
        let bottom = match block.group {
            Some(group) => {
                let bottom = inside(model, links, &mut block, shape.wrapped, top + BOX_HEAD + HALF, places) + HALF + BOX_FOOT;
                boxes[group] = Some((top, bottom));
                bottom
            }
            None if block.workloads.len() > grid::FROM => {
                let services = Block { services: std::mem::take(&mut block.services), ..Block::default() };
                let last = grid::place(links, &block.workloads, shape.n_loose, top + HALF, places);
                for (row, service) in services.services.iter().enumerate() {
                    places[*service] = Some((0, top + HALF + row as f32 * PITCH));
                }
                last.max(top + HALF + services.services.len().saturating_sub(1) as f32 * PITCH) + HALF
            }
            None => inside(model, links, &mut block, false, top + HALF, places) + HALF,
        };
        top = snap_up(bottom) + BOX_GAP;
    }
    Stack { boxes }
}

/// Places the nodes of a block, the first row at `first`. Gives the height of the last row.
fn inside(model: &MapModel, links: &Links, block: &mut Block, wrapped: bool, first: f32, places: &mut [Option<Place>]) -> f32 {
    let columns = |items: &[usize], lane| if block.group.is_some() { n_columns(items.len(), lane, wrapped) } else { 1 };
    let (n_services, n_workloads) = (columns(&block.services, Lane::Services), columns(&block.workloads, Lane::Workloads));
    let right: HashMap<usize, usize> = block.workloads.iter().enumerate().map(|(row, item)| (*item, row)).collect();
    let inner: Vec<(usize, usize)> = block
        .services
        .iter()
        .flat_map(|service| links.to[*service].iter().filter(|to| right.contains_key(to)).map(|to| (*service, *to)))
        .collect();
    order::untangle(&mut block.services, &mut block.workloads, &inner);
    together(model, &mut block.workloads);

    let mut last = first;
    let mut set = |items: &[usize], n_columns: usize, heights: &[f32], places: &mut [Option<Place>]| {
        for (row, (item, y)) in items.iter().zip(heights).enumerate() {
            places[*item] = Some((row % n_columns, *y));
            last = last.max(*y);
        }
    };
    let rows = |n: usize, n_columns: usize| -> Vec<f32> {
        let of = |at: usize| first + (at / n_columns) as f32 * PITCH + if at % n_columns % 2 == 1 { PITCH / 2.0 } else { 0.0 };
        (0..n).map(of).collect()
    };
    let levels = rows(block.workloads.len(), n_workloads);
    set(&block.workloads, n_workloads, &levels, places);
    let level_with = |items: &[usize], neighbours: &[Vec<usize>], of: &[usize], pitch: f32, places: &[Option<Place>]| -> Vec<f32> {
        let mean = |item: usize| {
            let heights = neighbours[item].iter().filter(|other| of.contains(other)).filter_map(|other| places[*other].map(|at| at.1));
            let (sum, n) = heights.fold((0.0, 0), |(sum, n), y| (sum + y, n + 1));
            (n > 0).then(|| sum / n as f32)
        };
        let wishes: Vec<Option<f32>> = items.iter().map(|item| mean(*item)).collect();
        spread(&fill_wishes(&wishes, pitch), &vec![pitch; items.len().saturating_sub(1)], first)
    };
    let heights = level_with(&block.services, &links.to, &block.workloads, PITCH / n_services as f32, places);
    set(&block.services, n_services, &heights, places);
    // Where Services outnumber the rows that workloads need, workloads are put level with their Services instead.
    if block.services.len() > block.workloads.len() && n_workloads <= 2 {
        let heights = level_with(&block.workloads, &links.from, &block.services, PITCH / n_workloads as f32, places);
        set(&block.workloads, n_workloads, &heights, places);
    }
    last
}

/// Pods of one workload follow the first of them.
fn together(model: &MapModel, items: &mut [usize]) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut rank: HashMap<usize, usize> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let node = &model.nodes[*item];
        let of = match &node.folds_into {
            Some(parent) if node.kind == super::super::model::NodeKind::Pod => *first.entry(parent).or_insert(at),
            _ => at,
        };
        rank.insert(*item, of);
    }
    items.sort_by_key(|item| rank.get(item).copied());
}

/// What moves as one: a box, or a node without one.
struct Thing {
    top: f32,
    bottom: f32,
    group: Option<usize>,
    items: Vec<usize>,
}

/// Stacks everything where it was in `seed`.
pub fn again(model: &MapModel, links: &Links, seed: &Seed, wrapped: bool, places: &mut [Option<Place>]) -> Stack {
    let (boxed, loose) = sorted(model);
    let mut things: Vec<Thing> = Vec::new();
    // What became one node leaves the room of its box to what stands below.
    let mut closed: Vec<(f32, f32)> = Vec::new();
    let mut below: f32 = 0.0;
    let mut slots = boxed.into_iter();
    for group in loose {
        for lane in [group.services, group.workloads] {
            let mut last: Option<f32> = None;
            for item in lane {
                let node = &model.nodes[item];
                let spot = seed.spots.get(&node.id).filter(|spot| spot.lane == node.lane && spot.group.is_none());
                let (place, top) = match (spot, seed.boxes.get(&node.id)) {
                    (Some(spot), _) => ((spot.column, spot.y), spot.y - HALF),
                    (None, Some((top, bottom))) => {
                        closed.push((*bottom, bottom - top - NODE_HEIGHT));
                        ((0, top + HALF), *top)
                    }
                    (None, None) => {
                        // Just behind the one before it: what stands there makes room.
                        let top = last.map_or(below, |last| last + 1.0);
                        ((0, top + HALF), top)
                    }
                };
                places[item] = Some(place);
                last = Some(top);
                things.push(Thing { top, bottom: top + NODE_HEIGHT, group: None, items: vec![item] });
            }
            below = last.map_or(below, |last| below.max(last + NODE_HEIGHT));
        }
        if let Some(block) = slots.next()
            && (!block.services.is_empty() || !block.workloads.is_empty())
        {
            let thing = boxed_again(model, links, seed, block, wrapped, below, places);
            below = thing.bottom;
            things.push(thing);
        }
    }
    for (bottom, by) in closed {
        for thing in things.iter_mut().filter(|thing| thing.top >= bottom) {
            shift(thing, -by, places);
        }
    }
    settle(model, things, places)
}

fn shift(thing: &mut Thing, by: f32, places: &mut [Option<Place>]) {
    thing.top += by;
    thing.bottom += by;
    for item in &thing.items {
        if let Some(place) = &mut places[*item] {
            place.1 += by;
        }
    }
}

/// A box where it was, with what is new in it; or, where it is new, where its namespace was folded, else below `below`.
fn boxed_again(
    model: &MapModel,
    links: &Links,
    seed: &Seed,
    mut block: Block,
    wrapped: bool,
    below: f32,
    places: &mut [Option<Place>],
) -> Thing {
    let group = block.group.and_then(|at| model.groups.get(at)).map(|group| &group.id);
    let old = group.and_then(|group| seed.boxes.get(group));
    let folded = group.and_then(|group| seed.spots.get(group)).map(|spot| spot.y - HALF);
    let top = old.map(|old| old.0).or(folded).unwrap_or(below + 1.0);
    let items: Vec<usize> = block.services.iter().chain(&block.workloads).copied().collect();
    let spot = |item: usize| {
        let node = &model.nodes[item];
        seed.spots.get(&node.id).filter(|spot| spot.lane == node.lane && spot.group == node.group)
    };
    let n_known = items.iter().filter(|item| spot(**item).is_some()).count();
    let new = |item: &usize| spot(*item).is_none();
    // A workload that was unfolded into its pods, or folded again, has everything in its box put in order.
    let parent_was_here = |item: &usize| {
        let parent = model.nodes[*item].folds_into.as_ref().and_then(|parent| seed.spots.get(parent));
        new(item) && parent.is_some_and(|parent| parent.group == model.nodes[*item].group)
    };
    let was_unfolded = |item: &usize| {
        let node = &model.nodes[*item];
        new(item)
            && node.kind == super::super::model::NodeKind::Workload
            && seed.spots.values().any(|spot| spot.parent.as_ref() == Some(&node.id))
    };
    let anew = n_known * 2 < items.len() || items.iter().any(|item| parent_was_here(item) || was_unfolded(item));
    let mut bottom;
    if anew {
        for column in [&mut block.services, &mut block.workloads] {
            *column = order::seeded(column, |item| {
                let parent = || model.nodes[item].folds_into.as_ref().and_then(|parent| seed.spots.get(parent));
                spot(item).or_else(parent).map(|spot| spot.y + spot.column as f32)
            });
        }
        bottom = inside(model, links, &mut block, wrapped, top + BOX_HEAD + HALF, places) + HALF + BOX_FOOT;
    } else {
        for lane in [&block.services, &block.workloads] {
            let mut taken: Vec<Place> = lane.iter().filter_map(|item| spot(*item)).map(|spot| (spot.column, spot.y)).collect();
            taken.sort_by(|a, b| a.1.total_cmp(&b.1));
            let n_columns = taken.iter().map(|place| place.0 + 1).max().unwrap_or(1);
            let mut last = top + BOX_HEAD + HALF - PITCH;
            for item in lane {
                let place = match spot(*item) {
                    Some(spot) => (spot.column, spot.y),
                    None => {
                        let place = nearest(&taken, n_columns, top + BOX_HEAD + HALF, last + PITCH);
                        take(&mut taken, place);
                        place
                    }
                };
                last = place.1;
                places[*item] = Some(place);
            }
        }
        let lowest = items.iter().filter_map(|item| places[*item]).map(|place| place.1).fold(top, f32::max);
        bottom = lowest + HALF + BOX_FOOT;
    }
    if let Some(old) = old {
        // Only what comes or goes changes a box.
        let n_before = seed.spots.values().filter(|spot| spot.group.as_ref() == group && middle(spot.lane)).count();
        if n_known == items.len() && n_known == n_before {
            bottom = old.1;
        }
    }
    Thing { top, bottom, group: block.group, items }
}

fn middle(lane: Lane) -> bool {
    matches!(lane, Lane::Services | Lane::Workloads)
}

/// Moves down what is in the way of something above it, and with it, as far as there is no box between, what stands below.
fn settle(model: &MapModel, mut things: Vec<Thing>, places: &mut [Option<Place>]) -> Stack {
    things.sort_by(|a, b| a.top.total_cmp(&b.top));
    let mut boxes = vec![None; model.groups.len()];
    let (mut box_floor, mut loose_floor) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    let mut floors: HashMap<(Lane, usize), f32> = HashMap::new();
    let mut moved: f32 = 0.0;
    for mut thing in things {
        if let Some(group) = thing.group {
            let floor = box_floor.max(loose_floor);
            moved = (floor - thing.top).max(0.0);
            shift(&mut thing, snap_up(moved), places);
            box_floor = thing.bottom + BOX_GAP;
            boxes[group] = Some((thing.top, thing.bottom));
            moved = 0.0;
            continue;
        }
        let column = thing.items.first().and_then(|item| Some((model.nodes[*item].lane, places[*item]?.0)));
        let own = column.and_then(|column| floors.get(&column)).copied().unwrap_or(f32::NEG_INFINITY);
        moved = moved.max(snap_up((box_floor.max(own) - thing.top).max(0.0)));
        shift(&mut thing, moved, places);
        loose_floor = loose_floor.max(thing.bottom + BOX_GAP);
        if let Some(column) = column {
            floors.insert(column, thing.top + PITCH);
        }
    }
    Stack { boxes }
}
