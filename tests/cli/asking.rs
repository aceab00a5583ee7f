//! `portolan trace`: one question, or many.

use super::*;

fn trace(from: &str, to: &str, port: Option<&str>) -> Value {
    let mut arguments = vec!["--demo", "trace", "--from", from, "--to", to, "-o", "json"];
    if let Some(port) = port {
        arguments.extend(["--port", port]);
    }
    portolan_json(&arguments)
}

/// A pod of a workload, and its address.
fn pod_of(namespace: &str, workload: &str) -> (String, String) {
    let objects = portolan::source::demo::Demo::Shop.objects();
    let is_it = |object: &&portolan_core::Object| {
        object.key.kind == portolan_core::Kind::Pod && object.key.namespace == namespace && object.key.name.starts_with(workload)
    };
    let pod = objects.iter().find(is_it).unwrap();
    (pod.key.path(), pod.raw["status"]["podIP"].as_str().unwrap().to_owned())
}

#[test]
fn every_way_to_name_an_end() {
    let (pod, address) = pod_of("payments", "payments-api");
    for (from, to, port, verdict) in [
        (pod.as_str(), "data/sts/payments-db", Some("5432/TCP"), "allowed"),
        (address.as_str(), "data/sts/payments-db", Some("5432"), "allowed"),
        ("payments/payments-api", "data/payments-db", Some("5433"), "denied"),
        ("payments/deploy/payments-api", "data/svc/payments-db", Some("5432"), "allowed"),
        ("shop/deployment/checkout", "payments/svc/payments-api", Some("https"), "allowed"),
        ("shop/deploy/web", "shop/deploy/cart", Some("http"), "allowed"),
        ("shop/deploy/cart", "1.1.1.1", Some("443"), "denied"),
        ("payments/deploy/payments-api", "1.1.1.1", Some("443"), "allowed"),
        ("catalog/deploy/catalog-api", "domain:api.payments.example", Some("443"), "allowed"),
        ("orders/deploy/orders-api", "data/sts/payments-db", None, "denied"),
        ("outside", "shop/svc/web", Some("80"), "denied"),
        ("outside", "catalog/deploy/catalog-api", None, "allowed"),
    ] {
        assert_eq!(trace(from, to, port)["verdict"], verdict, "{from} to {to} on {port:?}");
    }
}

#[test]
fn a_trace_has_the_fields_of_its_schema() {
    let answer = trace("payments/deploy/payments-api", "data/sts/payments-db", Some("5432"));
    for field in ["schema", "verdict", "egress", "ingress", "hops", "depends"] {
        assert!(answer.get(field).is_some(), "{field} is missing: {answer}");
    }
    assert_eq!((&answer["schema"], &answer["port"], &answer["depends"]), (&json!("portolan.trace/v1"), &json!("5432/TCP"), &json!([])));
    for side in ["egress", "ingress"] {
        assert_eq!(answer[side]["verdict"], "allowed");
        for reason in array(&answer[side], "reasons") {
            assert_eq!(fields(reason), ["plane", "tier", "decision", "object", "pointer", "sentence"]);
            assert_eq!(fields(&reason["object"]), ["apiVersion", "kind", "namespace", "name"]);
        }
    }
    let reason = &answer["egress"]["reasons"][0];
    assert_eq!((&reason["object"]["name"], &reason["pointer"]), (&json!("allow-db"), &json!("/spec/egress/0")));
    let through = trace("shop/deploy/checkout", "payments/svc/payments-api", Some("443"));
    assert_eq!(through["hops"][0]["kind"], "service");
}

/// Without the open way out, a domain's address is anybody's guess.
#[test]
fn what_cannot_be_known_depends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gone.yaml");
    let policy =
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "debug-2024", "namespace": "payments"}});
    std::fs::write(&file, policy.to_string()).unwrap();
    let question = ["--from", "payments/deploy/payments-api", "--to", "domain:api.payments.example", "--port", "443"];
    let mut arguments = vec!["--demo", "--delete", text(&file), "trace"];
    arguments.extend(question);
    let lines = portolan(&arguments).unwrap();
    assert!(lines.starts_with("payments/payments-api -> api.payments.example on 443/TCP: depends\n  depends on "), "{lines}");
    arguments.extend(["-o", "json"]);
    let answer = portolan_json(&arguments);
    assert_eq!(answer["verdict"], "depends");
    assert!(!array(&answer, "depends").is_empty());
}

