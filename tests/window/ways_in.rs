//! Ways in: where on the map one breaks, what the inspector says of its hops, and what a URL in the search field leads to.

use std::path::Path;
use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::Queryable;
use portolan::map::model::{Edge, Node, Outline, Tone};
use portolan::view_model::View;
use portolan::worker::Opening;
use serde_json::{Value, json};

use super::assumptions::pod;
use super::desk::{Desk, EDITOR};
use super::editing::open_object;

fn service(name: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}
    })
}

fn ingress(name: &str, class: &str, host: &str, paths: &[(&str, &str, u16)]) -> Value {
    let path = |(path, service, port): &(&str, &str, u16)| {
        let backend = json!({"service": {"name": service, "port": {"number": port}}});
        json!({"path": path, "pathType": "Prefix", "backend": backend})
    };
    let paths: Vec<Value> = paths.iter().map(path).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"ingressClassName": class, "rules": [{"host": host, "http": {"paths": paths}}]}
    })
}

/// A shop whose ways in break at the class, at the Service, at its port, at its endpoints and at a policy.
fn shop() -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
            "spec": {"controller": "k8s.io/ingress-nginx"}
        }),
        pod("web", "10.1.0.1"),
        pod("vault", "10.1.0.2"),
        service("web", "web"),
        service("idle", "nobody"),
        service("vault", "vault"),
        ingress("good", "nginx", "shop.example", &[("/", "web", 80), ("/gone", "gone", 80), ("/idle", "idle", 80), ("/port", "web", 99)]),
        ingress("dead", "nobody", "dead.example", &[("/", "web", 80)]),
        ingress("kept", "nginx", "vault.example", &[("/", "vault", 80)]),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "keep", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": "vault"}}, "policyTypes": ["Ingress"], "ingress": []}
        }),
    ]
}

fn open(folder: &Path, objects: &[Value]) -> Desk {
    let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
    std::fs::write(folder.join("all.yaml"), text.join("\n---\n")).unwrap();
    let mut desk = Desk::open(Opening::Manifests(vec![folder.to_owned()]));
    desk.until("the pods are there", |desk| desk.sees("workload shop/web"));
    desk
}

#[track_caller]
fn node(view: &View, id: &str) -> Node {
    let node = view.map.nodes.iter().find(|node| node.id == id);
    node.unwrap_or_else(|| panic!("{id} is not among {:#?}", view.map.nodes.iter().map(|node| &node.id).collect::<Vec<_>>())).clone()
}

/// What a node says of itself: its tone and its second line.
#[track_caller]
fn said(view: &View, id: &str) -> (Tone, String) {
    let node = node(view, id);
    (node.tone, node.fact)
}

fn edges(view: &View, from: &str, to: &str) -> Vec<Tone> {
    let of = |edge: &&Edge| edge.from == from && edge.to == to;
    view.map.edges.iter().filter(of).map(|edge| edge.tone).collect()
}

/// Opens a node or a box by keyboard.
#[track_caller]
fn open_on_map(desk: &mut Desk, name: &str) {
    desk.harness.get_by_label(name).focus();
    desk.harness.run();
    desk.press(Key::Space);
}

const DOOR: &str = "entry/shop/good/shop.example";
const DEAD: &str = "entry/shop/dead/dead.example";
const VAULT: &str = "workload/shop/Pod/vault";

/// What breaks at nodes, whatever edges are shown.
#[track_caller]
fn assert_marked(view: &View) {
    assert_eq!(said(view, DEAD), (Tone::Denied, "no class serves it".to_owned()));
    assert_eq!(said(view, DOOR), (Tone::Plain, "Ingress, / and 3 more".to_owned()), "nothing breaks at this door");
    assert_eq!(said(view, "service/shop/gone"), (Tone::Denied, "no such Service".to_owned()));
    assert_eq!(node(view, "service/shop/gone").outline(), Outline::Ghost);
    assert_eq!(said(view, "service/shop/idle"), (Tone::Denied, "no ready endpoint".to_owned()));
    // The way that breaks at its door does not count.
    assert_eq!(said(view, "service/shop/web"), (Tone::Denied, "no such port, 1 of 2 ways in".to_owned()));
    assert_eq!(said(view, "service/shop/vault").0, Tone::Plain, "a policy is not the Service's fault");
    assert_eq!(said(view, VAULT), (Tone::Denied, "policy denies ways in, Pod".to_owned()));
}

