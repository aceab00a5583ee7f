//! A generated cluster as raw objects, and as folders of YAML, one file a namespace.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use portolan_core::labels::{Labels, Operator, Selector};
use portolan_core::ports::Protocol;
use portolan_core::record::{ContainerPort, PodTemplate};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::model::{Cluster, Namespace, Pod, Policy, PolicyPortMatch, Rule, RulePeer, Workload};

impl Cluster {
    /// The objects, kind by kind, as an API server would hand them over.
    pub fn objects(&self) -> impl Iterator<Item = Value> {
        let namespaces = self.namespaces.iter().map(Namespace::raw);
        let workloads = self.workloads.iter().map(Workload::raw);
        namespaces.chain(workloads).chain(self.pods.iter().map(Pod::raw)).chain(self.policies.iter().map(Policy::raw))
    }

    /// Writes a file of YAML for each namespace into a folder, which is made if need be. Returns the number of files.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path) -> std::io::Result<usize> {
        std::fs::create_dir_all(folder)?;
        let mut by_namespace: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for object in self.objects() {
            let name = object.pointer("/metadata/namespace").or_else(|| object.pointer("/metadata/name"));
            by_namespace.entry(name.and_then(Value::as_str).unwrap_or_default().to_owned()).or_default().push(object);
        }
        for (namespace, objects) in &by_namespace {
            let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(format!("{namespace}.yaml")))?);
            for object in objects {
                let text = serde_yaml::to_string(object).map_err(std::io::Error::other)?;
                write!(file, "---\n{text}")?;
            }
            file.flush()?;
        }
        Ok(by_namespace.len())
    }
}

fn labels(labels: &Labels) -> Value {
    labels.iter().map(|(key, value)| (key.to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

impl Namespace {
    /// The object.
    pub fn raw(&self) -> Value {
        let labels: Map<_, _> = self.labels.iter().map(|(key, value)| (key.to_string(), json!(value))).collect();
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": labels}})
    }
}

fn pod_spec(record: &PodTemplate, node: &str) -> Value {
    let port = |port: &ContainerPort| {
        let mut raw = json!({"containerPort": port.port, "protocol": port.protocol.to_string()});
        if !port.name.is_empty() {
            raw["name"] = json!(port.name);
        }
        raw
    };
    let ports: Vec<Value> = record.ports.iter().map(port).collect();
    let mut spec = json!({"containers": [{"name": "main", "image": "registry.example/main:1", "ports": ports}]});
    if !node.is_empty() {
        spec["nodeName"] = json!(node);
    }
    spec
}

impl Workload {
    /// The object.
    pub fn raw(&self) -> Value {
        let mut metadata = json!({"name": self.key.name, "namespace": self.key.namespace});
        if let Some(owner) = &self.record.owner {
            metadata["ownerReferences"] = owner_reference(&owner.kind, &owner.name);
        }
        let mut spec = json!({"replicas": self.record.replicas});
        if let Some(template) = &self.record.template {
            spec["selector"] = json!({"matchLabels": labels(&template.labels)});
            spec["template"] = json!({"metadata": {"labels": labels(&template.labels)}, "spec": pod_spec(template, &template.node)});
        }
        json!({"apiVersion": self.key.kind.api_version(), "kind": self.key.kind.name(), "metadata": metadata, "spec": spec})
    }
}

fn owner_reference(kind: &SmolStr, name: &SmolStr) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true}])
}

impl Pod {
    /// The object.
    pub fn raw(&self) -> Value {
        let mut metadata = json!({"name": self.name, "namespace": self.namespace, "labels": labels(&self.template.labels)});
        if let Some(owner) = &self.template.owner {
            metadata["ownerReferences"] = owner_reference(&owner.kind, &owner.name);
        }
        let status =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "podIPs": [{"ip": self.address.to_string()}]});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(&self.template, &self.node), "status": status})
    }
}

fn selector(selector: &Selector) -> Value {
    let mut raw = json!({});
    for requirement in selector.requirements() {
        let (operator, values): (&str, &[SmolStr]) = match &requirement.operator {
            Operator::In(values) if values.len() == 1 && raw["matchLabels"].get(requirement.key.as_str()).is_none() => {
                raw["matchLabels"][requirement.key.as_str()] = json!(values[0]);
                continue;
            }
            Operator::In(values) => ("In", values),
            Operator::NotIn(values) => ("NotIn", values),
            Operator::Exists => ("Exists", &[]),
            Operator::DoesNotExist => ("DoesNotExist", &[]),
            Operator::Like(..) | Operator::NotLike(..) => unreachable!("no NetworkPolicy asks so"),
        };
        let mut expression = json!({"key": requirement.key, "operator": operator});
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        match raw["matchExpressions"].as_array_mut() {
            Some(expressions) => expressions.push(expression),
            None => raw["matchExpressions"] = json!([expression]),
        }
    }
    let fields = raw.as_object_mut().expect("an object");
    fields.retain(|_, value| !value.is_null());
    raw
}

impl Policy {
    /// The object.
    pub fn raw(&self) -> Value {
        let mut types = Vec::new();
        let mut spec = json!({"podSelector": selector(&self.pods)});
        for (rules, name, direction, field) in [(&self.ingress, "Ingress", "ingress", "from"), (&self.egress, "Egress", "egress", "to")] {
            if let Some(rules) = rules {
                types.push(name);
                if !rules.is_empty() {
                    spec[direction] = rules.iter().map(|rule| rule.raw(field)).collect();
                }
            }
        }
        spec["policyTypes"] = json!(types);
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": self.name, "namespace": self.namespace}, "spec": spec,
        })
    }
}

impl Rule {
    fn raw(&self, field: &str) -> Value {
        let mut raw = json!({});
        if !self.peers.is_empty() {
            raw[field] = self.peers.iter().map(RulePeer::raw).collect();
        }
        if !self.ports.is_empty() {
            raw["ports"] = self.ports.iter().map(port).collect();
        }
        raw
    }
}

impl RulePeer {
    fn raw(&self) -> Value {
        match self {
            Self::Pods(None, pods) => json!({"podSelector": selector(pods)}),
            Self::Pods(Some(namespaces), pods) if pods.is_everything() => json!({"namespaceSelector": selector(namespaces)}),
            Self::Pods(Some(namespaces), pods) => json!({"namespaceSelector": selector(namespaces), "podSelector": selector(pods)}),
            Self::Block(block, except) if except.is_empty() => json!({"ipBlock": {"cidr": block.to_string()}}),
            Self::Block(block, except) => {
                let except: Vec<String> = except.iter().map(ToString::to_string).collect();
                json!({"ipBlock": {"cidr": block.to_string(), "except": except}})
            }
        }
    }
}

fn port((protocol, port): &(Protocol, PolicyPortMatch)) -> Value {
    let mut raw = json!({"protocol": protocol.to_string()});
    match port {
        PolicyPortMatch::All => {}
        PolicyPortMatch::Name(name) => raw["port"] = json!(name),
        PolicyPortMatch::Range(first, last) => {
            raw["port"] = json!(first);
            if last != first {
                raw["endPort"] = json!(last);
            }
        }
    }
    raw
}
