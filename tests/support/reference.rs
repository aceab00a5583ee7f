//! A second opinion: NetworkPolicy, ClusterNetworkPolicy and its forerunners answered pair by pair and rule by rule from the raw objects,
//! as the texts of their APIs read. Slow and obvious; shares nothing with the engine but the values of the assumptions.
//!
//! What nobody settled is answered by trying every *world*: whether blocks hold pods, whether selectors match pods on their node's
//! network, which address family is used, which address a pod will get; and, rule by rule, whether a name resolves to an address and
//! whether a node without an object has the labels. Where worlds disagree, it depends.

mod cluster;
mod cluster_policy;
mod matching;
mod network_policy;
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
use matching::Block;
use rule::{Match, Peer, Policy, Rule, Tier};

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A pod, by its place in [`Cluster::pods`].
    Pod(usize),
    /// An address of no pod.
    Address(IpAddr),
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

/// A policy that selects a pod, and those of its rules that match, or may match, the peer.
type Matched<'a> = (&'a Policy, Vec<(Match, &'a Rule)>);

/// What may come of a port: it may be let through, it may be kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct May {
    allow: bool,
    deny: bool,
}

/// What may come of a tier.
#[derive(Debug, Clone, Copy, Default)]
struct TierMay {
    allow: bool,
    deny: bool,
    go_on: bool,
}

/// A rule that matches a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleMatch {
    /// What the rule does.
    pub action: Action,
    /// Whether it matches in every world.
    pub is_certain: bool,
}

/// The second opinion on some objects.
#[derive(Debug)]
pub struct Reference {
    /// The pods, nodes and namespaces.
    pub cluster: Cluster,
    /// In the order in which they are asked.
    policies: Vec<Policy>,
    assumptions: Assumptions,
    candidates: Vec<IpAddr>,
}

