//! `peer-loss`: cross-entropy less the cross-entropy of texts and labels that do not belong together.
//!
//! ```text
//! L = mean ℓ(x_i, y_i) − α · mean ℓ(x_{n₁(i)}, y_{n₂(i)})                            (Eq. 6)
//! ℓ = −log(p + 1e-5),   n₁, n₂ drawn independently of the batch and of each other
//! ```
//!
//! A network that goes along with every label gains on the first term what it loses on the second;
//! only what text and label have to do with each other pays. Without the constant in ℓ the loss
//! has no lower bound.
//!
//! α is 0 for `peer_loss.plain_epochs` and then rises linearly to `peer_loss.alpha` at the end. The
//! authors' schedule for images (to 5 over 300 epochs) has no counterpart in a few epochs of text.
//! Peers are a random order of the rows with randomly ordered labels, new each epoch, so every row
//! is a peer once an epoch; a network has to run on them too, which doubles a step. With
//! `peer_loss.expected` the mean over all labels under their frequencies π takes the sample's place:
//! `α · mean_i Σ_c π_c ℓ(x_i, c)`, no second pass and no variance.
//!
//! Suspicion of a row: −AUM; flagged when negative.
//!
//! Source: Liu, Guo: *Peer Loss Functions*, ICML 2020.

use burn::tensor::Tensor;
use lane_data::{sample, seed};
use lane_losses::cross_entropy::over_rows;
use lane_losses::peer::{self, PeerConfig};
use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, Pass, Phase, Remembered, Step, Stream, Verdict,
};
use crate::methods::Entry;
use crate::methods::base::by_margin;
use crate::setting::within;

/// The line in the list of methods.
pub const PEER_LOSS: Entry = Entry {
    name: "peer-loss",
    about: "cross-entropy less that of texts and labels paired at random",
    least_views: 1,
    build: |config, _| Ok(Box::new(PeerLoss::new(config)?)),
};

/// `peer-loss`: how much is taken off, and from when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeerLossConfig {
    /// α at the end of training, 0 or more.
    pub alpha: f64,
    /// Epochs with α = 0; absent = 1, or none where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
    /// Take the expectation over labels instead of drawn peers.
    pub expected: bool,
}

impl Default for PeerLossConfig {
    fn default() -> Self {
        Self { alpha: 1.0, plain_epochs: None, expected: false }
    }
}

/// Cross-entropy less that of peers.
#[derive(Debug)]
pub struct PeerLoss {
    settings: PeerLossConfig,
    epochs: u32,
    plain_epochs: u32,
    frequencies: Vec<f32>,
}

impl PeerLoss {
    /// The method with the configured α.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for a negative α, or no epoch with peers.
    pub fn new(config: &Config) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.peer_loss.clone(), config.epochs());
        inner_loss::refuse(config)?;
        within("peer_loss.alpha", settings.alpha, 0.0, f64::MAX)?;
        let last = epochs.saturating_sub(1);
        let plain_epochs = settings.plain_epochs.unwrap_or(last.min(1));
        within("peer_loss.plain_epochs", f64::from(plain_epochs), 0.0, f64::from(last))?;
        Ok(Self { settings, epochs, plain_epochs, frequencies: Vec::new() })
    }

    /// α at a share of the training, 0..=1.
    fn alpha(&self, progress: f64) -> f64 {
        let plain = f64::from(self.plain_epochs) / f64::from(self.epochs);
        self.settings.alpha * ((progress - plain) / (1.0 - plain)).max(0.0)
    }
}

impl Method for PeerLoss {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 1)]
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        self.frequencies = frequencies(at.labels, at.n_classes);
        let mut streams = vec![Stream::all(at.labels)];
        if at.epoch >= self.plain_epochs && !self.settings.expected {
            streams.push(peers(at));
        }
        Ok(EpochPlan { passes: vec![Pass { streams, trained: vec![0] }] })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let logits = batch.output(0)?.logits.clone();
        let config = PeerConfig::default();
        let own = over_rows(peer::per_row(logits.clone(), batch.targets.clone(), &config));
        let theirs = match step.batches.get(1) {
            Some(peers) => {
                let logits = peers.output(0)?.logits.clone();
                over_rows(peer::per_row(logits, peers.targets.clone(), &config))
            }
            None if step.epoch >= self.plain_epochs => {
                let prior = Tensor::from_data(self.frequencies.as_slice(), &logits.device());
                over_rows(peer::expected(logits, prior, &config))
            }
            None => own.zeros_like(),
        };
        let total = own.clone() - theirs.clone().mul_scalar(self.alpha(step.progress));
        Ok(Loss { total, terms: vec![("cross_entropy", own), ("peer_cross_entropy", theirs)] })
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.frequencies]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        by_margin(margins)
    }
}

/// π, the share of each label.
fn frequencies(labels: &[ClassId], n_classes: usize) -> Vec<f32> {
    let mut counts = vec![0_u32; n_classes];
    for label in labels {
        counts[label.index()] += 1;
    }
    counts.iter().map(|count| *count as f32 / labels.len().max(1) as f32).collect()
}

/// All rows, with the labels of another random order of them.
fn peers(at: &EpochStart<'_>) -> Stream {
    let seed = seed::stream(at.seed, "peers", &[u64::from(at.epoch)]);
    let others = sample::permutation(at.labels.len(), seed);
    let labels: Vec<ClassId> = others.iter().map(|row| at.labels[row.index()]).collect();
    Stream { recorded: false, ..Stream::all(&labels) }
}
