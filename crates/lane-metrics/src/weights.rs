//! The weight of a row in the loss: 1, or less the further its average lies below its kind.
//!
//! ```text
//! N   = { i : visited, A_i < 0 }                                  over the data set
//! μ   = mean of A over N,   σ² = mean of (A − μ)² over N             (LANE, Eq. 5, 6)
//! λ_i = exp( −(A_i − μ)² / (2σ²) )  if A_i < 0 and A_i < μ,  else 1  (LANE, Eq. 4)
//! ```
//!
//! A: the [average](crate::averages) chosen by [`Quantity`], ALM by default. λ has no unit and
//! lies in (0, 1]; with n values in N never under exp(−(n−1)/2), whatever they are (Samuelson),
//! so a batch of two negatives can lower a weight to 0.6065 and no further.
//!
//! The edges: N empty or a single row, all of N equal, a row never visited, A exactly 0: λ = 1.
//! With a fixed threshold (appendix E) μ and σ are given, `λ_i = exp(−(A_i − μ)²/(2σ²))` if
//! `A_i < μ` and 1 otherwise; statistics are not estimated.
//!
//! Readings taken where the paper is unclear, each with its alternative in [`WeightConfig`]:
//! N over the data set and not the batch; Eq. 6 read as the variance; all of N in it; t counts
//! visits.
//!
//! A store of N rows holds 24 bytes for each, and an update neither allocates nor looks at a
//! row that is not in the batch (but for [`VarianceOf::BelowMean`], and when rounding has worn
//! the running sums out: then it recomputes them from all rows).

mod config;
mod scratch;
mod statistics;
mod store;

pub use config::{Quantity, Sigma, Statistics, Threshold, Time, VarianceOf, WeightConfig};
pub use statistics::NegativeStatistics;
pub use store::MarginWeights;

/// λ of one average under given statistics: Eq. 4 and the edges above.
///
/// Under [`Threshold::Fixed`] the statistics are not looked at.
///
/// ```
/// use lane_metrics::weights::{self, NegativeStatistics, WeightConfig};
///
/// let averages = [-5.0, -1.0, 2.0];
/// let statistics = NegativeStatistics::of_values(averages.into_iter());
/// let weights = averages.map(|it| weights::of_average(it, statistics, &WeightConfig::default()));
/// assert_eq!(weights, [(-0.5_f64).exp(), 1.0, 1.0]);
/// ```
pub fn of_average(average: f64, statistics: NegativeStatistics, config: &WeightConfig) -> f64 {
    match config.threshold {
        Threshold::Fixed { mean, sigma } => below(average, mean, sigma * sigma),
        Threshold::Estimated if average < 0.0 && statistics.n > 1 => {
            let NegativeStatistics { mean, variance, .. } = statistics;
            let width = match config.sigma {
                Sigma::Variance => variance,
                Sigma::Literal => variance * variance,
            };
            below(average, mean, width)
        }
        Threshold::Estimated => 1.0,
    }
}

/// `exp(−(a − μ)² / (2·width))` below μ, 1 from μ on. Without a width nobody is below.
fn below(average: f64, mean: f64, width: f64) -> f64 {
    if average < mean && width > 0.0 {
        let deviation = average - mean;
        (-deviation * deviation / (2.0 * width)).exp()
    } else {
        1.0
    }
}
