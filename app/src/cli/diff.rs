//! `portolan diff`

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::analysis::{ChangedConnection, Difference};
use serde::Serialize;

use super::args::{DiffArgs, Format, SourceArgs};
use super::load;
use super::output::{self, Head, Table};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    difference: &'a Difference,
    warnings: Vec<Warning>,
}

pub(super) fn run(args: &DiffArgs, source: &SourceArgs, out: &mut dyn Write) -> Result<()> {
    if source.demo.is_some() || !source.manifests.is_empty() || source.context.is_some() {
        anyhow::bail!("diff compares the two paths that follow it; --demo, --manifests and --context have no place here");
    }
    let settled = load::settled(source)?;
    let side = |path: &std::path::PathBuf| load::read(&SourceArgs { manifests: vec![path.clone()], ..source.clone() });
    let (before, after) = (side(&args.before)?, side(&args.after)?);
    // Both sides are answered under the same assumptions, or the plugin would make a difference that no policy makes.
    let detection = after.detection().or_else(|| before.detection());
    let (before, after) = (before.analyse(&settled, detection.clone()), after.analyse(&settled, detection));
    let difference = Difference::between(&before.analysis, &after.analysis);
    let warnings: Vec<Warning> = before.warnings.iter().chain(&after.warnings).cloned().collect();
    match args.output {
        Format::Json => {
            let head = Head::new("portolan.diff/v1", &after);
            output::json(out, &Answer { head, difference: &difference, warnings })
        }
        Format::Txt => {
            output::notes_to_stderr(&after, &warnings);
            let mut table = Table::new(out);
            for row in &difference.removed {
                table.row(connection("- removed", row, row.before.to_string()))?;
            }
            for row in &difference.added {
                table.row(connection("+ added", row, row.after.to_string()))?;
            }
            for row in &difference.changed {
                table.row(connection("~ changed", row, format!("{}, now {}", row.before, row.after)))?;
            }
            table.finish()?;
            for path in &difference.paths {
                let word = |verdict: Option<portolan_core::peer::Verdict>| verdict.map_or("not there", |verdict| verdict.word());
                writeln!(out, "{}: {}, now {}: {}", path.path, word(path.before), word(path.after), path.sentence)?;
            }
            if difference.is_empty() {
                writeln!(out, "no difference")?;
            }
            Ok(())
        }
    }
}

fn connection(word: &str, row: &ChangedConnection, ports: String) -> [String; 4] {
    [word.to_owned(), row.from.to_string(), format!("-> {}", row.to), ports]
}
