//! Who could come that is not there yet: how tiers, isolation, namespaces without objects and names of ports bear on it.

use portolan_core::analysis::{Exposure, Unit};
use portolan_core::policy::Direction;
use portolan_tests::fixture;

const SHOP: &str = "
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {team: red}}
---
kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
";

/// A NetworkPolicy for every pod of `shop`.
fn policy(name: &str, rules: &str) -> String {
    format!(
        "---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{podSelector: {{}}, {rules}}}\n"
    )
}

/// An AdminNetworkPolicy for every pod of `shop`.
fn admin(rules: &str) -> String {
    format!(
        "---\nkind: AdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata: {{name: admin}}\n\
         spec: {{priority: 5, subject: {{namespaces: {{matchLabels: {{team: red}}}}}}, {rules}}}\n"
    )
}

const BASELINE: &str = "---\nkind: BaselineAdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata: {name: default}\n\
                        spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n";

/// What `shop/web` is open to, blocks of addresses being for the outside only.
fn exposure(objects: &str, direction: Direction) -> Exposure {
    let settings = [("ip-block-selects-pods", "no"), ("networks-select-pods", "no")];
    let analysis = fixture::analysis(&fixture::documents(&format!("{SHOP}{objects}")), fixture::assumptions(&settings));
    let pod = analysis.inventory().pod("shop", "web").unwrap();
    let both = analysis.exposure_of_pod(pod);
    assert_eq!(both.as_slice(), analysis.exposure(Unit::Pod), "asked for by itself it is the same");
    both.into_iter().find(|exposure| exposure.direction == direction).unwrap()
}

/// `peer: ports`, then `; not PORTS for PEER` and `; depends`.
fn lines(exposure: &Exposure) -> Vec<String> {
    let line = |opening: &portolan_core::analysis::Opening| {
        let mut line = format!("{}: {}", opening.peer, opening.ports_text());
        for part in &opening.left_out {
            line.push_str(&format!("; not {} for {}", part.ports, part.peer));
        }
        if !opening.depends.is_empty() {
            line.push_str("; depends");
        }
        line
    };
    exposure.openings.iter().map(line).collect()
}

#[track_caller]
fn check(objects: &str, direction: Direction, expected: &[&str]) {
    assert_eq!(lines(&exposure(objects, direction)), expected, "{objects}");
}

const OUTSIDE: &str = "0.0.0.0/0: any port";

#[test]
fn without_a_policy_everybody_could_come() {
    let found = exposure("", Direction::Ingress);
    assert!(!found.protected);
    assert_eq!(lines(&found), ["entire cluster: any port", OUTSIDE]);
    let isolated = exposure(&policy("none", "policyTypes: [Ingress]"), Direction::Ingress);
    assert!(isolated.protected && isolated.openings.is_empty());
    check(&policy("none", "policyTypes: [Ingress]"), Direction::Egress, &["entire cluster: any port", OUTSIDE]);
}

#[test]
fn a_group_is_told_where_it_gets_more_than_the_whole_cluster() {
    let rules = "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}, \
                 {from: [{namespaceSelector: {matchLabels: {tier: a}}}], ports: [{port: 81}]}, \
                 {from: [{namespaceSelector: {matchLabels: {tier: b}}}], ports: [{port: 80}]}]";
    check(&policy("p", rules), Direction::Ingress, &["entire cluster: 80/TCP", "any pod in namespaces with tier=a: 80-81/TCP"]);
}

#[test]
fn plain_labels_that_some_pod_has_are_left_to_the_connections() {
    let from = |app: &str| format!("ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {app}}}}}}}]}}]");
    check(&policy("p", &from("web")), Direction::Ingress, &[]);
    check(&policy("p", &from("new")), Direction::Ingress, &["pods with app=new in namespace shop: any port"]);
    let expression = "ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: Exists}]}}]}]";
    check(&policy("p", expression), Direction::Ingress, &["pods with app exists in namespace shop: any port"]);
}

