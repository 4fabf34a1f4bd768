//! Audits of what other programs logged: nothing is trained here.
//!
//! | given | scores | ranked by |
//! | --- | --- | --- |
//! | a folder of dataset cartography, a table of `aum`, a run of `lane train` | those of training | ALM where there is one, else AUM |

use std::path::{Path, PathBuf};
use std::time::Instant;

use lane_audit::training::Training;
use lane_audit::{Audit, RankBy, duplicates};
use lane_data::{Columns, Dataset};

use super::{Parts, provenance, read, refuse_finished, training};
use crate::error::TrainError;
use crate::exchange;
use crate::progress::Observer;
use crate::record::Record;
use crate::run::Invocation;

/// What was logged elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
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
    let Logged::Dynamics(path) = &request.from;
    let log = of_dynamics(path, &dataset)?;
    let parts = Parts {
        dataset: &dataset,
        columns: &request.columns,
        probabilities: None,
        log: Some(&log),
        rank_by: request.rank_by,
        duplicates: request.duplicates,
    };
    parts.leave(out, provenance(invocation, started))
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
