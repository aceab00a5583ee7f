//! Cilium: validation and defaulting as the reference of cilium.io/v2 and Cilium's own sanitizing say (pkg/policy/api).
//!
//! Cilium takes a policy whole or not at all. Where it refuses one, the policy is read as far as it can be and put under a condition, so
//! that nothing is taken to be open or closed that may not be.

mod api;
mod peers;
mod ports;
pub(super) mod selector;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

use super::{Reader, unknown_fields};
use crate::labels::Operator;
use crate::object::Kind;
use crate::record::{
    CidrGroupRecord, CiliumAuthentication, CiliumEntity, CiliumKey, CiliumPeer, CiliumPeerKind, CiliumPolicyRecord, CiliumRule,
    CiliumSection, CiliumSelector, CiliumSpec, CiliumSubject,
};

/// What reading one policy needs.
struct Policies<'r, 'k> {
    reader: &'r mut Reader<'k>,
    /// Whether Cilium refuses what was read so far.
    is_refused: bool,
}

pub(super) fn read_policy(raw: &Value, reader: &mut Reader<'_>) -> Option<CiliumPolicyRecord> {
    let policy: api::Policy = typed(raw, reader)?;
    let specs = policy.specs.unwrap_or_default().into_iter().enumerate().map(|(index, spec)| (format!("/specs/{index}"), spec));
    let all: Vec<(String, api::Spec)> = policy.spec.map(|spec| ("/spec".to_owned(), spec)).into_iter().chain(specs).collect();
    if all.is_empty() {
        reader.warn("/spec", "left out: the policy has neither a spec nor specs");
        return None;
    }
    let mut policies = Policies { reader, is_refused: false };
    let specs = all.into_iter().filter_map(|(pointer, spec)| policies.spec(&pointer, spec)).collect();
    let is_refused = policies.is_refused;
    Some(CiliumPolicyRecord { specs, is_refused })
}

pub(super) fn read_cidr_group(raw: &Value, reader: &mut Reader<'_>) -> Option<CidrGroupRecord> {
    let group: api::Object<api::CidrGroupSpec> = typed(raw, reader)?;
    let spec = reader.spec(group.spec)?;
    let labels = raw.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
    let mut policies = Policies { reader, is_refused: false };
    let numbered = spec.external_cidrs.unwrap_or_default().into_iter().enumerate();
    let blocks = numbered.filter_map(|(index, text)| policies.cidr(&text, &format!("/spec/externalCIDRs/{index}"))).collect();
    Some(CidrGroupRecord { labels, blocks })
}

/// The object as its type, fields that the type does not have being warned about.
fn typed<T: DeserializeOwned + Serialize>(raw: &Value, reader: &mut Reader<'_>) -> Option<T> {
    let object = reader.typed(raw)?;
    unknown_fields::check(raw, &object, reader);
    Some(object)
}

impl Policies<'_, '_> {
    /// Warns of something for which Cilium takes no part of the policy.
    fn refuse(&mut self, pointer: impl Into<String>, message: impl std::fmt::Display) {
        self.is_refused = true;
        self.reader.warn(pointer, format!("{message}; Cilium refuses the policy"));
    }

    fn spec(&mut self, pointer: &str, spec: api::Spec) -> Option<CiliumSpec> {
        let mut conditions = Vec::new();
        for (field, value) in [("tier", &spec.tier), ("priority", &spec.priority), ("order", &spec.order)] {
            if value.is_some() {
                self.reader.warn(format!("{pointer}/{field}"), "no released version of Cilium has this field; what it does is not known");
                conditions.push(format!("Cilium passes over {pointer}/{field}").into());
            }
        }
        let subject = self.subject(pointer, spec.endpoint_selector, spec.node_selector)?;
        let is_for_nodes = matches!(subject, CiliumSubject::Nodes(_));
        if is_for_nodes {
            conditions.push("the host firewall is enabled".into());
        }
        let lists = |allow: Option<Vec<api::Rule>>, deny: Option<Vec<api::Rule>>| [allow, deny].map(Option::unwrap_or_default);
        let ingress = lists(rules(spec.ingress), rules(spec.ingress_deny));
        let egress = lists(rules(spec.egress), rules(spec.egress_deny));
        let defaults = spec.enable_default_deny.unwrap_or_default();
        if [&ingress, &egress].into_iter().flatten().all(Vec::is_empty) && defaults.ingress.is_none() && defaults.egress.is_none() {
            self.reader.warn(pointer, "there are no rules: the policy has no effect");
        }
        let ingress = self.section(ingress, defaults.ingress, &format!("{pointer}/ingress"), is_for_nodes, &mut conditions);
        let egress = self.section(egress, defaults.egress, &format!("{pointer}/egress"), is_for_nodes, &mut conditions);
        Some(CiliumSpec { subject, ingress, egress, conditions })
    }

