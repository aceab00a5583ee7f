//! How a source is doing, kind by kind, and folded into the one line that a status bar has room for.

use std::collections::BTreeMap;
use std::time::SystemTime;

use portolan_core::object::Kind;

use super::Scope;

/// How one kind is doing within one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceState {
    /// The first listing is under way.
    Listing,
    /// Everything is here, and changes arrive as they happen.
    Live,
    /// The server refuses: its message names the missing permission. What lies in this scope is unseen.
    Forbidden(String),
    /// The server has no such kind. It is asked again from time to time.
    Absent,
    /// Contact is lost; what was known stays, and is as old as `since`.
    Disconnected {
        /// When contact was lost.
        since: SystemTime,
        /// Why.
        why: String,
    },
    /// The server does not accept who we say that we are, or no credentials could be had.
    Unauthorised(String),
}

/// The state of a kind within a scope, as a source reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The kind.
    pub kind: Kind,
    /// The scope: every namespace, or one where the server refuses more.
    pub scope: Scope,
    /// How it is doing.
    pub state: SourceState,
}

/// A kind that is not seen everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The kind.
    pub kind: Kind,
    /// The namespaces where it is seen all the same; empty where it is seen nowhere.
    pub seen_in: Vec<String>,
    /// The server's message, which names the missing permission.
    pub message: String,
}

/// All kinds in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overall {
    /// Nothing has been reported yet.
    Idle,
    /// Some kinds have not been listed yet.
    Loading {
        /// How many kinds have been.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// All that can be seen is here and up to date.
    Live,
    /// Contact is lost for at least one kind.
    Stale {
        /// When contact was lost first.
        since: SystemTime,
        /// Why.
        why: String,
    },
    /// The server does not accept who we say that we are.
    Unauthorised(String),
}

/// The latest state of every kind.
#[derive(Debug, Clone, Default)]
pub struct Statuses {
    states: BTreeMap<(Kind, Scope), SourceState>,
}

impl Statuses {
    /// Statuses of these kinds, all about to be listed.
    pub fn of(kinds: &[Kind]) -> Self {
        Self { states: kinds.iter().map(|kind| ((*kind, Scope::All), SourceState::Listing)).collect() }
    }

    /// Takes in a report. One on all namespaces that is not a refusal ends what was said on single ones.
    pub fn apply(&mut self, status: SourceStatus) {
        let SourceStatus { kind, scope, state } = status;
        if scope == Scope::All && !matches!(state, SourceState::Forbidden(_)) {
            self.states.retain(|(other, _), _| *other != kind);
        }
        self.states.insert((kind, scope), state);
    }

    /// The state of a kind in all namespaces.
    pub fn get(&self, kind: Kind) -> Option<&SourceState> {
        self.states.get(&(kind, Scope::All))
    }

    /// Every state, by kind and scope.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Scope, &SourceState)> {
        self.states.iter().map(|((kind, scope), state)| (*kind, scope, state))
    }

    /// All kinds in one. The worst news wins: unauthorised, then stale, then loading.
    pub fn overall(&self) -> Overall {
        if self.states.is_empty() {
            return Overall::Idle;
        }
        let mut stale: Option<(SystemTime, &str)> = None;
        let mut loading: Vec<Kind> = Vec::new();
        let mut kinds: Vec<Kind> = Vec::new();
        for ((kind, _), state) in &self.states {
            if kinds.last() != Some(kind) {
                kinds.push(*kind);
            }
            match state {
                SourceState::Unauthorised(why) => return Overall::Unauthorised(why.clone()),
                SourceState::Disconnected { since, why } if stale.is_none_or(|(earliest, _)| *since < earliest) => {
                    stale = Some((*since, why))
                }
                SourceState::Listing if loading.last() != Some(kind) => loading.push(*kind),
                _ => {}
            }
        }
        if let Some((since, why)) = stale {
            return Overall::Stale { since, why: why.to_owned() };
        }
        if loading.is_empty() { Overall::Live } else { Overall::Loading { done: kinds.len() - loading.len(), of: kinds.len() } }
    }

    /// The kinds that the server refuses to show everywhere, with its messages.
    pub fn unseen(&self) -> Vec<Unseen> {
        let mut unseen = Vec::new();
        for ((kind, scope), state) in &self.states {
            let (Scope::All, SourceState::Forbidden(message)) = (scope, state) else { continue };
            let seen_in = self.iter().filter(|(other, ..)| other == kind).filter_map(|(_, scope, state)| match (scope, state) {
                (Scope::Namespace(namespace), SourceState::Live | SourceState::Listing | SourceState::Disconnected { .. }) => {
                    Some(namespace.clone())
                }
                _ => None,
            });
            unseen.push(Unseen { kind: *kind, seen_in: seen_in.collect(), message: message.clone() });
        }
        unseen
    }

    /// The kinds that the server does not have.
    pub fn absent(&self) -> impl Iterator<Item = Kind> {
        self.states.iter().filter(|(_, state)| **state == SourceState::Absent).map(|((kind, _), _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kind: Kind, scope: Scope, state: SourceState) -> SourceStatus {
        SourceStatus { kind, scope, state }
    }

    #[test]
    fn worst_news_wins() {
        let mut statuses = Statuses::of(&[Kind::Pod, Kind::Service, Kind::Namespace]);
        assert_eq!(statuses.overall(), Overall::Loading { done: 0, of: 3 });
        statuses.apply(status(Kind::Pod, Scope::All, SourceState::Live));
        statuses.apply(status(Kind::Service, Scope::All, SourceState::Absent));
        assert_eq!(statuses.overall(), Overall::Loading { done: 2, of: 3 });
        statuses.apply(status(Kind::Namespace, Scope::All, SourceState::Live));
        assert_eq!(statuses.overall(), Overall::Live);
        assert_eq!(statuses.absent().collect::<Vec<_>>(), [Kind::Service]);

        let since = SystemTime::UNIX_EPOCH;
        statuses.apply(status(Kind::Pod, Scope::All, SourceState::Disconnected { since: SystemTime::now(), why: "later".to_owned() }));
        statuses.apply(status(Kind::Namespace, Scope::All, SourceState::Disconnected { since, why: "first".to_owned() }));
        assert_eq!(statuses.overall(), Overall::Stale { since, why: "first".to_owned() });
        statuses.apply(status(Kind::Service, Scope::All, SourceState::Unauthorised("Unauthorized".to_owned())));
        assert_eq!(statuses.overall(), Overall::Unauthorised("Unauthorized".to_owned()));
    }

    #[test]
    fn a_refusal_names_where_a_kind_is_seen_all_the_same() {
        let mut statuses = Statuses::of(&[Kind::Pod]);
        statuses.apply(status(Kind::Pod, Scope::All, SourceState::Forbidden("cannot list".to_owned())));
        statuses.apply(status(Kind::Pod, Scope::Namespace("a".to_owned()), SourceState::Live));
        statuses.apply(status(Kind::Pod, Scope::Namespace("b".to_owned()), SourceState::Forbidden("no".to_owned())));
        assert_eq!(statuses.unseen(), [Unseen { kind: Kind::Pod, seen_in: vec!["a".to_owned()], message: "cannot list".to_owned() }]);
        assert_eq!(statuses.overall(), Overall::Live);

        statuses.apply(status(Kind::Pod, Scope::All, SourceState::Listing));
        assert!(statuses.unseen().is_empty());
        assert_eq!(statuses.iter().count(), 1);
    }
}
