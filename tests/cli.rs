//! The command line: what each subcommand prints, in which fields, and what it says when it cannot.

use std::path::{Path, PathBuf};

use portolan_tests::command_line::{portolan, portolan_error, portolan_json, portolan_to_the_end};
use serde_json::{Value, json};

#[path = "cli/asking.rs"]
mod asking;
#[path = "cli/picturing.rs"]
mod picturing;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/requesting.rs"]
mod requesting;

/// The manifests of the demo, as a team keeps them.
fn demo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("assets/demo")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The names of an object's fields, in order.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value} has fields")).keys().map(String::as_str).collect()
}

fn array<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("{field} of {value} is a list"))
}

const ASSUMPTIONS: [&str; 7] = [
    "ip-block-selects-pods",
    "networks-select-pods",
    "host-network-pods",
    "self-traffic",
    "finished-pods",
    "unknown-pod-addresses",
    "mesh-outbound",
];

#[test]
fn connections_have_the_fields_of_their_schema() {
    let answer = portolan_json(&["--demo", "connections", "-o", "json"]);
    assert_eq!(fields(&answer), ["schema", "profile", "detected", "assumptions", "unit", "connections", "warnings"]);
    assert_eq!(
        (&answer["schema"], &answer["profile"], &answer["unit"]),
        (&json!("portolan.connections/v1"), &json!("upstream"), &json!("workload"))
    );
    assert_eq!(fields(&answer["assumptions"]), ASSUMPTIONS);
    assert_eq!(answer["warnings"], json!([]));
    let connections = array(&answer, "connections");
    assert!(connections.len() > 500);
    for row in connections {
        assert_ne!(row["from"], row["to"], "a peer with itself is left out");
        for peer in [&row["from"], &row["to"]] {
            match peer["kind"].as_str() {
                Some("workload") => assert_eq!(fields(peer), ["kind", "namespace", "name", "workload"]),
                Some("range") => assert_eq!(fields(peer), ["kind", "first", "last"]),
                kind => panic!("no such peer between workloads: {kind:?}"),
            }
        }
        for ranges in row["ports"].as_object().unwrap().values() {
            for range in ranges.as_array().unwrap() {
                assert!(range[0].as_u64() <= range[1].as_u64() && range[1].as_u64() <= Some(65535), "{range}");
            }
        }
        assert!(row.get("depends").is_none_or(Value::is_array));
    }
    let db = json!({"kind": "workload", "namespace": "data", "name": "payments-db", "workload": "StatefulSet"});
    let api = json!({"kind": "workload", "namespace": "payments", "name": "payments-api", "workload": "Deployment"});
    let row = connections.iter().find(|row| row["from"] == api && row["to"] == db).expect("the API reaches its database");
    assert_eq!(row["ports"], json!({"TCP": [[5432, 5432]]}));
}

/// Ranges are disjoint, and those that a peer may reach on any port are the whole of IPv4 where nothing keeps it in.
#[test]
fn the_ranges_of_a_peer_are_disjoint_and_whole() {
    let answer = portolan_json(&["--demo", "connections", "-o", "json"]);
    let queue = json!({"kind": "workload", "namespace": "batch", "name": "queue", "workload": "StatefulSet"});
    let number = |value: &Value| u64::from(value.as_str().unwrap().parse::<std::net::Ipv4Addr>().unwrap().to_bits());
    let rows = array(&answer, "connections").iter().filter(|row| row["from"] == queue && row["to"]["kind"] == "range");
    let mut ranges: Vec<(u64, u64)> = rows.map(|row| (number(&row["to"]["first"]), number(&row["to"]["last"]))).collect();
    ranges.sort_unstable();
    let mut next = 0;
    for (first, last) in ranges {
        assert_eq!(first, next, "nothing is left out and nothing is there twice");
        next = last + 1;
    }
    assert_eq!(next, 1 << 32);
}

