//! From the model to places: a pure function that says where every node, box and edge of the map stands.
//!
//! Columns (lanes) stand from left to right. Namespaces are boxes, one below the other in the order given, around their Services and
//! workloads; what has no namespace stands in its lane between them, or in a grid below them where it is much. Outside, entries and
//! destinations are then put level with what they lead to, as far as there is room.
//!
//! What stood somewhere stays there. The previous layout is the seed of the next (`seed`): of lanes, sub-columns, boxes and nodes
//! alike. Edges, tones and facts move nothing. A set of nodes that was laid out before has the places that it had then.
//!
//! A lane with many nodes has sub-columns, every other one half a row lower, so that an edge to or from a node of one runs level
//! between two nodes of its neighbours.

mod free;
mod grid;
mod links;
mod seed;
mod stack;

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::elide::{Face, elide};
use super::model::{Lane, MapModel, N_LANES, Node, Outline};
use super::place::snap;
use super::route::{self, Columns, Route};
use free::{Place, WRAP_FREE_FROM};
use links::Links;
use seed::{Frame, Memory, Seed, Spot};
use stack::{Block, Shape};

/// Height of a node with two lines.
pub const NODE_HEIGHT: f32 = 40.0;
/// Height of a node with one line.
pub const SHORT_HEIGHT: f32 = 28.0;
/// From one row to the next.
pub const PITCH: f32 = 56.0;
/// From the top of a box to the top of its first node: its title stands there.
pub const BOX_HEAD: f32 = 36.0;
const BOX_FOOT: f32 = 16.0;
const BOX_GAP: f32 = 16.0;
const BOX_LEFT: f32 = 16.0;
const BOX_RIGHT: f32 = 28.0;
const SUBCOLUMN_GAP: f32 = 24.0;
/// Widths of lanes are multiples of this, so that most texts can change without a lane that grows.
const WIDTH_STEP: f32 = 24.0;
/// The least and the most that nodes of each lane are wide.
const WIDTHS: [(f32, f32); N_LANES] = [(56.0, 160.0), (116.0, 208.0), (112.0, 200.0), (160.0, 216.0), (56.0, 216.0), (152.0, 224.0)];
/// The most that nodes of each lane are wide where it has sub-columns.
const WRAPPED_WIDTHS: [f32; N_LANES] = [160.0, 184.0, 160.0, 172.0, 184.0, 184.0];
/// A picture of many folded namespaces is at least so much wider than high.
const LEAST_ASPECT: f32 = 1.3;

/// A node in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Where it stands.
    pub rect: Rect,
    /// Its first line, shortened to fit.
    pub title: String,
    /// Its second line, shortened to fit; may be empty.
    pub fact: String,
}

/// A box in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedGroup {
    /// Where it stands.
    pub rect: Rect,
    /// Its title, shortened to fit.
    pub title: String,
    /// Its counts, shortened to fit; may be empty.
    pub fact: String,
}

/// From where to where a lane reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Left edge of its nodes.
    pub left: f32,
    /// Right edge of its nodes.
    pub right: f32,
}

/// The whole picture, in points at a zoom of 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The nodes, as in the model.
    pub nodes: Vec<Placed>,
    /// The boxes, as in the model; none for a group without nodes.
    pub groups: Vec<Option<PlacedGroup>>,
    /// The edges, as in the model; none for an edge without both ends.
    pub routes: Vec<Option<Route>>,
    /// The lanes, as in [`Lane::ALL`]; none for a lane without nodes.
    pub lanes: [Option<Band>; N_LANES],
    /// Everything.
    pub bounds: Rect,
    memory: Memory,
}

