//! What is different between two analyses: connections between workloads and with addresses outside, and ways in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::connections::UnitMember;
use super::touched::{Others, Touched};
use super::{Analysis, Unit};
use crate::address::{AddressRange, Family};
use crate::entry::EntryPath;
use crate::object::ObjectKey;
use crate::peer::{Peer, Verdict};
use crate::policy::{Direction, DomainPattern};
use crate::ports::PortSet;
use crate::reachability::Outcome;

/// What is different. Serialised as `portolan diff -o json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Connections that were not there before.
    pub added: Vec<ChangedConnection>,
    /// Connections that are not there any more.
    pub removed: Vec<ChangedConnection>,
    /// Connections whose ports or conditions are different.
    pub changed: Vec<ChangedConnection>,
    /// Ways in that are new, gone or different.
    pub paths: Vec<ChangedPath>,
}

impl Difference {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.paths.is_empty()
    }
}

/// A connection that is different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChangedConnection {
    /// Where it starts.
    pub from: Peer,
    /// Where it ends.
    pub to: Peer,
    /// How it was.
    pub before: PortsAndConditions,
    /// How it is.
    pub after: PortsAndConditions,
}

/// One side of a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct PortsAndConditions {
    /// The ports that are allowed.
    pub ports: PortSet,
    /// The ports that depend on something.
    #[serde(skip_serializing_if = "PortSet::is_empty")]
    pub depends_ports: PortSet,
    /// What they depend on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
}

impl PortsAndConditions {
    /// Whether no port is allowed, not even possibly.
    pub fn is_none(&self) -> bool {
        self.ports.is_empty() && self.depends_ports.is_empty()
    }
}

impl std::fmt::Display for PortsAndConditions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.ports.is_empty(), self.depends_ports.is_empty()) {
            (false, true) => write!(f, "{}", self.ports),
            (true, false) => write!(f, "{} (depends)", self.depends_ports),
            (false, false) => write!(f, "{}, {} (depends)", self.ports, self.depends_ports),
            (true, true) => f.write_str("no port"),
        }
    }
}

/// A way in that is different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChangedPath {
    /// Its title: `https://shop.example/`.
    pub path: String,
    /// How it stood; absent for a new one.
    pub before: Option<Verdict>,
    /// How it stands; absent for one that is gone.
    pub after: Option<Verdict>,
    /// The sentence of the hop that decides now, or decided where the path is gone.
    pub sentence: String,
}

impl From<&Outcome> for PortsAndConditions {
    fn from(outcome: &Outcome) -> Self {
        let depends = outcome.causes.iter().map(ToString::to_string).collect();
        Self { ports: outcome.certain.clone(), depends_ports: outcome.dependent(), depends }
    }
}

impl Difference {
    /// Compares two analyses, workload by workload.
    pub fn between(before: &Analysis, after: &Analysis) -> Self {
        Self::unless(before, after, &|| false).unwrap_or_default()
    }

    /// Compares two analyses, workload by workload; `None` where `is_outdated` says, while that is done, that nobody wants it any more.
    pub fn unless(before: &Analysis, after: &Analysis, is_outdated: &dyn Fn() -> bool) -> Option<Self> {
        let mut comparison = Comparison { before, after, rows: BTreeMap::new() };
        let touched = match Touched::between(before, after) {
            Touched::These(peers) => peers,
            Touched::Everybody => [before, after].iter().flat_map(|analysis| peers(analysis)).collect(),
        };
        let pairs: Vec<Pair> = touched.iter().map(|peer| comparison.pair(peer)).collect();
        let mut everybody: Option<Vec<Pair>> = None;
        let mut others = Others::new(before, after);
        for pair in &pairs {
            for direction in Direction::ALL {
                if is_outdated() {
                    return None;
                }
                let meant = match (&pair.was, &pair.is) {
                    (Some(was), Some(is)) => others.of(was, is, direction),
                    _ => None,
                };
                let these: Option<Vec<Pair>> = meant.map(|peers| peers.iter().map(|peer| comparison.pair(peer)).collect());
                let meant: &[Pair] = match &these {
                    Some(these) => these,
                    None => everybody.get_or_insert_with(|| comparison.everybody()),
                };
                for (number, other) in meant.iter().enumerate() {
                    if number % 1024 == 1023 && is_outdated() {
                        return None;
                    }
                    comparison.compare(pair, other, direction);
                }
            }
        }
        comparison.compare_outside(&pairs);
        let rows = merge_neighbours(comparison.into_rows());
        let mut difference = Self { paths: changed_paths(before, after), ..Self::default() };
        for row in rows {
            let list = match (row.before.is_none(), row.after.is_none()) {
                (true, _) => &mut difference.added,
                (_, true) => &mut difference.removed,
                _ => &mut difference.changed,
            };
            list.push(row);
        }
        Some(difference)
    }
}

