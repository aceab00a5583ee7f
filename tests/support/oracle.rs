//! Other people's answers: where they are, how they are compared with ours, and the table of what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use portolan_core::analysis::{Analysis, Unit};
use portolan_core::peer::Peer;
use portolan_core::ports::{PortSet, Protocol};
use serde_json::Value;

use crate::fixture::say;

/// What came of one suite.
#[derive(Debug, Default)]
pub struct Report {
    name: String,
    n_cases: usize,
    n_flows: usize,
    differences: Vec<String>,
    skipped: Vec<(String, String)>,
}

impl Report {
    /// A suite of this name, nothing compared yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// A case was compared.
    pub fn case(&mut self) {
        self.n_cases += 1;
    }

    /// Flows were compared.
    pub fn flows(&mut self, n: usize) {
        self.n_flows += n;
    }

    /// An answer differs from ours.
    pub fn differs(&mut self, what: String) {
        self.differences.push(what);
    }

    /// A case was left out.
    pub fn skip(&mut self, case: &str, reason: &str) {
        self.skipped.push((case.to_owned(), reason.to_owned()));
    }

    /// Prints the suite's row of the table.
    ///
    /// # Panics
    /// Where an answer differs, or nothing was compared.
    #[track_caller]
    pub fn finish(self) {
        let mut text =
            format!("{:<36} {:>4} cases {:>7} flows {:>4} differ", self.name, self.n_cases, self.n_flows, self.differences.len());
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (case, reason) in &self.skipped {
            by_reason.entry(reason).or_default().push(case);
        }
        for (reason, cases) in by_reason {
            let _ = write!(text, "\n    skipped {}, {reason}: {}", cases.len(), cases.join(", "));
        }
        for difference in self.differences.iter().take(40) {
            let _ = write!(text, "\n    DIFFERS {difference}");
        }
        say(&text);
        assert!(self.differences.is_empty(), "{}: {} answers differ, see above", self.name, self.differences.len());
        assert!(self.n_cases > 0 && self.n_flows > 0, "{}: nothing was compared", self.name);
    }
}

/// The JSON of a file.
///
/// # Panics
/// Where it cannot be read.
#[track_caller]
pub fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A field's text, empty where there is none.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field's items, none where there is no list.
pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Ports written as `{"TCP": [[1, 65535]]}`.
pub fn ports(value: &Value) -> PortSet {
    let mut set = PortSet::none();
    for (protocol, spans) in value.as_object().into_iter().flatten() {
        let protocol = Protocol::parse(protocol).expect("a protocol");
        for span in spans.as_array().into_iter().flatten() {
            let bound = |index: usize| span.get(index).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()).expect("a port");
            set = set.union(&PortSet::range(protocol, bound(0), bound(1)));
        }
    }
    set
}

/// Ports written as `TCP 8080-8081,9090,UDP 53`, `All Connections` or `No Connections`.
///
/// # Panics
/// Where a part is none of these.
#[track_caller]
pub fn ports_of_text(text: &str) -> PortSet {
    match text {
        "All Connections" => return PortSet::all(),
        "No Connections" => return PortSet::none(),
        _ => {}
    }
    let (mut set, mut protocol) = (PortSet::none(), Protocol::Tcp);
    for part in text.split(',') {
        let numbers = part.split_once(' ').map_or(part, |(name, numbers)| {
            protocol = Protocol::parse(name).expect("a protocol");
            numbers
        });
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        set = set.union(&PortSet::range(protocol, first.parse().expect("a port"), last.parse().expect("a port")));
    }
    set
}

/// Ports written as `TCP, UDP:[1-52,54-65535]`: a protocol without numbers is all of its ports.
///
/// # Panics
/// Where a part is none of these.
#[track_caller]
pub fn ports_of_explanation(text: &str) -> PortSet {
    let mut set = PortSet::none();
    for part in text.split(", ") {
        let (name, spans) = part.split_once(":[").unwrap_or((part, ""));
        let protocol = Protocol::parse(name).expect("a protocol");
        if spans.is_empty() {
            set = set.union(&PortSet::all_of(protocol));
        }
        for span in spans.trim_end_matches(']').split(',').filter(|span| !span.is_empty()) {
            let (first, last) = span.split_once('-').unwrap_or((span, span));
            set = set.union(&PortSet::range(protocol, first.parse().expect("a port"), last.parse().expect("a port")));
        }
    }
    set
}

/// A port written as `udp-52`.
///
/// # Panics
/// Where it is not.
#[track_caller]
pub fn port_of_focus(text: &str) -> PortSet {
    let (protocol, port) = text.split_once('-').expect("protocol-port");
    PortSet::one(Protocol::parse(&protocol.to_uppercase()).expect("a protocol"), port.parse().expect("a port"))
}

/// An interval of IPv4 addresses with the ports that are allowed there.
pub type RangePorts = (u32, u32, PortSet);

/// Who may reach whom: between workloads, and between a workload and intervals of IPv4 addresses.
#[derive(Debug, Default, Clone)]
pub struct Listing {
    /// Ports by (source, destination), both as `namespace/name[Kind]`.
    pub pairs: BTreeMap<(String, String), PortSet>,
    /// Intervals by (workload, whether the workload is the source). They may overlap; what holds is their union.
    pub ranges: BTreeMap<(String, bool), Vec<RangePorts>>,
    /// Lines of ours that are not certain.
    pub others: Vec<String>,
}

