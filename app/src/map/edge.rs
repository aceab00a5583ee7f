//! How an edge is drawn: its way as a line in the style of its tone, an arrow head, and a cross where it breaks.

use std::sync::Arc;

use egui::{Color32, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use egui_graphs::{DisplayEdge, DisplayNode, DrawContext, EdgeProps, Node};
use petgraph::EdgeType;
use petgraph::stable_graph::IndexType;

use super::model::{Extent, Tone};
use super::route::{Route, TIP_LENGTH};
use super::shapes::{self, LineStyle};
use crate::theme::{self, Palette};

/// How near the pointer has to be to touch an edge, in points at a zoom of 1.
pub const GRIP: f32 = 5.0;

/// Opacity of an edge of a crowded picture, which leaves it a contrast of 3 to 1.
pub const FAINT_OPACITY: f32 = 0.75;

/// The way of an edge, whose ends may be on their way to their places.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its way.
    pub route: Arc<Route>,
    /// How far its source and its target are from their places.
    pub shift: (Vec2, Vec2),
}

impl Line {
    /// The points of a way, moved along with its ends; about one for each `apart` points of the screen at a zoom.
    pub fn points(route: &Route, shift: (Vec2, Vec2), zoom: f32, apart: f32) -> impl Iterator<Item = Pos2> + '_ {
        let last = route.points.len().saturating_sub(1);
        // Curves are cut into pieces of about ten points.
        let step = ((apart / (10.0 * zoom)) as usize).clamp(1, 8);
        let kept = (0..=last).filter(move |at| at % step == 0 || *at == last);
        kept.filter_map(move |at| {
            let part = at as f32 / last.max(1) as f32;
            Some(*route.points.get(at)? + shift.0 * (1.0 - part) + shift.1 * part)
        })
    }
}

/// What the graph holds for an edge.
#[derive(Debug, Clone)]
pub struct EdgePayload {
    /// Its way.
    pub line: Line,
    /// Its tone.
    pub tone: Tone,
    /// Whether it holds for everything at its ends.
    pub extent: Extent,
    /// What it looks like at the moment.
    pub look: EdgeLook,
}

/// What an edge looks like at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdgeLook {
    /// Not connected to what is selected.
    pub dimmed: bool,
    /// It, or one of its ends, is under the pointer.
    pub lit: bool,
    /// One of so many that it steps back. Where many dimmed edges lie on each other, they would add up to a full one.
    pub faint: bool,
}

impl EdgeLook {
    /// How much of its colour is left.
    pub fn opacity(self) -> f32 {
        (if self.dimmed { theme::DIMMED_OPACITY } else { 1.0 }) * if self.faint { FAINT_OPACITY } else { 1.0 }
    }
}

/// How a picture is seen while edges are drawn.
pub struct Sight<'a> {
    /// From the picture to the screen.
    pub to_screen: &'a dyn Fn(Pos2) -> Pos2,
    /// Screen points per picture point.
    pub zoom: f32,
    /// What is seen of the screen.
    pub seen: Rect,
    /// The colours.
    pub palette: &'a Palette,
}

/// Draws an edge by itself.
pub fn draw(route: &Route, shift: (Vec2, Vec2), tone: Tone, extent: Extent, look: EdgeLook, sight: &Sight<'_>, drawn: &mut Vec<Shape>) {
    let Sight { to_screen, zoom, seen, palette } = *sight;
    let bounds = route.bounds.union(route.bounds.translate(shift.0)).union(route.bounds.translate(shift.1));
    if !seen.intersects(Rect::from_min_max(to_screen(bounds.min), to_screen(bounds.max))) {
        return;
    }
    let colour = shapes::tone_colour(palette, tone).gamma_multiply(look.opacity());
    let mut style = LineStyle::of_extent(tone, extent);
    if look.lit {
        style.width += 0.75;
    }
    let mut points = Line::points(route, shift, zoom, 5.0).map(to_screen).collect();
    shapes::simplify(&mut points, 0.1);
    drawn.extend(shapes::line(points, style, zoom, colour, seen));
    let tip = to_screen(route.tip + shift.1);
    drawn.push(Shape::convex_polygon(arrow_head(tip, route.towards, style.width, zoom).to_vec(), colour, Stroke::NONE));
    if tone == Tone::Denied && zoom >= CROSS_ZOOM {
        let arms = cross(to_screen(route.at(0.5) + (shift.0 + shift.1) / 2.0), zoom);
        drawn.extend(arms.map(|arm| Shape::line_segment(arm, Stroke::new(CROSS_WIDTH, colour))));
    }
}

/// From this zoom on the cross of a way that is denied can be seen.
pub const CROSS_ZOOM: f32 = 0.3;

/// Width of the lines of a cross.
pub const CROSS_WIDTH: f32 = 2.0;

/// The two lines of a cross.
pub fn cross(centre: Pos2, zoom: f32) -> [[Pos2; 2]; 2] {
    let arm = 5.0 * shapes::line_scale(zoom);
    [vec2(arm, arm), vec2(arm, -arm)].map(|arm| [centre - arm, centre + arm])
}

/// The corners of an arrow head whose point is at `tip`.
pub fn arrow_head(tip: Pos2, towards: f32, width: f32, zoom: f32) -> [Pos2; 3] {
    let length = TIP_LENGTH * zoom.max(0.4);
    let half = length * if width >= 2.5 { 0.6 } else { 0.5 };
    let foot = tip.x - towards * length;
    [pos2(foot, tip.y - half), tip, pos2(foot, tip.y + half)]
}

/// An edge as egui_graphs draws it. Its ends are in its way, so that it needs nothing of its nodes.
#[derive(Debug, Clone)]
pub struct EdgeShape {
    payload: EdgePayload,
}

impl From<EdgeProps<EdgePayload>> for EdgeShape {
    fn from(props: EdgeProps<EdgePayload>) -> Self {
        Self { payload: props.payload }
    }
}

impl<N, Ty, Ix, D> DisplayEdge<N, EdgePayload, Ty, Ix, D> for EdgeShape
where
    N: Clone,
    Ty: EdgeType,
    Ix: IndexType,
    D: DisplayNode<N, EdgePayload, Ty, Ix>,
{
    fn shapes(&mut self, _: &Node<N, EdgePayload, Ty, Ix, D>, _: &Node<N, EdgePayload, Ty, Ix, D>, ctx: &DrawContext<'_>) -> Vec<Shape> {
        let EdgePayload { line, tone, extent, look } = &self.payload;
        let to_screen = |point: Pos2| ctx.meta.canvas_to_screen_pos(point);
        let palette = Palette::for_mode(ctx.ctx.global_style().visuals.dark_mode);
        let sight = Sight { to_screen: &to_screen, zoom: ctx.meta.zoom, seen: ctx.painter.clip_rect(), palette };
        let mut drawn = Vec::new();
        draw(&line.route, line.shift, *tone, *extent, *look, &sight, &mut drawn);
        drawn
    }

    fn update(&mut self, props: &EdgeProps<EdgePayload>) {
        self.payload = props.payload.clone();
    }

    fn is_inside(&self, _: &Node<N, EdgePayload, Ty, Ix, D>, _: &Node<N, EdgePayload, Ty, Ix, D>, point: Pos2) -> bool {
        let route = &self.payload.line.route;
        route.bounds.expand(GRIP).contains(point) && route.distance(point) <= GRIP
    }
}

/// The colour of an edge in a crowd.
pub fn crowd_colour(palette: &Palette, tone: Tone, look: EdgeLook) -> Color32 {
    shapes::tone_colour(palette, tone).gamma_multiply(look.opacity())
}