/// Lays `model` out. `before` is the previous layout, `measure` the width of a text at a zoom of 1.
pub fn lay_out(model: &MapModel, before: Option<&Layout>, measure: &mut dyn FnMut(&str, Face) -> f32) -> Layout {
    let links = Links::of(model);
    let key = seed::key(model);
    // A picture without anything of the one before it starts from nothing.
    let seed = before
        .and_then(|before| before.memory.seed(key))
        .filter(|seed| model.nodes.iter().any(|node| seed.spots.contains_key(&node.id)))
        .map(AsRef::as_ref);

    let mut places: Vec<Option<Place>> = vec![None; model.nodes.len()];
    let mut frame = frame(model, seed, measure);
    let wrapped;
    let stack = match seed {
        Some(seed) => {
            wrapped = seed.wrapped;
            stack::again(model, &links, seed, wrapped, &mut places)
        }
        None => {
            let blocks = stack::blocks(model);
            let shape = shape(model, &blocks, &frame.widths);
            wrapped = shape.wrapped;
            stack::cold(model, &links, blocks, shape, &mut places)
        }
    };
    for lane in [Lane::Entry, Lane::Outside, Lane::Exits, Lane::Destinations] {
        let n = model.nodes.iter().filter(|node| node.lane == lane).count();
        let before = seed.map_or(1, |seed| seed.frame.columns[lane as usize]);
        let n_columns = before.max(if n > WRAP_FREE_FROM { 2 } else { 1 });
        free::place(model, lane, &links, seed, n_columns, &mut places);
    }
    for (node, place) in model.nodes.iter().zip(&places) {
        let n_columns = &mut frame.columns[node.lane as usize];
        *n_columns = (*n_columns).max(place.map_or(1, |place| place.0 + 1));
    }
    gaps(model, &links, seed, &mut frame);

    let bands = frame.bands();
    let present: [bool; N_LANES] = std::array::from_fn(|lane| model.nodes.iter().any(|node| node.lane as usize == lane));
    let lanes: [Option<Band>; N_LANES] = std::array::from_fn(|lane| bands[lane].filter(|_| present[lane]));
    let nodes: Vec<Placed> = model.nodes.iter().zip(&places).map(|(node, place)| placed(node, *place, &frame, &bands, measure)).collect();
    let rects: Vec<Rect> = nodes.iter().map(|node| node.rect).collect();

    let span = [Lane::Services, Lane::Workloads].map(|lane| bands[lane as usize]);
    let left = span.iter().flatten().map(|band| band.left).fold(f32::INFINITY, f32::min) - BOX_LEFT;
    let right = span.iter().flatten().map(|band| band.right).fold(f32::NEG_INFINITY, f32::max) + BOX_RIGHT;
    let groups: Vec<Option<PlacedGroup>> = model
        .groups
        .iter()
        .zip(&stack.boxes)
        .map(|(group, height)| {
            let rect = height.map(|(top, bottom)| Rect::from_min_max(pos2(left, top), pos2(right, bottom)))?;
            let room = rect.width() - 24.0;
            let title = elide(&group.title, Face::Title, room, measure);
            let left = room - measure(&title, Face::Title) - 16.0;
            let fact = if left > 40.0 { elide(&group.fact, Face::Fact, left, measure) } else { String::new() };
            Some(PlacedGroup { rect, title, fact })
        })
        .collect();

    let columns = Columns::new(model, &rects, &lanes, |lane| frame.columns[lane], |node| places[node].map_or(0, |place| place.0));
    let routes = route::routes(model, &rects, &columns, &links.ends);
    let mut bounds = Rect::NOTHING;
    for rect in rects.iter().chain(groups.iter().flatten().map(|group| &group.rect)) {
        bounds |= *rect;
    }
    for route in routes.iter().flatten() {
        bounds |= route.bounds;
    }
    if !bounds.is_positive() {
        bounds = Rect::from_min_size(Pos2::ZERO, Vec2::splat(1.0));
    }

    let spots = model.nodes.iter().zip(&places).filter_map(|(node, place)| {
        let (column, y) = (*place)?;
        Some((node.id.clone(), Spot { column, y, group: node.group.clone(), parent: node.folds_into.clone(), lane: node.lane }))
    });
    let boxes = model.groups.iter().zip(&stack.boxes).filter_map(|(group, height)| Some((group.id.clone(), (*height)?)));
    let seed = Seed { frame, wrapped, spots: spots.collect(), boxes: boxes.collect() };
    let memory = before.map(|before| before.memory.with(key, seed.clone())).unwrap_or_else(|| Memory::default().with(key, seed));
    Layout { nodes, groups, routes, lanes, bounds, memory }
}

