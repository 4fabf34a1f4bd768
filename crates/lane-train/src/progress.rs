//! How a run reports what it is doing; the command line draws it.

use crate::scores::SplitScores;

/// Something long under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Embedding a split with a frozen encoder.
    Embedding {
        /// The split.
        split: &'static str,
    },
    /// One epoch of training.
    Training {
        /// Epoch, from 1.
        epoch: u32,
        /// Epochs in all.
        epochs: u32,
        /// Phase, where a method has several.
        phase: &'static str,
    },
    /// Judging each label by models that did not see its row.
    Judging,
    /// Translating texts.
    Translating {
        /// `forward` or `back`.
        direction: &'static str,
    },
    /// Predicting a split.
    Scoring {
        /// The split.
        split: &'static str,
    },
}

/// What an epoch came to.
#[derive(Clone, Debug)]
pub struct EpochReport {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean loss over its steps.
    pub loss: f64,
    /// Scores on the validation split, if there is one.
    pub validation: Option<SplitScores>,
    /// Scores on the test split, if there is one.
    pub test: Option<SplitScores>,
}

/// Receives a run's progress. Every method has an empty default.
pub trait Observer {
    /// A long thing of `n_rows` rows begins.
    fn begin(&mut self, _activity: &Activity, _n_rows: u64) {}
    /// `n_rows` more rows are done.
    fn advance(&mut self, _n_rows: u64) {}
    /// The long thing is over.
    fn end(&mut self) {}
    /// The training that leaves out fold `fold`, from 1, of `folds` begins.
    fn fold(&mut self, _fold: u32, _folds: u32) {}
    /// An epoch is over.
    fn epoch(&mut self, _report: &EpochReport) {}
    /// Whether the run is to stop: asked after every step, which is then kept in a checkpoint.
    fn is_to_stop(&self) -> bool {
        false
    }
    /// Something the user should know.
    fn note(&mut self, _text: &str) {}
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
