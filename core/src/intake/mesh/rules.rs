//! The rules of AuthorizationPolicies: what can be decided here as it is, and what is asked of requests in words.

use serde_json::Value;
use smol_str::SmolStr;

use super::super::Reader;
use super::{api, block};
use crate::ports::{PortSet, Protocol};
use crate::record::{AuthorizationRule, MeshOperation, MeshSource, Wanted};

/// Reads a rule. What is wrong with it marks it.
pub(super) fn read(rule: api::Rule, pointer: &str, denies: bool, reader: &mut Reader<'_>) -> AuthorizationRule {
    let mut read = Read { reader, is_faulty: false };
    let mut rules =
        AuthorizationRule { pointer: pointer.into(), when_ports: PortSet::all_of(Protocol::Tcp), ..AuthorizationRule::default() };
    for (field, is_empty) in [("from", rule.from.as_ref().is_some_and(Vec::is_empty)), ("to", rule.to.as_ref().is_some_and(Vec::is_empty))]
    {
        if is_empty {
            read.fault(&format!("{pointer}/{field}"), "an empty list is refused by servers");
        }
    }
    for (index, from) in rule.from.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/from/{index}/source");
        match from.source {
            Some(source) => rules.from.push(read.source(source, pointer)),
            None => read.fault(&pointer, "the source is missing"),
        }
    }
    for (index, to) in rule.to.unwrap_or_default().into_iter().enumerate() {
        let pointer = format!("{pointer}/to/{index}/operation");
        match to.operation {
            Some(operation) => rules.to.push(read.operation(operation, pointer)),
            None => read.fault(&pointer, "the operation is missing"),
        }
    }
    for (index, condition) in rule.when.unwrap_or_default().into_iter().enumerate() {
        read.condition(condition, &format!("{pointer}/when/{index}"), &mut rules);
    }
    rules.is_faulty = read.is_faulty;
    if rules.is_faulty {
        let effect = if denies { "what the rule matches is not known" } else { "the rule matches nothing" };
        reader.warn(pointer, effect);
    }
    rules
}

struct Read<'a, 'r> {
    reader: &'a mut Reader<'r>,
    is_faulty: bool,
}

