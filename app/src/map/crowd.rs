//! Many edges at once: turned into triangles together, once for a zoom, and moved along while the picture is moved.
//!
//! A picture of thousands of edges is read as a whole: in it they are plain thin lines. Those that somebody looks at stand above it in their
//! own styles, and those under the pointer are drawn one by one.

use std::sync::Arc;

use egui::epaint::Vertex;
use egui::{Color32, ColorImage, Context, Mesh, Pos2, Rect, Shape, TextureHandle, TextureId, TextureOptions, TextureWrapMode, Vec2, pos2};

use super::camera::Camera;
use super::edge::{self, EdgeLook, Line, arrow_head, crowd_colour};
use super::model::Tone;
use super::scene::Scene;
use super::shapes::{self, LineStyle};
use crate::theme::Palette;

/// How far beyond what is seen the crowd is ready, in parts of it.
const AHEAD: f32 = 0.5;

/// What a crowd was made for.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    strokes: u64,
    zoom: f32,
    pixels_per_point: f32,
    dark: bool,
    /// Grows with everything that changes which edges are lit.
    looks: u64,
    /// Whether some edges are left out, as they are on their way.
    is_without_moving: bool,
}

/// Triangles around the picture's origin, and the part of the picture that they are of.
struct Made {
    key: Key,
    region: Rect,
    mesh: Arc<Mesh>,
    /// The same where it was seen last.
    placed: Option<(Vec2, Arc<Mesh>)>,
}

/// The edges of a scene as triangles. Those that are on their way are made for each frame, and the others stay as they are.
#[derive(Default)]
pub struct Crowd {
    made: Option<Made>,
    texture: Option<TextureHandle>,
}

/// What is to be drawn of a crowd.
pub struct Demand<'a> {
    /// Whose edges.
    pub scene: &'a Scene,
    /// Grows with everything that changes where edges run, or in which style.
    pub strokes: u64,
    /// Grows with everything that changes which edges are lit.
    pub looks: u64,
    /// How the edges look; none for those that are not drawn here.
    pub look: &'a dyn Fn(usize) -> Option<EdgeLook>,
    /// How the picture is seen.
    pub camera: Camera,
    /// Where it is seen.
    pub viewport: Rect,
    /// Whether the appearance is dark.
    pub dark: bool,
}

/// How the edges of a crowd are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As plain thin lines.
    Plain,
    /// Each in the style of its tone, as [`edge::draw`] has it.
    Styled,
}

impl Crowd {
    /// The edges as shapes: those that rest, and those that move.
    pub fn shapes(&mut self, ctx: &Context, manner: Manner, demand: &Demand<'_>) -> Vec<Shape> {
        let Demand { scene, camera, viewport, look, .. } = *demand;
        if scene.motion.is_none() {
            return vec![self.resting(ctx, manner, demand)];
        }
        let rests = |edge: usize| if scene.is_moving(edge) { None } else { look(edge) };
        let resting = self.resting(ctx, manner, &Demand { look: &rests, ..*demand });
        let moves = |edge: usize| if scene.is_moving(edge) { look(edge) } else { None };
        let seen = Rect::from_min_max(camera.to_picture(viewport, viewport.min), camera.to_picture(viewport, viewport.max));
        let mut moving = self.make(ctx, manner, &Demand { look: &moves, ..*demand }, seen);
        moving.translate(viewport.min.to_vec2() + camera.pan);
        vec![resting, Shape::mesh(moving)]
    }

    fn make(&mut self, ctx: &Context, manner: Manner, demand: &Demand<'_>, region: Rect) -> Mesh {
        let texture = self.texture.get_or_insert_with(|| line_texture(ctx)).id();
        match manner {
            Manner::Plain => plain(ctx, texture, demand, region),
            Manner::Styled => styled(ctx, texture, demand, region),
        }
    }

    /// The edges that the demand has, none of which moves.
    fn resting(&mut self, ctx: &Context, manner: Manner, demand: &Demand<'_>) -> Shape {
        let Demand { scene, camera, viewport, .. } = *demand;
        let key = Key {
            strokes: demand.strokes,
            zoom: camera.zoom,
            pixels_per_point: ctx.pixels_per_point(),
            dark: demand.dark,
            looks: demand.looks,
            is_without_moving: scene.motion.is_some(),
        };
        let seen = Rect::from_min_max(camera.to_picture(viewport, viewport.min), camera.to_picture(viewport, viewport.max));
        let is_at_hand = |made: &&mut Made| made.key == key && made.region.contains_rect(seen);
        let made = match self.made.as_mut().filter(is_at_hand) {
            Some(_) => &mut self.made,
            None => {
                let region = seen.expand2(seen.size() * AHEAD);
                let mesh = self.make(ctx, manner, demand, region);
                self.made = Some(Made { key, region, mesh: Arc::new(mesh), placed: None });
                &mut self.made
            }
        };
        let Some(Made { mesh, placed, .. }) = made else { return Shape::Noop };
        let offset = viewport.min.to_vec2() + camera.pan;
        let shown = match placed.take().filter(|(known, _)| *known == offset) {
            Some((_, shown)) => shown,
            None => {
                let mut moved = Mesh::clone(mesh);
                moved.translate(offset);
                Arc::new(moved)
            }
        };
        *placed = Some((offset, Arc::clone(&shown)));
        Shape::mesh(shown)
    }
}

