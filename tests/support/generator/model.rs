//! What a generated cluster is made of, and the records that it becomes without a detour through JSON.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;
use portolan_core::address::AddressBlock;
use portolan_core::intake::Entry;
use portolan_core::labels::{Labels, Operator, Requirement, Selector};
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::ports::Protocol;
use portolan_core::record::{
    ContainerPort, NamespaceRecord, NetworkPolicyRecord, PodRecord, PolicyPeer, PolicyPeerKind, PolicyPort, PolicyPortMatch, PolicyRule,
    Record, WorkloadRecord,
};
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
    /// Its record.
    pub record: PodRecord,
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
        Record::Namespace(NamespaceRecord { labels: Arc::new(self.labels.iter().cloned().chain([own]).collect()) })
    }
}

impl Pod {
    /// A running pod, the `number`th of its cluster, which decides its address and its node.
    pub fn new(namespace: impl Into<SmolStr>, name: impl Into<SmolStr>, number: usize, labels: Labels, ports: &[ContainerPort]) -> Self {
        let mut record = PodRecord { labels: Arc::new(labels), ports: Arc::from(ports), ready: true, ..PodRecord::default() };
        record.addresses.push(address(number));
        record.node = format!("node-{}", number / 30).into();
        Self { namespace: namespace.into(), name: name.into(), record }
    }

    /// Its key.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::Pod, self.namespace.clone(), self.name.clone())
    }

    /// Its record.
    pub fn record(&self) -> Record {
        Record::Pod(Arc::new(self.record.clone()))
    }
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
            let numbered = rules.iter().flatten().enumerate();
            numbered.map(|(index, rule)| rule.record(format!("/spec/{direction}/{index}"), field)).collect()
        };
        Record::NetworkPolicy(NetworkPolicyRecord {
            pod_selector: self.pods.clone(),
            isolates_ingress: self.ingress.is_some(),
            isolates_egress: self.egress.is_some(),
            ingress: rules(&self.ingress, "ingress", "from"),
            egress: rules(&self.egress, "egress", "to"),
        })
    }
}

impl Rule {
    /// A rule for pods of the policy's own namespace.
    pub fn own_pods(pods: Selector, ports: Vec<(Protocol, PolicyPortMatch)>) -> Self {
        Self { peers: vec![RulePeer::Pods(None, pods)], ports }
    }

    fn record(&self, pointer: String, field: &str) -> PolicyRule {
        let peer = |(index, peer): (usize, &RulePeer)| PolicyPeer {
            pointer: format!("{pointer}/{field}/{index}").into(),
            kind: match peer {
                RulePeer::Pods(namespaces, pods) => PolicyPeerKind::Pods { namespaces: namespaces.clone(), pods: pods.clone() },
                RulePeer::Block(block, except) => PolicyPeerKind::Block(AddressBlock::new(*block, except)),
            },
        };
        let port = |(index, (protocol, port)): (usize, &(Protocol, PolicyPortMatch))| PolicyPort {
            pointer: format!("{pointer}/ports/{index}").into(),
            protocol: *protocol,
            port: port.clone(),
        };
        let peers = (!self.peers.is_empty()).then(|| self.peers.iter().enumerate().map(peer).collect());
        let ports = (!self.ports.is_empty()).then(|| self.ports.iter().enumerate().map(port).collect());
        PolicyRule { pointer: pointer.into(), peers, ports }
    }
}

/// An entry of a record alone, as if it had been read without a fault.
pub fn entry(record: Record) -> Arc<Entry> {
    Arc::new(Entry { record: Some(record), raw: None, warnings: Vec::new() })
}

impl Cluster {
    /// All records with their keys, kind by kind.
    pub fn records(&self) -> impl Iterator<Item = (ObjectKey, Record)> {
        let namespaces = self.namespaces.iter().map(|namespace| (namespace.key(), namespace.record()));
        let workloads = self.workloads.iter().map(|workload| (workload.key.clone(), Record::Workload(workload.record.clone())));
        let pods = self.pods.iter().map(|pod| (pod.key(), pod.record()));
        let policies = self.policies.iter().map(|policy| (policy.key(), policy.record()));
        namespaces.chain(workloads).chain(pods).chain(policies)
    }

    /// The cluster as changes, one for each object.
    pub fn changes(&self) -> Vec<Change> {
        self.records().map(|(key, record)| Change::Apply(key, entry(record))).collect()
    }

    /// The cluster as one list for each kind, as a watch that starts over brings it.
    pub fn lists(&self) -> Vec<Change> {
        let mut lists: Vec<(Kind, Vec<_>)> = Vec::new();
        for (key, record) in self.records() {
            match lists.iter_mut().find(|(kind, _)| *kind == key.kind) {
                Some((_, entries)) => entries.push((key, entry(record))),
                None => lists.push((key.kind, vec![(key, entry(record))])),
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
