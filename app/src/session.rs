//! What a person has open: a cluster, a selection, a sketch. Takes commands and makes views; owned by the worker, knows no thread.

mod kept;
mod looking;
mod sketching;
mod templates;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use portolan_core::analysis::{Analysis, Difference, Host};
use portolan_core::assumptions::{Assumptions, Detection, Settled, detect};
use portolan_core::egress::NatNote;
use portolan_core::snapshot::{Change, Snapshot};
use portolan_core::text::count;
use portolan_core::whatif::{EditKind, Export, History, Overlay};
use portolan_core::{Kind, Warning};

use crate::command::{Command, PolicyFilter, ShowOptions};
use crate::files;
use crate::map::model::Id;
use crate::view_model::{Asking, Freshness, Notice, Status, View, WarningRow, assumptions, difference, graph, ids, namespaces, request};
use kept::Kept;
use sketching::Editor;

/// As many namespaces as start unfolded; where there are more, all start folded.
const MAX_UNFOLDED: usize = 5;

/// What a person has open.
pub struct Session {
    host: Host,
    settled: Settled,
    history: History,
    editor: Editor,
    selected: Option<Id>,
    /// Whether what is selected is still to be brought onto the map, by unfolding the namespaces that it passes.
    unfolds_selected: bool,
    /// The URL in the search box; empty for none.
    url: String,
    show: ShowOptions,
    /// What was put aside by hand, by the ids of its nodes.
    aside: BTreeSet<Id>,
    /// What would be put aside as noisy, and was brought back.
    brought_back: BTreeSet<Id>,
    /// What is pinned, by id.
    pinned: BTreeSet<Id>,
    /// Whether all rows of what is selected get their reasons.
    gives_reasons: bool,
    /// What is to be explained: a node or an edge of the map.
    explained: Option<Id>,
    /// Namespaces by id; `None` until there are any to decide for.
    unfolded: Option<BTreeSet<Id>>,
    source: String,
    freshness: Freshness,
    unseen: Vec<String>,
    source_warnings: Vec<Warning>,
    notice: Option<Notice>,
    answers: Option<Answers>,
    kept: Kept,
    generation: u64,
}

/// What follows from the snapshot and the edits; made anew when either changes.
struct Answers {
    base: Arc<Analysis>,
    edited: Arc<Analysis>,
    difference: Difference,
    detection: Option<Detection>,
    elapsed: std::time::Duration,
}

/// The policies that the map can be narrowed to: dialects and planes of which there are some; none where there is one of each only.
fn policy_filters(analysis: &Analysis) -> Vec<PolicyFilter> {
    let (planes, dialects) = analysis.policies_at_hand();
    let several = |names: Vec<&'static str>, of: fn(&'static str) -> PolicyFilter| {
        let is_choice = names.len() > 1;
        names.into_iter().filter(move |_| is_choice).map(of).collect::<Vec<_>>()
    };
    let filters = [several(dialects, PolicyFilter::Dialect), several(planes, PolicyFilter::Plane)].concat();
    if filters.is_empty() { filters } else { [vec![PolicyFilter::All], filters].concat() }
}

impl Session {
    /// A session with nothing open.
    pub fn new(settled: Settled) -> Self {
        Self {
            host: Host::new(settled.assumptions(None), false),
            settled,
            history: History::default(),
            editor: Editor::default(),
            selected: None,
            unfolds_selected: false,
            url: String::new(),
            show: ShowOptions::default(),
            aside: BTreeSet::new(),
            brought_back: BTreeSet::new(),
            pinned: BTreeSet::new(),
            gives_reasons: false,
            explained: None,
            unfolded: None,
            source: String::new(),
            freshness: Freshness::Static,
            unseen: Vec::new(),
            source_warnings: Vec::new(),
            notice: None,
            answers: None,
            kept: Kept::default(),
            generation: 0,
        }
    }

