//! `portolan paths`

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::entry::EntryPath;
use serde::Serialize;

use super::args::{Format, PathsArgs};
use super::load::Loaded;
use super::output::{self, Head};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    paths: &'a [EntryPath],
    warnings: &'a [Warning],
}

pub(super) fn run(args: &PathsArgs, loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    let paths = loaded.analysis.entry_paths();
    match args.output {
        Format::Json => {
            let head = Head::new("portolan.paths/v1", loaded);
            output::json(out, &Answer { head, paths, warnings: &loaded.warnings })
        }
        Format::Txt => {
            output::notes_to_stderr(loaded, &loaded.warnings);
            for path in paths {
                writeln!(out, "{}: {}", path.title, path.verdict)?;
                output::hops(out, "  ", &path.hops)?;
            }
            Ok(())
        }
    }
}
