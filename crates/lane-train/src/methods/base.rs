//! `base`: plain cross-entropy on the given labels.
//!
//! ```text
//! L = (1/|𝔅|) Σ ℓ_i,   ℓ_i = −log softmax(z_i)[y_i]
//! ```
//!
//! Suspicion of a row: −AUM, the margin of its label averaged over its visits (Pleiss et al. 2020);
//! flagged when that average is negative, that is when the network on the whole denied the label.

use lane_metrics::weights::{MarginWeights, Quantity};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::{Loss, Method, Phase, Step, Verdict};
use crate::methods::lane::suspicion;

/// Plain training.
#[derive(Debug)]
pub struct Base {
    epochs: u32,
}

impl Base {
    /// Plain training for the configured epochs.
    pub fn new(config: &Config) -> Self {
        Self { epochs: config.epochs() }
    }
}

impl Method for Base {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 1)]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let total = lane_losses::cross_entropy::mean(
            batch.output(0)?.logits.clone(),
            batch.targets.clone(),
        );
        Ok(Loss { terms: vec![("cross_entropy", total.clone())], total })
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .map(|suspicion| Verdict { suspicion, weight: 1.0, flagged: suspicion > 0.0 })
            .collect()
    }
}
