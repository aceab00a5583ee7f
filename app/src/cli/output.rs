//! What all outputs have in common.

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::assumptions::{Assumptions, Profile};
use serde::Serialize;

use super::load::Loaded;

/// The head of every JSON answer.
#[derive(Debug, Serialize)]
pub struct Head<'a> {
    /// The schema's name and version.
    pub schema: &'static str,
    /// The profile.
    pub profile: &'static str,
    /// The network plugin that was found and where, whether or not its profile is in force; null where none is known.
    pub detected: Option<&'a str>,
    /// Every assumption with its value.
    pub assumptions: &'a Assumptions,
}

impl<'a> Head<'a> {
    /// The head of an answer.
    pub fn new(schema: &'static str, loaded: &'a Loaded) -> Self {
        let assumptions = loaded.analysis.assumptions();
        let detected = loaded.detection.as_ref().map(|detection| detection.evidence.as_str());
        Self { schema, profile: assumptions.profile.name(), detected, assumptions }
    }
}

/// Writes a value as JSON, with a line break behind it.
pub fn json(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Writes to standard error what has no place in lines: warnings, and the profile where it is not the one that everybody expects.
pub fn notes_to_stderr(loaded: &Loaded, warnings: &[Warning]) {
    let mut stderr = std::io::stderr().lock();
    if let Some(note) = profile_note(loaded) {
        drop(writeln!(stderr, "note: {note}"));
    }
    for warning in warnings {
        // Nobody can be told that standard error is gone.
        drop(writeln!(stderr, "warning: {warning}"));
    }
}

/// What is assumed, where it is not as upstream or not as detected.
fn profile_note(loaded: &Loaded) -> Option<String> {
    let profile = loaded.analysis.assumptions().profile;
    match &loaded.detection {
        Some(detection) if detection.profile != profile => {
            Some(format!("profile {}, as given; detected: {}", profile.name(), detection.evidence))
        }
        Some(detection) if profile != Profile::Upstream => Some(format!("profile {}, detected: {}", profile.name(), detection.evidence)),
        None if profile != Profile::Upstream => Some(format!("profile {}, as given; no network plugin is detected", profile.name())),
        _ => None,
    }
}

/// Writes rows in columns that line up, two spaces apart.
pub fn table<const N: usize>(out: &mut dyn Write, rows: &[[String; N]]) -> Result<()> {
    let mut widths = [0usize; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
