//! The ways out on the map: addresses, domains, and Services that are other names of domains.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::peer::{Peer, Verdict};
use portolan_core::policy::{Direction, DomainPattern};
use portolan_core::ports::PortSet;
use portolan_core::reachability::Outcome;
use portolan_core::record::{Record, ServiceType};

use super::Builder;
use crate::map::model::{Id, Lane, Node, Outline, Tone};
use crate::view_model::routes::{self, Ways};
use crate::view_model::{addresses, ids};

impl Builder<'_> {
    /// ExternalName Services of unfolded namespaces lead to domains.
    pub(super) fn external_names(&mut self) {
        let edited = self.scene.edited;
        for (key, record) in edited.snapshot().records(Kind::Service) {
            let Record::Service(service) = record else { continue };
            if service.service_type != ServiceType::ExternalName || !self.scene.show.egress {
                continue;
            }
            let Some(from) = self.service_node(edited, key) else { continue };
            let id = ids::domain(&service.external_name);
            self.add(domain_node(&service.external_name));
            self.edge(&from, &id, 0, Tone::Allowed, &PortSet::none(), "");
        }
    }

    pub(super) fn egress(&mut self) {
        type Outsides = Vec<(addresses::Outside, Ways)>;
        let terms = |analysis: &Analysis| -> BTreeMap<String, (Id, Outsides)> {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let terms = |id| {
                let leaving = routes::of_workload(analysis, id);
                let ends = |outside: &addresses::Outside| outside.ranges.iter().map(Peer::range).collect::<Vec<Peer>>();
                let outsides = addresses::of_workload(analysis, id, Direction::Egress).into_iter();
                outsides.map(|outside| (outside.clone(), leaving.to(&ends(&outside)))).collect()
            };
            workloads.map(|(id, workload)| (ids::workload(workload), (self.node_of(workload), terms(id)))).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let none = (Id::new(), Vec::new());
        let mut edges: Vec<(u8, &Id, &addresses::Outside, &Ways)> = Vec::new();
        for workload in before.keys().chain(after.keys().filter(|id| !before.contains_key(*id))) {
            let ((old_node, was), (new_node, is)) = (before.get(workload).unwrap_or(&none), after.get(workload).unwrap_or(&none));
            let refs = |outsides: &'_ Outsides| outsides.iter().map(|(outside, _)| outside.clone()).collect::<Vec<_>>();
            let (was_all, is_all) = (refs(was), refs(is));
            let (was_refs, is_refs): (Vec<_>, Vec<_>) = (was_all.iter().collect(), is_all.iter().collect());
            for (outside, routes) in is {
                edges.push((u8::from(!addresses::is_within(outside, &was_refs)), new_node, outside, routes));
            }
            for (outside, routes) in was.iter().filter(|(outside, _)| !addresses::is_within(outside, &is_refs)) {
                edges.push((2, old_node, outside, routes));
            }
        }
        for (standing, from, outside, routes) in edges {
            let tone = match standing {
                1 => Tone::Gained,
                2 => Tone::Lost,
                _ => outside.tone,
            };
            let node = Node {
                id: outside.id.clone(),
                lane: Lane::Destinations,
                group: None,
                outline: Outline::Pill,
                title: outside.title.clone(),
                fact: outside.fact.clone(),
                name: format!("destination {}", outside.title),
                tone: if outside.tone == Tone::Open { Tone::Open } else { Tone::Plain },
            };
            self.way_out(from, node, routes, standing, tone, &outside.outcome.possible);
        }
    }

    /// Draws what goes from a workload to somewhere outside: through the gateways that it leaves by, where there are some.
    fn way_out(&mut self, from: &str, destination: Node, ways: &Ways, standing: u8, tone: Tone, ports: &PortSet) {
        if !self.nodes.contains_key(from) {
            return;
        }
        let to = destination.id.clone();
        self.add(destination);
        if ways.is_plain {
            self.edge(from, &to, standing, tone, ports, "");
        }
        for route in &ways.routes {
            let id = ids::exit(route);
            let (title, fact) = (routes::title(route), routes::fact(route));
            let name = format!("way out {title}, {fact}");
            let is_lost = route.verdict == Verdict::Denied;
            let node_tone = routes::tone(route);
            self.add(Node { id: id.clone(), lane: Lane::Exits, group: None, outline: Outline::Arrow, title, fact, name, tone: node_tone });
            self.edge(from, &id, standing, tone, ports, "");
            // What leads nowhere does not arrive.
            let (standing, tone) = if is_lost && standing == 0 { (3, Tone::Denied) } else { (standing, tone) };
            self.edge(&id, &to, standing, tone, ports, "");
        }
    }

    /// The domains that policies name, and who may go there.
    pub(super) fn domains(&mut self) {
        type Terms = BTreeMap<(Id, String), (Id, Outcome, Ways)>;
        let terms = |analysis: &Analysis| -> Terms {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let of_one = |(id, workload): (WorkloadId, &Workload)| {
                let (name, node) = (ids::workload(workload), self.node_of(workload));
                let open = analysis.domains_of_workload(id).into_iter().filter(|(_, outcome)| !outcome.is_none());
                let leaving = routes::of_workload(analysis, id);
                let with_routes = |(pattern, outcome): (DomainPattern, Outcome)| {
                    let routes = leaving.to(&[Peer::Domain { pattern: pattern.text().clone() }]);
                    ((name.clone(), pattern.to_string()), (node.clone(), outcome, routes))
                };
                open.map(with_routes).collect::<Vec<_>>()
            };
            workloads.flat_map(of_one).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
        for key in keys {
            let (was, is) = (before.get(&key), after.get(&key));
            let Some((node, outcome, routes)) = is.or(was) else { continue };
            let (standing, tone) = match (was, is) {
                (None, _) => (1, Tone::Gained),
                (_, None) => (2, Tone::Lost),
                _ if outcome.certain.is_empty() => (0, Tone::Depends),
                _ => (0, Tone::Allowed),
            };
            self.way_out(node, domain_node(&key.1), routes, standing, tone, &outcome.possible);
        }
    }
}

fn domain_node(name: &str) -> Node {
    Node {
        id: ids::domain(name),
        lane: Lane::Destinations,
        group: None,
        outline: Outline::Pill,
        title: name.to_owned(),
        fact: "domain".to_owned(),
        name: format!("domain {name}"),
        tone: Tone::Plain,
    }
}
