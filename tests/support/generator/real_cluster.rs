//! The shape of a real cluster: the ratios of the survey in `npinaeva/k8s-netpol-scale` (yaml-analysis/README): 5,413 pods, 604
//! namespaces, 13,678 policies; subjects of a policy median 6 pods, a peer median 2 pods, 40 % of peers blocks, ports mostly none or
//! one, ranges almost never, 26 % of policies without effect. The ratios are the survey's, the joint distribution is ours.

use portolan_core::labels::Selector;
use portolan_core::object::{Kind, ObjectKey};
use portolan_core::ports::Protocol;
use portolan_core::record::{Owner, WorkloadRecord};
use smol_str::SmolStr;

use super::model::{
    Cluster, Namespace, Pod, Policy, PolicyPortMatch, Rule, RulePeer, Workload, block, container_port, is, labels, represented, tcp,
    template,
};
use crate::random_cluster::Random;

const SURVEY_PODS: usize = 5_413;
const SURVEY_NAMESPACES: usize = 604;
const SURVEY_POLICIES: usize = 13_678;
const TIERS: [&str; 3] = ["web", "logic", "data"];
/// Ports that most rules name.
const PORTS: [u16; 6] = [80, 443, 5432, 8080, 8443, 9090];

pub(super) fn generate(pods: usize, random: &mut Random) -> Cluster {
    let of_survey = |n: usize| (pods * n).div_ceil(SURVEY_PODS);
    let n_namespaces = of_survey(SURVEY_NAMESPACES);
    let mut cluster = Cluster::default();
    let namespaces: Vec<SmolStr> = (0..n_namespaces).map(|number| format!("ns-{number:05}").into()).collect();
    for (number, name) in namespaces.iter().enumerate() {
        let team = format!("team-{}", number / 8);
        let env = ["prod", "stage", "dev"][random.below(3)];
        cluster.namespaces.push(Namespace::new(name.clone(), &[("env", env), ("team", &team)]));
    }
    let sizes = Weights::new((0..n_namespaces).map(|_| normal(random).exp()));
    let mut n_apps = vec![0_usize; n_namespaces];
    let mut n_pods = vec![0_usize; n_namespaces];
    while cluster.pods.len() < pods {
        let namespace = sizes.pick(random);
        let number = n_apps[namespace];
        n_apps[namespace] += 1;
        let before = cluster.pods.len();
        let replicas = replicas(random).min(pods - before);
        add_app(&mut cluster, &namespaces[namespace], number, replicas, random);
        n_pods[namespace] += replicas;
    }
    let blocks: Vec<RulePeer> = (0..10 + pods / 50).map(|number| a_block(number, random)).collect();
    // Policies gather where many pods are, and some are left where none is.
    let crowds = Weights::new(n_pods.iter().map(|n| (*n as f64).powf(0.8) + 0.4));
    let drawing = Drawing { namespaces: &namespaces, n_apps: &n_apps, sizes: &crowds, blocks: &blocks };
    for number in 0..of_survey(SURVEY_POLICIES) {
        cluster.policies.push(drawing.policy(number, random));
    }
    cluster
}

/// A number of a normal distribution, near enough.
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
}

fn uniform(random: &mut Random) -> f64 {
    const STEPS: u32 = 1 << 24;
    f64::from(u32::try_from(random.below(STEPS as usize)).unwrap_or_default()) / f64::from(STEPS)
}

/// How many pods an app has: two on the average.
fn replicas(random: &mut Random) -> usize {
    match random.below(100) {
        0..48 => 1,
        48..75 => 2,
        75..92 => 3,
        92..99 => 5,
        _ => 12,
    }
}

/// Things that are drawn more often the heavier they are.
struct Weights(Vec<f64>);

impl Weights {
    fn new(weights: impl Iterator<Item = f64>) -> Self {
        Self(weights.scan(0.0, |sum, weight| Some(std::mem::replace(sum, *sum + weight) + weight)).collect())
    }

    fn pick(&self, random: &mut Random) -> usize {
        let at = uniform(random) * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= at).min(self.0.len() - 1)
    }
}

/// The labels that the survey's clusters have in common with most: who it is, where in the application, of which release.
fn add_app(cluster: &mut Cluster, namespace: &SmolStr, number: usize, replicas: usize, random: &mut Random) {
    let app: SmolStr = format!("app-{number}").into();
    let hash = format!("{:010x}", random.below(1 << 40));
    let set: SmolStr = format!("{app}-{hash}").into();
    let tier = TIERS[random.below(TIERS.len())];
    let version = format!("v{}", 1 + random.below(5));
    let own = || {
        let pairs = [("app", app.as_str()), ("part-of", namespace), ("pod-template-hash", &hash), ("tier", tier), ("version", &version)];
        labels(&pairs)
    };
    let mut ports = vec![container_port("http", random.pick(&PORTS))];
    if random.one_in(3) {
        ports.push(container_port("metrics", 9100));
    }
    let template = Some(represented(template(own(), &ports)));
    let count = u32::try_from(replicas).ok();
    let deployment = WorkloadRecord { replicas: count, owner: None, template: template.clone() };
    cluster.workloads.push(Workload { key: ObjectKey::new(Kind::Deployment, namespace.clone(), app.clone()), record: deployment });
    let owner = Some(Owner { kind: "Deployment".into(), name: app.clone() });
    let replica_set = WorkloadRecord { replicas: count, owner, template };
    cluster.workloads.push(Workload { key: ObjectKey::new(Kind::ReplicaSet, namespace.clone(), set.clone()), record: replica_set });
    for replica in 0..replicas {
        let mut pod = Pod::new(namespace.clone(), format!("{set}-{replica:05}"), cluster.pods.len(), own(), &ports);
        pod.template.owner = Some(Owner { kind: "ReplicaSet".into(), name: set.clone() });
        cluster.pods.push(pod);
    }
}

