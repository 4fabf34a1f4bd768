//! Audits of what other programs logged: nothing is trained here.
//!
//! | given | scores | ranked by |
//! | --- | --- | --- |
//! | probabilities of models that did not see the row | confident learning, suspicion | suspicion |
//! | logits of every epoch | those of training | AUM |
//! | a folder of dataset cartography, a table of `aum`, a run of `lane train` | those of training | ALM where there is one, else AUM |

use std::path::{Path, PathBuf};
use std::time::Instant;

use lane_audit::training::{Seen, Training, TrainingLog};
use lane_audit::{Audit, RankBy, duplicates};
use lane_data::matrix::epochs::{self, DataRows};
use lane_data::matrix::{self, LabeledMatrix};
use lane_data::{Columns, DataError, Dataset};
use lane_metrics::cartography::MapConfig;

use super::{Parts, provenance, read, refuse_finished, training};
use crate::error::TrainError;
use crate::exchange;
use crate::out_of_fold::OutOfFold;
use crate::progress::Observer;
use crate::record::Record;
use crate::run::Invocation;

/// What was logged elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// Out-of-fold probabilities, a row a text and a column a class.
    Probabilities(PathBuf),
    /// Logits of every epoch.
    Logits(PathBuf),
    /// A folder of epochs, a table of averaged margins, or a run.
    Dynamics(PathBuf),
}

/// What `lane audit --from-…` is asked for.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The rows.
    pub data: PathBuf,
    /// Their columns.
    pub columns: Columns,
    /// What was logged of them.
    pub from: Logged,
    /// The score to rank by; none = the best there is.
    pub rank_by: Option<RankBy>,
    /// What counts as a duplicate.
    pub duplicates: duplicates::Options,
    /// Replace a finished audit.
    pub force: bool,
}

/// Audits a file by what was logged of it and leaves the folder `out`.
///
/// # Errors
///
/// [`TrainError::is_usage`] for what is wrong with the files; nothing is written then.
pub fn audit_logged(
    request: &LoggedRequest,
    out: &Path,
    invocation: &Invocation,
    observer: &mut dyn Observer,
) -> Result<Audit, TrainError> {
    let started = Instant::now();
    refuse_finished(out, request.force)?;
    let dataset = read(&request.data, &request.columns)?;
    dataset.warnings.iter().for_each(|warning| observer.note(warning));
    let (probabilities, log) = match &request.from {
        Logged::Probabilities(path) => (Some(of_probabilities(path, &dataset)?), None),
        Logged::Logits(path) => (None, Some(of_logits(path, &dataset)?)),
        Logged::Dynamics(path) => (None, Some(of_dynamics(path, &dataset)?)),
    };
    let parts = Parts {
        dataset: &dataset,
        columns: &request.columns,
        probabilities: probabilities.as_ref(),
        log: log.as_ref(),
        rank_by: request.rank_by,
        duplicates: request.duplicates,
    };
    parts.leave(out, provenance(invocation, started))
}

fn of_probabilities(path: &Path, dataset: &Dataset) -> Result<OutOfFold, TrainError> {
    let (n_classes, labels) = (dataset.n_classes(), dataset.given_labels());
    let mut matrix = matrix::open(path)?;
    if matrix.names().is_some() {
        matrix = matrix.with_columns(dataset.labels.names())?;
    }
    let ids = dataset.examples.iter().map(|it| it.id.as_str());
    let rows = LabeledMatrix::new(&matrix, &labels, n_classes)?.with_ids(ids);
    let mut probabilities = Vec::with_capacity(labels.len() * n_classes);
    rows.for_each(|block, _| {
        probabilities.extend_from_slice(block.values());
        Ok::<_, TrainError>(())
    })?;
    Ok(OutOfFold::of(probabilities, n_classes))
}

fn of_logits(path: &Path, dataset: &Dataset) -> Result<Training, TrainError> {
    let mut logits = epochs::open(path)?;
    if logits.names().is_some() {
        logits = logits.with_columns(dataset.labels.names())?;
    }
    let (n_found, n_expected) = (logits.n_classes(), dataset.n_classes());
    if n_found != n_expected {
        return Err(DataError::ColumnCount { path: path.into(), n_found, n_expected }.into());
    }
    let labels = dataset.given_labels();
    let data = DataRows::of_ids(dataset.examples.iter().map(|it| it.id.as_str()));
    let mut log = TrainingLog::new(labels.len(), MapConfig::default())?;
    let (mut blocks, mut rows) = (logits.blocks()?, Vec::new());
    let (mut epoch, mut seen) = (0, Vec::new());
    while let Some(block) = blocks.next_block()? {
        if block.epoch() < epoch {
            return Err(TrainError::Mismatch {
                found: format!(
                    "epoch {} after epoch {epoch} in `{}`",
                    block.epoch(),
                    path.display()
                ),
                expected: "epochs one after the other".into(),
            });
        }
        if block.epoch() != epoch {
            log.add_epoch(epoch + 1, &std::mem::take(&mut seen))?;
            epoch = block.epoch();
        }
        block.rows_in(&data, &mut rows)?;
        for (row, logits) in rows.iter().zip(block.logits().chunks_exact(n_found)) {
            seen.push(Seen::of_logits(*row, logits, labels[row.index()])?);
        }
    }
    log.add_epoch(epoch + 1, &seen)?;
    Ok(log.finish())
}

fn of_dynamics(path: &Path, dataset: &Dataset) -> Result<Training, TrainError> {
    if !path.join("dynamics.parquet").exists() {
        return exchange::training(path, dataset);
    }
    let record = path.join("record.json");
    if let Ok(text) = std::fs::read_to_string(&record)
        && let Ok(record) = serde_json::from_str::<Record>(&text)
        && let Some(train) = record.data.iter().find(|it| it.split == "train")
        && train.sha256 != dataset.sha256
    {
        return Err(TrainError::Mismatch {
            found: format!("`{}` was trained on another file, `{}`", path.display(), train.path),
            expected: format!("a run over `{}` as it is now", dataset.path.display()),
        });
    }
    training::log(path, dataset.n_rows())
}
