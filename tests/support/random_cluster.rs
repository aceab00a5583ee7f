//! Small random clusters from a seed: every form that policies and their peers can take, thrown together.

mod calico;
mod cilium;
mod cluster_policy;
mod egress_firewall;
mod istio;
mod mistakes;

use serde_json::{Value, json};

/// A source of numbers that a seed decides (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The source of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n as u64)).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of some things.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Which addresses pods have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Families {
    V4,
    V6,
    Both,
    Unknown,
}

const NAMESPACES: [&str; 3] = ["one", "two", "three"];
const LABELS: [(&str, &[&str]); 3] = [("app", &["a", "b", "c"]), ("tier", &["x", "y"]), ("env", &["dev", "prod"])];
const NAMESPACE_LABELS: [(&str, &[&str]); 3] =
    [("team", &["red", "blue"]), ("env", &["dev", "prod"]), ("kubernetes.io/metadata.name", &NAMESPACES)];
const ACCOUNTS: [&str; 2] = ["default", "robot"];
const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];
const NODE_LABELS: [(&str, &[&str]); 2] = [("zone", &["east", "west"]), ("role", &["edge", "inner"])];

/// Which kinds of policies a cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mix {
    /// NetworkPolicy.
    pub network_policies: bool,
    /// ClusterNetworkPolicy.
    pub cluster_policies: bool,
    /// AdminNetworkPolicy and BaselineAdminNetworkPolicy.
    pub forerunners: bool,
    /// Policies of Cilium.
    pub cilium: bool,
    /// Policies of Calico, in tiers.
    pub calico: bool,
    /// AuthorizationPolicies of Istio.
    pub istio: bool,
    /// EgressFirewalls of OVN-Kubernetes.
    pub egress_firewalls: bool,
}

impl Mix {
    /// Every mix of the policies that Kubernetes itself has, of one kind of policy at least.
    pub fn all() -> Vec<Self> {
        let bits = 1..8_u8;
        let mix = |bits: u8| Self {
            network_policies: bits & 1 > 0,
            cluster_policies: bits & 2 > 0,
            forerunners: bits & 4 > 0,
            ..Self::default()
        };
        bits.map(mix).collect()
    }

    /// Mixes of the policies that implementations of networks and meshes bring, with NetworkPolicies and without.
    pub fn dialects() -> Vec<Self> {
        let none = Self::default();
        let alone = [
            Self { cilium: true, ..none },
            Self { calico: true, ..none },
            Self { istio: true, ..none },
            Self { egress_firewalls: true, ..none },
            Self { istio: true, egress_firewalls: true, cilium: true, ..none },
            Self { istio: true, egress_firewalls: true, calico: true, ..none },
        ];
        alone.into_iter().flat_map(|mix| [mix, Self { network_policies: true, ..mix }]).collect()
    }

    /// Whether it has more than Kubernetes itself has.
    const fn has_dialects(self) -> bool {
        self.cilium || self.calico || self.istio || self.egress_firewalls
    }

    /// The names of its kinds.
    pub fn name(self) -> String {
        let kinds = [
            (self.network_policies, "NP"),
            (self.cluster_policies, "CNP"),
            (self.forerunners, "ANP/BANP"),
            (self.cilium, "Cilium"),
            (self.calico, "Calico"),
            (self.istio, "Istio"),
            (self.egress_firewalls, "EgressFirewall"),
        ];
        kinds.into_iter().filter_map(|(is_in, name)| is_in.then_some(name)).collect::<Vec<_>>().join(" + ")
    }
}

/// The objects of a random cluster. With `is_exact`, every pod has an address, so that no answer hangs on one.
pub fn objects(random: &mut Random, is_exact: bool) -> Vec<Value> {
    let mix = random.pick(&Mix::all());
    objects_of(random, is_exact, mix)
}

