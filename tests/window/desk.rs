//! The real window on the real worker, with hands and eyes: it clicks and types what a person would, and waits for what they would see.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, TouchPhase};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node};
use portolan::map::model::Tone;
use portolan::panels::dialogs::{Done, FileDialogs};
use portolan::view_model::{ConnectionRow, View};
use portolan::window::Window;
use portolan::worker::{Opening, Sources, Worker};
use portolan_core::assumptions::Settled;

/// How long the worker may take for anything. Nobody waits this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name of the editor's text field.
pub const EDITOR: &str = "YAML of the object";

/// A system without file dialogs.
struct NoDialogs;

impl FileDialogs for NoDialogs {
    fn save_file(&self, _suggested: &str, done: Done<PathBuf>) {
        done(None);
    }

    fn pick_folder(&self, done: Done<PathBuf>) {
        done(None);
    }

    fn pick_files(&self, done: Done<Vec<PathBuf>>) {
        done(None);
    }
}

/// A person at the window.
pub struct Desk {
    pub harness: Harness<'static, Window>,
}

impl Desk {
    /// Opens the demo and waits for it.
    pub fn demo() -> Self {
        let mut desk = Self::open(Opening::Demo(portolan::source::demo::Demo::Shop));
        desk.until_view("the demo is there", |view| view.namespaces.len() == 10);
        desk
    }

    /// Opens a source that needs no kubeconfig.
    pub fn open(opening: Opening) -> Self {
        Self::open_with(Sources::new(Vec::new(), Some(PathBuf::from("no-such-kubeconfig"))), opening)
    }

    pub fn open_with(sources: Sources, opening: Opening) -> Self {
        let builder = Harness::builder().with_size([1440.0, 900.0]).with_max_steps(12);
        let harness = builder.build_eframe(move |cc| {
            let ctx = cc.egui_ctx.clone();
            let worker = Worker::start(Settled::default(), sources, opening, move || ctx.request_repaint()).unwrap();
            Window::with_dialogs(&cc.egui_ctx, Box::new(worker), Box::new(NoDialogs))
        });
        Self { harness }
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(self.harness.state().view())
    }

