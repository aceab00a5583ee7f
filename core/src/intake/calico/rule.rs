//! The rules of Calico's policies.

use serde_json::Value;
use smol_str::SmolStr;

use super::api::{Entity, Rule};
use super::{NotRead, Reader, of_labels, of_namespaces, read_block, read_selector, with_prefix};
use crate::address::{AddressBlock, Family};
use crate::labels::{Operator, Requirement, Selector};
use crate::policy::Action;
use crate::ports::{PortSet, Protocol};
use crate::record::{ACCOUNT_PREFIX, CALICO_ACCOUNT, CalicoEndpoints, CalicoEntity, CalicoNamespaces, CalicoPort, CalicoRule};

/// The rules of one direction, in order. `namespace` is that of the policy, empty for one that is for the whole cluster.
pub(super) fn read_all(rules: Option<Vec<Rule>>, direction: &str, namespace: &SmolStr, reader: &mut Reader<'_>) -> Vec<CalicoRule> {
    let numbered = rules.unwrap_or_default().into_iter().enumerate();
    numbered.filter_map(|(index, rule)| read_rule(rule, &format!("/spec/{direction}/{index}"), namespace, reader)).collect()
}

/// A rule; `None` where it decides nothing.
fn read_rule(rule: Rule, pointer: &str, namespace: &SmolStr, reader: &mut Reader<'_>) -> Option<CalicoRule> {
    let mut conditions = Vec::new();
    let action = match rule.action.as_deref() {
        Some("Allow") => Action::Allow,
        Some("Deny") => Action::Deny,
        Some("Pass") => Action::Pass,
        // It writes a line, and the next rule is asked.
        Some("Log") => return None,
        other => {
            let what = other.map_or_else(|| "the action is missing".to_owned(), |other| format!("unknown action {other:?}"));
            reader.warn(format!("{pointer}/action"), format!("{what}; known are Allow, Deny, Log, Pass"));
            conditions.push("the action of the rule, which cannot be read, denies".into());
            Action::Deny
        }
    };
    let mut part = Parts { namespace, is_readable: true, reader };
    let family = match rule.ip_version {
        None => None,
        Some(4) => Some(Family::V4),
        Some(6) => Some(Family::V6),
        Some(other) => {
            part.refuse(format!("{pointer}/ipVersion"), format!("{other} is not a version of IP; known are 4, 6"));
            None
        }
    };
    let protocols = part.protocols(&rule, pointer);
    let has_ports = |entity: &Option<Entity>| {
        let lists = entity.iter().flat_map(|entity| [&entity.ports, &entity.not_ports]).flatten();
        lists.flatten().next().is_some()
    };
    if (has_ports(&rule.source) || has_ports(&rule.destination)) && !Protocol::ALL.iter().any(|one| PortSet::all_of(*one) == protocols) {
        part.refuse(format!("{pointer}/protocol"), "ports need the protocol TCP, UDP or SCTP");
    }
    let source = part.entity(rule.source.unwrap_or_default(), &format!("{pointer}/source"));
    let destination = part.entity(rule.destination.unwrap_or_default(), &format!("{pointer}/destination"));
    let may_name_domains = action == Action::Allow && pointer.starts_with("/spec/egress/");
    for (end, may) in [(&source, false), (&destination, may_name_domains)] {
        if end.domains.is_some() && !may {
            part.refuse(format!("{}/domains", end.pointer), "domains are for the destination of egress rules that allow");
        }
    }
    if !part.is_readable {
        if action == Action::Allow {
            part.reader.warn(pointer, "the rule matches nothing: a part of it cannot be read");
            return None;
        }
        part.reader.warn(pointer, "a part of the rule cannot be read; what it says depends on that part");
        conditions.push("the part of the rule that cannot be read matches".into());
    }
    if rule.http.is_some_and(|http| !http.is_null()) {
        if action != Action::Allow {
            part.reader.warn(format!("{pointer}/http"), "servers refuse it in a rule that does not allow");
        }
        conditions.push("the request is one that the http part of the rule names".into());
    }
    Some(CalicoRule { pointer: pointer.into(), action, family, protocols, source, destination, conditions })
}

