//! Takes a large list, as `kubectl get -o yaml` writes it, apart into its items, so that they are parsed side by side and not all kept.
//!
//! Only lists are taken apart in which nobody can mistake where an item begins; of any other, and of one in which something is wrong, the
//! document is parsed as a whole.

use super::documents::Lines;

/// A list of which the parts are known.
#[derive(Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// The list without its items.
    pub frame: String,
    /// The text of each item, from the line of its dash on.
    pub items: Vec<&'a str>,
    /// How many bytes the dashes stand from the margin.
    pub indent: usize,
}

impl List<'_> {
    /// An item as a document of its own: a blank in the place of its dash.
    pub fn document(&self, item: &str) -> String {
        let mut text = item.to_owned();
        text.replace_range(self.indent..=self.indent, " ");
        text
    }
}

/// The parts of a list, if the text is one of block style with `items:` at the margin.
pub fn split(text: &str) -> Option<List<'_>> {
    // Directives are for the whole document. Anchors are too, but an alias that is meant for another item has none in its own, which is
    // told when the item is parsed.
    if text.starts_with('%') || text.contains("\n%") {
        return None;
    }
    let (mut position, mut starts, mut indent) = (0, Vec::new(), 0);
    let (mut header, mut footer) = (None, text.len());
    for line in Lines(text) {
        let start = position;
        position += line.len();
        let content = line.trim_start_matches(' ');
        let n_blanks = line.len() - content.len();
        if header.is_none() {
            if line.trim_end() == "items:" {
                header = Some((start, position));
            }
            continue;
        }
        let is_item = content.strip_prefix('-').is_some_and(|rest| rest.starts_with([' ', '\r', '\n']));
        if content.starts_with('\t') {
            return None;
        } else if content.trim().is_empty() || content.starts_with('#') {
            // Blanks and comments are of the item before; within a block of text they are text.
        } else if starts.is_empty() {
            if !is_item {
                return None;
            }
            indent = n_blanks;
            starts.push(start);
        } else if n_blanks == indent && is_item {
            starts.push(start);
        } else if n_blanks == 0 {
            footer = start;
            break;
        } else if n_blanks <= indent {
            return None;
        }
    }
    let (header, first) = header?;
    if starts.first() != Some(&first) {
        return None;
    }
    let frame = format!("{}items: []\n{}", &text[..header], &text[footer..]);
    let ends = starts.iter().skip(1).copied().chain([footer]);
    let items = starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect();
    Some(List { frame, items, indent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<&str> {
        split(text).map_or_else(Vec::new, |list| list.items)
    }

    #[test]
    fn items_are_found_at_the_margin_and_further_in() {
        let text = "---\napiVersion: v1\nitems:\n- a: 1\n  b:\n  - x\n- |\n  # text\n\n  - text\n-\n  c: 2\nkind: List\nmetadata: {}\n";
        let list = split(text).unwrap();
        assert_eq!(list.frame, "---\napiVersion: v1\nitems: []\nkind: List\nmetadata: {}\n");
        assert_eq!(list.items, ["- a: 1\n  b:\n  - x\n", "- |\n  # text\n\n  - text\n", "-\n  c: 2\n"]);
        assert_eq!(list.document(list.items[0]), "  a: 1\n  b:\n  - x\n");

        let list = split("kind: List\r\nitems:\r\n  - a: 1\r\n    b:\r\n    - x\r\n# not text\r\n  - c: 2").unwrap();
        assert_eq!(list.items, ["  - a: 1\r\n    b:\r\n    - x\r\n# not text\r\n", "  - c: 2"]);
        assert_eq!(list.document(list.items[1]), "    c: 2");
    }

    #[test]
    fn what_could_be_mistaken_is_left_whole() {
        for text in [
            "kind: List\n",
            "items: [a, b]\n",
            "items:\n",
            "items:\n  a: 1\n",
            "items:\n  - a\n - b\n",
            "items:\n- a\n\t- b\n",
            "%YAML 1.1\n---\nitems:\n- a\n",
            "list:\n  items:\n  - a\n",
            "items:\n# comment\n- a\n",
        ] {
            assert_eq!(items(text), Vec::<&str>::new(), "{text}");
        }
    }
}
