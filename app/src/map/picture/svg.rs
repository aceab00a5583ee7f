//! A picture as SVG.

use std::collections::HashMap;

use egui::{Color32, Rect, pos2, vec2};

use super::super::edge::FAINT_OPACITY;
use super::super::elide::Face;
use super::super::layout::{self, BOX_HEAD};
use super::super::measure::TextWidths;
use super::super::model::{Edge, Group, Id, Lane, Tone};
use super::super::overlay;
use super::super::route::{Route, TIP_LENGTH};
use super::super::scene::rank;
use super::super::shapes::{self, Form, LineStyle, tone_colour};
use super::super::view::CROWDED;
use super::legend;
use super::paper::{Anchor, FACT, HEAD, NAME, Paper, Type, number};
use super::{Picture, xml};
use crate::theme::{DIMMED_OPACITY, Palette};

/// Around everything.
const MARGIN: f32 = 24.0;
/// From the heads of lanes to the picture below.
const HEADS: f32 = 28.0;
/// The least that a picture is wide, so that its caption has room.
const MIN_WIDTH: f32 = 480.0;
/// Around the text of a label, on each side.
const LABEL_ROOM: f32 = 5.0;
const LABEL_HEIGHT: f32 = 17.0;

/// The SVG of a picture.
pub(super) fn write(picture: &Picture) -> String {
    let mut widths = TextWidths::without_window();
    let palette = Palette::for_mode(picture.dark);
    let bounds = picture.layout.bounds;
    let (heads, end) = head_places(picture, &mut widths);
    let left = bounds.left() - MARGIN;
    let right = bounds.right().max(end).max(bounds.left() + MIN_WIDTH) + MARGIN;
    let top = bounds.top() - HEADS - MARGIN;
    let below = pos2(bounds.left(), bounds.bottom() + MARGIN);
    let mut foot = Paper { palette, text: String::new() };
    let bottom = legend::write(&mut foot, picture, below, right - MARGIN, &mut widths) + MARGIN;

    let mut paper = Paper { palette, text: String::new() };
    let (width, height) = (number(right - left), number(bottom - top));
    paper.add(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"{} {} {width} {height}\" \
         role=\"img\" aria-labelledby=\"title desc\" font-family=\"Inter, system-ui, sans-serif\">\n",
        number(left),
        number(top),
    ));
    let (n_nodes, n_edges) = (picture.model.nodes.len(), picture.model.edges.len());
    let (title, desc) = (xml::escape(&title(picture)), xml::escape(&picture.caption.join(", ")));
    paper.add(&format!("<title id=\"title\">{title}</title>\n<desc id=\"desc\">{desc}; {n_nodes} nodes, {n_edges} edges</desc>\n"));
    let canvas = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
    paper.form(&Form::Rounded(canvas, 0.0, 0.0), Some(palette.canvas), palette.canvas, 0.0, "");
    for (lane, x) in heads {
        paper.write(Anchor::Start(pos2(x, bounds.top() - HEADS + 6.0)), &lane.title().to_uppercase(), HEAD, palette.muted, None);
    }
    for (at, group) in picture.model.groups.iter().enumerate() {
        draw_group(&mut paper, picture, at, group, &mut widths);
    }
    let mut order: Vec<usize> = (0..n_edges).collect();
    order.sort_by_key(|edge| rank(picture.model.edges[*edge].tone));
    let names = picture.model.nodes.iter().map(|node| (node.id.as_str(), node.name.as_str())).collect();
    for edge in order {
        draw_edge(&mut paper, picture, edge, &names);
    }
    for at in 0..n_nodes {
        draw_node(&mut paper, picture, at, &mut widths);
    }
    labels(&mut paper, picture, &mut widths);
    paper.add(&foot.text);
    paper.add("</svg>\n");
    paper.text
}

fn title(picture: &Picture) -> String {
    let source = picture.caption.first().map(String::as_str).unwrap_or_default();
    if source.is_empty() { "Map of traffic".to_owned() } else { format!("Map of traffic, {source}") }
}

/// Where each lane's head begins, and how far right they reach. One that would run into the one before it moves on.
fn head_places(picture: &Picture, widths: &mut TextWidths) -> (Vec<(Lane, f32)>, f32) {
    let (mut places, mut end) = (Vec::new(), f32::NEG_INFINITY);
    for (lane, band) in Lane::ALL.into_iter().zip(&picture.layout.lanes) {
        let Some(band) = band else { continue };
        let left = band.left.max(end + 12.0);
        // The face of names is a little larger.
        end = left + widths.width(&lane.title().to_uppercase(), Face::Title);
        places.push((lane, left));
    }
    (places, end)
}