/// The number of a protocol by its name (api/v3, `Protocol`).
fn protocol_number(value: &Value) -> Option<u64> {
    let by_name = |name: &str| {
        let known = [("tcp", 6), ("udp", 17), ("icmp", 1), ("icmpv6", 58), ("sctp", 132), ("udplite", 136)];
        known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, number)| *number).or_else(|| name.parse().ok())
    };
    value.as_u64().or_else(|| value.as_str().and_then(by_name)).filter(|number| (1..=255).contains(number))
}

/// The ports that a protocol has.
fn ports_of(number: u64) -> PortSet {
    match number {
        6 => PortSet::all_of(Protocol::Tcp),
        17 => PortSet::all_of(Protocol::Udp),
        132 => PortSet::all_of(Protocol::Sctp),
        _ => PortSet::none(),
    }
}

/// What reading the parts of one rule needs.
struct Parts<'a, 'b> {
    namespace: &'a SmolStr,
    is_readable: bool,
    reader: &'a mut Reader<'b>,
}

impl Parts<'_, '_> {
    fn refuse(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.is_readable = false;
        self.reader.warn(pointer, message);
    }

    fn protocols(&mut self, rule: &Rule, pointer: &str) -> PortSet {
        let mut ports = PortSet::all();
        for (field, value, is_negated) in [("protocol", &rule.protocol, false), ("notProtocol", &rule.not_protocol, true)] {
            let Some(value) = value.as_ref().filter(|value| !value.is_null()) else { continue };
            match protocol_number(value) {
                Some(number) if is_negated => ports = ports.difference(&ports_of(number)),
                Some(number) => ports = ports.intersection(&ports_of(number)),
                None => {
                    let known = "TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite, and numbers from 1 to 255";
                    self.refuse(format!("{pointer}/{field}"), format!("unknown protocol {value}; known are {known}"));
                }
            }
        }
        let is_given = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        if is_given(&rule.icmp) && !is_given(&rule.protocol) {
            self.refuse(format!("{pointer}/icmp"), "icmp needs the protocol ICMP or ICMPv6");
            return PortSet::all();
        }
        // What is said of ICMP is for packets that have no ports.
        ports
    }

    fn selector(&mut self, text: Option<&String>, pointer: String) -> Option<Selector> {
        let text = text.filter(|text| !text.trim_matches([' ', '\t']).is_empty())?;
        let selector = read_selector(Some(text), &pointer, &of_labels(), self.reader);
        self.is_readable &= selector.is_ok();
        selector.ok()
    }

