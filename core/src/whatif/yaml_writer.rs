//! Objects to YAML as `kubectl` prints it: block style, two spaces, lists at their key's column.
//!
//! Written here because kubectl reads YAML 1.1, where `yes`, `on` and `010` are no strings, while the serialisers at hand write for
//! YAML 1.2 and leave them bare: a label `yes` would reach the server as true. What is not plainly a word is quoted.

use serde_json::{Map, Value};

/// Writes an object, with a line break at its end.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => write_map(map, 0, &mut text),
        Value::Array(items) if !items.is_empty() => write_list(items, 0, &mut text),
        scalar => {
            write_scalar(scalar, 0, &mut text);
            text.push('\n');
        }
    }
    text
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn write_map(map: &Map<String, Value>, depth: usize, text: &mut String) {
    for (index, (key, value)) in map.iter().enumerate() {
        // The first line of a map in a list stands behind its dash.
        if index > 0 || !text.ends_with("- ") {
            indent(depth, text);
        }
        write_string(key, text);
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                write_map(inner, depth + 1, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                write_list(items, depth, text);
            }
            scalar => {
                text.push(' ');
                write_scalar(scalar, depth + 1, text);
                text.push('\n');
            }
        }
    }
}

fn write_list(items: &[Value], depth: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !text.ends_with("- ") {
            indent(depth, text);
        }
        text.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(map, depth + 1, text),
            Value::Array(inner) if !inner.is_empty() => write_list(inner, depth + 1, text),
            scalar => {
                write_scalar(scalar, depth + 1, text);
                text.push('\n');
            }
        }
    }
}

fn write_scalar(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::String(string) if is_block(string) => write_block(string, depth, text),
        Value::String(string) => write_string(string, text),
        // Numbers, booleans, null, and empty lists and maps are the same in JSON.
        other => text.push_str(&other.to_string()),
    }
}

/// What YAML takes for a line break, or does not print, and JSON leaves as it is.
fn breaks_a_line(character: char) -> bool {
    (character.is_control() && !character.is_ascii()) || matches!(character, '\u{7F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

/// Whether a string is best shown as a literal block: several lines, nothing in them that a block cannot hold.
fn is_block(string: &str) -> bool {
    let body = string.trim_end_matches('\n');
    body.contains('\n') && !body.starts_with([' ', '\n']) && string.chars().all(|c| c == '\n' || !(c.is_control() || breaks_a_line(c)))
}

fn write_block(string: &str, depth: usize, text: &mut String) {
    let body = string.trim_end_matches('\n');
    let n_breaks = string.len() - body.len();
    text.push_str(match n_breaks {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        text.push('\n');
        if !line.is_empty() {
            indent(depth, text);
            text.push_str(line);
        }
    }
    for _ in 1..n_breaks {
        text.push('\n');
    }
}

/// A word that every reader of YAML takes for a string stands bare; everything else in double quotes, where JSON's escapes hold.
fn write_string(string: &str, text: &mut String) {
    if is_plain(string) {
        return text.push_str(string);
    }
    for character in Value::from(string).to_string().chars() {
        if breaks_a_line(character) {
            text.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            text.push(character);
        }
    }
}

fn is_plain(string: &str) -> bool {
    let mut characters = string.chars();
    let starts_like_a_word =
        characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || (c.is_ascii_digit() && string.contains('/')));
    let goes_on_like_one =
        characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '@' | '+' | '(' | ')' | ' '));
    let means_something =
        matches!(string.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf");
    starts_like_a_word && goes_on_like_one && !means_something && !string.ends_with(' ') && !string.contains("  ")
}
