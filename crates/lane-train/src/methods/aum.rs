//! `aum`: remove the rows whose averaged margin looks like that of labels known to be wrong, and
//! train afresh on the rest.
//!
//! ```text
//! phase 1, 2   C + 1 classes, constant learning rate; in each run another n = ⌊N/(C+1)⌋ rows, the
//!              threshold samples, are relabelled to the class C
//! AUM_i        margin of the label shown, averaged over the epochs of a run            (Eq. 1, 2)
//! flagged_i    AUM_i ≤ 99th percentile of the threshold samples' AUMs of that run  (section 4.1)
//! phase 3      C classes, a fresh network, without the rows flagged in every run in which they
//!              kept their own label
//! ```
//!
//! Suspicion of a row: −AUM, averaged over the runs in which it kept its label; flagged, and removed,
//! as above. A class that would lose all its rows keeps the one with the highest AUM.
//!
//! Departures: the first epoch of a run counts unless `aum.skip_first_epoch`; margins are in f32
//! where the authors' program rounds to half precision. `aum.threshold = { fixed = … }` is the
//! fixed threshold that the LANE paper describes, `{ count = 0.01 }` the authors' rule in code.
//!
//! Source: Pleiss, Zhang, Elenberg, Weinberger: *Identifying Mislabeled Data using the Area Under the
//! Margin Ranking*, NeurIPS 2020.

use lane_data::{RowId, sample, seed};
use lane_metrics::ClassId;
use lane_metrics::threshold_samples::{
    Rule, SampleCount, ThresholdRun, disjoint_sets, keep, rescue_lost_classes,
};
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, OwnParameters, Phase, PhaseStart, Remembered, Step,
    Stream, Verdict,
};
use crate::methods::{Entry, Facts};
use crate::setting::positive;

/// The line in the list of methods.
pub const AUM: Entry = Entry {
    name: "aum",
    about: "two runs with threshold samples, then a third without the rows below the threshold",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Aum::new(config, facts)?)),
};

/// Runs with threshold samples.
const N_RUNS: usize = 2;
/// Below this many threshold samples the rule comes down to "below the highest".
const FEW: usize = 100;
const REMOVED: &str = "averaged margin at or below the threshold samples'";

/// `aum`: threshold runs and the rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AumConfig {
    /// When a row is flagged.
    pub threshold: Rule,
    /// How many rows are relabelled in a run.
    pub samples: SampleCount,
    /// Epochs of a threshold run; absent = as many as of the last training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// Leave the first epoch of a run out of the averages.
    pub skip_first_epoch: bool,
}

/// Threshold runs, what they said, and the rows kept.
#[derive(Debug)]
pub struct Aum {
    settings: AumConfig,
    inner: InnerLoss,
    epochs: u32,
    n_samples: usize,
    threshold_rows: Vec<Vec<RowId>>,
    runs: Vec<ThresholdRun>,
    sums: Vec<f64>,
    counts: Vec<u32>,
    flagged: Vec<bool>,
    kept: Vec<bool>,
}

