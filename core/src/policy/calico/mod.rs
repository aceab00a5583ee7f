//! Calico: its tiers, and NetworkPolicies and GlobalNetworkPolicies in them.
//!
//! Tiers are asked by order, then by name, policies in a tier likewise; the first rule that matches decides (felix, `policy_sorter.go`).
//! NetworkPolicies of Kubernetes are policies of order 1000 in the tier `default`; cluster-wide ones of Kubernetes are in tiers before and
//! after it. What no tier decides, the profile of the namespace allows.

mod endpoints;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use self::rules::Compiler;
use super::{Policy, RANK_ON_ARRIVAL, Rest, Tier, TierMode};
use crate::object::{Kind, ObjectKey};
use crate::record::{CalicoOrder, CalicoPolicyRecord, CalicoTierRecord, Record};
use crate::snapshot::{Snapshot, typed};

/// The kinds of Calico's policies.
const KINDS: [Kind; 2] = [Kind::CalicoNetworkPolicy, Kind::GlobalNetworkPolicy];
/// The tier that NetworkPolicies of Kubernetes are in, its order, and theirs in it (libcalico-go, `conversion`).
const DEFAULT: (&str, f64) = ("default", 1_000_000.0);
const ORDER_OF_NETWORK_POLICIES: f64 = 1000.0;
/// The tiers of cluster-wide policies of Kubernetes. Older releases call them `adminnetworkpolicy` and `baselineadminnetworkpolicy`.
const ADMIN: (&str, f64) = ("kube-admin", 1000.0);
const BASELINE: (&str, f64) = ("kube-baseline", 10_000_000.0);
/// Names that those tiers have or had: what is left over in them passes on.
const OF_KUBERNETES: [&str; 4] = [ADMIN.0, BASELINE.0, "adminnetworkpolicy", "baselineadminnetworkpolicy"];

type Named<'a> = (&'a ObjectKey, &'a CalicoPolicyRecord);

/// The tiers of the cluster plane: those of Calico among the others, in their order. Without a policy of Calico, the others are as they
/// were.
pub(super) fn compile(snapshot: &Snapshot, admin: Tier, network_policies: Tier, baseline: Tier) -> Vec<Tier> {
    let mut by_tier: BTreeMap<SmolStr, Vec<Named<'_>>> = BTreeMap::new();
    for (key, record) in policies(snapshot) {
        by_tier.entry(record.tier.clone()).or_default().push((key, record));
    }
    let unseen = KINDS.iter().any(|kind| snapshot.unseen.0.contains_key(kind)).then(unseen_tier);
    if by_tier.is_empty() {
        return unseen.into_iter().chain([admin, network_policies, baseline]).collect();
    }
    let known: BTreeMap<&SmolStr, &CalicoTierRecord> = typed!(snapshot, CalicoTier).map(|(key, record)| (&key.name, &**record)).collect();
    let compiler = Compiler::new(snapshot);
    let order = |order: f64| CalicoOrder::new(Some(order));
    let mut placed: Vec<(CalicoOrder, SmolStr, Vec<Tier>)> = Vec::new();
    let mut strays = Vec::new();
    let default = match by_tier.remove(DEFAULT.0) {
        None => vec![network_policies],
        Some(policies) => {
            let passes = known.get(&SmolStr::new_static(DEFAULT.0)).is_some_and(|tier| tier.passes);
            default_tier(&compiler, policies, network_policies, passes)
        }
    };
    for (name, policies) in by_tier {
        match known.get(&name) {
            Some(tier) => {
                let own = tier_of(&name, tier.passes, ranked(&compiler, policies, 1, None));
                placed.push((tier.order, name.clone(), vec![own]));
            }
            // It may be there unseen, wherever among the others: what is asked first under a condition may come to all of that.
            None => {
                let condition = format!("the tier {name}, of which no object is there, is there and comes first");
                strays.push(tier_of(&name, OF_KUBERNETES.contains(&name.as_str()), ranked(&compiler, policies, 1, Some(&condition))));
            }
        }
    }
    placed.push((order(DEFAULT.1), DEFAULT.0.into(), default));
    placed.push((order(ADMIN.1), ADMIN.0.into(), vec![admin]));
    placed.push((order(BASELINE.1), BASELINE.0.into(), vec![baseline]));
    placed.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    unseen.into_iter().chain(strays).chain(placed.into_iter().flat_map(|(.., tiers)| tiers)).collect()
}

