//! The way of every edge: level out of its source on the right, in curves with level ends from lane to lane, level into its target.
//!
//! Where an edge passes a lane it does so level, between two nodes. An edge whose target is in the same lane or further left goes
//! around on the right and comes back into the right side of its target.

use egui::{Pos2, Rect, Vec2, pos2};

use super::layout::Band;
use super::model::{MapModel, N_LANES, Outline};

/// Length of an arrow head; half of it is how far it reaches to either side.
pub const TIP_LENGTH: f32 = 8.0;
/// Length of the pieces that a curve is cut into, about.
const PIECE: f32 = 10.0;
/// Room between a node and an edge that passes it.
const CLEARANCE: f32 = 6.0;

/// The way of one edge, in points at a zoom of 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The line, from the source to the foot of the arrow head.
    pub points: Vec<Pos2>,
    /// The point of the arrow head.
    pub tip: Pos2,
    /// Where the arrow head points: 1 right, -1 left.
    pub towards: f32,
    /// What the line covers.
    pub bounds: Rect,
}

impl Route {
    fn new(points: Vec<Pos2>, tip: Pos2, towards: f32) -> Self {
        let bounds = Rect::from_points(&points) | Rect::from_center_size(tip, Vec2::splat(2.0 * TIP_LENGTH));
        Self { points, tip, towards, bounds }
    }

    /// How long the line is.
    pub fn length(&self) -> f32 {
        self.points.windows(2).map(|pair| pair[0].distance(pair[1])).sum()
    }

    /// The point at `part` of the line's length, from 0 to 1.
    pub fn at(&self, part: f32) -> Pos2 {
        let mut left = self.length() * part;
        for pair in self.points.windows(2) {
            let piece = pair[0].distance(pair[1]);
            if left <= piece && piece > 0.0 {
                return pair[0].lerp(pair[1], left / piece);
            }
            left -= piece;
        }
        self.tip
    }

    /// How far `point` is from the line.
    pub fn distance(&self, point: Pos2) -> f32 {
        let to_piece = |a: Pos2, b: Pos2| {
            let along = b - a;
            let part = if along.length_sq() > 0.0 { ((point - a).dot(along) / along.length_sq()).clamp(0.0, 1.0) } else { 0.0 };
            (a + along * part).distance(point)
        };
        self.points.windows(2).map(|pair| to_piece(pair[0], pair[1])).fold(self.tip.distance(point), f32::min)
    }
}

/// How far right of its centre the outline of a node of this size reaches, `dy` above or below the centre.
pub fn reach(outline: Outline, size: Vec2, dy: f32) -> f32 {
    let half = size.y / 2.0;
    match outline {
        Outline::Box => size.x / 2.0,
        Outline::Pill => size.x / 2.0 - half + (half * half - dy * dy).max(0.0).sqrt(),
        Outline::Arrow | Outline::Hexagon | Outline::Ghost => size.x / 2.0 - super::shapes::POINT * (dy.abs() / half).min(1.0),
    }
}

/// The ways of all edges. `links` are the ends of each edge, as places in `rects`.
pub fn routes(model: &MapModel, rects: &[Rect], lanes: &[Option<Band>; N_LANES], links: &[Option<(usize, usize)>]) -> Vec<Option<Route>> {
    let ports = ports(model, rects, links);
    let blocked: Vec<Vec<(f32, f32)>> = (0..lanes.len()).map(|lane| blocked(model, rects, lane)).collect();
    links
        .iter()
        .enumerate()
        .map(|(edge, link)| {
            let (from, to) = (*link)?;
            let (from_lane, to_lane) = (model.nodes[from].lane as usize, model.nodes[to].lane as usize);
            let out = leave(model, rects, from, ports[edge].0);
            let (from_band, to_band) = (lanes[from_lane]?, lanes[to_lane]?);
            if from_lane < to_lane {
                let tip = rects[to].left_center();
                let mut way = Way::from(out);
                way.level_to(from_band.right.max(out.x));
                for lane in from_lane + 1..to_lane {
                    let Some(band) = lanes[lane] else { continue };
                    let at = way.end();
                    // Where the straight line to the target would pass the lane.
                    let wish = at.y + (tip.y - at.y) * ((band.left - at.x) / (tip.x - at.x).max(1.0)).clamp(0.0, 1.0);
                    way.curve_to(pos2(band.left, free_near(&blocked[lane], wish)));
                    way.level_to(band.right);
                }
                way.curve_to(pos2(to_band.left.min(tip.x - TIP_LENGTH).max(way.end().x), tip.y));
                way.level_to(tip.x - TIP_LENGTH + 1.0);
                Some(Route::new(way.points, tip, 1.0))
            } else {
                let tip = leave(model, rects, to, ports[edge].1);
                let right = from_band.right.max(to_band.right);
                let dy = (tip.y - out.y).abs();
                // Long ways go further out, so that ways inside each other do not cross; the longest reach nearly to the next lane.
                let room =
                    (from_lane.max(to_lane) + 1..lanes.len()).find_map(|lane| lanes[lane]).map_or(72.0, |next| next.left - right - 20.0);
                let bulge = (18.0 + (room - 18.0).max(0.0) * dy / (dy + 500.0)) / 0.75;
                let mut way = Way::from(out);
                way.level_to(right);
                way.cubic(pos2(right + bulge, out.y), pos2(right + bulge, tip.y), pos2(right.max(tip.x + TIP_LENGTH), tip.y));
                way.level_to(tip.x + TIP_LENGTH - 1.0);
                Some(Route::new(way.points, tip, -1.0))
            }
        })
        .collect()
}

