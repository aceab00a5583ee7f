//! What the map paints besides nodes and edges: boxes behind them, labels of edges, lane heads and the minimap above them.

use egui::emath::GuiRounding as _;
use egui::{Align2, Color32, Pos2, Rect, Shape, Stroke, Ui, Vec2, pos2, vec2};

use super::camera::{Camera, HEAD_HEIGHT};
use super::elide::Face;
use super::focus::Connected;
use super::layout::{BOX_HEAD, Layout};
use super::model::Lane;
use super::node::font;
use super::scene::Scene;
use super::shapes::{rounded, tone_colour};
use crate::theme::{self, Palette, size};

/// The zoom below which the titles of boxes no longer fit into their heads: then they stand above everything, as on a map of a country.
const TITLE_ZOOM: f32 = 0.5;
/// Where along an edge its label may stand, the best place first.
pub(super) const LABEL_PLACES: [f32; 11] = [0.5, 0.58, 0.42, 0.66, 0.34, 0.74, 0.26, 0.82, 0.18, 0.9, 0.1];
const MINIMAP_MARGIN: f32 = 12.0;
const MINIMAP_LARGEST: Vec2 = vec2(132.0, 100.0);

/// What is in the focus of the user, as far as painting goes.
pub struct Focus<'a> {
    /// What is connected to the selection, if something is selected.
    pub connected: Option<&'a Connected>,
    /// The selected group.
    pub group: Option<usize>,
    /// The group in the keyboard's focus.
    pub focused_group: Option<usize>,
    /// The edges whose labels are shown.
    pub labelled: Vec<usize>,
}

/// Where the title of a group is, on the screen: what is clicked to select it.
pub fn title_rect(viewport: Rect, camera: Camera, group: Rect) -> Rect {
    let rect = camera.rect_to_screen(viewport, group);
    rect.with_max_y(rect.top() + (BOX_HEAD - 4.0) * camera.zoom)
}

/// The boxes, for the slot behind the edges.
pub fn boxes(ui: &Ui, viewport: Rect, camera: Camera, scene: &Scene, focus: &Focus<'_>) -> Shape {
    let palette = Palette::of(ui);
    let zoom = camera.zoom;
    let mut drawn = Vec::new();
    for (at, group) in scene.layout.groups.iter().enumerate() {
        let (Some(group), Some(place)) = (group, scene.group_rect(at)) else { continue };
        let rect = camera.rect_to_screen(viewport, place);
        if !rect.expand(8.0).intersects(viewport) {
            continue;
        }
        let selected = focus.group == Some(at);
        let border = if selected { palette.accent } else { palette.line };
        drawn.push(rounded(rect, 10.0 * zoom, palette.panel, Stroke::new(1.0, border)));
        if selected {
            drawn.push(rounded(rect.expand(4.25), 10.0 * zoom + 4.25, Color32::TRANSPARENT, Stroke::new(2.5, palette.accent)));
        }
        if focus.focused_group == Some(at) {
            let title = title_rect(viewport, camera, place).shrink(3.0);
            drawn.push(rounded(title, 7.0 * zoom, Color32::TRANSPARENT, Stroke::new(1.5, palette.accent)));
        }
        if zoom < TITLE_ZOOM {
            continue;
        }
        let dimmed = focus.connected.is_some_and(|connected| !scene.members(at).any(|node| connected.nodes[node]));
        let dim = |colour: Color32| if dimmed { Palette::mix(palette.panel, colour, 0.6) } else { colour };
        // Names of namespaces stay readable longer than those of their nodes.
        let scale = zoom.max(0.8);
        let middle = rect.top() + BOX_HEAD / 2.0 * zoom;
        let title = ui.painter().layout_no_wrap(group.title.clone(), font(Face::Title, scale), dim(palette.text));
        let end = rect.left() + 12.0 * zoom + title.size().x;
        drawn.push(Shape::galley(pos2(rect.left() + 12.0 * zoom, middle - title.size().y / 2.0), title, palette.text));
        if !group.fact.is_empty() {
            let fact = ui.painter().layout_no_wrap(group.fact.clone(), font(Face::Fact, scale), dim(palette.muted));
            let left = rect.right() - 12.0 * zoom - fact.size().x;
            if left > end + 12.0 {
                drawn.push(Shape::galley(pos2(left, middle - fact.size().y / 2.0), fact, palette.muted));
            }
        }
    }
    Shape::Vec(drawn)
}

