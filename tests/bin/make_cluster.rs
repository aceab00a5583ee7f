//! Writes a generated cluster as a folder of YAML, one file a namespace.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use portolan_tests::generator::{Counts, Shape};

/// Writes a generated cluster as a folder of YAML, one file a namespace.
#[derive(Parser)]
struct Arguments {
    /// What the cluster looks like.
    #[arg(long, value_enum, default_value = "real-cluster")]
    shape: Shape,
    /// How many pods; how many Deployments, for `mixed`.
    #[arg(long, default_value_t = 100)]
    pods: usize,
    /// The same seed makes the same cluster.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder to write into.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let cluster = arguments.shape.generate(arguments.pods, arguments.seed);
    let n_files = cluster.write(&arguments.out)?;
    writeln!(std::io::stdout(), "{}: {n_files} files, {}", arguments.out.display(), Counts::of(&cluster))?;
    Ok(())
}
