//! What a text looks like to the regression that judges its label: means of a frozen encoder's
//! layers.
//!
//! ```text
//! h_l(i)   mean over the tokens of text i of hidden state l, l = 0 (embeddings) … M (last)
//! last:    x_i = h_M / |h_M|
//! three:   v_l = h_l(i) − mean_i h_l,  v_l ← v_l / |v_l|,  x_i = concat(v_M, v_⌊M/2⌋, v_0) / √3
//! ```
//!
//! Rows have length 1; a vector of zeros stays zero. [`last`] knows the meaning of a text,
//! [`three`] keeps syntax and style too. Of nine sets of questions, intents, feelings, reviews and
//! news with wrong labels, `three` was the likelier on eight, where it was worth about half of
//! what the ranking gains on the usual practice; on fine intents `last` was better. Without an
//! encoder, [`tf_idf`](crate::tf_idf) counts words and letters. Hence
//! [`choose`](crate::regression::choose) takes the one under which the labels are likelier.

use crate::ranking_error::{RankingError, check_counts};

/// A centred vector this much shorter than it was before is rounding, not direction.
const ROUNDING: f64 = 1e-9;

/// Checked numbers, row-major, shape `[n_rows, width]`, every one finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Layer<'a> {
    /// Checks `values`, row-major, `width` to a row.
    ///
    /// # Errors
    ///
    /// [`RankingError::Ragged`] when rows are not whole or have no width,
    /// [`RankingError::NotFinite`] with the place of the first NaN or infinity.
    pub fn new(values: &'a [f32], width: usize) -> Result<Self, RankingError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(RankingError::Ragged { len: values.len(), width });
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(Self { values, width }),
            Some(at) => Err(RankingError::NotFinite {
                row: at / width,
                column: at % width,
                value: values[at],
            }),
        }
    }

    /// Number of rows.
    pub fn n_rows(self) -> usize {
        self.values.len() / self.width
    }

    /// The mean of the rows, shape `[width]`.
    fn mean(self) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        for row in self.values.chunks_exact(self.width) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let n_rows = self.n_rows().max(1) as f64;
        for sum in &mut mean {
            *sum /= n_rows;
        }
        mean
    }
}

/// What the regression reads: shape `[n_rows, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    values: Values,
    width: usize,
}

/// Row by row, all of them or those that are not 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Dense(Vec<f32>),
    Sparse(Sparse),
}

/// Numbers that are mostly 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sparse {
    /// Where each row ends among the entries.
    ends: Vec<usize>,
    /// Column and value, columns ascending within a row.
    entries: Vec<(u32, f32)>,
}

impl Sparse {
    /// Adds a row; columns ascend.
    pub(crate) fn push(&mut self, row: impl Iterator<Item = (u32, f32)>) {
        self.entries.extend(row);
        self.ends.push(self.entries.len());
    }

    pub(crate) fn row(&self, row: usize) -> &[(u32, f32)] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start..self.ends[row]]
    }
}

impl Features {
    /// Takes features as they are, without centring or scaling.
    ///
    /// # Errors
    ///
    /// As [`Layer::new`].
    pub fn new(values: Vec<f32>, width: usize) -> Result<Self, RankingError> {
        Layer::new(&values, width)?;
        Ok(Self::dense(values, width))
    }

    fn dense(values: Vec<f32>, width: usize) -> Self {
        Self { values: Values::Dense(values), width }
    }

    pub(crate) fn sparse(values: Sparse, width: usize) -> Self {
        Self { values: Values::Sparse(values), width }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match &self.values {
            Values::Dense(values) => values.len() / self.width,
            Values::Sparse(values) => values.ends.len(),
        }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The given rows, in the given order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let values = match &self.values {
            Values::Dense(values) => {
                let of_row = |row: &usize| &values[row * self.width..][..self.width];
                Values::Dense(rows.iter().flat_map(of_row).copied().collect())
            }
            Values::Sparse(values) => {
                let mut selected = Sparse::default();
                for row in rows {
                    selected.push(values.row(*row).iter().copied());
                }
                Values::Sparse(selected)
            }
        };
        Self { values, width: self.width }
    }

    /// Row `row`, zeros written out, shape `[width]`.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, row: usize) -> Vec<f32> {
        let mut found = vec![0.0; self.width];
        match &self.values {
            Values::Dense(values) => {
                found.copy_from_slice(&values[row * self.width..][..self.width]);
            }
            Values::Sparse(values) => {
                values.row(row).iter().for_each(|(column, value)| found[*column as usize] = *value);
            }
        }
        found
    }
}

/// The last layer's rows at length 1, shape `[n_rows, width]`.
pub fn last(layer: Layer<'_>) -> Features {
    let mut values = Vec::with_capacity(layer.values.len());
    let nothing = vec![0.0; layer.width];
    for row in layer.values.chunks_exact(layer.width) {
        extend_with_direction(&mut values, row, &nothing, 1.0);
    }
    Features::dense(values, layer.width)
}

