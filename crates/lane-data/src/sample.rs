//! A random part of the rows, or all of them in random order.

use lane_metrics::RowId;
use rand::RngExt;

use crate::seed;

/// `max_rows` of `n_rows` rows drawn without replacement, ascending; all rows if there are no
/// more than that.
///
/// A function of the arguments alone.
pub fn rows(n_rows: usize, max_rows: usize, seed: u64) -> Vec<RowId> {
    let mut chosen = choose(n_rows, max_rows, &mut seed::generator(seed, "sample/rows", &[]));
    chosen.sort_unstable();
    chosen.into_iter().map(RowId).collect()
}

/// All of `n_rows` rows in random order, a function of the arguments alone.
pub fn permutation(n_rows: usize, seed: u64) -> Vec<RowId> {
    let mut generator = seed::generator(seed, "sample/permutation", &[]);
    choose(n_rows, n_rows, &mut generator).into_iter().map(RowId).collect()
}

/// `amount` distinct numbers below `n`, in random order: the head of a Fisher–Yates shuffle.
pub(crate) fn choose(n: usize, amount: usize, generator: &mut impl rand::Rng) -> Vec<u32> {
    // No data set has more rows than a row id can number.
    let n = n.min(u32::MAX as usize);
    let mut numbers: Vec<u32> = (0..n as u32).collect();
    let amount = amount.min(n);
    for at in 0..amount {
        let other = generator.random_range(at..n);
        numbers.swap(at, other);
    }
    numbers.truncate(amount);
    numbers
}

/// Put `items` into random order.
pub(crate) fn shuffle<T>(items: &mut [T], generator: &mut impl rand::Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, generator.random_range(0..=last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_set_is_taken_whole() {
        assert_eq!(rows(3, 5, 1), [RowId(0), RowId(1), RowId(2)]);
        assert_eq!(rows(0, 5, 1), []);
        assert_eq!(rows(5, 0, 1), []);
    }

    #[test]
    fn part_is_ascending_without_repeats_and_depends_on_the_seed() {
        let part = rows(1000, 100, 1);
        assert_eq!(part.len(), 100);
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(part, rows(1000, 100, 1));
        assert_ne!(part, rows(1000, 100, 2));
    }

    #[test]
    fn a_permutation_has_every_row_once_and_depends_on_the_seed() {
        let order = permutation(100, 1);
        assert_ne!(order, permutation(100, 2));
        assert_eq!(order, permutation(100, 1));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).map(RowId).collect::<Vec<_>>());
    }

    #[test]
    fn every_row_is_drawn_about_equally_often() {
        let mut counts = [0_u32; 10];
        for seed in 0..2000 {
            for row in rows(10, 3, seed) {
                counts[row.index()] += 1;
            }
        }
        assert!(counts.iter().all(|count| (500..700).contains(count)), "{counts:?}");
    }
}
