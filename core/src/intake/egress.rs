//! What says through which node or gateway traffic leaves: CiliumEgressGatewayPolicies, EgressIPs, EgressServices, and annotations of Calico.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

use super::cilium::selector::{ACCOUNT, NAMESPACE, NAMESPACE_LABELS};
use super::{ApiSelector, Reader, calico, unknown_fields};
use crate::labels::{Requirement, Selector};
use crate::record::{
    ACCOUNT_KEY, EgressAnnotations, EgressGatewayNode, EgressGatewayRecord, EgressIpRecord, EgressServiceRecord, EgressSubject,
};

api_types! {
    struct Whole<S> {
        api_version: String,
        kind: String,
        metadata: Value,
        spec: S,
        status: Value,
    }

    struct GatewaySpec {
        selectors: Vec<GatewaySelector>,
        #[serde(rename = "destinationCIDRs")]
        destinations: Vec<String>,
        #[serde(rename = "excludedCIDRs")]
        excluded: Vec<String>,
        egress_gateway: Gateway,
        egress_gateways: Vec<Gateway>,
    }

    struct GatewaySelector {
        pod_selector: ApiSelector,
        namespace_selector: ApiSelector,
        node_selector: ApiSelector,
    }

    struct Gateway {
        node_selector: ApiSelector,
        interface: String,
        #[serde(rename = "egressIP")]
        address: String,
    }

    struct IpSpec {
        #[serde(rename = "egressIPs")]
        addresses: Vec<String>,
        namespace_selector: ApiSelector,
        pod_selector: ApiSelector,
    }

    struct ServiceSpec {
        #[serde(rename = "sourceIPBy")]
        source: String,
        node_selector: ApiSelector,
        network: String,
    }
}

fn whole<S: Serialize + DeserializeOwned>(raw: &Value, reader: &mut Reader<'_>) -> Option<(S, Option<Value>)> {
    let object: Whole<S> = reader.typed(raw)?;
    unknown_fields::check(raw, &object, reader);
    let spec = reader.spec(object.spec)?;
    Some((spec, object.status))
}

pub(super) fn read_gateway(raw: &Value, reader: &mut Reader<'_>) -> Option<EgressGatewayRecord> {
    let (spec, _) = whole::<GatewaySpec>(raw, reader)?;
    let mut record = EgressGatewayRecord {
        destinations: blocks(spec.destinations, "/spec/destinationCIDRs", reader),
        excluded: blocks(spec.excluded, "/spec/excludedCIDRs", reader),
        ..EgressGatewayRecord::default()
    };
    if record.destinations.is_empty() {
        reader.warn("/spec/destinationCIDRs", "at least one block of addresses must be given: the policy routes nothing");
    }
    for (index, selector) in spec.selectors.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("/spec/selectors/{index}");
        if selector.pod_selector.is_none() && selector.namespace_selector.is_none() {
            reader.warn(&*pointer, "a podSelector or a namespaceSelector must be given; the selector is left out");
            continue;
        }
        record.selectors.extend(read_selector(selector, &pointer, reader));
    }
    let several = spec.egress_gateways.unwrap_or_default().into_iter().enumerate();
    let several = several.map(|(index, gateway)| (format!("/spec/egressGateways/{index}"), gateway));
    let gateways = spec.egress_gateway.map(|gateway| ("/spec/egressGateway".to_owned(), gateway)).into_iter().chain(several);
    for (pointer, gateway) in gateways {
        record.gateways.extend(read_node(gateway, pointer, reader));
    }
    if record.gateways.is_empty() {
        reader.warn("/spec/egressGateway", "the gateway is missing: the policy routes nothing");
    }
    Some(record)
}

fn read_selector(selector: GatewaySelector, pointer: &str, reader: &mut Reader<'_>) -> Option<EgressSubject> {
    let pods = reader.selector(without_sources(selector.pod_selector.unwrap_or_default()), &format!("{pointer}/podSelector"))?;
    let namespaces = reader.selector(selector.namespace_selector.unwrap_or_default(), &format!("{pointer}/namespaceSelector"))?;
    let nodes = reader.selector(selector.node_selector.unwrap_or_default(), &format!("{pointer}/nodeSelector"))?;
    let (mut of_namespaces, mut of_pods) = (namespaces.requirements().to_vec(), Vec::new());
    for requirement in pods.requirements() {
        let with_key = |key: &str| Requirement { key: key.into(), operator: requirement.operator.clone() };
        match requirement.key.as_str() {
            NAMESPACE => of_namespaces.push(with_key(crate::intake_name_label())),
            ACCOUNT => of_pods.push(with_key(ACCOUNT_KEY)),
            key => match key.strip_prefix(NAMESPACE_LABELS) {
                Some(label) => of_namespaces.push(with_key(label)),
                None => of_pods.push(with_key(key)),
            },
        }
    }
    Some(EgressSubject { namespaces: Selector::new(of_namespaces), pods: Selector::new(of_pods), nodes })
}

