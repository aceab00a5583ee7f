//! Where the routes of VirtualServices lead: Services, their subsets, and what lies outside of them.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::super::matching::Host;
use super::super::table::{Destination, PortRef, Rewrite, Target};
use super::hosts::{self, Named};
use crate::analysis::{Analysis, Hop};
use crate::assumptions::Cause;
use crate::labels::LabelSet;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{DestinationRuleRecord, IstioDestination, ServicePortRef};
use crate::snapshot::typed;

/// The namespace of Istio's own objects, unless the mesh is set up otherwise (`meshConfig.rootNamespace`).
const ROOT_NAMESPACE: &str = "istio-system";

/// All DestinationRules, by namespace and name, with their whole hosts.
pub(super) struct DestinationRules<'a>(BTreeMap<SmolStr, Vec<(Host, &'a ObjectKey, &'a DestinationRuleRecord)>>);

impl<'a> DestinationRules<'a> {
    pub(super) fn new(analysis: &'a Analysis) -> Self {
        let mut all: BTreeMap<SmolStr, Vec<_>> = BTreeMap::new();
        for (key, rule) in typed!(analysis.snapshot(), DestinationRule) {
            let host = hosts::host(&hosts::whole(&rule.host, &key.namespace));
            all.entry(key.namespace.clone()).or_default().push((host, key, &**rule));
        }
        Self(all)
    }
}

/// Who sends: the pods of a gateway.
pub(super) struct Sender<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) destination_rules: &'a DestinationRules<'a>,
    /// The namespaces of the gateway's pods; that of the gateway where none are known.
    pub(super) namespaces: BTreeSet<SmolStr>,
}

/// What was found of a subset.
enum Subset {
    /// The labels of its pods.
    Labels(LabelSet),
    /// The labels, and what they depend on.
    Perhaps(LabelSet, Hop),
    /// Nothing, for this reason, and the object to mend.
    None(String, Option<ObjectKey>),
    /// It may be there unseen.
    Unseen,
}

