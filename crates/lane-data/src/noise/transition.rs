//! Row-stochastic matrices: the distribution of the noisy label given the old one.
//!
//! ```text
//! uniform            T_yy = 1 − r,            T_yk = r/(C−1)
//! uniform, inclusive T_yy = 1 − r + r/C,      T_yk = r/C
//! pairwise           T_yy = 1 − r,            T_y,(y+1 mod C) = r
//! from similarity    T_yy = 1 − r,            T_yk = r · S_yk / Σ_{j≠y} S_yj
//! expected rate      Σ_c π_c (1 − T_cc)
//! ```
//!
//! Entries are probabilities in 0..=1, rows sum to 1 within [`ROW_SUM_TOLERANCE`].

use lane_metrics::ClassId;

use crate::error::DataError;

/// How far a row may miss 1: a matrix printed with six digits for 100 classes passes.
pub const ROW_SUM_TOLERANCE: f64 = 1e-4;

/// A checked row-stochastic matrix, shape `[n_classes, n_classes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    values: Vec<f64>,
    n_classes: usize,
}

impl Transition {
    /// A matrix given row by row.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewClasses`], [`DataError::WrongSize`], [`DataError::BadEntry`] or
    /// [`DataError::RowSum`].
    pub fn new(values: Vec<f64>, n_classes: usize) -> Result<Self, DataError> {
        check_square("the transition matrix", &values, n_classes)?;
        check_entries("the probability", &values, n_classes, "0.0..=1.0", |value| {
            (0.0..=1.0).contains(&value)
        })?;
        for (row, entries) in values.chunks(n_classes).enumerate() {
            let sum: f64 = entries.iter().sum();
            if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
                return Err(DataError::RowSum { row, sum });
            }
        }
        Ok(Self { values, n_classes })
    }

    /// Noise to any other class with probability `rate`.
    ///
    /// # Errors
    ///
    /// [`DataError::Rate`] or [`DataError::TooFewClasses`], as for all that follow.
    pub fn uniform(rate: f64, n_classes: usize) -> Result<Self, DataError> {
        let off = rate / (n_classes as f64 - 1.0);
        Self::filled(rate, n_classes, |old, new| if old == new { 1.0 - rate } else { off })
    }

    /// Noise to any class, the old one included, with probability `rate`.
    ///
    /// # Errors
    ///
    /// As [`Self::uniform`].
    pub fn uniform_inclusive(rate: f64, n_classes: usize) -> Result<Self, DataError> {
        let off = rate / n_classes as f64;
        Self::filled(rate, n_classes, |old, new| off + if old == new { 1.0 - rate } else { 0.0 })
    }

    /// Noise to the next class, the last one to the first, with probability `rate`.
    ///
    /// # Errors
    ///
    /// As [`Self::uniform`].
    pub fn pairwise(rate: f64, n_classes: usize) -> Result<Self, DataError> {
        Self::filled(rate, n_classes, |old, new| {
            if old == new {
                1.0 - rate
            } else if new == (old + 1) % n_classes {
                rate
            } else {
                0.0
            }
        })
    }

    /// Noise spread over the other classes as they resemble the old one, for example by the
    /// confusions of a trained model.
    ///
    /// `similarity` is row-major, shape `[n_classes, n_classes]`, not negative; its diagonal is
    /// not read.
    ///
    /// # Errors
    ///
    /// As [`Self::uniform`]; [`DataError::WrongSize`], [`DataError::BadEntry`], and
    /// [`DataError::NoSimilarity`] for a class unlike all others.
    pub fn from_similarity(
        rate: f64,
        similarity: &[f64],
        n_classes: usize,
    ) -> Result<Self, DataError> {
        check_square("the similarity matrix", similarity, n_classes)?;
        check_entries("the similarity", similarity, n_classes, "a number from 0 up", |value| {
            value.is_finite() && 0.0 <= value
        })?;
        let sums: Vec<f64> = similarity
            .chunks(n_classes)
            .enumerate()
            .map(|(class, row)| others(row, class).sum())
            .collect();
        if let Some(class) = sums.iter().position(|sum| !(*sum > 0.0 && sum.is_finite())) {
            return Err(DataError::NoSimilarity { class });
        }
        Self::filled(rate, n_classes, |old, new| {
            let share = similarity[old * n_classes + new] / sums[old];
            if old == new { 1.0 - rate } else { rate * share }
        })
    }

    fn filled(
        rate: f64,
        n_classes: usize,
        entry: impl Fn(usize, usize) -> f64,
    ) -> Result<Self, DataError> {
        check_rate(rate)?;
        if n_classes < 2 {
            return Err(DataError::TooFewClasses { n_classes });
        }
        let values = (0..n_classes)
            .flat_map(|old| (0..n_classes).map(move |new| (old, new)))
            .map(|(old, new)| entry(old, new))
            .collect();
        Ok(Self { values, n_classes })
    }

    /// The distribution of the new label given `label`, shape `[n_classes]`.
    ///
    /// # Panics
    ///
    /// If the label names no class of this matrix.
    pub fn row(&self, label: ClassId) -> &[f64] {
        &self.values[label.index() * self.n_classes..][..self.n_classes]
    }

    /// All entries, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Rows and columns.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The part of these rows that the matrix flips on average; 0 without rows.
    ///
    /// # Panics
    ///
    /// If a label names no class of this matrix.
    pub fn expected_rate(&self, labels: &[ClassId]) -> f64 {
        if labels.is_empty() {
            return 0.0;
        }
        let flips = |label: &ClassId| 1.0 - self.row(*label)[label.index()];
        labels.iter().map(flips).sum::<f64>() / labels.len() as f64
    }

    pub(super) fn check_classes(&self, n_classes: usize) -> Result<(), DataError> {
        if self.n_classes == n_classes {
            return Ok(());
        }
        Err(DataError::WrongSize {
            what: "the transition matrix",
            n_found: self.values.len(),
            n_expected: n_classes * n_classes,
        })
    }
}

