//! The window from outside: what its panels show of a view, and what they ask for when a person clicks, types or presses a key.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use portolan::command::{Command, ShowOptions, Template};
use portolan::panels::dialogs::{Done, FileDialogs};
use portolan::view_model::{ContextRow, Freshness, Notice, TextError, View};
use portolan::window::{Backend, Window};

#[path = "panels/asking.rs"]
mod asking;
#[path = "panels/assumptions.rs"]
mod assumptions;
#[path = "panels/long.rs"]
mod long;
#[path = "panels/sample.rs"]
mod sample;

/// What was sent, and what is shown; shared between a test and its window.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(Arc<View>, Vec<Command>)>>);

impl Shared {
    /// What was sent since the last call.
    fn sent(&self) -> Vec<Command> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }

    fn change(&self, change: impl FnOnce(&mut View)) {
        let mut shared = self.0.lock().unwrap();
        let mut view = (*shared.0).clone();
        view.generation += 1;
        change(&mut view);
        shared.0 = Arc::new(view);
    }
}

impl Backend for Shared {
    fn view(&mut self) -> Arc<View> {
        Arc::clone(&self.0.lock().unwrap().0)
    }

    fn send(&mut self, command: Command) {
        self.0.lock().unwrap().1.push(command);
    }

    fn contexts(&self) -> Vec<ContextRow> {
        sample::contexts()
    }
}

/// Dialogs that answer at once; `None` is a cancel, or a system without dialogs.
struct FakeDialogs(Option<PathBuf>);

impl FileDialogs for FakeDialogs {
    fn save_file(&self, _suggested: &str, done: Done<PathBuf>) {
        done(self.0.clone());
    }

    fn pick_folder(&self, done: Done<PathBuf>) {
        done(self.0.clone());
    }

    fn pick_files(&self, done: Done<Vec<PathBuf>>) {
        done(self.0.clone().map(|path| vec![path]));
    }
}

fn window_of(view: View, chosen: Option<PathBuf>) -> (Harness<'static, Window>, Shared) {
    let shared = Shared::default();
    shared.0.lock().unwrap().0 = Arc::new(view);
    let backend = shared.clone();
    let harness = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_max_steps(12)
        .build_eframe(move |cc| Window::with_dialogs(&cc.egui_ctx, Box::new(backend), Box::new(FakeDialogs(chosen))));
    let mut harness = harness;
    harness.run();
    (harness, shared)
}

fn window() -> (Harness<'static, Window>, Shared) {
    window_of(sample::view(), None)
}

/// The delay until the next frame that the window asked for itself.
fn next_frame(harness: &Harness<'_, Window>) -> Duration {
    harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay
}

#[test]
fn an_untouched_window_asks_for_no_frame() {
    let (mut harness, _) = window();
    harness.run();
    assert_eq!(next_frame(&harness), Duration::MAX);
    // A cursor in a field does not blink, so it asks for nothing either.
    harness.get_by_label("YAML of the object").click();
    harness.run();
    harness.run();
    assert_eq!(next_frame(&harness), Duration::MAX);
}

#[test]
fn the_panels_show_what_the_view_says() {
    let (harness, _) = window();
    for text in [
        "namespace payments, 12 pods, in closed, out open, unfolded",
        "namespace shop, 64 pods, in closed, out closed, folded",
        "workload payments-api, Deployment, 3 pods",
        "payments-api, Deployment in payments, 3 pods, 10.1.4.7 and 2 more",
        "Destinations 4",
        "Sources 2",
        "Internet, any port, 0.0.0.0/0, lost by the sketch, was: debug-2024, egress rule 1",
        "allow-gateway /spec/egress/0 allows it",
        "Sketch: close payments",
        "2 connections lost, 0 gained, 0 changed",
        "- lost payments/payments-worker to Internet any",
        "live",
        "214 pods, 60 workloads, 38 policies",
        "! 1 kind cannot be seen",
        "nothing is written to the cluster",
    ] {
        assert!(harness.query_by_label(text).is_some(), "{text:?} is not shown");
    }
}

#[test]
fn every_control_has_a_name() {
    let (harness, _) = window();
    let roles = [Role::Button, Role::CheckBox, Role::RadioButton, Role::TextInput, Role::MultilineTextInput, Role::Link];
    for role in roles {
        for node in harness.query_all_by_role(role) {
            assert!(node.accesskit_node().label().is_some_and(|label| !label.is_empty()), "a {role:?} without a name: {node:?}");
        }
    }
}

