//! `disc`: sort rows by what the network says of two views of them, against thresholds of their own.
//!
//! ```text
//! m^v_i  = [ p^v_{i,y_i} > τ^v_i ]            v = w (the text), s (its other view); last recorded p
//! clean    = m^w ∧ m^s          hard = m^w ⊕ m^s
//! corrected = neither, and max_c (p^w + p^s)/2 > min( (τ^w + τ^s)/2 + σ, 0.99 ); the label is that c
//! τ^v_i ← m τ^v_i + (1 − m) max_c p^v_ic                                after each epoch
//! L = Σ_clean [CE^w + CE^s]/B + λ_h Σ_hard [GCE^w + GCE^s]/B + mixup^w + mixup^s
//! ```
//!
//! A term over no rows is zero; a step none of whose rows is in a set is skipped and counted
//! (`skipped_steps` in `metrics.jsonl`).
//!
//! Mixup is over clean, hard and corrected rows together, of sentence embeddings, with λ ~ Beta(5, 5) and
//! max(λ, 1 − λ); GCE has q = 0.7. Sets found after epoch e are used in epoch e + 1. The first
//! `disc.plain_epochs` train on both views under cross-entropy.
//!
//! Needs two views; with `views.kinds` not set they are the text and a copy with synonyms. Of more, s
//! is another at each step, drawn by the run's seed.
//!
//! Suspicion of a row: −AUM of the text's own view. A row that is neither clean nor hard in the last
//! epoch has weight 0, is flagged and listed with the reason, and its suggested label is the corrected
//! one where there is one.
//!
//! Departures: thresholds start at 1/N as in the authors' code (1/C with `disc.start = "classes"`), so the
//! momentum decides how soon anything is sorted out. Theirs is 0.99 over 200 epochs; here it is
//! rescaled, m = 0.99^(200/E), or nothing would be.
//!
//! Source: Li, Han, Shan, Chen: *DISC: Learning from Noisy Labels via Dynamic Instance-Specific
//! Selection and Correction*, CVPR 2023, read in the authors' code.

use burn::tensor::{Int, Tensor, TensorData};
use lane_data::RowId;
use lane_losses::generalized_cross_entropy::{self, GceConfig};
use lane_losses::{cross_entropy, semi_supervised};
use lane_metrics::ClassId;
use lane_metrics::weights::{MarginWeights, Quantity};
use lane_models::{Mode, Output};
use serde::{Deserialize, Serialize};

use crate::config::{Config, ViewKind};
use crate::error::TrainError;
use crate::evaluate::argmax;
use crate::inner_loss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, OwnParameters, Phase, PhaseStart, Remembered, Step,
    StepBatch, Verdict,
};
use crate::methods::dividemix::draw;
use crate::methods::lane::suspicion;
use crate::methods::{Entry, Facts};
use crate::setting::{below_one, positive, within};
use crate::transfer;

/// The line in the list of methods.
pub const DISC: Entry = Entry {
    name: "disc",
    about: "sorts rows into clean, hard and corrected by two views and thresholds of their own",
    least_views: 2,
    build: |config, facts| Ok(Box::new(Disc::new(config, facts)?)),
};

/// Most that a corrected label has to be believed.
const CAP: f32 = 0.99;
/// Parameter of the Beta distribution.
const ALPHA: f64 = 5.0;
const CORRECTED: &str = "its label believed in neither view, another in both";
const IN_NO_SET: &str = "its label believed in neither view";

/// `disc`: thresholds and the weight of hard rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscConfig {
    /// m, in 0..1; absent = 0.99 rescaled from 200 epochs to those of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// σ, how much more than the threshold a corrected label has to be believed.
    pub sigma: f64,
    /// `λ_h`, the weight of hard rows; the authors take 0.2 from 60 % noise on.
    pub hard_weight: f64,
    /// Where thresholds start.
    pub start: Start,
    /// Epochs of plain training; absent = a tenth of all, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
}

impl Default for DiscConfig {
    fn default() -> Self {
        Self {
            momentum: None,
            sigma: 0.5,
            hard_weight: 1.0,
            start: Start::Rows,
            plain_epochs: None,
        }
    }
}

/// Where the thresholds start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At 1/N.
    Rows,
    /// At 1/C.
    Classes,
}

/// Where a row belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Set {
    Clean,
    Hard,
    Corrected(ClassId),
    None,
}

/// The sets of this epoch and what the next ones are made of.
#[derive(Debug)]
pub struct Disc {
    settings: DiscConfig,
    /// The views that the text is compared with, as users name them.
    other_views: String,
    momentum: f32,
    epochs: u32,
    plain_epochs: u32,
    thresholds: Vec<[f32; 2]>,
    /// Probabilities of both views as last recorded, `[rows, C]` each; empty before the first step.
    recorded: [Vec<f32>; 2],
    sets: Vec<Set>,
}