#[test]
fn connections_of_pods_and_as_lines() {
    let pods = portolan_json(&["--demo", "connections", "--unit", "pod", "-o", "json"]);
    assert_eq!(pods["unit"], "pod");
    let pod = array(&pods, "connections").iter().map(|row| &row["from"]).find(|peer| peer["kind"] == "pod").expect("pods are peers");
    assert_eq!(fields(pod), ["kind", "namespace", "name"]);

    let lines = portolan(&["--demo", "connections"]).unwrap();
    let line = lines.lines().find(|line| line.starts_with("payments/payments-api[Deployment]") && line.contains("-> data/payments-db["));
    assert_eq!(line.map(|line| line.split_whitespace().last()), Some(Some("5432/TCP")));
    let columns: Vec<Option<usize>> = lines.lines().map(|line| line.find("-> ")).collect();
    assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "the columns line up");
}

#[test]
fn paths_have_a_verdict_at_every_hop() {
    let answer = portolan_json(&["--demo", "paths", "-o", "json"]);
    assert_eq!(fields(&answer), ["schema", "profile", "detected", "assumptions", "paths", "warnings"]);
    assert_eq!(answer["schema"], "portolan.paths/v1");
    let old = array(&answer, "paths").iter().find(|path| path["host"] == "old.example").expect("the dead path is listed");
    assert_eq!((&old["verdict"], &old["title"], &old["tls"]), (&json!("denied"), &json!("https://old.example/"), &json!(true)));
    let hops = array(old, "hops");
    assert_eq!(
        hops.iter().map(|hop| hop["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["load-balancer", "class", "controller", "rule", "service", "policy"]
    );
    for hop in hops {
        assert!(["allowed", "denied", "depends"].contains(&hop["verdict"].as_str().unwrap()), "{hop}");
        assert!(!hop["sentence"].as_str().unwrap().is_empty());
    }
    assert_eq!(hops.iter().filter(|hop| hop["verdict"] == "denied").count(), 1);
    assert_eq!(hops[5]["object"]["kind"], "NetworkPolicy");

    let lines = portolan(&["--demo", "paths"]).unwrap();
    assert!(lines.contains("https://old.example/: denied\n") && lines.contains("\n  x policy: policies keep "), "{lines}");
}

#[test]
fn a_difference_names_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(demo_folder()).unwrap() {
        let file = file.unwrap().path();
        let mut content = std::fs::read_to_string(&file).unwrap();
        if file.ends_with("payments-policies.yaml") {
            // The way out is the last rule of the file.
            let way_out = content.rfind("  egress:\n").unwrap();
            content.replace_range(way_out.., "  egress: []\n");
        }
        let content = content.replace("          network-zone: edge\n", "          kubernetes.io/metadata.name: ingress-nginx\n");
        std::fs::write(folder.path().join(file.file_name().unwrap()), content).unwrap();
    }
    let demo = demo_folder();
    let answer = portolan_json(&["diff", text(&demo), text(folder.path()), "-o", "json"]);
    assert_eq!(fields(&answer), ["schema", "profile", "detected", "assumptions", "added", "removed", "changed", "paths", "warnings"]);
    assert_eq!(answer["schema"], "portolan.diff/v1");
    let removed = array(&answer, "removed");
    assert!(removed.iter().any(|row| row["from"]["name"] == "payments-api" && row["to"]["kind"] == "range"));
    for row in removed {
        assert_eq!(fields(row), ["from", "to", "before", "after"]);
        assert_ne!(row["before"], row["after"]);
    }
    let paths = array(&answer, "paths");
    assert!(paths.iter().any(|path| path["path"] == "https://old.example/" && path["after"] == "allowed"), "{paths:?}");

    let lines = portolan(&["diff", text(&demo), text(folder.path())]).unwrap();
    assert!(lines.lines().any(|line| line.starts_with("- removed") && line.contains("payments/payments-api")), "{lines}");
    assert!(lines.contains("https://old.example/: denied, now allowed"), "{lines}");
    assert_eq!(portolan(&["diff", text(&demo), text(&demo)]).unwrap(), "no difference\n");
    let misplaced = portolan_error(&["--demo", "diff", text(&demo), text(&demo)]);
    assert!(misplaced.contains("have no place here"), "{misplaced}");
}

#[test]
fn assumptions_are_settled_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let pod = |name: &str, address: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
            "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running", "podIPs": [{"ip": address}]}
        })
    };
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "by-address", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}
    });
    let file = folder.path().join("all.yaml");
    std::fs::write(&file, format!("{}\n---\n{}\n---\n{policy}\n", pod("web", "10.1.0.1"), pod("db", "10.1.0.2"))).unwrap();
    let verdict = |setting: &str| {
        let question = ["trace", "--from", "shop/web", "--to", "shop/db", "-o", "json"];
        let mut arguments = vec!["--manifests", text(&file), "--assume", setting];
        arguments.extend(question);
        portolan_json(&arguments)["verdict"].clone()
    };
    assert_eq!(verdict("ip-block-selects-pods=yes"), "allowed");
    assert_eq!(verdict("ip-block-selects-pods=no"), "denied");
    assert_eq!(verdict("ip-block-selects-pods=unsettled"), "depends");
    let settled = portolan_json(&["--demo", "--assume", "ip-block-selects-pods=no", "connections", "-o", "json"]);
    assert_eq!(settled["assumptions"]["ip-block-selects-pods"], "no");
    let cilium = portolan_json(&["--demo", "--profile", "cilium", "connections", "-o", "json"]);
    assert_eq!((&cilium["profile"], &cilium["assumptions"]["ip-block-selects-pods"]), (&json!("cilium"), &json!("no")));

    // The demo's plugin is found, and has no profile of its own.
    assert_eq!(settled["detected"], "kube-router (DaemonSet kube-system/kube-router)");

    let unknown = portolan_error(&["--demo", "--assume", "nonsense=yes", "connections"]);
    assert!(unknown.contains("\"nonsense\"") && ASSUMPTIONS.iter().all(|name| unknown.contains(name)), "{unknown}");
    let value = portolan_error(&["--demo", "--assume", "ip-block-selects-pods=maybe", "connections"]);
    assert!(value.contains("\"maybe\"") && value.contains("yes, no, unsettled"), "{value}");
    let no_value = portolan_error(&["--demo", "--assume", "self-traffic", "connections"]);
    assert!(no_value.contains("NAME=VALUE"), "{no_value}");
    let profile = portolan_error(&["--demo", "--profile", "nobody", "connections"]);
    assert!(profile.contains("nobody") && profile.contains("ovn-kubernetes"), "{profile}");
}

