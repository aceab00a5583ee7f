//! Calico: validation and defaulting as the reference of projectcalico.org/v3 says. What is read of `crd.projectcalico.org` is the same.
//!
//! A part of a rule that a server would refuse matches nothing where the rule allows. Where it denies or passes on, the rule is taken
//! without the part, under the condition that it matches: so a mistake neither opens anything nor vanishes.

mod api;
mod rule;
mod selector;

use serde_json::Value;

use self::api::{NetworkSetSpec, Object, PolicySpec, TierSpec};
use self::selector::Functions;
use super::{Reader, unknown_fields};
use crate::address::AddressBlock;
use crate::labels::{LabelSet, Operator, Requirement, Selector};
use crate::object::Kind;
use crate::record::{
    ACCOUNT_PREFIX, CalicoEndpoints, CalicoNamespaces, CalicoOrder, CalicoPolicyRecord, CalicoTierRecord, GLOBAL_KEY, NetworkSetRecord,
};

/// The tier of what names none.
const DEFAULT_TIER: &str = "default";
/// Its order, which nobody can change (api/v3, `DefaultTierOrder`).
const DEFAULT_TIER_ORDER: f64 = 1_000_000.0;

pub(super) fn read_tier(raw: &Value, reader: &mut Reader<'_>) -> Option<CalicoTierRecord> {
    let tier: Object<TierSpec> = reader.typed(raw)?;
    unknown_fields::check(raw, &tier, reader);
    let spec = tier.spec.unwrap_or_default();
    if reader.key.name == DEFAULT_TIER && spec.order.is_some_and(|order| (order - DEFAULT_TIER_ORDER).abs() > 0.0) {
        reader.warn("/spec/order", "servers refuse another order for the default tier; it is taken as 1000000");
    }
    let passes = match spec.default_action.as_deref() {
        None | Some("Deny") => false,
        Some("Pass") => true,
        Some(other) => {
            reader.warn("/spec/defaultAction", format!("unknown action {other:?}; known are Deny, Pass; taken as Deny"));
            false
        }
    };
    Some(CalicoTierRecord { order: CalicoOrder::new(spec.order), passes })
}

pub(super) fn read_policy(raw: &Value, reader: &mut Reader<'_>) -> Option<CalicoPolicyRecord> {
    let policy: Object<PolicySpec> = reader.typed(raw)?;
    unknown_fields::check(raw, &policy, reader);
    let spec = reader.spec(policy.spec)?;
    let is_global = reader.key.kind == Kind::GlobalNetworkPolicy;
    for (is_given, field) in [(spec.do_not_track, "doNotTrack"), (spec.pre_dnat, "preDNAT")] {
        if is_given == Some(true) && is_global {
            reader
                .warn(format!("/spec/{field}"), format!("left out: a policy with {field} is for host endpoints and has no effect on pods"));
            return None;
        }
    }
    let subject = read_subject(&spec, is_global, reader)?;
    let directions = read_types(&spec, reader);
    let is_unsure = spec.types.as_ref().is_none_or(Vec::is_empty) && is_kept(raw) && directions != [true, true];
    if is_unsure {
        reader.warn("/spec/types", "no types are given: a policy that no server has defaulted is for both directions");
    }
    let [is_ingress, is_egress] = directions;
    let namespace = reader.key.namespace.clone();
    let ingress = rule::read_all(spec.ingress, "ingress", &namespace, reader);
    let egress = rule::read_all(spec.egress, "egress", &namespace, reader);
    if !is_ingress && !ingress.is_empty() {
        reader.warn("/spec/ingress", "the rules have no effect: types does not name Ingress");
    }
    if !is_egress && !egress.is_empty() {
        reader.warn("/spec/egress", "the rules have no effect: types does not name Egress");
    }
    Some(CalicoPolicyRecord {
        tier: spec.tier.filter(|tier| !tier.is_empty()).map_or_else(|| DEFAULT_TIER.into(), Into::into),
        order: CalicoOrder::new(spec.order),
        subject,
        ingress: is_ingress.then_some(ingress),
        egress: is_egress.then_some(egress),
        may_speak_of_both: is_unsure,
    })
}

/// Whether it is a custom resource as Calico keeps it, and not one that Calico's server has served.
fn is_kept(raw: &Value) -> bool {
    raw.get("apiVersion").and_then(Value::as_str).is_some_and(|version| version.starts_with("crd."))
}

