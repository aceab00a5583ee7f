//! The sketch: text typed, what it changes, undo and redo, deleting, making, and mending a path that is dead.

use egui_kittest::kittest::{NodeT, Queryable};
use portolan::map::model::Tone;
use portolan::view_model::{DifferenceRow, View};

use super::desk::{Desk, EDITOR};
use super::looking::{DEBUG, select_payments_api, way_out};

pub const CLOSED: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: debug-2024
  namespace: payments
spec:
  podSelector: {}
  policyTypes:
  - Egress
  egress: []
";

/// The demo with the policy of the story in the editor, followed to from the inspector.
pub fn desk_with_debug_open() -> Desk {
    let mut desk = Desk::demo();
    select_payments_api(&mut desk);
    desk.click(&way_out(&desk));
    desk.click("debug-2024 egress rule 1 allows any port");
    desk.until_seen(EDITOR);
    desk
}

fn is_lost(view: &View, from: &str, to: &str) -> bool {
    let fits = |row: &&DifferenceRow| row.from == from && row.to.starts_with(to);
    view.difference.rows.iter().filter(fits).any(|row| row.tone == Some(Tone::Lost) && row.word == "- lost")
}

/// Waits until the way out of payments is closed, and checks every place that says so.
#[track_caller]
pub fn assert_closed(desk: &mut Desk) {
    desk.until_view("the way out is lost", |view| is_lost(view, "payments/payments-api", "Internet"));
    let view = desk.view();
    for from in ["payments/payments-api", "payments/payments-webhook", "payments/payments-worker"] {
        assert!(is_lost(&view, from, "Internet"), "{from}: {:#?}", view.difference.rows);
    }
    assert_eq!(view.difference.n_gained, 0, "a policy less closes nothing and opens nothing");
    let summary = format!("{} connections lost, 0 gained, {} changed", view.difference.n_lost, view.difference.n_changed);
    desk.must_see(&summary);
    assert!(desk.has_edge("workload/payments/Deployment/payments-api", "addresses/Internet, any port", Tone::Lost));
    let row = desk.destination("Internet, any port");
    assert_eq!((row.tone, row.because.as_str()), (Some(Tone::Lost), "was: debug-2024, egress rule 1"));
    let label = format!("Internet, any port, {}, any port, lost by the sketch, was: debug-2024, egress rule 1", row.place);
    desk.must_see(&label);
}

#[track_caller]
fn assert_open(desk: &mut Desk) {
    desk.until_view("nothing is edited", |view| view.sketch.edits.is_empty() && view.difference.rows.is_empty());
    desk.must_see("0 connections lost, 0 gained, 0 changed");
    desk.must_see(&way_out(desk));
    assert!(!desk.view().map.edges.iter().any(|edge| edge.tone == Tone::Lost));
}

#[test]
fn a_text_shows_what_it_changes_and_is_undone_and_redone() {
    let mut desk = desk_with_debug_open();
    let original = desk.text();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    assert_eq!(desk.view().sketch.edits.iter().map(|edit| edit.verb.as_str()).collect::<Vec<_>>(), ["changed"]);
    desk.must_see("Edit of NetworkPolicy payments/debug-2024, changed, payments, NetworkPolicy");

    desk.click("Undo");
    assert_open(&mut desk);
    assert_eq!(desk.text(), original);
    desk.click("Redo");
    assert_closed(&mut desk);
    assert_eq!(desk.text(), CLOSED);
    assert!(desk.harness.get_by_label("Redo").accesskit_node().is_disabled());

    desk.click("Revert NetworkPolicy payments/debug-2024");
    assert_open(&mut desk);
    assert_eq!(desk.text(), original);
}

