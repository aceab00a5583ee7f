//! How a node is drawn: an outline, a name, a fact.

use std::sync::Arc;

use egui::{Color32, Galley, Pos2, Rect, Shape, Stroke, Vec2};
use egui_graphs::{DisplayNode, DrawContext, NodeProps};
use petgraph::EdgeType;
use petgraph::stable_graph::IndexType;

use super::elide::Face;
use super::model::{Outline, Tone};
use super::{layout, route, shapes};
use crate::theme::{self, Palette, size};

/// The zoom below which nodes have no text, since it would be smaller than 6 points.
pub const TEXT_ZOOM: f32 = 0.5;
/// Size of a node's first line, at a zoom of 1.
const TITLE_SIZE: f32 = size::TABLE;
/// Size of a node's second line, at a zoom of 1.
const FACT_SIZE: f32 = size::CAPTION;

/// The font of a face at a zoom, in half points, so that zooming does not draw every glyph anew at every step.
pub fn font(face: Face, zoom: f32) -> egui::FontId {
    let sized = |size: f32| (size * zoom * 2.0).round() / 2.0;
    match face {
        Face::Title => theme::semibold(sized(TITLE_SIZE)),
        Face::Fact => theme::regular(sized(FACT_SIZE)),
    }
}

/// What a node always looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeArt {
    /// Its outline.
    pub outline: Outline,
    /// Its size at a zoom of 1.
    pub size: Vec2,
    /// Its first line.
    pub title: String,
    /// Its second line; may be empty.
    pub fact: String,
    /// Colour of its border.
    pub tone: Tone,
    /// Whether it stands in a box.
    pub boxed: bool,
}

/// What a node looks like at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeLook {
    /// Not connected to what is selected.
    pub dimmed: bool,
    /// Selected.
    pub selected: bool,
    /// Under the pointer.
    pub hovered: bool,
    /// In the keyboard's focus, by way of the keyboard.
    pub focused: bool,
    /// The generation of the atlas of glyphs.
    pub fonts: u64,
}

/// What the graph holds for a node.
#[derive(Debug, Clone)]
pub struct NodePayload {
    /// What it always looks like.
    pub art: Arc<NodeArt>,
    /// What it looks like at the moment.
    pub look: NodeLook,
}

/// A node as egui_graphs draws it.
#[derive(Clone)]
pub struct NodeShape {
    art: Arc<NodeArt>,
    look: NodeLook,
    centre: Pos2,
    text: Option<Text>,
}

/// Text that was laid out, and for what.
#[derive(Clone)]
struct Text {
    zoom: f32,
    pixels_per_point: f32,
    fonts: u64,
    lines: [Arc<Galley>; 2],
}

impl From<NodeProps<NodePayload>> for NodeShape {
    fn from(props: NodeProps<NodePayload>) -> Self {
        Self { art: Arc::clone(&props.payload.art), look: props.payload.look, centre: props.location(), text: None }
    }
}

impl NodeShape {
    /// The lines of text at a zoom, laid out once and kept.
    fn lines(&mut self, ctx: &DrawContext<'_>, zoom: f32) -> [Arc<Galley>; 2] {
        let pixels_per_point = ctx.ctx.pixels_per_point();
        if let Some(text) = &self.text
            && text.zoom == zoom
            && text.pixels_per_point == pixels_per_point
            && text.fonts == self.look.fonts
        {
            return text.lines.clone();
        }
        let lines = [(&self.art.title, Face::Title), (&self.art.fact, Face::Fact)]
            .map(|(line, face)| ctx.painter.layout_no_wrap(line.clone(), font(face, zoom), Color32::PLACEHOLDER));
        self.text = Some(Text { zoom, pixels_per_point, fonts: self.look.fonts, lines: lines.clone() });
        lines
    }
}

impl<E: Clone, Ty: EdgeType, Ix: IndexType> DisplayNode<NodePayload, E, Ty, Ix> for NodeShape {
    fn closest_boundary_point(&self, direction: Vec2) -> Pos2 {
        let half = self.art.size / 2.0;
        let scale = |along: f32, half: f32| if along == 0.0 { f32::INFINITY } else { half / along.abs() };
        let scale = scale(direction.x, half.x).min(scale(direction.y, half.y));
        if scale.is_finite() { self.centre + direction * scale } else { self.centre }
    }

    fn shapes(&mut self, ctx: &DrawContext<'_>) -> Vec<Shape> {
        let zoom = ctx.meta.zoom;
        let rect = Rect::from_center_size(ctx.meta.canvas_to_screen_pos(self.centre), self.art.size * zoom);
        if !ctx.painter.clip_rect().intersects(rect.expand(12.0)) {
            return Vec::new();
        }
        let palette = Palette::for_mode(ctx.ctx.global_style().visuals.dark_mode);
        let NodeLook { dimmed, selected, hovered, focused, .. } = self.look;
        // Dimmed nodes stay opaque, or the edges behind them would shine through.
        let ground = if self.art.boxed { palette.panel } else { palette.canvas };
        let dim = |colour: Color32| if dimmed { Palette::mix(ground, colour, theme::DIMMED_OPACITY) } else { colour };
        let border = match self.art.tone {
            _ if selected => palette.accent,
            // Plain nodes have the border of a panel.
            Tone::Plain if !hovered => palette.line,
            tone => shapes::tone_colour(palette, tone),
        };
        let width = if hovered && !selected { 2.0 } else { 1.5 };
        let mut drawn = vec![shapes::outline(
            self.art.outline,
            rect,
            zoom,
            dim(palette.raised),
            Stroke::new(width * zoom.clamp(0.5, 1.25), dim(border)),
        )];
        if selected {
            drawn.push(shapes::ring(self.art.outline, rect, zoom, 3.0, Stroke::new(2.5, palette.accent)));
        }
        if focused {
            drawn.push(shapes::ring(self.art.outline, rect, zoom, if selected { 8.0 } else { 3.0 }, Stroke::new(1.5, palette.accent)));
        }
        if zoom >= TEXT_ZOOM {
            let left = rect.left() + layout::inset(self.art.outline) * zoom;
            let [title, fact] = self.lines(ctx, zoom);
            let apart = if self.art.fact.is_empty() { 0.0 } else { 7.5 * zoom };
            let mut write = |line: Arc<Galley>, y: f32, colour: Color32| {
                drawn.push(Shape::galley(Pos2::new(left, y - line.size().y / 2.0), line, dim(colour)));
            };
            write(title, rect.center().y - apart, palette.text);
            if !self.art.fact.is_empty() {
                write(fact, rect.center().y + apart, palette.muted);
            }
        }
        drawn
    }

    fn update(&mut self, props: &NodeProps<NodePayload>) {
        if !Arc::ptr_eq(&self.art, &props.payload.art) {
            self.art = Arc::clone(&props.payload.art);
            self.text = None;
        }
        self.look = props.payload.look;
        self.centre = props.location();
    }

    fn is_inside(&self, point: Pos2) -> bool {
        let from_centre = point - self.centre;
        from_centre.y.abs() <= self.art.size.y / 2.0
            && from_centre.x.abs() <= self.art.size.x / 2.0
            && from_centre.x <= route::reach(self.art.outline, self.art.size, from_centre.y)
    }
}
