//! `portolan connections`

use std::io::Write;

use anyhow::Result;
use portolan_core::Warning;
use portolan_core::analysis::{Analysis, Connection, Exposure, Opening, Unit};
use portolan_core::policy::Direction;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::args::{ConnectionsArgs, Format};
use super::load::Loaded;
use super::output::{self, Head, Table};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    unit: &'static str,
    connections: Streamed<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<Exposed<'a>>,
    warnings: &'a [Warning],
}

/// Every connection, worked out as it is written.
struct Streamed<'a> {
    analysis: &'a Analysis,
    unit: Unit,
}

impl Serialize for Streamed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut result = Ok(());
        self.analysis.each_connection(self.unit, &mut |connection| {
            if result.is_ok() {
                result = list.serialize_element(&connection);
            }
        });
        result?;
        list.end()
    }
}

/// What could come, worked out when its turn comes.
struct Exposed<'a> {
    analysis: &'a Analysis,
    unit: Unit,
}

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.analysis.exposure(self.unit).serialize(serializer)
    }
}

pub(super) fn run(args: &ConnectionsArgs, loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    let (analysis, unit) = (&*loaded.analysis, Unit::from(args.unit));
    match args.output {
        Format::Json => {
            let head = Head::new("portolan.connections/v1", loaded);
            output::json(
                out,
                &Answer {
                    head,
                    unit: unit.name(),
                    connections: Streamed { analysis, unit },
                    exposure: args.exposure.then_some(Exposed { analysis, unit }),
                    warnings: &loaded.warnings,
                },
            )
        }
        Format::Txt => {
            output::notes_to_stderr(loaded, &loaded.warnings);
            let mut table = Table::new(out);
            let mut result = Ok(());
            analysis.each_connection(unit, &mut |connection| {
                if result.is_ok() {
                    result = table.row(row(&connection));
                }
            });
            result?;
            table.finish()?;
            if !args.exposure {
                return Ok(());
            }
            writeln!(out, "\nWhat could come:")?;
            let mut table = Table::new(out);
            for row in analysis.exposure(unit).iter().flat_map(exposure_rows) {
                table.row(row)?;
            }
            Ok(table.finish()?)
        }
    }
}

/// One row for each opening, and one where no policy selects the unit; none where nothing could come.
fn exposure_rows(exposure: &Exposure) -> Vec<[String; 4]> {
    let unit = exposure.unit.to_string();
    let unprotected = (!exposure.protected).then(|| [unit.clone(), format!("not protected for {}", exposure.direction.name())]);
    let unprotected = unprotected.map(|[unit, what]| [unit, what, String::new(), String::new()]);
    let openings = exposure.openings.iter().map(|opening| {
        let peer = match exposure.direction {
            Direction::Ingress => format!("<- {}", opening.peer),
            Direction::Egress => format!("-> {}", opening.peer),
        };
        [unit.clone(), peer, opening.ports_text(), conditions(opening)]
    });
    unprotected.into_iter().chain(openings).collect()
}

fn conditions(opening: &Opening) -> String {
    let except = opening.left_out.iter().map(|part| format!("not {} for {}", part.ports, part.peer));
    let depends = (!opening.depends.is_empty()).then(|| format!("depends on {}", opening.depends.join(", and on ")));
    depends.into_iter().chain(except).collect::<Vec<_>>().join("; ")
}

fn row(connection: &Connection) -> [String; 4] {
    let depends =
        if connection.depends.is_empty() { String::new() } else { format!("depends on {}", connection.depends.join(", and on ")) };
    let routes = connection.routes.iter().map(|route| route.sentence.clone());
    let beside = Some(depends).filter(|depends| !depends.is_empty()).into_iter().chain(routes).collect::<Vec<_>>().join("; ");
    [connection.from.to_string(), format!("-> {}", connection.to), connection.ports.to_string(), beside]
}