impl Disc {
    /// The method over data of which `facts` are known.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.disc.clone(), config.epochs());
        inner_loss::refuse(config)?;
        let rescaled = 0.99_f64.powf(200.0 / f64::from(epochs));
        let momentum = settings.momentum.unwrap_or(rescaled);
        below_one("disc.momentum", momentum)?;
        within("disc.sigma", settings.sigma, 0.0, 1.0)?;
        within("disc.hard_weight", settings.hard_weight, 0.0, f64::MAX)?;
        let plain_epochs = settings.plain_epochs.unwrap_or(epochs.div_ceil(10));
        positive("disc.plain_epochs", f64::from(plain_epochs))?;
        let start = match settings.start {
            Start::Rows => 1.0 / facts.n_rows.max(1) as f32,
            Start::Classes => 1.0 / facts.n_classes.max(1) as f32,
        };
        let n = facts.n_rows * facts.n_classes;
        Ok(Self {
            settings,
            other_views: other_views(&config.views.kinds),
            momentum: momentum as f32,
            epochs,
            plain_epochs,
            thresholds: vec![[start; 2]; facts.n_rows],
            recorded: [vec![0.0; n], vec![0.0; n]],
            sets: vec![Set::Clean; facts.n_rows],
        })
    }

    /// Sets by what was recorded, and thresholds moved on.
    fn sort(&mut self, labels: &[ClassId], n_classes: usize) {
        let (first, second) = (&self.recorded[0], &self.recorded[1]);
        let views = first.chunks_exact(n_classes).zip(second.chunks_exact(n_classes));
        for (row, (first, second)) in views.enumerate() {
            let thresholds = &mut self.thresholds[row];
            let sigma = self.settings.sigma as f32;
            self.sets[row] = set_of([first, second], labels[row], *thresholds, sigma);
            for (threshold, view) in thresholds.iter_mut().zip([first, second]) {
                let highest = view[argmax(view).index()];
                *threshold = self.momentum * *threshold + (1.0 - self.momentum) * highest;
            }
        }
    }

    fn record(&mut self, batch: &StepBatch) -> Result<(), TrainError> {
        let logits = batch.output(0)?.logits.clone();
        let [_, c] = logits.dims();
        let p = burn::tensor::activation::softmax(logits.detach().inner(), 1);
        let p = transfer::read(p);
        let n = batch.rows.len();
        for (view, recorded) in self.recorded.iter_mut().enumerate() {
            for (row, p) in batch.rows.iter().zip(p[view * n * c..].chunks_exact(c)) {
                recorded[row.index() * c..][..c].copy_from_slice(p);
            }
        }
        Ok(())
    }

    fn sorted_loss(&self, step: &Step<'_>, batch: &StepBatch) -> Result<Loss, TrainError> {
        let logits = batch.output(0)?.logits.clone();
        if batch.rows.iter().all(|row| self.sets[row.index()] == Set::None) {
            return Ok(Loss::none(&logits.device()));
        }
        let belongs = |set: fn(Set) -> bool| -> Vec<bool> {
            batch.rows.iter().map(|row| set(self.sets[row.index()])).collect()
        };
        let plain = cross_entropy::per_row(logits.clone(), batch.targets.clone());
        let robust = generalized_cross_entropy::per_row(
            logits,
            batch.targets.clone(),
            &GceConfig::default(),
        );
        let clean = over_both_views(plain, &belongs(|set| set == Set::Clean));
        let hard = over_both_views(robust, &belongs(|set| set == Set::Hard));
        let mixup = self.mixup(step, batch, 0)? + self.mixup(step, batch, 1)?;
        let total =
            clean.clone() + hard.clone().mul_scalar(self.settings.hard_weight) + mixup.clone();
        Ok(Loss { total, terms: vec![("clean", clean), ("hard", hard), ("mixup", mixup)] })
    }

    /// Mixup of one view over the rows that are in some set.
    fn mixup(
        &self,
        step: &Step<'_>,
        batch: &StepBatch,
        view: usize,
    ) -> Result<Tensor<1>, TrainError> {
        let embeddings = batch.output(0)?.embedding.clone();
        let device = embeddings.device();
        let mut places: Vec<i32> = Vec::new();
        let mut labels = Vec::new();
        let of_view = (0..).skip(view * batch.rows.len());
        for ((place, row), given) in of_view.zip(&batch.rows).zip(&batch.labels) {
            let label = match self.sets[row.index()] {
                Set::Clean | Set::Hard => *given,
                Set::Corrected(label) => label,
                Set::None => continue,
            };
            places.push(place);
            labels.push(i32::from(label.0));
        }
        let n = places.len();
        if n == 0 {
            return Ok(Tensor::zeros([1], &device));
        }
        let ids = |ids: Vec<i32>| Tensor::<1, Int>::from_data(TensorData::new(ids, [n]), &device);
        let network = &step.networks.members[0];
        let targets = semi_supervised::one_hot(ids(labels), network.n_classes());
        let (lambda, order) = draw(ALPHA, n, step.seed.wrapping_add(view as u64))?;
        let mixed = semi_supervised::mixed(embeddings.select(0, ids(places)), &order, lambda);
        let targets = semi_supervised::mixed(targets, &order, lambda);
        let logits = network.classify(mixed, Mode::Train(step.forward));
        Ok(cross_entropy::over_rows(cross_entropy::soft(logits, targets)))
    }
}

