//! Real kube watchers against the stand-in API server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan::source::kubeconfig::Kubeconfigs;
use portolan::source::watch::{WatchHandle, WatchOptions, start};
use portolan::source::{KindStatus, SourceEvent, Standing};
use portolan_core::analysis::Host;
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_core::snapshot::Change;
use portolan_core::{Kind, ObjectKey};
use portolan_tests::api_server::ApiServer;
use serde_json::{Value, json};

/// A host that follows a server, as the worker does.
struct Follower {
    host: Arc<Mutex<(Host, Standing)>>,
    _watch: WatchHandle,
}

impl Follower {
    fn start(server: &ApiServer, options: WatchOptions) -> Self {
        let host = Arc::new(Mutex::new((Host::new(Assumptions::default(), false), Standing::new(&options.kinds))));
        let sink = Arc::clone(&host);
        let watch = start(&tokio::runtime::Handle::current(), &server.client(), &options, move |event| {
            let (host, standing) = &mut *sink.lock().unwrap();
            match event {
                SourceEvent::Apply(object) => _ = host.apply([Change::apply(&object)]),
                SourceEvent::Delete(key) => _ = host.apply([Change::Delete(key)]),
                SourceEvent::Replace { kind, namespace, objects } => {
                    let entries = objects.iter().map(|object| Arc::new(portolan_core::intake::read(object))).collect();
                    host.apply([Change::Replace { kind, namespace: namespace.map(Into::into), entries }]);
                }
                SourceEvent::Status(kind, status) => {
                    standing.set(kind, status);
                    let _ = host.apply([Change::Unseen(standing.unseen_kinds())]);
                }
                SourceEvent::Warning(_) => {}
            }
        });
        Self { host, _watch: watch }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Host, &Standing) -> T) -> T {
        let (host, standing) = &mut *self.host.lock().unwrap();
        look(host, standing)
    }

    /// Waits until something holds; fails after a while, or after `within` where that is what is tested.
    #[track_caller]
    fn until(&self, what: &str, within: Duration, holds: impl Fn(&mut Host, &Standing) -> bool) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let wait = async {
                while !self.with(&holds) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            assert!(tokio::time::timeout(within, wait).await.is_ok(), "{place}: not so after {within:?}: {what}");
        }
    }

    async fn until_live(&self) {
        self.until("everything is live", PATIENCE, |_, standing| standing.freshness() == portolan::view_model::Freshness::Live).await;
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const A_SECOND: Duration = Duration::from_secs(1);

fn quick() -> WatchOptions {
    WatchOptions { first_pause: Duration::from_millis(20), max_pause: Duration::from_millis(100), ..WatchOptions::default() }
}

fn pod(name: &str, app: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address}], "conditions": [{"type": "Ready", "status": "True"}]}
    })
}

fn policy(name: &str, egress: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": egress}
    })
}

fn ingress(host: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
        ]}}]}
    })
}

fn reaches(host: &mut Host, from: &str, to: &str) -> Option<bool> {
    let analysis = host.analysis();
    let (from, to) = (analysis.endpoint(from).ok()?, analysis.endpoint(to).ok()?);
    Some(analysis.trace(&from, &to, None).verdict == Verdict::Allowed)
}

#[tokio::test]
async fn changes_show_in_the_running_analysis_within_a_second() {
    let server = ApiServer::start().await.unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    server.apply(pod("db-0", "db", "10.1.0.2"));
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    follower.with(|host, _| assert_eq!(reaches(host, "shop/web-0", "shop/db-0"), Some(true)));

    server.apply(policy("closed", json!([])));
    follower.until("a new policy closes the way", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(false)).await;
    server.apply(policy("closed", json!([{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}])));
    follower.until("a changed policy opens it", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(true)).await;
    server.apply(pod("db-0", "cache", "10.1.0.2"));
    follower
        .until("a pod with other labels is another peer", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(false))
        .await;
    server.delete(&ObjectKey::new(Kind::NetworkPolicy, "shop", "closed"));
    follower.until("a deleted policy closes nothing", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(true)).await;

    server.apply(pod("late-0", "late", "10.1.0.3"));
    follower.until("a new pod is there", A_SECOND, |host, _| reaches(host, "shop/late-0", "shop/db-0") == Some(true)).await;
    server.delete(&ObjectKey::new(Kind::Pod, "shop", "late-0"));
    follower.until("a deleted pod is gone", A_SECOND, |host, _| reaches(host, "shop/late-0", "shop/db-0").is_none()).await;

    let titles = |host: &mut Host| host.analysis().entry_paths().iter().map(|path| path.title.clone()).collect::<Vec<_>>();
    server.apply(ingress("shop.example"));
    follower.until("a new Ingress is a way in", A_SECOND, |host, _| titles(host) == ["http://shop.example/"]).await;
    server.apply(ingress("new.example"));
    follower.until("a changed Ingress is another", A_SECOND, |host, _| titles(host) == ["http://new.example/"]).await;
    server.delete(&ObjectKey::new(Kind::Ingress, "shop", "web"));
    follower.until("a deleted Ingress is none", A_SECOND, |host, _| titles(host).is_empty()).await;
}

