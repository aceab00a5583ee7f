//! What is assumed, as rows: the profiles to choose from, and every assumption with its values.

use portolan_core::Kind;
use portolan_core::assumptions::{Assumptions, Detection, Profile, Settled};
use portolan_core::snapshot::Snapshot;

/// What the dialog of assumptions shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumptionsView {
    /// The profiles to choose from, the detected one first.
    pub profiles: Vec<ProfileRow>,
    /// What was detected and from what, in a sentence.
    pub detected: String,
    /// Every assumption.
    pub rows: Vec<AssumptionRow>,
    /// As which addresses what leaves the cluster is said to arrive; empty where nobody said.
    pub nat: String,
}

/// A profile to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRow {
    /// What is chosen by it; `None` leaves the choice to what is detected.
    pub profile: Option<Profile>,
    /// `cilium`, `as detected`
    pub title: String,
    /// Whether it is chosen now.
    pub is_chosen: bool,
}

/// An assumption and its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumptionRow {
    /// `self-traffic`
    pub name: String,
    /// What it asks.
    pub question: String,
    /// The value in force.
    pub value: String,
    /// Every value.
    pub values: Vec<String>,
    /// What the profile says, where that is something else.
    pub profile_value: Option<String>,
}

/// The rows of the assumptions in force; `detected` is [`detected`].
pub fn view(settled: &Settled, detected: &str, assumptions: &Assumptions) -> AssumptionsView {
    let row = |profile: Option<Profile>| ProfileRow {
        profile,
        title: profile.map_or("as detected", Profile::name).to_owned(),
        is_chosen: settled.profile == profile,
    };
    let rows = assumptions.settings().into_iter().map(|setting| AssumptionRow {
        name: setting.name.to_owned(),
        question: setting.question.to_owned(),
        value: setting.value.to_owned(),
        values: setting.values.iter().map(|value| (*value).to_owned()).collect(),
        profile_value: (setting.value != setting.profile_value).then(|| setting.profile_value.to_owned()),
    });
    AssumptionsView {
        profiles: std::iter::once(None).chain(Profile::ALL.map(Some)).map(row).collect(),
        detected: detected.to_owned(),
        rows: rows.collect(),
        nat: settled.nat.to_string(),
    }
}

/// What was detected, or why nothing was, in a sentence. `is_loading`: the first lists of a cluster are on their way.
pub fn detected(detection: Option<&Detection>, snapshot: &Snapshot, is_loading: bool) -> String {
    if let Some(detection) = detection {
        let profile = if detection.evidence.to_lowercase().starts_with(detection.profile.name()) {
            String::new()
        } else {
            format!(", which stands for profile {}", detection.profile.name())
        };
        return format!("Detected {}{profile}", detection.evidence);
    }
    if is_loading {
        return "Detected nothing yet: the first lists are on their way".to_owned();
    }
    let unseen: Vec<&str> =
        [Kind::DaemonSet, Kind::Deployment].into_iter().filter(|kind| snapshot.unseen.0.contains_key(kind)).map(Kind::plural).collect();
    match unseen.as_slice() {
        [] => "Detected no network plugin that is known, which stands for profile upstream".to_owned(),
        kinds => format!("Detected nothing, since {} cannot be seen, which stands for profile upstream", kinds.join(" and ")),
    }
}

/// Where the profile comes from: the person, or what was detected.
pub fn origin(settled: &Settled, detected: &str) -> String {
    if settled.profile.is_none() { detected.to_owned() } else { format!("Chosen by you. {detected}") }
}

/// The status bar's words: `profile cilium +2`.
pub fn words(assumptions: &Assumptions) -> String {
    match assumptions.n_changed() {
        0 => format!("profile {}", assumptions.profile.name()),
        n => format!("profile {} +{n}", assumptions.profile.name()),
    }
}
