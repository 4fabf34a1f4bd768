//! Focal loss: cross-entropy that spends itself on rows not yet fitted.
//!
//! ```text
//! FL_i = (1 − p_i)^g ℓ_i,     ℓ_i = − log p_i,     p_i = softmax(z_i)[y_i]
//! ∂FL_i/∂z_i = [ (1 − p)^g − g p (1 − p)^{g−1} log p ] (softmax(z_i) − onehot(y_i))    full
//!            =   (1 − p)^g                             (softmax(z_i) − onehot(y_i))    detached
//! ```
//!
//! In nats, never negative and never above cross-entropy; g ≥ 0, and g = 0 is cross-entropy.
//! It is a rival here, not a remedy: wrong labels are rows not yet fitted.
//!
//! Sources: Lin et al. 2017, who differentiate the factor, too; it is a constant, the default
//! here, in the robust-loss codes compared with (Active-Passive-Losses at 04bce53,
//! `Loss_sens_analysis` at 8c49a03; the latter has g = 2).
//!
//! Departure: with the full gradient `1 − p` is held at 1e-7 and above, because for g < 1 its
//! power has no derivative at zero.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::cross_entropy;

/// Least `1 − p` in the power, about the step of f32 below one.
const FLOOR: f64 = 1e-7;

/// How sharply, and by which gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FocalConfig {
    /// g, at least zero.
    pub gamma: f64,
    /// Take `(1 − p)^g` for a constant weight.
    pub detach_weight: bool,
}

impl Default for FocalConfig {
    fn default() -> Self {
        Self { gamma: 2.0, detach_weight: true }
    }
}

/// Focal loss of every row.
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
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &FocalConfig) -> Tensor<1> {
    let loss = cross_entropy::per_row(logits, labels); // [n], −log p
    let p = loss.clone().neg().exp(); // [n]
    let p = if config.detach_weight { p.detach() } else { p };
    (p.neg() + 1).clamp_min(FLOOR).powf_scalar(config.gamma) * loss
}
