//! Calico's NetworkPolicy, GlobalNetworkPolicy, Tier, NetworkSet and GlobalNetworkSet (projectcalico.org/v3), as the comments of their
//! API's types and the documentation read.
//!
//! Tiers are asked by their order, policies by their order and then their name; NetworkPolicies of Kubernetes stand in the tier `default`
//! at order 1000 as `knp.default.NAME`. What a tier does not decide for a pod that it is for gets the tier's default action.

use serde_json::Value;

use super::calico_selector::{self, Facts};
use super::cluster::{Cluster, Pod, namespace_of};
use super::decide::Mode;
use super::matching::{Block, Labels};
use super::peer::{Holds, Peer, Term};
use super::rule::{Action, Match, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

/// The order of the tier `default`, where no object gives it one.
const ORDER_OF_DEFAULT: f64 = 1_000_000.0;
/// The order of NetworkPolicies of Kubernetes.
const ORDER_OF_KUBERNETES: f64 = 1000.0;

/// The tiers and the order of everything that stands in them.
pub(super) struct Tiers {
    /// Name, and what becomes of what no policy of it decides; in their order.
    tiers: Vec<(String, Mode)>,
    /// Keys of policies in their order, whatever the tier.
    order: Vec<(String, String, String)>,
}

impl Tiers {
    /// `None` where nothing of Calico's is there.
    pub(super) fn new(objects: &[Value]) -> Option<Self> {
        let is_calico = |object: &&Value| text(object, "apiVersion").starts_with("projectcalico.org/");
        let of_kind = |kinds: &'static [&str]| objects.iter().filter(is_calico).filter(|object| kinds.contains(&text(object, "kind")));
        let policies = of_kind(&["NetworkPolicy", "GlobalNetworkPolicy"]);
        if policies.clone().next().is_none() && of_kind(&["Tier"]).next().is_none() {
            return None;
        }
        let mut tiers: Vec<(f64, String, Mode)> = of_kind(&["Tier"])
            .map(|tier| {
                let (name, spec) = (text(&tier["metadata"], "name"), &tier["spec"]);
                let usual = if name == "default" { ORDER_OF_DEFAULT } else { f64::INFINITY };
                let mode = match text(spec, "defaultAction") {
                    "Pass" => Mode::FirstMatch,
                    _ => Mode::FirstMatchThenDeny,
                };
                (spec["order"].as_f64().unwrap_or(usual), name.to_owned(), mode)
            })
            .collect();
        if !tiers.iter().any(|(_, name, _)| name == "default") {
            tiers.push((ORDER_OF_DEFAULT, "default".to_owned(), Mode::FirstMatchThenDeny));
        }
        tiers.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        let mut order: Vec<(f64, String, (String, String, String))> = policies
            .map(|policy| {
                let order = policy["spec"]["order"].as_f64().unwrap_or(f64::INFINITY);
                (order, text(&policy["metadata"], "name").to_owned(), super::key_of(policy))
            })
            .collect();
        let is_kubernetes = |object: &&Value| text(object, "apiVersion").starts_with("networking.k8s.io/");
        for policy in objects.iter().filter(is_kubernetes).filter(|object| text(object, "kind") == "NetworkPolicy") {
            let name = format!("knp.default.{}", text(&policy["metadata"], "name"));
            order.push((ORDER_OF_KUBERNETES, name, super::key_of(policy)));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        Some(Self {
            tiers: tiers.into_iter().map(|(_, name, mode)| (name, mode)).collect(),
            order: order.into_iter().map(|(.., key)| key).collect(),
        })
    }

    /// What each tier does with what its policies do not decide, in their order.
    pub(super) fn modes(&self) -> impl Iterator<Item = Mode> {
        self.tiers.iter().map(|(_, mode)| *mode)
    }

    /// The place of the tier `default`.
    pub(super) fn default_place(&self) -> usize {
        self.place("default").unwrap_or(0)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.tiers.iter().position(|(tier, _)| tier == name)
    }

    /// The place of a policy among all.
    pub(super) fn rank(&self, object: &Value) -> i64 {
        let key = super::key_of(object);
        self.order.iter().position(|other| *other == key).and_then(|place| i64::try_from(place).ok()).unwrap_or(0)
    }
}

/// What a policy's rules are read with.
struct Reader<'a> {
    /// The namespace of the policy; `None` for one of the cluster.
    namespace: Option<String>,
    objects: &'a [Value],
    cluster: &'a Cluster,
}

/// Reads a policy; one of a tier that is not there is out of force.
pub(super) fn read(object: &Value, tiers: &Tiers, objects: &[Value], cluster: &Cluster) -> Option<Policy> {
    let namespace = match text(object, "kind") {
        "NetworkPolicy" => Some(namespace_of(object)),
        "GlobalNetworkPolicy" => None,
        _ => return None,
    };
    let spec = &object["spec"];
    let tier = Some(text(spec, "tier")).filter(|tier| !tier.is_empty()).unwrap_or("default");
    let reader = Reader { namespace, objects, cluster };
    let types: Vec<&str> = list(spec, "types").iter().filter_map(Value::as_str).collect();
    // "[Ingress], if there are no Egress rules; [Egress], if there are Egress rules but no Ingress rules; both, if there are both".
    let (has_ingress, has_egress) = (!list(spec, "ingress").is_empty(), !list(spec, "egress").is_empty());
    let speaks_of = |direction: &str| match (types.is_empty(), direction) {
        (false, _) => types.contains(&direction),
        (true, "Ingress") => has_ingress || !has_egress,
        (true, _) => has_egress,
    };
    let side = |direction: &str, field: &str| {
        let selects = cluster.pods.iter().map(|pod| speaks_of(direction) && reader.is_subject(spec, pod));
        let rules = list(spec, field).iter().enumerate();
        Side::isolating(selects, rules.flat_map(|(index, rule)| reader.rules(rule, &format!("/spec/{field}/{index}"), field)).collect())
    };
    Some(Policy {
        key: super::key_of(object),
        tier: 1 + tiers.place(tier)?,
        rank: tiers.rank(object),
        ingress: side("Ingress", "ingress"),
        egress: side("Egress", "egress"),
    })
}

impl Reader<'_> {
    fn is_subject(&self, spec: &Value, pod: &Pod) -> bool {
        let in_namespace = match &self.namespace {
            Some(namespace) => pod.namespace == *namespace,
            None => self.in_namespaces(text(spec, "namespaceSelector"), Some(&pod.namespace)) == Match::Yes,
        };
        let has_account = self.account_matches(text(spec, "serviceAccountSelector"), pod);
        !pod.is_node && in_namespace && has_account && is_match(text(spec, "selector"), &self.labels_of(pod), false)
    }

    /// The labels of a pod's endpoint.
    fn labels_of(&self, pod: &Pod) -> Labels {
        let mut labels = pod.labels.clone();
        let own = [("namespace", pod.namespace.as_str()), ("orchestrator", "k8s"), ("serviceaccount", pod.account.as_str())];
        labels.extend(own.map(|(key, value)| (format!("projectcalico.org/{key}"), value.to_owned())));
        labels
    }

    /// Whether a selector of namespaces matches one, or what is in none.
    fn in_namespaces(&self, selector: &str, namespace: Option<&str>) -> Match {
        let mut labels = namespace.map(|namespace| self.cluster.namespace_labels(namespace)).unwrap_or_default();
        labels.extend(namespace.map(|namespace| ("projectcalico.org/name".to_owned(), namespace.to_owned())));
        let facts = Facts { labels: &labels, is_global: namespace.is_none(), is_of_namespaces: true };
        let matched = Match::from(calico_selector::matches(selector, facts).unwrap_or(false));
        // By the text, what is in no namespace is not within a selected one; as compiled, it has none of the labels asked for.
        let is_clear = namespace.is_some() || selector.is_empty() || selector.contains("global()");
        if is_clear { matched } else { matched.min(Match::Maybe) }
    }

    fn account_matches(&self, selector: &str, pod: &Pod) -> bool {
        let mut labels = self.cluster.account_labels(&pod.namespace, &pod.account);
        labels.insert("projectcalico.org/name".to_owned(), pod.account.clone());
        is_match(selector, &labels, false)
    }

    /// Whoever a selector of a rule matches: pods, and the networks of sets, those in a namespace and those in none.
    fn selected(&self, pod: impl Fn(&Pod) -> bool, set: impl Fn(&Labels, Option<&str>) -> Match) -> Vec<Peer> {
        let selected: Vec<bool> = self.cluster.pods.iter().map(pod).collect();
        let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
        for object in self.objects {
            let namespace = match (text(object, "apiVersion"), text(object, "kind")) {
                ("projectcalico.org/v3", "NetworkSet") => Some(namespace_of(object)),
                ("projectcalico.org/v3", "GlobalNetworkSet") => None,
                _ => continue,
            };
            let mut labels = super::matching::string_map(&object["metadata"]["labels"]);
            labels.extend(namespace.clone().map(|namespace| ("projectcalico.org/namespace".to_owned(), namespace)));
            let nets = list(&object["spec"], "nets").iter().filter_map(net);
            match set(&labels, namespace.as_deref()) {
                Match::Yes => certain.extend(nets),
                Match::Maybe => perhaps.extend(nets),
                Match::No => {}
            }
        }
        let pods = Peer::Pods { selected: vec![selected; self.cluster.pods.len()], may_be_node: false };
        let perhaps = Peer::Perhaps(vec![Peer::Blocks(Holds::Anybody, perhaps)]);
        vec![pods, Peer::Blocks(Holds::Anybody, certain), perhaps]
    }

    /// What an end of a connection must be, all of it: `source` or `destination` of a rule.
    fn terms(&self, end: &Value) -> Vec<Term> {
        let (selector, namespaces, not) = (text(end, "selector"), text(end, "namespaceSelector"), text(end, "notSelector"));
        let accounts = &end["serviceAccounts"];
        let names: Vec<&str> = list(accounts, "names").iter().filter_map(Value::as_str).collect();
        let asks_for_account = !names.is_empty() || !text(accounts, "selector").is_empty();
        let mut terms = Vec::new();
        // A policy of a namespace that asks for anything by selectors asks for its own namespace, unless it asks for namespaces.
        let is_near = |namespace: Option<&str>| match &self.namespace {
            _ if !namespaces.is_empty() => self.in_namespaces(namespaces, namespace),
            Some(own) => Match::from(namespace == Some(own)),
            None => Match::Yes,
        };
        let asks_for_place = !namespaces.is_empty() || (self.namespace.is_some() && !not.is_empty());
        if !selector.is_empty() || asks_for_account || asks_for_place {
            let pod = |pod: &Pod| {
                is_near(Some(&pod.namespace)) == Match::Yes
                    && is_match(selector, &self.labels_of(pod), false)
                    && (names.is_empty() || names.contains(&pod.account.as_str()))
                    && (text(accounts, "selector").is_empty() || self.account_matches(text(accounts, "selector"), pod))
            };
            // Sets of networks have no account.
            let set = |labels: &Labels, namespace: Option<&str>| {
                let matches = is_match(selector, labels, namespace.is_none()) && !asks_for_account;
                is_near(namespace).min(Match::from(matches))
            };
            terms.push(Term { is_negated: false, any: self.selected(pod, set) });
        }
        if !not.is_empty() {
            let pod = |pod: &Pod| is_match(not, &self.labels_of(pod), false);
            let set = |labels: &Labels, namespace: Option<&str>| Match::from(is_match(not, labels, namespace.is_none()));
            terms.push(Term { is_negated: true, any: self.selected(pod, set) });
        }
        for (field, is_negated) in [("nets", false), ("notNets", true)] {
            let nets = list(end, field);
            if !nets.is_empty() {
                let nets = nets.iter().filter_map(net).collect();
                terms.push(Term { is_negated, any: vec![Peer::Blocks(Holds::Anybody, nets)] });
            }
        }
        terms
    }

    /// A rule; none where it only writes a log.
    fn rules(&self, rule: &Value, pointer: &str, direction: &str) -> Vec<Rule> {
        let ends = [&rule["source"], &rule["destination"]];
        let [own, other] = if direction == "ingress" { [ends[1], ends[0]] } else { ends };
        let asked = ["selector", "namespaceSelector", "serviceAccounts"].iter().any(|field| other.get(field).is_some());
        let certain = self.rule(rule, pointer, own, self.terms(other));
        if self.namespace.is_none() || asked || text(other, "notSelector").is_empty() {
            return certain.into_iter().collect();
        }
        // The text of `notSelector` has it match whatever is not selected; what is compiled of it asks for the policy's namespace besides.
        let mut terms = self.terms(other);
        terms.remove(0);
        let perhaps = self.rule(rule, pointer, own, terms).map(|rule| Rule { is_conditional: true, ..rule });
        certain.into_iter().chain(perhaps).collect()
    }

    fn rule(&self, rule: &Value, pointer: &str, own: &Value, other: Vec<Term>) -> Option<Rule> {
        let action = match text(rule, "action") {
            "Allow" => Action::Allow,
            "Deny" => Action::Deny,
            "Pass" => Action::Pass,
            _ => return None,
        };
        let (source, destination) = (&rule["source"], &rule["destination"]);
        let peers = (!other.is_empty()).then(|| vec![Peer::All(other)]);
        let mut read = Rule::new(pointer.to_owned(), action, peers, ports(rule, destination));
        read.own = self.terms(own);
        if let Some(version) = rule["ipVersion"].as_u64() {
            let family = Block::parse(if version == 6 { "::/0" } else { "0.0.0.0/0" })?;
            read.own.push(Term { is_negated: false, any: vec![Peer::Blocks(Holds::Anybody, vec![family])] });
        }
        let protocol = protocol(&rule["protocol"]);
        read.not_ports = list(destination, "notPorts").iter().filter_map(|port| port_test(port, protocol.as_deref()?)).collect();
        let not_protocol = self::protocol(&rule["notProtocol"]);
        read.not_ports.extend(not_protocol.map(PortTest::Protocol));
        let asks_for_source_port = !list(source, "ports").is_empty() || !list(source, "notPorts").is_empty();
        read.is_conditional = asks_for_source_port || rule["http"].is_object();
        Some(read)
    }
}