/// Where a node stands in its lane, and what of its texts fits.
fn placed(
    node: &Node,
    place: Option<Place>,
    frame: &Frame,
    bands: &[Option<Band>; N_LANES],
    measure: &mut dyn FnMut(&str, Face) -> f32,
) -> Placed {
    let (lane, height) = (node.lane as usize, height(node));
    let width = frame.widths[lane];
    let centre = free::centre(place.unwrap_or_default(), bands[lane].map_or(0.0, |band| band.left), width, frame.inner_gaps[lane]);
    let rect = Rect::from_center_size(centre, vec2(width, height));
    let tip = if matches!(node.outline(), Outline::Arrow | Outline::Chevron) { 4.0 } else { 0.0 };
    let room = width - 2.0 * inset(node.outline()) - tip;
    Placed { rect, title: elide(&node.title, Face::Title, room, measure), fact: elide(&node.fact, Face::Fact, room, measure) }
}

fn height(node: &Node) -> f32 {
    if node.fact.is_empty() { SHORT_HEIGHT } else { NODE_HEIGHT }
}

/// From the side of a node to its text.
pub fn inset(outline: Outline) -> f32 {
    match outline {
        Outline::Box | Outline::Stack => 12.0,
        Outline::Pill | Outline::Slip | Outline::Arrow | Outline::Card | Outline::Octagon => 14.0,
        Outline::Chevron => 18.0,
        Outline::Hexagon | Outline::Ghost => 16.0,
    }
}

/// How wide a node would be for its title and, if `with_fact`, for its fact.
fn natural_width(node: &Node, with_fact: bool, measure: &mut dyn FnMut(&str, Face) -> f32) -> f32 {
    let fact = if with_fact { measure(&node.fact, Face::Fact) } else { 0.0 };
    let text = measure(&node.title, Face::Title).max(fact);
    // A point on the right needs room of its own.
    let tip = if matches!(node.outline(), Outline::Arrow | Outline::Chevron) { 4.0 } else { 0.0 };
    ((text + 2.0 * inset(node.outline()) + tip + 1.0) / WIDTH_STEP).ceil() * WIDTH_STEP
}

/// One width for each lane, so that its nodes are aligned on both sides. A lane that was there keeps its width and its sub-columns,
/// unless several nodes came to it that have far longer names.
fn frame(model: &MapModel, seed: Option<&Seed>, measure: &mut dyn FnMut(&str, Face) -> f32) -> Frame {
    let mut frame = Frame {
        there: [false; N_LANES],
        widths: WIDTHS.map(|(least, _)| least),
        columns: [1; N_LANES],
        inner_gaps: [SUBCOLUMN_GAP; N_LANES],
        gaps: [0.0; N_LANES],
    };
    let mut n_known = [0usize; N_LANES];
    let mut n_new = [0usize; N_LANES];
    for node in &model.nodes {
        let known = seed.and_then(|seed| seed.spots.get(&node.id)).is_some_and(|spot| spot.lane == node.lane);
        *(if known { &mut n_known } else { &mut n_new }).get_mut(node.lane as usize).unwrap_or(&mut 0) += 1;
    }
    for node in &model.nodes {
        let lane = node.lane as usize;
        frame.there[lane] = true;
        let natural = natural_width(node, n_known[lane] == 0, measure);
        frame.widths[lane] = natural.clamp(frame.widths[lane], WIDTHS[lane].1);
    }
    let Some(seed) = seed else { return frame };
    for lane in 0..N_LANES {
        let (there, before) = (seed.frame.there[lane], seed.frame.widths[lane]);
        frame.there[lane] |= there;
        if !there {
            continue;
        }
        let stays = n_known[lane] > 0 || n_new[lane] == 0;
        let outgrown = n_new[lane] > 2 && seed.frame.columns[lane] == 1 && frame.widths[lane] > before + WIDTH_STEP;
        if stays && !outgrown {
            frame.widths[lane] = before;
        }
        frame.columns[lane] = seed.frame.columns[lane];
        frame.inner_gaps[lane] = seed.frame.inner_gaps[lane];
    }
    frame
}

