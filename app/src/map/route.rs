//! The way of every edge: level out of its source on the right, in curves with level ends from lane to lane, level into its target.
//!
//! Where an edge passes a lane it does so level, between two nodes. An edge whose target is in the same lane or further left goes
//! around on the right and comes back into the right side of its target.

use egui::{Pos2, Rect, Vec2, pos2};

use super::layout::Band;
use super::model::{Lane, MapModel, N_LANES, Outline};

/// Length of an arrow head; half of it is how far it reaches to either side.
pub const TIP_LENGTH: f32 = 8.0;
/// Length of the pieces that a curve is cut into, about.
const PIECE: f32 = 10.0;
/// The most pieces that a curve is cut into.
const MAX_PIECES: usize = 24;
/// The most points of a coarse line.
pub const MAX_COARSE: usize = 8;
/// Room between a node and an edge that passes it.
const CLEARANCE: f32 = 6.0;

/// The way of one edge, in points at a zoom of 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The line, from the source to the foot of the arrow head.
    pub points: Vec<Pos2>,
    /// The same with at most [`MAX_COARSE`] points, for a zoom at which nobody sees the difference.
    pub coarse: Vec<Pos2>,
    /// The point of the arrow head.
    pub tip: Pos2,
    /// Where the arrow head points: 1 right, -1 left.
    pub towards: f32,
    /// What the line covers.
    pub bounds: Rect,
}

impl Route {
    fn new(way: Way, tip: Pos2, towards: f32) -> Self {
        let Way { points, mut coarse } = way;
        thin(&mut coarse);
        let bounds = Rect::from_points(&points) | Rect::from_center_size(tip, Vec2::splat(2.0 * TIP_LENGTH));
        Self { points, coarse, tip, towards, bounds }
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
        Outline::Box | Outline::Card | Outline::Stack | Outline::Slip => size.x / 2.0,
        Outline::Octagon => size.x / 2.0 - (super::shapes::CUT - (half - dy.abs())).max(0.0),
        Outline::Pill => size.x / 2.0 - half + (half * half - dy * dy).max(0.0).sqrt(),
        Outline::Arrow | Outline::Chevron | Outline::Hexagon | Outline::Ghost => {
            size.x / 2.0 - super::shapes::POINT * (dy.abs() / half).min(1.0)
        }
    }
}

/// The sub-columns of all lanes, from left to right, and who stands in which.
pub struct Columns {
    bands: Vec<(Lane, Band)>,
    /// For each, the heights at which an edge cannot pass it, merged and in order.
    blocked: Vec<Vec<(f32, f32)>>,
    of: Vec<usize>,
}

impl Columns {
    /// Those of `lanes`. `n` is how many sub-columns a lane has, `column` in which of them a node stands.
    pub fn new(
        model: &MapModel,
        rects: &[Rect],
        lanes: &[Option<Band>; N_LANES],
        n: impl Fn(usize) -> usize,
        column: impl Fn(usize) -> usize,
    ) -> Self {
        let mut bands = Vec::new();
        let mut first = [0; N_LANES];
        for (lane, band) in Lane::ALL.into_iter().zip(lanes) {
            first[lane as usize] = bands.len();
            let Some(band) = band else { continue };
            let n_columns = n(lane as usize).max(1);
            let width = model.nodes.iter().position(|node| node.lane == lane).map_or(0.0, |node| rects[node].width());
            let step = if n_columns > 1 { (band.right - band.left - width) / (n_columns - 1) as f32 } else { 0.0 };
            bands.extend((0..n_columns).map(|at| {
                let left = band.left + at as f32 * step;
                (lane, Band { left, right: left + width })
            }));
        }
        let of: Vec<usize> = model.nodes.iter().enumerate().map(|(at, node)| first[node.lane as usize] + column(at)).collect();
        let mut spans: Vec<Vec<(f32, f32)>> = vec![Vec::new(); bands.len()];
        for (rect, column) in rects.iter().zip(&of) {
            if let Some(spans) = spans.get_mut(*column) {
                spans.push((rect.top() - CLEARANCE, rect.bottom() + CLEARANCE));
            }
        }
        Self { bands, blocked: spans.into_iter().map(merged).collect(), of }
    }

