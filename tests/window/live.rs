//! A live cluster behind the window: the stand-in API server, over real HTTP.

use std::time::{Duration, Instant};

use egui_kittest::kittest::NodeT;
use portolan::map::model::Tone;
use portolan::view_model::{Freshness, Isolation};
use portolan::worker::{Opening, Sources};
use portolan_core::{Kind, ObjectKey};
use portolan_tests::api_server::ApiServer;
use serde_json::{Value, json};

use super::desk::{Desk, EDITOR, visit};
use super::manifests::open_folder;

/// A server with two pods, the runtime that it runs on, and a kubeconfig that leads to it.
struct Cluster {
    server: ApiServer,
    _runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Cluster {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(ApiServer::start()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        server.write_kubeconfig(&folder.path().join("config"), "stand-in", "shop").unwrap();
        server.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        server.apply(pod("web-0", "web", "10.1.0.1"));
        server.apply(pod("db-0", "db", "10.1.0.2"));
        Self { server, _runtime: runtime, folder }
    }

    fn open(&self) -> Desk {
        let sources = Sources::new(Vec::new(), Some(self.folder.path().join("config")));
        Desk::open_with(sources, Opening::Context(String::new()))
    }

    /// The window on it, when everything streams.
    fn desk(&self) -> Desk {
        let mut desk = self.open();
        desk.until_view("everything streams", |view| view.status.freshness == Freshness::Live);
        desk
    }
}

fn pod(name: &str, app: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
        "spec": {"containers": [{"name": "c"}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address}], "conditions": [{"type": "Ready", "status": "True"}]}
    })
}

fn policy(egress: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": egress}
    })
}

#[test]
fn what_happens_in_the_cluster_shows_within_a_second() {
    let cluster = Cluster::start();
    let mut desk = cluster.desk();
    for text in ["live", "stand-in", "2 pods, 2 workloads, 0 policies", "Source stand-in", "workload shop/web-0", "workload shop/db-0"] {
        desk.must_see(text);
    }
    assert!(desk.sees_part("namespace shop, 2 pods, in open, out open"), "{:#?}", desk.labels());
    desk.search("shop/web-0", "workload/shop/Pod/web-0");
    assert_eq!(desk.destination("Internet, any port").tone, Some(Tone::Open));

    let started = Instant::now();
    cluster.server.apply(policy(json!([{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}])));
    desk.until_view("the way out is closed", |view| {
        view.inspector.as_ref().is_some_and(|inspector| inspector.destinations.iter().all(|row| row.title != "Internet, any port"))
    });
    assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
    assert_eq!(desk.destination("db-0").because, "web, egress rule 1");
    assert_eq!(desk.view().namespaces[0].outward, Isolation::Partly);
    desk.must_see("2 pods, 2 workloads, 1 policy");
    assert!(desk.view().difference.rows.is_empty(), "what the cluster changes is not the sketch's doing");

    cluster.server.apply(pod("late-0", "late", "10.1.0.3"));
    desk.until_seen("workload shop/late-0");
    cluster.server.delete(&ObjectKey::new(Kind::Pod, "shop", "late-0"));
    desk.until("it is gone", |desk| !desk.sees("workload shop/late-0"));
    for _ in 0..3 {
        desk.harness.step();
        assert_eq!(desk.next_frame(), Duration::MAX, "a cluster in which nothing happens asks for no frame");
    }
}

/// The plugin is found when its DaemonSet appears, and forgotten when it goes.
#[test]
fn the_profile_follows_the_plugin() {
    let cluster = Cluster::start();
    let mut desk = cluster.desk();
    desk.must_see("profile upstream");
    cluster.server.apply(super::assumptions::cilium());
    desk.until_seen("profile cilium");
    desk.click("profile cilium");
    desk.must_see("Detected Cilium (DaemonSet kube-system/cilium)");
    desk.click("Done");
    cluster.server.delete(&ObjectKey::new(Kind::DaemonSet, "kube-system", "cilium"));
    desk.until_seen("profile upstream");
}

#[test]
fn a_change_beneath_an_edit_is_a_conflict() {
    let cluster = Cluster::start();
    cluster.server.apply(policy(json!([])));
    let mut desk = cluster.desk();
    desk.unfold_sketch();
    desk.click("Open object NetworkPolicy web");
    desk.until_seen(EDITOR);
    let text = desk.text();
    assert!(!text.contains("resourceVersion") && !text.contains("uid:"), "{text}");
    desk.replace_text(&text.replace("egress: []", "egress:\n  - {}"));
    desk.until_view("it is an edit", |view| view.sketch.edits.len() == 1 && view.difference.n_gained > 0);

    cluster.server.apply(policy(json!([{"ports": [{"port": 443}]}])));
    desk.until_view("the conflict is told", |view| view.sketch.edits.iter().any(|edit| edit.conflict.is_some()));
    desk.must_see("Edit of NetworkPolicy shop/web, conflict, it has changed in the cluster since");
    assert!(desk.text().contains("- {}"), "what is typed stays: {}", desk.text());
}

