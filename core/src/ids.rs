//! Small numbers that stand for things, and the tables that they index.

use std::cmp::Ordering;

use imbl::Vector;

use crate::ordered::Ordered;

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

/// A list indexed by ids that only it hands out, so that looking one up cannot fail. Cloning it shares everything; a change copies a few
/// small parts, however long the list is.
#[derive(Debug, Clone)]
pub struct Table<I, T: Clone> {
    items: Vector<T>,
    ids: std::marker::PhantomData<I>,
}

impl<I, T: Clone> Default for Table<I, T> {
    fn default() -> Self {
        Self { items: Vector::new(), ids: std::marker::PhantomData }
    }
}

impl<I: Id, T: Clone> Table<I, T> {
    /// Adds an item and returns its id.
    pub fn push(&mut self, item: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push_back(item);
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

impl<I: Id, T: Clone> FromIterator<T> for Table<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(items: It) -> Self {
        Self { items: items.into_iter().collect(), ids: std::marker::PhantomData }
    }
}

/// A table whose items are walked in an order of their own, by name, and may go: an id stays with its item as long as that is there, and
/// is another's after. Cloning and changing are as cheap as a [`Table`]'s.
#[derive(Debug, Clone)]
pub struct Roll<I: Clone, T: Clone> {
    items: Table<I, T>,
    order: Ordered<I>,
    free: Vector<I>,
}

impl<I: Clone, T: Clone> Default for Roll<I, T> {
    fn default() -> Self {
        Self { items: Table::default(), order: Ordered::default(), free: Vector::new() }
    }
}

impl<I: Id, T: Clone> Roll<I, T> {
    /// Of items in their order.
    pub(crate) fn of(items: Vec<T>) -> Self {
        let items: Table<I, T> = items.into_iter().collect();
        Self { order: items.ids().collect(), items, free: Vector::new() }
    }

    /// The item that `compare`, which tells how an item stands to what is looked for, says is the one.
    pub(crate) fn find(&self, compare: impl Fn(&T) -> Ordering) -> Option<I> {
        self.order.find(|id| compare(self.items.at(id))).map(|(_, id)| id)
    }

    /// The ids from the first item on that `is_before` does not say comes before them.
    pub(crate) fn ids_from(&self, is_before: impl Fn(&T) -> bool) -> impl Iterator<Item = I> + '_ {
        let place = self.order.partition_point(|id| is_before(self.items.at(id)));
        self.order.from(place).map(|(_, id)| id)
    }

    /// Adds an item before those that `is_before` does not say come before it, and returns its id.
    pub(crate) fn insert(&mut self, is_before: impl Fn(&T) -> bool, item: T) -> I {
        let place = self.order.partition_point(|id| is_before(self.items.at(id)));
        let id = match self.free.pop_back() {
            Some(id) => {
                *self.items.at_mut(id) = item;
                id
            }
            None => self.items.push(item),
        };
        self.order.insert(place, id);
        id
    }

    /// Takes away the item that `compare` says is the one.
    pub(crate) fn remove(&mut self, compare: impl Fn(&T) -> Ordering) {
        if let Some((place, id)) = self.order.find(|id| compare(self.items.at(id))) {
            self.order.remove(place);
            self.free.push_back(id);
        }
    }

    /// The item of an id.
    pub fn at(&self, id: I) -> &T {
        self.items.at(id)
    }

    /// The item of an id, to change it. Its name must stay.
    pub(crate) fn at_mut(&mut self, id: I) -> &mut T {
        self.items.at_mut(id)
    }

    /// How many ids there are or were: all are smaller.
    pub(crate) fn bound(&self) -> usize {
        self.items.len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.len() == 0
    }

    /// All items, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.order.iter().map(|id| self.items.at(id))
    }

    /// All ids, in the order of their items.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = I> + '_ {
        self.order.iter()
    }

    /// All items with their ids, in their order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (I, &T)> {
        self.order.iter().map(|id| (id, self.items.at(id)))
    }
}
