//! What one side, or both, make of a connection: three values for every port.

use crate::assumptions::Cause;
use crate::ports::PortSet;

/// For every port: certainly allowed, possibly allowed, or denied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// The ports that are allowed whatever the unsettled questions come to.
    pub certain: PortSet,
    /// The ports that may be allowed; holds all that is certain.
    pub possible: PortSet,
    /// What the ports that are possible and not certain hang on; sorted, empty where there are none.
    pub causes: Vec<Cause>,
}

impl Outcome {
    /// An outcome of these parts. Causes are dropped where nothing hangs on them.
    pub fn new(certain: PortSet, possible: PortSet, mut causes: Vec<Cause>) -> Self {
        let possible = possible.union(&certain);
        if possible == certain {
            causes.clear();
        }
        causes.sort_unstable();
        causes.dedup();
        Self { certain, possible, causes }
    }

    /// Everything is allowed.
    pub fn all() -> Self {
        Self { certain: PortSet::all(), possible: PortSet::all(), causes: Vec::new() }
    }

    /// Exactly these ports are allowed.
    pub fn exactly(ports: PortSet) -> Self {
        Self { certain: ports.clone(), possible: ports, causes: Vec::new() }
    }

    /// Whether no port is allowed, not even possibly.
    pub fn is_none(&self) -> bool {
        self.possible.is_empty()
    }

    /// The ports that depend.
    pub fn dependent(&self) -> PortSet {
        self.possible.difference(&self.certain)
    }

    /// Both must allow it.
    pub fn and(&self, other: &Self) -> Self {
        let certain = self.certain.intersection(&other.certain);
        let possible = self.possible.intersection(&other.possible);
        Self::new(certain, possible, [self.causes.as_slice(), other.causes.as_slice()].concat())
    }

    /// It is one or the other, and which is the question: certain is what both allow.
    pub fn or_elsewhere(&self, other: &Self, which: Cause) -> Self {
        let certain = self.certain.intersection(&other.certain);
        let possible = self.possible.union(&other.possible);
        let mut causes = [self.causes.as_slice(), other.causes.as_slice()].concat();
        if self != other {
            causes.push(which);
        }
        Self::new(certain, possible, causes)
    }

    /// The same, looked at on these ports only.
    pub fn restricted_to(&self, ports: &PortSet) -> Self {
        Self::new(self.certain.intersection(ports), self.possible.intersection(ports), self.causes.clone())
    }
}
