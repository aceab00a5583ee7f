//! The closed list of what a person can ask. Every intent of the window is one of these; each carries the ids it needs.

use std::path::PathBuf;
use std::sync::Arc;

use portolan_core::assumptions::Profile;

use crate::map::model::Id;
use crate::map::picture::Picture;
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
    /// Fold or unfold by id: a namespace, a workload, or what several things are folded into.
    ToggleFold(Id),
    /// Fold every namespace, or unfold every one.
    FoldAll(bool),
    /// Set what the map shows.
    Show(ShowOptions),
    /// Put a node aside by its id: its connections are left out. What stands for workloads stays on the map, everything else leaves it.
    PutAside(Id),
    /// Bring back what was put aside, by id; all of it where none is named.
    BringBack(Option<Id>),
    /// Pin something by its id, or unpin it: it stays apart and lit, whatever is selected.
    Pin(Id),
    /// Say why what is under the pointer is as it is: a node or an edge of the map by its id; nothing any more with `None`.
    Explain(Option<Id>),
    /// Works out the reasons of all rows of what is selected, not of the first only.
    GiveReasons,

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
    /// Save the map as it is shown. The window's own to do: it takes the picture and has it written.
    SavePicture(PathBuf),
    /// Write a picture of the map into a file whose name says in what.
    WritePicture(PathBuf, Arc<Picture>),
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Connections that are certainly allowed.
    pub allowed: bool,
    /// Connections that depend on something.
    pub depends: bool,
    /// Only a part of the map.
    pub only: Only,
    /// Only what these texts describe.
    pub filter: MapFilter,
}

/// To what part the map is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    /// All of it.
    #[default]
    Everything,
    /// What the sketch gains, loses or changes, and what is at its ends.
    Changed,
    /// Ways in, and what they lead through and to.
    EntryPaths,
    /// Ways out, and whom they start from.
    Egress,
}

impl Only {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Everything, Self::Changed, Self::EntryPaths, Self::Egress];

    /// What the menu calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everything => "Everything",
            Self::Changed => "Only what the sketch changes",
            Self::EntryPaths => "Only ways in",
            Self::Egress => "Only ways out",
        }
    }
}

/// What the map is narrowed to, as a person writes it. An empty text leaves everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapFilter {
    /// Names of namespaces, with commas between; `*` stands for any part of a name: `shop, team-*`.
    pub namespaces: String,
    /// A label selector as kubectl reads it: `app=cart, tier in (web, api)`.
    pub labels: String,
    /// Ports and protocols, with commas between: `443, 53/UDP, 8000-9000/TCP, SCTP`.
    pub ports: String,
}

impl MapFilter {
    /// Whether it leaves everything.
    pub fn is_empty(&self) -> bool {
        [&self.namespaces, &self.labels, &self.ports].into_iter().all(|text| text.trim().is_empty())
    }
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
            allowed: true,
            depends: true,
            only: Only::Everything,
            filter: MapFilter::default(),
        }
    }
}