impl Read<'_, '_> {
    fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        self.reader.warn(pointer, message);
        self.is_faulty = true;
    }

    /// Values, of which none may be empty.
    fn values(&mut self, values: Option<Vec<String>>, pointer: &str) -> Vec<SmolStr> {
        let values = values.unwrap_or_default();
        for (index, _) in values.iter().enumerate().filter(|(_, value)| value.is_empty()) {
            self.fault(&format!("{pointer}/{index}"), "an empty value is refused by servers");
        }
        values.into_iter().filter(|value| !value.is_empty()).map(SmolStr::from).collect()
    }

    fn blocks(&mut self, values: Option<Vec<String>>, pointer: &str) -> Vec<ipnet::IpNet> {
        let mut blocks = Vec::new();
        for (index, text) in values.unwrap_or_default().into_iter().enumerate() {
            match block(&text) {
                Some(block) => blocks.push(block),
                None => self.fault(&format!("{pointer}/{index}"), format!("{text:?} is neither an address nor a block")),
            }
        }
        blocks
    }

    fn ports(&mut self, values: Option<Vec<Value>>, pointer: &str) -> Option<PortSet> {
        let values = values.filter(|values| !values.is_empty())?;
        let mut set = PortSet::none();
        for (index, value) in values.into_iter().enumerate() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match text.parse::<u16>() {
                Ok(port) if port > 0 => set = set.union(&PortSet::one(Protocol::Tcp, port)),
                _ => self.fault(&format!("{pointer}/{index}"), format!("{text:?} is not a port: ports run from 1 to 65535")),
            }
        }
        Some(set)
    }

    fn accounts(&mut self, values: Option<Vec<String>>, pointer: &str) -> Vec<(SmolStr, SmolStr)> {
        let own = self.reader.key.namespace.clone();
        let values = self.values(values, pointer).into_iter();
        values
            .map(|value| value.split_once('/').map_or((own.clone(), value.clone()), |(namespace, name)| (namespace.into(), name.into())))
            .collect()
    }

    fn source(&mut self, source: api::Source, pointer: String) -> MeshSource {
        let n_warnings = self.reader.warnings.len();
        let at = |field: &str| format!("{pointer}/{field}");
        let mut read = MeshSource {
            principals: Wanted {
                any: self.values(source.principals, &at("principals")),
                none: self.values(source.not_principals, &at("notPrincipals")),
            },
            namespaces: Wanted {
                any: self.values(source.namespaces, &at("namespaces")),
                none: self.values(source.not_namespaces, &at("notNamespaces")),
            },
            accounts: Wanted {
                any: self.accounts(source.service_accounts, &at("serviceAccounts")),
                none: self.accounts(source.not_service_accounts, &at("notServiceAccounts")),
            },
            blocks: Wanted {
                any: self.blocks(source.ip_blocks, &at("ipBlocks")),
                none: self.blocks(source.not_ip_blocks, &at("notIpBlocks")),
            },
            ..MeshSource::default()
        };
        for (values, field, is, what) in [
            (source.remote_ip_blocks, "remoteIpBlocks", true, "the address of the client, as a gateway tells it,"),
            (source.not_remote_ip_blocks, "notRemoteIpBlocks", false, "the address of the client, as a gateway tells it,"),
            (source.request_principals, "requestPrincipals", true, "the issuer and subject of the request's token"),
            (source.not_request_principals, "notRequestPrincipals", false, "the issuer and subject of the request's token"),
        ] {
            read.words.extend(words(what, is, &self.values(values, &at(field))));
        }
        if read == MeshSource::default() && self.reader.warnings.len() == n_warnings {
            self.fault(&pointer, "an empty source is refused by servers");
        }
        MeshSource { pointer: pointer.into(), ..read }
    }

    fn operation(&mut self, operation: api::Operation, pointer: String) -> MeshOperation {
        let n_warnings = self.reader.warnings.len();
        let at = |field: &str| format!("{pointer}/{field}");
        let ports = self.ports(operation.ports, &at("ports"));
        let not_ports = self.ports(operation.not_ports, &at("notPorts"));
        let says_ports = ports.is_some() || not_ports.is_some();
        let ports = ports.unwrap_or_else(|| PortSet::all_of(Protocol::Tcp)).difference(&not_ports.unwrap_or_default());
        let mut asked = Vec::new();
        for (values, field, is, what) in [
            (operation.hosts, "hosts", true, "the host of the request"),
            (operation.not_hosts, "notHosts", false, "the host of the request"),
            (operation.methods, "methods", true, "the method of the request"),
            (operation.not_methods, "notMethods", false, "the method of the request"),
            (operation.paths, "paths", true, "the path of the request"),
            (operation.not_paths, "notPaths", false, "the path of the request"),
        ] {
            asked.extend(words(what, is, &self.values(values, &at(field))));
        }
        if !says_ports && asked.is_empty() && self.reader.warnings.len() == n_warnings {
            self.fault(&pointer, "an empty operation is refused by servers");
        }
        MeshOperation { pointer: pointer.into(), ports, words: asked }
    }

    fn condition(&mut self, condition: api::Condition, pointer: &str, rule: &mut AuthorizationRule) {
        let key = condition.key.unwrap_or_default();
        let (any, none) = (condition.values.unwrap_or_default(), condition.not_values.unwrap_or_default());
        if key.is_empty() {
            return self.fault(&format!("{pointer}/key"), "the key is missing");
        }
        if any.is_empty() && none.is_empty() {
            return self.fault(pointer, "values or notValues must be given");
        }
        let (any_at, none_at) = (format!("{pointer}/values"), format!("{pointer}/notValues"));
        let mut source = MeshSource { pointer: pointer.into(), ..MeshSource::default() };
        match key.as_str() {
            "source.principal" => {
                source.principals = Wanted { any: self.values(Some(any), &any_at), none: self.values(Some(none), &none_at) };
            }
            "source.namespace" => {
                source.namespaces = Wanted { any: self.values(Some(any), &any_at), none: self.values(Some(none), &none_at) };
            }
            "source.serviceAccount" => {
                source.accounts = Wanted { any: self.accounts(Some(any), &any_at), none: self.accounts(Some(none), &none_at) };
            }
            "source.ip" => source.blocks = Wanted { any: self.blocks(Some(any), &any_at), none: self.blocks(Some(none), &none_at) },
            "destination.port" => {
                let values = |texts: Vec<String>| Some(texts.into_iter().map(Value::String).collect());
                if let Some(ports) = self.ports(values(any), &any_at) {
                    rule.when_ports = rule.when_ports.intersection(&ports);
                }
                if let Some(ports) = self.ports(values(none), &none_at) {
                    rule.when_ports = rule.when_ports.difference(&ports);
                }
                return;
            }
            _ => {
                let (any, none) = (self.values(Some(any), &any_at), self.values(Some(none), &none_at));
                rule.when_words.extend(words(&key, true, &any).into_iter().chain(words(&key, false, &none)));
                return;
            }
        }
        rule.when.push(source);
    }
}

/// What a list asks, in words that follow "if"; `None` where it asks nothing.
fn words(what: &str, is: bool, values: &[SmolStr]) -> Option<SmolStr> {
    let verb = if is { "is" } else { "is not" };
    (!values.is_empty()).then(|| format!("{what} {verb} {}", values.join(" or ")).into())
}