/// The titles of boxes that are too small to hold them, on plates of their own.
pub fn overview_titles(ui: &Ui, viewport: Rect, camera: Camera, scene: &Scene) {
    if camera.zoom >= TITLE_ZOOM {
        return;
    }
    let palette = Palette::of(ui);
    for group in scene.layout.groups.iter().flatten() {
        let rect = camera.rect_to_screen(viewport, group.rect);
        if !rect.intersects(viewport) || rect.height() < 14.0 {
            continue;
        }
        let title = ui.painter().layout_no_wrap(group.title.clone(), theme::semibold(size::CAPTION), palette.text);
        let plate = Rect::from_min_size(rect.min + vec2(4.0, -3.0), title.size() + vec2(8.0, 2.0));
        ui.painter().add(rounded(plate, 4.0, palette.panel, Stroke::new(1.0, palette.line)));
        ui.painter().galley(plate.min + vec2(4.0, 1.0), title, palette.text);
    }
}

/// The labels of the edges in focus, each where it covers neither a node nor another label.
pub fn labels(ui: &Ui, viewport: Rect, camera: Camera, scene: &Scene, focus: &Focus<'_>) {
    let palette = Palette::of(ui);
    let stage = Camera::stage(viewport);
    let nodes: Vec<Rect> =
        scene.layout.nodes.iter().map(|node| camera.rect_to_screen(viewport, node.rect)).filter(|rect| rect.intersects(stage)).collect();
    // Neither titles nor earlier labels are covered.
    let mut taken: Vec<Rect> = scene.layout.groups.iter().flatten().map(|group| title_rect(viewport, camera, group.rect)).collect();
    for edge in &focus.labelled {
        let (text, Some(route)) = (&scene.model.edges[*edge].label, &scene.layout.routes[*edge]) else { continue };
        if text.is_empty() {
            continue;
        }
        let tone = scene.model.edges[*edge].tone;
        let colour = tone_colour(palette, tone);
        let galley = ui.painter().layout_no_wrap(text.clone(), theme::regular(size::CAPTION), colour);
        let plate = galley.size() + vec2(10.0, 4.0);
        // On a short edge the label would hide more than it says; the tooltip has it.
        let ruler = Ruler::along(&route.points);
        if ruler.length() * camera.zoom < 2.2 * plate.x {
            continue;
        }
        let place = LABEL_PLACES.into_iter().find_map(|part| {
            let rect = Rect::from_center_size(camera.to_screen(viewport, ruler.at(part)), plate);
            let free = stage.contains_rect(rect) && !taken.iter().any(|other| other.expand(2.0).intersects(rect));
            (free && !nodes.iter().any(|node| node.intersects(rect))).then_some(rect)
        });
        if let Some(rect) = place {
            ui.painter().add(rounded(rect, 4.0, palette.canvas, Stroke::NONE));
            ui.painter().galley(rect.center() - galley.size() / 2.0, galley, colour);
            taken.push(rect);
        }
    }
}

/// A line with the lengths to all of its points, so that many places on it are found quickly.
struct Ruler<'a> {
    points: &'a [Pos2],
    lengths: Vec<f32>,
}

impl<'a> Ruler<'a> {
    fn along(points: &'a [Pos2]) -> Self {
        let mut length = 0.0;
        let pieces = points.windows(2).map(|pair| pair[0].distance(pair[1]));
        let lengths = std::iter::once(0.0).chain(pieces.map(|piece| {
            length += piece;
            length
        }));
        Self { points, lengths: lengths.collect() }
    }

    fn length(&self) -> f32 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// The point at a part of the length, from 0 to 1.
    fn at(&self, part: f32) -> Pos2 {
        let length = self.length() * part;
        let after = self.lengths.partition_point(|other| *other < length).clamp(1, self.points.len().max(2) - 1);
        let (Some(from), Some(to)) = (self.points.get(after - 1), self.points.get(after)) else { return Pos2::ZERO };
        let piece = self.lengths[after] - self.lengths[after - 1];
        if piece > 0.0 { from.lerp(*to, (length - self.lengths[after - 1]) / piece) } else { *to }
    }
}

