//! The `portolan` program: a subcommand prints, none opens the window.

use std::process::ExitCode;

use clap::Parser;
use portolan::cli::{self, Args};

// The buffers of a frame are large. An allocator that gives them back to the system and fetches them again, as glibc's does for each frame
// and mimalloc once a second, makes those frames take several times as long; jemalloc lets them go over ten seconds.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

// There is no jemalloc for this compiler.
#[cfg(target_env = "msvc")]
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
