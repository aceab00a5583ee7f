//! Reads objects from manifests: files, folders and standard input; YAML of many documents, JSON, `List` objects.
//!
//! What cannot be read becomes a warning that names file, line and object, and the rest is read all the same. Only a path that a person
//! named and that cannot be opened is an error.

mod documents;
mod files;
mod helm;
mod parse;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use portolan_core::{Object, ObjectKey, Warning};
use serde_json::Value;

/// The namespace of a namespaced object that names none, as with `kubectl apply`.
pub const DEFAULT_NAMESPACE: &str = "default";

/// What standard input is called in origins and warnings.
pub const STANDARD_INPUT: &str = "standard input";

/// Where an object was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file, as a path that starts with what the person gave; [`STANDARD_INPUT`] for `-`.
    pub file: Arc<Path>,
    /// The line on which its document starts, from 1; an item of a `List` has its list's.
    pub line: usize,
}

impl fmt::Display for Origin {
    /// `shop/web.yaml:12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// An object and where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedObject {
    /// The object.
    pub object: Object,
    /// Where it was read.
    pub origin: Origin,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Objects of the kinds that Portolan reads, each key once, in the order of files and documents.
    pub objects: Vec<LoadedObject>,
    /// What could not be read or was read twice, in the same order.
    pub warnings: Vec<Warning>,
    /// How many files were read, standard input included.
    pub n_files: usize,
    /// How many objects were passed over because Portolan does not read their kind, and documents of folders that are no objects at all.
    pub n_passed_over: usize,
}

impl Loaded {
    /// The objects without their origins.
    pub fn plain_objects(&self) -> Vec<Object> {
        self.objects.iter().map(|loaded| loaded.object.clone()).collect()
    }
}

/// Reads files, folders (recursively, `*.yaml`, `*.yml` and `*.json`; hidden ones passed over) and, for the path `-`, standard input.
///
/// A namespaced object without a namespace is taken to be in `default_namespace`. A file that is reached twice is read once.
///
/// # Errors
/// A path of `paths` cannot be opened; the message names it.
pub fn read(paths: &[PathBuf], standard_input: &mut dyn Read, default_namespace: &str) -> Result<Loaded> {
    let mut reader = Reader::new(default_namespace);
    files::read_all(paths, standard_input, &mut reader)?;
    Ok(reader.loaded)
}

/// Reads one text, as of a file with this name.
pub fn read_text(name: &str, text: &str, default_namespace: &str) -> Loaded {
    let mut reader = Reader::new(default_namespace);
    reader.text(Path::new(name), text, true);
    reader.loaded
}

/// Puts together what the files hold.
struct Reader<'a> {
    default_namespace: &'a str,
    loaded: Loaded,
    index_by_key: HashMap<ObjectKey, usize>,
}

impl<'a> Reader<'a> {
    fn new(default_namespace: &'a str) -> Self {
        Self { default_namespace, loaded: Loaded::default(), index_by_key: HashMap::new() }
    }

    /// Takes the text of one file. In a folder (`is_named` is false) lie documents that are not meant for Kubernetes; those are passed over.
    fn text(&mut self, file: &Path, text: &str, is_named: bool) {
        self.loaded.n_files += 1;
        let file: Arc<Path> = Arc::from(file);
        for document in parse::parse(&file, text) {
            match document {
                Ok((line, value)) => self.value(&Origin { file: Arc::clone(&file), line }, value, is_named),
                Err(message) => self.warn(&file, message),
            }
        }
    }

    /// Takes one document, or one item of a list.
    fn value(&mut self, origin: &Origin, mut value: Value, is_named: bool) {
        let Value::Object(map) = &mut value else {
            return self.warn_at(origin, format!("an object was expected, not {}", parse::kind_of_value(&value)));
        };
        if !map.contains_key("apiVersion") && !map.contains_key("kind") && !is_named {
            self.loaded.n_passed_over += 1;
            return;
        }
        let list_kind = map.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List")).map(str::to_owned);
        if let (Some(item_kind), Some(Value::Array(items))) = (list_kind, map.get_mut("items")) {
            let items = std::mem::take(items);
            let api_version = map.get("apiVersion").cloned();
            for item in items {
                self.value(origin, parse::complete_item(item, &item_kind, api_version.as_ref()), true);
            }
            return;
        }
        let left_out = parse::unevaluated(map).or_else(|| parse::misplaced(map));
        match Object::new(value, self.default_namespace) {
            Ok(Some(object)) if helm::is_template(&object) => {
                self.warn_at(origin, format!("{} has template expressions in it; {}", object.key, helm::ADVICE));
            }
            Ok(Some(object)) => self.object(origin, object),
            Ok(None) => {
                self.loaded.n_passed_over += 1;
                if let Some((object, why)) = left_out {
                    let message = format!("{origin}: {why}: verdicts leave this object out");
                    self.loaded.warnings.push(Warning { object, pointer: String::new(), message });
                }
            }
            Err(message) => self.warn_at(origin, message),
        }
    }

    /// Takes one object; of two with the same key the later one stays, as it would in a cluster.
    fn object(&mut self, origin: &Origin, object: Object) {
        let loaded = LoadedObject { object, origin: origin.clone() };
        if let Some(&index) = self.index_by_key.get(&loaded.object.key) {
            let earlier = &self.loaded.objects[index].origin;
            let message = format!("defined twice, at {earlier} and at {origin}; the later one is used");
            self.loaded.warnings.push(Warning::new(&loaded.object.key, "", message));
            self.loaded.objects[index] = loaded;
        } else {
            self.index_by_key.insert(loaded.object.key.clone(), self.loaded.objects.len());
            self.loaded.objects.push(loaded);
        }
    }

    fn warn_at(&mut self, origin: &Origin, message: impl fmt::Display) {
        self.warn(&origin.file, format!("line {}: {message}", origin.line));
    }

    fn warn(&mut self, file: &Path, message: String) {
        self.loaded.warnings.push(Warning { object: file.display().to_string(), pointer: String::new(), message });
    }
}
