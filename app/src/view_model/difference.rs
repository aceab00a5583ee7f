//! The table of what the sketch changes.

use std::collections::BTreeMap;

use portolan_core::address::AddressRange;
use portolan_core::analysis::{ChangedConnection, Difference};
use portolan_core::peer::{Peer, Verdict};

use super::{DifferenceRow, DifferenceTable, PathDifferenceRow, addresses, ids};
use crate::map::model::{Id, Tone};

/// The table of a difference. Ranges of addresses that changed alike for one workload are one row.
pub fn table(difference: &Difference) -> DifferenceTable {
    let lost = rows(&difference.removed, Tone::Lost, "- lost", |row| row.before.to_string());
    let gained = rows(&difference.added, Tone::Gained, "+ gained", |row| row.after.to_string());
    let changed = rows(&difference.changed, Tone::Depends, "~ changed", |row| format!("{}, was {}", row.after, row.before));
    DifferenceTable {
        n_gained: gained.len(),
        n_lost: lost.len(),
        n_changed: changed.len(),
        rows: lost.into_iter().chain(gained).chain(changed).collect(),
        paths: difference.paths.iter().map(path_row).collect(),
    }
}

fn rows(changes: &[ChangedConnection], tone: Tone, word: &str, ports: impl Fn(&ChangedConnection) -> String) -> Vec<DifferenceRow> {
    let mut rows: Vec<DifferenceRow> = Vec::new();
    // (the unit, whether it is the source, ports) to the ranges and the place of the row.
    let mut ranges: BTreeMap<(Peer, bool, String), (Vec<AddressRange>, usize)> = BTreeMap::new();
    for change in changes {
        let ports = ports(change);
        let (unit, is_out, range) = match (change.from.as_range(), change.to.as_range()) {
            (Some(range), _) => (&change.to, false, Some(range)),
            (_, Some(range)) => (&change.from, true, Some(range)),
            _ => (&change.from, true, None),
        };
        let Some(range) = range else {
            let (from, from_id) = name(&change.from);
            let (to, to_id) = name(&change.to);
            rows.push(DifferenceRow { tone: Some(tone), word: word.to_owned(), from, from_id, to, to_id, ports });
            continue;
        };
        let entry = ranges.entry((unit.clone(), is_out, ports.clone())).or_insert_with(|| {
            rows.push(DifferenceRow { tone: Some(tone), word: word.to_owned(), ports, ..DifferenceRow::default() });
            (Vec::new(), rows.len() - 1)
        });
        entry.0.push(range);
    }
    for ((unit, is_out, _), (ranges, place)) in ranges {
        let Some(row) = rows.get_mut(place) else { continue };
        let title = addresses::title(&ranges);
        let (unit, unit_id) = name(&unit);
        let range_id = ids::addresses(if title == "Internet" && row.ports.starts_with("any port") { "Internet, any port" } else { &title });
        (row.from, row.from_id, row.to, row.to_id) =
            if is_out { (unit, unit_id, title, range_id) } else { (title, range_id, unit, unit_id) };
    }
    rows
}

fn name(peer: &Peer) -> (String, Id) {
    match peer {
        Peer::Workload { namespace, name, workload } => (format!("{namespace}/{name}"), format!("workload/{namespace}/{workload}/{name}")),
        Peer::Pod { namespace, name } => (format!("{namespace}/{name}"), ids::pod(namespace, name)),
        other => (other.to_string(), Id::new()),
    }
}

fn path_row(path: &portolan_core::analysis::ChangedPath) -> PathDifferenceRow {
    let (tone, text) = match (path.before, path.after) {
        (None, Some(now)) => (Tone::Gained, format!("new, {now}: {}", path.sentence)),
        (Some(_), None) => (Tone::Lost, "gone".to_owned()),
        (Some(was), Some(now)) if was == now => (Tone::Plain, format!("{now} still, {}", path.sentence)),
        (Some(was), Some(Verdict::Allowed)) => (Tone::Gained, format!("works now, was {was}")),
        (Some(was), Some(now)) => {
            let tone = if now > was { Tone::Lost } else { Tone::Gained };
            (tone, format!("{now} now, was {was}: {}", path.sentence))
        }
        (None, None) => (Tone::Plain, String::new()),
    };
    PathDifferenceRow { title: path.path.clone(), text, tone: Some(tone) }
}
