//! `lane-fixed-mu0` and `lane-fixed-mu-1`: [`lane`](super::lane) with a threshold set by hand.
//!
//! ```text
//! λ_i = exp(−(ALM_i − μ)²/2) if ALM_i < μ, else 1,   μ ∈ {0, −1}, σ = 1; nothing is estimated
//! ```
//!
//! Suspicion of a row: −ALM. Source: the paper's appendix E.

use lane_metrics::weights::Threshold;

use crate::config::Config;
use crate::error::TrainError;
use crate::methods::lane::Lane;
use crate::methods::{Entry, Facts};

/// The line in the list of methods.
pub const LANE_FIXED_MU0: Entry = Entry {
    name: "lane-fixed-mu0",
    about: "lane with the threshold fixed at mean 0, deviation 1",
    least_views: 1,
    build: |config, facts| Ok(Box::new(lane_fixed(config, facts, 0.0)?)),
};

/// The line in the list of methods.
pub const LANE_FIXED_MU_MINUS_1: Entry = Entry {
    name: "lane-fixed-mu-1",
    about: "lane with the threshold fixed at mean -1, deviation 1",
    least_views: 1,
    build: |config, facts| Ok(Box::new(lane_fixed(config, facts, -1.0)?)),
};

/// LANE with mean `mean` and deviation 1 in place of the estimated ones.
///
/// # Errors
///
/// As [`Lane::new`].
pub fn lane_fixed(config: &Config, facts: Facts, mean: f64) -> Result<Lane, TrainError> {
    let mut lane = Lane::new(config, facts)?;
    lane.weights.threshold = Threshold::Fixed { mean, sigma: 1.0 };
    Ok(lane)
}
