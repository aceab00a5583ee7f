//! Tests of how queries are read and what they find.

use super::*;
use crate::map::model::Node;

fn entry(kind: &str, title: &str, labels: &[(&str, &str)], addresses: &[&str], other: &str) -> SearchEntry {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let id = if kind == "Deployment" { format!("workload/{title}") } else { format!("{}/{title}", kind.to_lowercase()) };
    SearchEntry::new(id, title, kind, labels.iter().copied().collect(), &addresses, other)
}

fn entries() -> Vec<SearchEntry> {
    vec![
        entry("Namespace", "shop", &[], &[], ""),
        entry("Ingress", "shop.example", &[], &[], "https://shop.example/Cart shop/public"),
        entry("Deployment", "shop/cart", &[("app", "cart"), ("tier", "api")], &[], ""),
        entry("Deployment", "shop/cart-worker", &[("app", "cart-worker"), ("tier", "batch")], &[], ""),
        entry("Deployment", "shop/web", &[("app", "web"), ("tier", "web")], &[], ""),
        entry("Service", "shop/cart", &[], &["10.96.0.12"], ""),
        entry("Pod", "shop/cart-0", &[("app", "cart"), ("tier", "api")], &["10.1.4.7", "fd00::7"], "worker-3"),
        entry("Pod", "shop/web-0", &[("app", "web"), ("tier", "web")], &["10.1.5.1"], "worker-4"),
    ]
}

fn map() -> MapModel {
    let range = Node::new("addresses/10.0.0.0/8", Lane::Destinations, NodeKind::Range, "10.0.0.0/8", "addresses 10.0.0.0/8");
    let shown = Node::new("pod/shop/cart-0", Lane::Workloads, NodeKind::Pod, "cart-0", "pod shop/cart-0");
    let domain = Node::new("domain/api.bank.example", Lane::Destinations, NodeKind::Domain, "api.bank.example", "domain api.bank.example");
    MapModel { nodes: vec![range, shown, domain], ..MapModel::default() }
}

fn found(text: &str) -> Vec<String> {
    let mut search = Search::default();
    search.ask(text, &Arc::new(entries()), &Arc::new(map()));
    while search.go_on(3) {}
    search.found().iter().map(|found| format!("{} {}", found.entry.kind, found.entry.title)).collect()
}

#[test]
fn every_word_must_fit_and_the_nearest_name_comes_first() {
    assert_eq!(found("cart")[..3], ["Deployment shop/cart", "Service shop/cart", "Deployment shop/cart-worker"]);
    assert_eq!(found("shop web-0"), ["Pod shop/web-0"]);
    assert_eq!(found("cart nothing"), [""; 0]);
    assert_eq!(found("CART worker-3"), ["Pod shop/cart-0"], "case says nothing, and the node counts");
}

#[test]
fn kinds_are_asked_for_by_their_long_and_short_names() {
    assert_eq!(found("kind:svc cart"), ["Service shop/cart"]);
    assert_eq!(found("kind:Service"), ["Service shop/cart"]);
    assert_eq!(found("pod cart"), ["Pod shop/cart-0"]);
    assert_eq!(found("kind:workload cart"), ["Deployment shop/cart", "Deployment shop/cart-worker"]);
    assert_eq!(found("kind:ns"), ["Namespace shop"]);
}

#[test]
fn labels_are_asked_for_as_kubectl_does() {
    assert_eq!(found("app=cart,tier!=web"), ["Deployment shop/cart", "Pod shop/cart-0", "Deployment shop/cart-worker"]);
    assert_eq!(found("kind:pod app in (web, api)"), ["Pod shop/web-0"]);
    assert_eq!(found("app=web, tier=web"), ["Deployment shop/web", "Pod shop/web-0"]);
    assert_eq!(found("pod !app"), [""; 0]);
    assert_eq!(
        found("app=c"),
        ["Deployment shop/cart", "Deployment shop/cart-worker", "Pod shop/cart-0"],
        "a value is typed letter by letter"
    );
    assert_eq!(found("app=").len(), 5, "and the key alone is a beginning");
}

#[test]
fn addresses_and_ranges_find_what_is_in_them_and_around_them() {
    assert_eq!(found("10.1.4.7"), ["Pod shop/cart-0", "addresses 10.0.0.0/8"]);
    assert_eq!(found("10.1.0.0/16"), ["Pod shop/cart-0", "Pod shop/web-0", "addresses 10.0.0.0/8"]);
    assert_eq!(found("fd00::/64"), ["Pod shop/cart-0"]);
    assert_eq!(found("kind:svc 10.96.0.0/12"), ["Service shop/cart"]);
    assert_eq!(found("10.1.5."), ["Pod shop/web-0"], "an address that is not typed to its end is a word");
}

#[test]
fn hosts_paths_and_destinations_are_found() {
    assert_eq!(found("shop.example"), ["Ingress shop.example"]);
    assert!(found("/cart").contains(&"Ingress shop.example".to_owned()), "by a path behind its door");
    assert_eq!(found("api.bank"), ["domain api.bank.example"]);
}

#[test]
fn it_says_why_something_was_found() {
    let entries = entries();
    let why = |text: &str, at: usize| Query::parse(text).why(&entries[at]);
    assert_eq!(why("cart", 2), "");
    assert_eq!(why("app=cart,!legacy", 2), "app=cart, no legacy");
    assert_eq!(why("10.1.0.0/16", 6), "10.1.4.7");
    assert_eq!(why("worker-3", 6), "worker-3");
    assert_eq!(why("batch", 3), "tier=batch");
}

#[test]
fn a_search_goes_on_in_parts_and_keeps_what_it_has_while_the_cluster_changes() {
    let index: Arc<Vec<SearchEntry>> = Arc::new((0..1000).map(|at| entry("Pod", &format!("shop/p-{at}"), &[], &[], "")).collect());
    let map = Arc::new(MapModel::default());
    let mut search = Search::default();
    search.ask("p-999", &index, &map);
    assert!(search.go_on(999) && search.found().is_empty());
    // Another index does not send it back to the start.
    let other = Arc::new(index.iter().filter(|entry| !entry.title.ends_with("p-999")).cloned().collect::<Vec<_>>());
    search.ask("p-999", &other, &map);
    assert!(!search.go_on(1));
    assert_eq!(search.found().len(), 1);
    // It is looked through once the search is done, and what was found stays meanwhile.
    search.ask("p-999", &other, &map);
    assert!(search.go_on(500));
    assert_eq!(search.found().len(), 1);
    search.go_on(AT_ONCE);
    assert!(search.is_done() && search.found().is_empty());
}

#[test]
fn as_many_are_kept_as_are_listed_and_all_are_counted() {
    let index = Arc::new((0..1000).map(|at| entry("Pod", &format!("shop/p-{at}"), &[], &[], "")).collect());
    let mut search = Search::default();
    search.ask("p-", &index, &Arc::new(MapModel::default()));
    while search.go_on(64) {}
    assert_eq!((search.found().len(), search.n_found()), (MAX_FOUND, 1000));
    assert_eq!(search.found()[0].entry.title, "shop/p-0");
}
