//! Asymmetric generalized cross-entropy.
//!
//! ```text
//! AGCE_i = ((a + 1)^q − (a + p_i)^q) / q,     p_i = softmax(z_i)[y_i]
//! ∂AGCE_i/∂z_i = p_i (a + p_i)^{q−1} (softmax(z_i) − onehot(y_i))
//! ```
//!
//! Never negative, zero at p = 1; a ≥ 0, q > 0. With a = 0 it is generalized cross-entropy.
//! For the right a and q it is asymmetric: under noise that leaves the true class the most
//! frequent one, its minimum is that of clean labels.
//!
//! Source: Zhou et al. 2021 in the form of Active-Negative-Loss at 0c50009: a = 6 and q = 1.5,
//! as the partner of NCE on CIFAR-10 with weights 1 (NCE) and 4.
//!
//! Departure: p is held at 1e-7 and above, because for a = 0 and q < 1 the power has no
//! derivative at zero.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::cross_entropy;

/// Least probability.
const FLOOR: f64 = 1e-7;

/// Shape of the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgceConfig {
    /// a, at least zero.
    pub a: f64,
    /// q, above zero.
    pub q: f64,
}

impl Default for AgceConfig {
    fn default() -> Self {
        Self { a: 6.0, q: 1.5 }
    }
}

/// Asymmetric generalized cross-entropy of every row.
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
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &AgceConfig) -> Tensor<1> {
    let AgceConfig { a, q } = *config;
    let p = cross_entropy::per_row(logits, labels).clamp_max(-FLOOR.ln()).neg().exp(); // [n]
    // Relative to the best case, so that the difference is exact where it vanishes.
    let fallen = 1 - ((p + a) / (a + 1.0)).powf_scalar(q); // [n]
    fallen * ((a + 1.0).powf(q) / q)
}
