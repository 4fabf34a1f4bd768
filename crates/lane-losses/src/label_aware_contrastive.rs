//! The label-aware contrastive loss: pull sentences with one label together, push the others
//! away, the harder the more the auxiliary network confuses the two labels.
//!
//! ```text
//! L_con = (1/B) Σ_a c_a                                                  (LANE, eq. 8, second sum)
//! c_a   = − (1/|P_a|) Σ_{p ∈ P_a} [ log w_{a,y_a} + s_ap − log Σ_{k ∈ D_a} w_{a,y_k} e^{s_ak} ]
//! s_ab  = ĥ_a · ĥ_b / τ,     ĥ = h / max(‖h‖, 1e-12),     w_a = softmax(z^Π_a)
//! P_a   = { p ≠ a : y_p = y_a },     D_a = { k : y_k ≠ y_a }
//! ```
//!
//! `h` are sentence embeddings of the classifier, `z^Π` logits of the auxiliary network, `y`
//! the given labels, `τ` the temperature; the batch `B` counts every view of every example.
//! In nats, of either sign: the denominator leaves out the positives, so it can be smaller
//! than the numerator.
//!
//! Logarithms of weights are differences of logits, never taken of a probability. An anchor
//! without a positive, or without a member in its denominator, is skipped: it costs zero and
//! gets no gradient.
//!
//! Departures, each an option of [`ContrastiveConfig`]; the paper states neither temperature
//! nor normalization, nor whether `w` carries a gradient:
//!
//! - `h` is brought to unit length and τ = 0.3. With raw `h` the printed loss is unbounded
//!   below in ‖h‖.
//! - `w` is a constant. Attached, its gradient on `z^Π_a` is `Q_a − onehot(y_a)` with `Q` the
//!   mass of the negatives by class; it never vanishes and drives the auxiliary network to
//!   certainty about the given label, right or wrong.

use burn::tensor::{Int, Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

pub use crate::anchors::{Anchors, Reduction};
use crate::anchors::{LEFT_OUT, similarities};
use crate::{pairs, unit_length};

/// What the printed equation leaves open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContrastiveConfig {
    /// τ, above zero; the similarities are divided by it.
    pub temperature: f64,
    /// Bring embeddings to unit length first.
    pub normalize: bool,
    /// Whom an anchor is compared with.
    pub denominator: Denominator,
    /// Where the weight of the anchor's own class stands.
    pub own_weight: OwnWeight,
    /// How the anchors become one number.
    pub reduction: Reduction,
    /// Let the gradient flow into the auxiliary logits through `w`.
    pub attach_auxiliary: bool,
}

impl Default for ContrastiveConfig {
    fn default() -> Self {
        Self {
            temperature: 0.3,
            normalize: true,
            denominator: Denominator::Negatives,
            own_weight: OwnWeight::Inside,
            reduction: Reduction::BatchMean,
            attach_auxiliary: false,
        }
    }
}

/// The set `D_a` an anchor's positives are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Denominator {
    /// Rows with another label, as eq. 8 and algorithm 1 print it.
    #[default]
    Negatives,
    /// Every other row, positives included, as in supervised contrastive learning.
    AllOthers,
}

/// Where `w_{a,y_a}`, the weight of the anchor's own class, stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnWeight {
    /// Inside the logarithm, as printed: adds a constant to the anchor's term.
    #[default]
    Inside,
    /// In front of the logarithm: anchors the auxiliary network doubts count for less.
    Outside,
}

/// The contrastive loss of a batch; zero if every anchor is skipped.
///
/// # Shapes
///
/// - `embeddings`: `[n, d]`
/// - `auxiliary_logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[1]`
///
/// # Panics
///
/// If the three differ in their number of rows, or a label names no column.
pub fn loss(
    embeddings: Tensor<2>,
    auxiliary_logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &ContrastiveConfig,
) -> Tensor<1> {
    anchors(embeddings, auxiliary_logits, labels, config).reduce(config.reduction)
}

/// The term of every anchor; the reduction of `config` is not applied.
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
    auxiliary_logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &ContrastiveConfig,
) -> Anchors {
    let [n, _] = embeddings.dims();
    if n == 0 {
        return Anchors::empty(embeddings);
    }
    let z = auxiliary_logits; // [n, c]
    let z = if config.attach_auxiliary { z } else { z.detach() };
    let compared = match config.denominator {
        Denominator::Negatives => pairs::different_label(labels.clone()),
        Denominator::AllOthers => pairs::other(n, &labels.device()),
    }; // [n, n]

    // Beside a log w of −1000 a similarity would keep three digits, so the largest of those compared,
    // l, is taken out: log (w / w_l) = z − z_l, and log Σ w e^s = log w_l + log Σ (w / w_l) e^s.
    let of_pair = z.clone().select(1, labels.clone()); // [n, n], z of the partner's label
    let left_out = compared.clone().bool_not();
    let largest = of_pair.clone().detach().mask_fill(left_out, LEFT_OUT).max_dim(1); // [n, 1]
    let own = z.clone().gather(1, labels.clone().reshape([n, 1])); // [n, 1]
    let own = (own - largest.clone()).reshape([n]); // [n], log (w_own / w_l)

    let embeddings = if config.normalize { unit_length::of_rows(embeddings) } else { embeddings };
    let similarity = similarities(embeddings, config.temperature); // [n, n]
    let exponents = similarity.clone() + (of_pair - largest);
    let Anchors { terms, valid } = Anchors::new(similarity, exponents, compared, labels.clone());
    let terms = match config.own_weight {
        OwnWeight::Inside => (terms - own) * valid.clone(),
        OwnWeight::Outside => {
            let log_w = log_softmax(z, 1).gather(1, labels.reshape([n, 1])).reshape([n]); // [n]
            (terms + (log_w.clone() - own) * valid.clone()) * log_w.exp()
        }
    }; // [n]
    Anchors { terms, valid }
}
