//! Shapes in which every pod and every policy looks like the next: one namespace, a policy for each pod, isolated customers.

use portolan_core::labels::Selector;

use super::model::{Cluster, Namespace, Pod, Policy, Rule, RulePeer, container_port, is, labels, tcp};
use crate::random_cluster::Random;

/// One namespace in which as many policies as pods select everyone, for everyone (Antrea's `networkpolicy_controller_perf_test.go`).
pub(super) fn one_namespace(pods: usize) -> Cluster {
    let ports = [container_port("http", 80)];
    let pod = |number| Pod::new("all", format!("pod-{number:06}"), number, labels(&[("app", "all")]), &ports);
    let policy = |number| {
        let rules = || vec![Rule::own_pods(Selector::default(), Vec::new())];
        let name = format!("policy-{number:06}");
        Policy { egress: Some(rules()), ..Policy::ingress("all", name, Selector::default(), rules()) }
    };
    Cluster {
        namespaces: vec![Namespace::new("all", &[])],
        pods: (0..pods).map(pod).collect(),
        policies: (0..pods).map(policy).collect(),
        ..Cluster::default()
    }
}

/// One namespace in which every pod has a label and a policy of its own, which lets one other in.
pub(super) fn policy_per_pod(pods: usize, random: &mut Random) -> Cluster {
    let ports = [container_port("http", 80)];
    let app = |number: usize| format!("app-{number:06}");
    let pod = |number| Pod::new("all", format!("pod-{number:06}"), number, labels(&[("app", &app(number))]), &ports);
    let policy = |number| {
        let friend = app(random.below(pods));
        let rule = Rule::own_pods(is("app", &friend), vec![tcp(80)]);
        Policy::ingress("all", format!("policy-{number:06}"), is("app", &app(number)), vec![rule])
    };
    Cluster {
        namespaces: vec![Namespace::new("all", &[])],
        pods: (0..pods).map(pod).collect(),
        policies: (0..pods).map(policy).collect(),
        ..Cluster::default()
    }
}

/// A namespace, a pod and a policy for each customer, none of whom reaches another (Calico's benchmark of its calculation graph, PR
/// 11866). Of the 15 labels of a pod, 5 are unique, and no policy reads them; two customers in twenty let each other in.
pub(super) fn isolated_customers(pods: usize, random: &mut Random) -> Cluster {
    let mut cluster = Cluster::default();
    let ports = [container_port("https", 8443)];
    for number in 0..pods {
        let (name, customer) = (format!("customer-{number:06}"), format!("c{number:06}"));
        cluster.namespaces.push(Namespace::new(name.as_str(), &[("customer", &customer)]));
        let unique: Vec<String> = (0..5).map(|label| format!("{label}-{number:06}")).collect();
        let keys = ["build", "checksum", "instance", "request-id", "trace-id"];
        let pairs = keys.iter().zip(&unique).map(|(key, value)| (*key, value.as_str()));
        let zone = format!("zone-{}", random.below(3));
        let team = format!("team-{}", random.below(20));
        let common = [
            ("app", "shop"),
            ("component", "server"),
            ("customer", customer.as_str()),
            ("env", "prod"),
            ("managed-by", "operator"),
            ("part-of", "saas"),
            ("region", "eu"),
            ("team", team.as_str()),
            ("tier", "web"),
            ("zone", zone.as_str()),
        ];
        let all: Vec<(&str, &str)> = pairs.chain(common).collect();
        cluster.pods.push(Pod::new(name.as_str(), "server", number, labels(&all), &ports));
        let peers = |of: &str| vec![RulePeer::Pods(Some(is("customer", of)), Selector::default())];
        let mut rules = vec![Rule { peers: peers(&customer), ports: Vec::new() }];
        if (number / 2).is_multiple_of(10) {
            rules.push(Rule { peers: peers(&format!("c{:06}", number ^ 1)), ports: vec![tcp(8443)] });
        }
        let policy = Policy::ingress(name.as_str(), "isolate", is("customer", &customer), rules.clone());
        cluster.policies.push(Policy { egress: Some(rules), ..policy });
    }
    cluster
}
