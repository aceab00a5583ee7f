//! Which classes a selector can mean, found by its most restrictive condition: a label that it must have, or a namespace.
//!
//! Classes that come later are not filed: they are few, and each of them is a candidate, until the index is made anew.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::class::{Class, ClassId};
use crate::ids::Id;
use crate::labels::{LabelSet, Labels, Operator, Selector};
use crate::policy::{NamespaceScope, PodSelector};

/// So many classes are looked through rather than looked up.
pub(super) const FEW: usize = 8;

/// Things by the labels that they have.
#[derive(Debug)]
struct ByLabel<T>(FxHashMap<SmolStr, FxHashMap<SmolStr, Vec<T>>>);

impl<T: Copy + Ord> ByLabel<T> {
    fn new() -> Self {
        Self(FxHashMap::default())
    }

    fn add<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>, thing: T) {
        for (key, value) in labels {
            if !self.0.contains_key(key) {
                self.0.insert(key.into(), FxHashMap::default());
            }
            let Some(values) = self.0.get_mut(key) else { continue };
            match values.get_mut(value) {
                Some(things) => things.push(thing),
                None => drop(values.insert(value.into(), vec![thing])),
            }
        }
    }

    /// Those that have a label, sorted.
    fn of(&self, key: &str, value: &str) -> &[T] {
        self.0.get(key).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }

    /// Those that have one of the labels that a selector must have, by the condition that leaves the fewest, sorted; `None` where it has
    /// no such condition, or where that leaves `most` or more.
    fn fewest(&self, selector: &Selector, most: usize) -> Option<Cow<'_, [T]>> {
        let conditions = selector.requirements().iter().filter_map(|requirement| match &requirement.operator {
            Operator::In(values) => {
                Some((values.iter().map(|value| self.of(&requirement.key, value).len()).sum::<usize>(), requirement, values))
            }
            _ => None,
        });
        let (n, requirement, values) = conditions.min_by_key(|(n, ..)| *n)?;
        let key = &requirement.key;
        match values.as_slice() {
            _ if n >= most => None,
            [value] => Some(self.of(key, value).into()),
            values => {
                let mut things: Vec<T> = values.iter().flat_map(|value| self.of(key, value)).copied().collect();
                things.sort_unstable();
                Some(things.into())
            }
        }
    }
}

/// Classes by namespace and by label.
#[derive(Debug)]
pub(super) struct Index {
    /// All classes of smaller ids are filed.
    n_filed: usize,
    by_namespace: FxHashMap<SmolStr, Vec<ClassId>>,
    by_label: ByLabel<ClassId>,
    /// Namespaces as the filed classes have seen them: one whose labels have changed may be there twice.
    namespaces: Vec<(SmolStr, LabelSet)>,
    namespaces_by_label: ByLabel<u32>,
    /// The classes of the namespaces that a selector of namespaces matches, once it was asked for.
    scopes: Mutex<Kept<Selector>>,
    /// The filed classes that a selector of many matches, once it was asked for.
    broad: Mutex<Kept<PodSelector>>,
}

/// What selectors match, as far as there is room.
#[derive(Debug)]
struct Kept<S> {
    known: FxHashMap<S, Arc<[ClassId]>>,
    /// How many classes may be kept yet, in all lists together.
    room: usize,
}

impl<S: Eq + Hash> Kept<S> {
    fn of(n_filed: usize) -> Mutex<Self> {
        Mutex::new(Self { known: FxHashMap::default(), room: n_filed.saturating_mul(KEPT_FOR_EACH) })
    }

    fn keep(&mut self, selector: S, ids: &Arc<[ClassId]>) {
        if let Some(room) = self.room.checked_sub(ids.len()) {
            self.room = room;
            self.known.insert(selector, Arc::clone(ids));
        }
    }
}

/// Lists of selectors of many keep so many classes for each that is filed, and no more: with selectors that are all different and match
/// nearly everybody, lists would grow with the square of the classes.
const KEPT_FOR_EACH: usize = 16;

/// A selector that may match more is looked at as one of many.
const MANY: usize = 64;

/// Classes among which are all that something matches.
pub(super) struct Candidates<'a> {
    filed: Filed<'a>,
    later: std::ops::Range<usize>,
}

enum Filed<'a> {
    These(Cow<'a, [ClassId]>),
    Scope(Arc<[ClassId]>),
}

impl Filed<'_> {
    fn ids(&self) -> &[ClassId] {
        match self {
            Self::These(ids) => ids,
            Self::Scope(ids) => ids,
        }
    }
}

impl Candidates<'_> {
    /// All of them, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = ClassId> {
        self.filed.ids().iter().copied().chain(self.later.clone().map(ClassId::from_index))
    }
}

