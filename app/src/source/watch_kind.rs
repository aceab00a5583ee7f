//! Following one kind: through refusals, expiries, silence and nonsense.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use kube::Api;
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event, watcher};
use portolan_core::object::{Kind, Object, ObjectKey};
use tokio::time::{Instant, sleep};

use super::fault::{Class, Failure};
use super::observed::{Connection, Pulse, observed};
use super::raw::{RawObject, resource_of};
use super::watch::{Gate, WatchOptions};
use super::{Scope, SourceEvent, SourceState, SourceStatus};

/// After this many failures in a row a watch is not resumed but started over.
const ENOUGH_FAILURES: u32 = 8;

/// Why following a scope came to an end.
enum End {
    Forbidden(String),
    Absent,
}

/// What to do with a watcher after it failed.
enum Next {
    /// Let it resume.
    Resume,
    /// Start over with a new one.
    Restart,
    /// Give up.
    End(End),
}

/// Everything that the task of a kind needs.
pub(super) struct KindTask {
    pub(super) kind: Kind,
    pub(super) options: Arc<WatchOptions>,
    pub(super) connection: Arc<Connection>,
    pub(super) gate: Arc<Gate>,
}

impl KindTask {
    /// Follows the kind for as long as the task lives.
    pub(super) async fn run(self) {
        let mut report = Report::new(&self, Scope::All);
        report.state(SourceState::Listing);
        loop {
            match self.follow(&mut report).await {
                End::Forbidden(message) => {
                    report.nothing_is_seen(SourceState::Forbidden(message));
                    if self.kind.is_namespaced() {
                        self.follow_namespaces().await;
                        report.state(SourceState::Listing);
                    } else {
                        sleep(self.options.slow_retry).await;
                    }
                }
                End::Absent => {
                    report.nothing_is_seen(SourceState::Absent);
                    sleep(self.options.slow_retry).await;
                }
            }
        }
    }

    /// Follows single namespaces, until the server allows all of them.
    async fn follow_namespaces(&self) {
        let namespaces = self.options.fallback_namespaces();
        let follow = join_all(namespaces.into_iter().map(|namespace| self.follow_namespace(namespace)));
        let allowed = async {
            loop {
                sleep(self.options.slow_retry).await;
                let api = self.api(&Scope::All, &Arc::default());
                if api.list(&ListParams::default().limit(1)).await.is_ok() {
                    break;
                }
            }
        };
        tokio::select! {
            // Without a namespace to follow this is over at once, and must not end the other.
            _ = async { follow.await; std::future::pending::<()>().await } => {}
            () = allowed => {}
        }
    }

    async fn follow_namespace(&self, namespace: String) {
        let mut report = Report::new(self, Scope::Namespace(namespace));
        report.state(SourceState::Listing);
        loop {
            match self.follow(&mut report).await {
                End::Forbidden(message) => report.nothing_is_seen(SourceState::Forbidden(message)),
                End::Absent => report.nothing_is_seen(SourceState::Absent),
            }
            sleep(self.options.slow_retry).await;
        }
    }

    fn api(&self, scope: &Scope, pulse: &Arc<Pulse>) -> Api<RawObject> {
        let client = observed(&self.connection, pulse, self.options.answer_timeout, self.options.backoff.first);
        let resource = resource_of(self.kind);
        match scope {
            Scope::All => Api::all_with(client, &resource),
            Scope::Namespace(namespace) => Api::namespaced_with(client, namespace, &resource),
        }
    }

    /// Follows a scope until the server refuses or has no such kind.
    async fn follow(&self, report: &mut Report<'_>) -> End {
        let mut manner = Manner { streaming: self.options.streaming, page_size: Some(self.options.page_size), failures: 0, opened: None };
        loop {
            if let Next::End(end) = self.follow_once(report, &mut manner).await {
                return end;
            }
        }
    }

