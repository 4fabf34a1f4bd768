//! `lane-alm`: [`lane`](super::lane) without weights.
//!
//! ```text
//! λ ≡ 1 in Eq. 7; L_Π and L_con stay
//! ```
//!
//! Suspicion of a row: −ALM; flagged when the weight it would have had is below `lane.flag_below`.
//! Source: the paper's section 6, "LANE−ALM".

use crate::config::Config;
use crate::error::TrainError;
use crate::methods::lane::Lane;
use crate::methods::{Entry, Facts};

/// The line in the list of methods.
pub const LANE_ALM: Entry = Entry {
    name: "lane-alm",
    about: "lane without weights: both auxiliary terms only",
    least_views: 1,
    build: |config, facts| Ok(Box::new(lane_alm(config, facts)?)),
};

/// LANE whose weights are all 1.
///
/// # Errors
///
/// As [`Lane::new`].
pub fn lane_alm(config: &Config, facts: Facts) -> Result<Lane, TrainError> {
    let mut lane = Lane::new(config, facts)?;
    lane.weighted = false;
    Ok(lane)
}