/// A cluster, or manifests that bring their plugin, say which profile is meant, unless a person does.
#[test]
fn the_profile_is_detected_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, objects: &[Value]| {
        let file = folder.path().join(name);
        let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
        std::fs::write(&file, text.join("\n---\n")).unwrap();
        file
    };
    let labels = json!({"k8s-app": "cilium"});
    let cilium = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"hostNetwork": true, "containers": [{"name": "agent"}]}}}
    });
    let web = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running", "podIPs": [{"ip": "10.1.0.1"}]}
    });
    let (without, with) = (write("without.yaml", std::slice::from_ref(&web)), write("with.yaml", &[web, cilium]));
    let evidence = "Cilium (DaemonSet kube-system/cilium)";

    let answer = |file: &Path, more: &[&str]| {
        let mut arguments = vec!["--manifests", text(file)];
        arguments.extend(more);
        arguments.extend(["-o", "json"]);
        portolan_json(&arguments)
    };
    let trace = ["trace", "--from", "shop/web", "--to", "1.1.1.1"];
    for subcommand in [&["connections"][..], &["paths"], &trace] {
        let found = answer(&with, subcommand);
        assert_eq!((&found["profile"], &found["detected"]), (&json!("cilium"), &json!(evidence)), "{subcommand:?}");
        let none = answer(&without, subcommand);
        assert_eq!((&none["profile"], &none["detected"]), (&json!("upstream"), &Value::Null), "{subcommand:?}");
        let mut given = vec!["--profile", "calico"];
        given.extend(subcommand);
        let given = answer(&with, &given);
        assert_eq!((&given["profile"], &given["detected"]), (&json!("calico"), &json!(evidence)), "a person's word comes first");
    }
    let settled = answer(&with, &["--assume", "ip-block-selects-pods=yes", "connections"]);
    assert_eq!((&settled["profile"], &settled["assumptions"]["ip-block-selects-pods"]), (&json!("cilium"), &json!("yes")));

    // Both sides of a difference are answered alike.
    for (before, after) in [(&without, &with), (&with, &without)] {
        let answer = portolan_json(&["diff", text(before), text(after), "-o", "json"]);
        assert_eq!((&answer["profile"], &answer["detected"]), (&json!("cilium"), &json!(evidence)));
    }
}

