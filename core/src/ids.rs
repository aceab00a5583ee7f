//! Small numbers that stand for things, and the tables that they index.

/// Declares an id type: a `u32` that indexes one kind of table.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $crate::ids::Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
pub(crate) use id;

/// A number that indexes a [`Table`].
pub trait Id: Copy {
    /// The id of a place.
    fn from_index(index: usize) -> Self;
    /// The place of an id.
    fn index(self) -> usize;
}

/// A list indexed by ids that only it hands out, so that looking one up cannot fail.
#[derive(Debug, Clone)]
pub struct Table<I, T> {
    items: Vec<T>,
    ids: std::marker::PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), ids: std::marker::PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    /// Adds an item and returns its id.
    pub fn push(&mut self, item: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push(item);
        id
    }

    /// The item of an id.
    #[expect(clippy::indexing_slicing, reason = "ids are handed out by push alone, and items are never removed")]
    pub fn at(&self, id: I) -> &T {
        &self.items[id.index()]
    }

    /// The item of an id, to change it.
    #[expect(clippy::indexing_slicing, reason = "ids are handed out by push alone, and items are never removed")]
    pub fn at_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All items.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.items.iter()
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }

    /// All items with their ids.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (I::from_index(index), item))
    }
}

impl<I: Id, T> FromIterator<T> for Table<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(items: It) -> Self {
        Self { items: items.into_iter().collect(), ids: std::marker::PhantomData }
    }
}
