//! Selectors over labels: requirements, and alternatives of them.

use std::fmt;

use internment::ArcIntern;
use serde::Serialize;
use serde::ser::SerializeStruct;
use smol_str::SmolStr;

use crate::labels::{Facts, Labels};

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
    /// The key is there, and its value is like this.
    Like(Likeness, SmolStr),
    /// The key is absent, or its value is not like this.
    NotLike(Likeness, SmolStr),
}

/// How a value is like a text (the selectors of Calico ask so).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Likeness {
    /// It has the text within.
    Contains,
    /// It begins with the text.
    StartsWith,
    /// It ends with the text.
    EndsWith,
}

impl Likeness {
    fn holds(self, value: &str, text: &str) -> bool {
        match self {
            Self::Contains => value.contains(text),
            Self::StartsWith => value.starts_with(text),
            Self::EndsWith => value.ends_with(text),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

impl Requirement {
    /// Whether the labels meet it (apimachinery `labels.Requirement.Matches`: NotIn and DoesNotExist hold for an absent key).
    pub fn matches(&self, labels: &(impl Facts + ?Sized)) -> bool {
        let value = labels.fact(&self.key);
        let is_one_of =
            |values: &[SmolStr]| value.is_some_and(|value| values.binary_search_by(|candidate| candidate.as_str().cmp(value)).is_ok());
        match &self.operator {
            Operator::In(values) => is_one_of(values),
            Operator::NotIn(values) => !is_one_of(values),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Like(likeness, text) => value.is_some_and(|value| likeness.holds(value, text)),
            Operator::NotLike(likeness, text) => !value.is_some_and(|value| likeness.holds(value, text)),
        }
    }

    /// What holds where this does not.
    pub fn negated(&self) -> Self {
        let operator = match &self.operator {
            Operator::In(values) => Operator::NotIn(values.clone()),
            Operator::NotIn(values) => Operator::In(values.clone()),
            Operator::Exists => Operator::DoesNotExist,
            Operator::DoesNotExist => Operator::Exists,
            Operator::Like(likeness, text) => Operator::NotLike(*likeness, text.clone()),
            Operator::NotLike(likeness, text) => Operator::Like(*likeness, text.clone()),
        };
        Self { key: self.key.clone(), operator }
    }

    /// Whether whatever meets `self` meets `other`.
    pub fn implies(&self, other: &Self) -> bool {
        let holds_all = |all: &[SmolStr], some: &[SmolStr]| some.iter().all(|value| all.binary_search(value).is_ok());
        self.key == other.key
            && match (&self.operator, &other.operator) {
                (Operator::In(own), Operator::In(wanted)) => holds_all(wanted, own),
                (Operator::In(own), Operator::NotIn(unwanted)) => own.iter().all(|value| unwanted.binary_search(value).is_err()),
                (Operator::NotIn(own), Operator::NotIn(unwanted)) => holds_all(own, unwanted),
                (Operator::In(own), Operator::Like(likeness, text)) => own.iter().all(|value| likeness.holds(value, text)),
                (Operator::In(own), Operator::NotLike(likeness, text)) => !own.iter().any(|value| likeness.holds(value, text)),
                (Operator::In(_) | Operator::Exists | Operator::Like(..), Operator::Exists)
                | (Operator::DoesNotExist, Operator::NotIn(_) | Operator::NotLike(..) | Operator::DoesNotExist) => true,
                (own, wanted) => own == wanted,
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
            (Operator::Exists | Operator::Like(..), _) if other.implies(&absent) => true,
            (Operator::DoesNotExist, _) => matches!(other.operator, Operator::Exists | Operator::Like(..)),
            (_, Operator::DoesNotExist) => other.excludes(self),
            _ => self.negated() == *other,
        }
    }

    fn values(&self) -> &[SmolStr] {
        match &self.operator {
            Operator::In(values) | Operator::NotIn(values) => values,
            Operator::Exists | Operator::DoesNotExist => &[],
            Operator::Like(_, text) | Operator::NotLike(_, text) => std::slice::from_ref(text),
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
            Operator::Like(Likeness::Contains, _) => "Contains",
            Operator::Like(Likeness::StartsWith, _) => "StartsWith",
            Operator::Like(Likeness::EndsWith, _) => "EndsWith",
            Operator::NotLike(Likeness::Contains, _) => "NotContains",
            Operator::NotLike(Likeness::StartsWith, _) => "NotStartsWith",
            Operator::NotLike(Likeness::EndsWith, _) => "NotEndsWith",
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
            Operator::Like(likeness, text) => write!(f, "{key} {} {text:?}", likeness.words()),
            Operator::NotLike(likeness, text) => write!(f, "not {key} {} {text:?}", likeness.words()),
        }
    }
}

/// A label selector: all requirements must be met, and of each group of alternatives at least one. The empty selector selects everything.
/// Equal selectors are held once: cheap to clone, to compare and to hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    asked: ArcIntern<Asked>,
}

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Asked {
    requirements: Box<[Requirement]>,
    alternatives: Box<[Box<[Selector]>]>,
}

/// What a selector asks for that something does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet<'a> {
    /// A requirement.
    Requirement(&'a Requirement),
    /// Any one of these.
    Alternatives(&'a [Selector]),
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requirement(requirement) => requirement.fmt(f),
            Self::Alternatives(alternatives) => write_alternatives(f, alternatives),
        }
    }
}

fn write_alternatives(f: &mut fmt::Formatter<'_>, alternatives: &[Selector]) -> fmt::Result {
    if alternatives.is_empty() {
        return f.write_str("nothing");
    }
    f.write_str("(")?;
    for (index, alternative) in alternatives.iter().enumerate() {
        write!(f, "{}{alternative}", if index == 0 { "" } else { " or " })?;
    }
    f.write_str(")")
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
        (*self.asked).cmp(&*other.asked)
    }
}

