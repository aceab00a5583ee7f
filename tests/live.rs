//! The live source against a stand-in API server, over real HTTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portolan::source::{
    Backoff, Contexts, Overall, Scope, SourceEvent, SourceState, Statuses, Unseen, WatchHandle, WatchOptions, list_once, renewal, start,
};
use portolan_core::object::{Kind, Object, ObjectKey, Warning};
use portolan_tests::api_server::{ApiServer, StreamedLists, kubeconfig};
use portolan_tests::scratch::Scratch;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// However slow the machine: what has not happened after this long will not happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// As the window would, but in a hurry.
fn options() -> WatchOptions {
    WatchOptions {
        backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(200) },
        slow_retry: Duration::from_millis(200),
        answer_timeout: Duration::from_secs(1),
        stream_pause: Duration::from_millis(300),
        watch_seconds: 30,
        ..WatchOptions::default()
    }
}

fn only(kinds: &[Kind]) -> WatchOptions {
    WatchOptions { kinds: kinds.to_vec(), ..options() }
}

async fn client(server: &ApiServer) -> kube::Client {
    let contexts = Contexts::from_files(&[server.kubeconfig()]);
    contexts.client(&contexts.default_context().unwrap().id).await.unwrap()
}

/// What a consumer of the events would know.
struct Chart {
    events: UnboundedReceiver<SourceEvent>,
    objects: BTreeMap<ObjectKey, Object>,
    statuses: Statuses,
    replaced: Vec<(Kind, Scope, usize)>,
    warnings: Vec<Warning>,
    states: Vec<(Kind, SourceState)>,
    handle: Option<WatchHandle>,
}

impl Chart {
    async fn start(server: &ApiServer, options: WatchOptions) -> Self {
        let client = client(server).await;
        let (sender, events) = unbounded_channel();
        let statuses = Statuses::of(&options.kinds);
        let handle = start(&tokio::runtime::Handle::current(), client, options, move |event| sender.send(event).unwrap());
        let (objects, replaced, warnings, states) = Default::default();
        Self { events, objects, statuses, replaced, warnings, states, handle: Some(handle) }
    }

    async fn live(server: &ApiServer, options: WatchOptions) -> Self {
        let mut chart = Self::start(server, options).await;
        chart.until("live", |chart| chart.statuses.overall() == Overall::Live).await;
        chart
    }

    fn take(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Replace { kind, scope, objects } => {
                self.replaced.push((kind, scope.clone(), objects.len()));
                self.objects.retain(|key, _| key.kind != kind || !scope.covers(key));
                self.objects.extend(objects.into_iter().map(|object| (object.key.clone(), object)));
            }
            SourceEvent::Apply(object) => drop(self.objects.insert(object.key.clone(), object)),
            SourceEvent::Delete(key) => drop(self.objects.remove(&key)),
            SourceEvent::Status(status) => {
                self.states.push((status.kind, status.state.clone()));
                self.statuses.apply(status);
            }
            SourceEvent::Warning(warning) => self.warnings.push(warning),
        }
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !reached(self) {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(event)) => self.take(event),
                Ok(None) => panic!("the events ended before: {what}"),
                Err(_) => panic!("not reached: {what}\n{:#?}\n{:?}\n{:?}", self.statuses, self.replaced, self.objects.keys()),
            }
        }
    }

    fn has(&self, key: &ObjectKey) -> bool {
        self.objects.contains_key(key)
    }

    fn replaces(&self, kind: Kind) -> usize {
        self.replaced.iter().filter(|(other, ..)| *other == kind).count()
    }

    fn is_live(&self) -> bool {
        self.statuses.overall() == Overall::Live
    }
}

fn pod(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}}, "spec": {"containers": []}})
}

fn policy(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}, "spec": {"podSelector": {}}})
}

fn ingress(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": namespace}, "spec": {"rules": []}})
}

