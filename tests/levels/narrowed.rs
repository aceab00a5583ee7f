//! What a narrowed map shows: exactly the part that was asked for.

use super::*;
use portolan::command::Only;
use portolan::map::model::Tone;
use serde_json::json;

/// A random cluster, and what becomes of it under another random policy.
fn edited(seed: u64) -> (Analysis, Analysis) {
    let mut random = Random::new(seed);
    let mut objects = random_cluster::objects(&mut random, false);
    let (namespace, app) = (random.pick(&["one", "two", "three"]), random.pick(&["a", "b", "c"]));
    objects.push(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "open", "namespace": namespace},
        "spec": {"type": "NodePort", "selector": {"app": app}, "ports": [{"port": 80, "nodePort": 30080}]},
    }));
    let before = fixture::analysis(&objects, Assumptions::default());
    objects.retain(|object| object["kind"] != "NetworkPolicy" || !random.one_in(3));
    objects.push(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "sketch", "namespace": namespace},
        "spec": {
            "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 443}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}, {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}],
        },
    }));
    (before, fixture::analysis(&objects, Assumptions::default()))
}

#[test]
fn a_part_of_the_map_is_exactly_that_part() {
    let mut n_edges: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..25 {
        let (before, after) = edited(seed);
        let mut random = Random::new(seed);
        let unfolded = foldable(&after).into_iter().filter(|_| !random.one_in(3)).collect();
        let mut map = Map::of_sketch(&before, &after, unfolded);
        let all = map.model();
        for only in [Only::Changed, Only::EntryPaths, Only::Egress] {
            map.show.only = only;
            let part = map.model();
            let lane = |id: &Id| all.nodes.iter().find(|node| node.id == *id).map(|node| node.lane).expect("ends are nodes");
            let leaves = |id: &Id| matches!(lane(id), Lane::Exits | Lane::Destinations);
            let wanted = all.edges.iter().filter(|edge| match only {
                Only::Everything => true,
                Only::Changed => matches!(edge.tone, Tone::Gained | Tone::Lost),
                Only::EntryPaths => lane(&edge.from) < Lane::Workloads && !leaves(&edge.to),
                Only::Egress => leaves(&edge.to),
            });
            let wanted: Vec<_> = wanted.cloned().collect();
            assert_eq!(part.edges, wanted, "seed {seed}, {only:?}");
            let ends: BTreeSet<&Id> = wanted.iter().flat_map(|edge| [&edge.from, &edge.to]).collect();
            let nodes: BTreeSet<&Id> = part.nodes.iter().map(|node| &node.id).collect();
            assert_eq!(nodes, ends, "seed {seed}, {only:?}");
            *n_edges.entry(only.title()).or_default() += wanted.len();
        }
        map.show.only = Only::Everything;
        assert!(map.model() == all);
    }
    assert!(n_edges.len() == 3 && n_edges.values().all(|n| *n > 20), "{n_edges:?}");
}

#[test]
fn a_filter_of_ports_counts_what_is_left_on_them_and_nothing_else() {
    let tcp = |port| PortSet::one(Protocol::Tcp, port);
    let filters = [
        ("80/TCP", tcp(80)),
        ("443/TCP, 53/UDP", tcp(443).union(&PortSet::one(Protocol::Udp, 53))),
        ("SCTP", PortSet::all_of(Protocol::Sctp)),
    ];
    let (mut n_edges, mut n_narrower) = (0, 0);
    for seed in 0..60 {
        let (analysis, mut random) = random_analysis(seed);
        let unfolded = foldable(&analysis).into_iter().filter(|_| random.one_in(2)).collect();
        let mut map = Map::of(&analysis, unfolded);
        let workloads: Vec<Id> = analysis.inventory().workloads.iter().map(ids::workload).collect();
        map.selected = (!workloads.is_empty()).then(|| random.pick(&workloads)).filter(|_| random.one_in(2));
        let all = map.model();
        for (text, ports) in &filters {
            map.show.filter = MapFilter { ports: (*text).to_owned(), ..MapFilter::default() };
            let part = map.model();
            n_edges += assert_exact(&map, &part, ports, &format!("seed {seed}, {text}"));
            let left: BTreeSet<&Id> = part.edges.iter().map(|edge| &edge.id).collect();
            let of_nodes = pods_of_nodes(&map);
            for edge in all.edges.iter().filter(|edge| !left.contains(&edge.id)) {
                let nothing = asked(&map, &of_nodes, edge, ports).is_none_or(|(union, ..)| union.is_empty());
                assert!(nothing, "seed {seed}, {text}: {} is left out", edge.id);
            }
            n_narrower += part.edges.iter().filter(|edge| all.edges.iter().any(|all| all.id == edge.id && all.n > edge.n)).count();
        }
    }
    assert!(n_edges > 200 && n_narrower > 10, "{n_edges} edges, {n_narrower} of fewer connections");
}

fn pod(namespace: &str, name: &str, address: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running", "podIPs": [{"ip": address}]},
    })
}

#[test]
fn pairs_that_no_rule_names_count_where_the_filter_leaves_them_something() {
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "let", "namespace": "data"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"ports": [{"port": 80}]}]},
    });
    let pods = [("shop", "web", 1), ("shop", "api", 2), ("data", "db", 3), ("data", "cache", 4)];
    let mut objects: Vec<_> = pods.iter().map(|(namespace, name, last)| pod(namespace, name, &format!("10.0.0.{last}"))).collect();
    objects.push(policy);
    let analysis = fixture::analysis(&objects, Assumptions::default());
    let mut map = Map::of(&analysis, BTreeSet::new());
    map.selected = Some("namespace/shop".to_owned());
    let mut label = |ports: &str| {
        map.show.filter = MapFilter { ports: ports.to_owned(), ..MapFilter::default() };
        map.model().edges.into_iter().find(|edge| edge.from == "namespace/shop" && edge.to == "namespace/data").map(|edge| edge.label)
    };
    assert_eq!(label("80/TCP").as_deref(), Some("80/TCP (4 connections)"));
    assert_eq!(label("443/TCP").as_deref(), Some("443/TCP, some (2 connections)"));
}

#[test]
fn a_filter_of_ports_leaves_what_changes_on_others_as_it_is() {
    let policy = |ports: serde_json::Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "let", "namespace": "shop"},
            "spec": {
                "podSelector": {"matchLabels": {"app": "db"}},
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": ports}],
            },
        })
    };
    let of = |ports| {
        let objects = [pod("shop", "web", "10.0.0.1"), pod("shop", "db", "10.0.0.2"), policy(ports)];
        fixture::analysis(&objects, Assumptions::default())
    };
    let (before, after) = (of(json!([{"port": 443}])), of(json!([{"port": 443}, {"port": 80}])));
    let mut map = Map::of_sketch(&before, &after, BTreeSet::from(["namespace/shop".to_owned()]));
    let mut labels = |ports: &str| -> Vec<(Tone, String)> {
        map.show.filter = MapFilter { ports: ports.to_owned(), ..MapFilter::default() };
        let model = map.model();
        let between = model.edges.iter().filter(|edge| edge.to.ends_with("/db") && edge.from.ends_with("/web"));
        between.map(|edge| (edge.tone, edge.label.clone())).collect()
    };
    assert_eq!(labels("80/TCP"), [(Tone::Gained, "80/TCP".to_owned())]);
    assert_eq!(labels("443/TCP"), [(Tone::Allowed, "443/TCP".to_owned())]);
}
