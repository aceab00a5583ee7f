//! Prose that runs: Markdown files that state rules, with objects in `yaml fixture` blocks and answers in `expect` blocks.
//!
//! Objects before the first `##` heading hold for the whole file; those of a section for the section, in order, an object of the same
//! name replacing the earlier one. An `expect` block asks of the objects so far, a line each:
//!
//! ```text
//! shop/web -> shop/db 5432/TCP: denied because NetworkPolicy shop/deny /spec/egress
//! shop/web -> shop/db 5432/TCP: allowed because no policy selects shop/web for egress
//! shop/web -> shop/db 5432/TCP: depends on the address family
//! shop/web -> shop/db any: allowed
//! entry http://shop.example/*: denied at endpoints because Service shop/web
//! request GET https://shop.example/cart?x=1 header Version=one at Gateway shop/public: 200 from shop/web:80
//! warning: NetworkPolicy shop/deny /spec/ingress/0/from/0
//! assume self-traffic = policy
//! ```
//!
//! An assumption holds to the end of its block. Every warning must be expected by some line of the block.
//!
//! A way in is named by its title or its id; of several with one title, one must be as expected. Its `because` names what a hop says that has
//! the way's verdict, by sentence or by place. How requests are written, `support/requests.rs` tells.

use std::collections::BTreeSet;

use portolan_core::ObjectKey;
use portolan_core::analysis::{Analysis, Decision, Hop, Reason, Trace};
use portolan_core::assumptions::Assumptions;
use portolan_core::entry::EntryPath;
use portolan_core::peer::Verdict;
use serde_json::Value;

use crate::{fixture, requests};

/// A section of a file, ready to be asked.
#[derive(Debug, Default)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// The line of its heading.
    pub line: usize,
    /// Its expectations: the line of the block's first line, its text, the objects so far.
    pub blocks: Vec<(usize, String, Vec<Value>)>,
}

/// The sections of a file, and what cannot be read of it, by line.
pub fn sections(markdown: &str) -> (Vec<Section>, Vec<(usize, String)>) {
    let (mut sections, mut faults) = (vec![Section::default()], Vec::new());
    let (mut shared, mut objects): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut block: Option<(String, usize, String)> = None;
    for (index, line) in markdown.lines().enumerate() {
        let number = index + 1;
        let section = sections.last_mut().expect("there is always one");
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(info)) => block = Some((info.trim().to_owned(), number + 1, String::new())),
            (Some(_), Some(_)) => {
                let Some((info, start, text)) = block.take() else { continue };
                match info.as_str() {
                    "yaml fixture" => {
                        let new = fixture::documents(&text);
                        if new.is_empty() {
                            faults.push((start, "the fixture holds no object".to_owned()));
                        }
                        new.into_iter().for_each(|object| put(&mut objects, object));
                        if section.heading.is_empty() {
                            shared.clone_from(&objects);
                        }
                    }
                    "expect" => section.blocks.push((start, text, objects.clone())),
                    other => faults.push((start, format!("a block {other:?} is neither `yaml fixture` nor `expect`"))),
                }
            }
            (Some((_, _, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    objects.clone_from(&shared);
                    sections.push(Section { heading: heading.to_owned(), line: number, blocks: Vec::new() });
                }
            }
        }
    }
    if let Some((_, start, _)) = block {
        faults.push((start, "the block is not closed".to_owned()));
    }
    sections.retain(|section| !section.heading.is_empty());
    (sections, faults)
}

fn put(objects: &mut Vec<Value>, new: Value) {
    let name = |object: &Value| ["/kind", "/metadata/namespace", "/metadata/name"].map(|pointer| object.pointer(pointer).cloned());
    match objects.iter_mut().find(|object| name(object) == name(&new)) {
        Some(old) => *old = new,
        None => objects.push(new),
    }
}

/// The word that a line expects: `allowed`, `denied`, `depends`, `warning`, for a request the answer without its reason; empty for lines
/// that expect nothing.
pub fn expected_word(line: &str) -> &str {
    if line.starts_with("warning: ") {
        return "warning";
    }
    if line.starts_with("request ") {
        let answer = line.split_once(": ").map_or("", |(_, answer)| answer);
        return answer.split(" because ").next().unwrap_or_default();
    }
    let verdict =
        line.rsplit_once(": ").filter(|_| line.contains(" -> ")).or_else(|| line.split_once(": ").filter(|_| line.starts_with("entry")));
    let rest = verdict.map_or("", |(_, rest)| rest);
    ["allowed", "denied", "depends"].into_iter().find(|word| line.contains(&format!(": {word}")) || rest.starts_with(word)).unwrap_or("")
}

