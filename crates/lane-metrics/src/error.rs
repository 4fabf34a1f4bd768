//! What can be wrong with the numbers handed in: what was found, what was expected, where.
//!
//! Every message is a fragment that fits after `failed to …:`. Nothing in this crate does IO,
//! so there are no sources to chain.

/// Why a quantity could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// With one class no label can be wrong, and a margin has no rival.
    #[error("expected at least 2 classes, got {n_classes}")]
    TooFewClasses {
        /// Number of columns given.
        n_classes: usize,
    },
    /// A class id is 16 bits wide.
    #[error("expected at most {limit} classes, got {n_classes}", limit = crate::logits::MAX_CLASSES)]
    TooManyClasses {
        /// Number of columns given.
        n_classes: usize,
    },
    /// The values do not fill whole rows, so rows and columns would be mixed up.
    #[error("{len} values do not fill whole rows of {n_classes} classes")]
    Ragged {
        /// Number of values given.
        len: usize,
        /// Number of columns given.
        n_classes: usize,
    },
    /// A view with gaps or another order would be read as the wrong numbers.
    #[error("the array of shape [{n_rows}, {n_classes}] is not in standard (row-major) layout")]
    NotStandardLayout {
        /// Rows of the array.
        n_rows: usize,
        /// Columns of the array.
        n_classes: usize,
    },
    /// Training diverged; averaging a NaN would hide it.
    #[error("the logit at row {row}, column {column} is {value}, expected a finite number")]
    NotFinite {
        /// Row of the batch, from 0.
        row: usize,
        /// Class, from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// Dividing by something that is no probability gives a number that means nothing.
    #[error("the probability at row {row}, column {column} is {value}, expected 0 to 1")]
    NotAProbability {
        /// Row of the batch, from 0.
        row: usize,
        /// Class, from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// A count or a mean of what is no probability means nothing.
    #[error("the probability at row {row}, column {column} is {value}, expected 0 to 1")]
    ProbabilityOutOfRange {
        /// Row, from 0.
        row: usize,
        /// Class, from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// Scores that are no distribution over the classes: logits, or one probability a label.
    #[error("the probabilities of row {row} sum to {sum}, expected 1 to within 0.01")]
    ProbabilitySum {
        /// Row, from 0.
        row: usize,
        /// What they sum to.
        sum: f64,
    },
    /// Two lists that must pair up do not.
    #[error("{n_found} {found} but {n_expected} {expected}")]
    CountMismatch {
        /// What the shorter or longer list holds, in the plural.
        found: &'static str,
        /// Its length.
        n_found: usize,
        /// What it must pair up with, in the plural.
        expected: &'static str,
        /// The length that was expected.
        n_expected: usize,
    },
    /// A label that names no column has no margin.
    #[error("the label at position {position} is {label}, expected one under {n_classes}")]
    LabelOutOfRange {
        /// Place in the list of labels, from 0.
        position: usize,
        /// The label found there.
        label: u16,
        /// Number of classes.
        n_classes: usize,
    },
    /// A row id beyond the data set has no store.
    #[error("the row id at position {position} is {row}, expected one under {n_rows}")]
    RowOutOfRange {
        /// Place in the list of rows, from 0.
        position: usize,
        /// The row id found there.
        row: u32,
        /// Rows of the data set.
        n_rows: usize,
    },
    /// A row id is 32 bits wide.
    #[error("expected at most {limit} rows, got {n_rows}", limit = u32::MAX)]
    TooManyRows {
        /// Rows of the data set.
        n_rows: usize,
    },
    /// A margin handed in is no number, and would spoil the row's average for good.
    #[error("the margin of row {row} is {value}, expected a finite number")]
    MarginNotFinite {
        /// Row of the data set.
        row: u32,
        /// The margin or label-aware margin.
        value: f32,
    },
    /// A probability of a label outside its range would bend every mean it enters.
    #[error("the label probability of row {row} is {value}, expected 0 to 1")]
    LabelProbability {
        /// Row of the data set.
        row: u32,
        /// What was handed in.
        value: f64,
    },
    /// Forgetting is a change from one epoch to a later one, so their order matters.
    #[error("row {row} was seen in epoch {epoch} after epoch {last}, expected a later one")]
    EpochNotLater {
        /// Row of the data set.
        row: u32,
        /// The epoch handed in, from 0.
        epoch: u32,
        /// The last epoch it was seen in.
        last: u32,
    },
    /// A schedule ends with its last epoch.
    #[error("the epoch is {epoch}, expected one under {n_epochs}")]
    EpochOutOfRange {
        /// The epoch handed in, from 0.
        epoch: u32,
        /// Epochs of the schedule.
        n_epochs: u32,
    },
    /// A row that was never seen has no place among the others.
    #[error("row {row} was never seen, expected every row in at least one epoch")]
    RowNeverSeen {
        /// Row of the data set.
        row: u32,
    },
    /// How far the rivals lie apart cannot be asked of a single rival.
    #[error("the spread of the rivals needs at least 3 classes, got {n_classes}")]
    NoThirdClass {
        /// Number of columns given.
        n_classes: usize,
    },
    /// Disjoint sets cannot hold more rows than there are.
    #[error("{n_sets} disjoint sets of {n_each} rows need {needed} rows, got {n_rows}", needed = n_sets.saturating_mul(*n_each))]
    NotEnoughRows {
        /// Sets asked for.
        n_sets: usize,
        /// Rows of each.
        n_each: usize,
        /// Rows given.
        n_rows: usize,
    },
    /// Sets drawn from an order that names a row twice overlap.
    #[error("row {row} stands in the order more than once")]
    RowRepeated {
        /// Row of the data set.
        row: u32,
    },
    /// Weights by ALM are asked for, but without the auxiliary network there is no ALM.
    #[error("weights by `alm` need the auxiliary network's probabilities, got none")]
    AuxiliaryMissing,
    /// A setting lies outside its range.
    #[error("`{field}` is {value}, expected {expected}")]
    SettingOutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// The variance below the mean needs all values at once; a running count over visits has none.
    #[error("`variance = \"below-mean\"` cannot be kept with `statistics = \"visits-welford\"`")]
    BelowMeanOfVisits,
    /// A list that must hold some numbers holds fewer.
    #[error("expected at least {at_least} values, got {n_values}")]
    TooFewValues {
        /// The smallest number that makes sense.
        at_least: usize,
        /// How many were given.
        n_values: usize,
    },
    /// Two components cannot be told apart when all values are the same.
    #[error("all {n_values} values are {value}, expected at least two different ones")]
    ConstantValues {
        /// How many were given.
        n_values: usize,
        /// The one value.
        value: f64,
    },
    /// A value that cannot be ordered or summed would decide the result silently.
    #[error("the value at position {position} is {value}, expected a finite number")]
    ValueNotFinite {
        /// Place in the list, from 0.
        position: usize,
        /// What stands there.
        value: f64,
    },
}
