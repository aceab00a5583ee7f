//! A cluster that defeats every shortcut: no two pods alike, peers that are all but a few, as many blocks with exceptions as pods, no
//! two policies with the same ports.

use portolan_core::labels::{Operator, Requirement, Selector};
use portolan_core::ports::Protocol;

use super::model::{Cluster, Namespace, Pod, Policy, PolicyPortMatch, Rule, RulePeer, block, container_port, is, is_none_of, labels, tcp};
use crate::random_cluster::Random;

pub(super) fn generate(pods: usize, random: &mut Random) -> Cluster {
    let mut cluster = Cluster::default();
    let n_namespaces = pods.div_ceil(10);
    let namespace = |number: usize| format!("space-{number:05}");
    for number in 0..n_namespaces {
        cluster.namespaces.push(Namespace::new(namespace(number), &[("parity", ["even", "odd"][number % 2])]));
    }
    for number in 0..pods {
        let ports = [container_port("own", 1024 + u16::try_from(number % 60_000).unwrap_or_default())];
        let own = labels(&[("id", &format!("id-{number:06}"))]);
        cluster.pods.push(Pod::new(namespace(number % n_namespaces), format!("pod-{number:06}"), number, own, &ports));
    }
    // Half as many policies as pods, two blocks in each: as many blocks as pods.
    for number in 0..pods.div_ceil(2) {
        let subject = random.below(pods);
        let pods_but = |random: &mut Random| is_none_of("id", (0..3).map(|_| format!("id-{:06}", random.below(pods))));
        let elsewhere = match number % 3 {
            0 => is_none_of("kubernetes.io/metadata.name", (0..3).map(|_| namespace(random.below(n_namespaces)))),
            1 => is_none_of("parity", ["odd"]),
            _ => Selector::new(vec![Requirement { key: "forbidden".into(), operator: Operator::DoesNotExist }]),
        };
        let selects = if random.one_in(4) { pods_but(random) } else { is("id", &format!("id-{subject:06}")) };
        let first = 1 + u16::try_from(number % 60_000).unwrap_or_default();
        let rule = Rule {
            peers: vec![RulePeer::Pods(Some(elsewhere), pods_but(random)), odd_block(2 * number), odd_block(2 * number + 1)],
            ports: vec![
                tcp(first),
                (Protocol::Udp, PolicyPortMatch::Range(first, first + 5)),
                (Protocol::Tcp, PolicyPortMatch::Name("own".into())),
            ],
        };
        let (own, name) = (namespace(subject % n_namespaces), format!("policy-{number:06}"));
        cluster.policies.push(match number % 2 {
            0 => Policy::ingress(own, name, selects, vec![rule]),
            _ => Policy::egress(own, name, selects, vec![rule]),
        });
    }
    cluster
}

/// A block with three exceptions that no other has.
fn odd_block(number: usize) -> RulePeer {
    let base = 0x1400_0000 + u32::try_from(number % 0x0010_0000).unwrap_or_default() * 256;
    RulePeer::Block(block(base, 24), vec![block(base + 16, 30), block(base + 64, 27), block(base + 200, 32)])
}
