//! What stands before a frame with something new: from a command, or a change of the cluster, to the view that shows it.

use std::time::Instant;

use portolan::command::Command;
use portolan::session::Session;
use portolan::view_model::{Freshness, View};
use portolan_core::assumptions::Settled;
use portolan_tests::generator::{Churn, Cluster, Event};

use crate::{middle_and_worst, say};

/// As often as each thing is done.
const TIMES: usize = 9;

/// A session, and what its views took.
struct Bench {
    session: Session,
    churn: Churn,
    seconds: Vec<f64>,
    /// Kept, so that the next one can share with it, as it can in the program.
    last: Option<View>,
}

impl Bench {
    fn view(&mut self) {
        let started = Instant::now();
        let view = self.session.view_unless(&|| false);
        self.seconds.push(started.elapsed().as_secs_f64());
        self.last = view;
    }

    fn execute(&mut self, command: Command) {
        self.session.execute(command);
        self.view();
    }

    fn happen(&mut self, event: Event) {
        let changes = self.churn.happen(event);
        self.session.apply(changes);
        self.view();
    }

    fn row(&mut self, name: &str) {
        let (median, _, worst) = middle_and_worst(std::mem::take(&mut self.seconds));
        say(&format!("| {name} | {median:.1} | {worst:.1} |"));
    }
}

/// Prints how long the views of a cluster take.
pub(crate) fn views(cluster: &Cluster) {
    say("\n| view | median ms | worst ms |");
    say("|---|---|---|");
    let mut session = Session::new(Settled::default());
    session.open("generated".to_owned(), false, Freshness::Static);
    session.apply(cluster.changes());
    let churn = Churn::new(cluster.clone(), 11);
    let mut bench = Bench { session, churn, seconds: Vec::new(), last: None };
    bench.view();
    bench.row("the first");
    let rows = bench.last.as_ref().map(|view| view.namespaces.clone()).unwrap_or_default();
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.workloads.len()));
    for event in [Event::PodAdded, Event::PolicyChanged] {
        for _ in 0..TIMES {
            bench.happen(event);
        }
        bench.row(&format!("overview, {event:?}"));
    }
    for row in rows.iter().take(TIMES) {
        bench.execute(Command::Select(Some(row.id.clone())));
    }
    bench.row("a namespace selected");
    let workloads = rows.iter().take(TIMES).filter_map(|row| row.workloads.first());
    for workload in workloads {
        bench.execute(Command::Select(Some(workload.id.clone())));
    }
    bench.row("a workload selected");
    for event in [Event::PodAdded, Event::PodChanged, Event::PodRemoved, Event::PolicyChanged] {
        for _ in 0..TIMES {
            bench.happen(event);
        }
        bench.row(&format!("a workload selected, {event:?}"));
    }
}
