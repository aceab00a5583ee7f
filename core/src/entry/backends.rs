//! What stands behind a port of a Service. EndpointSlices are the truth where there are any; selectors are asked where not.
//!
//! Invariant: a pod counts once for a port, however many slices name it (a dual-stack Service has a slice for each family).

use std::collections::BTreeSet;
use std::net::IpAddr;

use smol_str::SmolStr;

use crate::analysis::{Analysis, Hop};
use crate::assumptions::Cause;
use crate::inventory::PodId;
use crate::labels::Selector;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{Endpoint, EndpointSliceRecord, PodTemplate, Record, ServicePort, ServiceRecord, TargetPort};
use crate::snapshot::typed;
use crate::text::count;

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
    /// Objects that may be there unseen and would be endpoints.
    pub(crate) unseen: Option<Kind>,
    /// Whether all of them terminate, and are used for want of others.
    terminate: bool,
    /// What the Service selects.
    selector: Option<Selector>,
    /// The name of the target port, where it has one.
    target_name: SmolStr,
    /// Where the Service says it.
    target_pointer: String,
    /// The first that is there and not ready.
    first_not_ready: Option<ObjectKey>,
    /// The first without the port: its name, and the ports that it has.
    first_without_port: Option<(String, String)>,
}

impl Backends {
    /// These, all of which take requests.
    pub(crate) fn of(ready: Vec<Backend>) -> Self {
        Self { ready, ..Self::default() }
    }

    /// Why there is nothing, in one sentence.
    pub(crate) fn why_none(&self, key: &ObjectKey) -> String {
        let path = key.path();
        if let Some(kind) = self.unseen {
            format!("what stands behind Service {path} depends on {}", Cause::Unseen(kind))
        } else if self.is_unselected {
            format!("Service {path} has no selector, and no EndpointSlice names its endpoints")
        } else if self.n_not_ready > 0 {
            let first = self.first_not_ready.as_ref().map(ObjectKey::path).unwrap_or_default();
            let named = match (first.as_str(), self.n_not_ready) {
                ("", _) => String::new(),
                (first, 1) => format!(", {first}"),
                (first, _) => format!(", {first} among them"),
            };
            format!("Service {path} has no ready endpoint: {} not ready{named}", count(self.n_not_ready, "pod is", "pods are"))
        } else if self.n_without_port > 0 {
            let pods = count(self.n_without_port, "pod", "pods");
            let has = self.first_without_port.as_ref().map(|(pod, ports)| format!(": {pod} has {ports}")).unwrap_or_default();
            format!("Service {path} sends to port {:?}, which none of its {pods} has{has}", self.target_name.as_str())
        } else {
            let wanted = self.selector.as_ref().map(|selector| format!(" by {selector}")).unwrap_or_default();
            format!("Service {path} selects no pod{wanted}")
        }
    }

    /// The hop that says why there is nothing, with the object to mend.
    pub(crate) fn none(&self, key: &ObjectKey) -> Hop {
        let (object, pointer) = match &self.first_not_ready {
            _ if self.unseen.is_some() || self.is_unselected => (key, String::new()),
            Some(pod) => (pod, "/status/conditions".to_owned()),
            None if self.n_without_port > 0 => (key, self.target_pointer.clone()),
            None => (key, "/spec/selector".to_owned()),
        };
        let verdict = if self.unseen.is_some() { Verdict::Depends } else { Verdict::Denied };
        Hop { kind: "endpoints", object: Some(object.clone()), pointer, verdict, sentence: self.why_none(key) }
    }

    /// What is there, in one sentence.
    pub(crate) fn summary(&self, key: &ObjectKey, port: &ServicePort) -> String {
        let mut numbers: Vec<u16> = self.ready.iter().filter_map(|backend| backend.port).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let target = if numbers.is_empty() { "any port".to_owned() } else { format!("port {}", numbers.join(" or ")) };
        let endpoints = count(self.ready.len(), "ready endpoint", "ready endpoints");
        let mut sentence = format!("Service {} port {}/{} leads to {target} of {endpoints}", key.path(), port.port, port.protocol);
        if self.terminate {
            sentence.push_str(", which terminate and serve for want of others");
        }
        if let (n @ 1.., Some((pod, _))) = (self.n_without_port, &self.first_without_port) {
            let lack = count(n, "pod lacks", "pods lack");
            sentence.push_str(&format!("; {lack} a port named {:?}, {pod} first", self.target_name.as_str()));
        }
        if self.n_not_ready > 0 {
            sentence.push_str(&format!("; {} not ready", count(self.n_not_ready, "pod is", "pods are")));
        }
        let outside = self.outside();
        if !outside.is_empty() {
            sentence.push_str(&format!("; no pods are behind {}", some_of(&outside)));
        }
        sentence
    }

