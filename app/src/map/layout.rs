//! From the model to places: a pure function that says where every node, box and edge of the map stands.
//!
//! Columns (lanes) stand from left to right. Namespaces are boxes, one below the other in the order given, around their Services and
//! workloads; what has no namespace stands in its lane between them. Outside, entries and destinations are then put level with what
//! they lead to, as far as there is room. The previous layout seeds every order, so that what did not change does not move.
//!
//! A lane with many nodes has two sub-columns, one half a row lower than the other, so that an edge to or from a node of either runs
//! level between two nodes of the other.

use std::collections::HashMap;

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::elide::{Face, elide};
use super::model::{Lane, MapModel, N_LANES, Node, Outline};
use super::order;
use super::place::{fill_wishes, snap, snap_up, spread};
use super::route::{self, Route};

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
/// A box wraps a lane into two sub-columns from this many nodes on.
const WRAP_FROM: usize = 4;
/// The most that nodes of each lane are wide where lanes have two sub-columns.
const WRAPPED_WIDTHS: [f32; N_LANES] = [160.0, 184.0, 160.0, 172.0, 184.0, 184.0];

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
    centres: HashMap<String, Pos2>,
    widths: [f32; N_LANES],
    wrapped: bool,
}

/// Nodes that are stacked together: a box, or what stands between boxes.
#[derive(Debug, Default)]
struct Block {
    group: Option<usize>,
    services: Vec<usize>,
    workloads: Vec<usize>,
}

impl Block {
    fn n_rows(&self, wrapped: bool) -> usize {
        let rows = |n: usize| if wrapped && n >= WRAP_FROM { n.div_ceil(2) } else { n };
        rows(self.services.len()).max(rows(self.workloads.len()))
    }
}

/// Lays `model` out. `before` is the previous layout, `measure` the width of a text at a zoom of 1.
pub fn lay_out(model: &MapModel, before: Option<&Layout>, measure: &mut dyn FnMut(&str, Face) -> f32) -> Layout {
    let index: HashMap<&str, usize> = model.nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
    let links: Vec<Option<(usize, usize)>> =
        model.edges.iter().map(|edge| Some((*index.get(edge.from.as_str())?, *index.get(edge.to.as_str())?))).collect();
    let known: Vec<(usize, usize)> = links.iter().flatten().copied().collect();

    let mut widths = lane_widths(model, before, measure);
    let blocks = blocks(model, &known, before);
    let wrapped = wraps(&blocks, &widths, before);
    if wrapped {
        // Two narrow columns rather than two wide ones: what is shortened is told in full by the tooltip.
        for (width, most) in widths.iter_mut().zip(WRAPPED_WIDTHS) {
            *width = width.min(most);
        }
    }
    let subcolumns = subcolumns(&blocks, wrapped);
    let lanes = bands(model, &known, &widths, subcolumns);

    let mut centres: Vec<Option<Pos2>> = vec![None; model.nodes.len()];
    let box_rects = stack(&blocks, &known, &lanes, &widths, wrapped, &mut centres, model);
    for lane in [Lane::Entry, Lane::Outside, Lane::Exits, Lane::Destinations] {
        place_free(model, lane, &known, before, &lanes, widths[lane as usize], &mut centres);
    }

    let nodes: Vec<Placed> = model
        .nodes
        .iter()
        .zip(&centres)
        .map(|(node, centre)| {
            let width = if node.lane == Lane::Outside { natural_width(node, measure).min(widths[0]) } else { widths[node.lane as usize] };
            // Nodes of a lane share their left edge, whatever their widths are.
            let centre = centre.unwrap_or_default();
            let left = centre.x - widths[node.lane as usize] / 2.0;
            let rect = Rect::from_min_size(pos2(left, centre.y - height(node) / 2.0), vec2(width, height(node)));
            let room = width - 2.0 * inset(node.outline) - if node.outline == Outline::Arrow { 4.0 } else { 0.0 };
            Placed { rect, title: elide(&node.title, Face::Title, room, measure), fact: elide(&node.fact, Face::Fact, room, measure) }
        })
        .collect();
    let groups = model
        .groups
        .iter()
        .zip(box_rects)
        .map(|(group, rect)| {
            let rect = rect?;
            let room = rect.width() - 24.0;
            let title = elide(&group.title, Face::Title, room, measure);
            let left = room - measure(&title, Face::Title) - 16.0;
            let fact = if left > 40.0 { elide(&group.fact, Face::Fact, left, measure) } else { String::new() };
            Some(PlacedGroup { rect, title, fact })
        })
        .collect::<Vec<_>>();

    let rects: Vec<Rect> = nodes.iter().map(|node| node.rect).collect();
    let routes = route::routes(model, &rects, &lanes, &links);
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
    let centres = model.nodes.iter().zip(&rects).map(|(node, rect)| (node.id.clone(), rect.center())).collect();
    Layout { nodes, groups, routes, lanes, bounds, centres, widths, wrapped }
}

