//! ClusterNetworkPolicies, AdminNetworkPolicies and BaselineAdminNetworkPolicies: validation and defaulting as the text of
//! policy.networking.k8s.io and the validation rules of its custom resource definitions say.
//!
//! What a server would refuse matches nothing and is warned about. A peer of a kind that nobody knows "fails closed", as the API asks:
//! an `Accept` rule matches nothing then, and a `Deny` or `Pass` rule denies everything.

mod api;
mod ports;

use serde_json::Value;
use smol_str::SmolStr;

use self::api::{AnyPeer, Namespaces, NamespacesAndPods, Rule, Subject};
use self::ports::PortItem;
use super::{Reader, network_policy, unknown_fields};
use crate::labels::Selector;
use crate::record::{
    ClusterPolicyPeer, ClusterPolicyPeerKind, ClusterPolicyPortMatch, ClusterPolicyRecord, ClusterPolicyRule, NamespacePeers, PolicyTier,
    RuleAction,
};

/// The name of the one BaselineAdminNetworkPolicy that a cluster can have.
const BASELINE_NAME: &str = "default";

/// What the versions and kinds differ in.
struct Dialect {
    /// The action that lets through.
    accept: &'static str,
    /// Whether rules may pass to the next tier.
    can_pass: bool,
    /// Whether peers may be domain names.
    has_domain_names: bool,
    /// The most rules of a direction, and the most peers and ports of a rule.
    most: usize,
}

const CLUSTER: Dialect = Dialect { accept: "Accept", can_pass: true, has_domain_names: true, most: 25 };
const ADMIN: Dialect = Dialect { accept: "Allow", can_pass: true, has_domain_names: true, most: 100 };
const BASELINE: Dialect = Dialect { accept: "Allow", can_pass: false, has_domain_names: false, most: 100 };

pub(super) fn read_cluster(raw: &Value, reader: &mut Reader<'_>) -> Option<ClusterPolicyRecord> {
    let policy: api::Cluster = reader.typed(raw)?;
    unknown_fields::check(raw, &policy, reader);
    let spec = spec_or_warn(policy.spec, reader)?;
    let tier = match spec.tier.as_deref() {
        Some("Admin") => PolicyTier::Admin,
        Some("Baseline") => PolicyTier::Baseline,
        Some(other) => {
            reader.warn("/spec/tier", format!("left out: unknown tier {other:?}; known are Admin, Baseline"));
            return None;
        }
        None => {
            reader.warn("/spec/tier", "left out: the tier is missing; known are Admin, Baseline");
            return None;
        }
    };
    let priority = Some(read_priority(spec.priority, reader)?);
    let (namespaces, pods) = read_subject(spec.subject, reader)?;
    let ingress = read_rules(spec.ingress, "ingress", "protocols", &CLUSTER, reader);
    let egress = read_rules(spec.egress, "egress", "protocols", &CLUSTER, reader);
    Some(ClusterPolicyRecord { tier, priority, namespaces, pods, ingress, egress })
}

pub(super) fn read_admin(raw: &Value, reader: &mut Reader<'_>) -> Option<ClusterPolicyRecord> {
    let policy: api::Admin = reader.typed(raw)?;
    unknown_fields::check(raw, &policy, reader);
    let spec = spec_or_warn(policy.spec, reader)?;
    let priority = Some(read_priority(spec.priority, reader)?);
    let (namespaces, pods) = read_subject(spec.subject, reader)?;
    let ingress = read_rules(spec.ingress, "ingress", "ports", &ADMIN, reader);
    let egress = read_rules(spec.egress, "egress", "ports", &ADMIN, reader);
    Some(ClusterPolicyRecord { tier: PolicyTier::Admin, priority, namespaces, pods, ingress, egress })
}

pub(super) fn read_baseline(raw: &Value, reader: &mut Reader<'_>) -> Option<ClusterPolicyRecord> {
    let policy: api::Admin = reader.typed(raw)?;
    unknown_fields::check(raw, &policy, reader);
    if reader.key.name != BASELINE_NAME {
        reader.warn("/metadata/name", format!("left out: the one BaselineAdminNetworkPolicy of a cluster is named {BASELINE_NAME:?}"));
        return None;
    }
    let spec = spec_or_warn(policy.spec, reader)?;
    if spec.priority.is_some() {
        reader.warn("/spec/priority", "the API knows no such field; it has no effect");
    }
    let (namespaces, pods) = read_subject(spec.subject, reader)?;
    let ingress = read_rules(spec.ingress, "ingress", "ports", &BASELINE, reader);
    let egress = read_rules(spec.egress, "egress", "ports", &BASELINE, reader);
    Some(ClusterPolicyRecord { tier: PolicyTier::Baseline, priority: None, namespaces, pods, ingress, egress })
}

