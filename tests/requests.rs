//! Ways in and requests are two views of one table: the request that a way is for gets that way, with its verdict.

use std::path::Path;

use portolan::source::demo::Demo;
use portolan_core::analysis::{Analysis, Host};
use portolan_core::assumptions::Assumptions;
use portolan_core::entry::EntryPath;
use portolan_core::entry::request::{At, Request};
use portolan_core::peer::Verdict;
use portolan_core::snapshot::Change;
use portolan_tests::fixture;

/// A request that a way takes, made from its title; `None` where headers or expressions are asked for, or it is not about HTTP.
fn request_for(path: &EntryPath) -> Option<Request> {
    let title = path.title.strip_suffix(" (no rule matches)").unwrap_or(&path.title);
    if !title.starts_with("http") || title.contains(" (") || title.contains('~') {
        return None;
    }
    let (scheme, rest) = title.split_once("://")?;
    let rest = rest.strip_prefix("*.").map_or_else(|| rest.to_owned(), |rest| format!("some.{rest}"));
    let rest = rest.strip_prefix('*').map_or_else(|| rest.clone(), |rest| format!("any.invalid{rest}"));
    Request::of_url(&format!("{scheme}://{}", rest.trim_end_matches('*'))).ok()
}

/// How many ways were compared; panics where a request for one gets something else.
fn compare(analysis: &Analysis, name: &str) -> usize {
    let mut n_compared = 0;
    let mut ids = std::collections::BTreeSet::new();
    for path in analysis.entry_paths() {
        assert!(ids.insert(path.id.as_str()), "{name}: two ways in are called {}", path.id);
        let Some(request) = request_for(path) else { continue };
        n_compared += 1;
        let answers = analysis.request(&request, &At::Any);
        let shown = || format!("{name}: {} ({}) is {}, and the request gets {answers:#?}", path.title, path.id, path.verdict);
        assert!(!answers.is_empty(), "{}", shown());
        let own = answers.iter().find(|answer| answer.path_id == path.id);
        let is_shared = path.percent < 100
            && answers
                .iter()
                .any(|answer| answer.rule.as_ref().is_some_and(|rule| rule.object == path.object && rule.pointer == path.pointer));
        match (path.verdict, own) {
            // A default backend is for what no rule takes: a rule of another Ingress may take what this request asks for.
            _ if path.title.ends_with("(no rule matches)") && own.is_none() => {}
            (Verdict::Denied, Some(own)) => assert_ne!(own.verdict, Verdict::Allowed, "{}", shown()),
            (Verdict::Denied, None) => {
                let is_taken = answers.iter().any(|answer| answer.verdict == Verdict::Allowed && answer.rule.is_some());
                let is_told = answers.iter().any(|answer| !answer.passed_over.is_empty());
                assert!(is_taken || is_told || is_shared, "{}", shown());
            }
            (_, Some(own)) if path.percent == 100 => assert_ne!(own.verdict, Verdict::Denied, "{}", shown()),
            (_, Some(_)) => {}
            // What is not certain may be somebody else's.
            (Verdict::Depends, None) => {}
            (Verdict::Allowed, None) => {
                assert!(is_shared || answers.iter().any(|answer| answer.verdict == Verdict::Depends), "{}", shown());
            }
        }
    }
    n_compared
}

#[test]
fn the_request_of_a_way_in_gets_that_way_in_the_demos() {
    for demo in Demo::ALL {
        let mut host = Host::new(Assumptions::default(), false);
        host.apply(demo.objects().iter().map(Change::apply));
        let n = compare(&host.analysis(), demo.folder());
        let least = match demo {
            Demo::Shop | Demo::Ferry => 10,
            Demo::Clinic => 1,
            // Its one way in is below HTTP.
            Demo::Bank => 0,
        };
        assert!(n >= least, "{}: only {n} ways were compared", demo.folder());
    }
}

#[test]
fn the_request_of_a_way_in_gets_that_way_in_gateway_apis_conformance_manifests() {
    let Some(root) = fixture::shared("oracles/gateway-api") else { return };
    let read = |path: &Path| fixture::documents(&std::fs::read_to_string(path).expect("a readable file"));
    let base = read(&root.join("base/manifests.yaml"));
    let mut n = 0;
    let mut files: Vec<_> = std::fs::read_dir(root.join("tests")).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files {
        let mut objects = base.clone();
        objects.extend(read(&file));
        n += compare(&fixture::analysis(&objects, Assumptions::default()), &file.display().to_string());
    }
    assert!(n > 100, "only {n} ways were compared");
}

#[test]
fn the_request_of_a_way_in_gets_that_way_in_netpol_analyzers_folders() {
    let Some(root) = fixture::shared("oracles/netpol-analyzer/tests") else { return };
    let mut folders: Vec<_> = std::fs::read_dir(root).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let n: usize = folders
        .iter()
        .map(|folder| compare(&fixture::analysis(&fixture::folder(folder), Assumptions::default()), &folder.display().to_string()))
        .sum();
    assert!(n > 20, "only {n} ways were compared");
}
