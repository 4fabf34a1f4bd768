//! `hmw`: weights from the history of the angles between a text and the classes.
//!
//! ```text
//! d_ic  = (1 − cos(f_i, W_c)) / 2                       f the head's hidden layer, W_c its row of class c
//! o1    = min_{c≠y} d_ic,   o̅ = mean of the next K = max(int((C−2)·ρ), 1) distances
//! ω_i^e = ½ [ σ(α(o1 − d_iy)) + exp(β(o1 − o̅)) ]                              weight of epoch e
//! v_i   = Σ_{s≤e} ω_i^s · softmax_s( 1 + cos(πs/E) )                      early epochs count more
//! L     = (1/|𝔅|) Σ sg(v_i) ℓ_i            after `hmw.plain_epochs`; plain cross-entropy before
//! ```
//!
//! The classifier has no bias, so that class c is a direction. With `hmw.logit_norm` the logits are
//! brought to unit length in training, as the authors' code does; it keeps the loss high and is off
//! by default. Two classes have no third to measure `o̅` by and are refused, unless
//! `hmw.parts = "margin"` leaves that part out.
//!
//! Suspicion of a row: −AUM, which finds the wrong labels better than 1 − v, since v is 0 or ½ for most
//! rows and says nothing of their order. Flagged when v is below ¼, half of what a row that its label
//! fits has (½, as the second part is near 0 for it), or below ½ with one part alone.
//!
//! Source: Zhang, Li, Wang, Li, Liu: *Learning with Noisy Labels Using Hyperspherical Margin
//! Weighting*, AAAI 2024, read from the authors' code.

use burn::tensor::{Tensor, TensorData};
use lane_data::RowId;
use lane_losses::cross_entropy;
use lane_metrics::hyperspherical_margin::{self, AnnealedWeights, Parts, SliceConfig};
use lane_metrics::weights::{MarginWeights, Quantity};
use lane_models::Network;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss;
use crate::method::{Loss, Method, Phase, Remembered, Step, StepBatch, Verdict};
use crate::methods::lane::suspicion;
use crate::methods::{Entry, Facts};
use crate::setting::within;
use crate::transfer;

/// The line in the list of methods.
pub const HMW: Entry = Entry {
    name: "hmw",
    about: "weights from the history of angles between a text and the classes",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Hmw::new(config, facts)?)),
};

/// `hmw`: the weight of an epoch, and from when the weights count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HmwConfig {
    /// α, β, ρ and which parts count.
    pub slice: SliceConfig,
    /// Epochs of plain cross-entropy; absent = 1, or none where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
    /// Bring the logits to unit length in training.
    pub logit_norm: bool,
}

/// Weights by history.
#[derive(Debug)]
pub struct Hmw {
    settings: HmwConfig,
    epochs: u32,
    plain_epochs: u32,
    weights: AnnealedWeights,
}

impl Hmw {
    /// The method over data of which `facts` are known, all rows unseen.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] for two classes, or a setting out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.hmw.clone(), config.epochs());
        inner_loss::refuse(config)?;
        settings.slice.validate(facts.n_classes)?;
        let last = epochs.saturating_sub(1);
        let plain_epochs = settings.plain_epochs.unwrap_or(last.min(1));
        within("hmw.plain_epochs", f64::from(plain_epochs), 0.0, f64::from(last))?;
        let weights = AnnealedWeights::new(facts.n_rows, epochs)?;
        Ok(Self { settings, epochs, plain_epochs, weights })
    }

    /// v of a row; 1 before it was seen.
    fn of_row(&self, row: RowId) -> f64 {
        self.weights.weight(row).unwrap_or(1.0)
    }

    /// Notes the weights of this epoch for the rows of a batch, from the original view.
    fn record(&mut self, step: &Step<'_>, batch: &StepBatch) -> Result<(), TrainError> {
        let network = &step.networks.members[0];
        let embedding = batch.output(0)?.embedding.clone().detach();
        let [_, width] = embedding.dims();
        let original = embedding.slice([0..batch.rows.len(), 0..width]);
        let distances = transfer::read(distances(network, original));
        let slice = &self.settings.slice;
        let weights =
            hyperspherical_margin::of_batch(&distances, network.n_classes(), &batch.labels, slice)?;
        for (row, weight) in batch.rows.iter().zip(weights) {
            self.weights.record(*row, step.epoch, weight)?;
        }
        Ok(())
    }
}

impl Method for Hmw {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase { head_bias: false, ..Phase::only(self.epochs, 1) }]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        self.record(step, batch)?;
        let mut logits = batch.output(0)?.logits.clone();
        if self.settings.logit_norm {
            logits = cross_entropy::unit_logits(logits);
        }
        if step.epoch < self.plain_epochs {
            let total = cross_entropy::mean(logits, batch.targets.clone());
            return Ok(Loss { terms: vec![("cross_entropy", total.clone())], total });
        }
        let weights: Vec<f32> = batch.rows.iter().map(|row| self.of_row(*row) as f32).collect();
        let weights = weights.repeat(batch.n_views);
        let n = weights.len();
        let weights = Tensor::from_data(TensorData::new(weights, [n]), &logits.device());
        let total = cross_entropy::weighted(logits, batch.targets.clone(), weights);
        Ok(Loss { terms: vec![("weighted_cross_entropy", total.clone())], total })
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        self.of_row(row)
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.weights]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        let threshold = if self.settings.slice.parts == Parts::Both { 0.25 } else { 0.5 };
        suspicion(margins, Quantity::Aum)
            .zip(0..)
            .map(|(suspicion, row)| {
                let weight = self.of_row(RowId(row));
                Verdict { weight, flagged: weight < threshold, ..Verdict::of(suspicion) }
            })
            .collect()
    }
}

/// `(1 − cos(f_i, W_c)) / 2`, shape `[n, C]`, of embeddings `[n, d]`; no gradient.
fn distances(network: &Network, embeddings: Tensor<2>) -> Tensor<2> {
    let features = unit_rows(network.hidden(embeddings).inner()); // [n, h]
    let classes = unit_rows(network.head.classifier.weight.val().inner().transpose()); // [C, h]
    let cosine = features.matmul(classes.transpose()).clamp(-1.0, 1.0); // [n, C]
    (cosine.neg() + 1.0) / 2.0
}

/// Rows at unit length; a row shorter than the floor is left short.
fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().square().sum_dim(1).sqrt();
    rows / length.clamp_min(hyperspherical_margin::NORM_FLOOR)
}
