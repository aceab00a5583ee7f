//! Whether an object may refer to another: within its namespace always, across namespaces where a ReferenceGrant says so.

use crate::object::{Kind, ObjectKey};
use crate::record::{ObjectRef, Record};
use crate::snapshot::Snapshot;

/// Whether a reference is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// It stays within the namespace.
    Own,
    /// This ReferenceGrant lets it.
    Granted(ObjectKey),
    /// None does among those that may be seen, and not all may be.
    Unseen,
    /// None does.
    Refused,
}

/// The namespace to which a reference leads.
pub(super) fn namespace<'a>(from: &'a ObjectKey, to: &'a ObjectRef) -> &'a smol_str::SmolStr {
    if to.namespace.is_empty() { &from.namespace } else { &to.namespace }
}

/// What a reference leads to, for a sentence: `Service shop/web`.
pub(super) fn shown(from: &ObjectKey, to: &ObjectRef) -> String {
    format!("{} {}/{}", to.kind, namespace(from, to), to.name)
}

/// Whether an object may refer to another (ReferenceGrant: a grant lies with what is referred to, and names group, kind and namespace
/// of who refers, group and kind and perhaps the name of what is referred to).
pub(super) fn leave(snapshot: &Snapshot, from: &ObjectKey, to: &ObjectRef) -> Leave {
    let namespace = namespace(from, to);
    if *namespace == from.namespace {
        return Leave::Own;
    }
    let is_from = |who: &ObjectRef| {
        who.group == from.kind.group() && who.kind == from.kind.name() && who.namespace == from.namespace && !who.namespace.is_empty()
    };
    let is_to = |what: &ObjectRef| what.group == to.group && what.kind == to.kind && (what.name.is_empty() || what.name == to.name);
    for entry in snapshot.entries_in(Kind::ReferenceGrant, namespace) {
        let Some(Record::ReferenceGrant(grant)) = &entry.record else { continue };
        if grant.from.iter().any(is_from) && grant.to.iter().any(is_to) {
            return Leave::Granted(entry.key.clone());
        }
    }
    if snapshot.unseen.holds(Kind::ReferenceGrant, namespace) { Leave::Unseen } else { Leave::Refused }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scene, reference};
    use super::*;
    use crate::record::ReferenceGrantRecord;

    const GROUP: &str = "gateway.networking.k8s.io";

    #[test]
    fn a_grant_counts_where_every_part_of_it_fits() {
        let from = ObjectKey::new(Kind::HttpRoute, "a", "web");
        let to = reference("", "Service", "b", "db");
        // Where the grant lies, who may refer, to what.
        let cases = [
            ("b", [GROUP, "HTTPRoute", "a"], ["", "Service", ""], true),
            ("b", [GROUP, "HTTPRoute", "a"], ["", "Service", "db"], true),
            ("b", [GROUP, "HTTPRoute", "a"], ["", "Service", "other"], false),
            ("b", [GROUP, "HTTPRoute", "a"], ["", "Secret", ""], false),
            ("b", [GROUP, "HTTPRoute", "a"], ["apps", "Service", ""], false),
            ("b", [GROUP, "HTTPRoute", "c"], ["", "Service", ""], false),
            ("b", [GROUP, "GRPCRoute", "a"], ["", "Service", ""], false),
            ("b", ["", "HTTPRoute", "a"], ["", "Service", ""], false),
            // It lies with what is referred to.
            ("a", [GROUP, "HTTPRoute", "a"], ["", "Service", ""], false),
        ];
        for (namespace, who, what, is_good) in cases {
            let mut scene = Scene::default();
            let grant = ReferenceGrantRecord {
                from: vec![reference(who[0], who[1], who[2], "")],
                to: vec![reference(what[0], what[1], "", what[2])],
            };
            scene.put(Kind::ReferenceGrant, namespace, "grant", Record::ReferenceGrant(Box::new(grant)));
            let expected = if is_good { Leave::Granted(ObjectKey::new(Kind::ReferenceGrant, namespace, "grant")) } else { Leave::Refused };
            assert_eq!(leave(&scene.snapshot, &from, &to), expected, "{namespace} {who:?} {what:?}");
        }
    }

    #[test]
    fn no_grant_is_needed_within_a_namespace() {
        let scene = Scene::default();
        let from = ObjectKey::new(Kind::HttpRoute, "a", "web");
        assert_eq!(leave(&scene.snapshot, &from, &reference("", "Service", "", "db")), Leave::Own);
        assert_eq!(leave(&scene.snapshot, &from, &reference("", "Service", "a", "db")), Leave::Own);
        assert_eq!(leave(&scene.snapshot, &from, &reference("", "Service", "b", "db")), Leave::Refused);
    }

    #[test]
    fn a_grant_may_be_there_unseen() {
        let mut scene = Scene::default();
        scene.hide(Kind::ReferenceGrant, &["c"]);
        let from = ObjectKey::new(Kind::HttpRoute, "a", "web");
        assert_eq!(leave(&scene.snapshot, &from, &reference("", "Service", "b", "db")), Leave::Unseen);
        assert_eq!(leave(&scene.snapshot, &from, &reference("", "Service", "c", "db")), Leave::Refused);
    }
}
