//! Addresses outside, as a person names them: the Internet, a block, a few ranges.

use portolan_core::address::{AddressRange, Family, is_internet};
use portolan_core::analysis::Analysis;
use portolan_core::intervals::Intervals;
use portolan_core::inventory::{PodId, WorkloadId};
use portolan_core::policy::Direction;
use portolan_core::reachability::Outcome;

use super::ids;
use crate::map::model::{Id, Tone};

/// Addresses outside that a workload may talk to on the same terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// Its id.
    pub id: Id,
    /// `Internet, any port`, `10.20.0.0/16`
    pub title: String,
    /// `0.0.0.0/0 except 10.0.0.0/8`, or empty.
    pub fact: String,
    /// The addresses.
    pub ranges: Vec<AddressRange>,
    /// One address among them, to ask for reasons with.
    pub example: std::net::IpAddr,
    /// The terms.
    pub outcome: Outcome,
    /// `Open` where nothing is restricted, else `Allowed` or `Depends`.
    pub tone: Tone,
}

impl Outside {
    /// Adds what other pods may do with the same addresses.
    fn add(&mut self, other: &Self) {
        if self.outcome == other.outcome {
            return;
        }
        let causes = [self.outcome.causes.as_slice(), other.outcome.causes.as_slice()].concat();
        let certain = self.outcome.certain.union(&other.outcome.certain);
        self.outcome = Outcome::new(certain, self.outcome.possible.union(&other.outcome.possible), causes);
        if self.tone == Tone::Depends {
            self.tone = other.tone;
        }
    }
}

/// What a workload may do with addresses outside, by terms: the widest first.
pub fn of_workload(analysis: &Analysis, workload: WorkloadId, direction: Direction) -> Vec<Outside> {
    of_pods(analysis, &analysis.inventory().workloads.at(workload).pods, direction)
}

/// What some pods may do with addresses outside, by terms: the widest first.
pub fn of_pods(analysis: &Analysis, pods: &[PodId], direction: Direction) -> Vec<Outside> {
    let reachability = analysis.reachability();
    let mut classes: Vec<_> = pods.iter().map(|pod| reachability.class_of(*pod)).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut all: Vec<Outside> = Vec::new();
    for class in classes {
        let mut terms: Vec<(Outcome, Vec<AddressRange>)> = Vec::new();
        for interval in reachability.addresses(class, direction).listed() {
            if interval.outcome.is_none() || (interval.range.family == Family::V6 && !reachability.names_ipv6()) {
                continue;
            }
            match terms.iter_mut().find(|(outcome, _)| *outcome == interval.outcome) {
                Some((_, ranges)) => ranges.push(interval.range),
                None => terms.push((interval.outcome.clone(), vec![interval.range])),
            }
        }
        for (outcome, ranges) in terms {
            let outside = name(outcome, &ranges);
            match all.iter_mut().find(|known| known.id == outside.id) {
                Some(known) => known.add(&outside),
                None => all.push(outside),
            }
        }
    }
    all.sort_by_key(|outside| (outside.tone != Tone::Open, !outside.title.starts_with("Internet")));
    all
}

fn name(outcome: Outcome, ranges: &[AddressRange]) -> Outside {
    let set = Intervals::from_spans(ranges.iter().filter(|range| range.family == Family::V4).map(|range| (range.first, range.last)));
    let is_internet = is_internet(&set);
    let is_open = is_internet && outcome.certain.is_all();
    let text = title(ranges);
    let (title, fact) = match (is_internet, is_open) {
        (true, true) => {
            ("Internet, any port".to_owned(), text.replace("Internet except", "0.0.0.0/0 except").replace("Internet", "0.0.0.0/0"))
        }
        (true, false) => ("Internet".to_owned(), text.replace("Internet except", "0.0.0.0/0 except").replace("Internet", "0.0.0.0/0")),
        _ => (text, String::new()),
    };
    let tone = match (is_open, outcome.certain.is_empty()) {
        (true, _) => Tone::Open,
        (_, true) => Tone::Depends,
        _ => Tone::Allowed,
    };
    let example = ranges.first().map_or(std::net::IpAddr::from([0, 0, 0, 0]), AddressRange::first_address);
    Outside { id: ids::addresses(&title), title, fact, ranges: ranges.to_vec(), example, outcome, tone }
}

