//! What the epochs of a training say of each row, taken in one at a time.
//!
//! ```text
//! AUM_i  = mean over epochs of the margin            (Pleiss et al. 2020, Eq. 1)
//! ALM_i  = mean over epochs of the label-aware margin (LANE, Eq. 3 and 4)
//! loss_i = mean over epochs of −log p_i              p_i the probability of the given label
//! ```
//!
//! Confidence, variability, correctness and forgetting are those of
//! [`cartography`](lane_metrics::cartography). The numbers of an epoch are those of its training
//! pass. Memory: about 100 bytes a row, whatever the epochs.

use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::{DataMap, Look, MapConfig};
use lane_metrics::{ClassId, MetricsError, RowId};

use crate::model::EpochPoint;

/// A probability of 0 in f32 would make the loss infinite.
const LEAST_PROBABILITY: f64 = 1e-30;

/// A row in an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The row.
    pub row: RowId,
    /// Logit of the label less the largest of the others.
    pub margin: f32,
    /// Where there was an auxiliary network.
    pub label_aware_margin: Option<f32>,
    /// Probability of the label.
    pub p_label: f32,
    /// Whether the label was predicted.
    pub correct: bool,
    /// The class predicted, where classes are known.
    pub predicted: Option<ClassId>,
    /// Weight of the row's loss, where the training had weights.
    pub weight: Option<f32>,
}

/// What a training says of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainingScores {
    /// Average label-aware margin.
    pub alm: Option<f64>,
    /// Average margin.
    pub aum: Option<f64>,
    /// Weight in the last epoch that showed the row.
    pub weight: Option<f64>,
    /// Mean cross-entropy.
    pub loss: Option<f64>,
    /// Mean probability of the label.
    pub confidence: Option<f64>,
    /// Deviation of that probability.
    pub variability: Option<f64>,
    /// Epochs in which the label was predicted.
    pub correctness: Option<u32>,
    /// Times it was predicted in one epoch and not in the next;
    /// [`NEVER_CORRECT`](lane_metrics::cartography::NEVER_CORRECT) where it never was.
    pub forgetting: Option<u32>,
    /// The class last predicted in the label's place.
    pub rival: Option<ClassId>,
}

/// Sums over the epochs of a training.
#[derive(Clone, Debug)]
pub struct TrainingLog {
    margins: MarginAverages,
    map: DataMap,
    losses: Vec<f64>,
    weights: Vec<Option<f32>>,
    rivals: Vec<Option<ClassId>>,
    curves: Vec<EpochPoint>,
}

impl TrainingLog {
    /// No epochs yet.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooManyRows`] when a [`RowId`] cannot name every row.
    pub fn new(n_rows: usize) -> Result<Self, MetricsError> {
        Ok(Self {
            margins: MarginAverages::new(n_rows)?,
            map: DataMap::new(n_rows, MapConfig::default())?,
            losses: vec![0.0; n_rows],
            weights: vec![None; n_rows],
            rivals: vec![None; n_rows],
            curves: Vec::new(),
        })
    }

    /// Takes an epoch; epochs come in their order, each row at most once in each.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] where a row is beyond those there are, a number is not finite, or the epoch
    /// does not follow the last.
    pub fn add_epoch(&mut self, epoch: u32, seen: &[Seen]) -> Result<(), MetricsError> {
        let (mut loss, mut n_correct) = (0.0, 0_usize);
        for it in seen {
            let p_label = f64::from(it.p_label);
            self.map.record(it.row, epoch, Look { p_label, correct: it.correct })?;
            self.margins.record(&Visit {
                row: it.row,
                margin: it.margin,
                label_aware_margin: it.label_aware_margin,
                ..Visit::default()
            })?;
            let of_row = -p_label.max(LEAST_PROBABILITY).ln();
            self.losses[it.row.index()] += of_row;
            self.weights[it.row.index()] = it.weight.or(self.weights[it.row.index()]);
            if !it.correct {
                self.rivals[it.row.index()] = it.predicted.or(self.rivals[it.row.index()]);
            }
            loss += of_row;
            n_correct += usize::from(it.correct);
        }
        let n_seen = seen.len().max(1) as f64;
        let agreement = n_correct as f64 / n_seen;
        self.curves.push(EpochPoint { epoch, loss: loss / n_seen, agreement });
        Ok(())
    }