impl Sender<'_> {
    /// Whether an object of a namespace that is exported so is seen by some of the pods.
    pub(super) fn sees(&self, export_to: &[SmolStr], of: &str) -> bool {
        self.namespaces.iter().any(|to| hosts::is_exported(export_to, of, to))
    }

    /// The targets of a route of an object, which are at this pointer in it.
    pub(super) fn targets(&self, object: &ObjectKey, destinations: &[IstioDestination], pointer: &str) -> Vec<Target> {
        let target = |(index, destination): (usize, &IstioDestination)| {
            let (to, hops) = self.destination(object, destination, &format!("{pointer}/{index}"));
            let pointer = format!("{pointer}/{index}/destination");
            Target { weight: destination.weight, pointer, to, rewrite: Rewrite::default(), redirect: None, hops }
        };
        destinations.iter().enumerate().map(target).collect()
    }

    fn destination(&self, object: &ObjectKey, destination: &IstioDestination, pointer: &str) -> (Destination, Vec<Hop>) {
        let mut hops = Vec::new();
        let host = &destination.host;
        let (namespace, name) = match hosts::service(host, &object.namespace) {
            Named::Service(namespace, name) => (namespace, name),
            Named::Partly(namespace, name) if self.has_service(&namespace, &name) => {
                let sentence = format!("Istio takes {host} as a whole name, and not for Service {namespace}/{name}, unless it is told so");
                let (object, pointer) = (Some(object.clone()), format!("{pointer}/destination/host"));
                hops.push(Hop { kind: "host", object, pointer, verdict: Verdict::Depends, sentence });
                (namespace, name)
            }
            Named::Partly(..) | Named::Other => {
                return (Destination::Other { kind: "host", sentence: format!("{host} is outside Kubernetes' Services") }, hops);
            }
        };
        if !self.has_service(&namespace, &name) {
            let to = if self.analysis.snapshot().unseen.holds(Kind::Service, &namespace) {
                let sentence = format!("whether there is a Service {namespace}/{name} depends on {}", Cause::Unseen(Kind::Service));
                Destination::Other { kind: "service", sentence }
            } else {
                let sentence = format!("there is no Service {namespace}/{name}");
                Destination::Broken { kind: "service", object: None, status: 503, sentence }
            };
            return (to, hops);
        }
        let mut subset = None;
        if !destination.subset.is_empty() {
            match self.subset(&namespace, &name, &destination.subset) {
                Subset::Labels(labels) => subset = Some(labels),
                Subset::Perhaps(labels, hop) => {
                    subset = Some(labels);
                    hops.push(hop);
                }
                Subset::None(sentence, object) => return (Destination::Broken { kind: "subset", object, status: 503, sentence }, hops),
                Subset::Unseen => {
                    let sentence = format!(
                        "what subset {} of Service {namespace}/{name} is depends on {}",
                        destination.subset,
                        Cause::Unseen(Kind::DestinationRule)
                    );
                    return (Destination::Other { kind: "subset", sentence }, hops);
                }
            }
        }
        let port = destination.port.map_or(PortRef::Only, |number| PortRef::Service(ServicePortRef::Number(number)));
        (Destination::Service { key: ObjectKey::new(Kind::Service, namespace, name), port, subset }, hops)
    }

    fn has_service(&self, namespace: &SmolStr, name: &SmolStr) -> bool {
        self.analysis.snapshot().record(&ObjectKey::new(Kind::Service, namespace.clone(), name.clone())).is_some()
    }

    /// Finds a subset where Istio looks for it: in the namespace of who sends, in that of the Service, in the root namespace. The first of
    /// them that has a DestinationRule for the host decides (Istio documentation, "Configuration scoping"; pilot `destinationRule`).
    fn subset(&self, namespace: &SmolStr, name: &SmolStr, subset: &str) -> Subset {
        let whole = hosts::host(&format!("{name}.{namespace}.svc.cluster.local"));
        let root = SmolStr::new_static(ROOT_NAMESPACE);
        let places = self.namespaces.iter().chain([namespace, &root]);
        let what = format!("subset {subset} of Service {namespace}/{name}");
        for place in places.clone() {
            let rules = self.rules_for(&whole, Some(place));
            let Some((first, _)) = rules.first() else { continue };
            return match rules.iter().find_map(|(_, rule)| labels(rule, subset)) {
                Some(labels) => Subset::Labels(labels),
                None => Subset::None(format!("DestinationRule {} names no {what}", first.path()), Some((*first).clone())),
            };
        }
        if places.into_iter().any(|place| self.analysis.snapshot().unseen.holds(Kind::DestinationRule, place)) {
            return Subset::Unseen;
        }
        let elsewhere = self.rules_for(&whole, None);
        match elsewhere.iter().find_map(|(key, rule)| Some((key, labels(rule, subset)?))) {
            Some((key, labels)) => {
                let sentence = format!(
                    "DestinationRule {} names {what}, and Istio looks only in the namespaces of the gateway and of the Service and in its \
                     root namespace",
                    key.path()
                );
                let object = Some((*key).clone());
                Subset::Perhaps(
                    labels,
                    Hop { kind: "subset", object, pointer: "/metadata/namespace".to_owned(), verdict: Verdict::Depends, sentence },
                )
            }
            None => Subset::None(format!("no DestinationRule names {what}"), None),
        }
    }

    /// The rules for a host, of one namespace or of all, that are seen from the gateway: those of the most specific host, by name.
    fn rules_for(&self, whole: &Host, place: Option<&SmolStr>) -> Vec<(&ObjectKey, &DestinationRuleRecord)> {
        let DestinationRules(all) = self.destination_rules;
        let places = match place {
            Some(place) => all.range(place.clone()..=place.clone()),
            None => all.range::<SmolStr, _>(..),
        };
        let fits = |(host, key, rule): &&(Host, &ObjectKey, &DestinationRuleRecord)| {
            hosts::both(host, whole).as_ref() == Some(whole) && self.sees(&rule.export_to, &key.namespace)
        };
        let found: Vec<_> = places.flat_map(|(_, rules)| rules).filter(fits).collect();
        let best = found.iter().map(|(host, ..)| hosts::rank(host)).max();
        found.into_iter().filter(|(host, ..)| Some(hosts::rank(host)) == best).map(|(_, key, rule)| (*key, *rule)).collect()
    }
}

fn labels(rule: &DestinationRuleRecord, subset: &str) -> Option<LabelSet> {
    rule.subsets.iter().find(|(name, _)| name == subset).map(|(_, labels)| labels.clone())
}
