//! Watches a cluster: one task for each kind.
//!
//! Invariants:
//! - A list that starts over is one batch, handed on when it is complete: nothing stale stays, nothing is shown half.
//! - What one kind meets (no permission, no such resource, an error) does not touch the others.
//! - After the handle is dropped, nothing is delivered any more.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::{StreamExt, TryStreamExt};
use kube::api::ApiResource;
use kube::runtime::watcher;
use kube::{Api, Client};
use portolan_core::{Kind, Object, Warning};

use super::discovery::{Discovery, Served};
use super::raw_object::{RawObject, resource_of};
use super::{KindStatus, SourceEvent};

/// How a cluster is watched.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Where to look for what may not be listed everywhere.
    pub namespaces: Vec<String>,
    /// The first pause after an error; it doubles up to `max_pause`.
    pub first_pause: Duration,
    /// The longest pause after an error.
    pub max_pause: Duration,
    /// Objects in a page of a list.
    pub page_size: u32,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            namespaces: Vec::new(),
            first_pause: Duration::from_millis(500),
            max_pause: Duration::from_secs(20),
            page_size: 500,
        }
    }
}

/// Ends the watches when it is dropped.
#[derive(Debug)]
pub struct WatchHandle {
    closed: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for WatchHandle {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts the watches on a runtime. `deliver` is called from its threads, in order within a kind.
pub fn start(
    runtime: &tokio::runtime::Handle,
    client: &Client,
    options: &WatchOptions,
    deliver: impl Fn(SourceEvent) + Send + Sync + 'static,
) -> WatchHandle {
    let closed = Arc::new(AtomicBool::new(false));
    let deliver: Deliver = {
        let closed = Arc::clone(&closed);
        Arc::new(move |event| {
            if !closed.load(Ordering::SeqCst) {
                deliver(event);
            }
        })
    };
    let (discovery, started) = (Arc::new(Discovery::new(client.clone())), Instant::now());
    let tasks = options.kinds.iter().map(|kind| {
        let (discovery, deliver) = (Arc::clone(&discovery), Arc::clone(&deliver));
        let watch = KindWatch { kind: *kind, client: client.clone(), discovery, started, options: options.clone(), deliver };
        runtime.spawn(watch.run())
    });
    let groups = runtime.spawn(warn_of_groups(Arc::clone(&discovery), started, Arc::clone(&deliver)));
    let tasks = tasks.chain([groups]).collect();
    WatchHandle { closed, tasks }
}

/// Says which policies and routes the server has that are not evaluated.
pub(crate) async fn unevaluated_groups(discovery: &Discovery, since: Instant) -> Vec<Warning> {
    // A server that does not list its groups tells us nothing, which is no reason to stop.
    let Some(groups) = discovery.groups(since).await else { return Vec::new() };
    let warning = |object: &str, message| Warning { object: object.to_owned(), pointer: String::new(), message };
    let mut warnings = Vec::new();
    for group in groups.keys() {
        if let Some(what) = portolan_core::unevaluated(group) {
            let message = format!("the server has this API group, and {what} are not evaluated yet: verdicts leave them out");
            warnings.push(warning(group, message));
        }
        for (kind, what) in portolan_core::unevaluated_kinds(group) {
            if discovery.has_kind(group, kind, since).await {
                let message = format!("the server has this kind, and {what} are not evaluated yet: verdicts leave them out");
                warnings.push(warning(&format!("{kind} of {group}"), message));
            }
        }
    }
    warnings
}

async fn warn_of_groups(discovery: Arc<Discovery>, started: Instant, deliver: Deliver) {
    for warning in unevaluated_groups(&discovery, started).await {
        deliver(SourceEvent::Warning(warning));
    }
}

type Deliver = Arc<dyn Fn(SourceEvent) + Send + Sync>;

/// What a watch of one scope ends with.
enum End {
    /// The server does not let us: what it says.
    Forbidden(String),
}

/// What one stream of events ends with.
enum StreamEnd {
    /// It is over, which is no fault.
    Over,
    /// It broke.
    Broken(Problem),
}

struct KindWatch {
    kind: Kind,
    client: Client,
    discovery: Arc<Discovery>,
    /// What the server said of itself since then is new enough to begin with.
    started: Instant,
    options: WatchOptions,
    deliver: Deliver,
}

/// A kind that may not be listed everywhere.
struct Restricted {
    message: String,
    /// The namespaces of which a list is there.
    seen_in: Mutex<BTreeSet<String>>,
}

impl KindWatch {
    async fn run(self) {
        let report = |status| self.status(status);
        report(KindStatus::Listing);
        let End::Forbidden(message) = self.follow(None, &report).await;
        // Whoever may not list a kind is told so even where the server has no such kind, which hides nothing.
        if self.is_absent().await {
            report(KindStatus::Absent);
            return self.wait_for_permission().await;
        }
        self.status(KindStatus::Forbidden { message: message.clone(), seen_in: Vec::new() });
        if !self.kind.is_namespaced() || self.options.namespaces.is_empty() {
            return self.wait_for_permission().await;
        }
        let restricted = Restricted { message, seen_in: Mutex::default() };
        futures::future::join_all(self.options.namespaces.iter().map(|namespace| self.follow_restricted(namespace, &restricted))).await;
    }

    /// Watches one namespace for as long as the server lets us. It counts as seen once its first list is there.
    async fn follow_restricted(&self, namespace: &str, restricted: &Restricted) {
        let report = |status| {
            if status == KindStatus::Live {
                self.see(restricted, |seen_in| seen_in.insert(namespace.to_owned()));
            }
        };
        let End::Forbidden(_) = self.follow(Some(namespace), &report).await;
        self.see(restricted, |seen_in| seen_in.remove(namespace));
    }

    /// Changes where the kind is seen, and says so if that is something new.
    fn see(&self, restricted: &Restricted, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
        let mut seen_in = restricted.seen_in.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut seen_in) {
            self.status(KindStatus::Forbidden { message: restricted.message.clone(), seen_in: seen_in.iter().cloned().collect() });
        }
    }

    /// Permissions change while we look on: asks again now and then.
    async fn wait_for_permission(&self) {
        loop {
            tokio::time::sleep(self.options.max_pause).await;
            let End::Forbidden(message) = self.follow(None, &|status| self.status(status)).await;
            self.status(if self.is_absent().await { KindStatus::Absent } else { KindStatus::Forbidden { message, seen_in: Vec::new() } });
        }
    }

    fn status(&self, status: KindStatus) {
        (self.deliver)(SourceEvent::Status(self.kind, status));
    }

    /// Since when an answer of the server about itself is new enough while the watch runs: kinds that are absent share one.
    fn recently(&self) -> Instant {
        Instant::now().checked_sub(self.options.max_pause).unwrap_or(self.started)
    }

    /// Whether the server says that it has no such kind.
    async fn is_absent(&self) -> bool {
        self.kind.is_custom() && self.discovery.served(self.kind, self.recently()).await == Served::Absent
    }

    fn stream(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> futures::stream::BoxStream<'static, watcher::Result<watcher::Event<RawObject>>> {
        let api: Api<RawObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        let config = watcher::Config { page_size: Some(self.options.page_size), ..watcher::Config::default() };
        watcher(api, config).boxed()
    }

    /// Follows one scope until the server forbids it. `report` hears how it stands.
    async fn follow(&self, namespace: Option<&str>, report: &(dyn Fn(KindStatus) + Sync)) -> End {
        let mut resource = resource_of(self.kind, self.kind.group(), self.kind.version());
        let mut pause = self.options.first_pause;
        let (mut since, mut is_absent, mut was_listed) = (self.started.max(self.recently()), false, false);
        loop {
            let served = if self.kind.is_custom() { self.discovery.served(self.kind, since).await } else { Served::Unknown };
            match served {
                Served::At { group, version } => resource = resource_of(self.kind, group, &version),
                // As before, or as the program knows it.
                Served::Unknown => {}
                Served::Absent => {
                    if was_listed {
                        self.replace(namespace, Vec::new());
                    }
                    if !is_absent {
                        report(KindStatus::Absent);
                    }
                    (is_absent, was_listed) = (true, false);
                    tokio::time::sleep(self.options.max_pause).await;
                    since = self.recently();
                    continue;
                }
            }
            is_absent = false;
            match self.follow_stream(&resource, namespace, report, &mut pause, &mut was_listed).await {
                StreamEnd::Over => since = self.recently(),
                StreamEnd::Broken(Problem::Forbidden(message)) => return End::Forbidden(message),
                StreamEnd::Broken(problem) => {
                    // What the server said before it denied to have the kind is out of date.
                    since = if problem == Problem::Absent { Instant::now() } else { self.recently() };
                    match problem {
                        Problem::Absent => report(KindStatus::Absent),
                        Problem::Unauthorised(why) => report(KindStatus::Unauthorised(why)),
                        Problem::Forbidden(why) | Problem::Other(why) => report(KindStatus::Disconnected { since: SystemTime::now(), why }),
                        // The server has forgotten where we were: a new list tells all.
                        Problem::Expired => continue,
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(self.options.max_pause);
                }
            }
        }
    }

    /// Hands on what a stream says until it ends.
    // A watch that goes on where it was says nothing until something changes; a new list says that all is well. So a stream that
    // breaks is not gone on with.
    async fn follow_stream(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        report: &(dyn Fn(KindStatus) + Sync),
        pause: &mut Duration,
        was_listed: &mut bool,
    ) -> StreamEnd {
        let mut stream = self.stream(resource, namespace);
        let mut batch: Vec<Object> = Vec::new();
        let read = |object| self.object(object, &resource.api_version);
        loop {
            let event = match stream.try_next().await {
                Ok(Some(event)) => event,
                Ok(None) => return StreamEnd::Over,
                Err(error) => {
                    let problem = Problem::of(&error);
                    tracing::debug!(kind = self.kind.name(), "watch: {}", problem.text());
                    // The server has forgotten where we were: the watcher lists anew at once.
                    if problem == Problem::Expired {
                        continue;
                    }
                    return StreamEnd::Broken(problem);
                }
            };
            match event {
                watcher::Event::Init => batch.clear(),
                watcher::Event::InitApply(object) => batch.extend(read(object)),
                watcher::Event::InitDone => {
                    (*pause, *was_listed) = (self.options.first_pause, true);
                    self.replace(namespace, std::mem::take(&mut batch));
                    report(KindStatus::Live);
                }
                watcher::Event::Apply(object) => {
                    if let Some(object) = read(object) {
                        (self.deliver)(SourceEvent::Apply(object));
                    }
                }
                watcher::Event::Delete(object) => {
                    if let Some(object) = read(object) {
                        (self.deliver)(SourceEvent::Delete(object.key));
                    }
                }
            }
        }
    }

    fn replace(&self, namespace: Option<&str>, objects: Vec<Object>) {
        (self.deliver)(SourceEvent::Replace { kind: self.kind, namespace: namespace.map(str::to_owned), objects });
    }

    fn object(&self, object: RawObject, api_version: &str) -> Option<Object> {
        object.into_object(self.kind, api_version).inspect_err(|why| tracing::warn!("left out: {why}")).ok()
    }
}

/// What is wrong with a request, as far as it makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// 401.
    Unauthorised(String),
    /// 403.
    Forbidden(String),
    /// 404: no such resource.
    Absent,
    /// 410: what we ask from is forgotten.
    Expired,
    /// Anything else.
    Other(String),
}

impl Problem {
    fn of(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                Self::of_client(error)
            }
            watcher::Error::WatchError(status) => Self::of_status(status),
            watcher::Error::NoResourceVersion => Self::Other(error.to_string()),
        }
    }

    pub(crate) fn of_client(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status),
            kube::Error::Auth(error) => Self::Unauthorised(error.to_string()),
            other => Self::Other(chain(other)),
        }
    }

    fn of_status(status: &kube::core::Status) -> Self {
        let message = if status.message.is_empty() { format!("the server answers {}", status.code) } else { status.message.clone() };
        match status.code {
            401 => Self::Unauthorised(message),
            403 => Self::Forbidden(message),
            404 => Self::Absent,
            410 => Self::Expired,
            _ => Self::Other(message),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Unauthorised(text) | Self::Forbidden(text) | Self::Other(text) => text,
            Self::Absent => "the server knows no such resource",
            Self::Expired => "the server has forgotten this version",
        }
    }
}

/// An error with what caused it, once each.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!(": {cause_text}"));
        }
        source = cause.source();
    }
    text
}