    /// What to say where no pod is among them, in one sentence: policies of pods do not apply.
    pub(crate) fn outside_sentence(&self, analysis: &Analysis) -> String {
        let outside = self.outside();
        let node_of = |address: &IpAddr| {
            let mut nodes = typed!(analysis.snapshot(), Node);
            nodes.find(|(_, node)| node.addresses.contains(address)).map(|(key, _)| key.name.clone())
        };
        let addresses = some_of(&outside);
        match outside.as_slice() {
            [one] if let Some(node) = node_of(one) => format!("{addresses} is node {node}, to which no policy of a pod applies"),
            [_] => format!("{addresses} is outside the cluster, where no policy of a pod applies"),
            _ => format!("{addresses} are outside the cluster, where no policy of a pod applies"),
        }
    }

    /// The addresses that belong to no pod.
    fn outside(&self) -> Vec<IpAddr> {
        self.ready.iter().filter(|backend| backend.pod.is_none()).filter_map(|backend| backend.address).collect()
    }

    /// The ports of [`Self::pods`], one for each; `None` for all.
    pub(crate) fn pod_ports(&self) -> Vec<Option<u16>> {
        self.ready.iter().filter(|backend| backend.pod.is_some()).map(|backend| backend.port).collect()
    }

    /// The pods among them.
    pub(crate) fn pods(&self) -> Vec<PodId> {
        self.ready.iter().filter_map(|backend| backend.pod).collect()
    }

    fn add_without_port(&mut self, path: String, template: &PodTemplate) {
        self.n_without_port += 1;
        self.first_without_port.get_or_insert_with(|| {
            let names: Vec<&str> = template.ports.iter().map(|port| port.name.as_str()).filter(|name| !name.is_empty()).collect();
            (path, if names.is_empty() { "no named port".to_owned() } else { names.join(", ") })
        });
    }
}

