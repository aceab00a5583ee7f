//! The ways out on the map: addresses, domains, and Services that are other names of domains.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::egress::EgressRoute;
use portolan_core::inventory::{PodId, Workload, WorkloadId};
use portolan_core::peer::{Peer, Verdict};
use portolan_core::policy::{Direction, DomainPattern};
use portolan_core::ports::PortSet;
use portolan_core::reachability::Outcome;
use portolan_core::record::{Record, ServiceType};
use portolan_core::text::count;

use super::aside::{is_out, title_of};
use super::folding;
use super::{Builder, Owned, Scene};
use crate::map::model::{Extent, Id, Lane, Node, NodeKind, Tone};
use crate::view_model::routes::{self, Leaving, Ways};
use crate::view_model::{addresses, ids};

/// The id of the node that stands for the ways out that have none.
const MORE_EXITS: &str = "more/exits";
/// The same for destinations.
const MORE_DESTINATIONS: &str = "more/destinations";

/// What stays on the map where there are too many destinations or ways out, the least first: what was chosen, what the sketch changes,
/// where the selection goes, the Internet before names before addresses, and among those what many go to.
type Rank = ((bool, bool, bool, u8), Reverse<usize>);

/// What keeps its place among too many.
#[derive(Default)]
struct Ranks(BTreeMap<Id, Rank>);

impl Ranks {
    fn see(&mut self, scene: &Scene<'_>, id: &Id, (is_changed, owner, kind): (bool, &str, NodeKind)) {
        if is_out(scene, id) {
            return;
        }
        let is_chosen = scene.pinned.contains(id) || scene.selected == Some(id.as_str());
        let kind = match kind {
            NodeKind::Internet => 0,
            NodeKind::Domain => 1,
            _ => 2,
        };
        let rank = (!is_chosen, !is_changed, scene.selected != Some(owner), kind);
        let (known, n_owners) = self.0.entry(id.clone()).or_insert((rank, Reverse(0)));
        *known = rank.min(*known);
        n_owners.0 += 1;
    }

    /// Those that fold into one node, where so many may be apart.
    fn folded(&self, n_apart: usize) -> BTreeSet<Id> {
        let mut order: Vec<(&Rank, &Id)> = self.0.iter().map(|(id, rank)| (rank, id)).collect();
        order.sort_unstable();
        // A node for one is that one.
        let n_apart = if order.len() <= n_apart + 1 { order.len() } else { n_apart };
        order.into_iter().skip(n_apart).map(|(_, id)| id.clone()).collect()
    }
}

/// What lies behind the ways out, whatever is shown of it.
#[derive(Default)]
pub struct Ends {
    exits: BTreeSet<Id>,
    destinations: BTreeSet<Id>,
}

impl Ends {
    /// Of these ways out.
    pub fn new(ways: &[WayOut]) -> Self {
        Self {
            exits: ways.iter().flat_map(|way| way.ways.routes.iter().map(ids::exit)).collect(),
            destinations: ways.iter().map(|way| way.destination.id.clone()).collect(),
        }
    }

    /// How many ways out are to be shown.
    pub fn n_exits(&self, scene: &Scene<'_>) -> usize {
        self.exits.iter().filter(|id| !is_out(scene, id)).count()
    }

    /// How many destinations are to be shown, with the domains that Services are other names of.
    pub fn n_destinations(&self, scene: &Scene<'_>) -> usize {
        let services = folding::analyses(scene).flat_map(|analysis| analysis.snapshot().records(Kind::Service));
        let aliases: BTreeSet<Id> = services.filter_map(|(_, record)| Some(ids::domain(alias_of(record)?))).collect();
        self.destinations.union(&aliases).filter(|id| !is_out(scene, id)).count()
    }
}

/// The domain that a Service is another name of.
fn alias_of(record: &Record) -> Option<&str> {
    match record {
        Record::Service(service) if service.service_type == ServiceType::ExternalName => Some(&service.external_name),
        _ => None,
    }
}

/// Which ways out and which destinations are one node with others.
struct Folds {
    exits: BTreeSet<Id>,
    destinations: BTreeSet<Id>,
}

impl Folds {
    fn exit(&self, route: &EgressRoute) -> Node {
        let id = ids::exit(route);
        if self.exits.contains(&id) {
            return more(MORE_EXITS, Lane::Exits, self.exits.len(), ("way out", "ways out"));
        }
        let (title, fact) = (routes::title(route), routes::fact(route));
        let name = format!("way out {title}, {fact}");
        Node { fact, tone: routes::tone(route), ..Node::new(id, Lane::Exits, NodeKind::WayOut, title, name) }
    }