/// Whether boxes wrap: when the picture would be much higher than wide. And how many sub-columns many folded namespaces take: as few
/// as make the picture wider than high.
fn shape(model: &MapModel, blocks: &[Block], widths: &[f32; N_LANES]) -> Shape {
    let is_grid = |block: &Block| block.group.is_none() && block.workloads.len() > grid::FROM;
    let n_rows = |block: &Block, wrapped: bool| {
        let rows = |n: usize, lane| n.div_ceil(if block.group.is_some() { stack::n_columns(n, lane, wrapped) } else { 1 });
        rows(block.services.len(), Lane::Services).max(rows(block.workloads.len(), Lane::Workloads))
    };
    let height = |wrapped: bool| -> f32 {
        let rest = blocks.iter().filter(|block| !is_grid(block));
        rest.map(|block| n_rows(block, wrapped) as f32 * PITCH + if block.group.is_some() { BOX_HEAD + BOX_GAP } else { 0.0 }).sum()
    };
    let width = widths.iter().zip(Lane::ALL).filter(|(_, lane)| model.nodes.iter().any(|node| node.lane == *lane)).map(|(width, _)| width);
    // A gap, its edges included, before every lane but the first.
    let (width, n_lanes) = width.fold((0.0, 0), |(sum, n), width| (sum + width, n + 1));
    let width = width + 60.0 * (n_lanes as f32 - 1.0).max(0.0);
    let wrapped = height(false) > 1.25 * width;
    let n_grid = blocks.iter().filter(|block| is_grid(block)).map(|block| block.workloads.len()).max().unwrap_or(0);
    let boxes = height(wrapped);
    let wide_enough = |n: &usize| {
        let high = boxes + n_grid.div_ceil(*n) as f32 * PITCH;
        width + (*n - 1) as f32 * (WRAPPED_WIDTHS[Lane::Workloads as usize] + grid::GAP) >= LEAST_ASPECT * high
    };
    Shape { wrapped, n_loose: (1..=grid::MOST).find(wide_enough).unwrap_or(grid::MOST) }
}

/// The gaps between lanes, and how wide the nodes of lanes with sub-columns are. A gap that many edges cross is wider, but one that
/// was there stays.
fn gaps(model: &MapModel, links: &Links, seed: Option<&Seed>, frame: &mut Frame) {
    let mut n_across = [0usize; N_LANES];
    let mut n_back = 0;
    for (from, to) in links.ends.iter().flatten() {
        let (from, to) = (model.nodes[*from].lane as usize, model.nodes[*to].lane as usize);
        if from < to {
            n_across[from..to].iter_mut().for_each(|n| *n += 1);
        } else {
            n_back += 1;
        }
    }
    let more = |n: usize, most: f32| snap((n as f32).sqrt() * 4.0).min(most);
    let n_loose = model.nodes.iter().filter(|node| node.lane == Lane::Workloads && node.group.is_none()).count();
    for lane in Lane::ALL {
        let at = lane as usize;
        let before = seed.map(|seed| &seed.frame).filter(|before| before.there[at]);
        let n_before = before.map_or(1, |before| before.columns[at]);
        if frame.columns[at] > 1 && n_before == 1 {
            // Narrow columns rather than wide ones: what is shortened is told in full by the tooltip.
            frame.widths[at] = frame.widths[at].min(WRAPPED_WIDTHS[at]);
            frame.inner_gaps[at] = if lane == Lane::Workloads && n_loose > grid::FROM { grid::GAP } else { SUBCOLUMN_GAP };
        }
        let gap = match lane {
            Lane::Destinations if frame.there[Lane::Exits as usize] => 32.0 + more(n_across[4], 40.0),
            Lane::Exits | Lane::Destinations => BOX_RIGHT + 28.0 + more(n_across[3], 32.0) + more(4 * n_back, 64.0),
            Lane::Services => BOX_LEFT + 24.0 + more(n_across[1], 40.0),
            _ => 32.0 + more(n_across[at.saturating_sub(1)], 40.0),
        };
        frame.gaps[at] = before.map_or(snap(gap), |before| before.gaps[at]);
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
