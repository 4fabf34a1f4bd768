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
use crate::method::{Loss, Method, Phase, Step, StepBatch, Verdict};
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
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self { alm_skip_epochs: 0, contrastive_weight: 1.0, alpha: None, flag_below: 0.5 }
    }
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
        })
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

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let weighted = if self.weighted {
            let mut weights = Vec::with_capacity(batch.rows.len());
            step.margins.weights_of(&batch.rows, &mut weights);
            weighted_loss(&self.inner, step.epoch, batch, &weights)?
        } else {
            self.inner.mean(step)?
        };
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

/// `(1/|𝔅|) Σ λ_i ℓ_{i,v}`: the weight of a row goes with each of its views (Eq. 7, where ℓ is the
/// cross-entropy).
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
    let logits = batch.output(CLASSIFIER)?.logits.clone();
    let all_views = weights.repeat(batch.n_views);
    let n = all_views.len();
    let weights = Tensor::from_data(TensorData::new(all_views, [n]), &logits.device());
    let per_row = inner.per_row(logits, batch.targets.clone(), epoch);
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
mod tests {
    use burn::tensor::{Device, Int};
    use lane_metrics::ClassId;
    use lane_models::Output;

    use super::*;
    use crate::transfer;

    const LOGITS: [[f32; 3]; 2] = [[2.0, 0.5, -1.0], [0.2, -0.3, 0.7]];
    const OTHER_VIEW: [[f32; 3]; 2] = [[0.1, 0.9, 0.3], [-1.0, 0.4, 1.1]];
    const LABELS: [u16; 2] = [0, 1];
    const N_CLASSES: usize = 3;

    fn tensor(rows: &[[f32; 3]]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), 3]), &Device::flex())
    }

    /// Two rows seen in `views`, view by view; logits serve as embeddings too.
    fn batch(views: &[[[f32; 3]; 2]]) -> StepBatch {
        let targets: Vec<i32> = LABELS.map(i32::from).repeat(views.len());
        let n = targets.len();
        let output = Output { logits: tensor(&views.concat()), embedding: tensor(&views.concat()) };
        StepBatch {
            rows: vec![RowId(0), RowId(1)],
            labels: LABELS.map(ClassId).to_vec(),
            targets: Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), &Device::flex()),
            n_views: views.len(),
            outputs: vec![Some(output.clone()), Some(output)],
        }
    }

    fn cross_entropy_of(row: [f32; 3], label: u16) -> f64 {
        let row = row.map(f64::from);
        row.iter().map(|z| z.exp()).sum::<f64>().ln() - row[usize::from(label)]
    }

    fn weighted(views: &[[[f32; 3]; 2]], weights: &[f32]) -> f64 {
        transfer::read_scalar(
            weighted_loss(&InnerLoss::cross_entropy(N_CLASSES), 0, &batch(views), weights).unwrap(),
        )
    }

    #[test]
    fn the_weight_of_a_row_goes_with_each_of_its_views() {
        let weights = [0.25, 0.8];
        let of_view = |view: [[f32; 3]; 2]| -> f64 {
            (0..2)
                .map(|row| f64::from(weights[row]) * cross_entropy_of(view[row], LABELS[row]))
                .sum()
        };
        let expected = (of_view(LOGITS) + of_view(OTHER_VIEW)) / 4.0;
        let ours = weighted(&[LOGITS, OTHER_VIEW], &weights);
        assert!((ours - expected).abs() < 1e-6, "{ours} against {expected}");
    }

    #[test]
    fn views_that_are_alike_change_nothing() {
        let weights = [0.25, 0.8];
        let one = weighted(&[LOGITS], &weights);
        for n_views in [2, 3] {
            assert!((weighted(&vec![LOGITS; n_views], &weights) - one).abs() < 1e-6);
        }
        let auxiliary = |n_views: usize| {
            let (loss, _) =
                auxiliary_terms(&batch(&vec![LOGITS; n_views]), &ContrastiveConfig::default(), 0.0)
                    .unwrap();
            transfer::read_scalar(loss)
        };
        assert!((auxiliary(1) - auxiliary(2)).abs() < 1e-6);
    }

    #[test]
    fn weights_of_one_give_plain_cross_entropy_and_of_zero_nothing() {
        let plain = (0..2).map(|row| cross_entropy_of(LOGITS[row], LABELS[row])).sum::<f64>() / 2.0;
        assert!((weighted(&[LOGITS], &[1.0, 1.0]) - plain).abs() < 1e-6);
        assert!(weighted(&[LOGITS], &[0.0, 0.0]).abs() < 1e-12);
    }

    #[test]
    fn a_contrastive_term_without_weight_is_zero() {
        let terms = |weight| {
            auxiliary_terms(&batch(&[LOGITS, OTHER_VIEW]), &ContrastiveConfig::default(), weight)
                .unwrap()
        };
        assert!(transfer::read_scalar(terms(0.0).1).abs() < 1e-12);
        assert!(transfer::read_scalar(terms(1.0).1).abs() > 1e-3);
    }

    #[test]
    fn a_network_that_did_not_run_is_named() {
        let mut batch = batch(&[LOGITS]);
        batch.outputs[AUXILIARY] = None;
        let error =
            auxiliary_terms(&batch, &ContrastiveConfig::default(), 1.0).unwrap_err().to_string();
        assert!(error.contains("network 1, which did not run"), "{error}");
    }
}
