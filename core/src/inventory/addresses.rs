//! Who has which address.

use std::net::IpAddr;

use super::{Pod, PodId};
use crate::address::{Family, number};
use crate::ids::Roll;
use crate::ordered::{Ordered, Place};

/// One address of a pod: the pod, and which of its addresses.
type AddressOf = (PodId, u32);

/// The addresses of pods, in order. A pod on its node's network shares the node's address with others: the address is nobody's alone, and
/// is left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    sorted: Ordered<AddressOf>,
    /// How many are the same as the one before.
    n_shared: usize,
    /// How many pods have none.
    n_without: usize,
}

type Pods = Roll<PodId, Pod>;

fn rank(address: IpAddr) -> (Family, u128) {
    (Family::of(address), number(address))
}

fn of_pod(pods: &Pods, id: PodId) -> &[IpAddr] {
    let record = pods.at(id).record();
    if record.host_network { &[] } else { &record.addresses }
}

fn has_none(pods: &Pods, id: PodId) -> bool {
    let record = pods.at(id).record();
    !record.host_network && record.addresses.is_empty()
}

fn at(pods: &Pods, (pod, which): AddressOf) -> Option<IpAddr> {
    of_pod(pods, pod).get(which as usize).copied()
}

impl Addresses {
    /// The addresses of all pods.
    pub(super) fn new(pods: &Pods) -> Self {
        let mut sorted: Vec<((Family, u128), AddressOf)> = Vec::with_capacity(pods.len());
        for id in pods.ids() {
            sorted.extend(of_pod(pods, id).iter().zip(0..).map(|(address, which)| (rank(*address), (id, which))));
        }
        sorted.sort_unstable();
        let n_shared = sorted.iter().zip(sorted.iter().skip(1)).filter(|(a, b)| a.0 == b.0).count();
        let n_without = pods.ids().filter(|id| has_none(pods, *id)).count();
        Self { sorted: sorted.into_iter().map(|(_, address)| address).collect(), n_shared, n_without }
    }

    /// How many pods have none.
    pub(super) fn n_without(&self) -> usize {
        self.n_without
    }

    /// The first place at which an address is this one or comes after it.
    fn first_at(&self, pods: &Pods, wanted: (Family, u128)) -> Place {
        self.sorted.partition_point(|address| at(pods, address).map(rank) < Some(wanted))
    }

    /// Those that are this address.
    fn run(&self, pods: &Pods, wanted: (Family, u128)) -> impl Iterator<Item = (Place, AddressOf)> {
        let from = self.sorted.from(self.first_at(pods, wanted));
        from.take_while(move |(_, address)| at(pods, *address).map(rank) == Some(wanted))
    }

    /// Takes in a pod that is in the roll now.
    pub(super) fn add(&mut self, pods: &Pods, pod: PodId) {
        self.n_without += usize::from(has_none(pods, pod));
        for (address, which) in of_pod(pods, pod).iter().zip(0..) {
            let is_shared = self.run(pods, rank(*address)).next().is_some();
            self.n_shared += usize::from(is_shared);
            self.sorted.insert(self.first_at(pods, rank(*address)), (pod, which));
        }
    }

    /// Takes out a pod that is in the roll still.
    pub(super) fn remove(&mut self, pods: &Pods, pod: PodId) {
        self.n_without -= usize::from(has_none(pods, pod));
        for (address, which) in of_pod(pods, pod).iter().zip(0..) {
            let run: Vec<(Place, AddressOf)> = self.run(pods, rank(*address)).collect();
            if let Some((place, _)) = run.iter().find(|(_, address)| *address == (pod, which)) {
                self.n_shared -= usize::from(run.len() > 1);
                self.sorted.remove(*place);
            }
        }
    }

    /// The pod that has an address; the first by name, where several have.
    pub(super) fn pod_at(&self, pods: &Pods, address: IpAddr) -> Option<PodId> {
        self.run(pods, rank(address)).map(|(_, (pod, _))| pod).min_by_key(|pod| name_of(pods, *pod))
    }

    /// The pods with an address from the first to the last.
    pub(super) fn between(&self, pods: &Pods, first: IpAddr, last: IpAddr) -> impl Iterator<Item = PodId> {
        let from = self.sorted.from(self.first_at(pods, rank(first))).map(|(_, address)| address);
        from.take_while(move |address| at(pods, *address).map(rank) <= Some(rank(last))).map(|(pod, _)| pod)
    }

    /// The pods that have an address which an earlier one by name has too: the pod, the earlier one, and the address.
    pub(super) fn shared(&self, pods: &Pods) -> Vec<(PodId, PodId, IpAddr)> {
        if self.n_shared == 0 {
            return Vec::new();
        }
        let mut shared = Vec::new();
        let all: Vec<AddressOf> = self.sorted.iter().collect();
        for run in all.chunk_by(|a, b| at(pods, *a) == at(pods, *b)).filter(|run| run.len() > 1) {
            let mut run = run.to_vec();
            run.sort_by_key(|(pod, which)| (name_of(pods, *pod), *which));
            if let Some(((first, _), others)) = run.split_first() {
                shared.extend(others.iter().filter_map(|other| Some((*other, *first, at(pods, *other)?))));
            }
        }
        shared.sort_by_key(|((pod, which), ..)| (name_of(pods, *pod), *which));
        shared.into_iter().map(|((pod, _), first, address)| (pod, first, address)).collect()
    }
}

fn name_of(pods: &Pods, pod: PodId) -> (&str, &str) {
    let pod = pods.at(pod);
    (pod.namespace(), pod.name())
}