impl Serialize for Selector {
    /// The requirements; what is more comes as `{"anyOf":[[...],[...]]}` among them.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = serializer.serialize_seq(Some(self.requirements().len() + self.alternatives().len()))?;
        for requirement in self.requirements() {
            list.serialize_element(requirement)?;
        }
        for group in self.alternatives() {
            list.serialize_element(&std::collections::BTreeMap::from([("anyOf", group)]))?;
        }
        list.end()
    }
}

impl Selector {
    /// A selector of these requirements.
    pub fn new(requirements: Vec<Requirement>) -> Self {
        Self::with_alternatives(requirements, Vec::new())
    }

    /// A selector of these requirements and, of each of these groups, at least one.
    pub fn with_alternatives(mut requirements: Vec<Requirement>, groups: Vec<Vec<Self>>) -> Self {
        let mut alternatives: Vec<Box<[Self]>> = Vec::new();
        for mut group in groups {
            group.sort_unstable();
            group.dedup();
            match group.as_slice() {
                _ if group.iter().any(Self::is_everything) => {}
                // One alternative is none.
                [only] => {
                    requirements.extend(only.requirements().iter().cloned());
                    alternatives.extend(only.alternatives().iter().cloned());
                }
                _ => alternatives.push(group.into()),
            }
        }
        for requirement in &mut requirements {
            if let Operator::In(values) | Operator::NotIn(values) = &mut requirement.operator {
                values.sort_unstable();
                values.dedup();
            }
        }
        requirements.sort_unstable();
        requirements.dedup();
        alternatives.sort_unstable();
        alternatives.dedup();
        Self { asked: ArcIntern::new(Asked { requirements: requirements.into(), alternatives: alternatives.into() }) }
    }

    /// A selector that selects what any of these does; nothing, where there is none.
    pub fn any_of(selectors: Vec<Self>) -> Self {
        Self::with_alternatives(Vec::new(), vec![selectors])
    }

    /// A selector that selects nothing.
    pub fn nothing() -> Self {
        Self::any_of(Vec::new())
    }