impl Reference {
    /// Reads the objects.
    pub fn new(objects: &[Value], assumptions: &Assumptions) -> Self {
        let cluster = Cluster::new(objects, assumptions);
        let read = |object: &Value| {
            let (group, _) = text(object, "apiVersion").split_once('/')?;
            match (group, text(object, "kind")) {
                ("networking.k8s.io", "NetworkPolicy") => Some(network_policy::read(object, &cluster)),
                ("policy.networking.k8s.io", kind) => cluster_policy::read(object, Dialect::of(kind)?, &cluster),
                _ => None,
            }
        };
        let mut policies: Vec<Policy> = objects.iter().filter_map(read).collect();
        policies.sort_by_key(|policy| (policy.tier, policy.rank));
        let mut reference = Self { cluster, policies, assumptions: assumptions.clone(), candidates: Vec::new() };
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

    /// What a rule of a policy does, if it matches a connection in some world. The rule is told by its pointer.
    pub fn rule_matches(&self, policy: &Value, pointer: &str, from: End, to: End, port: Port) -> Option<RuleMatch> {
        let policy = self.policy(policy)?;
        let (direction, index) = pointer.strip_prefix("/spec/")?.split_once('/')?;
        let direction = if direction == "egress" { Direction::Egress } else { Direction::Ingress };
        // What lies within a rule (a peer, a port) is said of the rule.
        let rule = policy.rules(direction).get(index.split('/').next()?.parse::<usize>().ok()?)?;
        let (subject, peer) = direction.subject_and_peer(from, to);
        let End::Pod(subject) = subject else { return None };
        if !policy.selects(subject, direction) || !rule.matches_port(self.cluster.pod(to), port) {
            return None;
        }
        let worlds = self.worlds(from, to).into_iter();
        let cases = worlds.flat_map(|world| self.addresses_of(peer, world).into_iter().map(move |address| (world, address)));
        let matches: BTreeSet<Match> =
            cases.map(|(world, address)| rule.matches_peer(&self.cluster, subject, peer, address, world)).collect();
        let is_possible = matches.iter().any(|matched| *matched != Match::No);
        is_possible.then(|| RuleMatch { action: rule.action, is_certain: matches.iter().all(|matched| *matched == Match::Yes) })
    }

    /// Whether a policy selects a pod for a direction.
    pub fn selects(&self, policy: &Value, pod: usize, direction: Direction) -> bool {
        self.policy(policy).is_some_and(|policy| policy.selects(pod, direction))
    }

    /// The addresses at which something changes: those of nodes, and around the bounds of every block.
    pub fn interesting_addresses(&self) -> BTreeSet<IpAddr> {
        let nodes = self.cluster.nodes.iter().flat_map(|node| node.addresses.clone());
        self.blocks().iter().flat_map(Block::around).chain(nodes).collect()
    }

    fn policy(&self, raw: &Value) -> Option<&Policy> {
        let (kind, meta) = (text(raw, "kind"), &raw["metadata"]);
        let namespace = if kind == "NetworkPolicy" { namespace_of(raw) } else { String::new() };
        let key = (kind.to_owned(), namespace, text(meta, "name").to_owned());
        self.policies.iter().find(|policy| policy.key == key)
    }

    fn worlds(&self, from: End, to: End) -> Vec<World> {
        let families = |end: End| match end {
            End::Address(address) => BTreeSet::from([address.is_ipv6()]),
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
        let free = vec![May { allow: true, deny: false }; ports.len()];
        let (subject, peer) = direction.subject_and_peer(from, to);
        let End::Pod(subject) = subject else { return free };
        if from == to && self.assumptions.self_traffic == SelfTraffic::Allowed {
            return free;
        }
        // networking/v1 on ingress: "or if the traffic source is the pod's local node". Policies of the cluster cannot name that source.
        if let (Some(other), Direction::Ingress) = (self.cluster.pod(peer), direction) {
            let own = &self.cluster.pods[subject];
            if other.is_node && !own.node.is_empty() && own.node == other.node {
                return free;
            }
        }
        if let (End::Address(address), Direction::Ingress) = (peer, direction)
            && self.cluster.nodes.iter().any(|node| node.name == self.cluster.pods[subject].node && node.addresses.contains(&address))
        {
            return free;
        }
        let policies: Vec<&Policy> = self.policies.iter().filter(|policy| policy.selects(subject, direction)).collect();
        let mut answers = vec![May { allow: false, deny: false }; ports.len()];
        for address in self.addresses_of(peer, world) {
            // The peers of a rule do not hang on the port, so they are asked for once.
            let mut matched: Vec<Matched<'_>> = Vec::new();
            for policy in &policies {
                let rules = policy.rules(direction).iter();
                let rules = rules.map(|rule| (rule.matches_peer(&self.cluster, subject, peer, address, world), rule));
                matched.push((policy, rules.filter(|(matched, _)| *matched != Match::No).collect()));
            }
            for (answer, port) in answers.iter_mut().zip(ports) {
                let may = decide(&matched, self.cluster.pod(to), *port);
                *answer = May { allow: answer.allow || may.allow, deny: answer.deny || may.deny };
            }
        }
        answers
    }

    /// The addresses that an end may have in a world; one where they are known.
    fn addresses_of(&self, end: End, world: World) -> Vec<IpAddr> {
        match end {
            End::Address(address) => vec![address],
            End::Pod(pod) if self.cluster.pods[pod].addresses.is_empty() => self.candidates.clone(),
            End::Pod(pod) => self.cluster.pods[pod].addresses.iter().copied().filter(|address| address.is_ipv6() == world.is_v6).collect(),
        }
    }

    /// Every block that some policy names.
    fn blocks(&self) -> Vec<Block> {
        let rules = self.policies.iter().flat_map(|policy| policy.ingress.iter().chain(&policy.egress));
        let blocks_of = |peer: &Peer| match peer {
            Peer::IpBlock { block, except } => std::iter::once(*block).chain(except.iter().copied()).collect(),
            Peer::Networks(blocks) => blocks.clone(),
            Peer::Pods { .. } | Peer::Nodes { .. } | Peer::DomainNames => Vec::new(),
        };
        rules.flat_map(|rule| rule.peers.iter().flatten()).flat_map(blocks_of).collect()
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

/// Asks the tiers in order. `matched` holds the policies that select the pod, in order, with their rules that match the peer.
fn decide(matched: &[Matched<'_>], destination: Option<&Pod>, port: Port) -> May {
    let admin = ask_tier(matched, Tier::Admin, destination, port);
    let mut may = May { allow: admin.allow, deny: admin.deny };
    if !admin.go_on {
        return may;
    }
    let mut network_policies = matched.iter().filter(|(policy, _)| policy.tier == Tier::NetworkPolicy).peekable();
    if network_policies.peek().is_some() {
        let is_allowed = network_policies.any(|(_, rules)| rules.iter().any(|(_, rule)| rule.matches_port(destination, port)));
        may.allow |= is_allowed;
        may.deny |= !is_allowed;
    } else {
        let baseline = ask_tier(matched, Tier::Baseline, destination, port);
        may.allow |= baseline.allow || baseline.go_on;
        may.deny |= baseline.deny;
    }
    may
}

/// Asks the policies of a tier by rank. Of those with the same rank, any one may be the first.
fn ask_tier(matched: &[Matched<'_>], tier: Tier, destination: Option<&Pod>, port: Port) -> TierMay {
    let mut may = TierMay::default();
    let policies: Vec<_> = matched.iter().filter(|(policy, _)| policy.tier == tier).collect();
    for equals in policies.chunk_by(|(a, _), (b, _)| a.rank == b.rank) {
        let mut may_all_be_silent = true;
        for (_, rules) in equals {
            let mut may_be_silent = true;
            for (matched, rule) in rules.iter().filter(|(_, rule)| rule.matches_port(destination, port)) {
                match rule.action {
                    Action::Allow => may.allow = true,
                    Action::Deny => may.deny = true,
                    Action::Pass => may.go_on = true,
                }
                if *matched == Match::Yes {
                    may_be_silent = false;
                    break;
                }
            }
            may_all_be_silent &= may_be_silent;
        }
        if !may_all_be_silent {
            return may;
        }
    }
    TierMay { go_on: true, ..may }
}
