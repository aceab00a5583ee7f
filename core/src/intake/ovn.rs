//! OVN-Kubernetes: EgressFirewalls, validated as the definition of k8s.ovn.org says.

use ipnet::IpNet;
use serde_json::Value;

use super::{ApiSelector, Reader, unknown_fields};
use crate::ports::{PortSet, Protocol};
use crate::record::{EgressFirewallRecord, FirewallDestination, FirewallRule};

/// The name that every EgressFirewall has: there is one for a namespace.
const NAME: &str = "default";

api_types! {
    struct Firewall {
        spec: Spec,
    }

    struct Spec {
        egress: Vec<Rule>,
    }

    struct Rule {
        #[serde(rename = "type")]
        kind: String,
        to: To,
        ports: Vec<Port>,
    }

    struct To {
        cidr_selector: String,
        dns_name: String,
        node_selector: ApiSelector,
    }

    struct Port {
        protocol: String,
        port: i64,
    }
}

pub(super) fn read_firewall(raw: &Value, reader: &mut Reader<'_>) -> Option<EgressFirewallRecord> {
    let firewall: Firewall = reader.typed(raw)?;
    unknown_fields::check(raw, &firewall, reader);
    if reader.key.name != NAME {
        reader.warn("/metadata/name", format!("left out: the one EgressFirewall of a namespace is named {NAME:?}"));
        return None;
    }
    let rules = reader.spec(firewall.spec)?.egress.unwrap_or_default().into_iter().enumerate();
    Some(EgressFirewallRecord {
        rules: rules.filter_map(|(index, rule)| read_rule(rule, &format!("/spec/egress/{index}"), reader)).collect(),
    })
}

fn read_rule(rule: Rule, pointer: &str, reader: &mut Reader<'_>) -> Option<FirewallRule> {
    let allows = match rule.kind.as_deref() {
        Some("Allow") => true,
        Some("Deny") => false,
        other => {
            let what = other.map_or_else(|| "the type is missing".to_owned(), |other| format!("unknown type {other:?}"));
            reader.warn(format!("{pointer}/type"), format!("{what}; known are Allow, Deny; the rule is taken to deny"));
            false
        }
    };
    let to = read_destination(rule.to.unwrap_or_default(), &format!("{pointer}/to"), reader);
    if to.is_none() {
        let effect = if allows { "the rule matches nothing" } else { "what the rule denies is not known" };
        reader.warn(format!("{pointer}/to"), effect);
    }
    let ports = rule.ports.filter(|ports| !ports.is_empty()).map(|ports| {
        let mut set = PortSet::none();
        for (index, port) in ports.into_iter().enumerate() {
            let read = read_port(port, &format!("{pointer}/ports/{index}"), reader);
            // A port that cannot be read takes nothing away from a denial.
            set = set.union(&read.unwrap_or_else(|| if allows { PortSet::none() } else { PortSet::all() }));
        }
        set
    });
    Some(FirewallRule { pointer: pointer.into(), allows, to, ports })
}

fn read_port(port: Port, pointer: &str, reader: &mut Reader<'_>) -> Option<PortSet> {
    let protocol: Protocol = reader.protocol(port.protocol.as_deref(), &format!("{pointer}/protocol"))?;
    match port.port {
        // As the controller takes it.
        None | Some(0) => Some(PortSet::all_of(protocol)),
        Some(number) => Some(PortSet::one(protocol, reader.port(number, &format!("{pointer}/port"))?)),
    }
}

fn read_destination(to: To, pointer: &str, reader: &mut Reader<'_>) -> Option<FirewallDestination> {
    let To { cidr_selector, dns_name, node_selector } = to;
    match (cidr_selector.filter(|text| !text.is_empty()), dns_name.filter(|text| !text.is_empty()), node_selector) {
        (Some(block), None, None) => {
            let read: Option<IpNet> = block.parse().ok();
            if read.is_none() {
                reader.warn(format!("{pointer}/cidrSelector"), format!("{block:?} is not a block of addresses"));
            }
            read.map(|block| FirewallDestination::Block(block.trunc()))
        }
        (None, Some(name), None) => {
            let lower = name.to_ascii_lowercase();
            let lower = lower.strip_suffix('.').unwrap_or(&lower);
            let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            let is_name = lower.strip_prefix("*.").unwrap_or(lower).split('.').all(is_label);
            if !is_name {
                reader.warn(format!("{pointer}/dnsName"), format!("{name:?} is not a domain name, nor one after \"*.\""));
            }
            is_name.then(|| FirewallDestination::Domain(lower.into()))
        }
        (None, None, Some(nodes)) => reader.selector(nodes, &format!("{pointer}/nodeSelector")).map(FirewallDestination::Nodes),
        _ => {
            reader.warn(pointer, "exactly one must be given of cidrSelector, dnsName, nodeSelector");
            None
        }
    }
}
