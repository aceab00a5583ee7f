//! Objects to records, one file a kind. The only place that names `k8s_openapi`.
//!
//! Invariant: nothing here fails. What cannot be read becomes a [`Warning`]; what can be read of the same object is kept.

/// Types of an API that k8s-openapi does not have: every field may be absent, and is named as the API names it.
macro_rules! api_types {
    ($($(#[$meta:meta])* struct $name:ident $(<$of:ident>)? { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub(super) struct $name $(<$of>)? { $($(#[$field_meta])* pub(super) $field: Option<$type>,)* }

            impl $(<$of>)? Default for $name $(<$of>)? {
                fn default() -> Self {
                    Self { $($field: None,)* }
                }
            }
        )*
    };
}

mod calico;
mod cilium;
mod cluster_policy;
mod egress;
mod gateway;
mod host;
mod ingress;
mod istio;
mod mesh;
mod namespace;
mod network_policy;
mod node;
mod openshift;
mod ovn;
mod pod;
mod service;
mod service_account;
#[cfg(test)]
mod testing;
mod unknown_fields;
mod workload;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use smol_str::SmolStr;

use crate::labels::{LabelSet, Operator, Requirement, Selector};
use crate::object::{Kind, Object, ObjectKey, Warning};
use crate::policy::Policy;
use crate::record::Record;

/// An object after intake.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What tells it from every other.
    pub key: ObjectKey,
    /// What it became; `None` where it could not be read at all.
    pub record: Option<Record>,
    /// The object itself, for kinds that can be edited. An OpenShift Route with certificates or a key within is not kept: they are to
    /// be shown nowhere, and handing it over without them would take them away.
    pub raw: Option<Arc<Value>>,
    /// What is wrong with it.
    pub warnings: Box<[Warning]>,
}

impl Entry {
    /// The policy that the object is by itself.
    pub(crate) fn policy(&self) -> Option<&Arc<Policy>> {
        self.record.as_ref().and_then(Record::policy)
    }
}

/// The label that every namespace of a cluster bears with its own name.
pub(crate) const fn name_label() -> &'static str {
    namespace::NAME_LABEL
}

