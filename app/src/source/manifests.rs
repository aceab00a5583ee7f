//! Reads objects from manifests: files, folders and standard input; YAML of many documents, JSON, `List` objects.
//!
//! What cannot be read becomes a warning that names file, line and object, and the rest is read all the same. Only a path that a person
//! named and that cannot be opened is an error.

mod documents;
mod files;
mod helm;
mod list;
mod parse;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use portolan_core::snapshot::Change;
use portolan_core::{Object, ObjectKey, Warning};
use rayon::prelude::*;
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

/// An object, or what was made of it, and where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedObject<T = Object> {
    /// The object.
    pub object: T,
    /// Where it was read.
    pub origin: Origin,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<T = Object> {
    /// Objects of the kinds that Portolan reads, each key once, in the order of files and documents.
    pub objects: Vec<LoadedObject<T>>,
    /// What could not be read or was read twice, in the same order.
    pub warnings: Vec<Warning>,
    /// How many files were read, standard input included.
    pub n_files: usize,
    /// How many objects were passed over because Portolan does not read their kind, and documents of folders that are no objects at all.
    pub n_passed_over: usize,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { objects: Vec::new(), warnings: Vec::new(), n_files: 0, n_passed_over: 0 }
    }
}

impl<T> Loaded<T> {
    /// The objects without their origins.
    pub fn into_objects(self) -> impl Iterator<Item = T> {
        self.objects.into_iter().map(|loaded| loaded.object)
    }
}

/// Reads files, folders (recursively, `*.yaml`, `*.yml` and `*.json`; hidden ones passed over) and, for the path `-`, standard input.
///
/// A namespaced object without a namespace is taken to be in `default_namespace`. A file that is reached twice is read once. Files and
/// their documents are read on as many cores as there are, and what comes of them is in their order all the same.
///
/// # Errors
/// A path of `paths` cannot be opened; the message names it.
pub fn read(paths: &[PathBuf], standard_input: &mut dyn Read, default_namespace: &str) -> Result<Loaded> {
    read_each(paths, standard_input, &Taker { default_namespace, keep: |object| object })
}

/// The same, with the change that brings an object in, in place of each object. Sooner there than one after the other, and with room for
/// one object in the place of all: most are forgotten when their record is made.
///
/// # Errors
/// A path of `paths` cannot be opened; the message names it.
pub fn read_changes(paths: &[PathBuf], standard_input: &mut dyn Read, default_namespace: &str) -> Result<Loaded<Change>> {
    read_each(paths, standard_input, &Taker { default_namespace, keep: |object: Object| Change::apply(&object) })
}

/// Reads one text, as of a file with this name.
pub fn read_text(name: &str, text: &str, default_namespace: &str) -> Loaded {
    let mut gathered = Gathered::default();
    gathered.file(Taker { default_namespace, keep: |object| object }.text(Path::new(name), text, true));
    gathered.loaded
}

fn read_each<T: Send, K: Fn(Object) -> T + Sync>(
    paths: &[PathBuf],
    standard_input: &mut dyn Read,
    taker: &Taker<'_, K>,
) -> Result<Loaded<T>> {
    let found = files::find(paths, standard_input);
    let read: Vec<Result<Vec<Item<T>>>> = found.into_par_iter().map(|found| found.read(taker)).collect();
    let mut gathered = Gathered::default();
    for items in read {
        gathered.file(items?);
    }
    Ok(gathered.loaded)
}

/// What comes of one file, in the order in which it comes.
enum Item<T> {
    /// Its text is read.
    File,
    /// An object, or what is kept of it.
    Object(ObjectKey, LoadedObject<T>),
    /// An object of a kind that is not read, or none at all.
    PassedOver,
    /// Something is wrong.
    Warning(Warning),
}

impl<T> Item<T> {
    fn warning(file: &Path, message: String) -> Self {
        Self::Warning(Warning { object: file.display().to_string(), pointer: String::new(), message })
    }

    fn warning_at(origin: &Origin, message: impl fmt::Display) -> Self {
        Self::warning(&origin.file, format!("line {}: {message}", origin.line))
    }
}

