//! Normalized losses: the loss of the given label as a share of the losses of all labels.
//!
//! ```text
//! NCE_i = log p_{i,y_i} / Σ_k log p_ik,     p_i = softmax(z_i)
//! NFL_i = f_{i,y_i} / Σ_k f_ik,             f_ik = − (1 − p_ik)^g log p_ik
//! ```
//!
//! Within `0..=1`. The sum over all labels is one for every row, which makes them symmetric and
//! robust to uniform noise; they fit slowly and are meant to be paired ([`crate::active_passive`],
//! [`crate::active_negative`]).
//!
//! Source: Ma et al. 2020; the factors `(1 − p)^g` are constants and g = 0.5 as in
//! Active-Passive-Losses at 04bce53.
//!
//! With two classes or more the denominator is above zero. With one it is 0/0, for which zero is
//! given; [`RobustLoss::validate`](crate::robust::RobustLoss::validate) refuses it.

use burn::tensor::{Int, Tensor, activation::log_softmax};

/// Stands for a denominator of zero, that of a single class; two classes stay far above it.
const SMALLEST_TOTAL: f64 = 1e-30;

/// Normalized cross-entropy of every row.
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
pub fn nce(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    share(log_softmax(logits, 1).neg(), labels)
}

/// Normalized focal loss of every row; `gamma` is g, at least zero.
///
/// # Shapes
///
/// As [`nce`].
///
/// # Panics
///
/// As [`nce`].
pub fn nfl(logits: Tensor<2>, labels: Tensor<1, Int>, gamma: f64) -> Tensor<1> {
    share(focal_of_every_class(log_softmax(logits, 1), gamma), labels)
}

/// `f_ik` from log-probabilities, `[n, c]`; the factor is a constant.
pub(crate) fn focal_of_every_class(log_p: Tensor<2>, gamma: f64) -> Tensor<2> {
    let factor = (log_p.clone().detach().exp().neg() + 1).powf_scalar(gamma); // [n, c]
    factor * log_p.neg()
}

/// The part of `of_class` (`[n, c]`, none negative) that stands at the label, `[n]`.
pub(crate) fn share(of_class: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let [n, _] = of_class.dims();
    let total = of_class.clone().sum_dim(1).clamp_min(SMALLEST_TOTAL); // [n, 1]
    (of_class.gather(1, labels.reshape([n, 1])) / total).reshape([n])
}
