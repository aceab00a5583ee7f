//! A client that tells when a watch is open, does not wait for ever, and can be given new credentials.
//!
//! kube's watcher says nothing when it has taken up a watch again after a failure, so that nobody could tell a live view from a
//! stale one until the next object changes. The answers themselves do tell.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use kube::client::Body;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep_until, timeout};
use tower::BoxError;

use super::connect::ConnectError;

/// Makes a new client, when the server no longer accepts the old one's credentials.
pub type Renew = Arc<dyn Fn() -> BoxFuture<'static, Result<kube::Client, ConnectError>> + Send + Sync>;

/// The client that all kinds share.
pub(super) struct Connection {
    client: ArcSwap<kube::Client>,
    generation: AtomicU64,
    renew: Option<Renew>,
    renewed: Mutex<Option<Instant>>,
}

impl Connection {
    pub(super) fn new(client: kube::Client, renew: Option<Renew>) -> Self {
        Self { client: ArcSwap::from_pointee(client), generation: AtomicU64::new(0), renew, renewed: Mutex::new(None) }
    }

    /// Which client is in use, to hand to [`Self::renew`].
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Gets a new client, unless somebody else has since `generation`, or did try less than `pause` ago. Says whether there is one.
    pub(super) async fn renew(&self, generation: u64, pause: Duration) -> Result<bool, ConnectError> {
        let Some(renew) = &self.renew else { return Ok(false) };
        let mut renewed = self.renewed.lock().await;
        if self.generation() != generation {
            return Ok(true);
        }
        if renewed.is_some_and(|last| last.elapsed() < pause) {
            return Ok(false);
        }
        *renewed = Some(Instant::now());
        let client = renew().await?;
        self.client.store(Arc::new(client));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Whether the client's certificate has run out, where a plugin said when it would.
    pub(super) fn has_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        self.client.load().valid_until().as_ref().is_some_and(|until| until.as_second() <= now)
    }
}

/// Tells when a watch is open.
#[derive(Default)]
pub(super) struct Pulse {
    opened: Notify,
    last: Mutex<Option<Instant>>,
}

impl Pulse {
    /// Waits until a server has agreed to a watch.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }

    /// Waits until a watch may be asked for again: a server that agrees and hangs up at once must not be asked in a tight loop.
    async fn pace(&self, pause: Duration) {
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            sleep_until(last + pause).await;
        }
        *last = Some(Instant::now());
    }
}

/// A client for one kind: it sends as the shared one does, and tells `pulse`.
///
/// Must be called within a runtime.
pub(super) fn observed(connection: &Arc<Connection>, pulse: &Arc<Pulse>, patience: Duration, pause: Duration) -> kube::Client {
    let namespace = connection.client.load().default_namespace().to_owned();
    let (connection, pulse) = (connection.clone(), pulse.clone());
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (connection, pulse) = (connection.clone(), pulse.clone());
        async move {
            let watches = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
            if watches {
                pulse.pace(pause).await;
            }
            let client = connection.client.load_full();
            let Ok(response) = timeout(patience, client.send(request)).await else {
                let message = format!("the server has not answered for {} s", patience.as_secs_f32());
                return Err(BoxError::from(io::Error::new(io::ErrorKind::TimedOut, message)));
            };
            let response = response?;
            if watches && response.status().is_success() {
                pulse.opened.notify_one();
            }
            Ok(response)
        }
    });
    kube::Client::new(service, namespace)
}
