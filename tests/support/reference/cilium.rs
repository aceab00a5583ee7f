//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy (cilium.io/v2), as the comments of their API's types read.
//!
//! They stand in one tier with NetworkPolicies, and what any of them denies is denied. Blocks hold neither pods nor nodes (`FromCIDR`:
//! "Only connections which do not originate from the cluster or from the local host are subject to CIDR rules").

use serde_json::Value;

use super::cluster::{Cluster, Pod, namespace_of};
use super::matching::{Block, selector_matches_by};
use super::peer::{Entity, Holds, Pattern, Peer, Term};
use super::rule::{Action, Match, Policy, PortTest, Rule, Side};
use crate::oracle::{list, text};

/// What a policy's rules are read with.
struct Reader<'a> {
    /// The namespace of the policy; `None` for one of the cluster.
    namespace: Option<String>,
    objects: &'a [Value],
    cluster: &'a Cluster,
}

/// Reads an object's `spec` and each of its `specs`.
pub(super) fn read(object: &Value, kind: &str, tier: usize, objects: &[Value], cluster: &Cluster) -> Vec<Policy> {
    let namespace = match kind {
        "CiliumNetworkPolicy" => Some(namespace_of(object)),
        "CiliumClusterwideNetworkPolicy" => None,
        _ => return Vec::new(),
    };
    let reader = Reader { namespace, objects, cluster };
    let specs = list(object, "specs").iter().enumerate().map(|(index, spec)| (format!("/specs/{index}"), spec));
    let specs = object.get("spec").into_iter().map(|spec| ("/spec".to_owned(), spec)).chain(specs);
    // A rule for nodes selects no pods.
    let specs = specs.filter(|(_, spec)| spec.get("endpointSelector").is_some_and(Value::is_object));
    specs
        .map(|(pointer, spec)| Policy {
            key: super::key_of(object),
            tier,
            rank: 0,
            ingress: reader.side(spec, &pointer, "ingress"),
            egress: reader.side(spec, &pointer, "egress"),
        })
        .collect()
}

