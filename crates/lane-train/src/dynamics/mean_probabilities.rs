//! Class probabilities of every row, averaged over its visits.

use lane_data::RowId;
use lane_metrics::ClassId;
use serde::{Deserialize, Serialize};

use crate::checkpoint::ensure;

/// Class probabilities of every row, averaged over its visits: what the network believed before it
/// had time to memorise the label.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MeanProbabilities {
    sums: Vec<f32>,
    n_classes: usize,
}

impl MeanProbabilities {
    pub(crate) fn new(n_rows: usize, n_classes: usize) -> Self {
        Self { sums: vec![0.0; n_rows * n_classes], n_classes }
    }

    /// What does not fit the run, if anything does not.
    pub(super) fn check(&self, n_rows: usize, n_classes: usize) -> Result<(), String> {
        ensure(self.n_classes == n_classes, "number of classes", self.n_classes)?;
        ensure(self.sums.len() == n_rows * n_classes, "sums of probabilities", self.sums.len())
    }

    pub(crate) fn add(&mut self, row: RowId, logits: &[f32]) {
        let sums = &mut self.sums[row.index() * self.n_classes..][..self.n_classes];
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
        for (sum, logit) in sums.iter_mut().zip(logits) {
            *sum += (logit - highest).exp() / total;
        }
    }

    /// The most probable class of a row, ties to the lowest.
    pub fn suggestion(&self, row: RowId) -> ClassId {
        let sums = &self.sums[row.index() * self.n_classes..][..self.n_classes];
        let best = sums
            .iter()
            .enumerate()
            .fold(0, |best, (class, sum)| if *sum > sums[best] { class } else { best });
        ClassId(best as u16)
    }
}
