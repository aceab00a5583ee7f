//! The other ends of rules. A list that is there and empty selects nothing; where no list is there at all, all ends are meant.

use ipnet::IpNet;
use serde_json::Value;
use smol_str::SmolStr;

use super::Policies;
use super::api::{CidrRule, Fqdn, Service};
use crate::address::{AddressBlock, Family};
use crate::intake::{ApiSelector, network_policy};
use crate::policy::{DomainPattern, Wildcard};
use crate::record::{CidrGroups, CiliumEntity, CiliumPeer, CiliumPeerKind, CiliumServices, ServicesBy};

/// The lists of a rule, of which Cilium takes one only.
pub(super) struct Lists {
    pub(super) endpoints: Option<Vec<ApiSelector>>,
    pub(super) cidr: Option<Vec<String>>,
    pub(super) cidr_set: Option<Vec<CidrRule>>,
    pub(super) entities: Option<Vec<String>>,
    pub(super) nodes: Option<Vec<ApiSelector>>,
    pub(super) groups: Option<Vec<Value>>,
    pub(super) services: Option<Vec<Service>>,
    pub(super) fqdns: Option<Vec<Fqdn>>,
}

impl Policies<'_, '_> {
    /// The ends of a rule, whose fields begin like `/spec/egress/0/to`.
    pub(super) fn peers(&mut self, lists: Lists, start: &str, is_deny: bool) -> Option<Vec<CiliumPeer>> {
        let mut lists = lists;
        if is_deny && lists.fqdns.take().is_some() {
            self.refuse(format!("{start}FQDNs"), "a deny rule cannot name domains");
        }
        let lengths = [
            lists.endpoints.as_ref().map(Vec::len),
            lists.cidr.as_ref().map(Vec::len),
            lists.cidr_set.as_ref().map(Vec::len),
            lists.entities.as_ref().map(Vec::len),
            lists.nodes.as_ref().map(Vec::len),
            lists.groups.as_ref().map(Vec::len),
            lists.services.as_ref().map(Vec::len),
            lists.fqdns.as_ref().map(Vec::len),
        ];
        if lengths.iter().flatten().filter(|length| **length > 0).count() > 1 {
            let rule = start.rsplit_once('/').map_or(start, |(rule, _)| rule);
            self.refuse(rule, "the rule names its other ends in more than one way, of which only one may be there");
        }
        if lengths.iter().all(Option::is_none) {
            return None;
        }
        if lengths.contains(&Some(0)) {
            return Some(Vec::new());
        }
        let mut peers = Vec::new();
        each(lists.endpoints, &format!("{start}Endpoints"), &mut peers, |selector, at| {
            self.selector(selector, at).map(CiliumPeerKind::Endpoints)
        });
        each(lists.cidr, &format!("{start}CIDR"), &mut peers, |text, at| {
            self.cidr(&text, at).map(|cidr| CiliumPeerKind::Block(AddressBlock::new(cidr, &[])))
        });
        each(lists.cidr_set, &format!("{start}CIDRSet"), &mut peers, |rule, at| self.cidr_rule(rule, at));
        each(lists.entities, &format!("{start}Entities"), &mut peers, |name, at| {
            let entity = CiliumEntity::named(&name);
            if entity.is_none() {
                self.refuse(at, format!("{name:?} is no entity that is known"));
            }
            entity.map(CiliumPeerKind::Entity)
        });
        each(lists.nodes, &format!("{start}Nodes"), &mut peers, |selector, at| {
            self.plain_selector(selector, at).map(CiliumPeerKind::Nodes)
        });
        each(lists.groups, &format!("{start}Groups"), &mut peers, |_, at| {
            self.reader.warn(at, "the addresses of a group of a cloud provider are not known here");
            Some(CiliumPeerKind::Untold("the cloud provider's group holds the address".into()))
        });
        each(lists.services, &format!("{start}Services"), &mut peers, |service, at| {
            self.service(service, at).map(CiliumPeerKind::Services)
        });
        for (index, fqdn) in lists.fqdns.into_iter().flatten().enumerate() {
            let pointer: SmolStr = format!("{start}FQDNs/{index}").into();
            let patterns = self.fqdn(fqdn, &pointer);
            peers
                .extend(patterns.into_iter().map(|pattern| CiliumPeer { pointer: pointer.clone(), kind: CiliumPeerKind::Domain(pattern) }));
        }
        Some(peers)
    }