fn some_of(addresses: &[IpAddr]) -> String {
    let shown: Vec<String> = addresses.iter().take(3).map(ToString::to_string).collect();
    let more = addresses.len().saturating_sub(shown.len());
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Finds what stands behind a port of a Service for whom proxies or controllers send there: by the ports of the endpoints.
pub(crate) fn find(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord, port: &ServicePort) -> Backends {
    gather(analysis, key, service, port, None)
}

/// The same for clients that look the Service up by name: a headless one gives out addresses and maps no port (core/v1
/// `ServicePort.targetPort`: "ignored for services with clusterIP=None").
pub(crate) fn find_by_name(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord, port: &ServicePort) -> Backends {
    gather(analysis, key, service, port, service.headless.then_some(port.port))
}

fn gather(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord, port: &ServicePort, unmapped: Option<u16>) -> Backends {
    let slices: Vec<&EndpointSliceRecord> = slices_of(analysis, key).collect();
    let unseen = &analysis.snapshot().unseen;
    let index = service.ports.iter().position(|other| other == port).unwrap_or_default();
    let mut backends = Backends { selector: service.selector.clone(), ..Backends::default() };
    backends.target_pointer = format!("/spec/ports/{index}/targetPort");
    if let TargetPort::Name(name) = &port.target {
        backends.target_name = name.clone();
    }
    if !slices.is_empty() {
        add_slices(analysis, key, &slices, port, unmapped, &mut backends);
    } else if service.selector.is_none() {
        backends.is_unselected = true;
        backends.unseen = unseen.holds(Kind::EndpointSlice, &key.namespace).then_some(Kind::EndpointSlice);
    } else {
        let n_selected = add_selected(analysis, key, service, port, unmapped, &mut backends);
        backends.unseen = (n_selected == 0 && unseen.holds(Kind::Pod, &key.namespace)).then_some(Kind::Pod);
    }
    backends
}

/// The pods that a Service selects, ready or not; those of its slices where it has no selector.
pub(crate) fn selected_pods(analysis: &Analysis, key: &ObjectKey, service: &ServiceRecord) -> Vec<PodId> {
    match &service.selector {
        Some(selector) => {
            let pods = analysis.inventory().pods_in(&key.namespace);
            pods.filter(|(_, pod)| selector.matches(&pod.record().labels)).map(|(id, _)| id).collect()
        }
        None => {
            let mut seen = BTreeSet::new();
            let endpoints = slices_of(analysis, key).flat_map(|slice| &slice.endpoints);
            endpoints.filter_map(|endpoint| pod_of(analysis, key, endpoint)).filter(|pod| seen.insert(*pod)).collect()
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

fn add_slices(
    analysis: &Analysis,
    key: &ObjectKey,
    slices: &[&EndpointSliceRecord],
    port: &ServicePort,
    unmapped: Option<u16>,
    backends: &mut Backends,
) {
    let mut seen: BTreeSet<(Option<PodId>, Option<IpAddr>, Option<u16>)> = BTreeSet::new();
    let (mut terminating, mut lacking): (Vec<Backend>, Vec<PodId>) = (Vec::new(), Vec::new());
    for slice in slices {
        let slice_port = slice.ports.iter().find(|candidate| candidate.name == port.name && candidate.protocol == port.protocol);
        for endpoint in &slice.endpoints {
            let (pod, address) = (pod_of(analysis, key, endpoint), endpoint.addresses.first().copied());
            let number = match (unmapped, slice_port) {
                (Some(number), _) => Some(number),
                (None, Some(slice_port)) => slice_port.port,
                // The controller of slices puts pods that lack a port of the target's name into a slice without that port.
                (None, None) => {
                    lacking.extend(pod);
                    continue;
                }
            };
            let is_new = (pod.is_some() || address.is_some()) && seen.insert((pod, if pod.is_some() { None } else { address }, number));
            if !is_new {
                continue;
            }
            let backend = Backend { pod, address, port: number };
            if endpoint.ready {
                backends.ready.push(backend);
            } else if endpoint.serving && endpoint.terminating {
                terminating.push(backend);
            } else {
                backends.n_not_ready += 1;
                if let (None, Some(pod)) = (&backends.first_not_ready, pod) {
                    backends.first_not_ready = Some(analysis.inventory().pods.at(pod).entry().key.clone());
                }
            }
        }
    }
    // KEP-1669: where every endpoint terminates, those that still serve are used.
    if backends.ready.is_empty() && !terminating.is_empty() {
        backends.ready = terminating;
        backends.terminate = true;
    }
    let with_port: BTreeSet<PodId> = seen.iter().filter_map(|(pod, ..)| *pod).collect();
    let lacking: BTreeSet<PodId> = lacking.into_iter().filter(|pod| !with_port.contains(pod)).collect();
    if !backends.target_name.is_empty() {
        for pod in lacking {
            let pod = analysis.inventory().pods.at(pod);
            backends.add_without_port(pod.path(), pod.record());
        }
    }
}

/// Adds the pods that the Service selects. Returns how many there are.
fn add_selected(
    analysis: &Analysis,
    key: &ObjectKey,
    service: &ServiceRecord,
    port: &ServicePort,
    unmapped: Option<u16>,
    backends: &mut Backends,
) -> usize {
    let pods = selected_pods(analysis, key, service);
    for id in &pods {
        let pod = analysis.inventory().pods.at(*id);
        let record = pod.record();
        let number = unmapped.or_else(|| match &port.target {
            TargetPort::Number(number) => Some(*number),
            TargetPort::Name(name) => record.port_named(name, port.protocol),
        });
        let Some(number) = number else {
            backends.add_without_port(pod.path(), record);
            continue;
        };
        if record.ready || service.publish_not_ready {
            backends.ready.push(Backend { pod: Some(*id), address: record.addresses.first().copied(), port: Some(number) });
        } else {
            backends.n_not_ready += 1;
            backends.first_not_ready.get_or_insert_with(|| pod.entry().key.clone());
        }
    }
    pods.len()
}
