//! Peer loss: what a row costs with its own label, less what strangers cost each other.
//!
//! ```text
//! L  = (1/B) Σ_i ℓ(z_i, y_i) − α (1/B') Σ_j ℓ(z_{n1(j)}, y_{n2(j)})
//! L' = (1/B) Σ_i ℓ(z_i, y_i) − α (1/B)  Σ_i Σ_k π_k ℓ(z_i, k)               in expectation
//! ℓ(z, y) = − log(softmax(z)[y] + ε),     ε = 1e-5
//! ```
//!
//! `n1` and `n2` are drawn independently and uniformly from the training set, not from the
//! batch; π are the frequencies of the given labels. Agreeing blindly with the labels pays
//! nothing, because it agrees with the strangers' labels as well. In nats, of either sign; the
//! peer term is subtracted, so ε is what bounds the loss from below, at `−α log(1/ε)` and a trace.
//! A single `ℓ` lies within `−log(1 + ε)..=−log ε`.
//!
//! Sources: Liu & Guo 2020 (α = 1); ε from the authors' multi-class code
//! (Multi-class-Peer-Loss at fba9eb6, runner.py), which raises α over the epochs.
//!
//! Departures: none in the loss. The published code pairs the inputs of the first batch of a new
//! iterator with the labels of the second; drawing peers is the caller's.

use burn::tensor::{Int, Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

use crate::cross_entropy::over_rows;

/// The weight of the peers, and what bounds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerConfig {
    /// α, of the subtracted term; at least zero, usually raised over the epochs.
    pub alpha: f64,
    /// ε, added to every probability. With zero, nothing bounds the loss from below.
    pub offset: f64,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self { alpha: 1.0, offset: 1e-5 }
    }
}

/// `ℓ` of every row.
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
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &PeerConfig) -> Tensor<1> {
    let [n, _] = logits.dims();
    of_every_class(logits, config).gather(1, labels.reshape([n, 1])).reshape([n])
}

/// `Σ_k π_k ℓ(z_i, k)` of every row: what a stranger's label costs on average.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - `prior`: `[c]`, frequencies of the given labels
/// - returns: `[n]`
///
/// # Panics
///
/// If the two differ in their number of classes.
pub fn expected(logits: Tensor<2>, prior: Tensor<1>, config: &PeerConfig) -> Tensor<1> {
    let [n, c] = logits.dims();
    (of_every_class(logits, config) * prior.reshape([1, c])).sum_dim(1).reshape([n])
}

/// The loss of a batch and its peers.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, `labels`: `[n]`, of the batch
/// - `peer_logits`: `[m, c]`, `peer_labels`: `[m]`, drawn apart from each other
/// - returns: `[1]`
///
/// # Panics
///
/// As [`per_row`].
pub fn loss(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    peer_logits: Tensor<2>,
    peer_labels: Tensor<1, Int>,
    config: &PeerConfig,
) -> Tensor<1> {
    let peers = over_rows(per_row(peer_logits, peer_labels, config));
    over_rows(per_row(logits, labels, config)) - peers * config.alpha
}

/// The loss of a batch with its peers in expectation, which needs no draws.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, `labels`: `[n]`
/// - `prior`: `[c]`
/// - returns: `[1]`
///
/// # Panics
///
/// As [`per_row`] and [`expected`].
pub fn expected_loss(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    prior: Tensor<1>,
    config: &PeerConfig,
) -> Tensor<1> {
    let peers = over_rows(expected(logits.clone(), prior, config));
    over_rows(per_row(logits, labels, config)) - peers * config.alpha
}

/// `− log(p_ik + ε)`, `[n, c]`, as the log-sum-exp of `log p` and `log ε`.
fn of_every_class(logits: Tensor<2>, config: &PeerConfig) -> Tensor<2> {
    let log_p = log_softmax(logits, 1); // [n, c]
    let log_offset = config.offset.ln();
    let largest = log_p.clone().detach().clamp_min(log_offset); // [n, c]
    let sum = (log_p - largest.clone()).exp() + (largest.clone().neg() + log_offset).exp();
    (sum.log() + largest).neg()
}
