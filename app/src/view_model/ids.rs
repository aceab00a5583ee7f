//! The ids by which map, panels and commands name things, and what they stand for in an analysis.

use portolan_core::analysis::Analysis;
use portolan_core::egress::EgressRoute;
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::{Kind, ObjectKey};

use crate::map::model::Id;

/// The id of everybody outside.
pub const OUTSIDE: &str = "outside/internet";

/// How the ids of nodes begin into which doors fold.
pub const FOLD: &str = "entry/all of ";

/// The id of a namespace.
pub fn namespace(name: &str) -> Id {
    format!("namespace/{name}")
}

/// The id of a workload.
pub fn workload(workload: &Workload) -> Id {
    format!("workload/{}/{}/{}", workload.namespace, workload.kind, workload.name)
}

/// The id of a pod.
pub fn pod(namespace: &str, name: &str) -> Id {
    format!("pod/{namespace}/{name}")
}

/// The id of a Service.
pub fn service(key: &ObjectKey) -> Id {
    format!("service/{}", key.path())
}

/// The id of a set of addresses outside, by its title.
pub fn addresses(title: &str) -> Id {
    format!("addresses/{title}")
}

/// The id of a domain.
pub fn domain(name: &str) -> Id {
    format!("domain/{name}")
}

/// The id of what leads out of the cluster: the object that says so, or what a person has noted.
pub fn exit(route: &EgressRoute) -> Id {
    route.object.as_ref().map_or_else(|| "exit/nat".to_owned(), |object| format!("exit/{object}"))
}

/// What an id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A namespace.
    Namespace(String),
    /// A workload.
    Workload(WorkloadId),
    /// A pod.
    Pod(PodId),
    /// A Service.
    Service(ObjectKey),
    /// A way in: an entry node of the map.
    Entry,
    /// Everybody outside.
    Outside,
    /// Addresses outside.
    Addresses,
    /// A domain.
    Domain(String),
    /// What leads out of the cluster.
    Exit,
    /// A request from outside.
    Request,
}

/// What an id stands for in this analysis, if it is there.
pub fn subject(analysis: &Analysis, id: &str) -> Option<Subject> {
    let (kind, rest) = id.split_once('/')?;
    let inventory = analysis.inventory();
    match kind {
        "namespace" => analysis.snapshot().namespaces().contains(rest).then(|| Subject::Namespace(rest.to_owned())),
        "workload" => {
            let [namespace, kind, name] = rest.splitn(3, '/').collect::<Vec<_>>().try_into().ok()?;
            inventory.workload(namespace, name, Some(kind)).map(Subject::Workload)
        }
        "pod" => {
            let (namespace, name) = rest.split_once('/')?;
            inventory.pod(namespace, name).map(Subject::Pod)
        }
        "service" => {
            let (namespace, name) = rest.split_once('/')?;
            let key = ObjectKey::new(Kind::Service, namespace, name);
            // One that a way in names can be looked at, whether it is there or not.
            let is_known =
                analysis.snapshot().entry(&key).is_some() || analysis.entry_paths().iter().any(|path| path.service.as_ref() == Some(&key));
            is_known.then_some(Subject::Service(key))
        }
        "entry" => Some(Subject::Entry),
        "outside" => Some(Subject::Outside),
        "addresses" => Some(Subject::Addresses),
        "domain" => Some(Subject::Domain(rest.to_owned())),
        "exit" => Some(Subject::Exit),
        "request" => Some(Subject::Request),
        _ => None,
    }
}

/// Reads a key as [`ObjectKey`] displays it: `networking.k8s.io/v1 NetworkPolicy shop/deny`.
pub fn object_key(text: &str) -> Option<ObjectKey> {
    let mut words = text.splitn(3, ' ');
    let kind = Kind::of(words.next()?, words.next()?)?;
    let path = words.next()?;
    let (namespace, name) = if kind.is_namespaced() { path.split_once('/')? } else { ("", path) };
    Some(ObjectKey::new(kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        for key in [
            ObjectKey::new(Kind::NetworkPolicy, "shop", "deny"),
            ObjectKey::new(Kind::Namespace, "", "shop"),
            ObjectKey::new(Kind::Service, "a", "b"),
        ] {
            assert_eq!(object_key(&key.to_string()), Some(key));
        }
        assert_eq!(object_key("v1 Secret a/b"), None);
        assert_eq!(object_key("v1 Service"), None);
    }
}
