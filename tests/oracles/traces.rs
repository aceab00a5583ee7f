//! Every folder of netpol-analyzer's is asked a sample of single questions. No answer is compared with theirs here: each must be given,
//! with reasons on both sides, and agree with our own listing.

use std::net::IpAddr;
use std::path::PathBuf;

use portolan_core::analysis::{Analysis, Connection, PortQuery, Trace, Unit};
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::{Peer, Verdict};
use portolan_core::ports::PortSet;
use portolan_tests::fixture::{self, say};
use portolan_tests::oracle::Report;
use portolan_tests::questions::{self, Question};

/// The folders with manifests, by name.
fn folders() -> Option<Vec<PathBuf>> {
    let root = fixture::shared("oracles/netpol-analyzer")?.join("tests");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Some(folders)
}

fn name(folder: &std::path::Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[test]
fn any_pair_is_answered_with_the_reasons_of_both_sides() {
    let Some(folders) = folders() else { return };
    let mut report = Report::new("questions of every folder");
    for folder in folders {
        let analysis = fixture::analysis(&fixture::folder(&folder), Assumptions::default());
        let listing = analysis.connections(Unit::Workload);
        report.case();
        let questions = questions::sample(&analysis, 300);
        report.flows(questions.len());
        for question in questions {
            if let Err(fault) = check(&analysis, &listing, &question) {
                report.differs(format!("{}: {}: {fault}", name(&folder), question.line()));
            }
        }
    }
    report.finish();
}

fn check(analysis: &Analysis, listing: &[Connection], question: &Question) -> Result<(), String> {
    let Question { from, to, port } = question;
    let trace = fixture::ask(analysis, from, to, port.as_deref().unwrap_or("any"))?;
    for (side, answer) in [("egress", &trace.egress), ("ingress", &trace.ingress)] {
        if answer.reasons.is_empty() || answer.reasons.iter().any(|reason| reason.sentence.is_empty()) {
            return Err(format!("{side} says {} without a reason", answer.verdict));
        }
    }
    if trace.verdict == Verdict::Depends && trace.depends.is_empty() {
        return Err("depends on nothing".to_owned());
    }
    match listed(analysis, listing, question) {
        Some(expected) if expected != trace.verdict => Err(format!("the listing says {expected}, and the trace {}", shown(&trace))),
        _ => Ok(()),
    }
}

fn shown(trace: &Trace) -> String {
    let reasons = trace.egress.reasons.iter().chain(&trace.ingress.reasons).map(|reason| reason.sentence.as_str());
    format!("{} ({}), depends on {:?}", trace.verdict, reasons.collect::<Vec<_>>().join("; "), trace.depends)
}

/// What the listing says of a question, where it speaks of both ends: workloads and addresses outside, and ports by number.
fn listed(analysis: &Analysis, listing: &[Connection], question: &Question) -> Option<Verdict> {
    let peer = |text: &str| match Peer::from(&analysis.endpoint(text).ok()?) {
        // An interval of the listing holds it.
        Peer::Range { first, .. } => Some(Err(first)),
        peer @ Peer::Workload { .. } => Some(Ok(peer)),
        _ => None,
    };
    let (from, to) = (peer(&question.from)?, peer(&question.to)?);
    if from == to || (from.is_err() && to.is_err()) {
        return None;
    }
    let is = |asked: &Result<Peer, IpAddr>, listed: &Peer| match (asked, listed) {
        (Ok(asked), listed) => asked == listed,
        (Err(address), Peer::Range { first, last }) => first.is_ipv4() == address.is_ipv4() && first <= address && address <= last,
        (Err(_), _) => false,
    };
    // Where no policy names an IPv6 address, the listing leaves that family out.
    let speaks_of_v6 = || listing.iter().any(|row| [&row.from, &row.to].into_iter().any(is_v6));
    if [&from, &to].into_iter().any(|end| matches!(end, Err(address) if address.is_ipv6())) && !speaks_of_v6() {
        return None;
    }
    let (mut certain, mut possible) = (PortSet::none(), PortSet::none());
    for row in listing.iter().filter(|row| is(&from, &row.from) && is(&to, &row.to)) {
        possible = possible.union(&row.ports);
        if row.depends.is_empty() {
            certain = certain.union(&row.ports);
        }
    }
    let asked = match question.port.as_deref().map(PortQuery::parse) {
        None => None,
        Some(Ok(PortQuery::Number(protocol, number))) => Some(PortSet::one(protocol, number)),
        Some(_) => return None,
    };
    let (certain, possible) = match asked {
        Some(asked) => (certain.contains_all(&asked), !possible.intersection(&asked).is_empty()),
        None => (!certain.is_empty(), !possible.is_empty()),
    };
    Some(match (certain, possible) {
        (true, _) => Verdict::Allowed,
        (false, true) => Verdict::Depends,
        (false, false) => Verdict::Denied,
    })
}

fn is_v6(peer: &Peer) -> bool {
    matches!(peer, Peer::Range { first, .. } if first.is_ipv6())
}

/// Writes ten thousand questions about the biggest folder to the file that `PORTOLAN_QUESTIONS` names, to measure
/// `portolan --manifests FOLDER trace --queries FILE` with.
#[test]
#[ignore = "writes a file to measure with"]
fn ten_thousand_questions() {
    let (Some(folders), Some(file)) = (folders(), std::env::var_os("PORTOLAN_QUESTIONS")) else { return };
    let analyses = folders.iter().map(|folder| (folder, fixture::analysis(&fixture::folder(folder), Assumptions::default())));
    let biggest = analyses.max_by_key(|(_, analysis)| analysis.inventory().pods.len());
    let Some((folder, analysis)) = biggest else { return };
    let lines: String = questions::sample(&analysis, 10_000).iter().map(|question| question.line() + "\n").collect();
    std::fs::write(&file, lines).expect("a file that can be written");
    say(&format!("10000 questions about {}, {} pods", folder.display(), analysis.inventory().pods.len()));
}