#[test]
fn a_namespace_is_known_by_its_labels_and_without_an_object_by_its_name() {
    let by_name = |name: &str| {
        format!(
            "ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}], ports: [{{port: 80}}]}}, \
             {{from: [{{namespaceSelector: {{matchLabels: {{team: red}}}}}}], ports: [{{port: 81}}]}}]"
        )
    };
    let red = "any pod in namespaces with team=red: 81/TCP";
    check(&policy("p", &by_name("shop")), Direction::Ingress, &["any pod in namespace shop: 80-81/TCP", red]);
    check(&policy("p", &by_name("lab")), Direction::Ingress, &["any pod in namespace lab: 80/TCP", red]);
}

#[test]
fn who_is_denied_by_a_tier_before_is_left_out() {
    let deny = admin(
        "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: blue}}}], ports: [{portNumber: {protocol: TCP, port: 80}}]}]",
    );
    let blue = "any pod in namespaces with team=blue";
    check(&deny, Direction::Ingress, &[&format!("entire cluster: any port; not 80/TCP for {blue}"), OUTSIDE]);
    let allow = policy(
        "p",
        "ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: new}}}], ports: [{port: 80}, {port: 81}]}]",
    );
    let expected = "pods with app=new in any namespace: 80-81/TCP; not 80/TCP for pods with app=new in namespaces with team=blue";
    check(&format!("{deny}{allow}"), Direction::Ingress, &[expected]);
    let all = admin("ingress: [{action: Deny, from: [{namespaces: {}}]}]");
    check(&format!("{all}{allow}"), Direction::Ingress, &[]);
}

#[test]
fn what_is_passed_on_meets_the_next_tier() {
    let pass =
        admin("ingress: [{action: Pass, from: [{namespaces: {matchLabels: {team: blue}}}]}, {action: Deny, from: [{namespaces: {}}]}]");
    check(&pass, Direction::Ingress, &["any pod in namespaces with team=blue: any port", OUTSIDE]);
    check(&format!("{pass}{BASELINE}"), Direction::Ingress, &[OUTSIDE]);
    let allow = policy("p", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]");
    check(&format!("{pass}{BASELINE}{allow}"), Direction::Ingress, &["any pod in namespaces with team=blue: 80/TCP"]);
    let overridden = admin("ingress: [{action: Allow, from: [{namespaces: {matchLabels: {team: blue}}}]}]");
    check(&format!("{overridden}{BASELINE}"), Direction::Ingress, &["any pod in namespaces with team=blue: any port", OUTSIDE]);
}

#[test]
fn ports_by_name_are_those_of_whoever_comes() {
    let rules = "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: http}, {port: 53, protocol: UDP}]}]";
    check(&policy("p", rules), Direction::Egress, &["entire cluster: 53/UDP, http/TCP"]);
    // Into the pod, they are its own.
    check(
        &policy("p", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: http}]}]"),
        Direction::Ingress,
        &["entire cluster: 8080/TCP"],
    );
}

#[test]
fn a_block_holds_who_comes_where_blocks_hold_pods() {
    let block = |cidr: &str| policy("p", &format!("ingress: [{{from: [{{ipBlock: {{cidr: {cidr}}}}}]}}]"));
    check(&block("0.0.0.0/0"), Direction::Ingress, &[OUTSIDE]);
    let with = |objects: &str| {
        let analysis = fixture::analysis(&fixture::documents(&format!("{SHOP}{objects}")), fixture::assumptions(&[]));
        let [ingress, _] = analysis.exposure_of_pod(analysis.inventory().pod("shop", "web").unwrap());
        lines(&ingress)
    };
    assert_eq!(with(&block("0.0.0.0/0")), ["entire cluster: any port", OUTSIDE]);
    assert_eq!(with(&block("10.0.0.0/8")), ["entire cluster: any port; depends"]);
    assert_eq!(with(&block("8.8.8.0/24")), Vec::<String>::new());
}