fn endpoints(ready: bool) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-abcde", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{
            "addresses": ["10.1.0.1"], "conditions": {"ready": ready, "serving": ready, "terminating": false},
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "web-0"}
        }]
    })
}

/// The last hop of the only way in that an Ingress opens.
fn last_hop(host: &mut Host) -> Option<(&'static str, Verdict)> {
    let analysis = host.analysis();
    let mut paths = analysis.entry_paths().iter().filter(|path| path.object.kind == Kind::Ingress);
    let hop = paths.next()?.hops.last()?;
    if paths.next().is_none() { Some((hop.kind, hop.verdict)) } else { None }
}

#[tokio::test]
async fn an_endpoint_that_is_not_ready_any_more_ends_a_way_in_within_a_second() {
    let server = ApiServer::start().await.unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    let port = json!({"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"});
    let service = json!({"selector": {"app": "web"}, "ports": [port]});
    server.apply(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": service}));
    server.apply(ingress("shop.example"));
    server.apply(endpoints(true));
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    let leads_in = Some(("policy", Verdict::Allowed));
    follower.with(|host, _| assert_eq!(last_hop(host), leads_in));

    // The pod itself still says that it is ready: slices are the truth.
    server.apply(endpoints(false));
    let ends_there = Some(("endpoints", Verdict::Denied));
    follower.until("no endpoint is ready", A_SECOND, |host, _| last_hop(host) == ends_there).await;
    server.apply(endpoints(true));
    follower.until("it is ready again", A_SECOND, |host, _| last_hop(host) == leads_in).await;
    server.apply(endpoints(false));
    follower.until("and again not", A_SECOND, |host, _| last_hop(host) == ends_there).await;
    server.delete(&ObjectKey::new(Kind::EndpointSlice, "shop", "web-abcde"));
    follower.until("without slices, the selector decides", A_SECOND, |host, _| last_hop(host) == leads_in).await;
}

fn cluster_policy(action: &str) -> Value {
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": {"name": "web"},
        "spec": {"tier": "Admin", "priority": 10, "subject": {"namespaces": {}}, "egress": [
            {"action": action, "to": [{"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}}]}
        ]}
    })
}

#[tokio::test]
async fn cluster_wide_policies_show_within_a_second_too() {
    let server = ApiServer::start().await.unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    server.apply(pod("db-0", "db", "10.1.0.2"));
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    server.apply(cluster_policy("Deny"));
    follower.until("a new policy closes the way", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(false)).await;
    server.apply(cluster_policy("Accept"));
    follower.until("a changed one opens it", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(true)).await;
    server.apply(policy("closed", json!([])));
    follower.until("and holds against others", A_SECOND, |host, _| host.snapshot().count(Kind::NetworkPolicy) == 1).await;
    follower.with(|host, _| assert_eq!(reaches(host, "shop/web-0", "shop/db-0"), Some(true)));
    server.delete(&ObjectKey::new(Kind::ClusterNetworkPolicy, "", "web"));
    follower.until("a deleted one says nothing", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(false)).await;
}

#[tokio::test]
async fn a_custom_kind_hides_something_only_where_the_server_has_it() {
    let server = ApiServer::start().await.unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    server.apply(pod("db-0", "db", "10.1.0.2"));
    server.uninstall(Kind::AdminNetworkPolicy);
    server.forbid(Kind::AdminNetworkPolicy, &[]);
    server.forbid(Kind::ClusterNetworkPolicy, &[]);
    let follower = Follower::start(&server, quick());
    let is_forbidden = |status: Option<&KindStatus>| matches!(status, Some(KindStatus::Forbidden { .. }));
    let told = |standing: &Standing| {
        let absent = standing.get(Kind::AdminNetworkPolicy) == Some(&KindStatus::Absent);
        absent && is_forbidden(standing.get(Kind::ClusterNetworkPolicy))
    };
    follower.until("each is told apart", PATIENCE, |_, standing| told(standing)).await;
    follower
        .until("what may not be seen may decide", PATIENCE, |host, _| {
            let analysis = host.analysis();
            let end = |name: &str| analysis.endpoint(name).ok();
            let Some((from, to)) = end("shop/web-0").zip(end("shop/db-0")) else { return false };
            let trace = analysis.trace(&from, &to, None);
            let missing = |kind: Kind| trace.depends.iter().any(|depends| depends.contains(kind.plural()));
            missing(Kind::ClusterNetworkPolicy) && !missing(Kind::AdminNetworkPolicy)
        })
        .await;
}

fn custom_kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| kind.is_custom())
}

