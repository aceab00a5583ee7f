//! What the window shows, as plain data: strings, tones and ids, ready to be drawn. Built by the worker from an analysis, read by the
//! panels. Nothing here knows egui, and nothing here computes a verdict.

pub mod addresses;
pub mod assumptions;
pub mod caption;
pub mod difference;
pub mod exposure;
pub mod graph;
pub mod ids;
pub mod inspector;
pub mod namespaces;
pub mod reasons;
pub mod request;
mod routes;
pub mod search;
pub mod told;

use std::sync::Arc;

pub use assumptions::{AssumptionRow, AssumptionsView, ProfileRow};
pub use search::SearchEntry;

use crate::command::PolicyFilter;
use crate::map::model::{Id, MapModel, Tone};

/// Everything the window shows of the cluster and the sketch at one moment. Published by the worker, immutable.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Grows with every publication; equal generations are equal views.
    pub generation: u64,
    /// Left: namespaces with their counts.
    pub namespaces: Arc<Vec<NamespaceRow>>,
    /// Middle. Shared, so that the map keeps its layout by pointer as long as the picture stays.
    pub map: Arc<MapModel>,
    /// The node of the map that stands for what is selected: for a pod, its workload's.
    pub map_focus: Option<Id>,
    /// Right: what is selected, if anything.
    pub inspector: Option<Inspector>,
    /// Bottom: the edits.
    pub sketch: Sketch,
    /// Bottom: what the edits change.
    pub difference: DifferenceTable,
    /// Bottom: objects that could not be read as they stand.
    pub warnings: Vec<WarningRow>,
    /// The status bar.
    pub status: Status,
    /// What is assumed, behind the status bar's profile.
    pub assumptions: AssumptionsView,
    /// The policies that the map can be narrowed to; empty where there is nothing to choose.
    pub policy_filters: Vec<PolicyFilter>,
    /// Above the map: from the cluster down to what is selected, each by its id (empty for the cluster) and its name.
    pub crumbs: Vec<Crumb>,
    /// What is put aside: what can be brought back.
    pub aside: Vec<AsideRow>,
    /// What is pinned: ids and names.
    pub pinned: Vec<(Id, String)>,
    /// What could not be read of the map's filter, a sentence each.
    pub filter_errors: Vec<String>,
    /// Why what was asked about is as it is.
    pub hint: Option<Hint>,
    /// What the search box finds: everything that can be selected.
    pub search_index: Arc<Vec<SearchEntry>>,
    /// What comes of the URL in the search box.
    pub asking: Asking,
}

/// A step from the cluster down to what is selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crumb {
    /// What it selects; empty for the cluster, which selects nothing.
    pub id: Id,
    /// Its name.
    pub title: String,
    /// What it is: `cluster`, `namespace`, `Deployment`, `pod`.
    pub kind: String,
}

/// Something that is put aside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AsideRow {
    /// Its id, to bring it back.
    pub id: Id,
    /// Its name: `kube-system/coredns`.
    pub title: String,
    /// What is left out with it: `53/UDP, 53/TCP, 24 connections`.
    pub fact: String,
}

/// Why a node or an edge of the map is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hint {
    /// The node or edge.
    pub id: Id,
    /// A sentence a line, the one that decides with its tone.
    pub lines: Vec<WhyLine>,
}

/// How far a direction is closed for the pods of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// No pod is isolated: an open ring.
    #[default]
    Open,
    /// Some pods are isolated: a half-filled square in the colour of "depends".
    Partly,
    /// Every pod is isolated: a filled square in the colour of "allowed".
    Closed,
}

impl Isolation {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Partly => "partly closed",
            Self::Closed => "closed",
        }
    }
}

