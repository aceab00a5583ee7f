//! The map as it is shown, saved as a picture through the dialog.

use std::path::Path;

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use portolan_tests::command_line::portolan;
use resvg::usvg::roxmltree::Document;

use super::desk::Desk;

const PATH: &str = "Path of the file";

fn typed(desk: &mut Desk, path: &Path) {
    desk.harness.get_by_label(PATH).focus();
    desk.harness.run();
    desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    desk.harness.event(Event::Text(path.display().to_string()));
    desk.harness.run();
}

fn ask(desk: &mut Desk) {
    desk.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    desk.harness.run();
}

#[test]
fn the_map_is_saved_as_the_command_line_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.svg");
    let mut desk = Desk::demo();
    desk.search("payments-api", "workload/payments/Deployment/payments-api");
    ask(&mut desk);
    desk.must_see("Save the map as a picture");
    typed(&mut desk, &folder.path().join("map.jpeg"));
    desk.click("Save");
    assert!(desk.sees_part("does not end in .svg, .png or .dot"), "{:?}", desk.labels());
    typed(&mut desk, &path);
    desk.click("Save");
    desk.until_view("it is saved", |view| view.status.notice.is_some());
    assert_eq!(desk.view().status.notice.as_ref().map(|notice| notice.text.clone()), Some(format!("saved the map to {}", path.display())));

    let saved = std::fs::read_to_string(&path).unwrap();
    let printed = portolan(&["--demo", "map", "--select", "payments/payments-api", "--out", "-"]).unwrap();
    let shown = |svg: &str| {
        let document = Document::parse(svg).unwrap();
        let mut shown: Vec<String> = Vec::new();
        for element in document.descendants().filter(|element| element.has_attribute("data-id") || element.has_tag_name("desc")) {
            let text = element.descendants().find_map(|child| child.text()).unwrap_or_default();
            shown.push(format!("{:?} {text}", element.attribute("data-id")));
        }
        shown.sort_unstable();
        shown
    };
    assert_eq!(shown(&saved), shown(&printed));
}

#[test]
fn a_picture_that_cannot_be_written_is_told() {
    let mut desk = Desk::demo();
    ask(&mut desk);
    typed(&mut desk, Path::new("/no/such/folder/map.png"));
    desk.click("Save");
    desk.until_view("the failure is told", |view| view.status.notice.as_ref().is_some_and(|notice| notice.is_failure));
    assert!(desk.sees_part("not saved: /no/such/folder/map.png cannot be written"), "{:?}", desk.view().status.notice);
}
