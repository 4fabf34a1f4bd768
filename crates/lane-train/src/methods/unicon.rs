//! `unicon`: choose the same number of clean rows from every class, mix, and contrast the rest.
//!
//! ```text
//! d_i    = JSD( (p¹_i + p²_i)/2, onehot y_i )  in bits, 0..=1        both networks, original view
//! d_cut  = mean d;  if above d_μ:  d_cut ← d_cut − (d_cut − min d)/τ
//! R      = share of rows with d < d_cut;  labelled: of every class the ⌊R·N/C⌋ rows of lowest d
//! w_i    = 1 where d_i < ½, else 1 − d_i
//! L      = L_x + λ_u L_u + L_reg + λ_c L_con      each network in turn, the other standing still
//! ```
//!
//! Labels are refined (by w and the network's own prediction) and guessed (by both networks) on the
//! weak view, the text itself; what is mixed and learnt are the strong views, all others
//! (`lane_losses::semi_supervised`). `L_con` is `SimCLR` over the strong views of the unlabelled rows,
//! behind a projection of two layers to 128 that each network has of its own. Both predict together.
//!
//! Needs two views, and three for `L_con`; with `views.kinds` not set they are the text and a copy with
//! synonyms, and `L_con` compares that with the text.
//!
//! Suspicion of a row: −AUM of network 1. Its weight is `w`, and 0 where it is unlabelled. An
//! unlabelled row above the cut-off is flagged, listed with that reason, and given the label both
//! networks predict.
//!
//! Departures: the authors' code takes the natural logarithm, under which d never exceeds 0.693, below
//! its `d_μ` of 0.7; bits give the range that `d_μ` is meant for (`unicon.logarithm`). `λ_u` is 1 where it is
//! 30 for images, and rises over half of the epochs after the plain ones. At least one row of each
//! class is labelled. The rows are chosen once an epoch, before either network moves; the authors
//! choose again before the second.
//!
//! Source: Karim, Rizve, Rahnavard, Mian, Shah: *UNICON: Combating Label Noise Through Uniform
//! Selection and Contrastive Learning*, CVPR 2022.

use burn::tensor::activation::relu;
use burn::tensor::{Int, Tensor, TensorData};
use lane_data::{RowId, seed};
use lane_losses::semi_supervised::{self, MixedLoss};
use lane_losses::supervised_contrastive::{self, SupervisedContrastiveConfig};
use lane_metrics::ClassId;
use lane_metrics::weights::{MarginWeights, Quantity};
use lane_models::Mode;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::evaluate::{all_rows, argmax};
use crate::inner_loss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Matrix, Method, OwnParameters, Pass, Phase, PhaseStart,
    Remembered, Step, StepBatch, Verdict,
};
use crate::methods::dividemix::{both_cross_entropies, draw};
use crate::methods::lane::suspicion;
use crate::methods::{Entry, Facts};
use crate::schedule::UnlabelledRamp;
use crate::setting::{positive, within};
use selection::{Selection, select};

pub mod selection;

pub use selection::Logarithm;

/// The line in the list of methods.
pub const UNICON: Entry = Entry {
    name: "unicon",
    about: "two networks, as many clean rows from every class, mixing and a contrastive loss",
    least_views: 2,
    build: |config, facts| Ok(Box::new(Unicon::new(config, facts)?)),
};

/// Width of the projection.
const PROJECTED: usize = 128;
/// Matrices of one network's projection: two weights, two biases.
const MATRICES: usize = 4;
const UNLABELLED: &str = "too far from its label under both networks";

/// `unicon`: the cut-off, the guessed labels, the mixing, the contrast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UniconConfig {
    /// `d_μ`, above which a mean distance is lowered, in 0..=1.
    pub high: f64,
    /// τ, by how much: above 0.
    pub divisor: f64,
    /// Unit of the distance.
    pub logarithm: Logarithm,
    /// T, above 0.
    pub temperature: f64,
    /// α of the Beta distribution, above 0.
    pub alpha: f64,
    /// `λ_u` at the end of its ramp, 0 or more.
    pub unlabelled_weight: f64,
    /// `λ_c`, 0 or more.
    pub contrastive_weight: f64,
    /// Temperature of the contrastive loss, above 0.
    pub contrastive_temperature: f64,
    /// Epochs of plain training first; absent = a fifth of all, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
}

impl Default for UniconConfig {
    fn default() -> Self {
        Self {
            high: 0.7,
            divisor: 5.0,
            logarithm: Logarithm::Two,
            temperature: 0.5,
            alpha: 4.0,
            unlabelled_weight: 1.0,
            contrastive_weight: 0.025,
            contrastive_temperature: 0.05,
            plain_epochs: None,
        }
    }
}