/// A namespace in the tree, with its workloads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceRow {
    /// Its id on the map, for example `namespace/shop`.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its pods that run.
    pub n_pods: usize,
    /// Ways in.
    pub inward: Isolation,
    /// Ways out.
    pub outward: Isolation,
    /// Whether its workloads are on the map one by one (not folded into one node).
    pub unfolded: bool,
    /// Its workloads.
    pub workloads: Vec<WorkloadRow>,
}

/// A workload in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkloadRow {
    /// Its id, for example `workload/shop/Deployment/cart`.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// `Deployment, 3 pods`
    pub fact: String,
    /// Whether its pods are on the map one by one.
    pub unfolded: bool,
    /// Its pods: id (`pod/shop/cart-0`) and name.
    pub pods: Vec<(Id, String)>,
}

/// The right panel for one selected thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspector {
    /// What is selected.
    pub id: Id,
    /// Its name, as the title.
    pub title: String,
    /// `Deployment in payments, 3 pods, 10.1.4.7 and 2 more`
    pub subtitle: String,
    /// What it may reach.
    pub destinations: Vec<ConnectionRow>,
    /// What may reach it.
    pub sources: Vec<ConnectionRow>,
    /// The workloads that it may not reach, its own namespace's first, as many as are worked out; and how many there are.
    pub denied_destinations: (Vec<ConnectionRow>, usize),
    /// The workloads that may not reach it, in the same way.
    pub denied_sources: (Vec<ConnectionRow>, usize),
    /// Who is not there yet and could be reached by it.
    pub could_be_reached: Vec<ExposureRow>,
    /// Who is not there yet and could reach it.
    pub could_reach: Vec<ExposureRow>,
    /// Ways in from outside that lead to it or through it, those that break first.
    pub paths: Vec<PathRow>,
    /// For a request: what comes of it, at each front that takes it.
    pub answers: Vec<AnswerRow>,
    /// Its object as YAML, empty where it has none to show.
    pub yaml: String,
    /// The editable object behind it and those that bear on it (policies that select it), to open in the sketch.
    pub objects: Vec<ObjectRow>,
}

/// Pods that may come, in the inspector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExposureRow {
    /// Who: `pods with app=cart in namespace shop`.
    pub title: String,
    /// `5432/TCP`, `any port`.
    pub ports: String,
    /// What it hangs on, or who of them is left out; empty where nothing is to be said.
    pub note: String,
}

/// One connection in the inspector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionRow {
    /// The other end on the map, to select it.
    pub peer: Id,
    /// The other end's name: `payments-db`, `Internet, any port`, `10.20.0.0/16`.
    pub title: String,
    /// Where it is: its namespace, or empty.
    pub place: String,
    /// `5432/TCP`, `any port`.
    pub ports: String,
    /// Its state.
    pub tone: Option<Tone>,
    /// One line: `allow-db, egress rule 1`.
    pub because: String,
    /// The whole reasoning, line by line.
    pub why: Vec<WhyLine>,
    /// Whether its reasons are worked out only when somebody asks, see [`crate::command::Command::GiveReasons`].
    pub waits: bool,
}

/// One line of a reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhyLine {
    /// A sentence without a full stop.
    pub text: String,
    /// Set on the line that decides.
    pub tone: Option<Tone>,
    /// The object behind the line, to open it in the sketch: its key as text (see [`ObjectRow::key`]) and a JSON pointer into it.
    pub object: Option<(String, String)>,
    /// The assumption that would settle what the line says, by name.
    pub assumption: Option<String>,
    /// How far below the line that it explains: 0 for a line of its own, 1 for why a rule does not fit.
    pub indent: u8,
    /// Whether it is a step of a way in, whose tone is a mark of its own.
    pub is_hop: bool,
    /// Of a step, what kind it is: `class`, `rule`, `policy`.
    pub kind: String,
    /// Whether the way breaks here.
    pub is_break: bool,
}

impl WhyLine {
    /// A line of its own with nothing behind it.
    pub fn new(text: impl Into<String>, tone: Option<Tone>) -> Self {
        Self { text: text.into(), tone, ..Self::default() }
    }
}