fn spec_or_warn<T>(spec: Option<T>, reader: &mut Reader<'_>) -> Option<T> {
    if spec.is_none() {
        reader.warn("/spec", "left out: the spec is missing");
    }
    spec
}

fn read_priority(priority: Option<i64>, reader: &mut Reader<'_>) -> Option<u16> {
    let Some(priority) = priority else {
        reader.warn("/spec/priority", "left out: the priority is missing");
        return None;
    };
    let valid = u16::try_from(priority).ok().filter(|priority| *priority <= 1000);
    if valid.is_none() {
        reader.warn("/spec/priority", format!("left out: {priority} is not a priority: they run from 0 to 1000"));
    }
    valid
}

fn read_subject(subject: Option<Subject>, reader: &mut Reader<'_>) -> Option<(Selector, Selector)> {
    const POINTER: &str = "/spec/subject";
    let (namespaces, pods) = subject.map_or((None, None), |subject| (subject.namespaces, subject.pods));
    let selectors = match (namespaces, pods) {
        (Some(namespaces), None) => {
            reader.selector(namespaces, &format!("{POINTER}/namespaces")).map(|namespaces| (namespaces, Selector::default()))
        }
        (None, Some(pods)) => {
            let namespaces = reader.selector(pods.namespace_selector.unwrap_or_default(), &format!("{POINTER}/pods/namespaceSelector"));
            let pods = required_selector(pods.pod_selector, &format!("{POINTER}/pods/podSelector"), reader);
            namespaces.zip(pods)
        }
        _ => {
            reader.warn(POINTER, "left out: the subject must name namespaces or pods, and not both");
            return None;
        }
    };
    if selectors.is_none() {
        reader.warn(POINTER, "left out: the policy cannot be in force with this selector");
    }
    selectors
}

fn required_selector(
    selector: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector>,
    pointer: &str,
    reader: &mut Reader<'_>,
) -> Option<Selector> {
    if selector.is_none() {
        reader.warn(pointer, "the selector is missing; it is taken to select everything");
    }
    reader.selector(selector.unwrap_or_default(), pointer)
}

fn read_rules<R: Into<Rule<M>>, M: PortItem>(
    rules: Option<Vec<R>>,
    direction: &str,
    ports_field: &str,
    dialect: &Dialect,
    reader: &mut Reader<'_>,
) -> Vec<ClusterPolicyRule> {
    let rules = rules.unwrap_or_default();
    warn_of_too_many(rules.len(), "rules", &format!("/spec/{direction}"), dialect, reader);
    let numbered = rules.into_iter().enumerate();
    numbered
        .filter_map(|(index, rule)| read_rule(rule.into(), format!("/spec/{direction}/{index}"), ports_field, dialect, reader))
        .collect()
}

fn warn_of_too_many(n: usize, what: &str, pointer: &str, dialect: &Dialect, reader: &mut Reader<'_>) {
    if n > dialect.most {
        reader.warn(pointer, format!("{n} {what}: a server refuses more than {}", dialect.most));
    }
}