/// The dash patterns that edges have, each with its row in the texture of all; the first is a solid line.
const PATTERNS: [Option<(f32, f32)>; 5] = [None, Some(shapes::DEPENDS), Some(shapes::DENIED), Some(shapes::LOST), Some(shapes::SOME)];

/// Texels of a pattern, and of a row of the texture: samples from the middle of a row see nothing of others.
const TEXELS: usize = 64;
const ROW_TEXELS: usize = 4;

/// Rows of the texture: those of the patterns, and below them one that is full in its middle and nothing at either side, for thin lines.
const TEXTURE_ROWS: usize = ROW_TEXELS * PATTERNS.len() + 3;

/// One dash and one gap of each pattern, to be repeated along a line: so a dashed line takes no more triangles than a solid one.
fn line_texture(ctx: &Context) -> TextureHandle {
    let mut image = ColorImage::filled([TEXELS, TEXTURE_ROWS], Color32::WHITE);
    for (at, pixel) in image.pixels.iter_mut().enumerate() {
        let row = at / TEXELS;
        let Some(pattern) = PATTERNS.get(row / ROW_TEXELS) else {
            if row + 2 != TEXTURE_ROWS {
                *pixel = Color32::TRANSPARENT;
            }
            continue;
        };
        let Some((dash, gap)) = *pattern else { continue };
        let along = (at % TEXELS) as f32 / TEXELS as f32 * (dash + gap);
        // Its ends fade over a point, half of it on either side.
        let from_end = along.min(dash - along).max(along - dash - gap);
        *pixel = Color32::WHITE.gamma_multiply((from_end + 0.5).clamp(0.0, 1.0));
    }
    let options = TextureOptions { wrap_mode: TextureWrapMode::Repeat, ..TextureOptions::LINEAR };
    ctx.load_texture("edges", image, options)
}

/// A coordinate in the texture, counted in rows.
fn v_of(row: f32) -> f32 {
    row / TEXTURE_ROWS as f32
}

/// Where a pattern is in the texture, and how long a dash and a gap of it are.
fn pattern_of(style: LineStyle, scale: f32) -> Pattern {
    let row = PATTERNS.iter().position(|pattern| *pattern == style.dash).unwrap_or(0);
    let period = style.dash.map_or(1.0, |(dash, gap)| (dash + gap) * scale);
    Pattern { v: v_of((row * ROW_TEXELS) as f32 + ROW_TEXELS as f32 / 2.0), period }
}

/// How the texture lies along a line.
#[derive(Debug, Clone, Copy)]
struct Pattern {
    /// Its row.
    v: f32,
    /// After how many points of the screen it is repeated.
    period: f32,
}

/// The edges that lie in a region of the picture, each in its style, as triangles around the picture's origin.
fn styled(ctx: &Context, texture: TextureId, demand: &Demand<'_>, region: Rect) -> Mesh {
    let Demand { scene, camera: Camera { zoom, .. }, .. } = *demand;
    let palette = Palette::for_mode(demand.dark);
    let feather = 1.0 / ctx.pixels_per_point();
    let scale = shapes::line_scale(zoom);
    let at = |point: Pos2| (point.to_vec2() * zoom).to_pos2();
    let (mut mesh, mut line) = (Mesh::with_texture(texture), Vec::new());
    let solid = pattern_of(LineStyle { width: 1.0, dash: None }, scale);
    for edge in &scene.drawn {
        let (Some(route), Some(look)) = (&scene.layout.routes[*edge], (demand.look)(*edge)) else { continue };
        let shift = scene.shift(*edge);
        let bounds = route.bounds.union(route.bounds.translate(shift.0)).union(route.bounds.translate(shift.1));
        if !region.intersects(bounds) {
            continue;
        }
        let edge = &scene.model.edges[*edge];
        let colour = crowd_colour(palette, edge.tone, look);
        let mut style = LineStyle::of_extent(edge.tone, edge.extent);
        if look.lit {
            style.width += 0.75;
        }
        line.clear();
        line.extend(Line::points(route, shift, zoom, 5.0).map(at));
        shapes::simplify(&mut line, 0.1);
        ribbon(&line, style.width * scale, feather, colour, pattern_of(style, scale), &mut mesh);
        let head = arrow_head(at(route.tip + shift.1), route.towards, style.width, zoom);
        let first = mesh.vertices.len() as u32;
        mesh.vertices.extend(head.map(|pos| Vertex { pos, uv: pos2(0.0, solid.v), color: colour }));
        mesh.add_triangle(first, first + 1, first + 2);
        if edge.tone == Tone::Denied && zoom >= edge::CROSS_ZOOM {
            for [from, to] in edge::cross(at(route.at(0.5) + (shift.0 + shift.1) / 2.0), zoom) {
                ribbon(&[from, to], edge::CROSS_WIDTH, feather, colour, solid, &mut mesh);
            }
        }
    }
    mesh
}

