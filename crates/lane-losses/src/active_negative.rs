//! Active-negative losses: a normalized loss, and the negative of one upside down.
//!
//! ```text
//! NNCE_i = 1 − (A + log p_{i,y_i}) / Σ_k (A + log p_ik),     A = − log 1e-7
//! NNFL_i = 1 − (A_g − f_{i,y_i}) / Σ_k (A_g − f_ik),         A_g = − (1 − 1e-7)^g log 1e-7
//! ANL-CE = α NCE + β NNCE,     ANL-FL = α NFL + β NNFL
//! ```
//!
//! `p_i = softmax(z_i)`, held at 1e-7 and above in the negative parts, and `f` as in
//! [`normalized`]. The negative parts lie within `0..=1` and fall as the given label takes its
//! share of what the classes fall short of the worst, so that they learn from all the labels a
//! row does not have.
//!
//! Source: Ye et al. 2023 and Active-Negative-Loss at 0c50009: (α, β) = (5, 5) for CIFAR-10 and
//! (10, 1) for CIFAR-100, g = 0.5 with constant factors.
//!
//! Departure: the published sum has a third term, δ ‖θ‖₁ over all parameters, which keeps small
//! networks trained from nothing from overfitting. It is not part of this function of the
//! logits, and left out for encoders that were trained before, where it would drown the rest.

use burn::tensor::{Int, Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

use crate::normalized;

/// Least probability in the negative parts.
const FLOOR: f64 = 1e-7;

/// Weights of the two parts of ANL-CE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnlCeConfig {
    /// α, of the normalized part.
    pub alpha: f64,
    /// β, of the negative part.
    pub beta: f64,
}

impl Default for AnlCeConfig {
    fn default() -> Self {
        Self { alpha: 5.0, beta: 5.0 }
    }
}

/// Weights of the two parts of ANL-FL, and the exponent in both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnlFlConfig {
    /// α, of the normalized part.
    pub alpha: f64,
    /// β, of the negative part.
    pub beta: f64,
    /// g, at least zero.
    pub gamma: f64,
}

impl Default for AnlFlConfig {
    fn default() -> Self {
        Self { alpha: 5.0, beta: 5.0, gamma: 0.5 }
    }
}

/// Normalized negative cross-entropy of every row.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[n]`
///
/// # Panics
///
/// As [`normalized::nce`].
pub fn nnce(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    1 - normalized::share(floored(logits) - FLOOR.ln(), labels)
}

/// Normalized negative focal loss of every row; `gamma` is g, at least zero.
///
/// # Shapes
///
/// As [`nnce`].
///
/// # Panics
///
/// As [`nnce`].
pub fn nnfl(logits: Tensor<2>, labels: Tensor<1, Int>, gamma: f64) -> Tensor<1> {
    let worst = -(1.0 - FLOOR).powf(gamma) * FLOOR.ln();
    let focal = normalized::focal_of_every_class(floored(logits), gamma); // [n, c]
    // Rounding may put the focal loss of the floor above the worst.
    1 - normalized::share((worst - focal).clamp_min(0), labels)
}

/// ANL-CE of every row.
///
/// # Shapes
///
/// As [`nnce`].
///
/// # Panics
///
/// As [`nnce`].
pub fn anl_ce(logits: Tensor<2>, labels: Tensor<1, Int>, config: &AnlCeConfig) -> Tensor<1> {
    let negative = nnce(logits.clone(), labels.clone()); // [n]
    normalized::nce(logits, labels) * config.alpha + negative * config.beta
}

/// ANL-FL of every row.
///
/// # Shapes
///
/// As [`nnce`].
///
/// # Panics
///
/// As [`nnce`].
pub fn anl_fl(logits: Tensor<2>, labels: Tensor<1, Int>, config: &AnlFlConfig) -> Tensor<1> {
    let negative = nnfl(logits.clone(), labels.clone(), config.gamma); // [n]
    normalized::nfl(logits, labels, config.gamma) * config.alpha + negative * config.beta
}

/// Log-probabilities, none below that of the floor, `[n, c]`.
fn floored(logits: Tensor<2>) -> Tensor<2> {
    log_softmax(logits, 1).clamp_min(FLOOR.ln())
}