/// Two networks, their projections, and the selection of this pass.
#[derive(Debug)]
pub struct Unicon {
    settings: UniconConfig,
    epochs: u32,
    plain_epochs: u32,
    ramp: UnlabelledRamp,
    /// All views but the first, by name.
    strong_views: String,
    initial_range: f64,
    selection: Option<Selection>,
    predicted: Vec<ClassId>,
}

impl Unicon {
    /// The method before its first selection.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, _facts: Facts) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.unicon.clone(), config.epochs());
        inner_loss::refuse(config)?;
        within("unicon.high", settings.high, 0.0, 1.0)?;
        positive("unicon.divisor", settings.divisor)?;
        positive("unicon.temperature", settings.temperature)?;
        positive("unicon.alpha", settings.alpha)?;
        within("unicon.unlabelled_weight", settings.unlabelled_weight, 0.0, f64::MAX)?;
        within("unicon.contrastive_weight", settings.contrastive_weight, 0.0, f64::MAX)?;
        positive("unicon.contrastive_temperature", settings.contrastive_temperature)?;
        let plain_epochs = settings.plain_epochs.unwrap_or(epochs.div_ceil(5));
        positive("unicon.plain_epochs", f64::from(plain_epochs))?;
        let ramp_epochs = f64::from(epochs.saturating_sub(plain_epochs)) / 2.0;
        let weight = settings.unlabelled_weight;
        let strong_views: Vec<String> =
            config.views.kinds.iter().skip(1).map(|kind| format!("`{kind}`")).collect();
        let strong_views = strong_views.join(", ");
        Ok(Self {
            settings,
            epochs,
            plain_epochs,
            ramp: UnlabelledRamp { weight, plain_epochs, ramp_epochs },
            strong_views,
            initial_range: 0.02,
            selection: None,
            predicted: Vec::new(),
        })
    }

    /// Probabilities of both networks together decide who is labelled.
    fn choose(&mut self, at: &EpochStart<'_>) -> Result<(), TrainError> {
        let rows = all_rows(at.labels.len());
        let logits = [at.scorer.logits(0, &rows)?, at.scorer.logits(1, &rows)?];
        let mean = selection::mean_probabilities(&logits, at.n_classes);
        self.predicted = mean
            .chunks_exact(at.n_classes)
            .map(|row| argmax(&row.iter().map(|p| *p as f32).collect::<Vec<_>>()))
            .collect();
        self.selection = Some(select(&mean, at.labels, at.n_classes, &self.settings));
        Ok(())
    }

    /// Targets of the strong views of both parts, without gradients.
    fn targets(&self, network: usize, step: &Step<'_>) -> Result<Tensor<2>, TrainError> {
        let (labelled, unlabelled) = (&step.batches[0], &step.batches[1]);
        let weights: Vec<f32> = labelled
            .rows
            .iter()
            .map(|row| self.selection.as_ref().map_or(1.0, |it| it.of_label(row.index()) as f32))
            .collect();
        let own = weak_probabilities(labelled, &[network])?;
        let device = own.device();
        let n = weights.len();
        let weights = Tensor::from_data(TensorData::new(weights, [n]), &device);
        let given = labelled.targets.clone().slice(0..n);
        let mut parts = vec![self.spread(semi_supervised::refined(given, weights, own), labelled)];
        if !unlabelled.rows.is_empty() {
            parts.push(self.spread(weak_probabilities(unlabelled, &[0, 1])?, unlabelled));
        }
        Ok(Tensor::cat(parts, 0))
    }

    /// Sharpened, and once for each strong view.
    fn spread(&self, probabilities: Tensor<2>, batch: &StepBatch) -> Tensor<2> {
        let sharp = semi_supervised::sharpened(probabilities, self.settings.temperature);
        sharp.repeat_dim(0, batch.n_views - 1)
    }

    fn mixed_loss(&self, network: usize, step: &Step<'_>) -> Result<Loss, TrainError> {
        let (labelled, unlabelled) = (&step.batches[0], &step.batches[1]);
        let targets = self.targets(network, step)?;
        let mut strong = vec![strong_embeddings(labelled, network)?];
        if !unlabelled.rows.is_empty() {
            strong.push(strong_embeddings(unlabelled, network)?);
        }
        let strong = Tensor::cat(strong, 0);
        let [n, _] = strong.dims();
        let (lambda, order) = draw(self.settings.alpha, n, step.seed)?;
        let mixed = semi_supervised::mixed(strong, &order, lambda);
        let targets = semi_supervised::mixed(targets, &order, lambda);
        let logits = step.networks.members[network].classify(mixed, Mode::Train(step.forward));
        let loss = MixedLoss::of(logits, targets, labelled.rows.len() * (labelled.n_views - 1));
        let contrastive = self.contrastive(network, step, unlabelled)?;
        let total = loss.total(self.ramp.at(step.progress * f64::from(self.epochs)))
            + contrastive.clone().mul_scalar(self.settings.contrastive_weight);
        let terms = vec![
            ("labelled", loss.labelled),
            ("unlabelled", loss.unlabelled),
            ("balance", loss.balance),
            ("contrastive", contrastive),
        ];
        Ok(Loss { total, terms })
    }

    /// `SimCLR` over the strong views of the unlabelled rows: two views of one row are its only
    /// positives. With a single strong view the weak one is the other.
    fn contrastive(
        &self,
        network: usize,
        step: &Step<'_>,
        batch: &StepBatch,
    ) -> Result<Tensor<1>, TrainError> {
        let n = batch.rows.len();
        let own = &step.networks.own;
        let (Some(own), false) = (own.get(network * MATRICES..(network + 1) * MATRICES), n == 0)
        else {
            return Ok(Tensor::zeros([1], &batch.targets.device()));
        };
        let views = if batch.n_views > 2 {
            strong_embeddings(batch, network)?
        } else {
            batch.output(network)?.embedding.clone()
        };
        let hidden = relu(views.matmul(own[0].val()) + own[1].val());
        let projected = hidden.matmul(own[2].val()) + own[3].val();
        let n_views = projected.dims()[0] / n;
        let ids: Vec<i32> = (0_i32..).take(n).collect::<Vec<_>>().repeat(n_views);
        let n_ids = ids.len();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [n_ids]), &projected.device());
        let config = SupervisedContrastiveConfig {
            temperature: self.settings.contrastive_temperature,
            ..SupervisedContrastiveConfig::default()
        };
        Ok(supervised_contrastive::loss(projected, ids, &config))
    }
}