#[tokio::test]
async fn the_first_listing_of_each_kind_is_one_batch() {
    for (streaming, page_size) in [(true, 500), (false, 500), (false, 2)] {
        let server = ApiServer::start();
        for name in ["a", "b", "c", "d", "e"] {
            server.apply(pod("shop", name));
        }
        let chart = Chart::live(&server, WatchOptions { streaming, page_size, ..options() }).await;
        for kind in Kind::ALL {
            assert_eq!(chart.replaces(*kind), 1, "{kind:?}");
        }
        assert!(chart.replaced.contains(&(Kind::Pod, Scope::All, 5)), "{:?}", chart.replaced);
        let pod = &chart.objects[&ObjectKey::new(Kind::Pod, "shop", "a")];
        let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&pod.raw), ["apiVersion", "kind", "metadata", "spec"]);
        assert_eq!(fields(&pod.raw["metadata"]), ["name", "namespace", "labels", "uid", "resourceVersion", "creationTimestamp"]);
        let listed = server.requests().iter().filter(|request| request.contains("limit=")).count();
        assert_eq!(listed > 0, !streaming);
    }
}

#[tokio::test]
async fn changes_arrive_within_a_second() {
    let server = ApiServer::start();
    let mut chart = Chart::live(&server, options()).await;
    for mut object in [pod("shop", "web"), policy("shop", "deny"), ingress("shop", "front")] {
        let begun = Instant::now();
        let key = server.apply(object.clone());
        chart.until("created", |chart| chart.has(&key)).await;
        object["metadata"]["labels"] = json!({"changed": "yes"});
        server.apply(object);
        chart.until("changed", |chart| chart.objects[&key].raw["metadata"]["labels"]["changed"] == "yes").await;
        assert_eq!(chart.objects[&key].raw["metadata"].get("managedFields"), None);
        server.delete(&key);
        chart.until("deleted", |chart| !chart.has(&key)).await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?} for three changes", begun.elapsed());
    }
    assert!(chart.is_live());
}

#[tokio::test]
async fn a_forbidden_kind_is_reported_and_the_others_work() {
    let server = ApiServer::start();
    server.forbid(Kind::IngressClass);
    server.forbid(Kind::NetworkPolicy);
    let web = server.apply(pod("shop", "web"));
    let mut chart = Chart::live(&server, options()).await;
    chart.until("all asked", |chart| chart.statuses.iter().filter(|(kind, ..)| *kind == Kind::NetworkPolicy).count() == 2).await;
    assert!(chart.has(&web));
    let unseen = chart.statuses.unseen();
    assert_eq!(unseen.iter().map(|unseen| unseen.kind).collect::<Vec<_>>(), [Kind::IngressClass, Kind::NetworkPolicy]);
    assert_eq!(
        unseen[0].message,
        "ingressclasses.networking.k8s.io is forbidden: User \"limited\" cannot list resource \"ingressclasses\" in API group \"networking.k8s.io\" at the cluster scope"
    );

    server.allow(Kind::IngressClass);
    server.allow(Kind::NetworkPolicy);
    chart.until("allowed", |chart| chart.statuses.unseen().is_empty() && chart.is_live()).await;
}

#[tokio::test]
async fn a_kind_forbidden_in_all_namespaces_is_seen_in_some() {
    let server = ApiServer::start();
    server.forbid_cluster_wide(Kind::Pod);
    let [here, there, elsewhere] = ["default", "shop", "bank"].map(|namespace| server.apply(pod(namespace, "web")));
    let options = WatchOptions { namespaces: vec!["shop".to_owned()], ..only(&[Kind::Pod, Kind::Service]) };
    let mut chart = Chart::start(&server, options).await;
    chart.until("both namespaces", |chart| chart.has(&here) && chart.has(&there) && chart.is_live()).await;
    assert!(!chart.has(&elsewhere));
    let message = "pods is forbidden: User \"limited\" cannot list resource \"pods\" in API group \"\" at the cluster scope".to_owned();
    assert_eq!(chart.statuses.unseen(), [Unseen { kind: Kind::Pod, seen_in: vec!["default".to_owned(), "shop".to_owned()], message }]);

    let late = server.apply(pod("shop", "late"));
    chart.until("a change in a single namespace", |chart| chart.has(&late)).await;

    server.allow(Kind::Pod);
    chart.until("everywhere", |chart| chart.has(&elsewhere) && chart.is_live()).await;
    assert_eq!(chart.statuses.unseen(), []);
    assert!(chart.has(&here) && chart.has(&late));

    server.forbid(Kind::Pod);
    chart.until("nothing that may not be seen", |chart| chart.objects.is_empty()).await;
}

