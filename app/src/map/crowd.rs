//! Many edges at once: turned into triangles together, once for a zoom, and moved along while the picture is moved.
//!
//! A picture of thousands of edges is read as a whole: in it they are plain thin lines. Those that somebody looks at stand above it in their
//! own styles, and those under the pointer are drawn one by one.

use std::sync::Arc;

use egui::epaint::{ClippedShape, Primitive};
use egui::{Color32, Context, Mesh, Pos2, Rect, Shape, Vec2};

use super::camera::Camera;
use super::edge::{self, EdgeLook, Line, arrow_head, crowd_colour};
use super::model::Tone;
use super::scene::Scene;
use super::shapes;
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
}

/// Triangles around the picture's origin, and the part of the picture that they are of.
struct Made {
    key: Key,
    region: Rect,
    mesh: Arc<Mesh>,
    /// The same where it was seen last.
    placed: Option<(Vec2, Arc<Mesh>)>,
}

/// The edges of a scene as triangles.
#[derive(Default)]
pub struct Crowd {
    made: Option<Made>,
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
    /// The edges as one shape.
    pub fn shape(&mut self, ctx: &Context, manner: Manner, demand: &Demand<'_>) -> Shape {
        let Demand { scene, camera, viewport, .. } = *demand;
        let key = Key {
            strokes: demand.strokes,
            zoom: camera.zoom,
            pixels_per_point: ctx.pixels_per_point(),
            dark: demand.dark,
            looks: demand.looks,
        };
        let seen = Rect::from_min_max(camera.to_picture(viewport, viewport.min), camera.to_picture(viewport, viewport.max));
        let is_at_hand = |made: &&mut Made| scene.motion.is_none() && made.key == key && made.region.contains_rect(seen);
        let made = match self.made.as_mut().filter(is_at_hand) {
            Some(_) => &mut self.made,
            None => {
                let region = seen.expand2(seen.size() * AHEAD);
                let mesh = match manner {
                    Manner::Plain => triangles(ctx, demand, region),
                    Manner::Styled => styled(ctx, demand, region),
                };
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

/// The edges that lie in a region of the picture, each in its style, as triangles around the picture's origin.
fn styled(ctx: &Context, demand: &Demand<'_>, region: Rect) -> Mesh {
    let Demand { scene, camera: Camera { zoom, .. }, .. } = *demand;
    let to_screen = |point: Pos2| (point.to_vec2() * zoom).to_pos2();
    let seen = Rect::from_min_max(to_screen(region.min), to_screen(region.max));
    let sight = edge::Sight { to_screen: &to_screen, zoom, seen, palette: Palette::for_mode(demand.dark) };
    let mut drawn = Vec::new();
    for at in &scene.drawn {
        if let (Some(route), Some(look)) = (&scene.layout.routes[*at], (demand.look)(*at)) {
            let edge = &scene.model.edges[*at];
            edge::draw(route, scene.shift(*at), edge.tone, edge.extent, look, &sight, &mut drawn);
        }
    }
    let shapes = drawn.into_iter().map(|shape| ClippedShape { clip_rect: Rect::EVERYTHING, shape }).collect();
    let mut mesh = Mesh::default();
    for primitive in ctx.tessellate(shapes, ctx.pixels_per_point()) {
        if let Primitive::Mesh(part) = primitive.primitive {
            mesh.append(part);
        }
    }
    mesh
}

/// The edges that lie in a region of the picture, as triangles around the picture's origin.
fn triangles(ctx: &Context, demand: &Demand<'_>, region: Rect) -> Mesh {
    let Demand { scene, camera: Camera { zoom, .. }, .. } = *demand;
    let palette = Palette::for_mode(demand.dark);
    let feather = 1.0 / ctx.pixels_per_point();
    let (mut mesh, mut line) = (Mesh::default(), Vec::new());
    mesh.reserve_vertices(scene.drawn.len() * 40);
    mesh.reserve_triangles(scene.drawn.len() * 50);
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
            head.into_iter().for_each(|corner| mesh.colored_vertex(corner, colour));
            mesh.add_triangle(first, first + 1, first + 2);
        }
    }
    mesh
}

/// Adds a thin line: along its middle in its colour, and nothing of it left at its sides, so that it is smooth without being wide.
fn strip(points: &[Pos2], width: f32, feather: f32, colour: Color32, mesh: &mut Mesh) {
    let half = (width + feather) / 2.0;
    // What is thinner than a pixel is paler instead.
    let colour = colour.gamma_multiply((width / feather).min(1.0));
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
        mesh.colored_vertex(*point - aside, Color32::TRANSPARENT);
        mesh.colored_vertex(*point, colour);
        mesh.colored_vertex(*point + aside, Color32::TRANSPARENT);
        if let Some(last) = last {
            for side in 0..2 {
                mesh.add_triangle(last + side, last + side + 1, first + side);
                mesh.add_triangle(last + side + 1, first + side, first + side + 1);
            }
        }
        last = Some(first);
    }
}