pub(super) fn check_rate(rate: f64) -> Result<(), DataError> {
    if (0.0..=1.0).contains(&rate) { Ok(()) } else { Err(DataError::Rate { rate }) }
}

fn others(row: &[f64], class: usize) -> impl Iterator<Item = f64> {
    row.iter().enumerate().filter(move |(at, _)| *at != class).map(|(_, value)| *value)
}

fn check_square(what: &'static str, values: &[f64], n_classes: usize) -> Result<(), DataError> {
    if n_classes < 2 {
        return Err(DataError::TooFewClasses { n_classes });
    }
    let (n_found, n_expected) = (values.len(), n_classes.saturating_mul(n_classes));
    if n_found != n_expected {
        return Err(DataError::WrongSize { what, n_found, n_expected });
    }
    Ok(())
}

fn check_entries(
    what: &'static str,
    values: &[f64],
    width: usize,
    expected: &'static str,
    fits: impl Fn(f64) -> bool,
) -> Result<(), DataError> {
    match values.iter().position(|value| !fits(*value)) {
        Some(at) => {
            let (row, column) = (at / width, at % width);
            Err(DataError::BadEntry { what, row, column, value: values[at], expected })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(made: Result<Transition, DataError>, message: &str) {
        assert_eq!(made.unwrap_err().to_string(), message);
    }

    #[test]
    fn every_constructor_gives_rows_that_sum_to_one() {
        let similarity: Vec<f64> = (0..25).map(f64::from).collect();
        for rate in [0.0, 0.2, 1.0] {
            for matrix in [
                Transition::uniform(rate, 5).unwrap(),
                Transition::uniform_inclusive(rate, 5).unwrap(),
                Transition::pairwise(rate, 5).unwrap(),
                Transition::from_similarity(rate, &similarity, 5).unwrap(),
            ] {
                assert!(Transition::new(matrix.values().to_vec(), 5).is_ok(), "{matrix:?}");
            }
        }
    }

    #[test]
    fn rows_that_are_no_distributions_are_refused() {
        refused(
            Transition::new(vec![0.5, 0.5, 0.5, 0.4], 2),
            "row 1 of the transition matrix sums to 0.9, expected 1",
        );
        refused(
            Transition::new(vec![1.5, -0.5, 0.0, 1.0], 2),
            "the probability at row 0, column 0 is 1.5, expected 0.0..=1.0",
        );
        refused(
            Transition::new(vec![1.0, f64::NAN, 0.0, 1.0], 2),
            "the probability at row 0, column 1 is NaN, expected 0.0..=1.0",
        );
    }

    #[test]
    fn matrix_of_the_wrong_size_is_refused() {
        refused(Transition::new(vec![1.0; 3], 2), "the transition matrix has 3 values, expected 4");
        refused(Transition::new(vec![1.0], 1), "noise needs at least 2 classes, got 1");
        refused(Transition::uniform(0.1, 0), "noise needs at least 2 classes, got 0");
    }

    #[test]
    fn class_unlike_all_others_is_refused() {
        refused(
            Transition::from_similarity(0.2, &[1.0, 0.0, 0.5, 1.0], 2),
            "class 0 has no similarity to any other class, so its noise has nowhere to go",
        );
        refused(
            Transition::from_similarity(0.2, &[1.0, -1.0, 0.5, 1.0], 2),
            "the similarity at row 0, column 1 is -1, expected a number from 0 up",
        );
    }

    #[test]
    fn rate_outside_its_range_is_refused() {
        refused(Transition::uniform(1.1, 2), "noise rate is 1.1, expected a fraction in 0.0..=1.0");
        refused(
            Transition::pairwise(f64::NAN, 2),
            "noise rate is NaN, expected a fraction in 0.0..=1.0",
        );
    }

    #[test]
    fn expected_rate_weighs_classes_by_their_rows() {
        let matrix = Transition::new(vec![1.0, 0.0, 0.5, 0.5], 2).unwrap();
        let labels = [ClassId(0), ClassId(0), ClassId(0), ClassId(1)];
        assert!((matrix.expected_rate(&labels) - 0.125).abs() < 1e-12);
        assert!(matrix.expected_rate(&[]).abs() < 1e-12);
    }
}