    /// Follows a scope with one watcher, from a listing on.
    async fn follow_once(&self, report: &mut Report<'_>, manner: &mut Manner) -> Next {
        let pulse = Arc::new(Pulse::default());
        let mut events = pin!(watcher(self.api(&report.scope, &pulse), manner.config(&self.options)));
        let mut batch: BTreeMap<ObjectKey, Object> = BTreeMap::new();
        let (mut listed, mut open, mut beginnings) = (false, false, 0);
        loop {
            let streams = manner.streaming && open;
            let patience = if streams { self.options.stream_pause } else { self.options.answer_timeout.mul_f64(1.5) };
            let event = tokio::select! {
                biased;
                () = pulse.opened() => {
                    open = true;
                    manner.opened = Some(Instant::now());
                    if listed {
                        report.state(SourceState::Live);
                    }
                    continue;
                }
                event = events.next() => event,
                () = sleep(patience), if !listed => {
                    manner.streaming = false;
                    if streams {
                        return Next::Restart;
                    }
                    let message = format!("the server has not gone on with its answer for {} s", patience.as_secs_f32());
                    return self.after_failure(report, manner, Failure::other(message), listed).await;
                }
            };
            match event {
                Some(Ok(Event::Init)) => {
                    batch.clear();
                    beginnings += 1;
                    if manner.streaming && beginnings > 3 {
                        manner.streaming = false;
                        return Next::Restart;
                    }
                }
                Some(Ok(Event::InitApply(raw))) => match raw.into_object(self.kind, report.namespace()) {
                    Ok(object) => drop(batch.insert(object.key.clone(), object)),
                    Err(warning) => self.gate.deliver(SourceEvent::Warning(warning)),
                },
                Some(Ok(Event::InitDone)) => {
                    report.replace(std::mem::take(&mut batch).into_values().collect());
                    listed = true;
                    if open {
                        report.state(SourceState::Live);
                    }
                }
                Some(Ok(Event::Apply(raw))) => {
                    manner.failures = 0;
                    match raw.into_object(self.kind, report.namespace()) {
                        Ok(object) => report.apply(object),
                        Err(warning) => self.gate.deliver(SourceEvent::Warning(warning)),
                    }
                    report.state(SourceState::Live);
                }
                Some(Ok(Event::Delete(raw))) => {
                    manner.failures = 0;
                    if let Ok(object) = raw.into_object(self.kind, report.namespace()) {
                        self.gate.deliver(SourceEvent::Delete(object.key));
                    }
                    report.state(SourceState::Live);
                }
                Some(Err(error)) => {
                    open = false;
                    // A watch that failed as soon as it was open is not open.
                    let _ = pulse.opened().now_or_never();
                    tracing::debug!(kind = self.kind.name(), scope = ?report.scope, "{}", Failure::of_watcher(&error).message);
                    match self.after_error(report, manner, &error, listed).await {
                        Next::Resume => {}
                        next => return next,
                    }
                }
                None => return Next::Restart,
            }
        }
    }

    /// What to do after an error of the watcher: wait, say so, and go on.
    async fn after_error(&self, report: &mut Report<'_>, manner: &mut Manner, error: &watcher::Error, listed: bool) -> Next {
        let mut failure = Failure::of_watcher(error);
        let told = matches!(error, watcher::Error::WatchError(_) | watcher::Error::WatchStartFailed(kube::Error::Api(_)));
        if matches!(error, watcher::Error::WatchFailed(kube::Error::SerdeError(_))) {
            // Whatever the line said is lost; only a new listing can tell.
            failure.class = Class::Expired;
        }
        if manner.streaming && !listed && told {
            match failure.class {
                Class::Unsupported | Class::Forbidden => {
                    manner.streaming = false;
                    return Next::Restart;
                }
                Class::Other => {
                    manner.streaming = false;
                    failure.class = Class::Expired;
                }
                Class::NotFound | Class::Unauthorised | Class::Expired => {}
            }
        } else if !listed && failure.class == Class::Expired {
            // The pages take so long that they expire: ask for everything at once.
            manner.page_size = None;
        }
        self.after_failure(report, manner, failure, listed).await
    }