/// Checks the lines of an `expect` block. Returns what does not hold, with the line's place in the block.
pub fn check(objects: &[Value], expectations: &str) -> Vec<(usize, String)> {
    let mut failures = Vec::new();
    let mut assumptions = Assumptions::default();
    let mut analysis = fixture::analysis(objects, assumptions.clone());
    let mut expected_warnings = BTreeSet::new();
    for (index, line) in expectations.lines().enumerate() {
        let line = line.trim();
        let result = if line.is_empty() || line.starts_with('#') {
            Ok(())
        } else if let Some(warning) = line.strip_prefix("warning: ") {
            expected_warnings.insert(warning.to_owned());
            Ok(())
        } else if let Some((name, value)) = line.strip_prefix("assume ").and_then(|rest| rest.split_once(" = ")) {
            let result = assumptions.set(name, value);
            analysis = fixture::analysis(objects, assumptions.clone());
            result
        } else if let Some(rest) = line.strip_prefix("entry ") {
            check_entry(&analysis, rest)
        } else if let Some(rest) = line.strip_prefix("request ") {
            requests::check(&analysis, rest)
        } else {
            check_flow(&analysis, line)
        };
        if let Err(error) = result {
            failures.push((index, error));
        }
    }
    let warnings: Vec<_> = analysis.warnings();
    let shown = |warning: &portolan_core::Warning| format!("{} {}", warning.object, warning.pointer).trim_end().to_owned();
    for warning in &warnings {
        if !expected_warnings.iter().any(|expected| is_suffix(expected, &shown(warning))) {
            failures.push((0, format!("a warning that no line expects: {warning}")));
        }
    }
    for expected in expected_warnings {
        if !warnings.iter().any(|warning| is_suffix(&expected, &shown(warning))) {
            failures.push((0, format!("no such warning: {expected}")));
        }
    }
    failures
}

/// `NetworkPolicy shop/deny /spec` stands for `networking.k8s.io/v1 NetworkPolicy shop/deny /spec`.
pub(crate) fn is_suffix(short: &str, long: &str) -> bool {
    long == short || long.strip_suffix(short).is_some_and(|rest| rest.ends_with(' '))
}

/// A verdict with what follows it: `denied because ...`, `depends on ...`.
fn split_verdict(text: &str) -> Result<(Verdict, &str), String> {
    for verdict in [Verdict::Allowed, Verdict::Denied, Verdict::Depends] {
        if let Some(rest) = text.strip_prefix(verdict.word()) {
            return Ok((verdict, rest.trim_start()));
        }
    }
    Err(format!("{text:?} begins with none of allowed, denied, depends"))
}

fn check_flow(analysis: &Analysis, line: &str) -> Result<(), String> {
    let unreadable = || format!("{line:?} is not of the form `FROM -> TO PORT: VERDICT`");
    let (question, answer) = line.split_once(": ").ok_or_else(unreadable)?;
    let (from, rest) = question.split_once(" -> ").ok_or_else(unreadable)?;
    let (to, port) = rest.split_once(' ').ok_or_else(unreadable)?;
    let (expected, rest) = split_verdict(answer)?;
    let trace = fixture::ask(analysis, from.trim(), to.trim(), port.trim())?;
    if trace.verdict != expected {
        return Err(format!("{question} is {}, and not {expected}: {}", trace.verdict, reasons_text(&trace)));
    }
    match (rest.strip_prefix("because "), rest.strip_prefix("on ")) {
        (Some(reason), _) => check_reason(&trace, reason),
        (None, Some(cause)) if trace.depends.iter().any(|depends| depends.starts_with(cause)) => Ok(()),
        (None, Some(cause)) => Err(format!("{question} depends on {:?}, and not on {cause:?}", trace.depends)),
        (None, None) if rest.is_empty() => Ok(()),
        (None, None) => Err(unreadable()),
    }
}