    /// A block of addresses, or a single one.
    pub(super) fn cidr(&mut self, text: &str, pointer: &str) -> Option<IpNet> {
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            return Some(IpNet::from(address));
        }
        let read = network_policy::read_cidr(text, pointer, self.reader);
        self.is_refused |= read.is_none();
        read
    }

    fn cidr_rule(&mut self, rule: CidrRule, pointer: &str) -> Option<CiliumPeerKind> {
        let CidrRule { cidr, cidr_group_ref, cidr_group_selector, except } = rule;
        let cidr = cidr.filter(|text| !text.is_empty());
        let name = cidr_group_ref.filter(|name| !name.is_empty());
        let mut holes = Vec::new();
        for (index, text) in except.unwrap_or_default().iter().enumerate() {
            holes.extend(self.cidr(text, &format!("{pointer}/except/{index}")));
        }
        match (cidr, name, cidr_group_selector) {
            (Some(text), None, None) => {
                let block = self.cidr(&text, &format!("{pointer}/cidr"))?;
                let outside =
                    holes.iter().position(|hole| Family::of(hole.addr()) != Family::of(block.addr()) || !block.contains(&hole.addr()));
                if let Some(index) = outside {
                    self.refuse(format!("{pointer}/except/{index}"), format!("the block is not within {text}"));
                }
                Some(CiliumPeerKind::Block(AddressBlock::new(block, &holes)))
            }
            (None, Some(name), None) => Some(CiliumPeerKind::Groups(CidrGroups::Named(name.into()), holes)),
            (None, None, Some(selector)) => {
                let selector = self.plain_selector(selector, &format!("{pointer}/cidrGroupSelector"))?;
                Some(CiliumPeerKind::Groups(CidrGroups::Matching(selector), holes))
            }
            _ => {
                self.refuse(pointer, "exactly one must be given of cidr, cidrGroupRef, cidrGroupSelector");
                None
            }
        }
    }

    fn service(&mut self, service: Service, pointer: &str) -> Option<CiliumServices> {
        match (service.k8s_service, service.k8s_service_selector) {
            // Cilium looks at the selector first.
            (_, Some(by)) => {
                let selector = self.plain_selector(by.selector.unwrap_or_default(), &format!("{pointer}/k8sServiceSelector/selector"))?;
                Some(CiliumServices { namespace: by.namespace.unwrap_or_default().into(), which: ServicesBy::Labels(selector) })
            }
            (Some(by), None) => {
                let name = self.reader.required(by.service_name, "the name of the Service", &format!("{pointer}/k8sService/serviceName"));
                Some(CiliumServices { namespace: by.namespace.unwrap_or_default().into(), which: ServicesBy::Name(name) })
            }
            (None, None) => {
                self.reader.warn(pointer, "one must be given of k8sService, k8sServiceSelector; the peer matches nothing");
                None
            }
        }
    }

    /// The names that are meant (api/fqdn.go).
    pub(super) fn fqdn(&mut self, fqdn: Fqdn, pointer: &str) -> Vec<DomainPattern> {
        let mut patterns = Vec::new();
        let given = [("matchName", fqdn.match_name), ("matchPattern", fqdn.match_pattern)];
        let given: Vec<_> = given.into_iter().filter_map(|(field, text)| Some((field, text.filter(|text| !text.is_empty())?))).collect();
        if given.len() != 1 {
            self.refuse(pointer, "exactly one must be given of matchName, matchPattern");
        }
        for (field, text) in given {
            let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') || (c == '*' && field == "matchPattern");
            if text.chars().all(is_valid) {
                patterns.push(DomainPattern::new(&text, Wildcard::WithinLabel));
            } else {
                self.refuse(format!("{pointer}/{field}"), format!("{text:?} has characters that no name of a domain has"));
            }
        }
        patterns
    }
}

fn each<T>(list: Option<Vec<T>>, field: &str, peers: &mut Vec<CiliumPeer>, mut read: impl FnMut(T, &str) -> Option<CiliumPeerKind>) {
    for (index, item) in list.into_iter().flatten().enumerate() {
        let pointer = format!("{field}/{index}");
        if let Some(kind) = read(item, &pointer) {
            peers.push(CiliumPeer { pointer: pointer.into(), kind });
        }
    }
}