#[tokio::test]
async fn an_expired_watch_leads_to_a_new_batch_and_nothing_stale_stays() {
    for (streaming, as_answer) in [(true, false), (false, false), (true, true), (false, true)] {
        let server = ApiServer::start();
        server.set_gone_as_answer(as_answer);
        let [gone, stays] = ["gone", "stays"].map(|name| server.apply(pod("shop", name)));
        let mut chart = Chart::live(&server, WatchOptions { streaming, ..only(&[Kind::Pod]) }).await;
        assert!(chart.has(&gone) && chart.has(&stays));

        if as_answer {
            server.set_refusing(true);
            server.drop_connections();
            chart.until("disconnected", |chart| matches!(chart.statuses.overall(), Overall::Stale { .. })).await;
            server.delete(&gone);
            server.forget();
            server.set_refusing(false);
        } else {
            server.expire_watches();
            server.delete(&gone);
        }
        let new = server.apply(pod("shop", "new"));
        chart.until("nothing stale", |chart| chart.has(&new) && !chart.has(&gone) && chart.is_live()).await;
        assert!(chart.has(&stays));
        assert_eq!(chart.replaces(Kind::Pod), 2);
    }
}

#[tokio::test]
async fn a_dropped_connection_is_taken_up_where_it_was() {
    let server = ApiServer::start();
    let web = server.apply(pod("shop", "web"));
    let mut chart = Chart::live(&server, options()).await;
    for round in 0..3 {
        server.drop_connections();
        let key = server.apply(pod("shop", &format!("after-{round}")));
        chart.until("the change after", |chart| chart.has(&key) && chart.is_live()).await;
    }
    assert!(chart.has(&web));
    assert_eq!(chart.replaces(Kind::Pod), 1, "a watch is resumed, not begun anew");
}

#[tokio::test]
async fn a_server_that_is_away_makes_the_view_stale_and_then_live_again() {
    let server = ApiServer::start();
    let web = server.apply(pod("shop", "web"));
    let mut chart = Chart::live(&server, options()).await;
    server.set_refusing(true);
    server.drop_connections();
    chart.until("stale", |chart| chart.statuses.iter().all(|(.., state)| matches!(state, SourceState::Disconnected { .. }))).await;
    let Overall::Stale { why, .. } = chart.statuses.overall() else { panic!("{:?}", chart.statuses.overall()) };
    assert!(!why.is_empty());
    assert!(chart.has(&web), "what was known stays");
    server.set_refusing(false);
    // Nothing changes meanwhile: that the view is live again must not depend on it.
    chart.until("live again", Chart::is_live).await;
}

#[tokio::test]
async fn a_server_that_falls_silent_or_is_busy_is_noticed() {
    let server = ApiServer::start();
    server.set_frozen(true);
    let mut chart = Chart::start(&server, only(&[Kind::Pod])).await;
    chart
        .until(
            "silence noticed",
            |chart| matches!(chart.statuses.overall(), Overall::Stale { why, .. } if why.contains("has not answered")),
        )
        .await;
    server.set_frozen(false);
    chart.until("live", Chart::is_live).await;

    server.set_busy(true);
    chart.until("busy", |chart| matches!(chart.statuses.overall(), Overall::Stale { why, .. } if why.contains("unable to handle"))).await;
    server.set_busy(false);
    chart.until("live again", Chart::is_live).await;
}

#[tokio::test]
async fn a_connection_that_died_in_silence_is_replaced() {
    let server = ApiServer::start();
    let mut chart = Chart::live(&server, WatchOptions { watch_seconds: 1, ..only(&[Kind::Pod]) }).await;
    server.mute_watches();
    let web = server.apply(pod("shop", "web"));
    chart.until("what happened meanwhile", |chart| chart.has(&web)).await;
    assert_eq!(chart.replaces(Kind::Pod), 1);
}

#[tokio::test]
async fn something_that_is_no_api_server_is_not_a_cluster_without_objects() {
    let server = ApiServer::start();
    for kind in Kind::ALL {
        server.set_absent(*kind, true);
    }
    let mut chart = Chart::start(&server, options()).await;
    chart.until("told so", |chart| matches!(chart.statuses.overall(), Overall::Stale { why, .. } if why.contains("not seem to be"))).await;
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_is_logged_however_much_is_logged() {
    use tracing_subscriber::util::SubscriberInitExt;
    let log = Log::default();
    let writer = log.clone();
    // The runtime of this test is its own thread's, so that all that the source does is seen.
    let _logging = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .set_default();
    let server = ApiServer::start();
    let mut chart = Chart::live(&server, options()).await;
    server.set_unauthorised(true);
    chart.until("unauthorised", |chart| matches!(chart.statuses.overall(), Overall::Unauthorised(_))).await;
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("/api/v1/pods"), "requests are logged");
    assert!(!log.contains("stand-in-token"));
}