fn read_rule<M: PortItem>(
    rule: Rule<M>,
    pointer: String,
    ports_field: &str,
    dialect: &Dialect,
    reader: &mut Reader<'_>,
) -> Option<ClusterPolicyRule> {
    let action = match rule.action.as_deref() {
        Some(action) if action == dialect.accept => RuleAction::Accept,
        Some("Deny") => RuleAction::Deny,
        Some("Pass") if dialect.can_pass => RuleAction::Pass,
        other => {
            let known = if dialect.can_pass { format!("{}, Deny, Pass", dialect.accept) } else { format!("{}, Deny", dialect.accept) };
            let what = other.map_or_else(|| "the action is missing".to_owned(), |action| format!("unknown action {action:?}"));
            reader.warn(format!("{pointer}/action"), format!("{what}; known are {known}; the rule matches nothing"));
            return None;
        }
    };
    let peers_pointer = format!("{pointer}/{}", if pointer.starts_with("/spec/ingress") { "from" } else { "to" });
    if rule.peers.is_empty() {
        reader.warn(&*peers_pointer, "at least one peer must be given; the rule matches nothing");
        return None;
    }
    warn_of_too_many(rule.peers.len(), "peers", &peers_pointer, dialect, reader);
    let mut peers = Vec::new();
    let mut fails_closed = false;
    for (index, peer) in rule.peers.into_iter().enumerate() {
        match read_peer(&format!("{peers_pointer}/{index}"), peer, action, dialect, reader) {
            Ok(read) => peers.extend(read),
            Err(Unreadable) => fails_closed = true,
        }
    }
    let ports_pointer = format!("{pointer}/{ports_field}");
    let ports = rule.ports.map(|ports| {
        if ports.is_empty() {
            reader.warn(&*ports_pointer, "an empty list is refused by servers; the rule is taken to match every port");
        }
        warn_of_too_many(ports.len(), "ports", &ports_pointer, dialect, reader);
        let numbered = ports.into_iter().enumerate();
        let read: Vec<_> = numbered.map(|(index, item)| item.read(format!("{ports_pointer}/{index}"), reader)).collect();
        (read.is_empty(), read.into_iter().flatten().collect::<Vec<_>>())
    });
    let ports = ports.and_then(|(was_empty, ports)| (!was_empty).then_some(ports));
    let has_name = ports.iter().flatten().any(|port| matches!(port.port, ClusterPolicyPortMatch::Name(..)));
    if has_name && peers.iter().any(|peer| !matches!(peer.kind, ClusterPolicyPeerKind::Pods { .. })) {
        let message = "servers refuse port names beside nodes, networks and domain names, which have none: there a name matches nothing";
        reader.warn(&*ports_pointer, message);
    }
    if fails_closed && action == RuleAction::Accept {
        reader.warn(&*pointer, "a peer of an unknown kind fails closed: the rule matches nothing");
        return None;
    }
    if fails_closed {
        reader.warn(&*pointer, "a peer of an unknown kind fails closed: the rule denies everything");
        return Some(ClusterPolicyRule { pointer: pointer.into(), action: RuleAction::Deny, peers: None, ports: None });
    }
    Some(ClusterPolicyRule { pointer: pointer.into(), action, peers: Some(peers), ports })
}

/// The peer is of no kind that is known.
struct Unreadable;

fn read_peer(
    pointer: &str,
    peer: AnyPeer,
    action: RuleAction,
    dialect: &Dialect,
    reader: &mut Reader<'_>,
) -> Result<Vec<ClusterPolicyPeer>, Unreadable> {
    let AnyPeer { namespaces, pods, nodes, networks, domain_names } = peer;
    let domain_names = domain_names.filter(|_| dialect.has_domain_names);
    let n_fields = [namespaces.is_some(), pods.is_some(), nodes.is_some(), networks.is_some(), domain_names.is_some()]
        .iter()
        .filter(|is| **is)
        .count();
    if n_fields != 1 {
        let known = match dialect.has_domain_names {
            _ if pointer.starts_with("/spec/ingress") => "namespaces, pods",
            true => "namespaces, pods, nodes, networks, domainNames",
            false => "namespaces, pods, nodes, networks",
        };
        let what = if n_fields == 0 { "the peer is of no kind that is known" } else { "the peer has more than one kind" };
        reader.warn(pointer, format!("{what}; exactly one must be given of {known}"));
        return Err(Unreadable);
    }
    let one = |kind| vec![ClusterPolicyPeer { pointer: pointer.into(), kind }];
    if let Some(namespaces) = namespaces {
        let namespaces = read_namespaces(namespaces, &format!("{pointer}/namespaces"), reader);
        return Ok(
            namespaces.map_or_else(Vec::new, |namespaces| one(ClusterPolicyPeerKind::Pods { namespaces, pods: Selector::default() }))
        );
    }
    if let Some(pods) = pods {
        return Ok(read_pods(pods, &format!("{pointer}/pods"), reader).map_or_else(Vec::new, one));
    }
    if let Some(nodes) = nodes {
        let nodes = reader.selector(nodes, &format!("{pointer}/nodes"));
        return Ok(nodes.map_or_else(Vec::new, |nodes| one(ClusterPolicyPeerKind::Nodes(nodes))));
    }
    for (field, list) in [("networks", &networks), ("domainNames", &domain_names)] {
        if list.as_ref().is_some_and(Vec::is_empty) {
            reader.warn(format!("{pointer}/{field}"), "an empty list is refused by servers; the peer matches nothing");
        }
    }
    let mut peers = Vec::new();
    for (index, network) in networks.into_iter().flatten().enumerate() {
        let pointer = format!("{pointer}/networks/{index}");
        if let Some(block) = network_policy::read_cidr(&network, &pointer, reader) {
            let block = crate::address::AddressBlock::new(block, &[]);
            peers.push(ClusterPolicyPeer { pointer: pointer.into(), kind: ClusterPolicyPeerKind::Network(block) });
        }
    }
    for (index, domain) in domain_names.into_iter().flatten().enumerate() {
        let pointer = format!("{pointer}/domainNames/{index}");
        if action != RuleAction::Accept {
            reader.warn(&*pointer, "domain names are for rules that let through only; a server may refuse the rule or pass it over");
        }
        if let Some(domain) = read_domain(&domain, &pointer, reader) {
            peers.push(ClusterPolicyPeer { pointer: pointer.into(), kind: ClusterPolicyPeerKind::Domain(domain) });
        }
    }
    Ok(peers)
}

