//! Sets of numbers as sorted, disjoint, non-touching closed intervals: ports and addresses are made of these.

use smallvec::SmallVec;

/// What intervals are made of: an unsigned number that knows its neighbours.
pub trait Point: Copy + Ord + std::hash::Hash + std::fmt::Debug {
    /// As many spans as a set holds without an allocation: all ports of three protocols, or one block of addresses.
    type Few: smallvec::Array<Item = (Self, Self)>;
    /// The next number, or `None` after the last.
    fn next(self) -> Option<Self>;
    /// The previous number, or `None` before the first.
    fn previous(self) -> Option<Self>;
}

impl Point for u32 {
    type Few = [(Self, Self); 3];

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Point for u128 {
    type Few = [(Self, Self); 1];

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// A set of numbers. Equal sets are equal values.
pub struct Intervals<P: Point> {
    /// Sorted by start; each ends before the next begins, with at least one number between them.
    spans: SmallVec<P::Few>,
}

// Derived, these would ask the array of spans for what only its items have.
impl<P: Point> Clone for Intervals<P> {
    fn clone(&self) -> Self {
        Self { spans: SmallVec::from_slice(&self.spans) }
    }
}

impl<P: Point> std::fmt::Debug for Intervals<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.spans()).finish()
    }
}

impl<P: Point> PartialEq for Intervals<P> {
    fn eq(&self, other: &Self) -> bool {
        self.spans() == other.spans()
    }
}

impl<P: Point> Eq for Intervals<P> {}

impl<P: Point> std::hash::Hash for Intervals<P> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.spans().hash(state);
    }
}

impl<P: Point> PartialOrd for Intervals<P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P: Point> Ord for Intervals<P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.spans().cmp(other.spans())
    }
}

impl<P: Point> Default for Intervals<P> {
    fn default() -> Self {
        Self { spans: SmallVec::new() }
    }
}

impl<P: Point> Intervals<P> {
    /// The numbers from `first` to `last`, both included; empty if `last` comes before `first`.
    pub fn span(first: P, last: P) -> Self {
        let mut spans = SmallVec::new();
        if first <= last {
            spans.push((first, last));
        }
        Self { spans }
    }

    /// The union of any number of spans, in any order.
    pub fn from_spans(spans: impl IntoIterator<Item = (P, P)>) -> Self {
        let mut sorted: SmallVec<[(P, P); 4]> = spans.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut union = Self::default();
        for (first, last) in sorted {
            union.append(first, last);
        }
        union
    }

    /// Adds a span that starts no earlier than any span added before.
    fn append(&mut self, first: P, last: P) {
        if let Some(open) = self.spans.last_mut() {
            let touches = open.1.next().is_none_or(|after| first <= after);
            if touches {
                open.1 = open.1.max(last);
                return;
            }
        }
        self.spans.push((first, last));
    }

    /// The spans, sorted and disjoint.
    pub fn spans(&self) -> &[(P, P)] {
        &self.spans
    }

    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether the set holds `point`.
    pub fn contains(&self, point: P) -> bool {
        let after = self.spans.partition_point(|(first, _)| *first <= point);
        after.checked_sub(1).and_then(|index| self.spans.get(index)).is_some_and(|(_, last)| point <= *last)
    }

    /// Whether every number of `other` is in `self`.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() || self == other {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        let mut union = Self::default();
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        while let Some((first, last)) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.0 <= b.0 => left.next(),
            (_, Some(_)) => right.next(),
            (_, None) => left.next(),
        } {
            union.append(*first, *last);
        }
        union
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        if self == other {
            return self.clone();
        }
        let mut common = Self::default();
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                common.spans.push((first, last));
            }
            if a.1 < b.1 {
                left.next();
            } else {
                right.next();
            }
        }
        common
    }

    /// What is in `self` and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        let mut holes = other.spans.iter().peekable();
        for &(first, last) in &self.spans {
            let mut start = Some(first);
            while let Some(from) = start {
                let Some(&&(hole_first, hole_last)) = holes.peek() else {
                    rest.spans.push((from, last));
                    break;
                };
                if hole_last < from {
                    holes.next();
                    continue;
                }
                if hole_first > last {
                    rest.spans.push((from, last));
                    break;
                }
                if let Some(before) = hole_first.previous()
                    && from <= before
                {
                    rest.spans.push((from, before));
                }
                start = if hole_last >= last { None } else { hole_last.next() };
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(spans: &[(u32, u32)]) -> Intervals<u32> {
        Intervals::from_spans(spans.iter().copied())
    }

    #[test]
    fn touching_spans_become_one() {
        assert_eq!(set(&[(5, 6), (1, 4), (8, 9)]).spans(), &[(1, 6), (8, 9)]);
        assert_eq!(set(&[(0, u32::MAX), (3, 4)]).spans(), &[(0, u32::MAX)]);
        assert!(set(&[(4, 3)]).is_empty());
    }

    #[test]
    fn operations_agree_with_membership_of_every_point() {
        // All sets over 0..6, as bit masks: every pair is tried.
        let from_mask = |mask: u32| Intervals::from_spans((0..6u32).filter(|bit| mask >> bit & 1 == 1).map(|bit| (bit, bit)));
        for a in 0..64u32 {
            for b in 0..64u32 {
                let (left, right) = (from_mask(a), from_mask(b));
                assert_eq!(left.union(&right), from_mask(a | b), "{a:b} or {b:b}");
                assert_eq!(left.intersection(&right), from_mask(a & b), "{a:b} and {b:b}");
                assert_eq!(left.difference(&right), from_mask(a & !b), "{a:b} without {b:b}");
                assert_eq!(left.contains_all(&right), b & !a == 0, "{a:b} holds {b:b}");
            }
            for point in 0..6 {
                assert_eq!(from_mask(a).contains(point), a >> point & 1 == 1);
            }
        }
    }

    #[test]
    fn the_ends_of_the_line_do_not_overflow() {
        let all = Intervals::span(0u128, u128::MAX);
        assert_eq!(all.difference(&Intervals::span(0, 0)).spans(), &[(1, u128::MAX)]);
        assert_eq!(all.difference(&Intervals::span(u128::MAX, u128::MAX)).spans(), &[(0, u128::MAX - 1)]);
        assert!(all.difference(&all).is_empty());
    }
}
