//! What nodes and edges are drawn of: outlines, lines with dashes, tones as colours.

use egui::epaint::{PathShape, RectShape};
use egui::{Color32, CornerRadius, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

use super::model::{Outline, Tone};
use crate::theme::Palette;

/// How far the point of an arrow or a hexagon stands out of its box.
pub const POINT: f32 = 10.0;
/// Corner radius of a workload's box.
const BOX_RADIUS: f32 = 7.0;

/// How a tone draws a line. Lengths in points at a zoom of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineStyle {
    /// Width of the line.
    pub width: f32,
    /// Lengths of dash and gap, if it is not solid.
    pub dash: Option<(f32, f32)>,
}

impl LineStyle {
    /// The style of an edge of this tone.
    pub fn of(tone: Tone) -> Self {
        let (width, dash) = match tone {
            Tone::Plain | Tone::Allowed => (1.5, None),
            Tone::Depends => (1.5, Some((2.0, 3.0))),
            Tone::Denied => (1.5, Some((7.0, 4.0))),
            Tone::Open => (2.5, None),
            Tone::Gained => (3.0, None),
            Tone::Lost => (3.0, Some((9.0, 5.0))),
        };
        Self { width, dash }
    }
}

/// The colour of a tone in lines and text; that of plain text for [`Tone::Plain`].
pub fn tone_colour(palette: &Palette, tone: Tone) -> Color32 {
    match tone {
        Tone::Plain => palette.muted,
        Tone::Allowed => palette.allowed,
        Tone::Depends => palette.depends,
        Tone::Denied => palette.denied,
        Tone::Open => palette.open,
        Tone::Gained => palette.gained,
        Tone::Lost => palette.lost,
    }
}

/// The outline of a node, `rect` on the screen.
pub fn outline(shape: Outline, rect: Rect, zoom: f32, fill: Color32, stroke: Stroke) -> Shape {
    match shape {
        Outline::Box => rounded(rect, BOX_RADIUS * zoom, fill, stroke),
        Outline::Pill => rounded(rect, rect.height() / 2.0, fill, stroke),
        Outline::Arrow => polygon(
            &[rect.left_top(), right_end(rect, zoom, -1.0), rect.right_center(), right_end(rect, zoom, 1.0), rect.left_bottom()],
            fill,
            stroke,
        ),
        Outline::Hexagon | Outline::Ghost => {
            let left = |side: f32| pos2(rect.left() + POINT * zoom, rect.center().y + side * rect.height() / 2.0);
            let points =
                [left(-1.0), right_end(rect, zoom, -1.0), rect.right_center(), right_end(rect, zoom, 1.0), left(1.0), rect.left_center()];
            if shape == Outline::Hexagon {
                return polygon(&points, fill, stroke);
            }
            let [first, ..] = points;
            let closed: Vec<Pos2> = points.into_iter().chain([first]).collect();
            let scale = zoom.clamp(0.5, 1.25);
            let border = dashes(&closed, 5.0 * scale, 3.0 * scale, rect.expand(1.0));
            let border = border.into_iter().map(|part| Shape::line(part, stroke));
            Shape::Vec(std::iter::once(polygon(&closed, fill, Stroke::NONE)).chain(border).collect())
        }
    }
}

/// The same outline around the outline, `gap` further out.
pub fn ring(shape: Outline, rect: Rect, zoom: f32, gap: f32, stroke: Stroke) -> Shape {
    let gap = gap + stroke.width / 2.0;
    match shape {
        Outline::Box => rounded(rect.expand(gap), BOX_RADIUS * zoom + gap, Color32::TRANSPARENT, stroke),
        // Slanted sides stay as far away as level ones when the points stand out a little more.
        Outline::Arrow => outline(shape, rect.expand(gap).with_max_x(rect.right() + gap * 1.2), zoom, Color32::TRANSPARENT, stroke),
        // A ring is whole, whatever it is around.
        Outline::Hexagon | Outline::Ghost => {
            outline(Outline::Hexagon, rect.expand2(vec2(gap * 1.2, gap)), zoom, Color32::TRANSPARENT, stroke)
        }
        Outline::Pill => outline(shape, rect.expand(gap), zoom, Color32::TRANSPARENT, stroke),
    }
}

fn right_end(rect: Rect, zoom: f32, side: f32) -> Pos2 {
    pos2(rect.right() - POINT * zoom, rect.center().y + side * rect.height() / 2.0)
}

/// A rectangle with round corners.
pub fn rounded(rect: Rect, radius: f32, fill: Color32, stroke: Stroke) -> Shape {
    let radius = CornerRadius::same(radius.round().clamp(0.0, 255.0) as u8);
    Shape::Rect(RectShape::new(rect, radius, fill, stroke, StrokeKind::Middle))
}

fn polygon(points: &[Pos2], fill: Color32, stroke: Stroke) -> Shape {
    Shape::Path(PathShape::convex_polygon(points.to_vec(), fill, stroke))
}

/// The parts of a line between the gaps of a dash pattern, as far as they may be seen.
pub fn dashes(points: &[Pos2], dash: f32, gap: f32, seen: Rect) -> Vec<Vec<Pos2>> {
    let mut parts = Vec::new();
    let mut part: Vec<Pos2> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, dash);
    let mut keep = |part: Vec<Pos2>| {
        if part.len() > 1 && seen.intersects(Rect::from_points(&part)) {
            parts.push(part);
        }
    };
    for pair in points.windows(2) {
        let length = pair[0].distance(pair[1]);
        let mut at = 0.0;
        while length - at > left {
            at += left;
            let point = pair[0].lerp(pair[1], at / length);
            if drawing {
                part.push(point);
                keep(std::mem::take(&mut part));
            } else {
                part = vec![point];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - at;
        if drawing {
            part.push(pair[1]);
        }
    }
    if drawing {
        keep(part);
    }
    parts
}

/// A line in the given style and colour; what is not seen may be left out.
pub fn line(points: Vec<Pos2>, style: LineStyle, zoom: f32, colour: Color32, seen: Rect) -> Vec<Shape> {
    let scale = zoom.clamp(0.5, 1.25);
    let stroke = Stroke::new(style.width * scale, colour);
    match style.dash {
        None => vec![Shape::line(points, stroke)],
        Some((dash, gap)) => dashes(&points, dash * scale, gap * scale, seen).into_iter().map(|part| Shape::line(part, stroke)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_around_corners() {
        let points = [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 10.0)];
        let parts = dashes(&points, 7.0, 4.0, Rect::EVERYTHING);
        assert_eq!(parts, [vec![pos2(0.0, 0.0), pos2(7.0, 0.0)], vec![pos2(10.0, 1.0), pos2(10.0, 8.0)]]);
        let parts = dashes(&points, 12.0, 4.0, Rect::EVERYTHING);
        assert_eq!(parts[0], [pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 2.0)]);
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        let points = [pos2(0.0, 0.0), pos2(1000.0, 0.0)];
        let seen = Rect::from_min_max(pos2(100.0, -10.0), pos2(200.0, 10.0));
        assert!(dashes(&points, 7.0, 3.0, seen).len() <= 12);
    }
}
