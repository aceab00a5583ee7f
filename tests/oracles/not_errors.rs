//! What is an error to netpol-analyzer and not to us, with the reason in the API, and the answer that we give instead.

use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict::{Allowed, Denied};
use portolan_tests::fixture;

use crate::errors::expect;

/// Two pods of one ReplicaSet, only one of which has the label that a policy asks for, and another pod.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: n, labels: {app: x}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: '1'}]}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
status: {phase: Running, podIP: 10.1.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: n, labels: {app: y}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: '1'}]}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
status: {phase: Running, podIP: 10.1.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: n}
spec: {containers: [{name: c}]}
status: {phase: Running, podIP: 10.1.0.3}
---
";

const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: infra-1, labels: {worker-group: infra}}
status: {addresses: [{type: InternalIP, address: 172.18.0.2}]}
---
apiVersion: v1
kind: Node
metadata: {name: other-1, labels: {worker-group: other}}
status: {addresses: [{type: InternalIP, address: 172.18.0.3}]}
---
";

fn with_policy(kind: &str, spec: &str) -> String {
    let (api_version, name) = match kind {
        "NetworkPolicy" => ("networking.k8s.io/v1", "{name: p, namespace: n}"),
        "BaselineAdminNetworkPolicy" => ("policy.networking.k8s.io/v1alpha1", "{name: default}"),
        _ => ("policy.networking.k8s.io/v1alpha1", "{name: p}"),
    };
    format!("{PODS}{NODES}apiVersion: {api_version}\nkind: {kind}\nmetadata: {name}\nspec: {spec}\n")
}

/// Selectors select pods, whoever owns them (networking/v1 NetworkPolicySpec.podSelector): each pod of an owner has its own answer.
fn each_pod_of_an_owner() -> Result<(), String> {
    let yaml = with_policy("NetworkPolicy", "{podSelector: {matchLabels: {app: x}}}");
    expect(&yaml, "n/client", "n/a", "80/TCP", Denied)?;
    expect(&yaml, "n/client", "n/b", "80/TCP", Allowed)
}

/// The same, where the selector is an expression.
fn each_pod_of_an_owner_by_expression() -> Result<(), String> {
    let yaml = with_policy("NetworkPolicy", "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [y]}]}}");
    expect(&yaml, "n/client", "n/a", "80/TCP", Denied)?;
    expect(&yaml, "n/client", "n/b", "80/TCP", Allowed)
}

/// The same, where an AdminNetworkPolicy selects.
fn each_pod_of_an_owner_by_admin_policy() -> Result<(), String> {
    let subject = "{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: x}}}}";
    let spec = format!("{{priority: 5, subject: {subject}, ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]}}]}}");
    let yaml = with_policy("AdminNetworkPolicy", &spec);
    expect(&yaml, "n/client", "n/a", "80/TCP", Denied)?;
    expect(&yaml, "n/client", "n/b", "80/TCP", Allowed)
}

/// A port by name is a port of a pod (networking/v1 NetworkPolicyPort.port): an address has none, and no pod's port is meant.
fn named_port_of_an_address() -> Result<(), String> {
    let yaml = with_policy(
        "NetworkPolicy",
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: http}]}]}",
    );
    expect(&yaml, "n/client", "192.0.2.1", "80/TCP", Denied)
}

/// Without a policy everything is allowed ("Traffic is allowed to a pod if there are no NetworkPolicies selecting the pod").
fn no_policies() -> Result<(), String> {
    expect(PODS, "n/client", "n/a", "80/TCP", Allowed)?;
    expect(PODS, "outside", "n/a", "80/TCP", Allowed)
}

/// Without a workload there is nobody to speak of: an empty answer, and policies that select nothing are no error.
fn no_workloads() -> Result<(), String> {
    let yaml = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: n}, spec: {podSelector: {}}}";
    let analysis = fixture::analysis(&fixture::documents(yaml), Assumptions::default());
    let connections = analysis.connections(portolan_core::analysis::Unit::Workload);
    if connections.is_empty() && analysis.warnings().is_empty() {
        Ok(())
    } else {
        Err(format!("{connections:?} {:?}", analysis.warnings()))
    }
}

