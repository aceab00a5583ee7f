//! The closed list of what a person can ask. Every intent of the window is one of these; each carries the ids it needs.

use std::path::PathBuf;

use portolan_core::assumptions::Profile;

use crate::map::model::Id;
use crate::source::demo::Demo;

/// An intent.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    // Sources
    /// Open a bundled cluster.
    OpenDemo(Demo),
    /// Open files or folders of manifests.
    OpenManifests(Vec<PathBuf>),
    /// Connect to a context of the kubeconfig, by [`crate::view_model::ContextRow::id`].
    OpenContext(String),

    // Looking
    /// Select a thing by id, or nothing.
    Select(Option<Id>),
    /// Fold or unfold a namespace by its id.
    ToggleFold(Id),
    /// Fold every namespace, or unfold every one.
    FoldAll(bool),
    /// Set what the map shows.
    Show(ShowOptions),

    /// Say what comes of the URL in the search box; empty for none.
    AskUrl(String),

    // What is assumed
    /// Show the assumptions, with this one marked where one is named. The window's own to do.
    ShowAssumptions(Option<String>),
    /// Take a profile, or with `None` the one that is detected.
    SetProfile(Option<Profile>),
    /// Settle one assumption.
    Assume {
        /// Its name, for example `self-traffic`.
        name: String,
        /// Its value.
        value: String,
    },
    /// Note as which addresses what leaves the cluster arrives, as [`portolan_core::egress::NatNote`] is read; empty for nothing.
    NoteNat(String),
    /// Leave one assumption to the profile again; all of them where none is named.
    ResetAssumption(Option<String>),

    // The sketch
    /// Open an object in the editor by its key, with a JSON pointer to mark (may be empty).
    OpenObject {
        /// As in [`crate::view_model::ObjectRow::key`].
        key: String,
        /// For example `/spec/egress/0`.
        pointer: String,
    },
    /// Close the editor.
    CloseObject,
    /// The text in the editor changed.
    EditText {
        /// The object's key when it was opened.
        key: String,
        /// The whole text.
        text: String,
    },
    /// Create an object from a template.
    Create(Template, String),
    /// Delete an object, by key.
    Delete(String),
    /// Take the edits of one object back, by key.
    Revert(String),
    /// Throw all edits away.
    ClearSketch,
    /// Name the sketch.
    NameSketch(String),
    /// Undo the last edit.
    Undo,
    /// Redo what was undone.
    Redo,

    // Out
    /// Write the edited objects to a file, deletions beside it.
    ExportTo(PathBuf),
}

/// What a new object starts from. The second part of [`Command::Create`] is its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A NetworkPolicy that denies everything in both directions.
    DenyAll,
    /// A NetworkPolicy that lets a workload out to an address range.
    AllowEgress,
    /// A NetworkPolicy that lets a namespace in.
    AllowIngress,
    /// An Ingress with one host.
    Ingress,
    /// A Service.
    Service,
}

impl Template {
    /// All templates.
    pub const ALL: [Self; 5] = [Self::DenyAll, Self::AllowEgress, Self::AllowIngress, Self::Ingress, Self::Service];

    /// What the menu calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::DenyAll => "NetworkPolicy, deny all",
            Self::AllowEgress => "NetworkPolicy, allow egress",
            Self::AllowIngress => "NetworkPolicy, allow ingress",
            Self::Ingress => "Ingress",
            Self::Service => "Service",
        }
    }
}

/// What the map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShowOptions {
    /// Ways in from outside.
    pub entry_paths: bool,
    /// Ways out to addresses.
    pub egress: bool,
    /// Connections between workloads of different namespaces.
    pub between_namespaces: bool,
    /// Connections between workloads of one namespace.
    pub within_namespaces: bool,
    /// Entry paths that break are drawn to where they break.
    pub denied_paths: bool,
    /// DNS and monitoring, which everything talks to.
    pub noisy_peers: bool,
    /// Only workloads that these policies are for, and what those connect to.
    pub policies: PolicyFilter,
}

/// Which policies must be for a workload that the map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyFilter {
    /// Any, or none.
    #[default]
    All,
    /// Some policy of this dialect, as [`portolan_core::Kind::dialect`] names it.
    Dialect(&'static str),
    /// Some policy of this plane.
    Plane(&'static str),
}

impl PolicyFilter {
    /// What the menu calls it.
    pub fn title(self) -> String {
        match self {
            Self::All => "Every workload".to_owned(),
            Self::Dialect(dialect) => format!("With policies: {dialect}"),
            Self::Plane(plane) => format!("In plane: {}", plane.replace('-', " ")),
        }
    }
}

impl Default for ShowOptions {
    fn default() -> Self {
        Self {
            entry_paths: true,
            egress: true,
            between_namespaces: true,
            within_namespaces: true,
            denied_paths: true,
            noisy_peers: false,
            policies: PolicyFilter::All,
        }
    }
}
