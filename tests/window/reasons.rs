//! From a verdict to the rule behind it: what is denied and why, and the lines of the object that a reason names.

use portolan::map::model::Tone;
use portolan::worker::Opening;
use serde_json::{Value, json};

use super::assumptions::{open, pod, policy};
use super::desk::{Desk, EDITOR};

/// The key of the object in the editor, and its marked lines without their indentation.
#[track_caller]
fn marked(desk: &Desk) -> (String, Vec<String>) {
    let open = desk.view().sketch.open.clone().expect("an object is open");
    let lines = open.marked_lines.clone().expect("lines are marked");
    let text: Vec<String> = open.text.lines().skip(lines.start() - 1).take(lines.count()).map(|line| line.trim().to_owned()).collect();
    (open.key, text)
}

/// Clicks a reason and returns what it opens.
#[track_caller]
fn follow(desk: &mut Desk, reason: &str) -> (String, Vec<String>) {
    let revision = |desk: &Desk| desk.view().sketch.open.as_ref().map(|open| open.revision);
    let before = revision(desk);
    desk.click(reason);
    desk.until("it opens", |desk| revision(desk) != before);
    desk.must_see(EDITOR);
    marked(desk)
}

fn pods() -> Vec<Value> {
    vec![pod("web", "10.1.0.1"), pod("db", "10.1.0.2"), pod("cache", "10.1.0.3")]
}

const KEY: &str = "networking.k8s.io/v1 NetworkPolicy shop/by-address";

#[test]
fn a_reason_marks_its_rule_from_the_first_line_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &[pods(), vec![policy()]].concat());
    desk.click("db, shop, 5432/TCP, allowed, by-address, egress rule 2");
    let (key, lines) = follow(&mut desk, "by-address egress rule 2 allows 5432/TCP");
    assert_eq!(
        (key.as_str(), lines),
        (KEY, ["- to:", "- ipBlock:", "cidr: 10.0.0.0/8", "ports:", "- port: 5432"].map(str::to_owned).to_vec())
    );
}

#[test]
fn what_is_denied_is_listed_when_asked_for_and_every_rule_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut narrow = policy();
    narrow["spec"]["egress"][1]["to"] = json!([{"ipBlock": {"cidr": "10.2.0.0/16"}}, {"ipBlock": {"cidr": "10.3.0.0/16"}}]);
    let mut desk = open(folder.path(), &[pods(), vec![narrow]].concat());
    assert!(!desk.sees_part("db, shop, denied"), "what is denied is not in the way");
    desk.click("Show 1 denied");
    desk.click("db, shop, denied, closed by by-address");
    desk.must_see("by-address isolates shop/web for egress, and none of its 2 rules fits");
    let (key, lines) = follow(&mut desk, "rule 2 peer 2 is for 10.3.0.0/16; shop/db has 10.1.0.2");
    assert_eq!((key.as_str(), lines), (KEY, ["- ipBlock:", "cidr: 10.3.0.0/16"].map(str::to_owned).to_vec()));
    let (_, lines) = follow(&mut desk, "rule 1 is for pods with app=cache; shop/db has app=db");
    assert_eq!(lines.first().map(String::as_str), Some("- podSelector:"));
    desk.click("Hide 1 denied");
    assert!(!desk.sees_part("db, shop, denied"));
}

#[test]
fn a_policy_without_rules_is_marked_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut closed = policy();
    closed["spec"]["egress"] = json!([]);
    let mut desk = open(folder.path(), &[pods(), vec![closed]].concat());
    desk.click("Destinations 0");
    desk.click("Show 2 denied");
    desk.click("db, shop, denied, closed by by-address");
    let (_, lines) = follow(&mut desk, "by-address isolates shop/web for egress and has no egress rule");
    assert_eq!((lines.first().map(String::as_str), lines.last().map(String::as_str)), (Some("spec:"), Some("egress: []")));
}

/// A policy of the whole cluster has no namespace in its key.
#[test]
fn a_rule_of_the_whole_cluster_is_marked_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": {"name": "fence"},
        "spec": {"tier": "Admin", "priority": 10, "subject": {"namespaces": {}}, "egress": [
            {"name": "names", "action": "Pass", "to": [{"namespaces": {"matchLabels": {"a": "b"}}}]},
            {"name": "no-db", "action": "Deny", "to": [{"pods": {"podSelector": {"matchLabels": {"app": "db"}}}}]}]}
    });
    let mut desk = open(folder.path(), &[pods(), vec![cluster]].concat());
    desk.click("Show 1 denied");
    assert_eq!(desk.view().inspector.as_ref().unwrap().denied_destinations.0[0].tone, Some(Tone::Denied));
    desk.click("db, shop, denied, fence, egress rule 2");
    let (key, lines) = follow(&mut desk, "fence egress rule 2 denies any port");
    assert_eq!(key, "policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy fence");
    let ends = (lines.first().map(String::as_str), lines.last().map(String::as_str));
    assert_eq!((ends, lines.len()), ((Some("- name: no-db"), Some("app: db")), 7), "{lines:?}");
}

/// Reasons for hundreds of rows take longer than the rows themselves: those that are not seen at once get them when somebody looks.
#[test]
fn rows_further_down_get_their_reasons_when_they_come_into_sight() {
    let folder = tempfile::tempdir().unwrap();
    let many = (0..60).map(|n| pod(&format!("p-{n:02}"), &format!("10.1.1.{n}")));
    let text: Vec<String> = pods().into_iter().chain(many).map(|pod| pod.to_string()).collect();
    std::fs::write(folder.path().join("all.yaml"), text.join("\n---\n")).unwrap();
    let mut desk = Desk::open(Opening::Manifests(vec![folder.path().to_owned()]));
    desk.until_view("the pods are there", |view| view.namespaces.iter().any(|row| row.n_pods == 63));
    desk.search("shop/web", "workload/shop/Pod/web");
    let reasons = |view: &portolan::view_model::View| -> Vec<(bool, bool)> {
        let rows = &view.inspector.as_ref().unwrap().destinations;
        rows.iter().map(|row| (row.waits, row.because.is_empty() && row.why.is_empty())).collect()
    };
    let before = reasons(&desk.view());
    assert_eq!(before.len(), 63);
    assert!(before[..40].iter().all(|row| *row == (false, false)) && before[40..].iter().all(|row| *row == (true, true)), "{before:?}");
    let first = desk.labels().into_iter().find(|label| label.starts_with("cache, shop")).unwrap();
    desk.wheel_over(&first, -2_400.0);
    desk.until_view("all have reasons", |view| reasons(view).iter().all(|row| *row == (false, false)));
    desk.search("shop/db", "workload/shop/Pod/db");
    assert_eq!(reasons(&desk.view())[50], (true, true), "what is selected next is as quick");
}
