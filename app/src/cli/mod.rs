//! The command line: what the window answers, printed.

mod args;
mod connections;
mod diff;
mod load;
mod map;
mod output;
mod paths;
mod request;
mod trace;

use std::io::{ErrorKind, StdoutLock, Write};
use std::process::ExitCode;

use anyhow::Result;

pub use args::{Args, Command, Format, SourceArgs};
pub use load::{Loaded, load, settled};

/// Done.
const DONE: u8 = 0;
/// Unusable arguments or input.
const UNUSABLE: u8 = 2;

/// Standard output. When whoever reads it has seen enough, the program ends without a word: an answer is written as it is worked out, and
/// the rest of it would be worked out for nobody.
struct StandardOutput(StdoutLock<'static>);

impl StandardOutput {
    fn unless_closed<T>(result: std::io::Result<T>) -> std::io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(i32::from(DONE)),
            other => other,
        }
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Self::unless_closed(self.0.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Self::unless_closed(self.0.flush())
    }
}

/// Runs a subcommand and prints what it answers. Errors go to standard error.
pub fn run(command: &Command, args: &Args) -> ExitCode {
    let mut out = std::io::BufWriter::new(StandardOutput(std::io::stdout().lock()));
    let result = execute(command, args, &mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Ok(()) => ExitCode::from(DONE),
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
        Command::Request(options) => request::run(options, || load(&args.source), out),
        Command::Map(options) => map::run(options, &args.source, out),
        Command::Diff(options) => diff::run(options, &args.source, out),
    }
}
