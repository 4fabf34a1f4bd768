//! `scl`: cross-entropy beside a supervised contrastive loss.
//!
//! ```text
//! L   = (1 − λ) · mean ℓ_i + λ · mean_i a_i                                          (Eq. 1)
//! a_i = −1/(n_{y_i} − 1) Σ_{p≠i, y_p=y_i} log( e^{s_ip} / Σ_{k≠i} e^{s_ik} ),   s = ĥ·ĥ'/τ  (Eq. 3)
//! ```
//!
//! λ = 0.9 and τ = 0.3, the best of the paper's grids. `ĥ` is the embedding at unit length. A row
//! alone with its label in a batch has no positive and costs nothing; the mean is over the batch.
//! The paper has no augmented views; views given with `views.kinds` are further positives.
//!
//! Suspicion of a row: −AUM; flagged when negative.
//!
//! Source: Gunel, Du, Conneau, Stoyanov: *Supervised Contrastive Learning for Pre-trained Language
//! Model Fine-tuning*, ICLR 2021; Khosla et al., NeurIPS 2020.

use lane_losses::supervised_contrastive::{self, SupervisedContrastiveConfig};
use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{Loss, Method, Phase, Step, Verdict};
use crate::methods::base::by_margin;
use crate::methods::{Entry, Facts};
use crate::setting::{positive, within};

/// The line in the list of methods.
pub const SCL: Entry = Entry {
    name: "scl",
    about: "cross-entropy beside a supervised contrastive loss",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Scl::new(config, facts)?)),
};

/// `scl`: balance and temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SclConfig {
    /// λ, the share of the contrastive loss, in 0..=1.
    pub lambda: f64,
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for SclConfig {
    fn default() -> Self {
        Self { lambda: 0.9, temperature: 0.3 }
    }
}

/// Cross-entropy and supervised contrastive loss.
#[derive(Debug)]
pub struct Scl {
    settings: SclConfig,
    inner: InnerLoss,
    epochs: u32,
}

impl Scl {
    /// The method with the configured balance.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        within("scl.lambda", config.scl.lambda, 0.0, 1.0)?;
        positive("scl.temperature", config.scl.temperature)?;
        let inner = InnerLoss::new(config, facts)?;
        Ok(Self { settings: config.scl.clone(), inner, epochs: config.epochs() })
    }
}

impl Method for Scl {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 1)]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let (lambda, temperature) = (self.settings.lambda, self.settings.temperature);
        let config =
            SupervisedContrastiveConfig { temperature, ..SupervisedContrastiveConfig::default() };
        let embedding = batch.output(0)?.embedding.clone();
        let contrastive = supervised_contrastive::loss(embedding, batch.targets.clone(), &config);
        let plain = self.inner.mean(step)?;
        let total = plain.clone().mul_scalar(1.0 - lambda) + contrastive.clone().mul_scalar(lambda);
        Ok(Loss { total, terms: vec![(self.inner.name(), plain), ("contrastive", contrastive)] })
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        by_margin(margins)
    }
}
