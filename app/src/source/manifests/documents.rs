//! Splits a text into its YAML documents, so that each can be parsed, and fail, by itself.

/// One document of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its text, from its directives or its `---` on.
    pub text: &'a str,
    /// The line on which `text` starts, from 1.
    pub line: usize,
    /// The line of its first content, from 1: what a person would call its start.
    pub content_line: usize,
}

/// The documents of a text that hold more than blanks and comments.
///
/// `---` and `...` count at the start of a line only, and there they end a document whatever it was in the middle of, a block scalar
/// included (YAML 1.2, 9.1.2).
pub fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut open = Open::at(0, 1);
    let mut position = 0;
    for (index, line) in Lines(text).enumerate() {
        let number = index + 1;
        let (start, end) = (position, position + line.len());
        position = end;
        let bare = line.trim_start_matches('\u{feff}');
        if is_marker(bare, "...") {
            open.close(text, start, &mut documents);
            open = Open::at(end, number + 1);
        } else if is_marker(bare, "---") {
            if open.has_marker || open.content_line.is_some() {
                open.close(text, start, &mut documents);
                open = Open::at(start, number);
            }
            open.has_marker = true;
            open.see(&bare[3..], number);
        } else if !open.has_marker && open.content_line.is_none() && bare.starts_with('%') {
            // A directive belongs to the document that follows.
        } else {
            open.see(bare, number);
        }
    }
    open.close(text, text.len(), &mut documents);
    documents
}

/// A document whose end is not yet found.
struct Open {
    start: usize,
    line: usize,
    has_marker: bool,
    content_line: Option<usize>,
}

impl Open {
    fn at(start: usize, line: usize) -> Self {
        Self { start, line, has_marker: false, content_line: None }
    }

    /// Takes a line's text into account.
    fn see(&mut self, line: &str, number: usize) {
        let content = line.trim();
        if self.content_line.is_none() && !content.is_empty() && !content.starts_with('#') {
            self.content_line = Some(number);
        }
    }

    fn close<'a>(&self, text: &'a str, end: usize, documents: &mut Vec<Document<'a>>) {
        if let Some(content_line) = self.content_line {
            documents.push(Document { text: &text[self.start..end], line: self.line, content_line });
        }
    }
}

/// Whether the line is `marker`, alone or before a blank.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Lines with their ends, which are `\n`, `\r\n` or `\r`, as YAML has it.
pub struct Lines<'a>(pub &'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let end = match self.0.find(['\n', '\r']) {
            Some(at) if self.0[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
            None => self.0.len(),
        };
        let (line, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(line)
    }
}
