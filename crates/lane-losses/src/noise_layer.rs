//! The noise adaptation layer: the network predicts true labels, a matrix turns them noisy.
//!
//! ```text
//! q_i = p_i Θ,     p_i = softmax(z_i),     ℓ_i = − log max(q_i[y_i], 1e-12)
//! Θ_jk    = softmax_k(b_jk)                    P(given label k | true label j), simple model
//! Θ_jk(h) = softmax_k(u_jk · h + b_jk)         complex model: depends on the text
//! ```
//!
//! `b` is `[C, C]` and `u` `[C, C, d]`, both learned; `h` is the sentence embedding. In nats,
//! never negative but for rounding. Trained through `q`, predicted with `p`: nothing in the loss
//! tells one permutation of the true labels from another, so `b` must start near the truth, and
//! the network be trained without the layer first. A row below the floor has no gradient.
//!
//! Source: Goldberger & Ben-Reuven 2017 and `noisy_labels` at c5570af (mnist-simple.ipynb,
//! channel.py): `u` starts at zero, `b` from the confusions of the network trained without the
//! layer or, without one, from an assumed rate of noise.
//!
//! Departures: `log q` is a log-sum-exp of `log p + log Θ` instead of the log of a product. A
//! class that is never predicted has an empty row of confusions (0/0 in the original); it takes
//! the row of the assumed rate. The small random jitter of the original is left to the caller.

use burn::tensor::{Int, Tensor, activation::log_softmax};

use crate::log_sum_exp;

/// Least probability of a given label.
const FLOOR: f64 = 1e-12;

/// Keeps the logarithm of an empty cell of `b` finite.
const EMPTY_CELL: f64 = 1e-8;

/// `ℓ` of every row under the simple model.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, `z`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - `transition`: `[c, c]`, `b`, true class in the row
/// - returns: `[n]`
///
/// # Panics
///
/// If rows or classes differ in number, or a label names no column.
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, transition: Tensor<2>) -> Tensor<1> {
    let given = log_softmax(transition, 1).transpose().select(0, labels); // [n, c], log Θ_{·,y}
    of_joint(log_softmax(logits, 1) + given)
}

/// `ℓ` of every row under a model with a matrix for each row, as [`transition_of`] gives it.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - `labels`: `[n]`
/// - `transitions`: `[n, c, c]`
/// - returns: `[n]`
///
/// # Panics
///
/// As [`per_row`].
pub fn per_row_with(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    transitions: Tensor<3>,
) -> Tensor<1> {
    let [n, c] = logits.dims();
    let column = labels.reshape([n, 1, 1]).repeat_dim(1, c); // [n, c, 1]
    let given = log_softmax(transitions, 2).gather(2, column).reshape([n, c]); // [n, c]
    of_joint(log_softmax(logits, 1) + given)
}

/// The matrix of every row under the complex model, `u_jk · h_i + b_jk`, before softmax.
///
/// # Shapes
///
/// - `embeddings`: `[n, d]`, `h`
/// - `weights`: `[c, c, d]`, `u`
/// - `transition`: `[c, c]`, `b`
/// - returns: `[n, c, c]`
///
/// # Panics
///
/// If widths or classes differ in number.
pub fn transition_of(
    embeddings: Tensor<2>,
    weights: Tensor<3>,
    transition: Tensor<2>,
) -> Tensor<3> {
    let [n, _] = embeddings.dims();
    let [c, _, d] = weights.dims();
    let moved = embeddings.matmul(weights.reshape([c * c, d]).transpose()); // [n, c²]
    (moved + transition.reshape([1, c * c])).reshape([n, c, c])
}

/// `b` for an assumed rate of noise ε spread evenly over the other classes, row after row:
/// `log(1 − ε)` on the diagonal, `log(ε / (C − 1))` elsewhere.
pub fn from_rate(n_classes: usize, rate: f64) -> Vec<f64> {
    let cell = |at: usize| {
        if at / n_classes == at % n_classes { 1.0 - rate } else { rate / (n_classes - 1) as f64 }
    };
    (0..n_classes * n_classes).map(|at| cell(at).max(EMPTY_CELL).ln()).collect()
}

/// `b` from the confusions of a network trained without the layer, row after row:
/// `log(N_jk / Σ_k N_jk + 1e-8)`, and the row of [`from_rate`] for a class never predicted.
///
/// `counts` holds, for each predicted class, how many training rows carry each given label, or
/// sums of predicted probabilities for a soft version; cells beyond whole rows are ignored.
pub fn from_confusion(counts: &[f64], n_classes: usize, rate: f64) -> Vec<f64> {
    let assumed = from_rate(n_classes, rate);
    let rows = counts.chunks_exact(n_classes.max(1)).zip(assumed.chunks_exact(n_classes.max(1)));
    rows.flat_map(|(counts, assumed)| {
        let total: f64 = counts.iter().sum();
        counts.iter().zip(assumed).map(move |(count, assumed)| {
            if total > 0.0 { (count / total + EMPTY_CELL).ln() } else { *assumed }
        })
    })
    .collect()
}

/// `− log max(Σ_j e^{x_ij}, 1e-12)` of the joint log-probabilities of true class and given label.
fn of_joint(x: Tensor<2>) -> Tensor<1> {
    let [n, _] = x.dims();
    log_sum_exp::of_rows(x).clamp_min(FLOOR.ln()).neg().reshape([n])
}
