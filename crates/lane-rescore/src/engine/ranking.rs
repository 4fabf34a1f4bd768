//! The ranking as a file, which has its name only once it is whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use super::rows;
use crate::error::RescoreError;

/// Rows of a group of the Parquet file; each group is held in memory until it is full.
const ROW_GROUP: usize = 1 << 17;

/// A ranking that is being written.
pub(super) struct Ranking {
    path: PathBuf,
    format: Format,
    schema: SchemaRef,
    n_rows: u64,
    n_looks: u64,
    force: bool,
}

enum Format {
    Csv(csv::Writer<NamedTempFile>),
    Parquet(ArrowWriter<NamedTempFile>),
}

impl Ranking {
    /// Begins a file beside `path`, whose ending says which format it is.
    pub(super) fn create(path: &Path, force: bool) -> Result<Self, RescoreError> {
        let is_csv = match path.extension().and_then(|it| it.to_str()) {
            Some("csv") => true,
            Some("parquet") => false,
            _ => {
                return Err(RescoreError::Setting {
                    setting: "out",
                    found: format!("`{}`", path.display()),
                    expected: "a name that ends in .csv or .parquet",
                });
            }
        };
        if path.exists() && !force {
            return Err(RescoreError::Exists { path: path.into() });
        }
        let schema = ranked_schema();
        let file = tempfile::Builder::new()
            .prefix(".lane-")
            .tempfile_in(folder_of(path))
            .map_err(RescoreError::io("write", path))?;
        let format = if is_csv {
            Format::Csv(csv::Writer::new(file))
        } else {
            Format::Parquet(parquet(file, &schema).map_err(|it| failed(path, it))?)
        };
        Ok(Self { path: path.into(), format, schema, n_rows: 0, n_looks: 0, force })
    }

    /// The folder it will lie in.
    pub(super) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    pub(super) fn n_looks(&self) -> u64 {
        self.n_looks
    }

    /// Adds the next rows, with their ranks before them.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), RescoreError> {
        let path = self.path.clone();
        let first = self.n_rows + 1;
        self.n_rows += rows.num_rows() as u64;
        let epochs = rows.column_by_name("epochs").and_then(|it| it.as_any().downcast_ref());
        let epochs = epochs.map_or(&[][..], |it: &UInt32Array| it.values());
        self.n_looks += epochs.iter().map(|n| u64::from(*n)).sum::<u64>();
        let ranks: ArrayRef = Arc::new(UInt64Array::from_iter_values(first..=self.n_rows));
        let columns = std::iter::once(ranks).chain(rows.columns().iter().cloned()).collect();
        let rows = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| failed(&path, error))?;
        match &mut self.format {
            Format::Csv(writer) => writer.write(&rows).map_err(|error| failed(&path, error)),
            Format::Parquet(writer) => writer.write(&rows).map_err(|error| failed(&path, error)),
        }
    }

    /// Ends the file and gives it its name.
    pub(super) fn publish(self) -> Result<PathBuf, RescoreError> {
        let path = self.path;
        let file = match self.format {
            Format::Csv(writer) => writer.into_inner(),
            Format::Parquet(writer) => writer.into_inner().map_err(|error| failed(&path, error))?,
        };
        let write = || RescoreError::io("write", &path);
        readable(file.as_file()).map_err(write())?;
        let named = if self.force { file.persist(&path) } else { file.persist_noclobber(&path) };
        named.map_err(|error| write()(error.error))?;
        Ok(path)
    }
}

/// A temporary file is its owner's alone; a result is readable as any other.
fn readable(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn ranked_schema() -> SchemaRef {
    let rank = Arc::new(Field::new("rank", DataType::UInt64, false));
    let fields: Vec<_> =
        std::iter::once(rank).chain(rows::schema().fields().iter().cloned()).collect();
    Arc::new(Schema::new(fields))
}

fn parquet(
    file: NamedTempFile,
    schema: &SchemaRef,
) -> Result<ArrowWriter<NamedTempFile>, datafusion::parquet::errors::ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    ArrowWriter::try_new(file, schema.clone(), Some(properties))
}

fn failed(path: &Path, error: impl std::fmt::Display) -> RescoreError {
    RescoreError::io("write", path)(std::io::Error::other(error.to_string()))
}
