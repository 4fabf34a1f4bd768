//! The same objective over features that are mostly 0.
//!
//! W has shape `[d, c]` here: what a column of the features says of the classes stands together, and
//! both products read and write it in one piece. Rows of the fold left out are skipped.

use super::super::{Labelled, log_softmax};
use super::{n_fitted, penalty};
use crate::features::Sparse;

/// The objective over sparse features.
pub(in crate::regression) struct SparseObjective<'a> {
    rows: Labelled<'a>,
    values: &'a Sparse,
    folds: &'a [u8],
    left_out: u8,
    inverse_penalty: f64,
    n_fitted: f64,
    /// Logits, then `p − e_y`, shape `[c]`.
    residual: Vec<f64>,
}

impl<'a> SparseObjective<'a> {
    pub(in crate::regression) fn new(
        rows: Labelled<'a>,
        values: &'a Sparse,
        folds: &'a [u8],
        left_out: u8,
        inverse_penalty: f64,
    ) -> Self {
        let (n_fitted, residual) = (n_fitted(folds, left_out), vec![0.0; rows.n_classes]);
        Self { rows, values, folds, left_out, inverse_penalty, n_fitted, residual }
    }

    /// f at W and b (in this order in `at`); its gradient goes into `gradient`.
    pub(in crate::regression) fn evaluate(&mut self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let n_classes = self.rows.n_classes;
        let (weights, bias) = at.split_at(at.len() - n_classes);
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (row, label) in self.rows.labels.iter().enumerate() {
            if self.folds[row] == self.left_out {
                continue;
            }
            let entries = self.values.row(row);
            logits(weights, bias, entries, &mut self.residual);
            log_softmax(&mut self.residual);
            loss -= self.residual[label.index()];
            self.residual.iter_mut().for_each(|it| *it = it.exp());
            self.residual[label.index()] -= 1.0;
            let (slopes, of_bias) = gradient.split_at_mut(weights.len());
            for &(column, value) in entries {
                let slopes = &mut slopes[column as usize * n_classes..][..n_classes];
                let value = f64::from(value);
                slopes.iter_mut().zip(&self.residual).for_each(|(to, r)| *to += value * r);
            }
            of_bias.iter_mut().zip(&self.residual).for_each(|(to, r)| *to += r);
        }
        (loss + penalty(weights, self.inverse_penalty, gradient, self.n_fitted)) / self.n_fitted
    }
}

/// W x + b.
pub(in crate::regression) fn logits(
    weights: &[f64],
    bias: &[f64],
    entries: &[(u32, f32)],
    into: &mut [f64],
) {
    into.copy_from_slice(bias);
    for &(column, value) in entries {
        let weights = &weights[column as usize * bias.len()..][..bias.len()];
        let value = f64::from(value);
        into.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += value * weight);
    }
}
