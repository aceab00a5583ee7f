//! Whom Calico's selectors select: pods by namespace and labels, and sets of networks.
//!
//! A selector sees the labels of an endpoint and those that Calico adds: the namespace and its labels, the service account and its
//! labels. What a pod's namespace decides is settled here, namespace by namespace.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::intake::name_label;
use crate::labels::{Facts, LabelSet, Operator, Requirement, Selector};
use crate::object::{Kind, ObjectKey};
use crate::policy::{NamespaceScope, PodSelector};
use crate::record::{
    ACCOUNT_KEY, ACCOUNT_PREFIX, CALICO_ACCOUNT, CALICO_NAME, CALICO_NAMESPACE, CALICO_ORCHESTRATOR, CalicoEndpoints, CalicoNamespaces,
    GLOBAL_KEY, NAMESPACE_PREFIX, NetworkSetRecord, Record,
};
use crate::snapshot::Snapshot;

/// What is known of namespaces, accounts and sets of networks.
pub(super) struct Directory<'a> {
    snapshot: &'a Snapshot,
    namespaces: BTreeMap<SmolStr, LabelSet>,
    accounts: BTreeMap<SmolStr, Vec<(&'a SmolStr, &'a LabelSet)>>,
    sets: Vec<(&'a ObjectKey, &'a NetworkSetRecord)>,
}

/// Pods, and what must be so for them to be those, in words that follow "if".
#[derive(Debug, Clone, Default)]
pub(super) struct Pods {
    /// No two of them select the same pod.
    pub(super) selectors: Vec<PodSelector>,
    /// What cannot be known.
    pub(super) condition: Option<&'static str>,
}

/// A namespace, or nothing, as a selector of namespaces sees it.
struct Namespace<'a> {
    name: Option<&'a str>,
    labels: Option<&'a LabelSet>,
}

impl Facts for Namespace<'_> {
    fn fact(&self, key: &str) -> Option<&str> {
        match key {
            GLOBAL_KEY => self.name.is_none().then_some(""),
            CALICO_NAME => self.name,
            label if label == name_label() => self.name,
            label => self.labels?.get(label),
        }
    }
}

/// A set of networks, as a selector of endpoints sees it.
struct Set<'a> {
    labels: &'a LabelSet,
    namespace: Namespace<'a>,
}

impl Facts for Set<'_> {
    fn fact(&self, key: &str) -> Option<&str> {
        match key.strip_prefix(NAMESPACE_PREFIX) {
            Some(label) => self.namespace.fact(label),
            None if key == CALICO_NAMESPACE => self.namespace.name,
            None => self.labels.get(key),
        }
    }
}

/// The selector with what is known of each requirement put in: that it holds, or not, or another selector for it.
fn settled(selector: &Selector, settle: &dyn Fn(&Requirement) -> Selector) -> Selector {
    let nothing = Selector::nothing();
    let mut all = Selector::default();
    for requirement in selector.requirements() {
        all = all.and_all(&settle(requirement));
    }
    for group in selector.alternatives() {
        let some = group.iter().map(|one| settled(one, settle)).filter(|one| *one != nothing).collect();
        all = all.and_all(&Selector::any_of(some));
    }
    if all.alternatives().iter().any(|group| group.is_empty()) { nothing } else { all }
}

fn known(holds: bool) -> Selector {
    if holds { Selector::default() } else { Selector::nothing() }
}

fn renamed(requirement: &Requirement, key: &'static str) -> Selector {
    Selector::new(vec![Requirement { key: key.into(), operator: requirement.operator.clone() }])
}

/// Whether what a key says follows from a pod's namespace.
fn is_of_namespace(key: &str) -> bool {
    key == CALICO_NAMESPACE || key.starts_with(NAMESPACE_PREFIX) || key.starts_with(ACCOUNT_PREFIX)
}

