//! What a stand-in API server says, word for word as a real one.

use portolan_core::object::Kind;
use serde_json::{Value, json};

use crate::api_server_http::{Answer, Request};

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The kind.
    pub kind: Kind,
    /// One namespace, or all.
    pub namespace: Option<String>,
    /// One object, or all.
    pub name: Option<String>,
}

impl Asked {
    /// Reads the path of a list, a watch or an object.
    pub fn read(path: &str) -> Option<Self> {
        Kind::ALL.iter().find_map(|kind| {
            let root = if kind.group().is_empty() { "/api/" } else { "/apis/" };
            let rest = path.strip_prefix(&format!("{root}{}/", kind.api_version()))?;
            let (namespace, plural) = match rest.strip_prefix("namespaces/").and_then(|rest| rest.split_once('/')) {
                Some((namespace, plural)) => (Some(namespace.to_owned()), plural),
                None => (None, rest),
            };
            let (plural, name) = plural.split_once('/').map_or((plural, None), |(plural, name)| (plural, Some(name.to_owned())));
            (plural == kind.plural() && (namespace.is_none() || kind.is_namespaced())).then_some(Self { kind: *kind, namespace, name })
        })
    }

    fn resource(&self) -> String {
        if self.kind.group().is_empty() { self.kind.plural().to_owned() } else { format!("{}.{}", self.kind.plural(), self.kind.group()) }
    }
}

/// An answer with this JSON.
pub fn ok(body: &Value) -> Answer {
    Answer { status: 200, content_type: "application/json", body: format!("{body}\n") }
}

/// A `Status` that tells of a failure.
pub fn status(code: u16, reason: &str, message: &str, details: Option<Value>) -> Value {
    let mut status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason});
    if let Some(details) = details {
        status["details"] = details;
    }
    status["code"] = code.into();
    status
}

/// An answer that is a failure.
pub fn failure(status: &Value) -> Answer {
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
    Answer { status: code, content_type: "application/json", body: format!("{status}\n") }
}

/// 401.
pub fn unauthorised() -> Value {
    status(401, "Unauthorized", "Unauthorized", None)
}

/// 403 for a list or a watch.
pub fn forbidden(asked: &Asked, request: &Request) -> Value {
    let verb = if request.parameter("watch") == Some("true") { "watch" } else { "list" };
    let place =
        asked.namespace.as_ref().map_or_else(|| "at the cluster scope".to_owned(), |namespace| format!("in the namespace \"{namespace}\""));
    let (plural, group) = (asked.kind.plural(), asked.kind.group());
    let message =
        format!("{} is forbidden: User \"limited\" cannot {verb} resource \"{plural}\" in API group \"{group}\" {place}", asked.resource());
    let details = if group.is_empty() { json!({"kind": plural}) } else { json!({"group": group, "kind": plural}) };
    status(403, "Forbidden", &message, Some(details))
}

/// 404 for an object.
pub fn object_not_found(kind: Kind, name: &str) -> Value {
    let plural = kind.plural();
    status(404, "NotFound", &format!("{plural} \"{name}\" not found"), Some(json!({"name": name, "kind": plural})))
}

/// 404 for a group that is not installed: no `Status` at all.
pub fn group_not_found() -> Answer {
    Answer { status: 404, content_type: "text/plain; charset=utf-8", body: "404 page not found\n".to_owned() }
}

/// 400 for a continue token that makes no sense.
pub fn bad_continue() -> Value {
    status(400, "BadRequest", "invalid continue token: continue key is not valid", None)
}

/// 410 for a page of a list that is too old, with a token to go on inconsistently.
pub fn continue_expired(token: &str) -> Value {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue \
                   parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token \
                   results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and \
                   now may show up in the list.";
    let mut status = status(410, "Expired", message, None);
    status["metadata"] = json!({"continue": token});
    status
}

/// 410 for a list at a version that is too old.
pub fn list_expired() -> Value {
    status(410, "Expired", "The resourceVersion for the provided list is too old.", None)
}

/// 410 for a watch from a version that is too old.
pub fn watch_expired(asked: u64, oldest: u64) -> Value {
    status(410, "Expired", &format!("too old resource version: {asked} ({oldest})"), None)
}

/// 504 for a version that is yet to come.
pub fn version_too_large(asked: u64, current: u64) -> Value {
    let details =
        json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
    status(504, "Timeout", &format!("Timeout: Too large resource version: {asked}, current: {current}"), Some(details))
}

/// 503.
pub fn unavailable() -> Value {
    status(503, "ServiceUnavailable", "the server is currently unable to handle the request", None)
}

/// 422 of a server that has streamed lists switched off.
pub fn streaming_forbidden() -> Value {
    let message = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList \
                   feature gate is enabled";
    status(422, "Invalid", message, Some(json!({"group": "meta.k8s.io", "kind": "ListOptions"})))
}

/// What a server over an old etcd says into a watch that was to begin with all objects.
pub fn streaming_unavailable() -> Value {
    status(500, "InternalError", "storage feature RequestWatchProgress is disabled", None)
}

/// A list, or a page of one.
pub fn list(kind: Kind, version: u64, items: Vec<Value>, more: Option<(String, usize)>) -> Value {
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let Some((token, remaining)) = more {
        metadata["continue"] = token.into();
        metadata["remainingItemCount"] = remaining.into();
    }
    let items = items.into_iter().map(without_type).collect::<Vec<_>>();
    json!({"kind": format!("{}List", kind.name()), "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
}

/// An event of a watch, as a line.
pub fn event(name: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": name, "object": object}))
}

/// A bookmark.
pub fn bookmark(kind: Kind, version: u64, ends_initial_events: bool) -> String {
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if ends_initial_events {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let mut object = json!({"kind": kind.name(), "apiVersion": kind.api_version(), "metadata": metadata});
    // An empty object of the kind, as Go writes it.
    if kind != Kind::EndpointSlice {
        object["spec"] = json!({});
        if !matches!(kind, Kind::IngressClass | Kind::NetworkPolicy) {
            object["status"] = json!({});
        }
    }
    event("BOOKMARK", &object)
}

fn without_type(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("apiVersion");
        fields.shift_remove("kind");
    }
    object
}