/// Adds a line of some width whose sides fade, and along which a pattern lies.
fn ribbon(points: &[Pos2], width: f32, feather: f32, colour: Color32, pattern: Pattern, mesh: &mut Mesh) {
    // What is thinner than a pixel is paler instead.
    let colour = colour.gamma_multiply((width / feather).min(1.0));
    let (outer, inner) = ((width + feather) / 2.0, ((width - feather) / 2.0).max(0.0));
    let (mut last, mut so_far): (Option<u32>, f32) = (None, 0.0);
    for (at, point) in points.iter().enumerate() {
        let before = points[at.saturating_sub(1)];
        let along = points[(at + 1).min(points.len() - 1)] - before;
        let length = along.length();
        so_far += before.distance(*point);
        if length <= 0.0 {
            continue;
        }
        let aside = Vec2::new(-along.y, along.x) / length;
        let first = mesh.vertices.len() as u32;
        let uv = pos2(so_far / pattern.period, pattern.v);
        for (offset, color) in [(-outer, Color32::TRANSPARENT), (-inner, colour), (inner, colour), (outer, Color32::TRANSPARENT)] {
            mesh.vertices.push(Vertex { pos: *point + aside * offset, uv, color });
        }
        if let Some(last) = last {
            for side in 0..3 {
                mesh.add_triangle(last + side, last + side + 1, first + side);
                mesh.add_triangle(last + side + 1, first + side, first + side + 1);
            }
        }
        last = Some(first);
    }
}

/// The edges that lie in a region of the picture, thin and solid, as triangles around the picture's origin.
fn plain(ctx: &Context, texture: TextureId, demand: &Demand<'_>, region: Rect) -> Mesh {
    let Demand { scene, camera: Camera { zoom, .. }, .. } = *demand;
    let palette = Palette::for_mode(demand.dark);
    let feather = 1.0 / ctx.pixels_per_point();
    let (mut mesh, mut line) = (Mesh::with_texture(texture), Vec::new());
    let solid = pattern_of(LineStyle { width: 1.0, dash: None }, 1.0);
    let width = 1.5 * zoom.clamp(0.5, 1.0);
    let at = |point: Pos2| (point.to_vec2() * zoom).to_pos2();
    for edge in &scene.drawn {
        let (Some(route), Some(look)) = (&scene.layout.routes[*edge], (demand.look)(*edge)) else { continue };
        let (tone, shift) = (scene.model.edges[*edge].tone, scene.shift(*edge));
        if !region.intersects(route.bounds) && shift == (Vec2::ZERO, Vec2::ZERO) {
            continue;
        }
        let colour = crowd_colour(palette, tone, look);
        let width = if matches!(tone, Tone::Open | Tone::Gained | Tone::Lost) { width * 1.5 } else { width };
        line.clear();
        line.extend(Line::points(route, shift, zoom, 9.0).map(at));
        shapes::simplify(&mut line, 0.25);
        strip(&line, width, feather, colour, &mut mesh);
        if zoom >= 0.3 {
            let head = arrow_head(at(route.tip + shift.1), route.towards, width, zoom);
            let first = mesh.vertices.len() as u32;
            mesh.vertices.extend(head.map(|pos| Vertex { pos, uv: pos2(0.0, solid.v), color: colour }));
            mesh.add_triangle(first, first + 1, first + 2);
        }
    }
    mesh
}

/// Adds a thin line: along its middle in its colour, and nothing of it left at its sides, so that it is smooth without being wide.
fn strip(points: &[Pos2], width: f32, feather: f32, colour: Color32, mesh: &mut Mesh) {
    let half = (width + feather) / 2.0;
    // What is thinner than a pixel is paler instead.
    let color = colour.gamma_multiply((width / feather).min(1.0));
    let [left, right] = [TEXTURE_ROWS as f32 - 2.5, TEXTURE_ROWS as f32 - 0.5].map(v_of);
    let mut last: Option<u32> = None;
    for (at, point) in points.iter().enumerate() {
        let before = points[at.saturating_sub(1)];
        let after = points[(at + 1).min(points.len() - 1)];
        let along = after - before;
        let length = along.length();
        if length <= 0.0 {
            continue;
        }
        let aside = Vec2::new(-along.y, along.x) * (half / length);
        let first = mesh.vertices.len() as u32;
        mesh.vertices.push(Vertex { pos: *point - aside, uv: pos2(0.0, left), color });
        mesh.vertices.push(Vertex { pos: *point + aside, uv: pos2(0.0, right), color });
        if let Some(last) = last {
            mesh.add_triangle(last, last + 1, first);
            mesh.add_triangle(last + 1, first, first + 1);
        }
        last = Some(first);
    }
}
