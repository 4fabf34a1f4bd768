//! Dynamics read back, epoch by epoch.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, Float32Array, ListArray, RecordBatch, UInt16Array, UInt32Array};
use lane_data::decoder;
use lane_data::read::parquet_batch_rows;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::MAP_EPOCHS;
use crate::error::TrainError;

/// What was seen in one epoch, rows ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenEpoch {
    /// Epoch, from 1, counted through all phases.
    pub epoch: u32,
    /// Rows seen.
    pub rows: Vec<u32>,
    /// The label each was trained with.
    pub labels: Vec<u16>,
    /// Margin of that label.
    pub margins: Vec<f32>,
    /// Label-aware margin of that label, where there was an auxiliary network.
    pub label_aware_margins: Vec<Option<f32>>,
    /// Probability of that label.
    pub p_labels: Vec<f32>,
    /// The class of the highest logit.
    pub predicted: Vec<u16>,
    /// The weight of each row's cross-entropy.
    pub weights: Vec<f32>,
    /// Logits of each; empty where the run did not keep them.
    pub logits: Vec<Vec<f32>>,
}

impl SeenEpoch {
    fn check_finite(&self) -> Result<(), String> {
        for (at, row) in self.rows.iter().enumerate() {
            let values = [self.margins[at], self.p_labels[at], self.weights[at]].into_iter();
            let logits = self.logits.get(at).into_iter().flatten().copied();
            let mut values = values.chain(self.label_aware_margins[at]).chain(logits);
            if let Some(found) = values.find(|it| !it.is_finite()) {
                return Err(format!("row {row} of epoch {}: found {found}", self.epoch));
            }
        }
        Ok(())
    }

    fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        self.labels.append(&mut other.labels);
        self.margins.append(&mut other.margins);
        self.label_aware_margins.append(&mut other.label_aware_margins);
        self.p_labels.append(&mut other.p_labels);
        self.predicted.append(&mut other.predicted);
        self.weights.append(&mut other.weights);
        self.logits.append(&mut other.logits);
    }
}

/// Reads a `dynamics.parquet`.
pub struct DynamicsReader {
    file: File,
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    next_group: usize,
    /// Read already, because one looks ahead for the end of an epoch.
    ahead: Option<SeenEpoch>,
}

impl DynamicsReader {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] where it cannot be read, is no Parquet file or a damaged one.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        // Whatever the columns are, they can be decoded.
        parquet_batch_rows(path)?;
        guarded(path, || Self::open_sound(path))
    }

    fn open_sound(path: &Path) -> Result<Self, TrainError> {
        let file = File::open(path).map_err(TrainError::io("read", path))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
            .map_err(|error| unreadable(path, error))?;
        Ok(Self { file, path: path.into(), metadata, next_group: 0, ahead: None })
    }

    /// Whether the run kept logits.
    pub fn has_logits(&self) -> bool {
        self.metadata.schema().column_with_name("logits").is_some()
    }

    /// The first and last epoch of the training that the data map is made of, where the file says so.
    pub fn map_epochs(&self) -> Option<(u32, u32)> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        let pair = pairs.iter().find(|pair| pair.key == MAP_EPOCHS)?;
        let (first, last) = pair.value.as_deref()?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    /// The next epoch; none after the last.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] where the file breaks off or a column is missing.
    pub fn next_epoch(&mut self) -> Result<Option<SeenEpoch>, TrainError> {
        let first = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.next_group()?,
        };
        let Some(mut epoch) = first else { return Ok(None) };
        // An epoch of more rows than a row group holds stands in several.
        loop {
            match self.next_group()? {
                Some(more) if more.epoch == epoch.epoch => epoch.append(more),
                ahead => {
                    self.ahead = ahead;
                    return Ok(Some(epoch));
                }
            }
        }
    }

    fn next_group(&mut self) -> Result<Option<SeenEpoch>, TrainError> {
        if self.metadata.metadata().num_row_groups() <= self.next_group {
            return Ok(None);
        }
        let path = self.path.clone();
        guarded(&path, || self.decode_group().map(Some))
    }

    fn decode_group(&mut self) -> Result<SeenEpoch, TrainError> {
        let file = self.file.try_clone().map_err(TrainError::io("read", &self.path))?;
        let batches =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![self.next_group])
                .build()
                .map_err(|error| unreadable(&self.path, error))?;
        self.next_group += 1;
        let mut group = SeenEpoch::default();
        for batch in batches {
            let batch = batch.map_err(|error| unreadable(&self.path, error))?;
            let part = seen(&batch)
                .ok_or_else(|| unreadable(&self.path, "not the columns of training dynamics"))?;
            part.check_finite().map_err(|reason| unreadable(&self.path, reason))?;
            group.epoch = part.epoch;
            group.append(part);
        }
        Ok(group)
    }
}

/// Damage that was not seen beforehand can make the decoder panic.
pub(crate) fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, TrainError>,
) -> Result<T, TrainError> {
    decoder::catch(decode)
        .unwrap_or_else(|| Err(unreadable(path, "the decoder gave up on damaged data")))
}

/// The columns of a batch; none where one is missing, of another type or has gaps.
fn seen(batch: &RecordBatch) -> Option<SeenEpoch> {
    let epochs: &UInt32Array = column(batch, "epoch")?;
    let rows: &UInt32Array = column(batch, "row")?;
    let labels: &UInt16Array = column(batch, "label")?;
    let margins: &Float32Array = column(batch, "margin")?;
    let label_aware_margins: &Float32Array = column(batch, "label_aware_margin")?;
    let p_labels: &Float32Array = column(batch, "p_label")?;
    let predicted: &UInt16Array = column(batch, "predicted")?;
    let weights: &Float32Array = column(batch, "weight")?;
    let whole: [&dyn Array; 7] = [epochs, rows, labels, margins, p_labels, predicted, weights];
    if whole.iter().any(|it| it.null_count() > 0) {
        return None;
    }
    let mut logits = Vec::new();
    if batch.column_by_name("logits").is_some() {
        for list in column::<ListArray>(batch, "logits")? {
            let list = list?;
            let list: &Float32Array = list.as_any().downcast_ref()?;
            logits.push((list.null_count() == 0).then(|| list.values().to_vec())?);
        }
    }
    Some(SeenEpoch {
        epoch: epochs.values().first().copied().unwrap_or_default(),
        rows: rows.values().to_vec(),
        labels: labels.values().to_vec(),
        margins: margins.values().to_vec(),
        label_aware_margins: label_aware_margins.iter().collect(),
        p_labels: p_labels.values().to_vec(),
        predicted: predicted.values().to_vec(),
        weights: weights.values().to_vec(),
        logits,
    })
}

pub(crate) fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a T> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

pub(crate) fn unreadable(path: &Path, error: impl std::fmt::Display) -> TrainError {
    TrainError::io("read", path)(std::io::Error::other(error.to_string()))
}
