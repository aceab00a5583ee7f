//! What a generated cluster is made of, and the records that it becomes without a detour through JSON.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use internment::ArcIntern;
use ipnet::IpNet;
use portolan_core::address::AddressBlock;
use portolan_core::intake::Entry;
use portolan_core::labels::{Labels, Operator, Requirement, Selector};
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::policy;
use portolan_core::ports::{PortSet, Protocol};
use portolan_core::record::{Addresses, ContainerPort, NamespaceRecord, PodRecord, PodTemplate, Proxy, Record, WorkloadRecord};
use portolan_core::snapshot::{Change, Snapshot};
use smol_str::SmolStr;

/// A generated cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Its namespaces.
    pub namespaces: Vec<Namespace>,
    /// Deployments and ReplicaSets, with their templates.
    pub workloads: Vec<Workload>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Its NetworkPolicies.
    pub policies: Vec<Policy>,
    /// Whether a workload without pods is represented by its template, as in manifests.
    pub represents_templates: bool,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Its name.
    pub name: SmolStr,
    /// Its labels, without the one that holds its name.
    pub labels: Vec<(SmolStr, SmolStr)>,
}

/// A Deployment or a ReplicaSet.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its key.
    pub key: ObjectKey,
    /// Its record.
    pub record: WorkloadRecord,
}

/// A pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// What it has in common with others of its template.
    pub template: PodTemplate,
    /// Its address.
    pub address: IpAddr,
    /// Its node.
    pub node: SmolStr,
}

/// A NetworkPolicy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Which pods of its namespace it is for.
    pub pods: Selector,
    /// What it lets in; `None` where it says nothing of ingress.
    pub ingress: Option<Vec<Rule>>,
    /// What it lets out; `None` where it says nothing of egress.
    pub egress: Option<Vec<Rule>>,
}

/// One rule. No peer is every peer, no port is every port.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// The other ends.
    pub peers: Vec<RulePeer>,
    /// The ports.
    pub ports: Vec<(Protocol, PolicyPortMatch)>,
}

/// Which ports of a protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyPortMatch {
    /// All.
    All,
    /// From the first to the last, both included.
    Range(u16, u16),
    /// The container port of this name.
    Name(SmolStr),
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum RulePeer {
    /// Pods of the policy's namespace, or of those that match.
    Pods(Option<Selector>, Selector),
    /// Addresses: a block, and what is not of it.
    Block(IpNet, Vec<IpNet>),
}

impl Namespace {
    /// A namespace.
    pub fn new(name: impl Into<SmolStr>, labels: &[(&str, &str)]) -> Self {
        Self { name: name.into(), labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect() }
    }

    /// Its key.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::Namespace, "", self.name.clone())
    }

    /// Its record.
    pub fn record(&self) -> Record {
        let own = ("kubernetes.io/metadata.name".into(), self.name.clone());
        Record::Namespace(NamespaceRecord { labels: self.labels.iter().cloned().chain([own]).collect(), egress: None })
    }
}

impl Pod {
    /// A running pod, the `number`th of its cluster, which decides its address and its node.
    pub fn new(namespace: impl Into<SmolStr>, name: impl Into<SmolStr>, number: usize, labels: Labels, ports: &[ContainerPort]) -> Self {
        let template = template(labels, ports);
        Self { namespace: namespace.into(), name: name.into(), template, address: address(number), node: node(number) }
    }

    /// Its key.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::Pod, self.namespace.clone(), self.name.clone())
    }

    /// Its record.
    pub fn record(&self) -> Record {
        // It has a status, and no proxy among its containers.
        let template = ArcIntern::new(PodTemplate { proxy: Proxy::Absent, ..self.template.clone() });
        let addresses = Addresses::One(self.address);
        Record::Pod(PodRecord { template, addresses, node: ArcIntern::from(self.node.as_str()), ready: true, ..PodRecord::default() })
    }
}

