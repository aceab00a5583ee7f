//! The system's file dialogs behind a trait, so that tests can do without them and the window never waits for one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called once with what was chosen; `None` when nothing was, which is also what a system without a dialog service answers.
pub type Done<T> = Box<dyn FnOnce(Option<T>) + Send>;

/// Ways to ask for a path. None of them blocks; `done` may be called on any thread, or dropped when a dialog is open already.
pub trait FileDialogs: Send {
    /// Asks where to save a file; `suggested` is its name.
    fn save_file(&self, suggested: &str, done: Done<PathBuf>);
    /// Asks for a folder.
    fn pick_folder(&self, done: Done<PathBuf>);
    /// Asks for one or more files.
    fn pick_files(&self, done: Done<Vec<PathBuf>>);
}

/// The system's own dialogs. One at a time: a second request while one is open answers `None` at once.
#[derive(Debug, Clone, Default)]
pub struct SystemDialogs {
    is_open: Arc<AtomicBool>,
}

impl SystemDialogs {
    /// Runs `ask` to its end on a thread of its own: a portal may take as long as a person does, or never answer.
    fn run<T: Send + 'static>(&self, ask: impl Future<Output = Option<T>> + Send + 'static, done: Done<T>) {
        if self.is_open.swap(true, Ordering::AcqRel) {
            done(None);
            return;
        }
        let is_open = Arc::clone(&self.is_open);
        let work = move || {
            let answer = futures::executor::block_on(ask);
            is_open.store(false, Ordering::Release);
            done(answer);
        };
        if let Err(error) = std::thread::Builder::new().name("file dialog".to_owned()).spawn(work) {
            tracing::warn!(%error, "no thread for a file dialog");
            self.is_open.store(false, Ordering::Release);
        }
    }
}

fn dialog() -> rfd::AsyncFileDialog {
    rfd::AsyncFileDialog::new()
}

const YAML: [&str; 2] = ["yaml", "yml"];

impl FileDialogs for SystemDialogs {
    fn save_file(&self, suggested: &str, done: Done<PathBuf>) {
        let ask = dialog().set_title("Export the sketch").set_file_name(suggested).add_filter("YAML", &YAML).save_file();
        self.run(async { ask.await.map(|file| file.path().to_owned()) }, done);
    }

    fn pick_folder(&self, done: Done<PathBuf>) {
        let ask = dialog().set_title("Open a folder of manifests").pick_folder();
        self.run(async { ask.await.map(|file| file.path().to_owned()) }, done);
    }

    fn pick_files(&self, done: Done<Vec<PathBuf>>) {
        let ask = dialog().set_title("Open manifests").add_filter("Manifests", &["yaml", "yml", "json"]).pick_files();
        self.run(async { ask.await.map(|files| files.iter().map(|file| file.path().to_owned()).collect()) }, done);
    }
}