impl Reader<'_> {
    fn side(&self, spec: &Value, pointer: &str, direction: &str) -> Side {
        let lists = [(direction.to_owned(), Action::Allow), (format!("{direction}Deny"), Action::Deny)];
        let has_rules = lists.iter().any(|(field, _)| !list(spec, field).is_empty());
        // api/rule.go: "The default is true if there are any rules of the direction, false otherwise."
        let isolates = spec["enableDefaultDeny"][direction].as_bool().unwrap_or(has_rules);
        let selects = self.cluster.pods.iter().map(|pod| {
            let is_ours = self.namespace.as_ref().is_none_or(|namespace| pod.namespace == *namespace);
            Match::from((has_rules || isolates) && !pod.is_node && is_ours && self.matches(&spec["endpointSelector"], pod))
        });
        let rules = lists.iter().flat_map(|(field, action)| {
            let rules = list(spec, field).iter().enumerate();
            rules.flat_map(move |(index, rule)| self.rules(rule, format!("{pointer}/{field}/{index}"), direction, *action))
        });
        Side { selects: selects.collect(), isolates, rules: rules.collect() }
    }

    /// Whether the labels of a pod's identity are as a selector asks.
    fn matches(&self, selector: &Value, pod: &Pod) -> bool {
        selector_matches_by(selector, |key| self.fact(pod, key))
    }

    /// What an identity has under a key: labels with the source `k8s`, which `any` and no source stand for as well.
    fn fact(&self, pod: &Pod, key: &str) -> Option<String> {
        let key = key_of_pod(key)?;
        match key {
            "io.kubernetes.pod.namespace" => Some(pod.namespace.clone()),
            "io.cilium.k8s.policy.serviceaccount" => Some(pod.account.clone()),
            _ => match key.strip_prefix("io.cilium.k8s.namespace.labels.") {
                Some(label) => self.cluster.namespace_labels(&pod.namespace).get(label).cloned(),
                None => pod.labels.get(key).cloned(),
            },
        }
    }

    /// A peer of `fromEndpoints`: pods of the policy's own namespace, unless the selector speaks of namespaces. What is no pod has none
    /// of these labels, so that a selector which no namespace was added to matches it where it asks for their absence only.
    fn endpoints(&self, selector: &Value) -> Vec<Peer> {
        let keys = selector["matchLabels"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let keys = keys.chain(list(selector, "matchExpressions").iter().map(|expression| text(expression, "key")));
        let keys: Vec<&str> = keys.filter_map(key_of_pod).collect();
        let names_one = keys.contains(&"io.kubernetes.pod.namespace");
        let is_wide = names_one || keys.iter().any(|key| key.starts_with("io.cilium.k8s.namespace.labels."));
        let selected: Vec<bool> = (self.cluster.pods.iter())
            .map(|pod| {
                let is_near = is_wide || self.namespace.as_ref().is_none_or(|namespace| pod.namespace == *namespace);
                is_near && self.matches(selector, pod)
            })
            .collect();
        let mut peers = vec![Peer::Pods { selected: vec![selected; self.cluster.pods.len()], may_be_node: false }];
        // A policy of the cluster asks for some namespace where its selector names none.
        let asks_for_none = names_one || (self.namespace.is_some() && is_wide);
        if asks_for_none && selector_matches_by(selector, |_| None) {
            peers.extend([Entity::World, Entity::Nodes].map(Peer::Entity));
        }
        peers
    }

    /// An item of `fromCIDRSet`: a block, or those of groups, but for the exceptions.
    fn cidr_set(&self, item: &Value) -> Vec<Peer> {
        let groups = self.objects.iter().filter(|object| text(object, "kind") == "CiliumCIDRGroup").filter(|group| {
            let meta = &group["metadata"];
            let is_named = item.get("cidrGroupRef").is_some() && text(item, "cidrGroupRef") == text(meta, "name");
            let label = |key: &str| meta["labels"].get(key).and_then(Value::as_str).map(str::to_owned);
            is_named || item.get("cidrGroupSelector").is_some_and(|selector| selector_matches_by(selector, label))
        });
        let cidrs = groups.flat_map(|group| list(&group["spec"], "externalCIDRs")).chain(item.get("cidr")).filter_map(Value::as_str);
        let except: Vec<Block> = list(item, "except").iter().filter_map(Value::as_str).filter_map(block).collect();
        cidrs
            .filter_map(block)
            .map(|cidr| {
                let held = |blocks| vec![Peer::Blocks(Holds::Outside, blocks)];
                let terms = [Term { is_negated: false, any: held(vec![cidr]) }, Term { is_negated: true, any: held(except.clone()) }];
                Peer::All(terms.into())
            })
            .collect()
    }

    /// The peers of a rule; `None` where it names none at all.
    fn peers(&self, rule: &Value, direction: &str) -> Option<Vec<Peer>> {
        let prefix = if direction == "ingress" { "from" } else { "to" };
        let items = |field: &str| rule.get(format!("{prefix}{field}")).and_then(Value::as_array);
        let mut kinds: Vec<Vec<Peer>> = Vec::new();
        kinds.extend(items("Endpoints").map(|items| items.iter().flat_map(|item| self.endpoints(item)).collect()));
        let blocks = items("CIDR").map(|items| items.iter().filter_map(Value::as_str).filter_map(block).collect());
        kinds.extend(blocks.map(|blocks| vec![Peer::Blocks(Holds::Outside, blocks)]));
        kinds.extend(items("CIDRSet").map(|items| items.iter().flat_map(|item| self.cidr_set(item)).collect()));
        kinds.extend(items("Entities").map(|items| entities(items)));
        let patterns = items("FQDNs").map(|items| items.iter().filter_map(pattern).collect());
        kinds.extend(patterns.map(|patterns| vec![Peer::Names { patterns, is_learned: true }]));
        // A rule of several kinds would be refused. What names nobody in a list that is there selects nobody.
        match kinds.len() {
            0 => None,
            1 => kinds.pop(),
            _ => Some(Vec::new()),
        }
    }

    /// A rule, taken apart by the items of its `toPorts`, each with a condition of its own.
    fn rules(&self, rule: &Value, pointer: String, direction: &str, action: Action) -> Vec<Rule> {
        let (peers, ports) = (self.peers(rule, direction), list(rule, "toPorts"));
        let must_authenticate = matches!(text(&rule["authentication"], "mode"), "required" | "test-always-fail");
        let whole = |peers, ports| Rule::new(pointer.clone(), action, peers, ports);
        if !list(rule, "icmps").is_empty() {
            return vec![whole(peers, Some(Vec::new()))];
        }
        if ports.is_empty() {
            // Neither peers nor ports: it lets nothing through, and denies nothing.
            return self::authenticated(vec![whole(Some(peers.unwrap_or_default()), None)], must_authenticate);
        }
        let items = ports.iter().map(|item| {
            let tests = list(item, "ports").iter().flat_map(port_tests).collect();
            let mut rule = whole(peers.clone(), Some(tests));
            let layer7 = item.get("rules").and_then(Value::as_object).into_iter().flatten();
            rule.lookups = list(&item["rules"], "dns").iter().filter_map(pattern).collect();
            // Lookups of any name are all that DNS is.
            let is_all = rule.lookups.contains(&Pattern::Within("*".to_owned()));
            let mut layer7 = layer7.filter(|(field, _)| *field != "dns" || !is_all);
            rule.is_conditional |= layer7.any(|(_, rules)| rules.as_array().is_some_and(|rules| !rules.is_empty()));
            rule
        });
        self::authenticated(items.collect(), must_authenticate)
    }
}

