//! A mixture of two Gaussians over single numbers: which of two kinds a value belongs to.
//!
//! ```text
//! x'   = (x − min x) / (max x − min x)                           scaled to 0..=1
//! r_ik = π_k N(x'_i; μ_k, v_k) / Σ_l π_l N(x'_i; μ_l, v_l)        expectation
//! π_k  = Σ_i r_ik / n,  μ_k = Σ_i r_ik x'_i / Σ_i r_ik,
//! v_k  = Σ_i r_ik (x'_i − μ_k)² / Σ_i r_ik + floor               maximization
//! ```
//!
//! In: any finite numbers, shape `[n]`, at least two different ones. Out: means in the scale
//! 0..=1 of the values fitted, variances in its square; posteriors in 0..=1 take values on their
//! own scale. The start is a hard split at the middle of the range and nothing is drawn, so the
//! same values give the same mixture. Rounds stop when the mean log-likelihood moves by less
//! than the tolerance.
//!
//! Used by DivideMix (Li, Socher, Hoi, ICLR 2020, <https://arxiv.org/abs/2002.07394>) over
//! losses, and here over running margins. Departure: that code draws its start by k-means; the
//! hard split gives the same result wherever the two were compared.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;

/// How far from the values fitted another is taken to lie at most, in units of their range.
const FARTHEST: f64 = 1e100;

/// When to stop, and how thin a component may become.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixtureConfig {
    /// Rounds of expectation and maximization at most; at least 1. `DivideMix` takes 10.
    pub max_iterations: u32,
    /// Smallest change of the mean log-likelihood worth another round. `DivideMix` takes 1e-2.
    pub tolerance: f64,
    /// Added to each variance, in squared units of the scaled range, above 0: holds a component
    /// that sits on one value. `DivideMix` takes 5e-4.
    pub variance_floor: f64,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self { max_iterations: 10, tolerance: 1e-2, variance_floor: 5e-4 }
    }
}

/// Two Gaussians, the one with the lower mean first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Means on the scaled range, where 0 is the smallest value fitted and 1 the largest.
    pub means: [f64; 2],
    /// Variances on the scaled range, the floor included.
    pub variances: [f64; 2],
    /// Shares of the two components; they add up to 1.
    pub proportions: [f64; 2],
    /// Whether the tolerance was reached before the rounds ran out.
    pub converged: bool,
    /// Rounds taken.
    pub iterations: u32,
    /// Mean log-likelihood of the scaled values in the last round.
    pub log_likelihood: f64,
    /// Smallest value fitted.
    pub minimum: f64,
    /// Largest value fitted, above the smallest.
    pub maximum: f64,
}

/// Fits the two components to `values`, shape `[n]`.
///
/// ```
/// use lane_metrics::mixture::{self, MixtureConfig};
///
/// let losses = [0.05, 0.10, 0.20, 0.15, 2.0, 2.4, 1.8, 0.3];
/// let mixture = mixture::fit(&losses, &MixtureConfig::default())?;
/// assert!(mixture.posterior_lower(0.2) > 0.99);
/// assert!(mixture.posterior_upper(2.0) > 0.99);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
///
/// # Errors
///
/// [`MetricsError::TooFewValues`] below two, [`MetricsError::ValueNotFinite`] on the first NaN
/// or infinity, [`MetricsError::ConstantValues`] when all are the same: then there is one kind
/// only, and what that means is for the caller to say. [`MetricsError::SettingOutOfRange`] for
/// no rounds, or a floor or tolerance that is not a usable number.
pub fn fit(values: &[f64], config: &MixtureConfig) -> Result<Mixture, MetricsError> {
    config.validate()?;
    let (minimum, maximum) = range(values)?;
    let scaled: Vec<f64> = values.iter().map(|&it| scale(it, minimum, maximum)).collect();
    let mut upper: Vec<f64> = scaled.iter().map(|&it| f64::from(u8::from(it > 0.5))).collect();
    let mut components = maximize(&scaled, &upper, config.variance_floor);
    let mut log_likelihood = f64::NEG_INFINITY;
    let (mut iterations, mut converged) = (0, false);
    while iterations < config.max_iterations && !converged {
        iterations += 1;
        let before = log_likelihood;
        log_likelihood = expect(&scaled, &components, &mut upper);
        components = maximize(&scaled, &upper, config.variance_floor);
        converged = (log_likelihood - before).abs() < config.tolerance;
    }
    if components[1].mean < components[0].mean {
        components.reverse();
    }
    Ok(Mixture {
        means: components.map(|it| it.mean),
        variances: components.map(|it| it.variance),
        proportions: components.map(|it| it.proportion),
        converged,
        iterations,
        log_likelihood,
        minimum,
        maximum,
    })
}

