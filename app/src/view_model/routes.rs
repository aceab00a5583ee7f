//! The routes out of the cluster in words: through what something leaves, and as which address.

use portolan_core::address::{Family, is_internet};
use portolan_core::analysis::Analysis;
use portolan_core::egress::{EgressRoute, RouteKind, Via};
use portolan_core::intervals::Intervals;
use portolan_core::inventory::{PodId, WorkloadId};
use portolan_core::peer::{Peer, Verdict};

use crate::map::model::Tone;

/// How some pods leave the cluster.
#[derive(Debug, Clone, Default)]
pub struct Leaving {
    /// For each pod that leaves otherwise than others: its routes in order, without the plain one from its node.
    of_pods: Vec<Vec<EgressRoute>>,
}

/// How some pods leave for one end outside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ways {
    /// The routes that are not simply from their nodes, and that lead or may lead there.
    pub routes: Vec<EgressRoute>,
    /// Whether some of it may also leave simply from their nodes.
    pub is_plain: bool,
    /// Whether that holds for some of the pods, and something else for others.
    pub is_mixed: bool,
}

/// How the pods of a workload leave.
pub fn of_workload(analysis: &Analysis, workload: WorkloadId) -> Leaving {
    of_pods(analysis, &analysis.inventory().workloads.at(workload).pods)
}

/// How some pods leave.
pub fn of_pods(analysis: &Analysis, pods: &[PodId]) -> Leaving {
    let mut leaving = Leaving::default();
    if analysis.special_routes(pods).is_empty() {
        return leaving;
    }
    for pod in pods {
        let mut routes = analysis.egress_routes(*pod);
        routes.retain(|route| !route.is_plain());
        for route in routes.iter_mut().filter(|route| route.kind == RouteKind::Nat) {
            // What a NAT translates comes from every node: that is one way, not one for each.
            route.through.retain(|via| matches!(via, Via::Nat { .. }));
        }
        if !leaving.of_pods.contains(&routes) {
            leaving.of_pods.push(routes);
        }
    }
    leaving
}

impl Leaving {
    /// How they leave for some ends outside: of the routes that are for the same end, the first is taken.
    pub fn to(&self, ends: &[Peer]) -> Ways {
        let mut ways = Ways { is_plain: self.of_pods.is_empty(), ..Ways::default() };
        let each: Vec<Ways> = self.of_pods.iter().map(|routes| Ways::of(routes, ends)).collect();
        for own in &each {
            let new = own.routes.iter().filter(|route| !ways.routes.contains(route)).cloned().collect::<Vec<_>>();
            ways.routes.extend(new);
            ways.is_plain |= own.is_plain;
        }
        ways.is_mixed = each.windows(2).any(|pair| matches!(pair, [one, other] if one != other));
        ways
    }
}

/// Whether a route may be taken to an end. A domain outside is taken to be where the Internet is: what is left out of a route for all of
/// that, such as private addresses, is hardly what its name resolves to.
fn leads_to(route: &EgressRoute, end: &Peer) -> Option<bool> {
    let leads = route.leads_to(end);
    if leads.is_none() && matches!(end, Peer::Domain { .. }) {
        let ranges = route.destinations.iter().filter_map(Peer::as_range).filter(|range| range.family == Family::V4);
        let set = Intervals::from_spans(ranges.map(|range| (range.first, range.last)));
        return is_internet(&set).then_some(true);
    }
    leads
}

impl Ways {
    /// How what has these routes leaves for some ends.
    fn of(routes: &[EgressRoute], ends: &[Peer]) -> Self {
        let mut ways = Self::default();
        for end in ends {
            let mut is_settled = false;
            for route in routes {
                let leads = leads_to(route, end);
                // What is for everything is left for what nothing else is for.
                if leads == Some(false) || (is_settled && route.kind == RouteKind::Nat) {
                    continue;
                }
                if !ways.routes.contains(route) {
                    ways.routes.push(route.clone());
                }
                is_settled |= leads == Some(true);
                if is_settled && route.verdict != Verdict::Depends {
                    break;
                }
            }
            ways.is_plain |= !is_settled;
        }
        ways
    }

    /// In words, for a row: a phrase for each route, and what is left.
    pub fn phrases(&self) -> Vec<String> {
        let mut phrases: Vec<String> = self.routes.iter().map(phrase).collect();
        if self.is_plain && !phrases.is_empty() {
            phrases.push("else from its node".to_owned());
        }
        phrases
    }
}

