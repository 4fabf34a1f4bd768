//! The supervised contrastive loss: pull sentences with one label together, against all others.
//!
//! ```text
//! L_scl = (1/B) Σ_a c_a
//! c_a   = − (1/|P_a|) Σ_{p ∈ P_a} log( e^{s_ap} / Σ_{k ≠ a} e^{s_ak} )
//! s_ab  = ĥ_a · ĥ_b / τ,     ĥ = h / max(‖h‖, 1e-12),     P_a = { p ≠ a : y_p = y_a }
//! ```
//!
//! `h` are sentence embeddings, `y` the given labels, `τ` the temperature; the batch `B` counts
//! every view of every example. In nats and never negative, since the denominator holds every
//! positive. It is trained beside cross-entropy, `(1 − λ) L_CE + λ L_scl` with λ = 0.9.
//!
//! Sources: Gunel et al. 2021, eq. 3 (τ = 0.3 and λ = 0.9, from memory of the paper), after
//! Khosla et al. 2020, eq. 2.
//!
//! Departures: the paper sums over the batch, the default here is the mean over its rows, so
//! that λ means the same for every batch size. An anchor alone with its label costs zero, where
//! published code divides zero by zero.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

pub use crate::anchors::{Anchors, Reduction};
use crate::{anchors::similarities, pairs, unit_length};

/// What the equation leaves open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisedContrastiveConfig {
    /// τ, above zero; the similarities are divided by it.
    pub temperature: f64,
    /// How the anchors become one number.
    pub reduction: Reduction,
}

impl Default for SupervisedContrastiveConfig {
    fn default() -> Self {
        Self { temperature: 0.3, reduction: Reduction::BatchMean }
    }
}

/// The contrastive loss of a batch; zero if no label occurs twice.
///
/// # Shapes
///
/// - `embeddings`: `[n, d]`
/// - `labels`: `[n]`
/// - returns: `[1]`
///
/// # Panics
///
/// If the two differ in their number of rows.
pub fn loss(
    embeddings: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &SupervisedContrastiveConfig,
) -> Tensor<1> {
    anchors(embeddings, labels, config).reduce(config.reduction)
}

/// The term `c_a` of every anchor; the reduction of `config` is not applied.
///
/// # Shapes
///
/// As [`loss`].
///
/// # Panics
///
/// As [`loss`].
pub fn anchors(
    embeddings: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &SupervisedContrastiveConfig,
) -> Anchors {
    let [n, _] = embeddings.dims();
    if n == 0 {
        return Anchors::empty(embeddings);
    }
    let similarity = similarities(unit_length::of_rows(embeddings), config.temperature); // [n, n]
    let others = pairs::other(n, &similarity.device()); // [n, n]
    Anchors::new(similarity.clone(), similarity, others, labels)
}