fn peers(analysis: &Analysis) -> Vec<Peer> {
    analysis.units(Unit::Workload).into_iter().map(|unit| unit.peer).collect()
}

/// A workload as it was and as it is.
struct Pair {
    peer: Peer,
    was: Option<UnitMember>,
    is: Option<UnitMember>,
}

/// Two analyses, and what was found to be different so far.
struct Comparison<'a> {
    before: &'a Analysis,
    after: &'a Analysis,
    rows: BTreeMap<(Peer, Peer), (PortsAndConditions, PortsAndConditions)>,
}

impl Comparison<'_> {
    fn pair(&self, peer: &Peer) -> Pair {
        let [was, is] = [self.before, self.after].map(|analysis| analysis.unit_of(peer));
        Pair { peer: peer.clone(), was, is }
    }

    fn everybody(&self) -> Vec<Pair> {
        let peers: BTreeSet<Peer> = peers(self.before).into_iter().chain(peers(self.after)).collect();
        peers.iter().map(|peer| self.pair(peer)).collect()
    }

    fn note(&mut self, from: &Peer, to: &Peer, was: Option<&Outcome>, is: Option<&Outcome>) {
        if was != is {
            let told = |outcome: Option<&Outcome>| outcome.map(PortsAndConditions::from).unwrap_or_default();
            let (was, is) = (told(was), told(is));
            if was != is {
                self.rows.insert((from.clone(), to.clone()), (was, is));
            }
        }
    }

    /// Compares what goes from one workload to another, or comes from it.
    fn compare(&mut self, pair: &Pair, other: &Pair, direction: Direction) {
        if pair.peer == other.peer {
            return;
        }
        let (from, to) = if direction == Direction::Egress { (pair, other) } else { (other, pair) };
        let between = |analysis: &Analysis, from: &Option<UnitMember>, to: &Option<UnitMember>| -> Option<Outcome> {
            Some(analysis.between(from.as_ref()?, to.as_ref()?))
        };
        let was = between(self.before, &from.was, &to.was);
        let is = between(self.after, &from.is, &to.is);
        self.note(&from.peer, &to.peer, was.as_ref(), is.as_ref());
    }

    /// Compares what goes out to domains, and what goes to and comes from addresses outside.
    fn compare_outside(&mut self, pairs: &[Pair]) {
        let (before, after) = (self.before, self.after);
        let ranges: Vec<(Peer, AddressRange)> =
            common_ranges(before, after, pairs).into_iter().map(|range| (Peer::range(&range), range)).collect();
        let domains: BTreeSet<DomainPattern> = before.reachability().domains().chain(after.reachability().domains()).cloned().collect();
        for pair in pairs {
            let ask = |ask: &dyn Fn(&Analysis, &UnitMember) -> Outcome| {
                [pair.was.as_ref().map(|unit| ask(before, unit)), pair.is.as_ref().map(|unit| ask(after, unit))]
            };
            for (peer, range) in &ranges {
                let [was, is] = ask(&|analysis, unit| analysis.with_range(unit, Direction::Egress, range));
                self.note(&pair.peer, peer, was.as_ref(), is.as_ref());
                let [was, is] = ask(&|analysis, unit| analysis.with_range(unit, Direction::Ingress, range));
                self.note(peer, &pair.peer, was.as_ref(), is.as_ref());
            }
            for pattern in &domains {
                let [was, is] = ask(&|analysis, unit| analysis.with_domain(unit, pattern));
                self.note(&pair.peer, &Peer::Domain { pattern: pattern.text().clone() }, was.as_ref(), is.as_ref());
            }
        }
    }

    fn into_rows(self) -> Vec<ChangedConnection> {
        let row = |((from, to), (before, after))| ChangedConnection { from, to, before, after };
        self.rows.into_iter().map(row).collect()
    }
}

