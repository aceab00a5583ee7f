//! Manifests: everything that files, folders and standard input may hold, and what is said of what cannot be read.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use portolan::source::manifests::{self, Loaded};
use portolan_core::Kind;
use tempfile::TempDir;

#[path = "manifests/documents.rs"]
mod documents;
#[path = "manifests/errors.rs"]
mod errors;
#[path = "manifests/files.rs"]
mod files;
#[path = "manifests/json_and_lists.rs"]
mod json_and_lists;
#[path = "manifests/values.rs"]
mod values;

fn service(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  namespace: shop\n")
}

fn of_text(text: &str) -> Loaded {
    manifests::read_text("a.yaml", text, "default")
}

fn of_json(text: &str) -> Loaded {
    manifests::read_text("a.json", text, "default")
}

/// `namespace/name:line` of every object.
fn places(loaded: &Loaded) -> Vec<String> {
    loaded.objects.iter().map(|loaded| format!("{}:{}", loaded.object.key.path(), loaded.origin.line)).collect()
}

fn messages(loaded: &Loaded) -> Vec<&str> {
    loaded.warnings.iter().map(|warning| warning.message.as_str()).collect()
}

fn one_message(loaded: &Loaded) -> &str {
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    &loaded.warnings[0].message
}

fn folder_of(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(paths: &[&Path]) -> anyhow::Result<Loaded> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    manifests::read(&paths, &mut io::empty(), "default")
}
