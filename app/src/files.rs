//! Files that the program writes.

use std::ffi::OsStr;
use std::io::Result;
use std::path::Path;

/// Writes a file, as a whole or not at all: what is there stays until all of the new one is.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().map(OsStr::to_os_string).unwrap_or_default();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // Half of a file is of no use; where there is none, there is nothing to remove.
        drop(std::fs::remove_file(&part));
    }
    written
}
