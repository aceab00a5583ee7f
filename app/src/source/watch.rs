//! Following a live cluster: one task for each kind, all of them ended with one handle.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan_core::object::Kind;
use tokio::task::{AbortHandle, JoinSet};

use super::SourceEvent;
use super::observed::Connection;
pub use super::observed::Renew;
use super::watch_kind::KindTask;

/// How long to wait after a failure: twice as long after each, up to a limit, and never quite the same for all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after this many failures in a row, counted from 0.
    pub fn after(&self, failures: u32) -> Duration {
        let wait = self.first.saturating_mul(1 << failures.min(16)).min(self.longest);
        let chance = RandomState::new().hash_one(failures) % 512;
        wait.mul_f64(0.75 + chance as f64 / 1024.0)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(800), longest: Duration::from_secs(30) }
    }
}

/// What to follow, and how patiently.
#[derive(Clone)]
pub struct WatchOptions {
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Where to look, besides `default_namespace`, for kinds that may not be listed in all namespaces at once.
    pub namespaces: Vec<String>,
    /// The context's namespace.
    pub default_namespace: String,
    /// Whether to ask for streamed lists first. Servers that have none are asked for pages anyway.
    pub streaming: bool,
    /// How many objects a page holds.
    pub page_size: u32,
    /// The wait after failures.
    pub backoff: Backoff,
    /// How often to ask again for kinds that are forbidden or absent, and how often at most to ask for new credentials.
    pub slow_retry: Duration,
    /// How long a server may take to begin an answer. Half as long again, and a listing that does not go on is given up.
    pub answer_timeout: Duration,
    /// How long a streamed list may pause before pages are asked for: older servers never say that it is complete.
    pub stream_pause: Duration,
    /// After how many seconds a server is to end a watch, for it to be taken up again. A connection that died in silence is
    /// noticed five seconds later.
    pub watch_seconds: u32,
    /// Makes a new client when the server no longer accepts the credentials.
    pub renew: Option<Renew>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            namespaces: Vec::new(),
            default_namespace: "default".to_owned(),
            streaming: true,
            page_size: 500,
            backoff: Backoff::default(),
            slow_retry: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(30),
            stream_pause: Duration::from_secs(10),
            watch_seconds: 60,
            renew: None,
        }
    }
}

impl fmt::Debug for WatchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchOptions").field("kinds", &self.kinds).field("namespaces", &self.fallback_namespaces()).finish_non_exhaustive()
    }
}

impl WatchOptions {
    /// The namespaces to look in where the server refuses to list them all, each once, the context's first.
    pub fn fallback_namespaces(&self) -> Vec<String> {
        let mut namespaces: Vec<String> = Vec::new();
        for namespace in std::iter::once(&self.default_namespace).chain(&self.namespaces) {
            if !namespace.is_empty() && !namespaces.contains(namespace) {
                namespaces.push(namespace.clone());
            }
        }
        namespaces
    }
}

type Deliver = Box<dyn Fn(SourceEvent) + Send>;

/// Where events go, until it is shut.
pub(super) struct Gate(Mutex<Option<Deliver>>);

impl Gate {
    pub(super) fn deliver(&self, event: SourceEvent) {
        if let Some(deliver) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            deliver(event);
        }
    }

    fn shut(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Keeps the watches going. Once it is dropped, or stopped, nothing more is delivered.
pub struct WatchHandle {
    gate: Arc<Gate>,
    task: AbortHandle,
}

impl WatchHandle {
    /// Ends all watches. When this returns, no event is on its way any more.
    pub fn stop(self) {}

    /// Whether every task has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for WatchHandle {
    fn drop(&mut self) {
        self.gate.shut();
        self.task.abort();
    }
}

impl fmt::Debug for WatchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchHandle").field("finished", &self.is_finished()).finish()
    }
}

/// Follows a cluster.
///
/// `deliver` is called by one task at a time. It must not wait for whoever stops the handle, nor stop the handle itself; putting the
/// event into an unbounded channel is what it is for.
pub fn start(
    runtime: &tokio::runtime::Handle,
    client: kube::Client,
    options: WatchOptions,
    deliver: impl Fn(SourceEvent) + Send + Sync + 'static,
) -> WatchHandle {
    let gate = Arc::new(Gate(Mutex::new(Some(Box::new(deliver)))));
    let connection = Arc::new(Connection::new(client, options.renew.clone()));
    let options = Arc::new(options);
    let tasks = gate.clone();
    let task = runtime.spawn(async move {
        let mut kinds = JoinSet::new();
        for kind in &options.kinds {
            let task = KindTask { kind: *kind, options: options.clone(), connection: connection.clone(), gate: tasks.clone() };
            kinds.spawn(task.run());
        }
        kinds.join_all().await;
    });
    WatchHandle { gate, task: task.abort_handle() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        assert!((75..=125).contains(&backoff.after(0).as_millis()));
        assert!((150..=250).contains(&backoff.after(1).as_millis()));
        assert!((750..=1250).contains(&backoff.after(u32::MAX).as_millis()));
    }

    #[test]
    fn the_namespaces_of_context_and_person_are_each_asked_once() {
        let options = WatchOptions {
            default_namespace: "a".to_owned(),
            namespaces: ["b", "a", ""].map(str::to_owned).to_vec(),
            ..WatchOptions::default()
        };
        assert_eq!(options.fallback_namespaces(), ["a", "b"]);
    }
}
