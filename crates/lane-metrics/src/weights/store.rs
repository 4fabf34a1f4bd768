//! Averages, statistics and weights of a data set, kept up to date batch by batch.
//!
//! ```text
//! logits, labels, w ─► M, j ─► LM ─► AUM, ALM ─► N, μ, σ² ─► λ            (Algorithm 1)
//! ```
//!
//! Rows of a batch `[n_rows]` are looked at once, in order. λ of a row uses the average that
//! already holds this step (Algorithm 1, lines 9 to 14).

use serde::{Deserialize, Serialize};

use super::statistics::{NegativeStatistics, Running, Seen};
use super::{Quantity, Statistics, Threshold, Time, VarianceOf, WeightConfig, of_average};
use crate::averages::{MarginAverages, RowSums, Visit, check_rows};
use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::label_aware;
use crate::logits::{Logits, Probabilities, is_probability};
use crate::margin::{self, Margin};

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
    /// Sums over N for [`Statistics::Running`], in units of [`Self::kept`].
    running: Running,
    /// Every value so far for [`Statistics::VisitsWelford`].
    seen: Seen,
    n_updates: u64,
    floor_hits: u64,
    #[serde(skip)]
    scratch: Scratch,
}

/// The batch at hand. Holds nothing that outlives an update but its memory, so any two are equal.
#[derive(Clone, Debug, Default)]
struct Scratch {
    visits: Vec<Visit>,
    /// Those with M < 0.
    trailing: Vec<Trailing>,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A row of the batch whose label trails.
#[derive(Clone, Copy, Debug, Default)]
struct Trailing {
    position: usize,
    /// The logit it trails, and whose it is.
    best: f32,
    rival: ClassId,
    /// What the auxiliary network gives that class.
    probability: f32,
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
    /// occur more than once; each time is a visit.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the lists do not pair up,
    /// [`MetricsError::RowOutOfRange`] and [`MetricsError::LabelOutOfRange`] on the first id
    /// that names nothing, [`MetricsError::AuxiliaryMissing`] when weights by ALM get no
    /// probabilities. The store is as before then.
    pub fn update(
        &mut self,
        rows: &[RowId],
        labels: &[ClassId],
        logits: Logits<'_>,
        auxiliary: Option<Probabilities<'_>>,
    ) -> Result<(), MetricsError> {
        self.update_with(rows, labels, logits, auxiliary, |_, _| ())
    }

    /// As [`Self::update`], and shows each visit with its place in the batch.
    ///
    /// # Errors
    ///
    /// As [`Self::update`].
    pub fn update_with(
        &mut self,
        rows: &[RowId],
        labels: &[ClassId],
        logits: Logits<'_>,
        auxiliary: Option<Probabilities<'_>>,
        mut visited: impl FnMut(usize, &Visit),
    ) -> Result<(), MetricsError> {
        self.check(rows, labels, logits, auxiliary)?;
        self.look(rows, labels, logits);
        self.stretch(logits, auxiliary)?;
        self.n_updates += 1;
        self.take_in();
        self.settle();
        for (position, visit) in self.scratch.visits.iter().enumerate() {
            visited(position, visit);
        }
        Ok(())
    }

