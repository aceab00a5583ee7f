//! Ports, and what rules ask of the layers above them: put in words that follow "if".

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::Policies;
use super::api::{HeaderMatch, Http, PortProtocol, PortRule, Rules};
use crate::policy::{Port, PortKind};
use crate::ports::{PortSet, Protocol};
use crate::record::CiliumPorts;

/// The most ports of one item (`maxPorts` of rule_validation.go).
const MOST_PORTS: usize = 40;

/// What an item asks for beside its ports: the field, and words for it.
struct Asked {
    conditions: Vec<String>,
    lookups: Vec<crate::policy::DomainPattern>,
}

impl Policies<'_, '_> {
    /// The items of `toPorts` of the rule at a pointer.
    pub(super) fn ports(&mut self, items: Vec<PortRule>, pointer: &str, is_ingress: bool, is_deny: bool) -> Vec<CiliumPorts> {
        let numbered = items.into_iter().enumerate();
        numbered.map(|(index, item)| self.item(item, &format!("{pointer}/toPorts/{index}"), is_ingress, is_deny)).collect()
    }

    fn item(&mut self, item: PortRule, pointer: &str, is_ingress: bool, is_deny: bool) -> CiliumPorts {
        let ports = item.ports.as_ref().filter(|ports| !ports.is_empty()).map(|ports| {
            if ports.len() > MOST_PORTS {
                self.refuse(format!("{pointer}/ports"), format!("there may be {MOST_PORTS} ports at most"));
            }
            let numbered = ports.iter().enumerate();
            numbered.filter_map(|(index, port)| self.port(port, &format!("{pointer}/ports/{index}"))).collect()
        });
        let mut asked = Asked { conditions: Vec::new(), lookups: Vec::new() };
        if ports.is_none() {
            self.reader.warn(format!("{pointer}/ports"), "there are no ports: whether that is every port or none depends on the version");
            asked.conditions.push("the version of Cilium takes toPorts without ports for every port".to_owned());
        }
        if is_deny {
            self.nothing_above_ports(&item, pointer);
        } else {
            self.above_ports(item, pointer, is_ingress, &mut asked);
        }
        let condition = (!asked.conditions.is_empty()).then(|| asked.conditions.join(" and ").into());
        CiliumPorts { ports, condition, lookups: asked.lookups }
    }

    /// Deny rules know ports only (`PortDenyRule`).
    fn nothing_above_ports(&mut self, item: &PortRule, pointer: &str) {
        let fields = [
            ("rules", item.rules.is_some()),
            ("serverNames", item.server_names.is_some()),
            ("terminatingTLS", item.terminating_tls.is_some()),
            ("originatingTLS", item.originating_tls.is_some()),
            ("listener", item.listener.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_there)| *is_there) {
            self.reader.warn(format!("{pointer}/{field}"), "the API knows no such field in a deny rule; it has no effect");
        }
    }

    fn above_ports(&mut self, item: PortRule, pointer: &str, is_ingress: bool, asked: &mut Asked) {
        let names = item.server_names.unwrap_or_default();
        if !names.is_empty() {
            asked.conditions.push(format!("the TLS server name is {}", names.join(" or ")));
        }
        if item.terminating_tls.is_some() || item.originating_tls.is_some() {
            asked.conditions.push("it is TLS that the proxy can end".to_owned());
        }
        if let Some(listener) = item.listener {
            if is_ingress {
                self.refuse(format!("{pointer}/listener"), "a listener is for egress only");
            }
            asked.conditions.push(format!("the listener {} lets it through", listener.name.unwrap_or_default()));
        }
        if let Some(rules) = item.rules {
            self.layer_7(rules, &format!("{pointer}/rules"), is_ingress, asked);
        }
    }

    fn layer_7(&mut self, rules: Rules, pointer: &str, is_ingress: bool, asked: &mut Asked) {
        let Rules { http, kafka, dns, l7proto, l7 } = rules;
        let l7proto = l7proto.filter(|name| !name.is_empty());
        if [http.is_some(), kafka.is_some(), dns.is_some(), l7proto.is_some()].iter().filter(|is_there| **is_there).count() > 1 {
            self.refuse(pointer, "rules of more than one protocol exclude each other");
        }
        let http = http.unwrap_or_default();
        if !http.is_empty() {
            asked.conditions.push(http_words(&http));
        }
        let kafka = kafka.unwrap_or_default();
        if !kafka.is_empty() {
            asked.conditions.push(requests_words("Kafka", &kafka));
        }
        let dns = dns.unwrap_or_default();
        if !dns.is_empty() {
            if is_ingress {
                self.refuse(format!("{pointer}/dns"), "rules on lookups are for egress only");
            }
            let numbered = dns.into_iter().enumerate();
            asked.lookups = numbered.flat_map(|(index, name)| self.fqdn(name, &format!("{pointer}/dns/{index}"))).collect();
            if !asked.lookups.iter().any(crate::policy::DomainPattern::is_everything) {
                let names: Vec<&str> = asked.lookups.iter().map(|pattern| pattern.text().as_str()).collect();
                asked.conditions.push(format!("it is a lookup of {}", names.join(" or ")));
            }
        }
        match (l7proto, l7.unwrap_or_default()) {
            (Some(protocol), requests) if requests.is_empty() => asked.conditions.push(format!("it is {protocol}")),
            (Some(protocol), requests) => asked.conditions.push(requests_words(&protocol, &requests)),
            (None, requests) if requests.is_empty() => {}
            (None, requests) => {
                self.refuse(format!("{pointer}/l7"), "l7 needs an l7proto");
                asked.conditions.push(requests_words("layer 7", &requests));
            }
        }
    }

