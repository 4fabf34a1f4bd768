//! How suspicious a label is: the score that ranks rows by default.
//!
//! P, y, T as in [`noise_matrix`](crate::noise_matrix).
//!
//! ```text
//! R_i          = P_iy T_yy / Σ_j P_ij T_jy           chance that the given label stands
//! G_jk         = Σ_{i : y_i = k} P_ij + [j = k] + 0.001,  rows scaled to sum 1
//! S_i          = P_iy G_yy / Σ_j P_ij G_jy
//! suspicion_i  = −log(R_i + 1e−30) − ¼ log(S_i + 1e−30)
//! suggested    = argmax_{k≠y} P_ik T_ky,   its probability P_ik T_ky / Σ_j P_ij T_jy
//! ```
//!
//! Shape `[n]`, from 0 (up to rounding) to about 86, higher being more suspicious; comparable
//! within one audit only. R holds what goes one way to be noise, S holds every disagreement to be;
//! where the direction is real R finds far more, where R sees none S still ranks. Both are those
//! of a model of the noise: they rank well, but are not calibrated where T is off.
//!
//! The constants and the form were chosen by average precision on 39 files (made noise of three
//! kinds on seven sets, human and weakly supervised noise on two more), of which two sets and one
//! kind of noise were kept aside: 0.687 in the mean, where self-confidence of a logistic
//! regression over the same encoder's mean embeddings has 0.587. For labels flipped to a *random*
//! class in few rows (5 %), plain self-confidence out of fold is better by up to 0.08.

use lane_metrics::{ClassId, RowId};

use crate::noise_matrix::{NoiseMatrix, OutOfFold, scale_to_one};

/// Weight of log S beside log R.
const WEIGHT_OF_ALL: f64 = 0.25;
/// Keeps the logarithm of nothing finite.
const FLOOR: f64 = 1e-30;
/// Added to G everywhere, so that classes never seen together divide nothing by zero.
const SMOOTHING: f64 = 1e-3;

/// Judges the labels of an audit.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    rows: OutOfFold<'a>,
    noise: NoiseMatrix,
    /// G, row-major, shape `[n_classes, n_classes]`.
    all: Vec<f64>,
}

/// What is known of one label of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The label that fits best among the others.
    pub label: ClassId,
    /// The chance that it is the true one.
    pub probability: f64,
}

/// `Σ_j P_ij T_jk` and `Σ_j P_ij G_jk` of one row, shape `[n_classes]` each.
#[derive(Clone, Debug, Default)]
struct Given {
    by_noise: Vec<f64>,
    by_all: Vec<f64>,
}

impl<'a> Judge<'a> {
    /// Estimates the noise of `rows` and judges by it.
    pub fn new(rows: OutOfFold<'a>) -> Self {
        Self { rows, noise: NoiseMatrix::estimate(rows), all: disagreements(rows) }
    }

    /// The noise that was estimated.
    pub fn noise(&self) -> &NoiseMatrix {
        &self.noise
    }