    fn destination(&self, own: &Node) -> Node {
        if self.destinations.contains(&own.id) {
            return more(MORE_DESTINATIONS, Lane::Destinations, self.destinations.len(), ("destination", "destinations"));
        }
        own.clone()
    }
}

/// The node that stands for several of a lane.
fn more(id: &str, lane: Lane, n: usize, (one, many): (&str, &str)) -> Node {
    let node = Node::new(id, lane, NodeKind::More, format!("{n} more"), format!("{n} more {many}"));
    Node { fact: count(n, one, many), unfolds: true, ..node }
}

impl Builder<'_> {
    /// Draws the ways out, and what ExternalName Services of unfolded namespaces are other names of. Those destinations that are kept
    /// apart have nodes of their own, the others are one.
    pub(super) fn ways_out(&mut self, ways: &[WayOut]) {
        let scene = self.scene;
        let aliases = self.aliases();
        let (mut exits, mut destinations) = (Ranks::default(), Ranks::default());
        for (_, name) in &aliases {
            destinations.see(scene, &ids::domain(name), (false, "", NodeKind::Domain));
        }
        for way in ways {
            let why = |kind| (way.standing != 0, way.owner.as_str(), kind);
            destinations.see(scene, &way.destination.id, why(way.destination.kind));
            for route in &way.ways.routes {
                exits.see(scene, &ids::exit(route), why(NodeKind::WayOut));
            }
        }
        let apart = self.folding.outside;
        let folds = Folds { exits: exits.folded(apart.n_exits), destinations: destinations.folded(apart.n_destinations) };
        self.n_folded.insert(MORE_EXITS.to_owned(), folds.exits.len());
        self.n_folded.insert(MORE_DESTINATIONS.to_owned(), folds.destinations.len());
        for (service, name) in aliases {
            let destination = folds.destination(&domain_node(&name));
            if is_out(scene, &destination.id) {
                self.leave_connection(&destination.id, &title_of(&destination), (&service, &destination.id), &PortSet::none());
                continue;
            }
            let to = destination.id.clone();
            self.add(destination);
            self.edge(&service, &to, 0, Tone::Allowed, &PortSet::none(), "");
        }
        let inventories: Vec<&Analysis> = folding::analyses(scene).collect();
        // How pods leave that are not all of their workload's, by their node.
        let mut leaving: BTreeMap<(bool, Id), Leaving> = BTreeMap::new();
        for way in ways {
            let destination = folds.destination(&way.destination);
            // The pods of an unfolded workload go there as far as their own policies let them, and from their own nodes.
            let is_lost = way.standing == 2;
            let analysis = if is_lost { scene.base } else { scene.edited };
            let found = inventories.iter().find(|known| std::ptr::eq(**known, analysis)).copied().unwrap_or(scene.edited);
            let workload = found.inventory().workloads.at(way.workload);
            for (node, pods) in self.folding.nodes_of(found, workload) {
                let is_whole = pods.len() == workload.pods.len();
                let outcome = if is_whole { Some(way.outcome.clone()) } else { way.end.outcome_of(found, &pods) };
                let outcome = outcome.map(|outcome| self.seen(outcome));
                let Some(outcome) = outcome.filter(|outcome| !outcome.is_none()) else { continue };
                let ways = if is_whole {
                    way.ways.clone()
                } else {
                    leaving.entry((is_lost, node.clone())).or_insert_with(|| routes::of_pods(found, &pods)).to(&way.end.peers())
                };
                let is_alike = samples(found, &pods).iter().all(|pod| {
                    let own = way.end.outcome_of(found, &[*pod]);
                    own.is_some_and(|own| self.seen(own).possible == outcome.possible)
                });
                let extent = if is_alike && !ways.is_mixed { Extent::All } else { Extent::Some };
                self.way_out(&node, &destination, way, &Share { outcome, ways, extent }, &folds);
            }
        }
    }

    /// An outcome on the ports that are looked at.
    fn seen(&self, outcome: Outcome) -> Outcome {
        match &self.filter.ports {
            Some(ports) => outcome.restricted_to(ports),
            None => outcome,
        }
    }

    /// ExternalName Services of unfolded namespaces, by their nodes, and the domains that they lead to.
    fn aliases(&mut self) -> BTreeSet<(Id, String)> {
        let edited = self.scene.edited;
        let mut aliases = BTreeSet::new();
        for (key, record) in edited.snapshot().records(Kind::Service) {
            let Some(name) = alias_of(record).filter(|_| self.folding.is_open(&key.namespace)) else { continue };
            if let Some((id, title)) = self.service_out(key) {
                self.leave_connection(&id, &title, (&ids::service(key), name), &PortSet::none());
            } else if let Some(from) = self.service_node(edited, key) {
                aliases.insert((from, name.to_owned()));
            }
        }
        aliases
    }

    /// Draws what goes from a node to somewhere outside: through the gateways that it leaves by, where there are some.
    fn way_out(&mut self, from: &Id, destination: &Node, way: &WayOut, share: &Share, folds: &Folds) {
        let WayOut { standing, owner, .. } = way;
        let Share { outcome, ways, extent } = share;
        let standing = *standing;
        if !self.nodes.contains_key(from) {
            return;
        }
        let (to, ports) = (destination.id.clone(), &outcome.possible);
        if is_out(self.scene, &to) {
            self.leave_connection(&to, &title_of(destination), (owner, &to), ports);
            return;
        }
        if self.leaves_ways(from, &to) {
            self.leave_connection(from, "", (owner, &way.destination.id), ports);
            return;
        }
        // On the ports that are looked at, and from these pods, it may depend.
        let tone = if standing == 0 && outcome.certain.is_empty() { Tone::Depends } else { way.tone };
        let owned = Owned { standing, tone, ports, extent: *extent, owner, end: &way.destination.id };
        if ways.is_plain {
            self.add(destination.clone());
            self.owned_edge((from, &to), &owned);
        }
        for route in &ways.routes {
            let exit = folds.exit(route);
            let (id, own) = (exit.id.clone(), ids::exit(route));
            if is_out(self.scene, &id) {
                self.leave_connection(&id, &title_of(&exit), (owner, &way.destination.id), ports);
                continue;
            }
            self.add(destination.clone());
            self.add(exit);
            self.owned_edge((from, &id), &Owned { end: &own, ..owned });
            // What leads nowhere does not arrive.
            let is_lost = route.verdict == Verdict::Denied;
            let (standing, tone) = if is_lost && standing == 0 { (3, Tone::Denied) } else { (standing, tone) };
            self.owned_edge((&id, &to), &Owned { standing, tone, end: &format!("{own}>{}", owned.end), ..owned });
        }
    }
}

