//! How large a generated cluster is, in the numbers that decide the work.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use portolan_core::labels::{Labels, Operator, Selector};
use smol_str::SmolStr;

use super::model::{Cluster, RulePeer};

/// The label that every namespace bears with its own name.
const NAME: &str = "kubernetes.io/metadata.name";

/// The numbers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Pods.
    pub pods: usize,
    /// Namespaces.
    pub namespaces: usize,
    /// NetworkPolicies.
    pub policies: usize,
    /// Different pairs of a namespace and a pod's labels, as far as some selector names their keys.
    pub label_sets: usize,
    /// Different selectors of pods, those of different namespaces apart.
    pub selectors: usize,
    /// Peers of rules.
    pub peers: usize,
    /// Peers of rules that are blocks.
    pub blocks: usize,
    /// Pods that a policy selects, in the middle of all policies that select some.
    pub median_subjects: usize,
    /// Pods that a peer stands for, in the middle of all peers that stand for some.
    pub median_peer_pods: usize,
    /// Policies that select no pod.
    pub idle_policies: usize,
}

/// Where a selector looks: a namespace, or those that a selector matches.
type Scope<'a> = (Option<&'a SmolStr>, Option<&'a Selector>);

impl Counts {
    /// Counts a cluster, templates of workloads without pods as pods.
    pub fn of(cluster: &Cluster) -> Self {
        let mut counts = Self { namespaces: cluster.namespaces.len(), policies: cluster.policies.len(), ..Self::default() };
        let templates = cluster.workloads.iter().filter_map(|workload| {
            let template = workload.record.template.as_ref().filter(|_| cluster.represents_templates)?;
            Some((&workload.key.namespace, &*template.labels))
        });
        let pods: Vec<(&SmolStr, &Labels)> =
            cluster.pods.iter().map(|pod| (&pod.namespace, &*pod.template.labels)).chain(templates).collect();
        counts.pods = pods.len();
        let mut uses: BTreeMap<(Scope<'_>, &Selector), (usize, usize)> = BTreeMap::new();
        for policy in &cluster.policies {
            uses.entry(((Some(&policy.namespace), None), &policy.pods)).or_default().0 += 1;
            for peer in policy.rules().flat_map(|rule| &rule.peers) {
                counts.peers += 1;
                match peer {
                    RulePeer::Block(..) => counts.blocks += 1,
                    RulePeer::Pods(None, pods) => uses.entry(((Some(&policy.namespace), None), pods)).or_default().1 += 1,
                    RulePeer::Pods(Some(namespaces), pods) => uses.entry(((None, Some(namespaces)), pods)).or_default().1 += 1,
                }
            }
        }
        counts.selectors = uses.len();
        let keys: BTreeSet<&SmolStr> = uses.keys().flat_map(|(_, pods)| pods.requirements()).map(|requirement| &requirement.key).collect();
        // What no selector asks for is left out, and each set of labels is matched once.
        let mut sets: BTreeMap<&SmolStr, HashMap<Labels, usize>> = BTreeMap::new();
        for (namespace, labels) in pods {
            let projected: Labels = keys.iter().filter_map(|key| Some((key.as_str(), labels.get(key)?))).collect();
            *sets.entry(namespace).or_default().entry(projected).or_default() += 1;
        }
        counts.label_sets = sets.values().map(HashMap::len).sum();
        let labels_of: BTreeMap<SmolStr, Labels> = cluster
            .namespaces
            .iter()
            .map(|namespace| {
                let own = (NAME.into(), namespace.name.clone());
                (namespace.name.clone(), namespace.labels.iter().cloned().chain([own]).collect())
            })
            .collect();
        let mut scopes: BTreeMap<&Selector, Vec<&SmolStr>> = BTreeMap::new();
        let (mut subjects, mut peers) = (Vec::new(), Vec::new());
        for (((own, elsewhere), selector), (n_subject, n_peer)) in uses {
            let inside: Vec<&SmolStr> = match elsewhere {
                None => own.into_iter().collect(),
                Some(matching) => scopes.entry(matching).or_insert_with(|| namespaces_of(matching, &labels_of)).clone(),
            };
            let matched = inside.into_iter().filter_map(|namespace| sets.get(namespace)).flatten();
            let n: usize = matched.filter(|(labels, _)| selector.matches(labels)).map(|(_, n)| *n).sum();
            subjects.push((n, n_subject));
            peers.push((n, n_peer));
        }
        counts.idle_policies = subjects.iter().filter(|(n, _)| *n == 0).map(|(_, uses)| uses).sum();
        counts.median_subjects = median(subjects);
        counts.median_peer_pods = median(peers);
        counts
    }
}

/// The namespaces that a selector matches; those that it names are not looked for among all.
fn namespaces_of<'a>(matching: &Selector, labels_of: &'a BTreeMap<SmolStr, Labels>) -> Vec<&'a SmolStr> {
    let named = matching.requirements().iter().find_map(|requirement| match &requirement.operator {
        Operator::In(names) if requirement.key == NAME => Some(names),
        _ => None,
    });
    let candidates: Vec<(&SmolStr, &Labels)> = match named {
        Some(names) => names.iter().filter_map(|name| labels_of.get_key_value(name)).collect(),
        None => labels_of.iter().collect(),
    };
    candidates.into_iter().filter(|(_, labels)| matching.matches(labels)).map(|(name, _)| name).collect()
}

/// The middle of values that occur a number of times, zeros left out.
fn median(mut values: Vec<(usize, usize)>) -> usize {
    values.retain(|(value, times)| *value > 0 && *times > 0);
    values.sort_unstable();
    let total: usize = values.iter().map(|(_, times)| times).sum();
    let mut so_far = 0;
    let middle = values.into_iter().find(|(_, times)| {
        so_far += times;
        2 * so_far >= total
    });
    middle.map_or(0, |(value, _)| value)
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pods, namespaces, policies, label_sets, selectors, peers, blocks, .. } = self;
        write!(f, "{pods} pods, {namespaces} namespaces, {policies} policies, {label_sets} label sets, {selectors} selectors, ")?;
        write!(f, "{peers} peers ({blocks} blocks), median {} subjects and {} peer pods, ", self.median_subjects, self.median_peer_pods)?;
        write!(f, "{} policies without a subject", self.idle_policies)
    }
}
