//! OpenShift's Routes: validation and defaulting as the API's `types.go` and its validation say.
//!
//! Invariant: certificates and keys within a Route enter nothing, neither a record nor a warning: they are taken away before anything
//! else reads the object, and such an object is not kept (see [`holds_certificates`]).

use std::borrow::Cow;

use serde_json::Value;
use smol_str::SmolStr;

use super::{Reader, created, host, unknown_fields};
use crate::record::{Admission, InsecurePolicy, OpenShiftRouteRecord, RouteTarget, RouteTls, ServicePortRef, Termination};

api_types! {
    struct Route {
        spec: Spec,
    }

    struct Spec {
        host: String,
        subdomain: Value,
        path: String,
        to: Target,
        alternate_backends: Vec<Target>,
        port: Port,
        tls: Tls,
        wildcard_policy: String,
        http_headers: Value,
    }

    struct Target {
        kind: String,
        name: String,
        weight: i64,
    }

    struct Port {
        target_port: Value,
    }

    /// What may hold certificates and keys is empty when it comes here.
    struct Tls {
        termination: String,
        certificate: Value,
        key: Value,
        ca_certificate: Value,
        #[serde(rename = "destinationCACertificate")]
        destination_ca_certificate: Value,
        insecure_edge_termination_policy: String,
        external_certificate: Value,
    }

    struct Ingress {
        host: String,
        router_name: String,
        conditions: Vec<Condition>,
    }

    struct Condition {
        #[serde(rename = "type")]
        type_: String,
        status: String,
        reason: String,
        message: String,
    }
}

/// Fields of `spec.tls` that hold certificates and keys themselves.
const CERTIFICATES: &[&str] = &["certificate", "key", "caCertificate", "destinationCACertificate"];

/// What `kubectl apply` writes of the object onto the object.
const APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

const MOST_WEIGHT: u32 = 256;