/// A folder without a manifest is an empty cluster: there may be nothing in it yet.
fn empty_folder() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().to_str().ok_or("a path that is no UTF-8")?;
    let answer = portolan_tests::command_line::portolan_json(&["connections", "--manifests", path, "--output", "json"]);
    if answer["connections"].as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(answer.to_string()) }
}

/// Nodes as peers of egress rules are evaluated (v1alpha1 AdminNetworkPolicyEgressPeer.nodes): by the addresses of the nodes.
fn nodes_as_peers() -> Result<(), String> {
    let peer = "{nodes: {matchLabels: {worker-group: infra}}}";
    let spec = format!("{{priority: 5, subject: {{namespaces: {{}}}}, egress: [{{action: Deny, to: [{peer}]}}]}}");
    let yaml = with_policy("AdminNetworkPolicy", &spec);
    expect(&yaml, "n/client", "172.18.0.2", "443/TCP", Denied)?;
    expect(&yaml, "n/client", "172.18.0.3", "443/TCP", Allowed)
}

/// IPv6 networks are evaluated (v1alpha1 AdminNetworkPolicyEgressPeer.networks: "IPv4 and IPv6").
fn ipv6_networks() -> Result<(), String> {
    let networks = "[fd00::/8, 192.0.2.0/24]";
    let spec = format!("{{priority: 5, subject: {{namespaces: {{}}}}, egress: [{{action: Deny, to: [{{networks: {networks}}}]}}]}}");
    let yaml = with_policy("AdminNetworkPolicy", &spec);
    expect(&yaml, "n/client", "fd00::1", "443/TCP", Denied)?;
    expect(&yaml, "n/client", "2001:db8::1", "443/TCP", Allowed)?;
    expect(&yaml, "n/client", "192.0.2.1", "443/TCP", Denied)
}

/// A port name that no pod has matches nothing, and the answer says so: pods that have it may come.
fn name_of_no_port() -> Result<(), String> {
    let spec =
        "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{namedPort: no-web}]}]}";
    let yaml = with_policy("AdminNetworkPolicy", spec);
    expect(&yaml, "n/client", "n/a", "80/TCP", Allowed)?;
    let analysis = fixture::analysis(&fixture::documents(&yaml), Assumptions::default());
    let ingress = fixture::ask(&analysis, "n/client", "n/a", "80/TCP")?.ingress;
    let said = serde_json::to_string(&ingress).map_err(|error| error.to_string())?;
    if said.contains("no-web") { Ok(()) } else { Err(format!("no-web is not named in {said}")) }
}

fn all_three() -> Result<(), String> {
    nodes_as_peers()?;
    ipv6_networks()?;
    name_of_no_port()
}

/// Gives our answer, and says what is wrong with it.
pub type Answer = fn() -> Result<(), String>;

/// Folders, and the answer that we give where netpol-analyzer complains.
pub const NOT_ERRORS: [(&str, Answer); 12] = [
    ("semanticDiff-same-topologies-illegal-podlist", each_pod_of_an_owner),
    ("example_pods_w_same_owner_and_labels_gap_with_bad_match_expression", each_pod_of_an_owner_by_expression),
    ("example_w_err_pods_w_same_owner_and_labels_gap_anp", each_pod_of_an_owner_by_admin_policy),
    ("bad_netpols/subdir6", named_port_of_an_address),
    ("no_netpols_dir", no_policies),
    ("k8s_ingress_test", no_policies),
    ("bad_yamls/irrelevant_k8s_resources.yaml", no_workloads),
    ("bad_yamls/subdir2", empty_folder),
    ("anp_and_banp_using_networks_and_nodes_test", nodes_as_peers),
    ("anp_and_banp_using_networks_with_ipv6_test", ipv6_networks),
    ("anp_banp_test_with_named_port_unmatched", name_of_no_port),
    ("anp_banp_test_multiple_warnings", all_three),
];
