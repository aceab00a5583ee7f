//! Colours for YAML text, line by line: keys, values, comments. It reads no structure, so it never fails. Few colours on purpose: green,
//! amber and red say something about traffic in this window, and nothing here.

use std::hash::{DefaultHasher, Hash, Hasher};

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId};

use crate::theme::{self, Palette};

/// Height of a line of YAML.
pub const LINE: f32 = 17.0;

/// Highlights a text, and keeps the result as long as text and palette stay.
#[derive(Debug, Clone, Default)]
pub struct Highlighter {
    hash: u64,
    job: LayoutJob,
}

impl Highlighter {
    /// The text with colours, not wrapped.
    pub fn highlight(&mut self, text: &str, palette: &Palette) -> LayoutJob {
        let mut hasher = DefaultHasher::new();
        (text, palette.text, palette.canvas).hash(&mut hasher);
        let hash = hasher.finish();
        if hash != self.hash || self.job.text.len() != text.len() {
            self.job = colour(text, palette);
            self.hash = hash;
        }
        self.job.clone()
    }
}

fn colour(text: &str, palette: &Palette) -> LayoutJob {
    let mut job = LayoutJob { text: String::with_capacity(text.len()), ..LayoutJob::default() };
    job.wrap.max_width = f32::INFINITY;
    job.keep_trailing_whitespace = true;
    let font = theme::monospace(theme::size::TABLE);
    for line in text.split_inclusive('\n') {
        colour_line(&mut job, line, &font, palette);
    }
    job
}

fn push(job: &mut LayoutJob, text: &str, font: &FontId, color: Color32) {
    if !text.is_empty() {
        job.append(text, 0.0, TextFormat { line_height: Some(LINE), ..TextFormat::simple(font.clone(), color) });
    }
}

fn colour_line(job: &mut LayoutJob, line: &str, font: &FontId, palette: &Palette) {
    let (code, comment) = line.split_at(comment_start(line));
    // Indentation and dashes of lists, then perhaps a key, then a value.
    let body_at = code.find(|c: char| c != ' ' && c != '-').unwrap_or(code.len());
    let (lead, body) = code.split_at(body_at);
    push(job, lead, font, palette.muted);
    match key_end(body) {
        Some(end) => {
            let (key, rest) = body.split_at(end);
            push(job, key, font, palette.accent);
            let (colon, value) = rest.split_at(1);
            push(job, colon, font, palette.muted);
            push(job, value, font, palette.text);
        }
        None => push(job, body, font, palette.text),
    }
    push(job, comment, font, palette.muted);
}

/// Where a comment starts: a `#` at the start or after a space, outside of quotes.
fn comment_start(line: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if (c == '"' || c == '\'') && !before.is_alphanumeric() => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return at,
            None => {}
        }
        before = c;
    }
    line.len()
}

/// Where the colon behind a key stands, if the text starts with a key.
fn key_end(body: &str) -> Option<usize> {
    let quoted = body.starts_with(['"', '\'']);
    let from = if quoted { body.get(1..)?.find(['"', '\'']).map(|at| at + 2)? } else { 0 };
    let rest = body.get(from..)?;
    let colon = rest.char_indices().find(|&(at, c)| c == ':' && rest[at + 1..].chars().next().is_none_or(char::is_whitespace))?.0;
    let key = rest.get(..colon)?;
    (!key.contains(['{', '[', '"'])).then_some(from + colon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::DARK;

    fn parts(text: &str) -> Vec<(String, Color32)> {
        let job = colour(text, &DARK);
        assert_eq!(job.text, text, "no character may be lost");
        job.sections.iter().map(|s| (job.text[s.byte_range.start.0..s.byte_range.end.0].to_owned(), s.format.color)).collect()
    }

    #[test]
    fn keys_values_and_comments_have_their_colours() {
        let got = parts("spec:\n  - port: 443 # TLS\n  name: \"a # b\"\n");
        // Neighbours of one colour are one section.
        let has = |text: &str, color: Color32| got.iter().any(|(part, of)| part.contains(text) && *of == color);
        assert!(has("port", DARK.accent) && has("443", DARK.text) && has("# TLS", DARK.muted));
        assert!(has("\"a # b\"", DARK.text), "a hash in quotes starts no comment");
    }

    #[test]
    fn odd_text_stays_whole() {
        for text in ["", "\n\n", ":", "- - -", "'unclosed: x", "a: é#ü # ö", "\"é\": 1", "image: nginx:1.27", "{a: b}", "\u{1F600}:\n"]
        {
            parts(text);
        }
    }
}
