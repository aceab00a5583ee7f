//! What is selected, while the worker has not answered yet.

use crate::view_model::View;

/// What is selected. It changes at once when asked to, and follows the views again once one has answered.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) id: Option<String>,
    /// The generation that was shown when the selection was asked for, while no view has answered yet.
    asked_at: Option<u64>,
}

/// A view this many generations after the question counts as an answer, whatever it says.
const PATIENCE: u64 = 4;

impl Selection {
    pub(super) fn of(view: &View) -> Self {
        Self { id: view.inspector.as_ref().map(|inspector| inspector.id.clone()), asked_at: None }
    }

    pub(super) fn ask(&mut self, id: Option<String>, view: &View) {
        self.id = id;
        self.asked_at = Some(view.generation);
    }

    pub(super) fn follow(&mut self, view: &View) {
        let shown = view.inspector.as_ref().map(|inspector| inspector.id.as_str());
        if shown == self.id.as_deref() || self.asked_at.is_some_and(|at| view.generation >= at + PATIENCE) {
            self.asked_at = None;
        }
        if self.asked_at.is_none() && shown != self.id.as_deref() {
            self.id = shown.map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view_model::Inspector;

    fn view(generation: u64, selected: Option<&str>) -> View {
        let inspector = selected.map(|id| Inspector { id: id.to_owned(), ..Inspector::default() });
        View { generation, inspector, ..View::default() }
    }

    #[test]
    fn a_selection_stays_until_a_view_has_answered() {
        let mut selection = Selection::of(&view(1, Some("a")));
        selection.ask(Some("b".to_owned()), &view(1, Some("a")));
        selection.follow(&view(2, Some("a")));
        assert_eq!(selection.id.as_deref(), Some("b"), "a view that was under way does not take the selection back");
        selection.follow(&view(3, Some("b")));
        selection.follow(&view(4, None));
        assert_eq!(selection.id, None, "what is gone is not selected");
    }

    #[test]
    fn a_selection_that_nobody_answers_is_given_up() {
        let mut selection = Selection::of(&view(1, None));
        selection.ask(Some("gone".to_owned()), &view(1, None));
        selection.follow(&view(1 + PATIENCE, None));
        assert_eq!(selection.id, None);
    }
}