impl Listing {
    /// Adds a line of netpol-analyzer's.
    pub fn add_line(&mut self, line: &Value) {
        self.add(text(line, "src"), text(line, "dst"), ports(&line["conns"]));
    }

    /// Adds what is allowed from one end to another, each as netpol-analyzer or [`Peer`] displays it.
    pub fn add(&mut self, from: &str, to: &str, ports: PortSet) {
        match (range_of(from), range_of(to)) {
            (None, None) => {
                let entry = self.pairs.entry((from.to_owned(), to.to_owned())).or_default();
                *entry = entry.union(&ports);
            }
            (Some((first, last)), _) => self.ranges.entry((to.to_owned(), false)).or_default().push((first, last, ports)),
            (None, Some((first, last))) => self.ranges.entry((from.to_owned(), true)).or_default().push((first, last, ports)),
        }
    }

    /// Adds what is allowed from one of our peers to another. An owner that does not say its kind is a `Pod` to netpol-analyzer.
    pub fn add_peers(&mut self, from: &Peer, to: &Peer, ports: PortSet) {
        let name = |peer: &Peer| {
            v4_range(peer).map_or_else(
                || peer.to_string().replace("[]", "[Pod]"),
                |(first, last)| format!("{}-{}[External]", Ipv4Addr::from(first), Ipv4Addr::from(last)),
            )
        };
        self.add(&name(from), &name(to), ports);
    }

    /// What we say, by workload. IPv6 addresses are left out: nobody that we compare with speaks of them.
    pub fn ours(analysis: &Analysis) -> Self {
        let mut listing = Self::default();
        for connection in analysis.connections(Unit::Workload) {
            let (from, to) = (&connection.from, &connection.to);
            if is_v6(from) || is_v6(to) {
                continue;
            }
            if connection.depends.is_empty() {
                listing.add_peers(from, to, connection.ports.clone());
            } else {
                listing.others.push(format!("{from} => {to} depends on {}", connection.depends.join(", ")));
            }
        }
        listing
    }

    /// Keeps the lines that `keep` says yes to, given source and destination; an interval of addresses is given as an empty name.
    pub fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.pairs.retain(|(from, to), _| keep(from, to));
        self.ranges.retain(|(workload, is_source), _| if *is_source { keep(workload, "") } else { keep("", workload) });
    }

    /// Keeps what is said of these ports.
    pub fn restrict_to(&mut self, ports: &PortSet) {
        for kept in self.pairs.values_mut().chain(self.ranges.values_mut().flatten().map(|(.., kept)| kept)) {
            *kept = kept.intersection(ports);
        }
        self.pairs.retain(|_, kept| !kept.is_empty());
        self.ranges.values_mut().for_each(|ranges| ranges.retain(|(.., kept)| !kept.is_empty()));
    }

    /// Compares with another, both ways: every pair, and every interval that either divides further.
    pub fn compare(&self, expected: &Self, case: &str, report: &mut Report) {
        let none = PortSet::none();
        let pairs: BTreeSet<_> = self.pairs.keys().chain(expected.pairs.keys()).collect();
        report.flows(pairs.len());
        for pair in pairs {
            let (ours, theirs) = (self.pairs.get(pair).unwrap_or(&none), expected.pairs.get(pair).unwrap_or(&none));
            if ours != theirs {
                report.differs(format!("{case}: {} => {}: ours {ours}, theirs {theirs}", pair.0, pair.1));
            }
        }
        let ends: BTreeSet<_> = self.ranges.keys().chain(expected.ranges.keys()).collect();
        for end in ends {
            let sorted = |listing: &Self, whose: &str, report: &mut Report| {
                let mut ranges = listing.ranges.get(end).cloned().unwrap_or_default();
                ranges.sort();
                if ranges.windows(2).any(|pair| pair[1].0 <= pair[0].1) {
                    report.differs(format!("{case}: {}: {whose} ranges overlap", end.0));
                }
                ranges
            };
            let (ours, theirs) = (sorted(self, "our", report), sorted(expected, "their", report));
            let starts: BTreeSet<u32> = ours.iter().chain(&theirs).flat_map(|(first, last, _)| [*first, last.wrapping_add(1)]).collect();
            report.flows(starts.len());
            for start in starts {
                let at = |ranges: &[RangePorts]| {
                    let index = ranges.partition_point(|(_, last, _)| *last < start);
                    ranges.get(index).filter(|(first, ..)| *first <= start).map_or_else(PortSet::none, |(.., ports)| ports.clone())
                };
                let (ours, theirs) = (at(&ours), at(&theirs));
                if ours != theirs {
                    let arrow = if end.1 { "to" } else { "from" };
                    report.differs(format!("{case}: {} {arrow} {}: ours {ours}, theirs {theirs}", end.0, Ipv4Addr::from(start)));
                }
            }
        }
    }
}

fn v4_range(peer: &Peer) -> Option<(u32, u32)> {
    match peer {
        Peer::Range { first: std::net::IpAddr::V4(first), last: std::net::IpAddr::V4(last) } => Some((u32::from(*first), u32::from(*last))),
        _ => None,
    }
}

fn is_v6(peer: &Peer) -> bool {
    matches!(peer, Peer::Range { first: std::net::IpAddr::V6(_), .. })
}

fn range_of(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.strip_suffix("[External]")?.split_once('-')?;
    let address = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    Some((address(first)?, address(last)?))
}