/// What it goes through: `worker-5`, `egress/gateway`; the name of the object where nothing is known.
pub fn title(route: &EgressRoute) -> String {
    let mut names: Vec<String> = Vec::new();
    for via in &route.through {
        let name = match via {
            Via::Node { name } => name.to_string(),
            Via::Workload { peer: Peer::Workload { name, .. } } => name.to_string(),
            Via::Workload { peer } => peer.to_string(),
            Via::Nat { note } if note.is_empty() => "NAT".to_owned(),
            Via::Nat { note } => note.to_string(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // What a NAT translates comes from every node.
    if route.object.is_none() {
        names = names.split_off(names.len().saturating_sub(1));
    }
    match names.as_slice() {
        [] => route.object.as_ref().map_or_else(String::new, |object| object.name.to_string()),
        [one] => one.clone(),
        [one, two] => format!("{one}, {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

/// `leaves as 203.0.113.10`; what kind of route it is where no address is known; that it leads nowhere.
pub fn fact(route: &EgressRoute) -> String {
    let addresses: Vec<String> = route.leaves_as.iter().map(ToString::to_string).collect();
    match (route.verdict, addresses.as_slice()) {
        (Verdict::Denied, _) => "leads nowhere".to_owned(),
        (_, []) => route.kind.words().to_owned(),
        (_, [one]) => format!("leaves as {one}"),
        (_, [one, two]) => format!("leaves as {one}, {two}"),
        (_, [one, rest @ ..]) => format!("leaves as {one} and {} more", rest.len()),
    }
}

/// In one phrase, for a row: `via worker-5, leaves as 203.0.113.10`.
pub fn phrase(route: &EgressRoute) -> String {
    format!("via {}, {}", title(route), fact(route))
}

/// How it stands.
pub fn tone(route: &EgressRoute) -> Tone {
    match route.verdict {
        Verdict::Allowed => Tone::Plain,
        Verdict::Depends => Tone::Depends,
        Verdict::Denied => Tone::Denied,
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::egress::NatNote;
    use portolan_core::snapshot::Change;

    use super::*;
    use crate::source::manifests;

    /// Two pods of one workload on two nodes; what leaves `shop` for 10.0.0.0/8 goes through a gateway.
    const CLUSTER: &str = "
{apiVersion: v1, kind: Node, metadata: {name: one}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: two}, status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: gate, labels: {egress: 'yes'}}, status: {addresses: [{type: InternalIP, address: 192.168.0.3}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, controller: true, uid: u}]}
spec: {nodeName: one, containers: [{name: c}]}
status: {phase: Running, podIPs: [{ip: 10.1.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: shop, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, controller: true, uid: u}]}
spec: {nodeName: two, containers: [{name: c}]}
status: {phase: Running, podIPs: [{ip: 10.1.0.2}]}
---
apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: {name: partners}
spec:
  selectors: [{podSelector: {matchLabels: {app: web}}}]
  destinationCIDRs: [172.16.0.0/12]
  egressGateway: {nodeSelector: {matchLabels: {egress: 'yes'}}, egressIP: 203.0.113.10}
";

    /// What is said of the way to an end, with what is noted of a NAT.
    fn phrases(nat: &str, end: &str) -> Vec<String> {
        phrases_in(CLUSTER, nat, end)
    }

    fn phrases_in(cluster: &str, nat: &str, end: &str) -> Vec<String> {
        let changes = manifests::read_text("a.yaml", cluster, "default").into_objects().map(|object| Change::apply(&object));
        let mut host = portolan_core::analysis::Host::default();
        host.apply(changes.chain([Change::Nat(NatNote::parse(nat).unwrap())]));
        let analysis = host.analysis();
        let pods: Vec<PodId> = analysis.inventory().pods.ids().collect();
        assert_eq!(pods.len(), 2);
        let end = match end.split_once(" - ") {
            Some((first, last)) => Peer::Range { first: first.parse().unwrap(), last: last.parse().unwrap() },
            None => Peer::Domain { pattern: end.into() },
        };
        of_pods(&analysis, &pods).to(&[end]).phrases()
    }

    #[test]
    fn what_a_gateway_is_for_goes_through_it_and_the_rest_does_not() {
        let gateway = "via gate, leaves as 203.0.113.10";
        assert_eq!(phrases("", "172.16.0.0 - 172.16.0.255"), [gateway]);
        assert_eq!(phrases("", "8.8.8.0 - 8.8.8.255"), [""; 0]);
        assert_eq!(phrases("", "0.0.0.0 - 255.255.255.255"), [gateway, "else from its node"]);
        assert_eq!(phrases("", "api.example"), [gateway, "else from its node"], "what a name resolves to is not known");
        let wide = CLUSTER.replace("[172.16.0.0/12]", "[0.0.0.0/0]\n  excludedCIDRs: [10.0.0.0/8]");
        assert_eq!(phrases_in(&wide, "", "api.example"), [gateway], "no name outside is expected to resolve to private addresses");
        assert_eq!(phrases_in(&wide, "", "0.0.0.0 - 255.255.255.255"), [gateway, "else from its node"]);
    }

    #[test]
    fn a_nat_is_one_way_from_whichever_node_and_takes_what_is_left() {
        let (gateway, nat) = ("via gate, leaves as 203.0.113.10", "via office, leaves as 203.0.113.7");
        assert_eq!(phrases("203.0.113.7 office", "8.8.8.0 - 8.8.8.255"), [nat]);
        assert_eq!(phrases("203.0.113.7 office", "172.16.0.0 - 172.16.0.255"), [gateway]);
        assert_eq!(phrases("203.0.113.7 office", "0.0.0.0 - 255.255.255.255"), [gateway, nat]);
    }
}
