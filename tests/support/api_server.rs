//! A stand-in API server over real HTTP on the loopback address, which a test can fill, change and break.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portolan_core::object::{Kind, Object, ObjectKey};
use serde_json::{Value, json};

use crate::api_server_answers::{self as answers, Asked};
use crate::api_server_http::{Answer, Request, begin_chunks, get, write_chunk};
use crate::scratch::Scratch;

/// How the server deals with requests for a streamed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamedLists {
    /// It streams.
    #[default]
    Supported,
    /// It refuses with 422: the feature is switched off.
    Refused,
    /// It agrees, and then says in the stream that it cannot.
    Fails,
    /// It has never heard of them: it sends every object, and never says that it is done.
    Unknown,
}

struct Change {
    version: u64,
    name: &'static str,
    key: ObjectKey,
    object: Value,
}

#[derive(Default)]
struct State {
    version: u64,
    oldest: u64,
    objects: BTreeMap<ObjectKey, Value>,
    changes: Vec<Change>,
    pages: HashMap<(String, u64), Vec<Value>>,
    forbidden: HashSet<Kind>,
    forbidden_cluster_wide: HashSet<Kind>,
    unwatchable: HashSet<Kind>,
    absent: HashSet<Kind>,
    token: String,
    unauthorised: bool,
    busy: bool,
    refuses: bool,
    frozen: bool,
    gone_as_answer: bool,
    hangs_up: bool,
    muted: u64,
    streamed: StreamedLists,
    expiries: u64,
    connections: Vec<TcpStream>,
    requests: Vec<String>,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alter<T>(&self, alter: impl FnOnce(&mut State) -> T) -> T {
        let result = alter(&mut self.state());
        self.changed.notify_all();
        result
    }
}

/// The server. It stops when this is dropped.
pub struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    scratch: Scratch,
}

