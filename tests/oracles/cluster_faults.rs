//! The faults of AdminNetworkPolicies and BaselineAdminNetworkPolicies.

use crate::faults::{Fault, In, fault};

const TWO_OF_ONE_PRIORITY: &str = "
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: p}
spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: q}
spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}
";

const TWO_OF_ONE_NAME: &str = "
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: same-name}
spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: same-name}
spec: {priority: 6, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}
";

const TWO_BASELINES: &str = "
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec: {subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}]}]}
";

const BASELINE_OF_ANOTHER_NAME: &str = "
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: other}
spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
";

/// Faults of AdminNetworkPolicies and BaselineAdminNetworkPolicies, by folder.
pub const CLUSTER_FAULTS: &[Fault] = &[
    fault("anp_bad_path_test_1", In::Yaml(""), TWO_OF_ONE_PRIORITY, "/spec/priority", "priority"),
    fault("anp_bad_path_test_2", In::Admin, "{priority: 1001, subject: {namespaces: {}}}", "/spec/priority", "1001"),
    fault("anp_bad_path_test_20", In::Admin, "{priority: 1001, subject: {namespaces: {}}}", "/spec/priority", "1001"),
    fault("anp_bad_path_test_3", In::Yaml("AdminNetworkPolicy same-name"), TWO_OF_ONE_NAME, "", "defined twice"),
    fault("anp_bad_path_test_4", In::Admin, "{priority: 5, subject: {}}", "/spec/subject", ""),
    fault("anp_bad_path_test_5", In::Admin, "{priority: 5, subject: {namespaces: {}, pods: {podSelector: {}}}}", "/spec/subject", ""),
    fault(
        "anp_bad_path_test_6",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Allow, to: []}]}",
        "/spec/egress/0",
        "",
    ),
    fault("anp_bad_path_test_10", In::Admin, "{priority: 5, subject: {namespaces: {}}, egress: [{action: Allow}]}", "/spec/egress/0", ""),
    fault(
        "anp_bad_path_test_15",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: []}]}",
        "/spec/ingress/0",
        "",
    ),
    fault("anp_bad_path_test_14", In::Admin, "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow}]}", "/spec/ingress/0", ""),
    fault(
        "anp_bad_path_test_7",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Allow, to: [{namespaces: {}, pods: {podSelector: {}}}]}]}",
        "/spec/egress/0/to/0",
        "",
    ),
    fault(
        "anp_bad_path_test_16",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}, pods: {podSelector: {}}}]}]}",
        "/spec/ingress/0/from/0",
        "",
    ),
    fault(
        "anp_bad_path_test_8",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}], ports: [{portNumber: {port: 80}, namedPort: http}]}]}",
        "/spec/egress/0/ports/0",
        "",
    ),
    fault(
        "anp_bad_path_test_17",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {port: 80}, namedPort: http}]}]}",
        "/spec/ingress/0/ports/0",
        "",
    ),
    fault(
        "anp_test_with_empty_port_range",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}], ports: [{portRange: {start: 10, end: 1}}]}]}",
        "/spec/egress/0/ports/0/portRange",
        "10",
    ),
    fault(
        "anp_bad_path_test_9",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Alow, to: [{namespaces: {}}]}]}",
        "/spec/egress/0/action",
        "Alow",
    ),
    fault(
        "anp_bad_path_test_12",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{to: [{namespaces: {}}]}]}",
        "/spec/egress/0",
        "action",
    ),
    fault(
        "anp_bad_path_test_18",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, ingress: [{action: Alow, from: [{namespaces: {}}]}]}",
        "/spec/ingress/0/action",
        "Alow",
    ),
    fault(
        "anp_bad_path_test_19",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/60]}]}]}",
        "/spec/egress/0/to/0/networks/0",
        "10.0.0.0/60",
    ),
    fault(
        "anp_test_named_ports_multiple_peers",
        In::Admin,
        "{priority: 5, subject: {namespaces: {}}, egress: [{action: Allow, to: [{networks: [10.0.0.0/8]}], ports: [{namedPort: dns}]}]}",
        "/spec/egress/0/ports",
        "name",
    ),
    fault("banp_bad_path_test_1", In::Yaml("BaselineAdminNetworkPolicy default"), TWO_BASELINES, "", "defined twice"),
    fault("banp_bad_path_test_2", In::Yaml("BaselineAdminNetworkPolicy other"), BASELINE_OF_ANOTHER_NAME, "/metadata/name", "default"),
    fault("banp_bad_path_test_3", In::Baseline, "{subject: {}}", "/spec/subject", ""),
    fault("banp_bad_path_test_4", In::Baseline, "{subject: {namespaces: {}, pods: {podSelector: {}}}}", "/spec/subject", ""),
    fault("banp_bad_path_test_5", In::Baseline, "{subject: {namespaces: {}}, egress: [{action: Allow, to: []}]}", "/spec/egress/0", ""),
    fault("banp_bad_path_test_6", In::Baseline, "{subject: {namespaces: {}}, egress: [{action: Allow}]}", "/spec/egress/0", ""),
    fault(
        "banp_bad_path_test_11",
        In::Baseline,
        "{subject: {namespaces: {}}, ingress: [{action: Allow, from: []}]}",
        "/spec/ingress/0",
        "",
    ),
    fault("banp_bad_path_test_10", In::Baseline, "{subject: {namespaces: {}}, ingress: [{action: Allow}]}", "/spec/ingress/0", ""),
    fault(
        "banp_bad_path_test_7",
        In::Baseline,
        "{subject: {namespaces: {}}, egress: [{action: Allow, to: [{namespaces: {}, pods: {podSelector: {}}}]}]}",
        "/spec/egress/0/to/0",
        "",
    ),
    fault(
        "banp_bad_path_test_12",
        In::Baseline,
        "{subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}, pods: {podSelector: {}}}]}]}",
        "/spec/ingress/0/from/0",
        "",
    ),
    fault(
        "banp_bad_path_test_8",
        In::Baseline,
        "{subject: {namespaces: {}}, egress: [{action: Pass, to: [{namespaces: {}}]}]}",
        "/spec/egress/0/action",
        "Pass",
    ),
    fault(
        "banp_bad_path_test_14",
        In::Baseline,
        "{subject: {namespaces: {}}, ingress: [{action: Pass, from: [{namespaces: {}}]}]}",
        "/spec/ingress/0/action",
        "Pass",
    ),
    fault(
        "banp_bad_path_test_9",
        In::Baseline,
        "{subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}], ports: [{portNumber: {port: 80}, namedPort: http}]}]}",
        "/spec/egress/0/ports/0",
        "",
    ),
    fault(
        "banp_bad_path_test_13",
        In::Baseline,
        "{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {port: 80}, namedPort: http}]}]}",
        "/spec/ingress/0/ports/0",
        "",
    ),
    fault(
        "banp_bad_path_test_15",
        In::Baseline,
        "{subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/60]}]}]}",
        "/spec/egress/0/to/0/networks/0",
        "10.0.0.0/60",
    ),
];