    fn subject(
        &mut self,
        pointer: &str,
        endpoints: Option<super::ApiSelector>,
        nodes: Option<super::ApiSelector>,
    ) -> Option<CiliumSubject> {
        const LEFT_OUT: &str = "left out: the policy cannot be in force with this selector";
        let is_clusterwide = self.reader.key.kind == Kind::CiliumClusterwideNetworkPolicy;
        match (endpoints, nodes) {
            (None, None) => {
                self.refuse(pointer, "left out: there is neither an endpointSelector nor a nodeSelector");
                None
            }
            (Some(_), Some(_)) => {
                self.refuse(pointer, "left out: an endpointSelector and a nodeSelector exclude each other");
                None
            }
            (None, Some(_)) if !is_clusterwide => {
                self.refuse(format!("{pointer}/nodeSelector"), "left out: only a policy for the whole cluster may select nodes");
                None
            }
            (None, Some(nodes)) => {
                let pointer = format!("{pointer}/nodeSelector");
                let nodes = self.plain_selector(nodes, &pointer);
                if nodes.is_none() {
                    self.reader.warn(pointer, LEFT_OUT);
                }
                nodes.map(CiliumSubject::Nodes)
            }
            (Some(endpoints), None) => {
                let pointer = format!("{pointer}/endpointSelector");
                let Some(mut endpoints) = self.selector(endpoints, &pointer) else {
                    self.reader.warn(pointer, LEFT_OUT);
                    return None;
                };
                if !is_clusterwide {
                    self.drop_namespaces(&mut endpoints, &pointer);
                }
                Some(CiliumSubject::Endpoints(endpoints))
            }
        }
    }

    /// A namespaced policy is for its own namespace, whatever namespace its `matchLabels` ask for (`ParseToCiliumRule`).
    fn drop_namespaces(&mut self, selector: &mut CiliumSelector, pointer: &str) {
        let own = self.reader.key.namespace.clone();
        let n_before = selector.requirements.len();
        selector.requirements.retain(|requirement| {
            let is_other = matches!(&requirement.operator, Operator::In(values) if !values.contains(&own));
            !(requirement.key == CiliumKey::Namespace && is_other)
        });
        if selector.requirements.len() < n_before {
            self.reader.warn(pointer, format!("the policy is for pods of its own namespace {own} only; another is passed over"));
        }
    }

    fn section(
        &mut self,
        [allow, deny]: [Vec<api::Rule>; 2],
        default: Option<bool>,
        pointer: &str,
        is_for_nodes: bool,
        conditions: &mut Vec<SmolStr>,
    ) -> CiliumSection {
        let denies_by_default = default.unwrap_or(!allow.is_empty() || !deny.is_empty());
        let mut rules = Vec::new();
        for (list, is_deny) in [(allow, false), (deny, true)] {
            let field = if is_deny { format!("{pointer}Deny") } else { pointer.to_owned() };
            for (index, rule) in list.into_iter().enumerate() {
                let pointer = format!("{field}/{index}");
                if rule.nodes.is_some() {
                    let words = "Cilium runs with enable-node-selector-labels";
                    if !conditions.iter().any(|known| known == words) {
                        conditions.push(words.into());
                    }
                }
                let rule = self.rule(pointer.clone(), rule, is_deny);
                let sees_layer_7 = rule.ports.iter().flatten().any(|ports| ports.condition.is_some() || !ports.lookups.is_empty());
                if is_for_nodes && sees_layer_7 {
                    self.refuse(format!("{pointer}/toPorts"), "policies for nodes have no rules on layer 7");
                }
                rules.push(rule);
            }
        }
        CiliumSection { rules, denies_by_default }
    }

