//! `lane-alm`: [`lane`](super::lane) without weights.
//!
//! ```text
//! λ ≡ 1 in Eq. 7; L_Π and L_con stay
//! ```
//!
//! Suspicion of a row: −ALM; flagged when the weight it would have had is below `lane.flag_below`.
//! Source: the paper's section 6, "LANE−ALM".

use crate::config::Config;
use crate::methods::lane::Lane;

/// LANE whose weights are all 1.
pub fn lane_alm(config: &Config) -> Lane {
    let mut lane = Lane::new(config);
    lane.weighted = false;
    lane
}
