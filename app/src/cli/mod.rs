//! The command line: what the window answers, printed.

mod args;
mod connections;
mod diff;
mod load;
mod output;
mod paths;
mod trace;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

pub use args::{Args, Command, Format, SourceArgs};
pub use load::{Loaded, load, settled};

/// Done.
const DONE: u8 = 0;
/// Unusable arguments or input.
const UNUSABLE: u8 = 2;

/// Runs a subcommand and prints what it answers. Errors go to standard error.
pub fn run(command: &Command, args: &Args) -> ExitCode {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::new(stdout.lock());
    let result = execute(command, args, &mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Ok(()) => ExitCode::from(DONE),
        // Whoever read us has seen enough.
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) => {
            ExitCode::from(DONE)
        }
        Err(error) => {
            drop(writeln!(std::io::stderr(), "portolan: {error:#}"));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Runs a subcommand and writes what it answers to `out`.
///
/// # Errors
/// Unusable arguments or input, in a sentence; or `out` cannot be written to.
pub fn execute(command: &Command, args: &Args, out: &mut dyn Write) -> Result<()> {
    match command {
        Command::Connections(options) => connections::run(options, &load(&args.source)?, out),
        Command::Trace(options) => trace::run(options, &load(&args.source)?, out),
        Command::Paths(options) => paths::run(options, &load(&args.source)?, out),
        Command::Diff(options) => diff::run(options, &args.source, out),
    }
}