fn a_block(number: usize, random: &mut Random) -> RulePeer {
    let network = u32::try_from(random.below(1 << 16)).unwrap_or_default();
    match number {
        0 => RulePeer::Block(block(0, 0), vec![block(0x0A00_0000, 8), block(0xAC10_0000, 12), block(0xC0A8_0000, 16)]),
        1 => RulePeer::Block(block(0, 0), Vec::new()),
        2 => RulePeer::Block(block(0x0A00_0000, 8), Vec::new()),
        _ if number.is_multiple_of(7) => {
            RulePeer::Block(block(0x6400_0000 + (network << 8), 24), vec![block(0x6400_0000 + (network << 8), 28)])
        }
        _ => RulePeer::Block(block(0x6400_0000 + (network << 8), random.pick(&[22, 24, 28, 32])), Vec::new()),
    }
}

/// What policies are drawn from.
struct Drawing<'a> {
    namespaces: &'a [SmolStr],
    n_apps: &'a [usize],
    sizes: &'a Weights,
    blocks: &'a [RulePeer],
}

impl Drawing<'_> {
    fn policy(&self, number: usize, random: &mut Random) -> Policy {
        let namespace = self.sizes.pick(random);
        let subject = match random.below(100) {
            // Left behind by an app that is gone.
            0..22 => is("app", "gone"),
            22..60 => Selector::default(),
            60..86 => self.tier(namespace),
            _ => self.app(namespace, random),
        };
        let (own, name) = (self.namespaces[namespace].clone(), format!("policy-{number:06}"));
        let mut rules = || {
            let n = if random.one_in(5) { 2 } else { 1 };
            (0..n).map(|_| self.rule(namespace, random)).collect::<Vec<_>>()
        };
        match number % 20 {
            0..9 => Policy::ingress(own, name, subject, rules()),
            9..17 => Policy::egress(own, name, subject, rules()),
            17 => Policy { egress: Some(Vec::new()), ..Policy::ingress(own, name, subject, Vec::new()) },
            _ => Policy { egress: Some(rules()), ..Policy::ingress(own, name, subject, rules()) },
        }
    }

    fn rule(&self, namespace: usize, random: &mut Random) -> Rule {
        let n_peers = [1, 1, 1, 2][random.below(4)];
        let peers = (0..n_peers).map(|_| self.peer(namespace, random)).collect();
        let n_ports = match random.below(100) {
            0..48 => 0,
            48..92 => 1,
            _ => 2,
        };
        let mut port = || match random.below(200) {
            0 => (Protocol::Tcp, PolicyPortMatch::Range(30_000, 32_767)),
            1..20 => (Protocol::Udp, PolicyPortMatch::Range(53, 53)),
            20..30 => (Protocol::Tcp, PolicyPortMatch::Name("http".into())),
            _ => tcp(random.pick(&PORTS)),
        };
        Rule { peers, ports: (0..n_ports).map(|_| port()).collect() }
    }

    fn peer(&self, namespace: usize, random: &mut Random) -> RulePeer {
        let named = |namespace: usize| Some(is("kubernetes.io/metadata.name", &self.namespaces[namespace]));
        match random.below(1000) {
            0..400 if random.one_in(5) => random.pick(self.blocks),
            // Mostly the same few.
            0..400 => self.blocks[random.below(10)].clone(),
            400..780 => RulePeer::Pods(None, self.app(namespace, random)),
            780..820 => RulePeer::Pods(None, Selector::default()),
            820..850 => RulePeer::Pods(None, self.tier(namespace)),
            850..940 => {
                // A neighbour, whose app is asked for by name.
                let other = (namespace + 1) % self.namespaces.len();
                RulePeer::Pods(named(other), is("app", "app-0"))
            }
            940..980 => RulePeer::Pods(named(namespace / 50 * 50), Selector::default()),
            980..995 => RulePeer::Pods(Some(is("team", &format!("team-{}", namespace / 8))), Selector::default()),
            995..999 => RulePeer::Pods(Some(is("env", "prod")), is("tier", "web")),
            _ => RulePeer::Pods(Some(Selector::default()), Selector::default()),
        }
    }

    /// A selector of the tier that a namespace's policies speak of.
    fn tier(&self, namespace: usize) -> Selector {
        is("tier", TIERS[namespace % TIERS.len()])
    }

    /// A selector of one of the apps that a namespace's policies speak of, which are few.
    fn app(&self, namespace: usize, random: &mut Random) -> Selector {
        let n = self.n_apps[namespace].div_ceil(3).clamp(1, 12);
        is("app", &format!("app-{}", random.below(n)))
    }
}
