//! What is assumed: detected, chosen, and changed in the window; every verdict follows.

use std::path::Path;

use portolan::map::model::Tone;
use portolan::worker::Opening;
use serde_json::{Value, json};

use super::desk::{Desk, EDITOR};

pub fn pod(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running", "podIPs": [{"ip": address}]}
    })
}

pub fn policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "by-address", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [
            {"to": [{"podSelector": {"matchLabels": {"app": "cache"}}}]},
            {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]}]}
    })
}

pub fn cilium() -> Value {
    let labels = json!({"k8s-app": "cilium"});
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"hostNetwork": true, "containers": [{"name": "agent"}]}}}
    })
}

/// The window on manifests of these objects, with `shop/web` selected.
pub fn open(folder: &Path, objects: &[Value]) -> Desk {
    let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
    std::fs::write(folder.join("all.yaml"), text.join("\n---\n")).unwrap();
    let mut desk = Desk::open(Opening::Manifests(vec![folder.to_owned()]));
    desk.until("the pods are there", |desk| desk.sees("workload shop/web"));
    desk.search("shop/web", "workload/shop/Pod/web");
    desk
}

/// How `web` stands to `db`, by the row of the inspector; `None` is a denial.
fn tone(desk: &Desk) -> Option<Tone> {
    let view = desk.view();
    view.inspector.as_ref()?.destinations.iter().find(|row| row.title == "db").and_then(|row| row.tone)
}

#[test]
fn an_assumption_changes_a_verdict_and_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &[pod("web", "10.1.0.1"), pod("db", "10.1.0.2"), policy()]);
    assert_eq!(tone(&desk), Some(Tone::Allowed));
    desk.click("profile upstream");
    desk.must_see("Detected no network plugin that is known, which stands for profile upstream");
    desk.click("ip-block-selects-pods no");
    desk.until_view("the block holds no pods", |view| view.status.profile == "profile upstream +1");
    assert_eq!(tone(&desk), None);
    desk.must_see("changed, profile says yes");
    desk.click("ip-block-selects-pods unsettled");
    desk.until("it depends", |desk| tone(desk) == Some(Tone::Depends));
    desk.click("Done");

    // The reason leads back to the assumption, and the choice of what the profile says is a reset.
    let words = "depends on the assumption ip-block-selects-pods: a block of addresses holds the pod";
    let row = desk.labels().into_iter().find(|label| label.starts_with("db, shop, 5432/TCP, depends")).expect("the row is there");
    desk.click(&row);
    desk.click(words);
    desk.click("ip-block-selects-pods yes");
    desk.until_view("it is as the profile says", |view| view.status.profile == "profile upstream");
    assert_eq!(tone(&desk), Some(Tone::Allowed));
    assert!(!desk.sees_part("changed, profile says"));
}

#[test]
fn the_plugin_is_detected_and_a_person_may_know_better() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &[pod("web", "10.1.0.1"), pod("db", "10.1.0.2"), policy(), cilium()]);
    assert_eq!(desk.view().status.profile, "profile cilium");
    assert_eq!(tone(&desk), None, "to Cilium, a block holds no pods");
    desk.click("profile cilium");
    desk.must_see("Detected Cilium (DaemonSet kube-system/cilium)");
    desk.click("profile calico");
    desk.until("it is Calico's answer", |desk| tone(desk) == Some(Tone::Allowed));
    desk.click("profile as detected");
    desk.until("and Cilium's again", |desk| tone(desk).is_none());
}

#[test]
fn both_sides_of_the_sketch_are_answered_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &[pod("web", "10.1.0.1"), pod("db", "10.1.0.2"), policy()]);
    desk.unfold_sketch();
    desk.click("Open object NetworkPolicy by-address");
    desk.until_seen(EDITOR);
    let text = desk.text().replace("port: 5432", "port: 5433");
    desk.replace_text(&text);
    desk.until_view("a port is another", |view| view.difference.rows.iter().any(|row| row.to == "shop/db"));
    desk.leave_editor();
    desk.click("profile upstream");
    desk.click("ip-block-selects-pods no");
    desk.until_view("between pods there is no difference", |view| !view.difference.rows.iter().any(|row| row.to == "shop/db"));
    assert_eq!(desk.view().sketch.edits.len(), 1);
}
