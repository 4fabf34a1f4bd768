//! Piecewise-zero loss: cross-entropy of the rows whose label is still thinkable, nothing else.
//!
//! ```text
//! PZ_i = − log p_i   if p_i ≥ c,   else 0,     p_i = softmax(z_i)[y_i]
//! ```
//!
//! In nats, within `0..=−log c`; 0 ≤ c < 1, and c = 0 is cross-entropy. A row below the cutoff
//! has no gradient and comes back only if other rows lift it. A network that knows nothing yet
//! gives `p ≈ 1/C`, so with `c ≥ 1/C` training may never start: see [`starts_dead`].
//!
//! Source: Pellegrino, Szczecina & Fieguth, arXiv 2511.16512. Only the abstract could be read;
//! the equation is that of the authors' repository (`Loss_sens_analysis` at 8c49a03). Their c is
//! not known; its sweep was 0.005 to 0.2. Ours, 0.2 and above 20 classes 0.05, want a delay.
//!
//! Departures: none known. The comparison is made in logarithms, where f32 has room; the
//! constructor in the snapshot ignores its cutoff, which is taken for a slip.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::cross_entropy;

/// Where the loss stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PiecewiseZeroConfig {
    /// c, at least zero and below one; a row with exactly this probability counts.
    pub cutoff: f64,
}

impl Default for PiecewiseZeroConfig {
    fn default() -> Self {
        Self { cutoff: 0.2 }
    }
}

/// Piecewise-zero loss of every row; a mean over them divides by the rows cut off, too.
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
pub fn per_row(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &PiecewiseZeroConfig,
) -> Tensor<1> {
    let loss = cross_entropy::per_row(logits, labels); // [n], −log p
    let cut_off = loss.clone().greater_elem(-config.cutoff.ln()); // [n]
    loss.mask_fill(cut_off, 0)
}

/// Whether a network that finds every class equally likely gets no gradient, `c ≥ 1/C`.
///
/// At equality chance decides, row by row.
pub fn starts_dead(config: &PiecewiseZeroConfig, n_classes: usize) -> bool {
    config.cutoff * n_classes as f64 >= 1.0
}
