//! Selectors of endpoints: label selectors whose keys may name the source of a label (pkg/policy/api/selector.go).

use smol_str::SmolStr;

use super::Policies;
use crate::intake::{ApiSelector, escape};
use crate::labels::{Operator, Requirement, Selector};
use crate::record::{CiliumKey, CiliumRequirement, CiliumSelector};

/// The label of Cilium that bears the namespace of a pod.
pub(in crate::intake) const NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// What stands before a namespace's labels where Cilium sees them on pods.
pub(in crate::intake) const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";
/// The label of Cilium that bears the service account of a pod.
pub(in crate::intake) const ACCOUNT: &str = "io.cilium.k8s.policy.serviceaccount";
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
/// The names of reserved labels (pkg/labels, `IDName...`).
const RESERVED: &[&str] =
    &["host", "remote-node", "world", "world-ipv4", "world-ipv6", "kube-apiserver", "init", "ingress", "unmanaged", "health", "none"];

impl Policies<'_, '_> {
    /// A selector of endpoints, or `None` where Cilium refuses it.
    pub(super) fn selector(&mut self, selector: ApiSelector, pointer: &str) -> Option<CiliumSelector> {
        let mut requirements = Vec::new();
        let mut is_valid = true;
        for (key, value) in selector.match_labels.unwrap_or_default() {
            let pointer = format!("{pointer}/matchLabels/{}", escape(&key));
            match self.key(&key, &pointer) {
                Some(key) => requirements.push(CiliumRequirement { key, operator: Operator::In(vec![value.into()]) }),
                None => is_valid = false,
            }
        }
        for (index, expression) in selector.match_expressions.unwrap_or_default().into_iter().enumerate() {
            let pointer = format!("{pointer}/matchExpressions/{index}");
            let mut values: Vec<SmolStr> = expression.values.unwrap_or_default().into_iter().map(SmolStr::from).collect();
            values.sort_unstable();
            values.dedup();
            let needs_values = matches!(expression.operator.as_str(), "In" | "NotIn");
            let operator = match expression.operator.as_str() {
                "In" if !values.is_empty() => Some(Operator::In(values)),
                "NotIn" if !values.is_empty() => Some(Operator::NotIn(values)),
                "Exists" if values.is_empty() => Some(Operator::Exists),
                "DoesNotExist" if values.is_empty() => Some(Operator::DoesNotExist),
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {
                    let must = if needs_values { "needs at least one value" } else { "takes no values" };
                    self.refuse(format!("{pointer}/values"), format!("operator {} {must}", expression.operator));
                    None
                }
                other => {
                    let known = "In, NotIn, Exists, DoesNotExist";
                    self.refuse(format!("{pointer}/operator"), format!("unknown operator {other:?}; known are {known}"));
                    None
                }
            };
            match (operator, self.key(&expression.key, &format!("{pointer}/key"))) {
                (Some(operator), Some(key)) => requirements.push(CiliumRequirement { key, operator }),
                _ => is_valid = false,
            }
        }
        is_valid.then_some(CiliumSelector { requirements })
    }

    /// A selector of what has plain labels, as nodes, Services and groups of addresses have: a source before a key is dropped.
    pub(super) fn plain_selector(&mut self, selector: ApiSelector, pointer: &str) -> Option<Selector> {
        let read = self.selector(selector, pointer)?;
        let plain = |requirement: CiliumRequirement| {
            let key = match requirement.key {
                CiliumKey::Label(key) => key,
                CiliumKey::Namespace => NAMESPACE.into(),
                CiliumKey::NamespaceLabel(key) => format!("{NAMESPACE_LABELS}{key}").into(),
                CiliumKey::Account => ACCOUNT.into(),
                CiliumKey::Cluster => CLUSTER.into(),
                CiliumKey::Reserved(name) => format!("reserved:{name}").into(),
                CiliumKey::Foreign(key) => key,
            };
            Requirement { key, operator: requirement.operator }
        };
        Some(Selector::new(read.requirements.into_iter().map(plain).collect()))
    }

    fn key(&mut self, text: &str, pointer: &str) -> Option<CiliumKey> {
        let (source, key) = text.split_once(':').unwrap_or(("any", text));
        let key = match (source, key) {
            ("reserved", name) => {
                if !RESERVED.contains(&name) {
                    self.reader.warn(pointer, format!("no reserved label is called {name:?}; nothing has it"));
                }
                return Some(CiliumKey::Reserved(name.into()));
            }
            ("k8s" | "any" | "", NAMESPACE) => return Some(CiliumKey::Namespace),
            ("k8s" | "any" | "", ACCOUNT) => return Some(CiliumKey::Account),
            ("k8s" | "any" | "", CLUSTER) => return Some(CiliumKey::Cluster),
            ("k8s" | "any" | "", key) => key,
            _ => {
                self.reader.warn(pointer, format!("labels of the source {source:?} are not known: what has {text:?} cannot be told"));
                return Some(CiliumKey::Foreign(text.into()));
            }
        };
        let (label, wrap): (&str, fn(SmolStr) -> CiliumKey) = match key.strip_prefix(NAMESPACE_LABELS) {
            Some(label) => (label, CiliumKey::NamespaceLabel),
            None => (key, CiliumKey::Label),
        };
        if self.reader.label_key(label, pointer) {
            return Some(wrap(label.into()));
        }
        self.is_refused = true;
        None
    }
}
