//! Rows of probabilities with their given labels, checked once at the door.

use std::slice::ChunksExact;

use crate::error::MetricsError;
use crate::id::ClassId;

/// How far above 1 an entry may lie: the rounding of averaged probabilities.
const ABOVE_ONE: f64 = 1e-6;

/// How far from 1 a row may sum. Two decimals of a few classes pass, logits and independent
/// probabilities of several labels do not.
const SUM_TOLERANCE: f64 = 1e-2;

/// Sums kept side by side; the compiler makes vectors of them.
const LANES: usize = 4;

/// A block of rows: p, row-major, shape `[n_rows, n_classes]`, each row a distribution, and the
/// label y given to each row, shape `[n_rows]`.
///
/// ```
/// use lane_metrics::ClassId;
/// use lane_metrics::confident_learning::LabeledRows;
///
/// let labels = [ClassId(0), ClassId(1)];
/// assert_eq!(LabeledRows::new(&[0.7, 0.3, 0.4, 0.6], &labels, 2)?.n_rows(), 2);
/// assert_eq!(
///     LabeledRows::new(&[0.7, 0.3, 0.4, 0.4], &labels, 2).unwrap_err().to_string(),
///     "the probabilities of row 1 sum to 0.8, expected 1 to within 0.01"
/// );
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabeledRows<'a> {
    values: &'a [f64],
    labels: &'a [ClassId],
    n_classes: usize,
}

impl<'a> LabeledRows<'a> {
    /// Checks `values`, row-major, `n_classes` to a row, and one label a row. No rows are a block
    /// too.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooFewClasses`] below 2 classes, [`MetricsError::TooManyClasses`],
    /// [`MetricsError::Ragged`], [`MetricsError::CountMismatch`] unless there is a label a row,
    /// [`MetricsError::LabelOutOfRange`], [`MetricsError::ProbabilityOutOfRange`] on the first
    /// entry that is not in 0..=1 (up to 1e-6 above), [`MetricsError::ProbabilitySum`] on the
    /// first row that is farther than 0.01 from a sum of 1.
    pub fn new(
        values: &'a [f64],
        labels: &'a [ClassId],
        n_classes: usize,
    ) -> Result<Self, MetricsError> {
        Self::numbered(0, values, labels, n_classes)
    }

    /// As [`Self::new`] for a block in the middle of a file: errors count rows from `first_row`.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn numbered(
        first_row: usize,
        values: &'a [f64],
        labels: &'a [ClassId],
        n_classes: usize,
    ) -> Result<Self, MetricsError> {
        crate::logits::check_shape(values.len(), n_classes)?;
        let n_rows = values.len() / n_classes;
        if labels.len() != n_rows {
            return Err(MetricsError::CountMismatch {
                found: "labels",
                n_found: labels.len(),
                expected: "rows",
                n_expected: n_rows,
            });
        }
        if let Some(at) = labels.iter().position(|it| it.index() >= n_classes) {
            let (position, label) = (first_row + at, labels[at].0);
            return Err(MetricsError::LabelOutOfRange { position, label, n_classes });
        }
        match values.chunks_exact(n_classes).position(|row| !is_distribution(row)) {
            Some(at) => Err(fault(first_row + at, &values[at * n_classes..][..n_classes])),
            None => Ok(Self { values, labels, n_classes }),
        }
    }

    /// Number of rows.
    pub fn n_rows(self) -> usize {
        self.labels.len()
    }

    /// Number of classes, at least 2.
    pub fn n_classes(self) -> usize {
        self.n_classes
    }

    /// The given labels, shape `[n_rows]`.
    pub fn labels(self) -> &'a [ClassId] {
        self.labels
    }

    /// The probabilities of each row, shape `[n_classes]`, with its label.
    pub fn iter(
        self,
    ) -> std::iter::Zip<ChunksExact<'a, f64>, std::iter::Copied<std::slice::Iter<'a, ClassId>>>
    {
        self.values.chunks_exact(self.n_classes).zip(self.labels.iter().copied())
    }
}

fn is_distribution(row: &[f64]) -> bool {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (mut sums, mut lowest, mut highest) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            sums[lane] += value;
            lowest[lane] = if value < lowest[lane] { value } else { lowest[lane] };
            highest[lane] = if value > highest[lane] { value } else { highest[lane] };
        }
    }
    let mut sum: f64 = sums.iter().sum();
    let mut inside = lowest.iter().all(|it| *it >= 0.0);
    inside &= highest.iter().all(|it| *it <= 1.0 + ABOVE_ONE);
    for value in rest {
        sum += value;
        inside &= (0.0..=1.0 + ABOVE_ONE).contains(value);
    }
    // A NaN passes the comparisons of the lanes and shows in the sum.
    inside && (sum - 1.0).abs() <= SUM_TOLERANCE
}

/// What is wrong with a row that is no distribution.
fn fault(row: usize, values: &[f64]) -> MetricsError {
    match values.iter().position(|it| !(0.0..=1.0 + ABOVE_ONE).contains(it)) {
        Some(column) => MetricsError::ProbabilityOutOfRange { row, column, value: values[column] },
        None => MetricsError::ProbabilitySum { row, sum: values.iter().sum() },
    }
}

/// Rows that can be read several times from the start, in blocks and always in the same order.
///
/// A reader of a file is one: it opens the file anew for each pass. Rows in memory are one block.
pub trait RowBlocks {
    /// What reading can fail with besides the rows themselves.
    type Error: From<MetricsError>;

    /// Hands every block to `take`, from the first row to the last.
    ///
    /// # Errors
    ///
    /// The reader's own, and whatever `take` refuses.
    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), Self::Error>;
}

impl RowBlocks for LabeledRows<'_> {
    type Error = MetricsError;

    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), Self::Error> {
        take(*self)
    }
}

impl<B: RowBlocks + ?Sized> RowBlocks for &mut B {
    type Error = B::Error;

    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), Self::Error> {
        (**self).each_block(take)
    }
}