#[test]
fn a_way_is_marked_where_it_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &shop());
    let view = desk.view();
    assert_marked(&view);
    // What comes before a break works.
    assert_eq!(edges(&view, "outside/internet", DEAD), [Tone::Allowed]);
    assert_eq!(edges(&view, DEAD, "service/shop/web"), [Tone::Denied]);
    for to in ["gone", "idle", "web"] {
        assert_eq!(edges(&view, DOOR, &format!("service/shop/{to}")), [Tone::Allowed]);
    }
    assert_eq!(edges(&view, "service/shop/web", "workload/shop/Pod/web"), [Tone::Allowed]);
    assert_eq!(edges(&view, "entry/shop/kept/vault.example", "service/shop/vault"), [Tone::Allowed]);
    assert_eq!(edges(&view, "service/shop/vault", VAULT), [Tone::Denied]);
    for name in ["entry dead.example", "missing service shop/gone", "service shop/idle"] {
        desk.must_see(name);
    }

    desk.click("Denied paths");
    desk.until_view("what is denied is hidden", |view| edges(view, "service/shop/vault", VAULT).is_empty());
    let view = desk.view();
    assert!(view.map.edges.iter().all(|edge| edge.tone != Tone::Denied));
    assert_marked(&view);
    desk.click("entry dead.example");
    desk.until_selected(DEAD);
    let objects = desk.view().inspector.as_ref().unwrap().objects.clone();
    let objects: Vec<(&str, &str)> = objects.iter().map(|row| (row.title.as_str(), row.fact.as_str())).collect();
    assert_eq!(objects, [("Ingress dead", "opens this way, breaks it")], "it is listed once");
}

#[test]
fn a_folded_namespace_is_marked_only_where_no_edge_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &shop());
    let door = "entry/shop/kept/vault.example";
    open_on_map(&mut desk, "namespace shop");
    desk.until_view("shop is folded", |view| view.map.groups.is_empty());
    assert_eq!(edges(&desk.view(), door, "namespace/shop"), [Tone::Denied]);
    assert_eq!(said(&desk.view(), "namespace/shop").0, Tone::Plain);
    desk.click("Denied paths");
    desk.until_view("what is denied is hidden", |view| edges(view, door, "namespace/shop").is_empty());
    let (tone, fact) = said(&desk.view(), "namespace/shop");
    assert_eq!(tone, Tone::Denied);
    assert!(fact.ends_with(", 2 workloads, 2 pods"), "{fact}");
}

#[test]
fn a_missing_service_is_looked_at_and_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &shop());
    desk.click("missing service shop/gone");
    desk.until_selected("service/shop/gone");
    desk.must_see("gone, There is no such Service in shop");
    desk.must_see("Ways in 1");
    let row = desk.view().inspector.as_ref().unwrap().paths[0].clone();
    assert_eq!((row.title.as_str(), row.tone), ("http://shop.example/gone*", Some(Tone::Denied)));
    assert_eq!(row.hops.iter().filter(|hop| hop.is_break).map(|hop| hop.kind.as_str()).collect::<Vec<_>>(), ["service"]);

    desk.unfold_sketch();
    desk.click("New…");
    let template = desk.labels().into_iter().find(|label| label.starts_with("Service ")).unwrap();
    desk.click(&template);
    desk.click("shop");
    desk.until_seen(EDITOR);
    let text = desk.text();
    let name = text.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap().to_owned();
    desk.replace_text(&text.replacen(&format!("  name: {name}\n"), "  name: gone\n", 1));
    desk.until_view("the Service is there", |view| view.map.nodes.iter().any(|node| node.name == "service shop/gone"));
    let made = node(&desk.view(), "service/shop/gone");
    assert_eq!((made.id.as_str(), made.outline()), ("service/shop/gone", Outline::Hexagon), "it keeps its id");
}

#[test]
fn the_hops_of_a_way_lead_to_their_objects() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &shop());
    desk.search("10.1.0.2", "pod/shop/vault");
    desk.click("Ways in 1");
    desk.must_see("Hop by hop");
    let row = desk.view().inspector.as_ref().unwrap().paths[0].clone();
    assert_eq!((row.front.as_str(), row.share.as_str(), row.door.as_str()), ("Ingress class nginx", "", "entry/shop/kept/vault.example"));
    let kinds: Vec<(&str, Option<Tone>)> = row.hops.iter().map(|hop| (hop.kind.as_str(), hop.tone)).collect();
    assert_eq!((kinds[0], kinds.last()), (("class", Some(Tone::Allowed)), Some(&("policy", Some(Tone::Denied)))));
    let broken = row.hops.iter().find(|hop| hop.is_break).unwrap().text.clone();
    assert!(desk.sees_part(&format!("http://vault.example/, denied, {broken}, Ingress class nginx")), "{:#?}", desk.labels());
    desk.click(&broken);
    desk.until_view("the policy is open", |view| view.sketch.open.as_ref().is_some_and(|open| open.key.ends_with("shop/keep")));

    desk.click("Show on the map");
    desk.until_selected("entry/shop/kept/vault.example");
    // A way that does not get to its pods is told at them all the same, by the Service that means them.
    desk.search("10.1.0.1", "pod/shop/web");
    let titles: Vec<String> = desk.view().inspector.as_ref().unwrap().paths.iter().map(|row| row.title.clone()).collect();
    assert_eq!(titles, ["http://dead.example/", "http://shop.example/port*", "http://shop.example/"], "what breaks comes first");
}

