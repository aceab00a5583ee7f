//! A view with a story: `payments` has one way out too many, a sketch closes it, and `old.example` is dead.

use std::net::IpAddr;
use std::sync::Arc;

use portolan::map::model::{Lane, MapModel, Node, NodeKind, Tone};
use portolan::view_model::{
    AssumptionRow, AssumptionsView, ConnectionRow, ContextRow, DifferenceRow, DifferenceTable, EditRow, ExposureRow, Freshness, Inspector,
    Isolation, NamespaceRow, ObjectRow, OpenObject, PathDifferenceRow, PathRow, ProfileRow, SearchEntry, Sketch, Status, View, WarningRow,
    WhyLine, WorkloadRow,
};
use portolan_core::assumptions::Profile;

/// The key of the policy that the sketch edits.
pub const DEBUG: &str = "networking.k8s.io/v1 NetworkPolicy payments/debug-2024";
/// The key of the policy that lets out to the gateway.
pub const GATEWAY: &str = "networking.k8s.io/v1 NetworkPolicy payments/allow-gateway";

const TEXT: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: debug-2024\n  namespace: payments\nspec:\n  \
                    podSelector: {}\n  policyTypes: [Egress]\n  egress: []\n";

fn namespace(name: &str, n_pods: usize, inward: Isolation, outward: Isolation) -> NamespaceRow {
    NamespaceRow { id: format!("namespace/{name}"), name: name.to_owned(), n_pods, inward, outward, ..NamespaceRow::default() }
}

fn workload(namespace: &str, kind: &str, name: &str, n_pods: usize) -> WorkloadRow {
    let pod = |index| (format!("pod/{namespace}/{name}-{index}"), format!("{name}-7d4f9c6b5-{index}"));
    WorkloadRow {
        id: format!("workload/{namespace}/{kind}/{name}"),
        name: name.to_owned(),
        unfolded: false,
        fact: format!("{kind}, {n_pods} pods"),
        pods: (0..n_pods).map(pod).collect(),
    }
}

fn why(text: &str, tone: Option<Tone>, object: Option<(&str, &str)>) -> WhyLine {
    WhyLine { object: object.map(|(key, pointer)| (key.to_owned(), pointer.to_owned())), ..WhyLine::new(text, tone) }
}

fn connection(peer: &str, title: &str, place: &str, ports: &str, tone: Tone, because: &str) -> ConnectionRow {
    ConnectionRow {
        peer: peer.to_owned(),
        title: title.to_owned(),
        place: place.to_owned(),
        ports: ports.to_owned(),
        tone: Some(tone),
        because: because.to_owned(),
        why: vec![
            why("leaves payments-api", None, None),
            why("Admin tier: no rule applies", None, None),
            why("NetworkPolicy: 3 select it, egress closed", None, None),
            why("allow-gateway /spec/egress/0 allows it", Some(tone), Some((GATEWAY, "/spec/egress/0"))),
            why(&format!("{title} is outside: no ingress side"), None, None),
            why("leaves through NAT gateway as 203.0.113.7", None, None),
        ],
        waits: false,
    }
}

fn exposed(title: &str, ports: &str, note: &str) -> ExposureRow {
    ExposureRow { title: title.to_owned(), ports: ports.to_owned(), note: note.to_owned() }
}

fn object(key: &str, fact: &str) -> ObjectRow {
    let title = key.split_once(' ').map_or(key, |(_, title)| title);
    ObjectRow { key: key.to_owned(), title: title.to_owned(), fact: fact.to_owned() }
}

