//! Training dynamics: what the classifier said of every row in every epoch.
//!
//! One Parquet row group per epoch, one line per row seen in it: `row, epoch, label, margin,
//! label_aware_margin, p_label, predicted, weight`, and with `save_logits` the list `logits`. Values
//! are those of the training pass itself (dropout on), before the step's update;
//! `label_aware_margin` is null without an auxiliary network. The file's metadata names the epochs
//! that the data map is made of ([`MAP_EPOCHS`]).

mod mean_probabilities;
pub(crate) mod read;

use std::path::Path;
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

use crate::error::TrainError;
use crate::run_folder::publish;

pub use mean_probabilities::MeanProbabilities;
pub use read::{DynamicsReader, SeenEpoch};

/// The key of the file's metadata that names the epochs of the data map, as `FIRST-LAST`.
pub const MAP_EPOCHS: &str = "lane.map_epochs";

/// What was seen of one row in one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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

/// Collects an epoch, then appends it to the file; also keeps each row's mean class probabilities
/// and its place on the data map.
pub struct Dynamics {
    writer: ArrowWriter<tempfile::NamedTempFile>,
    schema: Arc<Schema>,
    path: std::path::PathBuf,
    epoch: Vec<Option<Observation>>,
    logits: Option<Vec<Vec<f32>>>,
    mean_probabilities: MeanProbabilities,
    current: TrainingMap,
    whole: Option<TrainingMap>,
}

impl Dynamics {
    /// Training rows.
    pub fn n_rows(&self) -> usize {
        self.epoch.len()
    }

    /// Begins the file at `path` for `n_rows` training rows.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if its folder cannot be written to.
    pub fn create(
        path: &Path,
        n_rows: usize,
        n_classes: usize,
        config: DynamicsConfig,
    ) -> Result<Self, TrainError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".lane-")
            .tempfile_in(folder)
            .map_err(TrainError::io("write", path))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = schema(config.save_logits);
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|error| failed(path, error))?;
        Ok(Self {
            writer,
            schema,
            path: path.into(),
            epoch: vec![None; n_rows],
            logits: config.save_logits.then(|| vec![Vec::new(); n_rows]),
            mean_probabilities: MeanProbabilities::new(n_rows, n_classes),
            current: TrainingMap::new(n_rows, config.map)?,
            whole: None,
        })
    }

    /// Where each row lies, by the epochs since the last [`reset_map`](Self::reset_map).
    pub fn map(&self) -> &DataMap {
        &self.current.map
    }

    /// Begins the map anew: fresh networks have nothing to do with what others said.
    pub fn reset_map(&mut self) {
        if self.current.map.is_complete() {
            self.whole = Some(self.current.clone());
        }
        self.current.reset();
    }

    /// Notes what was seen of a row, with its logits over the classes of the data.
    pub fn observe(&mut self, row: RowId, observation: Observation, logits: &[f32]) {
        self.epoch[row.index()] = Some(observation);
        if let Some(kept) = &mut self.logits {
            kept[row.index()] = logits.to_vec();
        }
        self.mean_probabilities.add(row, logits);
    }

    /// Appends the epoch (from 1, counted through all phases) and forgets it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`]; [`TrainError::Metrics`] if the epoch does not follow the one before.
    pub fn end_epoch(&mut self, epoch: u32) -> Result<(), TrainError> {
        let seen: Vec<(u32, Observation)> = self
            .epoch
            .iter_mut()
            .zip(0..)
            .filter_map(|(slot, row)| slot.take().map(|it| (row, it)))
            .collect();
        self.current.add(epoch, &seen)?;
        let mut columns = columns(epoch, &seen);
        if let Some(logits) = &self.logits {
            columns.push(lists(seen.iter().map(|(row, _)| &logits[*row as usize])));
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| failed(&self.path, error))?;
        self.writer.write(&batch).map_err(|error| failed(&self.path, error))?;
        self.writer.flush().map_err(|error| failed(&self.path, error))
    }

    /// Puts the file in its place and hands back what the epochs came to.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn finish(mut self) -> Result<Summary, TrainError> {
        let last_whole = match self.whole {
            Some(whole) if !self.current.map.is_complete() => whole,
            _ => self.current,
        };
        if let Some((first, last)) = last_whole.epochs {
            let value = KeyValue::new(MAP_EPOCHS.into(), format!("{first}-{last}"));
            self.writer.append_key_value_metadata(value);
        }
        let file = self.writer.into_inner().map_err(|error| failed(&self.path, error))?;
        publish(file, &self.path).map_err(TrainError::io("write", self.path))?;
        Ok(Summary { means: self.mean_probabilities, last_whole })
    }
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
