//! `dividemix`: split the rows by a mixture over their losses, and learn from both parts by mixing.
//!
//! ```text
//! each epoch after the warm-up, for networks 1 and 2 in turn, the other one standing still:
//! w_i      = P(lower component | ℓ_i of the other network), two Gaussians over all losses (Eq. 1)
//! X, U     = rows with w > ½, the rest
//! t_i      = sharp( w_i onehot(y_i) + (1 − w_i) mean_v p_i,v )          i in X, own mean  (Eq. 3, 4)
//! t_i      = sharp( mean over both networks and all views of p_i,v )    i in U           (Eq. 5, 6)
//! L        = L_x + λ_u L_u + L_reg      of rows mixed by λ ~ Beta(α, α), max(λ, 1 − λ)  (Eq. 7–12)
//! ```
//!
//! What is mixed are sentence embeddings (`lane_losses::semi_supervised`). Both networks predict
//! together: their logits are added up. With several views (`views.kinds`) labels are guessed over all
//! of them, as the paper does with two crops of an image; with one they are guessed from that.
//!
//! Posteriors of both networks are computed before either moves. Equal losses make every row
//! labelled; a split that labels nobody labels the rows of one batch with the lowest losses; without
//! unlabelled rows only `L_x` and `L_reg` are left.
//!
//! Suspicion of a row: −AUM of network 1. Its weight is the mean of both posteriors; where both put
//! it into U it is flagged, listed with that reason, and given the label both together predict.
//!
//! Departures: for text α is 0.75, as in SelfMix, and `λ_u` 1; both are 4 and 25 for images. `λ_u` rises over
//! half of the epochs after the warm-up instead of 16. The average of losses over five epochs, which
//! the authors take at 90 % noise, is left out.
//!
//! Source: Li, Socher, Hoi: *DivideMix: Learning with Noisy Labels as Semi-supervised Learning*, ICLR
//! 2020.

use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};
use lane_data::{RowId, sample, seed};
use lane_losses::cross_entropy;
use lane_losses::semi_supervised::{self, MixedLoss};
use lane_metrics::ClassId;
use lane_metrics::mixture::{self, MixtureConfig};
use lane_metrics::softmax::log_sum_exp;
use lane_metrics::weights::{MarginWeights, Quantity};
use lane_models::Mode;
use rand_distr::{Beta, Distribution};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::evaluate::{all_rows, argmax};
use crate::inner_loss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, Pass, Phase, Remembered, Step, StepBatch, Verdict,
};
use crate::methods::lane::suspicion;
use crate::methods::{Entry, Facts};
use crate::schedule::UnlabelledRamp;
use crate::setting::{positive, within};

/// The line in the list of methods.
pub const DIVIDEMIX: Entry = Entry {
    name: "dividemix",
    about: "two networks that split the rows by loss and mix labelled with unlabelled ones",
    least_views: 1,
    build: |config, facts| Ok(Box::new(DivideMix::new(config, facts)?)),
};

const UNLABELLED: &str = "loss in the upper component under both networks";

/// `dividemix`: the split, the guessed labels, the mixing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DivideMixConfig {
    /// A row is labelled above this posterior, in 0..1.
    pub threshold: f64,
    /// T, above 0.
    pub temperature: f64,
    /// α of the Beta distribution, above 0.
    pub alpha: f64,
    /// `λ_u` at the end of its ramp, 0 or more.
    pub unlabelled_weight: f64,
    /// Epochs of plain training first; absent = a fifth of all, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
    /// Epochs in which `λ_u` rises; absent = half of those after the plain ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_epochs: Option<f64>,
    /// Add −H(p) in the plain epochs, as the authors do where some classes are mistaken for others.
    pub confidence_penalty: bool,
}

impl Default for DivideMixConfig {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            temperature: 0.5,
            alpha: 0.75,
            unlabelled_weight: 1.0,
            plain_epochs: None,
            ramp_epochs: None,
            confidence_penalty: false,
        }
    }
}

/// What one network's losses say of every row.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Split {
    /// w, the posterior of the component with the lower losses.
    clean: Vec<f64>,
    labelled: Vec<bool>,
}

/// Two networks and their splits of this epoch.
#[derive(Debug)]
pub struct DivideMix {
    settings: DivideMixConfig,
    epochs: u32,
    plain_epochs: u32,
    ramp: UnlabelledRamp,
    batch_size: usize,
    splits: Vec<Split>,
    predicted: Vec<ClassId>,
}