impl ApiServer {
    /// Starts a server that holds nothing but the namespaces `default` and `kube-system`.
    ///
    /// # Panics
    /// When there is no port for it.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        shared.alter(|state| state.token = "stand-in-token".to_owned());
        let accepting = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let mut state = accepting.state();
                if state.stopped {
                    break;
                }
                if state.refuses {
                    continue;
                }
                state.connections.extend(stream.try_clone());
                drop(state);
                let serving = accepting.clone();
                thread::spawn(move || {
                    let _ = serve(&serving, stream);
                });
            }
        });
        let server = Self { shared, address, scratch: Scratch::new() };
        for name in ["default", "kube-system"] {
            server.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}));
        }
        server
    }

    /// Creates or replaces an object. Its metadata get what a server adds.
    ///
    /// # Panics
    /// When it has no name or is of an unknown kind.
    pub fn apply(&self, mut object: Value) -> ObjectKey {
        let key = Object::new(object.clone(), "default").expect("an object").expect("a known kind").key;
        self.shared.alter(|state| {
            state.version += 1;
            let metadata = object["metadata"].as_object_mut().expect("metadata");
            if key.kind.is_namespaced() {
                metadata.insert("namespace".to_owned(), key.namespace.as_str().into());
            }
            metadata.insert("uid".to_owned(), format!("fb1d8be3-3bcc-4eba-81ad-{:012}", state.version).into());
            metadata.insert("resourceVersion".to_owned(), state.version.to_string().into());
            metadata.insert("creationTimestamp".to_owned(), "2026-11-22T18:52:05Z".into());
            let fields = json!({"f:metadata": {"f:labels": {".": {}}}});
            let managed = json!([{"manager": "kubectl", "operation": "Update", "apiVersion": key.kind.api_version(), "time": "2026-11-22T18:52:05Z",
                                  "fieldsType": "FieldsV1", "fieldsV1": fields}]);
            metadata.insert("managedFields".to_owned(), managed);
            let name = if state.objects.insert(key.clone(), object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
            state.changes.push(Change { version: state.version, name, key: key.clone(), object });
        });
        key
    }

    /// Deletes an object, if it is there.
    pub fn delete(&self, key: &ObjectKey) {
        self.shared.alter(|state| {
            if let Some(mut object) = state.objects.remove(key) {
                state.version += 1;
                object["metadata"]["resourceVersion"] = state.version.to_string().into();
                state.changes.push(Change { version: state.version, name: "DELETED", key: key.clone(), object });
            }
        });
    }

    /// Answers 403 to whatever is asked about a kind.
    pub fn forbid(&self, kind: Kind) {
        self.shared.alter(|state| state.forbidden.insert(kind));
        self.drop_connections();
    }

    /// Answers 403 to what is asked about a kind in all namespaces, but not in a single one.
    pub fn forbid_cluster_wide(&self, kind: Kind) {
        self.shared.alter(|state| state.forbidden_cluster_wide.insert(kind));
        self.drop_connections();
    }

    /// Lets a kind be listed but not watched.
    pub fn forbid_watching(&self, kind: Kind) {
        self.shared.alter(|state| state.unwatchable.insert(kind));
        self.drop_connections();
    }

    /// Takes back whatever was forbidden about a kind.
    pub fn allow(&self, kind: Kind) {
        self.shared.alter(|state| {
            state.forbidden.remove(&kind);
            state.forbidden_cluster_wide.remove(&kind);
            state.unwatchable.remove(&kind);
        });
    }

    /// Whether the server has a kind at all.
    pub fn set_absent(&self, kind: Kind, absent: bool) {
        self.shared.alter(|state| if absent { state.absent.insert(kind) } else { state.absent.remove(&kind) });
        self.drop_connections();
    }

    /// Answers 401 to everything.
    pub fn set_unauthorised(&self, unauthorised: bool) {
        self.shared.alter(|state| state.unauthorised = unauthorised);
        self.drop_connections();
    }

    /// Accepts this token from now on, and no other.
    pub fn accept_token(&self, token: &str) {
        self.shared.alter(|state| token.clone_into(&mut state.token));
        self.drop_connections();
    }

    /// Answers 503 to everything.
    pub fn set_busy(&self, busy: bool) {
        self.shared.alter(|state| state.busy = busy);
        self.drop_connections();
    }

    /// Closes every new connection at once, as if no server were there.
    pub fn set_refusing(&self, refuses: bool) {
        self.shared.alter(|state| state.refuses = refuses);
    }

    /// Reads requests and never answers.
    pub fn set_frozen(&self, frozen: bool) {
        self.shared.alter(|state| state.frozen = frozen);
    }

    /// Ends every watch as soon as it has begun, without an error.
    pub fn set_hanging_up(&self, hangs_up: bool) {
        self.shared.alter(|state| state.hangs_up = hangs_up);
        self.drop_connections();
    }

    /// Leaves the watches that are open without a word for ever, as a connection does that died unnoticed. New ones are not affected.
    pub fn mute_watches(&self) {
        self.shared.alter(|state| state.muted += 1);
    }

    /// Says 410 to a watch as the answer itself, rather than within it.
    pub fn set_gone_as_answer(&self, as_answer: bool) {
        self.shared.alter(|state| state.gone_as_answer = as_answer);
    }

    /// How to deal with requests for a streamed list.
    pub fn set_streamed_lists(&self, streamed: StreamedLists) {
        self.shared.alter(|state| state.streamed = streamed);
    }

    /// Forgets the past: every watch and every page from before now is told 410.
    pub fn expire_watches(&self) {
        self.forget();
        self.shared.alter(|state| state.expiries += 1);
    }

    /// Forgets the past, without telling the watches that are open.
    pub fn forget(&self) {
        self.shared.alter(|state| {
            // A change that nobody sees, so that the newest version that anybody knows is too old.
            state.version += 1;
            state.oldest = state.version;
            state.changes.clear();
            state.pages.clear();
        });
    }

    /// Breaks every connection in the middle of whatever it carries.
    pub fn drop_connections(&self) {
        self.shared.alter(|state| {
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        });
    }

    /// What has been asked so far: path and query of every request.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }

    /// Asks the server for a path, as a client with the right token would, and returns the status code, the body's type and the body.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn get(&self, target: &str) -> (u16, String, String) {
        let token = self.shared.state().token.clone();
        get(self.address, target, &token).expect("an answer")
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig file with one context, `stand-in`.
    pub fn kubeconfig(&self) -> PathBuf {
        let token = self.shared.state().token.clone();
        self.scratch.write("config", kubeconfig("stand-in", &self.url(), &json!({"token": token})))
    }
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.shared.alter(|state| state.stopped = true);
        self.drop_connections();
        let _ = TcpStream::connect(self.address);
    }
}

/// The text of a kubeconfig with one context, and a cluster and user of the same name.
pub fn kubeconfig(name: &str, server: &str, user: &Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": user}],
    })
    .to_string()
}

fn serve(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut reader)? {
        let mut state = shared.state();
        state.requests.push(request.target.clone());
        while state.frozen && !state.stopped {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let reply = reply(&mut state, &request);
        drop(state);
        match reply {
            Reply::Whole(answer) => answer.write(&mut stream)?,
            Reply::Watch(asked) => watch(shared, &mut stream, &asked, &request)?,
        }
    }
    Ok(())
}

enum Reply {
    Whole(Answer),
    Watch(Asked),
}