fn height(node: &Node) -> f32 {
    if node.fact.is_empty() { SHORT_HEIGHT } else { NODE_HEIGHT }
}

/// From the side of a node to its text.
pub fn inset(outline: Outline) -> f32 {
    match outline {
        Outline::Box => 12.0,
        Outline::Pill | Outline::Arrow => 14.0,
        Outline::Hexagon | Outline::Ghost => 16.0,
    }
}

fn natural_width(node: &Node, measure: &mut dyn FnMut(&str, Face) -> f32) -> f32 {
    let text = measure(&node.title, Face::Title).max(measure(&node.fact, Face::Fact));
    // A point on the right needs room of its own.
    let tip = if node.outline == Outline::Arrow { 4.0 } else { 0.0 };
    snap_up(text + 2.0 * inset(node.outline) + tip + 1.0)
}

/// One width for each lane, so that its nodes are aligned on both sides.
fn lane_widths(model: &MapModel, before: Option<&Layout>, measure: &mut dyn FnMut(&str, Face) -> f32) -> [f32; N_LANES] {
    let limits = [(56.0, 160.0), (116.0, 208.0), (112.0, 200.0), (160.0, 216.0), (0.0, 216.0), (152.0, 224.0)];
    let mut widths = limits.map(|(least, _)| least);
    for node in &model.nodes {
        let lane = node.lane as usize;
        widths[lane] = natural_width(node, measure).clamp(widths[lane], limits[lane].1);
    }
    if let Some(before) = before {
        for (width, before) in widths.iter_mut().zip(before.widths) {
            // A lane that became a little narrower keeps its width, or everything to its right would move.
            if before > *width && before - *width <= 48.0 {
                *width = before;
            }
        }
    }
    widths
}

/// What is stacked in the middle: boxes in the order given, and between them what has none, behind the box of the node that precedes
/// it in its lane.
fn blocks(model: &MapModel, links: &[(usize, usize)], before: Option<&Layout>) -> Vec<Block> {
    let group_at: HashMap<&str, usize> = model.groups.iter().enumerate().map(|(at, group)| (group.id.as_str(), at)).collect();
    // Slot 0 is above the first box, slot n + 1 is below box n.
    let mut boxed: Vec<Block> = (0..model.groups.len()).map(|group| Block { group: Some(group), ..Block::default() }).collect();
    let mut loose: Vec<Block> = (0..=model.groups.len()).map(|_| Block::default()).collect();
    for lane in [Lane::Services, Lane::Workloads] {
        let mut slot = 0;
        for (at, node) in model.nodes.iter().enumerate().filter(|(_, node)| node.lane == lane) {
            let group = node.group.as_deref().and_then(|group| group_at.get(group));
            let block = match group {
                Some(group) => {
                    slot = group + 1;
                    &mut boxed[*group]
                }
                None => &mut loose[slot],
            };
            if lane == Lane::Services { block.services.push(at) } else { block.workloads.push(at) }
        }
    }
    let mut loose = loose.into_iter();
    let mut all: Vec<Block> = loose.next().into_iter().collect();
    for (boxed, loose) in boxed.into_iter().zip(loose) {
        all.extend([boxed, loose]);
    }
    all.retain(|block| !block.services.is_empty() || !block.workloads.is_empty());
    for block in &mut all {
        let rank = |item: usize| before.and_then(|before| before.centres.get(&model.nodes[item].id)).map(|centre| centre.y);
        block.services = order::seeded(&block.services, rank);
        block.workloads = order::seeded(&block.workloads, rank);
        let inner: Vec<(usize, usize)> =
            links.iter().filter(|link| block.services.contains(&link.0) && block.workloads.contains(&link.1)).copied().collect();
        order::untangle(&mut block.services, &mut block.workloads, &inner);
    }
    all
}