impl Method for Unicon {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 2)]
    }

    fn n_predictors(&self) -> usize {
        2
    }

    fn begin(
        &mut self,
        at: &PhaseStart<'_>,
        note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        note(&format!("`unicon` mixes the views {} (`views.kinds`)", self.strong_views));
        let normal = Normal::new(0.0, self.initial_range).map_err(|_| TrainError::Mismatch {
            found: "a deviation that is no number".into(),
            expected: "one of at least 0".into(),
        })?;
        let mut matrices = Vec::with_capacity(2 * MATRICES);
        for network in 0..2 {
            let mut random = seed::generator(at.seed, "projection", &[network]);
            let mut drawn = |shape: [usize; 2]| Matrix {
                values: (0..shape[0] * shape[1])
                    .map(|_| normal.sample(&mut random) as f32)
                    .collect(),
                shape,
            };
            let width = at.embedding_width;
            matrices.push(drawn([width, width]));
            matrices.push(Matrix::zeros([1, width]));
            matrices.push(drawn([width, PROJECTED]));
            matrices.push(Matrix::zeros([1, PROJECTED]));
        }
        Ok(OwnParameters { matrices, lr_factor: 1.0 })
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        if at.epoch < self.plain_epochs {
            return Ok(EpochPlan::plain(at.labels, 2));
        }
        self.choose(at)?;
        let passes = self.selection.iter().flat_map(|selection| {
            [0, 1].map(|network| Pass::in_parts(network, &selection.labelled, at.labels))
        });
        Ok(EpochPlan { passes: passes.collect() })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        match *step.trained {
            [network] => self.mixed_loss(network, step),
            _ => both_cross_entropies(step, false),
        }
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        self.selection.as_ref().map_or(1.0, |selection| selection.weight(row.index()))
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.selection, &mut self.predicted]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .enumerate()
            .map(|(row, suspicion)| {
                let Some(selection) = &self.selection else { return Verdict::of(suspicion) };
                let flagged = selection.is_far(row);
                Verdict {
                    suspicion,
                    weight: selection.weight(row),
                    flagged,
                    removed: flagged.then_some(UNLABELLED),
                    suggested: self.predicted.get(row).copied(),
                }
            })
            .collect()
    }
}

/// Probabilities of the original view, averaged over networks, `[B, C]`, without gradients.
fn weak_probabilities(batch: &StepBatch, networks: &[usize]) -> Result<Tensor<2>, TrainError> {
    let n = batch.rows.len();
    let mut sum: Option<Tensor<2>> = None;
    for &network in networks {
        let logits = batch.output(network)?.logits.clone().detach().slice(0..n);
        let p = burn::tensor::activation::softmax(logits, 1);
        sum = Some(match sum {
            Some(sum) => sum + p,
            None => p,
        });
    }
    let sum = sum.ok_or_else(|| TrainError::Mismatch {
        found: "labels guessed by no network".into(),
        expected: "at least one".into(),
    })?;
    Ok(sum.div_scalar(networks.len() as f64))
}

/// Embeddings of all views but the first, view by view.
fn strong_embeddings(batch: &StepBatch, network: usize) -> Result<Tensor<2>, TrainError> {
    let embedding = batch.output(network)?.embedding.clone();
    let [n_all, _] = embedding.dims();
    Ok(embedding.slice(batch.rows.len()..n_all))
}

#[cfg(test)]
mod tests;