fn reply(state: &mut State, request: &Request) -> Reply {
    let failure = |status: &Value| Reply::Whole(answers::failure(status));
    if state.busy {
        return failure(&answers::unavailable());
    }
    if state.unauthorised || request.authorization.as_deref() != Some(&format!("Bearer {}", state.token)) {
        return failure(&answers::unauthorised());
    }
    let Some(asked) = Asked::read(&request.path).filter(|asked| !state.absent.contains(&asked.kind)) else {
        return Reply::Whole(answers::group_not_found());
    };
    let watches = request.parameter("watch") == Some("true");
    let forbidden = state.forbidden.contains(&asked.kind)
        || asked.namespace.is_none() && state.forbidden_cluster_wide.contains(&asked.kind)
        || watches && state.unwatchable.contains(&asked.kind);
    if forbidden {
        return failure(&answers::forbidden(&asked, request));
    }
    if let Some(name) = &asked.name {
        let key = ObjectKey::new(asked.kind, asked.namespace.as_deref().unwrap_or_default(), name.as_str());
        return state
            .objects
            .get(&key)
            .map_or_else(|| failure(&answers::object_not_found(asked.kind, name)), |object| Reply::Whole(answers::ok(object)));
    }
    if watches {
        let since = request.number("resourceVersion").unwrap_or(0);
        if request.parameter("sendInitialEvents") == Some("true") && state.streamed == StreamedLists::Refused {
            return failure(&answers::streaming_forbidden());
        }
        if state.gone_as_answer && since != 0 && since < state.oldest {
            return failure(&answers::watch_expired(since, state.oldest));
        }
        return Reply::Watch(asked);
    }
    Reply::Whole(list(state, &asked, request))
}

fn list(state: &mut State, asked: &Asked, request: &Request) -> Answer {
    let (version, start) = match request.parameter("continue") {
        Some(token) => match token.split_once('.').and_then(|(version, start)| Some((version.parse().ok()?, start.parse().ok()?))) {
            Some((version, start)) => (version, start),
            None => return answers::failure(&answers::bad_continue()),
        },
        None => (state.version, 0_usize),
    };
    let exact = request.parameter("resourceVersionMatch") == Some("Exact");
    match request.number("resourceVersion") {
        Some(wanted) if wanted > state.version => return answers::failure(&answers::version_too_large(wanted, state.version)),
        Some(wanted) if exact && wanted < state.oldest => return answers::failure(&answers::list_expired()),
        _ => {}
    }
    let pages = (request.path.clone(), version);
    let items = match state.pages.get(&pages) {
        Some(items) if start > 0 => items.clone(),
        _ if start > 0 => return answers::failure(&answers::continue_expired(&format!("{}.{start}", state.version))),
        _ => current(state, asked),
    };
    let limit = request.number("limit").and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(items.len());
    let more = (end < items.len()).then(|| (format!("{version}.{end}"), items.len() - end));
    let page = items[start.min(end)..end].to_vec();
    if more.is_some() {
        state.pages.insert(pages, items);
    }
    answers::ok(&answers::list(asked.kind, version, page, more))
}

fn current(state: &State, asked: &Asked) -> Vec<Value> {
    state.objects.iter().filter(|(key, _)| concerns(asked, key)).map(|(_, object)| object.clone()).collect()
}

fn concerns(asked: &Asked, key: &ObjectKey) -> bool {
    key.kind == asked.kind && asked.namespace.as_ref().is_none_or(|namespace| key.namespace == namespace.as_str())
}

fn watch(shared: &Shared, stream: &mut TcpStream, asked: &Asked, request: &Request) -> io::Result<()> {
    let ends = Instant::now() + Duration::from_secs(request.number("timeoutSeconds").unwrap_or(1800));
    let mut since = request.number("resourceVersion").unwrap_or(0);
    begin_chunks(stream)?;
    let mut state = shared.state();
    let (expiries, muted) = (state.expiries, state.muted);
    let mut lines = String::new();
    let streams = request.parameter("sendInitialEvents") == Some("true");
    if streams && state.streamed == StreamedLists::Fails {
        lines = answers::event("ERROR", &answers::streaming_unavailable());
        drop(state);
        write_chunk(stream, &lines)?;
        return write_chunk(stream, "");
    }
    if since == 0 {
        for object in current(&state, asked) {
            lines.push_str(&answers::event("ADDED", &object));
        }
        since = state.version;
        if streams && state.streamed == StreamedLists::Supported {
            lines.push_str(&answers::bookmark(asked.kind, since, true));
        }
    }
    let mut begun = false;
    loop {
        while state.muted != muted && !state.stopped {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.expiries != expiries || since < state.oldest && !begun {
            lines.push_str(&answers::event("ERROR", &answers::watch_expired(since, state.oldest)));
            drop(state);
            write_chunk(stream, &lines)?;
            return write_chunk(stream, "");
        }
        for change in state.changes.iter().filter(|change| change.version > since && concerns(asked, &change.key)) {
            lines.push_str(&answers::event(change.name, &change.object));
        }
        since = since.max(state.version);
        begun = true;
        let left = ends.saturating_duration_since(Instant::now());
        let over = left.is_zero() || state.hangs_up || state.stopped;
        if over && request.parameter("allowWatchBookmarks") == Some("true") {
            lines.push_str(&answers::bookmark(asked.kind, since, false));
        }
        if !lines.is_empty() {
            drop(state);
            write_chunk(stream, &std::mem::take(&mut lines))?;
            state = shared.state();
        } else if !over {
            state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if over {
            drop(state);
            return write_chunk(stream, "");
        }
    }
}
