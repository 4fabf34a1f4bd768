//! Training once more for each fold of the training rows, to predict every row by networks that
//! never saw it.
//!
//! ```text
//! rows shuffled by stream(seed, "folds"), then sorted by given label (stable)
//! fold of the row at position i of that order = i mod K
//! p_i = softmax(mean over predictors of their logits of row i),  networks of the fold's training
//! ```
//!
//! Folds differ in size by at most one row, and so do a class's rows in each of them. A fold's
//! training is the configured method, from fresh networks, over all rows of the other folds, with
//! the seed `stream(seed, "fold", fold)`; it ends with the networks of its last epoch, since there
//! are no rows that could choose one: neither the validation file nor the test file is looked at.
//! The classes are those of the whole file, also where a training part lacks one. What the networks
//! are fed was tokenized or embedded once, for the main training, and is only picked from.

use lane_data::{RowId, sample, seed};
use lane_metrics::ClassId;
use serde::{Deserialize, Serialize};

use crate::dynamics::{Dynamics, DynamicsConfig};
use crate::error::TrainError;
use crate::evaluate::{RowNames, Scoring};
use crate::experiment::Experiment;
use crate::history::History;
use crate::methods::Facts;
use crate::out_of_fold::OutOfFold;
use crate::progress::{Activity, EpochReport, Observer};
use crate::run_folder::RunFolder;
use crate::trainer::{Sinks, Trainer};

/// Whether to predict the training rows out of fold, and in how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossValidationConfig {
    /// Trainings more, each on all folds but one; 0 = none, else at least 2 and at most a row a
    /// fold.
    pub folds: u32,
}

impl CrossValidationConfig {
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        if self.folds == 1 {
            let expected = "0 (none) or at least 2";
            return Err(TrainError::setting("cross_validation.folds", self.folds, expected));
        }
        Ok(())
    }
}

/// Which rows each training leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    /// Rows of each fold, ascending.
    held_out: Vec<Vec<RowId>>,
}

impl Folds {
    /// The folds of a run; none where the configuration asks for none.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] with more folds than rows, or where the method refuses the rows
    /// that a fold leaves for training.
    pub fn plan(experiment: &Experiment) -> Result<Option<Self>, TrainError> {
        let config = &experiment.config;
        let n_folds = config.cross_validation.folds as usize;
        if n_folds == 0 {
            return Ok(None);
        }
        let labels = experiment.train.labels();
        let refused =
            |expected: String| TrainError::setting("cross_validation.folds", n_folds, expected);
        if n_folds > labels.len() {
            return Err(refused(format!("at most the {} training rows", labels.len())));
        }
        let folds = Self::of_labels(&labels, n_folds, config.seed);
        for (number, rows) in folds.held_out.iter().enumerate() {
            let n_rows = labels.len() - rows.len();
            let facts = Facts { n_rows, ..experiment.facts() };
            config.method.build(config, facts).map_err(|error| {
                let number = number + 1;
                refused(format!(
                    "folds that train on enough rows (fold {number}, {n_rows} rows: {error})"
                ))
            })?;
        }
        Ok(Some(folds))
    }

    /// Rows of each given label dealt out evenly.
    fn of_labels(labels: &[ClassId], n_folds: usize, run_seed: u64) -> Self {
        let mut order = sample::permutation(labels.len(), seed::stream(run_seed, "folds", &[]));
        order.sort_by_key(|row| labels[row.index()]);
        let held_out = (0..n_folds).map(|fold| {
            let mut rows: Vec<RowId> = order.iter().skip(fold).step_by(n_folds).copied().collect();
            rows.sort_unstable();
            rows
        });
        Self { held_out: held_out.collect() }
    }

    /// Trains on all folds but each in turn, and predicts that one.
    ///
    /// # Errors
    ///
    /// As the main training: [`TrainError::NotFinite`] when one diverges, [`TrainError::Io`] when
    /// its scratch files cannot be written. [`TrainError::StoppedInFolds`] where the observer says so;
    /// nothing is kept of folds, so that a run that goes on trains them all.
    pub fn run(
        &self,
        experiment: &Experiment,
        folder: &RunFolder,
        observer: &mut dyn Observer,
    ) -> Result<OutOfFold, TrainError> {
        let n_rows = experiment.train.dataset.n_rows();
        let mut out = OutOfFold::new(n_rows, experiment.labels().len());
        for (fold, rows) in self.held_out.iter().enumerate() {
            if observer.is_to_stop() {
                return Err(TrainError::StoppedInFolds { path: folder.file(""), n_done: fold });
            }
            observer.fold(fold as u32 + 1, self.held_out.len() as u32);
            let observer = &mut OfFold { number: fold + 1, observer: &mut *observer };
            let (logits, n_predictors) = predict(experiment, fold, rows, observer)?;
            out.put(rows, &logits, n_predictors);
        }
        Ok(out)
    }
}

