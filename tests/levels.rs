//! What the map shows at every level: nothing is dropped, edges are exact, and folding comes back to where it was.

#[path = "levels/narrowed.rs"]
mod narrowed;
#[path = "levels/outside.rs"]
mod outside;

use std::collections::{BTreeMap, BTreeSet};

use portolan::command::{Command, MapFilter, ShowOptions};
use portolan::map::model::{Edge, Extent, Id, Lane, MapModel, Node, NodeKind, Tone};
use portolan::session::Session;
use portolan::view_model::graph::{self, Material, Picture, Scene, folding};
use portolan::view_model::{Freshness, addresses, ids};
use portolan_core::analysis::{Analysis, Difference};
use portolan_core::assumptions::Assumptions;
use portolan_core::inventory::PodId;
use portolan_core::policy::Direction;
use portolan_core::ports::{PortSet, Protocol};
use portolan_core::reachability::End;
use portolan_tests::fixture;
use portolan_tests::generator::Shape;
use portolan_tests::random_cluster::{self, Random};

/// A map of one analysis, or of what a sketch makes of another.
struct Map<'a> {
    analysis: &'a Analysis,
    base: &'a Analysis,
    difference: Difference,
    show: ShowOptions,
    unfolded: BTreeSet<Id>,
    selected: Option<Id>,
    aside: BTreeSet<Id>,
    pinned: BTreeSet<Id>,
}

impl<'a> Map<'a> {
    fn of(analysis: &'a Analysis, unfolded: BTreeSet<Id>) -> Self {
        let show = ShowOptions::default();
        let (aside, pinned) = (BTreeSet::new(), BTreeSet::new());
        Self { analysis, base: analysis, difference: Difference::default(), show, unfolded, selected: None, aside, pinned }
    }

    fn of_sketch(base: &'a Analysis, analysis: &'a Analysis, unfolded: BTreeSet<Id>) -> Self {
        Self { base, difference: Difference::between(base, analysis), ..Self::of(analysis, unfolded) }
    }

    fn model(&self) -> MapModel {
        self.picture().model
    }

    fn picture(&self) -> Picture {
        let scene = Scene {
            base: self.base,
            edited: self.analysis,
            difference: &self.difference,
            show: &self.show,
            unfolded: &|id| self.unfolded.contains(id),
            selected: self.selected.as_deref(),
            aside: &self.aside,
            brought_back: &BTreeSet::new(),
            pinned: &self.pinned,
        };
        graph::picture(&scene, &Material::new(self.base, self.analysis, None))
    }
}

fn foldable(analysis: &Analysis) -> Vec<Id> {
    let workloads = analysis.inventory().workloads.iter();
    let all: BTreeSet<Id> = workloads.flat_map(|one| [ids::namespace(&one.namespace), ids::workload(one)]).collect();
    all.into_iter().collect()
}

fn random_analysis(seed: u64) -> (Analysis, Random) {
    let mut random = Random::new(seed);
    let objects = random_cluster::objects(&mut random, false);
    (fixture::analysis(&objects, Assumptions::default()), random)
}

/// Which node should stand for a pod.
fn node_of(map: &Map<'_>, pod: PodId) -> Id {
    let inventory = map.analysis.inventory();
    let pod = inventory.pods.at(pod);
    let workload = inventory.workloads.at(pod.workload);
    let (namespace, own) = (ids::namespace(pod.namespace()), ids::workload(workload));
    match (map.unfolded.contains(&namespace), map.unfolded.contains(&own) && workload.pods.len() > 1 && !pod.is_representative()) {
        (false, _) => namespace,
        (true, false) => own,
        (true, true) => ids::pod(pod.namespace(), pod.name()),
    }
}

fn assert_adds_up(analysis: &Analysis, model: &MapModel, what: &str) {
    let inside: Vec<&Node> = model.nodes.iter().filter(|node| node.lane == Lane::Workloads).collect();
    let n_pods: usize = inside.iter().map(|node| node.n_pods).sum();
    assert_eq!(n_pods, analysis.inventory().pods.len(), "{what}: pods");
    let owners: BTreeSet<&Id> =
        inside.iter().filter(|node| node.kind == NodeKind::Pod).filter_map(|node| node.folds_into.as_ref()).collect();
    let n_workloads = owners.len() + inside.iter().map(|node| node.n_workloads).sum::<usize>();
    let has_pods = analysis.inventory().workloads.iter().filter(|workload| !workload.pods.is_empty());
    assert_eq!(n_workloads, has_pods.count(), "{what}: workloads");
}

