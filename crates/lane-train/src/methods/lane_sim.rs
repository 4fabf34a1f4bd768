//! `lane-sim`: [`lane`](super::lane) with the plain margin in place of the label-aware one.
//!
//! ```text
//! λ_i from AUM_i = mean of M_i over visits, instead of ALM_i, in Eq. 4–6; L_Π and L_con stay
//! ```
//!
//! Suspicion of a row: −AUM. Source: the paper's section 6, "LANE−SIM".

use lane_metrics::weights::Quantity;

use crate::config::Config;
use crate::error::TrainError;
use crate::methods::lane::Lane;
use crate::methods::{Entry, Facts};

/// The line in the list of methods.
pub const LANE_SIM: Entry = Entry {
    name: "lane-sim",
    about: "lane with the plain margin (AUM) in place of the label-aware one",
    least_views: 1,
    build: |config, facts| Ok(Box::new(lane_sim(config, facts)?)),
};

/// LANE weighted by AUM.
///
/// # Errors
///
/// As [`Lane::new`].
pub fn lane_sim(config: &Config, facts: Facts) -> Result<Lane, TrainError> {
    let mut lane = Lane::new(config, facts)?;
    lane.weights.quantity = Quantity::Aum;
    Ok(lane)
}
