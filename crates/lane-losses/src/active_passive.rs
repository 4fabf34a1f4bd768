//! Active-passive losses: one that raises the given label, one that lowers the others.
//!
//! ```text
//! NCE+RCE = α NCE + β RCE
//! NCE+MAE = α NCE + β MAE
//! ```
//!
//! The active part is [`normalized::nce`], the passive one [`symmetric_cross_entropy::rce`] or
//! [`mean_absolute_error`]. Never negative when α and β are not.
//!
//! Source: Ma et al. 2020 and Active-Passive-Losses at 04bce53: (α, β) = (1, 1) for CIFAR-10 and
//! (10, 0.1) with RCE, (10, 1) with MAE, for CIFAR-100.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{mean_absolute_error, normalized, symmetric_cross_entropy};

/// Weights of the two parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivePassiveConfig {
    /// α, of the active part.
    pub alpha: f64,
    /// β, of the passive part.
    pub beta: f64,
}

impl Default for ActivePassiveConfig {
    fn default() -> Self {
        Self { alpha: 1.0, beta: 1.0 }
    }
}

/// Normalized and reverse cross-entropy of every row.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[n]`
///
/// # Panics
///
/// As [`normalized::nce`].
pub fn nce_rce(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &ActivePassiveConfig,
) -> Tensor<1> {
    let passive = symmetric_cross_entropy::rce(logits.clone(), labels.clone()); // [n]
    normalized::nce(logits, labels) * config.alpha + passive * config.beta
}

/// Normalized cross-entropy and absolute error of every row.
///
/// # Shapes
///
/// As [`nce_rce`].
///
/// # Panics
///
/// As [`nce_rce`].
pub fn nce_mae(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &ActivePassiveConfig,
) -> Tensor<1> {
    let passive = mean_absolute_error::per_row(logits.clone(), labels.clone()); // [n]
    normalized::nce(logits, labels) * config.alpha + passive * config.beta
}
