//! `test_predictions.csv`: what the run says about each test row, in row order.
//!
//! `row,id,label,best,final`: the label that predictions are held against (the true one, where the
//! file has it), the prediction of the best epoch and that of the last. Two runs on the same rows can
//! be compared row by row, as a paired bootstrap does.

use std::path::Path;

use lane_metrics::ClassId;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::experiment::Split;
use crate::run_folder::write_atomically;

/// Predictions on the test split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestPredictions {
    /// By the networks of the best epoch.
    pub best: Vec<ClassId>,
    /// By those of the last.
    pub last: Vec<ClassId>,
}

/// Writes the file.
///
/// # Errors
///
/// [`TrainError::Io`].
pub fn write(path: &Path, test: &Split, predictions: &TestPredictions) -> Result<(), TrainError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| TrainError::io("write", path)(error.into());
    table.write_record(["row", "id", "label", "best", "final"]).map_err(failed)?;
    let (names, truth) = (&test.dataset.labels, test.truth());
    let predicted = predictions.best.iter().zip(&predictions.last);
    for (row, ((example, label), (best, last))) in
        test.dataset.examples.iter().zip(truth).zip(predicted).enumerate()
    {
        let row = row.to_string();
        let [label, best, last] = [label, *best, *last].map(|class| names.name(class));
        table.write_record([&row, example.id.as_str(), label, best, last]).map_err(failed)?;
    }
    let bytes =
        table.into_inner().map_err(|error| TrainError::io("write", path)(error.into_error()))?;
    write_atomically(path, &bytes)
}