/// The policies of Calico, by kind and name.
fn policies(snapshot: &Snapshot) -> impl Iterator<Item = Named<'_>> {
    KINDS.into_iter().flat_map(|kind| snapshot.records(kind)).filter_map(|(key, record)| match record {
        Record::CalicoPolicy(record) => Some((key, &**record)),
        _ => None,
    })
}

/// A tier for policies that the source may not list: any of them may be asked before all others.
fn unseen_tier() -> Tier {
    tier_of("Calico", true, Vec::new())
}

fn tier_of(name: &str, passes: bool, compiled: Vec<Arc<Policy>>) -> Tier {
    let rest = if passes { Rest::Passes } else { Rest::Denied };
    Tier { name: name.into(), mode: TierMode::FirstMatch(rest), kinds: &KINDS, on_arrival: &[], compiled }
}

/// The default tier, where policies of Calico stand beside NetworkPolicies.
fn default_tier(compiler: &Compiler<'_>, policies: Vec<Named<'_>>, network_policies: Tier, passes: bool) -> Vec<Tier> {
    let of_network_policies = CalicoOrder::new(Some(ORDER_OF_NETWORK_POLICIES));
    let (before, others): (Vec<_>, Vec<_>) = policies.into_iter().partition(|(_, policy)| policy.order < of_network_policies);
    let (beside, after): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, policy)| policy.order == of_network_policies);
    let mut compiled = ranked(compiler, before, 1, None);
    // Which of equal order comes first, the names tell, and not in every release from the same beginning: those of NetworkPolicies of
    // Kubernetes had `knp.default.` before them, and those of namespaces the namespace.
    compiled.extend(beside.into_iter().flat_map(|named| compiler.policies(named, None)).map(|policy| at_rank(policy, RANK_ON_ARRIVAL)));
    compiled.extend(ranked(compiler, after, RANK_ON_ARRIVAL + 1, None));
    let own = Tier {
        name: DEFAULT.0.into(),
        mode: TierMode::FirstMatch(if passes { Rest::Passes } else { Rest::Denied }),
        kinds: &[Kind::NetworkPolicy, Kind::CalicoNetworkPolicy, Kind::GlobalNetworkPolicy],
        on_arrival: &[Kind::NetworkPolicy],
        compiled,
    };
    // No cluster has the policies of two networks in force; where both are given, neither is lost.
    let others = (!network_policies.compiled.is_empty()).then(|| Tier { on_arrival: &[], ..network_policies });
    [own].into_iter().chain(others).collect()
}

fn at_rank(mut policy: Policy, rank: u32) -> Arc<Policy> {
    policy.rank = rank;
    Arc::new(policy)
}

/// Policies of one tier, compiled, with ranks from the first on. What one object comes to has ranks that follow each other; objects whose
/// order not every release tells in the same way have one rank.
fn ranked(compiler: &Compiler<'_>, mut policies: Vec<Named<'_>>, first: u32, condition: Option<&str>) -> Vec<Arc<Policy>> {
    policies.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    let mut compiled = Vec::new();
    let mut rank = first;
    for (named, is_told) in policies.iter().zip(told_from_next(&policies)) {
        for policy in compiler.policies(*named, condition) {
            let is_step = is_told.0 && policy.rank > 0;
            rank += u32::from(is_step);
            compiled.push(at_rank(policy, rank));
        }
        rank += u32::from(is_told.1);
    }
    compiled
}

/// Order, then name, then namespace (felix, `PolKVLess`). In older releases and in custom resources, the tier stands before the name.
fn sort_key<'a>((key, policy): &Named<'a>) -> (CalicoOrder, &'a str, &'a str) {
    (policy.order, bare_name(key, &policy.tier), &key.namespace)
}

fn bare_name<'a>(key: &'a ObjectKey, tier: &str) -> &'a str {
    key.name.strip_prefix(tier).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&key.name)
}