/// Whether boxes wrap: when the picture would be much higher than wide. What was wrapped stays so for a while.
fn wraps(blocks: &[Block], widths: &[f32; N_LANES], before: Option<&Layout>) -> bool {
    let height: f32 = blocks.iter().map(|block| block.n_rows(false) as f32 * PITCH + BOX_HEAD + BOX_GAP).sum();
    let width = widths.iter().sum::<f32>() + 240.0;
    let limit = if before.is_some_and(|before| before.wrapped) { 1.0 } else { 1.25 };
    height > limit * width
}

fn subcolumns(blocks: &[Block], wrapped: bool) -> [usize; N_LANES] {
    let of = |n: usize| if wrapped && n >= WRAP_FROM { 2 } else { 1 };
    let services = blocks.iter().map(|block| of(block.services.len())).max().unwrap_or(1);
    let workloads = blocks.iter().map(|block| of(block.workloads.len())).max().unwrap_or(1);
    [1, 1, services, workloads, 1, 1]
}

/// Where the lanes stand. A gap that many edges cross is wider.
fn bands(model: &MapModel, links: &[(usize, usize)], widths: &[f32; N_LANES], subcolumns: [usize; N_LANES]) -> [Option<Band>; N_LANES] {
    let mut n_across = [0usize; N_LANES];
    let mut n_back = 0;
    for (from, to) in links {
        let (from, to) = (model.nodes[*from].lane as usize, model.nodes[*to].lane as usize);
        if from < to {
            n_across[from..to].iter_mut().for_each(|n| *n += 1);
        } else {
            n_back += 1;
        }
    }
    let more = |n: usize, most: f32| snap((n as f32).sqrt() * 4.0).min(most);
    let mut lanes = [None; N_LANES];
    let mut right: Option<f32> = None;
    for lane in Lane::ALL {
        let at = lane as usize;
        if !model.nodes.iter().any(|node| node.lane == lane) {
            continue;
        }
        let gap = match (right, lane) {
            (None, _) => 0.0,
            (Some(_), Lane::Destinations) if lanes[Lane::Exits as usize].is_some() => 32.0 + more(n_across[4], 40.0),
            (Some(_), Lane::Exits | Lane::Destinations) => BOX_RIGHT + 28.0 + more(n_across[3], 32.0) + more(4 * n_back, 64.0),
            (Some(_), Lane::Services) => BOX_LEFT + 24.0 + more(n_across[1], 40.0),
            (Some(_), _) => 32.0 + more(n_across[at.saturating_sub(1)], 40.0),
        };
        let left = right.unwrap_or(0.0) + snap(gap);
        let n = subcolumns[at] as f32;
        let band = Band { left, right: left + n * widths[at] + (n - 1.0) * SUBCOLUMN_GAP };
        right = Some(band.right);
        lanes[at] = Some(band);
    }
    lanes
}

