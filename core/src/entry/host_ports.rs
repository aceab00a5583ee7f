//! Ways in through ports of nodes that lead to pods without a Service: `hostPort`, and pods on their node's network.
//!
//! Whether a pod is ready does not matter here: nobody stands between who knows it.

use std::collections::{BTreeMap, BTreeSet};

use super::EntryPath;
use super::backends::{Backend, Backends};
use super::last_hop::policy_hop;
use crate::analysis::{Analysis, Endpoint};
use crate::inventory::{PodId, Workload};
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::ports::Protocol;
use crate::record::HostAddress;

/// A port of nodes, and the pods behind it with their own ports.
type Ports = BTreeMap<(&'static str, u16, Protocol, HostAddress), Vec<(PodId, u16)>>;

pub(super) fn paths(analysis: &Analysis) -> Vec<EntryPath> {
    let mut paths = Vec::new();
    for (_, workload) in analysis.inventory().workloads.entries() {
        for ((kind, port, protocol, on), pods) in ports(analysis, workload) {
            paths.extend(follow(analysis, workload, kind, (port, protocol, on), &pods));
        }
    }
    paths
}

fn ports(analysis: &Analysis, workload: &Workload) -> Ports {
    let mut ports = Ports::new();
    for id in &workload.pods {
        let record = analysis.inventory().pods.at(*id).record();
        let mut seen = BTreeSet::new();
        for port in record.ports.iter() {
            let key = match port.host_port {
                // The server sets hostPort to the container's port here, and no other is taken.
                _ if record.host_network => ("host-network", port.port, port.protocol, HostAddress::All),
                Some(host) => ("host-port", host.port, port.protocol, host.on),
                None => continue,
            };
            if seen.insert(key) {
                ports.entry(key).or_default().push((*id, port.port));
            }
        }
    }
    ports
}

fn follow(
    analysis: &Analysis,
    workload: &Workload,
    kind: &'static str,
    (port, protocol, on): (u16, Protocol, HostAddress),
    pods: &[(PodId, u16)],
) -> Option<EntryPath> {
    let (first, _) = pods.first()?;
    let object: ObjectKey = analysis.inventory().pods.at(*first).entry().key.clone();
    let where_from = nodes(analysis, workload, pods);
    let name = format!("{} {}", workload.kind, workload.path());
    let on_one = if on == HostAddress::One { "-of-one-address" } else { "" };
    let id = format!("{kind}/{}/{}/{port}/{protocol}{on_one}", workload.kind, workload.path());
    let title = format!("{where_from}:{port}/{protocol}");
    let pointer = if object.kind == Kind::Pod { "/spec/containers" } else { "/spec/template/spec/containers" };
    let mut entry = EntryPath {
        reached_at: reached_at(analysis, pods).into_iter().map(|node| format!("{node}:{port}/{protocol}")).collect(),
        pods: pods.iter().map(|(pod, _)| *pod).collect(),
        pod_ports: pods.iter().map(|(_, port)| Some(*port)).collect(),
        ..EntryPath::new(id, title, name.clone(), object, pointer)
    };
    let (verdict, sentence) = match (kind, on) {
        ("host-network", _) => (Verdict::Allowed, format!("{name} is on its node's network and declares {port}/{protocol}")),
        (_, HostAddress::All) => (Verdict::Allowed, format!("the node of {name} takes {port}/{protocol} for it")),
        (_, HostAddress::One) => (Verdict::Allowed, format!("the node of {name} takes {port}/{protocol} for it at one of its addresses")),
        // Only what runs on the node gets there: no way in.
        (_, HostAddress::Loopback) => return None,
    };
    let (object, pointer) = (entry.object.clone(), entry.pointer.clone());
    entry.hop(kind, Some(&object), pointer, verdict, sentence);
    let ready = pods.iter().map(|(pod, port)| Backend { pod: Some(*pod), address: None, port: Some(*port) }).collect();
    let hop = policy_hop(analysis, &Endpoint::Outside, &Backends::of(ready), protocol);
    entry.hop("policy", hop.object.as_ref(), hop.pointer, hop.verdict, hop.sentence);
    Some(entry)
}

/// The nodes on which some of the pods are, by name; `*` for those of pods whose node is not known.
fn reached_at<'a>(analysis: &'a Analysis, pods: &[(PodId, u16)]) -> BTreeSet<&'a str> {
    let node = |(pod, _): &(PodId, u16)| match &*analysis.inventory().pods.at(*pod).record().node {
        "" => "*",
        node => node,
    };
    pods.iter().map(node).collect()
}