#[test]
fn the_tree_selects_and_folds() {
    let (mut harness, shared) = window();
    harness.get_by_label_contains("namespace orders").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("namespace/orders".to_owned()))]);

    harness.get_by_label_contains("namespace shop").focus();
    harness.run();
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(shared.sent(), [Command::ToggleFold("namespace/shop".to_owned())]);

    assert!(harness.query_by_label_contains("pod payments-worker").is_none());
    harness.get_by_label_contains("workload payments-worker").focus();
    harness.run();
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(shared.sent(), [Command::ToggleFold("workload/payments/Deployment/payments-worker".to_owned())]);
    shared.change(|view| std::sync::Arc::make_mut(&mut view.namespaces)[0].workloads[1].unfolded = true);
    harness.run();
    harness.get_by_label("pod payments-worker-7d4f9c6b5-2").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("pod/payments/payments-worker-2".to_owned()))]);
}

#[test]
fn checkboxes_set_what_the_map_shows() {
    let (mut harness, shared) = window();
    harness.get_by_label("DNS, monitoring").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Show(ShowOptions { noisy_peers: true, ..ShowOptions::default() })]);
}

#[test]
fn a_row_of_the_inspector_shows_why_and_leads_to_the_object() {
    let (mut harness, shared) = window();
    harness.get_by_label_contains("payments-db, data, 5432/TCP").click();
    harness.run();
    assert!(harness.query_by_label("payments-db is outside: no ingress side").is_some());
    assert_eq!(shared.sent(), []);

    harness.get_by_label("allow-gateway /spec/egress/0 allows it").click();
    harness.run();
    let open = Command::OpenObject { key: sample::GATEWAY.to_owned(), pointer: "/spec/egress/0".to_owned() };
    assert_eq!(shared.sent(), [open]);

    harness.get_by_label("Show on the map").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("workload/data/StatefulSet/payments-db".to_owned()))]);

    harness.get_by_label("Ways in 1").click();
    harness.run();
    assert!(harness.query_by_label_contains("https://pay.example/v1/*, allowed").is_some());
}

#[test]
fn the_inspector_tells_who_could_come() {
    let (mut harness, _) = window();
    let dns = "Could be reached: pods with k8s-app=kube-dns in any namespace, 53/UDP";
    assert!(harness.query_by_label(dns).is_some());
    assert!(harness.query_by_label_contains("Could reach it:").is_none());
    harness.get_by_label("Sources 2").click();
    harness.run();
    assert!(harness.query_by_label(dns).is_none());
    let any = "Could reach it: any pod of the cluster, 8443/TCP, not 8443/TCP for any pod in namespace lab";
    assert!(harness.query_by_label(any).is_some());
    assert!(harness.query_by_label("Could reach it: pods with app=checkout in namespace shop, 8443/TCP, 9090/TCP").is_some());
    harness.get_by_label("Ways in 1").click();
    harness.run();
    assert!(harness.query_by_label_contains("Could").is_none());
}

#[test]
fn an_empty_window_says_what_would_fill_it() {
    let (mut harness, _) = window_of(View::default(), None);
    harness.get_by_label("Show the sketch").click();
    harness.run();
    for text in
        ["Select a pod, workload, Service or destination", "No namespaces yet", "Open an object on the left", "Nothing is edited yet"]
    {
        assert!(harness.query_by_label_contains(text).is_some(), "{text:?} is not shown");
    }
    assert!(harness.get_by_label("Undo").accesskit_node().is_disabled());
    assert!(harness.get_by_label("Export…").accesskit_node().is_disabled());
}

#[test]
fn undo_and_redo_follow_the_view() {
    let (mut harness, shared) = window();
    assert!(!harness.get_by_label("Undo").accesskit_node().is_disabled());
    assert!(harness.get_by_label("Redo").accesskit_node().is_disabled());
    harness.get_by_label("Undo").click();
    harness.run();
    harness.get_by_label("Redo").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Undo]);

    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    harness.run();
    assert_eq!(shared.sent(), [], "there is nothing to redo, and this is not undo");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run();
    assert_eq!(shared.sent(), [Command::Undo]);
}

#[test]
fn typing_in_the_editor_sends_the_text() {
    let (mut harness, shared) = window();
    let editor = harness.get_by_label("YAML of the object");
    editor.focus();
    editor.type_text("# hello ");
    harness.run();
    let [Command::EditText { key, text }] = &shared.sent()[..] else { panic!("one text is sent") };
    assert_eq!(key, sample::DEBUG);
    assert!(text.contains("# hello ") && text.contains("apiVersion"), "{text}");

    // With the cursor in the editor, Ctrl-Z is the editor's own.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run();
    assert!(!shared.sent().contains(&Command::Undo));
}

