//! Fixtures: objects from YAML or folders, and analyses of them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use portolan_core::Object;
use portolan_core::analysis::{Analysis, PortQuery, Trace};
use portolan_core::assumptions::Assumptions;
use portolan_core::snapshot::{Change, Snapshot};
use serde_json::Value;

/// Prints a line that the test harness does not swallow.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The documents of a YAML or JSON text, lists of objects taken apart. What cannot be read is left out.
pub fn documents(text: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return items(value);
    }
    let mut documents = Vec::new();
    let mut current = String::new();
    for line in text.lines().chain(["---"]) {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            if let Ok(value) = serde_yaml::from_str::<Value>(&current) {
                documents.extend(items(value));
            }
            current.clear();
        } else {
            let _ = writeln!(current, "{line}");
        }
    }
    documents
}

/// An object, or the objects of a list: `List`, and `NetworkPolicyList` and the like, whose items may lack what the list says for all.
fn items(value: Value) -> Vec<Value> {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some(item_kind) = kind.strip_suffix("List").filter(|_| value.get("items").is_some_and(Value::is_array)) else {
        return if value.is_null() { Vec::new() } else { vec![value] };
    };
    let (item_kind, api_version) = (item_kind.to_owned(), value.get("apiVersion").cloned().unwrap_or_default());
    let mut objects = Vec::new();
    for mut item in value.get("items").and_then(Value::as_array).cloned().unwrap_or_default() {
        if let Some(map) = item.as_object_mut()
            && !item_kind.is_empty()
        {
            map.entry("kind").or_insert_with(|| item_kind.clone().into());
            map.entry("apiVersion").or_insert_with(|| api_version.clone());
        }
        objects.extend(items(item));
    }
    objects
}

/// The objects of every `.yaml`, `.yml` and `.json` file under a folder, by path. Documents without a kind are no objects.
pub fn folder(path: &Path) -> Vec<Value> {
    let mut entries: Vec<PathBuf> = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            all.extend(folder(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json") {
            all.extend(fs::read_to_string(&entry).map(|text| documents(&text)).unwrap_or_default());
        }
    }
    all.retain(|document| document.get("kind").is_some());
    all
}

/// Assumptions, set by name.
///
/// # Panics
/// Where a name or a value is not known.
#[track_caller]
pub fn assumptions(settings: &[(&str, &str)]) -> Assumptions {
    let mut assumptions = Assumptions::default();
    for (name, value) in settings {
        if let Err(error) = assumptions.set(name, value) {
            panic!("{error}");
        }
    }
    assumptions
}

/// The snapshot of some raw objects, workloads represented by their templates. Kinds that are not read are passed over.
///
/// # Panics
/// Where an object has no kind or no name.
#[track_caller]
pub fn snapshot(objects: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.represents_templates = true;
    for raw in objects {
        match Object::new(raw.clone(), "default") {
            Ok(Some(object)) => {
                snapshot.apply(Change::apply(&object));
            }
            Ok(None) => {}
            Err(error) => panic!("{error}: {raw}"),
        }
    }
    snapshot
}

/// The analysis of some raw objects.
#[track_caller]
pub fn analysis(objects: &[Value], assumptions: Assumptions) -> Analysis {
    Analysis::new(snapshot(objects), assumptions)
}

/// The answer to `from -> to port`; `any` asks for no certain port.
///
/// # Errors
/// A sentence on the name that stands for nothing.
pub fn ask(analysis: &Analysis, from: &str, to: &str, port: &str) -> Result<Trace, String> {
    let end = |text: &str| analysis.endpoint(text).map_err(|error| error.to_string());
    let port = (port != "any").then(|| PortQuery::parse(port)).transpose().map_err(|error| error.to_string())?;
    Ok(analysis.trace(&end(from)?, &end(to)?, port.as_ref()))
}

/// Checks lines of the form that `semantics/*.md` uses in its `expect` blocks against the objects of a YAML text.
///
/// # Panics
/// With everything that does not hold.
#[track_caller]
pub fn check(yaml: &str, expectations: &str) {
    let failures = crate::semantics::check(&documents(yaml), expectations);
    assert!(failures.is_empty(), "{}", failures.iter().map(|(line, text)| format!("line {line}: {text}\n")).collect::<String>());
}

/// The folder `shared/NAME` beside the workspace or beside a folder that holds it; says so where it is not there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let found = workspace.ancestors().skip(1).map(|folder| folder.join("shared").join(name)).find(|path| path.exists());
    if found.is_none() {
        say(&format!("skipped: ../shared/{name} is not here"));
    }
    found
}
