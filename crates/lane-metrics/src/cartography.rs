//! Data maps: where each row lies by what training made of it, and which part to keep.
//!
//! ```text
//! q_i^e        = softmax(z_i^e)[y_i],   e = 1..E                 probability of the given label
//! confidence   μ̂_i = (1/E) Σ_e q_i^e                                              (section 2)
//! variability  σ̂_i = sqrt( (1/E) Σ_e (q_i^e − μ̂_i)² )                             (section 2)
//!              with include_ci: sqrt( v + v²/(E−1) ), v = σ̂_i²
//! correctness  epochs with argmax z_i^e = y_i
//! forgetting   changes from correct to incorrect; 1000 for a row that was never correct
//! closeness    μ̂_i (1 − μ̂_i)                        of the confidence to a threshold at 1/2
//! ```
//!
//! Confidence, variability and closeness are without unit: 0..=1, 0..=1/2 and 0..=1/4.
//! E counts the epochs a row was seen in, the first [`burn_out`](MapConfig::burn_out) of the
//! run only where that is set. Statistics are f64 and kept as rows come by, 40 bytes a row.
//!
//! The three thirds of the map: *easy to learn* (highest confidence), *hard to learn* (lowest
//! confidence; wrong labels gather here) and *ambiguous* (highest variability).
//!
//! Departures from the authors' program: exactly `int(fraction · n)` rows are kept and not one
//! more; ties stay in the order of the rows; one epoch with `include_ci` gives the plain
//! deviation, 0, where 0/0 would give NaN.
//!
//! Swayamdipta, Schwartz, Lourie, Wang, Hajishirzi, Smith, Choi. *Dataset Cartography: Mapping
//! and Diagnosing Datasets with Training Dynamics*. EMNLP 2020.
//! <https://arxiv.org/abs/2009.10795>. Forgetting: Toneva et al., ICLR 2019.

mod selection;

use serde::{Deserialize, Serialize};

use crate::averages::check_rows;
use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::logits::Logits;
use crate::margin::check_labels;

pub use selection::{Region, select};

/// Forgetfulness of a row that was never correct.
///
/// It is a mark, not a count, and above every count of a training shorter than that.
pub const NEVER_CORRECT: u32 = 1000;

/// How far above 1 a probability may land by rounding in half precision.
const ABOVE_ONE: f64 = 1e-4;

/// Which epochs count, and which variability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapConfig {
    /// Widen the variability by its own uncertainty: sqrt(v + v²/(E−1)).
    pub include_ci: bool,
    /// Only the first so many epochs count; absent = all. At least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_out: Option<u32>,
}

/// Where a row lies on the map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// Mean probability of the given label, in 0..=1.
    pub confidence: f64,
    /// Deviation of that probability over the epochs, in 0..=1/2 (a little above with `include_ci`).
    pub variability: f64,
    /// Epochs in which the given label was predicted.
    pub correctness: u32,
    /// Times it was predicted and then not; [`NEVER_CORRECT`] where it never was.
    pub forgetfulness: u32,
    /// Confidence · (1 − confidence), in 0..=1/4.
    pub threshold_closeness: f64,
    /// Epochs counted, at least 1.
    pub n_epochs: u32,
}

/// What one epoch said of one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Probability of the given label, in 0..=1.
    pub p_label: f64,
    /// Whether the given label has the highest logit; ties go to the lowest class.
    pub correct: bool,
}

impl Look {
    /// From a row of logits, shape `[n_classes]`; the softmax is f64.
    ///
    /// # Errors
    ///
    /// As [`Logits::new`] for the row; [`MetricsError::LabelOutOfRange`] when the label names no
    /// column.
    pub fn of_logits(row: &[f32], label: ClassId) -> Result<Self, MetricsError> {
        let n_classes = Logits::new(row, row.len())?.n_classes();
        check_labels(&[label], n_classes)?;
        let best = (1..n_classes).fold(0, |best, k| if row[best] < row[k] { k } else { best });
        let shifted = |k: usize| (f64::from(row[k]) - f64::from(row[best])).exp();
        let total: f64 = (0..n_classes).map(shifted).sum();
        Ok(Self { p_label: shifted(label.index()) / total, correct: best == label.index() })
    }
}

/// What is kept of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct RowHistory {
    /// μ̂ so far.
    mean: f64,
    /// Σ (q − μ̂)² so far.
    squares: f64,
    n_epochs: u32,
    n_correct: u32,
    n_forgotten: u32,
    /// The first epoch that would be later than all seen; 0 before the first.
    next_epoch: u32,
    was_correct: bool,
}

