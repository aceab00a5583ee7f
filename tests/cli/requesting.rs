//! `portolan request`: how a request is put, and what is printed of its answer.

use super::*;

/// The request as it was understood.
fn understood(arguments: &[&str]) -> Value {
    let mut all = vec!["--demo", "request", "-o", "json"];
    all.extend(arguments);
    portolan_json(&all)["request"].clone()
}

fn refused(arguments: &[&str]) -> String {
    let mut all = vec!["--demo", "request"];
    all.extend(arguments);
    portolan_error(&all)
}

#[test]
fn an_answer_has_the_fields_of_its_schema() {
    let answer = portolan_json(&["--demo", "request", "--host", "shop.example", "--path", "/", "--tls", "-o", "json"]);
    assert_eq!(fields(&answer), ["schema", "profile", "detected", "assumptions", "request", "answers", "warnings"]);
    assert_eq!(answer["schema"], "portolan.request/v1");
    assert_eq!(fields(&answer["request"]), ["scheme", "host", "method", "path"]);
    for row in array(&answer, "answers") {
        for field in ["at", "verdict", "outcome", "hops"] {
            assert!(row.get(field).is_some(), "{field} is missing: {row}");
        }
        let kind = row["outcome"]["kind"].as_str().unwrap();
        assert!(["backends", "redirect", "status", "no-connection", "unknown"].contains(&kind), "{row}");
    }
}

#[test]
fn a_request_is_put_in_parts() {
    let plain = json!({"scheme": "http", "host": "shop.example", "method": "GET", "path": "/"});
    assert_eq!(understood(&["--host", "shop.example"]), plain);
    let full = json!({
        "scheme": "https", "host": "shop.example", "port": 8443, "method": "POST", "path": "/cart",
        "query": [["x", "1"], ["flag", ""]], "headers": [["Version", "one"], ["accept", "a=b"]]
    });
    let rest = ["--path", "/cart?x=1&flag", "--tls", "--method", "post", "--header", "Version=one", "--header", "accept=a=b"];
    for host in [&["--host", "shop.example:8443"][..], &["--host", "shop.example", "--port", "8443"]] {
        assert_eq!(understood(&[host, &rest].concat()), full);
    }
    let call = json!({
        "scheme": "http", "host": "echo.example", "method": "POST", "path": "/echo.Echo/Say", "headers": [["content-type", "application/grpc"]]
    });
    assert_eq!(understood(&["--grpc", "--host", "echo.example", "--path", "/echo.Echo/Say"]), call);
    for (host, name, port) in [("[2001:db8::1]:80", "2001:db8::1", json!(80)), ("2001:db8::1", "2001:db8::1", Value::Null)] {
        let request = understood(&["--host", host]);
        assert_eq!((&request["host"], request.get("port").unwrap_or(&Value::Null)), (&json!(name), &port));
    }
    let stream = understood(&["--protocol", "tls", "--host", "db.example"]);
    assert_eq!((&stream["scheme"], &stream["host"], &stream["path"]), (&json!("tls"), &json!("db.example"), &json!("")));
    let datagram = understood(&["--protocol", "udp", "--port", "53"]);
    assert_eq!((&datagram["scheme"], &datagram["port"]), (&json!("udp"), &json!(53)));
    assert_eq!(understood(&["--protocol", "tcp", "--gateway", "shop/public", "--listener", "db", "--port", "1"])["scheme"], "tcp");
}

#[test]
fn a_url_says_the_same_as_its_parts() {
    let parts = understood(&["--host", "shop.example", "--path", "/cart?x=1", "--tls", "--header", "a=b"]);
    assert_eq!(understood(&["https://shop.example/cart?x=1", "--header", "a=b"]), parts);
    assert_eq!(understood(&["HTTPS://Shop.Example/cart?x=1", "--header", "a=b"]), parts);
    let parts = understood(&["--host", "Shop.Example:81", "--path", "/a%20b?x=1%202"]);
    assert_eq!((understood(&["Shop.Example:81/a%20b?x=1%202"]), &parts["host"]), (parts.clone(), &json!("shop.example")));
    assert!(refused(&["https://"]).contains("https://"));
    assert!(refused(&["ftp://shop.example/"]).contains("ftp"));
}