#[test]
fn nothing_is_dropped_however_it_is_folded_and_every_edge_is_exact() {
    let mut n_edges = 0;
    for seed in 0..60 {
        let (analysis, mut random) = random_analysis(seed);
        let unfolded = foldable(&analysis).into_iter().filter(|_| random.one_in(2)).collect();
        let mut map = Map::of(&analysis, unfolded);
        let workloads: Vec<Id> = analysis.inventory().workloads.iter().map(ids::workload).collect();
        map.selected = (!workloads.is_empty()).then(|| random.pick(&workloads)).filter(|_| random.one_in(2));
        let model = map.model();
        assert_adds_up(&analysis, &model, &format!("seed {seed}"));
        n_edges += assert_exact(&map, &model, &PortSet::all(), &format!("seed {seed}"));
    }
    assert!(n_edges > 200, "{n_edges} edges are hardly a test");
}

/// The pods of every node.
fn pods_of_nodes(map: &Map<'_>) -> BTreeMap<Id, Vec<PodId>> {
    let mut of_nodes: BTreeMap<Id, Vec<PodId>> = BTreeMap::new();
    for pod in map.analysis.inventory().pods.ids() {
        of_nodes.entry(node_of(map, pod)).or_default().push(pod);
    }
    of_nodes
}

/// What an edge should say: its ports, whether that is all, and how many pairs of workloads it stands for.
fn expected(ports: &[PortSet], pairs: &BTreeSet<(Id, Id)>) -> (PortSet, Extent, usize) {
    let union = ports.iter().fold(PortSet::none(), |all, ports| all.union(ports));
    let extent = if ports.iter().all(|ports| *ports == union) { Extent::All } else { Extent::Some };
    (union, extent, pairs.len())
}

/// What an edge that leaves pods comes to on these ports, pod by pod; `None` where it is none that can be asked for so.
fn asked(map: &Map<'_>, of_nodes: &BTreeMap<Id, Vec<PodId>>, edge: &Edge, seen: &PortSet) -> Option<(PortSet, Extent, usize)> {
    let inventory = map.analysis.inventory();
    let owner = |pod: PodId| ids::workload(inventory.workloads.at(inventory.pods.at(pod).workload));
    let from = of_nodes.get(&edge.from)?;
    let mut outcomes = Vec::new();
    let mut pairs = BTreeSet::new();
    let mut see = |from: PodId, to: Id, ports: &PortSet| {
        let ports = ports.intersection(seen);
        if !ports.is_empty() {
            pairs.insert((owner(from), to));
        }
        outcomes.push(ports);
    };
    if let Some(to) = of_nodes.get(&edge.to) {
        for (source, target) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
            let outcome = map.analysis.reachability().connection(inventory, End::Pod(source), End::Pod(target));
            see(source, owner(target), &outcome.possible);
        }
    } else if edge.to.starts_with("addresses/") {
        for source in from {
            let outsides = addresses::of_pods(map.analysis, &[*source], Direction::Egress);
            let outside = outsides.into_iter().find(|outside| outside.id == edge.to);
            see(*source, edge.to.clone(), &outside.map_or_else(PortSet::none, |outside| outside.outcome.possible));
        }
    } else {
        return None;
    }
    Some(expected(&outcomes, &pairs))
}

/// Holds every edge that leaves pods against what these ports, pod by pod, come to; and returns how many there are.
fn assert_exact(map: &Map<'_>, model: &MapModel, seen: &PortSet, what: &str) -> usize {
    let of_nodes = pods_of_nodes(map);
    let mut n_compared = 0;
    for edge in &model.edges {
        let Some((union, extent, n)) = asked(map, &of_nodes, edge, seen) else { continue };
        let what = format!("{what}, {}", edge.id);
        assert!(edge.label.starts_with(&union.to_string()), "{what}: {} is not {union}", edge.label);
        assert_eq!((edge.extent, edge.n), (extent, n), "{what}");
        n_compared += 1;
    }
    n_compared
}

