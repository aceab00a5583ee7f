//! What a frame of the window costs, and what stands before it: `cargo bench -p portolan-tests --bench window`
//!
//! A frame is egui's run and its turning into triangles, in time on a processor of the window's thread; there is no graphics card in it. Every
//! frame of a case really draws: something moves in each. Beside it stands what egui_graphs draws by itself with as many nodes as pods.
//! Set by the environment: `PORTOLAN_BENCH_SIZES=200,1000` for other sizes than 200, 1,000, 5,000, 10,000 and 100,000 pods;
//! `PORTOLAN_BENCH_FRAMES=240` for another number of frames a case; `PORTOLAN_BENCH_CASES=overview;streaming` for these only.

mod stage;
mod stock;
mod views;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use egui::{Event, MouseWheelUnit, TouchPhase, pos2, vec2};
use portolan::command::Command;
use portolan::map::layout::lay_out;
use portolan::map::measure::TextWidths;
use portolan::map::model::{MapModel, NodeKind};
use portolan::worker::{Opening, Sources, Worker, gathering};
use portolan_core::assumptions::Settled;
use portolan_tests::generator::{Churn, Cluster, Event as Happening, Shape};
use stage::Stage;

// As the program has it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(target_env = "msvc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

fn numbers(variable: &str) -> Option<Vec<usize>> {
    std::env::var(variable).ok()?.split(',').map(|text| text.trim().parse().ok()).collect()
}

/// The middle, the second worst in a hundred, and the worst, in milliseconds.
fn middle_and_worst(mut seconds: Vec<f64>) -> (f64, f64, f64) {
    seconds.sort_by(f64::total_cmp);
    let at = |part: usize| seconds.get((seconds.len() * part / 100).min(seconds.len().saturating_sub(1))).map_or(0.0, |s| s * 1e3);
    (at(50), at(99), at(100))
}

fn row(case: &str, seconds: Vec<f64>, stock: f64) -> f64 {
    if seconds.is_empty() {
        return 0.0;
    }
    let n = seconds.len();
    let (median, late, worst) = middle_and_worst(seconds);
    say(&format!("| {case} | {n} | {median:.2} | {late:.2} | {worst:.2} | {:.0} |", stock / median.max(1e-6)));
    median
}

fn is_asked_for(case: &str) -> bool {
    std::env::var("PORTOLAN_BENCH_CASES").map_or(true, |cases| cases.split(';').any(|other| other == case))
}

/// What moves in each frame of a case.
#[derive(Clone, Copy)]
enum Motion {
    /// The pointer, where nothing is.
    Beside,
    /// The pointer, over nodes and edges.
    Hover,
    /// The picture.
    Pan,
    /// The picture's size.
    Zoom,
}

/// The frames of a case; none where other cases are asked for.
fn frames(stage: &mut Stage, case: &str, motion: Motion, n: usize) -> Vec<f64> {
    if !is_asked_for(case) {
        return Vec::new();
    }
    let middle = pos2(900.0, 450.0);
    let mut seconds = Vec::with_capacity(n);
    if matches!(motion, Motion::Pan) {
        stage.point(middle);
        stage.frame();
        stage.button(middle, true);
        stage.frame();
    }
    for at in 0..n {
        let turn = at as f32;
        match motion {
            Motion::Beside => stage.point(pos2(240.0 + turn % 2.0, 845.0)),
            Motion::Hover => stage.point(pos2(260.0 + (turn * 37.0) % 1280.0, 100.0 + (turn * 23.0) % 700.0)),
            Motion::Pan => stage.point(middle + vec2((turn / 15.0).sin() * 300.0, (turn / 11.0).cos() * 200.0)),
            Motion::Zoom => {
                stage.point(middle);
                let delta = vec2(0.0, if (at / 20) % 2 == 0 { -12.0 } else { 12.0 });
                let (unit, phase) = (MouseWheelUnit::Point, TouchPhase::Move);
                stage.event(Event::MouseWheel { unit, delta, phase, modifiers: egui::Modifiers::NONE });
            }
        }
        seconds.push(stage.frame());
    }
    if matches!(motion, Motion::Pan) {
        stage.button(middle, false);
    }
    stage.settle();
    seconds
}

/// Frames while a hundred changes a second stream in for some seconds and are answered beside them. As the program does, changes are
/// gathered between answers, and frames are drawn when an answer comes and as long as something moves then. Returns what each cost, and how many answers came.
fn streaming(stage: &mut Stage, churn: &mut Churn, seconds: u64) -> (Vec<f64>, usize) {
    let small = [Happening::PodAdded, Happening::PodChanged, Happening::PodRemoved, Happening::PolicyChanged];
    let Some(mut engine) = stage.engine.take() else { return (Vec::new(), 0) };
    let is_over = AtomicBool::new(false);
    let (mut costs, mut n_shown) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let answering = scope.spawn(|| {
            let (started, mut n_changes) = (Instant::now(), 0);
            while !is_over.load(Ordering::SeqCst) {
                let due = (started.elapsed().as_secs_f64() * 100.0) as usize;
                let changes: Vec<_> = (n_changes..due).flat_map(|change| churn.happen(small[change % small.len()])).collect();
                n_changes = due;
                if changes.is_empty() {
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
                let begun = Instant::now();
                engine.happen(changes);
                engine.publish();
                std::thread::sleep(gathering(begun.elapsed()));
            }
            engine
        });
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            let is_new = stage.has_news();
            n_shown += usize::from(is_new);
            if is_new || stage.next < Duration::from_secs(1) {
                costs.push(stage.frame());
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        is_over.store(true, Ordering::SeqCst);
        stage.engine = answering.join().ok();
    });
    stage.settle();
    (costs, n_shown)
}