/// Logits of the rows left out, added up over the networks that predict together, and how many
/// those are.
fn predict(
    whole: &Experiment,
    fold: usize,
    rows: &[RowId],
    observer: &mut dyn Observer,
) -> Result<(Vec<f32>, usize), TrainError> {
    let experiment = without(whole, fold, rows);
    // What a training writes as it goes is of no use here.
    let scratch = tempfile::tempdir().map_err(TrainError::io("create", std::env::temp_dir()))?;
    let folder = RunFolder::at(scratch.path());
    let mut history = History::create(&folder, &experiment)?;
    let mut dynamics = Dynamics::create(
        &folder.file("dynamics.parquet"),
        experiment.train.dataset.n_rows(),
        experiment.labels().len(),
        DynamicsConfig { map: experiment.config.cartography.map(), save_logits: false },
    )?;
    let mut sinks =
        Sinks { history: &mut history, dynamics: &mut dynamics, checkpoints: None, observer };
    let trained = Trainer::new(&experiment)?.run(&mut sinks)?;
    let scoring = Scoring {
        inputs: &whole.train.inputs,
        batch_size: whole.config.training.scoring_batch_size,
        device: &whole.device,
        names: RowNames::of(&whole.train),
    };
    let n_predictors = trained.method.n_predictors();
    observer.begin(&Activity::Scoring { split: "fold" }, rows.len() as u64);
    let logits = scoring.sums(&trained.networks, n_predictors, rows, |n| observer.advance(n))?;
    observer.end();
    Ok((logits, n_predictors))
}

/// The same experiment over the rows of the other folds, with nothing to choose an epoch by.
fn without(whole: &Experiment, fold: usize, held_out: &[RowId]) -> Experiment {
    let n_rows = whole.train.dataset.n_rows() as u32;
    let rows: Vec<RowId> =
        (0..n_rows).map(RowId).filter(|row| held_out.binary_search(row).is_err()).collect();
    let mut config = whole.config.clone();
    config.seed = seed::stream(config.seed, "fold", &[fold as u64]);
    whole.over(&rows, config)
}

/// Passes on a fold's progress, but not the epochs, which are scored on nothing.
struct OfFold<'a> {
    number: usize,
    observer: &'a mut dyn Observer,
}

impl Observer for OfFold<'_> {
    fn begin(&mut self, activity: &Activity, n_rows: u64) {
        self.observer.begin(activity, n_rows);
    }

    fn advance(&mut self, n_rows: u64) {
        self.observer.advance(n_rows);
    }

    fn end(&mut self) {
        self.observer.end();
    }

    fn epoch(&mut self, _report: &EpochReport) {}

    fn note(&mut self, text: &str) {
        self.observer.note(&format!("fold {}: {text}", self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(counts: &[usize]) -> Vec<ClassId> {
        let of_class = |(class, n): (usize, &usize)| vec![ClassId(class as u16); *n];
        counts.iter().enumerate().flat_map(of_class).collect()
    }

    #[test]
    fn every_row_is_held_out_once_and_folds_and_classes_differ_by_one_at_most() {
        for (counts, n_folds) in [(&[7, 5, 11][..], 4), (&[1, 1, 1], 3), (&[20, 0, 3], 5)] {
            let labels = labels(counts);
            let folds = Folds::of_labels(&labels, n_folds, 7).held_out;
            let mut all = folds.concat();
            all.sort_unstable();
            assert_eq!(all, (0..labels.len() as u32).map(RowId).collect::<Vec<_>>());
            let spread =
                |counts: Vec<usize>| counts.iter().max().unwrap() - counts.iter().min().unwrap();
            assert!(spread(folds.iter().map(Vec::len).collect()) <= 1);
            for class in 0..counts.len() as u16 {
                let of_class = |rows: &Vec<RowId>| {
                    rows.iter().filter(|row| labels[row.index()].0 == class).count()
                };
                assert!(spread(folds.iter().map(of_class).collect()) <= 1);
            }
        }
    }

    #[test]
    fn another_seed_deals_other_folds() {
        let labels = labels(&[20, 20]);
        let of = |seed| Folds::of_labels(&labels, 5, seed);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