#[test]
fn what_is_wrong_with_manifests_is_told() {
    let missing = portolan_error(&["--manifests", "/no/such/folder", "connections"]);
    assert!(missing.contains("/no/such/folder"), "{missing}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.yaml");
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "odd", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"form": []}]}
    });
    std::fs::write(&file, format!("{policy}\n---\nmetadata: [\n")).unwrap();
    let answer = portolan_json(&["--manifests", text(&file), "connections", "-o", "json"]);
    let warnings = array(&answer, "warnings");
    for warning in warnings {
        assert_eq!(fields(warning), ["object", "pointer", "message"]);
    }
    let has = |object: &str, pointer: &str| {
        warnings.iter().any(|row| row["object"].as_str().unwrap().contains(object) && row["pointer"].as_str().unwrap().starts_with(pointer))
    };
    assert!(has("networking.k8s.io/v1 NetworkPolicy shop/odd", "/spec/ingress/0"), "{warnings:?}");
    assert!(has("policies.yaml", ""), "{warnings:?}");
    assert!(portolan_error(&["--demo", "--apply", "/no/such/edit.yaml", "connections"]).contains("/no/such/edit.yaml"));
    let both = portolan_error(&["--demo", "--manifests", text(&file), "connections"]);
    assert!(both.contains("cannot be used with"), "{both}");
}

/// `--exposure` adds a list, and changes nothing else.
#[test]
fn exposure_has_the_fields_of_its_schema() {
    let plain = portolan_json(&["--demo", "connections", "-o", "json"]);
    let answer = portolan_json(&["--demo", "connections", "--exposure", "-o", "json"]);
    assert_eq!(fields(&answer), ["schema", "profile", "detected", "assumptions", "unit", "connections", "exposure", "warnings"]);
    assert_eq!(answer["connections"], plain["connections"]);
    let rows = array(&answer, "exposure");
    assert!(rows.len() > 20);
    let mut kinds = std::collections::BTreeSet::new();
    for row in rows {
        assert_eq!(fields(row), ["unit", "direction", "protected", "openings"]);
        for opening in array(row, "openings") {
            let known = ["peer", "ports", "named", "depends", "except"];
            assert!(fields(opening).iter().all(|field| known.contains(field)), "{opening}");
            let peer = &opening["peer"];
            let kind = peer["kind"].as_str().unwrap();
            kinds.insert(kind);
            match kind {
                "cluster" => assert_eq!(fields(peer), ["kind"]),
                "range" => assert_eq!(fields(peer), ["kind", "first", "last"]),
                "pods" => {
                    assert!(peer["namespace"].is_string() || peer["namespaces"].is_array(), "{peer}");
                    for requirement in array(peer, "pods") {
                        assert!(["key", "operator", "values"].starts_with(&fields(requirement)), "{requirement}");
                    }
                }
                kind => panic!("no such peer: {kind}"),
            }
        }
        // What no policy selects is open to everybody.
        assert!(row["protected"] == true || array(row, "openings")[0]["peer"] == json!({"kind": "cluster"}), "{row}");
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["cluster", "pods", "range"]);
    let text = portolan(&["--demo", "connections", "--exposure"]).unwrap();
    let (_, exposed) = text.split_once("\nWhat could come:\n").expect("a part of its own");
    assert!(exposed.lines().any(|line| line.contains("  <- ")) && exposed.lines().any(|line| line.contains("  -> ")), "{exposed}");
}
