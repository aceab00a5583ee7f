//! A stand-in for an API server: lists, pages and watches over real HTTP on loopback, as a kube-apiserver v1.36 answers them, and the
//! ways in which one can break.

mod http;
mod store;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_core::{Kind, ObjectKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use store::Store;

/// A running server. Stops when it is dropped.
pub struct ApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What the connections share.
struct Shared {
    store: Mutex<Store>,
    /// Grows with every change of the store: wakes the watches.
    changed: watch::Sender<u64>,
    /// Grows when every open connection is to be dropped.
    epoch: watch::Sender<u64>,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.changed.send_modify(|n| *n += 1);
    }
}

impl ApiServer {
    /// Starts a server on a port of its own. Must be called within a tokio runtime.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { store: Mutex::new(Store::default()), changed: watch::channel(0).0, epoch: watch::channel(0).0 });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(http::serve(stream, Arc::clone(&serving)));
            }
        });
        Ok(Self { address, shared, accepting })
    }

    /// Creates or changes an object, given with its `apiVersion`, `kind` and metadata.
    pub fn apply(&self, object: Value) {
        self.shared.store().apply(object);
        self.shared.wake();
    }

    /// Deletes an object.
    pub fn delete(&self, key: &ObjectKey) {
        self.shared.store().delete(key);
        self.shared.wake();
    }

    /// Refuses lists and watches of a kind across all namespaces; in the namespaces given it stays allowed.
    pub fn forbid(&self, kind: Kind, except: &[&str]) {
        self.shared.store().forbid(kind, except);
    }

    /// Knows no such resource: its group is not installed.
    pub fn uninstall(&self, kind: Kind) {
        self.shared.store().uninstall(kind);
    }

    /// Has the resource after all.
    pub fn install(&self, kind: Kind) {
        self.shared.store().install(kind);
    }

    /// Serves a kind at these versions of its group, or as `group/version` of another, and at no other.
    pub fn serve_at(&self, kind: Kind, versions: &[&str]) {
        self.shared.store().serve_at(kind, versions);
    }

    /// Forgets every version before now: watches that go on from one get 410, as an event where they stream, as a status where they
    /// begin.
    pub fn forget_versions(&self) {
        self.shared.store().forget_versions();
        self.shared.wake();
    }

    /// Drops every open connection without a word.
    pub fn drop_connections(&self) {
        self.shared.epoch.send_modify(|n| *n += 1);
    }

    /// Answers 401 to everything, or no longer.
    pub fn set_unauthorised(&self, unauthorised: bool) {
        self.shared.store().unauthorised = unauthorised;
    }

    /// Answers 500 to everything, or no longer.
    pub fn set_failing(&self, failing: bool) {
        self.shared.store().failing = failing;
    }

    /// Hands lists out in pages of at most this many objects, whatever is asked for.
    pub fn set_page_size(&self, size: usize) {
        self.shared.store().max_page = size;
    }

    /// How many requests were answered.
    pub fn n_requests(&self) -> usize {
        self.shared.store().n_requests
    }

    /// How many requests for groups and their resources were answered.
    pub fn n_discoveries(&self) -> usize {
        self.shared.store().n_discoveries
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client for it.
    pub fn client(&self) -> kube::Client {
        let url = self.url().parse().expect("an address makes a URL");
        let mut config = kube::Config::new(url);
        // As the program's own clients: what goes wrong is told at once.
        config.default_retry = false;
        kube::Client::try_from(config).expect("plain HTTP needs no certificates")
    }

    /// Writes a kubeconfig whose one context leads here.
    pub fn write_kubeconfig(&self, path: &Path, context: &str, namespace: &str) -> std::io::Result<()> {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": context,
            "clusters": [{"name": "stand-in", "cluster": {"server": self.url()}}],
            "users": [{"name": "reader", "user": {"token": "not-a-secret"}}],
            "contexts": [{"name": context, "context": {"cluster": "stand-in", "user": "reader", "namespace": namespace}}]
        });
        std::fs::write(path, config.to_string())
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.drop_connections();
    }
}