/// What must authenticate itself may fail, even where a rule that does not demand it lets it through.
fn authenticated(mut rules: Vec<Rule>, must: bool) -> Vec<Rule> {
    if must {
        rules.iter_mut().for_each(|rule| rule.is_conditional = true);
        let may_fail: Vec<Rule> = rules.iter().map(|rule| Rule { action: Action::Deny, ..rule.clone() }).collect();
        rules.extend(may_fail);
    }
    rules
}

/// A key without its source, where it is one that a pod's labels have.
fn key_of_pod(key: &str) -> Option<&str> {
    match key.split_once(':') {
        Some(("k8s" | "any", key)) => Some(key),
        Some(_) => None,
        None => Some(key),
    }
}

/// A block, or a single address.
fn block(text: &str) -> Option<Block> {
    Block::parse(text).or_else(|| Block::parse(&format!("{text}/{}", if text.contains(':') { 128 } else { 32 })))
}

/// Entities by their names. A node is the subject's own or another, so that both names are all nodes, whichever is which.
fn entities(names: &[Value]) -> Vec<Peer> {
    let has = |name: &str| names.iter().any(|other| other == name);
    let both = (has("host") && has("remote-node")).then_some(Entity::Nodes);
    let named = names.iter().filter_map(|name| match name.as_str()? {
        "all" => Some(Entity::Everything),
        "world" => Some(Entity::World),
        "cluster" => Some(Entity::Cluster),
        "host" => Some(Entity::Host),
        "remote-node" => Some(Entity::RemoteNode),
        _ => None,
    });
    named.chain(both).map(Peer::Entity).collect()
}

fn pattern(item: &Value) -> Option<Pattern> {
    match (text(item, "matchName"), text(item, "matchPattern")) {
        ("", "") => None,
        ("", pattern) => Some(Pattern::Within(pattern.to_owned())),
        (name, _) => Some(Pattern::Exact(name.to_owned())),
    }
}

/// An item of `ports`: "Protocol is the L4 protocol. If omitted or empty, any protocol matches."
fn port_tests(item: &Value) -> Vec<PortTest> {
    let protocols: Vec<&str> = match text(item, "protocol") {
        "" | "ANY" => vec!["TCP", "UDP", "SCTP"],
        protocol => vec![protocol],
    };
    let port = match &item["port"] {
        Value::String(port) => port.clone(),
        Value::Number(port) => port.to_string(),
        _ => return Vec::new(),
    };
    let of_protocol = |protocol: &str| {
        let protocol = protocol.to_owned();
        match (port.parse::<u64>(), item["endPort"].as_u64()) {
            (Ok(0), _) => PortTest::Protocol(protocol),
            (Ok(first), last) => PortTest::Range(protocol, first, last.filter(|last| *last > 0).unwrap_or(first)),
            (Err(_), _) => PortTest::Name(port.to_lowercase(), Some(protocol)),
        }
    };
    protocols.into_iter().map(of_protocol).collect()
}