fn draw_group(paper: &mut Paper, picture: &Picture, at: usize, group: &Group, widths: &mut TextWidths) {
    let Some(placed) = picture.layout.groups.get(at).and_then(Option::as_ref) else { return };
    let palette = paper.palette;
    let selected = picture.is_selected(&group.id);
    let mut members = picture.model.nodes.iter().enumerate().filter(|(_, node)| node.group.as_ref() == Some(&group.id));
    let dimmed = !selected && members.all(|(node, _)| picture.is_dimmed(node));
    let dim = |colour: Color32| if dimmed { Palette::mix(palette.panel, colour, 0.6) } else { colour };
    let facts = [group.name.as_str(), &group.fact].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    paper.open("group", 'g', &group.id, "", &facts.join(", "));
    let border = if selected { palette.accent } else { palette.line };
    paper.form(&Form::Rounded(placed.rect, 10.0, 10.0), Some(palette.panel), border, 1.0, "");
    if selected {
        paper.form(&Form::Rounded(placed.rect.expand(4.25), 14.25, 14.25), None, palette.accent, 2.5, "");
    }
    let middle = placed.rect.top() + BOX_HEAD / 2.0;
    let width = (placed.title != group.title).then(|| widths.width(&placed.title, Face::Title));
    paper.write(Anchor::Start(pos2(placed.rect.left() + 12.0, middle)), &placed.title, NAME, dim(palette.text), width);
    let width = (placed.fact != group.fact).then(|| widths.width(&placed.fact, Face::Fact));
    paper.write(Anchor::End(pos2(placed.rect.right() - 12.0, middle)), &placed.fact, FACT, dim(palette.muted), width);
    paper.close();
}

/// What an edge says where there is room for a sentence: `cart to db, 5432/TCP, allowed, for all`.
fn edge_title(edge: &Edge, names: &HashMap<&str, &str>) -> String {
    let name = |id: &Id| names.get(id.as_str()).copied().unwrap_or(id).to_owned();
    let mut pieces = vec![format!("{} to {}", name(&edge.from), name(&edge.to))];
    pieces.extend([&edge.label].into_iter().filter(|label| !label.is_empty()).cloned());
    pieces.extend([edge.tone.word()].into_iter().filter(|word| !word.is_empty()).map(str::to_owned));
    pieces.push(format!("for {}", edge.extent.word()));
    pieces.join(", ")
}

fn draw_edge(paper: &mut Paper, picture: &Picture, at: usize, names: &HashMap<&str, &str>) {
    let (Some(edge), Some(Some(route))) = (picture.model.edges.get(at), picture.layout.routes.get(at)) else { return };
    let dimmed = picture.is_edge_dimmed(at);
    let quiet = matches!(edge.tone, Tone::Plain | Tone::Allowed | Tone::Depends) && picture.connected.is_none();
    let faint = picture.model.edges.len() > CROWDED && (dimmed || quiet);
    let opacity = if dimmed { DIMMED_OPACITY } else { 1.0 } * if faint { FAINT_OPACITY } else { 1.0 };
    // Of its parts and not of the group: a group would be drawn by itself first, as large as the picture.
    let attributes = if opacity < 1.0 { format!(" stroke-opacity=\"{opacity:.2}\" fill-opacity=\"{opacity:.2}\"") } else { String::new() };
    paper.open("edge", 'e', &edge.id, &attributes, &edge_title(edge, names));
    let mut style = LineStyle::of_extent(edge.tone, edge.extent);
    if picture.is_selected(&edge.id) {
        style.width += 0.75;
    }
    stroke(paper, route, style, edge.tone);
    paper.close();
}

/// An edge's line with its arrow head, and the cross where it breaks.
fn stroke(paper: &mut Paper, route: &Route, style: LineStyle, tone: Tone) {
    let colour = tone_colour(paper.palette, tone);
    paper.line(&route.points, style, colour);
    let half = TIP_LENGTH * if style.width >= 2.5 { 0.6 } else { 0.5 };
    paper.head(route.tip, route.towards * TIP_LENGTH, half, colour);
    if tone == Tone::Denied {
        paper.cross(route.at(0.5), 5.0, colour);
    }
}

