//! What waits for the worker: messages in their order, which can be looked at before their turn comes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Message;
use crate::command::Command;

/// How long events of a cluster are gathered before the picture is made anew: longer where that takes long, so that a busy cluster leaves
/// half of a processor, and the picture that was made last time to be drawn.
pub fn gathering(last: Duration) -> Duration {
    last.clamp(Duration::from_millis(50), Duration::from_secs(1))
}

/// The worker's end of the channel.
pub(super) struct Inbox {
    messages: Receiver<Message>,
    /// What came while the worker was at work, before what is still in the channel.
    waiting: RefCell<VecDeque<Message>>,
}

impl Inbox {
    pub(super) fn new(messages: Receiver<Message>) -> Self {
        Self { messages, waiting: RefCell::default() }
    }

    /// Waits for messages, and takes all that are there; `None` when nobody can send any more. A person's command is not kept waiting;
    /// events of a cluster come in swarms and are gathered a while, as long as is to be with answers that take so long.
    pub(super) fn next(&self, last: Duration) -> Option<Vec<Message>> {
        self.look();
        let mut batch = Vec::from(self.waiting.take());
        if batch.is_empty() {
            batch.push(self.messages.recv().ok()?);
        }
        let deadline = Instant::now() + gathering(last);
        let mut is_command_there = batch.iter().any(|message| !is_event(message));
        while !is_command_there {
            match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    is_command_there = !is_event(&message);
                    batch.push(message);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        batch.extend(self.messages.try_iter());
        drop_outdated(&mut batch);
        Some(batch)
    }

    /// Whether something waits after which nobody asks any more for the answers that are being worked out now.
    pub(super) fn holds_newer(&self) -> bool {
        self.look();
        self.waiting.borrow().iter().any(outdates)
    }

    /// Whether the window is gone.
    pub(super) fn holds_end(&self) -> bool {
        self.look();
        self.waiting.borrow().iter().any(|message| matches!(message, Message::Close))
    }

    fn look(&self) {
        self.waiting.borrow_mut().extend(self.messages.try_iter());
    }
}

fn is_event(message: &Message) -> bool {
    matches!(message, Message::Source(..))
}

/// What a command is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// Another source.
    Source,
    /// What is assumed.
    Assumptions,
    /// What is edited.
    Edits,
    /// What is at hand for editing, and what becomes of it.
    Desk,
    /// What is shown of the answers.
    Looking,
}

const fn concern(command: &Command) -> Concern {
    match command {
        Command::OpenDemo(_) | Command::OpenManifests(_) | Command::OpenContext(_) => Concern::Source,
        Command::SetProfile(_) | Command::Assume { .. } | Command::NoteNat(_) | Command::ResetAssumption(_) => Concern::Assumptions,
        Command::EditText { .. }
        | Command::Create(..)
        | Command::Delete(_)
        | Command::Revert(_)
        | Command::ClearSketch
        | Command::Undo
        | Command::Redo => Concern::Edits,
        Command::OpenObject { .. }
        | Command::CloseObject
        | Command::NameSketch(_)
        | Command::ExportTo(_)
        | Command::SavePicture(_)
        | Command::WritePicture(..) => Concern::Desk,
        Command::Select(_)
        | Command::AskUrl(_)
        | Command::ToggleFold(_)
        | Command::FoldAll(_)
        | Command::Show(_)
        | Command::PutAside(_)
        | Command::BringBack(_)
        | Command::Pin(_)
        | Command::Explain(_)
        | Command::GiveReasons
        | Command::ShowAssumptions(_) => Concern::Looking,
    }
}

/// Whether other answers are asked for after a message. What a cluster says does not count: where much happens, no answer would ever be
/// the newest.
fn outdates(message: &Message) -> bool {
    match message {
        Message::Command(command) => matches!(concern(command), Concern::Source | Concern::Assumptions | Concern::Edits),
        Message::Source(..) => false,
        Message::Close => true,
    }
}

/// Of texts of one object, the last stays, unless something stands between them that makes use of the text or of the step that it is.
fn drop_outdated(batch: &mut Vec<Message>) {
    let mut later: Option<String> = None;
    let mut is_last = vec![true; batch.len()];
    for (message, is_last) in batch.iter().zip(&mut is_last).rev() {
        match message {
            Message::Command(Command::EditText { key, .. }) => {
                *is_last = later.as_ref() != Some(key);
                later = Some(key.clone());
            }
            Message::Command(command) if matches!(concern(command), Concern::Looking | Concern::Assumptions) => {}
            Message::Source(..) => {}
            Message::Command(_) | Message::Close => later = None,
        }
    }
    let mut is_last = is_last.into_iter();
    batch.retain(|_| is_last.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use portolan_core::Kind;

    use super::*;
    use crate::source::{KindStatus, SourceEvent};

    fn edit(key: &str, text: &str) -> Message {
        Message::Command(Command::EditText { key: key.to_owned(), text: text.to_owned() })
    }

    fn event() -> Message {
        Message::Source(1, SourceEvent::Status(Kind::Pod, KindStatus::Live))
    }

    fn looking() -> Message {
        Message::Command(Command::Select(None))
    }

    fn inbox() -> (Sender<Message>, Inbox) {
        let (sender, receiver) = channel();
        (sender, Inbox::new(receiver))
    }

    fn send(sender: &Sender<Message>, messages: impl IntoIterator<Item = Message>) {
        messages.into_iter().for_each(|message| sender.send(message).unwrap());
    }

    /// The texts of a batch, and a dash for everything else.
    fn texts(batch: &[Message]) -> Vec<&str> {
        let texts = batch.iter().map(|message| match message {
            Message::Command(Command::EditText { text, .. }) => text.as_str(),
            Message::Source(..) => "event",
            _ => "-",
        });
        texts.collect()
    }

    #[test]
    fn the_newest_text_wins() {
        let (sender, inbox) = inbox();
        send(&sender, [edit("a", "1"), edit("a", "2"), edit("b", "3"), Message::Command(Command::Undo), edit("b", "4")]);
        assert_eq!(texts(&inbox.next(Duration::ZERO).unwrap()), ["2", "3", "-", "4"]);
    }

    #[test]
    fn what_does_not_touch_a_text_does_not_keep_older_ones() {
        let (sender, inbox) = inbox();
        send(&sender, [edit("a", "1"), event(), edit("a", "2"), looking(), edit("a", "3")]);
        send(&sender, [Message::Command(Command::NameSketch(String::new())), edit("a", "4")]);
        assert_eq!(texts(&inbox.next(Duration::ZERO).unwrap()), ["event", "-", "3", "-", "4"]);
    }

    #[test]
    fn looking_ahead_keeps_everything_in_its_order() {
        let (sender, inbox) = inbox();
        send(&sender, [looking(), event()]);
        assert!(!inbox.holds_newer(), "neither asks for other answers");
        send(&sender, [edit("a", "1")]);
        assert!(inbox.holds_newer() && !inbox.holds_end());
        send(&sender, [Message::Command(Command::Undo), edit("a", "2")]);
        assert_eq!(texts(&inbox.next(Duration::ZERO).unwrap()), ["-", "event", "1", "-", "2"]);
        assert!(!inbox.holds_newer(), "all of it is taken");
        send(&sender, [Message::Close]);
        assert!(inbox.holds_newer() && inbox.holds_end());
        drop(sender);
        assert_eq!(inbox.next(Duration::ZERO).map(|batch| batch.len()), Some(1));
        assert!(inbox.next(Duration::ZERO).is_none());
    }
}