#[test]
fn the_editor_indents_with_spaces() {
    let (mut harness, shared) = window();
    shared.change(|view| {
        let open = view.sketch.open.as_mut().unwrap();
        (open.revision, open.text) = (2, "spec:".to_owned());
    });
    harness.run();
    harness.get_by_label("YAML of the object").focus();
    harness.run();
    harness.key_press(Key::End);
    harness.key_press(Key::Enter);
    harness.event(egui::Event::Text("egress:".to_owned()));
    harness.key_press(Key::Enter);
    harness.key_press(Key::Tab);
    harness.run();
    assert_eq!(harness.get_by_label("YAML of the object").value().unwrap(), "spec:\n  egress:\n      ");
}

#[test]
fn the_editor_keeps_its_text_until_the_revision_grows() {
    let (mut harness, shared) = window();
    let editor = harness.get_by_label("YAML of the object");
    editor.focus();
    editor.type_text("zzz");
    harness.run();
    shared.change(|view| view.sketch.open.as_mut().unwrap().text = "late echo".to_owned());
    harness.run();
    assert!(harness.get_by_label("YAML of the object").value().unwrap().contains("zzz"));

    shared.change(|view| {
        let open = view.sketch.open.as_mut().unwrap();
        open.revision += 1;
        open.text = "kind: Undone\n".to_owned();
        open.errors = vec![TextError { line: 1, column: 7, message: "no such kind".to_owned(), fatal: true }];
    });
    harness.run();
    assert_eq!(harness.get_by_label("YAML of the object").value().unwrap(), "kind: Undone\n");
    assert!(harness.query_by_label("error, line 1, column 7: no such kind").is_some());
}

#[test]
fn edits_are_reverted_deleted_and_made() {
    let (mut harness, shared) = window();
    harness.get_by_label("Revert NetworkPolicy payments/debug-2024").click();
    harness.run();
    harness.get_by_label("Delete object").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Revert(sample::DEBUG.to_owned()), Command::Delete(sample::DEBUG.to_owned())]);

    harness.get_by_label("New…").click();
    harness.run();
    harness.get_by_label_contains("NetworkPolicy, deny all").click();
    harness.run();
    harness.get_by_label("payments").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Create(Template::DenyAll, "payments".to_owned())]);
}

#[test]
fn search_finds_and_selects() {
    let (mut harness, shared) = window();
    harness.event(egui::Event::Text("/".to_owned()));
    harness.run();
    let field = harness.get_by_label("Search");
    assert!(field.is_focused());
    assert_eq!(field.value().unwrap_or_default(), "", "the slash is not typed into the field");
    field.type_text("app=web");
    harness.run();
    assert!(harness.query_by_label("Deployment shop/web").is_some());
    assert!(harness.query_by_label("Namespace shop").is_none());
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("workload/shop/Deployment/web".to_owned()))]);
    assert!(harness.query_by_label("Deployment shop/web").is_none(), "the list closes");

    harness.event(egui::Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("web");
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("service/shop/web".to_owned()))]);

    harness.event(egui::Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("shop");
    harness.run();
    harness.get_by_label("Namespace shop").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("namespace/shop".to_owned()))]);
}

#[test]
fn escape_closes_first_and_deselects_then() {
    let (mut harness, shared) = window();
    harness.event(egui::Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("web");
    harness.run();
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Deployment shop/web").is_none());
    assert_eq!(shared.sent(), []);
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(None)]);
}

#[test]
fn the_palette_opens_by_key_and_runs_a_command() {
    let (mut harness, shared) = window();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    let field = harness.get_by_label("Type a command");
    assert!(field.is_focused());
    field.type_text("unfold all");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(shared.sent(), [Command::FoldAll(false)]);
    assert!(harness.query_by_label("Type a command").is_none());

    harness.event(egui::Event::Text("?".to_owned()));
    harness.run();
    assert!(harness.query_by_label("Export the sketch… Ctrl E").is_some(), "help lists the keys");
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Type a command").is_none());
    assert_eq!(shared.sent(), [], "this Esc was the palette's");
}

#[test]
fn export_saves_to_the_path_in_the_field() {
    let (mut harness, shared) = window();
    harness.get_by_label("Export…").click();
    harness.run();
    let field = harness.get_by_label("Path of the file");
    assert!(field.value().unwrap().ends_with("close-payments.yaml"));
    // No dialog service: the field stays, and says so.
    harness.get_by_label("Browse…").click();
    harness.run();
    assert!(harness.query_by_label_contains("type the path here").is_some());
    harness.get_by_label("Save").click();
    harness.run();
    let [Command::ExportTo(path)] = &shared.sent()[..] else { panic!("one export is asked for") };
    assert!(path.ends_with("close-payments.yaml"));
    assert!(harness.query_by_label("Path of the file").is_none());
}