    fn entity(&mut self, entity: Entity, pointer: &str) -> CalicoEntity {
        let selector = self.selector(entity.selector.as_ref(), format!("{pointer}/selector"));
        let not_labels = self.selector(entity.not_selector.as_ref(), format!("{pointer}/notSelector"));
        let accounts = entity.service_accounts.as_ref().and_then(|accounts| self.accounts(accounts, pointer));
        let namespaces = entity.namespace_selector.filter(|text| !text.trim_matches([' ', '\t']).is_empty());
        // A policy of a namespace keeps to it as soon as anything is asked of endpoints; so does Calico even where that is what they are
        // not (updateprocessors, `GetEntityRuleSelector`).
        let of_nothing = selector.is_none() && accounts.is_none() && namespaces.is_none();
        let is_kept_to_namespace = of_nothing && not_labels.is_some() && !self.namespace.is_empty();
        let endpoints = (!of_nothing || is_kept_to_namespace).then(|| {
            let namespaces = match &namespaces {
                None if self.namespace.is_empty() => CalicoNamespaces::Any,
                None => CalicoNamespaces::One(self.namespace.clone()),
                Some(text) => match read_selector(Some(text), &format!("{pointer}/namespaceSelector"), &of_namespaces(), self.reader) {
                    Ok(selector) => CalicoNamespaces::Matching(selector),
                    Err(NotRead) => {
                        self.is_readable = false;
                        CalicoNamespaces::Any
                    }
                },
            };
            let labels = [selector, accounts].into_iter().flatten().fold(Selector::default(), |all, one| all.and_all(&one));
            CalicoEndpoints { namespaces, labels }
        });
        let service = entity.services.and_then(|service| {
            let name = service.name.filter(|name| !name.is_empty());
            let namespace = service.namespace.filter(|namespace| !namespace.is_empty()).map(SmolStr::from);
            let namespace = namespace.or_else(|| (!self.namespace.is_empty()).then(|| self.namespace.clone()));
            if name.is_none() || namespace.is_none() {
                self.refuse(format!("{pointer}/services"), "a Service needs a name, and in a policy for the whole cluster a namespace");
            }
            Some((namespace?, name?.into()))
        });
        CalicoEntity {
            pointer: pointer.into(),
            endpoints,
            not_labels,
            is_kept_to_namespace,
            // Of a list that cannot all be read nobody knows the whole.
            nets: entity.nets.filter(|nets| !nets.is_empty()).and_then(|nets| self.blocks(nets, &format!("{pointer}/nets"))),
            not_nets: self.blocks(entity.not_nets.unwrap_or_default(), &format!("{pointer}/notNets")).unwrap_or_default(),
            ports: entity.ports.filter(|ports| !ports.is_empty()).and_then(|ports| self.ports(ports, &format!("{pointer}/ports"))),
            not_ports: self.ports(entity.not_ports.unwrap_or_default(), &format!("{pointer}/notPorts")).unwrap_or_default(),
            service,
            domains: entity
                .domains
                .filter(|domains| !domains.is_empty())
                .map(|names| names.into_iter().map(|name| name.to_ascii_lowercase().into()).collect()),
        }
    }

    fn accounts(&mut self, accounts: &super::api::Accounts, pointer: &str) -> Option<Selector> {
        let by_labels = self.selector(accounts.selector.as_ref(), format!("{pointer}/serviceAccounts/selector"));
        let by_labels = by_labels.map(|selector| with_prefix(&selector, ACCOUNT_PREFIX));
        let names: Vec<SmolStr> = accounts.names.iter().flatten().map(SmolStr::from).collect();
        let operator = Operator::In(names.clone());
        let by_names = (!names.is_empty()).then(|| Selector::new(vec![Requirement { key: CALICO_ACCOUNT.into(), operator }]));
        match (by_labels, by_names) {
            (Some(labels), Some(names)) => Some(labels.and_all(&names)),
            (labels, names) => labels.or(names),
        }
    }

    fn blocks(&mut self, texts: Vec<String>, pointer: &str) -> Option<Vec<AddressBlock>> {
        let mut blocks = Some(Vec::new());
        for (index, text) in texts.into_iter().enumerate() {
            match read_block(&text) {
                Some(block) => blocks.iter_mut().for_each(|blocks| blocks.push(block.clone())),
                None => {
                    self.refuse(format!("{pointer}/{index}"), format!("{text:?} is not a block of addresses"));
                    blocks = None;
                }
            }
        }
        blocks
    }

    fn ports(&mut self, values: Vec<Value>, pointer: &str) -> Option<Vec<CalicoPort>> {
        let mut ports = Some(Vec::new());
        for (index, value) in values.into_iter().enumerate() {
            match read_port(&value) {
                Some(port) => ports.iter_mut().for_each(|ports| ports.push(port.clone())),
                None => {
                    self.refuse(format!("{pointer}/{index}"), format!("{value} is neither a port, nor a range, nor a name of one"));
                    ports = None;
                }
            }
        }
        ports
    }
}

/// A number, a range `1000:2000`, or a name (api/lib/numorstring, `Port`).
fn read_port(value: &Value) -> Option<CalicoPort> {
    if let Some(number) = value.as_u64() {
        let number = u16::try_from(number).ok()?;
        return Some(CalicoPort::Range(number, number));
    }
    let text = value.as_str()?;
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
        return (first <= last).then_some(CalicoPort::Range(first, last));
    }
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    (is_name && !text.is_empty() && text.parse::<u64>().is_err()).then(|| CalicoPort::Name(text.into()))
}
