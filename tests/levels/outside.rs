//! What lies outside: doors, ways out and destinations that are folded into one, and what is put aside.

use serde_json::{Value, json};

use super::*;

/// A random cluster with more doors, Services and destinations than the map has room for.
fn crowded(seed: u64) -> (Analysis, Random) {
    let mut random = Random::new(seed);
    let mut objects = random_cluster::objects(&mut random, false);
    for namespace in ["one", "two", "three"] {
        let rules: Vec<Value> = (0..20 + random.below(10))
            .map(|n| json!({"to": [{"ipBlock": {"cidr": format!("198.51.{n}.0/24")}}], "ports": [{"port": 1000 + n}]}))
            .collect();
        objects.push(policy(namespace, &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules})));
        for n in 0..16 + random.below(6) {
            let selector = json!({"app": random.pick(&["a", "b", "c"])});
            let spec = json!({"type": "NodePort", "selector": selector, "ports": [{"port": 80, "nodePort": 30_000 + n}]});
            objects.push(object("v1", "Service", namespace, &format!("open-{n}"), &spec));
        }
        for n in 0..8 {
            let spec = json!({"type": "ExternalName", "externalName": format!("api-{n}.{namespace}.example")});
            objects.push(object("v1", "Service", namespace, &format!("alias-{n}"), &spec));
        }
        let rule = |n: usize| {
            let backend = json!({"service": {"name": format!("open-{n}"), "port": {"number": 80}}});
            json!({"host": format!("{n}.{namespace}.example"), "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}})
        };
        let spec = json!({"ingressClassName": "nginx", "rules": (0..5).map(rule).collect::<Vec<_>>()});
        objects.push(object("networking.k8s.io/v1", "Ingress", namespace, "web", &spec));
    }
    (fixture::analysis(&objects, Assumptions::default()), random)
}

fn object(version: &str, kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn policy(namespace: &str, spec: &Value) -> Value {
    object("networking.k8s.io/v1", "NetworkPolicy", namespace, "crowd", spec)
}

fn namespaces(analysis: &Analysis) -> BTreeSet<Id> {
    foldable(analysis).into_iter().filter(|id| id.starts_with("namespace/")).collect()
}

fn in_lane(model: &MapModel, lane: Lane) -> BTreeSet<&str> {
    model.nodes.iter().filter(|node| node.lane == lane && node.kind != NodeKind::More).map(|node| node.id.as_str()).collect()
}

/// Edges with one end renamed, summed up: how many connections each stands for.
fn sums<'a>(edges: impl Iterator<Item = &'a Edge>, rename: &dyn Fn(&str) -> Id) -> BTreeMap<(Id, Id), usize> {
    let mut sums = BTreeMap::new();
    for edge in edges {
        *sums.entry((rename(&edge.from), rename(&edge.to))).or_default() += edge.n;
    }
    sums
}

#[test]
fn what_is_folded_outside_is_the_sum_of_what_is_beneath_and_unfolds() {
    let mut n_compared = 0;
    for seed in 0..10 {
        let (analysis, mut random) = crowded(seed);
        let mut unfolded = namespaces(&analysis);
        unfolded.retain(|_| !random.one_in(4));
        for (more, lane) in [("more/destinations", Lane::Destinations), ("more/entries", Lane::Entry)] {
            let mut map = Map::of(&analysis, unfolded.clone());
            let folded = map.model();
            map.unfolded.insert(more.to_owned());
            let lifted = map.model();
            let what = format!("seed {seed}, {more}");
            let Some(node) = folded.nodes.iter().find(|node| node.id == more) else { continue };
            assert!(!lifted.nodes.iter().any(|node| node.id == more), "{what}: it unfolds");
            let (apart, all) = (in_lane(&folded, lane), in_lane(&lifted, lane));
            let hidden: BTreeSet<&str> = all.difference(&apart).copied().collect();
            assert!(apart.is_subset(&all) && apart.len() < folding::MAX_OUTSIDE && all.len() > folding::MAX_OUTSIDE, "{what}");
            if lane == Lane::Destinations {
                assert_eq!(node.fact, format!("{} destinations", hidden.len()), "{what}");
            }
            let touches = |edge: &&Edge, is: &dyn Fn(&str) -> bool| is(&edge.from) || is(&edge.to);
            let above = sums(folded.edges.iter().filter(|edge| touches(edge, &|id| id == more)), &str::to_owned);
            let is_hidden = |id: &str| hidden.contains(id);
            let rename = |id: &str| if hidden.contains(id) { more.to_owned() } else { id.to_owned() };
            let beneath = sums(lifted.edges.iter().filter(|edge| touches(edge, &is_hidden)), &rename);
            assert_eq!(above, beneath, "{what}");
            n_compared += above.len();
        }
    }
    assert!(n_compared > 30, "{n_compared} edges are hardly a test");
}