#[test]
fn export_takes_the_path_of_the_dialog_and_asks_before_it_replaces() {
    let folder = std::env::temp_dir().join(format!("portolan-panels-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let new = folder.join("new.yaml");
    let (mut harness, shared) = window_of(sample::view(), Some(new.clone()));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    harness.run();
    harness.get_by_label("Browse…").click();
    harness.run();
    std::fs::write(&new, "here already").unwrap();
    harness.get_by_label("Save").click();
    harness.run();
    assert_eq!(shared.sent(), []);
    harness.get_by_label("Replace").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::ExportTo(new)]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn sources_are_opened_from_the_picker() {
    let mut view = sample::view();
    view.sketch.edits.clear();
    let (mut harness, shared) = window_of(view, Some(PathBuf::from("/srv/manifests")));
    harness.get_by_label("Source prod-eu").click();
    harness.run();
    harness.get_by_label_contains("staging").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::OpenContext("context/staging".to_owned())]);

    harness.get_by_label("Source prod-eu").click();
    harness.run();
    harness.get_by_label("Open manifests folder…").click();
    harness.run();
    harness.get_by_label("Browse…").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::OpenManifests(vec![PathBuf::from("/srv/manifests")])]);
}

#[test]
fn edits_are_not_thrown_away_without_a_question() {
    let (mut harness, shared) = window();
    for answer in ["Keep", "Throw away"] {
        harness.get_by_label("Source prod-eu").click();
        harness.run();
        harness.get_by_label_contains("staging").click();
        harness.run();
        assert_eq!(shared.sent(), []);
        assert!(harness.query_by_label("Throw the sketch away?").is_some());
        harness.get_by_label(answer).click();
        harness.run();
        assert!(harness.query_by_label("Throw the sketch away?").is_none(), "{answer} closes the question");
    }
    assert_eq!(shared.sent(), [Command::OpenContext("context/staging".to_owned())]);
}

#[test]
fn the_status_bar_tells_the_truth() {
    let (mut harness, shared) = window();
    for (freshness, words) in [
        (Freshness::Loading(3, 9), "loading 3 of 9 kinds"),
        (Freshness::Stale("since 12:04, connection refused".to_owned()), "stale since 12:04, connection refused"),
        (Freshness::Unauthorised("the token expired".to_owned()), "unauthorised: the token expired"),
        (Freshness::Static, "prod-eu"),
    ] {
        shared.change(|view| view.status.freshness = freshness);
        harness.run();
        assert!(harness.query_by_label(words).is_some(), "{words:?} is not shown");
    }
    shared.change(|view| view.status.notice = Some(Notice { text: "saved 2 objects".to_owned(), is_failure: false }));
    harness.run();
    assert!(harness.query_by_label("saved 2 objects").is_some());
}

#[test]
fn the_tabs_of_the_sketch_show_difference_and_warnings() {
    let (mut harness, shared) = window();
    harness.get_by_label("Difference 3").click();
    harness.run();
    harness.get_by_label("- lost payments/payments-worker to Internet any").click();
    harness.run();
    assert_eq!(shared.sent(), [Command::Select(Some("workload/payments/Deployment/payments-worker".to_owned()))]);
    harness.get_by_label("Warnings 1").click();
    harness.run();
    harness.get_by_label_contains("endPort is lower than port").click();
    harness.run();
    assert!(matches!(&shared.sent()[..], [Command::OpenObject { pointer, .. }] if pointer == "/spec/egress/0/ports/0/endPort"));
    assert!(harness.query_by_label("YAML of the object").is_some(), "the editor comes to the front");
}

#[test]
fn a_small_window_and_thousands_of_rows_are_drawn() {
    let mut view = sample::view();
    let rows = view.inspector.as_ref().unwrap().destinations.clone();
    for index in 0..5_000 {
        let mut row = rows[index % rows.len()].clone();
        row.peer = format!("peer/{index}");
        view.inspector.as_mut().unwrap().destinations.push(row);
        let mut namespace = view.namespaces[1].clone();
        namespace.id = format!("namespace/n{index}");
        namespace.name = format!("n{index}");
        std::sync::Arc::make_mut(&mut view.namespaces).push(namespace);
    }
    let (mut harness, _) = window_of(view, None);
    assert!(harness.query_all_by_label_contains("namespace n").count() < 60, "what is out of sight is not drawn");
    for size in [[640.0, 360.0], [320.0, 200.0], [3840.0, 2160.0]] {
        harness.set_size(size.into());
        harness.run();
    }
}
