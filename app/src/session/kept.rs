//! What is kept of one view for the next: each part with what it was made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use portolan_core::Warning;

use super::{Answers, Session};
use crate::command::ShowOptions;
use crate::map::model::{Id, MapModel};
use crate::view_model::graph::{self, Material, Picture, Scene};
use crate::view_model::{Inspector, NamespaceRow, SearchEntry, inspector, search};

/// What a picture is made from, besides the answers.
#[derive(Clone, PartialEq)]
struct Choices {
    show: ShowOptions,
    unfolded: BTreeSet<Id>,
    selected: Option<Id>,
    aside: BTreeSet<Id>,
    brought_back: BTreeSet<Id>,
    pinned: BTreeSet<Id>,
}

/// A picture whose model is shared.
pub(super) type Shared = (Arc<MapModel>, Arc<Picture>);

/// What is selected, and whether all rows of it have their reasons.
type Asked = (Option<Id>, bool);

/// The parts of a view that cost something.
#[derive(Default)]
pub(super) struct Kept {
    material: Option<Material>,
    /// That of the answers before.
    earlier: Option<Material>,
    picture: Option<(Choices, Shared)>,
    namespaces: Option<(BTreeSet<Id>, Arc<Vec<NamespaceRow>>)>,
    inspector: Option<(Asked, Option<Inspector>)>,
    warnings: Option<Vec<Warning>>,
    search_index: Option<Arc<Vec<SearchEntry>>>,
}

impl Kept {
    /// The answers are others now.
    pub(super) fn forget(&mut self) {
        let earlier = self.material.take().or(self.earlier.take());
        *self = Self { earlier, ..Self::default() };
    }

    pub(super) fn picture(&mut self, session: &Session, answers: &Answers, unfolded: &BTreeSet<Id>) -> Shared {
        let choices = Choices {
            show: session.show.clone(),
            unfolded: unfolded.clone(),
            selected: session.selected.clone(),
            aside: session.aside.clone(),
            brought_back: session.brought_back.clone(),
            pinned: session.pinned.clone(),
        };
        if let Some((_, known)) = self.picture.as_ref().filter(|(known, _)| *known == choices) {
            return known.clone();
        }
        let scene = Scene {
            base: &answers.base,
            edited: &answers.edited,
            difference: &answers.difference,
            show: &choices.show,
            unfolded: &|id| unfolded.contains(id),
            selected: choices.selected.as_deref(),
            aside: &choices.aside,
            brought_back: &choices.brought_back,
            pinned: &choices.pinned,
        };
        let mut picture = graph::picture(&scene, self.material(answers));
        let model = std::mem::take(&mut picture.model);
        // The map keeps its layout by pointer as long as the picture is the same.
        let same = self.picture.as_ref().map(|(_, (known, _))| known).filter(|known| ***known == model);
        let shared = (same.map_or_else(|| Arc::new(model), Arc::clone), Arc::new(picture));
        self.picture = Some((choices, shared.clone()));
        shared
    }

    pub(super) fn namespaces(&mut self, unfolded: &BTreeSet<Id>, make: impl FnOnce() -> Vec<NamespaceRow>) -> Arc<Vec<NamespaceRow>> {
        match &self.namespaces {
            Some((known, rows)) if known == unfolded => Arc::clone(rows),
            _ => {
                let rows = Arc::new(make());
                self.namespaces = Some((unfolded.clone(), Arc::clone(&rows)));
                rows
            }
        }
    }

    pub(super) fn inspector(&mut self, session: &Session, answers: &Answers) -> Option<Inspector> {
        let asked = (session.selected.clone(), session.gives_reasons);
        if let Some((_, inspector)) = self.inspector.as_ref().filter(|(known, _)| *known == asked) {
            return inspector.clone();
        }
        let told = self.material(answers).told();
        let subject = inspector::Question { base: &answers.base, edited: &answers.edited, told, gives_reasons: asked.1 };
        let made = asked.0.as_deref().and_then(|id| inspector::inspect(subject, id));
        self.inspector = Some((asked, made.clone()));
        made
    }

    fn material(&mut self, answers: &Answers) -> &Material {
        let earlier = &mut self.earlier;
        self.material.get_or_insert_with(|| Material::new(&answers.base, &answers.edited, earlier.take()))
    }

    pub(super) fn warnings(&mut self, answers: &Answers) -> &[Warning] {
        self.warnings.get_or_insert_with(|| answers.edited.warnings())
    }

    pub(super) fn search_index(&mut self, answers: &Answers) -> Arc<Vec<SearchEntry>> {
        Arc::clone(self.search_index.get_or_insert_with(|| Arc::new(search::index(&answers.edited))))
    }
}
