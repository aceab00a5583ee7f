//! What leaves pods with a sidecar: where the mode is `REGISTRY_ONLY`, to known hosts only.
//!
//! Known are the Services and ServiceEntries that the pod's Sidecar lets it see; all of them, where it has none or that says nothing. Of the
//! Sidecars of a namespace, one that selects the pod comes before one for the whole namespace, and that before the one of the mesh's own
//! namespace (istio.io, reference of Sidecar). Only TCP goes through the proxy; what ztunnel sends on, it does not look at.

use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;

use super::ROOT;
use super::authorization::not_tcp;
use super::hosts::{Hosts, Seen};
use super::membership::{Member, Membership};
use crate::assumptions::{Assumptions, MeshOutbound};
use crate::labels::{Operator, Requirement, Selector};
use crate::object::{Kind, ObjectKey};
use crate::policy::{Action, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rule};
use crate::ports::{PortSet, Protocol};
use crate::record::SidecarRecord;
use crate::snapshot::{Snapshot, typed};

/// The name under which answers speak of what the mesh's own configuration says, which is no object that is read.
const CONFIGURATION: &str = "mesh-configuration";
/// Where a Sidecar says whether its pods may go to known hosts only.
const MODE: &str = "/spec/outboundTrafficPolicy";
/// The words of the assumption where nobody settled it.
const UNSETTLED: &str = "the mesh lets out only what goes to known hosts (mesh-outbound=unsettled)";
/// The words for one of several Sidecars for the same pods.
const ONE_OF_SEVERAL: &str = "it is the Sidecar that applies, of several for the same pods";

type Sidecar<'a> = (&'a ObjectKey, &'a SidecarRecord);

pub(super) fn compile(snapshot: &Snapshot, assumptions: &Assumptions) -> Vec<Arc<Policy>> {
    let sidecars: Vec<Sidecar<'_>> = typed!(snapshot, Sidecar).map(|(key, record)| (key, &**record)).collect();
    let compiler = Compiler {
        snapshot,
        membership: Membership::new(snapshot),
        hosts: Hosts::new(snapshot),
        sidecars,
        mesh: assumptions.mesh_outbound,
    };
    compiler.policies().into_iter().map(Arc::new).collect()
}

struct Compiler<'a> {
    snapshot: &'a Snapshot,
    membership: Membership<'a>,
    hosts: Hosts<'a>,
    sidecars: Vec<Sidecar<'a>>,
    mesh: MeshOutbound,
}

