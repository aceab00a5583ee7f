//! `portolan connections`

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::analysis::{Connection, Unit};
use serde::Serialize;

use super::args::{ConnectionsArgs, Format};
use super::load::Loaded;
use super::output::{self, Head};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    unit: &'static str,
    connections: Vec<Connection>,
    warnings: &'a [Warning],
}

pub(super) fn run(args: &ConnectionsArgs, loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    let unit = Unit::from(args.unit);
    let connections = loaded.analysis.connections(unit);
    match args.output {
        Format::Json => {
            let head = Head::new("portolan.connections/v1", loaded);
            output::json(out, &Answer { head, unit: unit.name(), connections, warnings: &loaded.warnings })
        }
        Format::Txt => {
            output::notes_to_stderr(loaded, &loaded.warnings);
            let rows: Vec<[String; 4]> = connections.iter().map(row).collect();
            output::table(out, &rows)
        }
    }
}

fn row(connection: &Connection) -> [String; 4] {
    let depends =
        if connection.depends.is_empty() { String::new() } else { format!("depends on {}", connection.depends.join(", and on ")) };
    [connection.from.to_string(), format!("-> {}", connection.to), connection.ports.to_string(), depends]
}
