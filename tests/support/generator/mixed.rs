//! A mixture of policies over Deployments without pods, for programs that read manifests: N Deployments with three named ports each, N
//! policies, N/10 namespaces, 60 distinct blocks.

use portolan_core::labels::Selector;
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::ports::Protocol;
use portolan_core::record::WorkloadRecord;

use super::model::{
    Cluster, Namespace, Policy, PolicyPortMatch, Rule, RulePeer, Workload, block, container_port, is, is_one_of, labels, represented, tcp,
    template,
};
use crate::random_cluster::Random;

const TIERS: [&str; 3] = ["web", "logic", "data"];
const N_BLOCKS: usize = 60;

pub(super) fn generate(workloads: usize, random: &mut Random) -> Cluster {
    let mut cluster = Cluster { represents_templates: true, ..Cluster::default() };
    let n_namespaces = workloads.div_ceil(10);
    let namespace = |number: usize| format!("team-{:04}", number % n_namespaces);
    let app = |number: usize| format!("app-{:03}", number / n_namespaces);
    for number in 0..n_namespaces {
        let env = ["prod", "test", "dev"][number % 3];
        cluster.namespaces.push(Namespace::new(namespace(number), &[("env", env)]));
    }
    let ports = [container_port("http", 8080), container_port("metrics", 9090), container_port("admin", 9901)];
    for number in 0..workloads {
        let own = labels(&[("app", &app(number)), ("tier", TIERS[number % 3])]);
        let record = WorkloadRecord { replicas: Some(2), owner: None, template: Some(represented(template(own, &ports))) };
        cluster.workloads.push(Workload { key: ObjectKey::new(Kind::Deployment, namespace(number), app(number)), record });
    }
    for number in 0..workloads {
        let own = namespace(number);
        let peer_app = app(random.below(workloads));
        // Every Deployment has a policy of its own; every tenth has also one for its whole namespace.
        let subject = if number < n_namespaces { Selector::default() } else { is("app", &app(number)) };
        let peer = match random.below(6) {
            0 | 1 => RulePeer::Pods(None, is("app", &peer_app)),
            2 => RulePeer::Pods(None, is_one_of("tier", ["web", "logic"])),
            3 => RulePeer::Pods(Some(is("kubernetes.io/metadata.name", &namespace(random.below(n_namespaces)))), Selector::default()),
            4 => RulePeer::Pods(Some(is("env", "prod")), is("app", &peer_app)),
            _ => a_block(random),
        };
        let port = match random.below(5) {
            0 => (Protocol::Tcp, PolicyPortMatch::Name("http".into())),
            1 => (Protocol::Tcp, PolicyPortMatch::Name("metrics".into())),
            2 => (Protocol::Tcp, PolicyPortMatch::Range(9000, 9999)),
            _ => tcp(8080),
        };
        let rule = vec![Rule { peers: vec![peer], ports: vec![port] }];
        let name = format!("policy-{number:05}");
        cluster.policies.push(match number % 4 {
            // A namespace is closed in both directions by its first.
            _ if number < n_namespaces => {
                Policy { egress: Some(vec![Rule::own_pods(Selector::default(), Vec::new())]), ..Policy::ingress(own, name, subject, rule) }
            }
            0 => {
                let out = vec![Rule { peers: vec![a_block(random)], ports: vec![tcp(443)] }];
                Policy { egress: Some(out), ..Policy::ingress(own, name, subject, rule) }
            }
            1 => Policy::egress(own, name, subject, rule),
            _ => Policy::ingress(own, name, subject, rule),
        });
    }
    cluster
}

/// One of the blocks, a third of them with an exception.
fn a_block(random: &mut Random) -> RulePeer {
    let number = random.below(N_BLOCKS);
    let base = 0xCB00_0000 + u32::try_from(number).unwrap_or_default() * 0x0001_0000;
    let except = if number.is_multiple_of(3) { vec![block(base + 0x0100, 24)] } else { Vec::new() };
    RulePeer::Block(block(base, 16), except)
}
