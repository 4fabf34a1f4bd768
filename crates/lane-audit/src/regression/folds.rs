//! Which rows are judged together by a model that saw none of them.

use lane_data::sample::permutation;
use lane_data::seed::stream;
use lane_metrics::ClassId;

use crate::ranking_error::RankingError;

/// A fold for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    of_rows: Vec<u8>,
    n_folds: u8,
}

impl Folds {
    /// Deals the rows into `n_folds`: the rows of each class are shuffled and dealt in turn, the
    /// next class going on where the last one stopped. So folds differ by one row at most, in all
    /// and within each class. A function of the arguments alone.
    ///
    /// # Errors
    ///
    /// [`RankingError::Setting`] for fewer than two folds, [`RankingError::TooFewRows`] for fewer
    /// than two rows a fold.
    pub fn deal(labels: &[ClassId], n_folds: u8, seed: u64) -> Result<Self, RankingError> {
        if n_folds < 2 {
            let value = f64::from(n_folds);
            return Err(RankingError::Setting { name: "n_folds", value, expected: "at least 2" });
        }
        let at_least = 2 * usize::from(n_folds);
        if labels.len() < at_least {
            return Err(RankingError::TooFewRows { n_rows: labels.len(), at_least });
        }
        Ok(Self { of_rows: deal(labels, u64::from(n_folds), seed), n_folds })
    }

    /// Takes folds dealt elsewhere; each row's fold, and how many there are.
    ///
    /// # Errors
    ///
    /// [`RankingError::Setting`] for fewer than two folds or a row in none of them.
    pub fn new(of_rows: Vec<u8>, n_folds: u8) -> Result<Self, RankingError> {
        let refuse = |name, value: u8, expected| {
            Err(RankingError::Setting { name, value: f64::from(value), expected })
        };
        if n_folds < 2 {
            return refuse("n_folds", n_folds, "at least 2");
        }
        match of_rows.iter().find(|fold| **fold >= n_folds) {
            Some(fold) => refuse("fold", *fold, "less than the number of folds"),
            None => Ok(Self { of_rows, n_folds }),
        }
    }

    /// Each row's fold, shape `[n_rows]`.
    pub fn of_rows(&self) -> &[u8] {
        &self.of_rows
    }

    /// How many there are.
    pub fn n_folds(&self) -> u8 {
        self.n_folds
    }
}

/// A part of each class, evenly: every `n_parts`-th of its shuffled rows, ascending.
pub(super) fn stratified_part(labels: &[ClassId], n_parts: usize, seed: u64) -> Vec<usize> {
    let classes = shuffled_classes(labels, stream(seed, "audit/part", &[]));
    let mut rows: Vec<_> = classes.into_iter().flatten().step_by(n_parts).collect();
    rows.sort_unstable();
    rows
}

fn deal(labels: &[ClassId], n_folds: u64, seed: u64) -> Vec<u8> {
    let mut of_rows = vec![0; labels.len()];
    let dealt = shuffled_classes(labels, stream(seed, "audit/folds", &[])).into_iter().flatten();
    for (place, row) in dealt.enumerate() {
        of_rows[row] = (place as u64 % n_folds) as u8;
    }
    of_rows
}

/// The rows of each class in random order, class by class.
fn shuffled_classes(labels: &[ClassId], seed: u64) -> Vec<Vec<usize>> {
    let n_classes = labels.iter().map(|label| label.index() + 1).max().unwrap_or_default();
    let mut classes = vec![Vec::new(); n_classes];
    for (row, label) in labels.iter().enumerate() {
        classes[label.index()].push(row);
    }
    let shuffle = |(class, rows): (usize, Vec<usize>)| {
        let order = permutation(rows.len(), stream(seed, "class", &[class as u64]));
        order.into_iter().map(|place| rows[place.index()]).collect()
    };
    classes.into_iter().enumerate().map(shuffle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<ClassId> {
        (0..53_u16).map(|row| ClassId(row * row % 7)).collect()
    }

    #[test]
    fn folds_differ_by_one_row_at_most_in_all_and_within_each_class() {
        let folds = Folds::deal(&labels(), 5, 1).unwrap();
        let even = |rows: &[usize]| {
            let size = |fold| rows.iter().filter(|row| folds.of_rows()[**row] == fold).count();
            let sizes: Vec<_> = (0..5).map(size).collect();
            sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1
        };
        assert!(even(&(0..53).collect::<Vec<_>>()));
        for class in 0..7 {
            let rows: Vec<_> = labels()
                .iter()
                .enumerate()
                .filter(|(_, label)| label.0 == class)
                .map(|(row, _)| row)
                .collect();
            assert!(even(&rows), "class {class}");
        }
    }

    #[test]
    fn another_seed_deals_other_folds_and_the_same_seed_the_same() {
        let deal = |seed| Folds::deal(&labels(), 5, seed).unwrap();
        assert_eq!(deal(1), deal(1));
        assert_ne!(deal(1), deal(2));
    }

    #[test]
    fn what_cannot_be_dealt_is_refused() {
        let message =
            |n_folds, n: usize| Folds::deal(&labels()[..n], n_folds, 1).unwrap_err().to_string();
        assert_eq!(message(1, 50), "`n_folds` is 1, expected at least 2");
        assert_eq!(message(5, 9), "expected at least 10 rows, got 9");
        let message = Folds::new(vec![0, 2], 2).unwrap_err().to_string();
        assert_eq!(message, "`fold` is 2, expected less than the number of folds");
    }

    #[test]
    fn a_part_holds_as_much_of_each_class() {
        let part = stratified_part(&labels(), 2, 3);
        assert_eq!(part.len(), 27);
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]));
        for class in 0..7 {
            let of = |rows: &mut dyn Iterator<Item = usize>| {
                rows.filter(|row| labels()[*row].0 == class).count()
            };
            let (all, some) = (of(&mut (0..53)), of(&mut part.iter().copied()));
            assert!(some == all / 2 || some == all.div_ceil(2), "class {class}: {some} of {all}");
        }
    }
}
