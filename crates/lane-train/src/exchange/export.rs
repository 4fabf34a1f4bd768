//! A run as files of another program, or as one table.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use lane_data::{LabelSet, RowId};
use lane_metrics::ClassId;
use lane_metrics::averages::{MarginAverages, Visit};
use serde::Serialize;

use super::aum::{self, Measurement};
use super::error::ExchangeError;
use super::{cartography, dynamics_csv, targets};
use crate::dynamics::read::{guarded, unreadable};
use crate::dynamics::{DynamicsReader, SeenEpoch};
use crate::error::TrainError;
use crate::run_folder::write_atomically;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `aum_values.csv` and, where the run kept logits, `full_aum_records.csv`.
    Aum,
    /// `training_dynamics/dynamics_epoch_N.jsonl`; needs logits.
    Cartography,
    /// `dynamics.csv`, the run's own columns.
    Csv,
}

/// What `lane export` is asked for.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The folder of a finished run.
    pub run: PathBuf,
    /// Whose files to write.
    pub format: Format,
    /// The folder to write to.
    pub out: PathBuf,
    /// Replace existing files.
    pub force: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportSummary {
    /// Whose files.
    pub format: Format,
    /// Rows in them.
    pub n_rows: usize,
    /// Epochs in them.
    pub n_epochs: usize,
    /// The files written.
    pub files: Vec<PathBuf>,
    /// What a person should know although it stopped nothing.
    pub notes: Vec<String>,
}

/// Writes a run as files of another program.
///
/// For another program, the epochs are those that `data_map.csv` is made of: the last training from
/// fresh networks on that showed every row; a row's label is the one of its first epoch. The table of
/// the run's own columns has every epoch.
///
/// # Errors
///
/// [`ExchangeError`] where the run is not finished or kept no logits but needs them; nothing is
/// written then.
pub fn export(request: &ExportRequest) -> Result<ExportSummary, TrainError> {
    let run = Run::read(&request.run)?;
    match request.format {
        Format::Aum => export_aum(request, &run),
        Format::Cartography => export_cartography(request, &run),
        Format::Csv => export_csv(request, &run),
    }
}

/// What an export needs of a run.
struct Run {
    dynamics: PathBuf,
    listed: Listed,
    epochs: Vec<SeenEpoch>,
    has_logits: bool,
}

impl Run {
    fn read(folder: &Path) -> Result<Self, TrainError> {
        for missing in ["result.json", "dynamics.parquet", "labels.csv"] {
            if !folder.join(missing).is_file() {
                return Err(ExchangeError::NotARun { path: folder.into(), missing }.into());
            }
        }
        let dynamics = folder.join("dynamics.parquet");
        let mut reader = DynamicsReader::open(&dynamics)?;
        let (first, last) = reader.map_epochs().unwrap_or((0, u32::MAX));
        let mut epochs = Vec::new();
        while let Some(epoch) = reader.next_epoch()? {
            epochs.extend((first..=last).contains(&epoch.epoch).then_some(epoch));
        }
        let listed = Listed::read(&folder.join("labels.csv"))?;
        let n_rows = listed.ids.len();
        let rows = epochs.iter().flat_map(|it: &SeenEpoch| &it.rows);
        if let Some(row) = rows.into_iter().find(|row| n_rows <= **row as usize) {
            let reason = format!("found row {row}, labels.csv lists {n_rows} rows from 0");
            return Err(unreadable(&dynamics, reason));
        }
        Ok(Self { listed, epochs, has_logits: reader.has_logits(), dynamics })
    }

    fn id(&self, row: u32) -> &str {
        &self.listed.ids[row as usize]
    }
}

/// What `labels.csv` says of all rows.
pub(super) struct Listed {
    /// The rows' names, in the order of the file they come from.
    pub(super) ids: Vec<String>,
    /// The classes.
    pub(super) labels: LabelSet,
}

