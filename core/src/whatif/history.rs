//! Undo and redo without limit. Steps share what they have in common.

use std::sync::Arc;

use super::Overlay;

/// The overlays that were, the one that is, and those that were undone.
#[derive(Debug, Clone, Default)]
pub struct History {
    past: Vec<Arc<Overlay>>,
    present: Arc<Overlay>,
    future: Vec<Arc<Overlay>>,
}

impl History {
    /// The overlay as it stands.
    pub fn present(&self) -> &Arc<Overlay> {
        &self.present
    }

    /// Makes a new step. With `continues` it becomes part of the last one, so that a word typed letter by letter is undone at once.
    /// An overlay equal to the present one is no step.
    pub fn record(&mut self, overlay: Overlay, continues: bool) {
        if *self.present == overlay {
            return;
        }
        let previous = std::mem::replace(&mut self.present, Arc::new(overlay));
        if !continues {
            self.past.push(previous);
        }
        self.future.clear();
    }

    /// Goes one step back. Returns whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(previous) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.present, previous));
        true
    }

    /// Goes one step forward again. Returns whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(next) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.present, next));
        true
    }

    /// Whether there is a step back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a step forward.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Object;
    use crate::snapshot::Snapshot;

    fn overlay(n: usize) -> Overlay {
        let mut overlay = Overlay::default();
        for index in 0..n {
            let raw = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{index}"), "namespace": "a"}});
            overlay.set(&Snapshot::default(), Object::new(raw, "").unwrap().unwrap());
        }
        overlay
    }

    #[test]
    fn steps_go_back_and_forward() {
        let mut history = History::default();
        history.record(overlay(1), false);
        history.record(overlay(2), false);
        history.record(overlay(3), true);
        history.record(overlay(3), false);
        assert!(history.undo());
        assert_eq!(**history.present(), overlay(1), "the third went with the second");
        assert!(history.redo());
        assert_eq!(**history.present(), overlay(3));
        assert!(!history.redo());
        assert!(history.undo() && history.undo() && !history.undo());
        assert!(history.present().is_empty());
        history.record(overlay(2), false);
        assert!(!history.can_redo(), "a new step leaves nothing to redo");
    }
}
