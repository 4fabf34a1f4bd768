//! Averages, statistics and weights of a data set, kept up to date batch by batch.
//!
//! ```text
//! logits, labels, w ─► M, j ─► LM ─► AUM, ALM ─► N, μ, σ² ─► λ            (Algorithm 1)
//! ```
//!
//! λ of a row uses the average that already holds this step (Algorithm 1, lines 9 to 14).

use serde::{Deserialize, Serialize};

use super::scratch::Scratch;
use super::statistics::{NegativeStatistics, Running, Seen};
use super::{Quantity, Statistics, Threshold, Time, VarianceOf, WeightConfig, of_average};
use crate::averages::{MarginAverages, RowMeans, Visit, check_rows};
use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::logits::{Probabilities, RawLogits};
use crate::margin;

/// The weights of every row of a data set, with the averages they come from.
///
/// ```
/// use lane_metrics::weights::{MarginWeights, WeightConfig};
/// use lane_metrics::{ClassId, Logits, Probabilities, RowId, softmax};
///
/// let rows = [RowId(0), RowId(1), RowId(2)];
/// let labels = [ClassId(0), ClassId(1), ClassId(0)];
/// let classifier = [2.0, 0.5, 0.2, -0.3, -4.0, 0.1]; // z of the classifier, [3, 2]
/// let auxiliary = [1.0, 0.2, 0.1, 0.4, 0.2, 0.0]; // z of the auxiliary network, [3, 2]
///
/// let mut weights = MarginWeights::new(3, WeightConfig::default())?;
/// weights.start_epoch();
/// let auxiliary = softmax::of_logits(Logits::new(&auxiliary, 2)?);
/// let auxiliary = Probabilities::new(&auxiliary, 2)?;
/// weights.update(&rows, &labels, Logits::new(&classifier, 2)?, Some(auxiliary))?;
///
/// assert_eq!(weights.statistics().n, 2); // rows 1 and 2 trail
/// assert_eq!(weights.weight(RowId(0)), 1.0);
/// assert_eq!(weights.weight(RowId(1)), 1.0); // not below the mean of the two
/// assert!((weights.weight(RowId(2)) - 0.606_53).abs() < 1e-5);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginWeights {
    config: WeightConfig,
    averages: MarginAverages,
    /// What weights are made from now.
    statistics: NegativeStatistics,
    /// Sums over N for [`Statistics::Running`], of what [`kept`] gives.
    running: Running,
    /// Every value so far for [`Statistics::VisitsWelford`].
    seen: Seen,
    n_updates: u64,
    floor_hits: u64,
    #[serde(skip)]
    scratch: Scratch,
}

impl MarginWeights {
    /// Weights for rows `0..n_rows`, all 1 until the first update.
    ///
    /// # Errors
    ///
    /// As [`WeightConfig::validate`]; [`MetricsError::TooManyRows`] when a [`RowId`] cannot
    /// name every row.
    pub fn new(n_rows: usize, config: WeightConfig) -> Result<Self, MetricsError> {
        config.validate()?;
        Ok(Self {
            config,
            averages: MarginAverages::new(n_rows)?,
            statistics: NegativeStatistics::default(),
            running: Running::default(),
            seen: Seen::default(),
            n_updates: 0,
            floor_hits: 0,
            scratch: Scratch::default(),
        })
    }

    /// To be called before the first batch of every epoch: recomputes the running sums exactly
    /// about the current mean, and takes the frozen copy for [`Statistics::EpochFrozen`].
    pub fn start_epoch(&mut self) {
        match self.config.statistics {
            _ if self.config.threshold != Threshold::Estimated => {}
            Statistics::Running | Statistics::EpochFrozen => {
                self.recompute();
                self.statistics = self.of_data_set();
            }
            Statistics::Batch | Statistics::VisitsWelford => {}
        }
    }

