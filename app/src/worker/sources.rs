//! What the worker reads from: one source at a time.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use portolan_core::intake;
use portolan_core::snapshot::Change;
use portolan_core::text::count;
use portolan_core::{Object, Warning};

use super::Message;
use crate::command::Command;
use crate::session::Session;
use crate::source::demo::Demo;
use crate::source::kubeconfig::Kubeconfigs;
use crate::source::manifests::DEFAULT_NAMESPACE;
use crate::source::watch::{self, WatchHandle, WatchOptions};
use crate::source::{SourceEvent, Standing, manifests};
use crate::view_model::{ContextRow, Freshness};

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Nothing: the window says how to go on.
    Nothing,
    /// A bundled cluster.
    Demo(Demo),
    /// Files and folders, and objects to lay over them.
    Manifests(Vec<PathBuf>),
    /// A context of the kubeconfig, by id.
    Context(String),
}

impl Opening {
    /// What a command opens, if it opens something.
    pub fn of(command: &Command) -> Option<Self> {
        match command {
            Command::OpenDemo(demo) => Some(Self::Demo(*demo)),
            Command::OpenManifests(paths) => Some(Self::Manifests(paths.clone())),
            Command::OpenContext(id) => Some(Self::Context(id.clone())),
            _ => None,
        }
    }
}

/// Opens and closes sources.
#[derive(Default)]
pub struct Sources {
    /// For manifests, the namespace of objects that name none; for a cluster, those to look at where all may not be listed.
    namespaces: Vec<String>,
    kubeconfig: Option<PathBuf>,
    messages: Option<Sender<Message>>,
    /// Which source is open: what others still say is dropped.
    number: u64,
    kubeconfigs: Kubeconfigs,
    /// Made when the first cluster is opened.
    runtime: Option<tokio::runtime::Runtime>,
    watch: Option<WatchHandle>,
    standing: Standing,
    changes: Vec<Change>,
    warnings: Vec<Warning>,
}

impl Sources {
    /// Sources as the arguments set them: namespaces, and the kubeconfig to read.
    pub fn new(namespaces: Vec<String>, kubeconfig: Option<PathBuf>) -> Self {
        Self { namespaces, kubeconfig, ..Self::default() }
    }

    /// The contexts that can be opened.
    pub fn contexts(&mut self) -> Vec<ContextRow> {
        self.kubeconfigs = Kubeconfigs::read(self.kubeconfig.as_deref());
        self.kubeconfigs.rows()
    }

    /// What a context is called, by what a command names it.
    pub(super) fn name_of(&self, id: &str) -> String {
        let context = self.kubeconfigs.find((!id.is_empty()).then_some(id));
        context.map_or_else(|_| id.to_owned(), |context| self.kubeconfigs.name(&context).to_owned())
    }

    pub(super) fn connect(&mut self, messages: Sender<Message>) {
        self.messages = Some(messages);
    }

    /// Opens something else in place of what is open. Manifests that cannot be read leave that as it is.
    pub(super) fn open(&mut self, opening: Opening, session: &mut Session) {
        match opening {
            Opening::Nothing => {
                self.close();
                session.open(String::new(), false, Freshness::Static);
            }
            Opening::Demo(demo) => {
                self.close();
                session.open(demo.source().to_owned(), false, Freshness::Static);
                session.apply(demo.objects().iter().map(Change::apply));
            }
            Opening::Manifests(paths) => self.open_manifests(&paths, session),
            Opening::Context(name) => {
                self.close();
                if let Err(error) = self.open_context(&name, session) {
                    session.open(self.name_of(&name), false, Freshness::Failed(format!("{error:#}")));
                }
            }
        }
    }

    fn close(&mut self) {
        self.number += 1;
        self.watch = None;
        self.changes.clear();
        self.warnings.clear();
    }

    fn open_manifests(&mut self, paths: &[PathBuf], session: &mut Session) {
        let namespace = self.namespaces.first().map_or(DEFAULT_NAMESPACE, String::as_str);
        match manifests::read_changes(paths, &mut std::io::stdin().lock(), namespace) {
            Ok(mut loaded) => {
                self.close();
                let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                session.open(format!("{} in {}", count(loaded.n_files, "file", "files"), places.join(", ")), true, Freshness::Static);
                session.set_source_warnings(std::mem::take(&mut loaded.warnings));
                session.apply(loaded.into_objects());
            }
            Err(error) => session.notify(format!("not opened: {error}"), true),
        }
    }

    fn open_context(&mut self, name: &str, session: &mut Session) -> anyhow::Result<()> {
        let context = self.kubeconfigs.find((!name.is_empty()).then_some(name))?;
        if self.runtime.is_none() {
            let builder =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("portolan-watch").enable_all().build()?;
            self.runtime = Some(builder);
        }
        let Some(runtime) = &self.runtime else { anyhow::bail!("no runtime for the connection") };
        let client = runtime.block_on(self.kubeconfigs.client(&context))?;
        let namespaces = if self.namespaces.is_empty() { vec![self.kubeconfigs.namespace(&context)] } else { self.namespaces.clone() };
        let options = WatchOptions { namespaces, ..WatchOptions::default() };
        self.standing = Standing::new(&options.kinds);
        session.open(self.kubeconfigs.name(&context).to_owned(), false, self.standing.freshness());
        let Some(messages) = self.messages.clone() else { return Ok(()) };
        let number = self.number;
        // The window is gone when nobody listens any more.
        self.watch =
            Some(watch::start(runtime.handle(), &client, &options, move |event| drop(messages.send(Message::Source(number, event)))));
        Ok(())
    }

    /// Takes what a source says. Objects become records here, on the worker's thread, and changes wait for [`Self::settle`].
    pub(super) fn take(&mut self, number: u64, event: SourceEvent) {
        if number != self.number {
            return;
        }
        let entry = |object: &Object| std::sync::Arc::new(intake::read(object));
        match event {
            SourceEvent::Apply(object) => self.changes.push(Change::apply(&object)),
            SourceEvent::Delete(key) => self.changes.push(Change::Delete(key)),
            SourceEvent::Replace { kind, namespace, objects } => {
                let entries = objects.iter().map(entry).collect();
                self.changes.push(Change::Replace { kind, namespace: namespace.map(Into::into), entries });
            }
            SourceEvent::Status(kind, status) => self.standing.set(kind, status),
            SourceEvent::Warning(warning) => self.warnings.push(warning),
        }
    }

    /// Hands a batch on.
    pub(super) fn settle(&mut self, session: &mut Session) {
        if self.watch.is_some() {
            self.changes.push(Change::Unseen(self.standing.unseen_kinds()));
            session.apply(self.changes.drain(..));
            session.set_source_warnings(self.warnings.clone());
            session.set_freshness(self.standing.freshness(), self.standing.unseen());
        }
    }
}
