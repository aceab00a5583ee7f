//! The states in which the window is walked.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use portolan::worker::Opening;

use super::desk::{Desk, EDITOR};
use super::feet::walk;

/// Selects the Deployment whose way out is the story of the demo.
fn select(desk: &mut Desk) {
    desk.search("payments/payments-api", "workload/payments/Deployment/payments-api");
}

/// The demo with a policy open, and changed.
fn sketching() -> Desk {
    let mut desk = Desk::demo();
    desk.unfold_sketch();
    let filter = "Filter of objects to open";
    desk.harness.get_by_label(filter).focus();
    desk.harness.run();
    desk.harness.get_by_label(filter).type_text("debug-2024");
    desk.harness.run();
    desk.click_part("Open object NetworkPolicy ");
    desk.until_seen(EDITOR);
    let text = desk.text().replace("  - Egress\n", "  - Egress\n  - Ingress\n");
    desk.replace_text(&text);
    desk.until_view("it is changed", |view| !view.sketch.edits.is_empty());
    desk
}

/// Presses two keys, one after the other.
fn strokes(desk: &mut Desk, keys: &str) {
    for key in keys.chars() {
        desk.harness.event(egui::Event::Text(key.to_string()));
        desk.harness.run();
    }
}

#[test]
fn the_window_as_it_opens() {
    walk(&mut Desk::demo(), 60);
}

#[test]
fn a_window_with_nothing_in_it() {
    let mut desk = Desk::open(Opening::Manifests(vec![tempfile::tempdir().unwrap().path().to_owned()]));
    walk(&mut desk, 10);
}

#[test]
fn a_namespace_and_a_workload_that_are_unfolded() {
    let mut desk = Desk::demo();
    desk.unfold("namespace payments, ");
    desk.until("payments is unfolded", |desk| desk.sees_part("workload payments-api, "));
    desk.unfold("workload payments-api, ");
    desk.until("its pods are listed", |desk| desk.sees_part("pod payments-api-"));
    walk(&mut desk, 70);
}

#[test]
fn a_pod_in_the_inspector_tab_by_tab() {
    let mut desk = Desk::demo();
    let id = desk.view().search_index.iter().find(|entry| entry.title.starts_with("payments/payments-api-")).unwrap().id.clone();
    desk.search(id.rsplit('/').next().unwrap(), &id);
    for tab in ["Destinations", "Sources", "Ways", "YAML"] {
        let label = desk.labels().into_iter().find(|label| label.split(' ').next() == Some(tab)).expect(tab);
        desk.click(&label);
        walk(&mut desk, 70);
    }
}

#[test]
fn things_that_are_pinned_put_aside_and_filtered() {
    let mut desk = Desk::demo();
    desk.search("namespace catalog", "namespace/catalog");
    strokes(&mut desk, "a");
    desk.until_view("it is put aside", |view| !view.aside.is_empty());
    select(&mut desk);
    for keys in ["x", "sw", "sf"] {
        strokes(&mut desk, keys);
    }
    desk.until_view("it is pinned", |view| !view.pinned.is_empty());
    desk.must_see("Labels to show");
    walk(&mut desk, 70);
    for (menu, entry) in
        [("1 pinned", "Unpin all"), ("Filtered, ", "Clear all filters"), ("put aside", "Bring all back"), ("One step", "Two steps")]
    {
        desk.click_part(menu);
        assert!(desk.sees_part(entry), "{entry}: {:#?}", desk.labels());
        walk(&mut desk, 70);
        desk.press(Key::Escape);
        desk.harness.run();
    }
}

#[test]
fn the_sketch_tab_by_tab() {
    let mut desk = sketching();
    walk(&mut desk, 70);
    for tab in ["Difference", "Warnings"] {
        let label = desk.labels().into_iter().find(|label| label.split(' ').next() == Some(tab)).expect(tab);
        desk.click(&label);
        walk(&mut desk, 60);
    }
}

#[test]
fn a_text_with_mistakes() {
    let mut desk = sketching();
    let text = desk.text().replace("  podSelector", "\tpodSelector");
    desk.replace_text(&text);
    desk.until_view("the mistake is told", |view| view.sketch.open.as_ref().is_some_and(|open| !open.errors.is_empty()));
    walk(&mut desk, 70);
}

