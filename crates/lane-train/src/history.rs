//! Scores by epoch, the choice of the best, and when to stop.
//!
//! The best epoch is the first with the highest validation score among the epochs of the last phase;
//! without a validation split it is the last epoch. Test scores are written down and choose nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use crate::checkpoint::ensure;
use crate::error::TrainError;
use crate::evaluate::{Scored, score_split};
use crate::experiment::Experiment;
use crate::methods::lane::suspicion;
use crate::networks::Networks;
use crate::predictions_file::TestPredictions;
use crate::progress::{EpochReport, Observer};
use crate::run_folder::{RunFolder, write_atomically};
use crate::scores::{Ranking, RankingsByMargin, SplitScores, ranking};
use crate::step::MeanTerms;

/// Scores of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochScores {
    /// Epoch, from 1, counted through all phases.
    pub epoch: u32,
    /// On the validation split.
    pub validation: Option<SplitScores>,
    /// On the test split.
    pub test: Option<SplitScores>,
}

/// Which epoch it is, for the history.
pub(crate) struct EpochHeader<'a> {
    pub(crate) epoch: u32,
    pub(crate) phase: &'static str,
    pub(crate) epochs: u32,
    pub(crate) may_be_best: bool,
    pub(crate) n_predictors: usize,
    pub(crate) terms: &'a MeanTerms,
}

/// One line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    epoch: u32,
    phase: &'a str,
    split: &'a str,
    #[serde(flatten)]
    values: T,
}

#[derive(Serialize)]
struct TrainLine {
    #[serde(flatten)]
    terms: serde_json::Map<String, serde_json::Value>,
    n_negative: u64,
    negative_mean: Option<f64>,
    negative_variance: Option<f64>,
    floor_hits: u64,
    detection: Option<RankingsByMargin>,
}

/// The epochs of a run.
pub struct History {
    path: PathBuf,
    /// All that is in `metrics.jsonl`.
    text: String,
    wrong: Option<Vec<bool>>,
    /// Every epoch of the last phase.
    pub epochs: Vec<EpochScores>,
    best: Option<usize>,
    networks: Option<Networks>,
    test_predictions: TestPredictions,
}

/// What a checkpoint keeps of the epochs, beside the networks of the best one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HistoryState {
    text: String,
    epochs: Vec<EpochScores>,
    best: Option<usize>,
    test_predictions: TestPredictions,
}

impl HistoryState {
    /// What does not fit a run of so many classes, if anything does not.
    pub(crate) fn check(&self, n_classes: usize) -> Result<(), String> {
        let best = self.best.unwrap_or_default();
        ensure(self.best.is_none() || best < self.epochs.len(), "best epoch", best)?;
        let TestPredictions { best, last } = &self.test_predictions;
        let beyond = best.iter().chain(last).find(|class| n_classes <= class.index());
        ensure(beyond.is_none(), "predicted class", beyond.map_or(0, |class| class.0))
    }
}

impl History {
    /// Begins `metrics.jsonl` anew.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if it cannot be written.
    pub fn create(folder: &RunFolder, experiment: &Experiment) -> Result<Self, TrainError> {
        let path = folder.file("metrics.jsonl");
        write_atomically(&path, b"")?;
        Ok(Self {
            path,
            text: String::new(),
            wrong: experiment.train.wrong(),
            epochs: Vec::new(),
            best: None,
            networks: None,
            test_predictions: TestPredictions::default(),
        })
    }

    /// What a checkpoint has to keep, and the networks of the best epoch so far.
    pub(crate) fn state(&self) -> (HistoryState, Option<&Networks>) {
        let (text, epochs) = (self.text.clone(), self.epochs.clone());
        let (best, test_predictions) = (self.best, self.test_predictions.clone());
        (HistoryState { text, epochs, best, test_predictions }, self.networks.as_ref())
    }

    /// Goes on from what a checkpoint kept; `metrics.jsonl` becomes what it was then.
    pub(crate) fn restore(
        &mut self,
        state: HistoryState,
        networks: Option<Networks>,
    ) -> Result<(), TrainError> {
        let HistoryState { text, epochs, best, test_predictions } = state;
        write_atomically(&self.path, text.as_bytes())?;
        (self.text, self.epochs, self.best, self.networks) = (text, epochs, best, networks);
        self.test_predictions = test_predictions;
        Ok(())
    }

