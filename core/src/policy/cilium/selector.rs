//! What selectors of endpoints select: pods, and entities, which have reserved labels and no others.
//!
//! A selector without a namespace is for that of its policy; in a policy for the whole cluster, for what has one, that is for pods
//! (`getEndpointSelector` of pkg/k8s/apis/cilium.io/utils). `NotIn` and `DoesNotExist` hold for an entity, which has no such label.

use smol_str::SmolStr;

use crate::labels::{Labels, Operator, Requirement, Selector};
use crate::policy::{NamespaceScope, PodSelector};
use crate::record::{ACCOUNT_KEY, CiliumKey, CiliumRequirement, CiliumSelector};

/// The name of a cluster that nobody named.
const CLUSTER: &str = "default";

/// Labels that Cilium's default filter leaves out of identities, by how their keys begin
/// (Documentation/operations/performance/scalability/identity-relevant-labels).
const LEFT_OUT: &[&str] = &[
    "io.kubernetes",
    "kubernetes.io",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "beta.kubernetes.io",
    "k8s.io",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "annotation",
    "controller-uid",
    "etcd_node",
];

/// The pods that a selector means.
pub(super) struct Endpoints {
    pub(super) pods: PodSelector,
    /// What must be so for it to mean them, in words that follow "if".
    pub(super) condition: Option<String>,
}

impl Endpoints {
    /// Those that a policy is for. `None` where it can be for none.
    pub(super) fn of_subject(selector: &CiliumSelector, namespace: &SmolStr) -> Option<Self> {
        Self::new(selector, (!namespace.is_empty()).then_some(namespace))
    }

    /// Those that a peer means. `None` where it can mean none.
    pub(super) fn of_peer(selector: &CiliumSelector, namespace: &SmolStr) -> Option<Self> {
        let is_free = namespace.is_empty() || names_namespaces(selector) || names_reserved(selector);
        Self::new(selector, (!is_free).then_some(namespace))
    }

    fn new(selector: &CiliumSelector, own: Option<&SmolStr>) -> Option<Self> {
        let (mut pods, mut namespaces, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        let name_key = || SmolStr::from(crate::intake_name_label());
        for CiliumRequirement { key, operator } in &selector.requirements {
            let requirement = |key: SmolStr| Requirement { key, operator: operator.clone() };
            match key {
                CiliumKey::Label(label) => {
                    if LEFT_OUT.iter().any(|start| label.starts_with(start)) {
                        conditions.push(format!("Cilium keeps the label {label}, which its default filter leaves out"));
                    }
                    pods.push(requirement(label.clone()));
                }
                CiliumKey::Account => pods.push(requirement(ACCOUNT_KEY.into())),
                CiliumKey::Namespace => namespaces.push(requirement(name_key())),
                CiliumKey::NamespaceLabel(label) => namespaces.push(requirement(label.clone())),
                CiliumKey::Cluster => conditions.extend(cluster(operator)?),
                CiliumKey::Reserved(_) | CiliumKey::Foreign(_) if !holds_for_absent(operator) => return None,
                CiliumKey::Reserved(_) | CiliumKey::Foreign(_) => {}
            }
        }
        let namespaces = match own {
            Some(own) if namespaces.is_empty() => NamespaceScope::One(own.clone()),
            own => {
                namespaces.extend(own.map(|own| Requirement { key: name_key(), operator: Operator::In(vec![own.clone()]) }));
                one_or_matching(namespaces)
            }
        };
        let pods = PodSelector::within(namespaces, Selector::new(pods));
        Some(Self { pods, condition: (!conditions.is_empty()).then(|| conditions.join(" and ")) })
    }
}

/// One namespace where only its name is asked for.
fn one_or_matching(requirements: Vec<Requirement>) -> NamespaceScope {
    match requirements.as_slice() {
        [Requirement { key, operator: Operator::In(names) }] if key == crate::intake_name_label() => match names.as_slice() {
            [one] => NamespaceScope::One(one.clone()),
            _ => NamespaceScope::Matching(Selector::new(requirements)),
        },
        _ => NamespaceScope::Matching(Selector::new(requirements)),
    }
}

/// What must be so of the cluster's name, which no object tells; `None` where it cannot be so.
fn cluster(operator: &Operator) -> Option<Option<String>> {
    match operator {
        Operator::Exists => Some(None),
        Operator::In(names) if names.iter().any(|name| name == CLUSTER) => Some(None),
        Operator::In(names) => Some(Some(format!("the name of the cluster is {}", names.join(" or ")))),
        Operator::NotIn(names) => Some(Some(format!("the name of the cluster is not {}", names.join(" or ")))),
        Operator::DoesNotExist | Operator::Like(..) | Operator::NotLike(..) => None,
    }
}

fn holds_for_absent(operator: &Operator) -> bool {
    Requirement { key: SmolStr::default(), operator: operator.clone() }.matches(&Labels::default())
}

fn names_namespaces(selector: &CiliumSelector) -> bool {
    selector.requirements.iter().any(|requirement| matches!(requirement.key, CiliumKey::Namespace | CiliumKey::NamespaceLabel(_)))
}

fn names_reserved(selector: &CiliumSelector) -> bool {
    selector.requirements.iter().any(|requirement| matches!(requirement.key, CiliumKey::Reserved(_)))
}

/// Whether a peer can mean what has no namespace at all.
fn asks_for_a_namespace(selector: &CiliumSelector, namespace: &SmolStr) -> bool {
    let by_name = selector.requirements.iter().any(|requirement| requirement.key == CiliumKey::Namespace);
    !names_reserved(selector) && !by_name && (namespace.is_empty() || !names_namespaces(selector))
}

/// Whether a peer means an entity that has these reserved labels and no others.
pub(super) fn means_entity(selector: &CiliumSelector, namespace: &SmolStr, reserved: &[&str]) -> bool {
    let holds = |requirement: &CiliumRequirement| match &requirement.key {
        CiliumKey::Reserved(name) if reserved.contains(&name.as_str()) => {
            let labels: Labels = [(name.as_str(), "")].into_iter().collect();
            Requirement { key: name.clone(), operator: requirement.operator.clone() }.matches(&labels)
        }
        _ => holds_for_absent(&requirement.operator),
    };
    !asks_for_a_namespace(selector, namespace) && selector.requirements.iter().all(holds)
}

/// Whether a peer is kept from an entity by its reserved label.
pub(super) fn forbids(selector: &CiliumSelector, name: &str) -> bool {
    selector.requirements.iter().any(|requirement| {
        matches!(&requirement.key, CiliumKey::Reserved(known) if known == name) && holds_for_absent(&requirement.operator)
    })
}

/// Whether a peer asks for a reserved label.
pub(super) fn asks_for(selector: &CiliumSelector, name: &str) -> bool {
    selector.requirements.iter().any(|requirement| {
        matches!(&requirement.key, CiliumKey::Reserved(known) if known == name) && !holds_for_absent(&requirement.operator)
    })
}

/// The labels of other sources that a peer asks for: of identities for addresses outside, which only Cilium knows.
pub(super) fn foreign_labels(selector: &CiliumSelector) -> Vec<&SmolStr> {
    let foreign = selector.requirements.iter().filter(|requirement| !holds_for_absent(&requirement.operator));
    foreign.filter_map(|requirement| if let CiliumKey::Foreign(key) = &requirement.key { Some(key) } else { None }).collect()
}
