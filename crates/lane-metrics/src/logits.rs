//! Checked views of the two networks' outputs: whole rows, enough classes, no NaN.
//!
//! The checks are made once, at the door; what takes a [`Logits`] need not ask again.
//!
//! - [`Logits`]: z^θ, before softmax, any finite number, shape `[n_rows, n_classes]`.
//! - [`Probabilities`]: w = softmax(z^Π), the same shape; an entry must be in 0..=1 (up to
//!   rounding) and is checked when it is read.
//!
//! Both borrow; both are `Copy`; neither allocates.

use std::slice::ChunksExact;

use ndarray::ArrayView2;

use crate::error::MetricsError;
use crate::id::ClassId;

/// The largest number of columns a [`ClassId`](crate::ClassId) can tell apart.
pub const MAX_CLASSES: usize = 1 << 16;

/// How far above 1 an entry of a softmax may land by rounding in half precision.
const ABOVE_ONE: f32 = 1e-4;

/// Values looked at together; wide enough for the compiler to use the widest vectors it has.
const LANES: usize = 16;

/// Logits of a batch, row-major, shape `[n_rows, n_classes]`, every value finite.
///
/// ```
/// use lane_metrics::{Logits, MetricsError};
///
/// let logits = Logits::new(&[2.0, 0.5, -1.0, 0.2, -0.3, 0.7], 3)?;
/// assert_eq!((logits.n_rows(), logits.n_classes()), (2, 3));
/// assert_eq!(logits.row(1), [0.2, -0.3, 0.7]);
///
/// let refused = Logits::new(&[2.0, 0.5, f32::NAN, 0.2], 2);
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "the logit at row 1, column 0 is NaN, expected a finite number"
/// );
/// # Ok::<(), MetricsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logits<'a>(RawLogits<'a>);

impl<'a> Logits<'a> {
    /// Checks `values`, row-major, `n_classes` to a row. No rows at all is a batch too.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooFewClasses`] below 2 classes, [`MetricsError::TooManyClasses`] over
    /// [`MAX_CLASSES`], [`MetricsError::Ragged`] when the last row is not whole,
    /// [`MetricsError::NotFinite`] with the place of the first NaN or infinity.
    pub fn new(values: &'a [f32], n_classes: usize) -> Result<Self, MetricsError> {
        RawLogits::new(values, n_classes)?.check()
    }

    /// Number of rows.
    pub fn n_rows(self) -> usize {
        self.0.n_rows()
    }

    /// Number of classes, at least 2.
    pub fn n_classes(self) -> usize {
        self.0.n_classes
    }

    /// Row `row` of the batch, shape `[n_classes]`.
    ///
    /// # Panics
    ///
    /// When the batch has no such row.
    pub fn row(self, row: usize) -> &'a [f32] {
        self.0.row(row)
    }

    /// The rows in order, each of shape `[n_classes]`.
    pub fn rows(self) -> ChunksExact<'a, f32> {
        self.0.values.chunks_exact(self.0.n_classes)
    }
}

/// Logits of a batch of the right shape, `[n_rows, n_classes]`, whose values nobody has read yet.
///
/// What takes these reads every value anyway and refuses one that is not finite on the way, which
/// saves a pass over the batch: [`MarginWeights::update`](crate::weights::MarginWeights::update).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawLogits<'a> {
    values: &'a [f32],
    n_classes: usize,
}

impl<'a> RawLogits<'a> {
    /// Checks the shape of `values`, row-major, `n_classes` to a row.
    ///
    /// # Errors
    ///
    /// As [`Logits::new`], but for the values.
    pub fn new(values: &'a [f32], n_classes: usize) -> Result<Self, MetricsError> {
        check_shape(values.len(), n_classes)?;
        Ok(Self { values, n_classes })
    }

