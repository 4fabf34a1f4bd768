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
//! Every logarithm comes from log-softmax or log-sum-exp. An anchor without a positive, or
//! without a member in its denominator, is skipped: it costs zero and gets no gradient.
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

use crate::{SMALLEST_LENGTH, pairs};

/// Stands for minus infinity where a pair is left out: its exponential is exactly zero, and
/// unlike the infinity it survives being multiplied by zero.
const LEFT_OUT: f32 = -1e30;

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

/// How the terms of the anchors become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Divide by the number of rows, skipped anchors included.
    #[default]
    BatchMean,
    /// Divide by the number of anchors that were not skipped.
    ValidMean,
    /// Do not divide.
    Sum,
}

/// The terms `c_a` before they are reduced.
#[derive(Clone, Debug)]
pub struct Anchors {
    /// `c_a`, shape `[n]`; zero where the anchor was skipped.
    pub terms: Tensor<1>,
    /// One where the anchor counts, zero where it was skipped, shape `[n]`.
    pub valid: Tensor<1>,
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
    let [n, _] = embeddings.dims();
    let Anchors { terms, valid } = anchors(embeddings, auxiliary_logits, labels, config);
    match config.reduction {
        Reduction::BatchMean => terms.sum() / n.max(1) as f32,
        Reduction::ValidMean => terms.sum() / valid.sum().clamp_min(1),
        Reduction::Sum => terms.sum(),
    }
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
    let log_w = log_softmax(auxiliary_logits, 1); // [n, c]
    let log_w = if config.attach_auxiliary { log_w } else { log_w.detach() };
    let own = log_w.clone().gather(1, labels.clone().reshape([n, 1])); // [n, 1]
    let of_pair = log_w.select(1, labels.clone()); // [n, n], log w of the partner's label
    let similarity = similarities(embeddings, config); // [n, n]

    let positive = pairs::same_label(labels.clone()).float(); // [n, n]
    let compared = match config.denominator {
        Denominator::Negatives => pairs::different_label(labels),
        Denominator::AllOthers => pairs::other(n, &positive.device()),
    }; // [n, n]
    let n_positives = positive.clone().sum_dim(1); // [n, 1]
    let valid = n_positives.clone().greater_elem(0).bool_and(compared.clone().any_dim(1)).float(); // [n, 1]

    let log_denominator = log_sum_exp(
        (of_pair + similarity.clone()).mask_fill(compared.bool_not(), LEFT_OUT), // [n, n]
    ); // [n, 1]
    let attraction = (positive * similarity).sum_dim(1) / n_positives.clamp_min(1); // [n, 1]
    let terms = match config.own_weight {
        OwnWeight::Inside => log_denominator - attraction - own,
        OwnWeight::Outside => (log_denominator - attraction) * own.exp(),
    }; // [n, 1]
    Anchors { terms: (terms * valid.clone()).reshape([n]), valid: valid.reshape([n]) }
}

/// `s_ab`, the scalar products of the embeddings over the temperature, `[n, n]`.
fn similarities(embeddings: Tensor<2>, config: &ContrastiveConfig) -> Tensor<2> {
    let rows = if config.normalize { unit_length(embeddings) } else { embeddings }; // [n, d]
    rows.clone().matmul(rows.transpose()) / config.temperature
}

/// `h / max(‖h‖, 1e-12)` of every row.
///
/// The row is divided by its largest entry first, as a constant. That changes neither value
/// nor gradient, but keeps the sum of squares inside the range of f32 (a row of 1e20 would
/// overflow) and away from zero, where the square root has no derivative.
fn unit_length(embeddings: Tensor<2>) -> Tensor<2> {
    let largest = embeddings.clone().detach().abs().max_dim(1).clamp_min(SMALLEST_LENGTH); // [n, 1]
    let scaled = embeddings / largest; // [n, d]
    // At least 1 unless the row is shorter than the smallest length.
    let length = scaled.clone().square().sum_dim(1).clamp_min(1).sqrt(); // [n, 1]
    scaled / length
}

/// `log Σ_k exp(x_ak)` of every row, `[n, 1]`.
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let largest = x.clone().detach().max_dim(1); // [n, 1]
    (x - largest.clone()).exp().sum_dim(1).log() + largest
}
