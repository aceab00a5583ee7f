//! Measuring one case: time over repetitions, heap over the first of them.

use std::time::{Duration, Instant};

use super::HEAP;

/// Repetitions stop after this time, or this number.
const ENOUGH: Duration = Duration::from_millis(1_500);
const MOST_RUNS: usize = 101;

/// What came of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Measured {
    /// Seconds, in the middle of all runs.
    pub(crate) median: f64,
    /// Seconds of the fastest run.
    pub(crate) fastest: f64,
    /// Seconds on a processor in the middle of all runs, which differs from the clock's on a busy machine.
    pub(crate) processor: f64,
    /// How many runs there were.
    pub(crate) runs: usize,
    /// Bytes on the heap at the most, beyond what was there before.
    pub(crate) peak: usize,
    /// Bytes that the result holds.
    pub(crate) retained: usize,
}

/// Seconds that this thread has been on a processor, where the system tells.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// Measures `work` on what `prepare` makes, which is not counted; nor is dropping.
pub(crate) fn measure<P, R>(mut prepare: impl FnMut() -> P, mut work: impl FnMut(&mut P) -> R) -> Measured {
    let (mut clock, mut on_processor) = (Vec::new(), Vec::new());
    let mut measured = Measured::default();
    let begin = Instant::now();
    while clock.is_empty() || (begin.elapsed() < ENOUGH && clock.len() < MOST_RUNS) {
        let mut prepared = prepare();
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let (started, on) = (Instant::now(), processor());
        let result = work(&mut prepared);
        clock.push(started.elapsed().as_secs_f64());
        on_processor.push(processor() - on);
        if clock.len() == 1 {
            measured.peak = HEAP.peak_usage().saturating_sub(before);
            measured.retained = HEAP.current_usage().saturating_sub(before);
        }
        drop(std::hint::black_box(result));
    }
    measured.runs = clock.len();
    clock.sort_by(f64::total_cmp);
    on_processor.sort_by(f64::total_cmp);
    (measured.median, measured.fastest, measured.processor) = (clock[clock.len() / 2], clock[0], on_processor[on_processor.len() / 2]);
    measured
}

impl Measured {
    /// The numbers as a line, for the process that listens.
    pub(crate) fn to_line(&self) -> String {
        let Self { median, fastest, processor, runs, peak, retained } = self;
        format!("{median} {fastest} {processor} {runs} {peak} {retained}")
    }

    /// Reads a line of [`Measured::to_line`].
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            median: words.next()?.parse().ok()?,
            fastest: words.next()?.parse().ok()?,
            processor: words.next()?.parse().ok()?,
            runs: words.next()?.parse().ok()?,
            peak: words.next()?.parse().ok()?,
            retained: words.next()?.parse().ok()?,
        })
    }

    /// The cells of a table.
    pub(crate) fn cells(&self, pods: usize) -> String {
        let Self { median, fastest, runs, .. } = self;
        // The system counts in steps of some milliseconds.
        let processor = if *median < 0.02 { "–".to_owned() } else { seconds(self.processor) };
        let per_pod = self.retained / pods.max(1);
        let (peak, retained) = (bytes(self.peak), bytes(self.retained));
        format!("{} | {} | {processor} | {runs} | {peak} | {retained} | {per_pod} B", seconds(*median), seconds(*fastest))
    }
}

/// A time as people say it.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.1} s"),
        s if s >= 1e-2 => format!("{:.0} ms", s * 1e3),
        s if s >= 1e-3 => format!("{:.1} ms", s * 1e3),
        s if s >= 1e-5 => format!("{:.0} µs", s * 1e6),
        s => format!("{:.1} µs", s * 1e6),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn bytes(bytes: usize) -> String {
    match bytes as f64 {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e7 => format!("{:.0} MB", b / 1e6),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.0} kB", b / 1e3),
    }
}
