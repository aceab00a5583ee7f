//! The demo cluster: its size, its shape, and that everything in it is what an API server would take.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core, discovery::v1 as discovery, networking::v1 as networking};
use portolan::source::demo::Demo;
use portolan_core::{Kind, Object};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn of_kind(objects: &[Object], kind: Kind) -> Vec<&Object> {
    objects.iter().filter(|object| object.key.kind == kind).collect()
}

fn is_workload(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::CronJob)
}

#[test]
fn the_demo_has_the_size_of_a_small_company() {
    let objects = Demo::Shop.objects();
    assert_eq!(of_kind(&objects, Kind::Namespace).len(), 10);
    assert_eq!(of_kind(&objects, Kind::Pod).len(), 214);
    assert_eq!(of_kind(&objects, Kind::NetworkPolicy).len(), 38);
    assert_eq!(objects.iter().filter(|object| is_workload(object.key.kind)).count(), 60);
}

#[test]
fn each_namespace_has_its_share() {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for object in Demo::Shop.objects() {
        let count = counts.entry(object.key.namespace.to_string()).or_default();
        match object.key.kind {
            kind if is_workload(kind) => count[0] += 1,
            Kind::Pod => count[1] += 1,
            Kind::NetworkPolicy => count[2] += 1,
            _ => {}
        }
    }
    counts.remove("");
    let expected = [
        ("batch", [8, 24, 1]),
        ("catalog", [5, 18, 0]),
        ("data", [4, 12, 6]),
        ("identity", [4, 9, 5]),
        ("ingress-nginx", [2, 4, 0]),
        ("kube-system", [8, 31, 0]),
        ("monitoring", [6, 19, 0]),
        ("orders", [6, 21, 7]),
        ("payments", [3, 12, 8]),
        ("shop", [14, 64, 11]),
    ];
    assert_eq!(counts, expected.into_iter().map(|(namespace, count)| (namespace.to_owned(), count)).collect());
}

#[test]
fn the_manifests_are_read_without_a_warning() {
    for demo in Demo::ALL {
        assert_eq!(demo.manifests().1, []);
        let folder = format!("{}/../assets/{}", env!("CARGO_MANIFEST_DIR"), demo.folder());
        let on_disk: BTreeSet<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let embedded: BTreeSet<String> = demo.files().iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(embedded, on_disk, "every file of the folder is embedded");
    }
}

#[test]
fn it_is_the_same_every_time_and_no_key_is_there_twice() {
    let objects = Demo::Shop.objects();
    assert_eq!(objects, Demo::Shop.objects());
    let mut keys = HashSet::new();
    for object in &objects {
        assert!(keys.insert(&object.key), "{} is there twice", object.key);
    }
}

/// Every object has the fields of its type and no others: what is read and written again is all still there.
#[test]
fn every_object_is_one_of_its_type() {
    for object in Demo::Shop.objects() {
        let check = match object.key.kind {
            Kind::Namespace => round_trip::<core::Namespace>,
            Kind::Deployment => round_trip::<apps::Deployment>,
            Kind::StatefulSet => round_trip::<apps::StatefulSet>,
            Kind::DaemonSet => round_trip::<apps::DaemonSet>,
            Kind::ReplicaSet => round_trip::<apps::ReplicaSet>,
            Kind::CronJob => round_trip::<batch::CronJob>,
            Kind::Job => round_trip::<batch::Job>,
            Kind::Pod => round_trip::<core::Pod>,
            Kind::Service => round_trip::<core::Service>,
            Kind::EndpointSlice => round_trip::<discovery::EndpointSlice>,
            Kind::IngressClass => round_trip::<networking::IngressClass>,
            Kind::Ingress => round_trip::<networking::Ingress>,
            Kind::NetworkPolicy => round_trip::<networking::NetworkPolicy>,
            kind => panic!("the demo has no {}", kind.name()),
        };
        assert_contains(&check(&object), &object.raw, &object.key.to_string());
    }
}

fn round_trip<T: DeserializeOwned + Serialize>(object: &Object) -> Value {
    let typed = T::deserialize(&*object.raw).unwrap_or_else(|error| panic!("{}: {error}", object.key));
    serde_json::to_value(typed).unwrap()
}

fn assert_contains(typed: &Value, raw: &Value, place: &str) {
    match (typed, raw) {
        (Value::Object(typed), Value::Object(raw)) => {
            for (name, value) in raw {
                match typed.get(name) {
                    Some(typed) => assert_contains(typed, value, &format!("{place} {name}")),
                    // Empty values may be left out.
                    None => assert!(
                        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty),
                        "{place}: {name} is no field of the type"
                    ),
                }
            }
        }
        (Value::Array(typed), Value::Array(raw)) => {
            assert_eq!(typed.len(), raw.len(), "{place}");
            for (index, (typed, raw)) in typed.iter().zip(raw).enumerate() {
                assert_contains(typed, raw, &format!("{place} {index}"));
            }
        }
        _ => assert_eq!(typed, raw, "{place}"),
    }
}

