//! `lane`: cross-entropy weighted by averaged label-aware margins, beside a label-aware contrastive loss.
//!
//! ```text
//! L     = L_wCE + L_Π + L_con                                          (Eq. 9)
//! L_wCE = (1/|𝔅|) Σ λ_i ℓ_i          λ_i from the running ALM, no gradient   (Eq. 4–7)
//! L_Π   = (1/|𝔅|) Σ CE(z^Π_i, y_i)                                      (Eq. 8, first sum)
//! L_con = label-aware contrastive loss of θ's embeddings, pairs weighted by Π   (Eq. 8, second sum)
//! ```
//!
//! Network 0 is the classifier θ, network 1 the auxiliary network Π; θ alone predicts. The weight of
//! a step already contains that step's margins (Alg. 1, lines 9 to 14). 𝔅 holds all views; margins
//! come from the original view only, and `λ_i` multiplies the cross-entropy of every view of row i.
//!
//! Suspicion of a row: −ALM; flagged when its weight is below `lane.flag_below` (0.5; the paper names
//! no rule).
//!
//! Readings kept as options: `lane.margin_views`, `lane.ce_views`, `lane.margin_mode` (A5, A18), and
//! those of [`WeightConfig`].
//!
//! Two cautions. `w` is Π's probability of the rival class for this text, not a distance between
//! labels: where Π agrees with θ that the text is of the rival class, the margin is hardly amplified;
//! it is amplified most where Π has memorised the given label. And the weight is lenient: only rows
//! below the mean of the negative averages lose any.
//!
//! Source: LANE: Label-Aware Noise Elimination for Fine-Grained Text Classification (ICLR 2026).

use burn::tensor::{Tensor, TensorData};
use lane_data::RowId;
use lane_losses::cross_entropy;
use lane_losses::label_aware_contrastive::{self, ContrastiveConfig};
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{
    Loss, MarginMode, MarginSource, MarginViews, Method, Phase, Step, StepBatch, Verdict,
};
use crate::methods::{Entry, Facts};

const CLASSIFIER: usize = 0;
const AUXILIARY: usize = 1;

/// The line in the list of methods.
pub const LANE: Entry = Entry {
    name: "lane",
    about: "Gaussian weights from averaged label-aware margins, with a label-aware contrastive loss",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Lane::new(config, facts)?)),
};

/// Which terms LANE trains, and how they are mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneConfig {
    /// First epochs whose margins are not averaged (A17).
    pub alm_skip_epochs: u32,
    /// Factor of the contrastive term (A16); 0 leaves it out.
    pub contrastive_weight: f64,
    /// `α·L_wCE + (1−α)·(L_Π + L_con)` instead of the plain sum (A16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// A row is flagged as mislabelled when its weight falls below this.
    pub flag_below: f64,
    /// Which views of a row give its margin (A5).
    pub margin_views: MarginViews,
    /// Which views the cross-entropy is taken of (A5).
    pub ce_views: CrossEntropyViews,
    /// Whether margins come from the training pass or from one of their own (A18).
    pub margin_mode: MarginMode,
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self {
            alm_skip_epochs: 0,
            contrastive_weight: 1.0,
            alpha: None,
            flag_below: 0.5,
            margin_views: MarginViews::default(),
            ce_views: CrossEntropyViews::default(),
            margin_mode: MarginMode::default(),
        }
    }
}

/// Which views the weighted cross-entropy is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrossEntropyViews {
    /// Every view, each with the weight of its row.
    #[default]
    All,
    /// The original alone; the other terms keep all views.
    OriginalOnly,
}

/// LANE and, by its fields, the ablations of the paper.
#[derive(Debug)]
pub struct Lane {
    /// How margins become weights.
    pub weights: WeightConfig,
    /// Whether the weights multiply the cross-entropy (`lane-alm` leaves them out).
    pub weighted: bool,
    /// Which terms, how mixed.
    pub terms: LaneConfig,
    /// The contrastive loss.
    pub contrastive: ContrastiveConfig,
    inner: InnerLoss,
    epochs: u32,
    n_rows: usize,
}

impl Lane {
    /// LANE with the configured options.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for a loss out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        Ok(Self {
            weights: config.weights.clone(),
            weighted: true,
            terms: config.lane.clone(),
            contrastive: config.contrastive.clone(),
            inner: InnerLoss::new(config, facts)?,
            epochs: config.epochs(),
            n_rows: facts.n_rows,
        })
    }

    /// The weights of the texts that the cross-entropy is taken of, view by view.
    fn weights_in(&self, step: &Step<'_>, batch: &StepBatch) -> Vec<f32> {
        let n_views = match self.terms.ce_views {
            CrossEntropyViews::All => batch.n_views,
            CrossEntropyViews::OriginalOnly => 1,
        };
        if !self.weighted {
            return vec![1.0; n_views * batch.rows.len()];
        }
        let averaged = |view| self.terms.margin_views.averaged(&batch.rows, view, self.n_rows);
        let mut of_view = Vec::with_capacity(batch.rows.len());
        let weights = (0..n_views).flat_map(|view| {
            step.margins.weights_of(&averaged(view), &mut of_view);
            of_view.clone()
        });
        weights.collect()
    }
}

