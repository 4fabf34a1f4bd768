//! `margin-mixture`: weights from a two-component mixture over averaged margins. Ours, not in the paper.
//!
//! ```text
//! a_i ~ π₁ N(μ₁, σ₁²) + π₂ N(μ₂, σ₂²),  μ₁ < μ₂,   a = ALM or AUM of all rows, refitted each epoch
//! λ_i = P(component 2 | a_i)                        after `mixture.plain_epochs`, 1 before
//! L   = L_wCE [+ L_Π + β·L_con]
//! ```
//!
//! Why: LANE's weight spares every row above the mean of the negative averages, so that most wrong
//! labels keep most of their weight and are learnt in the end. Averaged margins of right and wrong
//! labels form two humps; the posterior of the upper hump separates them without a threshold to set.
//!
//! The posterior is made monotone: a row above the upper mean has weight 1 and one below the lower
//! mean has 0, since with unequal variances the tails of the wide component would cross over.
//! With `mixture.quantity = "aum"` and no contrastive factor only the classifier is trained.
//!
//! Suspicion of a row: −AUM, whatever the mixture is fitted to, since it ranked the wrong labels better
//! than ALM, or within 0.006 of it, on every set tried; flagged when the weight is below 0.5. Before the first fit, or where
//! all averages are equal, every weight is 1.

use lane_data::RowId;
use lane_losses::label_aware_contrastive::ContrastiveConfig;
use lane_metrics::mixture::{self, Mixture};
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{EpochPlan, EpochStart, Loss, Method, Phase, Remembered, Step, Verdict};
use crate::methods::lane::{auxiliary_terms, suspicion, weighted_loss};
use crate::methods::{Entry, Facts};

/// The line in the list of methods.
pub const MARGIN_MIXTURE: Entry = Entry {
    name: "margin-mixture",
    about: "weights from a two-component mixture over averaged margins (not in the paper)",
    least_views: 1,
    build: |config, facts| Ok(Box::new(MarginMixture::new(config, facts)?)),
};

/// How the mixture is fitted: to convergence, unlike the ten iterations of loss-based selection, since
/// it decides a weight for every row and costs less than one step.
const FIT: mixture::MixtureConfig =
    mixture::MixtureConfig { max_iterations: 200, tolerance: 1e-6, variance_floor: 5e-4 };

/// `margin-mixture`: weights from a two-component mixture over averaged margins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureConfig {
    /// The average the mixture is fitted to; absent = `alm` with a frozen encoder, else `aum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Plain epochs before the first fit; absent = a quarter of all, at most 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
    /// Factor of the contrastive term; absent = 1 with a frozen encoder, else 0.
    ///
    /// With `alm`, or a factor above 0, the auxiliary network is trained too. On a frozen encoder
    /// that is cheap and keeps noise out over long training; elsewhere one network does better at
    /// half the cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrastive_weight: Option<f64>,
}

/// The method and the mixture of the present epoch.
#[derive(Debug)]
pub struct MarginMixture {
    settings: MixtureConfig,
    contrastive: ContrastiveConfig,
    weighting: (WeightConfig, u32),
    inner: InnerLoss,
    epochs: u32,
    weights: Vec<f32>,
}

impl MarginMixture {
    /// The method with all weights 1.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for a loss out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let mut weighting = config.weights.clone();
        weighting.quantity = quantity(&config.mixture);
        Ok(Self {
            settings: config.mixture.clone(),
            contrastive: config.contrastive.clone(),
            weighting: (weighting, config.lane.alm_skip_epochs),
            inner: InnerLoss::new(config, facts)?,
            epochs: config.epochs(),
            weights: vec![1.0; facts.n_rows],
        })
    }

    fn contrastive_weight(&self) -> f64 {
        self.settings.contrastive_weight.unwrap_or_default()
    }

    fn has_auxiliary(&self) -> bool {
        quantity(&self.settings) == Quantity::Alm || self.contrastive_weight() > 0.0
    }
}

