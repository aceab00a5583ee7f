//! How a node is drawn: an outline, a name, a fact.

use std::sync::Arc;

use egui::emath::TSTransform;
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, Galley, Pos2, Rect, Shape, Stroke, Vec2, vec2};
use egui_graphs::{DisplayNode, DrawContext, NodeProps};
use petgraph::EdgeType;
use petgraph::stable_graph::IndexType;

use super::elide::Face;
use super::model::{Outline, Tone};
use super::{layout, route, shapes};
use crate::theme::{self, Palette, size};

/// The zoom below which nodes have no text, since not even their names have room.
pub const TEXT_ZOOM: f32 = 0.42;
/// The zoom below which nodes have their names alone, larger than the picture is: two lines would be too small to read.
const NAME_ZOOM: f32 = 0.66;
/// Size of a name that stands alone.
const NAME_SIZE: f32 = 10.0;
/// Room at the right of a name that stands alone, at a zoom of 1.
const NAME_MARGIN: f32 = 6.0;
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

/// What the layout of a node's text depends on, besides the text: the sizes of both lines, and the room for the name where it stands alone.
fn measures(zoom: f32) -> (f32, f32, i32) {
    if zoom >= NAME_ZOOM {
        return (font(Face::Title, zoom).size, font(Face::Fact, zoom).size, 0);
    }
    // The room counts in steps, so that zooming does not lay every name out anew at every step.
    (NAME_SIZE, 0.0, (zoom * 50.0).floor() as i32)
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
    /// Whether it is put aside.
    pub aside: bool,
    /// Whether it is pinned.
    pub pinned: bool,
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
    /// Whether its text must not be laid out anew in this frame: then that of before is drawn in another size.
    pub keeps_text: bool,
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
    /// Whether there is any text.
    pub fn has_some_text(&self) -> bool {
        self.text.is_some()
    }

    /// Whether there is text for a zoom.
    pub fn has_text(&self, zoom: f32, pixels_per_point: f32, fonts: u64) -> bool {
        self.text
            .as_ref()
            .is_some_and(|text| measures(text.zoom) == measures(zoom) && text.pixels_per_point == pixels_per_point && text.fonts == fonts)
    }

    /// Takes over the text of another that says the same.
    pub fn take_text(&mut self, other: &Self) {
        if (&self.art.title, &self.art.fact) == (&other.art.title, &other.art.fact) {
            self.text.clone_from(&other.text);
        }
    }

    /// The lines of text at a zoom and how much larger they are to be drawn: those of another zoom where new ones must wait.
    fn lines_or_before(&mut self, ctx: &DrawContext<'_>, zoom: f32) -> ([Arc<Galley>; 2], f32) {
        match &self.text {
            Some(text) if self.look.keeps_text => (text.lines.clone(), zoom / text.zoom),
            _ => (self.lines(ctx.ctx, zoom, self.look.fonts), 1.0),
        }
    }

    /// The lines of text at a zoom, laid out once and kept.
    pub fn lines(&mut self, ctx: &egui::Context, zoom: f32, fonts: u64) -> [Arc<Galley>; 2] {
        let pixels_per_point = ctx.pixels_per_point();
        if let Some(text) = &self.text
            && self.has_text(zoom, pixels_per_point, fonts)
        {
            return text.lines.clone();
        }
        let lay_out =
            |line: &str, face| ctx.fonts_mut(|fonts| fonts.layout_no_wrap(line.to_owned(), font(face, zoom), Color32::PLACEHOLDER));
        let lines = if zoom >= NAME_ZOOM {
            [lay_out(&self.art.title, Face::Title), lay_out(&self.art.fact, Face::Fact)]
        } else {
            let room = (self.art.size.x - layout::inset(self.art.outline) - NAME_MARGIN) * (zoom * 50.0).floor() / 50.0;
            let name = |size: f32| {
                let mut name = LayoutJob::simple_singleline(self.art.title.clone(), theme::semibold(size), Color32::PLACEHOLDER);
                name.wrap = TextWrapping::truncate_at_width(room.max(0.0));
                ctx.fonts_mut(|fonts| fonts.layout_job(name))
            };
            // Rather a little smaller than cut off.
            let sizes = [NAME_SIZE, NAME_SIZE - 1.0, NAME_SIZE - 2.0];
            let fitting = sizes.into_iter().map(name).find(|name| !name.elided);
            [fitting.unwrap_or_else(|| name(NAME_SIZE - 1.0)), lay_out("", Face::Fact)]
        };
        self.text = Some(Text { zoom, pixels_per_point, fonts, lines: lines.clone() });
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
        let is_faint = dimmed || self.art.aside;
        let dim = |colour: Color32| if is_faint { Palette::mix(ground, colour, theme::DIMMED_OPACITY) } else { colour };
        let border = match self.art.tone {
            _ if selected => palette.accent,
            // Plain nodes have the border of a panel.
            Tone::Plain if !hovered => palette.outline,
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
        if self.art.pinned {
            // The head of a pin, on the upper right corner.
            let head = rect.right_top() + vec2(-9.0, 0.0) * zoom;
            drawn.push(Shape::circle_filled(head, 4.5 * zoom.clamp(0.5, 1.25), palette.accent));
            drawn.push(Shape::circle_filled(head, 1.75 * zoom.clamp(0.5, 1.25), palette.raised));
        }
        if selected {
            drawn.push(shapes::ring(self.art.outline, rect, zoom, 3.0, Stroke::new(2.5, palette.accent)));
        }
        if focused {
            drawn.push(shapes::ring(self.art.outline, rect, zoom, if selected { 8.0 } else { 3.0 }, Stroke::new(1.5, palette.accent)));
        }
        let has_text = !self.look.keeps_text || self.text.is_some();
        if zoom >= TEXT_ZOOM && has_text {
            let left = rect.left() + layout::inset(self.art.outline) * zoom;
            let (lines, scale) = self.lines_or_before(ctx, zoom);
            let [title, fact] = lines;
            let is_alone = self.art.fact.is_empty() || zoom < NAME_ZOOM;
            let apart = if is_alone { 0.0 } else { 7.5 * zoom };
            let mut write = |line: Arc<Galley>, y: f32, colour: Color32| {
                let corner = Pos2::new(left, y - line.size().y * scale / 2.0);
                let mut shape = Shape::galley(if scale == 1.0 { corner } else { Pos2::ZERO }, line, dim(colour));
                if scale != 1.0 {
                    shape.transform(TSTransform::new(corner.to_vec2(), scale));
                }
                drawn.push(shape);
            };
            write(title, rect.center().y - apart, palette.text);
            if !is_alone {
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