fn read_pods(pods: NamespacesAndPods, pointer: &str, reader: &mut Reader<'_>) -> Option<ClusterPolicyPeerKind> {
    let namespaces = match (pods.namespace_selector, pods.namespaces) {
        (Some(_), Some(_)) => {
            reader.warn(pointer, "namespaces are given in two ways; the peer matches nothing");
            return None;
        }
        (None, Some(namespaces)) => read_namespaces(namespaces, &format!("{pointer}/namespaces"), reader)?,
        (selector, None) => {
            NamespacePeers::Matching(reader.selector(selector.unwrap_or_default(), &format!("{pointer}/namespaceSelector"))?)
        }
    };
    let pods = required_selector(pods.pod_selector, &format!("{pointer}/podSelector"), reader)?;
    Some(ClusterPolicyPeerKind::Pods { namespaces, pods })
}

fn read_namespaces(namespaces: Namespaces, pointer: &str, reader: &mut Reader<'_>) -> Option<NamespacePeers> {
    let Namespaces { match_labels, match_expressions, namespace_selector, same_labels, not_same_labels } = namespaces;
    let is_selector = match_labels.is_some() || match_expressions.is_some();
    let n_fields = [is_selector, namespace_selector.is_some(), same_labels.is_some(), not_same_labels.is_some()];
    if n_fields.iter().filter(|is| **is).count() > 1 {
        reader.warn(pointer, "namespaces are given in more than one way; the peer matches nothing");
        return None;
    }
    let keys = |keys: Vec<String>| keys.into_iter().map(SmolStr::from).collect::<Vec<_>>();
    if let Some(labels) = same_labels {
        return Some(NamespacePeers::SameLabels(keys(labels)));
    }
    if let Some(labels) = not_same_labels {
        return Some(NamespacePeers::NotSameLabels(keys(labels)));
    }
    let (selector, pointer) = match namespace_selector {
        Some(selector) => (selector, format!("{pointer}/namespaceSelector")),
        None => {
            let selector = k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector { match_labels, match_expressions };
            (selector, pointer.to_owned())
        }
    };
    reader.selector(selector, &pointer).map(NamespacePeers::Matching)
}

/// A domain name in lower case, without a dot at its end; `*.` may stand before it.
fn read_domain(text: &str, pointer: &str, reader: &mut Reader<'_>) -> Option<SmolStr> {
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    let labels: Vec<&str> = name.strip_prefix("*.").unwrap_or(name).split('.').collect();
    let is_label = |label: &&str| {
        let at_end = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(at_end) && label.ends_with(at_end) && label.chars().all(|c| at_end(c) || c == '-' || c == '_')
    };
    let is_valid = labels.len() > 1 && labels.iter().all(is_label);
    if !is_valid {
        reader.warn(pointer, format!("{text:?} is not a domain name, nor one after \"*.\"; it matches nothing"));
    }
    is_valid.then(|| name.into())
}
