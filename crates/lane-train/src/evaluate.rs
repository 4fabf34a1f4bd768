//! Scoring passes: dropout off, no gradients.

use burn::tensor::Device;
use lane_data::{Example, RowId};
use lane_metrics::ClassId;

use crate::config::Config;
use crate::divergence::{listed, network_name, spoilt_rows};
use crate::error::TrainError;
use crate::experiment::Split;
use crate::inputs::Inputs;
use crate::method::Scorer;
use crate::networks::Networks;
use crate::progress::{Activity, Observer};
use crate::scores::SplitScores;
use crate::transfer;

/// How to score the rows of one split.
#[derive(Clone, Copy, Debug)]
pub struct Scoring<'a> {
    /// What the networks are fed.
    pub inputs: &'a Inputs,
    /// Rows of one batch.
    pub batch_size: usize,
    /// Where to compute.
    pub device: &'a Device,
    /// What its rows are called.
    pub names: RowNames<'a>,
}

/// What rows are called where their logits are no numbers.
#[derive(Clone, Copy, Debug)]
pub struct RowNames<'a> {
    /// The split.
    pub split: &'static str,
    /// Its rows; without them rows are counted from 1.
    pub examples: Option<&'a [Example]>,
}

impl<'a> RowNames<'a> {
    /// Those of a split's file.
    pub fn of(split: &'a Split) -> Self {
        Self { split: split.name, examples: Some(&split.dataset.examples) }
    }

    fn id(self, row: RowId) -> String {
        let numbered = || (row.index() + 1).to_string();
        self.examples.map_or_else(numbered, |examples| examples[row.index()].id.clone())
    }
}

impl Scoring<'_> {
    /// Logits of one network on the original view of `rows`, row-major `[rows, C]`, in their order.
    ///
    /// `networks` must be without gradients (`valid()`); `done` hears of every batch.
    ///
    /// # Errors
    ///
    /// [`TrainError::LogitsNotFinite`] where some are no numbers.
    pub fn logits(
        &self,
        networks: &Networks,
        network: usize,
        rows: &[RowId],
        mut done: impl FnMut(u64),
    ) -> Result<Vec<f32>, TrainError> {
        let lengths = self.inputs.lengths();
        let lengths: Vec<u32> = rows.iter().map(|row| lengths[row.index()]).collect();
        let (mut all, mut n_classes) = (Vec::new(), 1);
        for positions in by_length(&lengths, rows_at_once(self.batch_size, self.device)) {
            let batch: Vec<RowId> =
                positions.iter().map(|position| rows[position.index()]).collect();
            let gathered = self.inputs.gather(&batch, 1, self.device);
            let values = transfer::read(networks.predict(network, gathered.input()).logits);
            n_classes = values.len() / batch.len().max(1);
            all.resize(rows.len() * n_classes, 0.0);
            for (position, row) in positions.iter().zip(values.chunks_exact(n_classes)) {
                all[position.index() * n_classes..][..n_classes].copy_from_slice(row);
            }
            done(batch.len() as u64);
        }
        match spoilt_rows(&all, n_classes, rows) {
            spoilt if spoilt.is_empty() => Ok(all),
            spoilt => Err(TrainError::LogitsNotFinite {
                network: network_name(network, None),
                split: self.names.split,
                rows: listed(&spoilt, |row| self.names.id(row)),
            }),
        }
    }
}

impl Scoring<'_> {
    /// Logits of the first `n_predictors` networks added up, as [`logits`](Self::logits) otherwise.
    ///
    /// # Errors
    ///
    /// As [`logits`](Self::logits).
    pub fn sums(
        &self,
        networks: &Networks,
        n_predictors: usize,
        rows: &[RowId],
        mut done: impl FnMut(u64),
    ) -> Result<Vec<f32>, TrainError> {
        let mut sums = self.logits(networks, 0, rows, &mut done)?;
        for network in 1..n_predictors {
            let others = self.logits(networks, network, rows, |_| ())?;
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        Ok(sums)
    }
}

