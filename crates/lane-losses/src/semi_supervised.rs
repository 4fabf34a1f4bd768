//! What methods with a labelled and an unlabelled part share: guessed labels, mixing, and the losses of
//! mixed rows.
//!
//! ```text
//! refined_i   = w_i · onehot(y_i) + (1 − w_i) · p̄_i          labelled row, w its chance to be right
//! sharp(q)_c  = q_c^{1/T} / Σ_k q_k^{1/T}
//! mixed       = λ · (h_i, t_i) + (1 − λ) · (h_j, t_j),   λ ← max(λ, 1 − λ),  λ ~ Beta(α, α)
//! L_x         = −mean Σ_c t_c log p_c                         mixed rows that began labelled
//! L_u         = mean (p_c − t_c)²   over rows and classes     mixed rows that did not
//! L_reg       = Σ_c π_c log(π_c / mean p_c),   π_c = 1/C      over all mixed rows
//! L           = L_x + λ_u L_u + L_reg
//! ```
//!
//! `p` are probabilities of the network that is trained, `p̄` means over views, `h` what is mixed: for
//! text the sentence embeddings, since token ids cannot be averaged. All in nats but `L_u`, which is
//! in 0..=1. A part without rows contributes zero.
//!
//! Sources: Li, Socher & Hoi, *DivideMix*, ICLR 2020, eq. 3 to 12; Berthelot et al., *MixMatch*,
//! NeurIPS 2019; mixing of embeddings: Qiao et al., *SelfMix*, COLING 2022. Read in the authors'
//! code (DivideMix at d9d3058), which takes mixed rows by position too: a row of the first half
//! counts as labelled whatever it was mixed with.

use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Int, Tensor, TensorData};

use crate::cross_entropy;

/// Least mean probability of a class in `L_reg`, so that a class nobody predicts costs much and not
/// infinitely much.
const SMALLEST_MEAN: f64 = 1e-12;

/// `q_c^{1/T} / Σ_k q_k^{1/T}` of every row.
///
/// # Shapes
///
/// - `probabilities`: `[n, c]`, each row a distribution
/// - returns: `[n, c]`
pub fn sharpened(probabilities: Tensor<2>, temperature: f64) -> Tensor<2> {
    // Over the largest of its row first, so that no power underflows everywhere.
    let largest = probabilities.clone().max_dim(1).clamp_min(f32::MIN_POSITIVE); // [n, 1]
    let powers = (probabilities / largest).powf_scalar(1.0 / temperature); // [n, c]
    let total = powers.clone().sum_dim(1); // [n, 1]
    powers / total
}

/// `w_i · onehot(y_i) + (1 − w_i) · p̄_i` of every row.
///
/// # Shapes
///
/// - `labels`: `[n]`
/// - `weights`: `[n]`, in 0..=1
/// - `predicted`: `[n, c]`, each row a distribution
/// - returns: `[n, c]`
pub fn refined(labels: Tensor<1, Int>, weights: Tensor<1>, predicted: Tensor<2>) -> Tensor<2> {
    let [n, c] = predicted.dims();
    let weights = weights.reshape([n, 1]);
    let given = one_hot(labels, c);
    given * weights.clone() + predicted * (weights.neg() + 1)
}

/// Rows of the identity matrix, `[n, c]`.
pub fn one_hot(labels: Tensor<1, Int>, n_classes: usize) -> Tensor<2> {
    let device = labels.device();
    Tensor::<2>::eye(n_classes, &device).select(0, labels)
}

/// `λ · rows + (1 − λ) · rows[order]`; `order` is a permutation of `0..n`.
///
/// # Shapes
///
/// - `rows`: `[n, d]`
/// - returns: `[n, d]`
pub fn mixed(rows: Tensor<2>, order: &[i32], lambda: f64) -> Tensor<2> {
    let device = rows.device();
    let order =
        Tensor::<1, Int>::from_data(TensorData::new(order.to_vec(), [order.len()]), &device);
    rows.clone().mul_scalar(lambda) + rows.select(0, order).mul_scalar(1.0 - lambda)
}

/// The terms of a mixed batch.
#[derive(Clone, Debug)]
pub struct MixedLoss {
    /// `L_x`, shape `[1]`.
    pub labelled: Tensor<1>,
    /// `L_u`, shape `[1]`.
    pub unlabelled: Tensor<1>,
    /// `L_reg`, shape `[1]`.
    pub balance: Tensor<1>,
}

impl MixedLoss {
    /// The terms of mixed rows of which the first `n_labelled` began labelled.
    ///
    /// # Shapes
    ///
    /// - `logits`, `targets`: `[n, c]`
    ///
    /// # Panics
    ///
    /// If there are fewer than `n_labelled` rows.
    pub fn of(logits: Tensor<2>, targets: Tensor<2>, n_labelled: usize) -> Self {
        let [n, c] = logits.dims();
        let targets = targets.detach();
        let part = |tensor: &Tensor<2>, rows: std::ops::Range<usize>| {
            (!rows.is_empty()).then(|| tensor.clone().slice([rows, 0..c]))
        };
        let zero = || Tensor::<1>::zeros([1], &logits.device());
        let labelled = match (part(&logits, 0..n_labelled), part(&targets, 0..n_labelled)) {
            (Some(logits), Some(targets)) => {
                cross_entropy::over_rows(cross_entropy::soft(logits, targets))
            }
            _ => zero(),
        };
        let unlabelled = match (part(&logits, n_labelled..n), part(&targets, n_labelled..n)) {
            (Some(logits), Some(targets)) => (softmax(logits, 1) - targets).square().mean(),
            _ => zero(),
        };
        let balance = if n == 0 { zero() } else { balance(logits) };
        Self { labelled, unlabelled, balance }
    }

    /// `L_x + λ_u L_u + L_reg`.
    pub fn total(&self, unlabelled_weight: f64) -> Tensor<1> {
        self.labelled.clone()
            + self.unlabelled.clone().mul_scalar(unlabelled_weight)
            + self.balance.clone()
    }
}

/// `Σ_c π_c log(π_c / mean p_c)` for even π: zero when classes are predicted equally often.
fn balance(logits: Tensor<2>) -> Tensor<1> {
    let [_, c] = logits.dims();
    let mean = softmax(logits, 1).mean_dim(0).clamp_min(SMALLEST_MEAN); // [1, c]
    let even = 1.0 / c as f64;
    (mean.log().neg() + even.ln()).sum().mul_scalar(even)
}

/// `−H(p)` of every row's prediction, averaged: added while labels are all believed, it keeps a network
/// from certainty where noise prefers some classes.
///
/// # Shapes
///
/// - `logits`: `[n, c]`
/// - returns: `[1]`
pub fn confidence_penalty(logits: Tensor<2>) -> Tensor<1> {
    let [n, _] = logits.dims();
    let log_p = log_softmax(logits, 1);
    (log_p.clone().exp() * log_p).sum().div_scalar(n.max(1) as f64)
}

/// `λ_u` of an epoch: `weight · clip((epoch − warmup) / ramp, 0, 1)`.
pub fn ramped(weight: f64, epochs_since_warmup: f64, ramp: f64) -> f64 {
    if ramp <= 0.0 {
        return weight;
    }
    weight * (epochs_since_warmup / ramp).clamp(0.0, 1.0)
}
