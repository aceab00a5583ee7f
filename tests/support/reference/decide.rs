//! What tiers make of a port, in order.

use super::Port;
use super::cluster::Pod;
use super::rule::{Action, Match, Policy, Rule};

/// Which of the independent filters a tier belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plane {
    Cluster,
    EgressFirewall,
    Mesh,
}

/// How the policies of a tier come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Deny rules first, then allow rules; a pod that some policy isolates gets nothing else.
    Union,
    /// The first rule that matches decides; what none matches goes to the next tier.
    FirstMatch,
    /// The first rule that matches decides; what none matches is denied to a pod that some policy of the tier is for.
    FirstMatchThenDeny,
}

/// A tier. They are asked in order within their plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tier {
    pub(super) plane: Plane,
    pub(super) mode: Mode,
    /// Whether it looks at TCP only.
    pub(super) is_tcp_only: bool,
}

/// A policy that selects a pod, for certain or perhaps, and those of its rules that match, or may match, the peer.
pub(super) struct Matched<'a> {
    pub(super) policy: &'a Policy,
    pub(super) is_certain: bool,
    pub(super) isolates: bool,
    pub(super) rules: Vec<(Match, &'a Rule)>,
}

/// What may come of a port: it may be let through, it may be kept out, or it may be left to the next tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct May {
    pub(super) allow: bool,
    pub(super) deny: bool,
    go_on: bool,
}

impl May {
    /// Let through, whatever policies say.
    pub(super) const FREE: Self = Self { allow: true, deny: false, go_on: false };

    pub(super) fn or(self, other: Self) -> Self {
        Self { allow: self.allow || other.allow, deny: self.deny || other.deny, go_on: self.go_on || other.go_on }
    }
}

/// Asks every plane: all must let it through. `matched` holds the policies that select the pod, by tier and rank, with their rules that
/// match the peer. What comes from the pod's own node passes the plane of the cluster.
pub(super) fn decide(tiers: &[Tier], matched: &[Matched<'_>], destination: Option<&Pod>, port: Port, is_from_own_node: bool) -> May {
    let planes = [Plane::Cluster, Plane::EgressFirewall, Plane::Mesh].map(|plane| match plane {
        Plane::Cluster if is_from_own_node => May::FREE,
        _ => ask_plane(plane, tiers, matched, destination, port),
    });
    May { allow: planes.iter().all(|may| may.allow), deny: planes.iter().any(|may| may.deny), go_on: false }
}

fn ask_plane(plane: Plane, tiers: &[Tier], matched: &[Matched<'_>], destination: Option<&Pod>, port: Port) -> May {
    let mut so_far = May::default();
    for (index, tier) in tiers.iter().enumerate().filter(|(_, tier)| tier.plane == plane && (!tier.is_tcp_only || port.0 == "TCP")) {
        let policies: Vec<&Matched<'_>> = matched.iter().filter(|matched| matched.policy.tier == index).collect();
        let may = match tier.mode {
            Mode::Union => ask_union(&policies, destination, port),
            Mode::FirstMatch | Mode::FirstMatchThenDeny => {
                let mut may = ask_in_order(&policies, destination, port);
                if tier.mode == Mode::FirstMatchThenDeny && may.is_silent {
                    may.ends.deny |= !policies.is_empty();
                    may.ends.go_on |= policies.iter().all(|matched| !matched.is_certain);
                } else {
                    may.ends.go_on |= may.is_silent;
                }
                may.ends
            }
        };
        so_far = May { allow: so_far.allow || may.allow, deny: so_far.deny || may.deny, go_on: false };
        if !may.go_on {
            return so_far;
        }
    }
    // What no tier decides is allowed.
    May { allow: true, ..so_far }
}

/// The rules of an action that match a port, for certain or perhaps.
fn matches(policies: &[&Matched<'_>], action: Action, destination: Option<&Pod>, port: Port) -> Option<Match> {
    let rules = policies.iter().flat_map(|matched| {
        let most = if matched.is_certain { Match::Yes } else { Match::Maybe };
        matched.rules.iter().map(move |(matched, rule)| ((*matched).min(most), *rule))
    });
    rules.filter(|(_, rule)| rule.action == action && rule.matches_port(destination, port)).map(|(matched, _)| matched).max()
}

fn ask_union(policies: &[&Matched<'_>], destination: Option<&Pod>, port: Port) -> May {
    let denied = matches(policies, Action::Deny, destination, port);
    if denied == Some(Match::Yes) {
        return May { deny: true, ..May::default() };
    }
    let may = May { deny: denied.is_some(), ..May::default() };
    match matches(policies, Action::Allow, destination, port) {
        Some(Match::Yes) => May { allow: true, ..may },
        allowed => {
            let isolating = policies.iter().filter(|matched| matched.isolates).map(|matched| matched.is_certain).max();
            May { allow: allowed.is_some(), deny: may.deny || isolating.is_some(), go_on: isolating != Some(true) }
        }
    }
}

/// What policies that are asked in order make of a port, and whether it may be that none of their rules matches.
struct InOrder {
    ends: May,
    is_silent: bool,
}

/// Asks the policies of a tier by rank. Of those with the same rank, any one may be the first.
fn ask_in_order(policies: &[&Matched<'_>], destination: Option<&Pod>, port: Port) -> InOrder {
    let mut ends = May::default();
    for equals in policies.chunk_by(|a, b| a.policy.rank == b.policy.rank) {
        let mut may_all_be_silent = true;
        for matched in equals {
            let mut may_be_silent = true;
            for (found, rule) in matched.rules.iter().filter(|(_, rule)| rule.matches_port(destination, port)) {
                match rule.action {
                    Action::Allow => ends.allow = true,
                    Action::Deny => ends.deny = true,
                    Action::Pass => ends.go_on = true,
                }
                if *found == Match::Yes && matched.is_certain {
                    may_be_silent = false;
                    break;
                }
            }
            may_all_be_silent &= may_be_silent;
        }
        if !may_all_be_silent {
            return InOrder { ends, is_silent: false };
        }
    }
    InOrder { ends, is_silent: true }
}