    /// Reads every value.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NotFinite`] with the place of the first NaN or infinity.
    pub fn check(self) -> Result<Logits<'a>, MetricsError> {
        if all_finite(self.values) {
            return Ok(Logits(self));
        }
        // Off the fast path, the place is looked for.
        let at = self.values.iter().position(|it| !it.is_finite()).unwrap_or_default();
        let (row, column) = (at / self.n_classes, at % self.n_classes);
        Err(MetricsError::NotFinite { row, column, value: self.values[at] })
    }

    /// Number of rows.
    pub fn n_rows(self) -> usize {
        self.values.len() / self.n_classes
    }

    /// Number of classes, at least 2.
    pub fn n_classes(self) -> usize {
        self.n_classes
    }

    pub(crate) fn row(self, row: usize) -> &'a [f32] {
        &self.values[row * self.n_classes..][..self.n_classes]
    }

    /// The values of `n_rows` rows at a time, then the rows left over one at a time.
    pub(crate) fn blocks(self, n_rows: usize) -> (ChunksExact<'a, f32>, ChunksExact<'a, f32>) {
        let blocks = self.values.chunks_exact(n_rows * self.n_classes);
        let rest = blocks.remainder().chunks_exact(self.n_classes);
        (blocks, rest)
    }
}

impl<'a> From<Logits<'a>> for RawLogits<'a> {
    fn from(logits: Logits<'a>) -> Self {
        logits.0
    }
}

impl<'a> TryFrom<ArrayView2<'a, f32>> for Logits<'a> {
    type Error = MetricsError;

    /// Takes an array in standard layout; the same checks as [`Logits::new`].
    fn try_from(array: ArrayView2<'a, f32>) -> Result<Self, MetricsError> {
        let (values, n_classes) = standard_layout(array)?;
        Self::new(values, n_classes)
    }
}

/// Probabilities of a batch, row-major, shape `[n_rows, n_classes]`, every value read in 0..=1.
///
/// They are meant to come from a softmax. Only the rival's entry of a row is ever used, and only
/// where the margin is negative, so an entry is checked when it is read and the door asks for the
/// shape alone: reading a whole second matrix would cost more than everything else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probabilities<'a> {
    values: &'a [f32],
    n_classes: usize,
}

impl<'a> Probabilities<'a> {
    /// Checks the shape of `values`, row-major, `n_classes` to a row.
    ///
    /// # Errors
    ///
    /// As [`Logits::new`], but for the values.
    pub fn new(values: &'a [f32], n_classes: usize) -> Result<Self, MetricsError> {
        check_shape(values.len(), n_classes)?;
        Ok(Self { values, n_classes })
    }

    /// The probability of `class` in row `row`.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NotAProbability`] for an entry that is NaN, negative or above 1 by more
    /// than rounding (1e-4).
    ///
    /// # Panics
    ///
    /// When there is no such row or class.
    pub fn entry(self, row: usize, class: ClassId) -> Result<f32, MetricsError> {
        let value = self.row(row)[class.index()];
        if is_probability(value) {
            return Ok(value);
        }
        Err(MetricsError::NotAProbability { row, column: class.index(), value })
    }

    /// Number of rows.
    pub fn n_rows(self) -> usize {
        self.values.len() / self.n_classes
    }

    /// Number of classes, at least 2.
    pub fn n_classes(self) -> usize {
        self.n_classes
    }

    /// Row `row` of the batch, shape `[n_classes]`.
    ///
    /// # Panics
    ///
    /// When the batch has no such row.
    pub fn row(self, row: usize) -> &'a [f32] {
        &self.values[row * self.n_classes..][..self.n_classes]
    }

    /// The rows in order, each of shape `[n_classes]`.
    pub fn rows(self) -> ChunksExact<'a, f32> {
        self.values.chunks_exact(self.n_classes)
    }
}

impl<'a> TryFrom<ArrayView2<'a, f32>> for Probabilities<'a> {
    type Error = MetricsError;

    /// Takes an array in standard layout; the same checks as [`Probabilities::new`].
    fn try_from(array: ArrayView2<'a, f32>) -> Result<Self, MetricsError> {
        let (values, n_classes) = standard_layout(array)?;
        Self::new(values, n_classes)
    }
}

/// Whether a value is a probability, up to rounding; NaN is not.
#[inline]
pub(crate) fn is_probability(value: f32) -> bool {
    (0.0..=1.0 + ABOVE_ONE).contains(&value)
}