#[test]
fn whatever_is_put_aside_outside_leaves_the_map_and_comes_back() {
    let mut lanes: BTreeMap<Lane, usize> = BTreeMap::new();
    for seed in 0..6 {
        let (analysis, mut random) = crowded(seed);
        let mut map = Map::of(&analysis, namespaces(&analysis));
        let before = map.picture();
        let nodes = before.model.nodes.iter().filter(|node| node.lane != Lane::Workloads && node.kind != NodeKind::MissingService);
        for node in nodes {
            if node.kind != NodeKind::More && node.kind != NodeKind::Internet && !random.one_in(8) {
                continue;
            }
            let what = format!("seed {seed}, {}", node.id);
            map.aside.insert(node.id.clone());
            let after = map.picture();
            assert!(!after.model.nodes.iter().any(|other| other.id == node.id), "{what}");
            assert!(!after.model.edges.iter().any(|edge| [&edge.from, &edge.to].contains(&&node.id)), "{what}");
            let row = after.aside.iter().find(|row| row.id == node.id).unwrap_or_else(|| panic!("{what}: no row"));
            assert!(!row.title.is_empty() && row.fact.chars().any(|letter| ('1'..='9').contains(&letter)), "{what}: {row:?}");
            let inside =
                |model: &MapModel| model.nodes.iter().filter(|node| node.lane == Lane::Workloads).map(|node| node.id.clone()).collect();
            let (was, is): (BTreeSet<Id>, BTreeSet<Id>) = (inside(&before.model), inside(&after.model));
            assert_eq!(was, is, "{what}");
            assert_adds_up(&analysis, &after.model, &what);
            map.selected = Some(node.id.clone());
            if node.kind != NodeKind::More {
                let seen = map.model();
                assert!(seen.nodes.iter().any(|other| other.id == node.id && other.aside), "{what}: who selects it sees it");
            }
            map.selected = None;
            map.aside.clear();
            assert!(map.picture() == before, "{what}");
            *lanes.entry(node.lane).or_default() += 1;
        }
    }
    let all = [Lane::Outside, Lane::Entry, Lane::Services, Lane::Destinations];
    assert!(all.iter().all(|lane| lanes.get(lane).is_some_and(|n| *n > 3)), "{lanes:?}");
}

#[test]
fn what_stays_apart_makes_room_for_what_was_put_aside() {
    let mut n_seen = 0;
    for seed in 0..10 {
        let (analysis, _) = crowded(seed);
        let mut map = Map::of(&analysis, namespaces(&analysis));
        let before = map.model();
        let apart: Vec<Id> = in_lane(&before, Lane::Destinations).into_iter().map(str::to_owned).collect();
        let Some(more) = before.nodes.iter().find(|node| node.id == "more/destinations") else { continue };
        map.aside.extend(apart.iter().take(2).cloned());
        let after = map.model();
        let left = in_lane(&after, Lane::Destinations);
        assert!(apart.iter().take(2).all(|id| !left.contains(id.as_str())), "seed {seed}");
        assert!(left.len() >= apart.len(), "seed {seed}: {} of {} are apart, after {}", left.len(), apart.len(), more.fact);
        n_seen += 1;
    }
    assert!(n_seen > 3, "{n_seen}");
}

#[test]
fn a_workload_put_aside_by_hand_has_no_ways_in_or_out() {
    let mut n_ways = 0;
    for seed in 0..4 {
        let (analysis, _) = crowded(seed);
        let mut map = Map::of(&analysis, namespaces(&analysis));
        let before = map.model();
        for node in before.nodes.iter().filter(|node| node.lane == Lane::Workloads) {
            let touching = |model: &MapModel| model.edges.iter().filter(|edge| [&edge.from, &edge.to].contains(&&node.id)).count();
            n_ways += touching(&before);
            map.aside.insert(node.id.clone());
            assert_eq!(touching(&map.model()), 0, "seed {seed}, {}", node.id);
            map.aside.clear();
        }
    }
    assert!(n_ways > 100);
}