    async fn after_failure(&self, report: &mut Report<'_>, manner: &mut Manner, failure: Failure, listed: bool) -> Next {
        if manner.opened.take().is_some_and(|opened| opened.elapsed() >= self.options.backoff.longest) {
            manner.failures = 0;
        }
        let wait = self.options.backoff.after(manner.failures).max(failure.retry_after.unwrap_or_default());
        manner.failures = manner.failures.saturating_add(1);
        let next = match failure.class {
            // Every API server has the kinds of the core group.
            Class::NotFound if self.kind.group().is_empty() => {
                report.disconnected(format!("this does not seem to be a Kubernetes API server: {}", failure.message));
                Next::Restart
            }
            Class::NotFound => return Next::End(End::Absent),
            Class::Forbidden if !listed => return Next::End(End::Forbidden(failure.message)),
            // May the kind be listed but not watched, or not even listed any more? A new listing tells; and keeps what we have fresh.
            Class::Forbidden => {
                manner.streaming = false;
                report.disconnected(failure.message);
                Next::Restart
            }
            Class::Unauthorised => {
                report.state(SourceState::Unauthorised(failure.message));
                self.renew(report).await;
                Next::Resume
            }
            Class::Expired | Class::Unsupported => {
                report.disconnected(failure.message);
                Next::Restart
            }
            Class::Other => {
                if self.connection.has_expired() {
                    self.renew(report).await;
                }
                report.disconnected(failure.message);
                if manner.failures.is_multiple_of(ENOUGH_FAILURES) { Next::Restart } else { Next::Resume }
            }
        };
        sleep(wait).await;
        next
    }

    async fn renew(&self, report: &mut Report<'_>) {
        let generation = self.connection.generation();
        if let Err(error) = self.connection.renew(generation, self.options.slow_retry).await {
            report.state(SourceState::Unauthorised(error.to_string()));
        }
    }
}

/// How a scope is asked for, as experience with the server has it.
struct Manner {
    streaming: bool,
    page_size: Option<u32>,
    failures: u32,
    opened: Option<Instant>,
}

impl Manner {
    fn config(&self, options: &WatchOptions) -> watcher::Config {
        let config = watcher::Config { page_size: self.page_size, ..watcher::Config::default() }.timeout(options.watch_seconds);
        if self.streaming { config.streaming_lists() } else { config }
    }
}

/// What has been said of a scope, so that nothing is said twice.
struct Report<'a> {
    task: &'a KindTask,
    scope: Scope,
    last: Option<SourceState>,
    holds_objects: bool,
}

impl<'a> Report<'a> {
    fn new(task: &'a KindTask, scope: Scope) -> Self {
        Self { task, scope, last: None, holds_objects: false }
    }

    fn namespace(&self) -> &str {
        match &self.scope {
            Scope::All => &self.task.options.default_namespace,
            Scope::Namespace(namespace) => namespace,
        }
    }

    fn state(&mut self, state: SourceState) {
        if self.last.as_ref() != Some(&state) {
            self.last = Some(state.clone());
            self.task.gate.deliver(SourceEvent::Status(SourceStatus { kind: self.task.kind, scope: self.scope.clone(), state }));
        }
    }

    fn disconnected(&mut self, why: String) {
        let since = match &self.last {
            Some(SourceState::Disconnected { since, .. }) => *since,
            _ => SystemTime::now(),
        };
        self.state(SourceState::Disconnected { since, why });
    }

    fn replace(&mut self, objects: Vec<Object>) {
        self.holds_objects = !objects.is_empty();
        self.task.gate.deliver(SourceEvent::Replace { kind: self.task.kind, scope: self.scope.clone(), objects });
    }

    fn apply(&mut self, object: Object) {
        self.holds_objects = true;
        self.task.gate.deliver(SourceEvent::Apply(object));
    }

    /// What cannot be seen any more must not be shown as if it could.
    fn nothing_is_seen(&mut self, state: SourceState) {
        if std::mem::take(&mut self.holds_objects) {
            self.replace(Vec::new());
        }
        self.state(state);
    }
}
