//! Labels and the selectors over them.

use std::fmt;

use internment::ArcIntern;
use serde::Serialize;
use serde::ser::SerializeStruct;
use smol_str::SmolStr;

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

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// The label's key.
    pub key: SmolStr,
    /// What is asked of its value.
    pub operator: Operator,
}

/// What a requirement asks of a label (`LabelSelectorRequirement.operator` of apimachinery meta/v1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// The key is there with one of these values, which are sorted.
    In(Vec<SmolStr>),
    /// The key is absent, or has none of these values, which are sorted.
    NotIn(Vec<SmolStr>),
    /// The key is there.
    Exists,
    /// The key is absent.
    DoesNotExist,
}

impl Requirement {
    /// Whether the labels meet it (apimachinery `labels.Requirement.Matches`: NotIn and DoesNotExist hold for an absent key).
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let is_one_of =
            |values: &[SmolStr]| value.is_some_and(|value| values.binary_search_by(|candidate| candidate.as_str().cmp(value)).is_ok());
        match &self.operator {
            Operator::In(values) => is_one_of(values),
            Operator::NotIn(values) => !is_one_of(values),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }

    /// Whether whatever meets `self` meets `other`.
    pub fn implies(&self, other: &Self) -> bool {
        let holds_all = |all: &[SmolStr], some: &[SmolStr]| some.iter().all(|value| all.binary_search(value).is_ok());
        self.key == other.key
            && match (&self.operator, &other.operator) {
                (Operator::In(own), Operator::In(wanted)) => holds_all(wanted, own),
                (Operator::In(own), Operator::NotIn(unwanted)) => own.iter().all(|value| unwanted.binary_search(value).is_err()),
                (Operator::NotIn(own), Operator::NotIn(unwanted)) => holds_all(own, unwanted),
                (Operator::In(_) | Operator::Exists, Operator::Exists)
                | (Operator::DoesNotExist, Operator::NotIn(_) | Operator::DoesNotExist) => true,
                _ => false,
            }
    }

    /// Whether nothing can meet both.
    pub fn excludes(&self, other: &Self) -> bool {
        let absent = Self { key: self.key.clone(), operator: Operator::DoesNotExist };
        match (&self.operator, &other.operator) {
            _ if self.key != other.key => false,
            (Operator::In(values), _) => {
                values.iter().all(|value| !Self { key: self.key.clone(), operator: Operator::In(vec![value.clone()]) }.implies(other))
            }
            (_, Operator::In(_)) => other.excludes(self),
            (Operator::Exists, _) => other.implies(&absent),
            (Operator::DoesNotExist, _) => other.operator == Operator::Exists,
            (Operator::NotIn(_), _) => false,
        }
    }

    fn values(&self) -> &[SmolStr] {
        match &self.operator {
            Operator::In(values) | Operator::NotIn(values) => values,
            Operator::Exists | Operator::DoesNotExist => &[],
        }
    }
}

impl Serialize for Requirement {
    /// `{"key":"app","operator":"In","values":["cart"]}`, as `LabelSelectorRequirement` is written; values only where there are some.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let operator = match self.operator {
            Operator::In(_) => "In",
            Operator::NotIn(_) => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
        };
        let values = self.values();
        let mut map = serializer.serialize_struct("Requirement", if values.is_empty() { 2 } else { 3 })?;
        map.serialize_field("key", &self.key)?;
        map.serialize_field("operator", operator)?;
        if !values.is_empty() {
            map.serialize_field("values", values)?;
        }
        map.end()
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.operator {
            Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", values.join("")),
            Operator::In(values) => write!(f, "{key} in ({})", values.join(", ")),
            Operator::NotIn(values) => write!(f, "{key} not in ({})", values.join(", ")),
            Operator::Exists => write!(f, "{key} exists"),
            Operator::DoesNotExist => write!(f, "{key} does not exist"),
        }
    }
}

/// A label selector: all requirements must be met. The empty selector selects everything. Equal selectors are held once: cheap to clone,
/// to compare and to hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    requirements: ArcIntern<Box<[Requirement]>>,
}

