//! How long the engine takes, and how much it keeps: shape by shape, size by size. `cargo bench -p portolan-tests`
//!
//! Each size of a shape runs in a process of its own, which is ended when a case takes too long or too much memory; what took long is not
//! tried at larger sizes. Set by the environment:
//!
//! - `PORTOLAN_BENCH_SHAPES=real-cluster,kube-burner`: all, where it is not set;
//! - `PORTOLAN_BENCH_SIZES=100,1000`: pods; 100, 1,000 and 10,000, and 100,000 of `real-cluster`, where it is not set;
//! - `PORTOLAN_BENCH_LIMIT=60`: seconds for a case;
//! - `PORTOLAN_BENCH_MEMORY=8000`: megabytes for a process.

mod cases;
mod guard;
mod measure;

use std::collections::BTreeSet;
use std::io::Write as _;

use portolan_tests::generator::Shape;

/// After a case took so long, it is not tried at larger sizes.
const SLOW_SECONDS: f64 = 20.0;

#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// One line of text, out at once.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

fn numbers(variable: &str) -> Option<Vec<usize>> {
    std::env::var(variable).ok()?.split(',').map(|text| text.trim().parse().ok()).collect()
}

fn main() {
    if let Some(order) = guard::order() {
        cases::run(&order);
        return;
    }
    let named = std::env::var("PORTOLAN_BENCH_SHAPES").unwrap_or_default();
    let limit = guard::Limit {
        seconds: numbers("PORTOLAN_BENCH_LIMIT").and_then(|list| list.first().copied()).unwrap_or(60),
        megabytes: numbers("PORTOLAN_BENCH_MEMORY").and_then(|list| list.first().copied()).unwrap_or(8_000),
    };
    for shape in Shape::ALL.into_iter().filter(|shape| named.is_empty() || named.split(',').any(|name| name.trim() == shape.name())) {
        let largest: &[usize] = if shape == Shape::RealCluster { &[100_000] } else { &[] };
        let sizes = numbers("PORTOLAN_BENCH_SIZES").unwrap_or_else(|| [&[100, 1_000, 10_000], largest].concat());
        let mut slow = BTreeSet::new();
        for pods in sizes {
            say(&format!("\n## {} {pods}\n", shape.name()));
            guard::run(shape, pods, &limit, &mut slow);
        }
    }
}
