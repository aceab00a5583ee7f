//! What is measured. The engine is asked through its façade alone.

use std::cell::RefCell;
use std::io::{self, Write};

use portolan_core::Object;
use portolan_core::analysis::{Analysis, Difference, Endpoint, Host, PortQuery, Unit};
use portolan_core::assumptions::Assumptions;
use portolan_core::inventory::{PodId, WorkloadId};
use portolan_core::ports::Protocol;
use portolan_core::snapshot::Snapshot;
use portolan_core::whatif::Overlay;
use portolan_tests::generator::{Churn, Cluster, Counts, Event};
use portolan_tests::random_cluster::Random;

use super::guard::Order;
use super::measure::{Measured, measure};
use super::{HEAP, say};

/// A case: its name, and how it is measured.
type Case = (&'static str, fn(&Setting) -> Measured);

/// Every case, in order; the first must be the cold start.
pub(crate) const CASES: [Case; 10] = [
    ("cold start: snapshot to analysis", cold_start),
    ("every row: each workload to the next", every_row),
    ("one pod changes: to the new analysis", |setting| change(setting, Event::PodChanged)),
    ("one policy changes", |setting| change(setting, Event::PolicyChanged)),
    ("a namespace is relabelled", |setting| change(setting, Event::NamespaceRelabelled)),
    ("restart, 1 % is different", |setting| change(setting, Event::Restart)),
    ("what-if: one edit to the difference", what_if),
    ("one row: a pod to every workload", one_row),
    ("one pair with reasons", one_pair),
    ("all pairs of workloads written", all_pairs),
];

/// What cases work on.
pub(crate) struct Setting {
    cluster: Cluster,
    snapshot: Snapshot,
}

impl Setting {
    fn analysis(&self) -> Analysis {
        Analysis::new(self.snapshot.clone(), Assumptions::default())
    }
}

/// Measures the cases of an order, and tells what it does.
pub(crate) fn run(order: &Order) {
    let costs = order.cases.contains(&0).then(|| costs(order));
    let cluster = order.shape.generate(order.pods, 1);
    if let Some(costs) = costs {
        say(&format!("note {costs}"));
        say(&format!("{}.", Counts::of(&cluster)));
    }
    let before = HEAP.current_usage();
    let snapshot = cluster.snapshot();
    let kept = (HEAP.current_usage() - before) / order.pods.max(1);
    let setting = Setting { cluster, snapshot };
    for case in &order.cases {
        say(&format!("begin {case}"));
        let measured = (CASES[*case].1)(&setting);
        say(&format!("end {}", measured.to_line()));
        if *case == 0 {
            let analysis = setting.analysis();
            let (classes, workloads) = (analysis.reachability().classes().len(), analysis.inventory().workloads.len());
            say(&format!("note {classes} classes, {workloads} workloads, the snapshot itself is {kept} B a pod"));
        }
    }
}

/// What a cluster takes: its snapshot, and the snapshot with the analysis. Nothing else may hold on to its records.
fn taken(make: impl Fn() -> Cluster) -> [usize; 2] {
    let before = HEAP.current_usage();
    let snapshot = make().snapshot();
    let alone = HEAP.current_usage().saturating_sub(before);
    let analysis = Analysis::new(snapshot.clone(), Assumptions::default());
    let both = HEAP.current_usage().saturating_sub(before);
    drop((snapshot, analysis));
    [alone, both]
}

/// What a pod and a policy cost, indexes included: by how much less it is without them. What the objects that own pods hold anyway (labels,
/// templates) is theirs.
fn costs(order: &Order) -> String {
    let cluster = || order.shape.generate(order.pods, 1);
    let without_policies = || Cluster { policies: Vec::new(), ..cluster() };
    let without_either = || Cluster { pods: Vec::new(), ..without_policies() };
    let [all, bare, nobody] = [taken(cluster), taken(without_policies), taken(without_either)];
    let each = |more: [usize; 2], less: [usize; 2], n: usize| {
        let [alone, both] = [0, 1].map(|which| more[which].saturating_sub(less[which]) / n.max(1));
        format!("{both} B ({alone} B in the snapshot)")
    };
    let made = cluster();
    let (pod, policy) = (each(bare, nobody, made.pods.len()), each(all, bare, made.policies.len()));
    format!("a pod costs {pod}, a policy {policy}")
}

fn cold_start(setting: &Setting) -> Measured {
    measure(|| setting.snapshot.clone(), |snapshot| Analysis::new(snapshot.clone(), Assumptions::default()))
}

fn workloads(analysis: &Analysis) -> Vec<WorkloadId> {
    analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty()).map(|(id, _)| id).collect()
}