#[test]
fn many_ways_are_folded_in_the_inspector_and_many_doors_on_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let mut objects = shop();
    for n in 0..14 {
        objects.push(ingress(&format!("many-{n}"), "nginx", &format!("n{n}.example"), &[("/", "web", 80)]));
    }
    let mut desk = open(folder.path(), &objects);
    // shop.example and vault.example are of the same class, and nothing breaks at their doors either.
    desk.must_see("entry 16 hosts of Ingress class nginx");
    desk.must_see("entry dead.example");
    assert!(!desk.sees("entry n3.example"));
    let fold = desk.view().map.nodes.iter().find(|node| node.title == "16 hosts").unwrap().id.clone();
    desk.click("entry 16 hosts of Ingress class nginx");
    desk.until_selected(&fold);
    desk.must_see("Ways in 19");
    let listed = |desk: &Desk| desk.view().inspector.as_ref().unwrap().paths.len();
    assert_eq!(listed(&desk), 19);
    desk.click("Show 14 more ways in");
    desk.must_see("Hide 14 of 19 ways in");

    // What is looked at stands by itself.
    desk.search("n3.example", "entry/shop/many-3/n3.example");
    desk.must_see("entry n3.example");
    desk.must_see("entry 15 hosts of Ingress class nginx");
    desk.press(Key::Escape);
    desk.until_seen("entry 16 hosts of Ingress class nginx");
    open_on_map(&mut desk, "entry 16 hosts of Ingress class nginx");
    desk.until_view("all doors are shown", |view| view.map.nodes.iter().any(|node| node.name == "entry n3.example"));
}

/// The nodes that are lit, by id, without the outside.
fn lit(view: &View) -> Vec<String> {
    let nodes = view.map.ways.iter().flat_map(|way| way.nodes.iter()).filter(|id| *id != "outside/internet");
    let mut nodes: Vec<String> = nodes.cloned().collect();
    nodes.sort_unstable();
    nodes
}

#[test]
fn a_url_is_answered_while_it_is_typed_and_selects_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = open(folder.path(), &shop());
    for (url, row) in [
        ("http://shop.example/cart", "Request http://shop.example/cart, Service shop/web, 1 pod, allowed"),
        ("shop.example/gone/x", "Request http://shop.example/gone/x, 503 or 404: no such Service, denied"),
        ("shop.example/idle", "Request http://shop.example/idle, 503: no ready endpoint, denied"),
        ("http://vault.example/", "Request http://vault.example/, 504 or 503: kept out by policy, denied"),
    ] {
        desk.type_query(url);
        desk.until_seen(row);
        desk.press(Key::Escape);
    }
    desk.type_query("ftp://shop.example/");
    desk.until("what cannot be read is said", |desk| desk.sees_part("unknown scheme"));
    desk.press(Key::Escape);
    desk.until_view("nothing is asked any more", |view| view.asking.text.is_empty());

    desk.search("http://shop.example/cart", "request/http://shop.example/cart");
    desk.must_see("http://shop.example/cart, Request, Service shop/web, 1 pod");
    desk.must_see("Service shop/web port 80, allowed, 1 pod");
    let view = desk.view();
    assert_eq!(lit(&view), [DOOR, "service/shop/web", "workload/shop/Pod/web"]);
    assert_eq!(view.map.ways[0].edges.len(), 3, "{:?}", view.map.ways);

    // Every hop leads to its object, and the selection follows the edits.
    let rule = view.inspector.as_ref().unwrap().answers[0].hops.iter().find(|hop| hop.kind == "rule").unwrap().clone();
    desk.click(&rule.text);
    desk.until_seen(EDITOR);
    let mended = desk.text().replacen("name: web", "name: idle", 1);
    desk.replace_text(&mended);
    let outcome =
        |view: &View| view.inspector.as_ref().and_then(|inspector| inspector.answers.first()).map(|answer| answer.outcome.clone());
    desk.until_view("the answer follows", |view| outcome(view).as_deref() == Some("503: no ready endpoint"));
    assert_eq!(lit(&desk.view()), [DOOR, "service/shop/idle"]);
    // Only the edge that nothing gets along any more is lost.
    assert_eq!(edges(&desk.view(), "service/shop/web", "workload/shop/Pod/web"), [Tone::Lost]);
    assert_eq!(edges(&desk.view(), DOOR, "service/shop/web"), [Tone::Allowed]);
    desk.must_see("http://shop.example/cart, Request, 503: no ready endpoint");
}