impl Index {
    /// Files every class by namespace and by those labels that some selector asks for. One that has lost its pods may have them still in
    /// another reachability, with which rows are shared.
    pub(super) fn new<'a>(classes: impl ExactSizeIterator<Item = &'a Class>, keys: &FxHashSet<SmolStr>) -> Self {
        let mut index = Self {
            n_filed: classes.len(),
            by_namespace: FxHashMap::default(),
            by_label: ByLabel::new(),
            namespaces: Vec::new(),
            namespaces_by_label: ByLabel::new(),
            scopes: Kept::of(classes.len()),
            broad: Kept::of(classes.len()),
        };
        for (number, class) in classes.enumerate() {
            let id = ClassId::from_index(number);
            match index.by_namespace.get_mut(class.namespace()) {
                Some(of_namespace) => of_namespace.push(id),
                None => drop(index.by_namespace.insert(class.namespace().clone(), vec![id])),
            }
            let is_last = |(name, labels): &(SmolStr, LabelSet)| name == class.namespace() && *labels == class.namespace_labels;
            if !index.namespaces.last().is_some_and(is_last) {
                let number = u32::try_from(index.namespaces.len()).unwrap_or(u32::MAX);
                index.namespaces_by_label.add(class.namespace_labels.iter(), number);
                index.namespaces.push((class.namespace().clone(), class.namespace_labels.clone()));
            }
            index.by_label.add(class.template().facts().filter(|(key, _)| keys.contains(*key)), id);
        }
        index
    }

    /// All classes of smaller ids are filed.
    pub(super) fn n_filed(&self) -> usize {
        self.n_filed
    }

    /// How many classes are not filed, of so many.
    pub(super) fn n_later(&self, n_classes: usize) -> usize {
        n_classes.saturating_sub(self.n_filed)
    }

    fn with_later<'a>(&self, filed: Filed<'a>, n_classes: usize) -> Candidates<'a> {
        Candidates { filed, later: self.n_filed..n_classes.max(self.n_filed) }
    }

    /// The filed classes of a namespace, sorted.
    pub(super) fn here(&self, namespace: &SmolStr) -> &[ClassId] {
        self.by_namespace.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Classes, of so many, among which are all of a namespace that have these labels, as far as selectors can see them.
    pub(super) fn alike(&self, namespace: &SmolStr, labels: &Labels, n_classes: usize) -> Candidates<'_> {
        let lists = labels.iter().map(|(key, value)| self.by_label.of(key, value)).chain([self.here(namespace)]);
        let fewest = lists.min_by_key(|ids| ids.len()).unwrap_or_default();
        self.with_later(Filed::These(fewest.into()), n_classes)
    }

    /// Classes, of so many, among which are all that the selector matches, sorted.
    pub(super) fn candidates(&self, selector: &PodSelector, n_classes: usize) -> Candidates<'_> {
        let by_label = |most: usize| if most <= FEW { None } else { self.by_label.fewest(&selector.pods, most) };
        let filed = match &selector.namespaces {
            NamespaceScope::One(namespace) => {
                let here = self.here(namespace);
                Filed::These(by_label(here.len()).unwrap_or_else(|| here.into()))
            }
            NamespaceScope::Matching(namespaces) if namespaces.is_everything() => match by_label(usize::MAX) {
                Some(ids) => Filed::These(ids),
                None => return Candidates { filed: Filed::These(Cow::default()), later: 0..n_classes },
            },
            NamespaceScope::Matching(namespaces) => {
                let scope = self.scope(namespaces);
                by_label(scope.len()).map_or(Filed::Scope(scope), Filed::These)
            }
        };
        self.with_later(filed, n_classes)
    }

    /// The filed classes that a selector of many matches, of which `is_selected` tells which they are. `None` where it is not one of many,
    /// and `Some(None)` where there is no room for its list.
    pub(super) fn broad(&self, selector: &PodSelector, is_selected: impl Fn(ClassId) -> bool) -> Option<Option<Arc<[ClassId]>>> {
        let candidates = self.candidates(selector, self.n_filed);
        let n_candidates = candidates.filed.ids().len() + candidates.later.len();
        if n_candidates <= MANY {
            return None;
        }
        let mut broad = self.broad.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = broad.known.get(selector) {
            return Some(Some(Arc::clone(known)));
        }
        if broad.room < n_candidates {
            return Some(None);
        }
        let ids: Arc<[ClassId]> = candidates.iter().filter(|id| is_selected(*id)).collect();
        broad.keep(selector.clone(), &ids);
        Some(Some(ids))
    }

    fn scope(&self, namespaces: &Selector) -> Arc<[ClassId]> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = scopes.known.get(namespaces) {
            return Arc::clone(scope);
        }
        let classes_of = |(namespace, labels): &(SmolStr, LabelSet)| -> &[ClassId] {
            if namespaces.matches(labels) { self.here(namespace) } else { &[] }
        };
        let mut ids: Vec<ClassId> = match self.namespaces_by_label.fewest(namespaces, usize::MAX) {
            Some(numbers) => {
                numbers.iter().filter_map(|number| self.namespaces.get(*number as usize)).flat_map(classes_of).copied().collect()
            }
            None => self.namespaces.iter().flat_map(classes_of).copied().collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        let scope: Arc<[ClassId]> = ids.into();
        scopes.keep(namespaces.clone(), &scope);
        scope
    }
}
