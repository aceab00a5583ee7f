//! What follows from changes is what a cold start makes of their outcome: event by event, for every shape of cluster, and for edits laid
//! over one.
//!
//! `PORTOLAN_SEEDS=FROM..TO` tries other events than the usual ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use portolan_core::Object;
use portolan_core::analysis::{Analysis, Difference, Host, Unit};
use portolan_core::assumptions::Assumptions;
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::snapshot::{Change, Snapshot};
use portolan_core::whatif::Overlay;
use portolan_tests::fixture;
use portolan_tests::generator::{Churn, Event, Shape};
use portolan_tests::random_cluster::{self, Mix, Random};
use serde_json::{Value, json};

/// How many pods a cluster of each shape has, and how many events it goes through: as many as a debug build does in a second or so.
const SIZES: [(Shape, usize, usize); 7] = [
    (Shape::RealCluster, 100, 16),
    (Shape::OneNamespace, 60, 16),
    (Shape::PolicyPerPod, 60, 16),
    (Shape::IsolatedCustomers, 60, 16),
    (Shape::KubeBurner, 60, 10),
    (Shape::Adversarial, 60, 10),
    (Shape::Mixed, 60, 16),
];

/// The seeds to try: those of `PORTOLAN_SEEDS`, else one.
fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("PORTOLAN_SEEDS").unwrap_or_default();
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or(1..2)
}

fn cold(snapshot: &Snapshot) -> Analysis {
    Analysis::new(snapshot.clone(), Assumptions::default())
}

/// Compares all connections, and some traces, with names for ends as a person gives them.
#[track_caller]
fn assert_same(warm: &Analysis, cold: &Analysis, random: &mut Random, what: &str) {
    // An assertion that fails would print both lists in full.
    let first_difference = |unit: Unit| {
        let (warm, cold) = (warm.connections(unit), cold.connections(unit));
        let place = warm.iter().zip(&cold).position(|(warm, cold)| warm != cold);
        let place = place.or_else(|| (warm.len() != cold.len()).then(|| warm.len().min(cold.len())));
        place.map(|place| format!("{what}, connection {place}: {:?}, and cold {:?}", warm.get(place), cold.get(place)))
    };
    for unit in [Unit::Workload, Unit::Pod] {
        assert_eq!(first_difference(unit), None);
    }
    assert_eq!(warm.warnings(), cold.warnings(), "{what}");
    let mut ends: Vec<String> = cold.inventory().pods.iter().map(|pod| pod.path()).collect();
    if ends.is_empty() {
        return;
    }
    for address in ["203.0.113.9", "100.64.1.2", "outside"] {
        ends.push(address.into());
    }
    for number in 0..12 {
        let (from, to) = (random.pick(&ends), random.pick(&ends));
        let ask = |analysis: &Analysis| match number % 3 {
            0 => fixture::ask(analysis, &from, &to, "80"),
            1 => fixture::ask(analysis, &from, &to, "http"),
            _ => {
                let end = |text: &str| analysis.endpoint(text).map_err(|error| error.to_string());
                end(&from).and_then(|from| Ok(analysis.trace(&from, &end(&to)?, None)))
            }
        };
        assert_eq!(ask(warm), ask(cold), "{what}: {from} to {to}");
    }
}

fn compare_events(shape: Shape) {
    let (_, pods, n_events) = *SIZES.iter().find(|(candidate, ..)| *candidate == shape).expect("a size for each shape");
    for seed in seeds() {
        let mut random = Random::new(seed);
        let mut churn = Churn::new(shape.generate(pods, seed), seed);
        let mut host = Host::new(Assumptions::default(), churn.cluster.represents_templates);
        host.apply(churn.cluster.lists());
        let first = host.analysis();
        let first_connections = first.connections(Unit::Workload);
        for number in 0..n_events {
            // Each event once, then whatever comes.
            let (event, changes) = match Event::ALL.get(number) {
                Some(event) => (*event, churn.happen(*event)),
                None => churn.any(),
            };
            for (step, change) in changes.into_iter().enumerate() {
                host.apply([change]);
                // What a rollout goes through on the way counts as well, as far as there is time.
                if step < 3 {
                    host.analysis();
                }
            }
            let what = format!("{}, seed {seed}, event {number}, {event:?}", shape.name());
            assert!(*host.snapshot() == churn.cluster.snapshot(), "{what}: the snapshot is another");
            assert_same(&host.analysis(), &cold(host.snapshot()), &mut random, &what);
        }
        let unchanged = first.connections(Unit::Workload) == first_connections;
        assert!(unchanged, "{}, seed {seed}: an analysis has changed beneath the one who holds it", shape.name());
    }
}

