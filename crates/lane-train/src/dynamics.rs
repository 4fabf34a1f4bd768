//! Training dynamics: what the classifier said of every row in every epoch.
//!
//! One Parquet row group per epoch, one line per row seen in it: `row, epoch, label, margin,
//! label_aware_margin, p_label, predicted, weight`, and with `save_logits` the list `logits`. Values
//! are those of the training pass itself (dropout on), before the step's update;
//! `label_aware_margin` is null without an auxiliary network. The file's metadata names the epochs
//! that the data map is made of ([`MAP_EPOCHS`]).
//!
//! A Parquet file ends in its index and cannot be gone on with. So each epoch becomes a file of its
//! own in `checkpoint/dynamics/`, written whole and never again, and the file is put together from
//! these in the end; a checkpoint names them by their hashes and does not copy them.

mod mean_probabilities;
mod part;
pub(crate) mod read;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, ListBuilder, PrimitiveBuilder};
use arrow::array::{RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::{DataMap, Look, MapConfig};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Extent, ensure};
use crate::error::TrainError;
use crate::run_folder::{CHECKPOINTS, publish};

pub use mean_probabilities::MeanProbabilities;
use part::Part;
pub use read::{DynamicsReader, SeenEpoch};

/// The key of the file's metadata that names the epochs of the data map, as `FIRST-LAST`.
pub const MAP_EPOCHS: &str = "lane.map_epochs";

/// What was seen of one row in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The label it was trained with.
    pub label: ClassId,
    /// Margin of that label (Eq. 1), in logits.
    pub margin: f32,
    /// Label-aware margin (Eq. 3).
    pub label_aware_margin: Option<f32>,
    /// Probability of that label.
    pub p_label: f32,
    /// The class of the highest logit.
    pub predicted: ClassId,
    /// The weight of its cross-entropy.
    pub weight: f32,
}

/// What to keep beyond the columns there always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DynamicsConfig {
    /// Which epochs make the data map, and with which variability.
    pub map: MapConfig,
    /// Whether the file gets a column `logits`: C numbers more for each row and epoch.
    pub save_logits: bool,
}

/// One training from fresh networks on: where it put each row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingMap {
    /// The data map.
    pub map: DataMap,
    /// Margins averaged over its epochs, every one of them.
    pub margins: MarginAverages,
    /// Its first and last epoch, counted from 1 through all phases.
    pub epochs: Option<(u32, u32)>,
}

impl TrainingMap {
    fn new(n_rows: usize, config: MapConfig) -> Result<Self, TrainError> {
        let (map, margins) = (DataMap::new(n_rows, config)?, MarginAverages::new(n_rows)?);
        Ok(Self { map, margins, epochs: None })
    }

    fn reset(&mut self) {
        self.map.reset();
        self.margins.reset();
        self.epochs = None;
    }

    fn add(&mut self, epoch: u32, seen: &[(u32, Observation)]) -> Result<(), TrainError> {
        let (first, _) = *self.epochs.get_or_insert((epoch, epoch));
        for (row, it) in seen {
            let row = RowId(*row);
            let look = Look { p_label: f64::from(it.p_label), correct: it.predicted == it.label };
            self.map.record(row, epoch - first, look)?;
            self.margins.record(&Visit { row, margin: it.margin, ..Visit::default() })?;
        }
        self.epochs = Some((first, epoch));
        Ok(())
    }
}

/// What the dynamics come to in the end.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Each row's mean class probabilities over the whole run.
    pub means: MeanProbabilities,
    /// The last training that showed every row; where none did, the last one.
    pub last_whole: TrainingMap,
}

/// Collects an epoch, then writes it down; also keeps each row's mean class probabilities and its
/// place on the data map.
pub struct Dynamics {
    schema: Arc<Schema>,
    path: PathBuf,
    parts: PathBuf,
    collected: Collected,
}

/// What dynamics hold of the epochs so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Collected {
    epoch: Vec<Option<Observation>>,
    logits: Option<Vec<Vec<f32>>>,
    mean_probabilities: MeanProbabilities,
    current: TrainingMap,
    whole: Option<TrainingMap>,
    parts: Vec<Part>,
}