impl Listed {
    fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |error: csv::Error| TrainError::io("read", path)(error.into());
        let mut table = csv::Reader::from_path(path).map_err(failed)?;
        let (mut ids, mut names) = (Vec::new(), BTreeSet::new());
        for record in table.records() {
            let record = record.map_err(failed)?;
            let row = record.get(0).and_then(|row| row.parse::<u32>().ok());
            let (Some(row), Some(id), Some(label)) = (row, record.get(1), record.get(3)) else {
                let found = format!("`{}` without `row`, `id` and `label`", path.display());
                let expected = "a list that `lane train` wrote".into();
                return Err(TrainError::Mismatch { found, expected });
            };
            ids.push((row, id.to_owned()));
            names.insert(label.to_owned());
        }
        ids.sort_unstable();
        if let Some((at, (row, _))) = (0..).zip(&ids).find(|(at, (row, _))| at != row) {
            let found = format!("row {row} in place of row {at} in `{}`", path.display());
            return Err(TrainError::Mismatch { found, expected: "every row once".into() });
        }
        let ids = ids.into_iter().map(|(_, id)| id).collect();
        Ok(Self { ids, labels: LabelSet::discover(names.iter().map(String::as_str))? })
    }
}

fn export_csv(request: &ExportRequest, run: &Run) -> Result<ExportSummary, TrainError> {
    let files = targets(&request.out, &["dynamics.csv".to_owned()], request.force)?;
    let n_epochs =
        guarded(&run.dynamics, || dynamics_csv::write(&run.dynamics, &run.listed, &files[0]))?;
    let (format, n_rows) = (Format::Csv, run.listed.ids.len());
    Ok(ExportSummary { format, n_rows, n_epochs, files, notes: Vec::new() })
}

fn export_aum(request: &ExportRequest, run: &Run) -> Result<ExportSummary, TrainError> {
    let mut margins = MarginAverages::new(run.listed.ids.len())?;
    for epoch in &run.epochs {
        for (row, margin) in epoch.rows.iter().zip(&epoch.margins) {
            let visit = Visit { row: RowId(*row), margin: *margin, ..Visit::default() };
            margins.record(&visit)?;
        }
    }
    let all = (0..run.listed.ids.len() as u32).map(|row| (run.id(row), margins.aum(RowId(row))));
    let values: Vec<(&str, f64)> = all.filter_map(|(id, aum)| Some((id, aum?))).collect();
    let mut texts = vec![("aum_values.csv", aum::values_text(&values))];
    if run.has_logits {
        let mut measurements = measurements(&run.epochs)?;
        texts.push(("full_aum_records.csv", aum::records_text(&run.listed.ids, &mut measurements)));
    }
    let names: Vec<String> = texts.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files = targets(&request.out, &names, request.force)?;
    for (path, (_, text)) in files.iter().zip(texts) {
        let text = text.map_err(|error| TrainError::io("write", path)(error.into()))?;
        write_atomically(path, &text)?;
    }
    let mut notes = Vec::new();
    if !run.has_logits {
        notes.push("full_aum_records.csv needs logits: train with `--set save_logits=true`".into());
    }
    let n_missing = run.listed.ids.len() - values.len();
    if n_missing > 0 {
        notes.push(format!("{n_missing} rows were never seen and have no averaged margin"));
    }
    let (n_rows, n_epochs) = (values.len(), run.epochs.len());
    Ok(ExportSummary { format: Format::Aum, n_rows, n_epochs, files, notes })
}

fn measurements(epochs: &[SeenEpoch]) -> Result<Vec<Measurement>, TrainError> {
    let mut all: Vec<Measurement> = Vec::new();
    let mut last: HashMap<u32, usize> = HashMap::new();
    for epoch in epochs {
        for ((&row, &label), logits) in epoch.rows.iter().zip(&epoch.labels).zip(&epoch.logits) {
            let before = last.insert(row, all.len()).map(|place| &all[place]);
            all.push(Measurement::new(row, ClassId(label), logits, before)?);
        }
    }
    Ok(all)
}

