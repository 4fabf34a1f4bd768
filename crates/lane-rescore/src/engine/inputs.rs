//! The files of a request, each seen to be a log of a training before any line is read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::DataType;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use lane_data::{DataError, decoder, read};

use crate::epochs::Epochs;
use crate::error::RescoreError;

/// The key of a file's metadata that names the epochs of its data map, as `FIRST-LAST`.
const MAP_EPOCHS: &str = "lane.map_epochs";

/// The file of dynamics in a run folder.
const DYNAMICS: &str = "dynamics.parquet";

/// The columns that scores are made of, with the types lane writes; others need to fit into these.
pub(super) const COLUMNS: [(&str, DataType); 8] = [
    ("row", DataType::UInt32),
    ("epoch", DataType::UInt32),
    ("label", DataType::UInt16),
    ("margin", DataType::Float32),
    ("label_aware_margin", DataType::Float32),
    ("p_label", DataType::Float32),
    ("predicted", DataType::UInt16),
    ("weight", DataType::Float32),
];

/// A log without an auxiliary network may leave it out.
const OPTIONAL: &str = "label_aware_margin";

/// Files that can be scored.
#[derive(Debug)]
pub(super) struct Inputs {
    files: Vec<PathBuf>,
    map_epochs: Vec<Option<Epochs>>,
}

impl Inputs {
    /// Finds the files behind `paths` and reads their footers; a file named twice counts once.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, RescoreError> {
        let mut files = Vec::new();
        for path in paths {
            files.append(&mut files_of(path)?);
        }
        files.sort();
        files.dedup();
        let map_epochs = files.iter().map(|file| checked(file)).collect::<Result<_, _>>()?;
        Ok(Self { files, map_epochs })
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The epochs that the files name for the data map, where they name the same.
    pub(super) fn map_epochs(&self) -> Result<Option<Epochs>, RescoreError> {
        let mut pairs = self.files.iter().zip(self.map_epochs.iter().copied());
        let Some((path, epochs)) = pairs.next() else { return Ok(None) };
        match pairs.find(|(_, others)| *others != epochs) {
            Some((other, others)) => {
                let (path, other) = (path.clone(), other.clone());
                Err(RescoreError::OtherEpochs { path, epochs, other, others })
            }
            None => Ok(epochs),
        }
    }

    /// The first file that does not decode to its end; an engine that fails on one does not name it.
    pub(super) fn damage(&self) -> Option<RescoreError> {
        let damaged = |file: &PathBuf| {
            let found = decoder::catch(|| decode(file)).unwrap_or_else(|| Err("damage".into()));
            Some(not_dynamics(file, found.err()?, "a whole Parquet file".into()))
        };
        self.files.iter().find_map(damaged)
    }
}

/// Reads every batch of a file; what failed where one cannot be read.
fn decode(file: &Path) -> Result<(), String> {
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| error.to_string())?;
    let mut batches = builder.build().map_err(|error| error.to_string())?;
    batches.try_for_each(|batch| batch.map(drop)).map_err(|error| error.to_string())
}

/// The file itself; of a folder its `dynamics.parquet`, else every `.parquet` file in it.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, RescoreError> {
    let whole = path.canonicalize().map_err(RescoreError::io("read", path))?;
    if !whole.is_dir() {
        return Ok(vec![whole]);
    }
    let dynamics = whole.join(DYNAMICS);
    if dynamics.is_file() {
        return Ok(vec![dynamics]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&whole).map_err(RescoreError::io("read", path))? {
        let file = entry.map_err(RescoreError::io("read", path))?.path();
        if file.is_file() && file.extension().is_some_and(|it| it == "parquet") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(RescoreError::NoFiles { path: path.into() });
    }
    Ok(files)
}

/// The epochs of the file's data map, once it is seen to be sound and its columns those of dynamics.
fn checked(path: &Path) -> Result<Option<Epochs>, RescoreError> {
    let no_parquet = |found: String| not_dynamics(path, found, "a Parquet file".into());
    read::parquet_batch_rows(path).map_err(|error| match error {
        DataError::Read { source, .. } => RescoreError::io("read", path)(source),
        DataError::Parquet { reason, .. } => no_parquet(reason),
        other => no_parquet(other.to_string()),
    })?;
    let file = File::open(path).map_err(RescoreError::io("read", path))?;
    let metadata =
        decoder::catch(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))
            .ok_or_else(|| no_parquet("types of columns that no decoder knows".into()))?
            .map_err(|error| no_parquet(error.to_string()))?;
    for (name, wanted) in COLUMNS {
        let Some((_, field)) = metadata.schema().column_with_name(name) else {
            if name == OPTIONAL {
                continue;
            }
            let names: Vec<_> =
                metadata.schema().fields().iter().map(|it| it.name().as_str()).collect();
            return Err(not_dynamics(
                path,
                format!("columns {}", names.join(", ")),
                format!("a column `{name}`"),
            ));
        };
        let found = field.data_type();
        let fits = if wanted.is_integer() { found.is_integer() } else { found.is_floating() };
        if !fits {
            return Err(not_dynamics(path, format!("`{name}` as {found}"), wanted.to_string()));
        }
    }
    Ok(map_epochs(&metadata))
}

fn map_epochs(metadata: &ArrowReaderMetadata) -> Option<Epochs> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata()?;
    let value = pairs.iter().find(|pair| pair.key == MAP_EPOCHS)?.value.as_deref()?;
    let (first, last) = value.split_once('-')?;
    Some(Epochs { first: first.parse().ok()?, last: last.parse().ok()? })
}

fn not_dynamics(path: &Path, found: String, expected: String) -> RescoreError {
    RescoreError::NotDynamics { path: path.into(), found, expected }
}
