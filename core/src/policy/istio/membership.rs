//! Who is in the mesh: pods with a sidecar, and pods that ztunnel takes in (ambient).
//!
//! Whether a pod has a sidecar shows in its containers where it is alive. Where it is not, labels tell whether one is put in: those of
//! istiod's webhooks, `sidecar.istio.io/inject` and `istio.io/rev` on the pod, `istio-injection` and `istio.io/rev` on the namespace.

use smol_str::SmolStr;

use crate::labels::{Operator, Requirement, Selector};
use crate::object::Kind;
use crate::policy::{NamespaceScope, PodSelector};
use crate::record::PROXY_KEY;
use crate::snapshot::Snapshot;

const INJECTION: &str = "istio-injection";
const REVISION: &str = "istio.io/rev";
const INJECT: &str = "sidecar.istio.io/inject";
const MODE: &str = "istio.io/dataplane-mode";

/// Namespaces that the injector leaves out, whatever their labels say.
const NEVER_INJECTED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// How pods are in the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// By a proxy of their own.
    Sidecar,
    /// By ztunnel, which reads no HTTP.
    Ambient,
}

impl Member {
    pub(super) const ALL: [Self; 2] = [Self::Sidecar, Self::Ambient];
}

fn one(key: &str, operator: Operator) -> Requirement {
    Requirement { key: key.into(), operator }
}

fn is(key: &str, value: &str) -> Requirement {
    one(key, Operator::In(vec![value.into()]))
}

fn is_not(key: &str, value: &str) -> Requirement {
    one(key, Operator::NotIn(vec![value.into()]))
}

fn absent(key: &str) -> Requirement {
    one(key, Operator::DoesNotExist)
}

fn there(key: &str) -> Requirement {
    one(key, Operator::Exists)
}

fn all(requirements: impl IntoIterator<Item = Requirement>) -> Selector {
    Selector::new(requirements.into_iter().collect())
}

/// Namespaces and pods there, of which both must match.
type Pair = (Selector, Selector);

/// The pods of the mesh, as pairs of which any may match. No two of one kind hold the same pod.
fn pairs(member: Member) -> Vec<Pair> {
    let never = || one(crate::intake_name_label(), Operator::NotIn(NEVER_INJECTED.map(SmolStr::new_static).to_vec()));
    let injected_by_namespace =
        Selector::with_alternatives(vec![never()], vec![vec![all([is(INJECTION, "enabled")]), all([absent(INJECTION), there(REVISION)])]]);
    let left_to_pods = all([never(), absent(INJECTION), absent(REVISION)]);
    let asks = Selector::any_of(vec![all([is(INJECT, "true")]), all([there(REVISION), is_not(INJECT, "false")])]);
    match member {
        Member::Sidecar => {
            let unknown = |rest: &Selector| all([absent(PROXY_KEY)]).and_all(rest);
            vec![
                (Selector::default(), all([is(PROXY_KEY, "yes")])),
                (injected_by_namespace, unknown(&all([is_not(INJECT, "false")]))),
                (left_to_pods, unknown(&asks)),
            ]
        }
        Member::Ambient => {
            // A pod with a sidecar is left to that.
            let ambient_here = (all([is(MODE, "ambient")]), is_not(MODE, "none"));
            let ambient_itself = (all([is_not(MODE, "ambient")]), is(MODE, "ambient"));
            let of = |(namespaces, pods): (Selector, Requirement)| {
                let without = all([pods.clone(), is(PROXY_KEY, "no")]);
                let maybe = all([pods, absent(PROXY_KEY)]);
                [
                    (namespaces.clone(), without),
                    (namespaces.and_all(&injected_by_namespace), maybe.and_all(&all([is(INJECT, "false")]))),
                    (namespaces.and_all(&left_to_pods), maybe.and_all(&asks.negated())),
                    (namespaces.and_all(&injected_by_namespace.negated()).and_all(&left_to_pods.negated()), maybe),
                ]
            };
            [ambient_here, ambient_itself].into_iter().flat_map(of).collect()
        }
    }
}

