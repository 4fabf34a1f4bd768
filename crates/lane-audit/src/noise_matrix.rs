//! Which label is given where another is meant: the part of it that is noise and not difficulty.
//!
//! ```text
//! P_ik  out-of-fold probability of class k in row i; y_i its given label; n rows, c classes
//! u     = max(0.005, share of wrong labels that flips to a random class leave room for,
//!         by the score −P_ik)
//! θ_j   = mean of P_ij over rows given j (1 where there are none)
//! a_i   = argmax_k P_ik among k with P_ik ≥ θ_k; rows with none are left out
//! N_jk  = rows with a = j and y = k, each column k scaled to the number of rows given k
//! n_j   = max(1, Σ_k N_jk),   D = N − Nᵀ
//! A_jk  = D_jk where D_jk > 2 √(N_jk + N_kj + 1), else 0
//! T_jk  = min(A_jk / n_j, 0.9) + u / (c − 1)   for j ≠ k
//! T_jj  = max(1 − Σ_{k≠j} T_jk, 0.05),   rows of T scaled to sum 1
//! ```
//!
//! Classes that are hard to tell apart are taken for each other both ways, while a bad rule of
//! annotation goes one way: only what goes one way by more than two standard errors is held to be
//! noise between two classes. u is the noise without direction
//! ([`planted_flips`](crate::planted_flips)).
//!
//! Range: entries of T in 0..=1, rows sum to 1, u in 0.005..=1, a = ΣA/ΣN in 0..=1. The constants
//! were set on 29 files of made noise (uniform, by pairs, by instance; 5 to 40 %) and two of
//! real noise, each of 600 or 2500 rows and 4 to 77 classes, by average precision. N is the
//! confident joint of Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021.

use lane_metrics::ClassId;

use crate::planted_flips::{PlantedFlips, rows_left_out};
use crate::ranking_error::{RankingError, check_counts, check_labels};

/// Least share of labels held to be flips to a random class.
const LEAST_UNIFORM: f64 = 0.005;
/// Standard errors by which one direction must outweigh the other.
const STANDARD_ERRORS: f64 = 2.0;
/// Largest share of a class's rows held to be given one other label.
const MOST_DIRECTED: f64 = 0.9;
/// Least chance that a label is given where it is true, before scaling.
const LEAST_RIGHT: f64 = 0.05;
/// Rounding of a threshold: a row at it reaches it, in whatever order the rows were summed.
const ROUNDING: f64 = 1e-12;
/// How far probabilities of a row may be from adding up to 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// Out-of-fold probabilities and the given labels: what every score here is made from.
#[derive(Clone, Copy, Debug)]
pub struct OutOfFold<'a> {
    probabilities: &'a [f64],
    labels: &'a [ClassId],
    n_classes: usize,
}

impl<'a> OutOfFold<'a> {
    /// Checks `probabilities`, row-major, shape `[n_rows, n_classes]`, against `labels`, shape
    /// `[n_rows]`.
    ///
    /// # Errors
    ///
    /// [`RankingError::Metrics`] for fewer than two classes, for labels that do not pair up with
    /// rows or name no class; [`RankingError::Ragged`] for rows that are not whole;
    /// [`RankingError::NotAProbability`] and [`RankingError::NotNormalized`] with the place;
    /// [`RankingError::TooFewRows`] below 21 rows, of which no share can be told.
    pub fn new(
        probabilities: &'a [f64],
        labels: &'a [ClassId],
        n_classes: usize,
    ) -> Result<Self, RankingError> {
        check_labels(labels, n_classes)?;
        if !probabilities.len().is_multiple_of(n_classes) {
            return Err(RankingError::Ragged { len: probabilities.len(), width: n_classes });
        }
        let n_rows = probabilities.len() / n_classes;
        check_counts("labels", labels.len(), "rows of probabilities", n_rows)?;
        for (row, values) in probabilities.chunks_exact(n_classes).enumerate() {
            check_row(row, values)?;
        }
        let at_least = rows_left_out(0) + 1;
        if n_rows < at_least {
            return Err(RankingError::TooFewRows { n_rows, at_least });
        }
        Ok(Self { probabilities, labels, n_classes })
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

    /// Probabilities of the classes in row `row`, shape `[n_classes]`.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(self, row: usize) -> &'a [f64] {
        &self.probabilities[row * self.n_classes..][..self.n_classes]
    }

    /// Each row's probabilities and given label, in order.
    pub(crate) fn rows(self) -> impl Iterator<Item = (&'a [f64], usize)> {
        let labels = self.labels.iter().map(|label| label.index());
        self.probabilities.chunks_exact(self.n_classes).zip(labels)
    }
}

fn check_row(row: usize, values: &[f64]) -> Result<(), RankingError> {
    let is_probability = |value: &f64| (0.0..=1.0 + SUM_TOLERANCE).contains(value);
    if let Some(column) = values.iter().position(|value| !is_probability(value)) {
        return Err(RankingError::NotAProbability { row, column, value: values[column] });
    }
    let sum: f64 = values.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(RankingError::NotNormalized { row, sum });
    }
    Ok(())
}

