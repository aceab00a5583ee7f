//! Where things go on one axis: as near as possible to where they would like to be, in order, and never overlapping.

/// The grid that every coordinate of the layout stands on.
pub const GRID: f32 = 4.0;

/// `value` on the grid.
pub fn snap(value: f32) -> f32 {
    (value / GRID).round() * GRID
}

/// `value` on the grid, not smaller.
pub fn snap_up(value: f32) -> f32 {
    (value / GRID).ceil() * GRID
}

/// Positions for things that wish to stand at `wishes`, in that order, with at least `gaps[i]` between thing `i` and thing `i + 1`,
/// and none before `floor`. Of all such positions these have the least sum of squared distances to the wishes (isotonic regression
/// by pooling neighbours that get in each other's way).
pub fn spread(wishes: &[f32], gaps: &[f32], floor: f32) -> Vec<f32> {
    // With every thing moved back by the room that those before it need at least, "in order and apart" becomes "not decreasing".
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wishes.len());
    for index in 0..wishes.len() {
        offsets.push(offset);
        offset += gaps.get(index).copied().unwrap_or(0.0);
    }
    let mut pools: Vec<(f32, usize)> = Vec::new();
    for (wish, offset) in wishes.iter().zip(&offsets) {
        pools.push((wish - offset, 1));
        while let [.., (before, n_before), (last, n_last)] = pools[..] {
            if before <= last {
                break;
            }
            let n = n_before + n_last;
            let mean = (before * n_before as f32 + last * n_last as f32) / n as f32;
            pools.truncate(pools.len() - 2);
            pools.push((mean, n));
        }
    }
    let level = pools.iter().flat_map(|(mean, n)| std::iter::repeat_n(snap(*mean).max(floor), *n));
    level.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

/// Wishes for things of which some have none: those follow the one before them at `pitch`, or precede the first that has one.
pub fn fill_wishes(wishes: &[Option<f32>], pitch: f32) -> Vec<f32> {
    let first = wishes.iter().position(Option::is_some);
    let mut next = match first {
        Some(index) => wishes[index].unwrap_or(0.0) - pitch * index as f32,
        None => 0.0,
    };
    wishes
        .iter()
        .map(|wish| {
            let at = wish.unwrap_or(next);
            next = at + pitch;
            at
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_that_are_apart_stay_where_they_wish() {
        assert_eq!(spread(&[0.0, 100.0, 200.0], &[40.0, 40.0], 0.0), [0.0, 100.0, 200.0]);
    }

    #[test]
    fn things_that_collide_share_the_way() {
        assert_eq!(spread(&[100.0, 100.0], &[40.0], 0.0), [80.0, 120.0]);
        assert_eq!(spread(&[100.0, 60.0, 300.0], &[40.0, 40.0], 0.0), [60.0, 100.0, 300.0]);
    }

    #[test]
    fn nothing_stands_before_the_floor() {
        assert_eq!(spread(&[-50.0, -50.0, 200.0], &[40.0, 40.0], 8.0), [8.0, 48.0, 200.0]);
    }

    #[test]
    fn things_without_a_wish_follow_their_predecessor() {
        assert_eq!(fill_wishes(&[None, Some(100.0), None, None], 10.0), [90.0, 100.0, 110.0, 120.0]);
        assert_eq!(fill_wishes(&[None, None], 10.0), [0.0, 10.0]);
    }
}