    /// Scores the splits, writes the lines, keeps the best networks; true = stop early.
    pub(crate) fn end_epoch(
        &mut self,
        experiment: &Experiment,
        networks: &Networks,
        margins: &MarginWeights,
        header: &EpochHeader<'_>,
        observer: &mut dyn Observer,
    ) -> Result<bool, TrainError> {
        self.write_train(header, margins)?;
        let mut score = |split: &Option<crate::experiment::Split>| {
            split
                .as_ref()
                .map(|split| {
                    score_split(
                        networks,
                        header.n_predictors,
                        split,
                        &experiment.config,
                        &experiment.device,
                        observer,
                    )
                })
                .transpose()
        };
        let (validation, test) = (score(&experiment.validation)?, score(&experiment.test)?);
        let scores = |scored: &Option<Scored>| scored.as_ref().map(|scored| scored.scores);
        let (validation, test_scores) = (scores(&validation), scores(&test));
        for (split, scores) in [("validation", validation), ("test", test_scores)] {
            if let Some(scores) = scores {
                self.write(&Line {
                    epoch: header.epoch,
                    phase: header.phase,
                    split,
                    values: scores,
                })?;
            }
        }
        let loss = header.terms.means().first().map_or(f64::NAN, |(_, mean)| *mean);
        observer.epoch(&EpochReport {
            epoch: header.epoch,
            epochs: header.epochs,
            loss,
            validation,
            test: test_scores,
        });
        if !header.may_be_best {
            return Ok(false);
        }
        self.epochs.push(EpochScores { epoch: header.epoch, validation, test: test_scores });
        let predicted = test.map(|test| test.predicted).unwrap_or_default();
        Ok(self.judge(experiment, networks, predicted))
    }

    /// Keeps the epoch just pushed if it is the best; `predicted` is what it says about the test rows.
    fn judge(
        &mut self,
        experiment: &Experiment,
        networks: &Networks,
        predicted: Vec<ClassId>,
    ) -> bool {
        let training = &experiment.config.training;
        let score = |epoch: &EpochScores| epoch.validation.map(|scores| scores.by(training.metric));
        let newest = self.epochs.len() - 1;
        let better = match (self.best, score(&self.epochs[newest])) {
            (Some(best), Some(score_now)) => {
                score(&self.epochs[best]).is_none_or(|score_then| score_now > score_then)
            }
            _ => true,
        };
        if better {
            self.best = Some(newest);
            self.networks = Some(networks.clone());
            self.test_predictions.best.clone_from(&predicted);
        }
        self.test_predictions.last = predicted;
        let waited = newest - self.best.unwrap_or(newest);
        training.patience.is_some_and(|patience| waited as u64 >= u64::from(patience))
    }

    /// The networks of the best epoch, once.
    pub fn take_best(&mut self) -> Option<Networks> {
        self.networks.take()
    }

    /// Scores of the best epoch.
    pub fn best(&self) -> Option<&EpochScores> {
        self.best.and_then(|at| self.epochs.get(at))
    }

    /// What the best and the last epoch say about the test rows; empty without a test split.
    pub fn test_predictions(&self) -> &TestPredictions {
        &self.test_predictions
    }

    /// Which labels of the training rows are wrong, where that is known.
    pub fn wrong(&self) -> Option<&[bool]> {
        self.wrong.as_deref()
    }

    /// How well the averaged margins rank the wrong labels, where those are known.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if an average is not finite.
    pub fn rankings(
        &self,
        margins: &MarginWeights,
    ) -> Result<Option<RankingsByMargin>, TrainError> {
        use lane_metrics::weights::Quantity;
        let Some(wrong) = &self.wrong else { return Ok(None) };
        // Rows that the last phase did not show have no average to be ranked by.
        if margins.averages().n_visited() < wrong.len() {
            return Ok(Some(RankingsByMargin::default()));
        }
        let by = |quantity| -> Result<Ranking, TrainError> {
            let of_rows = suspicion(margins, quantity).take(wrong.len());
            ranking(&of_rows.collect::<Vec<_>>(), wrong)
        };
        let has_alm = margins.averages().alm(lane_data::RowId(0)).is_some();
        let alm = if has_alm { Some(by(Quantity::Alm)?) } else { None };
        Ok(Some(RankingsByMargin { aum: by(Quantity::Aum)?, alm }))
    }

    fn write_train(
        &mut self,
        header: &EpochHeader<'_>,
        margins: &MarginWeights,
    ) -> Result<(), TrainError> {
        let statistics = margins.statistics();
        let known = statistics.n > 0;
        let values = TrainLine {
            terms: header
                .terms
                .means()
                .iter()
                .map(|(name, mean)| (name.to_string(), (*mean).into()))
                .collect(),
            n_negative: statistics.n,
            negative_mean: known.then_some(statistics.mean),
            negative_variance: known.then_some(statistics.variance),
            floor_hits: margins.floor_hits(),
            detection: self.rankings(margins)?,
        };
        self.write(&Line { epoch: header.epoch, phase: header.phase, split: "train", values })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), TrainError> {
        let mut append = || -> std::io::Result<()> {
            let line = serde_json::to_string(line)? + "\n";
            // Opened anew each time: a file that was removed under the run would else take lines that
            // nobody reads.
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            if file.metadata()?.len() != self.text.len() as u64 {
                return Err(std::io::Error::other("another program changed it under the run"));
            }
            file.write_all(line.as_bytes())?;
            self.text.push_str(&line);
            Ok(())
        };
        append().map_err(TrainError::io("write", &self.path))
    }
}