/// How labels are given: the chance of label k (column) where j is true (row).
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseMatrix {
    /// T, row-major, shape `[n_classes, n_classes]`, rows sum to 1.
    pub given_where_true: Vec<f64>,
    /// N, row-major, shape `[n_classes, n_classes]`: rows that look like j and are given k.
    pub confident_counts: Vec<f64>,
    /// u: share of labels that look like flips to a random class.
    pub uniform: f64,
    /// a: share of labels that look like one class given for another, one way.
    pub directed: f64,
}

impl NoiseMatrix {
    /// Estimates the matrix from out-of-fold probabilities, in O(n c log n).
    pub fn estimate(rows: OutOfFold<'_>) -> Self {
        let uniform = uniform_share(rows).max(LEAST_UNIFORM);
        let confident_counts = confident_counts(rows);
        let (given_where_true, directed) = trusted(&confident_counts, rows.n_classes, uniform);
        Self { given_where_true, confident_counts, uniform, directed }
    }

    /// u + a: the share of labels held to be wrong, before it is capped.
    pub fn share_wrong(&self) -> f64 {
        self.uniform + self.directed
    }
}

/// The share of wrong labels that flips to a random class leave room for; suspicious is what is
/// improbable.
fn uniform_share(rows: OutOfFold<'_>) -> f64 {
    let given = rows.rows().map(|(values, label)| -values[label]).collect();
    let mut flips = PlantedFlips::new(given);
    for (values, label) in rows.rows() {
        for (_, value) in values.iter().enumerate().filter(|(class, _)| *class != label) {
            flips.plant(-value, 1.0);
        }
    }
    flips.share_wrong()
}

/// Rows by the class they look like (row) and the label they are given (column).
fn confident_counts(rows: OutOfFold<'_>) -> Vec<f64> {
    let n_classes = rows.n_classes;
    let (thresholds, given) = self_confidence(rows);
    let mut counts = vec![0.0; n_classes * n_classes];
    for (values, label) in rows.rows() {
        if let Some(class) = confident_class(values, &thresholds) {
            counts[class * n_classes + label] += 1.0;
        }
    }
    for (column, n_given) in given.iter().enumerate() {
        let found: f64 = counts.iter().skip(column).step_by(n_classes).sum();
        let scale = n_given / found.max(1.0);
        counts.iter_mut().skip(column).step_by(n_classes).for_each(|count| *count *= scale);
    }
    counts
}

/// For each class, the mean probability of it over the rows given it, and how many those are.
fn self_confidence(rows: OutOfFold<'_>) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut given) = (vec![0.0; rows.n_classes], vec![0.0; rows.n_classes]);
    for (values, label) in rows.rows() {
        sums[label] += values[label];
        given[label] += 1.0;
    }
    let mean = |(sum, n): (&f64, &f64)| if *n > 0.0 { sum / n } else { 1.0 };
    (sums.iter().zip(&given).map(mean).collect(), given)
}

/// The most probable of the classes that reach their threshold; the first of equals.
fn confident_class(values: &[f64], thresholds: &[f64]) -> Option<usize> {
    let reached = values
        .iter()
        .zip(thresholds)
        .enumerate()
        .filter(|(_, (value, at))| **value + ROUNDING >= **at);
    let best = reached.fold(None, |best: Option<(usize, f64)>, (class, (value, _))| match best {
        Some((_, most)) if most >= *value => best,
        _ => Some((class, *value)),
    });
    best.map(|(class, _)| class)
}

/// T, and the share of all counts that goes one way.
fn trusted(counts: &[f64], n_classes: usize, uniform: f64) -> (Vec<f64>, f64) {
    let everywhere = uniform / (n_classes - 1) as f64;
    let mut matrix = vec![0.0; n_classes * n_classes];
    let mut directed = 0.0;
    for (true_class, row) in matrix.chunks_exact_mut(n_classes).enumerate() {
        let n_true: f64 = counts[true_class * n_classes..][..n_classes].iter().sum();
        for given in (0..n_classes).filter(|given| *given != true_class) {
            let surplus = one_way(counts, n_classes, true_class, given);
            directed += surplus;
            row[given] = (surplus / n_true.max(1.0)).min(MOST_DIRECTED) + everywhere;
        }
        row[true_class] = (1.0 - row.iter().sum::<f64>()).max(LEAST_RIGHT);
        scale_to_one(row);
    }
    let total: f64 = counts.iter().sum();
    (matrix, if total > 0.0 { directed / total } else { 0.0 })
}

/// `A_jk`: how much more often j is given k than k is given j, where that is no accident.
fn one_way(counts: &[f64], n_classes: usize, from: usize, to: usize) -> f64 {
    let (there, back) = (counts[from * n_classes + to], counts[to * n_classes + from]);
    let surplus = there - back;
    if surplus > STANDARD_ERRORS * (there + back + 1.0).sqrt() { surplus } else { 0.0 }
}

pub(crate) fn scale_to_one(row: &mut [f64]) {
    let sum: f64 = row.iter().sum();
    for value in row.iter_mut() {
        *value /= sum;
    }
}

#[cfg(test)]
mod tests;
