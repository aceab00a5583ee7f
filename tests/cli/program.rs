//! The program as it is started: standard input, standard output, standard error, and how it exits.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use super::*;

/// The program beside this test, if it is built of the sources as they are: it belongs to another package, and nothing promises that.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(Path::parent).unwrap().join(format!("portolan{}", std::env::consts::EXE_SUFFIX));
    let built = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let sources = ["../app/src", "../core/src"].map(|folder| newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)));
    sources.iter().all(|changed| *changed <= built).then_some(path)
}

/// When a file of a folder was last changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| if path.is_dir() { newest(&path) } else { path.metadata().unwrap().modified().unwrap() });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Runs it, or says that it is not there.
fn run(arguments: &[&str], input: &str) -> Option<Output> {
    let Some(program) = program() else {
        drop(writeln!(
            std::io::stderr(),
            "skipped: the program is not built, or not of these sources; `cargo build -p portolan` builds it"
        ));
        return None;
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env_remove("KUBECONFIG").env("HOME", "/no/such/home").spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_reads_standard_input_and_exits_with_0() {
    let demo: String = portolan::source::demo::Demo::Shop.files().iter().map(|(_, text)| format!("---\n{text}\n")).collect();
    let Some(output) = run(&["--manifests", "-", "connections", "-o", "json"], &demo) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let piped: Value = serde_json::from_str(&out(&output)).unwrap();
    let read = portolan_json(&["--manifests", text(&demo_folder()), "connections", "-o", "json"]);
    assert_eq!(piped["connections"], read["connections"]);

    let question = "{\"from\": \"outside\", \"to\": \"catalog/catalog-api\"}\nno question\n";
    let Some(output) = run(&["--demo", "trace", "--queries", "-"], question) else { return };
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).ends_with("portolan: 1 of 2 queries of standard input could not be answered\n"), "{}", err(&output));
    let printed = out(&output);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines.len() == 2 && lines[1].contains("standard input line 2"), "{lines:?}");
}

#[test]
fn a_question_is_answered_before_the_next_is_asked() {
    use std::io::{BufRead, BufReader};
    let Some(program) = program() else { return };
    let arguments = ["--demo", "trace", "--queries", "-"];
    let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for to in ["catalog/catalog-api", "data/payments-db"] {
        writeln!(input, "{{\"from\": \"outside\", \"to\": \"{to}\"}}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("\"to\":\"{to}\"")), "{line}");
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn warnings_of_lines_go_to_standard_error() {
    let Some(output) = run(&["--manifests", "-", "connections"], "kind: [\n") else { return };
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""));
    assert!(err(&output).starts_with("warning: standard input"), "{}", err(&output));
}

#[test]
fn a_profile_that_is_not_upstream_is_told_beside_lines() {
    let manifest = r#"{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "calico-node", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}}}}"#;
    let Some(output) = run(&["--manifests", "-", "connections"], manifest) else { return };
    assert_eq!(err(&output), "note: profile calico, detected: Calico (DaemonSet kube-system/calico-node)\n");
    let Some(output) = run(&["--manifests", "-", "--profile", "upstream", "connections"], manifest) else { return };
    assert_eq!(err(&output), "note: profile upstream, as given; detected: Calico (DaemonSet kube-system/calico-node)\n");
}

#[test]
fn it_exits_with_2_and_a_sentence_when_it_cannot() {
    for (arguments, words) in [
        (vec!["--manifests", "/no/such/folder", "connections"], "/no/such/folder does not exist or cannot be opened"),
        (vec!["--demo", "--assume", "nonsense=yes", "connections"], "unknown assumption \"nonsense\""),
        (vec!["--demo", "trace", "--from", "a/b", "--to", "outside"], "there is no such namespace"),
        (vec!["connections"], "there is nothing to read: give --demo, --manifests PATH, or --context NAME"),
        (vec!["--kubeconfig", "/no/such/config", "connections"], "/no/such/config"),
        (vec!["--demo", "--apply", "edit.yaml"], "--apply and --delete are for the subcommands"),
        (vec!["--demo", "nonsense"], "unrecognized subcommand"),
    ] {
        let Some(output) = run(&arguments, "") else { return };
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(err(&output).contains(words), "{arguments:?}: {}", err(&output));
    }
}

/// `portolan connections | head -1` ends without a word.
#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let Some(program) = program() else { return };
    let mut command = Command::new(program);
    let mut child = command.args(["--demo", "connections", "--unit", "pod"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
}
