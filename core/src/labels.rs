//! Labels and the selectors over them.

use std::fmt;

use smol_str::SmolStr;

/// The labels of an object: sorted by key, keys unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Labels(Box<[(SmolStr, SmolStr)]>);

impl Labels {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|(candidate, _)| candidate.as_str().cmp(key)).ok()?;
        self.0.get(index).map(|(_, value)| value.as_str())
    }

    /// Pairs of key and value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        Self(sorted.into_iter().collect())
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

/// A label selector: all requirements must be met. The empty selector selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Selector {
    /// The requirements, sorted.
    pub requirements: Vec<Requirement>,
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
        Self { requirements }
    }

    /// A selector that wants exactly these values.
    pub fn of_labels(labels: &Labels) -> Self {
        Self::new(labels.iter().map(|(key, value)| Requirement { key: key.into(), operator: Operator::In(vec![value.into()]) }).collect())
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects something with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// The first requirement that the labels do not meet.
    pub fn first_unmet(&self, labels: &Labels) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| !requirement.matches(labels))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("everything");
        }
        let parts: Vec<String> = self.requirements.iter().map(ToString::to_string).collect();
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
