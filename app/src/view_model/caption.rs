//! What a picture of the map is called, so that whoever sees nothing else knows what is on it, and what is left out.

use portolan_core::text::count;

use super::View;
use crate::command::{Only, PolicyFilter, ShowOptions};

/// What a view shows, in short pieces: its source, counts, edits, the selection, filters, what is folded.
pub fn caption(view: &View, show: &ShowOptions) -> Vec<String> {
    let mut pieces = vec![view.status.source.clone(), view.status.sizes.clone()];
    if !view.sketch.edits.is_empty() {
        let difference = &view.difference;
        let edits = count(view.sketch.edits.len(), "edit", "edits");
        pieces.push(format!("with {edits}, {} gained, {} lost, {} changed", difference.n_gained, difference.n_lost, difference.n_changed));
    }
    if let Some(inspector) = &view.inspector {
        pieces.push(format!("selected {}", inspector.title));
    }
    pieces.extend(narrowing(show));
    if !view.aside.is_empty() {
        pieces.push(format!("{} put aside", view.aside.len()));
    }
    pieces.push(view.map.note.clone());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// What is left out, and what the map is narrowed to, in short pieces.
pub fn narrowing(show: &ShowOptions) -> Vec<String> {
    let mut pieces = Vec::new();
    if show.only != Only::Everything {
        pieces.push(lower(show.only.title()));
    }
    let filter = &show.filter;
    for (what, text) in [("namespaces", &filter.namespaces), ("labels", &filter.labels), ("ports", &filter.ports)] {
        if !text.trim().is_empty() {
            pieces.push(format!("{what} {}", text.trim()));
        }
    }
    if show.policies != PolicyFilter::All {
        pieces.push(lower(&show.policies.title().replace(':', "")));
    }
    let hidden = hidden(show);
    if !hidden.is_empty() {
        pieces.push(format!("without {}", hidden.join(", ")));
    }
    pieces
}

/// What the options hide that is shown where nobody chooses.
fn hidden(show: &ShowOptions) -> Vec<&'static str> {
    let options = [
        (show.entry_paths, "entry paths"),
        (show.egress, "egress"),
        (show.between_namespaces, "connections between namespaces"),
        (show.within_namespaces, "connections within namespaces"),
        (show.denied_paths, "denied paths"),
        (show.noisy_peers, "DNS and monitoring"),
        (show.allowed, "what is allowed"),
        (show.depends, "what depends"),
    ];
    options.into_iter().filter(|(is_shown, _)| !is_shown).map(|(_, word)| word).collect()
}

/// A title within a sentence.
fn lower(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::MapFilter;

    #[test]
    fn a_caption_says_what_is_left_out() {
        let mut view = View::default();
        view.status.source = "demo".to_owned();
        let filter = MapFilter { namespaces: " shop ".to_owned(), ..MapFilter::default() };
        let show = ShowOptions { denied_paths: false, noisy_peers: true, only: Only::EntryPaths, filter, ..ShowOptions::default() };
        assert_eq!(caption(&view, &show), ["demo", "only ways in", "namespaces shop", "without denied paths"]);
        assert_eq!(caption(&view, &ShowOptions { noisy_peers: true, ..ShowOptions::default() }), ["demo"]);
    }
}
