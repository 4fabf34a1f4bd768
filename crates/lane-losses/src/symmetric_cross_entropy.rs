//! Symmetric cross-entropy: cross-entropy, and its reverse with label and prediction swapped.
//!
//! ```text
//! RCE_i = − Σ_k p_ik log onehot(y_i)_k = − A (1 − p_i),     A = log 1e-4 ≈ −9.21
//! SCE_i = α CE_i + β RCE_i,                                 p_i = softmax(z_i)[y_i]
//! ```
//!
//! Never negative when α and β are not. The zeros of the one-hot label are read as 1e-4, which
//! gives the reverse its scale; apart from it RCE is the mean absolute error. CE fits, RCE keeps
//! the fit from following wrong labels.
//!
//! Source: Wang et al. 2019, with (α, β) = (0.1, 1) for CIFAR-10 and (6, 0.1) for CIFAR-100, and
//! Active-Passive-Losses at 04bce53.
//!
//! Departure: that code also holds every `p_ik` at 1e-7, which shifts the value by less than
//! 1e-6 C and is left out.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{cross_entropy, mean_absolute_error};

/// What the zeros of a one-hot label are read as.
const ONE_HOT_FLOOR: f64 = 1e-4;

/// Weights of the two parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceConfig {
    /// α, of cross-entropy.
    pub alpha: f64,
    /// β, of its reverse.
    pub beta: f64,
}

impl Default for SceConfig {
    fn default() -> Self {
        Self { alpha: 0.1, beta: 1.0 }
    }
}

/// Reverse cross-entropy of every row.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[n]`
///
/// # Panics
///
/// As [`cross_entropy::per_row`].
pub fn rce(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    mean_absolute_error::per_row(logits, labels) * -ONE_HOT_FLOOR.ln()
}

/// Symmetric cross-entropy of every row.
///
/// # Shapes
///
/// As [`rce`].
///
/// # Panics
///
/// As [`rce`].
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &SceConfig) -> Tensor<1> {
    let reverse = rce(logits.clone(), labels.clone()); // [n]
    cross_entropy::per_row(logits, labels) * config.alpha + reverse * config.beta
}