    /// Epochs taken.
    pub fn n_epochs(&self) -> u32 {
        self.curves.len() as u32
    }

    /// Mean loss and agreement of each epoch.
    pub fn curves(&self) -> &[EpochPoint] {
        &self.curves
    }

    /// Whether the training had an auxiliary network.
    pub fn has_label_aware_margins(&self) -> bool {
        (0..self.losses.len() as u32).any(|row| self.margins.alm(RowId(row)).is_some())
    }

    /// What the epochs say of a row; of one never seen, nothing.
    pub fn of(&self, row: RowId) -> TrainingScores {
        let Some(point) = self.map.point(row) else { return TrainingScores::default() };
        TrainingScores {
            alm: self.margins.alm(row),
            aum: self.margins.aum(row),
            weight: self.weights[row.index()].map(f64::from),
            loss: Some(self.losses[row.index()] / f64::from(point.n_epochs)),
            confidence: Some(point.confidence),
            variability: Some(point.variability),
            correctness: Some(point.correctness),
            forgetting: Some(point.forgetfulness),
            rival: self.rivals[row.index()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(row: u32, margin: f32, p_label: f32) -> Seen {
        Seen {
            row: RowId(row),
            margin,
            label_aware_margin: None,
            p_label,
            correct: 0.0 < margin,
            predicted: Some(ClassId(u16::from(margin < 0.0))),
            weight: None,
        }
    }

    #[test]
    fn scores_are_means_over_the_epochs_that_showed_the_row() {
        let mut log = TrainingLog::new(2).unwrap();
        log.add_epoch(1, &[seen(0, 1.0, 0.5), seen(1, -3.0, 0.25)]).unwrap();
        let weighted =
            Seen { weight: Some(0.5), label_aware_margin: Some(-4.0), ..seen(0, -2.0, 0.125) };
        log.add_epoch(2, &[weighted]).unwrap();
        let first = log.of(RowId(0));
        assert_eq!((first.aum, first.alm, first.weight), (Some(-0.5), Some(-4.0), Some(0.5)));
        assert_eq!((first.confidence, first.correctness), (Some(0.3125), Some(1)));
        assert_eq!((first.forgetting, first.rival), (Some(1), Some(ClassId(1))));
        assert!((first.loss.unwrap() - 2.0 * 2.0_f64.ln()).abs() < 1e-12, "ln 2 and ln 8");
        assert_eq!(log.of(RowId(1)).alm, None);
        assert!(log.has_label_aware_margins());
        let [one, two] = log.curves() else { panic!("two epochs") };
        assert_eq!((one.epoch, one.agreement), (1, 0.5));
        assert!((one.loss - 1.5 * 2.0_f64.ln()).abs() < 1e-12, "ln 2 and ln 4");
        assert_eq!((two.epoch, two.agreement), (2, 0.0));
    }

    #[test]
    fn a_row_never_seen_has_no_scores() {
        let mut log = TrainingLog::new(2).unwrap();
        log.add_epoch(1, &[seen(0, 1.0, 0.5)]).unwrap();
        assert_eq!(log.of(RowId(1)), TrainingScores::default());
    }

    #[test]
    fn a_probability_of_nothing_has_a_finite_loss() {
        let mut log = TrainingLog::new(1).unwrap();
        log.add_epoch(1, &[seen(0, -90.0, 0.0)]).unwrap();
        assert!(log.of(RowId(0)).loss.unwrap().is_finite());
    }

    #[test]
    fn what_is_not_finite_or_no_row_is_refused() {
        let mut log = TrainingLog::new(1).unwrap();
        assert!(log.add_epoch(1, &[seen(0, f32::NAN, 0.5)]).is_err());
        assert!(log.add_epoch(1, &[seen(1, 1.0, 0.5)]).is_err());
    }
}