#[test]
fn a_kind_that_may_not_be_seen_is_told() {
    let cluster = Cluster::start();
    cluster.server.forbid(Kind::Ingress, &[]);
    let mut desk = cluster.open();
    desk.until_seen("! 1 kind cannot be seen");
    let unseen = desk.view().status.unseen.clone();
    assert!(
        matches!(unseen.as_slice(), [line] if line.starts_with("ingresses cannot be seen: ingresses.networking.k8s.io is forbidden")),
        "{unseen:?}"
    );
    // The reason is there for those who do not hover.
    let mut descriptions = Vec::new();
    visit(desk.harness.root(), &mut |node| descriptions.extend(node.accesskit_node().data().description().map(str::to_owned)));
    assert!(descriptions.iter().any(|description| description.contains("ingresses cannot be seen: ")), "{descriptions:?}");
    desk.until_view("the rest streams", |view| view.status.freshness == Freshness::Live);
    desk.must_see("workload shop/web-0");
}

/// What may be listed in one of two namespaces is not claimed to be seen in the other.
#[test]
fn a_kind_is_seen_only_where_it_was_listed() {
    let cluster = Cluster::start();
    cluster.server.forbid(Kind::Ingress, &[]);
    cluster.server.forbid(Kind::NetworkPolicy, &["shop"]);
    let namespaces = vec!["data".to_owned(), "shop".to_owned()];
    let mut desk = Desk::open_with(Sources::new(namespaces, Some(cluster.folder.path().join("config"))), Opening::Context(String::new()));
    let is_said = |line: &str, start: &str| line.starts_with(start);
    desk.until_view("both are told", |view| {
        let unseen = &view.status.unseen;
        unseen.iter().any(|line| is_said(line, "networkpolicies are seen in shop only: ")) && view.status.freshness == Freshness::Live
    });
    std::thread::sleep(Duration::from_millis(200));
    desk.harness.run();
    let unseen = desk.view().status.unseen.clone();
    assert!(unseen.iter().any(|line| is_said(line, "ingresses cannot be seen: ")), "{unseen:?}");
    desk.must_see("! 2 kinds cannot be seen");
}

#[test]
fn an_old_source_has_no_say_any_more() {
    let cluster = Cluster::start();
    let mut desk = cluster.desk();
    desk.click("Source stand-in");
    desk.click("Demo: a web shop");
    desk.until_view("the demo is open", |view| view.status.source == "demo" && view.namespaces.len() == 10);
    let generation = desk.view().generation;
    cluster.server.apply(pod("stray-0", "stray", "10.1.0.9"));
    std::thread::sleep(Duration::from_millis(300));
    desk.harness.run();
    assert_eq!(desk.view().generation, generation, "a closed source wakes nobody");
    assert_eq!(desk.view().status.freshness, Freshness::Static);
    assert!(!desk.view().search_index.iter().any(|entry| entry.title.contains("stray")));

    cluster.server.delete(&ObjectKey::new(Kind::Pod, "shop", "db-0"));
    desk.click("Source demo");
    desk.click_part("stand-in");
    desk.until_view("the cluster is open again", |view| view.status.freshness == Freshness::Live);
    desk.must_see("workload shop/stray-0");
    let view = desk.view();
    assert_eq!((view.status.source.as_str(), view.namespaces.len()), ("stand-in", 1));
    assert!(!view.search_index.iter().any(|entry| entry.title.contains("db-0")), "and it is as it is now");
    assert!(!view.map.nodes.iter().any(|node| node.id.contains("payments")));
}

#[test]
fn a_folder_that_is_not_there_leaves_the_cluster_streaming() {
    let cluster = Cluster::start();
    let mut desk = cluster.desk();
    open_folder(&mut desk, std::path::Path::new("/no/such/folder"));
    desk.until("it is told", |desk| desk.sees_part("not opened: "));
    assert_eq!(desk.view().status.freshness, Freshness::Live);
    cluster.server.apply(pod("late-0", "late", "10.1.0.3"));
    desk.until_seen("workload shop/late-0");
}

#[test]
fn a_server_that_is_away_is_told() {
    let cluster = Cluster::start();
    cluster.server.set_unauthorised(true);
    let mut desk = cluster.open();
    desk.until("it is told", |desk| desk.sees_part("unauthorised: "));
    cluster.server.set_unauthorised(false);
    desk.until_view("and then it streams", |view| view.status.freshness == Freshness::Live);

    let mut nowhere = Desk::open_with(
        Sources::new(Vec::new(), Some(cluster.folder.path().join("config"))),
        Opening::Context("no-such-context".to_owned()),
    );
    nowhere.until("it is told", |desk| desk.sees_part("failed: there is no context"));
    assert!(nowhere.sees_part("stand-in"), "those that there are, are named: {:?}", nowhere.view().status);
}