/// Reasons that decide: for a denial those of the first side that denies, else all.
fn deciding(trace: &Trace) -> Vec<&Reason> {
    let both = [&trace.egress, &trace.ingress];
    match trace.verdict {
        Verdict::Denied => {
            let side = both.into_iter().find(|side| side.verdict == Verdict::Denied).unwrap_or(&trace.ingress);
            side.reasons.iter().filter(|reason| reason.decision != Decision::NoPolicy).collect()
        }
        _ => both.into_iter().flat_map(|side| &side.reasons).filter(|reason| reason.decision != Decision::NotAllowed).collect(),
    }
}

fn check_reason(trace: &Trace, expected: &str) -> Result<(), String> {
    let fits = |reason: &&Reason| {
        reason.sentence == expected || reason.object.as_ref().is_some_and(|key| is_suffix(expected, &place(key, &reason.pointer)))
    };
    if deciding(trace).iter().any(fits) { Ok(()) } else { Err(format!("not because {expected}, but: {}", reasons_text(trace))) }
}

pub(crate) fn place(key: &ObjectKey, pointer: &str) -> String {
    format!("{key} {pointer}").trim_end().to_owned()
}

fn reasons_text(trace: &Trace) -> String {
    let shown = deciding(trace).into_iter().map(|reason| {
        let place = reason.object.as_ref().map(|key| format!("{} ", place(key, &reason.pointer))).unwrap_or_default();
        format!("{place}({})", reason.sentence)
    });
    let depends = if trace.depends.is_empty() { String::new() } else { format!("; depends on {}", trace.depends.join(", ")) };
    format!("{}{depends}", shown.collect::<Vec<_>>().join("; "))
}

fn check_entry(analysis: &Analysis, line: &str) -> Result<(), String> {
    let paths = analysis.entry_paths();
    let named = |path: &EntryPath| {
        // A rule has a way for each listener and host: its id without them stands for all of these.
        let rule = path.id.split('@').next().unwrap_or_default();
        [path.title.as_str(), &path.id, rule].into_iter().find_map(|name| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let of_name = paths.iter().filter_map(|path| Some((path, named(path)?)));
    let results: Vec<Result<(), String>> = of_name.map(|(path, answer)| check_way_in(path, answer)).collect();
    if results.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| format!("{} ({})", path.title, path.id)).collect();
        return Err(format!("{line:?} begins with no way in; there are {}", names.join(", ")));
    }
    let wrong: Vec<String> = results.iter().filter_map(|result| result.clone().err()).collect();
    if wrong.len() < results.len() { Ok(()) } else { Err(wrong.join("; or ")) }
}

fn check_way_in(path: &EntryPath, answer: &str) -> Result<(), String> {
    let (expected, rest) = split_verdict(answer)?;
    let hops: Vec<String> = path.hops.iter().map(hop_text).collect();
    let but = format!("the hops are {}", hops.join("; "));
    if path.verdict != expected {
        return Err(format!("{} is {}, and not {expected}: {but}", path.title, path.verdict));
    }
    let (kind, reason) = match rest.strip_prefix("because ") {
        Some(reason) => ("", Some(reason)),
        None => rest.split_once(" because ").map_or((rest, None), |(kind, reason)| (kind, Some(reason))),
    };
    if !kind.is_empty() && !kind.starts_with("at ") {
        return Err(format!("{answer:?} is not of the form `VERDICT at HOP because REASON`"));
    }
    let Some(hop) = path.deciding_hop() else { return Err(but) };
    if kind.strip_prefix("at ").is_some_and(|kind| kind != hop.kind) {
        return Err(format!("{} is decided at {}, and not {kind}: {but}", path.title, hop.kind));
    }
    let Some(reason) = reason else { return Ok(()) };
    let mut deciding = path.hops.iter().filter(|hop| hop.verdict == expected);
    if deciding.any(|hop| says(hop, reason)) { Ok(()) } else { Err(format!("not because {reason}: {but}")) }
}

/// Whether a hop gives this reason: its sentence, or its object and field.
pub(crate) fn says(hop: &Hop, reason: &str) -> bool {
    hop.sentence == reason || hop.object.as_ref().is_some_and(|key| is_suffix(reason, &place(key, &hop.pointer)))
}

/// A hop, for a person whose expectation does not hold.
pub(crate) fn hop_text(hop: &Hop) -> String {
    let place = hop.object.as_ref().map(|key| format!(" {}", place(key, &hop.pointer))).unwrap_or_default();
    format!("{} {}{place} ({})", hop.kind, hop.verdict, hop.sentence)
}