fn export_cartography(request: &ExportRequest, run: &Run) -> Result<ExportSummary, TrainError> {
    if !run.has_logits {
        return Err(ExchangeError::NoLogits { path: run.dynamics.clone() }.into());
    }
    let n_rows = run.listed.ids.len();
    let whole: Vec<&SeenEpoch> =
        run.epochs.iter().filter(|epoch| epoch.rows.len() == n_rows).collect();
    let Some(first) = whole.first() else {
        return Err(ExchangeError::NoWholeEpoch { path: run.dynamics.clone(), n_rows }.into());
    };
    let folder = request.out.join("training_dynamics");
    let names: Vec<String> =
        (0..whole.len()).map(|number| format!("dynamics_epoch_{number}.jsonl")).collect();
    refuse_or_remove_others(&folder, request.force)?;
    let files = targets(&folder, &names, request.force)?;
    for ((path, number), epoch) in files.iter().zip(0..).zip(&whole) {
        let rows = epoch.rows.iter().zip(&first.labels).zip(&epoch.logits);
        let rows =
            rows.map(|((row, label), logits)| (run.id(*row), ClassId(*label), logits.as_slice()));
        write_atomically(path, cartography::epoch_text(number, rows).as_bytes())?;
    }
    let n_partial = run.epochs.len() - whole.len();
    let notes = (n_partial > 0)
        .then(|| format!("{n_partial} epochs that showed only some of the rows were left out"));
    let (format, n_epochs) = (Format::Cartography, whole.len());
    Ok(ExportSummary { format, n_rows, n_epochs, files, notes: notes.into_iter().collect() })
}

/// Epochs of another run beside ours would be read as ours.
fn refuse_or_remove_others(folder: &Path, force: bool) -> Result<(), TrainError> {
    let Some(found) = cartography::find(folder).filter(|found| found == folder) else {
        return Ok(());
    };
    for number in cartography::epochs(&found)? {
        let path = found.join(format!("dynamics_epoch_{number}.jsonl"));
        if !force {
            return Err(lane_data::DataError::Exists { path }.into());
        }
        std::fs::remove_file(&path).map_err(TrainError::io("replace", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::{Dynamics, DynamicsConfig, Observation};

    /// What is said of an export of three rows where `labels.csv` lists these.
    fn refusal(listed: &str) -> String {
        let run = tempfile::tempdir().unwrap();
        std::fs::write(run.path().join("result.json"), "{}").unwrap();
        let labels = format!("row,id,text,label\n{listed}");
        std::fs::write(run.path().join("labels.csv"), labels).unwrap();
        let path = run.path().join("dynamics.parquet");
        let mut dynamics = Dynamics::create(&path, 3, 2, DynamicsConfig::default()).unwrap();
        for row in 0..3 {
            let label = ClassId(0);
            let seen = Observation {
                label,
                margin: 1.0,
                label_aware_margin: None,
                p_label: 0.5,
                predicted: label,
                weight: 1.0,
            };
            dynamics.observe(RowId(row), seen, &[1.0, 0.0]);
        }
        dynamics.end_epoch(1).unwrap();
        dynamics.finish().unwrap();
        let out = run.path().join("out");
        let request =
            ExportRequest { run: run.path().into(), format: Format::Aum, out, force: false };
        match export(&request) {
            Ok(summary) => format!("{} rows", summary.n_rows),
            Err(error) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                reason.unwrap_or_else(|| error.to_string())
            }
        }
    }

    #[test]
    fn a_run_whose_files_do_not_fit_one_another_is_refused() {
        assert_eq!(refusal("1,b,t,x\n0,a,t,y\n2,c,t,x\n"), "3 rows");
        assert_eq!(refusal("0,a,t,y\n1,b,t,x\n"), "found row 2, labels.csv lists 2 rows from 0");
        assert!(refusal("0,a,t,y\n2,b,t,x\n").contains("row 2 in place of row 1"));
        assert!(refusal("0,a,t,y\n0,b,t,x\n").contains("row 0 in place of row 1"));
    }
}