/// The rows of three layers, each centred and at equal length, side by side; the last layer first,
/// then the middle one, then the embeddings. Shape `[n_rows, sum of the widths]`.
///
/// # Errors
///
/// [`lane_metrics::MetricsError::CountMismatch`] when the layers have different numbers of rows.
pub fn three(layers: [Layer<'_>; 3]) -> Result<Features, RankingError> {
    let n_rows = layers[0].n_rows();
    for layer in &layers[1..] {
        check_counts("rows of a layer", layer.n_rows(), "rows of the last one", n_rows)?;
    }
    let means = layers.map(Layer::mean);
    let width: usize = layers.iter().map(|layer| layer.width).sum();
    let mut values = Vec::with_capacity(n_rows * width);
    for row in 0..n_rows {
        for (layer, mean) in layers.iter().zip(&means) {
            let vector = &layer.values[row * layer.width..][..layer.width];
            extend_with_direction(&mut values, vector, mean, 3.0_f64.sqrt());
        }
    }
    Ok(Features::dense(values, width))
}

/// Puts (vector − mean) / (|vector − mean| · shrink) at the end of `values`; zeros for zero.
fn extend_with_direction(values: &mut Vec<f32>, vector: &[f32], mean: &[f64], shrink: f64) {
    let centred = || vector.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean);
    let length = centred().map(|value| value * value).sum::<f64>().sqrt();
    let before = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let scale = if length > ROUNDING * before { 1.0 / (length * shrink) } else { 0.0 };
    values.extend(centred().map(|value| (value * scale) as f32));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_value_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refused = Layer::new(&[1.0, 2.0, 3.0, 4.0, bad, bad], 3).unwrap_err();
            let expected =
                format!("the feature at row 1, column 1 is {bad}, expected a finite number");
            assert_eq!(refused.to_string(), expected);
            assert!(Features::new(vec![bad], 1).is_err());
        }
    }

    #[test]
    fn rows_that_are_not_whole_are_refused() {
        let message = |width| Layer::new(&[0.0; 7], width).unwrap_err().to_string();
        assert_eq!(message(3), "7 values do not fill whole rows of 3");
        assert_eq!(message(0), "7 values do not fill whole rows of 0");
    }

    #[test]
    fn layers_of_different_texts_are_refused() {
        let (two, three_rows) = ([0.0; 4], [0.0; 6]);
        let [a, b] = [Layer::new(&two, 2).unwrap(), Layer::new(&three_rows, 2).unwrap()];
        let message = three([a, b, a]).unwrap_err().to_string();
        assert_eq!(message, "3 rows of a layer but 2 rows of the last one");
    }

    #[test]
    fn a_vector_of_zeros_stays_zero() {
        let layer = Layer::new(&[0.0, 0.0, 3.0, 4.0], 2).unwrap();
        assert_eq!([last(layer).row(0), last(layer).row(1)].concat(), [0.0, 0.0, 0.6, 0.8]);
    }

    #[test]
    fn a_layer_that_is_the_same_for_all_texts_says_nothing() {
        let (same, told) = ([0.1_f32; 6], [1.0, 0.0, 3.0, 0.0, 5.0, 0.0]);
        let [same, told] = [&same, &told].map(|it| Layer::new(it, 2).unwrap());
        let features = three([told, same, same]).unwrap();
        let third = 1.0 / 3.0_f32.sqrt();
        assert!((features.row(0)[0] + third).abs() < 1e-6, "{features:?}");
        assert_eq!(features.row(0)[1..], [0.0; 5]);
        assert_eq!(features.row(1), [0.0; 6]);
    }

    proptest! {
        #[test]
        fn a_constant_added_to_a_layer_changes_nothing_for_three(
            values in vec(-64_i16..64, 30),
            added in vec(-64_i16..64, 2),
        ) {
            let values: Vec<_> = values.into_iter().map(|it| f32::from(it) / 16.0).collect();
            let moved: Vec<_> = values
                .chunks_exact(2)
                .flat_map(|row| [row[0] + f32::from(added[0]), row[1] + f32::from(added[1])])
                .collect();
            let of = |values: &[f32]| {
                let layer = Layer::new(values, 2).unwrap();
                let features = three([layer; 3]).unwrap();
                (0..features.n_rows()).flat_map(|row| features.row(row)).collect::<Vec<_>>()
            };
            for (a, b) in of(&values).iter().zip(of(&moved)) {
                prop_assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }

        #[test]
        fn rows_have_length_one_or_none(values in vec(-10.0_f32..10.0, 12)) {
            let layer = Layer::new(&values, 3).unwrap();
            for features in [last(layer), three([layer; 3]).unwrap()] {
                for row in 0..4 {
                    let length = features.row(row).iter().map(|it| it * it).sum::<f32>().sqrt();
                    prop_assert!(length < 1.0 + 1e-5);
                }
            }
        }
    }
}
