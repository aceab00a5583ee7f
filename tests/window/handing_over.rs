//! Export through the dialog, and what another reader makes of the files: the command line gives the answers that the window showed.

use std::path::Path;

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use portolan_core::Object;
use portolan_core::analysis::{Host, Unit};
use portolan_core::assumptions::Assumptions;
use portolan_core::snapshot::Change;
use portolan_tests::command_line::{portolan_error, portolan_json};
use serde_json::Value;

use super::desk::Desk;
use super::editing::{CLOSED, assert_closed, desk_with_debug_open, open_object};
use super::looking::DEBUG;

const PATH: &str = "Path of the file";

/// Exports to a path that is typed into the dialog.
#[track_caller]
fn export(desk: &mut Desk, path: &Path) {
    desk.click("Export…");
    desk.harness.get_by_label(PATH).focus();
    desk.harness.run();
    desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    desk.harness.event(Event::Text(path.display().to_string()));
    desk.harness.run();
    desk.click("Save");
    desk.until_view("it is saved", |view| view.status.notice.is_some());
    let notice = desk.view().status.notice.clone().unwrap();
    assert!(!notice.is_failure && notice.text.starts_with("saved "), "{notice:?}");
    assert!(!desk.sees(PATH), "the dialog is closed");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The demo's connections after an edit that is made without window and files.
fn connections_after(change: Change) -> Value {
    let mut host = Host::new(Assumptions::default(), false);
    host.apply(portolan::source::demo::Demo::Shop.objects().iter().map(Change::apply));
    host.apply([change]);
    serde_json::to_value(host.analysis().connections(Unit::Workload)).unwrap()
}

fn debug_closed() -> Object {
    Object::new(serde_yaml::from_str(CLOSED).unwrap(), "default").unwrap().unwrap()
}

#[test]
fn an_exported_edit_gives_the_same_answers_when_it_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported.yaml");
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    export(&mut desk, &path);

    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(serde_yaml::from_str::<Value>(&written).unwrap(), serde_yaml::from_str::<Value>(CLOSED).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is written");

    let plain = portolan_json(&["--demo", "connections", "-o", "json"]);
    let applied = portolan_json(&["--demo", "--apply", text(&path), "connections", "-o", "json"]);
    assert_ne!(applied["connections"], plain["connections"]);
    assert_eq!(applied["connections"], connections_after(Change::apply(&debug_closed())));

    // What the window counts as lost is what a comparison by the command line's answers finds.
    let is_in = |answer: &Value, row: &Value| {
        answer["connections"].as_array().unwrap().iter().any(|other| other["from"] == row["from"] && other["to"] == row["to"])
    };
    let plain = plain["connections"].as_array().unwrap();
    let between = |row: &&Value| row["from"]["kind"] == "workload" && row["to"]["kind"] == "workload";
    let gone: Vec<&Value> = plain.iter().filter(between).filter(|row| !is_in(&applied, row)).collect();
    let rows = &desk.view().difference.rows;
    let lost = rows.iter().filter(|row| row.word == "- lost" && row.to_id.starts_with("workload/"));
    assert_eq!(lost.count(), gone.len());
    assert!(rows.iter().any(|row| row.word == "- lost"));
}

#[test]
fn an_exported_deletion_is_a_file_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported.yaml");
    let beside = folder.path().join("exported-delete.yaml");
    let mut desk = desk_with_debug_open();
    desk.click("Delete object");
    assert_closed(&mut desk);
    open_object(&mut desk, "namespace ingress-nginx", "Namespace ingress-nginx", "v1 Namespace ingress-nginx");
    let labelled = desk.text().replace("    team: platform\n", "    team: platform\n    network-zone: edge\n");
    desk.replace_text(&labelled);
    desk.until_view("both are edits", |view| view.sketch.edits.len() == 2);
    export(&mut desk, &path);

    let deletion: Value = serde_yaml::from_str(&std::fs::read_to_string(&beside).unwrap()).unwrap();
    assert_eq!((deletion["kind"].as_str(), deletion["metadata"]["name"].as_str()), (Some("NetworkPolicy"), Some("debug-2024")));
    let namespace: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(namespace["metadata"]["labels"]["network-zone"], "edge");
    assert!(namespace.get("status").is_none() && namespace["metadata"].get("uid").is_none(), "{namespace}");

    let deleted = portolan_json(&["--demo", "--delete", text(&beside), "connections", "-o", "json"]);
    let key = debug_closed().key;
    assert_eq!(key.to_string(), DEBUG);
    assert_eq!(deleted["connections"], connections_after(Change::Delete(key)));
    let paths = portolan_json(&["--demo", "--apply", text(&path), "--delete", text(&beside), "paths", "-o", "json"]);
    let old = paths["paths"].as_array().unwrap().iter().find(|path| path["host"] == "old.example").unwrap();
    assert_eq!(old["verdict"], "allowed");

    // What is not there cannot be deleted.
    let elsewhere = folder.path().join("elsewhere.yaml");
    std::fs::write(&elsewhere, std::fs::read_to_string(&beside).unwrap().replace("debug-2024", "debug-2025")).unwrap();
    let error = portolan_error(&["--demo", "--delete", text(&elsewhere), "connections"]);
    assert!(error.contains("payments/debug-2025 is to be deleted and is not there"), "{error}");
}

