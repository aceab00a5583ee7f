//! Who could reach the selected thing, or be reached by it, that is not there yet.

use portolan_core::analysis::{ExposedPeer, Exposure, Opening};

use super::ExposureRow;

/// As many rows as are shown; what is beyond is counted.
const MAX_ROWS: usize = 50;

/// A row for each group of pods that may come. Addresses outside are among the connections already.
pub fn rows(exposure: &Exposure) -> Vec<ExposureRow> {
    let openings: Vec<&Opening> = exposure.openings.iter().filter(|opening| !matches!(opening.peer, ExposedPeer::Range(_))).collect();
    let n_more = openings.len().saturating_sub(MAX_ROWS);
    let mut rows: Vec<ExposureRow> = openings.into_iter().take(MAX_ROWS).map(|opening| row(exposure, opening)).collect();
    if n_more > 0 {
        let title = format!("{n_more} more, as `portolan connections --exposure` lists them");
        rows.push(ExposureRow { title, ..ExposureRow::default() });
    }
    rows
}

fn row(exposure: &Exposure, opening: &Opening) -> ExposureRow {
    let mut notes = Vec::new();
    if !exposure.protected {
        notes.push(format!("no policy selects it for {}", exposure.direction.name()));
    }
    if !opening.depends.is_empty() {
        notes.push(format!("depends on {}", opening.depends.join(", and on ")));
    }
    notes.extend(opening.left_out.iter().map(|part| format!("not {} for {}", part.ports, part.peer)));
    let title = match &opening.peer {
        ExposedPeer::Cluster => "any pod of the cluster".to_owned(),
        peer => peer.to_string(),
    };
    // A row that is not certain says so itself; on what it hangs, its note tells.
    let ports = if opening.depends.is_empty() { opening.ports_text() } else { format!("{} (depends)", opening.ports_text()) };
    ExposureRow { title, ports, note: notes.join("; ") }
}