fn inspector() -> Inspector {
    Inspector {
        id: "workload/payments/Deployment/payments-api".to_owned(),
        title: "payments-api".to_owned(),
        subtitle: "Deployment in payments, 3 pods, 10.1.4.7 and 2 more".to_owned(),
        destinations: vec![
            connection("destination/api", "api.payments.example", "", "443/TCP", Tone::Allowed, "allow-gateway, egress rule 1"),
            connection(
                "workload/data/StatefulSet/payments-db",
                "payments-db",
                "data",
                "5432/TCP",
                Tone::Allowed,
                "allow-db, egress rule 1",
            ),
            connection(
                "workload/kube-system/Deployment/kube-dns",
                "kube-dns",
                "kube-system",
                "53/UDP, 53/TCP",
                Tone::Allowed,
                "allow-dns, egress rule 1",
            ),
            connection("destination/internet", "Internet, any port", "", "0.0.0.0/0", Tone::Lost, "was: debug-2024, egress rule 1"),
        ],
        sources: vec![
            connection(
                "workload/ingress-nginx/Deployment/controller",
                "controller",
                "ingress-nginx",
                "8443/TCP",
                Tone::Allowed,
                "allow-ingress",
            ),
            connection("workload/shop/Deployment/web", "web", "shop", "8443/TCP", Tone::Depends, "depends on a label that a webhook sets"),
        ],
        could_be_reached: vec![exposed("pods with k8s-app=kube-dns in any namespace", "53/UDP", "")],
        could_reach: vec![
            exposed("any pod of the cluster", "8443/TCP", "not 8443/TCP for any pod in namespace lab"),
            exposed("pods with app=checkout in namespace shop", "8443/TCP, 9090/TCP", ""),
        ],
        paths: vec![PathRow {
            id: "ingress/payments/pay/spec/rules/0/http/paths/0".to_owned(),
            front: "Ingress class nginx".to_owned(),
            door: "entry/payments/pay/pay.example".to_owned(),
            title: "https://pay.example/v1/*".to_owned(),
            tone: Some(Tone::Allowed),
            hops: vec![why("TLS ends at the controller", None, None), why("Service payments-api, 443 to 8443", Some(Tone::Allowed), None)],
            ..PathRow::default()
        }],
        yaml: "kind: Deployment\nmetadata:\n  name: payments-api\nspec:\n  replicas: 3 # as of today\n".to_owned(),
        objects: vec![
            object(GATEWAY, "allows egress"),
            object(DEBUG, "closes egress"),
            object("apps/v1 Deployment payments/payments-api", ""),
        ],
        ..Inspector::default()
    }
}

fn difference() -> DifferenceTable {
    let row = |from: &str| DifferenceRow {
        tone: Some(Tone::Lost),
        word: "- lost".to_owned(),
        from: format!("payments/{from}"),
        from_id: format!("workload/payments/Deployment/{from}"),
        to: "Internet".to_owned(),
        to_id: "destination/internet".to_owned(),
        ports: "any".to_owned(),
    };
    DifferenceTable {
        n_lost: 2,
        rows: vec![row("payments-api"), row("payments-worker")],
        paths: vec![PathDifferenceRow {
            title: "https://old.example/".to_owned(),
            text: "works now, was blocked by allow-shop".to_owned(),
            tone: Some(Tone::Gained),
        }],
        ..DifferenceTable::default()
    }
}