/// The objects of a random cluster with certain kinds of policies.
pub fn objects_of(random: &mut Random, is_exact: bool, mix: Mix) -> Vec<Value> {
    let families = match random.below(if is_exact { 5 } else { 7 }) {
        0 | 1 => Families::V4,
        2 => Families::V6,
        3 | 4 => Families::Both,
        _ => Families::Unknown,
    };
    let mut objects = Vec::new();
    for name in NAMESPACES {
        // The third may have no object of its own.
        if name == "three" && random.one_in(2) {
            continue;
        }
        let mut labels = json!({});
        if !random.one_in(3) {
            labels["team"] = json!(random.pick(&["red", "blue"]));
        }
        if !random.one_in(3) {
            labels["env"] = json!(random.pick(&["dev", "prod"]));
        }
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}));
    }
    for number in 0..4 + random.below(5) {
        let mut pod = pod(random, families, number);
        if mix.has_dialects() && random.one_in(2) {
            pod["spec"]["serviceAccountName"] = json!(random.pick(&ACCOUNTS));
        }
        objects.push(pod);
    }
    // A pod may say a node that has no object.
    for (number, name) in NODES.into_iter().enumerate() {
        if !random.one_in(3) {
            objects.push(node(random, families, name, number));
        }
    }
    if mix.network_policies {
        for number in 0..1 + random.below(6) {
            objects.push(policy(random, number));
        }
    }
    if mix.cluster_policies {
        objects.extend(cluster_policy::new_ones(random));
    }
    if mix.forerunners {
        objects.extend(cluster_policy::old_ones(random));
    }
    if mix.has_dialects() {
        objects.extend(NAMESPACES.iter().flat_map(|namespace| ACCOUNTS.map(|name| (*namespace, name))).map(|(namespace, name)| {
            let labels = if random.one_in(3) { json!({}) } else { json!({"kind": random.pick(&["human", "robot"])}) };
            let meta = json!({"name": name, "namespace": namespace, "labels": labels});
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        }));
    }
    if mix.cilium {
        objects.extend(cilium::objects(random));
    }
    if mix.calico {
        objects.extend(calico::objects(random));
    }
    if mix.istio {
        let may_join = |object: &&mut Value| object["kind"] == "Pod" || object["kind"] == "Namespace";
        objects.iter_mut().filter(may_join).for_each(|object| istio::join(random, object));
        objects.extend(istio::objects(random));
    }
    if mix.egress_firewalls {
        objects.extend(egress_firewall::objects(random));
    }
    objects
}

/// Puts mistakes into the policies of the whole cluster: parts that the API would refuse.
pub fn make_mistakes(random: &mut Random, objects: &mut [Value]) {
    let policies = objects.iter_mut().filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("NetworkPolicy")));
    policies.for_each(|policy| mistakes::make(random, policy));
}

fn node(random: &mut Random, families: Families, name: &str, number: usize) -> Value {
    let mut labels = json!({});
    for (key, values) in NODE_LABELS {
        if !random.one_in(3) {
            labels[key] = json!(random.pick(values));
        }
    }
    let mut addresses = vec![json!({"type": "Hostname", "address": name})];
    if families != Families::V6 {
        addresses.push(json!({"type": "InternalIP", "address": format!("10.0.1.{}", 200 + number)}));
        if random.one_in(2) {
            addresses.push(json!({"type": "ExternalIP", "address": format!("203.0.113.{}", 9 + number)}));
        }
    }
    if matches!(families, Families::V6 | Families::Both) {
        addresses.push(json!({"type": "InternalIP", "address": format!("fd00:1::{:x}", 0x200 + number)}));
    }
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": {"addresses": addresses}})
}

fn labels(random: &mut Random) -> Value {
    let mut labels = json!({});
    for (key, values) in LABELS {
        if !random.one_in(3) {
            labels[key] = json!(random.pick(values));
        }
    }
    labels
}

fn pod(random: &mut Random, families: Families, number: usize) -> Value {
    let mut ports = Vec::new();
    for (name, protocol, numbers) in
        [("http", "TCP", [80, 8080]), ("dns", "UDP", [53, 5353]), ("sig", "SCTP", [80, 81]), ("web", "TCP", [443, 80])]
    {
        if random.one_in(2) {
            let mut port = json!({"name": name, "containerPort": random.pick(&numbers)});
            if protocol != "TCP" || random.one_in(2) {
                port["protocol"] = json!(protocol);
            }
            ports.push(port);
        }
    }
    let mut spec = json!({"containers": [{"name": "c", "image": "i", "ports": ports}]});
    if random.one_in(5) {
        spec["hostNetwork"] = json!(true);
        // One that no node has taken yet is on some node's network, whichever it will be.
        if !random.one_in(6) {
            spec["nodeName"] = json!(random.pick(&NODES));
        }
    } else if random.one_in(2) {
        spec["nodeName"] = json!(random.pick(&NODES));
    }
    let v4 = format!("10.{}.{}.{}", random.below(2), random.below(2), number + 1);
    let v6 = format!("fd00:{}::{}", random.below(2), number + 1);
    let addresses = match families {
        Families::V4 => vec![v4],
        Families::V6 => vec![v6],
        // Pods from before the cluster had both families keep their one.
        Families::Both if random.one_in(5) => vec![v4],
        Families::Both => vec![v4, v6],
        Families::Unknown => Vec::new(),
    };
    let ips: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
    let phase = if random.one_in(10) { "Succeeded" } else { "Running" };
    let mut meta = json!({"name": format!("pod-{number}"), "namespace": random.pick(&NAMESPACES), "labels": labels(random)});
    if random.one_in(2) {
        let owner = random.pick(&["set-1", "set-2"]);
        meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": true}]);
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": phase, "podIPs": ips},
    })
}