    /// A selector that selects what this one does not.
    pub fn negated(&self) -> Self {
        let of_requirements = self.requirements().iter().map(|requirement| Self::new(vec![requirement.negated()]));
        let of_groups = self
            .alternatives()
            .iter()
            .map(|group| group.iter().fold(Self::default(), |so_far, selector| so_far.and_all(&selector.negated())));
        Self::any_of(of_requirements.chain(of_groups).collect())
    }

    /// What both select, whether or not that can be anything.
    #[must_use]
    pub fn and_all(&self, other: &Self) -> Self {
        let requirements = self.requirements().iter().chain(other.requirements()).cloned().collect();
        let groups = self.alternatives().iter().chain(other.alternatives()).map(|group| group.to_vec()).collect();
        Self::with_alternatives(requirements, groups)
    }

    /// The requirements, sorted.
    pub fn requirements(&self) -> &[Requirement] {
        &self.asked.requirements
    }

    /// Groups of selectors, of each of which one must select it too; sorted.
    pub fn alternatives(&self) -> &[Box<[Self]>] {
        &self.asked.alternatives
    }

    /// The keys that it asks for, some of them more than once.
    pub fn keys(&self) -> Vec<&SmolStr> {
        let own = self.requirements().iter().map(|requirement| &requirement.key);
        own.chain(self.alternatives().iter().flatten().flat_map(Self::keys)).collect()
    }

    /// A selector that wants exactly these values.
    pub fn of_labels(labels: &Labels) -> Self {
        Self::new(labels.iter().map(|(key, value)| Requirement { key: key.into(), operator: Operator::In(vec![value.into()]) }).collect())
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements().is_empty() && self.alternatives().is_empty()
    }

    /// Whether it selects something with these labels.
    pub fn matches(&self, labels: &(impl Facts + ?Sized)) -> bool {
        self.requirements().iter().all(|requirement| requirement.matches(labels))
            && self.alternatives().iter().all(|group| group.iter().any(|selector| selector.matches(labels)))
    }

    /// Whether whatever it selects is selected by `other` too, as far as single requirements show it.
    pub fn implies(&self, other: &Self) -> bool {
        let implies_one = |group: &[Self]| group.iter().any(|selector| self.implies(selector));
        other.requirements().iter().all(|wanted| self.requirements().iter().any(|own| own.implies(wanted)))
            && other.alternatives().iter().all(|group| self.alternatives().contains(group) || implies_one(group))
    }

    /// What both select; `None` where two requirements exclude each other.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let is_excluded = self.requirements().iter().any(|own| other.requirements().iter().any(|wanted| own.excludes(wanted)));
        (!is_excluded).then(|| self.and_all(other))
    }

    /// Whether it asks for single values and for nothing else, as `matchLabels` does.
    pub fn asks_for_labels_only(&self) -> bool {
        let is_label = |requirement: &Requirement| matches!(&requirement.operator, Operator::In(values) if values.len() == 1);
        self.requirements().iter().all(is_label) && self.alternatives().is_empty()
    }

    /// The first requirement that the labels do not meet.
    pub fn first_unmet(&self, labels: &(impl Facts + ?Sized)) -> Option<Unmet<'_>> {
        let requirement = self.requirements().iter().find(|requirement| !requirement.matches(labels)).map(Unmet::Requirement);
        let group = || self.alternatives().iter().find(|group| !group.iter().any(|selector| selector.matches(labels)));
        requirement.or_else(|| group().map(|group| Unmet::Alternatives(group)))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("everything");
        }
        for (index, requirement) in self.requirements().iter().enumerate() {
            write!(f, "{}{requirement}", if index == 0 { "" } else { ", " })?;
        }
        for (index, group) in self.alternatives().iter().enumerate() {
            f.write_str(if index == 0 && self.requirements().is_empty() { "" } else { ", " })?;
            write_alternatives(f, group)?;
        }
        Ok(())
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