/// What of a way out there is at one node.
struct Share {
    outcome: Outcome,
    ways: Ways,
    /// Whether it is all of the pods'.
    extent: Extent,
}

/// A pod of each class, where there are several.
fn samples(analysis: &Analysis, pods: &[PodId]) -> Vec<PodId> {
    let mut samples: BTreeMap<_, PodId> = BTreeMap::new();
    for pod in pods {
        samples.entry(analysis.reachability().class_of(*pod)).or_insert(*pod);
    }
    if samples.len() > 1 { samples.into_values().collect() } else { Vec::new() }
}

/// Where a way out ends.
enum End {
    Addresses(addresses::Outside),
    Domain(DomainPattern),
}

impl End {
    /// What of it is open to some pods of the workload; `None` where it is no end of theirs.
    fn outcome_of(&self, analysis: &Analysis, pods: &[PodId]) -> Option<Outcome> {
        match self {
            Self::Addresses(own) => {
                let mut outsides = addresses::of_pods(analysis, pods, Direction::Egress).into_iter();
                outsides.find(|outside| outside.id == own.id).map(|outside| outside.outcome)
            }
            Self::Domain(pattern) => {
                let reachability = analysis.reachability();
                let classes: BTreeSet<_> = pods.iter().map(|pod| reachability.class_of(*pod)).collect();
                let outcomes = classes.into_iter().map(|class| reachability.domain(class, Direction::Egress, pattern));
                outcomes.reduce(|one, other| {
                    let causes = [one.causes.as_slice(), other.causes.as_slice()].concat();
                    Outcome::new(one.certain.union(&other.certain), one.possible.union(&other.possible), causes)
                })
            }
        }
    }

    fn peers(&self) -> Vec<Peer> {
        match self {
            Self::Addresses(outside) => outside.ranges.iter().map(Peer::range).collect(),
            Self::Domain(pattern) => vec![Peer::Domain { pattern: pattern.text().clone() }],
        }
    }
}

/// One way of a workload to somewhere outside.
pub struct WayOut {
    workload: WorkloadId,
    owner: Id,
    destination: Node,
    end: End,
    outcome: Outcome,
    ways: Ways,
    standing: u8,
    tone: Tone,
}

/// The ways out of all workloads.
pub fn ways_out(base: &Analysis, edited: &Analysis) -> Vec<WayOut> {
    let mut ways = to_addresses(base, edited);
    ways.extend(to_domains(base, edited));
    ways
}