#[test]
fn a_broken_text_is_told_and_the_last_good_one_stays_in_force() {
    let mut desk = desk_with_debug_open();
    let original = desk.text();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    let before = desk.view().difference.clone();

    let broken = CLOSED.replace("  egress: []", "  egress: [");
    desk.replace_text(&broken);
    desk.until_view("an error is told", |view| view.sketch.open.as_ref().is_some_and(|open| !open.errors.is_empty()));
    let errors = desk.view().sketch.open.clone().unwrap().errors;
    let [error] = errors.as_slice() else { panic!("one error is told: {errors:?}") };
    assert!(error.fatal && error.line >= 10 && error.column >= 1, "{error:?}");
    desk.must_see(&format!("error, line {}, column {}: {}", error.line, error.column, error.message));
    assert_eq!(desk.view().difference, before);
    assert_eq!(desk.text(), broken, "what is typed stays");

    // What is not an object of this name is told as well.
    let renamed = CLOSED.replace("name: debug-2024", "name: other");
    desk.replace_text(&renamed);
    desk.until("the name is told", |desk| desk.sees_part("error, line 4, column 1: this is payments/other and not payments/debug-2024"));
    // What is unknown to the kind is a warning: the text takes effect.
    let unknown = CLOSED.replace("  egress: []", "  egres: []");
    desk.replace_text(&unknown);
    desk.until("a warning is told", |desk| desk.sees_part("warning, line 10"));
    assert_closed(&mut desk);

    desk.click("Undo");
    assert_open(&mut desk);
    assert_eq!(desk.text(), original);
    assert_eq!(desk.view().sketch.open.as_ref().unwrap().errors, []);
}

#[test]
fn what_is_typed_arrives_and_escape_leaves_the_editor() {
    let mut desk = desk_with_debug_open();
    desk.harness.get_by_label(EDITOR).focus();
    desk.harness.run();
    for letter in "# mine".chars() {
        desk.harness.event(egui::Event::Text(letter.to_string()));
        desk.harness.run();
    }
    let typed = desk.text();
    desk.until_view("the text has arrived", |view| view.sketch.open.as_ref().is_some_and(|open| open.text == typed));
    // With the cursor in the field, Tab indents; Esc leaves it, and Tab moves on.
    desk.leave_editor();
    desk.press(egui::Key::Tab);
    assert_eq!(desk.text(), typed);
}

#[test]
fn deleting_loses_the_same_connections() {
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    let closed = desk.view().difference.clone();
    desk.click("Undo");
    assert_open(&mut desk);

    desk.click("Delete object");
    assert_closed(&mut desk);
    assert_eq!(desk.view().difference, closed);
    desk.must_see("Edit of NetworkPolicy payments/debug-2024, deleted, payments, NetworkPolicy");
    assert!(!desk.view().sketch.objects.iter().any(|object| object.key == DEBUG));
    assert!(!desk.sees(EDITOR), "what is gone is not edited");

    desk.click("Undo");
    assert_open(&mut desk);
}

#[test]
fn a_policy_is_made_from_a_template() {
    let mut desk = Desk::demo();
    desk.unfold_sketch();
    desk.click("New…");
    desk.click_part("NetworkPolicy, deny all");
    desk.click("catalog");
    desk.until_seen(EDITOR);
    desk.must_see("Edit of NetworkPolicy catalog/deny-all, created, catalog, NetworkPolicy");
    let open = desk.view().sketch.open.clone().unwrap();
    assert_eq!(open.key, "networking.k8s.io/v1 NetworkPolicy catalog/deny-all");
    assert_eq!(open.errors, []);
    assert_eq!(desk.text(), open.text);
    assert!(desk.text().contains("name: deny-all"));
    desk.until_view("catalog is closed", |view| is_lost(view, "catalog/catalog-api", "Internet"));
    assert!(desk.sees_part("namespace catalog, 18 pods, in closed, out closed"));

    // Another one gets another name, and a new object may be given one by its text.
    desk.unfold_sketch();
    desk.click("New…");
    desk.click_part("NetworkPolicy, deny all");
    desk.click("catalog");
    desk.until_seen("NetworkPolicy catalog/deny-all-2");
    let renamed = desk.text().replace("deny-all-2", "mine");
    desk.replace_text(&renamed);
    desk.until_seen("Edit of NetworkPolicy catalog/mine, created, catalog, NetworkPolicy");
    assert_eq!(desk.view().sketch.edits.len(), 2);
}