impl TrainingMap {
    fn check(&self, n_rows: usize, epoch: u32) -> Result<(), String> {
        ensure(self.map.n_rows() == n_rows, "data map of rows", self.map.n_rows())?;
        ensure(self.margins.n_rows() == n_rows, "averages of rows", self.margins.n_rows())?;
        let (first, last) = self.epochs.unwrap_or_default();
        ensure(first <= last && last <= epoch, "epoch of the data map", last)
    }
}

impl Collected {
    /// What does not fit the run, if anything does not.
    pub(crate) fn check(&self, run: &Extent<'_>, epoch: u32) -> Result<(), String> {
        let (n_rows, n_outputs) = (run.n_rows, run.n_classes + run.phase.extra_classes);
        ensure(self.epoch.len() == n_rows, "number of rows", self.epoch.len())?;
        for it in self.epoch.iter().flatten() {
            let class = it.label.0.max(it.predicted.0);
            ensure(usize::from(class) < n_outputs, "class of a row", class)?;
        }
        if let Some(logits) = &self.logits {
            ensure(logits.len() == n_rows, "number of rows with logits", logits.len())?;
            let lengths = logits.iter().map(Vec::len);
            let other = lengths.clone().find(|length| ![0, run.n_classes].contains(length));
            ensure(other.is_none(), "number of logits", other.unwrap_or_default())?;
        }
        self.mean_probabilities.check(n_rows, run.n_classes)?;
        self.current.check(n_rows, epoch)?;
        self.whole.iter().try_for_each(|map| map.check(n_rows, epoch))?;
        self.parts.iter().try_for_each(|part| part.check(n_rows, epoch))
    }
}

impl Dynamics {
    /// Training rows.
    pub fn n_rows(&self) -> usize {
        self.collected.epoch.len()
    }

    /// Begins the file at `path` for `n_rows` training rows.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if the folder of its epochs cannot be made.
    pub fn create(
        path: &Path,
        n_rows: usize,
        n_classes: usize,
        config: DynamicsConfig,
    ) -> Result<Self, TrainError> {
        let parts = path.with_file_name(CHECKPOINTS).join("dynamics");
        std::fs::create_dir_all(&parts).map_err(TrainError::io("write", &parts))?;
        let collected = Collected {
            epoch: vec![None; n_rows],
            logits: config.save_logits.then(|| vec![Vec::new(); n_rows]),
            mean_probabilities: MeanProbabilities::new(n_rows, n_classes),
            current: TrainingMap::new(n_rows, config.map)?,
            whole: None,
            parts: Vec::new(),
        };
        Ok(Self { schema: schema(config.save_logits), path: path.into(), parts, collected })
    }

    /// What a checkpoint has to keep.
    pub(crate) fn collected(&self) -> &Collected {
        &self.collected
    }

    /// Goes on from what a checkpoint kept.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] where a file of a finished epoch is gone or not what it was.
    pub(crate) fn restore(&mut self, collected: Collected) -> Result<(), TrainError> {
        for part in &collected.parts {
            part.open(&self.parts)?;
        }
        self.collected = collected;
        Ok(())
    }

    /// Where each row lies, by the epochs since the last [`reset_map`](Self::reset_map).
    pub fn map(&self) -> &DataMap {
        &self.collected.current.map
    }

    /// Begins the map anew: fresh networks have nothing to do with what others said.
    pub fn reset_map(&mut self) {
        let Collected { current, whole, .. } = &mut self.collected;
        if current.map.is_complete() {
            *whole = Some(current.clone());
        }
        current.reset();
    }

    /// Notes what was seen of a row, with its logits over the classes of the data.
    pub fn observe(&mut self, row: RowId, observation: Observation, logits: &[f32]) {
        let to = &mut self.collected;
        to.epoch[row.index()] = Some(observation);
        if let Some(kept) = &mut to.logits {
            kept[row.index()] = logits.to_vec();
        }
        to.mean_probabilities.add(row, logits);
    }

