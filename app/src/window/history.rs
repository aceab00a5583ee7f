//! What was selected, one after the other, and the way back and forward through it.

/// As many selections are kept.
const MAX: usize = 200;

/// Selections in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    visited: Vec<String>,
    /// The place of the last that was gone to.
    at: usize,
}

impl History {
    /// Notes a selection. What lies ahead is forgotten, except where this is the one that was just gone to.
    pub(super) fn visit(&mut self, id: &str) {
        if self.visited.get(self.at).is_some_and(|last| last == id) {
            return;
        }
        self.visited.truncate(self.at + 1);
        if self.visited.len() == MAX {
            self.visited.remove(0);
        }
        self.visited.push(id.to_owned());
        self.at = self.visited.len() - 1;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn before(&self, selected: Option<&str>) -> Option<usize> {
        let last = self.visited.get(self.at)?;
        // Where nothing is selected any more, the last selection is one step back.
        if selected == Some(last) { self.at.checked_sub(1) } else { Some(self.at) }
    }

    fn after(&self) -> Option<usize> {
        Some(self.at + 1).filter(|at| *at < self.visited.len())
    }

    /// Whether there is a way back from what is selected.
    pub(super) fn can_go_back(&self, selected: Option<&str>) -> bool {
        self.before(selected).is_some()
    }

    /// Whether there is a way forward.
    pub(super) fn can_go_forward(&self) -> bool {
        self.after().is_some()
    }

    /// Goes back from what is selected.
    pub(super) fn back(&mut self, selected: Option<&str>) -> Option<String> {
        self.at = self.before(selected)?;
        self.visited.get(self.at).cloned()
    }

    /// Goes forward.
    pub(super) fn forward(&mut self) -> Option<String> {
        self.at = self.after()?;
        self.visited.get(self.at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(ids: &[&str]) -> History {
        let mut history = History::default();
        ids.iter().for_each(|id| history.visit(id));
        history
    }

    #[test]
    fn back_and_forward_go_through_what_was_selected() {
        let mut history = history(&["a", "b", "c"]);
        assert!(!history.can_go_forward());
        assert_eq!(history.back(Some("c")).as_deref(), Some("b"));
        history.visit("b");
        assert_eq!(history.back(Some("b")).as_deref(), Some("a"));
        assert!(!history.can_go_back(Some("a")));
        assert_eq!(history.forward().as_deref(), Some("b"), "going back has not added anything");
        assert_eq!(history.forward().as_deref(), Some("c"));
        assert_eq!(history.forward(), None);
    }

    #[test]
    fn another_selection_forgets_what_lay_ahead() {
        let mut history = history(&["a", "b"]);
        history.back(Some("b"));
        history.visit("c");
        assert_eq!(history.forward(), None);
        assert_eq!(history.back(Some("c")).as_deref(), Some("a"));
    }

    #[test]
    fn from_no_selection_the_last_one_is_a_step_back() {
        let mut history = history(&["a", "b"]);
        assert_eq!(history.back(None).as_deref(), Some("b"));
        assert_eq!(history.back(Some("b")).as_deref(), Some("a"));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let ids: Vec<String> = (0..MAX + 5).map(|at| at.to_string()).collect();
        let mut history = history(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(history.visited.len(), MAX);
        assert_eq!(history.back(Some("204")).as_deref(), Some("203"));
    }
}
