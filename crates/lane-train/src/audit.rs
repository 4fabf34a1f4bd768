//! An audit of a file's labels: which are wrong, why, and how sure that is.
//!
//! ```text
//! texts ──► hidden states of the frozen encoder ──► softmax regression out of fold ──► ranking ─┐
//!   └─────► one training by the method, in `run/` ──► its epochs ───────► scores of training ───┼─► audit
//!   └─────► duplicates ────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! With `tiny`, which knows nothing before it is trained, the regression is on words and pieces of words.
//! Where `cross_validation.folds` asks for it, the probabilities are those of the method itself, trained
//! once more for each fold.
//!
//! The folder: `labels.csv`, `audit.json` and `report.html` of [`lane_audit`], `out_of_fold.csv`, and
//! `run/`, the folder of the training. An audit that was stopped goes on when it is asked for again:
//! what the encoder said is in the cache, and the training goes on from its checkpoint.

mod logged;
mod probabilities;
mod training;

use std::path::Path;
use std::time::Instant;

use lane_audit::model::{DataFile, Provenance};
use lane_audit::training::Training;
use lane_audit::{Audit, Material, RankBy, RankingError, duplicates, report};
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, Dataset};

use crate::checkpoint::Every;
use crate::config::Config;
use crate::error::TrainError;
use crate::out_of_fold::{self, OutOfFold};
use crate::progress::Observer;
use crate::record::{Machine, peak_memory_bytes};
use crate::run::Invocation;

pub use logged::{Logged, LoggedRequest, audit_logged};

/// The folder of the training within that of the audit.
const RUN: &str = "run";
/// What a finished audit has.
const FINISHED: &str = "audit.json";
/// Fewer rows have no share of wrong labels that could be told.
const FEWEST_ROWS: usize = 21;

/// What `lane audit` is asked for.
#[derive(Clone, Debug)]
pub struct AuditRequest {
    /// The file, as that of the training, and everything else about it.
    pub config: Config,
    /// Whether to train at all; without, there are no scores of training.
    pub train: bool,
    /// The score to rank by; none = the best there is.
    pub rank_by: Option<RankBy>,
    /// What counts as a duplicate.
    pub duplicates: duplicates::Options,
    /// Replace a finished audit.
    pub force: bool,
    /// How often the training writes a checkpoint.
    pub every: Option<Every>,
}

/// Audits a file and leaves the folder `out`.
///
/// # Errors
///
/// [`TrainError::is_usage`] for what is wrong with settings, file or encoder, before anything is
/// trained; those of the training afterwards.
pub fn audit(
    request: &AuditRequest,
    out: &Path,
    invocation: &Invocation,
    observer: &mut dyn Observer,
) -> Result<Audit, TrainError> {
    let started = Instant::now();
    request.check(out)?;
    let columns = request.config.data.columns();
    let dataset = read(&request.config.data.train, &columns)?;
    if !request.train {
        dataset.warnings.iter().for_each(|warning| observer.note(warning));
    }
    let folds = request.config.cross_validation.folds;
    let (mut probabilities, mut judge) =
        (None, format!("{}, {folds} folds", request.config.method));
    if folds == 0 {
        let (found, by) = probabilities::by_regression(&request.config, &dataset, observer)?;
        (probabilities, judge) = (Some(found), by);
    }
    let mut log = None;
    if request.train {
        let run = out.join(RUN);
        training::train(request, &run, invocation, observer)?;
        log = Some(training::log(&run, dataset.n_rows())?);
        if 0 < folds {
            probabilities = Some(OutOfFold::read(&run.join(out_of_fold::FILE), &dataset)?);
        }
    }
    let parts = Parts {
        dataset: &dataset,
        columns: &columns,
        probabilities: probabilities.as_ref(),
        log: log.as_ref(),
        rank_by: request.rank_by,
        duplicates: request.duplicates,
    };
    let provenance = Provenance {
        method: request.train.then(|| request.config.method.to_string()),
        encoder: Some(request.config.model.encoder.clone()),
        seed: request.config.seed,
        judge: Some(judge),
        ..provenance(invocation, started)
    };
    parts.leave(out, provenance)
}

