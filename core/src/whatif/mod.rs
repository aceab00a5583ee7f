//! What if: edits laid over a snapshot, their history, and what to hand over in the end.

mod export;
mod history;
mod overlay;
pub mod yaml;
mod yaml_writer;

pub use export::{Export, clean, with_server_fields};
pub use history::History;
pub use overlay::{Conflict, Edit, EditKind, Overlay};