/// A test for each shape, so that they run side by side.
macro_rules! events {
    ($($name:ident: $shape:ident;)*) => { $(
        #[test]
        fn $name() {
            compare_events(Shape::$shape);
        }
    )* };
}

events! {
    real_cluster_event_by_event: RealCluster;
    one_namespace_event_by_event: OneNamespace;
    policy_per_pod_event_by_event: PolicyPerPod;
    isolated_customers_event_by_event: IsolatedCustomers;
    kube_burner_event_by_event: KubeBurner;
    adversarial_event_by_event: Adversarial;
    mixed_event_by_event: Mixed;
}

fn object(raw: Value) -> Object {
    Object::new(raw, "").expect("a key").expect("a kind that is read")
}

/// What a cluster is after edits that are told as events: the objects of everything that differs.
fn edits(before: &Snapshot, churn: &Churn) -> Vec<Result<Object, ObjectKey>> {
    let now: Vec<Object> = churn.cluster.objects().map(object).filter(|object| object.key.kind.is_editable()).collect();
    let gone = [Kind::Namespace, Kind::NetworkPolicy].into_iter().flat_map(|kind| before.entries(kind)).map(|(key, _)| key);
    let gone: Vec<ObjectKey> = gone.filter(|key| !now.iter().any(|object| object.key == **key)).cloned().collect();
    let changed = now.into_iter().filter(|object| before.object(&object.key).as_ref() != Some(object));
    changed.map(Ok).chain(gone.into_iter().map(Err)).collect()
}

#[test]
fn edits_over_a_cluster_are_a_cold_start_of_the_edited_cluster() {
    let kinds = [Event::PolicyChanged, Event::PolicyAdded, Event::PolicyRemoved, Event::NamespaceRelabelled];
    for (shape, pods, _) in SIZES {
        for seed in seeds() {
            let mut random = Random::new(seed);
            let mut churn = Churn::new(shape.generate(pods / 2, seed), seed);
            let mut host = Host::new(Assumptions::default(), churn.cluster.represents_templates);
            host.apply(churn.cluster.objects().map(|raw| Change::apply(&object(raw))));
            let base: Arc<Analysis> = host.analysis();
            let mut overlay = Overlay::default();
            for number in 0..4 {
                let what = format!("{}, seed {seed}, edit {number}", shape.name());
                churn.happen(kinds[number % kinds.len()]);
                for edit in edits(base.snapshot(), &churn) {
                    match edit {
                        Ok(object) => overlay.set(base.snapshot(), object),
                        Err(key) => overlay.delete(base.snapshot(), &key),
                    }
                }
                let edited = base.next(overlay.apply_to(base.snapshot()), Assumptions::default());
                let objects: Vec<Value> = churn.cluster.objects().collect();
                let mut wanted = fixture::snapshot(&objects);
                wanted.represents_templates = churn.cluster.represents_templates;
                let wanted = cold(&wanted);
                assert_same(&edited, &wanted, &mut random, &what);
                let differences = [Difference::between(&base, &edited), Difference::between(&cold(base.snapshot()), &wanted)];
                assert!(differences[0] == differences[1], "{what}: {:#?}, and cold {:#?}", differences[0], differences[1]);
            }
            assert!(overlay.conflicts(base.snapshot()).is_empty());
            for key in overlay.edits().map(|(key, _)| key.clone()).collect::<Vec<_>>() {
                overlay.revert(&key);
            }
            let reverted = base.next(overlay.apply_to(base.snapshot()), Assumptions::default());
            assert_eq!(Difference::between(&base, &reverted), Difference::default(), "{}, seed {seed}", shape.name());
        }
    }
}

/// The objects of a random cluster, by key.
fn random_objects(random: &mut Random, mix: Mix) -> BTreeMap<ObjectKey, Object> {
    let objects = random_cluster::objects_of(random, false, mix).into_iter().map(object);
    objects.map(|object| (object.key.clone(), object)).collect()
}

