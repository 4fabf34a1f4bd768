//! The choices the paper leaves open about its weight, each with the reading taken by default.
//!
//! Every alternative changes one thing in Eq. 4–6; [`weights`](crate::weights) has the equations.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::label_aware::DEFAULT_FLOOR;

/// How a weight is made from averages. The default is the recommended reading of LANE.
///
/// ```
/// use lane_metrics::weights::{Quantity, Threshold, WeightConfig};
///
/// let lane_sim = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
/// let lane_fixed_mu0 = WeightConfig {
///     threshold: Threshold::Fixed { mean: 0.0, sigma: 1.0 },
///     ..WeightConfig::default()
/// };
/// # lane_sim.validate()?;
/// # lane_fixed_mu0.validate()?;
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightConfig {
    /// Which average is weighted.
    pub quantity: Quantity,
    /// Where the Gaussian's mean and width come from.
    pub threshold: Threshold,
    /// Over which values mean and variance are taken, and when.
    pub statistics: Statistics,
    /// What Eq. 4 calls σ.
    pub sigma: Sigma,
    /// Which deviations make up the variance.
    pub variance: VarianceOf,
    /// The least probability a margin is divided by, in (0, 1]; written `w_floor` in formulas.
    /// 1/C caps the stretch at the number of classes.
    #[serde(alias = "w_floor")]
    pub weight_floor_probability: f32,
    /// What a sum of margins is divided by.
    pub time: Time,
}

/// Which average is weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Averaged label-aware margin: LANE.
    #[default]
    Alm,
    /// Averaged margin: LANE-sim.
    Aum,
}

/// Where the Gaussian's mean and width come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Threshold {
    /// From the negative averages (Eq. 5–6).
    #[default]
    Estimated,
    /// Given once and for all (appendix E: mean 0 or −1, σ 1); nothing is estimated.
    Fixed {
        /// μ, in logit units.
        mean: f64,
        /// σ, in logit units, above 0.
        sigma: f64,
    },
}

/// Over which values mean and variance are taken, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistics {
    /// The current averages of the whole data set, kept up to date with every batch.
    #[default]
    Running,
    /// The current batch alone (Algorithm 1, line 11, read literally).
    Batch,
    /// The whole data set as it was when the epoch started; none in the first epoch.
    EpochFrozen,
    /// Every negative average seen at any visit since the start, old ones included.
    VisitsWelford,
}

/// What Eq. 4 calls σ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sigma {
    /// Eq. 6 is the variance, and the exponent divides by twice the variance. The only reading
    /// that does not depend on the scale of the logits.
    #[default]
    Variance,
    /// Eq. 6 is σ as printed, and the exponent divides by twice its square.
    Literal,
}

/// Which deviations make up the variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VarianceOf {
    /// All negative averages, about their mean (Eq. 6 as printed).
    #[default]
    Negatives,
    /// Only those below the mean, about the same mean. Costs a pass over the data set an update.
    BelowMean,
}

/// What a sum of margins is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// The row's own number of visits.
    #[default]
    Visits,
    /// The number of updates so far, the same for every row.
    GlobalStep,
}

impl Default for WeightConfig {
    fn default() -> Self {
        Self {
            quantity: Quantity::default(),
            threshold: Threshold::default(),
            statistics: Statistics::default(),
            sigma: Sigma::default(),
            variance: VarianceOf::default(),
            weight_floor_probability: DEFAULT_FLOOR,
            time: Time::default(),
        }
    }
}

impl WeightConfig {
    /// Refuses settings outside their range and pairs that cannot go together.
    ///
    /// # Errors
    ///
    /// [`MetricsError::SettingOutOfRange`] naming the field,
    /// [`MetricsError::BelowMeanOfVisits`] for the one pair without a meaning.
    pub fn validate(&self) -> Result<(), MetricsError> {
        let floor = self.weight_floor_probability;
        if !(floor > 0.0 && floor <= 1.0) {
            return Err(MetricsError::SettingOutOfRange {
                field: "weight_floor_probability",
                value: f64::from(floor),
                expected: "a probability above 0 and at most 1",
            });
        }
        if self.variance == VarianceOf::BelowMean && self.statistics == Statistics::VisitsWelford {
            return Err(MetricsError::BelowMeanOfVisits);
        }
        self.threshold.validate()
    }
}

impl Threshold {
    fn validate(self) -> Result<(), MetricsError> {
        let Self::Fixed { mean, sigma } = self else { return Ok(()) };
        let refuse = |field, value, expected| {
            Err(MetricsError::SettingOutOfRange { field, value, expected })
        };
        if !mean.is_finite() {
            return refuse("threshold.fixed.mean", mean, "a finite number");
        }
        if !(sigma.is_finite() && sigma > 0.0) {
            return refuse("threshold.fixed.sigma", sigma, "a finite number above 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_recommended_reading() {
        let config = serde_json::to_value(WeightConfig::default()).unwrap();
        assert_eq!(
            config.to_string(),
            concat!(
                r#"{"quantity":"alm","threshold":"estimated","statistics":"running","#,
                r#""sigma":"variance","variance":"negatives","#,
                r#""weight_floor_probability":9.999999974752427e-7,"time":"visits"}"#
            )
        );
    }

    #[test]
    fn what_is_left_out_takes_its_default() {
        let text = r#"{"threshold":{"fixed":{"mean":-1.0,"sigma":1.0}},"w_floor":0.25}"#;
        let config: WeightConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.threshold, Threshold::Fixed { mean: -1.0, sigma: 1.0 });
        assert_eq!((config.quantity, config.weight_floor_probability), (Quantity::Alm, 0.25));
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let refused = serde_json::from_str::<WeightConfig>(r#"{"quantty":"alm"}"#).unwrap_err();
        assert!(refused.to_string().contains("unknown field `quantty`"), "{refused}");
        let refused = serde_json::from_str::<WeightConfig>(r#"{"time":"epoch"}"#).unwrap_err();
        assert!(refused.to_string().contains("expected `visits` or `global-step`"), "{refused}");
    }

    #[track_caller]
    fn refused(config: WeightConfig, expected: &str) {
        assert_eq!(config.validate().unwrap_err().to_string(), expected);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let default = WeightConfig::default;
        refused(
            WeightConfig { weight_floor_probability: 0.0, ..default() },
            "`weight_floor_probability` is 0, expected a probability above 0 and at most 1",
        );
        refused(
            WeightConfig { threshold: Threshold::Fixed { mean: 0.0, sigma: 0.0 }, ..default() },
            "`threshold.fixed.sigma` is 0, expected a finite number above 0",
        );
        refused(
            WeightConfig {
                threshold: Threshold::Fixed { mean: f64::NAN, sigma: 1.0 },
                ..default()
            },
            "`threshold.fixed.mean` is NaN, expected a finite number",
        );
    }

    #[test]
    fn the_pair_without_a_meaning_is_refused() {
        refused(
            WeightConfig {
                statistics: Statistics::VisitsWelford,
                variance: VarianceOf::BelowMean,
                ..WeightConfig::default()
            },
            "`variance = \"below-mean\"` cannot be kept with `statistics = \"visits-welford\"`",
        );
    }
}
