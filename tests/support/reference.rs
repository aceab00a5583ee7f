//! A second opinion: NetworkPolicy answered pair by pair and rule by rule from the raw objects, as the text of networking/v1
//! `types.go` reads. Slow and obvious; shares nothing with the engine but the values of the assumptions.
//!
//! What nobody settled is answered by trying every *world*: whether blocks hold pods, whether selectors match pods on their node's
//! network, which address family is used, which address a pod will get. Where worlds disagree, it depends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use portolan_core::assumptions::{Assumptions, BlocksSelectPods, FinishedPods, HostNetworkPods, SelfTraffic, UnknownPodAddresses};
use portolan_core::peer::Verdict;
use serde_json::Value;

use crate::oracle::{list, text};

/// A pod, or what a workload's template would make.
#[derive(Debug, Clone, Default)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The kind of the object that it was read from.
    pub kind: String,
    labels: BTreeMap<String, String>,
    ports: Vec<(String, String, u64)>,
    addresses: Vec<IpAddr>,
    host_network: bool,
    node: String,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A pod, by its place in [`Reference::pods`].
    Pod(usize),
    /// An address of no pod.
    Address(IpAddr),
}

/// A protocol by name, and a port.
pub type Port = (&'static str, u16);

/// One way in which everything unsettled may turn out, but for addresses that are not known.
#[derive(Debug, Clone, Copy)]
struct World {
    blocks_hold_pods: bool,
    selectors_match_host_pods: bool,
    is_v6: bool,
}

/// The second opinion on some objects.
#[derive(Debug)]
pub struct Reference {
    /// The pods that count.
    pub pods: Vec<Pod>,
    policies: Vec<Value>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    assumptions: Assumptions,
    candidates: Vec<IpAddr>,
}

const WORKLOADS: [&str; 7] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "CronJob", "Job"];