/// Refuses a shape that no classifier has.
pub(crate) fn check_shape(len: usize, n_classes: usize) -> Result<(), MetricsError> {
    if n_classes < 2 {
        return Err(MetricsError::TooFewClasses { n_classes });
    }
    if n_classes > MAX_CLASSES {
        return Err(MetricsError::TooManyClasses { n_classes });
    }
    if !len.is_multiple_of(n_classes) {
        return Err(MetricsError::Ragged { len, n_classes });
    }
    Ok(())
}

fn standard_layout(array: ArrayView2<'_, f32>) -> Result<(&[f32], usize), MetricsError> {
    let (n_rows, n_classes) = array.dim();
    match array.to_slice() {
        Some(values) => Ok((values, n_classes)),
        None => Err(MetricsError::NotStandardLayout { n_rows, n_classes }),
    }
}

/// Whether every value is finite, without stopping early inside a chunk, so that it vectorizes.
fn all_finite(values: &[f32]) -> bool {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let chunk_passes =
        |chunk: &[f32; LANES]| chunk.iter().fold(true, |ok, value| ok & value.is_finite());
    chunks.iter().all(chunk_passes) && rest.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;

    #[track_caller]
    fn check(values: &[f32], n_classes: usize, expected: &str) {
        let shown = match Logits::new(values, n_classes) {
            Ok(logits) => format!("{} rows of {}", logits.n_rows(), logits.n_classes()),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn whole_rows_of_finite_values_are_taken() {
        check(&[0.0; 6], 3, "2 rows of 3");
        check(&[f32::MAX, f32::MIN], 2, "1 rows of 2");
    }

    #[test]
    fn no_rows_are_a_batch_too() {
        check(&[], 3, "0 rows of 3");
    }

    #[test]
    fn one_class_and_too_many_classes_are_refused() {
        check(&[0.0; 4], 1, "error: expected at least 2 classes, got 1");
        check(&[], 0, "error: expected at least 2 classes, got 0");
        check(&[], 70_000, "error: expected at most 65536 classes, got 70000");
    }

    #[test]
    fn a_ragged_last_row_is_refused() {
        check(&[0.0; 7], 3, "error: 7 values do not fill whole rows of 3 classes");
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_named_wherever_it_stands() {
        for at in 0..99 {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = [1.0; 99];
                values[at] = bad;
                values[98] = bad;
                let (row, column) = (at / 3, at % 3);
                let found = Logits::new(&values, 3).unwrap_err().to_string();
                let expected = format!(
                    "the logit at row {row}, column {column} is {bad}, expected a finite number"
                );
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn entries_that_are_no_probability_are_refused_when_read() {
        for bad in [-0.001, 1.001, f32::NAN, f32::INFINITY] {
            let values = [0.5, 0.5, 0.5, bad];
            let probabilities = Probabilities::new(&values, 2).unwrap();
            let found = probabilities.entry(1, ClassId(1)).unwrap_err().to_string();
            let expected = format!("the probability at row 1, column 1 is {bad}, expected 0 to 1");
            assert_eq!(found, expected);
            assert_eq!(probabilities.entry(1, ClassId(0)), Ok(0.5));
        }
        let rounded_up = Probabilities::new(&[0.0, 1.000_01], 2).unwrap();
        assert_eq!(rounded_up.entry(0, ClassId(1)), Ok(1.000_01));
    }

    #[test]
    fn a_standard_layout_array_is_a_view_of_the_same_rows() {
        let array = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let logits = Logits::try_from(array.view()).unwrap();
        assert_eq!(logits.rows().collect::<Vec<_>>(), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let probabilities = array.mapv(|value| value / 10.0);
        assert_eq!(Probabilities::try_from(probabilities.view()).unwrap().row(0), [0.1, 0.2, 0.3]);
    }

    #[test]
    fn a_transposed_array_is_refused_and_not_read_as_other_rows() {
        let array = Array2::<f32>::zeros((2, 3));
        assert_eq!(
            Logits::try_from(array.t()).unwrap_err().to_string(),
            "the array of shape [3, 2] is not in standard (row-major) layout"
        );
    }
}
