//! `dynamics_epoch_N.jsonl`: the logits of every row in epoch N, as dataset cartography writes and
//! reads them.
//!
//! ```text
//! {"guid": "row-7", "logits_epoch_0": [0.3, -1.2, 0.9], "gold": 2}
//! ```
//!
//! Rows stand in any order, another in each epoch; `guid` is a string or an integer; other fields are
//! passed over. Refused, where cartography's own program goes on with what it has: epochs of
//! different rows (ids that change from epoch to epoch make every row one of a single epoch there),
//! a row twice in an epoch, a gold label that changes, logits that are no finite numbers.

mod line;

use std::collections::HashMap;
use std::fmt::Write;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use lane_audit::training::{Seen, TrainingLog};
use lane_data::{RowId, open};
use lane_metrics::ClassId;
use lane_metrics::cartography::MapConfig;

use super::error::{ExchangeError, Fault};
use crate::dynamics::MeanProbabilities;
use crate::error::TrainError;

use line::Line;

/// What a folder of epochs comes to; rows are numbered as the first epoch lists them.
#[derive(Clone, Debug)]
pub struct Training {
    /// The rows' names.
    pub ids: Vec<String>,
    /// The label each was trained with.
    pub golds: Vec<ClassId>,
    /// What the epochs say of each.
    pub log: TrainingLog,
    /// Their class probabilities, averaged over all epochs.
    pub means: MeanProbabilities,
    /// Epochs read.
    pub n_epochs: u32,
    /// Columns of the logits.
    pub n_classes: usize,
    /// The first file and the line of each row in it, for messages.
    pub first: PathBuf,
    /// See [`first`](Self::first).
    pub lines: Vec<u64>,
}

/// Whether `folder`, or `training_dynamics` in it, holds epochs; where.
pub fn find(folder: &Path) -> Option<PathBuf> {
    [folder.to_owned(), folder.join("training_dynamics")]
        .into_iter()
        .find(|folder| epochs(folder).is_ok_and(|epochs| !epochs.is_empty()))
}

/// Reads every epoch of a folder.
///
/// # Errors
///
/// [`ExchangeError`] with file and line for anything that is not as described above;
/// [`TrainError::Metrics`] for a burn-out of no epochs.
pub fn read(folder: &Path, map: MapConfig) -> Result<Training, TrainError> {
    let epochs = epochs(folder)?;
    let (Some(&first), Some(&last)) = (epochs.first(), epochs.last()) else {
        return Err(ExchangeError::UnknownFormat { path: folder.into() }.into());
    };
    // Inclusive: nothing comes after the largest number.
    if let Some((missing, _)) = (first..=last).zip(&epochs).find(|(number, epoch)| number != *epoch)
    {
        return Err(ExchangeError::EpochMissing { path: folder.into(), missing, last }.into());
    }
    let path = |epoch: u32| folder.join(format!("dynamics_epoch_{epoch}.jsonl"));
    let lines = line::all(&path(first), first)?;
    let mut training = begin(path(first), &lines, map)?;
    let rows = index(&path(first), &lines)?;
    training.add(&path(first), &lines, &rows)?;
    drop(lines);
    for &epoch in &epochs[1..] {
        training.add(&path(epoch), &line::all(&path(epoch), epoch)?, &rows)?;
    }
    Ok(training)
}