/// A template of these labels and ports.
pub fn template(labels: Labels, ports: &[ContainerPort]) -> PodTemplate {
    PodTemplate { labels: labels.into(), ports: Arc::from(ports), ..PodTemplate::default() }
}

/// The record of a pod as a template describes it.
pub fn represented(template: PodTemplate) -> PodRecord {
    PodRecord { template: ArcIntern::new(template), ready: true, ..PodRecord::default() }
}

/// The node of the `number`th pod.
pub fn node(number: usize) -> SmolStr {
    format!("node-{}", number / 30).into()
}

/// The address of the `number`th pod: one of 10.0.0.0/8.
pub fn address(number: usize) -> IpAddr {
    let number = u32::try_from(number % (1 << 24)).unwrap_or_default();
    IpAddr::V4(Ipv4Addr::from(0x0A00_0001_u32.wrapping_add(number)))
}

impl Policy {
    /// A policy on what comes in.
    pub fn ingress(namespace: impl Into<SmolStr>, name: impl Into<SmolStr>, pods: Selector, rules: Vec<Rule>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), pods, ingress: Some(rules), egress: None }
    }

    /// A policy on what goes out.
    pub fn egress(namespace: impl Into<SmolStr>, name: impl Into<SmolStr>, pods: Selector, rules: Vec<Rule>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), pods, ingress: None, egress: Some(rules) }
    }

    /// Its key.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::NetworkPolicy, self.namespace.clone(), self.name.clone())
    }

    /// Its rules of both directions.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.ingress.iter().chain(&self.egress).flatten()
    }

    /// Its record.
    pub fn record(&self) -> Record {
        let rules = |rules: &Option<Vec<Rule>>, direction: &str, field: &str| {
            let numbered = rules.as_ref()?.iter().enumerate();
            Some(numbered.map(|(index, rule)| rule.compiled(&self.namespace, format!("/spec/{direction}/{index}"), field)).collect())
        };
        let subject = selected(policy::NamespaceScope::One(self.namespace.clone()), &self.pods);
        let (ingress, egress) = (rules(&self.ingress, "ingress", "from"), rules(&self.egress, "egress", "to"));
        Record::NetworkPolicy(Arc::new(policy::Policy::new(self.key(), policy::RANK_ON_ARRIVAL, subject, ingress, egress)))
    }
}

impl Rule {
    /// A rule for pods of the policy's own namespace.
    pub fn own_pods(pods: Selector, ports: Vec<(Protocol, PolicyPortMatch)>) -> Self {
        Self { peers: vec![RulePeer::Pods(None, pods)], ports }
    }

    fn compiled(&self, namespace: &SmolStr, pointer: String, field: &str) -> policy::Rule {
        let own = || policy::NamespaceScope::One(namespace.clone());
        let peer = |(index, peer): (usize, &RulePeer)| policy::Peer {
            pointer: format!("{pointer}/{field}/{index}").into(),
            kind: match peer {
                RulePeer::Pods(None, pods) => policy::PeerKind::Pods(selected(own(), pods)),
                RulePeer::Pods(Some(namespaces), pods) => {
                    policy::PeerKind::Pods(selected(policy::NamespaceScope::Matching(namespaces.clone()), pods))
                }
                RulePeer::Block(block, except) => policy::PeerKind::Block(policy::BlockKind::IpBlock, AddressBlock::new(*block, except)),
            },
        };
        let port = |(index, (protocol, port)): (usize, &(Protocol, PolicyPortMatch))| policy::Port {
            pointer: format!("{pointer}/ports/{index}").into(),
            kind: match port {
                PolicyPortMatch::All => policy::PortKind::Set(PortSet::all_of(*protocol)),
                PolicyPortMatch::Range(first, last) => policy::PortKind::Set(PortSet::range(*protocol, *first, *last)),
                PolicyPortMatch::Name(name) => policy::PortKind::Named(Some(*protocol), name.clone()),
            },
        };
        let peers = (!self.peers.is_empty()).then(|| self.peers.iter().enumerate().map(peer).collect());
        let ports = (!self.ports.is_empty()).then(|| self.ports.iter().enumerate().map(port).collect());
        policy::Rule::new(pointer, policy::Action::Allow, peers, ports)
    }
}

