//! A sorted list of small things whose order is told from elsewhere: ids by the names of what they stand for.

use std::cmp::Ordering;
use std::sync::Arc;

/// So many things lie together. A change copies one such part, and the list of parts.
const PART: usize = 1024;

/// A sorted list. Cloning it shares the parts.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<T> {
    /// None is empty.
    parts: Vec<Arc<Vec<T>>>,
    len: usize,
}

/// Where something stands in a list: which part, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    part: usize,
    index: usize,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { parts: Vec::new(), len: 0 }
    }
}

impl<T: Copy> FromIterator<T> for Ordered<T> {
    /// Of things that are sorted already.
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        let things: Vec<T> = things.into_iter().collect();
        Self { len: things.len(), parts: things.chunks(PART / 2).map(|part| Arc::new(part.to_vec())).collect() }
    }
}

impl<T: Copy> Ordered<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first place of which `is_before` does not hold; it must hold for all things before some place and for none after.
    pub(crate) fn partition_point(&self, is_before: impl Fn(T) -> bool) -> Place {
        // The last part that begins before it; it may end before it too.
        let n_begin = self.parts.partition_point(|part| part.first().is_some_and(|first| is_before(*first)));
        let part = n_begin.saturating_sub(1);
        let index = self.parts.get(part).map_or(0, |part| part.partition_point(|thing| is_before(*thing)));
        Place { part, index }
    }

    /// The thing for which `compare` says that it is the one.
    pub(crate) fn find(&self, compare: impl Fn(T) -> Ordering) -> Option<(Place, T)> {
        let place = self.partition_point(|thing| compare(thing) == Ordering::Less);
        let (place, thing) = self.from(place).next()?;
        (compare(thing) == Ordering::Equal).then_some((place, thing))
    }

    /// The things from a place on, with their places.
    pub(crate) fn from(&self, place: Place) -> impl Iterator<Item = (Place, T)> {
        let parts = self.parts.iter().enumerate().skip(place.part);
        parts.flat_map(move |(part, things)| {
            let first = if part == place.part { place.index } else { 0 };
            things.iter().enumerate().skip(first).map(move |(index, thing)| (Place { part, index }, *thing))
        })
    }

    /// Puts a thing at a place.
    pub(crate) fn insert(&mut self, place: Place, thing: T) {
        self.len += 1;
        let Some(part) = self.parts.get_mut(place.part) else {
            self.parts.push(Arc::new(vec![thing]));
            return;
        };
        let part = Arc::make_mut(part);
        part.insert(place.index.min(part.len()), thing);
        if part.len() > PART {
            let rest = part.split_off(PART / 2);
            self.parts.insert(place.part + 1, Arc::new(rest));
        }
    }

    /// Takes the thing at a place away.
    pub(crate) fn remove(&mut self, place: Place) {
        let Some(part) = self.parts.get_mut(place.part).filter(|part| place.index < part.len()) else { return };
        self.len -= 1;
        if part.len() == 1 {
            self.parts.remove(place.part);
        } else {
            Arc::make_mut(part).remove(place.index);
        }
    }

    /// All things.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = T> {
        Things { parts: self.parts.iter(), now: [].iter(), left: self.len }
    }
}

struct Things<'a, T> {
    parts: std::slice::Iter<'a, Arc<Vec<T>>>,
    now: std::slice::Iter<'a, T>,
    left: usize,
}

impl<T: Copy> Iterator for Things<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(thing) = self.now.next() {
                self.left -= 1;
                return Some(*thing);
            }
            self.now = self.parts.next()?.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Copy> ExactSizeIterator for Things<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_a_sorted_list_is() {
        let mut list: Ordered<u32> = (0..3000).map(|number| number * 2).collect();
        let mut plain: Vec<u32> = (0..3000).map(|number| number * 2).collect();
        let shared = list.clone();
        let mut number: u32 = 7;
        for step in 0..6000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wanted = (number >> 8) % 7000;
            match list.find(|thing| thing.cmp(&wanted)) {
                Some((place, thing)) => {
                    assert_eq!(thing, wanted);
                    list.remove(place);
                    plain.retain(|other| *other != wanted);
                }
                None => {
                    assert!(!plain.contains(&wanted));
                    let place = list.partition_point(|thing| thing < wanted);
                    list.insert(place, wanted);
                    plain.insert(plain.partition_point(|other| *other < wanted), wanted);
                }
            }
            if step % 500 == 0 {
                assert!(list.iter().eq(plain.iter().copied()));
                let from = list.from(list.partition_point(|thing| thing < wanted)).map(|(_, thing)| thing);
                assert!(from.eq(plain.iter().copied().filter(|thing| *thing >= wanted)));
            }
            assert_eq!((list.len(), list.iter().len()), (plain.len(), plain.len()));
        }
        assert!(shared.iter().eq((0..3000).map(|number| number * 2)), "a list that is shared does not change");
        for wanted in plain {
            let (place, _) = list.find(|thing| thing.cmp(&wanted)).unwrap();
            list.remove(place);
        }
        assert_eq!(list.iter().next(), None);
        list.insert(list.partition_point(|_| true), 1);
        assert!(list.iter().eq([1]));
    }
}
