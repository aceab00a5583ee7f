//! The worker: a thread of its own that owns the session, takes commands and what sources say, and publishes views.
//!
//! Invariants:
//! - The window never waits for it: commands go in through a channel, views come out through a cell that is swapped.
//! - A source is closed before the next is opened, and what an old one still says is dropped.
//! - Of commands that wait, the newest text of an object wins; older ones are not worked out.

mod sources;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portolan_core::Kind;
use portolan_core::assumptions::Settled;

use crate::command::Command;
use crate::session::Session;
use crate::source::SourceEvent;
use crate::view_model::{ContextRow, Freshness, View};
use crate::window::Backend;

pub use sources::{Opening, Sources};

/// How long events of a cluster are gathered before the picture is made anew.
const GATHER: Duration = Duration::from_millis(50);

/// What reaches the worker.
pub(crate) enum Message {
    /// A person asks.
    Command(Command),
    /// A source speaks; the number tells which one.
    Source(u64, SourceEvent),
    /// The window is gone.
    Close,
}

/// The window's end of the worker. Dropping it ends the thread.
pub struct Worker {
    messages: Sender<Message>,
    view: Arc<ArcSwap<View>>,
    contexts: Vec<ContextRow>,
}

impl Worker {
    /// Starts the thread and opens what is named. `wake` is called after every publication.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        settled: Settled,
        mut sources: Sources,
        opening: Opening,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (messages, inbox) = channel();
        let view = Arc::new(ArcSwap::from_pointee(View::default()));
        let contexts = sources.contexts();
        let published = Arc::clone(&view);
        // Sources keep a sender of their own, so the channel does not close with the window: `Close` tells its end.
        sources.connect(messages.clone());
        std::thread::Builder::new().name("portolan-worker".to_owned()).spawn(move || {
            let mut session = Session::new(settled);
            open(opening, &mut session, &mut sources, &published, &wake);
            publish(&mut session, &published, &wake);
            run(&inbox, &mut session, &mut sources, &published, &wake);
        })?;
        Ok(Self { messages, view, contexts })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A thread that is gone already needs no telling.
        drop(self.messages.send(Message::Close));
    }
}

impl Backend for Worker {
    fn view(&mut self) -> Arc<View> {
        self.view.load_full()
    }

    fn send(&mut self, command: Command) {
        // The thread ends only with the window.
        drop(self.messages.send(Message::Command(command)));
    }

    fn contexts(&self) -> Vec<ContextRow> {
        self.contexts.clone()
    }
}

fn publish(session: &mut Session, view: &ArcSwap<View>, wake: &dyn Fn()) {
    view.store(Arc::new(session.view()));
    wake();
}

/// Opens a source. Fetching credentials may take a while: that a connection is under way shows before.
fn open(opening: Opening, session: &mut Session, sources: &mut Sources, view: &ArcSwap<View>, wake: &dyn Fn()) {
    if let Opening::Context(name) = &opening {
        session.open(sources.name_of(name), false, Freshness::Loading(0, Kind::ALL.len()));
        publish(session, view, wake);
    }
    sources.open(opening, session);
}

fn run(inbox: &Receiver<Message>, session: &mut Session, sources: &mut Sources, view: &ArcSwap<View>, wake: &dyn Fn()) {
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        gather(inbox, &mut batch);
        drop_outdated(&mut batch);
        for message in batch {
            match message {
                Message::Command(command) => {
                    if let Some(opening) = Opening::of(&command) {
                        open(opening, session, sources, view, wake);
                    } else {
                        session.execute(command);
                    }
                }
                Message::Source(number, event) => sources.take(number, event),
                Message::Close => return,
            }
        }
        sources.settle(session);
        publish(session, view, wake);
    }
}

/// Takes what waits. A person's command is not kept waiting; events of a cluster come in swarms and are gathered a while.
fn gather(inbox: &Receiver<Message>, batch: &mut Vec<Message>) {
    let deadline = Instant::now() + GATHER;
    loop {
        if batch.iter().any(|message| !matches!(message, Message::Source(..))) {
            batch.extend(inbox.try_iter());
            return;
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        match inbox.recv_timeout(rest) {
            Ok(message) => batch.push(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Of texts of one object that follow each other, the last stays.
fn drop_outdated(batch: &mut Vec<Message>) {
    let keys: Vec<Option<String>> = batch
        .iter()
        .map(|message| match message {
            Message::Command(Command::EditText { key, .. }) => Some(key.clone()),
            _ => None,
        })
        .collect();
    let mut index = 0;
    batch.retain(|_| {
        let own = keys.get(index).cloned().flatten();
        let next = keys.get(index + 1).cloned().flatten();
        index += 1;
        own.is_none() || own != next
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_text_wins() {
        let edit = |key: &str, text: &str| Message::Command(Command::EditText { key: key.to_owned(), text: text.to_owned() });
        let mut batch = vec![edit("a", "1"), edit("a", "2"), edit("b", "3"), Message::Command(Command::Undo), edit("b", "4")];
        drop_outdated(&mut batch);
        let texts: Vec<String> = batch
            .iter()
            .map(|message| match message {
                Message::Command(Command::EditText { text, .. }) => text.clone(),
                _ => "-".to_owned(),
            })
            .collect();
        assert_eq!(texts, ["2", "3", "-", "4"]);
    }
}