/// Numbers of the epochs in a folder, ascending.
pub(super) fn epochs(folder: &Path) -> Result<Vec<u32>, ExchangeError> {
    let failed = |source| ExchangeError::Read { path: folder.into(), source };
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        numbers.extend(name.to_str().and_then(number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The epoch that a file name stands for.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("dynamics_epoch_")?.strip_suffix(".jsonl")?;
    let number = digits.parse().ok()?;
    // `+1` and `01` are no names that the format gives.
    (digits == u32::to_string(&number)).then_some(number)
}

fn begin(first: PathBuf, lines: &[Line], map: MapConfig) -> Result<Training, TrainError> {
    let Some(line) = lines.first() else {
        return Err(ExchangeError::NoRows { path: first }.into());
    };
    let (n_rows, n_classes) = (lines.len(), line.logits.len());
    Ok(Training {
        ids: lines.iter().map(|line| line.id.clone()).collect(),
        golds: lines.iter().map(|line| line.gold).collect(),
        log: TrainingLog::new(n_rows, map)?,
        means: MeanProbabilities::new(n_rows, n_classes),
        n_epochs: 0,
        n_classes,
        first,
        lines: lines.iter().map(|line| line.number).collect(),
    })
}

/// Rows by id.
fn index(path: &Path, lines: &[Line]) -> Result<HashMap<String, RowId>, ExchangeError> {
    let mut rows = HashMap::with_capacity(lines.len());
    for (row, line) in (0..).map(RowId).zip(lines) {
        if let Some(first) = rows.insert(line.id.clone(), row) {
            let first = lines[first.index()].number;
            let fault = Fault::DuplicateId { id: line.id.clone(), first };
            return Err(ExchangeError::line(path, line.number, fault));
        }
    }
    Ok(rows)
}

impl Training {
    fn add(
        &mut self,
        path: &Path,
        lines: &[Line],
        rows: &HashMap<String, RowId>,
    ) -> Result<(), TrainError> {
        let mut seen = vec![None; self.ids.len()];
        let mut shown = Vec::with_capacity(lines.len());
        for line in lines {
            let row = self.check(path, line, rows, &mut seen)?;
            shown.push(Seen::of_logits(row, &line.logits, line.gold)?);
            self.means.add(row, &line.logits);
        }
        let mut missing = seen.iter().zip(&self.ids).filter(|(line, _)| line.is_none());
        if let Some((_, id)) = missing.next() {
            let (path, known, id) = (path.into(), self.first.clone(), id.clone());
            let n_missing = 1 + missing.count();
            return Err(ExchangeError::RowsMissing { path, known, n_missing, id }.into());
        }
        self.n_epochs += 1;
        Ok(self.log.add_epoch(self.n_epochs, &shown)?)
    }

    /// The row that a line is of, held against the first epoch and the lines before.
    fn check(
        &self,
        path: &Path,
        line: &Line,
        rows: &HashMap<String, RowId>,
        seen: &mut [Option<u64>],
    ) -> Result<RowId, ExchangeError> {
        let refused = |fault| ExchangeError::line(path, line.number, fault);
        let (id, known) = (|| line.id.clone(), || self.first.clone());
        let Some(&row) = rows.get(&line.id) else {
            return Err(refused(Fault::UnknownId { id: id(), known: known() }));
        };
        if let Some(first) = seen[row.index()].replace(line.number) {
            return Err(refused(Fault::DuplicateId { id: id(), first }));
        }
        let before = self.golds[row.index()].0;
        if line.gold.0 != before {
            let (id, gold, known) = (id(), line.gold.0, known());
            return Err(refused(Fault::GoldChanged { id, gold, before, known }));
        }
        if line.logits.len() != self.n_classes {
            let (n_found, n_expected) = (line.logits.len(), self.n_classes);
            let field = line.field();
            return Err(refused(Fault::RaggedLogits { field, n_found, n_expected }));
        }
        Ok(row)
    }
}

/// The text of one epoch's file: epoch `number`, from 0.
pub fn epoch_text<'a>(
    number: u32,
    rows: impl Iterator<Item = (&'a str, ClassId, &'a [f32])>,
) -> String {
    let mut text = String::new();
    for (id, gold, logits) in rows {
        let id = serde_json::Value::from(id);
        let logits: Vec<String> = logits.iter().map(ToString::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            r#"{{"guid": {id}, "logits_epoch_{number}": [{}], "gold": {gold}}}"#,
            logits.join(", ")
        );
    }
    text
}

/// The lines of a file that are not blank, with their numbers.
fn lines(path: &Path) -> Result<Vec<(u64, Vec<u8>)>, ExchangeError> {
    let failed = |source| ExchangeError::Read { path: path.into(), source };
    let file = open::ordinary(path).map_err(failed)?;
    let mut all = Vec::new();
    for (number, line) in (1..).zip(std::io::BufReader::new(file).split(b'\n')) {
        let line = line.map_err(failed)?;
        if !line.iter().all(u8::is_ascii_whitespace) {
            all.push((number, line));
        }
    }
    Ok(all)
}

#[cfg(test)]
pub(crate) mod tests;
