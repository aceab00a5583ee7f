//! Which classes a selector can mean, found by its most restrictive condition: a label that it must have, or a namespace.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::class::{Class, ClassId};
use crate::ids::Table;
use crate::labels::{Labels, Operator, Selector};
use crate::policy::{NamespaceScope, PodSelector};

/// Classes by namespace and by label.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) all: Vec<ClassId>,
    by_namespace: FxHashMap<SmolStr, Vec<ClassId>>,
    by_label: FxHashMap<SmolStr, FxHashMap<SmolStr, Vec<ClassId>>>,
    namespaces: Vec<(SmolStr, Arc<Labels>)>,
    /// The classes of the namespaces that a selector of namespaces matches, once it was asked for.
    scopes: Mutex<FxHashMap<Selector, Arc<[ClassId]>>>,
}

impl Index {
    /// Files every class.
    pub(super) fn new(classes: &Table<ClassId, Class>) -> Self {
        let mut index = Self { all: classes.ids().collect(), ..Self::default() };
        for (id, class) in classes.entries() {
            match index.by_namespace.get_mut(&class.namespace) {
                Some(of_namespace) => of_namespace.push(id),
                None => {
                    index.by_namespace.insert(class.namespace.clone(), vec![id]);
                    index.namespaces.push((class.namespace.clone(), Arc::clone(&class.namespace_labels)));
                }
            }
            for (key, value) in class.labels.iter() {
                let values = match index.by_label.get_mut(key) {
                    Some(values) => values,
                    None => index.by_label.entry(key.into()).or_default(),
                };
                match values.get_mut(value) {
                    Some(ids) => ids.push(id),
                    None => drop(values.insert(value.into(), vec![id])),
                }
            }
        }
        index
    }

    /// Classes among which are all that the selector matches, sorted.
    pub(super) fn candidates(&self, selector: &PodSelector) -> Cow<'_, [ClassId]> {
        let by_label = self.by_label(&selector.pods);
        let is_fewer = |n: usize| by_label.as_ref().is_some_and(|ids| ids.len() < n);
        match &selector.namespaces {
            NamespaceScope::One(namespace) => {
                let here = self.by_namespace.get(namespace).map_or(&[] as &[ClassId], Vec::as_slice);
                if is_fewer(here.len()) { by_label.unwrap_or_default() } else { here.into() }
            }
            NamespaceScope::Matching(namespaces) if namespaces.is_everything() => by_label.unwrap_or_else(|| self.all.as_slice().into()),
            NamespaceScope::Matching(namespaces) => {
                let scope = self.scope(namespaces);
                if is_fewer(scope.len()) { by_label.unwrap_or_default() } else { scope.to_vec().into() }
            }
        }
    }

    /// The classes that have one of the labels that a selector must have, by the condition that leaves the fewest; `None` where it
    /// has no such condition.
    fn by_label(&self, pods: &Selector) -> Option<Cow<'_, [ClassId]>> {
        let ids_of = |key: &SmolStr, value: &SmolStr| -> &[ClassId] {
            self.by_label.get(key).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
        };
        let conditions = pods.requirements.iter().filter_map(|requirement| match &requirement.operator {
            Operator::In(values) => Some((&requirement.key, values)),
            _ => None,
        });
        let (key, values) = conditions.min_by_key(|(key, values)| values.iter().map(|value| ids_of(key, value).len()).sum::<usize>())?;
        Some(match values.as_slice() {
            [value] => ids_of(key, value).into(),
            values => {
                let mut ids: Vec<ClassId> = values.iter().flat_map(|value| ids_of(key, value)).copied().collect();
                ids.sort_unstable();
                ids.into()
            }
        })
    }

    fn scope(&self, namespaces: &Selector) -> Arc<[ClassId]> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = scopes.get(namespaces) {
            return Arc::clone(scope);
        }
        let matching = self.namespaces.iter().filter(|(_, labels)| namespaces.matches(labels));
        let mut ids: Vec<ClassId> = matching.filter_map(|(namespace, _)| self.by_namespace.get(namespace)).flatten().copied().collect();
        ids.sort_unstable();
        let scope: Arc<[ClassId]> = ids.into();
        scopes.insert(namespaces.clone(), Arc::clone(&scope));
        scope
    }
}