/// A selector whose keys name no source of labels (`k8s:app`), as those of Cilium may.
fn without_sources(selector: ApiSelector) -> ApiSelector {
    let plain = |key: String| ["k8s:", "any:"].iter().find_map(|source| key.strip_prefix(source).map(str::to_owned)).unwrap_or(key);
    ApiSelector {
        match_labels: selector.match_labels.map(|labels| labels.into_iter().map(|(key, value)| (plain(key), value)).collect()),
        match_expressions: selector.match_expressions.map(|expressions| {
            let renamed = expressions.into_iter().map(|mut expression| {
                expression.key = plain(expression.key);
                expression
            });
            renamed.collect()
        }),
    }
}

fn read_node(gateway: Gateway, pointer: String, reader: &mut Reader<'_>) -> Option<EgressGatewayNode> {
    let Some(selector) = gateway.node_selector else {
        reader.warn(format!("{pointer}/nodeSelector"), "the selector of the gateway's node is missing; the gateway is left out");
        return None;
    };
    let nodes = reader.selector(selector, &format!("{pointer}/nodeSelector"))?;
    let address = gateway.address.and_then(|text| address(&text, &format!("{pointer}/egressIP"), reader));
    Some(EgressGatewayNode { nodes, address, interface: gateway.interface.unwrap_or_default().into(), pointer: pointer.into() })
}

pub(super) fn read_ip(raw: &Value, reader: &mut Reader<'_>) -> Option<EgressIpRecord> {
    let (spec, status) = whole::<IpSpec>(raw, reader)?;
    let Some(namespaces) = spec.namespace_selector else {
        reader.warn("/spec/namespaceSelector", "left out: the selector of namespaces is missing");
        return None;
    };
    let namespaces = reader.selector(namespaces, "/spec/namespaceSelector")?;
    let pods = reader.selector(spec.pod_selector.unwrap_or_default(), "/spec/podSelector")?;
    let texts = spec.addresses.unwrap_or_default().into_iter().enumerate();
    let addresses: Vec<IpAddr> = texts.filter_map(|(index, text)| address(&text, &format!("/spec/egressIPs/{index}"), reader)).collect();
    if addresses.is_empty() {
        reader.warn("/spec/egressIPs", "at least one address must be given");
    }
    let items = status.as_ref().and_then(|status| status.get("items")).and_then(Value::as_array);
    let assigned = items.into_iter().flatten().filter_map(|item| {
        let node = item.get("node")?.as_str()?;
        Some((SmolStr::from(node), item.get("egressIP")?.as_str()?.parse().ok()?))
    });
    let subject = EgressSubject { namespaces, pods, nodes: Selector::default() };
    Some(EgressIpRecord { subject, addresses, assigned: assigned.collect() })
}

pub(super) fn read_service(raw: &Value, reader: &mut Reader<'_>) -> Option<EgressServiceRecord> {
    let (spec, status) = whole::<ServiceSpec>(raw, reader)?;
    let by_load_balancer = match spec.source.as_deref() {
        None | Some("" | "LoadBalancerIP") => true,
        Some("Network") => false,
        Some(other) => {
            reader.warn("/spec/sourceIPBy", format!("unknown value {other:?}; known are LoadBalancerIP, Network"));
            return None;
        }
    };
    let nodes = reader.selector(spec.node_selector.unwrap_or_default(), "/spec/nodeSelector")?;
    let host = status.as_ref().and_then(|status| status.get("host")).and_then(Value::as_str).filter(|host| *host != "ALL");
    Some(EgressServiceRecord { by_load_balancer, nodes, host: host.unwrap_or_default().into() })
}

/// What the annotations of a namespace or a pod say of egress gateways (Calico); `None` where they say nothing.
pub(super) fn annotations(annotations: Option<&BTreeMap<String, String>>, reader: &mut Reader<'_>) -> Option<Box<EgressAnnotations>> {
    let value = |name: &str| annotations?.get(&format!("egress.projectcalico.org/{name}")).filter(|text| !text.is_empty());
    let (gateways, namespaces, policy) = (value("selector"), value("namespaceSelector"), value("egressGatewayPolicy"));
    if gateways.is_none() && policy.is_none() {
        return None;
    }
    let mut read = |name: &str, text: &String| {
        calico::selector_of_annotation(text, &format!("/metadata/annotations/egress.projectcalico.org~1{name}"), reader)
    };
    let found = EgressAnnotations {
        gateways: gateways.and_then(|text| read("selector", text)),
        namespaces: namespaces.and_then(|text| read("namespaceSelector", text)),
        policy: policy.cloned().unwrap_or_default().into(),
    };
    Some(Box::new(found))
}

fn address(text: &str, pointer: &str, reader: &mut Reader<'_>) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        reader.warn(pointer, format!("{text:?} is not an address"));
    }
    address
}

fn blocks(texts: Option<Vec<String>>, pointer: &str, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let numbered = texts.unwrap_or_default().into_iter().enumerate();
    let read = |(index, text): (usize, String)| {
        let block = text.parse::<IpNet>().ok();
        if block.is_none() {
            reader.warn(format!("{pointer}/{index}"), format!("{text:?} is not a block of addresses; it is left out"));
        }
        block.map(|block| block.trunc())
    };
    numbered.filter_map(read).collect()
}