impl Reference {
    /// Reads the objects.
    pub fn new(objects: &[Value], assumptions: &Assumptions) -> Self {
        let mut reference = Self {
            pods: Vec::new(),
            policies: objects.iter().filter(|object| text(object, "kind") == "NetworkPolicy").cloned().collect(),
            namespaces: BTreeMap::new(),
            assumptions: assumptions.clone(),
            candidates: Vec::new(),
        };
        let mut owners = BTreeSet::new();
        for object in objects {
            let meta = &object["metadata"];
            match text(object, "kind") {
                "Namespace" => {
                    reference.namespaces.insert(text(meta, "name").to_owned(), string_map(&meta["labels"]));
                }
                "Pod" if text(object, "apiVersion") == "v1" => {
                    let is_finished = matches!(text(&object["status"], "phase"), "Succeeded" | "Failed");
                    if is_finished && assumptions.finished_pods == FinishedPods::Absent {
                        continue;
                    }
                    for owner in list(meta, "ownerReferences") {
                        owners.insert((namespace_of(object), text(owner, "kind").to_owned(), text(owner, "name").to_owned()));
                    }
                    reference.pods.push(pod(object, meta, &object["spec"], &object["status"]));
                }
                _ => {}
            }
        }
        // A ReplicaSet's pods are its Deployment's, a Job's its CronJob's.
        for object in objects {
            let this = (namespace_of(object), text(object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            if owners.contains(&this) {
                for owner in list(&object["metadata"], "ownerReferences") {
                    owners.insert((this.0.clone(), text(owner, "kind").to_owned(), text(owner, "name").to_owned()));
                }
            }
        }
        for object in objects.iter().filter(|object| WORKLOADS.contains(&text(object, "kind"))) {
            let this = (namespace_of(object), text(object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            let pointer = if this.1 == "CronJob" { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
            if let (false, true, Some(template)) =
                (owners.contains(&this), list(&object["metadata"], "ownerReferences").is_empty(), object.pointer(pointer))
            {
                reference.pods.push(pod(object, &template["metadata"], &template["spec"], &Value::Null));
            }
        }
        reference.candidates = reference.candidate_addresses();
        reference
    }

    /// The answers for some ports, in their order. `None` where the ends have no address family in common.
    pub fn answers(&self, from: End, to: End, ports: &[Port]) -> Option<Vec<Verdict>> {
        let worlds = self.worlds(from, to);
        if worlds.is_empty() {
            return None;
        }
        let mut some = vec![false; ports.len()];
        let mut all = vec![true; ports.len()];
        for world in worlds {
            let sides = [self.side(from, "egress", to, world, to, ports), self.side(to, "ingress", from, world, to, ports)];
            for index in 0..ports.len() {
                some[index] |= sides.iter().all(|side| side[index].0);
                all[index] &= sides.iter().all(|side| side[index].1);
            }
        }
        let verdict = |(some, all)| match (some, all) {
            (_, true) => Verdict::Allowed,
            (false, _) => Verdict::Denied,
            _ => Verdict::Depends,
        };
        Some(some.into_iter().zip(all).map(verdict).collect())
    }

    /// Whether a rule of a policy lets a connection through, in some world. The rule is told by its pointer.
    pub fn rule_matches(&self, policy: &Value, pointer: &str, from: End, to: End, port: Port) -> bool {
        let Some(rule) = policy.pointer(pointer) else { return false };
        let direction = if pointer.starts_with("/spec/egress") { "egress" } else { "ingress" };
        let (subject, peer) = if direction == "egress" { (from, to) } else { (to, from) };
        let End::Pod(subject) = subject else { return false };
        self.selects(policy, subject, direction)
            && self.worlds(from, to).into_iter().any(|world| {
                self.addresses_of(peer, world).into_iter().any(|address| self.peers_match(rule, direction, policy, peer, address, world))
            })
            && self.ports_match(rule, to, port)
    }

    /// Whether a policy selects a pod for a direction.
    pub fn selects(&self, policy: &Value, pod: usize, direction: &str) -> bool {
        let pod = &self.pods[pod];
        let spec = &policy["spec"];
        let types: Vec<&str> = list(spec, "policyTypes").iter().filter_map(Value::as_str).collect();
        let speaks = match (types.is_empty(), direction) {
            (false, _) => types.iter().any(|name| name.to_lowercase() == direction),
            (true, "ingress") => true,
            (true, _) => !list(spec, "egress").is_empty(),
        };
        let is_passed_over = pod.host_network && self.assumptions.host_network_pods != HostNetworkPods::Ordinary;
        !is_passed_over && speaks && namespace_of(policy) == pod.namespace && selector_matches(&spec["podSelector"], &pod.labels)
    }

    fn worlds(&self, from: End, to: End) -> Vec<World> {
        let families = |end: End| match end {
            End::Address(address) => BTreeSet::from([address.is_ipv6()]),
            End::Pod(pod) if self.pods[pod].addresses.is_empty() => BTreeSet::from([false]),
            End::Pod(pod) => self.pods[pod].addresses.iter().map(IpAddr::is_ipv6).collect(),
        };
        let blocks: &[bool] = match self.assumptions.ip_block_selects_pods {
            BlocksSelectPods::Yes => &[true],
            BlocksSelectPods::No => &[false],
            BlocksSelectPods::Unsettled => &[true, false],
        };
        let hosts: &[bool] = match self.assumptions.host_network_pods {
            HostNetworkPods::Ordinary => &[true],
            HostNetworkPods::Node => &[false],
            HostNetworkPods::Unsettled => &[true, false],
        };
        let mut worlds = Vec::new();
        for is_v6 in families(from).intersection(&families(to)).copied() {
            for blocks_hold_pods in blocks.iter().copied() {
                for selectors_match_host_pods in hosts.iter().copied() {
                    worlds.push(World { blocks_hold_pods, selectors_match_host_pods, is_v6 });
                }
            }
        }
        worlds
    }

    /// For each port: whether this side lets it through for some address of the peer, and for all.
    fn side(&self, subject: End, direction: &str, peer: End, world: World, to: End, ports: &[Port]) -> Vec<(bool, bool)> {
        let free = vec![(true, true); ports.len()];
        let End::Pod(subject_id) = subject else { return free };
        if subject == peer && self.assumptions.self_traffic == SelfTraffic::Allowed {
            return free;
        }
        // types.go on ingress: "or if the traffic source is the pod's local node".
        if let (End::Pod(peer), "ingress") = (peer, direction) {
            let (own, other) = (&self.pods[subject_id], &self.pods[peer]);
            let is_node = other.host_network && self.assumptions.host_network_pods != HostNetworkPods::Ordinary;
            if is_node && !own.node.is_empty() && own.node == other.node {
                return free;
            }
        }
        let policies: Vec<&Value> = self.policies.iter().filter(|policy| self.selects(policy, subject_id, direction)).collect();
        if policies.is_empty() {
            return free;
        }
        let mut answers = vec![(false, true); ports.len()];
        for address in self.addresses_of(peer, world) {
            let mut matching = Vec::new();
            for policy in &policies {
                let rules = list(&policy["spec"], direction);
                matching.extend(rules.iter().filter(|rule| self.peers_match(rule, direction, policy, peer, address, world)));
            }
            for (answer, port) in answers.iter_mut().zip(ports) {
                let is_allowed = matching.iter().any(|rule| self.ports_match(rule, to, *port));
                *answer = (answer.0 || is_allowed, answer.1 && is_allowed);
            }
        }
        answers
    }

    fn peers_match(&self, rule: &Value, direction: &str, policy: &Value, other: End, address: IpAddr, world: World) -> bool {
        let peers = list(rule, if direction == "ingress" { "from" } else { "to" });
        peers.is_empty() || peers.iter().any(|peer| self.peer_matches(peer, policy, other, address, world))
    }

    fn peer_matches(&self, peer: &Value, policy: &Value, other: End, address: IpAddr, world: World) -> bool {
        let has = |field: &str| peer.get(field).is_some_and(|value| !value.is_null());
        if has("ipBlock") {
            if has("podSelector") || has("namespaceSelector") {
                return false;
            }
            let is_ordinary_pod = match other {
                End::Address(_) => false,
                End::Pod(pod) => !self.is_node(pod),
            };
            let block = &peer["ipBlock"];
            return (!is_ordinary_pod || world.blocks_hold_pods)
                && holds(text(block, "cidr"), address)
                && !list(block, "except").iter().filter_map(Value::as_str).any(|hole| holds(hole, address));
        }
        let (End::Pod(id), true) = (other, has("podSelector") || has("namespaceSelector")) else { return false };
        let pod = &self.pods[id];
        let in_namespace = if has("namespaceSelector") {
            let mut labels = self.namespaces.get(&pod.namespace).cloned().unwrap_or_default();
            labels.insert("kubernetes.io/metadata.name".to_owned(), pod.namespace.clone());
            selector_matches(&peer["namespaceSelector"], &labels)
        } else {
            pod.namespace == namespace_of(policy)
        };
        in_namespace && selector_matches(&peer["podSelector"], &pod.labels) && (!self.is_node(id) || world.selectors_match_host_pods)
    }

    fn ports_match(&self, rule: &Value, to: End, (protocol, number): Port) -> bool {
        let ports = list(rule, "ports");
        ports.is_empty()
            || ports.iter().any(|port| {
                let wanted = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
                wanted == protocol
                    && match (port.get("port"), port.get("endPort").and_then(Value::as_u64)) {
                        (None | Some(Value::Null), None) => true,
                        (Some(Value::Number(first)), end) => {
                            let first = first.as_u64().unwrap_or(0);
                            (first..=end.unwrap_or(first)).contains(&u64::from(number))
                        }
                        (Some(Value::String(name)), None) => match to {
                            End::Pod(pod) => self.pods[pod].ports.contains(&(name.clone(), protocol.to_owned(), u64::from(number))),
                            End::Address(_) => false,
                        },
                        _ => false,
                    }
            })
    }

    fn is_node(&self, pod: usize) -> bool {
        self.pods[pod].host_network && self.assumptions.host_network_pods != HostNetworkPods::Ordinary
    }

    /// The addresses that an end may have in a world; one where they are known.
    fn addresses_of(&self, end: End, world: World) -> Vec<IpAddr> {
        match end {
            End::Address(address) => vec![address],
            End::Pod(pod) if self.pods[pod].addresses.is_empty() => self.candidates.clone(),
            End::Pod(pod) => self.pods[pod].addresses.iter().copied().filter(|address| address.is_ipv6() == world.is_v6).collect(),
        }
    }

    /// One IPv4 address for every interval that some block's bounds leave of those that a pod may get.
    fn candidate_addresses(&self) -> Vec<IpAddr> {
        let allowed: &[&str] = match self.assumptions.unknown_pod_addresses {
            UnknownPodAddresses::Private => &["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
            UnknownPodAddresses::Any => &["0.0.0.0/0"],
        };
        let mut starts: BTreeSet<u32> = BTreeSet::new();
        let mut add = |cidr: &str| {
            if let Some((first, last)) = bounds(cidr).filter(|_| !cidr.contains(':')) {
                starts.extend([u32::try_from(first).unwrap_or(0), u32::try_from(last + 1).unwrap_or(0)]);
            }
        };
        allowed.iter().for_each(|cidr| add(cidr));
        let rules = self.policies.iter().flat_map(|policy| [list(&policy["spec"], "ingress"), list(&policy["spec"], "egress")].concat());
        for block in rules.flat_map(|rule| [list(&rule, "from"), list(&rule, "to")].concat()).map(|peer| peer["ipBlock"].clone()) {
            add(text(&block, "cidr"));
            list(&block, "except").iter().filter_map(Value::as_str).for_each(&mut add);
        }
        let addresses = starts.into_iter().map(|start| IpAddr::from(start.to_be_bytes()));
        addresses.filter(|address| allowed.iter().any(|cidr| holds(cidr, *address))).collect()
    }
}

fn namespace_of(object: &Value) -> String {
    let namespace = text(&object["metadata"], "namespace");
    if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() }
}

fn string_map(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn pod(object: &Value, meta: &Value, spec: &Value, status: &Value) -> Pod {
    let mut pod = Pod {
        namespace: namespace_of(object),
        name: text(&object["metadata"], "name").to_owned(),
        kind: text(object, "kind").to_owned(),
        labels: string_map(&meta["labels"]),
        host_network: spec["hostNetwork"] == true,
        node: text(spec, "nodeName").to_owned(),
        ..Pod::default()
    };
    let sidecars = list(spec, "initContainers").iter().filter(|container| text(container, "restartPolicy") == "Always");
    for port in list(spec, "containers").iter().chain(sidecars).flat_map(|container| list(container, "ports")) {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        pod.ports.push((text(port, "name").to_owned(), protocol.to_owned(), port["containerPort"].as_u64().unwrap_or(0)));
    }
    let ips = list(status, "podIPs").iter().map(|ip| text(ip, "ip")).chain([text(status, "podIP")]);
    pod.addresses = ips.filter_map(|ip| ip.parse().ok()).collect::<BTreeSet<IpAddr>>().into_iter().collect();
    pod
}

/// meta/v1 `LabelSelector`: every entry of matchLabels and every expression must hold; an empty or absent selector matches everything.
fn selector_matches(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    string_map(&selector["matchLabels"]).iter().all(|(key, value)| labels.get(key) == Some(value))
        && list(selector, "matchExpressions").iter().all(|expression| {
            let found = labels.get(text(expression, "key"));
            let is_listed = list(expression, "values").iter().any(|value| found.is_some() && value.as_str() == found.map(String::as_str));
            match text(expression, "operator") {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

/// The first and the last address of a block, as numbers.
fn bounds(cidr: &str) -> Option<(u128, u128)> {
    let (address, prefix) = cidr.split_once('/')?;
    let (number, bits) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let n_host_bits = bits - prefix.parse::<u32>().ok()?;
    let mask = if n_host_bits == 128 { u128::MAX } else { (1 << n_host_bits) - 1 };
    Some((number & !mask, number | mask))
}

fn holds(cidr: &str, address: IpAddr) -> bool {
    let number = match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    cidr.contains(':') == address.is_ipv6() && bounds(cidr).is_some_and(|(first, last)| first <= number && number <= last)
}
