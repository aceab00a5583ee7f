//! Where objects come from: a live cluster, files, or the built-in demo, all as the same stream of events.

pub mod connect;
pub mod fault;
pub mod kubeconfig;
pub mod list;
pub mod observed;
pub mod raw;
pub mod status;
pub mod watch;
pub mod watch_kind;

use portolan_core::object::{Kind, Object, ObjectKey, Warning};

pub use connect::ConnectError;
pub use kubeconfig::{ContextEntry, Contexts, FileProblem, renewal};
pub use list::list_once;
pub use status::{Overall, SourceState, SourceStatus, Statuses, Unseen};
pub use watch::{Backoff, Renew, WatchHandle, WatchOptions, start};

/// The part of a cluster that a listing covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every namespace, or a kind that has none.
    All,
    /// One namespace.
    Namespace(String),
}

impl Scope {
    /// Whether an object with this key lies within the scope.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => key.namespace == namespace.as_str(),
        }
    }
}

/// What a source says.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceEvent {
    /// All that there is of a kind within a scope: whatever was known of it before and is not among `objects` is gone.
    Replace {
        /// The kind of every object.
        kind: Kind,
        /// What the listing covered. Objects outside it are left alone.
        scope: Scope,
        /// The objects, ordered by key, each key once.
        objects: Vec<Object>,
    },
    /// An object that is new or has changed.
    Apply(Object),
    /// An object that is gone.
    Delete(ObjectKey),
    /// How one kind is doing.
    Status(SourceStatus),
    /// Something wrong that was worked around.
    Warning(Warning),
}