#[test]
fn what_is_selected_has_all_of_its_connections_on_the_map() {
    let (mut n_drawn, mut n_said) = (0, 0);
    for seed in 0..40 {
        let (analysis, mut random) = random_analysis(seed);
        let unfolded: BTreeSet<Id> = foldable(&analysis).into_iter().filter(|_| random.one_in(3)).collect();
        let mut map = Map::of(&analysis, unfolded);
        let of_nodes = pods_of_nodes(&map);
        let own = random.pick(&of_nodes.keys().cloned().collect::<Vec<_>>());
        let notes = "what no rule names is drawn for what is selected";
        let before = map.model();
        map.selected = Some(own.clone());
        let after = map.model();
        assert!(!after.note.contains(notes), "seed {seed}: {}", after.note);
        assert_exact(&map, &after, &PortSet::all(), &format!("seed {seed}"));
        for other in of_nodes.keys().filter(|other| **other != own) {
            for (from, to) in [(&own, other), (other, &own)] {
                let edge = Edge::new("edge", from.as_str(), to.as_str(), Tone::Allowed, "");
                let connects = asked(&map, &of_nodes, &edge, &PortSet::all()).is_some_and(|(ports, ..)| !ports.is_empty());
                let has = |model: &MapModel| model.edges.iter().any(|edge| (&edge.from, &edge.to) == (from, to));
                assert_eq!(has(&after), connects, "seed {seed}: {from} to {to}");
                n_drawn += usize::from(connects);
                // What is drawn for the selection only is told of without one.
                if connects && !has(&before) {
                    assert!(before.note.contains(notes), "seed {seed}: {from} to {to} is left out in silence");
                    n_said += 1;
                }
            }
        }
    }
    assert!(n_drawn > 100 && n_said > 10, "{n_drawn} and {n_said} are hardly a test");
}

#[test]
fn a_folding_undone_gives_the_same_picture() {
    for seed in 0..10 {
        let (analysis, mut random) = random_analysis(seed);
        let mut map = Map::of(&analysis, foldable(&analysis).into_iter().filter(|_| random.one_in(2)).collect());
        let before = map.model();
        for id in foldable(&analysis) {
            for _ in 0..2 {
                if !map.unfolded.remove(&id) {
                    map.unfolded.insert(id.clone());
                }
                let model = map.model();
                assert_adds_up(&analysis, &model, &id);
            }
            assert!(map.model() == before, "seed {seed}, {id}");
        }
    }
}

#[test]
fn what_is_put_aside_stays_and_comes_back_as_it_was() {
    let mut n_aside = 0;
    for seed in 0..20 {
        let (analysis, _) = random_analysis(seed);
        let mut map = Map::of(&analysis, foldable(&analysis).into_iter().filter(|id| id.starts_with("namespace/")).collect());
        let before = map.model();
        let inside: Vec<&Node> = before.nodes.iter().filter(|node| node.lane == Lane::Workloads).collect();
        for node in inside {
            map.aside.insert(node.id.clone());
            let model = map.model();
            let put = model.nodes.iter().find(|other| other.id == node.id).expect("it stays");
            assert!(put.aside && put.fact.starts_with("put aside"), "{put:?}");
            let is_inside = |id: &Id| model.nodes.iter().any(|node| node.id == *id && node.lane == Lane::Workloads);
            let own = model.edges.iter().filter(|edge| [&edge.from, &edge.to].contains(&&node.id));
            assert_eq!(own.filter(|edge| is_inside(&edge.from) && is_inside(&edge.to)).count(), 0, "{}", node.id);
            map.aside.clear();
            assert!(map.model() == before);
            n_aside += 1;
        }
    }
    assert!(n_aside > 20);
}

