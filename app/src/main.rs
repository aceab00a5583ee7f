//! The `portolan` program: a subcommand prints, none opens the window.

use std::process::ExitCode;

use clap::Parser;
use portolan::cli::{self, Args};

// glibc's allocator returns the large buffers of every frame to the system and fetches them again: frames take two to three times
// longer with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("PORTOLAN_LOG").unwrap_or_else(|_| "error".into()))
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    match &args.command {
        Some(command) => cli::run(command, &args),
        None => portolan::launch::window(&args),
    }
}
