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
use crate::inner_loss::InnerLoss;
use crate::method::{Loss, Method, Phase, Step, Verdict};
use crate::methods::Entry;
use crate::methods::lane::suspicion;

/// The line in the list of methods.
pub const BASE: Entry = Entry {
    name: "base",
    about: "plain cross-entropy on the given labels",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Base::under(InnerLoss::new(config, facts)?, config))),
};

/// Plain training.
#[derive(Debug)]
pub struct Base {
    inner: InnerLoss,
    epochs: u32,
}

impl Base {
    /// Plain training for the configured epochs, under a loss.
    pub fn under(inner: InnerLoss, config: &Config) -> Self {
        Self { inner, epochs: config.epochs() }
    }
}

impl Method for Base {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 1)]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        self.inner.loss(step)
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        by_margin(margins)
    }
}

/// Verdicts of a method that leaves the labels alone: suspicion −AUM, flagged when the averaged margin
/// is negative.
pub(crate) fn by_margin(margins: &MarginWeights) -> Vec<Verdict> {
    suspicion(margins, Quantity::Aum)
        .map(|suspicion| Verdict { flagged: suspicion > 0.0, ..Verdict::of(suspicion) })
        .collect()
}
