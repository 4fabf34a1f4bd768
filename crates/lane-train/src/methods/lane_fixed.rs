//! `lane-fixed-mu0` and `lane-fixed-mu-1`: [`lane`](super::lane) with a threshold set by hand.
//!
//! ```text
//! λ_i = exp(−(ALM_i − μ)²/2) if ALM_i < μ, else 1,   μ ∈ {0, −1}, σ = 1; nothing is estimated
//! ```
//!
//! Suspicion of a row: −ALM. Source: the paper's appendix E.

use lane_metrics::weights::Threshold;

use crate::config::Config;
use crate::methods::lane::Lane;

/// LANE with mean `mean` and deviation 1 in place of the estimated ones.
pub fn lane_fixed(config: &Config, mean: f64) -> Lane {
    let mut lane = Lane::new(config);
    lane.weights.threshold = Threshold::Fixed { mean, sigma: 1.0 };
    lane
}