#[test]
fn pods_have_owners_labels_and_addresses_of_their_own() {
    let objects = Demo::Shop.objects();
    let mut addresses = HashSet::new();
    for pod in of_kind(&objects, Kind::Pod) {
        let reference = &pod.raw["metadata"]["ownerReferences"][0];
        let owner = objects
            .iter()
            .find(|object| {
                reference["kind"] == object.key.kind.name()
                    && reference["name"] == *object.key.name
                    && object.key.namespace == pod.key.namespace
            })
            .unwrap_or_else(|| panic!("{} has no owner", pod.key));
        if owner.key.kind != Kind::Job {
            for (label, value) in owner.raw["spec"]["selector"]["matchLabels"].as_object().unwrap() {
                assert_eq!(&pod.raw["metadata"]["labels"][label], value, "{} has the label {label} that its owner selects", pod.key);
            }
        }
        let address = pod.raw["status"]["podIP"].as_str().unwrap();
        if pod.raw["spec"]["hostNetwork"] == true {
            assert_eq!(address, pod.raw["status"]["hostIP"]);
        } else {
            assert!(address.starts_with("10.244."));
            assert!(addresses.insert(address), "{address} is there twice");
        }
        assert!(pod.key.name.len() <= 63);
    }
}

#[test]
fn services_lead_to_ready_pods_except_where_the_demo_means_otherwise() {
    let objects = Demo::Shop.objects();
    let slices = of_kind(&objects, Kind::EndpointSlice);
    let mut without = Vec::new();
    let mut cluster_addresses = HashSet::new();
    for service in of_kind(&objects, Kind::Service) {
        if let Some(address) = service.raw["spec"]["clusterIP"].as_str().filter(|address| *address != "None") {
            assert!(address.starts_with("10.96.") && cluster_addresses.insert(address), "{address}");
        }
        let belongs = |slice: &&&Object| {
            slice.key.namespace == service.key.namespace
                && slice.raw["metadata"]["labels"]["kubernetes.io/service-name"] == *service.key.name
        };
        let endpoints: usize = slices
            .iter()
            .filter(belongs)
            .flat_map(|slice| slice.raw["endpoints"].as_array().unwrap())
            .filter(|endpoint| endpoint["conditions"]["ready"] == true)
            .count();
        if endpoints == 0 {
            without.push(service.key.path());
        }
        for slice in slices.iter().filter(belongs).filter(|slice| !slice.raw["endpoints"].as_array().unwrap().is_empty()) {
            let names = |ports: &Value| ports.as_array().map(|ports| ports.iter().map(|port| port["name"].clone()).collect::<Vec<_>>());
            assert_eq!(names(&slice.raw["ports"]), names(&service.raw["spec"]["ports"]), "{} resolves every port", service.key);
        }
    }
    assert_eq!(without, ["payments/gateway", "shop/web-canary"]);
}

#[test]
fn one_pod_is_not_ready_and_its_endpoint_says_so() {
    let objects = Demo::Shop.objects();
    let is_ready = |pod: &&&Object| pod.raw["status"]["conditions"][0]["status"] == "True";
    let running = of_kind(&objects, Kind::Pod).into_iter().filter(|pod| pod.raw["status"]["phase"] == "Running").collect::<Vec<_>>();
    let not_ready: Vec<_> = running.iter().filter(|pod| !is_ready(pod)).map(|pod| &pod.key).collect();
    assert_eq!(not_ready.len(), 1);
    let slices = of_kind(&objects, Kind::EndpointSlice);
    let endpoint = slices
        .iter()
        .flat_map(|slice| slice.raw["endpoints"].as_array().unwrap())
        .find(|endpoint| endpoint["targetRef"]["name"] == *not_ready[0].name);
    assert_eq!(endpoint.unwrap()["conditions"]["ready"], false);
}

