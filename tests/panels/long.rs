//! Lists as long as those of a large cluster: what is drawn is what is in sight, and the keyboard goes on past it.

use std::sync::Arc;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use portolan::view_model::{ConnectionRow, DifferenceRow, EditRow, NamespaceRow, ObjectRow, View, WarningRow};
use portolan::window::Window;

use super::{sample, window_of};

const MANY: usize = 20_000;

fn many<T>(make: impl Fn(usize) -> T) -> Vec<T> {
    (0..MANY).map(make).collect()
}

fn object(kind: &str, n: usize) -> ObjectRow {
    ObjectRow { key: format!("v1 {kind} shop/o-{n}"), title: format!("{kind} shop/o-{n}"), ..ObjectRow::default() }
}

fn view() -> View {
    let mut view = sample::view();
    view.namespaces =
        Arc::new(many(|n| NamespaceRow { id: format!("namespace/n-{n}"), name: format!("n-{n}"), ..NamespaceRow::default() }));
    view.sketch.objects = many(|n| object("Service", n));
    view.sketch.edits =
        many(|n| EditRow { key: format!("v1 Service shop/e-{n}"), title: format!("Service shop/e-{n}"), ..EditRow::default() });
    view.difference.rows = many(|n| DifferenceRow { word: "- lost".to_owned(), from: format!("shop/d-{n}"), ..DifferenceRow::default() });
    view.difference.n_lost = MANY;
    view.warnings = many(|n| WarningRow { object: format!("v1 Service shop/w-{n}"), ..WarningRow::default() });
    let inspector = view.inspector.as_mut().unwrap();
    let row = |n| ConnectionRow { title: format!("c-{n}"), peer: format!("workload/shop/Deployment/c-{n}"), ..ConnectionRow::default() };
    inspector.destinations = many(row);
    inspector.sources = many(row);
    inspector.denied_destinations = (many(row), MANY);
    inspector.objects = many(|n| object("Ingress", n));
    view
}

fn n_nodes(harness: &Harness<'_, Window>) -> usize {
    let (mut n, mut left) = (0, vec![harness.root()]);
    while let Some(node) = left.pop() {
        n += 1;
        left.extend(node.children());
    }
    n
}

fn focused(harness: &Harness<'_, Window>) -> String {
    let mut left = vec![harness.root()];
    while let Some(node) = left.pop() {
        if node.accesskit_node().is_focused() {
            return node.accesskit_node().label().unwrap_or_default();
        }
        left.extend(node.children());
    }
    String::new()
}

#[test]
fn what_is_out_of_sight_is_not_drawn() {
    let (mut harness, _) = window_of(view(), None);
    for tab in ["Destinations 20000", "Show 20000 denied", "Sources 20000", "Difference 20001", "Warnings 20000", "Sketch: close payments"]
    {
        harness.get_by_label(tab).click();
        harness.run();
        let n = n_nodes(&harness);
        assert!((100..700).contains(&n), "{tab}: {n} nodes");
    }
}

#[test]
fn the_tab_key_goes_on_to_rows_that_were_out_of_sight() {
    let (mut harness, _) = window_of(view(), None);
    harness.get_by_label("Open Ingress shop/o-0, ").focus();
    harness.run();
    for n in 1..40 {
        harness.key_press(Key::Tab);
        harness.run();
        assert_eq!(focused(&harness), format!("Open Ingress shop/o-{n}, "));
    }
}

#[test]
fn an_object_far_down_is_found() {
    let (mut harness, _) = window_of(view(), None);
    let filter = "Filter of objects to open";
    harness.get_by_label(filter).focus();
    harness.run();
    harness.get_by_label(filter).type_text("service O-19999");
    harness.run();
    assert!(harness.query_by_label("Open object Service shop/o-19999").is_some());
    assert!(harness.query_by_label_contains("Open object Service shop/o-1 ").is_none());
}