    /// Writes the epoch down (from 1, counted through all phases) and forgets it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`]; [`TrainError::Metrics`] if the epoch does not follow the one before.
    pub fn end_epoch(&mut self, epoch: u32) -> Result<(), TrainError> {
        let Collected { epoch: slots, logits, current, parts, .. } = &mut self.collected;
        let taken = slots.iter_mut().zip(0..);
        let seen: Vec<(u32, Observation)> =
            taken.filter_map(|(slot, row)| slot.take().map(|it| (row, it))).collect();
        current.add(epoch, &seen)?;
        let mut columns = columns(epoch, &seen);
        if let Some(logits) = &logits {
            columns.push(lists(seen.iter().map(|(row, _)| &logits[*row as usize])));
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| failed(&self.path, error))?;
        parts.push(Part::write(&self.parts, epoch, &batch)?);
        Ok(())
    }

    /// Puts the file together and hands back what the epochs came to.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if it cannot be written, or where the file of an epoch is gone or changed.
    pub fn finish(self) -> Result<Summary, TrainError> {
        let Collected { mean_probabilities: means, current, whole, parts, .. } = self.collected;
        let last_whole = match whole {
            Some(whole) if !current.map.is_complete() => whole,
            _ => current,
        };
        let path = &self.path;
        let file = tempfile::Builder::new()
            .prefix(".lane-")
            .tempfile_in(path.parent().unwrap_or(Path::new(".")))
            .map_err(TrainError::io("write", path))?;
        let mut writer = writer(file, &self.schema, path)?;
        for part in &parts {
            if let Some(batch) = part.read(&self.parts)? {
                writer.write(&batch).map_err(|error| failed(path, error))?;
            }
            writer.flush().map_err(|error| failed(path, error))?;
        }
        if let Some((first, last)) = last_whole.epochs {
            let value = KeyValue::new(MAP_EPOCHS.into(), format!("{first}-{last}"));
            writer.append_key_value_metadata(value);
        }
        let file = writer.into_inner().map_err(|error| failed(path, error))?;
        publish(file, path).map_err(TrainError::io("write", path))?;
        Ok(Summary { means, last_whole })
    }
}

/// A writer of Parquet as every file of dynamics is written.
fn writer<W: std::io::Write + Send>(
    to: W,
    schema: &Arc<Schema>,
    path: &Path,
) -> Result<ArrowWriter<W>, TrainError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    ArrowWriter::try_new(to, schema.clone(), Some(properties)).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: impl std::fmt::Display) -> TrainError {
    TrainError::io("write", path)(std::io::Error::other(error.to_string()))
}

fn schema(with_logits: bool) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("row", DataType::UInt32, false),
        Field::new("epoch", DataType::UInt32, false),
        Field::new("label", DataType::UInt16, false),
        Field::new("margin", DataType::Float32, false),
        Field::new("label_aware_margin", DataType::Float32, true),
        Field::new("p_label", DataType::Float32, false),
        Field::new("predicted", DataType::UInt16, false),
        Field::new("weight", DataType::Float32, false),
    ];
    if with_logits {
        let item = Field::new("item", DataType::Float32, true);
        fields.push(Field::new("logits", DataType::List(Arc::new(item)), false));
    }
    Arc::new(Schema::new(fields))
}

/// The columns there always are, in the order of the schema.
fn columns(epoch: u32, seen: &[(u32, Observation)]) -> Vec<ArrayRef> {
    let float = |pick: fn(&Observation) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(seen.iter().map(|(_, it)| pick(it))))
    };
    let class = |pick: fn(&Observation) -> ClassId| -> ArrayRef {
        Arc::new(UInt16Array::from_iter_values(seen.iter().map(|(_, it)| pick(it).0)))
    };
    vec![
        Arc::new(UInt32Array::from_iter_values(seen.iter().map(|(row, _)| *row))),
        Arc::new(UInt32Array::from(vec![epoch; seen.len()])),
        class(|it| it.label),
        float(|it| it.margin),
        Arc::new(seen.iter().map(|(_, it)| it.label_aware_margin).collect::<Float32Array>()),
        float(|it| it.p_label),
        class(|it| it.predicted),
        float(|it| it.weight),
    ]
}

fn lists<'a>(rows: impl Iterator<Item = &'a Vec<f32>>) -> ArrayRef {
    let mut lists = ListBuilder::new(PrimitiveBuilder::<Float32Type>::new());
    for row in rows {
        lists.values().append_slice(row);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests;