    /// How far right of a sub-column an edge may go around.
    fn room(&self, column: usize) -> f32 {
        let (lane, own) = self.bands[column];
        match self.bands.get(column + 1) {
            Some((next_lane, next)) => next.left - own.right - if *next_lane == lane { 12.0 } else { 20.0 },
            None => 72.0,
        }
    }
}

/// The ways of all edges. `links` are the ends of each edge, as places in `rects`.
pub fn routes(model: &MapModel, rects: &[Rect], columns: &Columns, links: &[Option<(usize, usize)>]) -> Vec<Option<Route>> {
    let ports = ports(model, rects, columns, links);
    links
        .iter()
        .zip(ports)
        .map(|(link, port)| {
            let (from, to) = (*link)?;
            let out = leave(model, rects, from, port.0);
            let mut way = Way::from(out);
            let (first, last) = (columns.of[from], columns.of[to]);
            let own = columns.bands.get(first)?.1;
            if first < last {
                let tip = rects[to].left_center();
                way.level_to(own.right.max(out.x));
                for column in first + 1..last {
                    let band = columns.bands[column].1;
                    let at = way.end();
                    // Where the straight line to the target would pass the sub-column.
                    let wish = at.y + (tip.y - at.y) * ((band.left - at.x) / (tip.x - at.x).max(1.0)).clamp(0.0, 1.0);
                    way.pass(band.left, band.right, free_near(&columns.blocked[column], wish));
                }
                way.curve_to(pos2((tip.x - TIP_LENGTH).max(way.end().x), tip.y));
                way.level_to(tip.x - TIP_LENGTH + 1.0);
                return Some(Route::new(way, tip, 1.0));
            }
            let tip = leave(model, rects, to, port.1);
            let goal = if first == last { tip.y } else { free_near(&columns.blocked[first], tip.y) };
            let dy = (goal - out.y).abs();
            // Long ways go further out, so that ways inside each other do not cross; the longest reach nearly to the next column.
            let room = columns.room(first);
            let least = room.min(18.0);
            let bulge = (least + (room - least).max(0.0) * dy / (dy + 500.0)) / 0.75;
            way.level_to(own.right);
            let back = if first == last { own.right.max(tip.x + TIP_LENGTH) } else { own.right };
            way.around(own.right + bulge, pos2(back, goal));
            if first > last {
                way.level_to(own.left);
                for column in (last + 1..first).rev() {
                    let band = columns.bands[column].1;
                    let at = way.end();
                    let wish = at.y + (tip.y - at.y) * ((at.x - band.right) / (at.x - tip.x).max(1.0)).clamp(0.0, 1.0);
                    way.pass(band.right, band.left, free_near(&columns.blocked[column], wish));
                }
                way.curve_to(pos2((tip.x + TIP_LENGTH).min(way.end().x), tip.y));
            }
            way.level_to(tip.x + TIP_LENGTH - 1.0);
            Some(Route::new(way, tip, -1.0))
        })
        .collect()
}

/// Where a line leaves (or comes back into) the right side of a node, `dy` below its centre.
fn leave(model: &MapModel, rects: &[Rect], node: usize, dy: f32) -> Pos2 {
    let rect = rects[node];
    pos2(rect.center().x + reach(model.nodes[node].outline(), rect.size(), dy), rect.center().y + dy)
}

