//! What a person settled. What they did not, the cluster says, and what neither says is as upstream.

use std::collections::BTreeMap;

use super::{Assumptions, Detection, Profile};
use crate::egress::NatNote;

/// What a person settled: a profile, or single assumptions, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// The profile, where it is not to be found out.
    pub profile: Option<Profile>,
    /// What is known of the network around the cluster, and no object says.
    pub nat: NatNote,
    values: BTreeMap<String, String>,
}

impl Settled {
    /// A profile, or with `None` the one that is detected, and nothing singly.
    pub fn of(profile: Option<Profile>) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Settles one assumption by name.
    ///
    /// # Errors
    /// A sentence that names what is known, for an unknown name or value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        Assumptions::default().set(name, value)?;
        self.values.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Leaves one assumption to the profile again.
    pub fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Leaves every assumption to the profile again.
    pub fn unset_all(&mut self) {
        self.values.clear();
    }

    /// The assumptions in force in a cluster in which this was detected: the person's word comes first.
    pub fn assumptions(&self, detection: Option<&Detection>) -> Assumptions {
        let detected = || detection.map(|detection| detection.profile);
        let mut assumptions = Assumptions::of(self.profile.or_else(detected).unwrap_or_default());
        for (name, value) in &self.values {
            // Only what can be set is kept.
            let _ = assumptions.set(name, value);
        }
        assumptions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_word_comes_before_what_is_detected() {
        let detection = Detection { profile: Profile::Cilium, evidence: "Cilium".to_owned() };
        let mut settled = Settled::default();
        assert_eq!(settled.assumptions(None), Assumptions::of(Profile::Upstream));
        assert_eq!(settled.assumptions(Some(&detection)), Assumptions::of(Profile::Cilium));
        settled.set("ip-block-selects-pods", "yes").unwrap();
        assert_eq!(settled.assumptions(Some(&detection)).n_changed(), 1);
        settled.profile = Some(Profile::Calico);
        assert_eq!(settled.assumptions(Some(&detection)), Assumptions::of(Profile::Calico));
        settled.unset("ip-block-selects-pods");
        settled.profile = None;
        assert_eq!(settled.assumptions(Some(&detection)), Assumptions::of(Profile::Cilium));
        assert!(settled.set("no-such", "yes").is_err() && settled.set("self-traffic", "maybe").is_err());
    }
}