/// Makes items of texts. Knows one text at a time, so that many can be taken at once.
struct Taker<'a, K> {
    default_namespace: &'a str,
    /// What is kept of an object.
    keep: K,
}

impl<T: Send, K: Fn(Object) -> T + Sync> Taker<'_, K> {
    /// Takes the text of one file. In a folder (`is_named` is false) lie documents that are not meant for Kubernetes; those are passed over.
    fn text(&self, file: &Path, text: &str, is_named: bool) -> Vec<Item<T>> {
        let file: Arc<Path> = Arc::from(file);
        let documents = parse::parse(&file, text, |line, value| self.value(&Origin { file: Arc::clone(&file), line }, value, is_named));
        let mut items = vec![Item::File];
        for document in documents {
            match document {
                Ok(of_document) => items.extend(of_document),
                Err(message) => items.push(Item::warning(&file, message)),
            }
        }
        items
    }

    /// Takes one document, or one item of a list.
    fn value(&self, origin: &Origin, mut value: Value, is_named: bool) -> Vec<Item<T>> {
        let Value::Object(map) = &mut value else {
            return vec![Item::warning_at(origin, format!("an object was expected, not {}", parse::kind_of_value(&value)))];
        };
        if !map.contains_key("apiVersion") && !map.contains_key("kind") && !is_named {
            return vec![Item::PassedOver];
        }
        let list_kind = map.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List")).map(str::to_owned);
        if let (Some(item_kind), Some(Value::Array(items))) = (list_kind, map.get_mut("items")) {
            let items = std::mem::take(items);
            let api_version = map.get("apiVersion").cloned();
            let complete = |item| parse::complete_item(item, &item_kind, api_version.as_ref());
            return items.into_par_iter().flat_map_iter(|item| self.value(origin, complete(item), true)).collect();
        }
        let left_out = parse::unevaluated(map).or_else(|| parse::misplaced(map));
        match Object::new(value, self.default_namespace) {
            Ok(Some(object)) if helm::is_template(&object) => {
                vec![Item::warning_at(origin, format!("{} has template expressions in it; {}", object.key, helm::ADVICE))]
            }
            Ok(Some(object)) => {
                let key = object.key.clone();
                vec![Item::Object(key, LoadedObject { object: (self.keep)(object), origin: origin.clone() })]
            }
            Ok(None) => {
                let warning = left_out.map(|(object, why)| {
                    let message = format!("{origin}: {why}: verdicts leave this object out");
                    Item::Warning(Warning { object, pointer: String::new(), message })
                });
                std::iter::once(Item::PassedOver).chain(warning).collect()
            }
            Err(message) => vec![Item::warning_at(origin, message)],
        }
    }
}

/// Puts together what the files hold.
struct Gathered<T> {
    loaded: Loaded<T>,
    index_by_key: HashMap<ObjectKey, usize>,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self { loaded: Loaded::default(), index_by_key: HashMap::new() }
    }
}

impl<T> Gathered<T> {
    /// Takes what came of a file.
    fn file(&mut self, items: Vec<Item<T>>) {
        for item in items {
            match item {
                Item::File => self.loaded.n_files += 1,
                Item::Object(key, loaded) => self.object(key, loaded),
                Item::PassedOver => self.loaded.n_passed_over += 1,
                Item::Warning(warning) => self.loaded.warnings.push(warning),
            }
        }
    }

    /// Takes one object; of two with the same key the later one stays, as it would in a cluster.
    fn object(&mut self, key: ObjectKey, loaded: LoadedObject<T>) {
        if let Some(&index) = self.index_by_key.get(&key) {
            let earlier = &self.loaded.objects[index].origin;
            let message = format!("defined twice, at {earlier} and at {}; the later one is used", loaded.origin);
            self.loaded.warnings.push(Warning::new(&key, "", message));
            self.loaded.objects[index] = loaded;
        } else {
            self.index_by_key.insert(key, self.loaded.objects.len());
            self.loaded.objects.push(loaded);
        }
    }
}
