//! The loss of softmax regression on all rows but one fold's, and its gradient.
//!
//! ```text
//! f(W, b)  = (C Σ_i CE(W x_i + b, y_i) + ½ |W|²) / (C n)
//! ∂f/∂W    = (C Σ_i (p_i − e_{y_i}) x_iᵀ + W) / (C n),     ∂f/∂b = Σ_i (p_i − e_{y_i}) / n
//! ```
//!
//! Rows are read in blocks where they stand. Rows of the fold left out go through the products with
//! the others and count for nothing: a quarter more arithmetic, and no copy of the features.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::Labelled;

mod sparse;

pub(super) use sparse::{SparseObjective, logits};

/// Rows multiplied at a time: their logits stay in the cache, and sums in f32 stay short.
const BLOCK: usize = 256;

/// The objective over dense features, and the buffers it is computed in.
pub(super) struct Objective<'a> {
    rows: Labelled<'a>,
    /// Row-major, shape `[n, d]`.
    values: &'a [f32],
    folds: &'a [u8],
    left_out: u8,
    inverse_penalty: f64,
    n_fitted: f64,
    /// W in f32, shape `[c, d]`.
    weights: Array2<f32>,
    /// Logits, then `p − e_y`, shape `[BLOCK, c]`.
    residuals: Vec<f32>,
    /// `Σ (p − e_y) xᵀ` of a block, shape `[c, d]`.
    products: Array2<f32>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        rows: Labelled<'a>,
        values: &'a [f32],
        folds: &'a [u8],
        left_out: u8,
        inverse_penalty: f64,
    ) -> Self {
        let shape = (rows.n_classes, rows.features.width());
        Self {
            rows,
            values,
            folds,
            left_out,
            inverse_penalty,
            n_fitted: n_fitted(folds, left_out),
            weights: Array2::zeros(shape),
            residuals: vec![0.0; BLOCK * rows.n_classes],
            products: Array2::zeros(shape),
        }
    }

    /// f at W and b (in this order in `at`); its gradient goes into `gradient`.
    pub(super) fn evaluate(&mut self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let n_weights = self.weights.len();
        let (weights, bias) = at.split_at(n_weights);
        self.weights.iter_mut().zip(weights).for_each(|(to, from)| *to = *from as f32);
        gradient.fill(0.0);
        let mut loss = 0.0;
        for first in (0..self.rows.labels.len()).step_by(BLOCK) {
            loss += self.add_block(first, bias, gradient);
        }
        (loss + penalty(weights, self.inverse_penalty, gradient, self.n_fitted)) / self.n_fitted
    }

    /// Adds one block to the gradient and returns its cross-entropy.
    fn add_block(&mut self, first: usize, bias: &[f64], gradient: &mut [f64]) -> f64 {
        let (width, n_rows) = (self.rows.features.width(), self.rows.labels.len());
        let n_block = BLOCK.min(n_rows - first);
        let values = &self.values[first * width..][..n_block * width];
        let n_classes = self.rows.n_classes;
        let residuals = &mut self.residuals[..n_block * n_classes];
        // The slices have these lengths, so there are always views.
        let Ok(x) = ArrayView2::from_shape((n_block, width), values) else { return 0.0 };
        let Ok(mut logits) = ArrayViewMut2::from_shape((n_block, n_classes), &mut *residuals)
        else {
            return 0.0;
        };
        general_mat_mul(1.0, &x, &self.weights.t(), 0.0, &mut logits);
        let (slopes, bias_slopes) = gradient.split_at_mut(self.weights.len());
        let mut loss = 0.0;
        for (row, residual) in (first..).zip(residuals.chunks_exact_mut(n_classes)) {
            if self.folds[row] == self.left_out {
                residual.fill(0.0);
                continue;
            }
            loss += to_residual(residual, bias, self.rows.labels[row].index());
            bias_slopes.iter_mut().zip(residual).for_each(|(sum, it)| *sum += f64::from(*it));
        }
        let Ok(residuals) = ArrayView2::from_shape((n_block, n_classes), &*residuals) else {
            return 0.0;
        };
        general_mat_mul(1.0, &residuals.t(), &x, 0.0, &mut self.products);
        slopes.iter_mut().zip(&self.products).for_each(|(sum, it)| *sum += f64::from(*it));
        loss
    }
}

/// Rows that count.
fn n_fitted(folds: &[u8], left_out: u8) -> f64 {
    folds.iter().filter(|fold| **fold != left_out).count().max(1) as f64
}

/// `½ |W|² / C`; its gradient is added to that of the cross-entropies, and all of it divided by n.
fn penalty(weights: &[f64], inverse_penalty: f64, gradient: &mut [f64], n_fitted: f64) -> f64 {
    let mut square = 0.0;
    for (slope, weight) in gradient.iter_mut().zip(weights) {
        *slope += weight / inverse_penalty;
        square += weight * weight;
    }
    for slope in gradient.iter_mut() {
        *slope /= n_fitted;
    }
    0.5 * square / inverse_penalty
}

/// Turns W x into `softmax(W x + b) − e_y` and returns the cross-entropy.
fn to_residual(row: &mut [f32], bias: &[f64], label: usize) -> f64 {
    row.iter_mut().zip(bias).for_each(|(logit, bias)| *logit = (f64::from(*logit) + bias) as f32);
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of_label = row[label] - largest;
    let mut sum = 0.0;
    for logit in row.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += f64::from(*logit);
    }
    for value in row.iter_mut() {
        *value = (f64::from(*value) / sum) as f32;
    }
    row[label] -= 1.0;
    sum.ln() - f64::from(of_label)
}
