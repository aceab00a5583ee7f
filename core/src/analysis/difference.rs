//! What is different between two analyses: connections between workloads and with addresses outside, and ways in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use smol_str::SmolStr;

use super::connections::UnitMember;
use super::touched::{self, Touched};
use super::{Analysis, Unit};
use crate::address::{AddressRange, Family};
use crate::peer::{Peer, Verdict};
use crate::ports::PortSet;

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

type Listing = BTreeMap<(Peer, Peer), PortsAndConditions>;

impl Difference {
    /// Compares two analyses, workload by workload.
    pub fn between(before: &Analysis, after: &Analysis) -> Self {
        let both = [before, after].map(|analysis| (analysis, analysis.units(Unit::Workload)));
        let touched = touched::units(&both);
        let ranges = common_ranges(&both, &touched);
        let domains = before.reachability().domains().union(after.reachability().domains()).cloned().collect();
        let [old, new] = both.each_ref().map(|(analysis, units)| listing(analysis, units, &touched, &ranges, &domains));
        let keys: BTreeSet<&(Peer, Peer)> = old.keys().chain(new.keys()).collect();
        let mut rows: Vec<ChangedConnection> = Vec::new();
        for key in keys {
            let (was, is) = (old.get(key).cloned().unwrap_or_default(), new.get(key).cloned().unwrap_or_default());
            if was != is {
                rows.push(ChangedConnection { from: key.0.clone(), to: key.1.clone(), before: was, after: is });
            }
        }
        let rows = merge_neighbours(rows);
        let mut difference = Self { paths: changed_paths(before, after), ..Self::default() };
        for row in rows {
            let list = match (row.before.is_none(), row.after.is_none()) {
                (true, _) => &mut difference.added,
                (_, true) => &mut difference.removed,
                _ => &mut difference.changed,
            };
            list.push(row);
        }
        difference
    }
}

fn listing(analysis: &Analysis, units: &[UnitMember], touched: &Touched, ranges: &[AddressRange], domains: &BTreeSet<SmolStr>) -> Listing {
    let mut listing = Listing::new();
    for connection in analysis.connections_of(units, &|unit| touched.holds(&unit.peer), ranges, domains) {
        let entry = listing.entry((connection.from, connection.to)).or_default();
        if connection.depends.is_empty() {
            entry.ports = connection.ports;
        } else {
            entry.depends_ports = connection.ports;
            entry.depends = connection.depends;
        }
    }
    listing
}

/// Intervals that no touched unit of either analysis divides further.
fn common_ranges(both: &[(&Analysis, Vec<UnitMember>); 2], touched: &Touched) -> Vec<AddressRange> {
    let ranges_of = |(analysis, units): &(&Analysis, Vec<UnitMember>)| {
        let meant = units.iter().filter(|unit| touched.holds(&unit.peer));
        let mut classes: Vec<_> = meant.flat_map(|unit| unit.classes.iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        analysis.reachability().address_ranges_of(&classes)
    };
    let all: Vec<AddressRange> = both.iter().flat_map(ranges_of).collect();
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

fn changed_paths(before: &Analysis, after: &Analysis) -> Vec<ChangedPath> {
    let by_id = |analysis: &Analysis| -> BTreeMap<String, (String, Verdict, String)> {
        let paths = analysis.entry_paths().iter();
        paths.map(|path| (path.id.clone(), (path.title.clone(), path.verdict, path.deciding_sentence().to_owned()))).collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut paths = Vec::new();
    for id in ids {
        let (was, is) = (old.get(id), new.get(id));
        if was.map(|path| path.1) == is.map(|path| path.1) {
            continue;
        }
        let Some((title, _, sentence)) = is.or(was) else { continue };
        paths.push(ChangedPath {
            path: title.clone(),
            before: was.map(|path| path.1),
            after: is.map(|path| path.1),
            sentence: sentence.clone(),
        });
    }
    paths
}