    /// Draws frames until something holds, and then until nothing moves any more.
    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.harness.step();
            if holds(self) {
                break;
            }
            assert!(Instant::now() < deadline, "not so after {PATIENCE:?}: {what}; the status says {:?}", self.view().status);
            std::thread::sleep(Duration::from_millis(2));
        }
        self.harness.run();
    }

    #[track_caller]
    pub fn until_view(&mut self, what: &str, holds: impl Fn(&View) -> bool) {
        self.until(what, |desk| holds(&desk.view()));
    }

    /// Waits until something of this name can be found.
    #[track_caller]
    pub fn until_seen(&mut self, label: &str) {
        self.until(&format!("{label:?} is shown"), |desk| desk.sees(label));
    }

    pub fn sees(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    pub fn sees_part(&self, part: &str) -> bool {
        self.harness.query_all_by_label_contains(part).next().is_some()
    }

    #[track_caller]
    pub fn must_see(&self, label: &str) {
        assert!(self.sees(label), "{label:?} is not shown; shown are {:#?}", self.labels());
    }

    /// Every name in the window, in the order in which AccessKit has them.
    pub fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        visit(self.harness.root(), &mut |node| labels.extend(name_of(node)));
        labels
    }

    #[track_caller]
    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    #[track_caller]
    pub fn click_part(&mut self, part: &str) {
        self.harness.get_by_label_contains(part).click();
        self.harness.run();
    }

    /// Unfolds the sketch, where it is folded.
    pub fn unfold_sketch(&mut self) {
        if self.sees("Show the sketch") {
            self.click("Show the sketch");
        }
    }

    /// Unfolds a row of the tree by keyboard.
    #[track_caller]
    pub fn unfold(&mut self, part: &str) {
        self.harness.get_by_label_contains(part).focus();
        self.harness.run();
        self.press(Key::ArrowRight);
    }

    /// Turns the wheel over a row until another one comes into sight.
    #[track_caller]
    pub fn scroll_until_seen(&mut self, over: &str, label: &str) {
        self.scroll(over, label, -120.0);
    }

    /// The same, upwards.
    #[track_caller]
    pub fn scroll_up_until_seen(&mut self, over: &str, label: &str) {
        self.scroll(over, label, 120.0);
    }

    /// Turns the wheel over a row.
    #[track_caller]
    pub fn wheel_over(&mut self, label: &str, by: f32) {
        let at = self.harness.get_by_label(label).rect().center();
        self.harness.hover_at(at);
        self.turn(by);
    }

    fn turn(&mut self, by: f32) {
        let delta = egui::vec2(0.0, by);
        self.harness.event(Event::MouseWheel { unit: MouseWheelUnit::Point, delta, phase: TouchPhase::Move, modifiers: Modifiers::NONE });
        self.harness.run();
    }

    #[track_caller]
    fn scroll(&mut self, over: &str, label: &str, by: f32) {
        let at = self.harness.get_by_label(over).rect().center();
        self.harness.hover_at(at);
        for _ in 0..200 {
            if self.sees(label) {
                return;
            }
            self.turn(by);
        }
        panic!("{label:?} does not come into sight: {:#?}", self.labels());
    }

    pub fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run();
    }

    /// Selects a thing through the search field, by the words and the key that a person uses.
    #[track_caller]
    pub fn search(&mut self, text: &str, id: &str) {
        self.type_query(text);
        self.press(Key::Enter);
        self.until_selected(id);
    }

    /// Types a text into the search field, and waits for all that is found.
    pub fn type_query(&mut self, text: &str) {
        self.harness.event(Event::Text("/".to_owned()));
        self.harness.run();
        self.harness.get_by_label("Search").type_text(text);
        self.harness.run();
    }

    #[track_caller]
    pub fn until_selected(&mut self, id: &str) {
        self.until_view(&format!("{id} is selected"), |view| view.inspector.as_ref().is_some_and(|inspector| inspector.id == id));
    }

    /// The row of the inspector's destinations with this title.
    #[track_caller]
    pub fn destination(&self, title: &str) -> ConnectionRow {
        let view = self.view();
        let rows = &view.inspector.as_ref().expect("something is selected").destinations;
        rows.iter().find(|row| row.title == title).unwrap_or_else(|| panic!("{title:?} is not among {rows:#?}")).clone()
    }

    /// The text in the editor as it is shown.
    #[track_caller]
    pub fn text(&self) -> String {
        self.harness.get_by_label(EDITOR).value().unwrap_or_default()
    }

    /// Replaces the text in the editor, as a person who pastes over everything does.
    #[track_caller]
    pub fn replace_text(&mut self, text: &str) {
        self.harness.get_by_label(EDITOR).focus();
        self.harness.run();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.event(Event::Paste(text.to_owned()));
        self.harness.run();
        assert_eq!(self.text(), text, "the text is in the editor");
    }

    /// Leaves the text field, so that keys go to the window.
    pub fn leave_editor(&mut self) {
        self.press(Key::Escape);
        assert!(!self.harness.get_by_label(EDITOR).is_focused(), "Esc leaves the editor");
    }

    /// The delay until the next frame that the window asked for itself.
    pub fn next_frame(&self) -> Duration {
        self.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay
    }

    /// Whether the map has an edge of this tone from and to these nodes.
    pub fn has_edge(&self, from: &str, to: &str, tone: Tone) -> bool {
        self.view().map.edges.iter().any(|edge| edge.from == from && edge.to == to && edge.tone == tone)
    }
}

/// What a screen reader says of a node.
pub fn name_of(node: &Node<'_>) -> Option<String> {
    // A label is its own value.
    let node = node.accesskit_node();
    node.label().or_else(|| (node.role() == Role::Label).then(|| node.value()).flatten())
}

/// Visits every node of the AccessKit tree.
pub fn visit<'tree>(node: Node<'tree>, look: &mut impl FnMut(&Node<'tree>)) {
    look(&node);
    for child in node.children() {
        visit(child, look);
    }
}