/// Where a line leaves (or comes back into) the right side of a node, `dy` below its centre.
fn leave(model: &MapModel, rects: &[Rect], node: usize, dy: f32) -> Pos2 {
    let rect = rects[node];
    pos2(rect.center().x + reach(model.nodes[node].outline, rect.size(), dy), rect.center().y + dy)
}

/// For each edge how far from the centres of its ends it leaves its source and comes back into its target, on their right sides.
/// The ends on the right side of a box stand in the order of what they lead to; pointed and round outlines have one point for all.
fn ports(model: &MapModel, rects: &[Rect], links: &[Option<(usize, usize)>]) -> Vec<(f32, f32)> {
    let mut ends: Vec<Vec<(f32, usize, bool)>> = vec![Vec::new(); rects.len()];
    for (edge, link) in links.iter().enumerate() {
        let Some((from, to)) = *link else { continue };
        let back = model.nodes[from].lane >= model.nodes[to].lane;
        // What goes around starts outside of what goes on, towards its side.
        let key = |own: usize, other: usize| {
            let dy = rects[other].center().y - rects[own].center().y;
            if back { dy + 1e5 * if dy < 0.0 { -1.0 } else { 1.0 } } else { dy }
        };
        ends[from].push((key(from, to), edge, true));
        if back {
            ends[to].push((key(to, from) + if from == to { 1.0 } else { 0.0 }, edge, false));
        }
    }
    let mut ports = vec![(0.0, 0.0); links.len()];
    for (node, mut ends) in ends.into_iter().enumerate() {
        if model.nodes[node].outline != Outline::Box || ends.len() < 2 {
            continue;
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let step = ((rects[node].height() - 14.0) / (ends.len() - 1) as f32).min(8.0);
        let first = -step * (ends.len() - 1) as f32 / 2.0;
        for (place, (_, edge, leaves)) in ends.into_iter().enumerate() {
            let dy = first + step * place as f32;
            if leaves { ports[edge].0 = dy } else { ports[edge].1 = dy }
        }
    }
    ports
}

/// The heights at which an edge cannot pass a lane, merged and in order.
fn blocked(model: &MapModel, rects: &[Rect], lane: usize) -> Vec<(f32, f32)> {
    let nodes = model.nodes.iter().zip(rects).filter(|(node, _)| node.lane as usize == lane);
    let mut spans: Vec<(f32, f32)> = nodes.map(|(_, rect)| (rect.top() - CLEARANCE, rect.bottom() + CLEARANCE)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f32, f32)> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.0 < last.1 => last.1 = last.1.max(span.1),
            _ => merged.push(span),
        }
    }
    merged
}

/// The height nearest to `wish` that no span blocks.
fn free_near(blocked: &[(f32, f32)], wish: f32) -> f32 {
    match blocked.iter().find(|span| span.0 < wish && wish < span.1) {
        Some((above, below)) => {
            if wish - above <= below - wish {
                *above
            } else {
                *below
            }
        }
        None => wish,
    }
}

/// A line under construction.
struct Way {
    points: Vec<Pos2>,
}

impl Way {
    fn from(start: Pos2) -> Self {
        Self { points: vec![start] }
    }

    fn end(&self) -> Pos2 {
        self.points.last().copied().unwrap_or_default()
    }

    fn level_to(&mut self, x: f32) {
        let end = self.end();
        if (end.x - x).abs() > 0.5 {
            self.points.push(pos2(x, end.y));
        }
    }

    /// A curve with level ends.
    fn curve_to(&mut self, to: Pos2) {
        let from = self.end();
        if (from.y - to.y).abs() < 0.5 {
            self.points.push(to);
            return;
        }
        let middle = f32::midpoint(from.x, to.x);
        self.cubic(pos2(middle, from.y), pos2(middle, to.y), to);
    }

    fn cubic(&mut self, leave: Pos2, enter: Pos2, to: Pos2) {
        let from = self.end();
        let length = (leave - from).length() + (enter - leave).length() + (to - enter).length();
        let n_pieces = ((length / PIECE) as usize).clamp(16, 64);
        for piece in 1..=n_pieces {
            let t = piece as f32 / n_pieces as f32;
            let s = 1.0 - t;
            let point = from.to_vec2() * (s * s * s)
                + leave.to_vec2() * (3.0 * s * s * t)
                + enter.to_vec2() * (3.0 * s * t * t)
                + to.to_vec2() * (t * t * t);
            self.points.push(point.to_pos2());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_beside_the_nodes_is_found() {
        let spans = [(0.0, 40.0), (60.0, 100.0)];
        assert_eq!(free_near(&spans, 50.0), 50.0);
        assert_eq!(free_near(&spans, 30.0), 40.0);
        assert_eq!(free_near(&spans, 65.0), 60.0);
    }

    #[test]
    fn a_point_on_the_line_is_found_by_its_part() {
        let route = Route::new(vec![pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0)], pos2(10.0, 18.0), 1.0);
        assert_eq!(route.at(0.25), pos2(5.0, 0.0));
        assert_eq!(route.at(0.75), pos2(10.0, 5.0));
        assert_eq!(route.distance(pos2(5.0, 3.0)), 3.0);
    }
}