impl DivideMix {
    /// The method before its first split.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, _facts: Facts) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.dividemix.clone(), config.epochs());
        inner_loss::refuse(config)?;
        within("dividemix.threshold", settings.threshold, 0.0, 1.0)?;
        positive("dividemix.temperature", settings.temperature)?;
        positive("dividemix.alpha", settings.alpha)?;
        within("dividemix.unlabelled_weight", settings.unlabelled_weight, 0.0, f64::MAX)?;
        let plain_epochs = settings.plain_epochs.unwrap_or(epochs.div_ceil(5));
        positive("dividemix.plain_epochs", f64::from(plain_epochs))?;
        let mixed = f64::from(epochs.saturating_sub(plain_epochs));
        let ramp_epochs = settings.ramp_epochs.unwrap_or(mixed / 2.0);
        within("dividemix.ramp_epochs", ramp_epochs, 0.0, f64::MAX)?;
        let weight = settings.unlabelled_weight;
        Ok(Self {
            settings,
            epochs,
            plain_epochs,
            ramp: UnlabelledRamp { weight, plain_epochs, ramp_epochs },
            batch_size: config.training.batch_size,
            splits: Vec::new(),
            predicted: Vec::new(),
        })
    }

    /// Scores all rows with both networks.
    fn split(&mut self, at: &EpochStart<'_>) -> Result<(), TrainError> {
        let rows = all_rows(at.labels.len());
        let logits = [at.scorer.logits(0, &rows)?, at.scorer.logits(1, &rows)?];
        self.splits = logits
            .iter()
            .map(|logits| {
                let losses = losses(logits, at.labels, at.n_classes);
                split(&losses, self.settings.threshold, self.batch_size)
            })
            .collect::<Result<_, _>>()?;
        let sums: Vec<f32> = logits[0].iter().zip(&logits[1]).map(|(a, b)| a + b).collect();
        self.predicted = sums.chunks_exact(at.n_classes).map(argmax).collect();
        Ok(())
    }

    /// Targets of both parts, `[V·B, C]` each, without gradients.
    fn targets(&self, network: usize, step: &Step<'_>) -> Result<Vec<Tensor<2>>, TrainError> {
        let (labelled, unlabelled) = (&step.batches[0], &step.batches[1]);
        let split = &self.splits[1 - network];
        let weights: Vec<f32> =
            labelled.rows.iter().map(|row| split.clean[row.index()] as f32).collect();
        let own = mean_probabilities(labelled, &[network])?;
        let device = own.device();
        let n = weights.len();
        let weights = Tensor::from_data(TensorData::new(weights, [n]), &device);
        let given = labelled.targets.clone().slice(0..n);
        let refined = semi_supervised::refined(given, weights, own);
        let mut targets = vec![self.spread(refined, labelled)];
        if !unlabelled.rows.is_empty() {
            let guessed = mean_probabilities(unlabelled, &[0, 1])?;
            targets.push(self.spread(guessed, unlabelled));
        }
        Ok(targets)
    }

    /// Sharpened, and once for each view.
    fn spread(&self, probabilities: Tensor<2>, batch: &StepBatch) -> Tensor<2> {
        let sharp = semi_supervised::sharpened(probabilities, self.settings.temperature);
        sharp.repeat_dim(0, batch.n_views)
    }

    fn mixed_loss(&self, network: usize, step: &Step<'_>) -> Result<Loss, TrainError> {
        let (labelled, unlabelled) = (&step.batches[0], &step.batches[1]);
        let targets = Tensor::cat(self.targets(network, step)?, 0);
        let mut embeddings = vec![labelled.output(network)?.embedding.clone()];
        if !unlabelled.rows.is_empty() {
            embeddings.push(unlabelled.output(network)?.embedding.clone());
        }
        let embeddings = Tensor::cat(embeddings, 0);
        let [n, _] = embeddings.dims();
        let (lambda, order) = draw(self.settings.alpha, n, step.seed)?;
        let mixed = semi_supervised::mixed(embeddings, &order, lambda);
        let targets = semi_supervised::mixed(targets, &order, lambda);
        let logits = step.networks.members[network].classify(mixed, Mode::Train(step.forward));
        let loss = MixedLoss::of(logits, targets, labelled.rows.len() * labelled.n_views);
        let total = loss.total(self.ramp.at(step.progress * f64::from(self.epochs)));
        let terms = vec![
            ("labelled", loss.labelled),
            ("unlabelled", loss.unlabelled),
            ("balance", loss.balance),
        ];
        Ok(Loss { total, terms })
    }

    fn clean(&self, row: usize) -> f64 {
        if self.splits.is_empty() {
            return 1.0;
        }
        let sum: f64 = self.splits.iter().map(|split| split.clean[row]).sum();
        sum / self.splits.len() as f64
    }
}

