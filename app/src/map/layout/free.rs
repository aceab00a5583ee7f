//! The lanes outside of the boxes, and free places among nodes that stay.

use egui::Pos2;

use super::super::model::{Lane, MapModel};
use super::super::order;
use super::super::place::{fill_wishes, snap, spread};
use super::links::Links;
use super::seed::Seed;
use super::{NODE_HEIGHT, PITCH};

/// A free lane has two sub-columns from this many nodes on.
pub const WRAP_FREE_FROM: usize = 24;

/// What stands in a lane: its sub-column and the height of its centre.
pub type Place = (usize, f32);

/// The free place nearest to `wish`, in one of `n_columns`, not above `floor`. `taken` are what stands there, in order of height.
/// Things of one sub-column are a pitch apart, those of others half of it, so that an edge can pass level between them.
pub fn nearest(taken: &[Place], n_columns: usize, floor: f32, wish: f32) -> Place {
    let wish = snap(wish).max(floor);
    let first = |y: f32| taken.partition_point(|other| other.1 <= y - PITCH);
    let fits = |column: usize, y: f32| {
        let near = taken[first(y)..].iter().take_while(|other| other.1 < y + PITCH);
        near.clone().all(|other| {
            let apart = (other.1 - y).abs();
            if other.0 == column { apart >= PITCH } else { apart >= PITCH / 2.0 || (other.0 + column).is_multiple_of(2) }
        })
    };
    let steps: &[f32] = if n_columns > 1 { &[-PITCH, -PITCH / 2.0, 0.0, PITCH / 2.0, PITCH] } else { &[-PITCH, PITCH] };
    let near = taken.iter().flat_map(|other| steps.iter().map(move |step| other.1 + step));
    let mut best: Option<(f32, Place)> = None;
    for y in near.chain([wish]).filter(|y| *y >= floor) {
        let far = (y - wish).abs();
        if best.is_some_and(|best| best.0 <= far) {
            continue;
        }
        if let Some(column) = (0..n_columns).find(|column| fits(*column, y)) {
            best = Some((far, (column, y)));
        }
    }
    best.map_or((0, wish), |best| best.1)
}

/// Puts a thing among those that are taken, in order.
pub fn take(taken: &mut Vec<Place>, place: Place) {
    let at = taken.partition_point(|other| other.1 <= place.1);
    taken.insert(at, place);
}

/// The middle one of some heights.
pub fn middle(mut heights: Vec<f32>) -> Option<f32> {
    heights.sort_by(f32::total_cmp);
    heights.get(heights.len().saturating_sub(1) / 2).copied()
}

/// Places the nodes of a lane that stands outside the boxes, level with their neighbours as far as there is room. What was there stays.
pub fn place(model: &MapModel, lane: Lane, links: &Links, seed: Option<&Seed>, n_columns: usize, places: &mut [Option<Place>]) {
    let given: Vec<usize> = (0..model.nodes.len()).filter(|at| model.nodes[*at].lane == lane).collect();
    let heights = |item: usize, places: &[Option<Place>]| -> Vec<f32> {
        links.around(item).filter(|other| model.nodes[*other].lane != lane).filter_map(|other| places[other].map(|at| at.1)).collect()
    };
    let known = |item: usize| seed.and_then(|seed| seed.spots.get(&model.nodes[item].id)).filter(|spot| spot.lane == lane);
    let n_known = given.iter().filter(|item| known(**item).is_some()).count();
    if n_known > 0 {
        let mut taken: Vec<Place> = Vec::with_capacity(given.len());
        for item in &given {
            if let Some(spot) = known(*item) {
                places[*item] = Some((spot.column, spot.y));
                taken.push((spot.column, spot.y));
            }
        }
        taken.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut last = NODE_HEIGHT / 2.0;
        for item in given {
            if places[item].is_none() {
                let wish = middle(heights(item, places)).unwrap_or(last + PITCH);
                let place = nearest(&taken, n_columns, f32::NEG_INFINITY, wish);
                take(&mut taken, place);
                places[item] = Some(place);
            }
            last = places[item].map_or(last, |place| place.1);
        }
        return;
    }
    let items = order::by_neighbours(&given, |item| heights(item, places));
    // Level with the middle one of its neighbours, rather than with their mean: so at least one edge is straight.
    let wishes: Vec<Option<f32>> = items.iter().map(|item| middle(heights(*item, places))).collect();
    let pitch = PITCH / n_columns as f32;
    let heights = spread(&fill_wishes(&wishes, pitch), &vec![pitch; items.len().saturating_sub(1)], NODE_HEIGHT / 2.0);
    for (row, (item, y)) in items.into_iter().zip(heights).enumerate() {
        places[item] = Some((row % n_columns, y));
    }
}

/// The centre of a place.
pub fn centre(place: Place, left: f32, width: f32, gap: f32) -> Pos2 {
    egui::pos2(left + width / 2.0 + place.0 as f32 * (width + gap), place.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_free_place_is_found() {
        assert_eq!(nearest(&[], 1, 20.0, 100.0), (0, 100.0));
        assert_eq!(nearest(&[(0, 20.0), (0, 132.0)], 1, 20.0, 80.0), (0, 76.0));
        assert_eq!(nearest(&[(0, 20.0), (0, 76.0)], 1, 20.0, 30.0), (0, 132.0), "nothing above the floor");
        assert_eq!(nearest(&[(0, 20.0), (0, 76.0)], 2, 20.0, 40.0), (1, 48.0), "half a row lower beside them");
    }
}