/// Whether it is for ingress and for egress (api/v3, `Types`: what there are rules of, and ingress where there are none).
fn read_types(spec: &PolicySpec, reader: &mut Reader<'_>) -> [bool; 2] {
    let has_rules = |rules: &Option<Vec<api::Rule>>| rules.as_ref().is_some_and(|rules| !rules.is_empty());
    let Some(types) = spec.types.as_ref().filter(|types| !types.is_empty()) else {
        let has_egress = has_rules(&spec.egress);
        return [has_rules(&spec.ingress) || !has_egress, has_egress];
    };
    for (index, name) in types.iter().enumerate().filter(|(_, name)| !matches!(name.as_str(), "Ingress" | "Egress")) {
        reader.warn(format!("/spec/types/{index}"), format!("unknown policy type {name:?}; known are Ingress, Egress"));
    }
    ["Ingress", "Egress"].map(|name| types.iter().any(|given| given == name))
}

/// Whom a policy is for; `None`, and a warning that it is out of force, where that cannot be read.
fn read_subject(spec: &PolicySpec, is_global: bool, reader: &mut Reader<'_>) -> Option<CalicoEndpoints> {
    let out_of_force = |selector: Result<Selector, NotRead>, field: &str, reader: &mut Reader<'_>| {
        if selector.is_err() {
            reader.warn(format!("/spec/{field}"), "left out: the policy cannot be in force with this selector");
        }
        selector.ok()
    };
    let selector = read_selector(spec.selector.as_deref(), "/spec/selector", &of_labels(), reader);
    let selector = out_of_force(selector, "selector", reader)?;
    let accounts = read_selector(spec.service_account_selector.as_deref(), "/spec/serviceAccountSelector", &of_labels(), reader);
    let accounts = out_of_force(accounts, "serviceAccountSelector", reader)?;
    let namespaces = match spec.namespace_selector.as_deref().filter(|text| !text.trim().is_empty()) {
        _ if !is_global => {
            if spec.namespace_selector.is_some() {
                reader.warn("/spec/namespaceSelector", "a NetworkPolicy is for its own namespace; it has no effect");
            }
            CalicoNamespaces::One(reader.key.namespace.clone())
        }
        None => CalicoNamespaces::Any,
        text => {
            let functions = Functions { global: None, ..of_namespaces() };
            let selector = read_selector(text, "/spec/namespaceSelector", &functions, reader);
            CalicoNamespaces::Matching(out_of_force(selector, "namespaceSelector", reader)?)
        }
    };
    Some(CalicoEndpoints { namespaces, labels: selector.and_all(&with_prefix(&accounts, ACCOUNT_PREFIX)) })
}

/// What could not be read, and has been warned about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NotRead;

/// A selector, or a warning with the place of the fault.
fn read_selector(text: Option<&str>, pointer: &str, functions: &Functions, reader: &mut Reader<'_>) -> Result<Selector, NotRead> {
    selector::parse(text.unwrap_or_default(), functions).map_err(|error| {
        reader.warn(pointer, format!("the selector cannot be read at character {}: {}", error.position, error.message));
        NotRead
    })
}

/// A selector of labels in an annotation; `None` and a warning where it cannot be read.
pub(super) fn selector_of_annotation(text: &str, pointer: &str, reader: &mut Reader<'_>) -> Option<Selector> {
    read_selector(Some(text), pointer, &of_labels(), reader).ok()
}

/// What the functions of a selector over labels stand for.
fn of_labels() -> Functions {
    Functions { all: Selector::default(), global: None }
}

/// What the functions of a selector over namespaces stand for: `all()` for what is in one, `global()` for what is in none.
fn of_namespaces() -> Functions {
    let global = Selector::new(vec![Requirement { key: GLOBAL_KEY.into(), operator: Operator::Exists }]);
    Functions { all: global.negated(), global: Some(global) }
}

/// The same selector over keys that have something before them.
fn with_prefix(selector: &Selector, prefix: &str) -> Selector {
    let renamed = |requirement: &Requirement| Requirement {
        key: format!("{prefix}{}", requirement.key).into(),
        operator: requirement.operator.clone(),
    };
    let groups = selector.alternatives().iter().map(|group| group.iter().map(|one| with_prefix(one, prefix)).collect());
    Selector::with_alternatives(selector.requirements().iter().map(renamed).collect(), groups.collect())
}

pub(super) fn read_network_set(raw: &Value, reader: &mut Reader<'_>) -> Option<NetworkSetRecord> {
    let set: Object<NetworkSetSpec> = reader.typed(raw)?;
    unknown_fields::check(raw, &set, reader);
    let spec = set.spec.unwrap_or_default();
    let labels = raw.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    let labels: LabelSet = labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
    let mut nets = Vec::new();
    for (index, text) in spec.nets.unwrap_or_default().into_iter().enumerate() {
        match read_block(&text) {
            Some(block) => nets.push(block),
            None => reader.warn(format!("/spec/nets/{index}"), format!("{text:?} is not a block of addresses; it is left out")),
        }
    }
    let domains = spec.allowed_egress_domains.unwrap_or_default().into_iter().map(|name| name.to_ascii_lowercase().into()).collect();
    Some(NetworkSetRecord { labels, nets, domains })
}

