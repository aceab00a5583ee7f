//! NetworkPolicies: validation and defaulting as networking/v1 `types.go` and its validation say, and compiling into the one
//! representation of policies. Nothing but the object itself decides what it comes to, so that this is done once, on arrival.
//!
//! A part that the API would refuse matches nothing and is warned about; the policy still isolates the pods that it selects, so a
//! mistake in a rule never opens anything.

use ipnet::IpNet;
use k8s_openapi::api::networking::v1::{IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::{Reader, unknown_fields};
use crate::address::AddressBlock;
use crate::labels::Selector;
use crate::policy::{
    Action, BlockKind, HostNetwork, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, RANK_ON_ARRIVAL, Rule,
};
use crate::ports::PortSet;

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<Policy> {
    let policy: NetworkPolicy = reader.typed(raw)?;
    unknown_fields::check(raw, &policy, reader);
    let Some(spec) = policy.spec else {
        reader.warn("/spec", "left out: the spec is missing");
        return None;
    };
    let pod_selector = match reader.selector(spec.pod_selector.unwrap_or_default(), "/spec/podSelector") {
        Some(selector) => selector,
        // Whom it selects is unknown; taking nobody would open what it may have meant to close, so say that it is out of force.
        None => {
            reader.warn("/spec/podSelector", "left out: the policy cannot be in force with this selector");
            return None;
        }
    };
    // types.go, policyTypes: unset means Ingress, and Egress if there is any egress rule.
    let has_egress_rules = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
    let (isolates_ingress, isolates_egress) = match spec.policy_types.filter(|types| !types.is_empty()) {
        None => (true, has_egress_rules),
        Some(types) => {
            for (index, name) in types.iter().enumerate().filter(|(_, name)| !matches!(name.as_str(), "Ingress" | "Egress")) {
                reader.warn(format!("/spec/policyTypes/{index}"), format!("unknown policy type {name:?}; known are Ingress, Egress"));
            }
            if types.len() > 2 {
                reader.warn("/spec/policyTypes", "at most two policy types may be given");
            }
            (types.iter().any(|name| name == "Ingress"), types.iter().any(|name| name == "Egress"))
        }
    };
    let ingress = spec.ingress.unwrap_or_default().into_iter().enumerate();
    let ingress = ingress.map(|(index, rule)| read_rule(format!("/spec/ingress/{index}"), "from", rule.from, rule.ports, reader)).collect();
    let egress = spec.egress.unwrap_or_default().into_iter().enumerate();
    let egress = egress.map(|(index, rule)| read_rule(format!("/spec/egress/{index}"), "to", rule.to, rule.ports, reader)).collect();
    let own = NamespaceScope::One(reader.key.namespace.clone());
    let subject = PodSelector { namespaces: own, pods: pod_selector, host_network: HostNetwork::Assumed };
    Some(Policy::new(reader.key.clone(), RANK_ON_ARRIVAL, subject, isolates_ingress.then_some(ingress), isolates_egress.then_some(egress)))
}

fn read_rule(
    pointer: String,
    peers_field: &str,
    peers: Option<Vec<NetworkPolicyPeer>>,
    ports: Option<Vec<NetworkPolicyPort>>,
    reader: &mut Reader<'_>,
) -> Rule {
    // types.go: "if this field is empty or missing, this rule matches all" holds for peers and ports alike.
    let peers = peers.filter(|peers| !peers.is_empty()).map(|peers| {
        let numbered = peers.into_iter().enumerate();
        numbered.filter_map(|(index, peer)| read_peer(format!("{pointer}/{peers_field}/{index}"), peer, reader)).collect()
    });
    let ports = ports.filter(|ports| !ports.is_empty()).map(|ports| {
        let numbered = ports.into_iter().enumerate();
        numbered.filter_map(|(index, port)| read_port(format!("{pointer}/ports/{index}"), port, reader)).collect()
    });
    Rule::new(pointer, Action::Allow, peers, ports)
}

fn read_peer(pointer: String, peer: NetworkPolicyPeer, reader: &mut Reader<'_>) -> Option<Peer> {
    let kind = match (peer.ip_block, peer.namespace_selector, peer.pod_selector) {
        (None, None, None) => {
            reader.warn(&pointer, "the peer names neither pods, nor namespaces, nor a block; it matches nothing");
            return None;
        }
        (Some(_), namespaces, pods) if namespaces.is_some() || pods.is_some() => {
            reader.warn(&pointer, "an ipBlock stands alone, without selectors; the peer matches nothing");
            return None;
        }
        (Some(block), ..) => PeerKind::Block(BlockKind::IpBlock, read_block(&block, &format!("{pointer}/ipBlock"), reader)?),
        (None, namespaces, pods) => {
            let namespaces = match namespaces {
                Some(selector) => NamespaceScope::Matching(reader.selector(selector, &format!("{pointer}/namespaceSelector"))?),
                None => NamespaceScope::One(reader.key.namespace.clone()),
            };
            let pods = match pods {
                Some(selector) => reader.selector(selector, &format!("{pointer}/podSelector"))?,
                None => Selector::default(),
            };
            PeerKind::Pods(PodSelector { namespaces, pods, host_network: HostNetwork::Assumed })
        }
    };
    Some(Peer { pointer: pointer.into(), kind })
}

fn read_block(block: &IPBlock, pointer: &str, reader: &mut Reader<'_>) -> Option<AddressBlock> {
    let cidr = read_cidr(&block.cidr, &format!("{pointer}/cidr"), reader)?;
    let mut holes = Vec::new();
    for (index, text) in block.except.iter().flatten().enumerate() {
        let pointer = format!("{pointer}/except/{index}");
        match text.parse::<IpNet>() {
            Err(_) => reader.warn(pointer, format!("{text:?} is not a block of addresses; it takes nothing out")),
            Ok(hole) => {
                // Validation: "must be a strict subset of `cidr`".
                if !(cidr.trunc().contains(&hole.trunc()) && hole.prefix_len() > cidr.prefix_len()) {
                    reader.warn(&*pointer, format!("{text} is not strictly within {}", block.cidr));
                }
                warn_of_legacy_block(text, hole, &pointer, reader);
                holes.push(hole);
            }
        }
    }
    Some(AddressBlock::new(cidr, &holes))
}

/// A block of addresses, or a warning.
pub(super) fn read_cidr(text: &str, pointer: &str, reader: &mut Reader<'_>) -> Option<IpNet> {
    let Ok(cidr) = text.parse::<IpNet>() else {
        reader.warn(pointer, format!("{text:?} is not a block of addresses; the peer matches nothing"));
        return None;
    };
    warn_of_legacy_block(text, cidr, pointer, reader);
    Some(cidr)
}

/// Warns of a block that older servers took and newer ones refuse (KEP-4858): leading zeros, bits past the prefix, an IPv4 address in
/// IPv6 dress. It means what it meant to the older ones.
fn warn_of_legacy_block(text: &str, block: IpNet, pointer: &str, reader: &mut Reader<'_>) {
    let strict = text.split_once('/').is_some_and(|(address, prefix)| {
        let mapped = |address: std::net::IpAddr| matches!(address, std::net::IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        let is_plain = address.parse().is_ok_and(|address: std::net::IpAddr| !mapped(address));
        is_plain && (prefix.len() == 1 || !prefix.starts_with('0'))
    });
    if !strict || block.addr() != block.network() {
        reader.warn(pointer, format!("newer servers refuse {text}; it is taken as {}", block.trunc()));
    }
}

fn read_port(pointer: String, port: NetworkPolicyPort, reader: &mut Reader<'_>) -> Option<Port> {
    let protocol = reader.protocol(port.protocol.as_deref(), &format!("{pointer}/protocol"))?;
    let end_pointer = format!("{pointer}/endPort");
    let matched = match port.port {
        None => {
            if port.end_port.is_some() {
                reader.warn(end_pointer, "endPort needs a port; this item matches nothing");
                return None;
            }
            PortKind::Set(PortSet::all_of(protocol))
        }
        Some(IntOrString::String(name)) => {
            if port.end_port.is_some() {
                reader.warn(end_pointer, "endPort needs a port number, not a name; this item matches nothing");
                return None;
            }
            // IANA service names: at most 15 of a-z, 0-9 and -, at least one letter, no hyphen at an end or beside another.
            let is_valid = name.len() <= 15
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && name.chars().any(|c| c.is_ascii_lowercase())
                && !name.starts_with('-')
                && !name.ends_with('-')
                && !name.contains("--");
            if !is_valid {
                reader.warn(format!("{pointer}/port"), format!("{name:?} is not a name that a container port can have"));
            }
            PortKind::Named(Some(protocol), name.into())
        }
        Some(IntOrString::Int(number)) => {
            let first = reader.port(i64::from(number), &format!("{pointer}/port"))?;
            let last = match port.end_port {
                None => first,
                Some(end) if end > i32::from(u16::MAX) => {
                    reader.warn(&*end_pointer, format!("servers refuse endPort {end}, above the last port; it is taken as 65535"));
                    u16::MAX
                }
                Some(end) => reader.port(i64::from(end), &end_pointer)?,
            };
            if last < first {
                reader.warn(end_pointer, format!("endPort {last} is below port {first}; this item matches nothing"));
                return None;
            }
            PortKind::Set(PortSet::range(protocol, first, last))
        }
    };
    Some(Port { pointer: pointer.into(), kind: matched })
}
