//! Which network plugin a cluster has, by its DaemonSets and Deployments: plugins bear the same names and labels everywhere.
//!
//! Invariant: what is detected follows from the snapshot alone, in the order of the table below; nothing is remembered.

use super::Profile;
use crate::object::{Kind, ObjectKey};
use crate::record::{Record, WorkloadRecord};
use crate::snapshot::Snapshot;

/// What a cluster's network plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The profile that stands for it.
    pub profile: Profile,
    /// Its name and what gave it away: `Cilium (DaemonSet kube-system/cilium)`.
    pub evidence: String,
}

/// What a plugin does with NetworkPolicies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policies {
    /// It enforces them.
    Enforced,
    /// It leaves them to another plugin, if there is one.
    Ignored,
}

/// A network plugin and what it goes by.
struct Plugin {
    title: &'static str,
    profile: Profile,
    policies: Policies,
    /// Names of its DaemonSets and Deployments.
    names: &'static [&'static str],
    /// Namespaces that it is usually installed into.
    namespaces: &'static [&'static str],
    /// A label of its pods.
    label: (&'static str, &'static str),
}

const fn plugin(
    title: &'static str,
    profile: Profile,
    names: &'static [&'static str],
    namespaces: &'static [&'static str],
    label: (&'static str, &'static str),
) -> Plugin {
    Plugin { title, profile, policies: Policies::Enforced, names, namespaces, label }
}

/// The plugins that are known. Of several, the first that enforces policies decides: others hand their traffic to it (chaining).
const PLUGINS: &[Plugin] = &[
    plugin("Cilium", Profile::Cilium, &["cilium", "anetd"], &["kube-system", "cilium"], ("k8s-app", "cilium")),
    plugin("Calico", Profile::Calico, &["calico-node"], &["kube-system", "calico-system"], ("k8s-app", "calico-node")),
    plugin("Canal, Calico's policies over Flannel", Profile::Calico, &["canal", "rke2-canal"], &["kube-system"], ("k8s-app", "canal")),
    plugin(
        "OVN-Kubernetes",
        Profile::OvnKubernetes,
        &["ovnkube-node", "ovnkube-control-plane", "ovnkube-master"],
        &["openshift-ovn-kubernetes", "ovn-kubernetes"],
        ("app", "ovnkube-node"),
    ),
    plugin("Antrea", Profile::Upstream, &["antrea-agent"], &["kube-system"], ("component", "antrea-agent")),
    plugin("kube-router", Profile::Upstream, &["kube-router"], &["kube-system"], ("k8s-app", "kube-router")),
    plugin("Weave Net", Profile::Upstream, &["weave-net"], &["kube-system", "weave"], ("name", "weave-net")),
    plugin("kindnet", Profile::Upstream, &["kindnet"], &["kube-system"], ("app", "kindnet")),
    plugin("Azure NPM", Profile::Upstream, &["azure-npm"], &["kube-system"], ("k8s-app", "azure-npm")),
    plugin("Amazon VPC CNI", Profile::Upstream, &["aws-node"], &["kube-system"], ("k8s-app", "aws-node")),
    Plugin {
        title: "Flannel",
        profile: Profile::Upstream,
        policies: Policies::Ignored,
        names: &["kube-flannel-ds", "kube-flannel"],
        namespaces: &["kube-flannel", "kube-system"],
        label: ("app", "flannel"),
    },
];

impl Plugin {
    /// Whether a workload is its own: two of its name, its namespace and its label.
    fn is(&self, key: &ObjectKey, workload: &WorkloadRecord) -> bool {
        let (label, value) = self.label;
        let labels = workload.template.as_ref().map(|template| &template.labels);
        let signs = [
            self.names.contains(&key.name.as_str()),
            self.namespaces.contains(&key.namespace.as_str()),
            labels.is_some_and(|labels| labels.get(label) == Some(value)),
        ];
        signs.into_iter().filter(|sign| *sign).count() >= 2
    }

    /// The first workload that is its own: DaemonSets, which run the plugin, before Deployments, which steer it.
    fn found_in(&self, snapshot: &Snapshot) -> Option<String> {
        [Kind::DaemonSet, Kind::Deployment].into_iter().find_map(|kind| {
            let mut own =
                snapshot.records(kind).filter(|(key, record)| matches!(record, Record::Workload(workload) if self.is(key, workload)));
            own.next().map(|(key, _)| format!("{} ({} {})", self.title, kind.name(), key.path()))
        })
    }
}

