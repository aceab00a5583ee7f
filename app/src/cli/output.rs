//! What all outputs have in common.

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::assumptions::Assumptions;
use serde::Serialize;

/// The head of every JSON answer.
#[derive(Debug, Serialize)]
pub struct Head<'a> {
    /// The schema's name and version.
    pub schema: &'static str,
    /// The profile.
    pub profile: &'static str,
    /// Every assumption with its value.
    pub assumptions: &'a Assumptions,
}

impl<'a> Head<'a> {
    /// The head of an answer under these assumptions.
    pub fn new(schema: &'static str, assumptions: &'a Assumptions) -> Self {
        Self { schema, profile: assumptions.profile.name(), assumptions }
    }
}

/// Writes a value as JSON, with a line break behind it.
pub fn json(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Writes warnings to standard error, for outputs that have no place for them.
pub fn warnings_to_stderr(warnings: &[Warning]) {
    let mut stderr = std::io::stderr().lock();
    for warning in warnings {
        // Nobody can be told that standard error is gone.
        drop(writeln!(stderr, "warning: {warning}"));
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
