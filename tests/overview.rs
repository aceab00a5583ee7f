//! What is said of many classes at once is what is said of each pair by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portolan_core::analysis::Host;
use portolan_core::assumptions::Assumptions;
use portolan_core::policy::Direction;
use portolan_core::reachability::{ClassId, OutcomeId, Overview, Pair, Reachability};
use portolan_tests::fixture;
use portolan_tests::generator::{Churn, Event, Shape};
use portolan_tests::random_cluster::{self, Random};

/// How much was looked at.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    /// Pairs of which neither end is told apart by the other.
    alike: usize,
    /// Pairs of which one end tells the other apart.
    told: usize,
    /// Those of them that come out as it does for others.
    left_out: usize,
    /// Those of them of which the one shares the network of a node that runs the other.
    on_node: usize,
    /// Rows of which some peers hold nearly everybody, which are said once nevertheless.
    broad: usize,
}

/// What both sides make of others.
fn as_others(overview: &mut Overview, from: ClassId, to: ClassId) -> OutcomeId {
    let groups = [from, to].map(|class| overview.port_group(class));
    let out = overview.others(from, Direction::Egress, groups[1]);
    let into = overview.others(to, Direction::Ingress, groups[0]);
    overview.of_others(out, into)
}

fn compare(reachability: &Arc<Reachability>, overview: &mut Overview, what: &str, seen: &mut Seen) {
    let told: BTreeMap<(ClassId, ClassId), Pair> = overview.pairs().iter().map(|pair| ((pair.from, pair.to), pair)).collect();
    let classes: Vec<ClassId> = reachability.classes().entries().filter(|(_, class)| !class.pods.is_empty()).map(|(id, _)| id).collect();
    for class in &classes {
        for direction in Direction::ALL {
            let is_broad = !overview.is_by_name(*class, direction) && overview.apart(*class, direction).is_some();
            seen.broad += usize::from(is_broad);
        }
    }
    for from in &classes {
        for to in &classes {
            let expected = reachability.pair(*from, *to);
            let pair = overview.pair(*from, *to);
            assert_eq!(*overview.outcome(pair), expected, "{what}: {from:?} to {to:?}");
            seen.pairs += 1;
            let mut is_plain = |own: ClassId, direction, other: ClassId| {
                overview.is_regular(own, direction) && overview.apart(own, direction).is_some_and(|apart| !apart.contains(&other))
            };
            let is_alike = is_plain(*from, Direction::Egress, *to) && is_plain(*to, Direction::Ingress, *from);
            match told.get(&(*from, *to)) {
                Some(told) => {
                    assert!(!is_alike, "{what}: {from:?} to {to:?}");
                    assert_eq!(*overview.outcome(told.outcome), expected, "{what}: {from:?} to {to:?}, as told apart");
                    seen.told += 1;
                    seen.on_node += usize::from(told.is_on_node);
                }
                // What comes out as it does for others is left out, and whoever tells too many apart is left to be asked pair by pair.
                None => {
                    let is_regular = overview.is_regular(*from, Direction::Egress) && overview.is_regular(*to, Direction::Ingress);
                    if is_regular {
                        seen.left_out += usize::from(!is_alike);
                        let both = as_others(overview, *from, *to);
                        assert_eq!(*overview.outcome(both), expected, "{what}: {from:?} to {to:?}, left out");
                    }
                }
            }
            if is_alike {
                let both = as_others(overview, *from, *to);
                assert_eq!(*overview.outcome(both), expected, "{what}: {from:?} to {to:?}, as others");
                seen.alike += 1;
            }
        }
    }
}

#[test]
fn in_random_clusters() {
    let mut seen = Seen::default();
    for seed in 0..250 {
        for is_exact in [false, true] {
            let objects = random_cluster::objects(&mut Random::new(seed), is_exact);
            let analysis = fixture::analysis(&objects, Assumptions::default());
            let mut overview = Overview::new(Arc::clone(analysis.reachability()));
            compare(analysis.reachability(), &mut overview, &format!("seed {seed}"), &mut seen);
        }
    }
    assert!(
        seen.pairs > 10_000 && seen.alike > 1_000 && seen.broad > 20 && seen.told > 1_000 && seen.left_out > 500 && seen.on_node > 20,
        "{seen:?} is hardly a test"
    );
}

#[test]
fn in_clusters_like_real_ones() {
    let mut seen = Seen::default();
    for shape in Shape::ALL {
        let mut host = Host::new(Assumptions::default(), false);
        host.apply(shape.generate(400, 3).changes());
        let analysis = host.analysis();
        let mut overview = Overview::new(Arc::clone(analysis.reachability()));
        compare(analysis.reachability(), &mut overview, &format!("{shape:?}"), &mut seen);
    }
    assert!(seen.pairs > 100_000 && seen.alike > 10_000 && seen.broad > 100 && seen.told > 10_000, "{seen:?} is hardly a test");
}

/// The pairs that a rule names and lets through, which are what the map draws.
fn named(overview: &mut Overview) -> BTreeSet<(ClassId, ClassId)> {
    let pairs = overview.pairs();
    let is_drawn = |pair: &Pair| pair.is_named && !overview.outcome(pair.outcome).is_none();
    pairs.iter().filter(is_drawn).map(|pair| (pair.from, pair.to)).collect()
}

#[test]
fn what_follows_from_changes_is_what_is_found_out_anew() {
    let mut seen = Seen::default();
    for (seed, shape) in Shape::ALL.into_iter().enumerate() {
        let cluster = shape.generate(150, 5);
        let mut host = Host::new(Assumptions::default(), false);
        host.apply(cluster.changes());
        let mut overview = Overview::new(Arc::clone(host.analysis().reachability()));
        overview.pairs();
        let mut churn = Churn::new(cluster, u64::try_from(seed).unwrap());
        for (step, event) in Event::ALL.into_iter().cycle().take(40).enumerate() {
            host.apply(churn.happen(event));
            let analysis = host.analysis();
            overview = overview.next(Arc::clone(analysis.reachability()));
            if step % 4 == 3 {
                compare(analysis.reachability(), &mut overview, &format!("{shape:?}, {step}, {event:?}"), &mut seen);
            } else if step % 4 == 1 {
                overview.pairs();
            }
            let mut anew = Overview::new(Arc::clone(analysis.reachability()));
            if step % 4 != 0 {
                assert_eq!(named(&mut overview), named(&mut anew), "{shape:?}, {step}, {event:?}");
            }
        }
    }
    assert!(seen.pairs > 100_000 && seen.told > 10_000, "{seen:?} is hardly a test");
}