#[test]
fn ingresses_name_services_and_ports_that_exist() {
    let objects = Demo::Shop.objects();
    let services = of_kind(&objects, Kind::Service);
    let mut hosts = BTreeSet::new();
    for ingress in of_kind(&objects, Kind::Ingress) {
        for rule in ingress.raw["spec"]["rules"].as_array().unwrap() {
            hosts.insert(rule["host"].as_str().unwrap().to_owned());
            for path in rule["http"]["paths"].as_array().unwrap() {
                let backend = &path["backend"]["service"];
                let service = services
                    .iter()
                    .find(|service| service.key.namespace == ingress.key.namespace && backend["name"] == *service.key.name)
                    .unwrap_or_else(|| panic!("{}: no Service {}", ingress.key, backend["name"]));
                let ports = service.raw["spec"]["ports"].as_array().unwrap();
                let has_port = ports.iter().any(|port| {
                    backend["port"].get("name").is_some_and(|name| *name == port["name"])
                        || backend["port"].get("number").is_some_and(|number| *number == port["port"])
                });
                assert!(has_port, "{}: Service {} has no such port", ingress.key, backend["name"]);
            }
        }
    }
    let expected = [
        "admin.shop.example",
        "api.shop.example",
        "grafana.example",
        "img.shop.example",
        "login.example",
        "old.example",
        "pay.example",
        "shop.example",
    ];
    assert_eq!(hosts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// Policies that select nothing, and labels that nothing bears, are there only where the demo's story needs them.
#[test]
fn the_story_is_in_two_policies() {
    let objects = Demo::Shop.objects();
    let policy = |path: &str| {
        let found = of_kind(&objects, Kind::NetworkPolicy).into_iter().find(|policy| policy.key.path() == path);
        found.unwrap_or_else(|| panic!("no policy {path}"))
    };
    let open = &policy("payments/debug-2024").raw["spec"];
    assert_eq!(open["podSelector"], serde_json::json!({}));
    assert_eq!(open["egress"], serde_json::json!([{ "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] } }] }]));

    let kept_out = &policy("shop/legacy-access").raw["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"];
    assert_eq!(*kept_out, serde_json::json!({ "network-zone": "edge" }));
    assert!(of_kind(&objects, Kind::Namespace).iter().all(|namespace| namespace.raw["metadata"]["labels"].get("network-zone").is_none()));
}

/// Each way in of the second demo that breaks does so at another hop, and the sites that work do.
#[test]
fn the_ferry_has_one_way_in_of_every_kind_that_can_break() {
    let mut host = portolan_core::analysis::Host::new(portolan_core::assumptions::Assumptions::default(), false);
    host.apply(Demo::Ferry.objects().iter().map(portolan_core::snapshot::Change::apply));
    let analysis = host.analysis();
    let mut broken: Vec<(String, String)> = Vec::new();
    for path in analysis.entry_paths().iter().filter(|path| path.verdict == portolan_core::peer::Verdict::Denied) {
        let hop = path.deciding_hop().expect("a denied way has a hop that decides");
        let object = hop.object.as_ref().expect("it names the object to mend");
        broken.push((hop.kind.to_owned(), format!("{} {}{}", object.kind.name(), object.path(), hop.pointer)));
    }
    broken.sort();
    let pod = broken.iter().position(|(_, object)| object.starts_with("Pod tickets/map-")).expect("a pod is not ready");
    broken[pod].1 = "Pod tickets/map".to_owned();
    let expected = [
        ("attach", "Gateway edge/public/spec/listeners/0/allowedRoutes"),
        ("class", "GatewayClass tide/status/conditions"),
        ("class", "Ingress tickets/old-site/spec/ingressClassName"),
        ("endpoints", "Pod tickets/map"),
        ("endpoints", "Service tickets/search/spec/selector"),
        ("listener", "HTTPRoute tickets/harbour/spec/hostnames"),
        ("policy", "NetworkPolicy tickets/api-from-web/spec/ingress"),
        ("port", "Ingress tickets/services/spec/rules/0/http/paths/2/backend"),
        ("port", "Ingress tickets/services/spec/rules/0/http/paths/3/backend"),
        ("reference", "HTTPRoute tickets/prices/spec/rules/0/backendRefs/0"),
        ("service", "Ingress tickets/services/spec/rules/0/http/paths/1/backend"),
        ("shadow", "HTTPRoute tickets/web-old/spec/rules/0/matches/0"),
    ];
    let broken: Vec<(&str, &str)> = broken.iter().map(|(kind, object)| (kind.as_str(), object.as_str())).collect();
    assert_eq!(broken, expected);
}

fn analysis(demo: Demo) -> std::sync::Arc<portolan_core::analysis::Analysis> {
    use portolan_core::assumptions::{Settled, detect};
    let mut host = portolan_core::analysis::Host::new(portolan_core::assumptions::Assumptions::default(), false);
    host.apply(demo.objects().iter().map(portolan_core::snapshot::Change::apply));
    let detected = detect(host.snapshot());
    host.assume(Settled::default().assumptions(detected.as_ref()));
    host.analysis()
}

fn verdict(analysis: &portolan_core::analysis::Analysis, from: &str, to: &str, port: &str) -> (String, Vec<String>) {
    let end = |text: &str| analysis.endpoint(text).unwrap_or_else(|error| panic!("{error}"));
    let port = portolan_core::analysis::PortQuery::parse(port).unwrap();
    let trace = analysis.trace(&end(from), &end(to), Some(&port));
    (trace.verdict.to_string(), trace.hops.into_iter().filter(|hop| hop.kind == "egress-route").map(|hop| hop.sentence).collect())
}

/// The bank's payments reach the payment gateway by name and nothing else outside, through a gateway of their own.
#[test]
fn the_banks_payments_reach_one_domain_and_nothing_else() {
    let bank = analysis(Demo::Bank);
    let ask = |from: &str, to: &str, port: &str| verdict(&bank, from, to, port);
    let api = "payments/deploy/payments-api";
    let (answer, routes) = ask(api, "domain:api.payments.example", "443/TCP");
    assert_eq!((answer.as_str(), routes), ("allowed", vec!["partners leads through node worker-5 as 203.0.113.10".to_owned()]));
    for (to, port) in [
        ("domain:api.payments.example", "80/TCP"),
        ("domain:www.payments.example", "443/TCP"),
        ("domain:example.com", "443/TCP"),
        ("8.8.8.8", "53/UDP"),
        ("reports/deploy/exporter", "443/TCP"),
    ] {
        assert_eq!(ask(api, to, port).0, "denied", "{to} {port}");
    }
    for own in ["payments/deploy/reconciler", "payments/sts/ledger"] {
        assert_eq!(ask(own, "domain:api.payments.example", "443/TCP").0, "denied", "{own}");
    }
    let listed = bank.connections(portolan_core::analysis::Unit::Workload);
    let outside: Vec<String> = listed
        .iter()
        .filter(|row| row.from.namespace() == Some("payments") && row.to.namespace().is_none())
        .map(|row| format!("{} {}", row.to, row.ports))
        .collect();
    assert_eq!(outside, ["api.payments.example 443/TCP"]);

    let exporter = "reports/deploy/exporter";
    assert_eq!(ask(exporter, "8.8.8.8", "443/TCP").0, "allowed");
    for denied in ["169.254.169.254", "10.99.1.1", "10.98.17.1"] {
        assert_eq!(ask(exporter, denied, "443/TCP").0, "denied", "{denied}");
    }
    assert_eq!(ask("web/deploy/site", "accounts/deploy/statements", "8080/TCP").0, "depends", "on the request");
    assert_eq!(ask("accounts/deploy/statements", "entity:kube-apiserver", "6443/TCP").0, "allowed");
    let warnings = bank.warnings();
    let warned: Vec<(&str, &str)> = warnings.iter().map(|warning| (warning.object.as_str(), warning.pointer.as_str())).collect();
    assert_eq!(warned, [("cilium.io/v2 CiliumNetworkPolicy reports/mailer", "/spec/egress/0/toFQDNs/0")], "it cannot look the name up");
}

/// The clinic's firewalls are asked in order, and its projects leave as addresses of their own.
#[test]
fn the_clinics_projects_leave_where_and_as_what_they_should() {
    let clinic = analysis(Demo::Clinic);
    let ask = |from: &str, to: &str, port: &str| verdict(&clinic, from, to, port);
    for (to, port, expected) in [
        ("domain:api.insurer.example", "443/TCP", "allowed"),
        ("198.51.100.10", "25/TCP", "allowed"),
        ("198.51.100.70", "25/TCP", "denied"),
        ("192.0.2.1", "25/TCP", "denied"),
        ("lab/deploy/importer", "25/TCP", "allowed"),
    ] {
        assert_eq!(ask("portal/deploy/web", to, port).0, expected, "{to} {port}");
    }
    let (answer, routes) = ask("records/deploy/records-api", "domain:exchange.health.example", "443/TCP");
    assert_eq!((answer.as_str(), routes.len()), ("allowed", 1));
    assert!(routes[0].starts_with("authority lets pods leave through node worker-5 or node worker-6 as 203.0.113.20 or 203.0.113.21"));
    let (_, routes) = ask("lab/deploy/results", "192.0.2.1", "443/TCP");
    assert_eq!(routes, ["pods behind Service lab/results leave through node worker-6 as 203.0.113.30"]);
    assert_eq!(ask("lab/deploy/importer", "192.0.2.1", "443/TCP").1, [""; 0], "from its own node");
    let routes: Vec<_> = clinic.entry_paths().iter().filter(|path| path.object.kind == Kind::OpenShiftRoute).collect();
    assert!(routes.len() >= 3 && routes.iter().all(|path| path.verdict == portolan_core::peer::Verdict::Allowed));
    assert_eq!(clinic.warnings(), []);
}
