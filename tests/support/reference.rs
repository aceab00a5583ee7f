//! A second opinion: policies of every dialect answered pair by pair and rule by rule from the raw objects, as the texts of their APIs
//! read. Slow and obvious; shares nothing with the engine but the values of the assumptions.
//!
//! What nobody settled is answered by trying every *world*: whether blocks hold pods, whether selectors match pods on their node's
//! network, which address family is used, which address a pod will get or a name resolves to; and, rule by rule, whether a name resolves
//! to an address, whether a node without an object has the labels, and what layers above ports ask for. Where worlds disagree, it
//! depends.

mod calico;
mod calico_selector;
mod cilium;
mod cluster;
mod cluster_policy;
mod decide;
mod egress_firewall;
mod istio;
mod matching;
mod network_policy;
mod peer;
mod rule;

use std::collections::BTreeSet;
use std::net::IpAddr;

use portolan_core::assumptions::{Assumptions, BlocksSelectPods, HostNetworkPods, SelfTraffic, UnknownPodAddresses};
use portolan_core::peer::Verdict;
use serde_json::Value;

pub use cluster::{Cluster, Node, Pod};
pub use cluster_policy::domain_matches;
pub use rule::Action;

use crate::oracle::text;
use cluster::namespace_of;
use cluster_policy::Dialect;
use decide::{Matched, May, Mode, Plane, Tier};
use matching::Block;
use peer::At;
use rule::{Match, Policy};

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A pod, by its place in [`Cluster::pods`].
    Pod(usize),
    /// An address of no pod.
    Address(IpAddr),
    /// What a name resolves to: some address of no pod, no node, and not that of the API server. Nothing comes from there.
    Name(&'static str),
}

/// One side of a connection, by what it is to the subject of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The subject is the destination.
    Ingress,
    /// The subject is the source.
    Egress,
}

/// A protocol by name, and a port.
pub type Port = (&'static str, u16);

/// One way in which everything unsettled may turn out, but for addresses that are not known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    blocks_hold_pods: bool,
    networks_hold_pods: bool,
    selectors_match_host_pods: bool,
    is_v6: bool,
}

/// A rule that matches a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// What the rule does, or may do.
    pub actions: Vec<Action>,
    /// Whether it matches in every world.
    pub is_certain: bool,
}

/// The second opinion on some objects.
#[derive(Debug)]
pub struct Reference {
    /// The pods, nodes and namespaces.
    pub cluster: Cluster,
    /// In the order in which they are asked.
    tiers: Vec<Tier>,
    /// By tier and rank.
    policies: Vec<Policy>,
    assumptions: Assumptions,
    /// The addresses that a pod may have whose address is not known, as far as policies tell them apart.
    candidates: Vec<IpAddr>,
    /// The addresses that a name may resolve to, as far as policies tell them apart.
    outside: Vec<IpAddr>,
}

