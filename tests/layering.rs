//! Which package may name what: the walls between the houses, read from the sources and from `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A source file: its path from the root, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines outside `#[cfg(test)] mod tests`, which stands last in a file, with their numbers; comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]").filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let (root, mut paths) = (root(), Vec::new());
    walk(&root.join(folder), &mut paths);
    paths.sort();
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&root).unwrap_or(&path).display().to_string(),
        text: fs::read_to_string(&path).expect("a source file"),
    };
    let sources: Vec<Source> = paths.into_iter().map(read).collect();
    assert!(!sources.is_empty(), "{folder} has no source file");
    sources
}

#[track_caller]
fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The packages of `Cargo.lock`: name to versions, and name to the names that it depends on, over all its versions.
fn locked() -> (BTreeMap<String, BTreeSet<String>>, BTreeMap<String, BTreeSet<String>>) {
    let text = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let (mut versions, mut needs): (BTreeMap<_, BTreeSet<_>>, BTreeMap<_, BTreeSet<_>>) = Default::default();
    for package in text.split("[[package]]").skip(1) {
        let field = |name: &str| package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'));
        let name = field("name").expect("a package has a name").to_owned();
        versions.entry(name.clone()).or_default().insert(field("version").unwrap_or_default().to_owned());
        let listed = package.lines().skip_while(|line| !line.starts_with("dependencies = [")).skip(1).take_while(|line| *line != "]");
        let names = listed.filter_map(|line| line.trim().trim_matches([',', '"']).split(' ').next()).map(str::to_owned);
        needs.entry(name).or_default().extend(names);
    }
    (versions, needs)
}

#[test]
fn core_stands_on_nothing_that_draws_or_talks() {
    let (_, needs) = locked();
    let (mut reached, mut open) = (BTreeSet::new(), vec!["portolan-core".to_owned()]);
    while let Some(name) = open.pop() {
        if reached.insert(name.clone()) {
            open.extend(needs.get(&name).into_iter().flatten().cloned());
        }
    }
    assert!(reached.len() > 5, "the dependencies of core are not in Cargo.lock");
    for forbidden in ["egui", "eframe", "kube", "kube-client", "kube-core", "tokio", "hyper", "mio", "winit", "portolan", "portolan-tests"]
    {
        assert!(!reached.contains(forbidden), "portolan-core depends on {forbidden}");
    }
}

#[test]
fn nobody_needs_the_tests() {
    let (_, needs) = locked();
    for (name, names) in needs {
        assert!(!names.contains("portolan-tests"), "{name} depends on portolan-tests");
    }
}

#[test]
fn one_egui_is_in_the_tree() {
    let (versions, _) = locked();
    assert_eq!(versions.get("egui").map(BTreeSet::len), Some(1), "{:?}", versions.get("egui"));
}

#[test]
fn files_open_with_what_they_hold_and_are_not_too_long() {
    let mut faults = Vec::new();
    for source in ["core/src", "app/src", "tests"].into_iter().flat_map(sources) {
        let first = source.text.lines().next().unwrap_or_default();
        if first.strip_prefix("//! ").is_none_or(|head| head.trim().is_empty()) {
            faults.push(format!("{}:1: the file does not open with //! and what it holds", source.path));
        }
        let n_lines = source.text.lines().count();
        if n_lines > 700 {
            faults.push(format!("{}: {n_lines} lines, and 700 are the most", source.path));
        }
    }
    assert_none(faults);
}

/// Complains of every line of code that names one of `words`.
fn named(sources: &[Source], words: &[&str], complaint: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: {word} {complaint}", source.path));
            }
        }
    }
    faults
}

#[test]
fn core_has_no_file_socket_clock_or_thread() {
    let words = [
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "std::time",
        "std::net::Tcp",
        "std::net::Udp",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "Instant",
        "SystemTime",
        "println!",
        "eprintln!",
    ];
    assert_none(named(&sources("core/src"), &words, "is not for core"));
}

#[test]
fn only_intake_knows_the_types_of_the_api() {
    let outside: Vec<Source> = sources("core/src").into_iter().filter(|source| !source.path.contains("core/src/intake/")).collect();
    assert_none(named(&outside, &["k8s_openapi"], "is for core/src/intake alone"));
}

#[test]
fn the_engine_names_no_dialect() {
    let engine: Vec<Source> = sources("core/src/reachability");
    assert_none(named(&engine, &["NetworkPolicyRecord", "record::PolicyRule", "policy::network_policy"], "is for core/src/policy alone"));
}

#[test]
fn colours_come_from_the_theme() {
    let elsewhere: Vec<Source> = sources("app/src").into_iter().filter(|source| !source.path.ends_with("app/src/theme.rs")).collect();
    assert_none(named(&elsewhere, &["Color32::from_", "Rgba::from_", "hex_color!", "rgb("], "is for app/src/theme.rs alone"));
}
