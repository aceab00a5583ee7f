//! Which parts of a pod can matter to the policies in force.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use crate::address::{Family, number};
use crate::labels::Labels;
use crate::policy::Sight;
use crate::record::{ContainerPort, PodRecord, PodTemplate};

/// The keys of labels, names of ports and bounds of blocks that some policy names.
#[derive(Debug, Clone, Default)]
pub(super) struct Relevant {
    pub(super) keys: FxHashSet<SmolStr>,
    pub(super) port_names: FxHashSet<SmolStr>,
    /// Where blocks begin, and where what comes after them begins: of IPv4 and of IPv6, sorted.
    pub(super) bounds: [Vec<u128>; 2],
}

impl Relevant {
    /// What some policies look at.
    pub(super) fn new<'a>(sights: impl Iterator<Item = &'a Sight>) -> Self {
        let mut relevant = Self::default();
        let mut bounds = [FxHashSet::default(), FxHashSet::default()];
        for sight in sights {
            for (names, known) in [(&sight.keys, &mut relevant.keys), (&sight.port_names, &mut relevant.port_names)] {
                for name in names {
                    if !known.contains(name) {
                        known.insert(name.clone());
                    }
                }
            }
            for (family, bound) in &sight.bounds {
                let [v4, v6] = &mut bounds;
                if *family == Family::V4 { v4 } else { v6 }.insert(*bound);
            }
        }
        relevant.bounds = bounds.map(|bounds| {
            let mut bounds: Vec<u128> = bounds.into_iter().collect();
            bounds.sort_unstable();
            bounds
        });
        relevant
    }

    /// Takes in what another names. Returns the bounds that are new, by family.
    pub(super) fn extend(&mut self, other: &Self) -> Vec<(Family, u128)> {
        self.keys.extend(other.keys.iter().cloned());
        self.port_names.extend(other.port_names.iter().cloned());
        let mut new = Vec::new();
        for ((own, others), family) in self.bounds.iter_mut().zip(&other.bounds).zip([Family::V4, Family::V6]) {
            for bound in others {
                if let Err(place) = own.binary_search(bound) {
                    own.insert(place, *bound);
                    new.push((family, *bound));
                }
            }
        }
        new
    }

    /// Whether it holds all that another names.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let has_bounds = |(own, others): (&Vec<u128>, &Vec<u128>)| others.iter().all(|bound| own.binary_search(bound).is_ok());
        other.keys.is_subset(&self.keys)
            && other.port_names.is_subset(&self.port_names)
            && self.bounds.iter().zip(&other.bounds).all(has_bounds)
    }

    fn bounds(&self, family: Family) -> &[u128] {
        let [v4, v6] = &self.bounds;
        if family == Family::V4 { v4 } else { v6 }
    }

    /// The interval between bounds that an address lies in, by where it begins.
    pub(super) fn atom(&self, address: IpAddr) -> (Family, u128) {
        let family = Family::of(address);
        let bounds = self.bounds(family);
        let n_before = bounds.partition_point(|bound| *bound <= number(address));
        (family, n_before.checked_sub(1).and_then(|index| bounds.get(index)).copied().unwrap_or(0))
    }

    /// The last address of the interval that begins at a bound.
    pub(super) fn last_of(&self, family: Family, bound: u128) -> u128 {
        let bounds = self.bounds(family);
        let next = bounds.get(bounds.partition_point(|other| *other <= bound));
        next.map_or(family.last(), |next| next - 1)
    }

    /// The labels that selectors ask for, and the ports that rules name.
    pub(super) fn seen(&self, template: &PodTemplate) -> (Arc<Labels>, Arc<[ContainerPort]>) {
        let labels = template.labels.only(|key| self.keys.contains(key));
        // What is no label is seldom asked for.
        let others = template.others().filter(|(key, _)| self.keys.contains(*key));
        let labels = others.fold(labels, |labels, (key, value)| labels.with(key, value));
        let named = template.ports.iter().filter(|port| self.port_names.contains(&port.name));
        let mut ports: Vec<ContainerPort> = named.map(|port| ContainerPort { host_port: None, ..port.clone() }).collect();
        // The first of two ports of one name wins, so their order is kept.
        ports.dedup();
        (Arc::new(labels), ports.into())
    }

    /// Whether a pod has a label or a port that another names and this one does not.
    pub(super) fn misses(&self, other: &Self, pod: &PodRecord) -> bool {
        let is_new = |key: &str| other.keys.contains(key) && !self.keys.contains(key);
        pod.facts().any(|(key, _)| is_new(key))
            || pod.ports.iter().any(|port| other.port_names.contains(&port.name) && !self.port_names.contains(&port.name))
    }
}