fn virtual_service(host: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"hosts": [host]}
    })
}

fn api_version(host: &Host, key: &ObjectKey) -> Option<String> {
    Some(host.snapshot().object(key)?.raw["apiVersion"].as_str()?.to_owned())
}

#[tokio::test]
async fn a_kind_is_read_at_a_version_that_the_server_has() {
    let server = ApiServer::start().await.unwrap();
    server.serve_at(Kind::VirtualService, &["v1alpha3", "v1beta1"]);
    server.serve_at(Kind::ReferenceGrant, &["v1alpha2"]);
    server.apply(virtual_service("a.example"));
    server.apply(json!({
        "apiVersion": "gateway.networking.k8s.io/v1alpha2", "kind": "ReferenceGrant", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "web"}], "to": [{"group": "", "kind": "Service"}]}
    }));
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    let (service, grant) = (ObjectKey::new(Kind::VirtualService, "shop", "web"), ObjectKey::new(Kind::ReferenceGrant, "shop", "a"));
    let of_group = |version: &str| Some(format!("networking.istio.io/{version}"));
    follower.with(|host, standing| {
        assert_eq!(api_version(host, &service), of_group("v1alpha3"), "an object says at which version it can be handed back");
        assert_eq!(api_version(host, &grant).as_deref(), Some("gateway.networking.k8s.io/v1alpha2"));
        assert_eq!(standing.get(Kind::DestinationRule), Some(&KindStatus::Live), "the others of the group are as they were");
    });
    server.apply(virtual_service("b.example"));
    let hosts = |host: &Host| host.snapshot().object(&service).map(|object| object.raw["spec"]["hosts"].clone());
    follower.until("and is followed there", A_SECOND, |host, _| hosts(host) == Some(json!(["b.example"]))).await;

    // An upgrade takes the version away while we look on.
    server.serve_at(Kind::VirtualService, &["v1beta1"]);
    server.drop_connections();
    follower.until("it is found again", PATIENCE, |host, _| api_version(host, &service) == of_group("v1beta1")).await;
    follower.until_live().await;
}

#[tokio::test]
async fn what_calicos_own_server_would_serve_is_read_from_its_custom_resources() {
    let server = ApiServer::start().await.unwrap();
    server.serve_at(Kind::GlobalNetworkPolicy, &["crd.projectcalico.org/v1"]);
    server.apply(pod("web-0", "web", "10.1.0.1"));
    server.apply(pod("db-0", "db", "10.1.0.2"));
    let policy = |action: &str| {
        json!({
            "apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy", "metadata": {"name": "default.db"},
            "spec": {"tier": "default", "selector": "app == 'db'", "types": ["Ingress"], "ingress": [{"action": action}]}
        })
    };
    server.apply(policy("Deny"));
    let follower = Follower::start(&server, quick());
    follower.until("it is in force", PATIENCE, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(false)).await;
    let key = ObjectKey::new(Kind::GlobalNetworkPolicy, "", "default.db");
    follower.with(|host, _| assert_eq!(api_version(host, &key).as_deref(), Some("crd.projectcalico.org/v1")));
    server.apply(policy("Allow"));
    follower.until("and followed", A_SECOND, |host, _| reaches(host, "shop/web-0", "shop/db-0") == Some(true)).await;
}