#[test]
fn a_trace_as_lines() {
    let lines = portolan(&["--demo", "trace", "--from", "payments/payments-api", "--to", "data/payments-db"]).unwrap();
    assert!(lines.starts_with("payments/payments-api -> data/payments-db on any port: allowed\n"), "{lines}");
    assert!(lines.contains("\n  allowed ports: 5432/TCP\negress: allowed\n"), "{lines}");
    assert!(lines.contains("allow-db egress rule 1 allows 5432/TCP (networking.k8s.io/v1 NetworkPolicy payments/allow-db /spec/egress/0)"));
}

#[test]
fn what_is_not_there_is_named() {
    for (from, to, port, words) in [
        ("shop/nothing", "outside", None, vec!["\"nothing\"", "namespace \"shop\""]),
        ("nowhere/web", "outside", None, vec!["there is no such namespace"]),
        ("shop/gadget/web", "outside", None, vec!["\"gadget\"", "deploy, sts, ds"]),
        ("web", "outside", None, vec!["\"web\" names nothing", "domain:NAME"]),
        ("shop/web", "outside", Some("99999"), vec!["ports run from 1 to 65535"]),
        ("shop/web", "outside", Some("80/QUIC"), vec!["\"QUIC\"", "TCP, UDP, SCTP"]),
    ] {
        let mut arguments = vec!["--demo", "trace", "--from", from, "--to", to];
        arguments.extend(port.iter().flat_map(|port| ["--port", *port]));
        let error = portolan_error(&arguments);
        assert!(words.iter().all(|word| error.contains(word)), "{from}: {error}");
    }
    let half = portolan_error(&["--demo", "trace", "--from", "shop/web"]);
    assert!(half.contains("--to"), "{half}");
}

#[test]
fn queries_are_answered_in_order_and_a_bad_line_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("questions.jsonl");
    let good = "{\"from\": \"payments/payments-api\", \"to\": \"1.1.1.1\", \"port\": \"443\"}\n";
    let questions = "\
{\"from\": \"payments/payments-api\", \"to\": \"data/payments-db\", \"port\": \"5433\"}
{\"from\": \"payments/nobody\", \"to\": \"1.1.1.1\"}
this is no question

{\"from\": \"shop/web\", \"to\": \"shop/cart\", \"port\": \"99999\"}
{\"from\": \"shop/web\", \"to\": \"shop/cart\", \"ports\": \"80\"}
{\"from\": \"shop/web\"}
\u{ff}
{\"from\": \"shop/web\", \"to\": \"shop/cart\", \"port\": \"http\"}";
    let mut bytes = format!("{good}{questions}").into_bytes();
    // Not UTF-8 any more.
    let at = bytes.iter().position(|byte| *byte == 0xc3).unwrap();
    bytes.remove(at);
    std::fs::write(&file, bytes).unwrap();
    let (printed, result) = portolan_to_the_end(&["--demo", "trace", "--queries", text(&file)]).unwrap();
    let answers: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer["schema"] == "portolan.trace/v1"));
    let verdicts: Vec<Option<&str>> = answers.iter().map(|answer| answer["verdict"].as_str()).collect();
    assert_eq!(verdicts, [Some("allowed"), Some("denied"), None, None, None, None, None, None, Some("allowed")]);
    for (index, words) in [
        (2, "questions.jsonl line 3: there is no pod or workload \"nobody\""),
        (3, "questions.jsonl line 4: column "),
        (4, "questions.jsonl line 6: 99999 is not a port"),
        (5, "questions.jsonl line 7: column "),
        (6, "missing field `to`"),
        (7, "questions.jsonl line 9: column "),
    ] {
        let error = answers[index]["error"].as_str().unwrap();
        assert!(error.contains(words) && !answers[index].as_object().unwrap().contains_key("verdict"), "{error}");
    }
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with("6 of 9 queries of ") && error.ends_with("could not be answered"), "{error}");

    // The same question gets the same answer alone.
    assert_eq!(answers[1], trace("payments/payments-api", "data/payments-db", Some("5433")));
    std::fs::write(&file, good).unwrap();
    assert!(portolan(&["--demo", "trace", "--queries", text(&file)]).is_ok());
    let missing = portolan_error(&["--demo", "trace", "--queries", "/no/such/questions"]);
    assert!(missing.contains("/no/such/questions cannot be read"), "{missing}");
    let both = portolan_error(&["--demo", "trace", "--queries", text(&file), "--from", "outside"]);
    assert!(both.contains("cannot be used with"), "{both}");
}
