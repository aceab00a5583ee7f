//! Things on their way to where they belong: what moved between two pictures goes there in a moment, rather than at once.

use egui::{Rect, Vec2};

use super::scene::Scene;

/// How far things are from where they belong, when the motion begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Motion {
    /// For each node of the model.
    nodes: Vec<Vec2>,
    /// For each group of the model, where its box was; none for one that is new.
    groups: Vec<Option<Rect>>,
    /// The part of the way that is left, from 1 to 0.
    left: f32,
}

impl Motion {
    /// From what is shown to what shall be; none where nothing moves. What is new comes out of what it was folded into, and what others
    /// were folded into comes out of their middle.
    pub fn between(before: &Scene, after: &Scene) -> Option<Self> {
        let before_rect = |id: &str| {
            let group = || before.group(id).and_then(|group| before.group_rect(group));
            before.node(id).map(|node| before.rect(node)).or_else(group)
        };
        let nodes: Vec<Vec2> = after
            .model
            .nodes
            .iter()
            .zip(&after.layout.nodes)
            .map(|(node, placed)| {
                let came_from = || node.folds_into.as_deref().and_then(before_rect);
                before_rect(&node.id).or_else(came_from).map_or(Vec2::ZERO, |rect| rect.center() - placed.rect.center())
            })
            .collect();
        let groups: Vec<Option<Rect>> = after.model.groups.iter().map(|group| before_rect(&group.id)).collect();
        let moves = |offset: &Vec2| offset.length_sq() > 1.0;
        let grows = |(from, to): (&Option<Rect>, Option<Rect>)| {
            from.zip(to).is_some_and(|(from, to)| moves(&(from.min - to.min)) || moves(&(from.max - to.max)))
        };
        let boxes = (0..groups.len()).map(|group| after.layout.groups[group].as_ref().map(|placed| placed.rect));
        let has_moves = nodes.iter().any(moves) || groups.iter().zip(boxes).any(grows);
        has_moves.then_some(Self { nodes, groups, left: 1.0 })
    }

    /// Goes on to a part of the time, from 0 to 1. Whether there is any way left.
    pub fn advance(&mut self, part: f32) -> bool {
        // Fast at first and slow at the end.
        self.left = (1.0 - part.clamp(0.0, 1.0)).powi(3);
        self.left > 0.0
    }

    /// How far a node is from its place.
    pub fn offset(&self, node: usize) -> Vec2 {
        self.nodes.get(node).map_or(Vec2::ZERO, |offset| *offset * self.left)
    }

    /// Where the box of a group is on its way to `to`.
    pub fn group(&self, group: usize, to: Rect) -> Rect {
        let Some(Some(from)) = self.groups.get(group) else { return to };
        Rect::from_min_max(to.min.lerp(from.min, self.left), to.max.lerp(from.max, self.left))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::layout::lay_out;
    use super::super::model::{Group, Lane, MapModel, Node, NodeKind};
    use super::*;

    fn scene(nodes: &[(&str, Option<&str>)], before: Option<&Scene>) -> Scene {
        let node = |(id, group): &(&str, Option<&str>)| Node {
            group: group.map(str::to_owned),
            folds_into: group.map(str::to_owned),
            ..Node::new(*id, Lane::Workloads, NodeKind::Workload, *id, *id)
        };
        let mut groups: Vec<&str> = nodes.iter().filter_map(|(_, group)| *group).collect();
        groups.dedup();
        let group = |id: &str| Group { id: id.to_owned(), title: id.to_owned(), fact: String::new(), name: id.to_owned() };
        let groups = groups.into_iter().map(group).collect();
        let model = MapModel { nodes: nodes.iter().map(node).collect(), groups, ..MapModel::default() };
        let layout = lay_out(&model, before.map(|before| &*before.layout), &mut |text, _| text.len() as f32 * 6.0);
        Scene::new(Arc::new(model), Arc::new(layout), egui::Id::NULL)
    }

    #[test]
    fn where_nothing_moves_there_is_no_motion() {
        let before = scene(&[("a", None), ("b", None)], None);
        assert_eq!(Motion::between(&before, &scene(&[("a", None), ("b", None)], Some(&before))), None);
    }

    #[test]
    fn what_unfolds_comes_out_of_what_it_was_folded_into_and_goes_to_its_place() {
        let before = scene(&[("shop", None), ("z", None)], None);
        let mut after = scene(&[("a", Some("shop")), ("b", Some("shop")), ("z", None)], Some(&before));
        let mut motion = Motion::between(&before, &after).unwrap();
        assert!(motion.advance(0.0));
        after.motion = Some(motion.clone());
        assert_eq!(after.rect(0).center(), before.rect(0).center(), "it begins where the folded node was");
        assert_eq!(after.group_rect(0), Some(before.rect(0)), "and so does its box");
        let half = {
            motion.advance(0.3);
            after.motion = Some(motion.clone());
            after.rect(1).center()
        };
        assert!(!motion.advance(1.0), "then it is there");
        after.motion = None;
        let (from, to) = (before.rect(0).center(), after.rect(1).center());
        assert!(half.distance(to) < from.distance(to) && half != to, "on its way between the two");
    }
}