fn to_addresses(base: &Analysis, edited: &Analysis) -> Vec<WayOut> {
    type Terms = BTreeMap<Id, (WorkloadId, Vec<(addresses::Outside, Ways)>)>;
    let terms = |analysis: &Analysis| -> Terms {
        let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
        let terms = |id| {
            let leaving = routes::of_workload(analysis, id);
            let ends = |outside: &addresses::Outside| outside.ranges.iter().map(Peer::range).collect::<Vec<Peer>>();
            let outsides = addresses::of_workload(analysis, id, Direction::Egress).into_iter();
            outsides.map(|outside| (outside.clone(), leaving.to(&ends(&outside)))).collect()
        };
        workloads.map(|(id, workload)| (ids::workload(workload), (id, terms(id)))).collect()
    };
    let after = terms(edited);
    let before = if std::ptr::eq(base, edited) { None } else { Some(terms(base)) };
    let mut all = Vec::new();
    let mut tell = |owner: &Id, workload: WorkloadId, outside: &addresses::Outside, ways: &Ways, standing: u8| {
        let tone = match standing {
            1 => Tone::Gained,
            2 => Tone::Lost,
            _ => outside.tone,
        };
        let (kind, tone_of_node) =
            if outside.tone == Tone::Open { (NodeKind::Internet, Tone::Open) } else { (NodeKind::Range, Tone::Plain) };
        let name = format!("destination {}", outside.title);
        let node = Node::new(outside.id.clone(), Lane::Destinations, kind, outside.title.clone(), name);
        all.push(WayOut {
            workload,
            owner: owner.clone(),
            destination: Node { fact: outside.fact.clone(), tone: tone_of_node, ..node },
            end: End::Addresses(outside.clone()),
            outcome: outside.outcome.clone(),
            ways: ways.clone(),
            standing,
            tone,
        });
    };
    let none = Vec::new();
    for (owner, (workload, is)) in &after {
        let was = before.as_ref().map(|before| before.get(owner).map_or(&none, |(_, was)| was));
        let was: Option<Vec<&addresses::Outside>> = was.map(|was| was.iter().map(|(outside, _)| outside).collect());
        for (outside, ways) in is {
            let is_new = was.as_ref().is_some_and(|was| !addresses::is_within(outside, was));
            tell(owner, *workload, outside, ways, u8::from(is_new));
        }
    }
    for (owner, (workload, was)) in before.iter().flatten() {
        let is: Vec<&addresses::Outside> = after.get(owner).map_or(&none, |(_, is)| is).iter().map(|(outside, _)| outside).collect();
        for (outside, ways) in was.iter().filter(|(outside, _)| !addresses::is_within(outside, &is)) {
            tell(owner, *workload, outside, ways, 2);
        }
    }
    all
}

/// The domains that policies name, and who may go there.
fn to_domains(base: &Analysis, edited: &Analysis) -> Vec<WayOut> {
    type Terms = BTreeMap<(Id, String), (WorkloadId, DomainPattern, Outcome, Ways)>;
    let terms = |analysis: &Analysis| -> Terms {
        if analysis.reachability().domains().next().is_none() {
            return Terms::new();
        }
        let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
        let of_one = |(id, workload): (WorkloadId, &Workload)| {
            let name = ids::workload(workload);
            let open = analysis.domains_of_workload(id).into_iter().filter(|(_, outcome)| !outcome.is_none());
            let leaving = routes::of_workload(analysis, id);
            let with_routes = |(pattern, outcome): (DomainPattern, Outcome)| {
                let routes = leaving.to(&[Peer::Domain { pattern: pattern.text().clone() }]);
                ((name.clone(), pattern.to_string()), (id, pattern, outcome, routes))
            };
            open.map(with_routes).collect::<Vec<_>>()
        };
        workloads.flat_map(of_one).collect()
    };
    let after = terms(edited);
    let before = if std::ptr::eq(base, edited) { after.clone() } else { terms(base) };
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let mut all = Vec::new();
    for key in keys {
        let (was, is) = (before.get(&key), after.get(&key));
        let Some((workload, pattern, outcome, ways)) = is.or(was) else { continue };
        let (standing, tone) = match (was, is) {
            (None, _) => (1, Tone::Gained),
            (_, None) => (2, Tone::Lost),
            _ if outcome.certain.is_empty() => (0, Tone::Depends),
            _ => (0, Tone::Allowed),
        };
        all.push(WayOut {
            workload: *workload,
            owner: key.0.clone(),
            destination: domain_node(&key.1),
            end: End::Domain(pattern.clone()),
            outcome: outcome.clone(),
            ways: ways.clone(),
            standing,
            tone,
        });
    }
    all
}

fn domain_node(name: &str) -> Node {
    let node = Node::new(ids::domain(name), Lane::Destinations, NodeKind::Domain, name, format!("domain {name}"));
    Node { fact: "domain".to_owned(), ..node }
}
