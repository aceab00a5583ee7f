//! Finds what paths lead to, and reads it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, bail};
use portolan_core::Object;
use walkdir::{DirEntry, WalkDir};

use super::{Item, STANDARD_INPUT, Taker};

/// Something that paths lead to.
pub enum Found {
    /// A file.
    File {
        /// Its path, which starts with what the person gave.
        path: PathBuf,
        /// Whether the person named it, or it lies in a folder.
        is_named: bool,
    },
    /// What standard input holds.
    Input(Vec<u8>),
    /// A part of a folder that cannot be read, and why.
    Unreadable(PathBuf, String),
    /// Something that the person named cannot be opened.
    Missing(Error),
}

impl Found {
    /// Reads it and makes items of it.
    ///
    /// # Errors
    /// It is missing, or is a file that a person named and that cannot be read.
    pub fn read<T: Send, K: Fn(Object) -> T + Sync>(self, taker: &Taker<'_, K>) -> Result<Vec<Item<T>>> {
        match self {
            Self::File { path, is_named } => match fs::read(&path) {
                Ok(bytes) => Ok(take(&path, bytes, is_named, taker)),
                Err(error) if is_named => Err(error).with_context(|| format!("{} cannot be read", path.display())),
                Err(error) => Ok(vec![Item::warning(&path, format!("the file cannot be read: {error}"))]),
            },
            Self::Input(bytes) => Ok(take(Path::new(STANDARD_INPUT), bytes, true, taker)),
            Self::Unreadable(path, why) => Ok(vec![Item::warning(&path, why)]),
            Self::Missing(error) => Err(error),
        }
    }
}

/// Everything that paths lead to, in their order. What comes after something that is missing is not looked for.
pub fn find(paths: &[PathBuf], standard_input: &mut dyn Read) -> Vec<Found> {
    let mut found = Vec::new();
    if let Err(error) = find_each(paths, standard_input, &mut found) {
        found.push(Found::Missing(error));
    }
    found
}

fn find_each(paths: &[PathBuf], standard_input: &mut dyn Read, found: &mut Vec<Found>) -> Result<()> {
    let mut seen = HashSet::new();
    let mut is_input_read = false;
    for path in paths {
        if path.as_os_str() == "-" {
            if !std::mem::replace(&mut is_input_read, true) {
                let mut bytes = Vec::new();
                standard_input.read_to_end(&mut bytes).context("standard input cannot be read")?;
                found.push(Found::Input(bytes));
            }
            continue;
        }
        let Ok(metadata) = fs::metadata(path) else { bail!("{} does not exist or cannot be opened", path.display()) };
        if metadata.is_dir() {
            find_in_folder(path, &mut seen, found)?;
        } else if seen.insert(canonical(path)) {
            found.push(Found::File { path: path.clone(), is_named: true });
        }
    }
    Ok(())
}

/// Looks through a folder and those in it, in the order of their names.
fn find_in_folder(folder: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<Found>) -> Result<()> {
    fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut n_found = 0;
    // Links are followed: a mounted ConfigMap is a folder of links.
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                n_found += 1;
                if seen.insert(canonical(entry.path())) {
                    found.push(Found::File { path: entry.into_path(), is_named: false });
                }
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                found.push(Found::Unreadable(path, format!("this part of the folder cannot be read: {error}")));
            }
        }
    }
    if n_found == 0 {
        found.push(Found::Unreadable(folder.to_owned(), "the folder holds no file named *.yaml, *.yml or *.json".to_owned()));
    }
    Ok(())
}

fn take<T: Send, K: Fn(Object) -> T + Sync>(file: &Path, bytes: Vec<u8>, is_named: bool, taker: &Taker<'_, K>) -> Vec<Item<T>> {
    match decode(bytes) {
        Some(text) => taker.text(file, &text, is_named),
        None => vec![Item::warning(file, "the file is not text in UTF-8 or UTF-16".to_owned())],
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