impl Method for MarginMixture {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, if self.has_auxiliary() { 2 } else { 1 })]
    }

    fn weighting(&self) -> (WeightConfig, u32) {
        self.weighting.clone()
    }

    fn auxiliary(&self) -> Option<usize> {
        self.has_auxiliary().then_some(1)
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        if at.epoch >= self.settings.plain_epochs.unwrap_or_default() {
            self.weights = posterior_weights(at.margins, quantity(&self.settings))?;
        }
        Ok(EpochPlan::plain(at.labels, if self.has_auxiliary() { 2 } else { 1 }))
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let weights: Vec<f32> = batch.rows.iter().map(|row| self.weights[row.index()]).collect();
        let weighted =
            weighted_loss(&self.inner, step.epoch, batch, &weights.repeat(batch.n_views))?;
        let mut terms = vec![("weighted_cross_entropy", weighted.clone())];
        let mut total = weighted;
        if self.has_auxiliary() {
            let factor = self.contrastive_weight();
            let (auxiliary, contrastive) = auxiliary_terms(batch, &self.contrastive, factor)?;
            terms.push(("auxiliary_cross_entropy", auxiliary.clone()));
            terms.push(("contrastive", contrastive.clone()));
            total = total + auxiliary + contrastive.mul_scalar(factor);
        }
        Ok(Loss { total, terms })
    }

    fn weight(&self, row: RowId, _margins: &MarginWeights) -> f64 {
        f64::from(self.weights[row.index()])
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.weights]
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        suspicion(margins, Quantity::Aum)
            .zip(&self.weights)
            .map(|(suspicion, &weight)| Verdict {
                weight: f64::from(weight),
                flagged: weight < 0.5,
                ..Verdict::of(suspicion)
            })
            .collect()
    }
}

/// The average the mixture is fitted to, once the configuration is resolved.
fn quantity(settings: &MixtureConfig) -> Quantity {
    settings.quantity.unwrap_or(Quantity::Aum)
}

/// The posterior of the upper component of every row; 1 where there is nothing to separate.
fn posterior_weights(margins: &MarginWeights, quantity: Quantity) -> Result<Vec<f32>, TrainError> {
    let averages: Vec<f64> = suspicion(margins, quantity).map(|suspicion| -suspicion).collect();
    let (low, high) = averages
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &it| (low.min(it), high.max(it)));
    if averages.len() < 2 || high <= low {
        return Ok(vec![1.0; averages.len()]);
    }
    let mixture = mixture::fit(&averages, &FIT)?;
    Ok(averages.iter().map(|&average| monotone_posterior(&mixture, average) as f32).collect())
}

fn monotone_posterior(mixture: &Mixture, average: f64) -> f64 {
    // The mixture keeps its means on the scaled range 0..1 of the averages it was fitted to.
    let [lower, upper] =
        mixture.means.map(|mean| mixture.minimum + mean * (mixture.maximum - mixture.minimum));
    if average >= upper {
        1.0
    } else if average <= lower {
        0.0
    } else {
        mixture.posterior_upper(average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two humps around −3 and +3 logits, nine values each.
    fn humps() -> Vec<f64> {
        [-3.0, 3.0]
            .iter()
            .flat_map(|center| (-4..=4).map(move |step| center + f64::from(step) * 0.25))
            .collect()
    }

    #[test]
    fn two_humps_are_told_apart_on_their_own_scale() {
        let mixture = mixture::fit(&humps(), &FIT).unwrap();
        for average in humps() {
            let weight = monotone_posterior(&mixture, average);
            assert!(
                if average < 0.0 { weight < 0.01 } else { weight > 0.99 },
                "{average}: {weight}"
            );
        }
    }

    #[test]
    fn weights_never_fall_as_the_average_rises() {
        let mut averages = humps();
        averages.extend([-9.0, 12.0, 0.1, 0.3]);
        let mixture = mixture::fit(&averages, &FIT).unwrap();
        averages.sort_by(f64::total_cmp);
        let weights: Vec<f64> =
            averages.iter().map(|&average| monotone_posterior(&mixture, average)).collect();
        assert!(weights.is_sorted(), "{weights:?}");
    }
}