    /// Takes in one batch: averages of its rows first, then statistics.
    ///
    /// `rows`, `labels`: `[n_rows]`; `logits`, `auxiliary`: `[n_rows, n_classes]`. A row may
    /// occur more than once; each time is a visit. Logits may be checked ones
    /// ([`Logits`](crate::Logits)) or, a pass less, raw ones.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the lists do not pair up,
    /// [`MetricsError::RowOutOfRange`] and [`MetricsError::LabelOutOfRange`] on the first id
    /// that names nothing, [`MetricsError::AuxiliaryMissing`] when weights by ALM get no
    /// probabilities, [`MetricsError::NotFinite`] on the first logit that is no number,
    /// [`MetricsError::NotAProbability`] on the first rival's probability that is none. Averages,
    /// statistics and weights are as before then.
    pub fn update<'a>(
        &mut self,
        rows: &[RowId],
        labels: &[ClassId],
        logits: impl Into<RawLogits<'a>>,
        auxiliary: Option<Probabilities<'_>>,
    ) -> Result<(), MetricsError> {
        self.update_with(rows, labels, logits, auxiliary, |_, _| ())
    }

    /// As [`Self::update`], and shows each visit with its place in the batch.
    ///
    /// # Errors
    ///
    /// As [`Self::update`].
    pub fn update_with<'a>(
        &mut self,
        rows: &[RowId],
        labels: &[ClassId],
        logits: impl Into<RawLogits<'a>>,
        auxiliary: Option<Probabilities<'_>>,
        mut visited: impl FnMut(usize, &Visit),
    ) -> Result<(), MetricsError> {
        let logits = logits.into();
        self.check(rows, labels, logits, auxiliary)?;
        self.scratch.look(labels, logits)?;
        if let Some(auxiliary) = auxiliary {
            let floor = self.config.weight_floor_probability;
            self.floor_hits += self.scratch.stretch(auxiliary, floor)?;
        }
        self.n_updates += 1;
        self.take_in(rows);
        self.settle(rows);
        for (position, visit) in self.scratch.visits(rows).enumerate() {
            visited(position, &visit);
        }
        Ok(())
    }

    /// λ of a row, in (0, 1]; 1 for a row never visited or beyond the data set.
    ///
    /// With [`Statistics::Batch`], against the statistics of the last batch.
    pub fn weight(&self, row: RowId) -> f64 {
        let average = self.averages.rows().get(row.index()).map(|means| self.average(means));
        average.map_or(1.0, |average| of_average(average, self.statistics, &self.config))
    }

    /// λ of each of `rows`, in that order; `weights` is emptied first and its memory used again.
    pub fn weights_of(&self, rows: &[RowId], weights: &mut Vec<f32>) {
        weights.clear();
        weights.extend(rows.iter().map(|&row| self.weight(row) as f32));
    }

    /// n, μ and σ² that weights are made from now; all 0 under a fixed threshold.
    pub fn statistics(&self) -> NegativeStatistics {
        self.statistics
    }

    /// AUM, ALM and visits of every row.
    pub fn averages(&self) -> &MarginAverages {
        &self.averages
    }

    /// The choices these weights were made with.
    pub fn config(&self) -> &WeightConfig {
        &self.config
    }

    /// How many negative margins were divided by the floor because the rival's probability was
    /// below it. Many mean that the floor, and not the auxiliary network, sets the weights.
    pub fn floor_hits(&self) -> u64 {
        self.floor_hits
    }

    /// Forgets everything but the configuration.
    pub fn reset(&mut self) {
        self.averages.reset();
        self.statistics = NegativeStatistics::default();
        self.running = Running::default();
        self.seen = Seen::default();
        self.n_updates = 0;
        self.floor_hits = 0;
    }

    fn check(
        &self,
        rows: &[RowId],
        labels: &[ClassId],
        logits: RawLogits<'_>,
        auxiliary: Option<Probabilities<'_>>,
    ) -> Result<(), MetricsError> {
        let pair_up = |found, n_found, expected, n_expected| {
            if n_found == n_expected {
                return Ok(());
            }
            Err(MetricsError::CountMismatch { found, n_found, expected, n_expected })
        };
        pair_up("row ids", rows.len(), "rows of logits", logits.n_rows())?;
        margin::check_count(labels.len(), logits.n_rows())?;
        match auxiliary {
            Some(it) => {
                pair_up("rows of probabilities", it.n_rows(), "rows of logits", logits.n_rows())?;
                let (found, expected) = (it.n_classes(), logits.n_classes());
                pair_up("classes of probabilities", found, "classes of logits", expected)?;
            }
            None if self.config.quantity == Quantity::Alm => {
                return Err(MetricsError::AuxiliaryMissing);
            }
            None => {}
        }
        check_rows(rows, self.averages.n_rows())?;
        margin::check_labels(labels, logits.n_classes())
    }

    /// Adds the margins to their rows and keeps the statistics of N in step.
    fn take_in(&mut self, rows: &[RowId]) {
        // One loop for each pair of choices: asked in the loop, they would cost a row as much as
        // its means do.
        match (self.config.quantity, self.config.time) {
            (Quantity::Alm, Time::Visits) => self.take_in_by(rows, kept_alm),
            (Quantity::Alm, Time::GlobalStep) => self.take_in_by(rows, kept_alm_sum),
            (Quantity::Aum, Time::Visits) => self.take_in_by(rows, kept_aum),
            (Quantity::Aum, Time::GlobalStep) => self.take_in_by(rows, kept_aum_sum),
        }
    }

    #[inline]
    fn take_in_by(&mut self, rows: &[RowId], kept: impl Fn(&RowMeans) -> f64) {
        let (margins, label_aware) = self.scratch.results();
        let means = self.averages.rows_mut();
        let mut exchange = self.running.exchange();
        if label_aware.is_empty() {
            for (row, &margin) in rows.iter().zip(margins) {
                let means = &mut means[row.index()];
                let old = kept(means);
                means.add(margin);
                exchange.replace(old, kept(means));
            }
        } else {
            for ((row, &margin), &label_aware) in rows.iter().zip(margins).zip(label_aware) {
                let means = &mut means[row.index()];
                let old = kept(means);
                means.add_both(margin, label_aware);
                exchange.replace(old, kept(means));
            }
        }
        self.running = self.running.after(&exchange);
    }

    /// The statistics after a batch.
    fn settle(&mut self, rows: &[RowId]) {
        if self.config.threshold != Threshold::Estimated {
            return;
        }
        match self.config.statistics {
            Statistics::Running => {
                if self.running.is_worn() {
                    self.recompute();
                }
                self.statistics = self.of_data_set();
            }
            Statistics::Batch => {
                let means = self.averages.rows();
                let values = rows.iter().map(|row| self.average(&means[row.index()]));
                self.statistics = self.of_values(values);
            }
            Statistics::EpochFrozen => {}
            Statistics::VisitsWelford => {
                for row in rows {
                    self.seen.add(self.average(&self.averages.rows()[row.index()]));
                }
                self.statistics = self.seen.statistics();
            }
        }
    }

    fn of_values(&self, values: impl Iterator<Item = f64> + Clone) -> NegativeStatistics {
        let all = NegativeStatistics::of_values(values.clone());
        match self.config.variance {
            VarianceOf::Negatives => all,
            VarianceOf::BelowMean => all.below_mean(values),
        }
    }

    /// From the running sums, which must be up to date.
    fn of_data_set(&self) -> NegativeStatistics {
        let all = self.running.statistics().scaled(scale(&self.config, self.n_updates));
        match self.config.variance {
            VarianceOf::Negatives => all,
            VarianceOf::BelowMean => {
                all.below_mean(self.averages.rows().iter().map(|it| self.average(it)))
            }
        }
    }

    fn recompute(&mut self) {
        let kept = self.averages.rows().iter().map(|means| kept(means, &self.config));
        self.running = Running::of_values(kept);
    }

    /// A of one row; 0, which is in no N, before its first visit.
    fn average(&self, means: &RowMeans) -> f64 {
        kept(means, &self.config) * scale(&self.config, self.n_updates)
    }
}

/// What the running sums are made of: the average, or under [`Time::GlobalStep`] the bare sum,
/// because dividing all rows by the same number can wait until the statistics are read.
fn kept(means: &RowMeans, config: &WeightConfig) -> f64 {
    match (config.quantity, config.time) {
        (Quantity::Alm, Time::Visits) => kept_alm(means),
        (Quantity::Alm, Time::GlobalStep) => kept_alm_sum(means),
        (Quantity::Aum, Time::Visits) => kept_aum(means),
        (Quantity::Aum, Time::GlobalStep) => kept_aum_sum(means),
    }
}

fn kept_alm(means: &RowMeans) -> f64 {
    means.label_aware
}

fn kept_alm_sum(means: &RowMeans) -> f64 {
    means.label_aware * f64::from(means.n_label_aware)
}

fn kept_aum(means: &RowMeans) -> f64 {
    means.margin
}

fn kept_aum_sum(means: &RowMeans) -> f64 {
    means.margin * f64::from(means.n_margins)
}

/// What turns a kept value into an average.
fn scale(config: &WeightConfig, n_updates: u64) -> f64 {
    match config.time {
        Time::Visits => 1.0,
        Time::GlobalStep => 1.0 / n_updates.max(1) as f64,
    }
}
