//! Mean and spread of one score over several seeds.
//!
//! ```text
//! mean = (1/n) Σ x_s        std = sqrt( Σ (x_s − mean)² / (n − 1) )      sample deviation
//! ```
//!
//! In the unit of the score. One seed has a mean and no deviation; no seeds have neither.

use serde::{Deserialize, Serialize};

/// Mean and sample standard deviation of a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many runs.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation (n − 1); none for a single run.
    pub std: Option<f64>,
}

/// Mean and deviation together; none for no values.
///
/// ```
/// use lane_metrics::summary;
///
/// let summary = summary::of_values(&[0.80, 0.82, 0.84]).expect("three runs");
/// assert!((summary.mean - 0.82).abs() < 1e-12);
/// assert!((summary.std.expect("more than one run") - 0.02).abs() < 1e-12);
/// ```
pub fn of_values(values: &[f64]) -> Option<Summary> {
    Some(Summary { n: values.len(), mean: mean(values)?, std: sample_std(values) })
}

/// Mean; none for no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample standard deviation, dividing by n − 1; none below two values.
pub fn sample_std(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_divides_by_one_less_than_the_count() {
        let summary = of_values(&[1.0, 3.0]).unwrap();
        assert_eq!(summary, Summary { n: 2, mean: 2.0, std: Some(2.0_f64.sqrt()) });
    }

    #[test]
    fn one_run_has_a_mean_and_no_deviation() {
        assert_eq!(of_values(&[0.5]), Some(Summary { n: 1, mean: 0.5, std: None }));
    }

    #[test]
    fn no_runs_have_neither() {
        assert_eq!(of_values(&[]), None);
    }
}