/// Reads an object.
pub fn read(object: &Object) -> Entry {
    let mut reader = Reader { key: &object.key, warnings: Vec::new() };
    let raw = &*object.raw;
    let record = match object.key.kind {
        Kind::Namespace => namespace::read(raw, &mut reader).map(Record::Namespace),
        Kind::Node => node::read(raw, &mut reader).map(Box::new).map(Record::Node),
        Kind::Pod => pod::read(raw, &mut reader).map(Record::Pod),
        Kind::Deployment
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ReplicaSet
        | Kind::ReplicationController
        | Kind::CronJob
        | Kind::Job => workload::read(raw, &mut reader).map(Box::new).map(Record::Workload),
        Kind::Service => service::read(raw, &mut reader).map(Box::new).map(Record::Service),
        Kind::EndpointSlice => service::read_slice(raw, &mut reader).map(Box::new).map(Record::EndpointSlice),
        Kind::IngressClass => ingress::read_class(raw, &mut reader).map(Box::new).map(Record::IngressClass),
        Kind::Ingress => ingress::read(raw, &mut reader).map(Box::new).map(Record::Ingress),
        Kind::GatewayClass => gateway::read_class(raw, &mut reader).map(Box::new).map(Record::GatewayClass),
        Kind::Gateway => gateway::read(raw, &mut reader).map(Box::new).map(Record::Gateway),
        Kind::ListenerSet | Kind::XListenerSet => gateway::read_set(raw, &mut reader).map(Box::new).map(Record::ListenerSet),
        Kind::HttpRoute => gateway::read_http(raw, &mut reader).map(Box::new).map(Record::Route),
        Kind::GrpcRoute => gateway::read_grpc(raw, &mut reader).map(Box::new).map(Record::Route),
        Kind::TlsRoute => gateway::read_tls(raw, &mut reader).map(Box::new).map(Record::Route),
        Kind::TcpRoute | Kind::UdpRoute => gateway::read_stream(raw, &mut reader).map(Box::new).map(Record::Route),
        Kind::ReferenceGrant => gateway::read_grant(raw, &mut reader).map(Box::new).map(Record::ReferenceGrant),
        Kind::BackendTlsPolicy => gateway::read_backend_tls(raw, &mut reader).map(Box::new).map(Record::BackendTlsPolicy),
        Kind::OpenShiftRoute => openshift::read(raw, &mut reader).map(Box::new).map(Record::OpenShiftRoute),
        Kind::IstioGateway => istio::read_gateway(raw, &mut reader).map(Box::new).map(Record::IstioGateway),
        Kind::VirtualService => istio::read_virtual_service(raw, &mut reader).map(Box::new).map(Record::VirtualService),
        Kind::DestinationRule => istio::read_destination_rule(raw, &mut reader).map(Box::new).map(Record::DestinationRule),
        Kind::NetworkPolicy => network_policy::read(raw, &mut reader).map(Arc::new).map(Record::NetworkPolicy),
        Kind::ClusterNetworkPolicy => cluster_policy::read_cluster(raw, &mut reader).map(Box::new).map(Record::ClusterPolicy),
        Kind::AdminNetworkPolicy => cluster_policy::read_admin(raw, &mut reader).map(Box::new).map(Record::ClusterPolicy),
        Kind::BaselineAdminNetworkPolicy => cluster_policy::read_baseline(raw, &mut reader).map(Box::new).map(Record::ClusterPolicy),
        Kind::ServiceAccount => service_account::read(raw, &mut reader).map(Record::ServiceAccount),
        Kind::CiliumNetworkPolicy | Kind::CiliumClusterwideNetworkPolicy => {
            cilium::read_policy(raw, &mut reader).map(Box::new).map(Record::CiliumPolicy)
        }
        Kind::CiliumCidrGroup => cilium::read_cidr_group(raw, &mut reader).map(Box::new).map(Record::CidrGroup),
        Kind::CiliumEgressGatewayPolicy => egress::read_gateway(raw, &mut reader).map(Box::new).map(Record::EgressGateway),
        Kind::CalicoTier => calico::read_tier(raw, &mut reader).map(Box::new).map(Record::CalicoTier),
        Kind::CalicoNetworkPolicy | Kind::GlobalNetworkPolicy => {
            calico::read_policy(raw, &mut reader).map(Box::new).map(Record::CalicoPolicy)
        }
        Kind::NetworkSet | Kind::GlobalNetworkSet => calico::read_network_set(raw, &mut reader).map(Box::new).map(Record::NetworkSet),
        Kind::StagedNetworkPolicy | Kind::StagedGlobalNetworkPolicy | Kind::StagedKubernetesNetworkPolicy => {
            reader.warn("", "a staged policy has no effect until it is made a policy");
            None
        }
        Kind::AuthorizationPolicy => mesh::read_authorization(raw, &mut reader).map(Box::new).map(Record::AuthorizationPolicy),
        Kind::ServiceEntry => mesh::read_service_entry(raw, &mut reader).map(Box::new).map(Record::ServiceEntry),
        Kind::Sidecar => mesh::read_sidecar(raw, &mut reader).map(Box::new).map(Record::Sidecar),
        Kind::EgressFirewall => ovn::read_firewall(raw, &mut reader).map(Box::new).map(Record::EgressFirewall),
        Kind::EgressIp => egress::read_ip(raw, &mut reader).map(Box::new).map(Record::EgressIp),
        Kind::EgressService => egress::read_service(raw, &mut reader).map(Box::new).map(Record::EgressService),
    };
    let warnings = reader.warnings.into();
    let may_be_kept = object.key.kind.is_editable() && !(object.key.kind == Kind::OpenShiftRoute && openshift::holds_certificates(raw));
    Entry { key: object.key.clone(), record, raw: may_be_kept.then(|| Arc::clone(&object.raw)), warnings }
}

/// What a reader of one object needs: its key, and where warnings go.
struct Reader<'a> {
    key: &'a ObjectKey,
    warnings: Vec<Warning>,
}