/// Whether certificates or keys lie in the object itself. People paste keys into any of the fields, and `kubectl apply` keeps a copy.
pub(super) fn holds_certificates(raw: &Value) -> bool {
    let within = |object: &Value| match object.pointer("/spec/tls") {
        None | Some(Value::Null) => false,
        Some(Value::Object(tls)) => CERTIFICATES.iter().any(|field| tls.get(*field).is_some_and(|value| !is_empty(value))),
        Some(_) => true,
    };
    let has_key = |text: &str| text.contains("PRIVATE KEY");
    let applied = raw.pointer(APPLIED).and_then(Value::as_str);
    // A spec that is a text cannot be read, and nobody knows what stands in it.
    let is_text = raw.get("spec").is_some_and(Value::is_string);
    let is_applied = |text: &str| has_key(text) || serde_json::from_str::<Value>(text).is_ok_and(|object| within(&object));
    is_text || within(raw) || applied.is_some_and(is_applied)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// The object without certificates and keys, and warnings of what is taken away.
fn without_certificates<'a>(raw: &'a Value, reader: &mut Reader<'_>) -> Cow<'a, Value> {
    if !holds_certificates(raw) {
        return Cow::Borrowed(raw);
    }
    let mut raw = raw.clone();
    if let Some(Value::Object(tls)) = raw.pointer_mut("/spec/tls") {
        tls.retain(|field, _| !CERTIFICATES.contains(&field.as_str()));
    } else if let Some(spec) = raw.get_mut("spec")
        && (spec.is_string() || spec.get("tls").is_some())
    {
        // What is wrong is said without what is written there.
        if let Value::Object(fields) = spec {
            fields.insert("tls".to_owned(), Value::Null);
            reader.warn("/spec/tls", "an object was expected; taken as clear text");
        } else {
            *spec = Value::Null;
        }
    }
    let message = "certificates or keys are written into the Route: they are not kept, and a sketch cannot change the Route; \
                   externalCertificate names a Secret instead";
    reader.warn("/spec/tls", message);
    Cow::Owned(raw)
}

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<OpenShiftRouteRecord> {
    let raw = &*without_certificates(raw, reader);
    let route: Route = reader.typed(raw)?;
    unknown_fields::check(raw, &route, reader);
    let spec = reader.spec(route.spec)?;
    let name = spec.host.unwrap_or_default().to_ascii_lowercase();
    if name.starts_with('*') {
        let message = format!("{name:?} has a wildcard; wildcardPolicy says that all names of the domain are meant");
        reader.warn("/spec/host", message);
    } else {
        host::check(&name, "/spec/host", host::Besides::default(), reader);
    }
    let subdomain = match spec.wildcard_policy.as_deref() {
        None | Some("" | "None") => false,
        Some("Subdomain") => {
            if name.is_empty() {
                reader.warn("/spec/wildcardPolicy", "Subdomain needs a host");
            }
            true
        }
        Some(other) => {
            let message = format!("unknown policy {other:?}; known are None, Subdomain; taken as None");
            reader.warn("/spec/wildcardPolicy", message);
            false
        }
    };
    let tls = spec.tls.map(|tls| read_tls(tls, reader));
    let path = spec.path.unwrap_or_default();
    if !path.is_empty() && !path.starts_with('/') {
        reader.warn("/spec/path", format!("{path:?} does not begin with a slash"));
    }
    if !path.is_empty() && tls.as_ref().is_some_and(|tls| tls.termination == Termination::Passthrough) {
        reader.warn("/spec/path", "a router that passes TLS through sees no path");
    }
    if spec.to.is_none() {
        reader.warn("/spec/to", "the target is missing; the Route leads nowhere");
    }
    let mut targets: Vec<RouteTarget> = spec.to.into_iter().map(|target| read_target(target, "/spec/to", reader)).collect();
    let others = spec.alternate_backends.unwrap_or_default();
    if others.len() > 3 {
        reader.warn("/spec/alternateBackends", format!("{} backends: a server refuses more than 3", others.len()));
    }
    for (index, target) in others.into_iter().enumerate() {
        targets.push(read_target(target, &format!("/spec/alternateBackends/{index}"), reader));
    }
    let port = spec.port.map_or(ServicePortRef::Missing, |port| read_port(port.target_port, reader));
    Some(OpenShiftRouteRecord {
        host: name.into(),
        subdomain,
        path: path.into(),
        targets,
        port,
        tls,
        routers: read_routers(raw),
        created: created(raw),
    })
}

fn read_target(target: Target, pointer: &str, reader: &mut Reader<'_>) -> RouteTarget {
    let kind = target.kind.unwrap_or_else(|| "Service".to_owned());
    if kind != "Service" {
        reader.warn(format!("{pointer}/kind"), format!("unknown kind {kind:?}; a Route leads to a Service"));
    }
    RouteTarget {
        kind: kind.into(),
        name: reader.required(target.name, "the Service's name", &format!("{pointer}/name")),
        weight: target.weight.map_or(100, |weight| reader.weight(weight, MOST_WEIGHT, &format!("{pointer}/weight"))),
    }
}

/// A name, or a number that may be written as a text.
fn read_port(port: Option<Value>, reader: &mut Reader<'_>) -> ServicePortRef {
    const POINTER: &str = "/spec/port/targetPort";
    let number = match &port {
        Some(Value::String(name)) => match name.parse::<i64>() {
            Ok(number) => number,
            Err(_) if !name.is_empty() => return ServicePortRef::Name(name.into()),
            Err(_) => 0,
        },
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        None => {
            reader.warn(POINTER, "the port is missing; taken as the first");
            return ServicePortRef::Missing;
        }
        Some(_) => {
            reader.warn(POINTER, "a name or a number was expected; taken as the first");
            return ServicePortRef::Missing;
        }
    };
    reader.port(number, POINTER).map_or(ServicePortRef::Missing, ServicePortRef::Number)
}

fn read_tls(tls: Tls, reader: &mut Reader<'_>) -> RouteTls {
    let termination = match tls.termination.as_deref() {
        Some("edge") => Termination::Edge,
        Some("passthrough") => Termination::Passthrough,
        Some("reencrypt") => Termination::Reencrypt,
        other => {
            let what = other.map_or_else(|| "the termination is missing".to_owned(), |name| format!("unknown termination {name:?}"));
            reader.warn("/spec/tls/termination", format!("{what}; known are edge, passthrough, reencrypt; taken as edge"));
            Termination::Edge
        }
    };
    const POINTER: &str = "/spec/tls/insecureEdgeTerminationPolicy";
    let insecure = match tls.insecure_edge_termination_policy.as_deref() {
        None | Some("" | "None") => InsecurePolicy::None,
        Some("Allow") => InsecurePolicy::Allow,
        Some("Redirect") => InsecurePolicy::Redirect,
        Some(other) => {
            reader.warn(POINTER, format!("unknown policy {other:?}; known are None, Allow, Redirect; taken as None"));
            InsecurePolicy::None
        }
    };
    if termination == Termination::Passthrough && insecure == InsecurePolicy::Allow {
        reader.warn(POINTER, "where TLS passes through, clear text cannot be served; known are None, Redirect");
        return RouteTls { termination, insecure: InsecurePolicy::None };
    }
    RouteTls { termination, insecure }
}

/// What routers say. The status is theirs: what cannot be read there is nobody's mistake.
fn read_routers(raw: &Value) -> Vec<Admission> {
    let list = raw.pointer("/status/ingress").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = list.iter().filter_map(|item| serde_json::from_value::<Ingress>(item.clone()).ok());
    read.map(|ingress| {
        let conditions = ingress.conditions.unwrap_or_default();
        let condition = conditions.into_iter().find(|condition| condition.type_.as_deref() == Some("Admitted")).unwrap_or_default();
        let admitted = match condition.status.as_deref() {
            Some("True") => Some(true),
            Some("False") => Some(false),
            _ => None,
        };
        let why = [condition.reason, condition.message].into_iter().flatten().filter(|text| !text.is_empty());
        let why = why.collect::<Vec<_>>().join(": ");
        Admission {
            router: ingress.router_name.unwrap_or_default().into(),
            host: ingress.host.unwrap_or_default().to_ascii_lowercase().into(),
            admitted,
            reason: if admitted == Some(true) { SmolStr::default() } else { why.into() },
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::testing::{pointers, read};
    use crate::record::Record;

    fn record(text: &str) -> OpenShiftRouteRecord {
        match read(text).record {
            Some(Record::OpenShiftRoute(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    const HEAD: &str = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: web, namespace: shop}\n";

    #[test]
    fn a_route_is_read_with_what_routers_say() {
        let text = r#"
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web, namespace: shop, creationTimestamp: "2026-01-02T03:04:05Z"}
spec:
  host: Shop.Example
  path: /cart
  subdomain: ""
  to: {kind: Service, name: web, weight: 3}
  alternateBackends: [{kind: Service, name: canary}]
  port: {targetPort: http}
  tls: {termination: reencrypt, insecureEdgeTerminationPolicy: Redirect, externalCertificate: {name: web-tls}}
  wildcardPolicy: None
  httpHeaders: {actions: {request: []}}
status:
  ingress:
  - {routerName: default, host: shop.example, wildcardPolicy: None, conditions: [{type: Admitted, status: "True"}]}
  - routerName: other
    host: shop.example
    conditions: [{type: Admitted, status: "False", reason: HostAlreadyClaimed, message: route a has it}]
  - {routerName: late}
"#;
        let entry = read(text);
        assert_eq!(pointers(&entry), Vec::<&str>::new());
        assert!(entry.raw.is_some());
        let target = |name: &str, weight| RouteTarget { kind: "Service".into(), name: name.into(), weight };
        let admission = |router: &str, host: &str, admitted, reason: &str| Admission {
            router: router.into(),
            host: host.into(),
            admitted,
            reason: reason.into(),
        };
        let expected = OpenShiftRouteRecord {
            host: "shop.example".into(),
            subdomain: false,
            path: "/cart".into(),
            targets: vec![target("web", 3), target("canary", 100)],
            port: ServicePortRef::Name("http".into()),
            tls: Some(RouteTls { termination: Termination::Reencrypt, insecure: InsecurePolicy::Redirect }),
            routers: vec![
                admission("default", "shop.example", Some(true), ""),
                admission("other", "shop.example", Some(false), "HostAlreadyClaimed: route a has it"),
                admission("late", "", None, ""),
            ],
            created: "2026-01-02T03:04:05Z".into(),
        };
        assert_eq!(record(text), expected);
    }

    #[test]
    fn ports_are_names_or_numbers_however_written() {
        for (port, expected) in [
            ("port: {targetPort: 8080}", ServicePortRef::Number(8080)),
            ("port: {targetPort: '8080'}", ServicePortRef::Number(8080)),
            ("port: {targetPort: 8080-tcp}", ServicePortRef::Name("8080-tcp".into())),
            ("path: /", ServicePortRef::Missing),
        ] {
            let text = format!("{HEAD}spec: {{to: {{kind: Service, name: web}}, {port}}}");
            assert_eq!((record(&text).port, pointers(&read(&text)).len()), (expected, 0), "{port}");
        }
    }

    #[test]
    fn faults_are_named_and_the_rest_is_kept() {
        for (spec, expected) in [
            ("host: 10.0.0.1", "/spec/host"),
            ("host: a.example:80", "/spec/host"),
            ("host: '*.a.example'", "/spec/host"),
            ("path: cart", "/spec/path"),
            ("path: /cart, tls: {termination: passthrough}", "/spec/path"),
            ("wildcardPolicy: Some", "/spec/wildcardPolicy"),
            ("wildcardPolicy: Subdomain", "/spec/wildcardPolicy"),
            ("port: {targetPort: 70000}", "/spec/port/targetPort"),
            ("port: {targetPort: 0}", "/spec/port/targetPort"),
            ("port: {targetPort: true}", "/spec/port/targetPort"),
            ("port: {}", "/spec/port/targetPort"),
            ("alternateBackends: [{kind: Service, name: b, weight: 257}]", "/spec/alternateBackends/0/weight"),
            ("alternateBackends: [{kind: Service, name: b, weight: -1}]", "/spec/alternateBackends/0/weight"),
            ("alternateBackends: [{kind: Pod, name: b}]", "/spec/alternateBackends/0/kind"),
            ("tls: {}", "/spec/tls/termination"),
            ("tls: {termination: Edge}", "/spec/tls/termination"),
            ("tls: {termination: edge, insecureEdgeTerminationPolicy: deny}", "/spec/tls/insecureEdgeTerminationPolicy"),
            ("tls: {termination: passthrough, insecureEdgeTerminationPolicy: Allow}", "/spec/tls/insecureEdgeTerminationPolicy"),
            ("hosts: [a.example]", "/spec/hosts"),
        ] {
            let text = format!("{HEAD}spec: {{to: {{kind: Service, name: web}}, {spec}}}");
            assert_eq!(pointers(&read(&text)), [expected], "{spec}");
            assert_eq!(record(&text).targets[0].name, "web", "{spec}");
        }
        assert_eq!(pointers(&read(&format!("{HEAD}spec: {{}}"))), ["/spec/to"]);
        assert_eq!(pointers(&read(HEAD)), ["/spec"]);
    }

    /// Whatever is written where, neither the entry nor a warning has a word of it.
    #[test]
    fn certificates_and_keys_are_nowhere() {
        let secret = "-----BEGIN PRIVATE KEY----- MIIsecret";
        let to = "to: {kind: Service, name: web}";
        let applied = |spec: &str| format!("kubectl.kubernetes.io/last-applied-configuration: '{{\"spec\": {spec}}}'");
        let with = |annotation: &str, spec: &str| {
            format!(
                "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {{name: web, namespace: shop, annotations: {{{annotation}}}}}\nspec: {spec}"
            )
        };
        for text in [
            with("", &format!("{{{to}, tls: {{termination: edge, key: '{secret}', certificate: a}}}}")),
            with("", &format!("{{{to}, tls: {{termination: edge, certificate: '{secret}'}}}}")),
            with("", &format!("{{{to}, tls: {{termination: edge, caCertificate: ['{secret}']}}}}")),
            with("", &format!("{{{to}, tls: {{termination: reencrypt, destinationCACertificate: '{secret}'}}}}")),
            with("", &format!("{{{to}, tls: '{secret}'}}")),
            with("", &format!("{{{to}, tls: ['{secret}']}}")),
            with("", &format!("'{secret}'")),
            with(&applied(&format!("{{\"tls\": {{\"key\": \"{secret}\"}}}}")), &format!("{{{to}}}")),
            with(&applied("{\"tls\": {\"key\": \"MIIsecret\"}}"), &format!("{{{to}}}")),
        ] {
            let entry = read(&text);
            assert!(entry.raw.is_none(), "{text}");
            assert!(pointers(&entry).contains(&"/spec/tls"), "{text}");
            let whole = format!("{entry:?}");
            assert!(!whole.contains("MIIsecret") && !whole.contains("PRIVATE"), "{whole}");
        }
        let plain =
            read(&with(&applied("{\"tls\": {\"termination\": \"edge\"}}"), &format!("{{{to}, tls: {{termination: edge, key: ''}}}}")));
        assert!(plain.raw.is_some() && plain.warnings.is_empty(), "{plain:?}");
        let kept = record(&with("", &format!("{{{to}, tls: {{termination: edge, key: '{secret}'}}}}")));
        assert_eq!(kept.tls.map(|tls| tls.termination), Some(Termination::Edge));
    }
}
