//! The command line, run in this process.

use anyhow::{Context, Result};
use clap::Parser;
use portolan::cli::{self, Args};
use serde_json::Value;

/// Runs `portolan` with these arguments, and returns what it prints.
///
/// # Errors
/// The arguments are not understood, or the subcommand fails; with the words that a person would read.
pub fn portolan(arguments: &[&str]) -> Result<String> {
    let (printed, result) = portolan_to_the_end(arguments)?;
    result.map(|()| printed)
}

/// The same, with what is printed before something goes wrong.
///
/// # Errors
/// The arguments are not understood.
pub fn portolan_to_the_end(arguments: &[&str]) -> Result<(String, Result<()>)> {
    let args = Args::try_parse_from(std::iter::once("portolan").chain(arguments.iter().copied()))?;
    let command = args.command.as_ref().context("a subcommand is given")?;
    let mut out = Vec::new();
    let result = cli::execute(command, &args, &mut out);
    Ok((String::from_utf8(out)?, result))
}

/// The same, as JSON.
///
/// # Panics
/// It fails, or prints something else.
#[track_caller]
pub fn portolan_json(arguments: &[&str]) -> Value {
    let text = portolan(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error:#}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} prints {text:?}: {error}"))
}

/// The words of what goes wrong.
///
/// # Panics
/// Nothing goes wrong.
#[track_caller]
pub fn portolan_error(arguments: &[&str]) -> String {
    match portolan(arguments) {
        Ok(text) => panic!("{arguments:?} is answered: {text}"),
        Err(error) => format!("{error:#}"),
    }
}
