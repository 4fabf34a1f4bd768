//! `dynamics.csv`: a run's dynamics for programs that read no Parquet.
//!
//! `row,id,epoch,label,margin,label_aware_margin,p_label,predicted,weight`, one line for each row seen
//! in each epoch, every phase included; classes by name. Read and written piece by piece.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::{Array, Float32Array, RecordBatch, UInt16Array, UInt32Array};
use lane_data::LabelSet;
use lane_metrics::ClassId;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::export::Listed;
use crate::dynamics::read::{column, unreadable};
use crate::error::TrainError;
use crate::run_folder::publish;

const COLUMNS: [&str; 9] = [
    "row",
    "id",
    "epoch",
    "label",
    "margin",
    "label_aware_margin",
    "p_label",
    "predicted",
    "weight",
];

/// Writes the file; gives the number of epochs in it.
pub(super) fn write(dynamics: &Path, listed: &Listed, path: &Path) -> Result<usize, TrainError> {
    let file = File::open(dynamics).map_err(TrainError::io("read", dynamics))?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| unreadable(dynamics, error))?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let target = tempfile::NamedTempFile::new_in(&folder).map_err(TrainError::io("write", path))?;
    let mut table = csv::Writer::from_writer(target);
    let failed = |error: csv::Error| TrainError::io("write", path)(error.into());
    table.write_record(COLUMNS).map_err(failed)?;
    let mut last_epoch = 0;
    for batch in batches {
        let batch = batch.map_err(|error| unreadable(dynamics, error))?;
        let columns = Columns::of(&batch)
            .ok_or_else(|| unreadable(dynamics, "not the columns of training dynamics"))?;
        for at in 0..batch.num_rows() {
            let record = columns.record(at, listed).ok_or_else(|| {
                unreadable(dynamics, "a row or a class that labels.csv does not have")
            })?;
            table.write_record(record).map_err(failed)?;
        }
        last_epoch = columns.epoch.values().last().map_or(last_epoch, |epoch| *epoch as usize);
    }
    let mut target =
        table.into_inner().map_err(|error| TrainError::io("write", path)(error.into_error()))?;
    target.flush().and_then(|()| publish(target, path)).map_err(TrainError::io("write", path))?;
    Ok(last_epoch)
}

struct Columns<'a> {
    row: &'a UInt32Array,
    epoch: &'a UInt32Array,
    label: &'a UInt16Array,
    margin: &'a Float32Array,
    label_aware_margin: &'a Float32Array,
    p_label: &'a Float32Array,
    predicted: &'a UInt16Array,
    weight: &'a Float32Array,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        Some(Self {
            row: column(batch, "row")?,
            epoch: column(batch, "epoch")?,
            label: column(batch, "label")?,
            margin: column(batch, "margin")?,
            label_aware_margin: column(batch, "label_aware_margin")?,
            p_label: column(batch, "p_label")?,
            predicted: column(batch, "predicted")?,
            weight: column(batch, "weight")?,
        })
    }

    /// A line; none where the row or a class is not listed.
    fn record(&self, at: usize, listed: &Listed) -> Option<[String; 9]> {
        let row = self.row.value(at);
        let aware = self.label_aware_margin;
        let aware = if aware.is_null(at) { String::new() } else { aware.value(at).to_string() };
        Some([
            row.to_string(),
            listed.ids.get(row as usize)?.clone(),
            self.epoch.value(at).to_string(),
            name(&listed.labels, self.label.value(at))?,
            self.margin.value(at).to_string(),
            aware,
            self.p_label.value(at).to_string(),
            name(&listed.labels, self.predicted.value(at))?,
            self.weight.value(at).to_string(),
        ])
    }
}

fn name(labels: &LabelSet, class: u16) -> Option<String> {
    let is_known = usize::from(class) < labels.len();
    is_known.then(|| labels.name(ClassId(class)).to_owned())
}