/// One way in from outside, hop by hop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathRow {
    /// Its id, which it keeps while it changes.
    pub id: String,
    /// `https://shop.example/`
    pub title: String,
    /// Who takes its requests: `Gateway shop/public`, `Ingress class nginx`.
    pub front: String,
    /// Its share of the requests, where it is not all of them: `90 %`.
    pub share: String,
    /// The node of the map at which it begins.
    pub door: Id,
    /// The state of the whole path.
    pub tone: Option<Tone>,
    /// Its hops.
    pub hops: Vec<WhyLine>,
}

/// What comes of a request at one front.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerRow {
    /// Who takes it: `Gateway shop/public`.
    pub at: String,
    /// The door that it goes through, to select it; empty where no rule takes it.
    pub door: Id,
    /// `Service shop/cart, 2 pods`
    pub outcome: String,
    /// Why, where no backend answers.
    pub why: String,
    /// What comes of it as a whole.
    pub tone: Option<Tone>,
    /// Who answers.
    pub backends: Vec<BackendRow>,
    /// `the backend sees shop.example/v2`; empty where it sees what was asked.
    pub rewritten: String,
    /// From outside to the pods of the first backend.
    pub hops: Vec<WhyLine>,
    /// Rules that would take it and do not.
    pub passed_over: Vec<WhyLine>,
}

/// A backend that gets a share of a request's like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendRow {
    /// Its Service on the map; empty where it is none.
    pub peer: Id,
    /// `Service shop/cart port 80`
    pub title: String,
    /// `90 %`; empty where it gets all.
    pub share: String,
    /// `2 pods`, `503, 0 pods`
    pub fact: String,
    /// Why it does not answer, or may not; else empty.
    pub why: String,
    /// What comes of a request for it.
    pub tone: Option<Tone>,
}

/// An object that can be opened in the sketch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectRow {
    /// `networking.k8s.io/v1 NetworkPolicy payments/allow-db`: what commands name it by.
    pub key: String,
    /// `NetworkPolicy allow-db`
    pub title: String,
    /// What it does here, in few words: `closes egress`.
    pub fact: String,
}

/// The edits so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    /// Its name.
    pub name: String,
    /// The edits, in order.
    pub edits: Vec<EditRow>,
    /// Every object that can be edited, with what each edit makes of it applied.
    pub objects: Vec<ObjectRow>,
    /// The object in the editor, if one is open.
    pub open: Option<OpenObject>,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
    /// What an export would write: the edited objects as YAML, ready for `kubectl apply`. Empty where nothing is edited.
    pub export_yaml: String,
}

/// One edit of the sketch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditRow {
    /// The object's key, as in [`ObjectRow::key`].
    pub key: String,
    /// `created`, `changed`, `deleted`
    pub verb: String,
    /// `NetworkPolicy payments/allow-gateway`
    pub title: String,
    /// Set when the cluster changed beneath the edit: what happened.
    pub conflict: Option<String>,
}

/// The object in the editor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenObject {
    /// Grows when the text was replaced from outside the editor (opened, undone, reverted): then the editor takes `text` over.
    pub revision: u64,
    /// Its key, as in [`ObjectRow::key`].
    pub key: String,
    /// The text as YAML.
    pub text: String,
    /// What is wrong with the text as it stands: line and column from 1, and the message. The last good text stays in force.
    pub errors: Vec<TextError>,
    /// The lines (from 1) to mark and scroll to, when a reason was followed: the rule from its first line to its last.
    pub marked_lines: Option<std::ops::RangeInclusive<usize>>,
}

/// Something wrong with the text in the editor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextError {
    /// From 1; 0 where no line can be named.
    pub line: usize,
    /// From 1; 0 where no column can be named.
    pub column: usize,
    /// The message, lower case, without a full stop.
    pub message: String,
    /// Whether it keeps the text from taking effect (else it is a warning).
    pub fatal: bool,
}