#[tokio::test]
async fn kinds_that_the_server_lacks_cost_next_to_nothing_until_they_appear() {
    let server = ApiServer::start().await.unwrap();
    for kind in custom_kinds() {
        server.uninstall(kind);
    }
    server.apply(pod("web-0", "web", "10.1.0.1"));
    let follower = Follower::start(&server, WatchOptions { max_pause: Duration::from_secs(60), ..quick() });
    let all_absent = |standing: &Standing| custom_kinds().all(|kind| standing.get(kind) == Some(&KindStatus::Absent));
    follower.until("what is absent is said", PATIENCE, |_, standing| all_absent(standing)).await;
    follower.until_live().await;
    assert_eq!(server.n_discoveries(), 1, "one list of groups serves all kinds");
    let n_built_in = Kind::ALL.len() - custom_kinds().count();
    assert!(server.n_requests() <= 2 * n_built_in, "{} requests: nobody asks for what is absent", server.n_requests());
    drop(follower);

    let follower = Follower::start(&server, quick());
    follower.until("what is absent is said", PATIENCE, |_, standing| all_absent(standing)).await;
    server.apply(virtual_service("a.example"));
    server.install(Kind::VirtualService);
    follower.until("a kind that comes later is found", PATIENCE, |host, _| host.snapshot().count(Kind::VirtualService) == 1).await;
    server.uninstall(Kind::VirtualService);
    server.drop_connections();
    follower
        .until("and what went with its kind is gone", PATIENCE, |host, standing| {
            host.snapshot().count(Kind::VirtualService) == 0 && standing.get(Kind::VirtualService) == Some(&KindStatus::Absent)
        })
        .await;
}

#[tokio::test]
async fn a_kind_that_is_forbidden_is_named_and_the_rest_works() {
    let server = ApiServer::start().await.unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    server.forbid(Kind::Ingress, &[]);
    server.forbid(Kind::Service, &["shop"]);
    server.uninstall(Kind::EndpointSlice);
    let follower = Follower::start(&server, WatchOptions { namespaces: vec!["shop".to_owned()], ..quick() });
    follower.until("pods are there", PATIENCE, |host, _| host.snapshot().count(Kind::Pod) == 1).await;
    follower
        .until("what is unseen is said", PATIENCE, |_, standing| {
            let ingress = matches!(standing.get(Kind::Ingress), Some(KindStatus::Forbidden { seen_in, message }) if seen_in.is_empty() && message.contains("cannot list resource \"ingresses\""));
            let service = matches!(standing.get(Kind::Service), Some(KindStatus::Forbidden { seen_in, .. }) if seen_in == &["shop"]);
            ingress && service && standing.get(Kind::EndpointSlice) == Some(&KindStatus::Absent)
        })
        .await;
    server.apply(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}}),
    );
    follower.until("a namespace that may be listed streams", A_SECOND, |host, _| host.snapshot().count(Kind::Service) == 1).await;
}

#[tokio::test]
async fn nothing_stale_stays_after_a_break() {
    let server = ApiServer::start().await.unwrap();
    for n in 0..7 {
        server.apply(pod(&format!("web-{n}"), "web", &format!("10.1.0.{n}")));
    }
    server.set_page_size(3);
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    follower.with(|host, _| assert_eq!(host.snapshot().count(Kind::Pod), 7, "pages are put together"));

    // While nobody looks, one pod goes and another comes, and the versions in between are forgotten.
    server.delete(&ObjectKey::new(Kind::Pod, "shop", "web-3"));
    server.apply(pod("new-0", "new", "10.1.1.1"));
    server.forget_versions();
    server.drop_connections();
    let is_right = |host: &mut Host| {
        let names: Vec<String> = host.snapshot().entries(Kind::Pod).map(|(key, _)| key.name.to_string()).collect();
        names == ["new-0", "web-0", "web-1", "web-2", "web-4", "web-5", "web-6"]
    };
    follower.until("the list is as the server has it", PATIENCE, |host, _| is_right(host)).await;
    follower.until_live().await;

    // A server that fails for a while, where nothing changes: that all is well again is told without waiting for a change.
    server.set_failing(true);
    server.drop_connections();
    follower
        .until("a break is told", PATIENCE, |_, standing| matches!(standing.freshness(), portolan::view_model::Freshness::Stale(_)))
        .await;
    server.set_failing(false);
    follower.until_live().await;

    server.set_unauthorised(true);
    server.drop_connections();
    follower
        .until("expired credentials are said", PATIENCE, |_, standing| {
            matches!(standing.freshness(), portolan::view_model::Freshness::Unauthorised(_))
        })
        .await;
    follower.with(|host, _| assert_eq!(host.snapshot().count(Kind::Pod), 7, "what was seen stays while we may not look"));
    server.set_unauthorised(false);
    server.apply(pod("last-0", "last", "10.1.1.2"));
    follower.until("and it goes on", PATIENCE, |host, _| host.snapshot().count(Kind::Pod) == 8).await;
}

