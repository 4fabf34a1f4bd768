//! Cross-entropy of a batch: of each row, its mean, its mean under sample weights, and with soft
//! labels.
//!
//! ```text
//! ℓ_i   = − log softmax(z_i)[y_i] = logsumexp(z_i) − z_i[y_i]
//! L_CE  = (1/B) Σ_i ℓ_i
//! L_wCE = (1/B) Σ_i λ_i ℓ_i                               (LANE, eq. 7)
//! ℓ_i   = − Σ_k t_ik log softmax(z_i)[k]                  with soft labels t
//! ```
//!
//! `z` are logits `[B, C]`, `y` the *given* (possibly wrong) labels `[B]`, `λ` weights `[B]`,
//! `t` shares of the labels `[B, C]`.
//! In nats; never negative when the weights are not, because the largest logit is subtracted
//! before the exponential, which makes both terms of `log softmax` at most zero.
//!
//! Both means divide by the number of rows `B`, not by the sum of the weights: a batch of
//! distrusted rows moves the model less than a batch of trusted ones.

use burn::tensor::{Int, Tensor, activation::log_softmax};

use crate::unit_length;

/// Cross-entropy of every row.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[n]`
///
/// # Panics
///
/// If the two differ in their number of rows, or a label names no column.
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let [n, _] = logits.dims();
    log_softmax(logits, 1) // [n, c]
        .gather(1, labels.reshape([n, 1])) // [n, 1]
        .neg()
        .reshape([n])
}

/// Mean cross-entropy over the rows; zero for a batch without rows.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - `labels`: `[n]`
/// - returns: `[1]`
///
/// # Panics
///
/// As [`per_row`].
pub fn mean(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    over_rows(per_row(logits, labels))
}

/// Cross-entropy with sample weights, `(1/n) Σ λ_i ℓ_i` (LANE, eq. 7).
///
/// The weights are constants: no gradient flows into them, even from a tensor that asks for it.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - `labels`: `[n]`
/// - `weights`: `[n]`, usually in `0..=1`
/// - returns: `[1]`
///
/// # Panics
///
/// As [`per_row`]; also if there is not one weight for each row.
pub fn weighted(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    over_rows(per_row(logits, labels) * weights.detach())
}

/// Cross-entropy of every row with a soft label, `− Σ_k t_ik log p_ik`.
///
/// The labels are constants: no gradient flows into them, even if they came from a network.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - `targets`: `[n, c]`, rows that sum to one
/// - returns: `[n]`
///
/// # Panics
///
/// If the two differ in shape.
pub fn soft(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let [n, _] = logits.dims();
    (log_softmax(logits, 1) * targets.detach()).sum_dim(1).neg().reshape([n])
}

/// Logits brought to unit length, `z / max(‖z‖, 1e-12)`, to be given to a loss above.
///
/// Confidence is then bounded: cross-entropy of two classes stays above 0.21, of 100 above 3.6.
/// HMW trains so and predicts with `z` itself (Zhang et al. 2024, code HMW at 9e4f5ed).
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - returns: `[n, c]`
pub fn unit_logits(logits: Tensor<2>) -> Tensor<2> {
    unit_length::of_rows(logits)
}

/// Sum divided by the number of rows, where no rows give zero.
pub fn over_rows(per_row: Tensor<1>) -> Tensor<1> {
    let [n] = per_row.dims();
    per_row.sum() / n.max(1) as f32
}