/// A block of addresses, or one address.
fn read_block(text: &str) -> Option<AddressBlock> {
    let one = || text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from);
    text.parse::<ipnet::IpNet>().ok().or_else(one).map(|block| AddressBlock::new(block, &[]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pointers, read};
    use super::*;
    use crate::policy::Action;
    use crate::record::Record;

    fn policy(spec: &str) -> (Option<CalicoPolicyRecord>, Vec<String>) {
        let entry = read(&format!("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {{name: p}}\nspec: {spec}"));
        let pointers = pointers(&entry).into_iter().map(str::to_owned).collect();
        let record = match entry.record {
            Some(Record::CalicoPolicy(record)) => Some(*record),
            _ => None,
        };
        (record, pointers)
    }

    fn rule(rule: &str) -> (Option<crate::record::CalicoRule>, Vec<String>) {
        let (record, pointers) = policy(&format!("{{ingress: [{rule}]}}"));
        (record.and_then(|record| record.ingress).into_iter().flatten().next(), pointers)
    }

    #[test]
    fn orders_sort_as_numbers_and_none_is_last() {
        let orders = [Some(-5.0), Some(-0.5), Some(0.0), Some(0.25), Some(1000.0), Some(f64::MAX), None].map(CalicoOrder::new);
        assert!(orders.is_sorted() && orders.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(CalicoOrder::new(Some(-0.0)), CalicoOrder::new(Some(0.0)));
    }

    #[test]
    fn a_staged_policy_is_told_of_and_is_no_policy() {
        for kind in ["StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy"] {
            let entry = read(&format!("apiVersion: projectcalico.org/v3\nkind: {kind}\nmetadata: {{name: p}}\nspec: {{}}"));
            assert_eq!((entry.record.is_none(), pointers(&entry)), (true, vec![""]), "{kind}");
        }
    }

    #[test]
    fn types_default_to_what_there_are_rules_of() {
        let speaks = |spec: &str| {
            let record = policy(spec).0.expect("a policy");
            (record.ingress.is_some(), record.egress.is_some())
        };
        assert_eq!(speaks("{}"), (true, false));
        assert_eq!(speaks("{egress: [{action: Allow}]}"), (false, true));
        assert_eq!(speaks("{ingress: [{action: Allow}], egress: [{action: Allow}]}"), (true, true));
        assert_eq!(speaks("{types: [Egress]}"), (false, true));
    }

    #[test]
    fn a_subject_that_cannot_be_read_puts_the_policy_out_of_force() {
        for field in ["selector", "serviceAccountSelector", "namespaceSelector"] {
            let (record, pointers) = policy(&format!("{{{field}: \"a ==\"}}"));
            assert_eq!((record, pointers), (None, vec![format!("/spec/{field}"); 2]));
        }
        assert_eq!(policy("{selector: global()}").0, None, "global() is for namespaces in rules");
        assert_eq!(policy("{doNotTrack: true}"), (None, vec!["/spec/doNotTrack".to_owned()]));
    }

    #[test]
    fn a_mistake_neither_opens_nor_vanishes() {
        let parts = [
            "source: {selector: 'a =='}",
            "source: {notSelector: 'a =='}",
            "source: {namespaceSelector: 'a =='}",
            "source: {serviceAccounts: {selector: 'a =='}}",
            "source: {nets: [nowhere]}",
            "source: {notNets: [nowhere]}",
            "source: {domains: [example.com]}",
            "destination: {ports: [80]}",
            "protocol: TCP, destination: {ports: ['80:x!']}",
            "protocol: TCP, destination: {ports: ['90:80']}",
            "protocol: TCP, destination: {ports: [70000]}",
            "protocol: nothing",
            "ipVersion: 5",
            "icmp: {type: 8}",
            "source: {services: {name: web}}",
        ];
        for part in parts {
            let (allow, warned) = rule(&format!("{{action: Allow, {part}}}"));
            assert_eq!(allow, None, "{part}");
            assert!(warned.len() >= 2 && warned.iter().any(|pointer| pointer == "/spec/ingress/0"), "{part}: {warned:?}");
            for action in ["Deny", "Pass"] {
                let kept = rule(&format!("{{action: {action}, {part}}}")).0.unwrap_or_else(|| panic!("{part} vanishes"));
                assert_eq!(kept.conditions.len(), 1, "{part}");
            }
        }
        let unknown = rule("{action: Reject}").0.expect("a rule");
        assert_eq!((unknown.action, unknown.conditions.len()), (Action::Deny, 1));
        assert_eq!(rule("{action: Log}"), (None, Vec::new()));
    }

    #[test]
    fn what_the_api_does_not_know_is_told_of() {
        let (_, warned) = policy("{selecter: all(), ingress: [{action: Allow, source: {net: [10.0.0.0/8]}, protocol: UDP}]}");
        assert_eq!(warned, ["/spec/selecter", "/spec/ingress/0/source/net"]);
    }
}
