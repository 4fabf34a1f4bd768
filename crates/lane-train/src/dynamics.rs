//! Training dynamics: what the classifier said of every row in every epoch.
//!
//! One Parquet row group per epoch, one line per row seen in it: `row, epoch, label, margin,
//! label_aware_margin, p_label, predicted, weight`. Values are those of the training pass itself
//! (dropout on), before the step's update; `label_aware_margin` is null without an auxiliary network.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::cartography::{DataMap, Look, MapConfig};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::TrainError;
use crate::run_folder::publish;

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

/// Collects an epoch, then appends it to the file; also keeps each row's mean class probabilities.
pub struct Dynamics {
    writer: ArrowWriter<tempfile::NamedTempFile>,
    path: std::path::PathBuf,
    epoch: Vec<Option<Observation>>,
    mean_probabilities: MeanProbabilities,
    map: DataMap,
    map_epoch: u32,
}

impl Dynamics {
    /// Begins the file at `path` for `n_rows` training rows.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if its folder cannot be written to.
    pub fn create(
        path: &Path,
        n_rows: usize,
        n_classes: usize,
        map: MapConfig,
    ) -> Result<Self, TrainError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".lane-")
            .tempfile_in(folder)
            .map_err(TrainError::io("write", path))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema(), Some(properties))
            .map_err(|error| failed(path, error))?;
        let mean_probabilities = MeanProbabilities::new(n_rows, n_classes);
        Ok(Self {
            writer,
            path: path.into(),
            epoch: vec![None; n_rows],
            mean_probabilities,
            map: DataMap::new(n_rows, map)?,
            map_epoch: 0,
        })
    }

    /// Where each row lies, by the epochs since the last [`reset_map`](Self::reset_map).
    pub fn map(&self) -> &DataMap {
        &self.map
    }

    /// Begins the map anew.
    pub fn reset_map(&mut self) {
        self.map.reset();
        self.map_epoch = 0;
    }

    /// Notes what was seen of a row, with its logits over the classes of the data.
    pub fn observe(&mut self, row: RowId, observation: Observation, logits: &[f32]) {
        self.epoch[row.index()] = Some(observation);
        self.mean_probabilities.add(row, logits);
    }

    /// Appends the epoch (from 1, counted through all phases) and forgets it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn end_epoch(&mut self, epoch: u32) -> Result<(), TrainError> {
        let seen: Vec<(u32, Observation)> = self
            .epoch
            .iter_mut()
            .zip(0..)
            .filter_map(|(slot, row)| slot.take().map(|it| (row, it)))
            .collect();
        for (row, it) in &seen {
            let look = Look { p_label: f64::from(it.p_label), correct: it.predicted == it.label };
            self.map.record(RowId(*row), self.map_epoch, look)?;
        }
        self.map_epoch += 1;
        let float = |pick: fn(&Observation) -> f32| -> ArrayRef {
            Arc::new(
                seen.iter()
                    .map(|(_, it)| pick(it))
                    .collect::<Vec<f32>>()
                    .into_iter()
                    .map(Some)
                    .collect::<Float32Array>(),
            )
        };
        let class = |pick: fn(&Observation) -> ClassId| -> ArrayRef {
            Arc::new(seen.iter().map(|(_, it)| pick(it).0).collect::<UInt16Array>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(seen.iter().map(|(row, _)| *row).collect::<UInt32Array>()),
            Arc::new(UInt32Array::from(vec![epoch; seen.len()])),
            class(|it| it.label),
            float(|it| it.margin),
            Arc::new(seen.iter().map(|(_, it)| it.label_aware_margin).collect::<Float32Array>()),
            float(|it| it.p_label),
            class(|it| it.predicted),
            float(|it| it.weight),
        ];
        let batch =
            RecordBatch::try_new(schema(), columns).map_err(|error| failed(&self.path, error))?;
        self.writer.write(&batch).map_err(|error| failed(&self.path, error))?;
        self.writer.flush().map_err(|error| failed(&self.path, error))
    }

    /// Puts the file in its place and hands back each row's mean class probabilities.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn finish(self) -> Result<MeanProbabilities, TrainError> {
        let file = self.writer.into_inner().map_err(|error| failed(&self.path, error))?;
        publish(file, &self.path).map_err(TrainError::io("write", self.path))?;
        Ok(self.mean_probabilities)
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> TrainError {
    TrainError::io("write", path)(std::io::Error::other(error.to_string()))
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt32, false),
        Field::new("epoch", DataType::UInt32, false),
        Field::new("label", DataType::UInt16, false),
        Field::new("margin", DataType::Float32, false),
        Field::new("label_aware_margin", DataType::Float32, true),
        Field::new("p_label", DataType::Float32, false),
        Field::new("predicted", DataType::UInt16, false),
        Field::new("weight", DataType::Float32, false),
    ]))
}

/// Class probabilities of every row, averaged over its visits: what the network believed before it
/// had time to memorise the label.
#[derive(Clone, Debug)]
pub struct MeanProbabilities {
    sums: Vec<f32>,
    n_classes: usize,
}

impl MeanProbabilities {
    fn new(n_rows: usize, n_classes: usize) -> Self {
        Self { sums: vec![0.0; n_rows * n_classes], n_classes }
    }

    fn add(&mut self, row: RowId, logits: &[f32]) {
        let sums = &mut self.sums[row.index() * self.n_classes..][..self.n_classes];
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
        for (sum, logit) in sums.iter_mut().zip(logits) {
            *sum += (logit - highest).exp() / total;
        }
    }

    /// The most probable class of a row, ties to the lowest.
    pub fn suggestion(&self, row: RowId) -> ClassId {
        let sums = &self.sums[row.index() * self.n_classes..][..self.n_classes];
        let best = sums
            .iter()
            .enumerate()
            .fold(0, |best, (class, sum)| if *sum > sums[best] { class } else { best });
        ClassId(best as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    #[test]
    fn rows_come_back_in_order_with_nulls_where_there_is_no_auxiliary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dynamics.parquet");
        let mut dynamics = Dynamics::create(&path, 3, 2, MapConfig::default()).unwrap();
        let seen = |margin| Observation {
            label: ClassId(1),
            margin,
            label_aware_margin: None,
            p_label: 0.5,
            predicted: ClassId(0),
            weight: 1.0,
        };
        dynamics.observe(RowId(2), seen(-2.0), &[2.0, 0.0]);
        dynamics.observe(RowId(0), seen(1.0), &[0.0, 1.0]);
        dynamics.end_epoch(1).unwrap();
        let means = dynamics.finish().unwrap();
        assert_eq!(
            (means.suggestion(RowId(2)), means.suggestion(RowId(0))),
            (ClassId(0), ClassId(1))
        );
        let file = std::fs::File::open(&path).unwrap();
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batch = reader.next().unwrap().unwrap();
        let rows = batch.column(0).as_any().downcast_ref::<UInt32Array>().unwrap();
        assert_eq!(rows.values(), &[0, 2]);
        assert_eq!(batch.column(4).null_count(), 2);
    }
}