    fn port(&mut self, port: &PortProtocol, pointer: &str) -> Option<Port> {
        let protocols = self.protocols(port.protocol.as_deref().unwrap_or("ANY"), &format!("{pointer}/protocol"))?;
        let at = format!("{pointer}/port");
        let text = match &port.port {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => {
                self.refuse(&*at, format!("the port {number} must be a text"));
                number.to_string()
            }
            _ => {
                self.refuse(&*at, "the port is missing");
                return None;
            }
        };
        let sets =
            |set: &dyn Fn(Protocol) -> PortSet| protocols.iter().fold(PortSet::none(), |so_far, protocol| so_far.union(&set(*protocol)));
        let kind = if is_port_name(&text) {
            let name: SmolStr = text.to_ascii_lowercase().into();
            match protocols.as_slice() {
                [] => PortKind::Set(PortSet::none()),
                [one] => PortKind::Named(Some(*one), name),
                _ => PortKind::Named(None, name),
            }
        } else {
            let Ok(first) = text.parse::<u16>() else {
                self.refuse(&*at, format!("{text:?} is neither a port nor a name of one"));
                return None;
            };
            let last = self.last_port(first, port.end_port, pointer)?;
            match first {
                // Port 0 stands for all.
                0 => PortKind::Set(sets(&PortSet::all_of)),
                first => PortKind::Set(sets(&|protocol| PortSet::range(protocol, first, last))),
            }
        };
        Some(Port { pointer: pointer.into(), kind })
    }

    /// The last port of a range that begins with `first`; an end of 0 is none.
    fn last_port(&mut self, first: u16, end: Option<i64>, pointer: &str) -> Option<u16> {
        let at = format!("{pointer}/endPort");
        match end.filter(|end| *end != 0) {
            None => Some(first),
            Some(end) => match u16::try_from(end) {
                Ok(end) if end >= first => Some(end),
                Ok(end) => {
                    self.reader.warn(at, format!("endPort {end} is below port {first}; it is passed over"));
                    Some(first)
                }
                Err(_) => {
                    self.refuse(at, format!("{end} is not a port: ports run from 1 to 65535"));
                    None
                }
            },
        }
    }

    /// The protocols with ports that a name stands for; none for those without.
    fn protocols(&mut self, name: &str, pointer: &str) -> Option<Vec<Protocol>> {
        match name.to_ascii_uppercase().as_str() {
            "" | "ANY" => Some(Protocol::ALL.to_vec()),
            "ICMP" | "ICMPV6" | "VRRP" | "IGMP" => Some(Vec::new()),
            upper => {
                let known = Protocol::parse(upper);
                if known.is_none() {
                    self.refuse(pointer, format!("unknown protocol {name:?}; known are TCP, UDP, SCTP, ICMP, ICMPv6, ANY"));
                }
                known.map(|protocol| vec![protocol])
            }
        }
    }
}

/// IANA service names: at most 15 of letters, digits and hyphens, at least one letter, no hyphen at an end or beside another.
fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && text.chars().any(|c| c.is_ascii_alphabetic())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// `the request is GET /public or POST /cart`: methods, paths and hosts are regular expressions, and stand as they were written.
fn http_words(requests: &[Http]) -> String {
    let words: Vec<String> = requests.iter().map(http_request).collect();
    if words.iter().any(String::is_empty) {
        return "it is HTTP".to_owned();
    }
    format!("the request is {}", words.join(" or "))
}

fn http_request(request: &Http) -> String {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut words: Vec<String> = [given(&request.method), given(&request.path)].into_iter().flatten().collect();
    words.extend(given(&request.host).map(|host| format!("to host {host}")));
    let headers = request.headers.iter().flatten().cloned();
    let matches = request.header_matches.iter().flatten().filter_map(header_words);
    words.extend(headers.chain(matches).map(|header| format!("with header {header}")));
    words.join(" ")
}

/// A header that must be there. With an action for a mismatch, the proxy puts it right and lets the request through.
fn header_words(header: &HeaderMatch) -> Option<String> {
    if header.mismatch.as_ref().is_some_and(|action| !action.is_empty()) {
        return None;
    }
    let name = header.name.clone().unwrap_or_default();
    Some(match (&header.value, &header.secret) {
        (_, Some(_)) => format!("{name} of a secret"),
        (Some(value), None) => format!("{name}: {value}"),
        (None, None) => name,
    })
}

/// `the Kafka request has role produce, topic orders or role consume`
fn requests_words(protocol: &str, requests: &[Map<String, Value>]) -> String {
    let one = |request: &Map<String, Value>| {
        let pairs = request.iter().map(|(key, value)| match value.as_str() {
            Some("") => key.clone(),
            Some(text) => format!("{key} {text}"),
            None => format!("{key} {value}"),
        });
        pairs.collect::<Vec<_>>().join(", ")
    };
    let words: Vec<String> = requests.iter().map(one).collect();
    if words.iter().any(String::is_empty) {
        return format!("it is {protocol}");
    }
    format!("the {protocol} request has {}", words.join(" or "))
}