/// The heads of the lanes, pinned to the top, above their columns.
pub fn lane_heads(ui: &Ui, viewport: Rect, camera: Camera, layout: &Layout) {
    let palette = Palette::of(ui);
    let strip = Rect::from_min_max(viewport.min, pos2(viewport.right(), viewport.top() + HEAD_HEIGHT));
    ui.painter().rect_filled(strip, 0.0, palette.canvas);
    let mut end = f32::NEG_INFINITY;
    for lane in Lane::ALL {
        let Some(band) = layout.lanes[lane as usize] else { continue };
        let at = camera.to_screen(viewport, pos2(band.left, 0.0)).x;
        // A head that would run into the one before it moves on, as long as it still stands above its column.
        let left = at.max(end + 12.0);
        let right = camera.to_screen(viewport, pos2(band.right, 0.0)).x;
        if left > right.max(at + 8.0) {
            continue;
        }
        let middle = pos2(left, strip.center().y);
        let text = lane.title().to_uppercase();
        end = ui.painter().text(middle, Align2::LEFT_CENTER, text, theme::semibold(size::CAPTION), palette.muted).right();
    }
}

/// Where the minimap is, if the picture is larger than what is seen: at the bottom, right or left.
pub fn minimap_rect(viewport: Rect, camera: Camera, bounds: Rect, is_left: bool) -> Option<Rect> {
    let stage = Camera::stage(viewport);
    let seen = bounds.size() * camera.zoom;
    let large = seen.x > stage.width() + 1.0 || seen.y > stage.height() + 1.0;
    if !large || stage.width() < 3.0 * MINIMAP_LARGEST.x || stage.height() < 2.0 * MINIMAP_LARGEST.y {
        return None;
    }
    let scale = (MINIMAP_LARGEST.x / bounds.width()).min(MINIMAP_LARGEST.y / bounds.height());
    let size = (bounds.size() * scale).max(vec2(56.0, 40.0)) + Vec2::splat(12.0);
    let right = Rect::from_min_size(stage.max - Vec2::splat(MINIMAP_MARGIN) - size, size);
    let place = if is_left { right.translate(vec2(stage.left() + MINIMAP_MARGIN - right.left(), 0.0)) } else { right };
    Some(place.round_ui())
}

/// Whether the minimap is better at the left: it stays where it is unless it covers nodes there and would not at the other side.
pub fn minimap_is_left(viewport: Rect, camera: Camera, scene: &Scene, is_left: bool) -> bool {
    let covers = |is_left| {
        let place = minimap_rect(viewport, camera, scene.layout.bounds, is_left);
        let seen = place.map(|place| Rect::from_min_max(camera.to_picture(viewport, place.min), camera.to_picture(viewport, place.max)));
        seen.is_some_and(|seen| scene.layout.nodes.iter().any(|node| node.rect.intersects(seen)))
    };
    is_left != (covers(is_left) && !covers(!is_left))
}

/// The point of the picture at a point of the minimap.
pub fn minimap_to_picture(minimap: Rect, bounds: Rect, point: Pos2) -> Pos2 {
    let (inner, scale) = minimap_scale(minimap, bounds);
    bounds.center() + (point - inner.center()) / scale
}

fn minimap_scale(minimap: Rect, bounds: Rect) -> (Rect, f32) {
    let inner = minimap.shrink(6.0);
    (inner, (inner.width() / bounds.width()).min(inner.height() / bounds.height()))
}

/// The minimap: boxes, nodes and what is seen of them.
pub fn minimap(ui: &Ui, viewport: Rect, camera: Camera, scene: &Scene, minimap: Rect) {
    let palette = Palette::of(ui);
    let bounds = scene.layout.bounds;
    let (inner, scale) = minimap_scale(minimap, bounds);
    let place = |rect: Rect| {
        let at = |point: Pos2| inner.center() + (point - bounds.center()) * scale;
        Rect::from_min_max(at(rect.min), at(rect.max))
    };
    let painter = ui.painter().with_clip_rect(minimap.expand(1.0).intersect(ui.clip_rect()));
    painter.add(rounded(minimap, 6.0, palette.panel, Stroke::new(1.0, palette.line)));
    for group in scene.layout.groups.iter().flatten() {
        painter.rect_filled(place(group.rect), 1.0, palette.raised);
    }
    for (node, placed) in scene.model.nodes.iter().zip(&scene.layout.nodes) {
        let colour = tone_colour(palette, node.tone);
        let rect = place(placed.rect);
        painter.rect_filled(Rect::from_center_size(rect.center(), rect.size().max(vec2(3.0, 1.5))), 0.5, colour);
    }
    let stage = Camera::stage(viewport);
    let seen = place(Rect::from_min_max(camera.to_picture(viewport, stage.min), camera.to_picture(viewport, stage.max)));
    painter.add(rounded(seen.intersect(minimap.shrink(2.0)), 2.0, Color32::TRANSPARENT, Stroke::new(1.5, palette.accent)));
}