/// What the sketch changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DifferenceTable {
    /// Connections that are new.
    pub n_gained: usize,
    /// Connections that are gone.
    pub n_lost: usize,
    /// Connections whose ports or conditions changed.
    pub n_changed: usize,
    /// The rows, lost first, then gained, then changed.
    pub rows: Vec<DifferenceRow>,
    /// Entry paths that changed: title, before and after in words, with tones.
    pub paths: Vec<PathDifferenceRow>,
}

/// One changed connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DifferenceRow {
    /// `Gained`, `Lost`, or `Depends` for changed.
    pub tone: Option<Tone>,
    /// `+ gained`, `- lost`, `~ changed`
    pub word: String,
    /// `payments/payments-api`
    pub from: String,
    /// The source on the map.
    pub from_id: Id,
    /// `data/payments-db`, `Internet`
    pub to: String,
    /// The destination on the map.
    pub to_id: Id,
    /// Ports: `5432/TCP`; for changed, `80/TCP, now 80/TCP, 443/TCP`.
    pub ports: String,
}

/// One changed way in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathDifferenceRow {
    /// `https://old.example/`
    pub title: String,
    /// `works now: was blocked by ...`
    pub text: String,
    /// Gained or lost.
    pub tone: Option<Tone>,
}

/// One thing wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WarningRow {
    /// The object's key as text, or the file.
    pub object: String,
    /// The field.
    pub pointer: String,
    /// The message.
    pub message: String,
}

/// The status bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// How the source stands.
    pub freshness: Freshness,
    /// `demo`, `prod-eu`, `3 files in ./manifests`
    pub source: String,
    /// `214 pods, 60 workloads, 38 policies`
    pub sizes: String,
    /// `answer in 0.4 ms`
    pub timing: String,
    /// `profile upstream`, `profile cilium +2` with two assumptions that the profile has otherwise.
    pub profile: String,
    /// Where the profile comes from, in a sentence, for whoever asks.
    pub profile_origin: String,
    /// What cannot be seen, a line each: `pods is forbidden: ...`.
    pub unseen: Vec<String>,
    /// What came of the last thing asked for, where it does not show elsewhere: `saved 3 objects to ...`.
    pub notice: Option<Notice>,
}

/// A short message in the status bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// The message, lower case, without a full stop.
    pub text: String,
    /// Whether something did not work.
    pub is_failure: bool,
}

/// How fresh the picture is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Read once, from files or the demo.
    #[default]
    Static,
    /// First lists are on their way; kinds done and kinds in all.
    Loading(usize, usize),
    /// Everything streams.
    Live,
    /// The connection is down; the picture is as of then. Why, in words.
    Stale(String),
    /// The server does not accept us. Why, in words.
    Unauthorised(String),
    /// The source cannot be read at all. Why, in words.
    Failed(String),
}

/// What comes of the URL that is typed in the search box.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asking {
    /// The text that this is the answer to; empty where nothing was asked.
    pub text: String,
    /// One row for each front that takes the request.
    pub rows: Vec<RequestRow>,
    /// What cannot be read about the text, in a sentence.
    pub error: String,
}

/// A request that can be selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestRow {
    /// Its id, for example `request/https://shop.example/cart`.
    pub id: Id,
    /// `https://shop.example/cart`
    pub title: String,
    /// Who takes it, where there are several.
    pub at: String,
    /// `Service shop/cart, 2 pods`, `404 at Gateway shop/public`
    pub outcome: String,
    /// What comes of it.
    pub tone: Option<Tone>,
}

/// The contexts of the kubeconfig, for the picker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContextRow {
    /// What [`crate::command::Command::OpenContext`] names it by.
    pub id: String,
    /// Its name, with the file's stem where two files have the same name.
    pub title: String,
    /// The cluster's server or the file, muted.
    pub fact: String,
}