#[tokio::test]
async fn garbage_in_one_object_passes_through() {
    let server = ApiServer::start();
    let mut broken = pod("shop", "broken");
    broken["spec"] = "not what it should be".into();
    broken["status"] = json!([null, {"deep": 1.5e300}]);
    broken["metadata"]["labels"] = json!(["no", "map"]);
    let broken = server.apply(broken);
    let web = server.apply(pod("shop", "web"));
    for streaming in [true, false] {
        let mut chart = Chart::live(&server, WatchOptions { streaming, ..only(&[Kind::Pod]) }).await;
        assert!(chart.has(&web));
        assert_eq!(chart.objects[&broken].raw["spec"], "not what it should be");
        assert_eq!(chart.objects[&broken].raw["metadata"]["labels"], json!(["no", "map"]));
        let later = server.apply(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("later-{streaming}"), "namespace": "shop"}, "spec": 7}),
        );
        chart.until("garbage while watching", |chart| chart.has(&later)).await;
        assert_eq!(chart.warnings, []);
    }
}

#[tokio::test]
async fn nothing_is_delivered_after_stopping() {
    let server = ApiServer::start();
    let mut chart = Chart::live(&server, options()).await;
    chart.handle.take().unwrap().stop();
    while let Ok(event) = chart.events.try_recv() {
        chart.take(event);
    }
    for count in 0..50 {
        server.apply(pod("shop", &format!("late-{count}")));
    }
    // The sender is gone with the handle: the channel is closed, and not only empty.
    assert_eq!(chart.events.recv().await, None);
}

#[tokio::test]
async fn refused_credentials_are_told_and_renewed() {
    let server = ApiServer::start();
    let mut chart = Chart::live(&server, options()).await;
    server.set_unauthorised(true);
    chart.until("unauthorised", |chart| chart.statuses.overall() == Overall::Unauthorised("Unauthorized".to_owned())).await;
    server.set_unauthorised(false);
    chart.until("live again", Chart::is_live).await;

    let renew = renewal(Some(server.kubeconfig()), "stand-in");
    let mut chart = Chart::live(&server, WatchOptions { renew: Some(renew), ..options() }).await;
    server.accept_token("another-token");
    chart.until("the old token refused", |chart| matches!(chart.statuses.overall(), Overall::Unauthorised(_))).await;
    server.kubeconfig();
    chart.until("live with the new token", Chart::is_live).await;
    let web = server.apply(pod("shop", "web"));
    chart.until("a change", |chart| chart.has(&web)).await;
}

#[tokio::test]
async fn an_absent_kind_is_picked_up_when_it_appears() {
    let server = ApiServer::start();
    server.set_absent(Kind::NetworkPolicy, true);
    let mut chart = Chart::live(&server, options()).await;
    assert_eq!(chart.statuses.absent().collect::<Vec<_>>(), [Kind::NetworkPolicy]);
    let deny = server.apply(policy("shop", "deny"));
    server.set_absent(Kind::NetworkPolicy, false);
    chart.until("the kind is there", |chart| chart.has(&deny) && chart.is_live()).await;
    server.set_absent(Kind::NetworkPolicy, true);
    chart.until("the kind is gone, and its objects", |chart| !chart.has(&deny) && chart.statuses.absent().next().is_some()).await;
}

#[tokio::test]
async fn pages_are_asked_for_where_lists_are_not_streamed() {
    for streamed in [StreamedLists::Refused, StreamedLists::Fails, StreamedLists::Unknown] {
        let server = ApiServer::start();
        server.set_streamed_lists(streamed);
        let web = server.apply(pod("shop", "web"));
        let mut chart = Chart::live(&server, only(&[Kind::Pod])).await;
        assert!(chart.has(&web), "{streamed:?}");
        assert_eq!(chart.replaces(Kind::Pod), 1, "{streamed:?}");
        let late = server.apply(pod("shop", "late"));
        chart.until("a change", |chart| chart.has(&late)).await;
    }
}