/// Cluster-wide policies, nodes, pods on their node's network, pods of two families and pods without an address: what the shapes have not.
/// Objects of one random cluster take the places of those of another, a few at a time.
fn compare_steps(mixes: &[Mix], n_steps: usize) {
    for seed in seeds() {
        for (number, mix) in mixes.iter().copied().enumerate() {
            let mut random = Random::new(seed * 1000 + number as u64);
            let mut host = Host::new(Assumptions::default(), number % 2 == 0);
            let mut there = random_objects(&mut random, mix);
            host.apply(there.values().map(Change::apply));
            for step in 0..n_steps {
                let before = host.analysis();
                let others: Vec<Object> = random_objects(&mut random, mix).into_values().collect();
                let mut changes = Vec::new();
                for _ in 0..=random.below(3) {
                    let gone = there.keys().nth(random.below(there.len().max(1))).filter(|_| there.len() > 8).cloned();
                    if let Some(key) = gone.clone().filter(|_| random.one_in(4)) {
                        // The server's bookkeeping is different, and nothing else: what was compiled of it stays.
                        if let Some(same) = there.get_mut(&key) {
                            let mut raw = Value::clone(&same.raw);
                            raw["metadata"]["resourceVersion"] = json!(step.to_string());
                            same.raw = Arc::new(raw);
                            changes.push(Change::apply(same));
                        }
                    }
                    if let Some(key) = gone.filter(|_| random.one_in(3)) {
                        there.remove(&key);
                        changes.push(Change::Delete(key));
                    } else if !others.is_empty() {
                        let object = random.pick(&others);
                        changes.push(Change::apply(&object));
                        there.insert(object.key.clone(), object);
                    }
                }
                host.apply(changes);
                let what = format!("{mix:?}, seed {seed}, step {step}");
                let (warm, cold) = (host.analysis(), cold(host.snapshot()));
                assert_same(&warm, &cold, &mut random, &what);
                let differences = [Difference::between(&before, &warm), Difference::between(&before, &cold)];
                assert!(differences[0] == differences[1], "{what}: {:#?}, and cold {:#?}", differences[0], differences[1]);
            }
        }
    }
}

#[test]
fn random_clusters_step_by_step_are_cold_starts() {
    compare_steps(&Mix::all(), 30);
}

/// The same for policies of networks and meshes, with what they look at: tiers, sets of networks, groups of blocks, service accounts, labels
/// of namespaces, nodes.
#[test]
fn random_clusters_with_dialects_step_by_step_are_cold_starts() {
    let mixes: Vec<Mix> = Mix::dialects().into_iter().filter(|mix| !(mix.calico && mix.network_policies)).collect();
    compare_steps(&mixes, 30);
}

#[test]
fn random_clusters_with_calico_and_network_policies_step_by_step_are_cold_starts() {
    let mixes: Vec<Mix> = Mix::dialects().into_iter().filter(|mix| mix.calico && mix.network_policies).collect();
    compare_steps(&mixes, 30);
}

#[test]
fn a_block_that_comes_divides_pods_that_were_alike() {
    let pod = |name: &str, address: &str| {
        object(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}},
            "status": {"podIPs": [{"ip": address}]},
        }))
    };
    let policy = |cidr: &str| {
        object(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "out", "namespace": "shop"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": cidr}}]}]},
        }))
    };
    let mut host = Host::new(Assumptions::default(), false);
    host.apply([pod("low", "10.0.0.1"), pod("middle", "10.0.0.99"), pod("high", "10.0.0.200")].iter().map(Change::apply));
    let before = host.analysis();
    let class = |analysis: &Analysis, name: &str| analysis.reachability().class_of(analysis.inventory().pod("shop", name).expect("a pod"));
    assert_eq!(class(&before, "low"), class(&before, "high"));
    let mut random = Random::new(1);
    for cidr in ["10.0.0.0/25", "10.0.0.64/26", "10.0.0.0/8", "10.0.0.200/32"] {
        host.apply([Change::apply(&policy(cidr))]);
        let warm = host.analysis();
        assert_same(&warm, &cold(host.snapshot()), &mut random, cidr);
        assert_ne!(class(&warm, "low"), class(&warm, "high"), "{cidr}");
    }
}