impl<'a> Directory<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let names = snapshot.namespaces().into_iter();
        let mut accounts: BTreeMap<SmolStr, Vec<_>> = BTreeMap::new();
        for (key, record) in snapshot.records(Kind::ServiceAccount) {
            if let Record::ServiceAccount(account) = record {
                accounts.entry(key.namespace.clone()).or_default().push((&key.name, &account.labels));
            }
        }
        let sets = [Kind::NetworkSet, Kind::GlobalNetworkSet].into_iter().flat_map(|kind| snapshot.records(kind));
        let sets = sets.filter_map(|(key, record)| match record {
            Record::NetworkSet(set) => Some((key, &**set)),
            _ => None,
        });
        Self {
            snapshot,
            namespaces: names.map(|name| (name.clone(), snapshot.labels_of_namespace(&name))).collect(),
            accounts,
            sets: sets.collect(),
        }
    }

    /// Whether a selector of namespaces matches one.
    pub(super) fn namespace_matches(&self, name: &SmolStr, selector: &Selector) -> bool {
        selector.matches(&Namespace { name: Some(name), labels: self.namespaces.get(name) })
    }

    /// The pods among some endpoints. Calico knows no pod on its node's network.
    pub(super) fn pods(&self, endpoints: &CalicoEndpoints) -> Pods {
        let scope = match &endpoints.namespaces {
            CalicoNamespaces::Any => NamespaceScope::Matching(Selector::default()),
            CalicoNamespaces::One(name) => NamespaceScope::One(name.clone()),
            CalicoNamespaces::Matching(selector) => {
                NamespaceScope::Matching(settled(selector, &|requirement| match requirement.key.as_str() {
                    GLOBAL_KEY => known(requirement.matches(&Namespace { name: Some(""), labels: None })),
                    CALICO_NAME => renamed(requirement, name_label()),
                    _ => Selector::new(vec![requirement.clone()]),
                }))
            }
        };
        if matches!(&scope, NamespaceScope::Matching(selector) if *selector == Selector::nothing()) {
            return Pods::default();
        }
        let keys = endpoints.labels.keys();
        let condition = self.unknown(&keys);
        if !keys.iter().any(|key| is_of_namespace(key)) {
            let pods = self.labels_in(&endpoints.labels, "");
            let selectors = if pods == Selector::nothing() { Vec::new() } else { vec![PodSelector::within(scope, pods)] };
            return Pods { selectors, condition };
        }
        let mut by_pods: BTreeMap<Selector, Vec<SmolStr>> = BTreeMap::new();
        for (name, labels) in &self.namespaces {
            let is_meant = match &scope {
                NamespaceScope::One(one) => one == name,
                NamespaceScope::Matching(selector) => selector.matches(labels),
            };
            let pods = self.labels_in(&endpoints.labels, name);
            if is_meant && pods != Selector::nothing() {
                by_pods.entry(pods).or_default().push(name.clone());
            }
        }
        let selectors = by_pods.into_iter().map(|(pods, names)| {
            let named = Requirement { key: name_label().into(), operator: Operator::In(names) };
            PodSelector::within(NamespaceScope::Matching(Selector::new(vec![named])), pods)
        });
        Pods { selectors: selectors.collect(), condition }
    }

    /// What a selector asks of pods of a namespace.
    fn labels_in(&self, selector: &Selector, namespace: &str) -> Selector {
        let own = Namespace { name: Some(namespace), labels: self.namespaces.get(namespace) };
        settled(selector, &|requirement| {
            let key = requirement.key.as_str();
            let of_fact = |fact: Option<&str>| {
                let facts: LabelSet = fact.map(|fact| (key, fact)).into_iter().collect();
                known(requirement.matches(&facts))
            };
            if let Some(label) = key.strip_prefix(NAMESPACE_PREFIX) {
                return of_fact(own.fact(label));
            }
            match key {
                CALICO_NAMESPACE => of_fact(Some(namespace)),
                CALICO_ORCHESTRATOR => of_fact(Some("k8s")),
                CALICO_ACCOUNT => renamed(requirement, ACCOUNT_KEY),
                _ if key.starts_with(ACCOUNT_PREFIX) => self.accounts_meeting(requirement, namespace),
                _ => Selector::new(vec![requirement.clone()]),
            }
        })
    }

    /// The accounts of a namespace whose labels meet a requirement. One that has no object has no labels.
    fn accounts_meeting(&self, requirement: &Requirement, namespace: &str) -> Selector {
        let key: SmolStr = requirement.key.strip_prefix(ACCOUNT_PREFIX).unwrap_or_default().into();
        let requirement = Requirement { key, operator: requirement.operator.clone() };
        if requirement.key == CALICO_NAME {
            return renamed(&requirement, ACCOUNT_KEY);
        }
        let meets_by_default = requirement.matches(&LabelSet::default());
        let accounts = self.accounts.get(namespace).into_iter().flatten();
        let others = accounts.filter(|(_, labels)| requirement.matches(*labels) != meets_by_default).map(|(name, _)| (*name).clone());
        let others: Vec<SmolStr> = others.collect();
        let operator = if meets_by_default { Operator::NotIn(others) } else { Operator::In(others) };
        match &operator {
            Operator::In(names) if names.is_empty() => Selector::nothing(),
            Operator::NotIn(names) if names.is_empty() => Selector::default(),
            _ => Selector::new(vec![Requirement { key: ACCOUNT_KEY.into(), operator }]),
        }
    }

    /// What cannot be known of what some keys say.
    fn unknown(&self, keys: &[&SmolStr]) -> Option<&'static str> {
        let is_unseen =
            |kind: Kind, prefix: &str| self.snapshot.unseen.0.contains_key(&kind) && keys.iter().any(|key| key.starts_with(prefix));
        if is_unseen(Kind::Namespace, NAMESPACE_PREFIX) {
            Some("the labels of namespaces, which may not be listed, are as the selector asks")
        } else if is_unseen(Kind::ServiceAccount, ACCOUNT_PREFIX) {
            Some("the labels of service accounts, which may not be listed, are as the selector asks")
        } else {
            None
        }
    }

    /// The sets of networks among some endpoints, and whether that is certain: of what has no namespace, or no service account, Calico's text
    /// says nothing where namespaces or accounts are selected, and its code takes what a selector does not keep out.
    pub(super) fn networks(&self, endpoints: &CalicoEndpoints) -> Vec<(&'a NetworkSetRecord, bool)> {
        let asks_for_accounts = endpoints.labels.keys().iter().any(|key| key.starts_with(ACCOUNT_PREFIX));
        let mut sets = Vec::new();
        for (key, set) in &self.sets {
            let name = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
            let namespace = || Namespace { name, labels: self.namespaces.get(&key.namespace) };
            let is_there = match &endpoints.namespaces {
                CalicoNamespaces::Any => true,
                CalicoNamespaces::One(one) => name == Some(one),
                CalicoNamespaces::Matching(selector) => selector.matches(&namespace()),
            };
            if is_there && endpoints.labels.matches(&Set { labels: &set.labels, namespace: namespace() }) {
                let is_by_namespace = match &endpoints.namespaces {
                    CalicoNamespaces::Matching(selector) => !selector.keys().iter().any(|key| *key == GLOBAL_KEY),
                    CalicoNamespaces::Any | CalicoNamespaces::One(_) => false,
                };
                sets.push((*set, !(asks_for_accounts || is_by_namespace && name.is_none())));
            }
        }
        sets
    }

    /// Whether sets of networks may be there unseen.
    pub(super) fn may_miss_networks(&self) -> bool {
        [Kind::NetworkSet, Kind::GlobalNetworkSet].iter().any(|kind| self.snapshot.unseen.0.contains_key(kind))
    }
}