fn is_match(selector: &str, labels: &Labels, is_global: bool) -> bool {
    calico_selector::matches(selector, Facts { labels, is_global, is_of_namespaces: false }).unwrap_or(false)
}

/// A network, or a single address.
fn net(value: &Value) -> Option<Block> {
    let text = value.as_str()?;
    Block::parse(text).or_else(|| Block::parse(&format!("{text}/{}", if text.contains(':') { 128 } else { 32 })))
}

/// A protocol by name or number, in capitals.
fn protocol(value: &Value) -> Option<String> {
    let name = match value {
        Value::Number(number) => number.to_string(),
        Value::String(name) => name.to_uppercase(),
        _ => return None,
    };
    Some(match name.as_str() {
        "6" => "TCP".to_owned(),
        "17" => "UDP".to_owned(),
        "132" => "SCTP".to_owned(),
        _ => name,
    })
}

fn ports(rule: &Value, destination: &Value) -> Option<Vec<PortTest>> {
    let protocol = protocol(&rule["protocol"]);
    let items = list(destination, "ports");
    match protocol {
        None if items.is_empty() => None,
        // Ports need a protocol.
        None => Some(Vec::new()),
        Some(protocol) if items.is_empty() => Some(vec![PortTest::Protocol(protocol)]),
        Some(protocol) => Some(items.iter().filter_map(|port| port_test(port, &protocol)).collect()),
    }
}

/// A number, `first:last`, or a name.
fn port_test(port: &Value, protocol: &str) -> Option<PortTest> {
    let text = match port {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (first, last) = text.split_once(':').unwrap_or((&text, &text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => Some(PortTest::Range(protocol.to_owned(), first, last)),
        _ => Some(PortTest::Name(text.clone(), Some(protocol.to_owned()))),
    }
}