/// Stacks the blocks, sets the centres of their nodes and gives the boxes.
fn stack(
    blocks: &[Block],
    links: &[(usize, usize)],
    lanes: &[Option<Band>; N_LANES],
    widths: &[f32; N_LANES],
    wrapped: bool,
    centres: &mut [Option<Pos2>],
    model: &MapModel,
) -> Vec<Option<Rect>> {
    let mut boxes = vec![None; model.groups.len()];
    let span = [Lane::Services, Lane::Workloads].map(|lane| lanes[lane as usize]);
    let left = span.iter().flatten().map(|band| band.left).fold(f32::INFINITY, f32::min) - BOX_LEFT;
    let right = span.iter().flatten().map(|band| band.right).fold(f32::NEG_INFINITY, f32::max) + BOX_RIGHT;
    let mut top = 0.0;
    for block in blocks {
        let first = top + if block.group.is_some() { BOX_HEAD } else { 0.0 } + NODE_HEIGHT / 2.0;
        let mut last = first;
        let mut column = |items: &[usize], lane: Lane, wishes: &[f32], centres: &mut [Option<Pos2>]| {
            let Some(band) = lanes[lane as usize] else { return };
            let n_columns = if wrapped && items.len() >= WRAP_FROM { 2 } else { 1 };
            let pitch = PITCH / n_columns as f32;
            let places = spread(wishes, &vec![pitch; items.len().saturating_sub(1)], first);
            for (row, (item, y)) in items.iter().zip(places).enumerate() {
                let width = widths[lane as usize];
                let x = band.left + width / 2.0 + (row % n_columns) as f32 * (width + SUBCOLUMN_GAP);
                centres[*item] = Some(pos2(x, y));
                last = last.max(y);
            }
        };
        let pitch = if wrapped && block.workloads.len() >= WRAP_FROM { PITCH / 2.0 } else { PITCH };
        let rows: Vec<f32> = (0..block.workloads.len()).map(|row| first + row as f32 * pitch).collect();
        // Where Services outnumber the rows that workloads need, workloads are put level with their Services instead.
        column(&block.workloads, Lane::Workloads, &rows, centres);
        let wishes: Vec<Option<f32>> = block
            .services
            .iter()
            .map(|service| mean(links.iter().filter(|link| link.0 == *service).filter_map(|link| rows_of(link.1, block, &rows))))
            .collect();
        let service_pitch = if wrapped && block.services.len() >= WRAP_FROM { PITCH / 2.0 } else { PITCH };
        let wishes = fill_wishes(&wishes, service_pitch);
        column(&block.services, Lane::Services, &wishes, centres);
        if block.services.len() > block.workloads.len() {
            let levels: Vec<Option<f32>> = block
                .workloads
                .iter()
                .map(|workload| {
                    let services = links.iter().filter(|link| link.1 == *workload && block.services.contains(&link.0));
                    mean(services.filter_map(|link| centres[link.0].map(|centre| centre.y)))
                })
                .collect();
            column(&block.workloads, Lane::Workloads, &fill_wishes(&levels, pitch), centres);
        }
        let mut bottom = last + NODE_HEIGHT / 2.0;
        if let Some(group) = block.group {
            bottom += BOX_FOOT;
            boxes[group] = Some(Rect::from_min_max(pos2(left, top), pos2(right, bottom)));
        }
        top = snap_up(bottom) + BOX_GAP;
    }
    boxes
}

fn rows_of(workload: usize, block: &Block, rows: &[f32]) -> Option<f32> {
    block.workloads.iter().position(|other| *other == workload).map(|row| rows[row])
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f32)
}

/// Places the nodes of a lane that stands outside the boxes, level with their neighbours as far as there is room.
fn place_free(
    model: &MapModel,
    lane: Lane,
    links: &[(usize, usize)],
    before: Option<&Layout>,
    lanes: &[Option<Band>; N_LANES],
    width: f32,
    centres: &mut [Option<Pos2>],
) {
    let Some(band) = lanes[lane as usize] else { return };
    let given: Vec<usize> = (0..model.nodes.len()).filter(|at| model.nodes[*at].lane == lane).collect();
    let mut neighbours: HashMap<usize, Vec<f32>> = HashMap::new();
    for (from, to) in links {
        for (own, other) in [(from, to), (to, from)] {
            if model.nodes[*own].lane == lane
                && let Some(centre) = centres[*other]
            {
                neighbours.entry(*own).or_default().push(centre.y);
            }
        }
    }
    let of = |item: usize| neighbours.get(&item).cloned().unwrap_or_default();
    let seeded = order::seeded(&given, |item| before.and_then(|before| before.centres.get(&model.nodes[item].id)).map(|at| at.y));
    let items = order::by_neighbours(&seeded, of);
    // Level with the middle one of its neighbours, rather than with their mean: so at least one edge is straight.
    let middle = |mut places: Vec<f32>| {
        places.sort_by(f32::total_cmp);
        places.get(places.len().saturating_sub(1) / 2).copied()
    };
    let wishes: Vec<Option<f32>> = items.iter().map(|item| middle(of(*item))).collect();
    let places = spread(&fill_wishes(&wishes, PITCH), &vec![PITCH; items.len().saturating_sub(1)], NODE_HEIGHT / 2.0);
    for (item, y) in items.into_iter().zip(places) {
        centres[item] = Some(pos2(band.left + width / 2.0, y));
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
