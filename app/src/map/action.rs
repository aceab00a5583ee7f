//! What a person can ask of the map itself, by key, palette or button.

/// An intent of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapAction {
    /// Show all of the picture.
    Fit,
    /// Show what is selected and connected, as large as fits.
    FitSelection,
    /// Closer.
    Closer,
    /// Farther.
    Farther,
    /// As large as life.
    ActualSize,
    /// Move the picture a step.
    Pan(Side),
    /// Move the focus along an edge, or to a neighbour.
    Walk(Side),
    /// Give the keyboard to the map.
    Enter,
    /// Select what has the focus.
    Open,
    /// Unfold what is selected or has the focus; fold it away where it does not unfold.
    Fold,
    /// Fold away what is selected or has the focus.
    FoldAway,
    /// Put aside what is selected or has the focus, or bring it back.
    PutAside,
    /// Pin what is selected or has the focus, or unpin it.
    Pin,
    /// How far from the selection things stay lit.
    Reach(Reach),
    /// Lay everything out anew.
    Tidy,
}

/// A direction on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the left, against the edges.
    Left,
    /// To the right, along the edges.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// How far from the selection things stay lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Reach {
    /// What is connected directly, and the whole ways in that lead through it.
    #[default]
    Direct,
    /// That, and what is connected to it.
    TwoHops,
    /// Only ways from and to the outside.
    Outside,
}

impl Reach {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Direct, Self::TwoHops, Self::Outside];

    /// What the menu calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Direct => "One step",
            Self::TwoHops => "Two steps",
            Self::Outside => "To the outside",
        }
    }
}