impl Reference {
    /// Reads the objects.
    pub fn new(objects: &[Value], assumptions: &Assumptions) -> Self {
        let cluster = Cluster::new(objects, assumptions);
        let first_match = |plane| Tier { plane, mode: Mode::FirstMatch, is_tcp_only: false };
        let calico = calico::Tiers::new(objects);
        // The tiers before NetworkPolicies, of them, and after them.
        let mut tiers = vec![first_match(Plane::Cluster)];
        match &calico {
            None => tiers.push(Tier { plane: Plane::Cluster, mode: Mode::Union, is_tcp_only: false }),
            Some(calico) => tiers.extend(calico.modes().map(|mode| Tier { plane: Plane::Cluster, mode, is_tcp_only: false })),
        }
        tiers.push(first_match(Plane::Cluster));
        let around = [0, tiers.len() - 1];
        let (of_firewalls, of_mesh) = (tiers.len(), tiers.len() + 1);
        tiers.push(first_match(Plane::EgressFirewall));
        tiers.push(Tier { plane: Plane::Mesh, mode: Mode::Union, is_tcp_only: true });
        let of_network_policies = 1 + calico.as_ref().map_or(0, calico::Tiers::default_place);
        let read = |object: &Value| -> Vec<Policy> {
            let Some((group, _)) = text(object, "apiVersion").split_once('/') else { return Vec::new() };
            match (group, text(object, "kind")) {
                ("networking.k8s.io", "NetworkPolicy") => {
                    let mut policy = network_policy::read(object, of_network_policies, &cluster);
                    policy.rank = calico.as_ref().map_or(0, |calico| calico.rank(object));
                    vec![policy]
                }
                ("policy.networking.k8s.io", kind) => {
                    Dialect::of(kind).and_then(|kind| cluster_policy::read(object, kind, around, &cluster)).into_iter().collect()
                }
                ("cilium.io", kind) => cilium::read(object, kind, of_network_policies, objects, &cluster),
                ("projectcalico.org", _) => {
                    calico.as_ref().and_then(|calico| calico::read(object, calico, objects, &cluster)).into_iter().collect()
                }
                ("k8s.ovn.org", _) => egress_firewall::read(object, of_firewalls, &cluster).into_iter().collect(),
                ("security.istio.io", _) => istio::read(object, of_mesh, &cluster).into_iter().collect(),
                _ => Vec::new(),
            }
        };
        let mut policies: Vec<Policy> = objects.iter().flat_map(read).collect();
        policies.sort_by_key(|policy| (policy.tier, policy.rank));
        let (candidates, outside) = (Vec::new(), Vec::new());
        let mut reference = Self { cluster, tiers, policies, assumptions: assumptions.clone(), candidates, outside };
        reference.candidates = reference.candidate_addresses();
        reference.outside = reference.addresses_outside();
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
            let sides = [self.side(Direction::Egress, from, to, world, ports), self.side(Direction::Ingress, from, to, world, ports)];
            for index in 0..ports.len() {
                some[index] |= sides.iter().all(|side| side[index].allow);
                all[index] &= sides.iter().all(|side| !side[index].deny);
            }
        }
        let verdict = |(some, all)| match (some, all) {
            (_, true) => Verdict::Allowed,
            (false, _) => Verdict::Denied,
            _ => Verdict::Depends,
        };
        Some(some.into_iter().zip(all).map(verdict).collect())
    }

    /// What a rule of a policy does, if it matches a connection in some world. The rule, or something within it, is told by its pointer.
    pub fn rule_matches(&self, policy: &Value, pointer: &str, from: End, to: End, port: Port) -> Option<RuleMatch> {
        let (direction, (subject, peer)) = match direction_of(pointer)? {
            Direction::Egress => (Direction::Egress, Direction::Egress.subject_and_peer(from, to)),
            Direction::Ingress => (Direction::Ingress, Direction::Ingress.subject_and_peer(from, to)),
        };
        let End::Pod(subject) = subject else { return None };
        let mut actions = Vec::new();
        let mut matches = BTreeSet::new();
        for world in self.worlds(from, to) {
            for address in self.addresses_of(peer, world) {
                let at = At { cluster: &self.cluster, subject, other: peer, address, world, is_shown: self.is_shown(subject, peer) };
                let own = self.addresses_of(End::Pod(subject), world);
                let mut best = Match::No;
                for policy in self.parts_of(policy) {
                    let rules = policy.side(direction).rules.iter();
                    for rule in rules.filter(|rule| rule.is_at(pointer) && rule.matches_port(self.cluster.pod(to), port)) {
                        let matched = rule.matches_peer(&at, &own).min(policy.selects(subject, direction));
                        if matched != Match::No {
                            actions.push(rule.action);
                        }
                        best = best.max(matched);
                    }
                }
                matches.insert(best);
            }
        }
        let is_certain = matches.iter().all(|matched| *matched == Match::Yes);
        (!actions.is_empty()).then_some(RuleMatch { actions, is_certain })
    }

    /// The pointers of the rules of a policy for a direction, in their order.
    pub fn rules_of(&self, policy: &Value, direction: Direction) -> Vec<String> {
        let mut pointers: Vec<String> =
            self.parts_of(policy).flat_map(|policy| &policy.side(direction).rules).map(|rule| rule.pointer.clone()).collect();
        pointers.dedup();
        pointers
    }

    /// Whether a policy selects a pod for a direction, for certain or perhaps.
    pub fn selects(&self, policy: &Value, pod: usize, direction: Direction) -> bool {
        self.parts_of(policy).any(|policy| policy.selects(pod, direction) != Match::No)
    }

    /// The addresses at which something changes: those of nodes, and around the bounds of every block.
    pub fn interesting_addresses(&self) -> BTreeSet<IpAddr> {
        let nodes = self.cluster.nodes.iter().flat_map(|node| node.addresses.clone()).chain(self.cluster.api_server.clone());
        self.blocks().iter().flat_map(Block::around).chain(nodes).collect()
    }

    /// Whether a pod has addresses of every family in which names are spoken of.
    pub fn has_families_of_names(&self, pod: usize) -> bool {
        let has = |is_v6: bool| self.cluster.pods[pod].addresses.iter().any(|address| address.is_ipv6() == is_v6);
        has(false) && (has(true) || !self.blocks().iter().any(|block| block.is_v6))
    }

    /// The policy that an object became, in one part or several.
    fn parts_of(&self, raw: &Value) -> impl Iterator<Item = &Policy> {
        let key = key_of(raw);
        self.policies.iter().filter(move |policy| policy.key == key)
    }

    /// Whether, of a name, a proxy sees a pod's lookups.
    fn is_shown(&self, subject: usize, peer: End) -> bool {
        let End::Name(name) = peer else { return false };
        let policies = self.policies.iter().filter(|policy| policy.selects(subject, Direction::Egress) == Match::Yes);
        policies.flat_map(|policy| &policy.egress.rules).flat_map(|rule| &rule.lookups).any(|pattern| pattern.matches(name))
    }

    fn worlds(&self, from: End, to: End) -> Vec<World> {
        let families = |end: End| match end {
            End::Address(address) => BTreeSet::from([address.is_ipv6()]),
            // IPv6 outside is spoken of where some policy names it.
            End::Name(_) if self.blocks().iter().any(|block| block.is_v6) => BTreeSet::from([false, true]),
            End::Name(_) => BTreeSet::from([false]),
            End::Pod(pod) if self.cluster.pods[pod].addresses.is_empty() => BTreeSet::from([false]),
            End::Pod(pod) => self.cluster.pods[pod].addresses.iter().map(IpAddr::is_ipv6).collect(),
        };
        let holds_pods = |blocks: BlocksSelectPods| -> &[bool] {
            match blocks {
                BlocksSelectPods::Yes => &[true],
                BlocksSelectPods::No => &[false],
                BlocksSelectPods::Unsettled => &[true, false],
            }
        };
        let (blocks, networks) = (self.assumptions.ip_block_selects_pods, self.assumptions.networks_select_pods);
        let hosts: &[bool] = match self.assumptions.host_network_pods {
            HostNetworkPods::Ordinary => &[true],
            HostNetworkPods::Node => &[false],
            HostNetworkPods::Unsettled => &[true, false],
        };
        let mut worlds = Vec::new();
        for is_v6 in families(from).intersection(&families(to)).copied() {
            for blocks_hold_pods in holds_pods(blocks).iter().copied() {
                for networks_hold_pods in holds_pods(networks).iter().copied() {
                    for selectors_match_host_pods in hosts.iter().copied() {
                        worlds.push(World { blocks_hold_pods, networks_hold_pods, selectors_match_host_pods, is_v6 });
                    }
                }
            }
        }
        worlds
    }

    /// For each port: what may come of this side, over all the addresses that the peer may have.
    fn side(&self, direction: Direction, from: End, to: End, world: World, ports: &[Port]) -> Vec<May> {
        let free = vec![May::FREE; ports.len()];
        let (subject, peer) = direction.subject_and_peer(from, to);
        let End::Pod(subject) = subject else { return free };
        if from == to && self.assumptions.self_traffic == SelfTraffic::Allowed {
            return free;
        }
        let is_from_own_node = direction == Direction::Ingress && self.is_own_node(subject, peer);
        let is_shown = self.is_shown(subject, peer);
        let own = self.addresses_of(End::Pod(subject), world);
        let mut answers = vec![May::default(); ports.len()];
        for address in self.addresses_of(peer, world) {
            let at = At { cluster: &self.cluster, subject, other: peer, address, world, is_shown };
            // The peers of a rule do not hang on the port, so they are asked for once.
            let mut matched: Vec<Matched<'_>> = Vec::new();
            for policy in self.policies.iter().filter(|policy| policy.selects(subject, direction) != Match::No) {
                let rules = policy.side(direction).rules.iter().map(|rule| (rule.matches_peer(&at, &own), rule));
                matched.push(Matched {
                    policy,
                    is_certain: policy.selects(subject, direction) == Match::Yes,
                    isolates: policy.side(direction).isolates,
                    rules: rules.filter(|(matched, _)| *matched != Match::No).collect(),
                });
            }
            for (answer, port) in answers.iter_mut().zip(ports) {
                *answer = answer.or(decide::decide(&self.tiers, &matched, self.cluster.pod(to), *port, is_from_own_node));
            }
        }
        answers
    }

    /// networking/v1 on ingress: "or if the traffic source is the pod's local node". Policies of the cluster cannot name that source, and
    /// implementations let their hosts reach their pods. A mesh knows no such exception.
    pub fn is_own_node(&self, subject: usize, peer: End) -> bool {
        let own = self.cluster.pods[subject].node.as_str();
        match peer {
            End::Pod(pod) => self.cluster.pods[pod].is_node && !own.is_empty() && own == self.cluster.pods[pod].node,
            End::Address(address) => self.cluster.node_at(address) == Some(own),
            End::Name(_) => false,
        }
    }

    /// The addresses that an end may have in a world; one where they are known.
    fn addresses_of(&self, end: End, world: World) -> Vec<IpAddr> {
        match end {
            End::Address(address) => vec![address],
            End::Name(_) => self.outside.iter().copied().filter(|address| address.is_ipv6() == world.is_v6).collect(),
            End::Pod(pod) if self.cluster.pods[pod].addresses.is_empty() => self.candidates.clone(),
            End::Pod(pod) => self.cluster.pods[pod].addresses.iter().copied().filter(|address| address.is_ipv6() == world.is_v6).collect(),
        }
    }

    /// Every block that some policy names.
    fn blocks(&self) -> Vec<Block> {
        let rules = self.policies.iter().flat_map(|policy| policy.ingress.rules.iter().chain(&policy.egress.rules));
        let peers = rules.flat_map(|rule| rule.peers.iter().flatten().chain(rule.own.iter().flat_map(|term| &term.any)));
        peers.flat_map(peer::Peer::blocks).collect()
    }

    /// One address for every interval that the bounds of blocks leave of all there are, but those of pods and nodes.
    fn addresses_outside(&self) -> Vec<IpAddr> {
        let pods = self.cluster.pods.iter().flat_map(|pod| &pod.addresses);
        let nodes = self.cluster.nodes.iter().flat_map(|node| &node.addresses);
        let inside: BTreeSet<IpAddr> = nodes.chain(pods).chain(&self.cluster.api_server).copied().collect();
        let mut starts = BTreeSet::from([matching::address(0, false), matching::address(0, true)]);
        let last = |is_v6: bool| if is_v6 { u128::MAX } else { u128::from(u32::MAX) };
        let mut add = |is_v6: bool, number: u128| {
            starts.insert(matching::address(number, is_v6));
            if number < last(is_v6) {
                starts.insert(matching::address(number + 1, is_v6));
            }
        };
        for block in self.blocks() {
            if block.first > 0 {
                add(block.is_v6, block.first - 1);
            }
            add(block.is_v6, block.last);
        }
        for address in &inside {
            add(address.is_ipv6(), matching::number(*address));
        }
        starts.into_iter().filter(|address| !inside.contains(address)).collect()
    }

    /// One IPv4 address for every interval that some block's bounds leave of those that a pod may get.
    fn candidate_addresses(&self) -> Vec<IpAddr> {
        let allowed: &[&str] = match self.assumptions.unknown_pod_addresses {
            UnknownPodAddresses::Private => &["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
            UnknownPodAddresses::Any => &["0.0.0.0/0"],
        };
        let allowed: Vec<Block> = allowed.iter().filter_map(|cidr| Block::parse(cidr)).collect();
        let bounds = allowed.iter().copied().chain(self.blocks().into_iter().filter(|block| !block.is_v6));
        let starts: BTreeSet<u128> = bounds.flat_map(|block| [block.first, block.last + 1]).collect();
        let starts = starts.into_iter().filter(|start| *start <= u128::from(u32::MAX));
        let addresses = starts.map(|start| matching::address(start, false));
        addresses.filter(|address| allowed.iter().any(|block| block.holds(*address))).collect()
    }
}