/// For each edge how far from the centres of its ends it leaves its source and comes back into its target, on their right sides.
/// The ends on the right side of a box stand in the order of what they lead to; pointed and round outlines have one point for all.
fn ports(model: &MapModel, rects: &[Rect], columns: &Columns, links: &[Option<(usize, usize)>]) -> Vec<(f32, f32)> {
    let mut ends: Vec<Vec<(f32, usize, bool)>> = vec![Vec::new(); rects.len()];
    for (edge, link) in links.iter().enumerate() {
        let Some((from, to)) = *link else { continue };
        let back = columns.of[from] >= columns.of[to];
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
        if !matches!(model.nodes[node].outline(), Outline::Box | Outline::Card | Outline::Stack | Outline::Slip) || ends.len() < 2 {
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

/// Spans merged and in order.
fn merged(mut spans: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
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
    let at = blocked.partition_point(|span| span.1 <= wish);
    match blocked.get(at).filter(|span| span.0 < wish) {
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

/// Leaves out what changes a line least, until it has few enough points.
fn thin(line: &mut Vec<Pos2>) {
    while line.len() > MAX_COARSE {
        let bend = |at: usize| {
            ((line[at] - line[at - 1]).x * (line[at + 1] - line[at]).y - (line[at] - line[at - 1]).y * (line[at + 1] - line[at]).x).abs()
        };
        let Some(least) = (1..line.len() - 1).min_by(|a, b| bend(*a).total_cmp(&bend(*b))) else { return };
        line.remove(least);
    }
}

/// A line under construction.
struct Way {
    points: Vec<Pos2>,
    coarse: Vec<Pos2>,
}

impl Way {
    fn from(start: Pos2) -> Self {
        Self { points: vec![start], coarse: vec![start] }
    }

    fn end(&self) -> Pos2 {
        self.points.last().copied().unwrap_or_default()
    }

    fn level_to(&mut self, x: f32) {
        let end = self.end();
        if (end.x - x).abs() > 0.5 {
            self.straight_to(pos2(x, end.y));
        }
    }

    /// A straight piece; the one before it becomes longer where they are in line.
    fn straight_to(&mut self, to: Pos2) {
        for line in [&mut self.points, &mut self.coarse] {
            if let [.., before, last] = line[..]
                && before.y == last.y
                && last.y == to.y
                && (last.x - before.x) * (to.x - last.x) >= 0.0
            {
                line.pop();
            }
            line.push(to);
        }
    }

    /// Past a sub-column, level.
    fn pass(&mut self, near: f32, far: f32, y: f32) {
        self.curve_to(pos2(near, y));
        self.level_to(far);
    }

    /// A curve with level ends.
    fn curve_to(&mut self, to: Pos2) {
        let from = self.end();
        if (from.y - to.y).abs() < 0.5 {
            self.straight_to(pos2(to.x, from.y));
            return;
        }
        let middle = f32::midpoint(from.x, to.x);
        self.coarse.push(to);
        self.cubic(pos2(middle, from.y), pos2(middle, to.y), to);
    }

    /// A curve that goes out as far as `x` and comes back.
    fn around(&mut self, x: f32, to: Pos2) {
        let from = self.end();
        let n_before = self.points.len();
        self.cubic(pos2(x, from.y), pos2(x, to.y), to);
        let n = self.points.len() - n_before;
        self.coarse.extend([n / 4, n / 2, 3 * n / 4, n - 1].map(|at| self.points[n_before + at]));
    }

    fn cubic(&mut self, leave: Pos2, enter: Pos2, to: Pos2) {
        let from = self.end();
        let length = (leave - from).length() + (enter - leave).length() + (to - enter).length();
        let n_pieces = ((length / PIECE) as usize).clamp(8, MAX_PIECES);
        self.points.reserve(n_pieces + 2);
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
        let points = vec![pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0)];
        let route = Route::new(Way { coarse: points.clone(), points }, pos2(10.0, 18.0), 1.0);
        assert_eq!(route.at(0.25), pos2(5.0, 0.0));
        assert_eq!(route.at(0.75), pos2(10.0, 5.0));
        assert_eq!(route.distance(pos2(5.0, 3.0)), 3.0);
    }
}
