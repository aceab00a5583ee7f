//! Assumptions as a person meets them: what each asks, and what may be answered. The command line's help and the window read this table.

use std::fmt::Write;

use super::{Assumptions, BlocksSelectPods, Cause, FinishedPods, HostNetworkPods, MeshOutbound, SelfTraffic, UnknownPodAddresses};

/// One row of the table.
struct Question {
    name: &'static str,
    question: &'static str,
    values: &'static [&'static str],
}

/// Every assumption, in the order of [`Assumptions::list`]; a test holds the two together.
const QUESTIONS: &[Question] = &[
    Question {
        name: "ip-block-selects-pods",
        question: "Does an ipBlock in a policy match the addresses of pods, or only addresses outside the cluster?",
        values: BlocksSelectPods::VALUES,
    },
    Question {
        name: "networks-select-pods",
        question: "Do the networks of a cluster-wide policy match the addresses of pods, or only addresses outside the cluster?",
        values: BlocksSelectPods::VALUES,
    },
    Question {
        name: "host-network-pods",
        question: "Is a pod with hostNetwork a pod like any other to a policy, or is it its node?",
        values: HostNetworkPods::VALUES,
    },
    Question {
        name: "self-traffic",
        question: "Does a pod always reach itself, or can a policy keep it from itself?",
        values: SelfTraffic::VALUES,
    },
    Question {
        name: "finished-pods",
        question: "Is a pod that has succeeded or failed out of the network, or a pod like any other?",
        values: FinishedPods::VALUES,
    },
    Question {
        name: "unknown-pod-addresses",
        question: "Which addresses may a pod get whose address is not known yet, private ones or any?",
        values: UnknownPodAddresses::VALUES,
    },
    Question {
        name: "mesh-outbound",
        question: "Do the proxies of a mesh let out what goes to hosts that the mesh does not know, where no Sidecar says so?",
        values: MeshOutbound::VALUES,
    },
];

/// An assumption with what it asks, its value, and the values that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name: `ip-block-selects-pods`.
    pub name: &'static str,
    /// What it asks, in one sentence.
    pub question: &'static str,
    /// The value in force.
    pub value: &'static str,
    /// Every value.
    pub values: &'static [&'static str],
    /// The value that the profile in force gives it.
    pub profile_value: &'static str,
}

impl Assumptions {
    /// Every assumption with what it asks, in the order of [`Self::list`].
    pub fn settings(&self) -> Vec<Setting> {
        let of_profile = Self::of(self.profile).list();
        let rows = self.list().into_iter().zip(of_profile);
        rows.map(|((name, value), (_, profile_value))| {
            let (question, values) = QUESTIONS.iter().find(|row| row.name == name).map_or(("", &[][..]), |row| (row.question, row.values));
            Setting { name, question, value, values, profile_value }
        })
        .collect()
    }

    /// How many assumptions have another value than the profile gives them.
    pub fn n_changed(&self) -> usize {
        self.settings().iter().filter(|setting| setting.value != setting.profile_value).count()
    }
}

/// The assumption that a reason hangs on, given the words of its [`Cause`], or of a sentence that says `(name=value)`.
pub fn assumption_behind(words: &str) -> Option<&'static str> {
    let causes = [
        (Cause::IpBlockSelectsPods, "ip-block-selects-pods"),
        (Cause::NetworksSelectPods, "networks-select-pods"),
        (Cause::HostNetworkPeer, "host-network-pods"),
        (Cause::UnknownAddress, "unknown-pod-addresses"),
    ];
    let of_cause = causes.into_iter().find(|(cause, _)| words.contains(&cause.to_string())).map(|(_, name)| name);
    of_cause.or_else(|| QUESTIONS.iter().map(|row| row.name).find(|name| words.contains(&format!("({name}="))))
}

/// The table as text for a person who asks for help: a line for each assumption with its values, and what it asks.
pub fn help() -> String {
    QUESTIONS.iter().fold(String::new(), |mut text, row| {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  {}={}\n      {}", row.name, row.values.join("|"), row.question);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    #[test]
    fn every_assumption_has_its_row_and_every_value_can_be_set() {
        let names: Vec<&str> = QUESTIONS.iter().map(|row| row.name).collect();
        let listed: Vec<&str> = Assumptions::default().list().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, listed);
        for profile in Profile::ALL {
            for setting in Assumptions::of(profile).settings() {
                assert!(setting.values.len() > 1 && setting.values.contains(&setting.value), "{setting:?}");
                assert!(setting.question.ends_with('?') && setting.value == setting.profile_value, "{setting:?}");
                for value in setting.values {
                    let mut assumptions = Assumptions::of(profile);
                    assumptions.set(setting.name, value).unwrap();
                    assert!(assumptions.list().contains(&(setting.name, value)));
                    assert_eq!(assumptions.n_changed(), usize::from(*value != setting.value));
                }
            }
        }
        assert!(help().contains("\n  self-traffic=allowed|policy\n"));
    }

    #[test]
    fn the_words_of_a_cause_lead_to_its_assumption() {
        for (cause, name) in [
            (Cause::IpBlockSelectsPods, "ip-block-selects-pods"),
            (Cause::NetworksSelectPods, "networks-select-pods"),
            (Cause::HostNetworkPeer, "host-network-pods"),
            (Cause::UnknownAddress, "unknown-pod-addresses"),
        ] {
            assert_eq!(assumption_behind(&format!("depends on {cause}")), Some(name));
        }
        assert_eq!(
            assumption_behind("rule 1 is for 10.0.0.0/8; blocks do not hold pods (ip-block-selects-pods=no)"),
            Some("ip-block-selects-pods")
        );
        assert_eq!(assumption_behind(&Cause::OwnNode.to_string()), None);
    }
}