impl AuditRequest {
    fn check(&self, out: &Path) -> Result<(), TrainError> {
        refuse_finished(out, self.force)?;
        let unused =
            [("validation", &self.config.data.validation), ("test", &self.config.data.test)];
        if let Some((name, Some(path))) = unused.into_iter().find(|(_, path)| path.is_some()) {
            let key = format!("data.{name}");
            let expected = "nothing: an audit looks at one file";
            return Err(TrainError::setting(&key, path.display(), expected));
        }
        let folds = self.config.cross_validation.folds;
        if 0 < folds && !self.train {
            let expected = "0, since nothing is trained";
            return Err(TrainError::setting("cross_validation.folds", folds, expected));
        }
        match self.rank_by {
            Some(score) if !self.train && !score.is_out_of_fold() => {
                let expected = "a score out of fold, since nothing is trained";
                Err(TrainError::setting("--rank-by", score, expected))
            }
            _ => Ok(()),
        }
    }
}

fn refuse_finished(out: &Path, force: bool) -> Result<(), TrainError> {
    if !force && out.join(FINISHED).exists() {
        return Err(TrainError::AuditExists { path: out.into() });
    }
    Ok(())
}

/// The rows, enough of them to say anything.
fn read(path: &Path, columns: &Columns) -> Result<Dataset, TrainError> {
    let dataset = read::dataset(path, columns, LabelPolicy::Discover)?;
    let (n_rows, at_least) = (dataset.n_rows(), FEWEST_ROWS);
    if n_rows < at_least {
        return Err(RankingError::TooFewRows { n_rows, at_least }.into());
    }
    Ok(dataset)
}

/// What an audit is put together from.
struct Parts<'a> {
    dataset: &'a Dataset,
    columns: &'a Columns,
    probabilities: Option<&'a OutOfFold>,
    log: Option<&'a Training>,
    rank_by: Option<RankBy>,
    duplicates: duplicates::Options,
}

impl Parts<'_> {
    /// Makes the audit and writes its files, the one that says it is finished last.
    fn leave(&self, out: &Path, provenance: Provenance) -> Result<Audit, TrainError> {
        let material = Material {
            dataset: self.dataset,
            probabilities: self.probabilities.map(OutOfFold::probabilities),
            training: self.log,
            rank_by: self.rank_by,
            duplicates: self.duplicates,
        };
        let mut audit = lane_audit::assemble(&material, self.data_file()?, provenance)?;
        audit.summary.provenance.peak_memory_bytes = peak_memory_bytes();
        std::fs::create_dir_all(out).map_err(TrainError::io("create", out))?;
        if let Some(probabilities) = self.probabilities {
            let found = probabilities.confident(&self.dataset.given_labels())?;
            probabilities.write(&out.join(out_of_fold::FILE), self.dataset, &found)?;
        }
        report::write(out, &audit)?;
        lane_audit::write(out, &audit)?;
        Ok(audit)
    }

    fn data_file(&self) -> Result<DataFile, TrainError> {
        let dataset = self.dataset;
        let path =
            std::path::absolute(&dataset.path).map_err(TrainError::io("read", &dataset.path))?;
        let is_numbered =
            (0_usize..).zip(&dataset.examples).all(|(row, it)| it.id == row.to_string());
        let usual = (!is_numbered).then(|| "id".to_owned());
        Ok(DataFile {
            path: path.display().to_string(),
            sha256: dataset.sha256.clone(),
            n_rows: dataset.n_rows(),
            text_column: self.columns.text.clone(),
            label_column: self.columns.label.clone(),
            id_column: self.columns.id.clone().or(usual),
        })
    }
}

fn provenance(invocation: &Invocation, started: Instant) -> Provenance {
    Provenance {
        program: invocation.program.clone(),
        machine: Some(Machine::here()),
        command: invocation.command.clone(),
        seconds: started.elapsed().as_secs_f64(),
        ..Provenance::default()
    }
}
