//! Many nodes without a box, folded namespaces mostly: sub-columns from those that only call to those that are only called.

use std::collections::HashMap;

use super::super::place::snap;
use super::PITCH;
use super::free::Place;
use super::links::Links;

/// More than this many nodes without a box stand in several sub-columns.
pub const FROM: usize = 16;
/// The most sub-columns.
pub const MOST: usize = 12;
/// Between two sub-columns: edges run there.
pub const GAP: f32 = 56.0;
/// How often the sub-columns are put in the order of their neighbours.
const N_SWEEPS: usize = 6;

/// Places `items`, the first row at `first`. Gives the height of the last row.
pub fn place(links: &Links, items: &[usize], n_columns: usize, first: f32, places: &mut [Option<Place>]) -> f32 {
    let mut columns = columns(links, items, n_columns.max(1));
    let mut row: HashMap<usize, f32> = HashMap::new();
    let set = |column: &[usize], row: &mut HashMap<usize, f32>| {
        for (at, item) in column.iter().enumerate() {
            row.insert(*item, at as f32);
        }
    };
    columns.iter().for_each(|column| set(column, &mut row));
    for sweep in 0..N_SWEEPS {
        for at in 0..columns.len() {
            let at = if sweep % 2 == 0 { at } else { columns.len() - 1 - at };
            let mut keyed: Vec<(f32, usize)> = columns[at]
                .iter()
                .map(|item| {
                    let (sum, n) = links.around(*item).filter_map(|other| row.get(&other)).fold((0.0, 0), |(sum, n), y| (sum + y, n + 1));
                    let own = row.get(item).copied().unwrap_or_default();
                    (if n > 0 { sum / n as f32 } else { own }, *item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[at] = keyed.into_iter().map(|(_, item)| item).collect();
            set(&columns[at], &mut row);
        }
    }
    let mut last = first;
    for (at, column) in columns.iter().enumerate() {
        for (row, item) in column.iter().enumerate() {
            let y = snap(first + row as f32 * PITCH + if at % 2 == 1 { PITCH / 2.0 } else { 0.0 });
            places[*item] = Some((at, y));
            last = last.max(y);
        }
    }
    last
}

/// Sub-columns of about the same height: a caller stands left of whom it calls wherever that is not a circle. Who knows nobody
/// fills up.
fn columns(links: &Links, items: &[usize], n_columns: usize) -> Vec<Vec<usize>> {
    let own: HashMap<usize, usize> = items.iter().enumerate().map(|(at, item)| (*item, at)).collect();
    let to: Vec<Vec<usize>> = items
        .iter()
        .enumerate()
        .map(|(at, item)| links.to[*item].iter().filter_map(|to| own.get(to).copied()).filter(|to| *to != at).collect())
        .collect();
    let mut n_from = vec![0usize; items.len()];
    to.iter().flatten().for_each(|to| n_from[*to] += 1);
    // Those that call most come first; what then leads backwards is left out, which breaks all circles.
    let mut order: Vec<usize> = (0..items.len()).filter(|at| !to[*at].is_empty() || n_from[*at] > 0).collect();
    order.sort_by_key(|at| n_from[*at] as i64 - to[*at].len() as i64);
    let mut rank = vec![usize::MAX; items.len()];
    order.iter().enumerate().for_each(|(place, at)| rank[*at] = place);
    let mut layer = vec![0usize; items.len()];
    for at in &order {
        for next in to[*at].iter().filter(|next| rank[**next] > rank[*at]) {
            layer[*next] = layer[*next].max(layer[*at] + 1);
        }
    }
    order.sort_by_key(|at| (layer[*at], *at));
    order.extend((0..items.len()).filter(|at| rank[*at] == usize::MAX));
    let height = items.len().div_ceil(n_columns);
    order.chunks(height.max(1)).map(|column| column.iter().map(|at| items[*at]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::model::{Edge, Lane, MapModel, Node, NodeKind, Tone};
    use super::*;

    #[test]
    fn callers_stand_left_of_whom_they_call() {
        let node = |id: &str| Node::new(id, Lane::Workloads, NodeKind::Namespace, id, id);
        let mut model = MapModel { nodes: ["c", "b", "a", "x"].map(node).to_vec(), ..MapModel::default() };
        model.edges =
            [("a", "b"), ("b", "c"), ("a", "c")].map(|(from, to)| Edge::new(from.to_owned() + to, from, to, Tone::Allowed, "")).to_vec();
        assert_eq!(columns(&Links::of(&model), &[0, 1, 2, 3], 4), [[2], [1], [0], [3]]);
    }
}