#[tokio::test]
async fn pages_that_expire_are_asked_for_all_at_once() {
    let server = ApiServer::start();
    for name in ["a", "b", "c"] {
        server.apply(pod("shop", name));
    }
    let (status, _, body) = server.get("/api/v1/pods?limit=1");
    let token = serde_json::from_str::<Value>(&body).unwrap()["metadata"]["continue"].as_str().unwrap().to_owned();
    server.forget();
    let (expired, ..) = server.get(&format!("/api/v1/pods?limit=1&continue={token}"));
    assert_eq!((status, expired), (200, 410));
    let events = list_once(client(&server).await, &WatchOptions { page_size: 1, ..only(&[Kind::Pod]) }).await;
    assert!(matches!(&events[0], SourceEvent::Replace { objects, .. } if objects.len() == 3), "{events:?}");
}

#[tokio::test]
async fn a_kind_that_may_be_listed_but_not_watched_is_listed_again() {
    let server = ApiServer::start();
    server.forbid_watching(Kind::Pod);
    let web = server.apply(pod("shop", "web"));
    let mut chart = Chart::start(&server, only(&[Kind::Pod])).await;
    let told = |chart: &Chart| matches!(chart.statuses.overall(), Overall::Stale { why, .. } if why.contains("cannot watch resource"));
    chart.until("listed, and told why it is not live", |chart| chart.has(&web) && told(chart)).await;
    server.delete(&web);
    chart.until("listed again", |chart| !chart.has(&web)).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_at_once_is_not_asked_in_a_tight_loop() {
    let server = ApiServer::start();
    server.set_hanging_up(true);
    let options =
        WatchOptions { backoff: Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(1) }, ..only(&[Kind::Pod]) };
    let _chart = Chart::live(&server, options).await;
    let before = server.requests().len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = server.requests().len() - before;
    assert!((1..=8).contains(&asked), "asked {asked} times in a second");
}

#[tokio::test]
async fn a_single_listing_tells_what_it_could_not_see() {
    let server = ApiServer::start();
    for name in ["c", "a", "b"] {
        server.apply(pod("default", name));
    }
    server.apply(pod("bank", "unseen"));
    server.forbid_cluster_wide(Kind::Pod);
    server.forbid(Kind::IngressClass);
    server.set_absent(Kind::CronJob, true);
    let events = list_once(client(&server).await, &WatchOptions { page_size: 2, ..options() }).await;
    let mut statuses = Statuses::default();
    let mut pods = Vec::new();
    for event in events {
        match event {
            SourceEvent::Status(status) => statuses.apply(status),
            SourceEvent::Replace { kind: Kind::Pod, scope, objects } => {
                assert_eq!(scope, Scope::Namespace("default".to_owned()));
                pods.extend(objects.into_iter().map(|object| object.key.path()));
            }
            _ => {}
        }
    }
    assert_eq!(pods, ["default/a", "default/b", "default/c"]);
    assert_eq!(statuses.overall(), Overall::Live);
    assert_eq!(
        statuses.unseen().iter().map(|unseen| (unseen.kind, unseen.seen_in.len())).collect::<Vec<_>>(),
        [(Kind::Pod, 1), (Kind::IngressClass, 0)]
    );
    assert_eq!(statuses.absent().collect::<Vec<_>>(), [Kind::CronJob]);

    server.set_unauthorised(true);
    let events = list_once(client(&server).await, &only(&[Kind::Pod])).await;
    assert!(
        matches!(&events[..], [SourceEvent::Status(status)] if status.state == SourceState::Unauthorised("Unauthorized".to_owned())),
        "{events:?}"
    );
}

