//! What nodes and edges are drawn of: outlines, lines with dashes, tones as colours.

use egui::epaint::{PathShape, RectShape};
use egui::{Color32, CornerRadius, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

use super::model::{Extent, Outline, Tone};
use crate::theme::Palette;

/// How far the point of an arrow or a hexagon stands out of its box.
pub const POINT: f32 = 10.0;
/// How much of its corners an octagon lacks.
pub const CUT: f32 = 8.0;
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

/// Dash and gap of what depends, of what is denied, of what is lost, and of what holds for some only.
pub const DEPENDS: (f32, f32) = (2.0, 3.0);
/// See [`DEPENDS`].
pub const DENIED: (f32, f32) = (7.0, 4.0);
/// See [`DEPENDS`].
pub const LOST: (f32, f32) = (9.0, 5.0);
/// See [`DEPENDS`].
pub const SOME: (f32, f32) = (14.0, 4.0);

/// How much of their size lines have at a zoom.
pub fn line_scale(zoom: f32) -> f32 {
    zoom.clamp(0.5, 1.25)
}

impl LineStyle {
    /// The style of an edge of this tone, that holds for all or some of what is at its ends.
    pub fn of_extent(tone: Tone, extent: Extent) -> Self {
        let style = Self::of(tone);
        match extent {
            Extent::Some if style.dash.is_none() => Self { dash: Some(SOME), ..style },
            _ => style,
        }
    }

    /// The style of an edge of this tone.
    pub fn of(tone: Tone) -> Self {
        let (width, dash) = match tone {
            Tone::Plain | Tone::Allowed => (1.5, None),
            Tone::Depends => (1.5, Some(DEPENDS)),
            Tone::Denied => (1.5, Some(DENIED)),
            Tone::Open => (2.5, None),
            Tone::Gained => (3.0, None),
            Tone::Lost => (3.0, Some(LOST)),
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

/// What an outline is drawn of, for every medium.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// What looks out behind the body, where there is something.
    pub back: Option<Form>,
    /// The body.
    pub body: Form,
    /// Whether the border of the body is dashed.
    pub dashed: bool,
    /// A line inside of the body, in the colour and width of its border.
    pub bar: Option<[Pos2; 2]>,
}

/// A closed form.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A rectangle, and the radii of its corners on its left and on its right.
    Rounded(Rect, f32, f32),
    /// A convex polygon.
    Polygon(Vec<Pos2>),
}

/// What an outline in `rect` is drawn of, `zoom` times as large as life.
pub fn contour(shape: Outline, rect: Rect, zoom: f32) -> Contour {
    let of = |body: Form| Contour { back: None, body, dashed: false, bar: None };
    let at_left = |inset: f32| Some([rect.left_top(), rect.left_bottom()].map(|corner| pos2(corner.x + inset * zoom, corner.y)));
    let radius = BOX_RADIUS * zoom;
    let round = rect.height() / 2.0;
    match shape {
        Outline::Box => of(Form::Rounded(rect, radius, radius)),
        Outline::Card => {
            let inset = |points: [Pos2; 2]| [points[0] + vec2(0.0, 7.0 * zoom), points[1] - vec2(0.0, 7.0 * zoom)];
            Contour { bar: at_left(6.0).map(inset), ..of(Form::Rounded(rect, radius, radius)) }
        }
        Outline::Stack => {
            let back = Rect::from_min_max(rect.min + vec2(5.0, 4.0) * zoom, rect.max + vec2(-5.0, 4.0) * zoom);
            Contour { back: Some(Form::Rounded(back, radius, radius)), ..of(Form::Rounded(rect, radius, radius)) }
        }
        Outline::Pill => of(Form::Rounded(rect, round, round)),
        Outline::Slip => of(Form::Rounded(rect, round, 3.0 * zoom)),
        Outline::Arrow | Outline::Chevron => {
            let points =
                [rect.left_top(), right_end(rect, zoom, -1.0), rect.right_center(), right_end(rect, zoom, 1.0), rect.left_bottom()];
            Contour { bar: at_left(6.0).filter(|_| shape == Outline::Chevron), ..of(Form::Polygon(points.to_vec())) }
        }
        Outline::Octagon => {
            let cut = CUT * zoom;
            let (l, t, r, b) = (rect.left(), rect.top(), rect.right(), rect.bottom());
            let corners = [(l, t + cut), (l + cut, t), (r - cut, t), (r, t + cut), (r, b - cut), (r - cut, b), (l + cut, b), (l, b - cut)];
            of(Form::Polygon(corners.map(|(x, y)| pos2(x, y)).to_vec()))
        }
        Outline::Hexagon | Outline::Ghost => {
            let left = |side: f32| pos2(rect.left() + POINT * zoom, rect.center().y + side * rect.height() / 2.0);
            let points =
                [left(-1.0), right_end(rect, zoom, -1.0), rect.right_center(), right_end(rect, zoom, 1.0), left(1.0), rect.left_center()];
            Contour { dashed: shape == Outline::Ghost, ..of(Form::Polygon(points.to_vec())) }
        }
    }
}

/// The outline of a node, `rect` on the screen.
pub fn outline(shape: Outline, rect: Rect, zoom: f32, fill: Color32, stroke: Stroke) -> Shape {
    let contour = contour(shape, rect, zoom);
    let mut drawn: Vec<Shape> = contour.back.into_iter().map(|back| form(&back, fill, stroke)).collect();
    match &contour.body {
        Form::Polygon(points) if contour.dashed => {
            drawn.push(polygon(points, fill, Stroke::NONE));
            let closed: Vec<Pos2> = points.iter().chain(points.first()).copied().collect();
            let scale = zoom.clamp(0.5, 1.25);
            let border = dashes(&closed, 5.0 * scale, 3.0 * scale, rect.expand(1.0));
            drawn.extend(border.into_iter().map(|part| Shape::line(part, stroke)));
        }
        body => drawn.push(form(body, fill, stroke)),
    }
    drawn.extend(contour.bar.map(|bar| Shape::line_segment(bar, stroke)));
    if drawn.len() == 1 { drawn.swap_remove(0) } else { Shape::Vec(drawn) }
}

fn form(form: &Form, fill: Color32, stroke: Stroke) -> Shape {
    match form {
        Form::Rounded(rect, left, right) => {
            let corner = |radius: f32| radius.round().clamp(0.0, 255.0) as u8;
            let (left, right) = (corner(*left), corner(*right));
            let radius = CornerRadius { nw: left, sw: left, ne: right, se: right };
            Shape::Rect(RectShape::new(*rect, radius, fill, stroke, StrokeKind::Middle))
        }
        Form::Polygon(points) => polygon(points, fill, stroke),
    }
}

/// The same outline around the outline, `gap` further out.
pub fn ring(shape: Outline, rect: Rect, zoom: f32, gap: f32, stroke: Stroke) -> Shape {
    form(&ring_form(shape, rect, zoom, gap + stroke.width / 2.0), Color32::TRANSPARENT, stroke)
}

/// The middle of a line around an outline, `gap` further out.
pub fn ring_form(shape: Outline, rect: Rect, zoom: f32, gap: f32) -> Form {
    let radius = BOX_RADIUS * zoom + gap;
    match shape {
        Outline::Box | Outline::Card | Outline::Slip => Form::Rounded(rect.expand(gap), radius, radius),
        Outline::Stack => Form::Rounded(rect.with_max_y(rect.bottom() + 4.0 * zoom).expand(gap), radius, radius),
        // Slanted sides stay as far away as level ones when the points stand out a little more.
        Outline::Arrow | Outline::Chevron => contour(Outline::Arrow, rect.expand(gap).with_max_x(rect.right() + gap * 1.2), zoom).body,
        // A ring is whole, whatever it is around.
        Outline::Hexagon | Outline::Ghost => contour(Outline::Hexagon, rect.expand2(vec2(gap * 1.2, gap)), zoom).body,
        Outline::Pill | Outline::Octagon => contour(shape, rect.expand(gap), zoom).body,
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

/// Leaves points of a line out that the line hardly bends at: no more than so far beside the way from the last to the next.
pub fn simplify(points: &mut Vec<Pos2>, tolerance: f32) {
    let mut n_kept = usize::from(!points.is_empty());
    for at in 1..points.len() {
        let (last, point) = (points[n_kept - 1], points[at]);
        let is_bend = points.get(at + 1).is_none_or(|next| {
            let (along, to) = (*next - last, point - last);
            let aside = along.x * to.y - along.y * to.x;
            // Where the way turns back on itself, the point is its end.
            aside * aside > tolerance * tolerance * along.length_sq() || along.dot(*next - point) < 0.0
        });
        if is_bend {
            points[n_kept] = point;
            n_kept += 1;
        }
    }
    points.truncate(n_kept);
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
    let scale = line_scale(zoom);
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
    fn points_on_straight_parts_are_left_out_and_bends_stay() {
        let mut straight: Vec<Pos2> = (0..=100).map(|at| pos2(at as f32, 3.0)).collect();
        simplify(&mut straight, 0.1);
        assert_eq!(straight, [pos2(0.0, 3.0), pos2(100.0, 3.0)]);

        let mut back = vec![pos2(0.0, 0.0), pos2(9.0, 0.0), pos2(2.0, 0.0)];
        simplify(&mut back, 0.1);
        assert_eq!(back.len(), 3);

        let circle: Vec<Pos2> = (0..=90).map(|at| (egui::Vec2::angled((at as f32).to_radians()) * 40.0).to_pos2()).collect();
        let mut fewer = circle.clone();
        simplify(&mut fewer, 0.1);
        assert!(fewer.len() < 30 && fewer.first() == circle.first() && fewer.last() == circle.last(), "{}", fewer.len());
        for pair in fewer.windows(2) {
            let sagitta = 40.0 - (pair[0].to_vec2() + pair[1].to_vec2()).length() / 2.0;
            assert!(sagitta < 0.5, "{sagitta}");
        }
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        let points = [pos2(0.0, 0.0), pos2(1000.0, 0.0)];
        let seen = Rect::from_min_max(pos2(100.0, -10.0), pos2(200.0, 10.0));
        assert!(dashes(&points, 7.0, 3.0, seen).len() <= 12);
    }
}
