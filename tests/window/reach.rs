//! The window at rest, and by names alone: what a screen reader and a keyboard find.

use std::collections::BTreeSet;
use std::time::Duration;

use egui::Key;
use egui::accesskit::{Action, Role};
use egui_kittest::kittest::NodeT;

use super::desk::{Desk, name_of, visit};
use super::editing::{CLOSED, assert_closed, desk_with_debug_open};

/// Draws frames for a while; none may ask for another.
#[track_caller]
fn assert_at_rest(desk: &mut Desk) {
    for _ in 0..5 {
        desk.harness.step();
        assert_eq!(desk.next_frame(), Duration::MAX, "{:?}", desk.harness.ctx.repaint_causes());
    }
}

#[test]
fn an_untouched_window_asks_for_no_frame() {
    let mut desk = Desk::demo();
    assert!(desk.harness.run() <= 2);
    assert_at_rest(&mut desk);
    let generation = desk.view().generation;
    std::thread::sleep(Duration::from_millis(200));
    assert_at_rest(&mut desk);
    assert_eq!(desk.view().generation, generation, "a worker with nothing to do publishes nothing");
}

#[test]
fn a_window_in_use_comes_to_rest() {
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    assert_at_rest(&mut desk);
    desk.leave_editor();
    desk.harness.remove_cursor();
    desk.harness.run();
    assert_at_rest(&mut desk);
}

#[test]
fn everything_that_can_be_used_has_a_name() {
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    assert_all_named(&desk, "the sketch");
    for (open, what) in [("Export…", "the export"), ("Rename…", "the name"), ("Commands  Ctrl K", "the palette"), ("New…", "the new menu")]
    {
        desk.click(open);
        assert_all_named(&desk, what);
        desk.press(Key::Escape);
        desk.harness.run();
    }
    desk.click("New…");
    desk.click_part("NetworkPolicy, deny all");
    assert_all_named(&desk, "the namespaces of a new object");
    desk.press(Key::Escape);
    desk.click("Source demo");
    assert_all_named(&desk, "the sources");
    desk.press(Key::Escape);
    for tab in ["Sources", "Ways", "YAML", "Difference", "Warnings"] {
        let label = desk.labels().into_iter().find(|label| label.split(' ').next() == Some(tab)).expect(tab);
        desk.click(&label);
        assert_all_named(&desk, tab);
    }
}

#[track_caller]
fn assert_all_named(desk: &Desk, what: &str) {
    let mut n = 0;
    visit(desk.harness.root(), &mut |node| {
        let shown = node.accesskit_node();
        let usable = shown.data().supports_action(Action::Click) || shown.data().supports_action(Action::Focus);
        // What egui makes of a scroll bar is for the pointer alone: the Tab key passes it over.
        if usable && shown.role() != Role::ScrollBar {
            n += 1;
            assert!(name_of(node).is_some_and(|name| !name.trim().is_empty()), "{what}: no name for {node:?} at {:?}", node.rect());
        }
    });
    assert!(n > 20, "{what}: {n} things can be used");
}

/// The Tab key leads around the whole window and is kept nowhere.
#[test]
fn the_tab_key_goes_all_the_way_around() {
    let mut desk = Desk::demo();
    desk.unfold_sketch();
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for _ in 0..200 {
        desk.press(Key::Tab);
        let mut focused = None;
        visit(desk.harness.root(), &mut |node| {
            if node.accesskit_node().is_focused() {
                focused = Some((format!("{:?}", node.accesskit_node().id()), name_of(node).unwrap_or_default()));
            }
        });
        let Some((id, name)) = focused else { continue };
        if !seen.insert(id) {
            break;
        }
        names.push(name);
    }
    assert!(names.iter().all(|name| !name.is_empty()), "{names:#?}");
    for part in
        ["Source demo", "Search", "namespace payments, ", "Entry paths", "Sketch: untitled", "New…", "entry old.example", "namespace shop"]
    {
        assert!(names.iter().any(|name| name.starts_with(part)), "{part:?} is not among {names:#?}");
    }
}