fn selected(namespaces: policy::NamespaceScope, pods: &Selector) -> policy::PodSelector {
    policy::PodSelector { namespaces, pods: pods.clone(), host_network: policy::HostNetwork::Assumed }
}

/// An entry of a record alone, as if it had been read without a fault.
pub fn entry(key: ObjectKey, record: Record) -> Arc<Entry> {
    Arc::new(Entry { key, record: Some(record), raw: None, warnings: Box::default() })
}

impl Cluster {
    /// All records with their keys, kind by kind.
    pub fn records(&self) -> impl Iterator<Item = (ObjectKey, Record)> {
        let namespaces = self.namespaces.iter().map(|namespace| (namespace.key(), namespace.record()));
        let workloads = self.workloads.iter().map(|workload| (workload.key.clone(), Record::Workload(Box::new(workload.record.clone()))));
        let pods = self.pods.iter().map(|pod| (pod.key(), pod.record()));
        let policies = self.policies.iter().map(|policy| (policy.key(), policy.record()));
        namespaces.chain(workloads).chain(pods).chain(policies)
    }

    /// The cluster as changes, one for each object.
    pub fn changes(&self) -> Vec<Change> {
        self.records().map(|(key, record)| Change::Apply(entry(key, record))).collect()
    }

    /// The cluster as one list for each kind, as a watch that starts over brings it.
    pub fn lists(&self) -> Vec<Change> {
        let mut lists: Vec<(Kind, Vec<_>)> = Vec::new();
        for (key, record) in self.records() {
            match lists.iter_mut().find(|(kind, _)| *kind == key.kind) {
                Some((_, entries)) => entries.push(entry(key, record)),
                None => lists.push((key.kind, vec![entry(key, record)])),
            }
        }
        lists.into_iter().map(|(kind, entries)| Change::Replace { kind, namespace: None, entries }).collect()
    }

    /// The snapshot of all of it.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.represents_templates = self.represents_templates;
        for list in self.lists() {
            snapshot.apply(list);
        }
        snapshot
    }
}

/// Labels of pairs.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| (*key, *value)).collect()
}

/// A selector of one value of one key.
pub fn is(key: &str, value: &str) -> Selector {
    requires(key, Operator::In(vec![value.into()]))
}

/// A selector of some values of one key.
pub fn is_one_of<T: Into<SmolStr>>(key: &str, values: impl IntoIterator<Item = T>) -> Selector {
    requires(key, Operator::In(values.into_iter().map(Into::into).collect()))
}

/// A selector of everything but some values of one key.
pub fn is_none_of<T: Into<SmolStr>>(key: &str, values: impl IntoIterator<Item = T>) -> Selector {
    requires(key, Operator::NotIn(values.into_iter().map(Into::into).collect()))
}

fn requires(key: &str, operator: Operator) -> Selector {
    Selector::new(vec![Requirement { key: key.into(), operator }])
}

/// One port of TCP.
pub fn tcp(port: u16) -> (Protocol, PolicyPortMatch) {
    (Protocol::Tcp, PolicyPortMatch::Range(port, port))
}

/// A port that a container declares.
pub fn container_port(name: &str, port: u16) -> ContainerPort {
    ContainerPort { name: name.into(), protocol: Protocol::Tcp, port, host_port: None }
}

/// The block of this length that holds an address. `prefix` is at most 32.
pub fn block(address: u32, prefix: u8) -> IpNet {
    IpNet::new(IpAddr::V4(Ipv4Addr::from(address)), prefix.min(32)).expect("at most 32").trunc()
}
