//! What `kube-burner-ocp network-policy` makes (Red Hat's run of 2025-08-11): 240 namespaces x 10 pods x (20 policies on what comes in,
//! 20 on what goes out, and one that denies), each with 5 ports, 5 ranges, 5 namespaces with 5 pods in each, and 5 blocks. Scaled by
//! the number of namespaces.

use portolan_core::labels::Selector;
use portolan_core::ports::Protocol;

use super::model::{Cluster, Namespace, Pod, Policy, PolicyPortMatch, Rule, RulePeer, block, container_port, is_one_of, labels, tcp};

const PODS_PER_NAMESPACE: usize = 10;
const POLICIES_PER_DIRECTION: usize = 20;
const PEERS: usize = 5;

pub(super) fn generate(pods: usize) -> Cluster {
    let mut cluster = Cluster::default();
    let n_namespaces = pods.div_ceil(PODS_PER_NAMESPACE);
    let ports = [container_port("http", 8080), container_port("metrics", 9090)];
    for namespace in 0..n_namespaces {
        let name = format!("network-policy-perf-{namespace:05}");
        cluster.namespaces.push(Namespace::new(name.as_str(), &[("kube-burner.io/run", "perf")]));
        for pod in (0..PODS_PER_NAMESPACE).take(pods - namespace * PODS_PER_NAMESPACE) {
            let number = namespace * PODS_PER_NAMESPACE + pod;
            let own = labels(&[("num", &pod.to_string()), ("app", "test-pod")]);
            cluster.pods.push(Pod::new(name.as_str(), format!("test-pod-{pod}"), number, own, &ports));
        }
        let local = || is_one_of("num", (0..PODS_PER_NAMESPACE).map(|pod| pod.to_string()));
        for policy in 0..POLICIES_PER_DIRECTION {
            // What one namespace sends to the next ones, those let in from the ones before.
            let window = |step: usize| 1 + PEERS * (policy % 2) + step;
            let after = (0..PEERS).map(|step| (namespace + window(step)) % n_namespaces);
            let before = (0..PEERS).map(|step| (namespace + n_namespaces * PEERS * 2 - window(step)) % n_namespaces);
            let egress = Policy::egress(name.as_str(), format!("egress-{policy:02}"), local(), vec![rule(policy, after)]);
            cluster.policies.push(Policy::ingress(name.as_str(), format!("ingress-{policy:02}"), local(), vec![rule(policy, before)]));
            cluster.policies.push(egress);
        }
        let nothing = Some(Vec::new());
        let deny = Policy { egress: nothing, ..Policy::ingress(name.as_str(), "deny-all", Selector::default(), Vec::new()) };
        cluster.policies.push(deny);
    }
    cluster
}

/// The rule of a policy: some remote namespaces, and the ports and blocks of its number.
fn rule(policy: usize, remote: impl Iterator<Item = usize>) -> Rule {
    let remote = remote.map(|namespace| format!("network-policy-perf-{namespace:05}"));
    let pods = is_one_of("num", (0..PEERS).map(|pod| pod.to_string()));
    let mut rule = Rule { peers: vec![RulePeer::Pods(Some(is_one_of("kubernetes.io/metadata.name", remote)), pods)], ports: Vec::new() };
    for step in 0..PEERS {
        let number = u32::try_from(policy * PEERS + step).unwrap_or_default();
        rule.peers.push(RulePeer::Block(block(0xC612_0000 + number * 256, 24), Vec::new()));
        let number = u16::try_from(step).unwrap_or_default();
        rule.ports.push(tcp(8080 + number));
        let first = 9000 + 20 * number;
        rule.ports.push((Protocol::Tcp, PolicyPortMatch::Range(first, first + 9)));
    }
    rule
}
