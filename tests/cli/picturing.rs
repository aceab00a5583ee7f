//! `portolan map`

use std::path::Path;

use portolan_tests::command_line::{portolan, portolan_error};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::Document;

use super::text;

/// Lets everybody out of the queue's namespace, whom nothing keeps in there.
const CLOSES_BATCH: &str = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: batch}
spec: {podSelector: {}, policyTypes: [Egress]}
";

fn svg(arguments: &[&str]) -> String {
    portolan(&[arguments, &["map", "--out", "-"]].concat()).unwrap()
}

/// The ids of what is in an SVG, of one class.
fn ids(svg: &str, class: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let of_class = document.descendants().filter(|element| element.attribute("class") == Some(class));
    of_class.map(|element| element.attribute("data-id").unwrap().to_owned()).collect()
}

fn has(svg: &str, class: &str, id: &str) -> bool {
    ids(svg, class).iter().any(|other| other == id)
}

#[test]
fn a_map_is_written_in_the_medium_that_the_file_is_named_for() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let said = portolan(&["--demo", "map", "--select", "payments/payments-api", "--out", text(&path)]).unwrap();
        assert_eq!(said, format!("saved the map to {}\n", path.display()));
        std::fs::read(path).unwrap()
    };
    let svg = String::from_utf8(write("a.svg")).unwrap();
    assert!(has(&svg, "node", "workload/payments/Deployment/payments-api"), "the namespace of what is selected is unfolded");
    assert!(has(&svg, "node", "namespace/shop"));
    assert!(svg.contains("selected payments-api"), "the caption names it");
    let png = Pixmap::decode_png(&write("a.png")).unwrap();
    assert!(png.width() > 1000 && png.height() > 1000);
    let dot = String::from_utf8(write("a.dot")).unwrap();
    assert!(dot.starts_with("digraph") && dot.contains("\"workload/payments/Deployment/payments-api\" ["));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else stays behind");
    assert_eq!(portolan(&["--demo", "map", "--out", "-", "--format", "dot", "--select", "payments/payments-api"]).unwrap(), dot);
}

#[test]
fn what_is_laid_over_is_gained_and_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.yaml");
    std::fs::write(&path, CLOSES_BATCH).unwrap();
    let before = svg(&["--demo"]);
    assert!(!before.contains("lost by the sketch"));
    let after = svg(&["--demo", "--apply", text(&path)]);
    assert!(has(&after, "edge", "edge/namespace/batch>addresses/Internet, any port/lost"), "{:?}", ids(&after, "edge"));
    assert!(after.contains("lost by the sketch") && after.contains("with 1 edit, 0 gained, "));

    let missing = portolan_error(&["--demo", "--delete", text(&path), "map", "--out", "-"]);
    assert_eq!(missing, "networking.k8s.io/v1 NetworkPolicy batch/closed is to be deleted and is not there");
}

#[test]
fn what_is_deleted_is_lost_or_gained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.yaml");
    std::fs::write(&path, CLOSES_BATCH).unwrap();
    let manifests = super::demo_folder();
    let both = ["--manifests", text(&manifests), "--manifests", text(&path)];
    let after = svg(&[&both[..], &["--delete", text(&path)]].concat());
    assert!(has(&after, "edge", "edge/namespace/batch>addresses/Internet, any port/gained"), "{:?}", ids(&after, "edge"));
}

#[test]
fn what_is_named_is_folded_hidden_and_selected() {
    let map = |arguments: &[&str]| portolan(&[&["--demo", "map", "--out", "-"], arguments].concat()).unwrap();
    let unfolded = map(&["--unfold", "shop"]);
    assert!(has(&unfolded, "group", "namespace/shop") && has(&unfolded, "node", "namespace/payments"));
    let all = map(&["--unfold-all", "--fold", "shop"]);
    assert!(has(&all, "node", "namespace/shop") && has(&all, "group", "namespace/payments"));

    let hidden = map(&["--hide", "entry-paths,egress"]);
    assert!(ids(&hidden, "node").iter().all(|id| id.starts_with("namespace/")), "{:?}", ids(&hidden, "node"));
    assert!(hidden.contains("without entry paths, egress, DNS and monitoring"));
    assert!(map(&["--noisy"]).len() > map(&[]).len());

    for (named, title) in [
        ("shop/cart", "selected cart"),
        ("shop/svc/cart", "selected cart"),
        ("catalog/images-origin", "selected images-origin"),
        ("namespace/shop", "selected shop"),
        ("outside", "selected Internet"),
        ("192.0.2.40", "selected 192.0.2.32/28"),
        ("https://shop.example/", "selected https://shop.example/"),
    ] {
        let svg = map(&["--select", named]);
        assert!(svg.contains(&format!("{title}, ")), "{named}: {}", svg.lines().nth(2).unwrap());
    }
    assert_ne!(map(&["--dark"]), map(&[]));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let error = |arguments: &[&str]| portolan_error(&[&["--demo", "map"], arguments].concat());
    assert_eq!(error(&["--out", "map.jpeg"]), "map.jpeg does not end in .svg, .png or .dot");
    assert_eq!(error(&["--out", "-", "--unfold", "shops"]), "there is no namespace \"shops\"");
    assert_eq!(error(&["--out", "-", "--unfold", "shop/carts"]), "there is no workload \"carts\" in namespace \"shop\"");
    let unknown = error(&["--out", "-", "--select", "shop/carts"]);
    assert_eq!(unknown, "there is no pod or workload \"carts\" with a pod in namespace \"shop\"");
    let left_out = error(&["--out", "-", "--select", "outside", "--hide", "entry-paths,egress"]);
    assert_eq!(left_out, "outside is not on the map: --only, --hide or a filter leaves it out");
    let unreachable = portolan_error(&["--demo=clinic", "map", "--out", "-", "--select", "2001:db8::1"]);
    assert_eq!(unreachable, "no workload may reach 2001:db8::1: it is not on the map");
    let nowhere = Path::new("/no/such/folder/map.svg");
    assert!(error(&["--out", text(nowhere)]).starts_with("/no/such/folder/map.svg cannot be written: "));
}