/// Rows given to `device` at once where `batch_size` are asked for.
///
/// The fused kernels of `flex` cut what they get into groups that fit a core's cache and need no
/// more memory for more rows, so threads need not meet at the end of every batch.
pub(crate) fn rows_at_once(batch_size: usize, device: &Device) -> usize {
    const ROWS: usize = 512;
    let is_flex = device.clone().inner() == Device::flex();
    if is_flex { batch_size.max(ROWS) } else { batch_size }
}

/// Positions `0..lengths.len()` in batches of like length, so that scoring pads little.
pub(crate) fn by_length(lengths: &[u32], batch_size: usize) -> Vec<Vec<RowId>> {
    let mut positions = all_rows(lengths.len());
    positions.sort_by_key(|position| lengths[position.index()]);
    positions.chunks(batch_size.max(1)).map(<[RowId]>::to_vec).collect()
}

/// Every row of a split, in order.
pub fn all_rows(n_rows: usize) -> Vec<RowId> {
    (0..n_rows as u32).map(RowId).collect()
}

/// The class of the highest logit among the first `n_classes`, ties to the lowest.
pub fn argmax(logits: &[f32]) -> ClassId {
    let best = logits
        .iter()
        .enumerate()
        .fold(0, |best, (class, logit)| if *logit > logits[best] { class } else { best });
    ClassId(best as u16)
}

/// What networks say about the rows of a split, and how good that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The scores.
    pub scores: SplitScores,
    /// The class predicted for each row.
    pub predicted: Vec<ClassId>,
}

/// Predictions and scores of the first `n_predictors` networks together on a split.
///
/// A split that only reports (`test`) is held against its true labels where it has them, one that
/// chooses (`validation`) against its given labels.
///
/// # Errors
///
/// [`TrainError::Metrics`] if a label is out of range, [`TrainError::LogitsNotFinite`].
pub fn score_split(
    networks: &Networks,
    n_predictors: usize,
    split: &Split,
    config: &Config,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<Scored, TrainError> {
    let n_classes = split.dataset.labels.len();
    let rows = all_rows(split.dataset.examples.len());
    observer.begin(&Activity::Scoring { split: split.name }, rows.len() as u64);
    let (batch_size, names) = (config.training.scoring_batch_size, RowNames::of(split));
    let scoring = Scoring { inputs: &split.inputs, batch_size, device, names };
    let logits = scoring.sums(networks, n_predictors, &rows, |n| observer.advance(n))?;
    observer.end();
    let width = logits.len() / rows.len().max(1);
    let predicted: Vec<ClassId> =
        logits.chunks_exact(width).map(|row| argmax(&row[..n_classes])).collect();
    let truth = if split.name == "test" { split.truth() } else { split.labels() };
    Ok(Scored { scores: SplitScores::of(&truth, &predicted, n_classes)?, predicted })
}

/// Scores training rows for a method's plan.
pub struct TrainScorer<'a> {
    /// Without gradients.
    pub networks: Networks,
    /// How to score.
    pub scoring: Scoring<'a>,
}

impl Scorer for TrainScorer<'_> {
    fn logits(&self, network: usize, rows: &[RowId]) -> Result<Vec<f32>, TrainError> {
        self.scoring.logits(&self.networks, network, rows, |_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_logit_wins_and_ties_go_to_the_lowest_class() {
        assert_eq!(argmax(&[0.1, 0.9, 0.3]), ClassId(1));
        assert_eq!(argmax(&[-3.0, 2.0, 2.0]), ClassId(1));
        assert_eq!(argmax(&[0.0; 4]), ClassId(0));
    }

    #[test]
    fn every_row_stands_in_one_scoring_batch_beside_rows_of_like_length() {
        let batches = by_length(&[9, 2, 5, 2, 7], 2);
        let expected = [vec![1, 3], vec![2, 4], vec![0]]
            .map(|rows| rows.into_iter().map(RowId).collect::<Vec<_>>());
        assert_eq!(batches, expected);
    }
}