#[test]
fn a_dead_path_is_mended_by_editing_the_policy() {
    let mut desk = Desk::demo();
    desk.click("entry old.example");
    desk.until_selected("entry/shop/legacy/old.example");
    desk.click("Ways in 1");
    let path = desk.view().inspector.as_ref().unwrap().paths[0].clone();
    assert_eq!((path.title.as_str(), path.tone), ("https://old.example/", Some(Tone::Denied)));
    let deciding = path.hops.iter().find(|hop| hop.tone == Some(Tone::Denied)).expect("a hop breaks it").clone();
    assert!(deciding.text.starts_with("policies keep ingress-nginx/ingress-nginx-controller out: "), "{}", deciding.text);
    assert!(desk.sees_part(&format!("https://old.example/, denied, {}", deciding.text)), "{:#?}", desk.labels());
    let (key, _) = deciding.object.clone().expect("a policy decides");
    desk.click(&deciding.text);
    desk.until_view("the policy is open", |view| view.sketch.open.as_ref().is_some_and(|open| open.key == key));
    assert_eq!(key, "networking.k8s.io/v1 NetworkPolicy shop/legacy-access");
    desk.until_seen(EDITOR);
    let mended = desk.text().replace("network-zone: edge", "kubernetes.io/metadata.name: ingress-nginx");
    desk.replace_text(&mended);
    desk.until_seen("path https://old.example/, works now, was denied");
    let view = desk.view();
    assert_eq!(view.difference.paths.len(), 1);
    assert_eq!(view.difference.paths[0].tone, Some(Tone::Gained));
    assert_eq!(view.inspector.as_ref().unwrap().paths[0].tone, Some(Tone::Allowed));
    assert!(view.map.edges.iter().any(|edge| edge.from == "entry/shop/legacy/old.example" && edge.tone == Tone::Gained));
    assert!(view.difference.n_gained > 0 && view.difference.n_lost == 0, "{:?}", view.difference);
}

#[test]
fn a_dead_path_names_the_policy_that_is_meant_for_it() {
    let mut desk = Desk::demo();
    desk.click("entry old.example");
    desk.until_selected("entry/shop/legacy/old.example");
    let path = desk.view().inspector.as_ref().unwrap().paths[0].clone();
    let deciding = path.hops.iter().find(|hop| hop.tone == Some(Tone::Denied)).unwrap();
    assert!(deciding.text.contains("legacy-access"), "{}", deciding.text);
}

#[test]
fn a_dead_path_is_mended_by_a_label_of_the_namespace() {
    let mut desk = Desk::demo();
    desk.click("entry old.example");
    desk.until_selected("entry/shop/legacy/old.example");
    open_object(&mut desk, "namespace ingress-nginx", "Namespace ingress-nginx", "v1 Namespace ingress-nginx");
    let labelled = desk.text().replace("    team: platform\n", "    team: platform\n    network-zone: edge\n");
    desk.replace_text(&labelled);
    desk.until_seen("path https://old.example/, works now, was denied");
}

/// Opens an object through the list of all that can be edited.
#[track_caller]
pub fn open_object(desk: &mut Desk, words: &str, title: &str, key: &str) {
    let filter = "Filter of objects to open";
    desk.unfold_sketch();
    desk.harness.get_by_label(filter).focus();
    desk.harness.run();
    desk.harness.get_by_label(filter).type_text(words);
    desk.harness.run();
    desk.click(&format!("Open object {title}"));
    desk.until_view("the object is open", |view| view.sketch.open.as_ref().is_some_and(|open| open.key == key));
}