#[test]
fn what_is_wrong_names_the_flag() {
    for (arguments, words) in [
        (&["--tls"][..], &["--host"][..]),
        (&["http://shop.example/", "--host", "shop.example"], &["URL", "--host"]),
        (&["http://shop.example/", "--tls"], &["URL", "--tls"]),
        (&["http://shop.example/", "--port", "80"], &["URL", "--port"]),
        (&["--host", "http://shop.example/"], &["--host", "http://shop.example/"]),
        (&["--host", "shop.example:http"], &["--host", "\"http\" is no port"]),
        (&["--host", "shop.example:0"], &["--host", "\"0\" is no port"]),
        (&["--host", "a:b:c"], &["--host", "a:b"]),
        (&["--host", "shop.example:80", "--port", "81"], &["--port 81", "--host shop.example:80"]),
        (&["--host", "shop.example", "--port", "0"], &["--port"]),
        (&["--host", "shop.example", "--port", "70000"], &["--port"]),
        (&["--host", "shop.example", "--path", "cart"], &["--path", "slash"]),
        (&["--host", "shop.example", "--path", "/cart#top"], &["--path", "#top"]),
        (&["--host", "shop.example", "--header", "Version"], &["--header", "\"Version\"", "equals sign"]),
        (&["--host", "shop.example", "--header", "a b=c"], &["--header", "\"a b\""]),
        (&["--host", "shop.example", "--header", "Host=other.example"], &["--header", "--host"]),
        (&["--host", "shop.example", "--method", "GET /"], &["--method", "\"GET /\""]),
        (&["--host", "shop.example", "--method", "PUT", "--grpc"], &["--method", "--grpc"]),
        (&["--host", "shop.example", "--gateway", "public"], &["--gateway", "NAMESPACE/NAME", "\"public\""]),
        (&["--host", "shop.example", "--gateway", "/public"], &["--gateway"]),
        (&["--host", "shop.example", "--gateway", "a/b/c"], &["--gateway"]),
        (&["--host", "shop.example", "--gateway", "a/b", "--ingress-class", "nginx"], &["--gateway", "--ingress-class"]),
        (&["--host", "shop.example", "--ingress-class", ""], &["--ingress-class"]),
        (&["--host", "shop.example", "--listener", "web"], &["--gateway"]),
        (&["--host", "shop.example", "--protocol", "sctp"], &["--protocol", "sctp", "udp"]),
        (&["--host", "shop.example", "--protocol", "tcp", "--tls"], &["--protocol", "--tls"]),
        (&["--host", "shop.example", "--protocol", "tcp"], &["--protocol tcp", "--port", "--listener"]),
        (&["--port", "443", "--protocol", "tls"], &["--protocol tls", "--host"]),
        (&["--protocol", "udp", "--port", "53", "--path", "/"], &["--path", "UDP"]),
        (&["--protocol", "tcp", "--port", "53", "--header", "a=b"], &["--header", "TCP"]),
        (&["--protocol", "tls", "--host", "db.example", "--method", "GET"], &["--method", "TLS"]),
        (&["--protocol", "tls", "--host", "db.example", "--grpc"], &["--grpc", "TLS"]),
    ] {
        let error = refused(arguments);
        assert!(words.iter().all(|word| error.contains(word)), "{arguments:?}: {error}");
    }
}

/// What is wrong with the arguments is said before anything is read.
#[test]
fn arguments_are_looked_at_first() {
    let error = portolan_error(&["--manifests", "/no/such/folder", "request", "--host", "shop.example", "--path", "cart"]);
    assert!(error.contains("--path") && !error.contains("/no/such/folder"), "{error}");
}

#[test]
fn the_first_line_says_what_was_asked() {
    let first = |arguments: &[&str]| {
        let mut all = vec!["--demo", "request"];
        all.extend(arguments);
        portolan(&all).unwrap().lines().next().unwrap_or_default().to_owned()
    };
    for (arguments, line) in [
        (&["--host", "shop.example"][..], "GET http://shop.example/"),
        (&["--host", "shop.example", "--tls", "--path", "/cart?x=1", "--header", "a=b"], "GET https://shop.example/cart?x=1, a: b"),
        (&["--path", "/", "--ingress-class", "nginx"], "GET http://*/, at Ingress class nginx"),
        (&["--host", "::1", "--port", "81"], "GET http://[::1]:81/"),
        (&["--protocol", "tls", "--host", "db.example"], "TLS to db.example"),
        (
            &["--protocol", "tcp", "--port", "5432", "--gateway", "shop/public", "--listener", "db"],
            "TCP to port 5432, at Gateway shop/public listener db",
        ),
    ] {
        assert_eq!(first(arguments), line);
    }
}

/// An answer for people has the outcome first, and then the hops as `paths` prints them.
#[test]
fn an_answer_reads_from_the_outcome_to_the_hops() {
    let lines = portolan(&["--demo", "request", "--host", "shop.example", "--path", "/", "--tls", "--ingress-class", "nginx"]).unwrap();
    let outcome = lines.lines().find(|line| line.starts_with("Ingress class nginx: ")).unwrap_or_else(|| panic!("{lines}"));
    assert!(outcome.contains(": 200 from Service shop/"), "{lines}");
    assert!(lines.contains("\n  by networking.k8s.io/v1 Ingress shop/") && lines.contains("\n  + class: "), "{lines}");

    let none = portolan(&["--demo", "request", "--host", "nobody.example", "--tls", "--ingress-class", "nginx"]).unwrap();
    assert!(none.contains("\nIngress class nginx: 404: "), "{none}");
}
