//! TLS from the gateway to backends: what BackendTLSPolicies say of a Service.

use super::super::table::Destination;
use super::{hop, title};
use crate::analysis::Hop;
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{BackendTlsPolicyRecord, ObjectRef, Record, ServiceRecord};
use crate::snapshot::Snapshot;

/// What the policy of a Service's port says: a hop, or why requests for it fail.
pub(super) fn towards(snapshot: &Snapshot, key: &ObjectKey, service: &ServiceRecord, port: u16) -> Option<Result<Hop, Destination>> {
    let name = service.ports.iter().find(|candidate| candidate.port == port).map_or("", |port| port.name.as_str());
    let (policy_key, policy) = policy_for(snapshot, key, name)?;
    let (n_good, n) = (policy.authorities.iter().filter(|authority| is_known(authority)).count(), policy.authorities.len());
    let (service, policy_title) = (title(key), title(policy_key));
    if policy.system_authorities || (n > 0 && n_good == n) {
        let sentence = format!("the gateway speaks TLS to {service}, and expects a certificate for {}", policy.hostname);
        return Some(Ok(hop("tls", policy_key, "/spec/validation", Verdict::Allowed, sentence)));
    }
    if n == 0 {
        let sentence = format!("{policy_title} names no authority for the certificate of {service}: the server refuses such a policy");
        return Some(Ok(hop("tls", policy_key, "/spec/validation", Verdict::Depends, sentence)));
    }
    let bad = policy.authorities.iter().find(|authority| !is_known(authority)).map(|authority| authority.kind.clone()).unwrap_or_default();
    if n_good > 0 {
        let sentence = format!("{policy_title} names an authority of kind {bad} for {service}, which few controllers know");
        return Some(Ok(hop("tls", policy_key, "/spec/validation/caCertificateRefs", Verdict::Depends, sentence)));
    }
    // BackendTLSPolicyValidation.caCertificateRefs: connections fail, and the client gets a status of 500 and above.
    let sentence = format!("{policy_title} names authorities of kind {bad} only, which are none: no connection to {service} is trusted");
    Some(Err(Destination::Broken { kind: "tls", object: Some(policy_key.clone()), status: 500, sentence }))
}

/// The policy for a Service's port: one that names the port goes before one that does not, then the first by name.
fn policy_for<'a>(snapshot: &'a Snapshot, key: &'a ObjectKey, port: &str) -> Option<(&'a ObjectKey, &'a BackendTlsPolicyRecord)> {
    let mut for_all = None;
    for entry in snapshot.entries_in(Kind::BackendTlsPolicy, &key.namespace) {
        let Some(Record::BackendTlsPolicy(policy)) = &entry.record else { continue };
        let is_meant = |target: &ObjectRef| target.group.is_empty() && target.kind == Kind::Service.name() && target.name == key.name;
        for (_, section) in policy.targets.iter().filter(|(target, _)| is_meant(target)) {
            if section.is_empty() {
                for_all = for_all.or(Some((&entry.key, &**policy)));
            } else if section == port {
                return Some((&entry.key, policy));
            }
        }
    }
    for_all
}

/// Whether certificates of authorities may lie in an object of this kind: in ConfigMaps everywhere, in Secrets as a rule.
fn is_known(authority: &ObjectRef) -> bool {
    authority.group.is_empty() && matches!(authority.kind.as_str(), "ConfigMap" | "Secret")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scene, reference};
    use super::*;

    /// Group and kind of each object that holds certificates.
    type Authorities = &'static [(&'static str, &'static str)];

    /// What policies for `shop/web`, whose port 80 is named `web`, say: the host that is expected, or the verdict.
    fn said(policies: &[(&str, &str, Authorities, bool)]) -> Option<String> {
        let mut scene = Scene::default();
        scene.service("shop", "web");
        for (name, section, authorities, system_authorities) in policies {
            let policy = BackendTlsPolicyRecord {
                targets: vec![(reference("", "Service", "", "web"), (*section).into())],
                hostname: format!("{name}.example").into(),
                authorities: authorities.iter().map(|(group, kind)| reference(group, kind, "", "ca")).collect(),
                system_authorities: *system_authorities,
            };
            scene.put(Kind::BackendTlsPolicy, "shop", name, Record::BackendTlsPolicy(Box::new(policy)));
        }
        let key = ObjectKey::new(Kind::Service, "shop", "web");
        let Some(Record::Service(service)) = scene.snapshot.record(&key) else { panic!() };
        towards(&scene.snapshot, &key, service, 80).map(|said| match said {
            Ok(hop) if hop.verdict == Verdict::Allowed => hop.sentence.rsplit(' ').next().unwrap().to_owned(),
            Ok(hop) => format!("{:?}", hop.verdict),
            Err(Destination::Broken { status, object, .. }) => format!("{status} {}", object.unwrap().path()),
            Err(other) => format!("{other:?}"),
        })
    }

    #[test]
    fn the_policy_of_a_port_goes_before_that_of_the_service() {
        let map: Authorities = &[("", "ConfigMap")];
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("a", "other", map, false)]), None);
        assert_eq!(said(&[("b", "", map, false), ("a", "", map, false)]).unwrap(), "a.example");
        assert_eq!(said(&[("a", "", map, false), ("b", "web", map, false)]).unwrap(), "b.example");
    }

    #[test]
    fn authorities_must_be_of_a_known_kind() {
        let cases: &[(Authorities, bool, &str)] = &[
            (&[("", "ConfigMap")], false, "a.example"),
            (&[("", "Secret")], false, "a.example"),
            (&[], true, "a.example"),
            (&[], false, "Depends"),
            (&[("", "ConfigMap"), ("invalid.io", "InvalidKind")], false, "Depends"),
            (&[("invalid.io", "InvalidKind")], false, "500 shop/a"),
            (&[("invalid.io", "ConfigMap")], false, "500 shop/a"),
        ];
        for (authorities, system, expected) in cases {
            assert_eq!(said(&[("a", "", authorities, *system)]).unwrap(), *expected, "{authorities:?} {system}");
        }
    }
}
