//! What is compiled where objects may not be seen, and of selectors that ask for what entities have.

use std::collections::{BTreeMap, BTreeSet};

use super::{compile, faults};
use crate::object::{Kind, Object};
use crate::policy::{Entity, PeerKind, Rule};
use crate::snapshot::{Change, Snapshot, Unseen};

fn snapshot(rule: &str, unseen: &[Kind]) -> Snapshot {
    let text = format!(
        "{{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {{name: p}}, spec: {{endpointSelector: {{}}, egress: [{rule}]}}}}"
    );
    let object = Object::new(serde_yaml::from_str(&text).unwrap(), "default").unwrap().unwrap();
    let mut snapshot = Snapshot::default();
    snapshot.apply(Change::apply(&object));
    snapshot.apply(Change::Unseen(Unseen(unseen.iter().map(|kind| (*kind, BTreeSet::new())).collect::<BTreeMap<_, _>>())));
    snapshot
}

fn rules(rule: &str, unseen: &[Kind]) -> Vec<Rule> {
    compile(&snapshot(rule, unseen)).iter().flat_map(|policy| policy.egress.clone().unwrap().into_vec()).collect()
}

fn entities(rule: &str) -> Vec<Entity> {
    let rules = rules(rule, &[]);
    let peers = rules.iter().flat_map(|rule| rule.peers.iter().flatten());
    peers.filter_map(|peer| if let PeerKind::Entity(entity) = &peer.kind { Some(entity.entity) } else { None }).collect()
}

#[test]
fn what_may_not_be_seen_is_a_condition() {
    let group = "{toCIDRSet: [{cidrGroupRef: g}]}";
    let service = "{toServices: [{k8sService: {serviceName: s, namespace: n}}]}";
    for (rule, kind) in [(group, Kind::CiliumCidrGroup), (service, Kind::Service), (service, Kind::EndpointSlice)] {
        let conditions: Vec<bool> = rules(rule, &[kind]).iter().map(|rule| rule.condition().is_some()).collect();
        assert_eq!(conditions, [true], "{rule} {kind:?}");
    }
    for (rule, kind) in [(group, Kind::CiliumCidrGroup), (service, Kind::Service)] {
        let seen = rules(rule, &[]);
        assert!(seen.iter().all(|rule| rule.condition().is_none() && rule.peers.as_ref().unwrap().is_empty()), "{rule}");
        assert_eq!((faults(&snapshot(rule, &[])).len(), faults(&snapshot(rule, &[kind])).len()), (1, 0), "{rule}");
    }
}

#[test]
fn a_selector_means_entities_by_their_reserved_labels_and_by_what_they_lack() {
    let endpoints = |expressions: &str| entities(&format!("{{toEndpoints: [{{matchExpressions: [{expressions}]}}]}}"));
    assert_eq!(endpoints("{key: 'reserved:world', operator: Exists}"), [Entity::World]);
    assert_eq!(endpoints("{key: 'reserved:kube-apiserver', operator: Exists}"), [Entity::ApiServer]);
    assert_eq!(endpoints("{key: 'reserved:host', operator: In, values: ['']}"), [Entity::OwnNode]);
    assert_eq!(endpoints("{key: 'reserved:host', operator: DoesNotExist}"), [Entity::OtherNodes, Entity::World]);
    assert_eq!(endpoints("{key: app, operator: NotIn, values: [a]}"), [], "what has no namespace is not meant");
    assert_eq!(endpoints("{key: io.kubernetes.pod.namespace, operator: NotIn, values: [a]}"), [Entity::World], "nodes are one peer");
    assert_eq!(endpoints("{key: io.kubernetes.pod.namespace, operator: Exists}"), []);
    assert_eq!(endpoints("{key: 'reserved:health', operator: Exists}"), []);
}

#[test]
fn lists_of_what_is_required_keep_out_under_a_condition() {
    let rules = rules("{toEndpoints: [{}], toRequires: [{matchLabels: {team: a}}]}", &[]);
    assert_eq!(
        rules.iter().map(|rule| rule.condition().map(AsRef::as_ref)).collect::<Vec<_>>(),
        [None, Some("the version of Cilium heeds toRequires")]
    );
}

#[test]
fn a_policy_for_nodes_says_that_no_node_is_known() {
    let text = "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: p}, spec: {nodeSelector: {matchLabels: {a: b}}, ingress: [{}]}}";
    let object = Object::new(serde_yaml::from_str(text).unwrap(), "default").unwrap().unwrap();
    let mut snapshot = Snapshot::default();
    snapshot.apply(Change::apply(&object));
    assert_eq!(faults(&snapshot).len(), 1);
    let policies = compile(&snapshot);
    assert_eq!(policies[0].condition.as_deref(), Some("the host firewall is enabled and the node has the labels a=b"));
}
