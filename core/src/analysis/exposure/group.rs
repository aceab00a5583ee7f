//! Groups of pods that may come, by what rules ask of them.

use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;

use crate::labels::{LabelSet, Operator, Selector};
use crate::policy::{NamespaceScope, PodSelector};
use crate::reachability::Newcomer;
use crate::record::ContainerPort;
use crate::snapshot::Snapshot;

/// Pods by namespace and labels, whether they are there or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodGroup {
    /// Which namespaces; one by its name wherever nothing else is asked of it.
    pub namespaces: NamespaceScope,
    /// What their labels meet.
    pub pods: Selector,
}

impl PodGroup {
    /// Every pod of the cluster.
    pub fn everything() -> Self {
        Self { namespaces: NamespaceScope::Matching(Selector::default()), pods: Selector::default() }
    }

    /// What a selector selects. A namespace that is asked for by the label that bears its name is that namespace.
    pub(in crate::analysis) fn of(selector: &PodSelector) -> Self {
        let by_name = match &selector.namespaces {
            NamespaceScope::Matching(namespaces) => one_name(namespaces),
            NamespaceScope::One(_) => None,
        };
        let namespaces = by_name.map_or_else(|| selector.namespaces.clone(), NamespaceScope::One);
        Self { namespaces, pods: selector.pods.clone() }
    }

    /// Whether it is every pod of the cluster.
    pub fn is_everything(&self) -> bool {
        *self == Self::everything()
    }

    /// Any pod of the group.
    pub(super) fn newcomer(&self, snapshot: &Snapshot, ports: Vec<ContainerPort>) -> Newcomer {
        let namespace_labels = match &self.namespaces {
            NamespaceScope::One(namespace) => snapshot.labels_of_namespace(namespace),
            NamespaceScope::Matching(_) => LabelSet::default(),
        };
        Newcomer { namespaces: self.namespaces.clone(), namespace_labels, pods: self.pods.clone(), ports }
    }

    /// Whether every pod of this group is in another.
    pub(super) fn is_within(&self, other: &Self, snapshot: &Snapshot) -> bool {
        let namespaces_are = match (&self.namespaces, &other.namespaces) {
            (NamespaceScope::One(own), NamespaceScope::One(others)) => own == others,
            (NamespaceScope::One(own), NamespaceScope::Matching(others)) => others.matches(&snapshot.labels_of_namespace(own)),
            (NamespaceScope::Matching(own), NamespaceScope::Matching(others)) => own.implies(others),
            (NamespaceScope::Matching(_), NamespaceScope::One(_)) => false,
        };
        namespaces_are && self.pods.implies(&other.pods)
    }

    /// The pods that are in both groups; `None` where there can be none.
    pub(super) fn and(&self, other: &Self, snapshot: &Snapshot) -> Option<Self> {
        let namespaces = match (&self.namespaces, &other.namespaces) {
            (NamespaceScope::One(own), NamespaceScope::One(others)) => (own == others).then(|| self.namespaces.clone())?,
            (NamespaceScope::One(one), NamespaceScope::Matching(some)) | (NamespaceScope::Matching(some), NamespaceScope::One(one)) => {
                some.matches(&snapshot.labels_of_namespace(one)).then(|| NamespaceScope::One(one.clone()))?
            }
            (NamespaceScope::Matching(own), NamespaceScope::Matching(others)) => NamespaceScope::Matching(own.and(others)?),
        };
        Some(Self { namespaces, pods: self.pods.and(&other.pods)? })
    }
}

/// The namespace that a selector asks for by name, and by nothing else.
fn one_name(namespaces: &Selector) -> Option<SmolStr> {
    let [requirement] = namespaces.requirements() else { return None };
    match &requirement.operator {
        Operator::In(names) if requirement.key == crate::intake_name_label() => match names.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Display for PodGroup {
    /// `any pod`, `any pod in namespace shop`, `pods with app=cart in namespaces with team=a`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pods.is_everything() {
            f.write_str("any pod")?;
        } else {
            write!(f, "pods with {}", self.pods)?;
        }
        match &self.namespaces {
            NamespaceScope::One(namespace) => write!(f, " in namespace {namespace}"),
            NamespaceScope::Matching(namespaces) if !namespaces.is_everything() => write!(f, " in namespaces with {namespaces}"),
            NamespaceScope::Matching(_) if self.pods.is_everything() => Ok(()),
            NamespaceScope::Matching(_) => f.write_str(" in any namespace"),
        }
    }
}

impl Serialize for PodGroup {
    /// `{"namespace":"shop","pods":[..]}` or `{"namespaces":[..],"pods":[..]}`: requirements of labels, an empty list for all.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut map = serializer.serialize_struct("PodGroup", 2)?;
        match &self.namespaces {
            NamespaceScope::One(namespace) => map.serialize_field("namespace", namespace)?,
            NamespaceScope::Matching(namespaces) => map.serialize_field("namespaces", namespaces)?,
        }
        map.serialize_field("pods", &self.pods)?;
        map.end()
    }
}