impl Mixture {
    /// How likely `value` belongs to the component with the higher mean, in 0..=1.
    ///
    /// `value` is on the scale of the values fitted and may lie outside their range.
    pub fn posterior_upper(&self, value: f64) -> f64 {
        responsibility(scale(value, self.minimum, self.maximum), &self.components()).0
    }

    /// How likely `value` belongs to the component with the lower mean: 1 − the upper one.
    pub fn posterior_lower(&self, value: f64) -> f64 {
        let [lower, upper] = self.components();
        responsibility(scale(value, self.minimum, self.maximum), &[upper, lower]).0
    }

    fn components(&self) -> [Component; 2] {
        [0, 1].map(|k| Component {
            mean: self.means[k],
            variance: self.variances[k],
            proportion: self.proportions[k],
        })
    }
}

impl MixtureConfig {
    fn validate(&self) -> Result<(), MetricsError> {
        let refuse = |field, value, expected| {
            Err(MetricsError::SettingOutOfRange { field, value, expected })
        };
        if self.max_iterations == 0 {
            return refuse("max_iterations", 0.0, "at least 1");
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return refuse("tolerance", self.tolerance, "a finite number from 0");
        }
        if !(self.variance_floor.is_finite() && self.variance_floor > 0.0) {
            return refuse("variance_floor", self.variance_floor, "a finite number above 0");
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Component {
    mean: f64,
    variance: f64,
    proportion: f64,
}

impl Component {
    /// log π + log N(x; μ, v)
    fn log_density(self, x: f64) -> f64 {
        let deviation = x - self.mean;
        self.proportion.ln()
            - 0.5 * ((TAU * self.variance).ln() + deviation * deviation / self.variance)
    }
}

/// Posterior of the second component, and the log-likelihood of `x`.
fn responsibility(x: f64, components: &[Component; 2]) -> (f64, f64) {
    let [first, second] = components.map(|it| it.log_density(x));
    let largest = first.max(second);
    let log_sum = largest + ((first - largest).exp() + (second - largest).exp()).ln();
    ((second - log_sum).exp(), log_sum)
}

/// Writes the posterior of the upper component of each value; returns the mean log-likelihood.
fn expect(scaled: &[f64], components: &[Component; 2], upper: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for (&x, posterior) in scaled.iter().zip(upper) {
        let (value, log_likelihood) = responsibility(x, components);
        *posterior = value;
        sum += log_likelihood;
    }
    sum / scaled.len() as f64
}

fn maximize(scaled: &[f64], upper: &[f64], variance_floor: f64) -> [Component; 2] {
    let component = |share: &dyn Fn(f64) -> f64| {
        let pairs = || scaled.iter().zip(upper).map(|(&x, &posterior)| (x, share(posterior)));
        // A component that lost all its values keeps a share a hair above 0, and no 0/0.
        let total = pairs().map(|(_, r)| r).sum::<f64>() + 10.0 * f64::EPSILON;
        let mean = pairs().map(|(x, r)| r * x).sum::<f64>() / total;
        let squares: f64 = pairs().map(|(x, r)| r * (x - mean) * (x - mean)).sum();
        let variance = squares / total + variance_floor;
        Component { mean, variance, proportion: total / scaled.len() as f64 }
    };
    [component(&|posterior| 1.0 - posterior), component(&|posterior| posterior)]
}

/// Halves, so that no difference overflows; as far out as squares can be taken, where every value
/// belongs to the same component anyway.
fn scale(value: f64, minimum: f64, maximum: f64) -> f64 {
    let scaled = (0.5 * value - 0.5 * minimum) / (0.5 * maximum - 0.5 * minimum);
    scaled.clamp(-FARTHEST, FARTHEST)
}

fn range(values: &[f64]) -> Result<(f64, f64), MetricsError> {
    if values.len() < 2 {
        return Err(MetricsError::TooFewValues { at_least: 2, n_values: values.len() });
    }
    if let Some(position) = values.iter().position(|it| !it.is_finite()) {
        return Err(MetricsError::ValueNotFinite { position, value: values[position] });
    }
    let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
    let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if minimum < maximum {
        return Ok((minimum, maximum));
    }
    Err(MetricsError::ConstantValues { n_values: values.len(), value: minimum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(values: &[f64], expected: &str) {
        let error = fit(values, &MixtureConfig::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn values_without_two_kinds_are_refused() {
        refused(&[], "expected at least 2 values, got 0");
        refused(&[1.0], "expected at least 2 values, got 1");
        refused(&[0.5; 4], "all 4 values are 0.5, expected at least two different ones");
        refused(&[0.5, f64::NAN], "the value at position 1 is NaN, expected a finite number");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let config = MixtureConfig { max_iterations: 0, ..MixtureConfig::default() };
        let error = fit(&[0.0, 1.0], &config).unwrap_err();
        assert_eq!(error.to_string(), "`max_iterations` is 0, expected at least 1");
        let config = MixtureConfig { variance_floor: 0.0, ..MixtureConfig::default() };
        let error = fit(&[0.0, 1.0], &config).unwrap_err();
        assert_eq!(error.to_string(), "`variance_floor` is 0, expected a finite number above 0");
    }

    #[test]
    fn the_golden_losses_are_scaled_as_expected() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/golden/dividemix.json")).unwrap();
        let numbers = |value: &serde_json::Value| -> Vec<f64> {
            serde_json::from_value(value.clone()).unwrap()
        };
        for case in ["separated", "overlap"] {
            let expected = &golden["expected"][case];
            let raw = numbers(&expected["raw"]);
            let (minimum, maximum) = range(&raw).unwrap();
            for (raw, scaled) in raw.iter().zip(numbers(&expected["normalised"])) {
                assert!((scale(*raw, minimum, maximum) - scaled).abs() < 1e-12, "{case}: {raw}");
            }
        }
    }

    #[test]
    fn a_component_on_one_value_is_held_open_by_the_floor() {
        let config = MixtureConfig::default();
        let mixture = fit(&[0.2, 0.2, 0.2, 0.9, 0.9], &config).unwrap();
        for variance in mixture.variances {
            assert!((variance - config.variance_floor).abs() < 1e-9, "{variance}");
        }
        assert!(mixture.posterior_lower(0.2) > 0.999_999, "{mixture:?}");
        assert!(mixture.posterior_upper(0.9) > 0.999_999, "{mixture:?}");
    }

    #[test]
    fn the_lower_component_is_the_one_with_the_lower_mean() {
        // Nine tenths of the values are high, so that shares would order them the other way round.
        let mut values = vec![0.1];
        values.extend((0..9).map(|at| 2.0 + f64::from(at) / 10.0));
        let mixture = fit(&values, &MixtureConfig::default()).unwrap();
        assert!(mixture.means[0] < mixture.means[1] && mixture.proportions[0] < 0.2);
        assert!(mixture.posterior_lower(0.1) > 0.99 && mixture.posterior_lower(2.5) < 0.01);
    }

    #[test]
    fn two_values_are_one_of_each_kind() {
        let mixture = fit(&[-3.0, 5.0], &MixtureConfig::default()).unwrap();
        assert!(mixture.posterior_upper(5.0) > 0.999_999);
        assert!(mixture.posterior_lower(-3.0) > 0.999_999);
        assert!(mixture.converged);
    }

    #[test]
    fn far_outside_the_range_posteriors_stay_numbers() {
        let mixture = fit(&[0.0, 0.1, 0.9, 1.0], &MixtureConfig::default()).unwrap();
        for value in [-1e6, 1e6] {
            let sum = mixture.posterior_lower(value) + mixture.posterior_upper(value);
            assert!((sum - 1.0).abs() < 1e-9, "{value}: {sum}");
        }
    }

    #[test]
    fn moving_and_stretching_the_values_changes_no_posterior() {
        let values = [0.1, 0.5, 0.9, 1.2, 0.7, 0.3, 2.5, 1.6];
        let moved = values.map(|it| 4.0 * it - 7.0);
        let one = fit(&values, &MixtureConfig::default()).unwrap();
        let other = fit(&moved, &MixtureConfig::default()).unwrap();
        for (value, moved) in values.into_iter().zip(moved) {
            let difference = one.posterior_upper(value) - other.posterior_upper(moved);
            assert!(difference.abs() < 1e-9, "{value}: {difference}");
        }
    }
}
