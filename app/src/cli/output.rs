//! What all outputs have in common.

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::analysis::Hop;
use portolan_core::assumptions::{Assumptions, Profile};
use portolan_core::peer::Verdict;
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

/// Writes the steps of a way, a line each: `+` goes on, `x` ends there, `?` depends.
pub fn hops(out: &mut dyn Write, indent: &str, hops: &[Hop]) -> std::io::Result<()> {
    for hop in hops {
        let mark = match hop.verdict {
            Verdict::Allowed => "+",
            Verdict::Depends => "?",
            Verdict::Denied => "x",
        };
        writeln!(out, "{indent}{mark} {}: {}", hop.kind, hop.sentence)?;
    }
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

/// How many rows are looked at before the first is written, to know how wide the columns are.
const HELD_ROWS: usize = 10_000;

/// Writes rows in columns that line up, two spaces apart, and keeps no more than the first 10,000: the columns of what comes after
/// those widen where they must.
pub struct Table<'a, const N: usize> {
    out: &'a mut dyn Write,
    widths: [usize; N],
    held: Vec<[String; N]>,
    is_held: bool,
}

impl<'a, const N: usize> Table<'a, N> {
    /// A table without rows.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, widths: [0; N], held: Vec::new(), is_held: true }
    }

    /// Takes a row.
    pub fn row(&mut self, row: [String; N]) -> std::io::Result<()> {
        for (width, cell) in self.widths.iter_mut().zip(&row) {
            *width = (*width).max(cell.chars().count());
        }
        if !self.is_held {
            return write_row(self.out, &self.widths, &row);
        }
        self.held.push(row);
        if self.held.len() == HELD_ROWS { self.let_go() } else { Ok(()) }
    }

    /// Writes what is not written yet.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.let_go()
    }

    fn let_go(&mut self) -> std::io::Result<()> {
        self.is_held = false;
        std::mem::take(&mut self.held).iter().try_for_each(|row| write_row(self.out, &self.widths, row))
    }
}

fn write_row<const N: usize>(out: &mut dyn Write, widths: &[usize; N], row: &[String; N]) -> std::io::Result<()> {
    let mut line = String::new();
    for (width, cell) in widths.iter().zip(row) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(rows: impl IntoIterator<Item = [String; 2]>) -> Vec<String> {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out);
        rows.into_iter().for_each(|row| table.row(row).unwrap());
        table.finish().unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    fn row(first: &str, second: &str) -> [String; 2] {
        [first.to_owned(), second.to_owned()]
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(printed([row("a", "1"), row("br\u{fc}ck", ""), row("ccc", "3")]), ["a      1", "br\u{fc}ck", "ccc    3"]);
    }

    #[test]
    fn a_long_table_widens_as_it_goes() {
        let rows = (0..HELD_ROWS).map(|_| row("a", "1")).chain([row("bb", "2"), row("a", "3")]);
        let lines = printed(rows);
        assert_eq!(lines.len(), HELD_ROWS + 2);
        assert_eq!(lines[HELD_ROWS - 1..], ["a  1", "bb  2", "a   3"]);
    }

    /// No row is kept once the first is written.
    #[test]
    fn a_long_table_is_written_as_it_comes() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out);
        (0..=HELD_ROWS).for_each(|_| table.row(row("a", "1")).unwrap());
        assert!(table.held.is_empty());
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), HELD_ROWS + 1);
    }
}
