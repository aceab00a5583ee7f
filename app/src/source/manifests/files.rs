//! Finds the files of paths and reads their texts.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use walkdir::{DirEntry, WalkDir};

use super::{Reader, STANDARD_INPUT};

/// Gives the text of every file to the reader.
pub fn read_all(paths: &[PathBuf], standard_input: &mut dyn Read, reader: &mut Reader<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    let mut is_input_read = false;
    for path in paths {
        if path.as_os_str() == "-" {
            if !std::mem::replace(&mut is_input_read, true) {
                let mut bytes = Vec::new();
                standard_input.read_to_end(&mut bytes).context("standard input cannot be read")?;
                take(Path::new(STANDARD_INPUT), bytes, true, reader);
            }
            continue;
        }
        let Ok(metadata) = fs::metadata(path) else { bail!("{} does not exist or cannot be opened", path.display()) };
        if metadata.is_dir() {
            read_folder(path, &mut seen, reader)?;
        } else if seen.insert(canonical(path)) {
            let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            take(path, bytes, true, reader);
        }
    }
    Ok(())
}

/// Reads a folder and those in it, in the order of their names.
fn read_folder(folder: &Path, seen: &mut HashSet<PathBuf>, reader: &mut Reader<'_>) -> Result<()> {
    fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut n_found = 0;
    // Links are followed: a mounted ConfigMap is a folder of links.
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                n_found += 1;
                if !seen.insert(canonical(entry.path())) {
                    continue;
                }
                match fs::read(entry.path()) {
                    Ok(bytes) => take(entry.path(), bytes, false, reader),
                    Err(error) => reader.warn(entry.path(), format!("the file cannot be read: {error}")),
                }
            }
            Ok(_) => {}
            Err(error) => reader.warn(error.path().unwrap_or(folder), format!("this part of the folder cannot be read: {error}")),
        }
    }
    if n_found == 0 {
        reader.warn(folder, "the folder holds no file named *.yaml, *.yml or *.json".to_owned());
    }
    Ok(())
}

fn take(file: &Path, bytes: Vec<u8>, is_named: bool, reader: &mut Reader<'_>) {
    match decode(bytes) {
        Some(text) => reader.text(file, &text, is_named),
        None => reader.warn(file, "the file is not text in UTF-8 or UTF-16".to_owned()),
    }
}

/// UTF-8, or UTF-16 where a byte order mark says so: Windows PowerShell's `>` writes that.
fn decode(bytes: Vec<u8>) -> Option<String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks(2).map(|pair| from([pair[0], pair.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => wide(u16::from_le_bytes),
        Some([0xfe, 0xff]) => wide(u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    matches!(extension.as_str(), "yaml" | "yml" | "json")
}
