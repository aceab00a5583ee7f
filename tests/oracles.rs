//! Other people's answers to the same questions. One test a suite; each prints its row: cases, flows compared, differences, what was
//! left out and why. A disagreement is settled by the API text.

#[path = "oracles/calico.rs"]
mod calico;
#[path = "oracles/cilium.rs"]
mod cilium;
#[path = "oracles/cluster_faults.rs"]
mod cluster_faults;
#[path = "oracles/cluster_network_policy.rs"]
mod cluster_network_policy;
#[path = "oracles/cyclonus.rs"]
mod cyclonus;
#[path = "oracles/errors.rs"]
mod errors;
#[path = "oracles/explain.rs"]
mod explain;
#[path = "oracles/explain_entries.rs"]
mod explain_entries;
#[path = "oracles/exposure.rs"]
mod exposure;
#[path = "oracles/faults.rs"]
mod faults;
#[path = "oracles/gateway_api.rs"]
mod gateway_api;
#[path = "oracles/ingress.rs"]
mod ingress;
#[path = "oracles/kube_network_policies.rs"]
mod kube_network_policies;
#[path = "oracles/netpol_analyzer.rs"]
mod netpol_analyzer;
#[path = "oracles/not_errors.rs"]
mod not_errors;
#[path = "oracles/policy_assistant.rs"]
mod policy_assistant;
#[path = "oracles/traces.rs"]
mod traces;
#[path = "oracles/validation.rs"]
mod validation;
