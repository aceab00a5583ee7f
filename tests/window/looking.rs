//! Opening the demo and looking at it: the tree, the search field, the inspector, and the reasons that lead to the sketch.

use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use portolan::map::model::Tone;
use portolan::view_model::Freshness;

use super::desk::{Desk, EDITOR};

pub const NAMESPACES: [&str; 10] =
    ["batch", "catalog", "data", "identity", "ingress-nginx", "kube-system", "monitoring", "orders", "payments", "shop"];

pub const DEBUG: &str = "networking.k8s.io/v1 NetworkPolicy payments/debug-2024";

/// The name of the inspector's row that `debug-2024` is to blame for.
#[track_caller]
pub fn way_out(desk: &Desk) -> String {
    let row = desk.destination("Internet, any port");
    format!("{}, {}, {}, unrestricted, debug-2024, egress rule 1", row.title, row.place, row.ports)
}

#[test]
fn the_demo_opens() {
    let desk = Desk::demo();
    let view = desk.view();
    assert_eq!(view.namespaces.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), NAMESPACES);
    for name in NAMESPACES {
        assert!(desk.sees_part(&format!("namespace {name}, ")), "{name} is in the tree");
        // With more than five namespaces, each is one node.
        desk.must_see(&format!("namespace {name}"));
    }
    assert!(view.namespaces.iter().all(|row| !row.unfolded));
    assert!(!desk.sees_part("workload "));
    assert_eq!(view.status.freshness, Freshness::Static);
    for text in ["demo", "210 pods, 56 workloads, 38 policies", "profile upstream", "nothing is written to the cluster"] {
        desk.must_see(text);
    }
    assert!(view.warnings.is_empty() && view.sketch.edits.is_empty() && view.difference.rows.is_empty());
    assert!(desk.harness.get_by_label("Undo").accesskit_node().is_disabled());
}

#[test]
fn a_pod_is_selected_through_the_tree() {
    let mut desk = Desk::demo();
    desk.unfold("namespace payments, ");
    desk.until("payments is unfolded", |desk| desk.sees_part("workload payments-api, "));
    desk.must_see("workload payments/payments-api");
    assert!(!desk.sees("workload shop/web"), "the others stay folded");

    desk.unfold("workload payments-api, ");
    desk.until("its pods are listed", |desk| desk.sees_part("pod payments-api-"));
    let pod = desk.labels().into_iter().find(|label| label.starts_with("pod payments-api-")).expect("its pods are listed");
    let name = pod.strip_prefix("pod ").unwrap();
    desk.click(&pod);
    desk.until_selected(&format!("pod/payments/{name}"));
    assert!(desk.harness.get_by_label(&pod).accesskit_node().toggled().is_some_and(|toggled| toggled == egui::accesskit::Toggled::True));
    assert!(desk.sees_part(&format!("{name}, Pod in payments, of Deployment payments-api, ")));
    // Its workload is unfolded, so it stands on the map itself.
    assert_eq!(desk.view().map_focus, Some(format!("pod/payments/{name}")));
    let on_map = format!("pod payments/{name}");
    assert!(desk.harness.get_by_label(&on_map).accesskit_node().is_selected().unwrap_or(false));
}

#[test]
fn a_pod_is_selected_through_the_search_field() {
    let mut desk = Desk::demo();
    let id = desk.view().search_index.iter().find(|entry| entry.title.starts_with("payments/payments-api-")).unwrap().id.clone();
    let name = id.rsplit('/').next().unwrap().to_owned();
    desk.search(&name, &id);
    // Its namespace unfolds, so that the map can show it.
    desk.must_see("workload payments/payments-api");
    assert!(desk.sees_part(&format!("{name}, Pod in payments")));
    let address = desk.view().search_index.iter().find(|entry| entry.id == id).unwrap().addresses().next().unwrap();
    desk.search("namespace shop", "namespace/shop");
    desk.search(&address.to_string(), &id);
}

#[test]
fn search_is_by_kind_label_and_range_and_says_why() {
    let mut desk = Desk::demo();
    desk.type_query("kind:deploy app.kubernetes.io/name=payments-api");
    let found = desk.harness.get_by_label("Deployment payments/payments-api");
    assert_eq!(found.accesskit_node().data().description(), Some("app.kubernetes.io/name=payments-api"));
    assert!(!desk.sees_part("Pod payments/payments-api-"), "only what was asked for");
    desk.press(Key::Escape);

    // More than are listed are counted.
    desk.type_query("10.0.0.0/8");
    assert!(desk.sees_part("50 of "), "{:#?}", desk.labels());
    desk.press(Key::Escape);

    // What lies outside is on the map alone.
    desk.type_query("internet");
    desk.must_see("outside Internet");
    desk.press(Key::ArrowDown);
    desk.press(Key::ArrowUp);
    desk.press(Key::Enter);
    desk.until_selected("outside/internet");
}

#[test]
fn a_reason_leads_to_the_rule_behind_it() {
    let mut desk = Desk::demo();
    select_payments_api(&mut desk);
    let out = desk.destination("Internet, any port");
    assert_eq!((out.tone, out.because.as_str()), (Some(Tone::Open), "debug-2024, egress rule 1"));
    let db = desk.destination("payments-db");
    assert_eq!((db.place.as_str(), db.ports.as_str(), db.tone), ("data", "5432/TCP", Some(Tone::Allowed)));

    let way_out = way_out(&desk);
    // The last row is found by scrolling to it.
    let label = "payments-db, data, 5432/TCP, allowed, allow-db, egress rule 1";
    desk.scroll_until_seen(&way_out, label);
    desk.click(label);
    for text in ["allow-db egress rule 1 allows 5432/TCP", "payments-db ingress rule 1 allows 5432/TCP"] {
        desk.must_see(text);
    }
    desk.scroll_up_until_seen(label, &way_out);
    desk.click(&way_out);
    desk.must_see("debug-2024 egress rule 1 allows any port");

    // A reason brings the editor to the front.
    desk.click("Difference 0");
    desk.click("debug-2024 egress rule 1 allows any port");
    desk.until_seen(EDITOR);
    let open = desk.view().sketch.open.clone().expect("the object is open");
    assert_eq!(open.key, DEBUG);
    let lines = open.marked_lines.clone().expect("the rule is marked");
    let marked: Vec<&str> = open.text.lines().skip(lines.start() - 1).take(lines.count()).collect();
    assert_eq!(
        marked,
        ["  - to:", "    - ipBlock:", "        cidr: 0.0.0.0/0", "        except:", "        - 10.0.0.0/8"],
        "in {}",
        open.text
    );
    assert_eq!(desk.text(), open.text);
    desk.must_see("NetworkPolicy payments/debug-2024");
}

/// Selects the Deployment whose way out is the story of the demo.
pub fn select_payments_api(desk: &mut Desk) {
    desk.search("payments/payments-api", "workload/payments/Deployment/payments-api");
}
