//! How the watches of a cluster stand, kind by kind and as a whole.

use std::collections::BTreeMap;
use std::time::SystemTime;

use portolan_core::Kind;

use crate::view_model::Freshness;

/// How the watch of one kind stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindStatus {
    /// The first list is on its way.
    Listing,
    /// Everything is there and streams.
    Live,
    /// The server does not let us list it everywhere; where namespaces are named, it does there.
    Forbidden {
        /// What the server says.
        message: String,
        /// The namespaces in which it may be listed.
        seen_in: Vec<String>,
    },
    /// The server knows no such resource.
    Absent,
    /// The connection is down, or the server answers with errors.
    Disconnected {
        /// Since when.
        since: SystemTime,
        /// Why.
        why: String,
    },
    /// The server does not accept our credentials.
    Unauthorised(String),
}

/// How the watches stand as a whole.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    kinds: BTreeMap<Kind, KindStatus>,
}

impl Standing {
    /// All of these kinds are on their way.
    pub fn new(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.iter().map(|kind| (*kind, KindStatus::Listing)).collect() }
    }

    /// Takes news of a kind. A break keeps the time at which it began.
    pub fn set(&mut self, kind: Kind, status: KindStatus) {
        let status = match (self.kinds.get(&kind), status) {
            (Some(KindStatus::Disconnected { since, .. }), KindStatus::Disconnected { why, .. }) => {
                KindStatus::Disconnected { since: *since, why }
            }
            (_, status) => status,
        };
        self.kinds.insert(kind, status);
    }

    /// The status of a kind.
    pub fn get(&self, kind: Kind) -> Option<&KindStatus> {
        self.kinds.get(&kind)
    }

    /// The worst that is to be said: not accepted, cut off, on its way, live.
    pub fn freshness(&self) -> Freshness {
        let statuses = || self.kinds.values();
        if let Some(why) = statuses().find_map(|status| if let KindStatus::Unauthorised(why) = status { Some(why) } else { None }) {
            return Freshness::Unauthorised(why.clone());
        }
        let broken =
            statuses().filter_map(|status| if let KindStatus::Disconnected { since, why } = status { Some((since, why)) } else { None });
        if let Some((since, why)) = broken.min_by_key(|(since, _)| **since) {
            return Freshness::Stale(format!("{}, {why}", clock(*since)));
        }
        let n_listing = statuses().filter(|status| **status == KindStatus::Listing).count();
        if n_listing > 0 {
            return Freshness::Loading(self.kinds.len() - n_listing, self.kinds.len());
        }
        Freshness::Live
    }

    /// The kinds that cannot be seen, or not everywhere, with what the server says.
    pub fn unseen(&self) -> Vec<String> {
        let lines = self.kinds.iter().filter_map(|(kind, status)| match status {
            KindStatus::Forbidden { message, seen_in } if seen_in.is_empty() => {
                Some(format!("{} cannot be seen: {message}", kind.plural()))
            }
            KindStatus::Forbidden { message, seen_in } => {
                Some(format!("{} are seen in {} only: {message}", kind.plural(), seen_in.join(", ")))
            }
            _ => None,
        });
        lines.collect()
    }

    /// The same for the analysis: kinds with the namespaces in which they may be listed all the same.
    pub fn unseen_kinds(&self) -> portolan_core::snapshot::Unseen {
        let kinds = self.kinds.iter().filter_map(|(kind, status)| match status {
            KindStatus::Forbidden { seen_in, .. } => Some((*kind, seen_in.iter().map(Into::into).collect())),
            _ => None,
        });
        portolan_core::snapshot::Unseen(kinds.collect())
    }
}

/// The time of day, in UTC: `since 09:05:00 UTC`.
fn clock(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("since {:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_said() {
        let mut standing = Standing::new(&[Kind::Pod, Kind::Service]);
        assert_eq!(standing.freshness(), Freshness::Loading(0, 2));
        standing.set(Kind::Pod, KindStatus::Live);
        standing.set(Kind::Service, KindStatus::Forbidden { message: "no".to_owned(), seen_in: vec!["shop".to_owned()] });
        assert_eq!(standing.freshness(), Freshness::Live);
        assert_eq!(standing.unseen(), ["services are seen in shop only: no"]);
        assert!(standing.unseen_kinds().holds(Kind::Service, "data") && !standing.unseen_kinds().holds(Kind::Service, "shop"));
        let since = SystemTime::now();
        standing.set(Kind::Pod, KindStatus::Disconnected { since, why: "gone".to_owned() });
        standing
            .set(Kind::Pod, KindStatus::Disconnected { since: since + std::time::Duration::from_secs(9), why: "still gone".to_owned() });
        assert_eq!(standing.get(Kind::Pod), Some(&KindStatus::Disconnected { since, why: "still gone".to_owned() }));
        assert!(matches!(standing.freshness(), Freshness::Stale(_)));
        assert_eq!(clock(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400 + 3600 * 9 + 300)), "since 09:05:00 UTC");
    }
}