fn layout(model: &MapModel) {
    let mut widths = TextWidths::without_window();
    let mut laid = lay_out(model, None, &mut |text, face| widths.width(text, face));
    let mut timed = |name: &str, changed: bool| {
        let mut model = model.clone();
        let mut seconds = Vec::new();
        for at in 0..30 {
            if changed && let Some(node) = model.nodes.iter_mut().find(|node| node.n_pods > 0) {
                node.fact = format!("{at} workloads, {} pods", node.n_pods + at);
            }
            let started = Instant::now();
            let next = lay_out(&model, changed.then_some(&laid), &mut |text, face| widths.width(text, face));
            seconds.push(started.elapsed().as_secs_f64());
            laid = next;
        }
        let (median, _, worst) = middle_and_worst(seconds);
        say(&format!("{name}: {median:.2} ms, at worst {worst:.2} ms"));
    };
    timed("layout, cold", false);
    timed("layout, one fact changed", true);
}

fn size(pods: usize, n_frames: usize) {
    say(&format!("\n## {pods} pods\n"));
    let stock_frames = if pods >= 50_000 { 8 } else { 40 };
    let stock = middle_and_worst(stock::frames(pods, stock_frames)).0;
    say(&format!("egui_graphs' own view of {pods} nodes: {stock:.2} ms\n"));
    let cluster: Cluster = Shape::RealCluster.generate(pods, 1);
    if is_asked_for("views") {
        views::views(&cluster);
    }
    let started = Instant::now();
    let mut stage = Stage::open(cluster.changes());
    let view = stage.view();
    say(&format!(
        "loaded and drawn in {:.2} s: {} nodes, {} edges",
        started.elapsed().as_secs_f64(),
        view.map.nodes.len(),
        view.map.edges.len()
    ));
    layout(&view.map);
    say("\n| case | frames | median ms | 99 % ms | worst ms | egui_graphs / ours |");
    say("|---|---|---|---|---|---|");
    let mut replayed = Vec::new();
    for _ in 0..n_frames {
        replayed.push(stage.frame());
    }
    row("nothing changes", replayed, stock);
    row("overview", frames(&mut stage, "overview", Motion::Beside, n_frames), stock);
    row("overview, hovering", frames(&mut stage, "overview, hovering", Motion::Hover, n_frames), stock);
    row("overview, panning", frames(&mut stage, "overview, panning", Motion::Pan, n_frames), stock);
    row("overview, zooming", frames(&mut stage, "overview, zooming", Motion::Zoom, n_frames), stock);
    // The namespace with the most workloads.
    let largest = view.namespaces.iter().max_by_key(|row| row.workloads.len());
    if let Some(namespace) = largest {
        stage.execute(Command::Select(Some(namespace.id.clone())));
        if !namespace.unfolded {
            stage.execute(Command::ToggleFold(namespace.id.clone()));
        }
        row("a namespace", frames(&mut stage, "a namespace", Motion::Beside, n_frames), stock);
        row("a namespace, panning", frames(&mut stage, "a namespace, panning", Motion::Pan, n_frames), stock);
        if let Some(workload) = namespace.workloads.first() {
            stage.execute(Command::Select(Some(workload.id.clone())));
            row("a selection", frames(&mut stage, "a selection", Motion::Beside, n_frames), stock);
            row("a selection, hovering", frames(&mut stage, "a selection, hovering", Motion::Hover, n_frames), stock);
            row("a selection, panning", frames(&mut stage, "a selection, panning", Motion::Pan, n_frames), stock);
        }
    }
    if is_asked_for("streaming") {
        let (seconds, n_shown) = streaming(&mut stage, &mut Churn::new(cluster, 7), 20);
        row(&format!("streaming, {n_shown} answers"), seconds, stock);
    }
    let kinds = NodeKind::ALL.iter().filter(|kind| view.map.nodes.iter().any(|node| node.kind == **kind)).count();
    say(&format!("\n{kinds} kinds of nodes"));
}

/// How long the window's first frame is in coming, and how many frames it wants in ten seconds in which nothing happens.
fn first_and_idle() {
    let started = Instant::now();
    let woken = Arc::new(AtomicUsize::new(0));
    let wake = Arc::clone(&woken);
    let opening = Opening::Demo(portolan::source::demo::Demo::Shop);
    let Ok(worker) = Worker::start(Settled::default(), Sources::default(), opening, move || {
        wake.fetch_add(1, Ordering::SeqCst);
    }) else {
        return;
    };
    let mut stage = Stage::on(Box::new(worker));
    stage.frame();
    let first = started.elapsed();
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        if woken.swap(0, Ordering::SeqCst) > 0 || stage.next < Duration::from_secs(1) {
            stage.frame();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let (mut n_idle, until) = (0, Instant::now() + Duration::from_secs(10));
    while Instant::now() < until {
        if woken.swap(0, Ordering::SeqCst) > 0 || stage.next < Duration::from_secs(10) {
            stage.frame();
            n_idle += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    say(&format!(
        "first frame after the worker's start: {:.0} ms; frames in 10 s in which nothing happens: {n_idle}",
        first.as_secs_f64() * 1e3
    ));
}

fn main() {
    let n_frames = numbers("PORTOLAN_BENCH_FRAMES").and_then(|list| list.first().copied()).unwrap_or(240);
    if is_asked_for("idle") {
        first_and_idle();
    }
    for pods in numbers("PORTOLAN_BENCH_SIZES").unwrap_or_else(|| vec![200, 1_000, 5_000, 10_000, 100_000]) {
        size(pods, n_frames);
    }
}
