//! What can be wrong with the numbers that labels are ranked by.

use lane_metrics::MetricsError;

/// Why labels could not be ranked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RankingError {
    /// Wrong counts, classes or labels.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The values do not fill whole rows, so rows and columns would be mixed up.
    #[error("{len} values do not fill whole rows of {width}")]
    Ragged {
        /// Number of values given.
        len: usize,
        /// Values to a row.
        width: usize,
    },
    /// An encoder that overflowed; a mean over rows would spread it to all of them.
    #[error("the feature at row {row}, column {column} is {value}, expected a finite number")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// Everything here is a ratio of probabilities.
    #[error("the probability at row {row}, column {column} is {value}, expected 0 to 1")]
    NotAProbability {
        /// Row, from 0.
        row: usize,
        /// Class, from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// Logits or scores in place of probabilities.
    #[error("the probabilities of row {row} add up to {sum}, expected 1")]
    NotNormalized {
        /// Row, from 0.
        row: usize,
        /// Their sum.
        sum: f64,
    },
    /// So few rows say nothing about the share of wrong labels.
    #[error("expected at least {at_least} rows, got {n_rows}")]
    TooFewRows {
        /// Number of rows given.
        n_rows: usize,
        /// The smallest number that makes sense.
        at_least: usize,
    },
    /// A setting outside its range.
    #[error("`{name}` is {value}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
}

/// Refuses lists of different lengths.
pub(crate) fn check_counts(
    found: &'static str,
    n_found: usize,
    expected: &'static str,
    n_expected: usize,
) -> Result<(), RankingError> {
    if n_found == n_expected {
        return Ok(());
    }
    Err(MetricsError::CountMismatch { found, n_found, expected, n_expected }.into())
}

/// Refuses fewer than two classes, and the first label that names none of them.
pub(crate) fn check_labels(
    labels: &[lane_metrics::ClassId],
    n_classes: usize,
) -> Result<(), RankingError> {
    if n_classes < 2 {
        return Err(MetricsError::TooFewClasses { n_classes }.into());
    }
    match labels.iter().position(|label| label.index() >= n_classes) {
        None => Ok(()),
        Some(position) => {
            let label = labels[position].0;
            Err(MetricsError::LabelOutOfRange { position, label, n_classes }.into())
        }
    }
}
