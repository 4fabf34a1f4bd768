//! `lane-sim`: [`lane`](super::lane) with the plain margin in place of the label-aware one.
//!
//! ```text
//! λ_i from AUM_i = mean of M_i over visits, instead of ALM_i, in Eq. 4–6; L_Π and L_con stay
//! ```
//!
//! Suspicion of a row: −AUM. Source: the paper's section 6, "LANE−SIM".

use lane_metrics::weights::Quantity;

use crate::config::Config;
use crate::methods::lane::Lane;

/// LANE weighted by AUM.
pub fn lane_sim(config: &Config) -> Lane {
    let mut lane = Lane::new(config);
    lane.weights.quantity = Quantity::Aum;
    lane
}