fn draw_node(paper: &mut Paper, picture: &Picture, at: usize, widths: &mut TextWidths) {
    let (Some(node), Some(placed)) = (picture.model.nodes.get(at), picture.layout.nodes.get(at)) else { return };
    let palette = paper.palette;
    let selected = picture.is_selected(&node.id);
    let dimmed = !selected && !node.pinned && (node.aside || picture.is_dimmed(at));
    // Dimmed nodes stay opaque, or the edges behind them would shine through.
    let ground = if node.group.is_some() { palette.panel } else { palette.canvas };
    let dim = |colour: Color32| if dimmed { Palette::mix(ground, colour, DIMMED_OPACITY) } else { colour };
    let said = [node.name.as_str(), &node.fact, node.tone.word(), if node.aside { "put aside" } else { "" }];
    let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    paper.open("node", 'n', &node.id, "", &said.join(", "));
    let border = match node.tone {
        _ if selected => palette.accent,
        // Plain nodes have the border of a panel.
        Tone::Plain => palette.outline,
        tone => tone_colour(palette, tone),
    };
    let contour = shapes::contour(node.outline(), placed.rect, 1.0);
    if let Some(back) = &contour.back {
        paper.form(back, Some(dim(palette.raised)), dim(border), 1.5, "");
    }
    paper.form(&contour.body, Some(dim(palette.raised)), dim(border), 1.5, if contour.dashed { "5,3" } else { "" });
    if let Some(bar) = contour.bar {
        paper.line(&bar, LineStyle { width: 1.5, dash: None }, dim(border));
    }
    if selected {
        // A gap of 3, and the line around it.
        let ring = shapes::ring_form(node.outline(), placed.rect, 1.0, 3.0 + 1.25);
        paper.form(&ring, None, palette.accent, 2.5, "");
    }
    if node.pinned {
        legend::pin(paper, pos2(placed.rect.right() - 16.0, placed.rect.top()));
    }
    let left = placed.rect.left() + layout::inset(node.outline());
    let apart = if placed.fact.is_empty() { 0.0 } else { 7.5 };
    let mut line = |shown: &str, whole: &str, dy: f32, face: Face, set: Type, colour: Color32| {
        let width = (shown != whole).then(|| widths.width(shown, face));
        paper.write(Anchor::Start(pos2(left, placed.rect.center().y + dy)), shown, set, dim(colour), width);
    };
    line(&placed.title, &node.title, -apart, Face::Title, NAME, palette.text);
    line(&placed.fact, &node.fact, apart, Face::Fact, FACT, palette.muted);
    paper.close();
}

/// The labels of the selection's edges, each where it covers neither a node nor the title of a group nor another label.
fn labels(paper: &mut Paper, picture: &Picture, widths: &mut TextWidths) {
    let Some(selected) = picture.selected.as_deref() else { return };
    let nodes: Vec<Rect> = picture.layout.nodes.iter().map(|node| node.rect).collect();
    let groups = picture.layout.groups.iter().flatten();
    let mut taken: Vec<Rect> = groups.map(|group| group.rect.with_max_y(group.rect.top() + BOX_HEAD)).collect();
    for (edge, route) in picture.model.edges.iter().zip(&picture.layout.routes) {
        let Some(route) = route else { continue };
        if edge.label.is_empty() || ![&edge.from, &edge.to, &edge.id].into_iter().any(|id| id == selected) {
            continue;
        }
        let size = vec2(widths.width(&edge.label, Face::Fact) + 2.0 * LABEL_ROOM, LABEL_HEIGHT);
        // On a short edge the label would hide more than it says; the tooltip has it.
        if route.length() < 1.5 * size.x {
            continue;
        }
        let place = overlay::LABEL_PLACES.into_iter().find_map(|part| {
            let rect = Rect::from_center_size(route.at(part), size);
            let is_taken = taken.iter().any(|other| other.expand(2.0).intersects(rect)) || nodes.iter().any(|node| node.intersects(rect));
            (!is_taken && picture.layout.bounds.contains_rect(rect)).then_some(rect)
        });
        if let Some(rect) = place {
            paper.form(&Form::Rounded(rect, 4.0, 4.0), Some(paper.palette.canvas), paper.palette.canvas, 0.0, "");
            let colour = tone_colour(paper.palette, edge.tone);
            paper.write(Anchor::Middle(rect.center()), &edge.label, FACT, colour, None);
            taken.push(rect);
        }
    }
}
