//! Blurry loss: cross-entropy that lets go of rows whose label the network finds impossible.
//!
//! ```text
//! BL_i       = p_i^γ ℓ_i,     ℓ_i = − log p_i,     p_i = softmax(z_i)[y_i]
//! ∂BL_i/∂z_i = p_i^γ (1 + γ log p_i) (softmax(z_i) − onehot(y_i))           the full gradient
//!            = p_i^γ                 (softmax(z_i) − onehot(y_i))           `detach_weight`
//! ```
//!
//! In nats, never negative; γ ≥ 0, and γ = 0 is cross-entropy. The full gradient changes its
//! sign at `p* = e^{−1/γ}`, where the loss is largest (`1/(eγ)`): a row below it is pushed
//! *away* from its label. A network that knows nothing yet gives `p ≈ 1/C`, so γ should stay
//! below `1/ln C`, or training starts beyond the turn ([`starts_reversed`]). With the weight
//! detached nothing turns.
//!
//! Source: Pellegrino, Szczecina & Fieguth, arXiv 2511.16512. Only the abstract could be read;
//! the equation is that of the authors' repository (`Loss_sens_analysis` at 8c49a03), which
//! holds both gradients, the full one newer. Their γ is not known; its sweep was 0.1 to 0.6.
//!
//! Departure: inside the power `p` is held at 1e-30 and above, so that the weight of a row is
//! never zero. Beyond that the loss is `1e-30^γ ℓ`, which pulls, if only just.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::cross_entropy;

/// Least probability in the power.
const FLOOR: f64 = 1e-30;

/// How sharply, and by which gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlurryConfig {
    /// γ, at least zero.
    pub gamma: f64,
    /// Take `p^γ` for a constant weight.
    pub detach_weight: bool,
}

impl Default for BlurryConfig {
    fn default() -> Self {
        // p* = 0.036, below 1/C for up to 28 classes.
        Self { gamma: 0.3, detach_weight: false }
    }
}

/// Blurry loss of every row.
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
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>, config: &BlurryConfig) -> Tensor<1> {
    let loss = cross_entropy::per_row(logits, labels); // [n], −log p
    let weight = (loss.clone().clamp_max(-FLOOR.ln()) * -config.gamma).exp(); // [n]
    if config.detach_weight { weight.detach() * loss } else { weight * loss }
}

/// Whether a network that finds every class equally likely is pushed away from every label,
/// `1/C ≤ p*`.
pub fn starts_reversed(config: &BlurryConfig, n_classes: usize) -> bool {
    !config.detach_weight && config.gamma * (n_classes as f64).ln() >= 1.0
}
