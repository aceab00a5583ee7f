//! What stands below a picture: what its lines mean, and what it is a picture of.

use egui::{Pos2, pos2, vec2};

use super::super::elide::Face;
use super::super::measure::TextWidths;
use super::super::model::{Extent, Tone};
use super::super::shapes::{Form, LineStyle, tone_colour};
use super::Picture;
use super::paper::{Anchor, FACT, Paper};
use crate::theme::Palette;

/// Length of a line in the legend.
const SAMPLE: f32 = 32.0;
/// From a line to its word, and from that to the next line.
const GAP: f32 = 8.0;
const APART: f32 = 24.0;
/// From one row to the next.
const ROW: f32 = 18.0;

/// The tones that lines have, in the order in which the legend has them.
const TONES: [Tone; 6] = [Tone::Allowed, Tone::Depends, Tone::Denied, Tone::Open, Tone::Gained, Tone::Lost];

/// What the legend explains.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    Tone(Tone),
    Some,
    Pin,
}

impl Item {
    const fn word(self) -> &'static str {
        match self {
            Self::Tone(tone) => tone.word(),
            Self::Some => "for some of what is at its ends",
            Self::Pin => "pinned",
        }
    }
}

/// Writes what stands below a picture, from `start` to `right` at most, and says where it ends.
pub(super) fn write(paper: &mut Paper, picture: &Picture, start: Pos2, right: f32, widths: &mut TextWidths) -> f32 {
    let palette = paper.palette;
    let mut at = pos2(start.x, start.y + ROW / 2.0);
    let items = items(picture);
    paper.add("<g class=\"legend\">\n");
    for item in &items {
        let width = SAMPLE + GAP + widths.width(item.word(), Face::Fact);
        if at.x > start.x && at.x + width > right {
            at = pos2(start.x, at.y + ROW);
        }
        sample(paper, *item, at);
        paper.write(Anchor::Start(at + vec2(SAMPLE + GAP, 0.0)), item.word(), FACT, palette.muted, None);
        at.x += width + APART;
    }
    paper.add("</g>\n<g class=\"caption\">\n");
    let mut y = at.y + if items.is_empty() { 0.0 } else { ROW + 2.0 };
    for line in lines(&picture.caption, right - start.x, widths) {
        paper.write(Anchor::Start(pos2(start.x, y)), &line, FACT, palette.muted, None);
        y += ROW;
    }
    paper.add("</g>\n");
    y - ROW / 2.0
}

/// What occurs in a picture and is not plain.
fn items(picture: &Picture) -> Vec<Item> {
    let (nodes, edges) = (&picture.model.nodes, &picture.model.edges);
    let occurs = |tone: &Tone| edges.iter().any(|edge| edge.tone == *tone) || nodes.iter().any(|node| node.tone == *tone);
    let some = edges.iter().any(|edge| edge.extent == Extent::Some).then_some(Item::Some);
    let pin = nodes.iter().any(|node| node.pinned).then_some(Item::Pin);
    TONES.into_iter().filter(occurs).map(Item::Tone).chain(some).chain(pin).collect()
}

fn sample(paper: &mut Paper, item: Item, at: Pos2) {
    let Palette { muted, .. } = *paper.palette;
    let ends = [at, at + vec2(SAMPLE, 0.0)];
    match item {
        Item::Tone(tone) => {
            let colour = tone_colour(paper.palette, tone);
            paper.line(&ends, LineStyle::of(tone), colour);
            if tone == Tone::Denied {
                paper.cross(at + vec2(SAMPLE / 2.0, 0.0), 4.0, colour);
            }
        }
        Item::Some => paper.line(&ends, LineStyle::of_extent(Tone::Allowed, Extent::Some), muted),
        Item::Pin => pin(paper, at + vec2(SAMPLE / 2.0, -3.0)),
    }
}

/// The mark of what is pinned: a pin whose head is at `at`.
pub(super) fn pin(paper: &mut Paper, at: Pos2) {
    let accent = paper.palette.accent;
    paper.line(&[at, at + vec2(0.0, 9.0)], LineStyle { width: 1.5, dash: None }, accent);
    let head = egui::Rect::from_center_size(at, vec2(8.0, 8.0));
    paper.form(&Form::Rounded(head, 4.0, 4.0), Some(accent), accent, 0.0, "");
}

/// The pieces of a caption in lines that are no longer than `room`.
fn lines(pieces: &[String], room: f32, widths: &mut TextWidths) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut separator = "  ·  ";
        for word in piece.split_whitespace() {
            match lines.last_mut() {
                Some(line) if widths.width(&format!("{line}{separator}{word}"), Face::Fact) <= room => {
                    line.push_str(separator);
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
            separator = " ";
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_broken_between_words() {
        let mut widths = TextWidths::without_window();
        let pieces = ["demo".to_owned(), String::new(), "24 pods, 10 workloads".to_owned()];
        assert_eq!(lines(&pieces, 1000.0, &mut widths), ["demo  ·  24 pods, 10 workloads"]);
        let narrow = lines(&pieces, 80.0, &mut widths);
        assert!(narrow.len() > 1 && narrow.iter().all(|line| widths.width(line, Face::Fact) <= 80.0), "{narrow:?}");
        assert_eq!(narrow.join(" ").replace("  ·  ", " "), "demo 24 pods, 10 workloads");
    }
}
