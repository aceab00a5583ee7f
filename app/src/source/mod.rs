//! Where objects come from: the demo, manifests, and clusters, watched or listed once.

pub mod demo;
mod discovery;
pub mod kubeconfig;
pub mod manifests;
pub mod once;
pub mod raw_object;
pub mod status;
pub mod watch;

use portolan_core::{Kind, Object, ObjectKey, Warning};

pub use status::{KindStatus, Standing};

/// What a watched cluster says.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceEvent {
    /// These are all objects of a kind, in one namespace where one is named: the end of a first list, or of one after a break.
    Replace {
        /// The kind.
        kind: Kind,
        /// The only namespace that is spoken of, or `None` for all.
        namespace: Option<String>,
        /// The objects.
        objects: Vec<Object>,
    },
    /// An object is new or different.
    Apply(Object),
    /// An object is gone.
    Delete(ObjectKey),
    /// How the watch of a kind stands.
    Status(Kind, KindStatus),
    /// Something that the person should know of.
    Warning(Warning),
}