impl Method for Lane {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 2)]
    }

    fn weighting(&self) -> (WeightConfig, u32) {
        (self.weights.clone(), self.terms.alm_skip_epochs)
    }

    fn auxiliary(&self) -> Option<usize> {
        Some(AUXILIARY)
    }

    fn margin_source(&self) -> MarginSource {
        MarginSource { views: self.terms.margin_views, mode: self.terms.margin_mode }
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let weights = self.weights_in(step, batch);
        let weighted = weighted_loss(&self.inner, step.epoch, batch, &weights)?;
        let (auxiliary, contrastive) =
            auxiliary_terms(batch, &self.contrastive, self.terms.contrastive_weight)?;
        let (classifier_share, auxiliary_share) =
            self.terms.alpha.map_or((1.0, 1.0), |alpha| (alpha, 1.0 - alpha));
        let terms = vec![
            ("weighted_cross_entropy", weighted.clone()),
            ("auxiliary_cross_entropy", auxiliary.clone()),
            ("contrastive", contrastive.clone()),
        ];
        let label_aware = auxiliary + contrastive.mul_scalar(self.terms.contrastive_weight);
        let total = weighted.mul_scalar(classifier_share) + label_aware.mul_scalar(auxiliary_share);
        Ok(Loss { total, terms })
    }

    fn weight(&self, row: RowId, margins: &MarginWeights) -> f64 {
        if self.weighted { margins.weight(row) } else { 1.0 }
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, self.weights.quantity)
            .take(self.n_rows)
            .zip(0..)
            .map(|(suspicion, row)| {
                let believed = margins.weight(RowId(row));
                let weight = if self.weighted { believed } else { 1.0 };
                let flagged = believed < self.terms.flag_below;
                Verdict { weight, flagged, ..Verdict::of(suspicion) }
            })
            .collect()
    }
}

/// Minus the averaged margin of every row, in row order; 0 for a row never visited.
pub(crate) fn suspicion(
    margins: &MarginWeights,
    quantity: Quantity,
) -> impl Iterator<Item = f64> + '_ {
    let averages = margins.averages();
    (0..averages.n_rows() as u32).map(move |row| {
        let average = match quantity {
            Quantity::Alm => averages.alm(RowId(row)),
            Quantity::Aum => averages.aum(RowId(row)),
        };
        average.map_or(0.0, |average| -average)
    })
}

/// `(1/|𝔅|) Σ λ_{i,v} ℓ_{i,v}` (Eq. 7, where ℓ is the cross-entropy).
///
/// `weights`: one for each text, view by view; the views they end before are left out of 𝔅.
///
/// # Errors
///
/// [`TrainError::Mismatch`] if the classifier did not run on the batch.
pub(crate) fn weighted_loss(
    inner: &InnerLoss,
    epoch: u32,
    batch: &StepBatch,
    weights: &[f32],
) -> Result<Tensor<1>, TrainError> {
    let n = weights.len();
    let logits = batch.output(CLASSIFIER)?.logits.clone().slice_dim(0, 0..n);
    let targets = batch.targets.clone().slice_dim(0, 0..n);
    let weights = Tensor::from_data(TensorData::new(weights.to_vec(), [n]), &logits.device());
    let per_row = inner.per_row(logits, targets, epoch);
    Ok((per_row * weights).sum() / n.max(1) as f32)
}

/// `L_Π` and `L_con` (Eq. 8); the second is zero, and not computed, where its factor is.
///
/// # Errors
///
/// [`TrainError::Mismatch`] if one of the two networks did not run on the batch.
pub(crate) fn auxiliary_terms(
    batch: &StepBatch,
    config: &ContrastiveConfig,
    contrastive_weight: f64,
) -> Result<(Tensor<1>, Tensor<1>), TrainError> {
    let logits = batch.output(AUXILIARY)?.logits.clone();
    let cross_entropy = cross_entropy::mean(logits.clone(), batch.targets.clone());
    let contrastive = if contrastive_weight > 0.0 {
        let embeddings = batch.output(CLASSIFIER)?.embedding.clone();
        label_aware_contrastive::loss(embeddings, logits, batch.targets.clone(), config)
    } else {
        cross_entropy.zeros_like()
    };
    Ok((cross_entropy, contrastive))
}

#[cfg(test)]
mod tests;
