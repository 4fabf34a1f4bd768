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
use lane_metrics::cartography::{DataMap, Look, MapConfig, MapPoint};
use lane_metrics::{ClassId, MetricsError, RowId, margin};

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
    /// Probability of the label and whether it was predicted, where more than margins is known.
    pub look: Option<Look>,
    /// The class predicted, where classes are known.
    pub predicted: Option<ClassId>,
    /// Weight of the row's loss, where the training had weights.
    pub weight: Option<f32>,
}

impl Seen {
    /// A row of which no more than its margin is known.
    pub fn of_margin(row: RowId, margin: f32) -> Self {
        let (label_aware_margin, look, predicted, weight) = (None, None, None, None);
        Self { row, margin, label_aware_margin, look, predicted, weight }
    }

    /// A row whose logits are known; of several highest the first is predicted.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] for fewer than two logits, one that is not finite, or a label beyond them.
    pub fn of_logits(row: RowId, logits: &[f32], label: ClassId) -> Result<Self, MetricsError> {
        let look = Look::of_logits(logits, label)?;
        let found = margin::of_row(logits, label)?;
        let predicted = if look.correct { label } else { found.rival };
        Ok(Self {
            row,
            margin: found.value,
            label_aware_margin: None,
            look: Some(look),
            predicted: Some(predicted),
            weight: None,
        })
    }
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

/// What a training says of all rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Training {
    /// Row by row.
    pub rows: Vec<TrainingScores>,
    /// Mean loss and agreement of each epoch.
    pub curves: Vec<EpochPoint>,
    /// Passes over the rows.
    pub n_epochs: u32,
}

impl Training {
    /// Whether there was an auxiliary network.
    pub fn has_label_aware_margins(&self) -> bool {
        self.rows.iter().any(|it| it.alm.is_some())
    }

    /// Rows in another order, with their rivals under other numbers.
    ///
    /// # Panics
    ///
    /// When a place is beyond the rows.
    #[must_use]
    pub fn select(self, places: &[usize], class: impl Fn(ClassId) -> Option<ClassId>) -> Self {
        let row = |place: &usize| {
            let scores = self.rows[*place];
            TrainingScores { rival: scores.rival.and_then(&class), ..scores }
        };
        Self { rows: places.iter().map(row).collect(), ..self }
    }
}

/// Sums over the epochs of a training.
#[derive(Clone, Debug)]
pub struct TrainingLog {
    margins: MarginAverages,
    map: DataMap,
    /// Sum and count of each row's losses.
    losses: Vec<(f64, u32)>,
    weights: Vec<Option<f32>>,
    rivals: Vec<Option<ClassId>>,
    curves: Vec<EpochPoint>,
    n_epochs: u32,
}

impl TrainingLog {
    /// No epochs yet; `map` says how the data map is made of them.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooManyRows`] when a [`RowId`] cannot name every row, and what
    /// [`DataMap::new`] refuses.
    pub fn new(n_rows: usize, map: MapConfig) -> Result<Self, MetricsError> {
        Ok(Self {
            margins: MarginAverages::new(n_rows)?,
            map: DataMap::new(n_rows, map)?,
            losses: vec![(0.0, 0); n_rows],
            weights: vec![None; n_rows],
            rivals: vec![None; n_rows],
            curves: Vec::new(),
            n_epochs: 0,
        })
    }

    /// Takes the next epoch, which the curves call `epoch`; each row comes at most once.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] where a row is beyond those there are or comes twice, or a number is not
    /// finite.
    pub fn add_epoch(&mut self, epoch: u32, seen: &[Seen]) -> Result<(), MetricsError> {
        let (mut loss, mut n_correct, mut n_looks) = (0.0, 0_usize, 0_usize);
        for it in seen {
            self.margins.record(&Visit {
                row: it.row,
                margin: it.margin,
                label_aware_margin: it.label_aware_margin,
                ..Visit::default()
            })?;
            let at = it.row.index();
            self.weights[at] = it.weight.or(self.weights[at]);
            let Some(look) = it.look else { continue };
            self.map.record(it.row, self.n_epochs, look)?;
            let of_row = -look.p_label.max(LEAST_PROBABILITY).ln();
            let losses = &mut self.losses[at];
            *losses = (losses.0 + of_row, losses.1 + 1);
            if !look.correct {
                self.rivals[at] = it.predicted.or(self.rivals[at]);
            }
            loss += of_row;
            n_correct += usize::from(look.correct);
            n_looks += 1;
        }
        self.n_epochs += 1;
        if 0 < n_looks {
            let n_looks = n_looks as f64;
            let agreement = n_correct as f64 / n_looks;
            self.curves.push(EpochPoint { epoch, loss: loss / n_looks, agreement });
        }
        Ok(())
    }

