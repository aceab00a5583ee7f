//! Workloads.

use super::{Owner, PodRecord};

/// A controller of pods. Which kind it is, its key tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkloadRecord {
    /// The pods that it asks for; `None` where the number follows from something else (a DaemonSet, a CronJob).
    pub replicas: Option<u32>,
    /// What controls it in turn.
    pub owner: Option<Owner>,
    /// A pod as its template describes it, without an address; absent where the template could not be read.
    pub template: Option<PodRecord>,
}
