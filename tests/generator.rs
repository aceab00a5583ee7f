//! Generated clusters: the same from the same seed, the same as records and as raw objects, and of the size that they are said to have.

use portolan_core::Object;
use portolan_core::intake;
use portolan_core::snapshot::Snapshot;
use portolan_tests::fixture;
use portolan_tests::generator::{Churn, Counts, Event, Shape};

#[test]
fn a_seed_decides_everything() {
    for shape in Shape::ALL {
        let cluster = || shape.generate(100, 7);
        assert_eq!(cluster().snapshot(), cluster().snapshot(), "{}", shape.name());
        let mut churns = [Churn::new(cluster(), 3), Churn::new(cluster(), 3)];
        for event in Event::ALL {
            let [one, other] = churns.each_mut().map(|churn| churn.happen(event));
            assert_eq!(one, other, "{} {event:?}", shape.name());
        }
    }
    assert_ne!(Shape::RealCluster.generate(100, 1).snapshot(), Shape::RealCluster.generate(100, 2).snapshot());
}

#[test]
fn records_are_what_intake_makes_of_the_objects() {
    for shape in Shape::ALL {
        let cluster = shape.generate(100, 1);
        let (mut objects, mut n) = (cluster.objects(), 0);
        for (key, record) in cluster.records() {
            let raw = objects.next().expect("an object for each record");
            let object = Object::new(raw, "").expect("a key").expect("a kind that is read");
            assert_eq!(object.key, key);
            let entry = intake::read(&object);
            assert_eq!(*entry.warnings, [], "{}", object.raw);
            assert_eq!(entry.record, Some(record), "{}", object.raw);
            n += 1;
        }
        assert!(objects.next().is_none() && n > 100, "{}", shape.name());
    }
}

#[test]
fn folders_hold_all_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Shape::Mixed.generate(30, 1);
    assert_eq!(cluster.write(folder.path()).expect("written"), 3);
    let sorted = |mut objects: Vec<serde_json::Value>| {
        objects.sort_by_key(|object| (object["kind"].to_string(), object["metadata"].to_string()));
        objects
    };
    assert_eq!(sorted(fixture::folder(folder.path())), sorted(cluster.objects().collect()));
}

#[test]
fn changes_lists_and_events_lead_to_the_cluster_that_is_kept() {
    for shape in Shape::ALL {
        let mut churn = Churn::new(shape.generate(100, 5), 6);
        let mut snapshot = churn.cluster.snapshot();
        let mut one_by_one = Snapshot::default();
        one_by_one.represents_templates = churn.cluster.represents_templates;
        for change in churn.cluster.changes() {
            one_by_one.apply(change);
        }
        assert_eq!(one_by_one, snapshot);
        for _ in 0..40 {
            let (event, changes) = churn.any();
            for change in changes {
                snapshot.apply(change);
            }
            assert_eq!(snapshot, churn.cluster.snapshot(), "{} {event:?}", shape.name());
        }
    }
}

/// Within a third more or less of the published table, where it is a number of the survey; within a factor of two of the rest, which
/// hangs on how the survey is drawn.
#[test]
fn the_real_cluster_has_the_ratios_of_the_survey() {
    for (size, pods, namespaces, policies, label_sets, selectors) in [(100, 95, 11, 253, 41, 52), (1_000, 941, 112, 2_527, 451, 432)] {
        let counts = Counts::of(&Shape::RealCluster.generate(size, 1));
        fixture::say(&format!("real-cluster {size}: {counts}"));
        let near = |what: &str, is: usize, wanted: usize, percent: usize| {
            let (low, high) = (wanted * 100 / (100 + percent), wanted * (100 + percent) / 100);
            assert!((low..=high).contains(&is), "{size}: {is} {what}, {wanted} wanted\n{counts}");
        };
        near("pods", counts.pods, pods, 33);
        near("namespaces", counts.namespaces, namespaces, 33);
        near("policies", counts.policies, policies, 33);
        near("label sets", counts.label_sets, label_sets, 100);
        near("selectors", counts.selectors, selectors, 100);
        near("percent blocks", 100 * counts.blocks / counts.peers, 40, 20);
        near("percent idle policies", 100 * counts.idle_policies / counts.policies, 26, 33);
        near("subjects in the middle", counts.median_subjects, 6, 100);
        near("pods of a peer in the middle", counts.median_peer_pods, 2, 100);
    }
    for shape in Shape::ALL {
        fixture::say(&format!("{} 1000: {}", shape.name(), Counts::of(&shape.generate(1_000, 1))));
    }
    let counts = Counts::of(&Shape::KubeBurner.generate(2_400, 1));
    assert_eq!((counts.pods, counts.namespaces, counts.policies, counts.label_sets), (2_400, 240, 9_840, 2_400));
}