    /// λ of a row, in (0, 1]; 1 for a row never visited or beyond the data set.
    ///
    /// With [`Statistics::Batch`], against the statistics of the last batch.
    pub fn weight(&self, row: RowId) -> f64 {
        let average = self.averages.sums().get(row.index()).map(|sums| self.average(sums));
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
        logits: Logits<'_>,
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

    /// Margins of a batch, before anything is changed.
    ///
    /// No jump here follows the data: which rows trail has no pattern a processor could learn, so
    /// they are listed first and gone through after.
    fn look(&mut self, rows: &[RowId], labels: &[ClassId], logits: Logits<'_>) {
        let Scratch { visits, trailing } = &mut self.scratch;
        visits.resize(rows.len(), Visit::default());
        trailing.resize(rows.len(), Trailing::default());
        let mut n_trailing = 0;
        let batch = rows.iter().zip(labels).zip(logits.rows()).zip(visits).enumerate();
        for (position, (((&row, &label), z), visit)) in batch {
            let best = margin::best_other(z, label);
            let margin = margin::lead(z[label.index()], best);
            trailing[n_trailing] = Trailing { position, best, rival: ClassId(0), probability: 1.0 };
            n_trailing += usize::from(margin < 0.0);
            *visit = Visit { row, margin, rival: None, label_aware_margin: None };
        }
        trailing.truncate(n_trailing);
    }

    /// Rivals and label-aware margins of the batch looked at.
    fn stretch(
        &mut self,
        logits: Logits<'_>,
        auxiliary: Option<Probabilities<'_>>,
    ) -> Result<(), MetricsError> {
        let Scratch { visits, trailing } = &mut self.scratch;
        for it in &mut *trailing {
            it.rival = margin::first_at(logits.row(it.position), it.best);
            visits[it.position].rival = Some(it.rival);
        }
        let Some(auxiliary) = auxiliary else { return Ok(()) };
        // Entries lie far apart: with nothing else to do between them, the waits overlap.
        for it in &mut *trailing {
            it.probability = auxiliary.row(it.position)[it.rival.index()];
        }
        if let Some(it) = trailing.iter().find(|it| !is_probability(it.probability)) {
            auxiliary.entry(it.position, it.rival)?;
        }
        for visit in &mut *visits {
            visit.label_aware_margin = Some(visit.margin);
        }
        let floor = self.config.weight_floor_probability;
        for it in &*trailing {
            let visit = &mut visits[it.position];
            let margin = Margin { value: visit.margin, rival: it.rival };
            visit.label_aware_margin = Some(label_aware::of_margin(margin, it.probability, floor));
            self.floor_hits += u64::from(it.probability < floor);
        }
        Ok(())
    }

    /// Adds the visits to their rows and keeps the statistics of N in step.
    fn take_in(&mut self) {
        // One loop for each pair of choices: asked in the loop, they would cost a row as much as
        // its sums do.
        match (self.config.quantity, self.config.time) {
            (Quantity::Alm, Time::Visits) => self.take_in_by(RowSums::alm),
            (Quantity::Alm, Time::GlobalStep) => self.take_in_by(|sums| sums.label_aware),
            (Quantity::Aum, Time::Visits) => self.take_in_by(RowSums::aum),
            (Quantity::Aum, Time::GlobalStep) => self.take_in_by(|sums| sums.margin),
        }
    }

    #[inline]
    fn take_in_by(&mut self, kept: impl Fn(&RowSums) -> f64) {
        let sums = self.averages.sums_mut();
        let estimated = self.config.threshold == Threshold::Estimated;
        match self.config.statistics {
            Statistics::Running if estimated => {
                let mut running = self.running;
                for visit in &self.scratch.visits {
                    let sums = &mut sums[visit.row.index()];
                    let old = kept(sums);
                    sums.add(visit.margin, visit.label_aware_margin);
                    running.replace(old, kept(sums));
                }
                self.running = running;
            }
            Statistics::VisitsWelford if estimated => {
                let scale = scale(&self.config, self.n_updates);
                for visit in &self.scratch.visits {
                    let sums = &mut sums[visit.row.index()];
                    sums.add(visit.margin, visit.label_aware_margin);
                    self.seen.add(kept(sums) * scale);
                }
            }
            _ => {
                for visit in &self.scratch.visits {
                    sums[visit.row.index()].add(visit.margin, visit.label_aware_margin);
                }
            }
        }
    }

    /// The statistics after a batch.
    fn settle(&mut self) {
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
                let sums = self.averages.sums();
                let values =
                    self.scratch.visits.iter().map(|visit| self.average(&sums[visit.row.index()]));
                self.statistics = self.of_values(values);
            }
            Statistics::EpochFrozen => {}
            Statistics::VisitsWelford => self.statistics = self.seen.statistics(),
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
                all.below_mean(self.averages.sums().iter().map(|it| self.average(it)))
            }
        }
    }

    fn recompute(&mut self) {
        let kept = self.averages.sums().iter().map(|sums| kept(sums, &self.config));
        self.running = Running::of_values(kept);
    }

    /// A of one row; NaN before its first visit.
    fn average(&self, sums: &RowSums) -> f64 {
        kept(sums, &self.config) * scale(&self.config, self.n_updates)
    }
}

/// What the running sums are made of: the average, or under [`Time::GlobalStep`] the bare sum,
/// because dividing all rows by the same number can wait until the statistics are read.
///
/// Before the first visit it is 0/0, which is not under 0 and so in no N.
#[inline]
fn kept(sums: &RowSums, config: &WeightConfig) -> f64 {
    match (config.quantity, config.time) {
        (Quantity::Alm, Time::Visits) => sums.alm(),
        (Quantity::Alm, Time::GlobalStep) => sums.label_aware,
        (Quantity::Aum, Time::Visits) => sums.aum(),
        (Quantity::Aum, Time::GlobalStep) => sums.margin,
    }
}

/// What turns a kept value into an average.
fn scale(config: &WeightConfig, n_updates: u64) -> f64 {
    match config.time {
        Time::Visits => 1.0,
        Time::GlobalStep => 1.0 / n_updates.max(1) as f64,
    }
}