fn selector(random: &mut Random, keys: &[(&str, &[&str])]) -> Value {
    let mut selector = json!({});
    if random.one_in(5) {
        return selector;
    }
    for _ in 0..1 + random.below(2) {
        let (key, values) = random.pick(keys);
        match random.below(6) {
            0..3 => selector["matchLabels"][key] = json!(random.pick(values)),
            number => {
                let operator = ["NotIn", "Exists", "DoesNotExist", "In"][if number == 3 { 3 * random.below(2) } else { number - 3 }];
                let mut expression = json!({"key": key, "operator": operator});
                if operator.ends_with("In") {
                    expression["values"] = if random.one_in(2) { json!(values) } else { json!([random.pick(values)]) };
                }
                if selector.get("matchExpressions").is_none() {
                    selector["matchExpressions"] = json!([]);
                }
                selector["matchExpressions"].as_array_mut().expect("a list").push(expression);
            }
        }
    }
    selector
}

fn peer(random: &mut Random) -> Value {
    match random.below(7) {
        0 | 1 => json!({"podSelector": selector(random, &LABELS)}),
        2 => json!({"namespaceSelector": selector(random, &NAMESPACE_LABELS)}),
        3 | 4 => json!({"namespaceSelector": selector(random, &NAMESPACE_LABELS), "podSelector": selector(random, &LABELS)}),
        _ => {
            let blocks: [(&str, &[&str]); 8] = [
                ("0.0.0.0/0", &["10.0.0.0/8", "10.0.0.0/16", "10.1.1.0/24"]),
                ("10.0.0.0/8", &["10.1.0.0/16", "10.0.1.0/24", "10.0.0.2/32"]),
                ("10.0.0.0/15", &["10.0.0.0/16"]),
                ("10.0.1.7/24", &["10.0.1.1/32", "10.0.1.3/32"]),
                ("203.0.113.0/24", &["203.0.113.0/25"]),
                ("::/0", &["fd00::/8", "fd00:1::/32"]),
                ("fd00::/16", &["fd00:1::/64", "fd00::2/128"]),
                ("2001:db8::/32", &["2001:db8:1::/48"]),
            ];
            let (cidr, holes) = random.pick(&blocks);
            let mut block = json!({"cidr": cidr});
            let holes: Vec<&str> = holes.iter().copied().filter(|_| random.one_in(3)).collect();
            if !holes.is_empty() {
                block["except"] = json!(holes);
            }
            json!({"ipBlock": block})
        }
    }
}

fn port(random: &mut Random) -> Value {
    let mut port = json!({});
    if !random.one_in(3) {
        port["protocol"] = json!(random.pick(&["TCP", "TCP", "UDP", "SCTP"]));
    }
    match random.below(6) {
        0 => {}
        1 | 2 => port["port"] = json!(random.pick(&[53, 80, 443, 8080])),
        3 | 4 => port["port"] = json!(random.pick(&["http", "dns", "sig", "web", "none"])),
        _ => {
            let (first, last) = random.pick(&[(80, 80), (80, 443), (1, 65535), (5000, 9000)]);
            port["port"] = json!(first);
            port["endPort"] = json!(last);
        }
    }
    port
}

/// A list that may be missing, empty, or hold one to three items.
fn maybe(random: &mut Random, into: &mut Value, field: &str, mut item: impl FnMut(&mut Random) -> Value) {
    match random.below(6) {
        0 => {}
        1 => into[field] = json!([]),
        _ => {
            let items: Vec<Value> = (0..1 + random.below(3)).map(|_| item(random)).collect();
            into[field] = json!(items);
        }
    }
}

fn rule(random: &mut Random, peers: &str) -> Value {
    let mut rule = json!({});
    maybe(random, &mut rule, peers, peer);
    if !random.one_in(3) {
        maybe(random, &mut rule, "ports", port);
    }
    rule
}

fn policy(random: &mut Random, number: usize) -> Value {
    let mut spec = json!({});
    if !random.one_in(4) {
        spec["podSelector"] = selector(random, &LABELS);
    }
    maybe(random, &mut spec, "ingress", |random| rule(random, "from"));
    maybe(random, &mut spec, "egress", |random| rule(random, "to"));
    match random.below(6) {
        0 => spec["policyTypes"] = json!(["Ingress"]),
        1 => spec["policyTypes"] = json!(["Egress"]),
        2 | 3 => spec["policyTypes"] = json!(["Ingress", "Egress"]),
        4 => spec["policyTypes"] = json!([]),
        _ => {}
    }
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": format!("policy-{number}"), "namespace": random.pick(&NAMESPACES)},
        "spec": spec,
    })
}