#[tokio::test]
async fn contexts_of_one_name_in_two_files_are_both_listed_and_kept_apart() {
    let (one, two) = (ApiServer::start(), ApiServer::start());
    let scratch = Scratch::new();
    let user = json!({"token": "stand-in-token"});
    let files = [
        scratch.write("east.yaml", kubeconfig("prod", &one.url(), &user)),
        scratch.write("west.yaml", kubeconfig("prod", &two.url(), &user)),
        scratch.write("half.yaml", "contexts:\n- {name: borrowed, context: {cluster: prod, user: prod, namespace: shop}}\n"),
        scratch.write("broken.yaml", "contexts:\n- name: [\nusers: hunter2\n"),
        scratch.path().join("missing.yaml"),
    ];
    let contexts = Contexts::from_files(&files);
    let facts: Vec<_> =
        contexts.entries().iter().map(|entry| (entry.title.as_str(), entry.fact.as_str(), entry.namespace.as_deref())).collect();
    let (east, west) = (one.url(), two.url());
    assert_eq!(
        facts,
        [
            ("prod (east)", east.as_str(), Some("default")),
            ("prod (west)", west.as_str(), Some("default")),
            ("borrowed", east.as_str(), Some("shop"))
        ]
    );
    assert_eq!(contexts.default_context().unwrap().title, "prod (east)");
    let problems: Vec<_> = contexts.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2);
    assert!(problems[0].contains("broken.yaml: line ") && !problems[0].contains("hunter2"), "{problems:?}");
    assert!(problems[1].contains("missing.yaml: cannot be read"), "{problems:?}");

    let web = two.apply(pod("shop", "web"));
    let west = contexts.find("prod (west)").unwrap();
    let events = list_once(contexts.client(&west.id).await.unwrap(), &only(&[Kind::Pod])).await;
    assert!(matches!(&events[0], SourceEvent::Replace { objects, .. } if objects[0].key == web), "{events:?}");
    assert!(!format!("{contexts:?}").contains("stand-in-token"));
}

#[tokio::test]
async fn a_missing_credential_plugin_is_named() {
    let scratch = Scratch::new();
    let exec = |command: &str| json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "installHint": "see the handbook", "interactiveMode": "IfAvailable"}});
    let missing = scratch.write("missing", kubeconfig("missing", "https://127.0.0.1:1", &exec("kubectl-no-such-login")));
    let error = Contexts::from_files(&[missing]).client("missing").await.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "the credential plugin kubectl-no-such-login is not installed, or not in PATH: see the handbook");
}

#[cfg(unix)]
#[tokio::test]
async fn a_credential_plugin_is_run_and_what_it_prints_is_not_told() {
    use std::os::unix::fs::PermissionsExt;
    let server = ApiServer::start();
    let scratch = Scratch::new();
    let plugin = |name: &str, script: &str| {
        let path = scratch.write(name, format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // Beside the kubeconfig, and named relative to it.
        let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": format!("./{name}"), "interactiveMode": "Never",
                                   "env": [{"name": "PRIVATE", "value": "hunter2"}]}});
        Contexts::from_files(&[scratch.write(&format!("{name}.yaml"), kubeconfig("plugin", &server.url(), &exec))])
    };
    let credential = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"stand-in-token"}}"#;
    let good = plugin("good", &format!("echo '{credential}'"));
    let events = list_once(good.client("plugin").await.unwrap(), &only(&[Kind::Namespace])).await;
    assert!(matches!(&events[0], SourceEvent::Replace { objects, .. } if objects.len() == 2), "{events:?}");

    let bad = plugin("bad", "echo hunter2; echo 'sign in first' >&2; exit 3").client("plugin").await.map(drop).unwrap_err().to_string();
    assert!(bad.contains("/bad failed") && bad.ends_with("sign in first") && !bad.contains("hunter2"), "{bad}");
    let odd = plugin("odd", "echo 'hunter2: [hunter2'").client("plugin").await.map(drop).unwrap_err().to_string();
    assert!(odd.contains("did not answer with an ExecCredential") && !odd.contains("hunter2"), "{odd}");
}

/// The names and types in a JSON value; of a list's items, only that there are some.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name}: {}, ", shape(value))).collect::<String>(),
        Value::Array(items) => format!("[{}]", items.first().map_or("", |_| "..")),
        Value::String(_) => "text".to_owned(),
        Value::Number(_) => "number".to_owned(),
        other => other.to_string(),
    }
}