/// The pods of the mesh, ready to be narrowed.
pub(super) struct Membership<'a> {
    snapshot: &'a Snapshot,
    sidecar: Vec<Pair>,
    ambient: Vec<Pair>,
    /// Whether the labels of namespaces are not to be seen.
    is_blind: bool,
}

/// Pods of the mesh.
#[derive(Debug, Clone)]
pub(super) struct Members {
    /// They.
    pub(super) selector: PodSelector,
    /// How they are in it.
    pub(super) member: Member,
    /// What must hold for them to be in it, in words that follow "if", where nobody can tell.
    pub(super) condition: Option<&'static str>,
}

impl<'a> Membership<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let is_blind = snapshot.unseen.0.contains_key(&Kind::Namespace);
        Self { snapshot, sidecar: pairs(Member::Sidecar), ambient: pairs(Member::Ambient), is_blind }
    }

    fn pairs(&self, member: Member) -> &[Pair] {
        match member {
            Member::Sidecar => &self.sidecar,
            Member::Ambient => &self.ambient,
        }
    }

    /// Those of one namespace that match, of one kind.
    fn of_namespace(&self, namespace: &SmolStr, pods: &Selector, member: Member) -> Option<PodSelector> {
        let labels = self.snapshot.labels_of_namespace(namespace);
        let here = self.pairs(member).iter().filter(|(namespaces, _)| namespaces.matches(&labels)).map(|(_, pods)| pods.clone());
        let here: Vec<Selector> = here.collect();
        (!here.is_empty()).then(|| selector(NamespaceScope::One(namespace.clone()), pods.and_all(&Selector::any_of(here))))
    }

    /// Those of some namespaces that match, as subjects of policies.
    pub(super) fn subjects(&self, namespaces: &NamespaceScope, pods: &Selector) -> Vec<Members> {
        let mut subjects = Vec::new();
        if self.is_blind {
            // Which of those without a sidecar of their own are in it, only the labels of their namespace would tell.
            let has = |requirement| pods.and_all(&all([requirement]));
            let with = selector(namespaces.clone(), has(is(PROXY_KEY, "yes")));
            let rest = selector(namespaces.clone(), has(is_not(PROXY_KEY, "yes")).and_all(&all([is_not(MODE, "none")])));
            let condition = Some("the labels of the namespace, which may not be listed, put the pod into the mesh");
            return vec![
                Members { selector: with, member: Member::Sidecar, condition: None },
                Members { selector: rest, member: Member::Sidecar, condition },
            ];
        }
        for member in Member::ALL {
            let selectors = match namespaces {
                NamespaceScope::One(namespace) => self.of_namespace(namespace, pods, member).into_iter().collect(),
                NamespaceScope::Matching(namespaces) => self.matching(namespaces, pods, member),
            };
            subjects.extend(selectors.into_iter().map(|selector| Members { selector, member, condition: None }));
        }
        subjects
    }

    fn matching(&self, namespaces: &Selector, pods: &Selector, member: Member) -> Vec<PodSelector> {
        let pairs = self.pairs(member).iter();
        pairs
            .filter_map(|(own, own_pods)| {
                let namespaces = own.and(namespaces)?;
                Some(selector(NamespaceScope::Matching(namespaces), own_pods.and(pods)?))
            })
            .collect()
    }

    /// Those of both kinds in namespaces of which this is asked, as peers.
    pub(super) fn peers(&self, namespaces: &Selector, pods: &Selector) -> Vec<PodSelector> {
        let exact = match namespaces.requirements() {
            [Requirement { key, operator: Operator::In(values) }] if key == crate::intake_name_label() => Some(values),
            _ => None,
        };
        match exact {
            Some(names) if !self.is_blind => {
                let of = |member| names.iter().filter_map(move |name| self.of_namespace(name, pods, member));
                Member::ALL.into_iter().flat_map(of).collect()
            }
            _ => Member::ALL.into_iter().flat_map(|member| self.matching(namespaces, pods, member)).collect(),
        }
    }
}

/// Pods that are not on their node's network: those are never in the mesh.
fn selector(namespaces: NamespaceScope, pods: Selector) -> PodSelector {
    PodSelector::within(namespaces, pods)
}
