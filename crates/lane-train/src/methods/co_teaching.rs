//! `co-teaching`: two networks, each trained on the rows the other finds easiest.
//!
//! ```text
//! K_a   = the n_t rows of the batch with the lowest loss under network a,  n_t = max(1, ⌊(1 − f_t) B⌋)
//! f_t   = τ^c · t/(T_k − 1) in epoch t = 0, 1, … T_k − 1, then τ           share that is forgotten
//! L     = (1/n_t) Σ_{i ∈ K_2} ℓ_i(network 1) + (1/n_t) Σ_{i ∈ K_1} ℓ_i(network 2)       (Alg. 1)
//! ```
//!
//! A network that has begun to learn wrong labels by heart finds them easy; the other, begun
//! elsewhere, does not yet. τ, `co_teaching.forget_rate`, is the share of wrong labels, which has to be
//! known or guessed; `T_k` is 60 % of the epochs. Network 1 predicts.
//!
//! With several views the rows are chosen by the original one, and all views of a row are learnt.
//!
//! Suspicion of a row: −AUM of network 1. In the last epoch a row has weight 1, ½ or 0, as both, one or
//! neither network kept it; it is flagged, and listed as left out, at 0.
//!
//! Departures: the share forgotten follows the authors' code, which begins with nothing; the printed
//! schedule, `min(t·τ/T_k, τ)` from t = 1, forgets a little from the start. Their code divides the
//! mean once more by the number of rows kept, and may keep none of a small batch; neither is done.
//!
//! Source: Han et al.: *Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy
//! Labels*, NeurIPS 2018.

use burn::tensor::{Tensor, TensorData};
use lane_data::RowId;
use lane_metrics::weights::{MarginWeights, Quantity};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{Loss, Method, Phase, Remembered, Step, StepBatch, Verdict};
use crate::methods::lane::suspicion;
use crate::methods::{Entry, Facts};
use crate::setting::{below_one, positive};
use crate::transfer;

/// The line in the list of methods.
pub const CO_TEACHING: Entry = Entry {
    name: "co-teaching",
    about: "two networks, each trained on the rows the other finds easiest",
    least_views: 1,
    build: |config, facts| Ok(Box::new(CoTeaching::new(config, facts)?)),
};

const NETWORKS: [usize; 2] = [0, 1];
const LEFT_OUT: &str = "loss among the highest of its batch in both networks";
/// Keeps 0.3 · 10 from coming to 2.
const SLACK: f64 = 1e-9;

/// `co-teaching`: how much is forgotten, and how soon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoTeachingConfig {
    /// τ, the share of each batch that is forgotten in the end, in 0..1: the share of wrong labels.
    pub forget_rate: f64,
    /// `T_k`, epochs until then; absent = 60 % of all, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_epochs: Option<u32>,
    /// c, the power of the ramp, above 0.
    pub exponent: f64,
}

impl Default for CoTeachingConfig {
    fn default() -> Self {
        Self { forget_rate: 0.2, ramp_epochs: None, exponent: 1.0 }
    }
}

/// Two networks and what they kept in this epoch.
#[derive(Debug)]
pub struct CoTeaching {
    settings: CoTeachingConfig,
    ramp_epochs: u32,
    inner: InnerLoss,
    epochs: u32,
    kept: Vec<[bool; 2]>,
}

impl CoTeaching {
    /// The method with the configured rate.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.co_teaching.clone(), config.epochs());
        below_one("co_teaching.forget_rate", settings.forget_rate)?;
        positive("co_teaching.exponent", settings.exponent)?;
        let ramp_epochs = settings.ramp_epochs.unwrap_or((3 * epochs).div_ceil(5));
        positive("co_teaching.ramp_epochs", f64::from(ramp_epochs))?;
        let inner = InnerLoss::new(config, facts)?;
        Ok(Self { settings, ramp_epochs, inner, epochs, kept: vec![[true; 2]; facts.n_rows] })
    }

    /// `f_t`.
    fn forgotten(&self, epoch: u32) -> f64 {
        let CoTeachingConfig { forget_rate, exponent, .. } = self.settings;
        if self.ramp_epochs <= epoch {
            return forget_rate;
        }
        let steps = f64::from(self.ramp_epochs - 1).max(1.0);
        forget_rate.powf(exponent) * f64::from(epoch) / steps
    }
}

impl Method for CoTeaching {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, NETWORKS.len())]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let per_row = |network| -> Result<Tensor<1>, TrainError> {
            let logits = batch.output(network)?.logits.clone();
            Ok(self.inner.per_row(logits, batch.targets.clone(), step.epoch))
        };
        let losses = [per_row(0)?, per_row(1)?];
        let n_kept = n_kept(batch.rows.len(), self.forgotten(step.epoch));
        let chosen = losses.each_ref().map(|losses| {
            let losses = transfer::read(losses.clone().inner());
            lowest(&losses[..batch.rows.len()], n_kept)
        });
        for (position, row) in batch.rows.iter().enumerate() {
            self.kept[row.index()] = chosen.each_ref().map(|chosen| chosen.contains(&position));
        }
        let [of_first, of_second] = losses;
        let first = mean_over(of_first, &chosen[1], batch);
        let second = mean_over(of_second, &chosen[0], batch);
        let terms = vec![("first", first.clone()), ("second", second.clone())];
        Ok(Loss { total: first + second, terms })
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        share(self.kept[row.index()])
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.kept]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .zip(&self.kept)
            .map(|(suspicion, kept)| {
                let left_out = *kept == [false; 2];
                Verdict {
                    suspicion,
                    weight: share(*kept),
                    flagged: left_out,
                    removed: left_out.then_some(LEFT_OUT),
                    suggested: None,
                }
            })
            .collect()
    }
}

/// How many of `n` rows are kept when `forgotten` of them are not; at least one.
fn n_kept(n: usize, forgotten: f64) -> usize {
    // The share is in 0..=1.
    #[expect(clippy::cast_sign_loss, reason = "both factors are at least 0")]
    let kept = ((1.0 - forgotten) * n as f64 + SLACK) as usize;
    kept.max(1)
}

/// Positions of the `n` lowest losses, the lowest first; ties keep their order.
fn lowest(losses: &[f32], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&left, &right| losses[left].total_cmp(&losses[right]));
    order.truncate(n);
    order
}

/// The mean loss of all views of the rows at `positions`.
fn mean_over(losses: Tensor<1>, positions: &[usize], batch: &StepBatch) -> Tensor<1> {
    let share = 1.0 / (positions.len().max(1) * batch.n_views) as f32;
    let mut weights = vec![0.0; batch.rows.len()];
    for &position in positions {
        weights[position] = share;
    }
    let weights = weights.repeat(batch.n_views);
    let n = weights.len();
    let weights = Tensor::from_data(TensorData::new(weights, [n]), &losses.device());
    (losses * weights).sum()
}

fn share(kept: [bool; 2]) -> f64 {
    kept.iter().filter(|kept| **kept).count() as f64 / 2.0
}

#[cfg(test)]
mod tests;
