//! What is said of many classes at once is what is said of each pair by itself.

use portolan_core::analysis::Host;
use portolan_core::assumptions::Assumptions;
use portolan_core::policy::Direction;
use portolan_core::reachability::{ClassId, Reachability};
use portolan_tests::fixture;
use portolan_tests::generator::Shape;
use portolan_tests::random_cluster::{self, Random};

/// How much was looked at.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    /// Pairs of which neither end is told apart by the other.
    alike: usize,
    /// Rows of which some peers hold nearly everybody, which are said once nevertheless.
    broad: usize,
}

fn compare(reachability: &Reachability, what: &str, seen: &mut Seen) {
    let mut overview = reachability.overview();
    let classes: Vec<ClassId> = reachability.classes().entries().filter(|(_, class)| !class.pods.is_empty()).map(|(id, _)| id).collect();
    for class in &classes {
        for direction in Direction::ALL {
            let is_broad = overview.named(*class, direction).is_none() && overview.apart(*class, direction).is_some();
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
            if is_plain(*from, Direction::Egress, *to) && is_plain(*to, Direction::Ingress, *from) {
                let (out, into) = (overview.others(*from, Direction::Egress), overview.others(*to, Direction::Ingress));
                let both = overview.of_others(out, into);
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
            compare(analysis.reachability(), &format!("seed {seed}"), &mut seen);
        }
    }
    assert!(seen.pairs > 10_000 && seen.alike > 1_000 && seen.broad > 20, "{seen:?} is hardly a test");
}

#[test]
fn in_clusters_like_real_ones() {
    let mut seen = Seen::default();
    for shape in Shape::ALL {
        let mut host = Host::new(Assumptions::default(), false);
        host.apply(shape.generate(400, 3).changes());
        let analysis = host.analysis();
        compare(analysis.reachability(), &format!("{shape:?}"), &mut seen);
    }
    assert!(seen.pairs > 100_000 && seen.alike > 10_000 && seen.broad > 100, "{seen:?} is hardly a test");
}
