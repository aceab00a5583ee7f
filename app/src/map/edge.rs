//! How an edge is drawn: its way as a line in the style of its tone, an arrow head, and a cross where it breaks.

use std::sync::Arc;

use egui::{Color32, Pos2, Rect, Shape, Stroke, pos2, vec2};
use egui_graphs::{DisplayEdge, DisplayNode, DrawContext, EdgeProps, Node};
use petgraph::EdgeType;
use petgraph::stable_graph::IndexType;

use super::model::Tone;
use super::route::{Route, TIP_LENGTH};
use super::shapes::{self, LineStyle};
use crate::theme::{self, Palette};

/// How near the pointer has to be to touch an edge, in points at a zoom of 1.
pub const GRIP: f32 = 5.0;

/// Opacity of an edge of a crowded picture.
const FAINT_OPACITY: f32 = 0.6;

/// What the graph holds for an edge.
#[derive(Debug, Clone)]
pub struct EdgePayload {
    /// Its way.
    pub route: Arc<Route>,
    /// Its tone.
    pub tone: Tone,
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
        let EdgePayload { route, tone, look } = &self.payload;
        let zoom = ctx.meta.zoom;
        let seen = ctx.painter.clip_rect();
        let to_screen = |point: Pos2| ctx.meta.canvas_to_screen_pos(point);
        if !seen.intersects(Rect::from_min_max(to_screen(route.bounds.min), to_screen(route.bounds.max))) {
            return Vec::new();
        }
        let palette = Palette::for_mode(ctx.ctx.global_style().visuals.dark_mode);
        let opacity = if look.dimmed { theme::DIMMED_OPACITY } else { 1.0 } * if look.faint { FAINT_OPACITY } else { 1.0 };
        let dim = |colour: Color32| colour.gamma_multiply(opacity);
        let colour = dim(shapes::tone_colour(palette, *tone));
        let mut style = LineStyle::of(*tone);
        if look.lit {
            style.width += 0.75;
        }
        let points = route.points.iter().map(|point| to_screen(*point)).collect();
        let mut drawn = shapes::line(points, style, zoom, colour, seen);
        let tip = to_screen(route.tip);
        let length = TIP_LENGTH * zoom.max(0.4);
        let half = length * if style.width >= 2.5 { 0.6 } else { 0.5 };
        let foot = tip.x - route.towards * length;
        drawn.push(Shape::convex_polygon(vec![pos2(foot, tip.y - half), tip, pos2(foot, tip.y + half)], colour, Stroke::NONE));
        if *tone == Tone::Denied && zoom >= 0.3 {
            let centre = to_screen(route.at(0.5));
            let arm = 5.0 * zoom.clamp(0.5, 1.25);
            let stroke = Stroke::new(2.0, colour);
            for arm in [vec2(arm, arm), vec2(arm, -arm)] {
                drawn.push(Shape::line_segment([centre - arm, centre + arm], stroke));
            }
        }
        drawn
    }

    fn update(&mut self, props: &EdgeProps<EdgePayload>) {
        self.payload = props.payload.clone();
    }

    fn is_inside(&self, _: &Node<N, EdgePayload, Ty, Ix, D>, _: &Node<N, EdgePayload, Ty, Ix, D>, point: Pos2) -> bool {
        self.payload.route.bounds.expand(GRIP).contains(point) && self.payload.route.distance(point) <= GRIP
    }
}