/// `any node`, `node a`, `nodes a, b`, `5 nodes`, `some node`
fn nodes(analysis: &Analysis, workload: &Workload, pods: &[(PodId, u16)]) -> String {
    let nodes = reached_at(analysis, pods);
    let is_everywhere = analysis.snapshot().count(Kind::Node) > 1
        && analysis.snapshot().entries(Kind::Node).all(|(key, _)| nodes.contains(key.name.as_str()));
    let nodes: Vec<&str> = nodes.into_iter().collect();
    match nodes.as_slice() {
        _ if is_everywhere => "any node".to_owned(),
        _ if nodes.contains(&"*") && workload.kind == "DaemonSet" => "any node".to_owned(),
        _ if nodes.contains(&"*") => "some node".to_owned(),
        [node] => format!("node {node}"),
        [_, _] | [_, _, _] => format!("nodes {}", nodes.join(", ")),
        many => format!("{} nodes", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{analysis, found, live};
    use super::*;

    #[test]
    fn a_workload_has_one_way_in_for_each_port_of_its_nodes() {
        let pod = |name: &str, node: &str| {
            format!(
                "kind: Pod\napiVersion: v1\nmetadata: {{name: {name}, namespace: edge, labels: {{app: proxy}}, ownerReferences: [{{kind: DaemonSet, name: proxy, controller: true}}]}}\n\
                 spec: {{nodeName: {node}, containers: [{{name: c, ports: [{{containerPort: 8443, hostPort: 443}}, {{containerPort: 9, hostPort: 9, hostIP: 127.0.0.1}}]}}]}}\n---\n"
            )
        };
        let node = |name: &str| format!("kind: Node\napiVersion: v1\nmetadata: {{name: {name}}}\n---\n");
        let all = live(&[pod("proxy-1", "a"), pod("proxy-2", "b"), node("a"), node("b")].concat());
        assert_eq!(all.entry_paths().len(), 1);
        let path = found(&all, "any node:443/TCP");
        assert_eq!((path.pods.len(), path.pod_ports.as_slice()), (2, [Some(8443), Some(8443)].as_slice()));
        assert_eq!(path.front, "DaemonSet edge/proxy");
        assert_eq!(path.reached_at, ["a:443/TCP", "b:443/TCP"]);
        assert_eq!(path.verdict, Verdict::Allowed);
        let one = live(&[pod("proxy-1", "a"), node("a"), node("b")].concat());
        assert_eq!(found(&one, "node a:443/TCP").object.path(), "edge/proxy-1");
    }

    #[test]
    fn policies_judge_host_ports_and_pass_over_pods_on_the_network_of_nodes() {
        let yaml = |spec: &str| {
            format!(
                "kind: Deployment\napiVersion: apps/v1\nmetadata: {{name: web, namespace: edge}}\n\
                 spec: {{template: {{metadata: {{labels: {{app: web}}}}, spec: {{{spec}}}}}}}\n---\n\
                 kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: deny, namespace: edge}}\nspec: {{podSelector: {{}}}}\n"
            )
        };
        let shut = analysis(&yaml("containers: [{name: c, ports: [{containerPort: 80, hostPort: 8080}]}]"));
        let path = found(&shut, "some node:8080/TCP");
        assert_eq!(
            (path.verdict, path.deciding_hop().and_then(|hop| hop.object.clone()).map(|key| key.path())),
            (Verdict::Denied, Some("edge/deny".to_owned()))
        );
        let open = analysis(&yaml("hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}]}]"));
        assert_ne!(found(&open, "some node:80/TCP").verdict, Verdict::Denied);
        let silent = analysis(&yaml("hostNetwork: true, containers: [{name: c}]"));
        assert!(silent.entry_paths().is_empty());
    }
}