/// Finds the network plugin of a cluster, or of manifests that bring theirs. `None` where no known plugin is there, or may be seen.
pub fn detect(snapshot: &Snapshot) -> Option<Detection> {
    let found: Vec<(&Plugin, String)> = PLUGINS.iter().filter_map(|plugin| Some((plugin, plugin.found_in(snapshot)?))).collect();
    let enforcing = found.iter().position(|(plugin, _)| plugin.policies == Policies::Enforced);
    let (decides, first) = found.get(enforcing.unwrap_or(0))?;
    let others: Vec<&str> = found.iter().filter(|(plugin, _)| !std::ptr::eq(*plugin, *decides)).map(|(_, words)| words.as_str()).collect();
    let mut evidence = first.clone();
    if decides.policies == Policies::Ignored {
        evidence.push_str(", which enforces no NetworkPolicy by itself");
    }
    if !others.is_empty() {
        evidence.push_str(&format!(", taken for the one that enforces policies beside {}", others.join(" and ")));
    }
    Some(Detection { profile: decides.profile, evidence })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Object;
    use crate::snapshot::Change;

    fn found(workloads: &[(&str, &str, &str, (&str, &str))]) -> Option<(Profile, String)> {
        let mut snapshot = Snapshot::default();
        for (kind, namespace, name, (label, value)) in workloads {
            let raw = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {
                "selector": {"matchLabels": {*label: value}},
                "template": {"metadata": {"labels": {*label: value}}, "spec": {"hostNetwork": true, "containers": [{"name": "c", "image": "i"}]}}}});
            snapshot.apply(Change::apply(&Object::new(raw, "default").unwrap().unwrap()));
        }
        detect(&snapshot).map(|detection| (detection.profile, detection.evidence))
    }

    const CILIUM: (&str, &str, &str, (&str, &str)) = ("DaemonSet", "kube-system", "cilium", ("k8s-app", "cilium"));
    const AWS: (&str, &str, &str, (&str, &str)) = ("DaemonSet", "kube-system", "aws-node", ("k8s-app", "aws-node"));

    #[test]
    fn a_plugin_is_known_by_name_namespace_and_label() {
        for (workload, profile, evidence) in [
            (CILIUM, Profile::Cilium, "Cilium (DaemonSet kube-system/cilium)"),
            (("DaemonSet", "kube-system", "anetd", ("k8s-app", "cilium")), Profile::Cilium, "Cilium (DaemonSet kube-system/anetd)"),
            (("DaemonSet", "network", "cilium", ("k8s-app", "cilium")), Profile::Cilium, "Cilium (DaemonSet network/cilium)"),
            (("DaemonSet", "calico-system", "calico-node", ("a", "b")), Profile::Calico, "Calico (DaemonSet calico-system/calico-node)"),
            (
                ("DaemonSet", "openshift-ovn-kubernetes", "ovnkube-node", ("app", "ovnkube-node")),
                Profile::OvnKubernetes,
                "OVN-Kubernetes (DaemonSet openshift-ovn-kubernetes/ovnkube-node)",
            ),
            (
                ("Deployment", "ovn-kubernetes", "ovnkube-control-plane", ("name", "ovnkube-control-plane")),
                Profile::OvnKubernetes,
                "OVN-Kubernetes (Deployment ovn-kubernetes/ovnkube-control-plane)",
            ),
            (("DaemonSet", "kube-system", "kindnet", ("app", "kindnet")), Profile::Upstream, "kindnet (DaemonSet kube-system/kindnet)"),
            (AWS, Profile::Upstream, "Amazon VPC CNI (DaemonSet kube-system/aws-node)"),
        ] {
            assert_eq!(found(&[workload]), Some((profile, evidence.to_owned())));
        }
        let flannel = found(&[("DaemonSet", "kube-flannel", "kube-flannel-ds", ("app", "flannel"))]).unwrap();
        assert!(flannel.0 == Profile::Upstream && flannel.1.ends_with(", which enforces no NetworkPolicy by itself"), "{flannel:?}");
    }

    #[test]
    fn one_sign_alone_is_chance() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("DaemonSet", "shop", "cilium", ("app", "cilium"))]), None);
        assert_eq!(found(&[("DaemonSet", "kube-system", "kube-proxy", ("k8s-app", "kube-proxy"))]), None);
        assert_eq!(found(&[("StatefulSet", "kube-system", "cilium", ("k8s-app", "cilium"))]), None);
    }

    #[test]
    fn of_several_the_one_that_enforces_decides_and_the_others_are_named() {
        let evidence = "Cilium (DaemonSet kube-system/cilium), taken for the one that enforces policies beside \
                        Amazon VPC CNI (DaemonSet kube-system/aws-node)";
        for order in [[AWS, CILIUM], [CILIUM, AWS]] {
            assert_eq!(found(&order), Some((Profile::Cilium, evidence.to_owned())));
        }
        let (profile, evidence) = found(&[
            ("DaemonSet", "kube-flannel", "kube-flannel-ds", ("app", "flannel")),
            ("DaemonSet", "kube-system", "calico-node", ("k8s-app", "calico-node")),
        ])
        .unwrap();
        assert_eq!(profile, Profile::Calico);
        assert!(evidence.starts_with("Calico ") && evidence.contains("beside Flannel "), "{evidence}");
    }
}
