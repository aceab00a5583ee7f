//! Whom the rules of an analysis tell apart, as a view needs it: for the map as a whole, and for one workload beside all others.

use std::cell::{RefCell, RefMut};
use std::sync::Arc;

use portolan_core::analysis::Analysis;
use portolan_core::inventory::WorkloadId;
use portolan_core::reachability::{ClassId, Outcome, OutcomeId, Overview, Pair, Pairs, Reachability};
use rustc_hash::FxHashMap;

/// Whom the rules of an analysis tell apart. It stays as long as the analysis does, whatever is folded or selected.
pub struct Told {
    overview: RefCell<Overview>,
    /// The pairs of classes of which one tells the other apart.
    pairs: Arc<Pairs>,
}

impl Told {
    /// Finds it out, with what is known already of one that it may follow from.
    pub fn new(reachability: &Arc<Reachability>, earlier: Option<Self>) -> Self {
        let reachability = Arc::clone(reachability);
        let mut overview = match earlier {
            Some(earlier) => earlier.overview.into_inner().next(reachability),
            None => Overview::new(reachability),
        };
        let pairs = overview.pairs();
        Self { overview: RefCell::new(overview), pairs }
    }

    /// All pairs of classes of which one tells the other apart.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.pairs.iter()
    }

    /// The pairs that some rule names and lets through, as against those that nothing keeps apart.
    pub fn named(&self) -> impl Iterator<Item = Pair> + '_ {
        let overview = self.overview.borrow();
        self.pairs.iter().filter(move |pair| pair.is_named && !overview.outcome(pair.outcome).is_none())
    }

    /// To ask more.
    pub fn overview(&self) -> RefMut<'_, Overview> {
        self.overview.borrow_mut()
    }
}

/// What may go between workloads, for whoever asks of many.
pub struct Asked<'a> {
    analysis: &'a Analysis,
    overview: RefMut<'a, Overview>,
    /// The one class of the pods of each workload that has one.
    classes: FxHashMap<WorkloadId, ClassId>,
}

impl<'a> Asked<'a> {
    /// Of the workloads of an analysis, and whom its rules tell apart.
    pub fn new(analysis: &'a Analysis, told: &'a Told) -> Self {
        let class = |(id, workload): (WorkloadId, &portolan_core::inventory::Workload)| {
            let mut classes = workload.pods.iter().map(|pod| analysis.reachability().class_of(*pod));
            let first = classes.next()?;
            classes.all(|class| class == first).then_some((id, first))
        };
        let classes = analysis.inventory().workloads.entries().filter_map(class).collect();
        Self { analysis, overview: told.overview(), classes }
    }

    /// What [`Analysis::between_workloads`] says, as a number that is the same for equal outcomes.
    pub fn between(&mut self, from: WorkloadId, to: WorkloadId) -> OutcomeId {
        match (self.classes.get(&from), self.classes.get(&to)) {
            (Some(a), Some(b)) if !self.overview.is_on_node(*a, *b) => self.overview.pair(*a, *b),
            _ => {
                let outcome = self.analysis.between_workloads(from, to);
                self.overview.number(&outcome)
            }
        }
    }

    /// What a number stands for.
    pub fn outcome(&self, id: OutcomeId) -> &Outcome {
        self.overview.outcome(id)
    }
}