impl Method for Disc {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 1)]
    }

    fn begin(
        &mut self,
        _at: &PhaseStart<'_>,
        note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        note(&format!("`disc` compares each text with its {} (`views.kinds`)", self.other_views));
        Ok(OwnParameters::default())
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        if at.epoch > 0 {
            self.sort(at.labels, at.n_classes);
        }
        Ok(EpochPlan::plain(at.labels, 1))
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &two_views(&step.batches[0], step.seed)?;
        self.record(batch)?;
        if step.epoch >= self.plain_epochs {
            return self.sorted_loss(step, batch);
        }
        // CE of both views, each a mean over the batch.
        let mean = cross_entropy::mean(batch.output(0)?.logits.clone(), batch.targets.clone());
        let total = mean.mul_scalar(batch.n_views as f64);
        Ok(Loss { terms: vec![("cross_entropy", total.clone())], total })
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        f64::from(u8::from(matches!(self.sets[row.index()], Set::Clean | Set::Hard)))
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.thresholds, &mut self.recorded, &mut self.sets]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .zip(&self.sets)
            .map(|(suspicion, set)| {
                let (removed, suggested) = match set {
                    Set::Clean | Set::Hard => return Verdict::of(suspicion),
                    Set::Corrected(label) => (CORRECTED, Some(*label)),
                    Set::None => (IN_NO_SET, None),
                };
                Verdict { suspicion, weight: 0.0, flagged: true, removed: Some(removed), suggested }
            })
            .collect()
    }
}

fn other_views(kinds: &[ViewKind]) -> String {
    match kinds {
        [] | [_] => format!("view `{}`", ViewKind::SYNONYM),
        [_, second] => format!("view `{second}`"),
        [_, others @ ..] => format!("{} views, one a step", others.len()),
    }
}

/// The texts and one of their other views, drawn anew for each step.
fn two_views(batch: &StepBatch, seed: u64) -> Result<StepBatch, TrainError> {
    let (output, n) = (batch.output(0)?, batch.rows.len());
    let n_others = batch.n_views.saturating_sub(1).max(1) as u64;
    let second = 1 + (seed % n_others) as usize;
    let two = |tensor: &Tensor<2>| {
        let view = |at: usize| tensor.clone().slice_dim(0, at * n..(at + 1) * n);
        Tensor::cat(vec![view(0), view(second)], 0)
    };
    let output = Output { logits: two(&output.logits), embedding: two(&output.embedding) };
    Ok(StepBatch {
        rows: batch.rows.clone(),
        labels: batch.labels.clone(),
        targets: batch.targets.clone().slice_dim(0, 0..2 * n),
        n_views: 2,
        outputs: vec![Some(output)],
    })
}

/// `Σ (ℓ^w_i + ℓ^s_i) / B` over the rows that belong; `per_row` is `[V·B]`, view by view.
fn over_both_views(per_row: Tensor<1>, belongs: &[bool]) -> Tensor<1> {
    let n = belongs.len();
    let mut weights: Vec<f32> = belongs.iter().map(|is| f32::from(u8::from(*is))).collect();
    weights.extend_from_within(..);
    let weights = Tensor::from_data(TensorData::new(weights, [2 * n]), &per_row.device());
    (per_row.slice(0..2 * n) * weights).sum() / n.max(1) as f32
}

/// Where a row belongs by the probabilities of its two views.
fn set_of(views: [&[f32]; 2], label: ClassId, thresholds: [f32; 2], sigma: f32) -> Set {
    let believed = [0, 1].map(|view| views[view][label.index()] > thresholds[view]);
    match believed {
        [true, true] => return Set::Clean,
        [true, false] | [false, true] => return Set::Hard,
        [false, false] => {}
    }
    let mean: Vec<f32> =
        views[0].iter().zip(views[1]).map(|(one, other)| f32::midpoint(*one, *other)).collect();
    let best = argmax(&mean);
    if mean[best.index()] > needed(thresholds, sigma) { Set::Corrected(best) } else { Set::None }
}

/// `t_i`, above which another label has to be believed to replace the given one.
fn needed(thresholds: [f32; 2], sigma: f32) -> f32 {
    (f32::midpoint(thresholds[0], thresholds[1]) + sigma).min(CAP)
}

#[cfg(test)]
mod tests;