#[test]
fn generated_clusters_stay_within_the_budget_and_lose_nobody() {
    for shape in [Shape::KubeBurner, Shape::RealCluster, Shape::OneNamespace] {
        let cluster = shape.generate(2000, 1);
        let analysis = Analysis::new(cluster.snapshot(), Assumptions::default());
        let namespaces: BTreeSet<Id> = foldable(&analysis).into_iter().filter(|id| id.starts_with("namespace/")).collect();
        let mut everything: BTreeSet<Id> = foldable(&analysis).into_iter().collect();
        everything.extend(["more/namespaces", "more/destinations", "more/entries", "more/exits"].map(str::to_owned));
        everything.extend(namespaces.iter().map(|id| format!("more/workloads/{}", id.trim_start_matches("namespace/"))));
        for (what, unfolded) in [("folded", BTreeSet::new()), ("unfolded", namespaces), ("everything", everything)] {
            let what = format!("{}, {what}", shape.name());
            let model = Map::of(&analysis, unfolded).model();
            assert!(model.nodes.len() <= folding::BUDGET, "{what}: {} nodes", model.nodes.len());
            assert_adds_up(&analysis, &model, &what);
            if model.nodes.iter().any(|node| node.id == "more/namespaces") {
                assert!(model.note.contains("folded into one node"), "{what}: {}", model.note);
            }
        }
    }
}

#[test]
fn a_filter_leaves_what_it_describes_and_what_is_pinned() {
    let (analysis, _) = random_analysis(3);
    let mut map = Map::of(&analysis, foldable(&analysis).into_iter().filter(|id| id.starts_with("namespace/")).collect());
    let all = map.model();
    let namespace_of = |node: &Node| node.group.clone().unwrap_or_default();
    map.show.filter = MapFilter { namespaces: "o*".to_owned(), ..MapFilter::default() };
    let one = map.model();
    let inside = |model: &MapModel| -> BTreeSet<Id> {
        model.nodes.iter().filter(|node| node.lane == Lane::Workloads).map(|node| node.id.clone()).collect()
    };
    let expected: BTreeSet<Id> = inside(&all).into_iter().filter(|id| id.starts_with("workload/one/")).collect();
    assert_eq!(inside(&one), expected);
    let other = all.nodes.iter().find(|node| node.lane == Lane::Workloads && namespace_of(node) != "namespace/one").expect("another");
    map.pinned.insert(other.id.clone());
    assert!(inside(&map.model()).contains(&other.id), "what is pinned stays");
    map.pinned.clear();
    map.show.filter = MapFilter { labels: "((".to_owned(), ..MapFilter::default() };
    assert_eq!(map.model(), all, "what cannot be read leaves everything");
}

#[test]
fn a_session_says_where_the_selection_lies_and_keeps_what_did_not_change() {
    let cluster = Shape::RealCluster.generate(300, 1);
    let mut session = Session::new(portolan_core::assumptions::Settled::default());
    session.open("generated".to_owned(), false, Freshness::Static);
    session.apply(cluster.lists());
    let analysis = session.edited();
    let workload = analysis.inventory().workloads.iter().find(|workload| workload.pods.len() > 1).expect("one of several pods");
    let pod = analysis.inventory().pods.at(workload.pods[0]);
    let (id, own) = (ids::pod(pod.namespace(), pod.name()), ids::workload(workload));
    session.execute(Command::Select(Some(id.clone())));
    let view = session.view_unless(&|| false).expect("a view");
    assert_eq!(view.crumbs.iter().map(|crumb| crumb.id.as_str()).collect::<Vec<_>>(), ["", &ids::namespace(pod.namespace()), &own, &id]);
    assert_eq!(view.map_focus.as_ref(), Some(&own));
    session.execute(Command::ToggleFold(own.clone()));
    let unfolded = session.view_unless(&|| false).expect("a view");
    assert_eq!(unfolded.map_focus.as_ref(), Some(&id));
    assert!(std::sync::Arc::ptr_eq(&view.search_index, &unfolded.search_index), "the index is not made anew");
    session.execute(Command::Explain(unfolded.map.edges.first().map(|edge| edge.id.clone())));
    let explained = session.view_unless(&|| false).expect("a view");
    assert!(std::sync::Arc::ptr_eq(&unfolded.map, &explained.map), "the map is not made anew");
    assert!(explained.hint.is_some_and(|hint| !hint.lines.is_empty()));
}
