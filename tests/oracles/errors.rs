//! netpol-analyzer's error cases: what is wrong with manifests is said by us too, at the object and the field; what a person asks for
//! in vain is refused; and what is an error to netpol-analyzer alone is answered.

use std::fs;
use std::path::Path;

use portolan_core::assumptions::Assumptions;
use portolan_core::peer::Verdict;
use portolan_tests::command_line::{portolan_error, portolan_json};
use portolan_tests::fixture;
use portolan_tests::ingress_controller::IngressController;
use portolan_tests::oracle::{Report, json, list, text};
use serde_json::Value;

use crate::cluster_faults::CLUSTER_FAULTS;
use crate::faults::{FAULTS, Fault, In};
use crate::netpol_analyzer::{as_netpol_analyzer, out_of_scope};
use crate::not_errors::{Answer, NOT_ERRORS};

/// What we make of a case.
enum Ours {
    /// A warning at the object and the field.
    Warning(&'static Fault),
    /// An answer: it is no error to us, for a reason.
    Answer(Answer),
    /// The command line refuses these arguments, in words with all of these.
    Refusal(Vec<String>, Vec<String>),
    /// A warning about a file of a folder that is among the data, with these words.
    FileWarning(&'static str, [&'static str; 2]),
    /// Ingresses or Routes of a folder open a workload, and policies let no controller through to it.
    ClosedToControllers(String, &'static str),
    /// No line from a workload to itself.
    NoLineToItself,
    /// Not compared.
    Skipped(&'static str),
    /// Not in any table.
    Unknown,
}

/// Cases about flags that only netpol-analyzer has.
const OWN_FLAGS: [&str; 5] = [
    "using_focus_direction_without_focus_workload",
    "using_focus_workload_peer_without_focus_workload",
    "using_exposure_with_focus_workload_peer_and_focus_workload",
    "using_explain_only_without_explain",
    "using_exposure_with_explain_and_explain_only",
];

fn words(case: &Value) -> Vec<&str> {
    let one = ["errorStrContains", "firstErrStrContains"].map(|field| text(case, field)).into_iter().filter(|word| !word.is_empty());
    let many = ["expectedWarningsStrContains", "containedErrOrWarns"].into_iter().flat_map(|field| list(case, field));
    one.chain(many.filter_map(Value::as_str)).collect()
}

fn folders(case: &Value) -> Vec<&str> {
    ["dirName", "ref1", "ref2"].map(|field| text(case, field)).into_iter().filter(|dir| !dir.is_empty()).collect()
}

fn ours(case: &Value, root: &Path) -> Ours {
    let (name, folders, words) = (text(case, "name"), folders(case), words(case));
    let says = |part: &str| words.iter().any(|word| word.contains(part));
    let in_data = |dir: &str| root.join("tests").join(dir).display().to_string();
    let strings = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
    if let Some(reason) = folders.iter().find_map(|dir| out_of_scope(dir)) {
        return Ours::Skipped(reason);
    }
    if OWN_FLAGS.contains(&name) {
        return Ours::Skipped("about netpol-analyzer's own flags");
    }
    if says("Route resource") {
        return Ours::ClosedToControllers(text(case, "ref2").to_owned(), "frontend/asset-cache[Deployment]");
    }
    if says("output format is not supported") {
        let format = text(case, "format");
        let mut arguments = match folders.as_slice() {
            [dir] => strings(&["connections", "--manifests", &in_data(dir)]),
            dirs => [strings(&["diff"]), dirs.iter().map(|dir| in_data(dir)).collect()].concat(),
        };
        arguments.extend(strings(&["--output", format]));
        return Ours::Refusal(arguments, strings(&[format]));
    }
    if let Some(workload) = words.iter().find_map(|word| word.strip_prefix("Workload ")?.split(' ').next()) {
        let (from, name) = match workload.split_once('/') {
            Some((_, name)) => (workload.to_owned(), name),
            None => (format!("default/{workload}"), workload),
        };
        let arguments = ["trace", "--manifests", &in_data(folders[0]), "--from", &from, "--to", "outside"];
        return Ours::Refusal(strings(&arguments), strings(&["there is no", name]));
    }
    if says("does not exist") {
        let arguments = match folders.as_slice() {
            [dir] => strings(&["connections", "--manifests", &in_data(dir)]),
            dirs => [strings(&["diff"]), dirs.iter().map(|dir| in_data(dir)).collect()].concat(),
        };
        return Ours::Refusal(arguments, strings(&[folders[0]]));
    }
    if name == "irrelevant_JSON_file_unable_to_decode" {
        return Ours::FileWarning("onlineboutique", ["connlist_output.json", "an object was expected"]);
    }
    if says("connlist_output.json") {
        return Ours::FileWarning("acs-security-demos", ["connlist_output.json", "an object was expected"]);
    }
    if !text(case, "extractedLineExample").is_empty() {
        return Ours::NoLineToItself;
    }
    if let Some((_, answer)) = NOT_ERRORS.iter().find(|(dir, _)| folders.contains(dir)) {
        return Ours::Answer(*answer);
    }
    FAULTS.iter().chain(CLUSTER_FAULTS).find(|fault| folders.contains(&fault.dir)).map_or(Ours::Unknown, Ours::Warning)
}

/// The warnings of `portolan connections` on a path.
fn warnings(path: &Path) -> Vec<Value> {
    let path = path.to_str().expect("a path in UTF-8");
    list(&portolan_json(&["connections", "--manifests", path, "--output", "json"]), "warnings").to_vec()
}

fn compare_fault(fault: &Fault) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join(if fault.lies_in == In::Json { "a.json" } else { "a.yaml" });
    fs::write(&file, fault.manifest()).map_err(|error| error.to_string())?;
    let warnings = warnings(&file);
    let fits = |warning: &&Value| {
        text(warning, "object").ends_with(fault.object())
            && text(warning, "pointer").starts_with(fault.pointer)
            && text(warning, "message").contains(fault.word)
    };
    match warnings.iter().find(fits) {
        Some(_) => Ok(()),
        None => Err(format!("no warning of {:?} {} {:?} among {}", fault.object(), fault.pointer, fault.word, Value::from(warnings))),
    }
}

fn compare(ours: Ours, root: &Path) -> Result<(), String> {
    match ours {
        Ours::Warning(fault) => compare_fault(fault),
        Ours::Answer(answer) => answer(),
        Ours::Refusal(arguments, words) => {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let error = portolan_error(&arguments);
            if words.iter().all(|word| error.contains(word.as_str())) { Ok(()) } else { Err(format!("no {words:?} in {error:?}")) }
        }
        Ours::FileWarning(dir, [file, message]) => {
            let warnings = warnings(&root.join("tests").join(dir));
            let is_it = |warning: &Value| text(warning, "object").contains(file) && text(warning, "message").contains(message);
            if warnings.iter().any(is_it) { Ok(()) } else { Err(format!("no warning of {file} among {}", Value::from(warnings))) }
        }
        Ours::NoLineToItself => {
            let path = root.join("tests/ipblockstest").display().to_string();
            let answer = portolan_json(&["connections", "--manifests", &path, "--output", "json"]);
            let lines = list(&answer, "connections");
            match lines.iter().find(|line| line["from"] == line["to"]) {
                None if !lines.is_empty() => Ok(()),
                line => Err(format!("{line:?}")),
            }
        }
        Ours::ClosedToControllers(dir, workload) => {
            let objects = fixture::folder(&root.join("tests").join(dir));
            let controller = IngressController::of(&objects, as_netpol_analyzer()).ok_or("there is neither an Ingress nor a Route")?;
            let (reached, uncertain) = controller.reached();
            match (controller.openings.contains_key(workload), reached.contains_key(workload)) {
                (true, false) if !reached.is_empty() && uncertain.is_empty() => Ok(()),
                (is_opened, is_reached) => Err(format!("opened: {is_opened}, reached: {is_reached}; {reached:?} {uncertain:?}")),
            }
        }
        Ours::Skipped(_) => Ok(()),
        Ours::Unknown => Err("it is in no table".to_owned()),
    }
}

#[test]
fn netpol_analyzer_errors() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new("netpol-analyzer errors");
    for case in json(&root.join("errors.json")).as_array().into_iter().flatten() {
        let name = format!("{} {}", text(case, "_test"), text(case, "name"));
        let ours = ours(case, &root);
        if let Ours::Skipped(reason) = ours {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        report.flows(1);
        if let Err(what) = compare(ours, &root) {
            report.differs(format!("{name}: {what}"));
        }
    }
    report.finish();
}

/// Holds the answer to `from -> to port` against a verdict.
pub fn expect(yaml: &str, from: &str, to: &str, port: &str, expected: Verdict) -> Result<(), String> {
    let trace = fixture::ask(&fixture::analysis(&fixture::documents(yaml), Assumptions::default()), from, to, port)?;
    if trace.verdict == expected { Ok(()) } else { Err(format!("{from} -> {to} {port}: ours {}, expected {expected}", trace.verdict)) }
}
