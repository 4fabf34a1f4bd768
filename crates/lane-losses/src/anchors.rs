//! What the contrastive losses share: similarities, the term of an anchor, and the reduction.
//!
//! ```text
//! s_ab = ĥ_a · ĥ_b / τ,     ĥ = h / max(‖h‖, 1e-12)
//! t_a  = log Σ_{k ∈ D_a} e^{x_ak} − (1/|P_a|) Σ_{p ∈ P_a} s_ap,     P_a = { p ≠ a : y_p = y_a }
//! ```
//!
//! `D_a` are the rows an anchor's positives are compared with and `x` what stands in the
//! exponent there: `s` itself, or `s` and the logarithm of a weight. The losses differ in both,
//! and in what they do with `t_a` afterwards.
//!
//! An anchor with an empty `P_a` or `D_a` is skipped: its term is zero and has no gradient.

use burn::tensor::{Bool, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{log_sum_exp, pairs};

/// Stands for minus infinity where a pair is left out: its exponential is exactly zero, and
/// unlike the infinity it survives being multiplied by zero.
pub(crate) const LEFT_OUT: f32 = -1e30;

/// How the terms of the anchors become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Divide by the number of rows, skipped anchors included.
    #[default]
    BatchMean,
    /// Divide by the number of anchors that were not skipped.
    ValidMean,
    /// Do not divide.
    Sum,
}

/// The terms of the anchors before they are reduced.
#[derive(Clone, Debug)]
pub struct Anchors {
    /// One term for each row, shape `[n]`; zero where the anchor was skipped.
    pub terms: Tensor<1>,
    /// One where the anchor counts, zero where it was skipped, shape `[n]`.
    pub valid: Tensor<1>,
}

impl Anchors {
    /// The terms `t_a`.
    ///
    /// # Shapes
    ///
    /// - `similarity`: `[n, n]`, `s`
    /// - `exponents`: `[n, n]`, `x`
    /// - `compared`: `[n, n]`, true where the column belongs to `D` of the row
    /// - `labels`: `[n]`
    pub(crate) fn new(
        similarity: Tensor<2>,
        exponents: Tensor<2>,
        compared: Tensor<2, Bool>,
        labels: Tensor<1, Int>,
    ) -> Self {
        let [n] = labels.dims();
        let positive = pairs::same_label(labels).float(); // [n, n]
        let n_positives = positive.clone().sum_dim(1); // [n, 1]
        let valid = n_positives.clone().greater_elem(0).bool_and(compared.clone().any_dim(1)); // [n, 1]
        let repulsion = log_sum_exp::of_rows(exponents.mask_fill(compared.bool_not(), LEFT_OUT)); // [n, 1]
        let attraction = (positive * similarity).sum_dim(1) / n_positives.clamp_min(1); // [n, 1]
        let valid = valid.float(); // [n, 1]
        let terms = (repulsion - attraction) * valid.clone(); // [n, 1]
        Self { terms: terms.reshape([n]), valid: valid.reshape([n]) }
    }

    /// The terms of a batch without rows, whose masks and maxima burn refuses to take. They hang
    /// on `embeddings`, `[0, d]`, so that a backward pass has something to walk.
    pub(crate) fn empty(embeddings: Tensor<2>) -> Self {
        let terms = embeddings.sum_dim(1).reshape([0]);
        Self { valid: terms.clone().detach(), terms }
    }

    /// One number, `[1]`; zero if every anchor was skipped.
    pub fn reduce(self, reduction: Reduction) -> Tensor<1> {
        let [n] = self.terms.dims();
        match reduction {
            Reduction::BatchMean => self.terms.sum() / n.max(1) as f32,
            Reduction::ValidMean => self.terms.sum() / self.valid.sum().clamp_min(1),
            Reduction::Sum => self.terms.sum(),
        }
    }
}

/// The scalar products of all pairs of rows over the temperature, `[n, d]` to `[n, n]`.
pub(crate) fn similarities(rows: Tensor<2>, temperature: f64) -> Tensor<2> {
    rows.clone().matmul(rows.transpose()) / temperature
}
