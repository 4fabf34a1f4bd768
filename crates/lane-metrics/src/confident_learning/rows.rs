//! Rows of probabilities with their given labels, checked once at the door.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use std::slice::ChunksExact;

use crate::error::MetricsError;
use crate::id::ClassId;
use crate::vectors::{Loop, none_outside, sum, widest};

/// The largest entry: averaged probabilities are rounded.
const MOST: f64 = 1.0 + 1e-6;

/// How far from 1 a row may sum. Two decimals of a few classes pass, logits and independent
/// probabilities of several labels do not.
const SUM_TOLERANCE: f64 = 1e-2;

/// Values in a block of [`RawRows`]: a quarter of a megabyte, which the second cache holds.
const BLOCK: usize = 1 << 15;

/// Values that are looked at twice before the next come.
const PIECE: usize = 1024;

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
        check_labels(first_row, values, labels, n_classes)?;
        match widest(FirstFault { values, n_classes }) {
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

    /// All probabilities, row-major, shape `[n_rows, n_classes]`.
    pub(super) fn values(self) -> &'a [f64] {
        self.values
    }

    /// The probabilities of each row, shape `[n_classes]`, with its label.
    pub fn iter(
        self,
    ) -> std::iter::Zip<ChunksExact<'a, f64>, std::iter::Copied<std::slice::Iter<'a, ClassId>>>
    {
        self.values.chunks_exact(self.n_classes).zip(self.labels.iter().copied())
    }
}

/// Whole rows with a label each that names a column.
fn check_labels(
    first_row: usize,
    values: &[f64],
    labels: &[ClassId],
    n_classes: usize,
) -> Result<(), MetricsError> {
    crate::logits::check_shape(values.len(), n_classes)?;
    let (n_found, n_expected) = (labels.len(), values.len() / n_classes);
    if n_found != n_expected {
        let (found, expected) = ("labels", "rows");
        return Err(MetricsError::CountMismatch { found, n_found, expected, n_expected });
    }
    if let Some(at) = labels.iter().position(|it| it.index() >= n_classes) {
        let (position, label) = (first_row + at, labels[at].0);
        return Err(MetricsError::LabelOutOfRange { position, label, n_classes });
    }
    Ok(())
}

/// The first row that is no distribution.
struct FirstFault<'a> {
    values: &'a [f64],
    n_classes: usize,
}

impl Loop for FirstFault<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run(self) -> Option<usize> {
        let n_classes = self.n_classes;
        let n_rows = (PIECE / n_classes).max(1);
        for (at, piece) in self.values.chunks(n_rows * n_classes).enumerate() {
            // Every value of a piece, then every row of it while it lies in the nearest cache.
            let mut all_fine = none_outside(piece, MOST);
            for row in piece.chunks_exact(n_classes) {
                all_fine &= sums_to_one(row);
            }
            if !all_fine {
                let is_faulty = |row: &[f64]| !none_outside(row, MOST) || !sums_to_one(row);
                let found = piece.chunks_exact(n_classes).position(is_faulty);
                return found.map(|it| at * n_rows + it);
            }
        }
        None
    }
}

/// A NaN passes the comparisons of [`none_outside`] and shows here.
#[inline(always)]
fn sums_to_one(row: &[f64]) -> bool {
    (sum(row) - 1.0).abs() <= SUM_TOLERANCE
}

/// What is wrong with a row that is no distribution.
fn fault(row: usize, values: &[f64]) -> MetricsError {
    match values.iter().position(|it| !(0.0..=MOST).contains(it)) {
        Some(column) => MetricsError::ProbabilityOutOfRange { row, column, value: values[column] },
        None => MetricsError::ProbabilitySum { row, sum: values.iter().sum() },
    }
}

/// Rows in memory whose probabilities nobody has looked at yet.
///
/// As [`RowBlocks`], some hundred kilobytes at a time are checked and handed out while they lie in
/// the processor's caches: of a matrix larger than those, that spares a pass over the memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawRows<'a> {
    values: &'a [f64],
    labels: &'a [ClassId],
    n_classes: usize,
}

impl<'a> RawRows<'a> {
    /// Checks shape and labels; the probabilities when they are read.
    ///
    /// # Errors
    ///
    /// As [`LabeledRows::new`], but for the probabilities.
    pub fn new(
        values: &'a [f64],
        labels: &'a [ClassId],
        n_classes: usize,
    ) -> Result<Self, MetricsError> {
        check_labels(0, values, labels, n_classes)?;
        Ok(Self { values, labels, n_classes })
    }
}

impl RowBlocks for RawRows<'_> {
    type Error = MetricsError;

    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), MetricsError> {
        let n_rows = (BLOCK / self.n_classes).max(1);
        let blocks = self.values.chunks(n_rows * self.n_classes).zip(self.labels.chunks(n_rows));
        for (first_row, (values, labels)) in (0..).step_by(n_rows).zip(blocks) {
            take(LabeledRows::numbered(first_row, values, labels, self.n_classes)?)?;
        }
        Ok(())
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