impl Method for DivideMix {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 2)]
    }

    fn n_predictors(&self) -> usize {
        2
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        if at.epoch < self.plain_epochs {
            return Ok(EpochPlan::plain(at.labels, 2));
        }
        self.split(at)?;
        let pass =
            |network: usize| Pass::in_parts(network, &self.splits[1 - network].labelled, at.labels);
        Ok(EpochPlan { passes: vec![pass(0), pass(1)] })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        match *step.trained {
            [network] => self.mixed_loss(network, step),
            _ => both_cross_entropies(step, self.settings.confidence_penalty),
        }
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        self.clean(row.index())
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.splits, &mut self.predicted]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .enumerate()
            .map(|(row, suspicion)| {
                let flagged =
                    !self.splits.is_empty() && self.splits.iter().all(|split| !split.labelled[row]);
                Verdict {
                    suspicion,
                    weight: self.clean(row),
                    flagged,
                    removed: flagged.then_some(UNLABELLED),
                    suggested: self.predicted.get(row).copied(),
                }
            })
            .collect()
    }
}

/// Cross-entropy of both networks on the first stream, each with −H(p) where asked for.
pub(crate) fn both_cross_entropies(
    step: &Step<'_>,
    with_penalty: bool,
) -> Result<Loss, TrainError> {
    let batch = &step.batches[0];
    let of = |network: usize| -> Result<Tensor<1>, TrainError> {
        let logits = batch.output(network)?.logits.clone();
        let loss = cross_entropy::mean(logits.clone(), batch.targets.clone());
        Ok(if with_penalty { loss + semi_supervised::confidence_penalty(logits) } else { loss })
    };
    let (first, second) = (of(0)?, of(1)?);
    let terms = vec![("first", first.clone()), ("second", second.clone())];
    Ok(Loss { total: first + second, terms })
}

/// Cross-entropy of every row, in f64.
fn losses(logits: &[f32], labels: &[ClassId], n_classes: usize) -> Vec<f64> {
    let rows = logits.chunks_exact(n_classes).zip(labels);
    rows.map(|(row, label)| log_sum_exp(row) - f64::from(row[label.index()])).collect()
}

/// Who is labelled by these losses: all if they are equal, `fallback` rows if the mixture has nobody.
fn split(losses: &[f64], threshold: f64, fallback: usize) -> Result<Split, TrainError> {
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if losses.len() < 2 || highest <= lowest {
        let n = losses.len();
        return Ok(Split { clean: vec![1.0; n], labelled: vec![true; n] });
    }
    let mixture = mixture::fit(losses, &MixtureConfig::default())?;
    let clean: Vec<f64> = losses.iter().map(|loss| mixture.posterior_lower(*loss)).collect();
    let mut labelled: Vec<bool> = clean.iter().map(|clean| *clean > threshold).collect();
    if !labelled.contains(&true) {
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|&left, &right| losses[left].total_cmp(&losses[right]));
        order.iter().take(fallback).for_each(|&row| labelled[row] = true);
    }
    Ok(Split { clean, labelled })
}

/// Probabilities averaged over networks and views, `[B, C]`, without gradients.
fn mean_probabilities(batch: &StepBatch, networks: &[usize]) -> Result<Tensor<2>, TrainError> {
    let (n, n_views) = (batch.rows.len(), batch.n_views);
    let mut parts = Vec::with_capacity(networks.len());
    for &network in networks {
        let p = softmax(batch.output(network)?.logits.clone().detach(), 1);
        let [_, c] = p.dims();
        parts.push(p.reshape([n_views, n, c]).mean_dim(0).reshape([1, n, c]));
    }
    let all = Tensor::cat(parts, 0); // [networks, B, C]
    let [_, _, c] = all.dims();
    Ok(all.mean_dim(0).reshape([n, c]))
}

/// λ of at least ½, and an order of `n` rows.
pub(crate) fn draw(alpha: f64, n: usize, step_seed: u64) -> Result<(f64, Vec<i32>), TrainError> {
    let beta = Beta::new(alpha, alpha)
        .map_err(|_| TrainError::setting("dividemix.alpha", alpha, "a number above 0"))?;
    let lambda: f64 = beta.sample(&mut seed::generator(step_seed, "mixup", &[]));
    // Where α overflows the sampler, all of the distribution is at ½.
    let lambda = if lambda.is_nan() { 0.5 } else { lambda };
    let order = sample::permutation(n, step_seed).into_iter().map(|row| row.0.cast_signed());
    Ok((lambda.max(1.0 - lambda), order.collect()))
}

#[cfg(test)]
mod tests;
