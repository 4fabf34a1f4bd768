//! Generalized cross-entropy: a scale from cross-entropy to mean absolute error.
//!
//! ```text
//! GCE_i = (1 − p_i^q) / q,     p_i = softmax(z_i)[y_i]
//! ∂GCE_i/∂z_i = p_i^q (softmax(z_i) − onehot(y_i))
//! ```
//!
//! Within `0..=1/q`; 0 ≤ q ≤ 1. At q = 1 it is `1 − p`, for q → 0 cross-entropy, which is what
//! is computed below 1e-6. Rows of an unlikely label pull less, by `p^q`, and never push.
//!
//! Sources: Zhang & Sabuncu 2018 with q = 0.7; `p` is held at 1e-7 and above as in
//! Active-Passive-Losses at 04bce53, and a row below that has no gradient.
//!
//! Departures: none. For small q the difference `1 − p^q` is taken by a hyperbolic tangent,
//! because in f32 it would lose as many digits as q has leading zeros.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::cross_entropy;

/// Least probability.
const FLOOR: f64 = 1e-7;

/// Below this q the limit is taken.
const LIMIT: f64 = 1e-6;

/// Below this q the difference is not taken term by term; `p^q` is then between 0.2 and 1.
const SMALL: f64 = 0.1;

/// Where on the scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GceConfig {
    /// q, within `0..=1`.
    pub q: f64,
}

impl Default for GceConfig {
    fn default() -> Self {
        Self { q: 0.7 }
    }
}

/// Generalized cross-entropy of every row.
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
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &GceConfig) -> Tensor<1> {
    let q = config.q;
    let loss = cross_entropy::per_row(logits, labels); // [n], −log p
    if q < LIMIT {
        return loss;
    }
    let x = loss.clamp_max(-FLOOR.ln()) * q; // [n], −log p^q
    let power = x.clone().neg().exp(); // [n], p^q
    // 1 − e^{−x} = tanh(x/2) (1 + e^{−x}).
    let fallen = if q < SMALL { (x / 2).tanh() * (power + 1) } else { 1 - power };
    fallen / q
}
