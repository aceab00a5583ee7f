//! The ways out on the map: addresses, domains, and Services that are other names of domains.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::inventory::{Workload, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::ports::PortSet;
use portolan_core::reachability::Outcome;
use portolan_core::record::{Record, ServiceType};

use super::Builder;
use crate::map::model::{Id, Lane, Node, Outline, Tone};
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
        let terms = |analysis: &Analysis| -> BTreeMap<String, (Id, Vec<addresses::Outside>)> {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let terms = |id| addresses::of_workload(analysis, id, Direction::Egress);
            workloads.map(|(id, workload)| (ids::workload(workload), (self.node_of(workload), terms(id)))).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let none = (Id::new(), Vec::new());
        let mut edges: Vec<(u8, &Id, &addresses::Outside)> = Vec::new();
        for workload in before.keys().chain(after.keys().filter(|id| !before.contains_key(*id))) {
            let ((old_node, was), (new_node, is)) = (before.get(workload).unwrap_or(&none), after.get(workload).unwrap_or(&none));
            let (was_refs, is_refs): (Vec<_>, Vec<_>) = (was.iter().collect(), is.iter().collect());
            edges.extend(is.iter().map(|outside| (u8::from(!addresses::is_within(outside, &was_refs)), new_node, outside)));
            edges.extend(was.iter().filter(|outside| !addresses::is_within(outside, &is_refs)).map(|outside| (2, old_node, outside)));
        }
        for (standing, from, outside) in edges {
            self.add(Node {
                id: outside.id.clone(),
                lane: Lane::Destinations,
                group: None,
                outline: Outline::Pill,
                title: outside.title.clone(),
                fact: outside.fact.clone(),
                name: format!("destination {}", outside.title),
                tone: if outside.tone == Tone::Open { Tone::Open } else { Tone::Plain },
            });
            let tone = match standing {
                1 => Tone::Gained,
                2 => Tone::Lost,
                _ => outside.tone,
            };
            self.edge(from, &outside.id, standing, tone, &outside.outcome.possible, "");
        }
    }

    /// The domains that policies name, and who may go there.
    pub(super) fn domains(&mut self) {
        type Terms = BTreeMap<(Id, String), (Id, Outcome)>;
        let terms = |analysis: &Analysis| -> Terms {
            let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
            let of_one = |(id, workload): (WorkloadId, &Workload)| {
                let (name, node) = (ids::workload(workload), self.node_of(workload));
                let open = analysis.domains_of_workload(id).into_iter().filter(|(_, outcome)| !outcome.is_none());
                open.map(move |(pattern, outcome)| ((name.clone(), pattern.to_string()), (node.clone(), outcome))).collect::<Vec<_>>()
            };
            workloads.flat_map(of_one).collect()
        };
        let (before, after) = (terms(self.scene.base), terms(self.scene.edited));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
        for key in keys {
            let (was, is) = (before.get(&key), after.get(&key));
            let Some((node, outcome)) = is.or(was) else { continue };
            let id = ids::domain(&key.1);
            self.add(domain_node(&key.1));
            let (standing, tone) = match (was, is) {
                (None, _) => (1, Tone::Gained),
                (_, None) => (2, Tone::Lost),
                _ if outcome.certain.is_empty() => (0, Tone::Depends),
                _ => (0, Tone::Allowed),
            };
            self.edge(node, &id, standing, tone, &outcome.possible, "");
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