impl Compiler<'_> {
    fn policies(&self) -> Vec<Policy> {
        let mut policies = Vec::new();
        let for_pods = |namespace: &str| -> Vec<(&ObjectKey, &Selector)> {
            let here = self.sidecars.iter().filter(|(key, _)| key.namespace == namespace);
            here.filter_map(|(key, record)| Some((*key, record.selector.as_ref()?))).collect()
        };
        let whole: Vec<&SmolStr> =
            self.sidecars.iter().filter(|(_, record)| record.selector.is_none()).map(|(key, _)| &key.namespace).collect();
        let mut namespaces: Vec<&SmolStr> = self.sidecars.iter().map(|(key, _)| &key.namespace).collect();
        namespaces.dedup();
        let not_selected = |selectors: &[(&ObjectKey, &Selector)]| {
            selectors.iter().fold(Selector::default(), |so_far, (_, selector)| so_far.and_all(&selector.negated()))
        };
        for sidecar @ (key, record) in &self.sidecars {
            let own = NamespaceScope::One(key.namespace.clone());
            let others = for_pods(&key.namespace);
            match &record.selector {
                Some(selector) => {
                    let others: Vec<_> = others.into_iter().filter(|(other, _)| other != key).collect();
                    policies.extend(self.of(Some(*sidecar), &own, &selector.and_all(&not_selected(&others)), None));
                    if !others.is_empty() {
                        let also = Selector::any_of(others.into_iter().map(|(_, selector)| selector.clone()).collect());
                        policies.extend(self.of(Some(*sidecar), &own, &selector.and_all(&also), Some(ONE_OF_SEVERAL)));
                    }
                }
                None => {
                    let is_one = whole.iter().filter(|namespace| **namespace == &key.namespace).count() == 1;
                    policies.extend(self.of(Some(*sidecar), &own, &not_selected(&others), (!is_one).then_some(ONE_OF_SEVERAL)));
                }
            }
        }
        // Who has no Sidecar of the own namespace gets that of the mesh's, or what the mesh says.
        let defaults: Vec<Sidecar<'_>> =
            self.sidecars.iter().filter(|(key, record)| key.namespace == ROOT && record.selector.is_none()).copied().collect();
        let several = (defaults.len() > 1).then_some(ONE_OF_SEVERAL);
        let defaults: Vec<Option<Sidecar<'_>>> = if defaults.is_empty() { vec![None] } else { defaults.into_iter().map(Some).collect() };
        for default in defaults {
            let apart: Vec<SmolStr> = self.apart(default).into_iter().filter(|namespace| !namespaces.contains(&namespace)).collect();
            let taken = namespaces.iter().map(|namespace| (*namespace).clone()).chain(apart.iter().cloned()).collect();
            let elsewhere = Requirement { key: crate::intake_name_label().into(), operator: Operator::NotIn(taken) };
            for namespace in apart {
                policies.extend(self.of(default, &NamespaceScope::One(namespace), &Selector::default(), several));
            }
            policies.extend(self.of(default, &NamespaceScope::Matching(Selector::new(vec![elsewhere])), &Selector::default(), several));
            for namespace in namespaces.iter().filter(|namespace| !whole.contains(namespace)) {
                let rest = not_selected(&for_pods(namespace));
                policies.extend(self.of(default, &NamespaceScope::One((*namespace).clone()), &rest, several));
            }
        }
        policies
    }

    /// Namespaces whose pods see something else than those of others, though one default is for all: what is exported to some only, and their
    /// own, where the default speaks of that.
    fn apart(&self, default: Option<Sidecar<'_>>) -> BTreeSet<SmolStr> {
        let egress = default.and_then(|(_, record)| record.egress.as_ref());
        let speaks_of_own = egress.is_some_and(|egress| egress.iter().flat_map(|one| &one.hosts).any(|(namespace, _)| namespace == "."));
        if speaks_of_own { self.snapshot.namespaces() } else { self.hosts.exported_to() }
    }

    /// The policies of a Sidecar, or of the mesh's own configuration, for some pods.
    fn of(&self, sidecar: Option<Sidecar<'_>>, namespaces: &NamespaceScope, pods: &Selector, condition: Option<&str>) -> Vec<Policy> {
        let mode = match sidecar.and_then(|(_, record)| record.registry_only) {
            Some(true) => MeshOutbound::RegistryOnly,
            Some(false) => MeshOutbound::AllowAny,
            None => self.mesh,
        };
        let unsettled = match mode {
            MeshOutbound::AllowAny => return Vec::new(),
            MeshOutbound::RegistryOnly => None,
            MeshOutbound::Unsettled => Some(UNSETTLED),
        };
        let key = sidecar.map_or_else(|| ObjectKey::new(Kind::Sidecar, ROOT, CONFIGURATION), |(key, _)| key.clone());
        // A gateway sends on as its routes say.
        let pods = pods.and_all(&Selector::new(vec![
            Requirement { key: "gateway.networking.k8s.io/gateway-name".into(), operator: Operator::DoesNotExist },
            Requirement {
                key: "istio".into(),
                operator: Operator::NotIn(vec!["ingressgateway".into(), "egressgateway".into(), "eastwestgateway".into()]),
            },
        ]));
        let subjects = self.membership.subjects(namespaces, &pods).into_iter().filter(|subject| subject.member == Member::Sidecar);
        let mut known: Option<Box<[Rule]>> = None;
        let mut policies = Vec::new();
        for subject in subjects {
            // Whose namespace it is decides what "." and an export to one namespace stand for.
            let own = match namespaces {
                NamespaceScope::One(namespace) => Some(namespace),
                NamespaceScope::Matching(_) => None,
            };
            let rules = known.get_or_insert_with(|| self.rules(sidecar, own).into()).clone();
            let mut policy = Policy::new(key.clone(), 0, subject.selector, None, Some(rules));
            let conditions: Vec<&str> = [subject.condition, condition, unsettled].into_iter().flatten().collect();
            policy.condition = (!conditions.is_empty()).then(|| conditions.join(" and ").into());
            policies.push(policy);
        }
        policies
    }

    /// What they may reach.
    fn rules(&self, sidecar: Option<Sidecar<'_>>, own: Option<&SmolStr>) -> Vec<Rule> {
        let port = |set: PortSet| Some(vec![Port { pointer: MODE.into(), kind: PortKind::Set(set) }]);
        let mesh = PodSelector::within(NamespaceScope::One(ROOT.into()), Selector::default());
        let mesh = Peer { pointer: MODE.into(), kind: PeerKind::Pods(mesh) };
        let mut rules = vec![
            Rule::new(MODE, Action::Allow, None, port(not_tcp())),
            Rule::new(MODE, Action::Allow, Some(vec![mesh]), port(PortSet::all_of(Protocol::Tcp))),
        ];
        let everything = Seen { namespace: "*", host: "*", port: None, own };
        match sidecar.and_then(|(_, record)| record.egress.as_ref()) {
            None => rules.extend(self.hosts.rules(MODE, &everything)),
            Some(egress) => {
                for listener in egress {
                    for (index, (namespace, host)) in listener.hosts.iter().enumerate() {
                        let pointer = format!("{}/hosts/{index}", listener.pointer);
                        rules.extend(self.hosts.rules(&pointer, &Seen { namespace, host, port: listener.port, own }));
                    }
                }
            }
        }
        rules
    }
}