/// The view.
pub fn view() -> View {
    use Isolation::{Closed, Open, Partly};
    let mut namespaces = vec![
        namespace("payments", 12, Closed, Open),
        namespace("shop", 64, Closed, Closed),
        namespace("ingress-nginx", 4, Open, Open),
        namespace("orders", 21, Closed, Closed),
        namespace("catalog", 18, Open, Open),
        namespace("identity", 9, Closed, Closed),
        namespace("data", 12, Closed, Closed),
        namespace("monitoring", 19, Open, Open),
        namespace("kube-system", 31, Open, Open),
        namespace("batch", 24, Partly, Open),
    ];
    namespaces[0].unfolded = true;
    namespaces[0].workloads =
        vec![workload("payments", "Deployment", "payments-api", 3), workload("payments", "Deployment", "payments-worker", 6)];
    let entry = |id: &str, title: &str, kind: &str, labels: &[(&str, &str)], address: &str| {
        let addresses: Vec<IpAddr> = address.parse().into_iter().collect();
        SearchEntry::new(id, title, kind, labels.iter().copied().collect(), &addresses, "")
    };
    let node = |id: &str, lane, title: &str, name: &str| Node {
        fact: "3 pods".to_owned(),
        ..Node::new(id, lane, NodeKind::Workload, title, name)
    };
    View {
        namespaces: Arc::new(namespaces),
        map: Arc::new(MapModel {
            nodes: vec![
                node("outside/internet", Lane::Outside, "Internet", "outside Internet"),
                node("workload/payments/Deployment/payments-api", Lane::Workloads, "payments-api", "map workload payments/payments-api"),
            ],
            ..MapModel::default()
        }),
        inspector: Some(inspector()),
        sketch: Sketch {
            name: "close payments".to_owned(),
            edits: vec![
                EditRow {
                    key: DEBUG.to_owned(),
                    verb: "changed".to_owned(),
                    title: "NetworkPolicy payments/debug-2024".to_owned(),
                    conflict: None,
                },
                EditRow {
                    key: GATEWAY.to_owned(),
                    verb: "changed".to_owned(),
                    title: "NetworkPolicy payments/allow-gateway".to_owned(),
                    conflict: Some("it changed in the cluster at 12:04".to_owned()),
                },
            ],
            objects: vec![
                object(DEBUG, ""),
                object(GATEWAY, ""),
                object("networking.k8s.io/v1 NetworkPolicy payments/allow-db", ""),
                object("networking.k8s.io/v1 Ingress shop/shop", ""),
                object("v1 Service shop/web", ""),
            ],
            open: Some(OpenObject {
                revision: 1,
                key: DEBUG.to_owned(),
                text: TEXT.to_owned(),
                errors: Vec::new(),
                marked_lines: Some(9..=9),
            }),
            can_undo: true,
            can_redo: false,
            export_yaml: TEXT.to_owned(),
        },
        difference: difference(),
        warnings: vec![WarningRow {
            object: GATEWAY.to_owned(),
            pointer: "/spec/egress/0/ports/0/endPort".to_owned(),
            message: "endPort is lower than port, the rule allows nothing".to_owned(),
        }],
        status: Status {
            freshness: Freshness::Live,
            source: "prod-eu".to_owned(),
            sizes: "214 pods, 60 workloads, 38 policies".to_owned(),
            timing: "answer in 0.4 ms".to_owned(),
            profile: "profile cilium +1".to_owned(),
            profile_origin: "Detected Cilium (DaemonSet kube-system/cilium)".to_owned(),
            unseen: vec!["gateways.gateway.networking.k8s.io is forbidden: no list at cluster scope".to_owned()],
            notice: None,
        },
        search_index: Arc::new(vec![
            entry(
                "workload/payments/Deployment/payments-api",
                "payments/payments-api",
                "Deployment",
                &[("app", "payments-api")],
                "10.1.4.7",
            ),
            entry("workload/shop/Deployment/web", "shop/web", "Deployment", &[("app", "web")], "10.1.5.1"),
            entry("service/shop/web", "shop/web", "Service", &[], "10.96.0.12"),
            entry("entry/shop.example", "shop.example", "Ingress host", &[], ""),
            entry("namespace/shop", "shop", "Namespace", &[], ""),
        ]),
        assumptions: assumptions(),
        ..View::default()
    }
}

/// Cilium was detected, and one assumption is changed.
fn assumptions() -> AssumptionsView {
    let profile = |profile: Option<Profile>| ProfileRow {
        profile,
        title: profile.map_or("as detected", Profile::name).to_owned(),
        is_chosen: profile.is_none(),
    };
    let row = |name: &str, values: &[&str], value: &str, profile_value: Option<&str>| AssumptionRow {
        name: name.to_owned(),
        question: "Is this as it seems, or is it otherwise?".to_owned(),
        value: value.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        profile_value: profile_value.map(str::to_owned),
    };
    AssumptionsView {
        nat: String::new(),
        profiles: std::iter::once(None).chain(Profile::ALL.map(Some)).map(profile).collect(),
        detected: "Detected Cilium (DaemonSet kube-system/cilium)".to_owned(),
        rows: vec![
            row("ip-block-selects-pods", &["yes", "no", "unsettled"], "yes", Some("no")),
            row("self-traffic", &["allowed", "policy"], "allowed", None),
        ],
    }
}

/// Contexts to choose from.
pub fn contexts() -> Vec<ContextRow> {
    let row = |title: &str, fact: &str| ContextRow { id: format!("context/{title}"), title: title.to_owned(), fact: fact.to_owned() };
    vec![row("prod-eu", "https://10.0.0.1:6443"), row("staging", "https://10.0.0.2:6443")]
}