impl Aum {
    /// The method with the configured rule.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for a rule out of its range, an epoch count of 0, or too few rows for
    /// disjoint threshold sets.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let settings = config.aum.clone();
        settings.threshold.flags(&[0.0], &[])?;
        let epochs = settings.epochs.unwrap_or(config.epochs());
        positive("aum.epochs", f64::from(epochs))?;
        let skipped = u32::from(settings.skip_first_epoch);
        if epochs <= skipped {
            return Err(TrainError::setting("aum.epochs", epochs, "more than the one skipped"));
        }
        let n_samples = settings.samples.of(facts.n_rows, facts.n_classes);
        if N_RUNS * n_samples > facts.n_rows {
            let found = format!("{N_RUNS} runs of {n_samples} threshold samples");
            let expected = format!("no more than the {} training rows", facts.n_rows);
            return Err(TrainError::setting("aum.samples", found, expected));
        }
        Ok(Self {
            settings,
            inner: InnerLoss::new(config, facts)?,
            epochs: config.epochs(),
            n_samples,
            threshold_rows: Vec::new(),
            runs: Vec::new(),
            sums: vec![0.0; facts.n_rows],
            counts: vec![0; facts.n_rows],
            flagged: vec![false; facts.n_rows],
            kept: vec![true; facts.n_rows],
        })
    }

    /// Reads the averages of threshold run `run`.
    fn end_run(&mut self, run: usize, margins: &MarginWeights) -> Result<(), TrainError> {
        let averages = margins.averages();
        let aums: Vec<f64> =
            (0..self.kept.len() as u32).filter_map(|row| averages.aum(RowId(row))).collect();
        let samples = &self.threshold_rows[run];
        let mut ordinary = vec![true; aums.len()];
        for row in samples {
            ordinary[row.index()] = false;
        }
        let of_samples: Vec<f64> = samples.iter().map(|row| aums[row.index()]).collect();
        let flagged = self.settings.threshold.flags(&of_samples, &aums)?;
        for (row, aum) in aums.iter().enumerate().filter(|(row, _)| ordinary[*row]) {
            self.sums[row] += aum;
            self.counts[row] += 1;
        }
        self.runs.push(ThresholdRun { flagged, ordinary });
        Ok(())
    }

    /// Chooses the rows of the last training.
    fn choose(
        &mut self,
        at: &PhaseStart<'_>,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), TrainError> {
        self.kept = keep(&self.runs)?;
        self.flagged = self.kept.iter().map(|kept| !kept).collect();
        let aums: Vec<f64> = self.averages().collect();
        let rescued = rescue_lost_classes(&mut self.kept, at.labels, &aums, at.n_classes)?;
        if !rescued.is_empty() {
            note(&format!("{} classes lost all rows but one to the threshold", rescued.len()));
        }
        let n_removed = self.kept.iter().filter(|kept| !**kept).count();
        if 2 * n_removed > self.kept.len() {
            note(&format!("{n_removed} of {} rows removed, more than half", self.kept.len()));
        }
        Ok(())
    }

    /// AUM of every row over the runs in which it kept its label.
    fn averages(&self) -> impl Iterator<Item = f64> + '_ {
        // Threshold sets are disjoint, so each row was ordinary at least once.
        self.sums.iter().zip(&self.counts).map(|(sum, count)| sum / f64::from((*count).max(1)))
    }
}

impl Method for Aum {
    fn phases(&self) -> Vec<Phase> {
        let epochs = self.settings.epochs.unwrap_or(self.epochs);
        let run =
            |name| Phase { name, extra_classes: 1, constant_lr: true, ..Phase::only(epochs, 1) };
        vec![run("threshold 1"), run("threshold 2"), Phase::only(self.epochs, 1)]
    }

    fn weighting(&self) -> (WeightConfig, u32) {
        let config = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
        (config, u32::from(self.settings.skip_first_epoch))
    }

    fn begin(
        &mut self,
        at: &PhaseStart<'_>,
        note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        if at.phase == 0 {
            let seed = seed::stream(at.seed, "threshold samples", &[]);
            let order = sample::permutation(at.labels.len(), seed);
            self.threshold_rows = disjoint_sets(&order, N_RUNS, self.n_samples)?;
            if self.n_samples < FEW {
                note(&format!(
                    "{} threshold samples, fewer than {FEW}: one outlier among them moves the threshold",
                    self.n_samples
                ));
            }
        } else {
            self.end_run(at.phase - 1, at.margins)?;
        }
        if at.phase == N_RUNS {
            self.choose(at, note)?;
        }
        Ok(OwnParameters::default())
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        let mut labels = at.labels.to_vec();
        let Some(samples) = self.threshold_rows.get(at.phase) else {
            let rows = (0..).map(RowId).zip(&self.kept).filter(|(_, kept)| **kept);
            let rows = rows.map(|(row, _)| row).collect();
            return Ok(EpochPlan::one(Stream::of(rows, &labels), 1));
        };
        for row in samples {
            labels[row.index()] = ClassId(at.n_classes as u16);
        }
        Ok(EpochPlan::plain(&labels, 1))
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        self.inner.loss(step)
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![
            &mut self.threshold_rows,
            &mut self.runs,
            &mut self.sums,
            &mut self.counts,
            &mut self.flagged,
            &mut self.kept,
        ]
    }

    fn verdicts(&self, _margins: &MarginWeights) -> Vec<Verdict> {
        self.averages()
            .zip(&self.flagged)
            .zip(&self.kept)
            .map(|((aum, flagged), kept)| Verdict {
                weight: f64::from(u8::from(*kept)),
                flagged: *flagged,
                removed: (!kept).then_some(REMOVED),
                ..Verdict::of(-aum)
            })
            .collect()
    }
}
