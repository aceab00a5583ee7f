//! Ways of the keyboard over the map: along edges to the left and right, among the nodes of a lane up and down.

use super::action::Side;
use super::layout::Layout;
use super::model::{Lane, MapModel};
use super::scene::Scene;

/// Where a step leads from `node`, if anywhere.
pub fn step(scene: &Scene, node: usize, step: Side) -> Option<usize> {
    match step {
        Side::Up | Side::Down => along_lane(scene, node, step == Side::Down),
        Side::Left | Side::Right => along_edge(scene, node, step == Side::Right).or_else(|| to_lane(scene, node, step == Side::Right)),
    }
}

fn y(scene: &Scene, node: usize) -> f32 {
    scene.layout.nodes[node].rect.center().y
}

fn nearest(scene: &Scene, to: usize, among: impl Iterator<Item = usize>) -> Option<usize> {
    among.min_by(|a, b| (y(scene, *a) - y(scene, to)).abs().total_cmp(&(y(scene, *b) - y(scene, to)).abs()))
}

fn along_edge(scene: &Scene, node: usize, right: bool) -> Option<usize> {
    let ends = scene.touching(node).filter_map(|edge| scene.links[edge]).map(|(from, to)| if right { (from, to) } else { (to, from) });
    let others: Vec<usize> = ends.filter(|(own, other)| *own == node && other != own).map(|(_, other)| other).collect();
    let lane = |other: usize| scene.model.nodes[other].lane;
    // An edge that really leads that way is followed before one that goes around.
    let onward = others.iter().copied().filter(|other| if right { lane(*other) > lane(node) } else { lane(*other) < lane(node) });
    nearest(scene, node, onward).or_else(|| nearest(scene, node, others.iter().copied()))
}

/// The nearest node of the next lane that has one.
fn to_lane(scene: &Scene, node: usize, right: bool) -> Option<usize> {
    let own = scene.model.nodes[node].lane;
    let mut lanes: Vec<Lane> = Lane::ALL.into_iter().filter(|lane| if right { *lane > own } else { *lane < own }).collect();
    if !right {
        lanes.reverse();
    }
    lanes
        .into_iter()
        .find_map(|lane| nearest(scene, node, (0..scene.model.nodes.len()).filter(|other| scene.model.nodes[*other].lane == lane)))
}

fn along_lane(scene: &Scene, node: usize, down: bool) -> Option<usize> {
    let place = |node: usize| {
        let centre = scene.layout.nodes[node].rect.center();
        (centre.y, centre.x)
    };
    let lane = scene.model.nodes[node].lane;
    let mut column: Vec<usize> = (0..scene.model.nodes.len()).filter(|other| scene.model.nodes[*other].lane == lane).collect();
    column.sort_by(|a, b| place(*a).partial_cmp(&place(*b)).unwrap_or(std::cmp::Ordering::Equal));
    let at = column.iter().position(|other| *other == node)?;
    if down { column.get(at + 1).copied() } else { at.checked_sub(1).map(|at| column[at]) }
}

/// What can have the keyboard's focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A node of the model.
    Node(usize),
    /// The title of a group of the model.
    Group(usize),
}

/// Everything that can have the focus, in the order of the Tab key: lane by lane, each from top to bottom, boxes before their nodes.
pub fn tab_order(model: &MapModel, layout: &Layout) -> Vec<Stop> {
    let groups = layout.groups.iter().enumerate().filter_map(|(at, group)| Some((Lane::Services, group.as_ref()?.rect, Stop::Group(at))));
    let nodes = model.nodes.iter().zip(&layout.nodes).enumerate().map(|(at, (node, placed))| (node.lane, placed.rect, Stop::Node(at)));
    let mut stops: Vec<_> = groups.chain(nodes).collect();
    stops.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.top().total_cmp(&b.1.top())).then(a.1.left().total_cmp(&b.1.left())));
    stops.into_iter().map(|(_, _, stop)| stop).collect()
}
