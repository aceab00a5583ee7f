//! Layouts of large models, made on a thread of their own while the picture before stays.
//!
//! Invariants:
//! - One layout is under way at most. Of the models that come meanwhile the newest is next, and the others are never laid out.
//! - What is taken out of use is dropped on the thread, too: a large picture takes as long to drop as to make.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use egui::{Context, Id};

use super::layout::{Layout, lay_out};
use super::measure::TextWidths;
use super::model::MapModel;
use super::scene::Scene;

/// From so many nodes and edges together on, a layout could be felt on the window's thread.
pub const LARGE: usize = 240;

/// What a layout is made from.
pub struct Draft {
    /// What is to be shown.
    pub model: Arc<MapModel>,
    /// What is shown now.
    pub before: Option<Arc<Layout>>,
    /// The ids of widgets are below this one.
    pub base: Id,
}

impl Draft {
    /// Lays it out.
    pub fn make(self, widths: &mut TextWidths) -> Scene {
        let layout = lay_out(&self.model, self.before.as_deref(), &mut |text, face| widths.width(text, face));
        Scene::new(self.model, Arc::new(layout), self.base)
    }
}

enum Job {
    Draft(Box<Draft>),
    Drop(Box<Scene>),
}

/// The thread, while there is need of one.
#[derive(Default)]
pub struct Drafter {
    thread: Option<(Sender<Job>, Receiver<Box<Scene>>)>,
    under_way: Option<Arc<MapModel>>,
}

impl Drafter {
    /// The model whose layout is under way.
    pub fn under_way(&self) -> Option<&Arc<MapModel>> {
        self.under_way.as_ref()
    }

    /// Begins a layout. Gives the draft back where the system gives no thread.
    pub fn begin(&mut self, ctx: &Context, draft: Draft) -> Option<Draft> {
        if self.thread.is_none() {
            self.thread = start(ctx.clone());
        }
        let Some((jobs, _)) = &self.thread else { return Some(draft) };
        let model = Arc::clone(&draft.model);
        match jobs.send(Job::Draft(Box::new(draft))) {
            Ok(()) => {
                self.under_way = Some(model);
                None
            }
            Err(error) => match error.0 {
                Job::Draft(draft) => Some(*draft),
                Job::Drop(_) => None,
            },
        }
    }

    /// What is finished, if something is.
    pub fn finished(&mut self) -> Option<Box<Scene>> {
        let (_, scenes) = self.thread.as_ref()?;
        match scenes.try_recv() {
            Ok(scene) => {
                self.under_way = None;
                Some(scene)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.thread = None;
                self.under_way = None;
                None
            }
        }
    }

    /// Drops a scene where nobody waits for it.
    pub fn retire(&self, scene: Box<Scene>) {
        if let Some((jobs, _)) = &self.thread {
            drop(jobs.send(Job::Drop(scene)));
        }
    }
}

fn start(ctx: Context) -> Option<(Sender<Job>, Receiver<Box<Scene>>)> {
    let (jobs, received) = channel::<Job>();
    let (finished, scenes) = channel();
    let run = move || {
        let mut widths = TextWidths::of(&ctx);
        for job in received {
            match job {
                Job::Draft(draft) => {
                    if finished.send(Box::new(draft.make(&mut widths))).is_err() {
                        return;
                    }
                    ctx.request_repaint();
                }
                Job::Drop(scene) => drop(scene),
            }
        }
    };
    std::thread::Builder::new().name("portolan-layout".to_owned()).spawn(run).ok()?;
    Some((jobs, scenes))
}
