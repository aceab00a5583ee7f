//! Reasons as lines.

use std::collections::BTreeSet;

use portolan_core::analysis::{Analysis, Decision, Endpoint, Hop, Miss, Reason, Side, Trace};
use portolan_core::assumptions::assumption_behind;
use portolan_core::entry::EntryPath;
use portolan_core::peer::Verdict;

use super::{PathRow, WhyLine, graph};
use crate::map::model::Tone;

/// The tone of a verdict.
pub fn tone_of(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Allowed => Tone::Allowed,
        Verdict::Depends => Tone::Depends,
        Verdict::Denied => Tone::Denied,
    }
}

/// The whole reasoning of a trace: leaving, what lies between, entering. Addresses outside go by `outside`, if that is given.
pub fn lines(trace: &Trace, outside: Option<&str>) -> Vec<WhyLine> {
    let mut lines = lines_by_address(trace);
    if let Some(outside) = outside {
        // One address was asked for and stands for all of them.
        let address = if trace.to.parse::<std::net::IpAddr>().is_ok() { &trace.to } else { &trace.from };
        for line in &mut lines {
            line.text = line.text.replace(address.as_str(), outside);
        }
    }
    lines
}

fn lines_by_address(trace: &Trace) -> Vec<WhyLine> {
    let mut lines = Vec::new();
    side(&format!("leaving {}", trace.from), &trace.egress, &mut lines);
    lines.extend(trace.hops.iter().map(hop));
    side(&format!("entering {}", trace.to), &trace.ingress, &mut lines);
    lines.extend(trace.depends.iter().map(|text| WhyLine {
        assumption: assumption_behind(text).map(str::to_owned),
        ..WhyLine::new(format!("depends on {text}"), Some(Tone::Depends))
    }));
    lines
}

fn side(head: &str, side: &Side, lines: &mut Vec<WhyLine>) {
    lines.push(WhyLine::new(format!("{head}: {}", side.verdict), Some(tone_of(side.verdict))));
    for reason in &side.reasons {
        let assumption = assumption_of(reason.decision).map(str::to_owned);
        // Where the sentence says why its one rule does not fit, it leads there itself.
        let (said, unsaid): (Vec<&Miss>, Vec<&Miss>) = reason.misses.iter().partition(|miss| reason.sentence.ends_with(&miss.sentence));
        let pointer = said.first().map_or(&reason.pointer, |miss| &miss.pointer);
        lines.push(WhyLine { object: object(reason, pointer), assumption, ..WhyLine::new(&reason.sentence, decision_tone(reason)) });
        // Why each rule does not fit stands below the reason that says that none does.
        lines.extend(unsaid.iter().map(|miss| WhyLine {
            object: object(reason, &miss.pointer),
            indent: 1,
            ..WhyLine::new(&miss.sentence, None)
        }));
    }
    // A rule that an assumption keeps from fitting leads to the rule; what it was kept by gets a line of its own.
    let misses = side.reasons.iter().flat_map(|reason| &reason.misses);
    let names: BTreeSet<&str> = misses.filter_map(|miss| assumption_behind(&miss.sentence)).collect();
    for name in names {
        let assumption = Some(name.to_owned());
        lines.push(WhyLine { assumption, ..WhyLine::new(format!("settled by the assumption {name}"), None) });
    }
}

fn object(reason: &Reason, pointer: &str) -> Option<(String, String)> {
    reason.object.as_ref().map(|object| (object.to_string(), pointer.to_owned()))
}

/// The assumption that makes a reason what it is, for reasons that no object makes.
fn assumption_of(decision: Decision) -> Option<&'static str> {
    match decision {
        Decision::ItsOwn => Some("self-traffic"),
        Decision::OwnNode => Some("host-network-pods"),
        _ => None,
    }
}

fn decision_tone(reason: &Reason) -> Option<Tone> {
    match reason.decision {
        Decision::Allowed => Some(Tone::Allowed),
        Decision::MayAllow | Decision::MayDeny | Decision::MayPass | Decision::Unseen => Some(Tone::Depends),
        Decision::Denied | Decision::Missing => Some(Tone::Denied),
        _ => None,
    }
}

/// One line for a row: the reason that decides, policies before defaults.
pub fn because(trace: &Trace) -> String {
    let reasons = || trace.egress.reasons.iter().chain(&trace.ingress.reasons);
    let decides = |reason: &&Reason| !matches!(reason.decision, Decision::NoMatch | Decision::Passed | Decision::MayPass);
    let deciding = reasons()
        .filter(decides)
        .find(|reason| reason.object.is_some())
        .or_else(|| reasons().filter(decides).find(|reason| reason.decision != Decision::NotSubject));
    match deciding {
        Some(Reason { object: Some(object), decision: Decision::NotAllowed, .. }) => format!("closed by {}", object.name),
        Some(Reason { object: Some(object), pointer, .. }) => {
            let mut steps = pointer.split('/').skip(2);
            match (steps.next(), steps.next().and_then(|index| index.parse::<usize>().ok())) {
                (Some(direction), Some(index)) => format!("{}, {direction} rule {}", object.name, index + 1),
                _ => object.name.to_string(),
            }
        }
        Some(reason) => reason.sentence.clone(),
        None => String::new(),
    }
}

/// A hop as a line.
pub fn hop(hop: &Hop) -> WhyLine {
    let object = hop.object.as_ref().map(|object| (object.to_string(), hop.pointer.clone()));
    WhyLine { object, is_hop: true, kind: hop.kind.replace('-', " "), ..WhyLine::new(&hop.sentence, Some(tone_of(hop.verdict))) }
}

/// The hops of a way; the first of the worst is where it breaks.
pub fn hops(hops: &[Hop]) -> Vec<WhyLine> {
    let worst = hops.iter().map(|hop| hop.verdict).max().filter(|worst| *worst != Verdict::Allowed);
    let breaks = worst.and_then(|worst| hops.iter().position(|hop| hop.verdict == worst));
    hops.iter().enumerate().map(|(index, one)| WhyLine { is_break: breaks == Some(index), ..hop(one) }).collect()
}

/// Ways in as rows, those that break first.
pub fn path_rows<'a>(paths: impl IntoIterator<Item = &'a EntryPath>) -> Vec<PathRow> {
    let mut paths: Vec<&EntryPath> = paths.into_iter().collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.verdict));
    paths.into_iter().map(path_row).collect()
}

/// A way in, hop by hop.
fn path_row(path: &EntryPath) -> PathRow {
    PathRow {
        id: path.id.clone(),
        title: path.title.clone(),
        front: path.front.clone(),
        share: if path.percent < 100 { format!("{} %", path.percent) } else { String::new() },
        door: graph::door_id(path),
        tone: Some(tone_of(path.verdict)),
        hops: hops(&path.hops),
    }
}

/// Asks whether one end reaches another on any port.
pub fn ask(analysis: &Analysis, from: &Endpoint, to: &Endpoint) -> Trace {
    analysis.trace(from, to, None)
}
