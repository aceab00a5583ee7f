//! One process for each size of a shape, watched: it tells what it begins and what came of it, and is ended where it takes too much.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use portolan_tests::generator::Shape;

use super::cases::CASES;
use super::measure::Measured;
use super::{SLOW_SECONDS, say};

const ORDER: &str = "PORTOLAN_BENCH_ORDER";

/// What a process shall measure.
pub(crate) struct Order {
    /// The shape.
    pub(crate) shape: Shape,
    /// Its size.
    pub(crate) pods: usize,
    /// The places of the cases.
    pub(crate) cases: BTreeSet<usize>,
}

/// What a process may take.
pub(crate) struct Limit {
    /// For a case.
    pub(crate) seconds: usize,
    /// For all of it.
    pub(crate) megabytes: usize,
}

/// The order that this process was started with, if it was.
pub(crate) fn order() -> Option<Order> {
    let text = std::env::var(ORDER).ok()?;
    let mut words = text.split(' ');
    let shape = Shape::from_str(words.next()?, true).ok()?;
    let pods = words.next()?.parse().ok()?;
    Some(Order { shape, pods, cases: words.filter_map(|word| word.parse().ok()).collect() })
}

/// Measures a size of a shape and prints the table. `slow` holds the cases that are not to be tried, and is added to.
pub(crate) fn run(shape: Shape, pods: usize, limit: &Limit, slow: &mut BTreeSet<usize>) {
    let mut cases: BTreeSet<usize> = (0..CASES.len()).filter(|case| !slow.contains(case)).collect();
    let skipped: Vec<&str> = slow.iter().map(|case| CASES[*case].0).collect();
    let (mut has_heading, mut notes) = (false, Vec::new());
    while !cases.is_empty() {
        let words: String = cases.iter().map(|case| format!(" {case}")).collect();
        let program = std::env::current_exe().expect("this program");
        let order = format!("{} {pods}{words}", shape.name());
        let process = Command::new(program).env(ORDER, order).stdout(Stdio::piped()).spawn().expect("a process");
        let mut row = |case: usize, cells: &str| {
            if !has_heading {
                say(
                    "\n| case | median | fastest | processor | runs | heap at most | heap kept | kept a pod |\n|---|---|---|---|---|---|---|---|",
                );
                has_heading = true;
            }
            say(&format!("| {} | {cells} |", CASES[case].0));
        };
        let mut done = |case: usize, measured: &Measured| {
            row(case, &measured.cells(pods));
            cases.remove(&case);
            if measured.median > SLOW_SECONDS {
                slow.insert(case);
            }
        };
        let Some((case, why)) = watch(process, limit, &mut notes, &mut done) else { break };
        let Some(case) = case else {
            say(&format!("the cluster was not set up: {why}"));
            break;
        };
        row(case, &format!("{why} | | | | | |"));
        slow.insert(case);
        cases.remove(&case);
        // Without a cold start there is nothing to ask.
        if case == 0 {
            slow.extend(cases.iter().copied());
            break;
        }
    }
    if !notes.is_empty() {
        say(&format!("\n{}.", notes.join("; ")));
    }
    if !skipped.is_empty() {
        say(&format!("\nNot tried, for a smaller cluster took too long: {}.", skipped.join(", ")));
    }
}

/// Listens to a process to its end. Returns the case at which it was ended, if it was, and why.
fn watch(
    mut process: Child,
    limit: &Limit,
    notes: &mut Vec<String>,
    done: &mut dyn FnMut(usize, &Measured),
) -> Option<(Option<usize>, String)> {
    let (sender, receiver) = channel();
    let out = process.stdout.take().expect("piped");
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let (mut current, mut since) = (None, Instant::now());
    let why = loop {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                since = Instant::now();
                if let Some(begun) = line.strip_prefix("begin ") {
                    current = begun.parse().ok();
                } else if let Some(measured) = line.strip_prefix("end ").and_then(Measured::of_line) {
                    if let Some(case) = current.take() {
                        done(case, &measured);
                    }
                } else if let Some(note) = line.strip_prefix("note ") {
                    notes.push(note.to_owned());
                } else {
                    say(&line);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = process.wait().expect("a status");
                return (!status.success()).then(|| (current, format!("ended with {status}")));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if since.elapsed() > Duration::from_secs(limit.seconds as u64) {
            break format!("> {} s", limit.seconds);
        }
        if megabytes(process.id()) > limit.megabytes {
            break format!("> {} MB", limit.megabytes);
        }
    };
    let _ = process.kill();
    let _ = process.wait();
    Some((current, why))
}

/// The memory of a process, where the system tells.
fn megabytes(process: u32) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or_default() * 4_096 / 1_000_000
}