    /// What the epochs come to.
    pub fn finish(self) -> Training {
        let rows = (0..self.losses.len() as u32).map(|row| self.of(RowId(row))).collect();
        Training { rows, curves: self.curves, n_epochs: self.n_epochs }
    }

    /// What the epochs say of a row; of one never seen, nothing.
    pub fn of(&self, row: RowId) -> TrainingScores {
        let at = row.index();
        let point = self.map.point(row);
        TrainingScores {
            alm: self.margins.alm(row),
            aum: self.margins.aum(row),
            weight: self.weights.get(at).copied().flatten().map(f64::from),
            loss: self.losses.get(at).filter(|(_, n)| 0 < *n).map(|(sum, n)| sum / f64::from(*n)),
            confidence: point.map(|it| it.confidence),
            variability: point.map(|it| it.variability),
            correctness: point.map(|it| it.correctness),
            forgetting: point.map(|it| it.forgetfulness),
            rival: self.rivals.get(at).copied().flatten(),
        }
    }

    /// Where a row lies on the data map; none before it was seen.
    pub fn point(&self, row: RowId) -> Option<MapPoint> {
        self.map.point(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n_rows: usize) -> TrainingLog {
        TrainingLog::new(n_rows, MapConfig::default()).unwrap()
    }

    fn seen(row: u32, margin: f32, p_label: f64) -> Seen {
        Seen {
            row: RowId(row),
            margin,
            label_aware_margin: None,
            look: Some(Look { p_label, correct: 0.0 < margin }),
            predicted: Some(ClassId(u16::from(margin < 0.0))),
            weight: None,
        }
    }

    #[test]
    fn scores_are_means_over_the_epochs_that_showed_the_row() {
        let mut log = log(2);
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
        let training = log.finish();
        assert!(training.has_label_aware_margins());
        let [one, two] = training.curves[..] else { panic!("two epochs") };
        assert_eq!((one.epoch, one.agreement), (1, 0.5));
        assert!((one.loss - 1.5 * 2.0_f64.ln()).abs() < 1e-12, "ln 2 and ln 4");
        assert_eq!((two.epoch, two.agreement), (2, 0.0));
    }

    #[test]
    fn rows_are_put_in_another_order_and_their_rivals_renamed() {
        let mut log = log(3);
        let shown = [seen(0, 1.0, 0.5), seen(1, -1.0, 0.25), seen(2, -2.0, 0.125)];
        log.add_epoch(1, &shown).unwrap();
        let training = log.finish().select(&[2, 0], |class| (class.0 == 1).then_some(ClassId(7)));
        let rows: Vec<_> = training.rows.iter().map(|it| (it.aum, it.rival)).collect();
        assert_eq!(rows, [(Some(-2.0), Some(ClassId(7))), (Some(1.0), None)]);
    }

    #[test]
    fn a_row_never_seen_has_no_scores() {
        let mut log = log(2);
        log.add_epoch(1, &[seen(0, 1.0, 0.5)]).unwrap();
        assert_eq!(log.of(RowId(1)), TrainingScores::default());
    }

    #[test]
    fn margins_alone_are_averaged_and_leave_the_rest_empty() {
        let mut log = log(1);
        log.add_epoch(1, &[Seen::of_margin(RowId(0), -3.0)]).unwrap();
        let scores = log.of(RowId(0));
        assert_eq!((scores.aum, scores.confidence, scores.loss), (Some(-3.0), None, None));
        assert!(log.finish().curves.is_empty());
    }

    #[test]
    fn a_probability_of_nothing_has_a_finite_loss() {
        let mut log = log(1);
        log.add_epoch(1, &[seen(0, -90.0, 0.0)]).unwrap();
        assert!(log.of(RowId(0)).loss.unwrap().is_finite());
    }

    #[test]
    fn what_is_not_finite_or_no_row_is_refused() {
        let mut log = log(1);
        assert!(log.add_epoch(1, &[seen(0, f32::NAN, 0.5)]).is_err());
        assert!(log.add_epoch(1, &[seen(1, 1.0, 0.5)]).is_err());
    }
}
