//! The worker: a thread of its own that owns the session, takes commands and what sources say, and publishes views.
//!
//! Invariants:
//! - The window never waits for it: commands go in through a channel, views come out through a cell that is swapped.
//! - A source is closed before the next is opened, and what an old one still says is dropped.
//! - Commands are done in their order, and none is left out but texts that a newer text of the same object follows.
//! - Answers that a waiting command outdates are abandoned between two stages of their making, for a quarter of a second at most: edits
//!   that follow each other without end are answered now and then, and the last one always.

mod inbox;
mod sources;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portolan_core::Kind;
use portolan_core::assumptions::Settled;

use crate::command::Command;
use crate::session::Session;
use crate::source::SourceEvent;
use crate::view_model::{ContextRow, Freshness, View};
use crate::window::Backend;
use inbox::Inbox;

pub use inbox::gathering;
pub use sources::{Opening, Sources};

/// For how long answers are abandoned in favour of newer ones. Those that are begun after it are finished, whatever waits.
const LONGEST_SILENCE: Duration = Duration::from_millis(250);

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
        let (messages, receiver) = channel();
        let view = Arc::new(ArcSwap::from_pointee(View::default()));
        let contexts = sources.contexts();
        let published = Arc::clone(&view);
        // Sources keep a sender of their own, so the channel does not close with the window: `Close` tells its end.
        sources.connect(messages.clone());
        std::thread::Builder::new().name("portolan-worker".to_owned()).spawn(move || {
            let inbox = Inbox::new(receiver);
            let session = Session::new(settled);
            let mut desk = Desk {
                inbox,
                session,
                sources,
                view: published,
                retired: Vec::new(),
                wake: &wake,
                last: Duration::ZERO,
                silent_since: None,
            };
            desk.open(opening);
            desk.answer();
            desk.run();
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

/// What the thread owns.
struct Desk<'a> {
    inbox: Inbox,
    session: Session,
    sources: Sources,
    view: Arc<ArcSwap<View>>,
    /// Views of before that the window may still show. A large one takes its time to drop, which must not be the window's.
    retired: Vec<Arc<View>>,
    wake: &'a dyn Fn(),
    /// How long the last answer took.
    last: Duration,
    /// When the first of the works was begun that were abandoned since something was published; `None` where none was.
    silent_since: Option<Instant>,
}

impl Desk<'_> {
    /// Does what is asked for, until the window is gone.
    fn run(&mut self) {
        while let Some(batch) = self.inbox.next(self.last) {
            for message in batch {
                match message {
                    Message::Command(command) => match Opening::of(&command) {
                        Some(opening) => self.open(opening),
                        None => self.session.execute(command),
                    },
                    Message::Source(number, event) => self.sources.take(number, event),
                    Message::Close => return,
                }
            }
            self.sources.settle(&mut self.session);
            self.answer();
        }
    }

    /// Opens a source. Fetching credentials may take a while: that a connection is under way shows before.
    fn open(&mut self, opening: Opening) {
        if let Opening::Context(name) = &opening {
            self.session.open(self.sources.name_of(name), false, Freshness::Loading(0, Kind::ALL.len()));
            let view = self.session.view_unless(&|| false);
            self.publish(view);
        }
        self.sources.open(opening, &mut self.session);
    }

    /// Works out what the window shows now and publishes it, unless something newer waits for its turn.
    fn answer(&mut self) {
        let begun = Instant::now();
        let may_abandon = self.silent_since.is_none_or(|since| begun.duration_since(since) < LONGEST_SILENCE);
        let inbox = &self.inbox;
        let is_outdated = || inbox.holds_end() || (may_abandon && inbox.holds_newer());
        let view = self.session.view_unless(&is_outdated);
        self.last = begun.elapsed();
        self.silent_since = if view.is_some() { None } else { self.silent_since.or(Some(begun)) };
        self.publish(view);
    }

    fn publish(&mut self, view: Option<View>) {
        if let Some(view) = view {
            self.retired.retain(|view| Arc::strong_count(view) > 1);
            self.retired.push(self.view.swap(Arc::new(view)));
            (self.wake)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use portolan_core::snapshot::Change;

    use super::*;
    use crate::source::demo::Demo;

    const POLICY: &str = "networking.k8s.io/v1 NetworkPolicy payments/allow-db";

    /// A desk on which the demo is open, and a policy of it in the editor.
    fn desk(wake: &dyn Fn()) -> (Sender<Message>, Desk<'_>) {
        let (messages, receiver) = channel();
        let (inbox, mut session) = (Inbox::new(receiver), Session::new(Settled::default()));
        session.open("demo".to_owned(), false, Freshness::Static);
        session.apply(Demo::Shop.objects().iter().map(Change::apply));
        session.execute(Command::OpenObject { key: POLICY.to_owned(), pointer: String::new() });
        let (sources, view) = (Sources::default(), Arc::new(ArcSwap::from_pointee(View::default())));
        (messages, Desk { inbox, session, sources, view, retired: Vec::new(), wake, last: Duration::ZERO, silent_since: None })
    }

    fn edit(desk: &mut Desk<'_>, port: u16) -> Command {
        let view = desk.session.view_unless(&|| false).unwrap();
        let text = view.sketch.open.unwrap().text.replace("port: 5432", &format!("port: {port}"));
        Command::EditText { key: POLICY.to_owned(), text }
    }

    #[test]
    fn what_a_waiting_edit_outdates_is_abandoned_and_what_follows_is_not_lost() {
        let n_published = Cell::new(0);
        let wake = || n_published.set(n_published.get() + 1);
        let (messages, mut desk) = desk(&wake);
        let edits: Vec<Command> = (1..=100).map(|port| edit(&mut desk, port)).collect();
        for (done, waiting) in edits.iter().zip(&edits[1..]) {
            desk.session.execute(done.clone());
            messages.send(Message::Command(waiting.clone())).unwrap();
            desk.answer();
        }
        assert_eq!((n_published.get(), desk.silent_since.is_some()), (0, true));
        messages.send(Message::Command(Command::Select(None))).unwrap();
        drop(messages);
        desk.run();
        assert_eq!((n_published.get(), desk.silent_since.is_some()), (1, false));
        let open = desk.view.load().sketch.open.clone().unwrap();
        assert!(open.text.contains("port: 100\n"), "{}", open.text);
    }

    #[test]
    fn after_a_silence_an_answer_is_finished_whatever_waits() {
        let n_published = Cell::new(0);
        let wake = || n_published.set(n_published.get() + 1);
        let (messages, mut desk) = desk(&wake);
        let (one, other) = (edit(&mut desk, 1), edit(&mut desk, 2));
        desk.session.execute(one);
        messages.send(Message::Command(other)).unwrap();
        desk.silent_since = Instant::now().checked_sub(LONGEST_SILENCE);
        desk.answer();
        assert_eq!((n_published.get(), desk.silent_since.is_some()), (1, false));
        desk.answer();
        assert_eq!((n_published.get(), desk.silent_since.is_some()), (1, true), "the next may be abandoned again");
        messages.send(Message::Close).unwrap();
        desk.silent_since = Instant::now().checked_sub(LONGEST_SILENCE);
        desk.answer();
        assert_eq!(n_published.get(), 1, "nobody is there to see it");
    }

    #[test]
    fn what_does_not_ask_for_other_answers_abandons_none() {
        let n_published = Cell::new(0);
        let wake = || n_published.set(n_published.get() + 1);
        let (messages, mut desk) = desk(&wake);
        messages.send(Message::Command(Command::FoldAll(true))).unwrap();
        desk.answer();
        assert_eq!(n_published.get(), 1);
    }
}
