//! The loss of a row that a method minimises: cross-entropy, or a robust loss in its place.
//!
//! ```text
//! ℓ_i in epoch e = −log p_i           for e < delay
//!                  the configured one after
//! ```
//!
//! The delay lets a network learn what labels have in common before it doubts any: Piecewise-zero
//! with a cutoff above 1/C would give a fresh network nothing to learn from.

use burn::tensor::{Int, Tensor};
use lane_losses::robust::{LossKind, Overrides, RobustLoss};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::{Loss, Step};
use crate::methods::Facts;
use crate::setting::within;

/// The loss of a row, and from which epoch on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// The loss; absent = cross-entropy, or the one the method is named after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<LossKind>,
    /// First epochs under cross-entropy; absent = a fifth of all for `blurry` and `piecewise-zero`,
    /// else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<u32>,
    /// γ of `blurry`, `focal` and `anl-fl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// c of `piecewise-zero`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<f64>,
    /// q of `gce`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<f64>,
    /// α of `sce`, `nce-rce`, `anl-ce` and `anl-fl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// β of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Keep the factor of `blurry` or `focal` out of the gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detach: Option<bool>,
}

/// The loss of a row in every epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct InnerLoss {
    loss: RobustLoss,
    kind: LossKind,
    delay: u32,
    n_classes: usize,
}

impl InnerLoss {
    /// The configured loss; cross-entropy where none is.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] where a parameter is out of range or is none of that loss's.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        Self::of(config, facts, config.loss.kind.unwrap_or(LossKind::CrossEntropy))
    }

    /// The loss a method is named after, with the configured parameters.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also where the configuration asks for another loss.
    pub fn of(config: &Config, facts: Facts, kind: LossKind) -> Result<Self, TrainError> {
        let settings = &config.loss;
        if let Some(other) = settings.kind.filter(|other| *other != kind) {
            let expected = format!("{kind}, after which the method is named, or nothing");
            return Err(TrainError::setting("loss.kind", other, expected));
        }
        let LossConfig { gamma, cutoff, q, alpha, beta, detach, .. } = *settings;
        let overrides = Overrides { gamma, cutoff, q, alpha, beta, detach };
        let loss = RobustLoss::for_classes(kind, facts.n_classes).with(&overrides)?;
        loss.validate(facts.n_classes)?;
        let epochs = config.epochs();
        let delay = settings.delay.unwrap_or(match kind {
            LossKind::Blurry | LossKind::PiecewiseZero if epochs > 1 => epochs.div_ceil(5),
            _ => 0,
        });
        within("loss.delay", f64::from(delay), 0.0, f64::from(epochs - 1))?;
        Ok(Self { loss, kind, delay, n_classes: facts.n_classes })
    }

    /// Cross-entropy over `n_classes` classes.
    pub fn cross_entropy(n_classes: usize) -> Self {
        let (loss, kind) = (RobustLoss::CrossEntropy, LossKind::CrossEntropy);
        Self { loss, kind, delay: 0, n_classes }
    }

    /// What the user should know before training, if anything.
    pub fn warning(&self) -> Option<String> {
        (self.delay == 0 && self.loss.is_dead_at_start(self.n_classes)).then(|| {
            format!(
                "{} masks labels below a probability that a fresh network gives none of {} classes; \
                 without `loss.delay` it may learn nothing",
                self.kind, self.n_classes
            )
        })
    }

    /// Its name in logs.
    pub fn name(&self) -> &'static str {
        self.kind.as_str()
    }

    /// The loss of every row in epoch `epoch` (from 0), shape `[n]`; `logits` `[n, C]`, `labels`
    /// `[n]`.
    pub fn per_row(&self, logits: Tensor<2>, labels: Tensor<1, Int>, epoch: u32) -> Tensor<1> {
        if epoch < self.delay {
            return lane_losses::cross_entropy::per_row(logits, labels);
        }
        self.loss.per_row(logits, labels)
    }

    /// The mean over all views of the first stream's batch, from network 0.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] if it did not run on the batch.
    pub fn mean(&self, step: &Step<'_>) -> Result<Tensor<1>, TrainError> {
        let batch = &step.batches[0];
        let logits = batch.output(0)?.logits.clone();
        let [n, _] = logits.dims();
        Ok(self.per_row(logits, batch.targets.clone(), step.epoch).sum() / n.max(1) as f32)
    }

    /// The mean as a method's whole loss.
    ///
    /// # Errors
    ///
    /// As [`mean`](Self::mean).
    pub fn loss(&self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let total = self.mean(step)?;
        Ok(Loss { terms: vec![(self.name(), total.clone())], total })
    }
}