/// A recorded answer: its status code, its body's type, and its body.
fn recorded(folder: &Path, name: &str) -> (u16, String, String) {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let (head, body) = text.split_once("\n\n").or_else(|| text.split_once("\r\n\r\n")).unwrap();
    let code = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap().trim().to_owned();
    (code, content_type, body.trim().to_owned())
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn the_stand_in_answers_as_a_real_server_did() {
    // Beside the repository, or beside a folder that holds several checkouts of it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(folder) = root.ancestors().skip(2).map(|folder| folder.join("shared/apiserver-responses")).find(|folder| folder.is_dir())
    else {
        eprintln!("SKIPPED: no recorded answers in shared/apiserver-responses beside the repository");
        return;
    };
    let server = ApiServer::start();
    for namespace in ["a", "b"] {
        server.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    }
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let check = |name: &str, target: &str, exactly: bool| {
        let (code, content_type, body) = recorded(&folder, name);
        let answer = server.get(target);
        assert_eq!((answer.0, answer.1.as_str()), (code, content_type.as_str()), "{name}");
        if content_type.starts_with("text/plain") || exactly {
            let normal = |text: &str| if exactly { json(text).to_string() } else { text.trim().to_owned() };
            assert_eq!(normal(&answer.2), normal(&body), "{name}");
        } else {
            assert_eq!(shape(&json(&answer.2)), shape(&json(&body)), "{name}");
        }
    };
    check("empty-list.txt", "/api/v1/pods", false);
    check("200-page1.txt", "/api/v1/namespaces?limit=2", false);
    check("400-bad-continue.txt", "/api/v1/namespaces?limit=2&continue=nonsense", false);
    check("404-object.txt", "/api/v1/namespaces/default/pods/none", true);
    check("404-resource.txt", "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies", false);
    check("504-rv-too-large.txt", "/api/v1/namespaces?resourceVersion=999999999", false);
    let page = json(&server.get("/api/v1/namespaces?limit=2").2);
    server.expire_watches();
    let token = page["metadata"]["continue"].as_str().unwrap();
    check("410-continue.txt", &format!("/api/v1/namespaces?limit=2&continue={token}"), false);
    check("410-exact.txt", "/api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Exact", true);
    check("410-watch.txt", "/api/v1/pods?watch=true&resourceVersion=1", false);
    server.forbid(Kind::Pod);
    server.forbid(Kind::Ingress);
    check("403-list-cluster.txt", "/api/v1/pods", true);
    check("403-list-ns.txt", "/apis/networking.k8s.io/v1/namespaces/team-b/ingresses", true);

    let lines = |text: &str| text.lines().map(json).collect::<Vec<_>>();
    let (code, content_type, body) = recorded(&folder, "watch-initial-events.txt");
    let target =
        "/api/v1/namespaces?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    let answer = server.get(target);
    assert_eq!((answer.0, answer.1), (code, content_type));
    let (ours, theirs) = (lines(&answer.2), lines(&body));
    let kinds = |lines: &[Value]| {
        let mut kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap().to_owned()).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(&ours)[..2], kinds(&theirs)[..2]);
    let end = |lines: &[Value]| shape(lines.iter().find(|line| line["type"] == "BOOKMARK").unwrap());
    assert_eq!(end(&ours), end(&theirs));
    let fields = |lines: &[Value]| {
        let default = lines.iter().find(|line| line["object"]["metadata"]["name"] == "default").unwrap();
        let mut fields: Vec<_> = default["object"]["metadata"].as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields
    };
    assert_eq!(fields(&ours), fields(&theirs));

    server.set_unauthorised(true);
    check("401.txt", "/api/v1/pods", true);
}

/// The same against a real server, where there is one.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
async fn a_real_server_becomes_live() {
    let Some(path) = std::env::var_os("PORTOLAN_TEST_KUBECONFIG").map(PathBuf::from) else {
        eprintln!("SKIPPED: PORTOLAN_TEST_KUBECONFIG names no real server");
        return;
    };
    let contexts = Contexts::from_files(&[path]);
    let client = contexts.client(&contexts.default_context().unwrap().id).await.unwrap();
    for streaming in [true, false] {
        let (sender, mut events) = unbounded_channel();
        let options = WatchOptions { streaming, ..WatchOptions::default() };
        let mut statuses = Statuses::of(&options.kinds);
        let _handle = start(&tokio::runtime::Handle::current(), client.clone(), options, move |event| sender.send(event).unwrap());
        while statuses.overall() != Overall::Live {
            if let SourceEvent::Status(status) = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap() {
                statuses.apply(status);
            }
        }
    }
}