#[test]
fn a_request_brings_its_way_onto_the_map() {
    let mut desk = Desk::demo();
    assert!(desk.view().map.groups.is_empty(), "everything is folded");
    desk.search("https://shop.example/", "request/https://shop.example/");
    desk.until_view("its namespace is unfolded", |view| view.map.groups.iter().any(|group| group.id == "namespace/shop"));
    let view: Arc<View> = desk.view();
    let lit = lit(&view);
    for start in ["entry/", "service/shop/", "workload/shop/"] {
        assert!(lit.iter().any(|id| id.starts_with(start)), "{start} is not among {lit:?}");
    }
    assert!(desk.next_frame() > std::time::Duration::from_secs(1), "and the window rests");
    // What nobody takes lights up nothing but the outside.
    desk.search("https://nobody.example/", "request/https://nobody.example/");
    assert_eq!(self::lit(&desk.view()), [] as [&str; 0]);
    assert!(desk.sees_part("https://nobody.example/, Request, "));
    open_object(&mut desk, "namespace shop", "Namespace shop", "v1 Namespace shop");
}

#[test]
fn shares_are_told_on_edges_and_in_rows() {
    let gateway = "gateway.networking.k8s.io/v1";
    let folder = tempfile::tempdir().unwrap();
    let mut objects = shop();
    let backends = json!([{"name": "web", "port": 80, "weight": 9}, {"name": "vault", "port": 80, "weight": 1}]);
    objects.extend([
        json!({"apiVersion": gateway, "kind": "GatewayClass", "metadata": {"name": "envoy"}, "spec": {"controllerName": "e.example/c"}}),
        json!({"apiVersion": gateway, "kind": "Gateway", "metadata": {"name": "public", "namespace": "shop"},
            "spec": {"gatewayClassName": "envoy", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}}),
        json!({"apiVersion": gateway, "kind": "HTTPRoute", "metadata": {"name": "split", "namespace": "shop"},
            "spec": {"parentRefs": [{"name": "public"}], "hostnames": ["split.example"], "rules": [{"backendRefs": backends}]}}),
    ]);
    let mut desk = open(folder.path(), &objects);
    let door = "entry/Gateway shop/public/split.example";
    let labels = |view: &View| -> Vec<String> {
        view.map.edges.iter().filter(|edge| edge.from == door).map(|edge| format!("{} {}", edge.to, edge.label)).collect()
    };
    assert_eq!(labels(&desk.view()), ["service/shop/vault 10 %", "service/shop/web 90 %"]);
    desk.click("entry split.example");
    desk.until_selected(door);
    desk.must_see("split.example, HTTPRoute shop/split, Gateway shop/public, 2 paths");
    let rows: Vec<(String, Option<Tone>)> =
        desk.view().inspector.as_ref().unwrap().paths.iter().map(|row| (row.share.clone(), row.tone)).collect();
    assert_eq!(rows, [("10 %".to_owned(), Some(Tone::Denied)), ("90 %".to_owned(), Some(Tone::Allowed))]);
    desk.search("http://split.example/", "request/http://split.example/");
    desk.must_see("Service shop/web port 80, 90 %, allowed, 1 pod");
    assert!(desk.sees_part("Service shop/vault port 80, 10 %, denied, "), "{:#?}", desk.labels());
    assert_eq!(lit(&desk.view()).len(), 5, "both Services and both workloads");
}

#[test]
fn the_second_demo_shows_every_kind_of_break_where_it_is() {
    let mut desk = Desk::open(Opening::Demo(portolan::source::demo::Demo::Ferry));
    desk.until_view("the demo is open", |view| view.map.nodes.iter().any(|node| node.title == "www.ferry.example"));
    let view = desk.view();
    let fact = |title: &str| {
        let mut nodes = view.map.nodes.iter().filter(|node| node.title == title && node.tone == Tone::Denied);
        nodes.next().map(|node| node.fact.clone()).unwrap_or_default()
    };
    for (title, expected) in [
        ("timetable.ferry.example", "no class serves it"),
        ("old.ferry.example", "no class serves it"),
        ("help", "no such Service"),
        ("print", "no such port"),
        ("seats", "no such port"),
        ("search", "no ready endpoint"),
        ("map", "no ready endpoint"),
        ("api", "policy denies ways in"),
        ("prices.ferry.example", "reference not granted"),
        ("agents.ferry.example", "not attached"),
        ("www.harbour.example", "no listener takes it"),
        ("www.ferry.example", "another rule wins"),
    ] {
        assert!(fact(title).starts_with(expected), "{title}: {:?}, and not {expected:?}", fact(title));
    }
}