/// For each policy of a sorted list, whether it is told from all others, and whether it is told from the next and all before from that.
/// Releases to 3.31 sort by `namespace/tier.name`, and by `tier.name` for policies of the whole cluster: those of one namespace come by
/// name as in later ones, but beside those of the whole cluster they may come otherwise.
fn told_from_next(policies: &[Named<'_>]) -> Vec<(bool, bool)> {
    let old_name = |(key, policy): &Named<'_>| {
        let name = format!("{}.{}", policy.tier, bare_name(key, &policy.tier));
        if key.namespace.is_empty() { name } else { format!("{}/{name}", key.namespace) }
    };
    let mut is_mixed_with_next = vec![false; policies.len()];
    for (index, global) in policies.iter().enumerate().filter(|(_, (key, _))| key.kind == Kind::GlobalNetworkPolicy) {
        let global_name = old_name(global);
        let is_same = |other: &Named<'_>| other.1.order == global.1.order;
        for (other_index, other) in policies.iter().enumerate().filter(|(_, other)| is_same(other) && !other.0.namespace.is_empty()) {
            if (other_index < index) != (old_name(other) < global_name) {
                let between = index.min(other_index)..index.max(other_index);
                is_mixed_with_next.iter_mut().take(between.end).skip(between.start).for_each(|mixed| *mixed = true);
            }
        }
    }
    let mut with_previous = false;
    let told = is_mixed_with_next.into_iter().map(|with_next| {
        let is_told = !with_previous && !with_next;
        with_previous = with_next;
        (is_told, !with_next)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{NETWORK_POLICY, compile};
    use super::*;
    use crate::object::Object;
    use crate::snapshot::{Change, Unseen};

    fn snapshot(objects: &[Value]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for raw in objects {
            snapshot.apply(Change::apply(&Object::new(raw.clone(), "default").unwrap().unwrap()));
        }
        snapshot
    }

    fn tiers(snapshot: &Snapshot) -> Vec<Tier> {
        compile(snapshot, &crate::assumptions::Assumptions::default()).swap_remove(0).tiers
    }

    fn names(snapshot: &Snapshot) -> Vec<String> {
        tiers(snapshot).iter().map(|tier| tier.name.to_string()).collect()
    }

    fn tier(name: &str, order: Option<i32>) -> Value {
        json!({"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": {"order": order}})
    }

    fn global(name: &str, spec: Value) -> Value {
        json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": name}, "spec": spec})
    }

    fn of_kubernetes() -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "n"}, "spec": {}})
    }

    #[test]
    fn without_a_policy_of_calico_nothing_is_other_than_before() {
        let plain = tiers(&snapshot(&[of_kubernetes()]));
        assert_eq!(tiers(&snapshot(&[of_kubernetes(), tier("x", Some(1))])), plain);
        let expected = [
            ("Admin", TierMode::FirstMatch(Rest::Passes)),
            (NETWORK_POLICY, TierMode::Union),
            ("Baseline", TierMode::FirstMatch(Rest::Passes)),
        ];
        assert_eq!(plain.iter().map(|tier| (tier.name.as_str(), tier.mode)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tiers_stand_by_order_and_then_by_name() {
        let in_tier = |name: &str| global(&format!("{name}.p"), json!({"tier": name}));
        let mut objects =
            vec![tier("late", None), tier("b", Some(5)), tier("a", Some(5)), tier("after", Some(1_000_001)), tier("unused", None)];
        objects.extend(["late", "b", "a", "after"].map(in_tier));
        assert_eq!(names(&snapshot(&objects)), ["a", "b", "Admin", NETWORK_POLICY, "after", "Baseline", "late"]);
        objects.push(global("p", json!({})));
        objects.push(in_tier("lost"));
        let all = snapshot(&objects);
        assert_eq!(names(&all), ["lost", "a", "b", "Admin", "default", "after", "Baseline", "late"]);
        let lost = tiers(&all).swap_remove(0);
        assert!(lost.compiled.iter().all(|policy| policy.condition.is_some()));
    }

    #[test]
    fn policies_that_may_not_be_listed_may_come_first() {
        let mut snapshot = snapshot(&[of_kubernetes()]);
        snapshot.unseen = Arc::new(Unseen([(Kind::GlobalNetworkPolicy, [].into())].into()));
        assert_eq!(names(&snapshot), ["Calico", "Admin", NETWORK_POLICY, "Baseline"]);
    }

    #[test]
    fn ranks_follow_order_name_and_the_policies_of_kubernetes() {
        let own = json!([{"action": "Deny", "destination": {"selector": "a == 'b'"}}, {"action": "Allow"}]);
        let objects = [
            global("z", json!({"order": 5})),
            global("default.y", json!({"order": 5, "ingress": own})),
            global("x", json!({"order": 2000})),
            global("w", json!({})),
            global("v", json!({"order": 1000})),
        ];
        let compiled = tiers(&snapshot(&objects)).swap_remove(1).compiled;
        let ranks: Vec<(&str, u32)> = compiled.iter().map(|policy| (policy.object.name.as_str(), policy.rank)).collect();
        let after = RANK_ON_ARRIVAL + 1;
        let expected =
            [("default.y", 1), ("default.y", 2), ("default.y", 3), ("z", 4), ("v", RANK_ON_ARRIVAL), ("x", after), ("w", after + 1)];
        assert_eq!(ranks, expected);
    }
}