/// Each workload to the next asks for what goes out of every one and what comes into every one.
fn every_row(setting: &Setting) -> Measured {
    let prepare = || {
        let analysis = setting.analysis();
        let ids = workloads(&analysis);
        (analysis, ids)
    };
    measure(prepare, |(analysis, ids)| {
        let next = ids.iter().zip(ids.iter().cycle().skip(1));
        next.filter(|(from, to)| !analysis.between_workloads(**from, **to).is_none()).count()
    })
}

fn change(setting: &Setting, event: Event) -> Measured {
    let mut churn = Churn::new(setting.cluster.clone(), 2);
    let mut host = Host::new(Assumptions::default(), setting.cluster.represents_templates);
    host.apply(setting.cluster.lists());
    let host = RefCell::new(host);
    // The window holds an analysis until the next is there, so that dropping it is not part of the change.
    let prepare = || (host.borrow_mut().analysis(), churn.happen(event));
    measure(prepare, |(_held, changes)| {
        let mut host = host.borrow_mut();
        host.apply(std::mem::take(changes));
        host.analysis()
    })
}

fn what_if(setting: &Setting) -> Measured {
    let base = setting.analysis();
    let mut churn = Churn::new(setting.cluster.clone(), 3);
    let prepare = || {
        let (_, edited) = churn.edited_policy().expect("a policy with a rule");
        Object::new(edited.raw(), "").expect("a key").expect("a kind that is read")
    };
    measure(prepare, |object| {
        let mut overlay = Overlay::default();
        overlay.set(base.snapshot(), object.clone());
        let edited = base.next(overlay.apply_to(base.snapshot()), Assumptions::default());
        let difference = Difference::between(&base, &edited);
        (edited, difference)
    })
}

fn some_pod(pods: &[PodId], random: &mut Random) -> PodId {
    pods[random.below(pods.len())]
}

fn one_row(setting: &Setting) -> Measured {
    let analysis = setting.analysis();
    let (ids, pods): (_, Vec<PodId>) = (workloads(&analysis), analysis.inventory().pods.ids().collect());
    let mut random = Random::new(4);
    measure(|| some_pod(&pods, &mut random), |from| ids.iter().filter(|to| !analysis.pod_to_workload(*from, **to).is_none()).count())
}

fn one_pair(setting: &Setting) -> Measured {
    let analysis = setting.analysis();
    let pods: Vec<PodId> = analysis.inventory().pods.ids().collect();
    let mut random = Random::new(5);
    let mut end = || -> Endpoint { analysis.pod_endpoint(some_pod(&pods, &mut random)) };
    let port = PortQuery::Number(Protocol::Tcp, 80);
    measure(|| (end(), end()), |(from, to)| analysis.trace(from, to, Some(&port)))
}

/// Counts what is written.
#[derive(Default)]
struct Sink {
    bytes: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn all_pairs(setting: &Setting) -> Measured {
    let (mut n, mut n_bytes) = (0, 0);
    let measured = measure(
        || setting.analysis(),
        |analysis| {
            let (mut n_lines, mut sink) = (0, Sink::default());
            analysis.each_connection(Unit::Workload, &mut |connection| {
                n_lines += 1;
                serde_json::to_writer(&mut sink, &connection).expect("a sink takes everything");
            });
            (n, n_bytes) = (n_lines, sink.bytes);
        },
    );
    say(&format!("note all pairs are {n} lines, {n_bytes} bytes of JSON"));
    measured
}