impl Direction {
    /// The name of the list of its rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    fn subject_and_peer(self, from: End, to: End) -> (End, End) {
        match self {
            Self::Egress => (from, to),
            Self::Ingress => (to, from),
        }
    }
}

/// Which direction the rule at a pointer is for: `/spec/egressDeny/0` is for egress. `/spec/rules/0` of a mesh is for ingress.
fn direction_of(pointer: &str) -> Option<Direction> {
    if pointer.starts_with("/spec/rules") {
        return Some(Direction::Ingress);
    }
    let list = pointer.split('/').find(|part| part.starts_with("egress") || part.starts_with("ingress"))?;
    Some(if list.starts_with("egress") { Direction::Egress } else { Direction::Ingress })
}

/// What tells a policy from every other: group and kind, namespace, and name. A cluster's policies are in no namespace.
fn key_of(raw: &Value) -> (String, String, String) {
    let group = text(raw, "apiVersion").split_once('/').map_or("", |(group, _)| group);
    let kind = text(raw, "kind");
    let is_namespaced = matches!(kind, "NetworkPolicy" | "CiliumNetworkPolicy" | "AuthorizationPolicy" | "EgressFirewall");
    let namespace = if is_namespaced { namespace_of(raw) } else { String::new() };
    (format!("{group}/{kind}"), namespace, text(&raw["metadata"], "name").to_owned())
}
