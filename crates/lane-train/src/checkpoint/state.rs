//! What a checkpoint keeps beside tensors.

use std::borrow::Cow;

use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use super::{Every, Identity};
use crate::dynamics::Collected;
use crate::history::HistoryState;
use crate::method::EpochPlan;
use crate::optimizer::Counts;
use crate::step::SavedTerms;

/// Where in a run the next step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Index of the phase.
    pub(crate) phase: usize,
    /// Epoch within the phase, from 0.
    pub(crate) epoch: u32,
    /// The same epoch from 1, counted through all phases.
    pub(crate) overall_epoch: u32,
    /// Pass within the epoch.
    pub(crate) pass: usize,
    /// Step within the pass.
    pub(crate) step: usize,
    /// Steps taken, counted through all phases.
    pub(crate) n_steps: u64,
}

/// A run between two steps, but for its tensors and what its method remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State<'a> {
    pub(crate) identity: Cow<'a, Identity>,
    pub(crate) every: Every,
    /// Taken so far.
    pub(crate) seconds: f64,
    pub(crate) position: Position,
    /// Of the epoch under way: networks that moved on would plan another.
    pub(crate) plan: Cow<'a, EpochPlan>,
    pub(crate) terms: SavedTerms,
    pub(crate) margins: Cow<'a, MarginWeights>,
    pub(crate) dynamics: Cow<'a, Collected>,
    pub(crate) history: HistoryState,
    /// Of the optimizer, in the order of a walk over the parameters.
    pub(crate) counts: Vec<Option<Counts>>,
    /// The multiple of the rate that the method's own parameters learn at.
    pub(crate) own_factor: f64,
}