    /// The rows judged.
    pub fn rows(&self) -> OutOfFold<'a> {
        self.rows
    }

    /// How suspicious each given label is, shape `[n_rows]`, finite.
    pub fn suspicions(&self) -> Vec<f64> {
        let mut given = Given::default();
        let of_row = |(values, label): (&[f64], usize)| {
            self.fill(values, &mut given);
            self.suspicion(values, label, &given)
        };
        self.rows.rows().map(of_row).collect()
    }

    /// R: the chance that each given label stands, shape `[n_rows]`, in 0..=1.
    pub fn stands(&self) -> Vec<f64> {
        let (n_classes, matrix) = (self.rows.n_classes(), &self.noise.given_where_true);
        let of_row = |(values, label): (&[f64], usize)| {
            share(values, label, matrix, column_sum(values, matrix, label), n_classes)
        };
        self.rows.rows().map(of_row).collect()
    }

    /// The label that fits best among those not given, for each row.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        self.rows.rows().map(|(values, label)| self.suggestion(values, label)).collect()
    }

    fn suggestion(&self, values: &[f64], label: usize) -> Suggestion {
        let (n_classes, matrix) = (self.rows.n_classes(), &self.noise.given_where_true);
        let fit = |class: usize| values[class] * matrix[class * n_classes + label];
        // Two classes at least, so there is another.
        let first = usize::from(label == 0);
        let others = (0..n_classes).filter(|class| *class != label);
        let best =
            others.fold(first, |best, class| if fit(class) > fit(best) { class } else { best });
        let total = column_sum(values, matrix, label);
        let probability = if total > 0.0 { fit(best) / total } else { 0.0 };
        Suggestion { label: ClassId(best as u16), probability }
    }

    /// Calls `look` with each row's number and suspicions of *every* label (shape `[n_classes]`), one
    /// row at a time.
    pub(crate) fn for_each_row(&self, mut look: impl FnMut(usize, &[f64])) {
        let mut given = Given::default();
        let mut suspicions = vec![0.0; self.rows.n_classes()];
        for (row, (values, _)) in self.rows.rows().enumerate() {
            self.fill(values, &mut given);
            for (label, suspicion) in suspicions.iter_mut().enumerate() {
                *suspicion = self.suspicion(values, label, &given);
            }
            look(row, &suspicions);
        }
    }

    fn fill(&self, values: &[f64], given: &mut Given) {
        times(values, &self.noise.given_where_true, &mut given.by_noise);
        times(values, &self.all, &mut given.by_all);
    }

    fn suspicion(&self, values: &[f64], label: usize, given: &Given) -> f64 {
        let n_classes = self.rows.n_classes();
        let matrix = &self.noise.given_where_true;
        let by_noise = share(values, label, matrix, given.by_noise[label], n_classes);
        let by_all = share(values, label, &self.all, given.by_all[label], n_classes);
        -(by_noise + FLOOR).ln() - WEIGHT_OF_ALL * (by_all + FLOOR).ln()
    }
}

/// The rows, most suspicious first; of equals the earlier one.
pub fn ranking(suspicions: &[f64]) -> Vec<RowId> {
    let mut rows: Vec<_> = (0..suspicions.len() as u32).map(RowId).collect();
    rows.sort_by(|a, b| suspicions[b.index()].total_cmp(&suspicions[a.index()]));
    rows
}

/// G: the labels given to rows of each class, by the model's own probabilities.
fn disagreements(rows: OutOfFold<'_>) -> Vec<f64> {
    let n_classes = rows.n_classes();
    let mut all = vec![SMOOTHING; n_classes * n_classes];
    all.iter_mut().step_by(n_classes + 1).for_each(|value| *value += 1.0);
    for (values, label) in rows.rows() {
        for (class, value) in values.iter().enumerate() {
            all[class * n_classes + label] += value;
        }
    }
    all.chunks_exact_mut(n_classes).for_each(scale_to_one);
    all
}

/// `P_iy M_yy / Σ_j P_ij M_jy`.
fn share(values: &[f64], label: usize, matrix: &[f64], total: f64, n_classes: usize) -> f64 {
    let stands = values[label] * matrix[label * n_classes + label];
    if total > 0.0 { stands / total } else { 0.0 }
}

/// One entry of the row vector times the matrix.
fn column_sum(values: &[f64], matrix: &[f64], column: usize) -> f64 {
    let entries = matrix.iter().skip(column).step_by(values.len());
    values.iter().zip(entries).map(|(value, entry)| value * entry).sum()
}

/// The row vector times the matrix.
fn times(values: &[f64], matrix: &[f64], product: &mut Vec<f64>) {
    product.clear();
    product.resize(values.len(), 0.0);
    for (value, row) in values.iter().zip(matrix.chunks_exact(values.len())) {
        product.iter_mut().zip(row).for_each(|(sum, entry)| *sum += value * entry);
    }
}

#[cfg(test)]
pub(crate) mod tests;
