//! The faults that netpol-analyzer's error cases are about, each as a small manifest of our own, and where we see it. The folders of
//! those cases are not among the data; what is wrong in them is in their names, in their messages and in the API.

/// What a fault lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In {
    /// The spec of a NetworkPolicy `n/p`.
    NetworkPolicy,
    /// The spec of an AdminNetworkPolicy `p`.
    Admin,
    /// The spec of a BaselineAdminNetworkPolicy `default`.
    Baseline,
    /// A whole text, with the object that we name.
    Yaml(&'static str),
    /// A whole text, of a file `a.json`, which is what we name.
    Json,
}

/// A fault.
#[derive(Debug)]
pub struct Fault {
    /// Their folder.
    pub dir: &'static str,
    /// What it lies in.
    pub lies_in: In,
    /// The spec, or the text.
    pub text: &'static str,
    /// The field that our warning points to, or one that holds it.
    pub pointer: &'static str,
    /// A word of our warning; empty where the pointer says enough.
    pub word: &'static str,
}

/// A fault of these parts.
pub const fn fault(dir: &'static str, lies_in: In, text: &'static str, pointer: &'static str, word: &'static str) -> Fault {
    Fault { dir, lies_in, text, pointer, word }
}

impl Fault {
    /// The manifest.
    pub fn manifest(&self) -> String {
        let (api_version, kind, metadata) = match self.lies_in {
            In::NetworkPolicy => ("networking.k8s.io/v1", "NetworkPolicy", "{name: p, namespace: n}"),
            In::Admin => ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "{name: p}"),
            In::Baseline => ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "{name: default}"),
            In::Yaml(_) | In::Json => return self.text.to_owned(),
        };
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {metadata}\nspec: {}\n", self.text)
    }

    /// What our warning must be about.
    pub fn object(&self) -> &'static str {
        match self.lies_in {
            In::NetworkPolicy => "NetworkPolicy n/p",
            In::Admin => "AdminNetworkPolicy p",
            In::Baseline => "BaselineAdminNetworkPolicy default",
            In::Yaml(object) => object,
            In::Json => "a.json",
        }
    }
}

const TWO_POLICIES: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: n}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: n}
spec: {podSelector: {matchLabels: {a: b}}}
";

const TWO_NAMESPACES: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: blue}
---
apiVersion: v1
kind: Namespace
metadata: {name: blue, labels: {a: b}}
";

const NO_PORT: &str = "
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec: {containers: [{name: c, ports: [{containerPort: []}]}]}
";

const NO_LIST: &str = "
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec: {containers: {name: c}}
";

/// Faults of pods, namespaces and NetworkPolicies, by folder.
pub const FAULTS: &[Fault] = &[
    fault(
        "bad_netpols/subdir1",
        In::NetworkPolicy,
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/60}}]}]}",
        "/spec/ingress/0/from/0/ipBlock/cidr",
        "10.0.0.0/60",
    ),
    fault("bad_netpols/subdir2", In::NetworkPolicy, "{podSelector: {matchLabels: {app@b: c}}}", "/spec/podSelector", "app@b"),
    fault(
        "bad_netpols/subdir7",
        In::NetworkPolicy,
        "{podSelector: {}, egress: [{to: [{podSelector: {matchLabels: {app: $b}}}]}]}",
        "/spec/egress/0/to/0/podSelector",
        "$b",
    ),
    fault(
        "bad_netpols/subdir3",
        In::NetworkPolicy,
        "{podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}",
        "/spec/ingress/0/from/0",
        "ipBlock",
    ),
    fault("bad_netpols/subdir4", In::NetworkPolicy, "{podSelector: {}, ingress: [{from: [{}]}]}", "/spec/ingress/0/from/0", ""),
    fault("np_bad_path_test_1", In::Yaml("NetworkPolicy n/p"), TWO_POLICIES, "", "defined twice"),
    fault(
        "np_bad_path_test_2",
        In::NetworkPolicy,
        "{podSelector: {}, ingress: [{ports: [{port: http, endPort: 90}]}]}",
        "/spec/ingress/0/ports/0/endPort",
        "",
    ),
    fault(
        "np_test_with_empty_port_range",
        In::NetworkPolicy,
        "{podSelector: {}, ingress: [{ports: [{port: 10, endPort: 1}]}]}",
        "/spec/ingress/0/ports/0/endPort",
        "10",
    ),
    fault("bad_path_namespace_with_same_name", In::Yaml("Namespace blue"), TWO_NAMESPACES, "", "defined twice"),
    fault("malformed_pod_example", In::Yaml("Pod n/p"), NO_PORT, "/spec/containers/0/ports/0/containerPort", ""),
    fault("malformed-pod-example-2", In::Yaml("Pod n/p"), NO_LIST, "/spec/containers", ""),
    fault("malformed-pod-example-4", In::Json, r#"{"apiVersion": "v1", "metadata": {"name": "p"}}"#, "", "kind"),
    fault("malformed-pod-example-5", In::Yaml("a.yaml"), "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: p\n", "", "line"),
    fault("bad_yamls/not_a_k8s_resource.yaml", In::Yaml("a.yaml"), "podList: pods.json\n", "", "apiVersion"),
];
