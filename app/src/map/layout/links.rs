//! Who is connected to whom, indexed once.

use std::collections::HashMap;

use super::super::model::MapModel;

/// The edges of a model as places of nodes.
pub struct Links {
    /// The ends of each edge, as in the model; none where one is not there.
    pub ends: Vec<Option<(usize, usize)>>,
    /// For each node, those that it leads to, an edge each.
    pub to: Vec<Vec<usize>>,
    /// For each node, those that lead to it, an edge each.
    pub from: Vec<Vec<usize>>,
}

impl Links {
    /// Those of `model`.
    pub fn of(model: &MapModel) -> Self {
        let index: HashMap<&str, usize> = model.nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
        let ends: Vec<Option<(usize, usize)>> =
            model.edges.iter().map(|edge| Some((*index.get(edge.from.as_str())?, *index.get(edge.to.as_str())?))).collect();
        let mut links = Self { ends, to: vec![Vec::new(); model.nodes.len()], from: vec![Vec::new(); model.nodes.len()] };
        for (from, to) in links.ends.iter().flatten() {
            links.to[*from].push(*to);
            links.from[*to].push(*from);
        }
        links
    }

    /// All neighbours of a node, on both sides.
    pub fn around(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.to[node].iter().chain(&self.from[node]).copied()
    }
}
