//! Objects as text: reading one object from the editor, writing one, and finding a field's line.

use std::ops::RangeInclusive;

use serde_json::Value;

/// Why a text is not an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// From 1; 0 where no line can be named.
    pub line: usize,
    /// From 1; 0 where no column can be named.
    pub column: usize,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

/// Reads one YAML document (JSON is YAML too), keeping the order of fields.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(text: &str) -> Result<Value, TextError> {
    let error = |error: serde_yaml::Error| {
        let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        let message = error.to_string();
        // The place stands in fields of its own.
        let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned();
        TextError { line, column, message }
    };
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).map_err(error)?;
    value.apply_merge().map_err(error)?;
    serde_json::to_value(&value).map_err(|error| TextError { line: 0, column: 0, message: error.to_string() })
}

/// Writes an object as YAML. Strings that YAML 1.1 readers (kubectl among them) would take for something else are quoted.
pub fn to_text(object: &Value) -> String {
    super::yaml_writer::write(object)
}

/// The line (from 1) of the field that a JSON pointer names, in a text in block style. Where a part is written in one line
/// (`{a: 1}`), the line of that part; where the pointer leads nowhere, the line of the last part that is there.
pub fn line_of(text: &str, pointer: &str) -> usize {
    *lines_of(text, pointer).start()
}

/// The lines (from 1) of the field that a JSON pointer names, with everything in it: a rule from its dash to its last port. Found as
/// [`line_of`] finds the first of them; for the object as a whole, its first line.
pub fn lines_of(text: &str, pointer: &str) -> RangeInclusive<usize> {
    let lines: Vec<&str> = text.lines().collect();
    // The block that is looked at: its lines, and the column that its keys or dashes stand at.
    let (mut start, mut end) = (0, lines.len());
    let (mut found, mut last) = (1, 1);
    let mut inline: Option<usize> = None;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let Some((line, block)) = find_step(&lines, start, end, &step, inline) else { break };
        found = line + 1;
        (start, end) = (block.0, block.1);
        inline = block.2;
        // What stands between this block and the next belongs to neither.
        let is_content = |index: &usize| lines.get(*index).is_some_and(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
        last = (line..end).rev().find(is_content).map_or(found, |index| index + 1);
    }
    found..=last
}

type Block = (usize, usize, Option<usize>);

/// Finds a key or an index among the lines `start..end`. `inline`: the first line's content begins at this column (behind a dash).
fn find_step(lines: &[&str], start: usize, end: usize, step: &str, inline: Option<usize>) -> Option<(usize, Block)> {
    let content = |index: usize| -> Option<(usize, &str)> {
        let line = lines.get(index)?;
        let skip = if index == start { inline.unwrap_or(0) } else { 0 };
        let rest = line.get(skip..).unwrap_or("");
        let trimmed = rest.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with("---") {
            return None;
        }
        Some((line.len() - trimmed.len(), trimmed))
    };
    let first = (start..end).find(|index| content(*index).is_some())?;
    let (column, head) = content(first)?;
    let is_list = head == "-" || head.starts_with("- ");
    let mut index_here = 0usize;
    for line in first..end {
        let Some((at, text)) = content(line) else { continue };
        let is_item = text == "-" || text.starts_with("- ");
        if at != column || is_item != is_list {
            continue;
        }
        // The block of this item or key ends where the next thing stands at this column or left of it. A list may stand at the
        // column of its key.
        let next = ((line + 1)..end).find(|next| {
            content(*next).is_some_and(|(next_at, next_text)| {
                let is_own_list = !is_list && next_at == column && (next_text == "-" || next_text.starts_with("- "));
                next_at <= column && !is_own_list
            })
        });
        let block_end = next.unwrap_or(end);
        if is_list {
            if step.parse() == Ok(index_here) {
                return Some((line, (line, block_end, Some(at + 1))));
            }
            index_here += 1;
        } else {
            let key = text.split(':').next().unwrap_or("").trim().trim_matches(['"', '\'']);
            if key == step {
                return Some((line, (line + 1, block_end, None)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_that_look_like_something_else_come_back_as_strings() {
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "~",
            "null",
            "true",
            "1e3",
            "0x10",
            "010",
            "1_000",
            "1:20",
            "2024-01-01",
            ".5",
            "",
            " x",
            "a: b",
            "# c",
            "-",
            "=",
            "<<",
        ] {
            let object = json!({"labels": {"key": text}});
            let written = to_text(&object);
            assert_eq!(parse(&written), Ok(object), "{written}");
        }
    }

    #[test]
    fn strings_that_yaml_1_1_takes_for_something_else_are_quoted() {
        // kubectl reads YAML 1.1 booleans and numbers; an unquoted `yes` would reach the server as true.
        for text in ["yes", "no", "on", "off", "Yes", "ON", "y", "n", "010", "1_000", "0o17", "1:20", "1e3", "+12", ".inf"] {
            let written = to_text(&json!({"key": text}));
            assert!(written.contains('\'') || written.contains('"'), "{written}");
        }
    }

    #[test]
    fn any_object_comes_back_as_it_was() {
        let object = json!({
            "empty": {"list": [], "map": {}, "text": ""}, "nested": [[1, [2, {"a": [{}]}]], {"b": {"c": [null, true, 1.5, -3]}}],
            "script": "#!/bin/sh\necho 'a'\n\n  indented\n", "no end": "a\nb", "many ends": "a\nb\n\n\n", "odd": " a\nb", "tab": "a\n\tb",
            "crlf": "a\r\nb", "just breaks": "\n\n", "quotes": "it's \"so\"", "colon": "a:b", "path": "/a/b", "cidr": "10.0.0.0/8", "unicode": "é☃\u{85}",
            "yes": "key", "1": "digit key", "a.b/c": [" lead", "trail ", "- dash", "? q", "* star", "& and", "%p", "@at", "`tick"]
        });
        let written = to_text(&object);
        assert_eq!(parse(&written), Ok(object), "{written}");
        assert_eq!(to_text(&json!({"a": [{"b": 1, "c": [{"d": "e"}]}, "f"]})), "a:\n- b: 1\n  c:\n  - d: e\n- f\n");
    }

    #[test]
    fn errors_have_a_place() {
        let error = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.line >= 2 && error.column > 0 && !error.message.contains("line"), "{error:?}");
    }

    #[test]
    fn a_field_is_found_by_its_pointer() {
        let text = "\
kind: NetworkPolicy
spec:
  # a comment
  podSelector: {matchLabels: {a: b}}
  egress:
  - to:
    - ipBlock:
        cidr: 10.0.0.0/8
    - podSelector: {}
    ports:
    - port: 53
  - ports:
    - port: 80
";
        for (pointer, lines) in [
            ("", 1..=1),
            ("/spec", 2..=13),
            ("/spec/podSelector", 4..=4),
            ("/spec/podSelector/matchLabels/a", 4..=4),
            ("/spec/egress", 5..=13),
            ("/spec/egress/0", 6..=11),
            ("/spec/egress/0/to/0", 7..=8),
            ("/spec/egress/0/to/0/ipBlock/cidr", 8..=8),
            ("/spec/egress/0/to/1", 9..=9),
            ("/spec/egress/0/ports/0/port", 11..=11),
            ("/spec/egress/1", 12..=13),
            ("/spec/egress/1/ports/0", 13..=13),
            ("/spec/ingress/0", 2..=13),
        ] {
            assert_eq!(line_of(text, pointer), *lines.start(), "{pointer}");
            assert_eq!(lines_of(text, pointer), lines, "{pointer}");
        }
    }
}