#[test]
fn an_edit_laid_over_manifests_is_the_same_as_one_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported.yaml");
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    export(&mut desk, &path);

    let demo = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo"));
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(demo).unwrap() {
        let file = entry.unwrap().path();
        let mut content = std::fs::read_to_string(&file).unwrap();
        if file.file_name().is_some_and(|name| name == "payments-policies.yaml") {
            // It is the last rule of the file.
            let way_out = content.rfind("  egress:\n").unwrap();
            assert!(content[way_out..].contains("cidr: 0.0.0.0/0"));
            content.replace_range(way_out.., "  egress: []\n");
        }
        std::fs::write(copy.join(file.file_name().unwrap()), content).unwrap();
    }
    let laid_over = portolan_json(&["--manifests", text(demo), "--apply", text(&path), "connections", "-o", "json"]);
    let in_the_file = portolan_json(&["--manifests", text(&copy), "connections", "-o", "json"]);
    assert_eq!(laid_over["connections"], in_the_file["connections"]);
    let plain = portolan_json(&["--manifests", text(demo), "connections", "-o", "json"]);
    assert_ne!(laid_over["connections"], plain["connections"]);
    let difference = portolan_json(&["diff", text(demo), text(&copy), "-o", "json"]);
    assert_eq!(difference["added"].as_array().map(Vec::len), Some(0));
    assert_ne!(difference["removed"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_file_is_replaced_only_when_asked_twice_and_a_failure_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported.yaml");
    std::fs::write(&path, "here before").unwrap();
    let mut desk = desk_with_debug_open();
    desk.replace_text(CLOSED);
    assert_closed(&mut desk);
    desk.click("Export…");
    let typed = |desk: &mut Desk, path: &Path| {
        desk.harness.get_by_label(PATH).focus();
        desk.harness.run();
        desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        desk.harness.event(Event::Text(path.display().to_string()));
        desk.harness.run();
    };
    typed(&mut desk, folder.path());
    desk.click("Save");
    desk.must_see("that is a folder, add a file name to it");
    typed(&mut desk, &path);
    desk.click("Save");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "here before");
    desk.click("Replace");
    desk.until_view("it is saved", |view| view.status.notice.is_some());
    assert!(std::fs::read_to_string(&path).unwrap().contains("debug-2024"));

    desk.click("Export…");
    typed(&mut desk, &folder.path().join("no/such/folder/exported.yaml"));
    desk.click("Save");
    desk.until_view("the failure is told", |view| view.status.notice.as_ref().is_some_and(|notice| notice.is_failure));
    assert!(desk.sees_part("not saved: "), "{:?}", desk.view().status.notice);
    assert_eq!(desk.view().sketch.edits.len(), 1, "the edit is still there");
}