    fn rule(&mut self, pointer: String, rule: api::Rule, is_deny: bool) -> CiliumRule {
        let is_ingress = pointer.contains("/ingress");
        let was_refused = std::mem::take(&mut self.is_refused);
        let authentication = self.authentication(rule.authentication, is_deny, &pointer);
        let has_icmps = rule.icmps.as_ref().is_some_and(|icmps| !icmps.is_empty());
        let has_ports = rule.ports.as_ref().is_some_and(|ports| !ports.is_empty());
        if has_icmps && has_ports {
            self.refuse(format!("{pointer}/icmps"), "icmps stand in a rule of their own, without toPorts");
        }
        let ports = rule.ports.filter(|_| has_ports).map(|items| self.ports(items, &pointer, is_ingress, is_deny));
        // ICMP has no ports: such a rule is for none of TCP, UDP and SCTP.
        let ports = ports.or_else(|| has_icmps.then(Vec::new));
        let side = if is_ingress { "from" } else { "to" };
        let lists = peers::Lists {
            endpoints: rule.endpoints,
            cidr: rule.cidr,
            cidr_set: rule.cidr_set,
            entities: rule.entities,
            nodes: rule.nodes,
            groups: rule.groups,
            services: rule.services,
            fqdns: rule.fqdns,
        };
        let peers = self.peers(lists, &format!("{pointer}/{}", side), is_deny);
        // A rule that names neither ends nor ports selects nothing: it isolates, and that is all (api/ingress.go).
        let peers = if peers.is_none() && ports.is_none() { Some(Vec::<CiliumPeer>::new()) } else { peers };
        let mut requires = Vec::new();
        for (index, selector) in rule.requires.into_iter().enumerate() {
            let pointer = format!("{pointer}/{}Requires/{index}", side);
            self.reader.warn(&*pointer, "newer versions of Cilium have no such field; what it keeps out depends on the version");
            requires.extend(self.selector(selector, &pointer));
        }
        let peers = peers.map(|peers| peers.into_iter().filter(|peer| !is_nothing(&peer.kind)).collect());
        // What a deny rule means that cannot be read may be anything; the policy is under a condition then.
        let (peers, ports) = if is_deny && self.is_refused { (None, None) } else { (peers, ports) };
        self.is_refused |= was_refused;
        CiliumRule { pointer: pointer.into(), is_deny, peers, ports, requires, authentication }
    }

    fn authentication(
        &mut self,
        authentication: Option<api::Authentication>,
        is_deny: bool,
        pointer: &str,
    ) -> Option<CiliumAuthentication> {
        let mode = authentication?.mode?;
        let at = format!("{pointer}/authentication");
        if is_deny {
            self.reader.warn(at, "the API knows no such field in a deny rule; it has no effect");
            return None;
        }
        match mode.as_str() {
            "disabled" => None,
            "required" => Some(CiliumAuthentication::Required),
            "test-always-fail" => Some(CiliumAuthentication::AlwaysFails),
            other => {
                self.refuse(format!("{at}/mode"), format!("unknown mode {other:?}; known are disabled, required, test-always-fail"));
                Some(CiliumAuthentication::Required)
            }
        }
    }
}

/// Whether a peer is one that no object of a cluster stands for.
fn is_nothing(kind: &CiliumPeerKind) -> bool {
    matches!(kind, CiliumPeerKind::Entity(CiliumEntity::Unseen))
}

fn rules<R: Into<api::Rule>>(rules: Option<Vec<R>>) -> Option<Vec<api::Rule>> {
    rules.map(|rules| rules.into_iter().map(Into::into).collect())
}
