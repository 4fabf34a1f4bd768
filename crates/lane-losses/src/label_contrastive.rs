//! The label-aware contrastive loss of Suresh and Ong, which LANE's second sum grew out of.
//!
//! ```text
//! L_lcl = (1/B) Σ_a c_a
//! c_a   = − w_{a,y_a} (1/|P_a|) Σ_{p ∈ P_a} [ s_ap − log Σ_{k ≠ a} w_{a,y_k} e^{s_ak} ]
//! s_ab  = ĥ_a · ĥ_b / τ,     w_a = softmax(z^helper_a),     P_a = { p ≠ a : y_p = y_a }
//! ```
//!
//! Symbols as in [`label_aware_contrastive`], of which this is one setting: an anchor is
//! compared with every other row, its own weight stands in front of the logarithm, and the
//! helper network learns through `w`. In nats, of either sign, because `w` is below one.
//! It is trained as `λ CE(classifier) + (1 − λ) L_lcl + λ CE(helper)` with λ = 0.5.
//!
//! Sources: Suresh & Ong 2021, eq. 3, and the authors' code (LCL at 9b4397c, loss.py, config.py:
//! τ = 0.3, λ = 0.5).
//!
//! Departures: the printed equation has `w_{a,y_a}` inside the logarithm; the authors call that
//! an erratum, so outside is the default. Their batches hold two views of every example, so
//! that every anchor has a positive; here an anchor without one is skipped.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::label_aware_contrastive::{self, ContrastiveConfig, Denominator};
pub use crate::label_aware_contrastive::{OwnWeight, Reduction};

/// What paper and code do not agree on, and the temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelContrastiveConfig {
    /// τ, above zero; the similarities are divided by it.
    pub temperature: f64,
    /// Where the weight of the anchor's own class stands.
    pub own_weight: OwnWeight,
    /// How the anchors become one number.
    pub reduction: Reduction,
    /// Let the gradient flow into the helper's logits through `w`.
    pub attach_helper: bool,
}

impl Default for LabelContrastiveConfig {
    fn default() -> Self {
        Self {
            temperature: 0.3,
            own_weight: OwnWeight::Outside,
            reduction: Reduction::BatchMean,
            attach_helper: true,
        }
    }
}

impl From<&LabelContrastiveConfig> for ContrastiveConfig {
    fn from(config: &LabelContrastiveConfig) -> Self {
        Self {
            temperature: config.temperature,
            normalize: true,
            denominator: Denominator::AllOthers,
            own_weight: config.own_weight,
            reduction: config.reduction,
            attach_auxiliary: config.attach_helper,
        }
    }
}

/// The contrastive loss of a batch; zero if no label occurs twice.
///
/// [`label_aware_contrastive::anchors`] with the same settings gives its terms.
///
/// # Shapes
///
/// - `embeddings`: `[n, d]`
/// - `helper_logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[1]`
///
/// # Panics
///
/// If the three differ in their number of rows, or a label names no column.
pub fn loss(
    embeddings: Tensor<2>,
    helper_logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &LabelContrastiveConfig,
) -> Tensor<1> {
    label_aware_contrastive::loss(embeddings, helper_logits, labels, &config.into())
}