impl Reader<'_> {
    fn warn(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Warning::new(self.key, pointer, message));
    }

    /// The value as a type of the API, or a warning that names the field.
    fn typed<T: DeserializeOwned>(&mut self, raw: &Value) -> Option<T> {
        match serde_path_to_error::deserialize(raw) {
            Ok(value) => Some(value),
            Err(error) => {
                let pointer = pointer_of(error.path());
                self.warn(pointer, format!("left out: {}", error.into_inner()));
                None
            }
        }
    }

    /// Labels from a map that may be absent.
    fn labels(map: Option<std::collections::BTreeMap<String, String>>) -> LabelSet {
        map.unwrap_or_default().into_iter().collect()
    }

    /// A selector, or `None` and a warning for each requirement that the API would refuse.
    fn selector(&mut self, selector: ApiSelector, pointer: &str) -> Option<Selector> {
        let mut requirements = Vec::new();
        let mut valid = true;
        for (key, value) in selector.match_labels.unwrap_or_default() {
            let pointer = format!("{pointer}/matchLabels/{}", escape(&key));
            valid &= self.label_key(&key, &pointer);
            self.label_value(&value, &pointer);
            requirements.push(Requirement { key: key.into(), operator: Operator::In(vec![value.into()]) });
        }
        for (index, expression) in selector.match_expressions.unwrap_or_default().into_iter().enumerate() {
            let values: Vec<SmolStr> = expression.values.unwrap_or_default().into_iter().map(Into::into).collect();
            for (value_index, value) in values.iter().enumerate() {
                self.label_value(value, &format!("{pointer}/matchExpressions/{index}/values/{value_index}"));
            }
            let needs_values = matches!(expression.operator.as_str(), "In" | "NotIn");
            if needs_values == values.is_empty() && matches!(expression.operator.as_str(), "In" | "NotIn" | "Exists" | "DoesNotExist") {
                let must = if needs_values { "needs at least one value" } else { "takes no values" };
                self.warn(format!("{pointer}/matchExpressions/{index}/values"), format!("operator {} {must}", expression.operator));
                valid = false;
            }
            let operator = match expression.operator.as_str() {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    let known = "In, NotIn, Exists, DoesNotExist";
                    self.warn(
                        format!("{pointer}/matchExpressions/{index}/operator"),
                        format!("unknown operator {other:?}; known are {known}"),
                    );
                    valid = false;
                    continue;
                }
            };
            valid &= self.label_key(&expression.key, &format!("{pointer}/matchExpressions/{index}/key"));
            requirements.push(Requirement { key: expression.key.into(), operator });
        }
        valid.then(|| Selector::new(requirements))
    }

    /// Whether a selector can ask for this key; no label can have another (apimachinery `IsQualifiedName`), and a server refuses it.
    fn label_key(&mut self, key: &str, pointer: &str) -> bool {
        let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
        let is_label = |label: &str| {
            let at_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            label.starts_with(at_end) && label.ends_with(at_end) && label.chars().all(|c| at_end(c) || c == '-')
        };
        let is_valid = is_label_text(name) && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label));
        if !is_valid {
            self.warn(pointer, format!("{key:?} is not a key that a label can have"));
        }
        is_valid
    }

    /// Warns of a value that no label can have. A selector that asks for it is in force where an older server took it.
    fn label_value(&mut self, value: &str, pointer: &str) {
        if !value.is_empty() && !is_label_text(value) {
            self.warn(pointer, format!("{value:?} is not a value that a label can have"));
        }
    }

    /// A port number from 1 to 65535, or a warning.
    fn port(&mut self, number: i64, pointer: &str) -> Option<u16> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Some(port),
            _ => {
                self.warn(pointer, format!("{number} is not a port: ports run from 1 to 65535"));
                None
            }
        }
    }

    /// The spec, or a warning that there is none.
    fn spec<S>(&mut self, spec: Option<S>) -> Option<S> {
        if spec.is_none() {
            self.warn("/spec", "left out: the spec is missing");
        }
        spec
    }

    /// A share from 0 to `most`; what lies outside becomes the nearest within, and a warning.
    fn weight(&mut self, weight: i64, most: u32, pointer: &str) -> u32 {
        let clamped = weight.clamp(0, i64::from(most));
        if clamped != weight {
            self.warn(pointer, format!("{weight} is not a weight: they run from 0 to {most}; taken as {clamped}"));
        }
        u32::try_from(clamped).unwrap_or(most)
    }

    /// A text that has to be there; an empty one and a warning where it is not.
    fn required(&mut self, text: Option<String>, what: &str, pointer: &str) -> SmolStr {
        if text.as_ref().is_none_or(String::is_empty) {
            self.warn(pointer, format!("{what} is missing"));
        }
        text.unwrap_or_default().into()
    }

    /// Hosts in lower case, and warnings of those that are none.
    fn hosts(&mut self, hosts: Option<Vec<String>>, pointer: &str, besides: host::Besides) -> Vec<SmolStr> {
        let numbered = hosts.unwrap_or_default().into_iter().enumerate();
        numbered
            .map(|(index, name)| {
                host::check(&name, &format!("{pointer}/{index}"), besides, self);
                SmolStr::from(name.to_ascii_lowercase())
            })
            .collect()
    }

    /// A protocol by name, TCP where there is none, or a warning.
    fn protocol(&mut self, name: Option<&str>, pointer: &str) -> Option<crate::ports::Protocol> {
        let name = name.unwrap_or("TCP");
        let protocol = crate::ports::Protocol::parse(name);
        if protocol.is_none() {
            self.warn(pointer, format!("unknown protocol {name:?}; known are TCP, UDP, SCTP"));
        }
        protocol
    }
}

/// `metadata.creationTimestamp`, RFC 3339; empty where there is none.
fn created(raw: &Value) -> SmolStr {
    raw.pointer("/metadata/creationTimestamp").and_then(Value::as_str).unwrap_or_default().into()
}

/// Texts as they are kept.
fn texts(texts: Option<Vec<String>>) -> Vec<SmolStr> {
    texts.unwrap_or_default().into_iter().map(SmolStr::from).collect()
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or a digit (apimachinery `IsQualifiedName`).
fn is_label_text(text: &str) -> bool {
    let at_end = |c: char| c.is_ascii_alphanumeric();
    let inside = |c: char| at_end(c) || matches!(c, '-' | '_' | '.');
    text.len() <= 63 && text.starts_with(at_end) && text.ends_with(at_end) && text.chars().all(inside)
}

type ApiSelector = k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The JSON pointer of a path that serde walked.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// One step of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
