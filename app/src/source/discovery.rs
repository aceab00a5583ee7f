//! What a server has: its API groups, the versions at which it serves them, and the resources of each. Asked once for all who want to
//! know, so that kinds that a cluster lacks cost it next to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroup;
use kube::Client;
use portolan_core::Kind;
use tokio::sync::Mutex;

use super::watch::Problem;

/// How a server has a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Served {
    /// At this version of this group.
    At {
        /// The group.
        group: &'static str,
        /// The version.
        version: String,
    },
    /// Not at all.
    Absent,
    /// It does not say.
    Unknown,
}

/// A group: its name, and its versions, the preferred one first.
type Groups = BTreeMap<String, Vec<String>>;

/// Resources: pairs of plural and kind.
type Resources = BTreeSet<(String, String)>;

/// An answer and when it was asked for.
struct Answer<T> {
    asked: Instant,
    value: T,
}

/// What a server said of itself. Everybody who is let in may ask (ClusterRole `system:discovery`).
pub(crate) struct Discovery {
    client: Client,
    /// Locked while a request runs: who comes meanwhile waits for its answer, and asks nothing.
    groups: Mutex<Option<Answer<Option<Arc<Groups>>>>>,
    /// The resources of each `group/version`; `None` where the server did not say.
    resources: Mutex<BTreeMap<String, Answer<Option<Arc<Resources>>>>>,
}

impl Discovery {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, groups: Mutex::default(), resources: Mutex::default() }
    }

    /// The groups, as they were at `since` or later; `None` where the server does not list them.
    pub(crate) async fn groups(&self, since: Instant) -> Option<Arc<Groups>> {
        let mut known = self.groups.lock().await;
        if let Some(answer) = known.as_ref().filter(|answer| answer.asked >= since) {
            return answer.value.clone();
        }
        let asked = Instant::now();
        let list = self.client.list_api_groups().await.inspect_err(|error| tracing::debug!("the API groups cannot be listed: {error}"));
        let value = list.ok().map(|list| Arc::new(list.groups.into_iter().map(|group| (group.name.clone(), versions(group))).collect()));
        *known = Some(Answer { asked, value: value.clone() });
        value
    }

    /// How the server has a kind, or had it at `since`: in the group by which it is known sooner than in another, and at the preferred
    /// version of the group if that has the kind, else at another that has.
    pub(crate) async fn served(&self, kind: Kind, since: Instant) -> Served {
        let Some(groups) = self.groups(since).await else { return Served::Unknown };
        let mut is_known = true;
        for group in kind.groups() {
            for version in groups.get(group).into_iter().flatten() {
                match self.resources_of(group, version, since).await {
                    Some(resources) if resources.iter().any(|(plural, _)| plural == kind.plural()) => {
                        return Served::At { group, version: version.clone() };
                    }
                    Some(_) => {}
                    None => is_known = false,
                }
            }
        }
        if is_known { Served::Absent } else { Served::Unknown }
    }

    /// Whether the server says that it has a kind of this name in a group, at any version.
    pub(crate) async fn has_kind(&self, group: &str, name: &str, since: Instant) -> bool {
        let Some(groups) = self.groups(since).await else { return false };
        for version in groups.get(group).into_iter().flatten() {
            let resources = self.resources_of(group, version, since).await;
            if resources.is_some_and(|resources| resources.iter().any(|(_, kind)| kind == name)) {
                return true;
            }
        }
        false
    }

    /// The resources of a version of a group; `None` where the server does not say.
    async fn resources_of(&self, group: &str, version: &str, since: Instant) -> Option<Arc<Resources>> {
        let api_version = format!("{group}/{version}");
        let mut known = self.resources.lock().await;
        if let Some(answer) = known.get(&api_version).filter(|answer| answer.asked >= since) {
            return answer.value.clone();
        }
        let asked = Instant::now();
        let value = match self.client.list_api_group_resources(&api_version).await {
            Ok(list) => Some(list.resources.into_iter().map(|resource| (resource.name, resource.kind)).collect()),
            Err(error) if Problem::of_client(&error) == Problem::Absent => Some(Resources::new()),
            Err(error) => {
                tracing::debug!("the resources of {api_version} cannot be listed: {error}");
                None
            }
        };
        let value = value.map(Arc::new);
        known.insert(api_version, Answer { asked, value: value.clone() });
        value
    }
}

/// The versions of a group, the preferred one first.
fn versions(group: APIGroup) -> Vec<String> {
    let preferred = group.preferred_version.map(|version| version.version);
    let others = group.versions.into_iter().map(|version| version.version).filter(|version| Some(version) != preferred.as_ref());
    let others: Vec<String> = others.collect();
    preferred.into_iter().chain(others).collect()
}