/// Pods of one workload of which one leaves through a gateway, and so many gateways for addresses of their own.
fn gateways(n: usize) -> Analysis {
    let mut objects = vec![json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "gate", "labels": {"egress": "yes"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.3"}]},
    })];
    for (name, node) in [("web-0", "left"), ("web-1", "right")] {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": true, "uid": "u"}]);
        let labels = json!({"app": "web", "apps.kubernetes.io/pod-index": name.trim_start_matches("web-")});
        objects.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owner},
            "spec": {"nodeName": node, "containers": [{"name": "c"}]},
            "status": {"phase": "Running", "podIPs": [{"ip": format!("10.1.0.{}", name.len() + usize::from(node == "left"))}]},
        }));
    }
    for n in 0..n {
        objects.push(json!({
            "apiVersion": "cilium.io/v2", "kind": "CiliumEgressGatewayPolicy", "metadata": {"name": format!("gate-{n}")},
            "spec": {
                "selectors": [{"podSelector": {"matchLabels": {"apps.kubernetes.io/pod-index": "0"}}}],
                "destinationCIDRs": [format!("172.16.{n}.0/24")],
                "egressGateway": {"nodeSelector": {"matchLabels": {"egress": "yes"}}, "egressIP": "203.0.113.10"},
            },
        }));
    }
    fixture::analysis(&objects, Assumptions::default())
}

#[test]
fn each_pod_leaves_by_its_own_route() {
    let analysis = gateways(1);
    let mut map = Map::of(&analysis, BTreeSet::from(["namespace/shop".to_owned()]));
    let exits = |model: &MapModel| -> Vec<(Id, Extent)> {
        let is_exit = |id: &Id| model.nodes.iter().any(|node| node.id == *id && node.lane == Lane::Exits);
        model.edges.iter().filter(|edge| is_exit(&edge.to)).map(|edge| (edge.from.clone(), edge.extent)).collect()
    };
    let own = "workload/shop/StatefulSet/web".to_owned();
    assert_eq!(exits(&map.model()), [(own.clone(), Extent::Some)], "one of its pods does");
    map.unfolded.insert(own);
    assert_eq!(exits(&map.model()), [("pod/shop/web-0".to_owned(), Extent::All)]);
}

#[test]
fn ways_out_are_within_the_budget_and_unfold() {
    let analysis = gateways(46);
    let mut map = Map::of(&analysis, BTreeSet::from(["namespace/shop".to_owned()]));
    let folded = map.model();
    let more = folded.nodes.iter().find(|node| node.id == "more/exits").expect("too many");
    let n_apart = in_lane(&folded, Lane::Exits).len();
    assert_eq!((n_apart, more.fact.as_str()), (folding::MAX_OUTSIDE - 1, "7 ways out"));
    let into = folded.edges.iter().find(|edge| edge.to == "more/exits").expect("it leads somewhere");
    assert_eq!(into.n, 7);
    map.unfolded.insert("more/exits".to_owned());
    let lifted = map.model();
    assert_eq!(in_lane(&lifted, Lane::Exits).len(), 46);
    let exit = "exit/cilium.io/v2 CiliumEgressGatewayPolicy gate-0".to_owned();
    assert!(in_lane(&lifted, Lane::Exits).contains(exit.as_str()), "{:?}", in_lane(&lifted, Lane::Exits));
    map.aside.insert(exit.clone());
    let picture = map.picture();
    assert!(!in_lane(&picture.model, Lane::Exits).contains(exit.as_str()));
    assert_eq!(picture.aside.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [exit.as_str()]);
}

#[test]
fn a_session_puts_aside_and_brings_back() {
    let mut session = Session::new(portolan_core::assumptions::Settled::default());
    session.open("demo".to_owned(), false, Freshness::Static);
    let objects = portolan::source::demo::Demo::Shop.objects();
    session.apply(objects.iter().map(portolan_core::snapshot::Change::apply));
    session.execute(Command::FoldAll(false));
    let before = session.view_unless(&|| false).expect("a view");
    for lane in [Lane::Outside, Lane::Entry, Lane::Services, Lane::Workloads, Lane::Destinations] {
        let node = before.map.nodes.iter().find(|node| node.lane == lane).expect("something of each");
        session.execute(Command::PutAside(node.id.clone()));
        let put = session.view_unless(&|| false).expect("a view");
        assert!(put.aside.iter().any(|row| row.id == node.id), "{lane:?}");
        assert_eq!(put.map.nodes.iter().any(|other| other.id == node.id), lane == Lane::Workloads);
        session.execute(Command::BringBack(Some(node.id.clone())));
        let back = session.view_unless(&|| false).expect("a view");
        assert!(back.map == before.map && back.aside == before.aside, "{lane:?}");
    }
}
