//! What the stand-in server holds, and what it answers to a request.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::{Kind, ObjectKey};
use serde_json::{Value, json};

/// The objects, every change to them since versions were last forgotten, and what is broken.
#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<ObjectKey, Value>,
    version: u64,
    /// The oldest version that a watch may go on from.
    oldest: u64,
    changes: Vec<(u64, &'static str, ObjectKey, Value)>,
    forbidden: BTreeMap<Kind, BTreeSet<String>>,
    uninstalled: BTreeSet<Kind>,
    /// Of kinds that are not served as the program knows them best: in which groups and at which versions they are, the preferred one first.
    versions: BTreeMap<Kind, Vec<(String, String)>>,
    pub(super) unauthorised: bool,
    pub(super) failing: bool,
    pub(super) max_page: usize,
    pub(super) n_requests: usize,
    pub(super) n_discoveries: usize,
}

/// A request for a list or a watch.
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) query: BTreeMap<String, String>,
}

impl Request {
    fn api_version(&self) -> String {
        let group = &self.group;
        if group.is_empty() { self.version.clone() } else { format!("{group}/{}", self.version) }
    }
}

/// A status and a body.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Store {
    pub(super) fn apply(&mut self, mut object: Value) {
        let key = key_of(&object);
        self.version += 1;
        let event = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        object["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Apply"}]);
        self.objects.insert(key.clone(), object.clone());
        self.changes.push((self.version, event, key, object));
    }

    pub(super) fn delete(&mut self, key: &ObjectKey) {
        if let Some(mut object) = self.objects.remove(key) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = self.version.to_string().into();
            self.changes.push((self.version, "DELETED", key.clone(), object));
        }
    }

    pub(super) fn forbid(&mut self, kind: Kind, except: &[&str]) {
        self.forbidden.insert(kind, except.iter().map(ToString::to_string).collect());
    }

    pub(super) fn uninstall(&mut self, kind: Kind) {
        self.uninstalled.insert(kind);
    }

    pub(super) fn install(&mut self, kind: Kind) {
        self.uninstalled.remove(&kind);
    }

    pub(super) fn serve_at(&mut self, kind: Kind, versions: &[&str]) {
        let of = |text: &&str| match text.split_once('/') {
            Some((group, version)) => (group.to_owned(), version.to_owned()),
            None => (kind.group().to_owned(), (*text).to_owned()),
        };
        self.versions.insert(kind, versions.iter().map(of).collect());
    }

    /// The groups and versions at which a kind is served.
    fn versions_of(&self, kind: Kind) -> Vec<(String, String)> {
        self.versions.get(&kind).cloned().unwrap_or_else(|| vec![(kind.group().to_owned(), kind.version().to_owned())])
    }

    pub(super) fn forget_versions(&mut self) {
        self.version += 1;
        self.oldest = self.version;
        self.changes.clear();
    }

    /// What keeps a request from being answered, if anything does.
    pub(super) fn refusal(&mut self, request: Option<&Request>) -> Option<Answer> {
        self.n_requests += 1;
        if self.unauthorised {
            return Some(status(401, "Unauthorized", "Unauthorized", json!(null)));
        }
        if self.failing {
            return Some(status(500, "InternalError", "Internal error occurred: etcdserver: request timed out", json!(null)));
        }
        let not_found = || Some(Answer { code: 404, content_type: "text/plain; charset=utf-8", body: "404 page not found\n".to_owned() });
        let Some(request) = request else { return not_found() };
        // Whether a user may do something is asked before whether there is anything to do it with.
        let Some(seen_in) = self.forbidden.get(&request.kind) else {
            let is_served = !self.uninstalled.contains(&request.kind)
                && self.versions_of(request.kind).contains(&(request.group.clone(), request.version.clone()));
            return if is_served { None } else { not_found() };
        };
        if request.namespace.as_ref().is_some_and(|namespace| seen_in.contains(namespace)) {
            return None;
        }
        let (kind, group) = (request.kind.plural(), request.kind.group());
        let resource = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let scope =
            request.namespace.as_ref().map_or("at the cluster scope".to_owned(), |namespace| format!("in the namespace \"{namespace}\""));
        let message = format!("{resource} is forbidden: User \"limited\" cannot list resource \"{kind}\" in API group \"{group}\" {scope}");
        Some(status(403, "Forbidden", &message, json!({"group": group, "kind": kind})))
    }

    /// What the server says of the groups and kinds that it has: `/apis`, `/apis/GROUP/VERSION`.
    pub(super) fn discovery(&mut self, target: &str) -> Option<Answer> {
        let answer = self.discover(target);
        self.n_discoveries += usize::from(answer.is_some());
        answer
    }

    fn discover(&self, target: &str) -> Option<Answer> {
        let kinds = || Kind::ALL.iter().copied().filter(|kind| !kind.group().is_empty() && !self.uninstalled.contains(kind));
        let body = match target.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["apis"] => {
                let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for (group, version) in kinds().flat_map(|kind| self.versions_of(kind)) {
                    let versions = groups.entry(group).or_default();
                    versions.push(version);
                    versions.sort_unstable();
                    versions.dedup();
                }
                let group = |(name, versions): (String, Vec<String>)| {
                    let versions: Vec<Value> =
                        versions.iter().map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version})).collect();
                    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
                };
                json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.into_iter().map(group).collect::<Vec<_>>()})
            }
            ["apis", group, version] => {
                let is_here = |(own, at): &(String, String)| own == group && at == version;
                let here = kinds().filter(|kind| self.versions_of(*kind).iter().any(is_here));
                let resource = |kind: Kind| json!({"name": kind.plural(), "singularName": "", "namespaced": kind.is_namespaced(), "kind": kind.name(), "verbs": ["list", "watch"]});
                let resources: Vec<Value> = here.map(resource).collect();
                if resources.is_empty() {
                    return None;
                }
                json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": resources})
            }
            _ => return None,
        };
        Some(Answer { code: 200, content_type: "application/json", body: body.to_string() })
    }

    fn fits(request: &Request, key: &ObjectKey) -> bool {
        key.kind == request.kind && request.namespace.as_ref().is_none_or(|namespace| key.namespace == *namespace)
    }

    /// A list, or a page of one. A continue token is the number of objects that were handed out, and the version.
    pub(super) fn list(&self, request: &Request) -> Answer {
        let (start, version) = match request.query.get("continue").filter(|token| !token.is_empty()) {
            None => (0, self.version),
            Some(token) => {
                let Some((start, version)) =
                    token.split_once('.').and_then(|(a, b)| Some((a.parse::<usize>().ok()?, b.parse::<u64>().ok()?)))
                else {
                    return status(400, "BadRequest", "continue key is not valid: illegal base64 data", json!(null));
                };
                if version < self.oldest {
                    return status(
                        410,
                        "Expired",
                        "The provided continue parameter is too old to display a consistent list result.",
                        json!(null),
                    );
                }
                (start, version)
            }
        };
        let asked = request.query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let limit = if self.max_page > 0 { asked.min(self.max_page) } else { asked };
        let all: Vec<&Value> = self.objects.iter().filter(|(key, _)| Self::fits(request, key)).map(|(_, object)| object).collect();
        // Objects in a list do not say what they are.
        let items = all.iter().skip(start).take(limit).map(|object| {
            let mut object = (*object).clone();
            if let Value::Object(fields) = &mut object {
                fields.remove("apiVersion");
                fields.remove("kind");
            }
            object
        });
        let items: Vec<Value> = items.collect();
        let n_left = all.len().saturating_sub(start + items.len());
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if n_left > 0 {
            metadata["continue"] = format!("{}.{version}", start + items.len()).into();
            metadata["remainingItemCount"] = n_left.into();
        }
        let list = json!({"kind": format!("{}List", request.kind.name()), "apiVersion": request.api_version(), "metadata": metadata, "items": items});
        Answer { code: 200, content_type: "application/json", body: list.to_string() }
    }

    /// The events of a watch after a version, one a line, and the version that they lead to. `Err` is the event that ends the watch.
    pub(super) fn events_after(&self, request: &Request, version: u64) -> Result<(String, u64), String> {
        if version < self.oldest {
            let message = format!("too old resource version: {version} ({})", self.oldest);
            let object = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "Expired", "code": 410});
            return Err(format!("{}\n", json!({"type": "ERROR", "object": object})));
        }
        let mut lines = String::new();
        for (_, event, _, object) in self.changes.iter().filter(|(at, _, key, _)| *at > version && Self::fits(request, key)) {
            let mut object = object.clone();
            object["apiVersion"] = request.api_version().into();
            lines.push_str(&json!({"type": event, "object": object}).to_string());
            lines.push('\n');
        }
        Ok((lines, self.version))
    }
}

fn key_of(object: &Value) -> ObjectKey {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::of(text("/apiVersion"), text("/kind")).expect("the stand-in holds kinds that are read");
    ObjectKey::new(kind, text("/metadata/namespace"), text("/metadata/name"))
}

fn status(code: u16, reason: &str, message: &str, details: Value) -> Answer {
    let mut body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason});
    if !details.is_null() {
        body["details"] = details;
    }
    body["code"] = code.into();
    Answer { code, content_type: "application/json", body: body.to_string() }
}

/// Reads a request's target: `/api/v1/namespaces/shop/pods?watch=true`. `None`: no such resource. Versions are looked at later.
pub(super) fn parse(target: &str) -> Option<Request> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, plural) = match rest {
        ["namespaces", namespace, plural] => (Some((*namespace).to_owned()), *plural),
        [plural] => (None, *plural),
        _ => return None,
    };
    let kind = Kind::ALL.iter().copied().find(|kind| kind.groups().any(|own| own == group) && kind.plural() == plural)?;
    let query = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Some(Request { kind, group: group.to_owned(), version: version.to_owned(), namespace, query })
}
