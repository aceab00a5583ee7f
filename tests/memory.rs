//! Memory comes back: what comes to a cluster and goes again leaves nothing behind. A counting allocator stands over the whole test, which
//! is why it is alone in its file.

use portolan_core::analysis::Host;
use portolan_core::assumptions::Assumptions;
use portolan_core::snapshot::Change;
use portolan_tests::generator::{Churn, Event, Shape};

#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// So many things come and go.
const ROUNDS: usize = 10_000;

/// Lets a pod and a policy come that the cluster has not seen before, and takes them away again.
fn round(host: &mut Host, churn: &mut Churn, number: usize) {
    let event = if number.is_multiple_of(2) { Event::PodAdded } else { Event::PolicyAdded };
    let before = (churn.cluster.pods.len(), churn.cluster.policies.len());
    let changes = churn.happen(event);
    let keys: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Apply(entry) => Some(entry.key.clone()),
            _ => None,
        })
        .collect();
    host.apply(changes);
    // What was asked of it is kept, and must go with it.
    let analysis = host.analysis();
    let from = analysis.inventory().workloads.ids().next().expect("a workload");
    let others = analysis.inventory().workloads.ids().take(20);
    let _ = others.filter(|to| !analysis.between_workloads(from, *to).is_none()).count();
    host.apply(keys.into_iter().map(Change::Delete));
    host.analysis();
    churn.cluster.pods.truncate(before.0);
    churn.cluster.policies.truncate(before.1);
}

#[test]
fn memory_returns_to_its_level() {
    for shape in [Shape::RealCluster, Shape::IsolatedCustomers] {
        let mut churn = Churn::new(shape.generate(60, 1), 1);
        let mut host = Host::new(Assumptions::default(), churn.cluster.represents_templates);
        host.apply(churn.cluster.lists());
        host.analysis();
        let mut levels = Vec::new();
        for number in 0..ROUNDS {
            round(&mut host, &mut churn, number);
            // Some room is kept for what comes next, and is made anew now and then: the lowest level of a stretch is what counts.
            levels.push(HEAP.current_usage());
        }
        let lowest = |levels: &[usize]| levels.iter().copied().min().unwrap_or_default();
        let (early, late) = (lowest(&levels[ROUNDS / 10..ROUNDS / 5]), lowest(&levels[ROUNDS * 9 / 10..]));
        // The levels themselves are a list of 8 bytes for each round.
        let most = early + early / 10 + 16 * ROUNDS;
        assert!(late <= most, "{}: {early} bytes after {} rounds, {late} after {ROUNDS}", shape.name(), ROUNDS / 10);
        let peak = levels.iter().copied().max().unwrap_or_default();
        assert!(peak <= 3 * early, "{}: {peak} bytes at most, where {early} are enough", shape.name());
    }
}
