//! A picture as Graphviz reads it: what is connected to what, and how it looks; places are left to Graphviz.

use std::collections::HashMap;

use egui::Color32;

use super::super::model::{Lane, Node, Outline, Tone};
use super::super::shapes::{LineStyle, tone_colour};
use super::Picture;
use super::paper::{hex, number};
use crate::theme::{DIMMED_OPACITY, Palette};

/// The DOT of a picture.
pub(super) fn write(picture: &Picture) -> String {
    let palette = Palette::for_mode(picture.dark);
    let model = &picture.model;
    let mut text = String::from("digraph portolan {\n");
    let (canvas, words, muted) = (hex(palette.canvas), hex(palette.text), hex(palette.muted));
    text.push_str(&format!(
        "  graph [rankdir=LR, bgcolor=\"{canvas}\", fontname=\"Inter\", fontcolor=\"{muted}\", labelloc=b, labeljust=l,"
    ));
    text.push_str(&format!(" label={}];\n", quoted(&picture.caption.join(" · "))));
    text.push_str(&format!("  node [fontname=\"Inter\", fontsize=12, fontcolor=\"{words}\", fillcolor=\"{}\"];\n", hex(palette.raised)));
    text.push_str("  edge [fontname=\"Inter\", fontsize=11];\n");
    for (at, group) in model.groups.iter().enumerate() {
        let label = if group.fact.is_empty() { group.title.clone() } else { format!("{}, {}", group.title, group.fact) };
        text.push_str(&format!("  subgraph {} {{\n", quoted(&format!("cluster_{at}"))));
        text.push_str(&format!(
            "    graph [label={}, labelloc=t, style=\"filled,rounded\", fillcolor=\"{}\", color=\"{}\", fontcolor=\"{words}\"];\n",
            quoted(&label),
            hex(palette.panel),
            hex(if picture.is_selected(&group.id) { palette.accent } else { palette.line })
        ));
        for (at, node) in members(picture, Some(&group.id)) {
            text.push_str(&format!("    {}\n", of_node(picture, palette, at, node)));
        }
        text.push_str("  }\n");
    }
    for (at, node) in members(picture, None) {
        text.push_str(&format!("  {}\n", of_node(picture, palette, at, node)));
    }
    let lanes: HashMap<&str, Lane> = model.nodes.iter().map(|node| (node.id.as_str(), node.lane)).collect();
    for (at, edge) in model.edges.iter().enumerate() {
        let style = LineStyle::of_extent(edge.tone, edge.extent);
        let colour = dimmed(palette.canvas, tone_colour(palette, edge.tone), picture.is_edge_dimmed(at));
        let line = match edge.tone {
            Tone::Depends => "dotted",
            _ if style.dash.is_some() => "dashed",
            _ => "solid",
        };
        let word = if edge.tone == Tone::Plain { String::new() } else { format!("{}, ", edge.tone.word()) };
        let tip = format!("{word}for {}", edge.extent.word());
        // What leads back, or to a neighbour in its lane, says nothing about who stands left of whom.
        let is_back = lanes.get(edge.from.as_str()) >= lanes.get(edge.to.as_str());
        let back = if is_back { ", constraint=false" } else { "" };
        text.push_str(&format!(
            "  {} -> {} [id={}, label={}, tooltip={}, color=\"{colour}\", fontcolor=\"{colour}\", style={line}, penwidth={}{}{back}];\n",
            quoted(&edge.from),
            quoted(&edge.to),
            quoted(&edge.id),
            quoted(&edge.label),
            quoted(&tip),
            number(style.width),
            if edge.tone == Tone::Denied { ", arrowhead=tee" } else { "" },
            colour = hex(colour),
        ));
    }
    text.push_str("}\n");
    text
}

/// The nodes of a group; of none, those that stand in no box.
fn members<'a>(picture: &'a Picture, group: Option<&'a str>) -> impl Iterator<Item = (usize, &'a Node)> {
    let is_group = move |id: &str| picture.model.groups.iter().any(|group| group.id == id);
    let own = move |node: &Node| node.group.as_deref().filter(|id| is_group(id)) == group;
    picture.model.nodes.iter().enumerate().filter(move |(_, node)| own(node))
}

fn of_node(picture: &Picture, palette: &Palette, at: usize, node: &Node) -> String {
    let selected = picture.is_selected(&node.id);
    let faint = !selected && (node.aside || picture.is_dimmed(at));
    let ground = if node.group.is_some() { palette.panel } else { palette.canvas };
    let border = match node.tone {
        _ if selected => palette.accent,
        Tone::Plain => palette.outline,
        tone => tone_colour(palette, tone),
    };
    let (shape, style) = shape(node.outline());
    let label = if node.fact.is_empty() { node.title.clone() } else { format!("{}\n{}", node.title, node.fact) };
    let words = if faint { format!(", fontcolor=\"{}\"", hex(dimmed(ground, palette.text, true))) } else { String::new() };
    format!(
        "{} [label={}, tooltip={}, shape={shape}, style=\"{style}\", color=\"{}\", penwidth={}{words}];",
        quoted(&node.id),
        quoted(&label),
        quoted(&node.name),
        hex(dimmed(ground, border, faint)),
        if selected { "3" } else { "1.5" },
    )
}

fn dimmed(ground: Color32, colour: Color32, is_dimmed: bool) -> Color32 {
    if is_dimmed { Palette::mix(ground, colour, DIMMED_OPACITY) } else { colour }
}

/// What Graphviz calls an outline: its shape and its style.
const fn shape(outline: Outline) -> (&'static str, &'static str) {
    match outline {
        Outline::Pill => ("box", "filled,rounded"),
        Outline::Slip => ("note", "filled"),
        Outline::Arrow => ("cds", "filled"),
        Outline::Chevron => ("rarrow", "filled"),
        Outline::Octagon => ("octagon", "filled"),
        Outline::Hexagon => ("hexagon", "filled"),
        Outline::Ghost => ("hexagon", "filled,dashed"),
        Outline::Box => ("box", "filled,rounded"),
        Outline::Card => ("component", "filled"),
        Outline::Stack => ("box3d", "filled"),
    }
}

/// A text as Graphviz reads it: in quotes, in which only quotes, backslashes and ends of lines mean something.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            char if char.is_control() => quoted.push(' '),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_backslashes_and_ends_of_lines_are_kept_from_graphviz() {
        assert_eq!(quoted("a \"b\" \\N\nc\u{7}"), "\"a \\\"b\\\" \\\\N\\nc \"");
    }
}