#[tokio::test]
async fn garbage_in_one_object_leaves_the_others() {
    let server = ApiServer::start().await.unwrap();
    let mut garbage = policy("garbage", json!([]));
    garbage["spec"] = json!("not a spec");
    server.apply(garbage);
    server.apply(policy("good", json!([])));
    let follower = Follower::start(&server, quick());
    follower.until_live().await;
    follower.with(|host, _| {
        assert_eq!(host.snapshot().records(Kind::NetworkPolicy).count(), 1);
        let warnings: Vec<String> = host.analysis().warnings().iter().map(ToString::to_string).collect();
        assert!(warnings.iter().any(|warning| warning.contains("NetworkPolicy shop/garbage /spec")), "{warnings:?}");
    });
}

#[tokio::test]
async fn after_the_handle_is_dropped_nothing_is_delivered() {
    let server = ApiServer::start().await.unwrap();
    let n_events = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&n_events);
    let watch = start(&tokio::runtime::Handle::current(), &server.client(), &quick(), move |_| *counter.lock().unwrap() += 1);
    while *n_events.lock().unwrap() < 2 * Kind::ALL.len() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(watch);
    let n_before = *n_events.lock().unwrap();
    server.apply(pod("web-0", "web", "10.1.0.1"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(*n_events.lock().unwrap(), n_before);
}

#[tokio::test]
async fn contexts_of_the_same_name_are_kept_apart() {
    let server = ApiServer::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (a, b, broken) = (folder.path().join("a.yaml"), folder.path().join("b.yaml"), folder.path().join("broken.yaml"));
    server.write_kubeconfig(&a, "prod", "shop").unwrap();
    server.write_kubeconfig(&b, "prod", "data").unwrap();
    std::fs::write(&broken, "clusters: [").unwrap();
    let configs = Kubeconfigs::read_files(&[a, broken, b], true);
    let titles: Vec<String> = configs.rows().into_iter().map(|row| row.title).collect();
    assert_eq!(titles, ["prod (a)", "prod (b)"]);
    assert_eq!(configs.namespace(&configs.find(Some("prod (b)")).unwrap()), "data");
    assert!(configs.problems.iter().any(|problem| problem.contains("broken.yaml")), "{:?}", configs.problems);
    let unknown = configs.find(Some("staging")).unwrap_err().to_string();
    assert!(unknown.contains("staging") && unknown.contains("prod (a)"), "{unknown}");
    configs.client(&configs.find(None).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_missing_exec_plugin_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-credential-helper", "interactiveMode": "Never"}}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
    });
    std::fs::write(&path, config.to_string()).unwrap();
    let configs = Kubeconfigs::read_files(&[path], true);
    let error = configs.client(&configs.find(None).unwrap()).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(error.contains("no-such-credential-helper") && error.contains("not installed"), "{error}");
}

/// What the command line prints of a cluster.
fn print(arguments: &[&str]) -> Value {
    use clap::Parser;
    let args = portolan::cli::Args::parse_from(["portolan"].iter().chain(arguments));
    let mut out = Vec::new();
    portolan::cli::execute(args.command.as_ref().unwrap(), &args, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_lists_a_cluster_once() {
    let server = ApiServer::start().await.unwrap();
    for n in 0..5 {
        server.apply(pod(&format!("web-{n}"), "web", &format!("10.1.0.{n}")));
    }
    server.apply(pod("db-0", "db", "10.1.0.9"));
    server.apply(policy("closed", json!([])));
    server.set_page_size(2);
    server.forbid(Kind::Ingress, &["shop"]);
    server.uninstall(Kind::OpenShiftRoute);
    server.forbid(Kind::OpenShiftRoute, &[]);
    server.serve_at(Kind::VirtualService, &["v1alpha3"]);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    server.write_kubeconfig(&kubeconfig, "stand-in", "shop").unwrap();
    let path = kubeconfig.to_string_lossy().into_owned();
    let answer = tokio::task::spawn_blocking(move || {
        print(&["--kubeconfig", &path, "--context", "stand-in", "connections", "--unit", "pod", "-o", "json"])
    });
    let answer = answer.await.unwrap();
    let connections = answer["connections"].as_array().unwrap();
    let from = |name: &str| connections.iter().filter(|connection| connection["from"]["name"] == name).count();
    assert_eq!((from("web-3"), from("db-0")), (0, 6), "web may not leave, db reaches five pods and the Internet");
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("ingresses") && warnings.contains("cannot be listed everywhere"), "{warnings}");
    assert!(!warnings.contains("routes.route.openshift.io"), "what is not there hides nothing: {warnings}");
}