#[test]
fn the_menus() {
    let mut desk = Desk::demo();
    desk.unfold_sketch();
    for menu in ["Source demo", "Parts of the map, Everything", "New…"] {
        desk.click(menu);
        walk(&mut desk, 60);
        desk.press(Key::Escape);
        desk.harness.run();
    }
    desk.click("New…");
    desk.click_part("NetworkPolicy, deny all");
    walk(&mut desk, 60);
}

#[test]
fn what_the_search_field_finds() {
    let mut desk = Desk::demo();
    desk.type_query("payments");
    walk(&mut desk, 80);
    desk.press(Key::Escape);
    desk.type_query("https://pay.example/");
    desk.until("it is answered", |desk| desk.view().asking.text == "https://pay.example/");
    walk(&mut desk, 60);
}

#[test]
fn the_palette_and_the_help() {
    let mut desk = Desk::demo();
    desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    desk.harness.run();
    walk(&mut desk, 40);
    desk.press(Key::Escape);
    strokes(&mut desk, "?");
    walk(&mut desk, 40);
}

/// Enter is for the button that has the keyboard, and elsewhere for what the dialog is for.
#[test]
fn enter_in_a_dialog_is_for_what_has_the_keyboard() {
    let mut desk = Desk::demo();
    let name = "Name of the sketch";
    for (button, expected) in [("Cancel", "Sketch: untitled"), (name, "Sketch: another")] {
        strokes(&mut desk, "en");
        desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        desk.harness.get_by_label(name).type_text("another");
        desk.harness.run();
        desk.harness.get_by_label(button).focus();
        desk.harness.run();
        desk.press(Key::Enter);
        desk.until("the dialog is closed", |desk| !desk.sees(name));
        desk.until_seen(expected);
    }
}

/// The editor keeps the Tab key, and Esc and Tab lead past it.
#[test]
fn the_tab_key_goes_on_from_a_field_that_was_left() {
    let mut desk = sketching();
    desk.leave_editor();
    desk.press(Key::Tab);
    let focused = |desk: &Desk, label: &str| desk.harness.get_by_label(label).is_focused();
    assert!(!focused(&desk, EDITOR) && !focused(&desk, "Source demo"), "it neither stays nor starts over");
    desk.harness.key_press_modifiers(Modifiers::SHIFT, Key::Tab);
    desk.harness.run();
    assert!(focused(&desk, EDITOR));
    assert_eq!(desk.view().sketch.open.as_ref().map(|open| open.text.clone()), Some(desk.text()), "and nothing was typed");
}

#[test]
fn the_dialogs() {
    let mut desk = sketching();
    desk.leave_editor();
    for (keys, at_least) in [("pa", 20), ("en", 3)] {
        strokes(&mut desk, keys);
        walk(&mut desk, at_least);
        desk.press(Key::Escape);
        desk.harness.run();
    }
    for (modifiers, key) in [
        (Modifiers::COMMAND, Key::O),
        (Modifiers::COMMAND | Modifiers::SHIFT, Key::O),
        (Modifiers::COMMAND, Key::E),
        (Modifiers::COMMAND | Modifiers::SHIFT, Key::E),
    ] {
        desk.harness.key_press_modifiers(modifiers, key);
        desk.harness.run();
        walk(&mut desk, 3);
        desk.press(Key::Escape);
        desk.harness.run();
    }
    strokes(&mut desk, "o2");
    desk.must_see("Throw the sketch away?");
    walk(&mut desk, 2);
}

#[test]
fn a_map_that_is_larger_than_its_room() {
    let mut desk = Desk::demo();
    strokes(&mut desk, "U");
    desk.until_view("all is unfolded", |view| view.namespaces.iter().all(|row| row.unfolded));
    // What is zoomed into depends on the picture there is.
    desk.until("the larger map is there", |desk| !desk.harness.state().is_laying_out());
    for _ in 0..6 {
        strokes(&mut desk, "+");
    }
    walk(&mut desk, 40);
}

#[test]
fn a_request_and_its_answer() {
    let mut desk = Desk::demo();
    let url = "https://pay.example/";
    desk.search(url, &format!("request/{url}"));
    walk(&mut desk, 60);
}

#[test]
fn a_request_that_nobody_takes() {
    let mut desk = Desk::demo();
    let url = "https://old.example/";
    desk.search(url, &format!("request/{url}"));
    walk(&mut desk, 60);
}