impl RowHistory {
    fn add(&mut self, look: Look) {
        self.n_epochs += 1;
        let before = look.p_label - self.mean;
        self.mean += before / f64::from(self.n_epochs);
        self.squares += before * (look.p_label - self.mean);
        self.n_correct += u32::from(look.correct);
        self.n_forgotten += u32::from(self.was_correct && !look.correct);
        self.was_correct = look.correct;
    }

    fn variability(&self, include_ci: bool) -> f64 {
        let variance = self.squares / f64::from(self.n_epochs);
        if include_ci && self.n_epochs > 1 {
            return (variance + variance * variance / f64::from(self.n_epochs - 1)).sqrt();
        }
        variance.sqrt()
    }

    fn point(&self, include_ci: bool) -> MapPoint {
        MapPoint {
            confidence: self.mean,
            variability: self.variability(include_ci),
            correctness: self.n_correct,
            forgetfulness: if self.n_correct == 0 { NEVER_CORRECT } else { self.n_forgotten },
            threshold_closeness: self.mean * (1.0 - self.mean),
            n_epochs: self.n_epochs,
        }
    }
}

/// The map of a data set, kept while a classifier trains.
///
/// ```
/// use lane_metrics::cartography::{DataMap, Look, MapConfig};
/// use lane_metrics::{ClassId, RowId};
///
/// let mut map = DataMap::new(2, MapConfig::default())?;
/// for (epoch, logits) in [(0, [1.0, 0.0]), (1, [0.0, 3.0])] {
///     map.record(RowId(0), epoch, Look::of_logits(&logits, ClassId(0))?)?;
/// }
/// let point = map.point(RowId(0)).unwrap();
/// assert_eq!((point.correctness, point.forgetfulness), (1, 1));
/// assert!((point.confidence - 0.389).abs() < 1e-3);
/// assert_eq!(map.point(RowId(1)), None); // never seen
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataMap {
    config: MapConfig,
    rows: Vec<RowHistory>,
}

impl DataMap {
    /// A map of rows `0..n_rows`, none seen yet.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooManyRows`] when a [`RowId`] cannot name every row,
    /// [`MetricsError::SettingOutOfRange`] for a burn-out that leaves no epoch.
    pub fn new(n_rows: usize, config: MapConfig) -> Result<Self, MetricsError> {
        if u32::try_from(n_rows).is_err() {
            return Err(MetricsError::TooManyRows { n_rows });
        }
        if config.burn_out == Some(0) {
            let (field, expected) = ("burn_out", "at least 1 epoch");
            return Err(MetricsError::SettingOutOfRange { field, value: 0.0, expected });
        }
        Ok(Self { config, rows: vec![RowHistory::default(); n_rows] })
    }

    /// Adds what epoch `epoch` (from 0) said of a row; an epoch past the burn-out changes nothing.
    ///
    /// A row may be left out of an epoch, but not seen twice in one.
    ///
    /// # Errors
    ///
    /// [`MetricsError::RowOutOfRange`], [`MetricsError::LabelProbability`] outside 0..=1,
    /// [`MetricsError::EpochNotLater`] when the row was seen in that epoch or a later one;
    /// nothing is added then.
    pub fn record(&mut self, row: RowId, epoch: u32, look: Look) -> Result<(), MetricsError> {
        check_rows(&[row], self.rows.len())?;
        if !(0.0..=1.0 + ABOVE_ONE).contains(&look.p_label) {
            return Err(MetricsError::LabelProbability { row: row.0, value: look.p_label });
        }
        let history = &mut self.rows[row.index()];
        if epoch < history.next_epoch {
            let last = history.next_epoch - 1;
            return Err(MetricsError::EpochNotLater { row: row.0, epoch, last });
        }
        history.next_epoch = epoch.saturating_add(1);
        if self.config.burn_out.is_none_or(|n_epochs| epoch < n_epochs) {
            history.add(Look { p_label: look.p_label.min(1.0), ..look });
        }
        Ok(())
    }

    /// Where a row lies; none before it was seen or beyond the data set.
    pub fn point(&self, row: RowId) -> Option<MapPoint> {
        let history = self.rows.get(row.index())?;
        (history.n_epochs > 0).then(|| history.point(self.config.include_ci))
    }

    /// Where every row lies, in row order.
    ///
    /// # Errors
    ///
    /// [`MetricsError::RowNeverSeen`] on the first row that no counted epoch showed.
    pub fn points(&self) -> Result<Vec<MapPoint>, MetricsError> {
        (0..self.rows.len() as u32)
            .map(|row| self.point(RowId(row)).ok_or(MetricsError::RowNeverSeen { row }))
            .collect()
    }

    /// Whether every row was seen in some counted epoch.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|history| history.n_epochs > 0)
    }

    /// Rows of the data set.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Forgets every epoch.
    pub fn reset(&mut self) {
        self.rows.fill(RowHistory::default());
    }
}

#[cfg(test)]
mod tests;
