//! Tests of the mesh.

use serde_json::json;

use super::identity;
use super::membership::{Member, Membership};
use crate::labels::{LabelSet, Selector};
use crate::object::Object;
use crate::policy::NamespaceScope;
use crate::record::{ACCOUNT_KEY, PodTemplate, Proxy};
use crate::snapshot::{Change, Snapshot};

/// Whether a pattern of principals matches who has this namespace and account; `None` where that hangs on something.
fn matches(pattern: &str, namespace: &str, account: &str) -> Option<bool> {
    let identity = identity::of_principal(pattern);
    let names: LabelSet = [(crate::intake_name_label(), namespace)].into_iter().collect();
    let pods: LabelSet = [(ACCOUNT_KEY, account)].into_iter().collect();
    let is = identity.namespaces.matches(&names) && identity.pods.matches(&pods);
    if is && identity.condition.is_some() { None } else { Some(is) }
}

/// The text of the identity is the measure, for every pattern that can be made of it.
#[test]
fn patterns_match_what_the_text_of_an_identity_does() {
    let whos = [("shop", "web"), ("shop", "we"), ("shop2", "web"), ("op", "web"), ("bank", "db"), ("sa", "ns"), ("ns", "sa")];
    for (namespace, account) in whos {
        let text = format!("cluster.local/ns/{namespace}/sa/{account}");
        let mut patterns = vec!["*".to_owned(), text.clone()];
        for cut in 1..text.len() {
            patterns.extend([format!("{}*", &text[..cut]), format!("*{}", &text[cut..])]);
        }
        for pattern in patterns {
            for (namespace, account) in whos {
                let text = format!("cluster.local/ns/{namespace}/sa/{account}");
                let expected = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
                    (Some(end), _) => text.ends_with(end),
                    (_, Some(begin)) => text.starts_with(begin),
                    _ => text == pattern,
                };
                assert_eq!(matches(&pattern, namespace, account), Some(expected), "{pattern} {text}");
            }
        }
    }
}

#[test]
fn other_trust_domains_may_be_the_meshs_own() {
    for pattern in ["td/ns/shop/sa/web", "td/ns/shop/*", "td/*", "td*", "*td/ns/shop/sa/web"] {
        assert_eq!(matches(pattern, "shop", "web"), None, "{pattern}");
    }
    for pattern in
        ["web", "spiffe://cluster.local/ns/shop/sa/web2", "cluster.local/sa/web", "td/ns/bank/sa/web", "cluster.local/x*", "*/x/web"]
    {
        assert_eq!(matches(pattern, "shop", "web"), Some(false), "{pattern}");
    }
}

/// The ways in which a pod is in the mesh, of all combinations of what is looked at: never two at once.
#[test]
fn a_pod_is_in_the_mesh_in_one_way_at_most() {
    let namespaces = [&[][..], &[("istio-injection", "enabled")], &[("istio-injection", "disabled")], &[("istio.io/rev", "v1")]];
    for injection in namespaces {
        for mode in [None, Some("ambient")] {
            let mut labels: Vec<(&str, &str)> = injection.to_vec();
            labels.extend(mode.map(|mode| ("istio.io/dataplane-mode", mode)));
            let labels: serde_json::Map<String, serde_json::Value> =
                labels.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            let raw = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}});
            let mut snapshot = Snapshot::default();
            snapshot.apply(Change::apply(&Object::new(raw, "default").unwrap().unwrap()));
            let membership = Membership::new(&snapshot);
            for inject in [None, Some("true"), Some("false")] {
                for own_mode in [None, Some("ambient"), Some("none")] {
                    for proxy in [Proxy::Unknown, Proxy::Present, Proxy::Absent] {
                        let own = [("sidecar.istio.io/inject", inject), ("istio.io/dataplane-mode", own_mode)];
                        let labels: LabelSet = own.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
                        let pod = PodTemplate { labels, proxy, ..PodTemplate::default() };
                        let subjects = membership.subjects(&NamespaceScope::One("shop".into()), &Selector::default());
                        let ways: Vec<Member> =
                            subjects.iter().filter(|subject| subject.selector.pods.matches(&pod)).map(|subject| subject.member).collect();
                        let is_injected = match (proxy, injection) {
                            (Proxy::Present, _) => true,
                            (Proxy::Absent, _) => false,
                            (_, [("istio-injection", "disabled")]) => false,
                            (_, []) => inject == Some("true"),
                            _ => inject != Some("false"),
                        };
                        let is_ambient = !is_injected && own_mode != Some("none") && (mode.is_some() || own_mode.is_some());
                        let expected = match (is_injected, is_ambient) {
                            (true, _) => vec![Member::Sidecar],
                            (_, true) => vec![Member::Ambient],
                            _ => vec![],
                        };
                        assert_eq!(ways, expected, "{injection:?} {mode:?} {inject:?} {own_mode:?} {proxy:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn where_namespaces_are_not_seen_only_a_proxy_is_certain() {
    let mut snapshot = Snapshot::default();
    std::sync::Arc::make_mut(&mut snapshot.unseen).0.insert(crate::object::Kind::Namespace, Default::default());
    let membership = Membership::new(&snapshot);
    let subjects = membership.subjects(&NamespaceScope::One("shop".into()), &Selector::default());
    let ways = |proxy| -> Vec<bool> {
        let pod = PodTemplate { proxy, ..PodTemplate::default() };
        subjects.iter().filter(|subject| subject.selector.pods.matches(&pod)).map(|subject| subject.condition.is_some()).collect()
    };
    assert_eq!((ways(Proxy::Present), ways(Proxy::Absent), ways(Proxy::Unknown)), (vec![false], vec![true], vec![true]));
}