/// Whether all that `one` allows is allowed by `others` too, wherever they draw their lines.
pub fn is_within(one: &Outside, others: &[&Outside]) -> bool {
    one.ranges.iter().all(|range| {
        let set =
            |ranges: &[AddressRange]| Intervals::from_spans(ranges.iter().filter(|r| r.family == range.family).map(|r| (r.first, r.last)));
        let own = Intervals::span(range.first, range.last);
        let covering = others.iter().filter(|other| other.outcome.possible.contains_all(&one.outcome.possible));
        let held = covering.map(|other| set(&other.ranges)).fold(Intervals::default(), |so_far, set| so_far.union(&set));
        held.contains_all(&own)
    })
}

/// Names a set of ranges: `Internet`, `Internet except 10.0.0.0/8`, a block, or the first few.
pub fn title(ranges: &[AddressRange]) -> String {
    let v4 = Intervals::from_spans(ranges.iter().filter(|range| range.family == Family::V4).map(|range| (range.first, range.last)));
    let rest = Intervals::span(0, Family::V4.last()).difference(&v4);
    let blocks = |set: &Intervals<u128>, family| -> Vec<String> {
        let ranges = set.spans().iter().map(|(first, last)| AddressRange { family, first: *first, last: *last });
        ranges.map(|range| range.to_string()).collect()
    };
    let n_held: u128 = v4.spans().iter().map(|(first, last)| last - first + 1).sum();
    let mut parts = if rest.is_empty() {
        vec!["Internet".to_owned()]
    } else if n_held > 1 << 31 {
        vec![format!("Internet except {}", few(blocks(&rest, Family::V4)))]
    } else {
        blocks(&v4, Family::V4)
    };
    let v6 = Intervals::from_spans(ranges.iter().filter(|range| range.family == Family::V6).map(|range| (range.first, range.last)));
    // All of both families is the Internet, in one word.
    if !(rest.is_empty() && v6.spans() == [(0, u128::MAX)]) {
        parts.extend(blocks(&v6, Family::V6));
    }
    few(parts)
}

fn few(mut parts: Vec<String>) -> String {
    let n_more = parts.len().saturating_sub(2);
    if n_more > 1 {
        parts.truncate(2);
        return format!("{} and {n_more} more", parts.join(", "));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u32, last: u32) -> AddressRange {
        AddressRange { family: Family::V4, first: first.into(), last: last.into() }
    }

    #[test]
    fn sets_have_names() {
        assert_eq!(title(&[range(0, u32::MAX)]), "Internet");
        assert_eq!(title(&[range(0, 0x09FF_FFFF), range(0x0B00_0000, u32::MAX)]), "Internet except 10.0.0.0/8");
        assert_eq!(title(&[range(0x0A00_0000, 0x0AFF_FFFF)]), "10.0.0.0/8");
        assert_eq!(title(&[range(1, 1), range(3, 3), range(5, 5), range(7, 7)]), "0.0.0.1, 0.0.0.3 and 2 more");
    }

    #[test]
    fn a_narrower_way_out_is_within_a_wider_one() {
        let wide = name(Outcome::all(), &[range(0, u32::MAX)]);
        let narrow = name(Outcome::exactly(portolan_core::ports::PortSet::one(portolan_core::ports::Protocol::Tcp, 443)), &[range(5, 9)]);
        assert!(is_within(&narrow, &[&wide]));
        assert!(!is_within(&wide, &[&narrow]));
        assert!(!is_within(&narrow, &[]));
    }

    #[test]
    fn the_internet_without_private_addresses_is_still_unrestricted() {
        let outside = name(Outcome::all(), &[range(0, 0x09FF_FFFF), range(0x0B00_0000, u32::MAX)]);
        assert_eq!(
            (outside.title.as_str(), outside.fact.as_str(), outside.tone),
            ("Internet, any port", "0.0.0.0/0 except 10.0.0.0/8", Tone::Open)
        );
        let partly = name(Outcome::all(), &[range(0, 0x7FFF_FFFF)]);
        assert_eq!(partly.tone, Tone::Allowed);
    }
}
