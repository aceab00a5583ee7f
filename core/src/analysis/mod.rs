//! The façade: a host that applies changes, and immutable analyses that answer.

mod connections;
mod difference;
mod endpoint;
mod exposure;
mod misses;
mod reasons;
mod touched;
mod trace;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

pub use connections::{Connection, Unit};
pub use difference::{ChangedConnection, ChangedPath, Difference};
pub use endpoint::{Endpoint, EndpointError, PortQuery};
pub use exposure::{ExposedPeer, Exposure, LeftOut, Opening, Outside, PodGroup};
pub use misses::Miss;
pub(crate) use trace::verdict_of;
pub use trace::{Decision, Hop, Reason, Side, Trace};

use crate::assumptions::Assumptions;
use crate::entry::{self, EntryPath};
use crate::inventory::{Inventory, Moved, WorkloadId};
use crate::object::Warning;
use crate::peer::Peer;
use crate::policy;
use crate::reachability::{Reachability, Step};
use crate::snapshot::{Change, Snapshot};

/// Holds the newest snapshot and turns it into analyses.
#[derive(Debug, Default)]
pub struct Host {
    snapshot: Snapshot,
    assumptions: Assumptions,
    current: Option<Arc<Analysis>>,
    /// The one before, of which the next takes over what has not changed.
    earlier: Option<Arc<Analysis>>,
}

impl Host {
    /// A host of an empty snapshot.
    pub fn new(assumptions: Assumptions, represents_templates: bool) -> Self {
        let mut snapshot = Snapshot::default();
        snapshot.represents_templates = represents_templates;
        Self { snapshot, assumptions, current: None, earlier: None }
    }

    /// Applies changes. Returns whether anything is different now.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> bool {
        let mut is_different = false;
        for change in changes {
            is_different |= self.snapshot.apply(change);
        }
        if is_different {
            self.outdate();
        }
        is_different
    }

    /// Answers other questions with other assumptions.
    pub fn assume(&mut self, assumptions: Assumptions) {
        if self.assumptions != assumptions {
            self.assumptions = assumptions;
            self.outdate();
        }
    }

    fn outdate(&mut self) {
        if let Some(current) = self.current.take() {
            self.earlier = Some(current);
        }
    }

    /// The assumptions in force.
    pub fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    /// The snapshot as it stands.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The analysis of the snapshot as it stands.
    pub fn analysis(&mut self) -> Arc<Analysis> {
        let earlier = self.earlier.take();
        let current = self.current.get_or_insert_with(|| {
            let (snapshot, assumptions) = (self.snapshot.clone(), self.assumptions.clone());
            Arc::new(match &earlier {
                Some(earlier) => earlier.next(snapshot, assumptions),
                None => Analysis::new(snapshot, assumptions),
            })
        });
        Arc::clone(current)
    }
}

/// Everything that can be said of one snapshot. Immutable; answers are worked out when asked for.
#[derive(Debug)]
pub struct Analysis {
    snapshot: Snapshot,
    inventory: Inventory,
    reachability: Arc<Reachability>,
    ways: OnceLock<entry::Ways>,
    /// Whether anything says that some pod leaves otherwise than from its node.
    pub(crate) has_special_routes: OnceLock<bool>,
    /// What this one is told by, where another follows from it.
    identity: Arc<()>,
    descent: Option<Descent>,
}

/// Which analysis another follows from, and what is different.
#[derive(Debug)]
struct Descent {
    from: Arc<()>,
    /// The workloads that may be answered for differently.
    touched: BTreeSet<Peer>,
}

impl Analysis {
    /// Analyses a snapshot.
    pub fn new(snapshot: Snapshot, assumptions: Assumptions) -> Self {
        let inventory = Inventory::new(&snapshot, &assumptions);
        Self::over(snapshot, inventory, &assumptions)
    }

    fn over(snapshot: Snapshot, inventory: Inventory, assumptions: &Assumptions) -> Self {
        let reachability = Arc::new(Reachability::new(&snapshot, &inventory, assumptions));
        Self {
            snapshot,
            inventory,
            reachability,
            ways: OnceLock::new(),
            has_special_routes: OnceLock::new(),
            identity: Arc::default(),
            descent: None,
        }
    }

    /// Analyses another snapshot, taking over what has not changed since: equal to [`Self::new`], and sooner there.
    pub fn next(&self, snapshot: Snapshot, assumptions: Assumptions) -> Self {
        if self.snapshot.represents_templates != snapshot.represents_templates
            || self.assumptions().finished_pods != assumptions.finished_pods
        {
            return Self::new(snapshot, assumptions);
        }
        let Some(Moved { inventory, pods, workloads }) = self.inventory.next(&self.snapshot, &snapshot, &assumptions) else {
            return Self::new(snapshot, assumptions);
        };
        if *self.assumptions() != assumptions {
            return Self::over(snapshot, inventory, &assumptions);
        }
        let step = Step { old: &self.snapshot, new: &snapshot, inventory: &inventory, pods: &pods };
        let Some((reachability, touched)) = self.reachability.next(&step) else {
            return Self::over(snapshot, inventory, &assumptions);
        };
        let of_pods = touched.into_iter().map(|pod| inventory.pods.at(pod).workload);
        let now: BTreeSet<WorkloadId> = of_pods.chain(workloads.iter().copied()).collect();
        let before = workloads.iter().filter_map(|id| self.inventory.peer_of(*id));
        let touched = now.into_iter().filter_map(|id| inventory.peer_of(id)).chain(before).collect();
        let descent = Some(Descent { from: Arc::clone(&self.identity), touched });
        Self {
            snapshot,
            inventory,
            reachability: Arc::new(reachability),
            ways: OnceLock::new(),
            has_special_routes: OnceLock::new(),
            identity: Arc::default(),
            descent,
        }
    }

    /// The workloads that another analysis, which follows from this one, may answer for differently; `None` where it does not.
    fn touched_by<'a>(&self, next: &'a Self) -> Option<&'a BTreeSet<Peer>> {
        let descent = next.descent.as_ref()?;
        Arc::ptr_eq(&descent.from, &self.identity).then_some(&descent.touched)
    }

    /// The snapshot that is spoken of.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Who is in the network.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Who may reach whom.
    pub fn reachability(&self) -> &Arc<Reachability> {
        &self.reachability
    }

    /// The assumptions in force.
    pub fn assumptions(&self) -> &Assumptions {
        &self.reachability.assumptions
    }

    /// Every way in from outside, in the order of objects.
    pub fn entry_paths(&self) -> &[EntryPath] {
        &self.ways().paths
    }

    pub(crate) fn ways(&self) -> &entry::Ways {
        self.ways.get_or_init(|| entry::Ways::new(self))
    }

    /// Who answers a request from outside, or which status it gets and why: one answer for each front that takes it.
    pub fn request(&self, request: &entry::request::Request, at: &entry::request::At) -> Vec<entry::request::Answer> {
        entry::answers(self, request, at)
    }

    /// What is wrong with objects, in the order of kinds and names, and then with several of them together.
    pub fn warnings(&self) -> Vec<Warning> {
        let conflicts = policy::conflicts(&self.snapshot, &self.reachability.planes);
        self.snapshot
            .warnings()
            .cloned()
            .chain(self.inventory.warnings())
            .chain(conflicts)
            .chain(crate::egress::dns::findings(self))
            .collect()
    }
}
