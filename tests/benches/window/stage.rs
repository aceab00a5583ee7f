//! A window without a display: frames are run and turned into triangles, as they would be for a screen, and timed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpu_time::ThreadTime;
use eframe::App as _;
use egui::{Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Vec2, vec2};
use portolan::command::Command;
use portolan::session::Session;
use portolan::view_model::{ContextRow, Freshness, View};
use portolan::window::{Backend, Window};
use portolan_core::assumptions::Settled;
use portolan_core::snapshot::Change;

/// What the window talks to: a session that answers between frames, so that frames alone are timed.
#[derive(Clone)]
struct Desk {
    view: Arc<Mutex<Arc<View>>>,
    asked: Arc<Mutex<Vec<Command>>>,
}

impl Backend for Desk {
    fn view(&mut self) -> Arc<View> {
        self.view.lock().map(|view| Arc::clone(&view)).unwrap_or_default()
    }

    fn send(&mut self, command: Command) {
        if let Ok(mut asked) = self.asked.lock() {
            asked.push(command);
        }
    }

    fn contexts(&self) -> Vec<ContextRow> {
        Vec::new()
    }
}

/// What answers: by itself between frames, or beside them on a thread of its own.
pub(crate) struct Engine {
    session: Session,
    desk: Desk,
    /// What was shown before: dropped here, as the worker does it.
    retired: Vec<Arc<View>>,
}

impl Engine {
    fn new(session: Session, desk: Desk) -> Self {
        Self { session, desk, retired: Vec::new() }
    }

    /// Does what was asked for since, and shows the answer.
    fn answer(&mut self) {
        let asked = self.desk.asked.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default();
        for command in asked {
            self.session.execute(command);
        }
        self.publish();
    }

    /// Something happens to the cluster.
    pub(crate) fn happen(&mut self, changes: Vec<Change>) {
        self.session.apply(changes);
    }

    /// Shows what there is now.
    pub(crate) fn publish(&mut self) {
        if let Some(view) = self.session.view_unless(&|| false)
            && let Ok(mut shown) = self.desk.view.lock()
        {
            let before = std::mem::replace(&mut *shown, Arc::new(view));
            drop(shown);
            self.retired.retain(|view| Arc::strong_count(view) > 1);
            self.retired.push(before);
        }
    }
}

/// A window on a cluster.
pub(crate) struct Stage {
    ctx: egui::Context,
    window: Window,
    frame: eframe::Frame,
    desk: Desk,
    /// What answers; not here while it streams on a thread of its own.
    pub(crate) engine: Option<Engine>,
    size: Vec2,
    time: f64,
    events: Vec<Event>,
    /// When the window wants its next frame, as it said in its last.
    pub(crate) next: Duration,
}

impl Stage {
    /// A window of 1,920 by 1,080 on what is listed.
    pub(crate) fn open(changes: Vec<Change>) -> Self {
        let mut session = Session::new(Settled::default());
        session.open("generated".to_owned(), false, Freshness::Static);
        session.apply(changes);
        let desk = Desk { view: Arc::default(), asked: Arc::default() };
        let ctx = egui::Context::default();
        ctx.set_theme(egui::ThemePreference::Dark);
        let window = Window::new(&ctx, Box::new(desk.clone()));
        let frame = eframe::Frame::_new_kittest();
        let engine = Some(Engine::new(session, desk.clone()));
        let (size, time) = (vec2(1920.0, 1080.0), 0.0);
        let mut stage = Self { ctx, window, frame, desk, engine, size, time, events: Vec::new(), next: Duration::ZERO };
        stage.answer();
        stage.settle();
        stage
    }

    /// A window on something that answers by itself.
    pub(crate) fn on(backend: Box<dyn Backend>) -> Self {
        let ctx = egui::Context::default();
        let window = Window::new(&ctx, backend);
        let frame = eframe::Frame::_new_kittest();
        let desk = Desk { view: Arc::default(), asked: Arc::default() };
        let size = vec2(1920.0, 1080.0);
        Self { ctx, window, frame, desk, engine: None, size, time: 0.0, events: Vec::new(), next: Duration::ZERO }
    }

    fn answer(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.answer();
        }
    }

    /// The view that is shown.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(self.window.view())
    }

    /// Whether there is another view than the one that is shown.
    pub(crate) fn has_news(&self) -> bool {
        self.desk.view.lock().is_ok_and(|view| !Arc::ptr_eq(&view, self.window.view()))
    }

    /// Does something, and lets the window come to rest.
    pub(crate) fn execute(&mut self, command: Command) {
        if let Some(engine) = &mut self.engine {
            engine.session.execute(command);
            engine.publish();
        }
        self.settle();
    }

    /// Runs frames until none is asked for.
    pub(crate) fn settle(&mut self) {
        for _ in 0..400 {
            self.frame();
            let has_asked = self.desk.asked.lock().is_ok_and(|asked| !asked.is_empty());
            if has_asked {
                self.answer();
            } else if self.next > Duration::from_secs(1) {
                if !self.window.is_laying_out() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// What happens before the next frame.
    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Moves the pointer.
    pub(crate) fn point(&mut self, at: Pos2) {
        self.event(Event::PointerMoved(at));
    }

    /// Presses or releases the pointer's first button.
    pub(crate) fn button(&mut self, at: Pos2, pressed: bool) {
        self.event(Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE });
    }

    /// Runs a frame and turns it into triangles; the seconds that this took on a processor.
    pub(crate) fn frame(&mut self) -> f64 {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time),
            predicted_dt: 1.0 / 60.0,
            focused: true,
            events: std::mem::take(&mut self.events),
            ..RawInput::default()
        };
        let Self { window, frame, ctx, .. } = self;
        let started = ThreadTime::now();
        window.logic(ctx, frame);
        let mut output = ctx.run_ui(input, |ui| window.ui(ui, frame));
        let triangles = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let seconds = started.elapsed().as_secs_f64();
        std::hint::black_box(&triangles);
        self.next = output.viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap_or(Duration::MAX);
        output.drop_without_applying_deltas();
        seconds
    }
}
