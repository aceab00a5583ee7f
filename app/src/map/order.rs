//! In which order the nodes of a column stand: as given, unless another order has fewer crossings.

/// The items of `given` in the order of a previous layout: those that `rank` knows keep their order among themselves, a new one follows
/// the item that precedes it in `given`.
pub fn seeded(given: &[usize], rank: impl Fn(usize) -> Option<f32>) -> Vec<usize> {
    let mut ordered: Vec<(usize, f32)> = given.iter().filter_map(|item| rank(*item).map(|rank| (*item, rank))).collect();
    ordered.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ordered: Vec<usize> = ordered.into_iter().map(|(item, _)| item).collect();
    for (index, item) in given.iter().enumerate() {
        if rank(*item).is_some() {
            continue;
        }
        let after = index.checked_sub(1).map(|before| given[before]);
        let at = after.and_then(|after| ordered.iter().position(|other| *other == after)).map_or(0, |position| position + 1);
        ordered.insert(at, *item);
    }
    ordered
}

/// How many pairs of the lines between two columns cross. A line is where it stands left and where it stands right.
pub fn crossings(lines: &[(f32, f32)]) -> usize {
    let mut lines = lines.to_vec();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut rights: Vec<f32> = lines.iter().map(|line| line.1).collect();
    rights.sort_by(f32::total_cmp);
    rights.dedup();
    // A Fenwick tree over the right ends counts, for each line, those before it (further up on the left) that end further down.
    let mut tree = vec![0usize; rights.len() + 1];
    let mut n_crossings = 0;
    for (n_before, (_, right)) in lines.iter().enumerate() {
        let rank = rights.partition_point(|other| other.total_cmp(right).is_lt()) + 1;
        let (mut not_after, mut at) = (0, rank);
        while at > 0 {
            not_after += tree[at];
            at -= at & at.wrapping_neg();
        }
        n_crossings += n_before - not_after;
        let mut at = rank;
        while at < tree.len() {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    n_crossings
}

/// `items` ordered by the mean place of their neighbours, if that has fewer crossings than the order in which they come.
/// An item without neighbours stays behind its predecessor.
pub fn by_neighbours(items: &[usize], neighbours: impl Fn(usize) -> Vec<f32>) -> Vec<usize> {
    let places: Vec<(usize, Vec<f32>)> = items.iter().map(|item| (*item, neighbours(*item))).collect();
    let mut last = f32::MIN;
    let mut keyed: Vec<(f32, &(usize, Vec<f32>))> = Vec::with_capacity(items.len());
    for entry in &places {
        if !entry.1.is_empty() {
            last = entry.1.iter().sum::<f32>() / entry.1.len() as f32;
        }
        keyed.push((last, entry));
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n_crossings = |order: &mut dyn Iterator<Item = &(usize, Vec<f32>)>| {
        let lines: Vec<(f32, f32)> =
            order.enumerate().flat_map(|(index, (_, ends))| ends.iter().map(move |end| (index as f32, *end))).collect();
        crossings(&lines)
    };
    if n_crossings(&mut keyed.iter().map(|(_, entry)| *entry)) < n_crossings(&mut places.iter()) {
        keyed.into_iter().map(|(_, entry)| entry.0).collect()
    } else {
        items.to_vec()
    }
}

/// Both columns of a box, reordered in turns until that helps no more. `links` are pairs of a left and a right item.
pub fn untangle(left: &mut Vec<usize>, right: &mut Vec<usize>, links: &[(usize, usize)]) {
    let place = |column: &[usize], item: usize| column.iter().position(|other| *other == item).map(|index| index as f32);
    for _ in 0..4 {
        let before = (left.clone(), right.clone());
        *left = by_neighbours(left, |item| links.iter().filter(|link| link.0 == item).filter_map(|link| place(right, link.1)).collect());
        *right = by_neighbours(right, |item| links.iter().filter(|link| link.1 == item).filter_map(|link| place(left, link.0)).collect());
        if before.0 == *left && before.1 == *right {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_previous_layout_is_kept() {
        let rank = |item: usize| [Some(2.0), Some(1.0), None, Some(3.0)][item];
        assert_eq!(seeded(&[0, 1, 2, 3], rank), [1, 2, 0, 3]);
        assert_eq!(seeded(&[2, 0, 1, 3], rank), [2, 1, 0, 3]);
    }

    #[test]
    fn crossings_are_counted_once_each() {
        assert_eq!(crossings(&[(0.0, 0.0), (1.0, 1.0)]), 0);
        assert_eq!(crossings(&[(0.0, 1.0), (1.0, 0.0)]), 1);
        assert_eq!(crossings(&[(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]), 3);
        // Lines that share an end do not cross.
        assert_eq!(crossings(&[(0.0, 1.0), (0.0, 0.0), (1.0, 1.0)]), 0);
    }

    #[test]
    fn an_order_changes_only_where_that_saves_a_crossing() {
        assert_eq!(by_neighbours(&[7, 8, 9], |item| if item == 8 { vec![] } else { vec![5.0] }), [7, 8, 9]);
        assert_eq!(by_neighbours(&[7, 8, 9], |item| vec![-(item as f32)]), [9, 8, 7]);
    }

    #[test]
    fn two_columns_untangle() {
        let (mut left, mut right) = (vec![0, 1], vec![2, 3]);
        untangle(&mut left, &mut right, &[(0, 3), (1, 2)]);
        assert_eq!((left, right), (vec![1, 0], vec![2, 3]));
    }
}