    /// Starts over with another source, of which nothing is known yet.
    pub fn open(&mut self, source: String, represents_templates: bool, freshness: Freshness) {
        let generation = self.generation;
        *self = Self { show: self.show.clone(), generation, editor: self.editor.emptied(), ..Self::new(self.settled.clone()) };
        self.host = Host::new(self.settled.assumptions(None), represents_templates);
        self.source = source;
        self.freshness = freshness;
    }

    /// Takes what the source says of the cluster.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        if self.host.apply(changes) {
            self.answers = None;
        }
    }

    /// Takes what the source says of itself.
    pub fn set_freshness(&mut self, freshness: Freshness, unseen: Vec<String>) {
        self.freshness = freshness;
        self.unseen = unseen;
    }

    /// Takes what the source could not read; those of before are forgotten.
    pub fn set_source_warnings(&mut self, warnings: Vec<Warning>) {
        self.source_warnings = warnings;
    }

    /// Tells the person something.
    pub fn notify(&mut self, text: impl Into<String>, is_failure: bool) {
        self.notice = Some(Notice { text: text.into(), is_failure });
    }

    /// Lays edits over the source in place of those that are there.
    pub fn lay_over(&mut self, overlay: Overlay) {
        self.history.record(overlay, false);
        self.answers = None;
    }

    /// The snapshot without the edits.
    pub fn snapshot(&self) -> &Snapshot {
        self.host.snapshot()
    }

    /// Does what was asked for. Commands that open a source are the worker's to do.
    pub fn execute(&mut self, command: Command) {
        self.notice = None;
        match command {
            Command::Select(id) => self.select(id),
            Command::AskUrl(url) => self.url = url,
            Command::ToggleFold(id) => {
                let unfolded = self.unfolded_mut();
                if !unfolded.remove(&id) {
                    unfolded.insert(id);
                }
            }
            Command::FoldAll(fold) => {
                let all = if fold { BTreeSet::new() } else { self.namespace_ids() };
                self.unfolded = Some(all);
            }
            Command::Show(show) => self.show = show,
            Command::PutAside(id) => {
                self.brought_back.remove(&id);
                self.aside.insert(id);
            }
            Command::BringBack(Some(id)) => {
                self.aside.remove(&id);
                self.brought_back.insert(id);
            }
            Command::BringBack(None) => {
                self.aside.clear();
                self.show.noisy_peers = true;
            }
            Command::Pin(id) => {
                if !self.pinned.remove(&id) {
                    self.pinned.insert(id);
                }
            }
            Command::Explain(id) => self.explained = id,
            Command::GiveReasons => self.gives_reasons = true,
            Command::ExportTo(path) => self.export(&path),
            Command::WritePicture(path, picture) => match picture.save(&path, None) {
                Ok(()) => self.notify(format!("saved the map to {}", path.display()), false),
                Err(error) => self.notify(format!("not saved: {error:#}"), true),
            },
            Command::SetProfile(profile) => self.settle(|settled| settled.profile = profile),
            Command::Assume { name, value } => self.assume(&name, &value),
            Command::NoteNat(text) => match NatNote::parse(&text) {
                Ok(note) => self.settle(|settled| settled.nat = note),
                Err(error) => self.notify(error, true),
            },
            Command::ResetAssumption(None) => self.settle(Settled::unset_all),
            Command::ResetAssumption(Some(name)) => self.settle(|settled| settled.unset(&name)),
            other => self.sketch(other),
        }
    }

    /// Settles something, or leaves it open again; everything is answered anew, the difference of the sketch included.
    fn settle(&mut self, change: impl FnOnce(&mut Settled)) {
        change(&mut self.settled);
        self.answers = None;
    }

    fn assume(&mut self, name: &str, value: &str) {
        // What the profile says anyway is left to it, so that another profile may say otherwise.
        let is_profiles = Assumptions::of(self.host.assumptions().profile).list().contains(&(name, value));
        let mut settled = self.settled.clone();
        match settled.set(name, value) {
            Err(error) => self.notify(error, true),
            Ok(()) if is_profiles => self.settle(|settled| settled.unset(name)),
            Ok(()) => self.settle(|own| *own = settled),
        }
    }

    fn select(&mut self, id: Option<Id>) {
        self.gives_reasons &= self.selected == id;
        // What is selected must be on the map: its namespace unfolds.
        if let Some(namespace) = id.as_deref().and_then(namespace_of) {
            self.unfolded_mut().insert(namespace);
        }
        // Which namespaces a request passes is known only with the answers.
        self.unfolds_selected = id.as_deref().is_some_and(|id| id.starts_with("request/"));
        self.selected = id;
    }

    /// Unfolds what a request passes, once it has been selected.
    fn unfold_selected(&mut self) {
        if !std::mem::take(&mut self.unfolds_selected) {
            return;
        }
        let Some(answers) = &self.answers else { return };
        let asked = self.selected.as_deref().and_then(|id| request::Asked::of_id(&answers.edited, id));
        let namespaces = asked.map(|asked| asked.namespaces(&answers.edited)).unwrap_or_default();
        let known = self.namespace_ids();
        self.unfolded_mut().extend(namespaces.into_iter().filter(|id| known.contains(id)));
    }

    fn namespace_ids(&self) -> BTreeSet<Id> {
        self.host.snapshot().namespaces().iter().map(|name| ids::namespace(name)).collect()
    }

    fn unfolded_mut(&mut self) -> &mut BTreeSet<Id> {
        if self.unfolded.is_none() {
            let all = self.namespace_ids();
            self.unfolded = Some(if all.len() > MAX_UNFOLDED { BTreeSet::new() } else { all });
        }
        self.unfolded.get_or_insert_default()
    }

    /// What follows from the snapshot and the edits; `None` where `is_outdated` said between two stages that nobody asks any more.
    fn answers_unless(&mut self, is_outdated: &dyn Fn() -> bool) -> Option<&Answers> {
        if self.answers.is_none() {
            self.answers = Some(self.work_out(is_outdated)?);
            self.kept.forget();
        }
        self.answers.as_ref()
    }

    fn work_out(&mut self, is_outdated: &dyn Fn() -> bool) -> Option<Answers> {
        let started = Instant::now();
        let detection = detect(self.host.snapshot());
        let assumptions = self.settled.assumptions(detection.as_ref());
        self.host.apply([Change::Nat(self.settled.nat.clone())]);
        self.host.assume(assumptions.clone());
        let base = self.host.analysis();
        let overlay = self.history.present();
        if overlay.is_empty() {
            let edited = Arc::clone(&base);
            return Some(Answers { base, edited, difference: Difference::default(), detection, elapsed: started.elapsed() });
        }
        if is_outdated() {
            return None;
        }
        let edited = Arc::new(base.next(overlay.apply_to(base.snapshot()), assumptions));
        if is_outdated() {
            return None;
        }
        let difference = Difference::unless(&base, &edited, is_outdated)?;
        Some(Answers { base, edited, difference, detection, elapsed: started.elapsed() })
    }

    /// The analysis with the edits.
    pub fn edited(&mut self) -> Arc<Analysis> {
        match self.answers_unless(&|| false) {
            Some(answers) => Arc::clone(&answers.edited),
            None => unreachable!("nothing is outdated"),
        }
    }

    /// What the window shows now.
    ///
    /// `is_outdated` is asked between the stages of the work. Where it says yes, the work is abandoned, with `None`; what is finished of
    /// the answers is kept, and everything that was asked for stays done.
    pub fn view_unless(&mut self, is_outdated: &dyn Fn() -> bool) -> Option<View> {
        if !self.host.snapshot().namespaces().is_empty() {
            self.unfolded_mut();
        }
        self.answers_unless(is_outdated)?;
        if is_outdated() {
            return None;
        }
        self.unfold_selected();
        let mut kept = std::mem::take(&mut self.kept);
        let view = self.view_from(&mut kept, is_outdated);
        self.kept = kept;
        view
    }

    fn view_from(&mut self, kept: &mut Kept, is_outdated: &dyn Fn() -> bool) -> Option<View> {
        let answers = self.answers.as_ref()?;
        let unfolded = self.unfolded.clone().unwrap_or_default();
        let is_unfolded = |id: &str| unfolded.contains(id);
        let picture = kept.picture(self, answers, &unfolded);
        if is_outdated() {
            return None;
        }
        let is_loading = matches!(self.freshness, Freshness::Loading(..));
        let detected = assumptions::detected(answers.detection.as_ref(), self.host.snapshot(), is_loading);
        let warnings: Vec<Warning> = self.source_warnings.iter().chain(kept.warnings(answers)).cloned().collect();
        self.generation += 1;
        Some(View {
            generation: self.generation,
            namespaces: kept.namespaces(&unfolded, || namespaces::rows(&answers.edited, is_unfolded)),
            map: Arc::clone(&picture.0),
            map_focus: picture.1.focus.clone(),
            inspector: kept.inspector(self, answers),
            sketch: self.sketch_view(),
            difference: difference::table(&answers.difference),
            warnings: warnings.into_iter().map(|w| WarningRow { object: w.object, pointer: w.pointer, message: w.message }).collect(),
            status: self.status(answers, &detected),
            assumptions: assumptions::view(&self.settled, &detected, answers.base.assumptions()),
            policy_filters: policy_filters(&answers.edited),
            crumbs: self.crumbs(answers),
            aside: picture.1.aside.clone(),
            pinned: self.pinned_rows(answers),
            filter_errors: graph::narrow::Filter::read(&self.show.filter).errors,
            hint: self.hint(answers, &picture.0),
            search_index: kept.search_index(answers),
            asking: if self.url.is_empty() { Asking::default() } else { request::asking(&answers.edited, &self.url) },
        })
    }

    fn status(&self, answers: &Answers, detected: &str) -> Status {
        let inventory = answers.base.inventory();
        let n_workloads = inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()).count();
        let kinds = Kind::ALL.iter().filter(|kind| kind.is_policy());
        let n_policies = kinds.map(|kind| answers.base.snapshot().count(*kind)).sum();
        Status {
            freshness: self.freshness.clone(),
            source: self.source.clone(),
            sizes: format!(
                "{}, {}, {}",
                count(inventory.pods.len(), "pod", "pods"),
                count(n_workloads, "workload", "workloads"),
                count(n_policies, "policy", "policies")
            ),
            timing: format!("answer in {:.1} ms", answers.elapsed.as_secs_f64() * 1000.0),
            profile: assumptions::words(answers.base.assumptions()),
            profile_origin: assumptions::origin(&self.settled, detected),
            unseen: self.unseen.clone(),
            notice: self.notice.clone(),
        }
    }

    fn export(&mut self, path: &Path) {
        let export = Export::new(self.history.present());
        let n_set = self.history.present().edits().filter(|(_, edit)| matches!(edit.kind, EditKind::Set(_))).count();
        match write_export(&export, n_set, path) {
            Ok(text) => self.notify(text, false),
            Err(error) => self.notify(format!("not saved: {error}"), true),
        }
    }
}

/// The namespace that an id lies in, as an id.
fn namespace_of(id: &str) -> Option<Id> {
    let mut steps = id.split('/');
    match (steps.next()?, steps.next()?) {
        ("workload" | "pod" | "service", namespace) => Some(ids::namespace(namespace)),
        _ => None,
    }
}

/// Writes an export: objects to apply into `path`, those to delete beside it. Each file is replaced as a whole or not at all.
fn write_export(export: &Export, n_apply: usize, path: &Path) -> std::io::Result<String> {
    let mut saved = Vec::new();
    if !export.apply.is_empty() {
        files::replace(path, export.apply.as_bytes())?;
        saved.push(format!("{} in {}", count(n_apply, "object", "objects"), path.display()));
    }
    if !export.delete.is_empty() {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = path.with_file_name(format!("{stem}-delete.yaml"));
        files::replace(&beside, export.delete.as_bytes())?;
        saved.push(format!("deletions in {}", beside.display()));
    }
    Ok(if saved.is_empty() { "there is nothing to save".to_owned() } else { format!("saved {}", saved.join(", ")) })
}
