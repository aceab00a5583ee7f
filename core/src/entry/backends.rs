//! What stands behind a port of a Service. EndpointSlices are the truth where there are any; selectors are asked where not.

use std::net::IpAddr;

use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::inventory::PodId;
use crate::object::{Kind, ObjectKey};
use crate::record::{Endpoint, EndpointSliceRecord, Record, ServicePort, ServiceRecord, TargetPort};

/// One endpoint of a Service's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backend {
    /// The pod, where it is one.
    pub(crate) pod: Option<PodId>,
    /// Its address, where one is known.
    pub(crate) address: Option<IpAddr>,
    /// Its port; `None` for all of them.
    pub(crate) port: Option<u16>,
}

/// All endpoints of a Service's port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Backends {
    /// Those that take requests.
    pub(crate) ready: Vec<Backend>,
    /// How many are there and do not.
    pub(crate) n_not_ready: usize,
    /// How many pods are selected that lack a container port of the target's name.
    pub(crate) n_without_port: usize,
    /// Whether the Service has neither a selector nor slices.
    pub(crate) is_unselected: bool,
    /// The name of the target port, where it has one.
    target_name: SmolStr,
}

impl Backends {
    /// Why there is nothing, in one sentence.
    pub(crate) fn why_none(&self, key: &ObjectKey) -> String {
        let path = key.path();
        if self.is_unselected {
            format!("Service {path} has no selector, and no EndpointSlice names its endpoints")
        } else if self.n_not_ready > 0 {
            format!("Service {path} has no ready endpoint: {} not ready", crate::text::count(self.n_not_ready, "pod is", "pods are"))
        } else if self.n_without_port > 0 {
            let pods = crate::text::count(self.n_without_port, "pod", "pods");
            format!("Service {path} sends to port {:?}, which none of its {pods} has", self.target_name.as_str())
        } else {
            format!("Service {path} selects no pod")
        }
    }

    /// What is there, in one sentence.
    pub(crate) fn summary(&self, key: &ObjectKey, port: &ServicePort) -> String {
        let mut numbers: Vec<u16> = self.ready.iter().filter_map(|backend| backend.port).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let target = if numbers.is_empty() { "any port".to_owned() } else { format!("port {}", numbers.join(" or ")) };
        let endpoints = crate::text::count(self.ready.len(), "ready endpoint", "ready endpoints");
        format!("Service {} port {}/{} leads to {target} of {endpoints}", key.path(), port.port, port.protocol)
    }

    /// The pods among them.
    pub(crate) fn pods(&self) -> Vec<PodId> {
        self.ready.iter().filter_map(|backend| backend.pod).collect()
    }
}

/// Finds what stands behind a port of a Service.
pub(crate) fn find(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord, port: &ServicePort) -> Backends {
    let slices: Vec<&EndpointSliceRecord> = slices_of(analysis, key).collect();
    if slices.is_empty() { from_selector(analysis, key, service, port) } else { from_slices(analysis, key, &slices, port) }
}

/// The pods that a Service selects, ready or not; those of its slices where it has no selector.
pub(crate) fn selected_pods(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord) -> Vec<PodId> {
    match &service.selector {
        Some(selector) => {
            let pods = analysis.inventory().pods_in(&key.namespace);
            pods.filter(|(_, pod)| selector.matches(&pod.record().labels)).map(|(id, _)| id).collect()
        }
        None => {
            let endpoints = slices_of(analysis, key).flat_map(|slice| &slice.endpoints);
            endpoints.filter_map(|endpoint| pod_of(analysis, key, endpoint)).collect()
        }
    }
}

fn slices_of<'a>(analysis: &'a Analysis, key: &'a ObjectKey) -> impl Iterator<Item = &'a EndpointSliceRecord> {
    let entries = analysis.snapshot().entries_in(Kind::EndpointSlice, &key.namespace);
    let slices = entries.filter_map(|entry| match &entry.record {
        Some(Record::EndpointSlice(slice)) => Some(&**slice),
        _ => None,
    });
    slices.filter(move |slice| slice.service == key.name)
}

fn pod_of(analysis: &Analysis, key: &ObjectKey, endpoint: &Endpoint) -> Option<PodId> {
    let by_name = analysis.inventory().pod(&key.namespace, &endpoint.pod);
    by_name.or_else(|| endpoint.addresses.iter().find_map(|address| analysis.inventory().pod_at(*address)))
}

fn from_slices(analysis: &Analysis, key: &ObjectKey, slices: &[&EndpointSliceRecord], port: &ServicePort) -> Backends {
    let mut backends = Backends::default();
    let mut terminating = Vec::new();
    for slice in slices {
        let Some(slice_port) = slice.ports.iter().find(|candidate| candidate.name == port.name && candidate.protocol == port.protocol)
        else {
            continue;
        };
        for endpoint in &slice.endpoints {
            let backend =
                Backend { pod: pod_of(analysis, key, endpoint), address: endpoint.addresses.first().copied(), port: slice_port.port };
            if backend.pod.is_none() && backend.address.is_none() {
                continue;
            }
            // A dual-stack Service has a slice for each family: its pods count once.
            let is_known =
                |list: &[Backend]| backend.pod.is_some() && list.iter().any(|known| known.pod == backend.pod && known.port == backend.port);
            if endpoint.ready {
                if !is_known(&backends.ready) {
                    backends.ready.push(backend);
                }
            } else if endpoint.serving && endpoint.terminating {
                if !is_known(&terminating) {
                    terminating.push(backend);
                }
            } else {
                backends.n_not_ready += 1;
            }
        }
    }
    // KEP-1669: where every endpoint terminates, those that still serve are used.
    if backends.ready.is_empty() {
        backends.ready = terminating;
    }
    backends
}

fn from_selector(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord, port: &ServicePort) -> Backends {
    let mut backends = Backends { is_unselected: service.selector.is_none(), ..Backends::default() };
    if let TargetPort::Name(name) = &port.target {
        backends.target_name = name.clone();
    }
    if service.selector.is_none() {
        return backends;
    }
    for id in selected_pods(analysis, key, service) {
        let record = &analysis.inventory().pods.at(id).record();
        // A headless Service gives out addresses and maps no ports.
        let number = match &port.target {
            _ if service.headless => Some(port.port),
            TargetPort::Number(number) => Some(*number),
            TargetPort::Name(name) => record.port_named(name, port.protocol),
        };
        let Some(number) = number else {
            backends.n_without_port += 1;
            continue;
        };
        if record.ready || service.publish_not_ready {
            backends.ready.push(Backend { pod: Some(id), address: record.addresses.first().copied(), port: Some(number) });
        } else {
            backends.n_not_ready += 1;
        }
    }
    backends
}