impl Default for Selector {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl PartialOrd for Selector {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Selector {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.requirements().cmp(other.requirements())
    }
}

impl Serialize for Selector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.requirements().serialize(serializer)
    }
}

impl Selector {
    /// A selector of these requirements.
    pub fn new(mut requirements: Vec<Requirement>) -> Self {
        for requirement in &mut requirements {
            if let Operator::In(values) | Operator::NotIn(values) = &mut requirement.operator {
                values.sort_unstable();
                values.dedup();
            }
        }
        requirements.sort_unstable();
        requirements.dedup();
        Self { requirements: ArcIntern::new(requirements.into()) }
    }

    /// The requirements, sorted.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// A selector that wants exactly these values.
    pub fn of_labels(labels: &Labels) -> Self {
        Self::new(labels.iter().map(|(key, value)| Requirement { key: key.into(), operator: Operator::In(vec![value.into()]) }).collect())
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements().is_empty()
    }

    /// Whether it selects something with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements().iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether whatever it selects is selected by `other` too, as far as single requirements show it.
    pub fn implies(&self, other: &Self) -> bool {
        other.requirements().iter().all(|wanted| self.requirements().iter().any(|own| own.implies(wanted)))
    }

    /// What both select; `None` where two requirements exclude each other.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let is_excluded = self.requirements().iter().any(|own| other.requirements().iter().any(|wanted| own.excludes(wanted)));
        let both = self.requirements().iter().chain(other.requirements());
        (!is_excluded).then(|| Self::new(both.cloned().collect()))
    }

    /// Whether it asks for single values and for nothing else, as `matchLabels` does.
    pub fn asks_for_labels_only(&self) -> bool {
        self.requirements().iter().all(|requirement| matches!(&requirement.operator, Operator::In(values) if values.len() == 1))
    }

    /// The first requirement that the labels do not meet.
    pub fn first_unmet(&self, labels: &Labels) -> Option<&Requirement> {
        self.requirements().iter().find(|requirement| !requirement.matches(labels))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("everything");
        }
        let parts: Vec<String> = self.requirements().iter().map(ToString::to_string).collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(operator: Operator) -> Selector {
        Selector::new(vec![Requirement { key: "a".into(), operator }])
    }

    #[test]
    fn implied_is_what_holds_for_all_and_excluded_what_holds_for_none() {
        // Values that stand for all others: "c" is named by no operator below.
        let labels: Vec<Labels> =
            [None, Some("1"), Some("2"), Some("c")].map(|value| value.map(|value| ("a", value)).into_iter().collect()).into();
        let values = |values: &[&str]| values.iter().map(SmolStr::new).collect::<Vec<_>>();
        let mut all = vec![Operator::Exists, Operator::DoesNotExist];
        for some in [["1"].as_slice(), &["2"], &["1", "2"]] {
            all.extend([Operator::In(values(some)), Operator::NotIn(values(some))]);
        }
        for first in &all {
            for second in &all {
                let (a, b) = (requirement(first.clone()), requirement(second.clone()));
                let implied = labels.iter().all(|labels| !a.matches(labels) || b.matches(labels));
                assert_eq!(a.implies(&b), implied, "{first:?} {second:?}");
                let possible = labels.iter().any(|labels| a.matches(labels) && b.matches(labels));
                assert_eq!(a.and(&b).is_some(), possible, "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn negative_operators_hold_for_an_absent_key() {
        let with: Labels = [("a", "1")].into_iter().collect();
        let without: Labels = [("b", "1")].into_iter().collect();
        let values = || vec![SmolStr::from("2"), SmolStr::from("1")];
        for (operator, there, absent) in [
            (Operator::In(values()), true, false),
            (Operator::NotIn(values()), false, true),
            (Operator::Exists, true, false),
            (Operator::DoesNotExist, false, true),
        ] {
            assert_eq!(requirement(operator.clone()).matches(&with), there, "{operator:?}");
            assert_eq!(requirement(operator.clone()).matches(&without), absent, "{operator:?}");
        }
        assert!(Selector::default().matches(&without));
    }
}