/// Intervals that no unit of either analysis divides further.
fn common_ranges(before: &Analysis, after: &Analysis, pairs: &[Pair]) -> Vec<AddressRange> {
    let ranges_of = |analysis: &Analysis, unit: fn(&Pair) -> Option<&UnitMember>| {
        let mut classes: Vec<_> = pairs.iter().filter_map(unit).flat_map(|unit| unit.classes.iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        analysis.reachability().address_ranges_of(&classes)
    };
    let mut all: Vec<AddressRange> = ranges_of(before, |pair| pair.was.as_ref());
    all.extend(ranges_of(after, |pair| pair.is.as_ref()));
    let mut ranges = Vec::new();
    for family in [Family::V4, Family::V6] {
        let starts: BTreeSet<u128> = all.iter().filter(|range| range.family == family).map(|range| range.first).collect();
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([family.last()]);
        ranges.extend(starts.iter().zip(ends).map(|(first, last)| AddressRange { family, first: *first, last }));
    }
    ranges
}

/// Neighbouring ranges with the same change become one line.
fn merge_neighbours(rows: Vec<ChangedConnection>) -> Vec<ChangedConnection> {
    let mut merged: Vec<ChangedConnection> = Vec::new();
    let mut open: BTreeMap<(bool, Peer), usize> = BTreeMap::new();
    for row in rows {
        let (range, unit, is_out) = match (row.from.as_range(), row.to.as_range()) {
            (Some(range), _) => (range, row.to.clone(), false),
            (_, Some(range)) => (range, row.from.clone(), true),
            _ => {
                merged.push(row);
                continue;
            }
        };
        let previous = open.get(&(is_out, unit.clone())).and_then(|index| merged.get_mut(*index));
        if let Some(previous) = previous {
            let peer = if is_out { &mut previous.to } else { &mut previous.from };
            if let Some(before) = peer.as_range()
                && before.family == range.family
                && before.last.checked_add(1) == Some(range.first)
                && previous.before == row.before
                && previous.after == row.after
            {
                *peer = Peer::range(&AddressRange { last: range.last, ..before });
                continue;
            }
        }
        open.insert((is_out, unit), merged.len());
        merged.push(row);
    }
    merged
}

/// Ways in by what they are: the object, the title, and which of several of that title. The place in the object would do as little as
/// a number does: it moves when something before it goes.
fn changed_paths(before: &Analysis, after: &Analysis) -> Vec<ChangedPath> {
    fn by_name(analysis: &Analysis) -> BTreeMap<(&ObjectKey, &str, usize), &EntryPath> {
        let mut paths = BTreeMap::new();
        for path in analysis.entry_paths() {
            let mut n = 0;
            while paths.contains_key(&(&path.object, path.title.as_str(), n)) {
                n += 1;
            }
            paths.insert((&path.object, path.title.as_str(), n), path);
        }
        paths
    }
    let (old, new) = (by_name(before), by_name(after));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut paths = Vec::new();
    for name in names {
        let (was, is) = (old.get(name), new.get(name));
        let leads_elsewhere = was.zip(is).is_some_and(|(was, is)| was.service != is.service || was.percent != is.percent);
        if was.map(|path| path.verdict) == is.map(|path| path.verdict) && !leads_elsewhere {
            continue;
        }
        let Some(path) = is.or(was) else { continue };
        let service =
            |path: &EntryPath| path.service.as_ref().map_or_else(|| "no Service".to_owned(), |key| format!("Service {}", key.path()));
        let sentence = match was.zip(is) {
            Some((was, is)) if was.service != is.service => {
                format!("{} in place of {}: {}", service(is), service(was), is.deciding_sentence())
            }
            Some((was, is)) if was.percent != is.percent => {
                format!("{} % in place of {} %: {}", is.percent, was.percent, is.deciding_sentence())
            }
            _ => path.deciding_sentence().to_owned(),
        };
        paths.push(ChangedPath {
            path: path.title.clone(),
            before: was.map(|path| path.verdict),
            after: is.map(|path| path.verdict),
            sentence,
        });
    }
    paths
}
