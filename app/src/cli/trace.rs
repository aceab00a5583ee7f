//! `portolan trace`

use std::io::{BufRead, BufReader, Read, Write};

use anyhow::{Context, Result, ensure};
use portolan_core::analysis::{Analysis, PortQuery, Side, Trace};
use serde::{Deserialize, Serialize};

use super::args::{Format, TraceArgs};
use super::load::Loaded;
use super::output;
use crate::source::manifests::STANDARD_INPUT;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    from: String,
    to: String,
    port: Option<String>,
}

/// A trace with what is assumed; the values of single assumptions are those that the other subcommands print.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    trace: Trace,
    profile: &'static str,
    detected: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn new(trace: Trace, loaded: &'a Loaded) -> Self {
        let detected = loaded.detection.as_ref().map(|detection| detection.evidence.as_str());
        Self { trace, profile: loaded.analysis.assumptions().profile.name(), detected }
    }
}

pub(super) fn run(args: &TraceArgs, loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    output::notes_to_stderr(loaded, &loaded.warnings);
    if let Some(path) = &args.queries {
        let reader: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?)
        };
        let name = if path.as_os_str() == "-" { STANDARD_INPUT.to_owned() } else { path.display().to_string() };
        return queries(loaded, reader, &name, out);
    }
    let query = Query { from: args.from.clone().unwrap_or_default(), to: args.to.clone().unwrap_or_default(), port: args.port.clone() };
    let trace = answer(&loaded.analysis, &query)?;
    match args.output {
        Format::Json => output::json(out, &Answer::new(trace, loaded)),
        Format::Txt => text(&trace, out),
    }
}

/// Answers one query a line with one trace a line, as lines come. A line that cannot be answered says why, so that lines keep their
/// places, and is counted in the end.
fn queries(loaded: &Loaded, reader: impl Read, name: &str, out: &mut dyn Write) -> Result<()> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let (mut number, mut n_queries, mut n_bad) = (0, 0, 0);
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).with_context(|| format!("{name} cannot be read"))? == 0 {
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        n_queries += 1;
        let parsed = serde_json::from_slice::<Query>(line.trim_ascii_end()).map_err(|error| anyhow::anyhow!(message_of(&error)));
        match parsed.and_then(|query| answer(&loaded.analysis, &query)).with_context(|| format!("{name} line {number}")) {
            Ok(trace) => output::json(out, &Answer::new(trace, loaded))?,
            Err(error) => {
                n_bad += 1;
                output::json(out, &serde_json::json!({"schema": "portolan.trace/v1", "error": format!("{error:#}")}))?;
            }
        }
        // Whoever waits for an answer before asking on gets it.
        if reader.buffer().is_empty() {
            out.flush()?;
        }
    }
    ensure!(n_bad == 0, "{n_bad} of {n_queries} queries of {name} could not be answered");
    Ok(())
}

/// What is wrong with a line, without the line that the parser counts: it sees one at a time.
fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    format!("column {}: {message}", error.column())
}

fn answer(analysis: &Analysis, query: &Query) -> Result<Trace> {
    let from = analysis.endpoint(&query.from)?;
    let to = analysis.endpoint(&query.to)?;
    let port = query.port.as_deref().map(PortQuery::parse).transpose()?;
    Ok(analysis.trace(&from, &to, port.as_ref()))
}

fn text(trace: &Trace, out: &mut dyn Write) -> Result<()> {
    let port = trace.port.as_deref().unwrap_or("any port");
    writeln!(out, "{} -> {} on {port}: {}", trace.from, trace.to, trace.verdict)?;
    for depends in &trace.depends {
        writeln!(out, "  depends on {depends}")?;
    }
    if trace.port.is_none() && !trace.ports.is_empty() {
        writeln!(out, "  allowed ports: {}", trace.ports)?;
    }
    for hop in &trace.hops {
        writeln!(out, "  {}: {}", hop.kind, hop.sentence)?;
    }
    for (name, side) in [("egress", &trace.egress), ("ingress", &trace.ingress)] {
        side_text(name, side, out)?;
    }
    Ok(())
}

fn side_text(name: &str, side: &Side, out: &mut dyn Write) -> Result<()> {
    if side.reasons.is_empty() {
        return Ok(());
    }
    writeln!(out, "{name}: {}", side.verdict)?;
    for reason in &side.reasons {
        match &reason.object {
            Some(object) => writeln!(out, "  {} ({object} {})", reason.sentence, reason.pointer)?,
            None => writeln!(out, "  {}", reason.sentence)?,
        }
        // One miss is in the sentence already.
        for miss in reason.misses.iter().filter(|miss| !reason.sentence.ends_with(&miss.sentence)) {
            writeln!(out, "    {} ({})", miss.sentence, miss.pointer)?;
        }
    }
    Ok(())
}
