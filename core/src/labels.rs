//! Labels, and what else selectors look at.

use std::fmt;

use internment::ArcIntern;
use smol_str::SmolStr;

pub use crate::selector::{Likeness, Operator, Requirement, Selector, Unmet};

/// The labels of an object: sorted by key, keys unique. Each pair of key and value is held once, however many objects bear it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels(Box<[ArcIntern<(SmolStr, SmolStr)>]>);

/// Labels that are held once, however many objects bear the same: cheap to clone, to compare and to hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelSet(ArcIntern<Labels>);

impl From<Labels> for LabelSet {
    fn from(labels: Labels) -> Self {
        Self(ArcIntern::new(labels))
    }
}

impl Default for LabelSet {
    fn default() -> Self {
        Labels::default().into()
    }
}

impl std::ops::Deref for LabelSet {
    type Target = Labels;

    fn deref(&self) -> &Labels {
        &self.0
    }
}

impl<K: Into<SmolStr>, V: Into<SmolStr>> FromIterator<(K, V)> for LabelSet {
    /// Later values replace earlier ones of the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs.into_iter().collect::<Labels>().into()
    }
}

impl Labels {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        // There are few of them: told from each other by length mostly, they need no order.
        self.0.iter().find(|label| label.0 == key).map(|label| label.1.as_str())
    }

    /// Pairs of key and value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|label| (label.0.as_str(), label.1.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the labels whose keys are wanted.
    pub(crate) fn only(&self, is_wanted: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|label| is_wanted(&label.0)).cloned().collect())
    }

    /// The same labels and one more, which replaces what the key had.
    pub fn with(&self, key: &str, value: &str) -> Self {
        self.iter().filter(|(other, _)| *other != key).chain([(key, value)]).collect()
    }
}

impl<K: Into<SmolStr>, V: Into<SmolStr>> FromIterator<(K, V)> for Labels {
    /// Later values replace earlier ones of the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let sorted: std::collections::BTreeMap<SmolStr, SmolStr> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self(sorted.into_iter().map(ArcIntern::new).collect())
    }
}

impl fmt::Display for Labels {
    /// `app=cart, tier=web`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What can be selected by what is known of it under keys.
pub trait Facts {
    /// The value of a key.
    fn fact(&self, key: &str) -> Option<&str>;
}

impl<F: Facts + ?Sized> Facts for &F {
    fn fact(&self, key: &str) -> Option<&str> {
        (**self).fact(key)
    }
}

impl Facts for Labels {
    fn fact(&self, key: &str) -> Option<&str> {
        self.get(key)
    }
}

impl Facts for LabelSet {
    fn fact(&self, key: &str) -> Option<&str> {
        self.get(key)
    }
}
