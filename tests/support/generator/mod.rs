//! Clusters of any size from a seed, of shapes that have been published or that hurt: for benchmarks, and for tests of what changes.
//!
//! The same shape, size and seed give the same cluster, as records in memory ([`Cluster::lists`], [`Cluster::changes`]), as raw objects
//! ([`Cluster::objects`]) and as folders of YAML ([`Cluster::write`]).

pub mod churn;
pub mod counts;
pub mod model;

mod adversarial;
mod kube_burner;
mod mixed;
mod raw;
mod real_cluster;
mod uniform;

pub use churn::{Churn, Event};
pub use counts::Counts;
pub use model::Cluster;

use crate::random_cluster::Random;

/// What a generated cluster looks like. Sources of the figures stand with each generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Shape {
    /// The ratios of the one public survey of clusters with policies.
    RealCluster,
    /// One namespace, as many policies as pods, everyone selects everyone.
    OneNamespace,
    /// One namespace, a policy for each pod.
    PolicyPerPod,
    /// A namespace and a policy for each pod; 15 labels a pod, 5 of them unique.
    IsolatedCustomers,
    /// What `kube-burner-ocp network-policy` makes: dense policies with many ports, ranges, namespaces and blocks.
    KubeBurner,
    /// Unique labels, `NotIn` over namespaces, as many blocks with exceptions as pods, no two policies with the same ports.
    Adversarial,
    /// Deployments without pods and a mixture of policies, for programs that read manifests.
    Mixed,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 7] = [
        Self::RealCluster,
        Self::OneNamespace,
        Self::PolicyPerPod,
        Self::IsolatedCustomers,
        Self::KubeBurner,
        Self::Adversarial,
        Self::Mixed,
    ];

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RealCluster => "real-cluster",
            Self::OneNamespace => "one-namespace",
            Self::PolicyPerPod => "policy-per-pod",
            Self::IsolatedCustomers => "isolated-customers",
            Self::KubeBurner => "kube-burner",
            Self::Adversarial => "adversarial",
            Self::Mixed => "mixed",
        }
    }

    /// A cluster of this shape with this number of pods (of Deployments, for [`Shape::Mixed`]).
    pub fn generate(self, pods: usize, seed: u64) -> Cluster {
        let random = &mut Random::new(seed);
        let pods = pods.max(1);
        match self {
            Self::RealCluster => real_cluster::generate(pods, random),
            Self::OneNamespace => uniform::one_namespace(pods),
            Self::PolicyPerPod => uniform::policy_per_pod(pods, random),
            Self::IsolatedCustomers => uniform::isolated_customers(pods, random),
            Self::KubeBurner => kube_burner::generate(pods),
            Self::Adversarial => adversarial::generate(pods, random),
            Self::Mixed => mixed::generate(pods, random),
        }
    }
}
